/* SPDX-License-Identifier: ISC */
#include "imap/limit.h"

#include "fiber/fiber.h"

uint32_t imap_limit(const struct imap_session *s, const struct told *told,
                    const struct imap_set *uids) {
    size_t left = s->config->messages_max, place = 0;
    struct store_view_info info;
    struct store_message lowest;
    if (left == 0)
        return 0;
    store_view_info(told->view, &info);
    for (size_t i = uids->count; i-- > 0;) {
        const struct imap_range r = uids->ranges[i];
        size_t begin = store_view_place(told->view, r.first);
        size_t end = r.last == UINT32_MAX ? info.count : store_view_place(told->view, r.last + 1);
        if (end - begin > left) {
            store_view_at(told->view, left > 0 ? end - left : place, &lowest);
            return lowest.uid;
        }
        place = end > begin ? begin : place;
        left -= end - begin;
        (void)fiber_yield_if_long();
    }
    return 0;
}

/* What of a resolved set is not below a number. */
static struct imap_set set_from(const struct imap_set *set, uint32_t first, struct arena *a) {
    size_t at = 0;
    while (set->ranges[at].last < first)
        at++;
    struct imap_range *ranges = arena_array(a, set->count - at, sizeof *ranges);
    memcpy(ranges, set->ranges + at, (set->count - at) * sizeof *ranges);
    ranges->first = MAX(ranges->first, first);
    return (struct imap_set){.ranges = ranges, .count = set->count - at};
}

uint32_t imap_limit_messages(struct imap_messages *i) {
    struct imap_session *s = i->session;
    if (s->config->messages_max == 0)
        return 0;
    struct imap_set uids =
        i->by_uid ? i->set : imap_uids_of_numbers(&s->told, &i->set, &s->c.arena);
    i->lowest = imap_limit(s, &s->told, &uids);
    if (i->lowest > 0) {
        uint32_t first = i->by_uid ? i->lowest : (uint32_t)told_number(&s->told, i->lowest);
        i->set = set_from(&i->set, first, &s->c.arena);
    }
    return i->lowest;
}

uint32_t imap_limit_uids(const struct imap_session *s, struct buf *uids) {
    const size_t most = s->config->messages_max, count = uids->len / sizeof(uint32_t);
    uint32_t lowest;
    if (most == 0 || count <= most)
        return 0;
    buf_drop(uids, (count - most) * sizeof lowest);
    memcpy(&lowest, uids->ptr, sizeof lowest);
    return lowest;
}

/* RFC 9738 §3.1: with the lowest UID that counts; without one it is for none. */
static void say(struct imap_session *s, struct slice tag, const char *status, uint32_t lowest,
                const char *text) WAITS {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, tag);
    imap_write_word(w, status);
    imap_write_code(w, "MESSAGELIMIT");
    imap_write_number(w, s->config->messages_max);
    if (lowest > 0)
        imap_write_number(w, lowest);
    imap_write_code_end(w);
    imap_write_text(w, slice_of_str(text));
    imap_write_end(w);
    imap_send(&s->c);
}

bool imap_say_limited(struct imap_session *s, const struct imap_command *command, uint32_t lowest,
                      bool taken) {
    if (lowest == 0)
        return false;
    say(s, taken ? S("*") : command->tag, taken ? "NO" : "OK", lowest,
        "done down to this UID, which are as many messages as one command takes");
    return !taken;
}

void imap_no_limited(struct imap_session *s, const struct imap_command *command, uint32_t lowest) {
    say(s, command->tag, "NO", lowest, "these are more messages than one command takes");
}
