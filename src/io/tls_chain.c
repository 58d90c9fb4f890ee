/* SPDX-License-Identifier: ISC */
/*
 * The chain is judged twice. First as it stands in the file, since clients differ in what they mend
 * by themselves: each certificate has to be signed by the next one. Then as a client would do it,
 * with OpenSSL's own search for a way to one of the authorities; its verdict on times is left out,
 * since those are told with their dates.
 */
#include "io/tls_chain.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/words.h"
#include "io/tls_pem.h"

#define TO_SECONDS  19U /* of "2026-11-22 11:12:42.123" */
#define NAMES_SHOWN 3
#define SOON_MOST   (30 * USEC_DAY)
#define SOON_PART   4 /* of its life */
#define NAME_SIZE   256U

struct chain {
    X509 *list[TLS_CHAIN_MAX];
    size_t count;
};

static void chain_done(struct chain *c) {
    for (size_t i = 0; i < c->count; i++)
        X509_free(c->list[i]);
    ERR_clear_error();
}

static int keep(void *arg, X509 *x) {
    struct chain *c = arg;
    if (c->count < TLS_CHAIN_MAX && X509_up_ref(x) == 1)
        c->list[c->count++] = x;
    return 0;
}

/* ------------------------------------------------------------------ facts */

static usec_t wall_of(const ASN1_TIME *time) {
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (usec_t)timegm(&tm) * USEC_SEC : 0;
}

/* A name of a certificate as bytes that can be shown: foreign ones may hold anything. */
static void copy_shown(char to[static NAME_SIZE], const unsigned char *from, size_t len) {
    size_t n = MIN(len, (size_t)NAME_SIZE - 1);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(from[i] > ' ' - 1 && from[i] < 0x7f ? from[i] : '?');
    to[n] = '\0';
}

static bool common_name(const X509_NAME *name, int nid, char to[static NAME_SIZE]) {
    int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0)
        return false;
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    copy_shown(to, ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
    return to[0] != '\0';
}

/* The names for which clients accept it: "a, b, c, ..." Their number. */
static unsigned host_names(const X509 *x, char *first, char *all, size_t size) {
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    unsigned count = 0, total = 0;
    size_t len = 0;
    all[0] = first[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        total += sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && count < NAMES_SHOWN; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        char name[NAME_SIZE];
        if (n->type != GEN_DNS)
            continue;
        copy_shown(name, ASN1_STRING_get0_data(n->d.dNSName),
                   (size_t)ASN1_STRING_length(n->d.dNSName));
        if (count == 0)
            (void)snprintf(first, NAME_SIZE, "%s", name);
        count++;
        int n_put = snprintf(all + len, size - len, "%s%s", count > 1 ? ", " : "", name);
        len = MIN(len + (size_t)MAX(n_put, 0), size - 1);
    }
    if (total > count)
        (void)snprintf(all + len, size - len, ", ...");
    GENERAL_NAMES_free(names);
    return total;
}

static void read_facts(const X509 *x, struct tls_certificate_facts *ret) {
    char all[NAME_SIZE];
    *ret = (struct tls_certificate_facts){
        .not_before = wall_of(X509_get0_notBefore(x)),
        .not_after = wall_of(X509_get0_notAfter(x)),
    };
    if (!common_name(X509_get_subject_name(x), NID_commonName, ret->subject))
        (void)host_names(x, ret->subject, all, sizeof all);
}

int tls_certificate_facts(struct slice chain_pem, struct tls_certificate_facts *ret) {
    struct chain c = {0};
    int r = tls_pem_each(chain_pem, keep, &c, NULL);
    if (c.count > 0)
        read_facts(c.list[0], ret);
    chain_done(&c);
    return r;
}

bool tls_certificate_ends_soon(const struct tls_certificate_facts *facts, usec_t now) {
    usec_t life = facts->not_after - facts->not_before;
    return facts->not_after - now < MIN(SOON_MOST, life / SOON_PART);
}

/* ------------------------------------------------------------------ findings */

static void add(struct tls_judgement *to, bool bad, const char *format, ...) PRINTF_LIKE(3, 4);
static void add(struct tls_judgement *to, bool bad, const char *format, ...) {
    if (to->count == TLS_FINDINGS_MAX)
        return;
    struct tls_finding *f = &to->list[to->count++];
    va_list args;
    f->bad = bad;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
}

/* Who is meant by "it" in the sentences about one of several certificates. */
static void subject_of(const X509 *x, char to[static NAME_SIZE]) {
    struct tls_certificate_facts facts;
    read_facts(x, &facts);
    if (facts.subject[0] == '\0')
        (void)common_name(X509_get_subject_name(x), NID_organizationName, facts.subject);
    (void)snprintf(to, NAME_SIZE, "%s", facts.subject);
}

static void issuer_of(const X509 *x, char to[static NAME_SIZE]) {
    const X509_NAME *name = X509_get_issuer_name(x);
    if (!common_name(name, NID_commonName, to) && !common_name(name, NID_organizationName, to))
        (void)snprintf(to, NAME_SIZE, "an authority without a name");
}

static bool is_self_signed(X509 *x) {
    return X509_self_signed(x, 0) == 1;
}

/* By itself: its texts have no place in the frame of its caller. */
__attribute__((noinline)) static void judge_times(const struct tls_chain_question *q, X509 *x,
                                                  size_t index, struct tls_judgement *to) {
    struct tls_certificate_facts f;
    char begins[TIME_TEXT_SIZE], ends[TIME_TEXT_SIZE];
    char what[NAME_SIZE + 80];
    read_facts(x, &f);
    struct slice begin = slice_first(time_format_log(f.not_before, begins), TO_SECONDS);
    struct slice end = slice_first(time_format_log(f.not_after, ends), TO_SECONDS);
    (void)snprintf(what, sizeof what,
                   index > 0 ? _("the intermediate certificate for %s")
                             : _("the certificate for %s"),
                   f.subject);
    if (f.not_after < q->now)
        add(to, true, _("%s has ended %.*s; put a new one in place of %s"), what, SLICE_ARG(end),
            q->place);
    else if (f.not_before > q->now)
        add(to, true, _("%s, %s, is not good before %.*s; is the clock of this host right?"), what,
            q->place, SLICE_ARG(begin));
    else if (tls_certificate_ends_soon(&f, q->now))
        add(to, false, _("%s ends %.*s; put a new one in place of %s"), what, SLICE_ARG(end),
            q->place);
}

static void judge_name(const struct tls_chain_question *q, X509 *leaf, struct tls_judgement *to) {
    char first[NAME_SIZE], all[NAME_SIZE * NAMES_SHOWN + 40], host[NAME_SIZE];
    if (q->host_name.len == 0 || slice_to_str(q->host_name, host, sizeof host) < 0 ||
        X509_check_host(leaf, host, 0, 0, NULL) == 1)
        return;
    if (host_names(leaf, first, all, sizeof all) == 0)
        subject_of(leaf, all);
    add(to, false,
        _("the certificate in %s is for %.200s, and not for %s: mail programs that were told that"
          " name will refuse it"),
        q->place, all, host);
}

/* ------------------------------------------------------------------ the chain */

static bool issued(X509 *issuer, X509 *subject) {
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return X509_check_issued(issuer, subject) == X509_V_OK && key && X509_verify(subject, key) == 1;
}

/* The first place where the file is no chain; one finding is enough. */
static void judge_order(const struct tls_chain_question *q, const struct chain *c,
                        struct tls_judgement *to) {
    char name[NAME_SIZE];
    for (size_t i = 0; i + 1 < c->count; i++) {
        if (issued(c->list[i + 1], c->list[i]))
            continue;
        for (size_t j = 0; j < c->count; j++) {
            if (j == i || !issued(c->list[j], c->list[i]))
                continue;
            add(to, false,
                _("the certificates in %s are in the wrong order: number %zu is signed by number "
                  "%zu,"
                  " which has to stand right behind it"),
                q->place, i + 1, j + 1);
            return;
        }
        subject_of(c->list[i + 1], name);
        add(to, false,
            _("certificate number %zu in %s, for %.100s, does not belong to the chain: it has not"
              " signed the one before; put there what your authority gives as the full chain"),
            i + 2, q->place, name);
        return;
    }
}

/* X509_V_OK, or why there is no way from the first one to an authority of the file. */
static int find_way(const struct chain *c, const char *anchors,
                    char last_issuer[static NAME_SIZE]) {
    STACK_OF(X509) *others = sk_X509_new_null();
    for (size_t i = 1; others && i < c->count; i++)
        (void)sk_X509_push(others, c->list[i]);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *way = X509_STORE_CTX_new();
    int why = X509_V_ERR_UNSPECIFIED;
    if (others && store && way && X509_STORE_load_file(store, anchors) == 1 &&
        X509_STORE_CTX_init(way, store, c->list[0], others) == 1) {
        X509_STORE_CTX_set_flags(way, X509_V_FLAG_NO_CHECK_TIME);
        (void)X509_STORE_CTX_set_purpose(way, X509_PURPOSE_SSL_SERVER);
        why = X509_verify_cert(way) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(way);
        const X509 *last = X509_STORE_CTX_get_current_cert(way);
        issuer_of(last ? last : c->list[0], last_issuer);
    }
    X509_STORE_CTX_free(way);
    X509_STORE_free(store);
    sk_X509_free(others);
    ERR_clear_error();
    return why;
}

static void judge_trust(const struct tls_chain_question *q, const struct chain *c,
                        struct tls_judgement *to) {
    char issuer[NAME_SIZE] = "";
    int why = q->anchors ? find_way(c, q->anchors, issuer) : X509_V_OK;
    switch (why) {
    case X509_V_OK:
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        add(to, false,
            _("%s: the authority \"%.100s\", where its chain ends, is not among those that this "
              "host"
              " trusts; mail programs that do not know it either will warn their users"),
            q->place, issuer);
        break;
    default:
        add(to, false, _("%s would not be trusted: %s"), q->place,
            X509_verify_cert_error_string(why));
    }
}

static void judge_chain(const struct tls_chain_question *q, const struct chain *c,
                        struct tls_judgement *to) {
    size_t before = to->count;
    if (is_self_signed(c->list[0])) {
        add(to, false,
            _("the certificate in %s is signed by itself: mail programs will warn their users; get"
              " one from an authority, for example with certbot"),
            q->place);
        return;
    }
    judge_order(q, c, to);
    if (c->count == 1 && X509_get_extension_flags(c->list[0]) & EXFLAG_CA)
        add(to, false, _("the certificate in %s is that of an authority, not that of a server"),
            q->place);
    if (to->count > before)
        return;
    judge_trust(q, c, to);
    if (c->count == 1 && (to->count > before || !q->anchors)) {
        to->count = before;
        add(to, false,
            _("%s has this host's certificate without an intermediate certificate, so many mail"
              " programs and servers will not trust it; with certbot name fullchain.pem, not "
              "cert.pem"),
            q->place);
    }
}

/* By itself: its texts have no place in the frame of its caller. */
__attribute__((noinline)) static void
write_summary(const struct tls_chain_question *q, const struct chain *c, struct tls_judgement *to) {
    struct tls_certificate_facts f;
    char end[TIME_TEXT_SIZE], until[TO_SECONDS + 1], issuer[NAME_SIZE];
    size_t others = c->count - 1;
    read_facts(c->list[0], &f);
    issuer_of(c->list[0], issuer);
    (void)snprintf(until, sizeof until, "%.*s",
                   SLICE_ARG(slice_first(time_format_log(f.not_after, end), TO_SECONDS)));
    if (is_self_signed(c->list[0]))
        (void)snprintf(to->summary, sizeof to->summary,
                       _("the certificate for %s is good until %s (%.200s)"), f.subject, until,
                       q->place);
    else
        (void)snprintf(to->summary, sizeof to->summary,
                       P_("the certificate for %s by %s with %zu intermediate is good until %s"
                          " (%.200s)",
                          "the certificate for %s by %s with %zu intermediates is good until %s"
                          " (%.200s)",
                          others),
                       f.subject, issuer, others, until, q->place);
}

/* Apart, so that only one of the two large frames stands on a fiber's stack at a time. */
__attribute__((noinline)) static void judge_all(const struct tls_chain_question *q, struct chain *c,
                                                struct tls_judgement *ret) {
    for (size_t i = 0; i < c->count; i++)
        judge_times(q, c->list[i], i, ret);
    judge_name(q, c->list[0], ret);
    judge_chain(q, c, ret);
    write_summary(q, c, ret);
}

int tls_chain_judge(const struct tls_chain_question *q, struct tls_judgement *ret,
                    struct problem *problem) {
    struct chain c = {0};
    struct problem why = {0};
    ret->count = 0;
    int r = tls_pem_each(q->chain_pem, keep, &c, &why);
    if (r == 0)
        judge_all(q, &c, ret);
    chain_done(&c);
    return r < 0 ? problem_set(problem, r, "%s: %s", q->place, why.text) : 0;
}
