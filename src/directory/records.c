/* SPDX-License-Identifier: ISC */
#include "directory/records.h"

#include <errno.h>

#include "base/buf.h"
#include "base/words.h"

#define TARGETS_TOLD 8000U /* bytes of an alias's targets in one entry of the history */

int record_domain(struct db *db, struct slice name, struct arena *a, enum domain_type *ret,
                  struct slice *ret_target) {
    sqlite3_stmt *row = NULL;
    *ret = DOMAIN_NONE;
    int r = db_row(db, &row, "SELECT type, target FROM domain WHERE name = ?1", V_TEXT(name));
    if (r == 1) {
        *ret = (enum domain_type)db_u64(row, 0);
        *ret_target = db_copy(row, 1, a);
    }
    return MIN(r, 0);
}

int record_must_be_local(struct db *db, struct slice domain, struct arena *a) {
    enum domain_type type;
    struct slice target = {0};
    int r = record_domain(db, domain, a, &type, &target);
    if (r < 0 || type == DOMAIN_LOCAL)
        return r;
    if (type == DOMAIN_ALIAS)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s is only another name for %.*s; make it there"),
                           SLICE_ARG(domain), SLICE_ARG(target));
    return problem_set(db->problem, -E_UNKNOWN,
                       N_("%.*s is not a domain of this host; add the domain first"),
                       SLICE_ARG(domain));
}

int record_account(struct db *db, struct slice address, uint64_t *ret_id) {
    int64_t id = 0;
    int r =
        db_number(db, &id, "SELECT account_id FROM account WHERE address = ?1", V_TEXT(address));
    *ret_id = (uint64_t)id;
    return MIN(r, 0);
}

int record_no_account(struct db *db, struct slice address) {
    int64_t removed = 0;
    int r =
        db_number(db, &removed, "SELECT count(*) FROM removed WHERE address = ?1 AND purging = 0",
                  V_TEXT(address));
    if (r < 0)
        return r;
    return removed > 0
               ? problem_set(db->problem, -E_UNKNOWN,
                             N_("the account %.*s was removed; `hayauma account restore %.*s`"
                                " brings it back"),
                             SLICE_ARG(address), SLICE_ARG(address))
               : problem_set(db->problem, -E_UNKNOWN, N_("there is no account %.*s"),
                             SLICE_ARG(address));
}

int record_must_have_account(struct db *db, struct slice address, uint64_t *ret_id) {
    int r = record_account(db, address, ret_id);
    return r == 0 && *ret_id == 0 ? record_no_account(db, address) : r;
}

int record_has_alias(struct db *db, struct slice address, bool *ret) {
    int64_t place = 0;
    int r = db_number(db, &place, "SELECT place FROM alias_target WHERE address = ?1 LIMIT 1",
                      V_TEXT(address));
    *ret = r == 1;
    return MIN(r, 0);
}

/* 1: an account or an alias has the name. */
static int is_there(struct db *db, const struct name *name) {
    uint64_t id = 0;
    bool has_alias = false;
    int r = record_account(db, name->text, &id);
    if (r == 0 && id == 0)
        r = record_has_alias(db, name->text, &has_alias);
    return r < 0 ? r : id > 0 || has_alias;
}

/* 1: somebody gets mail for the name, whose domain is local. */
static int leads_somewhere(struct db *db, const struct name *name, char separator,
                           struct arena *a) {
    struct name base;
    struct slice detail;
    int64_t found = 0;
    int r = is_there(db, name);
    if (r == 0 && separator != DIRECTORY_NO_PLUS && name_split(a, name, separator, &base, &detail))
        r = is_there(db, &base);
    if (r == 0 && (slice_eq(name->local, S("postmaster")) || slice_eq(name->local, S("abuse"))))
        r = db_number(db, &found, "SELECT 1 FROM account WHERE admin = 1 LIMIT 1");
    if (r == 0)
        r = db_number(db, &found, "SELECT 1 FROM domain WHERE name = ?1 AND catch_all <> ''",
                      V_TEXT(name->domain));
    return r;
}

int record_target(struct db *db, const struct name *target, char separator, struct arena *a,
                  struct slice *ret) {
    enum domain_type type;
    struct slice other = {0};
    struct name moved = *target;
    int r = record_domain(db, target->domain, a, &type, &other);
    if (r == 0 && type == DOMAIN_ALIAS)
        r = name_move(a, target, other, &moved);
    if (r < 0)
        return r;
    if (type == DOMAIN_NONE) {
        *ret = target->written;
        return 0;
    }
    r = leads_somewhere(db, &moved, separator, a);
    if (r == 0 && name_must_be_ascii(&moved, db->problem) < 0)
        return -E_REFUSED;
    if (r == 0)
        return problem_set(
            db->problem, -E_UNKNOWN,
            N_("there is no %.*s, and %.*s is a domain of this host; add the account "
               "first"),
            SLICE_ARG(moved.text), SLICE_ARG(moved.domain));
    if (r > 0)
        *ret = moved.text;
    return MIN(r, 0);
}

/* The first column of the first row as text; 0: none. */
static int first_text(struct db *db, const char *sql, struct slice parameter, struct arena *a,
                      struct slice *ret) {
    sqlite3_stmt *row = NULL;
    int r = db_row(db, &row, sql, V_TEXT(parameter));
    if (r == 1)
        *ret = db_copy(row, 0, a);
    return r;
}

int record_catch_all(struct db *db, struct slice domain, struct arena *a, struct slice *ret) {
    *ret = S("none");
    int r = first_text(db, "SELECT catch_all FROM domain WHERE name = ?1 AND catch_all <> ''",
                       domain, a, ret);
    return MIN(r, 0);
}

int record_must_leave_admin(struct db *db, uint64_t id, struct slice address) {
    int64_t admins = 0, is_one = 0;
    int r = db_number(db, &is_one,
                      "SELECT count(*) FROM account WHERE account_id = ?1 AND admin = 1"
                      " AND enabled = 1",
                      V(id));
    if (r >= 0)
        r = db_number(db, &admins,
                      "SELECT count(*) FROM account WHERE account_id <> ?1 AND admin = 1"
                      " AND enabled = 1",
                      V(id));
    if (r >= 0 && is_one > 0 && admins == 0)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s is the last administrator: nobody would get the mail to"
                              " postmaster and abuse; make another account an administrator first,"
                              " or say --force"),
                           SLICE_ARG(address));
    return MIN(r, 0);
}

int record_targets(struct db *db, struct slice address, struct arena *a, struct slice *ret) {
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_query(db, &row, "SELECT target FROM alias_target WHERE address = ?1 ORDER BY place",
                     V_TEXT(address));
    while (r >= 0 && (r = db_step(db, row)) == 1) {
        if (text.len >= TARGETS_TOLD) {
            buf_add_str(&text, ", ...");
            break;
        }
        buf_add_str(&text, text.len > 0 ? ", " : "");
        buf_add(&text, db_bytes(row, 0));
    }
    *ret = text.len > 0 ? arena_copy(a, buf_slice(&text)) : S("none");
    return MIN(r, 0);
}

int record_must_be_unneeded(struct db *db, struct slice address, struct arena *a) {
    struct slice who = {0};
    int r = first_text(db,
                       "SELECT t.address FROM alias_target t WHERE t.target = ?1"
                       " AND t.address <> ?1 AND NOT EXISTS (SELECT 1 FROM alias_target o"
                       " WHERE o.address = t.address AND o.target <> ?1) LIMIT 1",
                       address, a, &who);
    if (r == 1)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s is the only target of the alias %.*s; change or remove that "
                              "alias first"),
                           SLICE_ARG(address), SLICE_ARG(who));
    if (r == 0)
        r = first_text(db, "SELECT name FROM domain WHERE catch_all = ?1 LIMIT 1", address, a,
                       &who);
    if (r == 1)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s is the catch-all of %.*s; change that first"),
                           SLICE_ARG(address), SLICE_ARG(who));
    return MIN(r, 0);
}
