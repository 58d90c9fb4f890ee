/* SPDX-License-Identifier: ISC */
/*
 * Each mail process has a socket of its own, and says of an account that is not its own that it is
 * not: so nothing here has to know how many there are, or which one it is.
 */
#include "cli/mailbox/mailbox_access.h"

#include <errno.h>

#include "base/alloc.h"
#include "cli/directory/directory_access.h"
#include "cli/host/server.h"
#include "cli/role_access.h"
#include "events/kinds.h"
#include "proc/process.h"
#include "role/mail/mail_deleted.h"
#include "role/mail/mail_messages.h"
#include "role/mailboxes.h"

struct mailbox_access {
    struct role_access role;
    struct store *store;     /* without a link, as is */
    const struct conf *conf; /* for it */
    uint64_t account, quota;
    struct slice address;
};

/* What the store may take away by, or refuse. */
static const char *const needed[] = {
    "accounts.mailboxes",        "accounts.mailbox-names", "delivery.deleted-keep",
    "delivery.deleted-size-max", "delivery.quota",         "queue.disk-reserve",
};

/* Opens nothing: the account may be one that is to begin. */
static int ask_whose(struct mailbox_access *x, struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_whose_in in = {.account = x->account};
    struct rpc_mail_whose_out out;
    return call_mail_whose(x->role.link, &in, &a, &out, problem);
}

/* The link to the process that has the account. */
static int find_process(struct cli *c, struct mailbox_access *x, struct problem *problem) WAITS {
    for (unsigned worker = 0; worker < PROCESS_WORKERS_MAX; worker++) {
        int r = server_connect_worker(c, ROLE_MAIL, worker, &x->role.link, problem);
        if (r == 0)
            r = ask_whose(x, problem);
        if (r == -ENOTCONN)
            break;
        if (r != -E_REFUSED)
            return r;
        *problem = (struct problem){0};
        rpc_link_free(TAKE_PTR(x->role.link));
    }
    return problem_set(problem, -ENOTCONN,
                       _("the server in %s stops or starts just now; try again"), c->directory);
}

/* Of the account that was asked for: no other one is opened. */
static void print_damage(void *arg, uint64_t account, const char *text) {
    const struct mailbox_access *x = arg;
    (void)account;
    cli_print("%.*s: %s", SLICE_ARG(x->address), text);
}

static int open_here(struct cli *c, struct mailbox_access *x, struct problem *problem) WAITS {
    x->conf = cli_settings_for(c, needed, ARRAY_SIZE(needed), problem);
    if (!x->conf)
        return -EBADMSG;
    struct store_options options = {
        .undelete = x->conf->delivery.deleted_keep,
        .undelete_bytes = x->conf->delivery.deleted_size_max,
        .report = print_damage,
        .report_arg = x,
    };
    role_access_hold_events(&x->role, 0);
    int r = state_lock(c->directory, &x->role.lock, problem);
    if (r == 0)
        r = enter_folder(c, "accounts", &c->users.mail, &x->role.entered, problem);
    return r < 0 ? r : mailboxes_open(x->conf, &options, &x->store, problem);
}

int mailbox_access_open(struct cli *c, struct slice address, struct mailbox_access **ret,
                        struct problem *problem) {
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NEW(struct mailbox_access);
    struct directory_access *directory = NULL;
    struct account account = {0};
    role_access_init(c, &x->role);
    int r = directory_access_open(c, &directory, problem);
    if (r < 0)
        return r;
    bool remote = directory_access_is_remote(directory);
    r = access_account_show(directory, address, c->arena, &account, problem);
    directory_access_close(directory);
    if (r < 0)
        return r;
    x->account = account.id;
    x->quota = account.quota;
    x->address = account.address;
    r = remote ? find_process(c, x, problem) : open_here(c, x, problem);
    if (r == 0)
        *ret = TAKE_PTR(x);
    return r;
}

void mailbox_access_close(struct mailbox_access *x) {
    if (!x)
        return;
    store_close(x->store);
    role_access_done(&x->role);
    free(x);
}

int access_deleted(struct mailbox_access *x, const struct rpc_mail_deleted_in *in, struct arena *a,
                   struct rpc_mail_deleted_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_mail_deleted_in of_account = *in;
    of_account.account = x->account;
    *out = (struct rpc_mail_deleted_out){0};
    if (x->role.link)
        return call_mail_deleted(x->role.link, &of_account, a, out, problem);
    out->keep = x->conf->delivery.deleted_keep;
    out->size_max = x->conf->delivery.deleted_size_max;
    return mail_answer_deleted(x->store, &of_account, a, out, problem);
}

int access_restore(struct mailbox_access *x, const struct rpc_mail_restore_in *in, struct arena *a,
                   struct rpc_mail_restore_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_mail_restore_in of_account = *in;
    of_account.by = x->role.hint;
    of_account.account = x->account;
    of_account.address = x->address;
    of_account.quota = x->quota;
    *out = (struct rpc_mail_restore_out){0};
    if (x->role.link)
        return call_mail_restore(x->role.link, &of_account, a, out, problem);
    if (of_account.quota == 0)
        of_account.quota = x->conf->delivery.quota;
    struct slice messages = S("");
    int r = mail_answer_restore(x->store, &of_account, a, out, &messages, problem);
    if (messages.len > 0) {
        struct event_fact facts[MAIL_RESTORED_FACTS];
        struct event event = {.wall = fiber_wall(),
                              .kind = S(KIND_RESTORED),
                              .facts = facts,
                              .fact_count = MAIL_RESTORED_FACTS};
        event.text = mail_restored_event(x->role.by, x->address, messages, facts, a);
        event_log_add(x->role.events, ROLE_MAIL, &event);
    }
    return r;
}

/* ------------------------------------------------------------------ mailboxes */

/* What was done on the files; the mail process tells of what it does itself. */
static void hold_event(struct mailbox_access *x, const struct mail_done *done) {
    if (!done->kind)
        return;
    struct event event = {.wall = fiber_wall(),
                          .kind = slice_of_str(done->kind),
                          .facts = (struct event_fact *)done->facts,
                          .fact_count = done->fact_count,
                          .text = done->text};
    event_log_add(x->role.events, ROLE_MAIL, &event);
}

int access_begin_bare(struct mailbox_access *x, bool *ret_had_begun, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    const struct rpc_mail_begin_bare_in in = {.account = x->account};
    struct rpc_mail_begin_bare_out out = {0};
    int r = x->role.link ? call_mail_begin_bare(x->role.link, &in, &a, &out, problem)
                         : mail_answer_begin_bare(x->store, &in, &out, problem);
    if (r == 0)
        *ret_had_begun = out.had_begun;
    return r;
}

int access_mailboxes(struct mailbox_access *x, uint32_t after, uint32_t limit, struct arena *a,
                     struct rpc_mail_mailboxes_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_mail_mailboxes_in in = {
        .account = x->account, .quota = x->quota, .after = after, .limit = limit};
    *out = (struct rpc_mail_mailboxes_out){0};
    if (x->role.link)
        return call_mail_mailboxes(x->role.link, &in, a, out, problem);
    if (in.quota == 0)
        in.quota = x->conf->delivery.quota;
    return mail_answer_mailboxes(x->store, &in, a, out, problem);
}

int access_change_mailbox(struct mailbox_access *x, const struct rpc_mail_change_mailbox_in *in,
                          struct arena *a, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_mail_change_mailbox_in of_account = *in;
    struct rpc_mail_change_mailbox_out out;
    struct mail_done done = {0};
    of_account.by = x->role.hint;
    of_account.account = x->account;
    of_account.address = x->address;
    if (x->role.link)
        return call_mail_change_mailbox(x->role.link, &of_account, a, &out, problem);
    int r = mail_answer_change_mailbox(x->store, &of_account, x->role.by, a, &done, problem);
    hold_event(x, &done);
    return r;
}

int access_mailbox_rights(struct mailbox_access *x, struct slice path, struct arena *a,
                          struct rpc_mail_mailbox_rights_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    const struct rpc_mail_mailbox_rights_in in = {
        .account = x->account, .address = x->address, .path = path};
    *out = (struct rpc_mail_mailbox_rights_out){0};
    return x->role.link ? call_mail_mailbox_rights(x->role.link, &in, a, out, problem)
                        : mail_answer_mailbox_rights(x->store, &in, a, out, problem);
}

/* ------------------------------------------------------------------ messages */

int access_messages(struct mailbox_access *x, const struct rpc_mail_messages_in *in,
                    struct arena *a, struct rpc_mail_messages_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_mail_messages_in of_account = *in;
    of_account.account = x->account;
    *out = (struct rpc_mail_messages_out){0};
    return x->role.link ? call_mail_messages(x->role.link, &of_account, a, out, problem)
                        : mail_answer_messages(x->store, NULL, &of_account, a, out, problem);
}

int access_message(struct mailbox_access *x, const struct rpc_mail_message_in *in, struct arena *a,
                   struct rpc_mail_message_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_mail_message_in of_account = *in;
    struct mail_done done = {0};
    of_account.by = x->role.hint;
    of_account.account = x->account;
    of_account.address = x->address;
    *out = (struct rpc_mail_message_out){0};
    if (x->role.link)
        return call_mail_message(x->role.link, &of_account, a, out, problem);
    int r = mail_answer_message(x->store, &of_account, x->role.by, a, out, &done, problem);
    hold_event(x, &done);
    return r;
}

int access_change_messages(struct mailbox_access *x, const struct rpc_mail_change_messages_in *in,
                           struct arena *a, struct rpc_mail_change_messages_out *out,
                           struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_mail_change_messages_in of_account = *in;
    struct mail_done done = {0};
    of_account.by = x->role.hint;
    of_account.account = x->account;
    of_account.address = x->address;
    *out = (struct rpc_mail_change_messages_out){0};
    if (x->role.link)
        return call_mail_change_messages(x->role.link, &of_account, a, out, problem);
    int r = mail_answer_change_messages(x->store, &of_account, x->role.by, a, out, &done, problem);
    hold_event(x, &done);
    return r;
}

int access_search_index(struct mailbox_access *x, bool rebuild,
                        struct rpc_mail_search_index_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_mail_search_index_in in = {.account = x->account, .rebuild = rebuild};
    MUST(x->role.link);
    return call_mail_search_index(x->role.link, &in, &a, out, problem);
}

int mailbox_access_report(struct cli *c, struct mailbox_access *x, struct problem *problem) {
    store_close(TAKE_PTR(x->store));
    return role_access_report(c, &x->role, problem);
}
