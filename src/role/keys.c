/* SPDX-License-Identifier: ISC */
/*
 * The keys role: the only process that reads private keys. It signs for those who may ask and never
 * shows a key.
 *
 * Key and certificate lie in its folder, as default.key and default.crt (PEM), or wherever the
 * settings say; then the master, which can open them, gives their descriptors, and gives them again
 * when they have changed (children_certificate.c). Those of the folder are looked at here, whenever
 * an edge asks, which is every few seconds. Files that are no pair change nothing.
 *
 * A handshake shows a certificate and is signed later. So an edge says for which one, by a number
 * that is made of the certificate itself and means the same after a new start; pairs that were
 * replaced are kept while a handshake may need them. What is unknown by then is not signed for:
 * with another key the client would take us for somebody else.
 *
 * A certificate whose time is over, or soon will be, is used all the same: other hosts take any.
 * But it is told once a day, since mail programs do not.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "events/kinds.h"
#include "fiber/wait.h"
#include "io/tls.h"
#include "role/author.h"
#include "role/keys_dkim.h"
#include "role/keys_pair.h"
#include "role/master/certificate_files.h"
#include "role/roles.h"

#define OLD_LIFE USEC_MIN /* an edge asks every 10 s, a handshake lasts 30 s at most */
#define OLD_MAX  8U

struct keys {
    struct keys_dkim *dkim;
    struct keys_pair *now;
    struct keys_pair *old[OLD_MAX]; /* those before it, the last one first; then NULL */
    struct stat refused[2];         /* files of the folder that were tried and are no pair */
    usec_t look_at_end; /* wall time when the end of the certificate is looked at again */
};

#define TO_SECONDS 19U /* of "2026-11-22 11:12:42.123" */

/* ------------------------------------------------------------------ what is said of it */

static bool judge(struct process *p, struct tls_judgement *ret) {
    const struct keys *k = p->state;
    struct tls_chain_question q = {
        .chain_pem = slice_of_str(k->now->chain),
        .host_name = p->conf->hostname,
        .place = keys_pair_certificate(p->conf),
        .now = fiber_wall(),
    };
    return tls_chain_judge(&q, ret, NULL) == 0;
}

/* Of a pair that has just been taken. */
static void tell_log(struct process *p) {
    _cleanup_(free_p) struct tls_judgement *j = NEW(struct tls_judgement); /* large for a fiber */
    if (!judge(p, j))
        return;
    process_event(p, 0, KIND_RELOAD, NULL, 0, "A new certificate is in use: %s.", j->summary);
    for (size_t i = 0; i < j->count; i++) {
        const struct tls_finding *f = &j->list[i];
        bool sentence = slice_starts(slice_of_str(f->text), S("the "));
        process_event(p, 0, f->bad ? KIND_ERROR : KIND_WARNING, NULL, 0, "%s%s.",
                      sentence ? "T" : "", f->text + (sentence ? 1 : 0));
    }
}

static void look_at_end(struct process *p) {
    struct keys *k = p->state;
    struct tls_certificate_facts facts;
    char end[TIME_TEXT_SIZE];
    usec_t now = fiber_wall();
    if (now < k->look_at_end || tls_certificate_facts(slice_of_str(k->now->chain), &facts) < 0)
        return;
    k->look_at_end = now + USEC_DAY;
    if (!tls_certificate_ends_soon(&facts, now))
        return;
    bool over = facts.not_after < now;
    process_event(p, 0, over ? KIND_ERROR : KIND_WARNING, NULL, 0,
                  "The certificate for %s %s %.*s; put a new one in place of %s and %s.",
                  facts.subject, over ? "has ended" : "ends",
                  SLICE_ARG(slice_first(time_format_log(facts.not_after, end), TO_SECONDS)),
                  keys_pair_certificate(p->conf), keys_pair_key(p->conf));
}

/* ------------------------------------------------------------------ pairs */

/* ------------------------------------------------------------------ life */

static int open_keys(struct process *p, struct problem *problem) {
    struct keys *k = NEW(struct keys);
    p->state = k;
    int r = keys_dkim_open(p, &k->dkim, problem);
    return r < 0 ? r : keys_pair_read(p, &k->now, problem);
}

static struct keys_dkim *dkim_of(const struct process *p) {
    return ((const struct keys *)p->state)->dkim;
}

static void go(struct process *p) {
    if (keys_dkim_go(dkim_of(p)) < 0)
        process_fail(p, "no memory for the first fibers");
}

/* Takes files that were replaced as soon as they are a pair again; negative: they are none now. */
static int take_newer(struct process *p, struct problem *problem) {
    struct keys *k = p->state;
    struct keys_pair *fresh = NULL;
    int r = keys_pair_read(p, &fresh, problem);
    if (r < 0)
        return r;
    if (strcmp(fresh->chain, k->now->chain) == 0) { /* touched, or read by another path */
        memcpy(k->now->states, fresh->states, sizeof fresh->states);
        keys_pair_leave(fresh);
        return 0;
    }
    keys_pair_leave(k->old[OLD_MAX - 1]);
    memmove(k->old + 1, k->old, (OLD_MAX - 1) * sizeof k->old[0]);
    k->old[0] = k->now;
    k->old[0]->replaced = fiber_now();
    k->now = fresh;
    k->look_at_end = fiber_wall() + USEC_DAY; /* told with the rest */
    tell_log(p);
    return 0;
}

static void look_for_newer(struct process *p) {
    struct keys *k = p->state;
    struct problem problem = {0};
    struct stat files[2];
    if (p->conf->tls.certificate.len > 0)
        return; /* the master looks after them */
    keys_pair_look(files);
    if (certificate_files_same(files, k->now->states) ||
        certificate_files_same(files, k->refused) || take_newer(p, &problem) == 0)
        return;
    memcpy(k->refused, files, sizeof files);
    process_event(p, 0, KIND_WARNING, NULL, 0,
                  "The certificate has changed and cannot be used yet, the one before stays in"
                  " use: %s",
                  problem.text);
}

static int reload_keys(struct process *p, const struct conf *before, struct problem *problem) {
    (void)before;
    int r = take_newer(p, problem);
    if (r < 0)
        return r;
    _cleanup_(free_p) struct tls_judgement *j = NEW(struct tls_judgement);
    if (judge(p, j)) {
        buf_printf(&p->said, "In use: %s.\n", j->summary);
        for (size_t i = 0; i < j->count; i++)
            buf_printf(&p->said, "Warning: %s.\n", j->list[i].text);
    }
    return 0;
}

/* ------------------------------------------------------------------ calls */

static int on_certificate(void *arg, const struct rpc_caller *caller,
                          const struct rpc_keys_certificate_in *in, struct arena *a,
                          struct rpc_keys_certificate_out *out, struct problem *problem) {
    struct keys *k = ((struct process *)arg)->state;
    (void)caller;
    (void)problem;
    look_for_newer(arg);
    look_at_end(arg);
    for (size_t i = 0; i < OLD_MAX && k->old[i]; i++) {
        if (k->old[i]->replaced + OLD_LIFE >= fiber_now())
            continue;
        keys_pair_leave(k->old[i]); /* as all behind it, which are older */
        k->old[i] = NULL;
    }
    out->number = k->now->number;
    if (in->have != k->now->number)
        out->chain = arena_copy(a, slice_of_str(k->now->chain));
    return 0;
}

struct signing {
    struct tls_key *key;
    const struct rpc_keys_sign_in *in;
    struct arena *arena;
    struct slice *signature;
};

static int sign_in_thread(void *arg) {
    struct signing *s = arg;
    return tls_key_sign(s->key, (enum tls_sign_scheme)s->in->scheme, s->in->input, s->arena,
                        s->signature);
}

static int on_sign(void *arg, const struct rpc_caller *caller, const struct rpc_keys_sign_in *in,
                   struct arena *a, struct rpc_keys_sign_out *out, struct problem *problem) WAITS {
    struct keys *k = ((struct process *)arg)->state;
    struct keys_pair *p = k->now->number == in->number ? k->now : NULL;
    for (size_t i = 0; i < OLD_MAX && k->old[i] && !p; i++)
        p = k->old[i]->number == in->number ? k->old[i] : NULL;
    (void)caller;
    if (in->scheme >= TLS_SIGN_SCHEMES)
        return problem_set(problem, -EINVAL, "unknown signature scheme");
    if (!p)
        return problem_set(problem, -ENOENT, "the key of that certificate is not here any more");
    struct signing signing = {p->key, in, a, &out->signature};
    if (in->scheme == TLS_SIGN_ECDSA) /* 30 µs; RSA takes a millisecond */
        return sign_in_thread(&signing);
    p->users++;
    int r = offload(OFFLOAD_KDF, sign_in_thread, &signing);
    keys_pair_leave(p);
    return r;
}

/* ------------------------------------------------------------------ DKIM (keys_dkim.h) */

static int on_dkim(void *arg, const struct rpc_caller *caller, const struct rpc_keys_dkim_in *in,
                   struct arena *a, struct rpc_keys_dkim_out *out, struct problem *problem) WAITS {
    (void)caller;
    return keys_dkim_list(dkim_of(arg), in, a, out, problem);
}

static int on_dkim_keep(void *arg, const struct rpc_caller *caller,
                        const struct rpc_keys_dkim_keep_in *in, struct arena *a,
                        struct rpc_keys_dkim_keep_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    return keys_dkim_keep(dkim_of(arg), in->domain, problem);
}

static int on_dkim_drop(void *arg, const struct rpc_caller *caller,
                        const struct rpc_keys_dkim_drop_in *in, struct arena *a,
                        struct rpc_keys_dkim_drop_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    return keys_dkim_drop(dkim_of(arg), in->domain, problem);
}

static int on_dkim_domains(void *arg, const struct rpc_caller *caller,
                           const struct rpc_keys_dkim_domains_in *in, struct arena *a,
                           struct rpc_keys_dkim_domains_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)problem;
    return keys_dkim_domains(dkim_of(arg), in->after, a, &out->domains, &out->domains_count);
}

static int on_dkim_seen(void *arg, const struct rpc_caller *caller,
                        const struct rpc_keys_dkim_seen_in *in, struct arena *a,
                        struct rpc_keys_dkim_seen_out *out, struct problem *problem) WAITS {
    (void)caller;
    (void)a;
    (void)out;
    return keys_dkim_seen(dkim_of(arg), in->domain, in->selector, problem);
}

static int on_dkim_sign(void *arg, const struct rpc_caller *caller,
                        const struct rpc_keys_dkim_sign_in *in, struct arena *a,
                        struct rpc_keys_dkim_sign_out *out, struct problem *problem) WAITS {
    (void)caller;
    return keys_dkim_sign(dkim_of(arg), in, a, out, problem);
}

static int on_dkim_rotate(void *arg, const struct rpc_caller *caller,
                          const struct rpc_keys_dkim_rotate_in *in, struct arena *a,
                          struct rpc_keys_dkim_rotate_out *out, struct problem *problem) WAITS {
    struct slice by = author_of_caller(caller, in->by, a);
    (void)out;
    return keys_dkim_rotate(dkim_of(arg), in->domain, by, problem);
}

static const struct rpc_keys_handlers handlers = {
    .certificate = on_certificate,
    .sign = on_sign,
    .dkim = on_dkim,
    .dkim_keep = on_dkim_keep,
    .dkim_drop = on_dkim_drop,
    .dkim_domains = on_dkim_domains,
    .dkim_seen = on_dkim_seen,
    .dkim_sign = on_dkim_sign,
    .dkim_rotate = on_dkim_rotate,
};

const struct process_work role_keys = {
    .handlers = &handlers,
    .open = open_keys,
    .go = go,
    .reload = reload_keys,
};
