/* SPDX-License-Identifier: ISC */
/* Patient deliveries: when they are written alone, when together, and who never waits for them. */
#include "world.h"

#include <stdio.h>

#include "fiber/fiber.h"

#define PATIENCE (250 * USEC_MS)

struct sender {
    struct world *world;
    char text[24];
    bool hurried;
    int result;
    usec_t done_at;
};

static void send_one(void *arg) {
    struct sender *s = arg;
    struct slice part = slice_of_str(s->text);
    struct store_delivery d = {.mailbox = STORE_INBOX,
                               .key = part,
                               .parts = &part,
                               .part_count = 1,
                               .patient = !s->hurried};
    struct store_delivered done;
    s->result = store_deliver(s->world->store, TEST_ACCOUNT, &d, &done);
    s->done_at = fiber_now();
}

static struct fiber *begin(struct sender *s, struct world *w, unsigned number) {
    struct fiber *f;
    *s = (struct sender){.world = w, .hurried = s->hurried, .result = 1};
    (void)snprintf(s->text, sizeof s->text, "number %u\r\n", number);
    assert_int_equal(fiber_start("sender", send_one, s, &f), 0);
    fiber_yield();
    fiber_yield();
    return f;
}

static uint64_t groups(const struct world *w) {
    struct store_stats stats;
    store_stats(w->store, &stats);
    return stats.groups;
}

/* A first message, which finds the mailbox rested. */
static void open_busy(struct world *w) {
    struct sender s = {0};
    w->options.patience = PATIENCE;
    world_open(w);
    fiber_sleep(USEC_SEC);
    usec_t began = fiber_now();
    fiber_join(begin(&s, w, 1));
    assert_int_equal(s.result, 0);
    assert_int_equal(s.done_at, began);
}

WORLD_TEST(messages_that_follow_a_first_one_share_a_sync) {
    struct sender senders[10] = {0};
    struct fiber *fibers[10];
    open_busy(w);
    uint64_t before = groups(w);
    usec_t began = fiber_now();
    for (unsigned i = 0; i < 10; i++) {
        fibers[i] = begin(&senders[i], w, i + 2);
        fiber_sleep(20 * USEC_MS);
    }
    for (unsigned i = 0; i < 10; i++) {
        fiber_join(fibers[i]);
        assert_int_equal(senders[i].result, 0);
        assert_true(senders[i].done_at <= began + PATIENCE);
    }
    assert_int_equal(groups(w), before + 1);
    EXPECT_UIDS(w, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
}

WORLD_TEST(a_message_that_nobody_follows_waits_a_tenth_of_the_time) {
    struct sender s = {0};
    open_busy(w);
    usec_t began = fiber_now();
    fiber_join(begin(&s, w, 2));
    assert_int_equal(s.result, 0);
    assert_int_equal(s.done_at, began + PATIENCE / 10);
}

WORLD_TEST(who_looks_at_the_mailbox_sees_what_was_handed_over) {
    struct sender s = {0};
    open_busy(w);
    usec_t began = fiber_now();
    struct fiber *f = begin(&s, w, 2);
    assert_int_equal(s.result, 1);
    EXPECT_UIDS(w, 1, 2);
    fiber_join(f);
    assert_int_equal(s.done_at, began);
}

WORLD_TEST(a_change_in_a_hurry_takes_along_what_came_before_it) {
    struct sender patient = {0};
    struct sender hurried = {.hurried = true};
    open_busy(w);
    usec_t began = fiber_now();
    uint64_t before = groups(w);
    struct fiber *first = begin(&patient, w, 2);
    struct fiber *second = begin(&hurried, w, 3);
    fiber_join(second);
    fiber_join(first);
    assert_int_equal(patient.done_at, began);
    assert_int_equal(hurried.done_at, began);
    assert_int_equal(groups(w), before + 1);
    EXPECT_UIDS(w, 1, 2, 3);
}

/* More than one group takes: those that are left do not rest once more. */
WORLD_TEST(a_thousand_that_wait_are_written_one_group_after_the_other) {
    static struct sender senders[1000];
    static struct fiber *fibers[1000];
    open_busy(w);
    usec_t began = fiber_now();
    for (unsigned i = 0; i < 1000; i++)
        fibers[i] = begin(&senders[i], w, i + 2);
    for (unsigned i = 0; i < 1000; i++) {
        fiber_join(fibers[i]);
        assert_int_equal(senders[i].result, 0);
        assert_true(senders[i].done_at <= began + PATIENCE);
    }
}

WORLD_TEST(a_patient_delivery_can_be_cancelled) {
    struct sender s = {0};
    open_busy(w);
    struct fiber *f = begin(&s, w, 2);
    fiber_cancel(f);
    fiber_join(f);
    assert_int_equal(s.result, -ECANCELED);
    fiber_sleep(USEC_SEC);
    EXPECT_UIDS(w, 1);
}

WORLD_TEST(d3_all_that_shared_a_sync_fail_with_it) {
    struct sender senders[3] = {0};
    struct fiber *fibers[3];
    open_busy(w);
    for (unsigned i = 0; i < 3; i++)
        fibers[i] = begin(&senders[i], w, i + 2);
    disk = (struct disk){.sync_error = EIO, .fail_times = 1};
    for (unsigned i = 0; i < 3; i++) {
        fiber_join(fibers[i]);
        assert_int_equal(senders[i].result, -EIO);
    }
    EXPECT_UIDS(w, 1);
    world_reopen(w);
    EXPECT_UIDS(w, 1);
}

struct renaming {
    struct world *world;
    uint32_t mailbox;
    int result;
};

static void rename_it(void *arg) {
    struct renaming *r = arg;
    r->result = store_rename_mailbox(r->world->account, r->mailbox, 0, S("after"));
}

/* A pack begins with the mailboxes; one that is begun while a group becomes visible is behind it.
 */
WORLD_TEST(a_pack_that_is_begun_while_a_rename_becomes_visible_has_the_new_name) {
    static struct sender senders[200];
    static struct fiber *fibers[200];
    struct renaming r = {.world = w, .result = 1};
    struct store_mailbox m;
    struct fiber *f;
    w->options.patience = PATIENCE;
    world_open(w);
    r.mailbox = world_mailbox(w, "before");
    world_fill(w, 300);
    for (uint32_t uid = 1; uid <= 300; uid++)
        world_expunge(w, uid);
    for (unsigned i = 0; i < 200; i++)
        fibers[i] = begin(&senders[i], w, i);
    assert_int_equal(fiber_start("rename", rename_it, &r, &f), 0);
    do {
        fiber_yield();
        assert_int_equal(store_mailbox_get(w->account, STORE_INBOX, &m), 0);
    } while (m.messages == 0);
    assert_true(m.messages < 200); /* the group is not visible as a whole */
    assert_int_equal(store_compact(w->account), 0);
    fiber_join(f);
    assert_int_equal(r.result, 0);
    for (unsigned i = 0; i < 200; i++)
        fiber_join(fibers[i]);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(store_mailbox_get(w->account, r.mailbox, &m), 0);
        assert_true(slice_eq(m.name, S("after")));
        round ? world_rebuild(w) : world_reopen(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_follow_a_first_one_share_a_sync),
        cmocka_unit_test(a_message_that_nobody_follows_waits_a_tenth_of_the_time),
        cmocka_unit_test(who_looks_at_the_mailbox_sees_what_was_handed_over),
        cmocka_unit_test(a_change_in_a_hurry_takes_along_what_came_before_it),
        cmocka_unit_test(a_thousand_that_wait_are_written_one_group_after_the_other),
        cmocka_unit_test(a_patient_delivery_can_be_cancelled),
        cmocka_unit_test(d3_all_that_shared_a_sync_fail_with_it),
        cmocka_unit_test(a_pack_that_is_begun_while_a_rename_becomes_visible_has_the_new_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
