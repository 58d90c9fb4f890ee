/* SPDX-License-Identifier: ISC */
/*
 * Calls between the processes of the server. A call looks like a function call: the fiber waits,
 * the other role's fiber works, the answer comes back or an error does.
 *
 * The calls are written down in schema.rpc; struct definitions, marshalling, the calling functions
 * (`call_ROLE_NAME`), the tables of handlers and docs/rpc.md are made from it at build time
 * (generate.py) and included as "rpc/calls.h".
 *
 * One connection per pair of processes carries the calls of both directions, many at a time; those
 * of a level begin on the other side in the order in which they were made here. Everything is
 * bounded: the size of a frame, of each text and list (by the schema), descriptors per frame, calls
 * under way and their bytes. Whoever calls keeps to the bounds; a reader never stops reading.
 *
 * Two roles may call each other, also while they answer each other, without waiting for ever:
 *
 *   - A call whose handler makes calls says so in the schema ("makes ROLE..."). Its level is above
 *     those of the calls that it may lead to; where that cannot be, since calls would wait for
 *     themselves, the schema is refused. A handler that makes another call gets -EDEADLK.
 *   - Each level leaves some of what is bounded to the lower ones. So a call of level 0 always
 * finds room in the end, and with it the one that waits for it.
 *
 * Processes say first which schema they have. With a program of another one there are no calls: all
 * of them return -E_VERSION, with a sentence that names both programs.
 *
 * A malformed frame, an unknown call or one that the caller may not make ends the connection, and
 * the `misbehaved` hook is told why: the caller is at fault, never the callee.
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "conf/roles.h"
#include "fiber/sync.h"
#include "fiber/wait.h"

#define RPC_FRAME_MAX ((size_t)2 << 20)
#define RPC_FRAME_FDS 4U
#define RPC_CALLS_MAX 4096U              /* calls under way in one direction; then calls wait */
#define RPC_IN_MAX    ((size_t)64 << 20) /* and their bytes; one frame more may be under way */
#define RPC_OUT_MAX   ((size_t)64 << 20) /* bytes waiting to be sent; then answers wait */
#define RPC_SEND_MAX  ((size_t)8 << 20)  /* the same for one-way calls, which are dropped then */
#define RPC_LEVELS    4U

struct rpc_link;

/* What one role answers: generated, one per role. */
struct rpc_service;

/* Who is at the other end, and what we answer them. */
struct rpc_options {
    enum role self, other;
    unsigned worker;                   /* number of the other process within its role */
    const struct rpc_service *service; /* our service; NULL: we answer nothing */
    const void *handlers;              /* its table of handlers, generated type */
    void *arg;                         /* for the handlers */

    /* The peer broke the rules: told once, then the link is down. May be NULL. */
    void (*misbehaved)(struct rpc_link *link, const char *why, void *arg);

    /* The connection ended (after misbehaviour too). May be NULL. */
    void (*down)(struct rpc_link *link, void *arg);
};

/*
 * A link to another process; survives that process: when it dies the link is down, calls under way
 * and new ones return -EPIPE, until rpc_link_attach() gives it a new connection.
 */
struct rpc_link *rpc_link_new(const struct rpc_options *options);

/*
 * Connects the link (takes over `fd`); an older connection is closed first. Its fibers are children
 * of the calling fiber, which therefore lives as long as the process serves.
 */
int rpc_link_attach(struct rpc_link *link, int fd) WAITS;
int rpc_link_attach_under(struct rpc_link *link, int fd,
                          struct fiber *parent) WAITS; /* of that one */

void rpc_link_close(struct rpc_link *link) WAITS; /* calls under way return -EPIPE */
void rpc_link_free(struct rpc_link *link);        /* also from `down` or amid calls; NULL is fine */
DEFINE_CLEANUP(struct rpc_link, rpc_link_free)

bool rpc_link_up(const struct rpc_link *link);
const struct rpc_options *rpc_link_options(const struct rpc_link *link);

/* The user at the other end, as the kernel knows him since the connection was made. 0 or -errno. */
int rpc_link_user(const struct rpc_link *link, uid_t *ret);

/* Who calls: given to every handler. */
struct rpc_caller {
    enum role role;
    unsigned worker;
    struct rpc_link *link;
};

/* Numbers for status pages. */
struct rpc_counts {
    uint64_t calls_made, calls_answered, bytes_in, bytes_out, dropped;
};
struct rpc_counts rpc_link_counts(const struct rpc_link *link);

/* ------------------------------------------------------------------ for generated code */

/* Descriptors that travel with a frame. */
struct rpc_fds {
    int fd[RPC_FRAME_FDS];
    unsigned count, taken;
};

/*
 * Codes a struct; false when a text, list or value is over the bound of the schema. Descriptors are
 * only lent to encode (the link sends duplicates); decode takes them out of `fds`. So those of a
 * call stay the caller's; those that a handler puts into its answer it gives away: the link closes
 * them. What came in with a call or an answer belongs to whoever got it.
 */
typedef bool rpc_encode_fn(struct buf *to, const void *value, struct rpc_fds *fds);
typedef bool rpc_decode_fn(struct reader *from, struct arena *a, void *value, struct rpc_fds *fds);

/* One call of the schema. */
struct rpc_call {
    const char *name; /* "directory.resolve" */
    uint16_t number;
    bool one_way;
    bool gives_fds; /* the answer has descriptors */
    uint8_t level;  /* above those of the calls that its handler may make; below RPC_LEVELS */
    uint32_t from;  /* ROLE_BIT()s that may make it */
    size_t in_size, out_size;
    rpc_encode_fn *encode_in, *encode_out;
    rpc_decode_fn *decode_in, *decode_out;
    /*
     * Runs the handler out of the table; -ENOSYS when the table has none. The handler of a call has
     * a fiber of its own. That of a one-way call runs in the reader of the link: it must not wait,
     * and what it got is gone when it returns.
     */
    int (*invoke)(const void *handlers, void *arg, const struct rpc_caller *caller, const void *in,
                  struct arena *a, void *out, struct problem *problem) WAITS;
};

struct rpc_service {
    enum role role;
    const struct rpc_call *calls;
    size_t count;
};

/*
 * Makes a call and waits for its answer; texts of the answer live in `a`. Too many at a time wait
 * for their turn. The fiber's deadline holds: -ETIMEDOUT. -EDEADLK: see above.
 */
int rpc_do_call(struct rpc_link *link, const struct rpc_call *call, const void *in, struct arena *a,
                void *ret_out, struct problem *problem) WAITS;

/* Sends a one-way call: never waits; -EPIPE or -E_LIMIT when it was dropped. */
int rpc_do_send(struct rpc_link *link, const struct rpc_call *call, const void *in);
