/* SPDX-License-Identifier: ISC */
#include "base/arena.h"
#include "base/error.h"
#include "base/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/*
 * What a link brings, then (behind a line feed) a translation: the sentence is always a string,
 * what is written again reads as the same, and no translation reaches beyond the parts.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf wire = {0}, filled = {0};
    struct slice input = slice_of(bytes, len);
    ssize_t end = slice_find_byte(input, '\n');
    struct slice sent = end < 0 ? input : slice_first(input, (size_t)end);
    struct slice format = end < 0 ? S("%s %.*s %u") : slice_from(input, (size_t)end + 1);
    struct problem p = {0}, again = {0};
    problem_read(&p, sent);
    MUST(memchr(p.text, '\0', sizeof p.text) && p.parts_len <= sizeof p.parts);
    MUST(problem_words(&a, &p));
    problem_write(&wire, &p);
    problem_read(&again, buf_slice(&wire));
    MUST(strcmp(p.text, again.text) == 0 && p.parts_len == again.parts_len);
    MUST(memcmp(p.parts, again.parts, p.parts_len) == 0);
    (void)parts_fill(&filled, slice_of(p.parts, p.parts_len), arena_str(&a, format));
    (void)parts_fill(&filled, sent, arena_str(&a, format));
    MUST(parts_words(&a, sent).ptr || sent.len == 0);
    return 0;
}
