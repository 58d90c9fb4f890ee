/* SPDX-License-Identifier: ISC */
/*
 * One walk up from the author's domain finds its record, that of its organization and that of the
 * public suffix above (§4.10.1). Another one is made for each identifier that could be aligned only
 * by its organization; names that have been asked are remembered, so they cost little.
 *
 * If DNS fails above the author's domain, and that has a record itself, the policy is known: only
 * what could be aligned by an organization cannot be told then.
 */
#include "sender/dmarc/dmarc.h"

#include <errno.h>

#include "base/words.h"

/* What a walk has found at one name. */
struct found {
    struct slice name, text;
    struct dmarc_record record;
};

struct walk {
    struct found found[DMARC_QUERIES_MAX]; /* from the longest name to the shortest */
    size_t count;
    struct slice start;
};

struct check {
    const struct dns_client *dns;
    struct arena *arena;
    struct dmarc_outcome *out;
};

const char *dmarc_result_name(enum dmarc_result result) {
    static const char *const names[] = {"none", "pass", "fail", "temperror", "permerror"};
    return names[result];
}

/* ------------------------------------------------------------------ the tree walk */

static size_t count_labels(struct slice name) {
    struct slice label;
    size_t count = 0;
    while (slice_next(&name, '.', &label))
        count++;
    return count;
}

static struct slice without_first_label(struct slice name) {
    ssize_t dot = slice_find_byte(name, '.');
    return dot < 0 ? S("") : slice_from(name, (size_t)dot + 1);
}

/* Of several records none counts. 1: there is one; 0; an error, after which the walk is over. */
static int look_up(struct check *c, struct slice name, struct found *ret) WAITS {
    struct dns_answer answer;
    unsigned found = 0;
    struct slice asked = arena_printf(c->arena, "_dmarc.%.*s", SLICE_ARG(name));
    int r = c->dns->query(c->dns->arg, asked, DNS_TXT, c->arena, &answer);
    if (r == -ECANCELED)
        return r;
    if (r == -E_SYNTAX) /* too long a name for DNS */
        return 0;
    if (r < 0 || answer.code > DNS_NODATA) {
        c->out->name = asked;
        c->out->why = r < 0 ? N_("DNS cannot be asked") : dns_code_text(answer.code);
        return -E_TEMPORARY;
    }
    for (size_t i = 0; i < answer.count; i++)
        if (dmarc_record_is(answer.records[i].bytes)) {
            ret->text = answer.records[i].bytes;
            found++;
        }
    if (found != 1)
        return 0;
    ret->name = name;
    dmarc_record_read(ret->text, c->arena, &ret->record);
    return 1;
}

static int walk_from(struct check *c, struct slice domain, struct walk *w) WAITS {
    struct slice name = domain;
    *w = (struct walk){.start = domain};
    while (name.len > 0) {
        struct found *found = &w->found[w->count];
        int r = look_up(c, name, found);
        if (r < 0)
            return r;
        w->count += (size_t)r;
        if (r > 0 && found->record.psd != DMARC_PSD_UNKNOWN)
            return 0;
        bool first = name.ptr == domain.ptr;
        name = without_first_label(name);
        while (first && count_labels(name) > DMARC_QUERIES_MAX - 1)
            name = without_first_label(name);
    }
    return 0;
}

/* §4.10.2 */
static struct slice organization_of(const struct walk *w) {
    for (size_t i = 0; i < w->count; i++) {
        const struct found *f = &w->found[i];
        if (f->record.psd == DMARC_PSD_NO)
            return f->name;
        if (f->record.psd == DMARC_PSD_YES && f->name.ptr != w->start.ptr) {
            struct slice below = w->start;
            while (count_labels(below) > count_labels(f->name) + 1)
                below = without_first_label(below);
            return below;
        }
    }
    return w->count > 0 ? w->found[w->count - 1].name : w->start;
}

/* The record that counts for the domain where the walk began: its own, that of its organization, or
 * that of the public suffix (§4.10.1). NULL: none. */
static const struct found *policy_of(const struct walk *w, struct slice organization) {
    for (size_t i = 0; i < w->count; i++)
        if (w->found[i].name.ptr == w->start.ptr || dns_name_same(w->found[i].name, organization))
            return &w->found[i];
    for (size_t i = 0; i < w->count; i++)
        if (w->found[i].record.psd == DMARC_PSD_YES)
            return &w->found[i];
    return NULL;
}

/* ------------------------------------------------------------------ alignment */

static struct slice last_label(struct slice name) {
    ssize_t dot = slice_rfind_byte(name, '.');
    return slice_from(name, (size_t)(dot + 1));
}

/* Of a question whose failure changes nothing. */
static void forget_trouble(struct check *c) {
    c->out->why = NULL;
    c->out->name = S("");
}

/* 1: it is aligned; 0; an error. */
static int is_aligned(struct check *c, const struct dmarc_identifier *id) WAITS {
    struct walk *w = ARENA_NEW(c->arena, struct walk);
    const struct dmarc_record *record = &c->out->record;
    if (dns_name_same(id->domain, c->out->domain))
        return 1;
    if (id->is_spf ? record->strict_spf : record->strict_dkim)
        return 0;
    /* An organization is a suffix of all that belongs to it. */
    struct slice own = c->out->organization;
    if (own.len == 0)
        return dns_name_same(last_label(id->domain), last_label(c->out->domain)) ? -E_TEMPORARY : 0;
    if (!slice_ends_nocase(id->domain, own) ||
        (id->domain.len > own.len && id->domain.ptr[id->domain.len - own.len - 1] != '.'))
        return 0;
    int r = walk_from(c, id->domain, w);
    return r < 0 ? r : dns_name_same(organization_of(w), own);
}

/* Passed identifiers come first: if one of them is aligned, nobody is asked about the others. */
static int align(struct check *c, const struct dmarc_identifier *identifiers, size_t count) WAITS {
    bool later = false, may_pass = false;
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++) {
            const struct dmarc_identifier *id = &identifiers[i];
            bool *aligned = id->is_spf ? &c->out->spf_aligned : &c->out->dkim_aligned;
            if ((round == 0 ? !id->passed : id->passed || !id->may_pass) || *aligned)
                continue;
            int r = is_aligned(c, id);
            if (r == -ECANCELED)
                return r;
            later |= r == -E_TEMPORARY;
            *aligned |= round == 0 && r == 1;
            may_pass |= round == 1 && r == 1;
        }
        if (c->out->dkim_aligned || c->out->spf_aligned) {
            c->out->result = DMARC_PASS;
            forget_trouble(c);
            return 0;
        }
    }
    c->out->result = later || may_pass ? DMARC_TEMPERROR : DMARC_FAIL;
    if (!later)
        forget_trouble(c);
    if (may_pass && !later)
        c->out->why = N_("DNS failed for what might have passed");
    return 0;
}

/* ------------------------------------------------------------------ the policy */

/* Whether there is the name at all, for np= (§4.7). */
static int ask_exists(struct check *c, const struct dmarc_record *record) WAITS {
    struct dns_answer answer;
    c->out->exists = true;
    if (record->np == record->sp) /* it makes no difference */
        return 0;
    int r = c->dns->query(c->dns->arg, c->out->domain, DNS_MX, c->arena, &answer);
    if (r == -ECANCELED)
        return r;
    c->out->exists = r < 0 || answer.code != DNS_NXDOMAIN;
    return 0;
}

static int take_policy(struct check *c, const struct walk *w) WAITS {
    struct dmarc_outcome *out = c->out;
    const struct found *f = policy_of(w, out->organization);
    if (!f || !f->record.has_policy)
        return 0;
    out->found_at = f->name;
    out->text = f->text;
    out->record = f->record;
    bool own = dns_name_same(f->name, out->domain);
    int r = own ? 0 : ask_exists(c, &f->record);
    if (r < 0)
        return r;
    out->published = own ? f->record.p : out->exists ? f->record.sp : f->record.np;
    bool less = f->record.testing && out->published > DMARC_POLICY_NONE;
    out->policy = (enum dmarc_policy)((unsigned)out->published - less);
    return 1;
}

int dmarc_check(const struct dns_client *dns, struct slice domain,
                const struct dmarc_identifier *identifiers, size_t count, struct arena *a,
                struct dmarc_outcome *ret) {
    struct check c = {dns, a, ret};
    struct walk *w = ARENA_NEW(a, struct walk);
    *ret = (struct dmarc_outcome){.domain = domain, .exists = true};
    int r = walk_from(&c, domain, w);
    if (r == 0) {
        ret->organization = organization_of(w);
    } else if (r != -E_TEMPORARY || w->count == 0 || w->found[0].name.ptr != domain.ptr) {
        ret->result = DMARC_TEMPERROR;
        return r == -E_TEMPORARY ? 0 : r;
    } /* else its own record counts whatever stands above, and the organization is not known */
    r = take_policy(&c, w);
    if (r == 0)
        forget_trouble(&c);
    return r <= 0 ? r : align(&c, identifiers, count);
}
