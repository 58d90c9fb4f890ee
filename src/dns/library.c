/* SPDX-License-Identifier: ISC */
/*
 * The settings of libunbound. It puts records of 64 KiB on its stack while it reads them, more than
 * a fiber has, so this happens in a thread that ends with it. That thread also asks one question
 * that the library answers by itself: then everything that it loads when first used is loaded, and
 * a setting that it only now finds bad is found.
 */
#include "dns/library.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"

static int set(struct ub_ctx *ctx, const char *name, const char *value, struct problem *problem) {
    int error = ub_ctx_set_option(ctx, name, value);
    if (error == 0)
        return 0;
    return problem_set(problem, -EINVAL, "libunbound does not take \"%s %s\": %s", name, value,
                       ub_strerror(error));
}

static int set_number(struct ub_ctx *ctx, const char *name, unsigned value, const char *unit,
                      struct problem *problem) {
    char text[32];
    (void)snprintf(text, sizeof text, "%u%s", value, unit);
    return set(ctx, name, text, problem);
}

static int set_options(struct ub_ctx *ctx, const struct resolver_options *o,
                       struct problem *problem) {
    static const char *const fixed[][2] = {
        {"do-not-query-localhost:", "no"}, /* a server of this host is as good as any */
        {"unblock-lan-zones:", "yes"},     /* names of private addresses */
        {"insecure-lan-zones:", "yes"},
        {"local-zone:", "test. transparent"},
        {"local-zone:", "invalid. transparent"},
        {"cache-max-negative-ttl:", "300"}, /* a new domain should be found soon */
        {"prefetch:", "yes"},
        {"outgoing-num-tcp:", "20"},
        {"use-syslog:", "no"},
        {"val-log-level:", "0"},
    };
    unsigned mib = MAX(o->cache_mib / 3, 1U);
    int result = 0;
    (void)ub_ctx_debugout(ctx, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(fixed) && result == 0; i++)
        result = set(ctx, fixed[i][0], fixed[i][1], problem);
    if (result == 0)
        result = set_number(ctx, "num-queries-per-thread:", o->parallel, "", problem);
    if (result == 0)
        result = set_number(ctx, "outgoing-range:", o->parallel, "", problem);
    if (result == 0)
        result = set_number(ctx, "msg-cache-size:", mib, "m", problem);
    if (result == 0)
        result = set_number(ctx, "rrset-cache-size:", 2 * mib, "m", problem);
    return result;
}

/* The library judges a server by its answers so far: it gives one that is quick five tries within
 * 1.6 s, and asks one that was often silent no more for a while. Of a name server that is to find
 * everything neither is true: it is as slow, and as silent, as the name's own servers are. So it
 * has the patience that one has of whom nothing is known (12 s), and what is known is forgotten
 * after a second, the least. */
static int set_servers(struct ub_ctx *ctx, const struct resolver_options *o,
                       struct problem *problem) {
    static const char *const patient[][2] = {{"infra-host-ttl:", "1"},
                                             {"infra-cache-min-rtt:", "376"}};
    for (size_t i = 0; i < ARRAY_SIZE(patient) && o->server_count > 0; i++) {
        int result = set(ctx, patient[i][0], patient[i][1], problem);
        if (result < 0)
            return result;
    }
    for (size_t i = 0; i < o->server_count; i++) {
        char host[NET_TEXT_SIZE], text[NET_TEXT_SIZE + 8];
        struct slice name = net_format_host(&o->servers[i], host);
        (void)snprintf(text, sizeof text, "%.*s@%u", SLICE_ARG(name), net_port(&o->servers[i]));
        int error = ub_ctx_set_fwd(ctx, text);
        if (error != 0)
            return problem_set(problem, -EINVAL, "name server %s: %s", text, ub_strerror(error));
    }
    return 0;
}

static int set_insecure(struct ub_ctx *ctx, const struct resolver_options *o,
                        struct problem *problem) {
    for (size_t i = 0; i < o->insecure_count; i++) {
        char name[DNS_NAME_TEXT];
        int result = slice_to_str(o->insecure[i], name, sizeof name);
        if (result == 0)
            result = set(ctx, "domain-insecure:", name, problem);
        if (result < 0)
            return result;
    }
    return 0;
}

/* "NAME [TTL] [CLASS] DS|DNSKEY" and four more fields; the library looks at them only later. */
static bool looks_like_anchor(struct slice line) {
    struct slice word;
    unsigned words = 0, type_at = 0;
    while (slice_next_word(&line, &word)) {
        words++;
        if (!type_at && (slice_eq_nocase(word, S("DS")) || slice_eq_nocase(word, S("DNSKEY"))))
            type_at = words;
    }
    return type_at >= 2 && type_at <= 4 && words >= type_at + 4;
}

static int add_trust_anchors(struct ub_ctx *ctx, const struct resolver_options *o,
                             struct problem *problem) {
    struct slice rest = o->trust_anchors, line;
    while (slice_next(&rest, '\n', &line)) {
        ssize_t comment = slice_find_byte(line, ';');
        line = slice_trim_lines(comment < 0 ? line : slice_first(line, (size_t)comment));
        if (line.len == 0)
            continue;
        _cleanup_(free_p) char *text = mem_str(line);
        if (!looks_like_anchor(line) || ub_ctx_add_ta(ctx, text) != 0)
            return problem_set(problem, -E_SYNTAX,
                               "\"%.80s\" is no DNSSEC trust anchor: DS or DNSKEY expected", text);
    }
    return 0;
}

static void drop_result(void *arg, int error, struct ub_result *result) {
    *(int *)arg = error;
    ub_resolve_free(result);
}

/* A first question, which the library answers by itself. */
static int ask_first(struct ub_ctx *ctx, struct problem *problem) {
    int answered = UB_PIPE;
    int error =
        ub_resolve_async(ctx, "localhost", DNS_A, DNS_CLASS_IN, &answered, drop_result, NULL);
    if (error == 0)
        error = ub_wait(ctx);
    if (error == 0)
        error = answered;
    return error == 0
               ? 0
               : problem_set(problem, -EIO, "libunbound does not start: %s", ub_strerror(error));
}

struct setup {
    const struct resolver_options *options;
    struct ub_ctx *ctx;
    struct problem *problem;
    int result;
};

static void *set_up(void *arg) {
    struct setup *s = arg;
    s->ctx = ub_ctx_create();
    if (!s->ctx) {
        s->result = problem_set(s->problem, -ENOMEM, "libunbound gives no context");
        return NULL;
    }
    (void)ub_ctx_async(s->ctx, 1);
    s->result = set_options(s->ctx, s->options, s->problem);
    if (s->result == 0)
        s->result = set_servers(s->ctx, s->options, s->problem);
    if (s->result == 0)
        s->result = set_insecure(s->ctx, s->options, s->problem);
    if (s->result == 0)
        s->result = add_trust_anchors(s->ctx, s->options, s->problem);
    if (s->result == 0)
        s->result = ask_first(s->ctx, s->problem);
    return NULL;
}

int library_open(const struct resolver_options *options, struct ub_ctx **ret,
                 struct problem *problem) {
    struct setup setup = {.options = options, .problem = problem};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, set_up, &setup);
    if (error != 0)
        return problem_set(problem, -error, "no thread for libunbound: %s", error_text(error));
    (void)pthread_join(thread, NULL);
    if (setup.result == 0)
        *ret = setup.ctx;
    else if (setup.ctx)
        ub_ctx_delete(setup.ctx);
    return setup.result;
}

/* ------------------------------------------------------------------ resolv.conf */

size_t resolver_read_resolv_conf(struct slice text, struct net_addr *ret, size_t max) {
    size_t count = 0;
    struct slice line, word, address;
    while (count < max && slice_next(&text, '\n', &line)) {
        if (!slice_next_word(&line, &word) || !slice_eq(word, S("nameserver")))
            continue;
        if (slice_next_word(&line, &address) &&
            net_parse(slice_trim_lines(address), 53, &ret[count]) == 0)
            count++;
    }
    return count;
}
