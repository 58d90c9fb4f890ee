/* SPDX-License-Identifier: ISC */
/*
 * What the two ends of the fault tests share: a blocking connection read by lines, and the form of
 * a message that can be checked by itself. Nothing of the program under test is in here.
 *
 * A message begins with the line
 *
 *     X-Fault: <id> <length> <sha256>
 *
 * about the bytes behind that line; hosts on the way put lines before it and change none behind it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BUFFER (256U << 10)
#define MARK        "X-Fault: "
#define MARK_MAX    160U

struct wire {
    int fd;
    bool late; /* the last wait was cut short */
    char *in;  /* WIRE_BUFFER bytes */
    size_t begin, end;
};

/* `seconds`: no wait is longer. False, and nothing to close, when there is no connection. */
bool wire_connect(struct wire *w, const char *host, uint16_t port, int seconds);
bool wire_adopt(struct wire *w, int fd, int seconds);
void wire_close(struct wire *w);

bool wire_send(struct wire *w, const void *bytes, size_t len);

/* The next line with its end, valid until the next call; NULL when there will be none. */
const char *wire_line(struct wire *w, size_t *ret_len);

/* A reply of any number of lines: its code, the last line in `text`; 0: there will be none. */
int wire_reply(struct wire *w, char *text, size_t size);

#define SUM_SIZE 65U /* in hexadecimal, with a NUL */
void sum_of(const void *bytes, size_t len, char text[static SUM_SIZE]);

/* One line of notes, in one write, so that it is whole whenever the file is read. */
void note(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes that grow. */
struct text {
    char *ptr;
    size_t len, room;
};
void text_add(struct text *t, const void *bytes, size_t len);

/* A number from the command line; ends the program when it is none. */
uint64_t number_option(const char *name, const char *text, uint64_t max);
