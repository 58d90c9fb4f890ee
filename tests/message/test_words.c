/* SPDX-License-Identifier: ISC */
/*
 * Encoded words, and text beside them. Bytes were made with Python's codecs.
 */
#include "message_test.h"

#include "message/words.h"

static void check_words(const char *written, const char *read) {
    _cleanup_(buf_done) struct buf b = {0};
    words_decode(&b, slice_of_str(written));
    assert_slice(buf_slice(&b), read);
}

static void check_raw(struct slice bytes, const char *read) {
    _cleanup_(buf_done) struct buf b = {0};
    words_decode(&b, bytes);
    assert_slice(buf_slice(&b), read);
}

/* ------------------------------------------------------------------ encoded words */

/* The examples of RFC 2047 §8, and a language (RFC 2231 §5). */
static void encoded_words_are_read(void **state) {
    (void)state;
    check_words("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>");
    check_words("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard");
    check_words("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo");
    check_words("=?ISO-8859-8?b?7eXs+SDv4SDp7Oj08A==?=", "םולש ןב ילטפנ");
    check_words("(=?ISO-8859-1?Q?a?=)", "(a)");
    check_words("(=?ISO-8859-1?Q?a?= b)", "(a b)");
    check_words("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)");
    check_words("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)");
    check_words("(=?ISO-8859-1?Q?a_b?=)", "(a b)");
    check_words("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)");
    check_words("Re: =?utf-8*ja?b?5Lya6K2w?=", "Re: 会議");
}

/* As Header("会議の件", charset).encode() of Python's email package has them. */
static void japanese_words_are_read(void **state) {
    (void)state;
    check_words("=?iso-2022-jp?b?GyRCMnE1RCRON28bKEI=?=", "会議の件");
    check_words("=?shift_jis?b?ie+LY4LMjI8=?=", "会議の件");
    check_words("=?euc-jp?b?svG1xKTOt+8=?=", "会議の件");
    check_words("=?utf-8?b?5Lya6K2w44Gu5Lu2?=", "会議の件");
    check_words("Re: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?= 2", "Re: 会議 2");
}

static void a_character_cut_between_words_is_whole(void **state) {
    (void)state;
    check_words("=?UTF-8?B?5Lw=?= =?UTF-8?B?mg==?=", "会");
    check_words("=?ISO-2022-JP?B?GyRCMg==?=\r\n =?iso-2022-jp?Q?q5D=1B(B?=", "会議");
}

/* What RFC 2047 forbids and mail programs read all the same. */
static void careless_words_are_read(void **state) {
    check_words("=?UTF-8?B?5Lya6K2w44Gu5Lu2Cg?=", "会議の件 ");
    check_words("=?UTF-8?B?5pep6aas?= =?UTF-8?B?YQ?=", "早馬a");
    check_words("=?UTF-8?B?5pep 6aas?=", "早馬");
    check_words("=?UTF-8?B? 5pep6aas ?=", "早馬");
    check_words("=?UTF-8?B?5pep\r\n 6aas?=", "早馬");
    check_words("=?UTF-8?Q?=E6=97=A9 =E9=A6=AC?=", "早 馬");
    check_words("=?UTF-8?Q?a b?=", "a b");
    check_words("=? UTF-8 ? B ?5pep6aas?=", "早馬");
    check_words("=?UTF-8?B?5pep=?=", "早");
    check_words("=?UTF-8?B?5pep6?=", "早");    /* cut in the middle of a byte */
    check_words("=?UTF-8?B?YQ==Yg==?=", "ab"); /* two that were put together */
}

static void what_only_looks_like_an_encoded_word_stays(void **state) {
    static const char *const texts[] = {
        "=?UTF-8?B?5Lya6K2w",
        "=?UTF-8?X?abc?=",
        "=?UTF-8?B?***?=",
        "=?Big6?B?pOU=?=",
        "=?UTF-8?B?\?=",
        "=?UTF-8?B?A=B=C=?=",
        "=?",
        "=?=",
        "1=?2 ?=",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        check_words(texts[i], texts[i]);
}

static void many_beginnings_of_words_take_no_longer_than_other_text(void **state) {
    _cleanup_(buf_done) struct buf text = {0}, read = {0};
    (void)state;
    for (unsigned i = 0; i < 100000; i++)
        buf_add_str(&text, "=?utf-8?Q?");
    words_decode(&read, buf_slice(&text));
    assert_slice(buf_slice(&read), buf_str(&text));
}

/* ------------------------------------------------------------------ control characters */

/* A terminal obeys neither what is raw nor what is encoded. */
static void control_characters_are_replaced(void **state) {
    (void)state;
    check_words("a\x1b[31m\x07", "a\xef\xbf\xbd[31m\xef\xbf\xbd");
    check_words("=?UTF-8?Q?=1B[2J=7F=C2=9B=00x?=",
                "\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx");
    check_words("=?ISO-2022-JP?Q?=1B]0;=07?=", "\xef\xbf\xbd]0;\xef\xbf\xbd");
    check_words("=?ISO-8859-1?Q?a=0D=0Ab=09c?=", "a  b c");
}

/* ------------------------------------------------------------------ bytes without a name */

static void raw_text_is_read_as_what_it_looks_like(void **state) {
    (void)state;
    check_raw(S("会議"), "会議");
    check_raw(S("\x1b$B2q5D\x1b(B"), "会議");
    check_raw(S("\x83\x65\x83\x58\x83\x67\x91\x97\x90\x4d"), "テスト送信");
    check_raw(S("\xa5\xc6\xa5\xb9\xa5\xc8\xc1\xf7\xbf\xae"), "テスト送信");
    check_raw(S("Re: \x89\xef\x8b\x63 2"), "Re: 会議 2");
    check_raw(S("G\xe9n\xe9ral \xe0 la f\xeate"), "Général à la fête");
    check_raw(S("it\x92s"), "it’s");
    check_raw(S("会議\xe3\x81"), "会議\xef\xbf\xbd\xef\xbf\xbd"); /* cut within a character */
}

static void raw_text_beside_words_is_read_too(void **state) {
    (void)state;
    check_raw(S("\x89\xef\x8b\x63 =?UTF-8?B?5Lya6K2w?= \xb2\xf1\xb5\xc4"), "会議 会議 会議");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_words_are_read),
        cmocka_unit_test(japanese_words_are_read),
        cmocka_unit_test(a_character_cut_between_words_is_whole),
        cmocka_unit_test(careless_words_are_read),
        cmocka_unit_test(what_only_looks_like_an_encoded_word_stays),
        cmocka_unit_test(many_beginnings_of_words_take_no_longer_than_other_text),
        cmocka_unit_test(control_characters_are_replaced),
        cmocka_unit_test(raw_text_is_read_as_what_it_looks_like),
        cmocka_unit_test(raw_text_beside_words_is_read_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
