// How long a blocked script takes to go on:  wake ROUNDS SOCKET CODER STRATEGY
//
// From sending SyncComplete of the last dependency to the exit of a blocked
// `coder exp sync start --wait STRATEGY`, beside the floor: from writing a byte into a pipe to the exit of
// a process that was blocked reading it, in alternate rounds. Prints both in milliseconds, a line a
// round.
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

static double wake_round(int descriptor, const char *coder, const char *strategy, int number) {
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
    execl(coder, coder, "exp", "sync", "start", unit, "--wait", strategy, (char *)0);
    _exit(127);
  }
  close(output[1]);
  // It says that it waits; then it is given the time to do so, and not always the same one.
  if (read(output[0], line, sizeof line) <= 0) die("coder");
  usleep(20000 + rand() % 1000 * (strategy[1] == 'o' ? 1000 : 1));
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

int main(int argc, char **argv) {
  if (argc != 5 || atoi(argv[1]) < 1) {
    fprintf(stderr, "usage: wake ROUNDS SOCKET CODER STRATEGY\n");
    return 64;
  }
  setenv("CODER_AGENT_SOCKET_PATH", argv[2], 1);
  for (int round = 0; round < atoi(argv[1]); round++) {
    int descriptor = dial(argv[2]);
    double ours = wake_round(descriptor, argv[3], argv[4], round + getpid());
    close(descriptor);
    printf("%.3f %.3f\n", ours, pipe_round());
  }
  return 0;
}
