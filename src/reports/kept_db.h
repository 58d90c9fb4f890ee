/* SPDX-License-Identifier: ISC */
/* The database of kept.h and seen.h, for their two files. */
#pragma once

#include "db/db.h"

struct kept {
    struct db *db;
    bool spares_old;
};
