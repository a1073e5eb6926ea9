// features.h first: without it libevent's headers and Glibc's module disagree about fd_set.
#include <features.h>
#include <event2/event.h>
#include <event2/event_struct.h>
