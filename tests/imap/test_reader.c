/* SPDX-License-Identifier: ISC */
/*
 * Reading commands: lines, literals, long sets, and what is refused. One end of a conversation says
 * all it has to say before the other one reads.
 */
#include <errno.h>

#include "base/alloc.h"
#include "imap/syntax/append.h"
#include "unit.h"

static struct stream *client, *server;
static struct imap_reader reader;
static struct arena arena;
static struct imap_command command;
static struct problem problem;

static void begin(const struct imap_reader_limits *limits) {
    struct stream *ends[2];
    stream_pair(4 << 20, ends);
    client = ends[0];
    server = ends[1];
    reader = (struct imap_reader){.stream = server, .limits = limits, .timeout = USEC_MIN};
}

static void end(void) {
    imap_reader_done(&reader);
    arena_done(&arena);
    stream_free(client);
    stream_free(server);
}

static void say(struct slice bytes) {
    stream_write(client, bytes);
    assert_int_equal(stream_flush(client), 0);
}

/* All commands are read alike, so all are allowed here. */
static int next(void) {
    struct imap_mode mode = {.state = (enum imap_state)(IMAP_STATE_LOGIN | IMAP_STATE_SELECTED)};
    arena_reset(&arena);
    return imap_command_next(&reader, mode, &arena, &command, &problem);
}

static void assert_next(const char *tag) {
    int r = next();
    if (r < 0)
        fail_msg("%s: %d %s", tag, r, problem.text);
    assert_slice(command.tag, tag);
}

static void assert_bad(int error, const char *tag, const char *said) {
    assert_int_equal(next(), error);
    assert_slice(command.tag, tag);
    if (!strstr(problem.text, said))
        fail_msg("says: %s", problem.text);
}

/* What the client has got until now. */
static void assert_heard(const char *text) {
    assert_int_equal(stream_flush(server), 0);
    struct slice window = {0};
    if (*text) {
        assert_int_equal(stream_fill(client, strlen(text)), 0);
        window = stream_window(client);
    }
    assert_slice(window, text);
    stream_consume(client, window.len);
}

FIBER_TEST(lines_end_with_lf_and_empty_ones_are_skipped) {
    begin(&imap_limits_after_login);
    say(S("\r\na1 NOOP\r\n\r\n\n\na2 NOOP\na3 NOOP\r\n"));
    assert_next("a1");
    assert_next("a2");
    assert_next("a3");
    assert_int_equal(stream_shutdown(client), 0);
    assert_int_equal(next(), -E_EOF);
    end();
}

FIBER_TEST(rfc9051_4_3_a_literal_waits_for_the_continuation) {
    begin(&imap_limits_before_login);
    say(S("a LOGIN {4}\r\ntama {3}\r\nx\ny\r\nb NOOP\r\n"));
    assert_next("a");
    assert_heard("+ go ahead\r\n+ go ahead\r\n");
    assert_slice(command.login.user, "tama");
    assert_slice(command.login.password, "x\ny");
    assert_next("b");
    end();
}

FIBER_TEST(rfc7888_4_a_literal_with_plus_does_not_wait) {
    begin(&imap_limits_before_login);
    say(S("a LOGIN {4+}\r\nta\"a {0+}\r\n\r\nb NOOP\r\n"));
    assert_next("a");
    assert_heard("");
    assert_slice(command.login.user, "ta\"a");
    assert_slice(command.login.password, "");
    assert_next("b");
    end();
}

/* What is long beside a megabyte of others is refused, and given back whatever becomes of it. */
FIBER_TEST(sessions_share_the_memory_for_long_commands) {
    static const char *const sizes[] = {"{60000+}\r\n", "{70000+}\r\n"};
    uint64_t others = IMAP_HELD_MAX - 69000, held = others;
    char *text = mem_alloc(70000);
    memset(text, 'x', 70000);
    begin(&imap_limits_after_login);
    reader.held = &held;
    for (unsigned round = 0; round < 3; round++) {
        const size_t len = round == 0 ? 60000 : 70000;
        say(S("a SEARCH TEXT "));
        say(slice_of_str(sizes[round > 0]));
        say(slice_of(text, len));
        say(S("\r\nb NOOP\r\n"));
        if (round == 1) {
            assert_bad(-E_SYNTAX, "a", "a shorter literal");
            assert_true(held == others);
            held = others = 0;
        } else {
            assert_next("a");
            assert_true(held == others + (round == 2 ? len : 0));
        }
        assert_next("b");
        assert_true(held == others);
    }
    say(S("c UID FETCH 10001"));
    for (unsigned i = 1; i < 5000; i++)
        stream_printf(client, ",%u", 10001 + 2 * i);
    say(S(" UID\r\n"));
    assert_next("c");
    assert_true(held > 0 && held < 100000);
    end();
    assert_true(held == 0);
    free(text);
}

FIBER_TEST(a_brace_in_an_open_quoted_string_announces_no_literal) {
    begin(&imap_limits_after_login);
    say(S("a LOGIN x \"{5}\r\nb NOOP\r\nc LOGIN x \"\\\"{5}\r\nd LOGIN \"x\" {1}\r\ny\r\n"));
    assert_bad(-E_SYNTAX, "a", "a quoted string");
    assert_next("b");
    assert_bad(-E_SYNTAX, "c", "a quoted string");
    assert_next("d");
    assert_heard("+ go ahead\r\n");
    end();
}

FIBER_TEST(a_line_over_its_bound_is_refused_and_dropped) {
    static char many[9000];
    memset(many, 'x', sizeof many);
    begin(&imap_limits_before_login);
    say(S("a LOGIN x "));
    say(slice_of(many, sizeof many));
    say(S("\r\nb NOOP\r\n"));
    assert_bad(-E_SYNTAX, "a", "a shorter command");
    assert_next("b");
    say(S("c LOGIN x "));
    say(slice_of(many, 8192 - 9));
    say(S("\r\n"));
    assert_bad(-E_SYNTAX, "c", "a shorter command"); /* one byte over */
    say(S("d LOGIN x "));
    say(slice_of(many, 8192 - 10));
    say(S("\r\n"));
    assert_next("d");
    end();
}

/* Nothing is read as a set any more once a command is refused, however many digits come. */
FIBER_TEST(a_long_run_of_digits_behind_what_was_wrong_is_dropped) {
    static char digits[IMAP_SET_HELD + 904];
    memset(digits, '1', sizeof digits);
    begin(&imap_limits_after_login);
    say(S("a NOOP\0 "));
    say(slice_of(digits, sizeof digits));
    say(S("\r\nb NOOP\r\n"));
    assert_bad(-E_SYNTAX, "a", "no NUL");
    assert_next("b");
    end();
}

/* The line ends before literals are bytes of the lines too. */
FIBER_TEST(what_is_held_of_a_command_is_bounded) {
    static char octets[128 << 10];
    memset(octets, 'x', sizeof octets);
    begin(&imap_limits_after_login);
    say(S("a NOOP "));
    for (int i = 0; i < 8; i++) {
        say(S("{131072+}\r\n"));
        say(slice_of(octets, sizeof octets));
    }
    for (int i = 0; i < 16000; i++)
        say(S("{0+}\r\n"));
    say(S("\r\nb NOOP\r\n"));
    assert_bad(-E_SYNTAX, "a", "a shorter command");
    assert_true(reader.text.len <= imap_limits_after_login.line + imap_limits_after_login.literals);
    assert_next("b");
    end();
}

FIBER_TEST(a_line_without_end_closes_the_connection) {
    static char many[66000];
    memset(many, 'x', sizeof many);
    begin(&imap_limits_before_login);
    say(S("a LOGIN x "));
    for (int i = 0; i < 3; i++)
        say(slice_of(many, sizeof many));
    assert_bad(-E_REFUSED, "a", "a shorter command");
    end();
}

FIBER_TEST(rfc9051_4_3_a_literal_that_is_too_large_gets_no_continuation) {
    begin(&imap_limits_before_login);
    say(S("a LOGIN {4097}\r\n"));
    assert_bad(-E_SYNTAX, "a", "a shorter literal");
    assert_heard("");
    say(S("b LOGIN {99999999999999999999999}\r\n"));
    assert_bad(-E_SYNTAX, "b", "a shorter literal");
    say(S("c LOGIN {4294967295000}\r\n"));
    assert_bad(-E_SYNTAX, "c", "a shorter literal");
    say(S("d NOOP\r\n"));
    assert_next("d");
    end();
}

FIBER_TEST(octets_behind_a_refused_literal_are_no_command) {
    begin(&imap_limits_before_login);
    say(S("a LOGIN {4097}\r\nx LOGOUT\r\n"));
    assert_bad(-E_REFUSED, "a", "a shorter literal");
    assert_heard("");
    end();
}

FIBER_TEST(rfc7888_4_a_refused_literal_with_plus_is_dropped_with_all_behind_it) {
    static char many[5000];
    memset(many, '\n', sizeof many);
    begin(&imap_limits_before_login);
    say(S("a LOGIN {5000+}\r\n"));
    say(slice_of(many, sizeof many));
    say(S(" {3+}\r\nb \n\r\nb NOOP\r\n"));
    assert_bad(-E_SYNTAX, "a", "a shorter literal");
    assert_next("b");
    say(S("c LOGIN {70000+}\r\n"));
    assert_bad(-E_REFUSED, "c", "a shorter literal");
    end();
}

FIBER_TEST(literals_of_a_command_have_a_bound_together) {
    static char many[4000];
    memset(many, 'x', sizeof many);
    begin(&imap_limits_before_login);
    say(S("a ID ("));
    for (int i = 0; i < 3; i++) {
        say(S(" {4000+}\r\n"));
        say(slice_of(many, sizeof many));
    }
    say(S(")\r\nb NOOP\r\n"));
    assert_bad(-E_SYNTAX, "a", "a shorter literal");
    assert_next("b");
    end();
}

FIBER_TEST(a_nul_in_a_line_is_refused) {
    begin(&imap_limits_after_login);
    say(S("a SELECT \0\r\nb FETCH \0 FLAGS\r\nc NOOP\r\n"));
    assert_bad(-E_SYNTAX, "a", "no NUL");
    assert_bad(-E_SYNTAX, "b", "no NUL");
    assert_next("c");
    end();
}

/* "a UID FETCH 1,3,5,... FLAGS" with so many numbers. */
static void say_long_set(unsigned numbers) {
    struct buf text = {0};
    buf_add_str(&text, "a UID FETCH ");
    for (unsigned i = 0; i < numbers; i++)
        buf_printf(&text, "%s%u", i ? "," : "", 1000001 + 2 * i);
    buf_add_str(&text, " FLAGS\r\n");
    say(buf_slice(&text));
    buf_done(&text);
}

FIBER_TEST(after_login_a_set_may_be_far_longer_than_a_line) {
    begin(&imap_limits_after_login);
    say_long_set(130000);
    assert_next("a");
    assert_int_equal(command.fetch.set.count, 130000);
    assert_int_equal(command.fetch.set.ranges[129999].first, 1259999);
    assert_true(reader.text.size < 200000);
    say(S("b NOOP\r\n"));
    assert_next("b");
    assert_int_equal(reader.set_count, 0);
    end();
}

FIBER_TEST(a_set_over_its_bound_is_refused) {
    begin(&imap_limits_after_login);
    say_long_set(140000);
    say(S("b NOOP\r\n"));
    assert_bad(-E_SYNTAX, "a", "a shorter set");
    assert_next("b");
    end();
    begin(&imap_limits_before_login);
    say_long_set(2000);
    assert_bad(-E_SYNTAX, "a", "a shorter command");
    end();
}

FIBER_TEST(long_sets_stand_where_sets_may_and_nowhere_else) {
    static char digits[5000];
    for (size_t i = 0; i < sizeof digits; i++)
        digits[i] = i % 2 ? ',' : '7';
    struct slice set = slice_of(digits, 4999);
    begin(&imap_limits_after_login);
    const char *const good[][2] = {{"a FETCH ", " FLAGS\r\n"},
                                   {"a SEARCH UID ", " SEEN\r\n"},
                                   {"a SEARCH (", " SEEN)\r\n"},
                                   {"a SELECT x (QRESYNC (1 5 ", "))\r\n"},
                                   {"a COPY ", " x\r\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        say(slice_of_str(good[i][0]));
        say(set);
        say(slice_of_str(good[i][1]));
        assert_next("a");
    }
    assert_int_equal(command.copy.set.count, 1);
    const char *const bad[][2] = {{"a FETCH ", "x FLAGS\r\n"},
                                  {"a SELECT ", "\r\n"},
                                  {"a FETCH 1 ", "\r\n"},
                                  {"a FETCH 1,", ", FLAGS\r\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        say(slice_of_str(bad[i][0]));
        say(set);
        say(slice_of_str(bad[i][1]));
        assert_int_equal(next(), -E_SYNTAX);
        assert_slice(command.tag, "a");
    }
    say(S("a LOGIN x \" "));
    say(set);
    say(S("\"\r\n"));
    assert_next("a");
    assert_int_equal(command.login.password.len, 5000);
    end();
}

FIBER_TEST(a_command_that_does_not_come_to_its_end_times_out) {
    begin(&imap_limits_after_login);
    usec_t before = fiber_now();
    say(S("a NO"));
    assert_int_equal(next(), -ETIMEDOUT);
    assert_int_equal(fiber_now() - before, USEC_MIN);
    end();
}

FIBER_TEST(a_command_that_is_cut_off_leaves_no_tag) {
    begin(&imap_limits_after_login);
    say(S("a APPEND {100+}\r\nx"));
    assert_int_equal(stream_shutdown(client), 0);
    assert_int_equal(next(), -E_EOF);
    assert_int_equal(command.tag.len, 0);
    end();
}

FIBER_TEST(between_commands_nothing_is_held) {
    begin(&imap_limits_after_login);
    stream_set_timeout(server, USEC_SEC);
    say(S("a LOGIN {1000+}\r\n"));
    static char many[1000];
    say(slice_of(memset(many, 'x', sizeof many), sizeof many));
    say(S(" y\r\n"));
    assert_next("a");
    assert_int_equal(next(), -ETIMEDOUT);
    assert_null(reader.text.ptr);
    assert_null(reader.sets);
    end();
}

FIBER_TEST(done_and_what_follows_it_come_in_one_packet) {
    struct slice line;
    begin(&imap_limits_after_login);
    say(S("a IDLE\r\nDONE\r\nb NOOP\r\n"));
    assert_next("a");
    assert_int_equal(imap_reader_line(&reader, 100, &line), 0);
    assert_slice(line, "DONE");
    assert_next("b");
    end();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_end_with_lf_and_empty_ones_are_skipped),
        cmocka_unit_test(test_rfc9051_4_3_a_literal_waits_for_the_continuation),
        cmocka_unit_test(test_rfc7888_4_a_literal_with_plus_does_not_wait),
        cmocka_unit_test(test_sessions_share_the_memory_for_long_commands),
        cmocka_unit_test(test_a_brace_in_an_open_quoted_string_announces_no_literal),
        cmocka_unit_test(test_a_line_over_its_bound_is_refused_and_dropped),
        cmocka_unit_test(test_a_long_run_of_digits_behind_what_was_wrong_is_dropped),
        cmocka_unit_test(test_what_is_held_of_a_command_is_bounded),
        cmocka_unit_test(test_a_line_without_end_closes_the_connection),
        cmocka_unit_test(test_rfc9051_4_3_a_literal_that_is_too_large_gets_no_continuation),
        cmocka_unit_test(test_octets_behind_a_refused_literal_are_no_command),
        cmocka_unit_test(test_rfc7888_4_a_refused_literal_with_plus_is_dropped_with_all_behind_it),
        cmocka_unit_test(test_literals_of_a_command_have_a_bound_together),
        cmocka_unit_test(test_a_nul_in_a_line_is_refused),
        cmocka_unit_test(test_after_login_a_set_may_be_far_longer_than_a_line),
        cmocka_unit_test(test_a_set_over_its_bound_is_refused),
        cmocka_unit_test(test_long_sets_stand_where_sets_may_and_nowhere_else),
        cmocka_unit_test(test_a_command_that_does_not_come_to_its_end_times_out),
        cmocka_unit_test(test_a_command_that_is_cut_off_leaves_no_tag),
        cmocka_unit_test(test_between_commands_nothing_is_held),
        cmocka_unit_test(test_done_and_what_follows_it_come_in_one_packet),
    };
    return cmocka_run_group_tests_name("imap reader", tests, NULL, NULL);
}
