/* SPDX-License-Identifier: ISC */
/*
 * A slice: borrowed bytes, a pointer and a length, without a NUL at the end. It never owns what it
 * points at; the struct or the arena it was cut from says how long it lives. ASCII case folding
 * only: mail protocols have no other.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

struct slice {
    const char *ptr;
    size_t len;
};

/* A slice of a string literal, also in constant initialisers. */
#define S(literal) ((struct slice){("" literal), sizeof(literal) - 1})

/* For printf: `printf("%.*s", SLICE_ARG(s))`. */
#define SLICE_ARG(s) (int)((s).len), ((s).ptr ? (s).ptr : "")

static inline struct slice slice_of(const void *ptr, size_t len) {
    return (struct slice){ptr, len};
}

static inline struct slice slice_of_str(const char *text) {
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* The bytes from `from` on; from > len gives the empty slice. */
static inline struct slice slice_from(struct slice s, size_t from) {
    from = MIN(from, s.len);
    return (struct slice){from > 0 ? s.ptr + from : s.ptr, s.len - from};
}

/* The first `len` bytes, or all of a shorter slice. */
static inline struct slice slice_first(struct slice s, size_t len) {
    return (struct slice){s.ptr, MIN(len, s.len)};
}

bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_starts_nocase(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_ends_nocase(struct slice s, struct slice suffix);
int slice_cmp(struct slice a, struct slice b);        /* bytewise, a shorter prefix comes first */
int slice_cmp_nocase(struct slice a, struct slice b); /* the same after folding A-Z */

/* Place of the first byte `c` / of the first `needle`, or -1. */
ssize_t slice_find_byte(struct slice s, char c);
ssize_t slice_rfind_byte(struct slice s, char c);
ssize_t slice_find(struct slice s, struct slice needle);

/* Without spaces and tabs at both ends (CR and LF too with slice_trim_lines). */
struct slice slice_trim(struct slice s);
struct slice slice_trim_lines(struct slice s);

/*
 * Cuts the next piece off the front of `*rest`, up to the separator, which is dropped. False when
 * `rest` is used up (ptr NULL); an empty last piece after a closing separator is still a piece.
 */
bool slice_next(struct slice *rest, char separator, struct slice *ret_piece);

/* The next word between runs of spaces and tabs; false when none is left. */
bool slice_next_word(struct slice *rest, struct slice *ret_word);

/* Unsigned decimal digits and nothing else, at most `max`. 0, -E_SYNTAX or -E_LIMIT. */
int slice_to_u64(struct slice s, uint64_t max, uint64_t *ret);

/* Copies into `dst` with a NUL behind; -E_LIMIT when it does not fit, -E_SYNTAX on a NUL inside. */
int slice_to_str(struct slice s, char *dst, size_t size);

/* In small letters, into `to`, which has s.len bytes and may be `s` itself. */
struct slice slice_lower(struct slice s, char *to);

/* How many bytes are ASCII, from the first on. */
size_t slice_ascii(struct slice s);

static inline bool ascii_is_blank(char c) {
    return c == ' ' || c == '\t';
}
static inline bool ascii_is_space(char c) {
    return ascii_is_blank(c) || c == '\r' || c == '\n';
}
static inline char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char ascii_upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}
static inline bool ascii_is_digit(char c) {
    return c >= '0' && c <= '9';
}
static inline bool ascii_is_alpha(char c) {
    c = ascii_lower(c);
    return c >= 'a' && c <= 'z';
}
