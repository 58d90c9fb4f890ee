/* SPDX-License-Identifier: ISC */
/*
 * What goes with entries that are removed: a body goes with its last entry. For one that may have
 * others they are counted, so that usage and quota are right to the byte: in memory, or by the
 * backend.
 */
#pragma once

#include "store/account.h"

struct freed {
    uint64_t bodies, bytes; /* that go, when freed_sum() has been called */
    struct buf shared;      /* struct store_entry: those whose bodies may have others */
};

void freed_add(struct freed *f, const struct store_entry *entries, size_t count);
int freed_sum(struct freed *f, struct store_account *a) WAITS;
void freed_done(struct freed *f);
DEFINE_CLEANUP(struct freed, freed_done)
