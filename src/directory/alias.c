/* SPDX-License-Identifier: ISC */
/*
 * Aliases. Targets are checked when they are stored: a local one leads somewhere at that time, and
 * nothing leads back to the alias itself, unless over an account that keeps its own copy (then the
 * walk of resolve.c stops there). What is stored is walked again at each use, with its own bounds.
 */
#include <errno.h>

#include "base/words.h"
#include "directory/alias.h"
#include "directory/records.h"

static int parse_all(struct arena *a, struct slice address, const struct slice *targets,
                     size_t count, struct alias_change *c, struct problem *problem) {
    int r = c->standing ? name_parse(a, address, &c->name, problem)
                        : name_parse_new(a, address, &c->name, problem);
    struct name *names = arena_array(a, count, sizeof *names);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = c->standing ? name_parse(a, targets[i], &names[i], problem)
                        : name_parse_strict(a, targets[i], &names[i], problem);
    c->targets = names;
    c->count = count;
    c->arena = a;
    return r;
}

/* The alias itself as its target: the mailbox of the account with that address. */
static int own_target(struct db *db, const struct name *name, struct slice *ret) {
    uint64_t id = 0;
    int r = record_account(db, name->text, &id);
    if (r == 0 && id == 0)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s cannot lead to itself: there is no account of that name"),
                           SLICE_ARG(name->text));
    *ret = name->text;
    return r;
}

static int add_target(struct db *db, const struct alias_change *c, const struct name *name) {
    struct slice target = {0};
    int64_t found = 0;
    int r = slice_eq(name->text, c->name.text)
                ? own_target(db, name, &target)
                : record_target(db, name, c->plus_separator, c->arena, &target);
    if (r == 0)
        r = db_number(db, &found,
                      "SELECT 1 FROM alias_target WHERE address = ?1 AND target = ?2 LIMIT 1",
                      V_TEXT(c->name.text), V_TEXT(target));
    if (r == 0)
        r = db_run(db,
                   "INSERT INTO alias_target (address, place, domain, target) VALUES (?1,"
                   " (SELECT coalesce(max(place), 0) + 1 FROM alias_target WHERE address = ?1),"
                   " ?2, ?3)",
                   V_TEXT(c->name.text), V_TEXT(c->name.domain), V_TEXT(target));
    return MIN(r, 0);
}

static int check_count(struct db *db, const struct alias_change *c) {
    int64_t count = 0;
    int r = db_number(db, &count, "SELECT count(*) FROM alias_target WHERE address = ?1",
                      V_TEXT(c->name.text));
    if (r >= 0 && count > ROUTE_TARGETS_MAX)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s would have %lld targets, the most is %u"),
                           SLICE_ARG(c->name.text), (long long)count, ROUTE_TARGETS_MAX);
    return MIN(r, 0);
}

/* Everything the alias leads to, over all aliases but those that keep a copy. */
static int check_circle(struct db *db, const struct alias_change *c) {
    int64_t found = 0;
    int r = db_number(
        db, &found,
        "WITH RECURSIVE reached (address) AS ("
        " SELECT t.target FROM alias_target t WHERE t.address = ?1 AND NOT EXISTS ("
        "  SELECT 1 FROM alias_target o WHERE o.address = ?1 AND o.target = ?1)"
        " UNION SELECT t.target FROM alias_target t JOIN reached ON t.address = reached.address"
        "  WHERE NOT EXISTS (SELECT 1 FROM alias_target o"
        "   WHERE o.address = t.address AND o.target = o.address))"
        " SELECT 1 FROM reached WHERE address = ?1 LIMIT 1",
        V_TEXT(c->name.text));
    if (r == 1)
        return problem_set(db->problem, -E_REFUSED,
                           N_("a target leads back to %.*s: the aliases would run in a circle"),
                           SLICE_ARG(c->name.text));
    return r;
}

/* An account on whose address the alias stands still gets its mail, or it is ordered otherwise. */
static int check_mailbox(struct db *db, const struct alias_change *c, const char *advice) {
    int64_t starved = 0;
    if (c->author.order->instead_of_mailbox)
        return 0;
    int r = db_number(db, &starved,
                      "SELECT 1 FROM account WHERE address = ?1"
                      " AND EXISTS (SELECT 1 FROM alias_target WHERE address = ?1)"
                      " AND NOT EXISTS (SELECT 1 FROM alias_target WHERE address = ?1"
                      "  AND target = ?1)",
                      V_TEXT(c->name.text));
    if (r == 1)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s is an account, and its mailbox would get nothing any more; %s"),
                           SLICE_ARG(c->name.text), advice);
    return r;
}

/* Both ends of a change: what the alias led to and leads to. */
static int record_change(struct db *db, const struct alias_change *c, const char *kind,
                         struct slice before) {
    struct slice after = {0};
    int r = record_targets(db, c->name.text, c->arena, &after);
    return r < 0 ? r : history_add(db, &c->author, kind, c->name.text, before, after);
}

int alias_store_targets(struct db *db, const struct alias_change *c) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->count; i++)
        r = add_target(db, c, &c->targets[i]);
    return r;
}

int alias_check(struct db *db, const struct alias_change *c) {
    int r = check_count(db, c);
    if (r == 0)
        r = check_circle(db, c);
    if (r == 0)
        r = check_mailbox(db, c,
                          N_("say --keep-copy to keep a copy there (or name the address among the"
                             " targets), or --instead-of-mailbox"));
    return r;
}

static int set_job(struct db *db, void *arg) {
    const struct alias_change *c = arg;
    struct slice before = {0};
    int r = record_must_be_local(db, c->name.domain, c->arena);
    if (r == 0)
        r = record_targets(db, c->name.text, c->arena, &before);
    if (r == 0 && c->replace)
        r = db_run(db, "DELETE FROM alias_target WHERE address = ?1", V_TEXT(c->name.text));
    if (r == 0)
        r = alias_store_targets(db, c);
    if (r == 0)
        r = alias_check(db, c);
    return r < 0 ? r : record_change(db, c, "alias.set", before);
}

int alias_parse(struct arena *a, struct slice address, const struct slice *targets, size_t count,
                struct alias_change *c, struct problem *problem) {
    if (count == 0 || count > ROUTE_TARGETS_MAX)
        return problem_set(problem, -E_SYNTAX, N_("an alias needs 1 to %u targets, not %zu"),
                           ROUTE_TARGETS_MAX, count);
    return parse_all(a, address, targets, count, c, problem);
}

static int set(struct directory *d, const struct order *order, struct slice address,
               const struct slice *targets, size_t count, bool replace,
               struct problem *problem) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct alias_change c = {
        .plus_separator = d->plus_separator, .replace = replace, .author = author_of(order)};
    int r = alias_parse(&a, address, targets, count, &c, problem);
    return r < 0 ? r : directory_run(d, JOB_WRITE, set_job, &c, problem);
}

int directory_alias_add(struct directory *d, const struct order *order, struct slice address,
                        const struct slice *targets, size_t count, struct problem *problem) {
    return set(d, order, address, targets, count, false, problem);
}

int directory_alias_set(struct directory *d, const struct order *order, struct slice address,
                        const struct slice *targets, size_t count, struct problem *problem) {
    return set(d, order, address, targets, count, true, problem);
}

/* ------------------------------------------------------------------ removing */

/* A name that is neither alias nor account any more must not be needed by others. */
static int check_rest(struct db *db, const struct alias_change *c) {
    bool has_alias = false;
    uint64_t id = 0;
    int r = record_has_alias(db, c->name.text, &has_alias);
    if (r == 0)
        r = record_account(db, c->name.text, &id);
    if (r < 0 || has_alias || id > 0)
        return r;
    return record_must_be_unneeded(db, c->name.text, c->arena);
}

static int remove_job(struct db *db, void *arg) {
    const struct alias_change *c = arg;
    struct slice before = {0};
    bool has_alias = false;
    int r = record_has_alias(db, c->name.text, &has_alias);
    if (r == 0)
        r = record_targets(db, c->name.text, c->arena, &before);
    if (r == 0 && !has_alias)
        return problem_set(db->problem, -E_UNKNOWN, N_("there is no alias %.*s"),
                           SLICE_ARG(c->name.text));
    for (size_t i = 0; r == 0 && i < c->count; i++) {
        const struct name *target = &c->targets[i];
        r = db_run(db,
                   "DELETE FROM alias_target WHERE address = ?1 AND (target = ?2 OR target = ?3)",
                   V_TEXT(c->name.text), V_TEXT(target->text), V_TEXT(target->written));
        if (r == 0 && db_changes(db) == 0)
            return problem_set(db->problem, -E_UNKNOWN, N_("%.*s is not a target of %.*s"),
                               SLICE_ARG(target->written), SLICE_ARG(c->name.text));
    }
    if (r == 0 && c->count == 0)
        r = db_run(db, "DELETE FROM alias_target WHERE address = ?1", V_TEXT(c->name.text));
    if (r == 0)
        r = check_rest(db, c);
    if (r == 0)
        r = check_mailbox(db, c,
                          N_("remove the whole alias, or use alias set with --instead-of-mailbox"));
    return r < 0 ? r : record_change(db, c, "alias.remove", before);
}

int directory_alias_remove(struct directory *d, const struct order *order, struct slice address,
                           const struct slice *targets, size_t count, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct alias_change c = {.author = author_of(order), .standing = true};
    int r = parse_all(&a, address, targets, count, &c, problem);
    return r < 0 ? r : directory_run(d, JOB_WRITE, remove_job, &c, problem);
}

/* ------------------------------------------------------------------ listing */

struct alias_listing {
    struct slice after, after_domain;
    size_t limit, count, room;
    struct arena *arena;
    struct alias *aliases;
};

static struct alias *next_alias(struct alias_listing *l, struct slice address, size_t targets) {
    if (l->count == l->room) {
        l->room = l->room > 0 ? l->room * 2 : 16;
        struct alias *bigger = arena_array(l->arena, l->room, sizeof *bigger);
        if (l->count > 0)
            memcpy(bigger, l->aliases, l->count * sizeof *bigger);
        l->aliases = bigger;
    }
    struct alias *alias = &l->aliases[l->count++];
    alias->address = address;
    alias->targets = arena_array(l->arena, targets, sizeof *alias->targets);
    return alias;
}

static int read_targets(struct db *db, struct alias *alias, size_t count, struct arena *a) {
    sqlite3_stmt *row = NULL;
    int r = db_query(db, &row, "SELECT target FROM alias_target WHERE address = ?1 ORDER BY place",
                     V_TEXT(alias->address));
    while (r >= 0 && (r = db_step(db, row)) == 1 && alias->target_count < count)
        alias->targets[alias->target_count++] = db_copy(row, 0, a);
    return r;
}

static int list_job(struct db *db, void *arg) {
    struct alias_listing *l = arg;
    sqlite3_stmt *row = NULL;
    int r =
        db_query(db, &row,
                 "SELECT address, count(*) FROM alias_target WHERE (domain, address) > (?1, ?2)"
                 " GROUP BY domain, address ORDER BY domain, address LIMIT ?3",
                 V_TEXT(l->after_domain), V_TEXT(l->after), V(MIN(l->limit, (size_t)INT32_MAX)));
    while (r >= 0 && (r = db_step(db, row)) == 1) {
        size_t count = db_u64(row, 1);
        struct alias *alias = next_alias(l, db_copy(row, 0, l->arena), count);
        r = read_targets(db, alias, count, l->arena);
    }
    return MIN(r, 0);
}

int directory_alias_list(struct directory *d, struct slice after, size_t limit, struct arena *a,
                         struct alias **ret, size_t *ret_count, struct problem *problem) {
    struct alias_listing l = {.limit = limit, .arena = a};
    if (after.len > 0) {
        struct name name;
        int r = name_parse(a, after, &name, problem);
        if (r < 0)
            return r;
        l.after = name.text;
        l.after_domain = name.domain;
    }
    int r = directory_run(d, JOB_READ, list_job, &l, problem);
    if (r < 0)
        return r;
    *ret = l.aliases;
    *ret_count = l.count;
    return 0;
}
