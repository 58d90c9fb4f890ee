/* SPDX-License-Identifier: ISC */
#include "policy/dane.h"

#include <errno.h>

#include "base/words.h"

struct judging {
    const struct dane_question *q;
    struct arena *a;
    enum dane_outcome outcome;
    struct tls_policy *policy;
    struct slice why;
};

int dane_record_read(struct slice data, struct tls_record *ret) {
    if (data.len < 3)
        return -E_SYNTAX;
    struct tls_record record = {
        .usage = (uint8_t)data.ptr[0],
        .selector = (uint8_t)data.ptr[1],
        .matching = (uint8_t)data.ptr[2],
        .data = slice_from(data, 3),
    };
    if (!tls_record_usable(&record))
        return -ENOTSUP;
    *ret = record;
    return 0;
}

/* 1, so that steps read `return settle(...)`. */
static int PRINTF_LIKE(3, 4)
    settle(struct judging *j, enum dane_outcome outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    j->outcome = outcome;
    j->why = arena_printf_v(j->a, format, args);
    va_end(args);
    return 1;
}

/* ------------------------------------------------------------------ names */

static void add_name(struct tls_policy *p, struct slice name) {
    for (size_t i = 0; i < p->name_count; i++)
        if (dns_name_same(p->names[i], name))
            return;
    if (name.len > 0 && p->name_count < TLS_POLICY_NAMES)
        p->names[p->name_count++] = name;
}

/* RFC 7672 §3.2.2: all names that led here securely. */
static void set_names(struct judging *j, struct slice base) {
    struct tls_policy *p = j->policy;
    p->server_name = base;
    add_name(p, base);
    add_name(p, j->q->host->name);
    add_name(p, j->q->to.name);
    add_name(p, j->q->way->canonical);
}

/* ------------------------------------------------------------------ records */

/* Takes a secure answer; 1. */
static int take_records(struct judging *j, struct slice base, struct slice owner,
                        const struct dns_answer *answer) {
    size_t count = MIN(answer->count, DANE_RECORDS_MAX), usable = 0;
    struct tls_record *records = arena_array(j->a, count, sizeof *records);
    for (size_t i = 0; i < count; i++)
        usable += dane_record_read(answer->data[i], &records[usable]) == 0;
    *j->policy = (struct tls_policy){
        .kind = TLS_POLICY_DANE,
        .demand = usable > 0 ? TLS_DEMAND_RECORDS : TLS_DEMAND_ANY,
        .records = records,
        .record_count = usable,
    };
    set_names(j, base);
    if (usable == 0)
        (void)settle(j, DANE_HOLDS,
                     P_("the %zu TLSA record at %.*s cannot be used, so any certificate will do",
                        "none of the %zu TLSA records at %.*s can be used, so any certificate will "
                        "do",
                        answer->count),
                     answer->count, SLICE_ARG(owner));
    else
        (void)settle(j, DANE_HOLDS,
                     P_("%zu TLSA record at %.*s", "%zu TLSA records at %.*s", usable), usable,
                     SLICE_ARG(owner));
    j->policy->why = j->why;
    return 1;
}

/* 0: nothing there says that DANE holds; 1: settled; -ECANCELED. */
static int ask_records(struct judging *j, struct slice base) WAITS {
    struct slice owner = arena_printf(j->a, "_%u._tcp.%.*s", j->q->to.port, SLICE_ARG(base));
    struct dns_answer answer;
    char wire[DNS_NAME_WIRE];
    size_t wire_len;
    (void)settle(j, DANE_NONE, _("there are no TLSA records at %.*s"), SLICE_ARG(owner));
    if (dns_name_write(owner, wire, &wire_len) < 0)
        return 0; /* too long for anybody to have records there */
    int r = j->q->dns->query(j->q->dns->arg, owner, DNS_TLSA, j->a, &answer);
    if (r == -ECANCELED)
        return r;
    if (r < 0 || answer.code >= DNS_SERVFAIL)
        return settle(j, DANE_ERROR, _("TLSA look-up of %.*s failed: %s"), SLICE_ARG(owner),
                      r < 0 ? error_words(r) : translated(dns_code_text(answer.code)));
    if (answer.code == DNS_OK && answer.secure)
        return take_records(j, base, owner, &answer);
    if (answer.code == DNS_OK)
        (void)settle(j, DANE_NONE, _("the TLSA records at %.*s are not signed"), SLICE_ARG(owner));
    return 0;
}

/* ------------------------------------------------------------------ the host */

/*
 * The addresses are not secure. If the host is an alias that leads out of a signed zone, the name
 * of the alias itself may still have records (RFC 7672 §2.2.2). As ask_records().
 */
static int ask_alias(struct judging *j) WAITS {
    const struct dns_host *host = j->q->host;
    struct dns_answer answer;
    (void)settle(j, DANE_NONE, _("the addresses of %.*s are not signed"), SLICE_ARG(host->name));
    if (host->canonical.len == 0)
        return 0;
    int r = j->q->dns->query(j->q->dns->arg, host->name, DNS_CNAME, j->a, &answer);
    if (r == -ECANCELED)
        return r;
    if (r < 0 || answer.code >= DNS_SERVFAIL)
        return settle(j, DANE_ERROR, _("CNAME look-up of %.*s failed: %s"), SLICE_ARG(host->name),
                      r < 0 ? error_words(r) : translated(dns_code_text(answer.code)));
    return answer.code == DNS_OK && answer.secure ? ask_records(j, host->name) : 0;
}

static int judge(struct judging *j) WAITS {
    const struct dane_question *q = j->q;
    if (q->host->name.ptr[0] == '[')
        return settle(j, DANE_NONE, _("%.*s is an address"), SLICE_ARG(q->host->name));
    if (!q->way->secure)
        return settle(j, DANE_NONE, _("what names the hosts of %.*s is not signed"),
                      SLICE_ARG(q->to.name));
    if (!q->host->secure)
        return ask_alias(j);
    int r = q->host->canonical.len > 0 ? ask_records(j, q->host->canonical) : 0;
    return r != 0 ? r : ask_records(j, q->host->name);
}

int dane_judge(const struct dane_question *q, struct arena *a, enum dane_outcome *ret_outcome,
               struct tls_policy *ret_policy, struct slice *ret_why) {
    struct tls_policy policy = {0};
    struct judging j = {.q = q, .a = a, .policy = &policy};
    int r = judge(&j);
    if (r < 0)
        return r;
    if (j.outcome == DANE_HOLDS)
        *ret_policy = policy;
    *ret_outcome = j.outcome;
    *ret_why = j.why;
    return 0;
}
