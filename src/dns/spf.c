/* SPDX-License-Identifier: ISC */
/*
 * A record is read term by term and the first mechanism that matches decides. Includes go deeper,
 * at most as often as DNS may be asked. SPF_NONE of an inner step stands for "does not match".
 */
#include "dns/spf.h"

#define LOOKUPS_MAX 10U /* RFC 7208 §4.6.4 */
#define VOID_MAX    2U
#define MX_MAX      10U /* hosts of one mx mechanism */

struct search {
    const struct dns_client *dns;
    const struct net_addr *addr;
    struct arena *arena;
    unsigned lookups, voids;
};

/* One mechanism, "-mx:example.net/24": its result when it matches. */
struct term {
    enum spf_result result;
    struct slice name, value; /* "mx", "example.net"; no value: empty */
    unsigned bits4, bits6;
};

static enum spf_result check(struct search *s, struct slice domain, struct slice *ret_record) WAITS;

/* ------------------------------------------------------------------ DNS */

/* SPF_PASS with records (maybe none), or why there is no answer that counts. */
static enum spf_result ask(struct search *s, struct slice name, uint16_t type,
                           struct dns_answer *ret) WAITS {
    int r = s->dns->query(s->dns->arg, name, type, s->arena, ret);
    if (r == -E_SYNTAX)
        return SPF_PERMERROR;
    if (r < 0 || ret->code > DNS_NODATA)
        return SPF_TEMPERROR;
    return SPF_PASS;
}

/* The same for a question that counts against the limits. */
static enum spf_result ask_counted(struct search *s, struct slice name, uint16_t type,
                                   struct dns_answer *ret) WAITS {
    enum spf_result r = ask(s, name, type, ret);
    if (r == SPF_PASS && ret->count == 0 && ++s->voids > VOID_MAX)
        return SPF_PERMERROR;
    return r;
}

static enum spf_result find_record(struct search *s, struct slice domain, struct slice *ret) WAITS {
    struct dns_answer answer;
    unsigned found = 0;
    enum spf_result r = ask(s, domain, DNS_TXT, &answer);
    if (r != SPF_PASS)
        return r;
    for (size_t i = 0; i < answer.count; i++) {
        struct slice text = answer.records[i].bytes;
        if (!slice_starts_nocase(text, S("v=spf1")) || (text.len > 6 && text.ptr[6] != ' '))
            continue;
        *ret = text;
        found++;
    }
    return found == 0 ? SPF_NONE : found == 1 ? SPF_PASS : SPF_PERMERROR;
}

/* ------------------------------------------------------------------ mechanisms */

/* Whether an address of the name is ours, up to the term's bits. */
static enum spf_result match_host(struct search *s, struct slice name, const struct term *t) WAITS {
    struct dns_answer answer;
    bool v4 = s->addr->any.sa_family == AF_INET;
    enum spf_result r = ask_counted(s, name, v4 ? DNS_A : DNS_AAAA, &answer);
    if (r != SPF_PASS)
        return r;
    for (size_t i = 0; i < answer.count; i++) {
        struct net_range range = {.bits = v4 ? t->bits4 : t->bits6};
        if (net_from_bytes(answer.records[i].bytes, 0, &range.base) == 0 &&
            net_range_has(&range, s->addr))
            return t->result;
    }
    return SPF_NONE;
}

static enum spf_result match_mx(struct search *s, struct slice domain, const struct term *t) WAITS {
    struct dns_answer answer;
    enum spf_result r = ask_counted(s, domain, DNS_MX, &answer);
    if (r == SPF_PASS && answer.count > MX_MAX)
        return SPF_PERMERROR;
    if (r == SPF_PASS)
        r = SPF_NONE;
    for (size_t i = 0; r == SPF_NONE && i < answer.count; i++) {
        if (!slice_eq(answer.records[i].name, S(".")))
            r = match_host(s, answer.records[i].name, t);
    }
    return r;
}

static enum spf_result match_include(struct search *s, const struct term *t) WAITS {
    struct slice record = {NULL, 0};
    switch (check(s, t->value, &record)) {
    case SPF_PASS:
        return t->result;
    case SPF_FAIL:
    case SPF_SOFTFAIL:
    case SPF_NEUTRAL:
        return SPF_NONE;
    case SPF_TEMPERROR:
        return SPF_TEMPERROR;
    case SPF_UNKNOWN:
        return SPF_UNKNOWN;
    case SPF_NONE:
    case SPF_PERMERROR:
        break;
    }
    return SPF_PERMERROR;
}

static enum spf_result match_range(const struct search *s, const struct term *t, int family) {
    struct net_range range;
    if (net_range_parse(t->value, &range) < 0 || range.base.any.sa_family != family)
        return SPF_PERMERROR;
    return net_range_has(&range, s->addr) ? t->result : SPF_NONE;
}

static enum spf_result match(struct search *s, struct slice domain, const struct term *t) WAITS {
    struct slice target = t->value.len > 0 ? t->value : domain;
    if (slice_eq_nocase(t->name, S("all")))
        return t->result;
    if (slice_eq_nocase(t->name, S("ip4")))
        return match_range(s, t, AF_INET);
    if (slice_eq_nocase(t->name, S("ip6")))
        return match_range(s, t, AF_INET6);
    if (slice_find_byte(t->value, '%') >= 0 || slice_eq_nocase(t->name, S("ptr")))
        return SPF_UNKNOWN;
    if (++s->lookups > LOOKUPS_MAX)
        return SPF_PERMERROR;
    if (slice_eq_nocase(t->name, S("a")))
        return match_host(s, target, t);
    if (slice_eq_nocase(t->name, S("mx")))
        return match_mx(s, target, t);
    if (slice_eq_nocase(t->name, S("exists")) && t->value.len > 0) {
        struct dns_answer answer;
        enum spf_result r = ask_counted(s, t->value, DNS_A, &answer);
        return r != SPF_PASS ? r : answer.count > 0 ? t->result : SPF_NONE;
    }
    if (slice_eq_nocase(t->name, S("include")) && t->value.len > 0)
        return match_include(s, t);
    return SPF_PERMERROR;
}

/* ------------------------------------------------------------------ records */

/* "/24", "//64", "/24//64" behind a or mx. */
static bool read_bits(struct slice text, struct term *t) {
    uint64_t bits4 = 32, bits6 = 128;
    ssize_t both = slice_find(text, S("//"));
    struct slice first = both < 0 ? text : slice_first(text, (size_t)both);
    bool ok = first.len == 0 || slice_to_u64(slice_from(first, 1), 32, &bits4) == 0;
    if (both >= 0)
        ok = ok && slice_to_u64(slice_from(text, (size_t)both + 2), 128, &bits6) == 0;
    t->bits4 = (unsigned)bits4;
    t->bits6 = (unsigned)bits6;
    return ok;
}

static bool read_term(struct slice word, struct term *t) {
    static const enum spf_result results[] = {SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL};
    ssize_t sign = slice_find_byte(S("+-~?"), word.ptr[0]);
    *t = (struct term){.result = results[MAX(sign, (ssize_t)0)], .bits4 = 32, .bits6 = 128};
    if (sign >= 0)
        word = slice_from(word, 1);
    ssize_t colon = slice_find_byte(word, ':');
    struct slice head = colon < 0 ? word : slice_first(word, (size_t)colon);
    t->value = colon < 0 ? slice_of(NULL, 0) : slice_from(word, (size_t)colon + 1);
    t->name = head;
    if (slice_starts_nocase(head, S("ip")))
        return t->value.len > 0;
    struct slice *last = colon < 0 ? &t->name : &t->value;
    ssize_t slash = slice_find_byte(*last, '/');
    if (slash < 0)
        return t->name.len > 0;
    struct slice bits = slice_from(*last, (size_t)slash);
    *last = slice_first(*last, (size_t)slash);
    return t->name.len > 0 && read_bits(bits, t);
}

/* A modifier is "name=value" (§6); a mechanism has no "=" before its ":" or "/". */
static bool is_modifier(struct slice word) {
    ssize_t equals = slice_find_byte(word, '=');
    ssize_t colon = slice_find_byte(word, ':'), slash = slice_find_byte(word, '/');
    return equals > 0 && (colon < 0 || equals < colon) && (slash < 0 || equals < slash);
}

static enum spf_result check(struct search *s, struct slice domain, struct slice *ret_record) {
    struct slice word, redirect = {NULL, 0};
    enum spf_result r = find_record(s, domain, ret_record);
    if (r != SPF_PASS)
        return r;
    struct slice rest = slice_from(*ret_record, 6);
    while (slice_next_word(&rest, &word)) {
        struct term t;
        if (slice_starts_nocase(word, S("redirect=")))
            redirect = slice_from(word, 9);
        if (is_modifier(word))
            continue;
        r = read_term(word, &t) ? match(s, domain, &t) : SPF_PERMERROR;
        if (r != SPF_NONE)
            return r;
    }
    if (redirect.len == 0)
        return SPF_NEUTRAL;
    if (slice_find_byte(redirect, '%') >= 0)
        return SPF_UNKNOWN;
    if (++s->lookups > LOOKUPS_MAX)
        return SPF_PERMERROR;
    struct slice record = {NULL, 0};
    r = check(s, redirect, &record);
    return r == SPF_NONE ? SPF_PERMERROR : r;
}

enum spf_result spf_check(const struct dns_client *dns, struct slice domain,
                          const struct net_addr *addr, struct arena *a, struct slice *ret_record) {
    struct search s = {.dns = dns, .addr = addr, .arena = a};
    *ret_record = slice_of(NULL, 0);
    return check(&s, domain, ret_record);
}
