/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/terminal/row.h"
#include "message/text.h"

/* Those that were named, and with --keep-copy the address itself: its own mailbox. */
static const struct slice *targets_of(struct cli *c, bool keeps_copy, size_t *ret_count) {
    size_t count = 0;
    const struct slice *named = cli_texts(c->call, "TARGET", c->arena, &count);
    struct slice *targets = arena_array(c->arena, count + 1, sizeof *targets);
    for (size_t i = 0; i < count; i++)
        targets[i] = named[i];
    if (keeps_copy)
        targets[count++] = cli_text(c->call, "ADDRESS");
    *ret_count = count;
    return targets;
}

static int change(struct cli *c, enum access_change kind) WAITS {
    bool removes = kind == ACCESS_REMOVE;
    struct problem problem = {0};
    size_t count = 0;
    const struct slice *targets = targets_of(c, !removes && cli_has(c->call, "keep-copy"), &count);
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = access_alias_change(x, kind, cli_text(c->call, "ADDRESS"), targets, count,
                                !removes && cli_has(c->call, "instead-of-mailbox"), &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* "info@example.jp leads to a@example.jp and b@example.com now." */
static int confirm(struct cli *c, int code, bool keeps_copy, const char *format) {
    size_t count = 0;
    const struct slice *targets = targets_of(c, keeps_copy, &count);
    _cleanup_(buf_done) struct buf list = {0};
    if (code != CLI_OK || c->json)
        return code;
    for (size_t i = 0; i < count; i++) {
        buf_add_str(&list, i == 0 ? "" : i == count - 1 ? _(" and ") : _(", "));
        text_add_names(&list, targets[i]);
    }
    buf_printf(&c->out, format, SLICE_ARG(cli_shown(c->arena, cli_text(c->call, "ADDRESS"))),
               buf_str(&list));
    return code;
}

static int cmd_alias_add(struct cli *c) WAITS {
    return confirm(c, change(c, ACCESS_ADD), cli_has(c->call, "keep-copy"),
                   _("%.*s leads to %s now.\n"));
}

static int cmd_alias_set(struct cli *c) WAITS {
    return confirm(c, change(c, ACCESS_SET), cli_has(c->call, "keep-copy"),
                   _("%.*s leads to %s and nowhere else now.\n"));
}

static int cmd_alias_remove(struct cli *c) WAITS {
    int code = change(c, ACCESS_REMOVE);
    if (cli_has(c->call, "TARGET"))
        return confirm(c, code, false, _("%.*s leads to %s no more.\n"));
    if (code == CLI_OK && !c->json)
        buf_printf(&c->out, _("%.*s is no alias any more.\n"),
                   SLICE_ARG(cli_shown(c->arena, cli_text(c->call, "ADDRESS"))));
    return code;
}

/* ------------------------------------------------------------------ list */

static void write_object(struct json *j, const struct alias *alias) {
    json_object(j);
    cli_json_text(j, "address", alias->address);
    json_key(j, "targets");
    json_array(j);
    for (size_t i = 0; i < alias->target_count; i++)
        json_slice(j, alias->targets[i]);
    json_end(j);
    json_end(j);
}

static int write_all(struct cli *c, struct directory_access *x, struct table *t, struct json *j,
                     struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena page = {0};
    struct slice after = S("");
    for (size_t count = 1; count > 0;) {
        struct alias *list = NULL;
        struct slice behind = arena_copy(c->arena, after);
        arena_reset(&page);
        int r = access_alias_list(x, behind, &page, &list, &count, problem);
        if (r < 0)
            return r;
        for (size_t i = 0; i < count; i++) {
            const struct alias *alias = &list[i];
            if (c->json)
                write_object(j, alias);
            /* in the table an alias stands beside its first target; the others follow below */
            for (size_t k = 0; !c->json && k < alias->target_count; k++) {
                table_text(t, k == 0 ? alias->address : S(" "));
                table_text(t, alias->targets[k]);
            }
        }
        if (!c->json && count == 0 && after.len == 0)
            buf_add_str(&c->out, _("There are no aliases to list.\n"));
        else if (!c->json)
            table_write(t, &c->out);
        if (count > 0)
            after = list[count - 1].address;
    }
    return 0;
}

static int cmd_alias_list(struct cli *c) WAITS {
    static const struct table_column columns[] = {{N_("ALIAS")}, {N_("LEADS TO"), .wraps = true}};
    struct problem problem = {0};
    struct json j = {.to = &c->out};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    int r = directory_access_open(c, &x, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        json_array(&j);
    r = write_all(c, x, &t, &j, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json) {
        json_end(&j);
        buf_add_byte(&c->out, '\n');
    }
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS alias_change_parameters[] = {
    ARGUMENT("ADDRESS", .offers = CLI_OFFER_ALIASES,
             .about = N_("the address that leads elsewhere")),
    ARGUMENT("TARGET", .many = true, .about = N_("where to, here or at another host")),
    FLAG("keep-copy", .about = N_("the account of that address keeps a copy in its mailbox")),
    FLAG("instead-of-mailbox",
         .about = N_("although the account of that address gets nothing any more")),
    END,
};
EXAMPLES alias_add_examples[] = {
    "hayauma alias add info@example.jp tama@example.jp mike@example.com",
    NULL,
};
const struct cli_command command_alias_add = {
    .name = "alias add",
    .about = N_("Adds targets to an alias, which is made when it is missing."),
    .more = N_("An alias may stand on the address of an account. Then --keep-copy (or that address"
               " among the targets) keeps a copy in the mailbox; without it, the mailbox gets"
               " nothing any more, which has to be said: --instead-of-mailbox."),
    .offline = true,
    .parameters = alias_change_parameters,
    .examples = alias_add_examples,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_alias_add,
};

const struct cli_command command_alias_list = {
    .name = "alias list",
    .about = N_("Lists the aliases and their targets."),
    .offline = true,
    .json = "[{\"address\": text, \"targets\": [text]}]",
    .exits = SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_alias_list,
};

const struct cli_command command_alias_set = {
    .name = "alias set",
    .about = N_("Makes an alias lead to these targets and no others."),
    .offline = true,
    .parameters = alias_change_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_alias_set,
};

PARAMETERS alias_remove_parameters[] = {
    ARGUMENT("ADDRESS", .offers = CLI_OFFER_ALIASES,
             .about = N_("the address that leads elsewhere")),
    ARGUMENT("TARGET", .many = true, .optional = true,
             .about = N_("the targets to take out; without any, the whole alias")),
    END,
};
const struct cli_command command_alias_remove = {
    .name = "alias remove",
    .about = N_("Removes an alias, or takes targets out of it."),
    .offline = true,
    .parameters = alias_remove_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_alias_remove,
};
