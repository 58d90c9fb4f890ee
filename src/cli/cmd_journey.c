/* SPDX-License-Identifier: ISC */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/office.h"
#include "journey/show.h"
#include "letter/id.h"

#define LETTERS_DEFAULT 10U
#define FOLLOW_WAIT     (20 * USEC_SEC) /* of one call; then another one is made */

struct telling {
    struct cli *c;
    struct rpc_link *link;
    struct show_options options;
    struct json json;
};

/* The events of one letter as they come in. */
struct steps {
    letter_id letter;
    struct rpc_event *list; /* in the arena */
    size_t count, room;
    uint64_t after;
    usec_t shown_until; /* wall time of the last step */
};

static int ask(struct telling *t, struct steps *s, usec_t wait, struct arena *a,
               struct rpc_ledger_journey_out *out, struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE + wait);
    struct rpc_ledger_journey_in in = {.letter = s->letter, .after = s->after, .wait = wait};
    int r = call_ledger_journey(t->link, &in, a, out, problem);
    for (size_t i = 0; r == 0 && i < out->events_count; i++) {
        s->after = MAX(s->after, out->events[i].sequence);
        s->shown_until = MAX(s->shown_until, out->events[i].wall);
    }
    return r;
}

static void keep(struct steps *s, const struct rpc_ledger_journey_out *out, struct arena *a) {
    if (s->count + out->events_count > s->room) {
        s->room = (s->count + out->events_count) * 2;
        struct rpc_event *bigger = arena_array(a, s->room, sizeof *bigger);
        if (s->count > 0)
            memcpy(bigger, s->list, s->count * sizeof *bigger);
        s->list = bigger;
    }
    if (out->events_count > 0)
        memcpy(s->list + s->count, out->events, out->events_count * sizeof *s->list);
    s->count += out->events_count;
}

/* All that is known by now. */
static int gather(struct telling *t, struct steps *s, struct arena *a, struct problem *problem) {
    struct rpc_ledger_journey_out out;
    do {
        int r = ask(t, s, 0, a, &out, problem);
        if (r < 0)
            return r;
        keep(s, &out, a);
    } while (out.events_count > 0);
    return 0;
}

/* ------------------------------------------------------------------ following */

static void show_news(struct telling *t, struct steps *s, usec_t *before,
                      const struct rpc_ledger_journey_out *out) {
    if (!t->c->json)
        show_steps(&t->c->out, out->events, out->events_count, before, &t->options);
    for (size_t i = 0; t->c->json && i < out->events_count; i++) {
        struct json j = {.to = &t->c->out};
        show_event_json(&j, &out->events[i]);
        buf_add_byte(&t->c->out, '\n');
    }
    s->shown_until = *before;
    cli_flush(t->c);
}

static int follow(struct telling *t, struct steps *s, struct problem *problem) {
    usec_t before = s->shown_until;
    _cleanup_(arena_done) struct arena a = {0};
    for (;;) {
        struct rpc_ledger_journey_out out;
        arena_reset(&a);
        int r = ask(t, s, FOLLOW_WAIT, &a, &out, problem);
        if (r < 0)
            return r;
        show_news(t, s, &before, &out);
    }
}

/* ------------------------------------------------------------------ telling */

static void show(struct telling *t, const struct steps *s) {
    struct buf *to = &t->c->out;
    bool follows = cli_has(t->c->call, "follow");
    if (!t->c->json) {
        show_journey(to, s->letter, s->list, s->count, &t->options);
    } else if (!follows) {
        show_journey_json(&t->json, s->letter, s->list, s->count);
    } else {
        for (size_t i = 0; i < s->count; i++) {
            struct json j = {.to = to};
            show_event_json(&j, &s->list[i]);
            buf_add_byte(to, '\n');
        }
    }
    cli_flush(t->c);
}

static int tell(struct telling *t, struct slice letter, bool last, struct problem *problem) {
    struct steps s = {0};
    _cleanup_(arena_done) struct arena a = {0};
    int r = letter_id_parse(letter, &s.letter);
    if (r == 0)
        r = gather(t, &s, &a, problem);
    if (r < 0)
        return r;
    show(t, &s);
    if (!last) {
        if (!t->c->json)
            buf_add_byte(&t->c->out, '\n');
        return 0;
    }
    return cli_has(t->c->call, "follow") ? follow(t, &s, problem) : 0;
}

static int find(struct telling *t, unsigned limit, struct rpc_ledger_find_out *out,
                struct problem *problem) {
    CLI_WITHIN(CLI_PATIENCE);
    struct slice what = cli_text(t->c->call, "ID|ADDRESS|MESSAGE-ID");
    struct rpc_ledger_find_in in = {what, limit + 1};
    int r = call_ledger_find(t->link, &in, t->c->arena, out, problem);
    if (r == 0 && out->letters_count == 0)
        return problem_set(problem, -E_UNKNOWN,
                           "no letter with the id, address, Message-ID or"
                           " subject \"%.*s\" is known",
                           SLICE_ARG(what));
    return r;
}

/* The newest comes last, where a reader looks first, and is the one that is followed. */
static int tell_all(struct telling *t, struct problem *problem) {
    unsigned limit = (unsigned)cli_number(t->c->call, "limit", LETTERS_DEFAULT);
    bool listed = t->c->json && !cli_has(t->c->call, "follow");
    struct rpc_ledger_find_out found;
    int r = find(t, limit, &found, problem);
    if (r < 0)
        return r;
    if (listed)
        json_array(&t->json);
    for (size_t i = MIN(found.letters_count, (size_t)limit); r == 0 && i > 0; i--)
        r = tell(t, found.letters[i - 1].text, i == 1, problem);
    if (listed) {
        json_end(&t->json);
        buf_add_byte(&t->c->out, '\n');
    }
    cli_flush(t->c);
    if (r == 0 && found.letters_count > limit)
        cli_say("these are the newest %u letters; there are more, see -n", limit);
    return r;
}

int cmd_journey(struct cli *c) {
    struct problem problem = {0};
    _cleanup_(rpc_link_free_p) struct rpc_link *link = NULL;
    int r = office_connect(c, ROLE_LEDGER, &link, &problem);
    struct telling t = {
        .c = c,
        .link = link,
        .json = {.to = &c->out},
        .options = {.width = (unsigned)c->width, .colour = c->width > 0 && !getenv("NO_COLOR")},
    };
    if (r == 0)
        r = tell_all(&t, &problem);
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}
