/* SPDX-License-Identifier: ISC */
/*
 * Text whose label is wrong, or that has none: the rules of docs/mime.md, one by one. Bytes were
 * made with Python's codecs.
 */
#include "message_test.h"

#include "message/charset/charset.h"

#define BAD "\xef\xbf\xbd"

#define TEXT "会議の件"
#define JIS  "\x1b$B2q5D$N7o\x1b(B"
#define SJIS "\x89\xef\x8b\x63\x82\xcc\x8c\x8f"
#define EUC  "\xb2\xf1\xb5\xc4\xa4\xce\xb7\xef"
#define KANA "\xb6\xc5"

static void check(const char *label, struct slice bytes, const char *read) {
    _cleanup_(buf_done) struct buf b = {0};
    int charset = label ? charset_find(slice_of_str(label)) : CHARSET_UNLABELLED;
    assert_true(charset >= 0);
    charset_decode(&b, charset, bytes);
    assert_slice(buf_slice(&b), read);
}

static void text_without_a_label_is_what_it_looks_like(void **state) {
    (void)state;
    check(NULL, S(TEXT), TEXT);
    check(NULL, S(JIS), TEXT);
    check(NULL, S(SJIS), TEXT);
    check(NULL, S(EUC), TEXT);
    check("us-ascii", S(EUC), TEXT);
    check(NULL, S("\x0c" SJIS "\x0c"), BAD TEXT BAD); /* form feeds */
    check("unknown-8bit", S(SJIS), TEXT);
    check(NULL, S("\xff\xfe\x1a\x4f\r\0\n\0"), "会  ");
    check(NULL, S("G\xe9n\xe9ral \xe0 la f\xeate"), "Général à la fête");
}

/* Two pairs in a row, of rare kanji; hardly anybody writes so. */
static void latin_text_is_not_taken_for_rare_kanji(void **state) {
    (void)state;
    check(NULL, S("\xe9l\xe8ve"), "élève");
    check(NULL, S("h\xe9l\xe9na"), "héléna");
    check("iso-8859-1", S("\xe9l\xe8ve \x93\xe0\x94"), "élève “à”");
}

static void utf_8_is_taken_for_utf_8_where_it_is_damaged_too(void **state) {
    (void)state;
    check(NULL, S(TEXT "\xe3" TEXT), TEXT BAD TEXT);
    check("utf-8", S(TEXT "\xe3" TEXT), TEXT BAD TEXT);
    check(NULL, S("\xc3\xa9t\xc3\xa9 \xff"), "été " BAD);
}

static void japanese_labelled_utf_8_is_read(void **state) {
    (void)state;
    check("utf-8", S(SJIS), TEXT);
    check("utf-8", S(EUC), TEXT);
    check("utf-8", S(JIS), TEXT);
    check("utf-8", S("caf\xe9"), "caf" BAD);
}

static void eight_bits_labelled_iso_2022_jp_are_read(void **state) {
    (void)state;
    check("iso-2022-jp", S(SJIS), TEXT);
    check("iso-2022-jp", S(EUC), TEXT);
    check("iso-2022-jp", S(TEXT), TEXT);
    check("iso-2022-jp", S(KANA), "ｶﾅ");
    check("iso-2022-jp", S(JIS KANA), TEXT "ｶﾅ");
    check("iso-2022-kr", S("\xb0\xa1"), "가");
    check("iso-2022-cn", S("\xb0\xa1"), "啊");
}

static void the_other_japanese_set_is_read_where_the_label_does_not_fit(void **state) {
    (void)state;
    check("euc-jp", S(SJIS), TEXT);
    check("shift_jis", S("\xbf\xb7\xa4\xb7\xa4\xa4\xbb\xf1\xce\xc1\xa4\xc7\xa4\xb9"),
          "新しい資料です");
    check("shift_jis", S(JIS), TEXT);
    check("euc-jp", S(JIS), TEXT);
}

static void utf_8_labelled_as_a_set_of_several_bytes_is_read(void **state) {
    static const char *const labels[] = {"shift_jis", "euc-jp", "gb2312", "big5", "euc-kr"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
        check(labels[i], S(TEXT), TEXT);
    check("gb2312", S("\xc1\xaa\xcd\xa8"), "联通"); /* UTF-8 by chance */
}

static void utf_8_labelled_latin_is_read(void **state) {
    (void)state;
    check("iso-8859-1", S("caf\xc3\xa9"), "café");
    check("windows-1252", S(TEXT), TEXT);
    check("iso-8859-1", S("caf\xe9"), "café");
    check("koi8-r", S("\xc5\xa3"), "её"); /* UTF-8 by chance */
}

static void japanese_labelled_latin_is_read_by_its_kana(void **state) {
    (void)state;
    check("iso-8859-1", S(SJIS SJIS), TEXT TEXT);
    check("iso-8859-1", S(EUC EUC), TEXT TEXT);
    check("iso-8859-1", S(JIS), TEXT);
    check("iso-8859-1", S("\xb2\xf1\xb5\xc4"), "²ñµÄ"); /* no kana */
}

static void ascii_labelled_utf_16_is_read(void **state) {
    (void)state;
    check("utf-16", S("This is no text of sixteen bits at all."),
          "This is no text of sixteen bits at all.");
    check("utf-16be", S("0B0D"), "あい");
}

/* What a terminal program writes at the end of bold type. */
static void an_escape_sequence_in_utf_8_changes_nothing(void **state) {
    (void)state;
    check(NULL, S(TEXT "\x1b(B"), TEXT BAD "(B");
    check("utf-8", S("a\x1b(Bb"), "a" BAD "(Bb");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_without_a_label_is_what_it_looks_like),
        cmocka_unit_test(latin_text_is_not_taken_for_rare_kanji),
        cmocka_unit_test(utf_8_is_taken_for_utf_8_where_it_is_damaged_too),
        cmocka_unit_test(japanese_labelled_utf_8_is_read),
        cmocka_unit_test(eight_bits_labelled_iso_2022_jp_are_read),
        cmocka_unit_test(the_other_japanese_set_is_read_where_the_label_does_not_fit),
        cmocka_unit_test(utf_8_labelled_as_a_set_of_several_bytes_is_read),
        cmocka_unit_test(utf_8_labelled_latin_is_read),
        cmocka_unit_test(japanese_labelled_latin_is_read_by_its_kana),
        cmocka_unit_test(ascii_labelled_utf_16_is_read),
        cmocka_unit_test(an_escape_sequence_in_utf_8_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
