/* SPDX-License-Identifier: ISC */
#include "imap/search/context.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "fiber/wait.h"
#include "imap/limit.h"

#define SEND_AT 16384U /* bytes of a long line that go on their way together */

#define SORTED_AT_ONCE 10000U /* messages, whatever others do */

#define SAVED_MAX    1048576U /* bytes of ranges that a session has for "$" */
#define SORT_AT_ONCE 4096U    /* bytes of UIDs; more take another thread */

int imap_turn_to_sort(struct imap_session *s, size_t messages, struct fiber_turn *turn) {
    if (messages <= SORTED_AT_ONCE || !s->config->sorting)
        return 0;
    fiber_turn_take(s->config->sorting, map_u64(&s->account_id), s, turn);
    return fiber_turn_wait(turn);
}

/* ------------------------------------------------------------------ numbers */

static uint32_t number_of(const struct imap_found *found, size_t i) {
    return imap_tells_uids(found->command) ? found->uids[i]
                                           : (uint32_t)told_number(found->told, found->uids[i]);
}

/* The same, of many of them. */
static uint32_t number_among(const struct imap_found *found, const struct told_numbers *numbers,
                             size_t i) {
    return imap_tells_uids(found->command) ? found->uids[i]
                                           : told_numbers_of(numbers, found->uids[i]);
}

/* Some of them as ranges, in their order; in the arena of the command. */
static struct imap_set set_of(struct imap_session *s, const struct imap_found *found, size_t from,
                              size_t to) WAITS {
    struct imap_range *ranges = arena_array(&s->c.arena, to - from, sizeof *ranges);
    _cleanup_(told_numbers_done) struct told_numbers numbers;
    size_t used = 0;
    told_numbers_begin(&numbers, found->told, to - from);
    for (size_t i = from; i < to; i++) {
        uint32_t n = number_among(found, &numbers, i);
        if (used > 0 && ranges[used - 1].last + 1 == n)
            ranges[used - 1].last = n;
        else
            ranges[used++] = (struct imap_range){n, n};
        if (i % 64 == 0)
            (void)fiber_yield_if_long();
    }
    return (struct imap_set){.ranges = ranges, .count = used};
}

static uint64_t modseq_of(const struct told *told, uint32_t uid) {
    struct store_message m;
    store_view_at(told->view, store_view_place(told->view, uid), &m);
    return m.modseq;
}

/* RFC 7162 §3.1.10: of the messages that are told; MIN and MAX alone are one or two. */
static uint64_t highest_modseq(const struct imap_found *found, unsigned returns) WAITS {
    const unsigned more = IMAP_RETURN_ALL | IMAP_RETURN_COUNT | IMAP_RETURN_PARTIAL;
    const bool ends = returns & (IMAP_RETURN_MIN | IMAP_RETURN_MAX) && !(returns & more);
    uint64_t highest = 0;
    for (size_t i = 0; i < found->count; i++) {
        if (!ends || (i == 0 && returns & IMAP_RETURN_MIN) ||
            (i + 1 == found->count && returns & IMAP_RETURN_MAX))
            highest = MAX(highest, modseq_of(found->told, found->uids[i]));
        (void)fiber_yield_if_long();
    }
    return highest;
}

/* ------------------------------------------------------------------ $ */

static int compare_uids(const void *a, const void *b) {
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int sort_uids(void *arg) {
    struct buf *uids = arg;
    qsort(uids->ptr, uids->len / sizeof(uint32_t), sizeof(uint32_t), compare_uids);
    return 0;
}

/* RFC 5182 §2.4, RFC 9394 §3.2: what was told, unless that were numbers of messages only. */
static void save(struct imap_session *s, const struct imap_found *found, unsigned returns,
                 size_t from, size_t to) WAITS {
    const unsigned few = IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_PARTIAL;
    const bool all = !(returns & few) || returns & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT);
    _cleanup_(buf_done) struct buf uids = {0};
    for (size_t i = 0; i < found->count; i++) {
        bool ends = (i == 0 && returns & IMAP_RETURN_MIN) ||
                    (i + 1 == found->count && returns & IMAP_RETURN_MAX);
        if (all || ends || (returns & IMAP_RETURN_PARTIAL && i >= from && i < to))
            buf_add_bytes(&uids, &found->uids[i], sizeof *found->uids);
        (void)fiber_yield_if_long();
    }
    const bool sorted = found->command->verb == IMAP_SORT && uids.len > 0;
    if (sorted && uids.len > SORT_AT_ONCE)
        (void)offload(OFFLOAD_SCAN, sort_uids, &uids);
    else if (sorted)
        (void)sort_uids(&uids);
    struct imap_set set = imap_set_of_uids(&uids, &s->c.arena);
    buf_done(&s->saved);
    s->not_saved = set.count * sizeof *set.ranges > SAVED_MAX;
    if (!s->not_saved)
        buf_add_bytes(&s->saved, set.ranges, set.count * sizeof *set.ranges);
}

/* ------------------------------------------------------------------ answers */

static void tell_list(struct imap_session *s, const char *name,
                      const struct imap_found *found) WAITS {
    struct imap_writer *w = &s->c.writer;
    uint64_t modseq = found->has_modseq ? highest_modseq(found, 0) : 0;
    _cleanup_(told_numbers_done) struct told_numbers numbers;
    told_numbers_begin(&numbers, found->told, found->count);
    imap_write_begin(w, S("*"));
    imap_write_word(w, name);
    for (size_t i = 0; i < found->count; i++) {
        imap_write_number(w, number_among(found, &numbers, i));
        if (s->c.out.len >= SEND_AT)
            imap_send(&s->c);
        if (i % 64 == 0)
            (void)fiber_yield_if_long();
    }
    if (modseq > 0) {
        imap_write_open(w);
        imap_write_word(w, "MODSEQ");
        imap_write_number(w, modseq);
        imap_write_close(w);
    }
    imap_write_end(w);
    imap_send(&s->c);
}

static void write_partial(struct imap_session *s, const struct imap_found *found, size_t from,
                          size_t to) WAITS {
    const struct imap_partial *p = &found->command->search.returns.partial;
    const char *sign = p->from_end ? "-" : "";
    struct imap_writer *w = &s->c.writer;
    char range[32];
    (void)snprintf(range, sizeof range, "%s%u:%s%u", sign, p->first, sign, p->last);
    imap_write_word(w, "PARTIAL");
    imap_write_open(w);
    imap_write_word(w, range);
    if (from < to) {
        struct imap_set set = set_of(s, found, from, to);
        imap_write_set(w, &set);
    } else {
        imap_write_nil(w);
    }
    imap_write_close(w);
}

/* RFC 6203 §4: each is there as it was asked for, so none fits better than the other. */
static void write_relevancy(struct imap_session *s, size_t count) WAITS {
    struct imap_writer *w = &s->c.writer;
    imap_write_word(w, "RELEVANCY");
    imap_write_open(w);
    for (size_t i = 0; i < count; i++) {
        imap_write_number(w, 100);
        if (s->c.out.len >= SEND_AT)
            imap_send(&s->c);
    }
    imap_write_close(w);
}

static void tell_extended(struct imap_session *s, const struct imap_found *found, unsigned returns,
                          size_t from, size_t to) WAITS {
    struct imap_writer *w = &s->c.writer;
    uint64_t modseq = found->has_modseq && found->count > 0 ? highest_modseq(found, returns) : 0;
    imap_begin_found(s, found->command, found->told);
    if (returns & IMAP_RETURN_MIN && found->count > 0) {
        imap_write_word(w, "MIN");
        imap_write_number(w, number_of(found, 0));
    }
    if (returns & IMAP_RETURN_MAX && found->count > 0) {
        imap_write_word(w, "MAX");
        imap_write_number(w, number_of(found, found->count - 1));
    }
    if (returns & IMAP_RETURN_COUNT) {
        imap_write_word(w, "COUNT");
        imap_write_number(w, found->count);
    }
    if (returns & IMAP_RETURN_PARTIAL)
        write_partial(s, found, from, to);
    if (returns & IMAP_RETURN_ALL && found->count > 0) {
        struct imap_set set = set_of(s, found, 0, found->count);
        imap_write_word(w, "ALL");
        imap_write_set(w, &set);
    }
    if (returns & IMAP_RETURN_RELEVANCY && found->has_fuzzy && found->count > 0)
        write_relevancy(s, returns & IMAP_RETURN_PARTIAL ? to - from : found->count);
    if (modseq > 0) {
        imap_write_word(w, "MODSEQ");
        imap_write_number(w, modseq);
    }
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_tell_found(struct imap_session *s, const char *name, const struct imap_found *found) {
    const struct imap_returns *r = &found->command->search.returns;
    const unsigned telling = r->set & ~(unsigned)(IMAP_RETURN_GIVEN | IMAP_RETURN_SAVE |
                                                  IMAP_RETURN_UPDATE | IMAP_RETURN_CONTEXT);
    size_t from = 0, to = found->count;
    if (r->set & IMAP_RETURN_PARTIAL)
        imap_range_of(found->count, &r->partial, &from, &to);
    const enum imap_verb verb = found->command->verb;
    const bool rev2 = s->enabled & IMAP_ENABLED_REV2;
    const bool silent = verb == IMAP_ESEARCH && found->count == 0; /* RFC 7377 §2.1 */
    if (!r->set && !silent && (verb == IMAP_ESEARCH || (verb == IMAP_SEARCH && rev2)))
        tell_extended(s, found, IMAP_RETURN_ALL, from, to); /* RFC 9051 §6.4.4 */
    else if (!r->set && !silent)
        tell_list(s, name, found);
    else if (telling && !silent)
        tell_extended(s, found, r->set, from, to);
    if (r->set & IMAP_RETURN_SAVE)
        save(s, found, r->set, from, to);
    const bool update = r->set & IMAP_RETURN_UPDATE && found->told == &s->told;
    if (update && found->lowest > 0)
        imap_context_refuse(s, found->command->tag);
    else if (update)
        imap_context_begin(s, found);
}

bool imap_returns_are_good(struct imap_session *s, const struct imap_command *command) {
    const unsigned both = IMAP_RETURN_ALL | IMAP_RETURN_PARTIAL, set = command->search.returns.set;
    const char *bad = NULL;
    if ((set & both) == both)
        bad = "ALL and PARTIAL exclude each other";
    else if (set & IMAP_RETURN_UPDATE && imap_context_is_there(s, command->tag))
        bad = "the tag is that of a search whose results are being updated"; /* RFC 5267 §4.3 */
    if (bad && imap_bad(&s->c, command->tag, "%s", bad) < 0)
        s->end = DOOR_END_DISMISSED;
    return !bad;
}

bool imap_charset_is_good(struct imap_session *s, const struct imap_command *command) {
    const unsigned enabled = s->enabled & (IMAP_ENABLED_UTF8 | IMAP_ENABLED_REV2);
    if (enabled != IMAP_ENABLED_UTF8 || !command->search.program.charset.ptr)
        return true;
    if (imap_bad(&s->c, command->tag, "no charset is named once UTF8=ACCEPT is enabled") < 0)
        s->end = DOOR_END_DISMISSED;
    return false;
}

bool imap_has_fuzzy(const struct imap_search_program *p) {
    for (size_t i = 0; i < p->count; i++)
        if (p->nodes[i].key > IMAP_SEARCH_OR && p->nodes[i].fuzzy)
            return true;
    return false;
}

static void say_bad_charset(struct imap_session *s, struct slice tag) WAITS {
    static const char *const names[] = {"UTF-8",     "US-ASCII", "ISO-2022-JP",
                                        "Shift_JIS", "EUC-JP",   "ISO-8859-1"};
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, tag);
    imap_write_word(w, "NO");
    imap_write_code(w, "BADCHARSET");
    imap_write_open(w);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        imap_write_word(w, names[i]);
    imap_write_close(w);
    imap_write_code_end(w);
    imap_write_text(w, S("that charset is not known here; these are, among others"));
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_no_search(struct imap_session *s, const struct imap_command *command, int error) {
    if (command->search.returns.set & IMAP_RETURN_SAVE)
        buf_done(&s->saved);
    if (error == -E_EOF)
        s->end = DOOR_END_LOST;
    else if (error == -E_UNKNOWN)
        say_bad_charset(s, command->tag);
    else if (error == -E2BIG)
        imap_no_limited(s, command, 0);
    else if (error == -E_LIMIT)
        imap_say(&s->c, command->tag, "NO", "LIMIT", "more is looked for than a search may have");
    else if (error != -E_REFUSED)
        imap_no(s, command, error);
}

void imap_end_search(struct imap_session *s, const struct imap_command *command, uint32_t lowest,
                     const char *text) {
    const bool not_saved = s->not_saved;
    int error = imap_look(s);
    s->not_saved = false;
    if (s->end != DOOR_END_NONE)
        return;
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_tell(s, command->uid ? (unsigned)(IMAP_TELL_UIDS | IMAP_TELL_EXPUNGES) : 0, 0);
    if (not_saved) /* RFC 5182 §2.1 */
        imap_say(&s->c, command->tag, "NO", "NOTSAVED",
                 "that is too much to be saved, but what was found is told");
    else if (!imap_say_limited(s, command, lowest, false))
        imap_ok(s, command, "%s", text);
}
