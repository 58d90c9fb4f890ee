/* SPDX-License-Identifier: ISC */
/*
 * The inside of the store: accounts in memory, and how changes get into them.
 *
 *   append.c flags.c expunge.c copy.c mailboxes.c remove.c view.c   what callers ask for
 *   properties.c rights.c across.c undelete.c
 *   store.c     the store: opening it, closing it, what it holds
 *   commit.c    writing: changes become records, groups of them are made durable and published
 *   account.c   accounts and mailboxes coming into memory, staying there, going out
 *   begin.c     what an account begins with
 *   forget.c    what was removed goes for good
 *   bodies.c    bodies by their numbers
 *   maps.c      maps of messages: what is kept, and what has to be made
 *   mapper.c    maps of new messages are made, when there is time
 *   unmapped.c  which messages those are
 *   incoming.c  messages that come in pieces
 *   rest.c      when a group is begun
 *   publish.c   what a durable record does to an account in memory
 *   feed.c      what has changed, for those who follow an account
 *   property.c  properties in memory
 *   shared.c    what many accounts have alike
 *   entries.c   the entries of a mailbox: pure
 *   keywords.c  the keywords that they have: pure
 *   backend.h   who keeps it all
 *
 * Memory is bounded in bytes (store_options.memory). What is counted: entries of mailboxes,
 * accounts, and what the backend says. Above the bound the entries of the mailbox that was used
 * least recently go, and accounts that nobody uses; they come back when somebody wants them. What
 * is in use stays.
 */
#pragma once

#include "base/arena.h"
#include "base/even_clock.h"
#include "base/heap.h"
#include "base/map.h"
#include "fiber/sync.h"
#include "fiber/turn.h"
#include "fiber/wait.h"
#include "store/backend.h"
#include "store/entries.h"
#include "store/feed.h"
#include "store/keywords.h"
#include "store/shared.h"
#include "store/store.h"

/*
 * Somebody who gets the entries of a mailbox when they are read: before anyone can change them, so
 * as they were when he began to wait, and what has come since behind them.
 */
struct entries_waiter {
    struct link link;        /* in mailbox_content.waiters */
    struct entries *entries; /* held for him */
    struct keywords_view keywords;
    bool served;
};

/* While entries are read: on the stack of the fiber that reads them. */
struct mailbox_loading {
    struct fiber_cond arrived;
    struct buf missed; /* struct store_entry: what has come meanwhile */
};

/* What a mailbox has while its entries or keywords are in memory, or come there. */
struct mailbox_content {
    struct mailbox *mailbox;
    bool loaded;
    struct mailbox_loading *loading; /* NULL: nobody reads them */
    struct entries *entries;         /* the present version, when loaded */
    struct keywords *keywords; /* of the entries, and what a change brings; NULL: there are none */
    struct link untidy_link;   /* in account->untidy */
    struct list waiters;       /* struct entries_waiter */
    struct link used_link;     /* in store->loaded, least recently used first */
    usec_t used;
};

/* What has changed in a mailbox since its account is in memory. */
struct mailbox_changes {
    struct mailbox *mailbox;
    struct link link; /* in account->feed.changed */
    struct store_mailbox_changes latest;
};

/* What is durable of a mailbox: struct store_mailbox is made of it when somebody asks. */
struct mailbox_info {
    const char *name; /* one that is shared, or on the heap */
    uint64_t modseq, bytes;
    uint32_t id, parent, uidvalidity, uidnext;
    uint32_t messages, unseen; /* each has a UID of its own */
    uint8_t role, name_len;
    bool owns_name;
};
_Static_assert(STORE_NAME_MAX <= UINT8_MAX, "the length of a name is a byte");

/* Small, since an account has several from the beginning, and its user looks at one. */
struct mailbox {
    struct store_account *account;
    struct mailbox_info info;
    uint32_t uidnext;    /* given out, also to changes that are not durable yet */
    unsigned gone : 1;   /* was removed; whoever still uses it frees it with his last use */
    unsigned users : 31; /* of the entries: open views, changes */
    struct mailbox_content *content; /* NULL: nothing of it is in memory, nobody uses it */
    struct mailbox_changes *changes; /* NULL: there were none */
};

static inline struct slice mailbox_name(const struct mailbox *m) {
    return slice_of(m->info.name, m->info.name_len);
}
static inline bool mailbox_is_loaded(const struct mailbox *m) {
    return m->content && m->content->loaded;
}
static inline bool mailbox_is_loading(const struct mailbox *m) {
    return m->content && m->content->loading;
}

/* What has happened since the account is in memory. */
struct feed {
    struct list changed; /* struct mailbox_changes, of messages, the latest first */
    struct list names;   /* struct name_note, the oldest first */
    size_t count, bytes;
    uint64_t forgotten; /* names that have changed up to this MODSEQ may not be there */
};

/* New messages, for mapper.c. */
struct unmapped {
    struct store_account *account;
    struct link link; /* in store->unmapped */
    struct buf list;  /* struct backend_mapped */
    usec_t since;     /* the first of them */
};

struct properties {
    struct property **list; /* by mailbox, kind and name */
    size_t count, size;
    size_t set;         /* of them; the others were removed */
    uint64_t bytes;     /* names and values of those that are set */
    uint64_t forgotten; /* some that were removed up to this MODSEQ are not in the list */
    uint64_t modseq;    /* the highest of those in the list */
};

enum account_state {
    ACCOUNT_OPENING,
    ACCOUNT_READY,
    ACCOUNT_CLOSING, /* is being evicted; openers wait until it is gone */
};

/* Small, since most of those in memory belong to somebody who is silent. */
struct store_account {
    struct store *store;
    struct backend_account *below; /* NULL while it is being opened */
    uint64_t id;
    unsigned users;
    unsigned hurried; /* changes that wait and are not patient */
    uint8_t state;    /* enum account_state */
    bool maildrop_locked;
    bool begins_bare;  /* with its INBOX alone, if it is new */
    bool expects_maps; /* see store_expect_maps() */
    bool writing;
    bool publishing;           /* a group is durable, and not all of it is visible */
    struct fiber_cond changed; /* `published` */
    struct list watches;       /* struct store_watch: told of the same */
    struct fiber_mutex names;  /* store_names_lock() */
    uint64_t coming;           /* bytes that are announced, see incoming.h */
    struct list comers;        /* struct comer: messages that wait until others have come */
    struct link idle_link;     /* in store->idle, longest idle first */
    usec_t idle_since;

    struct backend_counters given; /* out, also to changes that are not durable yet */
    uint64_t published;            /* the modseq of what is durable and visible */
    uint64_t messages, bytes;      /* bodies, each once */
    uint64_t deleted_bytes;        /* of bodies that have no entry, and can be brought back */
    uint64_t deleted_count;        /* of removed entries that can be brought back */
    uint64_t removals;             /* of such, since the account is in memory */
    struct link overfull_link;     /* in store->overfull: that is too much */

    struct mailbox **mailboxes; /* by id */
    size_t mailbox_count;
    struct properties properties;
    struct feed *feed;         /* NULL: nothing has happened */
    struct unmapped *unmapped; /* NULL: there are none */
    struct list untidy; /* struct mailbox_content whose keywords have changed in this group */

    struct list changes;    /* waiting for the writer */
    struct link ready_link; /* in store->ready, while changes wait and nobody writes */
    struct heap_item rest;  /* in store->resting, see rest.c */
    usec_t group_began;     /* the last one */
    usec_t rests_until;
};

struct store {
    struct store_options options;
    struct store_backend *backend;
    int64_t memory;            /* bytes held for accounts, the backend's included */
    struct map accounts;       /* by id */
    struct map purged;         /* numbers of accounts that were purged: there is nothing to open */
    struct fiber_turns turns;  /* deliveries not yet handed to a writer, by account */
    struct fiber_cond settled; /* an account has been opened or evicted */
    struct list idle;          /* accounts that nobody uses */
    struct list loaded;        /* struct mailbox_content with entries */
    struct buf dropped;        /* struct entries *: versions that the evictor frees in pieces */
    struct fiber_cond crowded; /* the evictor waits here */
    struct fiber *evictor;
    struct store_stats stats;
    bool closing;

    struct store_default defaults[STORE_DEFAULTS_MAX];
    size_t default_count;
    struct arena default_names;
    struct shared_names shared;

    struct list ready;        /* accounts with changes to write */
    struct heap resting;      /* accounts that wait for more changes */
    struct fiber_cond rested; /* the fiber of rest.c waits here */
    struct fiber *rest;
    usec_t last_change;        /* when it was handed over */
    struct fiber_cond written; /* writers wait here for work */
    struct fiber **writers;
    unsigned writer_count;

    struct list overfull;        /* accounts to visit */
    struct fiber_cond forgetful; /* the fiber of forget.c waits here */
    struct fiber *forgets;
    bool keeps_less; /* than before: what is too much is looked for soon */
    bool forgot_all; /* nothing is left that could be brought back */
    bool needs_room; /* on the disk: nothing is kept to be brought back */
    struct even_clock clock;
    usec_t asked_for_room;

    struct list unmapped;     /* struct unmapped of accounts; full ones first */
    struct fiber_cond map_it; /* the mapper waits here */
    struct fiber *mapper;

    struct fiber_gate large, files; /* big messages being read into memory, and smaller ones */
    uint64_t coming;                /* bytes of the disk that announced messages need */
};

/* ------------------------------------------------------------------ mailbox.c */

struct mailbox *mailbox_find(const struct store_account *a, uint32_t id);
struct mailbox *mailbox_add(struct store_account *a, const struct store_mailbox *info);
void mailbox_describe(const struct mailbox *m, struct store_mailbox *ret); /* the name stays its */
void mailbox_begin(struct mailbox *m); /* a new one: it has no entries, and so they are loaded */
void mailbox_rename(struct mailbox *m, uint32_t parent, struct slice name);
void mailbox_remove(struct mailbox *m); /* it is no mailbox of its account any more */
void mailbox_free(struct mailbox *m);

/* Its entries. After a 0 they stay in memory until mailbox_rest(). -E_UNKNOWN: it was removed. */
int mailbox_load(struct mailbox *m) WAITS;
void mailbox_rest(struct mailbox *m);

/* Out of memory with what nobody uses; they come again with mailbox_load(). */
void mailbox_unload(struct mailbox *m);

/*
 * The same without waiting: the entries that somebody reads later are held for `w`. The mailbox
 * stays until mailbox_rest() as well; who does not want to wait any more removes his link.
 */
void mailbox_await(struct mailbox *m, struct entries_waiter *w);

/* Gives what it holds of entries that are in memory to who looks at them. */
void mailbox_serve(struct mailbox *m, struct entries_waiter *w);

/* What the entries, which are in memory, add up to takes the place of what was thought of them. */
void mailbox_sum_up(struct mailbox *m);

/*
 * The keywords of a mailbox for a change that brings some: at least the names are there, until the
 * caller next waits. For the account's writer, which alone removes mailboxes.
 */
int mailbox_keywords(struct mailbox *m) WAITS;

/* For who only looks: its keywords, with a space between them, added to `names`. -E_UNKNOWN: it was
 * removed meanwhile. */
int mailbox_keyword_names(struct mailbox *m, struct buf *names) WAITS;

/* The numbers (uint32_t) of sets, lines as in record.h, where entries are in memory; or zeros. */
void mailbox_sets(struct mailbox *m, struct slice sets, struct buf *numbers);
static inline uint32_t set_number(const struct buf *numbers, uint32_t line) {
    const uint32_t *list = (const void *)numbers->ptr;
    return line > 0 && line <= numbers->len / sizeof *list ? list[line - 1] : 0;
}

/* When a group is done: what nobody uses any more goes. */
void account_tidy(struct store_account *a);

/* An entry comes, where entries are, or will be, in memory. */
void mailbox_add_entry(struct mailbox *m, const struct store_entry *e);

/*
 * Entries that are in memory get the flags and keywords of these (their numbers in the mailbox),
 * and this MODSEQ; or go. UIDs rise; the sums of the mailbox follow.
 */
void mailbox_flag_entries(struct mailbox *m, const struct store_entry *list, size_t count,
                          const struct buf *set_numbers, uint64_t modseq);
void mailbox_take_entries(struct mailbox *m, const uint32_t *uids, size_t count);

/*
 * Unloads what was used least recently, and wakes the evictor, when there is too much. While a
 * large mailbox is being freed, nothing else is unloaded.
 */
void store_look_for_room(struct store *s);

/*
 * Gives up a hold on entries. A mailbox of a million takes 10 ms to free: what is more than 128
 * nodes is left to the evictor, who calls store_free_some() between the turns of all others.
 */
void store_drop_entries(struct store *s, struct entries *e);
void store_free_some(struct store *s);

/* ------------------------------------------------------------------ account.c */

/* As store_account_open(); with `report`, options.used is told. */
int account_open(struct store *s, uint64_t id, bool report, struct store_account **ret) WAITS;

/* Of a user's kind: an account in use stays in memory. Ends with store_account_close(). */
void account_pin(struct store_account *a);

/* Takes an account that nobody uses out of memory. On an error it stays. */
int account_evict(struct store_account *a) WAITS;

/*
 * Puts an account that nobody uses out of memory and an empty one in its place, so that whoever
 * wants it waits. -E_BUSY: somebody uses it. Ends with account_leave_out().
 */
int account_take_out(struct store *s, uint64_t id, struct store_account **ret) WAITS;
void account_leave_out(struct store_account *a, bool purged);

/* Evicts what was used least recently, as long as there is too much. */
void evictor_main(void *store) WAITS; /* the fiber */
/* For struct backend_host. */
void account_describe(void *store, uint64_t account, struct backend_counters *ret_counters,
                      void (*each)(void *to, const struct record_mailbox *m), void *to);
void account_leap(void *store, uint64_t account, uint32_t by);

/* Tells options.used that an account's usage may be another one. */
void account_report_usage(struct store_account *a);

/* ------------------------------------------------------------------ begin.c */

/*
 * Gives an account that was just read what it begins with, and makes that durable. With an error a
 * new one has not begun; an older one stays as it is.
 */
int account_begin(struct store_account *a, bool is_new) WAITS;

#define BEGUN_MODSEQ 2U /* of the default mailboxes, in an account that begins with them */

struct mailbox *account_add_inbox(struct store_account *a, uint32_t uidnext);

/* ------------------------------------------------------------------ maps.c */

/* As store_maps(), by bodies. The bytes before the call stay where they are in `to`. */
int maps_get(struct store_account *a, const struct backend_mapped *list, size_t count,
             struct buf *to, struct store_piece *ret_pieces) WAITS;

/* ------------------------------------------------------------------ mapper.c */

#define MAPPER_MANY 2048U /* new messages of an account, which wait no longer */

void mapper_main(void *store) WAITS; /* the fiber */

/* ------------------------------------------------------------------ unmapped.c */

/* A message has come that has no map; if it is to have one, it is noted. */
void map_later(struct store_account *a, const struct store_entry *e);
void unmapped_forget(struct store_account *a); /* all that are noted */
static inline size_t unmapped_count(const struct buf *list) {
    return list->len / sizeof(struct backend_mapped);
}

/* ------------------------------------------------------------------ publish.c */

/* Makes a durable record visible; then, when all of its group are, what it does to MODSEQ. */
void account_publish(struct store_account *a, const struct store_record *r);
void account_publish_modseq(struct store_account *a, const struct store_record *r);

/* Tells options.shared of an account. */
void account_report_sharing(struct store_account *a);

/* Tells who waits that the account's MODSEQ has grown. */
void account_changed(struct store_account *a);

/* ------------------------------------------------------------------ feed.c */

/* Messages of a mailbox have changed; what is seen of it is seen by all then. */
enum feed_kind { FEED_ARRIVED = 1 << 0, FEED_VANISHED = 1 << 1, FEED_FLAGGED = 1 << 2 };
void feed_note(struct mailbox *m, unsigned kinds, uint64_t modseq);
void feed_drop(struct mailbox *m); /* it is no mailbox any more */

/* With the account; or at its beginning, when nobody has seen it as it was before. */
void feed_free(struct store_account *a);

/* A mailbox was made, renamed, removed; the paths are copied. */
void feed_note_name(struct store_account *a, const struct store_name_change *c);

/* ------------------------------------------------------------------ commit.c */

struct group {
    struct store_account *account;
    struct list changes; /* prepared */
    struct list records; /* struct store_record */
    unsigned count;
    uint64_t bytes;     /* of new bodies */
    bool reads;         /* it has a change of that kind */
    struct arena arena; /* what records point to, until the group is done */
};

/* A change on its way to the disk. It lives on the stack of the fiber that asked for it. */
struct change {
    struct link link;
    /*
     * Gives numbers and adds records; runs in a writer's fiber. An error ends this change alone.
     * CHANGE_LATER: try again in the next group.
     */
    int (*prepare)(struct store_account *a, struct change *c, struct group *g) WAITS;
    bool patient; /* see rest.c */
    bool reads;   /* it is prepared from entries or mailboxes as they are visible */
    enum { CHANGE_NEW, CHANGE_WAITING, CHANGE_WRITING, CHANGE_DONE } state;
    int result;
    struct fiber_cond done;
};
#define CHANGE_LATER 1

/* Hands the change to the account's writer and waits until it is durable or has failed. */
int change_run(struct store_account *a, struct change *c) WAITS;

/* ------------------------------------------------------------------ append.c */

/* As backend_ops.has_room(); if there is none, what could be brought back gives way. */
int account_has_room(struct store_account *a, uint64_t bytes) WAITS;

/* Waits for the changes that were handed over before, which now hurry. */
void change_flush(struct store_account *a) WAITS;

/* For prepare: a record to fill, and a change before this one. */
struct store_record *group_add(struct group *g, enum record_type type);
bool group_has(const struct group *g, bool (*is)(const struct change *c, const void *arg),
               const void *arg);

void writer_main(void *store) WAITS; /* the fiber of a writer */

/* ------------------------------------------------------------------ rest.c */

void rest_note_change(struct store_account *a, const struct change *c); /* before it is added */
void rest_or_write(struct store_account *a); /* the account goes where it has to be next */
void rest_main(void *store) WAITS;           /* the fiber */
