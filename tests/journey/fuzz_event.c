/* SPDX-License-Identifier: ISC */
/*
 * First byte even: the rest is a record; what can be decoded has to come out the same after another
 * round, but for cleaned dialogues. Odd: the rest is a dialogue; cleaning it twice is like once,
 * and nothing secret stays.
 */
#include "events/kinds.h"
#include "journey/key.h"
#include "journey/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void walk_keys(const struct event *e) {
    char folded[KEY_MAX];
    struct key_walk walk = {0};
    struct slice key;
    uint64_t first, last;
    while (key_next(e, &walk, folded, &key)) {
        MUST(key.len > 0 && key.len <= KEY_MAX);
        (void)key_id_range(key, &first, &last);
    }
}

static void try_record(struct slice record) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf once = {0}, twice = {0};
    struct event e = {0}, again = {0};
    if (event_decode(record, &a, &e) < 0)
        return;
    walk_keys(&e);
    struct event in = {
        .kind = e.kind, .text = e.text, .facts = e.facts, .fact_count = e.fact_count};
    event_encode(&once, ROLE_EDGE, &in);
    MUST(once.len <= EVENT_RECORD_MAX);
    MUST(event_decode(buf_slice(&once), &a, &again) == 0);
    MUST(again.fact_count <= e.fact_count);
    in.facts = again.facts;
    in.fact_count = again.fact_count;
    in.text = again.text;
    if (event_value(&e, FACT_SUBJECT).len > 0) /* what was decoded may look encoded once more */
        return;
    event_encode(&twice, ROLE_EDGE, &in);
    MUST(slice_eq(buf_slice(&once), buf_slice(&twice)));
}

static void try_dialogue(struct slice dialogue) {
    _cleanup_(buf_done) struct buf once = {0}, twice = {0};
    struct slice rest, line;
    event_clean_dialogue(&once, dialogue);
    event_clean_dialogue(&twice, buf_slice(&once));
    MUST(slice_eq(buf_slice(&once), buf_slice(&twice)));
    rest = buf_slice(&once);
    while (slice_next(&rest, '\n', &line))
        MUST(!slice_starts_nocase(line, S("C: PASS ")) || slice_eq(slice_from(line, 8), S("***")));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len == 0)
        return 0;
    struct slice rest = slice_of(bytes + 1, len - 1);
    if (bytes[0] % 2 == 0)
        try_record(rest);
    else
        try_dialogue(rest);
    return 0;
}
