/* SPDX-License-Identifier: ISC */
/*
 * What a delivery wants sent: redirects, answers. That it is sent exactly once is held by
 * test_crash.c, which kills the queue at each write.
 */
#include "fake_server.h"

#include <stdio.h>

#include "queue/route.h"

static const struct recipient far_away = {.address = {"far@away.test", 13},
                                          .original = {"rfc822;mike@here.test", 21},
                                          .notify = NOTIFY_FAILURE};

static struct queue_wanted *one(struct arena *a, struct queue_delivered *ret) {
    struct queue_wanted *wanted = arena_array(a, 1, sizeof *wanted);
    *ret = (struct queue_delivered){.wanted = wanted, .count = 1};
    return wanted;
}

/* ------------------------------------------------------------------ sent on */

static void redirect(struct server *o, const struct queue_delivery *d, struct arena *a,
                     struct queue_delivered *ret) {
    (void)o, (void)d;
    *one(a, ret) = (struct queue_wanted){
        .envelope = {.reverse_path = S("mike@here.test"), .recipients = &far_away, .count = 1},
        .bytes = S("Delivered-To: mike@here.test\r\n"),
        .same = true};
}

SERVER_TEST(redirect_is_the_same_message_behind_the_fields_of_the_mailbox) {
    o->rules = redirect;
    server_send(o, "kuro@here.test", "mike@here.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_count(o, "far@away.test"), 1);
    const struct arrival *a = server_last(o, "far@away.test");
    assert_string_equal(a->sender, "mike@here.test");
    assert_int_equal(a->notify, NOTIFY_FAILURE);
    assert_true(
        slice_starts(a->bytes, S("Delivered-To: mike@here.test\r\nReceived: from test\r\nFrom: ")));
    assert_true(slice_ends(a->bytes, slice_of_str(SERVER_MESSAGE)));
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(occurs(buf_slice(&o->journey),
                            "sends Sends a message by the rules of the mailbox of mike@here.test"),
                     1);
}

/* ------------------------------------------------------------------ answers */

static void answer(struct server *o, const struct queue_delivery *d, struct arena *a,
                   struct queue_delivered *ret) {
    static const struct recipient back = {.address = {"kuro@here.test", 14}};
    (void)o;
    if (slice_eq(d->mailbox.address, S("mike@here.test")))
        *one(a, ret) = (struct queue_wanted){
            .envelope = {.recipients = &back, .count = 1},
            .bytes = S("Auto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nI am away.\r\n")};
}

SERVER_TEST(answer_is_a_message_of_its_own) {
    o->rules = answer;
    queue_id id = server_send(o, "kuro@here.test", "mike@here.test");
    server_wait(o, USEC_SEC);
    const struct arrival *a = server_last(o, "kuro@here.test");
    assert_string_equal(a->sender, "");
    assert_int_not_equal(a->root, id); /* a mailbox that has the other one takes this one too */
    assert_int_equal(occurs(a->bytes, "Subject: Away\r\n"), 1);
    assert_int_equal(occurs(a->bytes, "Received: from test"), 0);
}

/* Recipients who share a mailbox share what its rules send. */
SERVER_TEST(mailbox_is_asked_once_for_all_who_lead_there) {
    o->rules = answer;
    server_send(o, "kuro@here.test", "mike@here.test Mike@here.test mike+x@here.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_count(o, "kuro@here.test"), 1);
}

/* ------------------------------------------------------------------ bounds */

static unsigned asked;

static void to_itself(struct server *o, const struct queue_delivery *d, struct arena *a,
                      struct queue_delivered *ret) {
    static const struct recipient mike = {.address = {"mike@here.test", 14}};
    (void)o, (void)d;
    asked++;
    *one(a, ret) =
        (struct queue_wanted){.envelope = {.recipients = &mike, .count = 1}, .same = true};
}

SERVER_TEST(mailbox_that_sends_to_itself_comes_to_an_end) {
    asked = 0;
    o->rules = to_itself;
    server_send(o, "kuro@here.test", "mike@here.test");
    server_wait(o, USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(asked, ROUTE_EXPANSIONS_MAX + 1);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(
        occurs(buf_slice(&o->journey), "The mailbox of mike@here.test sends nothing more"), 1);
}

static void nonsense(struct server *o, const struct queue_delivery *d, struct arena *a,
                     struct queue_delivered *ret) {
    (void)d;
    if (o->number-- > 0)
        *one(a, ret) = (struct queue_wanted){.bytes = S("Subject: for nobody\r\n\r\n")};
}

SERVER_TEST(delivery_that_wants_a_message_for_nobody_is_tried_again) {
    o->number = 1;
    o->rules = nonsense;
    server_send(o, "kuro@here.test", "mike@here.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_messages(o), 1);
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
}

#define CROWD 30U

static void much(struct server *o, const struct queue_delivery *d, struct arena *a,
                 struct queue_delivered *ret) {
    struct recipient *to = ARENA_NEW(a, struct recipient);
    char *bytes = arena_alloc(a, 200000);
    (void)o;
    if (!slice_starts(d->recipient, S("many")))
        return;
    memset(bytes, 'x', 200000);
    memcpy(bytes, "S: x\r\n\r\n", 8);
    memcpy(bytes + 200000 - 2, "\r\n", 2);
    to->address = arena_printf(a, "back.%.*s", SLICE_ARG(slice_first(d->recipient, 6)));
    to->address = arena_printf(a, "%.*s@away.test", SLICE_ARG(to->address));
    *one(a, ret) = (struct queue_wanted){.envelope = {.recipients = to, .count = 1},
                                         .bytes = slice_of(bytes, 200000)};
}

/* Six megabytes in all: in several commits, with less than that in memory at a time. */
SERVER_TEST(deliveries_that_want_much_sent_are_settled_in_parts) {
    _cleanup_(buf_done) struct buf recipients = {0};
    for (unsigned i = 0; i < CROWD; i++)
        buf_printf(&recipients, "many%02u@here.test ", i);
    o->options.spool.segment_size = 0;
    server_reopen(o);
    o->rules = much;
    server_send(o, "kuro@here.test", buf_str(&recipients));
    server_wait(o, USEC_MIN);
    for (unsigned i = 0; i < CROWD; i++) {
        char address[40];
        (void)snprintf(address, sizeof address, "back.many%02u@away.test", i);
        assert_int_equal(server_count(o, address), 1);
    }
    assert_int_equal(server_messages(o), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_redirect_is_the_same_message_behind_the_fields_of_the_mailbox),
        cmocka_unit_test(test_answer_is_a_message_of_its_own),
        cmocka_unit_test(test_mailbox_is_asked_once_for_all_who_lead_there),
        cmocka_unit_test(test_mailbox_that_sends_to_itself_comes_to_an_end),
        cmocka_unit_test(test_delivery_that_wants_a_message_for_nobody_is_tried_again),
        cmocka_unit_test(test_deliveries_that_want_much_sent_are_settled_in_parts),
    };
    return cmocka_run_group_tests_name("queue rules", tests, NULL, NULL);
}
