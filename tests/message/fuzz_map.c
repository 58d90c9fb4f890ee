/* SPDX-License-Identifier: ISC */
/*
 * The first byte says how long the pieces are, the rest is the message. However it is cut, the map
 * is the same, and what reads maps finds nothing wrong with it (that parts nest and do not overlap,
 * for one).
 */
#include "map_test.h"

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf whole = {0}, pieces = {0};
    struct slice message = slice_from(slice_of(bytes, len), 1);
    struct message_map map;
    make_map(message, SIZE_MAX, &whole);
    make_map(message, len > 0 ? 1 + bytes[0] % 80U : 1, &pieces);
    MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    MUST(message_map_read(&a, buf_slice(&whole), &map) == 0);
    MUST(map.size == message.len && map.parts[0].end == map.size);
    return 0;
}
