/* SPDX-License-Identifier: ISC */
/*
 * The entries of a mailbox in memory, by UID and by sequence number. Pure: no fibers, no I/O.
 *
 * A version of the entries never changes: whoever holds one reads it for as long as he likes, while
 * the mailbox goes on. To hold it costs nothing, whatever the size of the mailbox; what changes
 * afterwards is made new beside it. All operations are logarithmic, and so are their costs in
 * memory.
 *
 * A version is held by entries_hold() and entries_drop(). entries_append(), _set() and _remove()
 * work on a version that one owner holds: they take his hold on the old and give him the new, which
 * is the same memory if nobody else holds it.
 */
#pragma once

#include "store/record.h"

struct entries; /* a version; NULL: no entries */

struct entries *entries_hold(struct entries *e);
void entries_drop(struct entries *e, int64_t *memory);

/*
 * As entries_drop(), but frees at most so many nodes (of 4 KiB, a microsecond each). True: it is
 * dropped. False: what is left of it is good for nothing but another call.
 */
bool entries_drop_some(struct entries *e, unsigned most, int64_t *memory);

size_t entries_count(const struct entries *e);
uint64_t entries_bytes(const struct entries *e); /* sum of the sizes */

/* The entry with a sequence number, from 0. Valid as long as the version is held. */
const struct store_entry *entries_at(const struct entries *e, size_t place);

/* The same, and how many follow it in the same piece of memory (itself included). */
const struct store_entry *entries_run(const struct entries *e, size_t place, size_t *ret_run);

/* How many entries have a smaller UID: the place of this one, if it is there. */
size_t entries_place(const struct entries *e, uint32_t uid);
size_t entries_place_in(const struct store_entry *run, size_t count, uint32_t uid); /* of a run */
const struct store_entry *entries_find(const struct entries *e, uint32_t uid);      /* NULL: none */

/*
 * Those with a higher MODSEQ, by UID, from `uid` on: at a cost of how many they are, not of how
 * many there are. Gives up after a while, some 100 us; the UID to go on with, or 0: these were all.
 */
uint32_t entries_since(const struct entries *e, uint64_t modseq, uint32_t uid,
                       void (*each)(void *arg, const struct store_entry *entry), void *arg);

/*
 * The same for one UID after the other, each greater than the last: mostly it is the entry behind
 * that one. Begins with the version alone, which stays as it is as long as the walk.
 */
struct entries_walk {
    const struct entries *version;
    const struct store_entry *run; /* not looked at yet: `left` of them */
    size_t left;
};
const struct store_entry *entries_walk(struct entries_walk *w, uint32_t uid);

/* Changes; `memory` counts the bytes of all versions. */
void entries_append(struct entries **e, const struct store_entry *entry, int64_t *memory);
bool entries_set(struct entries **e, const struct store_entry *entry, int64_t *memory);
bool entries_remove(struct entries **e, uint32_t uid, int64_t *memory);

/*
 * Many at once, by rising UIDs; what is not there is passed over. `change` gets what is wanted and
 * the entry, to which it may give other flags, keywords and a higher MODSEQ; `each` gets an entry
 * before it goes. Costs a search for each piece of memory in which there are some, not for each.
 */
void entries_change(struct entries **e, const struct store_entry *wanted, size_t count,
                    void (*change)(void *arg, const struct store_entry *wanted,
                                   struct store_entry *entry),
                    void *arg, int64_t *memory);
void entries_take(struct entries **e, const uint32_t *uids, size_t count,
                  void (*each)(void *arg, const struct store_entry *entry), void *arg,
                  int64_t *memory);
