// Runs two commands alternately, from start to exit, and prints the wall times of each and their
// ratio:  compare ROUNDS COMMAND_A [ARG...] -- COMMAND_B [ARG...]
// Times are in microseconds; the ratio is the median of A/B round by round, so that a machine that
// changes its speed changes both.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double run(char **command) {
  struct timespec begin, end;
  posix_spawn_file_actions_t actions;
  pid_t child;
  int status;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  clock_gettime(CLOCK_MONOTONIC, &begin);
  if (posix_spawn(&child, command[0], &actions, NULL, command, environ) != 0) {
    perror(command[0]);
    exit(127);
  }
  waitpid(child, &status, 0);
  clock_gettime(CLOCK_MONOTONIC, &end);
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) {
    fprintf(stderr, "%s: status %d\n", command[0], status);
    exit(1);
  }
  return (end.tv_sec - begin.tv_sec) * 1e6 + (end.tv_nsec - begin.tv_nsec) / 1e3;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static void print(const char *name, double *values, int count, const char *unit) {
  qsort(values, count, sizeof *values, ascending);
  printf("%-8s min %8.2f  median %8.2f  max %8.2f %s\n", name, values[0], values[count / 2],
         values[count - 1], unit);
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 0, separator = 2;
  while (separator < argc && strcmp(argv[separator], "--") != 0) separator++;
  if (rounds < 1 || separator < 3 || separator + 1 >= argc) {
    fprintf(stderr, "usage: compare ROUNDS COMMAND_A [ARG...] -- COMMAND_B [ARG...]\n");
    return 64;
  }
  argv[separator] = NULL;
  double *a = calloc(rounds, sizeof *a), *b = calloc(rounds, sizeof *b);
  double *ratio = calloc(rounds, sizeof *ratio);
  for (int round = -5; round < rounds; round++) {
    double time_a = run(argv + 2), time_b = run(argv + separator + 1);
    if (round < 0) continue;  // warm-up
    a[round] = time_a;
    b[round] = time_b;
    ratio[round] = time_a / time_b;
  }
  print("A", a, rounds, "us");
  print("B", b, rounds, "us");
  print("A/B", ratio, rounds, "");
  return 0;
}
