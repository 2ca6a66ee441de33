/* The steps that every client plays: what it sends and waits for, until it is in its room. */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* Put the client's own values where {user}, {room} and {captured} stand. */
static Bytes filled(const Client *client, const Bytes *with) {
  Bytes bytes = {0};
  char user[16], room[16];
  snprintf(user, sizeof user, "%d", client->number);
  snprintf(room, sizeof room, "%d", client->room);
  struct {
    const char *word, *value;
    size_t size;
  } values[] = {{"{user}", user, strlen(user)},
                {"{room}", room, strlen(room)},
                {"{captured}", (const char *)client->captured.data, client->captured.size}};
  for (size_t at = 0; at < with->size;) {
    bool is_filled = false;
    for (size_t n = 0; n < 3 && !is_filled; n++) {
      size_t length = strlen(values[n].word);
      if (with->size - at < length || memcmp(with->data + at, values[n].word, length)) continue;
      bytes_add(&bytes, values[n].value, values[n].size);
      at += length;
      is_filled = true;
    }
    if (!is_filled) bytes_add(&bytes, with->data + at++, 1);
  }
  return bytes;
}

/* Take an answer of HTTP from the pending bytes; false: it is not all there. */
static bool take_upgrade(Client *client) {
  Bytes *in = &client->pending;
  unsigned char *end = in->size ? memmem(in->data, in->size, "\r\n\r\n", 4) : NULL;
  if (!end) return false;
  if (!memmem(in->data, (size_t)(end - in->data), " 101 ", 5))
    fail("no upgrade: %.300s", (char *)in->data);
  bytes_cut(in, (size_t)(end + 4 - in->data));
  client->is_websocket = true;
  return true;
}

/* Keep what stands between the step's bytes and the next quote. */
static bool take_capture(Client *client, const Bytes *before) {
  Bytes *in = &client->pending;
  unsigned char *at = in->size ? memmem(in->data, in->size, before->data, before->size) : NULL;
  if (!at) return false;
  at += before->size;
  unsigned char *quote = memchr(at, '"', (size_t)(in->data + in->size - at));
  if (!quote) return false;
  client->captured.size = 0;
  bytes_add(&client->captured, at, (size_t)(quote - at));
  bytes_cut(in, (size_t)(quote - in->data));
  return true;
}

static void send_step(Client *client, const Step *step) {
  Bytes bytes = filled(client, &step->bytes);
  if (step->kind == STEP_RAW)
    send_raw(client, bytes.data, bytes.size);
  else
    send_frame(client, step->kind == STEP_TEXT ? 1 : 2, bytes.data, bytes.size);
  free(bytes.data);
}

void play_steps(Client *client) {
  int greeting_end = config.loop >= 0 ? config.loop : config.step_count;
  for (;;) {
    if (!client->has_joined && client->step == greeting_end) return has_joined(client);
    if (client->step == config.step_count) {
      client->step = config.loop;
      return has_looped(client);
    }
    const Step *step = &config.steps[client->step];
    if (step->kind == STEP_UNTIL) return;
    if (step->kind == STEP_UPGRADE && !take_upgrade(client)) return;
    if (step->kind == STEP_CAPTURE && !take_capture(client, &step->bytes)) return;
    if (step->kind <= STEP_BINARY) send_step(client, step);
    client->step++;
  }
}

bool step_takes(Client *client, const unsigned char *data, size_t size) {
  if (client->step >= config.step_count) return false;
  const Step *step = &config.steps[client->step];
  if (step->kind != STEP_UNTIL) return false;
  Bytes wanted = filled(client, &step->bytes);
  bool is_there = memmem(data, size, wanted.data, wanted.size) != NULL;
  free(wanted.data);
  if (!is_there) return false;
  client->step++;
  play_steps(client);
  return true;
}
