/* SPDX-License-Identifier: ISC */
/*
 * A route is a line of words: "example.jp relay.example.jp:587 user=lab tls=verify".
 */
#include "base/error.h"
#include "conf/syntax.h"
#include "conf/type.h"
#include "message/address/domain.h"

const char *const conf_relay_tls_words[] = {"auto", "never", "may", "encrypt", "verify", NULL};

/* Canonical, as the domains of recipients are. */
static int read_domain(struct slice word, struct arena *a, struct slice *ret) {
    bool below = slice_starts(word, S("."));
    if (slice_eq(word, S("*"))) {
        *ret = S("*");
        return 0;
    }
    int r = domain_canonical(a, slice_from(word, below ? 1 : 0), DOMAIN_UTF8, ret, NULL);
    if (r == 0 && below)
        *ret = arena_printf(a, ".%.*s", SLICE_ARG(*ret));
    return r;
}

static int read_option(struct slice word, struct arena *a, struct conf_route *route) {
    if (slice_starts(word, S("tls="))) {
        for (unsigned i = 0; conf_relay_tls_words[i]; i++)
            if (slice_eq(slice_from(word, 4), slice_of_str(conf_relay_tls_words[i]))) {
                route->tls = (enum conf_relay_tls)i;
                return 0;
            }
        return -E_SYNTAX;
    }
    if (!slice_starts(word, S("user=")))
        return -E_SYNTAX;
    struct slice user = slice_from(word, 5);
    for (size_t i = 0; i < user.len; i++)
        if ((unsigned char)user.ptr[i] <= ' ' || user.ptr[i] == 0x7f)
            return -E_SYNTAX;
    if (user.len == 0 || user.len > 255)
        return -E_SYNTAX;
    route->user = arena_copy(a, user);
    return 0;
}

int conf_read_route(const struct conf_setting *s, struct slice line, struct arena *a,
                    union conf_element *ret) {
    struct conf_route route = {0};
    struct slice word;
    union conf_element to = {0};
    if (!slice_next_word(&line, &word) || read_domain(word, a, &route.domain) < 0)
        return -E_SYNTAX;
    if (!slice_next_word(&line, &word))
        return -E_SYNTAX;
    if (!slice_eq(word, S("mx")) && conf_read_host_port(s, word, a, &to) < 0)
        return -E_SYNTAX;
    route.to = to.host_port;
    while (slice_next_word(&line, &word)) {
        int r = read_option(word, a, &route);
        if (r < 0)
            return r;
    }
    if (route.user.len > 0 && route.to.host.len == 0)
        return -E_SYNTAX;
    ret->route = route;
    return 0;
}

void conf_write_route(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    const struct conf_route *route = &e->route;
    union conf_element host = {.host_port = route->to};
    buf_printf(to, "%.*s ", SLICE_ARG(route->domain));
    if (route->to.host.len > 0)
        conf_write_host_port(s, &host, to);
    else
        buf_add_str(to, "mx");
    if (route->user.len > 0) {
        _cleanup_(buf_done) struct buf word = {0};
        buf_printf(&word, "user=%.*s", SLICE_ARG(route->user));
        buf_add_byte(to, ' ');
        conf_write_word(buf_slice(&word), to);
    }
    if (route->tls != CONF_RELAY_TLS_AUTO)
        buf_printf(to, " tls=%s", conf_relay_tls_words[route->tls]);
}
