/* SPDX-License-Identifier: ISC */
/* The octets of a section of a message that lies in memory, for tests. */
#pragma once

#include <errno.h>

#include "imap/fetch/section.h"
#include "map_of.h"
#include "message/mime/transfer.h"

/* Appends them; 0, -ENOENT (NIL), or the error of imap_section_find(). */
static inline int section_of(struct arena *a, const struct imap_section *section,
                             const struct message_map *map, struct slice message, struct buf *to) {
    struct imap_octets o;
    struct buf value = {0};
    int error = imap_section_find(section, map, &o);
    if (error || !o.is_there)
        return error ? error : -ENOENT;
    MUST(o.offset <= message.len && o.len <= message.len - o.offset);
    struct slice octets = slice_first(slice_from(message, (size_t)o.offset), (size_t)o.len);
    if (section->field_count > 0) {
        bool cut = octets.len > IMAP_HEADER_MAX;
        imap_fields_pick(section, imap_fields_sort(section, a),
                         slice_first(octets, IMAP_HEADER_MAX), cut, &value);
    } else {
        struct transfer t = {.encoding = o.encoding};
        transfer_take(&t, octets, &value);
        transfer_end(&t, &value);
        MUST(value.len == o.size);
    }
    struct imap_part_of part = imap_section_part_of(section, value.len);
    MUST(part.from <= value.len && part.len <= value.len - part.from);
    buf_add(to, slice_first(slice_from(buf_slice(&value), (size_t)part.from), (size_t)part.len));
    buf_done(&value);
    return 0;
}
