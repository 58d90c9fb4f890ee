/* SPDX-License-Identifier: ISC */
/*
 * The backend on one machine's own disk.
 *
 *     DIR/<xx>/<id>/mail.db            SQLite: the index of mailboxes, entries and bodies
 *     DIR/<xx>/<id>/packs/NNNNNN.pack  the account's log: bodies and every change, append-only
 *     DIR/<xx>/<id>/maps.db            SQLite: maps of messages, once somebody has asked for them
 *
 * The packs are the truth. Whatever changes an account is a record in its newest pack and durable
 * once that pack is synced. mail.db trails the packs and can be made from them alone. maps.db may
 * be removed at any time: a map that is missing is made from its message.
 *
 * The files look down in this order:
 *
 *   solo.c                   the backend: options, opening, closing; its table of functions
 *   upkeep.c compact.c       what happens when there is time
 *   account.c purge.c        opening accounts, leaving them, deleting them
 *   bodies.c                 bodies by their numbers, for an index of their texts
 *   commit.c read.c keys.c   groups of records to the log; bodies; what was delivered before
 *   log.c                    writing to packs
 *   maps.c map_file.c        maps of messages, beside everything else
 *   files.c                  open files: the database's handle, pack descriptors, which to close
 *   packs.c work.c room.c    facts of packs in memory; what waits for the keeper; the disk's room
 *   repair.c                 what commands do while nothing runs: an index made anew
 *   replay.c index*.c note.c from packs to mail.db: no fibers, other threads call them
 */
#pragma once

#include "pack/pack.h"
#include "store/backend.h"

struct solo_options {
    const char *dir;        /* must exist; all accounts' files lie below it */
    unsigned max_handles;   /* accounts with open files (mail.db, packs); 0: 256 */
    usec_t idle_files;      /* they are closed when not used for so long; 0: 2 s */
    unsigned take_in_count; /* records by which mail.db may trail a pack; 0: 64 */
    usec_t take_in_after;   /* and for how long; 0: 1 s */
    uint64_t take_in_bytes; /* and by how much before a change of many waits; 0: 16 MiB */
    uint64_t pack_size;     /* a longer pack is followed by a new one; 0: 64 MiB */
    uint64_t compact_size;  /* a shorter pack is not compacted; 0: 256 KiB */
    uint64_t min_free;      /* less free space: -ENOSPC; 0: 64 MiB, 1: no check */
    usec_t key_lifetime;    /* delivery keys are remembered at least so long; 0: 10 days */
    /*
     * What vanished is told for so long, and so much of it in a mailbox. A phone that lay in a
     * drawer for the holidays is answered; a mailbox through which a thousand messages go every day
     * takes 3 MB for it.
     */
    usec_t vanished_age;      /* 0: 30 days */
    uint64_t vanished_max;    /* 0: 100,000 */
    const struct pack_io *io; /* NULL: the system's */
};

/* For store_options.backend; `options` is a struct solo_options. */
int solo_open(const void *options, const struct backend_host *host, struct store_backend **ret,
              struct problem *problem) WAITS;

/*
 * Its repair() makes mail.db anew from the packs alone, sets the old one aside, and removes
 * maps.db; its purge() deletes the account's files.
 */
extern const struct backend_offline solo_offline;
