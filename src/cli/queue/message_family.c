/* SPDX-License-Identifier: ISC */
/*
 * A message is told together with those that belong to it: what it came of, what an alias made of
 * it, its reports. Events name such messages; they are asked for in turn until no new one is named.
 */
#include <stdlib.h>

#include "cli/mailbox/message_list.h"
#include "events/kinds.h"
#include "journey/record.h"
#include "journey/show.h"

bool message_is_member(const struct message_family *f, queue_id message) {
    for (size_t i = 0; i < f->count; i++) {
        if (f->members[i].message == message)
            return true;
    }
    return false;
}

static void keep(struct message_family *f, const struct event_list *more, struct arena *a) {
    if (f->events_count + more->count > f->room) {
        f->room = (f->events_count + more->count) * 2;
        struct event *bigger = arena_array(a, f->room, sizeof *bigger);
        if (f->events_count > 0)
            memcpy(bigger, f->events, f->events_count * sizeof *bigger);
        f->events = bigger;
    }
    if (more->count > 0)
        memcpy(f->events + f->events_count, more->list, more->count * sizeof *f->events);
    f->events_count += more->count;
}

void message_add_relatives(struct message_family *f, const struct event *events, size_t count) {
    queue_id ids[FAMILY_MAX];
    size_t found = show_relatives(events, count, ids, FAMILY_MAX);
    for (size_t i = 0; i < found && f->count < FAMILY_MAX; i++) {
        if (!message_is_member(f, ids[i]))
            f->members[f->count++] = (struct family_member){.message = ids[i]};
    }
}

/* All that is known of one message by now. */
static int gather_one(struct events_access *x, struct message_family *f, struct family_member *m,
                      struct arena *a, struct problem *problem) WAITS {
    struct event_list events;
    do {
        int r = access_journey(x, m->message, m->after, 0, a, &events, problem);
        if (r < 0)
            return r;
        for (size_t i = 0; i < events.count; i++)
            m->after = MAX(m->after, events.list[i].sequence);
        keep(f, &events, a);
        message_add_relatives(f, events.list, events.count);
    } while (events.count > 0);
    return 0;
}

static int by_age(const void *a, const void *b) {
    const struct family_member *x = a, *y = b;
    return x->message < y->message ? -1 : x->message > y->message;
}

static int by_sequence(const void *a, const void *b) {
    const struct event *x = a, *y = b;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* The oldest message that came of no other one in the family. */
static queue_id first_of(const struct message_family *f) {
    for (size_t i = 0; i < f->count; i++) {
        bool is_child = false;
        for (size_t k = 0; k < f->events_count; k++) {
            queue_id original = 0;
            is_child |= f->events[k].message == f->members[i].message &&
                        queue_id_parse(event_value(&f->events[k], FACT_ORIGINAL), &original) == 0 &&
                        message_is_member(f, original);
        }
        if (!is_child)
            return f->members[i].message;
    }
    return f->members[0].message;
}

static int gather(struct events_access *x, queue_id message, struct message_family *f,
                  struct arena *a, struct problem *problem) WAITS {
    *f = (struct message_family){.members = {{.message = message}}, .count = 1};
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

int message_families(struct events_access *x, const queue_id *messages, size_t count,
                     struct arena *a, struct message_family **ret, size_t *ret_count,
                     struct problem *problem) {
    struct message_family *list = arena_array(a, count, sizeof *list);
    size_t found = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < found; k++)
            known |= message_is_member(&list[k], messages[i]);
        if (!known)
            r = gather(x, messages[i], &list[found++], a, problem);
    }
    *ret = list;
    *ret_count = found;
    return r;
}
