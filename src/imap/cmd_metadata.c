/* SPDX-License-Identifier: ISC */
/*
 * GETMETADATA and SETMETADATA (RFC 5464), and what sessions are told of changes.
 *
 * Names that were asked for are sorted, each once, so that a command of 64 KiB gets each value
 * once; what DEPTH finds is found by going through the entries of the mailbox, with a search in the
 * sorted names for each. A response is sent value by value: of a large one no more than a value is
 * held.
 */
#include "imap/metadata.h"
#include "imap/notify.h"

#include <errno.h>
#include <stdlib.h>

#include "imap/rights.h"

#define RIGHTS_ANY                                                                                 \
    (STORE_RIGHT_READ | STORE_RIGHT_SEEN | STORE_RIGHT_WRITE | STORE_RIGHT_INSERT |                \
     STORE_RIGHT_POST)

void imap_bad_entries(struct imap_session *s, const struct imap_command *command) {
    if (imap_bad(&s->c, command->tag, "expected names of entries, with no wildcard in them") < 0)
        s->end = DOOR_END_DISMISSED;
}

/* Entries below /private are each user's own (RFC 5464 §3.2), and a visitor has none. */
static bool is_hidden(const struct imap_session *s, struct slice entry) {
    return imap_visits(s) && slice_starts_nocase(entry, S("/private/"));
}

/* The mailbox that a command names; the server is 0. */
static int find(const struct imap_session *s, struct slice path, uint32_t rights, uint32_t *ret) {
    struct store_mailbox m = {0};
    int error = path.len > 0 ? imap_find_allowed(s, path, rights, &m) : 0;
    if (!error && m.id && !(imap_rights(s, m.id) & RIGHTS_ANY))
        error = -EACCES;
    if (!error)
        *ret = m.id;
    return error;
}

/* ------------------------------------------------------------------ writing */

struct reading {
    struct imap_session *s;
    const struct imap_metadata *asked;
    uint32_t mailbox;
    struct slice path;
    bool begun;
    size_t longest;
};

static void write_entry(struct reading *r, struct slice name, struct slice value) WAITS {
    struct imap_writer *w = &r->s->c.writer;
    if (!r->begun) {
        imap_write_begin(w, S("*"));
        imap_write_word(w, "METADATA");
        if (r->path.len > 0)
            imap_write_mailbox(w, r->path);
        else
            imap_write_string(w, S(""));
        imap_write_open(w);
    }
    r->begun = true;
    imap_write_astring(w, name);
    imap_write_nstring8(w, value);
    imap_send(&r->s->c);
}

static int read_entry(struct reading *r, struct slice name) WAITS {
    _cleanup_(buf_done) struct buf value = {0};
    int error = is_hidden(r->s, name) ? -E_UNKNOWN
                                      : store_get_metadata(r->s->account, r->mailbox, name, &value);
    if (error && error != -E_UNKNOWN)
        return error;
    if (error && r->asked->depth > 0) /* it was removed a moment ago */
        return 0;
    if (!error && r->asked->has_max_size && value.len > r->asked->max_size)
        r->longest = MAX(r->longest, value.len);
    else
        write_entry(r, name,
                    error            ? (struct slice){0}
                    : value.len == 0 ? S("")
                                     : buf_slice(&value));
    return 0;
}

/* ------------------------------------------------------------------ names */

struct imap_wanted {
    struct slice key; /* in lower case, with "/" behind it */
    struct slice given;
};

static int by_key(const void *a, const void *b) {
    return slice_cmp(((const struct imap_wanted *)a)->key, ((const struct imap_wanted *)b)->key);
}

/* Each key once; with DEPTH infinity none of them is below another. */
int imap_entries_sort(struct arena *a, const struct imap_metadata *asked,
                      struct imap_entries *ret) {
    struct imap_wanted *wanted = arena_array(a, asked->entry_count, sizeof *wanted);
    size_t count = 0;
    for (size_t i = 0; i < asked->entry_count; i++) {
        _cleanup_(buf_done) struct buf key = {0};
        wanted[i].given = asked->entries[i].name;
        if (store_metadata_name(wanted[i].given, &key) < 0)
            return -E_SYNTAX;
        buf_add_byte(&key, '/');
        wanted[i].key = arena_copy(a, buf_slice(&key));
    }
    qsort(wanted, asked->entry_count, sizeof *wanted, by_key);
    for (size_t i = 0; i < asked->entry_count; i++) {
        const struct imap_wanted *last = count > 0 ? &wanted[count - 1] : NULL;
        bool is_in_last =
            last && (asked->depth == UINT32_MAX ? slice_starts(wanted[i].key, last->key)
                                                : slice_eq(wanted[i].key, last->key));
        if (!is_in_last)
            wanted[count++] = wanted[i];
    }
    *ret = (struct imap_entries){asked, wanted, count};
    return 0;
}

/* The greatest key that is not above the text; NULL: all are above. */
static const struct imap_wanted *key_at_or_below(const struct imap_entries *e, struct slice text) {
    size_t low = 0, high = e->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_cmp(e->wanted[middle].key, text) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &e->wanted[low - 1] : NULL;
}

/* Whether an entry was asked for by its own name, or one above it. */
static bool is_wanted(const struct imap_entries *e, struct slice name) {
    _cleanup_(buf_done) struct buf key = {0};
    buf_add(&key, name);
    buf_add_byte(&key, '/');
    const struct imap_wanted *w = key_at_or_below(e, buf_slice(&key));
    if (w && (e->asked->depth == UINT32_MAX ? slice_starts(buf_slice(&key), w->key)
                                            : slice_eq(buf_slice(&key), w->key)))
        return true;
    struct slice above = slice_first(name, (size_t)slice_rfind_byte(name, '/') + 1);
    w = key_at_or_below(e, above);
    return w && slice_eq(w->key, above);
}

struct finding {
    const struct imap_session *s;
    const struct imap_entries *entries;
    struct arena arena;
    struct buf names; /* struct slice */
};

static void find_one(void *arg, const struct store_property *p) {
    struct finding *f = arg;
    if (is_hidden(f->s, p->name) || !is_wanted(f->entries, p->name))
        return;
    struct slice name = arena_copy(&f->arena, p->name);
    buf_add_bytes(&f->names, &name, sizeof name);
}

/* What DEPTH asks for: those that are set. */
static int read_below(struct reading *r, const struct imap_entries *entries) WAITS {
    struct finding f = {.s = r->s, .entries = entries};
    int error = 0;
    store_property_each(r->s->account, r->mailbox, STORE_METADATA, find_one, &f);
    const struct slice *names = (const void *)f.names.ptr;
    for (size_t i = 0; !error && i < f.names.len / sizeof *names; i++) {
        error = read_entry(r, names[i]);
        (void)fiber_yield_if_long();
    }
    buf_done(&f.names);
    arena_done(&f.arena);
    return error;
}

int imap_send_metadata(struct imap_session *s, uint32_t mailbox, struct slice path,
                       const struct imap_entries *entries, size_t *longest) {
    const struct imap_metadata *asked = entries->asked;
    struct reading r = {.s = s, .asked = asked, .mailbox = mailbox, .path = path};
    if (mailbox && !(imap_rights(s, mailbox) & RIGHTS_ANY))
        return -EACCES;
    int error = asked->depth > 0 ? read_below(&r, entries) : 0;
    for (size_t i = 0; !error && asked->depth == 0 && i < entries->count; i++) {
        error = read_entry(&r, entries->wanted[i].given);
        (void)fiber_yield_if_long();
    }
    if (r.begun) {
        imap_write_close(&s->c.writer);
        imap_write_end(&s->c.writer);
        imap_send(&s->c);
    }
    *longest = MAX(*longest, r.longest);
    return error;
}

/* With the code [METADATA what number], or without the number if it is 0. */
static void say(struct imap_session *s, const struct imap_command *command, const char *status,
                const char *what, uint64_t number, const char *text) WAITS {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, command->tag);
    imap_write_word(w, status);
    imap_write_code(w, "METADATA");
    imap_write_word(w, what);
    if (number > 0)
        imap_write_number(w, number);
    imap_write_code_end(w);
    imap_write_text(w, slice_of_str(text));
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_ok_metadata(struct imap_session *s, const struct imap_command *command, size_t longest,
                      const char *text) {
    if (longest > 0)
        say(s, command, "OK", "LONGENTRIES", longest, text);
    else
        imap_ok(s, command, "%s", text);
}

/* ------------------------------------------------------------------ the commands */

void imap_do_getmetadata(struct imap_session *s, const struct imap_command *command) {
    const struct imap_metadata *asked = &command->metadata;
    struct imap_entries entries;
    uint32_t mailbox;
    size_t longest = 0;
    if (imap_entries_sort(&s->c.arena, asked, &entries) < 0) {
        imap_bad_entries(s, command);
        return;
    }
    int error = find(s, asked->mailbox, STORE_RIGHT_LOOKUP, &mailbox);
    if (!error)
        error = imap_send_metadata(s, mailbox, asked->mailbox, &entries, &longest);
    if (error)
        imap_no(s, command, error);
    else
        imap_ok_metadata(s, command, longest, "that is the metadata");
}

/* All of the entries are set, or none. */
static int set_all(struct imap_session *s, const struct imap_metadata *m) WAITS {
    struct store_metadata *changes = arena_array(&s->c.arena, m->entry_count, sizeof *changes);
    bool shared = false, hidden = false;
    uint32_t mailbox;
    for (size_t i = 0; i < m->entry_count; i++) {
        const struct imap_entry *e = &m->entries[i];
        shared |= slice_starts_nocase(e->name, S("/shared/"));
        hidden |= is_hidden(s, e->name);
        changes[i] = (struct store_metadata){e->name, e->value.ptr ? &e->value : NULL};
    }
    int error =
        find(s, m->mailbox, shared ? STORE_RIGHT_LOOKUP | STORE_RIGHT_WRITE : STORE_RIGHT_LOOKUP,
             &mailbox);
    if (!error && mailbox == 0 && shared)
        error = -EACCES;
    if (!error && hidden)
        error = -ENOTSUP;
    return error ? error : store_set_metadata_all(s->account, mailbox, changes, m->entry_count);
}

void imap_do_setmetadata(struct imap_session *s, const struct imap_command *command) {
    const struct imap_metadata *m = &command->metadata;
    size_t largest = 0;
    for (size_t i = 0; i < m->entry_count; i++)
        largest = MAX(largest, m->entries[i].value.len);
    if (largest > STORE_VALUE_MAX) {
        say(s, command, "NO", "MAXSIZE", STORE_VALUE_MAX, "a value is larger than is kept here");
        return;
    }
    int error = set_all(s, m);
    if (error == -E_SYNTAX)
        imap_bad_entries(s, command);
    else if (error == -E_LIMIT)
        say(s, command, "NO", "TOOMANY", 0, "the account has as much metadata as it may have");
    else if (error == -ENOTSUP)
        say(s, command, "NO", "NOPRIVATE", 0, "entries below /private are of its owner alone");
    else if (error)
        imap_no(s, command, error);
    else
        imap_ok(s, command, "kept");
}

/* ------------------------------------------------------------------ changes */

struct change {
    uint32_t mailbox;
    struct slice name;
};
struct telling {
    const struct imap_session *s;
    struct arena arena;
    struct buf changes; /* struct change, by mailbox */
};

static void note_change(void *arg, const struct store_property *p) {
    struct telling *t = arg;
    if (p->kind != STORE_METADATA || is_hidden(t->s, p->name) ||
        (imap_visits(t->s) && p->mailbox == 0))
        return;
    struct change c = {p->mailbox, arena_copy(&t->arena, p->name)};
    buf_add_bytes(&t->changes, &c, sizeof c);
}

/* Those of one mailbox. */
static void tell_changes(struct imap_session *s, const struct change *changes, size_t count) WAITS {
    _cleanup_(buf_done) struct buf path = {0};
    struct imap_writer *w = &s->c.writer;
    unsigned events = s->watching ? s->watching->events : 0;
    if (changes->mailbox) {
        imap_path_of(s, changes->mailbox, &path);
        if (path.len == 0 || !(imap_rights(s, changes->mailbox) & RIGHTS_ANY))
            return;
        events = imap_watched_events(s, buf_slice(&path));
    }
    if (!(s->enabled & IMAP_ENABLED_METADATA) &&
        !(events & (changes->mailbox ? IMAP_EVENT_MAILBOX_METADATA_CHANGE
                                     : IMAP_EVENT_SERVER_METADATA_CHANGE)))
        return;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "METADATA");
    if (path.len > 0)
        imap_write_mailbox(w, buf_slice(&path));
    else
        imap_write_string(w, S(""));
    for (size_t i = 0; i < count; i++)
        imap_write_astring(w, changes[i].name);
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_tell_metadata(struct imap_session *s) {
    struct telling t = {.s = s};
    uint64_t since = s->metadata_told;
    s->metadata_told = store_account_modseq(s->account);
    const unsigned wanted = IMAP_EVENT_MAILBOX_METADATA_CHANGE | IMAP_EVENT_SERVER_METADATA_CHANGE;
    const bool watched = s->watching && s->watching->events & wanted;
    if (s->metadata_told == since || !(s->enabled & IMAP_ENABLED_METADATA || watched))
        return;
    (void)store_property_changes(s->account, since, note_change, &t);
    const struct change *all = (const void *)t.changes.ptr;
    size_t count = t.changes.len / sizeof *all;
    for (size_t at = 0, some; at < count; at += some) {
        for (some = 1; at + some < count && all[at + some].mailbox == all[at].mailbox; some++)
            continue;
        tell_changes(s, all + at, some);
    }
    buf_done(&t.changes);
    arena_done(&t.arena);
}
