/* SPDX-License-Identifier: ISC */
/*
 * Making account rows, one or many.
 */
#pragma once

#include "directory/admin.h"
#include "directory/internal.h"

/* What a new row needs beside its name; the slices live until the job has ended. */
struct account_row {
    struct slice hash, person;
    uint64_t quota;
    bool admin, enabled;
    unsigned shards;
    usec_t created;
};

struct account_row account_row_of(const struct directory *d, const struct account_new *like,
                                  const char *hash);

/* Checks what a new account is called: -E_SYNTAX, -E_REFUSED. Pure. */
int account_parse_new(const struct directory *d, struct slice address, struct arena *a,
                      struct name *ret, struct problem *problem);
int account_check_person(struct slice name, struct problem *problem);

/* For account_read(): of the table "account" or "removed". What kept_fill() adds is not in them. */
#define ACCOUNT_COLUMNS                                                                            \
    "account_id, address, spelled, name, enabled, admin, password, apop IS NOT NULL, quota,"       \
    " shard, created"
#define ACCOUNT_COLUMN_COUNT 11
struct account account_read(sqlite3_stmt *row, struct arena *a);

/* Makes room for one more. */
void account_list_grow(struct account **list, size_t count, size_t *room, struct arena *a);

/* Inside a transaction. */
int account_must_be_new(struct db *db, const struct name *name);
int account_insert(struct db *db, const struct name *name, const struct account_row *row,
                   uint64_t *ret_id);
