/* SPDX-License-Identifier: ISC */
/*
 * Bringing mail.db up to date from the packs of its account. For replay.c, which opens both.
 */
#pragma once

#include "store/solo/replay.h"

struct replay {
    uint64_t account;
    struct slice blank;
    const struct pack_io *io;
    bool gives_up; /* what cannot be read */
    int packs_dir;
    struct index *ix;
    struct replay_result *result;
    struct problem *problem;

    uint64_t *numbers; /* of the pack files, ascending */
    size_t count;
    struct index_pack *known; /* what the database knows of packs, and seals found since */
    size_t known_count;
    uint64_t begun; /* the newest pack behind the mark that has a record */
    uint64_t gap;   /* the account's MODSEQ behind the newest pack that is not there any more */

    usec_t born; /* of the account at the latest: when its oldest pack was made */
    struct list batch;
    size_t batch_count, batch_bytes;
    uint64_t run_at;  /* where messages that were stored together begin; 0: they are whole */
    struct link *run; /* the first of them in the batch */
};

/* Finds the packs of the folder `dir`, open as `packs_dir`. */
int replay_list_packs(struct replay *p, const char *dir);

/*
 * Takes in what the database `ix` does not know yet. -E_CORRUPT: it does not fit the packs, and has
 * to be made anew. Other errors are those of replay_open(); a sentence is in `problem` if more can
 * be said than the error's own text.
 */
int replay_catch_up(struct replay *p);
