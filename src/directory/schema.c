/* SPDX-License-Identifier: ISC */
/*
 * `steps[n]` turns version n into n + 1; a release adds steps at the end and changes none. Steps
 * only add, so the previous release can still read the file. SQL is kept to what PostgreSQL takes
 * as well.
 */
#include "directory/schema.h"

#include <inttypes.h>
#include <stdio.h>

#define APPLICATION_ID 0x48594452 /* "HYDR" */

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

static int pragma_number(struct db *db, const char *sql, int64_t *ret) {
    int r = db_number(db, ret, sql, "");
    return r == 0 ? db_failed(db) : MIN(r, 0);
}

static int check_sound(struct db *db) {
    sqlite3_stmt *statement = NULL;
    int r = db_query(db, &statement, "PRAGMA quick_check(1)", "");
    if (r == 0)
        r = db_step(db, statement);
    if (r < 0)
        return r;
    const char *words = (const char *)sqlite3_column_text(statement, 0);
    if (!words || strcmp(words, "ok") != 0)
        r = problem_set(db->problem, -E_CORRUPT, "%s is damaged; restore it from a backup (%s)",
                        db->path, words ? words : "SQLite gives no details");
    (void)sqlite3_reset(statement);
    return MIN(r, 0);
}

static int take_steps(struct db *db, int64_t version) {
    int r = db_exec(db, "BEGIN IMMEDIATE");
    for (int64_t i = version; r == 0 && i < (int64_t)ARRAY_SIZE(steps); i++)
        r = db_exec(db, steps[i]);
    if (r == 0) {
        char set[96];
        (void)snprintf(set, sizeof set, "PRAGMA application_id=%d; PRAGMA user_version=%zu; COMMIT",
                       APPLICATION_ID, ARRAY_SIZE(steps));
        r = db_exec(db, set);
    }
    if (r < 0) {
        struct problem *keep = db->problem;
        db->problem = NULL;
        (void)db_exec(db, "ROLLBACK");
        db->problem = keep;
    }
    return r;
}

int schema_prepare(struct db *db, bool read_only) {
    int64_t application = 0;
    int64_t version = 0;
    int64_t tables = 0;
    int r = pragma_number(db, "PRAGMA application_id", &application);
    if (r == 0)
        r = pragma_number(db, "PRAGMA user_version", &version);
    if (r == 0)
        r = pragma_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r < 0)
        return r;
    if (tables > 0 && application != APPLICATION_ID)
        return problem_set(db->problem, -E_CORRUPT,
                           "%s is an SQLite database, but not a directory of Hayauma", db->path);
    if (version > (int64_t)ARRAY_SIZE(steps))
        return problem_set(db->problem, -E_VERSION,
                           "%s has format %" PRId64 ", made by a newer release; this one reads "
                           "formats up to %zu",
                           db->path, version, ARRAY_SIZE(steps));
    r = check_sound(db);
    if (r < 0)
        return r;
    if (read_only)
        return tables > 0 ? 0 : problem_set(db->problem, -E_CORRUPT, "%s has no tables", db->path);
    r = db_exec(db, "PRAGMA journal_mode=WAL");
    if (r == 0 && version < (int64_t)ARRAY_SIZE(steps))
        r = take_steps(db, version);
    return r;
}
