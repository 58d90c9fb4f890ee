/* SPDX-License-Identifier: ISC */
/*
 * A question is an object from the first one who asks until its answer has been taken by all and
 * has run out of time: first queued, then asked (at most `parallel` at a time, and of names of one
 * operator at most `share`), then answered and kept. Those who wait for it count as its users. When
 * the last user gives up before the answer came, the question is withdrawn.
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
#include <unbound.h>

#include "base/alloc.h"
#include "base/map.h"
#include "dns/library.h"
#include "dns/shares.h"
#include "fiber/sync.h"
#include "fiber/wait.h"

/* Even a long-lived answer is asked for again after this time. */
#define KEEP_MOST    USEC_HOUR
#define KEEP_MISSING USEC_MIN /* that there is nothing: what is new should be found soon */

struct resolver {
    struct resolver_options options;
    struct ub_ctx *ctx;
    struct fiber_fd fd;
    struct map questions;
    struct shares queued; /* by turn; and who is asked */
    struct list kept;     /* by place; the longest unused first */
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
    struct share_member turn;
    struct link place; /* in resolver.kept */
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
    r->queued_count -= q->state == QUEUED;
    r->kept_count -= link_in_list(&q->place);
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
    shares_remove(&r->queued, &q->turn);
    question_free(q);
    r->asking -= asked;
    ask_queued(r);
}

/* Keeps an answer that is worth it, and makes room. */
static void keep(struct question *q, const struct dns_answer *answer) {
    struct resolver *r = q->resolver;
    usec_t most = answer->code == DNS_OK ? KEEP_MOST : KEEP_MISSING;
    if (answer->code > DNS_NODATA || answer->ttl == 0 || r->options.cache_entries == 0) {
        forget(q);
        return;
    }
    q->expires = fiber_now() + MIN(answer->ttl * USEC_SEC, most);
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
    shares_remove(&q->resolver->queued, &q->turn);
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
        while (answer.count < DNS_RECORDS_MAX && result->data[answer.count])
            answer.count++;
        answer.data = arena_array(a, answer.count, sizeof *answer.data);
        for (size_t i = 0; i < answer.count; i++)
            answer.data[i] = slice_of(result->data[i], (size_t)result->len[i]);
        dns_answer_decode_records(&answer, a);
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
        shares_remove(&r->queued, &q->turn);
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
    struct share_member *next;
    while (r->asking < r->options.parallel && (next = shares_next(&r->queued))) {
        struct question *q = CONTAINER_OF(next, struct question, turn);
        r->queued_count--;
        q->state = ASKING;
        int error =
            ub_resolve_async(r->ctx, q->name, q->type, DNS_CLASS_IN, q, answer_came, &q->async_id);
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
    struct slice normal = {NULL, 0};
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
        shares_add(&r->queued, shares_group_of(slice_of_str(q->name)), &q->turn);
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
        result = dns_answer_decode(arena_copy(a, buf_slice(&q->flat)), a, ret);
        MUST(result == 0);
        if (q->expires)
            ret->ttl = (uint32_t)(MAX(q->expires - fiber_now(), (usec_t)0) / USEC_SEC);
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
                           struct dns_answer *ret) WAITS {
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

/* ------------------------------------------------------------------ life */

int resolver_new(const struct resolver_options *options, struct resolver **ret,
                 struct problem *problem) {
    MUST(options->parallel > 0 && options->timeout > 0);
    _cleanup_(resolver_free_p) struct resolver *r = NEW(struct resolver);
    r->options = *options;
    r->fd.fd = -1;
    shares_init(&r->queued, MIN(options->share, options->parallel));
    list_init(&r->kept);
    int result = library_open(options, &r->ctx, problem);
    if (result < 0)
        return result;
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
    shares_done(&r->queued);
    free(r);
}
