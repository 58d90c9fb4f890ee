/* SPDX-License-Identifier: ISC */
/*
 * How much each account has sent (sending.h) is kept in memory for those that sent lately, and
 * written to the file together with others: at most a minute late while messages come, when an
 * account gives way to another one, and at the end. A process that is killed forgets that minute.
 * What could not be written (a full disk) stays in memory, and is written with what comes later.
 */
#include <errno.h>

#include "base/alloc.h"
#include "directory/admin.h"
#include "directory/internal.h"
#include "directory/records.h"
#include "fiber/wait.h"

#define SENDERS_MAX  2048U /* 4 KiB each */
#define SENDERS_LOST 8192U /* and those that cannot be written; more do not send */
#define WRITE_AFTER  USEC_MIN
#define WRITE_AGAIN  USEC_SEC /* when it failed */

struct sender {
    struct link by_use; /* first: unused for longest */
    uint64_t account_id;
    struct sending state;
    struct sending_limits own;
    uint64_t changed, written; /* numbers of the last change, and of that in the file */
};

static bool is_changed(const struct sender *s) {
    return s->changed > s->written;
}

/* ------------------------------------------------------------------ writing */

static struct sender *find(const struct directory *d, uint64_t account_id) {
    return map_get(&d->senders, map_u64(&account_id));
}

/* Copies, since the senders go on while a thread writes. */
struct write {
    uint64_t account_id, change;
    struct buf state;
};

struct writing {
    struct write *list;
    size_t count;
};

static int write_job(struct db *db, void *arg) {
    const struct writing *w = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < w->count; i++)
        r = db_run(db,
                   "INSERT INTO sending (account_id, state) SELECT ?1, ?2 WHERE " SOMEBODY_HAS_1
                   " ON CONFLICT (account_id) DO UPDATE SET state = excluded.state",
                   V(w->list[i].account_id), V_BYTES(buf_slice(&w->list[i].state)));
    return r;
}

int directory_write_sending(struct directory *d) {
    struct writing w = {.list = mem_array(d->senders.count, sizeof *w.list)};
    LIST_EACH (s, &d->senders_by_use, struct sender, by_use) {
        if (!is_changed(s) || d->read_only)
            continue;
        w.list[w.count].account_id = s->account_id;
        w.list[w.count].change = s->changed;
        sending_encode(&s->state, &w.list[w.count++].state);
    }
    d->sending_since = fiber_now();
    int r = w.count > 0 ? directory_run(d, JOB_RECORD, write_job, &w, NULL) : 0;
    d->sending_failed = r < 0;
    for (size_t i = 0; i < w.count; i++) {
        struct sender *s = r < 0 ? NULL : find(d, w.list[i].account_id);
        if (s)
            s->written = MAX(s->written, w.list[i].change);
        buf_done(&w.list[i].state);
    }
    free(w.list);
    return r;
}

/* ------------------------------------------------------------------ memory */

static void forget(struct directory *d, struct sender *s) {
    (void)map_remove(&d->senders, map_u64(&s->account_id));
    link_remove(&s->by_use);
    free(s);
}

void directory_forget_sender(struct directory *d, uint64_t account_id) {
    struct sender *s = find(d, account_id);
    if (s)
        forget(d, s);
}

void directory_forget_senders(struct directory *d) {
    LIST_EACH (s, &d->senders_by_use, struct sender, by_use)
        forget(d, s);
    map_done(&d->senders);
}

struct loading {
    uint64_t account_id;
    struct sender *sender;
};

static int load_job(struct db *db, void *arg) {
    struct loading *l = arg;
    sqlite3_stmt *row = NULL;
    _cleanup_(arena_done) struct arena a = {0};
    int r = db_row(db, &row,
                   "SELECT state, messages_hour, messages_day, new_hour, new_day FROM sending"
                   " WHERE account_id = ?1",
                   V(l->account_id));
    for (int i = 0; i < SENDING_LIMITS; i++)
        l->sender->own.most[i] = r == 1 ? db_i64(row, i + 1) : SENDING_DEFAULT;
    if (r == 1)
        sending_decode(db_copy(row, 0, &a), &l->sender->state);
    return MIN(r, 0);
}

/* The account's sender, from memory or from the file. */
static int get(struct directory *d, uint64_t account_id, struct sender **ret,
               struct problem *problem) WAITS {
    struct sender *s = find(d, account_id);
    if (!s) {
        struct sender *made = NEW(struct sender);
        struct loading l = {account_id, made};
        int r = directory_vouch(d, account_id, problem);
        if (r == 0 || r == -E_UNKNOWN)
            r = directory_run(d, JOB_READ, load_job, &l, problem);
        s = find(d, account_id); /* somebody else may have been quicker */
        if (r < 0 || s) {
            free(made);
        } else {
            s = made;
            s->account_id = account_id;
            (void)map_put(&d->senders, map_u64(&s->account_id), s);
        }
        if (r < 0)
            return r;
    }
    link_remove(&s->by_use);
    list_append(&d->senders_by_use, &s->by_use);
    *ret = s;
    return 0;
}

/* Those that were not used for longest give way. */
static void make_room(struct directory *d) WAITS {
    if (d->senders.count <= SENDERS_MAX)
        return;
    if (!d->sending_failed || fiber_now() - d->sending_since >= WRITE_AGAIN)
        (void)directory_write_sending(d);
    LIST_EACH (s, &d->senders_by_use, struct sender, by_use) {
        if (d->senders.count <= SENDERS_MAX)
            return;
        if (!is_changed(s))
            forget(d, s);
    }
}

/* ------------------------------------------------------------------ counting */

void directory_set_sending_limits(struct directory *d, const struct sending_limits *limits) {
    d->sending_limits = *limits;
}

static struct sending_limits limits_of(const struct directory *d, const struct sender *s) {
    struct sending_limits limits = d->sending_limits;
    for (size_t i = 0; i < SENDING_LIMITS; i++)
        if (s->own.most[i] != SENDING_DEFAULT)
            limits.most[i] = s->own.most[i];
    return limits;
}

int directory_count_message(struct directory *d, uint64_t account_id,
                            const struct slice *recipients, size_t count,
                            struct sending_verdict *ret) {
    struct sender *s;
    if (d->senders.count >= SENDERS_LOST && !find(d, account_id))
        return -ENOSPC;
    int r = get(d, account_id, &s, NULL);
    if (r < 0)
        return r;
    struct sending_limits limits = limits_of(d, s);
    *ret = sending_decide(&s->state, &limits, recipients, count, fiber_wall());
    s->changed = ++d->sending_changes;
    make_room(d);
    if (fiber_now() - d->sending_since >= WRITE_AFTER)
        (void)directory_write_sending(d);
    return 0;
}

/* ------------------------------------------------------------------ for the postmaster */

struct setting {
    struct author author;
    struct slice address;
    enum sending_limit limit;
    int64_t most;
    struct arena *arena;
    uint64_t id;
};

/* "messages-per-hour 500": for the history. */
static struct slice in_words(const struct setting *s, int64_t most) {
    const char *name = sending_limit_name(s->limit);
    return most == SENDING_DEFAULT ? arena_printf(s->arena, "%s default", name)
                                   : arena_printf(s->arena, "%s %lld", name, (long long)most);
}

static int set_job(struct db *db, void *arg) {
    static const struct {
        const char *read, *write;
    } statements[SENDING_LIMITS] = {
        [SENDING_MESSAGES_HOUR] = {"SELECT messages_hour FROM sending WHERE account_id = ?1",
                                   "UPDATE sending SET messages_hour = ?2 WHERE account_id = ?1"},
        [SENDING_MESSAGES_DAY] = {"SELECT messages_day FROM sending WHERE account_id = ?1",
                                  "UPDATE sending SET messages_day = ?2 WHERE account_id = ?1"},
        [SENDING_NEW_HOUR] = {"SELECT new_hour FROM sending WHERE account_id = ?1",
                              "UPDATE sending SET new_hour = ?2 WHERE account_id = ?1"},
        [SENDING_NEW_DAY] = {"SELECT new_day FROM sending WHERE account_id = ?1",
                             "UPDATE sending SET new_day = ?2 WHERE account_id = ?1"},
    };
    struct setting *s = arg;
    int64_t before = SENDING_DEFAULT;
    int r = db_run(db,
                   "INSERT INTO sending (account_id, state) SELECT ?1, x'' WHERE " SOMEBODY_HAS_1
                   " ON CONFLICT (account_id) DO NOTHING",
                   V(s->id));
    if (r == 0)
        r = db_number(db, &before, statements[s->limit].read, V(s->id));
    if (r >= 0)
        r = db_run(db, statements[s->limit].write, V(s->id), V(s->most));
    return r < 0 ? r
                 : history_add(db, &s->author, "account.limits", s->address, in_words(s, before),
                               in_words(s, s->most));
}

int directory_account_set_limit(struct directory *d, const struct order *order,
                                struct slice address, enum sending_limit limit, int64_t most,
                                struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct name name;
    int r = name_parse(&a, address, &name, problem);
    if (r < 0)
        return r;
    struct account account;
    r = d->source->ops->account(d->source, 0, name.text, &a, &account, problem);
    if (r == 0)
        r = directory_vouch(d, account.id, problem);
    if (r < 0)
        return r;
    struct setting setting = {.author = author_of(order),
                              .address = name.text,
                              .limit = limit,
                              .most = most,
                              .arena = &a,
                              .id = account.id};
    r = directory_run(d, JOB_RECORD, set_job, &setting, problem);
    struct sender *s = r == 0 ? find(d, setting.id) : NULL;
    if (s)
        s->own.most[limit] = most;
    return r;
}

int directory_account_limits(struct directory *d, struct slice address, struct arena *a,
                             struct account_limit ret[static SENDING_LIMITS],
                             struct problem *problem) {
    struct account account;
    struct sender *s;
    int r = directory_account_show(d, address, a, &account, problem);
    if (r == 0)
        r = get(d, account.id, &s, problem);
    if (r < 0)
        return r;
    struct sending_limits limits = limits_of(d, s);
    for (unsigned i = 0; i < SENDING_LIMITS; i++)
        ret[i] = (struct account_limit){
            .used = sending_used(&s->state, (enum sending_limit)i, fiber_wall()),
            .most = (uint64_t)limits.most[i],
            .own = s->own.most[i] != SENDING_DEFAULT,
        };
    make_room(d);
    return 0;
}
