/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "smtp/command.h"

static struct arena arena;
static struct smtp_fault fault;

static int parse(struct slice line, struct smtp_command *ret) {
    fault = (struct smtp_fault){0};
    return smtp_command_parse(line, ret, &fault);
}

static struct smtp_command command(struct slice line) {
    struct smtp_command c = {0};
    assert_int_equal(parse(line, &c), 0);
    return c;
}

/* RFC 5321 §2.4: verbs in any case; §4.1.1: blanks at the end are no argument. */
static void rfc5321_2_4_verbs(void **state) {
    struct smtp_command c = command(S("eHlO  kitten.example \r\n"));
    assert_int_equal(c.verb, SMTP_VERB_EHLO);
    assert_slice(c.argument, "kitten.example");
    assert_slice(c.line, "eHlO  kitten.example ");
    c = command(S("DATA \r\n"));
    assert_int_equal(c.verb, SMTP_VERB_DATA);
    c = command(S("\r\n"));
    assert_int_equal(c.verb, SMTP_VERB_UNKNOWN);
    c = command(S("DATAX\r\n"));
    assert_int_equal(c.verb, SMTP_VERB_UNKNOWN);
}

/* Every verb is found by its own name. */
static void every_verb_has_a_name(void **state) {
    for (unsigned verb = SMTP_VERB_UNKNOWN + 1; verb < SMTP_VERB_COUNT; verb++)
        assert_int_equal(smtp_verb_find(slice_of_str(smtp_verb_name((enum smtp_verb)verb))), verb);
    assert_int_equal(smtp_verb_find(S("")), SMTP_VERB_UNKNOWN);
}

static void assert_line_fault(struct slice line, unsigned code, size_t at) {
    struct smtp_command c;
    assert_int_equal(parse(line, &c), -E_SYNTAX);
    if (fault.code != code || fault.at != at)
        fail_msg("%.*s: %u at %zu", SLICE_ARG(line), fault.code, fault.at);
}

/* RFC 5321 §2.3.8, §4.1.1: the line, and whether an argument may be there. */
static void rfc5321_2_3_8_lines(void **state) {
    assert_line_fault(S("NOOP\n"), 500, 4);
    assert_line_fault(S("\n"), 500, 0);
    assert_line_fault(S(""), 500, 0);
    assert_line_fault(S("NOOP\r"), 500, 4);
    assert_line_fault(S("NOOP\rX\r\n"), 500, 4);
    assert_line_fault(S("NOOP\nX\r\n"), 500, 4);
    assert_line_fault(S("NOOP\r\r\n"), 500, 4);
    assert_line_fault(S("NOOP \0\r\n"), 500, 5);
    assert_line_fault(S("NOOP \xff\r\n"), 500, 5);
    assert_line_fault(S("DATA now\r\n"), 501, 4);
    assert_line_fault(S("MAIL\r\n"), 501, 4);
    assert_line_fault(S("MAIL  \r\n"), 501, 4);
}

static void fault_as_reply(void **state) {
    struct smtp_command c;
    assert_int_equal(parse(S("DATA now\r\n"), &c), -E_SYNTAX);
    struct smtp_reply reply = smtp_fault_reply(&fault, &arena);
    assert_slice(smtp_reply_text(&arena, &reply),
                 "501 5.5.4 Column 5: this command has no argument");
}

static struct smtp_mail mail(struct slice line) {
    struct smtp_command c = command(line);
    struct smtp_mail m = {0};
    if (smtp_mail_parse(&c, &arena, &m, &fault) < 0)
        fail_msg("%.*s: %s at %zu", SLICE_ARG(line), fault.expected, fault.at);
    return m;
}

static struct smtp_rcpt rcpt(struct slice line) {
    struct smtp_command c = command(line);
    struct smtp_rcpt r = {0};
    if (smtp_rcpt_parse(&c, &arena, &r, &fault) < 0)
        fail_msg("%.*s: %s at %zu", SLICE_ARG(line), fault.expected, fault.at);
    return r;
}

/* RFC 5321 §4.1.1.2 with RFC 1870, 6152, 3461, 4954: all parameters, in any order and case. */
static void rfc5321_4_1_1_2_mail(void **state) {
    struct smtp_mail m =
        mail(S("MAIL FROM:<tama@Kitten.Example> size=12345 AUTH=e+3Dmc2@example.com "
               "Body=8bitMIME ENVID=a+2Bb RET=full\r\n"));
    assert_slice(address_text(&arena, &m.sender), "tama@kitten.example");
    assert_int_equal(m.size, 12345);
    assert_int_equal(m.body_type, BODY_TYPE_8BITMIME);
    assert_int_equal(m.ret, RETURN_FULL);
    assert_slice(m.envid, "a+2Bb");
    assert_slice(m.submitter, "e=mc2@example.com");
    m = mail(S("MAIL FROM:<>\r\n"));
    assert_true(address_is_null(&m.sender));
    assert_int_equal(m.ret, RETURN_UNSAID);
    m = mail(S("MAIL FROM: <a@b.example>  SIZE=1\r\n"));
    assert_int_equal(m.size, 1);
}

/* RFC 5321 §4.1.1.3, RFC 3461 §4.1, §4.2. */
static void rfc5321_4_1_1_3_rcpt(void **state) {
    struct smtp_rcpt r = rcpt(S("RCPT TO:<\"a b\"@[192.0.2.1]> NOTIFY=failure,DELAY "
                                "ORCPT=rfc822;Bob+40Example.COM\r\n"));
    assert_slice(address_text(&arena, &r.recipient), "\"a b\"@[192.0.2.1]");
    assert_int_equal(r.notify, NOTIFY_FAILURE | NOTIFY_DELAY);
    assert_slice(r.original, "rfc822;Bob+40Example.COM");
    r = rcpt(S("RCPT TO:<postmaster>\r\n"));
    assert_true(address_is_postmaster(&r.recipient));
    assert_int_equal(r.notify, 0);
}

static void assert_mail_fault(struct slice line, unsigned code, size_t at) {
    struct smtp_command c = command(line);
    struct smtp_mail m;
    assert_int_equal(smtp_mail_parse(&c, &arena, &m, &fault), -E_SYNTAX);
    if (fault.code != code || fault.at != at)
        fail_msg("%.*s: %u at %zu", SLICE_ARG(line), fault.code, fault.at);
}

/* A fault names its place in the line. */
static void fault_has_its_place(void **state) {
    assert_mail_fault(S("MAIL TO:<a@b>\r\n"), 501, 5);
    assert_mail_fault(S("MAIL FROM:<a@b.example> SIZE=1 SIZE=2\r\n"), 501, 31);
    assert_mail_fault(S("MAIL FROM:<a@b.example> MEOW\r\n"), 555, 24);
    assert_mail_fault(S("MAIL FROM:<a@b.example> SIZE=-1\r\n"), 501, 24);
    assert_mail_fault(S("MAIL FROM:<a@b.example> SIZE=\r\n"), 501, 24);
    assert_mail_fault(S("MAIL FROM:<\xe7\x8c\xab@b.example>\r\n"), 553, 11);
}

/* RFC 5321 §4.1.1.1, §4.1.3. */
static void rfc5321_4_1_1_1_hello(void **state) {
    static const struct {
        struct slice line;
        int r;
    } cases[] = {
        {S("EHLO a\r\n"), 0},
        {S("EHLO a.b-c.example\r\n"), 0},
        {S("EHLO a.example.\r\n"), 0},
        {S("EHLO a_b.example\r\n"), 0},
        {S("EHLO [192.0.2.1]\r\n"), 0},
        {S("EHLO [IPv6:::1]\r\n"), 0},
        {S("EHLO 192.0.2.1\r\n"), 0},
        {S("EHLO 2001:db8::1\r\n"), 0},
        {S("EHLO 192.0.2.256\r\n"), -E_SYNTAX},
        {S("EHLO fe80::1%en0\r\n"), -E_SYNTAX},
        {S("EHLO \xe7\x8c\xab\r\n"), -E_SYNTAX},
        {S("EHLO [::1]\r\n"), -E_SYNTAX},
        {S("EHLO []\r\n"), -E_SYNTAX},
        {S("EHLO [\r\n"), -E_SYNTAX},
        {S("EHLO a..b\r\n"), -E_SYNTAX},
        {S("EHLO .a\r\n"), -E_SYNTAX},
        {S("EHLO a b\r\n"), -E_SYNTAX},
        {S("EHLO a,b\r\n"), -E_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct smtp_command c = command(cases[i].line);
        struct slice name;
        if (smtp_hello_parse(&c, &arena, &name, &fault) != cases[i].r)
            fail_msg("%.*s", SLICE_ARG(cases[i].line));
    }
}

/* RFC 4954 §4. */
static void rfc4954_4_auth(void **state) {
    struct smtp_command c = command(S("AUTH PLAIN dGVzdA==\r\n"));
    struct smtp_auth auth;
    assert_int_equal(smtp_auth_parse(&c, &auth, &fault), 0);
    assert_slice(auth.mechanism, "PLAIN");
    assert_slice(auth.initial, "dGVzdA==");
    c = command(S("AUTH SCRAM-SHA-256\r\n"));
    assert_int_equal(smtp_auth_parse(&c, &auth, &fault), 0);
    assert_null(auth.initial.ptr);
    c = command(S("AUTH PLAIN =\r\n"));
    assert_int_equal(smtp_auth_parse(&c, &auth, &fault), 0);
    assert_slice(auth.initial, "=");
    c = command(S("AUTH ABCDEFGHIJKLMNOPQRSTU\r\n"));
    assert_int_equal(smtp_auth_parse(&c, &auth, &fault), -E_SYNTAX);
    c = command(S("AUTH PL.AIN\r\n"));
    assert_int_equal(smtp_auth_parse(&c, &auth, &fault), -E_SYNTAX);
    assert_int_equal(fault.at, 7);
}

static int forget(void **state) {
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5321_2_4_verbs),    cmocka_unit_test(every_verb_has_a_name),
        cmocka_unit_test(rfc5321_2_3_8_lines),  cmocka_unit_test(fault_as_reply),
        cmocka_unit_test(rfc5321_4_1_1_2_mail), cmocka_unit_test(rfc5321_4_1_1_3_rcpt),
        cmocka_unit_test(fault_has_its_place),  cmocka_unit_test(rfc5321_4_1_1_1_hello),
        cmocka_unit_test(rfc4954_4_auth),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
