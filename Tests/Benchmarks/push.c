// Measures what a push wait costs:  push ROUNDS SOCKET AGENT_PID CODER
//
// Latency: from sending SyncComplete of the last dependency to the exit of a blocked
// `coder exp sync start --wait push`, beside the floor: from writing a byte into a pipe to the exit of a
// process that was blocked reading it, in alternate rounds.
//
// Idleness: how often the agent wakes up, and how much processor time it takes, in 3 s during which
// 1,000 connections wait.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *service = "/coder.agentsocket.v1.AgentSocket/";

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int dial(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == -1) die("connect");
  return descriptor;
}

static int frame(char *bytes, int control, int stream, int message, const char *data, int length) {
  bytes[0] = control, bytes[1] = stream, bytes[2] = message, bytes[3] = length;
  memcpy(bytes + 4, data, length);
  return 4 + length;
}

// Sends a call; everything in it is shorter than 128 bytes.
static void call(int descriptor, int stream, const char *path, const char *method, const char *a,
                 const char *b) {
  char bytes[512], text[128], request[128];
  int length = 0, size = 0;
  size += sprintf(request + size, "\n%c%s", (int)strlen(a), a);
  if (b) size += sprintf(request + size, "\x12%c%s", (int)strlen(b), b);
  sprintf(text, "%s%s", path, method);
  length += frame(bytes + length, 0x03, stream, 1, text, strlen(text));
  length += frame(bytes + length, 0x05, stream, 2, request, size);
  length += frame(bytes + length, 0x0d, stream, 3, "", 0);
  if (write(descriptor, bytes, length) != length) die("write");
}

static void read_answer(int descriptor) {
  char answer[256];
  int count = 0;
  // A success is two frames of four bytes; anything else shows in its first byte.
  while (count < 8) {
    int more = read(descriptor, answer + count, sizeof answer - count);
    if (more <= 0 || answer[0] != 0x05) {
      fprintf(stderr, "the agent refused\n");
      exit(1);
    }
    count += more;
  }
}

static double push_round(int descriptor, const char *coder, int number) {
  static int stream = 0;
  char unit[32], dependency[32], line[256];
  int output[2];
  sprintf(unit, "app-%d", number);
  sprintf(dependency, "db-%d", number);
  call(descriptor, stream = stream % 120 + 1, service, "SyncWant", unit, dependency);
  read_answer(descriptor);
  if (pipe2(output, O_CLOEXEC) == -1) die("pipe");
  pid_t child = fork();
  if (child == 0) {
    dup2(output[1], 1);
    execl(coder, coder, "exp", "sync", "start", unit, "--wait", "push", (char *)0);
    _exit(127);
  }
  close(output[1]);
  // It says that it waits; then it is given the time to do so.
  if (read(output[0], line, sizeof line) <= 0) die("coder");
  usleep(20000);
  call(descriptor, stream = stream % 120 + 1, service, "SyncStart", dependency, NULL);
  read_answer(descriptor);
  double begin = now();
  call(descriptor, stream = stream % 120 + 1, service, "SyncComplete", dependency, NULL);
  int status;
  waitpid(child, &status, 0);
  double time = now() - begin;
  read_answer(descriptor);
  if (status != 0) exit(1);
  close(output[0]);
  return time;
}

static double pipe_round(void) {
  int ends[2];
  char byte = 0;
  if (pipe2(ends, O_CLOEXEC) == -1) die("pipe");
  pid_t child = fork();
  if (child == 0) _exit(read(ends[0], &byte, 1) == 1 ? 0 : 1);
  usleep(20000);
  double begin = now();
  if (write(ends[1], &byte, 1) != 1) die("write");
  waitpid(child, NULL, 0);
  double time = now() - begin;
  close(ends[0]);
  close(ends[1]);
  return time;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static double print(const char *name, double *values, int count) {
  qsort(values, count, sizeof *values, ascending);
  printf("%-52s min %6.2f  median %6.2f  p99 %6.2f  max %6.2f ms\n", name, values[0],
         values[count / 2], values[count * 99 / 100], values[count - 1]);
  return values[count / 2];
}

struct usage {
  long switches;
  long ticks;
};

static struct usage usage(int process) {
  struct usage usage = {0, 0};
  char path[64], line[1024];
  sprintf(path, "/proc/%d/status", process);
  FILE *file = fopen(path, "r");
  if (!file) die(path);
  while (fgets(line, sizeof line, file)) {
    long value;
    if (sscanf(line, "voluntary_ctxt_switches: %ld", &value) == 1) usage.switches += value;
    if (sscanf(line, "nonvoluntary_ctxt_switches: %ld", &value) == 1) usage.switches += value;
  }
  fclose(file);
  sprintf(path, "/proc/%d/stat", process);
  file = fopen(path, "r");
  long user, system;
  if (!file || !fgets(line, sizeof line, file) ||
      sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
             &user, &system) != 2)
    die(path);
  fclose(file);
  usage.ticks = user + system;
  return usage;
}

int main(int argc, char **argv) {
  if (argc != 5 || atoi(argv[1]) < 1) {
    fprintf(stderr, "usage: push ROUNDS SOCKET AGENT_PID CODER\n");
    return 64;
  }
  int rounds = atoi(argv[1]), agent = atoi(argv[3]);
  double *push = calloc(rounds, sizeof *push), *floor = calloc(rounds, sizeof *floor);
  setenv("CODER_AGENT_SOCKET_PATH", argv[2], 1);
  for (int round = 0; round < rounds; round++) {
    int descriptor = dial(argv[2]);
    push[round] = push_round(descriptor, argv[4], round);
    close(descriptor);
    floor[round] = pipe_round();
  }
  double ours = print("complete -> exit of a blocked start --wait push", push, rounds);
  double least = print("floor: write -> exit of a process blocked on a pipe", floor, rounds);
  printf("%-52s %.1f\n", "ratio of the medians", ours / least);

  enum { waiters = 1000 };
  for (int index = 0; index < waiters; index++) {
    char unit[32];
    int descriptor = dial(argv[2]);
    sprintf(unit, "idle-%d", index);
    call(descriptor, 1, service, "SyncWant", unit, "never");
    read_answer(descriptor);
    call(descriptor, 2, "/unitsync.v1.UnitSync/", "Wait", unit, NULL);
  }
  usleep(500000);
  struct usage before = usage(agent);
  sleep(3);
  struct usage after = usage(agent);
  printf("%-52s %ld wake-ups, %ld ms of processor time\n", "agent with 1,000 push waiters, in 3 s",
         after.switches - before.switches,
         (after.ticks - before.ticks) * 1000 / sysconf(_SC_CLK_TCK));
  return 0;
}
