/* SPDX-License-Identifier: ISC */
/*
 * A store in a folder of its own under $TMPDIR, with a disk that can fail; or one that is kept in
 * memory. Each test runs as a fiber; `image` copies what a crash would leave: what was written, no
 * orderly end.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "store/memory/memory.h"
#include "store/solo/solo.h"
#include "store/store.h"

#define TEST_NOW     (1800000000 * USEC_SEC)
#define TEST_ACCOUNT 4711U
#define TEST_PACK    "67/4711/packs/000001.pack" /* 4711 = 0x1267 */
#define TEST_DB      "67/4711/mail.db"

struct world {
    char dir[48];   /* the store's; changed by world_use() */
    char other[64]; /* where world_image() copies it */
    struct store_options options;
    struct solo_options solo;     /* the backend's */
    struct memory_options memory; /* the other one's, which is used when it has a memory */
    struct memory *image;
    struct store *store;
    struct store_account *account;
    struct buf reports; /* all sentences, a line each */
};

/* The disk's bad days: so many calls succeed first. */
struct disk {
    int write_error, sync_error;
    unsigned fail_after;
    unsigned fail_times;                    /* then it works again; 0: never */
    size_t short_write;                     /* bytes that a failing write still writes */
    void (*before_sync)(void *arg, int fd); /* a moment to take an image */
    void *arg;
    struct {
        uint64_t from, to; /* offsets in the newest pack */
    } written, lost;       /* last; in memory only, as the sync failed and was told once */
};
extern struct disk disk;

/* Runs the test in a fiber, on simulated time (threads' work is done at once) or on real time; on
 * packs, or on the backend in memory. */
void world_run(void (*test)(struct world *w), bool simulated, bool in_memory);

#define WORLD_TEST_ON(name, simulated)                                                             \
    static void name##_in_world(struct world *w);                                                  \
    static void name(void **state) {                                                               \
        world_run(name##_in_world, simulated, false);                                              \
    }                                                                                              \
    static void name##_in_world(struct world *w)
#define WORLD_TEST(name) WORLD_TEST_ON(name, true)

/* A test of a promise that every backend has to keep: BOTH(name) are two rows of the table. */
#define WORLD_TEST_BOTH_ON(name, simulated)                                                        \
    static void name##_in_world(struct world *w);                                                  \
    static void name##_in_memory(void **state) {                                                   \
        world_run(name##_in_world, simulated, true);                                               \
    }                                                                                              \
    WORLD_TEST_ON(name, simulated)
#define WORLD_TEST_BOTH(name) WORLD_TEST_BOTH_ON(name, true)
#define BOTH(name)            cmocka_unit_test(name), cmocka_unit_test(name##_in_memory)

void world_open(struct world *w); /* the store and TEST_ACCOUNT */
int world_try_open(struct world *w);
void world_close(struct world *w);
void world_reopen(struct world *w);
void world_rebuild(struct world *w); /* the same, and its database is made anew from the packs */

/* Copies the store's folder to w->other, replacing what is there; world_crash() goes on with it. */
void world_image(struct world *w);
void world_use_image(struct world *w); /* w->dir and w->other change places; nothing is open */
void world_restore(struct world *w);   /* the image over w->dir; nothing is open */
void world_crash(struct world *w);     /* image, close the old world, open the image */

void world_remove(struct world *w); /* both folders */

char *world_path(const struct world *w, const char *name); /* under w->dir; on the heap */
uint64_t file_size(const char *path);
void file_cut(const char *path, uint64_t size);
void file_damage(const char *path, uint64_t at, size_t len);
void file_copy(const char *from, const char *to);
bool file_exists(const char *path);

/* A delivery that must succeed; the text is the whole message. */
struct store_delivered world_deliver(struct world *w, const char *key, const char *text);
int world_try_deliver(struct world *w, const char *key, const char *text,
                      struct store_delivered *ret);

/* The messages of the INBOX at one moment; ends with free(). */
struct snapshot {
    struct store_view_info info;
    size_t count;
    uint64_t bytes;
    struct store_message messages[];
};
struct snapshot *world_snapshot(struct world *w);
struct snapshot *world_snapshot_of(struct world *w, uint32_t mailbox);

/* Where the bytes of a message lie, and its record, in which pack. */
struct world_place {
    uint64_t pack, offset, body;
};
struct world_place world_place(struct world *w, const struct store_message *m);

/* A mailbox at the top, or in another one. */
uint32_t world_mailbox(struct world *w, const char *name);
uint32_t world_mailbox_in(struct world *w, uint32_t parent, const char *name);

/* Adds and removes flags of a message; the MODSEQ that came of it. */
uint64_t world_flag(struct world *w, uint32_t uid, uint64_t add, uint64_t remove);

/* Checks that the INBOX holds these UIDs, and that each message reads as "message UID\r\n". */
void world_expect(struct world *w, const uint32_t *uids, size_t count);
#define EXPECT_UIDS(w, ...)                                                                        \
    world_expect((w), (const uint32_t[]){__VA_ARGS__},                                             \
                 sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

void world_expunge(struct world *w, uint32_t uid);

/* Delivers "message UID\r\n" until the INBOX has had `count` messages, with keys "key UID". */
void world_fill(struct world *w, uint32_t count);
