/* SPDX-License-Identifier: ISC */
#include "role/mail/mail_mailboxes.h"

#include <errno.h>

#include "base/words.h"
#include "events/kinds.h"
#include "imap/acl.h"
#include "imap/names.h"
#include "message/unicode/nfc.h"
#include "store/properties.h"

#define MAILBOXES_PAGE 200U
#define RIGHTS_MAX     1000U

int mail_open_asked(struct store *s, uint64_t account, struct store_account **ret,
                    struct problem *problem) {
    int r = store_account_open(s, account, ret);
    return r < 0 ? problem_set(problem, r, N_("the mailboxes of the account cannot be opened: %s"),
                               error_text(r))
                 : 0;
}

/* The one form that paths have in the store, in the arena. */
static struct slice one_form(struct slice path, struct arena *a) {
    _cleanup_(buf_done) struct buf form = {0};
    nfc_add(&form, path);
    return arena_copy(a, buf_slice(&form));
}

int mail_find_mailbox(const struct store_account *account, struct slice path, struct arena *a,
                      struct store_mailbox *ret, struct problem *problem) {
    int r = imap_find_mailbox(account, one_form(path, a), ret);
    return r < 0
               ? problem_set(problem, r, N_("the account has no mailbox \"%.*s\""), SLICE_ARG(path))
               : 0;
}

struct slice mail_mailbox_path(const struct store_account *account, uint32_t mailbox,
                               struct arena *a) {
    _cleanup_(buf_done) struct buf path = {0};
    imap_mailbox_path(account, mailbox, &path);
    return arena_copy(a, buf_slice(&path));
}

int mail_answer_begin_bare(struct store *s, const struct rpc_mail_begin_bare_in *in,
                           struct rpc_mail_begin_bare_out *out, struct problem *problem) {
    int r = store_begin_bare(s, in->account);
    out->had_begun = r == -EEXIST;
    return r < 0 && r != -EEXIST
               ? problem_set(problem, r, N_("the mailboxes of the account cannot be opened: %s"),
                             error_text(r))
               : 0;
}

/* ------------------------------------------------------------------ listing */

static void note_right(void *arg, const struct store_property *p) {
    (void)p;
    *(bool *)arg = true;
}

static struct rpc_mailbox describe(const struct store_account *account,
                                   const struct store_mailbox *m, struct arena *a) {
    _cleanup_(buf_done) struct buf path = {0};
    struct rpc_mailbox d = {
        .id = m->id,
        .path = mail_mailbox_path(account, m->id, a),
        .use = (uint8_t)m->role,
        .messages = m->messages,
        .unseen = m->unseen,
        .bytes = m->bytes,
        .uidvalidity = m->uidvalidity,
        .uidnext = m->uidnext,
    };
    if (store_mailbox_path(account, m->id, &path) == 0)
        d.subscribed = store_is_subscribed(account, buf_slice(&path));
    store_property_each(account, m->id, STORE_RIGHTS, note_right, &d.shared);
    return d;
}

int mail_answer_mailboxes(struct store *s, const struct rpc_mail_mailboxes_in *in, struct arena *a,
                          struct rpc_mail_mailboxes_out *out, struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct store_usage usage;
    int r = mail_open_asked(s, in->account, &account, problem);
    if (r < 0)
        return r;
    size_t most = MIN(in->limit, MAILBOXES_PAGE), count = store_mailbox_count(account);
    out->mailboxes = arena_array(a, most, sizeof *out->mailboxes);
    for (size_t i = 0; i < count && out->mailboxes_count < most; i++) {
        struct store_mailbox m;
        store_mailbox_at(account, i, &m);
        if (m.id > in->after)
            out->mailboxes[out->mailboxes_count++] = describe(account, &m, a);
    }
    store_account_usage(account, &usage);
    out->quota = in->quota;
    out->messages = usage.messages;
    out->bytes = usage.bytes;
    out->disk = usage.disk;
    return 0;
}

struct rights {
    const struct store_account *account;
    struct arena *arena;
    struct rpc_mail_mailbox_rights_out *out;
    struct slice owner;
    bool owner_is_named;
};

static void add_right(struct rights *l, struct slice identifier, uint32_t rights) {
    char text[STORE_RIGHTS_TEXT_SIZE];
    if (l->out->rights_count == RIGHTS_MAX) {
        l->out->more++;
        return;
    }
    l->out->rights[l->out->rights_count++] = (struct rpc_mailbox_right){
        arena_copy(l->arena, identifier),
        arena_copy(l->arena, store_rights_text(rights, text)),
    };
}

static void list_right(void *arg, const struct store_property *p) {
    struct rights *l = arg;
    l->owner_is_named |= slice_eq(p->name, l->owner);
    add_right(l, p->name, store_rights_granted(l->account, p->mailbox, p->name));
}

int mail_answer_mailbox_rights(struct store *s, const struct rpc_mail_mailbox_rights_in *in,
                               struct arena *a, struct rpc_mail_mailbox_rights_out *out,
                               struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct store_mailbox m;
    int r = mail_open_asked(s, in->account, &account, problem);
    if (r == 0)
        r = mail_find_mailbox(account, in->path, a, &m, problem);
    if (r < 0)
        return r;
    out->rights = arena_array(a, RIGHTS_MAX, sizeof *out->rights);
    struct rights l = {.account = account, .arena = a, .out = out, .owner = in->address};
    store_property_each(account, m.id, STORE_RIGHTS, list_right, &l);
    if (!l.owner_is_named)
        add_right(&l, in->address, STORE_RIGHTS_ALL);
    return 0;
}

/* ------------------------------------------------------------------ changing */

struct changing {
    const struct rpc_mail_change_mailbox_in *in;
    struct store_account *account;
    struct arena *arena;
    struct problem *problem;
    struct slice path, to;      /* in their one form */
    struct slice before, after; /* for the event */
};

/* Makes those above the last name of a path that are missing; the last name. */
static int make_above(struct changing *v, struct slice path, uint32_t *ret_parent,
                      struct slice *ret_name) WAITS {
    struct slice rest, name = S("");
    if (slice_ends(path, S("/")))
        path.len--;
    if (!imap_path_is_good(path)) /* before a part of it is made */
        return -E_SYNTAX;
    imap_walk(v->account, path, ret_parent, &rest);
    if (rest.len == 0)
        return -EEXIST;
    for (int r; slice_next(&rest, IMAP_UNDER, &name) && rest.len > 0;)
        if ((r = store_create_mailbox(v->account, *ret_parent, name, STORE_ROLE_NONE, ret_parent)))
            return r;
    *ret_name = name;
    return 0;
}

static int create(struct changing *v) WAITS {
    _cleanup_(buf_done) struct buf path = {0};
    uint32_t parent, id;
    struct slice name;
    int r = v->in->use < STORE_ROLES && v->in->use != STORE_ROLE_INBOX ? 0 : -E_SYNTAX;
    if (r == 0)
        r = make_above(v, v->path, &parent, &name);
    if (r == 0)
        r = store_create_mailbox(v->account, parent, name, (enum store_role)v->in->use, &id);
    if (r == 0 && v->in->subscribe && store_mailbox_path(v->account, id, &path) == 0)
        r = store_subscribe(v->account, buf_slice(&path), true);
    if (r == -E_REFUSED)
        return problem_set(v->problem, r,
                           N_("another mailbox of the account is for that use already"));
    return r;
}

static int rename_mailbox(struct changing *v) WAITS {
    struct store_mailbox m;
    uint32_t parent;
    struct slice name;
    int r = mail_find_mailbox(v->account, v->path, v->arena, &m, v->problem);
    if (r == 0 && m.id == STORE_INBOX)
        return problem_set(v->problem, -E_REFUSED,
                           N_("the INBOX can be neither renamed nor"
                              " deleted"));
    if (r == 0)
        r = make_above(v, v->to, &parent, &name);
    if (r == 0)
        r = store_rename_mailbox(v->account, m.id, parent, name);
    if (r == -EINVAL)
        return problem_set(v->problem, -E_REFUSED, N_("a mailbox cannot be below itself"));
    v->after = v->to;
    return r;
}

static int remove_mailbox(struct changing *v) WAITS {
    struct store_mailbox m;
    int r = mail_find_mailbox(v->account, v->path, v->arena, &m, v->problem);
    if (r == 0)
        r = store_remove_mailbox(v->account, m.id, !v->in->with_messages);
    if (r == -EPERM)
        return problem_set(v->problem, -E_REFUSED,
                           N_("the INBOX can be neither renamed nor"
                              " deleted"));
    if (r == -E_BUSY)
        return problem_set(v->problem, -E_REFUSED,
                           N_("there are mailboxes below it: delete those first"));
    if (r == -ENOTEMPTY)
        return problem_set(v->problem, r,
                           N_("it has messages; with --with-messages they are deleted, too"));
    return r;
}

/* "hana@example.jp lrs" */
static struct slice rights_text(const struct changing *v, uint32_t mailbox, struct slice who) {
    char text[STORE_RIGHTS_TEXT_SIZE];
    uint32_t rights = store_rights_granted(v->account, mailbox, who);
    return arena_printf(v->arena, "%.*s %.*s", SLICE_ARG(who),
                        SLICE_ARG(rights ? store_rights_text(rights, text) : S("none")));
}

static int set_rights(struct changing *v) WAITS {
    struct store_mailbox m;
    struct slice who, letters = v->in->rights, owner = v->in->address;
    uint32_t rights;
    enum imap_rights_change change = IMAP_RIGHTS_REPLACE;
    int r = mail_find_mailbox(v->account, v->path, v->arena, &m, v->problem);
    if (r < 0)
        return r;
    if (slice_starts(letters, S("+")) || slice_starts(letters, S("-"))) {
        change = letters.ptr[0] == '+' ? IMAP_RIGHTS_ADD : IMAP_RIGHTS_REMOVE;
        letters = slice_from(letters, 1);
    }
    if (imap_identifier(owner, v->in->to, v->arena, &who) < 0)
        return problem_set(v->problem, -E_SYNTAX,
                           N_("found \"%.*s\", expected anyone or the address of an account, with -"
                              " before it to take rights away"),
                           SLICE_ARG(v->in->to));
    if (store_rights_parse(letters, &rights) < 0)
        return problem_set(v->problem, -E_SYNTAX,
                           N_("found \"%.*s\", expected rights out of lrswipkxtea"),
                           SLICE_ARG(v->in->rights));
    v->before = rights_text(v, m.id, who);
    r = letters.len == 0 && change == IMAP_RIGHTS_REPLACE
            ? store_set_rights(v->account, m.id, who, S(""))
            : imap_change_rights(v->account, m.id, owner, who, change, letters);
    v->after = rights_text(v, m.id, who);
    return r;
}

static const struct {
    int (*function)(struct changing *v) WAITS;
    const char *change;
} changes[MAIL_MAILBOX_CHANGES] = {
    [MAIL_CREATE_MAILBOX] = {create, "create"},
    [MAIL_RENAME_MAILBOX] = {rename_mailbox, "rename"},
    [MAIL_REMOVE_MAILBOX] = {remove_mailbox, "remove"},
    [MAIL_SET_RIGHTS] = {set_rights, "rights"},
};

static void add_fact(struct mail_done *done, const char *name, struct slice value) {
    if (value.len > 0)
        done->facts[done->fact_count++] = (struct event_fact){slice_of_str(name), value};
}

static void tell(const struct changing *v, struct slice by, struct mail_done *done) {
    struct slice account = v->in->address;
    struct arena *a = v->arena;
    done->kind = KIND_MAILBOX;
    add_fact(done, FACT_BY, by);
    add_fact(done, FACT_ACCOUNT, account);
    add_fact(done, FACT_CHANGE, slice_of_str(changes[v->in->change].change));
    add_fact(done, FACT_MAILBOX, v->path);
    add_fact(done, FACT_BEFORE, v->before);
    add_fact(done, FACT_AFTER, v->after);
    switch ((enum mail_mailbox_change)v->in->change) {
    case MAIL_CREATE_MAILBOX:
        done->text = arena_printf(a, "%.*s made the mailbox %.*s of %.*s", SLICE_ARG(by),
                                  SLICE_ARG(v->path), SLICE_ARG(account));
        break;
    case MAIL_RENAME_MAILBOX:
        done->text = arena_printf(a, "%.*s renamed the mailbox %.*s of %.*s to %.*s", SLICE_ARG(by),
                                  SLICE_ARG(v->path), SLICE_ARG(account), SLICE_ARG(v->after));
        break;
    case MAIL_REMOVE_MAILBOX:
        done->text = arena_printf(a, "%.*s deleted the mailbox %.*s of %.*s", SLICE_ARG(by),
                                  SLICE_ARG(v->path), SLICE_ARG(account));
        break;
    default:
        done->text = arena_printf(
            a, "%.*s changed who may do what in the mailbox %.*s of %.*s (%.*s, now %.*s)",
            SLICE_ARG(by), SLICE_ARG(v->path), SLICE_ARG(account), SLICE_ARG(v->before),
            SLICE_ARG(v->after));
    }
}

int mail_answer_change_mailbox(struct store *s, const struct rpc_mail_change_mailbox_in *in,
                               struct slice by, struct arena *a, struct mail_done *done,
                               struct problem *problem) {
    _cleanup_(store_account_close_p) struct store_account *account = NULL;
    struct changing v = {.in = in, .arena = a, .problem = problem};
    if (in->change >= MAIL_MAILBOX_CHANGES)
        return -E_SYNTAX;
    int r = mail_open_asked(s, in->account, &account, problem);
    if (r < 0)
        return r;
    v.account = account;
    v.path = one_form(in->path, a);
    v.to = one_form(in->to, a);
    r = store_names_lock(account);
    if (r < 0)
        return r;
    r = changes[in->change].function(&v);
    store_names_unlock(account);
    if (r == 0)
        tell(&v, by, done);
    if (r == 0 || problem->text[0])
        return r;
    if (r == -EEXIST)
        return problem_set(problem, r, N_("the account has a mailbox of that name already"));
    if (r == -E_SYNTAX)
        return problem_set(problem, r,
                           N_("found a name that a mailbox cannot have, expected one such as"
                              " Work/2026: UTF-8 without control characters, at most %u bytes"
                              " between two slashes"),
                           STORE_NAME_MAX);
    return problem_set(problem, r, N_("the mailbox stays as it is: %s"), error_text(r));
}
