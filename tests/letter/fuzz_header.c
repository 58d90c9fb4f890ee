/* SPDX-License-Identifier: ISC */
/*
 * The header cursor and the scan of a letter's bytes agree; fields come one behind the other; a
 * submission can be rewritten and then lacks nothing.
 */
#include "base/error.h"
#include "letter/results.h"
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
        (void)results_are_of(&field, S("mx.example.jp"));
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
    struct submission_by by = {.id = 1, .host = S("mx.example.jp"), .login = S("tama@example.jp")};
    if (submission_inspect(&a, letter, NULL, &sub) < 0)
        return;
    submission_header(&header, letter, &sub, &by);
    MUST(submission_inspect(&a, buf_slice(&header), NULL, &sub) == 0);
    MUST(sub.has_date && sub.has_message_id && sub.has_from);
    MUST(sub.body == header.len && sub.has_empty_line);
    MUST(header_count(buf_slice(&header), NULL, S("Bcc")) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct slice letter = slice_of(bytes, len);
    walk(letter);
    compare_with_scan(letter);
    rewrite(letter);
    return 0;
}
