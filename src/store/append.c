/* SPDX-License-Identifier: ISC */
/*
 * A new message: one record, exactly once under its key (D6).
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
    struct change change;
    const struct store_delivery *d;
    struct slice parts[STORE_PARTS_MAX + 1];
    struct store_bytes body;
    struct message_scan scan;
    char *file_bytes; /* what was read from the descriptor */
    struct fiber_turn turn;
    struct store_delivered result;
};

/* ------------------------------------------------------------------ the bytes */

static int read_file(void *arg) {
    struct delivery *v = arg;
    return read_exactly(v->d->fd, v->file_bytes, v->d->len, v->d->offset);
}

static int scan_bytes(void *arg) {
    struct delivery *v = arg;
    for (size_t i = 0; i < v->body.count; i++) {
        message_scan_feed(&v->scan, v->parts[i]);
        v->body.crc = crc32c(v->body.crc, v->parts[i]);
    }
    return 0;
}

static int gather(struct delivery *v) WAITS {
    const struct store_delivery *d = v->d;
    for (size_t i = 0; i < d->part_count; i++) {
        v->parts[i] = d->parts[i];
        v->body.len += d->parts[i].len;
    }
    v->body.count = d->part_count;
    v->body.parts = v->parts;
    if (d->len > STORE_SIZE_MAX || v->body.len + d->len > STORE_SIZE_MAX)
        return -E_LIMIT;
    if (d->len > 0) {
        v->file_bytes = mem_alloc(d->len);
        int error = offload(OFFLOAD_DISK, read_file, v);
        if (error)
            return error;
        v->parts[v->body.count++] = slice_of(v->file_bytes, d->len);
        v->body.len += d->len;
    }
    return v->body.len > SCAN_AT_ONCE ? offload(OFFLOAD_DISK, scan_bytes, v) : scan_bytes(v);
}

/* ------------------------------------------------------------------ exactly once */

static int prepare_delivery(struct store_account *a, struct change *c, struct group *g) WAITS;

static bool has_key(const struct change *c, const void *arg) {
    const struct delivery *other = CONTAINER_OF(c, struct delivery, change), *v = arg;
    return c->prepare == prepare_delivery && !other->result.already &&
           slice_eq(other->d->key, v->d->key);
}

/* ------------------------------------------------------------------ the record */

static void add_message(struct store_account *a, struct mailbox *m, struct delivery *v,
                        struct slice keywords, struct group *g) {
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
        .mailbox_name = m->info.name,
        .entry = e,
        .keywords = keywords,
        .header_size = (uint32_t)MIN(v->scan.header_size, UINT32_MAX),
        .return_path = d->return_path,
        .key = d->key,
        .stored = now,
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
    if (!error)
        error = keywords_bring(m->keywords, d->keywords, d->keyword_count);
    if (error || d->keyword_count == 0)
        return error;
    keywords_spell(m->keywords, d->keywords, d->keyword_count, &text);
    *ret = arena_copy(&g->arena, buf_slice(&text));
    return 0;
}

static int prepare_delivery(struct store_account *a, struct change *c, struct group *g) {
    struct delivery *v = CONTAINER_OF(c, struct delivery, change);
    if (v->d->key.len > 0) {
        if (group_has(g, has_key, v))
            return CHANGE_LATER;
        uint64_t body;
        uint32_t uid;
        int found = a->below->backend->ops->find_key(a->below, v->d->key, &body, &uid);
        if (found == 1) /* it was delivered before */
            v->result = (struct store_delivered){.already = true, .uid = uid, .body = body};
        if (found)
            return MIN(found, 0);
    }
    struct mailbox *m = mailbox_find(a, v->d->mailbox);
    if (!m)
        return -E_UNKNOWN;
    if (group_removes(g, m))
        return CHANGE_LATER;
    if (m->uidnext == UINT32_MAX)
        return -E_LIMIT;
    if (v->d->quota && a->bytes + g->bytes + v->body.len > v->d->quota)
        return -E_LIMIT;
    struct slice keywords = {0};
    int error = spell_keywords(m, v->d, g, &keywords);
    if (!error)
        add_message(a, m, v, keywords, g);
    return error;
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
static int deliver(struct store_account *a, struct delivery *v) WAITS {
    struct store *s = a->store;
    struct fiber_gate *gate = v->d->len > LARGE ? &s->large : v->d->len > 0 ? &s->files : NULL;
    int error = gate ? fiber_gate_enter(gate) : 0;
    if (error)
        return error;
    error = account_has_room(a, 0);
    if (!error)
        error = gather(v);
    fiber_turn_pass(&v->turn);
    if (!error)
        error = change_run(a, &v->change);
    if (gate)
        fiber_gate_leave(gate);
    free(v->file_bytes);
    return error;
}

int store_deliver(struct store *s, uint64_t account, const struct store_delivery *d,
                  struct store_delivered *ret) {
    _cleanup_(store_account_close_p) struct store_account *a = NULL;
    MUST(d->part_count <= STORE_PARTS_MAX);
    if (d->key.len > STORE_KEY_MAX || d->return_path.len > STORE_PATH_MAX)
        return -E_LIMIT;
    if (!keywords_are_good(d->keywords, d->keyword_count))
        return -E_SYNTAX;
    struct delivery v = {
        .change = {.prepare = prepare_delivery, .patient = d->patient},
        .d = d,
    };
    fiber_turn_take(&s->turns, map_u64(&account), &v, &v.turn);
    int error = fiber_turn_wait(&v.turn);
    if (!error)
        error = store_account_open(s, account, &a);
    if (error == -E_UNKNOWN) /* foreign packs: the mailbox is there, and can be put right */
        error = -E_TEMPORARY;
    if (!error)
        error = deliver(a, &v);
    fiber_turn_pass(&v.turn);
    if (!error)
        *ret = v.result;
    return error;
}
