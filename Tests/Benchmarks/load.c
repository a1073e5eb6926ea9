// Calls Ping on many connections, with some calls outstanding on each, and prints what it took:
//   load SOCKET SERVER_PID CONNECTIONS OUTSTANDING CALLS
// prints CALLS_PER_SECOND and the server's processor time for each call in microseconds.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ping.h"

struct connection {
  int descriptor;
  unsigned stream;
  int partial;
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

// The scheduler counts in nanoseconds; what /proc/PID/stat shows are ticks of ten milliseconds.
static double processor_time(int process) {
  char path[64];
  double nanoseconds;
  sprintf(path, "/proc/%d/schedstat", process);
  FILE *file = fopen(path, "r");
  if (!file || fscanf(file, "%lf", &nanoseconds) != 1) die(path);
  fclose(file);
  return nanoseconds / 1e9;
}

static void send_pings(struct connection *connection, int count) {
  static unsigned char bytes[1 << 16];
  int length = 0;
  for (; count > 0; count--, length += PING_BYTES) write_ping(bytes + length, connection->stream++);
  for (int done = 0; done < length;) {
    ssize_t written = write(connection->descriptor, bytes + done, length - done);
    if (written > 0) done += written;
    else if (errno != EAGAIN) die("write");
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: load SOCKET SERVER_PID CONNECTIONS OUTSTANDING CALLS\n");
    return 64;
  }
  int server = atoi(argv[2]), connections = atoi(argv[3]), outstanding = atoi(argv[4]);
  long calls = atol(argv[5]), sent = 0, answered = 0;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  struct connection *all = calloc(connections, sizeof *all);
  int epoll = epoll_create1(0);
  for (int index = 0; index < connections; index++) {
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == -1) die("connect");
    all[index] = (struct connection){descriptor, FIRST_STREAM, 0};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[index]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
  }
  double begin = now(), begin_server = processor_time(server);
  for (int index = 0; index < connections && sent < calls; index++) {
    send_pings(&all[index], outstanding);
    sent += outstanding;
  }
  while (answered < sent) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int index = 0; index < count; index++) {
      struct connection *connection = events[index].data.ptr;
      unsigned char answer[1 << 14];
      ssize_t bytes = read(connection->descriptor, answer, sizeof answer);
      if (bytes <= 0) die("read");
      if (connection->partial == 0 && answer[0] != 0x05) {
        fprintf(stderr, "the server refused a ping\n");
        return 1;
      }
      bytes += connection->partial;
      int more = bytes / PONG_BYTES;
      connection->partial = bytes % PONG_BYTES;
      answered += more;
      if (sent >= calls) continue;
      send_pings(connection, more);
      sent += more;
    }
  }
  double time = now() - begin, server_time = processor_time(server) - begin_server;
  printf("%.0f %.3f\n", answered / time, server_time * 1e6 / answered);
  return 0;
}
