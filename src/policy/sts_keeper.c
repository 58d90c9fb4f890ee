/* SPDX-License-Identifier: ISC */
/*
 * One row for each domain that was looked at, with or without a policy. A row that somebody asks
 * about is busy: who else wants it waits for him, so that a mailing causes one fetch.
 */
#include "policy/sts_keeper.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/words.h"
#include "fiber/sync.h"
#include "message/address/domain.h"

#define LOOK_EVERY  USEC_MIN
#define FETCH_EVERY USEC_DAY
#define FAILED_REST (5 * USEC_MIN)

struct row {
    struct slice domain; /* behind the struct */
    bool busy;
    usec_t used, looked; /* monotonic; looked 0: never */
    usec_t rests_until;  /* monotonic: no fetch before */
    int error;           /* of the last look or fetch; 0: none */
    char why[256];

    bool has_policy; /* the rest counts then */
    bool stale;      /* to be fetched by refresh() */
    char id[STS_ID_MAX + 1];
    struct arena memory;
    struct sts_policy policy;
    usec_t fetched, runs_out; /* wall time */
};

struct sts_keeper {
    struct sts_keeper_ops ops;
    struct map rows;
    struct fiber_cond freed;
    size_t bytes; /* of the policies in all rows */
    uint64_t changes;
    bool refreshing;
};

struct sts_keeper *sts_keeper_new(const struct sts_keeper_ops *ops) {
    struct sts_keeper *k = NEW(struct sts_keeper);
    k->ops = *ops;
    fiber_cond_init(&k->freed);
    return k;
}

static void row_free(struct row *row) {
    arena_done(&row->memory);
    free(row);
}

void sts_keeper_free(struct sts_keeper *k) {
    struct map_entry *e;
    size_t at = 0;
    if (!k)
        return;
    while ((e = map_next(&k->rows, &at)))
        row_free(e->value);
    map_done(&k->rows);
    free(k);
}

uint64_t sts_keeper_changes(const struct sts_keeper *k) {
    return k->changes;
}

/* ------------------------------------------------------------------ rows */

/* True: there was one to be forgotten. */
static bool forget_oldest(struct sts_keeper *k) {
    struct row *oldest = NULL;
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&k->rows, &at))) {
        struct row *row = e->value;
        if (!row->busy && (!oldest || row->used < oldest->used))
            oldest = row;
    }
    if (!oldest)
        return false;
    (void)map_remove(&k->rows, oldest->domain);
    k->changes += oldest->has_policy;
    k->bytes -= oldest->memory.total;
    row_free(oldest);
    return true;
}

static struct row *row_get(struct sts_keeper *k, struct slice domain) {
    struct row *row = map_get(&k->rows, domain);
    if (row)
        return row;
    while ((k->rows.count >= STS_KEPT_MAX || k->bytes > STS_KEPT_BYTES_MAX) && forget_oldest(k)) {
    }
    row = mem_zero(sizeof *row + domain.len);
    memcpy(row + 1, domain.ptr, domain.len);
    row->domain = slice_of(row + 1, domain.len);
    (void)map_put(&k->rows, row->domain, row);
    return row;
}

/* The row for nobody but the caller until row_leave(): 0 or -ECANCELED. */
static int row_enter(struct sts_keeper *k, struct slice domain, struct row **ret) WAITS {
    struct row *row;
    while ((row = row_get(k, domain))->busy) {
        int r = fiber_cond_wait(&k->freed);
        if (r < 0)
            return r;
    }
    row->busy = true;
    *ret = row;
    return 0;
}

static void row_leave(struct sts_keeper *k, struct row *row) {
    row->busy = false;
    row->used = fiber_now();
    fiber_cond_wake_all(&k->freed);
}

static void drop_policy(struct sts_keeper *k, struct row *row) {
    k->changes += row->has_policy;
    row->has_policy = false;
    row->policy = (struct sts_policy){0};
    k->bytes -= row->memory.total;
    arena_done(&row->memory);
}

/* The policy of `text`; true: it is another one than before. */
static int put_policy(struct sts_keeper *k, struct row *row, struct slice text, struct slice id,
                      usec_t fetched, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct sts_policy read;
    int r = sts_policy_read(text, &a, &read, problem);
    if (r < 0)
        return r;
    _cleanup_(buf_done) struct buf before = {0}, now = {0};
    sts_policy_write(&now, &read);
    if (row->has_policy)
        sts_policy_write(&before, &row->policy);
    drop_policy(k, row);
    MUST(sts_policy_read(buf_slice(&now), &row->memory, &row->policy, NULL) == 0);
    k->bytes += row->memory.total;
    (void)slice_to_str(id, row->id, sizeof row->id);
    row->has_policy = true;
    row->stale = false;
    row->fetched = fetched;
    row->runs_out = fetched + row->policy.max_age * USEC_SEC;
    k->changes++;
    return !slice_eq(buf_slice(&before), buf_slice(&now));
}

/* ------------------------------------------------------------------ asking */

static void note(struct row *row, int error, const char *why) {
    row->error = error;
    (void)slice_to_str(slice_first(slice_of_str(why), sizeof row->why - 1), row->why,
                       sizeof row->why);
}

/* 0 or 1 with the policy of this moment, 1: it has changed; -ECANCELED; else the row says why. */
static int fetch(struct sts_keeper *k, struct row *row, struct slice id) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct problem problem = {{0}};
    struct slice text;
    int r = k->ops.fetch(k->ops.arg, row->domain, &a, &text, &problem);
    if (r == 0)
        r = put_policy(k, row, text, id, fiber_wall(), &problem);
    if (r == -ECANCELED)
        return r;
    row->rests_until = fiber_now() + FAILED_REST;
    note(row, MIN(r, 0), r < 0 ? problem.text[0] ? problem.text : error_text(r) : "");
    return r;
}

/* What DNS says of the domain: 0 with an id, or as sts_record_find(); -ECANCELED. */
static int look(struct sts_keeper *k, struct row *row, struct arena *a,
                struct slice *ret_id) WAITS {
    struct dns_answer answer;
    struct slice name = arena_printf(a, "_mta-sts.%.*s", SLICE_ARG(row->domain));
    int r = k->ops.dns.query(k->ops.dns.arg, name, DNS_TXT, a, &answer);
    if (r == -ECANCELED)
        return r;
    row->looked = fiber_now();
    return r < 0 ? -E_TEMPORARY : sts_record_find(&answer, ret_id);
}

/* Fetches what is a day old, domain after domain. */
static void refresh(void *arg) WAITS {
    struct sts_keeper *k = arg;
    bool again = true;
    while (again && !fiber_cancelled()) {
        struct map_entry *e;
        size_t at = 0;
        again = false;
        while (!again && (e = map_next(&k->rows, &at))) {
            struct row *row = e->value;
            if (!row->stale || row->busy)
                continue;
            again = true;
            row->stale = false;
            row->busy = true;
            char id[STS_ID_MAX + 1];
            memcpy(id, row->id, sizeof id);
            (void)fetch(k, row, slice_of_str(id));
            row_leave(k, row);
        }
    }
    k->refreshing = false;
}

/* Brings a busy row up to date. 0 or -ECANCELED. */
static int update(struct sts_keeper *k, struct row *row) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice id = {0};
    if (row->has_policy && (row->runs_out <= fiber_wall()))
        drop_policy(k, row);
    if (row->looked > 0 && fiber_now() - row->looked < LOOK_EVERY)
        return 0;
    int r = look(k, row, &a, &id);
    bool rests = row->rests_until > fiber_now();
    if (r == -ECANCELED)
        return r;
    if (r < 0 && !row->has_policy)
        note(row, 0, "");
    if (r == 0 && !rests && (!row->has_policy || !slice_eq(id, slice_of_str(row->id))))
        return fetch(k, row, arena_copy(&a, id)) == -ECANCELED ? -ECANCELED : 0;
    usec_t age = fiber_wall() - row->fetched; /* one of the future cannot be right */
    if (!row->has_policy || rests || (age >= 0 && age < FETCH_EVERY))
        return 0;
    row->stale = true;
    if (!k->refreshing)
        k->refreshing = fiber_spawn_under(k->ops.root, "MTA-STS policies", refresh, k) == 0;
    return 0;
}

/* ------------------------------------------------------------------ finding */

static void tell(const struct row *row, struct arena *a, struct sts_found *ret) {
    _cleanup_(buf_done) struct buf text = {0};
    *ret = (struct sts_found){.error = row->error,
                              .why = arena_copy(a, slice_of_str(row->why)),
                              .id = arena_copy(a, slice_of_str(row->id))};
    if (!row->has_policy || row->policy.mode == STS_NONE)
        return;
    sts_policy_write(&text, &row->policy);
    ret->has_policy = true;
    ret->text = arena_copy(a, buf_slice(&text));
    MUST(sts_policy_read(ret->text, a, &ret->policy, NULL) == 0);
    ret->fetched = row->fetched;
    ret->runs_out = row->runs_out;
}

/* The one form of a domain that can have a policy; false: it is none. */
static bool take_domain(struct slice text, struct arena *a, struct slice *ret) {
    return domain_canonical(a, text, DOMAIN_UTF8 | DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT, ret,
                            NULL) == 0;
}

int sts_keeper_find(struct sts_keeper *k, struct slice domain, struct arena *a,
                    struct sts_found *ret) {
    struct row *row;
    struct slice name;
    *ret = (struct sts_found){0};
    if (!take_domain(domain, a, &name))
        return 0;
    int r = row_enter(k, name, &row);
    if (r < 0)
        return r;
    r = update(k, row);
    tell(row, a, ret);
    row_leave(k, row);
    return r;
}

bool sts_keeper_doubt(struct sts_keeper *k, struct slice domain) {
    _cleanup_(arena_done) struct arena a = {0};
    struct row *row;
    struct slice name, id = {0};
    bool changed = false;
    if (!take_domain(domain, &a, &name) || row_enter(k, name, &row) < 0)
        return false;
    if (row->has_policy && row->rests_until <= fiber_now() && look(k, row, &a, &id) != -ECANCELED)
        changed = fetch(k, row, arena_copy(&a, id.len > 0 ? id : slice_of_str(row->id))) == 1;
    row_leave(k, row);
    return changed;
}

/* ------------------------------------------------------------------ over restarts */

void sts_keeper_save(const struct sts_keeper *k, struct buf *to) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&k->rows, &at))) {
        const struct row *row = e->value;
        if (!row->has_policy)
            continue;
        buf_printf(to, "%.*s %s %lld\n", SLICE_ARG(row->domain), row->id[0] ? row->id : "-",
                   (long long)row->fetched);
        sts_policy_write(to, &row->policy);
        buf_add_byte(to, '\n');
    }
}

/* "example.net 20260101 1795000000000000" */
static void load_one(struct sts_keeper *k, struct slice head, struct slice policy) {
    _cleanup_(arena_done) struct arena a = {0};
    struct slice domain, id, time, name;
    uint64_t fetched;
    if (!slice_next_word(&head, &domain) || !slice_next_word(&head, &id) ||
        !slice_next_word(&head, &time) || slice_to_u64(time, INT64_MAX / 2, &fetched) < 0 ||
        !take_domain(domain, &a, &name) || id.len > STS_ID_MAX || k->rows.count >= STS_KEPT_MAX)
        return;
    struct row *row = row_get(k, name);
    (void)put_policy(k, row, policy, slice_eq(id, S("-")) ? S("") : id, (usec_t)fetched, NULL);
}

void sts_keeper_load(struct sts_keeper *k, struct slice text) {
    while (text.len > 0) {
        ssize_t end = slice_find(text, S("\n\n"));
        struct slice one = slice_first(text, end < 0 ? text.len : (size_t)end), head;
        text = slice_from(text, end < 0 ? text.len : (size_t)end + 2);
        if (slice_next(&one, '\n', &head) && one.ptr)
            load_one(k, head, one);
    }
}
