/* SPDX-License-Identifier: ISC */
#include "imap/told.h"

#include <stdio.h>

#include "store/world.h"
#include "unit.h"

#define MESSAGES_MAX 200U

/* What a client believes: UIDs by their numbers, and how far up it was told. */
struct client {
    uint32_t uids[MESSAGES_MAX];
    size_t count;
};

static void forget(void *arg, size_t number, uint32_t uid) WAITS {
    struct client *c = arg;
    assert_in_range(number, 1, c->count);
    assert_int_equal(c->uids[number - 1], uid);
    memmove(&c->uids[number - 1], &c->uids[number], (c->count - number) * sizeof c->uids[0]);
    c->count--;
}

/* Its numbers and UIDs are those that the object says, asked for one by one or together. */
static void check(struct told *t, const struct client *c) {
    struct told_numbers numbers;
    uint32_t below = 0;
    told_numbers_begin(&numbers, t, 1000);
    for (size_t n = 1; n <= c->count; n++) {
        struct store_message m;
        assert_int_equal(told_numbers_of(&numbers, c->uids[n - 1]), n);
        assert_true(!told_at(t, n, &m) || m.uid == c->uids[n - 1]);
    }
    told_numbers_done(&numbers);
    assert_int_equal(told_count(t), c->count);
    for (size_t n = 1; n <= c->count; n++) {
        uint32_t uid = c->uids[n - 1];
        assert_int_equal(told_uid(t, n), uid);
        assert_int_equal(told_number(t, uid), n);
        assert_true(told_has(t, uid));
        for (below++; below < uid; below++) {
            assert_int_equal(told_number(t, below), n);
            assert_false(told_has(t, below));
        }
    }
    assert_int_equal(told_number(t, UINT32_MAX), c->count + 1);
    assert_false(told_has(t, UINT32_MAX));
}

static void learn_all(struct told *t, struct client *c) {
    while (c->count < told_count(t)) {
        c->uids[c->count] = told_uid(t, c->count + 1);
        c->count++;
    }
}

static void deliver(struct world *w) {
    static unsigned number;
    char key[32];
    (void)snprintf(key, sizeof key, "told %u", number++);
    (void)world_deliver(w, key, "message\r\n");
}

WORLD_TEST_BOTH(rfc9051_7_5_1_numbers_change_only_where_the_client_is_told) {
    struct told t;
    struct client c = {0};
    world_open(w);
    world_fill(w, 5);
    assert_int_equal(told_open(&t, w->account, STORE_INBOX), 0);
    learn_all(&t, &c);
    check(&t, &c);
    world_expunge(w, 2);
    world_expunge(w, 3);
    deliver(w);
    world_expunge(w, 5);
    check(&t, &c); /* before the look */
    assert_int_equal(told_look(&t), 0);
    check(&t, &c);
    assert_int_equal(told_uid(&t, 2), 2);
    world_expunge(w, 6); /* came and went without having been told */
    assert_int_equal(told_look(&t), 0);
    check(&t, &c);
    assert_false(told_arrivals(&t));
    told_expunge(&t, forget, &c);
    check(&t, &c);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.uids[1], 4);
    deliver(w);
    assert_int_equal(told_look(&t), 0);
    check(&t, &c);
    assert_true(told_arrivals(&t));
    assert_int_equal(told_uid(&t, 3), 7);
    told_close(&t);
    world_close(w);
}

/* Others deliver and remove, by chance; the client is told now and then. */
static void live(struct world *w, unsigned seed) WAITS {
    struct told t;
    struct client c = {0};
    srandom(seed);
    world_fill(w, 20);
    assert_int_equal(told_open(&t, w->account, STORE_INBOX), 0);
    learn_all(&t, &c);
    for (unsigned step = 0; step < 300; step++) {
        _cleanup_(free_p) struct snapshot *now = world_snapshot(w);
        unsigned lot = (unsigned)random() % 10;
        if (lot < 3 && now->count < MESSAGES_MAX / 2)
            deliver(w);
        else if (lot < 6 && now->count > 0)
            world_expunge(w, now->messages[(size_t)random() % now->count].uid);
        else if (lot < 8)
            assert_int_equal(told_look(&t), 0);
        else if (lot == 8)
            told_expunge(&t, forget, &c);
        else if (told_arrivals(&t))
            learn_all(&t, &c);
        check(&t, &c);
    }
    assert_int_equal(told_look(&t), 0);
    told_expunge(&t, forget, &c);
    (void)told_arrivals(&t);
    learn_all(&t, &c);
    check(&t, &c);
    _cleanup_(free_p) struct snapshot *now = world_snapshot(w);
    assert_int_equal(now->count, c.count);
    for (size_t i = 0; i < c.count; i++)
        assert_int_equal(now->messages[i].uid, c.uids[i]);
    told_close(&t);
}

WORLD_TEST_BOTH(by_chance_a_client_knows_what_it_was_told) {
    world_open(w);
    live(w, 1);
    live(w, 2);
    world_close(w);
}

static void collect(void *arg, size_t number, uint32_t uid) WAITS {
    buf_add_bytes(arg, &uid, sizeof uid);
}

/* Here and there one, some beside each other, the first and the last. */
WORLD_TEST_BOTH(what_has_gone_is_found_among_many) {
    _cleanup_(buf_done) struct buf gone = {0}, told = {0};
    struct told t;
    world_open(w);
    world_fill(w, 400);
    assert_int_equal(told_open(&t, w->account, STORE_INBOX), 0);
    for (uint32_t uid = 1; uid <= 400; uid++)
        if (uid % 37 == 1 || (uid > 150 && uid < 290) || uid == 400) {
            world_expunge(w, uid);
            buf_add_bytes(&gone, &uid, sizeof uid);
        }
    deliver(w);
    assert_int_equal(told_look(&t), 0);
    assert_int_equal(told_count(&t), 400);
    told_expunge(&t, collect, &told);
    assert_true(slice_eq(buf_slice(&gone), buf_slice(&told)));
    told_close(&t);
    world_close(w);
}

/* What the store keeps of what vanished has nothing to do with it. */
WORLD_TEST_BOTH(what_vanished_and_is_not_kept_is_found) {
    w->solo.vanished_max = w->memory.vanished_max = 1;
    world_open(w);
    live(w, 3);
    world_close(w);
}

WORLD_TEST(a_mailbox_that_is_removed_leaves_what_was_told) {
    struct told t;
    world_open(w);
    uint32_t mailbox = world_mailbox(w, "once");
    assert_int_equal(told_open(&t, w->account, 4711), -E_UNKNOWN);
    assert_int_equal(told_open(&t, w->account, mailbox), 0);
    assert_int_equal(store_remove_mailbox(w->account, mailbox, false), 0);
    assert_int_equal(told_look(&t), -E_UNKNOWN);
    assert_int_equal(told_count(&t), 0);
    told_close(&t);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(rfc9051_7_5_1_numbers_change_only_where_the_client_is_told),
        BOTH(by_chance_a_client_knows_what_it_was_told),
        BOTH(what_has_gone_is_found_among_many),
        BOTH(what_vanished_and_is_not_kept_is_found),
        cmocka_unit_test(a_mailbox_that_is_removed_leaves_what_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
