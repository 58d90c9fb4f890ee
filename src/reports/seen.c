/* SPDX-License-Identifier: ISC */
/*
 * A row of a report is kept as its texts with a NUL between, which is also its key: equal messages
 * are one row and a number.
 */
#include "reports/seen.h"

#include "reports/kept_db.h"

#define DAY_SECONDS 86400
#define SENT_FOR    (30 * USEC_DAY) /* longer than anything stays in a queue */
#define CLOCK_STEP  USEC_HOUR       /* times further ahead are those of a clock that was wrong */

/* ------------------------------------------------------------------ rows as texts */

static void add_text(struct buf *to, struct slice text) {
    buf_add(to, text);
    buf_add_byte(to, '\0');
}

static bool is_text(struct slice s) {
    return s.len <= AGGREGATE_TEXT_MAX && (s.len == 0 || !memchr(s.ptr, '\0', s.len));
}

/* False: something in it is too long, or has a NUL. */
static bool write_row(const struct seen_message *m, struct buf *to) {
    bool good = is_text(m->source) && is_text(m->header_from) && is_text(m->envelope_from) &&
                is_text(m->reason) && m->auth_count <= AGGREGATE_AUTH_MAX;
    add_text(to, m->source);
    buf_printf(to, "%d%d%d", (int)m->disposition, m->dkim, m->spf);
    buf_add_byte(to, '\0');
    add_text(to, m->reason);
    add_text(to, m->header_from);
    add_text(to, m->envelope_from);
    for (size_t i = 0; good && i < m->auth_count; i++) {
        const struct aggregate_auth *x = &m->auth[i];
        good = is_text(x->domain) && is_text(x->selector) && is_text(x->result);
        add_text(to, x->is_spf ? S("s") : S("d"));
        add_text(to, x->domain);
        add_text(to, x->selector);
        add_text(to, x->result);
    }
    return good;
}

static struct slice next_text(struct slice *rest) {
    struct slice piece = {0};
    (void)slice_next(rest, '\0', &piece);
    return piece;
}

static void read_row(struct slice text, struct arena *a, struct aggregate_row *ret) {
    struct aggregate_auth auth[AGGREGATE_AUTH_MAX];
    *ret = (struct aggregate_row){.source = next_text(&text)};
    struct slice digits = next_text(&text);
    if (digits.len == 3) {
        ret->disposition = (enum aggregate_disposition)(digits.ptr[0] - '0');
        ret->dkim = digits.ptr[1] == '1';
        ret->spf = digits.ptr[2] == '1';
    }
    ret->reason = next_text(&text);
    ret->header_from = next_text(&text);
    ret->envelope_from = next_text(&text);
    while (text.len > 0 && ret->auth_count < AGGREGATE_AUTH_MAX) {
        struct aggregate_auth *x = &auth[ret->auth_count++];
        x->is_spf = slice_eq(next_text(&text), S("s"));
        x->domain = next_text(&text);
        x->selector = next_text(&text);
        x->result = next_text(&text);
    }
    ret->auth = arena_array(a, ret->auth_count, sizeof *ret->auth);
    if (ret->auth_count > 0)
        memcpy(ret->auth, auth, ret->auth_count * sizeof *auth);
}

/* ------------------------------------------------------------------ counting */

/* 1: there is room for the domain on this day; 0: there is none. */
static int add_policy(struct kept *k, int64_t day, const struct seen_message *m) {
    _cleanup_(buf_done) struct buf words = {0};
    int64_t others = 0;
    const struct slice list[] = {m->p, m->sp, m->np, m->adkim, m->aspf, m->fo, m->testing};
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        add_text(&words, is_text(list[i]) ? list[i] : S(""));
    int r = db_number(k->db, &others,
                      "SELECT 1 FROM policy WHERE day = ?1 AND domain = ?2 AND words = ?3"
                      " AND rua = ?4",
                      V(day), V_BYTES(m->domain), V_BYTES(buf_slice(&words)), V_BYTES(m->rua));
    if (r != 0) /* as with nearly every message: nothing is written, and nothing counted */
        return r;
    r = db_number(k->db, &others, "SELECT count(*) FROM policy WHERE day = ?1 AND domain <> ?2",
                  V(day), V_BYTES(m->domain));
    if (r < 0 || others >= SEEN_DOMAINS_MAX)
        return MIN(r, 0);
    r = db_run(k->db,
               "INSERT INTO policy VALUES (?1, ?2, ?3, ?4)"
               " ON CONFLICT DO UPDATE SET words = ?3, rua = ?4",
               V(day), V_BYTES(m->domain), V_BYTES(buf_slice(&words)), V_BYTES(m->rua));
    return r < 0 ? r : 1;
}

static int add_one(struct kept *k, int64_t day, const struct seen_message *m) {
    _cleanup_(buf_done) struct buf row = {0};
    int64_t rows = 0;
    if (!write_row(m, &row) || !is_text(m->domain) || m->rua.len > AGGREGATE_TEXT_MAX)
        return 0;
    int r = add_policy(k, day, m);
    if (r <= 0)
        return r;
    r = db_run(k->db,
               "UPDATE seen SET count = count + 1 WHERE day = ?1 AND domain = ?2 AND row = ?3",
               V(day), V_BYTES(m->domain), V_BYTES(buf_slice(&row)));
    if (r < 0 || db_changes(k->db) > 0)
        return r;
    r = db_number(k->db, &rows, "SELECT count(*) FROM seen WHERE day = ?1 AND domain = ?2", V(day),
                  V_BYTES(m->domain));
    if (r < 0 || rows >= SEEN_ROWS_MAX)
        return MIN(r, 0);
    return db_run(k->db, "INSERT INTO seen VALUES (?1, ?2, ?3, 1)", V(day), V_BYTES(m->domain),
                  V_BYTES(buf_slice(&row)));
}

int seen_add(struct kept *k, int64_t day, const struct seen_message *messages, size_t count) {
    int r = db_begin(k->db);
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_one(k, day, &messages[i]);
    return db_end(k->db, r);
}

/* ------------------------------------------------------------------ the day's reports */

static int load_rows(struct kept *k, int64_t day, struct arena *a,
                     struct aggregate_report *report) {
    struct aggregate_row **last = &report->rows;
    sqlite3_stmt *row = NULL;
    int r = db_query(k->db, &row, "SELECT row, count FROM seen WHERE day = ?1 AND domain = ?2",
                     V(day), V_BYTES(report->domain));
    for (; r == 0 && (r = db_step(k->db, row)) == 1; r = 0) {
        *last = ARENA_NEW(a, struct aggregate_row);
        read_row(db_copy(row, 0, a), a, *last);
        (*last)->count = db_u64(row, 1);
        last = &(*last)->next;
        report->row_count++;
    }
    return r;
}

static int take(struct kept *k, int64_t today, struct arena *a, struct aggregate_report *ret,
                struct slice *ret_rua) {
    sqlite3_stmt *row = NULL;
    int64_t day = 0;
    int r = db_run(k->db, "DELETE FROM seen WHERE day < ?1", V(today - SEEN_DAYS));
    if (r == 0)
        r = db_run(k->db, "DELETE FROM policy WHERE day < ?1", V(today - SEEN_DAYS));
    if (r == 0)
        r = db_row(k->db, &row,
                   "SELECT day, domain, words, rua FROM policy WHERE day < ?1"
                   " ORDER BY day, domain LIMIT 1",
                   V(today));
    if (r <= 0)
        return r;
    day = db_i64(row, 0);
    *ret = (struct aggregate_report){.begin = day * DAY_SECONDS,
                                     .end = (day + 1) * DAY_SECONDS - 1,
                                     .domain = db_copy(row, 1, a)};
    struct slice words = db_copy(row, 2, a);
    struct slice *const policy[] = {&ret->p,    &ret->sp, &ret->np,     &ret->adkim,
                                    &ret->aspf, &ret->fo, &ret->testing};
    for (size_t i = 0; i < ARRAY_SIZE(policy); i++)
        *policy[i] = next_text(&words);
    *ret_rua = db_copy(row, 3, a);
    db_reset(&row);
    r = load_rows(k, day, a, ret);
    if (r == 0)
        r = db_run(k->db, "DELETE FROM seen WHERE day = ?1 AND domain = ?2", V(day),
                   V_BYTES(ret->domain));
    if (r == 0)
        r = db_run(k->db, "DELETE FROM policy WHERE day = ?1 AND domain = ?2", V(day),
                   V_BYTES(ret->domain));
    return r < 0 ? r : 1;
}

int seen_take(struct kept *k, int64_t today, struct arena *a, struct aggregate_report *ret,
              struct slice *ret_rua) {
    /* A power cut may undo what else is written here, but not this: the report may have left. */
    int r = db_exec(k->db, "PRAGMA synchronous=FULL");
    int found = 0;
    if (r == 0)
        r = db_begin(k->db);
    if (r == 0) {
        found = take(k, today, a, ret, ret_rua);
        r = db_end(k->db, MIN(found, 0));
    }
    (void)db_exec(k->db, "PRAGMA synchronous=NORMAL");
    return r < 0 ? r : found;
}

/* ------------------------------------------------------------------ where they went */

/* 1: nothing may go there now. */
static int send_one(struct kept *k, struct slice destination, uint64_t message, usec_t now) {
    int64_t until = 0, others = 0;
    int r = db_run(k->db, "DELETE FROM sent WHERE time < ?1 OR time > ?2", V(now - SENT_FOR),
                   V(now + CLOCK_STEP));
    if (r == 0)
        r = db_run(k->db, "DELETE FROM resting WHERE until < ?1 OR until > ?2", V(now),
                   V(now + SEEN_REST + CLOCK_STEP));
    if (r == 0)
        r = db_number(k->db, &until, "SELECT until FROM resting WHERE destination = ?1",
                      V_BYTES(destination));
    if (r != 0)
        return r;
    r = db_number(k->db, &others, "SELECT count(*) FROM sent WHERE destination = ?1 AND time > ?2",
                  V_BYTES(destination), V(now - USEC_DAY));
    if (r < 0 || others >= SEEN_SENDS_MAX)
        return r < 0 ? r : 1;
    return db_run(k->db, "INSERT INTO sent VALUES (?1, ?2, ?3)", V(message), V_BYTES(destination),
                  V(now));
}

int seen_send(struct kept *k, struct slice destination, uint64_t message, usec_t now) {
    int r = db_begin(k->db);
    if (r < 0)
        return r;
    int rests = send_one(k, destination, message, now);
    r = db_end(k->db, MIN(rests, 0));
    return r < 0 ? r : rests == 0;
}

int seen_failed(struct kept *k, uint64_t message, usec_t now) {
    return db_run(k->db,
                  "INSERT INTO resting SELECT destination, ?2 FROM sent WHERE message = ?1"
                  " ON CONFLICT DO UPDATE SET until = ?2",
                  V(message), V(now + SEEN_REST));
}
