/* SPDX-License-Identifier: ISC */
/* Properties: setting and reading them; metadata and subscriptions. */
#include "store/properties.h"

#include <stdlib.h>

#include "base/encode.h"
#include "store/property.h"

void property_add(struct group *g, uint64_t modseq, const struct store_property *p,
                  const struct slice *value) {
    group_add(g, RECORD_PROPERTY)->property = (struct record_property){
        .mailbox = p->mailbox,
        .kind = p->kind,
        .name = arena_copy(&g->arena, p->name),
        .is_set = value != NULL,
        .value = value ? *value : (struct slice){0},
        .size = value ? (uint32_t)value->len : 0,
        .modseq = modseq,
    };
}

struct property_change {
    struct change change;
    struct store_property about;
    const struct slice *value;
};

static int prepare_property(struct store_account *a, struct change *c, struct group *g) {
    const struct property_change *v = CONTAINER_OF(c, struct property_change, change);
    const struct store_property *p = &v->about;
    struct slice there;
    if (p->mailbox && !mailbox_find(a, p->mailbox))
        return -E_UNKNOWN;
    if (v->value && property_value(a, p->mailbox, p->kind, p->name, &there) &&
        slice_eq(there, *v->value))
        return 0;
    if (!v->value && !properties_has(a, p->mailbox, p->kind, p->name))
        return 0;
    if (v->value && properties_have_room(a, p->mailbox, p->kind, p->name, v->value->len) < 0)
        return -E_LIMIT;
    property_add(g, ++a->given.modseq, p, v->value);
    return 0;
}

int store_property_set(struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                       struct slice name, const struct slice *value) {
    if (name.len > STORE_PROPERTY_NAME_MAX || (value && value->len > STORE_VALUE_MAX))
        return -E_LIMIT;
    struct property_change v = {
        .change = {.prepare = prepare_property, .reads = true},
        .about = {.mailbox = mailbox, .kind = kind, .name = name},
        .value = value,
    };
    return change_run(a, &v.change);
}

int store_property_get(struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                       struct slice name, struct buf *value) {
    struct slice small;
    if (property_value(a, mailbox, kind, name, &small)) {
        buf_add(value, small);
        return 0;
    }
    if (!properties_has(a, mailbox, kind, name))
        return -E_UNKNOWN;
    return a->below->backend->ops->property(a->below, mailbox, kind, name, value);
}

/* ------------------------------------------------------------------ with their mailboxes */

struct carry {
    const struct store_account *account;
    struct group *group;
    uint64_t modseq;
    struct slice from, to; /* paths */
    uint32_t mailbox;      /* the new one */
    size_t count, bytes;   /* that come on top of what there is */
    bool too_long;
};

static void rename_one(void *arg, const struct store_property *p) {
    struct carry *c = arg;
    struct slice rest = slice_from(p->name, MIN(p->name.len, c->from.len));
    if (!slice_starts(p->name, c->from) || (rest.len > 0 && !slice_starts(rest, S(STORE_UNDER))))
        return;
    c->too_long |= c->to.len + rest.len > STORE_PROPERTY_NAME_MAX;
    if (c->too_long)
        return;
    c->bytes += c->to.len - MIN(c->to.len, c->from.len);
    char *name = arena_array(&c->group->arena, c->to.len + rest.len, 1);
    memcpy(name, c->to.ptr, c->to.len);
    if (rest.len)
        memcpy(name + c->to.len, rest.ptr, rest.len);
    struct store_property after = *p;
    after.name = slice_of(name, c->to.len + rest.len);
    property_add(c->group, c->modseq, p, NULL);
    property_add(c->group, c->modseq, &after, &S(""));
}

int subscriptions_rename(struct store_account *a, struct group *g, uint64_t modseq,
                         struct slice from, struct slice to) {
    struct carry c = {.group = g, .modseq = modseq, .from = from, .to = to};
    store_property_each(a, 0, STORE_SUBSCRIPTION, rename_one, &c);
    return c.too_long ? -E_LIMIT : properties_have_room_for(a, 0, c.bytes);
}

static void inherit_one(void *arg, const struct store_property *p) {
    struct carry *c = arg;
    struct store_property child = *p;
    child.mailbox = c->mailbox;
    c->count++;
    c->bytes += p->name.len + p->size;
    struct slice value;
    const bool small = property_value(c->account, p->mailbox, p->kind, p->name, &value);
    if (small)
        value = arena_copy(&c->group->arena, value);
    property_add(c->group, c->modseq, &child, small ? &value : NULL);
}

int rights_inherit(struct store_account *a, struct group *g, uint64_t modseq, uint32_t from,
                   uint32_t to) {
    struct carry c = {.account = a, .group = g, .modseq = modseq, .mailbox = to};
    store_property_each(a, from, STORE_RIGHTS, inherit_one, &c);
    return properties_have_room_for(a, c.count, c.bytes);
}

/* ------------------------------------------------------------------ metadata */

static bool is_part_byte(char c) {
    return (unsigned char)c > 0x19 && (unsigned char)c < 0x80 && c != '*' && c != '%';
}

/*
 * As it is kept (RFC 5464 §3.2) a name is in lower case. Parts between slashes have at least one
 * byte; none is a wildcard, above 127 or below 26.
 */
int store_metadata_name(struct slice entry, struct buf *name) {
    if (!slice_starts_nocase(entry, S("/private/")) && !slice_starts_nocase(entry, S("/shared/")))
        return -E_SYNTAX;
    for (size_t i = 0; i < entry.len; i++) {
        char c = entry.ptr[i];
        bool is_slash = c == '/';
        if (is_slash ? i + 1 == entry.len || entry.ptr[i + 1] == '/' : !is_part_byte(c))
            return -E_SYNTAX;
        buf_add_u8(name, (uint8_t)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c));
    }
    return 0;
}

struct metadata_change {
    struct change change;
    uint32_t mailbox;
    struct store_metadata *entries; /* sorted, each once, by the name that is kept */
    size_t count;
};

static int prepare_metadata(struct store_account *a, struct change *c, struct group *g) {
    const struct metadata_change *v = CONTAINER_OF(c, struct metadata_change, change);
    int64_t count = 0, bytes = 0; /* that it is more than before */
    if (v->mailbox && !mailbox_find(a, v->mailbox))
        return -E_UNKNOWN;
    for (size_t i = 0; i < v->count; i++) {
        const struct store_metadata *m = &v->entries[i];
        struct store_property there;
        const bool has = property_find(a, v->mailbox, STORE_METADATA, m->entry, &there);
        count += (m->value != NULL) - has;
        bytes += m->value ? (int64_t)(m->entry.len + m->value->len) : 0;
        bytes -= has ? (int64_t)(m->entry.len + there.size) : 0;
    }
    if (properties_have_room_for(a, (size_t)MAX(count, 0), (size_t)MAX(bytes, 0)) < 0)
        return -E_LIMIT;
    for (size_t i = 0; i < v->count; i++) {
        const struct store_metadata *m = &v->entries[i];
        const struct store_property p = {
            .mailbox = v->mailbox, .kind = STORE_METADATA, .name = m->entry};
        struct slice there;
        bool same = m->value ? property_value(a, p.mailbox, p.kind, p.name, &there) &&
                                   slice_eq(there, *m->value)
                             : !properties_has(a, p.mailbox, p.kind, p.name);
        if (!same)
            property_add(g, ++a->given.modseq, &p, m->value);
    }
    return 0;
}

/* By name; of the same name the later one in the list first. */
static int by_name(const void *a, const void *b) {
    const struct store_metadata *const *x = a, *const *y = b;
    int order = slice_cmp_nocase((*x)->entry, (*y)->entry);
    return order ? order : *x > *y ? -1 : 1;
}

int store_set_metadata_all(struct store_account *a, uint32_t mailbox,
                           const struct store_metadata *entries, size_t count) {
    _cleanup_(arena_done) struct arena arena = {0};
    const struct store_metadata **sorted = arena_array(&arena, count, sizeof(void *));
    struct metadata_change v = {.change = {.prepare = prepare_metadata, .reads = true},
                                .mailbox = mailbox,
                                .entries = arena_array(&arena, count, sizeof *v.entries)};
    for (size_t i = 0; i < count; i++) {
        _cleanup_(buf_done) struct buf name = {0};
        const struct store_metadata *m = sorted[i] = &entries[i];
        if (store_metadata_name(m->entry, &name) < 0)
            return -E_SYNTAX;
        if (m->entry.len > STORE_PROPERTY_NAME_MAX || (m->value && m->value->len > STORE_VALUE_MAX))
            return -E_LIMIT;
    }
    if (count > 0)
        qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || !slice_eq_nocase(sorted[i]->entry, sorted[i - 1]->entry))
            v.entries[v.count++] =
                (struct store_metadata){arena_lower(&arena, sorted[i]->entry), sorted[i]->value};
    return v.count == 0 ? 0 : change_run(a, &v.change);
}

int store_set_metadata(struct store_account *a, uint32_t mailbox, struct slice entry,
                       const struct slice *value) {
    const struct store_metadata one = {entry, value};
    return store_set_metadata_all(a, mailbox, &one, 1);
}

int store_get_metadata(struct store_account *a, uint32_t mailbox, struct slice entry,
                       struct buf *value) {
    _cleanup_(buf_done) struct buf name = {0};
    int error = store_metadata_name(entry, &name);
    return error ? error : store_property_get(a, mailbox, STORE_METADATA, buf_slice(&name), value);
}

/* ------------------------------------------------------------------ subscriptions */

int store_subscribe(struct store_account *a, struct slice path, bool subscribed) {
    if (path.len == 0 || !utf8_valid(path))
        return -E_SYNTAX;
    return store_property_set(a, 0, STORE_SUBSCRIPTION, path, subscribed ? &S("") : NULL);
}

bool store_is_subscribed(const struct store_account *a, struct slice path) {
    return properties_has(a, 0, STORE_SUBSCRIPTION, path);
}
