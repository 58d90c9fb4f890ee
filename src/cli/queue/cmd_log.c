/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/mailbox/message_list.h"
#include "cli/queue/events_access.h"
#include "cli/terminal/row.h"
#include "cli/terminal/when.h"
#include "journey/show.h"

#define LINES_DEFAULT 20U
#define FOLLOW_WAIT   (20 * USEC_SEC)

struct reading {
    struct cli *c;
    struct events_access *events;
    struct event_log_question question;
};

/* One part of the answer; `show` at most of it. The number of events that came. */
static int read_part(struct reading *l, uint64_t show, struct problem *problem) WAITS {
    struct event_list events = {0};
    _cleanup_(arena_done) struct arena a = {0};
    int r = access_log(l->events, &l->question, &a, &events, problem);
    if (r < 0)
        return r;
    for (size_t i = 0; i < events.count; i++) {
        struct json j = {.to = &l->c->out};
        l->question.after = MAX(l->question.after, events.list[i].sequence);
        if (i >= show)
            continue;
        if (l->c->json) {
            show_event_json(&j, &events.list[i]);
            buf_add_byte(&l->c->out, '\n');
        } else {
            show_line_within(&l->c->out, &events.list[i], l->c->width);
        }
    }
    cli_flush(l->c);
    return (int)events.count;
}

/* The last events there are by now; none are shown for 0, but the place is found. */
static int read_last(struct reading *l, uint64_t lines, struct problem *problem) WAITS {
    uint64_t left = lines;
    int r = 0;
    l->question.last = MAX(lines, (uint64_t)1);
    if (lines == UINT64_MAX) /* all from a time on */
        l->question.last = 0;
    do {
        r = read_part(l, left, problem);
        l->question.last = 0;
        left -= MIN(left, (uint64_t)MAX(r, 0));
    } while (r > 0 && left > 0);
    return MIN(r, 0);
}

static int read_log(struct reading *l, struct problem *problem) WAITS {
    const struct cli_call *call = l->c->call;
    size_t count = 0;
    struct when_range range = {0};
    int r = when_range(l->c, &range, problem);
    if (r == 0)
        r = message_words(l->c, "WORD", &l->question.words, &count, problem);
    if (r == 0)
        r = events_access_open(l->c, &l->events, problem);
    if (r < 0)
        return r;
    l->question.word_count = count;
    l->question.since = range.since;
    l->question.until = range.until;
    r = read_last(l, cli_number(call, "lines", range.since > 0 ? UINT64_MAX : LINES_DEFAULT),
                  problem);
    l->question.wait = FOLLOW_WAIT;
    while (r >= 0 && cli_has(call, "follow") && events_access_is_remote(l->events))
        r = read_part(l, UINT64_MAX, problem);
    return r;
}

static int cmd_log(struct cli *c) WAITS {
    struct problem problem = {0};
    cli_warn_settings(c);
    if (cli_has(c->call, "list"))
        return message_list(c, "WORD", (unsigned)cli_number(c->call, "lines", MESSAGES_LISTED));
    struct reading l = {.c = c, .question = {.role = cli_text(c->call, "role")}};
    int r = read_log(&l, &problem);
    events_access_close(l.events);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS log_parameters[] = {
    ARGUMENT("WORD", .optional = true, .many = true,
             .about = N_("only events in which each of these words is")),
    TIMES,
    FLAG("list", .short_name = 'l',
         .about = N_("messages instead of events, one a line: time, from, to, subject, state")),
    FLAG("follow", .short_name = 'f',
         .about = N_("go on printing what happens, until interrupted")),
    OPTION("lines", "N", .short_name = 'n', .kind = CLI_NUMBER, .max = 1000000,
           .about = N_("begin with the last N events; without it, 20")),
    OPTION("role", "ROLE", .short_name = 'r', .kind = CLI_CHOICE, .choices = role_processes,
           .about = N_("only what this process says")),
    END,
};
const struct cli_command command_log = {
    .name = "log",
    .about = N_("Prints what has happened lately on this server."),
    .more = N_("With --since all that has happened since then. With --list it prints what"
               " journey --list does."),
    .offline = true,
    .parameters = log_parameters,
    .json = JSON_EVENT,
    .exits = NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_log,
};
