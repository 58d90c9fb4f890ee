/* SPDX-License-Identifier: ISC */
/*
 * The signature of the newest set is looked at first, since most chains break there, then the seals
 * from the newest to the oldest (§5.2).
 */
#include "sender/arc/arc.h"

#include "base/alloc.h"
#include "base/words.h"
#include "sender/arc/arc_sets.h"
#include "sender/dkim/dkim_claim.h"

struct arc_verifier {
    struct arena arena;
    struct sender_fields fields;
    struct arc_sets sets;
    struct dkim_body *body; /* NULL: what there is to say is said */
    const char *why;
    unsigned instance;
};

const char *arc_result_name(enum arc_result result) {
    static const char *const names[] = {"none", "pass", "fail", "temperror"};
    return names[result];
}

/* ------------------------------------------------------------------ while it comes */

static const char *read_newest(struct arc_verifier *v, int64_t now) {
    struct arc_fields *last = &v->sets.list[v->sets.count - 1];
    struct dkim_signature *s = &last->signature;
    enum dkim_result result;
    v->instance = (unsigned)v->sets.count;
    const char *why = dkim_signature_read(last->message, true, &v->arena, s, &result);
    if (why)
        return why;
    if (s->algorithm == DKIM_RSA_SHA1)
        return N_("rsa-sha1 counts no more (RFC 8301)");
    for (struct slice rest = s->names, name; slice_next(&rest, ':', &name);)
        if (slice_eq_nocase(name, S("ARC-Seal"))) /* §4.1.2 */
            return N_("the signature of a set is over a seal");
    if (s->expires >= 0 && s->expires < now)
        return N_("it has expired");
    v->body = dkim_body_new(s->relaxed_body, s->length);
    return NULL;
}

struct arc_verifier *arc_verifier_new(struct slice header, int64_t now) {
    struct arc_verifier *v = NEW(struct arc_verifier);
    if (sender_fields_read(header, &v->arena, &v->fields) < 0)
        return v; /* as a message without a chain: nobody can tell */
    v->why = arc_sets_read(&v->fields, &v->arena, &v->sets, &v->instance);
    if (!v->why && v->sets.count > 0)
        v->why = read_newest(v, now);
    return v;
}

void arc_verifier_free(struct arc_verifier *v) {
    if (!v)
        return;
    dkim_body_free(v->body);
    arena_done(&v->arena);
    free(v);
}

bool arc_verifier_wants_body(const struct arc_verifier *v) {
    return v->body != NULL;
}

void arc_verifier_add(struct arc_verifier *v, struct slice chunk) {
    if (v->body)
        dkim_body_add(v->body, chunk);
}

/* ------------------------------------------------------------------ the end */

struct ending {
    const struct dns_client *dns;
    struct arena *arena;
    struct arc_outcome *out;
};

/* 1: it is right; 0: the outcome says what not; -ECANCELED. */
static int check_claim(struct ending *e, const struct dkim_signature *s,
                       const unsigned char *digest, const char *why, size_t instance) WAITS {
    struct dkim_outcome o = {0};
    const struct dkim_claim claim = {.algorithm = s->algorithm,
                                     .domain = s->domain,
                                     .selector = s->selector,
                                     .signature = s->signature,
                                     .digest = digest};
    int r = dkim_claim_check(&claim, e->dns, e->arena, &o);
    if (r < 0 || o.result == DKIM_PASS)
        return r < 0 ? r : 1;
    e->out->result = o.result == DKIM_TEMPERROR ? ARC_TEMPERROR : ARC_FAIL;
    e->out->why = o.result == DKIM_FAIL ? why : o.why;
    e->out->name = o.name;
    e->out->instance = (unsigned)instance;
    return 0;
}

static int check_newest(struct arc_verifier *v, struct ending *e) WAITS {
    const struct arc_fields *last = &v->sets.list[v->sets.count - 1];
    _cleanup_(buf_done) struct buf text = {0};
    unsigned char hash[DIGEST_LEN];
    uint64_t beyond;
    const bool whole = dkim_body_end(v->body, hash, &beyond) && beyond == 0;
    if (!whole || !slice_eq(last->signature.body_hash, slice_of(hash, sizeof hash))) {
        e->out->result = ARC_FAIL;
        e->out->why = N_("the body is not what was signed");
        e->out->instance = (unsigned)v->sets.count;
        return 0;
    }
    dkim_signed_header(&v->fields, last->message, &last->signature, &text);
    digest_of(buf_slice(&text), hash);
    return check_claim(e, &last->signature, hash, N_("the header is not what was signed"),
                       v->sets.count);
}

static void tell_sets(struct arc_verifier *v, struct ending *e) {
    struct arc_outcome *out = e->out;
    out->sets = arena_array(e->arena, v->sets.count, sizeof *out->sets);
    for (; out->count < v->sets.count; out->count++) {
        const struct arc_fields *f = &v->sets.list[out->count];
        struct slice results = S("");
        unsigned instance;
        (void)arc_results_read(f->results->value, e->arena, &instance, &results);
        out->sets[out->count] = (struct arc_set){arena_copy(e->arena, f->sealed.domain),
                                                 arena_copy(e->arena, f->sealed.selector),
                                                 arena_copy(e->arena, results)};
    }
}

int arc_verifier_end(struct arc_verifier *v, const struct dns_client *dns, struct arena *a,
                     struct arc_outcome *ret) {
    struct ending e = {dns, a, ret};
    *ret = (struct arc_outcome){.why = v->why, .instance = v->instance};
    if (v->why) {
        ret->result = ARC_FAIL;
        return 0;
    }
    ret->instance = 0;
    if (v->sets.count == 0)
        return 0;
    unsigned char(*digests)[DIGEST_LEN] = arena_array(a, v->sets.count, DIGEST_LEN);
    int r = check_newest(v, &e);
    if (r > 0)
        arc_sealed_digests(&v->sets, digests);
    for (size_t i = v->sets.count; r > 0 && i > 0; i--)
        r = check_claim(&e, &v->sets.list[i - 1].sealed, digests[i - 1],
                        N_("the sets are not what was sealed"), i);
    if (r <= 0)
        return r;
    ret->result = ARC_PASS;
    tell_sets(v, &e);
    return 0;
}
