/* SPDX-License-Identifier: ISC */
/*
 * A spool in a folder of its own, with a disk that can fail and that remembers what it was told to
 * do. Each test runs as a fiber on simulated time.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "spool/spool.h"

#define TEST_SEGMENT (256U << 10)
#define TEST_NOW     (1800000000 * USEC_SEC)

struct world {
    char path[64];
    int dir;
    struct spool_options options;
    struct spool *spool;
    unsigned notices[8]; /* of each kind */
    bool told_by_thread; /* one of them by a thread that has no fibers */
    char last_notice[300];
    struct problem problem; /* of the last opening */
};

/* One write, and how many syncs had been done before it. */
struct written {
    uint64_t offset;
    size_t from, len; /* in disk.bytes */
    unsigned syncs;
};

struct disk {
    int write_error, sync_error, allocate_error;
    unsigned spared;    /* so many calls do not fail yet */
    unsigned failures;  /* so many calls fail; 0: all */
    size_t short_write; /* at most so many bytes are written before write_error */

    struct range {
        uint64_t from, to; /* offsets in the segment */
    } last, lost;          /* written last; in memory only, as the sync failed and was told once */

    bool journal; /* keep the writes of commits */
    struct buf bytes, writes;
    unsigned syncs;
};
extern struct disk disk;

/* On simulated time, with the work of threads done at once, or on real time with threads. */
void world_run(void (*test)(struct world *w), bool simulated);

/* A cmocka test around a function that runs as a fiber. */
#define WORLD_TEST_ON(name, simulated)                                                             \
    static void name##_in_world(struct world *w);                                                  \
    static void name(void **state) {                                                               \
        world_run(name##_in_world, simulated);                                                     \
    }                                                                                              \
    static void name##_in_world(struct world *w)
#define WORLD_TEST(name) WORLD_TEST_ON(name, true)

int world_try_open(struct world *w);
void world_open(struct world *w);
void world_close(struct world *w);
void world_reopen(struct world *w);

void world_empty(int dir); /* removes everything in it */

/* Files in a folder of the spool ("." for itself) whose name starts so. */
unsigned world_files(struct world *w, const char *folder, const char *prefix);

/* Name of the only segment, or of the newest. */
void world_segment(struct world *w, char name[static 64]);
void world_flip(struct world *w, const char *name, uint64_t offset); /* one byte on the disk */

int try_send(struct world *w, struct slice text, uint64_t *ret_id);
uint64_t send(struct world *w, const char *text); /* to three recipients */
int try_settle(struct world *w, uint64_t id);
void settle(struct world *w, uint64_t id);
void set_state(struct world *w, uint64_t id, uint32_t attempts, const char *reply);
void expect_body(struct world *w, uint64_t id, const char *text);
void expect_state(struct world *w, uint64_t id, uint32_t attempts, const char *reply);
uint64_t messages(struct world *w);
