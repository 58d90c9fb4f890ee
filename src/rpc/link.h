/* SPDX-License-Identifier: ISC */
/*
 * Inside the rpc floor: a link, and what its files know of each other. Each uses those above it.
 *
 *     hello.c    the first frame of each side
 *     link.c     slots for calls under way; who frees a link
 *     send.c     frames going out
 *     call.c     calls made here
 *     receive.c  frames coming in, calls of the peer
 *     rpc.c      life of a link
 *
 * Frame: payload length u32, call number u16, kind u8, descriptors u8, tag u32, status i32,
 * payload. Little-endian. Descriptors are attached to the first byte of their frame. The tag names
 * the caller's slot; a slot whose caller gave up (deadline, cancel) stays taken until the answer
 * comes.
 */
#pragma once

#include <errno.h>

#include "rpc/rpc.h"

#define FRAME_HEAD 16U

/* Errors of the socket that pass: nothing was sent or received, and a moment later it works. */
#define LINK_TRY_AGAIN_AFTER (10 * USEC_MS)
static inline bool link_has_no_room(ssize_t error) {
    return error == -ENOBUFS || error == -ENOMEM || error == -ETOOMANYREFS;
}

enum frame_kind {
    FRAME_REQUEST,
    FRAME_ANSWER,
    FRAME_ONE_WAY,
    FRAME_HELLO,
    FRAME_KINDS,
};

struct frame {
    uint32_t len;
    uint16_t number;
    uint8_t kind, fd_count;
    uint32_t tag;
    int32_t status;
};

/* A call under way, on the caller's stack. */
struct waiting_call {
    const struct rpc_call *call;
    struct arena *arena;
    void *out;
    struct problem *problem;
    int result;
    bool done;
    struct fiber_cond answered;
};

/* Where a call under way is found by its tag; `next_free` links slots that are not in use. */
struct slot {
    struct waiting_call *call; /* NULL with in_use: the caller gave up */
    bool in_use;
    uint32_t len; /* of its payload */
    uint32_t next_free;
};

struct rpc_link {
    struct rpc_options options;
    struct fiber_fd fd;
    bool up;
    bool greeted;           /* the peer's hello has come, and is like ours */
    char other_program[96]; /* or it is not: the peer's name and version */
    unsigned epoch;         /* counts connections */

    struct buf out; /* frames; the first `sent` bytes are gone already */
    size_t sent;
    struct list out_fds; /* struct outgoing_fds, in the order of their frames */
    struct fiber_cond out_filled, out_emptied, ended;
    unsigned fibers; /* reader and writer */

    struct slot *slots;
    uint32_t slot_count, free_slot;
    unsigned calls;                       /* made here, and not answered yet */
    size_t call_bytes;                    /* their payloads */
    unsigned callers;                     /* fibers inside rpc_do_call() */
    struct fiber_cond room;               /* there may be some for a further call */
    struct fiber_mutex turns[RPC_LEVELS]; /* calls of a level leave in the order of their making */

    unsigned requests;  /* of the peer, under way here, older connections' ones too */
    unsigned taken;     /* those of this connection */
    size_t taken_bytes; /* and their payloads */

    bool abandoned; /* freed by whoever leaves last */
    struct buf in;
    int in_fds[64]; /* came and are not taken by a frame yet; LOST_FDS among them */
    unsigned in_fd_count;
    struct rpc_counts counts;
};

/* Stands for all descriptors of one frame, which came when this process had no room for them. */
#define LOST_FDS (-2)

/* A buffer that has grown above this is given back when it is empty. */
#define BUFFER_KEPT ((size_t)256 * 1024)

/* ------------------------------------------------------------------ hello.c */

/* Sends the first frame of a new connection, whose socket buffer is empty. 0 or -errno. */
int hello_send(int fd);

/* Judges that of the peer. NULL, or what is wrong; `other_program` is set for another version. */
const char *hello_judge(struct rpc_link *l, struct slice payload);

/* What a call is told that cannot be made, or answered, since the connection has ended. */
int hello_explain_end(const struct rpc_link *l, bool amid_call, struct problem *problem);

/* ------------------------------------------------------------------ link.c */

struct rpc_link *link_new(const struct rpc_options *options);
void link_free_if_left(struct rpc_link *l);

uint32_t slot_get(struct rpc_link *l, struct waiting_call *call);
void slot_put(struct rpc_link *l, uint32_t i);

void link_fail_calls(struct rpc_link *l); /* all that wait for an answer; the connection is gone */

/* ------------------------------------------------------------------ send.c */

static inline size_t bytes_to_send(const struct rpc_link *l) {
    return l->out.len - l->sent;
}

/*
 * Puts a frame behind the others: the struct, coded by `encode` (may be NULL), then the text. 0
 * with the length of the payload in `ret_len` (may be NULL). On failure nothing was added:
 * -E_LIMIT, or no descriptor was left for a duplicate.
 */
int add_frame(struct rpc_link *l, struct frame f, rpc_encode_fn *encode, const void *value,
              struct slice text, uint32_t *ret_len);
void write_frames(struct rpc_link *l, unsigned epoch) WAITS; /* until the connection ends */
void drop_output(struct rpc_link *l);

/* ------------------------------------------------------------------ receive.c */

void read_frames(struct rpc_link *l, unsigned epoch) WAITS; /* until the connection ends */
void drop_input(struct rpc_link *l);
