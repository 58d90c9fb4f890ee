/* SPDX-License-Identifier: ISC */
/*
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208). An account with a limit has one root, "", for all of
 * its mailboxes; one without has none. STORAGE is what the store counts, and what a delivery is
 * refused by: bytes of messages, of a message once in however many mailboxes it is. So COPY and
 * MOVE within the account never fail for it.
 *
 * It is told in KiB, what is used rounded up and the limit rounded down: what a client thinks is
 * free, is.
 */
#include "imap/rights.h"

#define KIB 1024U

/* To visitors that of its owner is known by what stands before all paths of his. */
static struct slice root_of(const struct imap_session *s) {
    return slice_first(buf_slice(&s->prefix), s->prefix.len - MIN(s->prefix.len, (size_t)1));
}

static void tell_quota(struct imap_session *s) WAITS {
    struct imap_writer *w = &s->c.writer;
    struct store_usage usage;
    store_account_usage(s->account, &usage);
    imap_write_begin(w, S("*"));
    imap_write_word(w, "QUOTA");
    imap_write_string(w, root_of(s));
    imap_write_open(w);
    imap_write_word(w, "STORAGE");
    imap_write_number(w, usage.bytes / KIB + (usage.bytes % KIB > 0));
    imap_write_number(w, imap_quota(s) / KIB);
    imap_write_close(w);
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_do_getquota(struct imap_session *s, const struct imap_command *command) {
    if (command->name.len > 0 || imap_quota(s) == 0) {
        imap_say(&s->c, command->tag, "NO", "NONEXISTENT", "there is no quota root of that name");
        return;
    }
    tell_quota(s);
    imap_ok(s, command, "that is the quota");
}

/*
 * The mailbox need not exist (§4.1.2), where it is the user's own, but must be one that could. What
 * another one's account holds is told to who may put something there.
 */
void imap_do_getquotaroot(struct imap_session *s, const struct imap_command *command) {
    struct imap_writer *w = &s->c.writer;
    struct store_mailbox m;
    int error = imap_path_is_good(command->name) ? 0 : -E_UNKNOWN;
    if (!error && imap_visits(s))
        error = imap_find_allowed(s, command->name, STORE_RIGHT_INSERT, &m);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_write_begin(w, S("*"));
    imap_write_word(w, "QUOTAROOT");
    imap_write_mailbox(w, command->name);
    if (imap_quota(s) > 0)
        imap_write_string(w, root_of(s));
    imap_write_end(w);
    if (imap_quota(s) > 0)
        tell_quota(s);
    imap_ok(s, command, imap_quota(s) > 0 ? "that is its quota" : "it has no quota");
}

void imap_do_setquota(struct imap_session *s, const struct imap_command *command) {
    imap_say(&s->c, command->tag, "NO", "NOPERM", "the administrator sets quotas");
}
