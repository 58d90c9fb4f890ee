/* SPDX-License-Identifier: ISC */
/*
 * A client of the model test: a connection to the server, what its user has asked for and not yet
 * been answered, and what it knows of the mailbox that it has selected. It keeps what a mail
 * program keeps, believes all it is told, and ends the program when that cannot be true:
 *
 * - every response is in the grammar (response_check.h), answers come in the order of the commands;
 * - numbers are those of what was told: EXPUNGE and FETCH name one that there is, EXISTS takes none
 *   away, a UID does not change its place;
 * - nothing is told to be gone while a command with numbers is obeyed, and EXPUNGE is not said to
 *   who has enabled QRESYNC;
 * - a mailbox as it was known in an earlier session, and what QRESYNC tells, is the mailbox.
 *
 * Some are visitors: they have an account of their own, and what the owner of the other one has let
 * them do with his mailboxes.
 *
 * What is asked for goes to the truth (truth.h, names.h) when it is sent, and what is answered when
 * it is read. When the connection is lost, what had no answer may have been done or not.
 */
#pragma once

#include "base/buf.h"
#include "io/stream.h"
#include "names.h"
#include "store/model/rng.h"
#include "truth.h"

#define CLIENT_COMMANDS 8U
#define CLIENT_CACHED   8U
#define CLIENT_PATIENCE (10 * USEC_MIN) /* on the clock of the run; nothing may take so long */

struct seen {
    uint32_t uid, flags; /* 0, TRUTH_NOT_TOLD: not known yet */
    uint64_t modseq;
};

/* A mailbox as a client knew it. */
struct picture {
    uint32_t box;
    uint64_t modseq; /* all that has happened up to it is in the picture */
    struct seen *list;
    size_t count;
};

enum verb {
    V_OTHER, /* nothing is expected of it */
    V_SELECT,
    V_FETCH,
    V_STORE,
    V_COPY,
    V_MOVE,
    V_EXPUNGE,
    V_CLOSE,
    V_APPEND,
    V_REPLACE, /* `uids` has the message that it replaces */
    V_NOOP,
    V_IDLE,
    V_SEARCH,
    V_STATUS,
    V_LIST,
    V_NAMES,
    V_LEAVE,
    V_NOTE,
    V_RIGHTS,
};

struct command {
    enum verb verb;
    char tag[32];
    uint64_t asked;
    bool by_number; /* nothing may be told to be gone */
    struct truth_box *box;
    char name[NAME_SIZE];
    bool at_home; /* a visitor's: the name is one of his own account */
    bool crosses; /* to another account */

    uint32_t *uids; /* that it names; of an EXPUNGE none: all */
    size_t uid_count;
    bool all; /* FETCH or SEARCH of the whole mailbox, by UID; then what was told is in `got` */
    uint64_t changed_since; /* FETCH of all that has changed */
    bool whole;             /* FETCH of all numbers: the view is compared */
    char needle[12];        /* SEARCH of subjects that have it; or begin with it */
    bool begins;
    uint32_t *got;
    size_t got_count;

    struct truth_write *writes; /* as many as uids */
    enum truth_how how;
    uint32_t flags;
    bool silent, of_inbox; /* STORE; RENAME of the INBOX */

    unsigned wish; /* that brings messages */
    uint32_t serial, first;
    uint32_t more; /* messages of APPEND behind the first, with the serials behind that one's */
    uint32_t new_box, *new_uids; /* as COPYUID has told; of REPLACE APPENDUID */
    size_t new_count;
    uint64_t write;  /* of a note, which is `serial`, or of rights, which are `first` */
    bool reads;      /* a note */
    bool whole_tree; /* the second of two LISTs */
    int names_wish;
    uint64_t names_changes;
    struct picture *old; /* SELECT with QRESYNC */
};

struct client_status {
    uint64_t messages, unseen, deleted, size;
};

/* What the visitor may do, as far as it is looked at. */
enum right { R_READ = 1, R_INSERT = 2, R_EXPUNGE = 4, R_FLAGS = 8, R_DELETED = 16 };

#define NAME_HOME "~" /* the visitor's own INBOX */
#define WIRE_SIZE 100U

struct run;

struct client {
    struct run *run;
    char name[16]; /* in traces: A to Y, a number; tags begin with it */
    struct stream *stream;
    void *server; /* the run's, of a connection */
    bool condstore, qresync;
    bool notifies; /* is told of changes while no command runs (NOTIFY) */
    bool visits;   /* his mailboxes are those that the owner shares with him */
    unsigned tags;

    struct truth_box *box; /* that is selected; NULL: none */
    bool read_only, resyncing;
    uint64_t select_modseq;
    struct seen *list;
    size_t count;
    uint64_t modseq; /* as in struct picture */
    struct picture cached[CLIENT_CACHED];
    size_t next_cached;

    struct command commands[CLIENT_COMMANDS];
    size_t first, command_count; /* those before `first` were answered */
    bool dropped;                /* the connection is lost, or the run over */
    bool may_continue;           /* "+" was told */

    struct tree tree;            /* as LIST has told */
    struct client_status status; /* the same */
    uint32_t note;               /* as told last; 0: none */
    uint64_t quota;              /* KiB used, as told last */
    uint64_t size_sum;           /* of all messages whose sizes were told; set to 0 before */
    struct buf response;
};

struct uidl {
    char text[72]; /* RFC 1939 §7: at most 70 */
    uint32_t serial;
};

/* What a run gives its clients. */
struct run {
    struct truth truth;
    struct names names;
    struct rng rng;
    bool over;            /* the server was killed: what comes now counts no more */
    bool is_exact;        /* messages have no trace fields */
    bool is_tight;        /* the account has little room */
    bool is_quarrel;      /* some remove what others want to keep, in one mailbox */
    uint64_t quota, used; /* octets; `used` as it was when all was looked at */
    bool trace;
    uint32_t serial;             /* the last one */
    uint32_t inbox, home;        /* the owner's; the visitor's INBOX, or 0: there are no visitors */
    const char *owner, *visitor; /* their addresses */
    bool is_doubled;             /* messages have come back, and count twice now */
    uint32_t notes;
    struct uidl *uidls; /* all that POP3 has told */
    size_t uidl_count;
    struct {              /* of the visitor in the INBOX */
        uint32_t granted; /* of enum right */
        bool is_known;
        unsigned writers;         /* who change them just now, or had no answer */
        uint64_t writes, crossed; /* as of a note (truth.h) */
        uint64_t at;              /* when a change began last, or ended */
    } rights;
    uint64_t steps;
    /* A connection that has logged in, the owner or the visitor, with the tag "in"; false: there is
     * none now. */
    bool (*connect)(struct run *run, struct client *c) WAITS;
    /* It has ended at the server, too, when this returns. */
    void (*disconnect)(struct run *run, struct client *c) WAITS;
    /* A message for the INBOX, by a wish; false: it may have come or not. */
    bool (*deliver)(struct run *run, unsigned wish, uint32_t serial) WAITS;
    /* A connection of POP3 that has logged in as the owner, which the caller frees. False: there is
     * none now. NULL: there is no POP3. */
    bool (*pop3)(struct run *run, struct stream **ret) WAITS;
};

void client_init(struct client *c, struct run *run, unsigned number);
void client_done(struct client *c) WAITS;

/* Connects, and enables what this client likes. */
void client_connect(struct client *c) WAITS;

/* Ends the connection, whatever is on its way. */
void client_drop(struct client *c) WAITS;

/* A command that is sent with the next flush; its tag and the line end are added. */
struct command *client_begin(struct client *c, enum verb verb, const char *format, ...)
    PRINTF_LIKE(3, 4) WAITS;

/* Sends what was begun, and reads until all of it is answered, or the connection is lost. */
void client_finish(struct client *c) WAITS;

/* Reads until "+" comes (true), or the command is answered. */
bool client_wait_plus(struct client *c) WAITS;

/* Reads what comes for so long. */
void client_listen(struct client *c, usec_t span) WAITS;

/* Lets go of the mailbox that is selected, and keeps a picture of it. */
void client_unselect(struct client *c);
struct picture *client_picture(struct client *c, uint32_t box);

/* A name as it is sent. */
const char *client_wire(const struct client *c, const char *name, char wire[static WIRE_SIZE]);

/* The mailbox with this UIDVALIDITY in the account that a command is about. */
struct truth_box *client_box(const struct client *c, const struct command *k, uint32_t validity);

uint32_t client_pick(struct client *c, uint32_t bound);
void client_trace(struct client *c, char direction, struct slice text);

/* answers.c: a response that was read; the command that is being answered, or NULL. */
void client_hear(struct client *c, struct slice response) WAITS;
/* ends.c: the command has its answer, or (status empty) will not get one. */
void client_end(struct client *c, struct command *command, struct slice status, struct slice code);

/* The text of a message, and the flags by name. */
#define MESSAGE_MAX ((size_t)160 << 10)
void message_text(uint32_t serial, struct buf *to);
bool message_is_large(uint32_t serial); /* over 100 KiB */
void flags_text(uint32_t flags, struct buf *to);
uint32_t flags_of(struct slice words);
