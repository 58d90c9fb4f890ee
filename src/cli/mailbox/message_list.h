/* SPDX-License-Identifier: ISC */
/*
 * Messages found by words and times, one a line: when it came, from whom, to whom, about what, and
 * what has become of it. What `journey --list` and `log --list` print.
 */
#pragma once

#include "cli/queue/events_access.h"

#define MESSAGES_LISTED 100U /* without a limit */
#define MESSAGES_MOST   999U

/* The words that were given for a parameter, at most EVENT_LOG_WORDS_MAX. */
int message_words(struct cli *c, const char *parameter, const struct slice **ret, size_t *ret_count,
                  struct problem *problem);

/* The search that words, --since and --until of the command ask for. */
int message_search(struct cli *c, const char *parameter, struct event_log_search *ret,
                   struct problem *problem);

/* A message with those that belong to it. */
#define FAMILY_MAX 50U
struct message_family {
    struct family_member {
        queue_id message;
        uint64_t after;    /* the last event that is known */
    } members[FAMILY_MAX]; /* oldest first, once it is complete */
    size_t count;
    queue_id first;       /* the message that the others came of */
    struct event *events; /* in their order; in the arena of the command */
    size_t events_count, room;
};

/*
 * The families of messages, newest first, each once. The messages beyond `limit` are left out.
 */
int message_families(struct events_access *x, const queue_id *messages, size_t count,
                     struct arena *a, struct message_family **ret, size_t *ret_count,
                     struct problem *problem) WAITS;

bool message_is_member(const struct message_family *f, queue_id message);

/* Adds the messages that the events name. Where there are too many, the rest is left out. */
void message_add_relatives(struct message_family *f, const struct event *events, size_t count);

/* Prints the list. An exit code. */
int message_list(struct cli *c, const char *parameter, unsigned limit) WAITS;
