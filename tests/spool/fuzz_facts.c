/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as facts of the log's records, and as a state. What decodes is encoded
 * again, and that must decode to the same encoding.
 */
#include "spool/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_state(struct slice bytes) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf once = {0}, twice = {0};
    struct spool_state s, summary;
    int error = spool_state_decode(bytes, 100, &a, &s);
    MUST(error == spool_state_summary(bytes, 100, &summary));
    if (error)
        return;
    MUST(s.count == summary.count && s.next == summary.next && s.hold == summary.hold);
    for (size_t i = 0; i < s.count; i++)
        MUST(s.recipients[i].index < 100);
    MUST(spool_state_encode(&s, &once) == 0);
    MUST(spool_state_decode(buf_slice(&once), 100, &a, &s) == 0);
    MUST(spool_state_encode(&s, &twice) == 0);
    MUST(slice_eq(buf_slice(&once), buf_slice(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_of(data, size), state;
    struct log_message message;
    struct log_seal seal;
    struct log_commit commit;
    struct envelope e;
    uint64_t id;
    try_state(bytes);
    if (log_message_decode(bytes, &message) == 0)
        MUST(envelope_summary(message.envelope, &e) == 0 && e.count == message.recipients);
    if (log_state_decode(bytes, &id, &state) == 0)
        try_state(state);
    (void)log_done_decode(bytes, &id);
    (void)log_seal_decode(bytes, &seal);
    (void)log_commit_decode(bytes, &commit);
    return 0;
}
