/* SPDX-License-Identifier: ISC */
/*
 * The writer sends whatever has gathered in `out` with one system call; frames added in the same
 * turn of the scheduler share it. What is sent stays in front of the buffer until it is worth
 * moving the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "rpc/link.h"

/* Descriptors that go with the frame that begins at byte `at` of `out`. */
struct outgoing_fds {
    struct link link;
    size_t at;
    struct rpc_fds fds;
};

static void close_all(struct rpc_fds *fds) {
    while (fds->count > 0)
        (void)close(fds->fd[--fds->count]);
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
            close_all(&o->fds);
            free(o);
            return -error;
        }
        o->fds.fd[o->fds.count++] = fd;
    }
    list_append(&l->out_fds, &o->link);
    return 0;
}

int add_frame(struct rpc_link *l, struct frame f, rpc_encode_fn *encode, const void *value,
              struct slice text, uint32_t *ret_len) {
    size_t begin = l->out.len;
    struct rpc_fds fds = {0};
    buf_reserve(&l->out, FRAME_HEAD);
    l->out.len += FRAME_HEAD;
    bool ok = !encode || encode(&l->out, value, &fds);
    buf_add(&l->out, text);
    size_t len = l->out.len - begin - FRAME_HEAD;
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
    if (ret_len)
        *ret_len = (uint32_t)len;
    return 0;
}

static struct outgoing_fds *first_fds(const struct rpc_link *l) {
    struct link *k = list_first(&l->out_fds);
    return k ? CONTAINER_OF(k, struct outgoing_fds, link) : NULL;
}

static void forget_fds(struct outgoing_fds *o) {
    link_remove(&o->link);
    close_all(&o->fds);
    free(o);
}

void drop_output(struct rpc_link *l) {
    struct outgoing_fds *o;
    while ((o = first_fds(l)))
        forget_fds(o);
    buf_done(&l->out);
    l->sent = 0;
}

/* Sends once: up to the next frame with descriptors, or that frame with them. */
static ssize_t send_some(struct rpc_link *l) {
    union {
        char bytes[CMSG_SPACE(RPC_FRAME_FDS * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct outgoing_fds *o = first_fds(l);
    bool with_fds = o && o->at == l->sent;
    struct iovec part = {l->out.ptr + l->sent, bytes_to_send(l)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct outgoing_fds *next = o;
    if (with_fds) {
        next = o->link.next != &l->out_fds.head
                   ? CONTAINER_OF(o->link.next, struct outgoing_fds, link)
                   : NULL;
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(o->fds.count * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(o->fds.count * sizeof(int));
        memcpy(CMSG_DATA(c), o->fds.fd, o->fds.count * sizeof(int));
    }
    if (next)
        part.iov_len = next->at - l->sent;
    ssize_t n = sendmsg(l->fd.fd, &message, MSG_NOSIGNAL);
    if (n < 0)
        return -errno;
    if (with_fds)
        forget_fds(o);
    return n;
}

/* Takes note that the first `n` bytes are gone. */
static void drop_sent(struct rpc_link *l, size_t n) {
    l->sent += n;
    l->counts.bytes_out += n;
    if (l->sent == l->out.len && l->out.size > BUFFER_KEPT) {
        buf_done(&l->out);
        l->sent = 0;
    } else if (l->sent >= l->out.len / 2) {
        buf_drop(&l->out, l->sent);
        LIST_EACH (later, &l->out_fds, struct outgoing_fds, link)
            later->at -= l->sent;
        l->sent = 0;
    }
    fiber_cond_wake_all(&l->out_emptied);
}

void write_frames(struct rpc_link *l, unsigned epoch) {
    int r = 0;
    while (r == 0 && l->up && l->epoch == epoch) {
        if (bytes_to_send(l) == 0) {
            r = fiber_cond_wait(&l->out_filled);
            continue;
        }
        ssize_t n = send_some(l);
        if (n > 0) {
            drop_sent(l, (size_t)n);
        } else if (n == -EAGAIN) {
            l->fd.writable = false;
            r = fiber_fd_wait_writable(&l->fd, USEC_NEVER);
        } else if (link_has_no_room(n)) {
            r = fiber_sleep(LINK_TRY_AGAIN_AFTER);
        } else if (n != -EINTR) {
            r = n < 0 ? (int)n : -EPIPE;
        }
    }
}
