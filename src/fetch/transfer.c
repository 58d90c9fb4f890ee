/* SPDX-License-Identifier: ISC */
#include "fetch/transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/words.h"

#define CONNECT_TIMEOUT_MS 15000L
#define HEADER_MAX         65536U /* bytes of all header lines */

struct running {
    const struct transfer *t;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *resolve, *header;
    struct fiber_fd socket;
    bool open, watched; /* the socket; libcurl waits for it */
    int wants;          /* CURL_POLL_IN and the like */
    usec_t timer;       /* when libcurl wants to be called */
    size_t header_bytes;
    bool connected, too_long;
    struct buf *body;
    char words[CURL_ERROR_SIZE];
};

/* ------------------------------------------------------------------ what libcurl asks of us */

/* The one address that was judged, and no other. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address) {
    struct running *r = arg;
    struct net_addr to = {0};
    if (purpose != CURLSOCKTYPE_IPCXN || r->open || address->addrlen > sizeof to)
        return CURL_SOCKET_BAD;
    memcpy(&to, &address->addr, address->addrlen);
    if (!net_same_host(&to, r->t->address) || net_port(&to) != net_port(r->t->address))
        return CURL_SOCKET_BAD;
    int fd = socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (fiber_fd_init(&r->socket, fd) < 0) {
        (void)close(fd);
        return CURL_SOCKET_BAD;
    }
    r->open = true;
    return fd;
}

static int close_socket(void *arg, curl_socket_t fd) {
    struct running *r = arg;
    if (r->open && fd == r->socket.fd) {
        fiber_fd_done(&r->socket);
        r->open = r->watched = false;
    }
    return close(fd);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket) {
    struct running *r = arg;
    (void)easy;
    (void)of_socket;
    if (!r->open || fd != r->socket.fd)
        return 0;
    r->wants = what;
    r->watched = what != CURL_POLL_REMOVE;
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg) {
    struct running *r = arg;
    (void)multi;
    r->timer = ms < 0 ? USEC_NEVER : fiber_now() + (usec_t)ms * 1000;
    return 0;
}

static CURLcode lend_authorities(CURL *easy, void *ssl_ctx, void *arg) {
    const struct running *r = arg;
    (void)easy;
    tls_lend_authorities(r->t->authorities, ssl_ctx);
    return CURLE_OK;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg) {
    struct running *r = arg;
    size_t len = size * count;
    if (r->body->len + len > r->t->bounds->size) {
        r->too_long = true;
        return 0;
    }
    buf_add_bytes(r->body, bytes, len);
    return len;
}

static size_t take_header(const char *bytes, size_t size, size_t count, void *arg) {
    struct running *r = arg;
    (void)bytes;
    r->connected = true;
    r->header_bytes += size * count;
    r->too_long |= r->header_bytes > HEADER_MAX;
    return r->too_long ? 0 : size * count;
}

/* ------------------------------------------------------------------ the request */

static struct curl_slist *list_of(struct arena *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    struct slice text = arena_printf_v(a, format, args);
    va_end(args);
    return curl_slist_append(NULL, arena_str(a, text));
}

#define SET(option, value) failed |= curl_easy_setopt(r->easy, option, value) != CURLE_OK

static int set_where(struct running *r, struct arena *a) {
    const struct transfer *t = r->t;
    bool failed = false;
    char text[NET_TEXT_SIZE];
    struct slice host = net_format_host(t->address, text);
    bool v6 = t->address->any.sa_family == AF_INET6;
    r->resolve = list_of(a, "%.*s:%u:%s%.*s%s", SLICE_ARG(t->place->host), net_port(t->address),
                         v6 ? "[" : "", SLICE_ARG(host), v6 ? "]" : "");
    struct slice url = arena_printf(a, "https://%.*s:%u%.*s", SLICE_ARG(t->place->host),
                                    net_port(t->address), SLICE_ARG(t->place->path));
    SET(CURLOPT_URL, arena_str(a, url));
    SET(CURLOPT_RESOLVE, r->resolve);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_CAINFO, NULL);
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_SSL_CTX_FUNCTION, lend_authorities);
    SET(CURLOPT_SSL_CTX_DATA, r);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, r);
    SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, r);
    return failed || !r->resolve ? -ENOMEM : 0;
}

static int set_what(struct running *r, struct arena *a) {
    const struct transfer *t = r->t;
    bool failed = false;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_NOPROGRESS, 1L);
    SET(CURLOPT_USERAGENT, "Hayauma");
    SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(CURLOPT_ERRORBUFFER, r->words);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, r);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, r);
    if (t->bounds->sent) {
        r->header = list_of(a, "Content-Type: %s", t->bounds->sent);
        struct curl_slist *more = curl_slist_append(r->header, "Expect:");
        failed |= !more;
        SET(CURLOPT_HTTPHEADER, r->header);
        SET(CURLOPT_POSTFIELDSIZE, (long)t->sent.len);
        SET(CURLOPT_POSTFIELDS, t->sent.ptr);
    }
    return failed ? -ENOMEM : 0;
}

static int begin(struct running *r, struct arena *a) {
    r->easy = curl_easy_init();
    r->multi = curl_multi_init();
    if (!r->easy || !r->multi || set_where(r, a) < 0 || set_what(r, a) < 0)
        return -ENOMEM;
    bool ok = curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
              curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r) == CURLM_OK &&
              curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
              curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r) == CURLM_OK &&
              curl_multi_add_handle(r->multi, r->easy) == CURLM_OK;
    return ok ? 0 : -ENOMEM;
}

static void end(struct running *r) {
    if (r->multi && r->easy)
        (void)curl_multi_remove_handle(r->multi, r->easy);
    curl_easy_cleanup(r->easy);
    if (r->multi)
        (void)curl_multi_cleanup(r->multi);
    curl_slist_free_all(r->resolve);
    curl_slist_free_all(r->header);
}

/* ------------------------------------------------------------------ its way */

/* What the socket is ready for of what libcurl waits for, as CURL_CSELECT_*; without waiting. */
static int ready_for(struct running *r) {
    struct pollfd p = {.fd = r->socket.fd};
    p.events =
        (short)((r->wants & CURL_POLL_IN ? POLLIN : 0) | (r->wants & CURL_POLL_OUT ? POLLOUT : 0));
    if (poll(&p, 1, 0) <= 0)
        return 0;
    return (p.revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
           (p.revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
           (p.revents & POLLERR ? CURL_CSELECT_ERR : 0);
}

/* Until there is something to do: 0, and what for; -ETIMEDOUT (of the whole), -ECANCELED. */
static int wait_for(struct running *r, curl_socket_t *ret_fd, int *ret_mask) WAITS {
    usec_t until = MIN(r->timer, r->t->deadline);
    int e = 0;
    *ret_fd = CURL_SOCKET_TIMEOUT;
    *ret_mask = 0;
    if (fiber_now() >= r->timer)
        return fiber_yield();
    if (!r->watched) {
        e = fiber_sleep(until > fiber_now() ? until - fiber_now() : 0);
    } else {
        struct fiber_fd_wish wishes[2] = {{&r->socket, false}, {&r->socket, true}};
        bool in = r->wants & CURL_POLL_IN, out = r->wants & CURL_POLL_OUT;
        r->socket.hung_up = r->socket.readable = r->socket.writable = false;
        if (ready_for(r) == 0)
            e = fiber_fd_wait_any(in ? wishes : wishes + 1, (size_t)in + out, until);
        *ret_mask = ready_for(r);
        if (*ret_mask)
            *ret_fd = r->socket.fd;
    }
    if (e == -ETIMEDOUT && r->timer <= fiber_now() && fiber_now() < r->t->deadline)
        e = 0;
    return e;
}

static int drive(struct running *r, CURLcode *ret) WAITS {
    curl_socket_t fd = CURL_SOCKET_TIMEOUT;
    int mask = 0, running = 1, left;
    for (;;) {
        if (curl_multi_socket_action(r->multi, fd, mask, &running) != CURLM_OK)
            return -ENOMEM;
        CURLMsg *said = curl_multi_info_read(r->multi, &left);
        if (said && said->msg == CURLMSG_DONE) {
            *ret = said->data.result;
            return 0;
        }
        int e = wait_for(r, &fd, &mask);
        if (e < 0)
            return e;
    }
}

/* ------------------------------------------------------------------ what came of it */

static int judge_answer(struct running *r, struct problem *problem) {
    const struct fetch_bounds *b = r->t->bounds;
    struct slice host = r->t->place->host;
    long status = 0;
    char *type = NULL;
    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(r->easy, CURLINFO_CONTENT_TYPE, &type);
    if (status >= 300 && status < 400)
        return problem_set(problem, -E_REFUSED,
                           N_("%.*s answers with a redirect (%ld), which is not followed"),
                           SLICE_ARG(host), status);
    if (b->any_success ? status < 200 || status >= 300 : status != 200)
        return problem_set(problem, -E_REFUSED, N_("%.*s answers with the status %ld"),
                           SLICE_ARG(host), status);
    struct slice said = slice_of_str(type), media = {0}; /* "text/plain; charset=utf-8" */
    (void)slice_next(&said, ';', &media);
    if (b->type && !slice_eq_nocase(slice_trim(media), slice_of_str(b->type)))
        return problem_set(problem, -E_REFUSED, N_("what %.*s sends is not of the type %s"),
                           SLICE_ARG(host), b->type);
    return 0;
}

static int judge(struct running *r, CURLcode code, bool *ret_unreached, struct problem *problem) {
    struct slice host = r->t->place->host;
    const char *words = r->words[0] ? r->words : curl_easy_strerror(code);
    if (r->too_long)
        return problem_set(problem, -E_LIMIT, N_("what %.*s sends is longer than %zu bytes"),
                           SLICE_ARG(host), r->t->bounds->size);
    switch (code) {
    case CURLE_OK:
        return judge_answer(r, problem);
    case CURLE_COULDNT_CONNECT:
        *ret_unreached = true;
        return problem_set(problem, -E_TEMPORARY, N_("%.*s cannot be reached: %s"), SLICE_ARG(host),
                           words);
    case CURLE_OPERATION_TIMEDOUT:
        *ret_unreached = !r->connected;
        return problem_set(problem, -ETIMEDOUT, N_("%.*s does not answer"), SLICE_ARG(host));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
        return problem_set(problem, -E_TLS, N_("TLS with %.*s: %s"), SLICE_ARG(host), words);
    default:
        return problem_set(problem, -E_REFUSED, N_("%.*s: %s"), SLICE_ARG(host), words);
    }
}

int transfer_run(const struct transfer *t, struct buf *ret, bool *ret_unreached,
                 struct problem *problem) {
    _cleanup_(arena_done) struct arena a = {0};
    struct running r = {.t = t, .timer = USEC_NEVER, .body = ret};
    CURLcode code = CURLE_OK;
    *ret_unreached = false;
    int e = begin(&r, &a);
    if (e == 0)
        e = drive(&r, &code);
    if (e == 0)
        e = judge(&r, code, ret_unreached, problem);
    else if (e == -ETIMEDOUT)
        (void)problem_set(problem, e, N_("%.*s does not answer in time"),
                          SLICE_ARG(t->place->host));
    else if (e != -ECANCELED)
        (void)problem_set(problem, e, N_("%.*s cannot be asked: %s"), SLICE_ARG(t->place->host),
                          error_text(e));
    end(&r);
    return e;
}
