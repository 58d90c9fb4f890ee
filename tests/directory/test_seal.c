/* SPDX-License-Identifier: ISC */
#include "directory_test.h"

#include "directory/seal.h"

static void test_what_was_sealed_opens_for_that_account_and_key_only(void **state) {
    struct arena a = {0};
    struct seal_key key = {.bytes = {1}, .present = true};
    struct seal_key other = {.bytes = {2}, .present = true};
    struct slice secret;
    assert_int_equal(password_setup(), 0);
    struct slice sealed = seal_close(&key, 7, S("tanstaaf"), &a);
    assert_int_equal(slice_find(sealed, S("tanstaaf")), -1);
    assert_int_equal(seal_open(&key, 7, sealed, &a, &secret), 0);
    assert_slice(secret, "tanstaaf");
    assert_int_equal(seal_open(&key, 8, sealed, &a, &secret), -E_CORRUPT);
    assert_int_equal(seal_open(&other, 7, sealed, &a, &secret), -E_CORRUPT);
    assert_int_equal(seal_open(&key, 7, slice_first(sealed, sealed.len - 1), &a, &secret),
                     -E_CORRUPT);
    assert_int_equal(seal_open(&key, 7, S(""), &a, &secret), -E_CORRUPT);
    arena_done(&a);
}

static void test_a_key_is_made_once_for_nobody_else_to_read(void **state) {
    struct place p;
    struct seal_key first;
    struct seal_key again;
    struct stat st;
    place_make(&p);
    assert_int_equal(seal_key_load(p.key, false, &first, NULL), 0);
    assert_false(first.present);
    assert_int_equal(seal_key_load(p.key, true, &first, NULL), 0);
    assert_true(first.present);
    assert_int_equal(stat(p.key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(seal_key_load(p.key, true, &again, NULL), 0);
    assert_memory_equal(&first, &again, sizeof first);
    place_done(&p);
}

static void test_a_key_others_may_read_or_of_wrong_length_is_refused(void **state) {
    struct place p;
    struct seal_key key;
    place_make(&p);
    assert_int_equal(seal_key_load(p.key, true, &key, NULL), 0);
    assert_int_equal(chmod(p.key, 0640), 0);
    BAD(seal_key_load(p.key, true, &key, &problem), -EPERM, "(mode 640); it must be 600");
    assert_int_equal(chmod(p.key, 0600), 0);
    assert_int_equal(truncate(p.key, 5), 0);
    BAD(seal_key_load(p.key, true, &key, &problem), -E_CORRUPT, "has 5 bytes, 32 were expected");
    place_done(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_sealed_opens_for_that_account_and_key_only),
        cmocka_unit_test(test_a_key_is_made_once_for_nobody_else_to_read),
        cmocka_unit_test(test_a_key_others_may_read_or_of_wrong_length_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
