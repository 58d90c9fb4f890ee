/* SPDX-License-Identifier: ISC */
/*
 * First byte: width of the terminal. The rest, cut at NUL: for each event its kind, text, and
 * facts with name and value, up to an empty piece. Whatever it is, the terminal gets lines of plain
 * characters.
 */
#include "base/encode.h"
#include "base/error.h"
#include "journey/describe.h"
#include "journey/show.h"

#define EVENTS_MAX 8
#define FACTS_MAX  12

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool next(struct slice *rest, struct slice *ret) {
    return slice_next(rest, '\0', ret);
}

static size_t read_events(struct slice rest, struct arena *a, struct event *events) {
    size_t count = 0;
    struct slice kind, text, name, value;
    while (count < EVENTS_MAX && next(&rest, &kind) && next(&rest, &text)) {
        struct event *e = &events[count++];
        *e = (struct event){.sequence = count,
                            .wall = (int64_t)(text.len * 1000003),
                            .message = kind.len,
                            .role = kind,
                            .kind = kind,
                            .text = text,
                            .facts = arena_array(a, FACTS_MAX, sizeof *e->facts)};
        while (e->fact_count < FACTS_MAX && next(&rest, &name) && name.len > 0 &&
               next(&rest, &value))
            e->facts[e->fact_count++] = (struct event_fact){name, value};
    }
    return count;
}

static void check_plain(struct slice shown) {
    MUST(utf8_valid(shown));
    for (size_t i = 0; i < shown.len; i++)
        MUST((uint8_t)shown.ptr[i] >= 0x20 ? shown.ptr[i] != 0x7f : shown.ptr[i] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0}, json_text = {0}, said = {0};
    struct event events[EVENTS_MAX];
    queue_id relatives[4];
    struct json j = {.to = &json_text};
    struct show_place place;
    if (len == 0)
        return 0;
    size_t count = read_events(slice_of(bytes + 1, len - 1), &a, events);
    show_journey(&b, 1, events, count, &place, &(struct show_options){.width = bytes[0]});
    for (size_t i = 0; i < count; i++) {
        size_t before = b.len;
        show_line(&b, &events[i]);
        struct slice line = slice_from(buf_slice(&b), before);
        MUST(slice_find_byte(line, '\n') == (ssize_t)line.len - 1);
        (void)describe_from_facts(&said, &events[i]);
    }
    check_plain(buf_slice(&b));
    (void)show_relatives(events, count, relatives, 4);
    show_journey_json(&j, 1, 1, events, count);
    MUST(utf8_valid(buf_slice(&json_text)) && slice_find_byte(buf_slice(&json_text), '\n') < 0);
    return 0;
}
