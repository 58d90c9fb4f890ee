/* SPDX-License-Identifier: ISC */
#include "store/property.h"

#include "base/alloc.h"

#define REMOVED_MAX 1000U /* names of removed ones; beyond, the older half is forgotten */

/* Accounts have some from the beginning, so it is one small piece of memory; its kin of struct
 * store_property is made when somebody asks. */
struct property {
    uint64_t modseq;
    uint32_t mailbox, kind;
    uint32_t name_len, size; /* of the name, of the value */
    bool is_set;
    bool has_value; /* here, behind the name: it is small, and set */
    bool is_shared; /* one for all accounts that have it, see shared.h */
    char text[];
};

static struct slice name_of(const struct property *p) {
    return slice_of(p->text, p->name_len);
}

static struct store_property about(const struct property *p) {
    return (struct store_property){.mailbox = p->mailbox,
                                   .kind = (enum store_property_kind)p->kind,
                                   .name = name_of(p),
                                   .is_set = p->is_set,
                                   .size = p->size,
                                   .modseq = p->modseq};
}

static size_t text_len(const struct property *p) {
    return p->name_len + (p->has_value ? p->size : 0);
}

/* ------------------------------------------------------------------ finding */

static int compare(const struct property *p, uint32_t mailbox, uint32_t kind, struct slice name) {
    if (p->mailbox != mailbox)
        return p->mailbox < mailbox ? -1 : 1;
    if (p->kind != kind)
        return p->kind < kind ? -1 : 1;
    return slice_cmp(name_of(p), name);
}

/* Where the property is, or would be. */
static size_t place_of(const struct properties *all, uint32_t mailbox, uint32_t kind,
                       struct slice name) {
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(all->list[middle], mailbox, kind, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct property *find(const struct properties *all, uint32_t mailbox, uint32_t kind,
                                   struct slice name) {
    size_t at = place_of(all, mailbox, kind, name);
    if (at == all->count || compare(all->list[at], mailbox, kind, name) != 0)
        return NULL;
    return all->list[at];
}

bool property_value(const struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                    struct slice name, struct slice *ret) {
    const struct property *p = find(&a->properties, mailbox, kind, name);
    if (!p || !p->has_value)
        return false;
    *ret = slice_of(p->text + p->name_len, p->size);
    return true;
}

bool property_find(const struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                   struct slice name, struct store_property *ret) {
    const struct property *p = find(&a->properties, mailbox, kind, name);
    if (!p || !p->is_set)
        return false;
    *ret = about(p);
    return true;
}

bool properties_has(const struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                    struct slice name) {
    const struct property *p = find(&a->properties, mailbox, kind, name);
    return p && p->is_set;
}

void store_property_each(const struct store_account *a, uint32_t mailbox,
                         enum store_property_kind kind,
                         void (*each)(void *arg, const struct store_property *p), void *arg) {
    const struct properties *all = &a->properties;
    for (size_t at = place_of(all, mailbox, kind, S("")); at < all->count; at++) {
        const struct store_property p = about(all->list[at]);
        if (p.mailbox != mailbox || p.kind != kind)
            return;
        if (p.is_set)
            each(arg, &p);
    }
}

int store_property_changes(const struct store_account *a, uint64_t since,
                           void (*each)(void *arg, const struct store_property *p), void *arg) {
    const struct properties *all = &a->properties;
    if (since < all->forgotten)
        return -E_LIMIT;
    if (since >= all->modseq)
        return 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct store_property p = about(all->list[i]);
        if (p.modseq > since)
            each(arg, &p);
    }
    return 0;
}

/* ------------------------------------------------------------------ changing */

/* What it adds to the sums, or with -1 takes away. */
static void count(struct store_account *a, const struct property *p, int sign) {
    struct properties *all = &a->properties;
    a->store->memory += sign * (int64_t)(sizeof p + (p->is_shared ? 0 : sizeof *p + text_len(p)));
    all->set += p->is_set ? (size_t)sign : 0;
    all->bytes += p->is_set ? (uint64_t)(((int64_t)p->name_len + p->size) * sign) : 0;
}

static void free_one(struct store_account *a, struct property *p) {
    count(a, p, -1);
    if (!p->is_shared)
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
        if (!all->list[i]->is_set)
            when[removed++] = all->list[i]->modseq;
    qsort(when, removed, sizeof *when, by_modseq);
    all->forgotten = when[removed / 2];
    for (size_t i = 0; i < all->count; i++) {
        struct property *p = all->list[i];
        if (p->is_set || p->modseq > all->forgotten)
            all->list[kept++] = p;
        else
            free_one(a, p);
    }
    all->count = kept;
}

static struct property *property_new(const struct record_property *r) {
    bool kept = r->is_set && r->value.len == r->size && r->size <= RECORD_VALUE_SMALL;
    struct property *p = mem_alloc(sizeof *p + r->name.len + (kept ? r->size : 0));
    *p = (struct property){.modseq = r->modseq,
                           .mailbox = r->mailbox,
                           .kind = r->kind,
                           .name_len = (uint32_t)r->name.len,
                           .size = r->is_set ? r->size : 0,
                           .is_set = r->is_set,
                           .has_value = kept};
    if (r->name.len)
        memcpy(p->text, r->name.ptr, r->name.len);
    if (kept && r->size)
        memcpy(p->text + r->name.len, r->value.ptr, r->size);
    return p;
}

/* One that is shared, if it is what accounts begin with: most of them never change that. */
static struct property *property_for(struct store *s, const struct record_property *r) {
    bool alike = r->kind == STORE_SUBSCRIPTION && r->mailbox == 0 && r->is_set && r->size == 0 &&
                 r->modseq == BEGUN_MODSEQ;
    struct shared_name *shared = alike ? shared_name_find(&s->shared, r->name) : NULL;
    if (!shared)
        return property_new(r);
    if (!shared->subscribed) {
        shared->subscribed = property_new(r);
        shared->subscribed->is_shared = true;
    }
    return shared->subscribed;
}

#define FIRST_PLACES 7U /* few more than an account begins with, in 64 bytes of malloc */

/* A place in the list, at `at`. */
static void make_place(struct properties *all, size_t at) {
    if (all->count == all->size) {
        all->size = all->size ? 2 * all->size : FIRST_PLACES;
        all->list = mem_grow(all->list, all->size * sizeof *all->list);
    }
    memmove(&all->list[at + 1], &all->list[at], (all->count++ - at) * sizeof *all->list);
}

void properties_put(struct store_account *a, const struct record_property *r) {
    struct properties *all = &a->properties;
    const size_t at = place_of(all, r->mailbox, r->kind, r->name);
    const bool there = at < all->count && compare(all->list[at], r->mailbox, r->kind, r->name) == 0;
    if (there && all->list[at]->modseq > r->modseq)
        return;
    struct property *p = property_for(a->store, r);
    if (there)
        free_one(a, all->list[at]);
    else
        make_place(all, at);
    all->list[at] = p;
    all->modseq = MAX(all->modseq, r->modseq);
    count(a, p, 1);
    forget_removed(a);
}

void properties_drop_mailbox(struct store_account *a, uint32_t mailbox) {
    struct properties *all = &a->properties;
    size_t first = place_of(all, mailbox, 0, S("")), end = first;
    for (; end < all->count && all->list[end]->mailbox == mailbox; end++)
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
    bool is_set = p && p->is_set;
    uint64_t before = is_set ? (uint64_t)p->name_len + p->size : 0;
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
