/* SPDX-License-Identifier: ISC */
/*
 * GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314), RETURN (MYRIGHTS) of LIST (RFC 8440).
 *
 * What an identifier is, imap/acl.h says. GETACL shows the owner in any case.
 */
#include "imap/acl.h"
#include "imap/rights.h"

#define RIGHTS_DELETE                                                                              \
    (STORE_RIGHT_EXPUNGE | STORE_RIGHT_DELETE_MESSAGES | STORE_RIGHT_REMOVE_MAILBOX)

/* With "c" and "d" for clients of RFC 2086 (§2.1.1). */
static void write_rights(struct imap_writer *w, uint32_t rights) {
    char text[STORE_RIGHTS_TEXT_SIZE + 2];
    size_t len = store_rights_text(rights, text).len;
    if (rights & STORE_RIGHT_CREATE)
        text[len++] = 'c';
    if (rights & RIGHTS_DELETE)
        text[len++] = 'd';
    imap_write_astring(w, slice_of(text, len));
}

static void bad(struct imap_session *s, const struct imap_command *command,
                const char *text) WAITS {
    if (imap_bad(&s->c, command->tag, "%s", text) < 0)
        s->end = DOOR_END_DISMISSED;
}

/* ------------------------------------------------------------------ changing */

static bool is_owner(const struct imap_session *s, struct slice who) {
    return slice_eq(who, imap_owner(s));
}

/* What all others are given would be in everybody's list. */
static bool gives_to_all(const struct imap_command *command, struct slice who, uint32_t rights) {
    return command->verb == IMAP_SETACL && command->acl.change != IMAP_RIGHTS_REMOVE &&
           rights != 0 && slice_eq(who, S("anyone"));
}

void imap_do_setacl(struct imap_session *s, const struct imap_command *command) {
    const struct imap_acl *acl = &command->acl;
    struct store_mailbox m;
    struct slice who;
    uint32_t rights;
    if (imap_identifier(imap_owner(s), acl->identifier, &s->c.arena, &who) < 0) {
        bad(s, command, "expected anyone or the address of a login");
        return;
    }
    if (store_rights_parse(acl->rights, &rights) < 0) {
        bad(s, command, "expected rights out of lrswipkxteacd");
        return;
    }
    int error = imap_find_allowed(s, acl->mailbox, STORE_RIGHT_ADMINISTER, &m);
    if (!error && !s->config->anyone && gives_to_all(command, who, rights)) {
        imap_say(&s->c, command->tag, "NO", "NOPERM",
                 "only the administrator gives rights to anyone");
        return;
    }
    if (!error && command->verb == IMAP_DELETEACL)
        error = store_set_rights(s->account, m.id, who, S(""));
    else if (!error)
        error = imap_change_rights(s->account, m.id, imap_owner(s), who, acl->change, acl->rights);
    if (!error && s->config->others)
        s->config->others->shared(s->config->others_arg);
    if (error == -E_SYNTAX)
        bad(s, command, "expected a shorter identifier");
    else if (error)
        imap_no(s, command, error);
    else
        imap_ok(s, command, "its rights are changed");
}

/* ------------------------------------------------------------------ the list */

struct listing {
    struct imap_session *s;
    bool owner_is_named;
};

static void note_owner(void *arg, const struct store_property *p) {
    struct listing *l = arg;
    l->owner_is_named |= is_owner(l->s, p->name);
}

static void write_grant(void *arg, const struct store_property *p) {
    const struct listing *l = arg;
    struct imap_writer *w = &l->s->c.writer;
    imap_write_astring(w, p->name);
    write_rights(w, store_rights_granted(l->s->account, p->mailbox, p->name));
}

void imap_do_getacl(struct imap_session *s, const struct imap_command *command) {
    struct imap_writer *w = &s->c.writer;
    struct listing l = {.s = s};
    struct store_mailbox m;
    int error = imap_find_allowed(s, command->name, STORE_RIGHT_ADMINISTER, &m);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    store_property_each(s->account, m.id, STORE_RIGHTS, note_owner, &l);
    imap_write_begin(w, S("*"));
    imap_write_word(w, "ACL");
    imap_write_mailbox(w, command->name);
    if (!l.owner_is_named) {
        imap_write_astring(w, imap_owner(s));
        write_rights(w, STORE_RIGHTS_ALL);
    }
    store_property_each(s->account, m.id, STORE_RIGHTS, write_grant, &l);
    imap_write_end(w);
    imap_send(&s->c);
    imap_ok(s, command, "that is its list");
}

/* ------------------------------------------------------------------ rights */

/* What an identifier has in any case, and each right that it can be given, by itself. */
void imap_do_listrights(struct imap_session *s, const struct imap_command *command) {
    const struct imap_acl *acl = &command->acl;
    struct imap_writer *w = &s->c.writer;
    struct store_mailbox m;
    struct slice who;
    if (imap_identifier(imap_owner(s), acl->identifier, &s->c.arena, &who) < 0) {
        bad(s, command, "expected anyone or the address of a login");
        return;
    }
    int error = imap_find_allowed(s, acl->mailbox, STORE_RIGHT_ADMINISTER, &m);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    uint32_t always = is_owner(s, who) ? IMAP_RIGHTS_OF_OWNER : 0;
    char text[STORE_RIGHTS_TEXT_SIZE];
    imap_write_begin(w, S("*"));
    imap_write_word(w, "LISTRIGHTS");
    imap_write_mailbox(w, acl->mailbox);
    imap_write_astring(w, acl->identifier);
    imap_write_astring(w, store_rights_text(always, text));
    for (uint32_t right = 1; right <= STORE_RIGHTS_ALL; right <<= 1)
        if (!(always & right))
            imap_write_astring(w, store_rights_text(right, text));
    imap_write_word(w, "c");
    imap_write_word(w, "d");
    imap_write_end(w);
    imap_send(&s->c);
    imap_ok(s, command, "that can be given");
}

void imap_write_myrights(struct imap_session *s, struct slice path, uint32_t mailbox) {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "MYRIGHTS");
    imap_write_mailbox(w, path);
    write_rights(w, imap_rights(s, mailbox));
    imap_write_end(w);
}

void imap_do_myrights(struct imap_session *s, const struct imap_command *command) {
    struct store_mailbox m;
    int error = imap_find_allowed(s, command->name, 0, &m);
    if (error) {
        imap_no(s, command, error);
        return;
    }
    imap_write_myrights(s, command->name, m.id);
    imap_send(&s->c);
    imap_ok(s, command, "that is what you may do");
}
