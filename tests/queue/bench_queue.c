/* SPDX-License-Identifier: ISC */
/*
 * How fast messages pass the queue: bench_queue FOLDER [seconds [bytes]]. Sessions submit messages
 * to mailboxes that take them in no time; then so many messages are queued, and the queue is opened
 * again. Run by hand on the disk in question; not a test.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "queue/queue.h"
#include "seconds.h"

#define QUEUED 100000U

static struct {
    int dir;
    struct queue *queue;
    struct queue_ids ids;
    usec_t until;
    unsigned long limit, submitted, delivered;
    size_t size;
    char *message;
    bool away;
} bench;

static int resolve(void *arg, struct slice address, struct arena *a, struct route *ret) {
    *ret = (struct route){.kind = ROUTE_TEMPORARY};
    if (bench.away)
        return 0;
    ret->kind = ROUTE_LOCAL;
    ret->mailboxes = ARENA_NEW(a, struct route_mailbox);
    ret->mailboxes[0] = (struct route_mailbox){.account_id = 1, .address = address};
    ret->mailbox_count = 1;
    return 0;
}

static int deliver(void *arg, const struct queue_delivery *delivery, struct problem *problem) {
    bench.delivered++;
    return 0;
}

static int transmit(void *arg, const struct queue_transmission *transmission, struct arena *a,
                    struct relay_outcome *ret) {
    return -ETIMEDOUT;
}

static void event(void *arg, queue_id id, const char *kind, struct slice sentence,
                  const struct event_fact *facts, size_t count) {
}

static const struct queue_ops OPS = {
    .resolve = resolve, .deliver = deliver, .transmit = transmit, .event = event};

static void open_queue(void) {
    struct queue_options options = queue_options_default;
    struct problem problem = {0};
    options.hostname = S("mx.example.org");
    options.worker = 255;
    if (queue_open(bench.dir, &options, &OPS, &bench.queue, &problem) < 0 ||
        queue_start(bench.queue) < 0)
        panic("%s", problem.text);
}

static void session(void *arg) {
    static const struct recipient to = {.address = {"hanako@example.org", 18}};
    while (fiber_now() < bench.until && bench.submitted < bench.limit) {
        struct problem problem;
        struct queue_message message = {
            .id = queue_id_next(&bench.ids, fiber_wall()),
            .envelope.reverse_path = S("tarou@example.com"),
            .envelope.recipients = &to,
            .envelope.count = 1,
            .envelope.origin = QUEUE_FROM_OUTSIDE,
            .envelope.helo = S("mail.example.com"),
            .envelope.peer = S("192.0.2.25"),
            .head = S("Received: from mail.example.com by mx.example.org; Sun, 22 Nov 2026\r\n"),
            .bytes = slice_of(bench.message, bench.size),
        };
        bench.submitted++;
        if (queue_submit(bench.queue, &message, &problem) < 0)
            panic("%s", problem.text);
    }
}

static void run_sessions(unsigned count) {
    static struct fiber *handles[256];
    for (unsigned i = 0; i < count; i++)
        MUST(fiber_start("session", session, NULL, &handles[i]) == 0);
    for (unsigned i = 0; i < count; i++)
        fiber_join(handles[i]);
}

static void round_of(unsigned sessions, double seconds) {
    bench.submitted = bench.delivered = 0;
    bench.limit = -1UL;
    bench.until = fiber_now() + (usec_t)(seconds * 1e6);
    double cpu = cpu_seconds(), began = clock_seconds();
    run_sessions(sessions);
    double accepted = clock_seconds() - began;
    struct queue_stats stats;
    do {
        queue_stats(bench.queue, &stats);
        (void)fiber_sleep(USEC_MS);
    } while (stats.messages > 0);
    double took = clock_seconds() - began;
    printf("%3u sessions: %7.0f messages/s accepted, %7.0f settled, %5.1f us CPU a message, "
           "%4.1f records a commit\n",
           sessions, (double)bench.submitted / accepted, (double)bench.submitted / took,
           (cpu_seconds() - cpu) * 1e6 / (double)bench.submitted,
           (double)stats.spool.records / (double)stats.spool.commits);
}

static void many_queued(void) {
    bench.away = true;
    bench.until = USEC_NEVER;
    bench.submitted = 0;
    bench.limit = QUEUED;
    run_sessions(200);
    struct queue_stats stats;
    do {
        (void)fiber_sleep(10 * USEC_MS);
        queue_stats(bench.queue, &stats);
    } while (stats.ready + stats.active > 0);
    queue_stop(bench.queue, fiber_now() + USEC_MIN);
    malloc_trim(0);
    size_t before = mallinfo2().uordblks;
    double began = clock_seconds();
    open_queue();
    double took = clock_seconds() - began;
    printf("%u messages queued: ready again in %.2f s, %.0f bytes of memory a message\n", QUEUED,
           took, (double)(mallinfo2().uordblks - before) / QUEUED);
    bench.away = false;
    uint64_t count;
    began = clock_seconds();
    MUST(queue_act(bench.queue, &(struct queue_order){.action = QUEUE_RETRY},
                   &(struct queue_match){.text = S("hanako")}, &count, NULL, NULL) == 0);
    printf("all of them retried: asked for in %.1f s,", clock_seconds() - began);
    do {
        (void)fiber_sleep(10 * USEC_MS);
        queue_stats(bench.queue, &stats);
    } while (stats.messages > 0);
    printf(" all delivered after %.1f s\n", clock_seconds() - began);
}

static void run(void *arg) {
    static const unsigned SESSIONS[] = {1, 20, 100};
    const double *seconds = arg;
    queue_ids_init(&bench.ids, 1);
    open_queue();
    for (size_t i = 0; i < ARRAY_SIZE(SESSIONS); i++)
        round_of(SESSIONS[i], *seconds);
    many_queued();
    queue_stop(bench.queue, fiber_now() + USEC_MIN);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [seconds [bytes]]\n", argv[0]);
        return 2;
    }
    double seconds = argc > 2 ? atof(argv[2]) : 2;
    bench.dir = open(argv[1], O_RDONLY | O_DIRECTORY);
    if (bench.dir < 0) {
        perror(argv[1]);
        return 1;
    }
    bench.size = argc > 3 ? (size_t)atol(argv[3]) : 4500;
    bench.message = mem_zero(bench.size);
    memset(bench.message, 'x', bench.size);
    struct fiber_config config = {0};
    return fiber_run(&config, run, &seconds) < 0;
}
