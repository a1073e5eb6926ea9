// What many connections cost an agent:  crowd SOCKET AGENT_PID CONNECTIONS idle|poll|wait SECONDS
// Each connection does nothing, or asks once a second whether a unit is ready, or waits for one by push.
// Prints the agent's resident bytes for each connection, and how often it woke up and how many
// milliseconds of processor time it took in that time.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const char *original = "/coder.agentsocket.v1.AgentSocket/";
static const char *own = "/unitsync.v1.UnitSync/";

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int frame(char *bytes, int control, int stream, int message, const char *data, int length) {
  bytes[0] = control, bytes[1] = stream, bytes[2] = message, bytes[3] = length;
  memcpy(bytes + 4, data, length);
  return 4 + length;
}

// Everything in a call is shorter than 128 bytes.
static void call(int descriptor, int stream, const char *service, const char *method, const char *a,
                 const char *b) {
  char bytes[512], path[128], request[128];
  int length = 0, size = sprintf(request, "\n%c%s", (int)strlen(a), a);
  if (b) size += sprintf(request + size, "\x12%c%s", (int)strlen(b), b);
  sprintf(path, "%s%s", service, method);
  length += frame(bytes + length, 0x03, stream, 1, path, strlen(path));
  length += frame(bytes + length, 0x05, stream, 2, request, size);
  length += frame(bytes + length, 0x0d, stream, 3, "", 0);
  if (write(descriptor, bytes, length) != length) die("write");
}

static void read_answer(int descriptor) {
  unsigned char answer[256];
  int count = 0;
  while (count < 8) {
    int more = read(descriptor, answer + count, sizeof answer - count);
    if (more <= 0 || answer[0] != 0x05) {
      fprintf(stderr, "the agent refused\n");
      exit(1);
    }
    count += more;
  }
}

// Names with values of /proc/PID/status.
static long status(int process, const char *name) {
  char path[64], line[256];
  long value = -1;
  sprintf(path, "/proc/%d/status", process);
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, name, strlen(name)) == 0) value = atol(line + strlen(name) + 1);
  }
  fclose(file);
  return value;
}

static long wake_ups(int process) {
  return status(process, "voluntary_ctxt_switches") + status(process, "nonvoluntary_ctxt_switches");
}

static double processor_time(int process) {
  char path[64];
  double nanoseconds;
  sprintf(path, "/proc/%d/schedstat", process);
  FILE *file = fopen(path, "r");
  if (!file || fscanf(file, "%lf", &nanoseconds) != 1) die(path);
  fclose(file);
  return nanoseconds / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: crowd SOCKET AGENT_PID CONNECTIONS idle|poll|wait SECONDS\n");
    return 64;
  }
  int agent = atoi(argv[2]), connections = atoi(argv[3]), seconds = atoi(argv[5]);
  char mode = argv[4][0];
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int *descriptors = calloc(connections, sizeof *descriptors);
  // The units are there before the memory is measured: they are not the connections'.
  int first = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(first, (struct sockaddr *)&address, sizeof address) == -1) die("connect");
  call(first, 1, original, "SyncWant", "crowd", "never");
  read_answer(first);
  long before = status(agent, "VmRSS");
  for (int index = 0; index < connections; index++) {
    int descriptor = descriptors[index] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == -1) die("connect");
    call(descriptor, 1, original, "SyncReady", "crowd", NULL);
    read_answer(descriptor);
    if (mode == 'w') call(descriptor, 2, own, "Wait", "crowd", NULL);
  }
  usleep(500000);
  long memory = (status(agent, "VmRSS") - before) * 1024 / connections;
  long begin_wakes = wake_ups(agent);
  double begin = now(), begin_time = processor_time(agent);
  for (int round = 0; round < seconds; round++) {
    for (int index = 0; mode == 'p' && index < connections; index++) {
      call(descriptors[index], 2 + round, original, "SyncReady", "crowd", NULL);
      read_answer(descriptors[index]);
    }
    double rest = begin + round + 1 - now();
    if (rest > 0) usleep(rest * 1e6);
  }
  printf("%ld %ld %.1f\n", memory, wake_ups(agent) - begin_wakes,
         processor_time(agent) - begin_time);
  return 0;
}
