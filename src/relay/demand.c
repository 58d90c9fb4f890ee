/* SPDX-License-Identifier: ISC */
/*
 * What TLS is asked of a host of the way. It is judged once for each host of a job, when a
 * connection to it is wanted; those who use that connection afterwards go to the same domain and
 * ask for the same (destination_key() in relay.c).
 */
#include <errno.h>

#include "policy/dane.h"
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

/* The host is passed over. */
static int pass_over(struct run *run, const struct dns_host *host, struct slice why) {
    struct smtp_reply reply = {451, {4, 4, 3}, {NULL, 0}};
    reply.text = arena_printf(run->a,
                              "%.*s is passed over, since nobody knows what DANE demands"
                              " there: %.*s",
                              SLICE_ARG(host->name), SLICE_ARG(why));
    relay_log(&run->job->voice, RELAY_STEP_UNREACHABLE, "%.*s", SLICE_ARG(reply.text));
    run_note_failure(run, &(struct relay_result){.disposition = RELAY_LATER, .reply = reply});
    run->attempts++;
    return 1;
}

/* 0, 1: the host is passed over; -ECANCELED. */
static int by_dane(struct run *run, const struct dns_host *host) WAITS {
    enum dane_outcome outcome = DANE_NONE;
    struct slice why = S("");
    struct dane_question q = {&run->relay->options.dns, run->job->to, &run->way, host};
    int r = dane_judge(&q, run->a, &outcome, &run->policy, &why);
    if (r < 0)
        return r;
    if (outcome == DANE_ERROR)
        return pass_over(run, host, why);
    if (outcome == DANE_NONE)
        run->policy.why = arena_printf(run->a, "no DANE, %.*s", SLICE_ARG(why));
    return 0;
}

int demand_judge(struct run *run, const struct dns_host *host) {
    if (run->judged == host)
        return 0;
    run->policy = (struct tls_policy){
        .demand = TLS_DEMAND_OFFERED,
        .server_name = host->name.ptr[0] == '[' ? S("") : host->name,
    };
    int r = 0;
    if (!run->job->policies || run->job->tls != RELAY_TLS_MAY || !run->relay->options.tls)
        by_settings(run);
    else
        r = by_dane(run, host);
    run->judged = r == 0 ? host : NULL;
    return r;
}
