/* SPDX-License-Identifier: ISC */
/*
 * Accounts of another system. Passwords that come as text are hashed before the transaction begins,
 * so that it is short.
 */
#include "directory/import.h"

#include "directory/account.h"
#include "directory/importing.h"
#include "directory/password.h"
#include "directory/records.h"

struct account_import {
    struct importing in;
    const struct account_new *list;
    size_t count;
    struct name *names; /* text empty: noted already */
    struct account_row *rows;
};

static int prepare(struct directory *d, struct account_import *import, size_t i,
                   struct problem *problem) WAITS {
    char hash[PASSWORD_HASH_MAX] = "";
    const struct account_new *account = &import->list[i];
    struct arena *a = import->in.arena;
    struct name *name = &import->names[i];
    int r = account_parse_new(d, account->address, a, name, problem);
    if (r == 0)
        r = account_check_person(account->name, problem);
    if (r == 0)
        r = import->in.trial ? password_judge(account, name, problem)
                             : password_prepare(d, account, name, hash, problem);
    import->rows[i] = account_row_of(d, account, "");
    import->rows[i].hash = arena_copy(a, slice_of_str(hash));
    return r;
}

static int take_one(struct db *db, struct account_import *import, size_t i) {
    const struct name *name = &import->names[i];
    const struct account_row *row = &import->rows[i];
    uint64_t id = 0;
    int r = record_must_be_local(db, name->domain, import->in.arena);
    if (r == 0)
        r = record_account(db, name->text, &id);
    if (r == 0 && id > 0) {
        importing_exists(&import->in, i);
        return 0;
    }
    if (r == 0)
        r = account_must_be_new(db, name);
    if (r == 0)
        r = account_insert(db, name, row, &id);
    return r < 0 ? r
                 : history_add(db, &import->in.author, "account.add", name->text, S(""),
                               row->admin ? S("administrator") : S(""));
}

static int import_job(struct db *db, void *arg) {
    struct account_import *import = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < import->count; i++) {
        if (import->names[i].text.len == 0)
            continue;
        r = take_one(db, import, i);
        if (r < 0)
            r = importing_fault(&import->in, i, r, db->problem);
    }
    return r < 0 ? r : importing_end(&import->in);
}

int directory_account_import(struct directory *d, const struct order *order,
                             const struct account_new *list, size_t count, bool trial,
                             struct arena *a, struct import_result *ret, struct problem *problem) {
    struct account_import import = {
        .in = importing_of(order, trial, a, count),
        .list = list,
        .count = count,
        .names = arena_array(a, count, sizeof *import.names),
        .rows = arena_array(a, count, sizeof *import.rows),
    };
    for (size_t i = 0; i < count; i++) {
        int r = prepare(d, &import, i, problem);
        if (r == 0)
            continue;
        import.names[i].text = S("");
        r = importing_fault(&import.in, i, r, problem);
        if (r < 0)
            return r;
    }
    return importing_run(d, &import.in, import_job, &import, ret, problem);
}
