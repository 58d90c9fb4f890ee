/* SPDX-License-Identifier: ISC */
/* Changing one thing of an account. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/directory_access.h"
#include "cli/format.h"
#include "cli/secret.h"

static int set(struct cli *c, const char *what, struct slice value, bool accept_weak) {
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int code = directory_access_begin(c, &x);
    if (code != CLI_OK)
        return code;
    int r =
        access_account_set(x, cli_text(c->call, "USER@DOMAIN"), what, value, accept_weak, &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

static int confirm(struct cli *c, int code, const char *sentence) {
    struct slice address = cli_text(c->call, "USER@DOMAIN");
    if (code == CLI_OK && !c->json)
        buf_printf(&c->out, "%.*s %s.\n", SLICE_ARG(address), sentence);
    return code;
}

/* ------------------------------------------------------------------ secrets */

static int confirm_secret(struct cli *c, int code, const struct secret *secret,
                          const char *sentence, const char *title) {
    struct json j = {.to = &c->out};
    (void)confirm(c, code, sentence);
    if (code != CLI_OK || !secret->generated)
        return code;
    if (!c->json) {
        buf_printf(&c->out, "%s: %.*s\n", title, SLICE_ARG(secret_slice(secret)));
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
    int r = secret_get(c, "password", &secret, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    int code = set(c, "password", secret_slice(&secret), cli_has(c->call, "force-weak"));
    return confirm_secret(c, code, &secret, "has a new password", "Password");
}

int cmd_account_apop(struct cli *c) {
    struct problem problem = {0};
    _cleanup_(secret_wipe) struct secret secret = {0};
    if (cli_has(c->call, "remove"))
        return confirm(c, set(c, "apop", S(""), false), "can use APOP no more");
    int r = secret_get(c, "APOP secret", &secret, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    int code = set(c, "apop", secret_slice(&secret), false);
    return confirm_secret(c, code, &secret, "can use APOP now", "APOP secret");
}

/* ------------------------------------------------------------------ the others */

int cmd_account_enable(struct cli *c) {
    return confirm(c, set(c, "enabled", S("yes"), false), "is enabled");
}

int cmd_account_disable(struct cli *c) {
    return confirm(c, set(c, "enabled", S("no"), false),
                   "is disabled: it can neither log in nor receive letters");
}

int cmd_account_admin(struct cli *c) {
    bool yes = cli_number(c->call, "yes|no", 0) == 1;
    return confirm(c, set(c, "admin", yes ? S("yes") : S("no"), false),
                   yes ? "is an administrator now" : "is no administrator now");
}

int cmd_account_quota(struct cli *c) {
    uint64_t quota = cli_number(c->call, "SIZE|none", 0);
    _cleanup_(buf_done) struct buf sentence = {0};
    struct slice value = arena_printf(c->arena, "%llu", (unsigned long long)quota);
    buf_add_str(&sentence, quota > 0 ? "may hold " : "has the quota of the settings");
    if (quota > 0)
        format_size(&sentence, quota);
    return confirm(c, set(c, "quota", value, false), buf_str(&sentence));
}

int cmd_account_name(struct cli *c) {
    return confirm(c, set(c, "name", cli_text(c->call, "NAME"), false), "has a new name");
}
