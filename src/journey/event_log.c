/* SPDX-License-Identifier: ISC */
/*
 * The event log as its callers see it: made, given events, ended. How it works: event_log_inside.h.
 */
#include "journey/event_log.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/words.h"
#include "journey/event_log_inside.h"
#include "journey/record.h"

struct event_log *event_log_new(const struct event_log_options *options) {
    struct event_log *l = NEW(struct event_log);
    l->magic = EVENT_LOG_MAGIC;
    l->options = *options;
    l->path = mem_str(slice_of_str(options->path));
    if (l->options.memory_max == 0)
        l->options.memory_max = EVENT_LOG_MEMORY_MAX;
    if (l->options.step == 0)
        l->options.step = EVENT_LOG_BATCH_EVENTS;
    if (l->options.check_every == 0)
        l->options.check_every = 10 * USEC_SEC;
    fiber_cond_init(&l->filled);
    fiber_cond_init(&l->stored);
    fiber_cond_init(&l->ended);
    fiber_mutex_init(&l->reading);
    list_init(&l->followers);
    l->over = options->read_only;
    return l;
}

void event_log_free(struct event_log *l) {
    if (!l)
        return;
    MUST(l->magic == EVENT_LOG_MAGIC && !l->working && list_empty(&l->followers));
    event_db_close(l->reader);
    event_db_close(l->writer);
    buf_done(&l->filling.events);
    buf_done(&l->writing.events);
    free(l->path);
    l->magic = 0;
    free(l);
}

void event_log_set_limits(struct event_log *l, usec_t keep, uint64_t size_max) {
    l->options.keep = keep;
    l->options.size_max = size_max;
    l->check_at = 0;
    fiber_cond_wake_all(&l->filled);
}

void event_log_stats(const struct event_log *l, struct event_log_stats *ret) {
    *ret = (struct event_log_stats){l->added, l->written, l->lost_in_all,
                                    l->filling.events.len + l->writing.events.len};
}

/* ------------------------------------------------------------------ taking events */

static bool take(struct event_log *l, enum role role, const struct event *event, usec_t wall) {
    if (l->options.added) {
        struct event e = {.wall = wall,
                          .message = event->message,
                          .role = slice_of_str(role_name(role)),
                          .kind = event->kind,
                          .text = event->text,
                          .facts = event->facts,
                          .fact_count = event->fact_count};
        l->options.added(l->options.arg, &e);
    }
    bool outside = l->options.outside & ROLE_BIT(role);
    size_t most = outside ? l->options.memory_max / 2 : l->options.memory_max;
    if (l->filling.events.len + l->writing.events.len >= most) {
        l->lost++;
        l->lost_in_all++;
        return false;
    }
    if (l->filling.count == 0)
        l->filling_since = fiber_now();
    struct batch *b = &l->filling;
    buf_add_u64(&b->events, (uint64_t)wall);
    buf_add_u64(&b->events, event->message);
    size_t len_at = b->events.len;
    buf_add_u32(&b->events, 0);
    event_encode(&b->events, role, event);
    put_u32(b->events.ptr + len_at, (uint32_t)(b->events.len - len_at - sizeof(uint32_t)));
    b->count++;
    l->added++;
    LIST_EACH (f, &l->followers, struct follower, link) {
        if (f->message != 0 && f->message != event->message)
            continue;
        f->hit = true;
        l->hurry |= f->message != 0;
    }
    if (l->filling.count == 1 || l->filling.count == EVENT_LOG_BATCH_EVENTS || l->hurry)
        fiber_cond_wake_all(&l->filled);
    return true;
}

void event_log_add(struct event_log *l, enum role role, const struct event *event) {
    usec_t now = fiber_wall(), wall = event->wall;
    bool far = wall > now + USEC_DAY || wall < now - USEC_DAY;
    (void)take(l, role, event, far ? now : wall);
}

int event_log_keep(struct event_log *l, enum role role, const struct event *event,
                   struct problem *problem) {
    if (l->failing || l->over || l->stopping)
        return problem_set(problem, -E_TEMPORARY, N_("the event log cannot write now"));
    l->sync = true;
    if (!take(l, role, event, event->wall))
        return problem_set(problem, -E_TEMPORARY, N_("the event log has no room now"));
    uint64_t added = l->added;
    int r = event_log_flush(l, problem);
    if (r == 0 && l->written < added)
        r = problem_set(problem, -E_TEMPORARY, N_("the event log cannot write now"));
    return r;
}

void event_log_report(struct event_log *l, const char *kind, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct event event = {
        .wall = fiber_wall(),
        .kind = slice_of_str(kind),
        .text = slice_of(text, MIN((size_t)MAX(len, 0), sizeof text - 1)),
    };
    event_log_add(l, ROLE_EVENTS, &event);
}
