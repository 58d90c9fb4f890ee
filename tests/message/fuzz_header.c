/* SPDX-License-Identifier: ISC */
/*
 * The header cursor and the scan of a message's bytes agree; fields come one behind the other; a
 * submission can be rewritten and then lacks nothing.
 */
#include "base/error.h"
#include "message/results.h"
#include "message/scan.h"
#include "message/write/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void walk(struct slice message) {
    _cleanup_(arena_done) struct arena a = {0};
    struct header_cursor c = {.message = message};
    size_t at = 0;
    for (struct header_field field; header_next(&c, &field);) {
        MUST(field.offset >= at && field.name.len > 0);
        MUST(slice_find_byte(header_unfold(&a, field.raw), '\n') < 0);
        (void)results_are_of(&field, S("mx.example.jp"));
        at = field.offset + field.len;
    }
    MUST(c.at >= at && c.body >= at && c.end != HEADER_OPEN);
}

/* In three chunks; a last line without its LF may be undecided. */
static void compare_with_scan(struct slice message) {
    struct message_scan scan = {0};
    message_scan_feed(&scan, slice_first(message, message.len / 3));
    message_scan_feed(&scan, slice_first(slice_from(message, message.len / 3), 1));
    message_scan_feed(&scan, slice_from(message, message.len / 3 + 1));
    MUST(scan.size == message.len);
    if (!scan.ends_line)
        return;
    MUST(scan.header_size == header_body(message, NULL));
    MUST(scan.received == header_count(message, NULL, S("Received")));
}

static void rewrite(struct slice message) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf header = {0};
    struct submission sub;
    struct submission_by by = {.id = 1, .host = S("mx.example.jp"), .login = S("tama@example.jp")};
    if (submission_inspect(&a, message, NULL, &sub) < 0)
        return;
    submission_header(&header, message, &sub, &by);
    MUST(submission_inspect(&a, buf_slice(&header), NULL, &sub) == 0);
    MUST(sub.has_date && sub.has_message_id && sub.has_from);
    MUST(sub.body == header.len && sub.has_empty_line);
    MUST(header_count(buf_slice(&header), NULL, S("Bcc")) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct slice message = slice_of(bytes, len);
    walk(message);
    compare_with_scan(message);
    rewrite(message);
    return 0;
}
