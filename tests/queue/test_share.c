/* SPDX-License-Identifier: ISC */
/*
 * How messages share what there is: workers, places at destinations, memory.
 */
#include <stdio.h>

#include "fake_server.h"

static int takes_a_minute(struct server *o, const struct queue_transmission *t,
                          struct relay_outcome *outcome) {
    (void)o, (void)outcome;
    return fiber_sleep(slice_starts(t->domain, S("slow")) ? USEC_MIN : USEC_SEC);
}

static void send_many(struct server *o, const char *sender, const char *format, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char to[80];
        (void)snprintf(to, sizeof to, format, i);
        server_send(o, sender, to);
    }
}

static unsigned place_of(const struct server *o, const char *recipient) {
    for (unsigned i = 0; i < o->arrived; i++)
        if (strcmp(o->arrivals[i].recipient, recipient) == 0)
            return i;
    fail_msg("nothing arrived for %s", recipient);
    return 0;
}

SERVER_TEST(messages_of_this_host_do_not_wait_for_other_hosts) {
    o->options.active_max = 8;
    server_reopen(o);
    o->begin = takes_a_minute;
    send_many(o, "tama@here.test", "a@slow%u.test", 30);
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmitting, 6);
    server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    server_wait(o, 10 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_true(o->most_transmitting <= 8);
}

SERVER_TEST(destination_has_a_bounded_number_of_places) {
    o->options.destination_max = 3;
    server_reopen(o);
    o->begin = takes_a_minute;
    send_many(o, "tama@here.test", "a%u@slow.test", 20);
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmitting, 3);
    server_send(o, "tama@here.test", "other@fast.test");
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(server_count(o, "other@fast.test"), 1);
    server_wait(o, 7 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(o->arrived, 21);
    for (unsigned i = 1; i <= 20; i += 3) /* in order of arrival, three at a time */
        for (unsigned k = i; k < i + 3 && k <= 20; k++) {
            char to[40];
            (void)snprintf(to, sizeof to, "a%u@slow.test", k - 1);
            assert_in_range(place_of(o, to), i - (i == 1), i + 2);
        }
}

/* A message that waits at one counter still gets on with its other recipients. */
SERVER_TEST(crowded_destination_holds_up_no_other_recipient) {
    o->options.destination_max = 1;
    server_reopen(o);
    o->begin = takes_a_minute;
    server_send(o, "mike@here.test", "first@slow.test");
    server_send(o, "tama@here.test", "second@slow.test ok@fast.test gone@here.test");
    server_wait(o, 5 * USEC_SEC);
    assert_int_equal(server_count(o, "ok@fast.test"), 1);
    assert_int_equal(server_count(o, "second@slow.test"), 0);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(server_count(o, "second@slow.test"), 1);
    assert_int_equal(o->transmissions, 3);
    assert_int_equal(server_messages(o), 0);
}

SERVER_TEST(places_of_messages_that_are_held_or_removed_are_given_on) {
    uint64_t count;
    o->options.destination_max = 1;
    server_reopen(o);
    o->begin = takes_a_minute;
    send_many(o, "tama@here.test", "a%u@slow.test", 4);
    server_wait(o, USEC_SEC);
    struct queue_match second = {.text = S("a1@")}, third = {.text = S("a2@")};
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_HOLD}, &second,
                               &count, NULL, NULL),
                     0);
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_REMOVE}, &third,
                               &count, NULL, NULL),
                     0);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(server_count(o, "a3@slow.test"), 1);
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_RELEASE}, &second,
                               &count, NULL, NULL),
                     0);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(server_count(o, "a1@slow.test"), 1);
    assert_int_equal(server_messages(o), 0);
}

/* One huge mailing does not starve others; of four, one may share its turn by chance. */
SERVER_TEST(senders_take_turns) {
    static const char *const others[] = {"b", "c", "d", "e"};
    unsigned early = 0;
    char text[32];
    o->options.active_max = 8;
    server_reopen(o);
    o->begin = takes_a_minute;
    send_many(o, "mailing@here.test", "a@slow%u.test", 100);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        char to[32];
        (void)snprintf(text, sizeof text, "%s@here.test", others[i]);
        (void)snprintf(to, sizeof to, "%s@slowly%%u.test", others[i]);
        send_many(o, text, to, 3);
    }
    server_wait(o, 60 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        (void)snprintf(text, sizeof text, "%s@slowly0.test", others[i]);
        size_t first = place_of(o, text);
        (void)snprintf(text, sizeof text, "%s@slowly2.test", others[i]);
        early += first < 20 && place_of(o, text) < 50;
    }
    assert_true(early >= 2);
}

static int fails_first(struct server *o, const struct queue_transmission *t,
                       const struct recipient *recipient, struct arena *a,
                       struct relay_result *ret) {
    (void)t, (void)a;
    if (o->number && slice_starts(recipient->address, S("late")))
        *ret = reply_of(RELAY_LATER, 451, 4, 4, 1, "Connection refused");
    return 0;
}

SERVER_TEST(messages_that_were_tried_before_leave_room_for_fresh_ones) {
    struct queue_match all = {.all = true};
    uint64_t count;
    o->options.active_max = 8;
    server_reopen(o);
    o->transmit = fails_first;
    o->number = 1;
    send_many(o, "tama@here.test", "late@slow%u.test", 40);
    server_wait(o, USEC_MIN);
    o->number = 0;
    o->begin = takes_a_minute;
    assert_int_equal(
        queue_act(o->queue, &(struct queue_order){.action = QUEUE_RETRY}, &all, &count, NULL, NULL),
        0);
    assert_int_equal(count, 40);
    server_wait(o, USEC_SEC);
    assert_int_equal(o->transmitting, 5);
    server_send(o, "tama@here.test", "fresh@fast.test");
    server_wait(o, 3 * USEC_SEC);
    assert_int_equal(server_count(o, "fresh@fast.test"), 1);
    server_wait(o, 20 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
}

/* ------------------------------------------------------------------ order */

static queue_id begun[400]; /* in the order in which the mailbox was asked to take them */
static unsigned begun_count;

static int takes_a_while(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)o, (void)p;
    begun[begun_count++] = d->message.id;
    return fiber_sleep(USEC_SEC);
}

/* The directory takes longer for each address than for the one asked next. */
static void answers_late(struct server *o, struct slice address) {
    (void)address;
    (void)fiber_sleep((100 - o->number++ % 100) * USEC_MS);
}

SERVER_TEST(messages_for_one_address_are_delivered_in_order) {
    queue_id sent[300];
    begun_count = 0;
    o->look_up = answers_late;
    o->deliver = takes_a_while;
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
        sent[i] = server_send(o, "tama@here.test", i % 3 ? "mike@here.test" : "mike@Here.Test");
    usec_t began = fiber_now();
    while (server_messages(o) > 0)
        server_wait(o, 10 * USEC_MS);
    assert_int_equal(begun_count, ARRAY_SIZE(sent));
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++)
        assert_int_equal(begun[i], sent[i]);
    assert_true(fiber_now() - began < 2 * USEC_SEC); /* all at a time, for group commit */
}

SERVER_TEST(order_is_kept_among_messages_with_several_recipients) {
    begun_count = 0;
    o->look_up = answers_late;
    o->deliver = takes_a_while;
    queue_id first = server_send(o, "tama@here.test", "mike@here.test kuro@here.test");
    queue_id second = server_send(o, "tama@here.test", "kuro@here.test mike@here.test");
    server_wait(o, 5 * USEC_SEC);
    assert_int_equal(begun_count, 4);
    assert_true(begun[0] == first && begun[1] == first);
    assert_true(begun[2] == second && begun[3] == second);
}

/* One transaction may name a recipient twice. */
SERVER_TEST(message_with_an_address_twice_does_not_wait_for_itself) {
    server_send(o, "tama@here.test", "mike@here.test mike@HERE.test mike@here.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_messages(o), 0);
}

static void mike_is_slow(struct server *o, struct slice address) {
    if (o->number && slice_starts(address, S("mike")))
        (void)fiber_sleep(o->number-- * USEC_SEC);
}

SERVER_TEST(messages_for_other_addresses_are_not_held_up) {
    o->look_up = mike_is_slow;
    o->number = 2;
    server_send(o, "tama@here.test", "mike@here.test");
    queue_id second = server_send(o, "tama@here.test", "mike@here.test");
    server_send(o, "tama@here.test", "kuro@here.test");
    server_wait(o, 1500 * USEC_MS);
    assert_int_equal(server_count(o, "kuro@here.test"), 1);
    assert_int_equal(server_count(o, "mike@here.test"), 0);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_count(o, "mike@here.test"), 2);
    assert_int_equal(server_last(o, "mike@here.test")->id, second);
}

static void mike_is_stuck(struct server *o, struct slice address) {
    (void)o;
    if (slice_starts(address, S("mike")))
        (void)fiber_sleep(4 * USEC_MIN);
}

SERVER_TEST(message_that_is_stuck_holds_up_younger_ones_for_ten_seconds) {
    o->look_up = mike_is_stuck;
    queue_id first = server_send(o, "tama@here.test", "kuro@here.test mike@here.test");
    queue_id second = server_send(o, "tama@here.test", "kuro@here.test");
    server_wait(o, 9 * USEC_SEC);
    assert_int_equal(server_count(o, "kuro@here.test"), 0);
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(server_last(o, "kuro@here.test")->id, second);
    server_wait(o, 5 * USEC_MIN);
    assert_int_equal(server_last(o, "kuro@here.test")->id, first);
    assert_int_equal(server_messages(o), 0);
}

static int not_yet(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)o, (void)d, (void)p;
    return -E_TEMPORARY;
}

SERVER_TEST(message_that_is_tried_again_holds_up_no_younger_one) {
    o->deliver = not_yet;
    queue_id first = server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, USEC_SEC);
    o->deliver = NULL;
    o->look_up = mike_is_slow;
    o->number = 600; /* of the second attempt, 4 to 6 minutes later */
    server_wait(o, 6 * USEC_MIN);
    o->number = 0;
    queue_id second = server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(server_last(o, "mike@here.test")->id, second);
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_last(o, "mike@here.test")->id, first);
    assert_int_equal(server_messages(o), 0);
}

static void fails_once(struct server *o, struct slice address) {
    bool fails = o->number-- > 0; /* who asks first; two that sleep alike wake in any order */
    (void)address;
    (void)fiber_sleep(USEC_SEC);
    o->resolve_error = fails ? -E_TEMPORARY : 0;
}

SERVER_TEST(message_that_leads_nowhere_now_gives_its_turn_on) {
    o->look_up = fails_once;
    o->number = 1;
    server_send(o, "tama@here.test", "mike@here.test");
    queue_id second = server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_last(o, "mike@here.test")->id, second);
}

/* ------------------------------------------------------------------ fibers, memory */

SERVER_TEST(waiting_messages_have_no_fibers) {
    struct fiber_stats before, after;
    o->transmit = fails_first;
    o->number = 1;
    server_wait(o, USEC_SEC);
    fiber_stats(&before);
    send_many(o, "tama@here.test", "late@away%u.test", 300);
    server_wait(o, USEC_MIN);
    fiber_stats(&after);
    assert_int_equal(after.fibers, before.fibers);
    assert_int_equal(server_messages(o), 300);
}

static int counts_together(struct server *o, const struct queue_delivery *d,
                           struct problem *problem) {
    (void)d, (void)problem;
    o->number = MAX(o->number, (int)o->delivering);
    return fiber_sleep(USEC_SEC);
}

SERVER_TEST(memory_for_bodies_is_bounded) {
    _cleanup_(buf_done) struct buf bytes = {0};
    o->options.memory_max = 200U << 10;
    server_reopen(o);
    o->deliver = counts_together;
    buf_add_str(&bytes, "Subject: x\r\n\r\n");
    while (bytes.len < 30U << 10)
        buf_add_str(&bytes, "some more words\r\n");
    for (int i = 0; i < 12; i++) {
        struct queue_message message = {.envelope.reverse_path = S("a@b.test"),
                                        .bytes = buf_slice(&bytes)};
        assert_int_equal(server_submit(o, &message, "kuro@here.test"), 0);
    }
    server_wait(o, USEC_MIN);
    assert_int_equal(o->number, 3);
    assert_int_equal(o->arrived, 12);
}

SERVER_TEST(many_recipients_of_this_host_are_delivered_side_by_side) {
    _cleanup_(buf_done) struct buf to = {0};
    o->deliver = counts_together;
    for (int i = 0; i < 64; i++)
        buf_printf(&to, "many%d@here.test ", i);
    server_send(o, "tama@here.test", buf_str(&to));
    server_wait(o, 5 * USEC_SEC);
    assert_int_equal(o->number, 16);
    assert_int_equal(o->arrived, 64);
    assert_int_equal(server_messages(o), 0);
}

SERVER_TEST(message_with_many_domains_gets_them_all) {
    _cleanup_(buf_done) struct buf to = {0};
    o->options.active_max = 4; /* no room for helpers when all are busy */
    server_reopen(o);
    o->begin = takes_a_minute;
    for (int i = 0; i < 20; i++)
        buf_printf(&to, "a@fast%d.test ", i);
    send_many(o, "mike@here.test", "a@slow%u.test", 2);
    server_send(o, "tama@here.test", buf_str(&to));
    server_wait(o, 5 * USEC_MIN);
    assert_int_equal(o->arrived, 22);
    assert_true(o->most_transmitting <= 4);
    assert_int_equal(server_messages(o), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_this_host_do_not_wait_for_other_hosts),
        cmocka_unit_test(test_destination_has_a_bounded_number_of_places),
        cmocka_unit_test(test_crowded_destination_holds_up_no_other_recipient),
        cmocka_unit_test(test_places_of_messages_that_are_held_or_removed_are_given_on),
        cmocka_unit_test(test_senders_take_turns),
        cmocka_unit_test(test_messages_that_were_tried_before_leave_room_for_fresh_ones),
        cmocka_unit_test(test_messages_for_one_address_are_delivered_in_order),
        cmocka_unit_test(test_order_is_kept_among_messages_with_several_recipients),
        cmocka_unit_test(test_message_with_an_address_twice_does_not_wait_for_itself),
        cmocka_unit_test(test_messages_for_other_addresses_are_not_held_up),
        cmocka_unit_test(test_message_that_is_stuck_holds_up_younger_ones_for_ten_seconds),
        cmocka_unit_test(test_message_that_is_tried_again_holds_up_no_younger_one),
        cmocka_unit_test(test_message_that_leads_nowhere_now_gives_its_turn_on),
        cmocka_unit_test(test_waiting_messages_have_no_fibers),
        cmocka_unit_test(test_memory_for_bodies_is_bounded),
        cmocka_unit_test(test_many_recipients_of_this_host_are_delivered_side_by_side),
        cmocka_unit_test(test_message_with_many_domains_gets_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
