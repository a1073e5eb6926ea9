// What Linux has and Swift's Glibc module leaves out: that module is built without _GNU_SOURCE, so
// what the headers hide behind it is declared here once more, as in the manual pages.
#include <features.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>

// accept(2)
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

// unix(7): what SO_PEERCRED fills in.
struct peer_credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
