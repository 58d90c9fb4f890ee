/* SPDX-License-Identifier: ISC */
#include "base/json_read.h"
#include "base/words.h"
#include "reports/open.h"
#include "reports/parts.h"
#include "reports/tlsrpt.h"
#include "reports/values.h"

#define REPORTS_MAX 50U /* in one message */

/* ------------------------------------------------------------------ values */

static struct slice text_of(const struct json_value *object, const char *name) {
    const struct json_value *v = json_member(object, name);
    return v && v->type == JSON_STRING ? v->text : S("");
}

/* A count; one that is none is 0. */
static uint64_t count_of(const struct json_value *object, const char *name) {
    const struct json_value *v = json_member(object, name);
    int64_t number = 0;
    return v && json_to_int(v, &number) == 0 && number > 0 ? (uint64_t)number : 0;
}

/* A text, or several in an array. */
static struct slice *texts_of(const struct json_value *object, const char *name, struct arena *a,
                              size_t *ret_count) {
    const struct json_value *v = json_member(object, name);
    *ret_count = 0;
    if (!v || (v->type != JSON_STRING && v->type != JSON_ARRAY))
        return NULL;
    struct slice *texts = arena_array(a, v->type == JSON_ARRAY ? v->count : 1, sizeof *texts);
    if (v->type == JSON_STRING)
        texts[(*ret_count)++] = v->text;
    for (const struct json_value *one = v->first; one; one = one->next)
        if (one->type == JSON_STRING)
            texts[(*ret_count)++] = one->text;
    return texts;
}

/* The first `digits` of a text as a number; false: they are none. */
static bool take_number(struct slice *text, size_t digits, int64_t *ret) {
    uint64_t number;
    if (text->len < digits || slice_to_u64(slice_first(*text, digits), UINT32_MAX, &number) < 0)
        return false;
    *text = slice_from(*text, digits);
    *ret = (int64_t)number;
    return true;
}

static bool take_byte(struct slice *text, const char *any) {
    if (text->len == 0 || !strchr(any, text->ptr[0]))
        return false;
    *text = slice_from(*text, 1);
    return true;
}

/* "2016-04-01T00:00:00Z" or with "+09:00" (RFC 3339 §5.6); fractions are cut off. 0: it is none. */
static usec_t time_of(const struct json_value *object, const char *name) {
    struct slice text = text_of(object, name);
    int64_t year, month, day, hour, minute, second, off_hour = 0, off_minute = 0, sign = 1;
    bool ok =
        take_number(&text, 4, &year) && take_byte(&text, "-") && take_number(&text, 2, &month) &&
        take_byte(&text, "-") && take_number(&text, 2, &day) && take_byte(&text, "Tt ") &&
        take_number(&text, 2, &hour) && take_byte(&text, ":") && take_number(&text, 2, &minute) &&
        take_byte(&text, ":") && take_number(&text, 2, &second);
    if (!ok || !time_is_day(year, month, day) || hour > 23 || minute > 59 || second > 60)
        return 0;
    if (take_byte(&text, "."))
        while (text.len > 0 && ascii_is_digit(text.ptr[0]))
            text = slice_from(text, 1);
    if (text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-')) {
        sign = text.ptr[0] == '-' ? -1 : 1;
        text = slice_from(text, 1);
        if (!take_number(&text, 2, &off_hour) || !take_byte(&text, ":") ||
            !take_number(&text, 2, &off_minute))
            return 0;
    }
    int64_t seconds = time_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
                      sign * (off_hour * 3600 + off_minute * 60);
    return seconds > 0 ? seconds * USEC_SEC : 0;
}

/* ------------------------------------------------------------------ the report */

static struct tlsrpt_failure *read_failures(const struct json_value *list, struct arena *a) {
    struct tlsrpt_failure *first = NULL, **end = &first;
    for (const struct json_value *v = list ? list->first : NULL; v; v = v->next) {
        if (v->type != JSON_OBJECT)
            continue;
        struct tlsrpt_failure *f = *end = ARENA_NEW(a, struct tlsrpt_failure);
        end = &f->next;
        f->type = text_of(v, "result-type");
        f->sending_ip = report_source(a, text_of(v, "sending-mta-ip"));
        f->receiving_ip = report_source(a, text_of(v, "receiving-ip"));
        f->mx = report_domain(a, text_of(v, "receiving-mx-hostname"));
        f->helo = text_of(v, "receiving-mx-helo");
        f->reason = text_of(v, "failure-reason-code");
        f->sessions = count_of(v, "failed-session-count");
    }
    return first;
}

static struct tlsrpt_policy *read_policies(const struct json_value *list, struct arena *a) {
    struct tlsrpt_policy *first = NULL, **end = &first;
    for (const struct json_value *v = list->first; v; v = v->next) {
        const struct json_value *policy = json_member(v, "policy");
        const struct json_value *summary = json_member(v, "summary");
        if (v->type != JSON_OBJECT || !policy || policy->type != JSON_OBJECT)
            continue;
        struct tlsrpt_policy *p = *end = ARENA_NEW(a, struct tlsrpt_policy);
        end = &p->next;
        p->type = text_of(policy, "policy-type");
        p->domain = report_domain(a, text_of(policy, "policy-domain"));
        p->strings = texts_of(policy, "policy-string", a, &p->string_count);
        p->mx = texts_of(policy, "mx-host", a, &p->mx_count);
        if (summary) {
            p->succeeded = count_of(summary, "total-successful-session-count");
            p->failed = count_of(summary, "total-failure-session-count");
        }
        p->failures = read_failures(json_member(v, "failure-details"), a);
    }
    return first;
}

static int add_piece(void *arg, struct slice piece) {
    buf_add(arg, piece);
    return 0;
}

int tlsrpt_read(struct slice file, struct arena *a, struct tlsrpt_report *ret,
                struct problem *problem) {
    static const struct json_limits limits = {.depth = 16, .values = TLSRPT_VALUES_MAX};
    _cleanup_(buf_done) struct buf text = {0};
    struct json_value root;
    size_t at = 0;
    *ret = (struct tlsrpt_report){0};
    int r = report_open(file, TLSRPT_BYTES_MAX, add_piece, &text, problem);
    if (r < 0)
        return r;
    struct slice json = arena_copy(a, report_begin(buf_slice(&text)));
    r = json_read(json, &limits, a, &root, &at);
    if (r == -E_LIMIT)
        return problem_set(problem, r, N_("it has more than %u values"), TLSRPT_VALUES_MAX);
    if (r < 0)
        return problem_set(problem, r, N_("it is no JSON: byte %zu is wrong"), at);
    const struct json_value *policies = json_member(&root, "policies");
    if (!policies || policies->type != JSON_ARRAY)
        return problem_set(problem, -E_SYNTAX, N_("it is no report of TLS: it has no policies"));
    const struct json_value *range = json_member(&root, "date-range");
    ret->organization = text_of(&root, "organization-name");
    ret->contact = text_of(&root, "contact-info");
    ret->id = text_of(&root, "report-id");
    ret->begin = range ? time_of(range, "start-datetime") : 0;
    ret->end = range ? time_of(range, "end-datetime") : 0;
    ret->policies = read_policies(policies, a);
    return 0;
}

/* ------------------------------------------------------------------ several */

struct reading {
    const struct tlsrpt_sink *sink;
    void *arg;
    unsigned count;
};

static void read_one(struct reading *r, struct slice file) {
    _cleanup_(arena_done) struct arena a = {0};
    struct tlsrpt_report report;
    struct problem problem = {0};
    if (++r->count > REPORTS_MAX)
        return;
    if (tlsrpt_read(file, &a, &report, &problem) < 0)
        r->sink->bad(r->arg, &problem);
    else
        r->sink->report(r->arg, &report);
}

static void on_part(void *arg, enum report_part part, struct slice bytes) {
    if (part == REPORT_PART_FILE)
        read_one(arg, bytes);
}

void tlsrpt_read_all(struct slice bytes, const struct tlsrpt_sink *sink, void *arg) {
    struct reading r = {.sink = sink, .arg = arg};
    struct problem problem = {0};
    if (report_wrapping_of(bytes) != REPORT_PLAIN || slice_starts(report_begin(bytes), S("{")))
        read_one(&r, bytes);
    else
        report_parts(bytes, TLSRPT_BYTES_MAX, on_part, &r);
    if (r.count > 0 && r.count <= REPORTS_MAX)
        return;
    (void)problem_set(&problem, -E_SYNTAX,
                      r.count == 0 ? N_("there is no report in it")
                                   : N_("there are more than 50 reports in it"));
    sink->bad(arg, &problem);
}
