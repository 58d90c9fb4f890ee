/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "cli/terminal/when.h"

/* 2026-11-29 14:05:06 in Tokyo, which is 05:05:06 UTC. */
#define NOW ((usec_t)1795928706 * USEC_SEC)

static void expect(const char *text, const char *utc) {
    usec_t wall = 0;
    char shown[TIME_TEXT_SIZE];
    if (when_parse(slice_of_str(text), NOW, &wall) != 0)
        fail_msg("\"%s\" is not read", text);
    assert_slice(slice_first(time_format_rfc3339(wall, shown), (size_t)19), utc);
}

static void test_times_are_those_of_the_zone(void **state) {
    (void)state;
    expect("2026-11-29", "2026-11-28T15:00:00");
    expect("2026-11-29 10:30", "2026-11-29T01:30:00");
    expect("2026-11-29T10:30:15", "2026-11-29T01:30:15");
    expect("10:30", "2026-11-29T01:30:00");
    expect("today", "2026-11-28T15:00:00");
    expect("Yesterday", "2026-11-27T15:00:00");
    expect("now", "2026-11-29T05:05:06");
    expect("2024-02-29", "2024-02-28T15:00:00");
}

static void test_spans_count_back_from_now(void **state) {
    (void)state;
    expect("2h", "2026-11-29T03:05:06");
    expect("2h ago", "2026-11-29T03:05:06");
    expect("2 h ago", "2026-11-29T03:05:06");
    expect("-30min", "2026-11-29T04:35:06");
    expect("3d", "2026-11-26T05:05:06");
    expect("1w", "2026-11-22T05:05:06");
}

static void test_what_is_no_time_is_refused(void **state) {
    static const char *const wrong[] = {
        "",      "tomorrow",       "2026-02-30",    "2026-13-01", "2026-11-2", "2026-11-29x10:30",
        "24:00", "10:60",          "2026-11-29 10", "12",         "h",         "ago",
        "-",     "99999999999999d"};
    usec_t wall = 0;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (when_parse(slice_of_str(wrong[i]), NOW, &wall) == 0)
            fail_msg("\"%s\" is read as %lld", wrong[i], (long long)wall);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_are_those_of_the_zone),
        cmocka_unit_test(test_spans_count_back_from_now),
        cmocka_unit_test(test_what_is_no_time_is_refused),
    };
    (void)setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
