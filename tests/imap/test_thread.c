/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/alloc.h"
#include "base/error.h"
#include "imap/search/thread.h"

/* A message: its id, what it follows, its subject (capital: it answers one), its date. Numbers of
 * messages are places from 1. */
struct sent {
    const char *id, *follows, *subject;
    int date;
};

struct made {
    struct imap_thread_row rows[20];
    uint64_t follow[20][8];
};

static void make_rows(struct made *m, const struct sent *sent, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct imap_thread_row *r = &m->rows[i];
        const char *s = sent[i].subject;
        *r = (struct imap_thread_row){.date = sent[i].date, .arrival = (int64_t)i};
        r->id = (uint8_t)sent[i].id[0];
        r->is_answer = s[0] >= 'A' && s[0] <= 'Z';
        r->subject = s[0] ? (uint8_t)ascii_lower(s[0]) : 0;
        r->follow = m->follow[i];
        for (const char *f = sent[i].follows; *f; f++)
            m->follow[i][r->follow_count++] = (uint8_t)*f;
    }
}

static void show(const struct imap_threads *t, uint32_t node, struct buf *to) {
    for (; node != IMAP_THREAD_END; node = t->next[node]) {
        buf_add_byte(to, '(');
        if (node < t->count)
            buf_printf(to, "%u", node + 1);
        show(t, t->below[node], to);
        buf_add_byte(to, ')');
    }
}

static void check(const struct sent *sent, size_t count, enum imap_thread how,
                  const char *expected) {
    _cleanup_(buf_done) struct buf text = {0};
    struct made m = {0};
    struct imap_threads t;
    make_rows(&m, sent, count);
    imap_threads_make(&t, m.rows, (uint32_t)count, how);
    show(&t, t.begin, &text);
    imap_threads_done(&t);
    assert_slice(buf_slice(&text), expected);
}
#define assert_threads(how, expected, ...)                                                         \
    do {                                                                                           \
        const struct sent sent_[] = {__VA_ARGS__};                                                 \
        check(sent_, ARRAY_SIZE(sent_), IMAP_THREAD_##how, expected);                              \
    } while (0)

static void test_no_messages_have_no_threads(void **state) {
    (void)state;
    check(NULL, 0, IMAP_THREAD_REFERENCES, "");
    check(NULL, 0, IMAP_THREAD_REFS, "");
    check(NULL, 0, IMAP_THREAD_ORDEREDSUBJECT, "");
}

static void test_rfc5256_orderedsubject_has_no_grandchildren(void **state) {
    (void)state;
    assert_threads(ORDEREDSUBJECT, "(2(1)(4))(5)(3)", {"a", "", "x", 3}, {"b", "", "X", 1},
                   {"c", "a", "z", 9}, {"d", "", "x", 4}, {"e", "", "y", 2});
    assert_threads(ORDEREDSUBJECT, "(1(3))(2)", {"a", "", "", 1}, {"b", "", "x", 2},
                   {"c", "", "", 3});
}

static void test_rfc5256_references_make_a_tree(void **state) {
    (void)state;
    assert_threads(REFERENCES, "(1(2(4))(3))", {"a", "", "s", 1}, {"b", "a", "t", 2},
                   {"c", "a", "u", 3}, {"d", "ab", "v", 4});
}

static void test_brothers_stand_by_date(void **state) {
    (void)state;
    assert_threads(REFERENCES, "(4)(1(3)(2))", {"a", "", "s", 5}, {"b", "a", "t", 9},
                   {"c", "a", "u", 8}, {"d", "", "v", 1});
}

static void test_the_last_reference_decides(void **state) {
    (void)state;
    /* c says that b follows a; b itself says that it follows d. */
    assert_threads(REFERENCES, "(1)(4(2(3)))", {"a", "", "s", 1}, {"b", "d", "t", 3},
                   {"c", "ab", "u", 4}, {"d", "", "v", 2});
}

static void test_what_is_not_there_holds_together_what_follows_it(void **state) {
    (void)state;
    assert_threads(REFERENCES, "((1)(2))", {"b", "a", "s", 1}, {"c", "a", "t", 2});
    assert_threads(REFERENCES, "(1)", {"b", "a", "s", 1});
    assert_threads(REFERENCES, "(1(2))", {"b", "xa", "s", 1}, {"d", "bc", "t", 2});
    /* One that is not there below another: its children are the upper one's. */
    assert_threads(REFERENCES, "((1)(2)(3))", {"c", "ab", "s", 1}, {"d", "ab", "t", 2},
                   {"e", "a", "u", 3});
}

static void test_references_in_a_circle(void **state) {
    (void)state;
    assert_threads(REFERENCES, "(2(1))", {"a", "b", "s", 1}, {"b", "a", "t", 2});
    assert_threads(REFERENCES, "(1)", {"a", "a", "s", 1});
    assert_threads(REFERENCES, "(3(2(1)))", {"a", "b", "s", 1}, {"b", "c", "t", 2},
                   {"c", "a", "u", 3});
}

static void test_two_messages_with_one_id(void **state) {
    (void)state;
    assert_threads(REFERENCES, "(1(3))(2)", {"a", "", "s", 1}, {"a", "", "t", 2},
                   {"c", "a", "u", 3});
}

static void test_rfc5256_step_5_joins_subjects(void **state) {
    (void)state;
    /* An answer hangs on what it answers. */
    assert_threads(REFERENCES, "(1(2))", {"a", "", "s", 1}, {"b", "", "S", 2});
    assert_threads(REFERENCES, "(2(1))", {"a", "", "S", 1}, {"b", "", "s", 2});
    /* Two that are no answers are brothers, and so are two answers. */
    assert_threads(REFERENCES, "((1)(2))", {"a", "", "s", 1}, {"b", "", "s", 2});
    assert_threads(REFERENCES, "((1)(2)(3))", {"a", "", "S", 1}, {"b", "", "S", 2},
                   {"c", "", "S", 3});
    /* One that is not there takes messages in, and another one's children. */
    assert_threads(REFERENCES, "((1)(2)(3))", {"b", "a", "S", 1}, {"c", "a", "t", 2},
                   {"d", "", "s", 3});
    assert_threads(REFERENCES, "((1)(2)(3)(4))", {"b", "a", "S", 1}, {"c", "a", "t", 2},
                   {"e", "d", "S", 3}, {"f", "d", "u", 4});
    /* No subject joins nothing. */
    assert_threads(REFERENCES, "(1)(2)", {"a", "", "", 1}, {"b", "", "", 2});
}

static void test_refs_does_not_look_at_subjects(void **state) {
    (void)state;
    assert_threads(REFS, "(1)(2)", {"a", "", "s", 1}, {"b", "", "S", 2});
}

static void test_refs_has_the_liveliest_thread_last(void **state) {
    (void)state;
    assert_threads(REFS, "(2)(1(3))", {"a", "", "s", 1}, {"b", "", "t", 2}, {"c", "a", "u", 3});
}

/* Each follows the one before it, and the other way round: neither takes long, nor a deep stack. */
static void test_threads_may_be_deep(void **state) {
    const uint32_t count = 100000;
    struct imap_thread_row *rows = mem_array(count, sizeof *rows);
    uint64_t *follow = mem_array(count, sizeof *follow);
    (void)state;
    for (int backwards = 0; backwards < 2; backwards++) {
        struct imap_threads t;
        uint32_t depth = 0;
        for (uint32_t i = 0; i < count; i++) {
            follow[i] = backwards ? i + 2 : i;
            rows[i] = (struct imap_thread_row){
                .date = i, .id = i + 1, .follow = &follow[i], .follow_count = 1};
        }
        imap_threads_make(&t, rows, count, IMAP_THREAD_REFERENCES);
        for (uint32_t node = t.begin; node != IMAP_THREAD_END; node = t.below[node]) {
            assert_int_equal(node, backwards ? count - 1 - depth : depth);
            depth++;
        }
        assert_int_equal(depth, count);
        imap_threads_done(&t);
    }
    free(rows);
    free(follow);
}

/* Each follows a hundred that are not there: those are kept within bounds. */
static void test_what_is_not_there_is_bounded(void **state) {
    const uint32_t count = 2000;
    struct imap_thread_row *rows = mem_array(count, sizeof *rows);
    uint64_t *follow = mem_array((size_t)count * 100, sizeof *follow);
    struct imap_threads t;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < 100; k++)
            follow[i * 100 + k] = 1000000 + i * 100 + k;
        rows[i] = (struct imap_thread_row){
            .date = i, .id = i + 1, .follow = &follow[(size_t)i * 100], .follow_count = 100};
    }
    imap_threads_make(&t, rows, count, IMAP_THREAD_REFS);
    assert_true(t.nodes <= 3 * count + 1000);
    uint32_t threads = 0;
    for (uint32_t node = t.begin; node != IMAP_THREAD_END; node = t.next[node])
        threads++;
    assert_int_equal(threads, count);
    imap_threads_done(&t);
    free(rows);
    free(follow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_messages_have_no_threads),
        cmocka_unit_test(test_rfc5256_orderedsubject_has_no_grandchildren),
        cmocka_unit_test(test_rfc5256_references_make_a_tree),
        cmocka_unit_test(test_brothers_stand_by_date),
        cmocka_unit_test(test_the_last_reference_decides),
        cmocka_unit_test(test_what_is_not_there_holds_together_what_follows_it),
        cmocka_unit_test(test_references_in_a_circle),
        cmocka_unit_test(test_two_messages_with_one_id),
        cmocka_unit_test(test_rfc5256_step_5_joins_subjects),
        cmocka_unit_test(test_refs_does_not_look_at_subjects),
        cmocka_unit_test(test_refs_has_the_liveliest_thread_last),
        cmocka_unit_test(test_threads_may_be_deep),
        cmocka_unit_test(test_what_is_not_there_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
