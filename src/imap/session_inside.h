/* SPDX-License-Identifier: ISC */
/* What the files of the session share. */
#pragma once

#include "imap/names.h"
#include "imap/session.h"
#include "imap/told.h"
#include "store/properties.h"

/* Letters before the numbers of object ids (RFC 8474). */
#define IMAP_ID_MESSAGE 'M'
#define IMAP_ID_MAILBOX 'F'
#define IMAP_ID_THREAD  'T'
#define IMAP_ID_ALONE   'S' /* a thread, too */

enum imap_enabled {
    IMAP_ENABLED_CONDSTORE = 1 << 0, /* RFC 7162 §3.1: MODSEQ comes with each FLAGS */
    IMAP_ENABLED_QRESYNC = 1 << 1,   /* §3.2: VANISHED instead of EXPUNGE */
    IMAP_ENABLED_UTF8 = 1 << 2,      /* RFC 6855 §3: names and texts are UTF-8 */
    IMAP_ENABLED_REV2 = 1 << 3,      /* RFC 9051 §6.3.1: what rev2 has in another form */
    IMAP_ENABLED_UIDONLY = 1 << 4,   /* RFC 9586: UIDs instead of numbers of messages */
    IMAP_ENABLED_METADATA = 1 << 5,  /* RFC 5464: changes of metadata are told */
};

struct imap_session {
    struct imap_connection c;
    const struct imap_session_config *config;
    struct store *store;
    struct store_account *account;
    uint64_t account_id;
    unsigned enabled;               /* of enum imap_enabled */
    bool compressed;                /* RFC 4978 */
    struct buf off;                 /* what the account has in place of config->off */
    struct buf prefix;              /* of a visit: what all paths begin with */
    usec_t timeout;                 /* between commands */
    struct imap_visit *visit;       /* with the other account's mailbox that is selected; or NULL */
    uint64_t metadata_told;         /* MODSEQ up to which the client knows of metadata */
    struct imap_watching *watching; /* what NOTIFY asked for; NULL: it was never said */

    /* The mailbox that is selected. */
    bool selected, read_only;
    struct told told;
    uint32_t uidvalidity;
    uint32_t rights;               /* in it, as the client was told last; see imap/rights.h */
    uint64_t flags_told;           /* MODSEQ up to which the client knows of flags */
    struct buf saved;              /* "$": struct imap_range of UIDs */
    bool not_saved;                /* what the command has found was too much for that */
    struct imap_context *contexts; /* see imap/search/context.h */
    struct imap_range own; /* UIDs of new messages that this session has made; first 0: none */

    struct imap_session_counts counts;
    enum door_end end;
};

/* Whether this is a visit to another account (others.h). */
static inline bool imap_visits(const struct imap_session *s) {
    return s->config->owner.len > 0;
}

/* The address of the account whose mailboxes these are. */
static inline struct slice imap_owner(const struct imap_session *s) {
    return imap_visits(s) ? s->config->owner : s->config->user;
}

/* Bytes that the account may hold just now; 0: any. */
static inline uint64_t imap_quota(const struct imap_session *s) {
    return s->config->quota ? *s->config->quota : 0;
}

/* ------------------------------------------------------------------ answers */

#define imap_ok(s, command, ...) imap_say(&(s)->c, (command)->tag, "OK", NULL, __VA_ARGS__)

/* NO with the sentence and the code that belong to an error of the store. */
void imap_no(struct imap_session *s, const struct imap_command *command, int error) WAITS;

/* Ends the conversation, since the client could not be read; says so where that helps. */
void imap_end_by(struct imap_session *s, int error) WAITS;

/* ------------------------------------------------------------------ sync.c */

/*
 * Looks at the selected mailbox. -E_UNKNOWN: it was removed, the client has been told, and the
 * conversation ends; other errors of reading.
 */
int imap_look(struct imap_session *s) WAITS;

/* Ends the conversation, since the selected mailbox was removed, or cannot be read. */
void imap_end_of_mailbox(struct imap_session *s, int error) WAITS;

enum imap_telling {
    IMAP_TELL_EXPUNGES = 1 << 0, /* allowed here (RFC 9051 §7.5.1) */
    IMAP_TELL_UIDS = 1 << 1,     /* with a FETCH that tells flags */
    IMAP_TELL_NOT = 1 << 2,      /* but not those of `own`: STORE was SILENT */
    IMAP_TELL_REMOVED = 1 << 3,  /* some were expunged by the command itself */
    IMAP_TELL_NAMED = 1 << 4,    /* new messages may be named next, so they have to be known */
    IMAP_TELL_ALL = 1 << 5,      /* whatever NOTIFY says */
};

/*
 * Tells what has changed in the selected mailbox, as far as it was looked at and NOTIFY lets it be
 * told. `own`: the MODSEQ of flags that the command itself has changed; 0: none.
 */
void imap_tell(struct imap_session *s, unsigned how, uint64_t own) WAITS;

/* New messages of a mailbox that this session has made itself: NOTIFY tells no more of them than
 * that they are there. */
void imap_note_own(struct imap_session *s, uint32_t mailbox, uint32_t first, uint32_t last);

/* The beginning of a FETCH response, up to "(", or of UIDFETCH. */
void imap_begin_fetched(struct imap_session *s, size_t number, uint32_t uid);

/* One FETCH with FLAGS of a message: what tells a change. */
void imap_tell_flags(struct imap_session *s, const struct store_message *m, bool uid) WAITS;

void imap_unselect(struct imap_session *s);

/* Words with spaces between them, appended as struct slice. */
void imap_split_words(struct slice text, struct buf *words);

/* The flags of a message as a value. */
void imap_write_flags_of(struct imap_session *s, const struct store_message *m);

/* ------------------------------------------------------------------ paths.c */

/* A path without what stands before all that this session has. -E_UNKNOWN: it is another one's. */
int imap_own_path(const struct imap_session *s, struct slice path, struct slice *ret);

/* Whether a path may be that of another account's mailbox than those that this session has. */
bool imap_is_elsewhere(const struct imap_session *s, struct slice path);

/* The mailbox of a path, as the client writes it. -E_UNKNOWN. */
int imap_find_path(const struct imap_session *s, struct slice path, struct store_mailbox *ret);

/* The path of a mailbox, as the client knows it, appended. */
void imap_path_of(const struct imap_session *s, uint32_t mailbox, struct buf *to);

/* ------------------------------------------------------------------ messages of a set */

/*
 * Goes through the messages that a set names: by number (ghosts are passed over, and counted) or by
 * UID. 0 at the end, 1 with the next message.
 */
struct imap_messages {
    struct imap_session *session;
    struct imap_set set; /* resolved */
    bool by_uid;
    size_t range;
    uint64_t next;   /* number or UID */
    size_t gone;     /* numbers whose messages have vanished */
    uint32_t lowest; /* only those from this UID on are taken (limit.h); 0: all */
};
int imap_messages_begin(struct imap_messages *i, struct imap_session *s, const struct imap_set *set,
                        bool by_uid) WAITS;
bool imap_messages_next(struct imap_messages *i, size_t *ret_number, struct store_message *ret);

/* The UIDs of all of them, in their order, appended as uint32_t. */
void imap_messages_uids(struct imap_messages *i, struct buf *uids) WAITS;

/* Rising UIDs (uint32_t) as a set, in the arena. */
struct imap_set imap_set_of_uids(const struct buf *uids, struct arena *a);

/* A set of numbers as the UIDs of those messages, in the arena (RFC 9051 §6.4.4). */
struct imap_set imap_uids_of_numbers(const struct told *t, const struct imap_set *set,
                                     struct arena *a);

/* Which of `count` a range means (RFC 9394 §3.1): those from place `ret_from` to before `ret_to`.
 */
void imap_range_of(size_t count, const struct imap_partial *range, size_t *ret_from,
                   size_t *ret_to);

/* What "$" stands for: UIDs, some of which may have gone. Valid until something is saved. */
struct imap_set imap_saved(const struct imap_session *s);

/*
 * Removes messages that were marked \Deleted at the last look at the selected mailbox, of a set or
 * of all, and still are; how many. Those who keep counts and journeys are told. With `ret_lowest`
 * no more than a command may be about: down to which UID (limit.h), or 0.
 */
int imap_remove_marked(struct imap_session *s, const struct imap_set *within, uint32_t *ret_lowest,
                       size_t *ret_removed) WAITS;

/*
 * Says which messages (uint32_t) have left the selected mailbox: for the one with this path, or
 * with an empty one for good. Before the next look.
 */
void imap_note_gone(struct imap_session *s, const struct buf *uids, struct slice to) WAITS;

/* Says that a mailbox with this path was deleted, and with it what was in the view. */
void imap_note_deleted(struct imap_session *s, struct slice path, struct store_view *view) WAITS;

struct store_flags imap_flags_change(const struct imap_store *st);

/*
 * STATUS of a mailbox, which the path names, into the buffer of responses. 0, or an error of
 * reading, and nothing was written. That HIGHESTMODSEQ enables CONDSTORE is the caller's matter.
 */
int imap_tell_status(struct imap_session *s, struct slice path, const struct store_mailbox *m,
                     unsigned items) WAITS;

/* ------------------------------------------------------------------ commands */

void imap_do_append(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_cancelupdate(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_close(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_comparator(struct imap_session *s, const struct imap_command *command) WAITS;
/* COPY or MOVE to a mailbox of another account than the selected one's. */
void imap_copy_across(struct imap_session *s, const struct imap_command *command) WAITS;

void imap_do_copy(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_create(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_delete(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_esearch(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_expunge(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_fetch(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_genurlauth(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_getacl(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_getmetadata(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_getquota(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_getquotaroot(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_language(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_list(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_listrights(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_myrights(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_notify(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_rename(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_resetkey(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_search(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_select(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_sort(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_setacl(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_setmetadata(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_setquota(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_status(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_store(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_subscribe(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_thread(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_uidbatches(struct imap_session *s, const struct imap_command *command) WAITS;
void imap_do_urlfetch(struct imap_session *s, const struct imap_command *command) WAITS;
