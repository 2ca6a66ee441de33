/* What is counted: deliveries, latency, and every message lost, doubled or out of order. */

#include <stdlib.h>
#include <string.h>

#include "load.h"

Counts counts;
uint64_t window_from = UINT64_MAX, window_to = UINT64_MAX;

/* Latency: 64 buckets for each power of two, so a value is known to 1.6 %. */

#define SUB_BITS 6
static uint64_t histogram[64 << SUB_BITS], histogram_sum, histogram_most;

void histogram_add(uint64_t value) {
  int power = 63 - __builtin_clzll(value | (1 << SUB_BITS));
  histogram[((power - SUB_BITS) << SUB_BITS) + (value >> (power - SUB_BITS))]++;
  histogram_sum++;
  if (value > histogram_most) histogram_most = value;
}

uint64_t histogram_count(void) { return histogram_sum; }

uint64_t histogram_at(double share) {
  uint64_t wanted = (uint64_t)(share * (double)histogram_sum), seen = 0;
  if (share >= 1) return histogram_most;
  for (size_t at = 0; at < sizeof histogram / sizeof *histogram; at++) {
    seen += histogram[at];
    if (seen <= wanted) continue;
    int power = (int)(at >> SUB_BITS);
    if (!power) return at;
    uint64_t low = (uint64_t)((at & ((1 << SUB_BITS) - 1)) | (1 << SUB_BITS));
    return low << (power - 1);
  }
  return histogram_most;
}

/* Marks. */

static int8_t digit_of[256];

__attribute__((constructor)) static void fill_digits(void) {
  memset(digit_of, -1, sizeof digit_of);
  for (int digit = 0; digit < 16; digit++) digit_of[(int)"0123456789abcdef"[digit]] = (int8_t)digit;
}

void put_hex(unsigned char *to, uint64_t value, int digits) {
  while (digits--) {
    to[digits] = (unsigned char)"0123456789abcdef"[value & 15];
    value >>= 4;
  }
}

static bool get_hex(const unsigned char *from, int digits, uint64_t *value) {
  *value = 0;
  while (digits--) {
    int digit = digit_of[*from++];
    if (digit < 0) return false;
    *value = *value << 4 | (uint64_t)digit;
  }
  return true;
}

/* Holes: messages that were jumped over, and may still come. */

#define MOST_HOLES 4096
static struct {
  int client, place;
  uint32_t counter;
} holes[MOST_HOLES];
static int hole_count;

static void open_holes(const Client *client, int place, uint32_t from, uint32_t to) {
  counts.lost += to - from;
  for (; from < to && hole_count < MOST_HOLES; from++, hole_count++) {
    holes[hole_count].client = client->number;
    holes[hole_count].place = place;
    holes[hole_count].counter = from;
  }
}

static bool fill_hole(const Client *client, int place, uint32_t counter) {
  for (int at = 0; at < hole_count; at++) {
    if (holes[at].client != client->number || holes[at].place != place) continue;
    if (holes[at].counter != counter) continue;
    holes[at] = holes[--hole_count];
    return true;
  }
  return false;
}

/* Each sender's messages have to come one by one. */
static void check_sender(Client *client, int place, uint32_t counter) {
  uint32_t expected = client->expected[place];
  if (counter == expected) {
    client->expected[place]++;
  } else if (counter > expected) {
    open_holes(client, place, expected, counter);
    client->expected[place] = counter + 1;
  } else if (fill_hole(client, place, counter)) {
    counts.reordered++;
    counts.lost--;
  } else {
    counts.doubled++;
  }
}

/* All members of a room have to hear one order; who once does not is counted once. */
static void check_room(Client *client, int place, uint32_t counter) {
  Room *room = &rooms[client->room];
  uint64_t mark = (uint64_t)place << 32 | counter;
  if (client->heard == room->count) {
    if (room->count == room->room) {
      room->room = room->room ? room->room * 2 : 64;
      room->heard = realloc(room->heard, room->room * sizeof *room->heard);
      if (!room->heard) fail("no memory");
    }
    room->heard[room->count++] = mark;
  } else if (room->heard[client->heard] != mark && !client->is_astray) {
    client->is_astray = true;
    counts.astray++;
  }
  client->heard++;
}

static void count_one(Client *client, const Client *sender, uint32_t counter, uint64_t stamp,
                      uint64_t now) {
  counts.deliveries++;
  check_sender(client, sender->place, counter);
  check_room(client, sender->place, counter);
  if (stamp >= window_from && stamp < window_to) histogram_add(now > stamp ? now - stamp : 0);
  if (client == sender) {
    client->returned++;
    has_returned(client);
  }
}

bool count_marks(Client *client, const unsigned char *data, size_t size, uint64_t now) {
  const unsigned char *end = data + size;
  bool has_some = false;
  while ((data = memchr(data, '@', (size_t)(end - data)))) {
    uint64_t number, counter, stamp;
    if (end - data < MARK_BYTES) break;
    if (!get_hex(data + 1, 6, &number) || !get_hex(data + 7, 8, &counter) ||
        !get_hex(data + 15, 16, &stamp)) {
      data++;
      continue;
    }
    const Client *sender = &clients[number];
    if (number >= (uint64_t)config.rooms * (uint64_t)config.members || !sender->is_sender ||
        sender->room != client->room)
      counts.strange++; /* of another room, or of nobody */
    else
      count_one(client, sender, (uint32_t)counter, stamp, now);
    has_some = true;
    data += MARK_BYTES;
  }
  return has_some;
}
