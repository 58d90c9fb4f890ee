/* SPDX-License-Identifier: ISC */
/*
 * The tables of directory.db and their version.
 *
 *   counter       the last number given to an account; numbers are never reused
 *   domain        type 1: local; type 2: another name for `target`
 *   account       address: canonical; spelled: as first written; password: hash text or "";
 *                 apop: sealed bytes or null; times in microseconds since 1970
 *   alias_target  one row per target of an alias, in the order of `place`
 */
#pragma once

#include "directory/db.h"

/* Makes the tables in a new file, checks those of an old one. -E_VERSION, -E_CORRUPT, ... */
int schema_prepare(struct db *db, bool read_only);
