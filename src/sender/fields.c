/* SPDX-License-Identifier: ISC */
#include "sender/fields.h"

#include <stdlib.h>

#include "message/header.h"

static int compare(const void *one, const void *other, void *arg) {
    const struct sender_field *list = arg;
    uint32_t x = *(const uint32_t *)one, y = *(const uint32_t *)other;
    int c = slice_cmp_nocase(list[x].name, list[y].name);
    return c != 0 ? c : x < y ? -1 : x > y;
}

int sender_fields_read(struct slice header, struct arena *a, struct sender_fields *ret) {
    const struct header_limits limits = {.fields = SENDER_FIELDS_MAX};
    struct header_cursor c = {.message = header, .limits = &limits};
    struct header_field f;
    size_t count = 0;
    while (header_next(&c, &f))
        count++;
    if (c.end == HEADER_LIMIT)
        return -E_LIMIT;
    *ret = (struct sender_fields){.list = arena_array(a, count, sizeof *ret->list),
                                  .by_name = arena_array(a, count, sizeof *ret->by_name)};
    c = (struct header_cursor){.message = header, .limits = &limits};
    while (header_next(&c, &f)) {
        size_t end = (size_t)(f.raw.ptr - header.ptr) + f.raw.len;
        ret->by_name[ret->count] = (uint32_t)ret->count;
        ret->list[ret->count++] =
            (struct sender_field){f.name, slice_of(header.ptr + f.offset, end - f.offset), f.raw};
    }
    if (count > 0)
        qsort_r(ret->by_name, ret->count, sizeof *ret->by_name, compare, ret->list);
    return 0;
}

/* The first place whose name is not below this one, or, `above`, the first above it. */
static size_t bound(const struct sender_fields *fields, struct slice name, bool above) {
    size_t from = 0, to = fields->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int c = slice_cmp_nocase(fields->list[fields->by_name[middle]].name, name);
        if (c < 0 || (above && c == 0))
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

size_t sender_fields_find(const struct sender_fields *fields, struct slice name,
                          size_t *ret_first) {
    *ret_first = bound(fields, name, false);
    return bound(fields, name, true) - *ret_first;
}

const struct sender_field *sender_fields_nth(const struct sender_fields *fields, struct slice name,
                                             size_t nth) {
    size_t first, count = sender_fields_find(fields, name, &first);
    return nth < count ? &fields->list[fields->by_name[first + nth]] : NULL;
}

/* ------------------------------------------------------------------ canonical forms */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void sender_field_add(struct buf *to, const struct sender_field *field, bool relaxed) {
    if (!relaxed) {
        buf_add(to, field->all);
        buf_add_str(to, "\r\n");
        return;
    }
    buf_reserve(to, field->all.len + 3);
    for (size_t i = 0; i < field->name.len; i++)
        to->ptr[to->len++] = ascii_lower(field->name.ptr[i]);
    to->ptr[to->len++] = ':';
    bool some = false, blank = false;
    for (size_t i = 0; i < field->value.len; i++) {
        char c = field->value.ptr[i];
        if (is_blank(c)) {
            blank = some;
            continue;
        }
        if (blank)
            to->ptr[to->len++] = ' ';
        to->ptr[to->len++] = c;
        blank = false;
        some = true;
    }
    buf_add_str(to, "\r\n");
}
