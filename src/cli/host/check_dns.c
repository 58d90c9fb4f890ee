/* SPDX-License-Identifier: ISC */
/*
 * What DNS says of this host, seen from here with the same name servers that mail goes by. A
 * firewall or router before us may show the outside something else: what cannot be known from here
 * is a note, never a warning. Nothing here is an error: mail may still be on its way to this host.
 */
#include "cli/host/check_dns.h"

#include "cli/lookup.h"
#include "role/master/state.h"
#include "rpc/calls.h"

#define PATIENCE (30 * USEC_SEC)
#define PROBE    (5 * USEC_SEC) /* for the first answer */
#define TYPE_SOA 6U

/* ------------------------------------------------------------------ this host */

static struct slice text_of(const struct check_dns *d, const struct net_addr *a) {
    char text[NET_TEXT_SIZE];
    return arena_copy(d->k->c->arena, net_format_host(a, text));
}

static bool has_public_address(const struct check_dns *d, int family) {
    for (size_t i = 0; i < d->own_count; i++) {
        if (d->own[i].any.sa_family == family && !check_is_private(&d->own[i]))
            return true;
    }
    return false;
}

static void judge_address(const struct check_dns *d, const struct net_addr *a) {
    struct slice host = d->k->c->conf->hostname, text = text_of(d, a);
    if (check_is_private(a))
        check_add(d->k, CHECK_WARNING,
                  _("%.*s leads to %.*s, a private address, which nobody outside can reach"),
                  SLICE_ARG(host), SLICE_ARG(text));
    else if (check_has_address(d->own, d->own_count, a))
        check_add(d->k, CHECK_OK, _("%.*s leads to %.*s, an address of this host"), SLICE_ARG(host),
                  SLICE_ARG(text));
    else if (has_public_address(d, a->any.sa_family))
        check_add(d->k, CHECK_WARNING,
                  _("%.*s leads to %.*s, and this host has other addresses; change the record, or"
                    " the addresses of this host"),
                  SLICE_ARG(host), SLICE_ARG(text));
    else
        check_add(d->k, CHECK_OK,
                  _("%.*s leads to %.*s, which this host does not have itself; that is right where"
                    " a router passes the ports on (NAT)"),
                  SLICE_ARG(host), SLICE_ARG(text));
}

static void check_ptr(const struct check_dns *d, const struct net_addr *a) WAITS {
    struct arena *arena = d->k->c->arena;
    struct slice host = d->k->c->conf->hostname, text = text_of(d, a);
    struct dns_answer answer = {0};
    struct slice bytes = a->any.sa_family == AF_INET
                             ? slice_of(&a->in.sin_addr, sizeof a->in.sin_addr)
                             : slice_of(&a->in6.sin6_addr, sizeof a->in6.sin6_addr);
    struct slice name = dns_reverse_name(arena, bytes);
    int r = d->client.query(d->client.arg, name, DNS_PTR, arena, &answer);
    struct slice why = check_no_answer(r, &answer);
    for (size_t i = 0; i < answer.count; i++) {
        if (!dns_name_same(answer.records[i].name, host))
            continue;
        check_add(d->k, CHECK_OK, _("%.*s leads back to %.*s (PTR)"), SLICE_ARG(text),
                  SLICE_ARG(host));
        return;
    }
    if (why.len > 0)
        check_add(d->k, CHECK_WARNING, _("the PTR record of %.*s cannot be looked up: %.*s"),
                  SLICE_ARG(text), SLICE_ARG(why));
    else if (answer.count == 0)
        check_add(
            d->k, CHECK_WARNING,
            _("%.*s has no PTR record, so many servers will not take mail from it; ask whoever"
              " gave you the address for:  %.*s. PTR %.*s."),
            SLICE_ARG(text), SLICE_ARG(name), SLICE_ARG(host));
    else
        check_add(d->k, CHECK_WARNING,
                  _("the PTR record of %.*s says %.*s and not %.*s, so some servers will not take"
                    " mail from it; ask whoever gave you the address to change it"),
                  SLICE_ARG(text), SLICE_ARG(answer.records[0].name), SLICE_ARG(host));
}

static void check_host(struct check_dns *d) WAITS {
    struct slice why, host = d->k->c->conf->hostname;
    int count = check_addresses(d, host, d->named, &why);
    if (count < 0)
        check_add(d->k, CHECK_WARNING, _("%.*s cannot be looked up: %.*s"), SLICE_ARG(host),
                  SLICE_ARG(why));
    else if (count == 0)
        check_add(
            d->k, CHECK_WARNING,
            _("%.*s has no address in DNS, so other servers and mail programs do not find this"
              " host; add an A record (and AAAA for IPv6)"),
            SLICE_ARG(host));
    d->named_count = (size_t)MAX(count, 0);
    bool sends_itself = check_way_out(d->k->c->conf).len == 0;
    for (size_t i = 0; i < d->named_count; i++) {
        judge_address(d, &d->named[i]);
        if (sends_itself && !check_is_private(&d->named[i]))
            check_ptr(d, &d->named[i]);
    }
}

/* ------------------------------------------------------------------ the resolver */

/* Whether the file of the trust anchors is there; without it nothing is validated. */
static bool has_anchor(struct check *k) {
    struct rpc_field files[STATE_FILES];
    size_t count = state_resolver_files(k->c->conf, k->c->arena, files);
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(files[i].name, S("trust-anchor")))
            return true;
    }
    check_add(k, CHECK_WARNING,
              _("%.*s (dns.trust-anchor) cannot be read, so DNS answers are not validated; install"
                " the package dns-root-data, or set dns.dnssec to no"),
              SLICE_ARG(k->c->conf->dns.trust_anchor));
    return false;
}

/* Asks for what every name server has, and validates it. False: DNS does not work at all. */
static bool check_validation(const struct check_dns *d) WAITS {
    struct check *k = d->k;
    struct dns_answer answer = {0};
    int r = d->client.query(d->client.arg, S("."), TYPE_SOA, k->c->arena, &answer);
    struct slice why = check_no_answer(r, &answer);
    if (r == 0 && answer.code == DNS_BOGUS)
        check_add(
            k, CHECK_WARNING,
            _("DNS answers cannot be validated, and so are not used: the name servers leave the"
              " DNSSEC signatures out, or the clock of this host or the trust anchors are"
              " wrong; name others in dns.resolvers (unbound on this host, say), or set"
              " dns.dnssec to no. Reason: %.*s"),
            SLICE_ARG(why));
    else if (r == 0 && answer.code == DNS_SERVFAIL)
        check_add(
            k, CHECK_WARNING,
            _("DNS does not answer in a way that can be validated, so what it says of this host"
              " cannot be tested now: %.*s; if `dig` gets answers, the name servers do not pass"
              " DNSSEC on: name others in dns.resolvers (unbound on this host, say), or set"
              " dns.dnssec to no; else look at dns.resolvers or /etc/resolv.conf"),
            SLICE_ARG(why));
    else if (why.len > 0)
        check_add(k, CHECK_WARNING,
                  _("DNS does not answer, so what it says of this host cannot be tested now: %.*s;"
                    " look at dns.resolvers or /etc/resolv.conf"),
                  SLICE_ARG(why));
    else if (answer.secure)
        check_add(k, CHECK_OK, _("DNS answers are validated (DNSSEC)"));
    else
        check_add(
            k, CHECK_WARNING,
            _("DNS answers are not validated, although dns.dnssec is yes; were the trust anchors"
              " installed later? Then: hayauma reload"));
    return why.len == 0;
}

static bool check_resolver(const struct check_dns *d) WAITS {
    CLI_WITHIN(PROBE);
    struct check *k = d->k;
    struct dns_answer answer = {0};
    if (k->c->conf->dns.dnssec && has_anchor(k))
        return check_validation(d);
    int r = d->client.query(d->client.arg, k->c->conf->hostname, DNS_A, k->c->arena, &answer);
    struct slice why = check_no_answer(r, &answer);
    if (why.len > 0)
        check_add(k, CHECK_WARNING,
                  _("DNS does not answer, so what it says of this host cannot be tested now: %.*s;"
                    " look at dns.resolvers or /etc/resolv.conf"),
                  SLICE_ARG(why));
    else if (!k->c->conf->dns.dnssec)
        check_add(k, CHECK_OK, _("DNS answers; they are not validated, since dns.dnssec is no"));
    return why.len == 0;
}

/* ------------------------------------------------------------------ the kinds */

void check_dns(struct check *k) {
    if (cli_has(k->c->call, "no-dns"))
        return;
    CLI_WITHIN(PATIENCE);
    struct problem problem = {0};
    struct check_dns *d = ARENA_NEW(k->c->arena, struct check_dns);
    _cleanup_(lookup_close_p) struct lookup *lookup = NULL;
    if (lookup_open(k->c, &lookup, &problem) < 0) {
        check_add(k, CHECK_WARNING, _("DNS cannot be asked: %s"),
                  problem_words(k->c->arena, &problem));
        return;
    }
    d->k = k;
    d->client = lookup_client(lookup);
    d->until = fiber_now() + PATIENCE;
    if (!check_resolver(d))
        return;
    d->own_count = check_own_addresses(d->own);
    check_host(d);
    check_domains(d);
}

void check_reachability(struct check *k) {
    struct slice host = k->c->conf->hostname;
    unsigned port = 25 + k->c->conf->port_offset;
    check_add(
        k, CHECK_NOTE,
        _("whether others reach the ports of this host cannot be tested from here; try it from"
          " another network:  nc -vz %.*s %u"),
        SLICE_ARG(host), port);
    if (check_way_out(k->c->conf).len == 0)
        check_add(k, CHECK_NOTE,
                  _("whether this host may connect to port 25 of others (some providers close it)"
                    " cannot be tested without them; a message to an address elsewhere shows it:"
                    "  hayauma journey ADDRESS"));
}
