#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int open_process(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

// PIDFD_GET_INFO, which the headers of older systems do not have; as in linux/pidfd.h.
struct process_information {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t exit_code;
};

int wait_status_of_process(int process_descriptor, int *status) {
  const uint64_t has_exit_code = 1 << 3;
  struct process_information information = {.mask = has_exit_code};
  if (ioctl(process_descriptor, _IOWR(0xff, 11, struct process_information), &information) == -1)
    return -1;
  if (!(information.mask & has_exit_code)) return -1;
  *status = information.exit_code;
  return 0;
}

char **process_environment(void) { return environ; }

static int replace(int descriptor, int standard) {
  return descriptor < 0 || dup2(descriptor, standard) == standard;
}

// dup2 leaves a descriptor alone that has the number already, and it would not be inherited.
static int pass(int descriptor, int number) {
  if (descriptor < 0) return 1;
  if (descriptor == number) return fcntl(number, F_SETFD, 0) != -1;
  return dup2(descriptor, number) == number;
}

// Whether the gate was opened, and not closed.
static int wait_for_gate(int gate) {
  char byte;
  ssize_t count;
  do count = read(gate, &byte, 1);
  while (count == -1 && errno == EINTR);
  return count == 1;
}

// In the child, maybe in the parent's memory: nothing here may allocate, or change what the parent sees.
static void become(const struct spawn_request *request, pid_t parent, int gate) {
  // exec resets handlers, but between unblocking and exec they would run here. SIGPIPE is ignored by
  // this program for itself only.
  for (int number = 1; number < _NSIG; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) == -1) continue;
    if (action.sa_handler == SIG_IGN && number != SIGPIPE) continue;
    if (action.sa_handler == SIG_DFL) continue;
    action = (struct sigaction){.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
  }
  if (request->leads_group && setpgid(0, 0) == -1) return;
  if (request->death_signal) {
    if (prctl(PR_SET_PDEATHSIG, request->death_signal) == -1) return;
    // It may have ended before it was asked for.
    if (getppid() != parent) _exit(128 + request->death_signal);
  }
  if (gate != -1 && !wait_for_gate(gate)) _exit(0);
  if (!replace(request->input, STDIN_FILENO)) return;
  if (!replace(request->output, STDOUT_FILENO)) return;
  if (!replace(request->error, STDERR_FILENO)) return;
  if (!pass(request->passed, request->passed_number)) return;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvpe(request->program, request->arguments, request->environment);
}

static void write_report(int descriptor) {
  int number = errno;
  while (write(descriptor, &number, sizeof number) == -1 && errno == EINTR) {
  }
}

// What failed in the child; 0 if it runs its program, or was killed before.
static int read_report(int descriptor, pid_t process) {
  int failure = 0;
  while (read(descriptor, &failure, sizeof failure) == -1 && errno == EINTR) {
  }
  if (failure) {
    while (waitpid(process, NULL, 0) == -1 && errno == EINTR) {
    }
  }
  return failure;
}

// What failed in the child comes through a pipe that a successful exec closes. Memory would do with
// vfork, but not where a sanitizer makes a fork of it. The descriptor that is passed must not take the
// place of its writing end.
static int open_report(const struct spawn_request *request, int report[2]) {
  if (pipe2(report, O_CLOEXEC) == -1) return errno;
  if (request->passed < 0 || report[1] != request->passed_number) return 0;
  int moved = fcntl(report[1], F_DUPFD_CLOEXEC, request->passed_number + 1);
  int failure = moved == -1 ? errno : 0;
  close(report[1]);
  report[1] = moved;
  if (failure) close(report[0]);
  return failure;
}

int spawn_process(const struct spawn_request *request, pid_t *child) {
  int report[2];
  int failure = open_report(request, report);
  if (failure) return failure;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t parent = getpid();
  pid_t process = vfork();
  if (process == 0) {
    become(request, parent, -1);
    write_report(report[1]);
    _exit(127);
  }
  failure = process == -1 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (process > 0) failure = read_report(report[0], process);
  close(report[0]);
  *child = process;
  return failure;
}

int spawn_gated_process(const struct spawn_request *request, struct gated_process *child) {
  int report[2], gate[2];
  int failure = open_report(request, report);
  if (failure) return failure;
  // Sockets, because writing to a pipe whose reader was killed is a signal.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) == -1) {
    failure = errno;
    close(report[0]);
    close(report[1]);
    return failure;
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t parent = getpid();
  // Not vfork, which lets the parent go on only when the program runs.
  pid_t process = fork();
  if (process == 0) {
    close(gate[0]);
    close(report[0]);
    become(request, parent, gate[1]);
    write_report(report[1]);
    _exit(127);
  }
  failure = process == -1 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  close(gate[1]);
  if (failure) {
    close(report[0]);
    close(gate[0]);
    return failure;
  }
  // The child does so too, but a signal for the group may be sent before it has come to that.
  if (request->leads_group) setpgid(process, process);
  *child = (struct gated_process){process, gate[0], report[0]};
  return 0;
}

int open_gate(const struct gated_process *child) {
  while (send(child->gate, "", 1, MSG_NOSIGNAL) == -1 && errno == EINTR) {
  }
  close(child->gate);
  int failure = read_report(child->report, child->process);
  close(child->report);
  return failure;
}
