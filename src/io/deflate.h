/* SPDX-License-Identifier: ISC */
/*
 * A stream whose bytes are compressed on both ways (RFC 1951 without a frame, as RFC 4978 has it),
 * above whatever it was before.
 *
 * A flush of the stream ends what is compressed so far so that the peer can read all of it. While
 * the stream waits for input it holds no compressor: an idle connection costs the 40 KiB that
 * reading the peer's bytes takes.
 *
 * What a peer sends may become at most DEFLATE_FREE bytes, and DEFLATE_RATIO for each byte more;
 * beyond that reading fails with -E_LIMIT. What is not compressed rightly is -EPROTO. Both stick.
 * The end of what is compressed is the end of the stream.
 */
#pragma once

#include "io/stream.h"

#define DEFLATE_FREE  (64ULL << 20)
#define DEFLATE_RATIO 200U

/*
 * From here on. What was written before is sent as it is; what was read and not consumed counts as
 * compressed. 0, or an error of sending.
 */
int stream_deflate(struct stream *s) WAITS;
