/* SPDX-License-Identifier: ISC */
/*
 * APPEND and REPLACE as they come: what is told of them, in which order.
 */
#include "imap/syntax/append.h"
#include "unit.h"

static const struct imap_mode mode = {.state = IMAP_STATE_SELECTED};
static struct stream *client, *server;
static struct imap_reader reader;
static struct arena arena;
static struct imap_command command;
static struct imap_append_place place;
static struct problem problem;

static void begin(struct slice said) {
    struct stream *ends[2];
    stream_pair(1 << 20, ends);
    client = ends[0];
    server = ends[1];
    reader = (struct imap_reader){
        .stream = server, .limits = &imap_limits_after_login, .timeout = USEC_MIN};
    stream_write(client, said);
    assert_int_equal(stream_flush(client), 0);
}

static void end(void) {
    imap_reader_done(&reader);
    arena_done(&arena);
    stream_free(client);
    stream_free(server);
}

static void next_command(const char *tag) {
    int r = imap_command_next(&reader, mode, &arena, &command, &problem);
    if (r < 0)
        fail_msg("%s: %d %s", tag, r, problem.text);
    assert_slice(command.tag, tag);
    place =
        (struct imap_append_place){.at = command.append.at, .one = command.verb == IMAP_REPLACE};
}

static struct imap_append_part next_part(enum imap_append_kind kind) {
    struct imap_append_part part;
    int r = imap_append_next(&place, &reader, mode, &arena, &part, &problem);
    if (r < 0)
        fail_msg("%d %s", r, problem.text);
    assert_int_equal(part.kind, kind);
    return part;
}

static void assert_octets(const char *text) {
    char octets[100];
    struct imap_append_part part = next_part(IMAP_APPEND_OCTETS);
    assert_int_equal(part.literal.size, strlen(text));
    assert_int_equal(imap_reader_hand_on(&reader), 0);
    assert_int_equal(stream_read_exact(server, octets, part.literal.size), 0);
    assert_slice(slice_of(octets, part.literal.size), text);
}

static void assert_bad_part(const char *said) {
    struct imap_append_part part;
    assert_int_equal(imap_append_next(&place, &reader, mode, &arena, &part, &problem), -E_SYNTAX);
    if (!strstr(problem.text, said))
        fail_msg("says: %s", problem.text);
}

static void assert_heard(const char *text) {
    assert_int_equal(stream_flush(server), 0);
    if (!*text)
        return assert_false(stream_has_input(client));
    assert_int_equal(stream_fill(client, strlen(text)), 0);
    assert_slice(stream_window(client), text);
}

FIBER_TEST(rfc9051_6_3_12_a_message_is_handed_on) {
    begin(S("a APPEND {5}\r\ninBox (\\Seen $x) \" 1-Feb-2026 09:00:00 +0900\" {7}\r\nA: 1\r\n\n\r\n"
            "b NOOP\r\n"));
    next_command("a");
    assert_int_equal(command.verb, IMAP_APPEND);
    assert_slice(command.append.mailbox, "INBOX");
    assert_heard("+ go ahead\r\n");
    struct imap_append_part part = next_part(IMAP_APPEND_MESSAGE);
    assert_int_equal(part.flags.system, IMAP_FLAG_SEEN);
    assert_slice(part.flags.keywords[0], "$x");
    assert_true(part.has_date);
    assert_int_equal(part.date.zone, 540);
    assert_octets("A: 1\r\n\n");
    (void)next_part(IMAP_APPEND_END);
    next_command("b");
    end();
}

FIBER_TEST(rfc3502_6_3_11_several_messages_in_one_command) {
    begin(
        S("a APPEND x {1+}\r\n1 (\\Draft) {1+}\r\n2 \"01-Feb-2026 09:00:00 +0000\" ~{1}\r\n3\r\n"));
    next_command("a");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_octets("1");
    assert_int_equal(next_part(IMAP_APPEND_MESSAGE).flags.system, IMAP_FLAG_DRAFT);
    assert_octets("2");
    assert_true(next_part(IMAP_APPEND_MESSAGE).has_date);
    assert_heard("");
    assert_octets("3");
    (void)next_part(IMAP_APPEND_END);
    end();
}

FIBER_TEST(any_number_of_messages_may_come_in_one_command) {
    struct buf said = {0};
    buf_add_str(&said, "a APPEND x");
    for (int i = 0; i < 3000; i++)
        buf_add_str(&said, " (\\Seen) \"01-Feb-2026 09:00:00 +0000\" {2+}\r\nab");
    buf_add_str(&said, "\r\nb NOOP\r\n");
    begin(buf_slice(&said));
    next_command("a");
    for (int i = 0; i < 3000; i++) {
        (void)next_part(IMAP_APPEND_MESSAGE);
        assert_octets("ab");
    }
    (void)next_part(IMAP_APPEND_END);
    next_command("b");
    buf_done(&said);
    end();
}

/* What is wrong is not read again and again, with ever more literals behind it. */
FIBER_TEST(a_literal_where_none_may_stand_ends_the_reading) {
    struct buf said = {0};
    buf_add_str(&said, "a APPEND x (");
    for (int i = 0; i < 8000; i++)
        buf_add_str(&said, "f ");
    for (int i = 0; i < 2000; i++)
        buf_add_str(&said, "{0+}\r\n");
    buf_add_str(&said, ") {1+}\r\nx\r\nb NOOP\r\n");
    begin(buf_slice(&said));
    next_command("a");
    assert_bad_part("expected a flag");
    assert_true(arena.total < 2U << 20);
    assert_int_equal(imap_reader_refuse(&reader), 0);
    next_command("b");
    buf_done(&said);
    end();
}

FIBER_TEST(rfc4469_4_a_message_is_put_together) {
    begin(S("a APPEND Drafts (\\Seen) CATENATE (URL \"/Drafts;UIDVALIDITY=385759045/;UID=20\" "
            "TEXT {3}\r\nxyz URL {2}\r\n/b TEXT {0+}\r\n) {1+}\r\n2\r\n"));
    next_command("a");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_slice(next_part(IMAP_APPEND_URL).url, "/Drafts;UIDVALIDITY=385759045/;UID=20");
    assert_octets("xyz");
    assert_slice(next_part(IMAP_APPEND_URL).url, "/b");
    assert_octets("");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_octets("2");
    (void)next_part(IMAP_APPEND_END);
    end();
}

FIBER_TEST(rfc6855_4_a_message_in_utf8) {
    begin(S("a APPEND x UTF8 (~{3+}\r\nabc)\r\nb APPEND x UTF8 ({3+}\r\nabc)\r\n"));
    next_command("a");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_octets("abc");
    (void)next_part(IMAP_APPEND_END);
    next_command("b");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_bad_part("~{n}");
    end();
}

FIBER_TEST(rfc8508_3_replace_brings_one_message) {
    begin(S("a UID REPLACE 7 Drafts (\\Draft) {1+}\r\nx\r\nb REPLACE 3 x {1+}\r\ny {1+}\r\nz\r\n"));
    next_command("a");
    assert_true(command.uid);
    assert_int_equal(command.append.replaced, 7);
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_octets("x");
    (void)next_part(IMAP_APPEND_END);
    next_command("b");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_octets("y");
    assert_bad_part("the end of the command");
    end();
}

FIBER_TEST(a_refused_message_with_plus_is_dropped_with_all_that_follow) {
    begin(S("a APPEND x {3+}\r\nabc {5+}\r\nb NO\n\r\nc NOOP\r\n"));
    next_command("a");
    (void)next_part(IMAP_APPEND_MESSAGE);
    (void)next_part(IMAP_APPEND_OCTETS);
    assert_int_equal(imap_reader_refuse(&reader), 0);
    next_command("c");
    end();
}

FIBER_TEST(a_message_that_was_read_can_be_refused) {
    begin(S("a APPEND x {3+}\r\nabc {5+}\r\nb NO\n\r\nc APPEND x {1+}\r\ny\r\nd NOOP\r\n"));
    next_command("a");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_octets("abc");
    assert_int_equal(imap_reader_refuse(&reader), 0);
    next_command("c");
    (void)next_part(IMAP_APPEND_MESSAGE);
    assert_octets("y");
    assert_int_equal(imap_reader_refuse(&reader), 0);
    next_command("d");
    end();
}

FIBER_TEST(a_refused_message_that_waits_gets_no_continuation) {
    begin(S("a APPEND x {3}\r\n"));
    next_command("a");
    (void)next_part(IMAP_APPEND_MESSAGE);
    (void)next_part(IMAP_APPEND_OCTETS);
    assert_int_equal(imap_reader_refuse(&reader), 0);
    assert_heard("");
    stream_str(client, "b NOOP\r\n");
    assert_int_equal(stream_flush(client), 0);
    next_command("b");
    end();
}

FIBER_TEST(lines_of_a_message_that_did_not_wait_are_no_commands) {
    begin(S("a APPEND x {300000000}\r\nb LOGOUT\r\n"));
    next_command("a");
    (void)next_part(IMAP_APPEND_MESSAGE);
    (void)next_part(IMAP_APPEND_OCTETS);
    assert_int_equal(imap_reader_refuse(&reader), -E_REFUSED);
    end();
}

FIBER_TEST(an_append_without_a_message_is_refused) {
    const char *const said[][2] = {
        {"a APPEND x\r\n", "a space"},
        {"a APPEND x \r\n", "a literal with the message"},
        {"a APPEND x (\\Seen)\r\n", "a space"},
        {"a APPEND x \"foo\" {3+}\r\nabc\r\n", "a date and time"},
        {"a APPEND x CATENATE ()\r\n", "URL or TEXT"},
        {"a APPEND x CATENATE (FOO)\r\n", "URL or TEXT"},
        {"a APPEND x{3+}\r\nabc\r\n", "a space"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
        begin(slice_of_str(said[i][0]));
        next_command("a");
        struct imap_append_part part;
        int r;
        while ((r = imap_append_next(&place, &reader, mode, &arena, &part, &problem)) == 0)
            assert_int_equal(part.kind, IMAP_APPEND_MESSAGE);
        assert_int_equal(r, -E_SYNTAX);
        if (!strstr(problem.text, said[i][1]))
            fail_msg("%s says: %s", said[i][0], problem.text);
        assert_int_equal(imap_reader_refuse(&reader), 0);
        stream_str(client, "b NOOP\r\n");
        assert_int_equal(stream_flush(client), 0);
        next_command("b");
        end();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc9051_6_3_12_a_message_is_handed_on),
        cmocka_unit_test(test_rfc3502_6_3_11_several_messages_in_one_command),
        cmocka_unit_test(test_any_number_of_messages_may_come_in_one_command),
        cmocka_unit_test(test_a_literal_where_none_may_stand_ends_the_reading),
        cmocka_unit_test(test_rfc4469_4_a_message_is_put_together),
        cmocka_unit_test(test_rfc6855_4_a_message_in_utf8),
        cmocka_unit_test(test_rfc8508_3_replace_brings_one_message),
        cmocka_unit_test(test_a_refused_message_with_plus_is_dropped_with_all_that_follow),
        cmocka_unit_test(test_a_message_that_was_read_can_be_refused),
        cmocka_unit_test(test_a_refused_message_that_waits_gets_no_continuation),
        cmocka_unit_test(test_lines_of_a_message_that_did_not_wait_are_no_commands),
        cmocka_unit_test(test_an_append_without_a_message_is_refused),
    };
    return cmocka_run_group_tests_name("imap append", tests, NULL, NULL);
}
