/* SPDX-License-Identifier: ISC */
/*
 * The bodies of an account by their numbers, whatever mailboxes they are in: for who makes
 * something of all texts and follows what comes, such as an index for searching. Numbers grow as
 * messages come, and none is given again, but for one case: after older mailboxes were put back in
 * place of newer ones, the same numbers are given to other messages. Sums tell.
 *
 * The account is open. Errors as store_read().
 */
#pragma once

#include "store/store.h"

struct store_body {
    uint64_t number;
    uint32_t size, sum; /* CRC-32C of its bytes */
};

/*
 * Bodies above a number, in order, at most `size`; fewer: there are no more. Those of which there
 * are only entries that can be brought back (undelete.h) are among them. What is not there of what
 * was durable before the call never will be.
 */
int store_bodies(struct store_account *a, uint64_t above, struct store_body *list, size_t size,
                 size_t *ret_count) WAITS;

/* The newest one up to a number. -E_UNKNOWN: there is none. */
int store_newest_body(struct store_account *a, uint64_t up_to, struct store_body *ret) WAITS;

/* How many there are up to a number, and above it. */
int store_count_bodies(struct store_account *a, uint64_t up_to, uint64_t *ret_count,
                       uint64_t *ret_above) WAITS;

/* All numbers that were given to messages are up to this one. */
uint64_t store_last_body(const struct store_account *a);

/* Reads the first bodies of a list, as store_read_many(). */
int store_read_bodies(struct store_account *a, const struct store_body *list, size_t count,
                      struct buf *to, struct store_piece *ret_pieces) WAITS;

/* Reads bytes of one, from `skip` on, all of which it has. */
int store_read_body(struct store_account *a, const struct store_body *b, uint64_t skip, void *to,
                    size_t len) WAITS;

/*
 * Where an index may be kept: a file beside the account, and others whose names begin with its
 * name. It is derived: it may go at any time, is in no backup, and no process but this has it open.
 * NULL: nowhere. Stays as long as the account is open.
 */
const char *store_index_path(const struct store_account *a);

/*
 * Whether there is one, as far as is known without looking: as it was when the account came into
 * memory, or as whoever makes or removes one has noted. It goes when damage has cost records of the
 * account, since messages that were gone may be back; who has it open then closes it.
 */
bool store_has_index(const struct store_account *a);
void store_note_index(struct store_account *a, bool there);

/* 0, or why it may not grow: what is free of the disk is kept for messages (-ENOSPC). */
int store_room_for_index(struct store_account *a) WAITS;
