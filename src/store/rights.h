/* SPDX-License-Identifier: ISC */
/*
 * Rights (RFC 4314): who may do what in a mailbox. The owner of the account may do everything where
 * its list does not say otherwise, and can always see the mailbox and change its list.
 *
 * An identifier is a login name, the name of a group as the caller writes them, or "anyone"; with
 * "-" before it, it takes rights away. A new mailbox begins with the list of its parent.
 */
#pragma once

#include "store/properties.h"

enum store_right {
    STORE_RIGHT_LOOKUP = 1 << 0,          /* l */
    STORE_RIGHT_READ = 1 << 1,            /* r */
    STORE_RIGHT_SEEN = 1 << 2,            /* s */
    STORE_RIGHT_WRITE = 1 << 3,           /* w: flags other than \Seen and \Deleted */
    STORE_RIGHT_INSERT = 1 << 4,          /* i */
    STORE_RIGHT_POST = 1 << 5,            /* p */
    STORE_RIGHT_CREATE = 1 << 6,          /* k: mailboxes below it */
    STORE_RIGHT_REMOVE_MAILBOX = 1 << 7,  /* x */
    STORE_RIGHT_DELETE_MESSAGES = 1 << 8, /* t: the flag \Deleted */
    STORE_RIGHT_EXPUNGE = 1 << 9,         /* e */
    STORE_RIGHT_ADMINISTER = 1 << 10,     /* a */
};
#define STORE_RIGHTS_ALL       0x7ffU
#define STORE_RIGHTS_TEXT_SIZE 12U

/*
 * Rights as text: pure. The old letters mean what RFC 4314 §2.1.1 says: c is k, d is e, t and x.
 * -E_SYNTAX: another letter.
 */
int store_rights_parse(struct slice text, uint32_t *ret_rights);
struct slice store_rights_text(uint32_t rights, char text[static STORE_RIGHTS_TEXT_SIZE]);

/* One who wants something: pure. */
struct store_person {
    struct slice name;
    const struct slice *groups;
    size_t group_count;
    bool is_owner;
};
struct store_grant {
    struct slice identifier;
    uint32_t rights;
};
uint32_t store_rights_of(const struct store_grant *grants, size_t count,
                         const struct store_person *person);

/* The same for a mailbox. -E_UNKNOWN. */
int store_rights_in(const struct store_account *a, uint32_t mailbox,
                    const struct store_person *person, uint32_t *ret_rights);

/*
 * Those to whom some mailbox of the account gives a right, by their identifiers, in no order; some
 * may come several times. `each` must not wait.
 */
void store_rights_each(const struct store_account *a,
                       void (*each)(void *arg, struct slice identifier), void *arg);

/* What the list of a mailbox gives to an identifier, or takes from it if that begins with "-". */
uint32_t store_rights_granted(const struct store_account *a, uint32_t mailbox,
                              struct slice identifier);

/*
 * Changes the list of a mailbox (SETACL): `text` is what the identifier has from now on; with "+"
 * or "-" before it, what it gets or loses. Without rights the identifier leaves the list.
 * -E_SYNTAX: the rights, or the identifier.
 */
int store_set_rights(struct store_account *a, uint32_t mailbox, struct slice identifier,
                     struct slice text) WAITS;
