/* SPDX-License-Identifier: ISC */
/*
 * Events as lines of text on descriptors: stderr or the syslog daemon, a file. Nobody waits for
 * them either: lines are gathered and written in another thread; when nobody reads them fast enough
 * they are counted and left out, and a line says how many.
 */
#pragma once

#include "conf/conf.h"
#include "events/event.h"

#define LINES_MEMORY_MAX ((size_t)4 << 20)

struct lines_options {
    enum conf_log_level level; /* the least important events written */
    int standard, file;        /* descriptors, borrowed; -1: none */
    int syslog;                /* the same: a socket (syslog.h), instead of `standard` */
    bool marked;       /* on `standard`: "<6>..." (sd-daemon(3)) instead of time and level */
    size_t memory_max; /* 0: LINES_MEMORY_MAX */
};

struct lines;

struct lines *lines_new(const struct lines_options *options);
void lines_free(struct lines *l); /* lines_work() has ended; NULL is fine */
DEFINE_CLEANUP(struct lines, lines_free)

/* Writes until lines_stop() or cancel. A fiber_fn; one for each. */
void lines_work(void *lines) WAITS;
void lines_stop(struct lines *l) WAITS; /* returns when all is written and the fiber has ended */

void lines_add(struct lines *l, const struct event *event); /* never waits */

void lines_set_level(struct lines *l, enum conf_log_level level);

/* Another file from now on; returns the one before, which nobody writes to any more. */
int lines_set_file(struct lines *l, int file) WAITS;

/* Another socket; -1: lines go to `standard`. Returns the one before, likewise. */
int lines_set_syslog(struct lines *l, int socket) WAITS;
