/* SPDX-License-Identifier: ISC */
/*
 * "a=b; c=d", the form of DKIM signatures and keys, of ARC and of DMARC records (RFC 6376 §3.2).
 * Pure; linear in time.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define TAGS_MAX 64U /* in one list */

struct tag {
    struct slice name;
    struct slice value; /* without the blanks at both ends; folds may be in it */
    struct slice raw;   /* the same with them: all between "=" and ";" */
};

struct tags {
    struct tag *list; /* the arena's */
    size_t count;
};

/*
 * Reads a list, in which a ";" may stand at the end. The tags point into the text. -E_SYNTAX: it is
 * none, or has a tag twice, which makes all of it void; -E_LIMIT: it has too many.
 */
int tags_read(struct slice text, struct arena *a, struct tags *ret);

/* By name, whose case counts; NULL: there is none. */
const struct tag *tags_find(const struct tags *tags, const char *name);

/* The value of one, or of none what is given instead. */
struct slice tags_value(const struct tags *tags, const char *name, struct slice otherwise);

/* A value without the blanks and folds that may stand anywhere in Base64. */
struct slice tags_without_blanks(struct arena *a, struct slice value);
