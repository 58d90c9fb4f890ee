/* SPDX-License-Identifier: ISC */
/*
 * Taking accounts out of use, bringing them back, giving them up. The server's processes
 * delete files while it runs; while it does not, the three steps of a purge (directory/admin.h) are
 * taken here one after the other, each as the user who owns the files.
 */
#include "cli/directory/account_view.h"
#include "cli/directory/directory_access.h"
#include "cli/terminal/enter.h"
#include "cli/terminal/row.h"
#include "fiber/wait.h"
#include "role/mailboxes.h"

/* ------------------------------------------------------------------ remove */

static void confirm_removal(struct cli *c, const struct account *account, usec_t until) {
    _cleanup_(buf_done) struct buf usage = {0};
    struct slice address = cli_shown(c->arena, account->address);
    account_write_usage(&usage, account);
    buf_printf(
        &c->out,
        _("Removed the account %.*s, number %llu.\nIt can neither log in nor receive messages"
          " any more.\n"),
        SLICE_ARG(address), (unsigned long long)account->id);
    if (until > 0)
        buf_printf(&c->out, _("Its mailbox with %s is kept until %.*s.\n"), buf_str(&usage),
                   SLICE_ARG(cli_time(c->arena, until, "-")));
    else
        buf_printf(&c->out, _("Its mailbox with %s is kept until somebody purges it.\n"),
                   buf_str(&usage));
    buf_printf(&c->out,
               _("To bring all of it back:    hayauma account restore %.*s\n"
                 "To delete it for ever now:  hayauma account purge %.*s\n"),
               SLICE_ARG(address), SLICE_ARG(address));
}

static void json_removal(struct cli *c, const struct account *account, usec_t until) {
    struct json j = {.to = &c->out};
    json_object(&j);
    cli_json_int(&j, "id", (int64_t)account->id);
    cli_json_text(&j, "address", account->address);
    account_json_usage(&j, account);
    cli_json_time(&j, "kept_until", until);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static int cmd_account_remove(struct cli *c) WAITS {
    struct problem problem = {0};
    struct account account = {0};
    struct slice address = cli_text(c->call, "USER@DOMAIN");
    usec_t until = 0;
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = access_account_show(x, address, c->arena, &account, &problem);
    if (r == 0)
        r = access_account_remove(x, address, cli_has(c->call, "force"), &account.id, &until,
                                  &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        json_removal(c, &account, until);
    else
        confirm_removal(c, &account, until);
    return CLI_OK;
}

/* ------------------------------------------------------------------ restore */

static int cmd_account_restore(struct cli *c) WAITS {
    struct problem problem = {0};
    struct account account = {0};
    struct json j = {.to = &c->out};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    _cleanup_(buf_done) struct buf usage = {0};
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = access_account_restore(x, cli_text(c->call, "USER@DOMAIN|ID"), cli_text(c->call, "as"),
                                   c->arena, &account, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json) {
        account_json(&j, &account);
        buf_add_byte(&c->out, '\n');
        return CLI_OK;
    }
    account_write_usage(&usage, &account);
    buf_printf(&c->out, _("The account %.*s, number %llu, is back with %s.\n"),
               SLICE_ARG(cli_shown(c->arena, account.address)), (unsigned long long)account.id,
               buf_str(&usage));
    return CLI_OK;
}

/* ------------------------------------------------------------------ purge */

struct purging {
    struct cli *c;
    struct slice which;
    struct account account;
    struct slice left; /* why its files are still there; empty: they have gone */
    bool remote;
};

static int mark(struct purging *p, struct problem *problem) WAITS {
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(p->c, &x, problem);
    if (r < 0)
        return r;
    p->remote = directory_access_is_remote(x);
    return access_account_purge(x, p->which, p->c->arena, &p->account, &p->left, problem);
}

static int delete_in_thread(void *arg) {
    const struct purging *p = arg;
    return mailboxes_offline->purge(".", p->account.id);
}

static int delete_files(struct purging *p, struct problem *problem) WAITS {
    struct entered entered = ENTERED_NONE;
    _cleanup_(close_p) int lock = -1;
    int r = state_lock(p->c->directory, &lock, problem);
    if (r == 0)
        r = enter_folder(p->c, "accounts", &p->c->users.mail, &entered, problem);
    if (r < 0)
        return r;
    r = offload(OFFLOAD_DISK, delete_in_thread, p);
    leave_folder(&entered);
    return r < 0 ? problem_set(problem, r,
                               _("the files of account %llu cannot be deleted: %s; the server"
                                 " tries again when it runs"),
                               (unsigned long long)p->account.id, error_words(r))
                 : 0;
}

static int forget(const struct purging *p, struct problem *problem) WAITS {
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(p->c, &x, problem);
    return r < 0 ? r : access_account_purged(x, p->account.id, problem);
}

static void confirm_purge(struct cli *c, const struct purging *p) {
    _cleanup_(buf_done) struct buf usage = {0};
    struct json j = {.to = &c->out};
    if (c->json) {
        json_object(&j);
        cli_json_int(&j, "id", (int64_t)p->account.id);
        cli_json_text(&j, "address", p->account.address);
        account_json_usage(&j, &p->account);
        cli_json_bool(&j, "done", p->left.len == 0);
        json_end(&j);
        buf_add_byte(&c->out, '\n');
        return;
    }
    account_write_usage(&usage, &p->account);
    if (p->left.len == 0)
        buf_printf(&c->out,
                   _("Deleted the removed account %.*s, number %llu, for ever, with %s.\n"),
                   SLICE_ARG(cli_shown(c->arena, p->account.address)),
                   (unsigned long long)p->account.id, buf_str(&usage));
    else
        buf_printf(&c->out,
                   _("The removed account %.*s, number %llu, is given up for ever. Its files are"
                     " still there (%.*s) and are deleted within some minutes.\n"),
                   SLICE_ARG(cli_shown(c->arena, p->account.address)),
                   (unsigned long long)p->account.id, SLICE_ARG(p->left));
}

static int cmd_account_purge(struct cli *c) WAITS {
    struct problem problem = {0};
    struct purging p = {.c = c, .which = cli_text(c->call, "USER@DOMAIN|ID")};
    int r = mark(&p, &problem);
    if (r == 0 && !p.remote)
        r = delete_files(&p, &problem);
    if (r == 0 && !p.remote)
        r = forget(&p, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    confirm_purge(c, &p);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS account_leaving_parameters[] = {
    ACCOUNT,
    FORCE,
    END,
};
const struct cli_command command_account_remove = {
    .name = "account remove",
    .about = N_("Takes an account out of use; its messages are kept for a while."),
    .more = N_("At once nobody can log in to it, and mail to its address is refused. The"
               " account and its messages are kept for accounts.removed-keep (30 days):"
               " account restore brings all of it back, account purge deletes it at once. Its"
               " address is taken out of aliases, and may go to a new account. Refused while it"
               " is the only target of an alias or a domain's catch-all."),
    .offline = true,
    .parameters = account_leaving_parameters,
    .json = "{\"id\": number, \"address\": text, " JSON_USAGE ", \"kept_until\": time|null}",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_remove,
};

PARAMETERS account_restore_parameters[] = {
    ARGUMENT("USER@DOMAIN|ID", .offers = CLI_OFFER_REMOVED,
             .about = N_("the address that the account had, or its number")),
    OPTION("as", "USER@DOMAIN", .about = N_("bring it back under this address")),
    END,
};
EXAMPLES account_restore_examples[] = {
    "hayauma account restore tama@example.jp",
    "hayauma account restore 12 --as tama.old@example.jp",
    NULL,
};
const struct cli_command command_account_restore = {
    .name = "account restore",
    .about = N_("Brings a removed account back as it was, with its messages."),
    .more = N_("Its password, its place in aliases that are still there and an alias on its own"
               " address come back too. When the address belongs to somebody else by now, say"
               " another one with --as."),
    .offline = true,
    .parameters = account_restore_parameters,
    .examples = account_restore_examples,
    .json = JSON_ACCOUNT,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_restore,
};

PARAMETERS account_purge_parameters[] = {
    ARGUMENT("USER@DOMAIN|ID", .offers = CLI_OFFER_REMOVED,
             .about = N_("the address that the account had, or its number")),
    END,
};
const struct cli_command command_account_purge = {
    .name = "account purge",
    .about = N_("Deletes a removed account and its messages for ever."),
    .more = N_("The disk is free again when it returns, unless it says that files are still"
               " there. An account in use has to be removed first."),
    .offline = true,
    .parameters = account_purge_parameters,
    .json = "{\"id\": number, \"address\": text, " JSON_USAGE ", \"done\": bool}",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_purge,
};
