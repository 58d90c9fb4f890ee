/* SPDX-License-Identifier: ISC */
#include "sender/dkim/dkim_claim.h"

#include <errno.h>

#include "base/words.h"
#include "message/address/domain.h"
#include "sender/dkim/dkim_key.h"

#define KEYS_MAX 4U /* records beside each other that are tried */

static void decide(struct dkim_outcome *out, enum dkim_result result, const char *why) {
    out->result = result;
    out->why = why;
}

/* The name is of A-labels in DNS, whatever a signature has (RFC 8616 §3). */
static bool key_name(const struct dkim_claim *claim, struct arena *a, struct slice *ret) {
    struct slice domain;
    if (domain_canonical(a, claim->domain, DOMAIN_UTF8 | DOMAIN_UNDERSCORE, &domain, NULL) < 0)
        return false;
    *ret = arena_printf(a, "%.*s._domainkey.%.*s", SLICE_ARG(claim->selector), SLICE_ARG(domain));
    return true;
}

static const char *judge_key(const struct dkim_claim *claim, const struct dkim_key *k) {
    struct slice identity = claim->identity;
    if (k->type != (claim->algorithm == DKIM_RSA_SHA256 ? DKIM_RSA : DKIM_ED25519))
        return N_("the key is of another algorithm");
    if (k->same_only && identity.len > claim->domain.len &&
        identity.ptr[identity.len - claim->domain.len - 1] != '@')
        return N_("the key is for its domain alone, and i= is below it");
    return NULL;
}

static void try_key(const struct dkim_claim *claim, struct slice record, struct dkim_outcome *out) {
    struct dkim_key key;
    bool is_policy;
    const char *why = dkim_key_read(record, &key, &is_policy);
    out->bits = key.bits;
    out->testing = key.testing;
    if (why) {
        decide(out, is_policy ? DKIM_POLICY : DKIM_PERMERROR, why);
        return;
    }
    why = judge_key(claim, &key);
    if (why)
        decide(out, DKIM_PERMERROR, why);
    else if (dkim_key_verifies(&key, claim->signature, claim->digest))
        decide(out, DKIM_PASS, NULL);
    else
        decide(out, DKIM_FAIL, N_("the header is not what was signed"));
    dkim_key_done(&key);
}

int dkim_claim_check(const struct dkim_claim *claim, const struct dns_client *dns, struct arena *a,
                     struct dkim_outcome *ret) {
    struct dns_answer answer;
    struct slice name;
    if (!key_name(claim, a, &name)) {
        decide(ret, DKIM_PERMERROR, N_("its d= is no domain"));
        return 0;
    }
    int r = dns->query(dns->arg, name, DNS_TXT, a, &answer);
    if (r == -ECANCELED)
        return r;
    decide(ret, DKIM_PERMERROR, N_("there is no such key"));
    if (r == -E_SYNTAX || (r == 0 && (answer.code == DNS_NXDOMAIN || answer.code == DNS_NODATA)))
        return 0;
    if (r < 0 || answer.code != DNS_OK) {
        decide(ret, DKIM_TEMPERROR, r < 0 ? N_("DNS cannot be asked") : dns_code_text(answer.code));
        ret->name = name;
        return 0;
    }
    for (size_t i = 0, tried = 0; i < answer.count && tried < KEYS_MAX && ret->result != DKIM_PASS;
         i++) {
        if (!dkim_key_is(answer.records[i].bytes))
            continue;
        tried++;
        try_key(claim, answer.records[i].bytes, ret);
    }
    return 0;
}
