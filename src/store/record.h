/* SPDX-License-Identifier: ISC */
/*
 * What changes in an account, as structs: the language between the store and its backends.
 *
 * A body is the bytes of a message. It is stored once under a number within its account, which is
 * never given again. An entry is a body's place in a mailbox: a UID, flags, a date. A body has one
 * entry when it comes; copies are further entries and cost no bytes. With its last entry a body
 * goes.
 *
 * Records say what is so afterwards, never what to do with what was before: flags are the flags
 * that an entry has now. So a record that is applied twice does no harm. All numbers (UID, MODSEQ,
 * body, mailbox) are given by the store above; backends keep them.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "base/time.h"

/* An entry: what is kept in memory of a message in a mailbox. 32 bytes, millions of them. */
struct store_entry {
    uint32_t uid;
    uint32_t size; /* of the body, as RFC822.SIZE */
    uint64_t modseq : 56;
    uint64_t flags : 8; /* enum store_flag, and ENTRY_COPY, ENTRY_SHARED */
    uint64_t body : 40;
    uint64_t keywords : 24; /* its set of keywords, see below; 0: none */
    uint64_t date : 56;     /* internal date: microseconds of wall time */
    uint64_t shape : 8;     /* enum store_shape */
};
_Static_assert(sizeof(struct store_entry) == 32, "an entry is 32 bytes");

/*
 * A set of keywords is a text: its names, sorted, with a space between them. Entries that are given
 * on share their sets: these are lines of a text, each with a line feed behind it, and an entry has
 * the number of its line, from 1 on. In a mailbox in memory it is a number of keywords.h.
 */

#define ENTRY_COPY   (1U << 6) /* not the first entry of its body: its UIDL is another one */
#define ENTRY_SHARED (1U << 7) /* its body may have other entries; in memory only */

#define STORE_MODSEQ_MAX ((1ULL << 56) - 1)
#define STORE_BODY_MAX   ((1ULL << 40) - 1) /* numbers of bodies */
#define STORE_SIZE_MAX   UINT32_MAX         /* bytes of one */
#define STORE_SET_MAX    0xffffffU          /* numbers of sets of keywords */

/* Bytes that lie in pieces. They stay where they are until the commit is done. */
struct store_bytes {
    const struct slice *parts;
    size_t count;
    uint64_t len;
    uint32_t crc; /* CRC-32C of all */
};

struct record_append { /* a new body with its first entry */
    uint32_t mailbox;
    struct slice mailbox_name; /* so that a copy of the truth that lost the mailbox can name it */
    struct store_entry entry;
    uint32_t header_size;
    struct slice keywords; /* a set; the entry has no number for it */
    struct slice return_path, key;
    usec_t stored; /* wall time: it is saved, and from then on the key is remembered */
    bool followed; /* the next record is a message, too: after a crash both are there, or none */
    struct store_bytes bytes;
};

struct record_copy { /* further entries of bodies that are there; UIDs and modseq ascend */
    uint32_t mailbox;
    struct slice mailbox_name;
    const struct store_entry *entries;
    size_t count;
    struct slice sets; /* of the entries */
    usec_t saved;      /* wall time: when they came to the mailbox */
    uint32_t from;     /* a move: as many entries of this mailbox go, with these UIDs; 0: a copy */
    const uint32_t *gone;
};

struct record_flags { /* flags and keywords that entries have from now on; UIDs ascend */
    uint32_t mailbox;
    uint64_t modseq;
    const struct store_entry *entries; /* uid, flags and keywords count */
    size_t count;
    struct slice sets; /* of the entries */
};

struct record_expunge { /* entries that are gone; UIDs ascend */
    uint32_t mailbox;
    uint64_t modseq;
    const uint32_t *uids;
    size_t count;
    usec_t when;            /* wall time, if they can be brought back; 0: they are gone for ever */
    uint64_t bodies, bytes; /* that go with their last entries; for the store */
};

struct record_mailbox { /* a mailbox as it is now: made, renamed, moved */
    uint32_t mailbox, parent, uidvalidity, uidnext, role;
    uint64_t modseq;
    struct slice name;
};

struct record_remove { /* a mailbox is gone, and all its entries */
    uint32_t mailbox;
    uint64_t modseq;
    usec_t when; /* as in record_expunge */
    struct slice name;
    uint64_t bodies, bytes; /* that go with their last entries; for the store */
};

#define RECORD_VALUE_SMALL 256U /* such values are kept in memory */

struct record_property { /* a named value as it is now */
    uint32_t mailbox;    /* 0: of the account */
    uint32_t kind;       /* enum store_property_kind */
    struct slice name;
    bool is_set;
    struct slice value; /* from a backend that gives back what it keeps: empty if it is not small */
    uint32_t size;      /* of the value */
    uint64_t modseq;
};

/* A removed entry, in the order in which they were removed. */
struct deleted_place {
    uint64_t modseq; /* of the removal */
    uint32_t uid;
};

struct record_forget { /* entries that were removed up to this one are gone for ever */
    struct deleted_place to;
    uint64_t bytes; /* that this frees; for the store */
    uint64_t count; /* of them; for the store */
};

struct store_record {
    struct link link;
    enum record_type {
        RECORD_APPEND,
        RECORD_COPY,
        RECORD_FLAGS,
        RECORD_EXPUNGE,
        RECORD_MAILBOX,
        RECORD_REMOVE,
        RECORD_PROPERTY,
        RECORD_FORGET,
    } type;
    union {
        struct record_append append;
        struct record_copy copy;
        struct record_flags flags;
        struct record_expunge expunge;
        struct record_mailbox mailbox;
        struct record_remove remove;
        struct record_property property;
        struct record_forget forget;
    };
};
