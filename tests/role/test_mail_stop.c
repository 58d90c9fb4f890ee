/* SPDX-License-Identifier: ISC */
/* What the mail role does not begin, and how it stops: what goes on is waited for. */
#include "role/lone.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "role/ticket.h"

#define TAMA 8U

static char folder[] = "/tmp/mail-stop-XXXXXX";

static struct lone *open_role(void) {
    struct lone *l = lone_new(ROLE_MAIL);
    lone_open(l);
    return l;
}

struct delivery {
    struct lone *lone;
    int result;
};

static int deliver(struct lone *l, uint64_t account) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_mail_handlers *calls = l->process.role->work->handlers;
    const struct rpc_caller queue = {.role = ROLE_QUEUE};
    struct rpc_mail_deliver_in in = {
        .id = 1, .account = account, .bytes = S("message\r\n"), .file = -1};
    struct rpc_mail_deliver_out out = {0};
    struct problem problem = {0};
    return calls->deliver(&l->process, &queue, &in, &a, &out, &problem);
}

static void deliver_main(void *arg) WAITS {
    struct delivery *d = arg;
    d->result = deliver(d->lone, TAMA);
}

REAL_FIBER_TEST(a_delivery_that_goes_on_is_waited_for) {
    struct delivery d = {open_role(), 1};
    struct fiber *f;
    assert_int_equal(fiber_start("delivery", deliver_main, &d, &f), 0);
    (void)fiber_yield();
    assert_int_equal(d.result, 1); /* it goes on */
    d.lone->process.role->work->stop(&d.lone->process);
    assert_int_equal(d.result, 0);
    fiber_join(f);
    d.lone->links.opened = false;
    lone_end(d.lone);
}

/* What comes while others are waited for finds no store any more. */
REAL_FIBER_TEST(nothing_is_begun_any_more) {
    struct lone *l = open_role();
    l->process.role->work->stop(&l->process);
    assert_int_equal(deliver(l, TAMA), -E_TEMPORARY);
    l->links.opened = false;
    lone_end(l);
}

/* Two processes must not write to the same mailbox, whoever was mistaken. */
REAL_FIBER_TEST(an_account_of_another_process_is_not_touched) {
    struct lone *l = lone_new(ROLE_MAIL);
    lone_set(l, "workers.mail", "2");
    lone_open(l);
    assert_int_equal(deliver(l, 9), -E_TEMPORARY); /* 9 % 240 % 2 is 1 */
    assert_true(access("09/9", F_OK) < 0);
    assert_int_equal(deliver(l, TAMA), 0);
    lone_end(l);
}

REAL_FIBER_TEST(accounts_are_spread_over_the_processes_that_there_are) {
    struct lone *l = lone_new(ROLE_MAIL);
    lone_set(l, "workers.mail", "64");
    assert_int_equal(roles_workers(l->process.role, l->conf), 64);
    l->process.worker = 21;
    lone_open(l);
    assert_int_equal(deliver(l, 85), 0); /* 85 % 240 % 64 */
    assert_int_equal(deliver(l, 37), -E_TEMPORARY);
    lone_end(l);
}

static void close_later(void *arg) WAITS {
    (void)fiber_sleep(2 * USEC_SEC);
    (void)shutdown(*(int *)arg, SHUT_RDWR);
}

REAL_FIBER_TEST(a_session_that_has_not_begun_yet_is_ended_too) {
    _cleanup_(arena_done) struct arena a = {0};
    struct lone *l = open_role();
    const struct rpc_mail_handlers *calls = l->process.role->work->handlers;
    const struct rpc_caller edge = {.role = ROLE_EDGE};
    struct fiber *f;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    struct rpc_mail_session_in in = {
        .service = S("pop3"),
        .account = TAMA,
        .ticket = ticket_make(l->process.secret, &(struct ticket_for){S("pop3"), TAMA, S("")},
                              fiber_wall(), &a),
        .connection = ends[0],
    };
    struct rpc_mail_session_out out;
    struct problem problem = {0};
    assert_int_equal(fiber_start("client", close_later, &ends[1], &f), 0);
    assert_int_equal(calls->session(&l->process, &edge, &in, &a, &out, &problem), 0);
    usec_t began = fiber_now();
    l->process.role->work->stop(&l->process);
    assert_true(fiber_now() - began < USEC_SEC);
    fiber_join(f);
    (void)close(ends[1]);
    l->links.opened = false;
    lone_end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_delivery_that_goes_on_is_waited_for),
        cmocka_unit_test(test_nothing_is_begun_any_more),
        cmocka_unit_test(test_an_account_of_another_process_is_not_touched),
        cmocka_unit_test(test_accounts_are_spread_over_the_processes_that_there_are),
        cmocka_unit_test(test_a_session_that_has_not_begun_yet_is_ended_too),
    };
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    int r = cmocka_run_group_tests_name("mail role, stopping", tests, NULL, NULL);
    assert_int_equal(chdir("/"), 0);
    char *command = mem_printf("rm -r %s", folder);
    (void)!system(command); /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
    free(command);
    return r;
}
