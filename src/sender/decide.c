/* SPDX-License-Identifier: ISC */
#include "sender/decide.h"

#include "base/words.h"
#include "message/write/encode.h"
#include "sender/results_read.h"

#define SHOWN_MAX 255U /* bytes of a name in a reply */

const char *sender_action_name(enum sender_action action) {
    static const char *const names[] = {N_("taken"), N_("junk"), N_("put off"), N_("refused")};
    return names[action];
}

/* A stricter decision takes the place of the one so far, and one with a reason of one without. */
static void take(struct sender_decision *so_far, struct sender_decision other) {
    if (other.action > so_far->action || (other.action == so_far->action && !so_far->why))
        *so_far = other;
}

static struct sender_decision later(struct slice domain, struct slice name, struct arena *a) {
    struct slice shown = text_one_line(a, name, SHOWN_MAX, true);
    return (struct sender_decision){
        .action = SENDER_LATER,
        .why = N_("DNS did not answer what decides"),
        .status = "4.4.3",
        .domain = domain,
        .name = name,
        .sentence = arena_printf(a,
                                 "Who has sent the message cannot be told now, since DNS does not "
                                 "answer for %.*s; try again later",
                                 SLICE_ARG(shown)),
    };
}

/* ------------------------------------------------------------------ the author */

static void decide_author(const struct author *author, const struct sender_rules *rules,
                          struct sender_decision *d) {
    const char *why = author_form_words(author->form);
    if (author->form == AUTHOR_TWICE)
        take(d, (struct sender_decision){
                    .action = SENDER_REFUSE,
                    .why = why,
                    .status = "5.6.0",
                    .sentence = S("The message has more than one From field (RFC 5322, 3.6)")});
    if (rules->obey_dmarc && (author->form == AUTHOR_UNREADABLE || author->form == AUTHOR_TOO_MANY))
        take(d, (struct sender_decision){.action = SENDER_JUNK, .why = why});
}

/* ------------------------------------------------------------------ DMARC */

static struct sender_decision refuse_for_policy(const struct dmarc_outcome *o, struct arena *a) {
    return (struct sender_decision){
        .action = SENDER_REFUSE,
        .why = N_("its author's domain wants such messages refused"),
        .status = "5.7.1",
        .domain = o->domain,
        .sentence = arena_printf(a,
                                 "Neither SPF nor DKIM shows that the message comes from %.*s, "
                                 "whose DMARC policy is to refuse it then (p=reject)",
                                 SLICE_ARG(o->domain)),
    };
}

/* From the newest set on: behind one who is not trusted anybody may have made them up. */
static const struct conf_sender *find_sealer(const struct arc_outcome *arc,
                                             const struct conf_senders *trusted,
                                             struct slice domain) {
    for (size_t i = arc->result == ARC_PASS ? arc->count : 0; i > 0; i--) {
        const struct conf_sender *sealer = conf_senders_find(trusted, arc->sets[i - 1].domain);
        if (!sealer || results_say_dmarc_passed(arc->sets[i - 1].results, domain))
            return sealer;
    }
    return NULL;
}

/* Whether something speaks for a message that would not be taken. */
static bool is_excused(const struct sender_verdict *v, const struct sender_rules *rules,
                       struct slice domain, struct sender_decision *d) {
    const struct conf_sender *exempt = conf_senders_find(rules->exempt, domain);
    const struct conf_sender *by = exempt ? exempt : find_sealer(&v->arc, rules->sealers, domain);
    if (!by)
        return false;
    take(d, (struct sender_decision){
                .action = SENDER_TAKE,
                .why = exempt ? N_("the settings make an exception for its author's domain")
                              : N_("a trusted sealer (ARC) says that DMARC had passed"),
                .domain = domain,
                .override = exempt ? OVERRIDE_LOCAL_POLICY : OVERRIDE_TRUSTED_FORWARDER,
                .note = by->reason});
    return true;
}

static void decide_dmarc(const struct sender_verdict *v, const struct sender_rules *rules,
                         const struct dmarc_outcome *o, struct arena *a,
                         struct sender_decision *d) {
    bool unknown = o->found_at.len == 0; /* the policy itself: it may be any */
    bool fails = o->result == DMARC_FAIL && o->policy != DMARC_POLICY_NONE;
    bool may_fail = o->result == DMARC_TEMPERROR && (unknown || o->policy != DMARC_POLICY_NONE);
    if ((!fails && !may_fail) || is_excused(v, rules, o->domain, d))
        return;
    if (may_fail)
        take(d, later(o->domain, o->name.len > 0 ? o->name : o->domain, a));
    if (fails && o->policy == DMARC_POLICY_REJECT)
        take(d, refuse_for_policy(o, a));
    if (fails && o->policy == DMARC_POLICY_QUARANTINE)
        take(d, (struct sender_decision){
                    .action = SENDER_JUNK,
                    .why = N_("its author's domain wants such messages in the junk mailbox"),
                    .domain = o->domain});
}

/* ------------------------------------------------------------------ SPF */

/* The message as a whole: something speaks for each of its authors. */
static bool all_are_excused(const struct sender_verdict *v, const struct sender_rules *rules,
                            struct sender_decision *d) {
    for (size_t i = 0; i < v->dmarc_count; i++)
        if (!is_excused(v, rules, v->dmarc[i].domain, d))
            return false;
    return v->dmarc_count > 0;
}

static void decide_spf(const struct sender_question *q, const struct sender_verdict *v,
                       const struct sender_rules *rules, struct arena *a,
                       struct sender_decision *d) {
    const struct spf_outcome *o = &v->mail_from;
    char client[NET_TEXT_SIZE];
    struct slice said = S("");
    if (v->decides && v->decides->result == DMARC_PASS)
        return;
    if ((o->result != SPF_FAIL && o->result != SPF_TEMPERROR) || all_are_excused(v, rules, d))
        return;
    if (o->result == SPF_TEMPERROR)
        take(d, later(v->mail_from_domain, o->name.len > 0 ? o->name : v->mail_from_domain, a));
    if (o->result != SPF_FAIL)
        return;
    if (o->explanation.len > 0)
        said = arena_printf(a, "; it says: %.*s", SLICE_ARG(o->explanation));
    take(d, (struct sender_decision){
                .action = SENDER_REFUSE,
                .why = N_("SPF fails, and the settings say to refuse then"),
                .status = "5.7.23",
                .domain = v->mail_from_domain,
                .sentence =
                    arena_printf(a, "SPF of %.*s does not let %.*s send in its name%.*s",
                                 SLICE_ARG(v->mail_from_domain),
                                 SLICE_ARG(net_format_host(q->client, client)), SLICE_ARG(said))});
}

void sender_decide(const struct sender_question *question, const struct sender_verdict *verdict,
                   const struct sender_rules *rules, struct arena *a, struct sender_decision *ret) {
    *ret = (struct sender_decision){.action = SENDER_TAKE};
    decide_author(&verdict->author, rules, ret);
    for (size_t i = 0; rules->obey_dmarc && i < verdict->dmarc_count; i++)
        decide_dmarc(verdict, rules, &verdict->dmarc[i], a, ret);
    if (rules->refuse_spf_fail)
        decide_spf(question, verdict, rules, a, ret);
}

void sender_decide_late(struct sender_decision *d) {
    *d = (struct sender_decision){
        .action = SENDER_TAKE,
        .why = N_("DNS has failed for its domain for hours: it is taken without the policy"),
        .domain = d->domain,
        .override = OVERRIDE_LOCAL_POLICY};
}
