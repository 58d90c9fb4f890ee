/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/office.h"
#include "journey/show.h"

#define LINES_DEFAULT 20U
#define FOLLOW_WAIT   (20 * USEC_SEC)

struct reading {
    struct cli *c;
    struct rpc_link *link;
    struct rpc_ledger_log_in in;
};

/* One part of the answer; `show` at most of it. The number of events that came. */
static int read_part(struct reading *l, uint64_t show, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE + l->in.wait);
    struct rpc_ledger_log_out out;
    _cleanup_(arena_done) struct arena a = {0};
    int r = call_ledger_log(l->link, &l->in, &a, &out, problem);
    if (r < 0)
        return r;
    for (size_t i = 0; i < out.events_count; i++) {
        struct json j = {.to = &l->c->out};
        l->in.after = MAX(l->in.after, out.events[i].sequence);
        if (i >= show)
            continue;
        if (l->c->json) {
            show_event_json(&j, &out.events[i]);
            buf_add_byte(&l->c->out, '\n');
        } else {
            show_line(&l->c->out, &out.events[i]);
        }
    }
    cli_flush(l->c);
    return (int)out.events_count;
}

/* The last events there are by now; none are shown for 0, but the place is found. */
static int read_last(struct reading *l, uint64_t lines, struct problem *problem) {
    uint64_t left = lines;
    int r = 0;
    l->in.last = (uint32_t)MAX(lines, (uint64_t)1);
    do {
        r = read_part(l, left, problem);
        l->in.last = 0;
        left -= MIN(left, (uint64_t)MAX(r, 0));
    } while (r > 0 && left > 0);
    return MIN(r, 0);
}

int cmd_log(struct cli *c) {
    struct problem problem = {0};
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    struct reading l = {.c = c, .in = {.role = cli_text(c->call, "role")}};
    int r = office_connect(c, ROLE_LEDGER, &link, &problem);
    l.link = link;
    if (r == 0)
        r = read_last(&l, cli_number(c->call, "lines", LINES_DEFAULT), &problem);
    l.in.wait = FOLLOW_WAIT;
    while (r >= 0 && cli_has(c->call, "follow"))
        r = read_part(&l, UINT64_MAX, &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}
