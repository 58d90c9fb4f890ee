/* SPDX-License-Identifier: ISC */
/*
 * Flags and keywords of messages (RFC 9051 §6.4.6), on condition if one likes (RFC 7162 §3.1.3).
 *
 * Changes of flags are records like messages, not rows that are updated: one kind of durability for
 * everything, one order of all changes, changes that share a sync with deliveries.
 *
 * What becomes of a set of keywords is worked out once for each set and record.
 */
#include <errno.h>

#include "store/select.h"

struct flags_change {
    struct change change;
    struct selection selection;
    const struct store_flags *wanted;
    bool of_keywords;
    struct keywords_change keywords;
    struct store_flags_changed result;
    struct buf *refused;
};

/* The set of keywords that comes of another one; `line` is NULL where there are none. */
static struct set_line change_set(const struct flags_change *v, struct set_lines *lines,
                                  struct arena *arena, uint32_t set) {
    const struct keywords *k = v->selection.mailbox->content->keywords;
    if (set == 0 && !v->of_keywords)
        return (struct set_line){0};
    struct set_line *line = set_lines_find(lines, arena, set);
    if (!line->is_known) {
        size_t begin = lines->text.len;
        if (v->of_keywords)
            line->other = keywords_changed(k, set, &v->keywords, &lines->text);
        else
            keywords_text(k, set, &lines->text);
        set_lines_end(lines, line, begin);
    }
    return *line;
}

/*
 * Adds a record about the entries that really change, as they are afterwards. How many were looked
 * at: less than all when their keywords take much room.
 */
static size_t add_record(struct store_account *a, struct flags_change *v, struct group *g,
                         struct store_entry *entries, size_t count) {
    const struct store_flags *w = v->wanted;
    struct set_lines lines = {0};
    size_t changed = 0, i = 0;
    for (; i < count && lines.text.len < SETS_PIECE; i++) {
        struct store_entry e = entries[i];
        if (w->conditional && e.modseq > w->unchanged_since) {
            uint32_t uid = e.uid;
            v->result.refused++;
            if (v->refused)
                buf_add_bytes(v->refused, &uid, sizeof uid);
            continue;
        }
        struct set_line set = change_set(v, &lines, &g->arena, e.keywords);
        uint64_t flags = (e.flags & ~w->remove) | w->add;
        if (flags == e.flags && !set.other)
            continue;
        e.flags = (uint8_t)flags;
        e.keywords = set.line & STORE_SET_MAX;
        entries[changed++] = e;
    }
    struct slice sets = set_lines_done(&lines, &g->arena);
    if (changed == 0)
        return i;
    if (v->result.changed == 0)
        v->result.modseq = ++a->given.modseq;
    v->result.changed += changed;
    group_add(g, RECORD_FLAGS)->flags = (struct record_flags){
        .mailbox = v->selection.mailbox->info.id,
        .modseq = v->result.modseq,
        .entries = entries,
        .count = changed,
        .sets = sets,
    };
    return i;
}

static int prepare_keywords(struct flags_change *v) WAITS {
    const struct store_flags *w = v->wanted;
    struct mailbox *m = v->selection.mailbox;
    v->of_keywords = w->add_keyword_count > 0 || w->remove_keyword_count > 0 || w->replace_keywords;
    if (!v->of_keywords)
        return 0;
    int error = mailbox_keywords(m);
    if (!error)
        error = keywords_bring(m->content->keywords, w->add_keywords, w->add_keyword_count);
    if (error)
        return error;
    keywords_change_init(&v->keywords, m->content->keywords, w->add_keywords, w->add_keyword_count,
                         w->remove_keywords, w->remove_keyword_count);
    v->keywords.replace = w->replace_keywords;
    return 0;
}

static int prepare_flags(struct store_account *a, struct change *c, struct group *g) WAITS {
    struct flags_change *v = CONTAINER_OF(c, struct flags_change, change);
    struct store_entry *entries;
    size_t count;
    if (v->selection.mailbox->gone)
        return -E_UNKNOWN;
    v->result.modseq = v->selection.mailbox->info.modseq;
    int error = prepare_keywords(v);
    while (!error && (count = selection_next(&v->selection, g, &entries)) > 0)
        for (size_t done = 0; done < count;) {
            if (done > 0)
                (void)fiber_yield();
            done += add_record(a, v, g, entries + done, count - done);
        }
    return error;
}

int store_set_flags(struct store_account *a, uint32_t mailbox, const uint32_t *uids, size_t count,
                    const struct store_flags *wanted, struct store_flags_changed *ret,
                    struct buf *refused) {
    struct flags_change v = {
        .change = {.prepare = prepare_flags, .reads = true}, .wanted = wanted, .refused = refused};
    if ((wanted->add | wanted->remove) & ~(uint64_t)STORE_FLAGS)
        return -EINVAL;
    if (!keywords_are_good(wanted->add_keywords, wanted->add_keyword_count))
        return -E_SYNTAX;
    int error = selection_run(&v.selection, a, mailbox, uids, count, &v.change);
    keywords_change_done(&v.keywords);
    if (!error)
        *ret = v.result;
    return error;
}
