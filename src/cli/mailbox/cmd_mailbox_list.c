/* SPDX-License-Identifier: ISC */
/* Which mailboxes an account has, and what they hold. */
#include "cli/cli.h"
#include "cli/mailbox/mailbox_list.h"
#include "cli/terminal/format.h"
#include "cli/terminal/row.h"

/* Reads them, or says why not; an exit code. */
static int read_list(struct cli *c, struct mailbox_list *ret) WAITS {
    struct problem problem = {0};
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = mailbox_list_read(x, c->arena, ret, &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

static int cmd_mailbox_list(struct cli *c) WAITS {
    struct json j = {.to = &c->out};
    struct mailbox_list l;
    int code = read_list(c, &l);
    if (code != CLI_OK)
        return code;
    if (!c->json) {
        mailbox_list_write(c, &l);
        return CLI_OK;
    }
    mailbox_list_json(&j, &l);
    buf_add_byte(&c->out, '\n');
    return CLI_OK;
}

/* ------------------------------------------------------------------ quota */

static void write_quota(struct cli *c, const struct mailbox_list *l) {
    static const struct table_column columns[] = {
        {N_("QUOTA ROOT")},
        {N_("USED"), .right = true},
        {N_("LIMIT"), .right = true},
        {N_("USED"), .right = true},
        {N_("MESSAGES"), .right = true, .rank = 2},
        {N_("ON DISK"), .right = true, .rank = 1},
    };
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    table_word(&t, _("all mailboxes"));
    table_size(&t, l->bytes);
    if (l->quota > 0) {
        table_size(&t, l->quota);
        table_printf(&t, "%.1f%%", 100.0 * (double)l->bytes / (double)l->quota);
    } else {
        table_word(&t, _("none"));
        table_word(&t, "");
    }
    table_printf(&t, "%llu", (unsigned long long)l->messages);
    table_size(&t, l->disk);
    table_write(&t, &c->out);
    table_end(&t, &c->out);
}

static void write_quota_json(struct cli *c, const struct mailbox_list *l) {
    struct json j = {.to = &c->out};
    json_array(&j);
    json_object(&j);
    cli_json_text(&j, "root", S(""));
    cli_json_int(&j, "bytes", (int64_t)l->bytes);
    json_key(&j, "limit");
    if (l->quota > 0)
        json_int(&j, (int64_t)l->quota);
    else
        json_null(&j);
    cli_json_int(&j, "messages", (int64_t)l->messages);
    cli_json_int(&j, "disk", (int64_t)l->disk);
    json_end(&j);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static int cmd_mailbox_quota(struct cli *c) WAITS {
    struct mailbox_list l;
    int code = read_list(c, &l);
    if (code == CLI_OK)
        (c->json ? write_quota_json : write_quota)(c, &l);
    return code;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS mailbox_list_parameters[] = {
    ACCOUNT,
    END,
};
const struct cli_command command_mailbox_list = {
    .name = "mailbox list",
    .about = N_("Lists the mailboxes of an account."),
    .more = N_("FOR says for what mail programs use it: drafts, sent, junk, trash or archive."
               " Many programs show only what is subscribed. A mailbox is shared when others than"
               " its owner have rights in it (`hayauma mailbox acl`)."),
    .offline = true,
    .parameters = mailbox_list_parameters,
    .json = "[{\"name\": text, \"use\": text|null, \"messages\": number, \"unread\": number, "
            "\"bytes\": number, \"subscribed\": bool, \"shared\": bool, \"number\": number, "
            "\"uidvalidity\": number, \"uidnext\": number}]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_list,
};

PARAMETERS mailbox_quota_parameters[] = {
    ACCOUNT,
    END,
};
const struct cli_command command_mailbox_quota = {
    .name = "mailbox quota",
    .about = N_("Shows how much the mailboxes of an account hold, and how much they may."),
    .more = N_("One limit holds for all mailboxes together, and a message counts once, in however"
               " many of them it is. ON DISK is what keeping them takes, with what was deleted and"
               " can be brought back. `hayauma account quota` sets the limit."),
    .offline = true,
    .parameters = mailbox_quota_parameters,
    .json = "[{\"root\": text, \"bytes\": number, \"limit\": number|null, \"messages\": number, "
            "\"disk\": number}]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_quota,
};
