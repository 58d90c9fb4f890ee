/* SPDX-License-Identifier: ISC */
/*
 * The model: what an account of the store must hold, as a few arrays and loops that are plainly
 * right. It knows no store and no files.
 *
 * Every message has a serial number, from which its bytes and its length are made; no two lengths
 * are the same. So a message that is found in a mailbox is known by its length, without reading it.
 * The same holds for the values of metadata.
 *
 * A change that was acknowledged is applied with the numbers that the store gave it. One that was
 * on its way when somebody looked, or when the power failed, may be there or not, but never by
 * half: model_explain() looks for changes, in some order, with which the model is what was seen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MAILBOXES  6U
#define MODEL_ENTRIES    200U /* in a mailbox */
#define MODEL_UIDS       12U  /* in a change */
#define MODEL_SERIALS    4096U
#define MODEL_NAME       96U
#define MODEL_UIDL       72U
#define MODEL_PROPERTIES 100U
#define MODEL_KEYS       500U
#define MODEL_REMOVED    3000U
#define MODEL_WORDS      8U
#define MODEL_GONE       100U
#define MODEL_UNKNOWN                                                                              \
    0x80000000U /* from here on: numbers of mailboxes that nobody has seen yet                     \
                 */

struct model_entry {
    uint32_t uid; /* 0: not known yet */
    uint32_t serial;
    uint64_t flags;
    uint64_t modseq; /* 0: not known yet */
    char uidl[MODEL_UIDL];
    uint64_t body; /* 0: not known yet */
    bool is_copy;  /* as it was seen; nothing is expected of it */
};

struct model_mailbox {
    uint32_t id;
    uint32_t parent;
    uint32_t uidvalidity;
    uint32_t uidnext;  /* above all UIDs */
    uint32_t promised; /* the UIDNEXT that was seen: no message that comes has a smaller UID */
    uint64_t modseq;   /* the mailbox's is not smaller */
    char name[MODEL_NAME];
    size_t count;
    struct model_entry entries[MODEL_ENTRIES]; /* by UID, those not known at the end */
};

enum model_kind { /* of properties; those of the store */
                  MODEL_SUBSCRIPTION = 1,
                  MODEL_METADATA,
                  MODEL_RIGHTS,
                  MODEL_KINDS,
};

struct model_property {
    uint32_t mailbox; /* 0: of the account */
    enum model_kind kind;
    char name[MODEL_NAME]; /* of a subscription the path, with '/' between names */
    uint32_t value;        /* a number; of rights their bits */
};
struct model_properties {
    size_t count;
    struct model_property list[MODEL_PROPERTIES];
};

/* What was removed and can be brought back, in the order in which it was removed. */
struct model_removed {
    uint32_t mailbox, uid, serial;
    uint64_t flags;
};
struct model_removals {
    size_t count;
    struct model_removed list[MODEL_REMOVED];
};

/* What makes a message that comes from elsewhere the only one of its kind. */
enum model_origin {
    MODEL_UNIQUE,     /* nothing does */
    MODEL_MOVED,      /* from a mailbox of the other account */
    MODEL_MOVED_ONCE, /* the same under a name */
    MODEL_COPIED,     /* under a name */
    MODEL_RESTORED,
};
struct model_key {
    enum model_origin origin;
    uint32_t mailbox, uid, to; /* where it was, and where it was wanted */
};

struct model {
    size_t count;
    struct model_mailbox mailboxes[MODEL_MAILBOXES];
    struct model_properties properties;
    struct model_removals removals;
    bool remembers, forgets; /* what was removed; the oldest of it before its time */
    size_t key_count;
    struct model_key keys[MODEL_KEYS];
    size_t gone_count;
    uint32_t gone[MODEL_GONE];         /* mailboxes that were removed */
    uint64_t modseq;                   /* the account's is not smaller */
    bool delivered[MODEL_SERIALS];     /* its key is taken, whatever became of the message */
    uint32_t first_uid[MODEL_SERIALS]; /* that it got then */
};

enum model_verb {
    MODEL_DELIVER,
    MODEL_FLAGS,
    MODEL_EXPUNGE,
    MODEL_COPY,
    MODEL_MOVE,
    MODEL_CREATE,   /* below `to` */
    MODEL_RENAME,   /* and below `to` */
    MODEL_REMOVE,   /* the mailbox */
    MODEL_PROPERTY, /* set, or with the value 0 removed */
    MODEL_ARRIVE,   /* a message from elsewhere, with flags `add` */
};

struct model_change {
    enum model_verb verb;
    unsigned account; /* which of the two */
    uint32_t mailbox, to;
    uint32_t uids[MODEL_UIDS]; /* not in order, some more than once, some of them of nothing */
    size_t uid_count;
    uint64_t add, remove;     /* flags and keywords; a delivery has `add`; without all of `add` a
                                 message is not expunged */
    uint64_t unchanged_since; /* messages that were changed later keep their flags; 0: none does */
    uint32_t serial;
    char name[MODEL_NAME];
    enum model_kind kind;
    uint32_t value;
    char how; /* '+' or '-': rights that come or go beside those that are there */
    struct model_key key;
    uint32_t least;              /* UID that an arrival can have */
    uint32_t from, source;       /* mailbox of the other account, and UID there, of an arrival */
    uint64_t words[MODEL_WORDS]; /* that the message had meanwhile, beside `add` */
    size_t word_count;
    bool is_vague;        /* somebody changes them now */
    bool is_found;        /* its numbers are those of what was seen; smaller ones may come */
    bool is_there;        /* the message still is in `from` */
    bool is_acknowledged; /* its numbers are still looked for */

    /* Given by the store; 0: not known. Copies get UIDs from `uid` on. */
    uint32_t uid, new_mailbox, uidvalidity;
    uint64_t modseq, body;
};

uint64_t model_size(uint32_t serial);
void model_bytes(uint32_t serial, char *to); /* model_size() of them */
uint32_t model_serial(uint64_t size);        /* 0: no message is so long */

/* The value of metadata, in the same way. */
#define MODEL_VALUE_MAX 4096U
uint32_t model_value_size(uint32_t value);
void model_value(uint32_t value, char *to);
uint32_t model_value_of(uint32_t size); /* 0: none is so long */

struct model_mailbox *model_mailbox(struct model *m, uint32_t id);
struct model_mailbox *model_named(struct model *m, uint32_t parent, const char *name);
bool model_lies_below(struct model *m, uint32_t mailbox, uint32_t above); /* or is it */
void model_path(struct model *m, uint32_t mailbox, char path[static MODEL_NAME]);
bool model_is_gone(const struct model *m, uint32_t mailbox);
bool model_has_key(const struct model *m, const struct model_key *key);
struct model_entry *model_entry(struct model_mailbox *m, uint32_t uid);

/* Whether an arrival can have these flags. */
bool model_arrives_with(const struct model_change *c, uint64_t flags);

/* What a change does; how many entries or mailboxes became another. */
size_t model_apply(struct model *m, const struct model_change *c);

/* What a mailbox adds up to; and an account, where a message that lies at several places counts
 * once. */
struct model_sum {
    uint64_t messages, unseen, bytes;
};
struct model_sum model_sum(const struct model_mailbox *m, uint64_t seen_flag);
struct model_sum model_usage(const struct model *m);

/* What was seen of a mailbox, and of an account. */
struct picture {
    uint32_t id, parent, uidvalidity, uidnext;
    uint64_t modseq;
    char name[MODEL_NAME];
    size_t count;
    struct model_entry entries[MODEL_ENTRIES];
};
struct album {
    bool whole; /* all mailboxes of the account, and what can be brought back */
    bool has_properties;
    size_t count;
    struct picture pictures[MODEL_MAILBOXES];
    struct model_properties properties;
    struct model_removals removals;
};

/*
 * Whether the model, with some of the changes in some order, is what was seen; then those changes
 * are applied, and numbers that were not known are taken over.
 */
bool model_explain(struct model *m, const struct model_change *changes, size_t count,
                   const struct album *seen);

/* Prints a change, and where the two differ, for a person. */
void model_print_change(const char *who, const struct model_change *c);
void model_print_difference(struct model *m, const struct model_change *changes, size_t count,
                            const struct album *seen);
