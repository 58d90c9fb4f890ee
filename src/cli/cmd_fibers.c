/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/server.h"
#include "message/text.h"

int cmd_fibers(struct cli *c) {
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
