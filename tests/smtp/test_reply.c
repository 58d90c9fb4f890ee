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
    size_t messages = 0;
    while (rest.len && slice_next(&rest, '\n', &line)) {
        assert_true(line.len + 1 <= SMTP_REPLY_LINE);
        for (size_t i = 10; i < line.len; i++)
            messages += line.ptr[i] == 'x';
    }
    assert_int_equal(messages, 1900);
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

/* RFC 5321 §4.2: three digits at the beginning are the code, whatever else is on the line. */
static void rfc5321_4_2_anything_else_is_text(void **state) {
    static const struct {
        struct slice line;
        unsigned code;
        bool more;
        const char *text;
    } odd[] = {
        {S("250"), 250, false, ""},
        {S("250-"), 250, true, ""},
        {S("250 OK"), 250, false, "OK"},
        {S("250 OK\n"), 250, false, "OK"},
        {S("250 OK\r\r\n"), 250, false, "OK"},
        {S("250\tOK\r\n"), 250, false, "OK"},
        {S("250OK\r\n"), 250, false, "OK"},
        {S("250_x\r\n"), 250, false, "_x"},
        {S("250:x\r\n"), 250, false, ":x"},
        {S("2500 x\r\n"), 250, false, "0 x"},
        {S(" \t\0\r250 x\r\n"), 250, false, "x"},
        {S("571 x\r\n"), 571, false, "x"},
        {S("598-x\r\n"), 598, true, "x"},
        {S("260 a\rb\r\n"), 260, false, "a\rb"},
        {S("650 x\r\n"), 650, false, "x"},
        {S("250 \x1b\r\n"), 250, false, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        struct smtp_reply_line line;
        assert_int_equal(smtp_reply_line_parse(odd[i].line, &line), 0);
        assert_int_equal(line.code, odd[i].code);
        assert_int_equal(line.more, odd[i].more);
        assert_slice(line.text, odd[i].text);
    }
}

static void rfc5321_4_2_no_reply_line(void **state) {
    const struct slice bad[] = {S(""),       S("\r\n"),       S("25\r\n"), S("2a0 OK\r\n"),
                                S("OK\r\n"), S("-250 x\r\n"), S("2 50\n")};
    struct smtp_reply_line line;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(smtp_reply_line_parse(bad[i], &line), -E_SYNTAX);
}

/* What a series of lines is read as, "250 2.0.0 text", or the error. */
static void assert_read(const struct slice *lines, size_t count, int result, const char *expected) {
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(smtp_reply_add(&reader, &a, lines[i]), i + 1 < count ? 0 : result);
    if (result == 0)
        assert_true(smtp_reply_conclude(&reader, &a));
    if (expected)
        assert_slice(smtp_reply_text(&a, &reader.reply), expected);
    arena_done(&a);
}
#define READ(result, expected, ...)                                                                \
    assert_read((struct slice[]){__VA_ARGS__},                                                     \
                sizeof((struct slice[]){__VA_ARGS__}) / sizeof(struct slice), result, expected)

/* RFC 5321 §4.2.1: a reply of several lines. */
static void rfc5321_4_2_1_whole_reply(void **state) {
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    assert_int_equal(smtp_reply_add(&reader, &a, S("550-5.7.1 Not\r\n")), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, S("550-5.7.1 for\r\n")), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, S("550 5.7.1 you\r\n")), 1);
    assert_int_equal(reader.reply.code, 550);
    assert_int_equal(reader.reply.status.detail, 1);
    assert_slice(reader.reply.text, "Not\nfor\nyou");
    arena_done(&a);
}

/* RFC 5321 §4.2.1: the last line decides, and lines without a code are text. */
static void rfc5321_4_2_1_last_line_decides(void **state) {
    READ(1, "251 a b", S("250-a\r\n"), S("251 b\r\n"));
    READ(1, "554 a b", S("250-2.0.0 a\r\n"), S("554 b\r\n"));
    READ(1, "250 2.1.0 a b", S("550-5.1.1 a\r\n"), S("250 2.1.0 b\r\n"));
    READ(1, "550 5.1.1 a b", S("550-5.1.1 a\r\n"), S("550 b\r\n"));
    READ(1, "250 hello ok", S("\r\n"), S("  \n"), S("hello\r\n"), S("\r\n"), S("250 ok\r\n"));
    READ(1, "250 199-x ok", S("199-x\r\n"), S("250 ok\r\n"));
    READ(1, "250 a?b?[m??", S("250 a\0b\x1b[m\xc3\xa4\r\n"));
}

/* RFC 5321 §4.2.1 knows 2yz to 5yz. */
static void reply_of_no_known_class_is_none(void **state) {
    READ(-E_SYNTAX, NULL, S("150 x\r\n"));
    READ(-E_SYNTAX, NULL, S("250-x\r\n"), S("650 x\r\n"));
    READ(-E_SYNTAX, NULL, S("000\r\n"));
}

static void reply_without_its_end_has_the_code_so_far(void **state) {
    READ(0, "250 a b", S("251-a\r\n"), S("250-b"));
    struct arena a = {0};
    struct smtp_reply_reader reader = {0};
    assert_int_equal(smtp_reply_add(&reader, &a, S("hello\r\n")), 0);
    assert_false(smtp_reply_conclude(&reader, &a));
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

    reader = (struct smtp_reply_reader){0};
    for (unsigned i = 0; i < SMTP_REPLY_LINES_IN; i++)
        assert_int_equal(smtp_reply_add(&reader, &a, S("\r\n")), 0);
    assert_int_equal(smtp_reply_add(&reader, &a, S("\r\n")), -E_LIMIT);

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
        cmocka_unit_test(rfc5321_4_2_anything_else_is_text),
        cmocka_unit_test(rfc5321_4_2_no_reply_line),
        cmocka_unit_test(rfc5321_4_2_1_whole_reply),
        cmocka_unit_test(rfc5321_4_2_1_last_line_decides),
        cmocka_unit_test(reply_of_no_known_class_is_none),
        cmocka_unit_test(reply_without_its_end_has_the_code_so_far),
        cmocka_unit_test(rfc2034_4_class_differs),
        cmocka_unit_test(reply_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
