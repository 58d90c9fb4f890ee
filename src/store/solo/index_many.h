/* SPDX-License-Identifier: ISC */
/* Many entries of a mailbox in mail.db at once. Part of index_db.h, for index*.c only. */
#pragma once

#include "store/solo/index_db.h"

/*
 * Takes in a record about many entries, outside of a replay and not copied by compaction: 1; or 0,
 * and nothing was done: it is no such record, or its entries have to be looked at one by one; or an
 * error.
 */
int index_take_many(struct index *ix, const struct log_record *r);

/* A removal: when, if what it removes can be brought back, and its MODSEQ. */
struct removal {
    usec_t when;
    uint64_t modseq;
};

/*
 * In the same way takes entries out, by rising UIDs, and their bodies if they have no other; with
 * `vanishes` what has gone is remembered.
 */
int index_drop_many(struct index *ix, uint32_t mailbox, const uint32_t *uids, size_t count,
                    const struct removal *why, bool vanishes);
