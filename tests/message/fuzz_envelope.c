/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as an envelope. What decodes is encoded again, and that must decode to the same
 * encoding.
 */
#include "message/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf once = {0}, twice = {0};
    struct envelope e, summary;
    int error = envelope_decode(slice_of(data, size), &a, &e);
    MUST(error == envelope_summary(slice_of(data, size), &summary));
    if (error)
        return 0;
    MUST(e.arrival == summary.arrival && e.count == summary.count);
    MUST(envelope_encode(&e, &once) == 0);
    MUST(envelope_decode(buf_slice(&once), &a, &e) == 0);
    MUST(envelope_encode(&e, &twice) == 0);
    MUST(slice_eq(buf_slice(&once), buf_slice(&twice)));
    for (size_t i = 0; i < e.count; i++)
        notify_print(&twice, e.recipients[i].notify);
    return 0;
}
