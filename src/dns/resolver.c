/* SPDX-License-Identifier: ISC */
/*
 * A question is an object from the first one who asks until its answer has been taken by all and
 * has run out of time: first queued, then asked (at most `parallel` at a time), then answered and
 * kept. Those who wait for it count as its users. When the last user gives up before the answer
 * came, the question is withdrawn.
 *
 * The answer is kept in its flat form: the same that travels to other roles, and one copy gives
 * each user a version of its own.
 *
 * libunbound runs its work in a thread of its own and tells through a pipe that answers are there;
 * ub_process() then calls answer_came() in the fiber of resolver_drive(). Setting it up uses more
 * stack than a fiber has, so that happens in a short-lived thread, which also asks one question
 * that the library answers by itself: then everything that it loads when first used is loaded.
 */
#include "dns/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unbound.h>

#include "base/alloc.h"
#include "base/map.h"
#include "fiber/sync.h"
#include "fiber/wait.h"

#define CLASS_IN 1

/* Even a long-lived answer is asked for again after this time. */
#define KEEP_MOST USEC_HOUR

struct resolver {
    struct resolver_options options;
    struct ub_ctx *ctx;
    struct fiber_fd fd;
    struct map questions;
    struct list queued; /* by place */
    struct list kept;   /* by place; the longest unused first */
    unsigned queued_count, kept_count;
    unsigned asking;
    uint64_t asked_of_us, cached, joined, timeouts;
};

enum question_state { QUEUED, ASKING, ANSWERED, WITHDRAWN };

struct question {
    struct resolver *resolver;
    struct slice key; /* type and name; on the heap */
    const char *name; /* in the key */
    uint16_t type;
    enum question_state state;
    struct link place; /* in resolver.queued or .kept */
    unsigned users;
    int async_id;
    struct fiber_cond answered;
    struct buf flat;
    usec_t expires;
};

/* ------------------------------------------------------------------ questions */

static struct question *question_new(struct resolver *r, struct slice key, uint16_t type) {
    struct question *q = NEW(struct question);
    q->resolver = r;
    q->key = slice_of(mem_str(key), key.len);
    q->name = q->key.ptr + slice_find_byte(key, ' ') + 1;
    q->type = type;
    fiber_cond_init(&q->answered);
    (void)map_put(&r->questions, q->key, q);
    return q;
}

static void question_free(struct question *q) {
    buf_done(&q->flat);
    free((char *)q->key.ptr);
    free(q);
}

/* Takes it out of the table: a later question of the same kind is a new one. */
static void forget(struct question *q) {
    struct resolver *r = q->resolver;
    if (map_get(&r->questions, q->key) == q)
        (void)map_remove(&r->questions, q->key);
    if (link_in_list(&q->place))
        *(q->state == QUEUED ? &r->queued_count : &r->kept_count) -= 1;
    link_remove(&q->place);
}

static void ask_queued(struct resolver *r);

/* No user is left. */
static void question_unused(struct question *q) {
    struct resolver *r = q->resolver;
    if (q->state == ANSWERED) {
        if (!link_in_list(&q->place))
            question_free(q);
        return;
    }
    forget(q);
    bool asked = q->state == ASKING;
    q->state = WITHDRAWN;
    if (asked && ub_cancel(r->ctx, q->async_id) != 0)
        return; /* its answer will still come */
    question_free(q);
    if (asked) {
        r->asking--;
        ask_queued(r);
    }
}

/* Keeps an answer that is worth it, and makes room. */
static void keep(struct question *q, const struct dns_answer *answer) {
    struct resolver *r = q->resolver;
    if (answer->code != DNS_OK || answer->ttl == 0 || r->options.cache_entries == 0) {
        forget(q);
        return;
    }
    q->expires = fiber_now() + MIN(answer->ttl * USEC_SEC, KEEP_MOST);
    list_append(&r->kept, &q->place);
    if (++r->kept_count <= r->options.cache_entries)
        return;
    struct question *oldest = CONTAINER_OF(list_first(&r->kept), struct question, place);
    forget(oldest);
    if (oldest->users == 0)
        question_free(oldest);
}

static void answer_question(struct question *q, const struct dns_answer *answer) {
    q->state = ANSWERED;
    dns_answer_encode(&q->flat, answer);
    keep(q, answer);
    fiber_cond_wake_all(&q->answered);
}

/* ------------------------------------------------------------------ the library's answers */

static struct slice normal_name(const char *text, struct arena *a) {
    char wire[DNS_NAME_WIRE];
    size_t len;
    struct slice name = {NULL, 0};
    if (!text || dns_name_write(slice_of_str(text), wire, &len) < 0)
        return name;
    struct slice rest = slice_of(wire, len);
    (void)dns_name_read(&rest, a, &name);
    return name;
}

static void take_records(struct dns_answer *answer, const struct ub_result *result,
                         struct arena *a) {
    while (answer->count < DNS_RECORDS_MAX && result->data[answer->count])
        answer->count++;
    answer->data = arena_array(a, answer->count, sizeof *answer->data);
    for (size_t i = 0; i < answer->count; i++)
        answer->data[i] = slice_of(result->data[i], (size_t)result->len[i]);
    dns_answer_decode_records(answer, a);
}

static struct dns_answer read_result(const struct question *q, const struct ub_result *result,
                                     struct arena *a) {
    struct dns_answer answer = {.type = q->type};
    answer.secure = result->secure;
    answer.ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
    answer.canonical = normal_name(result->canonname, a);
    if (result->bogus) {
        answer.code = DNS_BOGUS;
        answer.problem = slice_of_str(result->why_bogus);
    } else if (result->havedata) {
        answer.code = DNS_OK;
        take_records(&answer, result, a);
    } else if (result->nxdomain) {
        answer.code = DNS_NXDOMAIN;
    } else {
        answer.code = result->rcode == 0 ? DNS_NODATA : DNS_SERVFAIL;
    }
    return answer;
}

static void answer_came(void *arg, int error, struct ub_result *result) {
    struct question *q = arg;
    struct resolver *r = q->resolver;
    _cleanup_(arena_done) struct arena a = {0};
    r->asking--;
    if (q->state == WITHDRAWN) {
        question_free(q);
    } else {
        struct dns_answer answer = {.code = DNS_SERVFAIL, .type = q->type};
        if (error == 0)
            answer = read_result(q, result, &a);
        else
            answer.problem = slice_of_str(ub_strerror(error));
        answer_question(q, &answer);
    }
    ub_resolve_free(result);
    ask_queued(r);
}

static void ask_queued(struct resolver *r) {
    struct link *k;
    while (r->asking < r->options.parallel && (k = list_pop(&r->queued))) {
        struct question *q = CONTAINER_OF(k, struct question, place);
        r->queued_count--;
        q->state = ASKING;
        int error =
            ub_resolve_async(r->ctx, q->name, q->type, CLASS_IN, q, answer_came, &q->async_id);
        if (error == 0) {
            r->asking++;
            continue;
        }
        struct dns_answer answer = {.code = DNS_SERVFAIL, .type = q->type};
        answer.problem = slice_of_str(ub_strerror(error));
        answer_question(q, &answer);
    }
}

int resolver_drive(struct resolver *r) {
    for (;;) {
        int error = ub_process(r->ctx); /* reads until EAGAIN */
        if (error != 0)
            return -EPIPE;
        fiber_fd_drained(&r->fd);
        int wait = fiber_fd_wait_readable(&r->fd, USEC_NEVER);
        if (wait < 0)
            return wait;
    }
}

/* ------------------------------------------------------------------ asking */

static int make_key(struct slice name, uint16_t type, struct arena *a, struct slice *ret) {
    char wire[DNS_NAME_WIRE];
    size_t len;
    struct slice normal;
    if (dns_name_write(name, wire, &len) < 0)
        return -E_SYNTAX;
    struct slice rest = slice_of(wire, len);
    int r = dns_name_read(&rest, a, &normal);
    if (r == 0)
        *ret = arena_printf(a, "%u %.*s", type, SLICE_ARG(normal));
    return r;
}

/* The question of this key, whether kept, under way or new. */
static struct question *find_question(struct resolver *r, struct slice key, uint16_t type) {
    struct question *q = map_get(&r->questions, key);
    if (q && q->state == ANSWERED && q->expires <= fiber_now()) {
        forget(q);
        if (q->users == 0)
            question_free(q);
        q = NULL;
    }
    if (!q) {
        q = question_new(r, key, type);
        list_append(&r->queued, &q->place);
        r->queued_count++;
        q->users++;
        ask_queued(r);
        return q;
    }
    q->users++;
    if (q->state != ANSWERED) {
        r->joined++;
        return q;
    }
    r->cached++;
    link_remove(&q->place);
    list_append(&r->kept, &q->place);
    return q;
}

static int take_answer(const struct question *q, struct arena *a, struct dns_answer *ret) {
    int r = dns_answer_decode(arena_copy(a, buf_slice(&q->flat)), a, ret);
    MUST(r == 0);
    if (q->expires)
        ret->ttl = (uint32_t)(MAX(q->expires - fiber_now(), (usec_t)0) / USEC_SEC);
    return 0;
}

int resolver_query(struct resolver *r, struct slice name, uint16_t type, struct arena *a,
                   struct dns_answer *ret) {
    struct slice key;
    int result = make_key(name, type, a, &key);
    if (result < 0)
        return result;
    r->asked_of_us++;
    struct question *q = find_question(r, key, type);
    usec_t deadline = fiber_now() + r->options.timeout;
    while (result == 0 && q->state != ANSWERED)
        result = fiber_cond_wait_until(&q->answered, deadline);
    if (result == 0) {
        result = take_answer(q, a, ret);
    } else if (result == -ETIMEDOUT) {
        r->timeouts++;
        *ret = (struct dns_answer){.code = DNS_TIMEOUT, .type = type};
        result = 0;
    }
    if (--q->users == 0)
        question_unused(q);
    return result;
}

static int query_as_client(void *arg, struct slice name, uint16_t type, struct arena *a,
                           struct dns_answer *ret) {
    return resolver_query(arg, name, type, a, ret);
}

struct dns_client resolver_client(struct resolver *r) {
    return (struct dns_client){query_as_client, r};
}

void resolver_stats(const struct resolver *r, struct resolver_stats *ret) {
    *ret = (struct resolver_stats){
        .questions = r->asked_of_us,
        .cached = r->cached,
        .joined = r->joined,
        .timeouts = r->timeouts,
        .asking = r->asking,
        .queued = r->queued_count,
        .kept = r->kept_count,
    };
}

/* ------------------------------------------------------------------ setting up */

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

static int set_options(struct resolver *r, struct problem *problem) {
    static const char *const fixed[][2] = {
        {"do-not-query-localhost:", "no"}, /* a server of this host is as good as any */
        {"unblock-lan-zones:", "yes"},     /* names of private addresses */
        {"insecure-lan-zones:", "yes"},
        {"local-zone:", "test. nodefault"},
        {"local-zone:", "invalid. nodefault"},
        {"cache-max-negative-ttl:", "300"}, /* a new domain should be found soon */
        {"prefetch:", "yes"},
        {"outgoing-num-tcp:", "20"},
        {"use-syslog:", "no"},
        {"val-log-level:", "0"},
    };
    unsigned mib = MAX(r->options.cache_mib / 3, 1U);
    int result = 0;
    (void)ub_ctx_debugout(r->ctx, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(fixed) && result == 0; i++)
        result = set(r->ctx, fixed[i][0], fixed[i][1], problem);
    if (result == 0)
        result = set_number(r->ctx, "num-queries-per-thread:", r->options.parallel, "", problem);
    if (result == 0)
        result = set_number(r->ctx, "outgoing-range:", r->options.parallel, "", problem);
    if (result == 0)
        result = set_number(r->ctx, "msg-cache-size:", mib, "m", problem);
    if (result == 0)
        result = set_number(r->ctx, "rrset-cache-size:", 2 * mib, "m", problem);
    return result;
}

static int set_servers(struct resolver *r, struct problem *problem) {
    for (size_t i = 0; i < r->options.server_count; i++) {
        char host[NET_TEXT_SIZE], text[NET_TEXT_SIZE + 8];
        struct slice name = net_format_host(&r->options.servers[i], host);
        (void)snprintf(text, sizeof text, "%.*s@%u", SLICE_ARG(name),
                       net_port(&r->options.servers[i]));
        int error = ub_ctx_set_fwd(r->ctx, text);
        if (error != 0)
            return problem_set(problem, -EINVAL, "name server %s: %s", text, ub_strerror(error));
    }
    return 0;
}

static int set_insecure(struct resolver *r, struct problem *problem) {
    for (size_t i = 0; i < r->options.insecure_count; i++) {
        char name[DNS_NAME_TEXT];
        int result = slice_to_str(r->options.insecure[i], name, sizeof name);
        if (result == 0)
            result = set(r->ctx, "domain-insecure:", name, problem);
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

static int add_trust_anchors(struct resolver *r, struct problem *problem) {
    struct slice rest = r->options.trust_anchors, line;
    while (slice_next(&rest, '\n', &line)) {
        ssize_t comment = slice_find_byte(line, ';');
        line = slice_trim_lines(comment < 0 ? line : slice_first(line, (size_t)comment));
        if (line.len == 0)
            continue;
        _cleanup_(free_p) char *text = mem_str(line);
        if (!looks_like_anchor(line) || ub_ctx_add_ta(r->ctx, text) != 0)
            return problem_set(problem, -E_SYNTAX,
                               "\"%.80s\" is no DNSSEC trust anchor: DS or DNSKEY expected", text);
    }
    return 0;
}

struct setup {
    struct resolver *resolver;
    struct problem *problem;
    int result;
};

static void drop_result(void *arg, int error, struct ub_result *result) {
    *(int *)arg = error;
    ub_resolve_free(result);
}

/* A first question, which the library answers by itself. */
static int ask_first(struct resolver *r, struct problem *problem) {
    int answered = UB_PIPE;
    int error =
        ub_resolve_async(r->ctx, "localhost", DNS_A, CLASS_IN, &answered, drop_result, NULL);
    if (error == 0)
        error = ub_wait(r->ctx);
    if (error == 0)
        error = answered;
    return error == 0
               ? 0
               : problem_set(problem, -EIO, "libunbound does not start: %s", ub_strerror(error));
}

static void *set_up(void *arg) {
    struct setup *s = arg;
    struct resolver *r = s->resolver;
    r->ctx = ub_ctx_create();
    if (!r->ctx) {
        s->result = problem_set(s->problem, -ENOMEM, "libunbound gives no context");
        return NULL;
    }
    (void)ub_ctx_async(r->ctx, 1);
    s->result = set_options(r, s->problem);
    if (s->result == 0)
        s->result = set_servers(r, s->problem);
    if (s->result == 0)
        s->result = set_insecure(r, s->problem);
    if (s->result == 0)
        s->result = add_trust_anchors(r, s->problem);
    if (s->result == 0)
        s->result = ask_first(r, s->problem);
    return NULL;
}

static int run_in_thread(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, fn, arg);
    return error ? -error : -pthread_join(thread, NULL);
}

int resolver_new(const struct resolver_options *options, struct resolver **ret,
                 struct problem *problem) {
    MUST(options->parallel > 0 && options->timeout > 0);
    _cleanup_(resolver_free_p) struct resolver *r = NEW(struct resolver);
    r->options = *options;
    r->fd.fd = -1;
    list_init(&r->queued);
    list_init(&r->kept);
    struct setup setup = {.resolver = r, .problem = problem};
    int result = run_in_thread(set_up, &setup);
    if (result < 0)
        return problem_set(problem, result, "no thread: %s", error_text(result));
    if (setup.result < 0)
        return setup.result;
    result = fiber_fd_init(&r->fd, ub_fd(r->ctx));
    if (result < 0)
        return problem_set(problem, result, "libunbound's descriptor: %s", error_text(result));
    *ret = TAKE_PTR(r);
    return 0;
}

void resolver_free(struct resolver *r) {
    if (!r)
        return;
    if (r->fd.fd >= 0)
        fiber_fd_done(&r->fd);
    if (r->ctx)
        ub_ctx_delete(r->ctx);
    struct link *k;
    while ((k = list_first(&r->kept))) {
        struct question *q = CONTAINER_OF(k, struct question, place);
        forget(q);
        question_free(q);
    }
    map_done(&r->questions);
    free(r);
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
