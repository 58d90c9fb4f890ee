/* SPDX-License-Identifier: ISC */
/* The index of an account's texts: how far it is, and made anew. */
#include "cli/cli.h"
#include "cli/host/server.h"
#include "cli/mailbox/mailbox_access.h"
#include "cli/terminal/row.h"

static void show(struct cli *c, const struct rpc_mail_search_index_out *index) {
    struct json j = {.to = &c->out};
    if (c->json) {
        json_object(&j);
        cli_json_bool(&j, "index", index->there);
        cli_json_bool(&j, "anew", index->anew);
        cli_json_int(&j, "messages", (int64_t)index->messages);
        cli_json_int(&j, "left", (int64_t)index->left);
        json_end(&j);
        buf_add_byte(&c->out, '\n');
    } else if (index->there || index->anew) {
        buf_printf(&c->out,
                   index->anew ? _("The index is being made anew. Messages in the new one: %llu;"
                                   " still to come: %llu\n")
                               : _("Messages in the index: %llu; still to come: %llu\n"),
                   (unsigned long long)index->messages, (unsigned long long)index->left);
    } else {
        buf_add_str(&c->out, _("The account has no index: nobody has searched in its texts, or it"
                               " has few messages.\n"));
    }
}

static int run(struct cli *c, bool rebuild) WAITS {
    struct problem problem = {0};
    struct rpc_mail_search_index_out index = {0};
    _cleanup_(rpc_link_free_p) struct rpc_link *running = NULL;
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = server_connect(c, ROLE_DIRECTORY, &running, &problem);
    if (r == 0)
        r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = access_search_index(x, rebuild, &index, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    show(c, &index);
    return CLI_OK;
}

static int cmd_search_rebuild(struct cli *c) WAITS {
    return run(c, true);
}

static int cmd_search_status(struct cli *c) WAITS {
    return run(c, false);
}

/* ------------------------------------------------------------------ on the command line */

#define JSON_SEARCH "{\"index\": bool, \"anew\": bool, \"messages\": number, \"left\": number}"

PARAMETERS search_parameters[] = {ACCOUNT, END};
const struct cli_command command_search_status = {
    .name = "search status",
    .about = N_("Says how far the index of an account's texts is."),
    .more = N_("With the index a search in texts reads only the messages that may have them. It is"
               " made when a mail program or a command searches in the texts for the first time,"
               " if that has 200 messages or more, and follows what comes. Messages that are still"
               " to come into it are found as well."),
    .parameters = search_parameters,
    .json = JSON_SEARCH,
    .exits = NOT_FOUND | NOT_RUNNING,
    .stage = CLI_READS,
    .run_in_fiber = cmd_search_status,
};

const struct cli_command command_search_rebuild = {
    .name = "search rebuild",
    .about = N_("Makes the index of an account's texts anew, or the first one."),
    .more = N_("The old index is used until the new one is whole. The server does this by itself"
               " when an index is damaged."),
    .parameters = search_parameters,
    .json = JSON_SEARCH,
    .exits = NOT_FOUND | NOT_RUNNING,
    .stage = CLI_READS,
    .run_in_fiber = cmd_search_rebuild,
};
