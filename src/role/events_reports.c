/* SPDX-License-Identifier: ISC */
/*
 * What is seen comes with every message of a stranger, so it gathers in memory and is written once
 * in a while, all of it in one transaction. All else is a call, one at a time.
 */
#include "role/events_reports.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/even_clock.h"
#include "events/kinds.h"
#include "fiber/sync.h"
#include "reports/mail.h"
#include "reports/seen.h"
#include "role/reports_page.h"

#define REPORTS_DB   "reports.db"
#define WRITE_EVERY  (2 * USEC_SEC)
#define GATHERED_MAX 5000U /* messages; what comes faster than it can be written is not counted */
#define FAILED_MAX   1000U

/* What waits to be written. */
struct gathered {
    struct arena arena;
    struct seen_message messages[GATHERED_MAX];
    size_t count;
    uint64_t failed[FAILED_MAX];
    size_t failed_count;
    usec_t now; /* wall time, when it is written */
};

struct events_reports {
    struct process *process;
    struct kept *kept; /* NULL: not opened yet */
    struct even_clock clock;
    struct fiber_mutex lock;
    struct gathered *filling, *writing;
    bool stopping;
    struct fiber_cond wake;
};

/* ------------------------------------------------------------------ the database */

typedef int kept_fn(struct kept *kept, void *arg);

struct work {
    struct events_reports *e;
    kept_fn *fn;
    void *arg;
    bool sure; /* of the clock */
    bool renamed;
    struct problem problem;
};

static int run(void *arg) {
    struct work *w = arg;
    struct events_reports *e = w->e;
    int r = 0;
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        r = e->kept ? 0 : kept_open(REPORTS_DB, &e->kept, &w->problem);
        if (r == 0) {
            kept_spare_old(e->kept, !w->sure);
            r = w->fn(e->kept, w->arg);
        }
        if (r != -E_CORRUPT && r != -E_VERSION)
            return r;
        kept_close(e->kept);
        e->kept = NULL;
        w->renamed = rename(REPORTS_DB, REPORTS_DB ".damaged") == 0;
        (void)unlink(REPORTS_DB "-wal");
        (void)unlink(REPORTS_DB "-shm");
    }
    return r;
}

static int with_kept(struct events_reports *e, kept_fn *fn, void *arg,
                     struct problem *problem) WAITS {
    struct work w = {.e = e, .fn = fn, .arg = arg};
    int r = fiber_mutex_lock(&e->lock);
    if (r < 0)
        return r;
    w.sure = even_clock_settled(&e->clock, fiber_now(), fiber_wall(), EVEN_CLOCK_SETTLES);
    r = offload(OFFLOAD_DISK, run, &w);
    fiber_mutex_unlock(&e->lock);
    if (w.renamed)
        process_event(e->process, 0, KIND_DAMAGED, NULL, 0,
                      "%s is damaged; it was renamed to %s.damaged, and a new one has begun.",
                      REPORTS_DB, REPORTS_DB);
    return r < 0 && r != -EEXIST
               ? problem_set(problem, r, "%s cannot be used: %s", REPORTS_DB, error_text(r))
               : r;
}

/* ------------------------------------------------------------------ what was seen */

void events_reports_seen(struct events_reports *e, const struct seen_message *m) {
    struct gathered *g = e->filling;
    if (g->count == GATHERED_MAX)
        return;
    struct seen_message *copy = &g->messages[g->count++];
    *copy = *m;
    struct slice *const texts[] = {&copy->domain, &copy->p,           &copy->sp,
                                   &copy->np,     &copy->adkim,       &copy->aspf,
                                   &copy->fo,     &copy->testing,     &copy->rua,
                                   &copy->source, &copy->header_from, &copy->envelope_from,
                                   &copy->reason};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        *texts[i] = arena_copy(&g->arena, *texts[i]);
    copy->auth = arena_array(&g->arena, m->auth_count, sizeof *copy->auth);
    for (size_t i = 0; i < m->auth_count; i++)
        copy->auth[i] = (struct aggregate_auth){
            .is_spf = m->auth[i].is_spf,
            .domain = arena_copy(&g->arena, m->auth[i].domain),
            .selector = arena_copy(&g->arena, m->auth[i].selector),
            .result = arena_copy(&g->arena, m->auth[i].result),
        };
}

void events_reports_failed(struct events_reports *e, uint64_t message) {
    struct gathered *g = e->filling;
    if (message != 0 && g->failed_count < FAILED_MAX)
        g->failed[g->failed_count++] = message;
}

static int write_gathered(struct kept *kept, void *arg) {
    const struct gathered *g = arg;
    int r = g->count > 0 ? seen_add(kept, g->now / USEC_DAY, g->messages, g->count) : 0;
    for (size_t i = 0; r == 0 && i < g->failed_count; i++)
        r = seen_failed(kept, g->failed[i], g->now);
    return r;
}

static void write_all(struct events_reports *e) WAITS {
    struct gathered *g = e->filling;
    if (g->count + g->failed_count == 0)
        return;
    e->filling = e->writing;
    e->writing = g;
    g->now = fiber_wall();
    (void)with_kept(e, write_gathered, g, NULL); /* what cannot be written is not counted */
    arena_reset(&g->arena);
    g->count = g->failed_count = 0;
}

static void work(void *arg) WAITS {
    struct events_reports *e = arg;
    while (!e->stopping && fiber_cond_wait_until(&e->wake, fiber_now() + WRITE_EVERY) != -ECANCELED)
        write_all(e);
}

struct events_reports *events_reports_new(struct process *p) {
    struct events_reports *e = NEW(struct events_reports);
    e->process = p;
    e->filling = NEW(struct gathered);
    e->writing = NEW(struct gathered);
    e->clock = even_clock_begin(fiber_now(), fiber_wall());
    fiber_mutex_init(&e->lock);
    fiber_cond_init(&e->wake);
    return e;
}

int events_reports_start(struct events_reports *e) {
    return fiber_spawn_under(e->process->root, "reports", work, e);
}

void events_reports_stop(struct events_reports *e) {
    e->stopping = true;
    fiber_cond_wake_all(&e->wake);
    write_all(e);
}

/* ------------------------------------------------------------------ what others report */

static int keep_report(struct kept *kept, void *arg) {
    const struct rpc_events_reported_in *in = arg;
    return kept_add_report(kept, &in->report, in->sources, in->sources_count);
}

/* One that is there already is as good as kept. */
int events_reports_keep(struct events_reports *e, const struct rpc_events_reported_in *in,
                        struct problem *problem) {
    struct rpc_events_reported_in copy = *in;
    int r = with_kept(e, keep_report, &copy, problem);
    return r == -EEXIST ? 0 : r;
}

static int keep_failure(struct kept *kept, void *arg) {
    return kept_add_failure(kept, arg);
}

int events_reports_keep_failure(struct events_reports *e, const struct failure_report *report,
                                struct problem *problem) {
    struct failure_report copy = *report;
    return with_kept(e, keep_failure, &copy, problem);
}

static int keep_bad(struct kept *kept, void *arg) {
    return kept_add_bad(kept, arg);
}

int events_reports_keep_bad(struct events_reports *e, const struct kept_bad *bad,
                            struct problem *problem) {
    struct kept_bad copy = *bad;
    return with_kept(e, keep_bad, &copy, problem);
}

struct listing {
    const struct rpc_events_reports_in *in;
    struct rpc_events_reports_out *out;
    struct arena *arena;
};

static int list(struct kept *kept, void *arg) {
    const struct listing *l = arg;
    return reports_page(kept, l->in, l->arena, l->out);
}

int events_reports_list(struct events_reports *e, const struct rpc_events_reports_in *in,
                        struct arena *a, struct rpc_events_reports_out *out,
                        struct problem *problem) {
    struct listing l = {in, out, a};
    return with_kept(e, list, &l, problem);
}

/* ------------------------------------------------------------------ what is reported */

struct taking {
    int64_t today;
    struct arena *arena;
    struct aggregate_report report;
    struct slice rua;
    int found;
};

static int take(struct kept *kept, void *arg) {
    struct taking *t = arg;
    t->found = seen_take(kept, t->today, t->arena, &t->report, &t->rua);
    return MIN(t->found, 0);
}

int events_reports_take(struct events_reports *e, int64_t today, struct arena *a,
                        struct rpc_events_take_report_out *out, struct problem *problem) {
    struct taking t = {.today = today, .arena = a};
    _cleanup_(buf_done) struct buf xml = {0}, file = {0};
    const struct conf *conf = e->process->conf;
    struct slice organization = conf->authentication.reports_organization;
    int r = with_kept(e, take, &t, problem);
    if (r < 0 || t.found == 0)
        return r;
    struct aggregate_report *report = &t.report;
    report->organization = arena_copy(a, organization.len > 0 ? organization : conf->hostname);
    report->email = arena_printf(a, "postmaster@%.*s", SLICE_ARG(conf->hostname));
    report->generator = S("Hayauma");
    report->discovery = S("treewalk");
    report->id = arena_printf(a, "%lld.%.*s@%.*s", (long long)report->begin,
                              SLICE_ARG(report->domain), SLICE_ARG(conf->hostname));
    aggregate_write(&xml, report);
    report_gzip(&file, buf_slice(&xml));
    *out = (struct rpc_events_take_report_out){
        .found = true,
        .domain = report->domain,
        .rua = t.rua,
        .id = report->id,
        .organization = report->organization,
        .begin = report->begin,
        .end = report->end,
        .file = arena_copy(a, buf_slice(&file)),
    };
    return 0;
}

struct sending {
    const struct rpc_events_send_report_in *in;
    usec_t now;
    int go;
};

static int send_one(struct kept *kept, void *arg) {
    struct sending *s = arg;
    s->go = seen_send(kept, s->in->destination, s->in->message, s->now);
    return MIN(s->go, 0);
}

int events_reports_send(struct events_reports *e, const struct rpc_events_send_report_in *in,
                        bool *ret_go, struct problem *problem) {
    struct sending s = {in, fiber_wall(), 0};
    int r = with_kept(e, send_one, &s, problem);
    *ret_go = s.go == 1;
    return r;
}
