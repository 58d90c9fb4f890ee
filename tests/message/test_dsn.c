/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/report/dsn.h"
#include "message/report/dsn_text.h"
#include "oracle.h"

static struct arena arena;
static struct buf out;
static struct buf answer;
static struct address tama, neko, kanji;

static int set_up(void **state) {
    return use_utc(state) < 0 || address_parse(&arena, S("tama@example.jp"), 0, &tama, NULL) < 0 ||
           address_parse(&arena, S("neko@example.org"), 0, &neko, NULL) < 0 ||
           address_parse(&arena, S("猫+x@example.org"), ADDRESS_UTF8, &kanji, NULL) < 0;
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

static struct dsn_recipient unknown_user(void) {
    return (struct dsn_recipient){
        .address = &neko,
        .original = S("rfc822;neko+2Bx@example.org"),
        .action = DSN_FAILED,
        .status = S("5.1.1"),
        .diagnostic = S("550 5.1.1 <neko@example.org>: no such user"),
        .remote_host = S("mx.example.org"),
        .last_attempt = TEST_TIME - USEC_MIN,
    };
}

static struct dsn example(const struct dsn_recipient *recipients, size_t count) {
    return (struct dsn){
        .sender = &tama,
        .host = S("mx.example.jp"),
        .envelope_id = S("QQ+2B1"),
        .arrival = TEST_TIME - USEC_HOUR,
        .now = TEST_TIME,
        .message_id = S("<d1@mx.example.jp>"),
        .boundary = S("b0undary"),
        .recipients = recipients,
        .recipient_count = count,
        .message = S("Received: from here\r\nMessage-ID: <o1@example.jp>\r\nSubject: hi\r\n\r\n"
                     ".body\r\n--b0undarx\r\n"),
        .max_returned = 100000,
    };
}

static bool holds(const char *text) {
    return slice_find(buf_slice(&out), slice_of_str(text)) >= 0;
}

static void rfc3464_2_a_failure_is_reported_field_by_field(void **state) {
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    dsn_compose(&out, &dsn);
    assert_lines(buf_slice(&out), 78);
    assert_true(holds("\r\nContent-Type: message/delivery-status\r\n\r\n"
                      "Original-Envelope-Id: QQ+1\r\n"
                      "Reporting-MTA: dns; mx.example.jp\r\n"
                      "Arrival-Date: Sun, 22 Nov 2026 10:12:42 +0000\r\n"
                      "\r\n"
                      "Original-Recipient: rfc822; neko+x@example.org\r\n"
                      "Final-Recipient: rfc822; neko@example.org\r\n"
                      "Action: failed\r\n"
                      "Status: 5.1.1\r\n"
                      "Remote-MTA: dns; mx.example.org\r\n"
                      "Diagnostic-Code: smtp; 550 5.1.1 <neko@example.org>: no such user\r\n"
                      "Last-Attempt-Date: Sun, 22 Nov 2026 11:11:42 +0000\r\n"
                      "\r\n--b0undary\r\n"));
    assert_true(holds("Content-Type: message/rfc822\r\n\r\nReceived: from here\r\n"));
    assert_true(slice_ends(buf_slice(&out), S("\r\n--b0undarx\r\n\r\n--b0undary--\r\n")));
}

static void rfc3462_python_reads_the_three_parts(void **state) {
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    dsn_compose(&out, &dsn);
    ask_python(buf_slice(&out), &answer);
    assert_int_equal(slice_find(buf_slice(&answer), S("defect")), -1);
    assert_reads(&answer, "From=Mail delivery <MAILER-DAEMON@mx.example.jp>");
    assert_reads(&answer, "To=tama@example.jp");
    assert_reads(&answer, "Subject=配送できませんでした / Undelivered mail");
    assert_reads(&answer, "Message-ID=<d1@mx.example.jp>");
    assert_reads(&answer, "In-Reply-To=<o1@example.jp>");
    assert_reads(&answer, "References=<o1@example.jp>");
    assert_reads(&answer, "Auto-Submitted=auto-replied");
    assert_reads(&answer, "Content-Type=multipart/report; report-type=\"delivery-status\"; "
                          "boundary=\"b0undary\"");
    assert_reads(&answer,
                 "  part\n    Original-Envelope-Id=QQ+1\n    Reporting-MTA=dns; mx.example.jp\n"
                 "    Arrival-Date=Sun, 22 Nov 2026 10:12:42 +0000\n    content ''"
                 "\n  part\n    Original-Recipient=rfc822; neko+x@example.org");
    assert_reads(&answer, "  part\n    Received=from here\n    Message-ID=<o1@example.jp>\n"
                          "    Subject=hi\n    content '.body\\n--b0undarx\\n'");
}

static void the_words_say_it_in_english_and_japanese(void **state) {
    struct dsn_recipient recipients[] = {unknown_user(), unknown_user()};
    recipients[1].action = DSN_DELAYED;
    recipients[1].status = S("4.4.1");
    recipients[1].diagnostic = S("応答なし\r\nX");
    recipients[1].remote_host = S("");
    recipients[1].retry_until = TEST_TIME + USEC_DAY;
    struct dsn dsn = example(recipients, 2);
    dsn_text(&out, &dsn);
    assert_true(holds("could NOT be delivered to:\n\n  neko@example.org\n"
                      "    There is no such address. Please check how it is written.\n"
                      "    The server mx.example.org said:\n"
                      "      550 5.1.1 <neko@example.org>: no such user\n"));
    assert_true(
        holds("    The other mail system does not answer.\n    Details:\n"
              "      応答なし X\n    It is tried until Mon, 23 Nov 2026 11:12:42 +0000.\n"));
    assert_true(holds("このメールアドレスは存在しません。"));
    assert_true(holds("    2026-11-23 11:12 まで試みます。\n"));
    assert_string_equal(dsn_reason(S("5.1.9"), DSN_ENGLISH),
                        "There is something wrong with the address.");
    assert_string_equal(dsn_reason(S("5.1.10"), DSN_ENGLISH),
                        "This domain does not take any mail.");
    assert_string_equal(dsn_reason(S("5.0.0"), DSN_ENGLISH), "The reason is not known.");
    assert_string_equal(dsn_reason(S(""), DSN_ENGLISH), "The reason is not known.");
}

/* "ja" or "en", whichever comes first in the words about a message with this header. */
static const char *first_language(const char *header) {
    _cleanup_(buf_done) struct buf words = {0};
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    dsn.message = slice_of_str(header);
    dsn_text(&words, &dsn);
    ssize_t english = slice_find(buf_slice(&words), S("This is an automatic notice"));
    ssize_t japanese = slice_find(buf_slice(&words), S("自動通知です。"));
    assert_true(english >= 0 && japanese >= 0);
    return japanese < english ? "ja" : "en";
}

static void the_language_of_the_message_comes_first(void **state) {
    static const struct {
        const char *header, *language;
    } rows[] = {
        {"Subject: =?UTF-8?B?5Lya6K2w?=\r\n\r\n", "ja"},
        {"Subject: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?=\r\n\r\n", "ja"},
        {"Subject: \x1b$B2q5D\x1b(B\r\n\r\n", "ja"},
        {"Subject: 会議\r\n\r\n", "ja"},
        {"Subject: hi\r\nFrom: =?UTF-8?B?55Sw5Lit?= <tama@example.jp>\r\n\r\n", "ja"},
        {"Subject: hi\r\nContent-Type: text/plain; charset=\"ISO-2022-JP\"\r\n\r\n", "ja"},
        {"Content-Type: text/html; charset=Shift_JIS\r\n\r\n", "ja"},
        {"Content-Type: text/plain; charset=euc-jp\r\n\r\n", "ja"},
        {"Subject: hi\r\nContent-Language: ja\r\n\r\n", "ja"},
        {"Subject: hi\r\nContent-Language: en-US, ja-JP\r\n\r\n", "en"}, /* its first counts */
        {"Subject: hi\r\nContent-Language: javanese\r\n\r\n", "en"},
        {"Subject: hi\r\n\r\n", "en"},
        {"Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\n", "en"},
        {"\r\n会議\r\n", "en"}, /* the body is not read */
        {"", "en"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(first_language(rows[i].header), rows[i].language) != 0)
            fail_msg("first is not %s: %s", rows[i].language, rows[i].header);
}

/* RFC 2183 has no names for them; without a description a list of parts says nothing. */
static void each_part_says_what_it_is(void **state) {
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    dsn_compose(&out, &dsn);
    ask_python(buf_slice(&out), &answer);
    assert_reads(&answer, "  Content-Description=お知らせ / Notification");
    assert_reads(&answer, "  Content-Description=配送の詳細 / Delivery report");
    assert_reads(&answer, "  Content-Description=元のメール / Original message");
    buf_clear(&out);
    buf_clear(&answer);
    dsn.header_only = true;
    dsn_compose(&out, &dsn);
    ask_python(buf_slice(&out), &answer);
    assert_reads(&answer,
                 "  Content-Description=元のメールのヘッダー / Header of the original message");
}

/* Which message it is, and whom to ask: in both languages, decoded, on one line, cleaned. */
static void the_words_name_the_message_and_the_postmaster(void **state) {
    _cleanup_(buf_done) struct buf words = {0}, long_message = {0};
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    dsn.message =
        S("From: a@x\r\nDate: Sat, 21 Nov 2026\r\n 09:00:00 +0900\r\n"
          "Subject: =?UTF-8?B?5Lya6K2w?=\r\n =?UTF-8?B?4oCuCuKApg?= \x1b[31m\r\n\r\nbody\r\n");
    dsn_text(&words, &dsn);
    struct slice text = buf_slice(&words);
    assert_true(slice_find(text, S("\n  Subject: 会議 … \ufffd[31m\n")) >= 0);
    assert_true(slice_find(text, S("\n  Date: Sat, 21 Nov 2026 09:00:00 +0900\n")) >= 0);
    assert_true(slice_find(text, S("\n  件名: 会議 … \ufffd[31m\n")) >= 0);
    assert_true(slice_find(text, S("\n  日付: Sat, 21 Nov 2026 09:00:00 +0900\n")) >= 0);
    assert_true(slice_find(text, S("ask:\n  postmaster@mx.example.jp\n")) >= 0);
    assert_true(slice_find(text, S("お問い合わせください。\n  postmaster@mx.example.jp\n")) >= 0);
    buf_clear(&words);
    buf_add_str(&long_message, "Subject: ");
    for (unsigned i = 0; i < 5000; i++)
        buf_add_str(&long_message, "x");
    buf_add_str(&long_message, "\r\n\r\n");
    dsn.message = buf_slice(&long_message);
    dsn_text(&words, &dsn); /* without a Date, the time at which it was taken */
    assert_true(
        slice_find(buf_slice(&words), S("xxx...\n  Date: Sun, 22 Nov 2026 10:12:42 +0000\n")) >= 0);
    assert_true(slice_find(buf_slice(&words), S("\n  日付: 2026-11-22 10:12\n")) >= 0);
    assert_true(words.len < 4000);
    buf_clear(&words);
    dsn.message = S("");
    dsn.arrival = 0;
    dsn_text(&words, &dsn);
    assert_true(slice_find(buf_slice(&words), S("Subject:")) < 0);
    assert_true(slice_find(buf_slice(&words), S("日付")) < 0);
}

static void rfc3464_2_3_3_actions(void **state) {
    static const struct {
        enum dsn_action action;
        const char *fields;
    } cases[] = {
        {DSN_DELAYED, "Action: delayed\r\nStatus: 4.0.0\r\n"},
        {DSN_DELIVERED, "Action: delivered\r\nStatus: 2.0.0\r\n"},
        {DSN_RELAYED, "Action: relayed\r\nStatus: 2.0.0\r\n"},
        {DSN_EXPANDED, "Action: expanded\r\nStatus: 2.0.0\r\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dsn_recipient recipient = {.address = &neko, .action = cases[i].action};
        recipient.retry_until = TEST_TIME + USEC_DAY;
        struct dsn dsn = example(&recipient, 1);
        buf_clear(&out);
        dsn_compose(&out, &dsn);
        assert_true(holds(cases[i].fields));
        assert_int_equal(holds("Will-Retry-Until: Mon, 23 Nov 2026 11:12:42 +0000\r\n"),
                         cases[i].action == DSN_DELAYED);
        /* RFC 3461 §4.3: without a failure only the header comes back. */
        assert_true(holds("text/rfc822-headers"));
        assert_false(holds(".body"));
        assert_lines(buf_slice(&out), 78);
    }
}

static void the_header_comes_back_when_the_message_is_large_or_unwanted(void **state) {
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    dsn.header_only = true;
    dsn_compose(&out, &dsn);
    assert_true(holds("Content-Type: text/rfc822-headers; charset=utf-8\r\n\r\n"
                      "Received: from here\r\nMessage-ID: <o1@example.jp>\r\nSubject: hi\r\n\r\n"
                      "--b0undary--"));
    buf_clear(&out);
    dsn.header_only = false;
    dsn.max_returned = 50;
    dsn_compose(&out, &dsn);
    assert_true(holds("\r\n\r\nReceived: from here\r\nMessage-ID: <o1@example.jp>\r\n\r\n--b0"));
}

static void eight_bit_messages_stay_seven_bit_unless_allowed(void **state) {
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    dsn.message = S("Subject: 珠\r\n\r\nこんにちは\r\n");
    dsn_compose(&out, &dsn);
    assert_lines(buf_slice(&out), 78);
    assert_true(holds("Content-Type: text/rfc822-headers; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                      "Subject: =E7=8F=A0\r\n"));
    buf_clear(&out);
    dsn.eight_bit = true;
    dsn_compose(&out, &dsn);
    assert_true(holds("Content-Transfer-Encoding: 8bit\r\nContent-Type: multipart/report;"));
    assert_true(holds("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                      "Subject: 珠\r\n\r\nこんにちは\r\n"));
}

static void lines_over_998_bytes_do_not_come_back(void **state) {
    struct dsn_recipient recipient = unknown_user();
    struct dsn dsn = example(&recipient, 1);
    _cleanup_(buf_done) struct buf message = {0};
    buf_add_str(&message, "X: ");
    for (unsigned i = 0; i < 2000; i++)
        buf_add_byte(&message, 'x');
    buf_add_str(&message, "\r\n\r\nbody\r\n");
    dsn.message = buf_slice(&message);
    dsn_compose(&out, &dsn);
    assert_lines(buf_slice(&out), 78);
}

static void words_of_others_cannot_forge_the_report(void **state) {
    struct dsn_recipient recipient = unknown_user();
    recipient.diagnostic = S("550 no\r\nAction: delivered\r\n\r\n--b0undary--\r\n\x1b[31m\x80");
    recipient.remote_host = S("mx\r\nStatus: 2.0.0");
    recipient.original = S("rfc822;a+0D+0AAction:+20delivered");
    recipient.status = S("2.0.0\r\nX: y");
    struct dsn dsn = example(&recipient, 1);
    dsn.envelope_id = S("a+0D+0AX:+20y");
    dsn.message = S("Message-ID: <a@b>\r\n\r\n");
    dsn_compose(&out, &dsn);
    assert_lines(buf_slice(&out), 78);
    assert_true(holds("\r\nOriginal-Envelope-Id: a X: y\r\n"));
    assert_true(holds("\r\nOriginal-Recipient: rfc822; a Action: delivered\r\n"));
    assert_true(holds("\r\nStatus: 5.0.0\r\n"));
    assert_true(holds("\r\nRemote-MTA: dns; mx Status: 2.0.0\r\n"));
    assert_true(
        holds("\r\nDiagnostic-Code: smtp; 550 no Action: delivered --b0undary-- [31m?\r\n"));
    assert_false(holds("\r\nAction: delivered"));
}

static void rfc6533_3_addresses_above_ascii(void **state) {
    struct dsn_recipient recipient = {.address = &kanji, .status = S("5.1.1")};
    struct dsn dsn = example(&recipient, 1);
    dsn.sender = &kanji;
    dsn_compose(&out, &dsn);
    assert_lines(buf_slice(&out), 78);
    assert_true(holds("Final-Recipient: utf-8; \\x{732B}\\x{2B}x@example.org\r\n"));
    assert_true(holds("To: undisclosed-recipients:;\r\n"));
}

static void rfc3463_2_status_codes(void **state) {
    assert_true(dsn_status_valid(S("5.1.1")));
    assert_true(dsn_status_valid(S("2.123.456")));
    assert_false(dsn_status_valid(S("3.1.1")));
    assert_false(dsn_status_valid(S("5.1")));
    assert_false(dsn_status_valid(S("5.1.")));
    assert_false(dsn_status_valid(S("5.1.1.1")));
    assert_false(dsn_status_valid(S("5.1.1234")));
    assert_false(dsn_status_valid(S("5.1.1x")));
    assert_false(dsn_status_valid(S("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rfc3464_2_a_failure_is_reported_field_by_field, clear),
        cmocka_unit_test_teardown(rfc3462_python_reads_the_three_parts, clear),
        cmocka_unit_test_teardown(the_words_say_it_in_english_and_japanese, clear),
        cmocka_unit_test_teardown(the_words_name_the_message_and_the_postmaster, clear),
        cmocka_unit_test_teardown(the_language_of_the_message_comes_first, clear),
        cmocka_unit_test_teardown(each_part_says_what_it_is, clear),
        cmocka_unit_test_teardown(rfc3464_2_3_3_actions, clear),
        cmocka_unit_test_teardown(the_header_comes_back_when_the_message_is_large_or_unwanted,
                                  clear),
        cmocka_unit_test_teardown(eight_bit_messages_stay_seven_bit_unless_allowed, clear),
        cmocka_unit_test_teardown(lines_over_998_bytes_do_not_come_back, clear),
        cmocka_unit_test_teardown(words_of_others_cannot_forge_the_report, clear),
        cmocka_unit_test_teardown(rfc6533_3_addresses_above_ascii, clear),
        cmocka_unit_test(rfc3463_2_status_codes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
