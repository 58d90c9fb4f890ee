/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/directory_access.h"
#include "cli/secret.h"

static void write_json(struct cli *c, const struct account_new *account, uint64_t count,
                       uint64_t result, const struct secret *secret) {
    struct json j = {.to = &c->out};
    json_object(&j);
    cli_json_text(&j, "address", account->address);
    cli_json_int(&j, count > 0 ? "added" : "id", (int64_t)result);
    if (secret->generated)
        cli_json_text(&j, "password", secret_slice(secret));
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static void write_words(struct cli *c, const struct account_new *account, uint64_t count,
                        uint64_t result, const struct secret *secret) {
    struct slice address = cli_shown(c->arena, account->address);
    if (count > 0)
        buf_printf(&c->out, P_("Added %llu account %.*s.\n", "Added %llu accounts %.*s.\n", result),
                   (unsigned long long)result, SLICE_ARG(address));
    else
        buf_printf(&c->out, _("Added the account %.*s, number %llu.\n"), SLICE_ARG(address),
                   (unsigned long long)result);
    if (secret->generated)
        buf_printf(&c->out, _("Password: %.*s\n"), SLICE_ARG(secret_slice(secret)));
}

int cmd_account_add(struct cli *c) {
    struct problem problem = {0};
    _cleanup_(secret_wipe) struct secret secret = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    uint64_t count = cli_number(c->call, "count", 0), result = 0;
    uint64_t first = cli_number(c->call, "first", 0);
    bool hash = cli_has(c->call, "password-hash-stdin");
    bool for_tests = cli_number(c->call, "hash-cost", 0) == 1;
    int r = 0;
    if (!cli_has(c->call, "no-password"))
        r = secret_get(c, SECRET_PASSWORD_OR_HASH, &secret, &problem);
    else if (hash || cli_has(c->call, "password-stdin") || cli_has(c->call, "generate"))
        r = problem_set(&problem, -E_SYNTAX, _("--no-password goes with no other password"));
    struct account_new account = {
        .address = cli_text(c->call, "USER@DOMAIN"),
        .name = cli_text(c->call, "name"),
        .password = secret.len > 0 && !hash ? secret_slice(&secret) : (struct slice){0},
        .imported = secret.len > 0 && hash ? secret_slice(&secret) : (struct slice){0},
        .quota = cli_number(c->call, "quota", 0),
        .admin = cli_has(c->call, "admin"),
        .disabled = cli_has(c->call, "disabled"),
        .accept_weak = for_tests || cli_has(c->call, "force-weak"),
        .minimal_cost = for_tests,
    };
    if (r == 0)
        r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = access_account_add(x, &account, first, count, &result, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (c->json)
        write_json(c, &account, count, result, &secret);
    else
        write_words(c, &account, count, result, &secret);
    return CLI_OK;
}
