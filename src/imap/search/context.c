/* SPDX-License-Identifier: ISC */
#include "base/alloc.h"
#include "imap/fetch/fetching.h"
#include "imap/search/find.h"
#include "imap/search/updating.h"

#define ARENA_MAX 65536U /* of a command */
#define SEND_AT   16384U /* bytes of a long line that go on their way together */

/* ------------------------------------------------------------------ telling */

static uint32_t number_of(const struct imap_session *s, const struct imap_context *c,
                          uint32_t uid) {
    return imap_tells_uids(&c->command) ? uid : (uint32_t)told_number(&s->told, uid);
}

/* How many steps from one on are told as one: they begin at its position. */
static size_t count_run(const struct imap_step *steps, size_t count, bool added) {
    size_t run = 1;
    while (run < count &&
           steps[run].position ==
               (added && steps[0].position ? steps[0].position + run : steps[0].position))
        run++;
    return run;
}

/* "* ESEARCH (TAG "x") UID ADDTO (0 7:9)", or REMOVEFROM. */
static void tell(struct imap_session *s, const struct imap_context *c, const struct buf *steps,
                 bool added) WAITS {
    const struct imap_step *all = (const void *)steps->ptr;
    const size_t count = steps->len / sizeof *all;
    struct imap_writer *w = &s->c.writer;
    if (count == 0)
        return;
    _cleanup_(free_p) struct imap_range *ranges = mem_array(count, sizeof *ranges);
    imap_begin_found(s, &c->command, &s->told);
    imap_write_word(w, added ? "ADDTO" : "REMOVEFROM");
    imap_write_open(w);
    for (size_t at = 0, run; at < count; at += run) {
        size_t used = 0;
        run = count_run(&all[at], count - at, added);
        for (size_t i = at; i < at + run; i++) {
            uint32_t n = number_of(s, c, all[i].uid);
            if (used > 0 && ranges[used - 1].last + 1 == n)
                ranges[used - 1].last = n;
            else
                ranges[used++] = (struct imap_range){n, n};
            (void)fiber_yield_if_long();
        }
        if (s->c.out.len >= SEND_AT)
            imap_send(&s->c);
        imap_write_number(w, all[at].position);
        imap_write_set(w, &(struct imap_set){.ranges = ranges, .count = used});
    }
    imap_write_close(w);
    imap_write_end(w);
    imap_send(&s->c);
}

void imap_context_refuse(struct imap_session *s, struct slice tag) {
    struct imap_writer *w = &s->c.writer;
    imap_write_begin(w, S("*"));
    imap_write_word(w, "NO");
    imap_write_code(w, "NOUPDATE");
    imap_write_string(w, tag);
    imap_write_code_end(w);
    imap_write_text(w, S("these results are not kept up to date"));
    imap_write_end(w);
    imap_send(&s->c);
}

/* ------------------------------------------------------------------ what changes */

void imap_contexts_drop(struct imap_session *s) {
    for (struct imap_context *c = s->contexts; c && s->told.ghosts.len > 0; c = c->next) {
        _cleanup_(buf_done) struct buf steps = {0};
        imap_context_take_out(c, &s->told.ghosts, &steps);
        tell(s, c, &steps, false);
    }
}

/* Which of these messages the program finds. */
static int find(struct imap_session *s, const struct imap_context *c, const struct buf *among,
                struct buf *found) WAITS {
    _cleanup_(imap_find_done_p) struct imap_find *f = NULL;
    int error = imap_find_begin_in(s, &s->told, &c->command.search.program, &f);
    return error ? error : imap_find_all(f, S(""), among, found);
}

/* New messages that came into the results are shown as UPDATE asked for (RFC 5465 §7). */
static void show_new(struct imap_session *s, const struct imap_context *c, const struct buf *added,
                     uint32_t first) WAITS {
    _cleanup_(buf_done) struct buf uids = {0};
    struct arena arena = {0};
    for (size_t i = 0; i < imap_uid_count(added); i++) {
        uint32_t uid = imap_uid_at(added, i);
        if (uid >= first)
            buf_add_bytes(&uids, &uid, sizeof uid);
    }
    struct imap_set set = imap_set_of_uids(&uids, &arena);
    imap_fetch_unasked(s, &c->command.search.returns.update, c->sorted, &set);
    arena_done(&arena);
}

/* Of rising UIDs those that are not among others, which are rising, too. */
static void without(const struct buf *all, const struct buf *others, struct buf *rest) {
    for (size_t i = 0; i < imap_uid_count(all); i++) {
        uint32_t uid = imap_uid_at(all, i);
        if (!imap_has_uid(others, uid))
            buf_add_bytes(rest, &uid, sizeof uid);
    }
}

/* Looks at some messages anew, of which those from `first` on are new. */
static int look_at(struct imap_session *s, struct imap_context *c, const struct buf *among,
                   uint32_t first) WAITS {
    _cleanup_(buf_done) struct buf found = {0}, not_found = {0}, there = {0}, added = {0};
    _cleanup_(buf_done) struct buf taken = {0}, put = {0};
    int error = find(s, c, among, &found);
    if (error)
        return error;
    without(among, &found, &not_found);
    imap_context_members(c, &found, &there);
    without(&found, &there, &added);
    imap_context_take_out(c, &not_found, &taken);
    tell(s, c, &taken, false);
    if (imap_context_is_sorted(c) && imap_uid_count(&added) > IMAP_CONTEXT_SORTED)
        return -E_LIMIT;
    for (size_t i = 0; !error && i < imap_uid_count(&added); i++) {
        error = imap_context_put_in(s, c, imap_uid_at(&added, i), &put);
        (void)fiber_yield_if_long();
    }
    show_new(s, c, &added, first);
    tell(s, c, &put, true);
    return error;
}

/* UIDs of messages that are there, from one on. */
static void add_new(struct imap_session *s, uint32_t first, struct buf *uids) WAITS {
    struct store_view_info info;
    struct store_message m;
    store_view_info(s->told.view, &info);
    for (size_t place = store_view_place(s->told.view, first); place < info.count; place++) {
        store_view_at(s->told.view, place, &m);
        if (m.uid >= s->told.uidnext)
            return;
        buf_add_bytes(uids, &m.uid, sizeof m.uid);
        (void)fiber_yield_if_long();
    }
}

static size_t memory_of(const struct imap_context *c) {
    return c->arena.total + c->uids.size;
}

static void free_context(struct imap_context *c) {
    arena_done(&c->arena);
    buf_done(&c->uids);
    free(c);
}

static size_t memory_of_all(const struct imap_session *s) {
    size_t memory = 0;
    for (const struct imap_context *c = s->contexts; c; c = c->next)
        memory += memory_of(c);
    return memory;
}

void imap_contexts_update(struct imap_session *s, const struct buf *changed, uint32_t first) {
    _cleanup_(buf_done) struct buf new = {0}, all = {0};
    if (!s->contexts)
        return;
    add_new(s, first, &new);
    for (size_t i = 0; i < imap_uid_count(changed) && imap_uid_at(changed, i) < first; i++)
        buf_add_bytes(&all, changed->ptr + i * sizeof(uint32_t), sizeof(uint32_t));
    buf_add(&all, buf_slice(&new));
    for (struct imap_context **at = &s->contexts; *at && s->end == DOOR_END_NONE;) {
        struct imap_context *c = *at;
        const struct buf *among = c->by_flags ? &all : &new;
        int error = among->len > 0 ? look_at(s, c, among, first) : 0;
        if (!error && memory_of_all(s) <= IMAP_CONTEXTS_BYTES) {
            at = &c->next;
            continue;
        }
        imap_context_refuse(s, c->command.tag);
        *at = c->next;
        free_context(c);
    }
}

void imap_contexts_done(struct imap_session *s) {
    while (s->contexts) {
        struct imap_context *c = s->contexts;
        s->contexts = c->next;
        free_context(c);
    }
}

/* ------------------------------------------------------------------ beginning and end */

static struct imap_context **find_tag(struct imap_session *s, struct slice tag) {
    struct imap_context **at = &s->contexts;
    while (*at && !slice_eq((*at)->command.tag, tag))
        at = &(*at)->next;
    return at;
}

bool imap_context_is_there(const struct imap_session *s, struct slice tag) {
    for (const struct imap_context *c = s->contexts; c; c = c->next)
        if (slice_eq(c->command.tag, tag))
            return true;
    return false;
}

/* Numbers and "$" mean what they mean now (§4.3), for good. False: "*" means another message each
 * time. */
static bool fix_sets(struct imap_session *s, struct imap_context *c) {
    struct imap_search_program *p = &c->command.search.program;
    struct imap_search_node *nodes = arena_array(&c->arena, p->count, sizeof *nodes);
    memcpy(nodes, p->nodes, p->count * sizeof *nodes);
    p->nodes = nodes;
    for (uint32_t i = 0; i < p->count; i++) {
        struct imap_search_node *n = &nodes[i];
        c->by_flags |= n->key == IMAP_SEARCH_FLAG || n->key == IMAP_SEARCH_KEYWORD ||
                       n->key == IMAP_SEARCH_MODSEQ;
        if (n->key != IMAP_SEARCH_NUMBERS && n->key != IMAP_SEARCH_UIDS)
            continue;
        if (n->key == IMAP_SEARCH_UIDS && !n->set->saved) {
            if (n->set->star && n->set->star_from > n->set->star_to)
                return false;
            continue;
        }
        struct imap_set *set = ARENA_NEW(&c->arena, struct imap_set);
        *set = n->set->saved ? imap_saved(s) : imap_uids_of_numbers(&s->told, n->set, &c->arena);
        if (set->count > 0) {
            struct imap_range *ranges = arena_array(&c->arena, set->count, sizeof *ranges);
            memcpy(ranges, set->ranges, set->count * sizeof *ranges);
            set->ranges = ranges;
        }
        n->key = IMAP_SEARCH_UIDS;
        n->set = set;
    }
    return true;
}

static bool keep(struct imap_session *s, struct imap_context *c,
                 const struct imap_found *found) WAITS {
    size_t others = 0, memory = memory_of_all(s);
    for (const struct imap_context *o = s->contexts; o; o = o->next)
        others++;
    if (others >= IMAP_CONTEXTS_MAX || memory > IMAP_CONTEXTS_BYTES ||
        found->count > (IMAP_CONTEXTS_BYTES - memory) / sizeof *found->uids)
        return false;
    if (imap_connection_keep(&s->c, IMAP_CONTEXT_TEXT, &c->arena, &c->command) < 0 ||
        !fix_sets(s, c) || c->arena.total > ARENA_MAX)
        return false;
    c->sorted = imap_fetch_sort(&c->command.search.returns.update, &c->arena);
    buf_add_bytes(&c->uids, found->uids, found->count * sizeof *found->uids);
    return true;
}

void imap_context_begin(struct imap_session *s, const struct imap_found *found) {
    struct imap_context *c = NEW(struct imap_context);
    struct imap_context **last = &s->contexts;
    if (!keep(s, c, found)) {
        free_context(c);
        imap_context_refuse(s, found->command->tag);
        return;
    }
    while (*last)
        last = &(*last)->next;
    *last = c;
}

void imap_do_cancelupdate(struct imap_session *s, const struct imap_command *command) {
    for (size_t i = 0; i < command->words.count; i++) {
        struct imap_context **at = find_tag(s, command->words.words[i]);
        struct imap_context *c = *at;
        if (!c)
            continue;
        *at = c->next;
        free_context(c);
    }
    imap_ok(s, command, "no more of that");
}
