/* SPDX-License-Identifier: ISC */
/*
 * The spool: the durable store of every accepted message until every recipient is settled. A
 * message's bytes and the state of its journey go into the same log, so that accepting a message,
 * or letting it go together with the report that it causes, is one write and one sync; and whatever
 * waits while one sync runs goes into the next one (D1, D2, D5).
 *
 *     spool_open(...)                                        one open spool per directory
 *     id = spool_new_id(s);                                  for the trace header
 *     spool_accept(s, id, &envelope, &content, &message);     0: on the disk; now say 250
 *     spool_update(s, changes, n);                           new states, messages done, reports
 *     spool_body_open(s, id, &body); ... spool_body_close(&body);
 *     spool_close(s);
 *
 * The struct spool_message of each unsettled message stays in memory, owned by the spool. Others
 * read it; it goes away when an update with SPOOL_DONE for it has returned 0.
 *
 * Errors of accepting and updating, after which nothing was changed: -ENOSPC (reply 452 4.3.1),
 * -EIO and other errno (the disk failed; the spool goes on in a new file; reply 451 4.3.0),
 * -E_LIMIT (too large for a segment, or its envelope or state for a record), -E_UNKNOWN (no such
 * message, e.g. settled meanwhile). These calls are not cut short by cancel or deadlines: a commit
 * takes milliseconds, and its outcome should be known. Only a fiber that is cancelled, and for
 * which no stack can be had, gets -ECANCELED with the outcome open.
 *
 * What is on the disk, and why nothing is lost, is told in log.h.
 */
#pragma once

#include "fiber/fiber.h"
#include "message/envelope.h"
#include "pack/pack.h"
#include "spool/state.h"

struct spool;

/* ------------------------------------------------------------------ opening */

enum spool_notice {
    SPOOL_NOTICE_TORN,    /* an unfinished commit at the end was dropped: normal after a crash */
    SPOOL_NOTICE_DAMAGE,  /* bytes that had been durable are no more */
    SPOOL_NOTICE_STRAY,   /* a file that no message refers to was removed */
    SPOOL_NOTICE_UNKNOWN, /* something that this program does not understand was left alone */
    SPOOL_NOTICE_FAILED,  /* a write or sync failed: the file is not used any more (D3) */
    SPOOL_NOTICE_LOW,     /* no room to set a further segment aside */
    SPOOL_NOTICE_FULL,    /* less is free than the reserve: messages are refused */
    SPOOL_NOTICE_ROOM,    /* and now there is more again */
};

struct spool_message;

/* The zero value of a member means its default. */
struct spool_options {
    uint64_t segment_size;    /* bytes of a segment; 64 MiB */
    uint64_t reserve;         /* refuse messages when the file system has less free; 256 MiB */
    uint64_t batch_size;      /* bytes of one commit, about; 4 MiB */
    size_t cache_size;        /* bodies kept in memory; 64 MiB */
    size_t large_threshold;   /* messages above should go through spool_large_begin(); 256 KiB */
    uint64_t compact_rate;    /* bytes per second copied in the background; 16 MiB */
    usec_t stray_age;         /* files without a message are removed when older; 6 h */
    const struct pack_io *io; /* for tests */

    /*
     * Told when a message begins to be on hold and when that ends, in memory and on the disk; also
     * when it is settled, but not at the opening. Must not wait. May be NULL.
     */
    void (*held)(void *arg, const struct spool_message *message, bool hold);
    void *held_arg;

    /* Told what a postmaster should know, at the opening and later, by a fiber. May be NULL. */
    void (*notice)(void *arg, enum spool_notice kind, const char *text);
    void *arg;
};

/*
 * Opens the spool in directory `dir` (an open descriptor, which stays the caller's), made if it is
 * empty, and recovers: every message whose acceptance was acknowledged is there, none whose end
 * was. The calling fiber has to outlive the spool and must be the one that closes it. -E_BUSY:
 * another process has it open. -E_VERSION: written by a newer program. With words in `problem`.
 */
int spool_open(int dir, const struct spool_options *options, struct spool **ret_spool,
               struct problem *problem) WAITS;

/* Another `reserve` from now on; zero is the default here too. */
void spool_set_reserve(struct spool *s, uint64_t bytes);

/* Finishes what is under way and frees everything; open bodies must have been closed. */
void spool_close(struct spool *s) WAITS;

/* ------------------------------------------------------------------ messages */

struct spool_message {
    uint64_t id;
    usec_t arrival;        /* wall time */
    uint64_t size;         /* of the whole message, with its head */
    uint32_t recipients;   /* in the envelope */
    uint32_t left;         /* not settled yet */
    usec_t next;           /* of the state; 0: never tried */
    bool hold;             /* of the state */
    bool damaged;          /* its bytes are known to be lost: spool_body_open() says -E_CORRUPT */
    struct slice envelope; /* encoded */
    struct slice state;    /* encoded; empty: all recipients left, nothing tried */
    void *owner;           /* the queue's own; NULL at first */
};

/* A new id: greater than any before, also over restarts; roughly microseconds since 1970. */
uint64_t spool_new_id(struct spool *s);

struct spool_message *spool_find(struct spool *s, uint64_t id); /* NULL: none */

/* Calls `each` for every message, as they lie in the log; it may not wait. Non-zero ends the walk.
 */
int spool_each(struct spool *s, int (*each)(void *arg, struct spool_message *message), void *arg);

/* The decoded forms; slices point into the message. A message without state gets the first one. */
void spool_envelope(const struct spool_message *message, struct arena *a, struct envelope *ret);
void spool_state(const struct spool_message *message, struct arena *a, struct spool_state *ret);

/* ------------------------------------------------------------------ accepting, changing */

struct spool_large;

/* A message's bytes: what was put before it here (trace header), and the message as received. */
struct spool_content {
    struct slice head;
    struct slice bytes;
    struct spool_large *large; /* instead of bytes */
};

/*
 * Borrows all it is given; copies what it keeps. The id comes from spool_new_id(), or from whoever
 * else names messages: then the caller sees to it that no message has had it before, nor gets it at
 * the same time. -EINVAL: not between 1 and 2^63 - 1, or in use.
 */
int spool_accept(struct spool *s, uint64_t id, const struct envelope *envelope,
                 const struct spool_content *content, struct spool_message **ret_message) WAITS;

enum spool_change_kind { SPOOL_STATE, SPOOL_DONE, SPOOL_MESSAGE };

struct spool_change {
    enum spool_change_kind kind;
    uint64_t id;
    const struct spool_state *state; /* SPOOL_STATE */
    const struct envelope *envelope; /* SPOOL_MESSAGE: a new message such as a report */
    struct spool_content content;    /* SPOOL_MESSAGE */
};

/*
 * All changes or none, also after a crash. New messages may use the space that is kept for changes,
 * since they usually end another one. Changes of one message take effect in order of the calls.
 */
int spool_update(struct spool *s, const struct spool_change *changes, size_t count) WAITS;

/* True when a message of this size would be refused now for lack of space: for MAIL with SIZE. */
bool spool_is_full(struct spool *s, uint64_t size) WAITS;

/* ------------------------------------------------------------------ large messages */

/*
 * A file for the bytes of a large message. The descriptor may be passed to another process, which
 * writes from offset 0 and closes it before the message is accepted: spool_accept() says -E_BUSY
 * while anybody but the spool could still write. Accepted messages' handles are gone; for all
 * others call spool_large_drop(), which removes the file, unless it is in doubt whether the message
 * is on the disk: then it stays for the next start, which takes both or removes it.
 */
int spool_large_begin(struct spool *s, uint64_t id, struct spool_large **ret_large) WAITS;
int spool_large_fd(const struct spool_large *large);

/* A new descriptor that can only read it, for the caller to pass on or to close. */
int spool_large_reader(struct spool *s, struct spool_large *large, int *ret_fd) WAITS;
void spool_large_drop(struct spool *s, struct spool_large *large) WAITS;

/* ------------------------------------------------------------------ reading */

/*
 * The bytes of a message: `bytes` in memory, and behind them `file_len` bytes of the file `fd` from
 * offset 0 on (large messages only; else fd is -1). They were checked against their sum, and stay
 * valid until spool_body_close(), also when the message is settled meanwhile.
 */
struct spool_body {
    struct slice bytes;
    int fd;
    uint64_t file_len;

    struct spool *spool; /* the rest belongs to the spool */
    struct spool_cached *cached;
};
int spool_body_open(struct spool *s, uint64_t id, struct spool_body *ret) WAITS;

/* Copies from anywhere in the message; fewer than `len` only at its end. Number of bytes. */
ssize_t spool_body_read(const struct spool_body *body, uint64_t offset, void *to, size_t len) WAITS;
void spool_body_close(struct spool_body *body); /* a closed one is fine */

/* ------------------------------------------------------------------ numbers */

struct spool_stat {
    uint64_t messages, bytes;              /* unsettled, and their records in the log */
    uint64_t segments, log_bytes;          /* files of the log, and their length */
    uint64_t commits, records;             /* since the opening */
    uint64_t written;                      /* bytes since the opening */
    uint64_t copied;                       /* bytes of messages moved to newer segments */
    uint64_t failed_segments, quarantined; /* since the opening */
    uint64_t cached;                       /* bytes of bodies in memory */
    uint64_t free_bytes;                   /* of the file system, as last seen */
    usec_t last_sync, worst_sync;          /* how long a commit's write and sync took */
    bool full; /* messages are refused for lack of room, or will be soon */
};
void spool_stat(const struct spool *s, struct spool_stat *ret);
