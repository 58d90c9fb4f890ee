/* SPDX-License-Identifier: ISC */
/* The backend over accounts that are kept in memory (kept.h). */
#include "store/memory/memory.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/crc32c.h"
#include "base/map.h"
#include "fiber/fiber.h"
#include "store/memory/kept.h"

#define KEY_LIFETIME (10 * USEC_DAY)

struct memory {
    struct map accounts; /* struct kept, by id */
};

struct backend {
    struct store_backend base;
    struct memory_options options;
    struct backend_host host;
    usec_t keys_kept;
};

struct account {
    struct backend_account base;
    uint64_t id;
    struct kept *kept; /* NULL: nothing was committed yet */
};

static struct backend *backend_of(struct store_backend *b) {
    return CONTAINER_OF(b, struct backend, base);
}

static struct kept *kept_of(struct backend_account *a) {
    return CONTAINER_OF(a, struct account, base)->kept;
}

/* ------------------------------------------------------------------ what records do */

static void found_mailbox(void *to, const struct record_mailbox *m) {
    kept_put_mailbox(to, m);
}

/* The first commit of an account: from now on it is one. */
static struct kept *found(struct backend *b, uint64_t id) {
    struct kept *k = NEW(struct kept);
    struct backend_counters counters;
    k->id = id;
    b->host.describe(b->host.arg, id, &counters, found_mailbox, k);
    k->counters = counters;
    (void)map_put(&b->options.memory->accounts, map_u64(&k->id), k);
    return k;
}

static int memory_commit(struct backend_account *base, const struct list *records) {
    struct account *a = CONTAINER_OF(base, struct account, base);
    struct backend *b = backend_of(base->backend);
    int error = b->options.before_commit ? b->options.before_commit(b->options.arg) : 0;
    if (error)
        return error;
    if (!a->kept)
        a->kept = found(b, a->id);
    LIST_EACH (r, records, const struct store_record, link)
        kept_apply(a->kept, r);
    if (b->options.vanished_max > 0)
        kept_forget_vanished(a->kept, b->options.vanished_max);
    return 0;
}

/* ------------------------------------------------------------------ reading */

static int memory_load(struct backend_account *a, uint32_t mailbox, uint32_t above,
                       struct store_entry *entries, size_t size, struct buf *sets,
                       size_t *ret_count) {
    const struct kept *k = kept_of(a);
    const struct mailbox *m = k ? kept_mailbox(k, mailbox) : NULL;
    if (!m)
        return -E_UNKNOWN;
    size_t at = KEPT_PLACE(m->entries, m->count, uid, (uint64_t)above + 1);
    size_t count = MIN(m->count - at, size);
    uint32_t lines = 0;
    for (size_t i = 0; i < count; i++) {
        entries[i] = m->entries[at + i];
        if (kept_body(k, entries[i].body)->entries > 1)
            entries[i].flags |= ENTRY_SHARED;
        if (entries[i].keywords == 0)
            continue;
        buf_add(sets, m->sets[entries[i].keywords - 1]);
        buf_add_byte(sets, '\n');
        entries[i].keywords = ++lines & STORE_SET_MAX;
    }
    *ret_count = count;
    return 0;
}

static int memory_keywords(struct backend_account *a, uint32_t mailbox, struct buf *names) {
    const struct kept *k = kept_of(a);
    const struct mailbox *m = k ? kept_mailbox(k, mailbox) : NULL;
    for (size_t i = 0; m && i < m->count; i++) {
        struct slice set = m->entries[i].keywords ? m->sets[m->entries[i].keywords - 1] : S(""),
                     name;
        while (slice_next(&set, ' ', &name)) {
            struct slice have = buf_slice(names), other;
            bool known = false;
            while (slice_next(&have, ' ', &other))
                known |= slice_eq(name, other);
            if (known)
                continue;
            buf_add(names, name);
            buf_add_byte(names, ' ');
        }
    }
    return m ? 0 : -E_UNKNOWN;
}

static int memory_saved(struct backend_account *a, uint32_t mailbox, const uint32_t *uids,
                        size_t count, uint32_t *saved) {
    const struct kept *k = kept_of(a);
    const struct mailbox *m = k ? kept_mailbox(k, mailbox) : NULL;
    for (size_t i = 0; i < count; i++) {
        size_t at = m ? KEPT_PLACE(m->entries, m->count, uid, uids[i]) : 0;
        saved[i] = m && at < m->count && m->entries[at].uid == uids[i] ? m->saved[at] : 0;
    }
    return 0;
}

static int memory_count_entries(struct backend_account *a, const uint64_t *bodies, size_t count,
                                uint32_t *counts) {
    for (size_t i = 0; i < count; i++) {
        const struct body *b = kept_body(kept_of(a), bodies[i]);
        counts[i] = b ? b->entries : 0;
    }
    return 0;
}

static int by_uid(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int memory_vanished(struct backend_account *a, uint32_t mailbox, uint64_t modseq,
                           struct buf *uids) {
    const struct kept *k = kept_of(a);
    const struct mailbox *m = k ? kept_mailbox(k, mailbox) : NULL;
    if (!m)
        return -E_UNKNOWN;
    if (modseq < m->forgotten)
        return -E_LIMIT;
    size_t first = uids->len;
    for (size_t i = 0; i < m->vanished_count; i++)
        if (m->vanished[i].modseq > modseq)
            buf_add_bytes(uids, &m->vanished[i].uid, sizeof m->vanished[i].uid);
    if (uids->len > first)
        qsort(uids->ptr + first, (uids->len - first) / sizeof(uint32_t), sizeof(uint32_t), by_uid);
    return 0;
}

static int memory_deleted(struct backend_account *a, struct deleted_place behind,
                          struct backend_deleted *list, size_t size, struct buf *texts,
                          size_t *ret_count) {
    const struct kept *k = kept_of(a);
    size_t count = 0;
    for (size_t i = 0; k && i < k->deleted_count && count < size; i++) {
        const struct deleted *d = &k->deleted[i];
        struct deleted_place p = d->about.place;
        if (p.modseq < behind.modseq || (p.modseq == behind.modseq && p.uid <= behind.uid))
            continue;
        const struct body *b = kept_body(k, d->about.body);
        struct backend_deleted one = d->about;
        one.entries = b->entries;
        one.others = b->deleted;
        one.name_at = texts->len;
        one.name_len = d->name.len;
        buf_add(texts, d->name);
        one.keywords_at = texts->len;
        one.keywords_len = d->keywords.len;
        buf_add(texts, d->keywords);
        list[count++] = one;
    }
    *ret_count = count;
    return 0;
}

static int memory_accounts(struct store_backend *b, unsigned part, struct buf *ids) {
    const struct map_entry *e;
    for (size_t at = 0; (e = map_next(&backend_of(b)->options.memory->accounts, &at));) {
        const struct kept *k = e->value;
        if (k->id % BACKEND_PARTS == part)
            buf_add_bytes(ids, &k->id, sizeof k->id);
    }
    return 0;
}

static int memory_property(struct backend_account *a, uint32_t mailbox, uint32_t kind,
                           struct slice name, struct buf *value) {
    const struct kept *k = kept_of(a);
    const struct record_property *p = k ? kept_property(k, mailbox, kind, name) : NULL;
    if (!p || !p->is_set)
        return -E_UNKNOWN;
    buf_add(value, p->value);
    return 0;
}

static int memory_find_key(struct backend_account *a, struct slice key, uint64_t *ret_body,
                           uint32_t *ret_uid) {
    const struct kept *k = kept_of(a);
    usec_t lifetime = backend_of(a->backend)->keys_kept;
    for (size_t i = k ? k->key_count : 0; i-- > 0;) {
        const struct key *one = &k->keys[i];
        if (!slice_eq(one->text, key) || one->stored + lifetime < fiber_wall())
            continue;
        *ret_body = one->body;
        *ret_uid = one->uid;
        return 1;
    }
    return 0;
}

/* The body as it was asked for. */
static int get_body(struct backend_account *a, struct backend_body wanted,
                    const struct body **ret) {
    const struct body *b = kept_of(a) ? kept_body(kept_of(a), wanted.number) : NULL;
    if (!b)
        return -E_UNKNOWN;
    if (b->size != wanted.size || crc32c(0, slice_of(b->bytes, b->size)) != b->crc)
        return -E_CORRUPT;
    *ret = b;
    return 0;
}

static int memory_read(struct backend_account *a, struct backend_body body, uint64_t skip, void *to,
                       size_t len) {
    const struct body *b;
    int error = get_body(a, body, &b);
    if (!error && (skip > b->size || len > b->size - skip))
        error = -E_EOF;
    if (!error && len > 0)
        memcpy(to, b->bytes + skip, len);
    return error;
}

static int memory_delivery_key(struct backend_account *a, uint64_t body, struct buf *key) {
    const struct kept *k = kept_of(a);
    for (size_t i = 0; k && i < k->key_count; i++)
        if (k->keys[i].body == body) {
            buf_add(key, k->keys[i].text);
            break;
        }
    return k && kept_body(k, body) ? 0 : -E_UNKNOWN;
}

static int memory_return_path(struct backend_account *a, uint64_t body, struct buf *path) {
    const struct body *b = kept_of(a) ? kept_body(kept_of(a), body) : NULL;
    if (b)
        buf_add(path, b->return_path);
    return b ? 0 : -E_UNKNOWN;
}

static int memory_read_many(struct backend_account *a, const struct backend_body *bodies,
                            size_t count, size_t most, struct buf *to,
                            struct store_piece *ret_pieces) {
    size_t done = 0, begin = to->len;
    for (; done < count; done++) {
        const struct body *b;
        int error = get_body(a, bodies[done], &b);
        if (error && done == 0)
            return error;
        if (error || (done > 0 && to->len - begin + b->size > most))
            break;
        ret_pieces[done] = (struct store_piece){to->len, b->size};
        buf_add_bytes(to, b->bytes, b->size);
    }
    return (int)done;
}

static int memory_get(struct backend_account *a, struct backend_body body,
                      struct backend_file *ret) {
    (void)a, (void)body, (void)ret;
    return -ENOTSUP;
}

static void memory_put(struct backend_account *a, struct backend_file *f) {
    (void)a, (void)f;
}

/* None are kept. */
static size_t memory_maps(struct backend_account *a, const struct backend_mapped *list,
                          size_t count, size_t most, struct buf *to,
                          struct store_piece *ret_pieces) {
    (void)a, (void)list, (void)most, (void)to;
    memset(ret_pieces, 0, count * sizeof *ret_pieces);
    return count;
}

static void memory_keep_maps(struct backend_account *a, const struct backend_mapped *list,
                             size_t count, struct slice bytes, const struct store_piece *pieces) {
    (void)a, (void)list, (void)count, (void)bytes, (void)pieces;
}

static bool memory_wants_maps(const struct backend_account *a, bool expected) {
    (void)a, (void)expected;
    return false;
}

/* ------------------------------------------------------------------ bodies by their numbers */

static struct store_body about_body(const struct body *b) {
    return (struct store_body){b->number, b->size, b->crc};
}

static int memory_bodies(struct backend_account *a, uint64_t above, struct store_body *list,
                         size_t size, size_t *ret_count) {
    const struct kept *k = kept_of(a);
    size_t at = k ? KEPT_PLACE(k->bodies, k->body_count, number, above + 1) : 0, count = 0;
    for (; k && at < k->body_count && count < size; at++)
        list[count++] = about_body(&k->bodies[at]);
    *ret_count = count;
    return 0;
}

static int memory_newest_body(struct backend_account *a, uint64_t up_to, struct store_body *ret) {
    const struct kept *k = kept_of(a);
    size_t at = k ? KEPT_PLACE(k->bodies, k->body_count, number, up_to + 1) : 0;
    if (at == 0)
        return -E_UNKNOWN;
    *ret = about_body(&k->bodies[at - 1]);
    return 0;
}

static int memory_count_bodies(struct backend_account *a, uint64_t up_to, uint64_t *ret_count,
                               uint64_t *ret_above) {
    const struct kept *k = kept_of(a);
    *ret_count = k ? KEPT_PLACE(k->bodies, k->body_count, number, up_to + 1) : 0;
    *ret_above = k ? k->body_count - *ret_count : 0;
    return 0;
}

/* There are no files, and so no index. */
static const char *memory_index_path(struct backend_account *a) {
    (void)a;
    return NULL;
}

static bool memory_has_index(const struct backend_account *a) {
    (void)a;
    return false;
}

static void memory_note_index(struct backend_account *a, bool there) {
    (void)a, (void)there;
}

/* ------------------------------------------------------------------ accounts */

static int memory_look(struct store_backend *b, uint64_t id) {
    return map_get(&backend_of(b)->options.memory->accounts, map_u64(&id)) ? 0 : -ENOENT;
}

static int memory_account_open(struct store_backend *b, uint64_t id,
                               const struct backend_sink *sink, struct backend_state *ret_state,
                               struct backend_account **ret) {
    struct account *a = NEW(struct account);
    a->base.backend = b;
    a->id = id;
    a->kept = map_get(&backend_of(b)->options.memory->accounts, map_u64(&id));
    *ret_state = (struct backend_state){.is_new = !a->kept};
    if (a->kept) {
        const struct kept *k = a->kept;
        ret_state->counters = k->counters;
        ret_state->messages = k->messages;
        ret_state->deleted_bytes = k->deleted_bytes;
        ret_state->deleted_count = k->deleted_count;
        ret_state->bytes = k->bytes;
        for (size_t i = 0; i < k->mailbox_count; i++)
            sink->mailbox(sink->arg, &k->mailboxes[i].about);
        for (size_t i = 0; i < k->property_count; i++) {
            struct record_property p = k->properties[i];
            if (p.size > RECORD_VALUE_SMALL)
                p.value = (struct slice){0};
            sink->property(sink->arg, &p);
        }
    }
    *ret = &a->base;
    return 0;
}

static int memory_account_close(struct backend_account *a, bool forced) {
    (void)forced;
    free(CONTAINER_OF(a, struct account, base));
    return 0;
}

static int memory_purge(struct store_backend *b, uint64_t id) {
    struct kept *k = map_remove(&backend_of(b)->options.memory->accounts, map_u64(&id));
    if (k)
        kept_free(k);
    return 0;
}

/* ------------------------------------------------------------------ the backend */

static void memory_close(struct store_backend *b) {
    free(backend_of(b));
}

static void memory_stats(const struct store_backend *b, struct backend_stats *ret) {
    (void)b;
    *ret = (struct backend_stats){0};
}

static void memory_usage(const struct backend_account *a, struct backend_usage *ret) {
    const struct kept *k = CONTAINER_OF(a, const struct account, base)->kept;
    ret->disk = k ? k->bytes + k->deleted_bytes : 0;
}

static int memory_compact(struct backend_account *a) {
    (void)a;
    return 0;
}

static void memory_keep_up(struct backend_account *a) {
    (void)a;
}

static int memory_has_room(struct backend_account *a, uint64_t bytes) {
    (void)a, (void)bytes;
    return 0;
}

static int memory_scratch(struct backend_account *a, int *ret_file) {
    (void)a;
    int file = memfd_create("scratch", MFD_CLOEXEC);
    if (file < 0)
        return -errno;
    *ret_file = file;
    return 0;
}

static uint64_t memory_free_bytes(struct store_backend *b) {
    (void)b;
    return UINT64_MAX;
}

static void memory_set_min_free(struct store_backend *b, uint64_t bytes) {
    (void)b, (void)bytes;
}

static void memory_keep_keys(struct store_backend *b, usec_t lifetime) {
    backend_of(b)->keys_kept = MAX(backend_of(b)->options.key_lifetime, lifetime);
}

static const struct backend_ops ops = {
    .name = "memory",
    .close = memory_close,
    .stats = memory_stats,
    .look = memory_look,
    .account_open = memory_account_open,
    .account_close = memory_account_close,
    .purge = memory_purge,
    .commit = memory_commit,
    .load = memory_load,
    .keywords = memory_keywords,
    .saved = memory_saved,
    .count_entries = memory_count_entries,
    .vanished = memory_vanished,
    .property = memory_property,
    .deleted = memory_deleted,
    .accounts = memory_accounts,
    .find_key = memory_find_key,
    .read = memory_read,
    .return_path = memory_return_path,
    .delivery_key = memory_delivery_key,
    .read_many = memory_read_many,
    .get = memory_get,
    .put = memory_put,
    .maps = memory_maps,
    .keep_maps = memory_keep_maps,
    .wants_maps = memory_wants_maps,
    .bodies = memory_bodies,
    .newest_body = memory_newest_body,
    .count_bodies = memory_count_bodies,
    .index_path = memory_index_path,
    .has_index = memory_has_index,
    .note_index = memory_note_index,
    .usage = memory_usage,
    .compact = memory_compact,
    .free_bytes = memory_free_bytes,
    .has_room = memory_has_room,
    .keep_up = memory_keep_up,
    .scratch = memory_scratch,
    .set_min_free = memory_set_min_free,
    .keep_keys = memory_keep_keys,
};

int memory_open(const void *options, const struct backend_host *host, struct store_backend **ret,
                struct problem *problem) {
    (void)problem;
    struct backend *b = NEW(struct backend);
    b->base.ops = &ops;
    b->options = *(const struct memory_options *)options;
    b->options.key_lifetime = b->options.key_lifetime ? b->options.key_lifetime : KEY_LIFETIME;
    b->keys_kept = b->options.key_lifetime;
    b->host = *host;
    *ret = &b->base;
    return 0;
}

struct memory *memory_new(void) {
    return NEW(struct memory);
}

struct memory *memory_copy(const struct memory *m) {
    struct memory *copy = memory_new();
    const struct map_entry *e;
    for (size_t at = 0; (e = map_next(&m->accounts, &at));) {
        struct kept *k = kept_copy(e->value);
        (void)map_put(&copy->accounts, map_u64(&k->id), k);
    }
    return copy;
}

void memory_free(struct memory *m) {
    if (!m)
        return;
    const struct map_entry *e;
    for (size_t at = 0; (e = map_next(&m->accounts, &at));)
        kept_free(e->value);
    map_done(&m->accounts);
    free(m);
}
