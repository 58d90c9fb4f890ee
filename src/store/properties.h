/* SPDX-License-Identifier: ISC */
/*
 * Properties: named values of a mailbox, or of the account. They carry what mail programs keep
 * beside messages: which names are subscribed, metadata (RFC 5464), rights (RFC 4314; see
 * rights.h), keys of URLs (RFC 4467); and by which protocols the account is read.
 *
 * A property that is set or removed is durable when its verb returns, and has a MODSEQ:
 * store_wait_change() wakes for it, and store_property_changes() tells which it was. A mailbox's
 * properties go with it; the account's stay.
 *
 * Bounds: STORE_PROPERTIES_MAX in an account, of together STORE_PROPERTIES_BYTES; -E_LIMIT beyond,
 * also for a mailbox that is made or renamed, by the rights and subscriptions that it would bring.
 */
#pragma once

#include "store/store.h"

enum store_property_kind {
    STORE_SUBSCRIPTION = 1, /* of the account; name: a path, see store_mailbox_path() */
    STORE_METADATA,         /* name: the entry, in lower case, such as "/private/comment" */
    STORE_RIGHTS,           /* of a mailbox; name: the identifier; value: the rights */
    STORE_URL_KEY,          /* of a mailbox; name: the mechanism; value: a secret (RFC 4467) */
    STORE_DOOR,             /* of the account; name: "pop3", "imap"; value: the day it was used */
    STORE_PROPERTY_KINDS,
};

#define STORE_PROPERTY_NAME_MAX 4096U
#define STORE_VALUE_MAX         65536U
#define STORE_PROPERTIES_MAX    10000U
#define STORE_PROPERTIES_BYTES  (4ULL << 20) /* names and values */

struct store_property {
    uint32_t mailbox; /* 0: of the account */
    enum store_property_kind kind;
    struct slice name;
    bool is_set;   /* false: it was removed */
    uint32_t size; /* of the value */
    uint64_t modseq;
};

/* Those that are set, of one kind and mailbox, by name. None of it waits; `each` must not. */
void store_property_each(const struct store_account *a, uint32_t mailbox,
                         enum store_property_kind kind,
                         void (*each)(void *arg, const struct store_property *p), void *arg);

/*
 * Those that were set or removed after a MODSEQ. Of mailboxes that are gone, nothing is said.
 * -E_LIMIT: that is too long ago to tell of all that were removed.
 */
int store_property_changes(const struct store_account *a, uint64_t since,
                           void (*each)(void *arg, const struct store_property *p), void *arg);

/* The value, any bytes, added to `value`. -E_UNKNOWN: it is not set. */
int store_property_get(struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                       struct slice name, struct buf *value) WAITS;

/* Sets a value, or removes it with NULL; what was not set may be removed. */
int store_property_set(struct store_account *a, uint32_t mailbox, enum store_property_kind kind,
                       struct slice name, const struct slice *value) WAITS;

/* ------------------------------------------------------------------ metadata */

/*
 * As store_property_set() for an entry (RFC 5464 §3.2), whose name is the same in any case.
 * -E_SYNTAX: it is no name of an entry below /private or /shared.
 */
int store_set_metadata(struct store_account *a, uint32_t mailbox, struct slice entry,
                       const struct slice *value) WAITS;

/*
 * The same for several entries, all or none; of those with the same name the last counts. Only a
 * power cut may leave some of them.
 */
struct store_metadata {
    struct slice entry;
    const struct slice *value; /* NULL: it goes */
};
int store_set_metadata_all(struct store_account *a, uint32_t mailbox,
                           const struct store_metadata *entries, size_t count) WAITS;

/* The name of an entry as store_property_each() has it, added to `name`: pure. -E_SYNTAX. */
int store_metadata_name(struct slice entry, struct buf *name);

int store_get_metadata(struct store_account *a, uint32_t mailbox, struct slice entry,
                       struct buf *value) WAITS;

/* ------------------------------------------------------------------ subscriptions */

/*
 * Names are subscribed, not mailboxes (RFC 9051 §6.3.7): one may have no mailbox, and a removed
 * mailbox's stays. A renamed mailbox takes its subscription along, and those of names below it. A
 * path has the names from the top on with STORE_UNDER between them, which no name contains.
 */
#define STORE_UNDER "\x1f"
int store_subscribe(struct store_account *a, struct slice path, bool subscribed) WAITS;
bool store_is_subscribed(const struct store_account *a, struct slice path);

/* The path of a mailbox, added to `path`. -E_UNKNOWN. */
int store_mailbox_path(const struct store_account *a, uint32_t mailbox, struct buf *path);
