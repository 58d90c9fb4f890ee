/* SPDX-License-Identifier: ISC */
/*
 * The terms of a record are evaluated one after the other, and the first mechanism that matches
 * decides. An include goes into another record, at most as often as DNS may be asked. NO_MATCH is
 * what a mechanism says that does not decide.
 */
#include "sender/spf/spf.h"

#include <errno.h>

#include "base/words.h"
#include "sender/spf/spf_macro.h"
#include "sender/spf/spf_record.h"

#define NO_MATCH ((enum spf_result)(SPF_PERMERROR + 1))

struct check {
    const struct spf_question *q;
    struct arena *arena;
    struct spf_outcome *out;
    unsigned lookups, voids;
    int stopped;              /* -ECANCELED */
    struct slice client_name; /* %{p}; empty: not asked yet */
    struct slice via;         /* the includes and redirects on the way here, a blank behind each */
    unsigned includes;        /* of them */
};

/* A record that is evaluated. */
struct place {
    struct slice domain;
    struct spf_record record;
};

const char *spf_result_name(enum spf_result result) {
    static const char *const names[] = {"none",     "neutral",   "pass",     "fail",
                                        "softfail", "temperror", "permerror"};
    return names[result];
}

static enum spf_result permerror(struct check *c, const char *problem) {
    c->out->problem = problem;
    return SPF_PERMERROR;
}

/* What decides, and the way to it. */
static void note_term(struct check *c, struct slice text) {
    c->out->term =
        slice_trim(arena_printf(c->arena, "%.*s%.*s", SLICE_ARG(c->via), SLICE_ARG(text)));
}

/* ------------------------------------------------------------------ DNS */

/* SPF_PASS with records (maybe none), or SPF_TEMPERROR. */
static enum spf_result ask(struct check *c, struct slice name, uint16_t type,
                           struct dns_answer *ret) WAITS {
    int r = c->stopped ? c->stopped : c->q->dns->query(c->q->dns->arg, name, type, c->arena, ret);
    if (r == -E_SYNTAX) {
        *ret = (struct dns_answer){.code = DNS_NXDOMAIN, .type = type};
        return SPF_PASS;
    }
    if (r == -ECANCELED)
        c->stopped = r;
    if (r == 0 && ret->code <= DNS_NODATA)
        return SPF_PASS;
    c->out->problem = r == 0 ? dns_code_text(ret->code) : N_("DNS cannot be asked");
    c->out->name = name;
    return SPF_TEMPERROR;
}

static struct spf_macro_values values_at(const struct check *c, struct slice domain) {
    const struct spf_question *q = c->q;
    return (struct spf_macro_values){
        .client = q->client,
        .local_part = q->local_part.len > 0 ? q->local_part : S("postmaster"),
        .sender_domain = q->domain,
        .domain = domain,
        .client_name = c->client_name,
        .helo = q->helo,
        .host = q->host,
        .now = q->now,
    };
}

/* Of a question whose failure changes nothing. */
static void forget_trouble(struct check *c) {
    c->out->problem = NULL;
    c->out->name = S("");
}

/* Whether one of the addresses in an answer is the client, up to so many bits. */
static bool has_client(const struct check *c, const struct dns_answer *answer, unsigned bits4,
                       unsigned bits6) {
    bool v4 = c->q->client->any.sa_family == AF_INET;
    for (size_t i = 0; i < answer->count; i++) {
        struct net_range range = {.bits = v4 ? bits4 : bits6};
        if (net_from_bytes(answer->records[i].bytes, 0, &range.base) == 0 &&
            net_range_has(&range, c->q->client))
            return true;
    }
    return false;
}

static uint16_t address_type(const struct check *c) {
    return c->q->client->any.sa_family == AF_INET ? DNS_A : DNS_AAAA;
}

/* A term has found nothing at all. */
static enum spf_result note_void(struct check *c, enum spf_result result) {
    if (++c->voids > SPF_VOIDS_MAX)
        return permerror(c, N_("more than two of its terms name what does not exist"));
    return result;
}

/* ------------------------------------------------------------------ the client's name */

/* Which of two names of the client says more of a domain: it, one below it, or another (§7.3). */
static unsigned nearness(struct slice name, struct slice domain) {
    if (dns_name_same(name, domain))
        return 2;
    return name.len > domain.len && name.ptr[name.len - domain.len - 1] == '.' &&
           slice_ends_nocase(name, domain);
}

/*
 * The name of the client that is the nearest to a domain, among those that lead back to it (§5.5).
 * An error of DNS for a name passes it over; for all of them there is none. `ret_near` is its
 * nearness, 0 also if there is none. False: there is no PTR record, which is a void look-up.
 */
static bool find_name(struct check *c, struct slice domain, struct slice *ret,
                      unsigned *ret_near) WAITS {
    struct dns_answer names, addresses;
    struct slice bytes = c->q->client->any.sa_family == AF_INET
                             ? slice_of(&c->q->client->in.sin_addr, 4)
                             : slice_of(&c->q->client->in6.sin6_addr, 16);
    *ret = S("");
    *ret_near = 0;
    if (ask(c, dns_reverse_name(c->arena, bytes), DNS_PTR, &names) != SPF_PASS)
        return true;
    for (size_t i = 0; i < MIN(names.count, (size_t)SPF_HOSTS_MAX); i++) {
        struct slice name = names.records[i].name;
        unsigned near = nearness(name, domain);
        if (ret->len > 0 && near <= *ret_near)
            continue;
        if (ask(c, name, address_type(c), &addresses) != SPF_PASS ||
            !has_client(c, &addresses, 32, 128))
            continue;
        *ret = name;
        *ret_near = near;
    }
    return names.count > 0;
}

/* Before a macro string that asks for it. */
static void learn_name(struct check *c, struct slice text, struct slice domain) WAITS {
    unsigned near;
    if (!spf_asks_for_name(text))
        return;
    (void)find_name(c, domain, &c->client_name, &near);
    if (c->client_name.len == 0)
        c->client_name = S("unknown");
    forget_trouble(c);
}

/* ------------------------------------------------------------------ mechanisms */

static enum spf_result check_domain(struct check *c, struct slice domain) WAITS;

/* The name that a term is about; false: what it says is none. */
static bool name_of(struct check *c, const struct place *p, struct slice spec,
                    struct slice *ret) WAITS {
    if (spec.len == 0) {
        *ret = p->domain;
        return true;
    }
    learn_name(c, spec, p->domain);
    struct spf_macro_values values = values_at(c, p->domain);
    return spf_expand_name(spec, &values, c->arena, ret);
}

static enum spf_result match_host(struct check *c, struct slice name,
                                  const struct spf_term *t) WAITS {
    struct dns_answer answer;
    enum spf_result r = ask(c, name, address_type(c), &answer);
    if (r != SPF_PASS)
        return r;
    if (answer.count == 0)
        return note_void(c, NO_MATCH);
    return has_client(c, &answer, t->bits4, t->bits6) ? t->result : NO_MATCH;
}

static enum spf_result match_mx(struct check *c, struct slice name,
                                const struct spf_term *t) WAITS {
    struct dns_answer hosts, addresses;
    bool found = false;
    enum spf_result r = ask(c, name, DNS_MX, &hosts);
    if (r != SPF_PASS)
        return r;
    if (hosts.count > SPF_HOSTS_MAX)
        return permerror(c, N_("the domain of an mx has more than ten hosts"));
    for (size_t i = 0; i < hosts.count; i++) {
        if (slice_eq(hosts.records[i].name, S("."))) /* RFC 7505: it takes no mail */
            continue;
        r = ask(c, hosts.records[i].name, address_type(c), &addresses);
        if (r != SPF_PASS)
            return r;
        if (has_client(c, &addresses, t->bits4, t->bits6))
            return t->result;
        found |= addresses.count > 0;
    }
    return found ? NO_MATCH : note_void(c, NO_MATCH);
}

static enum spf_result match_ptr(struct check *c, struct slice name,
                                 const struct spf_term *t) WAITS {
    struct slice found;
    unsigned near;
    bool some = find_name(c, name, &found, &near);
    if (c->stopped)
        return SPF_TEMPERROR;
    forget_trouble(c); /* an error of DNS does not match (§5.5) */
    if (!some)
        return note_void(c, NO_MATCH);
    return near > 0 ? t->result : NO_MATCH;
}

static enum spf_result match_exists(struct check *c, struct slice name,
                                    const struct spf_term *t) WAITS {
    struct dns_answer answer;
    enum spf_result r = ask(c, name, DNS_A, &answer);
    if (r != SPF_PASS)
        return r;
    return answer.count > 0 ? t->result : note_void(c, NO_MATCH);
}

static enum spf_result match_include(struct check *c, struct slice name,
                                     const struct spf_term *t) WAITS {
    struct slice via = c->via;
    c->via = arena_printf(c->arena, "%.*s%.*s ", SLICE_ARG(via), SLICE_ARG(t->text));
    c->includes++;
    enum spf_result r = check_domain(c, name);
    c->includes--;
    if (r == SPF_PASS || r == SPF_TEMPERROR || r == SPF_PERMERROR)
        return r == SPF_PASS ? t->result : r; /* the way stays, as a part of the term */
    c->via = via;
    c->out->term = S("");
    return r == SPF_NONE ? permerror(c, N_("it includes a domain without an SPF record"))
                         : NO_MATCH;
}

static enum spf_result match(struct check *c, const struct place *p,
                             const struct spf_term *t) WAITS {
    static enum spf_result (*const about_names[])(struct check *, struct slice,
                                                  const struct spf_term *) WAITS = {
        [SPF_INCLUDE] = match_include, [SPF_A] = match_host,        [SPF_MX] = match_mx,
        [SPF_PTR] = match_ptr,         [SPF_EXISTS] = match_exists,
    };
    struct slice name;
    if (t->mechanism == SPF_ALL)
        return t->result;
    if (t->mechanism == SPF_IP4 || t->mechanism == SPF_IP6)
        return net_range_has(&t->range, c->q->client) ? t->result : NO_MATCH;
    if (++c->lookups > SPF_LOOKUPS_MAX)
        return permerror(c, N_("it asks DNS more than ten times"));
    if (!name_of(c, p, t->domain, &name))
        return t->mechanism == SPF_INCLUDE ? permerror(c, N_("it includes what is no domain"))
                                           : NO_MATCH;
    return about_names[t->mechanism](c, name, t);
}

/* ------------------------------------------------------------------ records */

static enum spf_result find_record(struct check *c, struct slice domain, struct slice *ret) WAITS {
    struct dns_answer answer;
    unsigned found = 0;
    enum spf_result r = ask(c, domain, DNS_TXT, &answer);
    if (r != SPF_PASS)
        return r;
    for (size_t i = 0; i < answer.count; i++)
        if (spf_record_is(answer.records[i].bytes)) {
            *ret = answer.records[i].bytes;
            found++;
        }
    if (found > 1)
        return permerror(c, N_("the domain has more than one SPF record"));
    return found > 0 ? SPF_PASS : SPF_NONE;
}

/* Several labels, of which none is too long or empty (§4.3). */
static bool is_domain(struct slice domain) {
    char wire[DNS_NAME_WIRE];
    size_t len;
    if (slice_ends(domain, S(".")))
        domain.len--;
    return slice_find_byte(domain, '.') > 0 && dns_name_write(domain, wire, &len) == 0;
}

/* What the domain has to say to who fails; nothing where that cannot be had (§6.2). */
static struct slice explain(struct check *c, const struct place *p) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    struct dns_answer answer;
    struct slice name;
    if (p->record.explanation.len == 0 || !name_of(c, p, p->record.explanation, &name) ||
        ask(c, name, DNS_TXT, &answer) != SPF_PASS || answer.count != 1 ||
        !spf_is_macro_string(answer.records[0].bytes, true))
        return S("");
    learn_name(c, answer.records[0].bytes, p->domain);
    struct spf_macro_values values = values_at(c, p->domain);
    spf_expand(answer.records[0].bytes, &values, &text);
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < ' ' || text.ptr[i] >= 0x7f) /* of the sender's address or HELO */
            text.ptr[i] = '?';
    return arena_copy(c->arena, slice_first(buf_slice(&text), SPF_EXPLAIN_MAX));
}

static enum spf_result evaluate(struct check *c, const struct place *p) WAITS {
    for (size_t i = 0; i < p->record.count; i++) {
        const struct spf_term *t = &p->record.terms[i];
        enum spf_result r = match(c, p, t);
        if (r == NO_MATCH)
            continue;
        if (c->out->term.len == 0) /* else it is one of a record that is included */
            note_term(c, t->mechanism == SPF_INCLUDE ? S("") : t->text);
        return r;
    }
    return NO_MATCH;
}

/* §6.1, when nothing has matched. */
static enum spf_result redirect(struct check *c, const struct place *p) WAITS {
    struct slice name;
    if (p->record.redirect.len == 0)
        return SPF_NEUTRAL;
    if (++c->lookups > SPF_LOOKUPS_MAX)
        return permerror(c, N_("it asks DNS more than ten times"));
    if (!name_of(c, p, p->record.redirect, &name))
        return permerror(c, N_("it redirects to what is no domain"));
    c->via = arena_printf(c->arena, "%.*sredirect=%.*s ", SLICE_ARG(c->via),
                          SLICE_ARG(p->record.redirect));
    enum spf_result r = check_domain(c, name);
    return r == SPF_NONE ? permerror(c, N_("it redirects to a domain without an SPF record")) : r;
}

static enum spf_result check_domain(struct check *c, struct slice domain) {
    struct place p = {.domain = domain};
    struct slice text = S(""), wrong;
    const bool outermost = c->via.len == 0;
    if (!is_domain(domain))
        return SPF_NONE;
    enum spf_result r = find_record(c, domain, &text);
    if (outermost)
        c->out->record = text;
    if (r != SPF_PASS)
        return r;
    if (spf_record_read(text, c->arena, &p.record, &wrong) < 0) {
        note_term(c, wrong);
        return permerror(c, N_("it has a term that cannot be read"));
    }
    r = evaluate(c, &p);
    if (r == NO_MATCH)
        return redirect(c, &p);
    if (r == SPF_FAIL && c->includes == 0) {
        c->out->explanation = explain(c, &p);
        forget_trouble(c); /* without it, the domain has said nothing */
    }
    return r;
}

int spf_check(const struct spf_question *question, struct arena *a, struct spf_outcome *ret) {
    struct check c = {.q = question, .arena = a, .out = ret};
    *ret = (struct spf_outcome){0};
    ret->result = check_domain(&c, question->domain);
    return c.stopped;
}
