/* SPDX-License-Identifier: ISC */
/*
 * The other side of a stream, for fuzz targets: it says an input in parts, never waits, hears
 * whatever it is told, and has gone behind its last byte.
 */
#pragma once

#include "io/stream.h"

struct parts {
    struct slice rest; /* not said yet */
    size_t part;       /* at most so many bytes come at a time */
    uint64_t heard;    /* bytes so far */

    /* Looks at what it is told; `p->heard` does not count that yet. May be NULL. */
    void (*hear)(struct parts *p, struct slice said);
};

/* The stream to it; `p` must outlive that. */
struct stream *parts_stream(struct parts *p);
