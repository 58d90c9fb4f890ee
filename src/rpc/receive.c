/* SPDX-License-Identifier: ISC */
/*
 * The reader cuts frames out of the stream, wakes the fibers whose answers they are, starts a fiber
 * for each request, and runs the handlers of one-way calls itself: those do not wait, and a flood
 * of events costs no fibers. After each piece of input the others get their turn, so that requests
 * are worked on before more of them are read. The reader waits for nothing else: what an answer
 * waits for may come behind it. Whoever calls keeps to the bounds of what is under way (call.c).
 *
 * Requests under way when the connection ends are cancelled with their parent, the reader; what
 * they would have answered is dropped, since each carries the epoch of its connection.
 */
#include <errno.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/words.h"
#include "rpc/link.h"

#define READ_SIZE      ((size_t)64 * 1024)
#define FRAMES_AT_ONCE 64U /* of a peer, before others have their turn */

#define HANDED_OVER                                                                                \
    ((size_t)16 * 1024) /* a payload of this size is not copied out of the input                   \
                         */

/* A call of the peer under way here. */
struct request {
    struct rpc_link *link;
    const struct rpc_call *call;
    unsigned epoch;
    uint32_t tag;
    struct arena arena;
    char *memory; /* texts of `in` point into it */
    size_t payload_len;
    void *in;
};

static void request_free(struct request *q) {
    struct rpc_link *l = q->link;
    l->requests--;
    if (q->epoch == l->epoch) {
        l->taken--;
        l->taken_bytes -= q->payload_len;
    }
    arena_done(&q->arena);
    free(q->memory);
    free(q);
}

static void close_fds(struct rpc_fds *fds) {
    while (fds->taken < fds->count)
        (void)close(fds->fd[fds->taken++]);
}

/* ------------------------------------------------------------------ calls of the peer */

static void answer_with(struct rpc_link *l, uint16_t number, uint32_t tag, int status,
                        struct slice text) {
    struct frame f = {.number = number, .kind = FRAME_ANSWER, .tag = tag, .status = status};
    (void)add_frame(l, f, NULL, NULL, text, NULL);
}

static void answer(struct request *q, int status, const void *out,
                   const struct problem *problem) WAITS {
    struct rpc_link *l = q->link;
    struct frame f = {.number = q->call->number, .kind = FRAME_ANSWER, .tag = q->tag};
    while (l->up && l->epoch == q->epoch && bytes_to_send(l) > RPC_OUT_MAX) {
        if (fiber_cond_wait(&l->out_emptied) < 0)
            break;
    }
    if (l->up && l->epoch == q->epoch && status < 0) {
        _cleanup_(buf_done) struct buf sentence = {0};
        problem_write(&sentence, problem);
        answer_with(l, f.number, q->tag, status, buf_slice(&sentence));
    }
    if (l->up && l->epoch == q->epoch && status == 0) {
        int r = add_frame(l, f, q->call->encode_out, out, (struct slice){NULL, 0}, NULL);
        if (r < 0)
            answer_with(l, f.number, q->tag, r == -E_LIMIT ? -EMSGSIZE : r,
                        S("the answer is larger than the schema allows"));
    }
    if (status == 0 && q->call->gives_fds) {
        /* Its descriptors were given to the link, which has sent duplicates or nothing at all. */
        _cleanup_(buf_done) struct buf scratch = {0};
        struct rpc_fds fds = {0};
        (void)q->call->encode_out(&scratch, out, &fds);
        close_fds(&fds);
    }
}

static void serve_request(void *arg) WAITS {
    struct request *q = arg;
    struct rpc_link *l = q->link;
    struct problem problem = {0};
    struct rpc_caller caller = {l->options.other, l->options.worker, l};
    void *out = arena_alloc(&q->arena, q->call->out_size);
    fiber_set_purpose(q->call);
    int r = q->call->invoke(l->options.handlers, l->options.arg, &caller, q->in, &q->arena, out,
                            &problem);
    l->counts.calls_answered++;
    answer(q, MIN(r, 0), out, &problem);
    request_free(q);
    link_free_if_left(l);
}

/* False when the payload is not what the schema says; no descriptor stays open then. */
static bool decode(rpc_decode_fn *fn, struct slice payload, struct arena *a, void *value,
                   struct rpc_fds *fds) {
    struct reader r = {payload, false};
    if (fn(&r, a, value, fds) && !r.bad && r.rest.len == 0)
        return true;
    fds->taken = 0;
    close_fds(fds);
    return false;
}

static const char *take_one_way(struct rpc_link *l, const struct rpc_call *call,
                                struct slice payload, struct rpc_fds *fds) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct rpc_caller caller = {l->options.other, l->options.worker, l};
    void *in = arena_alloc(&a, call->in_size);
    if (!decode(call->decode_in, payload, &a, in, fds))
        return "sent a malformed call";
    (void)call->invoke(l->options.handlers, l->options.arg, &caller, in, &a, NULL, NULL);
    l->counts.calls_answered++;
    return NULL;
}

/*
 * Memory that holds the payload. The frame that the input consists of hands its buffer over, if it
 * is a large one: then the input begins anew.
 */
static char *own_payload(struct rpc_link *l, struct slice *payload) {
    bool whole = payload->ptr == l->in.ptr + FRAME_HEAD && l->in.len == FRAME_HEAD + payload->len;
    char *memory;
    if (!whole || payload->len < HANDED_OVER) {
        memory = mem_copy(payload->ptr, payload->len);
        *payload = slice_of(memory, payload->len);
        return memory;
    }
    memory = mem_grow(l->in.ptr, l->in.len);
    *payload = slice_of(memory + FRAME_HEAD, payload->len);
    l->in = (struct buf){0};
    return memory;
}

static const char *take_call(struct rpc_link *l, const struct rpc_call *call, const struct frame *f,
                             struct slice payload, struct rpc_fds *fds) {
    if (l->taken >= RPC_CALLS_MAX || l->taken_bytes > RPC_IN_MAX)
        return "made too many calls at a time";
    struct request *q = NEW(struct request);
    *q = (struct request){.link = l, .call = call, .epoch = l->epoch, .tag = f->tag};
    q->memory = own_payload(l, &payload);
    q->payload_len = payload.len;
    l->requests++;
    l->taken++;
    l->taken_bytes += payload.len;
    q->in = arena_alloc(&q->arena, call->in_size);
    if (!decode(call->decode_in, payload, &q->arena, q->in, fds)) {
        request_free(q);
        return "sent a malformed call";
    }
    if (fiber_spawn(call->name, serve_request, q) < 0) {
        request_free(q);
        fds->taken = 0;
        answer_with(l, call->number, f->tag, -E_BUSY, S("no memory for another call"));
    }
    return NULL;
}

/* NULL, or what is wrong with the frame. */
static const char *take_request(struct rpc_link *l, const struct frame *f, struct slice payload,
                                struct rpc_fds *fds) WAITS {
    const struct rpc_service *s = l->options.service;
    size_t role = f->number >> 8, number = f->number & 0xffU;
    if (!s || role != s->role || number >= s->count)
        return "made a call that does not exist here";
    const struct rpc_call *call = &s->calls[number];
    if (!(call->from & ROLE_BIT(l->options.other)))
        return "made a call that its role may not make";
    if (call->one_way != (f->kind == FRAME_ONE_WAY))
        return "mixed up calls with and without answer";
    return call->one_way ? take_one_way(l, call, payload, fds)
                         : take_call(l, call, f, payload, fds);
}

/* ------------------------------------------------------------------ answers to our calls */

static const char *read_answer(struct waiting_call *w, const struct frame *f, struct slice payload,
                               struct rpc_fds *fds) {
    if (w->call->number != f->number)
        return "answered another call than was made";
    if (f->status > 0 || f->status <= -E_LAST)
        return "gave an answer that is no answer";
    w->result = f->status;
    if (f->status < 0) {
        problem_read(w->problem, payload);
    } else if (!decode(w->call->decode_out, arena_copy(w->arena, payload), w->arena, w->out, fds)) {
        w->result = -E_CORRUPT;
        return "sent a malformed answer";
    }
    return NULL;
}

static void give(struct waiting_call *w) {
    w->done = true;
    fiber_cond_wake_all(&w->answered);
}

static const char *take_answer(struct rpc_link *l, const struct frame *f, struct slice payload,
                               struct rpc_fds *fds) {
    if (f->tag >= l->slot_count || !l->slots[f->tag].in_use)
        return "answered a call that was not made";
    struct waiting_call *w = l->slots[f->tag].call;
    slot_put(l, f->tag);
    if (!w)
        return NULL; /* the caller gave up */
    w->result = -E_CORRUPT;
    const char *wrong = read_answer(w, f, payload, fds);
    give(w);
    return wrong;
}

/* ------------------------------------------------------------------ frames */

/* A frame whose descriptors were lost here fails alone: its sender has done nothing wrong. */
static const char *take_without_fds(struct rpc_link *l, const struct frame *f) {
    struct slot *slot = f->tag < l->slot_count ? &l->slots[f->tag] : NULL;
    if (f->kind == FRAME_REQUEST)
        answer_with(l, f->number, f->tag, -EMFILE, S("no descriptors are left for this call"));
    if (f->kind != FRAME_ANSWER)
        return NULL;
    if (!slot || !slot->in_use)
        return "answered a call that was not made";
    struct waiting_call *w = slot->call;
    slot_put(l, f->tag);
    if (w) {
        w->result = problem_set(w->problem, -EMFILE, N_("no descriptors are left for the answer"));
        give(w);
    }
    return NULL;
}

/* Descriptors of the next frame; false when fewer came than it announces. */
static bool take_fds(struct rpc_link *l, unsigned count, struct rpc_fds *ret, bool *ret_lost) {
    *ret = (struct rpc_fds){0};
    *ret_lost = count > 0 && l->in_fd_count > 0 && l->in_fds[0] == LOST_FDS;
    unsigned taken = *ret_lost ? 1 : count;
    if (taken > l->in_fd_count)
        return false;
    if (!*ret_lost) {
        ret->count = count;
        memcpy(ret->fd, l->in_fds, count * sizeof(int));
    }
    l->in_fd_count -= taken;
    memmove(l->in_fds, l->in_fds + taken, l->in_fd_count * sizeof(int));
    return true;
}

/* Takes one whole frame off the input; false when there is none, or it is wrong. */
static bool next_frame(struct rpc_link *l, size_t *at, const char **ret_wrong) WAITS {
    struct reader r = {slice_from(buf_slice(&l->in), *at), false};
    struct rpc_fds fds;
    bool lost = false;
    if (r.rest.len < FRAME_HEAD)
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
    if (!l->greeted && f.kind != FRAME_HELLO) {
        *ret_wrong = "did not say its version first";
        return false;
    }
    if (r.rest.len < f.len)
        return false;
    if (!take_fds(l, f.fd_count, &fds, &lost)) {
        *ret_wrong = "announced descriptors that did not come";
        return false;
    }
    struct slice payload = slice_first(r.rest, f.len);
    *at += FRAME_HEAD + f.len;
    *ret_wrong = lost                     ? take_without_fds(l, &f)
                 : f.kind == FRAME_HELLO  ? hello_judge(l, payload)
                 : f.kind == FRAME_ANSWER ? take_answer(l, &f, payload, &fds)
                                          : take_request(l, &f, payload, &fds);
    close_fds(&fds);
    return *ret_wrong == NULL;
}

/* ------------------------------------------------------------------ the socket */

static void keep_fd(struct rpc_link *l, int fd) {
    if (l->in_fd_count < ARRAY_SIZE(l->in_fds))
        l->in_fds[l->in_fd_count++] = fd;
    else if (fd >= 0)
        (void)close(fd);
}

/*
 * Descriptors of one sendmsg, which belong to one frame. When the process has no room for all of
 * them the system drops the rest and says so: then the frame gets none.
 */
static void keep_fds(struct rpc_link *l, struct msghdr *message) {
    bool lost = message->msg_flags & MSG_CTRUNC;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (lost)
                (void)close(fd);
            else
                keep_fd(l, fd);
        }
    }
    if (lost)
        keep_fd(l, LOST_FDS);
}

/* Reads once. Bytes read, 0 at the end, negative errno. */
static ssize_t receive_some(struct rpc_link *l) {
    union {
        char bytes[CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr align;
    } control;
    /* the rest of a large frame that has begun, and nothing behind it: it is handed over whole */
    size_t missing = 0;
    size_t whole = l->in.len < FRAME_HEAD ? 0 : FRAME_HEAD + (size_t)get_u32(l->in.ptr);
    if (whole > HANDED_OVER && whole > l->in.len)
        missing = whole - l->in.len;
    buf_reserve(&l->in, missing ? missing : READ_SIZE);
    struct iovec part = {l->in.ptr + l->in.len, missing ? missing : l->in.size - l->in.len};
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
    l->counts.bytes_in += (uint64_t)n;
    keep_fds(l, &message);
    return n;
}

/* Takes the frames that have come, so many that nobody else has to wait for long. True: there may
 * be more. */
static bool take_frames(struct rpc_link *l, const char **ret_wrong) WAITS {
    size_t at = 0;
    unsigned taken = 0;
    bool in_turn;
    while ((in_turn = taken < FRAMES_AT_ONCE && !fiber_ran_long()) && next_frame(l, &at, ret_wrong))
        taken++;
    buf_drop(&l->in, MIN(at, l->in.len)); /* less when the frame took the input with it */
    if (l->in.len == 0 && l->in.size > BUFFER_KEPT)
        buf_done(&l->in);
    return !in_turn && l->in.len > 0;
}

void drop_input(struct rpc_link *l) {
    while (l->in_fd_count > 0) {
        int fd = l->in_fds[--l->in_fd_count];
        if (fd >= 0)
            (void)close(fd);
    }
    buf_done(&l->in);
}

void read_frames(struct rpc_link *l, unsigned epoch) {
    const char *wrong = NULL;
    /* What comes when the link is down here is not the peer's fault: nobody waits for it any more.
     */
    while (!wrong && fiber_fd_wait_readable(&l->fd, USEC_NEVER) == 0 && l->up &&
           l->epoch == epoch) {
        ssize_t n = receive_some(l);
        if (n == -EAGAIN)
            fiber_fd_drained(&l->fd);
        else if (n > 0)
            while (take_frames(l, &wrong) && fiber_yield() == 0 && l->up && l->epoch == epoch)
                continue;
        else if (link_has_no_room(n) && fiber_sleep(LINK_TRY_AGAIN_AFTER) == 0)
            continue;
        else if (n != -EINTR)
            break;
        if (!wrong && l->fd.readable && fiber_yield() < 0)
            break;
    }
    if (wrong && l->options.misbehaved) {
        struct problem problem = {{0}};
        if (l->other_program[0])
            (void)hello_explain_end(l, true, &problem);
        l->options.misbehaved(l, problem.text[0] ? problem.text : wrong, l->options.arg);
    }
}
