/* SPDX-License-Identifier: ISC */
/* Properties: setting and reading them; metadata and subscriptions. */
#include "store/properties.h"

#include "base/encode.h"
#include "store/property.h"

void property_add(struct group *g, uint64_t modseq, const struct store_property *p,
                  const struct slice *value) {
    group_add(g, RECORD_PROPERTY)->property = (struct record_property){
        .mailbox = p->mailbox,
        .kind = p->kind,
        .name = p->name,
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
    const struct slice *there = property_value(a, p->mailbox, p->kind, p->name);
    if (p->mailbox && !mailbox_find(a, p->mailbox))
        return -E_UNKNOWN;
    if (v->value && there && slice_eq(*there, *v->value))
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
    const struct slice *small = property_value(a, mailbox, kind, name);
    if (small) {
        buf_add(value, *small);
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
    property_add(c->group, c->modseq, &child,
                 property_value(c->account, p->mailbox, p->kind, p->name));
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
 * The entry's name as it is kept (RFC 5464 §3.2): in lower case, added to `name`. Parts between
 * slashes have at least one byte; none is a wildcard, above 127 or below 26.
 */
static int fold_entry(struct slice entry, struct buf *name) {
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

int store_set_metadata(struct store_account *a, uint32_t mailbox, struct slice entry,
                       const struct slice *value) {
    _cleanup_(buf_done) struct buf name = {0};
    int error = fold_entry(entry, &name);
    return error ? error : store_property_set(a, mailbox, STORE_METADATA, buf_slice(&name), value);
}

int store_get_metadata(struct store_account *a, uint32_t mailbox, struct slice entry,
                       struct buf *value) {
    _cleanup_(buf_done) struct buf name = {0};
    int error = fold_entry(entry, &name);
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

int store_mailbox_path(const struct store_account *a, uint32_t mailbox, struct buf *path) {
    _cleanup_(buf_done) struct buf names = {0}; /* struct slice, from the mailbox to the top */
    const struct mailbox *m = mailbox_find(a, mailbox);
    if (!m)
        return -E_UNKNOWN;
    for (size_t depth = 0; m && depth < a->mailbox_count; depth++) {
        buf_add_bytes(&names, &m->info.name, sizeof m->info.name);
        m = mailbox_find(a, m->info.parent);
    }
    const struct slice *list = (const void *)names.ptr;
    for (size_t i = names.len / sizeof *list; i-- > 0;) {
        buf_add(path, list[i]);
        if (i > 0)
            buf_add(path, S(STORE_UNDER));
    }
    return 0;
}
