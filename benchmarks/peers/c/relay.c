/* The least that a room server can do: frames go unread to all who asked for the same path.

   usage: relay each|joined; further words are ignored
   each: one send() for every recipient of every message.
   joined: what one turn of the loop has for a connection goes out in one send().
   No validation, no names, no limits, no heartbeat, and a reader who is too slow is dropped.
   The handshake and the frames follow RFC 6455. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_ROOMS 20000
#define INPUT (1 << 16)
#define MOST_WAITING (1 << 22)

typedef struct {
  unsigned char *data;
  size_t size, room;
} Bytes;

typedef struct Peer {
  int fd, room, place;
  bool is_websocket, is_dirty, waits;
  Bytes in, out;
} Peer;

static struct {
  Peer **members;
  int count, room;
} rooms[MOST_ROOMS];
static Peer **dirty;
static int dirty_count, dirty_room, poller;
static bool is_joining;

static void *grow(void *block, size_t size) {
  block = realloc(block, size);
  if (!block) abort();
  return block;
}

static void add(Bytes *bytes, const void *data, size_t size) {
  if (bytes->size + size > bytes->room) {
    bytes->room = (bytes->size + size) * 2;
    bytes->data = grow(bytes->data, bytes->room);
  }
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

static void cut(Bytes *bytes, size_t size) {
  memmove(bytes->data, bytes->data + size, bytes->size - size);
  bytes->size -= size;
}

/* SHA-1 (RFC 3174) of up to 119 bytes, and base64: for the key of the handshake. */

static uint32_t turned(uint32_t value, int by) { return value << by | value >> (32 - by); }

static void sha1_block(const unsigned char *block, uint32_t *state) {
  uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int t = 0; t < 16; t++)
    w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
           (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
  for (int t = 16; t < 80; t++) w[t] = turned(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  for (int t = 0; t < 80; t++) {
    uint32_t f = t < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                 : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                 : t < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                          : (b ^ c ^ d) + 0xca62c1d6;
    uint32_t next = turned(a, 5) + f + e + w[t];
    e = d, d = c, c = turned(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static void sha1(const unsigned char *data, size_t size, unsigned char *digest) {
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  unsigned char blocks[128] = {0};
  size_t end = size + 9 <= 64 ? 64 : 128;
  memcpy(blocks, data, size);
  blocks[size] = 0x80;
  blocks[end - 2] = (unsigned char)(size * 8 >> 8);
  blocks[end - 1] = (unsigned char)(size * 8);
  for (size_t at = 0; at < end; at += 64) sha1_block(blocks + at, state);
  for (int n = 0; n < 20; n++) digest[n] = (unsigned char)(state[n / 4] >> (24 - 8 * (n % 4)));
}

static void base64(const unsigned char *data, char *text) { /* of 20 bytes */
  const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int at = 0; at < 21; at += 3) {
    uint32_t three = (uint32_t)data[at] << 16 | (uint32_t)data[at + 1] << 8;
    three |= at + 2 < 20 ? data[at + 2] : 0;
    for (int n = 0; n < 4; n++) *text++ = letters[three >> (18 - 6 * n) & 63];
  }
  text[-1] = '=';
  *text = 0;
}

static void leave(Peer *peer) {
  if (peer->room >= 0) {
    Peer *last = rooms[peer->room].members[--rooms[peer->room].count];
    rooms[peer->room].members[peer->place] = last;
    last->place = peer->place;
  }
  for (int n = 0; n < dirty_count; n++)
    if (dirty[n] == peer) dirty[n] = dirty[--dirty_count];
  close(peer->fd);
  free(peer->in.data);
  free(peer->out.data);
  peer->fd = -1; /* events of this turn may still name it: it is never freed */
  peer->in = peer->out = (Bytes){0};
  peer->room = -1;
}

static void watch(Peer *peer, bool waits) {
  struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = peer};
  peer->waits = waits;
  epoll_ctl(poller, EPOLL_CTL_MOD, peer->fd, &event);
}

static void flush(Peer *peer) {
  ssize_t done = send(peer->fd, peer->out.data, peer->out.size, MSG_NOSIGNAL);
  if (done > 0) cut(&peer->out, (size_t)done);
  if ((peer->out.size > 0) != peer->waits) watch(peer, peer->out.size > 0);
}

static void deliver(Peer *peer, const unsigned char *frame, size_t size) {
  if (is_joining || peer->out.size) {
    if (peer->out.size > MOST_WAITING) return; /* dropped: it does not read */
    add(&peer->out, frame, size);
    if (peer->is_dirty || peer->waits) return;
    peer->is_dirty = true;
    if (dirty_count == dirty_room)
      dirty = grow(dirty, (size_t)(dirty_room = dirty_room * 2 + 64) * sizeof *dirty);
    dirty[dirty_count++] = peer;
    return;
  }
  ssize_t done = send(peer->fd, frame, size, MSG_NOSIGNAL);
  if (done == (ssize_t)size) return;
  add(&peer->out, frame + (done > 0 ? done : 0), size - (size_t)(done > 0 ? done : 0));
  watch(peer, true);
}

static void upgrade(Peer *peer, unsigned char *end) {
  unsigned char digest[21] = {0};
  char accept[32], answer[200], seed[64];
  char *key = strcasestr((char *)peer->in.data, "\r\nSec-WebSocket-Key: ");
  *end = 0;
  if (!key || sscanf((char *)peer->in.data, "GET /%d", &peer->room) != 1) return leave(peer);
  if (peer->room < 0 || peer->room >= MOST_ROOMS) abort();
  snprintf(seed, sizeof seed, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 21);
  sha1((unsigned char *)seed, strlen(seed), digest);
  base64(digest, accept);
  int size = snprintf(answer, sizeof answer,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                      accept);
  send(peer->fd, answer, (size_t)size, MSG_NOSIGNAL);
  peer->is_websocket = true;
  if (rooms[peer->room].count == rooms[peer->room].room) {
    rooms[peer->room].room = rooms[peer->room].room * 2 + 4;
    rooms[peer->room].members =
        grow(rooms[peer->room].members, (size_t)rooms[peer->room].room * sizeof(Peer *));
  }
  peer->place = rooms[peer->room].count;
  rooms[peer->room].members[rooms[peer->room].count++] = peer;
}

/* Take one frame, unmask it and pass it on; return its size, or 0 where it is not all there. */
static size_t take(Peer *peer, unsigned char *data, size_t size) {
  if (size < 6) return 0;
  size_t head = 2, length = data[1] & 127;
  if (length == 126) head = 4, length = (size_t)data[2] << 8 | data[3];
  if (length == 127) abort(); /* nobody sends so much here */
  unsigned char *mask = data + head, *body = mask + 4;
  if (size < head + 4 + length) return 0;
  for (size_t at = 0; at < length; at++) body[at] ^= mask[at & 3];
  if ((data[0] & 15) == 8) return leave(peer), 0;
  data[1] &= 127;
  memmove(data + 4, data, head); /* the frame for the others: the same, without the mask */
  for (int n = 0; (data[0] & 15) < 8 && n < rooms[peer->room].count; n++)
    deliver(rooms[peer->room].members[n], data + 4, head + length);
  return head + 4 + length;
}

static void read_from(Peer *peer) {
  static unsigned char input[INPUT];
  ssize_t done = recv(peer->fd, input, sizeof input, 0);
  if (done < 0 && errno == EAGAIN) return;
  if (done <= 0) return leave(peer);
  add(&peer->in, input, (size_t)done);
  if (!peer->is_websocket) {
    unsigned char *end = memmem(peer->in.data, peer->in.size, "\r\n\r\n", 4);
    if (!end) return;
    size_t size = (size_t)(end + 4 - peer->in.data);
    upgrade(peer, end);
    if (peer->fd < 0) return;
    cut(&peer->in, size);
  }
  size_t at = 0, size;
  while (peer->fd >= 0 && (size = take(peer, peer->in.data + at, peer->in.size - at))) at += size;
  if (peer->fd >= 0) cut(&peer->in, at);
}

static void take_peer(int listener) {
  int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  Peer *peer = calloc(1, sizeof *peer);
  if (!peer) abort();
  peer->fd = fd;
  peer->room = -1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

static int listening(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 512)) abort();
  getsockname(listener, (struct sockaddr *)&address, &size);
  printf("{\"port\": %d, \"about\": {\"compiler\": \"%s\"}}\n", ntohs(address.sin_port),
         __VERSION__);
  fflush(stdout);
  return listener;
}

int main(int count, char **values) {
  struct epoll_event events[512], event = {.events = EPOLLIN, .data.ptr = NULL};
  is_joining = count > 1 && !strcmp(values[1], "joined");
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listening();
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  struct epoll_event input = {.events = EPOLLIN, .data.ptr = &poller};
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
  for (;;) {
    int ready = epoll_wait(poller, events, 512, -1);
    for (int at = 0; at < ready; at++) {
      Peer *peer = events[at].data.ptr;
      if (!peer) {
        take_peer(listener);
      } else if ((void *)peer == (void *)&poller) {
        return 0; /* standard input has ended: so do we */
      } else if (peer->fd >= 0) {
        if (events[at].events & EPOLLOUT) flush(peer);
        if (events[at].events & ~(uint32_t)EPOLLOUT) read_from(peer);
      }
    }
    for (int n = 0; n < dirty_count; n++) {
      dirty[n]->is_dirty = false;
      if (dirty[n]->out.size) flush(dirty[n]);
    }
    dirty_count = 0;
  }
}
