/* SPDX-License-Identifier: ISC */
#include "auth/import.h"

#include "base/alloc.h"
#include "cli/directory/import.h"
#include "cli/terminal/row.h"
#include "cli/terminal/secret.h"

struct account_import {
    struct import in;
    struct account_new *accounts; /* beside in.entries */
    struct secret *made;          /* the same: passwords that were made here */
    struct buf locked;            /* names of those that were left out */
};

/* ------------------------------------------------------------------ reading */

/* With --generate whoever would come without a password gets one. */
static bool needs_one(const struct cli *c, const struct import_account *account) {
    char *hash = arena_alloc(c->arena, PASSWORD_HASH_MAX);
    if (!cli_has(c->call, "generate") || account->plain.len > 0)
        return false;
    return account->hash.len == 0 || password_import(account->hash, hash, NULL) < 0;
}

static void take(struct account_import *import, const struct import_account *account) {
    struct import *in = &import->in;
    const struct import_entry *entry = import_add(in, account->address);
    if (!entry)
        return;
    struct account_new *to = &import->accounts[in->count - 1];
    struct secret *made = &import->made[in->count - 1];
    *to = (struct account_new){
        .address = account->address,
        .name = account->name,
        .password = account->plain.len > 0 ? account->plain : (struct slice){0},
        .imported = account->hash,
        .quota = account->quota,
        .accept_weak = cli_has(in->c->call, "force-weak"),
    };
    if (!needs_one(in->c, account))
        return;
    secret_generate(made);
    to->password = secret_slice(made);
    to->imported = S("");
}

static void read_accounts(struct account_import *import) {
    struct import *in = &import->in;
    struct import_account account = {0};
    struct problem wrong;
    size_t lines = in->text.rest.len / 2 + 1; /* that have something in them */
    int r;
    import->accounts = arena_array(in->c->arena, lines, sizeof *import->accounts);
    import->made = arena_array(in->c->arena, lines, sizeof *import->made);
    while ((r = import_text_account(&in->text, &account, &wrong)) != 0) {
        size_t longest = MAX(MAX(account.name.len, account.hash.len), account.plain.len);
        if (r > 0 && !account.locked && longest > ACCESS_IMPORT_TEXT)
            r = problem_set(&wrong, -E_SYNTAX, _("a field is longer than %u bytes"),
                            ACCESS_IMPORT_TEXT);
        if (r < 0) {
            import_add_error(in, in->text.line, account.address, &wrong);
        } else if (account.locked) {
            buf_add_str(&import->locked, import->locked.len > 0 ? "\n" : "");
            buf_add(&import->locked, account.address);
        } else {
            take(import, &account);
        }
    }
}

/* ------------------------------------------------------------------ saying what came of it */

static void write_names(struct cli *c, struct slice names) {
    struct slice name;
    for (bool first = true; slice_next(&names, '\n', &name); first = false)
        buf_printf(&c->out, "%s%.*s", first ? "" : _(", "), SLICE_ARG(cli_shown(c->arena, name)));
}

/* Those that are there now, but that nobody can log in to. */
static void find_without_password(const struct account_import *import, struct buf *to) {
    for (size_t i = 0; i < import->in.count; i++) {
        const struct account_new *account = &import->accounts[i];
        if (!import->in.entries[i].done || account->password.len > 0 || account->imported.len > 0)
            continue;
        if (to->len > 0)
            buf_add_byte(to, '\n');
        buf_add(to, account->address);
    }
}

static void write_words(struct account_import *import, size_t done) {
    struct cli *c = import->in.c;
    _cleanup_(buf_done) struct buf without = {0};
    import_print_done(&import->in,
                      P_("%zu account would be added.\n", "%zu accounts would be added.\n", done),
                      P_("Added %zu account.\n", "Added %zu accounts.\n", done));
    if (import->locked.len > 0) {
        buf_add_str(&c->out, _("Left out, since nobody can log in to them: "));
        write_names(c, buf_slice(&import->locked));
        buf_add_byte(&c->out, '\n');
    }
    find_without_password(import, &without);
    if (without.len > 0) {
        buf_add_str(&c->out, _("These are without a password: "));
        write_names(c, buf_slice(&without));
        buf_add_byte(&c->out, '\n');
    }
    for (size_t i = 0; i < import->in.count; i++) {
        if (import->in.entries[i].done && import->made[i].generated)
            buf_printf(&c->out, "%.*s %.*s\n",
                       SLICE_ARG(cli_shown(c->arena, import->accounts[i].address)),
                       SLICE_ARG(secret_slice(&import->made[i])));
    }
}

static void json_names(struct json *j, const char *key, struct slice names) {
    struct slice name;
    json_key(j, key);
    json_array(j);
    while (names.len > 0 && slice_next(&names, '\n', &name))
        json_slice(j, name);
    json_end(j);
}

static void write_json(struct account_import *import, size_t done) {
    struct cli *c = import->in.c;
    struct json j = {.to = &c->out};
    _cleanup_(buf_done) struct buf without = {0};
    find_without_password(import, &without);
    json_object(&j);
    cli_json_int(&j, "added", (int64_t)done);
    json_names(&j, "left_out", buf_slice(&import->locked));
    json_names(&j, "without_password", buf_slice(&without));
    json_key(&j, "passwords");
    json_array(&j);
    for (size_t i = 0; i < import->in.count; i++) {
        if (!import->in.entries[i].done || !import->made[i].generated)
            continue;
        json_object(&j);
        cli_json_text(&j, "address", import->accounts[i].address);
        cli_json_text(&j, "password", secret_slice(&import->made[i]));
        json_end(&j);
    }
    json_end(&j);
    import_json(&import->in, &j);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

/* ------------------------------------------------------------------ the command */

static int send_list(void *arg, struct directory_access *x, const size_t *places, size_t count,
                     bool trial, struct import_result *ret, struct problem *problem) WAITS {
    const struct account_import *import = arg;
    struct arena *a = import->in.c->arena;
    struct account_new *list = arena_array(a, count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = import->accounts[places[i]];
    return access_account_import(x, list, count, trial, a, ret, problem);
}

static int import_accounts(struct cli *c, struct account_import *import,
                           struct problem *problem) WAITS {
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = import_begin(c, &import->in, problem);
    if (r < 0)
        return r;
    read_accounts(import);
    r = directory_access_open(c, &x, problem);
    return r < 0 ? r : import_carry_out(&import->in, x, send_list, import, ACCESS_IMPORT, problem);
}

/* Passwords that were made are said for what was done also when the rest failed. */
static int cmd_account_import(struct cli *c) WAITS {
    struct problem problem = {0};
    struct account_import import = {0};
    size_t done = 0, exist = 0;
    int r = import_accounts(c, &import, &problem);
    int code = r < 0 ? CLI_OK : import_print_errors(&import.in);
    import_count(&import.in, &done, &exist);
    if (c->json && (r == 0 || done > 0))
        write_json(&import, done);
    else if (!c->json && (r == 0 ? code == CLI_OK || cli_has(c->call, "keep-going") : done > 0))
        write_words(&import, done);
    for (size_t i = 0; i < import.in.count; i++)
        secret_wipe(&import.made[i]);
    import_done(&import.in);
    buf_done(&import.locked);
    return r < 0 ? cli_fail(r, &problem) : code;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS account_import_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH,
             .about = N_("one account on each line; - for standard input")),
    OPTION("domain", "DOMAIN", .about = N_("the domain of names without one")),
    FLAG("generate",
         .about = N_("make a password for each account whose own cannot come along, and print it")),
    FLAG("force-weak", .about = N_("take passwords that are easily guessed all the same")),
    IMPORT_FLAGS,
    END,
};
EXAMPLES account_import_examples[] = {
    "hayauma account import /root/users.passwd --dry-run",
    "hayauma account import /etc/shadow --domain example.jp",
    "cut -f 1 /root/members.tsv | hayauma account import - --generate",
    NULL,
};
const struct cli_command command_account_import = {
    .name = "account import",
    .about = N_("Adds the accounts of another mail system."),
    .more = N_("A line is USER:HASH:UID:GID:NAME and so on, as in Dovecot's passwd-file,"
               " vpopmail's vpasswd and /etc/shadow; or columns with tabs between them, as a"
               " database prints them: address, hash, name, quota; or an address alone. Hashes may"
               " be of crypt(3), of Argon2id, or in one of Dovecot's {SCHEME}s for those; {PLAIN}"
               " is a password. Every line is checked first, and nothing is added when one cannot"
               " be taken. Accounts that exist are left as they are, so the same file may come"
               " again."),
    .offline = true,
    .parameters = account_import_parameters,
    .examples = account_import_examples,
    .json = "{\"added\": number, \"left_out\": [text], \"without_password\": [text], "
            "\"passwords\": [{\"address\": text, \"password\": text}], " JSON_IMPORT "}",
    .exits = REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_account_import,
};
