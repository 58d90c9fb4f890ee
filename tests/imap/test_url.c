/* SPDX-License-Identifier: ISC */
#include "imap/syntax/urlauth.h"

#include "unit.h"

static struct imap_url parse(struct arena *a, const char *text) {
    struct imap_url url;
    if (imap_url_parse(slice_of_str(text), a, &url) < 0)
        fail_msg("refused: %s", text);
    return url;
}

/* The examples of RFC 4469 §5, RFC 5092 §8 and RFC 5550. */
static void test_rfc4469_5_examples(void **state) {
    struct arena a = {0};
    struct imap_url u = parse(&a, "/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER");
    assert_slice(u.mailbox, "Drafts");
    assert_int_equal(u.uidvalidity, 385759045);
    assert_int_equal(u.uid, 20);
    assert_int_equal(u.section.text, IMAP_SECTION_HEADER);
    assert_int_equal(u.section.part_count, 0);
    u = parse(&a, "/Drafts;UIDVALIDITY=385759045/;UID=30/;section=1.2.MIME");
    assert_int_equal(u.section.part_count, 2);
    assert_int_equal(u.section.parts[1], 2);
    assert_int_equal(u.section.text, IMAP_SECTION_MIME);
    u = parse(&a, "/INBOX/;UID=20/;section=1.2");
    assert_int_equal(u.uidvalidity, 0);
    assert_int_equal(u.section.text, IMAP_SECTION_ALL);
    u = parse(&a, ";UID=20");
    assert_int_equal(u.mailbox.len, 0);
    assert_int_equal(u.section.part_count, 0);
    assert_false(u.section.partial);
    u = parse(&a, "/Box/2026;UIDVALIDITY=1/;UID=20/;SECTION=1.2/;PARTIAL=0.1024");
    assert_slice(u.mailbox, "Box/2026");
    assert_true(u.section.partial);
    assert_int_equal(u.section.offset, 0);
    assert_int_equal(u.section.length, 1024);
    u = parse(&a, "/INBOX/;UID=20/;PARTIAL=100");
    assert_int_equal(u.section.offset, 100);
    assert_int_equal(u.section.length, UINT32_MAX);
    arena_done(&a);
}

static void test_rfc5092_names_are_utf8_in_percents(void **state) {
    struct arena a = {0};
    struct imap_url u = parse(&a, "/%E6%97%A5%E6%9c%ac%3B%2f%25/;uid=4294967295");
    assert_slice(u.mailbox, "日本;/%");
    u = parse(&a, "/%E3%81%8B%E3%82%99/;UID=1");
    assert_slice(u.mailbox, "が");
    u = parse(&a, "/x/;UID=1/;SECTION=HEADER.FIELDS%20(Subject%20%22To%22)");
    assert_int_equal(u.section.field_count, 2);
    assert_slice(u.section.fields[1], "To");
    arena_done(&a);
}

static void test_what_is_no_such_url_is_refused(void **state) {
    static const char *const bad[] = {
        "",
        "/",
        "/INBOX",
        "/INBOX/",
        "/INBOX;UID=1",
        "//;UID=1",
        "/;UID=1",
        "/INBOX/;UID=0",
        "/INBOX/;UID=4294967296",
        "/INBOX/;UID=",
        "/INBOX/;UID=1x",
        "/INBOX;UIDVALIDITY=0/;UID=1",
        "/INBOX;UIDVALIDITY=1;UID=1",
        "/INBOX/;UID=1/;SECTION=",
        "/INBOX/;UID=1/;SECTION=1.",
        "/INBOX/;UID=1/;SECTION=1]",
        "/INBOX/;UID=1/;SECTION=1]%3c0.5%3e",
        "/INBOX/;UID=1/;SECTION=MIME",
        "/INBOX/;UID=1/;SECTION=1/;PARTIAL=",
        "/INBOX/;UID=1/;PARTIAL=1.0",
        "/INBOX/;UID=1/;PARTIAL=1/;SECTION=1",
        "/INBOX/;UID=1;URLAUTH=anonymous",
        "/IN%BOX/;UID=1",
        "/IN%2/;UID=1",
        "/%ff/;UID=1",
        "/%00/;UID=1",
        "/a%0d%0ab/;UID=1",
        "imap://tama@example.test/INBOX/;UID=1",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct arena a = {0};
        struct imap_url url;
        if (imap_url_parse(slice_of_str(bad[i]), &a, &url) != -E_SYNTAX)
            fail_msg("taken: %s", bad[i]);
        arena_done(&a);
    }
}

/* The examples of RFC 4467 §7 and RFC 5092 §8. */
static void test_rfc4467_7_allowed_urls(void **state) {
    struct arena a = {0};
    struct imap_urlauth u;
    const struct slice text = S("imap://joe@example.com/INBOX/;uid=20/;section=1.2"
                                ";expire=2026-12-01T09:00:00Z;urlauth=submit+fred:internal"
                                ":91354a473744909de610943775f92038");
    assert_int_equal(imap_urlauth_parse(text, &a, &u), 0);
    assert_slice(u.user, "joe");
    assert_slice(u.url.mailbox, "INBOX");
    assert_int_equal(u.url.uid, 20);
    assert_int_equal(u.url.section.part_count, 2);
    assert_true(u.expires);
    assert_int_equal(u.expiry, 1796115600 * USEC_SEC);
    assert_int_equal(u.access, IMAP_URL_SUBMIT);
    assert_slice(u.to, "fred");
    assert_slice(u.mechanism, "internal");
    assert_slice(u.token, "91354a473744909de610943775f92038");
    assert_int_equal(u.before_token.len, text.len - 33);
    assert_int_equal(u.before_mechanism.len, text.len - 42);
    assert_int_equal(
        imap_urlauth_parse(S("IMAP://tama%40example.test;AUTH=*@mail.example.test:993/"
                             "a;UIDVALIDITY=7/;UID=1;URLAUTH=user+hana%40example.test"),
                           &a, &u),
        0);
    assert_slice(u.user, "tama@example.test");
    assert_int_equal(u.url.uidvalidity, 7);
    assert_false(u.expires);
    assert_int_equal(u.access, IMAP_URL_USER);
    assert_slice(u.to, "hana@example.test");
    assert_null(u.token.ptr);
    assert_null(u.mechanism.ptr);
    arena_done(&a);
}

static void test_rfc4467_what_is_no_allowed_url_is_refused(void **state) {
    static const char *const bad[] = {
        "/INBOX/;UID=1;URLAUTH=anonymous",
        "imap://example.test/INBOX/;UID=1;URLAUTH=anonymous",
        "imap://@example.test/INBOX/;UID=1;URLAUTH=anonymous",
        "imap://tama@/INBOX/;UID=1;URLAUTH=anonymous",
        "imap://tama;X=1@example.test/INBOX/;UID=1;URLAUTH=anonymous",
        "imap://tama@example.test;UID=1;URLAUTH=anonymous",
        "imap://tama@example.test/;UID=1;URLAUTH=anonymous",
        "imap://tama@example.test/INBOX;URLAUTH=anonymous",
        "imap://tama@example.test/INBOX/;UID=1",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=root",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=user+",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=user+%0a",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=anonymous:",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:",
        "imap://tama@example.test/INBOX/;UID=1;URLAUTH=anonymous::1",
        "imap://tama@example.test/INBOX/;UID=1;EXPIRE=;URLAUTH=anonymous",
        "imap://tama@example.test/INBOX/;UID=1;EXPIRE=tomorrow;URLAUTH=anonymous",
        "imap://tama@example.test/INBOX/;EXPIRE=2026-12-01T09:00:00Z/;UID=1;URLAUTH=anonymous",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct arena a = {0};
        struct imap_urlauth u;
        if (imap_urlauth_parse(slice_of_str(bad[i]), &a, &u) == 0)
            fail_msg("taken: %s", bad[i]);
        arena_done(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4469_5_examples),
        cmocka_unit_test(test_rfc5092_names_are_utf8_in_percents),
        cmocka_unit_test(test_what_is_no_such_url_is_refused),
        cmocka_unit_test(test_rfc4467_7_allowed_urls),
        cmocka_unit_test(test_rfc4467_what_is_no_allowed_url_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
