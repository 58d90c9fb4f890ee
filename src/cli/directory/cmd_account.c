/* SPDX-License-Identifier: ISC */
/* Showing and listing accounts. */
#include "cli/directory/account_view.h"
#include "cli/directory/directory_access.h"
#include "cli/mailbox/mailbox_list.h"
#include "cli/terminal/row.h"

/* ------------------------------------------------------------------ list */

#define DATE_COLUMNS 10U

struct listing {
    struct cli *c;
    bool removed;
    bool any; /* there was at least one */
    struct table table;
    struct json json;
};

/* A time in a table: in a terminal its date has to do, since there is more to see. */
static struct slice when(const struct listing *l, struct arena *a, usec_t wall, const char *never) {
    struct slice text = cli_time(a, wall, never);
    return l->c->width > 0 && wall > 0 ? slice_first(text, DATE_COLUMNS) : text;
}

static void add_row(struct listing *l, const struct account *account, struct arena *a) {
    struct table *t = &l->table;
    table_printf(t, "%llu", (unsigned long long)account->id);
    table_text(t, account->address);
    table_text(t, account->name);
    if (!l->removed)
        table_word(t, account_state(account));
    if (account->has_usage) {
        table_printf(t, "%llu", (unsigned long long)account->messages);
        table_size(t, account->bytes);
    } else {
        table_word(t, "");
        table_word(t, "");
    }
    if (l->removed) {
        table_text(t, when(l, a, account->removed, ""));
        table_text(t, account->purging ? slice_of_str(_("being purged"))
                                       : when(l, a, account->kept_until, _("purged")));
        return;
    }
    /* the limit that holds: the account's own, or that of the settings */
    uint64_t quota = account->quota;
    if (quota == 0 && l->c->conf)
        quota = l->c->conf->delivery.quota;
    if (quota > 0)
        table_size(t, quota);
    else
        table_word(t, l->c->conf ? _("none") : _("of the settings")); /* which cannot be read */
    table_text(t, when(l, a, account->last_login, _("never")));
}

static void write_page(struct listing *l, const struct account *list, size_t count,
                       struct arena *a) {
    for (size_t i = 0; i < count; i++) {
        if (l->c->json)
            account_json(&l->json, &list[i]);
        else
            add_row(l, &list[i], a);
    }
    l->any |= count > 0;
    if (!l->c->json && l->any)
        table_write(&l->table, &l->c->out);
    else if (!l->c->json)
        buf_add_str(&l->c->out, l->removed ? _("There are no removed accounts to list.\n")
                                           : _("There are no accounts to list.\n"));
    cli_flush(l->c);
}

static int write_all(struct listing *l, struct directory_access *x, struct problem *problem) WAITS {
    const struct cli_call *call = l->c->call;
    uint64_t after = cli_number(call, "after", 0);
    uint64_t left = cli_number(call, "limit", UINT64_MAX);
    _cleanup_(arena_done) struct arena a = {0};
    for (;;) {
        struct account *list = NULL;
        size_t count = 0;
        size_t want = (size_t)MIN(left, (uint64_t)ACCESS_PAGE);
        arena_reset(&a);
        int r = access_account_list(x, l->removed, cli_text(call, "DOMAIN"), after, want, &a, &list,
                                    &count, problem);
        if (r < 0)
            return r;
        write_page(l, list, count, &a);
        left -= count;
        if (count < want || left == 0)
            return 0;
        after = list[count - 1].id;
    }
}

static int cmd_account_list(struct cli *c) WAITS {
    static const struct table_column columns[] = {
        {N_("ID"), .right = true, .rank = 5},       {N_("ADDRESS")},
        {N_("NAME"), .shrinks = true, .rank = 2},   {N_("STATE")},
        {N_("MESSAGES"), .right = true, .rank = 4}, {N_("SIZE"), .right = true, .rank = 1},
        {N_("QUOTA"), .right = true, .rank = 1},    {N_("LAST LOGIN"), .rank = 3},
    };
    static const struct table_column removed[] = {
        {N_("ID"), .right = true},
        {N_("ADDRESS")},
        {N_("NAME"), .shrinks = true, .rank = 3},
        {N_("MESSAGES"), .right = true, .rank = 4},
        {N_("SIZE"), .right = true, .rank = 2},
        {N_("REMOVED"), .rank = 1},
        {N_("KEPT UNTIL")},
    };
    bool of_removed = cli_has(c->call, "removed");
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    struct listing l = {.c = c,
                        .removed = of_removed,
                        .json = {.to = &c->out},
                        .table = {.columns = of_removed ? removed : columns,
                                  .count = of_removed ? ARRAY_SIZE(removed) : ARRAY_SIZE(columns),
                                  .width = c->width}};
    int r = directory_access_open(c, &x, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        json_array(&l.json);
    r = write_all(&l, x, &problem);
    if (r == 0 && !c->json)
        table_end(&l.table, &c->out);
    table_done(&l.table);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json) {
        json_end(&l.json);
        buf_add_byte(&c->out, '\n');
    }
    return CLI_OK;
}

/* ------------------------------------------------------------------ show */

/* Those of an account that was used: one that was not has none yet, and is not to get them by being
 * looked at. */
static void write_mailboxes(struct cli *c, const struct account *account) WAITS {
    struct problem problem = {0};
    struct mailbox_list l;
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    if (!account->has_usage || account->removed > 0)
        return;
    int r = mailbox_access_open(c, account->address, &x, &problem);
    if (r == 0)
        r = mailbox_list_read(x, c->arena, &l, &problem);
    if (r < 0) {
        cli_print(_("its mailboxes are not known: %s"), problem_words(c->arena, &problem));
        return;
    }
    buf_add_byte(&c->out, '\n');
    mailbox_list_write(c, &l);
}

static int cmd_account_show(struct cli *c) WAITS {
    struct problem problem = {0};
    struct account account = {0};
    struct json j = {.to = &c->out};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = access_account_show(x, cli_text(c->call, "USER@DOMAIN"), c->arena, &account, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (!c->json) {
        account_write(c, &account);
        directory_access_close(TAKE_PTR(x));
        write_mailboxes(c, &account);
        return CLI_OK;
    }
    account_json(&j, &account);
    buf_add_byte(&c->out, '\n');
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS account_list_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .optional = true,
             .about = N_("only accounts of this domain")),
    OPTION("after", "ID", .kind = CLI_NUMBER, .about = N_("only accounts with a greater number")),
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1,
           .about = N_("at most so many")),
    FLAG("removed", .about = N_("those that were removed and can still be brought back")),
    END,
};
const struct cli_command command_account_list = {
    .name = "account list",
    .about = N_("Lists accounts in the order in which they were made."),
    .offline = true,
    .parameters = account_list_parameters,
    .json = "[" JSON_ACCOUNT "]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_list,
};

PARAMETERS account_parameters[] = {
    ACCOUNT,
    END,
};
const struct cli_command command_account_show = {
    .name = "account show",
    .about = N_("Shows one account, and its mailboxes."),
    .offline = true,
    .parameters = account_parameters,
    .json = JSON_ACCOUNT,
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_show,
};
