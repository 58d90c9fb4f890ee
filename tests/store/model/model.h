/* SPDX-License-Identifier: ISC */
/*
 * The model: what an account of the store must hold, as a few arrays and loops that are plainly
 * right. It knows no store and no files.
 *
 * Every message has a serial number, from which its bytes and its length are made; no two lengths
 * are the same. So a message that is found in a mailbox is known by its length, without reading it.
 *
 * A change that was acknowledged is applied with the numbers that the store gave it. One that was
 * on its way when somebody looked, or when the power failed, may be there or not, but never by
 * half: model_explain() looks for changes, in some order, with which the model is what was seen.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_MAILBOXES 5U
#define MODEL_ENTRIES   200U /* in a mailbox */
#define MODEL_UIDS      12U  /* in a change */
#define MODEL_SERIALS   4096U
#define MODEL_NAME      24U
#define MODEL_UIDL      72U

struct model_entry {
    uint32_t uid; /* 0: not known yet */
    uint32_t serial;
    uint64_t flags;
    uint64_t modseq; /* 0: not known yet */
    char uidl[MODEL_UIDL];
};

struct model_mailbox {
    uint32_t id; /* 0: not known yet */
    uint32_t uidvalidity;
    uint32_t uidnext;  /* above all UIDs */
    uint32_t promised; /* the UIDNEXT that was seen: no message that comes has a smaller UID */
    uint64_t modseq;   /* the mailbox's is not smaller */
    char name[MODEL_NAME];
    size_t count;
    struct model_entry entries[MODEL_ENTRIES]; /* by UID, those not known at the end */
};

struct model {
    size_t count;
    struct model_mailbox mailboxes[MODEL_MAILBOXES];
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
    MODEL_CREATE,
};

struct model_change {
    enum model_verb verb;
    uint32_t mailbox, to;
    uint32_t uids[MODEL_UIDS]; /* not in order, some more than once, some of them of nothing */
    size_t uid_count;
    uint64_t add, remove;     /* flags and keywords; a delivery has `add` */
    uint64_t unchanged_since; /* messages that were changed later keep their flags; 0: none does */
    uint32_t serial;
    char name[MODEL_NAME];

    /* Given by the store; 0: not known. Copies get UIDs from `uid` on. */
    uint32_t uid, new_mailbox, uidvalidity;
    uint64_t modseq;
};

uint64_t model_size(uint32_t serial);
void model_bytes(uint32_t serial, char *to); /* model_size() of them */
uint32_t model_serial(uint64_t size);        /* 0: no message is so long */

struct model_mailbox *model_mailbox(struct model *m, uint32_t id);
struct model_entry *model_entry(struct model_mailbox *m, uint32_t uid);

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
    uint32_t id, uidvalidity, uidnext;
    uint64_t modseq;
    char name[MODEL_NAME];
    size_t count;
    struct model_entry entries[MODEL_ENTRIES];
};
struct album {
    bool whole; /* all mailboxes of the account */
    size_t count;
    struct picture pictures[MODEL_MAILBOXES];
};

/*
 * Whether the model, with some of the changes in some order, is what was seen; then those changes
 * are applied, and numbers that were not known are taken over.
 */
bool model_explain(struct model *m, const struct model_change *changes, size_t count,
                   const struct album *seen);

/* Prints a change, and where the two differ, for a person. */
void model_print_change(const char *who, const struct model_change *c);
void model_print_difference(const struct model *m, const struct model_change *changes, size_t count,
                            const struct album *seen);
