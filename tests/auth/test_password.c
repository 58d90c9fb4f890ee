/* SPDX-License-Identifier: ISC */
/*
 * The imported hashes were made by openssl passwd (-6, -5, -1) and perl's crypt(); the bcrypt one
 * is the first test vector of crypt_blowfish.
 */
#include "unit.h"

#include "auth/import.h"
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

/* The scheme of Dovecot is cut off; what remains verifies. */
static void test_c6_hashes_of_dovecot_are_taken_without_their_scheme(void **state) {
    static const char *const rows[] = {
        "{SHA512-CRYPT}$6$abcdefgh$Y8X4fK8dzckng/fIjIaMbhSI.0pb8jFFSN/J/"
        "PpH0DRCfCv16PIDicIrPVJ7EyzvvLxp"
        "GoKT/B4/my3gDKmFj0",
        "{sha256-crypt}$5$abcdefgh$c2mVCLYidsa6HKEE6QpfUhmYlOdnEqpMLEt282GtH27",
        "{MD5-CRYPT}$1$abcdefgh$0R51htEHYeaUpjuspI6w91",
        "{CRYPT}$y$j9T$abcdefghijklmnop$ONGCu22R8fWsblazho2MPpQRhreQrP6BtHG.wsYKTU1",
        "{BLF-CRYPT}$2b$10$abcdefghijklmnopqrstuuf4yQswfQRuOxajohDXdzREFVDuc.Vdy",
        "$7$CU..../....abcdefgh$ibjEc6M3r0citH41TLP1YsQv4MRDl1ETJNpu9TBLYtC",
    };
    char hash[PASSWORD_HASH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct problem problem = {0};
        assert_int_equal(password_import(slice_of_str(rows[i]), hash, &problem), 0);
        assert_int_equal(password_verify(S("correct-horse"), hash), 0);
    }
}

static void test_a_hash_that_would_cost_too_much_is_not_taken(void **state) {
#define SHA512                                                                                     \
    "Y8X4fK8dzckng/fIjIaMbhSI.0pb8jFFSN/J/PpH0DRCfCv16PIDicIrPVJ7EyzvvLxpGoKT/B4/my3gDKmFj0"
#define YES "ONGCu22R8fWsblazho2MPpQRhreQrP6BtHG.wsYKTU1"
    static const struct {
        int result;
        const char *hash;
    } rows[] = {
        {0, "$6$rounds=500000$abcdefgh$" SHA512},
        {-E_LIMIT, "$6$rounds=500001$abcdefgh$" SHA512},
        {-E_LIMIT, "$6$rounds=999999999$abcdefgh$" SHA512},
        {0, "$2b$13$abcdefghijklmnopqrstuuf4yQswfQRuOxajohDXdzREFVDuc.Vdy"},
        {-E_LIMIT, "$2b$14$abcdefghijklmnopqrstuuf4yQswfQRuOxajohDXdzREFVDuc.Vdy"},
        {0, "$y$jCT$abcdefghijklmnop$" YES}, /* 2^15 times 32 blocks: 128 MiB */
        {-E_LIMIT, "$y$jDT$abcdefghijklmnop$" YES},
        {-E_LIMIT, "$7$HU..../....abcdefgh$" YES}, /* 2^19 times 32: 2 GiB */
        {0, "$argon2id$v=19$m=131072,t=12,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"},
        {-E_LIMIT, "$argon2id$v=19$m=131073,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"},
        {-E_LIMIT, "$argon2id$v=19$m=8,t=4294967295,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"},
        {-E_LIMIT, "$argon2id$v=19$t=1,m=4294967295,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"},
        {-E_SYNTAX, "$6$abcdefgh$Y8X4fK8dzckng"}, /* cut short */
        {-E_SYNTAX, "!$6$abcdefgh$" SHA512},      /* locked, as usermod -L does */
        {-E_SYNTAX, "*"},
        {-E_SYNTAX, "{PLAIN}secret"},
        {-E_SYNTAX, "{SSHA}c2VjcmV0"},
        {-E_SYNTAX, "abJnggxhB/yWI"}, /* DES */
    };
    char hash[PASSWORD_HASH_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct problem problem = {0};
        assert_int_equal(password_import(slice_of_str(rows[i].hash), hash, &problem),
                         rows[i].result);
        assert_null(strstr(problem.text, "c2"));
        assert_null(strstr(problem.text, "secret"));
    }
#undef SHA512
#undef YES
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
        cmocka_unit_test(test_c6_hashes_of_dovecot_are_taken_without_their_scheme),
        cmocka_unit_test(test_a_hash_that_would_cost_too_much_is_not_taken),
        cmocka_unit_test(test_text_that_is_no_hash_is_said_to_be_none),
        cmocka_unit_test(test_a_weaker_hash_is_outdated_a_stronger_one_is_not),
        cmocka_unit_test(test_a_hash_that_was_made_for_tests_stays),
        cmocka_unit_test(test_nobody_is_refused_at_the_same_cost),
        cmocka_unit_test(test_rfc4616_s2_no_nul_no_control_in_a_password),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
