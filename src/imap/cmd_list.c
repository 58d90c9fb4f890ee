/* SPDX-License-Identifier: ISC */
/*
 * LIST (RFC 9051 §6.3.9; RFC 5258, 5819, 6154), LSUB (RFC 3501 §6.3.9) and XLIST.
 *
 * All names that may be told become lines, sorted so that what is below a name stands right behind
 * it. So what is known of everything below (are there mailboxes, is there one that was asked for
 * and does not fit the patterns) is known from the next line of that kind. Names above a subscribed
 * one that are no mailboxes are made while the lines are told, and are held nowhere.
 */
#include <stdlib.h>

#include "fiber/wait.h"
#include "imap/metadata.h"
#include "imap/rights.h"
#include "imap/visit/visit.h"

#define SEND_AT 16384U /* bytes that go on their way together */
#define NONE    SIZE_MAX

#define SHARED_MAX 1000U /* mailboxes of one owner that are told: nobody else fills a list */

#define SORT_AT_ONCE 500U /* lines */

struct line {
    struct slice path;
    bool is_there;    /* a mailbox, of this account or of another one */
    bool is_name;     /* of others: no mailbox, but there are some below it */
    uint32_t mailbox; /* of this account, or 0 */
    enum store_role role;
    bool subscribed;
    bool chosen;         /* by the selection options */
    bool fits;           /* a pattern */
    size_t next_mailbox; /* the next line behind this one with a mailbox */
    size_t next_hidden;  /* that is chosen, and fits no pattern */
};

struct listing {
    struct imap_session *s;
    const struct imap_command *command;
    unsigned options; /* as if LSUB had some */
    const struct slice *patterns;
    struct line *lines;
    size_t count, size;
    struct buf scratch;
    bool cancelled;
    struct imap_entries entries; /* of metadata that is asked for */
    size_t longest;              /* value of it that was left out */
    size_t shared;               /* mailboxes that one owner shares */
    struct imap_visit *visit;    /* to whose mailbox was told last, or NULL */
};

/* ------------------------------------------------------------------ patterns */

static bool is_wild(char c) {
    return c == '*' || c == '%';
}

/*
 * Whether a path fits a pattern: "*" is anything, "%" anything without "/". In a time of the
 * pattern's length times the path's, whatever stands in it.
 */
static bool fits(struct listing *l, struct slice pattern, struct slice path) WAITS {
    bool *now = NULL, *next;
    size_t plain = 0;
    for (size_t p = 0; p < pattern.len; p++)
        plain += !is_wild(pattern.ptr[p]);
    if (plain > path.len)
        return false;
    buf_clear(&l->scratch);
    buf_reserve(&l->scratch, 2 * (path.len + 1));
    now = (bool *)(void *)l->scratch.ptr;
    next = now + path.len + 1;
    memset(now, 0, path.len + 1);
    now[0] = true;
    for (size_t p = 0; p < pattern.len && !l->cancelled; p++) {
        char c = pattern.ptr[p];
        next[0] = is_wild(c) && now[0];
        for (size_t i = 0; i < path.len; i++) {
            if (is_wild(c))
                next[i + 1] = now[i + 1] || (next[i] && (c == '*' || path.ptr[i] != IMAP_UNDER));
            else
                next[i + 1] = now[i] && path.ptr[i] == c;
        }
        bool *swap = now;
        now = next;
        next = swap;
        l->cancelled |= fiber_yield_if_long() < 0;
    }
    return now[path.len];
}

static bool fits_any(struct listing *l, struct slice path) WAITS {
    for (size_t i = 0; i < l->command->list.pattern_count && !l->cancelled; i++) {
        if (fits(l, l->patterns[i], path))
            return true;
        l->cancelled |= fiber_yield_if_long() < 0;
    }
    return false;
}

/* The two together, with one wildcard for those that stand side by side: so what fits is no more
 * than twice as long as what it fits. */
static struct slice join_pattern(struct arena *a, struct slice reference, struct slice pattern) {
    char *to = arena_array(a, reference.len + pattern.len, 1);
    size_t len = 0;
    for (size_t i = 0; i < reference.len + pattern.len; i++) {
        char c = i < reference.len ? reference.ptr[i] : pattern.ptr[i - reference.len];
        if (len > 0 && is_wild(c) && is_wild(to[len - 1]))
            to[len - 1] = c == '*' ? '*' : to[len - 1];
        else
            to[len++] = c;
    }
    return slice_of(to, len);
}

static const struct slice *join_patterns(struct listing *l) {
    const struct imap_list *list = &l->command->list;
    struct arena *a = &l->s->c.arena;
    struct slice *joined = arena_array(a, list->pattern_count, sizeof *joined);
    for (size_t i = 0; i < list->pattern_count; i++)
        joined[i] = join_pattern(a, list->reference, list->patterns[i]);
    return joined;
}

/* ------------------------------------------------------------------ lines */

static bool is_inbox_or_below(struct slice path) {
    return slice_starts(path, S("INBOX")) && (path.len == 5 || path.ptr[5] == IMAP_UNDER);
}

static bool is_below(struct slice path, struct slice above) {
    return path.len > above.len && path.ptr[above.len] == IMAP_UNDER && slice_starts(path, above);
}

/* INBOX first, and "/" before all else: what is below a name stands right behind it. */
static int by_path(const void *a, const void *b) {
    struct slice x = ((const struct line *)a)->path, y = ((const struct line *)b)->path;
    bool x_first = is_inbox_or_below(x), y_first = is_inbox_or_below(y);
    size_t at = 0;
    if (x_first != y_first)
        return x_first ? -1 : 1;
    while (at < x.len && at < y.len && x.ptr[at] == y.ptr[at])
        at++;
    if (at == x.len || at == y.len)
        return (x.len > y.len) - (x.len < y.len);
    if (x.ptr[at] == IMAP_UNDER || y.ptr[at] == IMAP_UNDER)
        return x.ptr[at] == IMAP_UNDER ? -1 : 1;
    return (unsigned char)x.ptr[at] < (unsigned char)y.ptr[at] ? -1 : 1;
}

static int run_sort(void *arg) {
    struct listing *l = arg;
    qsort(l->lines, l->count, sizeof *l->lines, by_path);
    return 0;
}

/* Thousands of long paths take milliseconds. */
static void sort_lines(struct listing *l) WAITS {
    if (l->count > SORT_AT_ONCE)
        (void)offload(OFFLOAD_DISK, run_sort, l);
    else if (l->count > 0)
        (void)run_sort(l);
}

static struct line *add_path(struct listing *l, struct slice path) {
    struct arena *a = &l->s->c.arena;
    if (l->count == l->size) {
        size_t size = MAX(2 * l->size, (size_t)64);
        struct line *lines = arena_array(a, size, sizeof *lines);
        if (l->count > 0)
            memcpy(lines, l->lines, l->count * sizeof *lines);
        l->lines = lines;
        l->size = size;
    }
    struct line *line = &l->lines[l->count++];
    *line = (struct line){.path = path};
    return line;
}

/* The name, with STORE_UNDER in it, becomes a path. */
static struct line *add_line(struct listing *l, struct slice name) {
    struct slice prefix = buf_slice(&l->s->prefix);
    char *path = arena_array(&l->s->c.arena, prefix.len + name.len, 1);
    memcpy(path, prefix.len > 0 ? prefix.ptr : "", prefix.len);
    for (size_t i = 0; i < name.len; i++)
        path[prefix.len + i] = name.ptr[i] == STORE_UNDER[0] ? IMAP_UNDER : name.ptr[i];
    return add_path(l, slice_of(path, prefix.len + name.len));
}

static void add_subscribed(void *arg, const struct store_property *p) {
    if (p->is_set)
        add_line(arg, p->name)->subscribed = true;
}

static void add_mailboxes(struct listing *l) {
    struct store_account *a = l->s->account;
    for (size_t i = 0; i < store_mailbox_count(a); i++) {
        _cleanup_(buf_done) struct buf path = {0};
        struct store_mailbox m;
        store_mailbox_at(a, i, &m);
        if (store_mailbox_path(a, m.id, &path) < 0 ||
            (imap_visits(l->s) && imap_may(l->s, m.id, STORE_RIGHT_LOOKUP) < 0))
            continue;
        struct line *line = add_line(l, buf_slice(&path));
        line->mailbox = m.id;
        line->is_there = true;
        line->role = imap_visits(l->s) ? STORE_ROLE_NONE : m.role; /* they are of his own */
    }
}

static void add_shared(void *arg, struct slice path) {
    struct listing *l = arg;
    if (l->shared++ < SHARED_MAX)
        add_path(l, path)->is_there = true;
}

/* Whether a pattern may fit something below a path, by what stands before its first wildcard. */
static bool may_fit_below(const struct listing *l, struct slice path) {
    for (size_t i = 0; i < l->command->list.pattern_count; i++) {
        struct slice pattern = l->patterns[i];
        size_t plain = 0;
        while (plain < pattern.len && !is_wild(pattern.ptr[plain]))
            plain++;
        size_t same = MIN(plain, path.len);
        if (slice_eq(slice_first(pattern, same), slice_first(path, same)))
            return true;
    }
    return false;
}

/*
 * What others share, if it can be told. Their names that are no mailboxes are told, too, so that
 * who looks level by level finds them.
 */
static void add_others(struct listing *l) WAITS {
    struct imap_session *s = l->s;
    struct slice *owners;
    size_t count;
    if (!s->config->others || imap_visits(s) || !may_fit_below(l, S(IMAP_OTHERS "/")) ||
        s->config->others->owners(s->config->others_arg, &s->c.arena, &owners, &count) < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        struct slice path = arena_printf(&s->c.arena, IMAP_OTHERS "/%.*s", SLICE_ARG(owners[i]));
        size_t before = l->count;
        l->shared = 0;
        if (!may_fit_below(l, arena_printf(&s->c.arena, "%.*s/", SLICE_ARG(path))))
            continue;
        if (imap_visit_list(s, owners[i], add_shared, l) == 0 && l->count > before) {
            add_path(l, path)->is_name = true;
            add_path(l, S(IMAP_OTHERS))->is_name = true;
        }
    }
}

/* Of a mailbox that is subscribed there are two lines. */
static void unite_lines(struct listing *l) {
    size_t used = 0;
    for (size_t i = 0; i < l->count; i++) {
        struct line *line = &l->lines[i];
        if (used == 0 || !slice_eq(l->lines[used - 1].path, line->path)) {
            l->lines[used++] = *line;
            continue;
        }
        struct line *there = &l->lines[used - 1];
        there->subscribed |= line->subscribed;
        there->is_there |= line->is_there;
        there->is_name |= line->is_name;
        if (line->mailbox) {
            there->mailbox = line->mailbox;
            there->role = line->role;
        }
    }
    l->count = used;
}

static bool is_chosen(const struct listing *l, const struct line *line) {
    if (l->options & IMAP_LIST_SELECT_SPECIAL_USE && !imap_use_name(line->role))
        return false;
    return l->options & IMAP_LIST_SELECT_SUBSCRIBED ? line->subscribed
                                                    : line->is_there || line->is_name;
}

static void judge_lines(struct listing *l) WAITS {
    size_t mailbox = NONE, hidden = NONE;
    for (size_t i = l->count; i-- > 0;) {
        struct line *line = &l->lines[i];
        line->next_mailbox = mailbox;
        line->next_hidden = hidden;
        line->chosen = is_chosen(l, line);
        line->fits = fits_any(l, line->path);
        if (line->is_there)
            mailbox = i;
        if (line->chosen && !line->fits)
            hidden = i;
    }
}

/* ------------------------------------------------------------------ telling */

static bool has_below(const struct listing *l, struct slice path, size_t line) {
    return line != NONE && is_below(l->lines[line].path, path);
}

/* RFC 5258 §4: by what something below was chosen. */
static void write_child_info(struct listing *l) {
    struct imap_writer *w = &l->s->c.writer;
    imap_write_open(w);
    imap_write_string(w, S("CHILDINFO"));
    imap_write_open(w);
    if (l->options & IMAP_LIST_SELECT_SUBSCRIBED)
        imap_write_string(w, S("SUBSCRIBED"));
    if (l->options & IMAP_LIST_SELECT_SPECIAL_USE)
        imap_write_string(w, S("SPECIAL-USE"));
    imap_write_close(w);
    imap_write_close(w);
}

static void write_attributes(struct listing *l, const struct line *line) {
    const unsigned tells = IMAP_LIST_SELECT_SUBSCRIBED | IMAP_LIST_RETURN_SUBSCRIBED;
    const bool lsub = l->command->verb == IMAP_LSUB;
    struct imap_writer *w = &l->s->c.writer;
    const bool lsub_above = lsub && !line->chosen; /* whether it is there or not */
    if (lsub_above || (line->is_name && !line->is_there))
        imap_write_word(w, "\\Noselect");
    else if (!line->is_there)
        imap_write_word(w, "\\NonExistent");
    if (line->subscribed && l->options & tells && !lsub)
        imap_write_word(w, "\\Subscribed");
    if (!(line->is_there || line->is_name) || lsub)
        return;
    imap_write_word(w, has_below(l, line->path, line->next_mailbox) ? "\\HasChildren"
                                                                    : "\\HasNoChildren");
    if (l->command->verb == IMAP_XLIST && line->mailbox == STORE_INBOX)
        imap_write_word(w, "\\Inbox");
    if (imap_use_name(line->role))
        imap_write_word(w, imap_use_name(line->role));
}

/* What was asked for with a mailbox (RFC 5819, RFC 8440, RFC 9590), as far as it can be had. */
static void tell_more(struct listing *l, const struct line *line) WAITS {
    struct imap_session *s = l->s;
    const struct imap_list *list = &l->command->list;
    struct store_mailbox m;
    if (!line->mailbox) {
        imap_visit_tell(s, &l->visit, line->path,
                        l->options & IMAP_LIST_RETURN_STATUS ? list->status : 0,
                        l->options & IMAP_LIST_RETURN_MYRIGHTS);
        return;
    }
    if (l->options & IMAP_LIST_RETURN_STATUS && imap_may(s, line->mailbox, STORE_RIGHT_READ) == 0 &&
        store_mailbox_get(s->account, line->mailbox, &m) == 0)
        (void)imap_tell_status(s, line->path, &m, list->status);
    if (l->options & IMAP_LIST_RETURN_MYRIGHTS)
        imap_write_myrights(s, line->path, line->mailbox);
    if (l->options & IMAP_LIST_RETURN_METADATA)
        (void)imap_send_metadata(s, line->mailbox, line->path, &l->entries, &l->longest);
}

/* A line, if it is to be told: it was asked for, or something below it that fits no pattern. */
static void tell_line(struct listing *l, const struct line *line) WAITS {
    struct imap_session *s = l->s;
    bool hidden =
        l->options & IMAP_LIST_SELECT_RECURSIVEMATCH && has_below(l, line->path, line->next_hidden);
    if (!line->fits || !(line->chosen || hidden))
        return;
    imap_write_begin(&s->c.writer, S("*"));
    imap_write_word(&s->c.writer, imap_verb_name(l->command->verb));
    imap_write_open(&s->c.writer);
    write_attributes(l, line);
    imap_write_close(&s->c.writer);
    imap_write_string(&s->c.writer, S("/"));
    imap_write_mailbox(&s->c.writer, line->path);
    if (hidden && l->command->verb == IMAP_LIST)
        write_child_info(l);
    imap_write_end(&s->c.writer);
    if (line->chosen && line->is_there)
        tell_more(l, line);
    if (s->c.out.len >= SEND_AT)
        imap_send(&s->c);
}

/* The names above a line that no line has: they come behind all that is above them. */
static void tell_names_above(struct listing *l, size_t at) WAITS {
    const struct line *line = &l->lines[at];
    struct slice before = at > 0 ? l->lines[at - 1].path : S("");
    size_t hidden = line->chosen && !line->fits ? at : line->next_hidden;
    for (size_t len = 1; len < line->path.len; len++) {
        struct line above = {
            .path = slice_first(line->path, len),
            .next_mailbox = NONE,
            .next_hidden = hidden,
        };
        if (line->path.ptr[len] != IMAP_UNDER || slice_eq(before, above.path) ||
            is_below(before, above.path))
            continue;
        above.fits = has_below(l, above.path, hidden) && fits_any(l, above.path);
        tell_line(l, &above);
    }
}

static void list_mailboxes(struct listing *l) WAITS {
    const unsigned of_names = IMAP_LIST_SELECT_SUBSCRIBED | IMAP_LIST_RETURN_SUBSCRIBED;
    add_mailboxes(l);
    add_others(l);
    if (l->options & of_names && !imap_visits(l->s))
        store_property_each(l->s->account, 0, STORE_SUBSCRIPTION, add_subscribed, l);
    sort_lines(l);
    unite_lines(l);
    judge_lines(l);
    for (size_t i = 0; i < l->count && !l->cancelled && !stream_error(l->s->c.stream); i++) {
        if (l->options & IMAP_LIST_SELECT_RECURSIVEMATCH)
            tell_names_above(l, i);
        tell_line(l, &l->lines[i]);
        l->cancelled |= fiber_yield_if_long() < 0;
    }
    imap_send(&l->s->c);
    imap_visit_end(l->visit);
}

/* What stands between names. */
static void tell_separator(struct imap_session *s, const struct imap_command *command) WAITS {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, imap_verb_name(command->verb));
    imap_write_open(w);
    imap_write_word(w, "\\Noselect");
    imap_write_close(w);
    imap_write_string(w, S("/"));
    imap_write_string(w, S(""));
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_do_list(struct imap_session *s, const struct imap_command *command) {
    const unsigned lsub = IMAP_LIST_SELECT_SUBSCRIBED | IMAP_LIST_SELECT_RECURSIVEMATCH;
    struct listing l = {.s = s, .command = command, .options = command->list.options};
    const struct imap_list *list = &command->list;
    if (command->verb == IMAP_LSUB)
        l.options |= lsub;
    if (l.options & IMAP_LIST_RETURN_METADATA &&
        imap_entries_sort(&s->c.arena, &list->metadata, &l.entries) < 0) {
        imap_bad_entries(s, command);
        return;
    }
    if (list->pattern_count == 1 && list->patterns[0].len == 0 &&
        !(l.options & IMAP_LIST_EXTENDED)) {
        tell_separator(s, command);
    } else {
        l.patterns = join_patterns(&l);
        list_mailboxes(&l);
        buf_done(&l.scratch);
    }
    imap_ok_metadata(s, command, l.longest, "listed");
}
