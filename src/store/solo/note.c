/* SPDX-License-Identifier: ISC */
/*
 * The facts of the account store's records, see note.h. The layouts are final: they may only grow
 * at their end.
 */
#include "store/solo/note_facts.h"

void note_account_encode(struct buf *to, const struct note_account *n) {
    note_begin(to, n->account);
    buf_add_u64(to, (uint64_t)n->born);
    buf_add_u64(to, n->modseq);
    buf_add_u64(to, n->message_next);
    buf_add_u32(to, n->mailbox_next);
    buf_add_u32(to, (uint32_t)(n->seals.len / NOTE_SEAL_SIZE));
    buf_add(to, n->seals);
    buf_add_u64(to, n->forgotten.modseq);
    buf_add_u32(to, n->forgotten.uid);
    buf_add_u32(to, n->mailboxes);
}

void note_seal_encode(struct buf *to, struct note_seal seal) {
    buf_add_u64(to, seal.pack);
    buf_add_u64(to, seal.end);
}

int note_account_decode(struct slice facts, struct note_account *ret) {
    struct reader r;
    struct note_account n;
    int error = note_open(facts, &r, &n.account);
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
    n.mailboxes = r.rest.len > 0 ? read_u32(&r) : NOTE_UNCOUNTED;
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
    note_begin(to, n->account);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->parent);
    buf_add_u32(to, n->uidvalidity);
    buf_add_u32(to, n->uidnext);
    buf_add_u32(to, n->role);
    buf_add_u64(to, n->modseq);
    note_add_text(to, n->name);
}

int note_mailbox_decode(struct slice facts, struct note_mailbox *ret) {
    struct reader r;
    struct note_mailbox n;
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.mailbox = read_u32(&r);
    n.parent = read_u32(&r);
    n.uidvalidity = read_u32(&r);
    n.uidnext = read_u32(&r);
    n.role = read_u32(&r);
    n.modseq = read_u64(&r);
    n.name = note_read_text(&r);
    if (r.bad || n.mailbox == 0 || n.uidvalidity == 0 || n.uidnext == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_message_encode(struct buf *to, const struct note_message *n) {
    note_begin(to, n->account);
    buf_add_u64(to, n->message);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->uid);
    buf_add_u64(to, n->flags);
    buf_add_u64(to, (uint64_t)n->arrival);
    buf_add_u32(to, n->header_size);
    buf_add_u32(to, n->shape);
    note_add_text(to, n->mailbox_name);
    note_add_text(to, n->return_path);
    note_add_text(to, n->key);
    buf_add_u64(to, (uint64_t)n->stored);
    note_sets_encode(to, n->keywords);
}

int note_message_decode(struct slice facts, struct note_message *ret) {
    struct reader r;
    struct note_message n;
    int error = note_open(facts, &r, &n.account);
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
    n.mailbox_name = note_read_text(&r);
    n.return_path = note_read_text(&r);
    n.key = note_read_text(&r);
    n.stored = r.rest.len > 0 ? (usec_t)read_u64(&r) : n.arrival;
    n.keywords = note_sets_decode(r.rest);
    if (r.bad || n.mailbox == 0 || n.uid == 0 || n.message == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_body_encode(struct buf *to, const struct note_body *n) {
    note_begin(to, n->account);
    buf_add_u64(to, n->message);
    buf_add_u64(to, (uint64_t)n->arrival);
    buf_add_u32(to, n->header_size);
    buf_add_u32(to, n->shape);
    note_add_text(to, n->return_path);
}

int note_body_decode(struct slice facts, struct note_body *ret) {
    struct reader r;
    struct note_body n = {0};
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.message = read_u64(&r);
    n.arrival = (usec_t)read_u64(&r);
    n.header_size = read_u32(&r);
    n.shape = read_u32(&r);
    if (r.rest.len > 0)
        n.return_path = note_read_text(&r);
    if (r.bad || n.message == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_key_encode(struct buf *to, const struct note_key *n) {
    note_begin(to, n->account);
    buf_add_u64(to, n->message);
    buf_add_u64(to, (uint64_t)n->stored);
    note_add_text(to, n->key);
}

int note_key_decode(struct slice facts, struct note_key *ret) {
    struct reader r;
    struct note_key n;
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.message = read_u64(&r);
    n.stored = (usec_t)read_u64(&r);
    n.key = note_read_text(&r);
    if (r.bad || n.key.len == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_remove_encode(struct buf *to, const struct note_remove *n) {
    note_begin(to, n->account);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->mailbox);
    buf_add_u64(to, (uint64_t)n->when);
    note_add_text(to, n->name);
}

int note_remove_decode(struct slice facts, struct note_remove *ret) {
    struct reader r;
    struct note_remove n;
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.modseq = read_u64(&r);
    n.mailbox = read_u32(&r);
    n.when = (usec_t)read_u64(&r);
    n.name = note_read_text(&r);
    if (r.bad || n.mailbox == 0)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_forget_encode(struct buf *to, const struct note_forget *n) {
    note_begin(to, n->account);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->uid);
}

int note_forget_decode(struct slice facts, struct note_forget *ret) {
    struct reader r;
    struct note_forget n;
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.modseq = read_u64(&r);
    n.uid = read_u32(&r);
    if (r.bad)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}

void note_together_encode(struct buf *to, uint64_t account) {
    note_begin(to, account);
}

void note_together_add(struct buf *to, enum note_type type, struct slice facts) {
    buf_add_u8(to, (uint8_t)type);
    buf_add_u32(to, (uint32_t)facts.len);
    buf_add(to, facts);
}

int note_together_decode(struct slice facts, struct note_together *ret) {
    struct reader r;
    int error = note_open(facts, &r, &ret->account);
    if (!error)
        ret->rest = r.rest;
    return error;
}

int note_together_next(struct note_together *n, enum note_type *ret_type, struct slice *ret_facts) {
    struct reader r = {.rest = n->rest};
    if (r.rest.len == 0)
        return 0;
    enum note_type type = read_u8(&r);
    struct slice facts = read_bytes(&r, read_u32(&r));
    if (r.bad)
        return -E_CORRUPT;
    if (type != NOTE_MAILBOX && type != NOTE_PROPERTY)
        return -E_VERSION;
    n->rest = r.rest;
    *ret_type = type;
    *ret_facts = facts;
    return 1;
}

void note_property_encode(struct buf *to, const struct note_property *n) {
    note_begin(to, n->account);
    buf_add_u64(to, n->modseq);
    buf_add_u32(to, n->mailbox);
    buf_add_u32(to, n->kind);
    buf_add_u8(to, n->is_set);
    note_add_text(to, n->name);
    buf_add_u32(to, (uint32_t)n->value.len);
    buf_add(to, n->value);
}

int note_property_decode(struct slice facts, struct note_property *ret) {
    struct reader r;
    struct note_property n;
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.modseq = read_u64(&r);
    n.mailbox = read_u32(&r);
    n.kind = read_u32(&r);
    uint8_t is_set = read_u8(&r);
    n.name = note_read_text(&r);
    n.value = read_bytes(&r, read_u32(&r));
    if (r.bad || is_set > 1)
        return -E_CORRUPT;
    n.is_set = is_set;
    *ret = n;
    return 0;
}

void note_gone_encode(struct buf *to, const struct note_gone *n) {
    note_begin(to, n->account);
    buf_add_u64(to, n->pack);
}

int note_gone_decode(struct slice facts, struct note_gone *ret) {
    struct reader r;
    struct note_gone n;
    int error = note_open(facts, &r, &n.account);
    if (error)
        return error;
    n.pack = read_u64(&r);
    if (r.bad)
        return -E_CORRUPT;
    *ret = n;
    return 0;
}
