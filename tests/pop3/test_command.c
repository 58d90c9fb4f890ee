/* SPDX-License-Identifier: ISC */
/*
 * The grammar of POP3 commands.
 */
#include "pop3/command.h"
#include "unit.h"

static struct pop3_command parse(struct slice line) {
    struct pop3_command c;
    struct problem problem = {0};
    if (pop3_parse(line, &c, &problem) < 0)
        fail_msg("\"%.*s\": %s", SLICE_ARG(line), problem.text);
    return c;
}

static void assert_wrong(struct slice line, int error, const char *said) {
    struct pop3_command c;
    struct problem problem = {0};
    if (pop3_parse(line, &c, &problem) != error)
        fail_msg("\"%.*s\" should be wrong", SLICE_ARG(line));
    if (!strstr(problem.text, said))
        fail_msg("\"%.*s\" says: %s", SLICE_ARG(line), problem.text);
}

static void rfc1939_3_keywords_in_any_case(void **state) {
    assert_int_equal(parse(S("STAT\r\n")).verb, POP3_STAT);
    assert_int_equal(parse(S("sTaT\r\n")).verb, POP3_STAT);
    assert_int_equal(parse(S("quit\r\n")).verb, POP3_QUIT);
}

static void lines_may_end_with_lf_and_spaces(void **state) {
    assert_int_equal(parse(S("NOOP\n")).verb, POP3_NOOP);
    assert_int_equal(parse(S("NOOP  \r\n")).verb, POP3_NOOP);
    assert_int_equal(parse(S("RETR 1 \r\n")).number, 1);
    assert_int_equal(parse(S("NOOP")).verb, POP3_NOOP);
}

static void rfc1939_7_a_password_may_have_spaces(void **state) {
    assert_slice(parse(S("PASS a b  c \r\n")).text, "a b  c ");
    assert_slice(parse(S("PASS  x\r\n")).text, " x");
    assert_slice(parse(S("USER Tama Neko \r\n")).text, "Tama Neko");
    assert_slice(parse(S("PASS \xe7\x8c\xab\r\n")).text, "\xe7\x8c\xab");
}

static void rfc1939_7_apop_ends_with_the_digest(void **state) {
    struct pop3_command c = parse(S("APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"));
    assert_slice(c.text, "mrose");
    assert_slice(c.more, "c4c9334bac560ecc979e58001b3e22fb");
    assert_wrong(S("APOP mrose\r\n"), -E_SYNTAX, "a name and a digest");
    assert_wrong(S("APOP\r\n"), -E_SYNTAX, "a name and a digest");
}

static void rfc5034_4_auth_may_have_a_first_response(void **state) {
    struct pop3_command c = parse(S("AUTH PLAIN\r\n"));
    assert_slice(c.text, "PLAIN");
    assert_null(c.more.ptr);
    c = parse(S("AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=\r\n"));
    assert_slice(c.more, "dGVzdAB0ZXN0AHRlc3Q=");
    assert_int_equal(parse(S("AUTH\r\n")).text.len, 0);
    assert_wrong(S("AUTH PLAIN a b\r\n"), -E_SYNTAX, "a mechanism");
}

static void message_numbers(void **state) {
    assert_int_equal(parse(S("DELE 00012\r\n")).number, 12);
    assert_int_equal(parse(S("RETR 0\r\n")).number, 0);
    assert_int_equal(parse(S("RETR 4294967295\r\n")).number, UINT32_MAX);
    assert_int_equal(parse(S("RETR 99999999999999999999999999\r\n")).number, UINT32_MAX);
    assert_false(parse(S("LIST\r\n")).has_number);
    assert_true(parse(S("UIDL 3\r\n")).has_number);
    struct pop3_command c = parse(S("TOP 2 10\r\n"));
    assert_int_equal(c.number, 2);
    assert_int_equal(c.lines, 10);
}

static void wrong_arguments_are_explained(void **state) {
    assert_wrong(S("RETR\r\n"), -E_SYNTAX, "RETR takes the number");
    assert_wrong(S("RETR -1\r\n"), -E_SYNTAX, "RETR takes the number");
    assert_wrong(S("RETR +1\r\n"), -E_SYNTAX, "RETR takes the number");
    assert_wrong(S("RETR 1x\r\n"), -E_SYNTAX, "RETR takes the number");
    assert_wrong(S("RETR  1\r\n"), -E_SYNTAX, "RETR takes the number");
    assert_wrong(S("RETR 1 2\r\n"), -E_SYNTAX, "RETR takes the number");
    assert_wrong(S("DELE 0x10\r\n"), -E_SYNTAX, "DELE takes the number");
    assert_wrong(S("TOP 1\r\n"), -E_SYNTAX, "a count of lines");
    assert_wrong(S("TOP 1 -1\r\n"), -E_SYNTAX, "a count of lines");
    assert_wrong(S("STAT 1\r\n"), -E_SYNTAX, "STAT takes no argument");
    assert_wrong(S("QUIT now\r\n"), -E_SYNTAX, "QUIT takes no argument");
    assert_wrong(S("PASS\r\n"), -E_SYNTAX, "PASS takes a password");
    assert_wrong(S("USER \r\n"), -E_SYNTAX, "USER takes a name");
}

static void unknown_commands(void **state) {
    assert_wrong(S("\r\n"), -E_UNKNOWN, "unknown");
    assert_wrong(S(" STAT\r\n"), -E_UNKNOWN, "unknown");
    assert_wrong(S("STATS\r\n"), -E_UNKNOWN, "unknown");
    assert_wrong(S("STA\r\n"), -E_UNKNOWN, "unknown");
    assert_wrong(S("\xff\xfe\r\n"), -E_UNKNOWN, "unknown");
    assert_wrong(S("GET / HTTP/1.1\r\n"), -E_UNKNOWN, "unknown");
}

static void control_characters_are_refused(void **state) {
    assert_wrong(S("STAT\0\r\n"), -E_SYNTAX, "control");
    assert_wrong(S("PASS a\0b\r\n"), -E_SYNTAX, "control");
    assert_wrong(S("STAT\rNOOP\r\n"), -E_SYNTAX, "control");
    assert_wrong(S("RETR\t1\r\n"), -E_SYNTAX, "control");
    assert_wrong(S("STAT\r\r\n"), -E_SYNTAX, "control");
    assert_wrong(S("USER a\x7f\r\n"), -E_SYNTAX, "control");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc1939_3_keywords_in_any_case),
        cmocka_unit_test(lines_may_end_with_lf_and_spaces),
        cmocka_unit_test(rfc1939_7_a_password_may_have_spaces),
        cmocka_unit_test(rfc1939_7_apop_ends_with_the_digest),
        cmocka_unit_test(rfc5034_4_auth_may_have_a_first_response),
        cmocka_unit_test(message_numbers),
        cmocka_unit_test(wrong_arguments_are_explained),
        cmocka_unit_test(unknown_commands),
        cmocka_unit_test(control_characters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
