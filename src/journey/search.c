/* SPDX-License-Identifier: ISC */
/*
 * Finding messages by words. A single word is an id, a key or a part of a subject, for which there
 * are indices. Several words, or one that no index knows, are looked for in what the events of each
 * message say, newest message first; where one of several is a key, only its messages are looked
 * at.
 */
#include "base/siphash.h"
#include "events/kinds.h"
#include "journey/db.h"
#include "journey/record.h"

#define SCAN_MESSAGES 2000U /* looked at in one job */
#define NARROW_MAX    1000U /* messages of a key that are looked at */
#define ALL           UINT64_MAX

/* ------------------------------------------------------------------ words in events */

static bool has(struct slice text, struct slice word) {
    char first = ascii_lower(word.ptr[0]);
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (ascii_lower(text.ptr[i]) == first &&
            slice_eq_nocase(slice_of(text.ptr + i, word.len), word))
            return true;
    }
    return false;
}

bool search_event_has(const struct event *e, struct slice word) {
    char id[QUEUE_ID_SIZE];
    word = slice_trim(word);
    if (word.len == 0)
        return false;
    if (has(e->text, word) || has(e->kind, word))
        return true;
    if (e->message != 0 && has(queue_id_format(e->message, id), word))
        return true;
    for (size_t i = 0; i < e->fact_count; i++) {
        if (!slice_eq(e->facts[i].name, S(FACT_DIALOGUE)) && has(e->facts[i].value, word))
            return true;
    }
    return false;
}

/* 1: each word is in some event of the message. */
static int message_has_all(struct event_db *l, queue_id message, const struct event_log_search *s) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    _cleanup_(arena_done) struct arena a = {0};
    /* words as bits */
    uint64_t wanted = s->count < 64 ? (UINT64_C(1) << s->count) - 1 : ALL, found = 0;
    int r = db_query(l->db, &row, "SELECT record FROM event WHERE message = ?1", V(message));
    while (r >= 0 && found != wanted && (r = db_step(l->db, row)) == 1) {
        struct event e = {.message = message};
        arena_reset(&a);
        if (event_decode(db_bytes(row, 0), &a, &e) < 0)
            continue;
        for (size_t i = 0; i < s->count; i++)
            found |= search_event_has(&e, s->words[i]) ? UINT64_C(1) << i : 0;
    }
    return r < 0 ? r : found == wanted;
}

/* ------------------------------------------------------------------ messages */

static bool messages_full(const struct messages *to) {
    return to->count == to->max;
}

/* Adds a message that is not there yet and has events. */
static int add_message(struct event_db *l, struct messages *to, queue_id id) {
    int64_t one = 0;
    for (size_t i = 0; i < to->count; i++) {
        if (to->list[i] == id)
            return 0;
    }
    int r = db_number(l->db, &one, "SELECT 1 FROM event WHERE message = ?1 LIMIT 1", V(id));
    if (r == 1)
        to->list[to->count++] = id;
    return MIN(r, 0);
}

/* Adds the messages that a statement gives. */
static int add_rows(struct event_db *l, struct messages *to, const char *sql,
                    const struct db_value *values) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    int r = db_query_values(l->db, &row, sql, values);
    while (r >= 0 && !messages_full(to) && (r = db_step(l->db, row)) == 1)
        r = add_message(l, to, db_u64(row, 0));
    return MIN(r, 0);
}

static int find_key(struct event_db *l, struct slice key, const struct event_log_search *s,
                    struct messages *to) {
    int64_t first = 0, last = 0;
    uint64_t hash = siphash_keyed(key, l->hash_key);
    int r = db_number(l->db, &first, SQL_FIRST);
    if (r == 1)
        r = db_number(l->db, &last, SQL_LAST);
    if (r <= 0)
        return r;
    r = 0;
    for (int64_t block = last >> BLOCK_SHIFT; r == 0 && block >= first >> BLOCK_SHIFT; block--)
        r = add_rows(l, to,
                     "SELECT message FROM key WHERE block = ?1 AND hash = ?2"
                     " AND message BETWEEN ?3 AND ?4 ORDER BY message DESC",
                     DB_VALUES(V(block), V(hash), V(s->first), V(s->last)));
    return r;
}

static int find_id(struct event_db *l, struct slice text, const struct event_log_search *s,
                   struct messages *to) {
    uint64_t first, last;
    if (!key_id_range(text, &first, &last))
        return 0;
    return add_rows(l, to,
                    "SELECT DISTINCT message FROM event WHERE message BETWEEN ?1 AND ?2"
                    " ORDER BY message DESC LIMIT ?3",
                    DB_VALUES(V(MAX(first, s->first)), V(MIN(last, s->last)), V(to->max)));
}

/* A Message-ID that was written with blanks is kept without them. */
static int find_message_id(struct event_db *l, struct slice key, const struct event_log_search *s,
                           struct messages *to) {
    char id[KEY_MAX];
    size_t len = 0;
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] != ' ' && key.ptr[i] != '\t')
            id[len++] = key.ptr[i];
    }
    return len < key.len ? find_key(l, slice_of(id, len), s, to) : 0;
}

static int find_by_index(struct event_db *l, struct slice word, const struct event_log_search *s,
                         struct messages *to) {
    char folded[KEY_MAX];
    struct slice key = key_fold(word, folded);
    if (key.len == 0)
        return 0;
    int r = find_id(l, key, s, to);
    if (r == 0 && to->count == 0)
        r = find_key(l, key, s, to);
    return r < 0 || to->count > 0 ? r : find_message_id(l, key, s, to);
}

/*
 * Those of one word's messages that have the other words too, some at each call: `s->last` moves
 * on. False when no word is a key.
 */
static int find_narrowed(struct event_db *l, struct event_log_search *s, struct messages *to,
                         bool *ret_narrow, bool *ret_more) {
    _cleanup_(arena_done) struct arena a = {0};
    struct messages some = {.max = NARROW_MAX};
    int r = 0;
    some.list = arena_array(&a, some.max, sizeof *some.list);
    for (size_t i = 0; r == 0 && i < s->count && some.count == 0; i++)
        r = find_by_index(l, s->words[i], s, &some);
    s->narrowing |= some.count > 0;
    *ret_narrow = s->narrowing;
    for (size_t i = 0; r == 0 && i < some.count && !messages_full(to); i++) {
        s->last = some.list[i] - 1;
        r = message_has_all(l, some.list[i], s);
        if (r == 1)
            to->list[to->count++] = some.list[i];
        r = MIN(r, 0);
    }
    *ret_more = r == 0 && messages_full(&some) && !messages_full(to) && s->last >= s->first;
    return r;
}

/* Looks at messages one by one, from the newest on; `s->last` moves on. */
static int scan(struct event_db *l, struct event_log_search *s, struct messages *to,
                bool *ret_more) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    unsigned seen = 0;
    int r = db_query(l->db, &row,
                     "SELECT DISTINCT message FROM event WHERE message BETWEEN ?1 AND ?2"
                     " ORDER BY message DESC LIMIT ?3",
                     V(s->first), V(s->last), V(SCAN_MESSAGES));
    while (r >= 0 && !messages_full(to) && (r = db_step(l->db, row)) == 1) {
        queue_id message = db_u64(row, 0);
        seen++;
        r = s->count == 0 ? 1 : message_has_all(l, message, s);
        if (r == 1)
            to->list[to->count++] = message;
        s->last = message - 1;
    }
    *ret_more = r >= 0 && !messages_full(to) && seen == SCAN_MESSAGES && s->last >= s->first;
    return MIN(r, 0);
}

int event_db_find(struct event_db *l, struct event_log_search *s, struct messages *messages,
                  bool *ret_more) {
    bool narrow = false;
    int r = 0;
    *ret_more = false;
    if (!s->scanning && s->count == 1) {
        r = find_by_index(l, s->words[0], s, messages);
        char folded[KEY_MAX];
        struct slice key = key_fold(s->words[0], folded);
        if (r == 0 && messages->count == 0 && key.len > 0) /* perhaps a part of a subject */
            r = add_rows(l, messages,
                         "SELECT message FROM subject WHERE instr(text, ?1) > 0"
                         " AND message BETWEEN ?2 AND ?3 ORDER BY sequence DESC",
                         DB_VALUES(V_BYTES(key), V(s->first), V(s->last)));
        narrow = messages->count > 0;
    } else if (!s->scanning && s->count > 1) {
        r = find_narrowed(l, s, messages, &narrow, ret_more);
    }
    if (r < 0 || narrow)
        return r;
    s->scanning = true;
    return scan(l, s, messages, ret_more);
}
