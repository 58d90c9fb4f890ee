/* SPDX-License-Identifier: ISC */
/* How much an account may send: changed where options say so, then shown. */
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/terminal/format.h"
#include "cli/terminal/row.h"
#include "cli/terminal/table.h"

static int change(const struct cli *c, struct directory_access *x, struct slice address,
                  struct problem *problem) WAITS {
    int r = 0;
    for (unsigned i = 0; r == 0 && i < SENDING_LIMITS; i++) {
        const char *name = sending_limit_name((enum sending_limit)i);
        struct slice value = cli_text(c->call, name);
        if (value.ptr)
            r = access_account_set(x, address, name, value, false, false, problem);
    }
    return r;
}

static void show_json(struct cli *c, const struct account_limit *limits) {
    struct json j = {.to = &c->out};
    json_array(&j);
    for (unsigned i = 0; i < SENDING_LIMITS; i++) {
        json_object(&j);
        cli_json_text(&j, "limit", slice_of_str(sending_limit_name((enum sending_limit)i)));
        json_key(&j, "used");
        json_int(&j, (int64_t)limits[i].used);
        json_key(&j, "most");
        json_int(&j, (int64_t)limits[i].most);
        json_key(&j, "own");
        json_bool(&j, limits[i].own);
        json_end(&j);
    }
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static void show_table(struct cli *c, const struct account_limit *limits) {
    static const struct table_column columns[] = {
        {.title = N_("LIMIT")},
        {.title = N_("USED"), .right = true},
        {.title = N_("MOST"), .right = true},
        {.title = N_("SET BY"), .rank = 1},
    };
    struct table t = {.columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    for (unsigned i = 0; i < SENDING_LIMITS; i++) {
        table_text(&t, slice_of_str(sending_limit_name((enum sending_limit)i)));
        table_printf(&t, "%llu", (unsigned long long)limits[i].used);
        if (limits[i].most > 0)
            table_printf(&t, "%llu", (unsigned long long)limits[i].most);
        else
            table_word(&t, _("none"));
        table_word(&t, limits[i].own ? _("account") : _("settings"));
    }
    table_write(&t, &c->out);
    table_end(&t, &c->out);
    table_done(&t);
}

static int cmd_account_limits(struct cli *c) WAITS {
    struct slice address = cli_text(c->call, "USER@DOMAIN");
    struct account_limit limits[SENDING_LIMITS];
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = change(c, x, address, &problem);
    if (r == 0)
        r = access_account_limits(x, address, c->arena, limits, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        show_json(c, limits);
    else
        show_table(c, limits);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS account_limits_parameters[] = {
    ACCOUNT,
    OPTION("messages-per-hour", "N|default", .about = N_("messages within an hour")),
    OPTION("messages-per-day", "N|default", .about = N_("messages within a day")),
    OPTION("new-recipients-per-hour", "N|default", .about = N_("new recipients within an hour")),
    OPTION("new-recipients-per-day", "N|default", .about = N_("new recipients within a day")),
    END,
};
const struct cli_command command_account_limits = {
    .name = "account limits",
    .about = N_("Shows, or sets, how much an account may send."),
    .more = N_("What goes beyond is held in the queue until `hayauma queue release` sends it."
               " A limit is a number, 0 for none, or default for that of the block sending in"
               " the settings. Recipients are new when the account has not written to them"
               " lately."),
    .offline = true,
    .parameters = account_limits_parameters,
    .json = "[{\"limit\": text, \"used\": number, \"most\": number, \"own\": bool}]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_limits,
};
