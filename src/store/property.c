/* SPDX-License-Identifier: ISC */
#include "store/property.h"

#include "base/alloc.h"

#define REMOVED_MAX 1000U /* names of removed ones; beyond, the older half is forgotten */

struct property {
    struct store_property about; /* its name lies behind this struct */
    struct slice value;          /* on the heap; ptr NULL: it is large, or not set */
};

/* ------------------------------------------------------------------ finding */

static int compare(const struct store_property *p, uint32_t mailbox, enum store_property_kind kind,
                   struct slice name) {
    if (p->mailbox != mailbox)
        return p->mailbox < mailbox ? -1 : 1;
    if (p->kind != kind)
        return p->kind < kind ? -1 : 1;
    return slice_cmp(p->name, name);
}

/* Where the property is, or would be. */
static size_t place_of(const struct properties *all, uint32_t mailbox,
                       enum store_property_kind kind, struct slice name) {
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&all->list[middle]->about, mailbox, kind, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct property *find(const struct properties *all, uint32_t mailbox,
                             enum store_property_kind kind, struct slice name) {
    size_t at = place_of(all, mailbox, kind, name);
    if (at == all->count || compare(&all->list[at]->about, mailbox, kind, name) != 0)
        return NULL;
    return all->list[at];
}

const struct slice *property_value(const struct store_account *a, uint32_t mailbox,
                                   enum store_property_kind kind, struct slice name) {
    const struct property *p = find(&a->properties, mailbox, kind, name);
    return p && p->value.ptr ? &p->value : NULL;
}

const struct store_property *property_find(const struct store_account *a, uint32_t mailbox,
                                           enum store_property_kind kind, struct slice name) {
    const struct property *p = find(&a->properties, mailbox, kind, name);
    return p && p->about.is_set ? &p->about : NULL;
}

bool properties_has(const struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                    struct slice name) {
    return property_find(a, mailbox, kind, name) != NULL;
}

void store_property_each(const struct store_account *a, uint32_t mailbox,
                         enum store_property_kind kind,
                         void (*each)(void *arg, const struct store_property *p), void *arg) {
    const struct properties *all = &a->properties;
    for (size_t at = place_of(all, mailbox, kind, S("")); at < all->count; at++) {
        const struct store_property *p = &all->list[at]->about;
        if (p->mailbox != mailbox || p->kind != kind)
            return;
        if (p->is_set)
            each(arg, p);
    }
}

int store_property_changes(const struct store_account *a, uint64_t since,
                           void (*each)(void *arg, const struct store_property *p), void *arg) {
    const struct properties *all = &a->properties;
    if (since < all->forgotten)
        return -E_LIMIT;
    if (since >= all->modseq)
        return 0;
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i]->about.modseq > since)
            each(arg, &all->list[i]->about);
    return 0;
}

/* ------------------------------------------------------------------ changing */

/* What it adds to the sums, or with -1 takes away. */
static void count(struct store_account *a, const struct property *p, int sign) {
    struct properties *all = &a->properties;
    size_t name = p->about.name.len;
    a->store->memory += sign * (int64_t)(sizeof *p + sizeof p + name + p->value.len);
    all->set += p->about.is_set ? (size_t)sign : 0;
    all->bytes += p->about.is_set ? (uint64_t)((int64_t)(name + p->about.size) * sign) : 0;
}

static void free_one(struct store_account *a, struct property *p) {
    count(a, p, -1);
    free((void *)(uintptr_t)p->value.ptr);
    free(p);
}

static int by_modseq(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* Forgets the older half of those that were removed. */
static void forget_removed(struct store_account *a) {
    struct properties *all = &a->properties;
    size_t removed = 0, kept = 0;
    if (all->count - all->set <= REMOVED_MAX)
        return;
    _cleanup_(free_p) uint64_t *when = mem_array(all->count - all->set, sizeof *when);
    for (size_t i = 0; i < all->count; i++)
        if (!all->list[i]->about.is_set)
            when[removed++] = all->list[i]->about.modseq;
    qsort(when, removed, sizeof *when, by_modseq);
    all->forgotten = when[removed / 2];
    for (size_t i = 0; i < all->count; i++) {
        struct property *p = all->list[i];
        if (p->about.is_set || p->about.modseq > all->forgotten)
            all->list[kept++] = p;
        else
            free_one(a, p);
    }
    all->count = kept;
}

static struct property *add(struct store_account *a, const struct record_property *r) {
    struct properties *all = &a->properties;
    size_t at = place_of(all, r->mailbox, (enum store_property_kind)r->kind, r->name);
    struct property *p = mem_alloc(sizeof *p + r->name.len);
    char *name = (char *)(p + 1);
    if (r->name.len)
        memcpy(name, r->name.ptr, r->name.len);
    *p = (struct property){.about = {.mailbox = r->mailbox,
                                     .kind = (enum store_property_kind)r->kind,
                                     .name = slice_of(name, r->name.len)}};
    if (all->count == all->size) {
        all->size = all->size ? 2 * all->size : 16;
        all->list = mem_grow(all->list, all->size * sizeof *all->list);
    }
    memmove(&all->list[at + 1], &all->list[at], (all->count++ - at) * sizeof *all->list);
    all->list[at] = p;
    count(a, p, 1);
    return p;
}

void properties_put(struct store_account *a, const struct record_property *r) {
    struct property *p =
        find(&a->properties, r->mailbox, (enum store_property_kind)r->kind, r->name);
    if (!p)
        p = add(a, r);
    if (p->about.modseq > r->modseq)
        return;
    count(a, p, -1);
    free((void *)(uintptr_t)p->value.ptr);
    bool kept = r->is_set && r->value.len == r->size && r->size <= RECORD_VALUE_SMALL;
    p->value = kept ? slice_of(mem_str(r->size ? r->value : S("")), r->size) : (struct slice){0};
    p->about.is_set = r->is_set;
    p->about.size = r->is_set ? r->size : 0;
    p->about.modseq = r->modseq;
    a->properties.modseq = MAX(a->properties.modseq, r->modseq);
    count(a, p, 1);
    forget_removed(a);
}

void properties_drop_mailbox(struct store_account *a, uint32_t mailbox) {
    struct properties *all = &a->properties;
    size_t first = place_of(all, mailbox, (enum store_property_kind)0, S("")), end = first;
    for (; end < all->count && all->list[end]->about.mailbox == mailbox; end++)
        free_one(a, all->list[end]);
    if (end > first)
        memmove(&all->list[first], &all->list[end], (all->count - end) * sizeof *all->list);
    all->count -= end - first;
}

void properties_free(struct store_account *a) {
    for (size_t i = 0; i < a->properties.count; i++)
        free_one(a, a->properties.list[i]);
    free(a->properties.list);
}

int properties_have_room(const struct store_account *a, uint32_t mailbox,
                         enum store_property_kind kind, struct slice name, size_t size) {
    const struct properties *all = &a->properties;
    const struct property *p = find(all, mailbox, kind, name);
    bool is_set = p && p->about.is_set;
    uint64_t before = is_set ? p->about.name.len + p->about.size : 0;
    if (!is_set && all->set >= STORE_PROPERTIES_MAX)
        return -E_LIMIT;
    return all->bytes - before + name.len + size > STORE_PROPERTIES_BYTES ? -E_LIMIT : 0;
}

int properties_have_room_for(const struct store_account *a, size_t count, size_t bytes) {
    const struct properties *all = &a->properties;
    bool is_much = count > STORE_PROPERTIES_MAX - MIN(all->set, (size_t)STORE_PROPERTIES_MAX) ||
                   all->bytes + bytes > STORE_PROPERTIES_BYTES;
    return (count > 0 || bytes > 0) && is_much ? -E_LIMIT : 0;
}
