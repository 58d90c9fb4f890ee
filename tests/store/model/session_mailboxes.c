/* SPDX-License-Identifier: ISC */
/* What sessions do to mailboxes and properties. */
#include <stdio.h>

#include "disk.h"
#include "session.h"
#include "store/rights.h"

/* Few names, so that two want the same one; but none lies too deep. */
static void pick_name(struct session *s, char name[static MODEL_NAME]) {
    (void)snprintf(name, MODEL_NAME, "Box %u", session_pick(s, 5));
}

/* A mailbox to put others into, or 0. */
static uint32_t pick_parent(struct session *s) {
    struct model_mailbox *b = session_mailbox(s);
    return session_pick(s, 2) || b->parent ? 0 : b->id;
}

/* Somebody wants the same place at the same moment. */
static bool is_contested(const struct session *s, const struct model_change *c) {
    const struct run *run = s->run;
    for (size_t i = 0; i < SESSIONS * SLOTS; i++) {
        const struct model_change *f = &run->flying[i];
        if (f != c && run->is_flying[i] && f->account == c->account &&
            (f->verb == MODEL_CREATE || f->verb == MODEL_RENAME) && f->to == c->to &&
            strcmp(f->name, c->name) == 0)
            return true;
    }
    return false;
}

/* -EEXIST for a reason only. */
static bool is_taken(struct session *s, struct model_change *c, int error) {
    if (s->run->over || error != -EEXIST)
        return false;
    assert_true(model_named(s->side->model, c->to, c->name) || is_contested(s, c));
    session_drop(s, c);
    return true;
}

/* What a mailbox inherits comes with it or not at all. The moment is short, so it is often cut. */
static void let_cut_soon(struct session *s, uint32_t parent) {
    const struct model_properties *all = &s->side->model->properties;
    bool inherits = false;
    for (size_t i = 0; parent && i < all->count; i++)
        inherits |= all->list[i].kind == MODEL_RIGHTS && all->list[i].mailbox == parent;
    if (inherits && session_pick(s, 2))
        slow_disk.cut_after = 2 + session_pick(s, 6);
}

void do_create(struct session *s) {
    struct run *run = s->run;
    struct model *m = s->side->model;
    size_t coming = 0;
    for (size_t i = 0; i < SESSIONS * SLOTS; i++)
        coming += run->is_flying[i] && run->flying[i].verb == MODEL_CREATE;
    if (m->count + coming >= MODEL_MAILBOXES - 1)
        return;
    struct model_change *c = session_begin(s, 0, MODEL_CREATE, 0);
    pick_name(s, c->name);
    c->to = pick_parent(s);
    c->new_mailbox = MODEL_UNKNOWN + run->unknown++;
    let_cut_soon(s, c->to);
    uint32_t id = 0;
    int error =
        store_create_mailbox(s->account, c->to, slice_of_str(c->name), STORE_ROLE_NONE, &id);
    struct store_mailbox info;
    if (is_taken(s, c, error))
        return;
    if (!error && !run->over) {
        assert_int_equal(store_mailbox_get(s->account, id, &info), 0);
        assert_false(model_is_gone(m, id));
        assert_true(info.uidvalidity > 0);
        c->new_mailbox = id;
        c->uidvalidity = info.uidvalidity;
    }
    size_t made = session_end(s, c, error);
    assert_true(error || run->over || made == 1);
}

/* Another name, or another parent; messages stay as they are. */
void do_rename(struct session *s) {
    struct model *m = s->side->model;
    struct model_mailbox *b = session_mailbox(s);
    if (b->id == STORE_INBOX) {
        assert_int_equal(store_rename_mailbox(s->account, b->id, 0, S("elsewhere")), -EPERM);
        return;
    }
    struct model_change *c = session_begin(s, 0, MODEL_RENAME, b->id);
    pick_name(s, c->name);
    c->to = pick_parent(s);
    int error = store_rename_mailbox(s->account, c->mailbox, c->to, slice_of_str(c->name));
    if (is_taken(s, c, error))
        return;
    if (!s->run->over && error == -EINVAL) {
        assert_true(model_lies_below(m, c->to, c->mailbox) ||
                    session_is_flying(s, c->account, MODEL_RENAME, 0));
        session_drop(s, c);
        return;
    }
    (void)session_end(s, c, error);
    if (!error && !s->run->over) {
        struct model_mailbox *now = model_named(m, c->to, c->name);
        assert_true(now && now->id == c->mailbox);
    }
}

static bool has_children(const struct model *m, uint32_t mailbox) {
    for (size_t i = 0; i < m->count; i++)
        if (m->mailboxes[i].parent == mailbox)
            return true;
    return false;
}

/* What a removal may be refused for. */
static bool is_refused(struct session *s, struct model_change *c, bool only_empty, int error) {
    if (s->run->over || (error != -E_BUSY && error != -ENOTEMPTY))
        return false;
    if (error == -E_BUSY)
        assert_true(has_children(s->side->model, c->mailbox) ||
                    session_is_flying(s, c->account, MODEL_CREATE, c->mailbox) ||
                    session_is_flying(s, c->account, MODEL_RENAME, c->mailbox));
    else
        assert_true(only_empty && (model_mailbox(s->side->model, c->mailbox)->count > 0 ||
                                   session_is_flying(s, c->account, MODEL_DELIVER, c->mailbox) ||
                                   session_is_flying(s, c->account, MODEL_COPY, c->mailbox) ||
                                   session_is_flying(s, c->account, MODEL_MOVE, c->mailbox)));
    session_drop(s, c);
    return true;
}

/* With all that is in it. Not while something arrives whose numbers are told later. */
void do_remove(struct session *s) {
    struct model_mailbox *b = session_mailbox(s);
    if (b->id == STORE_INBOX || session_is_flying(s, session_account(s), MODEL_ARRIVE, b->id) ||
        session_is_carried(s, b->id))
        return;
    bool only_empty = session_pick(s, 3) == 0;
    struct model_change *c = session_begin(s, 0, MODEL_REMOVE, b->id);
    int error = store_remove_mailbox(s->account, c->mailbox, only_empty);
    if (is_refused(s, c, only_empty, error))
        return;
    if (!error && !s->run->over) {
        struct model_mailbox *now = model_mailbox(s->side->model, c->mailbox);
        struct store_mailbox info;
        assert_true(now && (!only_empty || now->count == 0));
        assert_int_equal(store_mailbox_get(s->account, c->mailbox, &info), -E_UNKNOWN);
    }
    size_t removed = session_end(s, c, error);
    assert_true(error || s->run->over || removed == 1);
}

/* ------------------------------------------------------------------ properties */

static struct model_change *begin_property(struct session *s, enum model_kind kind,
                                           uint32_t mailbox, const char *name, uint32_t value) {
    struct model_change *c = session_begin(s, 0, MODEL_PROPERTY, mailbox);
    c->kind = kind;
    c->value = value;
    strcpy(c->name, name);
    return c;
}

static bool is_crowded(const struct session *s) {
    return s->side->model->properties.count + 2 * SESSIONS * SLOTS > MODEL_PROPERTIES;
}

/* The path of a mailbox, of one that may come, or a name that is subscribed. */
void do_subscribe(struct session *s) {
    struct model *m = s->side->model;
    char path[MODEL_NAME], text[MODEL_NAME];
    bool set = session_pick(s, 3) > 0 && !is_crowded(s);
    pick_name(s, path);
    if (session_pick(s, 2))
        model_path(m, session_mailbox(s)->id, path);
    else if (session_pick(s, 2) && m->properties.count > 0) {
        size_t at = session_pick(s, (uint32_t)m->properties.count);
        if (m->properties.list[at].kind == MODEL_SUBSCRIPTION)
            strcpy(path, m->properties.list[at].name);
    }
    struct model_change *c = begin_property(s, MODEL_SUBSCRIPTION, 0, path, set);
    (void)session_end(s, c, store_subscribe(s->account, look_path(path, text), set));
}

/* Of a mailbox or the account; small and large values, which are kept in different places. */
void do_metadata(struct session *s) {
    static const char *const names[] = {"/private/comment", "/shared/comment", "/private/x/y"};
    static const char *const other[] = {"/Private/Comment", "/SHARED/COMMENT", "/private/X/y"};
    struct model_mailbox *b = session_pick(s, 4) ? session_mailbox(s) : NULL;
    unsigned which = session_pick(s, 3);
    bool set = session_pick(s, 4) > 0 && !is_crowded(s);
    if (set && s->run->value + 1 >= MODEL_VALUE_MAX / 8)
        return;
    uint32_t value = set ? ++s->run->value : 0;
    struct model_change *c = begin_property(s, MODEL_METADATA, b ? b->id : 0, names[which], value);
    char *bytes = mem_alloc(MODEL_VALUE_MAX);
    model_value(value, bytes);
    struct slice part = slice_of(bytes, model_value_size(value));
    int error = store_set_metadata(s->account, c->mailbox,
                                   slice_of_str(session_pick(s, 2) ? names[which] : other[which]),
                                   set ? &part : NULL);
    free(bytes);
    (void)session_end(s, c, error);
}

void do_rights(struct session *s) {
    static const char *const people[] = {"anyone", "hana", "-taro"};
    static const char hows[] = {0, '+', '-'};
    char text[STORE_RIGHTS_TEXT_SIZE], wanted[STORE_RIGHTS_TEXT_SIZE + 1];
    struct model_mailbox *b = session_mailbox(s);
    uint32_t rights = session_pick(s, 4) ? session_pick(s, STORE_RIGHTS_ALL + 1) : 0;
    const char *who = people[session_pick(s, 3)];
    if (is_crowded(s))
        return;
    struct model_change *c = begin_property(s, MODEL_RIGHTS, b->id, who, rights);
    c->how = hows[session_pick(s, 3)];
    (void)store_rights_text(rights, text);
    (void)snprintf(wanted, sizeof wanted, "%.1s%s", c->how ? &c->how : "", text);
    int error = store_set_rights(s->account, c->mailbox, slice_of_str(who), slice_of_str(wanted));
    (void)session_end(s, c, error);
}

/* All of them in the midst of all; then what has changed since they were last looked at. */
void do_properties(struct session *s) {
    struct run *run = s->run;
    struct model_change changes[SESSIONS * SLOTS];
    struct album *now = mem_zero(sizeof *now);
    struct model *m = mem_copy(s->side->model, sizeof *m);
    size_t count = 0;
    bool inherits = false; /* by a mailbox whose number nobody knows */
    for (size_t i = 0; i < SESSIONS * SLOTS; i++) {
        const struct model_change *f = &run->flying[i];
        if (!run->is_flying[i] || f->account != session_account(s))
            continue;
        inherits |= f->verb == MODEL_CREATE && f->to;
        if (f->verb == MODEL_PROPERTY || f->verb == MODEL_RENAME || f->verb == MODEL_REMOVE)
            changes[count++] = *f;
    }
    look_properties(s->account, now);
    bool explained = inherits || model_explain(m, changes, count, now);
    if (!explained)
        model_print_difference(s->side->model, changes, count, now);
    assert_true(explained);
    if (s->held_properties)
        look_property_changes(s->account, s->held_properties, s->held_modseq);
    free(s->held_properties);
    free(m);
    s->held_properties = now;
    s->held_modseq = store_account_modseq(s->account);
}
