/* SPDX-License-Identifier: ISC */
/*
 * The header of a message as a list of fields that signatures name, and the canonical forms of a
 * field (RFC 6376 §3.4.1, §3.4.2).
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

struct sender_field {
    struct slice name, all; /* the name; the whole field without its last line end */
    struct slice value;     /* all behind the colon */
};

struct sender_fields {
    struct sender_field *list; /* as they stand in the message */
    size_t count;
    uint32_t
        *by_name; /* places in the list: fields of one name beside each other, in their order */
};

#define SENDER_FIELDS_MAX 10000U

/*
 * Of a header, which may have its body behind it. All points into it or is the arena's. -E_LIMIT:
 * too many fields.
 */
int sender_fields_read(struct slice header, struct arena *a, struct sender_fields *ret);

/* Places in `by_name` of the fields of a name, whatever its case: from `ret_first`, so many. */
size_t sender_fields_find(const struct sender_fields *fields, struct slice name, size_t *ret_first);

/* The nth of a name, counted from 0; NULL: there is none. */
const struct sender_field *sender_fields_nth(const struct sender_fields *fields, struct slice name,
                                             size_t nth);

/* Appends the canonical form of a field, with its line end. */
void sender_field_add(struct buf *to, const struct sender_field *field, bool relaxed);
