/* SPDX-License-Identifier: ISC */
/*
 * How much an event costs the event log, and how fast it answers: `bench_event_log [MESSAGES]`, in
 * the current folder. Each message has four events, the first with its SMTP dialogue.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "fiber/wait.h"
#include "journey/event_log.h"
#include "journey/sample.h"

static double cpu(void) {
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t messages = 250000;

static void find(struct event_log *l, const char *what) {
    struct arena a = {0};
    queue_id *ids;
    size_t count = 0;
    double begin = seconds();
    MUST(event_log_find(
             l,
             &(struct event_log_search){.words = (struct slice[]){slice_of_str(what)}, .count = 1},
             20, &a, &ids, &count, NULL) == 0);
    printf("find %-32s %4zu messages, %7.2f ms\n", what, count, 1e3 * (seconds() - begin));
    if (count > 0) {
        struct event_list events;
        begin = seconds();
        MUST(event_log_journey(l, ids[0], 0, 0, &a, &events, NULL) == 0);
        printf("  its journey: %zu events, %.2f ms\n", events.count, 1e3 * (seconds() - begin));
    }
    arena_done(&a);
}

static double fill(struct event_log *l) {
    struct arena a = {0};
    double making = 0;
    for (uint64_t n = 0; n < messages; n++) {
        struct event e[SAMPLE_STEPS];
        enum role role[SAMPLE_STEPS];
        double begin = cpu();
        for (unsigned step = 0; step < SAMPLE_STEPS; step++)
            role[step] = sample_step(n, step, &a, &e[step]);
        making += cpu() - begin;
        for (unsigned step = 0; step < SAMPLE_STEPS; step++)
            event_log_add(l, role[step], &e[step]);
        arena_reset(&a);
        if (n % 250 == 0) {
            struct event_log_stats stats;
            do {
                MUST(fiber_yield() == 0);
                event_log_stats(l, &stats);
                if (stats.waiting_bytes > EVENT_LOG_MEMORY_MAX / 2)
                    (void)fiber_sleep(USEC_MS);
            } while (stats.waiting_bytes > EVENT_LOG_MEMORY_MAX / 2);
        }
    }
    arena_done(&a);
    return making;
}

static void bench(void *arg) {
    struct event_log_options options = {
        .path = "bench-events.db", .keep = 3650 * USEC_DAY, .size_max = UINT64_C(100) << 30};
    struct event_log *l = event_log_new(&options);
    struct event_log_stats stats;
    (void)arg;
    MUST(fiber_spawn("events", event_log_work, l) == 0);
    double begin = seconds(), used = cpu();
    double making = fill(l);
    find(l, "nobody@example.org");
    double events = (double)(messages * SAMPLE_STEPS), all = cpu() - used - making;
    event_log_stats(l, &stats);
    printf("%.0f events in %.2f s: %.0f/s, %.2f us CPU each; %llu lost\n", events,
           seconds() - begin, events / (seconds() - begin), 1e6 * all / events,
           (unsigned long long)stats.lost);
    find(l, "reader17@example.jp");
    find(l, "user5@example.net");
    find(l, "<12345.abc@mail.example.net>");
    find(l, "number 777 for");
    find(l, "nothing like that");
    event_log_stop(l);
    struct stat st;
    MUST(stat("bench-events.db", &st) == 0);
    printf("%.1f MB, %.0f bytes an event\n", (double)st.st_size / 1e6, (double)st.st_size / events);
    event_log_free(l);
}

int main(int argc, char **argv) {
    struct fiber_config config = {0};
    if (argc > 1)
        messages = strtoull(argv[1], NULL, 10);
    (void)unlink("bench-events.db");
    (void)unlink("bench-events.db-wal");
    int r = fiber_run(&config, bench, NULL);
    (void)unlink("bench-events.db");
    return r < 0;
}
