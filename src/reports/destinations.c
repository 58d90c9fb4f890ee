/* SPDX-License-Identifier: ISC */
#include "reports/destinations.h"

#include <errno.h>

#include "sender/dmarc/dmarc.h"

struct search {
    const struct dns_client *dns;
    struct slice domain, organization;
    struct arena *arena;
    struct slice *list;
    size_t count;
};

static void add(struct search *s, const struct address *address) {
    struct slice text = address_text(s->arena, address);
    for (size_t i = 0; i < s->count; i++)
        if (slice_eq(s->list[i], text))
            return;
    if (s->count < REPORT_DESTINATIONS_MAX)
        s->list[s->count++] = text;
}

/* An address of ASCII with a domain that has a name. */
static bool read_address(struct search *s, struct slice text, struct address *ret) {
    return address_parse(s->arena, text, ADDRESS_LOOSE, ret, NULL) == 0 && !ret->literal &&
           ret->domain.len > 0;
}

/* -E_TEMPORARY: DNS did not answer. */
static int find_organization(struct search *s, struct slice domain, struct slice *ret) WAITS {
    struct dmarc_outcome o;
    int r = dmarc_check(s->dns, domain, NULL, 0, s->arena, &o);
    *ret = o.organization;
    return r == 0 && o.result == DMARC_TEMPERROR ? -E_TEMPORARY : r;
}

/* What the other side has published, with addresses of its own if it names some at the same host;
 * one at another host makes the whole thing void. */
static void take_consent(struct search *s, const struct dns_answer *answer,
                         const struct address *address) {
    struct slice rua = {0}, text;
    struct address other;
    bool wanted = false;
    for (size_t i = 0; i < answer->count; i++) {
        struct dmarc_record record;
        if (!dmarc_record_is(answer->records[i].bytes))
            continue;
        wanted = true;
        dmarc_record_read(answer->records[i].bytes, s->arena, &record);
        rua = rua.len > 0 ? rua : record.rua;
    }
    if (wanted && rua.len == 0)
        add(s, address);
    while (dmarc_next_address(&rua, s->arena, &text))
        if (read_address(s, text, &other) && slice_eq(other.domain, address->domain))
            add(s, &other);
}

static int judge(struct search *s, const struct address *address) WAITS {
    struct slice organization = s->domain;
    struct dns_answer answer;
    int r = 0;
    if (!slice_eq(address->domain, s->domain))
        r = find_organization(s, address->domain, &organization);
    if (r < 0)
        return r;
    if (slice_eq(organization, s->organization) || slice_eq(address->domain, s->domain)) {
        add(s, address);
        return 0;
    }
    struct slice name = arena_printf(s->arena, "%.*s._report._dmarc.%.*s", SLICE_ARG(s->domain),
                                     SLICE_ARG(address->domain));
    r = s->dns->query(s->dns->arg, name, DNS_TXT, s->arena, &answer);
    if (r == 0 && answer.code == DNS_OK)
        take_consent(s, &answer, address);
    return r;
}

int report_destinations(const struct dns_client *dns, struct slice domain, struct slice rua,
                        struct arena *a, struct slice ret[static REPORT_DESTINATIONS_MAX],
                        size_t *ret_count) {
    struct search s = {.dns = dns, .domain = domain, .arena = a, .list = ret};
    struct slice text;
    struct address address;
    int r = find_organization(&s, domain, &s.organization);
    for (unsigned i = 0; r != -ECANCELED && i < REPORT_DESTINATIONS_MAX; i++) {
        if (!dmarc_next_address(&rua, a, &text))
            break;
        if (read_address(&s, text, &address))
            r = judge(&s, &address);
    }
    *ret_count = s.count;
    return r == -ECANCELED ? r : 0;
}

int report_would_come_back(const struct dns_client *dns, struct slice domain, struct arena *a) {
    struct dmarc_outcome o;
    struct slice rua, address;
    int r = dmarc_check(dns, domain, NULL, 0, a, &o);
    if (r < 0 || o.result == DMARC_TEMPERROR)
        return r < 0 ? r : -E_TEMPORARY;
    rua = o.record.rua;
    return dmarc_next_address(&rua, a, &address);
}
