/* SPDX-License-Identifier: ISC */
#include "sender/dkim/dkim.h"

#include <errno.h>
#include <stdio.h>

#include "dns/fake.h"
#include "fiber/fiber.h"
#include "sender/dkim/dkim_sign.h"
#include "sender/dkim/dkim_signature.h"
#include "signer.h"
#include "unit.h"

/* ------------------------------------------------------------------ the message of RFC 8463 */

#define SIGNED_8463                                                                                \
    "From: Joe SixPack <joe@football.example.com>\r\n"                                             \
    "To: Suzie Q <suzie@shopping.example.net>\r\n"                                                 \
    "Subject: Is dinner ready?\r\n"                                                                \
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"                                              \
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"                             \
    "\r\n"
#define BODY_8463 "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"

#define SIGNATURES_8463                                                                            \
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"                                \
    " d=football.example.com; i=@football.example.com;\r\n"                                        \
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"                                      \
    " subject : date : message-id : from : subject : date;\r\n"                                    \
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                                        \
    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"                              \
    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"                                                        \
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"                                    \
    " d=football.example.com; i=@football.example.com;\r\n"                                        \
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"                                \
    " date : message-id : from : subject : date;\r\n"                                              \
    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"                                        \
    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"                              \
    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"                              \
    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"

static const struct fake_record zone_8463[] = {
    {"brisbane._domainkey.football.example.com", DNS_TXT,
     "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
    {"test._domainkey.football.example.com", DNS_TXT,
     "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
     "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
     "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
     "Ip3G+2kryOTIKT+l/K4w3QIDAQAB"},
    {0},
};

struct verified {
    struct arena arena;
    struct dkim_outcome *list;
    size_t count;
};

/* The body comes in pieces of so many bytes. */
static void verify(struct verified *v, const struct fake_record *zone, struct slice header,
                   struct slice body, size_t piece, int64_t now) WAITS {
    struct fake_dns fake = {.records = zone};
    struct dns_client dns = fake_dns_client(&fake);
    struct dkim_verifier *verifier = dkim_verifier_new(header, now);
    *v = (struct verified){0};
    for (size_t at = 0; at < body.len; at += piece)
        dkim_verifier_add(verifier, slice_of(body.ptr + at, MIN(piece, body.len - at)));
    assert_int_equal(dkim_verifier_end(verifier, &dns, &v->arena, &v->list, &v->count), 0);
    dkim_verifier_free(verifier);
}

FIBER_TEST(the_message_of_rfc8463_a_3) {
    for (size_t piece = 1; piece < 100; piece = piece * 3 + 1) {
        struct verified v;
        verify(&v, zone_8463, S(SIGNATURES_8463 SIGNED_8463), S(BODY_8463), piece, 1528637909);
        assert_int_equal(v.count, 2);
        assert_int_equal(v.list[0].result, DKIM_PASS);
        assert_int_equal(v.list[0].algorithm, DKIM_ED25519_SHA256);
        assert_int_equal(v.list[0].bits, 256);
        assert_slice(v.list[0].selector, "brisbane");
        assert_slice(v.list[0].b, "/gCrinpcQOoI");
        assert_null(v.list[0].why);
        assert_int_equal(v.list[1].result, DKIM_PASS);
        assert_int_equal(v.list[1].bits, 1024);
        assert_slice(v.list[1].domain, "football.example.com");
        assert_slice(v.list[1].identity, "@football.example.com");
        arena_done(&v.arena);
    }
}

/* ------------------------------------------------------------------ keys of our own */

#define NOW 1796000000

#define HEADER                                                                                     \
    "From: Tama <tama@example.jp>\r\n"                                                             \
    "Subject:  Lunch\r\n\tat noon \r\n"                                                            \
    "Date: Mon, 30 Nov 2026 12:00:00 +0900\r\n"                                                    \
    "Received: from a by b\r\n"                                                                    \
    "Received: from c by d\r\n"
#define BODY "One  line \r\n\r\n \t\r\nand another\t one\r\n\r\n\r\n"

static EVP_PKEY *weak_key, *other_key, *ed25519_key;

/* A signature of HEADER and BODY with any tags before bh= and b=. */
struct crafted {
    const char *tags, *names;
    bool relaxed_header, relaxed_body;
    uint64_t length; /* 0: all */
    EVP_PKEY *key;
};

static struct slice craft(struct arena *a, const struct crafted *c) {
    _cleanup_(buf_done) struct buf text = {0}, field = {0};
    unsigned char hash[DIGEST_LEN];
    struct sender_fields fields;
    hash_body(S(BODY), c->relaxed_body, c->length ? c->length : UINT64_MAX, hash);
    buf_printf(&field, "DKIM-Signature: %s h=%s; bh=", c->tags, c->names);
    base64_encode(&field, slice_of(hash, sizeof hash));
    buf_add_str(&field, "; b=");
    assert_int_equal(sender_fields_read(S(HEADER "\r\n"), a, &fields), 0);
    struct slice all = buf_slice(&field);
    const struct sender_field own = {slice_first(all, 14), all, slice_from(all, 15)};
    const struct dkim_signature signature = {
        .relaxed_header = c->relaxed_header, .names = slice_of_str(c->names), .signed_form = all};
    dkim_signed_header(&fields, &own, &signature, &text);
    EVP_MD_CTX *digest = digest_begin();
    digest_add(digest, buf_slice(&text));
    digest_end(digest, hash);
    EVP_MD_CTX_free(digest);
    base64_encode(&field, sign_digest(a, c->key, hash));
    buf_add_str(&field, "\r\n");
    return arena_copy(a, buf_slice(&field));
}

/* The result of the first signature of a message with the fields of HEADER behind it. */
static struct dkim_outcome judge(struct arena *a, struct slice signature, const char *header,
                                 const char *body, const char *record) WAITS {
    struct verified v;
    struct fake_record zone[] = {
        {"sel._domainkey.example.jp", DNS_TXT, record ? record : "v=DKIM1; p="},
        {"slow._domainkey.example.jp", DNS_TXT, .code = DNS_SERVFAIL},
        {"gone._domainkey.example.jp", DNS_TXT, .error = -EPIPE},
        {0}};
    struct slice all = arena_printf(a, "%.*s%s\r\n", SLICE_ARG(signature), header);
    verify(&v, zone, all, slice_of_str(body), 7, NOW);
    assert_true(v.count > 0);
    struct dkim_outcome o = v.list[0];
    arena_done(&v.arena);
    return o;
}

static void expect_result(const struct dkim_outcome *o, enum dkim_result result, const char *why,
                          const char *of) {
    if (o->result != result || (why && (!o->why || !strstr(o->why, why))))
        fail_msg("%s: %s (%s), expected %s (%s)", of, dkim_result_name(o->result),
                 o->why ? o->why : "", dkim_result_name(result), why ? why : "");
}

#define GOOD "v=1; a=rsa-sha256; d=example.jp; s=sel;"

FIBER_TEST(canonical_forms_rfc6376_3_4) {
    static const struct {
        const char *c;
        bool header, body;
    } forms[] = {
        {"", false, false},
        {" c=simple;", false, false},
        {" c=relaxed;", true, false},
        {" c=simple/relaxed;", false, true},
        {" c=relaxed/simple;", true, false},
        {" c=relaxed/relaxed;", true, true},
    };
    static const char spaced[] = "FROM : Tama   <tama@example.jp>\r\nsubject:Lunch at noon\r\n"
                                 "Date: Mon, 30 Nov 2026 12:00:00 +0900\r\n";
    static const char spaced_body[] = "One line\r\n\r\n\r\nand another one\r\n";
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        const char *tags = arena_str(&a, arena_printf(&a, GOOD "%s", forms[i].c));
        const char *record = arena_str(&a, key_record(&a, weak_key, "v=DKIM1; p="));
        struct slice s = craft(&a, &(struct crafted){tags, "from:subject:date", forms[i].header,
                                                     forms[i].body, 0, weak_key});
        struct dkim_outcome o = judge(&a, s, HEADER, BODY, record);
        expect_result(&o, DKIM_PASS, NULL, tags);
        o = judge(&a, s, spaced, BODY, record);
        expect_result(&o, forms[i].header ? DKIM_PASS : DKIM_FAIL, NULL, tags);
        o = judge(&a, s, HEADER, spaced_body, record);
        expect_result(&o, forms[i].body ? DKIM_PASS : DKIM_FAIL, NULL, tags);
        o = judge(&a, s, HEADER, "One  line \r\n\r\n \t\r\nand another\t one", record);
        expect_result(&o, DKIM_PASS, NULL, "without the last line end");
        o = judge(&a, s, HEADER, BODY ".", record);
        expect_result(&o, DKIM_FAIL, "body", tags);
    }
}

/* The hashes that the RFC gives for empty bodies. */
FIBER_TEST(empty_bodies_rfc6376_3_4_3) {
    static const char *const simple[] = {"", "\r\n", "\r\n\r\n"}, *const relaxed[] = {"", "\r\n",
                                                                                      " \r\n\t\r\n",
                                                                                      "  "};
    for (unsigned i = 0; i < ARRAY_SIZE(simple) + ARRAY_SIZE(relaxed); i++) {
        _cleanup_(buf_done) struct buf text = {0};
        bool is_relaxed = i >= ARRAY_SIZE(simple);
        unsigned char hash[DIGEST_LEN];
        hash_body(slice_of_str(is_relaxed ? relaxed[i - ARRAY_SIZE(simple)] : simple[i]),
                  is_relaxed, UINT64_MAX, hash);
        base64_encode(&text, slice_of(hash, sizeof hash));
        assert_slice(buf_slice(&text), is_relaxed ? "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
                                                  : "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
    }
}

FIBER_TEST(what_a_signature_has_to_have_rfc6376_6_1_1) {
    static const struct {
        const char *tags, *why;
        enum dkim_result result;
    } rows[] = {
        {"a=rsa-sha256; d=example.jp; s=sel; h=from; bh=eA==; b=eA==", "version", DKIM_NEUTRAL},
        {"v=2; a=rsa-sha256; d=example.jp; s=sel; h=from; bh=eA==; b=eA==", "version",
         DKIM_NEUTRAL},
        {"v=1; d=example.jp; s=sel; h=from; bh=eA==; b=eA==", "no a=", DKIM_NEUTRAL},
        {"v=1; a=dsa-sha256; d=example.jp; s=sel; h=from; bh=eA==; b=eA==", "algorithm",
         DKIM_NEUTRAL},
        {GOOD "h=from; bh=eA==", "b=", DKIM_NEUTRAL},
        {GOOD "h=from; bh=eA==; b=", "b=", DKIM_NEUTRAL},
        {GOOD "h=from; bh=eA==; b=?", "b=", DKIM_NEUTRAL},
        {GOOD "h=from; b=eA==", "bh=", DKIM_NEUTRAL},
        {GOOD "bh=eA==; b=eA==", "no h=", DKIM_NEUTRAL},
        {GOOD "h=from::to; bh=eA==; b=eA==", "h=", DKIM_NEUTRAL},
        {GOOD "h=subject:to; bh=eA==; b=eA==", "From", DKIM_PERMERROR},
        {"v=1; a=rsa-sha256; s=sel; h=from; bh=eA==; b=eA==", "d=", DKIM_NEUTRAL},
        {"v=1; a=rsa-sha256; d=exa mple; s=sel; h=from; bh=eA==; b=eA==", "d=", DKIM_NEUTRAL},
        {"v=1; a=rsa-sha256; d=example.jp; h=from; bh=eA==; b=eA==", "s=", DKIM_NEUTRAL},
        {"v=1; a=rsa-sha256; d=example.jp; s=a/b; h=from; bh=eA==; b=eA==", "s=", DKIM_NEUTRAL},
        {GOOD "s=sel; h=from; bh=eA==; b=eA==", "twice", DKIM_NEUTRAL},
        {GOOD "h=from; bh=eA==; b=eA==; B", "list of tags", DKIM_NEUTRAL},
        {GOOD "c=strict; h=from; bh=eA==; b=eA==", "c=", DKIM_NEUTRAL},
        {GOOD "c=relaxed/; h=from; bh=eA==; b=eA==", "c=", DKIM_NEUTRAL},
        {GOOD "i=a@example.com; h=from; bh=eA==; b=eA==", "i=", DKIM_PERMERROR},
        {GOOD "i=a@xexample.jp; h=from; bh=eA==; b=eA==", "i=", DKIM_PERMERROR},
        {GOOD "i=example.jp; h=from; bh=eA==; b=eA==", "i=", DKIM_PERMERROR},
        {GOOD "l=-1; h=from; bh=eA==; b=eA==", "l=", DKIM_NEUTRAL},
        {GOOD "t=1e9; h=from; bh=eA==; b=eA==", "time", DKIM_NEUTRAL},
        {GOOD "t=5; x=5; h=from; bh=eA==; b=eA==", "before it begins", DKIM_NEUTRAL},
        {GOOD "x=1795999999; h=from; bh=eA==; b=eA==", "expired", DKIM_POLICY},
        {GOOD "t=1796000301; h=from; bh=eA==; b=eA==", "future", DKIM_POLICY},
        {GOOD "q=dns/other; h=from; bh=eA==; b=eA==", "DNS", DKIM_NEUTRAL},
        {"v=1; a=rsa-sha1; d=example.jp; s=sel; h=from; bh=eA==; b=eA==", "sha1", DKIM_POLICY},
        {GOOD "h=from; bh=eA==; b=eA==", "body", DKIM_FAIL},
        {GOOD
         "i=@mail.Example.JP; t=1796000300; x=1796000301; z=From:x|To:y; h=from; bh=eA==; b=eA==",
         "body", DKIM_FAIL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct slice s = arena_printf(&a, "DKIM-Signature: %s\r\n", rows[i].tags);
        struct dkim_outcome o = judge(&a, s, HEADER, BODY, NULL);
        expect_result(&o, rows[i].result, rows[i].why, rows[i].tags);
    }
}

FIBER_TEST(keys_rfc6376_3_6_1) {
    static const struct {
        const char *tags, *why; /* before the key in Base64 */
        enum dkim_result result;
    } rows[] = {
        {"v=DKIM1; p=", NULL, DKIM_PASS},
        {"p=", NULL, DKIM_PASS},
        {"v=DKIM1;k=rsa;s=*;n=a note;t=;x=y;p=", NULL, DKIM_PASS},
        {"v=DKIM1; h=sha1:sha256; s=other:email; p=", NULL, DKIM_PASS},
        {"v=DKIM1; t=y:s; p=", NULL, DKIM_PASS},
        {"k=rsa; v=DKIM1; p=", "version", DKIM_PERMERROR},
        {"v=DKIM2; p=", "version", DKIM_PERMERROR},
        {"v=DKIM1; k=dsa; p=", "type", DKIM_PERMERROR},
        {"v=DKIM1; k=ed25519; p=", "Ed25519", DKIM_PERMERROR},
        {"v=DKIM1; h=sha1; p=", "sha256", DKIM_PERMERROR},
        {"v=DKIM1; s=calendar; p=", "email", DKIM_PERMERROR},
        {"v=DKIM1; p=; x=", "revoked", DKIM_PERMERROR},
        {"v=DKIM1; x=", "no p=", DKIM_PERMERROR},
        {"v=DKIM1; p=A", "Base64", DKIM_PERMERROR},
        {"v=DKIM1; p=AAAA; x=", "no RSA key", DKIM_PERMERROR},
        {"v=DKIM1; v=DKIM1; p=", "read", DKIM_PERMERROR},
        {"some other text", "no such key", DKIM_PERMERROR},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct slice s = craft(&a, &(struct crafted){GOOD, "from", false, false, 0, weak_key});
        struct dkim_outcome o =
            judge(&a, s, HEADER, BODY, arena_str(&a, key_record(&a, weak_key, rows[i].tags)));
        expect_result(&o, rows[i].result, rows[i].why, rows[i].tags);
        assert_int_equal(o.testing, slice_find(slice_of_str(rows[i].tags), S("t=y")) >= 0);
    }
}

FIBER_TEST(a_key_for_the_domain_alone_rfc6376_3_6_1) {
    _cleanup_(arena_done) struct arena a = {0};
    const char *record = arena_str(&a, key_record(&a, weak_key, "t=s; p="));
    struct slice below = craft(&a, &(struct crafted){GOOD " i=x@m.example.jp;", "from", false,
                                                     false, 0, weak_key}),
                 same = craft(&a, &(struct crafted){GOOD " i=x@example.jp;", "from", false, false,
                                                    0, weak_key});
    struct dkim_outcome o = judge(&a, below, HEADER, BODY, record);
    expect_result(&o, DKIM_PERMERROR, "below", "t=s");
    o = judge(&a, same, HEADER, BODY, record);
    expect_result(&o, DKIM_PASS, NULL, "t=s");
}

FIBER_TEST(dns_and_keys_that_do_not_fit_rfc6376_6_1_2) {
    _cleanup_(arena_done) struct arena a = {0};
    struct crafted c = {GOOD, "from", false, false, 0, weak_key};
    struct dkim_outcome o =
        judge(&a, craft(&a, &c), HEADER, BODY, arena_str(&a, key_record(&a, other_key, "p=")));
    expect_result(&o, DKIM_FAIL, "header", "another key");
    o = judge(&a, craft(&a, &c), HEADER, BODY,
              arena_str(&a, key_record(&a, ed25519_key, "k=ed25519; p=")));
    expect_result(&o, DKIM_PERMERROR, "another algorithm", "Ed25519");
    c.tags = "v=1; a=rsa-sha256; d=example.jp; s=slow;";
    o = judge(&a, craft(&a, &c), HEADER, BODY, NULL);
    expect_result(&o, DKIM_TEMPERROR, NULL, "SERVFAIL");
    assert_true(o.name.len > 0);
    c.tags = "v=1; a=rsa-sha256; d=example.jp; s=gone;";
    o = judge(&a, craft(&a, &c), HEADER, BODY, NULL);
    expect_result(&o, DKIM_TEMPERROR, NULL, "resolver gone");
    c.tags = "v=1; a=rsa-sha256; d=example.jp; s=none;";
    o = judge(&a, craft(&a, &c), HEADER, BODY, NULL);
    expect_result(&o, DKIM_PERMERROR, "no such key", "NXDOMAIN");
}

FIBER_TEST(a_body_that_goes_on_behind_l_rfc6376_8_2) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice s =
        craft(&a, &(struct crafted){GOOD " l=10;", "from", false, false, 10, weak_key});
    const char *record = arena_str(&a, key_record(&a, weak_key, "p="));
    struct dkim_outcome o = judge(&a, s, HEADER, BODY, record);
    expect_result(&o, DKIM_POLICY, "l=", "l=10");
    o = judge(&a, s, HEADER, "One  line ", record);
    expect_result(&o, DKIM_POLICY, "l=", "l=10 and a line end");
    o = judge(&a, s, HEADER, "One  ", record);
    expect_result(&o, DKIM_FAIL, "body", "too short");
}

FIBER_TEST(names_count_from_below_rfc6376_5_4_2) {
    _cleanup_(arena_done) struct arena a = {0};
    const char *record = arena_str(&a, key_record(&a, weak_key, "p="));
    struct slice s =
        craft(&a, &(struct crafted){GOOD " c=relaxed/relaxed;", "from:subject:subject:received",
                                    true, true, 0, weak_key});
    struct dkim_outcome o = judge(&a, s, "Received: from e by f\r\n" HEADER, BODY, record);
    expect_result(&o, DKIM_PASS, NULL, "a Received above");
    o = judge(&a, s, HEADER "Received: from e by f\r\n", BODY, record);
    expect_result(&o, DKIM_FAIL, "header", "a Received below");
    o = judge(&a, s, "Subject: x\r\n" HEADER, BODY, record);
    expect_result(&o, DKIM_FAIL, "header", "a second Subject");
    o = judge(&a, s, "To: x\r\n" HEADER, BODY, record);
    expect_result(&o, DKIM_PASS, NULL, "a To that is not signed");
}

/* ------------------------------------------------------------------ what we sign */

static struct slice sign(struct arena *a, EVP_PKEY *key, enum dkim_algorithm algorithm,
                         struct slice header, struct slice body) {
    _cleanup_(buf_done) struct buf names = {0}, field = {0};
    unsigned char hash[DIGEST_LEN], digest[DIGEST_LEN];
    struct sender_fields fields;
    hash_body(body, true, UINT64_MAX, hash);
    assert_int_equal(sender_fields_read(header, a, &fields), 0);
    dkim_sign_names(&fields, &names);
    const struct dkim_signing signing = {
        0, algorithm, S("example.jp"), S("sel"), NOW, NOW + 600000, hash};
    dkim_sign_begin(&signing, &fields, buf_slice(&names), &field, digest);
    dkim_sign_end(&field, sign_digest(a, key, digest));
    return arena_copy(a, buf_slice(&field));
}

FIBER_TEST(what_we_sign_verifies_rfc6376_5) {
    static const char *const headers[] = {
        HEADER,
        "From: a@example.jp\r\n",
        "from:x@example.jp\r\nTO: a,\r\n b,\r\n\tc\r\nCc:\r\nSubject: \xe6\x97\xa9\r\n",
        HEADER "To: x\r\nReply-To: y\r\nList-Id: z\r\nMessage-ID: <1@x>\r\nSender: q\r\n",
    };
    static const char *const bodies[] = {"",         "\r\n", BODY, "no line end", ".\r\n..\r\n",
                                         "a\rb\nc\r"};
    for (size_t i = 0; i < ARRAY_SIZE(headers) * ARRAY_SIZE(bodies) * 2; i++) {
        _cleanup_(arena_done) struct arena a = {0};
        const char *header = headers[i % ARRAY_SIZE(headers)];
        const char *body = bodies[i / ARRAY_SIZE(headers) % ARRAY_SIZE(bodies)];
        bool rsa = i / ARRAY_SIZE(headers) / ARRAY_SIZE(bodies) == 0;
        EVP_PKEY *key = rsa ? weak_key : ed25519_key;
        struct slice s = sign(&a, key, rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256,
                              arena_printf(&a, "%s\r\n", header), slice_of_str(body));
        const char *record =
            arena_str(&a, key_record(&a, key, rsa ? "v=DKIM1; p=" : "v=DKIM1; k=ed25519; p="));
        struct slice rest = s, line;
        while (slice_next(&rest, '\n', &line))
            assert_true(line.len <= 79);
        struct dkim_outcome o = judge(&a, s, header, body, record);
        expect_result(&o, DKIM_PASS, NULL, header);
        static const char *const added[] = {"From: x\r\n", "Subject: x\r\n", "Date: x\r\n"};
        for (size_t k = 0; k < ARRAY_SIZE(added); k++) {
            bool is_there = slice_find(slice_of_str(header), S("Date")) >= 0 || k == 0 ||
                            (k == 1 && slice_find(slice_of_str(header), S("Subject")) >= 0);
            o = judge(&a, s, arena_str(&a, arena_printf(&a, "%s%s", added[k], header)), body,
                      record);
            expect_result(&o, is_there ? DKIM_FAIL : DKIM_PASS, NULL, added[k]);
        }
    }
}

FIBER_TEST(short_keys_rfc8301) {
    _cleanup_(arena_done) struct arena a = {0};
    EVP_PKEY *small = EVP_RSA_gen(768);
    struct slice s = sign(&a, small, DKIM_RSA_SHA256, S(HEADER "\r\n"), S(BODY));
    struct dkim_outcome o = judge(&a, s, HEADER, BODY, arena_str(&a, key_record(&a, small, "p=")));
    expect_result(&o, DKIM_POLICY, "less than 1024", "768 bits");
    assert_int_equal(o.bits, 768);
    EVP_PKEY_free(small);
}

/* Others are not looked at, however many there are. */
FIBER_TEST(eight_signatures_are_looked_at) {
    _cleanup_(buf_done) struct buf header = {0};
    struct verified v;
    for (unsigned i = 0; i < 50; i++)
        buf_printf(&header, "DKIM-Signature: v=1; s=%u\r\n", i);
    buf_add_str(&header, "\r\n");
    verify(&v, zone_8463, buf_slice(&header), S(""), 1, NOW);
    assert_int_equal(v.count, DKIM_SIGNATURES_MAX);
    arena_done(&v.arena);
}

static int make_keys(void **state UNUSED) {
    weak_key = EVP_RSA_gen(1024);
    other_key = EVP_RSA_gen(1024);
    ed25519_key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return weak_key && other_key && ed25519_key ? 0 : -1;
}

static int free_keys(void **state UNUSED) {
    EVP_PKEY_free(weak_key);
    EVP_PKEY_free(other_key);
    EVP_PKEY_free(ed25519_key);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_message_of_rfc8463_a_3),
        cmocka_unit_test(test_canonical_forms_rfc6376_3_4),
        cmocka_unit_test(test_empty_bodies_rfc6376_3_4_3),
        cmocka_unit_test(test_what_a_signature_has_to_have_rfc6376_6_1_1),
        cmocka_unit_test(test_keys_rfc6376_3_6_1),
        cmocka_unit_test(test_a_key_for_the_domain_alone_rfc6376_3_6_1),
        cmocka_unit_test(test_dns_and_keys_that_do_not_fit_rfc6376_6_1_2),
        cmocka_unit_test(test_a_body_that_goes_on_behind_l_rfc6376_8_2),
        cmocka_unit_test(test_names_count_from_below_rfc6376_5_4_2),
        cmocka_unit_test(test_what_we_sign_verifies_rfc6376_5),
        cmocka_unit_test(test_short_keys_rfc8301),
        cmocka_unit_test(test_eight_signatures_are_looked_at),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
