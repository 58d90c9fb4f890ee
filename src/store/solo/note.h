/* SPDX-License-Identifier: ISC */
/*
 * Notes: the facts of the records in an account's packs. Pure: bytes to structs and back.
 *
 * A message is a note with the message's bytes as the record's body; every other note is facts
 * only. All begin with a version and the account. Integers are little-endian; text has a 16-bit
 * length before it. Bytes behind what a decoder knows come from a newer program and are passed
 * over, so a version is raised only by a change that an old reader must not miss: -E_VERSION.
 *
 * Decoders return 0, -E_VERSION, or -E_CORRUPT; slices of the results point into the facts.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "store/record.h"

#define NOTE_PACK_KIND PACK_KIND('S', 'T', 'O', 'R')

enum note_type {
    NOTE_ACCOUNT = 1, /* the account's counters; begins every pack */
    NOTE_MAILBOX,     /* a mailbox made or changed; all of them follow the account */
    NOTE_MESSAGE,     /* a message in a mailbox */
    NOTE_FLAGS,       /* new flags of messages */
    NOTE_EXPUNGE,     /* messages removed */
    NOTE_KEY,         /* the delivery key of a message that is gone */
    NOTE_GONE,        /* a pack has been emptied and may be unlinked */
    NOTE_ENTRIES,     /* further entries of bodies */
    NOTE_BODY,        /* a message without an entry: its first one is gone, others are there */
    NOTE_TRANSFER,    /* NOTE_ENTRIES, and behind it the NOTE_EXPUNGE of where they were: a move */

    NOTE_REMOVE = 30, /* a mailbox is gone, with all its entries */
    NOTE_PROPERTY,    /* a named value of a mailbox or of the account */
    NOTE_DELETED,     /* entries that were removed and can be brought back; compaction writes it */
    NOTE_FORGET,      /* up to where they cannot any more */
    NOTE_TOGETHER,    /* a mailbox and properties: what one change says, all of it or nothing */
    NOTE_TYPES,
};

/*
 * Flag of a record that compaction has written: what it says was said before, by a record that is
 * about to go.
 */
#define NOTE_MOVED 1U

/*
 * Flag of a message that was stored together with the one right behind it: at the end of what a
 * crash has left, where that one is missing, it does not count. So of such messages all are there
 * or none is, unless a power cut has taken some out of their midst.
 */
#define NOTE_FOLLOWED 2U

/* Of removals in the order of their MODSEQ and UID. */
struct note_forget {
    uint64_t account, modseq;
    uint32_t uid;
};

struct note_account {
    uint64_t account;
    usec_t born; /* wall time */
    uint64_t modseq, message_next;
    uint32_t mailbox_next;
    struct slice seals; /* see note_seal() */
    struct note_forget forgotten;
    uint32_t mailboxes; /* how many NOTE_MAILBOX follow, or NOTE_UNCOUNTED: of an older program */
};
#define NOTE_UNCOUNTED UINT32_MAX

/* A pack whose sync failed: what lies behind its end was never acknowledged and does not count. */
struct note_seal {
    uint64_t pack, end;
};
#define NOTE_SEAL_SIZE 16U

struct note_mailbox {
    uint64_t account;
    uint32_t mailbox, parent, uidvalidity, uidnext, role;
    uint64_t modseq;
    struct slice name;
};

/*
 * Keywords: a set is a text, its names with spaces between them. Items of a note have the numbers
 * of lines of a text that stands behind the items, from 1 on; 0: none.
 */

struct note_message {
    uint64_t account, message, modseq;
    uint32_t mailbox, uid;
    uint64_t flags;
    usec_t arrival;
    uint32_t header_size, shape;
    struct slice mailbox_name; /* for a rebuild that has lost the mailbox's own note */
    struct slice return_path, key;
    usec_t stored;         /* wall time; in older notes, which do not have it, the arrival */
    struct slice keywords; /* a set */
};

/* Messages of one mailbox, with the flags they have now or without. */
struct note_changes {
    uint64_t account, modseq;
    uint32_t mailbox;
    uint32_t count;
    struct slice items; /* see note_changes_at() */
    usec_t when;        /* of NOTE_EXPUNGE: from then on they can be brought back; 0: they cannot */
    struct slice rest;  /* what stands behind them, see note_sets_decode() */
};
struct note_change {
    uint32_t uid;
    uint8_t flags; /* of NOTE_FLAGS, and the set of keywords */
    uint32_t set;
};

/* Entries that are not the first of their bodies, in one mailbox. */
struct note_entries {
    uint64_t account;
    uint32_t mailbox;
    uint32_t count;
    struct slice mailbox_name;
    struct slice items; /* see note_entries_at() */
    struct slice rest;  /* what stands behind them: in a transfer the facts of its NOTE_EXPUNGE */
};
struct note_entry {
    uint32_t uid;
    uint32_t size; /* of the body */
    uint64_t body, modseq;
    uint8_t flags;
    uint32_t set;
    uint32_t saved; /* when it came to its mailbox: seconds of wall time; 0: of an older program */
};
#define NOTE_ENTRY_SIZE 32U

struct note_body {
    uint64_t account, message;
    usec_t arrival;
    uint32_t header_size, shape;
    struct slice return_path; /* older notes do not have it */
};

struct note_key {
    uint64_t account, message;
    usec_t stored; /* the message */
    struct slice key;
};

/*
 * Says of a mailbox what NOTE_EXPUNGE says of a message; and heads of older packs, which still have
 * the mailbox, do not bring it back.
 */
struct note_remove {
    uint64_t account, modseq;
    uint32_t mailbox;
    usec_t when; /* as in note_changes */
    struct slice name;
};

/* Of one mailbox; their sets of keywords are the last thing in it. */
struct note_deleted {
    uint64_t account;
    uint32_t mailbox, count;
    struct slice items; /* see note_deleted_at() */
    struct slice rest;
};
struct note_deletion {
    uint32_t uid, size;
    uint64_t body, modseq;
    usec_t when;
    uint8_t flags;
    uint32_t set;
};
#define NOTE_DELETION_SIZE 40U

#define NOTE_PROPERTY_SIZE 32U /* of the facts, without name and value */
struct note_property {
    uint64_t account, modseq;
    uint32_t mailbox, kind;
    bool is_set;
    struct slice name, value;
};

/* Other notes, NOTE_MAILBOX and NOTE_PROPERTY. */
struct note_together {
    uint64_t account;
    struct slice rest; /* see note_together_next() */
};

struct note_gone {
    uint64_t account, pack;
};

void note_account_encode(struct buf *to, const struct note_account *n);
void note_seal_encode(struct buf *to, struct note_seal seal);
int note_account_decode(struct slice facts, struct note_account *ret);
size_t note_seal_count(const struct note_account *n);
struct note_seal note_seal_at(const struct note_account *n, size_t place);

void note_mailbox_encode(struct buf *to, const struct note_mailbox *n);
int note_mailbox_decode(struct slice facts, struct note_mailbox *ret);

void note_message_encode(struct buf *to, const struct note_message *n);
int note_message_decode(struct slice facts, struct note_message *ret);

/* `type` is NOTE_FLAGS or NOTE_EXPUNGE; items are made by note_change_encode() for the same type.
 */
void note_changes_encode(struct buf *to, const struct note_changes *n);
void note_change_encode(struct buf *to, enum note_type type, struct note_change change);
int note_changes_decode(struct slice facts, enum note_type type, struct note_changes *ret);
struct note_change note_changes_at(const struct note_changes *n, enum note_type type, size_t place);

void note_entries_encode(struct buf *to, const struct note_entries *n);
void note_entry_encode(struct buf *to, const struct note_entry *e);
int note_entries_decode(struct slice facts, struct note_entries *ret);
struct note_entry note_entries_at(const struct note_entries *n, size_t place);

/*
 * The sets of a note's items: the last thing in it, and not there if there are none. In a transfer
 * they stand behind the NOTE_EXPUNGE and eight bytes that are its own. Damaged ones are none.
 */
void note_sets_encode(struct buf *to, struct slice lines);
struct slice note_sets_decode(struct slice rest);

/* The lines as an array (struct slice), added to `sets`; and one of them, by its number. */
void note_sets_split(struct slice lines, struct buf *sets);
struct slice note_sets_at(const struct buf *sets, uint32_t set);

void note_body_encode(struct buf *to, const struct note_body *n);
int note_body_decode(struct slice facts, struct note_body *ret);

void note_key_encode(struct buf *to, const struct note_key *n);
int note_key_decode(struct slice facts, struct note_key *ret);

void note_remove_encode(struct buf *to, const struct note_remove *n);
int note_remove_decode(struct slice facts, struct note_remove *ret);

void note_deleted_encode(struct buf *to, const struct note_deleted *n);
void note_deletion_encode(struct buf *to, const struct note_deletion *d);
int note_deleted_decode(struct slice facts, struct note_deleted *ret);
struct note_deletion note_deleted_at(const struct note_deleted *n, size_t place);

void note_forget_encode(struct buf *to, const struct note_forget *n);
int note_forget_decode(struct slice facts, struct note_forget *ret);

void note_together_encode(struct buf *to, uint64_t account);
void note_together_add(struct buf *to, enum note_type type, struct slice facts);
int note_together_decode(struct slice facts, struct note_together *ret);

/* The next one: 1; 0: there is none, or negative. */
int note_together_next(struct note_together *n, enum note_type *ret_type, struct slice *ret_facts);

/* The eight bytes behind the items of a NOTE_EXPUNGE. */
void note_when_encode(struct buf *to, usec_t when);

void note_property_encode(struct buf *to, const struct note_property *n);
int note_property_decode(struct slice facts, struct note_property *ret);

void note_gone_encode(struct buf *to, const struct note_gone *n);
int note_gone_decode(struct slice facts, struct note_gone *ret);
