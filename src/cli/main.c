/* SPDX-License-Identifier: ISC */
/*
 * The program. A process of the server is this program too (proc/spawn.h); everything else is
 * a command of the table: its row says what has to be there before its function is called.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help/docs.h"
#include "cli/terminal/language.h"
#include "role/roles.h"

#define WIDTH_USUAL 80U   /* of a terminal that does not know its own: a serial line */
#define WIDTH_MOST  9999U /* as if there were no limit */

/* What the user says in COLUMNS comes before what the terminal says of itself (POSIX, XBD 8.3). */
static size_t terminal_width(void) {
    const char *said = getenv("COLUMNS");
    struct winsize size;
    uint64_t width = 0;
    if (!isatty(STDOUT_FILENO))
        return 0;
    if (said && slice_to_u64(slice_of_str(said), WIDTH_MOST, &width) == 0 && width > 0)
        return (size_t)width;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_USUAL;
}

struct start {
    struct cli *cli;
    int exit;
};

static void command_fiber(void *arg) WAITS {
    struct start *s = arg;
    s->exit = s->cli->call->command->run_in_fiber(s->cli);
}

static int call_command(struct cli *c) {
    struct fiber_config config = {0};
    struct start start = {.cli = c, .exit = CLI_FAILED};
    const struct cli_command *command = c->call->command;
    if (c->json || command->stage == CLI_SERVES)
        language_english();
    int code = command->stage == CLI_ALONE ? CLI_OK : cli_find_state(c);
    if (code != CLI_OK)
        return code;
    if (command->run)
        return command->run(c);
    int r = fiber_run(&config, command_fiber, &start);
    return r < 0 ? cli_fail(r, NULL) : start.exit;
}

static int answer(struct cli *c) {
    const struct cli_call *call = c->call;
    if (call->version)
        buf_printf(&c->out, "hayauma %s\n", cli_version);
    else if (call->help && call->command)
        docs_command(call->table, call->command, &c->out);
    else if (call->help)
        docs_overview(call->table, &c->out);
    else
        return call_command(c);
    return CLI_OK;
}

static int complain(const struct cli_call *call, const struct problem *problem) {
    _cleanup_(buf_done) struct buf synopsis = {0};
    cli_print("%s", problem->text);
    if (call->command && !cli_command_is_group(call->command)) {
        docs_synopsis(call->command, &synopsis);
        (void)fprintf(stderr, _("usage: %s\n"), buf_str(&synopsis));
    } else if (!call->command) {
        (void)fprintf(stderr, _("See hayauma --help.\n"));
    }
    return CLI_USAGE;
}

int main(int argc, char **argv) {
    if (argc > 1 && slice_eq(slice_of_str(argv[1]), S(PROCESS_OPTION)))
        return process_main(argc, argv, all_roles);
    language_choose();
    _cleanup_(arena_done) struct arena arena = {0};
    struct cli_call *call = ARENA_NEW(&arena, struct cli_call);
    struct cli *cli = ARENA_NEW(&arena, struct cli);
    struct problem problem = {0};
    *cli = (struct cli){.call = call, .arena = &arena};
    (void)signal(SIGPIPE, SIG_IGN);
    if (cli_parse(&cli_table, MAX(argc - 1, 0), argv + 1, &arena, call, &problem) < 0)
        return complain(call, &problem);
    cli->json = call->json;
    cli->width = call->wide ? 0 : terminal_width();
    int code = answer(cli);
    cli_flush(cli);
    buf_done(&cli->out);
    conf_free(cli->conf);
    conf_free(cli->most);
    conf_problems_done(&cli->problems);
    return code;
}
