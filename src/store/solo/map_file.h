/* SPDX-License-Identifier: ISC */
/*
 * maps.db: the maps of an account's messages (message/map/map.h), by the number of the body.
 * Derived: whatever is wrong with it, it may be removed, and what is not in it is made anew.
 *
 * Nothing here waits for fibers: all of it is called within offload(), one call at a time. Errors
 * as in db/db.h.
 */
#pragma once

#include "store/backend.h"

#define MAP_FILE_NAME "maps.db"

struct map_file;

/*
 * Opens the file; -ENOENT: there is none, and `create` does not ask for one. -E_CORRUPT: damaged or
 * somebody else's; -E_VERSION: a newer release has made it.
 */
int map_file_open(const char *path, bool create, struct map_file **ret, struct problem *problem);
void map_file_close(struct map_file *f); /* NULL is fine */
DEFINE_CLEANUP(struct map_file, map_file_close)

/* Removes the file and its log; none of them open. One that is not there is fine. */
int map_file_remove(const char *path);

/* As backend_ops.maps(). */
int map_file_get(struct map_file *f, const struct backend_mapped *list, size_t count, size_t most,
                 struct buf *to, struct store_piece *ret_pieces, size_t *ret_count);

/* Keeps maps, all or none: pieces of `bytes`, those of length 0 are passed over. */
int map_file_put(struct map_file *f, const struct backend_mapped *list, size_t count,
                 struct slice bytes, const struct store_piece *pieces);

/*
 * Drops the maps of bodies. 1: what is left takes so little of the file that it is better removed.
 */
int map_file_drop(struct map_file *f, const uint64_t *bodies, size_t count);
