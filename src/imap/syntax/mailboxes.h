/* SPDX-License-Identifier: ISC */
/*
 * What commands about mailboxes ask for: SELECT with CONDSTORE and QRESYNC (RFC 7162), CREATE with
 * USE (RFC 6154), LIST with all its options (RFC 5258, 5819, 6154, 8440, 9590), STATUS (RFC 9051,
 * 7162, 7889, 8474, 9208), metadata (RFC 5464).
 */
#pragma once

#include "imap/syntax/token.h"

/* ------------------------------------------------------------------ SELECT, EXAMINE */

struct imap_select {
    struct slice mailbox;
    bool condstore, qresync;
    uint32_t uid_validity;
    uint64_t modseq;       /* 0: everything */
    bool has_known;        /* else all UIDs are known */
    struct imap_set known; /* UIDs */
    bool has_match;        /* sequence numbers of these UIDs are told (§3.2.5.2) */
    struct imap_set numbers, uids;
};
bool imap_take_select(struct imap_cursor *c, struct imap_select *ret);

/* ------------------------------------------------------------------ names */

enum imap_use {
    IMAP_USE_ALL = 1 << 0,
    IMAP_USE_ARCHIVE = 1 << 1,
    IMAP_USE_DRAFTS = 1 << 2,
    IMAP_USE_FLAGGED = 1 << 3,
    IMAP_USE_JUNK = 1 << 4,
    IMAP_USE_SENT = 1 << 5,
    IMAP_USE_TRASH = 1 << 6,
    IMAP_USE_IMPORTANT = 1 << 7, /* RFC 8457 */
    IMAP_USE_OTHER = 1 << 8,     /* one that no RFC names: NO [USEATTR] */
};
struct imap_create {
    struct slice mailbox;
    unsigned use; /* of enum imap_use */
};
bool imap_take_create(struct imap_cursor *c, struct imap_create *ret);

struct imap_two_names {
    struct slice from, to;
};

/* ------------------------------------------------------------------ STATUS */

enum imap_status_item {
    IMAP_STATUS_MESSAGES = 1 << 0,
    IMAP_STATUS_RECENT = 1 << 1,
    IMAP_STATUS_UIDNEXT = 1 << 2,
    IMAP_STATUS_UIDVALIDITY = 1 << 3,
    IMAP_STATUS_UNSEEN = 1 << 4,
    IMAP_STATUS_DELETED = 1 << 5,
    IMAP_STATUS_SIZE = 1 << 6,
    IMAP_STATUS_HIGHESTMODSEQ = 1 << 7,
    IMAP_STATUS_APPENDLIMIT = 1 << 8,
    IMAP_STATUS_MAILBOXID = 1 << 9,
    IMAP_STATUS_DELETED_STORAGE = 1 << 10,
};
#define IMAP_STATUS_ITEMS 11U
const char *imap_status_name(enum imap_status_item item); /* "MESSAGES" */

struct imap_status {
    struct slice mailbox;
    unsigned items; /* of enum imap_status_item; at least one */
};
bool imap_take_status(struct imap_cursor *c, struct imap_status *ret);

/* ------------------------------------------------------------------ metadata */

struct imap_entry {
    struct slice name;  /* begins with /private/ or /shared/, as given */
    struct slice value; /* SETMETADATA only; ptr NULL: NIL, the entry goes. May have NUL */
};
struct imap_metadata {
    struct slice mailbox; /* empty: the server */
    bool has_max_size;
    uint32_t max_size;
    uint32_t depth; /* 0, 1 or UINT32_MAX (infinity) */
    const struct imap_entry *entries;
    size_t entry_count; /* at least one */
};
bool imap_take_getmetadata(struct imap_cursor *c, struct imap_metadata *ret);
bool imap_take_setmetadata(struct imap_cursor *c, struct imap_metadata *ret);
/* Options or not, and entries: what RETURN (METADATA ...) has, too. */
bool imap_take_entries(struct imap_cursor *c, struct imap_metadata *ret);

/* ------------------------------------------------------------------ LIST */

enum imap_list_option {
    IMAP_LIST_EXTENDED = 1 << 0, /* any option, or several patterns: the answer is RFC 5258's */
    IMAP_LIST_SELECT_SUBSCRIBED = 1 << 1,
    IMAP_LIST_SELECT_REMOTE = 1 << 2,
    IMAP_LIST_SELECT_RECURSIVEMATCH = 1 << 3,
    IMAP_LIST_SELECT_SPECIAL_USE = 1 << 4,
    IMAP_LIST_RETURN_SUBSCRIBED = 1 << 5,
    IMAP_LIST_RETURN_CHILDREN = 1 << 6,
    IMAP_LIST_RETURN_SPECIAL_USE = 1 << 7,
    IMAP_LIST_RETURN_STATUS = 1 << 8,
    IMAP_LIST_RETURN_MYRIGHTS = 1 << 9,
    IMAP_LIST_RETURN_METADATA = 1 << 10,
};
struct imap_list {
    unsigned options; /* of enum imap_list_option */
    struct slice reference;
    const struct slice *patterns; /* UTF-8 with % and * */
    size_t pattern_count;         /* at least one */
    unsigned status;              /* of enum imap_status_item */
    struct imap_metadata metadata;
};
bool imap_take_list(struct imap_cursor *c, struct imap_list *ret);
bool imap_take_lsub(struct imap_cursor *c, struct imap_list *ret); /* XLIST, too */
