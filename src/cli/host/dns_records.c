/* SPDX-License-Identifier: ISC */
/*
 * What does the same as the record that is asked for is right: an MX that leads here by another
 * name, any SPF record that lets this host send, any DMARC record.
 */
#include "cli/host/dns_records.h"

#include "rpc/calls.h"
#include "sender/dkim/dkim_key.h"
#include "sender/dmarc/dmarc_record.h"
#include "sender/spf/spf.h"

#define KEYS_OF   "._domainkey." /* RFC 6376 §3.6.2.1 */
#define POLICY_OF "_dmarc."      /* RFC 9989 §4.7 */

const char *dns_state_name(enum dns_state state) {
    static const char *const names[] = {[DNS_NOT_ASKED] = "not-asked",
                                        [DNS_RIGHT] = "right",
                                        [DNS_MISSING] = "missing",
                                        [DNS_DIFFERENT] = "different",
                                        [DNS_UNKNOWN] = "unknown"};
    return names[state];
}

static struct arena *arena_of(const struct dns_records *r) {
    return r->d->k->c->arena;
}

static struct dns_wanted *add(struct dns_records *r, enum dns_purpose purpose, const char *type,
                              struct slice name, struct slice value) {
    if (r->count == r->room) {
        size_t room = 2 * r->room + 16;
        struct dns_wanted *list = arena_array(arena_of(r), room, sizeof *list);
        if (r->count > 0)
            memcpy(list, r->list, r->count * sizeof *list);
        r->list = list;
        r->room = room;
    }
    struct dns_wanted *w = &r->list[r->count++];
    *w = (struct dns_wanted){.purpose = purpose, .type = type, .name = name, .value = value};
    return w;
}

/* ------------------------------------------------------------------ asking */

/* What is there, or with an answer the state that follows from there being none. */
static bool ask(const struct dns_records *r, struct dns_wanted *w, uint16_t type,
                struct dns_answer *ret) WAITS {
    int error = r->d->client.query(r->d->client.arg, w->name, type, arena_of(r), ret);
    struct slice why = check_no_answer(error, ret);
    w->state = why.len > 0 ? DNS_UNKNOWN : ret->count == 0 ? DNS_MISSING : DNS_DIFFERENT;
    w->found = why;
    return w->state == DNS_DIFFERENT;
}

static void ask_address(const struct dns_records *r, struct dns_wanted *w,
                        const struct net_addr *own) WAITS {
    struct dns_answer answer = {0};
    struct net_addr found;
    char text[NET_TEXT_SIZE];
    if (!ask(r, w, own->any.sa_family == AF_INET ? DNS_A : DNS_AAAA, &answer))
        return;
    for (size_t i = 0; i < answer.count; i++) {
        if (net_from_bytes(answer.records[i].bytes, 0, &found) < 0)
            continue;
        if (net_same_host(&found, own)) {
            w->state = DNS_RIGHT;
            return;
        }
        w->found = arena_copy(arena_of(r), net_format_host(&found, text));
    }
}

/* PTR and MX: names. */
static void ask_names(const struct dns_records *r, struct dns_wanted *w, uint16_t type) WAITS {
    struct dns_answer answer = {0};
    struct slice why;
    if (!ask(r, w, type, &answer))
        return;
    for (size_t i = 0; i < answer.count; i++) {
        struct slice name = answer.records[i].name;
        struct net_addr list[CHECK_ADDRESSES];
        bool here = dns_name_same(name, r->d->k->c->conf->hostname);
        int count = here || type != DNS_MX ? 0 : check_addresses(r->d, name, list, &why);
        for (int k = 0; k < count && !here; k++)
            here = check_has_address(r->senders, r->sender_count, &list[k]);
        if (here) {
            w->state = DNS_RIGHT;
            return;
        }
        w->found = name;
    }
}

/* Of all addresses from which mail goes out; the first that is not let through decides. */
static void ask_spf(const struct dns_records *r, struct dns_wanted *w) WAITS {
    struct spf_question q = {.dns = &r->d->client,
                             .helo = r->d->k->c->conf->hostname,
                             .domain = w->name,
                             .host = r->d->k->c->conf->hostname,
                             .now = fiber_wall() / USEC_SEC};
    struct spf_outcome o = {.result = SPF_NONE};
    if (r->sender_count == 0) {
        w->state = DNS_UNKNOWN;
        w->found = slice_of_str(_("the public address of this host is not known"));
        return;
    }
    for (size_t i = 0; i < r->sender_count; i++) {
        q.client = &r->senders[i];
        if (spf_check(&q, arena_of(r), &o) < 0 || o.result != SPF_PASS)
            break;
    }
    w->found = o.record;
    switch (o.result) {
    case SPF_PASS:
        w->state = DNS_RIGHT;
        return;
    case SPF_NONE:
        w->state = DNS_MISSING;
        return;
    case SPF_TEMPERROR:
        w->state = DNS_UNKNOWN;
        w->found = slice_of_str(_("DNS does not answer"));
        return;
    case SPF_FAIL:
    case SPF_SOFTFAIL:
    case SPF_NEUTRAL:
    case SPF_PERMERROR:
        w->state = DNS_DIFFERENT;
    }
}

static void ask_text(const struct dns_records *r, struct dns_wanted *w) WAITS {
    struct dns_answer answer = {0};
    if (!ask(r, w, DNS_TXT, &answer))
        return;
    w->state = DNS_MISSING;
    for (size_t i = 0; i < answer.count; i++) {
        struct slice text = answer.records[i].bytes;
        bool right = w->purpose == FOR_DKIM ? dkim_key_same(text, w->value) : dmarc_record_is(text);
        if (!right && w->purpose == FOR_DMARC)
            continue; /* of somebody else: DMARC passes over it */
        w->state = right ? DNS_RIGHT : DNS_DIFFERENT;
        w->found = text;
        if (right)
            return;
    }
}

/* ------------------------------------------------------------------ what both need */

static void add_spf(struct dns_records *r, struct slice name, struct slice value) WAITS {
    struct dns_wanted *w = add(r, FOR_SPF, "TXT", name, value);
    if (r->asks)
        ask_spf(r, w);
}

static int add_dkim(struct dns_records *r, struct slice domain, struct problem *problem) WAITS {
    struct arena *a = arena_of(r);
    struct rpc_keys_dkim_in in = {domain};
    struct rpc_keys_dkim_out out = {0};
    int error = r->keys ? call_keys_dkim(r->keys, &in, a, &out, problem) : 0;
    for (size_t i = 0; error == 0 && i < out.keys_count; i++) {
        const struct rpc_dkim_public *k = &out.keys[i];
        struct slice name =
            arena_printf(a, "%.*s%s%.*s", SLICE_ARG(k->selector), KEYS_OF, SLICE_ARG(domain));
        struct dns_wanted *w = add(r, FOR_DKIM, "TXT", name, k->record);
        w->domain = domain;
        w->selector = k->selector;
        w->signs = k->signs;
        w->left = k->left > 0;
        w->seen = k->seen > 0;
        if (r->asks)
            ask_text(r, w);
    }
    return error;
}

int dns_records_author(struct dns_records *r, struct slice domain, struct problem *problem) {
    int error = add_dkim(r, domain, problem);
    struct slice name = arena_printf(arena_of(r), "%s%.*s", POLICY_OF, SLICE_ARG(domain));
    struct dns_wanted *w = add(r, FOR_DMARC, "TXT", name, S("v=DMARC1; p=none"));
    if (r->asks)
        ask_text(r, w);
    return error;
}

/* ------------------------------------------------------------------ host and domains */

static void add_addresses(struct dns_records *r) WAITS {
    struct slice host = r->d->k->c->conf->hostname;
    char text[NET_TEXT_SIZE];
    for (size_t i = 0; i < r->sender_count; i++) {
        const struct net_addr *own = &r->senders[i];
        struct dns_wanted *w = add(r, FOR_ADDRESS, own->any.sa_family == AF_INET ? "A" : "AAAA",
                                   host, arena_copy(arena_of(r), net_format_host(own, text)));
        if (r->asks)
            ask_address(r, w, own);
    }
    for (size_t i = 0; i < r->sender_count; i++) {
        const struct net_addr *own = &r->senders[i];
        struct slice bytes = own->any.sa_family == AF_INET
                                 ? slice_of(&own->in.sin_addr, sizeof own->in.sin_addr)
                                 : slice_of(&own->in6.sin6_addr, sizeof own->in6.sin6_addr);
        struct dns_wanted *w = add(r, FOR_PTR, "PTR", dns_reverse_name(arena_of(r), bytes), host);
        if (r->asks)
            ask_names(r, w, DNS_PTR);
    }
    if (r->sender_count == 0) {
        struct dns_wanted *w = add(r, FOR_ADDRESS, "A", host, (struct slice){0});
        w->state = r->asks ? DNS_UNKNOWN : DNS_NOT_ASKED;
        w->found = slice_of_str(_("the public address of this host is not known"));
    }
}

int dns_records_host(struct dns_records *r, struct problem *problem) {
    struct slice host = r->d->k->c->conf->hostname;
    if (check_way_out(r->d->k->c->conf).len == 0)
        add_addresses(r);
    add_spf(r, host, S("v=spf1 a -all"));
    return dns_records_author(r, host, problem);
}

int dns_records_domain(struct dns_records *r, struct slice domain, struct problem *problem) {
    struct slice host = r->d->k->c->conf->hostname;
    struct dns_wanted *mx =
        add(r, FOR_MX, "MX", domain, arena_printf(arena_of(r), "10 %.*s", SLICE_ARG(host)));
    if (r->asks)
        ask_names(r, mx, DNS_MX);
    if (dns_name_same(domain, host)) /* the rest was added for the host */
        return 0;
    add_spf(r, domain, S("v=spf1 mx -all"));
    return dns_records_author(r, domain, problem);
}

void dns_records_begin(struct dns_records *r) {
    r->sender_count = check_senders(r->d, r->senders);
}

int dns_records_tell(const struct dns_records *r, struct problem *problem) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < r->count; i++) {
        const struct dns_wanted *w = &r->list[i];
        struct rpc_keys_dkim_seen_in in = {w->domain, w->selector};
        struct rpc_keys_dkim_seen_out out;
        if (w->purpose == FOR_DKIM && w->state == DNS_RIGHT && !w->seen)
            error = call_keys_dkim_seen(r->keys, &in, arena_of(r), &out, problem);
    }
    return error;
}
