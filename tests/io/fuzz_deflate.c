/* SPDX-License-Identifier: ISC */
/*
 * A compressed stream: any bytes as what a peer has compressed, in parts of any size, become what
 * zlib makes of them in one go, up to the first that is wrong and within the bound; and what is
 * written is what zlib reads.
 *
 * Byte 0: the size of parts.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include "base/alloc.h"
#include "dialogue/parts.h"
#include "io/deflate.h"

#define PLAIN_MAX (8U << 20)

struct peer {
    struct parts parts;
    struct buf heard, read;
    struct slice says;
    int error;
};

static void remember(struct parts *p, struct slice said) {
    buf_add(&CONTAINER_OF(p, struct peer, parts)->heard, said);
}

static void converse(void *arg) {
    struct peer *p = arg;
    struct stream *s = parts_stream(&p->parts);
    MUST(stream_deflate(s) == 0);
    stream_write(s, slice_first(p->says, p->says.len / 2));
    MUST(stream_flush(s) == 0);
    stream_write(s, slice_from(p->says, p->says.len / 2));
    while ((p->error = stream_fill(s, 1)) == 0 && p->read.len < PLAIN_MAX) {
        buf_add(&p->read, stream_window(s));
        stream_consume(s, stream_window(s).len);
    }
    MUST(stream_flush(s) == 0);
    stream_free(s);
}

/* Z_OK: all of it was good; Z_STREAM_END; or what was wrong behind that. */
static int unpack(struct slice packed, struct buf *to) {
    z_stream z = {0};
    char room[4096];
    int r;
    MUST(inflateInit2(&z, -MAX_WBITS) == Z_OK);
    z.next_in = (const Bytef *)packed.ptr;
    z.avail_in = (uInt)packed.len;
    do {
        z.next_out = (Bytef *)room;
        z.avail_out = sizeof room;
        r = inflate(&z, Z_SYNC_FLUSH);
        buf_add_bytes(to, room, sizeof room - z.avail_out);
    } while (r == Z_OK && (z.avail_out == 0 || z.avail_in > 0) && to->len < PLAIN_MAX);
    (void)inflateEnd(&z);
    return r == Z_BUF_ERROR ? Z_OK : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 1 || len > 10000)
        return 0;
    struct slice input = slice_of(bytes + 1, len - 1);
    struct peer p = {.parts = {input, (size_t)bytes[0] + 1, .hear = remember}, .says = input};
    struct buf plain = {0}, heard = {0};
    MUST(fiber_run(&(struct fiber_config){.simulate_from = 1}, converse, &p) == 0);
    int r = unpack(input, &plain);
    if (p.read.len < PLAIN_MAX) {
        MUST(p.error == (r == Z_OK || r == Z_STREAM_END ? -E_EOF : -EPROTO));
        MUST(p.read.len <= plain.len); /* what comes with what is wrong may be left out */
        MUST(p.error == -EPROTO || p.read.len == plain.len);
        MUST(slice_eq(buf_slice(&p.read), slice_first(buf_slice(&plain), p.read.len)));
    }
    MUST(unpack(buf_slice(&p.heard), &heard) == Z_OK);
    MUST(slice_eq(buf_slice(&heard), input));
    buf_done(&p.heard);
    buf_done(&p.read);
    buf_done(&plain);
    buf_done(&heard);
    return 0;
}
