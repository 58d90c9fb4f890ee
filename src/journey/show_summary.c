/* SPDX-License-Identifier: ISC */
/* A message in one line: what became of its recipients in a word or two. */
#include <string.h>

#include "base/alloc.h"
#include "base/words.h"
#include "journey/record.h"
#include "journey/told.h"

/* What became of a recipient, in a word; empty for one whose place others have taken. */
static const char *word_of(const struct addressee *r, bool held) {
    if (r->kind && r->kind->disposition == DISPOSITION_PASSED_ON &&
        event_value(r->event, FACT_TARGETS).len > 0)
        return "";
    if (held && told_waits(r))
        return N_("Held");
    return !r->kind || told_begins(r->kind) ? N_("Waits") : r->kind->title;
}

/*
 * Each word once, with its number where there are several recipients. A message that was refused
 * before it had any has the word of the event with which it came.
 */
static void add_states(struct buf *to, const struct recipients *all, const struct kind *came,
                       bool held, bool translate) {
    size_t told = 0;
    if (all->count == 0 && came && came->disposition != DISPOSITION_NONE)
        buf_add_str(to, translate ? translated(came->title) : came->title);
    for (size_t i = 0; i < all->count; i++)
        told += word_of(all->list[i], held)[0] ? 1 : 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *word = word_of(all->list[i], held);
        size_t same = 0;
        bool before = false;
        for (size_t k = 0; k < all->count; k++) {
            bool equal = strcmp(word_of(all->list[k], held), word) == 0;
            same += equal ? 1 : 0;
            before |= equal && k < i;
        }
        if (!word[0] || before)
            continue;
        buf_add_str(to, to->len == 0 ? "" : translate ? _(", ") : ", ");
        buf_add_str(to, translate ? translated(word) : word);
        if (same < told)
            buf_printf(to, " %zu", same);
    }
}

void show_summary(queue_id message, const struct event *events, size_t count, struct arena *a,
                  struct show_summary *ret) {
    _cleanup_(arena_done) struct arena own = {0};
    _cleanup_(buf_done) struct buf state = {0};
    _cleanup_(told_recipients_done) struct recipients all = {.arena = &own};
    struct messages messages = {{message}, 1};
    const struct event *origin = told_origin(message, events, count);
    struct slice to = origin ? event_value(origin, FACT_TO) : S(""), address;
    *ret = (struct show_summary){.message = message, .wall = queue_id_time(message)};
    if (origin) {
        ret->wall = origin->wall;
        ret->from = event_value(origin, FACT_FROM);
        ret->subject = event_value(origin, FACT_SUBJECT);
    }
    for (struct slice rest = to; event_next_address(&rest, &address);)
        ret->to_count++;
    ret->to = arena_array(a, ret->to_count, sizeof *ret->to);
    for (size_t i = 0; i < ret->to_count && event_next_address(&to, &address); i++)
        ret->to[i] = address;
    told_add_named(&messages, FACT_CHILD, events, count);
    told_gather(&all, &messages, events, count);
    bool held = told_is_held(message, events, count);
    const struct kind *came = origin ? kind_find(origin->kind) : NULL;
    add_states(&state, &all, came, held, false);
    ret->state = arena_copy(a, buf_slice(&state));
    buf_clear(&state);
    add_states(&state, &all, came, held, true);
    ret->state_words = arena_copy(a, buf_slice(&state));
}
