/* SPDX-License-Identifier: ISC */
/* Under which addresses an account may send beside its own: set if any are given, then shown. */
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/terminal/row.h"

#define VALUE_MAX 8192U /* of directory.account_set */

static int change(const struct cli *c, struct directory_access *x, struct slice address,
                  struct problem *problem) WAITS {
    _cleanup_(buf_done) struct buf value = {0};
    size_t count = 0;
    const struct slice *words = cli_texts(c->call, "ADDRESS|any|own", c->arena, &count);
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        buf_add_str(&value, i > 0 ? "\n" : "");
        buf_add(&value, words[i]);
    }
    if (value.len > VALUE_MAX)
        return problem_set(problem, -E_SYNTAX, _("these are too many addresses for one account"));
    return access_account_set(x, address, "send-as", buf_slice(&value), false, false, problem);
}

static void show_json(struct cli *c, struct slice list) {
    struct json j = {.to = &c->out};
    json_array(&j);
    for (struct slice line; slice_next(&list, '\n', &line);) {
        if (line.len > 0)
            json_slice(&j, line);
    }
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static void show_words(struct cli *c, struct slice address, struct slice list) {
    address = cli_shown(c->arena, address);
    if (list.len == 0) {
        buf_printf(&c->out, _("%.*s may send under its own addresses.\n"), SLICE_ARG(address));
        return;
    }
    if (slice_eq(list, S("any"))) {
        buf_printf(&c->out, _("%.*s may send under any address.\n"), SLICE_ARG(address));
        return;
    }
    buf_printf(&c->out, _("%.*s may send under its own addresses and these:\n"),
               SLICE_ARG(address));
    for (struct slice line; slice_next(&list, '\n', &line);)
        buf_printf(&c->out, "  %.*s\n", SLICE_ARG(cli_shown(c->arena, line)));
}

static int cmd_account_send_as(struct cli *c) WAITS {
    struct slice address = cli_text(c->call, "USER@DOMAIN"), list = {0};
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = change(c, x, address, &problem);
    if (r == 0)
        r = access_account_send_as(x, address, c->arena, &list, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        show_json(c, list);
    else
        show_words(c, address, list);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS account_send_as_parameters[] = {
    ACCOUNT,
    ARGUMENT("ADDRESS|any|own", .optional = true, .many = true,
             .about = N_("these addresses, any, or no others; @example.jp is all of a domain")),
    END,
};
const struct cli_command command_account_send_as = {
    .name = "account send-as",
    .about = N_("Shows, or sets, under which addresses an account may send beside its own."),
    .more = N_("Without this the From and Sender of what an account submits are its own"
               " addresses: that of the account, and aliases that lead to it. What is given"
               " takes the place of what was allowed before."),
    .offline = true,
    .parameters = account_send_as_parameters,
    .json = "[text]",
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_send_as,
};
