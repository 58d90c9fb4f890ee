/* SPDX-License-Identifier: ISC */
/*
 * The grammar of what searches, and the programs that come of it.
 */
#include <stdio.h>

#include "parse.h"
#include "unit.h"

#define assert_refused(text, said)                                                                 \
    do {                                                                                           \
        const char *got_ = refusal(text);                                                          \
        if (!strstr(got_, said))                                                                   \
            fail_msg("\"%s\" says: %s", text, got_);                                               \
    } while (0)

static struct imap_search_program program_of(const char *keys) {
    char text[1000];
    (void)snprintf(text, sizeof text, "SEARCH %s", keys);
    return parse(text).search.program;
}

/* A tree as text: (and ...), (or ...), tests by their first letters of KEYWORD, "!" negated. */
static const char *tree(const char *keys) {
    static char shown[1000];
    struct imap_search_program p = program_of(keys);
    uint32_t ends[100];
    size_t depth = 0, len = 0;
    for (uint32_t at = 0; at < p.count; at++) {
        const struct imap_search_node *n = &p.nodes[at];
        if (at > 0)
            shown[len++] = ' ';
        if (n->key <= IMAP_SEARCH_OR) {
            len += (size_t)snprintf(shown + len, sizeof shown - len, "(%s",
                                    n->key == IMAP_SEARCH_AND ? "and" : "or");
            ends[depth++] = at + n->size;
        } else {
            len += (size_t)snprintf(shown + len, sizeof shown - len, "%s%s%.*s",
                                    n->negated ? "!" : "", n->fuzzy ? "~" : "", SLICE_ARG(n->text));
        }
        while (depth > 0 && ends[depth - 1] == at + 1) {
            shown[len++] = ')';
            depth--;
        }
    }
    shown[len] = '\0';
    assert_int_equal(depth, 0);
    return shown;
}

#define A "KEYWORD a"
#define B "KEYWORD b"
#define C "KEYWORD c"
#define D "KEYWORD d"

static void keys_beside_each_other_are_an_and(void **state) {
    assert_string_equal(tree(A), "a");
    assert_string_equal(tree(A " " B " " C), "(and a b c)");
    assert_string_equal(tree("OR " A " " B), "(or a b)");
    assert_string_equal(tree(A " OR (" B " " C ") " D), "(and a (or (and b c) d))");
}

static void parentheses_that_say_nothing_are_gone(void **state) {
    assert_string_equal(tree("((" A "))"), "a");
    assert_string_equal(tree("((" A ") (" B " (" C " " D ")))"), "(and a b c d)");
    assert_string_equal(tree("OR OR " A " " B " (OR " C " " D ")"), "(or a b c d)");
    assert_string_equal(tree("((OR (((" A "))) " B "))"), "(or a b)");
}

static void not_is_a_mark_of_tests(void **state) {
    assert_string_equal(tree("NOT " A), "!a");
    assert_string_equal(tree("NOT NOT " A), "a");
    assert_string_equal(tree("UNKEYWORD a"), "!a");
    assert_string_equal(tree("NOT UNKEYWORD a"), "a");
    assert_string_equal(tree("NOT (" A " " B ")"), "(or !a !b)");
    assert_string_equal(tree("NOT OR " A " NOT " B " " C), "(and !a b c)");
    assert_string_equal(tree("NOT (" A " OR " B " NOT (" C " " D "))"), "(or !a (and !b c d))");
    assert_string_equal(tree("UNSEEN NOT SEEN"), "(and !\\Seen !\\Seen)");
}

static void rfc6203_3_fuzzy_marks_the_next_key(void **state) {
    assert_string_equal(tree("FUZZY TEXT x " A), "(and ~x a)");
    assert_string_equal(tree("FUZZY (TEXT x NOT BODY y) " A), "(and ~x !~y a)");
}

/* What the program says of a message that has these keywords, and how many tests that takes. */
static bool run(const struct imap_search_program *p, unsigned has, unsigned *ret_tests) {
    uint32_t at = p->begin;
    for (*ret_tests = 0; at < p->count; ++*ret_tests) {
        const struct imap_search_node *n = &p->nodes[at];
        assert_true(n->key > IMAP_SEARCH_OR);
        at = has >> (n->text.ptr[0] - 'a') & 1 ? n->yes : n->no;
    }
    assert_true(at == IMAP_SEARCH_YES || at == IMAP_SEARCH_NO);
    return at == IMAP_SEARCH_YES;
}

/* The same of a tree that is made by chance and written as keys. */
static bool grow(struct buf *text, unsigned *seed, unsigned has, int depth) {
    *seed = *seed * 1103515245U + 12345U;
    unsigned kind = *seed >> 16 & 7;
    if (depth == 0 || kind > 5) {
        unsigned letter = *seed >> 20 & 3;
        bool un = *seed >> 24 & 1;
        buf_printf(text, "%sKEYWORD %c", un ? "UN" : "", 'a' + (int)letter);
        return (has >> letter & 1) != un;
    }
    if (kind < 2) {
        buf_add_str(text, "NOT ");
        return !grow(text, seed, has, depth - 1);
    }
    buf_add_str(text, kind < 4 ? "OR " : "(");
    bool first = grow(text, seed, has, depth - 1);
    buf_add_byte(text, ' ');
    bool second = grow(text, seed, has, depth - 1);
    if (kind >= 4)
        buf_add_byte(text, ')');
    return kind < 4 ? first || second : first && second;
}

static void a_program_finds_what_its_keys_say(void **state) {
    struct buf text = {0};
    for (unsigned round = 0; round < 3000; round++) {
        unsigned seed = round / 16, has = round % 16, tests;
        buf_clear(&text);
        buf_add_str(&text, "SEARCH ");
        bool found = grow(&text, &seed, has, 6);
        struct imap_search_program p = parse_bytes(buf_slice(&text)).search.program;
        if (run(&p, has, &tests) != found)
            fail_msg("%s with %u", buf_str(&text), has);
        assert_true(tests <= p.count);
    }
    buf_done(&text);
}

static void what_does_not_matter_is_not_tested(void **state) {
    struct imap_search_program p = program_of("OR (" A " " B ") " C);
    unsigned tests;
    assert_true(run(&p, 3, &tests));
    assert_int_equal(tests, 2);
    assert_false(run(&p, 0, &tests));
    assert_int_equal(tests, 2);
    p = program_of(A " " B " " C);
    assert_false(run(&p, 6, &tests));
    assert_int_equal(tests, 1);
}

static struct imap_search_node key_of(const char *key) {
    struct imap_search_program p = program_of(key);
    assert_int_equal(p.count, 1);
    return p.nodes[0];
}

static void rfc9051_6_4_4_search_keys(void **state) {
    assert_int_equal(key_of("ALL").key, IMAP_SEARCH_ALL);
    assert_int_equal(key_of("NEW").key, IMAP_SEARCH_NEW);
    assert_true(key_of("OLD").negated);
    assert_int_equal(key_of("OLD").key, IMAP_SEARCH_RECENT);
    assert_int_equal(key_of("RECENT").key, IMAP_SEARCH_RECENT);
    assert_slice(key_of("ANSWERED").text, "\\Answered");
    assert_slice(key_of("UNDRAFT").text, "\\Draft");
    assert_true(key_of("UNDRAFT").negated);
    assert_slice(key_of("HEADER Message-ID {3}\r\n<a>").text, "<a>");
    assert_slice(key_of("HEADER Message-ID \"\"").field, "Message-ID");
    assert_int_equal(key_of("SINCE 1-Feb-1994").day, 8797);
    assert_int_equal(key_of("SENTBEFORE \"1-Jan-1970\"").day, 0);
    assert_int_equal(key_of("LARGER 4294967296").number, 4294967296);
    assert_int_equal(key_of("2,4:7,*").set->count, 2);
    assert_int_equal(key_of("2,4:7,*").key, IMAP_SEARCH_NUMBERS);
    assert_int_equal(key_of("UID 5:*").key, IMAP_SEARCH_UIDS);
    assert_true(key_of("$").set->saved);
    assert_true(key_of("*").set->star);
    assert_int_equal(key_of("YOUNGER 259200").number, 259200);
    assert_slice(key_of("EMAILID M6d99ac3275bb4e").text, "M6d99ac3275bb4e");
    assert_int_equal(key_of("SAVEDATESUPPORTED").key, IMAP_SEARCH_SAVEDATE_SUPPORTED);
    assert_slice(key_of("SUBJECT \"会員\"").text, "会員");
}

static void rfc7162_3_1_5_modseq_may_name_an_entry(void **state) {
    assert_int_equal(key_of("MODSEQ 620162338").number, 620162338);
    struct imap_search_program p = program_of("MODSEQ \"/flags/\\\\draft\" all 620162338");
    assert_true(p.has_modseq);
    assert_slice(p.nodes[0].text, "all");
    assert_int_equal(p.nodes[0].number, 620162338);
    assert_false(program_of(A).has_modseq);
}

static void rfc4731_3_1_results_are_asked_for(void **state) {
    struct imap_search s = parse("SEARCH RETURN (MIN COUNT) CHARSET UTF-8 ALL").search;
    assert_int_equal(s.returns.set, IMAP_RETURN_GIVEN | IMAP_RETURN_MIN | IMAP_RETURN_COUNT);
    assert_slice(s.program.charset, "UTF-8");
    s = parse("UID SEARCH RETURN () ALL").search;
    assert_int_equal(s.returns.set, IMAP_RETURN_GIVEN | IMAP_RETURN_ALL);
    s = parse("SEARCH RETURN (PARTIAL 23500:24000 SAVE UPDATE CONTEXT) ALL").search;
    assert_int_equal(s.returns.partial.first, 23500);
    assert_int_equal(parse("SEARCH ALL").search.returns.set, 0);
    assert_null(parse("SEARCH ALL").search.program.charset.ptr);
    assert_refused("SEARCH RETURN (FOO) ALL", "a result of SEARCH");
    assert_refused("SEARCH RETURN (MIN)", "a space");
    assert_refused("SEARCH CHARSET ALL", "a space");
}

static void rfc5256_3_sort_and_thread(void **state) {
    struct imap_search s = parse("SORT (REVERSE DATE SUBJECT) UTF-8 SINCE 1-Feb-1994").search;
    assert_int_equal(s.sort.count, 2);
    assert_true(s.sort.by[0].reverse && !s.sort.by[1].reverse);
    assert_int_equal(s.sort.by[0].key, IMAP_SORT_DATE);
    assert_slice(s.program.charset, "UTF-8");
    s = parse("UID SORT RETURN (ALL) (DISPLAYFROM) US-ASCII ALL").search;
    assert_int_equal(s.returns.set, IMAP_RETURN_GIVEN | IMAP_RETURN_ALL);
    assert_int_equal(parse("THREAD REFS UTF-8 ALL").search.thread, IMAP_THREAD_REFS);
    assert_int_equal(parse("UID THREAD orderedsubject UTF-8 ALL").search.thread,
                     IMAP_THREAD_ORDEREDSUBJECT);
    assert_refused("SORT () UTF-8 ALL", "a criterion");
    assert_refused("SORT (REVERSE) UTF-8 ALL", "a space");
    assert_refused("THREAD FOO UTF-8 ALL", "an algorithm");
}

static void rfc7377_2_2_esearch_looks_in_mailboxes(void **state) {
    struct imap_search s =
        parse("ESEARCH IN (mailboxes \"folder1\" subtree (a b) personal) RETURN (COUNT) SUBJECT x")
            .search;
    assert_int_equal(s.source_count, 3);
    assert_slice(s.sources[0].mailboxes[0], "folder1");
    assert_int_equal(s.sources[1].mailbox_count, 2);
    assert_int_equal(s.sources[2].kind, IMAP_SOURCE_PERSONAL);
    assert_int_equal(parse("ESEARCH ALL").search.source_count, 0);
    assert_refused("ESEARCH IN () ALL", "a choice of mailboxes");
}

static void what_is_no_program_is_refused(void **state) {
    assert_refused("SEARCH ()", "a search key");
    assert_refused("SEARCH (ALL", "a space");
    assert_refused("SEARCH ALL)", "a space");
    assert_refused("SEARCH OR ALL", "a space");
    assert_refused("SEARCH (OR ALL) ALL", "a space");
    assert_refused("SEARCH NOT", "a space");
    assert_refused("SEARCH NOT ", "a search key");
    assert_refused("SEARCH FOO", "a search key at octet 10");
    assert_refused("SEARCH BEFORE 31-Feb-2026", "a date");
    assert_refused("SEARCH KEYWORD", "a space");
    assert_refused("SEARCH MODSEQ \"x\" 5", "priv, shared or all");
}

static void nesting_of_any_depth_takes_no_stack(void **state) {
    struct buf text = {0};
    buf_add_str(&text, "SEARCH ");
    for (int i = 0; i < 10000; i++)
        buf_add_byte(&text, '(');
    buf_add_str(&text, A);
    for (int i = 0; i < 10000; i++)
        buf_add_byte(&text, ')');
    assert_int_equal(parse_bytes(buf_slice(&text)).search.program.count, 1);
    buf_clear(&text);
    buf_add_str(&text, "SEARCH ");
    for (int i = 0; i < 10000; i++)
        buf_add_str(&text, i % 2 ? "OR " A " " : "NOT (" B " ");
    buf_add_str(&text, C);
    for (int i = 0; i < 5000; i++)
        buf_add_byte(&text, ')');
    struct imap_search_program p = parse_bytes(buf_slice(&text)).search.program;
    unsigned tests;
    assert_true(run(&p, 0, &tests) || true);
    assert_true(tests <= 10001);
    buf_done(&text);
}

static void nesting_has_a_bound(void **state) {
    struct buf text = {0};
    buf_add_str(&text, "SEARCH ");
    for (unsigned i = 0; i < IMAP_SEARCH_DEPTH_MAX; i++)
        buf_add_byte(&text, '(');
    buf_add_str(&text, A);
    assert_non_null(strstr(refusal(buf_str(&text)), "less that is nested"));
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_beside_each_other_are_an_and),
        cmocka_unit_test(parentheses_that_say_nothing_are_gone),
        cmocka_unit_test(not_is_a_mark_of_tests),
        cmocka_unit_test(rfc6203_3_fuzzy_marks_the_next_key),
        cmocka_unit_test(a_program_finds_what_its_keys_say),
        cmocka_unit_test(what_does_not_matter_is_not_tested),
        cmocka_unit_test(rfc9051_6_4_4_search_keys),
        cmocka_unit_test(rfc7162_3_1_5_modseq_may_name_an_entry),
        cmocka_unit_test(rfc4731_3_1_results_are_asked_for),
        cmocka_unit_test(rfc5256_3_sort_and_thread),
        cmocka_unit_test(rfc7377_2_2_esearch_looks_in_mailboxes),
        cmocka_unit_test(what_is_no_program_is_refused),
        cmocka_unit_test(nesting_of_any_depth_takes_no_stack),
        cmocka_unit_test(nesting_has_a_bound),
    };
    return cmocka_run_group_tests_name("imap search", tests, NULL, parse_done);
}
