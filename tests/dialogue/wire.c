/* SPDX-License-Identifier: ISC */
/*
 * Bytes to the session wait in a list of pieces without bound, so that a script never waits to send
 * and a session that does not read is seen for what it is. Bytes from the session have a bound, so
 * that a script that does not read holds the session up, as a socket would.
 */
#include "dialogue/wire.h"

#include <errno.h>

#include "base/alloc.h"

struct piece {
    struct link in_wire;
    struct buf bytes;
    size_t read;
};

static void piece_free(struct piece *p) {
    buf_done(&p->bytes);
    free(p);
}

void wire_init(struct wire *w, size_t room) {
    *w = (struct wire){.room = room};
    list_init(&w->pieces);
    fiber_cond_init(&w->to_session);
    fiber_cond_init(&w->to_script);
    fiber_cond_init(&w->drained);
}

void wire_done(struct wire *w) {
    struct link *link;
    while ((link = list_pop(&w->pieces)))
        piece_free(CONTAINER_OF(link, struct piece, in_wire));
    buf_done(&w->said);
    buf_done(&w->whole);
}

static ssize_t session_reads(void *below, void *to, size_t size) {
    struct wire *w = below;
    if (w->cut)
        return -ECONNRESET;
    if (list_empty(&w->pieces))
        return w->sent_end ? 0 : -EAGAIN;
    struct piece *p = CONTAINER_OF(list_first(&w->pieces), struct piece, in_wire);
    struct slice some = slice_first(slice_from(buf_slice(&p->bytes), p->read), size);
    memcpy(to, some.ptr, some.len);
    p->read += some.len;
    if (p->read == p->bytes.len) {
        link_remove(&p->in_wire);
        piece_free(p);
    }
    return (ssize_t)some.len;
}

static int session_waits_to_read(void *below, usec_t deadline) {
    struct wire *w = below;
    if (!list_empty(&w->pieces) || w->sent_end || w->cut)
        return 0;
    return fiber_cond_wait_until(&w->to_session, deadline);
}

static ssize_t session_writes(void *below, const void *bytes, size_t len) {
    struct wire *w = below;
    if (w->cut || w->hung_up)
        return -EPIPE;
    len = MIN(len, w->room - w->said.len);
    if (len == 0)
        return -EAGAIN;
    buf_add_bytes(&w->said, bytes, len);
    if (w->keeps)
        buf_add_bytes(&w->whole, bytes, len);
    w->writes++;
    fiber_cond_wake_all(&w->to_script);
    return (ssize_t)len;
}

static int session_waits_to_write(void *below, usec_t deadline) {
    struct wire *w = below;
    if (w->said.len < w->room || w->cut || w->hung_up)
        return 0;
    return fiber_cond_wait_until(&w->drained, deadline);
}

static int session_shuts(void *below) {
    struct wire *w = below;
    w->said_end = true;
    fiber_cond_wake_all(&w->to_script);
    return 0;
}

static void session_closes(void *below) {
    struct wire *w = below;
    w->said_end = w->closed = true;
    fiber_cond_wake_all(&w->to_script);
}

static int no_descriptor(void *below) {
    return -1;
}

struct stream *wire_stream(struct wire *w) {
    static const struct stream_ops ops = {
        .read = session_reads,
        .write = session_writes,
        .wait_read = session_waits_to_read,
        .wait_write = session_waits_to_write,
        .shutdown = session_shuts,
        .close = session_closes,
        .fd = no_descriptor,
    };
    return stream_new(&ops, w);
}

void wire_send(struct wire *w, struct slice bytes) {
    if (bytes.len == 0)
        return;
    struct piece *p = NEW(struct piece);
    buf_add(&p->bytes, bytes);
    list_append(&w->pieces, &p->in_wire);
    fiber_cond_wake_all(&w->to_session);
}

void wire_send_end(struct wire *w) {
    w->sent_end = true;
    fiber_cond_wake_all(&w->to_session);
}

void wire_hang_up(struct wire *w) {
    w->hung_up = true;
    wire_send_end(w);
    fiber_cond_wake_all(&w->drained);
}

void wire_cut(struct wire *w) {
    w->cut = true;
    fiber_cond_wake_all(&w->to_session);
    fiber_cond_wake_all(&w->drained);
}

int wire_wait(struct wire *w, size_t have, usec_t deadline) {
    while (w->said.len <= have && !w->said_end) {
        int r = fiber_cond_wait_until(&w->to_script, deadline);
        if (r < 0)
            return r;
    }
    return 0;
}

void wire_drop(struct wire *w, size_t len) {
    buf_drop(&w->said, len);
    fiber_cond_wake_all(&w->drained);
}
