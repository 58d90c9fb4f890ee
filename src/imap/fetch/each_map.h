/* SPDX-License-Identifier: ISC */
/* The maps of messages that were found, one after the other: what SORT and THREAD go by. */
#pragma once

#include "imap/session_inside.h"
#include "message/map/map.h"

/*
 * Calls `each` for each of these UIDs, in their order, with its place in the list. Without a map it
 * cannot be read. `each` does not wait; the map stands until it returns. 0; -E_EOF: the client has
 * gone; or an error of reading.
 */
int imap_each_map(struct imap_session *s, struct slice tag, const struct buf *uids,
                  void (*each)(void *arg, size_t place, const struct store_message *m,
                               const struct message_map *map),
                  void *arg) WAITS;
