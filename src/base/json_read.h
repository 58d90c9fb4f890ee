/* SPDX-License-Identifier: ISC */
/*
 * Reading JSON (RFC 8259) into values. Strict: one value and nothing behind it, strings of UTF-8
 * without control characters, no name twice in an object (RFC 7493 §2.3). Bounded in depth and in
 * the number of values; linear in time.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_value {
    enum json_type type;
    bool is_true;
    struct slice text;        /* of a string, decoded; of a number, as it stands there */
    struct slice name;        /* of a member */
    struct json_value *first; /* of an array or object */
    struct json_value *next;  /* behind this one in it */
    size_t count;
};

struct json_limits {
    unsigned depth;
    size_t values;
};
#define JSON_LIMITS_DEFAULT                                                                        \
    { .depth = 32, .values = 100000 }

/*
 * Strings without escapes point into the text; all else is the arena's. -E_SYNTAX: `ret_at`, which
 * may be NULL, is the offset of what is wrong; -E_LIMIT.
 */
int json_read(struct slice text, const struct json_limits *limits, struct arena *a,
              struct json_value *ret, size_t *ret_at);

/* A member of an object; NULL: it has none of the name, or is no object. */
const struct json_value *json_member(const struct json_value *object, const char *name);

/* A whole number in the range of I-JSON (RFC 7493 §2.2): -E_SYNTAX, -E_LIMIT. */
int json_to_int(const struct json_value *value, int64_t *ret);
