/* SPDX-License-Identifier: ISC */
/*
 * The table of settings: its rows, and how to find one. Parser, checks, documentation and the
 * roles' shares all read these rows; adding a setting means a member in struct conf and a row in
 * table.c, and nothing else.
 */
#pragma once

#include "conf/conf.h"

/* Of what is written for people. */
enum conf_language { CONF_ENGLISH, CONF_JAPANESE, CONF_LANGUAGE_COUNT };

/* That in which _() answers (base/words.h). */
enum conf_language conf_language(void);

enum conf_type {
    CONF_BOOL,
    CONF_NUMBER,
    CONF_PORT,
    CONF_PERCENT,
    CONF_SIZE,
    CONF_SPAN,
    CONF_SPANS,
    CONF_TEXT,
    CONF_HOST,
    CONF_USER,
    CONF_PATH,
    CONF_CHOICE,
    CONF_ADDRESSES,
    CONF_NETWORKS,
    CONF_HOST_PORT,
    CONF_ROUTES,
    CONF_MAILBOXES,
    CONF_SENDERS,
    CONF_TYPE_COUNT,
};

enum conf_block_id {
    CONF_TOP, /* outside of any block */
    CONF_USERS,
    CONF_WORKERS,
    CONF_DNS,
    CONF_TLS,
    CONF_LOGIN,
    CONF_PASSWORD,
    CONF_SMTP,
    CONF_SUBMISSION,
    CONF_AUTHENTICATION,
    CONF_POP3,
    CONF_IMAP,
    CONF_QUEUE,
    CONF_RELAY,
    CONF_FETCH,
    CONF_SENDING,
    CONF_DELIVERY,
    CONF_ACCOUNTS,
    CONF_EVENTS,
    CONF_LOG,
    CONF_BLOCK_COUNT,
};

struct conf_block {
    const char *name;                       /* "" for CONF_TOP */
    const char *about[CONF_LANGUAGE_COUNT]; /* one sentence */
    const char *former;                     /* how older versions called it, or NULL */
};
extern const struct conf_block conf_blocks[CONF_BLOCK_COUNT];

/* How a changed value takes effect. */
enum conf_effect {
    CONF_RELOAD,  /* at `hayauma reload` */
    CONF_RESTART, /* at the next start */
};

struct conf_setting {
    enum conf_block_id block;
    const char *name; /* "message-size-max" */
    enum conf_type type;
    const char *member; /* "smtp.message_size_max", in struct conf */
    size_t offset;      /* of that */
    const char *preset; /* the default as the file would say it; NULL: has to be set */

    /*
     * Bounds: of the number, the bytes of a size, the microseconds of a span (each one of a list),
     * the length of a text. Both zero: those of the type.
     */
    int64_t min, max;

    unsigned roles; /* bit 1 << enum role for each one that gets it */
    enum conf_effect effect;

    /*
     * CONF_CHOICE: the words, NULL behind the last; the value is the place in this list.
     */
    const char *const *choices;

    /* The port when none is given (CONF_ADDRESSES, CONF_HOST_PORT); 0: none may be given. */
    uint16_t port;

    bool repeats;     /* may be given many times; each line is an element of the list */
    bool may_be_none; /* `none` stands for nothing, an empty list or no limit */

    const char *about[CONF_LANGUAGE_COUNT]; /* one sentence */
    const char *example;                    /* a value that the file may have */
};

extern const char *const conf_relay_tls_words[]; /* by enum conf_relay_tls */
extern const char *const conf_use_words[];       /* by enum conf_use; NULL behind the last */

extern const struct conf_setting conf_settings[];
extern const size_t conf_setting_count;

/* Finds a row by block ("" for the top) and name; NULL when there is none. */
const struct conf_setting *conf_setting_in(enum conf_block_id block, struct slice name);

/*
 * Finds a row by its full name "smtp.timeout", also written "smtp timeout"; a name alone when only
 * one block has it. NULL when there is none; then `problem` says so and what may have been meant.
 */
const struct conf_setting *conf_setting_find(struct slice name, struct problem *problem);

/* The block of this name, or of this former name; CONF_BLOCK_COUNT when there is none. */
enum conf_block_id conf_block_find(struct slice name);

/* "smtp.timeout", "hostname". */
#define CONF_NAME_SIZE 64
struct slice conf_setting_name(const struct conf_setting *s, char text[static CONF_NAME_SIZE]);

/* What a setting, or a block, that does not exist may have been meant to be; NULL: no idea. */
const struct conf_setting *conf_setting_suggest(enum conf_block_id block, struct slice name);
const struct conf_block *conf_block_suggest(struct slice name);

static inline bool conf_setting_is_for(const struct conf_setting *s, enum role role) {
    return (s->roles >> role & 1U) != 0;
}

/* The place of a row in the table. */
static inline size_t conf_setting_index(const struct conf_setting *s) {
    return (size_t)(s - conf_settings);
}
