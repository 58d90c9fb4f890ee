/* SPDX-License-Identifier: ISC */
/*
 * One connection, one job in it at a time: the mutex is held from before the job starts until what
 * it has made wrong is out of the cache. So the cache is emptied in the order of the transactions.
 * Jobs that wait when the directory is closed are not begun any more.
 */
#include <errno.h>

#include "base/words.h"
#include "directory/internal.h"
#include "fiber/wait.h"

struct job {
    struct db *db;
    enum job_kind kind;
    db_job *fn;
    void *arg;
    struct problem *problem;
};

static int run_job(void *arg) {
    struct job *j = arg;
    j->db->problem = j->problem;
    int r = j->kind == JOB_READ ? 0 : db_begin(j->db);
    if (r == 0)
        r = j->fn(j->db, j->arg);
    db_reset_all(j->db);
    if (j->kind != JOB_READ)
        r = db_end(j->db, r);
    j->db->problem = NULL;
    return r;
}

void directory_changed(struct directory *d) {
    cache_clear(d->cache);
    d->changes++;
    if (d->changed)
        d->changed(d->changed_arg);
}

static bool is_closed(const struct directory *d) {
    return d->closer && d->closer != fiber_self();
}

int directory_run(struct directory *d, enum job_kind kind, db_job *fn, void *arg,
                  struct problem *problem) {
    struct job job = {d->db, kind, fn, arg, problem};
    if (kind != JOB_READ && d->read_only)
        return problem_set(problem, -EROFS, N_("%s is open for reading only"), d->db->path);
    if (kind == JOB_WRITE && d->source != &d->local.source)
        return problem_set(problem, -EROFS,
                           N_("accounts, aliases and domains come from elsewhere (%s); change them"
                              " there"),
                           d->source->ops->name);
    int r = is_closed(d) ? -ECANCELED : fiber_mutex_lock(&d->mutex);
    if (r == 0 && is_closed(d)) {
        fiber_mutex_unlock(&d->mutex);
        r = -ECANCELED;
    }
    if (r < 0)
        return problem_set(problem, r, N_("the directory did not answer in time"));
    r = offload(OFFLOAD_DISK, run_job, &job);
    if (kind == JOB_WRITE)
        directory_changed(d);
    fiber_mutex_unlock(&d->mutex);
    return r;
}

int directory_check(struct directory *d) {
    usec_t now = fiber_now();
    if (now < d->check_at)
        return 0;
    d->check_at = now + d->check_interval;
    bool changed = false;
    int r = d->source->ops->refresh(d->source, &changed);
    if (r >= 0 && changed)
        directory_changed(d);
    return r == -ECANCELED || r == -ETIMEDOUT ? r : 0;
}
