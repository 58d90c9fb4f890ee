/* SPDX-License-Identifier: ISC */
/*
 * The commands of IMAP: the text of one into one struct. Pure. What the parts of it are stands in
 * fetch.h, search.h, flags.h, mailboxes.h and access.h of this floor.
 *
 * Slices point into the text or into the arena. A text of 64 KiB of the worst kind (thousands of
 * search keys of one digit) takes less than 16 MiB of the arena, one of 8 KiB before login less
 * than 32 KiB; an ordinary command takes some hundred bytes. Sets that were read as they came
 * belong to whoever read them.
 */
#pragma once

#include "imap/syntax/access.h"
#include "imap/syntax/flags.h"
#include "imap/syntax/mailboxes.h"

enum imap_verb {
    /* in any state */
    IMAP_CAPABILITY,
    IMAP_ID,
    IMAP_LANGUAGE,
    IMAP_LOGOUT,
    IMAP_NOOP,
    /* before login */
    IMAP_AUTHENTICATE,
    IMAP_LOGIN,
    IMAP_STARTTLS,
    /* after it */
    IMAP_APPEND,
    IMAP_COMPARATOR,
    IMAP_COMPRESS,
    IMAP_CREATE,
    IMAP_DELETE,
    IMAP_DELETEACL,
    IMAP_ENABLE,
    IMAP_ESEARCH,
    IMAP_EXAMINE,
    IMAP_GENURLAUTH,
    IMAP_GETACL,
    IMAP_GETJMAPACCESS, /* RFC 9698 */
    IMAP_GETMETADATA,
    IMAP_GETQUOTA,
    IMAP_GETQUOTAROOT,
    IMAP_IDLE,
    IMAP_LIST,
    IMAP_LISTRIGHTS,
    IMAP_LSUB,
    IMAP_MYRIGHTS,
    IMAP_NAMESPACE,
    IMAP_NOTIFY,
    IMAP_RENAME,
    IMAP_RESETKEY,
    IMAP_SELECT,
    IMAP_SETACL,
    IMAP_SETMETADATA,
    IMAP_SETQUOTA,
    IMAP_STATUS,
    IMAP_SUBSCRIBE,
    IMAP_UNAUTHENTICATE,
    IMAP_UNSUBSCRIBE,
    IMAP_URLFETCH,
    IMAP_XLIST,
    /* in a mailbox */
    IMAP_CANCELUPDATE,
    IMAP_CHECK,
    IMAP_CLOSE,
    IMAP_COPY,
    IMAP_EXPUNGE,
    IMAP_FETCH,
    IMAP_MOVE,
    IMAP_REPLACE,
    IMAP_SEARCH,
    IMAP_SORT,
    IMAP_STORE,
    IMAP_THREAD,
    IMAP_UIDBATCHES,
    IMAP_UNSELECT,
    IMAP_VERBS,
};

/* States in which a verb is a command (RFC 9051 §3). */
enum imap_state {
    IMAP_STATE_LOGIN = 1 << 0,
    IMAP_STATE_AUTHENTICATED = 1 << 1,
    IMAP_STATE_SELECTED = 1 << 2,
};

struct imap_login {
    struct slice user, password;
};
struct imap_authenticate {
    struct slice mechanism;
    struct slice initial; /* base64 as sent, "=" is empty (RFC 4959); ptr NULL: none */
};
enum imap_store_change { IMAP_STORE_REPLACE, IMAP_STORE_ADD, IMAP_STORE_REMOVE };
struct imap_store {
    struct imap_set set;
    bool has_unchanged_since, silent;
    uint64_t unchanged_since;
    enum imap_store_change change;
    struct imap_flags flags;
};
struct imap_copy {
    struct imap_set set;
    struct slice mailbox;
};
/* What comes behind the name of the mailbox is read by imap/syntax/append.h. */
struct imap_append {
    uint32_t replaced; /* REPLACE: the message */
    struct slice mailbox;
    size_t at; /* place in the text, behind the name */
};

struct imap_command {
    struct slice tag;
    enum imap_verb verb;
    bool uid; /* UID was said before it */
    union {
        struct slice name; /* of one mailbox, or of a quota root */
        struct imap_two_names rename;
        struct imap_login login;
        struct imap_authenticate authenticate;
        struct imap_words
            words; /* ENABLE, LANGUAGE, COMPARATOR, COMPRESS, URLFETCH, CANCELUPDATE */
        struct imap_id id;
        struct imap_select select;
        struct imap_create create;
        struct imap_list list;
        struct imap_status status;
        struct imap_metadata metadata;
        struct imap_acl acl;
        struct imap_setquota quota;
        struct imap_notify notify;
        struct imap_resetkey resetkey;
        struct imap_genurlauth genurlauth;
        struct imap_uidbatches batches;
        struct imap_append append;
        struct imap_set set; /* UID EXPUNGE */
        struct imap_fetch fetch;
        struct imap_store store;
        struct imap_copy copy; /* MOVE, too */
        struct imap_search search;
    };
};

/* What commands mean just now. */
struct imap_mode {
    enum imap_state state;
    bool utf8_names; /* rev2 or UTF8=ACCEPT is enabled */
};

/*
 * 0; -E_SYNTAX: not the grammar; -E_UNKNOWN: no such command, or none in this state, of which
 * nothing but the verb is read then. `problem` says what was expected and where, in words fit for
 * BAD; the tag is in `ret` even then, empty if there is none.
 */
int imap_parse(const struct imap_text *text, struct imap_mode mode, struct arena *a,
               struct imap_command *ret, struct problem *problem);

const char *imap_verb_name(enum imap_verb verb);
unsigned imap_verb_states(enum imap_verb verb); /* of enum imap_state */

/* The sentence of a cursor that has failed. -E_SYNTAX. */
int imap_problem(const struct imap_cursor *c, struct problem *problem);

/* True for APPEND and REPLACE, whose literals are not held. `command` has the head of one. */
static inline bool imap_brings_message(const struct imap_command *command) {
    return command->verb == IMAP_APPEND || command->verb == IMAP_REPLACE;
}
