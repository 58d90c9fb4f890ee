/* SPDX-License-Identifier: ISC */
/*
 * COPY and MOVE to a mailbox of another account, which may be in another process. Each message is
 * durable there before it leaves its mailbox; when something fails between, those that have come
 * stay, so nothing is lost, and of a move done again none comes twice (store/across.h).
 */
#include <errno.h>

#include "imap/limit.h"
#include "imap/rights.h"
#include "imap/vanished.h"
#include "store/across.h"

#define KEY_MAX 512U /* of the path, that a move done again is one */

struct crossing {
    struct imap_session *s;
    struct imap_target to;
    uint32_t uidvalidity;
};

static int bring(void *arg, const struct store_delivery *d, struct store_delivered *ret) WAITS {
    struct crossing *c = arg;
    const struct imap_session_config *config = c->s->config;
    uint32_t uidvalidity = 0;
    int r = config->others->bring(config->others_arg, &c->to, d, ret, &uidvalidity);
    if (r == 0)
        c->uidvalidity = uidvalidity;
    return r;
}

/* Every other number of the pairs, from a place on, as they stand: that of a copy need not rise. */
static struct imap_set set_of(const struct buf *pairs, size_t from, struct arena *a) {
    const size_t count = pairs->len / (2 * sizeof(uint32_t));
    struct imap_range *ranges = arena_array(a, count, sizeof *ranges);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t uid;
        memcpy(&uid, pairs->ptr + (2 * i + from) * sizeof uid, sizeof uid);
        if (used > 0 && ranges[used - 1].last + 1 == uid)
            ranges[used - 1].last = uid;
        else
            ranges[used++] = (struct imap_range){uid, uid};
    }
    return (struct imap_set){.ranges = ranges, .count = used};
}

/* As in cmd_copy.c. False: there is nothing to tell, or it is not known. */
static bool tell_crossed(struct imap_session *s, struct slice tag, const struct crossing *c,
                         const struct buf *pairs) WAITS {
    struct imap_writer *w = &s->c.writer;
    struct imap_set from = set_of(pairs, 0, &s->c.arena), to = set_of(pairs, 1, &s->c.arena);
    if (from.count == 0)
        return false;
    for (size_t i = 0; i < to.count; i++)
        if (to.ranges[i].first == 0)
            return false;
    imap_write_begin(w, tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "COPYUID");
    imap_write_number(w, c->uidvalidity);
    imap_write_set(w, &from);
    imap_write_set(w, &to);
    imap_write_code_end(w);
    imap_write_text(w, S("copied"));
    imap_write_end(w);
    imap_send(&s->c);
    return true;
}

static bool may_move(struct imap_session *s, const struct imap_command *command) WAITS {
    if (command->verb != IMAP_MOVE)
        return true;
    if (s->read_only) {
        imap_say(&s->c, command->tag, "NO", "READ-ONLY", "the mailbox was selected to be read");
        return false;
    }
    int error = imap_may(s, s->told.mailbox, STORE_RIGHT_DELETE_MESSAGES | STORE_RIGHT_EXPUNGE);
    if (error)
        imap_no(s, command, error);
    return !error;
}

static void refuse(struct imap_session *s, const struct imap_command *command, int error) WAITS {
    if (error == -E_UNKNOWN)
        imap_say(&s->c, command->tag, "NO", "TRYCREATE", "there is no mailbox of that name");
    else if (error == -E_LIMIT)
        imap_say(&s->c, command->tag, "NO", "OVERQUOTA", "the account has no room for it");
    else
        imap_no(s, command, error);
}

/* What has come, and for a move what has left. */
static void tell(struct imap_session *s, const struct imap_command *command,
                 const struct crossing *c, const struct store_carried *carried,
                 const struct buf *pairs, const struct imap_messages *i, int error) WAITS {
    const bool move = command->verb == IMAP_MOVE;
    const bool gone = i->gone > 0;
    if (move)
        (void)tell_crossed(s, S("*"), c, pairs);
    s->counts.removed += carried->removed;
    imap_tell(s,
              (move || command->uid ? (unsigned)IMAP_TELL_EXPUNGES : 0) |
                  (move ? (unsigned)IMAP_TELL_REMOVED : 0),
              0);
    if (imap_say_limited(s, command, i->lowest, error || gone || s->enabled & IMAP_ENABLED_QRESYNC))
        return;
    if (error)
        refuse(s, command, error);
    else if (!move && tell_crossed(s, command->tag, c, pairs))
        return;
    else if (gone)
        imap_say(&s->c, command->tag, "OK", "EXPUNGEISSUED", "some of the messages were gone");
    else
        imap_ok_removed(s, command, carried->removed > 0, "%s",
                        carried->removed > 0 ? "moved"
                        : carried->count > 0 ? "copied"
                                             : "nothing to copy");
}

void imap_copy_across(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf uids = {0}, pairs = {0};
    struct crossing c = {.s = s};
    struct store_carried carried = {0};
    struct imap_messages i;
    if (!may_move(s, command))
        return;
    int error = s->config->others->target(s->config->others_arg, command->copy.mailbox, &c.to);
    if (!error)
        error = imap_messages_begin(&i, s, &command->copy.set, command->uid);
    if (error) {
        refuse(s, command, error);
        return;
    }
    const bool move = command->verb == IMAP_MOVE;
    if (imap_limit_messages(&i) > 0 && !move) {
        imap_no_limited(s, command, i.lowest);
        return;
    }
    imap_messages_uids(&i, &uids);
    const struct store_across across = {
        .from = s->account,
        .mailbox = s->told.mailbox,
        .uids = (const uint32_t *)(void *)uids.ptr,
        .count = uids.len / sizeof(uint32_t),
        .move = move,
        .key = slice_first(c.to.path, move ? KEY_MAX : 0),
        .deliver = bring,
        .arg = &c,
        .to_number = c.to.account,
        .pairs = &pairs,
    };
    if (across.count > 0)
        error = store_copy_across(&across, &carried);
    if (carried.removed == across.count)
        imap_note_gone(s, &uids, command->copy.mailbox);
    if (imap_look(s) < 0) {
        imap_no(s, command, error ? error : -E_UNKNOWN);
        return;
    }
    i.gone += across.count - carried.count;
    tell(s, command, &c, &carried, &pairs, &i, error);
}
