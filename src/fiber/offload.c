/* SPDX-License-Identifier: ISC */
/*
 * Threads for work that blocks. One queue per class; a thread takes jobs until it has had none for
 * a while, or the scheduler ends. Finished jobs go to a list that the scheduler empties when its
 * eventfd says so; several that end close together cost one wake-up.
 *
 * Threads that nobody needs any more take with them what malloc keeps for each: small pieces here
 * and there, which hold a megabyte of pages of what SQLite has needed.
 *
 * The pools belong to the process: the scheduler of one thread uses them (a role has one), others
 * would find the pool attached and panic.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "fiber/scheduler.h"

#define THREAD_STACK ((size_t)256 * 1024)
#define MAX_THREADS  64
#define IDLE_SECONDS 2
#define LATER_NICE   10 /* weighs a tenth of 0 in the kernel's scheduler */

struct job {
    struct link link;
    int (*fn)(void *arg);
    void *arg;
    int result;
    bool done;
    struct fiber *fiber;
};

struct pool {
    unsigned limit, threads, idle;
    unsigned queued; /* length of `waiting` */
    struct list waiting;
    pthread_cond_t filled;
    pthread_t ids[MAX_THREADS];
};

static struct {
    pthread_mutex_t lock;
    struct pool pools[OFFLOAD_CLASSES];
    struct list finished;
    int event_fd;
    bool attached, stopping;
} shared = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .pools = {[OFFLOAD_DISK] = {.limit = 8},
              [OFFLOAD_SYNC] = {.limit = 8},
              [OFFLOAD_KDF] = {.limit = 2},
              [OFFLOAD_SCAN] = {.limit = 2},
              [OFFLOAD_LATER] = {.limit = 1}},
    .event_fd = -1,
};

void offload_limit(enum offload_class class, unsigned threads) {
    MUST(threads > 0 && threads <= MAX_THREADS);
    shared.pools[class].limit = threads;
}

/* Without the lock while the job runs, and while the scheduler is told: it would wait for it. */
static void run(struct job *job) {
    uint64_t one = 1;
    (void)pthread_mutex_unlock(&shared.lock);
    job->result = job->fn(job->arg);
    MUST(pthread_mutex_lock(&shared.lock) == 0);
    bool first = list_empty(&shared.finished);
    list_append(&shared.finished, &job->link);
    if (!first)
        return;
    (void)pthread_mutex_unlock(&shared.lock);
    MUST(write(shared.event_fd, &one, sizeof one) == sizeof one);
    MUST(pthread_mutex_lock(&shared.lock) == 0);
}

/* Until there may be a job; false when there was none for so long. */
static bool wait_for_job(struct pool *pool) {
    struct timespec until;
    MUST(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += IDLE_SECONDS;
    pool->idle++;
    int r = pthread_cond_clockwait(&pool->filled, &shared.lock, CLOCK_MONOTONIC, &until);
    pool->idle--;
    return r != ETIMEDOUT;
}

/* Of its own accord: nobody will join it. */
static void leave_pool(struct pool *pool) {
    pthread_t self = pthread_self();
    for (unsigned i = 0; i < pool->threads; i++) {
        if (!pthread_equal(pool->ids[i], self))
            continue;
        pool->ids[i] = pool->ids[--pool->threads];
        (void)pthread_detach(self);
        return;
    }
}

static void *work(void *arg) {
    struct pool *pool = arg;
    bool wanted = true;
    if (pool == &shared.pools[OFFLOAD_LATER])
        (void)!nice(LATER_NICE);
    MUST(pthread_mutex_lock(&shared.lock) == 0);
    while (!shared.stopping || !list_empty(&pool->waiting)) {
        struct link *k = list_pop(&pool->waiting);
        if (k) {
            pool->queued--;
            run(CONTAINER_OF(k, struct job, link));
        } else if (wanted) {
            wanted = wait_for_job(pool);
            continue;
        } else {
            leave_pool(pool);
            break;
        }
        wanted = true;
    }
    (void)pthread_mutex_unlock(&shared.lock);
    return NULL;
}

/* With the lock held. A thread takes no signals: those are the scheduler's. */
static int add_thread(struct pool *pool) {
    pthread_attr_t attributes;
    sigset_t all, before;
    (void)sigfillset(&all);
    MUST(pthread_attr_init(&attributes) == 0);
    (void)pthread_attr_setstacksize(&attributes, FIBER_ASAN ? 8 * THREAD_STACK : THREAD_STACK);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&pool->ids[pool->threads], &attributes, work, pool);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (r == 0)
        pool->threads++;
    return -r;
}

/* Hands a job over; negative when there is no thread that could ever take it. */
static int submit(struct pool *pool, struct job *job) {
    int r = 0;
    MUST(pthread_mutex_lock(&shared.lock) == 0);
    if (pool->idle <= pool->queued && pool->threads < pool->limit)
        r = add_thread(pool);
    if (r == 0 || pool->threads > 0) {
        r = 0;
        list_append(&pool->waiting, &job->link);
        pool->queued++;
    }
    bool somebody_idles = pool->idle > 0;
    (void)pthread_mutex_unlock(&shared.lock);
    if (somebody_idles) /* not before: it would wake up only to wait for the lock */
        (void)pthread_cond_signal(&pool->filled);
    return r;
}

static void collect(struct scheduler *s) {
    struct list finished;
    struct link *k;
    uint64_t count;
    list_init(&finished);
    (void)!read(s->offloaded.fd, &count, sizeof count);
    MUST(pthread_mutex_lock(&shared.lock) == 0);
    list_move_all(&finished, &shared.finished);
    (void)pthread_mutex_unlock(&shared.lock);
    while ((k = list_pop(&finished))) {
        struct job *job = CONTAINER_OF(k, struct job, link);
        job->done = true;
        scheduler_wake(job->fiber, 0);
    }
}

static void detach(struct scheduler *s) {
    MUST(pthread_mutex_lock(&shared.lock) == 0);
    shared.stopping = true;
    for (size_t i = 0; i < OFFLOAD_CLASSES; i++)
        (void)pthread_cond_broadcast(&shared.pools[i].filled);
    (void)pthread_mutex_unlock(&shared.lock);
    for (size_t i = 0; i < OFFLOAD_CLASSES; i++) {
        struct pool *pool = &shared.pools[i];
        while (pool->threads > 0)
            (void)pthread_join(pool->ids[--pool->threads], NULL);
        (void)pthread_cond_destroy(&pool->filled);
    }
    fiber_fd_done(&s->offloaded);
    (void)close(shared.event_fd);
    shared.event_fd = -1;
    shared.attached = false;
}

/* At the scheduler's first work of this kind; negative when there is no descriptor to be had. */
static int attach(struct scheduler *s) {
    if (s->offload_collect)
        return 0;
    MUST(!shared.attached);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    int r = fiber_fd_init(&s->offloaded, fd);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    shared.attached = true;
    shared.stopping = false;
    shared.event_fd = fd;
    list_init(&shared.finished);
    for (size_t i = 0; i < OFFLOAD_CLASSES; i++) {
        list_init(&shared.pools[i].waiting);
        (void)pthread_cond_init(&shared.pools[i].filled, NULL);
    }
    s->offload_collect = collect;
    s->offload_detach = detach;
    return 0;
}

int offload(enum offload_class class, int (*fn)(void *arg), void *arg) {
    struct scheduler *s = fiber_scheduler;
    if (s->config.simulate_from)
        return fn(arg);
    struct job job = {.fn = fn, .arg = arg, .fiber = s->current};
    if (attach(s) < 0 || submit(&shared.pools[class], &job) < 0)
        return fn(arg); /* no thread to be had: slow, but right */
    while (!job.done)
        scheduler_park_deaf("work in another thread");
    return job.result;
}
