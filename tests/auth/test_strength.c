/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "auth/strength.h"

static struct strength check(struct slice password) {
    static const struct slice words[] = {{"Masako", 6}, {"yamada", 6}, {"example", 7}};
    struct strength s;
    strength_check(password, words, ARRAY_SIZE(words), &s);
    return s;
}

static void test_c3_what_everybody_takes_is_weak(void **state) {
    static const char *const weak[] = {"",         "a",        "password", "P4ssw0rd", "qwertyuiop",
                                       "abcdefgh", "aaaaaaaa", "19930401", "letmein1", "iloveyou"};
    for (size_t i = 0; i < ARRAY_SIZE(weak); i++) {
        struct strength s = check(slice_of_str(weak[i]));
        assert_true(s.weak);
        assert_in_range(s.score, 0, STRENGTH_GOOD - 1);
        assert_non_null(s.weakness);
    }
}

static void test_c3_a_long_random_or_many_word_password_is_taken(void **state) {
    static const char *const good[] = {"kT7#vQz2!mRp", "correct horse battery staple",
                                       "多摩川の堤防を走る早馬"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct strength s = check(slice_of_str(good[i]));
        assert_false(s.weak);
        assert_null(s.weakness);
    }
}

static void test_c3_ones_own_name_is_weak_in_any_case(void **state) {
    struct strength s = check(S("MASAKOyamada"));
    assert_true(s.weak);
    assert_non_null(strstr(s.weakness, "own name or address"));
}

static void test_the_advice_names_the_weakness(void **state) {
    assert_non_null(strstr(check(S("password")).weakness, "lists of words"));
    assert_non_null(strstr(check(S("zzzzzzzzz")).weakness, "repeats itself"));
    assert_non_null(strstr(check(S("19930401")).weakness, "dates and years"));
    assert_non_null(strstr(check(S("mnopqrst")).weakness, "sequence"));
}

static void test_a_very_long_password_is_judged_quickly(void **state) {
    char text[511];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "kT7#vQz2!mRp"[i % 12];
    assert_false(check(slice_of(text, sizeof text)).weak);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c3_what_everybody_takes_is_weak),
        cmocka_unit_test(test_c3_a_long_random_or_many_word_password_is_taken),
        cmocka_unit_test(test_c3_ones_own_name_is_weak_in_any_case),
        cmocka_unit_test(test_the_advice_names_the_weakness),
        cmocka_unit_test(test_a_very_long_password_is_judged_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
