/* SPDX-License-Identifier: ISC */
/*
 * A commit is on the disk when it returns (synchronous=FULL). The file is small, and all mail hangs
 * on it: every page is looked at when it is opened, and every cell when it is read.
 *
 * SQL is kept to what PostgreSQL takes as well.
 */
#include "directory/schema.h"
#include "base/words.h"

#include "message/address/domain.h"

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

    /* U-labels become A-labels. What is there in both forms already stays as it is. */
    "UPDATE OR IGNORE domain SET name = canonical_domain(name), target = canonical_domain(target),"
    " catch_all = canonical_domain(catch_all) WHERE name || target || catch_all GLOB '*[^ -~]*';"
    "UPDATE OR IGNORE account SET address = canonical_domain(address),"
    " domain = canonical_domain(domain), spelled = canonical_domain(spelled)"
    " WHERE domain GLOB '*[^ -~]*';"
    "UPDATE OR IGNORE alias_target SET address = canonical_domain(address),"
    " domain = canonical_domain(domain), target = canonical_domain(target)"
    " WHERE domain || target GLOB '*[^ -~]*';",
    /* The history until the event log has it; accounts that were removed; what mailboxes hold. */
    "INSERT INTO counter VALUES ('change_id', 0) ON CONFLICT DO NOTHING;"
    "CREATE TABLE IF NOT EXISTS change (change_id BIGINT NOT NULL PRIMARY KEY, wall BIGINT NOT "
    "NULL,"
    " author TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, was TEXT NOT NULL,"
    " becomes TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS removed (account_id BIGINT NOT NULL PRIMARY KEY, address TEXT NOT "
    "NULL,"
    " domain TEXT NOT NULL, spelled TEXT NOT NULL, name TEXT NOT NULL, password TEXT NOT NULL,"
    " apop BYTEA, enabled BIGINT NOT NULL, admin BIGINT NOT NULL, quota BIGINT NOT NULL,"
    " shard BIGINT NOT NULL, created BIGINT NOT NULL, last_login BIGINT NOT NULL,"
    " removed BIGINT NOT NULL, purging BIGINT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS removed_address ON removed (address);"
    "CREATE TABLE IF NOT EXISTS removed_alias (account_id BIGINT NOT NULL, place BIGINT NOT NULL,"
    " address TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (account_id, address, place));"
    "CREATE TABLE IF NOT EXISTS usage (account_id BIGINT NOT NULL PRIMARY KEY, messages BIGINT NOT "
    "NULL,"
    " bytes BIGINT NOT NULL);",

    /* What accounts have sent, and may; -1: what the settings say. */
    "CREATE TABLE IF NOT EXISTS sending (account_id BIGINT NOT NULL PRIMARY KEY, state BYTEA NOT "
    "NULL,"
    " messages_hour BIGINT NOT NULL DEFAULT -1, messages_day BIGINT NOT NULL DEFAULT -1,"
    " new_hour BIGINT NOT NULL DEFAULT -1, new_day BIGINT NOT NULL DEFAULT -1);",

    /* Under which addresses accounts may send beside their own (send_as.c). */
    "CREATE TABLE IF NOT EXISTS send_as (account_id BIGINT NOT NULL PRIMARY KEY,"
    " addresses TEXT NOT NULL);",

    /* From where accounts were logged in to last (newcomer.h). */
    "CREATE TABLE IF NOT EXISTS login_network (account_id BIGINT NOT NULL PRIMARY KEY,"
    " networks BYTEA NOT NULL);",

    /* Until when addresses were those of accounts that were removed (former.c). */
    "CREATE TABLE IF NOT EXISTS former_owner (address TEXT NOT NULL, account_id BIGINT NOT NULL,"
    " removed BIGINT NOT NULL, PRIMARY KEY (address, account_id));"
    "INSERT INTO former_owner (address, account_id, removed)"
    " SELECT address, account_id, removed FROM removed WHERE true ON CONFLICT DO NOTHING;",

    /* Logins by number, whichever source an account has; which numbers another source has
     * (elsewhere.c).
     */
    "CREATE TABLE login (account_id BIGINT NOT NULL PRIMARY KEY, wall BIGINT NOT NULL,"
    " networks BYTEA NOT NULL);"
    "INSERT INTO login (account_id, wall, networks)"
    " SELECT a.account_id, a.last_login, coalesce(n.networks, x'') FROM"
    " (SELECT account_id, last_login FROM account UNION ALL"
    "  SELECT account_id, last_login FROM removed) a"
    " LEFT JOIN login_network n ON n.account_id = a.account_id WHERE a.last_login > 0;"
    "DROP TABLE login_network;"
    "ALTER TABLE account DROP COLUMN last_login;"
    "ALTER TABLE removed DROP COLUMN last_login;"
    "CREATE TABLE elsewhere (account_id BIGINT NOT NULL PRIMARY KEY, address TEXT NOT NULL,"
    " shard BIGINT NOT NULL);"
    "CREATE INDEX elsewhere_address ON elsewhere (address);",

    /* Which accounts give rights in their mailboxes to whom (sharing.h). */
    "CREATE TABLE sharing (account_id BIGINT NOT NULL, identifier TEXT NOT NULL,"
    " PRIMARY KEY (account_id, identifier));"
    "CREATE INDEX sharing_identifier ON sharing (identifier, account_id);",
};

/* canonical_domain(text): a domain, or an address with it; what cannot be read stays as it is. */
static void canonical_domain(sqlite3_context *context, int count, sqlite3_value **values) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct slice text =
        slice_of(sqlite3_value_blob(values[0]), (size_t)sqlite3_value_bytes(values[0]));
    struct slice domain;
    size_t from = (size_t)(slice_rfind_byte(text, '@') + 1);
    (void)count;
    if (domain_canonical(&a, slice_from(text, from), DOMAIN_UTF8, &domain, NULL) < 0)
        domain = slice_from(text, from);
    buf_add(&out, slice_first(text, from));
    buf_add(&out, domain);
    sqlite3_result_text(context, buf_str(&out), (int)out.len, SQLITE_TRANSIENT);
}

static int teach(struct db *db) {
    int r = sqlite3_create_function_v2(db->handle, "canonical_domain", 1,
                                       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                       canonical_domain, NULL, NULL, NULL);
    return r == SQLITE_OK ? 0 : db_failed(db);
}

const struct db_kind directory_kind = {
    .what = "a directory of Hayauma",
    .remedy = N_("; restore it from a backup"),
    .application_id = 0x48594452, /* "HYDR" */
    .steps = steps,
    .step_count = ARRAY_SIZE(steps),
    .teach = teach,
    .pragmas = PRAGMAS,
    .read_pragmas = PRAGMAS,
    .busy_ms = 5000,
    .check_pages = true,
};
