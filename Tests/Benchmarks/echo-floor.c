// The floor of serving: an epoll loop that answers each ping with the bytes of a success, and knows
// nothing else. Usage: echo-floor SOCKET. Prints one line when it listens.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ping.h"

static void die(const char *what) {
  perror(what);
  exit(1);
}

// What of a request has come so far, for each descriptor.
static unsigned char partial[1 << 16][PING_BYTES];
static int partial_bytes[1 << 16];

static void serve(int descriptor) {
  static unsigned char input[64 << 10], output[(64 << 10) / PING_BYTES * PONG_BYTES + PONG_BYTES];
  int kept = partial_bytes[descriptor], length = 0, offset = 0;
  memcpy(input, partial[descriptor], kept);
  ssize_t count = read(descriptor, input + kept, sizeof input - kept);
  if (count <= 0) {
    if (count == -1 && errno == EAGAIN) return;
    close(descriptor);
    partial_bytes[descriptor] = 0;
    return;
  }
  for (count += kept; count - offset >= PING_BYTES; offset += PING_BYTES) {
    write_pong(output + length, input + offset + 1);
    length += PONG_BYTES;
  }
  memcpy(partial[descriptor], input + offset, partial_bytes[descriptor] = count - offset);
  for (int done = 0; done < length;) {
    ssize_t written = write(descriptor, output + done, length - done);
    if (written > 0) done += written;
    else if (errno != EAGAIN) return;
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 64;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1) die("bind");
  if (listen(listener, SOMAXCONN) == -1) die("listen");
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, 64, -1);
    for (int index = 0; index < count; index++) {
      int descriptor = events[index].data.fd;
      if (descriptor != listener) {
        serve(descriptor);
        continue;
      }
      int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (client == -1) continue;
      event = (struct epoll_event){.events = EPOLLIN, .data.fd = client};
      epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
    }
  }
}
