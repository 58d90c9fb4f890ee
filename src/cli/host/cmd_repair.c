/* SPDX-License-Identifier: ISC */
/*
 * Works on the files, so it holds the lock of the state directory and, as root, does so as the user
 * of the mailboxes.
 */
#include <errno.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/terminal/enter.h"
#include "cli/terminal/format.h"
#include "cli/terminal/row.h"
#include "fiber/wait.h"
#include "role/mailboxes.h"

struct repair {
    uint64_t account;
    struct backend_repaired result;
    struct problem *problem;
};

/* The account, asked for while nothing else is open. */
static int find_account(struct cli *c, struct repair *job, struct problem *problem) WAITS {
    struct account account;
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, problem);
    if (r < 0)
        return r;
    if (directory_access_is_remote(x))
        return problem_set(problem, -E_BUSY,
                           _("the server in %s is running; stop it first: hayauma -C %s stop"),
                           c->directory, c->directory);
    r = access_account_show(x, cli_text(c->call, "USER@DOMAIN"), c->arena, &account, problem);
    if (r < 0)
        return r;
    job->account = account.id;
    return 0;
}

static int repair_in_thread(void *arg) {
    struct repair *r = arg;
    return mailboxes_offline->repair(".", r->account, &r->result, r->problem);
}

static int repair(struct cli *c, struct repair *repair) WAITS {
    struct entered entered = ENTERED_NONE;
    _cleanup_(close_p) int lock = -1;
    int r = state_lock(c->directory, &lock, repair->problem);
    if (r == 0)
        r = enter_folder(c, "accounts", &c->users.mail, &entered, repair->problem);
    if (r < 0)
        return r;
    r = offload(OFFLOAD_DISK, repair_in_thread, repair);
    if (r == -ENOENT)
        (void)problem_set(repair->problem, r,
                          _("no message has come to this account yet, so there is"
                            " nothing to repair"));
    leave_folder(&entered);
    return r;
}

static void write_result(struct cli *c, const struct backend_repaired *found) {
    struct json j = {.to = &c->out};
    if (!c->json) {
        buf_printf(&c->out,
                   P_("The index is made anew from %llu pack. Messages in mailboxes: %llu; deleted"
                      " ones that can be brought back: %llu\n",
                      "The index is made anew from %llu packs. Messages in mailboxes: %llu; deleted"
                      " ones that can be brought back: %llu\n",
                      found->packs),
                   (unsigned long long)found->packs, (unsigned long long)found->messages,
                   (unsigned long long)found->deleted);
        if (found->damaged > 0) {
            _cleanup_(buf_done) struct buf size = {0};
            format_size(&size, found->damaged);
            buf_printf(&c->out, _("Damaged bytes that could not be read: %s\n"), buf_str(&size));
        }
        return;
    }
    json_object(&j);
    cli_json_int(&j, "packs", (int64_t)found->packs);
    cli_json_int(&j, "messages", (int64_t)found->messages);
    cli_json_int(&j, "deleted", (int64_t)found->deleted);
    cli_json_int(&j, "damaged_bytes", (int64_t)found->damaged);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static int cmd_repair(struct cli *c) WAITS {
    struct problem problem = {0};
    struct repair job = {.problem = &problem};
    int r = find_account(c, &job, &problem);
    if (r == 0)
        r = repair(c, &job);
    if (r < 0)
        return cli_fail(r, &problem);
    write_result(c, &job.result);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS repair_parameters[] = {
    ARGUMENT("USER@DOMAIN", .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the account whose mailboxes are to be repaired")),
    END,
};
const struct cli_command command_repair = {
    .name = "repair",
    .about = N_("Makes the index of an account's mailboxes anew from the messages on the disk."),
    .more = N_("For an account whose index is damaged, or whose mailboxes stay closed since the"
               " disk does not give all of them: what cannot be read is given up. The old index is"
               " kept aside. The server must not be running."),
    .parameters = repair_parameters,
    .json = "{\"packs\": number, \"messages\": number, \"deleted\": number, \"damaged_bytes\": "
            "number}",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_repair,
};
