/* SPDX-License-Identifier: ISC */
/*
 * The patterns of the script language.
 */
#include "dialogue/match.h"
#include "unit.h"

struct fixture {
    struct arena a;
    struct names names;
};

static bool fits(struct fixture *f, const char *pattern, const char *came) {
    f->names.a = &f->a;
    return match(&f->names, slice_of_str(pattern), slice_of_str(came));
}

static void fixture_done(struct fixture *f) {
    map_done(&f->names.values);
    arena_done(&f->a);
}

static void plain_text_fits_only_itself(void **state) {
    _cleanup_(fixture_done) struct fixture f = {0};
    assert_true(fits(&f, "+OK", "+OK"));
    assert_false(fits(&f, "+OK", "+OK "));
    assert_false(fits(&f, "+OK", "+O"));
    assert_true(fits(&f, "", ""));
    assert_false(fits(&f, "", "x"));
}

static void a_star_is_any_text(void **state) {
    _cleanup_(fixture_done) struct fixture f = {0};
    assert_true(fits(&f, "*", ""));
    assert_true(fits(&f, "+OK *", "+OK 2 messages"));
    assert_false(fits(&f, "+OK *", "+OK"));
    assert_true(fits(&f, "*a*b", "xaxbxb"));
    assert_false(fits(&f, "*a*b", "xbxa"));
    assert_true(fits(&f, "a*a", "aa"));
    assert_false(fits(&f, "a*a", "a"));
    assert_true(fits(&f, "**", "any"));
}

static void a_name_is_kept_and_used(void **state) {
    _cleanup_(fixture_done) struct fixture f = {0};
    assert_true(fits(&f, "+OK {count} messages, {size} octets", "+OK 2 messages, 320 octets"));
    assert_true(fits(&f, "2 $count $size 320", "2 2 320 320"));
    assert_false(fits(&f, "$count", "3"));
    _cleanup_(buf_done) struct buf to = {0};
    match_expand(&f.names, S("RETR $count, $unknown $ \\$count"), &to);
    assert_string_equal(buf_str(&to), "RETR 2, $unknown $ $count");
}

static void a_name_is_kept_only_when_all_fits(void **state) {
    _cleanup_(fixture_done) struct fixture f = {0};
    assert_false(fits(&f, "{a} x", "1 y"));
    assert_false(fits(&f, "$a", "1"));
    assert_true(fits(&f, "$a", "$a"));
}

static void other_braces_and_backslashes_are_themselves(void **state) {
    _cleanup_(fixture_done) struct fixture f = {0};
    assert_true(fits(&f, "a {12} <b@c> (\\Seen)", "a {12} <b@c> (\\Seen)"));
    assert_true(fits(&f, "\\*\\{a}\\\\", "*{a}\\"));
    assert_false(fits(&f, "\\* OK", "+ OK"));
}

static void a_literal_is_as_long_as_it_says(void **state) {
    _cleanup_(fixture_done) struct fixture f = {0};
    assert_true(fits(&f, "(BODY[] {=body})", "(BODY[] {7}\r\na)\r\n b\n)"));
    assert_true(fits(&f, "$body", "a)\r\n b\n"));
    assert_true(fits(&f, "(BODY[] {=body})", "(BODY[] {7}\r\na)\r\n b\n)"));
    assert_false(fits(&f, "(BODY[] {=body})", "(BODY[] {7}\r\na)\r\n c\n)"));
    assert_false(fits(&f, "x {=*})", "x {7}\r\nshort)"));
    assert_false(fits(&f, "x {=*})", "x {3}\r\nlonger)"));
    assert_false(fits(&f, "x {=*})", "x {99}\r\nlonger)"));
    assert_false(fits(&f, "x {=*})", "x 5\r\nplain)"));
    assert_true(fits(&f, "{=*}", "{0}\r\n"));
    assert_true(fits(&f, "* {=a} {=b}", "x {1}\r\na {2}\r\nbb"));
    assert_true(fits(&f, "$a $b", "a bb"));
}

static void a_literal_and_its_length_are_sent(void **state) {
    _cleanup_(fixture_done) struct fixture f = {0};
    f.names.a = &f.a;
    match_keep(&f.names, S("m"), S("Good\r\nday\r\n"));
    _cleanup_(buf_done) struct buf to = {0};
    match_expand(&f.names, S("A APPEND {$#m} {=m} {=m+} {=x} $#x"), &to);
    assert_string_equal(buf_str(&to), "A APPEND {11} {11}\r\nGood\r\nday\r\n "
                                      "{11+}\r\nGood\r\nday\r\n {=x} $#x");
}

static void a_line_that_announces_a_literal_is_known(void **state) {
    uint64_t count = 0;
    assert_true(match_ends_with_count(S("* 1 FETCH (BODY[] {12}\r\n"), &count));
    assert_int_equal(count, 12);
    assert_false(match_ends_with_count(S("{12} \r\n"), &count));
    assert_false(match_ends_with_count(S("{a}\r\n"), &count));
    assert_false(match_ends_with_count(S("12}\r\n"), &count));
    assert_false(match_ends_with_count(S("{12}"), &count));
    assert_int_equal(match_literals(S("a {=*} {=b} {=} {12} \\{=c} {=d+}")), 3);
}

static void bytes_are_shown_as_a_person_can_read(void **state) {
    _cleanup_(buf_done) struct buf to = {0};
    show_bytes(&to, S("a\r\n\0\x80"), 100);
    assert_string_equal(buf_str(&to), "a\\r\\n\\x00\\x80");
    buf_clear(&to);
    show_bytes(&to, S("猫 123456"), 5);
    assert_string_equal(buf_str(&to), "猫 1... (10 bytes)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_fits_only_itself),
        cmocka_unit_test(a_star_is_any_text),
        cmocka_unit_test(a_name_is_kept_and_used),
        cmocka_unit_test(a_name_is_kept_only_when_all_fits),
        cmocka_unit_test(other_braces_and_backslashes_are_themselves),
        cmocka_unit_test(a_literal_is_as_long_as_it_says),
        cmocka_unit_test(a_literal_and_its_length_are_sent),
        cmocka_unit_test(a_line_that_announces_a_literal_is_known),
        cmocka_unit_test(bytes_are_shown_as_a_person_can_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
