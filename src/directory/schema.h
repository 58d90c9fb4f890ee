/* SPDX-License-Identifier: ISC */
/*
 * The tables of directory.db, and how the file is used.
 *
 *   counter       the last number given to an account; numbers are never reused
 *   domain        type 1: local; type 2: another name for `target`
 *   account       address: canonical; spelled: as first written; password: hash text or "";
 *                 apop: sealed bytes or null; times in microseconds since 1970
 *   alias_target  one row per target of an alias, in the order of `place`
 */
#pragma once

#include "db/db.h"

extern const struct db_kind directory_kind;
