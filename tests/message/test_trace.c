/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "message/trace.h"

static struct buf out;

static int clear(void **state) {
    buf_done(&out);
    return 0;
}

static struct trace_received example(void) {
    return (struct trace_received){
        .helo = S("mail.example.org"),
        .rdns = S("mail.example.org"),
        .ip = S("192.0.2.1"),
        .host = S("mx.example.jp"),
        .protocol = trace_protocol(true, true, false, false),
        .tls_version = "TLSv1.3",
        .tls_cipher = "TLS_AES_256_GCM_SHA384",
        .id = 31,
        .arrival = TEST_TIME,
    };
}

static void rfc5321_4_4_received_tells_the_whole_hop(void **state) {
    struct trace_received received = example();
    received.recipient = S("tama@example.jp");
    trace_received(&out, &received);
    assert_slice(buf_slice(&out),
                 "Received: from mail.example.org (mail.example.org [192.0.2.1])\r\n"
                 " by mx.example.jp with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n"
                 " id 000000000000z for <tama@example.jp>; Sun, 22 Nov 2026 11:12:42 +0000\r\n");
    assert_lines(buf_slice(&out), 78);
}

static void rfc5321_4_4_received_without_names_and_tls(void **state) {
    struct trace_received received = {.helo = S("[IPv6:2001:db8::1]"),
                                      .ip = S("2001:db8::1"),
                                      .host = S("mx.example.jp"),
                                      .protocol = trace_protocol(false, false, false, false),
                                      .arrival = TEST_TIME};
    trace_received(&out, &received);
    assert_slice(buf_slice(&out),
                 "Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1]) by mx.example.jp\r\n"
                 " with SMTP id 0000000000000; Sun, 22 Nov 2026 11:12:42 +0000\r\n");
}

static void a_helo_cannot_forge_a_clause(void **state) {
    static const char *const bad[] = {"", "a b", "x)\r\nX: y", "a (b)", "<a>", "\x80", "a;b"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct trace_received received = example();
        received.helo = slice_of_str(bad[i]);
        buf_clear(&out);
        trace_received(&out, &received);
        assert_true(slice_starts(buf_slice(&out), S("Received: from [192.0.2.1] (mail.exa")));
        assert_lines(buf_slice(&out), 78);
    }
}

static void a_reverse_name_cannot_forge_a_clause(void **state) {
    struct trace_received received = example();
    received.rdns = S("x) by evil (y");
    trace_received(&out, &received);
    assert_true(slice_starts(buf_slice(&out), S("Received: from mail.example.org ([192.0.2.1])")));
}

static void rfc3848_with_words(void **state) {
    assert_string_equal(trace_protocol(false, true, false, false), "SMTP");
    assert_string_equal(trace_protocol(true, false, false, false), "ESMTP");
    assert_string_equal(trace_protocol(true, false, true, false), "ESMTPA");
    assert_string_equal(trace_protocol(true, true, false, false), "ESMTPS");
    assert_string_equal(trace_protocol(true, true, true, false), "ESMTPSA");
    assert_string_equal(trace_protocol(true, true, true, true), "UTF8SMTPSA");
}

static void long_words_get_lines_of_their_own(void **state) {
    struct trace_received received = example();
    char name[256];
    memset(name, 'x', 255);
    received.host = slice_of(name, 255);
    trace_received(&out, &received);
    assert_lines(buf_slice(&out), 260);
}

static void a7_return_path_and_delivered_to(void **state) {
    trace_return_path(&out, S(""));
    trace_return_path(&out, S("\"a b\"@example.org"));
    trace_delivered_to(&out, S("\"a b\"@example.org"));
    assert_slice(buf_slice(&out), "Return-Path: <>\r\nReturn-Path: <\"a b\"@example.org>\r\n"
                                  "Delivered-To: \"a b\"@example.org\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rfc5321_4_4_received_tells_the_whole_hop, clear),
        cmocka_unit_test_teardown(rfc5321_4_4_received_without_names_and_tls, clear),
        cmocka_unit_test_teardown(a_helo_cannot_forge_a_clause, clear),
        cmocka_unit_test_teardown(a_reverse_name_cannot_forge_a_clause, clear),
        cmocka_unit_test(rfc3848_with_words),
        cmocka_unit_test_teardown(long_words_get_lines_of_their_own, clear),
        cmocka_unit_test_teardown(a7_return_path_and_delivered_to, clear),
    };
    return cmocka_run_group_tests(tests, use_utc, NULL);
}
