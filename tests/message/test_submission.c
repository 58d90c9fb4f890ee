/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/write/submission.h"

static const struct submission_by by = {
    TEST_TIME, 31, {"mx.example.jp", 13}, {"tama@example.jp", 15}};

static void check(const char *message, const char *header, const char *body) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct submission sub;
    struct slice s = slice_of_str(message);
    assert_int_equal(submission_inspect(&a, s, NULL, &sub), 0);
    submission_header(&out, s, &sub, &by);
    assert_slice(buf_slice(&out), header);
    assert_slice(slice_from(s, sub.body), body);
}

static void rfc6409_8_missing_fields_are_added(void **state) {
    check("From: a@x\r\n\r\nhi\r\n",
          "Date: Sun, 22 Nov 2026 11:12:42 +0000\r\n"
          "Message-ID: <000000000000z@mx.example.jp>\r\nFrom: a@x\r\n\r\n",
          "hi\r\n");
    check("date: x\r\nMESSAGE-ID: <y@x>\r\nFrom: a@x\r\n\r\nhi\r\n",
          "date: x\r\nMESSAGE-ID: <y@x>\r\nFrom: a@x\r\n\r\n", "hi\r\n");
}

static void a_missing_from_is_the_account(void **state) {
    check("Date: x\r\nMessage-ID: <y@x>\r\nTo: b@x\r\n\r\nhi\r\n",
          "From: tama@example.jp\r\nDate: x\r\nMessage-ID: <y@x>\r\nTo: b@x\r\n\r\n", "hi\r\n");
}

static void rfc8601_5_what_bears_our_name_is_taken_out(void **state) {
    check("Authentication-Results: MX.Example.jp; spf=pass\r\n folded\r\nFrom: a@x\r\nDate: x\r\n"
          "Authentication-Results: other.example; spf=pass\r\nMessage-ID: <y@x>\r\n\r\n",
          "From: a@x\r\nDate: x\r\nAuthentication-Results: other.example; spf=pass\r\n"
          "Message-ID: <y@x>\r\n\r\n",
          "");
}

static void rfc5322_3_6_3_bcc_is_taken_out_with_its_folds(void **state) {
    check("Bcc: a@x,\r\n b@x\r\nDate: x\r\nResent-Bcc: c@x\r\nMessage-ID: <y@x>\r\nBCC:\r\n"
          "Bcc-Not: d\r\n\r\nBcc: body\r\n",
          "From: tama@example.jp\r\nDate: x\r\nMessage-ID: <y@x>\r\nBcc-Not: d\r\n\r\n",
          "Bcc: body\r\n");
}

/* It is the last host's to say who has sent a message; some programs believe the wrong one. */
static void rfc5321_4_4_no_message_begins_with_a_return_path(void **state) {
    check("Return-Path: <boss@x>\r\nFrom: a@x\r\nDate: x\r\nRETURN-PATH :\r\n <boss@x>\r\n"
          "Message-ID: <y@x>\r\n\r\n",
          "From: a@x\r\nDate: x\r\nMessage-ID: <y@x>\r\n\r\n", "");
}

static void a_header_without_an_empty_line_gets_one(void **state) {
    check("From: a@x\r\nDate: x\r\nMessage-ID: <y@x>\r\ntext\r\n",
          "From: a@x\r\nDate: x\r\nMessage-ID: <y@x>\r\n\r\n", "text\r\n");
    check("From: a@x\r\nDate: x\r\nMessage-ID: <y@x>",
          "From: a@x\r\nDate: x\r\nMessage-ID: <y@x>\r\n\r\n", "");
}

static int problem_of(const char *message, struct problem *p) {
    _cleanup_(arena_done) struct arena a = {0};
    struct submission sub;
    assert_int_equal(submission_inspect(&a, slice_of_str(message), NULL, &sub), 0);
    return submission_problem(&sub, p);
}

static void rfc5322_3_6_single_fields_are_single(void **state) {
    struct problem p = {0};
    assert_int_equal(problem_of("From: a@x\r\nTo: b@x\r\n\r\n", &p), 0);
    assert_int_equal(problem_of("From: a@x\r\nfrom: b@x\r\n\r\n", &p), -E_SYNTAX);
    assert_string_equal(p.text, "the message has more than one From field");
    assert_int_equal(problem_of("From: a@x\r\nSubject: 1\r\nSubject: 2\r\n\r\n", &p), -E_SYNTAX);
    assert_int_equal(problem_of("From: a@x\r\nBcc: 1\r\nBcc: 2\r\nX: 1\r\nX: 1\r\n\r\n", &p), 0);
}

static void the_journey_gets_subject_and_message_id(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct submission sub;
    assert_int_equal(submission_inspect(&a,
                                        S("From: T\r\n <a@x>\r\nSubject: one\r\n two\r\n"
                                          "Message-Id: (c) <i.d@x> \r\n\r\n"),
                                        NULL, &sub),
                     0);
    assert_slice(sub.subject, "one two");
    assert_slice(sub.message_id, "<i.d@x>");
    assert_slice(sub.from, "T <a@x>");
    assert_slice(message_id_find(S("<a b@x>")), "");
    assert_slice(message_id_find(S("<>")), "");
    assert_slice(message_id_find(S("none")), "");
    assert_slice(message_id_find(S("<a@x")), "");
    assert_slice(message_id_make(&a, 31, S("x")), "<000000000000z@x>");
}

/* For looking it up: as mail programs read it, who are not strict. */
static void a_message_id_is_read_however_it_is_written(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    static const char *const pairs[][2] = {
        {"<i.d@x>", "<i.d@x>"},
        {"(c) <i.d@x> (d)", "<i.d@x>"},
        {"i.d@x", "<i.d@x>"},
        {" i.d@x\t", "<i.d@x>"},
        {"i.d@x (added by mx)", "<i.d@x>"},
        {"< i.d@x >", "<i.d@x>"},
        {"<i.d @x>", "<i.d@x>"},
        {"i.d @ x", "<i.d@x>"},
        {"<i.d@x", "<i.d@x>"},
        {"i.d@x>", "<i.d@x>"},
        {"<<i.d@x>>", "<i.d@x>"},
        {"<a\x01\x7f@x>", "<a@x>"},
        {"none", "<none>"},
        {"<>", ""},
        {"< >", ""},
        {"", ""},
        {"(c)", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        assert_slice(message_id_read(&a, slice_of_str(pairs[i][0])), pairs[i][1]);
    char *messages = arena_alloc(&a, 5000);
    memset(messages, 'a', 5000);
    assert_true(message_id_read(&a, slice_of(messages, 5000)).len <= MESSAGE_ID_MAX);
}

static void limits_are_kept(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct header_limits limits = {.bytes = 10};
    struct submission sub;
    assert_int_equal(submission_inspect(&a, S("From: a@x.example\r\n\r\n"), &limits, &sub),
                     -E_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc6409_8_missing_fields_are_added),
        cmocka_unit_test(a_missing_from_is_the_account),
        cmocka_unit_test(rfc8601_5_what_bears_our_name_is_taken_out),
        cmocka_unit_test(rfc5322_3_6_3_bcc_is_taken_out_with_its_folds),
        cmocka_unit_test(rfc5321_4_4_no_message_begins_with_a_return_path),
        cmocka_unit_test(a_header_without_an_empty_line_gets_one),
        cmocka_unit_test(rfc5322_3_6_single_fields_are_single),
        cmocka_unit_test(the_journey_gets_subject_and_message_id),
        cmocka_unit_test(a_message_id_is_read_however_it_is_written),
        cmocka_unit_test(limits_are_kept),
    };
    return cmocka_run_group_tests(tests, use_utc, NULL);
}
