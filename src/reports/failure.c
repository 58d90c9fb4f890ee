/* SPDX-License-Identifier: ISC */
#include "reports/failure.h"

#include "base/words.h"
#include "message/date.h"
#include "message/header.h"
#include "reports/values.h"

#define FIELDS_MAX    200U
#define INCIDENTS_MAX 1000000000U

static const struct header_limits limits = {.bytes = 65536, .fields = FIELDS_MAX};

static struct slice value_of(struct slice header, struct slice name, struct arena *a) {
    struct header_field f;
    if (!header_find(header, &limits, name, 0, &f))
        return (struct slice){0};
    struct slice value = header_unfold(a, slice_first(f.raw, (size_t)4 * FAILURE_TEXT_MAX));
    return arena_copy(a, slice_first(value, FAILURE_TEXT_MAX));
}

/* "<a@example.jp>" and "a@example.jp" are its domain's. */
static struct slice domain_of(struct slice address, struct arena *a) {
    ssize_t at = slice_rfind_byte(address, '@');
    if (at < 0)
        return (struct slice){0};
    struct slice domain = slice_from(address, (size_t)at + 1);
    ssize_t end = slice_find_byte(domain, '>');
    return arena_lower(a, slice_trim(slice_first(domain, end < 0 ? domain.len : (size_t)end)));
}

int failure_read(struct slice fields, struct arena *a, struct failure_report *ret,
                 struct problem *problem) {
    struct slice type = value_of(fields, S("Feedback-Type"), a);
    if (type.len == 0)
        return problem_set(problem, -E_SYNTAX, N_("the feedback report has no Feedback-Type"));
    if (!slice_eq_nocase(type, S("auth-failure")))
        return problem_set(problem, -E_SYNTAX,
                           N_("the feedback report is not about authentication"));
    struct slice reporter = value_of(fields, S("Reporting-MTA"), a),
                 arrival = value_of(fields, S("Arrival-Date"), a),
                 incidents = value_of(fields, S("Incidents"), a);
    ssize_t type_end = slice_find_byte(reporter, ';'); /* "dns; mx.example.jp", RFC 3464 §2.1.2 */
    reporter = slice_trim(slice_from(reporter, (size_t)(type_end + 1)));
    *ret = (struct failure_report){
        .failure = arena_lower(a, value_of(fields, S("Auth-Failure"), a)),
        .alignment = value_of(fields, S("Identity-Alignment"), a),
        .domain = report_domain(a, value_of(fields, S("Reported-Domain"), a)),
        .source = report_source(a, value_of(fields, S("Source-IP"), a)),
        .result = value_of(fields, S("Delivery-Result"), a),
        .reporter = reporter.len > 0 ? reporter : value_of(fields, S("User-Agent"), a),
        .envelope_from = value_of(fields, S("Original-Mail-From"), a),
        .dkim_domain = report_domain(a, value_of(fields, S("DKIM-Domain"), a)),
        .dkim_selector = value_of(fields, S("DKIM-Selector"), a),
        .incidents = 1,
    };
    if (arrival.len == 0)
        arrival = value_of(fields, S("Received-Date"), a); /* RFC 5965, drafts */
    if (date_read(arrival, &ret->arrival) < 0)
        ret->arrival = 0;
    if (slice_to_u64(incidents, INCIDENTS_MAX, &ret->incidents) < 0)
        ret->incidents = 1;
    return 0;
}

void failure_add_original(struct failure_report *report, struct slice header, struct arena *a) {
    report->from = value_of(header, S("From"), a);
    report->subject = value_of(header, S("Subject"), a);
    report->message_id = value_of(header, S("Message-ID"), a);
    if (report->domain.len == 0)
        report->domain = domain_of(report->from, a);
}
