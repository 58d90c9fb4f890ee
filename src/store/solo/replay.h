/* SPDX-License-Identifier: ISC */
/*
 * Opening an account's files: mail.db, brought up to date from the packs, or made anew from them.
 * Blocks: within offload().
 */
#pragma once

#include "store/solo/index.h"

#define REPLAY_DB_NAME     "mail.db"
#define REPLAY_PACKS_DIR   "packs"
#define REPLAY_SEARCH_NAME "search.db" /* the index of texts; another, being made: NAME.new */

/* File name of a pack. */
#define PACK_NAME_SIZE 32
const char *pack_name(uint64_t pack, char name[static PACK_NAME_SIZE]);

struct replay_result {
    bool created;     /* the account's directory is new and empty */
    bool rebuilt;     /* mail.db was made anew from the packs */
    uint64_t packs;   /* pack files found */
    uint64_t newest;  /* number of the newest; 0: none */
    uint64_t records; /* taken in */
    uint64_t damaged; /* bytes that should be records and are not */
    struct buf said;  /* sentences for a person, each with a line feed behind */
};
void replay_result_done(struct replay_result *r);

/* The account's directory under the store's: on the heap. */
char *replay_account_dir(const char *store, uint64_t account);

/*
 * Opens the account in the store's directory; makes what is missing and syncs the directories. With
 * `anew` the present mail.db is set aside first. What damage has taken may have been a removal, so
 * that a message is back which no index of texts has: with it, and when mail.db is made anew, the
 * index goes. -E_UNKNOWN: the packs belong to another account.
 * -EIO: the disk does not give some of their blocks, and they may be readable again tomorrow; with
 * `gives_up` the messages in them are passed over instead. `result` is filled in any case.
 */
struct replay_where {
    const char *store;
    uint64_t account;
    struct slice blank; /* of index_blank_make() */
    const struct pack_io *io;
    bool gives_up;
};
int replay_open(const struct replay_where *where, bool anew, struct index **ret_index,
                struct replay_result *result, struct problem *problem);
