/* SPDX-License-Identifier: ISC */
/*
 * UIDBATCHES (RFC 10022): ranges of UIDs with so many messages each, from the newest on. There is
 * no gap between them, and the last one goes down to 1.
 */
#include "imap/limit.h"

#define BATCH_MIN 500U /* messages; smaller ones need not be made */

static uint32_t lowest_uid(struct imap_session *s, uint64_t below) {
    size_t count = told_count(&s->told);
    return below >= count ? 1 : told_uid(&s->told, count - (size_t)below + 1);
}

static void tell(struct imap_session *s, const struct imap_command *command) WAITS {
    const struct imap_uidbatches *b = &command->batches;
    const size_t count = told_count(&s->told);
    const uint64_t all = (count + b->size - 1) / b->size;
    const uint64_t first = b->first > 0 ? b->first : 1;
    const uint64_t last = b->last > 0 ? MIN(all, (uint64_t)b->last) : all;
    struct imap_set batches = {0};
    struct imap_writer *w = &s->c.writer;
    struct imap_range *ranges = arena_array(&s->c.arena, (size_t)all, sizeof *ranges);
    for (uint64_t batch = first; batch <= last; batch++) {
        uint32_t highest =
            batch == 1 ? told_uid(&s->told, count) : lowest_uid(s, (batch - 1) * b->size) - 1;
        ranges[batches.count++] = (struct imap_range){highest, lowest_uid(s, batch * b->size)};
        (void)fiber_yield_if_long();
    }
    batches.ranges = ranges;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "UIDBATCHES");
    imap_write_open(w);
    imap_write_word(w, "TAG");
    imap_write_string(w, command->tag);
    imap_write_close(w);
    if (batches.count > 0)
        imap_write_set(w, &batches);
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_do_uidbatches(struct imap_session *s, const struct imap_command *command) {
    const struct imap_uidbatches *b = &command->batches;
    if (b->size < BATCH_MIN) {
        imap_say(&s->c, command->tag, "NO", "TOOFEW", "a batch has at least %u messages",
                 BATCH_MIN);
        return;
    }
    if (s->config->messages_max > 0 && b->size > s->config->messages_max) {
        imap_no_limited(s, command, 0); /* no command could be about such a batch */
        return;
    }
    if (b->first > b->last) {
        imap_say(&s->c, command->tag, "BAD", "CLIENTBUG", "batches are counted upwards");
        return;
    }
    int error = imap_look(s);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_tell(s, IMAP_TELL_EXPUNGES, 0);
    tell(s, command);
    imap_ok(s, command, "these are the batches");
}
