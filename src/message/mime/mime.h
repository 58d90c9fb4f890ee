/* SPDX-License-Identifier: ISC */
/*
 * What a part of a message says of itself (RFC 2045): its type, and how its bytes are encoded.
 * Pure.
 */
#pragma once

#include "base/arena.h"
#include "message/mime/mime_boundary.h"

struct mime_type {
    struct slice type; /* "multipart/mixed" in lower case; empty: not readable */
    struct mime_boundary boundary;
};

/* The value of Content-Type on one line (header_unfold()), as mime_value.h reads it; slices in the
 * arena. */
struct mime_type mime_type_read(struct arena *a, struct slice value);

enum mime_encoding {
    MIME_PLAIN, /* 7bit, 8bit, binary, or nothing said */
    MIME_QUOTED_PRINTABLE,
    MIME_BASE64,
    MIME_UNKNOWN,
};

/* The value of Content-Transfer-Encoding. */
enum mime_encoding mime_encoding_read(struct slice value);
