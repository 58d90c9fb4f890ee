/* SPDX-License-Identifier: ISC */
/*
 * ESEARCH (RFC 7377): SEARCH in several mailboxes, one after the other, each as it is when its turn
 * comes. What is selected stays selected; there it is SEARCH with another answer.
 */
#include <errno.h>

#include "imap/progress.h"
#include "imap/rights.h"
#include "imap/search/context.h"
#include "imap/search/find.h"
#include "imap/search/found.h"
#include "imap/source.h"

/* ------------------------------------------------------------------ what may be asked */

static bool has_selected(const struct imap_search *search) {
    for (size_t i = 0; i < search->source_count; i++)
        if (search->sources[i].kind == IMAP_SOURCE_SELECTED)
            return true;
    return search->source_count == 0;
}

/* §2.2: why it is BAD; NULL: it is not. */
static const char *why_bad(const struct imap_session *s, const struct imap_search *search) {
    const bool selected = has_selected(search);
    for (size_t i = 0; i < search->source_count; i++)
        if (search->sources[i].kind == IMAP_SOURCE_SELECTED_DELAYED)
            return "selected-delayed is for NOTIFY";
    if (selected && !s->selected)
        return s->visit ? "what is selected is of another account: it is searched by itself"
                        : "select a mailbox first";
    if (search->returns.set & IMAP_RETURN_SAVE && !(selected && search->source_count <= 1))
        return "SAVE is for the selected mailbox alone";
    if (search->returns.set & IMAP_RETURN_UPDATE && !s->selected)
        return "UPDATE is for the selected mailbox";
    return NULL;
}

/* ------------------------------------------------------------------ one mailbox */

/* Searches it and tells what was found; 0, also when there is nothing, or it has gone. */
static int search_in(struct imap_session *s, const struct imap_command *command,
                     const struct told *told) WAITS {
    const struct imap_search_program *p = &command->search.program;
    _cleanup_(imap_find_done_p) struct imap_find *f = NULL;
    _cleanup_(buf_done) struct buf uids = {0};
    int error = imap_find_begin_in(s, told, p, &f);
    if (!error && imap_find_lowest(f) > 0)
        error = -E2BIG;
    if (!error)
        error = imap_find_all(f, command->tag, NULL, &uids);
    if (error)
        return error;
    struct imap_found found = {
        .command = command,
        .told = told,
        .uids = (uint32_t *)(void *)uids.ptr,
        .count = uids.len / sizeof(uint32_t),
        .has_modseq = p->has_modseq,
        .has_fuzzy = imap_has_fuzzy(p),
    };
    imap_tell_found(s, "SEARCH", &found);
    return 0;
}

static int search_selected(struct imap_session *s, const struct imap_command *command) WAITS {
    int error = imap_look(s);
    if (error)
        return s->end != DOOR_END_NONE ? -E_REFUSED : error;
    return search_in(s, command, &s->told);
}

static int search_other(struct imap_session *s, const struct imap_command *command,
                        uint32_t id) WAITS {
    struct told told;
    int error = told_open(&told, s->account, id);
    if (error)
        return error == -E_UNKNOWN ? 0 : error; /* it was removed a moment ago */
    error = search_in(s, command, &told);
    told_close(&told);
    return error;
}

/* ------------------------------------------------------------------ all of them */

struct searching {
    struct imap_session *s;
    const struct imap_command *command;
    struct imap_source *sources; /* sorted */
    bool selected;               /* is asked for by that name */
    bool searched_selected;      /* by whatever name */
    uint32_t *mailboxes;
    size_t count;
};

/* Those there are now, as numbers. */
static void list_mailboxes(struct searching *g) {
    const struct store_account *a = g->s->account;
    g->count = store_mailbox_count(a);
    g->mailboxes = arena_array(&g->s->c.arena, g->count, sizeof *g->mailboxes);
    for (size_t i = 0; i < g->count; i++) {
        struct store_mailbox m;
        store_mailbox_at(a, i, &m);
        g->mailboxes[i] = m.id;
    }
}

static void sort_sources(struct searching *g) WAITS {
    const struct imap_search *search = &g->command->search;
    struct arena *a = &g->s->c.arena;
    g->selected = has_selected(search);
    g->sources = arena_array(a, search->source_count, sizeof *g->sources);
    for (size_t i = 0; i < search->source_count; i++)
        g->sources[i] = imap_source_sort(&search->sources[i], a);
}

static bool is_asked(const struct searching *g, bool is_selected, struct slice path) {
    for (size_t i = 0; i < g->command->search.source_count; i++)
        if (imap_source_has(g->s, &g->sources[i], path))
            return true;
    return is_selected && g->selected;
}

/* Whoever may not read a mailbox, or not know of it, searches as if it were not there (§2.2). */
static int search_mailbox(struct searching *g, uint32_t id) WAITS {
    struct imap_session *s = g->s;
    const bool is_selected = s->selected && s->told.mailbox == id;
    _cleanup_(buf_done) struct buf path = {0};
    imap_mailbox_path(s->account, id, &path);
    if (path.len == 0 || !is_asked(g, is_selected, buf_slice(&path)) ||
        imap_may(s, id, STORE_RIGHT_LOOKUP | STORE_RIGHT_READ) < 0)
        return 0;
    g->searched_selected |= is_selected;
    return is_selected ? search_selected(s, g->command) : search_other(s, g->command, id);
}

static int search_all(struct searching *g) WAITS {
    struct imap_progress progress = imap_progress_begin(g->s, g->command->tag);
    int error = 0;
    sort_sources(g);
    list_mailboxes(g);
    for (size_t i = 0; !error && i < g->count; i++) {
        error = search_mailbox(g, g->mailboxes[i]);
        if (!error)
            error = imap_progress(&progress, i + 1, g->count);
        if (fiber_yield_if_long() < 0)
            break;
    }
    return error;
}

void imap_do_esearch(struct imap_session *s, const struct imap_command *command) {
    struct searching g = {.s = s, .command = command};
    const char *bad = why_bad(s, &command->search);
    if (bad) {
        if (imap_bad(&s->c, command->tag, "%s", bad) < 0)
            s->end = DOOR_END_DISMISSED;
        return;
    }
    if (!imap_returns_are_good(s, command) || !imap_charset_is_good(s, command))
        return;
    if (command->search.program.has_modseq)
        s->enabled |= IMAP_ENABLED_CONDSTORE;
    int error = search_all(&g);
    if (!error && command->search.returns.set & IMAP_RETURN_UPDATE && !g.searched_selected)
        imap_context_refuse(s, command->tag);
    if (error)
        imap_no_search(s, command, error);
    else if (s->selected)
        imap_end_search(s, command, 0, "searched");
    else
        imap_ok(s, command, "searched");
}
