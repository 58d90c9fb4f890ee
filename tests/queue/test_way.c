/* SPDX-License-Identifier: ISC */
/*
 * The way of messages: mailboxes of this host, other hosts, aliases.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "fake_server.h"

#include "message/header.h"

static void expect_header(struct slice message, const char *name, size_t nth, const char *value) {
    struct header_field field;
    if (!header_find(message, NULL, slice_of_str(name), nth, &field))
        fail_msg("no field %s", name);
    assert_slice(slice_trim_lines(field.raw), value);
}

/* RFC 5321 §4.4: Return-Path at final delivery; row A7: Delivered-To. */
SERVER_TEST(local_message_gets_return_path_and_delivered_to) {
    queue_id id = server_send(o, "tama@here.test", "mike+shop@here.test");
    server_wait(o, USEC_MS);
    const struct arrival *a = server_last(o, "mike+shop@here.test");
    assert_int_equal(a->id, id);
    assert_string_equal(a->mailbox, "mike@here.test");
    expect_header(a->bytes, "Return-Path", 0, "<tama@here.test>");
    expect_header(a->bytes, "Delivered-To", 0, "mike+shop@here.test");
    assert_int_equal(header_count(a->bytes, NULL, S("Delivered-To")), 1);
    assert_true(slice_ends(a->bytes, slice_of_str(SERVER_MESSAGE)));
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(o->arrived, 1);
}

SERVER_TEST(delivery_begins_at_once) {
    server_send(o, "tama@here.test", "mike@here.test");
    usec_t accepted = fiber_wall();
    server_wait(o, USEC_SEC);
    assert_int_equal(server_last(o, "mike@here.test")->wall, accepted);
}

SERVER_TEST(name_for_another_mailbox_stands_in_a_second_delivered_to) {
    server_send(o, "", "black@here.test");
    server_wait(o, USEC_MS);
    const struct arrival *a = server_last(o, "black@here.test");
    expect_header(a->bytes, "Return-Path", 0, "<>");
    expect_header(a->bytes, "Delivered-To", 0, "kuro@here.test");
    expect_header(a->bytes, "Delivered-To", 1, "black@here.test");
}

/* RFC 5321 §4.5.4.1 */
SERVER_TEST(recipients_at_one_domain_share_a_transaction) {
    server_send(o, "tama@here.test", "a@one.test b@two.test c@ONE.test d@one.test mike@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(o->transmissions, 2);
    assert_int_equal(server_last(o, "c@ONE.test")->together, 3);
    assert_string_equal(server_last(o, "c@ONE.test")->domain, "one.test");
    assert_int_equal(server_last(o, "b@two.test")->together, 1);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_messages(o), 0);
}

SERVER_TEST(transactions_are_bounded) {
    o->options.recipients_per_transaction = 2;
    server_reopen(o);
    server_send(o, "tama@here.test", "a@one.test b@one.test c@one.test d@one.test e@one.test");
    server_wait(o, USEC_MS);
    assert_int_equal(o->transmissions, 3);
    assert_int_equal(o->arrived, 5);
}

static struct slice to_smart_host(struct slice domain) {
    (void)domain;
    return S("smart.test:587 as Lab@here.test");
}

SERVER_TEST(smart_host_takes_all_that_is_not_ours) {
    o->way = to_smart_host;
    server_send(o, "tama@here.test", "a@one.test b@two.test mike@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(o->transmissions, 1);
    assert_string_equal(server_last(o, "a@one.test")->domain, "smart.test:587 as Lab@here.test");
    assert_int_equal(server_count(o, "mike@here.test"), 1);
}

/* Names of logins mostly are addresses, and then with one domain. */
static struct slice to_two_logins(struct slice domain) {
    return slice_eq(domain, S("one.test")) ? S("first.test:587 as lab@here.test")
                                           : S("second.test:587 as office@here.test");
}

SERVER_TEST(what_goes_to_different_logins_goes_apart) {
    o->way = to_two_logins;
    server_send(o, "tama@here.test", "a@one.test b@two.test c@three.test");
    server_wait(o, USEC_MS);
    assert_int_equal(o->transmissions, 2);
    assert_string_equal(server_last(o, "a@one.test")->domain, "first.test:587 as lab@here.test");
    assert_string_equal(server_last(o, "b@two.test")->domain,
                        "second.test:587 as office@here.test");
    assert_int_equal(server_last(o, "c@three.test")->together, 2);
}

static int takes_a_second(struct server *o, const struct queue_transmission *t,
                          struct relay_outcome *outcome) {
    (void)o, (void)t, (void)outcome;
    return fiber_sleep(USEC_SEC);
}

SERVER_TEST(domains_of_a_message_go_in_parallel) {
    o->begin = takes_a_second;
    server_send(o, "tama@here.test", "a@one.test b@two.test c@three.test");
    server_wait(o, 1100 * USEC_MS);
    assert_int_equal(o->most_transmitting, 3);
    assert_int_equal(server_messages(o), 0);
}

/* ------------------------------------------------------------------ each on its own */

static int slow_host(struct server *o, const struct queue_transmission *t,
                     struct relay_outcome *outcome) {
    (void)o, (void)outcome;
    return fiber_sleep(slice_starts(t->domain, S("slow")) ? 10 * USEC_MIN : 0);
}

static int busy_host(struct server *o, const struct queue_transmission *t,
                     const struct recipient *recipient, struct arena *a, struct relay_result *ret) {
    (void)o, (void)t, (void)a;
    if (slice_starts(recipient->address, S("busy")))
        *ret = reply_of(RELAY_LATER, 451, 4, 3, 2, "Busy");
    return 0;
}

static size_t recipients_left(struct server *o) {
    struct queue_page page;
    assert_int_equal(queue_list(o->queue, &(struct queue_match){0}, 0, 1, false, &o->memory, &page),
                     0);
    return page.count ? page.entries[0].left : 0;
}

static uint64_t commits(struct server *o) {
    struct queue_stats stats;
    queue_stats(o->queue, &stats);
    return stats.spool.commits;
}

SERVER_TEST(delivery_here_is_settled_while_another_host_is_slow) {
    o->begin = slow_host;
    server_send(o, "tama@here.test", "mike@here.test kuro@here.test a@slow.test");
    server_wait(o, USEC_MS);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=delivered "), 2);
    assert_int_equal(recipients_left(o), 1);
    server_cut(o);
    server_open(o);
    server_wait(o, 11 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(o->again, 0);
}

SERVER_TEST(alias_is_expanded_while_another_host_is_slow) {
    o->begin = slow_host;
    server_send(o, "mike@here.test", "both@here.test a@slow.test");
    server_wait(o, USEC_MS);
    assert_int_equal(server_count(o, "tama@here.test"), 1);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(recipients_left(o), 1);
}

SERVER_TEST(host_that_was_busy_is_tried_again_while_another_one_is_slow) {
    o->begin = slow_host;
    o->transmit = busy_host;
    server_send(o, "tama@here.test", "a@fast.test busy@other.test b@slow.test");
    server_wait(o, USEC_MS);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=transmitted a@fast.test"), 1);
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=deferred busy@other.test"), 1);
    assert_int_equal(recipients_left(o), 2);
}

/* One mailbox more does not cost one commit more. */
SERVER_TEST(recipients_of_this_host_are_settled_together) {
    server_wait(o, USEC_MS);
    uint64_t before = commits(o);
    server_send(o, "tama@here.test", "mike@here.test kuro@here.test keep@here.test tama@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(o->arrived, 5);
    assert_int_equal(commits(o) - before, 3); /* accepted; settled with the expansion; that too */
}

static int slow_mailbox(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)o, (void)p;
    return fiber_sleep(slice_eq(d->mailbox.address, S("kuro@here.test")) ? 10 * USEC_SEC : 0);
}

SERVER_TEST(slow_mailbox_holds_up_another_one_for_a_second) {
    o->deliver = slow_mailbox;
    server_send(o, "tama@here.test", "mike@here.test kuro@here.test");
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=delivered mike@here.test"), 1);
    assert_int_equal(recipients_left(o), 1);
    server_wait(o, 10 * USEC_SEC);
    assert_int_equal(server_messages(o), 0);
}

/* A message that has to wait for a worker that may wait for other hosts. */
SERVER_TEST(delivery_that_is_reported_is_not_made_again_behind_the_line) {
    o->options.active_max = 4;
    server_reopen(o);
    o->begin = slow_host;
    for (int i = 0; i < 5; i++)
        server_send(o, "kuro@here.test", "a@slow.test");
    server_send(o, "tama@here.test", "mike@here.test/2 b@fast.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_count(o, "b@fast.test"), 0);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Action: delivered\r\n"), 1);
    server_wait(o, 30 * USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(o->again, 0);
    assert_int_equal(server_reports(o), 1);
}

/* Memory that messages to other hosts hold is not waited for with a delivery to be made here. */
SERVER_TEST(delivery_here_does_not_wait_for_the_memory_of_slow_transmissions) {
    _cleanup_(buf_done) struct buf bytes = {0};
    o->options.memory_max = 100U << 10;
    server_reopen(o);
    o->begin = slow_host;
    while (bytes.len < 30U << 10)
        buf_add_str(&bytes, "some words\r\n");
    struct queue_message first = {.envelope.reverse_path = S("tama@here.test"),
                                  .bytes = buf_slice(&bytes)};
    struct queue_message second = first;
    assert_int_equal(server_submit(o, &first, "a@slow.test"), 0);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_submit(o, &second, "mike@here.test b@fast.test"), 0);
    server_wait(o, USEC_SEC);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_count(o, "b@fast.test"), 0);
    server_wait(o, 11 * USEC_MIN);
    assert_int_equal(server_count(o, "b@fast.test"), 1);
    assert_int_equal(server_messages(o), 0);
}

/* ------------------------------------------------------------------ aliases */

SERVER_TEST(alias_with_several_targets_becomes_a_message_to_them) {
    queue_id id = server_send(o, "tama@here.test", "team@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(o->arrived, 3);
    const struct arrival *a = server_last(o, "mike@here.test");
    assert_int_not_equal(a->id, id);
    assert_int_equal(server_last(o, "tama@here.test")->id, a->id);
    assert_int_equal(server_last(o, "out@away.test")->id, a->id);
    assert_string_equal(a->sender, "tama@here.test");
    expect_header(a->bytes, "Delivered-To", 0, "mike@here.test");
    expect_header(a->bytes, "Delivered-To", 1, "team@here.test");
    expect_header(server_last(o, "out@away.test")->bytes, "Delivered-To", 0, "team@here.test");
}

SERVER_TEST(both_messages_of_an_expansion_know_each_other) {
    char id[QUEUE_ID_SIZE];
    queue_id parent = server_send(o, "tama@here.test", "both@here.test");
    server_wait(o, USEC_MS);
    struct slice journey = buf_slice(&o->journey);
    queue_id_format(parent, id);
    _cleanup_(buf_done) struct buf line = {0};
    buf_printf(&line, "  original=%s\n", id);
    assert_int_equal(occurs(journey, buf_str(&line)), 1);
    buf_clear(&line);
    queue_id_format(server_last(o, "mike@here.test")->id, id);
    buf_printf(&line, "  child=%s\n", id);
    assert_int_equal(occurs(journey, buf_str(&line)), 1);
}

SERVER_TEST(who_keeps_a_copy_gets_one_and_the_forward_goes_out) {
    server_send(o, "tama@here.test", "keep@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(server_count(o, "keep@here.test"), 1);
    assert_int_equal(server_count(o, "out@away.test"), 1);
    assert_int_equal(o->arrived, 2);
    assert_int_equal(server_messages(o), 0);
}

/* A target of several aliases gets the message once, and nobody learns of the other aliases. */
SERVER_TEST(aliases_of_one_message_expand_together) {
    server_send(o, "mike@here.test", "both@here.test team@here.test");
    server_wait(o, USEC_MS);
    assert_int_equal(server_count(o, "tama@here.test"), 1);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_count(o, "out@away.test"), 1);
    assert_int_equal(header_count(server_last(o, "out@away.test")->bytes, NULL, S("Delivered-To")),
                     0);
}

/* RFC 5321 §6.3: what comes back by a forward is stopped at once. */
SERVER_TEST(forward_that_leads_back_is_a_loop) {
    struct queue_message message = {
        .envelope.reverse_path = S("tama@here.test"),
        .envelope.origin = QUEUE_FROM_USER,
        .bytes = S("Delivered-To: away@here.test\r\nSubject: again\r\n\r\nx\r\n"),
    };
    assert_int_equal(server_submit(o, &message, "away@here.test"), 0);
    server_wait(o, USEC_MS);
    assert_int_equal(server_count(o, "out@away.test"), 0);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Status: 5.4.6\r\n"), 1);
}

/* ------------------------------------------------------------------ large messages */

static int put_file(struct server *o, queue_id id, struct slice bytes) {
    int fd = -1;
    int error = queue_open_file(o->queue, id, &fd);
    if (error)
        return error;
    assert_int_equal(pwrite(fd, bytes.ptr, bytes.len, 0), bytes.len);
    close(fd);
    return 0;
}

static struct slice large_bytes(struct server *o) {
    _cleanup_(buf_done) struct buf bytes = {0};
    buf_add_str(&bytes, "Subject: large\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        buf_printf(&bytes, "line %d of a large message, which is in a file\r\n", i);
    return arena_copy(&o->memory, buf_slice(&bytes));
}

SERVER_TEST(large_message_comes_and_goes_on_through_files) {
    struct slice bytes = large_bytes(o);
    queue_id id = queue_id_next(&o->ids, fiber_wall());
    assert_int_equal(put_file(o, id, bytes), 0);
    struct queue_message message = {.id = id,
                                    .envelope.reverse_path = S("tama@here.test"),
                                    .head = S("Received: x\r\n"),
                                    .in_file = true};
    assert_int_equal(server_submit(o, &message, "kuro@here.test team@here.test"), 0);
    server_wait(o, USEC_MS);
    assert_int_equal(server_messages(o), 0);
    const char *const arrived[] = {"kuro@here.test", "mike@here.test", "out@away.test"};
    for (size_t i = 0; i < ARRAY_SIZE(arrived); i++) {
        struct slice got = server_last(o, arrived[i])->bytes;
        expect_header(got, "Received", 0, "x");
        assert_true(slice_ends(got, bytes));
    }
}

SERVER_TEST(file_belongs_to_one_message_and_can_be_dropped) {
    queue_id id = queue_id_next(&o->ids, fiber_wall());
    struct queue_message message = {
        .id = id, .envelope.reverse_path = S("a@b.test"), .in_file = true};
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), -EINVAL);
    assert_int_equal(put_file(o, id, S("x\r\n")), 0);
    assert_int_equal(put_file(o, id, S("x\r\n")), -EINVAL);
    queue_drop_file(o->queue, id);
    queue_drop_file(o->queue, id);
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), -EINVAL);
    assert_int_equal(put_file(o, id, S("Subject: y\r\n\r\n")), 0);
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), 0);
}

SERVER_TEST(file_that_is_still_open_elsewhere_is_busy) {
    int fd = -1;
    queue_id id = queue_id_next(&o->ids, fiber_wall());
    struct queue_message message = {
        .id = id, .envelope.reverse_path = S("a@b.test"), .in_file = true};
    assert_int_equal(queue_open_file(o->queue, id, &fd), 0);
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), -E_BUSY);
    close(fd);
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), 0);
}

SERVER_TEST(number_of_open_files_is_bounded) {
    int fds[3] = {-1, -1, -1};
    o->options.files_max = 2;
    server_reopen(o);
    assert_int_equal(queue_open_file(o->queue, 1, &fds[0]), 0);
    assert_int_equal(queue_open_file(o->queue, 2, &fds[1]), 0);
    assert_int_equal(queue_open_file(o->queue, 3, &fds[2]), -E_LIMIT);
    close(fds[0]);
    close(fds[1]);
}

struct submission {
    struct server *o;
    queue_id id;
    int result;
};

static void submit_file(void *arg) {
    struct submission *s = arg;
    struct queue_message message = {
        .id = s->id, .envelope.reverse_path = S("a@b.test"), .in_file = true};
    s->result = server_submit(s->o, &message, "kuro@here.test");
}

static bool disk_is_full;

static ssize_t pwritev_until_full(int fd, const struct iovec *iov, int count, off_t offset) {
    if (!disk_is_full)
        return pwritev(fd, iov, count, offset);
    errno = ENOSPC;
    return -1;
}

static const struct pack_io DISK = {pwritev_until_full, fdatasync, fallocate};

/* An edge ends while the queue has its message, and then the disk turns out to be full. */
SERVER_TEST(file_that_is_dropped_while_it_is_submitted_leaves_room_when_it_is_refused) {
    struct fiber *fiber;
    int fd = -1;
    o->options.files_max = 1;
    o->options.spool.io = &DISK;
    server_reopen(o);
    disk_is_full = true;
    struct submission s = {.o = o, .id = queue_id_next(&o->ids, fiber_wall()), .result = 1};
    assert_int_equal(put_file(o, s.id, S("Subject: x\r\n\r\n")), 0);
    assert_int_equal(fiber_start("submission", submit_file, &s, &fiber), 0);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(s.result, 1); /* is with the spool */
    queue_drop_files_of(o->queue, queue_id_worker(s.id));
    fiber_join(fiber);
    disk_is_full = false;
    assert_int_equal(s.result, -ENOSPC);
    assert_int_equal(queue_open_file(o->queue, s.id + 1, &fd), 0);
    close(fd);
}

SERVER_TEST(file_that_is_dropped_while_it_is_submitted_belongs_to_its_message) {
    struct fiber *fiber;
    struct submission s = {.o = o, .id = queue_id_next(&o->ids, fiber_wall()), .result = 1};
    assert_int_equal(put_file(o, s.id, S("Subject: x\r\n\r\n")), 0);
    assert_int_equal(fiber_start("submission", submit_file, &s, &fiber), 0);
    assert_int_equal(fiber_yield(), 0);
    assert_int_equal(s.result, 1);
    queue_drop_files_of(o->queue, queue_id_worker(s.id));
    fiber_join(fiber);
    assert_int_equal(s.result, 0);
    server_wait(o, USEC_MS);
    assert_int_equal(server_count(o, "kuro@here.test"), 1);
}

/* ------------------------------------------------------------------ being refused */

SERVER_TEST(id_that_is_in_use_is_refused) {
    o->deliver = NULL;
    o->resolve_error = -ETIMEDOUT;
    struct queue_message message = {.envelope.reverse_path = S("a@b.test"),
                                    .bytes = S("Subject: x\r\n\r\n")};
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), 0);
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), -EINVAL);
    message.id = UINT64_MAX;
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), -EINVAL);
    message.id = 0;
    assert_int_equal(server_submit(o, &message, ""), -EINVAL);
    assert_int_equal(server_messages(o), 1);
}

/* D4: low disk space is told before it is too late. */
SERVER_TEST(full_disk_is_told) {
    assert_true(queue_room(o->queue, 1000));
    o->options.spool.reserve = INT64_MAX;
    server_reopen(o);
    struct queue_message message = {.envelope.reverse_path = S("a@b.test"),
                                    .bytes = S("Subject: x\r\n\r\n")};
    assert_int_equal(server_submit(o, &message, "kuro@here.test"), -ENOSPC);
    assert_false(queue_room(o->queue, 1000));
}

/* ------------------------------------------------------------------ what the journey is told */

static void expect_told(struct server *o, const char *what) {
    if (occurs(buf_slice(&o->journey), what) == 0)
        fail_msg("\"%s\" was not told:\n%.*s", what, SLICE_ARG(buf_slice(&o->journey)));
}

SERVER_TEST(journey_names_the_targets_and_the_message_that_goes_to_them) {
    server_send(o, "mike@here.test", "team@here.test");
    server_wait(o, USEC_MS);
    expect_told(o, "kind=expanded team@here.test: goes on to 3 addresses\n"
                   "  to=team@here.test\n"
                   "  targets=tama@here.test\nmike@here.test\nout@away.test\n");
    expect_told(o, "  child=");
    expect_told(o, "kind=delivered tama@here.test: in the mailbox of tama@here.test\n"
                   "  to=tama@here.test\n"
                   "  account=tama@here.test\n");
    buf_clear(&o->journey);
    server_send(o, "mike@here.test", "away@here.test");
    server_wait(o, USEC_MS);
    expect_told(o, "kind=expanded away@here.test: goes on to out@away.test\n");
}

SERVER_TEST(journey_names_the_report) {
    server_send(o, "mike@here.test", "gone@here.test");
    server_wait(o, USEC_MS);
    expect_told(o, "  report=");
    assert_int_equal(occurs(buf_slice(&o->journey), "  child="), 0);
}

SERVER_TEST(journey_says_when_it_is_tried_again) {
    o->transmit = busy_host;
    server_send(o, "tama@here.test", "busy@other.test");
    server_wait(o, 2 * USEC_SEC);
    struct queue_page page;
    assert_int_equal(queue_list(o->queue, &(struct queue_match){0}, 0, 1, false, &o->memory, &page),
                     0);
    char next[64];
    (void)snprintf(next, sizeof next, "  next=%lld\n", (long long)page.entries[0].next);
    expect_told(o, "  attempts=1\n");
    expect_told(o, next);
}

SERVER_TEST(journey_names_whose_message_was_removed) {
    o->transmit = busy_host;
    queue_id id = server_send(o, "tama@here.test", "mike@here.test busy@one.test busy@two.test");
    struct queue_match match = {.id = id};
    uint64_t count = 0;
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = QUEUE_REMOVE}, &match,
                               &count, NULL, NULL),
                     0);
    expect_told(o, "kind=removed Removed by the postmaster, without a report\n"
                   "  to=busy@one.test\nbusy@two.test\n");
}

static int no_dialogue(struct server *o, const struct queue_transmission *t,
                       struct relay_outcome *ret) {
    (void)o, (void)t;
    ret->dialogue = S("");
    return 0;
}

SERVER_TEST(journey_has_no_transmission_where_no_host_was_spoken_to) {
    server_send(o, "tama@here.test", "a@other.test");
    server_wait(o, USEC_MS);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=transmission "), 1);
    o->begin = no_dialogue;
    server_send(o, "tama@here.test", "a@other.test");
    server_wait(o, USEC_MS);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=transmission "), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_message_gets_return_path_and_delivered_to),
        cmocka_unit_test(test_delivery_begins_at_once),
        cmocka_unit_test(test_name_for_another_mailbox_stands_in_a_second_delivered_to),
        cmocka_unit_test(test_recipients_at_one_domain_share_a_transaction),
        cmocka_unit_test(test_transactions_are_bounded),
        cmocka_unit_test(test_smart_host_takes_all_that_is_not_ours),
        cmocka_unit_test(test_what_goes_to_different_logins_goes_apart),
        cmocka_unit_test(test_domains_of_a_message_go_in_parallel),
        cmocka_unit_test(test_delivery_here_is_settled_while_another_host_is_slow),
        cmocka_unit_test(test_alias_is_expanded_while_another_host_is_slow),
        cmocka_unit_test(test_host_that_was_busy_is_tried_again_while_another_one_is_slow),
        cmocka_unit_test(test_recipients_of_this_host_are_settled_together),
        cmocka_unit_test(test_slow_mailbox_holds_up_another_one_for_a_second),
        cmocka_unit_test(test_delivery_that_is_reported_is_not_made_again_behind_the_line),
        cmocka_unit_test(test_delivery_here_does_not_wait_for_the_memory_of_slow_transmissions),
        cmocka_unit_test(test_alias_with_several_targets_becomes_a_message_to_them),
        cmocka_unit_test(test_both_messages_of_an_expansion_know_each_other),
        cmocka_unit_test(test_who_keeps_a_copy_gets_one_and_the_forward_goes_out),
        cmocka_unit_test(test_aliases_of_one_message_expand_together),
        cmocka_unit_test(test_forward_that_leads_back_is_a_loop),
        cmocka_unit_test(test_large_message_comes_and_goes_on_through_files),
        cmocka_unit_test(test_file_belongs_to_one_message_and_can_be_dropped),
        cmocka_unit_test(test_file_that_is_still_open_elsewhere_is_busy),
        cmocka_unit_test(
            test_file_that_is_dropped_while_it_is_submitted_leaves_room_when_it_is_refused),
        cmocka_unit_test(test_file_that_is_dropped_while_it_is_submitted_belongs_to_its_message),
        cmocka_unit_test(test_number_of_open_files_is_bounded),
        cmocka_unit_test(test_id_that_is_in_use_is_refused),
        cmocka_unit_test(test_full_disk_is_told),
        cmocka_unit_test(test_journey_names_the_targets_and_the_message_that_goes_to_them),
        cmocka_unit_test(test_journey_names_the_report),
        cmocka_unit_test(test_journey_says_when_it_is_tried_again),
        cmocka_unit_test(test_journey_names_whose_message_was_removed),
        cmocka_unit_test(test_journey_has_no_transmission_where_no_host_was_spoken_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
