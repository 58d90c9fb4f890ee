/* SPDX-License-Identifier: ISC */
/* Messages that go to another account: never in none, never twice. */
#include "world.h"

#include <stdio.h>

#include "base/alloc.h"
#include "fiber/fiber.h"
#include "store/account.h"
#include "store/across.h"

#define OTHER_ACCOUNT 4712U

static struct store_account *open_other(struct world *w) {
    struct store_account *a;
    assert_int_equal(store_account_open(w->store, OTHER_ACCOUNT, &a), 0);
    return a;
}

static size_t count_of(struct store_account *a) {
    struct store_mailbox inbox;
    assert_int_equal(store_mailbox_get(a, STORE_INBOX, &inbox), 0);
    return inbox.messages;
}

static const uint32_t UIDS[] = {1, 3, 77};

static struct store_across all(struct world *w, struct store_account *other, bool move) {
    return (struct store_across){.from = w->account,
                                 .mailbox = STORE_INBOX,
                                 .uids = UIDS,
                                 .count = ARRAY_SIZE(UIDS),
                                 .to = other,
                                 .to_mailbox = STORE_INBOX,
                                 .move = move};
}

WORLD_TEST_BOTH(a_copy_has_bytes_flags_keywords_and_date) {
    world_open(w);
    world_fill(w, 3);
    const uint32_t three = 3;
    struct store_flags_changed changed;
    assert_int_equal(store_set_flags(w->account, STORE_INBOX, &three, 1,
                                     &(struct store_flags){.add = STORE_FLAGGED,
                                                           .add_keywords = &S("$Work"),
                                                           .add_keyword_count = 1},
                                     &changed, NULL),
                     0);
    fiber_sleep(5 * USEC_SEC);
    struct store_account *other = open_other(w);
    struct store_across across = all(w, other, false);
    struct store_carried done;
    for (unsigned round = 1; round <= 2; round++) { /* without a key each time another copy */
        assert_int_equal(store_copy_across(&across, &done), 0);
        assert_int_equal(done.count, 2);
        assert_int_equal(done.removed, 0);
        assert_int_equal(done.first_uid, 2 * round - 1);
        assert_int_equal(count_of(other), 2 * round);
    }
    across.key = S("once");
    for (unsigned round = 1; round <= 2; round++) {
        assert_int_equal(store_copy_across(&across, &done), 0);
        assert_int_equal(done.count, 2);
        assert_int_equal(done.first_uid, 5);
        assert_int_equal(count_of(other), 6);
    }
    struct store_view *v;
    struct store_message m;
    struct buf names = {0};
    char bytes[64];
    struct snapshot *s = world_snapshot(w);
    assert_int_equal(store_view_open(other, STORE_INBOX, &v), 0);
    store_view_at(v, 1, &m);
    store_view_keywords(v, &m, &names);
    assert_int_equal(m.flags, STORE_FLAGGED);
    assert_int_equal(m.date, s->messages[2].date);
    assert_true(slice_eq(buf_slice(&names), S("$Work")));
    assert_int_equal(store_read(other, &m, 0, bytes, sizeof bytes), 10);
    assert_memory_equal(bytes, "number 3\r\n", 10);
    buf_clear(&names);
    assert_int_equal(other->below->backend->ops->return_path(other->below, m.body, &names), 0);
    assert_true(slice_eq(buf_slice(&names), S("tama@example.test")));
    EXPECT_UIDS(w, 1, 2, 3);
    store_view_close(v);
    store_account_close(other);
    buf_done(&names);
    free(s);
}

WORLD_TEST_BOTH(a_move_leaves_nothing_and_does_not_double) {
    world_open(w);
    world_fill(w, 3);
    struct store_account *other = open_other(w);
    struct store_across across = all(w, other, true);
    struct store_carried done;
    struct store_usage before, after;
    store_account_usage(other, &before);
    assert_int_equal(store_copy_across(&across, &done), 0);
    assert_int_equal(done.count, 2);
    assert_int_equal(done.removed, 2);
    EXPECT_UIDS(w, 2);
    store_account_usage(other, &after);
    assert_int_equal(after.bytes, before.bytes + 20);
    assert_int_equal(store_copy_across(&across, &done), 0); /* they are not there any more */
    assert_int_equal(done.count, 0);
    assert_int_equal(count_of(other), 2);
    store_account_close(other);
}

/* Else it would be nowhere. */
WORLD_TEST_BOTH(a_move_comes_though_a_copy_of_its_kind_was_removed_there) {
    const uint32_t all_there[] = {1, 2};
    size_t removed;
    struct store_carried done;
    world_open(w);
    world_fill(w, 3);
    struct store_account *other = open_other(w);
    struct store_across across = all(w, other, false);
    across.key = S("once");
    assert_int_equal(store_copy_across(&across, &done), 0);
    assert_int_equal(store_expunge(other, STORE_INBOX, all_there, 2, &removed), 0);
    assert_int_equal(count_of(other), 0);
    across.move = true;
    assert_int_equal(store_copy_across(&across, &done), 0);
    assert_int_equal(done.removed, 2);
    assert_int_equal(count_of(other), 2);
    store_account_close(other);
    world_close(w);
}

WORLD_TEST_BOTH(what_cannot_come_stays) {
    world_open(w);
    world_fill(w, 3);
    struct store_account *other = open_other(w);
    struct store_across across = all(w, other, true);
    struct store_carried done;
    across.quota = 15; /* one of them */
    assert_int_equal(store_copy_across(&across, &done), -E_LIMIT);
    assert_int_equal(done.count, 1);
    assert_int_equal(done.removed, 1);
    EXPECT_UIDS(w, 2, 3);
    across.to_mailbox = 99;
    assert_int_equal(store_copy_across(&across, &done), -E_UNKNOWN);
    across.mailbox = 99;
    assert_int_equal(store_copy_across(&across, &done), -E_UNKNOWN);
    across.to = w->account;
    assert_int_equal(store_copy_across(&across, &done), -EINVAL);
    EXPECT_UIDS(w, 2, 3);
    assert_int_equal(count_of(other), 1);
    store_account_close(other);
}

WORLD_TEST_BOTH(many_go_in_their_order) {
    enum { MANY = 100 };
    uint32_t uids[MANY];
    world_open(w);
    world_fill(w, MANY);
    for (uint32_t i = 0; i < MANY; i++)
        uids[i] = i + 1;
    struct store_account *other = open_other(w);
    struct store_across across = all(w, other, true);
    struct store_carried done;
    across.uids = uids;
    across.count = MANY;
    assert_int_equal(store_copy_across(&across, &done), 0);
    assert_int_equal(done.removed, MANY);
    struct store_view *v;
    assert_int_equal(store_view_open(other, STORE_INBOX, &v), 0);
    for (unsigned i = 0; i < MANY; i++) {
        char bytes[64], wanted[64];
        struct store_message m;
        store_view_at(v, i, &m);
        int len = snprintf(wanted, sizeof wanted, "number %u\r\n", i + 1);
        assert_int_equal(store_read(other, &m, 0, bytes, sizeof bytes), len);
        assert_memory_equal(bytes, wanted, (size_t)len);
    }
    store_view_close(v);
    store_account_close(other);
}

/* ------------------------------------------------------------------ large ones */

#define LARGE (3U << 20)

struct deliverer {
    struct world *w;
    struct store *to; /* its store, as if in another process */
    bool by_file;     /* it came so */
};

static int deliver_there(void *arg, const struct store_delivery *d,
                         struct store_delivered *ret) WAITS {
    struct deliverer *there = arg;
    struct store_delivery delivery = *d;
    there->by_file = d->fd >= 0;
    assert_true(there->by_file || d->parts[0].len == LARGE);
    delivery.mailbox = STORE_INBOX;
    return store_deliver(there->to, OTHER_ACCOUNT, &delivery, ret);
}

static void deliver_large(struct world *w) {
    char *text = test_malloc(LARGE + 1);
    for (size_t i = 0; i < LARGE; i++)
        text[i] = (char)('a' + i * i % 23);
    text[LARGE] = '\0';
    (void)world_deliver(w, "", text);
    test_free(text);
}

static int move_large(struct world *w, struct deliverer *there, struct store_carried *done) {
    const uint32_t one = 1;
    struct store_across across = {.from = w->account,
                                  .mailbox = STORE_INBOX,
                                  .uids = &one,
                                  .count = 1,
                                  .move = true,
                                  .key = S("INBOX"),
                                  .deliver = deliver_there,
                                  .arg = there,
                                  .to_number = OTHER_ACCOUNT};
    *there = (struct deliverer){.w = w, .to = w->store};
    return store_copy_across(&across, done);
}

WORLD_TEST_BOTH(a_large_message_comes_whole) {
    struct deliverer there;
    struct store_carried done;
    struct store_view *v;
    struct store_message m;
    world_open(w);
    deliver_large(w);
    assert_int_equal(move_large(w, &there, &done), 0);
    assert_int_equal(done.removed, 1);
    struct store_account *other = open_other(w);
    assert_int_equal(store_view_open(other, STORE_INBOX, &v), 0);
    store_view_at(v, 0, &m);
    char *text = test_malloc(LARGE);
    assert_int_equal(store_read(other, &m, 0, text, LARGE), LARGE);
    for (size_t i = 0; i < LARGE; i++)
        assert_int_equal(text[i], 'a' + i * i % 23);
    test_free(text);
    store_view_close(v);
    store_account_close(other);
}

/* No more than a piece of it is in memory. */
WORLD_TEST(a_large_message_is_handed_over_as_its_file) {
    struct deliverer there;
    struct store_carried done;
    world_open(w);
    deliver_large(w);
    assert_int_equal(move_large(w, &there, &done), 0);
    assert_true(there.by_file);
}

WORLD_TEST(a_large_message_that_is_damaged_gets_no_good_sum) {
    struct deliverer there = {0};
    struct store_carried done;
    world_open(w);
    deliver_large(w);
    _cleanup_(free_p) char *path = world_path(w, TEST_PACK);
    struct snapshot *s = world_snapshot(w);
    file_damage(path, world_place(w, &s->messages[0]).body + LARGE - 5, 1);
    assert_int_equal(move_large(w, &there, &done), -E_CORRUPT);
    assert_int_equal(done.count, 0);
    assert_int_equal(count_of(w->account), 1);
    free(s);
}

/* ------------------------------------------------------------------ a crash in between */

struct crash {
    struct world *w;
    unsigned syncs, at; /* the image is taken at this one */
};

static void take_image(void *arg, int fd) {
    struct crash *c = arg;
    (void)fd;
    if (++c->syncs == c->at)
        world_image(c->w);
}

WORLD_TEST(a_crash_leaves_a_copy_in_both_and_the_move_can_be_done_again) {
    world_open(w);
    world_fill(w, 3);
    struct store_account *other = open_other(w);
    struct store_across across = all(w, other, true);
    struct store_carried done;
    /* All has come and nothing is removed yet: the last sync of the move is the expunge's. */
    disk.write_error = EIO;
    disk.fail_after = 1; /* one group brings both messages */
    int r = store_copy_across(&across, &done);
    disk.write_error = 0;
    disk.fail_after = 0;
    assert_int_equal(r, -EIO);
    assert_int_equal(done.count, 2);
    assert_int_equal(done.removed, 0);
    EXPECT_UIDS(w, 1, 2, 3);
    assert_int_equal(count_of(other), 2);
    store_account_close(other);
    world_crash(w);
    other = open_other(w);
    across = all(w, other, true);
    struct crash crash = {w, 0, 1};
    disk.before_sync = take_image;
    disk.arg = &crash;
    assert_int_equal(store_copy_across(&across, &done), 0);
    disk.before_sync = NULL;
    assert_int_equal(done.count, 2);
    assert_int_equal(done.removed, 2);
    assert_int_equal(crash.syncs, 1); /* nothing was stored again */
    EXPECT_UIDS(w, 2);
    assert_int_equal(count_of(other), 2);
    store_account_close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(a_copy_has_bytes_flags_keywords_and_date),
        BOTH(a_move_leaves_nothing_and_does_not_double),
        BOTH(a_move_comes_though_a_copy_of_its_kind_was_removed_there),
        BOTH(what_cannot_come_stays),
        BOTH(many_go_in_their_order),
        BOTH(a_large_message_comes_whole),
        cmocka_unit_test(a_large_message_is_handed_over_as_its_file),
        cmocka_unit_test(a_large_message_that_is_damaged_gets_no_good_sum),
        cmocka_unit_test(a_crash_leaves_a_copy_in_both_and_the_move_can_be_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
