/* SPDX-License-Identifier: ISC */
/*
 * Messages in mailboxes are copied, moved and deleted. Which ones they are is found first, all of
 * them, and shown or counted; then it is done, mailbox by mailbox.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/mailbox/message_select.h"
#include "cli/terminal/row.h"
#include "role/mail/mail_messages.h"

#define UIDS_AT_ONCE 1000U
#define MANY         10U /* more are deleted only by who says so twice */
#define SHOWN        100U

struct chosen {
    uint32_t mailbox, uid;
};

struct choosing {
    struct cli *c;
    struct message_selection selection;
    struct buf chosen; /* struct chosen */
    struct table table;
    struct json json;
};

static size_t count_of(const struct choosing *v) {
    return v->chosen.len / sizeof(struct chosen);
}

static void choose(void *arg, const struct rpc_listed_message *list, size_t count,
                   struct arena *a) {
    struct choosing *v = arg;
    (void)a;
    for (size_t i = 0; i < count; i++) {
        struct chosen one = {list[i].mailbox, list[i].uid};
        buf_add_bytes(&v->chosen, &one, sizeof one);
    }
}

static int by_place(const void *left, const void *right) {
    const struct chosen *l = left, *r = right;
    return l->mailbox != r->mailbox ? (l->mailbox > r->mailbox) - (l->mailbox < r->mailbox)
                                    : (l->uid > r->uid) - (l->uid < r->uid);
}

/* ------------------------------------------------------------------ only saying it */

static void show(void *arg, const struct rpc_listed_message *list, size_t count, struct arena *a) {
    struct choosing *v = arg;
    for (size_t i = 0; i < count; i++) {
        struct slice mailbox = message_mailbox_name(&v->selection, list[i].mailbox);
        if (v->c->json)
            message_json(&v->json, mailbox, &list[i], a);
        else
            message_row(&v->table, &v->selection, &list[i], a);
    }
}

static int try_out(struct choosing *v, struct mailbox_access *x, struct problem *problem) WAITS {
    struct cli *c = v->c;
    bool more = false;
    v->table = (struct table){
        .columns = message_columns, .count = message_column_count, .width = c->width};
    if (c->json) {
        json_object(&v->json);
        json_key(&v->json, "messages");
        json_array(&v->json);
    }
    int r = message_each(x, &v->selection, true, SHOWN, show, v, &more, problem);
    if (r == 0 && c->json) {
        json_end(&v->json);
        cli_json_int(&v->json, "count", (int64_t)count_of(v));
        cli_json_bool(&v->json, "dry_run", true);
        json_end(&v->json);
        buf_add_byte(&c->out, '\n');
    } else if (r == 0) {
        if (count_of(v) > 0)
            table_write(&v->table, &c->out);
        table_end(&v->table, &c->out);
        buf_printf(
            &c->out,
            P_("\nIt would be %zu message.\n", "\nThey would be %zu messages.\n", count_of(v)),
            count_of(v));
    }
    table_done(&v->table);
    return r;
}

/* ------------------------------------------------------------------ doing it */

/* Asks on the terminal; where there is none, the answer is no. */
static bool is_wanted(struct cli *c, size_t count) {
    char line[16];
    if (count <= MANY || cli_has(c->call, "yes"))
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        cli_print(P_("this would delete %zu message; with --yes it does, --dry-run shows it",
                     "this would delete %zu messages; with --yes it does, --dry-run shows them",
                     count),
                  count);
        return false;
    }
    (void)fprintf(stderr, _("Delete %zu messages of %.*s? [y/N] "), count,
                  SLICE_ARG(cli_shown(c->arena, cli_text(c->call, "USER@DOMAIN"))));
    (void)fflush(stderr);
    return fgets(line, sizeof line, stdin) && tolower((unsigned char)line[0]) == 'y';
}

static int change_all(struct choosing *v, struct mailbox_access *x, uint8_t change,
                      uint64_t *ret_count, struct problem *problem) WAITS {
    struct chosen *list = (struct chosen *)(void *)v->chosen.ptr;
    const size_t count = count_of(v);
    _cleanup_(arena_done) struct arena a = {0};
    if (count > 0)
        qsort(list, count, sizeof *list, by_place);
    for (size_t i = 0; i < count;) {
        struct rpc_mail_change_messages_out out = {0};
        struct rpc_mail_change_messages_in in = {.change = change, .mailbox = list[i].mailbox};
        if (change != MAIL_DELETE_MESSAGES)
            in.to = cli_text(v->c->call, "into");
        arena_reset(&a);
        in.uids = arena_array(&a, UIDS_AT_ONCE, sizeof *in.uids);
        for (; i < count && list[i].mailbox == in.mailbox && in.uids_count < UIDS_AT_ONCE; i++)
            in.uids[in.uids_count++] = (struct rpc_message_uid){list[i].uid};
        int r = access_change_messages(x, &in, &a, &out, problem);
        if (r < 0)
            return r;
        *ret_count += out.count;
    }
    return 0;
}

static void confirm(struct cli *c, uint8_t change, uint64_t count) {
    struct json j = {.to = &c->out};
    if (c->json) {
        json_object(&j);
        cli_json_int(&j, "count", (int64_t)count);
        cli_json_bool(&j, "dry_run", false);
        json_end(&j);
        buf_add_byte(&c->out, '\n');
        return;
    }
    const char *words =
        change == MAIL_COPY_MESSAGES
            ? P_("%llu message was copied.\n", "%llu messages were copied.\n", count)
        : change == MAIL_MOVE_MESSAGES
            ? P_("%llu message was moved.\n", "%llu messages were moved.\n", count)
            : P_("%llu message was deleted.\n", "%llu messages were deleted.\n", count);
    buf_printf(&c->out, words, (unsigned long long)count);
}

/* What the three commands have in common. */
static int change_messages(struct cli *c, uint8_t change) WAITS {
    struct problem problem = {0}, *untold = ARENA_NEW(c->arena, struct problem);
    struct choosing v = {.c = c, .json = {.to = &c->out}};
    bool more = false, dry_run = cli_has(c->call, "dry-run");
    uint64_t done = 0;
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    if (!cli_has(c->call, "KEY") && !cli_has(c->call, "id")) {
        cli_print(_("say which messages: keys of a search, ALL for every one, or their ids with"
                    " --id"));
        return CLI_USAGE;
    }
    int r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = message_select(c, x, &v.selection, &problem);
    if (r == 0)
        r = message_each(x, &v.selection, false, UINT64_MAX, choose, &v, &more, &problem);
    bool refused =
        r == 0 && !dry_run && change == MAIL_DELETE_MESSAGES && !is_wanted(c, count_of(&v));
    if (r == 0 && !refused)
        r = dry_run ? try_out(&v, x, &problem) : change_all(&v, x, change, &done, &problem);
    if (!dry_run && !refused && (r == 0 || done > 0))
        confirm(c, change, done);
    buf_done(&v.chosen);
    if (x && mailbox_access_report(c, x, untold) < 0)
        cli_print(_("what was done is not in the event log: %s"), problem_words(c->arena, untold));
    return r < 0 ? cli_fail(r, &problem) : refused ? CLI_REFUSED : CLI_OK;
}

static int cmd_message_copy(struct cli *c) WAITS {
    return change_messages(c, MAIL_COPY_MESSAGES);
}

static int cmd_message_move(struct cli *c) WAITS {
    return change_messages(c, MAIL_MOVE_MESSAGES);
}

static int cmd_message_delete(struct cli *c) WAITS {
    return change_messages(c, MAIL_DELETE_MESSAGES);
}

/* ------------------------------------------------------------------ on the command line */

#define DRY_RUN                                                                                    \
    FLAG("dry-run", .about = N_("only say which they are, the first 100 of them, and how many"))
#define JSON_CHANGED "{\"count\": number, \"dry_run\": bool, \"messages\"?: [" JSON_MESSAGE "]}"

PARAMETERS message_into_parameters[] = {
    ACCOUNT,
    MESSAGE_SELECT,
    OPTION("into", "NAME", .required = true, .offers = CLI_OFFER_MAILBOXES,
           .about = N_("into the mailbox of this name; what is in it stays as it is")),
    DRY_RUN,
    END,
};
EXAMPLES message_copy_examples[] = {
    "hayauma message copy tama@example.jp --id 1:23 1:24 --into Work",
    NULL,
};
const struct cli_command command_message_copy = {
    .name = "message copy",
    .about = N_("Copies messages of an account into one of its mailboxes."),
    .more = N_("Which ones, `hayauma message list` says in the same way. A copy takes no room: a"
               " message counts once, in however many mailboxes it is."),
    .offline = true,
    .parameters = message_into_parameters,
    .examples = message_copy_examples,
    .json = JSON_CHANGED,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_message_copy,
};

EXAMPLES message_move_examples[] = {
    "hayauma message move tama@example.jp --mailbox INBOX BEFORE 1-Jan-2026 --into Archive",
    NULL,
};
const struct cli_command command_message_move = {
    .name = "message move",
    .about = N_("Moves messages of an account into one of its mailboxes."),
    .more = N_("Which ones, `hayauma message list` says in the same way. Flags, keywords and dates"
               " go along."),
    .offline = true,
    .parameters = message_into_parameters,
    .examples = message_move_examples,
    .json = JSON_CHANGED,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_message_move,
};

PARAMETERS message_delete_parameters[] = {
    ACCOUNT, MESSAGE_SELECT,
    DRY_RUN, FLAG("yes", .about = N_("do not ask before more than ten are deleted")),
    END,
};
EXAMPLES message_delete_examples[] = {
    "hayauma message delete tama@example.jp FROM spammer@example.com --dry-run",
    "hayauma message delete tama@example.jp --mailbox Junk OLDER 2592000 --yes",
    NULL,
};
const struct cli_command command_message_delete = {
    .name = "message delete",
    .about = N_("Deletes messages from the mailboxes of an account."),
    .more = N_("Which ones, `hayauma message list` says in the same way. They can be brought back"
               " for a while with `hayauma mailbox restore`."),
    .offline = true,
    .parameters = message_delete_parameters,
    .examples = message_delete_examples,
    .json = JSON_CHANGED,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_message_delete,
};
