/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/eight.h"
#include "base/error.h"
#include "base/random.h"

static void test_comparing_folds_ascii_letters_only(void **state) {
    (void)state;
    assert_true(slice_eq_nocase(S("EHLO"), S("ehlo")));
    assert_false(slice_eq_nocase(S("\xc3\x84"), S("\xc3\xa4"))); /* Ä and ä are not ASCII */
    assert_false(slice_eq(S("EHLO"), S("ehlo")));
    assert_true(slice_cmp(S("a"), S("ab")) < 0);
    assert_true(slice_cmp(S("b"), S("ab")) > 0);
    assert_int_equal(slice_cmp_nocase(S("AB"), S("ab")), 0);
    assert_true(slice_starts_nocase(S("MAIL FROM:<>"), S("mail from:")));
    assert_false(slice_starts(S("MAI"), S("MAIL")));
    assert_true(slice_ends_nocase(S("x.EXAMPLE"), S(".example")));
}

static void test_pieces_between_separators(void **state) {
    struct slice rest = S("a,,b,");
    struct slice piece;
    (void)state;
    assert_true(slice_next(&rest, ',', &piece));
    assert_slice(piece, "a");
    assert_true(slice_next(&rest, ',', &piece));
    assert_slice(piece, "");
    assert_true(slice_next(&rest, ',', &piece));
    assert_slice(piece, "b");
    assert_true(slice_next(&rest, ',', &piece));
    assert_slice(piece, "");
    assert_false(slice_next(&rest, ',', &piece));
}

static void test_words_and_trimming(void **state) {
    struct slice rest = S(" \t one\t two ");
    struct slice word;
    (void)state;
    assert_true(slice_next_word(&rest, &word));
    assert_slice(word, "one");
    assert_true(slice_next_word(&rest, &word));
    assert_slice(word, "two");
    assert_false(slice_next_word(&rest, &word));
    assert_slice(slice_trim(S(" \t ")), "");
    assert_slice(slice_trim_lines(S("\r\n x \r\n")), "x");
}

static void test_numbers_are_digits_within_a_bound(void **state) {
    uint64_t n = 7;
    (void)state;
    assert_int_equal(slice_to_u64(S("18446744073709551615"), UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
    assert_int_equal(slice_to_u64(S("18446744073709551616"), UINT64_MAX, &n), -E_LIMIT);
    assert_int_equal(slice_to_u64(S("101"), 100, &n), -E_LIMIT);
    assert_int_equal(slice_to_u64(S(""), 100, &n), -E_SYNTAX);
    assert_int_equal(slice_to_u64(S("-1"), 100, &n), -E_SYNTAX);
    assert_int_equal(slice_to_u64(S("1 "), 100, &n), -E_SYNTAX);
    assert_true(n == UINT64_MAX); /* written on success only */
}

static void test_a_string_has_room_and_no_nul_inside(void **state) {
    char text[4];
    (void)state;
    assert_int_equal(slice_to_str(S("abc"), text, sizeof text), 0);
    assert_string_equal(text, "abc");
    assert_int_equal(slice_to_str(S("abcd"), text, sizeof text), -E_LIMIT);
    assert_int_equal(slice_to_str(S("a\0b"), text, sizeof text), -E_SYNTAX);
}

/* Bytes beside those that are asked for are the neighbours that make mistakes. */
static void test_eight_bytes_are_as_each_by_itself(void **state) {
    static const char edges[] = "\0\x01\x1f !\"@AZ[`az{\x7f\x80\x81\xc1\xda\xe1\xfe\xff";
    for (unsigned n = 0; n < 20000; n++) {
        char bytes[8];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = edges[random_below(sizeof edges - 1)];
        const uint64_t eight = get_u64(bytes), lower = eight_lower(eight);
        const char asked = edges[random_below(15)];
        for (size_t i = 0; i < sizeof bytes; i++) {
            const uint8_t c = (uint8_t)bytes[i];
            assert_int_equal(eight_wide(eight) >> 8 * i & 0xff, c > 127 ? 0x80 : 0);
            assert_int_equal(eight_equal(eight, asked) >> 8 * i & 0xff,
                             bytes[i] == asked ? 0x80 : 0);
            assert_int_equal(eight_below(eight, asked) >> 8 * i & 0xff, c < asked ? 0x80 : 0);
            assert_int_equal((char)(lower >> 8 * i), ascii_lower(bytes[i]));
        }
    }
}

static void test_texts_of_any_length_are_lowered_and_asked_for_ascii(void **state) {
    for (size_t len = 0; len < 40; len++) {
        for (size_t wide = 0; wide <= len; wide++) {
            char text[41] = "ABCxyzABCxyzABCxyzABCxyzABCxyzABCxyzABCx", to[41] = "";
            if (wide < len)
                text[wide] = '\xc3';
            assert_int_equal(slice_ascii(slice_of(text, len)), wide);
            (void)slice_lower(slice_of(text, len), to);
            for (size_t i = 0; i < sizeof to; i++)
                assert_int_equal(to[i], i < len ? ascii_lower(text[i]) : 0);
        }
    }
}

static void test_an_arena_grows_and_keeps_one_block(void **state) {
    struct arena a = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct slice s = arena_printf(&a, "number %d", i);
        assert_int_equal(s.ptr[s.len], '\0');
    }
    char *big = arena_alloc(&a, 100000);
    assert_int_equal(big[99999], 0);
    arena_reset(&a);
    assert_true(a.total <= ARENA_BLOCK);
    assert_slice(arena_copy(&a, S("after")), "after");
    assert_slice(arena_lower(&a, S("AZ[\xc3\x84]")), "az[\xc3\x84]");
    arena_done(&a);
    big = arena_alloc(&a, 100000);
    assert_non_null(big);
    arena_reset(&a); /* a first block of odd size is not kept */
    assert_int_equal(a.total, 0);
    arena_done(&a);
}

static void test_a_buffer_grows_and_drops_from_its_front(void **state) {
    struct buf b = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%02d", i);
    assert_int_equal(b.len, 200);
    buf_drop(&b, 198);
    assert_slice(buf_slice(&b), "99");
    buf_add_u32(&b, 0x04030201);
    assert_memory_equal(b.ptr + 2, "\1\2\3\4", 4);
    assert_int_equal(strlen(buf_str(&b)), 6);
    buf_done(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparing_folds_ascii_letters_only),
        cmocka_unit_test(test_pieces_between_separators),
        cmocka_unit_test(test_words_and_trimming),
        cmocka_unit_test(test_numbers_are_digits_within_a_bound),
        cmocka_unit_test(test_a_string_has_room_and_no_nul_inside),
        cmocka_unit_test(test_eight_bytes_are_as_each_by_itself),
        cmocka_unit_test(test_texts_of_any_length_are_lowered_and_asked_for_ascii),
        cmocka_unit_test(test_an_arena_grows_and_keeps_one_block),
        cmocka_unit_test(test_a_buffer_grows_and_drops_from_its_front),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
