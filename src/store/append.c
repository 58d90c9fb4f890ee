/* SPDX-License-Identifier: ISC */
/*
 * A new message: one record, exactly once under its key (D6). Several at once are one change, so
 * they are in one group: all are stored, or none is.
 *
 * Messages of one account are stored in the order in which they came. What comes before a delivery
 * is one of the account's changes takes its time, more for a large message than for a small one: so
 * each keeps its turn until then. From there on the changes of an account are in order anyway.
 *
 * A key that is being written at the moment waits for the next group, when it is known whether that
 * has worked. How long a key is remembered counts from the storing: the message may have waited for
 * weeks before that.
 */
#include "store/account.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/read.h"
#include "message/scan.h"
#include "store/remove.h"

#define SCAN_AT_ONCE (128U << 10) /* more bytes are scanned in another thread */
#define LARGE        (1U << 20)
#define ROOM_PAUSE   (5 * USEC_MIN)

struct delivery {
    const struct store_delivery *d;
    struct slice parts[STORE_PARTS_MAX + 1];
    struct store_bytes body;
    struct message_scan scan;
    char *file_bytes; /* what was read from the descriptor */
    struct store_delivered result;
};

/* Messages that are stored together: one, or several without keys. */
struct batch {
    struct change change;
    struct delivery *list;
    size_t count;
    uint64_t bytes, file_bytes; /* of all; of them in files */
    struct fiber_turn turn;
};

/* ------------------------------------------------------------------ the bytes */

static int read_file(struct delivery *v) {
    const struct store_delivery *d = v->d;
    v->file_bytes = mem_alloc(d->len);
    int error = read_exactly(d->fd, v->file_bytes, d->len, d->offset);
    v->parts[v->body.count++] = slice_of(v->file_bytes, d->len);
    return error;
}

static void scan_bytes(struct delivery *v) {
    for (size_t i = 0; i < v->body.count; i++) {
        message_scan_feed(&v->scan, v->parts[i]);
        v->body.crc = crc32c(v->body.crc, v->parts[i]);
    }
}

static int gather_all(void *arg) {
    struct batch *b = arg;
    for (size_t i = 0; i < b->count; i++) {
        struct delivery *v = &b->list[i];
        int error = v->d->len > 0 ? read_file(v) : 0;
        if (error)
            return error;
        scan_bytes(v);
    }
    return 0;
}

/* What is there of a message, and how long it will be. */
static int begin_message(struct batch *b, struct delivery *v) {
    const struct store_delivery *d = v->d;
    for (size_t i = 0; i < d->part_count; i++) {
        v->parts[i] = d->parts[i];
        v->body.len += d->parts[i].len;
    }
    v->body.count = d->part_count;
    v->body.parts = v->parts;
    if (d->len > STORE_SIZE_MAX || v->body.len + d->len > STORE_SIZE_MAX)
        return -E_LIMIT;
    v->body.len += d->len;
    b->bytes += v->body.len;
    b->file_bytes += d->len;
    return 0;
}

static int gather(struct batch *b) WAITS {
    bool elsewhere = b->file_bytes > 0 || b->bytes > SCAN_AT_ONCE;
    return elsewhere ? offload(OFFLOAD_DISK, gather_all, b) : gather_all(b);
}

/* ------------------------------------------------------------------ exactly once */

static int prepare_batch(struct store_account *a, struct change *c, struct group *g) WAITS;

static bool has_key(const struct change *c, const void *arg) {
    const struct batch *other = CONTAINER_OF(c, struct batch, change);
    const struct delivery *v = arg;
    return c->prepare == prepare_batch && !other->list->result.already &&
           slice_eq(other->list->d->key, v->d->key);
}

/* 1: it was delivered before. */
static int find_before(struct store_account *a, struct delivery *v) WAITS {
    uint64_t body;
    uint32_t uid;
    if (v->d->key.len == 0)
        return 0;
    int found = a->below->backend->ops->find_key(a->below, v->d->key, &body, &uid);
    if (found == 1)
        v->result = (struct store_delivered){.already = true, .uid = uid, .body = body};
    return found;
}

/* ------------------------------------------------------------------ the record */

static void add_message(struct store_account *a, struct mailbox *m, struct delivery *v,
                        struct slice keywords, bool followed, struct group *g) {
    const struct store_delivery *d = v->d;
    usec_t now = fiber_wall();
    unsigned shape = 0;
    shape |= v->scan.has_dot_line ? STORE_DOT_LINES : 0;
    shape |= v->scan.has_eight_bit ? STORE_EIGHT_BIT : 0;
    shape |= v->scan.has_nul ? STORE_NUL_BYTES : 0;
    shape |= v->scan.ends_line ? 0 : STORE_OPEN_END;
    struct store_entry e = {
        .uid = m->uidnext++,
        .size = (uint32_t)v->body.len,
        .modseq = ++a->given.modseq & STORE_MODSEQ_MAX,
        .flags = d->flags & STORE_FLAGS,
        .body = a->given.body_next++ & STORE_BODY_MAX,
        .date = (uint64_t)(d->arrival ? d->arrival : now) & STORE_MODSEQ_MAX,
        .shape = (uint8_t)shape,
    };
    group_add(g, RECORD_APPEND)->append = (struct record_append){
        .mailbox = m->info.id,
        .mailbox_name = mailbox_name(m),
        .entry = e,
        .keywords = keywords,
        .header_size = (uint32_t)MIN(v->scan.header_size, UINT32_MAX),
        .return_path = d->return_path,
        .key = d->key,
        .stored = now,
        .followed = followed,
        .bytes = v->body,
    };
    g->bytes += v->body.len;
    v->result = (struct store_delivered){.uid = e.uid, .body = e.body, .modseq = e.modseq};
}

/* The text of the delivery's keywords, as the mailbox spells them. */
static int spell_keywords(struct mailbox *m, const struct store_delivery *d, struct group *g,
                          struct slice *ret) WAITS {
    _cleanup_(buf_done) struct buf text = {0};
    int error = d->keyword_count > 0 ? mailbox_keywords(m) : 0;
    if (error || d->keyword_count == 0)
        return error;
    error = keywords_bring(m->content->keywords, d->keywords, d->keyword_count);
    if (error)
        return error;
    keywords_spell(m->content->keywords, d->keywords, d->keyword_count, &text);
    *ret = arena_copy(&g->arena, buf_slice(&text));
    return 0;
}

/* Numbers and records of all, in order. */
static int add_messages(struct store_account *a, struct mailbox *m, struct batch *b,
                        struct group *g) WAITS {
    const struct store_delivery *d = b->list->d;
    if (b->count >= UINT32_MAX - m->uidnext)
        return -E_LIMIT;
    if (d->quota && a->bytes + g->bytes + b->bytes > d->quota)
        return -E_LIMIT;
    for (size_t i = 0; i < b->count; i++) {
        struct slice keywords = {0};
        int error = spell_keywords(m, b->list[i].d, g, &keywords);
        if (error)
            return error;
        add_message(a, m, &b->list[i], keywords, i + 1 < b->count, g);
        (void)fiber_yield_if_long();
    }
    return 0;
}

static int prepare_batch(struct store_account *a, struct change *c, struct group *g) {
    struct batch *b = CONTAINER_OF(c, struct batch, change);
    struct delivery *first = b->list;
    if (first->d->key.len > 0 && group_has(g, has_key, first))
        return CHANGE_LATER;
    int found = find_before(a, first);
    if (found)
        return MIN(found, 0);
    struct mailbox *m = mailbox_find(a, first->d->mailbox);
    if (!m)
        return -E_UNKNOWN;
    if (group_removes(g, m))
        return CHANGE_LATER;
    return add_messages(a, m, b, g);
}

/* What could be brought back gives way; not more often than it can help. */
static void ask_for_room(struct store *s) {
    if (s->asked_for_room && fiber_now() < s->asked_for_room + ROOM_PAUSE)
        return;
    s->asked_for_room = fiber_now();
    s->needs_room = true;
    fiber_cond_wake_all(&s->forgetful);
}

int account_has_room(struct store_account *a, uint64_t bytes) {
    int error = a->below->backend->ops->has_room(a->below, bytes);
    if (error == -ENOSPC && a->store->options.undelete)
        ask_for_room(a->store);
    return error;
}

/* Messages in files wait until there is room for them in memory. */
static int deliver(struct store_account *a, struct batch *b) WAITS {
    struct store *s = a->store;
    struct fiber_gate *gate = b->file_bytes > LARGE ? &s->large
                              : b->file_bytes > 0   ? &s->files
                                                    : NULL;
    int error = gate ? fiber_gate_enter(gate) : 0;
    if (error)
        return error;
    error = account_has_room(a, 0);
    if (!error)
        error = gather(b);
    fiber_turn_pass(&b->turn);
    if (!error)
        error = change_run(a, &b->change);
    if (gate)
        fiber_gate_leave(gate);
    return error;
}

static int begin_batch(struct batch *b, const struct store_delivery *d) {
    for (size_t i = 0; i < b->count; i++) {
        b->list[i].d = &d[i];
        MUST(d[i].part_count <= STORE_PARTS_MAX);
        MUST(b->count == 1 || d[i].key.len == 0);
        MUST(d[i].mailbox == d->mailbox);
        if (d[i].key.len > STORE_KEY_MAX || d[i].return_path.len > STORE_PATH_MAX)
            return -E_LIMIT;
        if (!keywords_are_good(d[i].keywords, d[i].keyword_count))
            return -E_SYNTAX;
        int error = begin_message(b, &b->list[i]);
        if (error)
            return error;
    }
    return b->count > 1 && b->bytes > STORE_TOGETHER_BYTES ? -E_LIMIT : 0;
}

int store_deliver_all(struct store *s, uint64_t account, const struct store_delivery *d,
                      size_t count, struct store_delivered *ret) {
    _cleanup_(store_account_close_p) struct store_account *a = NULL;
    _cleanup_(free_p) struct delivery *list = mem_array(count, sizeof *list);
    struct batch b = {
        .change = {.prepare = prepare_batch, .patient = d->patient},
        .list = list,
        .count = count,
    };
    MUST(count > 0 && count <= STORE_TOGETHER_MAX);
    int error = begin_batch(&b, d);
    if (error)
        return error;
    fiber_turn_take(&s->turns, map_u64(&account), &b, &b.turn);
    error = fiber_turn_wait(&b.turn);
    if (!error)
        error = store_account_open(s, account, &a);
    if (error == -E_UNKNOWN) /* foreign packs: the mailbox is there, and can be put right */
        error = -E_TEMPORARY;
    if (!error)
        error = deliver(a, &b);
    fiber_turn_pass(&b.turn);
    for (size_t i = 0; i < count; i++) {
        free(list[i].file_bytes);
        if (!error)
            ret[i] = list[i].result;
    }
    return error;
}

int store_deliver(struct store *s, uint64_t account, const struct store_delivery *d,
                  struct store_delivered *ret) {
    return store_deliver_all(s, account, d, 1, ret);
}
