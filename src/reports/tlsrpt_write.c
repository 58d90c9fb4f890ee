/* SPDX-License-Identifier: ISC */
#include "base/json.h"
#include "reports/tlsrpt.h"

static void put_text(struct json *j, const char *name, struct slice text) {
    if (text.len == 0)
        return;
    json_key(j, name);
    json_slice(j, text);
}

static void put_count(struct json *j, const char *name, uint64_t count) {
    json_key(j, name);
    json_int(j, (int64_t)MIN(count, (uint64_t)INT64_MAX));
}

static void put_texts(struct json *j, const char *name, const struct slice *texts, size_t count) {
    if (count == 0)
        return;
    json_key(j, name);
    json_array(j);
    for (size_t i = 0; i < count; i++)
        json_slice(j, texts[i]);
    json_end(j);
}

/* Without the fraction: not everybody reads one. */
static void put_time(struct json *j, const char *name, usec_t at) {
    char text[TIME_TEXT_SIZE];
    struct slice seconds = slice_first(time_format_rfc3339(at, text), 19);
    text[seconds.len++] = 'Z';
    put_text(j, name, seconds);
}

static void put_failure(struct json *j, const struct tlsrpt_failure *f) {
    json_object(j);
    put_text(j, "result-type", f->type);
    put_text(j, "sending-mta-ip", f->sending_ip);
    put_text(j, "receiving-ip", f->receiving_ip);
    put_text(j, "receiving-mx-hostname", f->mx);
    put_text(j, "receiving-mx-helo", f->helo);
    put_count(j, "failed-session-count", f->sessions);
    put_text(j, "failure-reason-code", f->reason);
    json_end(j);
}

static void put_policy(struct json *j, const struct tlsrpt_policy *p) {
    json_object(j);
    json_key(j, "policy");
    json_object(j);
    put_text(j, "policy-type", p->type);
    put_texts(j, "policy-string", p->strings, p->string_count);
    put_text(j, "policy-domain", p->domain);
    put_texts(j, "mx-host", p->mx, p->mx_count);
    json_end(j);
    json_key(j, "summary");
    json_object(j);
    put_count(j, "total-successful-session-count", p->succeeded);
    put_count(j, "total-failure-session-count", p->failed);
    json_end(j);
    if (p->failures) {
        json_key(j, "failure-details");
        json_array(j);
        for (const struct tlsrpt_failure *f = p->failures; f; f = f->next)
            put_failure(j, f);
        json_end(j);
    }
    json_end(j);
}

void tlsrpt_write(struct buf *to, const struct tlsrpt_report *report) {
    struct json j = {.to = to};
    json_object(&j);
    put_text(&j, "organization-name", report->organization);
    json_key(&j, "date-range");
    json_object(&j);
    put_time(&j, "start-datetime", report->begin);
    put_time(&j, "end-datetime", report->end);
    json_end(&j);
    put_text(&j, "contact-info", report->contact);
    put_text(&j, "report-id", report->id);
    json_key(&j, "policies");
    json_array(&j);
    for (const struct tlsrpt_policy *p = report->policies; p; p = p->next)
        put_policy(&j, p);
    json_end(&j);
    json_end(&j);
    buf_add_byte(to, '\n');
}
