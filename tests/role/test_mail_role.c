/* SPDX-License-Identifier: ISC */
/*
 * Which tickets open a mailbox. There is none behind these calls: what the edge has read is too
 * much to be taken over, so whoever might enter gets -E_LIMIT; but where it is said how many may.
 */
#include "unit.h"

#include <sys/socket.h>

#include "proc/process_inside.h"
#include "role/mail/mail_sessions.h"
#include "role/roles.h"
#include "role/ticket.h"

#define TAMA  7U
#define KOBO  8U
#define ENTER (-E_LIMIT)

static const struct rpc_mail_handlers *calls;
static const struct rpc_caller directory = {.role = ROLE_DIRECTORY};
static struct mail mail;
static struct process_links links;
static struct process process = {.state = &mail, .secret = "a secret of both", .links = &links};

static void begin(void) {
    if (mail.doors)
        ended_logins_done(&mail.ended), map_done(&mail.session_counts);
    mail = (struct mail){0};
    mail_sessions_init(&mail);
    (void)fiber_sleep(USEC_SEC);
}

static int enter_as(uint64_t account, usec_t made, size_t unread, unsigned from, bool tls) {
    const struct rpc_caller caller = {.role = ROLE_EDGE, .worker = from};
    static char too_much[STREAM_WINDOW + 1];
    _cleanup_(arena_done) struct arena a = {0};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    struct rpc_mail_session_in in = {
        .service = S("pop3"),
        .account = account,
        .ticket =
            ticket_make(process.secret, &(struct ticket_for){S("pop3"), account, S("")}, made, &a),
        .connection = ends[0],
        .unread = slice_of(too_much, unread),
        .tls = tls,
    };
    struct rpc_mail_session_out out;
    struct problem problem = {0};
    int r = calls->session(&process, &caller, &in, &a, &out, &problem);
    (void)close(ends[1]);
    return r;
}

static int enter_with(uint64_t account, usec_t made, size_t unread) {
    return enter_as(account, made, unread, 0, false);
}

/* What a ticket made at `made` gets. */
static int enter(uint64_t account, usec_t made) {
    return enter_with(account, made, STREAM_WINDOW + 1);
}

static void end_sessions(uint64_t account, usec_t before) {
    struct rpc_mail_end_sessions_in in = {.account = account, .before = before};
    struct rpc_mail_end_sessions_out out;
    assert_int_equal(calls->end_sessions(&process, &directory, &in, NULL, &out, NULL), 0);
}

FIBER_TEST(a_ticket_from_before_the_end_of_its_login_is_void) {
    begin();
    usec_t then = fiber_wall();
    assert_int_equal(enter(TAMA, then), ENTER);
    (void)fiber_sleep(USEC_SEC);
    end_sessions(TAMA, fiber_wall());
    assert_int_equal(enter(TAMA, then), -E_REFUSED);
    assert_int_equal(enter(KOBO, then), ENTER);
    assert_int_equal(enter(TAMA, fiber_wall()), ENTER);
    (void)fiber_sleep(TICKET_LIFE - 5 * USEC_SEC);
    assert_int_equal(enter(TAMA, then), -E_REFUSED);
    (void)fiber_sleep(3 * TICKET_LIFE);
    assert_int_equal(enter(TAMA, fiber_wall()), ENTER);
    assert_null(list_first(&mail.ended.order)); /* nothing is kept for longer than tickets live */
}

/* What was ended before it began is not known to this process. */
FIBER_TEST(a_ticket_from_before_the_process_is_void) {
    begin();
    assert_int_equal(enter(TAMA, mail.ended.began - 1), -E_REFUSED);
    assert_int_equal(enter(TAMA, mail.ended.began), ENTER);
}

/* On a full disk the same is said of each account, each second. */
FIBER_TEST(what_goes_on_failing_is_told_once_in_ten_minutes) {
    begin();
    assert_true(mail_is_news(&mail, TAMA, "the disk is full"));
    assert_false(mail_is_news(&mail, TAMA, "the disk is full"));
    assert_true(mail_is_news(&mail, KOBO, "the disk is full"));
    assert_true(mail_is_news(&mail, TAMA, "a pack is damaged"));
    (void)fiber_sleep(9 * USEC_MIN);
    assert_false(mail_is_news(&mail, TAMA, "the disk is full"));
    (void)fiber_sleep(2 * USEC_MIN);
    assert_true(mail_is_news(&mail, TAMA, "the disk is full"));
}

static struct fiber_cond over;

static void stay(struct mail_session *s) WAITS {
    (void)s;
    (void)fiber_cond_wait(&over);
}

static void begin_with_sessions(void) {
    static const struct door door = {.service = {"pop3", 4}, .protocol = "POP3", .session = stay};
    static const struct doors doors = {&door, 1};
    begin();
    fiber_cond_init(&over);
    mail.doors = &doors;
    process.root = fiber_self();
}

static void end_all(void) {
    fiber_cond_wake_all(&over);
    while (fiber_children() > 0)
        (void)fiber_sleep(USEC_SEC);
    assert_int_equal(mail.session_count, 0);
    assert_int_equal(mail.session_counts.count, 0);
}

/* How many of them are to end, for this reason. */
static unsigned ended(const char *why) {
    unsigned count = 0;
    LIST_EACH (s, &mail.sessions, struct mail_session, link)
        count += s->ended && strcmp(s->ended, why) == 0;
    return count;
}

/* However many tickets and connections an edge has: it is the mailboxes of others, too. */
FIBER_TEST(an_account_has_a_hundred_conversations_at_most) {
    begin_with_sessions();
    for (unsigned i = 0; i < MAIL_SESSIONS_MAX; i++)
        assert_int_equal(enter_with(TAMA, fiber_wall(), 0), 0);
    assert_int_equal(enter_with(TAMA, fiber_wall(), 0), -E_BUSY);
    assert_int_equal(enter_with(KOBO, fiber_wall(), 0), 0);
    (void)fiber_yield();
    assert_int_equal(mail.session_count, MAIL_SESSIONS_MAX + 1);
    fiber_cond_wake_one(&over);
    (void)fiber_yield();
    assert_int_equal(enter_with(TAMA, fiber_wall(), 0), 0);
    (void)fiber_yield();
    end_all();
}

/* A phone leaves dead ones behind when it changes networks. */
FIBER_TEST(one_that_is_silent_makes_room_for_another) {
    begin_with_sessions();
    assert_int_equal(enter_with(TAMA, fiber_wall(), 0), 0);
    assert_int_equal(enter_with(KOBO, fiber_wall(), 0), 0); /* not asked */
    (void)fiber_sleep(USEC_MIN);
    for (unsigned i = 1; i < MAIL_SESSIONS_MAX; i++)
        assert_int_equal(enter_with(TAMA, fiber_wall(), 0), 0);
    (void)fiber_sleep(MAIL_SILENT - USEC_MIN - USEC_SEC);
    assert_int_equal(enter_with(TAMA, fiber_wall(), 0), -E_BUSY);
    (void)fiber_sleep(USEC_SEC);
    assert_int_equal(enter_with(TAMA, fiber_wall(), 0), 0);
    assert_int_equal(ended(MAIL_ENDED_CROWD), 1);
    (void)fiber_yield();
    assert_int_equal(mail.session_count, MAIL_SESSIONS_MAX + 1);
    assert_int_equal(enter_with(TAMA, fiber_wall(), 0), -E_BUSY); /* the others spoke later */
    end_all();
}

static uint64_t allowed(uint64_t account) {
    LIST_EACH (s, &mail.sessions, struct mail_session, link)
        if (s->account == account)
            return s->allowed;
    return 1;
}

FIBER_TEST(what_an_account_may_hold_changes_in_its_open_sessions) {
    struct rpc_mail_set_quota_in in = {.account = TAMA, .quota = 5000};
    struct rpc_mail_set_quota_out out;
    begin_with_sessions();
    mail_sessions_usual_quota(&mail, 1000);
    assert_int_equal(enter_with(TAMA, fiber_wall(), 0), 0);
    assert_int_equal(enter_with(KOBO, fiber_wall(), 0), 0);
    assert_int_equal(allowed(TAMA), 1000);
    assert_int_equal(calls->set_quota(&process, &directory, &in, NULL, &out, NULL), 0);
    mail_sessions_usual_quota(&mail, 2000);
    assert_int_equal(allowed(TAMA), 5000);
    assert_int_equal(allowed(KOBO), 2000);
    in.quota = 0;
    assert_int_equal(calls->set_quota(&process, &directory, &in, NULL, &out, NULL), 0);
    assert_int_equal(allowed(TAMA), 2000);
    (void)fiber_yield();
    end_all();
}

FIBER_TEST(an_edge_that_ends_takes_leave_of_those_that_it_carries) {
    const struct rpc_caller caller = {.role = ROLE_EDGE, .worker = 1};
    const struct rpc_mail_farewell_in in = {0};
    begin_with_sessions();
    assert_int_equal(enter_as(TAMA, fiber_wall(), 0, 0, true), 0);
    assert_int_equal(enter_as(TAMA, fiber_wall(), 0, 1, true), 0);
    assert_int_equal(enter_as(KOBO, fiber_wall(), 0, 1, true), 0);
    assert_int_equal(enter_as(TAMA, fiber_wall(), 0, 1, false), 0);
    (void)fiber_yield();
    assert_int_equal(calls->farewell(&process, &caller, &in), 0);
    assert_int_equal(ended(MAIL_ENDED_STOP), 2);
    (void)fiber_yield();
    assert_int_equal(mail.session_count, 2);
    end_all();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ticket_from_before_the_end_of_its_login_is_void),
        cmocka_unit_test(test_a_ticket_from_before_the_process_is_void),
        cmocka_unit_test(test_an_account_has_a_hundred_conversations_at_most),
        cmocka_unit_test(test_one_that_is_silent_makes_room_for_another),
        cmocka_unit_test(test_what_an_account_may_hold_changes_in_its_open_sessions),
        cmocka_unit_test(test_an_edge_that_ends_takes_leave_of_those_that_it_carries),
        cmocka_unit_test(test_what_goes_on_failing_is_told_once_in_ten_minutes),
    };
    calls = role_mail.handlers;
    process.role = roles_find(ROLE_MAIL);
    return cmocka_run_group_tests_name("mail role", tests, NULL, NULL);
}
