/* SPDX-License-Identifier: ISC */
/*
 * The values of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183 §2), as strangers
 * write them: a name, or two with a slash, then parameters. Pure; linear in the length of the value
 * but for the parameters, of which at most MIME_PARAMETERS_MAX are read.
 *
 * A parameter in pieces (RFC 2231 §3: name*0, name*1*, ...) is given as one, at the place of the
 * first of them: the pieces in the order of their numbers, a gap passed over, of two with one
 * number the first. When any of them is extended (it ends with "*"), so is the whole: its name ends
 * with "*", and pieces that are not are percent-encoded. Otherwise values are not decoded: they are
 * raw octets, without quotes.
 *
 * Parameters without a name or without "=" are left out. A value without quotes ends at a blank or
 * ";"; that of "name" and "filename" has blanks in it, as many send it, but no comment behind.
 */
#pragma once

#include "base/arena.h"

#define MIME_PARAMETERS_MAX 200 /* pieces counted */

struct mime_parameter {
    struct slice name; /* as written */
    struct slice value;
};

struct mime_value {
    struct slice major; /* as written; empty: there is none */
    struct slice minor; /* behind the slash; empty: there is none */
    struct mime_parameter *parameters;
    size_t count;
};

/* A field's value on one line (header_unfold()); slices point into it or into the arena. */
struct mime_value mime_value_read(struct arena *a, struct slice value);

/* The first name of it alone, as written; empty: there is none. */
struct slice mime_value_read_name(struct slice value);

/* The value of the first parameter of a name that is not empty, or the empty slice. */
struct slice mime_parameter(const struct mime_value *v, struct slice name);

/*
 * The type that a part is taken for, both halves of it never empty: without a readable one
 * text/plain in us-ascii (RFC 2045 §5.2), in a multipart/digest message/rfc822 (RFC 2046 §5.1.5);
 * "text" alone is text/plain, any other without a subtype application/octet-stream.
 */
struct mime_value mime_type_valid(struct mime_value type, bool in_digest);

enum mime_kind {
    MIME_LEAF,
    MIME_MULTIPART, /* has one part or more in it */
    MIME_MESSAGE,   /* message/rfc822 or message/global: has one part in it, the message */
};

enum mime_kind mime_kind_of(const struct mime_value *type);
