/* SPDX-License-Identifier: ISC */
/*
 * The header of a message, field by field (RFC 5322 §2.2): a cursor over the bytes, which allocates
 * nothing and passes each byte once.
 *
 *     struct header_cursor c = {.message = message, .limits = &limits};
 *     struct header_field f;
 *     while (header_next(&c, &f)) ...
 *     body = slice_from(message, c.body);
 *
 * Lines end with CRLF; a bare LF is taken for one too. The header ends at the first empty line. It
 * also ends, without an empty line, before a line that is no field (no colon, or no field name
 * before it): that line begins the body, as Sendmail and Postfix have it. Spaces between name and
 * colon are dropped (RFC 5322 §4.5.8). A "From " or ">From " line of an mbox file (RFC 4155), which
 * some programs leave where it was, is passed by.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* Zero means no limit of ours. */
struct header_limits {
    size_t bytes;  /* header fields in all */
    size_t fields; /* their number */
};

enum header_end {
    HEADER_OPEN,       /* not reached yet */
    HEADER_EMPTY_LINE, /* the regular end; the empty line is passed */
    HEADER_NO_FIELD,   /* a line that is no field begins the body */
    HEADER_NO_BODY,    /* the message ends with its header */
    HEADER_LIMIT,      /* a limit was passed; where the body begins is not known */
};

struct header_cursor {
    struct slice message;
    const struct header_limits *limits; /* may be NULL */
    size_t at;
    size_t fields;
    enum header_end end;
    size_t body; /* offset of the body, once `end` says that it was reached */
};

struct header_field {
    struct slice name;
    struct slice raw; /* all behind the colon, folds included, without the last line end */
    size_t offset;    /* of the name in the message */
    size_t len;       /* of the whole field with its line ends */
};

/*
 * Length of the field name at the front of a line, and the place of its colon; 0: the line is no
 * field.
 */
size_t header_name_length(struct slice line, size_t *ret_colon);

/* The next field, or false at the end of the header. */
bool header_next(struct header_cursor *c, struct header_field *ret);

/*
 * The value on one line: line ends taken out, blanks at both ends too. A value without folds is not
 * copied: it points into the message.
 */
struct slice header_unfold(struct arena *a, struct slice raw);

static inline bool header_is(const struct header_field *field, struct slice name) {
    return slice_eq_nocase(field->name, name);
}

/* The nth field of a name, counted from 0; false when there is none. `limits` may be NULL. */
bool header_find(struct slice message, const struct header_limits *limits, struct slice name,
                 size_t nth, struct header_field *ret);

/* How many fields of a name there are, such as Received for the hop limit (RFC 5321 §6.3). */
size_t header_count(struct slice message, const struct header_limits *limits, struct slice name);

/*
 * Appends the header of `message`, which may go on with its body, up to and with its empty line,
 * but for the fields that `leave_out` names.
 */
void header_copy(struct buf *to, struct slice message,
                 bool (*leave_out)(const struct header_field *field, const void *arg),
                 const void *arg);

/* Offset of the body, or the length of the message when it has none or a limit was passed. */
size_t header_body(struct slice message, const struct header_limits *limits);
