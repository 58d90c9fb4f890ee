/* SPDX-License-Identifier: ISC */
/*
 * Delivery: one message becomes one record, exactly once under its key (D6).
 *
 * Messages of one account are stored in the order in which they came. What comes before a delivery
 * is one of the account's changes takes its time, more for a large message than for a small one: so
 * each keeps its turn until then. From there on the changes of an account are in order anyway.
 *
 * A key that is in no set in memory is surely new. One that seems known is compared with the
 * records not yet in the database, then with the database; one that is being written at the moment
 * waits for the next group, when its disposition is known. How long a key is remembered counts from
 * the storing: the message may have waited for weeks before that.
 */
#include "store/account.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "message/scan.h"

#define SCAN_AT_ONCE  (128U << 10) /* more bytes are scanned in another thread */
#define LARGE         (1U << 20)
#define PENDING_MAX   50000U /* records that mail.db may trail when it cannot be written */
#define SPACE_CHECKED (250 * USEC_MS)

struct delivery {
    struct change change;
    const struct store_delivery *d;
    struct slice parts[STORE_PARTS_MAX + 1];
    struct body body;
    struct message_scan scan;
    char *file_bytes; /* what was read from the descriptor */
    uint64_t hash;    /* of the key; 0: no key */
    struct fiber_turn turn;
    struct store_delivered result;
};

/* ------------------------------------------------------------------ the bytes */

static int read_file(void *arg) {
    struct delivery *v = arg;
    const struct store_delivery *d = v->d;
    for (uint64_t done = 0; done < d->len;) {
        ssize_t n = pread(d->fd, v->file_bytes + done, d->len - done, (off_t)(d->offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -E_EOF;
        done += (uint64_t)n;
    }
    return 0;
}

static int scan_bytes(void *arg) {
    struct delivery *v = arg;
    for (size_t i = 0; i < v->body.count; i++) {
        message_scan_feed(&v->scan, v->parts[i]);
        v->body.crc = crc32c(v->body.crc, v->parts[i]);
    }
    return 0;
}

static uint32_t shape_of(const struct message_scan *scan) {
    uint32_t shape = 0;
    shape |= scan->has_dot_line ? STORE_DOT_LINES : 0;
    shape |= scan->has_eight_bit ? STORE_EIGHT_BIT : 0;
    shape |= scan->has_nul ? STORE_NUL_BYTES : 0;
    shape |= scan->ends_line ? 0 : STORE_OPEN_END;
    return shape;
}

static int gather(struct delivery *v) {
    const struct store_delivery *d = v->d;
    for (size_t i = 0; i < d->part_count; i++) {
        v->parts[i] = d->parts[i];
        v->body.len += d->parts[i].len;
    }
    v->body.count = d->part_count;
    v->body.parts = v->parts;
    if (d->len > PACK_BODY_MAX || v->body.len + d->len > PACK_BODY_MAX)
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

/* ------------------------------------------------------------------ room on the disk */

struct space_job {
    const char *dir;
    uint64_t free;
};

static int check_space(void *arg) {
    struct space_job *j = arg;
    struct statvfs v;
    if (statvfs(j->dir, &v) < 0)
        return -errno;
    j->free = (uint64_t)v.f_bavail * v.f_frsize;
    return 0;
}

/* D4: says no before it is too late. Removing messages and compaction still have room then. */
static int need_space(struct store *s) {
    bool stale = !s->space_checked || fiber_now() >= s->space_checked + SPACE_CHECKED;
    if (s->options.min_free > 1 && stale) {
        struct space_job j = {.dir = s->dir};
        s->space_checked = fiber_now();
        if (offload(OFFLOAD_DISK, check_space, &j) == 0)
            s->space_low = j.free < s->options.min_free;
    }
    return s->space_low ? -ENOSPC : 0;
}

/* ------------------------------------------------------------------ exactly once */

static bool find_pending(const struct store_account *a, struct slice key,
                         struct store_delivered *ret) {
    for (struct link *k = a->pending.head.prev; k != &a->pending.head; k = k->prev) {
        const struct log_record *r = CONTAINER_OF(k, struct log_record, link);
        struct note_message n;
        if (r->type != NOTE_MESSAGE || note_message_decode(log_record_facts(r), &n) < 0 ||
            !slice_eq(n.key, key))
            continue;
        *ret = (struct store_delivered){true, n.uid, n.message, n.modseq};
        return true;
    }
    return false;
}

struct find_job {
    struct index *index;
    struct slice key;
    struct store_delivered found;
};

static int run_find(void *arg) {
    struct find_job *j = arg;
    return index_find_key(j->index, j->key, &j->found.message);
}

/* 1: was delivered, 0: was not, or negative. */
static int find_delivered(struct store_account *a, struct slice key, struct store_delivered *ret) {
    int error = files_lock(a); /* before looking at what is pending: it moves into the database */
    if (error)
        return error;
    struct find_job j = {.index = a->index, .key = key, .found.already = true};
    bool pending = find_pending(a, key, ret);
    error = pending ? 0 : offload(OFFLOAD_DISK, run_find, &j);
    files_unlock(a, error);
    if (error == -E_UNKNOWN)
        return 0;
    if (!error && !pending)
        *ret = j.found;
    return error ? error : 1;
}

static int prepare_delivery(struct store_account *a, struct change *c, struct group *g);

static bool has_key(const struct change *c, const void *arg) {
    const struct delivery *other = CONTAINER_OF(c, struct delivery, change), *v = arg;
    return c->prepare == prepare_delivery && !other->result.already &&
           slice_eq(other->d->key, v->d->key);
}

/* ------------------------------------------------------------------ the record */

static uint64_t bytes_held(const struct store_account *a) {
    struct store_usage u;
    store_account_usage(a, &u);
    return u.bytes;
}

static void add_message(struct store_account *a, struct box *b, struct delivery *v,
                        struct group *g) {
    const struct store_delivery *d = v->d;
    usec_t now = fiber_wall();
    struct note_message n = {
        .account = a->id,
        .message = a->message_next++,
        .modseq = ++a->modseq,
        .mailbox = b->info.id,
        .uid = b->info.uidnext++,
        .flags = d->flags,
        .arrival = d->arrival ? d->arrival : now,
        .header_size = (uint32_t)MIN(v->scan.header_size, UINT32_MAX),
        .shape = shape_of(&v->scan),
        .mailbox_name = b->info.name,
        .return_path = d->return_path,
        .key = d->key,
        .stored = now,
    };
    struct buf *facts = group_scratch(g);
    note_message_encode(facts, &n);
    group_add(g, NOTE_MESSAGE, 0, buf_slice(facts), &v->body);
    v->result = (struct store_delivered){.uid = n.uid, .message = n.message, .modseq = n.modseq};
}

static int prepare_delivery(struct store_account *a, struct change *c, struct group *g) {
    struct delivery *v = CONTAINER_OF(c, struct delivery, change);
    if (v->hash && group_has(g, has_key, v))
        return CHANGE_LATER;
    if (v->hash && key_set_has(&a->keys, v->hash)) {
        int found = find_delivered(a, v->d->key, &v->result);
        if (found)
            return MIN(found, 0);
    }
    struct box *b = box_find(a, v->d->mailbox);
    if (!b)
        return -E_UNKNOWN;
    if (b->info.uidnext == UINT32_MAX)
        return -E_LIMIT;
    if (v->d->quota && bytes_held(a) + group_messages(g) + v->body.len > v->d->quota)
        return -E_LIMIT;
    add_message(a, b, v, g);
    return 0;
}

static int deliver(struct store_account *a, struct delivery *v) {
    int error = need_space(a->store);
    if (!error && a->pending_count > PENDING_MAX)
        error = -E_TEMPORARY;
    if (!error && v->hash)
        error = keys_load(a);
    if (!error)
        error = gather(v);
    fiber_turn_pass(&v->turn);
    return error ? error : change_run(a, &v->change);
}

/* With room for a large message in memory. */
static int deliver_gated(struct store_account *a, struct delivery *v) {
    bool large = v->d->len > LARGE;
    int error = large ? fiber_gate_enter(&a->store->large) : 0;
    if (error)
        return error;
    error = deliver(a, v);
    if (large)
        fiber_gate_leave(&a->store->large);
    free(v->file_bytes);
    return error;
}

int store_deliver(struct store *s, uint64_t account, const struct store_delivery *d,
                  struct store_delivered *ret) {
    _cleanup_(store_account_close_p) struct store_account *a = NULL;
    MUST(d->part_count <= STORE_PARTS_MAX);
    if (d->key.len > STORE_KEY_MAX || d->return_path.len > STORE_PATH_MAX)
        return -E_LIMIT;
    struct delivery v = {
        .change = {.prepare = prepare_delivery, .patient = d->patient},
        .d = d,
        .hash = d->key.len ? key_hash(d->key) : 0,
    };
    fiber_turn_take(&s->turns, map_u64(&account), &v, &v.turn);
    int error = fiber_turn_wait(&v.turn);
    if (!error)
        error = store_account_open(s, account, &a);
    if (error == -E_UNKNOWN) /* foreign packs: the mailbox is there, and can be put right */
        error = -E_TEMPORARY;
    if (!error)
        error = deliver_gated(a, &v);
    fiber_turn_pass(&v.turn);
    if (!error)
        *ret = v.result;
    return error;
}
