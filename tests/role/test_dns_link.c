/* SPDX-License-Identifier: ISC */
/*
 * The resolver as a client of it sees it: a process that may answer nonsense, late, or never.
 */
#include "unit.h"

#include <errno.h>
#include <sys/socket.h>

#include "role/dns_link.h"

/* What the resolver of a test does. */
static struct {
    struct slice flat;
    usec_t thinks;
    int error;
    unsigned asked;
} fake;

static int on_query(void *arg, const struct rpc_caller *caller,
                    const struct rpc_resolver_query_in *in, struct arena *a,
                    struct rpc_resolver_query_out *out, struct problem *problem) {
    (void)arg;
    (void)caller;
    (void)a;
    assert_slice(in->name, "example.net");
    assert_int_equal(in->type, DNS_MX);
    fake.asked++;
    if (fake.thinks > 0 && fiber_sleep(fake.thinks) < 0)
        return -ECANCELED;
    out->answer = fake.flat;
    return fake.error ? problem_set(problem, fake.error, "no") : 0;
}

static const struct rpc_resolver_handlers handlers = {.query = on_query};

struct ends {
    struct rpc_link *relay, *resolver;
    struct dns_client client;
    struct arena a;
};

static void begin(struct ends *e) {
    struct rpc_options of_relay = {.self = ROLE_RELAY, .other = ROLE_RESOLVER};
    struct rpc_options of_resolver = {.self = ROLE_RESOLVER,
                                      .other = ROLE_RELAY,
                                      .service = rpc_services[ROLE_RESOLVER],
                                      .handlers = &handlers};
    int fds[2];
    memset(&fake, 0, sizeof fake);
    *e = (struct ends){.relay = rpc_link_new(&of_relay), .resolver = rpc_link_new(&of_resolver)};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(rpc_link_attach(e->relay, fds[0]), 0);
    assert_int_equal(rpc_link_attach(e->resolver, fds[1]), 0);
    e->client = dns_link_client(e->relay);
}

static void end(struct ends *e) {
    arena_done(&e->a);
    rpc_link_free(e->relay);
    rpc_link_free(e->resolver);
}

static int ask(struct ends *e, struct dns_answer *ret) {
    return e->client.query(e->client.arg, S("example.net"), DNS_MX, &e->a, ret);
}

/* An answer of two mail hosts in its flat form. */
static void make_answer(struct arena *a, struct buf *flat) {
    struct slice data[] = {{"\0\12\3mx1\0", 7}, {"\0\24\3mx2\0", 7}};
    struct dns_answer answer = {
        .code = DNS_OK, .type = DNS_MX, .ttl = 300, .secure = true, .data = data, .count = 2};
    dns_answer_decode_records(&answer, a);
    dns_answer_encode(flat, &answer);
}

REAL_FIBER_TEST(an_answer_arrives_whole) {
    _cleanup_(buf_done) struct buf flat = {0};
    struct dns_answer answer;
    struct ends e;
    begin(&e);
    make_answer(&e.a, &flat);
    fake.flat = buf_slice(&flat);
    assert_int_equal(ask(&e, &answer), 0);
    assert_int_equal(answer.code, DNS_OK);
    assert_true(answer.secure);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.records[1].preference, 20);
    assert_slice(answer.records[1].name, "mx2");
    end(&e);
}

/* Cut at each place, and with each of its first bytes spoiled: an error or an answer, no more. */
REAL_FIBER_TEST(what_is_no_answer_is_an_error) {
    _cleanup_(buf_done) struct buf flat = {0};
    struct dns_answer answer;
    struct ends e;
    begin(&e);
    make_answer(&e.a, &flat);
    for (size_t cut = 0; cut < flat.len; cut++) {
        fake.flat = slice_first(buf_slice(&flat), cut);
        assert_int_equal(ask(&e, &answer), -E_SYNTAX);
    }
    buf_add(&flat, S("x"));
    fake.flat = buf_slice(&flat);
    assert_int_equal(ask(&e, &answer), -E_SYNTAX);
    flat.len--;
    for (size_t i = 0; i < flat.len; i++) {
        char was = flat.ptr[i];
        flat.ptr[i] = (char)0xff;
        fake.flat = buf_slice(&flat);
        int r = ask(&e, &answer);
        assert_true(r == -E_SYNTAX || (r == 0 && answer.code < DNS_CODES));
        flat.ptr[i] = was;
    }
    end(&e);
}

REAL_FIBER_TEST(an_error_of_the_resolver_is_passed_on) {
    struct dns_answer answer;
    struct ends e;
    begin(&e);
    fake.error = -ETIMEDOUT;
    assert_int_equal(ask(&e, &answer), -ETIMEDOUT);
    end(&e);
}

/* Whoever waits for it hears at once that it has died, and the next one is asked anew. */
static void die_soon(void *arg) {
    (void)fiber_sleep(50 * USEC_MS);
    rpc_link_close(arg);
}

REAL_FIBER_TEST(a_resolver_that_dies_meanwhile_is_an_error_at_once) {
    struct dns_answer answer;
    struct ends e;
    begin(&e);
    fake.thinks = USEC_MIN;
    usec_t then = fiber_now();
    assert_int_equal(fiber_spawn("death", die_soon, e.resolver), 0);
    assert_int_equal(ask(&e, &answer), -EPIPE);
    assert_int_equal(fake.asked, 1);
    assert_int_equal(ask(&e, &answer), -EPIPE);
    assert_true(fiber_now() - then < 30 * USEC_SEC);
    end(&e);
}

/* Who has no time any more does not wait for a late answer, which then does no harm. */
REAL_FIBER_TEST(a_late_answer_is_not_waited_for_longer_than_the_deadline) {
    _cleanup_(buf_done) struct buf flat = {0};
    struct dns_answer answer;
    struct ends e;
    begin(&e);
    make_answer(&e.a, &flat);
    fake.flat = buf_slice(&flat);
    fake.thinks = 200 * USEC_MS;
    struct fiber_deadline deadline = fiber_deadline_begin(fiber_now() + 50 * USEC_MS);
    assert_int_equal(ask(&e, &answer), -ETIMEDOUT);
    fiber_deadline_end(&deadline);
    assert_int_equal(fiber_sleep(300 * USEC_MS), 0);
    fake.thinks = 0;
    assert_int_equal(ask(&e, &answer), 0);
    assert_int_equal(answer.count, 2);
    end(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_arrives_whole),
        cmocka_unit_test(test_what_is_no_answer_is_an_error),
        cmocka_unit_test(test_an_error_of_the_resolver_is_passed_on),
        cmocka_unit_test(test_a_resolver_that_dies_meanwhile_is_an_error_at_once),
        cmocka_unit_test(test_a_late_answer_is_not_waited_for_longer_than_the_deadline),
    };
    return cmocka_run_group_tests_name("dns link", tests, NULL, NULL);
}
