/* SPDX-License-Identifier: ISC */
/*
 * Records about messages, taken into mail.db: what they say of bodies (index_bodies.c has those
 * rows), of entries in mailboxes, and of what changes these.
 *
 * Records come in the order in which they were made, but what compaction has copied comes again at
 * the end of the log. So a replay meets
 * - a body or an entry that is there already: the later record says where it lies now;
 * - an entry that was expunged earlier in the log: the row in `vanished` keeps it away, and knows
 *   the pack from which it could come back, so that compaction keeps the expunge as long as that;
 * - an entry before its body: the body's row is made without a place and gets it later;
 * - a removal that compaction has copied: what it removes and can be brought back stands in records
 *   of its own by then;
 * - a body whose entries are all gone, or all still to come: its row stays until the end of the
 *   replay, see index_drop_unused(). Outside of a replay a body goes with its last entry.
 */
#include "store/solo/index_many.h"

#include "base/alloc.h"

/* ------------------------------------------------------------------ entries */

struct entry_facts {
    uint32_t mailbox, uid;
    uint64_t body, modseq, flags, size;
    uint64_t pack;  /* of its own record; 0: it lies with its body */
    uint64_t saved; /* seconds of wall time; 0: not known */
    struct slice keywords;
};

static int add_entry(struct index *ix, const struct entry_facts *f) {
    uint64_t set;
    int error = index_join_set(ix, f->mailbox, f->keywords, 1, &set);
    if (!error)
        error = db_run(ix->db, SQL_ENTRY_ADD, V(ix->account), V(f->mailbox), V(f->uid), V(f->body),
                       V(f->modseq), V(f->flags), V(f->pack), V(set), V(f->saved));
    if (error)
        return error;
    struct index_box_delta *d = box_delta(ix, f->mailbox);
    d->messages++;
    d->unseen += !(f->flags & STORE_SEEN);
    d->bytes += (int64_t)f->size;
    return 0;
}

static int set_entry(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t flags,
                     struct slice keywords, uint64_t modseq) {
    struct index_entry now;
    int error = index_entry(ix, mailbox, uid, &now);
    if (error)
        return error == -E_UNKNOWN ? 0 : error;
    if (now.modseq >= modseq)
        return 0;
    box_delta(ix, mailbox)->unseen += (int)!(flags & STORE_SEEN) - (int)!(now.flags & STORE_SEEN);
    uint64_t set;
    error = index_join_set(ix, mailbox, keywords, 1, &set);
    if (!error)
        error = index_leave_set(ix, mailbox, now.keywords, 1);
    return error ? error
                 : db_run(ix->db, SQL_ENTRY_SET, V(ix->account), V(mailbox), V(uid), V(flags),
                          V(modseq), V(set));
}

/* 1: the entry was expunged, and its record lies in this pack, or its mailbox was removed; 0: it
 * was not. */
static int stays_away(struct index *ix, uint32_t mailbox, uint32_t uid, uint64_t pack) {
    uint64_t before;
    int error = index_vanished(ix, mailbox, uid, &before);
    if (error == -E_UNKNOWN)
        return index_box_is_gone(ix, mailbox);
    if (!error)
        error = db_run(ix->db, SQL_VANISHED_PLACE, V(ix->account), V(mailbox), V(uid), V(pack));
    return error ? error : 1;
}

/* ------------------------------------------------------------------ messages */

int index_add_key(struct index *ix, struct slice key, usec_t stored, uint64_t message) {
    if (key.len == 0)
        return 0;
    return db_run(ix->db, SQL_KEY_ADD, V(ix->account), V_BYTES(key), V(stored), V(message));
}

/* A message of which something is known already, or may be. */
static int take_message_again(struct index *ix, const struct log_record *r,
                              const struct body_facts *f, const struct note_message *n) {
    bool is_new;
    struct index_entry now;
    int error = index_put_body(ix, r, f, 0, &is_new);
    if (error)
        return error;
    error = index_entry(ix, n->mailbox, n->uid, &now);
    if (!error)
        return set_entry(ix, n->mailbox, n->uid, n->flags, n->keywords, n->modseq);
    if (error == -E_UNKNOWN)
        error = stays_away(ix, n->mailbox, n->uid, r->pack);
    if (error)
        return MIN(error, 0);
    error = index_join_body(ix, n->message);
    if (error)
        return error;
    return add_entry(ix, &(struct entry_facts){.mailbox = n->mailbox,
                                               .uid = n->uid,
                                               .body = n->message,
                                               .modseq = n->modseq,
                                               .flags = n->flags,
                                               .size = r->place.body_len,
                                               .saved = (uint64_t)(n->stored / USEC_SEC),
                                               .keywords = n->keywords});
}

int index_take_message(struct index *ix, const struct log_record *r, bool replay) {
    struct note_message n;
    bool is_new;
    int error = note_message_decode(log_record_facts(r), &n);
    if (error)
        return error;
    index_note_mailbox(ix, n.mailbox, n.uid, n.modseq, n.mailbox_name);
    error = index_add_key(ix, n.key, n.stored, n.message);
    struct body_facts f = {n.message, n.arrival, n.header_size, n.shape};
    if (!error && (replay || (r->flags & NOTE_MOVED)))
        return take_message_again(ix, r, &f, &n);
    if (!error)
        error = index_put_body(ix, r, &f, 1, &is_new);
    if (!error && !is_new)
        error = -E_CORRUPT; /* numbers of bodies are given once */
    if (error)
        return error;
    return add_entry(ix, &(struct entry_facts){.mailbox = n.mailbox,
                                               .uid = n.uid,
                                               .body = n.message,
                                               .modseq = n.modseq,
                                               .flags = n.flags,
                                               .size = r->place.body_len,
                                               .saved = (uint64_t)(n.stored / USEC_SEC),
                                               .keywords = n.keywords});
}

int index_take_body(struct index *ix, const struct log_record *r, bool replay) {
    struct note_body n;
    bool is_new;
    int error = note_body_decode(log_record_facts(r), &n);
    if (error)
        return error;
    return index_put_body(ix, r, &(struct body_facts){n.message, n.arrival, n.header_size, n.shape},
                          0, &is_new);
}

/* ------------------------------------------------------------------ copies */

static int take_entry(struct index *ix, const struct log_record *r, uint32_t mailbox,
                      const struct note_entry *e, struct slice keywords) {
    struct index_entry now;
    int error = index_entry(ix, mailbox, e->uid, &now);
    if (!error && now.pack == 0)
        return -E_CORRUPT; /* it lies with its body: UIDs are given once */
    if (!error) {          /* its newer copy */
        pack_delta(ix, now.pack)->alive -= NOTE_ENTRY_SIZE;
        index_note_copy(ix, r, now.pack);
        error = db_run(ix->db, SQL_ENTRY_MOVE, V(ix->account), V(mailbox), V(e->uid), V(r->pack));
        if (!error)
            error = set_entry(ix, mailbox, e->uid, e->flags, keywords, e->modseq);
        pack_delta(ix, r->pack)->alive += NOTE_ENTRY_SIZE;
        return error;
    }
    if (error == -E_UNKNOWN)
        error = stays_away(ix, mailbox, e->uid, r->pack);
    if (error)
        return MIN(error, 0);
    error = db_run(ix->db, SQL_BODY_EXPECT, V(ix->account), V(e->body), V(e->size));
    if (!error)
        error = index_join_body(ix, e->body);
    if (error)
        return error;
    pack_delta(ix, r->pack)->alive += NOTE_ENTRY_SIZE;
    return add_entry(ix, &(struct entry_facts){.mailbox = mailbox,
                                               .uid = e->uid,
                                               .body = e->body,
                                               .modseq = e->modseq,
                                               .flags = e->flags,
                                               .size = e->size,
                                               .pack = r->pack,
                                               .saved = e->saved,
                                               .keywords = keywords});
}

int index_take_entries(struct index *ix, const struct log_record *r, bool replay) {
    struct note_entries n;
    struct note_changes gone;
    _cleanup_(buf_done) struct buf sets = {0};
    int error = note_entries_decode(log_record_facts(r), &n);
    if (!error && r->type == NOTE_TRANSFER)
        error = note_changes_decode(n.rest, NOTE_EXPUNGE, &gone);
    if (!error)
        note_sets_split(note_sets_decode(r->type == NOTE_TRANSFER ? gone.rest : n.rest), &sets);
    for (size_t i = 0; !error && i < n.count; i++) {
        struct note_entry e = note_entries_at(&n, i);
        index_note_mailbox(ix, n.mailbox, e.uid, e.modseq, n.mailbox_name);
        error = take_entry(ix, r, n.mailbox, &e, note_sets_at(&sets, e.set));
    }
    return error;
}

/* ------------------------------------------------------------------ changes */

int index_take_flags(struct index *ix, const struct log_record *r, bool replay) {
    struct note_changes n;
    int error = note_changes_decode(log_record_facts(r), NOTE_FLAGS, &n);
    if (error)
        return error;
    struct index_box_delta *d = box_delta(ix, n.mailbox);
    _cleanup_(buf_done) struct buf sets = {0};
    note_sets_split(note_sets_decode(n.rest), &sets);
    d->modseq = MAX(d->modseq, n.modseq);
    for (size_t i = 0; i < n.count && !error; i++) {
        struct note_change c = note_changes_at(&n, NOTE_FLAGS, i);
        error = set_entry(ix, n.mailbox, c.uid, c.flags, note_sets_at(&sets, c.set), n.modseq);
    }
    return error;
}

/* Remembers an entry that is about to go; false: it is not to be brought back. */
static int keep_deleted(struct index *ix, uint32_t mailbox, uint32_t uid, const struct removal *why,
                        bool *ret_kept) {
    struct index_entry now;
    _cleanup_(buf_done) struct buf keywords = {0};
    *ret_kept = false;
    if (!why->when || index_is_forgotten(ix, (struct deleted_place){why->modseq, uid}))
        return 0;
    int error = index_entry(ix, mailbox, uid, &now);
    if (!error)
        error = index_set_names(ix, mailbox, now.keywords, &keywords);
    if (!error)
        error =
            db_run(ix->db, SQL_DELETED_ADD, V(ix->account), V(mailbox), V(uid), V(now.body),
                   V(now.flags), V_TEXT(buf_slice(&keywords)), V(why->modseq), V(why->when), V(0));
    *ret_kept = error == 0 && db_changes(ix->db) > 0;
    return error;
}

/* Takes an entry out, and its body with the last one; gives the pack from which it could return. */
static int drop_entry(struct index *ix, uint32_t mailbox, uint32_t uid, const struct removal *why,
                      bool replay, uint64_t *ret_pack) {
    bool kept;
    int wanted = keep_deleted(ix, mailbox, uid, why, &kept);
    if (wanted)
        return wanted;
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    struct body_row row;
    int error = index_row(ix, &st, SQL_ENTRY_DROP, V(ix->account), V(mailbox), V(uid));
    if (error)
        return error;
    uint64_t body = db_u64(st, 0), flags = db_u64(st, 1), pack = db_u64(st, 2);
    uint64_t set = db_u64(st, 3);
    error = MIN(db_step(ix->db, st), 0);
    if (!error)
        error = index_leave_set(ix, mailbox, set, 1);
    if (!error)
        error = index_leave_body(ix, body, kept, replay, &row);
    if (error)
        return error;
    struct index_box_delta *d = box_delta(ix, mailbox);
    d->messages--;
    d->unseen -= !(flags & STORE_SEEN);
    d->bytes -= (int64_t)row.size;
    if (pack)
        pack_delta(ix, pack)->alive -= NOTE_ENTRY_SIZE;
    *ret_pack = pack ? pack : row.pack;
    return 0;
}

int index_take_expunge(struct index *ix, const struct log_record *r, bool replay) {
    struct note_changes n;
    int error = note_changes_decode(log_record_facts(r), NOTE_EXPUNGE, &n);
    struct removal why = {r->flags & NOTE_MOVED ? 0 : n.when, n.modseq};
    for (size_t i = 0; !error && i < n.count; i++) {
        uint32_t uid = note_changes_at(&n, NOTE_EXPUNGE, i).uid;
        uint64_t pack = 0;
        index_note_mailbox(ix, n.mailbox, uid, n.modseq, (struct slice){0});
        error = drop_entry(ix, n.mailbox, uid, &why, replay, &pack);
        /* What can really be brought back has a NOTE_DELETED before both, or, if a power cut has
         * taken that, the expunge itself is still where it was. */
        if (error == -E_UNKNOWN)
            error = r->flags & NOTE_MOVED
                        ? index_void_deletion(ix, n.mailbox, uid, n.modseq, replay)
                        : 0;
        if (!error)
            error = db_run(ix->db, SQL_VANISHED_ADD, V(ix->account), V(n.mailbox), V(uid),
                           V(n.modseq), V(pack));
    }
    return error;
}

/* ------------------------------------------------------------------ a mailbox that is gone */

#define DROP_AT_ONCE 1000

/* UIDs of entries that are left in a mailbox, some of them. */
static int some_entries(struct index *ix, uint32_t mailbox, struct buf *uids) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = db_query(ix->db, &st, SQL_ENTRY_UIDS, V(ix->account), V(mailbox), V(DROP_AT_ONCE));
    return error ? error : index_read_numbers(ix, st, uids);
}

static int drop_entries(struct index *ix, uint32_t mailbox, const struct removal *why,
                        bool replay) {
    _cleanup_(buf_done) struct buf uids = {0};
    int error;
    do {
        buf_clear(&uids);
        error = some_entries(ix, mailbox, &uids);
        const uint32_t *list = (const void *)uids.ptr;
        size_t count = uids.len / sizeof *list;
        int many = error || replay ? 0 : index_drop_many(ix, mailbox, list, count, why, false);
        for (size_t i = 0; !error && many == 0 && i < count; i++) {
            uint64_t pack;
            error = drop_entry(ix, mailbox, list[i], why, replay, &pack);
        }
        error = error ? error : MIN(many, 0);
    } while (!error && uids.len > 0);
    return error;
}

int index_take_remove(struct index *ix, const struct log_record *r, bool replay) {
    struct note_remove n;
    int error = note_remove_decode(log_record_facts(r), &n);
    struct removal why = {r->flags & NOTE_MOVED ? 0 : n.when, n.modseq};
    for (int tries = 0; !error && tries < 2; tries++) {
        error = db_run(ix->db, SQL_MAILBOX_REMOVE, V(ix->account), V(n.mailbox), V(r->pack),
                       V(n.modseq));
        if (error || db_changes(ix->db) > 0)
            break;
        error = db_run(ix->db, SQL_MAILBOX_ADD, V(ix->account), V(n.mailbox), V(0), V_TEXT(n.name),
                       V(STORE_ROLE_NONE), V(1), V(1), V(n.modseq));
    }
    if (!error)
        error = drop_entries(ix, n.mailbox, &why, replay);
    if (!error)
        error = index_drop_properties(ix, n.mailbox);
    box_delta(ix, n.mailbox)->state = BOX_GONE;
    return error;
}
