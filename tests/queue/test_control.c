/* SPDX-License-Identifier: ISC */
/*
 * What a postmaster sees and does (row A5: hold, release, retry, remove, show).
 */
#include <errno.h>

#include "fake_server.h"

static int not_now(struct server *o, const struct queue_transmission *t,
                   const struct recipient *recipient, struct arena *a, struct relay_result *ret) {
    (void)a;
    o->number += t->now;
    if (slice_starts(recipient->address, S("late")))
        *ret = reply_of(RELAY_LATER, 451, 4, 4, 1, "Connection refused");
    return 0;
}

static uint64_t act(struct server *o, enum queue_action action, queue_id id, const char *text) {
    struct queue_match match = {.all = id == 0 && !text[0], .id = id, .text = slice_of_str(text)};
    struct problem problem;
    uint64_t count = 0;
    int error = queue_act(o->queue, &(struct queue_order){.action = action}, &match, &count, NULL,
                          &problem);
    if (error)
        fail_msg("%s: %s", error_text(error), problem.text);
    return count;
}

static struct queue_page list(struct server *o, const char *text, queue_id after, size_t limit) {
    struct queue_match match = {.all = !text[0], .text = slice_of_str(text)};
    struct queue_page page;
    assert_int_equal(queue_list(o->queue, &match, after, limit, true, &o->memory, &page), 0);
    return page;
}

SERVER_TEST(list_shows_what_is_left_to_do) {
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test ok@away.test mike@here.test");
    server_wait(o, USEC_SEC);
    struct queue_page page = list(o, "", 0, 10);
    assert_int_equal(page.total, 1);
    assert_int_equal(page.count, 1);
    const struct queue_entry *e = &page.entries[0];
    assert_int_equal(e->id, id);
    assert_int_equal(e->arrival, TEST_WALL);
    assert_slice(e->sender, "tama@here.test");
    assert_int_equal(e->recipients, 3);
    assert_int_equal(e->left, 1);
    assert_false(e->hold || e->active || e->damaged);
    assert_in_range(e->next, TEST_WALL + 4 * USEC_MIN, TEST_WALL + 6 * USEC_MIN);
    assert_int_equal(e->waiting_count, 1);
    assert_slice(e->waiting[0].address, "late@away.test");
    assert_string_equal(e->waiting[0].status, "later");
    assert_int_equal(e->waiting[0].attempts, 1);
    assert_int_equal(e->waiting[0].next, e->next);
    assert_slice(e->waiting[0].reply, "451 4.4.1 Connection refused");
}

SERVER_TEST(list_goes_page_by_page_in_order_of_ids) {
    queue_id ids[7], after = 0;
    o->transmit = not_now;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        ids[i] = server_send(o, "tama@here.test", "late@away.test");
    server_wait(o, USEC_SEC);
    for (size_t i = 0; i < ARRAY_SIZE(ids); i += 3) {
        struct queue_page page = list(o, "", after, 3);
        assert_int_equal(page.total, ARRAY_SIZE(ids));
        assert_int_equal(page.count, MIN(3U, ARRAY_SIZE(ids) - i));
        for (size_t k = 0; k < page.count; k++)
            assert_int_equal(page.entries[k].id, ids[i + k]);
        after = page.entries[page.count - 1].id;
    }
    assert_int_equal(list(o, "", after, 3).count, 0);
}

SERVER_TEST(match_is_part_of_sender_or_open_recipient) {
    o->transmit = not_now;
    server_send(o, "tama@here.test", "late@away.test ok@other.test");
    server_send(o, "Mike@Here.test", "late@third.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(list(o, "mike@here", 0, 10).count, 1);
    assert_int_equal(list(o, "AWAY.test", 0, 10).count, 1);
    assert_int_equal(list(o, "other.test", 0, 10).count, 0);
    assert_int_equal(list(o, "here.test", 0, 10).count, 2);
    assert_int_equal(list(o, "here.test", 0, 1).count, 1);
}

SERVER_TEST(held_message_waits_until_it_is_released_also_over_a_restart) {
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test/4");
    server_wait(o, USEC_SEC);
    assert_int_equal(act(o, QUEUE_HOLD, id, ""), 1);
    assert_int_equal(act(o, QUEUE_HOLD, id, ""), 1);
    o->transmit = NULL;
    server_wait(o, USEC_DAY);
    server_reopen(o);
    server_wait(o, 9 * USEC_DAY);
    assert_int_equal(o->arrived, 0);
    assert_true(list(o, "", 0, 1).entries[0].hold);
    struct queue_stats stats;
    queue_stats(o->queue, &stats);
    assert_int_equal(stats.held, 1);
    assert_int_equal(act(o, QUEUE_RELEASE, 0, "away.test"), 1);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_count(o, "late@away.test"), 1);
    assert_int_equal(server_messages(o), 0);
}

SERVER_TEST(retry_tries_at_once_where_a_destination_rests_too) {
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmissions, 1);
    assert_int_equal(o->number, 0);
    assert_int_equal(act(o, QUEUE_RETRY, id, ""), 1);
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmissions, 2);
    assert_int_equal(o->number, 1);
    server_wait(o, 15 * USEC_MIN);
    assert_int_equal(o->transmissions, 3);
    assert_int_equal(o->number, 1);
}

SERVER_TEST(retry_survives_a_restart) {
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test");
    server_wait(o, USEC_SEC);
    act(o, QUEUE_HOLD, id, "");
    act(o, QUEUE_RETRY, id, "");
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmissions, 1);
    server_reopen(o);
    act(o, QUEUE_RELEASE, id, "");
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmissions, 2);
    assert_int_equal(o->number, 1);
}

SERVER_TEST(removed_message_is_gone) {
    o->transmit = not_now;
    server_send(o, "tama@here.test", "late@away.test");
    queue_id other = server_send(o, "tama@here.test", "late@other.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(act(o, QUEUE_REMOVE, 0, "away.test"), 1);
    assert_int_equal(server_messages(o), 1);
    server_reopen(o);
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(list(o, "", 0, 10).entries[0].id, other);
    assert_int_equal(server_reports(o), 0);
}

SERVER_TEST(removing_with_bounce_tells_the_sender) {
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test ok@away.test late@other.test/1");
    server_wait(o, USEC_SEC);
    uint64_t count;
    struct queue_match match = {.id = id};
    assert_int_equal(queue_act(o->queue,
                               &(struct queue_order){.action = QUEUE_REMOVE, .bounce = true},
                               &match, &count, NULL, NULL),
                     0);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Action: failed\r\n"), 1);
    assert_int_equal(occurs(report, "Final-Recipient: rfc822; late@away.test\r\n"), 1);
    assert_int_equal(occurs(report, "Status: 5.7.1\r\n"), 1);
}

/* An id that was lost on the way must not turn into every message. */
SERVER_TEST(all_messages_are_meant_only_where_that_is_said) {
    struct problem problem = {0};
    uint64_t count = 7;
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test");
    const struct queue_match unclear[] = {{0},
                                          {.all = true, .id = id},
                                          {.all = true, .text = S("late")},
                                          {.id = id, .text = S("late")},
                                          {.all = true, .login = S("tama@here.test")},
                                          {.login = S("tama@here.test"), .text = S("late")}};
    server_wait(o, USEC_SEC);
    for (size_t i = 0; i < ARRAY_SIZE(unclear); i++) {
        int r = queue_act(o->queue, &(struct queue_order){.action = QUEUE_REMOVE}, &unclear[i],
                          &count, NULL, &problem);
        assert_int_equal(r, -EINVAL);
        assert_int_equal(count, 7);
    }
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_REMOVE},
                               &(struct queue_match){.all = true}, &count, NULL, NULL),
                     0);
    assert_int_equal(count, 1);
}

SERVER_TEST(unknown_message_is_told) {
    uint64_t count;
    struct problem problem;
    struct queue_match match = {.id = 4711};
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_HOLD}, &match,
                               &count, NULL, &problem),
                     -E_UNKNOWN);
    match = (struct queue_match){.all = true};
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_HOLD}, &match,
                               &count, NULL, &problem),
                     0);
    assert_int_equal(count, 0);
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_ACTIONS}, &match,
                               &count, NULL, &problem),
                     -EINVAL);
}

/* ------------------------------------------------------------------ while it is under work */

static int takes_ten_seconds(struct server *o, const struct queue_transmission *t,
                             struct relay_outcome *outcome) {
    (void)o, (void)t, (void)outcome;
    return fiber_sleep(10 * USEC_SEC);
}

SERVER_TEST(message_that_is_removed_while_it_is_transmitted_stays_removed) {
    o->begin = takes_ten_seconds;
    queue_id id = server_send(o, "tama@here.test", "a@one.test b@two.test");
    server_wait(o, USEC_SEC);
    assert_true(list(o, "", 0, 1).entries[0].active);
    assert_int_equal(act(o, QUEUE_REMOVE, id, ""), 1);
    assert_int_equal(server_messages(o), 0);
    server_wait(o, USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    server_reopen(o);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 0);
}

static int slowly(struct server *o, const struct queue_transmission *t,
                  struct relay_outcome *outcome) {
    (void)o, (void)outcome;
    return fiber_sleep(slice_starts(t->domain, S("slow")) ? USEC_MIN : 10 * USEC_SEC);
}

/* The first outcome finds no message; the worker still has to wait for the second one. */
SERVER_TEST(message_that_is_removed_while_hosts_answer_at_different_times_stays_removed) {
    o->begin = slowly;
    queue_id id = server_send(o, "tama@here.test", "a@one.test b@slow.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(act(o, QUEUE_REMOVE, id, ""), 1);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(o->arrived, 2);
    assert_int_equal(server_reports(o), 0);
}

/* ------------------------------------------------------------------ held, since he sends too much
 */

static const char LETTER[] = "Subject: one of many\r\n\r\nx\r\n";

struct crowd {
    struct server *o;
    unsigned taken, refused, full;
};

static void send_one_too_many(void *arg) {
    struct crowd *c = arg;
    struct queue_message message = {.envelope.reverse_path = S("tama@here.test"),
                                    .envelope.login = S("tama@here.test"),
                                    .envelope.origin = QUEUE_FROM_USER,
                                    .bytes = slice_of_str(LETTER),
                                    .reason = S("312 messages in an hour"),
                                    .hold = true};
    int error = server_submit(c->o, &message, "out@away.test");
    c->taken += error == 0;
    c->refused += error == -E_REFUSED;
    c->full += error == -ENOSPC;
}

static struct crowd send_at_once(struct server *o, unsigned count) {
    struct crowd c = {.o = o};
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(fiber_spawn("session", send_one_too_many, &c), 0);
    while (c.taken + c.refused + c.full < count)
        server_wait(o, USEC_MS);
    return c;
}

SERVER_TEST(sessions_at_the_same_time_have_no_more_messages_held_than_may_be) {
    o->options.held_max = 3;
    server_reopen(o);
    struct crowd c = send_at_once(o, 10);
    assert_int_equal(c.taken, 3);
    assert_int_equal(c.refused, 7);
    assert_int_equal(act(o, QUEUE_RELEASE, 0, ""), 3);
    server_wait(o, USEC_SEC);
    assert_int_equal(send_at_once(o, 10).taken, 3); /* there is room again */
}

SERVER_TEST(sessions_at_the_same_time_have_no_more_bytes_held_than_may_be_and_a_message) {
    o->options.held_size_max = 2 * strlen(LETTER);
    server_reopen(o);
    assert_int_equal(send_at_once(o, 10).taken, 2);
}

SERVER_TEST(what_could_not_be_stored_is_not_counted_as_held) {
    struct queue_options full = o->options;
    full.held_max = o->options.held_max = 2;
    full.spool.reserve = INT64_MAX;
    queue_configure(o->queue, &full);
    struct crowd c = send_at_once(o, 10);
    assert_int_equal(c.full, 10);
    assert_int_equal(c.taken, 0);
    queue_configure(o->queue, &o->options);
    assert_int_equal(send_at_once(o, 10).taken, 2);
}

SERVER_TEST(message_that_is_held_while_it_is_transmitted_keeps_what_came_of_it) {
    o->begin = takes_ten_seconds;
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@one.test b@two.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(act(o, QUEUE_HOLD, id, ""), 1);
    server_wait(o, USEC_HOUR);
    struct queue_page page = list(o, "", 0, 1);
    assert_true(page.entries[0].hold);
    assert_int_equal(page.entries[0].left, 1);
    assert_int_equal(page.entries[0].waiting[0].attempts, 1);
    assert_int_equal(o->transmissions, 2);
    assert_int_equal(act(o, QUEUE_RELEASE, id, ""), 1);
    server_wait(o, USEC_MIN);
    assert_int_equal(o->transmissions, 3);
    assert_int_equal(server_count(o, "b@two.test"), 1);
}

SERVER_TEST(message_that_is_held_while_it_is_taken_by_all_is_settled) {
    o->begin = takes_ten_seconds;
    queue_id id = server_send(o, "tama@here.test", "a@one.test b@two.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(act(o, QUEUE_HOLD, id, ""), 1);
    server_wait(o, USEC_MIN);
    assert_int_equal(o->arrived, 2);
    assert_int_equal(server_messages(o), 0);
}

/* The attempt is cut short by the stop: hold was on the disk before. */
SERVER_TEST(message_that_is_held_while_it_is_transmitted_stays_held_over_a_restart) {
    o->begin = takes_ten_seconds;
    queue_id id = server_send(o, "tama@here.test", "a@one.test b@two.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(act(o, QUEUE_HOLD, id, ""), 1);
    server_cut(o);
    server_open(o);
    server_wait(o, USEC_DAY);
    assert_int_equal(o->transmissions, 2);
    assert_true(list(o, "", 0, 1).entries[0].hold);
    assert_int_equal(act(o, QUEUE_RELEASE, id, ""), 1);
    server_wait(o, USEC_MIN);
    assert_int_equal(o->arrived, 2);
}

/* One attempt is enough for two changes of mind. */
SERVER_TEST(message_that_is_held_and_released_while_it_is_transmitted_goes_on) {
    o->begin = takes_ten_seconds;
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@one.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(act(o, QUEUE_HOLD, id, ""), 1);
    assert_int_equal(act(o, QUEUE_RELEASE, id, ""), 1);
    server_wait(o, USEC_MIN);
    assert_int_equal(o->transmissions, 1);
    assert_in_range(list(o, "", 0, 1).entries[0].next, TEST_WALL + 4 * USEC_MIN,
                    TEST_WALL + 7 * USEC_MIN);
    server_wait(o, 7 * USEC_MIN);
    assert_int_equal(o->transmissions, 2);
}

/* While it is on hold nobody is told of a delay; afterwards once. */
SERVER_TEST(hold_of_a_day_causes_one_notice_when_it_ends) {
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test");
    server_wait(o, USEC_HOUR);
    assert_int_equal(act(o, QUEUE_HOLD, id, ""), 1);
    server_wait(o, 30 * USEC_HOUR);
    assert_int_equal(server_reports(o), 0);
    assert_int_equal(act(o, QUEUE_RELEASE, id, ""), 1);
    server_wait(o, USEC_MIN);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Action: delayed\r\n"), 1);
}

/* The sender hears of the removal, and of nothing that comes behind it. */
SERVER_TEST(message_that_is_removed_with_bounce_while_it_is_transmitted_is_reported_once) {
    uint64_t count;
    o->begin = slowly;
    o->transmit = not_now;
    struct queue_match match = {
        .id = server_send(o, "tama@here.test", "late@one.test b@slow.test/2")};
    server_wait(o, USEC_SEC);
    assert_int_equal(queue_act(o->queue,
                               &(struct queue_order){.action = QUEUE_REMOVE, .bounce = true},
                               &match, &count, NULL, NULL),
                     0);
    server_wait(o, 5 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Status: 5.7.1\r\n"), 1);
}

static void looks_up_slowly(struct server *o, struct slice address) {
    (void)o, (void)address;
    (void)fiber_sleep(USEC_SEC);
}

SERVER_TEST(message_that_is_removed_while_it_waits_its_turn_stays_removed) {
    o->look_up = looks_up_slowly;
    queue_id first = server_send(o, "tama@here.test", "mike@here.test");
    queue_id second = server_send(o, "tama@here.test", "mike@here.test");
    server_send(o, "tama@here.test", "mike@here.test");
    assert_int_equal(act(o, QUEUE_REMOVE, first, ""), 1);
    assert_int_equal(act(o, QUEUE_REMOVE, second, ""), 1);
    server_wait(o, USEC_MIN);
    assert_int_equal(o->arrived, 1);
    assert_int_equal(server_messages(o), 0);
}

SERVER_TEST(message_itself_can_be_read) {
    char part[64];
    o->transmit = not_now;
    queue_id id = server_send(o, "tama@here.test", "late@away.test");
    ssize_t n = queue_read(o->queue, id, 10, part, 9);
    assert_int_equal(n, 9);
    assert_memory_equal(part, "from test", 9);
    assert_int_equal(queue_read(o->queue, id, 100000, part, sizeof part), 0);
    assert_int_equal(queue_read(o->queue, id + 1, 0, part, sizeof part), -E_UNKNOWN);
}

SERVER_TEST(new_settings_count_at_once) {
    o->options.recipients_per_transaction = 1;
    queue_configure(o->queue, &o->options);
    server_send(o, "tama@here.test", "a@away.test b@away.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmissions, 2);
}

SERVER_TEST(new_settings_reach_the_spool_and_the_reports) {
    o->options.spool.reserve = 1ULL << 60;
    queue_configure(o->queue, &o->options);
    assert_false(queue_room(o->queue, 1));
    o->options.spool.reserve = 1;
    o->options.hostname = S("new-name.test");
    queue_configure(o->queue, &o->options);
    assert_true(queue_room(o->queue, 1));
    server_send(o, "tama@here.test", "nobody@here.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Reporting-MTA: dns; new-name.test\r\n"), 1);
}

/* Many fibers walk one snapshot, and give way to each other at any message, the last one too. */
SERVER_TEST(what_is_done_to_all_is_done_to_each_once_whatever_their_number) {
    o->transmit = not_now;
    for (unsigned count = 1; count <= 150; count++) {
        (void)server_send(o, "tama@here.test", "late@away.test");
        if (count % 16 > 1 && count % 16 < 15)
            continue;
        server_wait(o, USEC_SEC);
        assert_int_equal(act(o, QUEUE_HOLD, 0, ""), count);
        assert_int_equal(act(o, QUEUE_RELEASE, 0, ""), count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_done_to_all_is_done_to_each_once_whatever_their_number),
        cmocka_unit_test(test_list_shows_what_is_left_to_do),
        cmocka_unit_test(test_list_goes_page_by_page_in_order_of_ids),
        cmocka_unit_test(test_match_is_part_of_sender_or_open_recipient),
        cmocka_unit_test(test_held_message_waits_until_it_is_released_also_over_a_restart),
        cmocka_unit_test(test_retry_tries_at_once_where_a_destination_rests_too),
        cmocka_unit_test(test_retry_survives_a_restart),
        cmocka_unit_test(test_removed_message_is_gone),
        cmocka_unit_test(test_removing_with_bounce_tells_the_sender),
        cmocka_unit_test(test_unknown_message_is_told),
        cmocka_unit_test(test_message_that_is_removed_while_it_is_transmitted_stays_removed),
        cmocka_unit_test(
            test_message_that_is_removed_while_hosts_answer_at_different_times_stays_removed),
        cmocka_unit_test(test_sessions_at_the_same_time_have_no_more_messages_held_than_may_be),
        cmocka_unit_test(
            test_sessions_at_the_same_time_have_no_more_bytes_held_than_may_be_and_a_message),
        cmocka_unit_test(test_what_could_not_be_stored_is_not_counted_as_held),
        cmocka_unit_test(test_message_that_is_held_while_it_is_transmitted_keeps_what_came_of_it),
        cmocka_unit_test(test_message_that_is_held_while_it_is_taken_by_all_is_settled),
        cmocka_unit_test(
            test_message_that_is_held_while_it_is_transmitted_stays_held_over_a_restart),
        cmocka_unit_test(test_message_that_is_held_and_released_while_it_is_transmitted_goes_on),
        cmocka_unit_test(test_hold_of_a_day_causes_one_notice_when_it_ends),
        cmocka_unit_test(
            test_message_that_is_removed_with_bounce_while_it_is_transmitted_is_reported_once),
        cmocka_unit_test(test_message_that_is_removed_while_it_waits_its_turn_stays_removed),
        cmocka_unit_test(test_message_itself_can_be_read),
        cmocka_unit_test(test_all_messages_are_meant_only_where_that_is_said),
        cmocka_unit_test(test_new_settings_count_at_once),
        cmocka_unit_test(test_new_settings_reach_the_spool_and_the_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
