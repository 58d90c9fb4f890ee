/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/buf.h"
#include "search/tokens.h"

/* Terms as "w:word p:pair l:piece of a long word". */
static void note(void *arg, enum search_term kind, struct slice text) {
    static const char KINDS[] = "wpl";
    struct buf *to = arg;
    buf_printf(to, "%s%c:%.*s", to->len > 0 ? " " : "", KINDS[kind], SLICE_ARG(text));
}

static void cut(const char *text, struct buf *to, size_t piece) {
    struct search_tokens t = {.emit = note, .arg = to};
    struct slice rest = slice_of_str(text);
    for (; rest.len > 0; rest = slice_from(rest, piece))
        search_tokens_feed(&t, slice_first(rest, piece));
    search_tokens_end(&t);
}

#define assert_terms(text, expected)                                                               \
    do {                                                                                           \
        for (size_t piece_ = 1; piece_ <= sizeof(text); piece_++) {                                \
            _cleanup_(buf_done) struct buf to_ = {0};                                              \
            cut((text), &to_, piece_);                                                             \
            assert_slice(buf_slice(&to_), (expected));                                             \
        }                                                                                          \
    } while (0)

static void test_letters_and_digits_between_separators_are_a_word(void **state) {
    (void)state;
    assert_terms("see you, 3rd of may", "w:see w:you w:3rd w:of w:may");
    assert_terms("größe привет", "w:größe w:привет");
    assert_terms("", "");
    assert_terms(" \t\r\n.,", "");
}

static void test_an_address_and_a_host_name_are_their_parts(void **state) {
    (void)state;
    assert_terms("tama.k@mx1.example.jp", "w:tama w:k w:mx1 w:example w:jp");
}

static void test_characters_without_blanks_are_overlapping_pairs_and_the_last_one(void **state) {
    (void)state;
    assert_terms("会議室", "p:会議 p:議室 p:室");
    assert_terms("会、議", "p:会 p:議");
    assert_terms("さーばー", "p:さー p:ーば p:ばー p:ー");
    assert_terms("회의", "p:회의 p:의");
    assert_terms("🎉", "p:🎉");
}

static void test_a_word_ends_where_other_characters_begin(void **state) {
    (void)state;
    assert_terms("3月のpdfを", "w:3 p:月の p:の w:pdf p:を");
}

static void test_more_than_24_letters_are_pieces_of_three_and_the_end(void **state) {
    (void)state;
    assert_terms("abcdefghijklmnopqrstuvwx", "w:abcdefghijklmnopqrstuvwx");
    assert_terms("aaaaaaaaaaaaaaaaaaaaaaabc",
                 "l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa "
                 "l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aaa l:aab l:abc l:bc l:c");
}

static void test_more_than_12_with_a_digit_are_pieces(void **state) {
    (void)state;
    assert_terms("123456789012", "w:123456789012");
    assert_terms("abcdefghijkl1", "l:abc l:bcd l:cde l:def l:efg l:fgh l:ghi l:hij l:ijk l:jkl "
                                  "l:kl1 l:l1 l:1");
}

static void test_what_is_not_utf8_separates(void **state) {
    (void)state;
    assert_terms("ab\xff"
                 "cd\xe4\xbc"
                 "7\xc3",
                 "w:ab w:cd w:7");
    assert_terms("会\xed\xa0\x80議", "p:会 p:議");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_and_digits_between_separators_are_a_word),
        cmocka_unit_test(test_an_address_and_a_host_name_are_their_parts),
        cmocka_unit_test(test_characters_without_blanks_are_overlapping_pairs_and_the_last_one),
        cmocka_unit_test(test_a_word_ends_where_other_characters_begin),
        cmocka_unit_test(test_more_than_24_letters_are_pieces_of_three_and_the_end),
        cmocka_unit_test(test_more_than_12_with_a_digit_are_pieces),
        cmocka_unit_test(test_what_is_not_utf8_separates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
