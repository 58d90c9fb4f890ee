/* SPDX-License-Identifier: ISC */
/*
 * A streaming JSON writer (RFC 8259) onto a buf: commas and quoting are its business.
 *
 *     struct json j = {.to = &b};
 *     json_object(&j);
 *     json_key(&j, "id"); json_slice(&j, id);
 *     json_end(&j);
 *
 * Strings that are not UTF-8 get U+FFFD for each bad byte. What utf8_is_hidden() names is escaped,
 * so that the output may be looked at on a terminal. Depth is bounded by JSON_DEPTH.
 */
#pragma once

#include "base/buf.h"

#define JSON_DEPTH 32

struct json {
    struct buf *to;
    unsigned depth;
    bool after_key;
    bool filled[JSON_DEPTH]; /* something was written at this depth */
    char closers[JSON_DEPTH];
};

void json_object(struct json *j);
void json_array(struct json *j);
void json_end(struct json *j); /* of the innermost object or array */
void json_key(struct json *j, const char *name);
void json_slice(struct json *j, struct slice text);
void json_str(struct json *j, const char *text);
void json_int(struct json *j, int64_t number);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);
