/* SPDX-License-Identifier: ISC */
/*
 * Signing what leaves in our name. Bytes are hashed here, the keys role has the keys and signs
 * digests only. Which keys of a domain sign is remembered for a minute; that DNS shows one that
 * waited is found here, when a message of its domain leaves, and told to the keys role.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/read.h"
#include "events/kinds.h"
#include "fiber/wait.h"
#include "message/header.h"
#include "role/dns_link.h"
#include "role/scan/scan.h"
#include "sender/dkim/dkim_body.h"
#include "sender/dkim/dkim_key.h"
#include "sender/keyring.h"
#include "sender/outgoing.h"

#define PIECE       ((size_t)256 * 1024)
#define SHORT_MAX   ((size_t)64 * 1024) /* bytes that are hashed here, in half a millisecond */
#define HEADER_MOST ((size_t)8 << 20)   /* above all that smtp.header-max may be */
#define FIELDS_MAX  16384U              /* of scan.sign */
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

/* Whether one of them has been found. */
static bool look_for_new(struct process *p, struct slice domain,
                         const struct rpc_keys_dkim_out *keys, struct arena *a) WAITS {
    bool found = false;
    for (size_t i = 0; i < keys->keys_count; i++) {
        struct rpc_keys_dkim_seen_in in = {domain, keys->keys[i].selector};
        struct rpc_keys_dkim_seen_out out;
        if (keys->keys[i].seen > 0 || keys->keys[i].left > 0 ||
            !dns_shows(p, domain, &keys->keys[i], a))
            continue;
        found |= call_keys_dkim_seen(process_link(p, ROLE_KEYS, 0), &in, a, &out, NULL) == 0;
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

static int keys_of(void *arg, struct slice domain, struct arena *a,
                   struct outgoing_keys *ret) WAITS {
    struct process *p = arg;
    struct scan *s = p->state;
    struct scan_signer *k = map_get(&s->signers, domain);
    if (!k || k->until < fiber_now()) {
        struct rpc_link *keys = process_link(p, ROLE_KEYS, 0);
        struct rpc_keys_dkim_in in = {domain};
        struct rpc_keys_dkim_out out = {0};
        int r = call_keys_dkim(keys, &in, a, &out, NULL);
        if (r < 0)
            return r == -E_SYNTAX ? 0 : r; /* a domain that nobody can have */
        k = remember(s, domain, &out);     /* others do not wait for DNS, too */
        if (look_for_new(p, domain, &out, a)) {
            r = call_keys_dkim(keys, &in, a, &out, NULL);
            if (r < 0)
                return r;
        }
        k = remember(s, domain, &out);
        if (out.keys_count > 0 && k->keys.count == 0)
            tell_unsigned(p, k);
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

/* ------------------------------------------------------------------ the bytes */

struct reading {
    const struct rpc_scan_sign_in *in;
    struct buf front; /* of a message whose header is not in memory: as far as that goes */
    uint64_t at;      /* so far the file was read */
    struct dkim_body *body;
    unsigned char hash[DIGEST_LEN];
};

static void reading_done(struct reading *r) {
    buf_done(&r->front);
    dkim_body_free(r->body);
}

static bool has_end(struct slice header) {
    return slice_find(header, S("\r\n\r\n")) >= 0;
}

static int read_piece(struct reading *r, struct buf *to) {
    size_t want = (size_t)MIN(r->in->file_len - r->at, (uint64_t)PIECE);
    buf_reserve(to, want);
    int error = read_exactly(r->in->file, to->ptr + to->len, want, r->at);
    if (error < 0)
        return error == -E_EOF ? -E_CORRUPT : error;
    to->len += want;
    r->at += want;
    return 0;
}

static int read_front(void *arg) {
    struct reading *r = arg;
    int error = 0;
    buf_add(&r->front, r->in->bytes);
    while (error == 0 && r->at < r->in->file_len && r->front.len < HEADER_MOST &&
           !has_end(buf_slice(&r->front)))
        error = read_piece(r, &r->front);
    return error;
}

static struct slice front_of(const struct reading *r) {
    return r->front.len > 0 ? buf_slice(&r->front) : r->in->bytes;
}

static int hash_all(void *arg) {
    struct reading *r = arg;
    struct slice front = front_of(r);
    _cleanup_(buf_done) struct buf piece = {0};
    uint64_t beyond;
    int error = 0;
    r->body = dkim_body_new(true, UINT64_MAX);
    dkim_body_add(r->body, slice_from(front, header_body(front, NULL)));
    while (error == 0 && r->in->file >= 0 && r->at < r->in->file_len) {
        buf_clear(&piece);
        error = read_piece(r, &piece);
        dkim_body_add(r->body, buf_slice(&piece));
    }
    dkim_body_end(r->body, r->hash, &beyond);
    return error;
}

/* ------------------------------------------------------------------ the call */

static int sign(struct process *p, struct reading *r, struct arena *a, struct buf *fields) WAITS {
    const struct outgoing_vault vault = {keys_of, sign_digests, p};
    struct outgoing_keys keys = {0};
    const struct rpc_scan_sign_in *in = r->in;
    ssize_t at = slice_rfind_byte(in->login, '@');
    bool file = in->file >= 0;
    int error = file && !has_end(in->bytes) ? offload(OFFLOAD_DISK, read_front, r) : 0;
    if (error == 0)
        error = outgoing_choose(front_of(r), at < 0 ? S("") : slice_from(in->login, (size_t)at + 1),
                                &vault, a, &keys);
    if (error < 0 || keys.count == 0)
        return error;
    error = file                        ? offload(OFFLOAD_DISK, hash_all, r)
            : in->bytes.len > SHORT_MAX ? offload(OFFLOAD_SCAN, hash_all, r)
                                        : hash_all(r);
    if (error < 0)
        return error;
    int64_t now = fiber_wall() / USEC_SEC;
    const struct outgoing o = {
        .header = front_of(r),
        .body_hash = r->hash,
        .now = now,
        .expires = now + keyring_life(p->conf->queue.lifetime / USEC_SEC),
    };
    return outgoing_sign(&o, &keys, &vault, a, fields);
}

int scan_on_sign(void *arg, const struct rpc_caller *caller, const struct rpc_scan_sign_in *in,
                 struct arena *a, struct rpc_scan_sign_out *out, struct problem *problem) {
    struct process *p = arg;
    struct scan *scan = p->state;
    _cleanup_(close_p) UNUSED int file = in->file;
    _cleanup_(reading_done) struct reading r = {.in = in};
    _cleanup_(buf_done) struct buf fields = {0};
    (void)caller;
    if (scan->judging >= SCAN_MESSAGES_MAX)
        return problem_set(problem, -E_BUSY, "too many messages are judged at this moment");
    scan->judging++;
    int error = sign(p, &r, a, &fields);
    scan->judging--;
    if (error == -E_LIMIT || fields.len > FIELDS_MAX) {
        process_event(p, 0, KIND_WARNING, NULL, 0,
                      "A message leaves without a DKIM signature, since its header has too many"
                      " fields.");
        return 0;
    }
    if (error < 0)
        return problem_set(problem, error, "the message cannot be signed: %s", error_text(error));
    out->fields = arena_copy(a, buf_slice(&fields));
    return 0;
}
