/* SPDX-License-Identifier: ISC */
/*
 * Asking. The needle names terms that a text must have, and parts that must lie in one of its words
 * (needle.h). Parts become the words that have them, from the vocabulary; of long words the pieces.
 *
 *     needle          asked of FTS5
 *     会議室          "会議" AND "議室"
 *     see you tod     "you" AND ("tod" OR "today" OR ... OR "\1tod") AND ("see" OR ... OR "\1see")
 *
 * A part that lies in many words is left out when the rest narrows without it; alone, it is asked
 * for in several questions. What a word of a field begins with is asked of FTS5 as it is: fields
 * have few words, and there are numbers of all kinds among those of the vocabulary.
 */
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "search/index_db.h"
#include "search/needle.h"

#define WORDS_MAX      1000U /* of a part: with more it does not narrow */
#define WORDS_ASKED    64U   /* in one question */
#define LOOK_EACH      256U  /* hits between two looks at the clock */
#define PROGRESS_STEPS 10000 /* of SQLite, between two looks at the clock */

/* The words that have a part. */
struct matches {
    struct buf words; /* each with a blank behind it */
    size_t count;     /* WORDS_MAX + 1: more than that, and `words` is not all of them */
};

struct question {
    struct search_index *ix;
    enum search_field field;
    struct search_needle needle;
    struct matches matches[2]; /* of the needle's parts */
    struct buf text;           /* for FTS5 */
    size_t size;               /* room in the hits */
    struct search_hits *hits;
};

static void question_free(struct question *q) {
    for (size_t i = 0; i < ARRAY_SIZE(q->matches); i++)
        buf_done(&q->matches[i].words);
    buf_done(&q->text);
    free(q);
}
DEFINE_CLEANUP(struct question, question_free)

void search_hits_done(struct search_hits *h) {
    free(h->bodies);
    *h = (struct search_hits){0};
}

/* ------------------------------------------------------------------ time */

static usec_t now(void) {
    struct timespec ts;
    MUST(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    return ts.tv_sec * USEC_SEC + ts.tv_nsec / 1000;
}

static int is_late(void *arg) {
    struct search_index *ix = arg;
    ix->is_late |= now() >= ix->give_up_at;
    return ix->is_late;
}

/* ------------------------------------------------------------------ the vocabulary */

/* The words of a block, which begins and ends with a blank, that have the part. */
static void look_through(struct slice block, const struct search_needle_part *part,
                         struct matches *m) {
    char pattern[SEARCH_TERM_MAX + 2];
    size_t len = 0, before = part->begins;
    if (part->begins)
        pattern[len++] = ' ';
    memcpy(pattern + len, part->text, part->len);
    len += part->len;
    if (part->ends)
        pattern[len++] = ' ';
    const char *found;
    while (m->count <= WORDS_MAX && (found = memmem(block.ptr, block.len, pattern, len))) {
        size_t at = (size_t)(found - block.ptr) + before;
        ssize_t blank = slice_rfind_byte(slice_first(block, at), ' ');
        const char *end = memchr(block.ptr + at, ' ', block.len - at);
        if (blank < 0 || !end)
            return; /* no block of ours */
        if (m->count++ < WORDS_MAX)
            buf_add_bytes(&m->words, block.ptr + blank + 1, (size_t)(end - (block.ptr + blank)));
        block = slice_from(block, (size_t)(end - block.ptr)); /* the blank may begin a match */
    }
}

/* Whether a part is asked for as it is. */
static bool is_prefix(const struct question *q, size_t part) {
    return q->needle.parts[part].begins && search_field_has_terms(q->field);
}

/* Whether words are looked for that have it. */
static bool needs_words(const struct question *q, size_t part) {
    return !is_prefix(q, part) && !q->needle.parts[part].is_letter;
}

static int find_words(struct question *q) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    bool any = false;
    for (size_t i = 0; i < q->needle.part_count; i++)
        any |= needs_words(q, i);
    if (!any)
        return 0;
    int r = db_query(q->ix->db, &row, "SELECT words FROM vocabulary ORDER BY block");
    while (r == 0 && (r = db_step(q->ix->db, row)) == 1) {
        for (size_t i = 0; i < q->needle.part_count; i++)
            if (needs_words(q, i))
                look_through(db_bytes(row, 0), &q->needle.parts[i], &q->matches[i]);
        r = is_late(q->ix) ? -E_LIMIT : 0;
    }
    return r;
}

/* ------------------------------------------------------------------ the question */

/* A term with its marks, in the quotes that FTS5 wants. */
static void ask_term(struct question *q, enum search_term kind, struct slice text, bool begins) {
    char marked[2 + SEARCH_TERM_MAX];
    size_t len = 0;
    if (search_field_has_terms(q->field))
        marked[len++] = (char)(SEARCH_MARK_FIELD + (int)q->field);
    if (kind == SEARCH_PIECE)
        marked[len++] = SEARCH_MARK_PIECE;
    memcpy(marked + len, text.ptr, text.len);
    struct slice term = slice_of(marked, len + text.len);
    buf_add_byte(&q->text, '"');
    if (begins)
        buf_add(&q->text, term);
    else
        search_index_put_term(q->ix, term, &q->text);
    buf_add_str(&q->text, begins ? "\" *" : "\"");
}

struct pieces {
    struct question *question;
    size_t count;
};

static void ask_piece(void *arg, enum search_term kind, struct slice text) {
    struct pieces *p = arg;
    (void)kind;
    buf_add_str(&p->question->text, p->count++ > 0 ? " AND " : "");
    ask_term(p->question, SEARCH_PIECE, text, false);
}

/*
 * One of the words, or a long one that has the part: its pieces of three characters, or what begins
 * with fewer.
 */
static void ask_part(struct question *q, size_t part, struct slice words) {
    struct slice word, needle = slice_of(q->needle.parts[part].text, q->needle.parts[part].len);
    struct pieces pieces = {.question = q};
    buf_add_str(&q->text, q->text.len > 0 ? " AND (" : "(");
    if (is_prefix(q, part)) {
        ask_term(q, SEARCH_WORD, needle, true);
        buf_add_str(&q->text, " OR ");
    }
    while (slice_next(&words, ' ', &word) && word.len > 0) {
        ask_term(q, SEARCH_WORD, word, false);
        buf_add_str(&q->text, " OR ");
    }
    buf_add_byte(&q->text, '(');
    search_needle_pieces(needle, ask_piece, &pieces);
    if (pieces.count == 0)
        ask_term(q, SEARCH_PIECE, needle, true);
    buf_add_str(&q->text, "))");
}

/* ------------------------------------------------------------------ hits */

static int add_hits(struct question *q, const char *sql, struct slice text) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    struct search_hits *h = q->hits;
    int r = text.len > 0 ? db_query(q->ix->db, &row, sql, V_TEXT(text))
                         : db_query(q->ix->db, &row, sql);
    while (r == 0 && (r = db_step(q->ix->db, row)) == 1) {
        if (h->count == SEARCH_HITS_MAX || (h->count % LOOK_EACH == 0 && is_late(q->ix)))
            return -E_LIMIT;
        if (h->count == q->size) {
            q->size = MAX(q->size * 2, 64);
            h->bodies = mem_grow(h->bodies, q->size * sizeof *h->bodies);
        }
        h->bodies[h->count++] = db_u64(row, 0);
        r = 0;
    }
    return r;
}

static int ask(struct question *q) {
    return add_hits(q, "SELECT rowid FROM search WHERE search MATCH ?1", buf_slice(&q->text));
}

/* The words of a part, in as many questions as they take. */
static int ask_in_turns(struct question *q, size_t part) {
    struct slice words = buf_slice(&q->matches[part].words), first;
    int r = 0;
    do {
        struct slice rest = words;
        for (size_t i = 0; i < WORDS_ASKED && rest.len > 0; i++)
            (void)slice_next(&rest, ' ', &first);
        buf_clear(&q->text);
        ask_part(q, part, slice_first(words, words.len - rest.len));
        r = ask(q);
        words = rest;
    } while (r == 0 && words.len > 0);
    return r;
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* One question gives them in order, several do not, and give some of them twice. */
static void sort_hits(struct search_hits *h) {
    size_t kept = 0, ordered = 1;
    while (ordered < h->count && h->bodies[ordered - 1] < h->bodies[ordered])
        ordered++;
    if (ordered >= h->count)
        return;
    qsort(h->bodies, h->count, sizeof *h->bodies, compare);
    for (size_t i = 0; i < h->count; i++)
        if (kept == 0 || h->bodies[kept - 1] != h->bodies[i])
            h->bodies[kept++] = h->bodies[i];
    h->count = kept;
}

/* -E_LIMIT: the index does not narrow. */
static int find(struct question *q) {
    size_t few = SIZE_MAX; /* the part in the fewest words */
    int r = find_words(q);
    if (r < 0)
        return r;
    for (size_t i = 0; i < q->needle.term_count; i++) {
        const struct search_needle_term *t = &q->needle.terms[i];
        buf_add_str(&q->text, q->text.len > 0 ? " AND " : "");
        ask_term(q, t->kind, slice_of(t->text, t->len), t->begins);
    }
    for (size_t i = 0; i < q->needle.part_count; i++) {
        const size_t count = q->matches[i].count;
        if (is_prefix(q, i) || (needs_words(q, i) && count <= WORDS_ASKED))
            ask_part(q, i, buf_slice(&q->matches[i].words));
        if (needs_words(q, i) && (few == SIZE_MAX || count < q->matches[few].count))
            few = i;
    }
    if (q->text.len > 0)
        r = ask(q);
    else if (few == SIZE_MAX || q->matches[few].count > WORDS_MAX)
        r = -E_LIMIT;
    else
        r = ask_in_turns(q, few);
    if (r == 0)
        r = add_hits(q, "SELECT body FROM unread", (struct slice){0});
    return r;
}

/* Within one view of the file: the hits belong to what is said to be indexed. */
static int find_at_once(struct question *q, usec_t patience) {
    struct search_index *ix = q->ix;
    struct search_index_state state = {0};
    int r = db_run(ix->db, "BEGIN");
    if (r < 0)
        return r;
    usec_t from = now();
    ix->give_up_at = patience < USEC_NEVER - from ? from + patience : USEC_NEVER;
    ix->is_late = false;
    sqlite3_progress_handler(ix->db->handle, PROGRESS_STEPS, is_late, ix);
    r = search_index_state(ix, &state);
    if (r == 0)
        r = q->needle.term_count + q->needle.part_count > 0 ? find(q) : -E_LIMIT;
    sqlite3_progress_handler(ix->db->handle, 0, NULL, NULL);
    (void)db_end(ix->db, 0);
    q->hits->narrows = r == 0;
    q->hits->up_to = state.up_to;
    if (r < 0)
        q->hits->count = 0;
    return r == -E_LIMIT || ix->is_late ? 0 : r;
}

int search_index_find(struct search_index *ix, enum search_field field, struct slice needle,
                      usec_t patience, struct search_hits *ret) {
    _cleanup_(search_hits_done) struct search_hits hits = {0};
    _cleanup_(question_free_p) struct question *q = NEW(struct question);
    *q = (struct question){.ix = ix, .field = field, .hits = &hits};
    search_needle_read(&q->needle, needle);
    int r = find_at_once(q, patience);
    if (r < 0)
        return r;
    sort_hits(&hits);
    *ret = hits;
    hits.bodies = NULL;
    return 0;
}
