/* SPDX-License-Identifier: ISC */
/*
 * Signing what leaves in our name, and sealing what a stranger has sent and an alias sends on: with
 * what was found of it when it came, which stands in its header. Bytes are hashed here, the keys
 * role has the keys and signs digests only.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/read.h"
#include "events/kinds.h"
#include "fiber/wait.h"
#include "message/header.h"
#include "message/results.h"
#include "role/dns_link.h"
#include "role/scan/scan.h"
#include "sender/arc/arc_seal.h"
#include "sender/dkim/dkim_body.h"
#include "sender/keyring.h"

#define PIECE       ((size_t)256 * 1024)
#define SHORT_MAX   ((size_t)64 * 1024) /* bytes that are hashed here, in half a millisecond */
#define HEADER_MOST ((size_t)8 << 20)   /* above all that smtp.header-max may be */
#define FIELDS_MAX  16384U              /* of scan.sign */

/* ------------------------------------------------------------------ the bytes */

struct reading {
    const struct rpc_scan_sign_in *in;
    struct buf front; /* of a message whose header is not in memory: as far as that goes */
    uint64_t at;      /* so far the file was read */
    struct dkim_body *body;
    struct arc_verifier *chain; /* of what is sealed */
    unsigned char hash[DIGEST_LEN];
};

static void reading_done(struct reading *r) {
    buf_done(&r->front);
    dkim_body_free(r->body);
    arc_verifier_free(r->chain);
}

static void add_body(struct reading *r, struct slice chunk) {
    dkim_body_add(r->body, chunk);
    if (r->chain)
        arc_verifier_add(r->chain, chunk);
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
    add_body(r, slice_from(front, header_body(front, NULL)));
    while (error == 0 && r->in->file >= 0 && r->at < r->in->file_len) {
        buf_clear(&piece);
        error = read_piece(r, &piece);
        add_body(r, buf_slice(&piece));
    }
    dkim_body_end(r->body, r->hash, &beyond);
    return error;
}

/* ------------------------------------------------------------------ signing */

static int hash(struct reading *r) WAITS {
    return r->in->file >= 0               ? offload(OFFLOAD_DISK, hash_all, r)
           : r->in->bytes.len > SHORT_MAX ? offload(OFFLOAD_SCAN, hash_all, r)
                                          : hash_all(r);
}

static int sign(struct process *p, struct reading *r, struct arena *a, struct buf *fields) WAITS {
    const struct outgoing_vault vault = scan_vault(p);
    struct outgoing_keys keys = {0};
    ssize_t at = slice_rfind_byte(r->in->login, '@');
    struct slice other = at < 0 ? S("") : slice_from(r->in->login, (size_t)at + 1);
    int error = outgoing_choose(front_of(r), other, &vault, a, &keys);
    if (error < 0 || keys.count == 0)
        return error;
    error = hash(r);
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

/* ------------------------------------------------------------------ sealing (RFC 8617) */

/* What this host has found of the message when it came: the first field that bears our name. */
static struct slice own_results(struct slice header, struct slice host, struct arena *a) {
    struct header_cursor c = {.message = header};
    for (struct header_field field; header_next(&c, &field);)
        if (results_are_of(&field, host))
            return slice_trim_lines(arena_copy(a, field.raw));
    return S("");
}

/* Keeps the key of RSA: others know no other one for ARC. */
static bool keep_rsa(struct outgoing_keys *keys) {
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->list[i].algorithm != DKIM_RSA_SHA256)
            continue;
        keys->list[0] = keys->list[i];
        keys->count = 1;
        return true;
    }
    return false;
}

static int seal_with(const struct arc_sealing *sealing, struct slice header,
                     const struct outgoing_keys *keys, const struct outgoing_vault *vault,
                     struct arena *a, struct buf *fields) WAITS {
    unsigned char digest[1][DIGEST_LEN];
    struct slice signature = S("");
    struct arc_seal *s = NULL;
    if (arc_seal_new(sealing, header, digest[0], &s) < 0)
        return 0; /* a chain that was broken before, or is too long: nobody seals it any more */
    int r =
        vault->sign(vault->arg, keys, (const unsigned char(*)[DIGEST_LEN])digest, a, &signature);
    if (r == 0) {
        arc_seal_message(s, signature, digest[0]);
        r = vault->sign(vault->arg, keys, (const unsigned char(*)[DIGEST_LEN])digest, a,
                        &signature);
    }
    if (r == 0)
        arc_seal_end(s, signature, fields);
    arc_seal_free(s);
    return r;
}

/* Where DNS does not say whether the chain is whole the message goes on without a seal. */
static int seal(struct process *p, struct reading *r, struct arena *a, struct buf *fields) WAITS {
    const struct outgoing_vault vault = scan_vault(p);
    struct dns_client dns = dns_link_client(process_link(p, ROLE_RESOLVER, 0));
    struct slice host = arena_copy(a, p->conf->hostname);
    struct slice results = own_results(front_of(r), host, a);
    struct outgoing_keys keys = {0};
    struct arc_outcome chain = {0};
    int error = results.len == 0 ? 0 : outgoing_choose_above(host, &vault, a, &keys);
    if (error < 0 || !keep_rsa(&keys))
        return error;
    int64_t now = fiber_wall() / USEC_SEC;
    r->chain = arc_verifier_new(front_of(r), now);
    error = hash(r);
    if (error < 0)
        return error;
    struct fiber_deadline d = fiber_deadline_begin(fiber_now() + SCAN_DNS_LIMIT);
    error = arc_verifier_end(r->chain, &dns, a, &chain);
    fiber_deadline_end(&d);
    if (error < 0 || chain.result == ARC_TEMPERROR)
        return error;
    const struct arc_sealing sealing = {
        .algorithm = DKIM_RSA_SHA256,
        .domain = keys.domain,
        .selector = keys.list[0].selector,
        .now = now,
        .results = results,
        .body_hash = r->hash,
        .chain = chain.result,
    };
    return seal_with(&sealing, front_of(r), &keys, &vault, a, fields);
}

/* ------------------------------------------------------------------ the call */

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
    int error = in->file >= 0 && !has_end(in->bytes) ? offload(OFFLOAD_DISK, read_front, &r) : 0;
    if (error == 0)
        error = in->forward ? seal(p, &r, a, &fields) : sign(p, &r, a, &fields);
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
