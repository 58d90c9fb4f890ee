/* SPDX-License-Identifier: ISC */
#include "dialogue/parts.h"

static ssize_t says(void *below, void *to, size_t size) {
    struct parts *p = below;
    struct slice some = slice_first(slice_first(p->rest, p->part), size);
    if (some.len > 0)
        memcpy(to, some.ptr, some.len);
    p->rest = slice_from(p->rest, some.len);
    return (ssize_t)some.len;
}

static ssize_t hears(void *below, const void *bytes, size_t len) {
    struct parts *p = below;
    if (p->hear)
        p->hear(p, slice_of(bytes, len));
    p->heard += len;
    return (ssize_t)len;
}

static int no_wait(void *below, usec_t deadline) {
    panic("nothing to wait for");
}

static int shut(void *below) {
    return 0;
}

static void closed(void *below) {
}

static int no_descriptor(void *below) {
    return -1;
}

struct stream *parts_stream(struct parts *p) {
    static const struct stream_ops ops = {
        .read = says,
        .write = hears,
        .wait_read = no_wait,
        .wait_write = no_wait,
        .shutdown = shut,
        .close = closed,
        .fd = no_descriptor,
    };
    return stream_new(&ops, p);
}
