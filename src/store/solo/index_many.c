/* SPDX-License-Identifier: ISC */
/*
 * Records about many entries of a mailbox, taken into mail.db by stretches.
 *
 * Who changes a whole mailbox makes a few records of a thousand entries each. Entry by entry they
 * take up to nine statements for each. But mostly neighbours change alike: so the rows that are
 * there are read once, in their order, and what becomes of a stretch of neighbours is written with
 * one statement.
 *
 * This is for records that nothing contradicts: outside of a replay, and not those that compaction
 * has copied. Where anything is otherwise than it is then, or what changes lies so far scattered
 * that too much else would be read, nothing is done here (0), and index_messages.c goes from entry
 * to entry.
 */
#include "store/solo/index_many.h"

#include "base/alloc.h"

#define MANY    4U /* entries; with fewer there are no stretches worth it */
#define BETWEEN 2U /* so many rows are read for each that changes */

/* ------------------------------------------------------------------ rows of a mailbox */

struct entry_row {
    uint32_t uid, line; /* `line`: its set of keywords as it is to be, in the record */
    uint8_t flags, new_flags;
    bool changes;
    uint64_t body, modseq, pack, keywords;
};

struct rows {
    uint32_t mailbox;
    struct buf list; /* struct entry_row: all of the mailbox between two UIDs */
};

static void rows_done(struct rows *r) {
    buf_done(&r->list);
}

static size_t row_count(const struct rows *r) {
    return r->list.len / sizeof(struct entry_row);
}

static struct entry_row *row_at(const struct rows *r, size_t place) {
    return (struct entry_row *)(void *)r->list.ptr + place;
}

/* 1, or 0: there are more than `most`. */
static int read_rows(struct index *ix, struct rows *r, uint32_t first, uint32_t last, size_t most) {
    _cleanup_(db_reset) sqlite3_stmt *st = NULL;
    int more = db_query(ix->db, &st, SQL_ENTRY_RANGE, V(ix->account), V(r->mailbox), V(first),
                        V(last), V(most + 1));
    if (more)
        return more;
    while ((more = db_step(ix->db, st)) == 1 && row_count(r) < most) {
        struct entry_row row = {.uid = (uint32_t)db_u64(st, 0),
                                .body = db_u64(st, 1),
                                .flags = (uint8_t)db_u64(st, 2),
                                .modseq = db_u64(st, 3),
                                .pack = db_u64(st, 4),
                                .keywords = db_u64(st, 5)};
        buf_add_bytes(&r->list, &row, sizeof row);
    }
    return more < 0 ? more : !more;
}

/* The end of the stretch that begins at a place: neighbours to which the same is done. */
static size_t stretch(const struct rows *r, size_t from,
                      bool (*alike)(const struct entry_row *a, const struct entry_row *b)) {
    size_t end = from + 1;
    while (end < row_count(r) && row_at(r, end)->changes && alike(row_at(r, from), row_at(r, end)))
        end++;
    return end;
}

/* The next row that changes, from a place on; or the number of rows. */
static size_t next_change(const struct rows *r, size_t from) {
    while (from < row_count(r) && !row_at(r, from)->changes)
        from++;
    return from;
}

/* The sets of keywords of a record, by line: how many entries get each, and its number then. */
struct joined {
    const struct buf *texts; /* see note_sets_split() */
    size_t *entries;
    uint64_t *numbers;
};

static struct joined joined_new(const struct buf *texts) {
    const size_t count = texts->len / sizeof(struct slice) + 1;
    return (struct joined){texts, mem_array(count, sizeof(size_t)),
                           mem_array(count, sizeof(uint64_t))};
}

static void joined_done(struct joined *j) {
    free(j->entries);
    free(j->numbers);
}

/* A line that is not there is none, as everywhere. */
static uint32_t joined_line(const struct joined *j, uint32_t line) {
    return line <= j->texts->len / sizeof(struct slice) ? line : 0;
}

static int join_sets(struct index *ix, uint32_t mailbox, struct joined *j) {
    int error = 0;
    for (uint32_t line = 1; !error && line <= j->texts->len / sizeof(struct slice); line++)
        if (j->entries[line] > 0)
            error = index_join_set(ix, mailbox, note_sets_at(j->texts, line), j->entries[line],
                                   &j->numbers[line]);
    return error;
}

/* Leaves the sets of keywords that the rows had before, neighbours with the same one together. */
static int leave_sets(struct index *ix, const struct rows *r) {
    int error = 0;
    for (size_t i = 0, end; !error && i < row_count(r); i = end) {
        uint64_t set = row_at(r, i)->keywords;
        size_t count = 0;
        for (end = i; end < row_count(r) && row_at(r, end)->keywords == set; end++)
            count += row_at(r, end)->changes;
        if (count > 0)
            error = index_leave_set(ix, r->mailbox, set, count);
    }
    return error;
}

/* ------------------------------------------------------------------ flags */

/* Which rows change, and to what; those that are gone, or have changed later, do not. */
static void choose_flags(const struct note_changes *n, struct rows *r, struct joined *j) {
    size_t at = 0;
    for (size_t i = 0; i < n->count; i++) {
        struct note_change c = note_changes_at(n, NOTE_FLAGS, i);
        while (at < row_count(r) && row_at(r, at)->uid < c.uid)
            at++;
        struct entry_row *row = at < row_count(r) ? row_at(r, at) : NULL;
        if (!row || row->uid != c.uid || row->modseq >= n->modseq)
            continue;
        row->changes = true;
        row->new_flags = c.flags;
        row->line = joined_line(j, c.set);
        j->entries[row->line]++;
    }
}

static bool flags_alike(const struct entry_row *a, const struct entry_row *b) {
    return a->new_flags == b->new_flags && a->line == b->line;
}

static int set_flags(struct index *ix, const struct note_changes *n, const struct buf *sets) {
    _cleanup_(rows_done) struct rows r = {.mailbox = n->mailbox};
    _cleanup_(joined_done) struct joined j = joined_new(sets);
    struct index_box_delta *d = box_delta(ix, n->mailbox);
    int all =
        read_rows(ix, &r, note_changes_at(n, NOTE_FLAGS, 0).uid,
                  note_changes_at(n, NOTE_FLAGS, n->count - 1).uid, (size_t)BETWEEN * n->count);
    if (all != 1)
        return all;
    choose_flags(n, &r, &j);
    int error = join_sets(ix, n->mailbox, &j);
    for (size_t i = next_change(&r, 0), end; !error && i < row_count(&r);
         i = next_change(&r, end)) {
        const struct entry_row *first = row_at(&r, i);
        end = stretch(&r, i, flags_alike);
        for (size_t k = i; k < end; k++)
            d->unseen +=
                (int)!(first->new_flags & STORE_SEEN) - (int)!(row_at(&r, k)->flags & STORE_SEEN);
        error = db_run(ix->db, SQL_ENTRY_SET_RANGE, V(ix->account), V(n->mailbox), V(first->uid),
                       V(row_at(&r, end - 1)->uid), V(first->new_flags), V(n->modseq),
                       V(j.numbers[first->line]));
    }
    if (!error)
        error = leave_sets(ix, &r);
    return error ? error : 1;
}

/* ------------------------------------------------------------------ bodies */

static int by_number(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* The rows of all these bodies; 0: too many others lie between them. The numbers are sorted. */
static int read_bodies(struct index *ix, uint64_t *numbers, size_t count, struct buf *ret) {
    qsort(numbers, count, sizeof *numbers, by_number);
    return index_read_bodies(ix, numbers[0], numbers[count - 1], (size_t)BETWEEN * count, ret);
}

/* ------------------------------------------------------------------ entries that go */

/* Marks the rows of these UIDs. False: one is not there. */
static bool choose_all(struct rows *r, const uint32_t *uids, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        while (at < row_count(r) && row_at(r, at)->uid < uids[i])
            at++;
        if (at == row_count(r) || row_at(r, at)->uid != uids[i] || row_at(r, at)->changes)
            return false;
        row_at(r, at)->changes = true;
    }
    return true;
}

/* The UIDs of a NOTE_EXPUNGE; on the heap. */
static uint32_t *uids_of(const struct note_changes *n) {
    uint32_t *uids = mem_array(n->count, sizeof *uids);
    for (size_t i = 0; i < n->count; i++)
        uids[i] = note_changes_at(n, NOTE_EXPUNGE, i).uid;
    return uids;
}

/*
 * What goes: the rows are chosen, and the bodies of all of them are there. From which pack an entry
 * could come back stands in its row then, wherever it lies.
 */
struct going {
    const struct removal *why;
    struct rows rows;
    struct buf bodies; /* struct body_shift */
    size_t count;
};

static void going_done(struct going *g) {
    rows_done(&g->rows);
    buf_done(&g->bodies);
}

static int read_going(struct index *ix, const uint32_t *uids, size_t count, struct going *g) {
    int all = read_rows(ix, &g->rows, uids[0], uids[count - 1], (size_t)BETWEEN * count);
    if (all != 1 || !choose_all(&g->rows, uids, count))
        return MIN(all, 0);
    _cleanup_(free_p) uint64_t *numbers = mem_array(count, sizeof *numbers);
    for (size_t i = next_change(&g->rows, 0); i < row_count(&g->rows);
         i = next_change(&g->rows, i + 1))
        numbers[g->count++] = row_at(&g->rows, i)->body;
    all = read_bodies(ix, numbers, count, &g->bodies);
    for (size_t i = 0; all == 1 && i < count; i++)
        if (!index_find_shift(&g->bodies, numbers[i]))
            all = 0;
    return all;
}

/* What goes is taken off the sums; `pack` of a row is from now on the one that has the entry. */
static void count_going(struct index *ix, struct going *g) {
    struct index_box_delta *d = box_delta(ix, g->rows.mailbox);
    for (size_t i = next_change(&g->rows, 0); i < row_count(&g->rows);
         i = next_change(&g->rows, i + 1)) {
        struct entry_row *row = row_at(&g->rows, i);
        const struct body_row *body = &index_find_shift(&g->bodies, row->body)->row;
        d->messages--;
        d->unseen -= !(row->flags & STORE_SEEN);
        d->bytes -= (int64_t)body->size;
        if (row->pack)
            pack_delta(ix, row->pack)->alive -= NOTE_ENTRY_SIZE;
        else
            row->pack = body->pack;
    }
}

static bool goes_alike(const struct entry_row *a, const struct entry_row *b) {
    return a->keywords == b->keywords && a->pack == b->pack;
}

/* One stretch of what goes. */
static int drop_stretch(struct index *ix, const struct going *g, const struct entry_row *first,
                        size_t count, bool vanishes) {
    const struct removal *why = g->why;
    const uint32_t mailbox = g->rows.mailbox, last = first[count - 1].uid;
    _cleanup_(buf_done) struct buf names = {0};
    int error = 0;
    if (why->when) {
        error = index_set_names(ix, mailbox, first->keywords, &names);
        if (!error)
            error = db_run(ix->db, SQL_DELETED_ADD_RANGE, V(ix->account), V(mailbox), V(first->uid),
                           V(last), V_TEXT(buf_slice(&names)), V(why->modseq), V(why->when));
    }
    if (!error && vanishes)
        error = db_run(ix->db, SQL_VANISHED_ADD_RANGE, V(ix->account), V(mailbox), V(first->uid),
                       V(last), V(why->modseq), V(first->pack));
    if (!error)
        error = db_run(ix->db, SQL_ENTRY_DROP_RANGE, V(ix->account), V(mailbox), V(first->uid),
                       V(last));
    if (!error && db_changes(ix->db) != (int)count)
        error = -E_CORRUPT;
    return error;
}

static int drop_going(struct index *ix, struct going *g, bool vanishes) {
    const struct rows *r = &g->rows;
    int error = 0;
    count_going(ix, g);
    for (size_t i = next_change(r, 0), end; !error && i < row_count(r); i = next_change(r, end)) {
        end = stretch(r, i, goes_alike);
        error = drop_stretch(ix, g, row_at(r, i), end - i, vanishes);
    }
    return error ? error : leave_sets(ix, r);
}

int index_drop_many(struct index *ix, uint32_t mailbox, const uint32_t *uids, size_t count,
                    const struct removal *why, bool vanishes) {
    _cleanup_(going_done) struct going g = {.why = why, .rows = {.mailbox = mailbox}};
    if (count < MANY)
        return 0;
    if (why->when && index_is_forgotten(ix, (struct deleted_place){why->modseq, uids[0]}))
        return 0;
    int all = read_going(ix, uids, count, &g);
    if (all != 1)
        return all;
    int error = drop_going(ix, &g, vanishes);
    for (size_t i = next_change(&g.rows, 0); i < row_count(&g.rows);
         i = next_change(&g.rows, i + 1)) {
        struct body_shift *s = index_find_shift(&g.bodies, row_at(&g.rows, i)->body);
        s->entries--;
        s->deleted += why->when ? 1 : 0;
    }
    if (!error)
        error = index_shift_bodies(ix, &g.bodies);
    return error ? error : 1;
}

/* ------------------------------------------------------------------ entries that come */

static int add_entries(struct index *ix, const struct note_entries *n, uint64_t pack,
                       const struct buf *sets) {
    _cleanup_(joined_done) struct joined j = joined_new(sets);
    struct index_box_delta *d = box_delta(ix, n->mailbox);
    for (size_t i = 0; i < n->count; i++)
        j.entries[joined_line(&j, note_entries_at(n, i).set)]++;
    int error = join_sets(ix, n->mailbox, &j);
    for (size_t i = 0; !error && i < n->count; i++) {
        struct note_entry e = note_entries_at(n, i);
        error = db_run(ix->db, SQL_ENTRY_ADD, V(ix->account), V(n->mailbox), V(e.uid), V(e.body),
                       V(e.modseq), V(e.flags), V(pack), V(j.numbers[joined_line(&j, e.set)]),
                       V(e.saved));
        d->messages++;
        d->unseen += !(e.flags & STORE_SEEN);
        d->bytes += e.size;
    }
    pack_delta(ix, pack)->alive += (int64_t)n->count * NOTE_ENTRY_SIZE;
    return error;
}

static int copy(struct index *ix, const struct note_entries *n, uint64_t pack,
                const struct buf *sets) {
    _cleanup_(free_p) uint64_t *numbers = mem_array(n->count, sizeof *numbers);
    _cleanup_(buf_done) struct buf bodies = {0};
    for (size_t i = 0; i < n->count; i++)
        numbers[i] = note_entries_at(n, i).body;
    int all = read_bodies(ix, numbers, n->count, &bodies);
    for (size_t i = 0; all == 1 && i < n->count; i++) {
        struct body_shift *s = index_find_shift(&bodies, numbers[i]);
        if (s)
            s->entries++;
        else
            all = 0;
    }
    if (all != 1)
        return all;
    int error = index_shift_bodies(ix, &bodies);
    if (!error)
        error = add_entries(ix, n, pack, sets);
    return error ? error : 1;
}

static int move(struct index *ix, const struct note_entries *n, uint64_t pack,
                const struct buf *sets, const struct note_changes *gone) {
    const struct removal why = {.modseq = gone->modseq};
    _cleanup_(going_done) struct going g = {.why = &why, .rows = {.mailbox = gone->mailbox}};
    _cleanup_(free_p) uint32_t *uids = uids_of(gone);
    if (gone->count != n->count || gone->when)
        return 0;
    int all = read_going(ix, uids, n->count, &g);
    for (size_t i = next_change(&g.rows, 0), k = 0; all == 1 && k < n->count;
         i = next_change(&g.rows, i + 1), k++)
        if (row_at(&g.rows, i)->body != note_entries_at(n, k).body)
            all = 0;
    if (all != 1)
        return all;
    int error = add_entries(ix, n, pack, sets);
    if (!error)
        error = drop_going(ix, &g, true);
    return error ? error : 1;
}

/* ------------------------------------------------------------------ records */

static int take_flags(struct index *ix, const struct log_record *r) {
    struct note_changes n;
    _cleanup_(buf_done) struct buf sets = {0};
    int error = note_changes_decode(log_record_facts(r), NOTE_FLAGS, &n);
    if (error || n.count < MANY)
        return error;
    note_sets_split(note_sets_decode(n.rest), &sets);
    int done = set_flags(ix, &n, &sets);
    if (done == 1)
        index_note_mailbox(ix, n.mailbox, 0, n.modseq, (struct slice){0});
    return done;
}

/* What went is told of with the greatest of its UIDs. */
static void note_gone(struct index *ix, const struct note_changes *n) {
    index_note_mailbox(ix, n->mailbox, note_changes_at(n, NOTE_EXPUNGE, n->count - 1).uid,
                       n->modseq, (struct slice){0});
}

static int take_expunge(struct index *ix, const struct log_record *r) {
    struct note_changes n;
    int error = note_changes_decode(log_record_facts(r), NOTE_EXPUNGE, &n);
    if (error || n.count < MANY)
        return error;
    _cleanup_(free_p) uint32_t *uids = uids_of(&n);
    int done =
        index_drop_many(ix, n.mailbox, uids, n.count, &(struct removal){n.when, n.modseq}, true);
    if (done == 1)
        note_gone(ix, &n);
    return done;
}

/* Copies, or a move. */
static int take_entries(struct index *ix, const struct log_record *r) {
    const bool moved = r->type == NOTE_TRANSFER;
    struct note_entries n;
    struct note_changes gone = {0};
    _cleanup_(buf_done) struct buf sets = {0};
    int error = note_entries_decode(log_record_facts(r), &n);
    if (!error && moved)
        error = note_changes_decode(n.rest, NOTE_EXPUNGE, &gone);
    if (error || n.count < MANY)
        return error;
    int away = index_box_is_gone(ix, n.mailbox);
    if (away)
        return MIN(away, 0);
    note_sets_split(note_sets_decode(moved ? gone.rest : n.rest), &sets);
    int done = moved ? move(ix, &n, r->pack, &sets, &gone) : copy(ix, &n, r->pack, &sets);
    if (done != 1)
        return done;
    struct note_entry last = note_entries_at(&n, n.count - 1);
    index_note_mailbox(ix, n.mailbox, last.uid, last.modseq, n.mailbox_name);
    if (moved)
        note_gone(ix, &gone);
    return 1;
}

int index_take_many(struct index *ix, const struct log_record *r) {
    switch (r->type) {
    case NOTE_FLAGS:
        return take_flags(ix, r);
    case NOTE_EXPUNGE:
        return take_expunge(ix, r);
    case NOTE_ENTRIES:
    case NOTE_TRANSFER:
        return take_entries(ix, r);
    default:
        return 0;
    }
}
