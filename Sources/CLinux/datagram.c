#define _GNU_SOURCE
#include "CLinux.h"

#include <string.h>
#include <sys/socket.h>

ssize_t receive_datagram(
    int descriptor, void *buffer, size_t size, struct peer_credentials *sender) {
  // There is no room for descriptors: those that are sent along are closed.
  union {
    char bytes[CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr header;
  } control;
  struct iovec vector = {buffer, size};
  struct msghdr message = {
      .msg_iov = &vector,
      .msg_iovlen = 1,
      .msg_control = &control,
      .msg_controllen = sizeof control,
  };
  *sender = (struct peer_credentials){0, (uid_t)-1, (gid_t)-1};
  ssize_t count = recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC);
  if (count == -1) return -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
    memcpy(sender, CMSG_DATA(header), sizeof *sender);
  }
  return count;
}
