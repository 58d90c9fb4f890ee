/* SPDX-License-Identifier: ISC */
/*
 * The maps of an account's messages on its disk, see map_file.h.
 *
 * They have a file and a mutex of their own: deliveries wait for neither, and mail.db stays small.
 * Whoever cannot have them is told that none are kept. A file that is damaged, somebody else's or
 * of another release is removed, and the next maps begin another; if that does not help, or the
 * reason is another one, such as a full disk, it is left alone for a while. Both are reported, once
 * in ten minutes for all accounts.
 *
 * The maps of bodies that have gone are dropped when compaction comes upon what is left of these.
 * Should that fail the whole file goes, so that it cannot keep them for ever.
 */
#include "store/solo/inside.h"

#include <errno.h>

#include "base/alloc.h"

#define LEFT_ALONE (60 * USEC_SEC)
#define TOLD_AGAIN (10 * USEC_MIN)
#define DROPPED    1000U /* rows at once */

static char *file_path(const struct solo_account *a) {
    return mem_printf("%s/" MAP_FILE_NAME, a->dir);
}

/* ------------------------------------------------------------------ when it cannot be used */

static int run_remove(void *arg) {
    return map_file_remove(arg);
}

static int run_close(void *arg) {
    map_file_close(arg);
    return 0;
}

static void close_file(struct solo_account *a) WAITS {
    struct map_file *f = TAKE_PTR(a->maps);
    if (f)
        (void)offload(OFFLOAD_DISK, run_close, f);
}

static int remove_file(struct solo_account *a) WAITS {
    _cleanup_(free_p) char *path = file_path(a);
    close_file(a);
    a->maps_there = false;
    return offload(OFFLOAD_DISK, run_remove, path);
}

static void tell(struct solo_account *a, const char *what, const char *why) {
    struct solo *s = a->solo;
    struct problem text;
    if (s->maps_told > 0 && fiber_now() < s->maps_told + TOLD_AGAIN)
        return;
    s->maps_told = fiber_now();
    (void)problem_set(&text, 0, "%s: %s", what, why);
    solo_report(a, slice_of_str(text.text));
}

/* Whether an error says that this file is of no use, and another one may be. */
static bool is_spoiled(int error) {
    return error == -E_CORRUPT || error == -E_VERSION || error == -EACCES || error == -EROFS;
}

static void give_up(struct solo_account *a, int error, const char *why) WAITS {
    bool again = a->maps_removed > 0 && fiber_now() < a->maps_removed + LEFT_ALONE;
    if (is_spoiled(error) && remove_file(a) == 0 && !again) {
        a->maps_removed = fiber_now();
        tell(a, MAP_FILE_NAME " is removed, what it had is made anew when it is asked for", why);
        return;
    }
    close_file(a);
    a->maps_after = fiber_now() + LEFT_ALONE;
    tell(a, MAP_FILE_NAME " cannot be used for now, so listing messages takes longer", why);
}

/* ------------------------------------------------------------------ the file */

struct open_job {
    const char *path;
    bool create;
    struct map_file *file;
    struct problem problem;
};

static int run_open(void *arg) {
    struct open_job *j = arg;
    return map_file_open(j->path, j->create, &j->file, &j->problem);
}

/* The mutex, and the file open. 0: ends with fiber_mutex_unlock(). */
static int lock_file(struct solo_account *a, bool create) WAITS {
    if (fiber_now() < a->maps_after || (!create && !a->maps_there))
        return -ENOENT;
    int error = fiber_mutex_lock(&a->maps_lock);
    if (error)
        return error;
    files_touch(a);
    if (!a->maps) {
        _cleanup_(free_p) char *path = file_path(a);
        struct open_job j = {.path = path, .create = create};
        error = offload(OFFLOAD_DISK, run_open, &j);
        a->maps = j.file;
        a->maps_there = error == 0;
        if (error && error != -ENOENT)
            give_up(a, error, j.problem.text);
        files_close_some(a->solo);
    }
    if (error)
        fiber_mutex_unlock(&a->maps_lock);
    return error;
}

/* Rows could not be read or written: of a file that was open, what the disk does not give is spoilt
 * as well. */
static void rows_failed(struct solo_account *a, int error) WAITS {
    give_up(a, error == -EIO ? -E_CORRUPT : error, error_text(error));
}

struct rows_job {
    struct map_file *file;
    const struct backend_mapped *list;
    size_t count;
    size_t most;                      /* get */
    struct buf *to;                   /* get */
    struct store_piece *found;        /* get */
    struct slice bytes;               /* put */
    const struct store_piece *pieces; /* put */
};

static int run_get(void *arg) {
    struct rows_job *j = arg;
    return map_file_get(j->file, j->list, j->count, j->most, j->to, j->found, &j->count);
}

size_t solo_maps(struct backend_account *account, const struct backend_mapped *list, size_t count,
                 size_t most, struct buf *to, struct store_piece *ret_pieces) {
    struct solo_account *a = account_of(account);
    const size_t begin = to->len;
    int error = lock_file(a, false);
    if (!error) {
        struct rows_job j = {.file = a->maps,
                             .list = list,
                             .count = count,
                             .most = most,
                             .to = to,
                             .found = ret_pieces};
        error = offload(OFFLOAD_DISK, run_get, &j);
        if (error)
            rows_failed(a, error);
        fiber_mutex_unlock(&a->maps_lock);
        if (!error)
            return j.count;
    }
    to->len = begin;
    for (size_t i = 0; i < count; i++)
        ret_pieces[i] = (struct store_piece){0};
    return count;
}

static int run_put(void *arg) {
    struct rows_job *j = arg;
    return map_file_put(j->file, j->list, j->count, j->bytes, j->pieces);
}

void solo_keep_maps(struct backend_account *account, const struct backend_mapped *list,
                    size_t count, struct slice bytes, const struct store_piece *pieces) {
    struct solo_account *a = account_of(account);
    int error = solo_has_room(account, 0);
    if (error) {
        tell(a, "maps of messages are not kept, so listing messages takes longer",
             error_text(error));
        return;
    }
    if (lock_file(a, true) != 0)
        return;
    struct rows_job j = {
        .file = a->maps, .list = list, .count = count, .bytes = bytes, .pieces = pieces};
    error = offload(OFFLOAD_DISK, run_put, &j);
    if (error)
        rows_failed(a, error);
    fiber_mutex_unlock(&a->maps_lock);
}

bool solo_wants_maps(const struct backend_account *account, bool expected) {
    const struct solo_account *a = CONTAINER_OF(account, const struct solo_account, base);
    return (expected || a->maps_there) && fiber_now() >= a->maps_after;
}

/* ------------------------------------------------------------------ bodies that are gone */

struct drop_job {
    struct map_file *file;
    const uint64_t *bodies;
    size_t count;
};

static int run_drop(void *arg) {
    struct drop_job *j = arg;
    return map_file_drop(j->file, j->bodies, j->count);
}

void maps_drop(struct solo_account *a, const uint64_t *bodies, size_t count) {
    bool remove = false;
    for (size_t i = 0; i < count && a->maps_there && !remove; i += DROPPED) {
        int error = lock_file(a, false);
        if (!error) {
            struct drop_job j = {a->maps, bodies + i, MIN(count - i, DROPPED)};
            error = offload(OFFLOAD_DISK, run_drop, &j);
            fiber_mutex_unlock(&a->maps_lock);
        }
        remove = error != 0;
    }
    if (remove && fiber_mutex_lock(&a->maps_lock) == 0) {
        (void)remove_file(a);
        fiber_mutex_unlock(&a->maps_lock);
    }
}
