/* SPDX-License-Identifier: ISC */
#include "cli/directory/import.h"
#include "cli/terminal/row.h"

struct alias_import {
    struct import in;
    struct alias *aliases; /* beside in.entries */
    size_t bytes;          /* of all addresses */
};

static int check_lengths(const struct import_alias *alias, size_t *bytes, struct problem *problem) {
    *bytes += alias->address.len;
    for (size_t i = 0; i < alias->count; i++) {
        if (alias->targets[i].len > ACCESS_IMPORT_TEXT)
            return problem_set(problem, -E_SYNTAX, _("the address is longer than %u bytes"),
                               ACCESS_IMPORT_TEXT);
        *bytes += alias->targets[i].len + 8;
    }
    return 0;
}

static int read_aliases(struct alias_import *import, struct problem *problem) {
    struct import *in = &import->in;
    struct import_alias alias = {0};
    struct problem wrong;
    int r;
    import->aliases = arena_array(in->c->arena, in->text.rest.len / 2 + 1, sizeof *import->aliases);
    while ((r = import_text_alias(&in->text, &alias, &wrong)) != 0) {
        if (r > 0)
            r = check_lengths(&alias, &import->bytes, &wrong);
        if (r < 0) {
            import_add_error(in, in->text.line, alias.address, &wrong);
            continue;
        }
        if (import_add(in, alias.address))
            import->aliases[in->count - 1] =
                (struct alias){alias.address, alias.targets, alias.count};
    }
    if (in->count > ACCESS_ALIASES || import->bytes > ACCESS_IMPORT_BYTES)
        return problem_set(
            problem, -E_SYNTAX,
            _("%s has more than %u aliases, or than %zu KiB of addresses; divide it"), in->name,
            ACCESS_ALIASES, ACCESS_IMPORT_BYTES >> 10);
    return 0;
}

static int send_list(void *arg, struct directory_access *x, const size_t *places, size_t count,
                     bool trial, struct import_result *ret, struct problem *problem) WAITS {
    const struct alias_import *import = arg;
    struct arena *a = import->in.c->arena;
    struct alias *list = arena_array(a, count, sizeof *list);
    for (size_t i = 0; i < count; i++)
        list[i] = import->aliases[places[i]];
    return access_alias_import(x, list, count, trial, a, ret, problem);
}

static void confirm(struct import *in) {
    struct cli *c = in->c;
    size_t done = 0, exist = 0;
    import_count(in, &done, &exist);
    if (c->json) {
        struct json j = {.to = &c->out};
        json_object(&j);
        cli_json_int(&j, "set", (int64_t)done);
        import_json(in, &j);
        json_end(&j);
        buf_add_byte(&c->out, '\n');
        return;
    }
    import_print_done(in, P_("%zu alias would be set.\n", "%zu aliases would be set.\n", done),
                      P_("Set %zu alias.\n", "Set %zu aliases.\n", done));
}

static int import_aliases(struct cli *c, struct alias_import *import,
                          struct problem *problem) WAITS {
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = import_begin(c, &import->in, problem);
    if (r == 0)
        r = read_aliases(import, problem);
    if (r == 0)
        r = directory_access_open(c, &x, problem);
    return r < 0 ? r : import_carry_out(&import->in, x, send_list, import, ACCESS_ALIASES, problem);
}

static int cmd_alias_import(struct cli *c) WAITS {
    struct problem problem = {0};
    struct alias_import import = {0};
    int r = import_aliases(c, &import, &problem);
    int code = r < 0 ? CLI_OK : import_print_errors(&import.in);
    if (r == 0 && (c->json || code == CLI_OK || cli_has(c->call, "keep-going")))
        confirm(&import.in);
    import_done(&import.in);
    return r < 0 ? cli_fail(r, &problem) : code;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS alias_import_parameters[] = {
    ARGUMENT("FILE", .kind = CLI_PATH, .about = N_("the aliases; - for standard input")),
    OPTION("domain", "DOMAIN", .about = N_("the domain of names without one")),
    IMPORT_FLAGS,
    END,
};
EXAMPLES alias_import_examples[] = {"hayauma alias import /etc/aliases --domain example.jp", NULL};
const struct cli_command command_alias_import = {
    .name = "alias import",
    .about = N_("Makes aliases lead where a file says: /etc/aliases, or virtual aliases."),
    .more = N_("An entry is NAME: TARGET, TARGET or ADDRESS TARGET TARGET; a line that begins"
               " with a blank goes on with the one before. Every entry is checked first, and"
               " nothing is changed when one cannot be taken, such as a program as a target."
               " Aliases that the file does not name stay as they are."),
    .offline = true,
    .parameters = alias_import_parameters,
    .examples = alias_import_examples,
    .json = "{\"set\": number, " JSON_IMPORT "}",
    .exits = REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_alias_import,
};
