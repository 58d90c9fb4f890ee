/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/buf.h"
#include "search/needle.h"

/* Conditions as "w:word p:pair l:piece", "p:x*" for what a term begins with, "[word" for a part
 * with which a word begins, "word]" for one with which it ends. */
static void read_needle(const char *text, struct buf *to) {
    static const char KINDS[] = "wpl";
    struct search_needle n;
    search_needle_read(&n, slice_of_str(text));
    for (size_t i = 0; i < n.part_count; i++)
        buf_printf(to, "%s%.*s%s ", n.parts[i].begins ? "[" : "", n.parts[i].len, n.parts[i].text,
                   n.parts[i].ends ? "]" : "");
    for (size_t i = 0; i < n.term_count; i++)
        buf_printf(to, "%c:%.*s%s ", KINDS[n.terms[i].kind], n.terms[i].len, n.terms[i].text,
                   n.terms[i].begins ? "*" : "");
}

#define assert_needle(text, expected)                                                              \
    do {                                                                                           \
        _cleanup_(buf_done) struct buf to_ = {0};                                                  \
        read_needle((text), &to_);                                                                 \
        assert_slice(buf_slice(&to_), (expected));                                                 \
    } while (0)

static void test_a_run_at_an_edge_is_part_of_a_word(void **state) {
    (void)state;
    assert_needle("eeti", "eeti ");
    assert_needle("lo wor", "lo] [wor ");
    assert_needle("lo of wor", "lo] [wor w:of ");
    assert_needle("matter 7", "matter] [7 ");
    assert_needle("a matter", "[matter ");
    assert_needle(" see ", "w:see ");
}

static void test_two_kanji_or_kana_are_a_term(void **state) {
    (void)state;
    assert_needle("会議", "p:会議 ");
    assert_needle("会議室", "p:会議 p:議室 ");
    assert_needle("会議。", "p:会議 p:議 ");
    assert_needle("めも", "p:めも ");
}

static void test_one_kanji_begins_a_term(void **state) {
    (void)state;
    assert_needle("会", "p:会* ");
    assert_needle("会 ", "p:会 ");
}

static void test_a_letter_a_kana_and_separators_do_not_narrow(void **state) {
    (void)state;
    assert_needle("", "");
    assert_needle("x", "");
    assert_needle("の", "");
    assert_needle("--..", "");
}

static void test_classes_bound_words(void **state) {
    (void)state;
    assert_needle("3月のpdf", "[pdf p:月の p:の ");
}

static void test_a_long_run_is_its_pieces(void **state) {
    (void)state;
    assert_needle("abcdefghijkl1", "l:abc l:bcd l:cde l:def l:efg l:fgh l:ghi l:hij l:ijk l:jkl "
                                   "l:kl1 ");
}

static void test_of_many_terms_the_rare_looking_ones_stay(void **state) {
    (void)state;
    _cleanup_(buf_done) struct buf long_needle = {0}, to = {0};
    for (unsigned i = 0; i < 2000; i++)
        buf_add_str(&long_needle, "これはとてもながいおはなしで");
    buf_add_str(&long_needle, "会議");
    read_needle(buf_str(&long_needle), &to);
    assert_true(to.len > 0);
    read_needle("あいうえおかきくけこさしすせそたちつてと会議 meeting と", &to);
    assert_true(slice_find(buf_slice(&to), S("w:meeting ")) > 0);
    assert_true(slice_find(buf_slice(&to), S("p:会議 ")) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_at_an_edge_is_part_of_a_word),
        cmocka_unit_test(test_two_kanji_or_kana_are_a_term),
        cmocka_unit_test(test_one_kanji_begins_a_term),
        cmocka_unit_test(test_a_letter_a_kana_and_separators_do_not_narrow),
        cmocka_unit_test(test_classes_bound_words),
        cmocka_unit_test(test_a_long_run_is_its_pieces),
        cmocka_unit_test(test_of_many_terms_the_rare_looking_ones_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
