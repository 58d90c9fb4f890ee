/* SPDX-License-Identifier: ISC */
#include <time.h>

#include "message/results.h"
#include "message_test.h"

static bool is_ours(const char *text, struct slice host) {
    struct header_cursor c = {.message = slice_of_str(text)};
    struct header_field field;
    assert_true(header_next(&c, &field));
    return results_are_of(&field, host);
}

#define OURS(value) assert_true(is_ours("Authentication-Results:" value "\r\n", S("mx.example.jp")))
#define OTHERS(value)                                                                              \
    assert_false(is_ours("Authentication-Results:" value "\r\n", S("mx.example.jp")))

/* RFC 8601 §2.2: authres-header-field = [CFWS] authserv-id [ CFWS version ] ... */
static void fields_that_bear_our_name_are_known(void **state) {
    OURS(" mx.example.jp; spf=pass smtp.mailfrom=a.test");
    OURS("mx.example.jp;none");
    OURS(" MX.Example.JP 1; dkim=pass");
    OURS(" mx.example.jp");
    OURS("\r\n\tmx.example.jp;\r\n\tspf=pass");
    OURS(" (a comment (in it; another) \\) ) mx.example.jp; spf=pass");
    OURS(" mx.example.jp(comment) (again) 1 ; spf=pass");
    OURS(" \"mx.example.jp\"; spf=pass");
    OURS(" \"mx\\.example.jp\" 1; spf=pass");
    OURS(" mx.example.jp.; spf=pass");
    OURS("\tmx.example.jp\t;");
    /* No authserv-id is like that; who reads as far as he understands finds our name. */
    OURS(" mx.example.jp/1; spf=pass");
    OURS(" mx.example.jp, spf=pass");
    OURS(" mx.example.jp=x; spf=pass");
    assert_true(
        is_ours("AUTHENTICATION-results : mx.example.jp; spf=pass\r\n", S("mx.example.jp")));
    assert_true(
        is_ours("Authentication-Results: mx.例え.jp; spf=pass\r\n", S("mx.xn--r8jz45g.jp")));
    assert_true(is_ours("Authentication-Results: MX.XN--r8jz45g.jp\r\n", S("mx.xn--r8jz45g.jp")));
}

static void fields_of_others_stay(void **state) {
    OTHERS(" mx.example.com; spf=pass");
    OTHERS(" example.jp; x=mx.example.jp");
    OTHERS(" mx.example.jp.example.org;");
    OTHERS(" (mx.example.jp) example.jp; spf=pass");
    OTHERS(" ((((mx.example.jp;");
    OTHERS("");
    assert_false(is_ours("ARC-Authentication-Results: mx.example.jp\r\n", S("mx.example.jp")));
    assert_false(is_ours("X-Authentication-Results: mx.example.jp\r\n", S("mx.example.jp")));
}

/* Each of them took the conversion of a hundred labels: 240 KB of header took 110 ms. */
static void names_with_other_numbers_of_labels_cost_nothing(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    struct timespec before, after;
    buf_add_str(&text, "Authentication-Results:");
    for (int i = 0; i < 80; i++)
        buf_add_str(&text, "\u00e9.");
    buf_add_str(&text, "jp\r\n");
    const char *field = buf_str(&text);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    for (int i = 0; i < 5000; i++)
        assert_false(is_ours(field, S("mx.example.jp")));
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    assert_true(after.tv_sec - before.tv_sec <= 1);
}

static void dots_of_other_scripts_are_dots(void **state) {
    OURS(" mx\u3002example\uff0ejp; spf=pass");
    OURS(" mx\uff61example.jp.; spf=pass");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_bear_our_name_are_known),
        cmocka_unit_test(fields_of_others_stay),
        cmocka_unit_test(names_with_other_numbers_of_labels_cost_nothing),
        cmocka_unit_test(dots_of_other_scripts_are_dots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
