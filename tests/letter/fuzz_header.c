/* SPDX-License-Identifier: ISC */
/*
 * The header cursor and the scan of a letter's bytes agree; fields come one behind the other; a
 * submission can be rewritten and then lacks nothing.
 */
#include "base/error.h"
#include "letter/scan.h"
#include "letter/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void walk(struct slice letter) {
    _cleanup_(arena_done) struct arena a = {0};
    struct header_cursor c = {.letter = letter};
    size_t at = 0;
    for (struct header_field field; header_next(&c, &field);) {
        MUST(field.offset >= at && field.name.len > 0);
        MUST(slice_find_byte(header_unfold(&a, field.raw), '\n') < 0);
        at = field.offset + field.len;
    }
    MUST(c.at >= at && c.body >= at && c.end != HEADER_OPEN);
}

/* In three chunks; a last line without its LF may be undecided. */
static void compare_with_scan(struct slice letter) {
    struct letter_scan scan = {0};
    letter_scan_feed(&scan, slice_first(letter, letter.len / 3));
    letter_scan_feed(&scan, slice_first(slice_from(letter, letter.len / 3), 1));
    letter_scan_feed(&scan, slice_from(letter, letter.len / 3 + 1));
    MUST(scan.size == letter.len);
    if (!scan.ends_line)
        return;
    MUST(scan.header_size == header_body(letter, NULL));
    MUST(scan.received == header_count(letter, NULL, S("Received")));
}

static void rewrite(struct slice letter) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf header = {0};
    struct submission sub;
    if (submission_inspect(&a, letter, NULL, &sub) < 0)
        return;
    submission_header(&header, letter, &sub, 0, 1, S("mx.example.jp"));
    MUST(submission_inspect(&a, buf_slice(&header), NULL, &sub) == 0);
    MUST(sub.has_date && sub.has_message_id && sub.bcc_count == 0);
    MUST(sub.body == header.len && sub.has_empty_line);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct slice letter = slice_of(bytes, len);
    walk(letter);
    compare_with_scan(letter);
    rewrite(letter);
    return 0;
}
