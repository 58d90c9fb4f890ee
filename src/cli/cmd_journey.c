/* SPDX-License-Identifier: ISC */
/*
 * A letter is told together with those that belong to it: what it came of, what an alias made of
 * it, its reports. Events name such letters; they are asked for in turn until no new one is named.
 * While following, a fiber waits for news of each letter and starts another one for each letter
 * that the news name.
 */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/office.h"
#include "fiber/sync.h"
#include "journey/event.h"
#include "journey/kinds.h"
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

struct member {
    letter_id letter;
    uint64_t after; /* the last event that is known */
};

struct family {
    struct member members[SHOW_FAMILY_MAX]; /* oldest first, once it is complete */
    size_t count;
    letter_id first;          /* the letter that the others came of */
    struct rpc_event *events; /* in their order; in the arena of the command */
    size_t events_count, room;
};

static bool is_member(const struct family *f, letter_id letter) {
    for (size_t i = 0; i < f->count; i++) {
        if (f->members[i].letter == letter)
            return true;
    }
    return false;
}

static int ask(struct telling *t, struct member *m, usec_t wait, struct arena *a,
               struct rpc_ledger_journey_out *out, struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE + wait);
    struct rpc_ledger_journey_in in = {.letter = m->letter, .after = m->after, .wait = wait};
    int r = call_ledger_journey(t->link, &in, a, out, problem);
    for (size_t i = 0; r == 0 && i < out->events_count; i++)
        m->after = MAX(m->after, out->events[i].sequence);
    return r;
}

/* ------------------------------------------------------------------ gathering */

static void keep(struct family *f, const struct rpc_ledger_journey_out *out, struct arena *a) {
    if (f->events_count + out->events_count > f->room) {
        f->room = (f->events_count + out->events_count) * 2;
        struct rpc_event *bigger = arena_array(a, f->room, sizeof *bigger);
        if (f->events_count > 0)
            memcpy(bigger, f->events, f->events_count * sizeof *bigger);
        f->events = bigger;
    }
    if (out->events_count > 0)
        memcpy(f->events + f->events_count, out->events, out->events_count * sizeof *f->events);
    f->events_count += out->events_count;
}

/* Adds the letters that the events name. Where there are too many, the rest is left out. */
static void add_relatives(struct family *f, const struct rpc_event *events, size_t count) {
    letter_id ids[SHOW_FAMILY_MAX];
    size_t found = show_relatives(events, count, ids, SHOW_FAMILY_MAX);
    for (size_t i = 0; i < found && f->count < SHOW_FAMILY_MAX; i++) {
        if (!is_member(f, ids[i]))
            f->members[f->count++] = (struct member){.letter = ids[i]};
    }
}

/* All that is known of one letter by now. */
static int gather_one(struct telling *t, struct family *f, struct member *m,
                      struct problem *problem) WAITS {
    struct rpc_ledger_journey_out out;
    do {
        int r = ask(t, m, 0, t->c->arena, &out, problem);
        if (r < 0)
            return r;
        keep(f, &out, t->c->arena);
        add_relatives(f, out.events, out.events_count);
    } while (out.events_count > 0);
    return 0;
}

static int by_age(const void *a, const void *b) {
    const struct member *x = a, *y = b;
    return x->letter < y->letter ? -1 : x->letter > y->letter;
}

static int by_sequence(const void *a, const void *b) {
    const struct rpc_event *x = a, *y = b;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* The oldest letter that came of no other one in the family. */
static letter_id first_of(const struct family *f) {
    for (size_t i = 0; i < f->count; i++) {
        bool is_child = false;
        for (size_t k = 0; k < f->events_count; k++) {
            letter_id original = 0;
            is_child |= f->events[k].letter == f->members[i].letter &&
                        letter_id_parse(event_fact(&f->events[k], FACT_ORIGINAL), &original) == 0 &&
                        is_member(f, original);
        }
        if (!is_child)
            return f->members[i].letter;
    }
    return f->members[0].letter;
}

static int gather(struct telling *t, letter_id letter, struct family *f,
                  struct problem *problem) WAITS {
    *f = (struct family){.members = {{.letter = letter}}, .count = 1};
    for (size_t i = 0; i < f->count; i++) {
        int r = gather_one(t, f, &f->members[i], problem);
        if (r < 0)
            return r;
    }
    qsort(f->members, f->count, sizeof *f->members, by_age);
    if (f->events_count > 0)
        qsort(f->events, f->events_count, sizeof *f->events, by_sequence);
    f->first = first_of(f);
    return 0;
}

/* ------------------------------------------------------------------ following */

struct following {
    struct telling *telling;
    struct family *family;
    struct show_place place;
    struct fiber *main;
    struct problem *problem;
    int result; /* of the first that failed */
    struct fiber_cond failed;
};

struct follower {
    struct following *all;
    struct member *member;
};

static void show_news(struct following *all, const struct rpc_ledger_journey_out *out) {
    struct cli *c = all->telling->c;
    if (!c->json)
        show_steps(&c->out, out->events, out->events_count, &all->place, &all->telling->options);
    for (size_t i = 0; c->json && i < out->events_count; i++) {
        struct json j = {.to = &c->out};
        show_event_json(&j, &out->events[i]);
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
        struct rpc_ledger_journey_out out;
        arena_reset(&a);
        r = ask(all->telling, f->member, FOLLOW_WAIT, &a, &out, all->problem);
        if (r < 0)
            break;
        show_news(all, &out);
        size_t known = all->family->count;
        add_relatives(all->family, out.events, out.events_count);
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

static int follow(struct telling *t, struct family *f, const struct show_place *place,
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

/* The first letter in front, the others by age. */
static void show_json(struct telling *t, const struct family *f) {
    show_journey_json(&t->json, f->first, f->first, f->events, f->events_count);
    for (size_t i = 0; i < f->count; i++) {
        if (f->members[i].letter != f->first)
            show_journey_json(&t->json, f->members[i].letter, f->first, f->events, f->events_count);
    }
}

static void show(struct telling *t, const struct family *f, struct show_place *place) {
    struct buf *to = &t->c->out;
    if (!t->c->json) {
        show_journey(to, f->first, f->events, f->events_count, place, &t->options);
    } else if (!cli_has(t->c->call, "follow")) {
        show_json(t, f);
    } else {
        for (size_t i = 0; i < f->events_count; i++) {
            struct json j = {.to = to};
            show_event_json(&j, &f->events[i]);
            buf_add_byte(to, '\n');
        }
    }
    cli_flush(t->c);
    if (f->count == SHOW_FAMILY_MAX)
        cli_say(_("of more than %u letters that belong together the others are left out"),
                SHOW_FAMILY_MAX - 1);
}

static int find(struct telling *t, unsigned limit, struct rpc_ledger_find_out *out,
                struct problem *problem) WAITS {
    CLI_WITHIN(CLI_PATIENCE);
    struct slice what = cli_text(t->c->call, "ID|ADDRESS|MESSAGE-ID");
    struct rpc_ledger_find_in in = {what, limit + 1};
    int r = call_ledger_find(t->link, &in, t->c->arena, out, problem);
    if (r == 0 && out->letters_count == 0)
        return problem_set(problem, -E_UNKNOWN,
                           _("no letter with the id, address, Message-ID or"
                             " subject \"%.*s\" is known"),
                           SLICE_ARG(what));
    return r;
}

/* The families of the letters found, each once, the one with the newest of these in front. */
static int find_families(struct telling *t, const struct rpc_ledger_find_out *found, size_t limit,
                         struct family **ret, size_t *ret_count, struct problem *problem) WAITS {
    size_t letters = MIN(found->letters_count, limit), count = 0;
    struct family *list = arena_array(t->c->arena, letters, sizeof *list);
    int r = 0;
    for (size_t i = 0; r == 0 && i < letters; i++) {
        letter_id letter = 0;
        bool known = false;
        r = letter_id_parse(found->letters[i].text, &letter);
        for (size_t k = 0; k < count; k++)
            known |= is_member(&list[k], letter);
        if (r == 0 && !known)
            r = gather(t, letter, &list[count++], problem);
    }
    *ret = list;
    *ret_count = count;
    return r;
}

/* The newest comes last, where a reader looks first, and is the one that is followed. */
static int tell(struct telling *t, struct family *families, size_t count,
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
    return follows ? follow(t, &families[0], &place, problem) : 0;
}

static int tell_all(struct telling *t, struct problem *problem) WAITS {
    unsigned limit = (unsigned)cli_number(t->c->call, "limit", LETTERS_DEFAULT);
    struct rpc_ledger_find_out found;
    struct family *families = NULL;
    size_t count = 0;
    int r = find(t, limit, &found, problem);
    if (r == 0)
        r = find_families(t, &found, limit, &families, &count, problem);
    if (r < 0)
        return r;
    if (found.letters_count > limit)
        cli_say(_("there are more letters than the newest %u; --limit says how many are told"),
                limit);
    return tell(t, families, count, problem);
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
