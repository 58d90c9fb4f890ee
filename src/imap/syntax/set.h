/* SPDX-License-Identifier: ISC */
/*
 * Sets of numbers: sequence-set and uid-set (RFC 9051 §9), "$" (RFC 5182). Pure.
 *
 * However a client writes a set, it becomes ascending ranges that neither meet nor touch. "*" is
 * the highest number in use, which the grammar does not know: all ranges with "*" in them are one,
 * from the lowest to the highest of "*" and the numbers that stand beside one.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct imap_range {
    uint32_t first, last; /* first <= last */
};

struct imap_set {
    const struct imap_range *ranges;
    size_t count;
    bool star;                   /* there is a "*" */
    uint32_t star_from, star_to; /* numbers beside a "*"; UINT32_MAX and 0: it stands alone */
    bool saved;                  /* "$": what the last SEARCH saved; then there is nothing else */
};

/*
 * A set without "*" and "$": what the set names when `highest` is the highest number in use, which
 * may be 0. Ranges beyond it stay: the caller knows what is there. In the arena, or the set's own.
 */
struct imap_set imap_set_resolve(const struct imap_set *set, uint32_t highest, struct arena *a);

/* Whether a set that is resolved has the number. */
bool imap_set_has(const struct imap_set *set, uint32_t number);

/* How many numbers a resolved set has. */
uint64_t imap_set_size(const struct imap_set *set);

/* ------------------------------------------------------------------ reading */

/* True for digits and ":", ",", "*": what sets are made of. */
bool imap_set_byte(char c);

/*
 * Reads a set as it arrives. Begins as the zero value and ends with imap_set_reader_done(). It
 * holds the ranges, not the text: 8 bytes for each that cannot be merged, twice that while it
 * grows.
 */
struct imap_set_reader {
    struct imap_range *ranges;
    size_t count, size;
    bool unsorted;
    bool star;
    uint32_t star_from, star_to;
    /* the range that is being read */
    uint64_t number, first;
    bool second, has_number;
    int error;
};
/* 0, or an error that sticks: -E_SYNTAX, -E_LIMIT (a number that no message can have). */
int imap_set_read(struct imap_set_reader *r, struct slice bytes);
/* The set is whole; it lives until imap_set_reader_done(). */
int imap_set_read_end(struct imap_set_reader *r, struct imap_set *ret);
void imap_set_reader_done(struct imap_set_reader *r);

/* A set from text, "$" too; its ranges are in the arena. -E_SYNTAX, -E_LIMIT. */
int imap_set_parse(struct slice text, struct arena *a, struct imap_set *ret);
