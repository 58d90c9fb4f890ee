/* SPDX-License-Identifier: ISC */
/*
 * Packs: append-only files of records, the bytes under the queue's spool and the account stores.
 *
 * A file has a head (format version, kind, number, generation) and then records, one behind the
 * other. A record is a head, "facts" (small metadata of the caller), a body, and an end marker:
 *
 *     head   magic 4, version 1, type 1, flags 2, generation 8, body length 8, facts length 4,
 *            CRC-32C of the body 4, CRC-32C of the head so far and the facts 4
 *     facts  any bytes, at most PACK_FACTS_MAX
 *     body   any bytes, at most PACK_BODY_MAX
 *     end    magic 4, the CRC of the head again 4, length of the whole record 8
 *
 * Integers are little-endian. Two sums, because finding one's way through a file must not need the
 * bodies. The end marker lets a file be walked backwards and shows a record that was cut off.
 *
 * The generation is a random number drawn when a file is begun, also when an old file is used again
 * in place. It tells the new records from the old ones behind them; and since nobody outside knows
 * it, a body that contains the image of a record is never taken for one.
 *
 * Nothing here waits for fibers: what touches the disk is called within offload(). Errors, unless
 * said otherwise: negative errno of the system call; -E_CORRUPT: bytes that are no valid record;
 * -E_VERSION: valid, but written by a newer program.
 */
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

#define PACK_FILE_HEAD 64U /* bytes before the first record */
#define PACK_HEAD      36U
#define PACK_END       16U
#define PACK_FACTS_MAX (4U << 20)
#define PACK_BODY_MAX  (1ULL << 32)

/* ------------------------------------------------------------------ the format: pure */

struct pack_file_head {
    uint32_t kind;       /* what keeps its records here, e.g. PACK_KIND('S', 'P', 'O', 'L') */
    uint64_t number;     /* for the caller: order of segments, number of the account */
    uint64_t generation; /* not 0 */
    usec_t created;      /* wall time */
};
#define PACK_KIND(a, b, c, d)                                                                      \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

void pack_file_encode(const struct pack_file_head *h, char to[static PACK_FILE_HEAD]);
int pack_file_decode(struct slice bytes, struct pack_file_head *ret);

struct pack_record {
    uint8_t type;   /* the caller's; not 0 */
    uint16_t flags; /* the caller's */
    struct slice facts;
    uint64_t body_len;
    uint32_t body_crc; /* crc32c() of the body */
};

/* What goes before the facts and behind the body; facts and body are written from where they are.
 */
struct pack_frame {
    char head[PACK_HEAD];
    char end[PACK_END];
};
void pack_frame(uint64_t generation, const struct pack_record *r, struct pack_frame *ret);

/* Length of the whole record. */
uint64_t pack_record_len(const struct pack_record *r);

/* The sum in the frame's head: with it a group of records can be summed up without their bytes. */
uint32_t pack_frame_sum(const struct pack_frame *f);

/* A whole record behind the bytes in `to`. */
void pack_encode(struct buf *to, uint64_t generation, uint8_t type, uint16_t flags,
                 struct slice facts, struct slice body);

/*
 * Checks head and facts at the start of `bytes`. `generation` 0: any. -E_EOF: more bytes are needed
 * to tell. The facts of `ret` point into `bytes`.
 */
int pack_check_head(struct slice bytes, uint64_t generation, struct pack_record *ret);

/* Checks a whole record with its body and end marker; the body points into `bytes`. */
int pack_check(struct slice bytes, uint64_t generation, struct pack_record *ret,
               struct slice *ret_body);

/* True when `end` (PACK_END bytes) closes the record; `sum` as in its head. */
bool pack_end_matches(struct slice end, uint32_t sum, uint64_t record_len);

/* ------------------------------------------------------------------ walking through a file */

/* Where a record lies: enough to read its body again. */
struct pack_place {
    uint64_t offset; /* of the record */
    uint64_t body;   /* offset of the body */
    uint64_t body_len;
    uint32_t body_crc;
};

struct pack_entry {
    struct pack_record record; /* facts valid until the next pack_next() */
    struct pack_place place;
    uint32_t sum;  /* as pack_frame_sum() */
    uint64_t from; /* the bytes of the record, or of the damage */
    uint64_t to;
    bool unreadable; /* damage: there are blocks in it that the disk does not give, maybe for now */
};

/*
 * Reads heads and facts, skips the bodies. Zero it, set the upper part, end with
 * pack_reader_done(). Damage in the middle does not hide what follows: it is passed over up to the
 * next valid record and reported as an entry of its own. Blocks that the disk cannot read count as
 * damage, also behind the last record: a write that was cut short leaves blocks that can be read.
 */
struct pack_reader {
    int fd;
    uint64_t generation;
    uint64_t at;      /* the next record; starts at PACK_FILE_HEAD or a record's offset */
    uint64_t to;      /* where to stop, e.g. the length of the file */
    bool verify_body; /* read the bodies too and check their sums */

    struct buf window;
    uint64_t window_at;
    uint64_t unreadable; /* where the last block ends that could not be read; 0: there was none */
    struct buf facts;
};

enum pack_found {
    PACK_TAIL = 0, /* no further record; r->at is where the valid part ends */
    PACK_RECORD,   /* a record */
    PACK_DAMAGE,   /* the bytes from..to are no records, but one follows, or some are unreadable */
};

int pack_next(struct pack_reader *r, struct pack_entry *ret); /* enum pack_found, or negative */

/* The record that ends at r->at, which becomes its start. PACK_RECORD, or PACK_TAIL when the bytes
 * before r->at are no record. */
int pack_previous(struct pack_reader *r, struct pack_entry *ret);
void pack_reader_done(struct pack_reader *r);

/*
 * Reads bytes of the body from `skip` on, at most `len`. A read of the whole body is checked
 * against its sum: -E_CORRUPT. -E_EOF: the file is shorter.
 */
int pack_read_body(int fd, const struct pack_place *place, uint64_t skip, void *to, size_t len);

/* Reads and checks the record at `offset` with its facts and body, e.g. to copy it elsewhere. */
int pack_read(int fd, uint64_t generation, uint64_t offset, struct buf *facts, struct buf *body,
              struct pack_entry *ret);

/* ------------------------------------------------------------------ writing */

/* The calls that may fail on a bad day, so that tests can have bad days. */
struct pack_io {
    ssize_t (*pwritev)(int fd, const struct iovec *iov, int count, off_t offset);
    int (*fdatasync)(int fd);
    int (*fallocate)(int fd, int mode, off_t offset, off_t len);
};
extern const struct pack_io pack_io_system;

/* A file open for appending. */
struct pack_file {
    int fd;
    struct pack_file_head head;
    uint64_t end;      /* where the next record goes */
    uint64_t reserved; /* length set aside beforehand; never truncated below */
    int failed;        /* after a failed write or sync: -E_UNTRUSTED for ever */
    const struct pack_io *io;
};

/*
 * Begins a new file, which must not exist. `reserve` > 0: so many bytes are filled with zeros and
 * synced, so that later appends change no metadata. The caller syncs the directory. On failure the
 * file is gone again.
 */
int pack_file_create(int dir, const char *name, const struct pack_file_head *head, uint64_t reserve,
                     const struct pack_io *io, struct pack_file *ret);

/* Reads the head of an open file. -E_CORRUPT: it has none, -E_VERSION: one of a later format. */
int pack_file_head(int fd, struct pack_file_head *ret);

/*
 * Opens an existing file. `end` is set to PACK_FILE_HEAD: walk through it and set it, and if bytes
 * lie behind, pack_file_cut(). -E_UNKNOWN: of another kind.
 */
int pack_file_open(int dir, const char *name, uint32_t kind, const struct pack_io *io,
                   struct pack_file *ret);
void pack_file_close(struct pack_file *f); /* a zeroed one, too: its fd 0 is taken for none */

/* Drops what lies behind f->end: cuts the file, or zeroes the next head in a reserved one. */
int pack_file_cut(struct pack_file *f);

/*
 * Appends; the whole iovec or nothing. Short writes are continued. After -ENOSPC (or another error
 * that says that nothing was written, such as -EDQUOT, -EFBIG) the file is cut back to its end and
 * may be used on. After any other error the file is not trusted any more. `iov` is changed.
 */
int pack_append_iov(struct pack_file *f, struct iovec *iov, int count);

/* One record; written, not synced. */
int pack_append(struct pack_file *f, uint8_t type, uint16_t flags, struct slice facts,
                struct slice body, struct pack_place *ret);

/* fdatasync. After a failure the file is not trusted any more. */
int pack_sync(struct pack_file *f);

/*
 * Writes bytes of a file once more as they are, and syncs them: for those that may be in memory
 * only, whatever an earlier sync has said.
 */
int pack_rewrite(int fd, uint64_t from, uint64_t to, const struct pack_io *io);

/* fsync of a directory after a file in it was made, renamed or removed. */
int pack_sync_dir(int dir);

/*
 * Calls `each` with every name in a directory until it returns something else than 0, which is the
 * result then. A negative errno: the names are not known, or not all of them, and what lies there
 * must not be judged by those that were given.
 */
int pack_each_name(int dir, int (*each)(void *arg, const char *name), void *arg);
