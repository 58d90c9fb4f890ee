/* SPDX-License-Identifier: ISC */
/*
 * Dates of IMAP.
 */
#include "imap/syntax/date.h"

#include "base/error.h"

#include "unit.h"

static int day_of(const char *text) {
    int32_t day = -999999;
    return imap_date_parse(slice_of_str(text), &day) == 0 ? day : -999999;
}

static void rfc9051_9_a_date_is_a_day(void **state) {
    assert_int_equal(day_of("1-Jan-1970"), 0);
    assert_int_equal(day_of("01-jan-1970"), 0);
    assert_int_equal(day_of("31-DEC-1969"), -1);
    assert_int_equal(day_of("29-Feb-2024"), 19782);
    assert_int_equal(day_of("1-Mar-2024"), 19783);
    assert_int_equal(day_of("30-Nov-2026"), 20787);
    assert_int_equal(day_of("31-Dec-9999"), 2932896);
    assert_int_equal(day_of("1-Jan-0001"), -719162);
}

static void days_that_are_not_are_refused(void **state) {
    const char *const wrong[] = {"",           "29-Feb-2026", "29-Feb-1900", "31-Apr-2026",
                                 "0-Jan-2026", "32-Jan-2026", "1-Foo-2026",  "1-Jan-0000",
                                 "1-Jan-26",   "1-Jan-20260", "1 Jan 2026",  "001-Jan-2026",
                                 "-Jan-2026",  "1-Jan-2026 ", "1-Ja-2026"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(day_of(wrong[i]), -999999);
}

static void assert_time(const char *text, int64_t seconds, int zone) {
    struct imap_date_time t;
    assert_int_equal(imap_date_time_parse(slice_of_str(text), &t), 0);
    assert_int_equal(t.at, seconds * USEC_SEC);
    assert_int_equal(t.zone, zone);
}

static void rfc9051_9_a_date_time_has_its_zone(void **state) {
    assert_time("17-Jul-1996 02:44:25 -0700", 837596665, -420);
    assert_time(" 1-Jan-1970 09:00:00 +0900", 0, 540);
    assert_time("01-Jan-1970 00:00:00 +0000", 0, 0);
    assert_time("30-Jun-2026 23:59:60 +0000", 1782864000, 0);
    struct imap_date_time t;
    const char *const wrong[] = {"1-Jan-1970",
                                 "1-Jan-1970 24:00:00 +0000",
                                 "1-Jan-1970 00:00:00 0000",
                                 "1-Jan-1970 00:60:00 +0000",
                                 "1-Jan-1970 00:00:00 +0000 ",
                                 "1-Jan-1970 00:00:00 +2400"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_not_equal(imap_date_time_parse(slice_of_str(wrong[i]), &t), 0);
}

static void every_time_is_read_back(void **state) {
    struct buf text = {0};
    for (int64_t seconds = -62135596800 + 86400; seconds < 253402300800 - 86400;
         seconds += 86400 * 97 + 12347) {
        struct imap_date_time t = {seconds * USEC_SEC, (int16_t)(seconds % 1439)}, back;
        buf_clear(&text);
        imap_date_time_write(&text, t);
        assert_int_equal(text.len, 26);
        assert_int_equal(imap_date_time_parse(buf_slice(&text), &back), 0);
        assert_int_equal(back.at, t.at);
        assert_int_equal(back.zone, t.zone);
    }
    buf_done(&text);
}

static void a_time_is_written_in_its_zone_with_two_places_for_the_day(void **state) {
    struct buf text = {0};
    imap_date_time_write(&text, (struct imap_date_time){1780239600 * USEC_SEC + 999999, 540});
    assert_slice(buf_slice(&text), " 1-Jun-2026 00:00:00 +0900");
    buf_clear(&text);
    imap_date_time_write(&text, (struct imap_date_time){-1, -570});
    assert_slice(buf_slice(&text), "31-Dec-1969 14:29:59 -0930");
    assert_int_equal(imap_date_time_day((struct imap_date_time){-1, -570}), -1);
    assert_int_equal(imap_date_time_day((struct imap_date_time){-1, 1}), 0);
    buf_done(&text);
}

static void years_without_a_form_become_the_nearest(void **state) {
    struct buf text = {0};
    imap_date_time_write(&text, (struct imap_date_time){INT64_MAX, 540});
    assert_slice(buf_slice(&text), "31-Dec-9999 23:59:59 +0900");
    buf_clear(&text);
    imap_date_time_write(&text, (struct imap_date_time){INT64_MIN, 0});
    assert_slice(buf_slice(&text), " 1-Jan-0001 00:00:00 +0000");
    buf_done(&text);
}

static void test_rfc3339_5_6_dates_of_urls(void **state) {
    static const struct {
        const char *text;
        usec_t at; /* in seconds; -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1985-04-12T23:20:50.52Z", 482196050},
        {"1996-12-19T16:39:57-08:00", 851042397},
        {"1990-12-31T23:59:60z", 662688000},
        {"1937-01-01t12:00:27.87+00:20", -1041337173},
        {"2026-02-29T00:00:00Z", -1},
        {"2026-13-01T00:00:00Z", -1},
        {"2026-12-01 00:00:00Z", -1},
        {"2026-12-01T00:00:00", -1},
        {"2026-12-01T24:00:00Z", -1},
        {"2026-12-01T00:00:00.Z", -1},
        {"2026-12-01T00:00:00+9:00", -1},
        {"2026-12-01T00:00:00+0900", -1},
        {"2026-12-01T00:00:00Zx", -1},
        {"", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        usec_t at = -USEC_SEC;
        int error = imap_rfc3339_parse(slice_of_str(cases[i].text), &at);
        if (error != (cases[i].at == -1 ? -E_SYNTAX : 0) || at != cases[i].at * USEC_SEC)
            fail_msg("%s: %lld", cases[i].text, (long long)(at / USEC_SEC));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9051_9_a_date_is_a_day),
        cmocka_unit_test(days_that_are_not_are_refused),
        cmocka_unit_test(rfc9051_9_a_date_time_has_its_zone),
        cmocka_unit_test(every_time_is_read_back),
        cmocka_unit_test(a_time_is_written_in_its_zone_with_two_places_for_the_day),
        cmocka_unit_test(years_without_a_form_become_the_nearest),
        cmocka_unit_test(test_rfc3339_5_6_dates_of_urls),
    };
    return cmocka_run_group_tests_name("imap date", tests, NULL, NULL);
}
