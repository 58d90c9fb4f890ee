/* SPDX-License-Identifier: ISC */
/* CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 9051 §6.3.4 to §6.3.8). */
#include <errno.h>

#include "imap/rights.h"

/* A name that would not be seen, since those of others begin so. */
static bool is_of_others(struct slice path) {
    return slice_starts(path, S(IMAP_OTHERS)) &&
           (path.len == strlen(IMAP_OTHERS) || path.ptr[strlen(IMAP_OTHERS)] == IMAP_UNDER);
}

/*
 * A visitor learns of mailboxes that he may not see no more than that he may not make one there: up
 * to `last` there are mailboxes, with nothing in `rest` up to the end.
 */
static int may_make(const struct imap_session *s, uint32_t last, struct slice rest) {
    struct store_mailbox m;
    if (rest.len == 0 && imap_may(s, last, STORE_RIGHT_LOOKUP) == 0)
        return 0;
    if (rest.len == 0)
        last = store_mailbox_get(s->account, last, &m) == 0 ? m.parent : 0;
    return last && imap_may(s, last, STORE_RIGHT_CREATE) == 0 ? 0 : -EACCES;
}

/*
 * Makes a mailbox and those above it that are missing (RFC 9051 §6.3.4). The last one alone counts
 * as what was asked for: a path that ends with "/" says that there will be others below.
 */
static int make(struct imap_session *s, struct slice path, enum store_role role,
                uint32_t *ret_id) WAITS {
    uint32_t parent;
    struct slice rest, name;
    if (imap_own_path(s, path, &path) < 0)
        return -EACCES;
    if (!imap_visits(s) && is_of_others(path))
        return -E_SYNTAX;
    if (slice_ends(path, S("/")))
        path.len--;
    imap_walk(s->account, path, &parent, &rest);
    int error = imap_visits(s) ? may_make(s, parent, rest) : 0;
    if (!error && rest.len == 0)
        return -EEXIST;
    if (!error && !imap_path_is_good(rest))
        return -E_SYNTAX;
    if (!error && parent)
        error = imap_may(s, parent, STORE_RIGHT_CREATE);
    while (!error && slice_next(&rest, IMAP_UNDER, &name))
        error = store_create_mailbox(s->account, parent, name,
                                     rest.len == 0 ? role : STORE_ROLE_NONE, &parent);
    if (!error)
        *ret_id = parent;
    return error;
}

/* The role for a use (RFC 6154 §3). -E_REFUSED: mailboxes here do not have it, or one has it. */
static int find_role(const struct store_account *a, unsigned use, enum store_role *ret) {
    static const struct {
        unsigned use;
        enum store_role role;
    } roles[] = {
        {0, STORE_ROLE_NONE},
        {IMAP_USE_ARCHIVE, STORE_ROLE_ARCHIVE},
        {IMAP_USE_DRAFTS, STORE_ROLE_DRAFTS},
        {IMAP_USE_JUNK, STORE_ROLE_JUNK},
        {IMAP_USE_SENT, STORE_ROLE_SENT},
        {IMAP_USE_TRASH, STORE_ROLE_TRASH},
    };
    struct store_mailbox m;
    size_t at = 0;
    while (at < ARRAY_SIZE(roles) && roles[at].use != use)
        at++;
    if (at == ARRAY_SIZE(roles))
        return -E_REFUSED;
    *ret = roles[at].role;
    for (size_t i = 0; use && i < store_mailbox_count(a); i++) {
        store_mailbox_at(a, i, &m);
        if (m.role == *ret)
            return -E_REFUSED;
    }
    return 0;
}

static void tell_created(struct imap_session *s, const struct imap_command *command,
                         uint32_t id) WAITS {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, command->tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "MAILBOXID");
    imap_write_object_id(w, IMAP_ID_MAILBOX, id);
    imap_write_code_end(w);
    imap_write_text(w, S("created"));
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_do_create(struct imap_session *s, const struct imap_command *command) {
    enum store_role role;
    uint32_t id;
    int error = imap_visits(s) && command->create.use
                    ? -E_REFUSED
                    : find_role(s->account, command->create.use, &role);
    if (!error)
        error = store_names_lock(s->account);
    if (!error) {
        error = make(s, command->create.mailbox, role, &id);
        store_names_unlock(s->account);
    }
    if (error == -E_REFUSED)
        imap_say(&s->c, command->tag, "NO", "USEATTR", "%s",
                 "a mailbox has one use of Archive, Drafts, Junk, Sent and Trash, and each is that "
                 "of one mailbox");
    else if (error == -EEXIST)
        imap_say(&s->c, command->tag, "NO", "ALREADYEXISTS", "there is a mailbox of that name");
    else if (error)
        imap_no(s, command, error);
    else
        tell_created(s, command, id);
}

/* The mailbox that is called so when it is removed, its path, and what was in it: the view is NULL
 * when that is not known. */
struct removal {
    struct store_mailbox mailbox;
    struct buf path;
    struct store_view *view;
};

static int remove_named(struct imap_session *s, struct slice name, struct removal *r) WAITS {
    struct store_mailbox *m = &r->mailbox;
    int error = store_names_lock(s->account);
    if (error)
        return error;
    error = imap_find_allowed(s, name, STORE_RIGHT_REMOVE_MAILBOX, m);
    if (!error) {
        imap_mailbox_path(s->account, m->id, &r->path);
        if (store_view_open(s->account, m->id, &r->view) < 0)
            r->view = NULL;
        error = store_remove_mailbox(s->account, m->id, false);
    }
    store_names_unlock(s->account);
    return error;
}

/* With messages, without others below it (RFC 9051 §6.3.5). */
void imap_do_delete(struct imap_session *s, const struct imap_command *command) {
    struct removal r = {0};
    int error = remove_named(s, command->name, &r);
    if (!error && s->selected && s->told.mailbox == r.mailbox.id)
        imap_unselect(s);
    if (!error && r.view)
        imap_note_deleted(s, buf_slice(&r.path), r.view);
    store_view_close(r.view);
    buf_done(&r.path);
    if (error == -E_BUSY)
        imap_say(&s->c, command->tag, "NO", "HASCHILDREN",
                 "there are mailboxes below it: delete those first");
    else if (error == -EPERM)
        imap_say(&s->c, command->tag, "NO", "CANNOT", "the INBOX cannot be deleted");
    else if (error)
        imap_no(s, command, error);
    else
        imap_ok(s, command, "deleted");
}

/* Where a mailbox is to go, by the path above its new name; 0: to the top. What is missing is made.
 */
static int find_new_parent(struct imap_session *s, struct slice above, uint32_t *ret) WAITS {
    struct store_mailbox parent = {0};
    struct slice own;
    int error = 0;
    if (imap_visits(s) && imap_own_path(s, above, &own) < 0)
        return -EACCES; /* the top is its owner's */
    if (above.len > 0 && imap_find_path(s, above, &parent) < 0)
        error = make(s, above, STORE_ROLE_NONE, &parent.id);
    if (!error && parent.id)
        error = imap_may(s, parent.id, STORE_RIGHT_CREATE);
    *ret = parent.id;
    return error && imap_visits(s) ? -EACCES : error;
}

/* RENAME of the INBOX moves its messages to a new mailbox (RFC 9051 §6.3.6). */
static int rename_inbox(struct imap_session *s, struct slice to) WAITS {
    _cleanup_(buf_done) struct buf uids = {0};
    struct store_view *view;
    struct store_view_info info;
    struct store_message m;
    uint32_t made;
    int error = make(s, to, STORE_ROLE_NONE, &made);
    if (!error)
        error = store_view_open(s->account, STORE_INBOX, &view);
    if (error)
        return error;
    store_view_info(view, &info);
    for (size_t place = 0; place < info.count; place++) {
        store_view_at(view, place, &m);
        buf_add_bytes(&uids, &m.uid, sizeof m.uid);
        (void)fiber_yield_if_long();
    }
    store_view_close(view);
    struct store_copied moved;
    return uids.len == 0 ? 0
                         : store_copy(s->account, STORE_INBOX, (const uint32_t *)(void *)uids.ptr,
                                      uids.len / sizeof(uint32_t), made, true, &moved);
}

/* What is missing above the new path is made when nothing else stands in the way of it. */
static int rename_other(struct imap_session *s, uint32_t mailbox, struct slice to) WAITS {
    struct slice above = S(""), name, own;
    uint32_t parent;
    if (imap_own_path(s, to, &own) < 0)
        return -EACCES;
    if (!imap_visits(s) && is_of_others(to))
        return -E_SYNTAX;
    ssize_t at = slice_rfind_byte(own, IMAP_UNDER);
    name = slice_from(own, (size_t)(at + 1));
    if (at >= 0)
        above = slice_first(own, (size_t)at);
    if (imap_leads_through(s->account, above, mailbox))
        return -EINVAL;
    if (!imap_path_is_good(own))
        return -E_SYNTAX;
    int error = find_new_parent(s, slice_first(to, to.len - MIN(to.len, name.len + 1)), &parent);
    return error ? error : store_rename_mailbox(s->account, mailbox, parent, name);
}

/* The INBOX keeps its name: what was in it has the new one. */
static void note_renamed(struct imap_session *s, struct slice from, uint32_t mailbox,
                         struct slice to) {
    _cleanup_(buf_done) struct buf path = {0};
    if (!s->config->mailbox)
        return;
    if (mailbox == STORE_INBOX)
        buf_add(&path, to);
    else
        imap_mailbox_path(s->account, mailbox, &path);
    s->config->mailbox(s->config->gone_arg, s->account, from, buf_slice(&path));
}

static int rename_named(struct imap_session *s, struct slice from, struct slice to) WAITS {
    _cleanup_(buf_done) struct buf before = {0};
    struct store_mailbox m;
    int error = store_names_lock(s->account);
    if (error)
        return error;
    error = imap_find_allowed(s, from, STORE_RIGHT_REMOVE_MAILBOX, &m);
    if (!error && slice_eq(from, to))
        error = -EEXIST;
    if (!error)
        imap_mailbox_path(s->account, m.id, &before);
    if (!error && m.id == STORE_INBOX)
        error = imap_visits(s) ? -EACCES : rename_inbox(s, to);
    else if (!error)
        error = rename_other(s, m.id, to);
    if (!error)
        note_renamed(s, buf_slice(&before), m.id, to);
    store_names_unlock(s->account);
    return error;
}

void imap_do_rename(struct imap_session *s, const struct imap_command *command) {
    int error = rename_named(s, command->rename.from, command->rename.to);
    if (error == -EEXIST)
        imap_say(&s->c, command->tag, "NO", "ALREADYEXISTS", "there is a mailbox of that name");
    else if (error == -EINVAL)
        imap_say(&s->c, command->tag, "NO", "CANNOT", "a mailbox cannot be below itself");
    else if (error)
        imap_no(s, command, error);
    else
        imap_ok(s, command, "renamed");
}

void imap_do_subscribe(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf path = {0};
    buf_add(&path, command->name);
    for (size_t i = 0; i < path.len; i++)
        if (path.ptr[i] == IMAP_UNDER)
            path.ptr[i] = STORE_UNDER[0];
    bool subscribed = command->verb == IMAP_SUBSCRIBE;
    int error = store_subscribe(s->account, buf_slice(&path), subscribed);
    if (error)
        imap_no(s, command, error);
    else
        imap_ok(s, command, subscribed ? "subscribed" : "not subscribed any more");
}
