/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/help/docs.h"
#include "cli/terminal/row.h"
#include "conf/show.h"

static int cmd_help(struct cli *c) {
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

static int cmd_manual(struct cli *c) {
    if (cli_number(c->call, "PAGE", 0) == 0)
        docs_manual(c->call->table, &c->out);
    else
        conf_write_man(conf_language(), &c->out);
    return CLI_OK;
}

static int cmd_completion(struct cli *c) {
    if (cli_number(c->call, "SHELL", 0) == 0)
        docs_bash(c->call->table, &c->out);
    else
        docs_zsh(c->call->table, &c->out);
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS help_parameters[] = {
    ARGUMENT("COMMAND", .optional = true, .many = true, .about = N_("the command")),
    END,
};
const struct cli_command command_help = {
    .name = "help",
    .about = N_("Says what a command does and takes."),
    .parameters = help_parameters,
    .exits = NOT_FOUND,
    .stage = CLI_ALONE,
    .run = cmd_help,
};

WORDS manuals[] = {"hayauma", "hayauma.conf", NULL};
PARAMETERS manual_parameters[] = {
    ARGUMENT("PAGE", .kind = CLI_CHOICE, .choices = manuals, .optional = true,
             .about = N_("which one: hayauma, or hayauma.conf for the settings")),
    END,
};
EXAMPLES manual_examples[] = {"hayauma manual | man -l -", NULL};
const struct cli_command command_manual = {
    .name = "manual",
    .about = N_("Prints the manual page of the program, or of its settings file."),
    .parameters = manual_parameters,
    .examples = manual_examples,
    .stage = CLI_ALONE,
    .run = cmd_manual,
};

WORDS shells[] = {"bash", "zsh", NULL};
PARAMETERS completion_parameters[] = {
    ARGUMENT("SHELL", .kind = CLI_CHOICE, .choices = shells,
             .about = N_("which shell: bash or zsh")),
    END,
};
EXAMPLES completion_examples[] = {
    "hayauma completion bash > /etc/bash_completion.d/hayauma",
    NULL,
};
const struct cli_command command_completion = {
    .name = "completion",
    .about = N_("Prints what a shell needs to complete command lines."),
    .parameters = completion_parameters,
    .examples = completion_examples,
    .stage = CLI_ALONE,
    .run = cmd_completion,
};
