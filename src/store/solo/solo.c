/* SPDX-License-Identifier: ISC */
/* The backend as a whole: its options, opening and closing it, its table of functions. */
#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "store/solo/inside.h"

static void keep_keys(struct store_backend *b, usec_t lifetime) {
    solo_of(b)->keys_kept = MAX(solo_of(b)->options.key_lifetime, lifetime);
}

/* ------------------------------------------------------------------ the table */

static void stats(const struct store_backend *b, struct backend_stats *ret) {
    const struct solo *s = CONTAINER_OF(b, const struct solo, base);
    *ret = s->stats;
    ret->handles = s->open_count;
}

static void usage(const struct backend_account *account, struct backend_usage *ret) {
    const struct solo_account *a = CONTAINER_OF(account, const struct solo_account, base);
    *ret = (struct backend_usage){0};
    for (size_t i = 0; i < a->pack_count; i++)
        ret->disk += a->packs[i].end;
}

static void solo_close(struct store_backend *b) WAITS {
    struct solo *s = solo_of(b);
    s->closing = true;
    work_wake(s);
    if (s->keeper)
        fiber_join(s->keeper);
    buf_done(&s->blank);
    free(s->dir);
    free(s);
}

static const struct backend_ops ops = {
    .name = "packs",
    .close = solo_close,
    .stats = stats,
    .look = solo_look,
    .account_open = solo_account_open,
    .account_close = solo_account_close,
    .purge = solo_purge,
    .commit = solo_commit,
    .load = solo_load,
    .saved = solo_saved,
    .keywords = solo_keywords,
    .count_entries = solo_count_entries,
    .vanished = solo_vanished,
    .property = solo_property,
    .deleted = solo_deleted,
    .return_path = solo_return_path,
    .delivery_key = solo_delivery_key,
    .accounts = solo_accounts,
    .find_key = solo_find_key,
    .read = solo_read,
    .read_many = solo_read_many,
    .get = solo_get,
    .put = solo_put,
    .maps = solo_maps,
    .keep_maps = solo_keep_maps,
    .wants_maps = solo_wants_maps,
    .bodies = solo_bodies,
    .newest_body = solo_newest_body,
    .count_bodies = solo_count_bodies,
    .index_path = solo_index_path,
    .has_index = solo_has_index,
    .note_index = solo_note_index,
    .usage = usage,
    .compact = solo_compact,
    .free_bytes = solo_free_bytes,
    .has_room = solo_has_room,
    .keep_up = solo_keep_up,
    .scratch = solo_scratch,
    .set_min_free = solo_set_min_free,
    .keep_keys = keep_keys,
};

/* ------------------------------------------------------------------ opening */

static void fill_options(struct solo_options *o) {
    o->max_handles = o->max_handles ? o->max_handles : 256;
    o->idle_files = o->idle_files ? o->idle_files : 2 * USEC_SEC;
    o->take_in_count = o->take_in_count ? o->take_in_count : 64;
    o->take_in_after = o->take_in_after ? o->take_in_after : USEC_SEC;
    o->take_in_bytes = o->take_in_bytes ? o->take_in_bytes : 16ULL << 20;
    o->pack_size = o->pack_size ? o->pack_size : 64ULL << 20;
    o->compact_size = o->compact_size ? o->compact_size : 256ULL << 10;
    o->min_free = o->min_free ? o->min_free : SOLO_MIN_FREE;
    o->vanished_age = o->vanished_age ? o->vanished_age : 30 * USEC_DAY;
    o->vanished_max = o->vanished_max ? o->vanished_max : 100000;
    o->key_lifetime = o->key_lifetime ? o->key_lifetime : 10 * USEC_DAY;
    o->io = o->io ? o->io : &pack_io_system;
}

static int make_blank(void *arg) {
    return index_blank_make(arg);
}

int solo_open(const void *options, const struct backend_host *host, struct store_backend **ret,
              struct problem *problem) {
    const struct solo_options *o = options;
    struct stat st;
    if (stat(o->dir, &st) < 0)
        return problem_set(problem, -errno, "%s: %s", o->dir, error_text(errno));
    if (!S_ISDIR(st.st_mode))
        return problem_set(problem, -ENOTDIR, "%s: is no directory", o->dir);
    (void)key_hash(S("")); /* draws the process's key before other threads want it */
    struct solo *s = NEW(struct solo);
    s->base.ops = &ops;
    s->options = *o;
    s->host = *host;
    s->dir = mem_str(slice_of_str(o->dir));
    s->space_free = UINT64_MAX;
    fill_options(&s->options);
    s->keys_kept = s->options.key_lifetime;
    s->clock = even_clock_begin(fiber_now(), fiber_wall());
    list_init(&s->open);
    list_init(&s->work);
    list_init(&s->late);
    fiber_cond_init(&s->keep);
    fiber_cond_init(&s->rested);
    int error = offload(OFFLOAD_DISK, make_blank, &s->blank);
    if (!error)
        error = fiber_start("store keeper", keeper_main, s, &s->keeper);
    if (error) {
        solo_close(&s->base);
        return problem_set(problem, error, "%s: %s", o->dir, error_text(error));
    }
    *ret = &s->base;
    return 0;
}
