/* SPDX-License-Identifier: ISC */
/*
 * Bodies of multi-line replies: byte-stuffing (RFC 1939 §3) and TOP (§7).
 */
#include "pop3/text.h"
#include "unit.h"

/* The message is given in parts of every size, the result must always be the same. */
static void assert_sent(struct slice message, uint64_t lines, const char *sent) {
    for (size_t part = 1; part <= message.len + 1; part++) {
        _cleanup_(buf_done) struct buf to = {0};
        struct pop3_text text;
        pop3_text_init(&text, lines);
        for (size_t at = 0; at < message.len; at += part)
            pop3_text_add(&text, slice_first(slice_from(message, at), part), &to);
        pop3_text_end(&text, &to);
        assert_slice(buf_slice(&to), sent);
    }
}

static void rfc1939_3_dots_at_line_starts_are_doubled(void **state) {
    assert_sent(S("a\r\n\r\n.\r\n"), POP3_ALL_LINES, "a\r\n\r\n..\r\n.\r\n");
    assert_sent(S(".\r\n"), POP3_ALL_LINES, "..\r\n.\r\n");
    assert_sent(S("..\r\n.a\r\n"), POP3_ALL_LINES, "...\r\n..a\r\n.\r\n");
    assert_sent(S("a.b\r\nc.\r\n"), POP3_ALL_LINES, "a.b\r\nc.\r\n.\r\n");
}

static void rfc1939_3_the_end_has_a_line_of_its_own(void **state) {
    assert_sent(S(""), POP3_ALL_LINES, ".\r\n");
    assert_sent(S("a\r\n"), POP3_ALL_LINES, "a\r\n.\r\n");
    assert_sent(S("a"), POP3_ALL_LINES, "a\r\n.\r\n");
    assert_sent(S("a\r"), POP3_ALL_LINES, "a\r\r\n.\r\n");
    assert_sent(S("a\n"), POP3_ALL_LINES, "a\n\r\n.\r\n");
    assert_sent(S("\r\n\r\n"), POP3_ALL_LINES, "\r\n\r\n.\r\n");
}

static void a_lone_lf_does_not_hide_a_dot(void **state) {
    assert_sent(S("a\n.\nb\r\n"), POP3_ALL_LINES, "a\n..\nb\r\n.\r\n");
    assert_sent(S("a\n.\r\nb\r\n"), POP3_ALL_LINES, "a\n..\r\nb\r\n.\r\n");
    assert_sent(S("a\r.\r\n"), POP3_ALL_LINES, "a\r.\r\n.\r\n");
}

static void rfc1939_7_top_sends_header_and_some_lines(void **state) {
    struct slice message = S("A: 1\r\nB: 2\r\n\r\none\r\n.two\r\nthree\r\n");
    assert_sent(message, 0, "A: 1\r\nB: 2\r\n\r\n.\r\n");
    assert_sent(message, 1, "A: 1\r\nB: 2\r\n\r\none\r\n.\r\n");
    assert_sent(message, 2, "A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n.\r\n");
    assert_sent(message, 3, "A: 1\r\nB: 2\r\n\r\none\r\n..two\r\nthree\r\n.\r\n");
    assert_sent(message, 4294967295, "A: 1\r\nB: 2\r\n\r\none\r\n..two\r\nthree\r\n.\r\n");
}

static void rfc1939_7_top_of_odd_messages(void **state) {
    assert_sent(S("A: 1\r\n"), 5, "A: 1\r\n.\r\n");
    assert_sent(S("\r\nbody\r\nmore\r\n"), 1, "\r\nbody\r\n.\r\n");
    assert_sent(S("\r\n\r\n\r\nx\r\n"), 1, "\r\n\r\n.\r\n");
    assert_sent(S("A: 1\n\nbody\nmore\n"), 1, "A: 1\n\nbody\n\r\n.\r\n");
    assert_sent(S("A: 1\r\n\r\nbody"), 2, "A: 1\r\n\r\nbody\r\n.\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1939_3_dots_at_line_starts_are_doubled),
        cmocka_unit_test(rfc1939_3_the_end_has_a_line_of_its_own),
        cmocka_unit_test(a_lone_lf_does_not_hide_a_dot),
        cmocka_unit_test(rfc1939_7_top_sends_header_and_some_lines),
        cmocka_unit_test(rfc1939_7_top_of_odd_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
