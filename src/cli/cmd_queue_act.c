/* SPDX-License-Identifier: ISC */
/* Interfering with the queue. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/office.h"
#include "queue/queue.h"

struct acting {
    enum queue_action action;
    const char *one, *many; /* "%llu message is on hold now.\n" */
    bool bounce;
};

static int act_on(struct cli *c, struct rpc_link *link, const struct rpc_queue_act_in *in,
                  uint64_t *count, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_queue_act_out out;
    int r = call_queue_act(link, in, c->arena, &out, problem);
    if (r == 0)
        *count += out.count;
    return r;
}

/* Letters by id, one after the other: the first one that is not there ends it. */
static int act_on_list(struct cli *c, struct rpc_link *link, struct rpc_queue_act_in *in,
                       uint64_t *count, struct problem *problem) {
    for (size_t i = 0; i < c->call->count; i++) {
        const struct cli_given *given = &c->call->given[i];
        if (given->parameter->form != CLI_ARGUMENT)
            continue;
        in->id = given->number;
        int r = in->id == 0 ? -E_UNKNOWN : act_on(c, link, in, count, problem);
        if (r < 0)
            return problem_set(problem, r, "%.*s: %s", SLICE_ARG(given->text),
                               r == -E_UNKNOWN ? _("there is no such message in the queue")
                                               : error_words(r));
    }
    return 0;
}

static void confirm(struct cli *c, uint64_t count, const struct acting *acting) {
    struct json j = {.to = &c->out};
    if (!c->json) {
        buf_printf(&c->out, P_(acting->one, acting->many, count), (unsigned long long)count);
        return;
    }
    json_object(&j);
    cli_json_int(&j, "count", (int64_t)count);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static int act(struct cli *c, const struct acting *acting) {
    struct problem problem = {0};
    uint64_t count = 0;
    bool listed = cli_has(c->call, "ID"), all = cli_has(c->call, "all");
    struct slice match = cli_text(c->call, "match");
    struct rpc_queue_act_in in = {
        .action = (uint8_t)acting->action, .all = all, .match = match, .bounce = acting->bounce};
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    if ((listed ? 1 : 0) + (all ? 1 : 0) + (match.len > 0 ? 1 : 0) != 1) {
        cli_say(_("say which letters: their ids, --match TEXT, or --all"));
        return CLI_USAGE;
    }
    int r = office_connect(c, ROLE_QUEUE, &link, &problem);
    if (r == 0)
        r = listed ? act_on_list(c, link, &in, &count, &problem)
                   : act_on(c, link, &in, &count, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    confirm(c, count, acting);
    return CLI_OK;
}

int cmd_queue_hold(struct cli *c) {
    return act(c, &(struct acting){
                      QUEUE_HOLD,
                      NP_("%llu message is on hold now.\n", "%llu messages are on hold now.\n"),
                      false});
}

int cmd_queue_release(struct cli *c) {
    return act(c, &(struct acting){
                      QUEUE_RELEASE,
                      NP_("%llu message is released.\n", "%llu messages are released.\n"), false});
}

int cmd_queue_retry(struct cli *c) {
    return act(
        c, &(struct acting){QUEUE_RETRY,
                            NP_("%llu message is tried now.\n", "%llu messages are tried now.\n"),
                            false});
}

int cmd_queue_remove(struct cli *c) {
    return act(c,
               &(struct acting){QUEUE_REMOVE,
                                NP_("%llu message is removed.\n", "%llu messages are removed.\n"),
                                cli_has(c->call, "bounce")});
}
