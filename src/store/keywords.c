/* SPDX-License-Identifier: ISC */
/*
 * A name has a number, and a set is a string of bits, one for each name: 125 bytes for a thousand
 * names, and mostly four. What a map finds is shared by all entries that have it.
 *
 * A set that its last entry has left may still be seen: by a view that was opened when it was
 * there. Such a set hangs on the newest of these views, and at its end on the next older one that
 * can see it. So what a client toggles while somebody looks on is freed at once, but for what the
 * onlooker sees.
 *
 * Names go only in keywords_tidy(): a change that is being prepared has their numbers.
 */
#include "store/keywords.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/map.h"
#include "store/store.h"

struct name {
    struct slice text, folded; /* behind the struct */
    uint32_t number;
    uint32_t sets;  /* that have it, whoever has these */
    uint32_t used;  /* of these, by entries */
    bool brought;   /* by a change that goes on */
    char letters[]; /* of both */
};

struct set {
    uint32_t number;
    uint32_t entries;
    uint64_t made;    /* keywords.time */
    struct link link; /* in keywords.fresh, or held by a view */
    struct slice bits;
    uint8_t bytes[];
};

struct keywords {
    int64_t *memory;
    struct map by_name, by_bits;
    struct name **names; /* by number; NULL: free */
    struct set **sets;   /* by number - 1; NULL: free */
    size_t name_count, set_count;
    struct buf free_sets; /* uint32_t */
    size_t used;          /* names that are used or brought */
    struct list fresh;    /* sets that no entry has yet */
    struct list views;    /* oldest first */
    uint64_t time;        /* counts the views */
};

#define MAP_ENTRY 48 /* bytes in a map and an array, about */

struct keywords *keywords_new(int64_t *memory) {
    struct keywords *k = NEW(struct keywords);
    k->memory = memory;
    *memory += (int64_t)sizeof *k;
    list_init(&k->fresh);
    list_init(&k->views);
    return k;
}

void keywords_free(struct keywords *k) {
    if (!k)
        return;
    for (size_t i = 0; i < k->name_count; i++) {
        if (k->names[i])
            *k->memory -= (int64_t)(sizeof(struct name) + 2 * k->names[i]->text.len + MAP_ENTRY);
        free(k->names[i]);
    }
    for (size_t i = 0; i < k->set_count; i++) {
        if (k->sets[i])
            *k->memory -= (int64_t)(sizeof(struct set) + k->sets[i]->bits.len + MAP_ENTRY);
        free(k->sets[i]);
    }
    *k->memory -= (int64_t)sizeof *k;
    map_done(&k->by_name);
    map_done(&k->by_bits);
    free(k->names);
    free(k->sets);
    buf_done(&k->free_sets);
    free(k);
}

/* ------------------------------------------------------------------ bits */

static void set_bit(struct buf *bits, uint32_t number) {
    while (bits->len <= number / 8)
        buf_add_byte(bits, 0);
    bits->ptr[number / 8] = (char)((uint8_t)bits->ptr[number / 8] | 1U << number % 8);
}

static bool has_bit(struct slice bits, uint32_t number) {
    return number / 8 < bits.len && (unsigned)(uint8_t)bits.ptr[number / 8] >> number % 8 & 1U;
}

/* The next one from `number` on; false: there is none. */
static bool next_bit(struct slice bits, uint32_t *number) {
    for (; *number < bits.len * 8; (*number)++)
        if (has_bit(bits, *number))
            return true;
    return false;
}

static int by_text(const void *a, const void *b) {
    const struct slice *x = a, *y = b;
    return slice_cmp_nocase(*x, *y);
}

static void add_text(const struct keywords *k, struct slice bits, struct buf *to) {
    _cleanup_(buf_done) struct buf names = {0};
    for (uint32_t n = 0; next_bit(bits, &n); n++)
        buf_add_bytes(&names, &k->names[n]->text, sizeof(struct slice));
    struct slice *list = (void *)names.ptr;
    size_t count = names.len / sizeof *list;
    if (count > 1)
        qsort(list, count, sizeof *list, by_text);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_byte(to, ' ');
        buf_add(to, list[i]);
    }
}

/* ------------------------------------------------------------------ names */

bool keyword_is_good(struct slice name) {
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c <= ' ' || c >= 0x7f || slice_find_byte(S("(){%*\"\\]"), (char)c) >= 0)
            return false;
    }
    return name.len > 0 && name.len <= STORE_KEYWORD_LEN_MAX;
}

bool keywords_are_good(const struct slice *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!keyword_is_good(names[i]))
            return false;
    return true;
}

static struct name *find_name(const struct keywords *k, struct slice text) {
    char folded[STORE_KEYWORD_LEN_MAX];
    text = slice_first(text, sizeof folded);
    for (size_t i = 0; i < text.len; i++)
        folded[i] = ascii_lower(text.ptr[i]);
    return map_get(&k->by_name, slice_of(folded, text.len));
}

/* Finds it, or makes it. */
static struct name *get_name(struct keywords *k, struct slice text) {
    struct name *n = find_name(k, text);
    if (n)
        return n;
    size_t number = 0;
    while (number < k->name_count && k->names[number])
        number++;
    if (number == k->name_count)
        k->names = mem_grow(k->names, ++k->name_count * sizeof(struct name *));
    n = mem_zero(sizeof *n + 2 * text.len);
    n->number = (uint32_t)number;
    n->text = slice_of(n->letters, text.len);
    n->folded = slice_of(n->letters + text.len, text.len);
    for (size_t i = 0; i < text.len; i++) {
        n->letters[i] = text.ptr[i];
        n->letters[text.len + i] = ascii_lower(text.ptr[i]);
    }
    k->names[number] = n;
    (void)map_put(&k->by_name, n->folded, n);
    *k->memory += (int64_t)(sizeof *n + 2 * text.len + MAP_ENTRY);
    return n;
}

int keywords_bring(struct keywords *k, const struct slice *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct name *there = find_name(k, names[i]);
        bool in_use = there && (there->used > 0 || there->brought);
        if (!in_use && k->used >= STORE_KEYWORDS_MAX)
            return -E_LIMIT;
        get_name(k, names[i])->brought = true;
        k->used += !in_use;
    }
    return 0;
}

void keywords_names(const struct keywords *k, struct buf *to) {
    _cleanup_(buf_done) struct buf bits = {0};
    for (uint32_t i = 0; i < k->name_count; i++)
        if (k->names[i] && (k->names[i]->used > 0 || k->names[i]->brought))
            set_bit(&bits, i);
    add_text(k, buf_slice(&bits), to);
}

static void add_bits(const struct keywords *k, const struct slice *names, size_t count,
                     struct buf *bits) {
    for (size_t i = 0; i < count; i++) {
        const struct name *n = find_name(k, names[i]);
        if (n)
            set_bit(bits, n->number);
    }
}

void keywords_spell(const struct keywords *k, const struct slice *names, size_t count,
                    struct buf *to) {
    _cleanup_(buf_done) struct buf bits = {0};
    add_bits(k, names, count, &bits);
    add_text(k, buf_slice(&bits), to);
}

/* ------------------------------------------------------------------ sets */

static struct set *make_set(struct keywords *k, struct slice bits) {
    struct set *s = mem_zero(sizeof *s + bits.len);
    memcpy(s->bytes, bits.ptr, bits.len);
    s->bits = slice_of(s->bytes, bits.len);
    s->made = k->time;
    if (k->free_sets.len > 0) {
        k->free_sets.len -= sizeof s->number;
        memcpy(&s->number, k->free_sets.ptr + k->free_sets.len, sizeof s->number);
    } else {
        k->sets = mem_grow(k->sets, (k->set_count + 1) * sizeof(struct set *));
        s->number = (uint32_t)++k->set_count;
    }
    k->sets[s->number - 1] = s;
    (void)map_put(&k->by_bits, s->bits, s);
    list_append(&k->fresh, &s->link);
    for (uint32_t n = 0; next_bit(s->bits, &n); n++)
        k->names[n]->sets++;
    *k->memory += (int64_t)(sizeof *s + bits.len + MAP_ENTRY);
    return s;
}

static void drop_set(struct keywords *k, struct set *s) {
    link_remove(&s->link);
    (void)map_remove(&k->by_bits, s->bits);
    for (uint32_t n = 0; next_bit(s->bits, &n); n++)
        k->names[n]->sets--;
    k->sets[s->number - 1] = NULL;
    buf_add_bytes(&k->free_sets, &s->number, sizeof s->number);
    *k->memory -= (int64_t)(sizeof *s + s->bits.len + MAP_ENTRY);
    free(s);
}

uint32_t keywords_set(struct keywords *k, struct slice text) {
    _cleanup_(buf_done) struct buf bits = {0};
    struct slice name;
    while (slice_next(&text, ' ', &name))
        if (keyword_is_good(name))
            set_bit(&bits, get_name(k, name)->number);
    if (bits.len == 0)
        return 0;
    struct set *s = map_get(&k->by_bits, buf_slice(&bits));
    return s ? s->number : make_set(k, buf_slice(&bits))->number;
}

/* It hangs on the newest of the views that can see it, or goes. */
static void hold_or_drop(struct keywords *k, struct set *s, struct link *newest) {
    const struct list *views = &k->views;
    struct keywords_view *v =
        newest != &views->head ? CONTAINER_OF(newest, struct keywords_view, link) : NULL;
    link_remove(&s->link);
    if (v && v->opened > s->made)
        list_append(&v->held, &s->link);
    else
        drop_set(k, s);
}

static void use_names(struct keywords *k, const struct set *s, int by) {
    for (uint32_t i = 0; next_bit(s->bits, &i); i++) {
        struct name *n = k->names[i];
        bool before = n->used > 0 || n->brought;
        n->used += (uint32_t)by;
        bool after = n->used > 0 || n->brought;
        k->used = k->used - before + after;
    }
}

void keywords_use(struct keywords *k, uint32_t set, int by) {
    if (set == 0)
        return;
    struct set *s = k->sets[set - 1];
    if (by > 0 && s->entries == 0) {
        link_remove(&s->link);
        use_names(k, s, 1);
    }
    s->entries += (uint32_t)by;
    if (s->entries > 0)
        return;
    use_names(k, s, -1);
    hold_or_drop(k, s, k->views.head.prev);
}

void keywords_text(const struct keywords *k, uint32_t set, struct buf *to) {
    if (set > 0)
        add_text(k, k->sets[set - 1]->bits, to);
}

void keywords_tidy(struct keywords *k) {
    struct link *l;
    while ((l = list_first(&k->fresh)))
        drop_set(k, CONTAINER_OF(l, struct set, link));
    for (size_t i = 0; i < k->name_count; i++) {
        struct name *n = k->names[i];
        if (!n)
            continue;
        k->used -= n->brought && n->used == 0;
        n->brought = false;
        if (n->sets > 0)
            continue;
        (void)map_remove(&k->by_name, n->folded);
        k->names[i] = NULL;
        *k->memory -= (int64_t)(sizeof *n + 2 * n->text.len + MAP_ENTRY);
        free(n);
    }
}

/* ------------------------------------------------------------------ changes */

void keywords_change_init(struct keywords_change *c, const struct keywords *k,
                          const struct slice *add, size_t add_count, const struct slice *remove,
                          size_t remove_count) {
    *c = (struct keywords_change){0};
    add_bits(k, add, add_count, &c->add);
    add_bits(k, remove, remove_count, &c->remove);
}

void keywords_change_done(struct keywords_change *c) {
    buf_done(&c->add);
    buf_done(&c->remove);
}

bool keywords_changed(const struct keywords *k, uint32_t set, const struct keywords_change *c,
                      struct buf *to) {
    struct slice old = set > 0 ? k->sets[set - 1]->bits : (struct slice){0};
    _cleanup_(buf_done) struct buf bits = {0};
    for (uint32_t n = 0; !c->replace && next_bit(old, &n); n++)
        if (!has_bit(buf_slice(&c->remove), n))
            set_bit(&bits, n);
    for (uint32_t n = 0; next_bit(buf_slice(&c->add), &n); n++)
        set_bit(&bits, n);
    add_text(k, buf_slice(&bits), to);
    return !slice_eq(old, buf_slice(&bits));
}

/* ------------------------------------------------------------------ views */

void keywords_view_open(struct keywords *k, struct keywords_view *v) {
    v->opened = ++k->time;
    list_init(&v->held);
    list_append(&k->views, &v->link);
}

void keywords_view_close(struct keywords *k, struct keywords_view *v) {
    struct link *older = v->link.prev, *l;
    if (!link_in_list(&v->link))
        return;
    while ((l = list_first(&v->held)))
        hold_or_drop(k, CONTAINER_OF(l, struct set, link), older);
    link_remove(&v->link);
}
