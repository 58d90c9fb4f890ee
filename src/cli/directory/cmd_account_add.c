/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/mailbox/mailbox_access.h"
#include "cli/terminal/row.h"
#include "cli/terminal/secret.h"

enum { MAILBOXES_DEFAULT, MAILBOXES_NONE };

/* What came of it. */
struct added {
    uint64_t result; /* the number of a single one; else how many */
    uint64_t shared; /* accounts that give rights to the address of a single one */
};

static void write_json(struct cli *c, const struct account_new *account, uint64_t count,
                       const struct added *added, const struct secret *secret) {
    struct json j = {.to = &c->out};
    json_object(&j);
    cli_json_text(&j, "address", account->address);
    cli_json_int(&j, count > 0 ? "added" : "id", (int64_t)added->result);
    if (added->shared > 0)
        cli_json_int(&j, "shared", (int64_t)added->shared);
    if (secret->generated)
        cli_json_text(&j, "password", secret_slice(secret));
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static void write_words(struct cli *c, const struct account_new *account, uint64_t count,
                        const struct added *added, const struct secret *secret) {
    const uint64_t result = added->result;
    struct slice address = cli_shown(c->arena, account->address);
    if (count > 0)
        buf_printf(&c->out, P_("Added %llu account %.*s.\n", "Added %llu accounts %.*s.\n", result),
                   (unsigned long long)result, SLICE_ARG(address));
    else
        buf_printf(&c->out, _("Added the account %.*s, number %llu.\n"), SLICE_ARG(address),
                   (unsigned long long)result);
    if (added->shared > 0)
        buf_printf(&c->out,
                   P_("%llu account gives this address rights in its mailboxes already; hayauma "
                      "mailbox acl takes them away.\n",
                      "%llu accounts give this address rights in their mailboxes already; hayauma "
                      "mailbox acl takes them away.\n",
                      added->shared),
                   (unsigned long long)added->shared);
    if (secret->generated)
        buf_printf(&c->out, _("Password: %.*s\n"), SLICE_ARG(secret_slice(secret)));
}

/* --mailboxes none: before somebody opens the account, who would give it the default ones. */
static int begin_bare(struct cli *c, struct problem *problem) WAITS {
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    bool had_begun = false;
    int r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, problem);
    if (r == 0)
        r = access_begin_bare(x, &had_begun, problem);
    if (r == 0 && had_begun)
        cli_print(_("a message came before, so the account has the default mailboxes"));
    return r;
}

static int cmd_account_add(struct cli *c) WAITS {
    struct problem problem = {0};
    _cleanup_(secret_wipe) struct secret secret = {0};
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    uint64_t count = cli_number(c->call, "count", 0);
    struct added added = {0};
    uint64_t first = cli_number(c->call, "first", 0);
    bool hash = cli_has(c->call, "password-hash-stdin");
    bool bare = cli_number(c->call, "mailboxes", MAILBOXES_DEFAULT) == MAILBOXES_NONE;
    bool for_tests = cli_number(c->call, "hash-cost", 0) == 1;
    int r = 0;
    if (!cli_has(c->call, "no-password"))
        r = secret_get(c, SECRET_PASSWORD_OR_HASH, &secret, &problem);
    else if (hash || cli_has(c->call, "password-stdin") || cli_has(c->call, "generate"))
        r = problem_set(&problem, -E_SYNTAX, _("--no-password goes with no other password"));
    if (r == 0 && bare && count > 0)
        r = problem_set(&problem, -E_SYNTAX,
                        _("--mailboxes none is for a single account; for many, the setting"
                          " accounts.mailboxes can be none"));
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
        r = access_account_add(x, &account, first, count, &added.result, &added.shared, &problem);
    directory_access_close(TAKE_PTR(x));
    if (r < 0)
        return cli_fail(r, &problem);
    r = bare ? begin_bare(c, &problem) : 0;
    if (c->json)
        write_json(c, &account, count, &added, &secret);
    else
        write_words(c, &account, count, &added, &secret);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

WORDS mailboxes[] = {"default", "none", NULL};
WORDS hash_costs[] = {"normal", "min", NULL};
PARAMETERS account_add_parameters[] = {
    ARGUMENT("USER@DOMAIN", .about = N_("the address of the account")),
    FLAG("password-stdin", .about = N_("read the password from the first line of standard input")),
    FLAG("password-hash-stdin",
         .about = N_("read a password hash of another system from there: of crypt(3) or Argon2id,"
                     " also with the {SCHEME} of Dovecot")),
    FLAG("generate", .about = N_("make a good password and print it")),
    FLAG("no-password", .about = N_("make an account that nobody can log in to yet")),
    OPTION("name", "TEXT", .about = N_("the name of the person")),
    OPTION("quota", "SIZE", .kind = CLI_SIZE, .about = N_("how much the mailbox may hold")),
    OPTION("mailboxes", "WHICH", .kind = CLI_CHOICE, .choices = mailboxes,
           .about = N_("default for those of the setting accounts.mailboxes beside the INBOX, or"
                       " none")),
    FLAG("admin",
         .about = N_("make it an administrator, who gets the mail to postmaster and abuse")),
    FLAG("disabled", .about = N_("make it disabled")),
    FLAG("force-weak", .about = N_("take a password that is easily guessed all the same")),
    OPTION("count", "N", .kind = CLI_NUMBER, .min = 1, .max = 1000000,
           .about = N_("make N accounts; USER holds %d or %03d, which becomes 0, 1, 2 and so on")),
    OPTION("first", "N", .kind = CLI_NUMBER, .max = 1000000000,
           .about = N_("number from N instead")),
    OPTION("hash-cost", "COST", .kind = CLI_CHOICE, .choices = hash_costs,
           .about = N_("normal, or min for tests: any password is taken, none is protected")),
    END,
};
EXAMPLES account_add_examples[] = {
    "hayauma account add tama@example.jp --name 'Tama Suzuki' --admin",
    "echo \"$secret\" | hayauma account add user%03d@example.test --password-stdin --count 500",
    NULL,
};
const struct cli_command command_account_add = {
    .name = "account add",
    .about = N_("Adds an account, or many at once."),
    .more = N_("Asks for the password on the terminal, unless an option says where it comes from."
               " Passwords that are easily guessed are refused."),
    .offline = true,
    .parameters = account_add_parameters,
    .examples = account_add_examples,
    .json = "{\"address\": text, \"id\"?: number, \"added\"?: number, \"shared\"?: number,"
            " \"password\"?: text}",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_add,
};
