/* SPDX-License-Identifier: ISC */
/*
 * What is expected was worked out by hand from RFC 9051 §7.5.2 and §9; each response is held to the
 * grammar, too.
 */
#include "imap/fetch/structure.h"

#include <stdio.h>

#include "map_of.h"
#include "response_check.h"
#include "unit.h"

static struct arena arena;
static struct buf sent;
static struct imap_writer w;

static int set_up(void **state) {
    w = (struct imap_writer){.to = &sent};
    return 0;
}

static int tear_down(void **state) {
    arena_done(&arena);
    arena = (struct arena){0};
    buf_done(&sent);
    return 0;
}

enum what { ENVELOPE, BODY, BODYSTRUCTURE };

/* The value behind the name of the attribute. */
static struct slice value_of(struct slice message, enum what what) {
    static const char *const names[] = {"ENVELOPE", "BODY", "BODYSTRUCTURE"};
    struct message_map map;
    struct response_fault fault;
    map_of(&arena, message, &map);
    buf_clear(&sent);
    imap_write_begin(&w, S("*"));
    imap_write_number(&w, 1);
    imap_write_word(&w, "FETCH");
    imap_write_open(&w);
    imap_write_word(&w, names[what]);
    if (what == ENVELOPE)
        imap_write_envelope(&w, &map.parts[0].envelope);
    else
        imap_write_structure(&w, &map, what == BODYSTRUCTURE);
    imap_write_close(&w);
    imap_write_end(&w);
    MUST(sent.ptr);
    struct slice rest = buf_slice(&sent), value = rest;
    if (!response_check(&rest, w.utf8, &fault) || rest.len > 0)
        fail_msg("%.*s: expected %s at %zu", SLICE_ARG(value), fault.expected, fault.at);
    value = slice_from(value, S("* 1 FETCH (").len + strlen(names[what]) + 1);
    value.len -= S(")\r\n").len;
    return value;
}

static void assert_value(const char *message, enum what what, const char *expected) {
    assert_slice(value_of(slice_of_str(message), what), expected);
}

/* ------------------------------------------------------------------ envelopes */

static void rfc9051_7_5_2_an_envelope_has_its_ten_members(void **state) {
    assert_value("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
                 "From: Terry Gray <gray@cac.washington.edu>\r\n"
                 "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
                 "To: imap@cac.washington.edu\r\n"
                 "Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
                 "Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
                 "In-Reply-To: <a@b>\r\n\r\n",
                 ENVELOPE,
                 "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" "
                 "\"IMAP4rev2 WG mtg summary and minutes\" "
                 "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
                 "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
                 "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) "
                 "((NIL NIL \"imap\" \"cac.washington.edu\")) "
                 "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")"
                 "(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL "
                 "\"<a@b>\" \"<B27397-0100000@cac.washington.edu>\")");
}

static void rfc9051_7_5_2_what_is_not_there_is_nil_and_what_is_empty_is_empty(void **state) {
    assert_value("\r\nbody", ENVELOPE, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    assert_value("Subject:\r\nDate: \r\nMessage-ID:\r\nIn-Reply-To:\r\n\r\n", ENVELOPE,
                 "(\"\" \"\" NIL NIL NIL NIL NIL NIL \"\" \"\")");
}

static void rfc9051_7_5_2_sender_and_reply_to_without_an_address_are_from(void **state) {
    const char *from = "((NIL NIL \"a\" \"b\"))";
    char expected[200];
    (void)snprintf(expected, sizeof expected, "(NIL NIL %s %s %s NIL NIL NIL NIL NIL)", from, from,
                   from);
    assert_value("From: a@b\r\nSender:\r\nReply-To: \r\n\r\n", ENVELOPE, expected);
    assert_value("From: a@b\r\nSender: s@t\r\nReply-To: r@t, q@t\r\n\r\n", ENVELOPE,
                 "(NIL NIL ((NIL NIL \"a\" \"b\")) ((NIL NIL \"s\" \"t\")) "
                 "((NIL NIL \"r\" \"t\")(NIL NIL \"q\" \"t\")) NIL NIL NIL NIL NIL)");
}

static void an_empty_list_of_addresses_is_nil(void **state) {
    assert_value("To: \r\nCc: ,,\r\nBcc: ;\r\n\r\n", ENVELOPE,
                 "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}

static void rfc9051_7_5_2_a_group_begins_and_ends_with_a_host_of_nil(void **state) {
    assert_value("To: friends: a@b, c@d;, e@f\r\nCc: undisclosed-recipients:;\r\n\r\n", ENVELOPE,
                 "(NIL NIL NIL NIL NIL "
                 "((NIL NIL \"friends\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")"
                 "(NIL NIL NIL NIL)(NIL NIL \"e\" \"f\")) "
                 "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL)");
}

static void an_address_without_a_host_is_no_group(void **state) {
    assert_value("To: tama\r\nCc: <@route:x@y>\r\n\r\n", ENVELOPE,
                 "(NIL NIL NIL NIL NIL ((NIL NIL \"tama\" \"\")) "
                 "((NIL \"@route\" \"x\" \"y\")) NIL NIL NIL)");
}

static void octets_that_no_quoted_string_may_have_stand_in_literals(void **state) {
    assert_value("Subject: caf\xc3\xa9 \"q\\\"\r\nFrom: \"\xff\" <a@b>\r\n\r\n", ENVELOPE,
                 "(NIL {10}\r\ncaf\xc3\xa9 \"q\\\" "
                 "(({1}\r\n\xff NIL \"a\" \"b\")) (({1}\r\n\xff NIL \"a\" \"b\")) "
                 "(({1}\r\n\xff NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)");
}

static void rfc9051_4_3_with_utf8_a_quoted_string_has_it_raw(void **state) {
    w.utf8 = true;
    assert_value("Subject: caf\xc3\xa9\r\nFrom: \"\xff\" <a@b>\r\n\r\n", ENVELOPE,
                 "(NIL \"caf\xc3\xa9\" "
                 "(({1}\r\n\xff NIL \"a\" \"b\")) (({1}\r\n\xff NIL \"a\" \"b\")) "
                 "(({1}\r\n\xff NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)");
}

/* ------------------------------------------------------------------ structures */

static void rfc9051_7_5_2_a_text_has_its_lines(void **state) {
    const char *text = "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\none\r\ntwo\r\n";
    assert_value(text, BODY,
                 "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2)");
    assert_value(text, BODYSTRUCTURE,
                 "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7bit\" 10 2 "
                 "NIL NIL NIL NIL)");
    assert_value("Subject: nothing said\r\n\r\n", BODY,
                 "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0)");
}

static void rfc9051_7_5_2_all_extension_fields_are_there(void **state) {
    assert_value(
        "Content-Type: image/png; name=cat.png\r\nContent-ID: <c@x>\r\n"
        "Content-Description: a \"cat\"\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
        "Content-Disposition: attachment; filename*=utf-8''%E7%8C%AB\r\n"
        "Content-Language: ja, en\r\nContent-Location: http://x/\r\n\r\nAAAA\r\n",
        BODYSTRUCTURE,
        "(\"image\" \"png\" (\"name\" \"cat.png\") \"<c@x>\" \"a \\\"cat\\\"\" \"base64\" 6 "
        "\"Q2hlY2sgSW50ZWdyaXR5IQ==\" "
        "(\"attachment\" (\"filename*\" \"utf-8''%E7%8C%AB\")) (\"ja\" \"en\") "
        "\"http://x/\")");
}

#define PARTS                                                                                      \
    "Content-Type: multipart/mixed; boundary=b\r\nContent-Disposition: inline\r\n\r\npreamble\r\n" \
    "--b\r\n\r\nhi\r\n--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"              \
    "--c\r\nContent-Type: text/html\r\n\r\n<p>\r\n\r\n--c--\r\n--b--\r\n"

static void rfc9051_7_5_2_parts_of_a_multipart_stand_before_its_subtype(void **state) {
    assert_value(PARTS, BODY,
                 "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 2 1)"
                 "((\"text\" \"html\" NIL NIL NIL \"7bit\" 5 1) \"alternative\") \"mixed\")");
    assert_value(
        PARTS, BODYSTRUCTURE,
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 2 1 NIL NIL NIL NIL)"
        "((\"text\" \"html\" NIL NIL NIL \"7bit\" 5 1 NIL NIL NIL NIL) "
        "\"alternative\" (\"boundary\" \"c\") NIL NIL NIL) "
        "\"mixed\" (\"boundary\" \"b\") (\"inline\" NIL) NIL NIL)");
}

static void a_multipart_is_never_empty(void **state) {
    assert_value(
        "Content-Type: multipart/mixed\r\n\r\ntext\r\n", BODY,
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 6 1) \"mixed\")");
}

static void rfc9051_7_5_2_a_message_in_a_message_has_envelope_structure_and_lines(void **state) {
    assert_value("Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhi\r\n", BODYSTRUCTURE,
                 "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 22 "
                 "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) "
                 "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 1 "
                 "NIL NIL NIL NIL) 3 NIL NIL NIL NIL)");
}

static void rfc9051_9_message_global_is_opened_for_readers_of_utf8_only(void **state) {
    const char *message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                          "Content-Type: message/global\r\n\r\n"
                          "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nhi\r\n"
                          "--c--\r\n--b\r\n\r\nlast\r\n--b--\r\n";
    assert_value(message, BODY,
                 "((\"message\" \"global\" NIL NIL NIL \"7bit\" 61)"
                 "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 1) \"mixed\")");
    w.utf8 = true;
    assert_value(
        message, BODY,
        "((\"message\" \"global\" NIL NIL NIL \"7bit\" 61 "
        "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
        "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 2 1) \"mixed\") 6)"
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 4 1) \"mixed\")");
}

static void a_type_without_a_subtype_gets_one(void **state) {
    assert_value("Content-Type: X-ZIP\r\n\r\n", BODY,
                 "(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 0)");
}

/* 200 messages within each other, of which 100 are opened; then all of them end. */
static void deep_messages_stay_in_the_grammar(void **state) {
    _cleanup_(buf_done) struct buf message = {0};
    for (int i = 0; i < 200; i++)
        buf_add_str(&message, "Content-Type: message/rfc822\r\n\r\n");
    struct slice value = value_of(buf_slice(&message), BODYSTRUCTURE);
    assert_true(slice_find(value, S("\"octet-stream\"")) > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rfc9051_7_5_2_an_envelope_has_its_ten_members),
        TEST(rfc9051_7_5_2_what_is_not_there_is_nil_and_what_is_empty_is_empty),
        TEST(rfc9051_7_5_2_sender_and_reply_to_without_an_address_are_from),
        TEST(an_empty_list_of_addresses_is_nil),
        TEST(rfc9051_7_5_2_a_group_begins_and_ends_with_a_host_of_nil),
        TEST(an_address_without_a_host_is_no_group),
        TEST(octets_that_no_quoted_string_may_have_stand_in_literals),
        TEST(rfc9051_4_3_with_utf8_a_quoted_string_has_it_raw),
        TEST(rfc9051_7_5_2_a_text_has_its_lines),
        TEST(rfc9051_7_5_2_all_extension_fields_are_there),
        TEST(rfc9051_7_5_2_parts_of_a_multipart_stand_before_its_subtype),
        TEST(a_multipart_is_never_empty),
        TEST(rfc9051_7_5_2_a_message_in_a_message_has_envelope_structure_and_lines),
        TEST(rfc9051_9_message_global_is_opened_for_readers_of_utf8_only),
        TEST(a_type_without_a_subtype_gets_one),
        TEST(deep_messages_stay_in_the_grammar),
    };
    return cmocka_run_group_tests_name("imap structure", tests, NULL, NULL);
}
