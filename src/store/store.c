/* SPDX-License-Identifier: ISC */
/*
 * The store and its accounts: coming into memory, staying there while used and a while longer,
 * going out.
 *
 * Opening an account is one job in a disk thread: directories, database, what the packs have beyond
 * it, counters and mailboxes. Fibers that want the same account meanwhile wait for it.
 */
#include "store/account.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"

#define LARGE_MESSAGES 4U /* in memory at a time */
#define MIN_FREE       (64ULL << 20)

void account_report(struct store_account *a, struct slice sentences) {
    const struct store_options *o = &a->store->options;
    struct slice line;
    while (o->report && sentences.len && slice_next(&sentences, '\n', &line)) {
        _cleanup_(free_p) char *text = mem_str(line);
        if (line.len)
            o->report(o->report_arg, a->id, text);
    }
}

struct replay_where account_where(const struct store_account *a) {
    const struct store *s = a->store;
    return (struct replay_where){s->dir, a->id, buf_slice(&s->blank), s->options.io, false};
}

/* ------------------------------------------------------------------ into memory */

struct open_job {
    struct store_account *account;
    struct replay_where where;
    struct replay_result result;
    struct problem problem;
    struct account_facts facts;
};

/* Packs that were emptied but are still there. */
static void remove_gone(const struct store_account *a, struct index *ix, struct buf *packs) {
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
    struct store_account *a = j->account;
    int error = replay_open(&j->where, false, &a->index, &j->result, &j->problem);
    if (error)
        return error;
    error = account_facts_read(&j->facts, a->index);
    if (!error)
        remove_gone(a, a->index, &j->facts.packs);
    return error == -E_UNKNOWN ? 0 : error; /* a new one */
}

static void add_inbox(struct store_account *a, uint32_t uidnext) {
    box_add(a, &(struct store_mailbox){
                   .id = STORE_INBOX,
                   .role = STORE_ROLE_INBOX,
                   .name = S("INBOX"),
                   .uidvalidity = (uint32_t)(a->born / USEC_SEC) + STORE_INBOX,
                   .uidnext = uidnext,
                   .modseq = a->modseq,
               });
}

static int prepare_founding(struct store_account *a, struct change *c, struct group *g) {
    group_head(g);
    return 0;
}

/*
 * A new account: its first pack tells when it was born, before anyone is told a UIDVALIDITY. The
 * database is told at once: it is open now, and may be closed by the time the keeper comes.
 */
static int found_account(struct store_account *a) {
    a->born = fiber_wall();
    a->modseq = a->published = a->message_next = 1;
    a->mailbox_next = STORE_INBOX + 1;
    a->keys_loaded = true;
    add_inbox(a, 1);
    a->boxes[0]->loaded = true;
    struct change c = {.prepare = prepare_founding};
    int error = change_run(a, &c);
    if (error == 0 && files_lock(a) == 0)
        files_unlock(a, files_take_in(a));
    return error;
}

static void go_on(struct store_account *a, const struct open_job *j) {
    const struct index_pack *p = pack_find(a, j->facts.row.mark.pack);
    bool usable = j->facts.row.mark.pack == j->result.newest && p && p->state == INDEX_PACK_WHOLE;
    a->newest = MAX(j->facts.row.mark.pack, j->result.newest);
    a->current_end = usable ? j->facts.row.mark.offset : 0;
    a->dir_synced = true;
    if (!box_find(a, STORE_INBOX))
        add_inbox(a, INDEX_LEAP);
    for (size_t i = 0; i < a->pack_count; i++)
        if (pack_wants_compaction(a, &a->packs[i]))
            keeper_add(a, WORK_COMPACT);
}

static int bring_in(struct store_account *a) {
    struct open_job j = {.account = a, .where = account_where(a)};
    files_touch(a);
    int error = fiber_mutex_lock(&a->db);
    if (error)
        return error;
    account_facts_init(&j.facts);
    error = offload(OFFLOAD_DISK, run_open, &j);
    account_fill(a, &j.facts);
    account_facts_done(&j.facts);
    fiber_mutex_unlock(&a->db);
    if (j.result.said.len)
        account_report(a, buf_slice(&j.result.said));
    if (error)
        account_report(a, slice_of_str(j.problem.text));
    a->newest = j.result.newest;
    if (!error && a->box_count == 0 && a->born == 0)
        error = found_account(a);
    else if (!error)
        go_on(a, &j);
    replay_result_done(&j.result);
    return error;
}

static struct store_account *account_new(struct store *s, uint64_t id) {
    struct store_account *a = NEW(struct store_account);
    a->store = s;
    a->id = id;
    a->dir = replay_account_dir(s->dir, id);
    a->users = 1;
    a->current.fd = -1;
    fiber_cond_init(&a->changed);
    fiber_mutex_init(&a->db);
    list_init(&a->changes);
    list_init(&a->pending);
    (void)map_put(&s->accounts, map_u64(&a->id), a);
    s->stats.accounts++;
    return a;
}

static void account_free(struct store_account *a) {
    struct store *s = a->store;
    (void)map_remove(&s->accounts, map_u64(&a->id));
    s->stats.accounts--;
    link_remove(&a->ready_link);
    link_remove(&a->work_link);
    link_remove(&a->late_link);
    account_clear(a);
    fiber_cond_wake_all(&s->settled);
    free(a->dir);
    free(a);
}

void account_pin(struct store_account *a) {
    if (a->users++ > 0)
        return;
    link_remove(&a->idle_link);
    a->store->idle_count--;
}

/* The account when it is in memory, and once it is settled there; or NULL. */
static int find_settled(struct store *s, uint64_t id, struct store_account **ret) {
    while ((*ret = map_get(&s->accounts, map_u64(&id))) && (*ret)->state != ACCOUNT_READY) {
        int r = fiber_cond_wait(&s->settled);
        if (r < 0)
            return r;
    }
    return 0;
}

static int account_open(struct store *s, uint64_t id, bool tell,
                        struct store_account **ret_account) {
    struct store_account *a = NULL;
    int r = find_settled(s, id, &a);
    if (r < 0)
        return r;
    if (map_get(&s->purged, map_u64(&id)))
        return -E_PERMANENT;
    if (a) {
        account_pin(a);
        *ret_account = a;
        return 0;
    }
    a = account_new(s, id);
    int error = bring_in(a);
    if (error) {
        a->state = ACCOUNT_CLOSING;
        (void)files_close(a);
        account_free(a);
        return error;
    }
    a->state = ACCOUNT_READY;
    fiber_cond_wake_all(&s->settled);
    if (tell)
        account_report_usage(a);
    if (link_in_list(&a->work_link))
        keeper_wake(s);
    files_close_some(s);
    *ret_account = a;
    return 0;
}

int store_account_open(struct store *s, uint64_t id, struct store_account **ret_account) {
    return account_open(s, id, true, ret_account);
}

void store_account_close(struct store_account *a) {
    if (!a || --a->users > 0)
        return;
    struct store *s = a->store;
    list_append(&s->idle, &a->idle_link);
    s->idle_count++;
    if (s->idle_count > s->options.max_accounts)
        keeper_wake(s);
}

/* ------------------------------------------------------------------ out of memory */

int account_put_away(struct store_account *a) {
    MUST(a->users == 0);
    struct store *s = a->store;
    link_remove(&a->idle_link);
    s->idle_count--;
    a->state = ACCOUNT_CLOSING;
    int error = 0;
    if (!list_empty(&a->pending) && (error = files_lock(a)) == 0) {
        error = files_take_in(a);
        files_unlock(a, error);
    }
    if (error && !s->closing) {
        a->state = ACCOUNT_READY;
        list_append(&s->idle, &a->idle_link);
        s->idle_count++;
        fiber_cond_wake_all(&s->settled);
        return error;
    }
    (void)files_close(a);
    account_free(a);
    return 0;
}

/* ------------------------------------------------------------------ out of the world */

int account_take_out(struct store *s, uint64_t id, struct store_account **ret) {
    struct store_account *a = NULL;
    int r = find_settled(s, id, &a);
    if (r == 0 && a && a->users > 0)
        return -E_BUSY;
    if (r == 0 && a)
        r = account_put_away(a);
    if (r == 0)
        r = find_settled(s, id, &a);
    if (r < 0 || a) /* somebody was quicker */
        return r < 0 ? r : -E_BUSY;
    *ret = account_new(s, id);
    return 0;
}

void account_leave_out(struct store_account *a, bool purged) {
    struct store *s = a->store;
    if (purged && !map_get(&s->purged, map_u64(&a->id))) {
        uint64_t *id = NEW(uint64_t);
        *id = a->id;
        (void)map_put(&s->purged, map_u64(id), id);
    }
    a->state = ACCOUNT_CLOSING;
    account_free(a);
}

/* ------------------------------------------------------------------ the store */

static void set_defaults(struct store_options *o) {
    o->max_accounts = o->max_accounts ? o->max_accounts : 4096;
    o->max_handles = o->max_handles ? o->max_handles : 256;
    o->idle_files = o->idle_files ? o->idle_files : 2 * USEC_SEC;
    o->writers = o->writers ? o->writers : 16;
    o->take_in_count = o->take_in_count ? o->take_in_count : 64;
    o->take_in_after = o->take_in_after ? o->take_in_after : USEC_SEC;
    o->pack_size = o->pack_size ? o->pack_size : 64ULL << 20;
    o->compact_size = o->compact_size ? o->compact_size : 256ULL << 10;
    o->min_free = o->min_free ? o->min_free : MIN_FREE;
    o->key_lifetime = o->key_lifetime ? o->key_lifetime : 10 * USEC_DAY;
    o->io = o->io ? o->io : &pack_io_system;
}

void store_set_min_free(struct store *s, uint64_t bytes) {
    s->options.min_free = bytes ? bytes : MIN_FREE;
    s->space_checked = 0; /* the next delivery looks again */
    s->space_low = false;
}

static struct store *store_new(const char *dir, const struct store_options *options) {
    struct store *s = NEW(struct store);
    s->dir = mem_str(slice_of_str(dir));
    s->options = *options;
    set_defaults(&s->options);
    list_init(&s->idle);
    list_init(&s->open);
    list_init(&s->ready);
    fiber_cond_init(&s->rested);
    list_init(&s->work);
    list_init(&s->late);
    fiber_cond_init(&s->settled);
    fiber_cond_init(&s->written);
    fiber_cond_init(&s->keep);
    fiber_gate_init(&s->large, LARGE_MESSAGES);
    s->writers = mem_array(s->options.writers, sizeof(struct fiber *));
    return s;
}

static int make_blank(void *arg) {
    return index_blank_make(arg);
}

static int start_fibers(struct store *s) {
    int error = fiber_start("store keeper", keeper_main, s, &s->keeper);
    if (!error)
        error = fiber_start("store rest", rest_main, s, &s->rest);
    for (unsigned i = 0; !error && i < s->options.writers; i++) {
        error = fiber_start("store writer", writer_main, s, &s->writers[i]);
        s->writer_count += error == 0;
    }
    return error;
}

int store_open(const char *dir, const struct store_options *options, struct store **ret_store,
               struct problem *problem) {
    struct stat st;
    if (stat(dir, &st) < 0)
        return problem_set(problem, -errno, "%s: %s", dir, error_text(errno));
    if (!S_ISDIR(st.st_mode))
        return problem_set(problem, -ENOTDIR, "%s: is no directory", dir);
    (void)key_hash(S("")); /* draws the process's key before other threads want it */
    struct store *s = store_new(dir, options);
    int error = offload(OFFLOAD_DISK, make_blank, &s->blank);
    if (!error)
        error = start_fibers(s);
    if (error) {
        store_close(s);
        return problem_set(problem, error, "%s: %s", dir, error_text(error));
    }
    *ret_store = s;
    return 0;
}

static void put_away_all(struct store *s) {
    struct link *k;
    while ((k = list_first(&s->idle)))
        (void)account_put_away(CONTAINER_OF(k, struct store_account, idle_link));
    MUST(s->accounts.count == 0);
}

void store_close(struct store *s) {
    if (!s)
        return;
    s->closing = true;
    fiber_cond_wake_all(&s->keep);
    if (s->keeper)
        fiber_join(s->keeper);
    fiber_cond_wake_all(&s->rested);
    if (s->rest)
        fiber_join(s->rest);
    fiber_cond_wake_all(&s->written);
    for (unsigned i = 0; i < s->writer_count; i++)
        fiber_join(s->writers[i]);
    put_away_all(s);
    heap_done(&s->resting);
    map_done(&s->accounts);
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&s->purged, &at));)
        free(e->value);
    map_done(&s->purged);
    fiber_turns_done(&s->turns);
    free(s->writers);
    buf_done(&s->blank);
    free(s->dir);
    free(s);
}

void store_stats(const struct store *s, struct store_stats *ret) {
    *ret = s->stats;
    ret->handles = s->open_count;
}

/* ------------------------------------------------------------------ facts of an account */

uint64_t store_account_id(const struct store_account *a) {
    return a->id;
}

uint64_t store_account_modseq(const struct store_account *a) {
    return a->published;
}

int store_wait_change(struct store_account *a, uint64_t seen) {
    while (a->published <= seen) {
        int r = fiber_cond_wait(&a->changed);
        if (r < 0)
            return r;
    }
    return 0;
}

void store_account_usage(const struct store_account *a, struct store_usage *ret) {
    struct store_usage u = {0};
    for (size_t i = 0; i < a->box_count; i++) {
        u.messages += a->boxes[i]->info.messages;
        u.bytes += a->boxes[i]->info.bytes;
    }
    for (size_t i = 0; i < a->pack_count; i++)
        u.disk += a->packs[i].end;
    *ret = u;
}

void account_report_usage(struct store_account *a) {
    const struct store_options *o = &a->store->options;
    if (o->used)
        o->used(o->used_arg, a->id);
}

void store_report_usage(struct store *s) {
    struct map_entry *e;
    for (size_t at = 0; (e = map_next(&s->accounts, &at));)
        account_report_usage(e->value);
}

static int look_for_files(void *arg) {
    struct stat st;
    return stat(arg, &st) < 0 ? -errno : 0;
}

int store_usage(struct store *s, uint64_t id, struct store_usage *ret) {
    _cleanup_(store_account_close_p) struct store_account *a = NULL;
    *ret = (struct store_usage){0};
    if (!map_get(&s->accounts, map_u64(&id))) {
        _cleanup_(free_p) char *dir = replay_account_dir(s->dir, id);
        int r = offload(OFFLOAD_DISK, look_for_files, dir);
        if (r < 0)
            return r == -ENOENT ? 0 : r;
    }
    int r = account_open(s, id, false, &a); /* who asks tells it himself */
    if (r == 0)
        store_account_usage(a, ret);
    return r;
}

int store_lock_maildrop(struct store_account *a) {
    if (a->maildrop_locked)
        return -E_BUSY;
    a->maildrop_locked = true;
    return 0;
}

void store_unlock_maildrop(struct store_account *a) {
    MUST(a->maildrop_locked);
    a->maildrop_locked = false;
}

/* ------------------------------------------------------------------ repair */

int store_repair(const char *dir, uint64_t account, struct store_repaired *ret,
                 struct problem *problem) {
    _cleanup_(free_p) char *account_dir = replay_account_dir(dir, account);
    struct stat st;
    if (stat(account_dir, &st) < 0)
        return problem_set(problem, -errno, "%s: %s", account_dir, error_text(errno));
    _cleanup_(index_close_p) struct index *ix = NULL;
    struct replay_result r;
    _cleanup_(buf_done) struct buf blank = {0};
    int error = index_blank_make(&blank);
    if (error)
        return problem_set(problem, error, "%s: %s", account_dir, error_text(error));
    struct replay_where where = {dir, account, buf_slice(&blank), &pack_io_system,
                                 .gives_up = true};
    error = replay_open(&where, true, &ix, &r, problem);
    if (!error)
        *ret = (struct store_repaired){
            .packs = r.packs, .messages = r.messages, .expunged = r.expunged, .damaged = r.damaged};
    replay_result_done(&r);
    return error;
}
