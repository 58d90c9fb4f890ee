/* SPDX-License-Identifier: ISC */
/*
 * The mailbox is gone through in batches: messages of which the mailbox alone does not tell whether
 * they are found, up to IMAP_FIND_BATCH, and those found between them. Then their maps are read,
 * then their texts, as far as the program still asks for it. So what is held does not depend
 * on the mailbox, and the order stays.
 */
#include "imap/search/find.h"

#include "base/alloc.h"
#include "imap/progress.h"
#include "imap/search/finding.h"
#include "message/charset/charset.h"

/* ------------------------------------------------------------------ preparing */

static struct imap_set set_by_uid(struct imap_find *f, const struct imap_set *set) {
    struct store_view_info info;
    struct store_message last = {0};
    store_view_info(f->told->view, &info);
    if (info.count > 0)
        store_view_at(f->told->view, info.count - 1, &last);
    return imap_set_resolve(set, last.uid, &f->arena);
}

static uint64_t flag_of(struct slice name) {
    static const struct {
        const char *name;
        uint64_t flag;
    } flags[] = {{"\\Seen", STORE_SEEN},
                 {"\\Answered", STORE_ANSWERED},
                 {"\\Flagged", STORE_FLAGGED},
                 {"\\Deleted", STORE_DELETED},
                 {"\\Draft", STORE_DRAFT}};
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (slice_eq(name, slice_of_str(flags[i].name)))
            return flags[i].flag;
    return 0;
}

static void add_question(struct imap_find *f, const struct imap_search_node *n, int charset) {
    static const enum search_field fields[] = {
        [IMAP_SEARCH_FROM] = SEARCH_FROM,       [IMAP_SEARCH_TO] = SEARCH_TO,
        [IMAP_SEARCH_CC] = SEARCH_CC,           [IMAP_SEARCH_BCC] = SEARCH_BCC,
        [IMAP_SEARCH_SUBJECT] = SEARCH_SUBJECT, [IMAP_SEARCH_HEADER] = SEARCH_HEADER,
        [IMAP_SEARCH_BODY] = SEARCH_BODY,       [IMAP_SEARCH_TEXT] = SEARCH_ANY,
    };
    _cleanup_(buf_done) struct buf text = {0}, folded = {0};
    charset_decode(&text, charset, n->text);
    search_fold_needle(buf_slice(&text), &folded);
    f->questions[f->question_count++] = (struct search_question){
        .field = fields[n->key],
        .name = n->key == IMAP_SEARCH_HEADER ? n->field : S(""),
        .needle = arena_copy(&f->arena, buf_slice(&folded)),
    };
}

static struct imap_set *new_set(struct imap_find *f, struct imap_set set) {
    struct imap_set *copy = ARENA_NEW(&f->arena, struct imap_set);
    *copy = set;
    return copy;
}

static void prepare_test(struct imap_find *f, size_t node, int charset) {
    const struct imap_search_node *n = &f->p->nodes[node];
    union imap_find_test *test = &f->tests[node];
    bool by_set = n->key == IMAP_SEARCH_NUMBERS || n->key == IMAP_SEARCH_UIDS;
    if (by_set && n->set->saved) { /* of the selected mailbox */
        test->uids =
            new_set(f, f->s && f->told == &f->s->told ? imap_saved(f->s) : (struct imap_set){0});
    } else if (n->key == IMAP_SEARCH_NUMBERS) {
        test->uids = new_set(f, imap_uids_of_numbers(f->told, n->set, &f->arena));
    } else if (by_set) {
        test->uids = new_set(f, set_by_uid(f, n->set));
    } else if (n->key == IMAP_SEARCH_FLAG) {
        test->flag = flag_of(n->text);
    } else if (imap_find_is_text(n->key)) {
        test->question = f->question_count;
        add_question(f, n, charset);
    }
}

static void prepare(struct imap_find *f, int charset) WAITS {
    size_t texts = 0;
    for (size_t i = 0; i < f->p->count; i++)
        texts += imap_find_is_text(f->p->nodes[i].key);
    f->questions = arena_array(&f->arena, texts, sizeof *f->questions);
    imap_find_prepare_keywords(f);
    for (size_t i = 0; i < f->p->count; i++) {
        prepare_test(f, i, charset);
        f->suits_saved |= imap_find_suits_saved(f, i);
        f->suits_map |= f->p->nodes[i].key > IMAP_SEARCH_OR && imap_find_suits_map(f, i);
        (void)fiber_yield_if_long();
    }
}

/* Those for which messages have to be read. */
static size_t count_texts(const struct imap_find *f) {
    size_t count = 0;
    for (size_t i = 0; i < f->question_count; i++)
        count += !search_question_suits_map(&f->questions[i]);
    return count;
}

int imap_find_begin_in(struct imap_session *s, const struct told *told,
                       const struct imap_search_program *p, struct imap_find **ret) {
    int charset = p->charset.ptr ? charset_find(p->charset) : CHARSET_UNLABELLED;
    if (charset < 0)
        return -E_UNKNOWN;
    if (p->count > IMAP_FIND_NODES)
        return -E_LIMIT;
    struct imap_find *f = NEW(struct imap_find);
    f->s = s;
    f->indexes = s ? s->config->indexes : NULL;
    f->told = told;
    f->p = p;
    f->now = fiber_wall();
    f->finds_all = p->count == 1 && p->nodes[0].key == IMAP_SEARCH_ALL && !p->nodes[0].negated;
    f->tests = arena_array(&f->arena, p->count, sizeof *f->tests);
    f->reached = arena_array(&f->arena, p->count, sizeof *f->reached);
    prepare(f, charset);
    if (count_texts(f) > IMAP_FIND_TEXTS) {
        imap_find_done(f);
        return -E_LIMIT;
    }
    if (f->question_count > 0)
        f->confirm = search_confirm_new(f->questions, f->question_count);
    *ret = f;
    return 0;
}

void imap_find_done(struct imap_find *f) {
    if (f->confirm)
        search_confirm_free(f->confirm);
    imap_find_drop_index(f);
    buf_done(&f->bytes);
    buf_done(&f->maps);
    search_map_done(&f->map);
    arena_done(&f->map_arena);
    arena_done(&f->arena);
    free(f);
}

/* ------------------------------------------------------------------ others */

#define FEW_KEYS 16U /* so many take no time to speak of */

/* In a loop over messages: to look at the clock takes longer than a few keys. */
static void give_way(const struct imap_find *f, size_t message) WAITS {
    if (f->p->count > FEW_KEYS || message % 16 == 0)
        (void)fiber_yield_if_long();
}

/* ------------------------------------------------------------------ save dates */

static void use_saved(struct imap_find *f, struct imap_find_item *item, usec_t saved) {
    for (size_t i = 0; i < f->p->count; i++)
        if (imap_find_suits_saved(f, i))
            item->known[i] = (uint8_t)imap_find_by_saved(f, i, saved ? saved : item->message.date);
    item->found = imap_find_run(f, &item->message, item->known);
}

static int by_save_dates(struct imap_find *f) WAITS {
    _cleanup_(free_p) uint32_t *uids = mem_array(f->count, sizeof *uids);
    _cleanup_(free_p) usec_t *dates = mem_array(f->count, sizeof *dates);
    for (size_t i = 0; i < f->count; i++)
        uids[i] = f->items[i].message.uid;
    int error = store_save_dates(f->told->account, f->told->mailbox, uids, f->count, dates);
    for (size_t i = 0; !error && i < f->count; i++) {
        if (f->items[i].found == IMAP_NOT_KNOWN)
            use_saved(f, &f->items[i], dates[i]);
        (void)fiber_yield_if_long();
    }
    return error;
}

/* ------------------------------------------------------------------ maps */

static bool wants_map(struct imap_find *f, const struct imap_find_item *item) {
    if (item->found != IMAP_NOT_KNOWN || !f->suits_map)
        return false;
    (void)imap_find_run(f, &item->message, item->known);
    for (size_t i = 0; i < f->p->count; i++)
        if (imap_find_is_open(f, i, item) && imap_find_suits_map(f, i))
            return true;
    return false;
}

/* What its map says; without a blob the message cannot be read. */
static void use_map(struct imap_find *f, struct imap_find_item *item, struct slice blob) WAITS {
    struct message_map map;
    arena_reset(&f->map_arena);
    if (!blob.ptr || message_map_read(&f->map_arena, blob, &map) < 0) {
        item->found = IMAP_HOLDS_NOT;
        return;
    }
    search_map_next(&f->map, &map);
    for (size_t i = 0; i < f->p->count; i++) {
        if (f->p->nodes[i].key > IMAP_SEARCH_OR && item->known[i] == IMAP_NOT_KNOWN &&
            imap_find_suits_map(f, i))
            item->known[i] = (uint8_t)imap_find_by_map(f, i, item->message.body);
        give_way(f, 1);
    }
    item->found = imap_find_run(f, &item->message, item->known);
}

/* Gone, or damaged: such a message has no text. Others are errors of the search. */
static bool has_no_text(int error) {
    return error == -E_UNKNOWN || error == -E_CORRUPT;
}

static int by_maps(struct imap_find *f) WAITS {
    _cleanup_(free_p) struct store_message *messages = mem_array(f->count, sizeof *messages);
    struct imap_find_item **wanted = f->wanted;
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (wants_map(f, &f->items[i])) {
            messages[count] = f->items[i].message;
            wanted[count++] = &f->items[i];
        }
        give_way(f, i);
    }
    for (size_t at = 0; at < count;) {
        buf_clear(&f->maps);
        int n = store_maps(f->told->account, &messages[at], count - at, &f->maps, f->pieces);
        if (n < 0 && !has_no_text(n))
            return n;
        for (int i = 0; i < n; i++) {
            struct store_piece p = f->pieces[i];
            use_map(f, wanted[at + (size_t)i],
                    slice_first(slice_from(buf_slice(&f->maps), p.at), p.len));
            give_way(f, (size_t)i);
        }
        if (n < 0)
            use_map(f, wanted[at], (struct slice){0});
        at += (size_t)MAX(n, 1);
    }
    return 0;
}

/* ------------------------------------------------------------------ texts */

/* Which questions are left; whether there are any. */
static bool ask(struct imap_find *f, struct imap_find_item *item) {
    bool any = false;
    (void)imap_find_run(f, &item->message, item->known);
    memset(item->asked, 0, f->question_count);
    for (size_t i = 0; i < f->p->count; i++) {
        if (f->p->nodes[i].key > IMAP_SEARCH_OR && imap_find_is_open(f, i, item))
            any = item->asked[f->tests[i].question] = true;
    }
    return any;
}

static int by_texts(struct imap_find *f) WAITS {
    bool any = false;
    for (size_t i = 0; i < f->count; i++) {
        if (f->items[i].found == IMAP_NOT_KNOWN)
            any |= ask(f, &f->items[i]);
        (void)fiber_yield_if_long();
    }
    return any ? imap_find_by_texts(f) : 0;
}

/* ------------------------------------------------------------------ all */

/* One of those that are looked at; false: it has gone. */
static bool candidate(const struct imap_find *f, size_t at, size_t *ret_place,
                      struct store_message *ret) {
    struct store_view *view = f->told->view;
    struct store_view_info info;
    uint32_t uid = 0;
    *ret_place = at;
    if (f->among) {
        memcpy(&uid, f->among->ptr + at * sizeof uid, sizeof uid);
        *ret_place = store_view_place(view, uid);
        store_view_info(view, &info);
        if (*ret_place == info.count)
            return false;
    }
    store_view_at(view, *ret_place, ret);
    return !f->among || ret->uid == uid;
}

/* From one of them on, a batch; where the next one begins. What is found before it is given at
 * once, of which `enough` end the batch. */
static size_t gather(struct imap_find *f, size_t at, size_t end, size_t enough,
                     struct buf *uids) WAITS {
    const size_t before = uids->len;
    struct store_message m;
    size_t place;
    f->count = 0;
    for (; at < end && f->count < f->most && (uids->len - before) / sizeof m.uid < enough; at++) {
        if (!candidate(f, at, &place, &m))
            continue;
        enum imap_known found = f->finds_all ? IMAP_HOLDS : imap_find_run(f, &m, NULL);
        if (found == IMAP_NOT_KNOWN || (found == IMAP_HOLDS && f->count > 0)) {
            struct imap_find_item *item = &f->items[f->count++];
            item->place = place;
            item->message = m;
            item->found = found;
            if (found == IMAP_NOT_KNOWN)
                memset(item->known, IMAP_NOT_KNOWN, f->p->count);
        } else if (found == IMAP_HOLDS) {
            buf_add_bytes(uids, &m.uid, sizeof m.uid);
        }
        give_way(f, at);
    }
    return at;
}

static void make_items(struct imap_find *f) {
    const size_t each = f->p->count + 2 * f->question_count;
    f->room = MIN(IMAP_FIND_MEMORY / each + 1, (size_t)IMAP_FIND_BATCH);
    f->most = MIN(f->room, (size_t)IMAP_FIND_FEW);
    f->items = arena_array(&f->arena, f->room, sizeof *f->items);
    f->wanted = arena_array(&f->arena, f->room, sizeof(struct imap_find_item *));
    for (size_t i = 0; i < f->room; i++) {
        f->items[i].known = arena_array(&f->arena, f->p->count, 1);
        f->items[i].asked = arena_array(&f->arena, f->question_count, sizeof(bool));
        f->items[i].has = arena_array(&f->arena, f->question_count, sizeof(bool));
    }
}

int imap_find_between(struct imap_find *f, struct imap_progress *progress, size_t *at, size_t end,
                      size_t enough, struct buf *uids) {
    const size_t begin = *at, before = uids->len;
    int error = 0;
    if (!f->items)
        make_items(f);
    while (!error && *at < end && (uids->len - before) / sizeof(uint32_t) < enough) {
        *at = gather(f, *at, end, enough, uids);
        error = f->suits_saved ? by_save_dates(f) : 0;
        if (!error)
            error = by_maps(f);
        if (!error)
            error = by_texts(f);
        for (size_t i = 0; !error && i < f->count; i++)
            if (f->items[i].found == IMAP_HOLDS)
                buf_add_bytes(uids, &f->items[i].message.uid, sizeof(uint32_t));
        f->most = MIN(f->room, 2 * f->most);
        if (!error)
            error = imap_progress(progress, *at - begin, end - begin);
    }
    if ((uids->len - before) / sizeof(uint32_t) > enough)
        uids->len = before + enough * sizeof(uint32_t);
    return error;
}

int imap_find_all(struct imap_find *f, struct slice tag, const struct buf *among,
                  struct buf *uids) {
    struct store_view_info info;
    struct imap_progress progress = imap_progress_begin(f->s, tag);
    size_t at = 0;
    store_view_info(f->told->view, &info);
    f->among = among;
    const size_t count = among ? among->len / sizeof(uint32_t) : info.count;
    imap_find_ask_index(f, count);
    return imap_find_between(f, &progress, &at, count, SIZE_MAX, uids);
}
