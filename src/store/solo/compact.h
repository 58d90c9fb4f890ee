/* SPDX-License-Identifier: ISC */
/*
 * Compacting one pack: what is still needed of it is gathered in a disk thread, as records to be
 * written again. For compact*.c only.
 */
#pragma once

#include "base/alloc.h"
#include "store/solo/inside.h"

#define COMPACT_SETS_BYTES (64U << 10) /* of keywords, in a record */

struct kept { /* a record to be written again */
    struct link link;
    uint8_t type;
    struct buf facts, body;
    uint32_t crc;
};

struct compaction {
    uint64_t account, pack;
    uint64_t at, end; /* how far it has been read, and to where */
    bool missing, done;
    bool index_wrong; /* mail.db does not fit the pack */
    bool older;       /* there are packs before this one */
    bool damage;      /* another pack is kept because of it, with copies of any age */

    /* For the disk thread. */
    struct index *index;
    int fd;
    uint64_t generation;
    usec_t keys_since;
    struct list kept; /* struct kept */
    size_t kept_count, kept_bytes;
    struct buf gone; /* uint64_t: bodies that nobody has any more */
};

/* One more record to be written. */
static inline struct kept *compact_add(struct compaction *c, uint8_t type) {
    struct kept *k = NEW(struct kept);
    k->type = type;
    list_append(&c->kept, &k->link);
    c->kept_count++;
    return k;
}

/*
 * compact_keep.c: reads on in the pack until there is enough for a step; `done` at its end. For
 * offload(). -E_CORRUPT: there is damage in it.
 */
int compact_gather(void *compaction);

/* compact_deleted.c: removed entries that can be brought back and whose present record this is. */
int compact_keep_deleted(struct compaction *c, const struct pack_entry *e);

/* Those that depend on other records of the pack. 1: there may be more. */
int compact_keep_loose(struct compaction *c);
