/* SPDX-License-Identifier: ISC */
/*
 * A link has two fibers while it is up. The writer sends whatever has gathered in `out` with one
 * system call; calls made in the same turn of the scheduler share it. The reader cuts frames out of
 * the stream, wakes the fibers whose answers they are, and starts a fiber for each request.
 *
 * Frame: payload length u32, call number u16, kind u8, descriptors u8, tag u32, status i32,
 * payload. Little-endian. Descriptors are attached to the first byte of their frame. The tag names
 * the caller's slot; a slot whose caller gave up (deadline, cancel) stays taken until the answer
 * comes.
 *
 * A connection that ends takes the fibers down in order: the reader notices, everybody waiting gets
 * -EPIPE; requests under way finish, their answers are dropped, since each carries the epoch of
 * the connection it came through.
 */
#include "rpc/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/alloc.h"

#define HEAD      16U
#define READ_SIZE 65536U

enum frame_kind {
    FRAME_REQUEST,
    FRAME_ANSWER,
    FRAME_ONE_WAY,
    FRAME_KINDS,
};

struct frame {
    uint32_t len;
    uint16_t number;
    uint8_t kind, fd_count;
    uint32_t tag;
    int32_t status;
};

/* A call under way, on the caller's stack; `next_free` links slots that are not in use. */
struct slot {
    struct waiting_call *call; /* NULL with in_use: the caller gave up */
    bool in_use;
    uint32_t next_free;
};

struct waiting_call {
    const struct rpc_call *call;
    struct arena *arena;
    void *out;
    struct problem *problem;
    int result;
    bool done;
    struct fiber_cond answered;
};

/* A descriptor waiting to be sent in front of byte `at` of `out`. */
struct outgoing_fds {
    struct link link;
    size_t at;
    struct rpc_fds fds;
};

struct rpc_link {
    struct rpc_options options;
    struct fiber_fd fd;
    bool up;
    unsigned epoch; /* counts connections */
    struct buf out;
    struct list out_fds;
    struct fiber_cond out_filled, out_emptied, ended;
    unsigned fibers; /* reader and writer */
    struct slot *slots;
    uint32_t slot_count, free_slot;
    unsigned requests; /* of the peer, under way here */
    bool abandoned;    /* freed by whoever leaves last */
    struct buf in;
    int in_fds[64];
    unsigned in_fd_count;
    struct rpc_counts counts;
};

/* ------------------------------------------------------------------ slots */

#define NO_SLOT UINT32_MAX

static int slot_get(struct rpc_link *l, uint32_t *ret) {
    if (l->free_slot == NO_SLOT) {
        uint32_t count = l->slot_count > 0 ? l->slot_count * 2 : 16;
        if (count > RPC_CALLS_MAX)
            return -E_BUSY;
        l->slots = mem_grow(l->slots, count * sizeof *l->slots);
        for (uint32_t i = l->slot_count; i < count; i++)
            l->slots[i] = (struct slot){.next_free = i + 1 < count ? i + 1 : NO_SLOT};
        l->free_slot = l->slot_count;
        l->slot_count = count;
    }
    *ret = l->free_slot;
    l->free_slot = l->slots[*ret].next_free;
    l->slots[*ret].in_use = true;
    return 0;
}

static void slot_put(struct rpc_link *l, uint32_t i) {
    l->slots[i] = (struct slot){.next_free = l->free_slot};
    l->free_slot = i;
}

static void fail_calls(struct rpc_link *l) {
    for (uint32_t i = 0; i < l->slot_count; i++) {
        struct waiting_call *w = l->slots[i].call;
        if (!l->slots[i].in_use)
            continue;
        slot_put(l, i);
        if (w) {
            w->result = -EPIPE;
            w->done = true;
            fiber_cond_wake_all(&w->answered);
        }
    }
}

/* ------------------------------------------------------------------ going out */

static void drop_out_fds(struct rpc_link *l) {
    struct link *k;
    while ((k = list_pop(&l->out_fds))) {
        struct outgoing_fds *o = CONTAINER_OF(k, struct outgoing_fds, link);
        for (unsigned i = 0; i < o->fds.count; i++)
            (void)close(o->fds.fd[i]);
        free(o);
    }
}

/* Keeps duplicates of the descriptors until the frame that begins at `at` is sent. */
static int queue_fds(struct rpc_link *l, size_t at, const struct rpc_fds *fds) {
    if (fds->count == 0)
        return 0;
    struct outgoing_fds *o = NEW(struct outgoing_fds);
    o->at = at;
    for (unsigned i = 0; i < fds->count; i++) {
        int fd = fcntl(fds->fd[i], F_DUPFD_CLOEXEC, 3);
        if (fd < 0) {
            int error = errno;
            while (o->fds.count > 0)
                (void)close(o->fds.fd[--o->fds.count]);
            free(o);
            return -error;
        }
        o->fds.fd[o->fds.count++] = fd;
    }
    list_append(&l->out_fds, &o->link);
    return 0;
}

/* Puts a frame behind the others; on failure nothing was added. */
static int add_frame(struct rpc_link *l, struct frame f, rpc_encode_fn *encode, const void *value,
                     struct slice text) {
    size_t begin = l->out.len;
    struct rpc_fds fds = {0};
    buf_reserve(&l->out, HEAD);
    l->out.len += HEAD;
    bool ok = !encode || encode(&l->out, value, &fds);
    buf_add(&l->out, text);
    size_t len = l->out.len - begin - HEAD;
    int r = ok && len <= RPC_FRAME_MAX ? queue_fds(l, begin, &fds) : -E_LIMIT;
    if (r < 0) {
        l->out.len = begin;
        return r;
    }
    char *head = l->out.ptr + begin;
    put_u32(head, (uint32_t)len);
    put_u16(head + 4, f.number);
    head[6] = (char)f.kind;
    head[7] = (char)fds.count;
    put_u32(head + 8, f.tag);
    put_u32(head + 12, (uint32_t)f.status);
    fiber_cond_wake_one(&l->out_filled);
    return 0;
}

/* Sends once: up to the next frame with descriptors, or that frame with them. */
static ssize_t send_some(struct rpc_link *l) {
    union {
        char bytes[CMSG_SPACE(RPC_FRAME_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct link *k = list_first(&l->out_fds);
    struct outgoing_fds *o = k ? CONTAINER_OF(k, struct outgoing_fds, link) : NULL;
    struct iovec part = {l->out.ptr, o && o->at > 0 ? o->at : l->out.len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (o && o->at == 0) {
        struct link *after = k->next != &l->out_fds.head ? k->next : NULL;
        if (after)
            part.iov_len = CONTAINER_OF(after, struct outgoing_fds, link)->at;
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(o->fds.count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(o->fds.count * sizeof(int));
        memcpy(CMSG_DATA(c), o->fds.fd, o->fds.count * sizeof(int));
    }
    ssize_t n = sendmsg(l->fd.fd, &message, MSG_NOSIGNAL);
    if (n < 0)
        return -errno;
    if (o && o->at == 0) {
        link_remove(k);
        for (unsigned i = 0; i < o->fds.count; i++)
            (void)close(o->fds.fd[i]);
        free(o);
    }
    LIST_EACH (later, &l->out_fds, struct outgoing_fds, link)
        later->at -= (size_t)n;
    return n;
}

static void link_ended(struct rpc_link *l, unsigned epoch);
static void free_if_left(struct rpc_link *l);

static void write_frames(void *arg) {
    struct rpc_link *l = arg;
    unsigned epoch = l->epoch;
    while (l->up && l->epoch == epoch) {
        if (l->out.len == 0) {
            if (fiber_cond_wait(&l->out_filled) < 0)
                break;
            continue;
        }
        ssize_t n = send_some(l);
        if (n == -EAGAIN) {
            l->fd.writable = false;
            if (fiber_fd_wait_writable(&l->fd, USEC_NEVER) < 0)
                break;
        } else if (n < 0 && n != -EINTR) {
            break;
        } else if (n > 0) {
            l->counts.bytes_out += (uint64_t)n;
            buf_drop(&l->out, (size_t)n);
            fiber_cond_wake_all(&l->out_emptied);
        }
    }
    link_ended(l, epoch);
}

/* ------------------------------------------------------------------ coming in */

static void close_fds(struct rpc_fds *fds) {
    while (fds->taken < fds->count)
        (void)close(fds->fd[fds->taken++]);
}

/* A call of the peer under way here. */
struct request {
    struct rpc_link *link;
    const struct rpc_call *call;
    unsigned epoch;
    uint32_t tag;
    bool one_way;
    struct arena arena;
    void *in;
};

static void answer(struct request *q, int status, const void *out, const struct problem *problem) {
    struct rpc_link *l = q->link;
    struct frame f = {
        .number = q->call->number, .kind = FRAME_ANSWER, .tag = q->tag, .status = status};
    if (!l->up || l->epoch != q->epoch)
        return;
    struct slice text = status < 0 ? slice_of_str(problem->text) : (struct slice){NULL, 0};
    int r = add_frame(l, f, status < 0 ? NULL : q->call->encode_out, out, text);
    if (r < 0) {
        f.status = r;
        (void)add_frame(l, f, NULL, NULL, S("the answer is larger than the schema allows"));
    }
}

static void serve_request(void *arg) {
    struct request *q = arg;
    struct rpc_link *l = q->link;
    struct problem problem = {0};
    struct rpc_caller caller = {l->options.other, l->options.worker, l};
    void *out = arena_alloc(&q->arena, q->call->out_size);
    int r = q->call->invoke(l->options.handlers, l->options.arg, &caller, q->in, &q->arena, out,
                            &problem);
    l->counts.calls_answered++;
    if (!q->one_way)
        answer(q, MIN(r, 0), out, &problem);
    arena_done(&q->arena);
    free(q);
    l->requests--;
    free_if_left(l);
}

static const struct rpc_call *find_call(const struct rpc_service *s, uint16_t number) {
    size_t i = number & 0xffU;
    return s && (size_t)number >> 8 == s->role && i < s->count ? &s->calls[i] : NULL;
}

/* NULL, or what is wrong with the frame. */
static const char *take_request(struct rpc_link *l, const struct frame *f, struct slice payload,
                                struct rpc_fds *fds) {
    const struct rpc_call *call = find_call(l->options.service, f->number);
    if (!call)
        return "made a call that does not exist here";
    if (!(call->from & ROLE_BIT(l->options.other)))
        return "made a call that its role may not make";
    if (call->one_way != (f->kind == FRAME_ONE_WAY))
        return "mixed up calls with and without answer";
    if (l->requests >= RPC_CALLS_MAX)
        return "made too many calls at a time";
    struct request *q = NEW(struct request);
    *q = (struct request){
        .link = l, .call = call, .epoch = l->epoch, .tag = f->tag, .one_way = call->one_way};
    q->in = arena_alloc(&q->arena, call->in_size);
    struct reader r = {arena_copy(&q->arena, payload), false};
    if (!call->decode_in(&r, &q->arena, q->in, fds) || r.bad || r.rest.len > 0) {
        arena_done(&q->arena);
        free(q);
        return "sent a malformed call";
    }
    l->requests++;
    if (fiber_spawn(call->name, serve_request, q) < 0) {
        answer(q, -E_BUSY, NULL, &(struct problem){.text = "no memory for another call"});
        l->requests--;
        arena_done(&q->arena);
        free(q);
    }
    return NULL;
}

static const char *take_answer(struct rpc_link *l, const struct frame *f, struct slice payload,
                               struct rpc_fds *fds) {
    if (f->tag >= l->slot_count || !l->slots[f->tag].in_use)
        return "answered a call that was not made";
    struct waiting_call *w = l->slots[f->tag].call;
    slot_put(l, f->tag);
    if (!w)
        return NULL; /* the caller gave up */
    if (w->call->number != f->number)
        return "answered another call than was made";
    w->result = f->status;
    if (f->status < 0) {
        (void)problem_set(w->problem, f->status, "%.*s", SLICE_ARG(payload));
    } else {
        struct reader r = {arena_copy(w->arena, payload), false};
        if (!w->call->decode_out(&r, w->arena, w->out, fds) || r.bad || r.rest.len > 0)
            w->result = -E_CORRUPT;
    }
    w->done = true;
    fiber_cond_wake_all(&w->answered);
    return w->result == -E_CORRUPT ? "sent a malformed answer" : NULL;
}

/* Takes one whole frame off the input; false when there is none. */
static bool next_frame(struct rpc_link *l, size_t *at, const char **ret_wrong) {
    struct reader r = {slice_from(buf_slice(&l->in), *at), false};
    if (r.rest.len < HEAD)
        return false;
    struct frame f = {.len = read_u32(&r), .number = read_u16(&r)};
    f.kind = read_u8(&r);
    f.fd_count = read_u8(&r);
    f.tag = read_u32(&r);
    f.status = (int32_t)read_u32(&r);
    if (f.len > RPC_FRAME_MAX || f.kind >= FRAME_KINDS || f.fd_count > RPC_FRAME_FDS) {
        *ret_wrong = "sent a malformed frame";
        return false;
    }
    if (r.rest.len < f.len)
        return false;
    if (f.fd_count > l->in_fd_count) {
        *ret_wrong = "announced descriptors that did not come";
        return false;
    }
    struct rpc_fds fds = {.count = f.fd_count};
    memcpy(fds.fd, l->in_fds, f.fd_count * sizeof(int));
    l->in_fd_count -= f.fd_count;
    memmove(l->in_fds, l->in_fds + f.fd_count, l->in_fd_count * sizeof(int));
    struct slice payload = slice_first(r.rest, f.len);
    *at += HEAD + f.len;
    *ret_wrong = f.kind == FRAME_ANSWER ? take_answer(l, &f, payload, &fds)
                                        : take_request(l, &f, payload, &fds);
    close_fds(&fds);
    return *ret_wrong == NULL;
}

/* Reads once; descriptors go to in_fds. Bytes read, 0 at the end, negative errno. */
static ssize_t receive_some(struct rpc_link *l) {
    union {
        char bytes[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control;
    buf_reserve(&l->in, READ_SIZE);
    struct iovec part = {l->in.ptr + l->in.len, l->in.size - l->in.len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(l->fd.fd, &message, MSG_CMSG_CLOEXEC);
    if (n < 0)
        return -errno;
    if (n > 0 && (size_t)n < part.iov_len && message.msg_controllen == 0)
        fiber_fd_drained(&l->fd);
    l->in.len += (size_t)n;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        const int *fds = (const int *)(const void *)CMSG_DATA(c);
        for (size_t i = 0; i < count; i++) {
            if (l->in_fd_count < ARRAY_SIZE(l->in_fds))
                l->in_fds[l->in_fd_count++] = fds[i];
            else
                (void)close(fds[i]);
        }
    }
    return n;
}

static void read_frames(void *arg) {
    struct rpc_link *l = arg;
    unsigned epoch = l->epoch;
    const char *wrong = NULL;
    while (!wrong && fiber_fd_wait_readable(&l->fd, USEC_NEVER) == 0) {
        size_t at = 0;
        ssize_t n = receive_some(l);
        if (n == -EAGAIN) {
            fiber_fd_drained(&l->fd);
            continue;
        }
        if (n == 0 || (n < 0 && n != -EINTR))
            break;
        l->counts.bytes_in += (uint64_t)MAX(n, (ssize_t)0);
        while (next_frame(l, &at, &wrong))
            ;
        buf_drop(&l->in, at);
        if (l->in.len == 0 && l->in.size > 2 * (size_t)READ_SIZE)
            buf_done(&l->in);
    }
    if (wrong && l->options.misbehaved)
        l->options.misbehaved(l, wrong, l->options.arg);
    link_ended(l, epoch);
}

/* ------------------------------------------------------------------ life */

/* No more calls; the two fibers notice and end. */
static void take_down(struct rpc_link *l) {
    if (!l->up)
        return;
    l->up = false;
    (void)shutdown(l->fd.fd, SHUT_RDWR);
    fiber_cond_wake_all(&l->out_filled);
    fiber_cond_wake_all(&l->out_emptied);
    fail_calls(l);
}

/* The first of the two fibers takes the link down; the last one frees the connection. */
static void link_ended(struct rpc_link *l, unsigned epoch) {
    if (l->epoch == epoch)
        take_down(l);
    if (l->fibers > 1) {
        l->fibers--;
        return;
    }
    int fd = l->fd.fd;
    fiber_fd_done(&l->fd);
    (void)close(fd);
    while (l->in_fd_count > 0)
        (void)close(l->in_fds[--l->in_fd_count]);
    drop_out_fds(l);
    buf_done(&l->in);
    buf_done(&l->out);
    if (l->options.down)
        l->options.down(l, l->options.arg);
    l->fibers = 0; /* only now: `down` may have freed the link, as far as it is concerned */
    fiber_cond_wake_all(&l->ended);
    free_if_left(l);
}

struct rpc_link *rpc_link_new(const struct rpc_options *options) {
    struct rpc_link *l = NEW(struct rpc_link);
    l->options = *options;
    l->free_slot = NO_SLOT;
    l->fd.fd = -1;
    list_init(&l->out_fds);
    fiber_cond_init(&l->out_filled);
    fiber_cond_init(&l->out_emptied);
    fiber_cond_init(&l->ended);
    return l;
}

int rpc_link_attach(struct rpc_link *l, int fd) {
    return rpc_link_attach_under(l, fd, fiber_self());
}

int rpc_link_attach_under(struct rpc_link *l, int fd, struct fiber *parent) {
    char name[32];
    rpc_link_close(l);
    int r = fiber_fd_init(&l->fd, fd);
    if (r < 0) {
        (void)close(fd);
        return r;
    }
    l->epoch++;
    l->up = true;
    l->fibers = 2;
    (void)snprintf(name, sizeof name, "from %s %u", role_name(l->options.other), l->options.worker);
    MUST(fiber_spawn_under(parent, name, read_frames, l) == 0);
    (void)snprintf(name, sizeof name, "to %s %u", role_name(l->options.other), l->options.worker);
    MUST(fiber_spawn_under(parent, name, write_frames, l) == 0);
    return 0;
}

void rpc_link_close(struct rpc_link *l) {
    take_down(l);
    while (l->fibers > 0 && fiber_cond_wait(&l->ended) == 0)
        ;
}

void rpc_link_free(struct rpc_link *l) {
    if (!l)
        return;
    take_down(l);
    l->abandoned = true;
    free_if_left(l);
}

static void free_if_left(struct rpc_link *l) {
    if (!l->abandoned || l->fibers > 0 || l->requests > 0)
        return;
    free(l->slots);
    free(l);
}

bool rpc_link_up(const struct rpc_link *l) {
    return l->up;
}

const struct rpc_options *rpc_link_options(const struct rpc_link *l) {
    return &l->options;
}

struct rpc_counts rpc_link_counts(const struct rpc_link *l) {
    return l->counts;
}

/* ------------------------------------------------------------------ calls */

static int wait_for_answer(struct rpc_link *l, struct waiting_call *w, uint32_t slot) {
    while (!w->done) {
        int r = fiber_cond_wait(&w->answered);
        if (r < 0 && !w->done) {
            l->slots[slot].call = NULL;
            return r;
        }
    }
    return w->result;
}

int rpc_do_call(struct rpc_link *l, const struct rpc_call *call, const void *in, struct arena *a,
                void *ret_out, struct problem *problem) {
    struct waiting_call w = {.call = call, .arena = a, .out = ret_out, .problem = problem};
    uint32_t slot = 0;
    fiber_cond_init(&w.answered);
    while (l->up && l->out.len > RPC_OUT_MAX) {
        int r = fiber_cond_wait(&l->out_emptied);
        if (r < 0)
            return r;
    }
    if (!l->up)
        return problem_set(problem, -EPIPE, "the %s process is not there; it is being restarted",
                           role_name(l->options.other));
    int r = slot_get(l, &slot);
    if (r < 0)
        return r;
    struct frame f = {.number = call->number, .kind = FRAME_REQUEST, .tag = slot};
    r = add_frame(l, f, call->encode_in, in, (struct slice){NULL, 0});
    if (r < 0) {
        slot_put(l, slot);
        return r;
    }
    l->slots[slot].call = &w;
    l->counts.calls_made++;
    r = wait_for_answer(l, &w, slot);
    if (r == -EPIPE && problem && problem->text[0] == '\0')
        return problem_set(problem, r, "the %s process ended during the call",
                           role_name(l->options.other));
    return r;
}

int rpc_do_send(struct rpc_link *l, const struct rpc_call *call, const void *in) {
    struct frame f = {.number = call->number, .kind = FRAME_ONE_WAY};
    int r = !l->up ? -EPIPE : l->out.len > RPC_OUT_MAX ? -E_LIMIT : 0;
    if (r == 0)
        r = add_frame(l, f, call->encode_in, in, (struct slice){NULL, 0});
    if (r < 0)
        l->counts.dropped++;
    return r;
}
