/* SPDX-License-Identifier: ISC */
/*
 * What is still needed of a pack.
 *
 * Needed are: bodies that have an entry, with their first one if that is alive, and its present
 * flags; other entries that are alive; flags and expunges of entries whose own record lies in
 * another pack, or a rebuild would undo them; delivery keys that are not too old; that mailboxes
 * were removed, as long as there are older packs, which have them; properties; removed messages
 * that can be brought back, see index_deleted.c. Everything else about a mailbox stands at the
 * beginning of each later pack.
 */
#include "store/solo/compact.h"

#define STEP_BYTES   (4U << 20)
#define STEP_RECORDS 2000U

static void keep_key(struct compaction *c, const struct note_key *n) {
    if (n->key.len > 0 && n->stored >= c->keys_since)
        note_key_encode(&compact_add(c, NOTE_KEY)->facts, n);
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

/*
 * 1: this record is the one in which a body lies; 0: it lies in a later copy, or nobody needs it.
 */
static int lies_here(struct compaction *c, uint64_t body, const struct pack_entry *e,
                     bool *ret_copied) {
    uint64_t pack, offset;
    int error = index_body(c->index, body, &pack, &offset);
    if (!error && pack == 0) { /* mail.db has missed it */
        c->index_wrong = true;
        return -E_TEMPORARY;
    }
    if (error == -E_UNKNOWN)
        buf_add_bytes(&c->gone, &body, sizeof body);
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
        struct kept *k = compact_add(c, NOTE_MESSAGE);
        note_message_encode(&k->facts, &n);
        return keep_bytes(c, k, e);
    }
    error = was_expunged(c, n.mailbox, n.uid);
    if (error)
        return error;
    keep_key(c, &(struct note_key){n.account, n.message, n.stored, n.key});
    if (!here)
        return 0;
    struct kept *k = compact_add(c, NOTE_BODY);
    note_body_encode(&k->facts, &(struct note_body){n.account, n.message, n.arrival, n.header_size,
                                                    n.shape, n.return_path});
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
    struct kept *k = compact_add(c, NOTE_BODY);
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
        struct kept *k = compact_add(c, NOTE_ENTRIES);
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
            if (again.sets.len > COMPACT_SETS_BYTES)
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
        struct kept *k = compact_add(c, (uint8_t)type);
        n.count = g->count;
        n.items = buf_slice(&g->items);
        note_changes_encode(&k->facts, &n);
        note_sets_encode(&k->facts, buf_slice(&g->sets));
    }
    again_clear(g);
}

/*
 * Whether an expunge is still needed: 1 or 0. Of a mailbox that was removed nobody knows which pack
 * has the entry, so its expunges are needed as long as the removal itself.
 */
static int keeps_away(struct compaction *c, uint32_t mailbox, uint32_t uid) {
    uint64_t pack = 0;
    int error = index_vanished(c->index, mailbox, uid, &pack);
    if (error && error != -E_UNKNOWN)
        return error;
    if (c->damage || (pack != 0 && pack != c->pack))
        return 1;
    return c->older && pack == 0 ? index_mailbox_gone(c->index, mailbox) : 0;
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
        uint64_t pack = 0, offset;
        int needed = 0;
        if (type == NOTE_EXPUNGE) {
            needed = keeps_away(c, n.mailbox, change.uid);
        } else if (!(error = index_entry(c->index, n.mailbox, change.uid, &now))) {
            pack = now.pack;
            if (pack == 0)
                error = index_body(c->index, now.body, &pack, &offset);
            needed = now.modseq == n.modseq && ((pack != 0 && pack != c->pack) || c->damage);
        }
        error = error ? error : MIN(needed, 0);
        if (!error && needed) {
            error = again_set(c, &again, n.mailbox, now.keywords, &change.set);
            note_change_encode(&again.items, type, change);
            again.count++;
            if (again.sets.len > COMPACT_SETS_BYTES)
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
        buf_add(&compact_add(c, NOTE_PROPERTY)->facts, e->record.facts);
    return 0;
}

/* That a mailbox was removed, while older packs have it, or its name is still asked for. */
static int keep_remove(struct compaction *c, const struct pack_entry *e) {
    struct note_remove n;
    int error = note_remove_decode(e->record.facts, &n);
    int wanted = error ? error : c->older || c->damage ? 1 : index_deleted_of(c->index, n.mailbox);
    if (wanted == 1)
        buf_add(&compact_add(c, NOTE_REMOVE)->facts, e->record.facts);
    return MIN(wanted, 0);
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

/* Its mailbox stands at the beginning of each later pack. */
static int keep_together(struct compaction *c, const struct pack_entry *e) {
    struct note_together n;
    struct pack_entry one = *e;
    enum note_type type;
    int more = 0, error = note_together_decode(e->record.facts, &n);
    while (!error && (more = note_together_next(&n, &type, &one.record.facts)) == 1)
        error = type == NOTE_PROPERTY ? keep_property(c, &one) : 0;
    return error ? error : more;
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
        return compact_keep_deleted(c, e);
    case NOTE_PROPERTY:
        return keep_property(c, e);
    case NOTE_TOGETHER:
        return keep_together(c, e);
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

int compact_gather(void *arg) {
    struct compaction *c = arg;
    struct pack_file_head head = {.generation = c->generation};
    int error = c->generation ? 0 : pack_file_head(c->fd, &head);
    c->generation = head.generation;
    if (!error && (error = compact_keep_loose(c)) == 1)
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
