/* SPDX-License-Identifier: ISC */
#include "cli/queue/events_access.h"

#include <errno.h>

#include "base/alloc.h"
#include "cli/host/server.h"
#include "cli/terminal/enter.h"

struct events_access {
    struct rpc_link *link; /* or */
    struct event_log *events;
    struct entered entered;
};

static int open_here(struct cli *c, struct events_access *x, struct problem *problem) {
    struct event_log_options options = {.path = "events.db", .read_only = true};
    server_upgrade_if_idle(c);
    int r = enter_folder(c, "events", &c->users.mail, &x->entered, problem);
    if (r == 0 && access(options.path, F_OK) < 0 && errno == ENOENT)
        r = problem_set(problem, -E_UNKNOWN,
                        _("nothing is recorded in %s yet: the server has never run"), c->directory);
    if (r == 0)
        x->events = event_log_new(&options);
    return r;
}

int events_access_open(struct cli *c, struct events_access **ret, struct problem *problem) {
    _cleanup_(events_access_close_p) struct events_access *x = NEW(struct events_access);
    x->entered = ENTERED_NONE;
    int r = server_connect_if_running(c, ROLE_EVENTS, &x->link, problem);
    if (r == 0 && !x->link)
        r = open_here(c, x, problem);
    if (r == 0)
        *ret = TAKE_PTR(x);
    return r;
}

void events_access_close(struct events_access *x) {
    if (!x)
        return;
    event_log_free(x->events);
    leave_folder(&x->entered);
    if (x->link)
        rpc_link_free(x->link);
    free(x);
}

bool events_access_is_remote(const struct events_access *x) {
    return x->link != NULL;
}

int access_find_messages(struct events_access *x, const struct event_log_search *search,
                         unsigned limit, struct arena *a, queue_id **ret, size_t *ret_count,
                         struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct rpc_events_find_in in = {.words = (struct slice *)(uintptr_t)search->words,
                                    .words_count = search->count,
                                    .first = search->first,
                                    .last = search->last,
                                    .limit = limit};
    struct rpc_events_find_out out;
    if (!x->link)
        return event_log_find(x->events, search, limit, a, ret, ret_count, problem);
    int r = call_events_find(x->link, &in, a, &out, problem);
    if (r < 0)
        return r;
    *ret = arena_array(a, out.messages_count, sizeof **ret);
    *ret_count = out.messages_count;
    for (size_t i = 0; r == 0 && i < out.messages_count; i++)
        r = queue_id_parse(out.messages[i].text, &(*ret)[i]);
    return r;
}

int access_journey(struct events_access *x, queue_id message, uint64_t after, usec_t wait,
                   struct arena *a, struct event_list *ret, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE + wait);
    struct rpc_events_journey_in in = {.message = message, .after = after, .wait = wait};
    struct rpc_events_journey_out out;
    if (!x->link)
        return event_log_journey(x->events, message, after, 0, a, ret, problem);
    int r = call_events_journey(x->link, &in, a, &out, problem);
    if (r == 0)
        *ret = (struct event_list){out.events, out.events_count};
    return r;
}

int access_log(struct events_access *x, const struct event_log_question *q, struct arena *a,
               struct event_list *ret, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE + q->wait);
    struct rpc_events_log_in in = {.after = q->after,
                                   .last = (uint32_t)q->last,
                                   .role = q->role,
                                   .since = q->since,
                                   .until = q->until,
                                   .words = (struct slice *)(uintptr_t)q->words,
                                   .words_count = q->word_count,
                                   .wait = q->wait};
    struct rpc_events_log_out out;
    if (!x->link)
        return event_log_read(x->events, q, a, ret, problem);
    int r = call_events_log(x->link, &in, a, &out, problem);
    if (r == 0)
        *ret = (struct event_list){out.events, out.events_count};
    return r;
}
