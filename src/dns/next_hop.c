/* SPDX-License-Identifier: ISC */
/*
 * Address literals (RFC 5321 §4.1.3), and how we recognise ourselves.
 */
#include "dns/next_hop.h"

bool next_hop_is_literal(struct slice name) {
    return name.len > 2 && name.ptr[0] == '[' && name.ptr[name.len - 1] == ']';
}

int next_hop_read_literal(struct slice literal, uint16_t port, struct net_addr *ret) {
    struct slice inside = slice_of(literal.ptr + 1, literal.len - 2);
    bool tagged = slice_starts_nocase(inside, S("IPv6:"));
    if (tagged)
        inside = slice_from(inside, 5);
    int r = net_parse(inside, port, ret);
    if (r < 0 || net_port(ret) != port || (tagged && ret->any.sa_family != AF_INET6))
        return -E_SYNTAX;
    return 0;
}

/* ------------------------------------------------------------------ ourselves */

static bool is_unspecified(const struct net_addr *addr) {
    if (addr->any.sa_family == AF_INET)
        return (ntohl(addr->in.sin_addr.s_addr) >> 24) == 0;
    return IN6_IS_ADDR_UNSPECIFIED(&addr->in6.sin6_addr);
}

bool search_has_own_address(const struct dns_search *search, const struct net_addr *addr) {
    if (search->loopback_is_own && (net_is_loopback(addr) || is_unspecified(addr)))
        return true;
    for (size_t i = 0; i < search->own_address_count; i++) {
        const struct net_addr *own = &search->own_addresses[i];
        bool same_port = net_port(own) == 0 || net_port(own) == net_port(addr);
        if (same_port && net_same_host(own, addr))
            return true;
    }
    return false;
}

bool search_has_own_name(const struct dns_search *search, struct slice name) {
    for (size_t i = 0; i < search->own_name_count; i++)
        if (dns_name_same(search->own_names[i], name))
            return true;
    return false;
}

void next_hop_report(const struct dns_search *search, struct arena *a, const char *format, ...) {
    if (!search->event)
        return;
    va_list args;
    va_start(args, format);
    struct slice sentence = arena_printf_v(a, format, args);
    va_end(args);
    search->event(search->event_arg, sentence);
}
