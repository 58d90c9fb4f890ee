/* SPDX-License-Identifier: ISC */
/*
 * What is wrong with a settings file: all of it at once, each with its place, so that a postmaster
 * mends the file in one go. The zero value is an empty list.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* Problems kept; further ones are only counted. */
#define CONF_PROBLEMS_MAX 50U

struct conf_problem {
    unsigned line;   /* 1-based; 0: not at any line (something is missing) */
    unsigned column; /* 1-based, in characters; 0: the whole line */
    struct slice text;
};

struct conf_problems {
    struct slice file; /* the name shown before each problem */
    struct conf_problem *list;
    size_t count;  /* kept in `list`, in the order of the file */
    size_t unkept; /* counted beyond CONF_PROBLEMS_MAX */
    struct arena memory;
};

void conf_problems_done(struct conf_problems *p);

void conf_problem_add(struct conf_problems *p, unsigned line, unsigned column, const char *format,
                      ...) PRINTF_LIKE(4, 5);

/* The front of a long word for a problem, cut between characters. */
struct slice conf_shorten(struct slice word);

/* Further problems are only counted: no need to find good words for them. */
static inline bool conf_problems_full(const struct conf_problems *p) {
    return p->count == CONF_PROBLEMS_MAX;
}

/* One line for each: "hayauma.conf:12:5: smtp.timeout: found "5", expected a span ...". */
void conf_problems_write(const struct conf_problems *p, struct buf *to);
