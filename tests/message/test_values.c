/* SPDX-License-Identifier: ISC */
#include "map_test.h"
#include "message_test.h"

#include "message/date.h"
#include "message/map/subject.h"

/* ------------------------------------------------------------------ parameters */

/* "major/minor name=value ..." */
static void check_value(const char *value, const char *want) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf got = {0};
    struct mime_value v = mime_value_read(&a, slice_of_str(value));
    buf_printf(&got, "%.*s/%.*s", SLICE_ARG(v.major), SLICE_ARG(v.minor));
    for (size_t i = 0; i < v.count; i++)
        buf_printf(&got, " %.*s=%.*s", SLICE_ARG(v.parameters[i].name),
                   SLICE_ARG(v.parameters[i].value));
    assert_slice(buf_slice(&got), want);
}

static void rfc2045_5_1_parameters_are_read(void **state) {
    check_value("Text/Plain; charset=us-ascii (Plain text)", "Text/Plain charset=us-ascii");
    check_value("text/plain; charset=\"us\\-ascii\"; Format = flowed",
                "text/plain charset=us-ascii Format=flowed");
    check_value("text / plain (x); a=\"b;c\"", "text/plain a=b;c");
    check_value("text/plain; charset; =x; a=1; a=2;", "text/plain a=1 a=2");
    check_value("text/plain charset=utf-8; a=1", "text/plain a=1");
    check_value("attachment; filename=\"never closed", "attachment/ filename=never closed");
    check_value("attachment; filename=two words.txt; size=1 2",
                "attachment/ filename=two words.txt size=1");
    check_value("", "/");
}

static void rfc2231_3_a_parameter_in_pieces_is_one(void **state) {
    check_value("x/y; a*0=\"one \"; b=c; a*1=two", "x/y a=one two b=c");
    check_value("x/y; A*1=two; a*0=one", "x/y A=onetwo");
    check_value("x/y; a*0=one; a*0=again; a*5=two", "x/y a=onetwo");
    check_value("x/y; a*=utf-8'ja'%E6", "x/y a*=utf-8'ja'%E6");
    check_value("x/y; a*0*=utf-8'ja'%E6; a*1*=%97; a*2=\"b c\"", "x/y a*=utf-8'ja'%E6%97b%20c");
    check_value("x/y; a*0=\"b'\"; a*1*=%41", "x/y a*=''b%27%41");
    check_value("x/y; *0=a; a*x=b; a**=c", "x/y *0=a a*x=b a**=c");
}

static void pieces_are_bounded(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf value = {0};
    buf_add_str(&value, "x/y");
    for (unsigned i = 0; i < 100000; i++)
        buf_printf(&value, ";a*%u=%u", i, i % 10);
    struct mime_value v = mime_value_read(&a, buf_slice(&value));
    assert_int_equal(v.count, 1);
    assert_int_equal(v.parameters[0].value.len, MIME_PARAMETERS_MAX);
}

/* ------------------------------------------------------------------ addresses */

static void add_shown(void *arg, const struct listed *a) {
    show_address(a, arg);
}

static void check_list(const char *value, const char *want) {
    _cleanup_(buf_done) struct buf got = {0};
    address_list_read(slice_of_str(value), add_shown, &got);
    assert_slice(buf_slice(&got), want);
}

static void rfc5322_3_4_addresses_are_read(void **state) {
    check_list("a@b", "[||a|b]");
    check_list("Tama Neko <a@b>, \"Q. \\\"x\\\"\" <\"c d\"@e>",
               "[Tama Neko||a|b][Q. \"x\"||c d|e]");
    check_list("John Q. Public <a@b>", "[John Q. Public||a|b]");
    check_list("a@b (Tama)", "[Tama||a|b]");
    check_list("=?utf-8?Q?=E3=81=82?= <a@[192.0.2.1]>", "[=?utf-8?Q?=E3=81=82?=||a|[192.0.2.1]]");
    check_list(" , ,", "");
    check_list("", "");
}

static void rfc5322_4_4_obsolete_forms_are_read(void **state) {
    check_list("<@x,@y:a@b>", "[|@x,@y|a|b]");
    check_list("a . b @ c . d", "[||a.b|c.d]");
    check_list("a(x)@(y)b,,c@d", "[y||a|b][||c|d]");
}

static void groups_are_closed(void **state) {
    check_list("Friends: a@b, c@d; , e@f", "[group Friends|||][||a|b][||c|d][end|||][||e|f]");
    check_list("undisclosed-recipients:;", "[group undisclosed-recipients|||][end|||]");
    check_list("x: a@b", "[group x|||][||a|b][end|||]");
    check_list("x: y: a@b;", "[group x|||][y:||a|b][end|||]");
}

static void nobody_who_is_named_is_left_out(void **state) {
    check_list("Tama", "[||Tama|]");
    check_list("the  whole team, a@b", "[||the whole team|][||a|b]");
    check_list("Tama a@b", "[Tama||a|b]");
    check_list("Tama <>", "[Tama|||]");
    check_list("<a@b", "[||a|b]");
    check_list("a@b@c", "[||a|b@c]");
    check_list("\"never closed <a@b>", "[||never closed <a@b>|]");
    check_list("x@y <a@b> junk, c@d", "[x@y||a|b][||c|d]");
}

/* ------------------------------------------------------------------ dates */

static void check_date(const char *value, int64_t seconds) {
    usec_t got = -1;
    assert_int_equal(date_read(slice_of_str(value), &got), 0);
    if (got != seconds * USEC_SEC)
        fail_msg("%s: %ld", value, (long)(got / USEC_SEC));
}

static void rfc5322_3_3_dates_are_read(void **state) {
    const int64_t second = TEST_TIME / USEC_SEC;
    check_date("Sun, 22 Nov 2026 20:12:42 +0900", second);
    check_date("22 Nov 2026 11:12:42 +0000 (UTC)", second);
    check_date("Sun,22 Nov 2026 03:12:42 PST", second);
    check_date("Sun Nov 22 11:12:42 2026", second);
    check_date("Sun Nov 22 20:12:42 JST 2026", second);
    check_date("22-Nov-26 11:12:42 GMT", second);
    check_date("Sunday, 22 November 2026 11:12:42.5 Z", second);
    check_date("1 Jan 1970 00:00:00 +0000", 0);
    check_date("1 Jan 99 00:00:00 +0000", 915148800);
    check_date("29 Feb 2024 00:00:60 -0000", 1709164859);
    check_date("1 Mar 0100 0:00 GMT", -59006361600);
}

static void rfc5256_2_2_a_bad_time_or_zone_counts_as_none(void **state) {
    check_date("22 Nov 2026", 1795305600);
    check_date("22 Nov 2026 25:99 +0900", 1795305600 - 32400);
    check_date("22 Nov 2026 11:12:42 +9a00", TEST_TIME / USEC_SEC);
}

static void what_is_no_date_is_none(void **state) {
    static const char *const values[] = {"",           "yesterday", "30 Feb 2026",
                                         "0 Jan 2026", "Nov 2026",  "22 11 2026",
                                         "1 Jan 0000", "------",    "1-1-1-1"};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        usec_t got;
        assert_int_equal(date_read(slice_of_str(values[i]), &got), -E_SYNTAX);
    }
}

/* ------------------------------------------------------------------ subjects */

static void check_subject(const char *value, const char *want, bool is_answer) {
    _cleanup_(buf_done) struct buf got = {0};
    assert_int_equal(subject_base(&got, slice_of_str(value)), is_answer);
    assert_slice(buf_slice(&got), want);
}

static void rfc5256_2_1_leaders_and_trailers_are_taken_off(void **state) {
    check_subject("plain", "plain", false);
    check_subject("Re: Fwd:FW : re [x]: plain", "plain", true);
    check_subject(" a \t b  (fwd) (FWD) ", "a b", true);
    check_subject("[list 1] Re: [list 2] x", "x", true);
    check_subject("[a] [b] x", "x", false);
    check_subject("[a] [b]", "[b]", false);
    check_subject("[fwd: Re: x (fwd)]", "x", true);
    check_subject("Regarding: x", "Regarding: x", false);
    check_subject("[open x", "[open x", false);
    check_subject("Re:", "", true);
    check_subject("=?iso-2022-jp?B?UmU6IBskQkFhR08bKEI=?=", "\xe6\x97\xa9\xe9\xa6\xac", true);
}

static void long_runs_of_leaders_take_linear_time(void **state) {
    static const char *const pieces[] = {"[a]", "Re:", "[fwd:", "(fwd)", "[", "re [a"};
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        _cleanup_(buf_done) struct buf value = {0}, got = {0};
        for (size_t k = 0; k < 300000; k++)
            buf_add_str(&value, pieces[i]);
        (void)subject_base(&got, buf_slice(&value)); /* 30 s and more when it is the square */
        assert_true(got.len <= value.len);
    }
}

static void rfc5256_3_message_ids_are_normalised(void **state) {
    uint64_t one[3], other[3];
    assert_int_equal(message_ids_read(S("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>"), one, 3), 1);
    assert_int_equal(message_ids_read(S("text <01KF8JCEOCBS0045PS@xxx. yyy.com> <>"), other, 3), 1);
    assert_true(one[0] == other[0]);
    assert_int_equal(message_ids_read(S("<a@b><c@d> x <e@f> <g@h"), one, 2), 2);
    assert_int_equal(message_ids_read(S("c@d"), other, 3), 1);
    assert_true(one[0] == other[0]);
    assert_int_equal(message_ids_read(S("two words"), other, 3), 0);
    assert_int_equal(message_ids_read(S(""), other, 3), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc2045_5_1_parameters_are_read),
        cmocka_unit_test(rfc2231_3_a_parameter_in_pieces_is_one),
        cmocka_unit_test(pieces_are_bounded),
        cmocka_unit_test(rfc5322_3_4_addresses_are_read),
        cmocka_unit_test(rfc5322_4_4_obsolete_forms_are_read),
        cmocka_unit_test(groups_are_closed),
        cmocka_unit_test(nobody_who_is_named_is_left_out),
        cmocka_unit_test(rfc5322_3_3_dates_are_read),
        cmocka_unit_test(rfc5256_2_2_a_bad_time_or_zone_counts_as_none),
        cmocka_unit_test(what_is_no_date_is_none),
        cmocka_unit_test(rfc5256_2_1_leaders_and_trailers_are_taken_off),
        cmocka_unit_test(long_runs_of_leaders_take_linear_time),
        cmocka_unit_test(rfc5256_3_message_ids_are_normalised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
