/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/words.h"
#include <inttypes.h>

#include "directory/local.h"
#include "directory/records.h"

struct domain_change {
    char plus_separator;
    struct slice name, target;
    bool has_target;
    struct name target_name; /* of a catch-all */
    struct author author;
    struct arena *arena;
};

static int must_exist(struct db *db, struct slice name, struct arena *a, enum domain_type *ret) {
    struct slice target = {0};
    int r = record_domain(db, name, a, ret, &target);
    if (r == 0 && *ret == DOMAIN_NONE)
        return problem_set(db->problem, -E_UNKNOWN, N_("%.*s is not a domain of this host"),
                           SLICE_ARG(name));
    return r;
}

static int add_job(struct db *db, void *arg) {
    const struct domain_change *c = arg;
    enum domain_type type;
    struct slice target = {0};
    int r = record_domain(db, c->name, c->arena, &type, &target);
    if (r == 0 && type != DOMAIN_NONE)
        return problem_set(db->problem, -EEXIST, N_("%.*s is a domain of this host already"),
                           SLICE_ARG(c->name));
    if (r == 0 && c->has_target)
        r = record_must_be_local(db, c->target, c->arena);
    if (r == 0)
        r = db_run(db, "INSERT INTO domain VALUES (?1, ?2, ?3, '', ?4)", V_TEXT(c->name),
                   V(c->has_target ? DOMAIN_ALIAS : DOMAIN_LOCAL), V_TEXT(c->target),
                   V(c->author.wall));
    return r < 0 ? r : history_add(db, &c->author, "domain.add", c->name, S(""), c->target);
}

int directory_domain_add(struct directory *d, const struct order *order, struct slice name,
                         struct slice target, struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct domain_change c = {
        .arena = &a, .has_target = target.len > 0, .author = author_of(order)};
    int r = name_domain_parse(&a, name, &c.name, problem);
    if (r == 0 && c.has_target)
        r = name_domain_parse(&a, target, &c.target, problem);
    return r < 0 ? r : directory_run(d, JOB_WRITE, add_job, &c, problem);
}

static int catch_all_job(struct db *db, void *arg) {
    struct domain_change *c = arg;
    enum domain_type type = DOMAIN_NONE;
    struct slice target = S(""), before = S("");
    int r = must_exist(db, c->name, c->arena, &type);
    if (r == 0 && type == DOMAIN_ALIAS)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s is only another name; its target has the catch-all"),
                           SLICE_ARG(c->name));
    if (r == 0)
        r = record_catch_all(db, c->name, c->arena, &before);
    if (r == 0)
        r = db_run(db, "UPDATE domain SET catch_all = '' WHERE name = ?1", V_TEXT(c->name));
    if (r == 0 && c->has_target) { /* a catch-all does not make its own target exist */
        r = record_target(db, &c->target_name, c->plus_separator, c->arena, &target);
        if (r == 0)
            r = db_run(db, "UPDATE domain SET catch_all = ?2 WHERE name = ?1", V_TEXT(c->name),
                       V_TEXT(target));
    }
    return r < 0 ? r
                 : history_add(db, &c->author, "domain.catch-all", c->name, before,
                               target.len > 0 ? target : S("none"));
}

int directory_domain_set_catch_all(struct directory *d, const struct order *order,
                                   struct slice name, struct slice target,
                                   struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct domain_change c = {.arena = &a,
                              .has_target = target.len > 0,
                              .plus_separator = d->plus_separator,
                              .author = author_of(order)};
    int r = name_domain_parse(&a, name, &c.name, problem);
    if (r == 0 && c.has_target)
        r = name_parse_strict(&a, target, &c.target_name, problem);
    return r < 0 ? r : directory_run(d, JOB_WRITE, catch_all_job, &c, problem);
}

static int remove_job(struct db *db, void *arg) {
    const struct domain_change *c = arg;
    enum domain_type type = DOMAIN_NONE;
    int64_t accounts = 0;
    int64_t aliases = 0;
    int64_t names = 0;
    int r = must_exist(db, c->name, c->arena, &type);
    if (r == 0)
        r = db_number(db, &accounts, "SELECT count(*) FROM account WHERE domain = ?1",
                      V_TEXT(c->name));
    if (r >= 0)
        r = db_number(db, &aliases,
                      "SELECT count(DISTINCT address) FROM alias_target WHERE domain = ?1",
                      V_TEXT(c->name));
    if (r >= 0)
        r = db_number(db, &names, "SELECT count(*) FROM domain WHERE target = ?1", V_TEXT(c->name));
    if (r >= 0 && accounts + aliases + names > 0)
        return problem_set(db->problem, -E_REFUSED,
                           N_("%.*s still has %lld accounts, %lld aliases and %lld"
                              " other names; remove those first"),
                           SLICE_ARG(c->name), (long long)accounts, (long long)aliases,
                           (long long)names);
    if (r >= 0)
        r = db_run(db, "DELETE FROM domain WHERE name = ?1", V_TEXT(c->name));
    return r < 0 ? r : history_add(db, &c->author, "domain.remove", c->name, S(""), S(""));
}

int directory_domain_remove(struct directory *d, const struct order *order, struct slice name,
                            struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct domain_change c = {.arena = &a, .author = author_of(order)};
    int r = name_domain_parse(&a, name, &c.name, problem);
    return r < 0 ? r : directory_run(d, JOB_WRITE, remove_job, &c, problem);
}

struct domain_listing {
    struct arena *arena;
    struct slice after;
    size_t limit;
    struct domain *domains;
    size_t count;
};

static int list_job(struct db *db, void *arg) {
    struct domain_listing *l = arg;
    sqlite3_stmt *row = NULL;
    l->domains = arena_array(l->arena, l->limit, sizeof *l->domains);
    int r = db_query(db, &row,
                     "SELECT name, type, target, catch_all,"
                     " (SELECT count(*) FROM account a WHERE a.domain = d.name),"
                     " (SELECT count(DISTINCT t.address) FROM alias_target t WHERE t.domain ="
                     " d.name) FROM domain d WHERE name > ?1 ORDER BY name LIMIT ?2",
                     V_TEXT(l->after), V(l->limit));
    while (r >= 0 && l->count < l->limit && (r = db_step(db, row)) == 1)
        l->domains[l->count++] = (struct domain){.name = db_copy(row, 0, l->arena),
                                                 .type = (enum domain_type)db_u64(row, 1),
                                                 .target = db_copy(row, 2, l->arena),
                                                 .catch_all = db_copy(row, 3, l->arena),
                                                 .accounts = db_u64(row, 4),
                                                 .aliases = db_u64(row, 5)};
    return MIN(r, 0);
}

int local_domains(struct directory_source *s, struct slice after, size_t limit, struct arena *a,
                  struct domain **ret, size_t *ret_count, struct problem *problem) {
    struct domain_listing l = {.arena = a, .after = after, .limit = limit};
    int r = directory_run(directory_of_local(s), JOB_READ, list_job, &l, problem);
    if (r < 0)
        return r;
    *ret = l.domains;
    *ret_count = l.count;
    return 0;
}

int directory_domain_list(struct directory *d, struct slice after, size_t limit, struct arena *a,
                          struct domain **ret, size_t *ret_count, struct problem *problem) {
    return d->source->ops->domains(d->source, after, limit, a, ret, ret_count, problem);
}
