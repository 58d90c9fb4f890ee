/* SPDX-License-Identifier: ISC */
/*
 * Facts of records that have many items: entries, changes of entries, removed entries, and the sets
 * of keywords to which they point by line. An item has a fixed size, so each is found by its place.
 */
#include "store/solo/note_facts.h"

/* Flags and the number of a set in one word. */
static uint64_t flag_word(uint8_t flags, uint32_t set) {
    return (uint64_t)set << 8 | flags;
}

static size_t change_size(enum note_type type) {
    return type == NOTE_FLAGS ? 12 : 4;
}

void note_changes_encode(struct buf *to, const struct note_changes *n) {
    note_begin(to, n->account);
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
    int error = note_open(facts, &r, &n.account);
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
    note_begin(to, n->account);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->count);
    note_add_text(to, n->mailbox_name);
    buf_add(to, n->items);
}

void note_entry_encode(struct buf *to, const struct note_entry *e) {
    buf_add_u32(to, e->uid);
    buf_add_u32(to, e->size);
    buf_add_u64(to, e->body);
    buf_add_u64(to, e->modseq);
    buf_add_u64(to, flag_word(e->flags, e->set) | (uint64_t)e->saved << 32);
}

int note_entries_decode(struct slice facts, struct note_entries *ret) {
    struct reader r;
    struct note_entries n;
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.mailbox = read_u32(&r);
    n.count = read_u32(&r);
    n.mailbox_name = note_read_text(&r);
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
        .saved = (uint32_t)(word >> 32),
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

void note_when_encode(struct buf *to, usec_t when) {
    buf_add_u64(to, (uint64_t)when);
}

void note_deleted_encode(struct buf *to, const struct note_deleted *n) {
    note_begin(to, n->account);
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
    int error = note_open(facts, &r, &n.account);
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
