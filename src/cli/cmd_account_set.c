/* SPDX-License-Identifier: ISC */
/* Changing one thing of an account. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/directory_access.h"
#include "cli/format.h"
#include "cli/secret.h"

static int set_insisting(struct cli *c, const char *what, struct slice value, bool accept_weak,
                         bool force) WAITS {
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int code = directory_access_begin(c, &x);
    if (code != CLI_OK)
        return code;
    int r = access_account_set(x, cli_text(c->call, "USER@DOMAIN"), what, value, accept_weak, force,
                               &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

static int set(struct cli *c, const char *what, struct slice value, bool accept_weak) WAITS {
    return set_insisting(c, what, value, accept_weak, false);
}

static struct slice address_of(const struct cli *c) {
    return cli_shown(c->arena, cli_text(c->call, "USER@DOMAIN"));
}

/* ------------------------------------------------------------------ secrets */

/* What was made up here is told, since nobody knows it yet. */
static int tell_secret(struct cli *c, int code, const struct secret *secret, const char *format) {
    struct json j = {.to = &c->out};
    if (code != CLI_OK || !secret->generated)
        return code;
    if (!c->json) {
        buf_printf(&c->out, format, SLICE_ARG(secret_slice(secret)));
        return code;
    }
    json_object(&j);
    cli_json_text(&j, "password", secret_slice(secret));
    json_end(&j);
    buf_add_byte(&c->out, '\n');
    return code;
}

int cmd_account_password(struct cli *c) {
    struct problem problem = {0};
    _cleanup_(secret_wipe) struct secret secret = {0};
    int r = secret_get(c, SECRET_PASSWORD, &secret, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    int code = set(c, "password", secret_slice(&secret), cli_has(c->call, "force-weak"));
    (void)cli_confirm(c, code, _("%.*s has a new password.\n"), SLICE_ARG(address_of(c)));
    return tell_secret(c, code, &secret, _("Password: %.*s\n"));
}

int cmd_account_apop(struct cli *c) {
    struct problem problem = {0};
    _cleanup_(secret_wipe) struct secret secret = {0};
    if (cli_has(c->call, "remove"))
        return cli_confirm(c, set(c, "apop", S(""), false), _("%.*s can use APOP no more.\n"),
                           SLICE_ARG(address_of(c)));
    int r = secret_get(c, SECRET_APOP, &secret, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    int code = set(c, "apop", secret_slice(&secret), false);
    (void)cli_confirm(c, code, _("%.*s can use APOP now.\n"), SLICE_ARG(address_of(c)));
    return tell_secret(c, code, &secret, _("APOP secret: %.*s\n"));
}

/* ------------------------------------------------------------------ the others */

int cmd_account_enable(struct cli *c) {
    return cli_confirm(c, set(c, "enabled", S("yes"), false), _("%.*s is enabled.\n"),
                       SLICE_ARG(address_of(c)));
}

int cmd_account_disable(struct cli *c) {
    return cli_confirm(c, set_insisting(c, "enabled", S("no"), false, cli_has(c->call, "force")),
                       _("%.*s is disabled: it can neither log in nor receive messages.\n"),
                       SLICE_ARG(address_of(c)));
}

int cmd_account_admin(struct cli *c) {
    bool yes = cli_number(c->call, "yes|no", 0) == 1;
    return cli_confirm(
        c, set_insisting(c, "admin", yes ? S("yes") : S("no"), false, cli_has(c->call, "force")),
        yes ? _("%.*s is an administrator now.\n") : _("%.*s is no administrator now.\n"),
        SLICE_ARG(address_of(c)));
}

int cmd_account_quota(struct cli *c) {
    uint64_t quota = cli_number(c->call, "SIZE|none", 0);
    _cleanup_(buf_done) struct buf size = {0};
    struct slice value = arena_printf(c->arena, "%llu", (unsigned long long)quota);
    int code = set(c, "quota", value, false);
    format_size(&size, quota);
    if (quota == 0)
        return cli_confirm(c, code, _("%.*s has the quota of the settings.\n"),
                           SLICE_ARG(address_of(c)));
    return cli_confirm(c, code, _("%.*s may hold %s.\n"), SLICE_ARG(address_of(c)), buf_str(&size));
}

int cmd_account_name(struct cli *c) {
    return cli_confirm(c, set(c, "name", cli_text(c->call, "NAME"), false),
                       _("%.*s has a new name.\n"), SLICE_ARG(address_of(c)));
}
