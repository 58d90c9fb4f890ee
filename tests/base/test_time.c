/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/time.h"

#define MOMENT ((usec_t)1795000000 * USEC_SEC + 123456) /* 2026-11-18T11:06:40.123456Z */

static int in_tokyo(void **state) {
    (void)state;
    (void)setenv("TZ", "JST-9", 1); /* no daylight saving, no file needed */
    tzset();
    return 0;
}

static void test_dates_as_in_rfc5322_3_3(void **state) {
    char text[40];
    (void)state;
    assert_slice(time_format_rfc5322(MOMENT, text), "Wed, 18 Nov 2026 20:06:40 +0900");
    assert_slice(time_format_rfc5322(0, text), "Thu, 1 Jan 1970 09:00:00 +0900");
}

static void test_dates_for_logs_and_programs(void **state) {
    char text[TIME_TEXT_SIZE];
    (void)state;
    assert_slice(time_format_log(MOMENT, text), "2026-11-18 20:06:40.123");
    assert_slice(time_format_rfc3339(MOMENT, text), "2026-11-18T11:06:40.123Z");
    assert_slice(time_format_rfc3339(-1, text), "1969-12-31T23:59:59.999Z");
}

static void test_spans_for_people(void **state) {
    char text[TIME_TEXT_SIZE];
    (void)state;
    assert_slice(time_format_span(999, text), "999 us");
    assert_slice(time_format_span(850 * USEC_MS, text), "850 ms");
    assert_slice(time_format_span(59 * USEC_SEC, text), "59 s");
    assert_slice(time_format_span(200 * USEC_SEC, text), "3 min 20 s");
    assert_slice(time_format_span(125 * USEC_MIN, text), "2 h 5 min");
    assert_slice(time_format_span(99 * USEC_HOUR, text), "4 d 3 h");
    assert_slice(time_format_span(7 * USEC_DAY + 59 * USEC_MIN, text), "7 d");
}

static void test_spans_are_read_with_their_unit(void **state) {
    usec_t span = 0;
    (void)state;
    assert_int_equal(time_parse_span(S("5min"), &span), 0);
    assert_int_equal(span, 5 * USEC_MIN);
    assert_int_equal(time_parse_span(S("300ms"), &span), 0);
    assert_int_equal(span, 300 * USEC_MS);
    assert_int_equal(time_parse_span(S("5d"), &span), 0);
    assert_int_equal(span, 5 * USEC_DAY);
    assert_int_equal(time_parse_span(S("5"), &span), -E_SYNTAX);
    assert_int_equal(time_parse_span(S("min"), &span), -E_SYNTAX);
    assert_int_equal(time_parse_span(S("5 min"), &span), -E_SYNTAX);
    assert_int_equal(time_parse_span(S("99999999999d"), &span), -E_LIMIT);
}

static void days_are_counted_by_the_gregorian_calendar(void **state) {
    assert_int_equal(time_days(1970, 1, 1), 0);
    assert_int_equal(time_days(2000, 2, 29), 11016);
    assert_int_equal(time_days(2026, 11, 30), 20787);
    assert_int_equal(time_days(1, 1, 1), -719162);
    assert_int_equal(time_days(9999, 12, 31), 2932896);
    assert_true(time_is_day(2000, 2, 29) && time_is_day(2024, 2, 29) && time_is_day(1, 1, 1));
    assert_false(time_is_day(1900, 2, 29) || time_is_day(2026, 2, 29) || time_is_day(2026, 4, 31));
    assert_false(time_is_day(0, 1, 1) || time_is_day(10000, 1, 1) || time_is_day(2026, 13, 1));
    assert_false(time_is_day(2026, 0, 1) || time_is_day(2026, 1, 0) || time_is_day(2026, 1, 32));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_as_in_rfc5322_3_3),
        cmocka_unit_test(test_dates_for_logs_and_programs),
        cmocka_unit_test(test_spans_for_people),
        cmocka_unit_test(test_spans_are_read_with_their_unit),
        cmocka_unit_test(days_are_counted_by_the_gregorian_calendar),
    };
    return cmocka_run_group_tests_name("time", tests, in_tokyo, NULL);
}
