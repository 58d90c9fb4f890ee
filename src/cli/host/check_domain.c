/* SPDX-License-Identifier: ISC */
/*
 * Whether mail for our domains comes here (MX, RFC 5321 §5.1), whether their SPF records let us
 * send, and whether DNS shows their DKIM keys and DMARC records. A domain whose mail comes by a
 * gateway has an MX elsewhere, and that is told as a warning with words for it: which of the two it
 * is nobody can know from here.
 */
#include "cli/directory/directory_access.h"
#include "cli/host/dns_records.h"
#include "cli/host/server.h"
#include "sender/spf/spf.h"

#define DOMAINS_MAX 50U

/* ------------------------------------------------------------------ MX */

/* As its owner writes it; a record for the DNS has the other form. */
static struct slice shown(const struct check_dns *d, struct slice domain) {
    return cli_shown(d->k->c->arena, domain);
}

static bool leads_here(const struct check_dns *d, struct slice name) WAITS {
    struct net_addr list[CHECK_ADDRESSES];
    struct slice why;
    if (dns_name_same(name, d->k->c->conf->hostname))
        return true;
    int count = check_addresses(d, name, list, &why);
    for (int i = 0; i < count; i++) {
        if (check_has_address(d->named, d->named_count, &list[i]) ||
            check_has_address(d->own, d->own_count, &list[i]))
            return true;
    }
    return false;
}

/* A domain without MX is its own host. */
static void judge_no_mx(const struct check_dns *d, struct slice domain) WAITS {
    struct slice host = d->k->c->conf->hostname, name = shown(d, domain);
    if (leads_here(d, domain))
        check_add(d->k, CHECK_OK,
                  _("mail for %.*s comes here by its address; an MX record would say so better:"
                    "  %.*s. MX 10 %.*s."),
                  SLICE_ARG(name), SLICE_ARG(domain), SLICE_ARG(host));
    else
        check_add(d->k, CHECK_WARNING,
                  _("%.*s has no MX record, so mail for it does not come here; add  %.*s. MX 10"
                    " %.*s."),
                  SLICE_ARG(name), SLICE_ARG(domain), SLICE_ARG(host));
}

static void judge_mx(const struct check_dns *d, struct slice domain,
                     const struct dns_answer *answer) WAITS {
    const struct dns_record *ours = NULL, *first = NULL;
    struct slice name = shown(d, domain);
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *r = &answer->records[i];
        if (!first || r->preference < first->preference)
            first = r;
        if ((!ours || r->preference < ours->preference) && leads_here(d, r->name))
            ours = r;
    }
    if (answer->count == 1 && slice_eq(first->name, S(".")))
        check_add(d->k, CHECK_WARNING,
                  _("the MX record of %.*s says that it takes no mail at all (RFC 7505)"),
                  SLICE_ARG(name));
    else if (!ours)
        check_add(d->k, CHECK_WARNING,
                  _("the MX record of %.*s leads to %.*s and not here; that is right only if that"
                    " host passes the mail on to this one"),
                  SLICE_ARG(name), SLICE_ARG(shown(d, first->name)));
    else if (ours->preference > first->preference)
        check_add(d->k, CHECK_WARNING,
                  _("mail for %.*s goes to %.*s first and comes here only when that does not"
                    " answer; that is right only if that host passes the mail on to this one"),
                  SLICE_ARG(name), SLICE_ARG(shown(d, first->name)));
    else
        check_add(d->k, CHECK_OK, _("mail for %.*s comes here (MX %.*s)"), SLICE_ARG(name),
                  SLICE_ARG(shown(d, ours->name)));
}

static void check_mx(const struct check_dns *d, struct slice domain) WAITS {
    struct dns_answer answer = {0};
    int r = d->client.query(d->client.arg, domain, DNS_MX, d->k->c->arena, &answer);
    struct slice why = check_no_answer(r, &answer);
    if (why.len > 0)
        check_add(d->k, CHECK_WARNING, _("the MX record of %.*s cannot be looked up: %.*s"),
                  SLICE_ARG(shown(d, domain)), SLICE_ARG(why));
    else if (answer.count == 0)
        judge_no_mx(d, domain);
    else
        judge_mx(d, domain, &answer);
}

/* ------------------------------------------------------------------ SPF */

static void judge_spf(const struct check_dns *d, struct slice domain, const struct net_addr *addr,
                      const struct spf_outcome *o) {
    char text[NET_TEXT_SIZE];
    struct slice from = net_format_host(addr, text), name = shown(d, domain);
    switch (o->result) {
    case SPF_PASS:
        check_add(d->k, CHECK_OK, _("the SPF record of %.*s lets %.*s send: %.*s"), SLICE_ARG(name),
                  SLICE_ARG(from), SLICE_ARG(o->record));
        return;
    case SPF_NONE:
        check_add(d->k, CHECK_WARNING,
                  _("%.*s has no SPF record, so some servers take its mail for spam; add  %.*s. TXT"
                    " \"v=spf1 mx -all\""),
                  SLICE_ARG(name), SLICE_ARG(domain));
        return;
    case SPF_TEMPERROR:
        check_add(d->k, CHECK_WARNING, _("the SPF record of %.*s cannot be looked up now"),
                  SLICE_ARG(name));
        return;
    case SPF_PERMERROR:
        check_add(d->k, CHECK_WARNING, _("the SPF record of %.*s does not count: %s: %.*s"),
                  SLICE_ARG(name), translated(o->problem),
                  SLICE_ARG(o->term.len > 0 ? o->term : o->record));
        return;
    case SPF_NEUTRAL:
    case SPF_FAIL:
    case SPF_SOFTFAIL:
        check_add(d->k, CHECK_WARNING,
                  _("the SPF record of %.*s does not let %.*s send, so others refuse our mail or"
                    " take it for spam: %.*s"),
                  SLICE_ARG(name), SLICE_ARG(from), SLICE_ARG(o->record));
    }
}

/* The first address that is not let through stands for all. */
static void check_spf(const struct check_dns *d, struct slice domain,
                      const struct net_addr *senders, size_t count) WAITS {
    struct spf_question q = {.dns = &d->client,
                             .helo = d->k->c->conf->hostname,
                             .domain = domain,
                             .host = d->k->c->conf->hostname,
                             .now = fiber_wall() / USEC_SEC};
    struct spf_outcome outcome = {.result = SPF_PASS};
    size_t i = 0;
    for (; i < count; i++) {
        q.client = &senders[i];
        if (spf_check(&q, d->k->c->arena, &outcome) < 0 || outcome.result != SPF_PASS)
            break;
    }
    if (count > 0)
        judge_spf(d, domain, &senders[MIN(i, count - 1)], &outcome);
}

/* ------------------------------------------------------------------ DKIM, DMARC */

static void judge_key(const struct check_dns *d, const struct dns_wanted *w) {
    struct slice name = shown(d, w->domain);
    if (w->left)
        return;
    switch (w->state) {
    case DNS_NOT_ASKED:
        return;
    case DNS_RIGHT:
        check_add(d->k, CHECK_OK,
                  w->signs ? _("DNS shows the DKIM key %.*s of %.*s, which signs")
                           : _("DNS shows the DKIM key %.*s of %.*s, which will sign"),
                  SLICE_ARG(w->selector), SLICE_ARG(name));
        return;
    case DNS_MISSING:
        check_add(d->k, CHECK_WARNING,
                  _("DNS does not show the DKIM key %.*s of %.*s, so nothing should be signed with"
                    " it; add what this prints:  hayauma dns %.*s"),
                  SLICE_ARG(w->selector), SLICE_ARG(name), SLICE_ARG(w->domain));
        return;
    case DNS_DIFFERENT:
        check_add(d->k, CHECK_WARNING,
                  _("DNS shows another key as the DKIM key %.*s of %.*s; it has to be what this"
                    " prints:  hayauma dns %.*s"),
                  SLICE_ARG(w->selector), SLICE_ARG(name), SLICE_ARG(w->domain));
        return;
    case DNS_UNKNOWN:
        check_add(d->k, CHECK_WARNING, _("the DKIM key %.*s of %.*s cannot be looked up: %.*s"),
                  SLICE_ARG(w->selector), SLICE_ARG(name), SLICE_ARG(w->found));
    }
}

static void judge_dmarc(const struct check_dns *d, const struct dns_wanted *w,
                        struct slice domain) {
    if (w->state == DNS_RIGHT)
        check_add(d->k, CHECK_OK, _("%.*s has a DMARC record: %.*s"), SLICE_ARG(shown(d, domain)),
                  SLICE_ARG(w->found));
    else if (w->state == DNS_MISSING)
        check_add(d->k, CHECK_WARNING,
                  _("%.*s has no DMARC record, which large providers ask for; add  %.*s. TXT"
                    " \"%.*s\""),
                  SLICE_ARG(shown(d, domain)), SLICE_ARG(w->name), SLICE_ARG(w->value));
    else
        check_add(d->k, CHECK_WARNING, _("the DMARC record of %.*s cannot be looked up: %.*s"),
                  SLICE_ARG(shown(d, domain)), SLICE_ARG(w->found));
}

static void check_author(struct dns_records *r, struct slice domain) WAITS {
    struct problem problem = {0};
    size_t from = r->count;
    int error = dns_records_author(r, domain, &problem);
    if (error < 0)
        check_add(r->d->k, CHECK_WARNING, _("the DKIM keys of %.*s are not known: %s"),
                  SLICE_ARG(shown(r->d, domain)), problem_words(r->d->k->c->arena, &problem));
    for (size_t i = from; i < r->count; i++)
        if (r->list[i].purpose == FOR_DKIM)
            judge_key(r->d, &r->list[i]);
        else
            judge_dmarc(r->d, &r->list[i], domain);
}

/* ------------------------------------------------------------------ all domains */

void check_domains(const struct check_dns *d) {
    struct net_addr senders[CHECK_ADDRESSES];
    struct domain *list = NULL;
    size_t count = 0, sender_count = check_senders(d, senders);
    _cleanup_(directory_access_close_p) struct directory_access *x = NULL;
    int r = directory_access_open(d->k->c, &x, NULL);
    if (r == 0)
        r = access_domain_list(x, d->k->c->arena, &list, &count, NULL);
    if (r < 0)
        return; /* told by check_directory() */
    struct dns_records records = {.d = d, .asks = true};
    (void)server_connect_if_running(d->k->c, ROLE_KEYS, &records.keys, NULL);
    check_author(&records, d->k->c->conf->hostname);
    size_t asked = 0;
    for (; asked < MIN(count, DOMAINS_MAX) && fiber_now() < d->until; asked++) {
        check_mx(d, list[asked].name);
        check_spf(d, list[asked].name, senders, sender_count);
        if (!dns_name_same(list[asked].name, d->k->c->conf->hostname))
            check_author(&records, list[asked].name);
    }
    (void)dns_records_tell(&records, NULL);
    rpc_link_free(records.keys);
    if (sender_count == 0 && count > 0)
        check_add(d->k, CHECK_NOTE,
                  _("SPF cannot be tested from here, since the public address of this host is not"
                    " known; it is that to which its name should lead"));
    if (asked < count)
        check_add(d->k, CHECK_NOTE, _("DNS was asked about the first %zu of %zu domains only"),
                  asked, count);
}
