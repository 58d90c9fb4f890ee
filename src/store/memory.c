/* SPDX-License-Identifier: ISC */
/*
 * Mailboxes and their rows in memory, and what each kind of record does to them.
 *
 * The rows of a mailbox are read from the database when first wanted: first everything pending is
 * taken in, then the rows are selected in a disk thread. Records that become durable meanwhile are
 * in `pending` afterwards and are applied to the rows before anyone sees them.
 *
 * What a disk thread allocates lies among what SQLite needs meanwhile and would, living much
 * longer, hold whole pages of that: 2 KiB for each account, measured. So threads fill what the
 * fiber has allocated, and the account's own pieces are made by the fiber.
 */
#include "store/account.h"

#include "base/alloc.h"

/* ------------------------------------------------------------------ packs */

struct index_pack *pack_find(struct store_account *a, uint64_t pack) {
    for (size_t i = a->pack_count; i-- > 0;)
        if (a->packs[i].pack == pack)
            return &a->packs[i];
    return NULL;
}

struct index_pack *pack_add(struct store_account *a, const struct index_pack *pack) {
    a->packs = mem_grow(a->packs, (a->pack_count + 1) * sizeof *a->packs);
    a->packs[a->pack_count] = *pack;
    return &a->packs[a->pack_count++];
}

void pack_remove(struct store_account *a, uint64_t pack) {
    struct index_pack *p = pack_find(a, pack);
    if (!p)
        return;
    size_t behind = (size_t)(a->packs + a->pack_count - (p + 1));
    memmove(p, p + 1, behind * sizeof *p);
    a->pack_count--;
}

static uint64_t message_record_len(const struct store_message *l) {
    return l->body - l->offset + l->size + PACK_END;
}

static void pack_lose(struct store_account *a, const struct store_message *l) {
    struct index_pack *p = pack_find(a, l->pack);
    if (!p)
        return;
    p->alive -= MIN(p->alive, message_record_len(l));
    if (pack_wants_compaction(a, p))
        keeper_add(a, WORK_COMPACT);
}

/* ------------------------------------------------------------------ mailboxes */

struct box *box_find(const struct store_account *a, uint32_t mailbox) {
    size_t low = 0, high = a->box_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->boxes[middle]->info.id < mailbox)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->box_count && a->boxes[low]->info.id == mailbox ? a->boxes[low] : NULL;
}

struct box *box_add(struct store_account *a, const struct store_mailbox *info) {
    struct box *b = NEW(struct box);
    b->info = *info;
    b->info.name = slice_of(mem_str(info->name), info->name.len);
    a->boxes = mem_grow(a->boxes, (a->box_count + 1) * sizeof(struct box *));
    size_t at = a->box_count++;
    for (; at > 0 && a->boxes[at - 1]->info.id > info->id; at--)
        a->boxes[at] = a->boxes[at - 1];
    a->boxes[at] = b;
    return b;
}

/* Place of the first row whose UID is not below `uid`. */
static size_t row_place(const struct box *b, uint32_t uid) {
    size_t low = 0, high = b->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->rows[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct store_message *box_row(const struct box *b, uint32_t uid) {
    size_t at = row_place(b, uid);
    return at < b->count && b->rows[at].uid == uid ? &b->rows[at] : NULL;
}

static void add_row(struct box *b, const struct store_message *l) {
    if (b->count == b->size) {
        b->size = MAX((size_t)4, b->size + b->size / 2);
        b->rows = mem_grow(b->rows, b->size * sizeof *b->rows);
    }
    b->rows[b->count++] = *l;
}

/* ------------------------------------------------------------------ records to rows */

static struct store_message row_of(const struct log_record *r, const struct note_message *n) {
    return (struct store_message){
        .mailbox = n->mailbox,
        .uid = n->uid,
        .header_size = n->header_size,
        .size = r->place.body_len,
        .flags = n->flags,
        .modseq = n->modseq,
        .message = n->message,
        .arrival = n->arrival,
        .body_crc = r->place.body_crc,
        .shape = n->shape,
        .pack = r->pack,
        .offset = r->place.offset,
        .body = r->place.body,
    };
}

static void rows_message(struct box *b, const struct log_record *r) {
    struct note_message n;
    MUST(note_message_decode(log_record_facts(r), &n) == 0);
    struct store_message *row = box_row(b, n.uid);
    if (row) {
        row->pack = r->pack;
        row->offset = r->place.offset;
        row->body = r->place.body;
    } else if (!(r->flags & NOTE_MOVED)) {
        struct store_message l = row_of(r, &n);
        add_row(b, &l);
    }
}

static void rows_flags(struct box *b, const struct log_record *r) {
    struct note_changes n;
    MUST(note_changes_decode(log_record_facts(r), NOTE_FLAGS, &n) == 0);
    for (size_t i = 0; i < n.count; i++) {
        struct note_change c = note_changes_at(&n, NOTE_FLAGS, i);
        struct store_message *row = box_row(b, c.uid);
        if (!row || row->modseq >= n.modseq)
            continue;
        row->flags = c.flags;
        row->modseq = n.modseq;
    }
}

/* Takes the rows out in one pass; the UIDs of an expunge ascend. */
static void rows_expunge(struct box *b, const struct log_record *r) {
    struct note_changes n;
    MUST(note_changes_decode(log_record_facts(r), NOTE_EXPUNGE, &n) == 0);
    size_t next = 0, kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        uint32_t uid = b->rows[i].uid;
        while (next < n.count && note_changes_at(&n, NOTE_EXPUNGE, next).uid < uid)
            next++;
        if (next < n.count && note_changes_at(&n, NOTE_EXPUNGE, next).uid == uid)
            continue;
        b->rows[kept++] = b->rows[i];
    }
    b->count = kept;
}

/* The mailbox a record is about; 0: about none, or not about its messages. */
static uint32_t record_mailbox(const struct log_record *r) {
    struct note_message l;
    struct note_changes c;
    switch (r->type) {
    case NOTE_MESSAGE:
        return note_message_decode(log_record_facts(r), &l) == 0 ? l.mailbox : 0;
    case NOTE_FLAGS:
    case NOTE_EXPUNGE:
        return note_changes_decode(log_record_facts(r), r->type, &c) == 0 ? c.mailbox : 0;
    default:
        return 0;
    }
}

static void apply_to_rows(struct box *b, const struct log_record *r) {
    if (r->type == NOTE_MESSAGE)
        rows_message(b, r);
    else if (r->type == NOTE_FLAGS)
        rows_flags(b, r);
    else
        rows_expunge(b, r);
}

/* ------------------------------------------------------------------ records to counters */

static void count_message(struct store_account *a, struct box *b, const struct log_record *r) {
    struct note_message n;
    MUST(note_message_decode(log_record_facts(r), &n) == 0);
    pack_find(a, r->pack)->alive += r->len;
    if (r->flags & NOTE_MOVED)
        return;
    b->info.messages++;
    b->info.unseen += !(n.flags & STORE_SEEN);
    b->info.bytes += r->place.body_len;
    b->info.modseq = MAX(b->info.modseq, n.modseq);
    a->published = MAX(a->published, n.modseq);
    if (a->keys_loaded && n.key.len)
        key_set_add(&a->keys, key_hash(n.key));
    a->store->stats.delivered++;
    a->store->stats.messages += b->loaded;
}

/* Before the rows change; those of a mailbox whose messages change are loaded. */
static void count_changes(struct store_account *a, struct box *b, const struct log_record *r) {
    struct note_changes n;
    if (r->flags & NOTE_MOVED) {
        pack_find(a, r->pack)->alive += r->len;
        return;
    }
    MUST(b->loaded && note_changes_decode(log_record_facts(r), r->type, &n) == 0);
    for (size_t i = 0; i < n.count; i++) {
        struct note_change c = note_changes_at(&n, r->type, i);
        const struct store_message *row = box_row(b, c.uid);
        if (!row)
            continue;
        b->info.unseen -= !(row->flags & STORE_SEEN);
        if (r->type == NOTE_FLAGS) {
            b->info.unseen += !(c.flags & STORE_SEEN);
            continue;
        }
        b->info.messages--;
        b->info.bytes -= row->size;
        a->store->stats.messages--;
        pack_lose(a, row);
    }
    b->info.modseq = MAX(b->info.modseq, n.modseq);
    a->published = MAX(a->published, n.modseq);
}

static void publish_mailbox(struct store_account *a, const struct log_record *r) {
    struct note_mailbox n;
    MUST(note_mailbox_decode(log_record_facts(r), &n) == 0);
    a->published = MAX(a->published, n.modseq);
    if (box_find(a, n.mailbox))
        return;
    struct box *b = box_add(a, &(struct store_mailbox){
                                   .id = n.mailbox,
                                   .parent = n.parent,
                                   .role = n.role,
                                   .name = n.name,
                                   .uidvalidity = n.uidvalidity,
                                   .uidnext = n.uidnext,
                                   .modseq = n.modseq,
                               });
    b->loaded = true;
}

void account_publish(struct store_account *a, struct log_record *r) {
    struct index_pack *p = pack_find(a, r->pack);
    if (!p)
        p = pack_add(a, &(struct index_pack){.pack = r->pack});
    p->end = MAX(p->end, r->place.offset + r->len);
    struct box *b = box_find(a, record_mailbox(r));
    if (r->type == NOTE_MAILBOX)
        publish_mailbox(a, r);
    else if (r->type == NOTE_MESSAGE)
        count_message(a, b, r);
    else if (b)
        count_changes(a, b, r);
    else if (r->flags & NOTE_MOVED)
        p->alive += r->len;
    if (b && b->loaded)
        apply_to_rows(b, r);
    list_append(&a->pending, &r->link);
    a->pending_count++;
    account_report_usage(a);
}

/* ------------------------------------------------------------------ loading */

/*
 * What is larger than the pieces that malloc keeps for a thread (1032 bytes) goes back where it
 * came from when it is freed, and stays there when it grows.
 */
#define HOME_SIZE 2048U

struct load {
    struct index *index;
    struct box rows; /* only those */
    struct key_set keys;
    uint32_t mailbox;
};

static void load_row(void *arg, const struct store_message *l) {
    add_row(arg, l);
}

static int load_rows(void *arg) {
    struct load *l = arg;
    return index_each_message(l->index, l->mailbox, load_row, &l->rows);
}

static void set_rows(struct store_account *a, struct box *b, const struct box *from) {
    b->rows = from->count ? mem_grow(from->rows, from->count * sizeof *b->rows) : NULL;
    b->count = b->size = from->count;
    if (!b->rows)
        free(from->rows);
    b->loaded = true;
    for (struct link *k = a->pending.head.next; k != &a->pending.head; k = k->next) {
        struct log_record *r = CONTAINER_OF(k, struct log_record, link);
        if (record_mailbox(r) == b->info.id)
            apply_to_rows(b, r);
    }
    a->store->stats.messages += b->count;
}

int box_load(struct store_account *a, struct box *b) {
    if (b->loaded)
        return 0;
    int error = files_lock(a);
    if (error)
        return error;
    if (!b->loaded && (error = files_take_in(a)) == 0) {
        struct load l = {.index = a->index, .mailbox = b->info.id};
        l.rows.size = HOME_SIZE / sizeof *l.rows.rows;
        l.rows.rows = mem_alloc(HOME_SIZE);
        error = offload(OFFLOAD_DISK, load_rows, &l);
        if (error)
            free(l.rows.rows);
        else
            set_rows(a, b, &l.rows);
    }
    files_unlock(a, error);
    return error;
}

static void load_key(void *arg, struct slice key) {
    key_set_add(arg, key_hash(key));
}

static int load_keys(void *arg) {
    struct load *l = arg;
    return index_each_key(l->index, load_key, &l->keys);
}

int keys_load(struct store_account *a) {
    if (a->keys_loaded)
        return 0;
    int error = files_lock(a);
    if (error)
        return error;
    if (!a->keys_loaded && (error = files_take_in(a)) == 0) {
        struct load l = {.index = a->index};
        error = offload(OFFLOAD_DISK, load_keys, &l);
        if (error) {
            key_set_done(&l.keys);
        } else {
            a->keys = l.keys;
            a->keys_loaded = true;
        }
    }
    files_unlock(a, error);
    return error;
}

struct read_box {
    struct store_mailbox info;
    size_t name_at; /* in account_facts.names */
};

static void read_box(void *arg, const struct store_mailbox *info) {
    struct account_facts *f = arg;
    struct read_box box = {*info, f->names.len};
    buf_add(&f->names, info->name);
    buf_add_bytes(&f->boxes, &box, sizeof box);
}

static void read_pack(void *arg, const struct index_pack *pack) {
    struct account_facts *f = arg;
    buf_add_bytes(&f->packs, pack, sizeof *pack);
}

void account_facts_init(struct account_facts *f) {
    *f = (struct account_facts){0};
    buf_reserve(&f->boxes, HOME_SIZE);
    buf_reserve(&f->names, HOME_SIZE);
    buf_reserve(&f->packs, HOME_SIZE);
}

void account_facts_done(struct account_facts *f) {
    buf_done(&f->boxes);
    buf_done(&f->names);
    buf_done(&f->packs);
}

int account_facts_read(struct account_facts *f, struct index *ix) {
    int error = index_account(ix, &f->row);
    if (!error)
        error = index_each_mailbox(ix, read_box, f);
    return error ? error : index_each_pack(ix, read_pack, f);
}

void account_fill(struct store_account *a, const struct account_facts *f) {
    const struct read_box *boxes = (const void *)f->boxes.ptr;
    const struct index_pack *packs = (const void *)f->packs.ptr;
    a->born = f->row.born;
    a->modseq = a->published = f->row.modseq;
    a->message_next = f->row.message_next;
    a->mailbox_next = f->row.mailbox_next;
    a->mark = f->row.mark;
    for (size_t i = 0; i < f->boxes.len / sizeof *boxes; i++) {
        struct store_mailbox info = boxes[i].info;
        info.name.ptr = f->names.ptr + boxes[i].name_at;
        box_add(a, &info);
    }
    for (size_t i = 0; i < f->packs.len / sizeof *packs; i++)
        pack_add(a, &packs[i]);
}

void account_clear(struct store_account *a) {
    for (size_t i = 0; i < a->box_count; i++) {
        struct box *b = a->boxes[i];
        a->store->stats.messages -= b->loaded ? b->count : 0;
        free((void *)(uintptr_t)b->info.name.ptr);
        free(b->rows);
        free(b);
    }
    free(a->boxes);
    free(a->packs);
    key_set_done(&a->keys);
    log_records_free(&a->pending);
}
