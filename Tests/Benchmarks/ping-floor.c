// The floor under `coder exp sync ping`: connects to the socket, writes the recorded bytes of the
// call, reads the recorded answer, writes the recorded Close and exits. Built static.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  static const char path[] = "/coder.agentsocket.v1.AgentSocket/Ping";
  static const char close_frame[] = {0x0b, 1, 4, 0};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char request[64], answer[64];
  size_t length = 0, received = 0;
  if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path) return 64;
  strcpy(address.sun_path, argv[1]);
  memcpy(request, "\x03\x01\x01\x26", 4);
  memcpy(request + 4, path, sizeof path - 1);
  length = 4 + sizeof path - 1;
  memcpy(request + length, "\x05\x01\x02\x00\x0d\x01\x03\x00", 8);
  length += 8;
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) return 69;
  if (write(descriptor, request, length) != (ssize_t)length) return 69;
  while (received < 8) {
    ssize_t count = read(descriptor, answer + received, sizeof answer - received);
    if (count <= 0) return 69;
    received += (size_t)count;
  }
  if (memcmp(answer, "\x05\x01\x01\x00\x0d\x01\x02\x00", 8) != 0) return 76;
  if (write(descriptor, close_frame, sizeof close_frame) != sizeof close_frame) return 69;
  return puts("Success") < 0;
}
