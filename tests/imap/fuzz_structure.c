/* SPDX-License-Identifier: ISC */
/*
 * Whatever a message is, its envelope and its structure are inside the grammar; and so are those of
 * any bytes that are taken for a map.
 *
 * Byte 0: bit 0 UTF-8, bit 1 the rest is a map and not a message.
 */
#include <stdint.h>

#include "imap/fetch/structure.h"
#include "map_of.h"
#include "response_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void write_all(struct imap_writer *w, const struct message_map *map) {
    imap_write_begin(w, S("*"));
    imap_write_number(w, 1);
    imap_write_word(w, "FETCH");
    imap_write_open(w);
    imap_write_word(w, "ENVELOPE");
    imap_write_envelope(w, &map->parts[0].envelope);
    imap_write_word(w, "BODY");
    imap_write_structure(w, map, false);
    imap_write_word(w, "BODYSTRUCTURE");
    imap_write_structure(w, map, true);
    imap_write_close(w);
    imap_write_end(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf sent = {0};
    struct slice rest = slice_from(slice_of(bytes, len), 1);
    const bool utf8 = len > 0 && bytes[0] & 1;
    struct imap_writer w = {.to = &sent, .utf8 = utf8, .utf8_names = utf8};
    struct response_fault fault;
    struct message_map map;
    if (len == 0 || !(bytes[0] & 2))
        map_of(&a, rest, &map);
    else if (message_map_read(&a, rest, &map) < 0)
        return 0;
    write_all(&w, &map);
    rest = buf_slice(&sent);
    if (!response_check(&rest, utf8, &fault) || rest.len > 0)
        panic("expected %s at %zu of \"%.*s\"", fault.expected, fault.at, SLICE_ARG(rest));
    return 0;
}
