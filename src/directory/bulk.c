/* SPDX-License-Identifier: ISC */
/*
 * Many accounts at once. The password is hashed once: all have the same one, so a salt for each
 * would cost 40 ms apiece and hide nothing that the list of new accounts does not show. First all
 * names are looked at, then rows are written in batches, between which other jobs get their turn.
 */
#include <errno.h>

#include "base/words.h"

#include "directory/account.h"
#include "directory/password.h"
#include "directory/records.h"

#define BATCH     1000U
#define COUNT_MAX 1000000U

struct bulk {
    struct directory *d;
    struct name_template template;
    struct account_row row;
    uint64_t next, end; /* numbers of the batch */
    struct author author;
    bool look_only;
};

static int take_one(struct db *db, struct bulk *b, uint64_t number, struct arena *a) {
    struct name name;
    uint64_t id = 0;
    int r =
        account_parse_new(b->d, name_template_fill(a, &b->template, number), a, &name, db->problem);
    if (r == 0)
        r = account_must_be_new(db, &name);
    if (r == 0 && !b->look_only)
        r = account_insert(db, &name, &b->row, &id);
    return r;
}

static int batch_job(struct db *db, void *arg) {
    struct bulk *b = arg;
    _cleanup_(arena_done) struct arena a = {0};
    int r = 0;
    for (uint64_t i = b->next; r == 0 && i < b->end; i++) {
        arena_reset(&a);
        r = take_one(db, b, i, &a);
    }
    if (r < 0 || b->look_only)
        return r;
    /* one entry of the history for a batch: its first and its last */
    struct slice first = name_template_fill(&a, &b->template, b->next);
    struct slice last = name_template_fill(&a, &b->template, b->end - 1);
    unsigned long long many = b->end - b->next;
    struct slice count = arena_printf(&a, many == 1 ? "%llu account" : "%llu accounts", many);
    struct slice name = arena_printf(&a, "%.*s to %.*s", SLICE_ARG(first), SLICE_ARG(last));
    return history_add(db, &b->author, "account.add", name, S(""), count);
}

static int each_batch(struct bulk *b, uint64_t first, uint64_t count, bool look_only,
                      struct problem *problem) WAITS {
    int r = 0;
    b->look_only = look_only;
    for (b->next = first; r == 0 && b->next < first + count; b->next = b->end) {
        b->end = MIN(b->next + BATCH, first + count);
        r = directory_run(b->d, look_only ? JOB_READ : JOB_WRITE, batch_job, b, problem);
        if (r < 0)
            break;
    }
    return r;
}

static int local_job(struct db *db, void *arg) {
    _cleanup_(arena_done) struct arena a = {0};
    const struct slice *domain = arg;
    return record_must_be_local(db, *domain, &a);
}

static int check(struct bulk *b, const struct account_new *like, uint64_t first, uint64_t count,
                 struct arena *a, struct name *ret_first, struct problem *problem) WAITS {
    if (count == 0 || count > COUNT_MAX || first > UINT64_MAX / 2)
        return problem_set(problem, -E_SYNTAX, N_("the number of accounts must be from 1 to %u"),
                           COUNT_MAX);
    int r = name_template_parse(like->address, &b->template, problem);
    if (r == 0)
        r = account_parse_new(b->d, name_template_fill(a, &b->template, first), a, ret_first,
                              problem);
    if (r == 0 && slice_find_byte(b->template.before, '@') >= 0)
        r = problem_set(problem, -E_SYNTAX, N_("\"%.*s\": the number belongs in front of the @"),
                        SLICE_ARG(like->address));
    if (r == 0)
        r = account_check_person(like->name, problem);
    return r < 0 ? r : directory_run(b->d, JOB_READ, local_job, &ret_first->domain, problem);
}

int directory_account_add_many(struct directory *d, const struct order *order,
                               const struct account_new *like, uint64_t first, uint64_t count,
                               uint64_t *ret_added, struct problem *problem) {
    char hash[PASSWORD_HASH_MAX];
    struct bulk b = {.d = d, .author = author_of(order)};
    struct name first_name;
    _cleanup_(arena_done) struct arena a = {0};
    int r = check(&b, like, first, count, &a, &first_name, problem);
    if (r == 0)
        r = each_batch(&b, first, count, true, problem);
    if (r == 0)
        r = password_prepare(d, like, &first_name, hash, problem);
    if (r < 0)
        return r;
    b.row = account_row_of(d, like, hash);
    r = each_batch(&b, first, count, false, problem);
    if (r == 0)
        *ret_added = count;
    return r;
}
