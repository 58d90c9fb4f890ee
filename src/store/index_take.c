/* SPDX-License-Identifier: ISC */
/*
 * Taking records of the packs into mail.db.
 *
 * Order within a transaction: first the account's row with its counters and the mark, then the rows
 * of messages, then the counters of mailboxes in order of their ids, then those of the packs. The
 * counters are summed up beforehand, so that a group of messages writes each of those rows once.
 *
 * Records come in the order in which they were made: compaction writes what it keeps at the end of
 * the log. So the later one is right, with two exceptions that only a replay meets: a message that
 * was expunged and whose bytes are still in some pack, and a message that is there twice because
 * compaction had copied but not yet unlinked.
 */
#include "store/index_db.h"

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

/* ------------------------------------------------------------------ sums of a transaction */

static struct index_box_delta *box_delta(struct index *ix, uint32_t mailbox) {
    for (size_t i = 0; i < ix->box_count; i++)
        if (ix->boxes[i].mailbox == mailbox)
            return &ix->boxes[i];
    if (ix->box_count == ix->box_size) {
        size_t size = ix->box_size ? 2 * ix->box_size : 8;
        ix->boxes = mem_grow(ix->boxes, size * sizeof *ix->boxes);
        memset(ix->boxes + ix->box_size, 0, (size - ix->box_size) * sizeof *ix->boxes);
        ix->box_size = size;
    }
    struct index_box_delta *d = &ix->boxes[ix->box_count++];
    struct buf name = d->name;
    buf_clear(&name);
    *d = (struct index_box_delta){.mailbox = mailbox, .name = name};
    return d;
}

static struct index_pack_delta *pack_delta(struct index *ix, uint64_t pack) {
    for (size_t i = 0; i < ix->pack_count; i++)
        if (ix->packs[i].pack == pack)
            return &ix->packs[i];
    if (ix->pack_count == ix->pack_size) {
        ix->pack_size = ix->pack_size ? 2 * ix->pack_size : 8;
        ix->packs = mem_grow(ix->packs, ix->pack_size * sizeof *ix->packs);
    }
    ix->packs[ix->pack_count] = (struct index_pack_delta){.pack = pack};
    return &ix->packs[ix->pack_count++];
}

/* ------------------------------------------------------------------ messages */

static int add_entry(struct index *ix, const struct note_message *n, uint64_t size) {
    int error = db_run(ix->db, SQL_ENTRY_ADD, V(ix->account), V(n->mailbox), V(n->uid),
                       V(n->message), V(n->modseq), V(n->flags));
    if (error)
        return error;
    struct index_box_delta *d = box_delta(ix, n->mailbox);
    d->messages++;
    d->unseen += !(n->flags & STORE_SEEN);
    d->bytes += (int64_t)size;
    return 0;
}

static int set_entry(struct index *ix, uint32_t mailbox, struct note_change c, uint64_t modseq) {
    struct note_change now;
    uint64_t message, changed;
    int error = index_entry(ix, mailbox, c.uid, &message, &now, &changed);
    if (error)
        return error == -E_UNKNOWN ? 0 : error;
    if (changed >= modseq)
        return 0;
    box_delta(ix, mailbox)->unseen += (int)!(c.flags & STORE_SEEN) - (int)!(now.flags & STORE_SEEN);
    return db_run(ix->db, SQL_ENTRY_SET, V(ix->account), V(mailbox), V(c.uid), V(c.flags),
                  V(modseq));
}

/* The message is known: the record is its newer copy. */
static int move_message(struct index *ix, const struct log_record *r,
                        const struct note_message *n) {
    sqlite3_stmt *st;
    int error = index_row(ix, &st, SQL_MESSAGE_GET, V(ix->account), V(n->message));
    if (error)
        return error;
    uint64_t pack = db_u64(st, 0);
    int64_t len = (int64_t)db_u64(st, 2);
    db_reset(&st);
    pack_delta(ix, pack)->alive -= len;
    pack_delta(ix, r->pack)->alive += (int64_t)r->len;
    error = db_run(ix->db, SQL_MESSAGE_MOVE, V(ix->account), V(n->message), V(r->pack),
                   V(r->place.offset), V(r->place.body), V(r->len));
    if (error)
        return error;
    return set_entry(ix, n->mailbox, (struct note_change){n->uid, n->flags}, n->modseq);
}

static int add_message(struct index *ix, const struct log_record *r, const struct note_message *n) {
    int error = db_run(ix->db, SQL_MESSAGE_ADD, V(ix->account), V(n->message), V(r->pack),
                       V(r->place.offset), V(r->place.body), V(r->len), V(r->place.body_len),
                       V(n->header_size), V(r->place.body_crc), V(n->shape), V(n->arrival));
    if (error)
        return error;
    if (db_changes(ix->db) == 0)
        return move_message(ix, r, n);
    pack_delta(ix, r->pack)->alive += (int64_t)r->len;
    return add_entry(ix, n, r->place.body_len);
}

static int add_key(struct index *ix, struct slice key, usec_t stored, uint64_t message) {
    if (key.len == 0)
        return 0;
    return db_run(ix->db, SQL_KEY_ADD, V(ix->account), V_BYTES(key), V(stored), V(message));
}

static int take_message(struct index *ix, const struct log_record *r, bool replay) {
    struct note_message n;
    int error = note_message_decode(log_record_facts(r), &n);
    if (error)
        return error;
    struct index_box_delta *d = box_delta(ix, n.mailbox);
    d->uidnext = MAX(d->uidnext, n.uid + 1);
    d->modseq = MAX(d->modseq, n.modseq);
    if (d->name.len == 0)
        buf_add(&d->name, n.mailbox_name);
    error = add_key(ix, n.key, n.stored, n.message);
    if (error)
        return error;
    uint64_t pack;
    error = replay ? index_vanished(ix, n.mailbox, n.uid, &pack) : -E_UNKNOWN;
    if (error == -E_UNKNOWN)
        return add_message(ix, r, &n);
    return error ? error
                 : db_run(ix->db, SQL_VANISHED_PLACE, V(ix->account), V(n.mailbox), V(n.uid),
                          V(r->pack));
}

/* ------------------------------------------------------------------ changes of messages */

static int take_flags(struct index *ix, const struct log_record *r, bool replay) {
    struct note_changes n;
    int error = note_changes_decode(log_record_facts(r), NOTE_FLAGS, &n);
    if (error)
        return error;
    struct index_box_delta *d = box_delta(ix, n.mailbox);
    d->modseq = MAX(d->modseq, n.modseq);
    for (size_t i = 0; i < n.count && !error; i++)
        error = set_entry(ix, n.mailbox, note_changes_at(&n, NOTE_FLAGS, i), n.modseq);
    return error;
}

/* Removes the row of a message and gives the pack that holds its bytes; 0: there is no row. */
static int drop_message(struct index *ix, uint64_t message, struct index_box_delta *d,
                        uint64_t *ret_pack) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int error = index_row(ix, &st, SQL_MESSAGE_DROP, V(ix->account), V(message));
    if (error)
        return error == -E_UNKNOWN ? -E_CORRUPT : error;
    *ret_pack = db_u64(st, 0);
    pack_delta(ix, *ret_pack)->alive -= (int64_t)db_u64(st, 2);
    d->bytes -= (int64_t)db_u64(st, 3);
    error = db_step(ix->db, st);
    return MIN(error, 0);
}

static int expunge_one(struct index *ix, const struct note_changes *n, uint32_t uid) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    uint64_t pack = 0;
    int error = index_row(ix, &st, SQL_ENTRY_DROP, V(ix->account), V(n->mailbox), V(uid));
    if (error && error != -E_UNKNOWN)
        return error;
    if (error == 0) {
        uint64_t message = db_u64(st, 0);
        struct index_box_delta *d = box_delta(ix, n->mailbox);
        d->messages--;
        d->unseen -= !(db_u64(st, 1) & STORE_SEEN);
        error = db_step(ix->db, st);
        if (error < 0 || (error = drop_message(ix, message, d, &pack)))
            return error;
    }
    return db_run(ix->db, SQL_VANISHED_ADD, V(ix->account), V(n->mailbox), V(uid), V(n->modseq),
                  V(pack));
}

static int take_expunge(struct index *ix, const struct log_record *r, bool replay) {
    struct note_changes n;
    int error = note_changes_decode(log_record_facts(r), NOTE_EXPUNGE, &n);
    if (error)
        return error;
    for (size_t i = 0; i < n.count && !error; i++) {
        uint32_t uid = note_changes_at(&n, NOTE_EXPUNGE, i).uid;
        struct index_box_delta *d = box_delta(ix, n.mailbox);
        d->modseq = MAX(d->modseq, n.modseq);
        d->uidnext = MAX(d->uidnext, uid + 1);
        error = expunge_one(ix, &n, uid);
    }
    return error;
}

/* ------------------------------------------------------------------ the rest */

static int take_account(struct index *ix, const struct log_record *r, bool replay) {
    struct note_account n;
    int error = note_account_decode(log_record_facts(r), &n);
    for (size_t i = 0; !error && i < note_seal_count(&n); i++) {
        struct note_seal seal = note_seal_at(&n, i);
        error = index_set_pack(
            ix,
            &(struct index_pack){.pack = seal.pack, .end = seal.end, .state = INDEX_PACK_SEALED});
    }
    return error;
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
    error = index_row(ix, &st, SQL_MAILBOX_GET_MODSEQ, V(ix->account), V(n.mailbox));
    if (error == -E_UNKNOWN)
        return db_run(ix->db, SQL_MAILBOX_ADD, V(ix->account), V(n.mailbox), V(n.parent),
                      V_TEXT(n.name), V(n.role), V(n.uidvalidity), V(n.uidnext), V(n.modseq));
    if (error)
        return error;
    uint64_t changed = db_u64(st, 0);
    db_reset(&st);
    if (changed > n.modseq)
        return 0;
    return db_run(ix->db, SQL_MAILBOX_SET, V(ix->account), V(n.mailbox), V(n.parent),
                  V_TEXT(n.name), V(n.role), V(n.uidvalidity), V(n.modseq));
}

static int take_key(struct index *ix, const struct log_record *r, bool replay) {
    struct note_key n;
    int error = note_key_decode(log_record_facts(r), &n);
    return error ? error : add_key(ix, n.key, n.stored, n.message);
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

static int (*const TAKE[NOTE_TYPES])(struct index *ix, const struct log_record *r, bool replay) = {
    [NOTE_ACCOUNT] = take_account, [NOTE_MAILBOX] = take_mailbox, [NOTE_MESSAGE] = take_message,
    [NOTE_FLAGS] = take_flags,     [NOTE_EXPUNGE] = take_expunge, [NOTE_KEY] = take_key,
    [NOTE_GONE] = take_gone,
};

static int take_one(struct index *ix, const struct log_record *r, bool replay) {
    struct index_pack_delta *d = pack_delta(ix, r->pack);
    d->end = MAX(d->end, r->place.offset + r->len);
    if (r->type != NOTE_MESSAGE && (r->flags & NOTE_MOVED))
        d->alive += (int64_t)r->len;
    return r->type < NOTE_TYPES && TAKE[r->type] ? TAKE[r->type](ix, r, replay) : -E_VERSION;
}

/* ------------------------------------------------------------------ counters */

/* What a record says about the account's counters. */
static int count_record(const struct log_record *r, struct index_account *to) {
    struct slice facts = log_record_facts(r);
    struct note_account a;
    struct note_message l;
    struct note_changes c;
    struct note_mailbox m;
    int error = 0;
    switch (r->type) {
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
        if ((error = note_changes_decode(facts, r->type, &c)) == 0)
            to->modseq = MAX(to->modseq, c.modseq);
        return error;
    default:
        return 0;
    }
}

static int save_account(struct index *ix, const struct index_account *row) {
    if (ix->known)
        return db_run(ix->db, SQL_ACCOUNT_SET, V(ix->account), V(row->born), V(row->modseq),
                      V(row->message_next), V(row->mailbox_next), V(row->mark.pack),
                      V(row->mark.offset));
    return db_run(ix->db, SQL_ACCOUNT_ADD, V(ix->account), V(1), V(row->born), V(row->modseq),
                  V(row->message_next), V(row->mailbox_next), V(row->mark.pack),
                  V(row->mark.offset));
}

static int by_mailbox(const void *a, const void *b) {
    const struct index_box_delta *x = a, *y = b;
    return x->mailbox < y->mailbox ? -1 : x->mailbox > y->mailbox;
}

static int save_box(struct index *ix, const struct index_box_delta *d, usec_t born) {
    for (int tries = 0;; tries++) {
        int error = db_run(ix->db, SQL_MAILBOX_COUNT, V(ix->account), V(d->mailbox), V(d->messages),
                           V(d->unseen), V(d->bytes), V(d->uidnext), V(d->modseq));
        if (error || db_changes(ix->db) > 0 || tries > 0)
            return error;
        uint32_t validity = (uint32_t)(born / USEC_SEC) + d->mailbox;
        error = db_run(ix->db, SQL_MAILBOX_ADD, V(ix->account), V(d->mailbox), V(0),
                       V_TEXT(buf_slice(&d->name)),
                       V(d->mailbox == STORE_INBOX ? STORE_ROLE_INBOX : STORE_ROLE_NONE),
                       V(validity), V(1), V(0));
        if (error)
            return error;
    }
}

static int save_pack(struct index *ix, const struct index_pack_delta *d) {
    int error = db_run(ix->db, SQL_PACK_COUNT, V(ix->account), V(d->pack), V(d->alive), V(d->end));
    if (error || db_changes(ix->db) > 0)
        return error;
    return db_run(ix->db, SQL_PACK_ADD, V(ix->account), V(d->pack), V(d->end), V(d->alive),
                  V(INDEX_PACK_WHOLE));
}

static int take_all(struct index *ix, struct list *records, const struct index_account *row,
                    bool replay) {
    ix->box_count = ix->pack_count = 0;
    int error = save_account(ix, row);
    for (struct link *k = records->head.next; !error && k != &records->head; k = k->next)
        error = take_one(ix, CONTAINER_OF(k, struct log_record, link), replay);
    if (ix->box_count > 1)
        qsort(ix->boxes, ix->box_count, sizeof *ix->boxes, by_mailbox);
    for (size_t i = 0; !error && i < ix->box_count; i++)
        error = save_box(ix, &ix->boxes[i], row->born);
    for (size_t i = 0; !error && i < ix->pack_count; i++)
        error = save_pack(ix, &ix->packs[i]);
    return error;
}

int index_take_in(struct index *ix, struct list *records, struct index_mark mark,
                  const usec_t *replay_born) {
    struct index_account row = ix->row;
    row.mark = mark;
    int error = 0;
    for (struct link *k = records->head.next; !error && k != &records->head; k = k->next)
        error = count_record(CONTAINER_OF(k, struct log_record, link), &row);
    if (replay_born && row.born == 0)
        row.born = *replay_born;
    if (!error)
        error = db_begin(ix->db);
    if (error)
        return error;
    error = index_end(ix, take_all(ix, records, &row, replay_born != NULL));
    if (error)
        return error;
    ix->row = row;
    ix->known = true;
    return 0;
}
