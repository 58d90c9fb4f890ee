/* SPDX-License-Identifier: ISC */
/* Opening and closing; what is inside runs in jobs.c. */
#include "directory/directory.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/siphash.h"
#include "base/words.h"
#include "directory/local.h"
#include "directory/schema.h"
#include "fiber/wait.h"

#define CACHE_BYTES    (32U << 20)
#define CHECK_INTERVAL USEC_SEC

/* ------------------------------------------------------------------ opening */

struct opening {
    const char *path, *key_path, *srs_path;
    bool read_only, behind;
    uint64_t last_account, known;
    struct db *db;
    struct seal_key key, srs;
    struct problem *problem;
};

/* A missing key is not replaced when secrets wait for it. */
static int load_key(struct opening *o, struct db *db) {
    int64_t sealed = 0;
    db->problem = o->problem;
    int r = db_number(db, &sealed, "SELECT count(*) FROM account WHERE apop IS NOT NULL");
    db->problem = NULL;
    if (r < 0)
        return r;
    return seal_key_load(o->key_path, !o->read_only && sealed == 0, &o->key, o->problem);
}

/* A number that a mailbox has is somebody's, also when this file was put back from before him. */
static int pass_over_numbers(struct opening *o, struct db *db) {
    int64_t known = 0;
    db->problem = o->problem;
    int r = db_number(db, &known, "SELECT value FROM counter WHERE name = 'account_id'");
    o->known = (uint64_t)MAX(known, 0);
    o->behind = r >= 0 && o->last_account > o->known;
    if (o->behind)
        r = db_run(db, "UPDATE counter SET value = ?1 WHERE name = 'account_id'",
                   V(o->last_account));
    db->problem = NULL;
    return MIN(r, 0);
}

static int open_job(void *arg) {
    struct opening *o = arg;
    _cleanup_(db_close_p) struct db *db = NULL;
    if (password_setup() < 0)
        return problem_set(o->problem, -ENOSYS, N_("libsodium cannot start"));
    int r = db_open(o->path, o->read_only ? DB_READ : DB_CREATE, &directory_kind, &db, o->problem);
    if (r == 0 && o->key_path)
        r = load_key(o, db);
    if (r == 0 && o->srs_path)
        r = seal_key_load(o->srs_path, !o->read_only, &o->srs, o->problem);
    if (r == 0 && !o->read_only && o->last_account > 0)
        r = pass_over_numbers(o, db);
    if (r < 0)
        return r;
    o->db = TAKE_PTR(db);
    return 0;
}

static struct slice fold(struct slice domain) {
    char *copy = mem_str(domain);
    for (char *c = copy; *c; c++)
        *c = ascii_lower(*c);
    return slice_of_str(copy);
}

void directory_configure(struct directory *d, const struct directory_options *options) {
    d->plus_separator = options->plus_separator ? options->plus_separator : '+';
    d->cost = options->cost.passes > 0 ? options->cost : PASSWORD_COST_DEFAULT;
    d->removed_keep = options->removed_keep;
    free((char *)(uintptr_t)d->hostname.ptr);
    d->hostname = fold(options->hostname);
    if (d->changed)
        d->changed(d->changed_arg);
}

static struct directory *make(const struct directory_options *options, struct opening *o) {
    struct directory *d = NEW(struct directory);
    d->magic = DIRECTORY_MAGIC;
    d->local.source.ops = &local_source_ops;
    d->source = options->source ? options->source : &d->local.source;
    d->read_only = options->read_only;
    d->shards = MAX(options->shards, 1U);
    directory_configure(d, options);
    d->default_domain = fold(slice_of_str(options->default_domain ? options->default_domain : ""));
    fiber_mutex_init(&d->mutex);
    d->db = o->db;
    d->check_interval = options->check_interval > 0 ? options->check_interval : CHECK_INTERVAL;
    d->cache = cache_new(options->cache_bytes > 0 ? options->cache_bytes : CACHE_BYTES);
    d->remembered = remembered_new(REMEMBERED_MAX);
    d->throttle = throttle_new(THROTTLED_MAX);
    d->newcomers = newcomers_new();
    fiber_gate_init(&d->hashing, HASHING_MAX);
    list_init(&d->senders_by_use);
    d->sending_since = fiber_now();
    d->clock = even_clock_begin(fiber_now(), fiber_wall());
    d->was_behind = o->behind;
    d->changed = options->changed;
    d->changed_arg = options->changed_arg;
    d->known = o->known;
    d->key = o->key;
    d->srs = o->srs;
    return d;
}

int directory_open(const char *path, const struct directory_options *options,
                   struct directory **ret, struct problem *problem) {
    struct opening o = {.path = path,
                        .key_path = options->key_path,
                        .srs_path = options->srs_path,
                        .read_only = options->read_only,
                        .last_account = options->last_account,
                        .problem = problem};
    (void)siphash(S("")); /* draws the key of this process's maps before threads use them */
    int r = offload(OFFLOAD_DISK, open_job, &o);
    if (r < 0)
        return r;
    *ret = make(options, &o);
    seal_key_wipe(&o.key);
    seal_key_wipe(&o.srs);
    return 0;
}

bool directory_was_behind(const struct directory *d, uint64_t *ret_known) {
    *ret_known = d->known;
    return d->was_behind;
}

static int close_job(void *arg) {
    db_close(arg);
    return 0;
}

void directory_close(struct directory *d) {
    if (!d)
        return;
    MUST(d->magic == DIRECTORY_MAGIC && !d->closer);
    d->closer = fiber_self();
    (void)directory_write_logins(d);
    (void)directory_flush_usage(d);
    (void)directory_write_sending(d);
    if (d->source->ops->close)
        d->source->ops->close(d->source);
    if (fiber_mutex_lock(&d->mutex) == 0) /* it is kept: nobody comes any more */
        (void)offload(OFFLOAD_DISK, close_job, d->db);
    cache_free(d->cache);
    remembered_free(d->remembered);
    throttle_free(d->throttle);
    newcomers_free(d->newcomers);
    directory_forget_logins(d);
    directory_forget_senders(d);
    directory_usage_done(d);
    seal_key_wipe(&d->key);
    seal_key_wipe(&d->srs);
    free((char *)(uintptr_t)d->default_domain.ptr);
    free((char *)(uintptr_t)d->hostname.ptr);
    d->magic = 0;
    free(d);
}
