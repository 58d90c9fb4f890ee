/* SPDX-License-Identifier: ISC */
/*
 * Under whose addresses an account may send beside its own: what an administrator has allowed, for
 * secretaries, lists and programs. One text for each such account: "*" for any address, or lines of
 * addresses and of "@domain" for all of a domain, canonical.
 */
#include "directory/local.h"

#include "base/words.h"
#include "directory/records.h"

#define ANY              S("*")
#define SEND_AS_TEXT_MAX 8192U

struct send_as {
    struct slice address, text, before;
    struct author author;
    struct arena *arena;
    uint64_t id;
    bool found;
};

/* ------------------------------------------------------------------ asking */

static int read_text(struct db *db, uint64_t id, struct arena *a, struct slice *ret) {
    sqlite3_stmt *row = NULL;
    int r = db_row(db, &row,
                   "SELECT s.addresses FROM send_as s JOIN account a ON a.account_id = s.account_id"
                   " WHERE s.account_id = ?1 AND a.enabled = 1",
                   V(id));
    *ret = r == 1 ? db_copy(row, 0, a) : S("");
    db_reset(&row);
    return MIN(r, 0);
}

static int ask_job(struct db *db, void *arg) {
    struct send_as *s = arg;
    return read_text(db, s->id, s->arena, &s->text);
}

static bool allows(struct slice list, const struct name *name) {
    if (slice_eq(list, ANY))
        return true;
    for (struct slice line; slice_next(&list, '\n', &line);) {
        if (line.len > 0 && (slice_eq(line, name->text) || slice_eq(line, name_domain_key(name))))
            return true;
    }
    return false;
}

int local_may_send_as(struct directory_source *source, uint64_t account_id, const struct name *name,
                      bool *ret_may) {
    _cleanup_(arena_done) struct arena a = {0};
    struct send_as s = {.id = account_id, .arena = &a};
    int r = directory_run(directory_of_local(source), JOB_READ, ask_job, &s, NULL);
    *ret_may = r == 0 && allows(s.text, name);
    return r;
}

/* ------------------------------------------------------------------ for the administrator */

static int show_job(struct db *db, void *arg) {
    struct send_as *s = arg;
    sqlite3_stmt *row = NULL;
    int r = record_must_have_account(db, s->address, &s->id);
    if (r == 0)
        r = db_row(db, &row, "SELECT addresses FROM send_as WHERE account_id = ?1", V(s->id));
    if (r == 1)
        s->before = db_copy(row, 0, s->arena);
    db_reset(&row);
    return MIN(r, 0);
}

static int set_job(struct db *db, void *arg) {
    struct send_as *s = arg;
    int r = show_job(db, s);
    if (r == 0)
        r = s->text.len > 0 ? db_run(db,
                                     "INSERT INTO send_as VALUES (?1, ?2)"
                                     " ON CONFLICT (account_id) DO UPDATE SET addresses = ?2",
                                     V(s->id), V_TEXT(s->text))
                            : db_run(db, "DELETE FROM send_as WHERE account_id = ?1", V(s->id));
    return r < 0 ? r
                 : history_add(db, &s->author, "account.send-as", s->address,
                               s->before.len > 0 ? s->before : S("own"),
                               s->text.len > 0 ? s->text : S("own"));
}

/* One entry, canonical, and a line end. */
static int add_entry(struct arena *a, struct slice word, struct buf *to, struct problem *problem) {
    struct name name;
    struct slice text = {0};
    int r = 0;
    if (slice_starts(word, S("@"))) {
        r = name_domain_parse(a, slice_from(word, 1), &text, problem);
        buf_add_str(to, "@");
    } else {
        r = name_parse_strict(a, word, &name, problem);
        text = r == 0 ? name.text : text;
    }
    buf_add(to, text);
    buf_add_byte(to, '\n');
    return r;
}

int directory_account_set_send_as(struct directory *d, const struct order *order,
                                  struct slice address, struct slice value,
                                  struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf list = {0};
    struct name name;
    int r = name_parse(&a, address, &name, problem);
    if (slice_eq(value, S("any")))
        buf_add(&list, ANY);
    else if (!slice_eq(value, S("own")))
        for (struct slice word; r == 0 && slice_next(&value, '\n', &word);)
            r = word.len > 0 ? add_entry(&a, word, &list, problem) : 0;
    if (r == 0 && list.len > SEND_AS_TEXT_MAX)
        r = problem_set(problem, -E_LIMIT, N_("these are too many addresses for one account"));
    if (r < 0)
        return r;
    struct send_as s = {.address = name.text,
                        .text = slice_trim_lines(buf_slice(&list)),
                        .author = author_of(order),
                        .arena = &a};
    return directory_run(d, JOB_WRITE, set_job, &s, problem);
}

int directory_account_send_as(struct directory *d, struct slice address, struct arena *a,
                              struct slice *ret, struct problem *problem) {
    struct name name;
    int r = name_parse(a, address, &name, problem);
    if (r < 0)
        return r;
    struct send_as s = {.address = name.text, .arena = a};
    r = directory_run(d, JOB_READ, show_job, &s, problem);
    if (r == 0)
        *ret = slice_eq(s.before, ANY) ? S("any") : s.before;
    return r;
}
