/* SPDX-License-Identifier: ISC */
#include "sender/author.h"

#include "sender/results.h"
#include "unit.h"

static struct author find(struct arena *a, const char *header) {
    struct sender_fields fields;
    struct author author;
    struct slice text = arena_printf(a, "%s\r\n", header);
    assert_int_equal(sender_fields_read(text, a, &fields), 0);
    author_find(&fields, a, &author);
    return author;
}

static void test_who_is_the_author_rfc5322_3_6_2(void **state UNUSED) {
    static const struct {
        const char *header, *domains; /* with blanks between */
        enum author_form form;
    } rows[] = {
        {"From: a@example.jp\r\n", "example.jp", AUTHOR_NAMED},
        {"FROM : =?utf-8?q?x?= <a@Example.JP>\r\n", "example.jp", AUTHOR_NAMED},
        {"From: \"\\\"Acme, Inc.\\\"\" <a@shop.test>\r\n", "shop.test", AUTHOR_NAMED},
        {"From: (b@other.test) a@example.jp (c@other.test)\r\n", "example.jp", AUTHOR_NAMED},
        {"From: \"b@other.test\" <a@example.jp>\r\n", "example.jp", AUTHOR_NAMED},
        {"From: a@one.test,\r\n\tb@two.test, c@ONE.test\r\n", "one.test two.test", AUTHOR_NAMED},
        {"From: staff: a@one.test, b@two.test;\r\n", "one.test two.test", AUTHOR_NAMED},
        {"From: a@\xe4\xbe\x8b\xe3\x81\x88.jp\r\n", "xn--r8jz45g.jp", AUTHOR_NAMED},
        {"From: old..phone.@docomo.example\r\n", "docomo.example", AUTHOR_NAMED},
        {"Subject: x\r\n", "", AUTHOR_MISSING},
        {"From:\r\n", "", AUTHOR_MISSING},
        {"From: nobody:;\r\n", "", AUTHOR_MISSING},
        {"From: a@one.test\r\nfrom: b@two.test\r\n", "", AUTHOR_TWICE},
        {"From: a@one.test\r\nFrom: a@one.test\r\n", "", AUTHOR_TWICE},
        {"From: Tama\r\n", "", AUTHOR_UNREADABLE},
        /* RFC 2047 §5 (3): none stands in an address; some decode it, and see b@two.test alone */
        {"From: =?utf-8?b?YkB0d28udGVzdD4g?=@one.test\r\n", "", AUTHOR_UNREADABLE},
        {"From: <\"=?utf-8?q?b=40two.test?=\"@one.test>\r\n", "", AUTHOR_UNREADABLE},
        {"From: <a=?b@one.test>\r\n", "one.test", AUTHOR_NAMED},
        {"From: <a@one.test> <b@two.test>\r\n", "", AUTHOR_UNREADABLE},
        {"From: b@two.test <a@one.test>\r\n", "", AUTHOR_UNREADABLE},
        {"From: <a@one.test>c@three.test\r\n", "", AUTHOR_UNREADABLE},
        {"From: a@[192.0.2.1]\r\n", "", AUTHOR_NO_DOMAIN},
        {"From: a@1.x,a@2.x,a@3.x,a@4.x,a@5.x,a@6.x,a@7.x,a@8.x,a@9.x,a@10.x,a@11.x\r\n", NULL,
         AUTHOR_TOO_MANY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena a = {0};
        struct buf told = {0};
        struct author author = find(&a, rows[i].header);
        for (size_t k = 0; k < author.count; k++)
            buf_printf(&told, "%s%.*s", k > 0 ? " " : "", SLICE_ARG(author.domains[k]));
        if (author.form != rows[i].form ||
            (rows[i].domains && !slice_eq(buf_slice(&told), slice_of_str(rows[i].domains))))
            fail_msg("%s%s: %s", rows[i].header, buf_str(&told),
                     author.form == AUTHOR_NAMED ? "named" : author_form_words(author.form));
        buf_done(&told);
        arena_done(&a);
    }
}

/* Words of others stand in quoted values, or nowhere. */
static void test_results_are_ours_rfc8601_2_2(void **state UNUSED) {
    struct net_addr client;
    struct dkim_outcome dkim[] = {{.result = DKIM_PASS,
                                   .domain = S("example.jp"),
                                   .selector = S("sel"),
                                   .b = S("ab/+12="),
                                   .algorithm = DKIM_RSA_SHA256},
                                  {.result = DKIM_FAIL,
                                   .why = "the body is not what was signed",
                                   .domain = S("x;y=z"),
                                   .selector = S("a\r\nb"),
                                   .algorithm = DKIM_ED25519_SHA256}};
    struct dmarc_outcome dmarc = {.result = DMARC_FAIL,
                                  .domain = S("example.jp"),
                                  .found_at = S("example.jp"),
                                  .published = DMARC_POLICY_REJECT};
    struct sender_verdict v = {.iprev.result = IPREV_PERMERROR,
                               .mail_from.result = SPF_SOFTFAIL,
                               .mail_from_domain = S("evil.test"),
                               .dkim = dkim,
                               .dkim_count = 2,
                               .decides = &dmarc};
    struct sender_question q = {.client = &client,
                                .local_part = S("a) dmarc=pass (b"),
                                .domain = S("evil.test"),
                                .host = S("mx.example.jp")};
    struct buf to = {0};
    assert_int_equal(net_parse(S("2001:db8::1"), 0, &client), 0);
    sender_results_add(&to, &q, &v);
    assert_slice(buf_slice(&to),
                 "mx.example.jp;\r\n\tiprev=permerror policy.iprev=\"2001:db8::1\";\r\n"
                 "\tspf=softfail smtp.mailfrom=evil.test;\r\n"
                 "\tdkim=pass header.d=example.jp header.s=sel header.a=rsa-sha256"
                 " header.b=\"ab/+12=\";\r\n"
                 "\tdkim=fail reason=\"the body is not what was signed\" header.d=\"x;y=z\""
                 " header.a=ed25519-sha256;\r\n"
                 "\tdmarc=fail header.from=example.jp policy.published-domain-policy=reject");
    buf_clear(&to);
    q.local_part = q.domain = S("");
    v.helo_name = S("x; dmarc=pass");
    sender_results_add(&to, &q, &v);
    assert_true(slice_find(buf_slice(&to), S(" smtp.helo=\"x; dmarc=pass\";\r\n")) > 0);
    buf_clear(&to);
    q.local_part = S("tama");
    q.domain = S("evil.test");
    v.dkim_count = 0;
    v.decides = NULL;
    v.author.form = AUTHOR_TWICE;
    sender_results_add(&to, &q, &v);
    assert_true(slice_find(buf_slice(&to), S("smtp.mailfrom=tama@evil.test;")) > 0);
    assert_true(slice_find(buf_slice(&to), S("dkim=none;")) > 0);
    assert_true(slice_ends(buf_slice(&to),
                           S("dmarc=permerror reason=\"there is more than one From field\"")));
    buf_done(&to);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_the_author_rfc5322_3_6_2),
        cmocka_unit_test(test_results_are_ours_rfc8601_2_2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
