/* SPDX-License-Identifier: ISC */
/*
 * The maps of messages (message/map.h) for those who list, show and search them, many in one go.
 */
#pragma once

#include "store/store.h"

#define IMAP_MAPS_MAX 64U /* messages in one call */

/*
 * Makes the maps of the first messages of a list in another thread: at most IMAP_MAPS_MAX of them,
 * as far as they have STORE_SPAN_MAX bytes and their maps have no more (one in any case). Appends
 * them, and says where each is, for message_map_read(). How many (1 to count), or an error of the
 * first one, as store_read().
 */
int imap_maps(struct store_account *a, const struct store_message *messages, size_t count,
              struct buf *to, struct store_piece *ret_pieces) WAITS;
