/* SPDX-License-Identifier: ISC */
/*
 * Writing an account's log: group commit.
 *
 * A fiber hands over a change and waits. A writer (one of a few fibers of the store) takes the
 * account, lets each waiting change prepare its records, writes them with one call, syncs once, and
 * then makes them visible and wakes everybody. Changes that come meanwhile are the next group. So
 * an account has one writer at a time, records lie in the order of their MODSEQ, and nothing is
 * seen before it is durable. When a group is begun, rest.c decides.
 *
 * Numbers (UID, MODSEQ, message) are given out while preparing and never taken back: a group that
 * fails leaves gaps.
 *
 * A failed sync leaves open what the disk holds, and asking again would be answered with "fine".
 * The pack is given up: its good part, all that was ever acknowledged, stays where it is to be
 * read; the next pack's first record seals it there, so that no replay takes in what lies behind;
 * compaction soon copies the good part away.
 */
#include "store/account.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/random.h"

#define GROUP_CHANGES 256U
#define GROUP_BYTES   (8U << 20)

struct group {
    struct store_account *account;
    struct list changes; /* prepared */
    struct list records; /* struct log_record */
    unsigned count;
    uint64_t pack, generation;
    uint64_t start, at; /* offsets in the pack: of the group, of its next record */
    bool create;        /* the pack is made by this group */
    uint64_t messages;  /* bytes of its new messages */
    struct iovec *iov;
    size_t iov_count, iov_size;
    struct arena arena; /* frames */
    struct buf scratch, head_facts;
};

/* ------------------------------------------------------------------ building a group */

static void add_iov(struct group *g, const void *bytes, size_t len) {
    if (len == 0)
        return;
    if (g->iov_count == g->iov_size) {
        g->iov_size = g->iov_size ? 2 * g->iov_size : 64;
        g->iov = mem_grow(g->iov, g->iov_size * sizeof *g->iov);
    }
    g->iov[g->iov_count++] = (struct iovec){(void *)(uintptr_t)bytes, len};
}

static void add_record(struct group *g, uint8_t type, uint16_t flags, struct slice facts,
                       const struct body *body) {
    struct log_record *r = log_record_new(type, flags, facts);
    struct pack_record p = {.type = type,
                            .flags = flags,
                            .facts = log_record_facts(r),
                            .body_len = body ? body->len : 0,
                            .body_crc = body ? body->crc : 0};
    struct pack_frame *frame = ARENA_NEW(&g->arena, struct pack_frame);
    pack_frame(g->generation, &p, frame);
    r->pack = g->pack;
    r->place = (struct pack_place){.offset = g->at,
                                   .body = g->at + PACK_HEAD + facts.len,
                                   .body_len = p.body_len,
                                   .body_crc = p.body_crc};
    r->len = pack_record_len(&p);
    g->at += r->len;
    list_append(&g->records, &r->link);
    add_iov(g, frame->head, PACK_HEAD);
    add_iov(g, r->facts, r->facts_len);
    for (size_t i = 0; body && i < body->count; i++)
        add_iov(g, body->parts[i].ptr, body->parts[i].len);
    add_iov(g, frame->end, PACK_END);
}

static void add_seals(struct store_account *a, struct buf *to) {
    for (size_t i = 0; i < a->pack_count; i++)
        if (a->packs[i].state == INDEX_PACK_SEALED)
            note_seal_encode(to, (struct note_seal){a->packs[i].pack, a->packs[i].end});
}

void group_head(struct group *g) {
    struct store_account *a = g->account;
    if (g->at != PACK_FILE_HEAD)
        return;
    _cleanup_(buf_done) struct buf seals = {0};
    add_seals(a, &seals);
    buf_clear(&g->head_facts);
    note_account_encode(&g->head_facts, &(struct note_account){
                                            .account = a->id,
                                            .born = a->born,
                                            .modseq = a->modseq,
                                            .message_next = a->message_next,
                                            .mailbox_next = a->mailbox_next,
                                            .seals = buf_slice(&seals),
                                        });
    add_record(g, NOTE_ACCOUNT, 0, buf_slice(&g->head_facts), NULL);
    for (size_t i = 0; i < a->box_count; i++) {
        const struct store_mailbox *m = &a->boxes[i]->info;
        buf_clear(&g->head_facts);
        note_mailbox_encode(&g->head_facts, &(struct note_mailbox){
                                                .account = a->id,
                                                .mailbox = m->id,
                                                .parent = m->parent,
                                                .uidvalidity = m->uidvalidity,
                                                .uidnext = m->uidnext,
                                                .role = m->role,
                                                .modseq = m->modseq,
                                                .name = m->name,
                                            });
        add_record(g, NOTE_MAILBOX, 0, buf_slice(&g->head_facts), NULL);
    }
}

void group_add(struct group *g, uint8_t type, uint16_t flags, struct slice facts,
               const struct body *body) {
    group_head(g);
    add_record(g, type, flags, facts, body);
    if (type == NOTE_MESSAGE && !(flags & NOTE_MOVED))
        g->messages += body->len;
}

uint64_t group_messages(const struct group *g) {
    return g->messages;
}

struct buf *group_scratch(struct group *g) {
    buf_clear(&g->scratch);
    return &g->scratch;
}

struct arena *group_arena(struct group *g) {
    return &g->arena;
}

bool group_is_empty(const struct group *g) {
    return list_empty(&g->records);
}

bool group_has(const struct group *g, bool (*is)(const struct change *c, const void *arg),
               const void *arg) {
    LIST_EACH (c, &g->changes, const struct change, link) {
        if (is(c, arg))
            return true;
    }
    return false;
}

uint64_t group_pack(const struct group *g) {
    return g->pack;
}

void group_new_pack(struct group *g) {
    MUST(group_is_empty(g));
    log_leave_pack(g->account);
    g->create = true;
    g->pack = g->account->newest + 1;
    g->generation = random_u64() | 1;
    g->start = g->at = PACK_FILE_HEAD;
}

/* ------------------------------------------------------------------ the current pack */

void log_leave_pack(struct store_account *a) {
    pack_file_close(&a->current);
    a->current_end = 0;
}

struct pack_job {
    char *packs;
    const struct pack_io *io;
    struct pack_file file;
    uint64_t number, end;
    bool create, sync_dir;
    struct iovec *iov;
    size_t iov_count;
};

static int open_packs_dir(const char *packs) {
    int fd = open(packs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int run_open(void *arg) {
    struct pack_job *j = arg;
    char name[PACK_NAME_SIZE];
    _cleanup_(close_p) int dir = open_packs_dir(j->packs);
    if (dir < 0)
        return dir;
    int error = pack_file_open(dir, pack_name(j->number, name), NOTE_PACK_KIND, j->io, &j->file);
    if (error)
        return error;
    off_t len = lseek(j->file.fd, 0, SEEK_END);
    j->file.end = j->end;
    if (len >= 0 && (uint64_t)len < j->end)
        error = -E_CORRUPT;
    else
        error = pack_file_cut(&j->file);
    if (error)
        pack_file_close(&j->file);
    return error;
}

/* Nothing more is written to the newest pack; what lies behind `end` does not count. */
static void seal_current(struct store_account *a, uint64_t end) {
    struct index_pack *p = pack_find(a, a->newest);
    if (!p)
        p = pack_add(a, &(struct index_pack){.pack = a->newest});
    p->end = end;
    p->state = INDEX_PACK_SEALED;
    log_leave_pack(a);
    keeper_add(a, WORK_COMPACT);
}

static int open_current(struct store_account *a) {
    struct pack_job j = {.io = a->store->options.io, .number = a->newest, .end = a->current_end};
    _cleanup_(free_p) char *packs = mem_printf("%s/" REPLAY_PACKS_DIR, a->dir);
    j.packs = packs;
    files_touch(a);
    int error = offload(OFFLOAD_DISK, run_open, &j);
    if (error == 0)
        a->current = j.file;
    if (error == -E_CORRUPT || error == -E_UNKNOWN || error == -ENOENT) {
        seal_current(a, a->current_end);
        error = 0;
    }
    return error;
}

static int begin_group(struct group *g, struct store_account *a) {
    g->account = a;
    list_init(&g->changes);
    list_init(&g->records);
    g->count = 0;
    g->iov_count = 0;
    g->create = false;
    g->messages = 0;
    arena_reset(&g->arena);
    if (a->current_end > 0 && a->current.fd < 0) {
        int error = open_current(a);
        if (error)
            return error;
    }
    if (a->current_end == 0 || a->current_end >= a->store->options.pack_size) {
        group_new_pack(g);
        return 0;
    }
    g->pack = a->newest;
    g->generation = a->current.head.generation;
    g->start = g->at = a->current_end;
    return 0;
}

/* ------------------------------------------------------------------ to the disk */

static int run_write(void *arg) {
    struct pack_job *j = arg;
    char name[PACK_NAME_SIZE];
    _cleanup_(close_p) int dir = -1;
    if (j->sync_dir && (dir = open_packs_dir(j->packs)) < 0)
        return dir;
    int error = 0;
    if (j->create)
        error =
            pack_file_create(dir, pack_name(j->number, name), &j->file.head, 0, j->io, &j->file);
    if (!error)
        error = pack_append_iov(&j->file, j->iov, (int)j->iov_count);
    if (!error)
        error = pack_sync(&j->file);
    if (!error && j->sync_dir) {
        error = pack_sync_dir(dir);
        if (error)
            j->file.failed = -E_UNTRUSTED;
    }
    return error;
}

static void publish_group(struct group *g) {
    struct store_account *a = g->account;
    struct link *k;
    while ((k = list_pop(&g->records)))
        account_publish(a, CONTAINER_OF(k, struct log_record, link));
    a->store->stats.groups++;
    keeper_count_pending(a);
    fiber_cond_wake_all(&a->changed);
}

static void give_up_pack(struct group *g, int error) {
    struct store_account *a = g->account;
    a->store->stats.failed_syncs++;
    seal_current(a, g->start);
    struct problem p;
    (void)problem_set(&p, 0, "pack %06llu cannot be written any more (%s): a new one is begun",
                      (unsigned long long)g->pack, error_text(error));
    account_report(a, slice_of_str(p.text));
}

/* What the write has left behind, good or bad. */
static void settle(struct group *g, const struct pack_job *j, int error) {
    struct store_account *a = g->account;
    if (j->create && error == -EEXIST)
        a->newest++;
    if (j->file.fd < 0)
        return;
    a->newest = g->pack;
    a->current = j->file;
    a->current_end = j->file.end;
    if (j->file.failed)
        give_up_pack(g, error);
    else if (error == 0)
        a->dir_synced = true;
}

static int write_group(struct group *g) {
    struct store_account *a = g->account;
    _cleanup_(free_p) char *packs = NULL;
    struct pack_job j = {
        .io = a->store->options.io,
        .number = g->pack,
        .create = g->create,
        .sync_dir = g->create || !a->dir_synced,
        .file = a->current,
        .iov = g->iov,
        .iov_count = g->iov_count,
    };
    if (j.sync_dir)
        packs = mem_printf("%s/" REPLAY_PACKS_DIR, a->dir);
    j.packs = packs;
    if (g->create) {
        a->dir_synced = false;
        j.file = (struct pack_file){.fd = -1,
                                    .head = {.kind = NOTE_PACK_KIND,
                                             .number = g->pack,
                                             .generation = g->generation,
                                             .created = fiber_wall()}};
    }
    files_touch(a);
    int error = offload(OFFLOAD_SYNC, run_write, &j);
    settle(g, &j, error);
    return error;
}

/* ------------------------------------------------------------------ changes */

static void finish_change(struct change *c, int result) {
    c->result = result == -E_UNTRUSTED ? -EIO : result;
    c->state = CHANGE_DONE;
    fiber_cond_wake_all(&c->done);
}

static struct change *next_change(struct group *g) {
    struct link *k = list_first(&g->account->changes);
    struct change *c = k ? CONTAINER_OF(k, struct change, link) : NULL;
    if (!c || g->count >= GROUP_CHANGES || g->at - g->start >= GROUP_BYTES)
        return NULL;
    if (g->count > 0 && c->alone)
        return NULL;
    link_remove(k);
    g->account->hurried -= !c->patient;
    c->state = CHANGE_WRITING;
    return c;
}

static void prepare_group(struct group *g) {
    struct store_account *a = g->account;
    struct change *c;
    while ((c = next_change(g))) {
        int r = c->prepare(a, c, g);
        if (r == CHANGE_LATER) {
            MUST(g->count > 0);
            c->state = CHANGE_WAITING;
            a->hurried += !c->patient;
            list_prepend(&a->changes, &c->link);
            return;
        }
        if (r < 0) {
            finish_change(c, r);
            continue;
        }
        list_append(&g->changes, &c->link);
        g->count++;
        if (c->alone)
            return;
    }
}

static void finish_group(struct group *g, int error) {
    struct link *k;
    if (error)
        log_records_free(&g->records);
    else if (!list_empty(&g->records))
        publish_group(g);
    while ((k = list_pop(&g->changes))) {
        struct change *c = CONTAINER_OF(k, struct change, link);
        if (error && c->failed)
            c->failed(g->account, c);
        finish_change(c, error);
    }
}

static void write_account(struct group *g, struct store_account *a) {
    int error = begin_group(g, a);
    if (error) {
        struct link *k;
        a->hurried = 0;
        while ((k = list_pop(&a->changes)))
            finish_change(CONTAINER_OF(k, struct change, link), error);
        return;
    }
    prepare_group(g);
    if (!group_is_empty(g))
        error = write_group(g);
    finish_group(g, error);
}

/* ------------------------------------------------------------------ fibers */

void writer_main(void *arg) {
    struct store *s = arg;
    struct group g = {0};
    for (;;) {
        struct link *k = list_pop(&s->ready);
        if (!k) {
            if (s->closing || fiber_cond_wait(&s->written) < 0)
                break;
            continue;
        }
        struct store_account *a = CONTAINER_OF(k, struct store_account, ready_link);
        account_pin(a);
        a->writing = true;
        a->group_began = fiber_now();
        if (!list_empty(&a->changes))
            write_account(&g, a);
        a->writing = false;
        rest_or_write(a);
        store_account_close(a);
    }
    free(g.iov);
    arena_done(&g.arena);
    buf_done(&g.scratch);
    buf_done(&g.head_facts);
}

static int nap(void *arg) {
    (void)usleep(1000);
    return 0;
}

/*
 * A cancelled fiber, or one whose deadline has passed, may take its change back as long as no
 * writer has it. Then it has to wait, since the writer uses its memory; every wait would return at
 * once, so it naps in another thread.
 */
int change_run(struct store_account *a, struct change *c) {
    fiber_cond_init(&c->done);
    c->state = CHANGE_WAITING;
    rest_note_change(a, c);
    list_append(&a->changes, &c->link);
    rest_or_write(a);
    while (c->state != CHANGE_DONE) {
        int r = fiber_cond_wait(&c->done);
        if (r < 0 && c->state == CHANGE_WAITING) {
            link_remove(&c->link);
            a->hurried -= !c->patient;
            if (list_empty(&a->changes)) {
                link_remove(&a->ready_link);
                heap_remove(&a->store->resting, &a->rest);
            }
            return r;
        }
        if (r < 0 && c->state == CHANGE_WRITING)
            (void)offload(OFFLOAD_DISK, nap, NULL);
    }
    return c->result;
}

static int prepare_nothing(struct store_account *a, struct change *c, struct group *g) {
    (void)a;
    (void)c;
    (void)g;
    return 0;
}

void change_flush(struct store_account *a) {
    struct change c = {.prepare = prepare_nothing};
    if (a->writing || !list_empty(&a->changes))
        (void)change_run(a, &c);
}
