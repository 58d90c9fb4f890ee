/* SPDX-License-Identifier: ISC */
/*
 * Compaction: a pack that is mostly dead gives its space back.
 *
 * What is still needed of it is copied to the end of the log, in steps of a few MiB, each an
 * ordinary group that is synced; the last one says that the pack is gone. Then mail.db takes the
 * new places in and is synced, and the file is unlinked. Whatever stops this halfway: a message is
 * there twice, and the later copy, which says the same, is the one that counts.
 *
 * Needed are: bodies that have an entry, with their first one if that is alive, and its present
 * flags; other entries that are alive; flags and expunges of entries whose own record lies in
 * another pack, or a rebuild would undo them; delivery keys that are not too old; that mailboxes
 * were removed, as long as there are older packs, which have them; properties; removed messages
 * that can be brought back, see index_deleted.c. Everything else about a mailbox stands at the
 * beginning of each later pack.
 *
 * A pack with damage is left alone: it may be all there is to salvage a message from. As long as
 * there is one, every expunge is kept, whose message may be copied there. Left alone as well is one
 * with a message that mail.db does not know though nobody has expunged it: the packs are the truth,
 * and mail.db is made anew first.
 */
#include "store/solo/inside.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"

#define STEP_BYTES   (4U << 20)
#define STEP_RECORDS 2000U
#define LOOSE_MAX    1000U       /* removed entries in a step, before the pack is read */
#define SETS_BYTES   (64U << 10) /* of keywords, in a record */
#define SMALL_PACK   4096U       /* never worth it */

struct kept { /* a record to be written again */
    struct link link;
    uint8_t type;
    struct buf facts, body;
    uint32_t crc;
};

struct compaction {
    uint64_t account, pack;
    uint64_t at, end; /* how far it has been read, and to where */
    bool missing, done;
    bool index_wrong; /* mail.db does not fit the pack */
    bool older;       /* there are packs before this one */
    bool damage;      /* another pack is kept because of it, with copies of any age */

    /* For the disk thread. */
    struct index *index;
    int fd;
    uint64_t generation;
    usec_t keys_since;
    struct list kept;
    size_t kept_count, kept_bytes;
};

/* ------------------------------------------------------------------ what is kept */

static struct kept *keep(struct compaction *c, uint8_t type) {
    struct kept *k = NEW(struct kept);
    k->type = type;
    list_append(&c->kept, &k->link);
    c->kept_count++;
    return k;
}

static void forget_kept(struct compaction *c) {
    struct link *l;
    while ((l = list_pop(&c->kept))) {
        struct kept *k = CONTAINER_OF(l, struct kept, link);
        buf_done(&k->facts);
        buf_done(&k->body);
        free(k);
    }
    c->kept_count = c->kept_bytes = 0;
}

static void keep_key(struct compaction *c, const struct note_key *n) {
    if (n->key.len > 0 && n->stored >= c->keys_since)
        note_key_encode(&keep(c, NOTE_KEY)->facts, n);
}

static int read_generation(struct compaction *c) {
    char bytes[PACK_FILE_HEAD];
    struct pack_file_head head = {0};
    ssize_t n = pread(c->fd, bytes, sizeof bytes, 0);
    int error = n < 0 ? -errno : pack_file_decode(slice_of(bytes, (size_t)n), &head);
    if (!error)
        c->generation = head.generation;
    return error;
}

/*
 * Whether somebody has expunged an entry that mail.db does not know: 0, or mail.db is wrong, and
 * then the pack may be all that is left of the entry.
 */
static int was_expunged(struct compaction *c, uint32_t mailbox, uint32_t uid) {
    uint64_t pack;
    int error = index_vanished(c->index, mailbox, uid, &pack);
    if (error != -E_UNKNOWN)
        return error;
    int gone = index_mailbox_gone(c->index, mailbox);
    c->index_wrong |= gone == 0;
    return gone == 0 ? -E_TEMPORARY : MIN(gone, 0);
}

/* Copies the bytes of a body, behind the facts that were made for it. */
static int keep_bytes(struct compaction *c, struct kept *k, const struct pack_entry *e) {
    _cleanup_(buf_done) struct buf facts = {0};
    struct pack_entry whole;
    int error = pack_read(c->fd, c->generation, e->place.offset, &facts, &k->body, &whole);
    k->crc = e->place.body_crc;
    c->kept_bytes += k->body.len;
    return error;
}

/* 1: this record is the one in which a body lies; 0: it lies in a later copy, or nobody needs it.
 */
static int lies_here(struct compaction *c, uint64_t body, const struct pack_entry *e,
                     bool *ret_copied) {
    uint64_t pack, offset;
    int error = index_body(c->index, body, &pack, &offset);
    if (!error && pack == 0) { /* mail.db has missed it */
        c->index_wrong = true;
        return -E_TEMPORARY;
    }
    *ret_copied = error == 0 && (pack != c->pack || offset != e->place.offset);
    return error == -E_UNKNOWN ? 0 : error ? error : !*ret_copied;
}

static int keep_message(struct compaction *c, const struct pack_entry *e) {
    struct note_message n;
    struct index_entry now;
    bool copied;
    int error = note_message_decode(e->record.facts, &n);
    if (error)
        return error;
    int here = lies_here(c, n.message, e, &copied);
    if (here < 0 || copied)
        return MIN(here, 0); /* the later copy has the key as well */
    error = index_entry(c->index, n.mailbox, n.uid, &now);
    if (error && error != -E_UNKNOWN)
        return error;
    if (error == 0 && here) {
        _cleanup_(buf_done) struct buf keywords = {0};
        error = index_set_names(c->index, n.mailbox, now.keywords, &keywords);
        if (error)
            return error;
        n.flags = now.flags;
        n.modseq = now.modseq;
        n.keywords = buf_slice(&keywords);
        struct kept *k = keep(c, NOTE_MESSAGE);
        note_message_encode(&k->facts, &n);
        return keep_bytes(c, k, e);
    }
    error = was_expunged(c, n.mailbox, n.uid);
    if (error)
        return error;
    keep_key(c, &(struct note_key){n.account, n.message, n.stored, n.key});
    if (!here)
        return 0;
    struct kept *k = keep(c, NOTE_BODY);
    note_body_encode(&k->facts,
                     &(struct note_body){n.account, n.message, n.arrival, n.header_size, n.shape});
    return keep_bytes(c, k, e);
}

static int keep_body(struct compaction *c, const struct pack_entry *e) {
    struct note_body n;
    bool copied;
    int error = note_body_decode(e->record.facts, &n);
    if (error)
        return error;
    int here = lies_here(c, n.message, e, &copied);
    if (here <= 0)
        return here;
    struct kept *k = keep(c, NOTE_BODY);
    buf_add(&k->facts, e->record.facts);
    return keep_bytes(c, k, e);
}

/* Items of a record that is written again, and their sets of keywords. */
struct again {
    struct buf items, sets;
    uint32_t count, set_count;
    uint64_t set; /* the last one */
};

static void again_done(struct again *g) {
    buf_done(&g->items);
    buf_done(&g->sets);
}

static void again_clear(struct again *g) {
    again_done(g);
    *g = (struct again){0};
}

/* The line of a set of mail.db. Neighbours mostly have the same one. */
static int again_set(struct compaction *c, struct again *g, uint32_t mailbox, uint64_t set,
                     uint32_t *ret_line) {
    *ret_line = 0;
    if (set == 0)
        return 0;
    if (g->set_count == 0 || g->set != set) {
        int error = index_set_names(c->index, mailbox, set, &g->sets);
        if (error)
            return error;
        buf_add_byte(&g->sets, '\n');
        g->set = set;
        g->set_count++;
    }
    *ret_line = g->set_count;
    return 0;
}

static void write_entries(struct compaction *c, struct note_entries n, struct again *g) {
    if (g->count > 0) {
        struct kept *k = keep(c, NOTE_ENTRIES);
        n.count = g->count;
        n.items = buf_slice(&g->items);
        note_entries_encode(&k->facts, &n);
        note_sets_encode(&k->facts, buf_slice(&g->sets));
    }
    again_clear(g);
}

static int keep_entries(struct compaction *c, const struct pack_entry *e) {
    struct note_entries n;
    struct index_entry now;
    _cleanup_(again_done) struct again again = {0};
    int error = note_entries_decode(e->record.facts, &n);
    for (size_t i = 0; !error && i < n.count; i++) {
        struct note_entry entry = note_entries_at(&n, i);
        error = index_entry(c->index, n.mailbox, entry.uid, &now);
        if (error == -E_UNKNOWN) {
            error = was_expunged(c, n.mailbox, entry.uid);
        } else if (!error && now.pack == c->pack) {
            entry.flags = (uint8_t)now.flags;
            entry.modseq = now.modseq;
            error = again_set(c, &again, n.mailbox, now.keywords, &entry.set);
            note_entry_encode(&again.items, &entry);
            again.count++;
            if (again.sets.len > SETS_BYTES)
                write_entries(c, n, &again);
        }
    }
    if (!error)
        write_entries(c, n, &again);
    return error;
}

static void write_changes(struct compaction *c, enum note_type type, struct note_changes n,
                          struct again *g) {
    if (g->count > 0) {
        struct kept *k = keep(c, type);
        n.count = g->count;
        n.items = buf_slice(&g->items);
        note_changes_encode(&k->facts, &n);
        note_sets_encode(&k->facts, buf_slice(&g->sets));
    }
    again_clear(g);
}

/* The changes of a record that no copied message carries. */
static int keep_changes(struct compaction *c, const struct pack_entry *e) {
    enum note_type type = e->record.type;
    struct note_changes n;
    int error = note_changes_decode(e->record.facts, type, &n);
    _cleanup_(again_done) struct again again = {0};
    for (size_t i = 0; !error && i < n.count; i++) {
        struct note_change change = note_changes_at(&n, type, i);
        struct index_entry now = {0};
        uint64_t pack = 0, offset, modseq = n.modseq;
        if (type == NOTE_EXPUNGE) {
            error = index_vanished(c->index, n.mailbox, change.uid, &pack);
        } else if (!(error = index_entry(c->index, n.mailbox, change.uid, &now))) {
            modseq = now.modseq;
            pack = now.pack;
            if (pack == 0)
                error = index_body(c->index, now.body, &pack, &offset);
        }
        bool elsewhere = pack != 0 && pack != c->pack;
        if (!error && (elsewhere || c->damage) && modseq == n.modseq) {
            error = again_set(c, &again, n.mailbox, now.keywords, &change.set);
            note_change_encode(&again.items, type, change);
            again.count++;
            if (again.sets.len > SETS_BYTES)
                write_changes(c, type, n, &again);
        }
        error = error == -E_UNKNOWN ? 0 : error;
    }
    if (!error)
        write_changes(c, type, n, &again);
    return error;
}

/* A property as it is now; that one was removed is kept while an older pack may have it. */
static int keep_property(struct compaction *c, const struct pack_entry *e) {
    struct note_property n;
    struct index_property now;
    int error = note_property_decode(e->record.facts, &n);
    if (!error)
        error = index_property_place(c->index, n.mailbox, n.kind, n.name, &now);
    if (error)
        return error == -E_UNKNOWN ? 0 : error;
    if (now.pack == c->pack && now.modseq == n.modseq && (now.is_set || c->older || c->damage))
        buf_add(&keep(c, NOTE_PROPERTY)->facts, e->record.facts);
    return 0;
}

/* That a mailbox was removed, while older packs have it, or its name is still asked for. */
static int keep_remove(struct compaction *c, const struct pack_entry *e) {
    struct note_remove n;
    int error = note_remove_decode(e->record.facts, &n);
    int wanted = error ? error : c->older || c->damage ? 1 : index_deleted_of(c->index, n.mailbox);
    if (wanted == 1)
        buf_add(&keep(c, NOTE_REMOVE)->facts, e->record.facts);
    return MIN(wanted, 0);
}

/* Removed entries to be written again, of one mailbox. */
struct deletions {
    struct compaction *c;
    uint32_t mailbox, count, total;
    struct buf items, sets, last; /* `last`: the text of the last set */
    uint32_t set_count;
};

static void deletions_done(struct deletions *d) {
    buf_done(&d->items);
    buf_done(&d->sets);
    buf_done(&d->last);
}

static void write_deletions(struct deletions *d) {
    if (d->count > 0) {
        struct kept *k = keep(d->c, NOTE_DELETED);
        note_deleted_encode(&k->facts, &(struct note_deleted){.account = d->c->account,
                                                              .mailbox = d->mailbox,
                                                              .count = d->count,
                                                              .items = buf_slice(&d->items)});
        note_sets_encode(&k->facts, buf_slice(&d->sets));
    }
    buf_clear(&d->items);
    buf_clear(&d->sets);
    d->count = d->set_count = 0;
}

static void add_deletion(void *arg, const struct index_deletion *one) {
    struct deletions *d = arg;
    struct note_deletion n = one->about;
    if (d->mailbox != one->mailbox || d->sets.len > SETS_BYTES)
        write_deletions(d);
    d->mailbox = one->mailbox;
    if (one->keywords.len > 0) {
        if (d->set_count == 0 || !slice_eq(buf_slice(&d->last), one->keywords)) {
            buf_clear(&d->last);
            buf_add(&d->last, one->keywords);
            buf_add(&d->sets, one->keywords);
            buf_add_byte(&d->sets, '\n');
            d->set_count++;
        }
        n.set = d->set_count;
    }
    note_deletion_encode(&d->items, &n);
    d->count++;
    d->total++;
}

/* Removed entries whose present record this one is. */
static int keep_deleted(struct compaction *c, const struct pack_entry *e) {
    _cleanup_(deletions_done) struct deletions again = {.c = c};
    _cleanup_(buf_done) struct buf keywords = {0};
    struct note_deleted n;
    struct index_deletion now;
    int error = note_deleted_decode(e->record.facts, &n);
    for (size_t i = 0; !error && i < n.count; i++) {
        buf_clear(&keywords);
        error = index_deletion(c->index, n.mailbox, note_deleted_at(&n, i).uid, &now, &keywords);
        if (!error && now.pack == c->pack)
            add_deletion(&again, &now);
        error = error == -E_UNKNOWN ? 0 : error;
    }
    if (!error)
        write_deletions(&again);
    return error;
}

/* Those that depend on other records: 1: there may be more. */
static int keep_loose(struct compaction *c) {
    _cleanup_(deletions_done) struct deletions again = {.c = c};
    int error = index_each_loose(c->index, LOOSE_MAX, add_deletion, &again);
    write_deletions(&again);
    return error ? error : again.total == LOOSE_MAX;
}

/* The two parts of a move, each as far as it is needed. */
static int keep_transfer(struct compaction *c, const struct pack_entry *e) {
    struct note_entries n;
    int error = note_entries_decode(e->record.facts, &n);
    if (!error)
        error = keep_entries(c, e);
    if (error)
        return error;
    struct pack_entry rest = *e;
    rest.record.type = NOTE_EXPUNGE;
    rest.record.facts = n.rest;
    return keep_changes(c, &rest);
}

static int keep_record(struct compaction *c, const struct pack_entry *e) {
    struct note_key key;
    int error;
    switch (e->record.type) {
    case NOTE_MESSAGE:
        return keep_message(c, e);
    case NOTE_BODY:
        return keep_body(c, e);
    case NOTE_ENTRIES:
        return keep_entries(c, e);
    case NOTE_TRANSFER:
        return keep_transfer(c, e);
    case NOTE_FLAGS:
    case NOTE_EXPUNGE:
        return keep_changes(c, e);
    case NOTE_DELETED:
        return keep_deleted(c, e);
    case NOTE_PROPERTY:
        return keep_property(c, e);
    case NOTE_REMOVE:
        return keep_remove(c, e);
    case NOTE_KEY:
        error = note_key_decode(e->record.facts, &key);
        if (!error)
            keep_key(c, &key);
        return error;
    default:
        return 0;
    }
}

/* Reads on in the pack until there is enough for a step. In a disk thread. */
static int gather(void *arg) {
    struct compaction *c = arg;
    int error = c->generation ? 0 : read_generation(c);
    if (!error && (error = keep_loose(c)) == 1)
        return 0;
    _cleanup_(pack_reader_done) struct pack_reader r = {
        .fd = c->fd, .generation = c->generation, .at = c->at, .to = c->end};
    while (!error && c->kept_count < STEP_RECORDS && c->kept_bytes < STEP_BYTES) {
        struct pack_entry e;
        int found = pack_next(&r, &e);
        if (found == PACK_TAIL)
            break;
        error = found == PACK_DAMAGE ? -E_CORRUPT : MIN(found, 0);
        if (!error)
            error = keep_record(c, &e);
    }
    c->at = r.at;
    c->done = r.at >= c->end;
    if (!error && !c->done && c->kept_count < STEP_RECORDS && c->kept_bytes < STEP_BYTES)
        error = -E_CORRUPT; /* the reader stopped before the end */
    return error;
}

/* ------------------------------------------------------------------ a step */

static int gather_in_thread(struct solo_account *a, struct compaction *c) WAITS {
    struct pack_handle *pack;
    int error = files_get_pack(a, c->pack, &pack);
    if (error == -E_UNKNOWN) {
        c->missing = c->done = true;
        return 0;
    }
    if (error)
        return error;
    if ((error = files_lock_whole(a)) == 0) {
        c->index = a->index;
        c->fd = pack->fd;
        error = offload(OFFLOAD_DISK, gather, c);
        files_unlock(a, c->index_wrong ? -E_CORRUPT : 0);
    }
    files_put_pack(pack);
    return error;
}

static int copy_kept(struct solo_account *a, struct compaction *c) WAITS {
    struct log_group g;
    int error = log_begin(&g, a);
    if (!error && g.pack == c->pack)
        log_new_pack(&g);
    for (struct link *l = c->kept.head.next; !error && l != &c->kept.head; l = l->next) {
        const struct kept *k = CONTAINER_OF(l, struct kept, link);
        struct slice part = buf_slice(&k->body);
        struct store_bytes body = {.parts = &part, .count = 1, .len = part.len, .crc = k->crc};
        bool has_body = k->type == NOTE_MESSAGE || k->type == NOTE_BODY;
        log_add(&g, k->type, NOTE_MOVED, buf_slice(&k->facts), has_body ? &body : NULL);
    }
    if (!error)
        error = log_write(&g);
    log_done(&g);
    return error;
}

/*
 * In a group of its own: of one that a power cut tears, this record may be found and those before
 * it not, and then the only copy of a message would go.
 */
static int write_gone(struct solo_account *a, uint64_t pack) WAITS {
    _cleanup_(buf_done) struct buf facts = {0};
    struct log_group g;
    int error = log_begin(&g, a);
    if (!error) {
        if (g.pack == pack)
            log_new_pack(&g);
        note_gone_encode(&facts, &(struct note_gone){a->id, pack});
        log_add(&g, NOTE_GONE, 0, buf_slice(&facts), NULL);
        error = log_write(&g);
    }
    log_done(&g);
    return error;
}

/* No group comes between what is read of the pack and its copy. */
static int step(struct solo_account *a, struct compaction *c) WAITS {
    if (!a->ready)
        return -ECANCELED;
    int error = fiber_mutex_lock(&a->log);
    if (error)
        return error;
    const struct index_pack *p = pack_find(a, c->pack);
    if (p)
        c->end = p->end; /* final only here: groups before this one may have been written to it */
    error = gather_in_thread(a, c);
    if (!error && !list_empty(&c->kept))
        error = copy_kept(a, c);
    if (!error && c->done)
        error = write_gone(a, c->pack);
    fiber_mutex_unlock(&a->log);
    forget_kept(c);
    return error;
}

/* ------------------------------------------------------------------ a pack */

struct unlink_job {
    struct index *index;
    const char *path;
    uint64_t pack;
};

static int run_unlink(void *arg) {
    struct unlink_job *j = arg;
    int error = index_sync(j->index);
    if (error)
        return error;
    if (unlink(j->path) < 0 && errno != ENOENT)
        return -errno;
    return index_forget_pack(j->index, j->pack);
}

/* The log has everything; once mail.db has the new places, on the disk, the file goes. */
static int remove_pack(struct solo_account *a, uint64_t pack) WAITS {
    char name[PACK_NAME_SIZE];
    _cleanup_(free_p) char *path =
        mem_printf("%s/" REPLAY_PACKS_DIR "/%s", a->dir, pack_name(pack, name));
    pack_find(a, pack)->state = INDEX_PACK_GONE;
    int error = files_lock_whole(a);
    if (error)
        return error;
    struct unlink_job j = {.index = a->index, .path = path, .pack = pack};
    error = offload(OFFLOAD_DISK, run_unlink, &j);
    places_forget(a);
    files_unlock(a, error);
    if (error)
        return error;
    files_forget_pack(a, pack);
    pack_remove(a, pack);
    a->solo->stats.compacted++;
    return 0;
}

static void report_damaged(struct solo_account *a, uint64_t pack) {
    struct index_pack *p = pack_find(a, pack);
    struct problem text;
    if (p && p->state == INDEX_PACK_WHOLE)
        p->state = INDEX_PACK_DAMAGED;
    (void)problem_set(&text, 0, "pack %06llu is damaged and is kept as it is",
                      (unsigned long long)pack);
    solo_report(a, slice_of_str(text.text));
}

static int compact_pack(struct solo_account *a, uint64_t pack) WAITS {
    struct compaction c = {
        .account = a->id,
        .pack = pack,
        .at = PACK_FILE_HEAD,
        .keys_since = fiber_wall() - a->solo->options.key_lifetime,
    };
    list_init(&c.kept);
    for (size_t i = 0; i < a->pack_count; i++) {
        c.damage |= a->packs[i].state == INDEX_PACK_DAMAGED;
        c.older |= a->packs[i].pack < pack;
    }
    int error = 0;
    while (!error && !c.done)
        error = step(a, &c);
    if (error == -E_CORRUPT)
        report_damaged(a, pack);
    return error ? error : remove_pack(a, pack);
}

/* ------------------------------------------------------------------ an account */

static bool is_due(const struct solo_account *a, const struct index_pack *p, bool all) {
    if (pack_wants_compaction(a, p))
        return true;
    return all && p->state == INDEX_PACK_WHOLE && p->end > SMALL_PACK && p->alive < p->end / 2;
}

/*
 * The packs that are there now, oldest first. None while an emptied one could not be unlinked: what
 * it still seems to hold must stay contradicted by records that compaction would drop.
 */
static int compact_due(struct solo_account *a, bool all) WAITS {
    uint64_t last = a->newest;
    for (uint64_t after = 0; after < last;) {
        uint64_t next = 0;
        for (size_t i = 0; i < a->pack_count; i++) {
            const struct index_pack *p = &a->packs[i];
            if (p->state == INDEX_PACK_GONE)
                return -E_TEMPORARY;
            if (p->pack > after && p->pack <= last && (next == 0 || p->pack < next) &&
                is_due(a, p, all))
                next = p->pack;
        }
        if (next == 0)
            return 0;
        int error = compact_pack(a, next);
        if (error && error != -E_CORRUPT)
            return error;
        after = next;
    }
    return 0;
}

int compact_account(struct solo_account *a, bool all) {
    if (a->compacting)
        return -E_BUSY;
    a->compacting = true;
    int error = files_lock_whole(a); /* how much of a pack is needed shows when all is taken in */
    if (!error) {
        files_unlock(a, 0);
        error = compact_due(a, all);
    }
    a->compacting = false;
    return error;
}

int solo_compact(struct backend_account *a) {
    return compact_account(account_of(a), true);
}
