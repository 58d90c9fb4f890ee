/* SPDX-License-Identifier: ISC */
/* Messages in mailboxes are found and looked at. */
#include "cli/cli.h"
#include "cli/mailbox/message_select.h"
#include "cli/terminal/format.h"
#include "cli/terminal/row.h"

#define LISTED 100U /* without --limit */

/* ------------------------------------------------------------------ list */

struct listing {
    struct cli *c;
    const struct message_selection *selection;
    struct table table;
    struct json json;
    uint64_t count;
};

static void write_page(void *arg, const struct rpc_listed_message *list, size_t count,
                       struct arena *a) {
    struct listing *l = arg;
    for (size_t i = 0; i < count; i++) {
        if (l->c->json)
            message_json(&l->json, message_mailbox_name(l->selection, list[i].mailbox), &list[i],
                         a);
        else
            message_row(&l->table, l->selection, &list[i], a);
    }
    l->count += count;
    if (!l->c->json && count > 0)
        table_write(&l->table, &l->c->out);
    cli_flush(l->c);
}

static int cmd_message_list(struct cli *c) WAITS {
    struct problem problem = {0};
    struct message_selection selection;
    struct listing l = {
        .c = c,
        .selection = &selection,
        .json = {.to = &c->out},
        .table = {.columns = message_columns, .count = message_column_count, .width = c->width}};
    uint64_t limit = cli_number(c->call, "limit", LISTED);
    bool more = false;
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = message_select(c, x, &selection, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        json_array(&l.json);
    r = message_each(x, &selection, true, limit, write_page, &l, &more, &problem);
    if (r == 0 && !c->json)
        table_end(&l.table, &c->out);
    table_done(&l.table);
    if (r < 0 && l.count == 0)
        buf_clear(&c->out);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json) {
        json_end(&l.json);
        buf_add_byte(&c->out, '\n');
        return CLI_OK;
    }
    if (l.count == 0)
        buf_add_str(&c->out, _("There is no such message.\n"));
    else if (more)
        buf_printf(&c->out,
                   P_("\n%llu message; there may be more (--limit).\n",
                      "\n%llu messages; there may be more (--limit).\n", l.count),
                   (unsigned long long)l.count);
    else
        buf_printf(&c->out, P_("\n%llu message.\n", "\n%llu messages.\n", l.count),
                   (unsigned long long)l.count);
    return CLI_OK;
}

/* ------------------------------------------------------------------ show */

static void write_message(struct cli *c, struct slice id, const struct rpc_mail_message_out *m) {
    static const struct table_column columns[] = {{""}, {"", .wraps = true}};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = 2, .width = c->width, .headless = true};
    table_word(&t, _("message"));
    table_text(&t, id);
    table_word(&t, _("mailbox"));
    table_text(&t, m->path);
    table_word(&t, _("date"));
    table_text(&t, cli_time(c->arena, m->message.date, "-"));
    table_word(&t, _("from"));
    table_text(&t, m->message.from);
    table_word(&t, _("subject"));
    table_text(&t, m->message.subject);
    table_word(&t, _("size"));
    table_size(&t, m->message.size);
    table_word(&t, _("flags"));
    table_text(&t, message_flags(&m->message, c->arena));
    table_word(&t, _("keywords"));
    table_text(&t, m->message.keywords);
    table_write(&t, &c->out);
}

/* All of it, as it is. The first piece is there. */
static int write_content(struct cli *c, struct mailbox_access *x, struct rpc_mail_message_in *in,
                         struct slice first, struct problem *problem) WAITS {
    struct rpc_mail_message_out out = {.bytes = first};
    _cleanup_(arena_done) struct arena a = {0};
    while (out.bytes.len > 0) {
        buf_add(&c->out, out.bytes);
        cli_flush(c);
        in->offset += out.bytes.len;
        arena_reset(&a);
        int r = access_message(x, in, &a, &out, problem);
        if (r < 0)
            return r;
    }
    return 0;
}

static int cmd_message_show(struct cli *c) WAITS {
    struct problem problem = {0}, *untold = ARENA_NEW(c->arena, struct problem);
    struct slice id = cli_text(c->call, "ID");
    bool content = cli_has(c->call, "content"), header = cli_has(c->call, "header");
    struct rpc_mail_message_in in = {.header_only = !content};
    struct rpc_mail_message_out out = {0};
    struct json j = {.to = &c->out};
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = message_id_parse(id, &in.mailbox, &in.uid, &problem);
    if (r == 0)
        r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = access_message(x, &in, c->arena, &out, &problem);
    if (r == 0 && content)
        r = write_content(c, x, &in, out.bytes, &problem);
    if (x && mailbox_access_report(c, x, untold) < 0)
        cli_print(_("what was done is not in the event log: %s"), problem_words(c->arena, untold));
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json && !content) {
        message_json(&j, out.path, &out.message, c->arena);
        buf_add_byte(&c->out, '\n');
    } else if (header) {
        ssize_t end = slice_find(out.bytes, S("\r\n\r\n"));
        cli_add_lines(&c->out, end >= 0 ? slice_first(out.bytes, (size_t)end + 2) : out.bytes);
    } else if (!content) {
        write_message(c, id, &out);
    }
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS message_list_parameters[] = {
    ACCOUNT,
    MESSAGE_SELECT,
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1,
           .about = N_("at most so many; 100 unless it is given")),
    END,
};
EXAMPLES message_list_examples[] = {
    "hayauma message list tama@example.jp --mailbox INBOX UNSEEN",
    "hayauma message list tama@example.jp FROM hana SUBJECT '卒業 論文'",
    "hayauma message list tama@example.jp LARGER 10000000 -n 20",
    NULL,
};
const struct cli_command command_message_list = {
    .name = "message list",
    .about = N_("Lists messages in the mailboxes of an account, in each mailbox the newest first."),
    .more =
        N_("The keys are those of IMAP's SEARCH (RFC 9051), and find what a mail program"
           " finds with them: FROM, TO, SUBJECT, TEXT and BODY with a text, SINCE and BEFORE"
           " with a day, SEEN and UNSEEN, LARGER with a number of bytes, and more; all of them"
           " have to hold, OR and NOT stand before those that they are about. Of several words"
           " each is one text, also with blanks in it; a single word is read as a whole search."),
    .offline = true,
    .parameters = message_list_parameters,
    .examples = message_list_examples,
    .json = "[" JSON_MESSAGE "]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_message_list,
};

PARAMETERS message_show_parameters[] = {
    ACCOUNT,
    ARGUMENT("ID", .about = N_("the message, such as 1:23, as `hayauma message list` shows it")),
    FLAG("header", .about = N_("print its header")),
    FLAG("content", .about = N_("print the message itself, as it is, and nothing else")),
    END,
};
const struct cli_command command_message_show = {
    .name = "message show",
    .about = N_("Shows a message in a mailbox."),
    .more = N_("It is the mail of somebody: the event log keeps who has looked at which message."),
    .offline = true,
    .parameters = message_show_parameters,
    .json = JSON_MESSAGE,
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_message_show,
};
