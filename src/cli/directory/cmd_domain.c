/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/terminal/row.h"

typedef int domain_change(struct directory_access *x, struct slice name, struct slice target,
                          struct problem *problem) WAITS;

static int change(struct cli *c, domain_change *fn, struct slice name, struct slice target) WAITS {
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = fn(x, name, target, &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

static int cmd_domain_add(struct cli *c) WAITS {
    struct slice name = cli_text(c->call, "DOMAIN"), target = cli_text(c->call, "alias-of");
    int code = change(c, access_domain_add, name, target);
    if (target.len > 0)
        return cli_confirm(c, code, _("%.*s is another name for %.*s now.\n"),
                           SLICE_ARG(cli_shown(c->arena, name)),
                           SLICE_ARG(cli_shown(c->arena, target)));
    return cli_confirm(c, code,
                       _("%.*s is a domain of this host now. What to publish: hayauma dns %.*s\n"),
                       SLICE_ARG(cli_shown(c->arena, name)), SLICE_ARG(cli_shown(c->arena, name)));
}

static int remove_domain(struct directory_access *x, struct slice name, struct slice target,
                         struct problem *problem) WAITS {
    (void)target;
    return access_domain_remove(x, name, problem);
}

static int cmd_domain_remove(struct cli *c) WAITS {
    struct slice name = cli_text(c->call, "DOMAIN");
    int code = change(c, remove_domain, name, S(""));
    return cli_confirm(c, code, _("%.*s is no domain of this host any more.\n"),
                       SLICE_ARG(cli_shown(c->arena, name)));
}

static int cmd_domain_catch_all(struct cli *c) WAITS {
    struct slice name = cli_text(c->call, "DOMAIN"), target = cli_text(c->call, "ADDRESS|none");
    bool none = slice_eq(target, S("none"));
    int code = change(c, access_domain_catch_all, name, none ? S("") : target);
    if (none)
        return cli_confirm(c, code, _("Mail to nobody in %.*s is refused now.\n"),
                           SLICE_ARG(cli_shown(c->arena, name)));
    return cli_confirm(c, code, _("What nobody else in %.*s gets goes to %.*s now.\n"),
                       SLICE_ARG(cli_shown(c->arena, name)),
                       SLICE_ARG(cli_shown(c->arena, target)));
}

/* ------------------------------------------------------------------ list */

static void json_address(struct json *j, const char *key, struct slice address) {
    json_key(j, key);
    if (address.len > 0)
        json_slice(j, address);
    else
        json_null(j);
}

static void write_json(struct cli *c, const struct domain *list, size_t count) {
    struct json j = {.to = &c->out};
    json_array(&j);
    for (size_t i = 0; i < count; i++) {
        json_object(&j);
        cli_json_text(&j, "name", list[i].name);
        json_address(&j, "alias_of", list[i].target);
        json_address(&j, "catch_all", list[i].catch_all);
        cli_json_int(&j, "accounts", (int64_t)list[i].accounts);
        cli_json_int(&j, "aliases", (int64_t)list[i].aliases);
        json_end(&j);
    }
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static void write_table(struct cli *c, const struct domain *list, size_t count) {
    static const struct table_column columns[] = {
        {N_("DOMAIN")},
        {N_("ACCOUNTS"), .right = true, .rank = 3},
        {N_("ALIASES"), .right = true, .rank = 4},
        {N_("CATCH-ALL"), .rank = 1},
        {N_("ANOTHER NAME FOR"), .rank = 2},
    };
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    for (size_t i = 0; i < count; i++) {
        table_text(&t, list[i].name);
        table_printf(&t, "%llu", (unsigned long long)list[i].accounts);
        table_printf(&t, "%llu", (unsigned long long)list[i].aliases);
        table_text(&t, list[i].catch_all);
        table_text(&t, list[i].target);
    }
    table_write(&t, &c->out);
    table_end(&t, &c->out);
}

static int cmd_domain_list(struct cli *c) WAITS {
    struct problem problem = {0};
    struct domain *list = NULL;
    size_t count = 0;
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = access_domain_list(x, c->arena, &list, &count, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        write_json(c, list, count);
    else if (count == 0)
        buf_add_str(&c->out, _("There are no domains to list.\n"));
    else
        write_table(c, list, count);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS domain_add_parameters[] = {
    ARGUMENT("DOMAIN", .about = N_("the domain")),
    OPTION("alias-of", "DOMAIN", .about = N_("make it another name for this domain of the host")),
    END,
};
EXAMPLES domain_add_examples[] = {
    "hayauma domain add example.jp",
    "hayauma domain add example.com --alias-of example.jp",
    NULL,
};
const struct cli_command command_domain_add = {
    .name = "domain add",
    .about = N_("Adds a domain, or another name for one."),
    .offline = true,
    .parameters = domain_add_parameters,
    .examples = domain_add_examples,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_domain_add,
};

const struct cli_command command_domain_list = {
    .name = "domain list",
    .about = N_("Lists the domains."),
    .offline = true,
    .json = "[{\"name\": text, \"alias_of\": text|null, \"catch_all\": text|null, "
            "\"accounts\": number, \"aliases\": number}]",
    .exits = SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_domain_list,
};

PARAMETERS domain_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .about = N_("the domain")), END};
const struct cli_command command_domain_remove = {
    .name = "domain remove",
    .about = N_("Removes a domain that has no accounts and no aliases any more."),
    .offline = true,
    .parameters = domain_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_domain_remove,
};

PARAMETERS domain_catch_all_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .about = N_("the domain")),
    ARGUMENT("ADDRESS|none", .about = N_("who gets what nobody else gets")),
    END,
};
const struct cli_command command_domain_catch_all = {
    .name = "domain catch-all",
    .about = N_("Says who gets the mail of a domain that nobody else gets."),
    .offline = true,
    .parameters = domain_catch_all_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_domain_catch_all,
};
