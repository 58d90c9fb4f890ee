/* SPDX-License-Identifier: ISC */
/*
 * The inside of the spool, for the files of this folder only.
 *
 * On the disk
 *
 *     lock               held while a process has the spool open
 *     segment-<number>   the log: pack files of a fixed length, filled with zeros or old records
 *     spare-<number>     a segment to come: its content means nothing
 *     large/<id>         bytes of a large message
 *     quarantine/        segments that failed or were damaged, once nothing in them is needed
 *
 * The log is a sequence of commits. A commit is what one write and one sync made durable: records,
 * and a COMMIT record with their number and the sum over their sums, filled up to the end of the
 * block, so that no later write touches a block with acknowledged bytes.
 *
 *     MESSAGE   facts: id, length and sum of the large file, envelope; body: head and bytes
 *     STATE    facts: id, state: replaces any earlier one
 *     DONE     facts: id: the message is settled
 *     SEAL     facts: number, end: the segment of that number ends there; opens each new segment
 *     COMMIT   facts: sequence, start, last id, count, sum; body: zeros
 *
 * Invariants
 *
 * I1  A call that changes something returns 0 only after the fdatasync of its commit (D1), and what
 *     it changes in memory changes then. So memory is at no time ahead of the disk.
 * I2  All changes of one call are in one commit, and a commit counts as a whole or not at all (D5):
 *     recovery drops the last one when its COMMIT, or a body in it, is missing or wrong.
 * I3  A segment that is not the newest has a SEAL in the first commit of its successor. What lies
 *     behind the sealed end was never acknowledged; what lies before it was. So a hole before it is
 *     damage, not a torn tail. Of a commit with a hole the messages are saved and the rest is left
 *     out: to try again may deliver twice, to forget would lose.
 * I4  After a failed write or sync nothing is written to the segment again (D3). It is sealed at
 *     its last good end, its messages are copied to the next one, it ends in quarantine. Its
 * earlier commits lie in blocks that the failed write did not touch. I5  Segments are freed oldest
 * first, and only when no unsettled message has its MESSAGE record there. A DONE always stands
 * behind all MESSAGE records of its message, in the same segment or a newer one; so while any of
 * these exists, the DONE does. This is all the bookkeeping that freeing needs. Each freeing is
 * durable (fsync of the directory) before the next. I6  So that an old message does not hold up its
 * successors for ever, the messages of the oldest segment are copied forward (MESSAGE, then STATE
 * as it is at that commit) when less than half of it is alive, or when the log is longer than twice
 * what is alive plus four segments. I7  A large file and its directory entry are synced before the
 * commit with its MESSAGE, and removed after the commit with its DONE (D8). I8  While no spare can
 * be set aside, messages are refused, and the rest of the current segment, at least three quarters,
 * is kept for changes, the last eighth of it for calls with a DONE (D4). That is about as many
 * commits as the oldest segment has messages: settling them one by one frees a segment before the
 * room is used up. I9  Opening always begins a new segment. To an old one it writes only the last
 * commit of one without SEAL once more, as it is: that may be in memory only, and a failed sync of
 * it may have been told to a process that is gone. If that fails, the segment counts as failed
 * (I4).
 *
 * In memory there is one struct stored for each unsettled message; `facts` and `state` are the very
 * bytes of its records. One fiber, the committer, writes; another, the keeper, frees and copies. No
 * locks: what offloaded jobs use is theirs until they end (a batch), or does not change (open
 * descriptors of segments that `readers` holds).
 */
#pragma once

#include "base/map.h"
#include "fiber/sync.h"
#include "fiber/wait.h"
#include "spool/spool.h"

#define SPOOL_KIND  PACK_KIND('S', 'P', 'O', 'L')
#define SPOOL_BLOCK 4096U

enum log_type { LOG_MESSAGE = 1, LOG_STATE, LOG_DONE, LOG_SEAL, LOG_COMMIT };

/* Flags of a MESSAGE record. */
enum { MESSAGE_LARGE = 1, MESSAGE_DAMAGED = 2 };

/* ------------------------------------------------------------------ facts: pure, record.c */

#define LOG_MESSAGE_FIXED 20U /* facts of a MESSAGE before the envelope */
#define LOG_STATE_FIXED   8U

struct log_message {
    uint64_t id;
    uint64_t large_len;
    uint32_t large_crc;
    struct slice envelope;
    usec_t arrival;
    uint32_t recipients;
};
struct log_commit {
    uint64_t sequence;
    uint64_t start; /* offset of its first record */
    uint64_t last_id;
    uint32_t count; /* records, itself not counted */
    uint32_t sum;   /* crc32c() over their sums, 4 bytes each */
};
#define LOG_COMMIT_LEN 32U

struct log_seal {
    uint64_t number;
    uint64_t end;
};

/* All decoders: 0 or -E_SYNTAX, for any bytes. */
int log_message_decode(struct slice facts, struct log_message *ret);
int log_state_decode(struct slice facts, uint64_t *ret_id, struct slice *ret_state);
int log_done_decode(struct slice facts, uint64_t *ret_id);
int log_seal_decode(struct slice facts, struct log_seal *ret);
int log_commit_decode(struct slice facts, struct log_commit *ret);
void log_seal_encode(const struct log_seal *seal, struct buf *to);
void log_commit_encode(const struct log_commit *commit, struct buf *to);
uint32_t log_sum(uint32_t sum, uint32_t record_sum); /* adds one record's sum */

/* ------------------------------------------------------------------ segments: segment.c */

#define SEGMENT_NAME 32U

struct segment {
    struct link link; /* in spool->segments */
    struct pack_file file;
    char name[SEGMENT_NAME];
    struct list messages; /* struct stored whose MESSAGE record is here */
    uint64_t alive;       /* bytes of those records */
    unsigned readers;     /* jobs that read from it */
    bool tainted;         /* holds something damaged or not understood: kept in quarantine */
    bool failed;          /* a write or sync failed: its messages move out */
};

struct spare {
    bool ready;
    char name[SEGMENT_NAME];
    struct pack_file file;
};

/* ------------------------------------------------------------------ messages */

struct stored {
    struct spool_message message;
    struct link in_segment;
    struct segment *segment;
    struct pack_place place;
    uint64_t record_len;
    char *facts; /* of the MESSAGE record */
    char *state; /* facts of the STATE record; NULL: none */
    uint32_t facts_len, state_len;
    struct spool_cached *cached;
    uint64_t large_len;
    uint32_t large_crc;
    bool large;
    bool large_checked; /* the file was compared with its sum in this run */
    bool leaving;       /* a DONE is on its way */
    usec_t unreadable;  /* since when the keeper cannot read it for its copy; 0: it can */
};

static inline struct slice stored_facts(const struct stored *st) {
    return slice_of(st->facts, st->facts_len);
}

static inline struct slice stored_state(const struct stored *st) {
    return slice_of(st->state, st->state_len);
}

/* A body in memory; lives while it is used, then as long as the budget allows. */
struct spool_cached {
    struct link lru; /* in spool->unused when nobody uses it */
    unsigned users;
    struct stored *stored; /* NULL: not accepted yet, or settled */
    int fd;                /* of the large file, or -1 */
    uint64_t file_len;
    uint32_t crc; /* of the bytes */
    size_t len;
    char bytes[];
};

/* ------------------------------------------------------------------ commits: commit.c */

struct change {
    enum log_type type;
    uint64_t id;
    struct stored *stored;       /* of the message; a new one is owned by the request */
    struct buf facts;            /* STATE, DONE */
    struct spool_cached *cached; /* MESSAGE: its body, one use of it held */
    bool copy;                   /* MESSAGE: an old message moves to the present segment */
    bool lost;                   /* copy: its body cannot be read */
    bool written;
    struct pack_place place;
    uint64_t record_len;
};

struct request {
    struct link link;
    struct change *changes;
    size_t count;
    uint64_t bytes;   /* upper bound of its records */
    bool has_message; /* and is no update: may not use what is kept for changes */
    bool settles;     /* has a DONE */
    bool copies;
    bool finished;
    bool orphan;   /* nobody waits for it: the committer frees it */
    bool doubtful; /* it failed, and may be on the disk all the same */
    int result;
    struct fiber_cond done;
};

struct spool {
    struct spool_options options;
    int dir, lock, large_dir, quarantine_dir;
    uint64_t last_id;
    uint64_t sequence; /* of the next commit */
    uint64_t next_number;

    struct map messages; /* by id: struct stored */
    uint64_t alive;      /* bytes of their MESSAGE records */

    struct list segments; /* oldest first */
    struct segment *current;
    struct spare spare;
    struct fiber_mutex spare_lock;
    usec_t spare_failed; /* when setting one aside failed last; 0: it did not */
    struct buf seals;    /* struct log_seal not yet durable */

    struct list waiting; /* struct request */
    struct fiber_cond wanted;
    struct fiber_cond keeper_wanted;
    struct fiber *committer, *keeper;
    bool closing;    /* the keeper ends, nothing new is taken */
    bool finished;   /* the committer ends when nothing waits */
    usec_t opened;   /* wall time */
    bool left_alone; /* a file that may be a segment is not understood */

    bool recovering;
    struct buf notices; /* of the recovery */

    struct list unused; /* struct spool_cached, least recently used first */
    size_t cached;
    struct buf unlinks; /* ids of large files whose messages are settled */

    uint64_t free_bytes;
    bool full_told;   /* that less is free than the reserve */
    usec_t free_seen; /* monotonic; 0: never */
    struct spool_stat stat;
};

#define STORED_OF(message_ptr) CONTAINER_OF(message_ptr, struct stored, message)

/* While the spool recovers, in another thread, what is told is held back until that is over. */
void spool_log(struct spool *s, enum spool_notice kind, const char *format, ...) PRINTF_LIKE(3, 4);
void spool_log_held_back(struct spool *s); /* when that is over */

/* record.c */
struct stored *stored_find(struct spool *s, uint64_t id);
void stored_free(struct stored *st);
void stored_place(struct spool *s, struct stored *st, struct segment *seg,
                  const struct pack_place *place, uint64_t record_len);
void stored_leave_segment(struct spool *s, struct stored *st);
int stored_set_message(struct stored *st, struct buf *facts); /* takes the bytes on success */
int stored_set_state(struct stored *st, struct buf *facts);
void stored_remove(struct spool *s, struct stored *st); /* settled: out of everything, and freed */

/* segment.c */
struct segment *segment_add(struct spool *s, const struct pack_file *file, const char *name);
void segment_free(struct spool *s, struct segment *seg);

/* Begins the next segment; the first record of its first commit will be the seals. */
int segment_rotate(struct spool *s) WAITS;
int segment_prepare_spare(struct spool *s) WAITS;
void segment_release_oldest(struct spool *s) WAITS; /* as many as can be freed */
void segment_failed(struct spool *s, struct segment *seg, int error);
struct segment *segment_oldest(struct spool *s); /* NULL: there is none */
bool segment_oldest_is_free(struct spool *s);
struct segment *segment_to_empty(struct spool *s); /* whose messages are to be copied; or NULL */
bool segment_keeper_is_needed(struct spool *s);
uint64_t segment_room(const struct spool *s); /* bytes left in the present one */
int spool_refresh_space(struct spool *s) WAITS;

/* commit.c */
void commit_fiber(void *arg) WAITS;
/*
 * Frees it. It is doubtful when it failed (or the caller is cancelled) and its records may be on
 * the disk all the same, so that the next start finds them.
 */
int commit_submit(struct spool *s, struct request *r, bool *ret_doubtful) WAITS;
int commit_seals(struct spool *s) WAITS; /* the first one after opening */
struct request *request_new(size_t changes);
void request_free(struct spool *s, struct request *r);
uint64_t request_measure(struct request *r); /* sets and returns `bytes` */

/* cache.c */
struct spool_cached *cached_new(struct spool *s, size_t len);
void cached_set_file(struct spool *s, struct spool_cached *c, int fd, uint64_t len);
void cached_use(struct spool_cached *c);
void cached_leave(struct spool *s, struct spool_cached *c); /* one use less */
void cached_forget(struct spool *s, struct stored *st);     /* the message is settled */

/* body.c */
int body_load(struct spool *s, struct stored *st, struct spool_cached **ret) WAITS;

/* large.c */
#define LARGE_NAME 17U
void large_name(uint64_t id, char name[static LARGE_NAME]);
int large_settle(struct spool *s, struct spool_large *large, int *ret_fd, uint64_t *ret_len,
                 uint32_t *ret_crc) WAITS;
int large_sum(int fd, uint64_t len, uint32_t *ret_crc); /* reads all of it */
/*
 * Accepted, the handle is gone. When it failed and is doubtful (commit_submit()), the file stays
 * for the next start when the handle is dropped.
 */
void large_submitted(struct spool_large *large, int error, bool doubtful);
void large_unlink_settled(struct spool *s) WAITS;

/* keeper.c */
void keeper_fiber(void *arg) WAITS;

/*
 * replay.c: `sealed`: everything before `end` was acknowledged. Damage is passed over. What the
 * disk does not give is none, for it may come back: -EIO, with words.
 */
int replay_segment(struct spool *s, struct segment *seg, bool sealed, uint64_t end,
                   struct problem *problem);
int replay_refuse(const struct segment *seg, const struct pack_entry *e, struct problem *problem);

/* recover.c: blocks; called within offload() before anybody else uses the spool */
int recover(struct spool *s, struct problem *problem);
