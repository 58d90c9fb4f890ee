/* SPDX-License-Identifier: ISC */
/*
 * A process at the edge carries a conversation between a peer outside and a process inside.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/error.h"
#include "io/tls.h"

/* The conversation's four ends: peer - outer === inner - process. */
static struct stream *peer, *outer, *inner, *process;
static int carried; /* what carrying returned; 1: it goes on */

static void connect_pair(struct stream **one, struct stream **other) {
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(stream_from_fd(ends[0], one), 0);
    assert_int_equal(stream_from_fd(ends[1], other), 0);
}

static void carry(void *arg UNUSED) {
    carried = 1;
    carried = stream_carry(outer, inner, NULL);
    stream_free(TAKE_PTR(inner));
}

static void begin(void) {
    connect_pair(&peer, &outer);
    connect_pair(&inner, &process);
}

static void begin_carrying(void) {
    assert_int_equal(fiber_spawn("carry", carry, NULL), 0);
    assert_int_equal(fiber_yield(), 0);
}

static void end(void) {
    stream_free(TAKE_PTR(peer));
    stream_free(TAKE_PTR(outer));
    stream_free(TAKE_PTR(inner));
    stream_free(TAKE_PTR(process));
}

static void wait_until_carried(void) {
    for (int i = 0; i < 1000 && carried == 1; i++)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
}

REAL_FIBER_TEST(both_hear_each_other) {
    struct slice line;
    begin();
    begin_carrying();
    stream_str(process, "+OK ready\r\n");
    assert_int_equal(stream_flush(process), 0);
    assert_int_equal(stream_read_line(peer, 100, &line), 0);
    assert_slice(line, "+OK ready\r\n");
    stream_str(peer, "STAT\r\n");
    assert_int_equal(stream_flush(peer), 0);
    assert_int_equal(stream_read_line(process, 100, &line), 0);
    assert_slice(line, "STAT\r\n");
    assert_int_equal(carried, 1);
    stream_free(TAKE_PTR(process));
    wait_until_carried();
    assert_int_equal(carried, 0);
    end();
}

/* Whoever stays on the line after the end must not keep the connection. */
REAL_FIBER_TEST(the_end_inside_is_the_end_although_the_peer_stays) {
    struct slice line;
    begin();
    begin_carrying();
    stream_str(process, "+OK goodbye\r\n");
    assert_int_equal(stream_shutdown(process), 0);
    wait_until_carried();
    assert_int_equal(carried, 0);
    assert_int_equal(stream_read_line(peer, 100, &line), 0);
    assert_slice(line, "+OK goodbye\r\n");
    assert_int_equal(stream_read_line(peer, 100, &line), -E_EOF);
    end();
}

REAL_FIBER_TEST(after_the_peers_end_the_process_has_the_last_word) {
    struct slice line;
    begin();
    begin_carrying();
    stream_str(peer, "QUIT\r\n");
    assert_int_equal(stream_shutdown(peer), 0);
    assert_int_equal(stream_read_line(process, 100, &line), 0);
    assert_int_equal(stream_read_line(process, 100, &line), -E_EOF);
    stream_str(process, "+OK goodbye\r\n");
    assert_int_equal(stream_shutdown(process), 0);
    assert_int_equal(stream_read_line(peer, 100, &line), 0);
    assert_slice(line, "+OK goodbye\r\n");
    end();
}

REAL_FIBER_TEST(a_peer_that_takes_nothing_is_given_up) {
    static char much[1 << 20];
    begin();
    stream_set_timeout(outer, 50 * USEC_MS);
    begin_carrying();
    stream_set_timeout(process, 2 * USEC_SEC);
    stream_write(process, slice_of(much, sizeof much));
    wait_until_carried();
    assert_int_equal(carried, -ETIMEDOUT);
    end();
}

/* ------------------------------------------------------------------ much at once */

#define COMMANDS    5000U
#define ANSWER_SIZE 1000U

/* Reads a command, writes its answer, and reads nothing meanwhile, as a mail process does. */
static void answer_commands(void *arg UNUSED) {
    static const char text[ANSWER_SIZE] = "answer";
    struct slice line;
    while (stream_read_line(process, 100, &line) == 0)
        stream_write(process, slice_of(text, sizeof text));
    stream_free(TAKE_PTR(process));
}

/* Each command in a packet of its own, which fills a socket soonest. */
static void send_commands(void *arg UNUSED) {
    for (unsigned i = 0; i < COMMANDS; i++) {
        stream_str(peer, "RETR 1\r\n");
        assert_int_equal(stream_flush(peer), 0);
    }
}

static void exchange_much(void) {
    uint64_t got = 0;
    assert_int_equal(fiber_spawn("process", answer_commands, NULL), 0);
    assert_int_equal(fiber_spawn("commands", send_commands, NULL), 0);
    stream_set_timeout(peer, 5 * USEC_SEC);
    while (got < (uint64_t)COMMANDS * ANSWER_SIZE) {
        assert_int_equal(stream_fill(peer, 1), 0);
        got += stream_window(peer).len;
        stream_consume(peer, stream_window(peer).len);
    }
    assert_int_equal(stream_shutdown(peer), 0);
    wait_until_carried();
    assert_int_equal(carried, 0);
}

REAL_FIBER_TEST(a_peer_may_say_much_before_it_is_answered) {
    begin();
    begin_carrying();
    exchange_much();
    end();
}

static int handshake;

static void accept_tls(void *arg) {
    struct problem problem = {0};
    handshake = tls_accept(outer, arg, &problem);
}

REAL_FIBER_TEST(tls_is_carried_as_well) {
    char *key_pem, *chain_pem;
    struct tls_key *key;
    struct tls_context *server, *client;
    struct problem problem = {0};
    assert_int_equal(tls_self_signed(S("mail.example.test"), 30, &key_pem, &chain_pem), 0);
    assert_int_equal(tls_key_new(slice_of_str(key_pem), &key, &problem), 0);
    struct tls_signer signer = {tls_key_sign, key};
    assert_int_equal(tls_server_new(slice_of_str(chain_pem), &signer, &server, &problem), 0);
    assert_int_equal(tls_client_new(&client, &problem), 0);
    begin();
    handshake = 1;
    assert_int_equal(fiber_spawn("accept", accept_tls, server), 0);
    assert_int_equal(tls_connect(peer, client, S("mail.example.test"), &problem), 0);
    while (handshake == 1)
        assert_int_equal(fiber_sleep(USEC_MS), 0);
    assert_int_equal(handshake, 0);
    begin_carrying();
    exchange_much();
    end();
    tls_context_free(server);
    tls_context_free(client);
    tls_key_free(key);
    free(key_pem);
    free(chain_pem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_hear_each_other),
        cmocka_unit_test(test_the_end_inside_is_the_end_although_the_peer_stays),
        cmocka_unit_test(test_after_the_peers_end_the_process_has_the_last_word),
        cmocka_unit_test(test_a_peer_that_takes_nothing_is_given_up),
        cmocka_unit_test(test_a_peer_may_say_much_before_it_is_answered),
        cmocka_unit_test(test_tls_is_carried_as_well),
    };
    return cmocka_run_group_tests_name("carry", tests, NULL, NULL);
}
