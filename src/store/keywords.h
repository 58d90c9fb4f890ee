/* SPDX-License-Identifier: ISC */
/*
 * The keywords of a mailbox's messages (RFC 9051 §2.3.2) in memory. Pure: no fibers, no I/O.
 *
 * Messages have few different sets of keywords, so an entry has the number of its set. Numbers are
 * of one mailbox and of its time in memory; everywhere else a set is a text: its names, sorted,
 * with a space between them. Names are the same whatever their case; the first spelling is kept.
 *
 * A set lives as long as an entry has it, or an older version of the entries that somebody looks
 * at. Then its number is given again, and so are those of names that are in no set.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"

struct keywords;

struct keywords *keywords_new(int64_t *memory); /* counts its bytes there */
void keywords_free(struct keywords *k);         /* NULL is fine */

bool keyword_is_good(struct slice name);
bool keywords_are_good(const struct slice *names, size_t count); /* all of them */

/* ------------------------------------------------------------------ names */

/*
 * Names that a change brings: they count as used until keywords_tidy(). -E_LIMIT: there would be
 * more than STORE_KEYWORDS_MAX.
 */
int keywords_bring(struct keywords *k, const struct slice *names, size_t count);

/* All that are in use, or were brought, with a space between them, added to `to`. */
void keywords_names(const struct keywords *k, struct buf *to);

/* The text of a set of names that were brought. */
void keywords_spell(const struct keywords *k, const struct slice *names, size_t count,
                    struct buf *to);

/* ------------------------------------------------------------------ sets */

/* The number of a set; 0: the text is empty. It lives until keywords_tidy() unless it is used. */
uint32_t keywords_set(struct keywords *k, struct slice text);

/* An entry more, or less, has it. */
void keywords_use(struct keywords *k, uint32_t set, int by);

void keywords_text(const struct keywords *k, uint32_t set, struct buf *to);

/* Drops sets and names that nobody uses. To be called between changes. */
void keywords_tidy(struct keywords *k);

/* A change of sets. `replace`: all that is not added goes. Ends with keywords_change_done(). */
struct keywords_change {
    struct buf add, remove; /* bits */
    bool replace;
};
void keywords_change_init(struct keywords_change *c, const struct keywords *k,
                          const struct slice *add, size_t add_count, const struct slice *remove,
                          size_t remove_count);
void keywords_change_done(struct keywords_change *c);

/* Adds the text of the set that comes of it; false: it is the same one. */
bool keywords_changed(const struct keywords *k, uint32_t set, const struct keywords_change *c,
                      struct buf *to);

/* ------------------------------------------------------------------ who looks at older sets */

struct keywords_view {
    struct link link;
    uint64_t opened;
    struct list held; /* sets that no entry has any more */
};
void keywords_view_open(struct keywords *k, struct keywords_view *v);
void keywords_view_close(struct keywords *k, struct keywords_view *v);
