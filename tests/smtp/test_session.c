/* SPDX-License-Identifier: ISC */
/* Whole sessions against the fake server, where a script cannot count through all cases. */
#include "unit.h"

#include "fake_server.h"
#include "fiber/fiber.h"

static const char conversation[] = "EHLO kitten.example\r\n"
                                   "MAIL FROM:<neko@kitten.example> SIZE=20\r\n"
                                   "RCPT TO:<tama@example.test>\r\n"
                                   "DATA\r\n"
                                   "Subject: cut\r\n"
                                   "\r\n"
                                   "..x\r\n"
                                   ".\r\n"
                                   "QUIT\r\n";

struct talk {
    struct stream *server;
    struct fake_server *fake;
};

static void serve(void *arg) {
    struct talk *t = arg;
    fake_server_session(t->server, t->fake);
    stream_free(t->server);
}

/* Says `first`, waits, says `second` and hangs up; the messages that were accepted. */
static unsigned talk(struct slice first, struct slice second) {
    struct stream *ends[2];
    struct fake_server *fake = fake_server_new();
    struct fiber *server;
    stream_pair(65536, ends);
    struct talk t = {ends[1], fake};
    assert_int_equal(fiber_start("server", serve, &t, &server), 0);
    assert_int_equal(fiber_sleep(USEC_SEC), 0); /* behind the greeting */
    stream_write(ends[0], first);
    (void)stream_flush(ends[0]);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    stream_write(ends[0], second);
    (void)stream_flush(ends[0]);
    assert_int_equal(fiber_sleep(USEC_SEC), 0);
    stream_free(ends[0]);
    fiber_join(server);
    unsigned messages = fake_server_messages(fake);
    fake_server_free(fake);
    return messages;
}

/* A connection that breaks at any byte leaves nothing behind, and no message before CRLF.CRLF. */
FIBER_TEST(rfc5321_4_1_1_4_cut_at_every_byte) {
    struct slice all = slice_of_str(conversation);
    size_t end = (size_t)slice_find(all, S("QUIT"));
    for (size_t at = 0; at <= all.len; at++)
        assert_int_equal(talk(slice_first(all, at), S("")), at >= end ? 1 : 0);
}

/* In two packets, cut at any byte: always the same message. */
FIBER_TEST(rfc2920_two_packets) {
    struct slice all = slice_of_str(conversation);
    for (size_t at = 0; at <= all.len; at++)
        assert_int_equal(talk(slice_first(all, at), slice_from(all, at)), 1);
}

/* A role that shuts down ends its sessions with 421. */
FIBER_TEST(rfc5321_3_8_shutdown) {
    struct stream *ends[2];
    struct fake_server *fake = fake_server_new();
    struct fiber *server;
    struct slice line;
    stream_pair(65536, ends);
    struct talk t = {ends[1], fake};
    assert_int_equal(fiber_start("server", serve, &t, &server), 0);
    assert_int_equal(stream_read_line(ends[0], 512, &line), 0);
    fiber_cancel(server);
    assert_int_equal(stream_read_line(ends[0], 512, &line), 0);
    assert_slice(line, "421 4.3.2 Shutting down, closing\r\n");
    assert_int_equal(stream_fill(ends[0], 1), -E_EOF);
    fiber_join(server);
    stream_free(ends[0]);
    fake_server_free(fake);
}

/* A client that is gone before the greeting is no trouble. */
FIBER_TEST(gone_at_once) {
    struct stream *ends[2];
    struct fake_server *fake = fake_server_new();
    struct fiber *server;
    stream_pair(65536, ends);
    struct talk t = {ends[1], fake};
    stream_free(ends[0]);
    assert_int_equal(fiber_start("server", serve, &t, &server), 0);
    fiber_join(server);
    fake_server_free(fake);
}

/* The same over a socket and the machine's clock. */
REAL_FIBER_TEST(over_a_socket) {
    int fds[2];
    struct stream *client;
    struct fake_server *fake = fake_server_new();
    struct talk t = {NULL, fake};
    struct fiber *server;
    struct slice line;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(stream_from_fd(fds[0], &client), 0);
    assert_int_equal(stream_from_fd(fds[1], &t.server), 0);
    assert_int_equal(fiber_start("server", serve, &t, &server), 0);
    assert_int_equal(stream_read_line(client, 512, &line), 0);
    assert_true(slice_starts(line, S("220 ")));
    stream_str(client, conversation);
    do
        assert_int_equal(stream_read_line(client, 512, &line), 0);
    while (!slice_starts(line, S("221 ")));
    assert_int_equal(stream_fill(client, 1), -E_EOF);
    fiber_join(server);
    stream_free(client);
    assert_int_equal(fake_server_messages(fake), 1);
    fake_server_free(fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc5321_4_1_1_4_cut_at_every_byte),
        cmocka_unit_test(test_rfc2920_two_packets),
        cmocka_unit_test(test_rfc5321_3_8_shutdown),
        cmocka_unit_test(test_gone_at_once),
        cmocka_unit_test(test_over_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
