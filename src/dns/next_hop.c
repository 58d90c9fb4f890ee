/* SPDX-License-Identifier: ISC */
/*
 * Address literals (RFC 5321 §4.1.3), smart hosts as people write them, and how we recognise
 * ourselves.
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

int dns_next_hop_parse(struct slice text, uint16_t default_port, struct dns_next_hop *ret) {
    struct slice name = text, rest = {NULL, 0};
    bool bracketed = text.len > 0 && text.ptr[0] == '[';
    ssize_t end = slice_find_byte(text, bracketed ? ']' : ':');
    if (bracketed && end < 0)
        return -E_SYNTAX;
    if (end >= 0) {
        size_t name_len = (size_t)end + (bracketed ? 1 : 0);
        name = slice_first(text, name_len);
        rest = slice_from(text, name_len);
    }
    uint64_t port = default_port;
    if (rest.len && (rest.ptr[0] != ':' || slice_to_u64(slice_from(rest, 1), 65535, &port) < 0))
        return -E_SYNTAX;
    struct net_addr addr;
    if (bracketed && next_hop_read_literal(name, (uint16_t)port, &addr) < 0)
        name = slice_of(name.ptr + 1, name.len - 2);
    char wire[DNS_NAME_WIRE];
    size_t wire_len;
    if (port == 0 || (!next_hop_is_literal(name) && dns_name_write(name, wire, &wire_len) < 0))
        return -E_SYNTAX;
    *ret = (struct dns_next_hop){.name = name, .port = (uint16_t)port, .no_mx = bracketed};
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
