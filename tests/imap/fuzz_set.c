/* SPDX-License-Identifier: ISC */
/*
 * Any bytes are a set or none, in parts or at once; a set has exactly the numbers that its text
 * names, as a slow reading of it finds.
 */
#include <stdint.h>

#include "base/error.h"
#include "imap/syntax/set.h"

/* Whether the number is in the text of a good set, "*" being `highest`. */
static bool text_has(struct slice text, uint64_t number, uint64_t highest) {
    struct slice range;
    while (slice_next(&text, ',', &range)) {
        uint64_t ends[2] = {0, 0};
        struct slice half;
        unsigned count = 0;
        while (slice_next(&range, ':', &half)) {
            MUST(count < 2);
            if (slice_eq(half, S("*")))
                ends[count++] = highest;
            else
                MUST(slice_to_u64(half, UINT32_MAX, &ends[count++]) == 0);
        }
        if (count == 1)
            ends[1] = ends[0];
        if (number >= MIN(ends[0], ends[1]) && number <= MAX(ends[0], ends[1]))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 2)
        return 0;
    struct slice text = slice_of(bytes + 2, len - 2);
    struct arena a = {0};
    struct imap_set set, cut;
    struct imap_set_reader r = {0};
    int whole = imap_set_parse(text, &a, &set);
    (void)imap_set_read(&r, slice_first(text, bytes[0]));
    (void)imap_set_read(&r, slice_from(text, bytes[0]));
    int parts = imap_set_read_end(&r, &cut);
    MUST(whole == parts || slice_eq(text, S("$")));
    if (whole == 0 && !set.saved) {
        MUST(set.count == cut.count && set.star == cut.star);
        uint32_t highest = bytes[1];
        struct imap_set plain = imap_set_resolve(&set, highest, &a);
        for (size_t i = 0; i < plain.count; i++) {
            MUST(plain.ranges[i].first > 0 && plain.ranges[i].first <= plain.ranges[i].last);
            MUST(i == 0 || plain.ranges[i].first > (uint64_t)plain.ranges[i - 1].last + 1);
        }
        for (uint32_t number = 1; number < 300 && text.len < 2000; number++)
            MUST(imap_set_has(&plain, number) == text_has(text, number, highest));
    }
    imap_set_reader_done(&r);
    arena_done(&a);
    return 0;
}
