/* SPDX-License-Identifier: ISC */
#include "imap/fetch/thread_id.h"

#include "imap/session_inside.h"

struct imap_thread_id imap_thread_id(const struct message_map *map, uint64_t body) {
    const uint64_t first = map->reference_count > 0 ? map->references[0] : map->message_id;
    if (first == 0)
        return (struct imap_thread_id){IMAP_ID_ALONE, body};
    return (struct imap_thread_id){IMAP_ID_THREAD, first};
}
