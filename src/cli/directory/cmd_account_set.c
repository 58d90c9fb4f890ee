/* SPDX-License-Identifier: ISC */
/* Changing one thing of an account. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/terminal/format.h"
#include "cli/terminal/row.h"
#include "cli/terminal/secret.h"

static int set_insisting(struct cli *c, const char *what, struct slice value, bool accept_weak,
                         bool force) WAITS {
    struct problem problem = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(c, &x, &problem);
    if (r == 0)
        r = access_account_set(x, cli_text(c->call, "USER@DOMAIN"), what, value, accept_weak, force,
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

static int cmd_account_password(struct cli *c) WAITS {
    struct problem problem = {0};
    _cleanup_(secret_wipe) struct secret secret = {0};
    int r = secret_get(c, SECRET_PASSWORD, &secret, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    int code = set(c, "password", secret_slice(&secret), cli_has(c->call, "force-weak"));
    (void)cli_confirm(c, code, _("%.*s has a new password.\n"), SLICE_ARG(address_of(c)));
    return tell_secret(c, code, &secret, _("Password: %.*s\n"));
}

static int cmd_account_apop(struct cli *c) WAITS {
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

static int cmd_account_enable(struct cli *c) WAITS {
    return cli_confirm(c, set(c, "enabled", S("yes"), false), _("%.*s is enabled.\n"),
                       SLICE_ARG(address_of(c)));
}

static int cmd_account_disable(struct cli *c) WAITS {
    return cli_confirm(c, set_insisting(c, "enabled", S("no"), false, cli_has(c->call, "force")),
                       _("%.*s is disabled: it can neither log in nor receive messages.\n"),
                       SLICE_ARG(address_of(c)));
}

static int cmd_account_admin(struct cli *c) WAITS {
    bool yes = cli_number(c->call, "yes|no", 0) == 1;
    return cli_confirm(
        c, set_insisting(c, "admin", yes ? S("yes") : S("no"), false, cli_has(c->call, "force")),
        yes ? _("%.*s is an administrator now.\n") : _("%.*s is no administrator now.\n"),
        SLICE_ARG(address_of(c)));
}

static int cmd_account_quota(struct cli *c) WAITS {
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

static int cmd_account_name(struct cli *c) WAITS {
    return cli_confirm(c, set(c, "name", cli_text(c->call, "NAME"), false),
                       _("%.*s has a new name.\n"), SLICE_ARG(address_of(c)));
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS account_password_parameters[] = {
    ACCOUNT,
    FLAG("password-stdin", .about = N_("read the password from the first line of standard input")),
    FLAG("generate", .about = N_("make a good password and print it")),
    FLAG("force-weak", .about = N_("take a password that is easily guessed all the same")),
    END,
};
const struct cli_command command_account_password = {
    .name = "account password",
    .about = N_("Sets the password of an account."),
    .offline = true,
    .parameters = account_password_parameters,
    .json = "{\"password\"?: text}",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_password,
};

PARAMETERS account_apop_parameters[] = {
    ACCOUNT,
    FLAG("password-stdin", .about = N_("read the secret from the first line of standard input")),
    FLAG("generate", .about = N_("make a good secret and print it")),
    FLAG("remove", .about = N_("take the secret away: no APOP any more")),
    END,
};
const struct cli_command command_account_apop = {
    .name = "account apop",
    .about = N_("Gives an account a secret for APOP, or takes it away."),
    .more = N_("APOP is an old way to log in over POP3. It needs a secret that this host can read"
               " again, where a password is kept as a hash that nobody can. So only accounts that"
               " were given such a secret can use it, and the secret should be no password. It is"
               " kept sealed with a key in the same folder."),
    .offline = true,
    .parameters = account_apop_parameters,
    .json = "{\"password\"?: text}",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_apop,
};

PARAMETERS account_parameters[] = {
    ACCOUNT,
    END,
};
const struct cli_command command_account_enable = {
    .name = "account enable",
    .about = N_("Lets an account log in and receive messages again."),
    .offline = true,
    .parameters = account_parameters,
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_enable,
};

PARAMETERS account_leaving_parameters[] = {
    ACCOUNT,
    FORCE,
    END,
};
const struct cli_command command_account_disable = {
    .name = "account disable",
    .about = N_("Keeps an account, but lets it neither log in nor receive messages."),
    .offline = true,
    .parameters = account_leaving_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_disable,
};

WORDS yes_no[] = {"no", "yes", NULL};
PARAMETERS account_admin_parameters[] = {
    ACCOUNT,
    ARGUMENT("yes|no", .kind = CLI_CHOICE, .choices = yes_no,
             .about = N_("whether it is an administrator")),
    FORCE,
    END,
};
const struct cli_command command_account_admin = {
    .name = "account admin",
    .about = N_("Says whether an account is an administrator."),
    .more = N_("An administrator gets the mail to postmaster and abuse where nothing else is"
               " said."),
    .offline = true,
    .parameters = account_admin_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_admin,
};

PARAMETERS account_quota_parameters[] = {
    ACCOUNT,
    ARGUMENT("SIZE|none", .kind = CLI_SIZE, .about = N_("how much the mailbox may hold")),
    END,
};
const struct cli_command command_account_quota = {
    .name = "account quota",
    .about = N_("Says how much a mailbox may hold."),
    .more = N_("With none the delivery.quota of the settings counts."),
    .offline = true,
    .parameters = account_quota_parameters,
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_quota,
};

PARAMETERS account_name_parameters[] = {
    ACCOUNT,
    ARGUMENT("NAME", .about = N_("the name of the person; '' for none")),
    END,
};
const struct cli_command command_account_name = {
    .name = "account name",
    .about = N_("Sets the name of the person."),
    .offline = true,
    .parameters = account_name_parameters,
    .exits = NOT_FOUND | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_name,
};
