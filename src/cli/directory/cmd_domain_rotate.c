/* SPDX-License-Identifier: ISC */
#include "cli/host/server.h"
#include "cli/terminal/row.h"
#include "message/address/domain.h"
#include "role/author.h"

static int rotate(struct cli *c, struct slice domain, struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_link *keys = NULL;
    struct rpc_keys_dkim_rotate_in in = {.by = author_hint(c->arena), .domain = domain};
    struct rpc_keys_dkim_rotate_out out;
    int r = server_connect(c, ROLE_KEYS, &keys, problem);
    if (r < 0)
        return r;
    r = call_keys_dkim_rotate(keys, &in, c->arena, &out, problem);
    rpc_link_free(keys);
    return r;
}

static int cmd_domain_rotate(struct cli *c) WAITS {
    struct problem problem = {0};
    struct slice domain, name = cli_text(c->call, "DOMAIN");
    int r = domain_canonical(c->arena, name, DOMAIN_UTF8, &domain, NULL);
    if (r < 0)
        (void)problem_set(&problem, r, _("\"%.*s\" is no domain"), SLICE_ARG(name));
    else
        r = rotate(c, domain, &problem);
    return cli_confirm(c, r < 0 ? cli_fail(r, &problem) : CLI_OK,
                       _("%.*s has new DKIM keys; publish them: hayauma dns %.*s\n"),
                       SLICE_ARG(cli_shown(c->arena, name)), SLICE_ARG(cli_shown(c->arena, name)));
}

PARAMETERS rotate_parameters[] = {
    ARGUMENT("DOMAIN", .offers = CLI_OFFER_DOMAINS, .about = N_("the domain, or the host's name")),
    END,
};
EXAMPLES rotate_examples[] = {"hayauma domain rotate example.jp", NULL};
const struct cli_command command_domain_rotate = {
    .name = "domain rotate",
    .about = N_("Makes new DKIM keys for a domain, beside those in use."),
    .more = N_("Publish their records, which hayauma dns shows. A day after DNS has been found to"
               " show them they sign, and the keys before them are used no more; their records may"
               " go when hayauma dns does not list them any more."),
    .parameters = rotate_parameters,
    .examples = rotate_examples,
    .exits = NOT_RUNNING | NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_domain_rotate,
};
