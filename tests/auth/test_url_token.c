/* SPDX-License-Identifier: ISC */
#include "auth/url_token.h"

#include "unit.h"

#define KEY S("0123456789abcdef0123456789abcdef")
#define URL S("imap://tama@example.test/INBOX/;UID=1;URLAUTH=authuser:INTERNAL")

static void test_a_token_is_for_one_url_and_one_key(void **state) {
    char token[URL_TOKEN_SIZE], upper[URL_TOKEN_SIZE];
    const struct slice right = url_token(KEY, URL, token);
    assert_int_equal(right.len, URL_TOKEN_SIZE - 1);
    assert_true(url_token_is_right(KEY, URL, right));
    assert_false(url_token_is_right(S("0123456789abcdef0123456789abcdeF"), URL, right));
    assert_false(url_token_is_right(KEY, slice_first(URL, URL.len - 1), right));
    assert_false(url_token_is_right(S("short"), URL, right));
    assert_false(url_token_is_right(KEY, URL, slice_first(right, right.len - 1)));
    assert_false(url_token_is_right(KEY, URL, S("")));
    for (size_t i = 0; i < sizeof token; i++)
        upper[i] = token[i] >= 'a' ? (char)(token[i] - 'a' + 'A') : token[i];
    assert_true(url_token_is_right(KEY, URL, slice_of(upper, right.len)));
    for (size_t i = 0; i < right.len; i++) {
        token[i] ^= 1;
        assert_false(url_token_is_right(KEY, URL, right));
        token[i] ^= 1;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_is_for_one_url_and_one_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
