/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "base/siphash.h"
#include "message/address/address.h"
#include "role/dns_link.h"
#include "role/scan/scan.h"
#include "sender/facts.h"
#include "sender/results.h"

/* An address literal has no domain of which anybody could be asked. */
static int read_question(const struct rpc_scan_judge_in *in, struct arena *a,
                         struct net_addr *client, struct sender_question *q) {
    struct address path = {0};
    if (net_parse(in->client, 0, client) < 0)
        return -E_SYNTAX;
    if (in->reverse_path.len > 0 &&
        address_parse(a, in->reverse_path, ADDRESS_UTF8 | ADDRESS_LOOSE, &path, NULL) < 0)
        return -E_SYNTAX;
    q->client = client;
    q->helo = in->helo;
    q->local_part = path.local;
    q->domain = path.literal ? S("") : path.domain;
    return 0;
}

/*
 * Of a domain one of the scan processes keeps count, since its messages come to all of them. When
 * that one does not answer, the message comes again.
 */
static bool patience_is_over_for(struct process *p, struct slice domain, struct arena *a) WAITS {
    static const uint8_t key[16] = "domain to worker";
    const struct scan *scan = p->state;
    struct rpc_scan_count_failure_in in = {slice_first(domain, 256)};
    struct rpc_scan_count_failure_out out = {0};
    unsigned workers = MAX(process_workers(p, ROLE_SCAN), 1U);
    unsigned worker = (unsigned)(siphash_keyed(domain, key) % workers);
    if (worker == p->worker)
        return patience_is_over(scan->patience, domain, fiber_now());
    int r = call_scan_count_failure(process_link(p, ROLE_SCAN, worker), &in, a, &out, NULL);
    return r == 0 && out.over;
}

static void answer(const struct sender_question *q, const struct sender_verdict *v,
                   const struct sender_decision *d, struct arena *a,
                   struct rpc_scan_judge_out *out) {
    _cleanup_(buf_done) struct buf results = {0};
    sender_results_add(&results, q, v);
    out->action = (uint8_t)d->action;
    out->status = d->status ? slice_of_str(d->status) : S("");
    out->sentence = d->sentence;
    out->results = arena_copy(a, buf_slice(&results));
    out->facts = arena_array(a, SENDER_FACTS, sizeof *out->facts);
    out->facts_count = SENDER_FACTS;
    sender_facts(v, d, a, out->facts);
}

/* What is asked after the limit is not answered, and is an error of DNS like any other. */
static int judge(struct process *p, const struct rpc_scan_judge_in *in,
                 const struct process_settings *settings, struct arena *a,
                 struct rpc_scan_judge_out *out) WAITS {
    const struct scan_message message = {in->header, in->bytes, in->file, in->file_len};
    const struct conf *conf = settings->conf;
    const struct sender_rules rules = {
        .obey_dmarc = conf->authentication.dmarc == CONF_DMARC_OBEY,
        .refuse_spf_fail = conf->authentication.spf_fail == CONF_SPF_FAIL_REFUSE,
        .exempt = &conf->authentication.exempt,
        .sealers = &conf->authentication.trusted_sealer,
    };
    struct scan *scan = p->state;
    struct dns_client resolver = dns_link_client(process_link(p, ROLE_RESOLVER, 0));
    struct recent_client recent = {scan->recent, &resolver};
    struct dns_client dns = recent_answers_client(&recent);
    struct sender_question q = {.dns = &dns, .host = conf->hostname};
    struct net_addr *client = ARENA_NEW(a, struct net_addr);
    struct sender_verdict *v = ARENA_NEW(a, struct sender_verdict);
    struct sender_judge *j = NULL;
    _cleanup_(buf_done) struct buf header = {0};
    int r = read_question(in, a, client, &q);
    if (r == 0)
        r = scan_read(&message, fiber_wall() / USEC_SEC, &header, &j);
    if (r < 0)
        return r;
    struct fiber_deadline d = fiber_deadline_begin(fiber_now() + SCAN_DNS_LIMIT);
    r = sender_judge_end(j, &q, a, v);
    fiber_deadline_end(&d);
    sender_judge_free(j);
    if (r < 0)
        return r;
    struct sender_decision decision;
    sender_decide(&q, v, &rules, a, &decision);
    if (decision.action == SENDER_LATER && patience_is_over_for(p, decision.domain, a))
        sender_decide_late(&decision);
    answer(&q, v, &decision, a, out);
    if (conf->authentication.send_reports)
        scan_tell_seen(p, in, v, &decision, a);
    if (in->reports && decision.action == SENDER_TAKE)
        scan_keep_reports(p, in, v);
    return 0;
}

int scan_on_judge(void *arg, const struct rpc_caller *caller, const struct rpc_scan_judge_in *in,
                  struct arena *a, struct rpc_scan_judge_out *out, struct problem *problem) {
    struct process *p = arg;
    struct scan *scan = p->state;
    _cleanup_(close_p) UNUSED int file = in->file;
    _cleanup_(process_settings_release_p) struct process_settings *settings = NULL;
    (void)caller;
    if (scan->judging >= SCAN_MESSAGES_MAX)
        return problem_set(problem, -E_LIMIT, "too many messages are judged at this moment");
    settings = process_settings_hold(p);
    scan->judging++;
    int r = judge(p, in, settings, a, out);
    scan->judging--;
    return r < 0 ? problem_set(problem, r, "the message cannot be judged: %s", error_text(r)) : 0;
}
