/* SPDX-License-Identifier: ISC */
/*
 * Opening an account is one job in a disk thread: directories, database, what the packs have beyond
 * it, counters and mailboxes.
 *
 * What a disk thread allocates lies among what SQLite needs meanwhile and would, living much
 * longer, hold whole pages of that: 2 KiB for each account, measured. So threads fill what the
 * fiber has allocated, and the account's own pieces are made by the fiber.
 */
#include "store/solo/inside.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"

struct replay_where account_where(const struct solo_account *a) {
    const struct solo *s = a->solo;
    return (struct replay_where){s->dir, a->id, buf_slice(&s->blank), s->options.io, false};
}

/* ------------------------------------------------------------------ in the disk thread */

struct read_mailbox {
    struct backend_mailbox mailbox;
    size_t name_at; /* in open_job.names */
};

struct read_property {
    struct record_property property;
    size_t bytes_at; /* in open_job.names: its name, and behind it its value */
};

struct open_job {
    struct solo_account *account;
    struct replay_where where;
    struct replay_result result;
    struct problem problem;
    struct index_account row;
    uint64_t deleted_count;
    struct buf mailboxes;  /* struct read_mailbox */
    struct buf properties; /* struct read_property */
    struct buf names;
    struct buf packs;  /* struct index_pack */
    bool maps, search; /* the files are there */
};

static void read_mailbox(void *arg, const struct backend_mailbox *m) {
    struct open_job *j = arg;
    struct read_mailbox read = {*m, j->names.len};
    buf_add(&j->names, m->info.name);
    buf_add_bytes(&j->mailboxes, &read, sizeof read);
}

static void read_property(void *arg, const struct record_property *p) {
    struct open_job *j = arg;
    struct read_property read = {*p, j->names.len};
    buf_add(&j->names, p->name);
    buf_add(&j->names, p->value);
    buf_add_bytes(&j->properties, &read, sizeof read);
}

static void read_pack(void *arg, const struct index_pack *pack) {
    struct open_job *j = arg;
    buf_add_bytes(&j->packs, pack, sizeof *pack);
}

/* Packs that were emptied but are still there. */
static void remove_gone(const struct solo_account *a, struct index *ix, struct buf *packs) {
    struct index_pack *list = (void *)packs->ptr;
    bool durable = false;
    for (size_t i = packs->len / sizeof *list; i-- > 0;) {
        struct index_pack p = list[i];
        if (p.state != INDEX_PACK_GONE)
            continue;
        if (!durable && index_sync(ix) < 0)
            return;
        durable = true;
        char name[PACK_NAME_SIZE];
        _cleanup_(free_p) char *path =
            mem_printf("%s/" REPLAY_PACKS_DIR "/%s", a->dir, pack_name(p.pack, name));
        if (unlink(path) == 0 || errno == ENOENT) {
            (void)index_forget_pack(ix, p.pack);
            packs->len -= sizeof p;
            memmove(&list[i], &list[i + 1], packs->len - i * sizeof p);
        }
    }
}

static int run_open(void *arg) {
    struct open_job *j = arg;
    struct solo_account *a = j->account;
    int error = replay_open(&j->where, false, &a->index, &j->result, &j->problem);
    if (error)
        return error;
    error = index_account(a->index, &j->row);
    if (!error)
        error = index_deleted_count(a->index, &j->deleted_count);
    if (!error)
        error = index_each_mailbox(a->index, read_mailbox, j);
    if (!error)
        error = index_each_property(a->index, read_property, j);
    if (!error)
        error = index_each_pack(a->index, read_pack, j);
    if (!error)
        remove_gone(a, a->index, &j->packs);
    _cleanup_(free_p) char *maps = mem_printf("%s/" MAP_FILE_NAME, a->dir);
    struct stat st;
    _cleanup_(free_p) char *search = mem_printf("%s/" REPLAY_SEARCH_NAME, a->dir);
    j->maps = lstat(maps, &st) == 0;
    j->search = lstat(search, &st) == 0;
    return error == -E_UNKNOWN ? 0 : error; /* a new one */
}

/* ------------------------------------------------------------------ opening */

static int64_t account_size(const struct solo_account *a) {
    return (int64_t)(sizeof *a + strlen(a->dir) + 1);
}

static struct solo_account *account_new(struct solo *s, uint64_t id) {
    _cleanup_(free_p) char *dir = replay_account_dir(s->dir, id);
    const size_t dir_size = strlen(dir) + 1;
    struct solo_account *a = mem_zero(sizeof *a + dir_size);
    memcpy(a->dir, dir, dir_size);
    a->base.backend = &s->base;
    a->solo = s;
    a->id = id;
    fiber_mutex_init(&a->log);
    fiber_mutex_init(&a->db);
    fiber_mutex_init(&a->maps_lock);
    list_init(&a->pending);
    *s->host.memory += account_size(a);
    return a;
}

static void account_free(struct solo_account *a) {
    link_remove(&a->work_link);
    link_remove(&a->late_link);
    keys_clear(a);
    places_forget(a);
    free(a->packs);
    log_records_free(&a->pending);
    *a->solo->host.memory -= account_size(a);
    free(a->search_path);
    free(a);
}

/* Where the log goes on. */
static void go_on(struct solo_account *a, const struct open_job *j) {
    const struct index_pack *packs = (const void *)j->packs.ptr;
    for (size_t i = 0; i < j->packs.len / sizeof *packs; i++)
        pack_add(a, &packs[i]);
    const struct index_pack *p = pack_find(a, j->row.mark.pack);
    bool usable = j->row.mark.pack == j->result.newest && p && p->state == INDEX_PACK_WHOLE;
    a->mark = j->row.mark;
    a->newest = MAX(j->row.mark.pack, j->result.newest);
    a->current_end = usable ? j->row.mark.offset : 0;
    a->dir_synced = true;
    a->maps_there = j->maps;
    a->search_there = j->search;
}

static void give_what_was_read(const struct open_job *j, const struct backend_sink *sink) {
    const struct read_mailbox *mailboxes = (const void *)j->mailboxes.ptr;
    for (size_t i = 0; i < j->mailboxes.len / sizeof *mailboxes; i++) {
        struct backend_mailbox m = mailboxes[i].mailbox;
        m.info.name.ptr = j->names.ptr + mailboxes[i].name_at;
        sink->mailbox(sink->arg, &m);
    }
    const struct read_property *properties = (const void *)j->properties.ptr;
    for (size_t i = 0; i < j->properties.len / sizeof *properties; i++) {
        struct record_property p = properties[i].property;
        p.name.ptr = j->names.ptr + properties[i].bytes_at;
        p.value.ptr = p.name.ptr + p.name.len;
        sink->property(sink->arg, &p);
    }
}

/* Compaction drops that one was removed with the last pack in which it was set. */
static uint64_t properties_since(const struct solo_account *a, const struct open_job *j) {
    for (size_t i = 0; i < a->pack_count; i++)
        if (a->packs[i].pack == 1)
            return 0;
    return j->row.modseq;
}

/*
 * What is larger than the pieces that malloc keeps for a thread (1032 bytes) goes back where it
 * came from when it is freed, and stays there when it grows.
 */
#define HOME_SIZE 2048U

static int open_files(struct solo_account *a, struct open_job *j) WAITS {
    files_touch(a);
    int error = fiber_mutex_lock(&a->db);
    if (error)
        return error;
    buf_reserve(&j->mailboxes, HOME_SIZE);
    buf_reserve(&j->properties, HOME_SIZE);
    buf_reserve(&j->names, HOME_SIZE);
    buf_reserve(&j->packs, HOME_SIZE);
    error = offload(OFFLOAD_DISK, run_open, j);
    fiber_mutex_unlock(&a->db);
    if (j->result.said.len)
        solo_report(a, buf_slice(&j->result.said));
    if (error)
        solo_report(a, slice_of_str(j->problem.text));
    return error;
}

int solo_account_open(struct store_backend *b, uint64_t id, const struct backend_sink *sink,
                      struct backend_state *ret_state, struct backend_account **ret) {
    struct solo_account *a = account_new(solo_of(b), id);
    struct open_job j = {.account = a, .where = account_where(a)};
    int error = open_files(a, &j);
    if (!error) {
        go_on(a, &j);
        a->ready = true;
        if (j.row.born == 0)
            keys_begin(a);
        give_what_was_read(&j, sink);
        *ret_state = (struct backend_state){
            .is_new = j.row.born == 0 && j.mailboxes.len == 0,
            .counters = {j.row.born, j.row.modseq, j.row.message_next, j.row.mailbox_next,
                         j.row.forgotten},
            .deleted_bytes = j.row.deleted_bytes,
            .deleted_count = j.deleted_count,
            .messages = j.row.bodies,
            .bytes = j.row.bytes,
            .properties_since = properties_since(a, &j),
        };
        a->is_new = ret_state->is_new;
        packs_look_for_work(a);
        *ret = &a->base;
    } else {
        (void)files_close(a);
        account_free(a);
    }
    replay_result_done(&j.result);
    buf_done(&j.mailboxes);
    buf_done(&j.properties);
    buf_done(&j.names);
    buf_done(&j.packs);
    if (!error)
        files_close_some(solo_of(b));
    return error;
}

/* ------------------------------------------------------------------ closing */

static int nap(void *arg) {
    (void)usleep(1000);
    return 0;
}

int solo_account_close(struct backend_account *account, bool forced) {
    struct solo_account *a = account_of(account);
    int error = 0;
    a->ready = false;
    while (a->at_work)
        if (fiber_cond_wait(&a->solo->rested) < 0)
            (void)offload(OFFLOAD_DISK, nap, NULL);
    if (!list_empty(&a->pending) && (error = files_lock_whole(a)) == 0)
        files_unlock(a, 0);
    if (error && !forced) {
        a->ready = true;
        work_trails(a);
        return error;
    }
    (void)files_close(a);
    account_free(a);
    return 0;
}

static int look_for_files(void *arg) {
    struct stat st;
    return stat(arg, &st) < 0 ? -errno : 0;
}

struct list_job {
    const char *dir;
    unsigned part;
    struct buf *ids;
};

static int run_list(void *arg) {
    struct list_job *j = arg;
    _cleanup_(free_p) char *path = mem_printf("%s/%02x", j->dir, j->part);
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    const struct dirent *e;
    uint64_t id;
    while ((e = readdir(dir)))
        if (slice_to_u64(slice_of_str(e->d_name), INT64_MAX, &id) == 0)
            buf_add_bytes(j->ids, &id, sizeof id);
    (void)closedir(dir);
    return 0;
}

int solo_accounts(struct store_backend *b, unsigned part, struct buf *ids) {
    struct list_job j = {solo_of(b)->dir, part, ids};
    return offload(OFFLOAD_DISK, run_list, &j);
}

int solo_look(struct store_backend *b, uint64_t id) {
    _cleanup_(free_p) char *dir = replay_account_dir(solo_of(b)->dir, id);
    return offload(OFFLOAD_DISK, look_for_files, dir);
}
