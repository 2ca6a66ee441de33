/* The run: opens the connections, lets them speak, and says in JSON what came back.

   usage: load CONFIGURATION. A line on standard input ends each pause, its end ends an idle run. */

#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ULL
#define SPIN 60000 /* the kernel wakes us about so many nanoseconds late */
#define BATCH 512

Client *clients;
Room *rooms;

static enum { JOINING, PAUSED, WARM, MEASURE, DRAIN, IDLE, DONE } phase = JOINING;
static int poller, all, opened, joined, pauses_over, closed_count;
static char closed_why[200];
static uint64_t rounds, last_progress;

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static uint64_t clock_at(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now)) return 0;
  return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

uint64_t nanoseconds(void) { return clock_at(CLOCK_MONOTONIC); }

static uint64_t server_cpu(void) {
  clockid_t clock;
  return config.pid && !clock_getcpuclockid(config.pid, &clock) ? clock_at(clock) : 0;
}

/* How long a process was ready to run while others had its core. */
static uint64_t waited(pid_t pid) {
  char path[64];
  unsigned long long ran, waiting = 0;
  snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  if (fscanf(file, "%llu %llu", &ran, &waiting) != 2) waiting = 0;
  fclose(file);
  return waiting;
}

/* What the hypervisor gave to others, of all cores together. */
static uint64_t stolen(void) {
  unsigned long long ticks = 0;
  FILE *file = fopen("/proc/stat", "r");
  if (!file) return 0;
  if (fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) != 1) ticks = 0;
  fclose(file);
  return ticks * SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
}

typedef struct {
  uint64_t at, server, load, server_waited, load_waited, stolen;
} Reading;

static Reading reading(void) {
  return (Reading){nanoseconds(),       server_cpu(),     clock_at(CLOCK_PROCESS_CPUTIME_ID),
                   waited(config.pid), waited(getpid()), stolen()};
}

static void say_reading(const char *name, Reading from, Reading to) {
  struct {
    const char *what;
    uint64_t value;
  } parts[] = {{"seconds", to.at - from.at},
               {"server_cpu", to.server - from.server},
               {"load_cpu", to.load - from.load},
               {"server_waited", to.server_waited - from.server_waited},
               {"load_waited", to.load_waited - from.load_waited},
               {"stolen", to.stolen - from.stolen}};
  for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
    printf("%s\"%s_%s\": %.6f", n ? ", " : "", name, parts[n].what, (double)parts[n].value / 1e9);
}

/* Connections. */

void watch_writing(Client *client, bool is_wanted) {
  struct epoll_event event = {.events = EPOLLIN | (is_wanted ? EPOLLOUT : 0), .data.ptr = client};
  client->waits_to_write = is_wanted;
  if (epoll_ctl(poller, EPOLL_CTL_MOD, client->fd, &event)) fail("epoll: %s", strerror(errno));
}

void was_closed(Client *client, const char *why) {
  if (client->is_closed) return;
  if (!client->has_joined)
    fail("client %d was closed at step %d: %s", client->number, client->step, why);
  client->is_closed = true;
  close(client->fd);
  if (!closed_count++) snprintf(closed_why, sizeof closed_why, "%s", why);
}

static void open_one(void) {
  Client *client = &clients[opened];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)config.port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  client->number = opened++;
  client->room = client->number / config.members;
  client->place = client->number % config.members;
  client->is_sender = client->room < config.active && client->place < config.senders;
  client->expected = calloc((size_t)config.senders + 1, sizeof *client->expected);
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof address))
    fail("client %d cannot connect: %s", client->number, strerror(errno));
  int one = 1;
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(client->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &event)) fail("epoll: %s", strerror(errno));
  play_steps(client);
}

static bool is_pause(void) {
  return pauses_over < config.pause_count && joined == config.pauses[pauses_over];
}

static void open_more(void) {
  int end = pauses_over < config.pause_count ? config.pauses[pauses_over] : all;
  while (opened < end && opened < all && opened - joined < config.at_once) open_one();
}

void has_joined(Client *client) {
  client->has_joined = true;
  joined++;
  last_progress = nanoseconds();
  if (config.message.size && client->is_sender) make_frame(client);
  if (is_pause()) {
    phase = PAUSED;
    printf("{\"paused\": %d}\n", joined);
    fflush(stdout);
  } else {
    open_more();
  }
}

/* Who sends when. */

static Client **senders;
static int sender_count, next_sender;
static uint64_t rate_from, rate_sent, latest;

static void find_senders(void) {
  senders = calloc((size_t)(config.active * config.senders) + 1, sizeof *senders);
  for (int place = 0; place < config.senders; place++)
    for (int room = 0; room < config.active; room++)
      senders[sender_count++] = &clients[room * config.members + place];
}

static bool is_sending(void) { return phase == WARM || phase == MEASURE; }

static Client *take_turn(void) {
  Client *sender = senders[next_sender];
  next_sender = (next_sender + 1) % sender_count;
  return sender;
}

static void fill_window(Client *client) {
  uint32_t under_way = client->sent - client->returned;
  if (is_sending() && client->is_sender && under_way < (uint32_t)config.window)
    send_messages(client, (uint32_t)config.window - under_way, nanoseconds());
}

void has_returned(Client *client) {
  (void)client;
  if (config.mode == MODE_ROTATE && is_sending()) send_messages(take_turn(), 1, nanoseconds());
}

void has_looped(Client *client) {
  rounds++;
  if (is_sending()) play_steps(client);
}

static uint64_t due(void) { return rate_from + (uint64_t)((double)rate_sent * 1e9 / config.rate); }

/* What is late is sent with the stamp of the instant at which it was due. */
static void send_due(uint64_t now) {
  while (due() <= now) {
    if (now - due() > latest && phase == MEASURE) latest = now - due();
    send_messages(take_turn(), 1, due());
    rate_sent++;
  }
}

static void begin_sending(void) {
  rate_from = nanoseconds();
  for (int n = 0; n < sender_count; n++) {
    if (config.mode == MODE_WINDOW) fill_window(senders[n]);
    if (config.mode == MODE_CHURN) play_steps(senders[n]);
  }
  for (int n = 0; config.mode == MODE_ROTATE && n < config.window; n++)
    send_messages(take_turn(), 1, nanoseconds());
}

/* The phases. */

static Reading join_from, join_to, from, to;
static Counts before, after;
static uint64_t rounds_before, rounds_after, phase_end, drained;

static uint64_t expected_deliveries(void) {
  uint64_t sent = 0;
  for (int n = 0; n < sender_count; n++) sent += senders[n]->sent;
  return sent * (uint64_t)config.members;
}

static void enter(int next, uint64_t now, double seconds) {
  phase = next;
  phase_end = now + (uint64_t)(seconds * 1e9);
}

static void move_on(uint64_t now) {
  uint64_t patience = (uint64_t)(config.patience * 1e9);
  if (phase == JOINING && joined < all && now - last_progress > patience)
    fail("%d of %d joined, then nothing for %g s", joined, all, config.patience);
  if (phase == JOINING && joined == all) {
    join_to = reading();
    enter(config.mode == MODE_IDLE ? IDLE : WARM, now, config.warm);
    find_senders();
    if (phase == WARM) begin_sending();
  } else if (phase == WARM && now >= phase_end) {
    enter(MEASURE, now, config.measure);
    from = reading();
    before = counts;
    rounds_before = rounds;
    window_from = from.at;
    window_to = phase_end;
  } else if (phase == MEASURE && now >= phase_end) {
    to = reading();
    after = counts;
    rounds_after = rounds;
    enter(DRAIN, now, 0);
    last_progress = now;
  } else if (phase == DRAIN) {
    if (counts.deliveries != drained) last_progress = now;
    drained = counts.deliveries;
    bool is_all = drained + counts.lost >= expected_deliveries() + counts.doubled;
    if ((is_all && !counts.lost) || now - last_progress > patience / 4) phase = DONE;
  }
}

static struct timespec wait_for(uint64_t now) {
  uint64_t wait = SECOND / 100;
  if (is_sending() || phase == IDLE || phase == PAUSED) wait = SECOND / 20;
  if (is_sending() && phase_end < now + wait) wait = phase_end > now ? phase_end - now : 0;
  if (is_sending() && config.mode == MODE_RATE && due() < now + wait + SPIN)
    wait = due() > now + SPIN ? due() - now - SPIN : 0;
  return (struct timespec){(time_t)(wait / SECOND), (long)(wait % SECOND)};
}

static void read_command(void) {
  char line[64];
  ssize_t size = read(STDIN_FILENO, line, sizeof line);
  if (size <= 0) exit(phase == IDLE ? 0 : 1);
  if (phase != PAUSED) return;
  phase = JOINING;
  pauses_over++;
  last_progress = nanoseconds();
  open_more();
}

static void serve(struct epoll_event *event, uint64_t now) {
  Client *client = event->data.ptr;
  if (!client) return read_command();
  if (client->is_closed) return;
  if (event->events & EPOLLOUT) write_waiting(client);
  if (!client->is_closed && event->events & ~(uint32_t)EPOLLOUT) take_input(client, now);
  if (config.mode == MODE_WINDOW) fill_window(client);
}

static void play(void) {
  struct epoll_event events[BATCH];
  bool is_told = false;
  while (phase != DONE) {
    uint64_t now = nanoseconds();
    move_on(now);
    if (phase == IDLE && !is_told) {
      is_told = true;
      printf("{\"joined\": %d, ", joined);
      say_reading("join", join_from, join_to);
      printf("}\n");
      fflush(stdout);
    }
    if (is_sending() && config.mode == MODE_RATE) send_due(nanoseconds());
    struct timespec wait = wait_for(nanoseconds());
    int count = epoll_pwait2(poller, events, BATCH, &wait, NULL);
    if (count < 0 && errno != EINTR) fail("epoll: %s", strerror(errno));
    for (int at = 0; at < count; at++) serve(&events[at], nanoseconds());
  }
}

static void count_missing(void) {
  for (int n = 0; n < all; n++)
    for (int place = 0; place < config.senders && clients[n].room < config.active; place++) {
      int sender = clients[n].room * config.members + place;
      counts.lost += clients[sender].sent - clients[n].expected[place];
    }
}

static void say_result(void) {
  printf("{\"joined\": %d, ", joined);
  say_reading("join", join_from, join_to);
  printf(", ");
  say_reading("measured", from, to);
  printf(", \"deliveries\": %llu, \"messages\": %llu, \"rounds\": %llu",
         (unsigned long long)(after.deliveries - before.deliveries),
         (unsigned long long)(after.messages - before.messages),
         (unsigned long long)(rounds_after - rounds_before));
  printf(", \"lost\": %llu, \"doubled\": %llu, \"reordered\": %llu, \"astray\": %llu, "
         "\"strange\": %llu, \"closed\": %d, \"closed_why\": \"%s\"",
         (unsigned long long)counts.lost, (unsigned long long)counts.doubled,
         (unsigned long long)counts.reordered, (unsigned long long)counts.astray,
         (unsigned long long)counts.strange, closed_count, closed_why);
  printf(", \"latency_count\": %llu, \"p50\": %.9f, \"p99\": %.9f, \"p999\": %.9f, \"most\": %.9f, "
         "\"latest_send\": %.9f}\n",
         (unsigned long long)histogram_count(), (double)histogram_at(0.5) / 1e9,
         (double)histogram_at(0.99) / 1e9, (double)histogram_at(0.999) / 1e9,
         (double)histogram_at(1) / 1e9, (double)latest / 1e9);
}

int main(int count, char **values) {
  if (count != 2) fail("usage: load CONFIGURATION");
  read_config(values[1]);
  all = config.rooms * config.members;
  clients = calloc((size_t)all, sizeof *clients);
  rooms = calloc((size_t)config.rooms, sizeof *rooms);
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (!clients || !rooms || poller < 0) fail("no memory");
  struct epoll_event event = {.events = EPOLLIN};
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event); /* a file cannot be watched: no pauses */
  join_from = reading();
  last_progress = join_from.at;
  open_more();
  play();
  count_missing();
  say_result();
  return 0;
}
