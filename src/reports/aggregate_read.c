/* SPDX-License-Identifier: ISC */
/*
 * Expat calls for each element; the table below says where its text belongs. A stack remembers what
 * stands around it, so an element counts only where it has its meaning, and all that is unknown is
 * passed over with everything in it.
 *
 * Expat looks at an unfinished tag again from its beginning whenever more of it comes. So that time
 * stays linear, none may be longer than TOKEN_MAX.
 */
#include <expat.h>
#include <stddef.h>

#include "base/words.h"
#include "reports/aggregate.h"
#include "reports/open.h"
#include "reports/values.h"

#define DEPTH_MAX 32U
#define TOKEN_MAX 65536
#define FEED_SIZE 16384U
#define COUNT_MAX 1000000000000U /* messages of a row */
#define TIME_MAX  253402300799U  /* the end of the year 9999 */

enum element {
    OTHER, /* also outside of the report */
    FEEDBACK,
    METADATA,
    DATES,
    POLICY,
    RECORD,
    ROW,
    EVALUATED,
    REASON,
    IDENTIFIERS,
    AUTH,
    DKIM,
    SPF,
    TEXT, /* has a place in `struct reading` */
};

struct reading {
    XML_Parser parser;
    struct arena *arena;
    const struct aggregate_limits *limits;
    struct problem *problem;
    int error;
    bool begun, done; /* the report has begun, and ended */
    uint64_t fed;

    uint8_t stack[DEPTH_MAX]; /* enum element */
    unsigned depth;
    struct slice *place; /* of the text that is being read; NULL: none */
    struct buf text;

    struct aggregate_report report;
    struct aggregate_row row;
    struct aggregate_auth auth[AGGREGATE_AUTH_MAX], result;
    struct aggregate_row **last;
    struct slice begin, end, count, disposition, dkim, spf;
};

#define PLACE(member) offsetof(struct reading, member)

static const struct {
    enum element parent;
    const char *name;
    enum element element;
    size_t place; /* of TEXT */
} elements[] = {
    {FEEDBACK, "report_metadata", METADATA, 0},
    {FEEDBACK, "policy_published", POLICY, 0},
    {FEEDBACK, "record", RECORD, 0},
    {METADATA, "org_name", TEXT, PLACE(report.organization)},
    {METADATA, "email", TEXT, PLACE(report.email)},
    {METADATA, "extra_contact_info", TEXT, PLACE(report.contact)},
    {METADATA, "report_id", TEXT, PLACE(report.id)},
    {METADATA, "generator", TEXT, PLACE(report.generator)},
    {METADATA, "date_range", DATES, 0},
    {DATES, "begin", TEXT, PLACE(begin)},
    {DATES, "end", TEXT, PLACE(end)},
    {POLICY, "domain", TEXT, PLACE(report.domain)},
    {POLICY, "discovery_method", TEXT, PLACE(report.discovery)},
    {POLICY, "p", TEXT, PLACE(report.p)},
    {POLICY, "sp", TEXT, PLACE(report.sp)},
    {POLICY, "np", TEXT, PLACE(report.np)},
    {POLICY, "adkim", TEXT, PLACE(report.adkim)},
    {POLICY, "aspf", TEXT, PLACE(report.aspf)},
    {POLICY, "fo", TEXT, PLACE(report.fo)},
    {POLICY, "testing", TEXT, PLACE(report.testing)},
    {RECORD, "row", ROW, 0},
    {RECORD, "identifiers", IDENTIFIERS, 0},
    {RECORD, "identities", IDENTIFIERS, 0}, /* of drafts */
    {RECORD, "auth_results", AUTH, 0},
    {ROW, "source_ip", TEXT, PLACE(row.source)},
    {ROW, "count", TEXT, PLACE(count)},
    {ROW, "policy_evaluated", EVALUATED, 0},
    {EVALUATED, "disposition", TEXT, PLACE(disposition)},
    {EVALUATED, "dkim", TEXT, PLACE(dkim)},
    {EVALUATED, "spf", TEXT, PLACE(spf)},
    {EVALUATED, "reason", REASON, 0},
    {REASON, "type", TEXT, PLACE(row.reason)},
    {IDENTIFIERS, "header_from", TEXT, PLACE(row.header_from)},
    {IDENTIFIERS, "envelope_from", TEXT, PLACE(row.envelope_from)},
    {IDENTIFIERS, "envelope_to", TEXT, PLACE(row.envelope_to)},
    {AUTH, "dkim", DKIM, 0},
    {AUTH, "spf", SPF, 0},
    {DKIM, "domain", TEXT, PLACE(result.domain)},
    {DKIM, "selector", TEXT, PLACE(result.selector)},
    {DKIM, "result", TEXT, PLACE(result.result)},
    {SPF, "domain", TEXT, PLACE(result.domain)},
    {SPF, "result", TEXT, PLACE(result.result)},
};

static void stop(struct reading *r, int error) {
    r->error = error;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

/* ------------------------------------------------------------------ values */

static const char *const dispositions[] = {[AGGREGATE_NONE] = "none",
                                           [AGGREGATE_PASS] = "pass",
                                           [AGGREGATE_QUARANTINE] = "quarantine",
                                           [AGGREGATE_REJECT] = "reject"};

const char *aggregate_disposition_name(enum aggregate_disposition d) {
    return dispositions[d];
}

static enum aggregate_disposition disposition_of(struct slice text) {
    for (size_t i = 0; i < ARRAY_SIZE(dispositions); i++)
        if (slice_eq_nocase(text, slice_of_str(dispositions[i])))
            return (enum aggregate_disposition)i;
    return AGGREGATE_NONE;
}

/* "1780272000.0" is the number before the dot. */
static uint64_t number_of(struct slice text, uint64_t most, uint64_t otherwise) {
    ssize_t dot = slice_find_byte(text, '.');
    uint64_t number;
    text = slice_first(text, dot < 0 ? text.len : (size_t)dot);
    return slice_to_u64(text, most, &number) == 0 ? number : otherwise;
}

/* ------------------------------------------------------------------ elements */

static void end_row(struct reading *r) {
    struct aggregate_row *row = ARENA_NEW(r->arena, struct aggregate_row);
    *row = r->row;
    row->source = report_source(r->arena, row->source);
    row->count = number_of(r->count, COUNT_MAX, 1);
    row->disposition = disposition_of(r->disposition);
    row->dkim = slice_eq_nocase(r->dkim, S("pass"));
    row->spf = slice_eq_nocase(r->spf, S("pass"));
    row->header_from = report_domain(r->arena, row->header_from);
    row->envelope_from = report_domain(r->arena, row->envelope_from);
    row->envelope_to = report_domain(r->arena, row->envelope_to);
    row->auth = arena_array(r->arena, row->auth_count, sizeof *row->auth);
    if (row->auth_count > 0)
        memcpy(row->auth, r->auth, row->auth_count * sizeof *row->auth);
    *r->last = row;
    r->last = &row->next;
    r->report.row_count++;
}

static void end_auth(struct reading *r, bool is_spf) {
    r->result.is_spf = is_spf;
    r->result.domain = report_domain(r->arena, r->result.domain);
    r->result.result = arena_lower(r->arena, r->result.result);
    if (r->row.auth_count < AGGREGATE_AUTH_MAX)
        r->auth[r->row.auth_count++] = r->result;
}

static enum element element_of(struct reading *r, enum element parent, struct slice name) {
    if (!r->begun && slice_eq_nocase(name, S("feedback"))) {
        r->begun = true;
        return FEEDBACK;
    }
    for (size_t i = 0; i < ARRAY_SIZE(elements); i++) {
        if (elements[i].parent != parent || !slice_eq(name, slice_of_str(elements[i].name)))
            continue;
        if (elements[i].element == TEXT) {
            struct slice *place = (struct slice *)(void *)((char *)r + elements[i].place);
            r->place = place->len == 0 ? place : NULL; /* the first one counts */
            r->text.len = 0;
        }
        return elements[i].element;
    }
    return OTHER;
}

static void on_start(void *arg, const char *name, const char **attributes UNUSED) {
    struct reading *r = arg;
    enum element parent = r->depth > 0 ? (enum element)r->stack[r->depth - 1] : OTHER;
    if (r->depth == DEPTH_MAX) {
        stop(r, problem_set(r->problem, -E_LIMIT, N_("elements of the report stand too deep")));
        return;
    }
    struct slice full = slice_of_str(name); /* which may have the prefix of a namespace */
    ssize_t colon = slice_rfind_byte(full, ':');
    r->place = NULL; /* an element within a text ends it */
    enum element e = element_of(r, parent, slice_from(full, (size_t)(colon + 1)));
    r->stack[r->depth++] = (uint8_t)e;
    if (e == DKIM || e == SPF)
        r->result = (struct aggregate_auth){0};
    if (e != RECORD)
        return;
    r->row = (struct aggregate_row){.auth_count = 0};
    r->count = r->disposition = r->dkim = r->spf = (struct slice){0};
    if (r->report.row_count >= r->limits->rows)
        stop(r, problem_set(r->problem, -E_LIMIT, N_("the report has more than %zu rows"),
                            r->limits->rows));
}

static void on_text(void *arg, const char *text, int len) {
    struct reading *r = arg;
    if (r->place)
        buf_add(&r->text,
                slice_first(slice_of(text, (size_t)len), AGGREGATE_TEXT_MAX - r->text.len));
}

static void on_end(void *arg, const char *name UNUSED) {
    struct reading *r = arg;
    enum element e = (enum element)r->stack[--r->depth];
    if (r->place)
        *r->place = arena_copy(r->arena, slice_trim_lines(buf_slice(&r->text)));
    r->place = NULL;
    if (e == RECORD)
        end_row(r);
    else if (e == DKIM || e == SPF)
        end_auth(r, e == SPF);
    else if (e == FEEDBACK) {
        r->done = true;
        stop(r, 0);
    }
}

static void on_doctype(void *arg, const char *name UNUSED, const char *system UNUSED,
                       const char *public UNUSED, int has_subset UNUSED) {
    struct reading *r = arg;
    stop(r, problem_set(r->problem, -E_SYNTAX,
                        N_("the XML has a DTD, which no report needs and nobody should read")));
}

/* Names and numbers are ASCII in every set of one byte; more of it is not needed. */
static int on_encoding(void *arg UNUSED, const char *name UNUSED, XML_Encoding *ret) {
    for (int i = 0; i < 256; i++)
        ret->map[i] = i < 0x80 || i >= 0xa0 ? i : 0xfffd;
    ret->data = NULL;
    ret->convert = NULL;
    ret->release = NULL;
    return XML_STATUS_OK;
}

/* ------------------------------------------------------------------ the whole */

static int feed(struct reading *r, struct slice piece, bool last) {
    if (XML_Parse(r->parser, piece.ptr, (int)piece.len, last) == XML_STATUS_OK) {
        r->fed += piece.len;
        XML_Index at = XML_GetCurrentByteIndex(r->parser);
        if (at >= 0 && r->fed > (uint64_t)at + TOKEN_MAX)
            return problem_set(r->problem, -E_LIMIT, N_("a tag of the XML is too long"));
        return 0;
    }
    if (r->error < 0 || r->done)
        return r->error;
    return problem_set(r->problem, -E_SYNTAX, N_("the XML is damaged in line %zu: %s"),
                       (size_t)XML_GetCurrentLineNumber(r->parser),
                       XML_ErrorString(XML_GetErrorCode(r->parser)));
}

static int take(void *arg, struct slice piece) {
    struct reading *r = arg;
    if (r->fed == 0)
        piece = report_begin(piece);
    while (piece.len > 0 && !r->done) {
        int e = feed(r, slice_first(piece, FEED_SIZE), false);
        if (e < 0)
            return e;
        piece = slice_from(piece, FEED_SIZE);
    }
    return 0;
}

static int finish(struct reading *r) {
    int e = r->done ? 0 : feed(r, S(""), true);
    struct aggregate_report *report = &r->report;
    if (e < 0)
        return e;
    if (!r->done)
        return problem_set(r->problem, -E_SYNTAX, N_("the XML is no report of DMARC"));
    report->begin = (int64_t)number_of(r->begin, TIME_MAX, 0);
    report->end = (int64_t)number_of(r->end, TIME_MAX, 0);
    report->domain = report_domain(r->arena, report->domain);
    if (report->domain.len == 0 && report->rows)
        report->domain = report->rows->header_from;
    if (report->domain.len == 0)
        return problem_set(r->problem, -E_SYNTAX,
                           N_("the report does not say of which domain it"
                              " is"));
    return 0;
}

int aggregate_read(struct slice file, const struct aggregate_limits *limits, struct arena *a,
                   struct aggregate_report *ret, struct problem *problem) {
    struct reading *r = ARENA_NEW(a, struct reading);
    *r = (struct reading){.parser = XML_ParserCreate(NULL),
                          .arena = a,
                          .limits = limits,
                          .problem = problem,
                          .last = &r->report.rows};
    MUST(r->parser);
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    XML_SetUnknownEncodingHandler(r->parser, on_encoding, NULL);
    int e = report_open(file, limits->bytes, take, r, problem);
    if (e == 0)
        e = finish(r);
    if (e == 0)
        *ret = r->report;
    XML_ParserFree(r->parser);
    buf_done(&r->text);
    return e;
}

/* ------------------------------------------------------------------ what a row says */

static bool is_within(struct slice name, struct slice domain) {
    return slice_eq(name, domain) ||
           (slice_ends(name, domain) && name.ptr[name.len - domain.len - 1] == '.');
}

/* Without the tree walk of that day: one is the other, or is above it within the policy's domain.
 */
static bool is_aligned(const struct aggregate_report *report, const struct aggregate_row *row,
                       const struct aggregate_auth *auth) {
    struct slice mode = auth->is_spf ? report->aspf : report->adkim, from = row->header_from;
    if (auth->domain.len == 0 || from.len == 0)
        return false;
    if (slice_eq(auth->domain, from) || slice_eq_nocase(mode, S("s")))
        return slice_eq(auth->domain, from);
    return is_within(auth->domain, report->domain) && is_within(from, report->domain) &&
           (is_within(from, auth->domain) || is_within(auth->domain, from));
}

bool aggregate_passed(const struct aggregate_report *report, const struct aggregate_row *row) {
    if (row->dkim || row->spf)
        return true;
    for (size_t i = 0; i < row->auth_count; i++)
        if (slice_eq(row->auth[i].result, S("pass")) && is_aligned(report, row, &row->auth[i]))
            return true;
    return false;
}
