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

// How the process that a descriptor of open_process stands for has ended, as wait(2) tells it to its
// parent. Returns -1 while that has not collected it, and before Linux 6.15.
int wait_status_of_process(int process_descriptor, int *status);

// How a child process is to be started.
struct spawn_request {
  // A path, or a name that is looked up in PATH.
  const char *program;
  char *const *arguments;
  char *const *environment;
  // What becomes its descriptors 0, 1 and 2; -1 is this process's own. Each is above 2.
  int input, output, error;
  // What becomes its descriptor passed_number, which is above 2; -1 is nothing.
  int passed, passed_number;
  // Whether it leads a process group of its own.
  int leads_group;
  // The signal that it gets when this thread ends; 0 is none.
  int death_signal;
};

// Starts a child that blocks no signal and ignores those that this process ignores, but SIGPIPE.
// Returns 0, or the error number of what failed: then there is no child.
int spawn_process(const struct spawn_request *request, pid_t *child);

// A child that is there, and does not run its program before its gate is opened.
struct gated_process {
  pid_t process;
  // Closing it, or the end of this process, ends the child without having run anything.
  int gate;
  // What failed in the child comes from here; its end when the program runs.
  int report;
};

// As spawn_process, with a gate.
int spawn_gated_process(const struct spawn_request *request, struct gated_process *child);

// Lets the child run its program, and closes both descriptors. Returns 0, or the error number of what
// failed: then the child has been waited for.
int open_gate(const struct gated_process *child);

// recvmsg(2) on a datagram socket with SO_PASSCRED, whose sender it tells; that of one that the kernel
// does not name is process 0.
ssize_t receive_datagram(
    int descriptor, void *buffer, size_t size, struct peer_credentials *sender);

#endif
