/* SPDX-License-Identifier: ISC */
/* Sentences that travel in pieces, so that they can be said in another language. */
#include "unit.h"

#include <errno.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/words.h"

static void assert_filled(const struct problem *p, const char *format, const char *expected) {
    _cleanup_(buf_done) struct buf text = {0};
    assert_true(parts_fill(&text, slice_of(p->parts, p->parts_len), format));
    assert_slice(buf_slice(&text), expected);
}

static void test_arguments_are_put_into_another_sentence(void **state) {
    struct problem p = {0};
    (void)state;
    assert_int_equal(
        problem_set(&p, -EEXIST, "%.*s exists already: account %llu", 3, "tama!", 7ULL), -EEXIST);
    assert_string_equal(p.text, "tam exists already: account 7");
    assert_filled(&p, "%.*s=%llu", "tam=7");
    assert_filled(&p, "100%% %.*s", "100% tam");
}

static void test_arguments_change_places_as_printf_counts_them(void **state) {
    struct problem p = {0};
    (void)state;
    (void)problem_set(&p, 0, "%.*s of %.*s: %s", 4, "tama", 5, "hosts", "why");
    assert_filled(&p, "%4$.*3$s %2$.*1$s %5$s", "hosts tama why");
}

static void test_all_kinds_of_numbers(void **state) {
    struct problem p = {0};
    (void)state;
    (void)problem_set(&p, 0, "%d %u %ld %lu %lld %llu %zu %c", -1, 2U, -3L, 4UL, -5LL, 6ULL,
                      (size_t)7, '+');
    assert_filled(&p, "%d,%u,%ld,%lu,%lld,%llu,%zu,%c", "-1,2,-3,4,-5,6,7,+");
}

static void test_a_form_that_is_not_known_or_too_long_stays_english(void **state) {
    char long_text[600];
    struct problem p = {0};
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    (void)problem_set(&p, 0, "pack %06llu", 7ULL);
    assert_int_equal(p.parts_len, 0);
    assert_string_equal(problem_words(&a, &p), "pack 000007");
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    (void)problem_set(&p, 0, "%s", long_text);
    assert_int_equal(p.parts_len, 0);
    assert_int_equal(strlen(p.text), sizeof p.text - 1);
}

static void test_a_sentence_crosses_a_link_whole(void **state) {
    _cleanup_(buf_done) struct buf wire = {0};
    struct problem p = {0}, other = {0};
    (void)state;
    (void)problem_set(&p, 0, "there is no account %.*s", 4, "tama");
    problem_write(&wire, &p);
    problem_read(&other, buf_slice(&wire));
    assert_string_equal(other.text, "there is no account tama");
    assert_filled(&other, "<%.*s>", "<tama>");
    problem_read(&other, S("only text, as an older server gives it"));
    assert_string_equal(other.text, "only text, as an older server gives it");
    assert_int_equal(other.parts_len, 0);
    problem_read(NULL, S("nobody asks"));
}

static void test_parts_of_any_bytes_do_no_harm(void **state) {
    _cleanup_(buf_done) struct buf text = {0};
    char too_long[PROBLEM_PARTS + 3] = "a";
    struct problem p = {0};
    (void)state;
    problem_read(&p, S("text\0%n%s%.*s\0"));
    assert_string_equal(p.text, "text");
    assert_false(parts_fill(&text, parts_of_problem(&p), "%s")); /* no argument */
    assert_false(parts_fill(&text, parts_of_problem(&p), "%n")); /* no conversion of ours */
    assert_false(parts_fill(&text, parts_of_problem(&p), "%"));
    assert_false(parts_fill(&text, parts_of_problem(&p), "%9$s"));
    assert_false(parts_fill(&text, parts_of_problem(&p), "%1$.*s"));
    problem_read(&p, S("text\0%s\0\0")); /* an argument without kind */
    assert_false(parts_fill(&text, parts_of_problem(&p), "%s"));
    problem_read(&p, S("text\0no end"));
    assert_int_equal(p.parts_len, 0);
    problem_read(&p, slice_of(too_long, sizeof too_long));
    assert_int_equal(p.parts_len, 0);
}

static void test_a_sentence_of_parts_alone_says_itself(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem p = {0};
    const struct slice texts[] = {S("info@here.test"), S(""), S("3 %s")};
    (void)state;
    assert_slice(parts_words(&a, parts_of_texts(&a, "%.*s is an alias of %.*s, %.*s in all", texts,
                                                ARRAY_SIZE(texts))),
                 "info@here.test is an alias of , 3 %s in all");
    assert_slice(parts_words(&a, S("only text, as an older server gives it")),
                 "only text, as an older server gives it");
    assert_slice(parts_words(&a, S("%s and %n\0")), "%s and %n"); /* what does not fit */
    (void)problem_set(&p, 0, "no mailbox %.*s (%u)", 4, "tama", 7U);
    assert_slice(parts_words(&a, parts_of_problem(&p)), "no mailbox tama (7)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_are_put_into_another_sentence),
        cmocka_unit_test(test_arguments_change_places_as_printf_counts_them),
        cmocka_unit_test(test_all_kinds_of_numbers),
        cmocka_unit_test(test_a_form_that_is_not_known_or_too_long_stays_english),
        cmocka_unit_test(test_a_sentence_crosses_a_link_whole),
        cmocka_unit_test(test_parts_of_any_bytes_do_no_harm),
        cmocka_unit_test(test_a_sentence_of_parts_alone_says_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
