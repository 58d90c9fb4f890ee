/* SPDX-License-Identifier: ISC */
/*
 * What accounts must hold, by what its clients were told and have asked for. It knows no server:
 * each fact comes with the moment at which it was told, each wish with the moment at which it was
 * sent, and a moment is a number that rises with each of them.
 *
 * A mailbox is known by its UIDVALIDITY, which no other of the account has, whatever its name; one
 * of another account has TRUTH_ELSEWHERE in it. A message is known by its serial number, from which
 * its octets and its size are made. Rules:
 *
 * - What was told stays: a UID is one message for ever; of a message one MODSEQ is one set of
 *   flags; UIDNEXT and HIGHESTMODSEQ never fall, and whoever asks after somebody was told sees it.
 * - What was asked for and acknowledged is there, what was refused is not. What had no answer (the
 *   connection was cut, the server killed) may be there, once, and whole; so may what somebody is
 *   asking for just now.
 * - What nobody has asked for does not happen: no message comes, goes or gets other flags.
 * - EXPUNGE removes what has \Deleted: one of which that was withdrawn, and the withdrawal
 *   acknowledged, stays.
 *
 * Whatever breaks a rule ends the program with model_fail().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

/* Says what is wrong, with the last lines of all conversations. */
_Noreturn void model_fail(const char *format, ...) PRINTF_LIKE(1, 2);
#define RULE(holds, ...)                                                                           \
    do {                                                                                           \
        if (!(holds))                                                                              \
            model_fail(__VA_ARGS__);                                                               \
    } while (0)

#define TRUTH_FLAGS     11U /* five of the system, six keywords */
#define TRUTH_DELETED   (1U << 3)
#define TRUTH_ANY       0U /* a serial: nobody knows which message that is */
#define TRUTH_NOT_TOLD  UINT32_MAX
#define TRUTH_ELSEWHERE (1U << 31) /* no UIDVALIDITY has this bit */

struct truth_state { /* of a message */
    uint64_t modseq;
    uint32_t flags;
    uint64_t at; /* when somebody was told */
};

struct truth_message {
    uint32_t uid, serial;
    struct truth_state *states; /* by MODSEQ */
    size_t state_count;
    uint64_t since;        /* when it was acknowledged, or seen; 0: not yet */
    uint64_t gone;         /* when it was told to be gone; 0: not yet */
    bool is_here;          /* as all of its mailbox was seen last */
    bool is_claimed;       /* it is known what brought it */
    bool may_go, may_move; /* somebody has asked for that; by EXPUNGE, by MOVE */
    bool may_be_taken;     /* and without \Deleted: by REPLACE, by POP3 */
    unsigned crossings;    /* how often it was to move to another account */
    bool may_be_deleted;   /* it may have \Deleted */
    bool is_touched;       /* somebody has asked for other flags since all was quiet */
    uint64_t unsure;  /* until when it may have got flags that nobody was told; 0: it has not */
    unsigned writers; /* who change its flags just now */
    uint64_t writes;  /* how many have begun to */
    uint64_t written; /* when the last of them began, or ended */
    uint32_t first;   /* flags with which it has to begin, or TRUTH_NOT_TOLD */
};

/* A number that never falls, and when it was told. */
struct truth_number {
    uint64_t value, at;
};
struct truth_numbers {
    struct truth_number *list; /* rising */
    size_t count;
};

/* What somebody has written of a mailbox (METADATA). */
struct truth_note {
    uint32_t value; /* 0: nothing */
    bool is_known;
    unsigned writers; /* who write just now, or had no answer */
    uint64_t writes;  /* how many have begun to */
    uint64_t crossed; /* the last that began beside another one */
};

struct truth_box {
    uint32_t validity;
    struct truth_note note;
    bool may_be_deleted, is_deleted; /* the mailbox itself */
    bool was_deleted;                /* before all was quiet last */
    bool is_here;                    /* as all mailboxes were seen last */
    bool may_be_moved;               /* all that is in it (RENAME of the INBOX) */
    unsigned expunging;              /* who removes just now */
    uint64_t expunged;               /* when somebody has ended that last */
    struct truth_message **messages; /* by UID */
    size_t count;
    struct truth_numbers uidnext, modseq;
};

/* A message that may come, by a wish that is on its way or had no answer. */
struct truth_coming {
    unsigned wish;
    uint32_t serial;             /* or TRUTH_ANY */
    uint32_t from_box, from_uid; /* of MOVE: it cannot be there then */
};

struct truth {
    uint64_t now; /* the moment */
    uint64_t settled;
    struct truth_box **boxes;
    size_t box_count;
    struct truth_coming *coming;
    size_t coming_count;
    unsigned wishes;
    bool is_trouble;      /* the disk fails at times */
    bool notes_are_loose; /* nobody knows which mailbox has got one */
    bool is_loose;        /* a mailbox of which nobody knew may have been deleted */
};

void truth_done(struct truth *t);

/* The next moment. */
uint64_t truth_tick(struct truth *t);

struct truth_box *truth_box(struct truth *t, uint32_t validity); /* makes one */
struct truth_box *truth_known_box(const struct truth *t, uint32_t validity);
struct truth_message *truth_message(const struct truth_box *b, uint32_t uid);

/* The last state of which somebody was told before a moment; NULL: nobody was. */
const struct truth_state *truth_state(const struct truth_message *m, uint64_t before);

/* UIDNEXT or HIGHESTMODSEQ as it was told to who asked at that moment. */
void truth_tell_number(struct truth *t, struct truth_numbers *n, uint64_t value, uint64_t asked,
                       const char *what, uint32_t box);
uint64_t truth_number(const struct truth_numbers *n, uint64_t before);

/* ------------------------------------------------------------------ what is told of messages */

struct truth_sight {
    uint32_t uid, serial;
    uint32_t flags;  /* or TRUTH_NOT_TOLD */
    uint64_t modseq; /* 0: not told */
    uint64_t asked;  /* when the command was sent that was answered so */
    bool fresh;      /* the answer says what is there, not what has changed meanwhile */
};
void truth_see(struct truth *t, struct truth_box *b, const struct truth_sight *s);

/* It has gone (EXPUNGE, VANISHED). */
void truth_see_gone(struct truth *t, struct truth_box *b, uint32_t uid);

/* These UIDs, rising, are all there are, for who asked at that moment. */
void truth_see_all(struct truth *t, struct truth_box *b, const uint32_t *uids, size_t count,
                   uint64_t asked);

/* ------------------------------------------------------------------ what is asked for */

/* A wish that brings messages; truth_coming_add() for each of them. */
unsigned truth_wish(struct truth *t);
void truth_coming_add(struct truth *t, unsigned wish, uint32_t serial, uint32_t from_box,
                      uint32_t from_uid);

/* It was acknowledged, with the UID that the message got; and the flags with which it begins. */
void truth_came(struct truth *t, unsigned wish, struct truth_box *b, uint32_t uid, uint32_t serial,
                uint64_t asked);

void truth_began(struct truth_box *b, uint32_t uid, uint32_t flags, uint64_t asked);

/* It had its answer: what has not come by it comes no more. */
void truth_wish_over(struct truth *t, unsigned wish);

/* Flags of a message are asked for; `then` at the end of it. */
struct truth_write {
    uint32_t uid;
    uint64_t writes;           /* as it began */
    struct truth_state before; /* modseq 0: not known */
};
enum truth_how { TRUTH_ADD, TRUTH_REMOVE, TRUTH_REPLACE };
struct truth_write truth_write_begin(struct truth *t, struct truth_box *b, uint32_t uid,
                                     enum truth_how how, uint32_t flags);
enum truth_answer {
    TRUTH_OK,
    TRUTH_OK_QUIET, /* the MODSEQ was not told */
    TRUTH_MODIFIED, /* UNCHANGEDSINCE has kept it as it was */
    TRUTH_NO,
    TRUTH_NONE, /* no answer came */
};
void truth_write_end(struct truth *t, struct truth_box *b, const struct truth_write *w,
                     enum truth_how how, uint32_t flags, enum truth_answer answer, uint64_t asked);

/* Messages with \Deleted are removed: those of a set of UIDs (count > 0), or all. */
void truth_expunge_begin(struct truth_box *b, const uint32_t *uids, size_t count);
void truth_expunge_end(struct truth *t, struct truth_box *b);

/* Whether nothing but a change of its mailbox can take it away. */
bool truth_stays(const struct truth_box *b, const struct truth_message *m);

/* Whether nobody can have taken \Deleted from it since it was told to have it before `asked`. */
bool truth_is_deleted(const struct truth_message *m, uint64_t asked);

/* A note is written: the number of the write, for its end. `lost`: nobody knows of which mailbox.
 */
uint64_t truth_note_begin(struct truth_box *b);
void truth_note_end(struct truth *t, struct truth_box *b, uint64_t write, uint32_t value,
                    enum truth_answer answer, bool lost);
/* It is read, while nobody writes it and the mailbox keeps its name. */
void truth_note_read(struct truth_box *b, uint32_t value);

/*
 * Nothing is on its way any more. From truth_look() on all mailboxes were seen as they are, with
 * truth_see_all(); then what may be there is, or is not, and nothing was lost on its way from one
 * mailbox to another.
 */
void truth_look(struct truth *t);
void truth_settle(struct truth *t);

uint32_t truth_apply(uint32_t before, enum truth_how how, uint32_t flags);
