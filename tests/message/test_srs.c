/* SPDX-License-Identifier: ISC */
/* A sender that was written anew leads back, for a while, and nobody else can make one that does.
 */
#include "message/srs.h"

#include "unit.h"

static const uint8_t key[16] = "a key of a test", other_key[16] = "another key, too";
static const struct srs here = {key, {"here.test", 9}, 20789};
static const struct srs there = {other_key, {"there.test", 10}, 20789};

static struct slice forward(const struct srs *s, const char *address, struct arena *a) {
    return srs_forward(s, slice_of_str(address), a);
}

static int back(const struct srs *s, struct slice address, struct arena *a, struct slice *ret) {
    ssize_t at = slice_rfind_byte(address, '@');
    assert_true(at > 0);
    return srs_back(s, slice_first(address, (size_t)at), a, ret);
}

static void test_an_address_leads_back_in_any_case(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    static const char *const senders[] = {"a@one.test", "A.b+c=d@one.test", "x=y=@one.test",
                                          "SRS0@one.test"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
        struct slice found, made = forward(&here, senders[i], &a);
        assert_true(slice_starts(made, S("SRS0=")) && slice_ends(made, S("@here.test")));
        assert_int_equal(back(&here, made, &a, &found), 0);
        assert_slice(found, senders[i]);
        assert_int_equal(back(&here, arena_lower(&a, made), &a, &found), 0);
        assert_true(slice_eq_nocase(found, slice_of_str(senders[i])));
    }
}

static void test_what_was_sent_on_before_goes_back_over_the_first_host(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct srs third = {other_key, {"third.test", 10}, 20789};
    struct slice first = forward(&here, "a@one.test", &a), found;
    (void)state;
    struct slice second = srs_forward(&there, first, &a);
    assert_true(slice_starts(second, S("SRS1=")) && slice_ends(second, S("@there.test")));
    struct slice last = srs_forward(&third, second, &a);
    assert_true(slice_starts(last, S("SRS1=")) && slice_ends(last, S("@third.test")));
    assert_int_equal(back(&third, last, &a, &found), 0);
    assert_true(slice_eq(found, first));
    assert_int_equal(back(&there, second, &a, &found), 0);
    assert_true(slice_eq(found, first));
}

static void test_one_that_was_not_made_here_leads_nowhere(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice found, made = forward(&there, "a@one.test", &a);
    (void)state;
    assert_int_equal(back(&here, made, &a, &found), -E_REFUSED);
    made = forward(&here, "a@one.test", &a);
    char *changed = arena_str(&a, made);
    changed[made.len - sizeof "@here.test"] = 'b'; /* another local part */
    assert_int_equal(back(&here, slice_of_str(changed), &a, &found), -E_REFUSED);
    static const char *const broken[] = {
        "SRS0=", "SRS0==", "SRS0=x", "SRS0=abcdef=aa=", "SRS1=a==b", "SRS0=abcdef=aa=one.test="};
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
        assert_true(srs_back(&here, slice_of_str(broken[i]), &a, &found) < 0);
    assert_int_equal(srs_back(&here, S("tama"), &a, &found), -E_SYNTAX);
}

static void test_it_ends_after_two_weeks(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice found, made = forward(&here, "a@one.test", &a);
    struct srs later = here;
    (void)state;
    later.day = here.day + SRS_DAYS;
    assert_int_equal(back(&later, made, &a, &found), 0);
    later.day++;
    assert_int_equal(back(&later, made, &a, &found), -E_REFUSED);
    later.day = here.day - 1;
    assert_int_equal(back(&later, made, &a, &found), 0);
    later.day = 0x7fffffff;
    assert_int_equal(back(&later, made, &a, &found), -E_REFUSED);
}

static void test_what_others_would_not_take_is_left_as_it_is(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    static const char *const senders[] = {
        "",
        "a",
        "@one.test",
        "a@",
        "\"a b\"@one.test",
        "a@[192.0.2.1]",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@a-long-name.one.test",
        "\xc3\xa4@one.test"};
    for (size_t i = 0; i < ARRAY_SIZE(senders); i++)
        assert_int_equal(forward(&here, senders[i], &a).len, 0);
    struct slice most = forward(&here, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@one.test", &a);
    assert_int_equal(slice_rfind_byte(most, '@'), 64);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_leads_back_in_any_case),
        cmocka_unit_test(test_what_was_sent_on_before_goes_back_over_the_first_host),
        cmocka_unit_test(test_one_that_was_not_made_here_leads_nowhere),
        cmocka_unit_test(test_it_ends_after_two_weeks),
        cmocka_unit_test(test_what_others_would_not_take_is_left_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
