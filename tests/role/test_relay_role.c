/* SPDX-License-Identifier: ISC */
/*
 * The relay role between a resolver that dies or talks nonsense, files that vanish or are cut, and
 * a queue whose settings are older or newer. The other host is a socket of this test.
 */
#include "role/lone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dns/message.h"
#include "io/net.h"
#include "relay/via.h"

/* ------------------------------------------------------------------ another host */

static struct host {
    struct fiber_fd listener;
    char port[8];
    bool hesitates;   /* before it answers the final dot */
    bool wants_login; /* offers AUTH, and takes PLAIN */
    unsigned greeted; /* connections */
    unsigned whole;   /* messages up to their final dot */
    char login[64];   /* the last initial response, in base64 */
} host;

static bool takes_data(struct stream *s) {
    struct slice line;
    stream_str(s, "354 go\r\n");
    do {
        if (stream_read_line(s, 2000, &line) < 0)
            return false;
    } while (!slice_eq(line, S(".\r\n")));
    host.whole++;
    while (host.hesitates && fiber_sleep(20 * USEC_MS) == 0)
        ;
    stream_str(s, "250 2.0.0 taken\r\n");
    return true;
}

static void talk(void *arg) {
    struct stream *s = arg;
    struct slice line;
    host.greeted++;
    stream_str(s, "220 host\r\n");
    while (stream_read_line(s, 2000, &line) == 0) {
        if (slice_starts_nocase(line, S("EHLO")) && host.wants_login)
            stream_str(s, "250-host\r\n250 AUTH PLAIN\r\n");
        else if (slice_starts_nocase(line, S("AUTH PLAIN "))) {
            (void)slice_to_str(slice_trim_lines(slice_from(line, 11)), host.login,
                               sizeof host.login);
            stream_str(s, "235 2.7.0 welcome\r\n");
        } else if (!slice_starts_nocase(line, S("DATA")))
            stream_str(s, "250 2.1.0 ok\r\n");
        else if (!takes_data(s))
            break;
    }
    stream_free(s);
}

static void accept_all(void *arg) {
    struct net_addr peer;
    int fd = -1;
    (void)arg;
    while (net_accept(&host.listener, &peer, &fd) == 0) {
        struct stream *s = NULL;
        assert_int_equal(stream_from_fd(fd, &s), 0);
        assert_int_equal(fiber_spawn("host", talk, s), 0);
    }
    fiber_fd_done(&host.listener);
    (void)close(host.listener.fd);
}

static void start_host(void) {
    struct net_addr at;
    int fd = -1;
    host = (struct host){0};
    assert_int_equal(net_parse(S("127.0.0.1"), 0, &at), 0);
    assert_int_equal(net_listen(&at, &fd), 0);
    assert_int_equal(net_local(fd, &at), 0);
    (void)snprintf(host.port, sizeof host.port, "%u", net_port(&at));
    assert_int_equal(fiber_fd_init(&host.listener, fd), 0);
    assert_int_equal(fiber_spawn("hosts", accept_all, NULL), 0);
}

/* ------------------------------------------------------------------ a relay */

/* A smart host: no DNS is needed to find it. */
static struct lone *begin(void) {
    char text[32];
    start_host();
    struct lone *l = lone_new(ROLE_RELAY);
    (void)snprintf(text, sizeof text, "127.0.0.1:%s", host.port);
    lone_set(l, "port-offset", "20000");
    lone_set(l, "relay.smart-host", text);
    return l;
}

struct job {
    struct lone *lone;
    char destination[96];
    int file;
    uint64_t file_len;
    int result;
    uint8_t disposition;
    struct problem problem;
    char text[200];
    struct fiber *fiber;
};

static void transmit(void *arg) {
    static const struct rpc_caller queue = {.role = ROLE_QUEUE};
    static const struct recipient recipient = {.address = {"tama@example.net", 16}};
    struct job *j = arg;
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_relay_handlers *calls = j->lone->process.role->work->handlers;
    struct rpc_relay_transmit_in in = {
        .id = 7,
        .envelope = {.reverse_path = S("pochi@example.test"), .recipients = &recipient, .count = 1},
        .domain = slice_of_str(j->destination),
        .bytes = S("Subject: x\r\n\r\ntext\r\n"),
        .file = j->file,
        .file_len = j->file_len,
    };
    struct rpc_relay_transmit_out out = {0};
    j->result = calls->transmit(&j->lone->process, &queue, &in, &a, &out, &j->problem);
    if (j->result < 0)
        return;
    assert_int_equal(out.results_count, 1);
    j->disposition = out.results[0].disposition;
    (void)slice_to_str(slice_first(out.results[0].text, sizeof j->text - 1), j->text,
                       sizeof j->text);
}

/* As the queue has it, which reads the same settings. */
static struct job job_of(struct lone *l) {
    _cleanup_(arena_done) struct arena a = {0};
    struct job j = {.lone = l, .file = -1};
    struct relay_via via;
    relay_via_find(l->conf, S("example.net"), &a, &via);
    assert_int_equal(slice_to_str(via.destination, j.destination, sizeof j.destination), 0);
    return j;
}

REAL_FIBER_TEST(a_message_arrives_and_its_result_comes_back) {
    struct lone *l = begin();
    lone_open(l);
    struct job j = job_of(l);
    transmit(&j);
    assert_int_equal(j.result, 0);
    assert_int_equal(j.disposition, RELAY_DELIVERED);
    assert_int_equal(host.whole, 1);
    lone_end(l);
}

/* Its settings are older or newer than ours: a host would get what is for others. */
REAL_FIBER_TEST(what_goes_another_way_by_our_settings_goes_back) {
    struct lone *l = begin();
    lone_open(l);
    struct job j = job_of(l);
    (void)strcpy(j.destination, "example.net");
    transmit(&j);
    assert_int_equal(j.result, -E_BUSY);
    j.destination[0] = '\0';
    transmit(&j);
    assert_int_equal(j.result, -EINVAL);
    assert_int_equal(host.greeted, 0);
    lone_end(l);
}

/* ------------------------------------------------------------------ reload */

REAL_FIBER_TEST(a_transmission_ends_as_it_began_whatever_is_reloaded) {
    struct problem problem = {0};
    struct lone *l = begin();
    lone_open(l);
    unsigned fibers = lone_fibers();
    struct job j = job_of(l);
    host.hesitates = true;
    assert_int_equal(fiber_start("job", transmit, &j, &j.fiber), 0);
    for (int i = 0; i < 200 && host.whole == 0; i++)
        assert_int_equal(fiber_sleep(10 * USEC_MS), 0);
    lone_set(l, "relay.smart-host", "127.0.0.1:1");
    assert_int_equal(lone_reload(l, &problem), 0);
    assert_int_equal(lone_reload(l, &problem), 0);
    struct job other = j; /* of a queue that has the settings of before */
    transmit(&other);
    assert_int_equal(other.result, -E_BUSY);
    host.hesitates = false;
    fiber_join(j.fiber);
    assert_int_equal(j.result, 0);
    assert_int_equal(j.disposition, RELAY_DELIVERED);
    assert_true(lone_comes_down_to(fibers));
    lone_end(l);
}

REAL_FIBER_TEST(what_is_cancelled_meanwhile_frees_the_settings_that_it_held) {
    struct problem problem = {0};
    struct lone *l = begin();
    lone_open(l);
    unsigned fibers = lone_fibers();
    struct job j = job_of(l);
    host.hesitates = true;
    assert_int_equal(fiber_start("job", transmit, &j, &j.fiber), 0);
    for (int i = 0; i < 200 && host.whole == 0; i++)
        assert_int_equal(fiber_sleep(10 * USEC_MS), 0);
    assert_int_equal(lone_reload(l, &problem), 0);
    fiber_cancel(j.fiber);
    fiber_join(j.fiber);
    assert_int_equal(j.result, -ECANCELED);
    host.hesitates = false;
    assert_true(lone_comes_down_to(fibers));
    lone_end(l); /* the sanitizer tells what would have stayed */
}

/* ------------------------------------------------------------------ files */

static int file_with(const char *text) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd;
}

static void want_login(struct lone *l) {
    host.wants_login = true;
    lone_set(l, "relay.smart-host-user", "lab");
    lone_set(l, "relay.smart-host-tls", "may");
    lone_set(l, "relay.login-without-tls", "yes");
    lone_set(l, "relay.password-file", "/etc/hayauma/passwords");
}

/* base64 of NUL "lab" NUL "secret" (RFC 4616) */
#define LAB_SECRET "AGxhYgBzZWNyZXQ="

REAL_FIBER_TEST(a_password_comes_from_the_file_that_the_master_gave) {
    struct problem problem = {0};
    struct lone *l = begin();
    want_login(l);
    l->process.handed.passwords = file_with("127.0.0.1 lab secret\n");
    lone_open(l);
    struct job j = job_of(l);
    transmit(&j);
    assert_int_equal(j.result, 0);
    assert_int_equal(j.disposition, RELAY_DELIVERED);
    assert_string_equal(host.login, LAB_SECRET);
    l->process.handed.passwords = file_with("127.0.0.1 lab other\n");
    assert_int_equal(lone_reload(l, &problem), 0);
    transmit(&j);
    assert_string_equal(host.login, "AGxhYgBvdGhlcg==");
    assert_false(lone_has_told(l, "secret"));
    lone_end(l);
}

/* It waits, and is not sent without login nor returned to its sender. */
REAL_FIBER_TEST(without_the_password_a_message_waits) {
    static const char *const files[] = {"", "127.0.0.1 somebody secret\n", "\xff\xfe\n"};
    for (size_t i = 0; i <= ARRAY_SIZE(files); i++) {
        struct lone *l = begin();
        want_login(l);
        if (i < ARRAY_SIZE(files)) /* else the master could not open it */
            l->process.handed.passwords = file_with(files[i]);
        lone_open(l);
        struct job j = job_of(l);
        transmit(&j);
        assert_int_equal(j.result, 0);
        assert_int_equal(j.disposition, RELAY_LATER);
        assert_int_equal(host.whole, 0);
        lone_end(l);
    }
}

REAL_FIBER_TEST(a_password_file_that_is_too_large_is_reported) {
    struct lone *l = begin();
    want_login(l);
    l->process.handed.passwords = file_with("127.0.0.1 lab secret\n");
    assert_int_equal(ftruncate(l->process.handed.passwords, 65537), 0);
    lone_open(l);
    assert_true(lone_has_told(l, "warning: relay.password-file cannot be read"));
    struct job j = job_of(l);
    transmit(&j);
    assert_int_equal(j.disposition, RELAY_LATER);
    assert_false(lone_has_told(l, "secret"));
    lone_end(l);
}

REAL_FIBER_TEST(authorities_that_are_none_are_reported_and_what_needs_them_waits) {
    struct lone *l = begin();
    lone_set(l, "relay.smart-host-tls", "verify");
    lone_set(l, "relay.authorities", "/etc/ssl/certs/ca-certificates.crt");
    l->process.handed.authorities = file_with("<html>404</html>\n");
    lone_open(l);
    assert_true(lone_has_told(l, "warning: relay.authorities: "));
    assert_true(lone_has_told(l, "no certificate can be verified"));
    struct job j = job_of(l);
    transmit(&j);
    assert_int_equal(j.result, 0);
    assert_int_equal(j.disposition, RELAY_LATER);
    assert_int_equal(host.whole, 0);
    lone_end(l);
}

/* The spool's segment was cut, or its disk gives nothing: the other host must not take a part. */
REAL_FIBER_TEST(a_file_that_is_shorter_than_the_message_is_not_sent_as_whole) {
    struct lone *l = begin();
    lone_open(l);
    struct job j = job_of(l);
    j.file = file_with("only this\r\n");
    j.file_len = 1000000;
    transmit(&j);
    assert_int_equal(j.result, 0);
    assert_int_equal(j.disposition, RELAY_LATER);
    assert_int_equal(host.whole, 0);
    assert_int_equal(fcntl(j.file, F_GETFD), -1); /* it was ours to close */
    lone_end(l);
}

/* ------------------------------------------------------------------ DNS */

static struct {
    struct slice flat;
    int error;
    bool silent;
} resolver;

static int on_query(void *arg, const struct rpc_caller *caller,
                    const struct rpc_resolver_query_in *in, struct arena *a,
                    struct rpc_resolver_query_out *out, struct problem *problem) {
    (void)arg;
    (void)caller;
    (void)in;
    (void)a;
    while (resolver.silent && fiber_sleep(20 * USEC_MS) == 0)
        ;
    out->answer = resolver.flat;
    return resolver.error ? problem_set(problem, resolver.error, "no") : 0;
}

static const struct rpc_resolver_handlers resolver_handlers = {.query = on_query};

static struct lone *begin_with_dns(void) {
    struct lone *l = begin();
    memset(&resolver, 0, sizeof resolver);
    lone_set(l, "relay.smart-host", "none");
    return l;
}

static void expect_later(struct lone *l) {
    struct job j = job_of(l);
    transmit(&j);
    assert_int_equal(j.result, 0);
    if (j.disposition != RELAY_LATER)
        fail_msg("disposition %u: %s", j.disposition, j.text);
}

/* What a broken process says of a domain is no reason to return a message to its sender. */
REAL_FIBER_TEST(a_resolver_that_is_away_or_talks_nonsense_puts_messages_off) {
    struct lone *l = begin_with_dns();
    lone_open(l);
    expect_later(l); /* it has not been linked yet */
    lone_peer(l, ROLE_RESOLVER, &resolver_handlers, NULL);
    expect_later(l); /* an empty answer */
    resolver.flat = S("\xff\xff\xff\xff no answer at all");
    expect_later(l);
    resolver.flat = S("");
    resolver.error = -E_CORRUPT;
    expect_later(l);
    lone_kill_peer(l, ROLE_RESOLVER);
    expect_later(l);
    lone_end(l);
}

REAL_FIBER_TEST(a_resolver_that_dies_amid_a_question_puts_the_message_off) {
    struct lone *l = begin_with_dns();
    lone_open(l);
    lone_peer(l, ROLE_RESOLVER, &resolver_handlers, NULL);
    resolver.silent = true;
    struct job j = job_of(l);
    assert_int_equal(fiber_start("job", transmit, &j, &j.fiber), 0);
    assert_int_equal(fiber_sleep(100 * USEC_MS), 0);
    lone_kill_peer(l, ROLE_RESOLVER);
    fiber_join(j.fiber);
    assert_int_equal(j.result, 0);
    assert_int_equal(j.disposition, RELAY_LATER);
    lone_end(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_arrives_and_its_result_comes_back),
        cmocka_unit_test(test_what_goes_another_way_by_our_settings_goes_back),
        cmocka_unit_test(test_a_transmission_ends_as_it_began_whatever_is_reloaded),
        cmocka_unit_test(test_what_is_cancelled_meanwhile_frees_the_settings_that_it_held),
        cmocka_unit_test(test_a_password_comes_from_the_file_that_the_master_gave),
        cmocka_unit_test(test_without_the_password_a_message_waits),
        cmocka_unit_test(test_a_password_file_that_is_too_large_is_reported),
        cmocka_unit_test(test_authorities_that_are_none_are_reported_and_what_needs_them_waits),
        cmocka_unit_test(test_a_file_that_is_shorter_than_the_message_is_not_sent_as_whole),
        cmocka_unit_test(test_a_resolver_that_is_away_or_talks_nonsense_puts_messages_off),
        cmocka_unit_test(test_a_resolver_that_dies_amid_a_question_puts_the_message_off),
    };
    return cmocka_run_group_tests_name("relay role", tests, NULL, NULL);
}
