/* SPDX-License-Identifier: ISC */
/*
 * The scheduler. A turn of its loop: run every fiber that was ready at its start, then collect
 * events of descriptors (waiting only when nobody is ready), then wake whose time has come. While
 * fibers are ready the system is asked for events every few turns only: mostly one wakes the next,
 * who reads a frame the one who answers it, and that one who sends the answer.
 *
 * A parked fiber is in at most one waiting list and has at most one timer; waking it takes it out
 * of both, so whoever comes first (event, timer, cancel) decides the result and the others find
 * nothing to do.
 *
 * Stacks of fibers that stay parked for a second are trimmed to the pages in use. The list
 * `untrimmed` is in order of parking, so the check costs nothing while there is nothing to do.
 * Stacks of fibers that ended are unmapped when nobody has needed them for a second.
 *
 * The watchdog looks at the wall clock, which is read anyway. Only when that seems long it asks the
 * system what the thread did: the machine may have had other things to do, and then nobody is to
 * blame. What to compare with is asked for every few milliseconds.
 */
#include "fiber/fiber.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "base/alloc.h"
#include "fiber/scheduler.h"

#define TRIM_AFTER  USEC_SEC
#define TIDY_AFTER  USEC_SEC
#define LONG_RUN    (10 * USEC_MS)
#define EVENT_BATCH 128

#define TURN_LONG      (USEC_MS / 2)
#define TURN_SIMULATED 64U /* questions */

#define TURNS_UNASKED 3U

/* Simulated time has no use for real descriptors beyond this. */
#define STUCK_AFTER_MS 10000

_Thread_local struct scheduler *fiber_scheduler;

/* ------------------------------------------------------------------ clocks */

static usec_t read_clock(clockid_t id) {
    struct timespec ts;
    MUST(clock_gettime(id, &ts) == 0);
    return (usec_t)ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

static void update_clock(struct scheduler *s) {
    if (!s->config.simulate_from)
        s->now = read_clock(CLOCK_MONOTONIC);
}

usec_t fiber_now(void) {
    return fiber_scheduler->now;
}

usec_t fiber_wall(void) {
    struct scheduler *s = fiber_scheduler;
    return s->config.simulate_from ? s->now + s->wall_offset : read_clock(CLOCK_REALTIME);
}

/* ------------------------------------------------------------------ switching */

static struct fiber *running(void) {
    struct scheduler *s = fiber_scheduler;
    MUST(s && s->current && s->current->magic == FIBER_MAGIC);
    return s->current;
}

/* From the running fiber to the loop; returns when the loop comes back to it. */
static void leave(struct fiber *f) {
    struct scheduler *s = fiber_scheduler;
    s->left = f;
    sanitize_leave(&f->sanitize, &s->sanitize, f->ended);
    context_switch(&f->context, &s->context);
    sanitize_arrive(&f->sanitize, &fiber_scheduler->sanitize);
}

static void park(struct fiber *f, const char *why) WAITS {
    struct scheduler *s = fiber_scheduler;
    f->parked = true;
    f->waits_for = why;
    f->parked_at = s->now;
    list_append(&s->untrimmed, &f->in_untrimmed);
    leave(f);
    f->waits_for = NULL;
}

int scheduler_park(const char *why, struct list *list, usec_t deadline) {
    struct scheduler *s = fiber_scheduler;
    struct fiber *f = running();
    if (f->cancelled)
        return -ECANCELED;
    deadline = MIN(deadline, f->deadline);
    if (deadline <= s->now)
        return -ETIMEDOUT;
    if (deadline != USEC_NEVER)
        heap_add(&s->timers, &f->timer, deadline);
    if (list)
        list_append(list, &f->in_wait);
    park(f, why);
    return f->wake_result;
}

void scheduler_park_deaf(const char *why) {
    struct fiber *f = running();
    f->deaf = true;
    park(f, why);
    f->deaf = false;
}

void scheduler_wake(struct fiber *f, int result) {
    struct scheduler *s = fiber_scheduler;
    MUST(f->magic == FIBER_MAGIC);
    if (!f->parked)
        return;
    f->parked = false;
    f->wake_result = result;
    heap_remove(&s->timers, &f->timer);
    link_remove(&f->in_wait);
    link_remove(&f->in_untrimmed);
    list_append(&s->ready, &f->in_ready);
}

/* ------------------------------------------------------------------ life of a fiber */

/* First function on a new stack. Children end before it does. */
static void fiber_entry(void) WAITS {
    struct fiber *f = fiber_scheduler->current;
    sanitize_arrive(&f->sanitize, &fiber_scheduler->sanitize);
    f->fn(f->arg);
    LIST_EACH (child, &f->children, struct fiber, in_parent) {
        if (child->has_handle)
            panic("fiber %s ended without joining %s", f->name, child->name);
        fiber_cancel(child);
    }
    while (f->child_count > 0)
        scheduler_park_deaf("end of its children");
    f->ended = true;
    leave(f);
    panic("an ended fiber went on");
}

static int create(const char *name, fiber_fn *fn, void *arg, struct fiber *parent,
                  struct fiber **ret) {
    struct scheduler *s = fiber_scheduler;
    struct stack stack;
    int r = stack_get(&s->stacks, &stack);
    if (r < 0)
        return r;
    size_t room = (sizeof(struct fiber) + 63) & ~(size_t)63;
    struct fiber *f = (struct fiber *)(void *)(stack.low + STACK_SIZE - room);
    *f = (struct fiber){.magic = FIBER_MAGIC,
                        .fn = fn,
                        .arg = arg,
                        .parent = parent,
                        .purpose = parent ? parent->purpose : NULL,
                        .stack = stack,
                        .deadline = USEC_NEVER};
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    list_init(&f->children);
    context_make(&f->context, stack.low, STACK_SIZE - room, fiber_entry);
    sanitize_context_init(&f->sanitize, stack.low, STACK_SIZE - room);
    if (parent) {
        list_append(&parent->children, &f->in_parent);
        parent->child_count++;
    }
    list_append(&s->all, &f->in_all);
    list_append(&s->ready, &f->in_ready);
    s->fiber_count++;
    *ret = f;
    return 0;
}

static void destroy(struct scheduler *s, struct fiber *f) {
    struct fiber *parent = f->parent;
    if (parent) {
        link_remove(&f->in_parent);
        parent->child_count--;
        if (parent->child_count == 0 && parent->deaf)
            scheduler_wake(parent, 0);
    }
    link_remove(&f->in_all);
    s->fiber_count--;
    f->magic = 0;
    sanitize_context_done(&f->sanitize);
    stack_put(&s->stacks, f->stack);
}

int fiber_spawn(const char *name, fiber_fn *fn, void *arg) {
    struct fiber *f = NULL;
    return create(name, fn, arg, running(), &f);
}

int fiber_spawn_under(struct fiber *parent, const char *name, fiber_fn *fn, void *arg) {
    struct fiber *f = NULL;
    MUST(parent->magic == FIBER_MAGIC && !parent->ended);
    return create(name, fn, arg, parent, &f);
}

int fiber_start(const char *name, fiber_fn *fn, void *arg, struct fiber **ret_fiber) {
    int r = create(name, fn, arg, running(), ret_fiber);
    if (r == 0)
        (*ret_fiber)->has_handle = true;
    return r;
}

void fiber_join(struct fiber *f) {
    struct fiber *self = running();
    MUST(f->magic == FIBER_MAGIC && f->has_handle && f->parent == self);
    while (!f->ended) {
        f->joiner = self;
        scheduler_park_deaf("end of a fiber");
    }
    destroy(fiber_scheduler, f);
}

void fiber_cancel(struct fiber *f) {
    MUST(f->magic == FIBER_MAGIC);
    f->cancelled = true;
    if (!f->deaf)
        scheduler_wake(f, -ECANCELED);
}

void fiber_cancel_children(void) {
    struct fiber *f = running();
    LIST_EACH (child, &f->children, struct fiber, in_parent) {
        MUST(!child->has_handle);
        fiber_cancel(child);
    }
    while (f->child_count > 0)
        scheduler_park_deaf("end of its children");
}

void fiber_interrupt(struct fiber *f) {
    if (!f->deaf)
        scheduler_wake(f, -EINTR);
}

struct fiber *fiber_self(void) {
    return fiber_scheduler ? fiber_scheduler->current : NULL;
}

bool fiber_cancelled(void) {
    return running()->cancelled;
}

unsigned fiber_children(void) {
    return running()->child_count;
}

void fiber_set_purpose(const void *purpose) {
    running()->purpose = purpose;
}

const void *fiber_purpose(void) {
    struct fiber *f = fiber_self();
    return f ? f->purpose : NULL;
}

/* ------------------------------------------------------------------ time */

int fiber_yield(void) {
    struct fiber *f = running();
    if (f->cancelled)
        return -ECANCELED;
    list_append(&fiber_scheduler->ready, &f->in_ready);
    leave(f);
    return f->cancelled ? -ECANCELED : 0;
}

bool fiber_ran_long(void) {
    struct scheduler *s = fiber_scheduler;
    if (s->config.simulate_from)
        return ++s->asked % TURN_SIMULATED == 0;
    return read_clock(CLOCK_MONOTONIC) - s->now >= TURN_LONG;
}

int fiber_yield_if_long(void) {
    if (fiber_ran_long())
        return fiber_yield();
    return running()->cancelled ? -ECANCELED : 0;
}

int fiber_sleep(usec_t span) {
    usec_t until = fiber_now() + MAX(span, (usec_t)0);
    if (span <= 0)
        return fiber_yield();
    usec_t outer = running()->deadline;
    int r = scheduler_park("time", NULL, until);
    return r == -ETIMEDOUT && until <= outer ? 0 : r;
}

struct fiber_deadline fiber_deadline_begin(usec_t at) {
    struct fiber *f = running();
    struct fiber_deadline d = {f->deadline};
    f->deadline = MIN(f->deadline, at);
    return d;
}

void fiber_deadline_end(struct fiber_deadline *d) {
    running()->deadline = d->outer;
}

/* ------------------------------------------------------------------ the loop */

static bool watches(const struct scheduler *s) {
    return s->config.ran_long && !s->config.simulate_from;
}

static struct usage usage_now(void) {
    struct rusage r;
    MUST(getrusage(RUSAGE_THREAD, &r) == 0);
    return (struct usage){
        .time = (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * USEC_SEC + r.ru_utime.tv_usec +
                r.ru_stime.tv_usec,
        .preempted = r.ru_nivcsw,
    };
}

static void note_usage(struct scheduler *s) {
    if (!watches(s) || s->now - s->usage_noted < LONG_RUN / 2)
        return;
    s->usage_noted = s->now;
    s->usage = usage_now();
}

/* A fiber that held the thread for long: by computing, or in a call that blocked. */
static void watch(struct scheduler *s, const struct fiber *f, usec_t ran) {
    if (ran <= LONG_RUN || !watches(s))
        return;
    struct usage u = usage_now();
    usec_t computed = MIN(u.time - s->usage.time, ran);
    if (computed > LONG_RUN || u.preempted == s->usage.preempted)
        s->config.ran_long(s->config.ran_long_arg, f->name, ran, computed);
    note_usage(s);
}

static void run_one(struct scheduler *s, struct fiber *f) {
    usec_t began = s->now;
    s->current = f;
    s->switches++;
    sanitize_leave(&s->sanitize, &f->sanitize, 0);
    context_switch(&s->context, &f->context);
    sanitize_arrive(&s->sanitize, &s->left->sanitize);
    s->current = NULL;
    update_clock(s);
    watch(s, f, s->now - began);
    if (f->ended && !f->has_handle)
        destroy(s, f);
    else if (f->ended && f->joiner)
        scheduler_wake(f->joiner, 0);
}

static void trim_idle(struct scheduler *s) {
    struct link *k;
    while ((k = list_first(&s->untrimmed))) {
        struct fiber *f = CONTAINER_OF(k, struct fiber, in_untrimmed);
        if (s->now - f->parked_at < TRIM_AFTER)
            break;
        link_remove(k);
        if (!FIBER_ASAN)
            stack_trim(&f->stack, context_sp(&f->context));
    }
}

/* Milliseconds that epoll may wait; -1: until something happens. */
static int idle_time(struct scheduler *s) {
    usec_t until = USEC_NEVER;
    struct heap_item *timer = heap_first(&s->timers);
    struct link *k = list_first(&s->untrimmed);
    if (!list_empty(&s->ready))
        return 0;
    if (timer)
        until = timer->key;
    if (k)
        until = MIN(until, CONTAINER_OF(k, struct fiber, in_untrimmed)->parked_at + TRIM_AFTER);
    if (stack_pool_is_untidy(&s->stacks))
        until = MIN(until, s->tidied + TIDY_AFTER);
    if (until == USEC_NEVER)
        return -1;
    usec_t wait = MAX(until - s->now, (usec_t)0);
    return (int)MIN((wait + USEC_MS - 1) / USEC_MS, (usec_t)60000);
}

static void note_event(struct scheduler *s, struct fiber_fd *f, uint32_t events) {
    if (f == &s->offloaded) {
        s->offload_collect(s);
        return;
    }
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        f->hung_up = true;
    if (f->hung_up || (events & EPOLLIN)) {
        f->readable = true;
        if (f->reader)
            scheduler_wake(f->reader, 0);
    }
    if (f->hung_up || (events & EPOLLOUT)) {
        f->writable = true;
        if (f->writer)
            scheduler_wake(f->writer, 0);
    }
}

static void collect_events(struct scheduler *s, int wait_ms) {
    struct epoll_event events[EVENT_BATCH];
    int n = epoll_wait(s->epoll, events, EVENT_BATCH, wait_ms);
    MUST(n >= 0 || errno == EINTR);
    update_clock(s);
    for (int i = 0; i < n; i++)
        note_event(s, events[i].data.ptr, events[i].events);
}

/* Nobody can run and no descriptor has news: simulated time goes on to the next timer. */
static void jump(struct scheduler *s) {
    collect_events(s, 0);
    struct heap_item *timer = heap_first(&s->timers);
    if (!list_empty(&s->ready))
        return;
    if (timer) {
        s->now = MAX(s->now, timer->key);
        return;
    }
    collect_events(s, STUCK_AFTER_MS);
    if (list_empty(&s->ready))
        panic("every fiber waits for another one");
}

static void loop(struct scheduler *s) {
    struct heap_item *timer;
    unsigned turns = 0; /* since the system was asked */
    while (s->fiber_count > 0) {
        if (s->config.simulate_from && list_empty(&s->ready)) {
            jump(s);
        } else if (list_empty(&s->ready) || ++turns == TURNS_UNASKED) {
            collect_events(s, s->config.simulate_from ? 0 : idle_time(s));
            turns = 0;
        }
        while ((timer = heap_first(&s->timers)) && timer->key <= s->now)
            scheduler_wake(CONTAINER_OF(timer, struct fiber, timer), -ETIMEDOUT);
        struct list turn; /* who is ready now; who becomes so meanwhile comes after the events */
        list_init(&turn);
        list_move_all(&turn, &s->ready);
        note_usage(s);
        for (struct link *k; (k = list_pop(&turn));)
            run_one(s, CONTAINER_OF(k, struct fiber, in_ready));
        if (s->config.simulate_from)
            continue;
        trim_idle(s);
        if (stack_pool_is_untidy(&s->stacks) && s->now - s->tidied >= TIDY_AFTER) {
            stack_pool_tidy(&s->stacks);
            s->tidied = s->now;
        }
    }
}

static int scheduler_init(struct scheduler *s, const struct fiber_config *config) {
    *s = (struct scheduler){.config = *config};
    list_init(&s->ready);
    list_init(&s->all);
    list_init(&s->untrimmed);
    sanitize_context_init(&s->sanitize, NULL, 0);
    if (config->simulate_from) {
        s->now = USEC_SEC;
        s->wall_offset = config->simulate_from - s->now;
    }
    update_clock(s);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0)
        return -errno;
    fiber_scheduler = s;
    return 0;
}

int fiber_run(const struct fiber_config *config, fiber_fn *fn, void *arg) {
    struct scheduler *s = NEW(struct scheduler);
    struct fiber *first = NULL;
    MUST(!fiber_scheduler);
    int r = scheduler_init(s, config);
    if (r == 0) {
        r = create("main", fn, arg, NULL, &first);
        if (r == 0)
            loop(s);
        if (s->offload_detach)
            s->offload_detach(s);
        (void)close(s->epoll);
    }
    heap_done(&s->timers);
    stack_pool_done(&s->stacks);
    free(s);
    fiber_scheduler = NULL;
    return r;
}

/* ------------------------------------------------------------------ for people */

void fiber_each(void (*each)(const struct fiber_info *info, void *arg), void *arg) {
    struct scheduler *s = fiber_scheduler;
    LIST_EACH (f, &s->all, struct fiber, in_all) {
        const char *sp = f->parked ? context_sp(&f->context) : NULL;
        struct fiber_info info = {
            .name = f->name,
            .waits_for = f->parked ? f->waits_for : "running",
            .parked_for = f->parked ? s->now - f->parked_at : 0,
            .stack_used = sp ? (size_t)(f->stack.low + STACK_SIZE - sp) : 0,
        };
        each(&info, arg);
    }
}

void fiber_stats(struct fiber_stats *ret) {
    struct scheduler *s = fiber_scheduler;
    *ret = (struct fiber_stats){.fibers = s->fiber_count,
                                .stacks = s->stacks.in_use + s->stacks.free_count,
                                .switches = s->switches};
}
