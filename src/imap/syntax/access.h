/* SPDX-License-Identifier: ISC */
/*
 * What the smaller extensions ask for: ACL (RFC 4314), QUOTA (RFC 9208), NOTIFY (RFC 5465), URLAUTH
 * (RFC 4467), UIDBATCHES (RFC 10022), ID (RFC 2971).
 */
#pragma once

#include "imap/syntax/fetch.h"
#include "imap/syntax/search.h"

/* ------------------------------------------------------------------ ACL */

enum imap_rights_change { IMAP_RIGHTS_REPLACE, IMAP_RIGHTS_ADD, IMAP_RIGHTS_REMOVE };
struct imap_acl {
    struct slice mailbox;
    struct slice identifier;
    enum imap_rights_change change; /* SETACL */
    struct slice rights;            /* SETACL: letters, not judged */
};
bool imap_take_setacl(struct imap_cursor *c, struct imap_acl *ret);
bool imap_take_deleteacl(struct imap_cursor *c, struct imap_acl *ret); /* LISTRIGHTS, too */

/* ------------------------------------------------------------------ QUOTA */

struct imap_resource {
    struct slice name;
    uint64_t limit;
};
struct imap_setquota {
    struct slice root;
    const struct imap_resource *resources; /* none: no limits */
    size_t resource_count;
};
bool imap_take_setquota(struct imap_cursor *c, struct imap_setquota *ret);

/* ------------------------------------------------------------------ NOTIFY */

enum imap_event {
    IMAP_EVENT_MESSAGE_NEW = 1 << 0,
    IMAP_EVENT_MESSAGE_EXPUNGE = 1 << 1,
    IMAP_EVENT_FLAG_CHANGE = 1 << 2,
    IMAP_EVENT_ANNOTATION_CHANGE = 1 << 3,
    IMAP_EVENT_MAILBOX_NAME = 1 << 4,
    IMAP_EVENT_SUBSCRIPTION_CHANGE = 1 << 5,
    IMAP_EVENT_MAILBOX_METADATA_CHANGE = 1 << 6,
    IMAP_EVENT_SERVER_METADATA_CHANGE = 1 << 7,
    IMAP_EVENT_OTHER = 1 << 8, /* one that no RFC names: NO [BADEVENT ...] */
};
struct imap_watch {
    struct imap_source source;
    unsigned events;             /* 0: NONE */
    struct imap_attributes what; /* of new messages; empty: none named */
};
struct imap_notify {
    bool none; /* NOTIFY NONE */
    bool status;
    const struct imap_watch *watches; /* at least one, unless NONE */
    size_t watch_count;
};
bool imap_take_notify(struct imap_cursor *c, struct imap_notify *ret);

/* ------------------------------------------------------------------ words and pairs */

struct imap_words {
    const struct slice *words;
    size_t count;
};
/* One or more, at most IMAP_WORDS_MAX, with spaces between, to the end of the command. */
#define IMAP_WORDS_MAX 256U
bool imap_take_words(struct imap_cursor *c, struct imap_words *ret);

/* RESETKEY [mailbox [mechanism ...]]; `mailbox` empty: all. */
struct imap_resetkey {
    struct slice mailbox;
    struct imap_words mechanisms;
};
bool imap_take_resetkey(struct imap_cursor *c, struct imap_resetkey *ret);

struct imap_url_mechanism {
    struct slice url, mechanism;
};
struct imap_genurlauth {
    const struct imap_url_mechanism *urls; /* at least one */
    size_t count;
};
bool imap_take_genurlauth(struct imap_cursor *c, struct imap_genurlauth *ret);

/* Batches of `size` messages, counted from the newest; of these only `first` to `last`, as given,
 * or 0: all. */
struct imap_uidbatches {
    uint32_t size, first, last;
};
bool imap_take_uidbatches(struct imap_cursor *c, struct imap_uidbatches *ret);

/*
 * What a client says of itself. Fields beyond IMAP_ID_MAX are read and forgotten, values are cut to
 * IMAP_ID_VALUE bytes.
 */
#define IMAP_ID_MAX   30U
#define IMAP_ID_VALUE 1024U
struct imap_id {
    unsigned count;
    struct {
        struct slice name, value; /* value.ptr NULL: NIL */
    } * fields;
};
bool imap_take_id(struct imap_cursor *c, struct imap_id *ret);
