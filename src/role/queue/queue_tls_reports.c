/* SPDX-License-Identifier: ISC */
#include "role/queue/queue_tls_reports.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/random.h"
#include "events/kinds.h"
#include "fetch/rule.h"
#include "message/address/address.h"
#include "message/write/submission.h"
#include "policy/tlsrpt_record.h"
#include "reports/tls_mail.h"
#include "reports/tls_tally.h"
#include "role/dns_link.h"

#define DESTINATIONS_MAX 2U   /* of one domain */
#define SENT_MAX         500U /* reports on their way whose end is known */
#define RESTING_MAX      5000U
#define REST             (7 * USEC_DAY)
#define ONCE             (20 * USEC_HOUR) /* a destination gets one a day, whoever names it */
#define DELAY            (10 * USEC_MIN)  /* behind midnight, and up to an hour more */
#define PAUSE            (200 * USEC_MS)  /* between reports */

struct resting {
    struct slice destination; /* behind the struct */
    usec_t until;             /* monotonic */
};

struct sent {
    queue_id id;
    struct slice destination; /* on the heap */
};

struct queue_tls_reports {
    struct process *process;
    struct queue *const *queue;
    struct tls_tally *tally;
    struct map resting;
    struct sent sent[SENT_MAX]; /* a ring */
    unsigned next;
};

void queue_tls_reports_free(struct queue_tls_reports *q) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->resting, &at)))
        free(e->value);
    map_done(&q->resting);
    for (unsigned i = 0; i < SENT_MAX; i++)
        free((char *)q->sent[i].destination.ptr);
    tls_tally_free(q->tally);
    free(q);
}

struct queue_tls_reports *queue_tls_reports_new(struct process *p, struct queue *const *queue) {
    struct queue_tls_reports *q = NEW(struct queue_tls_reports);
    q->process = p;
    q->queue = queue;
    q->tally = tls_tally_new();
    return q;
}

/* ------------------------------------------------------------------ counting */

void queue_tls_reports_add(struct queue_tls_reports *q, struct slice domain,
                           const struct sts_found *found, const struct rpc_session *sessions,
                           size_t count) {
    if (!q->process->conf->relay.tls_reports)
        return;
    if (found->error < 0 && count > 0) {
        bool invalid = found->error == -E_SYNTAX || found->error == -E_LIMIT;
        struct tls_session s = {.policy = S("sts"), .strings = found->text, .reason = found->why};
        s.result = found->error == -E_TLS ? S("sts-webpki-invalid")
                   : invalid              ? S("sts-policy-invalid")
                                          : S("sts-policy-fetch-error");
        tls_tally_add(q->tally, domain, fiber_wall(), &s);
    }
    for (size_t i = 0; i < count; i++) {
        struct tls_session s = {.policy = sessions[i].policy,
                                .result = sessions[i].result,
                                .host = sessions[i].host,
                                .address = sessions[i].address,
                                .reason = sessions[i].reason};
        if (slice_eq(s.policy, S("sts")))
            s.strings = found->text;
        tls_tally_add(q->tally, domain, fiber_wall(), &s);
    }
}

/* ------------------------------------------------------------------ resting */

/* Those whose time is over are forgotten when there are many. */
static void sweep(struct queue_tls_reports *q) {
    struct map_entry *e;
    size_t at = 0;
    while (q->resting.count >= RESTING_MAX && (e = map_next(&q->resting, &at))) {
        struct resting *r = e->value;
        if (r->until > fiber_now())
            continue;
        (void)map_remove(&q->resting, r->destination);
        free(r);
        at = 0;
    }
}

static void let_rest(struct queue_tls_reports *q, struct slice destination, usec_t span) {
    struct resting *r = map_get(&q->resting, destination);
    if (!r) {
        r = mem_zero(sizeof *r + destination.len);
        memcpy(r + 1, destination.ptr, destination.len);
        r->destination = slice_of(r + 1, destination.len);
        (void)map_put(&q->resting, r->destination, r);
    }
    r->until = fiber_now() + span;
}

void queue_tls_reports_failed(struct queue_tls_reports *q, queue_id id) {
    for (unsigned i = 0; id != 0 && i < SENT_MAX; i++)
        if (q->sent[i].id == id) {
            let_rest(q, q->sent[i].destination, REST);
            q->sent[i].id = 0;
        }
}

/* ------------------------------------------------------------------ sending */

/* A report on its way. */
struct dispatch {
    struct queue_tls_reports *all;
    const struct tlsrpt_report *report;
    struct slice domain, packed;
    struct arena *arena;
};

static int by_mail(struct dispatch *s, struct slice to, queue_id *ret_id,
                   struct problem *problem) WAITS {
    struct queue *queue = *s->all->queue;
    _cleanup_(buf_done) struct buf bytes = {0};
    struct recipient recipient = {.address = to, .notify = NOTIFY_NEVER};
    struct slice host = s->all->process->conf->hostname;
    struct address address;
    if (address_parse(s->arena, to, ADDRESS_LOOSE, &address, NULL) < 0)
        return problem_set(problem, -E_SYNTAX, "it is no address");
    *ret_id = queue_new_id(queue);
    struct tls_mail mail = {.report = s->report,
                            .packed = s->packed,
                            .domain = s->domain,
                            .host = host,
                            .to = to,
                            .date = fiber_wall(),
                            .message_id = message_id_make(s->arena, *ret_id, host)};
    tls_mail_write(&bytes, &mail);
    struct queue_message message = {
        .id = *ret_id,
        .envelope = {.recipients = &recipient,
                     .count = 1,
                     .origin = QUEUE_MADE_REPORT,
                     .shape = SHAPE_TLS_WAIVED},
        .bytes = buf_slice(&bytes),
    };
    return queue_submit(queue, &message, problem);
}

static void send_to(struct dispatch *s, enum tlsrpt_way way, struct slice to) WAITS {
    struct queue_tls_reports *q = s->all;
    struct problem problem = {{0}};
    queue_id id = 0;
    struct rpc_fetcher_get_in in = {.rule = FETCH_TLSRPT, .what = to, .sent = s->packed};
    struct rpc_fetcher_get_out out;
    sweep(q);
    const struct resting *rests = map_get(&q->resting, to); /* with too many, everybody does */
    if (rests ? rests->until > fiber_now() : q->resting.count >= RESTING_MAX)
        return;
    int r = way == TLSRPT_MAIL ? by_mail(s, to, &id, &problem)
                               : call_fetcher_get(process_link(q->process, ROLE_FETCHER, 0), &in,
                                                  s->arena, &out, &problem);
    if (r < 0) {
        let_rest(q, to, REST);
        process_event(q->process, 0, KIND_WARNING, NULL, 0,
                      "The TLS report about %.*s could not be given to %.*s, which gets none for"
                      " seven days: %s",
                      SLICE_ARG(s->domain), SLICE_ARG(to), problem.text);
        return;
    }
    let_rest(q, to, ONCE);
    struct sent *sent = &q->sent[q->next];
    q->next = (q->next + 1) % SENT_MAX;
    free((char *)sent->destination.ptr);
    char *copy = mem_zero(to.len + 1);
    memcpy(copy, to.ptr, to.len);
    *sent = (struct sent){id, slice_of(copy, to.len)};
}

/* To whom the domain wants it; nobody, as a rule. */
static void send_report(struct queue_tls_reports *q, struct slice domain,
                        struct tlsrpt_report *report, struct arena *a) WAITS {
    struct dns_client dns = dns_link_client(process_link(q->process, ROLE_RESOLVER, 0));
    _cleanup_(buf_done) struct buf packed = {0};
    struct dns_answer answer;
    struct slice rua, to, host = q->process->conf->hostname;
    enum tlsrpt_way way;
    struct slice name = arena_printf(a, "_smtp._tls.%.*s", SLICE_ARG(domain));
    if (dns.query(dns.arg, name, DNS_TXT, a, &answer) < 0 || tlsrpt_record_find(&answer, &rua) < 0)
        return;
    report->organization = host;
    report->contact = arena_printf(a, "postmaster@%.*s", SLICE_ARG(host));
    report->id = arena_printf(a, "%lld.%.*s@%.*s", (long long)(report->begin / USEC_SEC),
                              SLICE_ARG(domain), SLICE_ARG(host));
    if (tls_mail_pack(report, &packed) < 0)
        return;
    struct dispatch s = {q, report, domain, buf_slice(&packed), a};
    for (unsigned i = 0; i < DESTINATIONS_MAX && tlsrpt_next_destination(&rua, a, &way, &to); i++)
        send_to(&s, way, to);
}

int queue_tls_reports_send(struct queue_tls_reports *q, usec_t wall) {
    for (;;) {
        _cleanup_(arena_done) struct arena a = {0};
        struct tlsrpt_report report;
        struct slice domain;
        if (!tls_tally_take(q->tally, wall, &a, &domain, &report))
            return 0;
        if (q->process->conf->relay.tls_reports)
            send_report(q, domain, &report, &a);
        if (fiber_sleep(PAUSE) < 0)
            return -ECANCELED;
    }
}

static void send_daily(void *arg) WAITS {
    struct queue_tls_reports *q = arg;
    int r = 0;
    while (r == 0) {
        usec_t midnight = USEC_DAY - fiber_wall() % USEC_DAY;
        r = fiber_sleep(midnight + DELAY + (usec_t)random_below((uint64_t)USEC_HOUR));
        if (r == 0)
            r = queue_tls_reports_send(q, fiber_wall());
    }
}

void queue_tls_reports_start(struct queue_tls_reports *q) {
    (void)fiber_spawn_under(q->process->root, "TLS reports", send_daily, q);
}
