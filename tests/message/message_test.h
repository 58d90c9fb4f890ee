/* SPDX-License-Identifier: ISC */
/*
 * What the tests of this floor share.
 */
#pragma once

#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

/* Sunday, 22 November 2026 11:12:42 UTC; the tests run with TZ=UTC. */
#define TEST_TIME (INT64_C(1795345962) * USEC_SEC)

static inline int use_utc(void **state) {
    return setenv("TZ", "UTC", 1);
}

/* Every line ends with CRLF and holds at most `max` bytes, all of them printable ASCII. */
static inline void assert_lines(struct slice text, size_t max) {
    struct slice line;
    assert_true(slice_ends(text, S("\r\n")));
    text.len -= 2;
    while (slice_next(&text, '\n', &line)) {
        if (text.ptr) {
            assert_true(slice_ends(line, S("\r")));
            line.len--;
        }
        if (line.len > max)
            fail_msg("line of %zu bytes: %.*s", line.len, SLICE_ARG(line));
        for (size_t i = 0; i < line.len; i++)
            assert_in_range((unsigned char)line.ptr[i], 32, 126);
    }
}
