/* SPDX-License-Identifier: ISC */
/*
 * What SEARCH, SORT, THREAD and ESEARCH ask for: RFC 9051 §6.4.4, 5256 (SORT, THREAD), 5957
 * (DISPLAY), 4731 and 5267 (RETURN), 5182 ($), 5032 (WITHIN), 6203 (FUZZY), 7162 (MODSEQ), 7377
 * (ESEARCH), 8474, 8514, 9394.
 *
 * A program is a tree in an array, root first: behind a node come those below it, and `size` says
 * how many nodes they are with it, so that brothers are found without pointers. Only AND and OR
 * have nodes below them: parentheses are gone, NOT and FUZZY are marks of the tests themselves (De
 * Morgan), an AND below an AND is part of it.
 *
 * It is evaluated without a stack and without looking at what does not matter: each test knows
 * where to go when it holds and when it does not.
 *
 *     for (at = program.begin; at < program.count;)
 *         at = test(&program.nodes[at]) ? program.nodes[at].yes : program.nodes[at].no;
 *     found = at == IMAP_SEARCH_YES;
 */
#pragma once

#include "imap/syntax/fetch.h"

enum imap_search_key {
    IMAP_SEARCH_AND,
    IMAP_SEARCH_OR,
    IMAP_SEARCH_ALL,     /* holds for all messages */
    IMAP_SEARCH_NUMBERS, /* set: sequence numbers; "$" too */
    IMAP_SEARCH_UIDS,    /* set */
    IMAP_SEARCH_FLAG,    /* text: "\Seen" and so on */
    IMAP_SEARCH_KEYWORD, /* text */
    IMAP_SEARCH_RECENT,
    IMAP_SEARCH_NEW, /* recent and not seen */
    IMAP_SEARCH_FROM,
    IMAP_SEARCH_TO,
    IMAP_SEARCH_CC,
    IMAP_SEARCH_BCC,
    IMAP_SEARCH_SUBJECT,
    IMAP_SEARCH_HEADER, /* field, text (may be empty: the field is there) */
    IMAP_SEARCH_BODY,
    IMAP_SEARCH_TEXT,
    IMAP_SEARCH_BEFORE, /* day: the INTERNALDATE */
    IMAP_SEARCH_ON,
    IMAP_SEARCH_SINCE,
    IMAP_SEARCH_SENT_BEFORE, /* day: the Date field */
    IMAP_SEARCH_SENT_ON,
    IMAP_SEARCH_SENT_SINCE,
    IMAP_SEARCH_SAVED_BEFORE, /* day (RFC 8514) */
    IMAP_SEARCH_SAVED_ON,
    IMAP_SEARCH_SAVED_SINCE,
    IMAP_SEARCH_SAVEDATE_SUPPORTED,
    IMAP_SEARCH_LARGER,   /* number: octets */
    IMAP_SEARCH_SMALLER,  /* number: octets */
    IMAP_SEARCH_OLDER,    /* number: seconds (RFC 5032) */
    IMAP_SEARCH_YOUNGER,  /* number: seconds */
    IMAP_SEARCH_MODSEQ,   /* number; field: the entry or empty, text: "priv", "shared", "all" */
    IMAP_SEARCH_EMAILID,  /* text */
    IMAP_SEARCH_THREADID, /* text */
};

#define IMAP_SEARCH_YES UINT32_MAX
#define IMAP_SEARCH_NO  (UINT32_MAX - 1)
#define IMAP_SEARCH_DEPTH_MAX                                                                      \
    16384U /* of parentheses, NOT, OR and FUZZY; clients chain thousands of OR */

struct imap_search_node {
    enum imap_search_key key;
    bool negated, fuzzy; /* of a test */
    uint32_t size;       /* nodes of this subtree */
    uint32_t yes, no;    /* of a test: where to go on */
    union {
        const struct imap_set *set;
        int32_t day; /* since 1970-01-01 */
        uint64_t number;
        struct slice field;
    };
    struct slice text; /* octets in the charset of the program; not empty but in HEADER */
};

struct imap_search_program {
    const struct imap_search_node *nodes;
    uint32_t count, begin;
    bool has_modseq;      /* MODSEQ is asked for: the answer tells the highest (RFC 7162 §3.1.5) */
    struct slice charset; /* as given; ptr NULL: none */
};

/* RETURN; `set` 0: there was none. RETURN () is RETURN (ALL). */
enum imap_return {
    IMAP_RETURN_GIVEN = 1 << 0,
    IMAP_RETURN_MIN = 1 << 1,
    IMAP_RETURN_MAX = 1 << 2,
    IMAP_RETURN_ALL = 1 << 3,
    IMAP_RETURN_COUNT = 1 << 4,
    IMAP_RETURN_SAVE = 1 << 5,
    IMAP_RETURN_PARTIAL = 1 << 6,
    IMAP_RETURN_UPDATE = 1 << 7,    /* RFC 5267 */
    IMAP_RETURN_CONTEXT = 1 << 8,   /* RFC 5267 */
    IMAP_RETURN_RELEVANCY = 1 << 9, /* RFC 6203 */
};
struct imap_returns {
    unsigned set;
    struct imap_partial partial;
    struct imap_attributes update; /* of new messages, with UPDATE (RFC 5465 §7); empty: none */
};

enum imap_sort_key {
    IMAP_SORT_ARRIVAL,
    IMAP_SORT_CC,
    IMAP_SORT_DATE,
    IMAP_SORT_FROM,
    IMAP_SORT_SIZE,
    IMAP_SORT_SUBJECT,
    IMAP_SORT_TO,
    IMAP_SORT_DISPLAYFROM,
    IMAP_SORT_DISPLAYTO,
    IMAP_SORT_RELEVANCY,
};
#define IMAP_SORT_MAX 10U /* that there are: one that was named before changes nothing */
struct imap_sort {
    unsigned count;
    struct {
        enum imap_sort_key key;
        bool reverse;
    } by[IMAP_SORT_MAX];
};

enum imap_thread { IMAP_THREAD_ORDEREDSUBJECT, IMAP_THREAD_REFERENCES, IMAP_THREAD_REFS };

/* Where ESEARCH looks (RFC 7377 §2.2), and what NOTIFY is about (RFC 5465 §6). */
enum imap_source_kind {
    IMAP_SOURCE_SELECTED,
    IMAP_SOURCE_SELECTED_DELAYED,
    IMAP_SOURCE_INBOXES,
    IMAP_SOURCE_PERSONAL,
    IMAP_SOURCE_SUBSCRIBED,
    IMAP_SOURCE_SUBTREE,     /* with all below them */
    IMAP_SOURCE_SUBTREE_ONE, /* with those right below them */
    IMAP_SOURCE_MAILBOXES,
};
struct imap_source {
    enum imap_source_kind kind;
    const struct slice *mailboxes; /* of the last three, UTF-8 */
    size_t mailbox_count;
};

/* All four commands; what one does not have is zero. */
struct imap_search {
    struct imap_returns returns;
    struct imap_sort sort;
    enum imap_thread thread;
    const struct imap_source *sources; /* of ESEARCH; none: the mailbox that is selected */
    size_t source_count;
    struct imap_search_program program;
};

bool imap_take_search(struct imap_cursor *c, struct imap_search *ret);
bool imap_take_sort(struct imap_cursor *c, struct imap_search *ret);
bool imap_take_thread(struct imap_cursor *c, struct imap_search *ret);
bool imap_take_esearch(struct imap_cursor *c, struct imap_search *ret);
bool imap_take_source(struct imap_cursor *c, struct imap_source *ret); /* NOTIFY's too */

/* The keys up to the end of the command, each behind a space that was taken. */
bool imap_take_program(struct imap_cursor *c, struct imap_search_program *ret);
