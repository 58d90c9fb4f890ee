/* SPDX-License-Identifier: ISC */
/* Who signs a message that leaves, with which keys; and that it verifies. */
#include "sender/outgoing.h"

#include <errno.h>

#include "dns/fake.h"
#include "fiber/fiber.h"
#include "sender/dkim/dkim_key.h"
#include "signer.h"
#include "unit.h"

#define HEADER                                                                                     \
    "From: Tama <tama@example.test>\r\nTo: a@example.org\r\nSubject: x\r\n"                        \
    "Message-ID: <1@example.test>\r\n\r\n"
#define BODY "Hello\r\n"

static EVP_PKEY *rsa, *ed;

/* A vault that has keys of these domains. */
struct vault {
    const char *domains[3];
    struct outgoing_vault functions;
    unsigned asked, signed_with;
    int error;
};

static int keys_of(void *arg, struct slice domain, struct arena *a, struct outgoing_keys *ret) {
    struct vault *v = arg;
    v->asked++;
    for (size_t i = 0; i < ARRAY_SIZE(v->domains) && v->domains[i]; i++)
        if (slice_eq(slice_of_str(v->domains[i]), domain))
            *ret = (struct outgoing_keys){
                .domain = arena_copy(a, domain),
                .list = {{S("r1"), DKIM_RSA_SHA256}, {S("e1"), DKIM_ED25519_SHA256}},
                .count = 2};
    return v->error;
}

static int sign(void *arg, const struct outgoing_keys *keys,
                const unsigned char (*digests)[DIGEST_LEN], struct arena *a, struct slice *ret) {
    struct vault *v = arg;
    for (size_t i = 0; i < keys->count && !v->error; i++, v->signed_with++)
        ret[i] = sign_digest(a, keys->list[i].algorithm == DKIM_RSA_SHA256 ? rsa : ed, digests[i]);
    return v->error;
}

static void give(struct vault *v, const char *one, const char *other) {
    *v = (struct vault){.domains = {one, other}, .functions = {keys_of, sign, v}};
}

static struct slice chosen(struct vault *v, const char *header, const char *other,
                           struct arena *a) {
    struct outgoing_keys keys;
    assert_int_equal(
        outgoing_choose(slice_of_str(header), slice_of_str(other), &v->functions, a, &keys), 0);
    return keys.count > 0 ? keys.domain : S("nobody");
}

FIBER_TEST(the_authors_domain_signs_or_the_nearest_above_it_or_that_of_who_logged_in) {
    _cleanup_(arena_done) struct arena a = {0};
    struct vault v;
    give(&v, "example.test", "mail.host.test");
    assert_slice(chosen(&v, HEADER, "host.test", &a), "example.test");
    assert_slice(chosen(&v, "From: x@a.b.EXAMPLE.test\r\n\r\n", "", &a), "example.test");
    assert_slice(chosen(&v, "From: x@mail.host.test\r\n\r\n", "example.test", &a),
                 "mail.host.test");
    assert_slice(chosen(&v, "From: x@elsewhere.test\r\n\r\n", "example.test", &a), "example.test");
    assert_slice(chosen(&v, "From: x@elsewhere.test\r\n\r\n", "", &a), "nobody");
    assert_slice(chosen(&v, "From: x@notexample.test\r\n\r\n", "", &a), "nobody");
    assert_slice(chosen(&v, "Subject: without\r\n\r\n", "", &a), "nobody");
}

FIBER_TEST(a_name_of_many_labels_is_no_many_questions) {
    _cleanup_(arena_done) struct arena a = {0};
    struct vault v;
    give(&v, "test", NULL);
    assert_slice(chosen(&v, "From: x@a.b.c.d.e.f.g.h.i.j.k.l.test\r\n\r\n", "", &a), "nobody");
    assert_int_equal(v.asked, 8);
    give(&v, "test", NULL); /* a name of one label is nobody's domain */
    assert_slice(chosen(&v, "From: x@a.test\r\n\r\n", "", &a), "nobody");
    assert_int_equal(v.asked, 1);
}

static void verify(struct slice message, struct arena *a, struct dkim_outcome **ret,
                   size_t *ret_count) {
    const struct fake_record records[] = {
        {.name = "r1._domainkey.example.test",
         .type = DNS_TXT,
         .value = arena_str(a, key_record(a, rsa, "v=DKIM1; k=rsa; p="))},
        {.name = "e1._domainkey.example.test",
         .type = DNS_TXT,
         .value = arena_str(a, key_record(a, ed, "v=DKIM1; k=ed25519; p="))},
        {0}};
    struct fake_dns dns = {.records = records};
    struct dns_client client = fake_dns_client(&dns);
    struct dkim_verifier *v = dkim_verifier_new(message, 1001);
    dkim_verifier_add(v, S(BODY));
    assert_int_equal(dkim_verifier_end(v, &client, a, ret, ret_count), 0);
    dkim_verifier_free(v);
}

FIBER_TEST(both_signatures_verify_and_say_how_long_they_count) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf message = {0};
    struct vault v;
    struct outgoing_keys keys;
    struct dkim_outcome *outcomes;
    size_t count;
    unsigned char hash[DIGEST_LEN];
    give(&v, "example.test", NULL);
    hash_body(S(BODY), true, UINT64_MAX, hash);
    const struct outgoing o = {
        .header = S(HEADER BODY), .body_hash = hash, .now = 1000, .expires = 2000};
    assert_int_equal(outgoing_choose(o.header, S(""), &v.functions, &a, &keys), 0);
    assert_int_equal(outgoing_sign(&o, &keys, &v.functions, &a, &message), 0);
    assert_int_equal(v.signed_with, 2);
    assert_true(slice_find(buf_slice(&message), S("t=1000; x=2000;")) > 0);
    buf_add_str(&message, HEADER);
    verify(buf_slice(&message), &a, &outcomes, &count);
    assert_int_equal(count, 2);
    assert_int_equal(outcomes[0].result, DKIM_PASS);
    assert_int_equal(outcomes[1].result, DKIM_PASS);
    assert_int_equal(outcomes[0].algorithm, DKIM_RSA_SHA256);
}

FIBER_TEST(without_a_vault_nothing_is_said_to_be_signed) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf to = {0};
    struct vault v;
    struct outgoing_keys keys;
    unsigned char hash[DIGEST_LEN] = {0};
    const struct outgoing o = {.header = S(HEADER), .body_hash = hash};
    give(&v, "example.test", NULL);
    assert_int_equal(outgoing_choose(o.header, S(""), &v.functions, &a, &keys), 0);
    v.error = -EPIPE;
    assert_int_equal(outgoing_sign(&o, &keys, &v.functions, &a, &to), -EPIPE);
    assert_int_equal(to.len, 0);
    assert_int_equal(outgoing_choose(o.header, S(""), &v.functions, &a, &keys), -EPIPE);
}

static void test_a_key_is_the_same_however_its_record_is_written(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    (void)state;
    struct slice one = key_record(&a, rsa, "v=DKIM1; k=rsa; p=");
    assert_true(dkim_key_same(one, key_record(&a, rsa, "p=")));
    assert_true(dkim_key_same(key_record(&a, rsa, "n=a note; s=*; p="), one));
    assert_false(dkim_key_same(one, key_record(&a, ed, "v=DKIM1; k=ed25519; p=")));
    assert_false(dkim_key_same(one, S("v=DKIM1; p=")));
    assert_false(dkim_key_same(S("v=spf1 -all"), S("v=spf1 -all")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_the_authors_domain_signs_or_the_nearest_above_it_or_that_of_who_logged_in),
        cmocka_unit_test(test_a_name_of_many_labels_is_no_many_questions),
        cmocka_unit_test(test_both_signatures_verify_and_say_how_long_they_count),
        cmocka_unit_test(test_without_a_vault_nothing_is_said_to_be_signed),
        cmocka_unit_test(test_a_key_is_the_same_however_its_record_is_written),
    };
    rsa = EVP_RSA_gen(2048);
    ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ed);
    return r;
}
