/* SPDX-License-Identifier: ISC */
/*
 * Taking records of the packs into mail.db.
 *
 * Order within a transaction: first the rows of messages (index_messages.c), then the account's row
 * with its counters and the mark, then the counters of mailboxes in order of their ids, then those
 * of the packs. The counters are summed up beforehand, so that a group of messages writes each of
 * those rows once.
 *
 * Records come in the order in which they were made: compaction writes what it keeps at the end of
 * the log. So the later one is right, with two exceptions that only a replay meets: a message that
 * was expunged and whose bytes are still in some pack, and a message that is there twice because
 * compaction had copied but not yet unlinked.
 */
#include "store/solo/index_many.h"

#include "base/alloc.h"

struct log_record *log_record_new(uint8_t type, uint16_t flags, struct slice facts) {
    struct log_record *r = mem_alloc(sizeof *r + facts.len);
    *r = (struct log_record){.type = type, .flags = flags, .facts_len = facts.len};
    if (facts.len)
        memcpy(r->facts, facts.ptr, facts.len);
    return r;
}

void log_records_free(struct list *records) {
    struct link *k;
    while ((k = list_pop(records)))
        free(CONTAINER_OF(k, struct log_record, link));
}

/* ------------------------------------------------------------------ records */

static int take_account(struct index *ix, const struct log_record *r, bool replay) {
    struct note_account n;
    int error = note_account_decode(log_record_facts(r), &n);
    for (size_t i = 0; !error && i < note_seal_count(&n); i++) {
        struct note_seal seal = note_seal_at(&n, i);
        error = index_set_pack(
            ix,
            &(struct index_pack){.pack = seal.pack, .end = seal.end, .state = INDEX_PACK_SEALED});
    }
    return error ? error
                 : index_forget(ix, (struct deleted_place){n.forgotten.modseq, n.forgotten.uid},
                                replay);
}

static int take_mailbox(struct index *ix, const struct log_record *r, bool replay) {
    struct note_mailbox n;
    int error = note_mailbox_decode(log_record_facts(r), &n);
    if (error)
        return error;
    struct index_box_delta *d = box_delta(ix, n.mailbox);
    d->uidnext = MAX(d->uidnext, n.uidnext);
    d->modseq = MAX(d->modseq, n.modseq);
    sqlite3_stmt *st;
    error = index_row(ix, &st, SQL_MAILBOX_GET, V(ix->account), V(n.mailbox));
    if (error == -E_UNKNOWN)
        return db_run(ix->db, SQL_MAILBOX_ADD, V(ix->account), V(n.mailbox), V(n.parent),
                      V_TEXT(n.name), V(n.role), V(n.uidvalidity), V(n.uidnext), V(n.modseq));
    if (error)
        return error;
    uint64_t changed = db_u64(st, 0), gone = db_u64(st, 1);
    db_reset(&st);
    if (gone || changed > n.modseq)
        return 0;
    return db_run(ix->db, SQL_MAILBOX_SET, V(ix->account), V(n.mailbox), V(n.parent),
                  V_TEXT(n.name), V(n.role), V(n.uidvalidity), V(n.modseq));
}

static int take_key(struct index *ix, const struct log_record *r, bool replay) {
    struct note_key n;
    int error = note_key_decode(log_record_facts(r), &n);
    return error ? error : index_add_key(ix, n.key, n.stored, n.message);
}

static int take_gone(struct index *ix, const struct log_record *r, bool replay) {
    struct note_gone n;
    int error = note_gone_decode(log_record_facts(r), &n);
    if (!error)
        error = db_run(ix->db, SQL_PACK_SET, V(ix->account), V(n.pack), V(0), V(INDEX_PACK_GONE));
    if (!error)
        error = db_run(ix->db, SQL_VANISHED_GONE, V(ix->account), V(n.pack));
    return error;
}

/* Under one sum: of a move that a power cut has torn, neither half is there. */
static int take_transfer(struct index *ix, const struct log_record *r, bool replay) {
    struct note_entries n;
    struct slice facts = log_record_facts(r);
    int error = note_entries_decode(facts, &n);
    if (!error)
        error = index_take_entries(ix, r, replay);
    if (error)
        return error;
    struct log_record *rest = log_record_new(NOTE_EXPUNGE, r->flags, n.rest);
    rest->pack = r->pack;
    rest->place = r->place;
    error = index_take_expunge(ix, rest, replay);
    free(rest);
    return error;
}

/* A mailbox and properties, see note.h. */
static int take_together(struct index *ix, const struct log_record *r, bool replay) {
    struct note_together n;
    enum note_type type;
    struct slice facts;
    int more = 0, error = note_together_decode(log_record_facts(r), &n);
    while (!error && (more = note_together_next(&n, &type, &facts)) == 1) {
        struct log_record *one = log_record_new((uint8_t)type, r->flags, facts);
        one->pack = r->pack;
        one->place = r->place;
        error = type == NOTE_MAILBOX ? take_mailbox(ix, one, replay)
                                     : index_take_property(ix, one, replay);
        free(one);
    }
    return error ? error : more;
}

static int (*const TAKE[NOTE_TYPES])(struct index *ix, const struct log_record *r, bool replay) = {
    [NOTE_ACCOUNT] = take_account,
    [NOTE_MAILBOX] = take_mailbox,
    [NOTE_MESSAGE] = index_take_message,
    [NOTE_FLAGS] = index_take_flags,
    [NOTE_EXPUNGE] = index_take_expunge,
    [NOTE_KEY] = take_key,
    [NOTE_GONE] = take_gone,
    [NOTE_ENTRIES] = index_take_entries,
    [NOTE_BODY] = index_take_body,
    [NOTE_TRANSFER] = take_transfer,
    [NOTE_REMOVE] = index_take_remove,
    [NOTE_PROPERTY] = index_take_property,
    [NOTE_DELETED] = index_take_deleted,
    [NOTE_FORGET] = index_take_forget,
    [NOTE_TOGETHER] = take_together,
};

/*
 * What of a record counts as alive whatever becomes of the messages it is about: notes that
 * compaction has copied, or it would copy them for ever.
 */
static int64_t alive_anyway(const struct log_record *r) {
    struct note_entries n;
    struct note_deleted deleted;
    if (!(r->flags & NOTE_MOVED) || r->type == NOTE_MESSAGE || r->type == NOTE_BODY ||
        r->type == NOTE_PROPERTY)
        return 0;
    if (r->type == NOTE_ENTRIES && note_entries_decode(log_record_facts(r), &n) == 0)
        return (int64_t)r->len - (int64_t)n.count * NOTE_ENTRY_SIZE;
    if (r->type == NOTE_DELETED && note_deleted_decode(log_record_facts(r), &deleted) == 0)
        return (int64_t)r->len - (int64_t)deleted.count * NOTE_DELETION_SIZE;
    return (int64_t)r->len;
}

static int take_one(struct index *ix, const struct log_record *r, bool replay) {
    struct index_pack_delta *d = pack_delta(ix, r->pack);
    d->end = MAX(d->end, r->place.offset + r->len);
    d->alive += alive_anyway(r);
    int done = replay || r->flags & NOTE_MOVED ? 0 : index_take_many(ix, r);
    if (done)
        return MIN(done, 0);
    return r->type < NOTE_TYPES && TAKE[r->type] ? TAKE[r->type](ix, r, replay) : -E_VERSION;
}

/* ------------------------------------------------------------------ counters */

static void count_entries(const struct note_entries *n, struct index_account *to) {
    to->mailbox_next = MAX(to->mailbox_next, n->mailbox + 1);
    for (size_t i = 0; i < n->count; i++) {
        struct note_entry e = note_entries_at(n, i);
        to->modseq = MAX(to->modseq, e.modseq);
        to->message_next = MAX(to->message_next, e.body + 1);
    }
}

/* What a record says about the account's counters. */
static int count_record(enum note_type type, struct slice facts, struct index_account *to) {
    struct note_account a;
    struct note_message l;
    struct note_changes c;
    struct note_mailbox m;
    struct note_entries e;
    struct note_body b;
    struct note_remove gone;
    struct note_property p;
    int error = 0;
    switch (type) {
    case NOTE_ACCOUNT:
        if ((error = note_account_decode(facts, &a)) == 0) {
            to->born = a.born;
            to->modseq = MAX(to->modseq, a.modseq);
            to->message_next = MAX(to->message_next, a.message_next);
            to->mailbox_next = MAX(to->mailbox_next, a.mailbox_next);
        }
        return error;
    case NOTE_MESSAGE:
        if ((error = note_message_decode(facts, &l)) == 0) {
            to->modseq = MAX(to->modseq, l.modseq);
            to->message_next = MAX(to->message_next, l.message + 1);
            to->mailbox_next = MAX(to->mailbox_next, l.mailbox + 1);
        }
        return error;
    case NOTE_MAILBOX:
        if ((error = note_mailbox_decode(facts, &m)) == 0) {
            to->modseq = MAX(to->modseq, m.modseq);
            to->mailbox_next = MAX(to->mailbox_next, m.mailbox + 1);
        }
        return error;
    case NOTE_FLAGS:
    case NOTE_EXPUNGE:
        if ((error = note_changes_decode(facts, type, &c)) == 0)
            to->modseq = MAX(to->modseq, c.modseq);
        return error;
    case NOTE_ENTRIES:
    case NOTE_TRANSFER: /* both parts have the same modseq */
        if ((error = note_entries_decode(facts, &e)) == 0)
            count_entries(&e, to);
        return error;
    case NOTE_BODY:
        if ((error = note_body_decode(facts, &b)) == 0)
            to->message_next = MAX(to->message_next, b.message + 1);
        return error;
    case NOTE_REMOVE:
        if ((error = note_remove_decode(facts, &gone)) == 0) {
            to->modseq = MAX(to->modseq, gone.modseq);
            to->mailbox_next = MAX(to->mailbox_next, gone.mailbox + 1);
        }
        return error;
    case NOTE_PROPERTY:
        if ((error = note_property_decode(facts, &p)) == 0)
            to->modseq = MAX(to->modseq, p.modseq);
        return error;
    default:
        return 0;
    }
}

static int count_records(const struct log_record *r, struct index_account *to) {
    struct note_together n;
    enum note_type type;
    struct slice facts = log_record_facts(r);
    if (r->type != NOTE_TOGETHER)
        return count_record(r->type, facts, to);
    int more = 0, error = note_together_decode(facts, &n);
    while (!error && (more = note_together_next(&n, &type, &facts)) == 1)
        error = count_record(type, facts, to);
    return error ? error : more;
}

int index_take_in(struct index *ix, struct list *records, struct index_mark mark,
                  const usec_t *replay_born) {
    struct index_account row = ix->row;
    row.mark = mark;
    int error = 0;
    for (struct link *k = records->head.next; !error && k != &records->head; k = k->next)
        error = count_records(CONTAINER_OF(k, struct log_record, link), &row);
    if (replay_born && row.born == 0)
        row.born = *replay_born;
    if (!error)
        error = db_begin(ix->db);
    if (error)
        return error;
    index_begin_sums(ix);
    for (struct link *k = records->head.next; !error && k != &records->head; k = k->next)
        error = take_one(ix, CONTAINER_OF(k, struct log_record, link), replay_born != NULL);
    error = index_end(ix, error ? error : index_save_sums(ix, &row));
    if (error)
        return error;
    ix->row = row;
    ix->known = true;
    return 0;
}

static int drop_unused(struct index *ix) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_BODY_DROP_UNUSED, V(ix->account));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1)
        if (db_u64(st, 0))
            pack_delta(ix, db_u64(st, 0))->alive -= db_i64(st, 1);
    return more;
}

int index_drop_unused(struct index *ix) {
    struct index_account row = ix->row;
    if (!ix->known)
        return 0;
    int error = db_begin(ix->db);
    if (error)
        return error;
    index_begin_sums(ix);
    error = drop_unused(ix);
    return index_end(ix, error ? error : index_save_sums(ix, &row));
}
