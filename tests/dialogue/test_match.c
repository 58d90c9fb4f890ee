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
        cmocka_unit_test(bytes_are_shown_as_a_person_can_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
