/* SPDX-License-Identifier: ISC */
/*
 * A day is over for us some hours behind midnight (UTC), which hour depends on the host name: not
 * all hosts of the world are to report to one address in the same minute.
 */
#include "role/queue/queue_reports.h"

#include <errno.h>

#include "base/encode.h"
#include "base/random.h"
#include "base/siphash.h"
#include "events/kinds.h"
#include "message/scan.h"
#include "message/write/submission.h"
#include "reports/mail.h"
#include "smtp/reply.h"

#define LOOK_FIRST   (5 * USEC_SEC)
#define LOOK_EVERY   (10 * USEC_MIN)
#define LATEST       (4 * USEC_HOUR) /* behind midnight */
#define DNS_ATTEMPTS 3U              /* to find where a report may go */
#define DNS_WAIT     USEC_MIN

static int submit(struct queue_reports *q, const struct rpc_events_take_report_out *report,
                  struct slice destination, queue_id id, struct arena *a) WAITS {
    uint8_t chance[16];
    _cleanup_(buf_done) struct buf boundary = {0}, bytes = {0};
    struct slice host = q->process->conf->hostname;
    struct address from = {.local = S("postmaster"), .domain = host}, to;
    int r = address_parse(a, destination, ADDRESS_LOOSE, &to, NULL);
    if (r < 0)
        return r;
    random_bytes(chance, sizeof chance);
    buf_add_str(&boundary, "=_");
    hex_encode(&boundary, slice_of(chance, sizeof chance));
    const struct aggregate_mail mail = {
        .domain = report->domain,
        .id = report->id,
        .organization = report->organization,
        .begin = report->begin,
        .end = report->end,
        .file = report->file,
        .from = &from,
        .to = &to,
        .host = host,
        .now = fiber_wall(),
        .message_id = message_id_make(a, id, host),
        .boundary = buf_slice(&boundary),
    };
    struct recipient recipient = {.address = destination, .notify = NOTIFY_NEVER};
    struct queue_message message = {.id = id,
                                    .envelope = {.arrival = mail.now,
                                                 .body_type = BODY_TYPE_7BIT,
                                                 .origin = QUEUE_MADE_REPORT,
                                                 .recipients = &recipient,
                                                 .count = 1}};
    aggregate_mail_add(&bytes, &mail);
    message.bytes = buf_slice(&bytes);
    return queue_submit(q->queue, &message, NULL);
}

/* Each destination is asked about, and noted, before anything goes there. */
static void send_to(struct queue_reports *q, const struct rpc_events_take_report_out *report,
                    const struct slice *addresses, size_t count, struct arena *a) WAITS {
    for (size_t i = 0; i < count; i++) {
        struct rpc_events_send_report_in in = {addresses[i], queue_new_id(q->queue)};
        struct rpc_events_send_report_out out;
        int r =
            call_events_send_report(process_link(q->process, ROLE_EVENTS, 0), &in, a, &out, NULL);
        if (r == 0 && out.go)
            r = submit(q, report, addresses[i], in.message, a);
        if (r < 0)
            process_event(q->process, 0, KIND_WARNING, NULL, 0,
                          "The report about %.*s to %.*s could not be sent: %s.",
                          SLICE_ARG(report->domain), SLICE_ARG(addresses[i]), error_text(r));
    }
}

static int find_destinations(struct queue_reports *q,
                             const struct rpc_events_take_report_out *report, struct arena *a,
                             struct rpc_scan_report_destinations_out *ret) WAITS {
    const struct rpc_scan_report_destinations_in in = {report->domain, report->rua,
                                                       q->process->conf->hostname};
    int r = 0;
    for (unsigned attempt = 0; attempt < DNS_ATTEMPTS; attempt++) {
        if (attempt > 0 && fiber_sleep(DNS_WAIT) < 0)
            return -ECANCELED;
        r = call_scan_report_destinations(process_link(q->process, ROLE_SCAN, attempt), &in, a, ret,
                                          NULL);
        if (r == 0)
            return 0;
    }
    return r;
}

/* 1: there may be more; 0: there is none; or an error. */
static int report_one(struct queue_reports *q, bool *warned) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    static const uint8_t key[16] = "hour of reports";
    usec_t late = (usec_t)(siphash_keyed(q->process->conf->hostname, key) % LATEST);
    struct rpc_events_take_report_in in = {(fiber_wall() - late) / USEC_DAY};
    struct rpc_events_take_report_out report;
    struct rpc_scan_report_destinations_out to;
    int r =
        call_events_take_report(process_link(q->process, ROLE_EVENTS, 0), &in, &a, &report, NULL);
    if (r < 0 || !report.found)
        return r;
    r = find_destinations(q, &report, &a, &to);
    if (r < 0)
        return r == -ECANCELED ? r : 1;
    if (!to.comes_back)
        send_to(q, &report, to.addresses, to.addresses_count, &a);
    else if (!*warned)
        process_event(q->process, 0, KIND_WARNING, NULL, 0,
                      "No reports are sent: the DMARC record of %.*s asks for reports (rua), and"
                      " others would report of ours. Give it a record of its own without rua.",
                      SLICE_ARG(q->process->conf->hostname));
    *warned |= to.comes_back;
    return 1;
}

void queue_reports_work(void *arg) {
    struct queue_reports *q = arg;
    for (usec_t wait = LOOK_FIRST; fiber_sleep(wait) == 0; wait = LOOK_EVERY) {
        bool warned = false;
        int r = 1;
        while (r == 1 && q->process->conf->authentication.send_reports)
            r = report_one(q, &warned);
    }
}
