/* SPDX-License-Identifier: ISC */
#include "fetch/rule.h"

#include "message/address/domain.h"

#define PATH_MAX_BYTES 2048U

const struct fetch_bounds *fetch_bounds(enum fetch_rule rule) {
    static const struct fetch_bounds rules[FETCH_RULES] = {
        [FETCH_MTA_STS] = {.name = "MTA-STS policy",
                           .size = 65536,
                           .time = USEC_MIN,
                           .type = "text/plain"},
        [FETCH_TLSRPT] = {.name = "TLS report",
                          .size = 65536,
                          .time = 2 * USEC_MIN,
                          .sent = "application/tlsrpt+gzip",
                          .any_success = true},
    };
    MUST(rule < FETCH_RULES);
    return &rules[rule];
}

/* A name with a dot and a letter in its last label: no number is one, and so no address. */
static int read_host(struct slice text, struct arena *a, struct slice *ret) {
    int r = domain_canonical(a, text, DOMAIN_UNDERSCORE | DOMAIN_TRAILING_DOT, ret, NULL);
    ssize_t dot = r < 0 ? -1 : slice_rfind_byte(*ret, '.');
    struct slice last = slice_from(*ret, (size_t)(dot + 1));
    return dot <= 0 || last.len == 0 || !ascii_is_alpha(last.ptr[0]) ? -E_SYNTAX : 0;
}

/* Printable ASCII: no blank, no line end, nothing that a server could take for another request. */
static bool is_path(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] >= 0x7f || s.ptr[i] == '#' || s.ptr[i] == '\\')
            return false;
    return s.len <= PATH_MAX_BYTES;
}

/* "https://host[:443][/path]" without a user, RFC 3986. */
static int locate_uri(struct slice uri, struct arena *a, struct fetch_place *ret) {
    if (!slice_starts_nocase(uri, S("https://")))
        return -E_SYNTAX;
    struct slice rest = slice_from(uri, 8);
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
        n++;
    struct slice host = slice_first(rest, n), path = slice_from(rest, n);
    if (slice_ends(host, S(":443")))
        host.len -= 4;
    if (!is_path(path))
        return -E_SYNTAX;
    ret->path = slice_starts(path, S("/")) ? arena_copy(a, path)
                                           : arena_printf(a, "/%.*s", SLICE_ARG(path));
    return read_host(host, a, &ret->host);
}

int fetch_locate(enum fetch_rule rule, struct slice what, struct arena *a,
                 struct fetch_place *ret) {
    *ret = (struct fetch_place){0};
    if (rule != FETCH_MTA_STS)
        return locate_uri(what, a, ret);
    ret->path = S("/.well-known/mta-sts.txt");
    return read_host(arena_printf(a, "mta-sts.%.*s", SLICE_ARG(what)), a, &ret->host);
}
