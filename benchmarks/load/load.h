/* What the parts of the load generator share. One thread, epoll, loopback only. */

#ifndef GOROOM_LOAD_H
#define GOROOM_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MOST_CLIENTS 19000 /* below the usual bound of open files and the kernel's ports */
#define MOST_STEPS 64
#define MOST_ANSWERS 4
#define MOST_PAUSES 8
#define MOST_FRAME (128 * 1024)
#define MARK_BYTES 31 /* '@', then in hex: 6 of the sender, 8 of his counter, 16 of the stamp */

typedef struct {
  unsigned char *data;
  size_t size, room;
} Bytes;

void bytes_add(Bytes *bytes, const void *data, size_t size);
void bytes_cut(Bytes *bytes, size_t size); /* drop the first ones */

typedef enum { STEP_RAW, STEP_TEXT, STEP_BINARY, STEP_UNTIL, STEP_UPGRADE, STEP_CAPTURE } StepKind;

typedef struct {
  StepKind kind;
  Bytes bytes;
} Step;

typedef enum {
  MODE_WINDOW, /* each sender keeps `window` messages under way */
  MODE_ROTATE, /* `window` messages are under way in all, the senders take turns */
  MODE_RATE,   /* `rate` messages a second in all, at instants fixed beforehand */
  MODE_CHURN,  /* the steps behind `loop` are played again and again */
  MODE_IDLE    /* nothing is sent */
} Mode;

typedef struct {
  int port, rooms, members, active, senders, window, at_once, loop;
  pid_t pid;
  Mode mode;
  double rate, warm, measure, patience;
  int pauses[MOST_PAUSES], pause_count;
  int opcode;
  Bytes message;
  Bytes answers[MOST_ANSWERS][2];
  int answer_count;
  Step steps[MOST_STEPS];
  int step_count;
} Config;

extern Config config;
void read_config(const char *path);

typedef struct {
  uint64_t *heard; /* what its members heard, in the order of the one who is ahead */
  size_t count, room;
} Room;

typedef struct {
  int fd, number, room, place, step;
  bool is_websocket, has_joined, is_sender, is_closed, is_astray, waits_to_write;
  Bytes pending, out, captured, frame;
  size_t mark_at;
  unsigned char mask[4];
  uint32_t sent, returned;
  uint32_t *expected; /* of each sender of the room, the counter that comes next */
  uint64_t heard;
} Client;

extern Client *clients;
extern Room *rooms;

/* wire.c: frames */
void send_raw(Client *client, const void *data, size_t size);
void send_frame(Client *client, int opcode, const void *data, size_t size);
void make_frame(Client *client);
void send_messages(Client *client, uint32_t count, uint64_t stamp);
void write_waiting(Client *client);
void take_input(Client *client, uint64_t now);

/* greeting.c: the steps that every client plays */
void play_steps(Client *client);
bool step_takes(Client *client, const unsigned char *data, size_t size);

/* counts.c: what is counted and checked */
typedef struct {
  uint64_t deliveries, lost, doubled, reordered, astray, strange, messages;
} Counts;

extern Counts counts;
extern uint64_t window_from, window_to; /* stamps between them are in the histogram */
bool count_marks(Client *client, const unsigned char *data, size_t size, uint64_t now);
void histogram_add(uint64_t nanoseconds);
uint64_t histogram_at(double share);
uint64_t histogram_count(void);
void put_hex(unsigned char *to, uint64_t value, int digits);

/* load.c: the run */
uint64_t nanoseconds(void);
void has_joined(Client *client);
void has_looped(Client *client);
void has_returned(Client *client);
void was_closed(Client *client, const char *why);
void watch_writing(Client *client, bool is_wanted);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
