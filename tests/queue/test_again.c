/* SPDX-License-Identifier: ISC */
/*
 * Messages that do not arrive at once: when they are tried again, and when they are given up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "fake_server.h"
#include "fiber/scheduler.h"

static usec_t tries[200];
static unsigned tried;

static int never_there(struct server *o, const struct queue_transmission *t,
                       const struct recipient *recipient, struct arena *a,
                       struct relay_result *ret) {
    (void)o, (void)t, (void)recipient, (void)a;
    tries[tried++] = fiber_wall();
    *ret = reply_of(RELAY_LATER, 451, 4, 4, 1, "Connection refused");
    return 0;
}

static int answer_lost(struct server *o, const struct queue_transmission *t,
                       const struct recipient *recipient, struct arena *a,
                       struct relay_result *ret) {
    (void)o, (void)t, (void)recipient, (void)a;
    tries[tried++] = fiber_wall();
    *ret = reply_of(RELAY_LATER, 451, 4, 4, 2, "Connection lost");
    ret->unsure = true;
    return 0;
}

/*
 * RFC 5321 §4.5.3.2.6: what may have arrived is not sent again before the whole interval is over,
 * whatever chance or other recipients of the message log_event.
 */
SERVER_TEST(may_have_arrived_waits_the_whole_interval_and_says_so) {
    static const usec_t waits[] = {5, 10, 20, 40, 80};
    tried = 0;
    o->transmit = answer_lost;
    server_send(o, "tama@here.test", "out@away.test");
    server_wait(o, 5 * USEC_HOUR);
    assert_true(tried > ARRAY_SIZE(waits));
    for (unsigned i = 0; i < ARRAY_SIZE(waits); i++)
        assert_in_range(tries[i + 1] - tries[i], waits[i] * USEC_MIN,
                        waits[i] * USEC_MIN + USEC_SEC);
    assert_true(occurs(buf_slice(&o->journey),
                       "reply=451 4.4.2 Connection lost; the whole message was sent, so it may "
                       "have arrived already\n") == tried);
}

/* Its time is over only when it was tried once more behind a whole interval. */
SERVER_TEST(may_have_arrived_shortly_before_the_end) {
    static const usec_t first[] = {USEC_HOUR};
    o->options.schedule.first = first;
    o->options.schedule.first_count = 1;
    o->options.schedule.lifetime = 90 * USEC_MIN;
    o->options.schedule.day_one = USEC_HOUR;
    server_reopen(o);
    tried = 0;
    o->transmit = answer_lost;
    server_send(o, "tama@here.test", "out@away.test/4");
    server_wait(o, 3 * USEC_HOUR);
    assert_int_equal(tried, 3);
    assert_in_range(tries[2] - tries[1], USEC_HOUR, USEC_HOUR + USEC_SEC);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "it may have arrived already"), 1);
}

static void expect_tries(usec_t began, usec_t lifetime) {
    static const usec_t waits[] = {5, 10, 20, 40, 80};
    assert_int_equal(tries[0], began);
    for (unsigned i = 1; i + 1 < tried; i++) {
        usec_t wait = tries[i] - tries[i - 1], age = tries[i - 1] - began;
        usec_t mean = i <= ARRAY_SIZE(waits) ? waits[i - 1] * USEC_MIN
                      : age < USEC_DAY       ? 2 * USEC_HOUR
                                             : 4 * USEC_HOUR;
        assert_in_range(wait, mean * 8 / 10, mean * 12 / 10);
    }
    assert_int_equal(tries[tried - 1], began + lifetime);
}

/* the retry schedule of the settings; RFC 5321 §4.5.4.1. */
SERVER_TEST(tried_for_five_days_then_returned) {
    tried = 0;
    o->transmit = never_there;
    usec_t began = fiber_wall();
    server_send(o, "tama@here.test", "out@away.test/4");
    server_wait(o, 5 * USEC_DAY - USEC_SEC);
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(server_reports(o), 0);
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(server_messages(o), 0);
    expect_tries(began, 5 * USEC_DAY);
    assert_int_equal(server_reports(o), 1);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Action: failed\r\n"), 1);
    assert_int_equal(occurs(report, "Status: 4.4.7\r\n"), 1);
    assert_int_equal(occurs(report, "Diagnostic-Code: smtp; 451 4.4.1 Connection refused\r\n"), 1);
}

/* The same, although the queue is stopped and opened again all the time. */
SERVER_TEST(schedule_goes_on_over_restarts) {
    tried = 0;
    o->transmit = never_there;
    usec_t began = fiber_wall();
    server_send(o, "tama@here.test", "out@away.test/4");
    for (int i = 0; i < 5 * 24; i++) {
        server_wait(o, USEC_HOUR);
        server_reopen(o);
    }
    server_wait(o, USEC_MIN);
    assert_int_equal(server_messages(o), 0);
    expect_tries(began, 5 * USEC_DAY);
}

#define CROWD 5000U

static int long_excuse(struct server *o, const struct queue_transmission *t,
                       const struct recipient *recipient, struct arena *a,
                       struct relay_result *ret) {
    (void)t, (void)recipient;
    if (o->number > 0) {
        *ret = reply_of(RELAY_NEVER, 550, 5, 1, 1, "No");
        return 0;
    }
    char *text = arena_alloc(a, 1000);
    memset(text, 'x', 999);
    text[999] = 0;
    *ret = reply_of(RELAY_LATER, 451, 4, 3, 0, text);
    return 0;
}

/* The states of all together are longer than a record may be. */
SERVER_TEST(thousands_of_long_replies_do_not_hold_up_the_queue) {
    struct recipient *list = arena_array(&o->memory, CROWD, sizeof *list);
    struct problem problem = {0};
    for (unsigned i = 0; i < CROWD; i++)
        list[i].address = arena_printf(&o->memory, "r%u@away.test", i);
    struct queue_message message = {.id = queue_id_next(&o->ids, fiber_wall()),
                                    .envelope.origin = QUEUE_FROM_OUTSIDE,
                                    .bytes = slice_of_str(SERVER_MESSAGE),
                                    .envelope.recipients = list,
                                    .envelope.count = CROWD};
    o->options.spool.segment_size = 0;
    server_reopen(o);
    o->transmit = long_excuse;
    assert_int_equal(queue_submit(o->queue, &message, &problem), 0);
    server_wait(o, USEC_MIN);
    server_reopen(o);
    assert_int_equal(server_messages(o), 1);
    o->number = 1;
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_messages(o), 0);
}

SERVER_TEST(message_without_sender_is_given_up_without_a_word) {
    tried = 0;
    o->transmit = never_there;
    usec_t began = fiber_wall();
    server_send(o, "", "out@away.test");
    server_wait(o, 2 * USEC_DAY + USEC_SEC);
    assert_int_equal(server_messages(o), 0);
    expect_tries(began, 2 * USEC_DAY);
    assert_int_equal(o->arrived, 0);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=" KIND_BOUNCED), 1);
}

static int some_never_there(struct server *o, const struct queue_transmission *t,
                            const struct recipient *recipient, struct arena *a,
                            struct relay_result *ret) {
    (void)a, (void)recipient;
    *ret = reply_of(RELAY_LATER, 451, 4, 4, 1, "Connection refused");
    return fiber_sleep(slice_eq(t->domain, S("slow.test")) ? o->number * USEC_SEC : 0);
}

/* Recipients that failed together share the next transaction, and in the end one report. */
SERVER_TEST(recipients_that_fail_together_stay_together) {
    o->number = 1;
    o->transmit = some_never_there;
    server_send(o, "tama@here.test", "a@away.test/4 b@away.test/4 c@away.test/4 d@slow.test/4");
    server_wait(o, USEC_DAY);
    unsigned attempts = (unsigned)occurs(buf_slice(&o->journey), "kind=deferred a@away.test");
    assert_true(attempts > 10);
    assert_int_equal(o->transmissions, 2 * attempts);
    server_wait(o, 5 * USEC_DAY);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Status: 4.4.7\r\n"), 4);
}

/* ------------------------------------------------------------------ delay */

/* the default: at 4 h and 24 h, not at the attempt that happens to follow. */
SERVER_TEST(sender_is_told_of_the_delay_after_4_and_24_hours) {
    o->transmit = never_there;
    tried = 0;
    server_send(o, "tama@here.test", "out@away.test");
    server_wait(o, 4 * USEC_HOUR - USEC_SEC);
    assert_int_equal(server_reports(o), 0);
    server_wait(o, 3 * USEC_SEC);
    assert_int_equal(server_reports(o), 1);
    server_wait(o, 20 * USEC_HOUR - 3 * USEC_SEC);
    assert_int_equal(server_reports(o), 1);
    server_wait(o, 3 * USEC_SEC);
    assert_int_equal(server_reports(o), 2);
    struct slice report = server_report(o, 1);
    assert_int_equal(occurs(report, "Action: delayed\r\n"), 1);
    assert_int_equal(occurs(report, "Status: 4.4.1\r\n"), 1);
    assert_int_equal(occurs(report, "Will-Retry-Until: "), 1);
    assert_int_equal(occurs(report, "Diagnostic-Code: smtp; 451 4.4.1 Connection refused\r\n"), 1);
    server_wait(o, 5 * USEC_DAY);
    assert_int_equal(server_reports(o), 3);
}

/* RFC 3461 §4.1: without DELAY in a NOTIFY that is given, none. */
SERVER_TEST(notify_decides_on_delay_notices) {
    o->transmit = never_there;
    tried = 0;
    server_send(o, "tama@here.test", "f@away.test/4 n@away.test/1 d@away.test/8 u@away.test");
    server_wait(o, 5 * USEC_HOUR);
    assert_int_equal(server_reports(o), 1);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Action: delayed\r\n"), 2);
    assert_int_equal(occurs(report, "Final-Recipient: rfc822; d@away.test\r\n"), 1);
    assert_int_equal(occurs(report, "Final-Recipient: rfc822; u@away.test\r\n"), 1);
}

SERVER_TEST(notices_are_not_repeated_after_a_restart) {
    o->transmit = never_there;
    tried = 0;
    server_send(o, "tama@here.test", "out@away.test");
    server_wait(o, 5 * USEC_HOUR);
    server_reopen(o);
    server_wait(o, 5 * USEC_HOUR);
    assert_int_equal(server_reports(o), 1);
}

/* Both of them once, however often the queue is stopped, also just before and behind their time. */
SERVER_TEST(each_notice_is_sent_once_over_many_restarts) {
    o->transmit = never_there;
    tried = 0;
    server_send(o, "tama@here.test", "out@away.test");
    for (int i = 0; i < 30 * 6; i++) {
        server_wait(o, 10 * USEC_MIN);
        server_reopen(o);
        if (i < 23 * 6)
            assert_in_range(server_reports(o), 0, 1);
    }
    assert_int_equal(server_reports(o), 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(occurs(server_report(o, i), "Action: delayed\r\n"), 1);
}

/* Notices whose time has passed meanwhile go out as one. */
SERVER_TEST(queue_that_was_off_for_a_day_tells_of_the_delay_once) {
    o->transmit = never_there;
    tried = 0;
    server_send(o, "tama@here.test", "out@away.test");
    server_wait(o, USEC_HOUR);
    server_close(o);
    (void)fiber_sleep(30 * USEC_HOUR);
    server_open(o);
    server_wait(o, USEC_MIN);
    assert_int_equal(server_reports(o), 0); /* the clock may be wrong */
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Action: delayed\r\n"), 1);
    server_wait(o, 3 * USEC_DAY);
    assert_int_equal(server_reports(o), 1);
}

/* The host may be back: a message is not given up untried, nor when the network comes a bit later.
 */
SERVER_TEST(queue_that_was_off_until_the_end_tries_twice_more) {
    o->transmit = never_there;
    tried = 0;
    server_send(o, "tama@here.test", "out@away.test");
    server_wait(o, USEC_HOUR);
    unsigned before = tried;
    server_close(o);
    (void)fiber_sleep(6 * USEC_DAY);
    server_open(o);
    server_wait(o, USEC_SEC);
    assert_int_equal(tried, before + 1);
    assert_int_equal(server_messages(o), 1);
    server_wait(o, USEC_HOUR);
    assert_int_equal(tried, before + 2);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Action: failed\r\n"), 1);
    assert_int_equal(occurs(server_report(o, 0), "Action: delayed\r\n"), 0);
}

/* Its time is over at the very moment, not a microsecond later and no attempt later. */
SERVER_TEST(attempt_that_ends_when_the_time_is_over_is_the_last) {
    o->number = 1;
    o->transmit = some_never_there;
    server_send(o, "tama@here.test", "a@slow.test/4 b@away.test/4");
    server_wait(o, 5 * USEC_DAY - USEC_MS);
    assert_int_equal(server_messages(o), 1);
    unsigned before = o->transmissions;
    server_wait(o, 2 * USEC_SEC);
    assert_int_equal(o->transmissions, before + 2);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Status: 4.4.7\r\n"), 2);
}

/* ------------------------------------------------------------------ a clock that is wrong */

#define YEAR (365 * USEC_DAY)

static void set_clock(usec_t by) {
    fiber_scheduler->wall_offset += by;
}

static void send_and_wait(struct server *o) {
    tried = 0;
    o->transmit = never_there;
    server_send(o, "tama@here.test", "out@away.test/4");
    server_wait(o, 3 * USEC_HOUR);
    tried = 0;
}

static void expect_given_up_after_an_hour(struct server *o) {
    server_wait(o, 59 * USEC_MIN);
    assert_int_equal(tried, 1);
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(server_reports(o), 0);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(tried, 2);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_reports(o), 1);
}

/* Until it has heard the time from others. So it is after days without power, too. */
SERVER_TEST(nothing_is_given_up_while_the_clock_may_be_wrong) {
    send_and_wait(o);
    server_close(o);
    set_clock(YEAR);
    server_open(o);
    expect_given_up_after_an_hour(o);
}

/* As when a laptop wakes up. */
SERVER_TEST(nothing_is_given_up_when_the_clock_has_just_jumped) {
    send_and_wait(o);
    set_clock(YEAR);
    expect_given_up_after_an_hour(o);
}

static int jumps_meanwhile(struct server *o, const struct queue_transmission *t,
                           const struct recipient *recipient, struct arena *a,
                           struct relay_result *ret) {
    set_clock(YEAR);
    o->transmit = never_there;
    return never_there(o, t, recipient, a, ret);
}

/* The queue has not looked at its clock since. */
SERVER_TEST(nothing_is_given_up_when_the_clock_jumps_in_an_attempt) {
    server_wait(o, 3 * USEC_HOUR);
    tried = 0;
    o->transmit = jumps_meanwhile;
    server_send(o, "tama@here.test", "out@away.test/4");
    server_wait(o, USEC_SEC);
    assert_int_equal(tried, 1);
    assert_int_equal(server_reports(o), 0);
    expect_given_up_after_an_hour(o);
}

/* What is not tried at all meanwhile is not forgotten for a year. */
SERVER_TEST(a_clock_that_is_set_right_again_is_followed) {
    send_and_wait(o);
    server_close(o);
    set_clock(YEAR);
    server_open(o);
    server_wait(o, USEC_MIN);
    assert_int_equal(tried, 1);
    set_clock(-YEAR);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(tried, 2);
    server_wait(o, 5 * USEC_HOUR);
    assert_in_range(tried, 3, 6); /* every two hours, about */
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(server_reports(o), 0);
}

static void order(struct server *o, enum queue_action action) {
    uint64_t count = 0;
    assert_int_equal(queue_act(o->queue, &(struct queue_order){.action = action},
                               &(struct queue_match){.all = true}, &count, NULL, NULL),
                     0);
    assert_int_equal(count, 1);
}

SERVER_TEST(a_clock_that_was_set_right_while_a_message_was_held_is_followed) {
    send_and_wait(o);
    set_clock(YEAR);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(tried, 1);
    order(o, QUEUE_HOLD);
    set_clock(-YEAR);
    server_wait(o, 2 * USEC_MIN);
    order(o, QUEUE_RELEASE);
    server_wait(o, USEC_MIN);
    assert_int_equal(tried, 2);
    server_wait(o, 5 * USEC_HOUR);
    assert_in_range(tried, 3, 6);
}

SERVER_TEST(a_clock_that_was_set_right_while_nothing_ran_is_followed) {
    send_and_wait(o);
    set_clock(YEAR);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(tried, 1);
    server_close(o);
    set_clock(-YEAR);
    server_open(o);
    server_wait(o, USEC_MIN);
    assert_int_equal(tried, 2);
}

/* ------------------------------------------------------------------ roles that end */

static int role_ended(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)d, (void)p;
    tries[tried++] = fiber_wall();
    return o->number-- > 0 ? -EPIPE : 0;
}

SERVER_TEST(role_that_ended_is_asked_again_in_a_moment_and_it_counts_for_nothing) {
    tried = 0;
    o->number = 3;
    o->deliver = role_ended;
    server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, USEC_MIN);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(tried, 4);
    assert_in_range(tries[1] - tries[0], USEC_SEC, 2 * USEC_SEC);
    assert_in_range(tries[2] - tries[1], 2 * USEC_SEC, 3 * USEC_SEC);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=" KIND_DEFERRED), 0);
}

static int short_of_descriptors(struct server *o, const struct queue_delivery *d,
                                struct problem *p) {
    (void)d;
    tried++;
    return o->number-- > 0 ? problem_set(p, -EMFILE, "no descriptor is left") : 0;
}

SERVER_TEST(what_this_host_is_short_of_for_a_moment_puts_no_message_off) {
    tried = 0;
    o->number = 2;
    o->deliver = short_of_descriptors;
    server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, 5 * USEC_SEC);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(tried, 3);
    assert_int_equal(occurs(buf_slice(&o->journey), "kind=" KIND_DEFERRED), 0);
}

/* A message at which a role ends each time must not keep it from restarting in peace. */
SERVER_TEST(role_that_ends_each_time_counts_as_failed_attempt_in_the_end) {
    tried = 0;
    o->number = 1000;
    o->deliver = role_ended;
    server_send(o, "tama@here.test", "mike@here.test/4");
    server_wait(o, 8 * USEC_HOUR);
    assert_in_range(tried, 12, 18);
    assert_true(occurs(buf_slice(&o->journey), "kind=" KIND_DEFERRED) > 2);
    assert_int_equal(server_messages(o), 1);
}

SERVER_TEST(directory_that_ended_is_asked_again) {
    o->resolve_error = -EPIPE;
    server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, 500 * USEC_MS);
    o->resolve_error = 0;
    server_wait(o, USEC_SEC);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
}

static int stuck(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)o, (void)d, (void)p;
    return fiber_sleep(USEC_DAY);
}

SERVER_TEST(call_that_hangs_is_given_up) {
    o->deliver = stuck;
    server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, 6 * USEC_MIN);
    o->deliver = NULL;
    server_wait(o, 7 * USEC_MIN);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
}

/* ------------------------------------------------------------------ full mailboxes, dead ends */

static int full(struct server *o, const struct queue_delivery *d, struct problem *p) {
    (void)p;
    return o->number > 0 && slice_eq(d->mailbox.address, S("mike@here.test")) ? -E_LIMIT : 0;
}

/* RFC 3463 §3.3: X.2.2, a persistent transient failure that becomes permanent after a day. */
SERVER_TEST(full_mailbox_is_tried_for_a_day) {
    o->number = 1;
    o->deliver = full;
    server_send(o, "tama@here.test", "mike@here.test/4");
    server_wait(o, 23 * USEC_HOUR);
    assert_int_equal(server_messages(o), 1);
    server_wait(o, USEC_HOUR + USEC_SEC);
    assert_int_equal(server_messages(o), 0);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Status: 5.2.2\r\n"), 1);
    assert_int_equal(
        occurs(report, "Diagnostic-Code: x-hayauma; 452 4.2.2 The mailbox is full\r\n"), 1);
}

SERVER_TEST(full_mailbox_with_room_again_gets_the_message) {
    o->number = 1;
    o->deliver = full;
    server_send(o, "tama@here.test", "mike@here.test");
    server_wait(o, USEC_HOUR);
    o->number = 0;
    server_wait(o, 2 * USEC_HOUR);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_reports(o), 0);
}

SERVER_TEST(dead_ends_share_one_report) {
    server_send(o, "tama@here.test",
                "gone@here.test off@here.test round@here.test mike@here.test out@away.test");
    server_wait(o, USEC_SEC);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_count(o, "out@away.test"), 1);
    assert_int_equal(server_reports(o), 1);
    struct slice report = server_report(o, 0);
    assert_int_equal(occurs(report, "Action: failed\r\n"), 3);
    assert_int_equal(occurs(report, "Status: 5.1.1\r\n"), 1);
    assert_int_equal(occurs(report, "Status: 5.2.1\r\n"), 1);
    assert_int_equal(occurs(report, "Status: 5.4.6\r\n"), 1);
}

SERVER_TEST(address_that_cannot_be_looked_up_is_tried_later) {
    server_send(o, "tama@here.test", "sleepy@here.test mike@here.test");
    server_wait(o, USEC_MIN);
    assert_int_equal(server_count(o, "mike@here.test"), 1);
    assert_int_equal(server_messages(o), 1);
    assert_int_equal(server_reports(o), 0);
    server_wait(o, 10 * USEC_MIN);
    assert_int_equal(o->resolved, 3);
}

/* ------------------------------------------------------------------ damage */

static void damage_spool(struct server *o) {
    int dir = openat(o->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(dir);
    struct dirent *e;
    while ((e = readdir(d))) {
        char byte;
        int fd = openat(dir, e->d_name, O_RDWR | O_CLOEXEC);
        ssize_t at = -1;
        if (slice_starts(slice_of_str(e->d_name), S("segment-"))) {
            static char bytes[64U << 10];
            ssize_t n = pread(fd, bytes, sizeof bytes, 0);
            at = slice_find(slice_of(bytes, (size_t)n), S("\r\nHello.\r\n"));
        }
        byte = '!';
        if (at > 0)
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)at + 3), 1);
        close_p(&fd);
    }
    (void)closedir(d);
}

/* Lost bytes are told, not delivered and not passed over in silence. */
SERVER_TEST(message_that_was_damaged_on_our_disk_goes_back_without_its_bytes) {
    o->resolve_error = -ETIMEDOUT;
    server_send(o, "tama@here.test", "mike@here.test out@away.test");
    server_wait(o, USEC_SEC);
    server_close(o);
    damage_spool(o);
    o->resolve_error = 0;
    server_open(o);
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_messages(o), 0);
    assert_int_equal(server_count(o, "mike@here.test"), 0);
    assert_int_equal(server_count(o, "out@away.test"), 0);
    assert_int_equal(server_reports(o), 1);
    assert_int_equal(occurs(server_report(o, 0), "Status: 5.3.0\r\n"), 2);
    assert_int_equal(occurs(server_report(o, 0), "Hello"), 0);
}

/* ------------------------------------------------------------------ rest */

static usec_t rest; /* what the first transmission is told */

static int resting(struct server *o, const struct queue_transmission *t,
                   struct relay_outcome *outcome) {
    (void)t;
    if (o->number-- > 0)
        outcome->rest = rest;
    return 0;
}

static int later_when_resting(struct server *o, const struct queue_transmission *t,
                              const struct recipient *recipient, struct arena *a,
                              struct relay_result *ret) {
    (void)t, (void)recipient, (void)a;
    if (o->number >= 0)
        *ret = reply_of(RELAY_LATER, 451, 4, 4, 1, "rests");
    return 0;
}

SERVER_TEST(destination_that_rests_is_left_alone) {
    o->number = 1;
    o->begin = resting;
    rest = 30 * USEC_MIN;
    o->transmit = later_when_resting;
    server_send(o, "tama@here.test", "a@away.test");
    server_wait(o, USEC_MIN);
    server_send(o, "tama@here.test", "b@away.test");
    server_send(o, "tama@here.test", "c@other.test");
    server_wait(o, 28 * USEC_MIN);
    assert_int_equal(server_count(o, "c@other.test"), 1);
    assert_int_equal(o->transmissions, 2);
    server_wait(o, 2 * USEC_MIN);
    assert_int_equal(server_count(o, "a@away.test"), 1);
    assert_int_equal(server_count(o, "b@away.test"), 1);
}

/* A relay that was taken over says so, and the one that takes its place is never asked. */
SERVER_TEST(no_relay_puts_a_destination_to_rest_for_more_than_an_hour) {
    o->number = 1;
    o->begin = resting;
    rest = 1000 * USEC_DAY;
    o->transmit = later_when_resting;
    server_send(o, "tama@here.test", "a@away.test");
    server_wait(o, USEC_MIN);
    server_send(o, "tama@here.test", "b@away.test");
    server_wait(o, USEC_HOUR);
    assert_int_equal(server_count(o, "a@away.test"), 1);
    assert_int_equal(server_count(o, "b@away.test"), 1);
}

/* ------------------------------------------------------------------ being stopped */

static int takes_ten_seconds(struct server *o, const struct queue_transmission *t,
                             struct relay_outcome *outcome) {
    (void)o, (void)t, (void)outcome;
    return fiber_sleep(10 * USEC_SEC);
}

SERVER_TEST(stop_lets_what_is_under_way_end) {
    o->begin = takes_ten_seconds;
    server_send(o, "tama@here.test", "out@away.test");
    server_wait(o, USEC_SEC);
    server_close(o);
    assert_int_equal(o->arrived, 1);
    server_open(o);
    assert_int_equal(server_messages(o), 0);
}

SERVER_TEST(what_a_stop_cuts_short_is_tried_in_the_next_run) {
    o->begin = takes_ten_seconds;
    server_send(o, "tama@here.test", "a@one.test b@two.test mike@here.test");
    server_wait(o, USEC_SEC);
    server_cut(o);
    assert_int_equal(server_count(o, "a@one.test"), 0);
    server_open(o);
    server_wait(o, 11 * USEC_SEC);
    assert_int_equal(o->arrived, 3);
    assert_int_equal(server_messages(o), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_may_have_arrived_waits_the_whole_interval_and_says_so),
        cmocka_unit_test(test_may_have_arrived_shortly_before_the_end),
        cmocka_unit_test(test_tried_for_five_days_then_returned),
        cmocka_unit_test(test_schedule_goes_on_over_restarts),
        cmocka_unit_test(test_thousands_of_long_replies_do_not_hold_up_the_queue),
        cmocka_unit_test(test_message_without_sender_is_given_up_without_a_word),
        cmocka_unit_test(test_recipients_that_fail_together_stay_together),
        cmocka_unit_test(test_sender_is_told_of_the_delay_after_4_and_24_hours),
        cmocka_unit_test(test_notify_decides_on_delay_notices),
        cmocka_unit_test(test_notices_are_not_repeated_after_a_restart),
        cmocka_unit_test(test_each_notice_is_sent_once_over_many_restarts),
        cmocka_unit_test(test_queue_that_was_off_for_a_day_tells_of_the_delay_once),
        cmocka_unit_test(test_queue_that_was_off_until_the_end_tries_twice_more),
        cmocka_unit_test(test_attempt_that_ends_when_the_time_is_over_is_the_last),
        cmocka_unit_test(test_nothing_is_given_up_while_the_clock_may_be_wrong),
        cmocka_unit_test(test_nothing_is_given_up_when_the_clock_has_just_jumped),
        cmocka_unit_test(test_nothing_is_given_up_when_the_clock_jumps_in_an_attempt),
        cmocka_unit_test(test_a_clock_that_is_set_right_again_is_followed),
        cmocka_unit_test(test_a_clock_that_was_set_right_while_a_message_was_held_is_followed),
        cmocka_unit_test(test_a_clock_that_was_set_right_while_nothing_ran_is_followed),
        cmocka_unit_test(test_role_that_ended_is_asked_again_in_a_moment_and_it_counts_for_nothing),
        cmocka_unit_test(test_what_this_host_is_short_of_for_a_moment_puts_no_message_off),
        cmocka_unit_test(test_role_that_ends_each_time_counts_as_failed_attempt_in_the_end),
        cmocka_unit_test(test_directory_that_ended_is_asked_again),
        cmocka_unit_test(test_call_that_hangs_is_given_up),
        cmocka_unit_test(test_full_mailbox_is_tried_for_a_day),
        cmocka_unit_test(test_full_mailbox_with_room_again_gets_the_message),
        cmocka_unit_test(test_dead_ends_share_one_report),
        cmocka_unit_test(test_address_that_cannot_be_looked_up_is_tried_later),
        cmocka_unit_test(test_message_that_was_damaged_on_our_disk_goes_back_without_its_bytes),
        cmocka_unit_test(test_destination_that_rests_is_left_alone),
        cmocka_unit_test(test_no_relay_puts_a_destination_to_rest_for_more_than_an_hour),
        cmocka_unit_test(test_stop_lets_what_is_under_way_end),
        cmocka_unit_test(test_what_a_stop_cuts_short_is_tried_in_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
