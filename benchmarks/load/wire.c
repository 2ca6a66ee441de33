/* Frames of RFC 6455, as a client sends and reads them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

void send_raw(Client *client, const void *data, size_t size) {
  if (client->is_closed) return;
  ssize_t done = client->out.size ? 0 : send(client->fd, data, size, MSG_NOSIGNAL);
  if (done < 0) {
    if (errno != EAGAIN) return was_closed(client, strerror(errno));
    done = 0;
  }
  if ((size_t)done == size) return;
  bytes_add(&client->out, (const char *)data + done, size - (size_t)done);
  if (!client->waits_to_write) watch_writing(client, true);
}

void write_waiting(Client *client) {
  ssize_t done = send(client->fd, client->out.data, client->out.size, MSG_NOSIGNAL);
  if (done < 0) {
    if (errno != EAGAIN) was_closed(client, strerror(errno));
    return;
  }
  bytes_cut(&client->out, (size_t)done);
  if (!client->out.size) watch_writing(client, false);
}

static size_t put_head(unsigned char *head, int opcode, size_t size, const unsigned char *mask) {
  size_t at = 2;
  head[0] = (unsigned char)(0x80 | opcode);
  if (size < 126) {
    head[1] = (unsigned char)(0x80 | size);
  } else if (size < 65536) {
    head[1] = 0x80 | 126;
    head[at++] = (unsigned char)(size >> 8);
    head[at++] = (unsigned char)size;
  } else {
    fail("a message of %zu bytes: at most 65535", size);
  }
  memcpy(head + at, mask, 4);
  return at + 4;
}

void send_frame(Client *client, int opcode, const void *data, size_t size) {
  unsigned char *frame = malloc(size + 8), mask[4];
  if (!frame) fail("no memory");
  if (getrandom(mask, 4, 0) != 4) fail("no random bytes");
  size_t head = put_head(frame, opcode, size, mask);
  for (size_t at = 0; at < size; at++)
    frame[head + at] = ((const unsigned char *)data)[at] ^ mask[at & 3];
  send_raw(client, frame, head + size);
  free(frame);
}

/* Make the frame of this sender's messages once; each message only changes the mark in it. */
void make_frame(Client *client) {
  Bytes *message = &config.message;
  unsigned char head[8];
  const unsigned char *mark = message->size ? memchr(message->data, '@', message->size) : NULL;
  if (!mark || message->data + message->size - mark < MARK_BYTES) fail("the message has no mark");
  Bytes body = {0};
  for (size_t at = 0; at < message->size;) { /* {room} is the only value that it may hold */
    if (message->size - at >= 6 && !memcmp(message->data + at, "{room}", 6)) {
      char digits[12] = {0};
      int length = 0;
      for (int left = client->room; left || !length; left /= 10)
        digits[length++] = (char)('0' + left % 10);
      while (length) bytes_add(&body, &digits[--length], 1);
      at += 6;
    } else {
      if (message->data + at == mark) client->mark_at = body.size;
      bytes_add(&body, message->data + at++, 1);
    }
  }
  if (getrandom(client->mask, 4, 0) != 4) fail("no random bytes");
  size_t length = put_head(head, config.opcode, body.size, client->mask);
  bytes_add(&client->frame, head, length);
  for (size_t at = 0; at < body.size; at++) body.data[at] ^= client->mask[at & 3];
  bytes_add(&client->frame, body.data, body.size);
  free(body.data);
  unsigned char sender[7] = "@";
  put_hex(sender + 1, (uint64_t)client->number, 6);
  for (size_t at = client->mark_at; at < client->mark_at + 7; at++)
    client->frame.data[length + at] = sender[at - client->mark_at] ^ client->mask[at & 3];
  client->mark_at += length;
}

static void put_mark(Client *client, uint64_t stamp, size_t head) {
  unsigned char mark[24];
  put_hex(mark, client->sent++, 8);
  put_hex(mark + 8, stamp, 16);
  unsigned char *to = client->frame.data + client->mark_at + 7;
  size_t phase = client->mark_at + 7 - head;
  for (size_t at = 0; at < 24; at++) to[at] = mark[at] ^ client->mask[(phase + at) & 3];
}

void send_messages(Client *client, uint32_t count, uint64_t stamp) {
  static Bytes joined;
  size_t head = client->frame.size > 131 ? 8 : 6;
  joined.size = 0;
  counts.messages += count;
  while (count--) {
    put_mark(client, stamp, head);
    bytes_add(&joined, client->frame.data, client->frame.size);
  }
  send_raw(client, joined.data, joined.size);
}

/* Reading. */

static void take_frame(Client *client, int opcode, unsigned char *data, size_t size, uint64_t now) {
  if (opcode == OP_PING) return send_frame(client, OP_PONG, data, size);
  if (opcode == OP_PONG) return;
  if (opcode == OP_CLOSE) return was_closed(client, "a close frame");
  for (int n = 0; n < config.answer_count; n++) {
    const Bytes *question = &config.answers[n][0], *answer = &config.answers[n][1];
    if (size == question->size && !memcmp(data, question->data, size))
      return send_frame(client, 1, answer->data, answer->size);
  }
  if (client->has_joined && count_marks(client, data, size, now)) return;
  step_takes(client, data, size);
}

/* Take one whole frame; return its size, or 0 where it is not all there. */
static size_t take_one(Client *client, unsigned char *data, size_t size, uint64_t now) {
  if (size < 2) return 0;
  size_t head = 2, length = data[1] & 127;
  if (length == 126) {
    head = 4;
    if (size < head) return 0;
    length = (size_t)data[2] << 8 | data[3];
  } else if (length == 127) {
    head = 10;
    if (size < head) return 0;
    length = 0;
    for (int at = 2; at < 10; at++) length = length << 8 | data[at];
  }
  if (length > MOST_FRAME) fail("a frame of %zu bytes", length);
  if (size < head + length) return 0;
  take_frame(client, data[0] & 15, data + head, length, now);
  return head + length;
}

static unsigned char input[2 * MOST_FRAME + 4096];

void take_input(Client *client, uint64_t now) {
  Bytes *pending = &client->pending;
  size_t size = pending->size, at = 0, taken;
  if (size) memcpy(input, pending->data, size);
  ssize_t done = recv(client->fd, input + size, sizeof input - size, 0);
  if (done < 0 && errno == EAGAIN) return;
  if (done <= 0) return was_closed(client, done ? strerror(errno) : "the socket");
  size += (size_t)done;
  pending->size = 0;
  if (!client->is_websocket) {
    bytes_add(pending, input, size);
    play_steps(client);
    if (!client->is_websocket) return;
    size = pending->size;
    memcpy(input, pending->data, size);
    pending->size = 0;
  }
  while (!client->is_closed && (taken = take_one(client, input + at, size - at, now))) at += taken;
  if (at < size) bytes_add(pending, input + at, size - at);
}
