/* SPDX-License-Identifier: ISC */
/*
 * Two batches: one fills while the other one is written in another thread. The working fiber alone
 * writes, prunes and replaces the database; calls read through a connection of their own, one at a
 * time. A call first waits until all events that came before it are written, so that what memory
 * holds never has to be merged with what the database says.
 *
 * A batch that cannot be written is kept and tried again every few seconds, and what comes
 * meanwhile waits in memory up to the bound. Only a database that is damaged or too new is put
 * aside.
 */
#include "journey/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fiber/sync.h"
#include "fiber/wait.h"
#include "journey/db.h"
#include "journey/event.h"
#include "journey/kinds.h"

#define BATCH_EVENTS 1000U
#define RETRY_AFTER  (5 * USEC_SEC)
#define FIND_MAX     1000U

/* Somebody waits for news of a letter (0: of any). */
struct follower {
    struct link link;
    letter_id letter;
    bool hit;
};

#define LEDGER_MAGIC 0x4c454447U

struct ledger {
    unsigned magic;
    struct ledger_options options;
    char *path;
    struct batch filling, writing;
    usec_t filling_since;
    uint64_t added, written; /* counts of events; those given up count as written */
    uint64_t lost, lost_in_all;
    bool working, over, stopping, hurry, failing, damaged, tried;
    usec_t check_at;    /* when to look for events to prune */
    uint64_t unchecked; /* bytes written since then */
    struct fiber_cond filled, stored, ended;
    struct fiber_mutex reading;
    struct db *writer, *reader;
    struct list followers;
};

struct ledger *ledger_new(const struct ledger_options *options) {
    struct ledger *l = NEW(struct ledger);
    l->magic = LEDGER_MAGIC;
    l->options = *options;
    l->path = mem_str(slice_of_str(options->path));
    if (l->options.memory_max == 0)
        l->options.memory_max = LEDGER_MEMORY_MAX;
    if (l->options.step == 0)
        l->options.step = BATCH_EVENTS;
    if (l->options.check_every == 0)
        l->options.check_every = 10 * USEC_SEC;
    fiber_cond_init(&l->filled);
    fiber_cond_init(&l->stored);
    fiber_cond_init(&l->ended);
    fiber_mutex_init(&l->reading);
    list_init(&l->followers);
    return l;
}

void ledger_free(struct ledger *l) {
    if (!l)
        return;
    MUST(l->magic == LEDGER_MAGIC && !l->working && list_empty(&l->followers));
    ledger_db_close(l->reader);
    ledger_db_close(l->writer);
    buf_done(&l->filling.events);
    buf_done(&l->writing.events);
    free(l->path);
    l->magic = 0;
    free(l);
}

void ledger_set_limits(struct ledger *l, usec_t keep, uint64_t size_max) {
    l->options.keep = keep;
    l->options.size_max = size_max;
    l->check_at = 0;
    fiber_cond_wake_all(&l->filled);
}

void ledger_stats(const struct ledger *l, struct ledger_stats *ret) {
    *ret = (struct ledger_stats){l->added, l->written, l->lost_in_all,
                                 l->filling.events.len + l->writing.events.len};
}

/* ------------------------------------------------------------------ taking events */

static usec_t right_wall(usec_t wall) {
    usec_t now = fiber_wall();
    return wall > now + USEC_DAY || wall < now - USEC_DAY ? now : wall;
}

static void append(struct batch *b, enum role role, const struct rpc_ledger_event_in *event,
                   usec_t wall) {
    buf_add_u64(&b->events, (uint64_t)wall);
    buf_add_u64(&b->events, event->letter);
    size_t len_at = b->events.len;
    buf_add_u32(&b->events, 0);
    event_encode(&b->events, role, event);
    put_u32(b->events.ptr + len_at, (uint32_t)(b->events.len - len_at - sizeof(uint32_t)));
    b->count++;
}

static void tell_followers(struct ledger *l, letter_id letter) {
    LIST_EACH (f, &l->followers, struct follower, link) {
        if (f->letter != 0 && f->letter != letter)
            continue;
        f->hit = true;
        l->hurry |= f->letter != 0;
    }
}

void ledger_add(struct ledger *l, enum role role, const struct rpc_ledger_event_in *event) {
    usec_t wall = right_wall(event->wall);
    if (l->options.added) {
        struct rpc_event e = {.wall = wall,
                              .letter = event->letter,
                              .role = slice_of_str(role_name(role)),
                              .kind = event->kind,
                              .text = event->text,
                              .fields = event->fields,
                              .fields_count = event->fields_count};
        l->options.added(l->options.arg, &e);
    }
    if (l->filling.events.len + l->writing.events.len >= l->options.memory_max) {
        l->lost++;
        l->lost_in_all++;
        return;
    }
    if (l->filling.count == 0)
        l->filling_since = fiber_now();
    append(&l->filling, role, event, wall);
    l->added++;
    tell_followers(l, event->letter);
    if (l->filling.count == 1 || l->filling.count == BATCH_EVENTS || l->hurry)
        fiber_cond_wake_all(&l->filled);
}

void ledger_say(struct ledger *l, const char *kind, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct rpc_ledger_event_in event = {
        .wall = fiber_wall(),
        .kind = slice_of_str(kind),
        .text = slice_of(text, MIN((size_t)MAX(len, 0), sizeof text - 1)),
    };
    ledger_add(l, ROLE_LEDGER, &event);
}

/* ------------------------------------------------------------------ the database */

struct write_job {
    struct ledger *ledger;
    struct db_limits limits;
    uint64_t step;
    struct problem problem;
};

static int write_job(void *arg) {
    struct write_job *job = arg;
    struct ledger *l = job->ledger;
    int r = l->writer ? 0 : ledger_db_open(l->path, false, &l->writer, &job->problem);
    if (r == 0 && l->writing.count > 0)
        r = db_write(l->writer, &l->writing, &job->problem);
    return r;
}

static int prune_job(void *arg) {
    struct write_job *job = arg;
    return db_prune(job->ledger->writer, &job->limits, job->step, &job->problem);
}

/* Renames the database with its log; its shared memory is made anew. */
static int put_aside_job(void *arg) {
    struct ledger *l = arg;
    _cleanup_(free_p) char *to = mem_printf("%s.damaged", l->path);
    _cleanup_(free_p) char *log = mem_printf("%s-wal", l->path);
    _cleanup_(free_p) char *log_to = mem_printf("%s-wal", to);
    _cleanup_(free_p) char *memory = mem_printf("%s-shm", l->path);
    ledger_db_close(l->reader);
    ledger_db_close(l->writer);
    l->reader = l->writer = NULL;
    (void)unlink(log_to);
    int r = rename(l->path, to) < 0 && errno != ENOENT ? -errno : 0;
    if (r == 0 && rename(log, log_to) < 0 && errno != ENOENT)
        r = -errno;
    (void)unlink(memory);
    return r;
}

static int put_aside(struct ledger *l) {
    int r = fiber_mutex_lock(&l->reading);
    if (r < 0)
        return r;
    r = offload(OFFLOAD_DISK, put_aside_job, l);
    fiber_mutex_unlock(&l->reading);
    l->damaged = false;
    return r;
}

/* A database that nobody can use makes place for a new one; said once it could be begun. */
static int write_batch(struct ledger *l) {
    struct write_job job = {.ledger = l};
    int r = l->damaged ? problem_set(&job.problem, -E_CORRUPT, "ledger.db is damaged")
                       : offload(OFFLOAD_DISK, write_job, &job);
    if (r != -E_CORRUPT && r != -E_VERSION) {
        if (r < 0 && !l->failing)
            ledger_say(l, KIND_ERROR, "Events cannot be written: %s.",
                       job.problem.text[0] ? job.problem.text : error_text(r));
        return r;
    }
    struct problem cause = job.problem;
    r = put_aside(l);
    if (r == 0)
        r = offload(OFFLOAD_DISK, write_job, &job);
    if (!l->failing)
        ledger_say(l, KIND_DAMAGED, "%s; it was renamed to %s.damaged, and %s.", cause.text,
                   l->path, r == 0 ? "a new one has begun" : "a new one cannot be begun");
    return r;
}

/* ------------------------------------------------------------------ the working fiber */

/* Until a batch has filled, or its time has come, or there is something else to do. */
static void gather(struct ledger *l, usec_t retry_at) {
    int r = 0;
    while (r == 0 && !l->stopping && !l->damaged) {
        usec_t until = l->check_at;
        if (retry_at > 0)
            until = retry_at;
        else if (l->writing.count > 0 || l->hurry || l->filling.count >= BATCH_EVENTS)
            return;
        else if (l->filling.count > 0)
            until = MIN(until, l->filling_since + LEDGER_WRITE_DELAY);
        if (fiber_now() >= until)
            return;
        r = fiber_cond_wait_until(&l->filled, until);
    }
    if (r == -ECANCELED)
        l->stopping = true;
}

static void report_lost(struct ledger *l) {
    uint64_t lost = l->lost;
    if (lost == 0)
        return;
    l->lost = 0;
    ledger_say(l, KIND_LOST,
               "%llu events were not kept: they came faster than they can be written.",
               (unsigned long long)lost);
}

static int write_some(struct ledger *l) {
    if (l->writing.count == 0) {
        struct batch empty = l->writing;
        l->writing = l->filling;
        l->filling = empty;
        l->hurry = false;
    }
    size_t count = l->writing.count;
    int r = write_batch(l);
    l->tried = true;
    l->failing = r < 0;
    if (r == 0) {
        l->written += count;
        l->unchecked += l->writing.events.len;
        l->writing.count = 0;
        buf_clear(&l->writing.events);
        if (l->writing.events.size > LEDGER_MEMORY_MAX / 8)
            buf_done(&l->writing.events);
        report_lost(l);
    }
    fiber_cond_wake_all(&l->stored);
    return r;
}

/* One step; the next one follows behind the next batch, or at once when nothing else is to do. */
static void prune(struct ledger *l, size_t written) {
    if (l->unchecked > l->options.size_max / 64)
        l->check_at = 0;
    if (!l->writer || fiber_now() < l->check_at)
        return;
    l->unchecked = 0;
    struct write_job job = {.ledger = l,
                            .limits = {fiber_wall() - l->options.keep, l->options.size_max},
                            .step = MAX(l->options.step, 2 * written)};
    int r = offload(OFFLOAD_DISK, prune_job, &job);
    if (r == -E_CORRUPT)
        l->damaged = true;
    if (r != 1)
        l->check_at = fiber_now() + l->options.check_every;
}

void ledger_work(void *arg) {
    struct ledger *l = arg;
    usec_t retry_at = 0;
    MUST(l->magic == LEDGER_MAGIC && !l->working && !l->over);
    l->working = true;
    do {
        uint64_t before = l->written;
        int r = write_some(l);
        retry_at = r < 0 ? fiber_now() + RETRY_AFTER : 0;
        if (r == 0)
            prune(l, (size_t)(l->written - before));
        gather(l, retry_at);
    } while (!l->stopping);
    while (l->filling.count + l->writing.count > 0 && write_some(l) == 0)
        ;
    l->working = false;
    l->over = true;
    fiber_cond_wake_all(&l->stored);
    fiber_cond_wake_all(&l->ended);
}

void ledger_stop(struct ledger *l) {
    l->stopping = true;
    fiber_cond_wake_all(&l->filled);
    fiber_cond_wake_all(&l->stored);
    while (!l->over && fiber_cond_wait(&l->ended) == 0)
        ;
}

/* ------------------------------------------------------------------ reading */

struct read_job {
    struct ledger *ledger;
    int (*fn)(struct db *db, void *arg, struct problem *problem);
    void *arg;
    struct problem *problem;
};

static int read_job(void *arg) {
    struct read_job *job = arg;
    struct ledger *l = job->ledger;
    int r = l->reader ? 0 : ledger_db_open(l->path, true, &l->reader, job->problem);
    return r == 0 ? job->fn(l->reader, job->arg, job->problem) : r;
}

/* Waits until what came so far is written, or cannot be. */
static int flush(struct ledger *l, struct problem *problem) {
    uint64_t added = l->added;
    while (!l->over && !l->stopping && !l->failing && (l->written < added || !l->tried)) {
        l->hurry = true;
        fiber_cond_wake_all(&l->filled);
        int r = fiber_cond_wait(&l->stored);
        if (r < 0)
            return problem_set(problem, r, "the ledger did not answer in time");
    }
    return 0;
}

static int run_read(struct ledger *l, int (*fn)(struct db *db, void *arg, struct problem *problem),
                    void *arg, struct problem *problem) {
    struct read_job job = {l, fn, arg, problem};
    MUST(l->magic == LEDGER_MAGIC);
    int r = flush(l, problem);
    if (r == 0)
        r = fiber_mutex_lock(&l->reading);
    if (r < 0)
        return problem_set(problem, r, "the ledger did not answer in time");
    r = offload(OFFLOAD_DISK, read_job, &job);
    fiber_mutex_unlock(&l->reading);
    if (r == -E_CORRUPT) {
        l->damaged = true;
        fiber_cond_wake_all(&l->filled);
    }
    return r;
}

struct find_arg {
    struct slice what;
    struct letters letters;
};

static int find_fn(struct db *db, void *arg, struct problem *problem) {
    struct find_arg *f = arg;
    return db_find(db, f->what, &f->letters, problem);
}

int ledger_find(struct ledger *l, struct slice what, unsigned limit, struct arena *a,
                letter_id **ret, size_t *ret_count, struct problem *problem) {
    struct find_arg f = {.what = what, .letters.max = MIN(MAX(limit, 1U), FIND_MAX)};
    f.letters.list = arena_array(a, f.letters.max, sizeof *f.letters.list);
    int r = run_read(l, find_fn, &f, problem);
    if (r < 0)
        return r;
    *ret = f.letters.list;
    *ret_count = f.letters.count;
    return 0;
}

/* ------------------------------------------------------------------ reading and waiting */

struct events_arg {
    letter_id letter; /* of a journey */
    uint64_t after, last;
    struct log_range range;
    struct page page;
};

static int journey_fn(struct db *db, void *arg, struct problem *problem) {
    struct events_arg *e = arg;
    int r = db_clamp(db, &e->after, problem);
    return r < 0 ? r : db_journey(db, e->letter, e->after, &e->page, problem);
}

static int log_fn(struct db *db, void *arg, struct problem *problem) {
    struct events_arg *e = arg;
    int r = 0;
    if (e->last > 0)
        r = db_log_last(db, e->last, e->range.role, &e->range.after, problem);
    e->last = 0;
    if (r == 0)
        r = db_clamp(db, &e->range.after, problem);
    if (r == 0)
        r = db_log(db, &e->range, &e->page, problem);
    return r;
}

typedef int events_fn(struct db *db, void *arg, struct problem *problem);

/* Reads a page; a log that is searched for one role is read on until something is found. */
static int read_page(struct ledger *l, events_fn *fn, struct events_arg *e,
                     struct problem *problem) {
    int r;
    do
        r = run_read(l, fn, e, problem);
    while (r == 0 && e->page.count == 0 && e->range.more && !l->stopping);
    return r;
}

/* Until news came, the time is over, or the ledger ends. */
static int wait_for_news(struct ledger *l, struct follower *f, usec_t until) {
    int r = 0;
    while (r == 0 && !f->hit && !l->stopping)
        r = fiber_cond_wait_until(&l->stored, until);
    return f->hit ? 0 : r;
}

static int read_events(struct ledger *l, events_fn *fn, struct events_arg *e, usec_t wait,
                       struct arena *a, struct ledger_events *ret, struct problem *problem) {
    struct follower f = {.letter = e->letter};
    usec_t until = fiber_now() + MIN(MAX(wait, (usec_t)0), LEDGER_WAIT_MAX);
    e->page = (struct page){.arena = a};
    e->page.events = arena_array(a, PAGE_EVENTS, sizeof *e->page.events);
    list_append(&l->followers, &f.link);
    int r = read_page(l, fn, e, problem);
    while (r == 0 && e->page.count == 0 && !l->stopping && fiber_now() < until) {
        int waited = wait_for_news(l, &f, until);
        if (waited == -ECANCELED)
            r = waited;
        if (waited < 0 || !f.hit)
            break;
        f.hit = false;
        r = read_page(l, fn, e, problem);
    }
    link_remove(&f.link);
    if (r == 0)
        *ret = (struct ledger_events){e->page.events, e->page.count};
    return r;
}

int ledger_journey(struct ledger *l, letter_id letter, uint64_t after, usec_t wait, struct arena *a,
                   struct ledger_events *ret, struct problem *problem) {
    struct events_arg e = {.letter = letter, .after = after};
    return read_events(l, journey_fn, &e, wait, a, ret, problem);
}

int ledger_log(struct ledger *l, const struct ledger_question *q, struct arena *a,
               struct ledger_events *ret, struct problem *problem) {
    struct events_arg e = {.last = q->last, .range = {.after = q->after, .role = q->role}};
    return read_events(l, log_fn, &e, q->wait, a, ret, problem);
}
