/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "smtp/reply.h"

static void assert_composed(const struct smtp_reply *reply, const char *expected) {
    struct buf b = {0};
    smtp_reply_compose(&b, reply);
    assert_slice(buf_slice(&b), expected);
    buf_done(&b);
}

/* RFC 5321 §4.2: code, space, text, CRLF. */
static void rfc5321_4_2_one_line(void **state) {
    assert_composed(&SMTP_REPLY_PLAIN(220, "mx.example.test ESMTP"),
                    "220 mx.example.test ESMTP\r\n");
    assert_composed(&SMTP_REPLY(550, 5, 1, 1, "No such user"), "550 5.1.1 No such user\r\n");
}

/* RFC 5321 §4.2.1: all lines but the last have a hyphen; RFC 2034 §4: each has the status code. */
static void rfc5321_4_2_1_many_lines(void **state) {
    assert_composed(&SMTP_REPLY_PLAIN(250, "a\nSIZE 1\nDSN"), "250-a\r\n250-SIZE 1\r\n250 DSN\r\n");
    assert_composed(&SMTP_REPLY(550, 5, 7, 1, "no\nreally"),
                    "550-5.7.1 no\r\n550 5.7.1 really\r\n");
}

/* RFC 4954 §4: an empty challenge keeps its space. */
static void rfc4954_4_empty_text(void **state) {
    assert_composed(&SMTP_REPLY_PLAIN(334, ""), "334 \r\n");
}

/* Text of strangers cannot end the line or smuggle a reply. */
static void text_is_made_harmless(void **state) {
    assert_composed(&SMTP_REPLY(550, 5, 0, 0, "a\r250 b\x01\x7f\xe7"), "550 5.0.0 a?250 b???\r\n");
    assert_composed(&SMTP_REPLY(550, 5, 0, 0, "a\r\n250 b"), "550-5.0.0 a?\r\n550 5.0.0 250 b\r\n");
}

/* RFC 5321 §4.5.3.1.5: a line has at most 512 bytes. */
static void rfc5321_4_5_3_1_5_line_length(void **state) {
    char text[2000];
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < 1000; i += 10)
        text[i] = ' ';
    struct buf b = {0};
    struct smtp_reply reply = {550, {5, 0, 0}, slice_of(text, sizeof text)};
    smtp_reply_compose(&b, &reply);
    struct slice rest = buf_slice(&b), line;
    size_t letters = 0;
    while (rest.len && slice_next(&rest, '\n', &line)) {
        assert_true(line.len + 1 <= SMTP_REPLY_LINE);
        for (size_t i = 10; i < line.len; i++)
            letters += line.ptr[i] == 'x';
    }
    assert_int_equal(letters, 1900);
    buf_done(&b);
}

static void one_line_for_logs(void **state) {
    struct arena a = {0};
    assert_slice(smtp_reply_text(&a, &SMTP_REPLY(550, 5, 7, 1, "no\nreally")),
                 "550 5.7.1 no really");
    assert_slice(smtp_reply_text(&a, &SMTP_REPLY_PLAIN(250, "")), "250");
    assert_slice(smtp_status_text(&a, (struct smtp_status){4, 10, 255}), "4.10.255");
    assert_slice(smtp_status_text(&a, (struct smtp_status){0}), "");
    arena_done(&a);
}

/* RFC 3463 §2: class.subject.detail, one to three digits each, class 2, 4 or 5. */
static void rfc3463_2_status_code(void **state) {
    struct smtp_status status = {0};
    struct slice text = S("5.1.10 Null MX");
    assert_true(smtp_status_parse(&text, &status));
    assert_int_equal(status.class * 1000000 + status.subject * 1000 + status.detail, 5001010);
    assert_slice(text, "Null MX");
    text = S("2.0.0");
    assert_true(smtp_status_parse(&text, &status));
    assert_int_equal(text.len, 0);
    const char *bad[] = {"",         "5",      "5.1",    "5.1.", "3.1.1 x", "5.1.1x", "5.1.1.1",
                         "5.1111.1", "05.1.1", "5.01.1", "5..1", " 5.1.1",  "55.1.1"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        text = slice_of_str(bad[i]);
        assert_false(smtp_status_parse(&text, &status));
        assert_slice(text, bad[i]);
    }
}

/* RFC 5321 §4.2: what is a reply line. */
static void rfc5321_4_2_reply_line(void **state) {
    struct smtp_reply_line line;
    assert_int_equal(smtp_reply_line_parse(S("250-SIZE 10\r\n"), &line), 0);
    assert_true(line.code == 250 && line.more);
    assert_slice(line.text, "SIZE 10");
    assert_int_equal(smtp_reply_line_parse(S("354\r\n"), &line), 0);
    assert_true(line.code == 354 && !line.more && line.text.len == 0);
    assert_int_equal(smtp_reply_line_parse(S("550 \xe7\x8c\xab\r\n"), &line), 0);
    assert_slice(line.text, "\xe7\x8c\xab");
}

static void rfc5321_4_2_no_reply_line(void **state) {
    const struct slice bad[] = {
        S(""),           S("\r\n"),         S("25\r\n"),       S("250 OK"),       S("250 OK\n"),
        S("250OK\r\n"),  S("150 OK\r\n"),   S("650 OK\r\n"),   S("260 OK\r\n"),   S("2a0 OK\r\n"),
        S(" 250 x\r\n"), S("250\tx\r\n"),   S("250 a\rb\r\n"), S("250 a\nb\r\n"), S("250 a\0b\r\n"),
        S("250_x\r\n"),  S("250 \x1b\r\n"),
    };
    struct smtp_reply_line line;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(smtp_reply_line_parse(bad[i], &line), -E_SYNTAX);
}

/* RFC 5321 §4.2.1: a reply of several lines has one code. */
static void rfc5321_4_2_1_whole_reply(void **state) {
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    assert_int_equal(smtp_reply_add(&reader, &a, S("550-5.7.1 Not\r\n")), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, S("550-5.7.1 for\r\n")), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, S("550 5.7.1 you\r\n")), 1);
    assert_int_equal(reader.reply.code, 550);
    assert_int_equal(reader.reply.status.detail, 1);
    assert_slice(reader.reply.text, "Not\nfor\nyou");

    reader = (struct smtp_reply_reader){0};
    assert_int_equal(smtp_reply_add(&reader, &a, S("250-a\r\n")), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, S("251 b\r\n")), -E_SYNTAX);
    arena_done(&a);
}

/* RFC 2034 §4: a status code of another class than the reply is text. */
static void rfc2034_4_class_differs(void **state) {
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    assert_int_equal(smtp_reply_add(&reader, &a, S("250 5.7.1 odd\r\n")), 1);
    assert_int_equal(reader.reply.status.class, 0);
    assert_slice(reader.reply.text, "5.7.1 odd");
    arena_done(&a);
}

/* A server cannot make a reply grow without end. */
static void reply_is_bounded(void **state) {
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    for (unsigned i = 0; i < SMTP_REPLY_LINES_IN; i++)
        assert_int_equal(smtp_reply_add(&reader, &a, S("250-x\r\n")), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, S("250-x\r\n")), -E_LIMIT);

    char line[1000];
    memset(line, 'x', sizeof line);
    memcpy(line, "250-", 4);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    reader = (struct smtp_reply_reader){0};
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(smtp_reply_add(&reader, &a, slice_of(line, sizeof line)), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, slice_of(line, sizeof line)), -E_LIMIT);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5321_4_2_one_line),
        cmocka_unit_test(rfc5321_4_2_1_many_lines),
        cmocka_unit_test(rfc4954_4_empty_text),
        cmocka_unit_test(text_is_made_harmless),
        cmocka_unit_test(rfc5321_4_5_3_1_5_line_length),
        cmocka_unit_test(one_line_for_logs),
        cmocka_unit_test(rfc3463_2_status_code),
        cmocka_unit_test(rfc5321_4_2_reply_line),
        cmocka_unit_test(rfc5321_4_2_no_reply_line),
        cmocka_unit_test(rfc5321_4_2_1_whole_reply),
        cmocka_unit_test(rfc2034_4_class_differs),
        cmocka_unit_test(reply_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
