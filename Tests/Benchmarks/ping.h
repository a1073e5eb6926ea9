// The recorded ping and its answer, with stream ids of three bytes, so that two million calls on one
// connection have the same length.
#include <string.h>

#define PING_BYTES 56
#define PONG_BYTES 12
#define FIRST_STREAM 16384

static const char ping_path[] = "/coder.agentsocket.v1.AgentSocket/Ping";

static inline unsigned char *write_head(unsigned char *bytes, int control, const unsigned char *stream,
                                        int message, int length) {
  bytes[0] = control;
  memcpy(bytes + 1, stream, 3);
  bytes[4] = message;
  bytes[5] = length;
  return bytes + 6;
}

static inline void write_ping(unsigned char *bytes, unsigned stream) {
  unsigned char id[3] = {stream | 0x80, stream >> 7 | 0x80, stream >> 14 & 0x7f};
  bytes = write_head(bytes, 0x03, id, 1, sizeof ping_path - 1);
  memcpy(bytes, ping_path, sizeof ping_path - 1);
  bytes = write_head(bytes + sizeof ping_path - 1, 0x05, id, 2, 0);
  write_head(bytes, 0x0d, id, 3, 0);
}

static inline void write_pong(unsigned char *bytes, const unsigned char *stream) {
  write_head(write_head(bytes, 0x05, stream, 1, 0), 0x0d, stream, 2, 0);
}
