/* SPDX-License-Identifier: ISC */
/*
 * Reports are unpacked and read in another thread, one message at a time, so that what a few bytes
 * become does not add up.
 */
#include <errno.h>

#include "base/read.h"
#include "fiber/wait.h"
#include "reports/destinations.h"
#include "reports/kept.h"
#include "reports/read.h"
#include "role/dns_link.h"
#include "role/scan/scan.h"

#define MESSAGE_MAX (32U << 20) /* bytes of one that is read */
#define XML_MAX     (16U << 20)
#define ROWS_MAX    20000U
#define LABELS_MAX  255U /* bytes of what names itself in a signature */

/* ------------------------------------------------------------------ what was seen */

/* Of what somebody else has written only what a domain or selector may be. */
static struct slice name_of(struct slice text) {
    return text.len <= LABELS_MAX && (text.len == 0 || !memchr(text.ptr, '\0', text.len)) ? text
                                                                                          : S("");
}

static void add_auth(const struct sender_verdict *v, struct seen_message *m, struct arena *a) {
    m->auth = arena_array(a, AGGREGATE_AUTH_MAX, sizeof *m->auth);
    for (size_t i = 0; i < v->dkim_count && m->auth_count < AGGREGATE_AUTH_MAX - 1; i++)
        m->auth[m->auth_count++] = (struct aggregate_auth){
            .domain = name_of(v->dkim[i].domain),
            .selector = name_of(v->dkim[i].selector),
            .result = slice_of_str(dkim_result_name(v->dkim[i].result)),
        };
    m->auth[m->auth_count++] = (struct aggregate_auth){
        .is_spf = true,
        .domain = v->mail_from_domain,
        .result = slice_of_str(spf_result_name(v->mail_from.result)),
    };
}

/* RFC 9990 §3.1.6: why less was done than the policy says. */
static void set_disposition(const struct dmarc_outcome *o, const struct sender_decision *d,
                            struct seen_message *m) {
    m->disposition = d->action == SENDER_REFUSE ? AGGREGATE_REJECT
                     : d->action == SENDER_JUNK ? AGGREGATE_QUARANTINE
                     : o->result == DMARC_PASS  ? AGGREGATE_PASS
                                                : AGGREGATE_NONE;
    if (o->result == DMARC_PASS)
        return;
    if (o->policy < o->published)
        m->reason = S("policy_test_mode");
    else if ((o->policy == DMARC_POLICY_REJECT && d->action != SENDER_REFUSE) ||
             (o->policy == DMARC_POLICY_QUARANTINE && d->action == SENDER_TAKE))
        m->reason = S("local_policy");
}

void scan_tell_seen(struct process *p, const struct rpc_scan_judge_in *in,
                    const struct sender_verdict *v, const struct sender_decision *d,
                    struct arena *a) {
    const struct dmarc_outcome *o = v->decides;
    if (!o || (o->result != DMARC_PASS && o->result != DMARC_FAIL) || o->record.rua.len == 0 ||
        o->record.rua.len > AGGREGATE_TEXT_MAX || d->action == SENDER_LATER || in->reports ||
        in->reverse_path.len == 0)
        return;
    const struct dmarc_record *record = &o->record;
    struct slice fo = record->fo;
    struct seen_message m = {
        .domain = o->found_at,
        .p = slice_of_str(dmarc_policy_name(record->p)),
        .sp = slice_of_str(dmarc_policy_name(record->sp)),
        .np = slice_of_str(dmarc_policy_name(record->np)),
        .adkim = record->strict_dkim ? S("s") : S("r"),
        .aspf = record->strict_spf ? S("s") : S("r"),
        .fo = fo.len > 16 ? S("0") : name_of(fo),
        .testing = record->testing ? S("y") : S("n"),
        .rua = record->rua,
        .source = in->client,
        .header_from = o->domain,
        .envelope_from = v->mail_from_domain,
        .dkim = o->dkim_aligned,
        .spf = o->spf_aligned,
    };
    add_auth(v, &m, a);
    set_disposition(o, d, &m);
    (void)send_events_seen(process_link(p, ROLE_EVENTS, 0), &(struct rpc_events_seen_in){m});
}

/* ------------------------------------------------------------------ what others report */

/* What was found in a message, in the order of its parts. */
struct found {
    struct found *next;
    enum report_list kind;
    struct rpc_events_reported_in report;
    struct failure_report failure;
    struct kept_bad bad;
};

struct reading {
    const struct rpc_scan_judge_in *in;
    struct arena arena;
    usec_t now;
    struct slice verified;
    struct found *first, **last;
};

static struct found *add_found(struct reading *r, enum report_list kind) {
    struct found *f = ARENA_NEW(&r->arena, struct found);
    f->kind = kind;
    *r->last = f;
    r->last = &f->next;
    return f;
}

/* The sources of most messages; all others together have none. */
static void take_sources(struct reading *r, const struct aggregate_report *report,
                         struct rpc_events_reported_in *to) {
    struct tally tally = {0};
    size_t count = 0;
    (void)tally_add(&tally, report);
    const struct tally_row *rows = tally_sorted(&tally, &count);
    to->sources =
        arena_array(&r->arena, MIN(count, (size_t)KEPT_SOURCES_OF_ONE_MAX), sizeof *to->sources);
    for (size_t i = 0; i < count; i++) {
        to->report.messages += rows[i].messages;
        if (to->sources_count < KEPT_SOURCES_OF_ONE_MAX) {
            struct tally_row *row = &to->sources[to->sources_count++];
            *row = rows[i];
            row->domain = S("");
            row->source = arena_copy(&r->arena, rows[i].source);
            continue;
        }
        struct tally_row *rest = &to->sources[KEPT_SOURCES_OF_ONE_MAX - 1];
        rest->source = S("");
        rest->messages += rows[i].messages;
        rest->passed += rows[i].passed;
        rest->dkim += rows[i].dkim;
        rest->spf += rows[i].spf;
        rest->quarantined += rows[i].quarantined;
        rest->rejected += rows[i].rejected;
    }
    tally_done(&tally);
}

static void on_aggregate(void *arg, const struct aggregate_report *report) {
    struct reading *r = arg;
    struct rpc_events_reported_in *to = &add_found(r, REPORT_REPORTS)->report;
    to->report = (struct kept_report){
        .received = r->now,
        .message = r->in->id,
        .verified = r->verified,
        .organization = arena_copy(&r->arena, report->organization),
        .id = arena_copy(&r->arena, report->id),
        .domain = arena_copy(&r->arena, report->domain),
        .policy = arena_copy(&r->arena, report->p),
        .begin = report->begin,
        .end = report->end,
    };
    take_sources(r, report, to);
}

static void on_failure(void *arg, const struct failure_report *report) {
    struct reading *r = arg;
    struct failure_report *f = &add_found(r, REPORT_FAILURES)->failure;
    *f = *report;
    f->received = r->now;
    f->message = r->in->id;
    struct slice *const texts[] = {&f->failure,       &f->alignment,   &f->domain,
                                   &f->source,        &f->result,      &f->reporter,
                                   &f->envelope_from, &f->dkim_domain, &f->dkim_selector,
                                   &f->from,          &f->subject,     &f->message_id};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        *texts[i] = arena_copy(&r->arena, *texts[i]);
}

static void on_bad(void *arg, const struct problem *problem) {
    struct reading *r = arg;
    struct found *f = add_found(r, REPORT_BAD);
    f->bad = (struct kept_bad){.received = r->now,
                               .message = r->in->id,
                               .reason = arena_copy(&r->arena, parts_of_problem(problem))};
}

static int read_reports(void *arg) {
    static const struct report_sink sink = {on_aggregate, on_failure, on_bad};
    static const struct aggregate_limits limits = {.bytes = XML_MAX, .rows = ROWS_MAX};
    struct reading *r = arg;
    const struct rpc_scan_judge_in *in = r->in;
    _cleanup_(buf_done) struct buf bytes = {0};
    int error = 0;
    if (in->file >= 0) {
        size_t len = (size_t)MIN(in->file_len, (uint64_t)MESSAGE_MAX);
        buf_reserve(&bytes, len);
        error = read_exactly(in->file, bytes.ptr, len, 0);
        bytes.len = error == 0 ? len : 0;
    } else {
        buf_add(&bytes, in->header);
        buf_add(&bytes, in->bytes);
    }
    if (error == 0)
        report_read(buf_slice(&bytes), &limits, &sink, r);
    return error;
}

static void keep(struct process *p, const struct found *f, struct arena *a) WAITS {
    struct rpc_link *events = process_link(p, ROLE_EVENTS, 0);
    struct rpc_events_reported_out none;
    struct rpc_events_reported_failure_out no_failure;
    struct rpc_events_reported_bad_out no_bad;
    if (f->kind == REPORT_REPORTS)
        (void)call_events_reported(events, &f->report, a, &none, NULL);
    else if (f->kind == REPORT_FAILURES)
        (void)call_events_reported_failure(
            events, &(struct rpc_events_reported_failure_in){f->failure}, a, &no_failure, NULL);
    else
        (void)call_events_reported_bad(events, &(struct rpc_events_reported_bad_in){f->bad}, a,
                                       &no_bad, NULL);
}

void scan_keep_reports(struct process *p, const struct rpc_scan_judge_in *in,
                       const struct sender_verdict *v) {
    struct scan *scan = p->state;
    struct reading r = {.in = in, .now = fiber_wall()};
    r.last = &r.first;
    if (v->decides && v->decides->result == DMARC_PASS)
        r.verified = v->decides->domain;
    if (fiber_mutex_lock(&scan->reporting) < 0)
        return;
    if (offload(OFFLOAD_SCAN, read_reports, &r) == 0)
        for (const struct found *f = r.first; f; f = f->next)
            keep(p, f, &r.arena);
    fiber_mutex_unlock(&scan->reporting);
    arena_done(&r.arena);
}

/* ------------------------------------------------------------------ where ours go */

int scan_on_report_destinations(void *arg, const struct rpc_caller *caller,
                                const struct rpc_scan_report_destinations_in *in, struct arena *a,
                                struct rpc_scan_report_destinations_out *out,
                                struct problem *problem) {
    struct dns_client dns = dns_link_client(process_link(arg, ROLE_RESOLVER, 0));
    struct slice *list = arena_array(a, REPORT_DESTINATIONS_MAX, sizeof *list);
    (void)caller;
    int r = report_would_come_back(&dns, in->from, a);
    if (r < 0)
        return problem_set(problem, r, "DNS does not say whether %.*s asks for reports",
                           SLICE_ARG(in->from));
    out->comes_back = r == 1;
    out->addresses = list;
    return report_destinations(&dns, in->domain, in->rua, a, list, &out->addresses_count);
}
