/* SPDX-License-Identifier: ISC */
/* Interfering with the queue. */
#include "cli/cli.h"
#include "cli/queue/queue_access.h"
#include "cli/terminal/row.h"
#include "queue/queue.h"

struct acting {
    enum queue_action action;
    const char *one, *many; /* "%llu message is on hold now.\n" */
    bool bounce;
};

static int act_on(struct cli *c, struct queue_access *queue, const struct rpc_queue_act_in *in,
                  struct rpc_queue_act_out *sum, struct problem *problem) WAITS {
    struct rpc_queue_act_out out;
    int r = access_queue_act(queue, in, c->arena, &out, problem);
    if (r < 0)
        return r;
    sum->count += out.count;
    sum->held += out.held;
    return 0;
}

/* Messages by id, one after the other: the first one that is not there ends it. */
static int act_on_list(struct cli *c, struct queue_access *queue, struct rpc_queue_act_in *in,
                       struct rpc_queue_act_out *sum, struct problem *problem) WAITS {
    for (size_t i = 0; i < c->call->count; i++) {
        const struct cli_given *given = &c->call->given[i];
        if (given->parameter->form != CLI_ARGUMENT)
            continue;
        in->id = given->number;
        int r = in->id == 0 ? -E_UNKNOWN : act_on(c, queue, in, sum, problem);
        if (r < 0)
            return problem_set(problem, r, "%.*s: %s", SLICE_ARG(given->text),
                               r == -E_UNKNOWN ? _("there is no such message in the queue")
                                               : error_words(r));
    }
    return 0;
}

/* Of those to be tried, the ones on hold are not. */
static void confirm_retry(struct cli *c, const struct rpc_queue_act_out *done, bool running) {
    uint64_t tried = done->count - MIN(done->held, done->count);
    if (tried > 0 || done->held == 0)
        buf_printf(&c->out,
                   running
                       ? P_("%llu message is tried now.\n", "%llu messages are tried now.\n", tried)
                       : P_("%llu message is tried when the server starts.\n",
                            "%llu messages are tried when the server starts.\n", tried),
                   (unsigned long long)tried);
    if (done->held > 0)
        buf_printf(&c->out,
                   P_("%llu message is on hold and is not tried before it is released: hayauma"
                      " queue release\n",
                      "%llu messages are on hold and are not tried before they are released:"
                      " hayauma queue release\n",
                      done->held),
                   (unsigned long long)done->held);
}

static void confirm(struct cli *c, const struct rpc_queue_act_out *done,
                    const struct acting *acting, bool running) {
    struct json j = {.to = &c->out};
    if (!c->json && acting->action == QUEUE_RETRY) {
        confirm_retry(c, done, running);
        return;
    }
    if (!c->json) {
        buf_printf(&c->out, P_(acting->one, acting->many, done->count),
                   (unsigned long long)done->count);
        return;
    }
    json_object(&j);
    cli_json_int(&j, "count", (int64_t)done->count);
    if (acting->action == QUEUE_RETRY && done->held > 0)
        cli_json_int(&j, "held", (int64_t)done->held);
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static int act(struct cli *c, const struct acting *acting) WAITS {
    struct problem problem = {0}, untold = {0};
    struct rpc_queue_act_out done = {0};
    bool listed = cli_has(c->call, "ID"), all = cli_has(c->call, "all");
    struct slice match = cli_text(c->call, "match"), login = cli_text(c->call, "login");
    struct rpc_queue_act_in in = {.action = (uint8_t)acting->action,
                                  .all = all,
                                  .match = match,
                                  .login = login,
                                  .bounce = acting->bounce};
    _cleanup_(queue_access_close_p) struct queue_access *queue = NULL;
    if ((listed ? 1 : 0) + (all ? 1 : 0) + (match.len > 0 ? 1 : 0) + (login.len > 0 ? 1 : 0) != 1) {
        cli_print(_("say which messages: their ids, --match TEXT, --login USER@DOMAIN, or --all"));
        return CLI_USAGE;
    }
    cli_warn_settings(c);
    int r = queue_access_open(c, &queue, &problem);
    if (r == 0)
        r = listed ? act_on_list(c, queue, &in, &done, &problem)
                   : act_on(c, queue, &in, &done, &problem);
    bool running = queue && queue_access_is_remote(queue);
    if (queue && queue_access_report(c, queue, &untold) < 0)
        cli_print(_("what was done is not in its journey: %s"), problem_words(c->arena, &untold));
    if (r < 0)
        return cli_fail(r, &problem);
    confirm(c, &done, acting, running);
    return CLI_OK;
}

static int cmd_queue_hold(struct cli *c) WAITS {
    return act(c, &(struct acting){
                      QUEUE_HOLD,
                      NP_("%llu message is on hold now.\n", "%llu messages are on hold now.\n"),
                      false});
}

static int cmd_queue_release(struct cli *c) WAITS {
    return act(c, &(struct acting){
                      QUEUE_RELEASE,
                      NP_("%llu message is released.\n", "%llu messages are released.\n"), false});
}

static int cmd_queue_retry(struct cli *c) WAITS {
    return act(c, &(struct acting){.action = QUEUE_RETRY});
}

static int cmd_queue_remove(struct cli *c) WAITS {
    return act(c,
               &(struct acting){QUEUE_REMOVE,
                                NP_("%llu message is removed.\n", "%llu messages are removed.\n"),
                                cli_has(c->call, "bounce")});
}

/* ------------------------------------------------------------------ on the command line */

#define QUEUE_SELECT                                                                               \
    ARGUMENT("ID", .kind = CLI_MESSAGE, .offers = CLI_OFFER_MESSAGES, .optional = true,            \
             .many = true, .about = N_("the messages")),                                           \
        OPTION("match", "TEXT",                                                                    \
               .about = N_("all messages whose sender or a recipient contains this")),             \
        OPTION("login", "USER@DOMAIN",                                                             \
               .about = N_("all messages that this account has sent, whatever their sender")),     \
        FLAG("all", .about = N_("all messages"))
PARAMETERS queue_parameters[] = {QUEUE_SELECT, END};
const struct cli_command command_queue_hold = {
    .name = "queue hold",
    .about = N_("Keeps messages from being tried, until they are released."),
    .offline = true,
    .parameters = queue_parameters,
    .json = "{\"count\": number, \"held\"?: number}",
    .exits = NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_queue_hold,
};

const struct cli_command command_queue_release = {
    .name = "queue release",
    .about = N_("Lets messages that are on hold go on."),
    .offline = true,
    .parameters = queue_parameters,
    .json = "{\"count\": number, \"held\"?: number}",
    .exits = NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_queue_release,
};

EXAMPLES queue_retry_examples[] = {"hayauma queue retry --match example.com", NULL};
const struct cli_command command_queue_retry = {
    .name = "queue retry",
    .about = N_("Tries messages now, also where the other host was given a rest."),
    .more = N_("One on hold is not tried before it is released, which is said. While the"
               " server does not run they are tried when it starts."),
    .offline = true,
    .parameters = queue_parameters,
    .examples = queue_retry_examples,
    .json = "{\"count\": number, \"held\"?: number}",
    .exits = NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_queue_retry,
};

PARAMETERS queue_remove_parameters[] = {
    QUEUE_SELECT,
    FLAG("bounce", .about = N_("tell the senders that their messages were not delivered")),
    END,
};
const struct cli_command command_queue_remove = {
    .name = "queue remove",
    .about = N_("Removes messages for ever."),
    .more = N_("A message that is just being handed over may still arrive."),
    .offline = true,
    .parameters = queue_remove_parameters,
    .json = "{\"count\": number, \"held\"?: number}",
    .exits = NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_queue_remove,
};
