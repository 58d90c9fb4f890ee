/* SPDX-License-Identifier: ISC */
/* COPY and MOVE within the account (RFC 9051 §6.4.7, §6.4.8), with COPYUID. */
#include "imap/limit.h"
#include "imap/rights.h"
#include "imap/vanished.h"

#include <errno.h>

/* "OK [COPYUID uidvalidity from to] ...", tagged for COPY, before the EXPUNGEs for MOVE (RFC 6851).
 */
static void tell_copied(struct imap_session *s, struct slice tag, const struct store_mailbox *to,
                        const struct imap_set *from, const struct store_copied *copied) WAITS {
    struct imap_writer *w = &s->c.writer;
    const struct imap_range made = {copied->first_uid,
                                    copied->first_uid + (uint32_t)copied->count - 1};
    imap_write_begin(w, tag);
    imap_write_word(w, "OK");
    imap_write_code(w, "COPYUID");
    imap_write_number(w, to->uidvalidity);
    imap_write_set(w, from);
    imap_write_set(w, &(struct imap_set){.ranges = &made, .count = 1});
    imap_write_code_end(w);
    imap_write_text(w, S("copied"));
    imap_write_end(w);
    imap_send(&s->c);
}

/*
 * Whether it is allowed (RFC 4314 §4, RFC 6851 §3.3); else the client is told. The name of a
 * mailbox that does not exist may be that of one to come.
 */
static bool may_copy(struct imap_session *s, const struct imap_command *command,
                     struct store_mailbox *to) WAITS {
    const bool move = command->verb == IMAP_MOVE;
    if (move && s->read_only) {
        imap_say(&s->c, command->tag, "NO", "READ-ONLY", "the mailbox was selected to be read");
        return false;
    }
    int error = imap_find_allowed(s, command->copy.mailbox, STORE_RIGHT_INSERT, to);
    if (error == -E_UNKNOWN) {
        imap_say(&s->c, command->tag, "NO", "TRYCREATE", "there is no mailbox of that name");
        return false;
    }
    if (!error && move)
        error = imap_may(s, s->told.mailbox, STORE_RIGHT_DELETE_MESSAGES | STORE_RIGHT_EXPUNGE);
    if (error)
        imap_no(s, command, error);
    return !error;
}

/* Flags that he may not set in the other mailbox stay behind (RFC 4314 §4). */
static int copy_within(struct imap_session *s, const struct buf *uids, uint32_t to, bool move,
                       struct store_copied *ret) WAITS {
    const uint32_t rights = imap_rights(s, to);
    return store_copy_with(s->account, s->told.mailbox, (const uint32_t *)(void *)uids->ptr,
                           uids->len / sizeof(uint32_t), to, move, imap_flags_of_rights(rights),
                           rights & STORE_RIGHT_WRITE, ret);
}

void imap_do_copy(struct imap_session *s, const struct imap_command *command) {
    _cleanup_(buf_done) struct buf uids = {0};
    const bool move = command->verb == IMAP_MOVE;
    struct store_copied copied = {0};
    struct store_mailbox to;
    struct imap_messages i;
    if (imap_is_elsewhere(s, command->copy.mailbox)) {
        imap_copy_across(s, command);
        return;
    }
    if (!may_copy(s, command, &to))
        return;
    int error = imap_messages_begin(&i, s, &command->copy.set, command->uid);
    if (!error && imap_limit_messages(&i) > 0 && !move) { /* RFC 9738 §3.1: all or none */
        imap_no_limited(s, command, i.lowest);
        return;
    }
    if (!error)
        imap_messages_uids(&i, &uids);
    if (!error && uids.len > 0)
        error = copy_within(s, &uids, to.id, move, &copied);
    if (!error && copied.count != uids.len / sizeof(uint32_t))
        i.gone++; /* between the look and the copy: which they were is not known */
    if (!error && move && copied.count > 0)
        imap_note_gone(s, &uids, command->copy.mailbox);
    if (!error)
        error = imap_look(s);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    bool told = copied.count > 0 && copied.count == uids.len / sizeof(uint32_t);
    struct imap_set from = imap_set_of_uids(&uids, &s->c.arena);
    if (told && move)
        tell_copied(s, S("*"), &to, &from, &copied);
    s->counts.removed += move ? copied.count : 0;
    if (copied.count > 0)
        imap_note_own(s, to.id, copied.first_uid, copied.first_uid + (uint32_t)copied.count - 1);
    imap_tell(s,
              (move || command->uid ? (unsigned)IMAP_TELL_EXPUNGES : 0) |
                  (move ? (unsigned)IMAP_TELL_REMOVED : 0),
              0);
    if (imap_say_limited(s, command, i.lowest, i.gone > 0 || s->enabled & IMAP_ENABLED_QRESYNC))
        return;
    if (told && !move)
        tell_copied(s, command->tag, &to, &from, &copied);
    else if (i.gone > 0)
        imap_say(&s->c, command->tag, "OK", "EXPUNGEISSUED", "some of the messages were gone");
    else
        imap_ok_removed(s, command, move && copied.count > 0, "%s",
                        move ? "moved" : "nothing to copy");
}
