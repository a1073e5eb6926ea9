// What Linux has and Swift's Glibc module leaves out: that module is built without _GNU_SOURCE, so
// what the headers hide behind it is declared here once more, as in the manual pages.
#ifndef CLINUX_H
#define CLINUX_H

#include <features.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>

// accept(2)
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

// pipe(2)
int pipe2(int ends[2], int flags);

// environ(7)
char **process_environment(void);

// unix(7): what SO_PEERCRED fills in.
struct peer_credentials {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

// pidfd_open(2)
int open_process(pid_t process);

// How a child process is to be started.
struct spawn_request {
  // A path, or a name that is looked up in PATH.
  const char *program;
  char *const *arguments;
  char *const *environment;
  // What becomes its descriptors 0, 1 and 2; -1 is this process's own. Each is above 2.
  int input, output, error;
  // Whether it leads a process group of its own.
  int leads_group;
  // The signal that it gets when this thread ends; 0 is none.
  int death_signal;
};

// Starts a child that blocks no signal and ignores those that this process ignores, but SIGPIPE.
// Returns 0, or the error number of what failed: then there is no child.
int spawn_process(const struct spawn_request *request, pid_t *child);

#endif
