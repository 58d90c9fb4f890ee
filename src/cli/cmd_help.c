/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/docs.h"
#include "conf/show.h"

int cmd_help(struct cli *c) {
    size_t count = 0;
    const struct slice *words = cli_texts(c->call, "COMMAND", c->arena, &count);
    struct slice name = count > 0 ? words[0] : S("");
    for (size_t i = 1; i < count; i++)
        name = arena_printf(c->arena, "%.*s %.*s", SLICE_ARG(name), SLICE_ARG(words[i]));
    const struct cli_command *command = cli_command_find(c->call->table, name);
    if (count == 0)
        docs_overview(c->call->table, &c->out);
    else if (command)
        docs_command(c->call->table, command, &c->out);
    else
        cli_print(_("there is no command \"%.*s\""), SLICE_ARG(name));
    return count == 0 || command ? CLI_OK : CLI_NOT_FOUND;
}

int cmd_manual(struct cli *c) {
    if (cli_number(c->call, "PAGE", 0) == 0)
        docs_manual(c->call->table, &c->out);
    else
        conf_write_man(conf_language(), &c->out);
    return CLI_OK;
}

int cmd_completion(struct cli *c) {
    if (cli_number(c->call, "SHELL", 0) == 0)
        docs_bash(c->call->table, &c->out);
    else
        docs_zsh(c->call->table, &c->out);
    return CLI_OK;
}
