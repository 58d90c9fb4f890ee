/* SPDX-License-Identifier: ISC */
#include "relay/sources.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "fiber/fiber.h"
#include "sender/iprev.h"

#define JUDGED_FOR USEC_DAY
#define ASK_AGAIN  USEC_HOUR /* where DNS gave no answer */
#define JUDGE_TIME (15 * USEC_SEC)

enum order { ORDER_UNKNOWN, ORDER_GOOD, ORDER_BAD };

struct source {
    struct net_addr addr;
    bool known;
    usec_t due;
    bool judging;
    enum order order;
    char why[512]; /* ORDER_BAD */
};

struct sources {
    const struct dns_client *dns;
    struct slice helo;
    struct source v4, v6;
};

struct sources *sources_new(const struct dns_client *dns, struct slice helo) {
    struct sources *s = NEW(struct sources);
    s->dns = dns;
    s->helo = helo;
    return s;
}

void sources_free(struct sources *s) {
    free(s);
}

void sources_note(struct sources *s, const struct net_addr *local) {
    struct source *source = local->any.sa_family == AF_INET ? &s->v4 : &s->v6;
    if (source->known && net_same_host(&source->addr, local))
        return;
    *source = (struct source){.addr = *local, .known = true, .judging = source->judging};
}

static void PRINTF_LIKE(2, 3) say(struct source *source, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(source->why, sizeof source->why, format, args);
    va_end(args);
}

static bool is_among(const struct dns_answer *answer, const struct net_addr *addr) {
    struct net_addr found;
    for (size_t i = 0; i < answer->count; i++)
        if (net_from_bytes(answer->records[i].bytes, 0, &found) == 0 && net_same_host(&found, addr))
            return true;
    return false;
}

/* Asks about an address, and says in `source` what is wrong with it. */
static int ask(struct sources *s, struct source *source, struct arena *a, enum order *ret) WAITS {
    char text[NET_TEXT_SIZE];
    struct net_addr addr = source->addr;
    struct slice shown = net_format_host(&addr, text);
    struct iprev_outcome back;
    struct dns_answer named;
    int r = iprev_check(s->dns, &addr, a, &back);
    if (r < 0)
        return r;
    *ret = ORDER_UNKNOWN;
    if (back.result == IPREV_TEMPERROR)
        return 0;
    *ret = ORDER_BAD;
    if (back.result == IPREV_PERMERROR)
        say(source, "%.*s has no name (PTR)", SLICE_ARG(shown));
    else if (back.result == IPREV_FAIL)
        say(source, "the name of %.*s (PTR) does not lead back to it", SLICE_ARG(shown));
    if (back.result != IPREV_PASS)
        return 0;
    uint16_t type = addr.any.sa_family == AF_INET ? DNS_A : DNS_AAAA;
    r = s->dns->query(s->dns->arg, s->helo, type, a, &named);
    if (r == -ECANCELED)
        return r;
    if (r < 0 || named.code > DNS_NODATA)
        *ret = ORDER_UNKNOWN;
    else if (is_among(&named, &addr))
        *ret = ORDER_GOOD;
    else
        say(source, "%.*s does not lead to %.*s", SLICE_ARG(s->helo), SLICE_ARG(shown));
    return 0;
}

static void judge(struct sources *s, struct source *source) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    usec_t now = fiber_now();
    if (!source->known || source->judging || now < source->due)
        return;
    struct net_addr addr = source->addr;
    _cleanup_(fiber_deadline_end) UNUSED struct fiber_deadline d =
        fiber_deadline_begin(now + JUDGE_TIME);
    enum order order = ORDER_UNKNOWN;
    source->judging = true;
    int r = ask(s, source, &a, &order);
    source->judging = false;
    if (fiber_cancelled() || !net_same_host(&source->addr, &addr))
        return; /* another one judges, or there is another address now */
    source->order = r == 0 ? order : ORDER_UNKNOWN;
    source->due = now + (source->order == ORDER_UNKNOWN ? ASK_AGAIN : JUDGED_FOR);
}

int sources_judge(struct sources *s) {
    judge(s, &s->v4);
    if (!fiber_cancelled())
        judge(s, &s->v6);
    return fiber_cancelled() ? -ECANCELED : 0;
}

bool sources_leave_out(const struct sources *s, int family, struct slice *ret_why) {
    const struct source *own = family == AF_INET ? &s->v4 : &s->v6;
    const struct source *other = family == AF_INET ? &s->v6 : &s->v4;
    if (own->order != ORDER_BAD || other->order != ORDER_GOOD)
        return false;
    *ret_why = slice_of_str(own->why);
    return true;
}
