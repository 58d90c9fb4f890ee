/* SPDX-License-Identifier: ISC */
/*
 * However a message is cut into pieces, the same comes out of it; it has no long line then, and is
 * left alone when it passes again.
 */
#include "message/header.h"
#include "message/scan.h"
#include "message/write/shorten.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void pass(struct shorten *s, struct slice message, size_t step, struct buf *to) {
    size_t body = header_body(message, NULL);
    buf_clear(to);
    shorten_begin(s, slice_first(message, body), to);
    for (size_t at = body; at < message.len; at += step)
        shorten_feed(s, slice_first(slice_from(message, at), step), to);
}

/* False: it is refused. */
static bool shorten(struct slice message, size_t step, struct buf *to) {
    _cleanup_(shorten_free_p) struct shorten *s = shorten_new();
    struct problem problem = {0};
    pass(s, message, step, to);
    if (shorten_end(s, to, &problem) < 0)
        return false;
    pass(s, message, step, to);
    MUST(shorten_end(s, to, &problem) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(buf_done) struct buf whole = {0}, pieces = {0}, again = {0};
    struct slice message = slice_of(bytes, len);
    struct message_scan before = {0}, after = {0};
    bool done = shorten(message, SIZE_MAX / 2, &whole);
    MUST(shorten(message, 7, &pieces) == done);
    if (!done)
        return 0;
    MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    message_scan_feed(&before, message);
    message_scan_feed(&after, buf_slice(&whole));
    MUST(after.longest_line <= SHORTEN_LINE_MAX);
    MUST(before.longest_line > SHORTEN_LINE_MAX || slice_eq(message, buf_slice(&whole)));
    MUST(shorten(buf_slice(&whole), 1000, &again));
    MUST(slice_eq(buf_slice(&whole), buf_slice(&again)));
    return 0;
}
