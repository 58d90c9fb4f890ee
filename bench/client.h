/* SPDX-License-Identifier: ISC */
/*
 * What the load tools share: a blocking connection, read by lines, with or without TLS, and the
 * sums behind the figures. One thread uses a connection at a time. Nothing here is part of the
 * servers that are measured.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_st;

/* Where to connect. Only loopback is accepted, so that a slip cannot load anybody else's server. */
struct endpoint {
    const char *host; /* 127.x.y.z */
    uint16_t port;
    bool tls;
    uint32_t from; /* connect from this address and those above; 127.0.0.1 unless told otherwise */
};

struct client {
    int fd;
    struct ssl_st *tls;
    char *in; /* CLIENT_BUFFER bytes and a NUL */
    size_t begin, end;
};

#define CLIENT_BUFFER (64U << 10)

/*
 * `source` is the number of the address to connect from: to->from + source; a server that limits
 * connections per address sees many. A thread whose peer stays silent for a minute gives up.
 * False, and nothing to close, when there is no connection.
 */
bool client_open(struct client *c, const struct endpoint *to, unsigned source);
void client_close(struct client *c);

bool client_send(struct client *c, const void *bytes, size_t len);
bool client_printf(struct client *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next line without its end, valid until the next call; NULL when there will be none. */
const char *client_line(struct client *c);

/* Reads to the line that is a single dot and adds the bytes that came, it included. */
bool client_to_dot(struct client *c, uint64_t *bytes);

/* Blanks in lines that do not begin with "* O", as what a server says of its progress does. */
struct client_blanks {
    uint64_t count;
    size_t column;
    bool passes_over;
};

/*
 * Reads to the line that begins with `tag` and a space, which no message may have, and adds the
 * bytes before it, and their blanks unless that is NULL. The line, or NULL.
 */
const char *client_to_tagged(struct client *c, const char *tag, uint64_t *bytes,
                             struct client_blanks *blanks);

double seconds(void); /* CLOCK_MONOTONIC */

/* The value below which a part (0 .. 1) of the values lies; sorts them. 0 when there are none. */
double part_below(double *values, size_t count, double part);

/*
 * "user%03d@example.test" with the one %d or %0Nd, if there is one, replaced. False: no such
 * template, or too long.
 */
bool fill_template(char *to, size_t size, const char *template, unsigned number);

/* A number from the command line within bounds; ends the program with a sentence otherwise. */
unsigned number_option(const char *name, const char *text, unsigned min, unsigned max);
struct endpoint endpoint_option(const char *host, const char *port);
