/* SPDX-License-Identifier: ISC */
/*
 * Sets of numbers.
 */
#include <stdio.h>

#include "base/buf.h"
#include "imap/syntax/set.h"
#include "unit.h"

/* The ranges as text, "*" as "N:*". */
static const char *read_set(struct slice text) {
    static char shown[400];
    struct arena a = {0};
    struct imap_set set;
    int r = imap_set_parse(text, &a, &set);
    size_t len = 0;
    shown[0] = '\0';
    if (r < 0)
        (void)snprintf(shown, sizeof shown, "%s", r == -E_LIMIT ? "limit" : "syntax");
    for (size_t i = 0; r == 0 && i < set.count; i++)
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%u-%u ", set.ranges[i].first,
                                set.ranges[i].last);
    if (r == 0 && set.star)
        (void)snprintf(shown + len, sizeof shown - len, "%u-*", set.star_from);
    if (r == 0 && set.saved)
        (void)snprintf(shown, sizeof shown, "$");
    arena_done(&a);
    return shown;
}

static void rfc9051_9_a_set_is_ranges_in_order(void **state) {
    assert_string_equal(read_set(S("5")), "5-5 ");
    assert_string_equal(read_set(S("1,3,5:7")), "1-1 3-3 5-7 ");
    assert_string_equal(read_set(S("4294967295")), "4294967295-4294967295 ");
    assert_string_equal(read_set(S("7:5")), "5-7 ");
    assert_string_equal(read_set(S("$")), "$");
}

static void ranges_that_meet_or_touch_are_one(void **state) {
    assert_string_equal(read_set(S("1,2,3")), "1-3 ");
    assert_string_equal(read_set(S("1:5,3:9")), "1-9 ");
    assert_string_equal(read_set(S("9,1,5,2,4294967295,4,3")), "1-5 9-9 4294967295-4294967295 ");
    assert_string_equal(read_set(S("4294967294:4294967295,4294967295,1")),
                        "1-1 4294967294-4294967295 ");
    assert_string_equal(read_set(S("10:20,1:30,15")), "1-30 ");
}

static void a_range_may_meet_what_was_put_in_order_before(void **state) {
    assert_string_equal(read_set(S("31:5,3:90,5,2,10,429:5,3:90,5,2,10,4")), "2-429 ");
    assert_string_equal(read_set(S("9,7,5,3,1,11,13,2:12,12")), "1-13 ");
}

static void rfc9051_9_a_star_is_the_highest_number_whichever_side_it_stands_on(void **state) {
    assert_string_equal(read_set(S("*")), "4294967295-*");
    assert_string_equal(read_set(S("5:*")), "5-*");
    assert_string_equal(read_set(S("*:5,9:*,*")), "5-*");
    assert_string_equal(read_set(S("1:3,*")), "1-3 4294967295-*");
    assert_string_equal(read_set(S("*:*")), "4294967295-*");
}

static void what_is_no_set_is_refused(void **state) {
    const char *const wrong[] = {
        "",    ",",  "1,", ",1", "1,,2", ":",   "1:", ":1",  "1:2:3", "0",    "01",
        "1:0", "1*", "*1", "**", "$,1",  "1,$", "a",  "1 2", "-1",    "1:*:2"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_string_equal(read_set(slice_of_str(wrong[i])), "syntax");
    assert_string_equal(read_set(S("4294967296")), "limit");
    assert_string_equal(read_set(S("1:99999999999999999999999999")), "limit");
}

static void a_set_reads_the_same_in_parts(void **state) {
    struct slice text = S("3000000000:17,4,*:9,1,2,4294967295");
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct imap_set_reader r = {0};
        struct imap_set set;
        assert_int_equal(imap_set_read(&r, slice_first(text, cut)), 0);
        assert_int_equal(imap_set_read(&r, slice_from(text, cut)), 0);
        assert_int_equal(imap_set_read_end(&r, &set), 0);
        assert_int_equal(set.count, 4);
        assert_int_equal(set.ranges[2].first, 17);
        assert_int_equal(set.star_from, 9);
        imap_set_reader_done(&r);
    }
}

static void a_set_that_repeats_itself_stays_small(void **state) {
    struct imap_set_reader r = {0};
    struct imap_set set;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(imap_set_read(&r, i ? S(",7,1,3,9") : S("5")), 0);
    assert_true(r.size <= 64);
    assert_int_equal(imap_set_read_end(&r, &set), 0);
    assert_int_equal(set.count, 5);
    imap_set_reader_done(&r);
}

static struct imap_set resolved(struct arena *a, struct slice text, uint32_t highest) {
    struct imap_set set;
    assert_int_equal(imap_set_parse(text, a, &set), 0);
    return imap_set_resolve(&set, highest, a);
}

static void a_star_becomes_a_range_when_the_highest_number_is_known(void **state) {
    struct arena a = {0};
    struct imap_set set = resolved(&a, S("1:3,8,5:*"), 10);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.ranges[1].first, 5);
    assert_int_equal(set.ranges[1].last, 10);
    assert_int_equal(imap_set_size(&set), 9);
    set = resolved(&a, S("20:*"), 10); /* RFC 9051 §6.4.8: always includes the last message */
    assert_true(imap_set_has(&set, 10));
    assert_false(imap_set_has(&set, 9));
    set = resolved(&a, S("20:*,15:*"), 10);
    assert_int_equal(set.ranges[0].first, 10);
    assert_int_equal(set.ranges[0].last, 20);
    set = resolved(&a, S("*"), 10);
    assert_int_equal(imap_set_size(&set), 1);
    assert_true(imap_set_has(&set, 10));
    set = resolved(&a, S("*"), 0);
    assert_int_equal(set.count, 0);
    set = resolved(&a, S("7,3:*"), 5);
    assert_int_equal(imap_set_size(&set), 4);
    assert_false(imap_set_has(&set, 6));
    arena_done(&a);
}

static void a_number_is_found_in_many_ranges(void **state) {
    struct arena a = {0};
    struct buf text = {0};
    for (unsigned i = 1; i < 3000; i += 3)
        buf_printf(&text, "%s%u:%u", i > 1 ? "," : "", i, i + 1);
    struct imap_set set = resolved(&a, buf_slice(&text), 5000);
    for (uint32_t i = 1; i < 3000; i++)
        assert_int_equal(imap_set_has(&set, i), i % 3 != 0);
    assert_false(imap_set_has(&set, 3001));
    buf_done(&text);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9051_9_a_set_is_ranges_in_order),
        cmocka_unit_test(ranges_that_meet_or_touch_are_one),
        cmocka_unit_test(a_range_may_meet_what_was_put_in_order_before),
        cmocka_unit_test(rfc9051_9_a_star_is_the_highest_number_whichever_side_it_stands_on),
        cmocka_unit_test(what_is_no_set_is_refused),
        cmocka_unit_test(a_set_reads_the_same_in_parts),
        cmocka_unit_test(a_set_that_repeats_itself_stays_small),
        cmocka_unit_test(a_star_becomes_a_range_when_the_highest_number_is_known),
        cmocka_unit_test(a_number_is_found_in_many_ranges),
    };
    return cmocka_run_group_tests_name("imap set", tests, NULL, NULL);
}
