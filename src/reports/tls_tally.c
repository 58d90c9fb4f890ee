/* SPDX-License-Identifier: ISC */
#include "reports/tls_tally.h"

#include "base/alloc.h"
#include "base/map.h"

#define STRINGS_MAX 200U /* lines of a policy */

struct counted {
    struct tlsrpt_policy policy;
    struct slice text;
    unsigned failures;
};

/* A domain on a day. */
struct entry {
    struct slice key; /* "20600 example.net" */
    struct slice domain;
    usec_t day;
    struct arena memory;
    struct counted policies[TLS_TALLY_POLICIES];
    unsigned count;
};

struct tls_tally {
    struct map entries;
};

struct tls_tally *tls_tally_new(void) {
    return NEW(struct tls_tally);
}

static void entry_free(struct entry *e) {
    arena_done(&e->memory);
    free(e);
}

void tls_tally_free(struct tls_tally *t) {
    struct map_entry *e;
    size_t at = 0;
    if (!t)
        return;
    while ((e = map_next(&t->entries, &at)))
        entry_free(e->value);
    map_done(&t->entries);
    free(t);
}

/* ------------------------------------------------------------------ adding */

static struct entry *find_entry(struct tls_tally *t, struct slice domain, usec_t day) {
    _cleanup_(buf_done) struct buf key = {0};
    buf_printf(&key, "%lld %.*s", (long long)day, SLICE_ARG(domain));
    (void)slice_lower(buf_slice(&key), key.ptr);
    struct entry *e = map_get(&t->entries, buf_slice(&key));
    if (e || t->entries.count >= TLS_TALLY_DOMAINS)
        return e;
    e = NEW(struct entry);
    e->key = arena_copy(&e->memory, buf_slice(&key));
    e->domain = arena_lower(&e->memory, domain);
    e->day = day;
    (void)map_put(&t->entries, e->key, e);
    return e;
}

static struct counted *find_policy(struct entry *e, const struct tls_session *s) {
    for (unsigned i = 0; i < e->count; i++)
        if (slice_eq(e->policies[i].policy.type, s->policy) &&
            slice_eq(e->policies[i].text, s->strings))
            return &e->policies[i];
    if (e->count == TLS_TALLY_POLICIES)
        return NULL;
    struct counted *c = &e->policies[e->count++];
    c->policy.type = arena_copy(&e->memory, s->policy);
    c->policy.domain = e->domain;
    c->text = arena_copy(&e->memory, s->strings);
    return c;
}

static void add_failure(struct entry *e, struct counted *c, const struct tls_session *s) {
    struct tlsrpt_failure **end = &c->policy.failures;
    for (; *end; end = &(*end)->next) {
        struct tlsrpt_failure *f = *end;
        if (slice_eq(f->type, s->result) && slice_eq(f->mx, s->host) &&
            slice_eq(f->receiving_ip, s->address)) {
            f->sessions++;
            return;
        }
    }
    if (c->failures == TLS_TALLY_FAILURES)
        return;
    c->failures++;
    *end = ARENA_NEW(&e->memory, struct tlsrpt_failure);
    **end = (struct tlsrpt_failure){.type = arena_copy(&e->memory, s->result),
                                    .mx = arena_copy(&e->memory, s->host),
                                    .receiving_ip = arena_copy(&e->memory, s->address),
                                    .reason = arena_copy(&e->memory, s->reason),
                                    .sessions = 1};
}

void tls_tally_add(struct tls_tally *t, struct slice domain, usec_t wall,
                   const struct tls_session *session) {
    struct entry *e = find_entry(t, domain, wall / USEC_DAY);
    struct counted *c = e ? find_policy(e, session) : NULL;
    if (!c)
        return;
    if (session->result.len == 0) {
        c->policy.succeeded++;
        return;
    }
    c->policy.failed++;
    add_failure(e, c, session);
}

/* ------------------------------------------------------------------ taking */

/* The lines of a policy, and the hosts among them. */
static void split(struct tlsrpt_policy *p, struct slice text, struct arena *a) {
    struct slice line;
    p->strings = arena_array(a, STRINGS_MAX, sizeof *p->strings);
    p->mx = arena_array(a, STRINGS_MAX, sizeof *p->mx);
    while (text.len > 0 && slice_next(&text, '\n', &line) && p->string_count < STRINGS_MAX) {
        if (line.len == 0)
            continue;
        p->strings[p->string_count++] = arena_copy(a, line);
        if (slice_starts(line, S("mx: ")))
            p->mx[p->mx_count++] = arena_copy(a, slice_from(line, 4));
    }
}

static struct tlsrpt_failure *copy_failures(const struct tlsrpt_failure *f, struct arena *a) {
    struct tlsrpt_failure *first = NULL, **end = &first;
    for (; f; f = f->next) {
        *end = ARENA_NEW(a, struct tlsrpt_failure);
        **end = (struct tlsrpt_failure){.type = arena_copy(a, f->type),
                                        .mx = arena_copy(a, f->mx),
                                        .receiving_ip = arena_copy(a, f->receiving_ip),
                                        .reason = arena_copy(a, f->reason),
                                        .sessions = f->sessions};
        end = &(*end)->next;
    }
    return first;
}

bool tls_tally_take(struct tls_tally *t, usec_t wall, struct arena *a, struct slice *ret_domain,
                    struct tlsrpt_report *ret) {
    struct map_entry *m;
    struct entry *e = NULL;
    size_t at = 0;
    while (!e && (m = map_next(&t->entries, &at)))
        if (((struct entry *)m->value)->day < wall / USEC_DAY)
            e = m->value;
    if (!e)
        return false;
    (void)map_remove(&t->entries, e->key);
    *ret_domain = arena_copy(a, e->domain);
    *ret = (struct tlsrpt_report){.begin = e->day * USEC_DAY,
                                  .end = (e->day + 1) * USEC_DAY - USEC_SEC};
    struct tlsrpt_policy **end = &ret->policies;
    for (unsigned i = 0; i < e->count; i++) {
        struct tlsrpt_policy *p = *end = ARENA_NEW(a, struct tlsrpt_policy);
        *p = e->policies[i].policy;
        p->type = arena_copy(a, p->type);
        p->domain = *ret_domain;
        p->failures = copy_failures(p->failures, a);
        split(p, e->policies[i].text, a);
        end = &p->next;
    }
    entry_free(e);
    return true;
}
