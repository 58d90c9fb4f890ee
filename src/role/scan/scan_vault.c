/* SPDX-License-Identifier: ISC */
/*
 * The keys role as a vault (sender/outgoing.h). Which keys of a domain sign is remembered for a
 * minute; that DNS shows one that waited is found here, when a message of its domain leaves, and
 * told to the keys role.
 */
#include <errno.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "role/dns_link.h"
#include "role/scan/scan.h"
#include "sender/dkim/dkim_key.h"
#include "sender/keyring.h"

#define SIGNERS_MAX 1000U
#define SIGNER_LIFE USEC_MIN
#define DNS_LIMIT   (5 * USEC_SEC) /* for a look at a key that waits */
#define KEYS_OF     "._domainkey."

/* Which keys of a domain sign, as it was a moment ago. */
struct scan_signer {
    char *domain;
    usec_t until;
    bool told; /* that messages leave without */
    struct outgoing_keys keys;
    char selectors[OUTGOING_KEYS][KEYRING_SELECTOR];
};

static void signers_forget(struct scan *s) {
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&s->signers, &at));) {
        struct scan_signer *k = e->value;
        free(k->domain);
        free(k);
    }
    map_done(&s->signers);
    s->signers = (struct map){0};
}

static struct scan_signer *remember(struct scan *s, struct slice domain,
                                    const struct rpc_keys_dkim_out *from) {
    struct scan_signer *k = map_get(&s->signers, domain);
    if (!k) {
        if (s->signers.count >= SIGNERS_MAX)
            signers_forget(s);
        k = NEW(struct scan_signer);
        k->domain = mem_str(domain);
        (void)map_put(&s->signers, slice_of_str(k->domain), k);
    }
    k->until = fiber_now() + SIGNER_LIFE;
    k->keys = (struct outgoing_keys){.domain = slice_of_str(k->domain)};
    for (size_t i = from->keys_count; i-- > 0 && k->keys.count < OUTGOING_KEYS;) {
        const struct rpc_dkim_public *one = &from->keys[i]; /* RSA is told last, and comes first */
        char *selector = k->selectors[k->keys.count];
        if (!one->signs || slice_to_str(one->selector, selector, KEYRING_SELECTOR) < 0)
            continue;
        k->keys.list[k->keys.count++] =
            (struct outgoing_key){slice_of_str(selector), (enum dkim_algorithm)one->algorithm};
    }
    return k;
}

/* ------------------------------------------------------------------ keys that wait for DNS */

static bool dns_shows(struct process *p, struct slice domain, const struct rpc_dkim_public *key,
                      struct arena *a) WAITS {
    struct dns_client dns = dns_link_client(process_link(p, ROLE_RESOLVER, 0));
    struct dns_answer answer = {0};
    struct slice name =
        arena_printf(a, "%.*s%s%.*s", SLICE_ARG(key->selector), KEYS_OF, SLICE_ARG(domain));
    bool shows = false;
    struct fiber_deadline d = fiber_deadline_begin(fiber_now() + DNS_LIMIT);
    if (dns.query(dns.arg, name, DNS_TXT, a, &answer) == 0)
        for (size_t i = 0; i < answer.count && !shows; i++)
            shows = dkim_key_same(answer.records[i].bytes, key->record);
    fiber_deadline_end(&d);
    return shows;
}

/* 1: one of them has been found. Negative: the keys role could not take it in. */
static int look_for_new(struct process *p, struct slice domain,
                        const struct rpc_keys_dkim_out *keys, struct arena *a) WAITS {
    int found = 0;
    for (size_t i = 0; i < keys->keys_count && found >= 0; i++) {
        struct rpc_keys_dkim_seen_in in = {domain, keys->keys[i].selector};
        struct rpc_keys_dkim_seen_out out;
        if (keys->keys[i].seen > 0 || keys->keys[i].left > 0 ||
            !dns_shows(p, domain, &keys->keys[i], a))
            continue;
        int r = call_keys_dkim_seen(process_link(p, ROLE_KEYS, 0), &in, a, &out, NULL);
        if (r != -E_UNKNOWN) /* it has gone meanwhile */
            found = r < 0 ? r : 1;
    }
    return found;
}

/* Once for each domain, by each of these processes. */
static void tell_unsigned(struct process *p, struct scan_signer *k) {
    if (k->told)
        return;
    k->told = true;
    process_event(p, 0, KIND_WARNING, NULL, 0,
                  "Messages of %s leave without a DKIM signature, since DNS does not show its keys"
                  " (hayauma dns %s).",
                  k->domain, k->domain);
}

/* ------------------------------------------------------------------ the keys role */

/* Asks for them, and remembers them for a while. */
static int renew(struct process *p, struct slice domain, struct arena *a,
                 struct scan_signer **ret) WAITS {
    struct scan *s = p->state;
    struct rpc_link *keys = process_link(p, ROLE_KEYS, 0);
    struct rpc_keys_dkim_in in = {domain};
    struct rpc_keys_dkim_out out = {0};
    int r = call_keys_dkim(keys, &in, a, &out, NULL);
    if (r < 0)
        return r;
    (void)remember(s, domain, &out); /* others do not wait for DNS, too */
    r = look_for_new(p, domain, &out, a);
    if (r > 0)
        r = call_keys_dkim(keys, &in, a, &out, NULL);
    if (r < 0) { /* DNS shows keys: nobody may believe any more that there are none */
        signers_forget(s);
        return r;
    }
    *ret = remember(s, domain, &out);
    if (out.keys_count > 0 && (*ret)->keys.count == 0)
        tell_unsigned(p, *ret);
    return 0;
}

static int keys_of(void *arg, struct slice domain, struct arena *a,
                   struct outgoing_keys *ret) WAITS {
    struct process *p = arg;
    struct scan *s = p->state;
    struct scan_signer *k = map_get(&s->signers, domain);
    if (!k || k->until < fiber_now()) {
        int r = renew(p, domain, a, &k);
        if (r < 0)
            return r == -E_SYNTAX ? 0 : r; /* a domain that nobody can have */
    }
    *ret = (struct outgoing_keys){.domain = arena_copy(a, k->keys.domain), .count = k->keys.count};
    for (size_t i = 0; i < k->keys.count; i++)
        ret->list[i] = (struct outgoing_key){arena_copy(a, k->keys.list[i].selector),
                                             k->keys.list[i].algorithm};
    return 0;
}

static int sign_digests(void *arg, const struct outgoing_keys *keys,
                        const unsigned char (*digests)[DIGEST_LEN], struct arena *a,
                        struct slice *ret) WAITS {
    struct process *p = arg;
    struct slice selectors[OUTGOING_KEYS], bytes[OUTGOING_KEYS];
    for (size_t i = 0; i < keys->count; i++) {
        selectors[i] = keys->list[i].selector;
        bytes[i] = slice_of(digests[i], DIGEST_LEN);
    }
    struct rpc_keys_dkim_sign_in in = {keys->domain, selectors, keys->count, bytes, keys->count};
    struct rpc_keys_dkim_sign_out out = {0};
    int r = call_keys_dkim_sign(process_link(p, ROLE_KEYS, 0), &in, a, &out, NULL);
    if (r == -E_UNKNOWN) /* gone in the minute in which it was remembered */
        signers_forget(p->state);
    if (r < 0)
        return r == -E_UNKNOWN ? -E_BUSY : r;
    if (out.signatures_count != keys->count)
        return -EPROTO;
    for (size_t i = 0; i < keys->count; i++)
        ret[i] = out.signatures[i];
    return 0;
}

struct outgoing_vault scan_vault(struct process *p) {
    return (struct outgoing_vault){keys_of, sign_digests, p};
}
