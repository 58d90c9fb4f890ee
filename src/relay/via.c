/* SPDX-License-Identifier: ISC */
/*
 * The closest route counts: the domain itself before ".parent", a longer parent before a shorter
 * one, "*" last; then the smart host. With a login TLS is demanded and verified unless the settings
 * say otherwise, since a password is at stake. Where the settings say nothing of TLS, the domain's
 * own policies count; so a route with tls=may is the way around one that is broken.
 */
#include "relay/via.h"

#include "message/address/domain.h"

/* How close a route's domain is; 0: it is not for this one. */
static size_t closeness(struct slice pattern, struct slice domain) {
    if (slice_eq(pattern, S("*")))
        return 1;
    if (pattern.len > 0 && pattern.ptr[0] == '.')
        return slice_ends(domain, pattern) && domain.len > pattern.len ? 1 + pattern.len : 0;
    return slice_eq(pattern, domain) ? SIZE_MAX : 0;
}

static const struct conf_route *find_route(const struct conf *conf, struct slice domain) {
    const struct conf_route *best = NULL;
    size_t closest = 0;
    for (size_t i = 0; i < conf->relay.route.count; i++) {
        const struct conf_route *route = &conf->relay.route.list[i];
        size_t close = closeness(route->domain, domain);
        if (close <= closest)
            continue;
        best = route;
        closest = close;
    }
    return best;
}

static enum relay_tls tls_of(const struct conf *conf, enum conf_relay_tls tls, bool login) {
    switch (tls) {
    case CONF_RELAY_TLS_NEVER:
        return RELAY_TLS_NEVER;
    case CONF_RELAY_TLS_ENCRYPT:
        return RELAY_TLS_ENCRYPT;
    case CONF_RELAY_TLS_VERIFY:
        return RELAY_TLS_VERIFY;
    case CONF_RELAY_TLS_AUTO:
        if (login)
            return RELAY_TLS_VERIFY;
        break;
    case CONF_RELAY_TLS_MAY:
        break;
    }
    return conf->relay.tls ? RELAY_TLS_MAY : RELAY_TLS_NEVER;
}

const char *relay_tls_word(enum relay_tls tls) {
    static const char *const words[] = {[RELAY_TLS_MAY] = "may",
                                        [RELAY_TLS_NEVER] = "never",
                                        [RELAY_TLS_ENCRYPT] = "encrypt",
                                        [RELAY_TLS_VERIFY] = "verify"};
    return words[tls];
}

/* A host of the settings: its own addresses are looked up, no MX. */
static void set_host(const struct conf *conf, const struct conf_host_port *host, struct slice user,
                     struct arena *a, struct relay_via *via) {
    struct net_addr addr;
    char literal[NET_TEXT_SIZE];
    via->fixed = true;
    via->host = host->host;
    via->user = user;
    via->to = (struct dns_next_hop){.name = host->host, .port = host->port, .no_mx = true};
    if (net_parse(host->host, 0, &addr) == 0)
        via->to.name = arena_copy(a, net_format_literal(&addr, literal));
    via->tls_first = host->port == conf->relay.implicit_tls_port;
}

/* What a host of the settings is asked for, at least: TLS that begins at once is never optional. */
static enum relay_tls demand_of(const struct conf *conf, enum conf_relay_tls tls,
                                const struct relay_via *via) {
    enum relay_tls demand = tls_of(conf, tls, via->user.len > 0);
    return via->tls_first && demand < RELAY_TLS_ENCRYPT ? RELAY_TLS_ENCRYPT : demand;
}

/* Messages that go together get the same TLS, so an unusual demand is part of the name. */
static void name_destination(const struct conf *conf, struct arena *a, struct relay_via *via) {
    via->destination = via->to.name;
    if (via->to.port != 25)
        via->destination = arena_printf(a, "%.*s:%u", SLICE_ARG(via->to.name), via->to.port);
    if (via->user.len > 0)
        via->destination =
            arena_printf(a, "%.*s as %.*s", SLICE_ARG(via->destination), SLICE_ARG(via->user));
    if (via->tls != demand_of(conf, CONF_RELAY_TLS_AUTO, via) ||
        (via->tls == RELAY_TLS_MAY && !via->policies))
        via->destination =
            arena_printf(a, "%.*s, tls=%s", SLICE_ARG(via->destination), relay_tls_word(via->tls));
}

void relay_via_find(const struct conf *conf, struct slice domain, struct arena *a,
                    struct relay_via *ret) {
    domain = domain_fold(a, domain);
    const struct conf_route *route = find_route(conf, domain);
    enum conf_relay_tls said = CONF_RELAY_TLS_AUTO;
    *ret = (struct relay_via){
        .to = {.name = domain, .port = conf->relay.port},
        .destination = domain,
    };
    if (route) {
        ret->rule = arena_printf(a, "relay.route %.*s", SLICE_ARG(route->domain));
        if (route->to.host.len > 0)
            set_host(conf, &route->to, route->user, a, ret);
        said = route->tls;
    } else if (conf->relay.smart_host.host.len > 0) {
        ret->rule = S("relay.smart-host");
        set_host(conf, &conf->relay.smart_host, conf->relay.smart_host_user, a, ret);
        said = conf->relay.smart_host_tls;
    }
    ret->tls = demand_of(conf, said, ret);
    ret->policies = said == CONF_RELAY_TLS_AUTO && ret->tls == RELAY_TLS_MAY;
    if (ret->fixed)
        name_destination(conf, a, ret);
}

bool relay_via_leads_to(const struct conf *conf, struct slice domain, struct slice destination) {
    _cleanup_(arena_done) struct arena a = {0};
    struct relay_via via;
    relay_via_find(conf, domain, &a, &via);
    return slice_eq(via.destination, destination);
}

bool relay_via_verifies(const struct conf *conf) {
    bool login = conf->relay.smart_host_user.len > 0;
    bool some = tls_of(conf, conf->relay.smart_host_tls, login) == RELAY_TLS_VERIFY;
    for (size_t i = 0; i < conf->relay.route.count; i++) {
        const struct conf_route *route = &conf->relay.route.list[i];
        some = some || tls_of(conf, route->tls, route->user.len > 0) == RELAY_TLS_VERIFY;
    }
    return some;
}

struct slice relay_password_find(struct slice text, struct slice host, struct slice user) {
    struct slice line, word;
    while (slice_next(&text, '\n', &line)) {
        line = slice_trim_lines(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (slice_next_word(&line, &word) && slice_eq_nocase(word, host) &&
            slice_next_word(&line, &word) && slice_eq(word, user) && slice_trim(line).len > 0)
            return slice_trim(line);
    }
    return (struct slice){NULL, 0};
}
