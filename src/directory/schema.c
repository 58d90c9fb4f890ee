/* SPDX-License-Identifier: ISC */
/*
 * A commit is on the disk when it returns (synchronous=FULL). The file is small, and all mail hangs
 * on it: every page is looked at when it is opened, and every cell when it is read.
 *
 * Steps only add, so the previous release can still read the file. SQL is kept to what PostgreSQL
 * takes as well.
 */
#include "directory/schema.h"

#define PRAGMAS "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY"

static const char *const steps[] = {
    "CREATE TABLE counter (name TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);"
    "INSERT INTO counter VALUES ('account_id', 0);"
    "CREATE TABLE domain (name TEXT NOT NULL PRIMARY KEY, type BIGINT NOT NULL,"
    " target TEXT NOT NULL, catch_all TEXT NOT NULL, created BIGINT NOT NULL);"
    "CREATE TABLE account (account_id BIGINT NOT NULL PRIMARY KEY, address TEXT NOT NULL,"
    " domain TEXT NOT NULL, spelled TEXT NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL,"
    " apop BYTEA, enabled BIGINT NOT NULL, admin BIGINT NOT NULL, quota BIGINT NOT NULL,"
    " shard BIGINT NOT NULL, created BIGINT NOT NULL, last_login BIGINT NOT NULL);"
    "CREATE UNIQUE INDEX account_address ON account (address);"
    "CREATE INDEX account_domain ON account (domain, account_id);"
    "CREATE INDEX account_admin ON account (admin, account_id);"
    "CREATE TABLE alias_target (address TEXT NOT NULL, place BIGINT NOT NULL,"
    " domain TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (address, place));"
    "CREATE INDEX alias_domain ON alias_target (domain, address, place);"
    "CREATE INDEX alias_by_target ON alias_target (target);",
};

const struct db_kind directory_kind = {
    .what = "a directory of Hayauma",
    .remedy = "; restore it from a backup",
    .application_id = 0x48594452, /* "HYDR" */
    .steps = steps,
    .step_count = ARRAY_SIZE(steps),
    .pragmas = PRAGMAS,
    .read_pragmas = PRAGMAS,
    .busy_ms = 5000,
    .check_pages = true,
};
