/* SPDX-License-Identifier: ISC */
/*
 * The facts of the account store's records, see note.h. The layouts are final: they may only grow
 * at their end.
 */
#include "store/solo/note.h"

#include "base/bytes.h"

#define VERSION 1U

static void add_text(struct buf *to, struct slice s) {
    MUST(s.len <= UINT16_MAX);
    buf_add_u16(to, (uint16_t)s.len);
    buf_add(to, s);
}

static struct slice read_text(struct reader *r) {
    return read_bytes(r, read_u16(r));
}

static void begin(struct buf *to, uint64_t account) {
    buf_add_u8(to, VERSION);
    buf_add_u64(to, account);
}

/* Opens the facts; the account stands in all of them. */
static int open_facts(struct slice facts, struct reader *ret, uint64_t *ret_account) {
    struct reader r = {.rest = facts};
    uint8_t version = read_u8(&r);
    uint64_t account = read_u64(&r);
    if (r.bad || version == 0)
        return -E_CORRUPT;
    if (version > VERSION)
        return -E_VERSION;
    *ret = r;
    *ret_account = account;
    return 0;
}

void note_account_encode(struct buf *to, const struct note_account *n) {
    begin(to, n->account);
    buf_add_u64(to, (uint64_t)n->born);
    buf_add_u64(to, n->modseq);
    buf_add_u64(to, n->message_next);
    buf_add_u32(to, n->mailbox_next);
    buf_add_u32(to, (uint32_t)(n->seals.len / NOTE_SEAL_SIZE));
    buf_add(to, n->seals);
    buf_add_u64(to, n->forgotten.modseq);
    buf_add_u32(to, n->forgotten.uid);
}

void note_seal_encode(struct buf *to, struct note_seal seal) {
    buf_add_u64(to, seal.pack);
    buf_add_u64(to, seal.end);
}

int note_account_decode(struct slice facts, struct note_account *ret) {
    struct reader r;
    struct note_account n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.born = (usec_t)read_u64(&r);
    n.modseq = read_u64(&r);
    n.message_next = read_u64(&r);
    n.mailbox_next = read_u32(&r);
    n.seals = read_bytes(&r, (size_t)read_u32(&r) * NOTE_SEAL_SIZE);
    n.forgotten = (struct note_forget){.account = n.account};
    if (r.rest.len > 0) {
        n.forgotten.modseq = read_u64(&r);
        n.forgotten.uid = read_u32(&r);
    }
    if (r.bad)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

size_t note_seal_count(const struct note_account *n) {
    return n->seals.len / NOTE_SEAL_SIZE;
}

struct note_seal note_seal_at(const struct note_account *n, size_t place) {
    MUST(place < note_seal_count(n));
    const char *at = n->seals.ptr + place * NOTE_SEAL_SIZE;
    return (struct note_seal){get_u64(at), get_u64(at + 8)};
}

void note_mailbox_encode(struct buf *to, const struct note_mailbox *n) {
    begin(to, n->account);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->parent);
    buf_add_u32(to, n->uidvalidity);
    buf_add_u32(to, n->uidnext);
    buf_add_u32(to, n->role);
    buf_add_u64(to, n->modseq);
    add_text(to, n->name);
}

int note_mailbox_decode(struct slice facts, struct note_mailbox *ret) {
    struct reader r;
    struct note_mailbox n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.mailbox = read_u32(&r);
    n.parent = read_u32(&r);
    n.uidvalidity = read_u32(&r);
    n.uidnext = read_u32(&r);
    n.role = read_u32(&r);
    n.modseq = read_u64(&r);
    n.name = read_text(&r);
    if (r.bad || n.mailbox == 0 || n.uidvalidity == 0 || n.uidnext == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_message_encode(struct buf *to, const struct note_message *n) {
    begin(to, n->account);
    buf_add_u64(to, n->message);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->uid);
    buf_add_u64(to, n->flags);
    buf_add_u64(to, (uint64_t)n->arrival);
    buf_add_u32(to, n->header_size);
    buf_add_u32(to, n->shape);
    add_text(to, n->mailbox_name);
    add_text(to, n->return_path);
    add_text(to, n->key);
    buf_add_u64(to, (uint64_t)n->stored);
    note_sets_encode(to, n->keywords);
}

int note_message_decode(struct slice facts, struct note_message *ret) {
    struct reader r;
    struct note_message n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.message = read_u64(&r);
    n.modseq = read_u64(&r);
    n.mailbox = read_u32(&r);
    n.uid = read_u32(&r);
    n.flags = read_u64(&r);
    n.arrival = (usec_t)read_u64(&r);
    n.header_size = read_u32(&r);
    n.shape = read_u32(&r);
    n.mailbox_name = read_text(&r);
    n.return_path = read_text(&r);
    n.key = read_text(&r);
    n.stored = r.rest.len > 0 ? (usec_t)read_u64(&r) : n.arrival;
    n.keywords = note_sets_decode(r.rest);
    if (r.bad || n.mailbox == 0 || n.uid == 0 || n.message == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

/* Flags and the number of a set in one word. */
static uint64_t flag_word(uint8_t flags, uint32_t set) {
    return (uint64_t)set << 8 | flags;
}

static size_t change_size(enum note_type type) {
    return type == NOTE_FLAGS ? 12 : 4;
}

void note_changes_encode(struct buf *to, const struct note_changes *n) {
    begin(to, n->account);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->count);
    buf_add(to, n->items);
}

void note_change_encode(struct buf *to, enum note_type type, struct note_change change) {
    buf_add_u32(to, change.uid);
    if (type == NOTE_FLAGS)
        buf_add_u64(to, flag_word(change.flags, change.set));
}

int note_changes_decode(struct slice facts, enum note_type type, struct note_changes *ret) {
    struct reader r;
    struct note_changes n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.modseq = read_u64(&r);
    n.mailbox = read_u32(&r);
    n.count = read_u32(&r);
    n.items = read_bytes(&r, n.count * change_size(type));
    n.when = type == NOTE_EXPUNGE && r.rest.len > 0 ? (usec_t)read_u64(&r) : 0;
    n.rest = r.rest;
    if (r.bad || n.mailbox == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

struct note_change note_changes_at(const struct note_changes *n, enum note_type type,
                                   size_t place) {
    MUST(place < n->count);
    const char *at = n->items.ptr + place * change_size(type);
    uint64_t word = type == NOTE_FLAGS ? get_u64(at + 4) : 0;
    return (struct note_change){
        .uid = get_u32(at), .flags = (uint8_t)word, .set = (uint32_t)(word >> 8) & STORE_SET_MAX};
}

void note_entries_encode(struct buf *to, const struct note_entries *n) {
    begin(to, n->account);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->count);
    add_text(to, n->mailbox_name);
    buf_add(to, n->items);
}

void note_entry_encode(struct buf *to, const struct note_entry *e) {
    buf_add_u32(to, e->uid);
    buf_add_u32(to, e->size);
    buf_add_u64(to, e->body);
    buf_add_u64(to, e->modseq);
    buf_add_u64(to, flag_word(e->flags, e->set));
}

int note_entries_decode(struct slice facts, struct note_entries *ret) {
    struct reader r;
    struct note_entries n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.mailbox = read_u32(&r);
    n.count = read_u32(&r);
    n.mailbox_name = read_text(&r);
    n.items = read_bytes(&r, (size_t)n.count * NOTE_ENTRY_SIZE);
    n.rest = r.rest;
    if (r.bad || n.mailbox == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

struct note_entry note_entries_at(const struct note_entries *n, size_t place) {
    MUST(place < n->count);
    const char *at = n->items.ptr + place * NOTE_ENTRY_SIZE;
    uint64_t word = get_u64(at + 24);
    return (struct note_entry){
        .uid = get_u32(at),
        .size = get_u32(at + 4),
        .body = get_u64(at + 8),
        .modseq = get_u64(at + 16),
        .flags = (uint8_t)word,
        .set = (uint32_t)(word >> 8) & STORE_SET_MAX,
    };
}

void note_sets_encode(struct buf *to, struct slice lines) {
    if (lines.len == 0)
        return;
    buf_add_u32(to, (uint32_t)lines.len);
    buf_add(to, lines);
}

struct slice note_sets_decode(struct slice rest) {
    struct reader r = {.rest = rest};
    struct slice lines = read_bytes(&r, read_u32(&r));
    return r.bad ? (struct slice){0} : lines;
}

void note_sets_split(struct slice lines, struct buf *sets) {
    struct slice line;
    while (lines.len > 0 && slice_next(&lines, '\n', &line))
        buf_add_bytes(sets, &line, sizeof line);
}

struct slice note_sets_at(const struct buf *sets, uint32_t set) {
    const struct slice *list = (const void *)sets->ptr;
    return set > 0 && set <= sets->len / sizeof *list ? list[set - 1] : (struct slice){0};
}

void note_body_encode(struct buf *to, const struct note_body *n) {
    begin(to, n->account);
    buf_add_u64(to, n->message);
    buf_add_u64(to, (uint64_t)n->arrival);
    buf_add_u32(to, n->header_size);
    buf_add_u32(to, n->shape);
}

int note_body_decode(struct slice facts, struct note_body *ret) {
    struct reader r;
    struct note_body n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.message = read_u64(&r);
    n.arrival = (usec_t)read_u64(&r);
    n.header_size = read_u32(&r);
    n.shape = read_u32(&r);
    if (r.bad || n.message == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_key_encode(struct buf *to, const struct note_key *n) {
    begin(to, n->account);
    buf_add_u64(to, n->message);
    buf_add_u64(to, (uint64_t)n->stored);
    add_text(to, n->key);
}

int note_key_decode(struct slice facts, struct note_key *ret) {
    struct reader r;
    struct note_key n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.message = read_u64(&r);
    n.stored = (usec_t)read_u64(&r);
    n.key = read_text(&r);
    if (r.bad || n.key.len == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_remove_encode(struct buf *to, const struct note_remove *n) {
    begin(to, n->account);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->mailbox);
    buf_add_u64(to, (uint64_t)n->when);
    add_text(to, n->name);
}

int note_remove_decode(struct slice facts, struct note_remove *ret) {
    struct reader r;
    struct note_remove n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.modseq = read_u64(&r);
    n.mailbox = read_u32(&r);
    n.when = (usec_t)read_u64(&r);
    n.name = read_text(&r);
    if (r.bad || n.mailbox == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_when_encode(struct buf *to, usec_t when) {
    buf_add_u64(to, (uint64_t)when);
}

void note_deleted_encode(struct buf *to, const struct note_deleted *n) {
    begin(to, n->account);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->count);
    buf_add(to, n->items);
}

void note_deletion_encode(struct buf *to, const struct note_deletion *d) {
    buf_add_u32(to, d->uid);
    buf_add_u32(to, d->size);
    buf_add_u64(to, d->body);
    buf_add_u64(to, d->modseq);
    buf_add_u64(to, (uint64_t)d->when);
    buf_add_u64(to, flag_word(d->flags, d->set));
}

int note_deleted_decode(struct slice facts, struct note_deleted *ret) {
    struct reader r;
    struct note_deleted n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.mailbox = read_u32(&r);
    n.count = read_u32(&r);
    n.items = read_bytes(&r, (size_t)n.count * NOTE_DELETION_SIZE);
    n.rest = r.rest;
    if (r.bad || n.mailbox == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

struct note_deletion note_deleted_at(const struct note_deleted *n, size_t place) {
    MUST(place < n->count);
    const char *at = n->items.ptr + place * NOTE_DELETION_SIZE;
    uint64_t word = get_u64(at + 32);
    return (struct note_deletion){
        .uid = get_u32(at),
        .size = get_u32(at + 4),
        .body = get_u64(at + 8),
        .modseq = get_u64(at + 16),
        .when = (usec_t)get_u64(at + 24),
        .flags = (uint8_t)word,
        .set = (uint32_t)(word >> 8) & STORE_SET_MAX,
    };
}

void note_forget_encode(struct buf *to, const struct note_forget *n) {
    begin(to, n->account);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->uid);
}

int note_forget_decode(struct slice facts, struct note_forget *ret) {
    struct reader r;
    struct note_forget n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.modseq = read_u64(&r);
    n.uid = read_u32(&r);
    if (r.bad)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_property_encode(struct buf *to, const struct note_property *n) {
    begin(to, n->account);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->kind);
    buf_add_u8(to, n->is_set);
    add_text(to, n->name);
    buf_add_u32(to, (uint32_t)n->value.len);
    buf_add(to, n->value);
}

int note_property_decode(struct slice facts, struct note_property *ret) {
    struct reader r;
    struct note_property n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.modseq = read_u64(&r);
    n.mailbox = read_u32(&r);
    n.kind = read_u32(&r);
    uint8_t is_set = read_u8(&r);
    n.name = read_text(&r);
    n.value = read_bytes(&r, read_u32(&r));
    if (r.bad || is_set > 1)
        return -E_CORRUPT;
    n.is_set = is_set;
    *ret = n;
    return 0;
}

void note_gone_encode(struct buf *to, const struct note_gone *n) {
    begin(to, n->account);
    buf_add_u64(to, n->pack);
}

int note_gone_decode(struct slice facts, struct note_gone *ret) {
    struct reader r;
    struct note_gone n;
    int error = open_facts(facts, &r, &n.account);
    if (error)
        return error;
    n.pack = read_u64(&r);
    if (r.bad)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}
