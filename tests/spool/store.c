/* SPDX-License-Identifier: ISC */
/* The spool on good days: what was acknowledged is there, what was settled is gone. */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define MANY 400U

/* D1 */
WORLD_TEST(accepted_message_is_there_after_opening) {
    world_open(w);
    uint64_t id = send(w, "Subject: one\r\n\r\nbody\r\n");
    expect_body(w, id, "Subject: one\r\n\r\nbody\r\n");
    world_reopen(w);
    assert_int_equal(messages(w), 1);
    struct spool_message *message = spool_find(w->spool, id);
    _cleanup_(arena_done) struct arena a = {0};
    struct envelope e;
    spool_envelope(message, &a, &e);
    assert_true(slice_eq(e.reverse_path, S("tarou@example.com")));
    assert_int_equal(e.count, 3);
    assert_true(slice_eq(e.recipients[2].address, S("saburo@example.net")));
    assert_int_equal(message->arrival, TEST_NOW);
    assert_int_equal(message->left, 3);
    assert_int_equal(message->size, 13 + 22);
    expect_body(w, id, "Subject: one\r\n\r\nbody\r\n");
    assert_int_equal(w->notices[SPOOL_NOTICE_TORN] + w->notices[SPOOL_NOTICE_DAMAGE], 0);
}

WORLD_TEST(settled_message_is_gone) {
    world_open(w);
    uint64_t id = send(w, "a"), other = send(w, "b");
    settle(w, id);
    assert_null(spool_find(w->spool, id));
    assert_int_equal(try_settle(w, id), -E_UNKNOWN);
    world_reopen(w);
    assert_null(spool_find(w->spool, id));
    expect_body(w, other, "b");
}

WORLD_TEST(latest_state_counts) {
    world_open(w);
    uint64_t id = send(w, "a");
    set_state(w, id, 1, "450 busy");
    set_state(w, id, 2, "451 still busy");
    expect_state(w, id, 2, "451 still busy");
    world_reopen(w);
    expect_state(w, id, 2, "451 still busy");
    set_state(w, id, 3, "452 full");
    world_reopen(w);
    expect_state(w, id, 3, "452 full");
}

WORLD_TEST(message_without_state_has_all_recipients_left) {
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_state state;
    world_open(w);
    spool_state(spool_find(w->spool, send(w, "a")), &a, &state);
    assert_int_equal(state.count, 3);
    assert_int_equal(state.recipients[2].index, 2);
    assert_int_equal(state.recipients[2].attempts, 0);
}

/* D5: the message goes and the report comes, or neither. */
WORLD_TEST(report_and_end_of_its_message_are_one_change) {
    static const struct recipient to = {.address = {"tarou@example.com", 17}};
    static const struct envelope report = {.recipients = &to, .count = 1};
    world_open(w);
    uint64_t id = send(w, "a"), dsn = spool_new_id(w->spool);
    struct spool_change changes[] = {
        {.kind = SPOOL_DONE, .id = id},
        {.kind = SPOOL_MESSAGE,
         .id = dsn,
         .envelope = &report,
         .content = {.head = S("Trace: here\r\n"), .bytes = S("failed")}},
        {.kind = SPOOL_DONE, .id = 1234},
    };
    assert_int_equal(spool_update(w->spool, changes, 3), -E_UNKNOWN);
    assert_non_null(spool_find(w->spool, id));
    assert_null(spool_find(w->spool, dsn));
    assert_int_equal(spool_update(w->spool, changes, 2), 0);
    assert_null(spool_find(w->spool, id));
    world_reopen(w);
    assert_null(spool_find(w->spool, id));
    expect_body(w, dsn, "failed");
    assert_int_equal(messages(w), 1);
}

WORLD_TEST(change_of_a_message_that_is_leaving_is_refused) {
    world_open(w);
    uint64_t id = send(w, "a");
    struct spool_change twice[] = {{.kind = SPOOL_DONE, .id = id}, {.kind = SPOOL_DONE, .id = id}};
    assert_int_equal(spool_update(w->spool, twice, 2), -E_UNKNOWN);
    settle(w, id);
}

WORLD_TEST(ids_grow_also_over_openings_and_clocks_that_go_back) {
    world_open(w);
    uint64_t first = 0;
    for (int i = 0; i < 10; i++) {
        uint64_t id = send(w, "a");
        assert_true(id > first);
        settle(w, id);
        first = id;
    }
    world_reopen(w);
    assert_true(spool_new_id(w->spool) > first);
}

WORLD_TEST(message_larger_than_half_a_segment_is_refused) {
    world_open(w);
    uint64_t id;
    _cleanup_(free_p) char *text = mem_zero(TEST_SEGMENT);
    assert_int_equal(try_send(w, slice_of(text, TEST_SEGMENT / 2), &id), -E_LIMIT);
    assert_int_equal(try_send(w, slice_of(text, TEST_SEGMENT), &id), -E_LIMIT);
    assert_int_equal(try_send(w, slice_of(text, TEST_SEGMENT / 3), &id), 0);
}

WORLD_TEST(second_opening_is_refused) {
    struct spool *second;
    struct problem problem;
    world_open(w);
    assert_int_equal(spool_open(w->dir, &w->options, &second, &problem), -E_BUSY);
}

/* ------------------------------------------------------------------ many at once */

struct sender {
    struct world *world;
    uint64_t id;
};

static void send_one(void *arg) {
    struct sender *s = arg;
    s->id = send(s->world, "together");
}

/* D2 */
WORLD_TEST(what_waits_together_is_synced_together) {
    struct sender senders[20];
    struct fiber *fibers[20];
    struct spool_stat before, after;
    world_open(w);
    spool_stat(w->spool, &before);
    for (size_t i = 0; i < 20; i++) {
        senders[i] = (struct sender){.world = w};
        assert_int_equal(fiber_start("sender", send_one, &senders[i], &fibers[i]), 0);
    }
    for (size_t i = 0; i < 20; i++)
        fiber_join(fibers[i]);
    spool_stat(w->spool, &after);
    assert_int_equal(after.commits - before.commits, 1);
    world_reopen(w);
    for (size_t i = 0; i < 20; i++)
        expect_body(w, senders[i].id, "together");
}

static void send_cancelled(void *arg) {
    struct sender *s = arg;
    fiber_cancel(fiber_self());
    s->id = send(s->world, "in a hurry");
}

WORLD_TEST(cancelled_caller_still_learns_the_outcome) {
    struct sender s = {.world = w};
    struct fiber *f;
    world_open(w);
    assert_int_equal(fiber_start("sender", send_cancelled, &s, &f), 0);
    fiber_join(f);
    assert_non_null(spool_find(w->spool, s.id));
}

/* ------------------------------------------------------------------ segments */

static void fill(struct world *w, uint64_t ids[MANY], unsigned keep_each) {
    char text[600];
    memset(text, 'x', sizeof text);
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "message %u", i);
        ids[i] = send(w, text);
        if (keep_each == 0 || i % keep_each != 0)
            settle(w, ids[i]);
    }
}

WORLD_TEST(segments_come_back_when_their_messages_are_settled) {
    uint64_t ids[MANY];
    world_open(w);
    fill(w, ids, 0);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    struct spool_stat stat;
    spool_stat(w->spool, &stat);
    assert_true(stat.written > 8 * TEST_SEGMENT);
    assert_int_equal(stat.segments, 1);
    assert_int_equal(world_files(w, ".", "segment-"), 1);
    assert_int_equal(world_files(w, ".", "spare-"), 1);
    assert_int_equal(world_files(w, "quarantine", ""), 0);
}

/* Segments that are used again have old messages behind the new ones. */
WORLD_TEST(old_messages_of_a_segment_used_again_stay_gone) {
    uint64_t ids[MANY];
    world_open(w);
    for (int round = 0; round < 3; round++) {
        fill(w, ids, 0);
        uint64_t id = send(w, "the only one");
        world_reopen(w);
        assert_int_equal(messages(w), 1);
        expect_body(w, id, "the only one");
        settle(w, id);
    }
    assert_int_equal(w->notices[SPOOL_NOTICE_TORN] + w->notices[SPOOL_NOTICE_DAMAGE], 0);
}

WORLD_TEST(few_messages_do_not_hold_up_many_segments) {
    uint64_t ids[MANY];
    char text[64];
    world_open(w);
    fill(w, ids, 50);
    set_state(w, ids[0], 4, "450 later");
    set_state(w, ids[50], 1, "450 busy");
    fill(w, ids + 0, 50);
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    struct spool_stat stat;
    spool_stat(w->spool, &stat);
    assert_true(stat.segments <= 5);
    assert_true(stat.copied > 0);
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(messages(w), 2 * MANY / 50);
        for (unsigned i = 0; i < MANY; i += 50) {
            (void)snprintf(text, sizeof text, "message %u", i);
            expect_body(w, ids[i], text);
        }
        world_reopen(w);
    }
}

WORLD_TEST(copied_message_keeps_its_state_and_can_be_settled) {
    static uint64_t ids[MANY];
    world_open(w);
    uint64_t id = send(w, "waits long"), leaves = send(w, "leaves later");
    set_state(w, id, 5, "450 mailbox busy");
    fill(w, ids, 0);
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    struct spool_stat stat;
    spool_stat(w->spool, &stat);
    assert_true(stat.copied > 0);
    settle(w, leaves);
    world_reopen(w);
    assert_null(spool_find(w->spool, leaves));
    expect_state(w, id, 5, "450 mailbox busy");
    fill(w, ids, 0);
    assert_int_equal(fiber_sleep(USEC_HOUR), 0);
    world_reopen(w);
    assert_int_equal(messages(w), 1);
    expect_state(w, id, 5, "450 mailbox busy");
    expect_body(w, id, "waits long");
}

/* ------------------------------------------------------------------ bodies */

WORLD_TEST(body_is_read_from_the_disk_when_it_is_not_in_memory) {
    w->options.cache_size = 1;
    world_open(w);
    uint64_t id = send(w, "on the disk");
    struct spool_stat stat;
    spool_stat(w->spool, &stat);
    assert_int_equal(stat.cached, 0);
    expect_body(w, id, "on the disk");
    spool_stat(w->spool, &stat);
    assert_int_equal(stat.cached, 0);
}

WORLD_TEST(open_body_outlives_its_message) {
    struct spool_body body;
    world_open(w);
    uint64_t id = send(w, "read while it goes");
    assert_int_equal(spool_body_open(w->spool, id, &body), 0);
    settle(w, id);
    assert_true(slice_ends(body.bytes, S("read while it goes")));
    char part[4];
    assert_int_equal(spool_body_read(&body, body.bytes.len - 4, part, 100), 4);
    assert_memory_equal(part, "goes", 4);
    assert_int_equal(spool_body_read(&body, body.bytes.len, part, 4), 0);
    spool_body_close(&body);
    spool_body_close(&body);
    assert_int_equal(spool_body_open(w->spool, id, &body), -E_UNKNOWN);
}

/* ------------------------------------------------------------------ large messages */

#define LARGE 700000U

static uint64_t send_large(struct world *w) {
    static const struct recipient to = {.address = {"tarou@example.com", 17}};
    static const struct envelope envelope = {.recipients = &to, .count = 1};
    struct spool_large *large;
    struct spool_message *message;
    uint64_t id = spool_new_id(w->spool);
    assert_int_equal(spool_large_begin(w->spool, id, &large), 0);
    _cleanup_(free_p) char *bytes = mem_alloc(LARGE);
    memset(bytes, 'L', LARGE);
    int other = fcntl(spool_large_fd(large), F_DUPFD_CLOEXEC, 0);
    assert_int_equal(write(other, bytes, LARGE), LARGE);
    struct spool_content content = {.head = S("Trace: here\r\n"), .large = large};
    assert_int_equal(spool_accept(w->spool, id, &envelope, &content, &message), -E_BUSY);
    close(other);
    assert_int_equal(spool_accept(w->spool, id, &envelope, &content, &message), 0);
    assert_int_equal(message->size, 13 + LARGE);
    return id;
}

static void expect_large(struct world *w, uint64_t id) {
    struct spool_body body;
    char part[8];
    assert_int_equal(spool_body_open(w->spool, id, &body), 0);
    assert_true(slice_eq(body.bytes, S("Trace: here\r\n")));
    assert_int_equal(body.file_len, LARGE);
    assert_int_equal(spool_body_read(&body, 11, part, 8), 8);
    assert_memory_equal(part, "\r\nLLLLLL", 8);
    assert_int_equal(spool_body_read(&body, 13 + LARGE - 3, part, 8), 3);
    spool_body_close(&body);
}

/* Nobody but the spool can write to a message that is accepted. */
WORLD_TEST(large_message_is_accepted_when_its_writer_has_closed_it) {
    world_open(w);
    uint64_t id = send_large(w);
    expect_large(w, id);
    world_reopen(w);
    expect_large(w, id);
    assert_int_equal(world_files(w, "large", ""), 1);
    settle(w, id);
    assert_int_equal(fiber_sleep(USEC_MIN), 0);
    assert_int_equal(world_files(w, "large", ""), 0);
}

WORLD_TEST(damage_in_a_large_file_is_noticed) {
    char name[64];
    struct spool_body body;
    world_open(w);
    uint64_t id = send_large(w);
    world_close(w);
    (void)snprintf(name, sizeof name, "large/%016llx", (unsigned long long)id);
    world_flip(w, name, 12345);
    world_open(w);
    assert_int_equal(spool_body_open(w->spool, id, &body), -E_CORRUPT);
    assert_true(spool_find(w->spool, id)->damaged);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 1);
    world_close(w);
    assert_int_equal(unlinkat(w->dir, name, 0), 0);
    world_open(w);
    assert_int_equal(spool_body_open(w->spool, id, &body), -E_CORRUPT);
    assert_int_equal(w->notices[SPOOL_NOTICE_DAMAGE], 2);
}

WORLD_TEST(dropped_large_file_is_gone) {
    struct spool_large *large;
    world_open(w);
    assert_int_equal(spool_large_begin(w->spool, spool_new_id(w->spool), &large), 0);
    assert_int_equal(world_files(w, "large", ""), 1);
    spool_large_drop(w->spool, large);
    assert_int_equal(world_files(w, "large", ""), 0);
    spool_large_drop(w->spool, NULL);
}

static void make_stray(struct world *w, const char *name, usec_t age) {
    time_t at = (time_t)((fiber_wall() - age) / USEC_SEC);
    struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
    int fd = openat(w->dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

/* D7 */
WORLD_TEST(only_old_files_without_a_message_are_removed) {
    world_open(w);
    world_close(w);
    make_stray(w, "large/0000000000000001", 5 * USEC_HOUR);
    make_stray(w, "large/0000000000000002", 7 * USEC_HOUR);
    make_stray(w, "large/not-ours", 7 * USEC_DAY);
    make_stray(w, "something else", 7 * USEC_DAY);
    world_open(w);
    assert_int_equal(world_files(w, "large", ""), 2);
    assert_int_equal(world_files(w, "large", "0000000000000001"), 1);
    assert_int_equal(world_files(w, ".", "something"), 1);
    assert_int_equal(w->notices[SPOOL_NOTICE_STRAY], 1);
}

static int count_one(void *arg, struct spool_message *message) {
    unsigned *n = arg;
    assert_null(message->owner);
    return ++*n == 3 ? 7 : 0;
}

WORLD_TEST(walk_sees_messages_until_told_to_stop) {
    unsigned n = 0;
    world_open(w);
    assert_int_equal(spool_each(w->spool, count_one, &n), 0);
    for (int i = 0; i < 5; i++)
        (void)send(w, "x");
    assert_int_equal(spool_each(w->spool, count_one, &n), 7);
    assert_int_equal(n, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_message_is_there_after_opening),
        cmocka_unit_test(settled_message_is_gone),
        cmocka_unit_test(latest_state_counts),
        cmocka_unit_test(message_without_state_has_all_recipients_left),
        cmocka_unit_test(report_and_end_of_its_message_are_one_change),
        cmocka_unit_test(change_of_a_message_that_is_leaving_is_refused),
        cmocka_unit_test(ids_grow_also_over_openings_and_clocks_that_go_back),
        cmocka_unit_test(message_larger_than_half_a_segment_is_refused),
        cmocka_unit_test(second_opening_is_refused),
        cmocka_unit_test(what_waits_together_is_synced_together),
        cmocka_unit_test(cancelled_caller_still_learns_the_outcome),
        cmocka_unit_test(segments_come_back_when_their_messages_are_settled),
        cmocka_unit_test(old_messages_of_a_segment_used_again_stay_gone),
        cmocka_unit_test(few_messages_do_not_hold_up_many_segments),
        cmocka_unit_test(copied_message_keeps_its_state_and_can_be_settled),
        cmocka_unit_test(body_is_read_from_the_disk_when_it_is_not_in_memory),
        cmocka_unit_test(open_body_outlives_its_message),
        cmocka_unit_test(large_message_is_accepted_when_its_writer_has_closed_it),
        cmocka_unit_test(damage_in_a_large_file_is_noticed),
        cmocka_unit_test(dropped_large_file_is_gone),
        cmocka_unit_test(only_old_files_without_a_message_are_removed),
        cmocka_unit_test(walk_sees_messages_until_told_to_stop),
    };
    return cmocka_run_group_tests_name("spool store", tests, NULL, NULL);
}
