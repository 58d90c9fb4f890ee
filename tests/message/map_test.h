/* SPDX-License-Identifier: ISC */
/*
 * The parts of a message as text, for tests: a line for each, in their order. `feed` says how many
 * bytes a piece has.
 */
#pragma once

#include "message/map/map.h"

static inline void make_map(struct slice message, size_t feed, struct buf *to) {
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    for (; message.len > 0; message = slice_from(message, feed))
        message_map_feed(maker, slice_first(message, feed));
    message_map_finish(maker, to);
}

/* "2.1 text/plain 10-30-44 3 lines 14" */
static inline void show_part(const struct message_map *map, size_t i, struct buf *to) {
    const struct message_map_part *p = &map->parts[i];
    size_t from = to->len;
    message_map_path(map, i, to);
    if (to->len == from)
        buf_add_str(to, "-");
    buf_printf(to, " %.*s/%.*s %lu-%lu-%lu %lu %lu\n", SLICE_ARG(p->major), SLICE_ARG(p->minor),
               (unsigned long)p->header, (unsigned long)p->body, (unsigned long)p->end,
               (unsigned long)p->lines, (unsigned long)p->decoded);
}

static inline void show_address(const struct listed *a, struct buf *to) {
    static const char *const kinds[] = {"", "group ", "end"};
    buf_printf(to, "[%s%.*s|%.*s|%.*s|%.*s]", kinds[a->kind], SLICE_ARG(a->name),
               SLICE_ARG(a->route), SLICE_ARG(a->local), SLICE_ARG(a->host));
}
