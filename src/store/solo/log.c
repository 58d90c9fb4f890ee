/* SPDX-License-Identifier: ISC */
/*
 * Writing an account's log: groups of records.
 *
 * A group is written with one call and synced once. The account's `log` mutex is held from its
 * begin to its end, so records lie in the order of their groups.
 *
 * A failed sync leaves open what the disk holds, and asking again would be answered with "fine".
 * The pack is given up: its good part, all that was ever acknowledged, stays where it is to be
 * read; the next pack's first record seals it there, so that no replay takes in what lies behind;
 * compaction soon copies the good part away.
 */
#include "store/solo/inside.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/random.h"

/* ------------------------------------------------------------------ building a group */

static void add_iov(struct log_group *g, const void *bytes, size_t len) {
    if (len == 0)
        return;
    if (g->iov_count == g->iov_size) {
        g->iov_size = g->iov_size ? 2 * g->iov_size : 64;
        g->iov = mem_grow(g->iov, g->iov_size * sizeof *g->iov);
    }
    g->iov[g->iov_count++] = (struct iovec){(void *)(uintptr_t)bytes, len};
}

static void add_record(struct log_group *g, uint8_t type, uint16_t flags, struct slice facts,
                       const struct store_bytes *body) {
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

void log_mailbox_facts(const struct log_group *g, const struct record_mailbox *m,
                       struct buf *facts) {
    note_mailbox_encode(facts, &(struct note_mailbox){
                                   .account = g->account->id,
                                   .mailbox = m->mailbox,
                                   .parent = m->parent,
                                   .uidvalidity = m->uidvalidity,
                                   .uidnext = m->uidnext,
                                   .role = m->role,
                                   .modseq = m->modseq,
                                   .name = m->name,
                               });
}

static void describe_mailbox(void *group, const struct record_mailbox *m) {
    _cleanup_(buf_done) struct buf facts = {0};
    log_mailbox_facts(group, m, &facts);
    add_record(group, NOTE_MAILBOX, 0, buf_slice(&facts), NULL);
}

static void count_mailbox(void *count, const struct record_mailbox *m) {
    ++*(uint32_t *)count;
}

void log_head(struct log_group *g) {
    struct solo_account *a = g->account;
    const struct backend_host *host = &a->solo->host;
    if (g->at != PACK_FILE_HEAD)
        return;
    _cleanup_(buf_done) struct buf seals = {0}, facts = {0};
    struct backend_counters c;
    uint32_t mailboxes = 0;
    host->describe(host->arg, a->id, &c, count_mailbox, &mailboxes);
    for (size_t i = 0; i < a->pack_count; i++)
        if (a->packs[i].state == INDEX_PACK_SEALED)
            note_seal_encode(&seals, (struct note_seal){a->packs[i].pack, a->packs[i].end});
    note_account_encode(&facts,
                        &(struct note_account){
                            .account = a->id,
                            .born = c.born,
                            .modseq = c.modseq,
                            .message_next = c.body_next,
                            .mailbox_next = c.mailbox_next,
                            .seals = buf_slice(&seals),
                            .forgotten = {.modseq = c.forgotten.modseq, .uid = c.forgotten.uid},
                            .mailboxes = mailboxes,
                        });
    add_record(g, NOTE_ACCOUNT, 0, buf_slice(&facts), NULL);
    host->describe(host->arg, a->id, &c, describe_mailbox, g);
}

void log_add(struct log_group *g, uint8_t type, uint16_t flags, struct slice facts,
             const struct store_bytes *body) {
    log_head(g);
    add_record(g, type, flags, facts, body);
}

void log_new_pack(struct log_group *g) {
    MUST(list_empty(&g->records));
    log_leave_pack(g->account);
    g->create = true;
    g->pack = g->account->newest + 1;
    g->generation = random_u64() | 1;
    g->start = g->at = PACK_FILE_HEAD;
}

/* ------------------------------------------------------------------ the current pack */

void log_leave_pack(struct solo_account *a) {
    pack_close_current(a);
    a->current_end = 0;
}

static void set_current(struct solo_account *a, const struct pack_file *f) {
    if (!a->current)
        a->current = NEW(struct pack_file);
    *a->current = *f;
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

/*
 * Whether a pack begins with all that log_head() writes: 1 or 0, or negative. A power cut may have
 * left less of it, and the next open takes what is left for its end. Of a pack that an older
 * program has begun it is known only when more than its head is there.
 */
static int has_head(const struct pack_file *f) {
    _cleanup_(pack_reader_done) struct pack_reader r = {
        .fd = f->fd, .generation = f->head.generation, .at = PACK_FILE_HEAD, .to = f->end};
    struct pack_entry e;
    struct note_account n;
    if (f->end == PACK_FILE_HEAD)
        return 1; /* the next group writes it */
    int found = pack_next(&r, &e);
    if (found != PACK_RECORD || e.record.type != NOTE_ACCOUNT)
        return MIN(found, 0);
    int error = note_account_decode(e.record.facts, &n);
    for (uint32_t described = 0; !error && described < n.mailboxes; described++) {
        found = pack_next(&r, &e);
        if (found == PACK_RECORD && e.record.type != NOTE_MAILBOX)
            return n.mailboxes == NOTE_UNCOUNTED;
        if (found != PACK_RECORD)
            return MIN(found, 0);
    }
    return error ? error : 1;
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
    int usable = len >= 0 && (uint64_t)len < j->end ? 0 : has_head(&j->file);
    if (usable == 1)
        error = pack_file_cut(&j->file);
    else
        error = usable < 0 ? usable : -E_CORRUPT;
    if (error)
        pack_file_close(&j->file);
    return error;
}

/* Nothing more is written to the newest pack; what lies behind `end` does not count. */
static void seal_current(struct solo_account *a, uint64_t end) {
    struct index_pack *p = pack_find(a, a->newest);
    if (!p)
        p = pack_add(a, &(struct index_pack){.pack = a->newest});
    p->end = end;
    p->state = INDEX_PACK_SEALED;
    log_leave_pack(a);
    work_add(a, WORK_COMPACT);
}

static int open_current(struct solo_account *a) WAITS {
    struct pack_job j = {.io = a->solo->options.io, .number = a->newest, .end = a->current_end};
    _cleanup_(free_p) char *packs = mem_printf("%s/" REPLAY_PACKS_DIR, a->dir);
    j.packs = packs;
    files_touch(a);
    int error = offload(OFFLOAD_DISK, run_open, &j);
    if (error == 0)
        set_current(a, &j.file);
    if (error == -E_CORRUPT || error == -E_UNKNOWN || error == -ENOENT) {
        seal_current(a, a->current_end);
        error = 0;
    }
    return error;
}

int log_resume(struct log_group *g, struct solo_account *a) {
    *g = (struct log_group){.account = a};
    list_init(&g->records);
    if (a->current_end > 0 && !a->current) {
        int error = open_current(a);
        if (error)
            return error;
    }
    if (a->current_end == 0) {
        log_new_pack(g);
        return 0;
    }
    g->pack = a->newest;
    g->generation = a->current->head.generation;
    g->start = g->at = a->current_end;
    return 0;
}

int log_begin(struct log_group *g, struct solo_account *a) {
    int error = log_resume(g, a);
    if (!error && g->at >= a->solo->options.pack_size && !g->create)
        log_new_pack(g);
    return error;
}

void log_done(struct log_group *g) {
    struct solo_account *a = g->account;
    struct link *k;
    while (g->written && (k = list_pop(&g->records))) {
        list_append(&a->pending, k);
        a->pending_count++;
        a->behind += CONTAINER_OF(k, const struct log_record, link)->facts_len;
    }
    work_trails(a);
    log_records_free(&g->records);
    free(g->iov);
    arena_done(&g->arena);
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

/* What the write has left behind, good or bad. */
static void settle(struct log_group *g, const struct pack_job *j, int error) {
    struct solo_account *a = g->account;
    if (j->create && error == -EEXIST)
        a->newest++;
    if (j->file.fd < 0)
        return;
    a->newest = g->pack;
    set_current(a, &j->file);
    a->current_end = j->file.end;
    if (j->file.failed) {
        struct problem p;
        a->solo->stats.failed_syncs++;
        seal_current(a, g->start);
        (void)problem_set(&p, 0, "pack %06llu cannot be written any more (%s): a new one is begun",
                          (unsigned long long)g->pack, error_text(error));
        solo_report(a, slice_of_str(p.text));
    } else if (error == 0) {
        a->dir_synced = true;
    }
}

int log_write(struct log_group *g) {
    struct solo_account *a = g->account;
    if (list_empty(&g->records))
        return 0;
    _cleanup_(free_p) char *packs = NULL;
    struct pack_job j = {
        .io = a->solo->options.io,
        .number = g->pack,
        .create = g->create,
        .sync_dir = g->create || !a->dir_synced,
        .iov = g->iov,
        .iov_count = g->iov_count,
    };
    if (j.sync_dir)
        packs = mem_printf("%s/" REPLAY_PACKS_DIR, a->dir);
    j.packs = packs;
    if (!g->create) {
        j.file = *a->current;
    } else {
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
    g->written = error == 0;
    if (g->written) {
        struct index_pack *p = pack_find(a, g->pack);
        if (!p)
            p = pack_add(a, &(struct index_pack){.pack = g->pack});
        p->end = MAX(p->end, g->at);
    }
    return error == -E_UNTRUSTED ? -EIO : error;
}
