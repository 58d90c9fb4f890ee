/* SPDX-License-Identifier: ISC */
/* The entries of a mailbox in memory: what entries.h promises, against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/entries.h"

static int64_t memory;

static struct store_entry entry_of(uint32_t uid) {
    return (struct store_entry){.uid = uid, .size = uid % 1000 + 1, .modseq = uid, .body = uid};
}

static struct entries *fill(uint32_t from, uint32_t to) {
    struct entries *e = NULL;
    for (uint32_t uid = from; uid <= to; uid++) {
        struct store_entry entry = entry_of(uid);
        entries_append(&e, &entry, &memory);
    }
    return e;
}

/* Checks a version against the UIDs that it should have. */
static void expect(const struct entries *e, const uint32_t *uids, size_t count) {
    uint64_t bytes = 0;
    assert_int_equal(entries_count(e), count);
    for (size_t i = 0; i < count; i++) {
        const struct store_entry *at = entries_at(e, i);
        assert_int_equal(at->uid, uids[i]);
        assert_ptr_equal(entries_find(e, uids[i]), at);
        assert_int_equal(entries_place(e, uids[i]), i);
        bytes += at->size;
    }
    assert_int_equal(entries_bytes(e), bytes);
}

static void entries_come_by_uid_and_by_sequence_number(void **state) {
    struct entries *e = fill(1, 100000);
    assert_int_equal(entries_count(e), 100000);
    for (uint32_t uid = 1; uid <= 100000; uid++) {
        assert_int_equal(entries_at(e, uid - 1)->uid, uid);
        assert_int_equal(entries_find(e, uid)->body, uid);
        assert_int_equal(entries_place(e, uid), uid - 1);
    }
    assert_null(entries_find(e, 100001));
    assert_null(entries_find(e, 0));
    assert_int_equal(entries_place(e, 200000), 100000);
    entries_drop(e, &memory);
    assert_int_equal(memory, 0);
}

static void a_large_version_is_dropped_in_pieces(void **state) {
    enum { NODES = 500 };
    struct entries *e = fill(1, 200000);
    struct entries *held = entries_hold(e), *changed = e;
    struct store_entry last = {.uid = 200000, .size = 7, .modseq = 200001, .body = 1};
    assert_true(entries_set(&changed, &last, &memory));
    int64_t both = memory;
    assert_true(entries_drop_some(changed, 10, &memory)); /* its own is one path of nodes */
    assert_in_range(both - memory, 1, 10 * 4096);
    assert_int_equal(entries_at(held, 199999)->size, entry_of(200000).size);
    unsigned calls = 1;
    for (int64_t before = memory; !entries_drop_some(held, NODES, &memory); before = memory) {
        assert_in_range(before - memory, 1, NODES * 4096);
        calls++;
    }
    assert_int_equal(memory, 0);
    assert_int_equal(calls, 200000 / 126 / NODES + 1);
}

static void a_message_takes_at_most_40_bytes(void **state) {
    struct entries *e = fill(1, 20000);
    assert_true(memory <= 20000 * 40);
    entries_drop(e, &memory);
    e = fill(1, 1);
    assert_true(memory <= 256);
    entries_drop(e, &memory);
    assert_int_equal(memory, 0);
}

static void a_version_that_is_held_never_changes(void **state) {
    struct entries *e = fill(1, 5000), *held = entries_hold(e);
    int64_t before = memory;
    struct store_entry changed = entry_of(2500);
    changed.flags = 1;
    assert_true(entries_set(&e, &changed, &memory));
    assert_true(entries_remove(&e, 17, &memory));
    struct store_entry added = entry_of(5001);
    entries_append(&e, &added, &memory);
    assert_true(memory - before < 32768); /* paths, not the mailbox */
    assert_int_equal(entries_count(held), 5000);
    assert_int_equal(entries_find(held, 2500)->flags, 0);
    assert_non_null(entries_find(held, 17));
    assert_null(entries_find(held, 5001));
    assert_int_equal(entries_count(e), 5000);
    assert_int_equal(entries_find(e, 2500)->flags, 1);
    assert_null(entries_find(e, 17));
    assert_int_equal(entries_at(e, 16)->uid, 18);
    entries_drop(held, &memory);
    entries_drop(e, &memory);
    assert_int_equal(memory, 0);
}

static void a_change_of_a_version_that_nobody_else_holds_takes_no_memory(void **state) {
    struct entries *e = fill(1, 5000);
    int64_t before = memory;
    struct store_entry changed = entry_of(2500);
    changed.flags = 1;
    assert_true(entries_set(&e, &changed, &memory));
    assert_int_equal(memory, before);
    assert_false(entries_remove(&e, 6000, &memory));
    changed.uid = 6000;
    assert_false(entries_set(&e, &changed, &memory));
    assert_int_equal(memory, before);
    entries_drop(e, &memory);
}

/* Removes in an order of all kinds while versions are held, and compares with an array. */
static void removals_keep_order_counts_and_sums(void **state) {
    enum { COUNT = 20000 };
    struct entries *e = fill(1, COUNT), *held = NULL;
    uint32_t *uids = mem_array(COUNT, sizeof *uids), random = 1;
    size_t count = COUNT;
    for (uint32_t i = 0; i < COUNT; i++)
        uids[i] = i + 1;
    while (count > 0) {
        random = random * 1664525U + 1013904223U;
        size_t at = random % 3 == 0 ? 0 : (random >> 8) % count;
        size_t some = MIN(count - at, (size_t)(random >> 4) % 50 + 1);
        for (size_t i = 0; i < some; i++)
            assert_true(entries_remove(&e, uids[at + i], &memory));
        memmove(&uids[at], &uids[at + some], (count - at - some) * sizeof *uids);
        count -= some;
        if (random % 7 == 0) {
            entries_drop(held, &memory);
            held = entries_hold(e);
        }
        if (random % 16 == 0)
            expect(e, uids, count);
    }
    assert_null(e);
    entries_drop(held, &memory);
    assert_int_equal(memory, 0);
    free(uids);
}

struct counted {
    uint32_t last;
    size_t count;
};

static void count_one(void *arg, const struct store_entry *e) {
    struct counted *c = arg;
    assert_true(e->uid > c->last);
    c->last = e->uid;
    c->count++;
}

static size_t count_since(const struct entries *e, uint64_t modseq) {
    struct counted c = {0};
    uint32_t next = 0;
    do {
        size_t before = c.count;
        next = entries_since(e, modseq, next, count_one, &c);
        assert_true(c.count - before <= 40000); /* no more at once */
        assert_true(next == 0 || next > c.last);
    } while (next > 0);
    return c.count;
}

static void what_is_newer_than_a_modseq_is_found(void **state) {
    struct entries *e = fill(1, 20000);
    struct store_entry changed = entry_of(77), first = entry_of(1);
    assert_int_equal(count_since(e, 0), 20000);
    assert_int_equal(count_since(e, 19990), 10);
    changed.modseq = 20001;
    first.modseq = 20002;
    assert_true(entries_set(&e, &changed, &memory));
    struct entries *held = entries_hold(e);
    assert_true(entries_set(&e, &first, &memory));
    assert_int_equal(count_since(e, 20000), 2);
    assert_int_equal(count_since(held, 20000), 1);
    for (uint32_t uid = 2; uid < 20000; uid++)
        if (uid != 77)
            assert_true(entries_remove(&e, uid, &memory));
    assert_int_equal(count_since(e, 20000), 2);
    assert_int_equal(count_since(e, 19999), 3);
    entries_drop(held, &memory);
    entries_drop(e, &memory);
    assert_int_equal(memory, 0);
    e = fill(1, 300000);
    assert_int_equal(count_since(e, 0), 300000);
    assert_int_equal(count_since(e, 123), 300000 - 123);
    entries_drop(e, &memory);
}

static void what_is_left_of_many_takes_the_memory_of_few(void **state) {
    struct entries *e = fill(1, 20000);
    for (uint32_t uid = 1; uid <= 20000; uid++)
        if (uid % 100 > 0)
            assert_true(entries_remove(&e, uid, &memory));
    assert_int_equal(entries_count(e), 200);
    assert_true(memory < 32768);
    struct store_entry added = entry_of(20001);
    entries_append(&e, &added, &memory);
    assert_int_equal(entries_at(e, 200)->uid, 20001);
    entries_drop(e, &memory);
    assert_int_equal(memory, 0);
}

/* ------------------------------------------------------------------ many at once */

/* Some rising UIDs: neighbours or scattered ones, beside them such as are not there. */
static size_t choose(uint32_t *random, uint32_t most, uint32_t *uids) {
    *random = *random * 1664525U + 1013904223U;
    uint32_t every = (*random >> 20) % 3 ? 1 : 1 + (*random >> 9) % 200;
    uint32_t uid = (*random >> 12) % most, last = (*random >> 5) % 2 ? most + 9 : uid + 700;
    size_t count = 0;
    for (; uid <= MIN(last, most + 9); uid += every)
        uids[count++] = uid;
    return count;
}

static void flag(void *arg, const struct store_entry *wanted, struct store_entry *entry) {
    assert_int_equal(wanted->uid, entry->uid);
    entry->flags = wanted->flags;
    entry->modseq = wanted->modseq;
    ++*(size_t *)arg;
}

static void note(void *arg, const struct store_entry *entry) {
    ++*(size_t *)arg;
}

/* The same entries, in the same order, with the same sums. */
static void expect_same(const struct entries *a, const struct entries *b) {
    assert_int_equal(entries_count(a), entries_count(b));
    assert_int_equal(entries_bytes(a), entries_bytes(b));
    for (size_t i = 0; i < entries_count(a); i++) {
        assert_memory_equal(entries_at(a, i), entries_at(b, i), sizeof(struct store_entry));
        assert_int_equal(entries_place(a, entries_at(b, i)->uid), i);
    }
    struct counted x = {0}, y = {0};
    (void)entries_since(a, 30000, 0, count_one, &x);
    (void)entries_since(b, 30000, 0, count_one, &y);
    assert_int_equal(x.count, y.count);
}

/* Flags, or removes, entries of two versions: of one together, of the other one by one. */
static void change_both(struct entries **many, struct entries **single, const uint32_t *uids,
                        size_t count, bool take, uint64_t modseq) {
    struct store_entry *wanted = mem_array(count + 1, sizeof *wanted);
    size_t changed = 0, expected = 0;
    for (size_t i = 0; i < count; i++) {
        const struct store_entry *there = entries_find(*single, uids[i]);
        wanted[i] = (struct store_entry){
            .uid = uids[i], .flags = modseq & 31, .modseq = modseq & STORE_MODSEQ_MAX};
        expected += there != NULL;
        if (there && take) {
            assert_true(entries_remove(single, uids[i], &memory));
        } else if (there) {
            struct store_entry now = *there;
            now.flags = wanted[i].flags;
            now.modseq = modseq & STORE_MODSEQ_MAX;
            assert_true(entries_set(single, &now, &memory));
        }
    }
    if (take)
        entries_take(many, uids, count, note, &changed, &memory);
    else
        entries_change(many, wanted, count, flag, &changed, &memory);
    assert_int_equal(changed, expected);
    free(wanted);
}

static void many_changes_at_once_do_what_each_does(void **state) {
    enum { COUNT = 20000 };
    uint32_t *uids = mem_array(COUNT + 10, sizeof *uids), random = 7;
    struct entries *many = fill(1, COUNT), *single = fill(1, COUNT), *held = NULL, *was = NULL;
    for (uint64_t round = 1; entries_count(many) > 0; round++) {
        size_t count = choose(&random, COUNT, uids);
        change_both(&many, &single, uids, count, random >> 30, 30000 + round);
        if (round % 5 == 0) {
            expect_same(many, single);
            expect_same(held, was); /* whoever holds a version sees nothing of it */
            entries_drop(held, &memory);
            entries_drop(was, &memory);
            held = entries_hold(many);
            was = entries_hold(single);
        }
    }
    assert_null(many);
    assert_null(single);
    entries_drop(held, &memory);
    entries_drop(was, &memory);
    assert_int_equal(memory, 0);
    free(uids);
}

static void a_walk_finds_what_is_there(void **state) {
    enum { COUNT = 5000 };
    uint32_t *uids = mem_array(COUNT + 10, sizeof *uids), random = 3;
    struct entries *e = fill(1, COUNT);
    struct entries_walk none = {0};
    assert_null(entries_walk(&none, 1));
    for (uint32_t uid = 3; uid <= COUNT; uid += 3)
        assert_true(entries_remove(&e, uid, &memory));
    for (unsigned round = 0; round < 50; round++) {
        struct entries_walk w = {.version = e};
        size_t count = choose(&random, COUNT, uids);
        for (size_t i = 0; i < count; i++)
            assert_ptr_equal(entries_walk(&w, uids[i]), entries_find(e, uids[i]));
    }
    entries_drop(e, &memory);
    assert_int_equal(memory, 0);
    free(uids);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_by_uid_and_by_sequence_number),
        cmocka_unit_test(a_large_version_is_dropped_in_pieces),
        cmocka_unit_test(a_message_takes_at_most_40_bytes),
        cmocka_unit_test(a_version_that_is_held_never_changes),
        cmocka_unit_test(a_change_of_a_version_that_nobody_else_holds_takes_no_memory),
        cmocka_unit_test(removals_keep_order_counts_and_sums),
        cmocka_unit_test(what_is_newer_than_a_modseq_is_found),
        cmocka_unit_test(what_is_left_of_many_takes_the_memory_of_few),
        cmocka_unit_test(many_changes_at_once_do_what_each_does),
        cmocka_unit_test(a_walk_finds_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
