/* SPDX-License-Identifier: ISC */
/*
 * Text as it is searched (text_fold.h), and as i;unicode-casemap compares it (casemap.h).
 */
#include <stdio.h>
#include <stdlib.h>

#include "message_test.h"

#include "base/encode.h"
#include "message/charset/charset.h"
#include "message/unicode/casemap.h"
#include "message/unicode/nfc.h"
#include "message/unicode/text_fold.h"

#define BAD "\xef\xbf\xbd"

static void fold_in_pieces(struct slice text, size_t piece, struct buf *to) {
    struct text_fold f = {0};
    for (size_t at = 0; at < text.len; at += piece)
        text_fold_add(&f, slice_first(slice_from(text, at), piece), to);
    text_fold_end(&f, to);
}

static void check(const char *text, const char *folded) {
    _cleanup_(buf_done) struct buf b = {0};
    fold_in_pieces(slice_of_str(text), MAX(strlen(text), (size_t)1), &b);
    assert_slice(buf_slice(&b), folded);
}

static void same(const char *a, const char *b) {
    _cleanup_(buf_done) struct buf folded = {0};
    fold_in_pieces(slice_of_str(b), 1, &folded);
    check(a, buf_str(&folded));
}

static void check_casemap(const char *text, const char *mapped) {
    _cleanup_(buf_done) struct buf b = {0};
    casemap_add(&b, slice_of_str(text));
    assert_slice(buf_slice(&b), mapped);
}

/* ------------------------------------------------------------------ for a search */

static void width_makes_no_difference(void **state) {
    (void)state;
    same("Ｈａｙａｕｍａ　１２３", "hayauma 123");
    same("ｶﾞｷﾞﾊﾟｰ｡", "がぎぱー。");
    same("￥１００", "¥100");
}

static void case_makes_no_difference(void **state) {
    (void)state;
    same("ÉCOLE", "école");
    same("Straße", "STRASSE");
    same("ΣΊΣΥΦΟΣ", "σίσυφος");
    same("ЁЛКА", "ёлка");
}

static void katakana_is_hiragana(void **state) {
    (void)state;
    check("カタカナ", "かたかな");
    check("ヴァイオリン", "ゔぁいおりん");
    check("ヵヶヽヾ", "ゕゖゝゞ");
    same("サーバー", "さーばー");
}

static void what_is_written_in_parts_is_one(void **state) {
    (void)state;
    check("か\u3099ハ\u309a", "がぱ");
    check("か゛ﾊﾟ", "がぱ");
    check("e\u0301", "é");
    check("\u1112\u1161\u11ab", "한");
    check("a\u0323\u0302", "ậ");
    same("a\u0302\u0323", "a\u0323\u0302");
}

static void an_accent_or_voiced_mark_makes_a_difference(void **state) {
    (void)state;
    check("か", "か");
    check("が", "が");
    check("e", "e");
    check("é", "é");
}

static void signs_of_one_place_in_character_sets_are_one(void **state) {
    (void)state;
    same("〜", "～");
    same("−", "－");
    same("―", "—");
    same("‖", "∥");
    same("①㈱㍉ﬁ", "1(株)ミリfi");
}

static void what_nobody_sees_is_dropped(void **state) {
    (void)state;
    check("soft\u00adhyphen", "softhyphen");
    check("葛\U000e0100飾", "葛飾");
    check("a\u200bb\ufeff", "ab");
}

static void forms_of_kanji_stay_apart(void **state) {
    (void)state;
    check("國国髙高", "國国髙高");
}

static void line_ends_and_controls_stay(void **state) {
    (void)state;
    check("A\tB\r\n\x07 C", "a\tb\r\n\x07 c");
}

static void what_is_not_utf_8_is_replaced(void **state) {
    (void)state;
    check("A\xff\xe3\x81z\xe3", "a" BAD BAD BAD "z" BAD);
    check("", "");
}

/* Bytes that go on with nothing; quadratic it would take minutes. */
static void broken_text_takes_no_longer_than_other_text(void **state) {
    _cleanup_(buf_done) struct buf text = {0}, folded = {0}, read = {0};
    (void)state;
    for (unsigned i = 0; i < 1000000; i++)
        buf_add_byte(&text, '\x80');
    fold_in_pieces(buf_slice(&text), text.len, &folded);
    charset_decode(&read, charset_find(S("utf-8")), buf_slice(&text));
    assert_int_equal(folded.len, 3 * text.len);
    assert_int_equal(read.len, 3 * text.len);
}

/* They begin a character anew: nothing is lost, and nothing grows. */
static void more_than_thirty_marks_are_kept(void **state) {
    _cleanup_(buf_done) struct buf text = {0}, folded = {0};
    (void)state;
    buf_add_str(&text, "a");
    for (unsigned i = 0; i < 100000; i++)
        buf_add_str(&text, "\u0323");
    fold_in_pieces(buf_slice(&text), 1000, &folded);
    assert_int_equal(folded.len, text.len); /* "ạ" has one byte more than "a", and is two in one */
}

/* ------------------------------------------------------------------ i;unicode-casemap */

/* RFC 5051 §2: title case by the simple mapping, then decomposed. */
static void casemap_has_title_case_decomposed(void **state) {
    (void)state;
    check_casemap("e\u0301É", "E\u0301E\u0301");
    check_casemap("ß", "ß");        /* the simple mapping has no other */
    check_casemap("ǆ", "Dz\u030c"); /* a title, no capital */
    check_casemap("が①", "か\u30991");
    check_casemap("ａ", "A");
    check_casemap("한", "\u1112\u1161\u11ab");
    check_casemap("a\xff", "A" BAD);
}

/* ------------------------------------------------------------------ form C */

static void check_nfc(const char *text, const char *expected) {
    _cleanup_(buf_done) struct buf form = {0};
    nfc_add(&form, slice_of_str(text));
    assert_slice(buf_slice(&form), expected);
}

static void form_c_is_one_character_where_there_is_one(void **state) {
    (void)state;
    check_nfc("か\u3099ト\u3099", "がド");
    check_nfc("\u1112\u1161\u11ab", "한");
    check_nfc("ｶ\uff9eＡ①", "ｶ\uff9eＡ①"); /* width stays */
    check_nfc("a\u0307\u0323", "ạ\u0307"); /* marks in their order */
    check_nfc("\u212b", "Å");
    check_nfc("\u0958", "\u0915\u093c"); /* excluded from composition */
    check_nfc("\u3099か", "\u3099か");   /* a mark without a letter */
    check_nfc("plain", "plain");
    check_nfc("か\u3099\xff", "か\u3099\xff"); /* no UTF-8 */
}

static void thousands_of_marks_are_put_in_order(void **state) {
    enum { EACH = 1000 };
    _cleanup_(buf_done) struct buf text = {0}, expected = {0}, form = {0};
    (void)state;
    buf_add_str(&text, "q");
    buf_add_str(&expected, "q");
    for (unsigned i = 0; i < EACH; i++) {
        buf_add_str(&text, "\u0302");
        buf_add_str(&expected, "\u0323");
    }
    for (unsigned i = 0; i < EACH; i++) {
        buf_add_str(&text, "\u0323");
        buf_add_str(&expected, "\u0302");
    }
    nfc_add(&form, buf_slice(&text));
    assert_true(slice_eq(buf_slice(&form), buf_slice(&expected)));
}

/* ------------------------------------------------------------------ Python's opinion */

static struct slice from_hex(struct arena *a, const char *text) {
    struct slice s = S("");
    if (text[0] != '-')
        assert_int_equal(hex_decode(a, slice_of_str(text), &s), 0);
    return s;
}

static void compare(const char *kind, unsigned least) {
    char command[128], hex[4][512];
    unsigned count = 0;
    (void)snprintf(command, sizeof command, "python3 -B message/fold_text.py %s", kind);
    FILE *answer = popen(command, "r");
    assert_non_null(answer);
    for (; fscanf(answer, "%511s %511s %511s %511s", hex[0], hex[1], hex[2], hex[3]) == 4;
         count++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(buf_done) struct buf folded = {0}, pieces = {0}, again = {0}, mapped = {0},
                                       form = {0};
        struct slice text = from_hex(&a, hex[0]), fold = from_hex(&a, hex[1]);
        fold_in_pieces(text, text.len, &folded);
        if (!slice_eq(buf_slice(&folded), fold))
            fail_msg("%s: folded to %.*s, not %s", hex[0], SLICE_ARG(buf_slice(&folded)), hex[1]);
        fold_in_pieces(text, 1, &pieces);
        assert_true(slice_eq(buf_slice(&pieces), fold));
        fold_in_pieces(fold, MAX(fold.len, (size_t)1), &again);
        if (!slice_eq(buf_slice(&again), fold))
            fail_msg("%s: %s is folded once more", hex[0], hex[1]);
        casemap_add(&mapped, text);
        if (!slice_eq(buf_slice(&mapped), from_hex(&a, hex[2])))
            fail_msg("%s: mapped to %.*s, not %s", hex[0], SLICE_ARG(buf_slice(&mapped)), hex[2]);
        nfc_add(&form, text);
        if (!slice_eq(buf_slice(&form), from_hex(&a, hex[3])))
            fail_msg("%s: the form C is %.*s, not %s", hex[0], SLICE_ARG(buf_slice(&form)), hex[3]);
    }
    assert_int_equal(pclose(answer), 0);
    assert_true(count >= least);
}

/* And what was folded stays as it is when it is folded again. */
static void every_character_becomes_what_python_says(void **state) {
    (void)state;
    compare("characters", 44000);
}

static void marks_in_any_order_become_what_python_says(void **state) {
    (void)state;
    compare("texts", 6000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_makes_no_difference),
        cmocka_unit_test(case_makes_no_difference),
        cmocka_unit_test(katakana_is_hiragana),
        cmocka_unit_test(what_is_written_in_parts_is_one),
        cmocka_unit_test(an_accent_or_voiced_mark_makes_a_difference),
        cmocka_unit_test(signs_of_one_place_in_character_sets_are_one),
        cmocka_unit_test(what_nobody_sees_is_dropped),
        cmocka_unit_test(forms_of_kanji_stay_apart),
        cmocka_unit_test(line_ends_and_controls_stay),
        cmocka_unit_test(what_is_not_utf_8_is_replaced),
        cmocka_unit_test(broken_text_takes_no_longer_than_other_text),
        cmocka_unit_test(more_than_thirty_marks_are_kept),
        cmocka_unit_test(form_c_is_one_character_where_there_is_one),
        cmocka_unit_test(thousands_of_marks_are_put_in_order),
        cmocka_unit_test(casemap_has_title_case_decomposed),
        cmocka_unit_test(every_character_becomes_what_python_says),
        cmocka_unit_test(marks_in_any_order_become_what_python_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
