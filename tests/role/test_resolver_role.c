/* SPDX-License-Identifier: ISC */
/*
 * The resolver role among name servers that answer, answer late, or never, while its settings
 * change. The servers are sockets of this test.
 */
#include "role/lone.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/message.h"
#include "fiber/wait.h"
#include "io/net.h"

/* A name server with one answer for everything: there is no such name. */
struct server {
    int socket;
    char at[32]; /* "127.0.0.1:5353" */
    bool silent; /* keeps the question until it speaks again */
    unsigned asked;
};

/* The question comes back as an answer without records (RFC 1035 §4.1.1: QR, RA, RCODE 3). */
static void serve(void *arg) {
    struct server *s = arg;
    struct fiber_fd fd;
    assert_int_equal(fiber_fd_init(&fd, s->socket), 0);
    for (;;) {
        uint8_t message[1500];
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        if (fiber_fd_wait_readable(&fd, USEC_NEVER) < 0)
            break;
        ssize_t n = recvfrom(s->socket, message, sizeof message, MSG_DONTWAIT,
                             (struct sockaddr *)&from, &len);
        if (n < 12) {
            fiber_fd_drained(&fd);
            continue;
        }
        s->asked++;
        while (s->silent && fiber_sleep(20 * USEC_MS) == 0)
            ;
        message[2] |= 0x80;
        message[3] = 0x83;
        (void)sendto(s->socket, message, (size_t)n, 0, (struct sockaddr *)&from, len);
    }
    fiber_fd_done(&fd);
}

static void start_server(struct server *s) {
    struct net_addr at;
    *s = (struct server){.socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    assert_int_equal(net_parse(S("127.0.0.1"), 0, &at), 0);
    assert_int_equal(bind(s->socket, &at.any, sizeof at.in), 0);
    assert_int_equal(net_local(s->socket, &at), 0);
    (void)snprintf(s->at, sizeof s->at, "127.0.0.1:%u", net_port(&at));
    assert_int_equal(fiber_spawn("name server", serve, s), 0);
}

static void stop_server(struct server *s) {
    (void)close(s->socket); /* lone_end() has ended its fiber */
}

/* ------------------------------------------------------------------ questions */

struct question {
    struct lone *lone;
    const char *name;
    int result;
    enum dns_code code;
    struct problem problem;
    struct fiber *fiber;
};

static void ask(void *arg) {
    static const struct rpc_caller relay = {.role = ROLE_RELAY};
    struct question *q = arg;
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_resolver_handlers *calls = q->lone->process.role->work->handlers;
    struct rpc_resolver_query_in in = {.name = slice_of_str(q->name), .type = DNS_MX};
    struct rpc_resolver_query_out out = {0};
    struct dns_answer answer;
    q->result = calls->query(&q->lone->process, &relay, &in, &a, &out, &q->problem);
    if (q->result == 0 && (q->result = dns_answer_decode(out.answer, &a, &answer)) == 0)
        q->code = answer.code;
}

static void ask_beside(struct question *q, struct server *s) {
    unsigned before = s->asked;
    assert_int_equal(fiber_start("question", ask, q, &q->fiber), 0);
    for (int i = 0; i < 500 && s->asked == before; i++)
        assert_int_equal(fiber_sleep(10 * USEC_MS), 0);
    assert_int_not_equal(s->asked, before);
}

static struct lone *begin(const struct server *s) {
    struct lone *l = lone_new(ROLE_RESOLVER);
    lone_set(l, "dns.resolvers", s->at);
    lone_open(l);
    return l;
}

REAL_FIBER_TEST(a_question_is_answered_and_what_is_no_name_is_refused) {
    struct server s;
    start_server(&s);
    struct lone *l = begin(&s);
    struct question q = {.lone = l, .name = "example.net"};
    ask(&q);
    assert_int_equal(q.result, 0);
    assert_int_equal(q.code, DNS_NXDOMAIN);
    struct question odd = {.lone = l, .name = "two..dots"};
    ask(&odd);
    assert_int_equal(odd.result, -E_SYNTAX);
    assert_non_null(strstr(odd.problem.text, "two..dots cannot be looked up"));
    lone_end(l);
    stop_server(&s);
}

/* Questions of before are answered by the resolver that was asked, which goes then. */
REAL_FIBER_TEST(a_reload_loses_no_question_and_keeps_nobody_waiting) {
    struct server slow, fast;
    struct problem problem = {0};
    start_server(&slow);
    start_server(&fast);
    slow.silent = true;
    struct lone *l = begin(&slow);
    unsigned fibers = lone_fibers();
    struct question before = {.lone = l, .name = "before.example"}, after = {l, "after.example"};
    ask_beside(&before, &slow);
    assert_int_equal(l->process.role->work->sessions(&l->process), 1);
    lone_set(l, "dns.resolvers", fast.at);
    assert_int_equal(lone_reload(l, &problem), 0);
    assert_int_equal(l->process.role->work->sessions(&l->process), 0); /* of the new one */
    ask(&after);
    assert_int_equal(after.result, 0);
    assert_int_equal(after.code, DNS_NXDOMAIN);
    assert_true(fast.asked > 0);
    slow.silent = false;
    fiber_join(before.fiber);
    assert_int_equal(before.result, 0);
    assert_int_equal(before.code, DNS_NXDOMAIN);
    assert_true(lone_comes_down_to(fibers));
    lone_end(l);
    stop_server(&slow);
    stop_server(&fast);
}

/* Several in a row, while somebody waits: each goes with its last question, none stays. */
REAL_FIBER_TEST(who_gives_up_frees_the_resolver_that_he_asked) {
    struct server s;
    struct problem problem = {0};
    start_server(&s);
    s.silent = true;
    struct lone *l = begin(&s);
    unsigned fibers = lone_fibers();
    struct question q = {.lone = l, .name = "example.net"};
    ask_beside(&q, &s);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lone_reload(l, &problem), 0);
    fiber_cancel(q.fiber);
    fiber_join(q.fiber);
    assert_int_equal(q.result, -ECANCELED);
    assert_true(lone_comes_down_to(fibers));
    assert_int_equal(l->process.role->work->sessions(&l->process), 0);
    lone_end(l);
    stop_server(&s);
}

REAL_FIBER_TEST(a_trust_anchor_that_is_none_is_refused_and_the_one_before_stays) {
    static struct rpc_field spoiled = {.name = {"trust-anchor", 12},
                                       .value = {"<html>404</html>\n", 17}};
    struct server s;
    struct problem problem = {0};
    start_server(&s);
    struct lone *l = begin(&s);
    const void *first = l->process.state;
    l->process.handed.text_files = &spoiled;
    l->process.handed.text_files_count = 1;
    assert_true(lone_reload(l, &problem) < 0);
    assert_non_null(strstr(problem.text, "trust anchor"));
    assert_ptr_equal(l->process.state, first);
    struct question q = {.lone = l, .name = "example.net"};
    ask(&q);
    assert_int_equal(q.result, 0);
    lone_end(l);
    l = lone_new(ROLE_RESOLVER);
    l->process.handed.text_files = &spoiled;
    l->process.handed.text_files_count = 1;
    assert_true(lone_try_open(l, &problem) < 0);
    lone_end(l);
    stop_server(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_question_is_answered_and_what_is_no_name_is_refused),
        cmocka_unit_test(test_a_reload_loses_no_question_and_keeps_nobody_waiting),
        cmocka_unit_test(test_who_gives_up_frees_the_resolver_that_he_asked),
        cmocka_unit_test(test_a_trust_anchor_that_is_none_is_refused_and_the_one_before_stays),
    };
    return cmocka_run_group_tests_name("resolver role", tests, NULL, NULL);
}
