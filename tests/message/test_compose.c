/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/write/compose.h"
#include "oracle.h"

static struct arena arena;
static struct buf out;
static struct buf answer;
static struct address tama, neko;

static int set_up(void **state) {
    if (use_utc(state) < 0)
        return -1;
    if (address_parse(&arena, S("tama@example.jp"), 0, &tama, NULL) < 0)
        return -1;
    return address_parse(&arena, S("neko@example.org"), 0, &neko, NULL);
}

static int tear_down(void **state) {
    arena_done(&arena);
    return 0;
}

static int clear(void **state) {
    buf_done(&out);
    buf_done(&answer);
    return 0;
}

static struct compose example(const struct compose_mailbox *to, size_t count) {
    return (struct compose){
        .from = {.name = S("珠"), .address = &tama},
        .to = to,
        .to_count = count,
        .subject = S("Re: 会議 [1]"),
        .date = TEST_TIME,
        .message_id = S("<1@example.jp>"),
        .text = S("Hello\nworld\n"),
        .boundary = S("b0undary"),
    };
}

static void a_plain_message_is_written_as_rfc5322_has_it(void **state) {
    const struct compose_mailbox to[] = {{.address = &neko}};
    struct compose message = example(to, 1);
    compose_message(&out, &message);
    assert_slice(buf_slice(&out), "Date: Sun, 22 Nov 2026 11:12:42 +0000\r\n"
                                  "From: =?UTF-8?B?54+g?= <tama@example.jp>\r\n"
                                  "To: neko@example.org\r\n"
                                  "Subject: Re: =?UTF-8?B?5Lya6K2w?= [1]\r\n"
                                  "Message-ID: <1@example.jp>\r\n"
                                  "MIME-Version: 1.0\r\n"
                                  "Content-Type: text/plain; charset=us-ascii\r\n"
                                  "Content-Transfer-Encoding: 7bit\r\n\r\n"
                                  "Hello\r\nworld\r\n");
}

static void python_reads_what_was_meant(void **state) {
    const struct compose_mailbox to[] = {
        {.name = S("Neko, \"the\" cat"), .address = &neko},
        {.name = S("早馬の猫"), .address = &neko},
    };
    const struct compose_attachment files[] = {
        {.file_name = S("早馬の報告.txt"), .type = S("text/csv"), .bytes = S("a,b\r\n")},
        {.file_name = S("x y.bin"), .bytes = {"\0\1\2", 3}},
    };
    struct compose message = example(to, ARRAY_SIZE(to));
    message.text = S("こんにちは\n珠より\n");
    message.subject =
        S("来週の会議の場所と時間について、たいせつなお知らせがありますので読んでください");
    message.automatic = true;
    message.attachments = files;
    message.attachment_count = ARRAY_SIZE(files);
    compose_message(&out, &message);
    assert_lines(buf_slice(&out), 78);
    ask_python(buf_slice(&out), &answer);
    assert_int_equal(slice_find(buf_slice(&answer), S("defect")), -1);
    assert_reads(&answer, "From=珠 <tama@example.jp>");
    assert_reads(&answer, "To=\"Neko, \\\"the\\\" cat\" <neko@example.org>, "
                          "早馬の猫 <neko@example.org>");
    assert_reads(&answer, "Subject=来週の会議の場所と時間について、たいせつなお知らせがあります"
                          "ので読んでください");
    assert_reads(&answer, "Auto-Submitted=auto-generated");
    assert_reads(&answer, "  content 'こんにちは\\r\\n珠より\\r\\n'");
    assert_reads(&answer, "  file 早馬の報告.txt");
    assert_reads(&answer, "  content 'a,b\\r\\n'");
    assert_reads(&answer, "  file x y.bin");
    assert_reads(&answer, "  content b'\\x00\\x01\\x02'");
}

static void text_cannot_begin_a_field(void **state) {
    const struct compose_mailbox to[] = {{.name = S("x\r\nBcc: a@b"), .address = &neko}};
    const struct compose_attachment files[] = {{.file_name = S("a\r\nX: y"), .bytes = S("")}};
    struct compose message = example(to, 1);
    message.subject = S("a\r\nX: y");
    message.attachments = files;
    message.attachment_count = 1;
    compose_message(&out, &message);
    assert_int_equal(slice_find(buf_slice(&out), S("\nX:")), -1);
    assert_int_equal(slice_find(buf_slice(&out), S("\nBcc:")), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_plain_message_is_written_as_rfc5322_has_it, clear),
        cmocka_unit_test_teardown(python_reads_what_was_meant, clear),
        cmocka_unit_test_teardown(text_cannot_begin_a_field, clear),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
