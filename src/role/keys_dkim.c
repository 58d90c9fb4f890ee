/* SPDX-License-Identifier: ISC */
/*
 * One at a time works on the files, whatever it does there. What is remembered of a domain is
 * forgotten when its files change, and never waited with: who signs takes the key along.
 *
 * New keys are made by threads that stand back for everything else: RSA takes a tenth of a second.
 */
#include "role/keys_dkim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/even_clock.h"
#include "base/map.h"
#include "base/words.h"
#include "events/kinds.h"
#include "fiber/sync.h"
#include "fiber/wait.h"
#include "sender/keyring.h"
#include "sender/signing.h"

#define FOLDER         "dkim"
#define REMEMBERED_MAX 1000U          /* domains */
#define FIRST_LOOK     (2 * USEC_SEC) /* after the start, which has more important things to do */
#define LOOK_EVERY     (6 * USEC_HOUR)
#define LOOK_AGAIN     (10 * USEC_MIN)
#define DOMAINS_MAX    1000U /* in one answer */

struct keys_dkim {
    struct process *process;
    int folder;
    struct fiber_mutex turn; /* at the files */
    struct map known;        /* of domains: struct known */
    struct even_clock clock; /* from its opening on */
};

struct known {
    char *domain;
    struct keyring_domain *keys;
};

/* ------------------------------------------------------------------ what is remembered */

static void known_free(struct known *k) {
    if (!k)
        return;
    keyring_domain_free(k->keys);
    free(k->domain);
    free(k);
}

static void forget_all(struct keys_dkim *d) {
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&d->known, &at));)
        known_free(e->value);
    map_done(&d->known);
    d->known = (struct map){0};
}

/* ------------------------------------------------------------------ work on the files */

struct work {
    int folder;
    struct slice domain, selector;
    int64_t now, keep;
    struct problem problem;
    struct keyring_domain *keys; /* that were read */
};

static int read_work(void *arg) {
    struct work *w = arg;
    return keyring_read(w->folder, w->domain, &w->keys, &w->problem);
}

static int keep_work(void *arg) {
    struct work *w = arg;
    return keyring_keep(w->folder, w->domain, w->now, &w->problem);
}

static int rotate_work(void *arg) {
    struct work *w = arg;
    return keyring_rotate(w->folder, w->domain, w->now, &w->problem);
}

static int seen_work(void *arg) {
    struct work *w = arg;
    return keyring_seen(w->folder, w->domain, w->selector, w->now, &w->problem);
}

static int drop_work(void *arg) {
    struct work *w = arg;
    return keyring_drop(w->folder, w->domain, w->now, &w->problem);
}

static int tend_work(void *arg) {
    struct work *w = arg;
    return keyring_tend(w->folder, w->domain, w->now, w->keep, &w->problem);
}

/* The result of `fn`; what is known of the domain is forgotten before anybody else has a turn. */
static int change(struct keys_dkim *d, enum offload_class class, int (*fn)(void *arg),
                  struct work *w, struct problem *problem) WAITS {
    w->folder = d->folder;
    w->now = fiber_wall() / USEC_SEC;
    int r = fiber_mutex_lock(&d->turn);
    if (r < 0)
        return r;
    r = offload(class, fn, w);
    known_free(map_remove(&d->known, w->domain));
    fiber_mutex_unlock(&d->turn);
    if (r < 0 && problem)
        *problem = w->problem;
    return r;
}

/* What is known of a domain, until the next wait. */
static int look_up(struct keys_dkim *d, struct slice domain, const struct keyring_domain **ret,
                   struct problem *problem) WAITS {
    struct known *k = map_get(&d->known, domain);
    struct work w = {.folder = d->folder, .domain = domain};
    if (k) {
        *ret = k->keys;
        return 0;
    }
    int r = fiber_mutex_lock(&d->turn);
    if (r < 0)
        return r;
    k = map_get(&d->known, domain);
    r = k ? 0 : offload(OFFLOAD_DISK, read_work, &w);
    fiber_mutex_unlock(&d->turn);
    if (r < 0) {
        if (problem)
            *problem = w.problem;
        return r;
    }
    if (!k) {
        if (d->known.count >= REMEMBERED_MAX)
            forget_all(d);
        k = NEW(struct known);
        *k = (struct known){mem_str(domain), w.keys};
        (void)map_put(&d->known, slice_of_str(k->domain), k);
        if (w.keys->damaged[0])
            process_event(d->process, 0, KIND_DAMAGED, NULL, 0,
                          "The DKIM key %s of %.*s cannot be read: keys/" FOLDER "/%.*s/%s.key",
                          w.keys->damaged, SLICE_ARG(domain), SLICE_ARG(domain), w.keys->damaged);
    }
    *ret = k->keys;
    return 0;
}

/* ------------------------------------------------------------------ the log */

static void tell(struct keys_dkim *d, const char *what, struct slice domain, struct slice by,
                 struct slice after, const char *sentence) {
    struct event_fact facts[] = {
        {S(FACT_CHANGE), slice_of_str(what)},
        {S(FACT_NAME), domain},
        {S(FACT_AFTER), after},
        {S(FACT_BY), by},
    };
    process_event(d->process, 0, KIND_CHANGED, facts, by.len > 0 ? 4 : 3, sentence,
                  SLICE_ARG(domain));
}

/* The selectors of the keys that nobody has seen in DNS yet. */
static struct slice waiting(struct keys_dkim *d, struct slice domain, struct arena *a) WAITS {
    const struct keyring_domain *keys;
    _cleanup_(buf_done) struct buf list = {0};
    if (look_up(d, domain, &keys, NULL) < 0)
        return S("");
    for (size_t i = 0; i < keys->count; i++)
        if (keys->list[i].seen == 0 && keys->list[i].left == 0)
            buf_printf(&list, "%s%s", list.len > 0 ? " " : "", keys->list[i].selector);
    return arena_copy(a, buf_slice(&list));
}

/* ------------------------------------------------------------------ calls */

int keys_dkim_keep(struct keys_dkim *d, struct slice domain, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct work w = {.domain = domain};
    int r = change(d, OFFLOAD_LATER, keep_work, &w, problem);
    if (r != 1)
        return r;
    struct slice selectors = waiting(d, domain, &a);
    tell(d, "dkim.make", domain, S(""), selectors,
         "DKIM keys of %.*s are there; they sign as soon as DNS shows them (hayauma dns).");
    return 0;
}

int keys_dkim_drop(struct keys_dkim *d, struct slice domain, struct problem *problem) {
    struct work w = {.domain = domain};
    return slice_eq(domain, d->process->conf->hostname)
               ? 0
               : change(d, OFFLOAD_DISK, drop_work, &w, problem);
}

int keys_dkim_rotate(struct keys_dkim *d, struct slice domain, struct slice by,
                     struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct work w = {.domain = domain};
    int r = change(d, OFFLOAD_LATER, rotate_work, &w, problem);
    if (r < 0)
        return r;
    struct slice selectors = waiting(d, domain, &a);
    tell(d, "dkim.rotate", domain, by, selectors,
         "New DKIM keys of %.*s are there; they sign a day after DNS shows them (hayauma dns).");
    return 0;
}

int keys_dkim_seen(struct keys_dkim *d, struct slice domain, struct slice selector,
                   struct problem *problem) {
    struct work w = {.domain = domain, .selector = selector};
    int r = change(d, OFFLOAD_DISK, seen_work, &w, problem);
    if (r == 1)
        tell(d, "dkim.seen", domain, S(""), selector, "DNS shows a new DKIM key of %.*s.");
    return MIN(r, 0);
}

static void add_public(const struct keyring_domain *keys, const struct keyring_key *k, int64_t now,
                       struct arena *a, struct rpc_dkim_public *to) {
    *to = (struct rpc_dkim_public){
        .selector = arena_copy(a, slice_of_str(k->selector)),
        .algorithm = (uint8_t)k->algorithm,
        .made = k->made,
        .seen = k->seen,
        .left = k->left,
        .signs = keyring_signs(keys, k->algorithm, now) == k,
        .record = arena_copy(a, slice_of_str(k->record)),
    };
}

int keys_dkim_list(struct keys_dkim *d, const struct rpc_keys_dkim_in *in, struct arena *a,
                   struct rpc_keys_dkim_out *out, struct problem *problem) {
    const struct keyring_domain *keys;
    int r = look_up(d, in->domain, &keys, problem);
    if (r == 0 && keys->count == 0 && slice_eq(in->domain, d->process->conf->hostname)) {
        r = keys_dkim_keep(d, in->domain, problem);
        if (r == 0)
            r = look_up(d, in->domain, &keys, problem);
    }
    if (r < 0)
        return r;
    out->keys = arena_array(a, keys->count, sizeof *out->keys);
    out->keys_count = keys->count;
    for (size_t i = 0; i < keys->count; i++)
        add_public(keys, &keys->list[i], fiber_wall() / USEC_SEC, a, &out->keys[i]);
    return 0;
}

struct signing {
    const struct rpc_keys_dkim_sign_in *in;
    EVP_PKEY **keys;
    struct arena *arena;
    struct slice *signatures;
};

static int sign_work(void *arg) {
    struct signing *s = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->in->selectors_count; i++)
        r = signing_sign(s->keys[i], (const unsigned char *)s->in->digests[i].ptr, s->arena,
                         &s->signatures[i]);
    return r;
}

static int find_keys(const struct keyring_domain *keys, const struct rpc_keys_dkim_sign_in *in,
                     EVP_PKEY **ret, struct problem *problem) {
    for (size_t i = 0; i < in->selectors_count; i++) {
        ret[i] = NULL;
        for (size_t k = 0; k < keys->count && !ret[i]; k++)
            if (slice_eq(slice_of_str(keys->list[k].selector), in->selectors[i]))
                ret[i] = keys->list[k].key;
        if (!ret[i])
            return problem_set(problem, -E_UNKNOWN, N_("%.*s has no DKIM key %.*s"),
                               SLICE_ARG(in->domain), SLICE_ARG(in->selectors[i]));
        if (in->digests[i].len != DIGEST_LEN)
            return problem_set(problem, -EINVAL, "a digest has %u bytes", DIGEST_LEN);
    }
    return 0;
}

int keys_dkim_sign(struct keys_dkim *d, const struct rpc_keys_dkim_sign_in *in, struct arena *a,
                   struct rpc_keys_dkim_sign_out *out, struct problem *problem) {
    const struct keyring_domain *keys;
    if (in->digests_count != in->selectors_count)
        return problem_set(problem, -EINVAL, "not a digest for each key");
    struct signing s = {in, arena_array(a, in->selectors_count, sizeof *s.keys), a,
                        arena_array(a, in->selectors_count, sizeof *s.signatures)};
    int r = look_up(d, in->domain, &keys, problem);
    if (r == 0)
        r = find_keys(keys, in, s.keys, problem);
    if (r < 0)
        return r;
    for (size_t i = 0; i < in->selectors_count; i++)
        (void)EVP_PKEY_up_ref(s.keys[i]);    /* the keys may be forgotten meanwhile */
    r = offload(OFFLOAD_KDF, sign_work, &s); /* RSA takes a millisecond */
    for (size_t i = 0; i < in->selectors_count; i++)
        EVP_PKEY_free(s.keys[i]);
    out->signatures = s.signatures;
    out->signatures_count = in->selectors_count;
    return r;
}

/* ------------------------------------------------------------------ all domains */

struct listing {
    int folder;
    struct arena *arena;
    struct slice *list;
    size_t count;
};

static int list_work(void *arg) {
    struct listing *l = arg;
    return keyring_domains(l->folder, l->arena, &l->list, &l->count);
}

static int by_name(const void *a, const void *b) {
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static int list_all(struct keys_dkim *d, struct arena *a, struct listing *ret) WAITS {
    *ret = (struct listing){.folder = d->folder, .arena = a};
    int r = fiber_mutex_lock(&d->turn);
    if (r < 0)
        return r;
    r = offload(OFFLOAD_DISK, list_work, ret);
    fiber_mutex_unlock(&d->turn);
    if (r == 0 && ret->count > 0)
        qsort(ret->list, ret->count, sizeof *ret->list, by_name);
    return r;
}

int keys_dkim_domains(struct keys_dkim *d, struct slice after, struct arena *a, struct slice **ret,
                      size_t *ret_count) {
    struct listing all = {0};
    size_t from = 0;
    int r = list_all(d, a, &all);
    if (r < 0)
        return r;
    while (from < all.count && slice_cmp(all.list[from], after) <= 0)
        from++;
    *ret = all.list + from;
    *ret_count = MIN(all.count - from, (size_t)DOMAINS_MAX);
    return 0;
}

/* ------------------------------------------------------------------ looking after them */

static int look_after(struct keys_dkim *d, struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice host = arena_copy(&a, d->process->conf->hostname);
    struct listing all = {0};
    /* So long a message may be under way behind the last attempt here, and a day. By a clock that
     * may be wrong nothing is old. */
    int64_t keep = keyring_life(d->process->conf->queue.lifetime / USEC_SEC) + 86400;
    if (!even_clock_settled(&d->clock, fiber_now(), fiber_wall(), EVEN_CLOCK_SETTLES))
        keep = INT64_MAX;
    int r = slice_find_byte(host, '.') < 0 ? 0 : keys_dkim_keep(d, host, problem);
    if (r == 0)
        r = list_all(d, &a, &all);
    for (size_t i = 0; r >= 0 && i < all.count; i++) {
        struct work w = {.domain = all.list[i], .keep = keep};
        r = change(d, OFFLOAD_LATER, tend_work, &w, problem);
    }
    return MIN(r, 0);
}

static void look_fiber(void *arg) WAITS {
    struct keys_dkim *d = arg;
    usec_t pause = FIRST_LOOK;
    while (fiber_sleep(pause) == 0) {
        struct problem problem = {0};
        int r = look_after(d, &problem);
        if (r == -ECANCELED)
            return;
        if (r < 0)
            process_event(d->process, 0, KIND_WARNING, NULL, 0,
                          "DKIM keys cannot be looked after: %s",
                          problem.text[0] ? problem.text : error_text(r));
        pause = r < 0 ? LOOK_AGAIN : LOOK_EVERY;
    }
}

int keys_dkim_go(struct keys_dkim *d) {
    return fiber_spawn_under(d->process->root, "DKIM keys", look_fiber, d);
}

int keys_dkim_open(struct process *p, struct keys_dkim **ret, struct problem *problem) {
    struct keys_dkim *d = NEW(struct keys_dkim);
    d->process = p;
    fiber_mutex_init(&d->turn);
    d->clock = even_clock_begin(fiber_now(), fiber_wall());
    if (mkdir(FOLDER, 0700) < 0 && errno != EEXIST)
        return problem_set(problem, -errno, "keys/" FOLDER " cannot be made: %s",
                           error_text(errno));
    d->folder = open(FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (d->folder < 0)
        return problem_set(problem, -errno, "keys/" FOLDER " cannot be opened: %s",
                           error_text(errno));
    *ret = d;
    return 0;
}
