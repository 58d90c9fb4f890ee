/* SPDX-License-Identifier: ISC */
/*
 * How fast messages are accepted: bench_spool FOLDER [seconds [bytes]]. For 1, 8, 20 and 64 fibers,
 * each of which accepts a message and settles it, and for recovery. Run by hand on the disk in
 * question; not a test.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "seconds.h"
#include "spool/spool.h"

static struct {
    struct spool *spool;
    usec_t until;
    size_t size;
    char *message;
    unsigned long accepted;
    bool settle;
} bench;

static const struct recipient TO[] = {{.address = {"hanako@example.org", 18}, .notify = 4}};
static const struct envelope ENVELOPE = {
    .arrival = 1800000000000000,
    .reverse_path = {"tarou@example.com", 17},
    .helo = {"mail.example.com", 16},
    .peer = {"192.0.2.25", 10},
    .recipients = TO,
    .count = 1,
};

static int accept_one(struct spool_message **ret) {
    struct spool_content content = {
        .head = S("Received: from mail.example.com by mx.example.org; Sun, 22 Nov 2026\r\n"),
        .bytes = slice_of(bench.message, bench.size)};
    return spool_accept(bench.spool, spool_new_id(bench.spool), &ENVELOPE, &content, ret);
}

static void writer(void *arg) {
    while (fiber_now() < bench.until) {
        struct spool_message *message;
        int error = accept_one(&message);
        if (error) {
            fprintf(stderr, "accept: %s\n", error_text(error));
            return;
        }
        bench.accepted++;
        if (bench.settle)
            (void)spool_update(bench.spool,
                               &(struct spool_change){.kind = SPOOL_DONE, .id = message->id}, 1);
    }
}

static void notice(void *arg, enum spool_notice kind, const char *text) {
    fprintf(stderr, "notice %d: %s\n", kind, text);
}

static const struct spool_options OPTIONS = {.notice = notice};

static void round_of(int dir, unsigned fibers, double seconds, bool settle) {
    struct problem problem = {0};
    struct fiber *handles[64];
    struct spool_stat stat;
    int error = spool_open(dir, &OPTIONS, &bench.spool, &problem);
    if (error) {
        fprintf(stderr, "%s\n", problem.text);
        return;
    }
    bench.accepted = 0;
    bench.settle = settle;
    bench.until = fiber_now() + (usec_t)(seconds * 1e6);
    double cpu = cpu_seconds(), began = clock_seconds();
    for (unsigned i = 0; i < fibers; i++)
        MUST(fiber_start("writer", writer, NULL, &handles[i]) == 0);
    for (unsigned i = 0; i < fibers; i++)
        fiber_join(handles[i]);
    double took = clock_seconds() - began;
    spool_stat(bench.spool, &stat);
    printf("%2u fibers %s: %8.0f messages/s, %6.1f us CPU a message, %5.1f records a commit, "
           "%.0f commits/s, slowest sync %.1f ms\n",
           fibers, settle ? "accept+settle" : "accept       ", (double)bench.accepted / took,
           (cpu_seconds() - cpu) * 1e6 / (double)bench.accepted,
           (double)stat.records / (double)stat.commits, (double)stat.commits / took,
           (double)stat.worst_sync / 1000);
    spool_close(bench.spool);
}

static struct spool_change together[100];

static int settle_it(void *arg, struct spool_message *message) {
    buf_add_u64(arg, message->id);
    return 0;
}

static void recovery(int dir) {
    struct problem problem = {0};
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double began = clock_seconds();
    if (spool_open(dir, &OPTIONS, &bench.spool, &problem) < 0) {
        fprintf(stderr, "%s\n", problem.text);
        return;
    }
    double took = clock_seconds() - began;
    getrusage(RUSAGE_SELF, &after);
    struct spool_stat stat;
    spool_stat(bench.spool, &stat);
    printf("recovery of %lu messages in %lu segments: %.3f s, largest memory %ld -> %ld KiB\n",
           (unsigned long)stat.messages, (unsigned long)stat.segments, took, before.ru_maxrss,
           after.ru_maxrss);
    _cleanup_(buf_done) struct buf ids = {0};
    spool_each(bench.spool, settle_it, &ids);
    for (size_t i = 0; i < ids.len; i += 800) {
        size_t n = 0;
        for (; n < 100 && i + 8 * n < ids.len; n++) {
            together[n] = (struct spool_change){.kind = SPOOL_DONE};
            memcpy(&together[n].id, ids.ptr + i + 8 * n, 8);
        }
        MUST(spool_update(bench.spool, together, n) == 0);
    }
    spool_close(bench.spool);
}

struct arguments {
    int dir;
    double seconds;
};

static void run(void *arg) {
    static const unsigned FIBERS[] = {1, 8, 20, 64};
    const struct arguments *a = arg;
    for (size_t i = 0; i < ARRAY_SIZE(FIBERS); i++)
        round_of(a->dir, FIBERS[i], a->seconds, true);
    for (size_t i = 0; i < ARRAY_SIZE(FIBERS); i++) {
        round_of(a->dir, FIBERS[i], a->seconds, false);
        recovery(a->dir);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [seconds [bytes]]\n", argv[0]);
        return 2;
    }
    struct arguments a = {.dir = open(argv[1], O_RDONLY | O_DIRECTORY),
                          .seconds = argc > 2 ? atof(argv[2]) : 2};
    if (a.dir < 0) {
        perror(argv[1]);
        return 1;
    }
    bench.size = argc > 3 ? (size_t)atol(argv[3]) : 4500;
    bench.message = mem_zero(bench.size);
    memset(bench.message, 'x', bench.size);
    struct fiber_config config = {0};
    return fiber_run(&config, run, &a) < 0;
}
