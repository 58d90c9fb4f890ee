/* SPDX-License-Identifier: ISC */
/*
 * What an edge may do with messages: only with its own. There is no queue behind these calls, so
 * nothing of it may be touched.
 */
#include "unit.h"

#include <errno.h>

#include "message/queue_id.h"
#include "queue/queue.h"
#include "role/roles.h"

static const struct rpc_queue_handlers *calls;
static struct process process;
static const struct rpc_caller edge_3 = {.role = ROLE_EDGE, .worker = 3};

static queue_id id_of(uint8_t worker) {
    struct queue_ids ids;
    queue_ids_init(&ids, worker);
    return queue_id_next(&ids, TEST_WALL);
}

FIBER_TEST(an_edge_opens_no_file_for_the_message_of_another) {
    struct rpc_queue_open_file_in in = {.id = id_of(2)};
    struct rpc_queue_open_file_out out;
    struct problem problem = {0};
    assert_int_equal(calls->open_file(&process, &edge_3, &in, NULL, &out, &problem), -EINVAL);
}

FIBER_TEST(an_edge_drops_no_file_of_another) {
    struct rpc_queue_drop_file_in in = {.id = id_of(2)};
    struct rpc_queue_drop_file_out out;
    struct problem problem = {0};
    assert_int_equal(calls->drop_file(&process, &edge_3, &in, NULL, &out, &problem), -EINVAL);
}

/* Mailboxes know a message by its id: who can choose it can have another one taken for a copy. */
FIBER_TEST(an_edge_submits_no_message_under_the_id_of_another) {
    _cleanup_(arena_done) struct arena a = {0};
    struct recipient recipient = {.address = S("tama@example.test")};
    struct rpc_queue_submit_in in = {.id = id_of(2),
                                     .envelope = {.recipients = &recipient, .count = 1}};
    struct rpc_queue_submit_out out;
    struct problem problem = {0};
    assert_int_equal(calls->submit(&process, &edge_3, &in, &a, &out, &problem), -EINVAL);
}

/* As a report of our own it would be held, and settled, as no message of a client is. */
FIBER_TEST(an_edge_submits_nothing_that_only_the_queue_makes) {
    static const uint8_t origins[] = {0, QUEUE_MADE_REPORT, QUEUE_MADE_EXPANSION, 255};
    _cleanup_(arena_done) struct arena a = {0};
    struct recipient recipient = {.address = S("tama@example.test")};
    struct rpc_queue_submit_in in = {.id = id_of(3),
                                     .envelope = {.recipients = &recipient, .count = 1}};
    struct rpc_queue_submit_out out;
    struct problem problem = {0};
    for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
        in.envelope.origin = origins[i];
        assert_int_equal(calls->submit(&process, &edge_3, &in, &a, &out, &problem), -EINVAL);
    }
}

/* ------------------------------------------------------------------ mailboxes */

static const struct rpc_caller mail_0 = {.role = ROLE_MAIL};

static int submit_from_mail(uint64_t id, uint8_t origin, struct slice login) {
    _cleanup_(arena_done) struct arena a = {0};
    struct recipient recipient = {.address = S("tama@example.test")};
    struct rpc_queue_submit_in in = {
        .id = id,
        .envelope = {.recipients = &recipient, .count = 1, .origin = origin, .login = login}};
    struct rpc_queue_submit_out out;
    struct problem problem = {0};
    return calls->submit(&process, &mail_0, &in, &a, &out, &problem);
}

/* For a user, and under an id that the queue gives: not as a stranger, a host or the queue. */
FIBER_TEST(a_mailbox_submits_for_its_user_only) {
    assert_int_equal(submit_from_mail(0, QUEUE_FROM_OUTSIDE, S("tama@example.test")), -EINVAL);
    assert_int_equal(submit_from_mail(0, QUEUE_FROM_HOST, S("tama@example.test")), -EINVAL);
    assert_int_equal(submit_from_mail(0, QUEUE_MADE_REPORT, S("tama@example.test")), -EINVAL);
    assert_int_equal(submit_from_mail(0, QUEUE_FROM_USER, S("")), -EINVAL);
    assert_int_equal(submit_from_mail(id_of(2), QUEUE_FROM_USER, S("tama@example.test")), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edge_opens_no_file_for_the_message_of_another),
        cmocka_unit_test(test_an_edge_drops_no_file_of_another),
        cmocka_unit_test(test_an_edge_submits_no_message_under_the_id_of_another),
        cmocka_unit_test(test_an_edge_submits_nothing_that_only_the_queue_makes),
        cmocka_unit_test(test_a_mailbox_submits_for_its_user_only),
    };
    calls = role_queue.handlers;
    return cmocka_run_group_tests_name("queue role", tests, NULL, NULL);
}
