/* SPDX-License-Identifier: ISC */
/*
 * Copies and moves of messages (RFC 9051 §6.4.7, §6.4.8): further entries of their bodies. They
 * cost no bytes and no quota; what bounds them is the number of entries, each of which takes memory
 * and a row.
 *
 * The UIDs of one call follow each other. A moved message stays what it is for POP3: its unique-id
 * goes with it. A copy gets its own, since both may lie in one mailbox: it is made of its UID, so a
 * copy that is moved gets another one.
 *
 * Keywords go along, in the spelling of the mailbox that they come to.
 */
#include "store/select.h"

struct copy {
    struct change change;
    struct selection selection;
    struct mailbox *to;
    uint32_t to_id;
    bool move;
    uint8_t along; /* flags of an entry that go along */
    bool keywords; /* and so do these */
    struct store_copied result;
};

/* The line of a set of keywords; they are brought to the mailbox. */
static int copy_set(struct copy *v, struct set_lines *lines, struct arena *arena, uint32_t set,
                    uint32_t *ret_line) WAITS {
    struct mailbox *from = v->selection.mailbox;
    struct set_line *line = set_lines_find(lines, arena, set);
    size_t begin = lines->text.len;
    int error = 0;
    if (!line->is_known && from == v->to) {
        keywords_text(from->content->keywords, set, &lines->text);
        set_lines_end(lines, line, begin);
    } else if (!line->is_known) {
        _cleanup_(buf_done) struct buf text = {0}, names = {0};
        struct slice name;
        keywords_text(from->content->keywords, set, &text);
        for (struct slice rest = buf_slice(&text); slice_next(&rest, ' ', &name);)
            buf_add_bytes(&names, &name, sizeof name);
        size_t count = names.len / sizeof name;
        error = mailbox_keywords(v->to);
        if (!error)
            error = keywords_bring(v->to->content->keywords, (const void *)names.ptr, count);
        if (error)
            return error;
        keywords_spell(v->to->content->keywords, (const void *)names.ptr, count, &lines->text);
        set_lines_end(lines, line, begin);
    }
    *ret_line = line->line;
    return error;
}

/* Adds a record; how many entries are in it. */
static int add_record(struct store_account *a, struct copy *v, struct group *g,
                      struct store_entry *entries, size_t *count) WAITS {
    struct mailbox *from = v->selection.mailbox;
    uint64_t modseq = ++a->given.modseq;
    uint32_t *uids = arena_array(&g->arena, *count, sizeof *uids), line = 0;
    struct set_lines lines = {0};
    size_t i = 0;
    int error = 0;
    for (; i < *count && lines.text.len < SETS_PIECE; i++) {
        struct store_entry *e = &entries[i];
        const bool worded = v->keywords && e->keywords;
        if (worded && (error = copy_set(v, &lines, &g->arena, e->keywords, &line)))
            break;
        uids[i] = e->uid;
        if (!v->move) { /* should the commit fail, nothing is lost but a question */
            e->flags |= ENTRY_SHARED;
            (void)entries_set(&from->content->entries, e, &a->store->memory);
            e->flags |= ENTRY_COPY;
        }
        e->flags &= v->along;
        e->keywords = worded ? line & STORE_SET_MAX : 0;
        e->uid = v->to->uidnext++;
        e->modseq = modseq & STORE_MODSEQ_MAX;
    }
    struct slice sets = set_lines_done(&lines, &g->arena);
    if (error)
        return error;
    group_add(g, RECORD_COPY)->copy = (struct record_copy){.mailbox = v->to->info.id,
                                                           .mailbox_name = mailbox_name(v->to),
                                                           .entries = entries,
                                                           .count = i,
                                                           .sets = sets,
                                                           .saved = fiber_wall(),
                                                           .from = v->move ? from->info.id : 0,
                                                           .gone = uids};
    v->result.count += i;
    *count = i;
    return 0;
}

/* However many there are already, more can be moved, and come. */
static bool has_room(const struct store_account *a, const struct copy *v) {
    const uint64_t asked = a->store->options.entries, most = asked ? asked : STORE_ENTRIES_MAX;
    uint64_t there = 0;
    for (size_t i = 0; i < a->mailbox_count; i++)
        there += a->mailboxes[i]->info.messages;
    return v->move || there + v->selection.count <= most;
}

static int prepare_copy(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct copy *v = CONTAINER_OF(c, struct copy, change);
    struct store_entry *entries;
    size_t count;
    int error = 0;
    v->to = mailbox_find(a, v->to_id);
    if (!v->to || v->selection.mailbox->gone)
        return -E_UNKNOWN;
    if (v->selection.count >= UINT32_MAX - v->to->uidnext || !has_room(a, v))
        return -E_LIMIT;
    v->result.first_uid = v->to->uidnext;
    while (!error && (count = selection_next(&v->selection, g, &entries)) > 0)
        for (size_t done = 0, some; !error && done < count; done += some) {
            if (done > 0)
                (void)fiber_yield();
            some = count - done;
            error = add_record(a, v, g, entries + done, &some);
        }
    return error;
}

int store_copy(struct store_account *a, uint32_t from, const uint32_t *uids, size_t count,
               uint32_t to, bool move, struct store_copied *ret) {
    return store_copy_with(a, from, uids, count, to, move, STORE_FLAGS, true, ret);
}

int store_copy_with(struct store_account *a, uint32_t from, const uint32_t *uids, size_t count,
                    uint32_t to, bool move, uint64_t flags, bool keywords,
                    struct store_copied *ret) {
    struct copy v = {.change = {.prepare = prepare_copy, .reads = true},
                     .to_id = to,
                     .move = move,
                     .along = (uint8_t)((flags & STORE_FLAGS) | ENTRY_COPY | ENTRY_SHARED),
                     .keywords = keywords};
    int error = selection_run(&v.selection, a, from, uids, count, &v.change);
    if (!error)
        *ret = v.result;
    return error;
}
