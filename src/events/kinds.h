/* SPDX-License-Identifier: ISC */
/*
 * The kinds of events and the facts that they carry. One table of each (kinds.c) says what a kind
 * means, how important it is in the log, what it says of a recipient's disposition, and which facts
 * go with it; the log, the journey that people read, the search and events.md all come from them.
 *
 *     struct event_fact facts[] = {{S(FACT_TO), to}, {S(FACT_REASON), reason}};
 *     process_event(p, id, KIND_DEFERRED, facts, 2, "%s did not answer.", host);
 *
 * The text of an event is one whole sentence for a postmaster. What programs or searches need goes
 * into facts as well. A kind or fact that the tables do not know is kept and shown all the same.
 *
 * Values of facts
 *     addresses    one behind the other, with '\n' between them, without angle brackets
 *     times        wall time in decimal microseconds
 *     sizes        decimal bytes
 *     messages     ids as text (message/queue_id.h)
 *     findings     a result, and behind it lines "label: value"; where there are several, one
 *                  behind the other
 *     dialogue     lines that begin with "C: ", "S: " or "-- " (another host follows), '\n' behind
 *                  each; never the message's body, never what authenticates, which
 *                  journey/record.h cuts out
 */
#pragma once

#include "base/slice.h"
#include "conf/conf.h"

/* Conversations with clients and other hosts */
#define KIND_TLS          "tls"
#define KIND_LOGIN        "login"
#define KIND_LOGIN_FAILED "login-failed"

/* A message comes in */
#define KIND_ACCEPTED  "accepted"
#define KIND_REJECTED  "rejected"
#define KIND_ABANDONED "abandoned"
#define KIND_REPORT    "report"
#define KIND_JUDGED    "judged"

/* The queue */
#define KIND_QUEUED    "queued"
#define KIND_EXPANDED  "expanded"
#define KIND_DELIVERED "delivered"
#define KIND_DEFERRED  "deferred"
#define KIND_BOUNCED   "bounced"
#define KIND_HELD      "held"
#define KIND_RELEASED  "released"
#define KIND_RETRIED   "retried"
#define KIND_REMOVED   "removed"
#define KIND_SETTLED   "settled"
#define KIND_SENDS     "sends"

/* To other hosts */
#define KIND_LOOKUP       "lookup"
#define KIND_CONNECTED    "connected"
#define KIND_UNREACHABLE  "unreachable"
#define KIND_PUT_OFF      "put-off"
#define KIND_TRANSMISSION "transmission"
#define KIND_TRANSMITTED  "transmitted"

/* Readers */
#define KIND_SESSION  "session"
#define KIND_RESTORED "restored"
#define KIND_MAILBOX  "mailbox"
#define KIND_COPIED   "copied"
#define KIND_MOVED    "moved"
#define KIND_DELETED  "deleted"
#define KIND_SHOWN    "shown"
#define KIND_LEFT     "left"

/* The server itself */
#define KIND_STARTED       "started"
#define KIND_PROCESS_ENDED "process-ended"
#define KIND_RELOAD        "reload"
#define KIND_CHANGED       "changed"
#define KIND_LOST          "lost"
#define KIND_DAMAGED       "damaged"
#define KIND_WARNING       "warning"
#define KIND_ERROR         "error"

#define FACT_FROM       "from"
#define FACT_TO         "to"
#define FACT_MESSAGE_ID "message-id"
#define FACT_SUBJECT    "subject"
#define FACT_SIZE       "size"
#define FACT_CLIENT     "client"
#define FACT_HELO       "helo"
#define FACT_TLS        "tls"
#define FACT_LOGIN      "login"
#define FACT_SERVICE    "service"
#define FACT_TARGETS    "targets"
#define FACT_ACCOUNT    "account"
#define FACT_DOMAIN     "domain"
#define FACT_HOST       "host"
#define FACT_REPLY      "reply"
#define FACT_STATUS     "status"
#define FACT_REASON     "reason"
#define FACT_ATTEMPTS   "attempts"
#define FACT_NEXT       "next"
#define FACT_REPORT     "report"
#define FACT_CHILD      "child"
#define FACT_ORIGINAL   "original"
#define FACT_ORIGIN     "origin"
#define FACT_DIALOGUE   "dialogue"
#define FACT_BY         "by"
#define FACT_CHANGE     "change"
#define FACT_NAME       "name"
#define FACT_BEFORE     "before"
#define FACT_AFTER      "after"
#define FACT_MESSAGES   "messages"
#define FACT_FETCHED    "fetched"
#define FACT_REMOVED    "removed"
#define FACT_STORED     "stored"
#define FACT_MAILBOX    "mailbox"
#define FACT_INTO       "into"
#define FACT_VERDICT    "verdict"
#define FACT_IPREV      "iprev"
#define FACT_SPF        "spf"
#define FACT_DKIM       "dkim"
#define FACT_ARC        "arc"
#define FACT_DMARC      "dmarc"

/* Reasons of KIND_SESSION that have sentences of their own. */
#define SESSION_IN_USE      "another one has the mailbox open"
#define SESSION_LOGIN_ENDED "its login counts no more"
#define SESSION_TRUST_ENDED "its network is trusted no more"
#define SESSION_CROWDED     "the account has too many, and it was silent"

/* What a kind says of the recipients in its fact `to`. */
enum kind_disposition {
    DISPOSITION_NONE, /* nothing */
    DISPOSITION_WAITING,
    DISPOSITION_PASSED_ON, /* other addresses stand in its place: fact `targets` */
    DISPOSITION_ARRIVED,
    DISPOSITION_REFUSED, /* was never ours to carry */
    DISPOSITION_FAILED,
};

struct kind {
    struct slice name;
    uint8_t code; /* in the database: never changed, never used again */
    enum conf_log_level level;
    enum kind_disposition disposition;
    const char *title;   /* for people: "Accepted" */
    const char *facts;   /* those it usually carries, with blanks between them */
    const char *meaning; /* for the documentation */
};

enum fact_type {
    FACT_IS_TEXT,
    FACT_IS_HEADER, /* text of a header field: encoded words are decoded */
    FACT_IS_ADDRESSES,
    FACT_IS_NUMBER,
    FACT_IS_SIZE,
    FACT_IS_TIME,
    FACT_IS_MESSAGE,
    FACT_IS_DIALOGUE,
    FACT_IS_FINDING,
};

struct fact {
    struct slice name;
    uint8_t code; /* as above */
    enum fact_type type;
    bool key;          /* messages are found by it */
    const char *label; /* for people: "Next attempt" */
    const char *meaning;
};

extern const struct kind kind_table[];
extern const size_t kind_count;
extern const struct fact fact_table[];
extern const size_t fact_count;

/* NULL when the table does not have it. */
const struct kind *kind_find(struct slice name);
const struct kind *kind_of_code(uint8_t code);
const struct fact *fact_find(struct slice name);
const struct fact *fact_of_code(uint8_t code);

/* Importance of an event; of an unknown kind: info. */
enum conf_log_level kind_level(struct slice name);
const char *level_name(enum conf_log_level level); /* "warning" */
