/* SPDX-License-Identifier: ISC */
/*
 * Texts are blobs: they are what somebody has sent, and are compared byte by byte.
 */
#include "reports/kept.h"

#include <errno.h>

#include "base/alloc.h"
#include "reports/kept_db.h"

static const char *const steps[] = {
    "CREATE TABLE report (id INTEGER PRIMARY KEY, received INTEGER NOT NULL,"
    " message INTEGER NOT NULL, verified BLOB NOT NULL, organization BLOB NOT NULL,"
    " name BLOB NOT NULL,"
    " domain BLOB NOT NULL, policy BLOB NOT NULL, begin INTEGER NOT NULL, end INTEGER NOT NULL,"
    " messages INTEGER NOT NULL, sources INTEGER NOT NULL,"
    " UNIQUE (domain, organization, name, begin));"
    "CREATE TABLE source (report INTEGER NOT NULL, source BLOB NOT NULL,"
    " messages INTEGER NOT NULL, passed INTEGER NOT NULL, dkim INTEGER NOT NULL,"
    " spf INTEGER NOT NULL, quarantined INTEGER NOT NULL, rejected INTEGER NOT NULL,"
    " PRIMARY KEY (report, source)) WITHOUT ROWID;"
    "CREATE TABLE failure (id INTEGER PRIMARY KEY, received INTEGER NOT NULL,"
    " message INTEGER NOT NULL, domain BLOB NOT NULL, source BLOB NOT NULL, failure BLOB NOT NULL,"
    " alignment BLOB NOT NULL, result BLOB NOT NULL, reporter BLOB NOT NULL,"
    " envelope_from BLOB NOT NULL, dkim_domain BLOB NOT NULL, dkim_selector BLOB NOT NULL,"
    " author BLOB NOT NULL, subject BLOB NOT NULL, message_id BLOB NOT NULL,"
    " arrival INTEGER NOT NULL, incidents INTEGER NOT NULL);"
    "CREATE TABLE bad (id INTEGER PRIMARY KEY, received INTEGER NOT NULL,"
    " message INTEGER NOT NULL, reason BLOB NOT NULL);"
    /* seen.h */
    "CREATE TABLE policy (day INTEGER NOT NULL, domain BLOB NOT NULL, words BLOB NOT NULL,"
    " rua BLOB NOT NULL, PRIMARY KEY (day, domain)) WITHOUT ROWID;"
    "CREATE TABLE seen (day INTEGER NOT NULL, domain BLOB NOT NULL, row BLOB NOT NULL,"
    " count INTEGER NOT NULL, PRIMARY KEY (day, domain, row)) WITHOUT ROWID;"
    "CREATE TABLE sent (message INTEGER PRIMARY KEY, destination BLOB NOT NULL,"
    " time INTEGER NOT NULL);"
    "CREATE TABLE resting (destination BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;",
};

static const struct db_kind kind = {
    .what = "reports kept by Hayauma",
    .remedy = "",
    .application_id = 0x48595250, /* "HYRP" */
    .steps = steps,
    .step_count = ARRAY_SIZE(steps),
    .pragmas = "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=4194304;"
               "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-2048",
    .busy_ms = 2000,
};

int kept_open(const char *path, struct kept **ret, struct problem *problem) {
    struct kept *k = NEW(struct kept);
    int r = db_open(path, DB_CREATE, &kind, &k->db, problem);
    if (r < 0)
        free(k);
    else
        *ret = k;
    return r;
}

void kept_close(struct kept *k) {
    if (!k)
        return;
    db_close(k->db);
    free(k);
}

/* ------------------------------------------------------------------ adding */

void kept_spare_old(struct kept *k, bool spare) {
    k->spares_old = spare;
}

/* What came before it goes. */
static usec_t oldest(const struct kept *k, usec_t now) {
    return k->spares_old ? 0 : now - KEPT_FOR;
}

/* Of whom most is kept: who sends a lot pushes out his own. */
static const char oldest_sql[] =
    "SELECT id FROM report WHERE verified = (SELECT verified FROM report GROUP BY verified"
    " ORDER BY total(sources + 1) DESC LIMIT 1) ORDER BY id LIMIT 1";

static int remove_report(struct kept *k, int64_t id) {
    int r = db_run(k->db, "DELETE FROM source WHERE report = ?1", V(id));
    return r < 0 ? r : db_run(k->db, "DELETE FROM report WHERE id = ?1", V(id));
}

/* Reports that are too old, or the oldest when there are too many rows. */
static int make_room(struct kept *k, usec_t now) {
    int64_t id = 0, sources = 0;
    int r;
    while ((r = db_number(k->db, &id, "SELECT id FROM report WHERE received < ?1 LIMIT 1",
                          V(oldest(k, now)))) == 1 &&
           (r = remove_report(k, id)) == 0)
        ;
    while (r == 0 &&
           (r = db_number(k->db, &sources, "SELECT total(sources + 1) FROM report")) == 1 &&
           sources > KEPT_SOURCES_MAX && (r = db_number(k->db, &id, oldest_sql)) == 1)
        r = remove_report(k, id);
    return MIN(r, 0);
}

static int add_sources(struct kept *k, const struct tally_row *rows, size_t count) {
    int r = 0;
    int64_t report = sqlite3_last_insert_rowid(k->db->handle);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = db_run(k->db,
                   "INSERT INTO source VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                   " ON CONFLICT DO UPDATE SET messages = messages + ?3, passed = passed + ?4,"
                   " dkim = dkim + ?5, spf = spf + ?6, quarantined = quarantined + ?7,"
                   " rejected = rejected + ?8",
                   V(report), V_BYTES(rows[i].source), V(rows[i].messages), V(rows[i].passed),
                   V(rows[i].dkim), V(rows[i].spf), V(rows[i].quarantined), V(rows[i].rejected));
    return r;
}

int kept_add_report(struct kept *k, const struct kept_report *report,
                    const struct tally_row *sources, size_t count) {
    int r = db_begin(k->db);
    if (r < 0)
        return r;
    r = db_run(k->db,
               "INSERT INTO report (received, message, verified, organization, name, domain,"
               " policy, begin, end, messages, sources)"
               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
               V(report->received), V(report->message), V_BYTES(report->verified),
               V_BYTES(report->organization), V_BYTES(report->id), V_BYTES(report->domain),
               V_BYTES(report->policy), V(report->begin), V(report->end), V(report->messages),
               V(count));
    if (r == 0)
        r = add_sources(k, sources, count);
    if (r == 0)
        r = make_room(k, report->received);
    return db_end(k->db, r);
}

int kept_add_failure(struct kept *k, const struct failure_report *f) {
    int r = db_begin(k->db);
    if (r < 0)
        return r;
    r = db_run(k->db,
               "INSERT INTO failure (received, message, domain, source, failure, alignment, result,"
               " reporter, envelope_from, dkim_domain, dkim_selector, author, subject, message_id,"
               " arrival, incidents) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
               " ?13, ?14, ?15, ?16)",
               V(f->received), V(f->message), V_BYTES(f->domain), V_BYTES(f->source),
               V_BYTES(f->failure), V_BYTES(f->alignment), V_BYTES(f->result), V_BYTES(f->reporter),
               V_BYTES(f->envelope_from), V_BYTES(f->dkim_domain), V_BYTES(f->dkim_selector),
               V_BYTES(f->from), V_BYTES(f->subject), V_BYTES(f->message_id), V(f->arrival),
               V(f->incidents));
    if (r == 0)
        r = db_run(k->db,
                   "DELETE FROM failure WHERE received < ?1"
                   " OR id <= (SELECT max(id) FROM failure) - ?2",
                   V(oldest(k, f->received)), V(KEPT_FAILURES_MAX));
    return db_end(k->db, r);
}

int kept_add_bad(struct kept *k, const struct kept_bad *bad) {
    int r = db_begin(k->db);
    if (r < 0)
        return r;
    r = db_run(k->db, "INSERT INTO bad (received, message, reason) VALUES (?1, ?2, ?3)",
               V(bad->received), V(bad->message), V_BYTES(bad->reason));
    if (r == 0)
        r = db_run(k->db,
                   "DELETE FROM bad WHERE received < ?1 OR id <= (SELECT max(id) FROM bad) - ?2",
                   V(oldest(k, bad->received)), V(KEPT_BAD_MAX));
    return db_end(k->db, r);
}

/* ------------------------------------------------------------------ asking */

/* An empty domain is all; a time that is not known fits every question. */
#define SQL_REPORTS                                                                                \
    " (?1 = 0 OR end = 0 OR end >= ?1) AND (?2 = 0 OR end = 0 OR end < ?2)"                        \
    " AND (length(?3) = 0 OR domain = ?3) "
#define SQL_OTHERS " received >= ?1 AND (?2 = 0 OR received < ?2) "
#define SQL_PAGE   " AND id > ?5 ORDER BY id LIMIT ?4"

#define IN_SECONDS(q)                                                                              \
    V((q)->since / USEC_SEC), V((q)->until / USEC_SEC), V_BYTES((q)->domain), V((q)->most),        \
        V((q)->after.id)
#define IN_USECS(q)                                                                                \
    V((q)->since), V((q)->until), V_BYTES((q)->domain), V((q)->most), V((q)->after.id)

/* CROSS: in the order of the sources' key. Any other order would read all of them for each page. */
static const char sources_sql[] =
    "SELECT report.id, domain, source, source.messages, passed, dkim, spf, quarantined, rejected"
    " FROM source CROSS JOIN report ON report.id = source.report"
    " WHERE" SQL_REPORTS "AND (source.report, source.source) > (?5, ?6)"
    " ORDER BY source.report, source.source LIMIT ?4";

static const char reports_sql[] = "SELECT id, received, message, verified, organization, name, "
                                  "domain, policy, begin, end, messages"
                                  " FROM report WHERE" SQL_REPORTS SQL_PAGE;

static const char failures_sql[] =
    "SELECT id, received, message, domain, source, failure, alignment, result, reporter,"
    " envelope_from, dkim_domain, dkim_selector, author, subject, message_id, arrival, incidents"
    " FROM failure WHERE" SQL_OTHERS "AND (length(?3) = 0 OR domain = ?3)" SQL_PAGE;

static const char bads_sql[] =
    "SELECT id, received, message, reason FROM bad WHERE" SQL_OTHERS "AND ?3 IS NOT NULL" SQL_PAGE;

int kept_sources(struct kept *k, struct kept_question *q, struct arena *a, struct tally_row **ret,
                 size_t *ret_count) {
    struct tally_row *list = arena_array(a, q->most, sizeof *list);
    sqlite3_stmt *row = NULL;
    size_t n = 0;
    int r = db_query(k->db, &row, sources_sql, IN_SECONDS(q), V_BYTES(q->after.source));
    for (; r == 0 && (r = db_step(k->db, row)) == 1; r = 0) {
        q->after.id = db_u64(row, 0);
        list[n++] = (struct tally_row){
            .domain = db_copy(row, 1, a),
            .source = db_copy(row, 2, a),
            .messages = db_u64(row, 3),
            .passed = db_u64(row, 4),
            .dkim = db_u64(row, 5),
            .spf = db_u64(row, 6),
            .quarantined = db_u64(row, 7),
            .rejected = db_u64(row, 8),
        };
    }
    if (n > 0)
        q->after.source = list[n - 1].source;
    *ret = list;
    *ret_count = n;
    return r;
}

int kept_reports(struct kept *k, struct kept_question *q, struct arena *a, struct kept_report **ret,
                 size_t *ret_count) {
    struct kept_report *list = arena_array(a, q->most, sizeof *list);
    sqlite3_stmt *row = NULL;
    size_t n = 0;
    int r = db_query(k->db, &row, reports_sql, IN_SECONDS(q));
    for (; r == 0 && (r = db_step(k->db, row)) == 1; r = 0) {
        q->after.id = db_u64(row, 0);
        list[n++] = (struct kept_report){
            .received = db_i64(row, 1),
            .message = db_u64(row, 2),
            .verified = db_copy(row, 3, a),
            .organization = db_copy(row, 4, a),
            .id = db_copy(row, 5, a),
            .domain = db_copy(row, 6, a),
            .policy = db_copy(row, 7, a),
            .begin = db_i64(row, 8),
            .end = db_i64(row, 9),
            .messages = db_u64(row, 10),
        };
    }
    *ret = list;
    *ret_count = n;
    return r;
}

int kept_failures(struct kept *k, struct kept_question *q, struct arena *a,
                  struct failure_report **ret, size_t *ret_count) {
    struct failure_report *list = arena_array(a, q->most, sizeof *list);
    sqlite3_stmt *row = NULL;
    size_t n = 0;
    int r = db_query(k->db, &row, failures_sql, IN_USECS(q));
    for (; r == 0 && (r = db_step(k->db, row)) == 1; r = 0) {
        q->after.id = db_u64(row, 0);
        list[n++] = (struct failure_report){
            .received = db_i64(row, 1),
            .message = db_u64(row, 2),
            .domain = db_copy(row, 3, a),
            .source = db_copy(row, 4, a),
            .failure = db_copy(row, 5, a),
            .alignment = db_copy(row, 6, a),
            .result = db_copy(row, 7, a),
            .reporter = db_copy(row, 8, a),
            .envelope_from = db_copy(row, 9, a),
            .dkim_domain = db_copy(row, 10, a),
            .dkim_selector = db_copy(row, 11, a),
            .from = db_copy(row, 12, a),
            .subject = db_copy(row, 13, a),
            .message_id = db_copy(row, 14, a),
            .arrival = db_i64(row, 15),
            .incidents = db_u64(row, 16),
        };
    }
    *ret = list;
    *ret_count = n;
    return r;
}

int kept_bads(struct kept *k, struct kept_question *q, struct arena *a, struct kept_bad **ret,
              size_t *ret_count) {
    struct kept_bad *list = arena_array(a, q->most, sizeof *list);
    sqlite3_stmt *row = NULL;
    size_t n = 0;
    int r = db_query(k->db, &row, bads_sql, IN_USECS(q));
    for (; r == 0 && (r = db_step(k->db, row)) == 1; r = 0) {
        q->after.id = db_u64(row, 0);
        list[n++] = (struct kept_bad){
            .received = db_i64(row, 1), .message = db_u64(row, 2), .reason = db_copy(row, 3, a)};
    }
    *ret = list;
    *ret_count = n;
    return r;
}
