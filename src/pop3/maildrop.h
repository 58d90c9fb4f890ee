/* SPDX-License-Identifier: ISC */
/*
 * A maildrop (RFC 1939): what a POP3 session needs of a mailbox. The mail role fills the table with
 * functions over the account store; tests fill it with a fake.
 *
 * Opening takes the mailbox for this session alone, and a snapshot: messages 0 .. count-1, in the
 * order of their arrival. What is delivered later is not in it; a message that somebody else
 * removes meanwhile stays counted, and reading it gives -E_UNKNOWN.
 *
 * Messages are given as they are sent: lines ended by CRLF, `size` octets, no dot-stuffing.
 *
 * Reading is where the time goes, so the store chooses how:
 * - read() for messages up to POP3_READ_AHEAD: the session asks for as many messages in a row as it
 *   guesses the client will want from the commands that have arrived already. The store may answer
 *   with fewer (at least one); messages that lie one behind the other in a file come by one pread,
 *   with whatever lies between them: `pieces` says where each message is. What is in the page cache
 *   is best read at once (preadv2 with RWF_NOWAIT), and only the rest through offload().
 * - place() for larger ones that can be sent as they are: the session uses sendfile.
 * - read_part() for the larger ones that cannot, and for TOP.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#define POP3_READ_AHEAD    262144U
#define POP3_READ_MESSAGES 64U /* at once */

struct pop3_message {
    uint64_t size; /* octets */
    bool plain;    /* known: ends with CRLF and no line begins with a dot. False when unknown */
};

struct pop3_drop { /* as it was opened */
    size_t count;
    uint64_t octets; /* of all messages */
};

struct pop3_piece {
    size_t at, len; /* in the buffer */
};

/*
 * `drop` is the store's own object, set by open(). Errors: -E_UNKNOWN the message is gone;
 * -E_CORRUPT and -EIO it cannot be read; -ETIMEDOUT and -ECANCELED end the session; others may go
 * away by themselves.
 */
struct pop3_maildrop_ops {
    /* 0; -E_BUSY: another session has it; others: cannot be opened. `host`: see pop3_session(). */
    int (*open)(void *host, void **ret_drop, struct pop3_drop *ret) WAITS;
    void (*close)(void *drop) WAITS;

    void (*message)(void *drop, size_t at, struct pop3_message *ret);

    /* Appends the unique-id of a message: 1 to 70 printable ASCII characters, never used again. */
    void (*uidl)(void *drop, size_t at, struct buf *to);

    /* Appends messages at, at+1 ... to `to`. The number of messages read (1 to count) or negative.
     */
    int (*read)(void *drop, size_t at, size_t count, struct buf *to,
                struct pop3_piece *ret_pieces) WAITS;

    /* Appends `len` bytes of one message from `offset`; never asked beyond its size. 0 or negative.
     */
    int (*read_part)(void *drop, size_t at, uint64_t offset, size_t len, struct buf *to) WAITS;

    /*
     * Where a message's bytes lie in a file. The descriptor is the store's and stays good until
     * close(), whatever happens to the message. NULL, or -ENOTSUP: the message has no such place.
     */
    int (*place)(void *drop, size_t at, int *ret_fd, uint64_t *ret_offset) WAITS;

    /*
     * Removes messages (places in rising order, never none). When it returns 0 they are gone, on
     * the disk too; otherwise some of them may be.
     */
    int (*expunge)(void *drop, const uint32_t *places, size_t count) WAITS;
};
