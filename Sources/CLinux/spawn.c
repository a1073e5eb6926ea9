#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int open_process(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

char **process_environment(void) { return environ; }

static int replace(int descriptor, int standard) {
  return descriptor < 0 || dup2(descriptor, standard) == standard;
}

// In the child, in the parent's memory: nothing here may allocate, or change what the parent sees.
static void become(const struct spawn_request *request, pid_t parent) {
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
  if (!replace(request->input, STDIN_FILENO)) return;
  if (!replace(request->output, STDOUT_FILENO)) return;
  if (!replace(request->error, STDERR_FILENO)) return;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvpe(request->program, request->arguments, request->environment);
}

int spawn_process(const struct spawn_request *request, pid_t *child) {
  // What failed in the child comes through a pipe that a successful exec closes. Memory would do with
  // vfork, but not where a sanitizer makes a fork of it.
  int report[2];
  if (pipe2(report, O_CLOEXEC) == -1) return errno;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  pid_t parent = getpid();
  pid_t process = vfork();
  if (process == 0) {
    become(request, parent);
    int number = errno;
    while (write(report[1], &number, sizeof number) == -1 && errno == EINTR) {
    }
    _exit(127);
  }
  int failure = process == -1 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (process > 0) {
    while (read(report[0], &failure, sizeof failure) == -1 && errno == EINTR) {
    }
    if (failure) {
      while (waitpid(process, NULL, 0) == -1 && errno == EINTR) {
      }
    }
  }
  close(report[0]);
  *child = process;
  return failure;
}
