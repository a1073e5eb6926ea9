// Makes calls of the C library fail as the kernel might, in programs named coder: preloaded by FaultTests.
//   FAULT_SEED=n      of calls that may be interrupted, one in three is; of those that may return early, as
//                     many do so; what does not wait may have to be asked again; which ones, n decides
//   FAULT_CALL=name   with FAULT_ERRNO=n: so fails this call, FAULT_COUNT times from the FAULT_FIRST on
//                     (1 and 1). Of reading and writing only that of sockets and pipes counts. The name
//                     may be "file": whatever creates or writes one
//   FAULT_CLOCK=1     the time of day is a day early or late, in turns
//   FAULT_MODES=path  the modes of files that were made, as they are after every call that could change
//                     them, go to this file as lines of "call path octal"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t random_state;
static const char *failing_call, *modes_path;
static int failing_errno, clock_jumps;
static long first_failure = 1, failures = 1, occurrences;

static const char *option(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

static long number(const char *name, long otherwise) {
  const char *value = option(name);
  return value ? atol(value) : otherwise;
}

__attribute__((constructor)) static void begin(int count, char **arguments) {
  const char *program = strrchr(arguments[0], '/');
  if (strcmp(program ? program + 1 : arguments[0], "coder")) return;
  failing_call = option("FAULT_CALL");
  failing_errno = number("FAULT_ERRNO", EIO);
  first_failure = number("FAULT_FIRST", 1);
  failures = number("FAULT_COUNT", 1);
  clock_jumps = number("FAULT_CLOCK", 0);
  modes_path = option("FAULT_MODES");
  random_state = number("FAULT_SEED", 0);
  if (!random_state) return;
  // Programs of one seed have fates of their own.
  for (int index = 1; index < count; index++)
    for (const char *text = arguments[index]; *text; text++)
      random_state = random_state * 31 + (unsigned char)*text;
  random_state |= 1;
}

#define REAL(name)                                \
  static __typeof__(&name) real;                  \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// Below `limit`; the same sequence for the same seed and program.
static unsigned draw(unsigned limit) {
  uint64_t old = __atomic_load_n(&random_state, __ATOMIC_RELAXED), new;
  do {
    new = old ^ (old << 13);
    new ^= new >> 7;
    new ^= new << 17;
  } while (!__atomic_compare_exchange_n(
      &random_state, &old, new, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return (new >> 20) % limit;
}

static int happens(void) { return random_state && draw(3) == 0; }

static int fails(const char *call) {
  if (!failing_call || strcmp(failing_call, call)) return 0;
  long occurrence = __atomic_add_fetch(&occurrences, 1, __ATOMIC_RELAXED);
  if (occurrence < first_failure || occurrence >= first_failure + failures) return 0;
  errno = failing_errno;
  return 1;
}

static int interrupted(void) {
  if (!happens()) return 0;
  errno = EINTR;
  return 1;
}

static int may_block(int descriptor) {
  return !(fcntl(descriptor, F_GETFL) & O_NONBLOCK);
}

static int is_file(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

// Only bytes: messages are whole or lost, and so are what counters and signals are read as.
static int is_stream(int descriptor) {
  struct stat status;
  if (fstat(descriptor, &status) == -1) return 0;
  if (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode)) return 1;
  int type = 0;
  socklen_t size = sizeof type;
  return S_ISSOCK(status.st_mode) &&
         getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// Before reading or writing: whether the call returns -1 at once.
static int stumbles(int descriptor) {
  if (interrupted()) return 1;
  if (!is_stream(descriptor) || is_file(descriptor) || may_block(descriptor) || !happens())
    return 0;
  errno = EAGAIN;
  return 1;
}

static size_t shortened(int descriptor, size_t size) {
  if (size < 2 || !is_stream(descriptor) || !happens()) return size;
  return 1 + draw(size - 1 < 40 ? size - 1 : 40);
}

// Only what is between programs; and the other side must see what it would.
static int breaks(const char *call, int descriptor) {
  if (!failing_call || !is_stream(descriptor) || is_file(descriptor) || !fails(call)) return 0;
  int number = errno;
  if (number == EPIPE || number == ECONNRESET) shutdown(descriptor, SHUT_RDWR);
  errno = number;
  return 1;
}

static void note_mode(const char *call, const char *path) {
  struct stat status;
  if (!modes_path || lstat(path, &status) == -1) return;
  char line[512];
  int size = snprintf(
      line, sizeof line, "%s %s %o\n", call, path, (unsigned)status.st_mode & 07777);
  int file = syscall(SYS_openat, AT_FDCWD, modes_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  syscall(SYS_write, file, line, size);
  syscall(SYS_close, file);
}

static void note_mode_of(const char *call, int descriptor) {
  if (!modes_path) return;
  char link[64], path[256];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return;
  path[size] = 0;
  note_mode(call, path);
}

// MARK: Bytes

ssize_t read(int d, void *b, size_t n) {
  REAL(read);
  if (breaks("read", d) || stumbles(d)) return -1;
  return real(d, b, shortened(d, n));
}

ssize_t pread(int d, void *b, size_t n, off_t o) {
  REAL(pread);
  if (interrupted()) return -1;
  return real(d, b, shortened(d, n), o);
}

ssize_t write(int d, const void *b, size_t n) {
  REAL(write);
  if (breaks("write", d) || (is_file(d) && fails("file")) || stumbles(d)) return -1;
  return real(d, b, shortened(d, n));
}

ssize_t send(int d, const void *b, size_t n, int f) {
  REAL(send);
  if (breaks("send", d) || stumbles(d)) return -1;
  return real(d, b, shortened(d, n), f);
}

ssize_t sendto(int d, const void *b, size_t n, int f, const struct sockaddr *a, socklen_t s) {
  REAL(sendto);
  if (fails("sendto") || interrupted()) return -1;
  return real(d, b, n, f, a, s);
}

ssize_t recvmsg(int d, struct msghdr *m, int f) {
  REAL(recvmsg);
  if (fails("recvmsg") || interrupted()) return -1;
  return real(d, m, f);
}

// MARK: Waiting

int epoll_wait(int e, struct epoll_event *v, int n, int t) {
  REAL(epoll_wait);
  if (fails("epoll_wait") || interrupted()) return -1;
  return real(e, v, n, t);
}

int epoll_ctl(int e, int o, int d, struct epoll_event *v) {
  REAL(epoll_ctl);
  if (o != EPOLL_CTL_DEL && fails("epoll_ctl")) return -1;
  return real(e, o, d, v);
}

int epoll_create1(int f) {
  REAL(epoll_create1);
  return fails("epoll_create1") ? -1 : real(f);
}

int poll(struct pollfd *v, nfds_t n, int t) {
  REAL(poll);
  int ready = real(v, n, t);
  // The kernel looks at the descriptors first.
  return ready == 0 && interrupted() ? -1 : ready;
}

pid_t waitpid(pid_t p, int *s, int o) {
  REAL(waitpid);
  if (!(o & WNOHANG) && interrupted()) return -1;
  return real(p, s, o);
}

// MARK: Sockets

int socket(int d, int t, int p) {
  REAL(socket);
  return fails("socket") ? -1 : real(d, t, p);
}

int connect(int d, const struct sockaddr *a, socklen_t n) {
  REAL(connect);
  if (fails("connect")) return -1;
  // The queue of a listener may be full.
  if (a->sa_family == AF_UNIX && !may_block(d) && happens()) {
    errno = EAGAIN;
    return -1;
  }
  return real(d, a, n);
}

int accept4(int d, struct sockaddr *a, socklen_t *n, int f) {
  REAL(accept4);
  if (fails("accept4") || stumbles(d)) return -1;
  return real(d, a, n, f);
}

int bind(int d, const struct sockaddr *a, socklen_t n) {
  REAL(bind);
  if (fails("bind") || (a->sa_family == AF_UNIX && fails("file"))) return -1;
  int result = real(d, a, n);
  if (a->sa_family == AF_UNIX) note_mode("bind", ((const struct sockaddr_un *)a)->sun_path);
  return result;
}

int listen(int d, int n) {
  REAL(listen);
  return fails("listen") ? -1 : real(d, n);
}

// MARK: Files

int open(const char *path, int flags, ...) {
  REAL(open);
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  if ((flags & O_CREAT && fails("file")) || interrupted()) return -1;
  int result = real(path, flags, mode);
  if (flags & O_CREAT && result != -1) note_mode("open", path);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  if (fails("file")) return -1;
  int result = real(path, mode);
  if (result == 0) note_mode("mkdir", path);
  return result;
}

int chmod(const char *path, mode_t mode) {
  REAL(chmod);
  if (fails("chmod")) return -1;
  int result = real(path, mode);
  note_mode("chmod", path);
  return result;
}

int fchmod(int d, mode_t mode) {
  REAL(fchmod);
  if (fails("fchmod")) return -1;
  int result = real(d, mode);
  note_mode_of("fchmod", d);
  return result;
}

int rename(const char *path, const char *new_path) {
  REAL(rename);
  if (fails("file")) return -1;
  int result = real(path, new_path);
  note_mode("rename", new_path);
  return result;
}

int ftruncate(int d, off_t size) {
  REAL(ftruncate);
  return fails("ftruncate") || interrupted() ? -1 : real(d, size);
}

int flock(int d, int operation) {
  REAL(flock);
  return fails("flock") || (!(operation & LOCK_NB) && interrupted()) ? -1 : real(d, operation);
}

// MARK: The time of day

static time_t jump(void) {
  static long calls;
  const long day = 24 * 60 * 60;
  if (!clock_jumps) return 0;
  return __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % 2 ? day : -day;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(clock_gettime);
  int result = real(clock, time);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += jump();
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  REAL(gettimeofday);
  int result = real(time, zone);
  time->tv_sec += jump();
  return result;
}

time_t time(time_t *result) {
  REAL(time);
  time_t now = real(NULL) + jump();
  if (result) *result = now;
  return now;
}
