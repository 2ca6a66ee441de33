/* Reads what Python wrote: one word and its values a line; bytes are in hex. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

Config config = {.active = -1, .at_once = 64, .loop = -1, .patience = 10, .opcode = 1};

void bytes_add(Bytes *bytes, const void *data, size_t size) {
  if (bytes->size + size > bytes->room) {
    bytes->room = (bytes->size + size) * 2;
    bytes->data = realloc(bytes->data, bytes->room);
    if (!bytes->data) fail("no memory");
  }
  if (size) memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
}

void bytes_cut(Bytes *bytes, size_t size) {
  if (!size) return;
  memmove(bytes->data, bytes->data + size, bytes->size - size);
  bytes->size -= size;
}

static Bytes from_hex(const char *text) {
  Bytes bytes = {0};
  unsigned int value;
  for (; text && sscanf(text, "%2x", &value) == 1; text += 2) {
    unsigned char byte = (unsigned char)value;
    bytes_add(&bytes, &byte, 1);
    if (!text[1]) fail("half a byte in the configuration");
  }
  return bytes;
}

static void add_step(StepKind kind, const char *hex) {
  if (config.step_count == MOST_STEPS) fail("more than %d steps", MOST_STEPS);
  config.steps[config.step_count].kind = kind;
  config.steps[config.step_count++].bytes = from_hex(hex);
}

static Mode mode_of(const char *text) {
  const char *names[] = {"window", "rotate", "rate", "churn", "idle"};
  for (int mode = 0; mode < 5; mode++)
    if (!strcmp(text, names[mode])) return (Mode)mode;
  fail("there is no mode %s", text);
}

static bool read_number(const char *word, const char *value) {
  struct {
    const char *word;
    int *to;
  } numbers[] = {{"port", &config.port},       {"rooms", &config.rooms},
                 {"members", &config.members}, {"active", &config.active},
                 {"senders", &config.senders}, {"window", &config.window},
                 {"at_once", &config.at_once}, {"opcode", &config.opcode}};
  for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
    if (!strcmp(word, numbers[n].word)) return *numbers[n].to = atoi(value), true;
  struct {
    const char *word;
    double *to;
  } times[] = {{"rate", &config.rate},
               {"warm", &config.warm},
               {"measure", &config.measure},
               {"patience", &config.patience}};
  for (size_t n = 0; n < sizeof times / sizeof *times; n++)
    if (!strcmp(word, times[n].word)) return *times[n].to = atof(value), true;
  return false;
}

static bool read_step(const char *word, const char *value) {
  const char *names[] = {"raw", "text", "binary", "until", "upgrade", "capture"};
  for (int kind = 0; kind < 6; kind++)
    if (!strcmp(word, names[kind])) return add_step((StepKind)kind, value), true;
  if (strcmp(word, "loop")) return false;
  config.loop = config.step_count;
  return true;
}

static void read_line(char *line) {
  const char *word = strtok(line, " \n"), *value = strtok(NULL, " \n");
  if (!word) return;
  if (read_step(word, value)) return;
  if (!value) fail("%s has no value", word);
  if (read_number(word, value)) return;
  if (!strcmp(word, "pid")) {
    config.pid = atoi(value);
  } else if (!strcmp(word, "mode")) {
    config.mode = mode_of(value);
  } else if (!strcmp(word, "message")) {
    config.message = from_hex(value);
  } else if (!strcmp(word, "pause") && config.pause_count < MOST_PAUSES) {
    config.pauses[config.pause_count++] = atoi(value);
  } else if (!strcmp(word, "answer") && config.answer_count < MOST_ANSWERS) {
    config.answers[config.answer_count][0] = from_hex(value);
    config.answers[config.answer_count++][1] = from_hex(strtok(NULL, " \n"));
  } else {
    fail("nothing is called %s, or there are too many", word);
  }
}

void read_config(const char *path) {
  FILE *file = fopen(path, "r");
  char *line = NULL;
  size_t room = 0;
  if (!file) fail("cannot read %s", path);
  while (getline(&line, &room, file) > 0) read_line(line);
  free(line);
  fclose(file);
  if (config.active < 0 || config.active > config.rooms) config.active = config.rooms;
  if (config.senders > config.members) config.senders = config.members;
  long long all = (long long)config.rooms * config.members;
  if (all < 1 || all > MOST_CLIENTS) fail("%lld clients: at most %d", all, MOST_CLIENTS);
  if (config.warm + config.measure > 120) fail("at most 120 s");
}
