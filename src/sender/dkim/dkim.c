/* SPDX-License-Identifier: ISC */
#include "sender/dkim/dkim.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/words.h"
#include "sender/dkim/dkim_body.h"
#include "sender/dkim/dkim_claim.h"
#include "sender/dkim/dkim_signature.h"

#define B_LEN 12U /* of b=, in results: eight tell signatures apart mostly (RFC 6008 §4) */

struct body_form {
    struct dkim_body *hashing;
    bool relaxed;
    uint64_t length, beyond;
    bool too_short; /* for the length */
    unsigned char hash[DIGEST_LEN];
};

struct one {
    const struct sender_field *field;
    struct dkim_signature signature;
    struct dkim_outcome outcome;
    struct body_form *body; /* NULL: what there is to say of it is said */
};

struct dkim_verifier {
    struct arena arena;
    struct sender_fields fields;
    int64_t now;
    struct one all[DKIM_SIGNATURES_MAX];
    size_t count;
    struct body_form forms[DKIM_SIGNATURES_MAX];
    size_t form_count;
};

const char *dkim_result_name(enum dkim_result result) {
    static const char *const names[] = {"none",    "pass",      "fail",     "policy",
                                        "neutral", "temperror", "permerror"};
    return names[result];
}

const char *dkim_algorithm_name(enum dkim_algorithm algorithm) {
    static const char *const names[] = {"", "rsa-sha256", "ed25519-sha256", "rsa-sha1"};
    return names[algorithm];
}

/* ------------------------------------------------------------------ beginning */

static struct body_form *form_for(struct dkim_verifier *v, const struct dkim_signature *s) {
    for (size_t i = 0; i < v->form_count; i++)
        if (v->forms[i].relaxed == s->relaxed_body && v->forms[i].length == s->length)
            return &v->forms[i];
    struct body_form *form = &v->forms[v->form_count++];
    *form = (struct body_form){.relaxed = s->relaxed_body, .length = s->length};
    form->hashing = dkim_body_new(form->relaxed, form->length);
    return form;
}

/* What is known before the body has come. */
static void begin_one(struct dkim_verifier *v, struct one *o) {
    struct dkim_outcome *out = &o->outcome;
    out->why = dkim_signature_read(o->field, false, &v->arena, &o->signature, &out->result);
    out->domain = o->signature.domain;
    out->selector = o->signature.selector;
    out->identity = o->signature.identity;
    out->algorithm = o->signature.algorithm;
    out->b = slice_first(o->signature.signature_text, B_LEN);
    if (out->why)
        return;
    out->result = DKIM_POLICY;
    if (o->signature.algorithm == DKIM_RSA_SHA1)
        out->why = N_("rsa-sha1 counts no more (RFC 8301)");
    else if (o->signature.made > v->now + DKIM_DRIFT)
        out->why = N_("it was made in the future");
    else if (o->signature.expires >= 0 && o->signature.expires < v->now)
        out->why = N_("it has expired");
    else
        o->body = form_for(v, &o->signature);
}

struct dkim_verifier *dkim_verifier_new(struct slice header, int64_t now) {
    struct dkim_verifier *v = NEW(struct dkim_verifier);
    size_t first = 0, count = 0;
    v->now = now;
    if (sender_fields_read(header, &v->arena, &v->fields) == 0)
        count = sender_fields_find(&v->fields, S("DKIM-Signature"), &first);
    for (; v->count < MIN(count, (size_t)DKIM_SIGNATURES_MAX); v->count++) {
        v->all[v->count].field = &v->fields.list[v->fields.by_name[first + v->count]];
        begin_one(v, &v->all[v->count]);
    }
    return v;
}

void dkim_verifier_free(struct dkim_verifier *v) {
    if (!v)
        return;
    for (size_t i = 0; i < v->form_count; i++)
        dkim_body_free(v->forms[i].hashing);
    arena_done(&v->arena);
    free(v);
}

bool dkim_verifier_wants_body(const struct dkim_verifier *v) {
    return v->form_count > 0;
}

void dkim_verifier_add(struct dkim_verifier *v, struct slice chunk) {
    for (size_t i = 0; i < v->form_count; i++)
        dkim_body_add(v->forms[i].hashing, chunk);
}

/* ------------------------------------------------------------------ the end */

static int end_one(struct dkim_verifier *v, struct one *o, const struct dns_client *dns,
                   struct arena *a) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    unsigned char digest[DIGEST_LEN];
    if (!slice_eq(o->signature.body_hash, slice_of(o->body->hash, DIGEST_LEN))) {
        o->outcome.result = DKIM_FAIL;
        o->outcome.why = N_("the body is not what was signed");
        return 0;
    }
    if (o->body->too_short) {
        o->outcome.result = DKIM_PERMERROR;
        o->outcome.why = N_("its l= is more than the body has");
        return 0;
    }
    dkim_signed_header(&v->fields, o->field, &o->signature, &text);
    digest_of(buf_slice(&text), digest);
    const struct dkim_claim claim = {
        .algorithm = o->signature.algorithm,
        .domain = o->signature.domain,
        .selector = o->signature.selector,
        .identity = o->signature.identity,
        .signature = o->signature.signature,
        .digest = digest,
    };
    int r = dkim_claim_check(&claim, dns, a, &o->outcome);
    if (r == 0 && o->outcome.result == DKIM_PASS && o->body->beyond > 0) {
        o->outcome.result = DKIM_POLICY;
        o->outcome.why = N_("it leaves out the end of the body (l=)");
    }
    return r;
}

int dkim_verifier_end(struct dkim_verifier *v, const struct dns_client *dns, struct arena *a,
                      struct dkim_outcome **ret, size_t *ret_count) {
    struct dkim_outcome *list = arena_array(a, v->count, sizeof *list);
    for (size_t i = 0; i < v->form_count; i++) {
        struct body_form *form = &v->forms[i];
        form->too_short = !dkim_body_end(form->hashing, form->hash, &form->beyond);
    }
    for (size_t i = 0; i < v->count; i++) {
        struct one *o = &v->all[i];
        int r = o->body ? end_one(v, o, dns, a) : 0;
        if (r < 0)
            return r;
        list[i] = o->outcome;
    }
    for (size_t i = 0; i < v->count; i++) { /* what they say stays when this goes */
        struct slice *own[] = {&list[i].domain, &list[i].selector, &list[i].identity, &list[i].b};
        for (size_t k = 0; k < ARRAY_SIZE(own); k++)
            *own[k] = arena_copy(a, *own[k]);
    }
    *ret = list;
    *ret_count = v->count;
    return 0;
}
