/* SPDX-License-Identifier: ISC */
/*
 * Character sets, by their labels. Bytes were made with Python's codecs, or by hand from the code
 * charts where those lack what is in daily use (row 13, kana after ESC ( I).
 */
#include <stdio.h>
#include <stdlib.h>

#include "message_test.h"

#include "base/encode.h"
#include "message/charset/charset.h"

#define BAD "\xef\xbf\xbd"

static int find(const char *name) {
    int charset = charset_find(slice_of_str(name));
    if (charset < 0)
        fail_msg("%s is not known", name);
    return charset;
}

static void check(const char *name, struct slice bytes, const char *read) {
    _cleanup_(buf_done) struct buf b = {0};
    charset_decode(&b, find(name), bytes);
    assert_slice(buf_slice(&b), read);
}

static void read_in_pieces(int charset, struct slice bytes, size_t piece, bool lines,
                           struct buf *to) {
    struct charset_reader r;
    charset_reader_init(&r, charset, lines);
    for (size_t at = 0; at < bytes.len; at += piece)
        charset_reader_add(&r, slice_first(slice_from(bytes, at), piece), to);
    charset_reader_end(&r, to);
    charset_reader_done(&r);
}

/* ------------------------------------------------------------------ names */

static void labels_are_known_in_any_case_and_with_any_punctuation(void **state) {
    static const char *const same[][2] = {
        {"cp932", "Shift_JIS"},
        {"x-sjis", "Shift_JIS"},
        {"windows-31j", "Shift_JIS"},
        {"shift-jis", "\"SHIFT_JIS\""},
        {"ks_c_5601-1987", "euc-kr"},
        {"unicode-1-1-utf-7", "UTF-7"},
        {"ISO_8859-1:1987", "latin1"},
        {"ANSI_X3.4-1968", "us-ascii"},
        {"gb2312", "GB18030"},
        {"x-gbk", "'gbk'"},
        {"big5-hkscs", "Big5"},
        {"x-mac-roman", "macintosh"},
        {"tis-620", "windows-874"},
        {"iso-8859-8-i", "iso-8859-8"},
        {"cp1252", "iso-8859-1"},
        {"x-cp1251", "windows-1251"},
        {"ISO-10646-UCS-2", "utf-16"},
        {"csISO2022JP", "iso-2022-jp"},
        {"cp866", "IBM866"},
        {"x-unicode-2-0-utf-8", "utf8"},
        {"iso-2022-jp-ms", "cp50221"},
        {"koi8-ru", "koi8-u"},
        {"Extended_UNIX_Code_Packed_Format_for_Japanese", "euc-jp"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(same); i++)
        assert_int_equal(find(same[i][0]), find(same[i][1]));
}

static void other_labels_are_unknown(void **state) {
    static const char *const names[] = {
        "",
        "-",
        "iso",
        "iso-8859-17",
        "utf-9",
        "big6",
        "viscii",
        "latin11",
        "a-name-of-more-letters-than-any-character-set-ever-had-anywhere",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(charset_find(slice_of_str(names[i])), -E_UNKNOWN);
}

/* ------------------------------------------------------------------ Japanese */

static void signs_and_kanji_of_daily_use_are_read_in_each_japanese_set(void **state) {
    (void)state;
    check("ISO-2022-JP", S("\x1b$B-!-j|b\x1b(B"), "①㈱髙");
    check("CP50221", S("\x1b$@-!\x1b(J"), "①");
    check("iso-2022-jp-3", S("\x1b$(O-!\x1b(B"), "①");
    check("Shift_JIS", S("\x87\x40\x87\x8a\xfb\xfc\xee\xe0"), "①㈱髙髙");
    check("EUC-JP", S("\xad\xa1\xad\xea\xfc\xe2\x8f\xf4\xfb"), "①㈱髙髙");
    check("eucJP-ms", S("\x8f\xb0\xa1\x8f\xf3\xf3\x8f\xf4\xfe"), "丂ⅰ黑");
}

static void half_width_kana_are_read_in_each_way(void **state) {
    (void)state;
    check("iso-2022-jp", S("\x1b(I6E!_\x1b(Ba"), "ｶﾅ｡ﾟa");
    check("iso-2022-jp", S("a\xb6\xc5"), "aｶﾅ"); /* with the eighth bit set */
    check("iso-2022-jp", S("\x1b$B2q\xb6\x1b(B"), "会ｶ");
    check("iso-2022-jp",
          S("a\x0e"
            "6E\x0f"
            "b"),
          "aｶﾅb"); /* between SO and SI */
    check("iso-2022-jp",
          S("\x1b)I\x0e"
            "6\x0f"
            "6"),
          "ｶ6");
    check("x-sjis", S("\xb6\xc5"), "ｶﾅ");
    check("EUC_JP", S("\x8e\xb6\x8e\xc5"), "ｶﾅ");
}

static void jis_roman_has_yen_and_overline(void **state) {
    (void)state;
    check("iso-2022-jp", S("\x1b(J\\~a\x1b(B\\~"), "¥‾a\\~");
}

static void sets_of_two_bytes_that_are_not_ours_keep_the_rest_in_step(void **state) {
    (void)state;
    check("iso-2022-jp-3", S("\x1b$(P0!\x1b$B2q\x1b(B!"), BAD "会!");
    check("iso-2022-cn",
          S("\x1b$)G\x0e"
            "0!0!\x1b$)A0!\x0f!"),
          BAD BAD "啊!");
}

/* ------------------------------------------------------------------ others */

static void sets_of_one_byte_are_read(void **state) {
    (void)state;
    check("latin1", S("\xe9\x80"), "é€"); /* as Windows has it */
    check("ISO-8859-15", S("\xa4"), "€");
    check("windows-1251", S("\xcf\xf0"), "Пр");
    check("KOI8-R", S("\xf0\xd2"), "Пр");
    check("cp874", S("\xa1"), "ก");
}

/* RFC 1557 §2: the designator is at the beginning of the text, which a header word lacks. */
static void korean_of_seven_bits_needs_no_designator(void **state) {
    (void)state;
    check("iso-2022-kr",
          S("\x1b$)C\x0e"
            "0!\x0f 0!"),
          "가 0!");
    check("iso-2022-kr",
          S("\x0e"
            "0!\x0f"),
          "가");
}

/* RFC 2152: the examples of §"Rule 3", and what is not well-formed. */
static void utf_7_is_read(void **state) {
    (void)state;
    check("utf-7", S("A+ImIDkQ."), "A≢Α.");
    check("utf-7", S("Hi Mom -+Jjo--!"), "Hi Mom -☺-!");
    check("utf-7", S("+ZeVnLIqe-"), "日本語");
    check("utf-7", S("Item 3 is +AKM-1."), "Item 3 is £1.");
    check("utf-7", S("1 +- 1"), "1 + 1");
    check("utf-7", S("+2D3eAA-"), "😀");
    check("utf-7", S("+2D0-a+3gA-b+ZeV-c+Z-d"), BAD "a" BAD "b日" BAD "c" BAD "d");
}

static void byte_order_marks_are_obeyed_and_left_out(void **state) {
    (void)state;
    check("utf-8", S("\xef\xbb\xbf会"), "会");
    check("utf-8", S("a\xef\xbb\xbf"), "a\xef\xbb\xbf");
    check("utf-16", S("\xfe\xff\x4f\x1a"), "会");
    check("utf-16", S("\xff\xfe\x1a\x4f"), "会");
    check("utf-16be", S("\xff\xfe\x1a\x4f"), "会");
    check("utf-32", S("\xff\xfe\0\0\x1a\x4f\0\0"), "会");
}

/* RFC 2781 §4.3 has big-endian; programs of Windows write the other. */
static void the_order_without_a_mark_is_what_it_looks_like(void **state) {
    (void)state;
    check("utf-16", S("\x4f\x1a\x8b\x70"), "会議");
    check("utf-16", S("\0a\x4f\x1a"), "a会");
    check("utf-16", S("a\0\x1a\x4f"), "a会");
    check("utf-16", S("\x6e\x30\xf6\x4e"), "の件");
    check("utf-32", S("\x1a\x4f\0\0"), "会");
}

static void what_cannot_be_read_is_replaced_and_the_rest_goes_on(void **state) {
    (void)state;
    check("utf-8",
          S("a\xe4\xbc"
            "b\xff\xed\xa0\x80"),
          "a" BAD BAD "b" BAD BAD BAD BAD);
    check("sjis", S("\x81 \xfd\x81"), BAD " " BAD BAD);
    check("euc-jp",
          S("\xa4"
            "a\x8f\xa1"),
          BAD "a" BAD BAD);
    check("iso-2022-jp", S("\x1b$B2"), BAD);
    check("utf-16be", S("\xd8\0\0a\xdc\0\0"), BAD "a" BAD BAD);
    check("utf-32be", S("\0\x11\0\0\0\0\0a\0"), BAD "a" BAD);
    check("gb18030", S("\x84\x32\xa4\x39\x81\x30\x81"), BAD BAD "0" BAD);
}

/* A pair that is no character never swallows a quote, a blank or a line end. */
static void ascii_behind_a_lead_byte_is_not_lost(void **state) {
    (void)state;
    check("big5", S("\x81\"b"), BAD "\"b");
    check("gbk", S("\xff<\x81>"), BAD "<" BAD ">");
    check("sjis", S("\xf5@a"), BAD "@a");
    check("euc-kr", S("\xc8Za"), BAD "Za");
}

/* ------------------------------------------------------------------ pieces */

static void lines_stay_where_they_are_asked_for(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    read_in_pieces(find("iso-2022-jp"), S("a\tb\r\n\x1b$B2q\x1b(B\r\n\x07"), 3, true, &b);
    assert_slice(buf_slice(&b), "a\tb\r\n会\r\n" BAD);
}

/* However long it is: by its first bytes beyond ASCII, wherever they stand. */
static void what_a_long_text_is_is_decided_where_it_tells(void **state) {
    _cleanup_(buf_done) struct buf text = {0}, whole = {0}, pieces = {0};
    (void)state;
    for (unsigned i = 0; i < 2000; i++)
        buf_add_str(&text, "plain ");
    for (unsigned i = 0; i < 5000; i++)
        buf_add_str(&text, "\x89\xef\x8b\x63\x82\xcc\x8c\x8f"); /* 会議の件 in Shift_JIS */
    charset_decode_unlabelled(&whole, buf_slice(&text));
    assert_int_equal(whole.len, 12000 + 12 * 5000);
    assert_true(slice_ends(buf_slice(&whole), S("会議の件")));
    read_in_pieces(CHARSET_UNLABELLED, buf_slice(&text), 1000, false, &pieces);
    assert_true(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
}

/* ------------------------------------------------------------------ Python's opinion */

static struct slice from_hex(struct arena *a, const char *text) {
    struct slice s;
    assert_int_equal(hex_decode(a, slice_of_str(text), &s), 0);
    return s;
}

/* Whole, and cut at each byte. */
static void compare(const char *kind, unsigned least) {
    char command[128], label[32], bytes_hex[2048], text_hex[2048];
    unsigned count = 0;
    (void)snprintf(command, sizeof command, "python3 -B message/read_charset.py %s", kind);
    FILE *answer = popen(command, "r");
    assert_non_null(answer);
    for (; fscanf(answer, "%31s %2047s %2047s", label, bytes_hex, text_hex) == 3; count++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(buf_done) struct buf whole = {0}, pieces = {0};
        struct slice bytes = from_hex(&a, bytes_hex), text = from_hex(&a, text_hex);
        charset_decode(&whole, find(label), bytes);
        if (!slice_eq(buf_slice(&whole), text))
            fail_msg("%s: %s is %.*s, not %.*s", label, bytes_hex, SLICE_ARG(text),
                     SLICE_ARG(buf_slice(&whole)));
        read_in_pieces(find(label), bytes, 1, false, &pieces);
        assert_true(slice_eq(buf_slice(&pieces), text));
    }
    assert_int_equal(pclose(answer), 0);
    assert_true(count >= least);
}

static void every_character_of_one_byte_is_that_of_python(void **state) {
    (void)state;
    compare("single", 5000);
}

static void every_character_of_two_bytes_is_that_of_python(void **state) {
    (void)state;
    compare("pairs", 115000);
}

static void every_character_of_four_bytes_is_that_of_python(void **state) {
    (void)state;
    compare("numbered", 39420);
}

static void every_character_behind_a_switch_is_that_of_python(void **state) {
    (void)state;
    compare("switched", 2500);
}

static void random_text_in_each_form_of_unicode_is_that_of_python(void **state) {
    (void)state;
    compare("unicode", 5000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_known_in_any_case_and_with_any_punctuation),
        cmocka_unit_test(other_labels_are_unknown),
        cmocka_unit_test(signs_and_kanji_of_daily_use_are_read_in_each_japanese_set),
        cmocka_unit_test(half_width_kana_are_read_in_each_way),
        cmocka_unit_test(jis_roman_has_yen_and_overline),
        cmocka_unit_test(sets_of_two_bytes_that_are_not_ours_keep_the_rest_in_step),
        cmocka_unit_test(sets_of_one_byte_are_read),
        cmocka_unit_test(korean_of_seven_bits_needs_no_designator),
        cmocka_unit_test(utf_7_is_read),
        cmocka_unit_test(byte_order_marks_are_obeyed_and_left_out),
        cmocka_unit_test(the_order_without_a_mark_is_what_it_looks_like),
        cmocka_unit_test(what_cannot_be_read_is_replaced_and_the_rest_goes_on),
        cmocka_unit_test(ascii_behind_a_lead_byte_is_not_lost),
        cmocka_unit_test(lines_stay_where_they_are_asked_for),
        cmocka_unit_test(what_a_long_text_is_is_decided_where_it_tells),
        cmocka_unit_test(every_character_of_one_byte_is_that_of_python),
        cmocka_unit_test(every_character_of_two_bytes_is_that_of_python),
        cmocka_unit_test(every_character_of_four_bytes_is_that_of_python),
        cmocka_unit_test(every_character_behind_a_switch_is_that_of_python),
        cmocka_unit_test(random_text_in_each_form_of_unicode_is_that_of_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
