/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/host/server.h"
#include "cli/terminal/row.h"
#include "message/text.h"

static int cmd_fibers(struct cli *c) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    struct problem problem = {0};
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    struct rpc_master_fibers_in in = {.role = cli_text(c->call, "ROLE"),
                                      .worker = (uint32_t)cli_number(c->call, "WORKER", 0)};
    struct rpc_master_fibers_out out = {0};
    int r = server_connect(c, ROLE_MASTER, &link, &problem);
    if (r == 0)
        r = call_master_fibers(link, &in, c->arena, &out, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    if (!c->json) {
        for (size_t i = 0; i < out.fibers_count; i++) {
            text_add(&c->out, out.fibers[i].text);
            buf_add_byte(&c->out, '\n');
        }
        return CLI_OK;
    }
    struct json j = {.to = &c->out};
    json_array(&j);
    for (size_t i = 0; i < out.fibers_count; i++)
        json_slice(&j, out.fibers[i].text);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
    return CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS fibers_parameters[] = {
    ARGUMENT("ROLE", .kind = CLI_CHOICE, .choices = role_processes, .about = N_("the process")),
    ARGUMENT("WORKER", .kind = CLI_NUMBER, .max = 255, .optional = true,
             .about = N_("its number, where a role has several; without it, 0")),
    END,
};
const struct cli_command command_fibers = {
    .name = "fibers",
    .about = N_("Lists what a process is doing, fiber by fiber: for debugging."),
    .parameters = fibers_parameters,
    .json = "[text]",
    .exits = NOT_RUNNING | NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_fibers,
};
