/* SPDX-License-Identifier: ISC */
#include "sender/arc/arc.h"

#include "dns/fake.h"
#include "fiber/fiber.h"
#include "sender/arc/arc_seal.h"
#include "signer.h"
#include "unit.h"

#define NOW  1796000000
#define BODY "Hello\r\n\r\n"
#define HEADER                                                                                     \
    "From: Tama <tama@example.jp>\r\n"                                                             \
    "Subject: Lunch\r\n"                                                                           \
    "Date: Mon, 30 Nov 2026 12:00:00 +0900\r\n"

static EVP_PKEY *key;
static char record[512];

static struct arc_outcome judge(struct arena *a, struct slice header, const char *body) WAITS {
    const struct fake_record zone[] = {{"one._domainkey.a.test", DNS_TXT, record},
                                       {"one._domainkey.b.test", DNS_TXT, record},
                                       {"one._domainkey.slow.test", DNS_TXT, .code = DNS_TIMEOUT},
                                       {0}};
    struct fake_dns fake = {.records = zone};
    struct dns_client dns = fake_dns_client(&fake);
    struct arc_outcome o;
    struct arc_verifier *v = arc_verifier_new(header, NOW);
    arc_verifier_add(v, slice_of_str(body));
    assert_int_equal(arc_verifier_end(v, &dns, a, &o), 0);
    arc_verifier_free(v);
    return o;
}

/* One more set on top; the empty header if it is refused. */
static struct slice seal(struct arena *a, struct slice header, const char *domain,
                         enum arc_result chain) {
    _cleanup_(buf_done) struct buf to = {0};
    unsigned char hash[DIGEST_LEN], digest[DIGEST_LEN];
    struct arc_seal *s;
    hash_body(S(BODY), true, UINT64_MAX, hash);
    const struct arc_sealing sealing = {.algorithm = DKIM_RSA_SHA256,
                                        .domain = slice_of_str(domain),
                                        .selector = S("one"),
                                        .now = NOW,
                                        .results =
                                            S("mx.test; spf=pass\r\n\tsmtp.mailfrom=x@y.test"),
                                        .body_hash = hash,
                                        .chain = chain};
    if (arc_seal_new(&sealing, header, digest, &s) < 0)
        return S("");
    arc_seal_message(s, sign_digest(a, key, digest), digest);
    arc_seal_end(s, sign_digest(a, key, digest), &to);
    arc_seal_free(s);
    buf_add(&to, header);
    return arena_copy(a, buf_slice(&to));
}

static struct slice replace(struct arena *a, struct slice text, const char *what, const char *by) {
    ssize_t at = slice_find(text, slice_of_str(what));
    assert_true(at >= 0);
    return arena_printf(a, "%.*s%s%.*s", SLICE_ARG(slice_first(text, (size_t)at)), by,
                        SLICE_ARG(slice_from(text, (size_t)at + strlen(what))));
}

static void expect_fail(const struct arc_outcome *o, unsigned instance, const char *why) {
    assert_int_equal(o->result, ARC_FAIL);
    if (!strstr(o->why, why) || o->instance != instance)
        fail_msg("%s of %u, expected %s of %u", o->why, o->instance, why, instance);
}

FIBER_TEST(a_chain_that_is_whole_passes_rfc8617_5_2) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice header = S(HEADER "\r\n");
    struct arc_outcome o = judge(&a, header, BODY);
    assert_int_equal(o.result, ARC_NONE);
    for (unsigned i = 1; i <= 4; i++) {
        header = seal(&a, header, i % 2 ? "a.test" : "b.test", o.result);
        header = arena_printf(&a, "Received: hop %u\r\n%.*s", i, SLICE_ARG(header));
        o = judge(&a, header, BODY);
        assert_int_equal(o.result, ARC_PASS);
        assert_int_equal(o.count, i);
        assert_slice(o.sets[i - 1].domain, i % 2 ? "a.test" : "b.test");
        assert_slice(o.sets[0].results, "mx.test; spf=pass\tsmtp.mailfrom=x@y.test");
        assert_null(o.why);
    }
}

/* Of a chain of two sets in which one thing is replaced: which set is wrong, and the words. */
FIBER_TEST(a_chain_that_is_not_whole_fails_rfc8617_5_2) {
    static const struct {
        const char *what, *by;
        unsigned instance;
        const char *why;
    } changes[] = {
        {"Subject: Lunch", "Subject: Dinner", 2, "header"},
        {"Received:", "Subject: x\r\nReceived:", 2, "header"},
        {"i=1; mx.test; spf=pass", "i=1; mx.test; spf=fail", 2, "sealed"},
        {"ARC-Authentication-Results: i=1", "X-Was: i=1", 1, "not whole"},
        {"ARC-Seal: i=1", "ARC-Seal: i=3", 1, "not whole"},
        {"ARC-Seal: i=1", "ARC-Seal: i=2", 0, "twice"},
        {"ARC-Seal: i=1", "ARC-Seal: i=0", 0, "i= from 1 to 50"},
        {"ARC-Seal: i=1", "ARC-Seal: i=51", 0, "i= from 1 to 50"},
        {"cv=pass", "cv=none", 2, "cannot be"},
        {"cv=none", "cv=pass", 1, "cannot be"},
        {"cv=pass;", "", 0, "no cv="},
        {"cv=pass;", "cv=pass; h=from;", 0, "h="},
        {"d=b.test", "d=c.test", 2, "no such key"},
    };
    _cleanup_(arena_done) struct arena a = {0};
    struct slice one = seal(&a, S("Received: by x\r\n" HEADER "\r\n"), "a.test", ARC_NONE),
                 two = seal(&a, one, "b.test", ARC_PASS);
    struct arc_outcome o = judge(&a, two, "Hallo\r\n");
    expect_fail(&o, 2, "body");
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        o = judge(&a, replace(&a, two, changes[i].what, changes[i].by), BODY);
        expect_fail(&o, changes[i].instance, changes[i].why);
    }
}

FIBER_TEST(a_key_that_dns_does_not_give_now_is_told_rfc8617_5_2) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice one = seal(&a, S(HEADER "\r\n"), "a.test", ARC_NONE);
    struct arc_outcome o = judge(&a, seal(&a, one, "slow.test", ARC_PASS), BODY);
    assert_int_equal(o.result, ARC_TEMPERROR);
    assert_slice(o.name, "one._domainkey.slow.test");
}

/* Whoever finds it broken says so in a seal of his own, and nobody goes on from there. */
FIBER_TEST(a_broken_chain_is_sealed_once_more_rfc8617_5_1_2) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice one = seal(&a, S(HEADER "\r\n"), "a.test", ARC_NONE);
    struct slice changed = replace(&a, one, "Subject: Lunch", "Subject: Dinner");
    struct slice two = seal(&a, changed, "b.test", judge(&a, changed, BODY).result);
    struct arc_outcome o = judge(&a, two, BODY);
    expect_fail(&o, 2, "found the chain broken");
    assert_slice(seal(&a, two, "a.test", o.result), "");
}

FIBER_TEST(fifty_sets_are_the_most_rfc8617_4_2_1) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice header = S(HEADER "\r\n");
    for (unsigned i = 1; i <= ARC_SETS_MAX; i++)
        header = seal(&a, header, "a.test", i == 1 ? ARC_NONE : ARC_PASS);
    assert_int_equal(judge(&a, header, BODY).result, ARC_PASS);
    assert_slice(seal(&a, header, "a.test", ARC_PASS), "");
}

static int make_key(void **state UNUSED) {
    struct arena a = {0};
    key = EVP_RSA_gen(1024);
    int r = slice_to_str(key_record(&a, key, "v=DKIM1; p="), record, sizeof record);
    arena_done(&a);
    return r;
}

static int free_key(void **state UNUSED) {
    EVP_PKEY_free(key);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_that_is_whole_passes_rfc8617_5_2),
        cmocka_unit_test(test_a_chain_that_is_not_whole_fails_rfc8617_5_2),
        cmocka_unit_test(test_a_key_that_dns_does_not_give_now_is_told_rfc8617_5_2),
        cmocka_unit_test(test_a_broken_chain_is_sealed_once_more_rfc8617_5_1_2),
        cmocka_unit_test(test_fifty_sets_are_the_most_rfc8617_4_2_1),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
