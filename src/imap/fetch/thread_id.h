/* SPDX-License-Identifier: ISC */
/*
 * To which thread a message belongs (THREADID, RFC 8474 §5.2; RFC 8621 §3): that of the first
 * message which it is said to follow, by its References, or without any by In-Reply-To.
 *
 * It follows from the message alone. So it never changes, whatever comes, goes, is moved, restored
 * or made anew, and costs nothing to keep; messages of several mailboxes are in one thread, and one
 * that names two threads is in the first of them. The price: an answer to an answer without
 * References, which hardly any program sends, begins a thread of its own.
 */
#pragma once

#include "message/map/map.h"

struct imap_thread_id {
    char kind; /* IMAP_ID_THREAD, or IMAP_ID_ALONE: it has no Message-ID, so nothing follows it */
    uint64_t number;
};

/* `body` is the number of the message (struct store_message). */
struct imap_thread_id imap_thread_id(const struct message_map *map, uint64_t body);
