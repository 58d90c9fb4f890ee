/* SPDX-License-Identifier: ISC */
/*
 * What the tests of this floor share: a directory in a temporary folder, opened inside a fiber.
 */
#pragma once

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/words.h"
#include "directory/admin.h"
#include "fiber/fiber.h"

#define PASSWORD S("kT7#vQz2!mRp")

/* Insists on everything: the rules that an order can overrule have tests of their own. */
#define ORDER ((const struct order){.by = S("test"), .force = true, .instead_of_mailbox = true})

struct place {
    char folder[64], file[96], key[96];
};

static inline void place_make(struct place *p) {
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/hayauma-directory-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->file, sizeof p->file, "%s/directory.db", p->folder);
    (void)snprintf(p->key, sizeof p->key, "%s/directory.key", p->folder);
}

static inline void place_done(struct place *p) {
    static const char *const names[] = {"directory.db", "directory.db-wal", "directory.db-shm",
                                        "directory.key"};
    char path[128];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", p->folder, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(p->folder), 0);
}

/* Beside the directory, as somebody else would. */
static inline void sql(const struct place *p, const char *text) {
    sqlite3 *handle = NULL;
    assert_int_equal(sqlite3_open(p->file, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, text, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(handle);
}

/* For sql(): the tables of the newest format become those of format 7, or of an earlier one. */
#define FORMAT_7                                                                                   \
    "DROP TABLE login; DROP TABLE elsewhere; DROP TABLE sharing;"                                  \
    "CREATE TABLE login_network (account_id BIGINT NOT NULL PRIMARY KEY, networks BYTEA NOT "      \
    "NULL);"                                                                                       \
    "ALTER TABLE account ADD COLUMN last_login BIGINT NOT NULL DEFAULT 0;"                         \
    "ALTER TABLE removed ADD COLUMN last_login BIGINT NOT NULL DEFAULT 0;"                         \
    "PRAGMA user_version = 7;"

static inline struct directory *place_open(const struct place *p) {
    struct directory_options options = {.key_path = p->key, .cost = PASSWORD_COST_MIN};
    struct directory *d = NULL;
    struct problem problem = {0};
    if (directory_open(p->file, &options, &d, &problem) != 0)
        fail_msg("%s", problem.text);
    return d;
}

#define GOOD(call)                                                                                 \
    do {                                                                                           \
        struct problem problem = {0};                                                              \
        int r_ = (call);                                                                           \
        if (r_ != 0)                                                                               \
            fail_msg("%s: %d %s", #call, r_, problem.text);                                        \
    } while (0)

/* The call fails with that code and says that. */
#define BAD(call, code, words)                                                                     \
    do {                                                                                           \
        struct problem problem = {0};                                                              \
        int r_ = (call);                                                                           \
        if (r_ != (code) || !strstr(problem.text, (words)))                                        \
            fail_msg("%s: %d %s", #call, r_, problem.text);                                        \
    } while (0)

static inline uint64_t add_account(struct directory *d, const char *address) {
    struct account_new account = {.address = slice_of_str(address), .password = PASSWORD};
    uint64_t id = 0;
    GOOD(directory_account_add(d, &ORDER, &account, &id, &problem));
    return id;
}

static inline void add_domain(struct directory *d, const char *name) {
    GOOD(directory_domain_add(d, &ORDER, slice_of_str(name), S(""), &problem));
}

/* An alias with up to three targets, the others NULL. */
static inline void add_alias(struct directory *d, const char *address, const char *one,
                             const char *two, const char *three) {
    struct slice targets[] = {slice_of_str(one), slice_of_str(two), slice_of_str(three)};
    size_t count = three ? 3 : two ? 2 : 1;
    GOOD(directory_alias_set(d, &ORDER, slice_of_str(address), targets, count, &problem));
}

static inline struct route resolve(struct directory *d, const char *address, struct arena *a) {
    struct route route;
    assert_int_equal(directory_resolve(d, slice_of_str(address), a, &route), 0);
    return route;
}

static inline bool says(const struct route *route, const char *sentence) {
    _cleanup_(arena_done) struct arena a = {0};
    for (size_t i = 0; i < route->reason_count; i++) {
        if (slice_eq(parts_words(&a, route->reasons[i]), slice_of_str(sentence)))
            return true;
    }
    for (size_t i = 0; i < route->reason_count; i++)
        print_message("reason: %.*s\n", SLICE_ARG(parts_words(&a, route->reasons[i])));
    return false;
}

static inline void assert_kind(struct directory *d, const char *address, enum route_kind kind) {
    struct arena a = {0};
    struct route route = resolve(d, address, &a);
    if (route.kind != kind) {
        (void)says(&route, "");
        fail_msg("%s: %s, expected %s", address, route_kind_text(route.kind),
                 route_kind_text(kind));
    }
    arena_done(&a);
}

/* A test body with `p` and an open `d`, on the machine's clock. */
#define DIRECTORY_TEST_AT(name, wall)                                                              \
    static void with_##name(struct place *p, struct directory *d);                                 \
    DEFINE_FIBER_TEST(name, wall) {                                                                \
        struct place p;                                                                            \
        place_make(&p);                                                                            \
        with_##name(&p, place_open(&p));                                                           \
        place_done(&p);                                                                            \
    }                                                                                              \
    static void with_##name(struct place *p UNUSED, struct directory *d)
#define DIRECTORY_TEST(name) DIRECTORY_TEST_AT(name, 0)
