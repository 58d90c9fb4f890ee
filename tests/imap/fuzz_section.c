/* SPDX-License-Identifier: ISC */
/*
 * Whatever a message is and a client asks for, what it gets lies in the message, and is as long as
 * the map says. A line with what is asked for, such as BODY[1.MIME]<0.10>, then the message.
 */
#include <stdint.h>

#include "section_of.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice message = slice_of(bytes, len), line;
    struct imap_attributes what = {0};
    struct imap_cursor c;
    struct message_map map;
    (void)slice_next(&message, '\n', &line);
    if (!message.ptr)
        message = S("");
    token_begin(&c, &(struct imap_text){.bytes = line}, &a);
    if (!imap_take_attributes(&c, &what))
        return 0;
    map_of(&a, message, &map);
    for (size_t i = 0; i < what.section_count; i++) {
        _cleanup_(buf_done) struct buf octets = {0};
        const struct imap_section *s = &what.sections[i];
        int error = section_of(&a, s, &map, message, &octets);
        MUST(error == 0 || error == -ENOENT || error == -ENOTSUP);
        MUST(!s->partial || octets.len <= s->length);
        MUST(octets.len <= message.len + 2);
        /* What is said to need less finds the same with less. */
        struct message_map_part whole = map.parts[0];
        struct message_map less = map;
        less.parts = &whole;
        less.part_count = 1;
        struct imap_octets full, part;
        if (imap_section_need(s) != IMAP_NEEDS_MAP && imap_section_find(s, &map, &full) == 0)
            MUST(imap_section_find(s, &less, &part) == 0 && part.offset == full.offset &&
                 part.len == full.len && part.is_there == full.is_there);
    }
    return 0;
}
