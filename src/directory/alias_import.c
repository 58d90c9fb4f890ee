/* SPDX-License-Identifier: ISC */
/*
 * Many aliases, which may lead to each other in any order. So all of them are there, with a mark in
 * place of their targets, before the targets of any are looked at; circles are looked for when all
 * targets are stored.
 */
#include "directory/alias.h"
#include "directory/importing.h"
#include "directory/records.h"

struct alias_import {
    struct importing in;
    size_t count;
    struct alias_change *changes; /* count 0: noted already */
    struct slice *before;
};

typedef int step_fn(struct db *db, struct alias_import *import, size_t i);

/* Place 0 is the mark's alone: those of targets begin with 1. */
static int mark(struct db *db, struct alias_import *import, size_t i) {
    const struct alias_change *c = &import->changes[i];
    int r = record_must_be_local(db, c->name.domain, import->in.arena);
    if (r == 0)
        r = record_targets(db, c->name.text, import->in.arena, &import->before[i]);
    if (r == 0)
        r = db_run(db, "DELETE FROM alias_target WHERE address = ?1", V_TEXT(c->name.text));
    if (r == 0)
        r = db_run(db,
                   "INSERT INTO alias_target (address, place, domain, target)"
                   " VALUES (?1, 0, ?2, '')",
                   V_TEXT(c->name.text), V_TEXT(c->name.domain));
    return r;
}

static int store(struct db *db, struct alias_import *import, size_t i) {
    const struct alias_change *c = &import->changes[i];
    int r = alias_store_targets(db, c);
    return r < 0 ? r
                 : db_run(db, "DELETE FROM alias_target WHERE address = ?1 AND place = 0",
                          V_TEXT(c->name.text));
}

static int check(struct db *db, struct alias_import *import, size_t i) {
    const struct alias_change *c = &import->changes[i];
    struct slice after = {0};
    int r = alias_check(db, c);
    if (r == 0)
        r = record_targets(db, c->name.text, import->in.arena, &after);
    if (r == 0 && slice_eq(import->before[i], after)) {
        importing_exists(&import->in, i);
        return 0;
    }
    return r < 0 ? r
                 : history_add(db, &import->in.author, "alias.set", c->name.text, import->before[i],
                               after);
}

static int each(struct db *db, struct alias_import *import, step_fn *step) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < import->count; i++) {
        if (import->changes[i].count == 0)
            continue;
        r = step(db, import, i);
        if (r == 0)
            continue;
        import->changes[i].count = 0;
        r = importing_fault(&import->in, i, r, db->problem);
    }
    return r;
}

static int import_job(struct db *db, void *arg) {
    static step_fn *const steps[] = {mark, store, check};
    struct alias_import *import = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
        r = each(db, import, steps[i]);
    return r < 0 ? r : importing_end(&import->in);
}

int directory_alias_import(struct directory *d, const struct order *order, const struct alias *list,
                           size_t count, bool trial, struct arena *a, struct import_result *ret,
                           struct problem *problem) {
    struct alias_import import = {
        .in = importing_of(order, trial, a, count),
        .count = count,
        .changes = arena_array(a, count, sizeof *import.changes),
        .before = arena_array(a, count, sizeof *import.before),
    };
    for (size_t i = 0; i < count; i++) {
        struct alias_change *c = &import.changes[i];
        *c = (struct alias_change){.plus_separator = d->plus_separator, .author = import.in.author};
        int r = alias_parse(a, list[i].address, list[i].targets, list[i].target_count, c, problem);
        if (r == 0)
            continue;
        c->count = 0;
        r = importing_fault(&import.in, i, r, problem);
        if (r < 0)
            return r;
    }
    return importing_run(d, &import.in, import_job, &import, ret, problem);
}
