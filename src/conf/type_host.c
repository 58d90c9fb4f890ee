/* SPDX-License-Identifier: ISC */
#include "base/error.h"
#include "conf/type.h"
#include "message/address/domain.h"

#define HOST_MAX 253 /* RFC 1035 §2.3.4, as text */

/*
 * A name of the DNS (RFC 1123 §2.1), in whatever letters it is written. One of ASCII keeps its
 * case, which people see in greetings; an internationalised one becomes canonical.
 */
int conf_read_name(struct slice word, struct arena *a, struct slice *ret) {
    struct slice name = {0};
    if (domain_canonical(a, word, DOMAIN_UTF8, &name, NULL) < 0 || name.len > HOST_MAX)
        return -E_SYNTAX;
    *ret = slice_eq_nocase(name, word) ? word : name;
    return 0;
}

/* "host", "host:port", "192.0.2.1", "[2001:db8::1]:port". An address is kept in its short form. */
int conf_read_host_port(const struct conf_setting *s, struct slice word, struct arena *a,
                        union conf_element *ret) {
    struct net_addr address = {0};
    struct slice host = word;
    uint64_t port = s->port;
    char text[NET_TEXT_SIZE];
    if (net_parse(word, s->port, &address) == 0) {
        host = net_format_host(&address, text);
        port = net_port(&address);
    } else {
        ssize_t colon = slice_rfind_byte(word, ':');
        if (colon >= 0) {
            host = slice_first(word, (size_t)colon);
            int r = slice_to_u64(slice_from(word, (size_t)colon + 1), UINT16_MAX, &port);
            if (r < 0)
                return r;
        }
        int r = conf_read_name(host, a, &host);
        if (r < 0)
            return r;
    }
    if (port == 0)
        return -E_SYNTAX;
    ret->host_port = (struct conf_host_port){arena_copy(a, host), (uint16_t)port};
    return 0;
}

void conf_write_host_port(const struct conf_setting *s, const union conf_element *e,
                          struct buf *to) {
    bool v6 = slice_find_byte(e->host_port.host, ':') >= 0;
    buf_printf(to, v6 ? "[%.*s]" : "%.*s", SLICE_ARG(e->host_port.host));
    if (e->host_port.port != s->port)
        buf_printf(to, ":%u", (unsigned)e->host_port.port);
}
