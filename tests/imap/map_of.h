/* SPDX-License-Identifier: ISC */
/* The map of a message, for tests. */
#pragma once

#include "base/error.h"
#include "message/map/map.h"

static inline void map_of(struct arena *a, struct slice message, struct message_map *ret) {
    _cleanup_(message_map_free_p) struct message_map_maker *maker = message_map_new();
    _cleanup_(buf_done) struct buf blob = {0};
    message_map_feed(maker, message);
    message_map_finish(maker, &blob);
    MUST(message_map_read(a, arena_copy(a, buf_slice(&blob)), ret) == 0);
}
