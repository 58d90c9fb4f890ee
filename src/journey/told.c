/* SPDX-License-Identifier: ISC */
#include "journey/told.h"

#include "base/alloc.h"
#include "base/words.h"
#include "journey/record.h"
#include "journey/value.h"

static bool messages_have(const struct messages *l, queue_id id) {
    for (size_t i = 0; i < l->count; i++) {
        if (l->list[i] == id)
            return true;
    }
    return false;
}

void told_add_named(struct messages *to, const char *fact, const struct event *events,
                    size_t count) {
    size_t before;
    do {
        before = to->count;
        for (size_t i = 0; i < count && to->count < SHOW_FAMILY_MAX; i++) {
            queue_id id = 0;
            if (messages_have(to, events[i].message) &&
                queue_id_parse(event_value(&events[i], fact), &id) == 0 && !messages_have(to, id))
                to->list[to->count++] = id;
        }
    } while (to->count > before);
}

const struct event *told_origin(queue_id message, const struct event *events, size_t count) {
    const struct event *first = NULL;
    for (size_t i = 0; i < count; i++) {
        if (events[i].message != message || !event_value(&events[i], FACT_FROM).ptr)
            continue;
        if (slice_eq(events[i].kind, S(KIND_ACCEPTED)))
            return &events[i];
        if (!first)
            first = &events[i];
    }
    return first;
}

bool told_begins(const struct kind *kind) {
    return slice_eq(kind->name, S(KIND_ACCEPTED)) || slice_eq(kind->name, S(KIND_QUEUED));
}

static void note(struct recipients *all, struct slice address, const struct event *event,
                 const struct kind *kind) {
    struct addressee *r = map_get(&all->by_address, address);
    if (!r) {
        r = ARENA_NEW(all->arena, struct addressee);
        r->address = address;
        if (all->count == all->size) {
            all->size = all->size > 0 ? 2 * all->size : 16;
            all->list = mem_grow(all->list, all->size * sizeof(void *));
        }
        all->list[all->count++] = r;
        (void)map_put(&all->by_address, r->address, r);
    }
    if (r->event && (!kind || (told_begins(kind) && r->kind)))
        return;
    r->event = event;
    r->kind = kind;
}

void told_gather(struct recipients *all, const struct messages *messages,
                 const struct event *events, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct kind *kind = kind_find(events[i].kind);
        if (!kind || kind->disposition == DISPOSITION_NONE ||
            !messages_have(messages, events[i].message))
            continue;
        struct slice to = event_value(&events[i], FACT_TO);
        struct slice targets = event_value(&events[i], FACT_TARGETS);
        struct slice address;
        while (event_next_address(&to, &address))
            note(all, address, &events[i], kind);
        while (kind->disposition == DISPOSITION_PASSED_ON && event_next_address(&targets, &address))
            note(all, address, &events[i], NULL);
    }
}

bool told_waits(const struct addressee *r) {
    return !r->kind || told_begins(r->kind) || r->kind->disposition == DISPOSITION_WAITING;
}

bool told_is_held(queue_id message, const struct event *events, size_t count) {
    bool held = false;
    for (size_t i = 0; i < count; i++) {
        if (events[i].message != message)
            continue;
        if (slice_eq(events[i].kind, S(KIND_HELD)))
            held = true;
        else if (slice_eq(events[i].kind, S(KIND_RELEASED)))
            held = false;
    }
    return held;
}

/* In a few words why, or where to. */
static struct slice gist(const struct addressee *r) {
    static const char *const for_arrived[] = {FACT_REPLY, FACT_HOST, FACT_ACCOUNT, NULL};
    static const char *const for_passed_on[] = {FACT_TARGETS, FACT_REASON, NULL};
    static const char *const for_others[] = {FACT_REPLY, FACT_REASON, NULL};
    const char *const *names = for_others;
    if (r->kind && r->kind->disposition == DISPOSITION_ARRIVED)
        names = for_arrived;
    else if (r->kind && r->kind->disposition == DISPOSITION_PASSED_ON)
        names = for_passed_on;
    for (; r->kind && *names; names++) {
        struct slice value = event_value(r->event, *names);
        if (value.len > 0 && !slice_eq(value, r->address))
            return value;
    }
    return S("");
}

void told_add_disposition(struct buf *to, const struct addressee *r, usec_t arrival, bool held) {
    bool waits = !r->kind || told_begins(r->kind);
    struct slice next = event_value(r->event, FACT_NEXT), why = gist(r);
    const char *disposition = waits ? _("Waits") : translated(r->kind->title);
    _cleanup_(buf_done) struct buf when = {0};
    if (held && told_waits(r)) {
        buf_add_str(to, _("Held"));
    } else if (!waits && next.len > 0) {
        value_words(&when, fact_find(S(FACT_NEXT)), next, r->event->wall);
        buf_printf(to, _("%s, next attempt %s"), disposition, buf_str(&when));
    } else if (!waits && r->event->wall > arrival) {
        value_span(&when, r->event->wall - arrival);
        buf_printf(to, _("%s after %s"), disposition, buf_str(&when));
    } else {
        buf_add_str(to, disposition);
    }
    if (why.len == 0 || waits)
        return;
    buf_add_str(to, ": ");
    value_words(to, fact_find(S(FACT_TO)), why, 0);
}

void told_recipients_done(struct recipients *all) {
    map_done(&all->by_address);
    free(all->list);
}
