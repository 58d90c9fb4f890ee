/* SPDX-License-Identifier: ISC */
/*
 * The open files of accounts. At most options.max_handles accounts have any (a database handle
 * alone costs 100 KiB, and there may be two); beyond that, the one that has used them least
 * recently and is not using them now gives them up, and whoever has not used them for long. An
 * account without open files is still whole in memory: a parked session needs none.
 */
#include "store/solo/inside.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"

#define TOLD_AGAIN USEC_MIN /* that a folder has gone */

void files_touch(struct solo_account *a) {
    struct solo *s = a->solo;
    if (list_empty(&s->open))
        work_wake(s); /* from now on it has to look */
    if (link_in_list(&a->files_link))
        link_remove(&a->files_link);
    else
        s->open_count++;
    list_append(&s->open, &a->files_link);
    a->files_used = fiber_now();
}

bool files_folder_has_gone(const char *dir, struct problem *problem) {
    if (access(dir, F_OK) == 0 || errno != ENOENT)
        return false;
    (void)problem_set(problem, 0,
                      "%s has gone: was it moved, or is its disk not mounted? The account stays as "
                      "it was there, and its users try again until it is back",
                      dir);
    return true;
}

/* ------------------------------------------------------------------ the database */

struct open_job {
    const char *dir, *path;
    uint64_t account;
    struct slice blank;
    struct index_mark mark; /* where it was left */
    struct index *index;
    struct problem problem;
};

/* Another one than was left, such as the half of one that could not be made anew, lacks messages.
 */
static int run_open(void *arg) {
    struct open_job *j = arg;
    const bool was_there = j->mark.pack > 0;
    if (was_there && files_folder_has_gone(j->dir, &j->problem))
        return -EIO;
    if (was_there && access(j->path, F_OK) < 0 && errno == ENOENT)
        return problem_set(&j->problem, -E_CORRUPT, "%s has gone", j->path);
    int error = index_open(j->path, j->account, j->blank, &j->index, &j->problem);
    if (error)
        return error;
    struct index_mark mark = index_mark(j->index);
    if (mark.pack == j->mark.pack && mark.offset == j->mark.offset)
        return 0;
    index_close(TAKE_PTR(j->index));
    return problem_set(&j->problem, -E_CORRUPT, "%s is not as it was left", j->path);
}

struct close_job {
    struct index *index;
    struct map_file *maps;
};

static int run_close(void *arg) {
    struct close_job *j = arg;
    index_close(j->index);
    map_file_close(j->maps);
    return 0;
}

static int open_index(struct solo_account *a) WAITS {
    _cleanup_(free_p) char *path = mem_printf("%s/" REPLAY_DB_NAME, a->dir);
    struct open_job j = {.dir = a->dir,
                         .path = path,
                         .account = a->id,
                         .blank = buf_slice(&a->solo->blank),
                         .mark = a->mark};
    int error = offload(OFFLOAD_DISK, run_open, &j);
    if (!error) {
        a->index = j.index;
    } else if (error != -EIO || fiber_now() >= a->rebuild_after) {
        solo_report(a, slice_of_str(j.problem.text));
        if (error == -EIO)
            a->rebuild_after = fiber_now() + TOLD_AGAIN;
    }
    return error;
}

int files_lock(struct solo_account *a) {
    int error = fiber_mutex_lock(&a->db);
    if (error)
        return error;
    files_touch(a);
    if (!a->index) {
        error = open_index(a);
        files_close_some(a->solo);
    }
    if (error)
        files_unlock(a, error);
    return error;
}

void files_unlock(struct solo_account *a, int error) {
    if (error == -E_CORRUPT)
        work_add(a, WORK_REBUILD);
    fiber_mutex_unlock(&a->db);
}

struct take_in_job {
    struct index *index;
    struct list records;
    struct index_mark mark;
    bool taken;
    bool prunes; /* if it is time */
    struct index_pruning pruning;
};

static int run_take_in(void *arg) {
    struct take_in_job *j = arg;
    int error = index_take_in(j->index, &j->records, j->mark, NULL);
    if (error)
        return error;
    j->taken = true;
    struct index_account row;
    usec_t now = j->pruning.now; /* another one, years ahead, may have been believed before */
    if (j->prunes && index_account(j->index, &row) == 0 &&
        (row.pruned + USEC_DAY < now || row.pruned > now))
        error = index_prune(j->index, &j->pruning);
    log_records_free(&j->records);
    return error;
}

int files_take_in(struct solo_account *a) {
    if (list_empty(&a->pending))
        return 0;
    const struct log_record *last = CONTAINER_OF(a->pending.head.prev, struct log_record, link);
    struct solo *s = a->solo;
    usec_t wall = fiber_wall();
    struct take_in_job j = {
        .index = a->index,
        .mark = {last->pack, last->place.offset + last->len},
        .prunes = even_clock_settled(&s->clock, fiber_now(), wall, s->keys_kept),
        .pruning = {.now = wall,
                    .keys_before = wall - s->keys_kept,
                    .vanished_age = s->options.vanished_age,
                    .vanished_max = s->options.vanished_max},
    };
    size_t count = a->pending_count;
    uint64_t bytes = 0;
    LIST_EACH (r, &a->pending, const struct log_record, link)
        bytes += r->facts_len;
    list_init(&j.records);
    list_move_all(&j.records, &a->pending);
    work_caught_up(a);
    int error = offload(OFFLOAD_DISK, run_take_in, &j);
    if (j.taken) {
        a->mark = j.mark;
        a->behind -= bytes;
        packs_sum_up(a);
    }
    if (!list_empty(&j.records)) {
        list_move_all(&j.records, &a->pending);
        list_move_all(&a->pending, &j.records);
        a->pending_count += count;
    }
    work_trails(a);
    return error;
}

int files_lock_whole(struct solo_account *a) {
    int error = files_lock(a);
    if (!error && (error = files_take_in(a)))
        files_unlock(a, error);
    return error;
}

/* If it cannot be written now the changes go on all the same, as deliveries do for a while. */
void solo_keep_up(struct backend_account *account) {
    struct solo_account *a = account_of(account);
    if (a->behind > a->solo->options.take_in_bytes && files_lock_whole(a) == 0)
        files_unlock(a, 0);
}

/* ------------------------------------------------------------------ packs */

struct pack_job {
    const char *dir, *path;
    int fd;
};

static int run_open_pack(void *arg) {
    struct pack_job *j = arg;
    j->fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (j->fd >= 0)
        return 0;
    int error = -errno;
    return error == -ENOENT && files_folder_has_gone(j->dir, NULL) ? -EIO : error;
}

static struct pack_handle *find_file(struct solo_account *a, uint64_t number) {
    for (size_t i = a->file_count; i-- > 0;)
        if (a->files[i]->number == number)
            return a->files[i];
    return NULL;
}

int files_get_pack(struct solo_account *a, uint64_t number, struct pack_handle **ret) {
    files_touch(a);
    struct pack_handle *p = find_file(a, number);
    if (!p) {
        char name[PACK_NAME_SIZE];
        _cleanup_(free_p) char *path =
            mem_printf("%s/" REPLAY_PACKS_DIR "/%s", a->dir, pack_name(number, name));
        struct pack_job j = {.dir = a->dir, .path = path};
        int error = offload(OFFLOAD_DISK, run_open_pack, &j);
        if (error)
            return error == -ENOENT ? -E_UNKNOWN : error;
        p = find_file(a, number);
        if (p) { /* another fiber has opened it meanwhile */
            (void)close(j.fd);
        } else {
            p = NEW(struct pack_handle);
            *p = (struct pack_handle){.number = number, .fd = j.fd, .users = 1};
            a->files = mem_grow(a->files, (a->file_count + 1) * sizeof(struct pack_handle *));
            a->files[a->file_count++] = p;
        }
        files_touch(a);
        p->users++;
        files_close_some(a->solo);
    } else {
        p->users++;
    }
    *ret = p;
    return 0;
}

void files_put_pack(struct pack_handle *p) {
    if (--p->users > 0)
        return;
    (void)close(p->fd);
    free(p);
}

void files_forget_pack(struct solo_account *a, uint64_t number) {
    for (size_t i = 0; i < a->file_count; i++) {
        if (a->files[i]->number != number)
            continue;
        files_put_pack(a->files[i]);
        a->files[i] = a->files[--a->file_count];
        return;
    }
}

/* ------------------------------------------------------------------ closing */

int files_close(struct solo_account *a) {
    int error = fiber_mutex_lock(&a->db);
    if (error)
        return error;
    error = fiber_mutex_lock(&a->maps_lock);
    if (error) {
        fiber_mutex_unlock(&a->db);
        return error;
    }
    places_forget(a);
    while (a->file_count > 0)
        files_put_pack(a->files[--a->file_count]);
    free(a->files);
    a->files = NULL;
    pack_close_current(a);
    if (link_in_list(&a->files_link)) {
        link_remove(&a->files_link);
        a->solo->open_count--;
    }
    struct close_job j = {TAKE_PTR(a->index), TAKE_PTR(a->maps)};
    if (j.index || j.maps)
        (void)offload(OFFLOAD_DISK, run_close, &j);
    fiber_mutex_unlock(&a->maps_lock);
    fiber_mutex_unlock(&a->db);
    return 0;
}

static bool uses_files(const struct solo_account *a) {
    if (a->log.owner || a->db.owner || a->maps_lock.owner || !a->ready)
        return true;
    for (size_t i = 0; i < a->file_count; i++)
        if (a->files[i]->users > 1)
            return true;
    return false;
}

void files_close_some(struct solo *s) {
    while (s->open_count > s->options.max_handles) {
        struct solo_account *victim = NULL;
        LIST_EACH (a, &s->open, struct solo_account, files_link) {
            if (!victim && !uses_files(a))
                victim = a;
        }
        if (!victim || files_close(victim) < 0)
            return;
    }
}

usec_t files_close_idle(struct solo *s) {
    usec_t limit = s->options.idle_files;
    for (;;) {
        struct link *k = list_first(&s->open);
        if (!k)
            return USEC_NEVER;
        struct solo_account *a = CONTAINER_OF(k, struct solo_account, files_link);
        if (a->files_used + limit > fiber_now())
            return a->files_used + limit;
        if (uses_files(a))
            files_touch(a);
        else if (files_close(a) < 0)
            return USEC_NEVER;
    }
}
