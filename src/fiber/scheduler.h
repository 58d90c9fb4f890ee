/* SPDX-License-Identifier: ISC */
/*
 * What the files of this floor know of each other: the fiber object, the scheduler of this thread,
 * and parking. Nothing above the floor includes it.
 */
#pragma once

#include <pthread.h>

#include "fiber/context.h"
#include "fiber/sanitize.h"
#include "fiber/stack.h"
#include "fiber/wait.h"

#define FIBER_MAGIC 0x46494252U

/* Lives at the top of its own stack, so that a fiber is one piece of memory. */
struct fiber {
    unsigned magic;
    bool cancelled;
    bool parked;
    bool deaf; /* parked for something that must not be cut short */
    bool ended;
    bool has_handle; /* somebody will join it */
    int wake_result;
    const char *waits_for; /* while parked: for people */
    usec_t parked_at;
    usec_t deadline;      /* the nearest one around, or USEC_NEVER */
    struct link in_ready; /* in scheduler.ready */
    struct link in_wait;  /* in the list it waits on, taken out when woken */
    struct link in_untrimmed;
    struct link in_all;
    struct link in_parent;
    struct heap_item timer;
    struct fiber *parent;
    struct list children;
    unsigned child_count;
    struct fiber *joiner; /* waits for this fiber's end, or the parent for its last child */
    fiber_fn *fn;
    void *arg;
    const void *purpose; /* fiber_purpose() */
    struct context context;
    struct sanitize_context sanitize;
    struct stack stack;
    char name[32];
};

struct scheduler {
    struct context context; /* of the loop, on the thread's own stack */
    struct sanitize_context sanitize;
    struct fiber *current;
    struct fiber *left; /* who switched to the loop last; freed there when it has ended */
    struct list ready, all, untrimmed;
    struct heap timers;
    unsigned fiber_count;
    uint64_t switches;
    unsigned asked; /* fiber_ran_long(), with simulated time */
    struct stack_pool stacks;
    usec_t tidied; /* the pool of stacks, last */
    struct fiber_config config;
    usec_t now, wall_offset; /* wall = now + wall_offset */
    usec_t usage_noted;      /* for the watchdog */
    struct usage {
        usec_t time;    /* of the processor */
        long preempted; /* so often the thread had to give way to others */
    } usage;
    int epoll;

    /* Work in other threads, once there has been any (offload.c). */
    struct fiber_fd offloaded; /* tells that some has ended */
    void (*offload_collect)(struct scheduler *s);
    void (*offload_detach)(struct scheduler *s);
};

extern _Thread_local struct scheduler *fiber_scheduler;

/*
 * Parks the running fiber until scheduler_wake() or `deadline`. `list` (may be NULL) is where
 * others find it. The two forms differ in whether cancel and outer deadlines cut it short.
 */
int scheduler_park(const char *why, struct list *list, usec_t deadline) WAITS;
void scheduler_park_deaf(const char *why) WAITS;

/* Makes a parked fiber ready; its wait returns `result`. A fiber that is not parked is left alone.
 */
void scheduler_wake(struct fiber *f, int result);
