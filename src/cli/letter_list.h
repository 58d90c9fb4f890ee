/* SPDX-License-Identifier: ISC */
/*
 * Letters found by words and times, one a line: when it came, from whom, to whom, about what, and
 * what has become of it. What `journey --list` and `log --list` print.
 */
#pragma once

#include "cli/ledger_access.h"

#define LETTERS_LISTED 100U /* without a limit */
#define LETTERS_MOST   999U

/* The words that were given for a parameter, at most LEDGER_WORDS_MAX. */
int letter_words(struct cli *c, const char *parameter, const struct slice **ret, size_t *ret_count,
                 struct problem *problem);

/* The search that words, --since and --until of the command ask for. */
int letter_search(struct cli *c, const char *parameter, struct ledger_search *ret,
                  struct problem *problem);

/* A letter with those that belong to it. */
#define FAMILY_MAX 50U
struct letter_family {
    struct family_member {
        letter_id letter;
        uint64_t after;    /* the last event that is known */
    } members[FAMILY_MAX]; /* oldest first, once it is complete */
    size_t count;
    letter_id first;          /* the letter that the others came of */
    struct rpc_event *events; /* in their order; in the arena of the command */
    size_t events_count, room;
};

/*
 * The families of letters, newest first, each once. The letters beyond `limit` are left out.
 */
int letter_families(struct ledger_access *x, const letter_id *letters, size_t count,
                    struct arena *a, struct letter_family **ret, size_t *ret_count,
                    struct problem *problem) WAITS;

bool letter_is_member(const struct letter_family *f, letter_id letter);

/* Adds the letters that the events name. Where there are too many, the rest is left out. */
void letter_add_relatives(struct letter_family *f, const struct rpc_event *events, size_t count);

/* Prints the list. An exit code. */
int letter_list(struct cli *c, const char *parameter, unsigned limit) WAITS;
