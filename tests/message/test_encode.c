/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/write/encode.h"
#include "message/xtext.h"

static struct buf out;

static int clear(void **state) {
    buf_done(&out);
    return 0;
}

static void check_text(const char *text, const char *want) {
    struct fold f;
    buf_clear(&out);
    fold_begin(&f, &out, "Subject");
    encode_text(&f, slice_of_str(text));
    fold_end(&f);
    assert_slice(buf_slice(&out), want);
    assert_lines(buf_slice(&out), 78);
}

static void rfc2047_plain_text_stays_and_folds(void **state) {
    check_text("", "Subject:\r\n");
    check_text("hello  world", "Subject: hello world\r\n");
    check_text("one two three four five six seven eight nine ten eleven twelve thirteen x",
               "Subject: one two three four five six seven eight nine ten eleven twelve\r\n"
               " thirteen x\r\n");
}

static void rfc2047_other_text_is_encoded_where_needed(void **state) {
    check_text("珠", "Subject: =?UTF-8?B?54+g?=\r\n");
    check_text("Re: 珠 x 珠 end", "Subject: Re: =?UTF-8?B?54+gIHgg54+g?= end\r\n");
    check_text("=?x", "Subject: =?UTF-8?B?PT94?=\r\n");
    check_text("a\r\nBcc: x", "Subject: =?UTF-8?B?YSAgQmNjOg==?= x\r\n");
    check_text("a\xff", "Subject: =?UTF-8?B?Ye+/vQ==?=\r\n");
}

static void rfc2047_2_no_character_is_cut_in_two(void **state) {
    /* 13 characters of 4 digits fit behind the name, 15 on a line of their own: 76 columns. */
    check_text("メールメールメールメールメールメールメールメールメールメール",
               "Subject: =?UTF-8?B?44Oh44O844Or44Oh44O844Or44Oh44O844Or44Oh44O844Or44Oh?=\r\n"
               " =?UTF-8?B?44O844Or44Oh44O844Or44Oh44O844Or44Oh44O844Or44Oh44O844Or44Oh?=\r\n"
               " =?UTF-8?B?44O844Or?=\r\n");
}

static void check_phrase(const char *name, const char *want) {
    struct fold f;
    buf_clear(&out);
    fold_begin(&f, &out, "X");
    encode_phrase(&f, slice_of_str(name));
    fold_end(&f);
    assert_slice(buf_slice(&out), want);
}

static void rfc5322_3_2_5_phrases(void **state) {
    check_phrase("Tama Neko", "X: Tama Neko\r\n");
    check_phrase("Neko, \"Tama\"", "X: \"Neko, \\\"Tama\\\"\"\r\n");
    check_phrase("珠", "X: =?UTF-8?B?54+g?=\r\n");
}

static void check_parameter(const char *value, const char *want) {
    struct fold f;
    buf_clear(&out);
    fold_begin(&f, &out, "X");
    fold_word(&f, S("a"));
    encode_parameter(&f, "filename", slice_of_str(value));
    fold_end(&f);
    assert_slice(buf_slice(&out), want);
    assert_lines(buf_slice(&out), 78);
}

static void rfc2231_parameters(void **state) {
    check_parameter("a.txt", "X: a; filename=a.txt\r\n");
    check_parameter("a \"b\".txt", "X: a; filename=\"a \\\"b\\\".txt\"\r\n");
    check_parameter("早.txt", "X: a; filename*=UTF-8''%E6%97%A9.txt\r\n");
    check_parameter("a\r\nb", "X: a; filename*=UTF-8''a%20%20b\r\n");
    check_parameter("早馬早馬早馬早馬.txt",
                    "X: a;\r\n"
                    " filename*0*=UTF-8''%E6%97%A9%E9%A6%AC%E6%97%A9%E9%A6%AC%E6%97%A9%E9%A6%AC;"
                    "\r\n filename*1*=%E6%97%A9%E9%A6%AC.txt\r\n");
}

static void rfc2045_6_8_base64_has_76_columns(void **state) {
    char bytes[58] = {0};
    encode_base64_body(&out, slice_of(bytes, sizeof bytes));
    assert_slice(buf_slice(&out),
                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
                 "AA==\r\n");
    buf_clear(&out);
    encode_base64_body(&out, S(""));
    assert_slice(buf_slice(&out), "");
}

static void check_quoted(const char *text, const char *want) {
    buf_clear(&out);
    encode_quoted_printable_body(&out, slice_of_str(text));
    assert_slice(buf_slice(&out), want);
    assert_lines(buf_slice(&out), 76);
}

static void rfc2045_6_7_quoted_printable(void **state) {
    check_quoted("a=b\nc\r\nd", "a=3Db\r\nc\r\nd\r\n");
    check_quoted("blank \ntab\t\n\n in\n", "blank=20\r\ntab=09\r\n\r\n in\r\n");
    check_quoted("珠\x01\rx", "=E7=8F=A0=01=0Dx\r\n");
}

#define X76 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void rfc2045_6_7_lines_break_softly_at_76(void **state) {
    check_quoted(X76, X76 "\r\n");
    check_quoted(X76 "y",
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                 "=\r\nxy\r\n");
    /* 8 characters of 9 columns make 72. */
    check_quoted("珠珠珠珠珠珠珠珠珠",
                 "=E7=8F=A0=E7=8F=A0=E7=8F=A0=E7=8F=A0=E7=8F=A0=E7=8F=A0=E7=8F=A0=E7=8F=A0=\r\n"
                 "=E7=8F=A0\r\n");
}

static void the_encoding_suits_the_text(void **state) {
    assert_int_equal(body_encoding_for(S("hello\r\nworld\n")), BODY_7BIT);
    assert_int_equal(body_encoding_for(S("")), BODY_7BIT);
    assert_int_equal(body_encoding_for(S(X76 X76)), BODY_QUOTED_PRINTABLE);
    assert_int_equal(body_encoding_for(S("mostly ascii: é")), BODY_QUOTED_PRINTABLE);
    assert_int_equal(body_encoding_for(S("こんにちは\n")), BODY_BASE64);
    encode_body(&out, BODY_BASE64, S("a\nb\n")); /* RFC 2045 §6.8: CRLF inside */
    assert_slice(buf_slice(&out), "YQ0KYg0K\r\n");
}

static void text_of_others_fits_on_one_line(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    assert_slice(text_one_line(&a, S(" a\r\n\tb \x7f c "), 100, true), "a b c");
    assert_slice(text_one_line(&a, S("珠 \xff"), 100, true), "? ?");
    assert_slice(text_one_line(&a, S("珠 \xff"), 100, false), "珠 ?");
    assert_slice(text_one_line(&a, S("a\x80珠\x80"), 100, false), "a?珠?");
    assert_slice(text_one_line(&a, S("珠珠珠珠"), 10, false), "珠珠...");
    assert_slice(text_one_line(&a, S(""), 10, false), "");
}

static void rfc3461_4_xtext(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice text;
    xtext_encode(&out, S("a+b=c d\x80"));
    assert_slice(buf_slice(&out), "a+2Bb+3Dc+20d+80");
    assert_int_equal(xtext_decode(&a, buf_slice(&out), &text), 0);
    assert_slice(text, "a+b=c d\x80");
    assert_int_equal(xtext_decode(&a, S("a+2"), &text), -E_SYNTAX);
    assert_int_equal(xtext_decode(&a, S("a+"), &text), -E_SYNTAX);
    assert_int_equal(xtext_decode(&a, S("a+2G"), &text), -E_SYNTAX);
    assert_int_equal(xtext_decode(&a, S("a b"), &text), -E_SYNTAX);
    assert_int_equal(xtext_decode(&a, S("a=b"), &text), -E_SYNTAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rfc2047_plain_text_stays_and_folds, clear),
        cmocka_unit_test_teardown(rfc2047_other_text_is_encoded_where_needed, clear),
        cmocka_unit_test_teardown(rfc2047_2_no_character_is_cut_in_two, clear),
        cmocka_unit_test_teardown(rfc5322_3_2_5_phrases, clear),
        cmocka_unit_test_teardown(rfc2231_parameters, clear),
        cmocka_unit_test_teardown(rfc2045_6_8_base64_has_76_columns, clear),
        cmocka_unit_test_teardown(rfc2045_6_7_quoted_printable, clear),
        cmocka_unit_test_teardown(rfc2045_6_7_lines_break_softly_at_76, clear),
        cmocka_unit_test_teardown(the_encoding_suits_the_text, clear),
        cmocka_unit_test(text_of_others_fits_on_one_line),
        cmocka_unit_test_teardown(rfc3461_4_xtext, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
