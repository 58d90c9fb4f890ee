/* SPDX-License-Identifier: ISC */
/* What pop3_load and imap_load share: many sessions, a thread for each that is busy, and the sums.
 */
#pragma once

#include <stdatomic.h>

#include "client.h"

struct sessions {
    const char *program; /* for complaints */
    struct endpoint to;
    unsigned at_a_time, count, users;
    const char *template, *password; /* fill_template() */
    atomic_uint next, done, complaints;
    double *took;          /* seconds, of each that is done */
    struct client *parked; /* NULL unless they are to stay; `fd` is -1 where none is */
};

/* 20 at a time, 1,000 in all, user000@bench.test to user099@bench.test. */
struct sessions sessions_of(const char *program);

/* False, after a line on standard error; `line` is what came in place of what was expected, or
 * NULL. Only the first five complaints are told. */
bool sessions_complain(struct sessions *s, const char *where, const char *line);

/* The next one's number; false: there is none, or too much has gone wrong. */
bool sessions_next(struct sessions *s, unsigned *number);

/* The name of a user, and a connection from an address of his own. */
bool sessions_connect(struct sessions *s, struct client *c, unsigned user, char name[256]);

/* One went well, and took so long since then. */
void sessions_note(struct sessions *s, double began);

/* Runs `work` in `at_a_time` threads and prints what came of it. True: all was well. */
bool sessions_run(struct sessions *s, void *(*work)(void *load), void *load);

/*
 * The same, with all sessions parked: it prints "parked" and waits for the end of standard input;
 * then it asks a sample whether they are still there.
 */
bool sessions_park(struct sessions *s, void *(*work)(void *load),
                   bool (*is_there)(void *load, struct client *c), void *load);

/* An option that both have: s, m, t, u, w or T. False: it is another one. */
bool sessions_option(struct sessions *s, int option, const char *value);

/* Where to; ends the program if that is no loopback address. */
void sessions_endpoint(struct sessions *s, const char *host, const char *port);

/* What a program does when its command line begins with `name`. */
struct sessions_mode {
    const char *name;
    bool (*run)(void *load);
};

/*
 * `modes` end with one without a name. Runs the mode that the command line names, `read` having
 * read what stands behind it, and gives the program's exit code; 2 and the usage when there is no
 * such mode, or something is wrong.
 */
int sessions_main(struct sessions *s, const struct sessions_mode *modes,
                  bool (*read)(void *load, int argc, char **argv), void *load, int argc,
                  char **argv, const char *usage);
