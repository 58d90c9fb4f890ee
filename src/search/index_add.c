/* SPDX-License-Identifier: ISC */
/*
 * Batches. Words that are new go to their table at once, and to the vocabulary when the batch ends:
 * onto its last block, as long as that is short.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/siphash.h"
#include "search/index_db.h"

#define BLOCK_SIZE 16384U /* of a block of the vocabulary; the last word may stand over it */

int search_index_begin(struct search_index *ix) {
    struct search_index_state state;
    int r = db_begin(ix->db);
    if (r < 0)
        return r;
    if (!ix->known)
        ix->known = mem_array(SEARCH_KNOWN, sizeof *ix->known);
    r = search_index_state(ix, &state);
    if (r < 0)
        return db_end(ix->db, r);
    ix->up_to = state.up_to;
    ix->added = 0;
    return 0;
}

/* ------------------------------------------------------------------ words */

static int add_words(struct search_index *ix, struct slice words) {
    struct slice word;
    while (slice_next(&words, ' ', &word)) {
        uint64_t hash = siphash(word), *at = &ix->known[hash % SEARCH_KNOWN];
        if (word.len == 0 || *at == hash)
            continue;
        int r = db_run(ix->db, "INSERT OR IGNORE INTO word VALUES (?1)", V_BYTES(word));
        if (r < 0)
            return r;
        *at = hash;
        if (db_changes(ix->db) > 0) {
            buf_add(&ix->fresh, word);
            buf_add_byte(&ix->fresh, ' ');
        }
    }
    return 0;
}

/* As many whole words as a block of `size` bytes still takes; one at least. */
static struct slice fill_block(struct slice *rest, size_t size) {
    size_t room = size < BLOCK_SIZE ? BLOCK_SIZE - size : 0;
    size_t len = rest->len;
    if (room < rest->len) {
        const char *blank = memchr(rest->ptr + room, ' ', rest->len - room);
        len = (size_t)(blank - rest->ptr) + 1;
    }
    struct slice words = slice_first(*rest, len);
    *rest = slice_from(*rest, len);
    return words;
}

/* A block begins and ends with a blank. */
static int add_vocabulary(struct search_index *ix) {
    _cleanup_(db_reset) sqlite3_stmt *row = NULL;
    struct slice rest = buf_slice(&ix->fresh);
    int64_t block = 0;
    int r = db_row(ix->db, &row,
                   "SELECT block, length(words) FROM vocabulary ORDER BY block DESC LIMIT 1");
    if (r == 1) {
        block = db_i64(row, 0);
        size_t size = (size_t)db_i64(row, 1);
        db_reset(&row);
        if (size < BLOCK_SIZE && rest.len > 0)
            r = db_run(ix->db,
                       "UPDATE vocabulary SET words = CAST(words || ?2 AS BLOB) WHERE block = ?1",
                       V(block), V_BYTES(fill_block(&rest, size)));
    }
    while (r >= 0 && rest.len > 0)
        r = db_run(ix->db, "INSERT INTO vocabulary VALUES (?1, CAST(x'20' || ?2 AS BLOB))",
                   V(++block), V_BYTES(fill_block(&rest, 1)));
    return MIN(r, 0);
}

/* ------------------------------------------------------------------ documents */

static void put_terms(struct search_index *ix, struct slice terms) {
    struct slice term;
    while (slice_next(&terms, ' ', &term)) {
        if (term.len == 0)
            continue;
        search_index_put_term(ix, term, &ix->text);
        buf_add_byte(&ix->text, ' ');
    }
}

int search_index_add(struct search_index *ix, uint64_t body, uint32_t sum,
                     const struct search_document *d) {
    if (body <= ix->up_to || body > INT64_MAX)
        return -EINVAL;
    int r;
    if (!d || d->is_full) {
        r = db_run(ix->db, "INSERT INTO unread VALUES (?1)", V(body));
    } else {
        buf_clear(&ix->text);
        put_terms(ix, buf_slice(&d->words));
        put_terms(ix, buf_slice(&d->terms));
        r = db_run(ix->db, "INSERT INTO search (rowid, terms) VALUES (?1, ?2)", V(body),
                   V_TEXT(buf_slice(&ix->text)));
        if (r == 0)
            r = add_words(ix, buf_slice(&d->words));
    }
    if (r == 0)
        r = db_run(ix->db, "INSERT INTO sum VALUES (?1, ?2)", V(body), V(sum));
    if (r == 0) {
        ix->up_to = body;
        ix->added++;
    }
    return r;
}

int search_index_end(struct search_index *ix, int result) {
    int r = result < 0 ? result : add_vocabulary(ix);
    if (r == 0 && ix->added > 0)
        r = db_run(ix->db, "UPDATE state SET up_to = ?1, documents = documents + ?2", V(ix->up_to),
                   V(ix->added));
    r = db_end(ix->db, r < 0 ? r : result);
    if (r < 0 && ix->known) /* what was found in a batch that did not end well is not known */
        memset(ix->known, 0, SEARCH_KNOWN * sizeof *ix->known);
    buf_clear(&ix->fresh);
    return r;
}
