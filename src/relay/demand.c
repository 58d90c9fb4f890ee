/* SPDX-License-Identifier: ISC */
/*
 * What TLS is asked of a host of the way. It is judged once for each host of a job, when a
 * connection to it is wanted; those who use that connection afterwards go to the same domain and
 * ask for the same (destination_key() in relay.c).
 */
#include <errno.h>

#include "policy/dane.h"
#include "policy/sts_demand.h"
#include "relay/run.h"

static void by_settings(struct run *run) {
    static const enum tls_demand demands[] = {
        [RELAY_TLS_MAY] = TLS_DEMAND_OFFERED,
        [RELAY_TLS_NEVER] = TLS_DEMAND_NEVER,
        [RELAY_TLS_ENCRYPT] = TLS_DEMAND_ANY,
        [RELAY_TLS_VERIFY] = TLS_DEMAND_NAME,
    };
    enum tls_demand demand = demands[run->job->tls];
    run->policy.kind = TLS_POLICY_SETTINGS;
    run->policy.demand = run->job->tls_first ? MAX(demand, TLS_DEMAND_ANY) : demand;
}

/* The host is not connected to: 1. */
static int pass_over(struct run *run, enum relay_disposition disposition,
                     const struct smtp_reply *reply) {
    relay_log(&run->job->voice, RELAY_STEP_UNREACHABLE, "%.*s", SLICE_ARG(reply->text));
    run_note_failure(run, &(struct relay_result){.disposition = disposition, .reply = *reply});
    run->attempts++;
    return 1;
}

/* 0; 1: the host is not to be used now; -ECANCELED. */
static int by_dane(struct run *run, const struct dns_host *host) WAITS {
    enum dane_outcome outcome = DANE_NONE;
    struct slice why = S("");
    struct dane_question q = {&run->relay->options.dns, run->job->to, &run->way, host};
    struct smtp_reply reply = {451, {4, 4, 3}, {NULL, 0}};
    int r = dane_judge(&q, run->a, &outcome, &run->policy, &why);
    if (r == 0 && outcome == DANE_NONE)
        run->policy.why = arena_printf(run->a, "no DANE, %.*s", SLICE_ARG(why));
    if (r < 0 || outcome != DANE_ERROR)
        return r;
    reply.text = arena_printf(run->a,
                              "%.*s is passed over, since nobody knows what DANE demands there: "
                              "%.*s",
                              SLICE_ARG(host->name), SLICE_ARG(why));
    return pass_over(run, RELAY_LATER, &reply);
}

void demand_note(struct run *run, const struct dns_host *host, const struct net_addr *addr,
                 const char *result, struct slice reason) {
    static const char *const policies[TLS_POLICY_KINDS] = {
        [TLS_POLICY_OPPORTUNISTIC] = "no-policy-found",
        [TLS_POLICY_DANE] = "tlsa",
        [TLS_POLICY_STS] = "sts",
        [TLS_POLICY_STS_TESTING] = "sts",
    };
    struct relay_outcome *o = &run->outcome;
    char text[NET_TEXT_SIZE];
    const char *policy = policies[run->policy.kind];
    if (!policy || !run->job->policies || o->session_count == RELAY_SESSIONS_MAX)
        return;
    if (!o->sessions)
        o->sessions = arena_array(run->a, RELAY_SESSIONS_MAX, sizeof *o->sessions);
    bool unnamed =
        run->policy.kind == TLS_POLICY_STS_TESTING && !sts_policy_has(run->job->sts, host->name);
    o->sessions[o->session_count++] = (struct relay_session){
        .policy = policy,
        .result = unnamed ? "validation-failure" : result,
        .host = host->name,
        .address = addr ? arena_copy(run->a, net_format_host(addr, text)) : S(""),
        .reason = unnamed ? S("the policy does not name the host") : reason,
    };
}

/* Where DANE does not hold (RFC 8461 §2). 0; 1: the host is passed over. */
static int by_sts(struct run *run, const struct dns_host *host) {
    struct slice domain = run->job->to.name;
    struct smtp_reply reply = {451, {4, 7, 5}, {NULL, 0}};
    if (sts_demand(run->job->sts, domain, host->name, run->a, &run->policy))
        return 0;
    run->outcome.sts_failed = true;
    demand_note(run, host, NULL, "validation-failure", S("the policy does not name the host"));
    reply.text =
        arena_printf(run->a, "%.*s is passed over: the MTA-STS policy of %.*s does not name it",
                     SLICE_ARG(host->name), SLICE_ARG(domain));
    return pass_over(run, RELAY_LATER, &reply);
}

/*
 * The message demands it (RFC 8689 §4.2.1): somebody has to vouch for the host's name, and somebody
 * for its certificate. 0; 1: nobody does.
 */
static int by_message(struct run *run, const struct dns_host *host) {
    struct tls_policy *p = &run->policy;
    struct smtp_reply reply = {550, {5, 7, 30}, {NULL, 0}};
    p->all_the_way = true;
    if (p->demand >= TLS_DEMAND_NAME)
        return 0;
    if (run->way.secure || run->job->smart_host) {
        p->kind = TLS_POLICY_REQUIRED;
        p->demand = TLS_DEMAND_NAME;
        p->why = S("the message demands it");
        return 0;
    }
    reply.text =
        arena_printf(run->a,
                     "The message demands TLS all the way (REQUIRETLS), but nobody vouches "
                     "for %.*s: what names the hosts of %.*s is not signed",
                     SLICE_ARG(host->name), SLICE_ARG(run->job->to.name));
    return pass_over(run, RELAY_NEVER, &reply);
}

int demand_judge(struct run *run, const struct dns_host *host) {
    uint32_t shape = run->job->message.envelope.shape;
    if (run->judged == host)
        return 0;
    run->policy = (struct tls_policy){
        .server_name = host->name.ptr[0] == '[' ? S("") : host->name,
    };
    int r = 0;
    if (!run->job->policies || run->job->tls != RELAY_TLS_MAY || !run->relay->options.tls)
        by_settings(run);
    else if ((shape & SHAPE_TLS_WAIVED) && !(shape & SHAPE_REQUIRE_TLS)) /* RFC 8689 §3 */
        run->policy = (struct tls_policy){.kind = TLS_POLICY_WAIVED,
                                          .server_name = run->policy.server_name,
                                          .why = S("the message says TLS-Required: No")};
    else
        r = by_dane(run, host);
    if (r == 0 && run->job->sts && run->policy.kind == TLS_POLICY_OPPORTUNISTIC)
        r = by_sts(run, host);
    if (r == 0 && (shape & SHAPE_REQUIRE_TLS))
        r = by_message(run, host);
    run->judged = r == 0 ? host : NULL;
    return r;
}
