/* SPDX-License-Identifier: ISC */
/*
 * A message is told together with those that belong to it (message_list.h). While following, a
 * fiber waits for news of each message and starts another one for each message that the news name.
 */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/mailbox/message_list.h"
#include "cli/terminal/row.h"
#include "events/kinds.h"
#include "fiber/sync.h"
#include "journey/record.h"
#include "journey/show.h"
#include "message/queue_id.h"

#define WHICH            "ID|ADDRESS|WORD"
#define MESSAGES_DEFAULT 10U
#define FOLLOW_WAIT      (20 * USEC_SEC) /* of one call; then another one is made */

struct telling {
    struct cli *c;
    struct events_access *events;
    struct show_options options;
    struct json json;
};

/* ------------------------------------------------------------------ following */

struct following {
    struct telling *telling;
    struct message_family *family;
    struct show_place place;
    struct fiber *main;
    struct problem *problem;
    int result; /* of the first that failed */
    struct fiber_cond failed;
};

struct follower {
    struct following *all;
    struct family_member *member;
};

static void show_news(struct following *all, const struct event_list *news) {
    struct cli *c = all->telling->c;
    if (!c->json)
        show_steps(&c->out, news->list, news->count, &all->place, &all->telling->options);
    for (size_t i = 0; c->json && i < news->count; i++) {
        struct json j = {.to = &c->out};
        show_event_json(&j, &news->list[i]);
        buf_add_byte(&c->out, '\n');
    }
    cli_flush(c);
}

static void follow_from(struct following *all, size_t first);

static void follow_one(void *arg) WAITS {
    struct follower *f = arg;
    struct following *all = f->all;
    _cleanup_(arena_done) struct arena a = {0};
    int r = 0;
    while (r == 0) {
        struct event_list news;
        arena_reset(&a);
        r = access_journey(all->telling->events, f->member->message, f->member->after, FOLLOW_WAIT,
                           &a, &news, all->problem);
        if (r < 0)
            break;
        for (size_t i = 0; i < news.count; i++)
            f->member->after = MAX(f->member->after, news.list[i].sequence);
        show_news(all, &news);
        size_t known = all->family->count;
        message_add_relatives(all->family, news.list, news.count);
        follow_from(all, known);
    }
    if (all->result == 0)
        all->result = r;
    fiber_cond_wake_all(&all->failed);
}

/* The members of the family from this one on. */
static void follow_from(struct following *all, size_t first) {
    for (size_t i = first; i < all->family->count; i++) {
        struct follower *f = ARENA_NEW(all->telling->c->arena, struct follower);
        *f = (struct follower){all, &all->family->members[i]};
        int r = fiber_spawn_under(all->main, "follow", follow_one, f);
        if (r < 0 && all->result == 0)
            all->result = r;
    }
}

static int follow(struct telling *t, struct message_family *f, const struct show_place *place,
                  struct problem *problem) WAITS {
    struct following all = {
        .telling = t, .family = f, .place = *place, .main = fiber_self(), .problem = problem};
    int r = 0;
    fiber_cond_init(&all.failed);
    follow_from(&all, 0);
    while (r == 0 && all.result == 0)
        r = fiber_cond_wait(&all.failed);
    fiber_cancel_children();
    return all.result < 0 ? all.result : r;
}

/* ------------------------------------------------------------------ telling */

static void show(struct telling *t, const struct message_family *f, struct show_place *place) {
    struct buf *to = &t->c->out;
    if (!t->c->json) {
        show_journey(to, f->first, f->events, f->events_count, place, &t->options);
    } else if (!cli_has(t->c->call, "follow")) {
        /* the first message in front, the others by age */
        show_journey_json(&t->json, f->first, f->first, f->events, f->events_count);
        for (size_t i = 0; i < f->count; i++) {
            if (f->members[i].message != f->first)
                show_journey_json(&t->json, f->members[i].message, f->first, f->events,
                                  f->events_count);
        }
    } else {
        for (size_t i = 0; i < f->events_count; i++) {
            struct json j = {.to = to};
            show_event_json(&j, &f->events[i]);
            buf_add_byte(to, '\n');
        }
    }
    cli_flush(t->c);
    if (f->count == FAMILY_MAX)
        cli_print(_("of more than %u messages that belong together the others are left out"),
                  FAMILY_MAX - 1);
}

static int nothing_found(const struct event_log_search *search, struct problem *problem) {
    _cleanup_(buf_done) struct buf words = {0};
    for (size_t i = 0; i < search->count; i++)
        buf_printf(&words, "%s%.*s", i > 0 ? " " : "", SLICE_ARG(search->words[i]));
    if (search->count == 0)
        return problem_set(problem, -E_UNKNOWN, _("no message of that time is known"));
    return problem_set(problem, -E_UNKNOWN,
                       _("no message with the id, address, Message-ID, subject or words \"%s\" is"
                         " known"),
                       buf_str(&words));
}

/* The newest comes last, where a reader looks first, and is the one that is followed. */
static int tell(struct telling *t, struct message_family *families, size_t count,
                struct problem *problem) WAITS {
    bool follows = cli_has(t->c->call, "follow");
    bool listed = t->c->json && !follows;
    struct show_place place = {0};
    if (listed)
        json_array(&t->json);
    for (size_t i = count; i > 0; i--) {
        show(t, &families[i - 1], &place);
        if (i > 1 && !t->c->json)
            buf_add_byte(&t->c->out, '\n');
    }
    if (listed) {
        json_end(&t->json);
        buf_add_byte(&t->c->out, '\n');
    }
    cli_flush(t->c);
    return follows && events_access_is_remote(t->events) ? follow(t, &families[0], &place, problem)
                                                         : 0;
}

static int tell_all(struct telling *t, const struct event_log_search *search,
                    struct problem *problem) WAITS {
    unsigned limit = (unsigned)cli_number(t->c->call, "limit", MESSAGES_DEFAULT);
    struct arena *a = t->c->arena;
    struct message_family *families = NULL;
    queue_id *messages = NULL;
    size_t found = 0, count = 0;
    int r = access_find_messages(t->events, search, limit + 1, a, &messages, &found, problem);
    if (r == 0 && found == 0)
        r = nothing_found(search, problem);
    if (r == 0)
        r = message_families(t->events, messages, MIN(found, (size_t)limit), a, &families, &count,
                             problem);
    if (r < 0)
        return r;
    if (found > limit)
        cli_print(_("there are more messages than the newest %u; --limit says how many are told"),
                  limit);
    return tell(t, families, count, problem);
}

static int journey(struct telling *t, struct problem *problem) WAITS {
    const struct cli_call *call = t->c->call;
    struct event_log_search search;
    int r = message_search(t->c, WHICH, &search, problem);
    if (r == 0 && search.count == 0 && !cli_has(call, "since") && !cli_has(call, "until"))
        r = problem_set(problem, -E_SYNTAX,
                        _("say which message: its id, an address, a Message-ID, or words of its"
                          " subject; or --since, --until or --list"));
    if (r == 0)
        r = events_access_open(t->c, &t->events, problem);
    return r < 0 ? r : tell_all(t, &search, problem);
}

static int cmd_journey(struct cli *c) WAITS {
    struct problem problem = {0};
    struct telling t = {
        .c = c,
        .json = {.to = &c->out},
        .options = {.width = (unsigned)c->width, .colour = c->width > 0 && !getenv("NO_COLOR")},
    };
    cli_warn_settings(c);
    if (cli_has(c->call, "list"))
        return message_list(c, WHICH, (unsigned)cli_number(c->call, "limit", MESSAGES_LISTED));
    int r = journey(&t, &problem);
    events_access_close(t.events);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

/* ------------------------------------------------------------------ on the command line */

PARAMETERS journey_parameters[] = {
    ARGUMENT("ID|ADDRESS|WORD", .optional = true, .many = true,
             .about = N_("a message by its id, its Message-ID or a part of its subject, or"
                         " messages from or to an address; of several words each has to be there")),
    TIMES,
    FLAG("list", .short_name = 'l',
         .about = N_("one message a line: time, from, to, subject, state")),
    FLAG("follow", .short_name = 'f',
         .about = N_("go on printing what happens, until interrupted")),
    OPTION("limit", "N", .short_name = 'n', .kind = CLI_NUMBER, .min = 1, .max = 1000,
           .about = N_("of several messages, the newest so many; without it 10, in a list 100")),
    END,
};
EXAMPLES journey_examples[] = {
    "hayauma journey 0c8q2zv5k7g00",
    "hayauma journey tama@example.jp -n 1 --follow",
    "hayauma journey --list --since yesterday --until today",
    "hayauma journey --list tama@example.jp invoice --since 7d",
    NULL,
};
const struct cli_command command_journey = {
    .name = "journey",
    .about = N_("Tells the journey of a message: every hop, look-up, decision and reply."),
    .more =
        N_("Messages that belong to it are told with it: what it came of, what an alias made of"
           " it, the reports to its sender. Passwords and the content of messages are never part"
           " of it."),
    .parameters = journey_parameters,
    .examples = journey_examples,
    .offline = true,
    .json = "[{\"message\": text, \"family\"?: text, \"events\"?: [" JSON_EVENT "], "
            "\"time\"?: time, \"from\"?: text, \"to\"?: [text], \"subject\"?: text, "
            "\"state\"?: text}]",
    .exits = NOT_FOUND | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_journey,
};
