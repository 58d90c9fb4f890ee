/* SPDX-License-Identifier: ISC */
/*
 * A disk that takes its time, fails, and loses what was not synced when the power goes. Its times
 * come from a seed, so that fibers meet in another way with every seed, and in the same way with
 * the same one.
 */
#pragma once

#include "pack/pack.h"
#include "rng.h"

struct slow_disk {
    struct rng *rng;
    usec_t longest; /* a write or a sync takes up to so long; 0: no time */

    /* A bad day: after so many calls this many fail, writes with one error and syncs with another.
     */
    unsigned fail_after, fail_times;
    int write_error, sync_error;

    unsigned cut_after; /* at this write or sync `cut` is called, once; 0: never */
    void (*cut)(void *arg);
    void *arg;
};
extern struct slow_disk slow_disk;
extern const struct pack_io slow_disk_io;

/* The same for a backend without files: struct memory_options.before_commit. */
int slow_disk_commit(void *arg);

/* Forgets all settings, and what was not synced, or that of other folders. */
void slow_disk_reset(void);
void slow_disk_keep(const char *dir);

/* The files at `dir` have been copied to `image`, which goes on in their place after a kill: what
 * was not synced is not synced there either. */
void slow_disk_move(const char *dir, const char *image);

/* The same after a power cut: of the bytes not synced some or all are lost. */
void slow_disk_lose(const char *dir, const char *image);
