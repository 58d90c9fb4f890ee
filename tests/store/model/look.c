/* SPDX-License-Identifier: ISC */
#include "look.h"

#include <inttypes.h>
#include <stdio.h>

#include "disk.h"
#include "message/map/map.h"
#include "store/rights.h"
#include "store/undelete.h"

void look_vary(struct world *w, struct rng *rng) {
    static const uint64_t pack_sizes[] = {900, 20000, 400000, 0};
    static const uint64_t compact_sizes[] = {300, 10000, 0};
    static const uint64_t memories[] = {1, 20000, 100000, 0};
    static const unsigned counts[] = {1, 2, 5, 0};
    w->solo.pack_size = pack_sizes[rng_below(rng, 4)];
    w->solo.compact_size = compact_sizes[rng_below(rng, 3)];
    w->solo.take_in_count = counts[rng_below(rng, 4)];
    w->solo.max_handles = counts[rng_below(rng, 4)];
    w->solo.idle_files = (usec_t)(1 + rng_below(rng, 50)) * USEC_MS;
    w->solo.io = &slow_disk_io;
    w->options.writers = counts[rng_below(rng, 4)];
    w->options.memory = memories[rng_below(rng, 4)];
}

static const char *const KEYWORDS[2][LOOK_KEYWORDS] = {
    {"$junk", "a", "b", "label1", "forwarded", "work-1"},
    {"$JUNK", "A", "B", "Label1", "FORWARDED", "Work-1"}};

size_t look_names(uint64_t word, bool large, struct slice names[static LOOK_KEYWORDS]) {
    size_t count = 0;
    for (unsigned i = 0; i < LOOK_KEYWORDS; i++)
        if (word & 1U << (8 + i))
            names[count++] = slice_of_str(KEYWORDS[large][i]);
    return count;
}

uint64_t look_bits(struct slice names) {
    uint64_t word = 0;
    struct slice name;
    while (names.len > 0 && slice_next(&names, ' ', &name)) {
        uint64_t bit = 0;
        for (unsigned i = 0; i < LOOK_KEYWORDS; i++)
            if (slice_eq_nocase(name, slice_of_str(KEYWORDS[0][i])))
                bit = 1U << (8 + i);
        assert_true(bit != 0 && !(word & bit)); /* each once */
        word |= bit;
    }
    return word;
}

struct look {
    struct store_account *account;
    struct store_view *view;
    struct picture picture;
};

static void draw(const struct look *l, struct picture *p) {
    struct store_view_info info;
    store_view_info(l->view, &info);
    assert_true(info.count <= MODEL_ENTRIES);
    p->id = info.mailbox;
    p->uidvalidity = info.uidvalidity;
    p->uidnext = info.uidnext;
    p->modseq = info.modseq;
    p->count = info.count;
    uint64_t bytes = 0;
    for (size_t i = 0; i < info.count; i++) {
        struct store_message m;
        store_view_at(l->view, i, &m);
        struct model_entry *e = &p->entries[i];
        struct buf names = {0};
        store_view_keywords(l->view, &m, &names);
        uint64_t word = m.flags | look_bits(buf_slice(&names));
        buf_done(&names);
        char text[STORE_UIDL_SIZE];
        struct slice uidl = store_uidl(&m, text);
        *e = (struct model_entry){m.uid,    model_serial(m.size), word, m.modseq, "", m.body,
                                  m.is_copy};
        assert_true(uidl.len < sizeof e->uidl);
        memcpy(e->uidl, uidl.ptr, uidl.len);
        bytes += m.size;
        assert_int_equal(store_view_place(l->view, m.uid), i);
        assert_int_equal(store_view_place(l->view, m.uid + 1), i + 1);
        assert_int_equal(store_view_place(l->view, p->entries[0].uid), 0);
        assert_int_equal(store_view_place(l->view, info.uidnext), info.count);
    }
    assert_int_equal(info.bytes, bytes);
}

int look_open(struct store_account *a, uint32_t mailbox, struct look **ret) {
    struct look *l = mem_zero(sizeof *l);
    struct store_mailbox info;
    l->account = a;
    int error = store_view_open(a, mailbox, &l->view);
    if (!error) /* nothing waits between the two */
        error = store_mailbox_get(a, mailbox, &info);
    if (error) {
        look_close(l);
        return error;
    }
    draw(l, &l->picture);
    assert_int_equal(l->picture.uidnext, info.uidnext);
    assert_int_equal(l->picture.modseq, info.modseq);
    assert_true(info.name.len < MODEL_NAME);
    l->picture.parent = info.parent;
    memcpy(l->picture.name, info.name.ptr, info.name.len);
    *ret = l;
    return 0;
}

void look_close(struct look *l) {
    if (!l)
        return;
    store_view_close(l->view);
    free(l);
}

const struct picture *look_picture(const struct look *l) {
    return &l->picture;
}

bool look_is_unchanged(const struct look *l) {
    struct picture *now = mem_zero(sizeof *now);
    draw(l, now);
    bool same = now->count == l->picture.count;
    for (size_t i = 0; same && i < now->count; i++) {
        const struct model_entry *a = &now->entries[i], *b = &l->picture.entries[i];
        same = a->uid == b->uid && a->flags == b->flags && a->modseq == b->modseq &&
               a->serial == b->serial && strcmp(a->uidl, b->uidl) == 0;
    }
    free(now);
    return same;
}

/* ------------------------------------------------------------------ bytes */

static int read_whole(struct look *l, size_t place, struct buf *to) {
    struct store_message m;
    store_view_at(l->view, place, &m);
    char *bytes = mem_alloc(m.size);
    ssize_t n = store_read(l->account, &m, 0, bytes, m.size);
    if (n >= 0)
        buf_add(to, slice_of(bytes, (size_t)n));
    free(bytes);
    return n < 0 ? (int)n : 0;
}

/* With those that follow it. */
static int read_many(struct look *l, size_t place, struct buf *to) {
    struct store_piece pieces[8];
    struct buf all = {0};
    size_t count = MIN(l->picture.count - place, 8U);
    int n = store_read_many(l->view, place, count, &all, pieces);
    if (n > 0)
        buf_add(to, slice_of(all.ptr + pieces[0].at, pieces[0].len));
    assert_true(n != 0 && n <= (int)count);
    buf_done(&all);
    return n < 0 ? n : 0;
}

static int read_file(struct look *l, size_t place, struct buf *to) {
    struct store_message m;
    struct store_file f;
    store_view_at(l->view, place, &m);
    int error = store_file_get(l->account, &m, &f);
    if (error)
        return error == -ENOTSUP ? read_whole(l, place, to) : error;
    char *bytes = mem_alloc(f.len);
    assert_int_equal(pread(f.fd, bytes, f.len, (off_t)f.offset), (ssize_t)f.len);
    buf_add(to, slice_of(bytes, f.len));
    free(bytes);
    store_file_release(l->account, &f);
    return 0;
}

static void compare_map(uint32_t serial, struct slice map) {
    struct message_map_maker *maker = message_map_new();
    struct buf wanted = {0};
    char *bytes = mem_alloc(model_size(serial));
    model_bytes(serial, bytes);
    message_map_feed(maker, slice_of(bytes, model_size(serial)));
    message_map_finish(maker, &wanted);
    assert_int_equal(map.len, wanted.len);
    assert_memory_equal(map.ptr, wanted.ptr, wanted.len);
    message_map_free(maker);
    buf_done(&wanted);
    free(bytes);
}

/* With those that follow it; of one that is gone the map may still be there. */
static int read_maps(struct look *l, size_t place) {
    struct store_message messages[8];
    struct store_piece pieces[8];
    struct buf maps = {0};
    size_t count = MIN(l->picture.count - place, 8U);
    for (size_t i = 0; i < count; i++)
        store_view_at(l->view, place + i, &messages[i]);
    int n = store_maps(l->account, messages, count, &maps, pieces);
    assert_true(n != 0 && n <= (int)count);
    for (int i = 0; i < n; i++)
        compare_map(l->picture.entries[place + (size_t)i].serial,
                    slice_of(maps.ptr + pieces[i].at, pieces[i].len));
    buf_done(&maps);
    return MIN(n, 0);
}

int look_read(struct look *l, size_t place, uint32_t way) {
    static int (*const ways[])(struct look * l, size_t place,
                               struct buf * to) = {read_whole, read_many, read_file};
    uint32_t serial = l->picture.entries[place].serial;
    if (way % LOOK_WAYS == ARRAY_SIZE(ways))
        return read_maps(l, place);
    struct buf found = {0};
    int error = ways[way % LOOK_WAYS](l, place, &found);
    if (!error) {
        char *wanted = mem_alloc(model_size(serial));
        model_bytes(serial, wanted);
        assert_int_equal(found.len, model_size(serial));
        assert_memory_equal(found.ptr, wanted, found.len);
        free(wanted);
    }
    buf_done(&found);
    return error;
}

/* ------------------------------------------------------------------ changes */

static bool has(const struct buf *uids, uint32_t uid) {
    const uint32_t *list = (const void *)uids->ptr;
    for (size_t i = 0; i < uids->len / sizeof uid; i++)
        if (list[i] == uid)
            return true;
    return false;
}

static const struct model_entry *entry_of(const struct picture *p, uint32_t uid) {
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].uid == uid)
            return &p->entries[i];
    return NULL;
}

int look_resync(struct store_account *a, const struct look *old, const struct look *now) {
    const struct picture *before = &old->picture, *after = &now->picture;
    struct buf changed = {0}, vanished = {0};
    store_view_changes(now->view, before->modseq, &changed);
    int error = store_vanished(a, before->id, before->modseq, &vanished);
    for (size_t i = 0; !error && i < before->count; i++)
        if (!entry_of(after, before->entries[i].uid))
            assert_true(has(&vanished, before->entries[i].uid));
    for (size_t i = 0; !error && i < after->count; i++) {
        const struct model_entry *e = &after->entries[i], *was = entry_of(before, e->uid);
        bool other = !was || was->flags != e->flags;
        assert_true(!other || has(&changed, e->uid));
        assert_int_equal(has(&changed, e->uid), e->modseq > before->modseq);
    }
    const uint32_t *list = (const void *)vanished.ptr;
    for (size_t i = 1; !error && i < vanished.len / sizeof *list; i++)
        assert_true(list[i - 1] < list[i]);
    buf_done(&changed);
    buf_done(&vanished);
    return error;
}

bool look_find(const struct look *l, struct model_mailbox *b, const struct model_change *arrival,
               struct model_entry *ret) {
    for (size_t i = 0; i < l->picture.count; i++) {
        const struct model_entry *e = &l->picture.entries[i];
        if (e->serial == arrival->serial && model_arrives_with(arrival, e->flags) && !e->is_copy &&
            !model_entry(b, e->uid)) {
            *ret = *e;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ properties */

static void swap(const char *from, size_t len, char *to, char what, char with) {
    assert_true(len < MODEL_NAME);
    for (size_t i = 0; i < len; i++)
        to[i] = from[i] == what ? with : from[i];
    to[len] = 0;
}

struct slice look_path(const char *path, char text[static MODEL_NAME]) {
    swap(path, strlen(path), text, '/', STORE_UNDER[0]);
    return slice_of_str(text);
}

struct drawing {
    const struct store_account *account;
    struct album *album;
};

static uint32_t rights_in(const struct store_account *a, const struct store_property *p) {
    /* Small ones need no waiting; the account is only read. */
    struct buf text = {0};
    uint32_t rights = 0;
    struct store_account *owner = (void *)(uintptr_t)a;
    assert_int_equal(store_property_get(owner, p->mailbox, p->kind, p->name, &text), 0);
    assert_int_equal(store_rights_parse(buf_slice(&text), &rights), 0);
    buf_done(&text);
    return rights;
}

static void draw_property(void *arg, const struct store_property *p) {
    const struct drawing *d = arg;
    struct model_properties *all = &d->album->properties;
    assert_true(p->is_set && all->count < MODEL_PROPERTIES);
    struct model_property *to = &all->list[all->count++];
    *to = (struct model_property){.mailbox = p->mailbox, .kind = (enum model_kind)p->kind};
    swap(p->name.ptr, p->name.len, to->name, p->kind == STORE_SUBSCRIPTION ? STORE_UNDER[0] : '/',
         '/');
    to->value = p->kind == STORE_SUBSCRIPTION ? 1
                : p->kind == STORE_METADATA   ? model_value_of(p->size)
                                              : rights_in(d->account, p);
    assert_true(to->value > 0 && p->modseq > 0 && p->modseq <= store_account_modseq(d->account));
}

void look_properties(const struct store_account *a, struct album *ret) {
    struct drawing d = {a, ret};
    ret->has_properties = true;
    ret->properties.count = 0;
    for (unsigned kind = STORE_SUBSCRIPTION; kind < STORE_PROPERTY_KINDS; kind++) {
        store_property_each(a, 0, (enum store_property_kind)kind, draw_property, &d);
        for (size_t i = 0; i < store_mailbox_count(a); i++) {
            struct store_mailbox m;
            store_mailbox_at(a, i, &m);
            store_property_each(a, m.id, (enum store_property_kind)kind, draw_property, &d);
        }
    }
}

struct feed {
    const struct album *now;
    struct album *old;
    const struct store_account *account;
};

static size_t place_of(const struct model_properties *all, const struct model_property *p) {
    size_t i = 0;
    while (i < all->count && (all->list[i].mailbox != p->mailbox || all->list[i].kind != p->kind ||
                              strcmp(all->list[i].name, p->name) != 0))
        i++;
    return i;
}

static void follow(void *arg, const struct store_property *p) {
    const struct feed *f = arg;
    struct model_properties *all = &f->old->properties;
    struct album *one = mem_zero(sizeof *one);
    struct drawing d = {f->account, one};
    struct store_property named = *p;
    if (!p->is_set) { /* its name is of interest only */
        named.is_set = true;
        named.kind = STORE_SUBSCRIPTION;
    }
    draw_property(&d, &named);
    struct model_property *wanted = &one->properties.list[0];
    wanted->kind = (enum model_kind)p->kind;
    size_t at = place_of(all, wanted);
    if (at == all->count && p->is_set)
        all->count++;
    if (p->is_set)
        all->list[at] = *wanted;
    else if (at < all->count)
        all->list[at] = all->list[--all->count];
    free(one);
}

void look_property_changes(const struct store_account *a, const struct album *old, uint64_t since) {
    struct album *now = mem_zero(sizeof *now), *followed = mem_copy(old, sizeof *old);
    struct feed f = {now, followed, a};
    look_properties(a, now);
    struct model_properties *all = &followed->properties;
    size_t kept = 0;
    int error = store_property_changes(a, since, follow, &f);
    if (error) {
        assert_int_equal(error, -E_LIMIT); /* read from the disk since */
        all->count = 0;
    }
    for (size_t i = 0; i < all->count; i++) { /* a removed mailbox's go without a word */
        struct store_mailbox m;
        const struct model_property *p = &all->list[i];
        if (p->mailbox == 0 || store_mailbox_get(a, p->mailbox, &m) == 0)
            all->list[kept++] = *p;
    }
    all->count = kept;
    assert_true(error || all->count == now->properties.count);
    for (size_t i = 0; i < all->count; i++) {
        size_t at = place_of(&now->properties, &all->list[i]);
        assert_true(at < now->properties.count);
        assert_int_equal(now->properties.list[at].value, all->list[i].value);
    }
    free(now);
    free(followed);
}

static void read_values(struct store_account *a, const struct model_properties *all) WAITS {
    for (size_t i = 0; i < all->count; i++) {
        const struct model_property *p = &all->list[i];
        struct buf value = {0};
        char wanted[MODEL_VALUE_MAX];
        if (p->kind != MODEL_METADATA)
            continue;
        assert_int_equal(store_get_metadata(a, p->mailbox, slice_of_str(p->name), &value), 0);
        assert_int_equal(value.len, model_value_size(p->value));
        model_value(p->value, wanted);
        assert_memory_equal(value.ptr, wanted, value.len);
        buf_done(&value);
    }
}

/* ------------------------------------------------------------------ all of an account */

static void draw_removed(void *arg, const struct store_deleted *d) {
    const struct drawing *to = arg;
    struct model_removals *all = &to->album->removals;
    struct store_mailbox m;
    bool there = store_mailbox_get(to->account, d->mailbox, &m) == 0;
    assert_int_equal(d->has_mailbox, there);
    assert_true(!there || slice_eq(m.name, d->mailbox_name));
    assert_true(all->count < MODEL_REMOVED);
    all->list[all->count++] = (struct model_removed){d->mailbox, d->uid, model_serial(d->size),
                                                     d->flags | look_bits(d->keywords)};
}

int look_all(struct store_account *a, struct album *ret) {
    struct drawing d = {a, ret};
    ret->whole = true;
    ret->removals.count = 0;
    look_properties(a, ret);
    read_values(a, &ret->properties);
    struct deleted_place place = {0};
    for (bool more = true; more;) {
        int r = store_deleted_each(a, &place, MODEL_REMOVED / 100, draw_removed, &d, &more);
        if (r)
            return r;
    }
    ret->count = store_mailbox_count(a);
    assert_true(ret->count <= MODEL_MAILBOXES);
    for (size_t i = 0; i < ret->count; i++) {
        struct store_mailbox info;
        struct look *l;
        store_mailbox_at(a, i, &info);
        int error = look_open(a, info.id, &l);
        if (error)
            return error;
        ret->pictures[i] = l->picture;
        struct model_sum sum = {0};
        struct buf names = {0};
        uint64_t words = 0;
        error = store_keywords(a, info.id, &names);
        if (error)
            return error;
        for (size_t k = 0; k < l->picture.count; k++) {
            sum.unseen += !(l->picture.entries[k].flags & STORE_SEEN);
            sum.bytes += model_size(l->picture.entries[k].serial);
            words |= l->picture.entries[k].flags;
        }
        assert_int_equal(look_bits(buf_slice(&names)), words & ~(uint64_t)STORE_FLAGS);
        buf_done(&names);
        assert_int_equal(info.messages, l->picture.count);
        assert_int_equal(info.unseen, sum.unseen);
        assert_int_equal(info.bytes, sum.bytes);
        look_close(l);
    }
    return 0;
}
