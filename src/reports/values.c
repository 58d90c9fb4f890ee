/* SPDX-License-Identifier: ISC */
#include "reports/values.h"

#include "io/net.h"

struct slice report_source(struct arena *a, struct slice text) {
    char shown[NET_TEXT_SIZE];
    struct net_addr addr;
    return net_parse(text, 0, &addr) < 0 ? text : arena_copy(a, net_format_host(&addr, shown));
}

struct slice report_domain(struct arena *a, struct slice text) {
    text = arena_lower(a, text);
    return slice_ends(text, S(".")) ? slice_first(text, text.len - 1) : text;
}
