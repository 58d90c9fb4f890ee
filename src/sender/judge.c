/* SPDX-License-Identifier: ISC */
/*
 * Of several authors' domains the one decides that asks for most: a failure that is to be refused,
 * a temporary error, any other failure, a pass.
 */
#include "sender/judge.h"

#include "base/alloc.h"
#include "message/address/domain.h"

struct sender_judge {
    struct arena arena;
    struct author author;
    struct dkim_verifier *dkim;
    struct arc_verifier *arc;
    int64_t now;
};

struct sender_judge *sender_judge_new(struct slice header, int64_t now) {
    struct sender_judge *j = NEW(struct sender_judge);
    struct sender_fields fields;
    j->now = now;
    j->author.form = AUTHOR_UNREADABLE;
    if (sender_fields_read(header, &j->arena, &fields) == 0)
        author_find(&fields, &j->arena, &j->author);
    j->dkim = dkim_verifier_new(header, now);
    j->arc = arc_verifier_new(header, now);
    return j;
}

void sender_judge_free(struct sender_judge *j) {
    if (!j)
        return;
    dkim_verifier_free(j->dkim);
    arc_verifier_free(j->arc);
    arena_done(&j->arena);
    free(j);
}

bool sender_judge_wants_body(const struct sender_judge *j) {
    return dkim_verifier_wants_body(j->dkim) || arc_verifier_wants_body(j->arc);
}

void sender_judge_add(struct sender_judge *j, struct slice chunk) {
    dkim_verifier_add(j->dkim, chunk);
    arc_verifier_add(j->arc, chunk);
}

/* ------------------------------------------------------------------ SPF */

static int judge_spf(const struct sender_judge *j, const struct sender_question *q, struct arena *a,
                     struct sender_verdict *ret) WAITS {
    struct spf_question spf = {
        .dns = q->dns, .client = q->client, .helo = q->helo, .host = q->host, .now = j->now};
    int r = 0;
    if (domain_canonical(a, q->helo, DOMAIN_UTF8 | DOMAIN_UNDERSCORE, &spf.domain, NULL) == 0) {
        ret->helo_name = spf.domain;
        r = spf_check(&spf, a, &ret->helo);
    }
    if (r < 0)
        return r;
    ret->mail_from = ret->helo;
    ret->mail_from_domain = ret->helo_name;
    if (q->domain.len == 0)
        return 0;
    spf.domain = ret->mail_from_domain = q->domain;
    spf.local_part = q->local_part;
    return spf_check(&spf, a, &ret->mail_from);
}

/* ------------------------------------------------------------------ DMARC */

static size_t list_identifiers(const struct sender_verdict *v, struct arena *a,
                               struct dmarc_identifier **ret) {
    struct dmarc_identifier *list = arena_array(a, v->dkim_count + 1, sizeof *list);
    size_t count = 0;
    for (size_t i = 0; i < v->dkim_count; i++) {
        const struct dkim_outcome *d = &v->dkim[i];
        struct dmarc_identifier id = {.passed = d->result == DKIM_PASS,
                                      .may_pass = d->result == DKIM_TEMPERROR};
        if (domain_canonical(a, d->domain, DOMAIN_UTF8 | DOMAIN_UNDERSCORE, &id.domain, NULL) == 0)
            list[count++] = id;
    }
    if (v->mail_from_domain.len > 0)
        list[count++] = (struct dmarc_identifier){
            .domain = v->mail_from_domain,
            .is_spf = true,
            .passed = v->mail_from.result == SPF_PASS,
            .may_pass = v->mail_from.result == SPF_TEMPERROR,
        };
    *ret = list;
    return count;
}

static unsigned weight(const struct dmarc_outcome *o) {
    switch (o->result) {
    case DMARC_FAIL:
        return o->policy == DMARC_POLICY_REJECT ? 6 : 3 + (unsigned)o->policy;
    case DMARC_TEMPERROR:
        return 5;
    case DMARC_PASS:
        return 2;
    case DMARC_NONE:
    case DMARC_PERMERROR:
        break;
    }
    return 1;
}

static int judge_dmarc(const struct sender_judge *j, const struct sender_question *q,
                       struct arena *a, struct sender_verdict *ret) WAITS {
    struct dmarc_identifier *identifiers;
    size_t count = list_identifiers(ret, a, &identifiers);
    ret->dmarc = arena_array(a, ret->author.count, sizeof *ret->dmarc);
    for (size_t i = 0; i < ret->author.count; i++) {
        int r = dmarc_check(q->dns, arena_copy(a, j->author.domains[i]), identifiers, count, a,
                            &ret->dmarc[i]);
        if (r < 0)
            return r;
        ret->dmarc_count = i + 1;
        if (!ret->decides || weight(&ret->dmarc[i]) > weight(ret->decides))
            ret->decides = &ret->dmarc[i];
    }
    return 0;
}

int sender_judge_end(struct sender_judge *j, const struct sender_question *question,
                     struct arena *a, struct sender_verdict *ret) {
    *ret = (struct sender_verdict){.author = j->author};
    for (size_t i = 0; i < ret->author.count; i++)
        ret->author.domains[i] = arena_copy(a, j->author.domains[i]);
    int r = iprev_check(question->dns, question->client, a, &ret->iprev);
    if (r == 0)
        r = judge_spf(j, question, a, ret);
    if (r == 0)
        r = dkim_verifier_end(j->dkim, question->dns, a, &ret->dkim, &ret->dkim_count);
    if (r == 0)
        r = arc_verifier_end(j->arc, question->dns, a, &ret->arc);
    return r < 0 ? r : judge_dmarc(j, question, a, ret);
}
