/* SPDX-License-Identifier: ISC */
/*
 * FTS5 gets terms that are cut already, with blanks between them: of each document every term
 * once, which is all that it keeps (detail=none). Its own tokenizers would see each place of a
 * word.
 */
#include <errno.h>

#include "search/index_db.h"

typedef int take_token(void *context, int flags, const char *text, int len, int start, int end);

static int create(void *context UNUSED, const char **args UNUSED, int count UNUSED,
                  Fts5Tokenizer **ret) {
    static char nothing; /* it has no state, but may not be NULL */
    *ret = (Fts5Tokenizer *)&nothing;
    return SQLITE_OK;
}

static void release(Fts5Tokenizer *tokenizer UNUSED) {
}

static int tokenize(Fts5Tokenizer *tokenizer UNUSED, void *context, int flags UNUSED,
                    const char *bytes, int len, take_token *token) {
    struct slice text = slice_of(bytes, (size_t)len), rest = text, term;
    int r = SQLITE_OK;
    while (r == SQLITE_OK && slice_next(&rest, ' ', &term)) {
        int at = (int)(term.ptr - text.ptr);
        if (term.len > 0)
            r = token(context, 0, term.ptr, (int)term.len, at, at + (int)term.len);
    }
    return r;
}

int search_index_teach(struct db *db) {
    static fts5_tokenizer tokenizer = {create, release, tokenize};
    fts5_api *api = NULL;
    sqlite3_stmt *row = NULL;
    int said = sqlite3_prepare_v2(db->handle, "SELECT fts5(?1)", -1, &row, NULL);
    if (said == SQLITE_OK)
        said = sqlite3_bind_pointer(row, 1, (void *)&api, "fts5_api_ptr", NULL);
    if (said == SQLITE_OK)
        (void)sqlite3_step(row);
    (void)sqlite3_finalize(row);
    if (!api)
        return db_failed(db);
    return api->xCreateTokenizer(api, "cut", NULL, &tokenizer, NULL) == SQLITE_OK ? 0
                                                                                  : db_failed(db);
}
