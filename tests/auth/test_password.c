/* SPDX-License-Identifier: ISC */
/*
 * The imported hashes were made by openssl passwd (-6, -5, -1) and perl's crypt(); the bcrypt one
 * is the first test vector of crypt_blowfish.
 */
#include "unit.h"

#include "auth/password.h"

static void test_c2_what_was_hashed_verifies_and_nothing_else(void **state) {
    char hash[PASSWORD_HASH_MAX];
    assert_int_equal(password_hash(S("tama river 1993"), PASSWORD_COST_MIN, hash), 0);
    assert_true(slice_starts(slice_of_str(hash), S("$argon2id$v=19$m=8,t=1,p=1$")));
    assert_int_equal(password_verify(S("tama river 1993"), hash), 0);
    assert_int_equal(password_verify(S("tama river 1994"), hash), -E_REFUSED);
    assert_int_equal(password_verify(S(""), hash), -E_REFUSED);
    assert_int_equal(password_verify(S("tama river 1993\0x"), hash), -E_REFUSED);
}

static void test_two_hashes_of_one_password_differ(void **state) {
    char first[PASSWORD_HASH_MAX];
    char second[PASSWORD_HASH_MAX];
    assert_int_equal(password_hash(S("x"), PASSWORD_COST_MIN, first), 0);
    assert_int_equal(password_hash(S("x"), PASSWORD_COST_MIN, second), 0);
    assert_string_not_equal(first, second);
}

static void test_the_default_cost_is_19_mib_and_two_passes(void **state) {
    char hash[PASSWORD_HASH_MAX];
    assert_int_equal(password_hash(S("x"), PASSWORD_COST_DEFAULT, hash), 0);
    assert_true(slice_starts(slice_of_str(hash), S("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_int_equal(password_verify(S("x"), hash), 0);
}

static void test_c6_imported_hashes_verify(void **state) {
    static const struct {
        const char *kind, *password, *hash;
    } rows[] = {
        {"sha512-crypt", "tama river 1993",
         "$6$kobo$PE1d9wimX/0BPsXns/XVBumymEdwK00HY4HUhzSgC0B74lER1hHYeVWWMdtCHHdW59ysZzcDoJrPSPkm"
         "mnqSM1"},
        {"sha256-crypt", "tama river 1993", "$5$kobo$jTEgFlyAOP5ydnSDpeQZfApEoG281Kn1QEFS0AtgauA"},
        {"md5-crypt", "tama river 1993", "$1$kobo$7DZncGUkYRZB3VGfC49vV."},
        {"yescrypt", "tama river 1993",
         "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$1nSjZwSwXd2nqN98oXdeZb19RWjI1NGT7o8cHADUC6A"},
        {"bcrypt", "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(password_kind(slice_of_str(rows[i].hash)), rows[i].kind);
        assert_int_equal(password_verify(slice_of_str(rows[i].password), rows[i].hash), 0);
        assert_int_equal(password_verify(S("U*V"), rows[i].hash), -E_REFUSED);
        assert_true(password_is_outdated(rows[i].hash, PASSWORD_COST_MIN));
    }
}

static void test_text_that_is_no_hash_is_said_to_be_none(void **state) {
    assert_int_equal(password_verify(S("x"), ""), -E_SYNTAX);
    assert_int_equal(password_verify(S("x"), "x"), -E_SYNTAX);
    assert_int_equal(password_verify(S("x"), "!$6$locked"), -E_SYNTAX);
    assert_int_equal(password_verify(S("x"), "$2b$99$short"), -E_SYNTAX);
    assert_true(password_verify(S("x"), "$argon2id$v=19$m=8,t=1,p=1$bad") < 0);
    assert_null(password_kind(S("abJnggxhB/yWI")));
}

static void test_a_weaker_hash_is_outdated_a_stronger_one_is_not(void **state) {
    struct password_cost cost = {64, 2};
    assert_false(password_is_outdated("$argon2id$v=19$m=64,t=2,p=1$c2FsdA$aGFzaA", cost));
    assert_false(password_is_outdated("$argon2id$v=19$m=128,t=3,p=1$c2FsdA$aGFzaA", cost));
    assert_true(password_is_outdated("$argon2id$v=19$m=63,t=2,p=1$c2FsdA$aGFzaA", cost));
    assert_true(password_is_outdated("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA", cost));
    assert_true(password_is_outdated("$argon2i$v=19$m=64,t=2,p=1$c2FsdA$aGFzaA", cost));
}

static void test_a_hash_that_was_made_for_tests_stays(void **state) {
    struct password_cost cost = {64, 2};
    (void)state;
    assert_false(password_is_outdated("$argon2id$v=19$m=8,t=1,p=1$c2FsdA$aGFzaA", cost));
    assert_true(password_is_outdated("$argon2id$v=19$m=8,t=2,p=1$c2FsdA$aGFzaA", cost));
    assert_true(password_is_outdated("$argon2id$v=19$m=16,t=1,p=1$c2FsdA$aGFzaA", cost));
}

static void test_nobody_is_refused_at_the_same_cost(void **state) {
    assert_int_equal(password_verify_nobody(S("x"), PASSWORD_COST_MIN), -E_REFUSED);
    assert_int_equal(password_verify_nobody(S(""), PASSWORD_COST_MIN), -E_REFUSED);
}

static void test_rfc4616_s2_no_nul_no_control_in_a_password(void **state) {
    struct problem problem = {0};
    char long_one[PASSWORD_MAX + 1];
    memset(long_one, 'x', sizeof long_one);
    assert_int_equal(password_check_form(S("多摩川 1993"), &problem), 0);
    assert_int_equal(password_check_form(slice_of(long_one, PASSWORD_MAX), &problem), 0);
    assert_int_equal(password_check_form(slice_of(long_one, PASSWORD_MAX + 1), &problem),
                     -E_SYNTAX);
    assert_string_equal(problem.text, "the password has 512 bytes, at most 511 are taken");
    assert_int_equal(password_check_form(S(""), &problem), -E_SYNTAX);
    assert_int_equal(password_check_form(S("a\0b"), &problem), -E_SYNTAX);
    assert_int_equal(password_check_form(S("ab\tc"), &problem), -E_SYNTAX);
    assert_string_equal(problem.text, "the password has a control character at place 3");
    assert_int_equal(password_check_form(S("\xff"), &problem), -E_SYNTAX);
}

static int setup(void **state) {
    return password_setup();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_c2_what_was_hashed_verifies_and_nothing_else),
        cmocka_unit_test(test_two_hashes_of_one_password_differ),
        cmocka_unit_test(test_the_default_cost_is_19_mib_and_two_passes),
        cmocka_unit_test(test_c6_imported_hashes_verify),
        cmocka_unit_test(test_text_that_is_no_hash_is_said_to_be_none),
        cmocka_unit_test(test_a_weaker_hash_is_outdated_a_stronger_one_is_not),
        cmocka_unit_test(test_a_hash_that_was_made_for_tests_stays),
        cmocka_unit_test(test_nobody_is_refused_at_the_same_cost),
        cmocka_unit_test(test_rfc4616_s2_no_nul_no_control_in_a_password),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
