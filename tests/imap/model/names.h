/* SPDX-License-Identifier: ISC */
/*
 * Names of mailboxes and subscriptions: all that they can be just now, after what was asked for and
 * what was answered. Two clients who ask at the same time may be obeyed in either order, so there
 * may be several ways it can be; each answer leaves those that fit. A wish without an answer may
 * have been obeyed or not. What is read is compared where nobody changes anything meanwhile.
 *
 * A name has "/" between its parts. A mailbox is known by its UIDVALIDITY, once that was told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_MAX    16U /* mailboxes and subscriptions */
#define NAME_SIZE    24U
#define NAMES_WISHES 32U /* that are not over */
#define NAMES_WAYS   200U

struct name {
    char text[NAME_SIZE];
    uint32_t box;               /* 0: not known */
    uint32_t there, subscribed; /* 0 or 1 */
};
struct tree { /* by name; what is behind `count` is 0 */
    size_t count;
    struct name list[NAMES_MAX];
};

enum names_verb {
    NAMES_CREATE,
    NAMES_MAKE, /* a mailbox above the one that is wanted, if it is not there */
    NAMES_DELETE,
    NAMES_RENAME,
    NAMES_RENAME_INBOX, /* the INBOX stays where it is */
    NAMES_SUBSCRIBE,
    NAMES_UNSUBSCRIBE,
};
struct names_wish {
    enum names_verb verb;
    bool is_used, is_orphan; /* no answer comes any more */
    unsigned of;             /* for NAMES_MAKE: the wish that makes it; else its own number */
    char name[NAME_SIZE], to[NAME_SIZE];
};

struct names {
    struct names_way {
        struct tree tree;
        uint32_t done; /* wishes, as bits */
    } ways[NAMES_WAYS];
    size_t count;
    struct names_wish wishes[NAMES_WISHES];
    uint64_t changes; /* how many wishes have begun or ended */
    bool is_lost;     /* too many ways: nothing is compared until names_settle() */
};

void names_init(struct names *n, uint32_t inbox);

/* A wish begins; its number, or -1: there are too many. */
int names_begin(struct names *n, enum names_verb verb, const char *name, const char *to);

enum names_answer {
    NAMES_OK,
    NAMES_NO,
    NAMES_FAILED /* NO, by a bad disk */,
    NAMES_DENIED /* to a visitor */,
    NAMES_NONE
};
void names_end(struct names *n, int wish, enum names_answer answer);

/* The connection has ended for good: what it has asked for and was not obeyed, is not any more. */
void names_forget(struct names *n);

/* Whether nobody changes names now, or has since `changes` had this value. */
bool names_are_quiet(const struct names *n, uint64_t changes);

/* Who has asked when names_are_quiet() was told this mailbox for a name; 0: there is none. */
void names_read(struct names *n, const char *name, uint32_t box);

/* Or was told all of them, without their mailboxes. */
void names_list(struct names *n, const struct tree *seen);

/* All is quiet, and this is how it is, with all mailboxes. */
void names_settle(struct names *n, const struct tree *seen);

/* A mailbox that a name may have, in one of the ways; 0: none that is known. */
uint32_t names_box(const struct names *n, size_t way, const char *name);

/*
 * The names that a wish to delete may reach: its own, and those that a wish to rename may give that
 * name first. So many of them, at most `max`.
 */
size_t names_doomed(const struct names *n, char list[][NAME_SIZE], size_t max);

struct name *tree_find(struct tree *t, const char *name);
struct name *tree_add(struct tree *t, const char *name); /* NULL: it is full */
bool name_is_below(const char *name, const char *above); /* or is it */
