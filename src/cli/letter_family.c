/* SPDX-License-Identifier: ISC */
/*
 * A letter is told together with those that belong to it: what it came of, what an alias made of
 * it, its reports. Events name such letters; they are asked for in turn until no new one is named.
 */
#include <stdlib.h>

#include "cli/letter_list.h"
#include "journey/event.h"
#include "journey/kinds.h"
#include "journey/show.h"

bool letter_is_member(const struct letter_family *f, letter_id letter) {
    for (size_t i = 0; i < f->count; i++) {
        if (f->members[i].letter == letter)
            return true;
    }
    return false;
}

static void keep(struct letter_family *f, const struct ledger_events *more, struct arena *a) {
    if (f->events_count + more->count > f->room) {
        f->room = (f->events_count + more->count) * 2;
        struct rpc_event *bigger = arena_array(a, f->room, sizeof *bigger);
        if (f->events_count > 0)
            memcpy(bigger, f->events, f->events_count * sizeof *bigger);
        f->events = bigger;
    }
    if (more->count > 0)
        memcpy(f->events + f->events_count, more->list, more->count * sizeof *f->events);
    f->events_count += more->count;
}

void letter_add_relatives(struct letter_family *f, const struct rpc_event *events, size_t count) {
    letter_id ids[FAMILY_MAX];
    size_t found = show_relatives(events, count, ids, FAMILY_MAX);
    for (size_t i = 0; i < found && f->count < FAMILY_MAX; i++) {
        if (!letter_is_member(f, ids[i]))
            f->members[f->count++] = (struct family_member){.letter = ids[i]};
    }
}

/* All that is known of one letter by now. */
static int gather_one(struct ledger_access *x, struct letter_family *f, struct family_member *m,
                      struct arena *a, struct problem *problem) WAITS {
    struct ledger_events events;
    do {
        int r = access_journey(x, m->letter, m->after, 0, a, &events, problem);
        if (r < 0)
            return r;
        for (size_t i = 0; i < events.count; i++)
            m->after = MAX(m->after, events.list[i].sequence);
        keep(f, &events, a);
        letter_add_relatives(f, events.list, events.count);
    } while (events.count > 0);
    return 0;
}

static int by_age(const void *a, const void *b) {
    const struct family_member *x = a, *y = b;
    return x->letter < y->letter ? -1 : x->letter > y->letter;
}

static int by_sequence(const void *a, const void *b) {
    const struct rpc_event *x = a, *y = b;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* The oldest letter that came of no other one in the family. */
static letter_id first_of(const struct letter_family *f) {
    for (size_t i = 0; i < f->count; i++) {
        bool is_child = false;
        for (size_t k = 0; k < f->events_count; k++) {
            letter_id original = 0;
            is_child |= f->events[k].letter == f->members[i].letter &&
                        letter_id_parse(event_fact(&f->events[k], FACT_ORIGINAL), &original) == 0 &&
                        letter_is_member(f, original);
        }
        if (!is_child)
            return f->members[i].letter;
    }
    return f->members[0].letter;
}

static int gather(struct ledger_access *x, letter_id letter, struct letter_family *f,
                  struct arena *a, struct problem *problem) WAITS {
    *f = (struct letter_family){.members = {{.letter = letter}}, .count = 1};
    for (size_t i = 0; i < f->count; i++) {
        int r = gather_one(x, f, &f->members[i], a, problem);
        if (r < 0)
            return r;
    }
    qsort(f->members, f->count, sizeof *f->members, by_age);
    if (f->events_count > 0)
        qsort(f->events, f->events_count, sizeof *f->events, by_sequence);
    f->first = first_of(f);
    return 0;
}

int letter_families(struct ledger_access *x, const letter_id *letters, size_t count,
                    struct arena *a, struct letter_family **ret, size_t *ret_count,
                    struct problem *problem) {
    struct letter_family *list = arena_array(a, count, sizeof *list);
    size_t found = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < found; k++)
            known |= letter_is_member(&list[k], letters[i]);
        if (!known)
            r = gather(x, letters[i], &list[found++], a, problem);
    }
    *ret = list;
    *ret_count = found;
    return r;
}
