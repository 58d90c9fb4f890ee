/* SPDX-License-Identifier: ISC */
/*
 * Known recipients lie in sets of eight, newest first: the hash of an address names the set and is
 * its mark there. One that is seen again moves to the front, a new one pushes the oldest out. The
 * key of the hash is a constant, since marks outlive the process; it is no secret.
 */
#include "directory/sending.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/siphash.h"

#define WAYS       8U
#define SETS       (SENDING_KNOWN / WAYS)
#define ADDRESS    512U /* bytes of an address that count */
#define FORMAT     1U
#define TELL_AGAIN USEC_DAY

static const struct {
    const char *name, *words;
    usec_t span;
    bool recipients;
} limits_table[SENDING_LIMITS] = {
    [SENDING_MESSAGES_HOUR] = {"messages-per-hour", "messages in an hour", USEC_HOUR, false},
    [SENDING_MESSAGES_DAY] = {"messages-per-day", "messages in a day", USEC_DAY, false},
    [SENDING_NEW_HOUR] = {"new-recipients-per-hour", "new recipients in an hour", USEC_HOUR, true},
    [SENDING_NEW_DAY] = {"new-recipients-per-day", "new recipients in a day", USEC_DAY, true},
};

const char *sending_limit_name(enum sending_limit limit) {
    return limits_table[limit].name;
}

bool sending_limit_find(struct slice name, enum sending_limit *ret) {
    for (unsigned i = 0; i < SENDING_LIMITS; i++) {
        if (slice_eq(name, slice_of_str(limits_table[i].name))) {
            *ret = (enum sending_limit)i;
            return true;
        }
    }
    return false;
}

struct slice sending_reason(struct arena *a, const struct sending_verdict *v) {
    return arena_printf(a, "%llu %s, %lld %s allowed", (unsigned long long)v->would_be,
                        limits_table[v->limit].words, (long long)v->most,
                        v->most == 1 ? "is" : "are");
}

/* ------------------------------------------------------------------ known recipients */

static uint64_t hash_of(struct slice address) {
    static const uint8_t key[16] = "known recipients";
    char lower[ADDRESS];
    address = slice_first(address, sizeof lower);
    for (size_t i = 0; i < address.len; i++)
        lower[i] = ascii_lower(address.ptr[i]);
    return siphash_keyed(slice_of(lower, address.len), key);
}

static uint32_t mark_of(uint64_t hash) {
    return (uint32_t)(hash >> 32) | 1; /* 0 is an empty place */
}

/* The place of the address in its set; WAYS: it is not there. */
static unsigned find_known(const struct sending *s, uint64_t hash) {
    const uint32_t *set = &s->known[hash % SETS * WAYS];
    unsigned at = 0;
    while (at < WAYS && set[at] != mark_of(hash))
        at++;
    return at;
}

/* ------------------------------------------------------------------ windows */

/* Where the windows of a limit stand now. A clock that was set back begins a new one. */
static void look(const struct sending *s, enum sending_limit limit, usec_t now, usec_t *ret_since,
                 uint32_t *ret_now, uint32_t *ret_before) {
    usec_t span = limits_table[limit].span, since = s->windows[limit].since;
    bool next = now >= since + span;
    bool gone = now < since || now >= since + 2 * span;
    *ret_since = gone ? now : next ? since + span : since;
    *ret_now = gone || next ? 0 : s->windows[limit].now;
    *ret_before = gone ? 0 : next ? s->windows[limit].now : s->windows[limit].before;
}

uint64_t sending_used(const struct sending *s, enum sending_limit limit, usec_t now) {
    usec_t span = limits_table[limit].span, since;
    uint32_t present, before;
    look(s, limit, now, &since, &present, &before);
    return present + (uint64_t)before * (uint64_t)(span - (now - since)) / (uint64_t)span;
}

/* ------------------------------------------------------------------ the verdict */

struct sending_verdict sending_decide(struct sending *s, const struct sending_limits *limits,
                                      const struct slice *recipients, size_t count, usec_t now) {
    size_t strangers = 0;
    for (size_t i = 0; i < count; i++)
        strangers += find_known(s, hash_of(recipients[i])) == WAYS;
    for (unsigned i = 0; i < SENDING_LIMITS; i++) {
        size_t more = limits_table[i].recipients ? strangers : 1;
        uint64_t would_be = sending_used(s, (enum sending_limit)i, now) + more;
        if (limits->most[i] == SENDING_NO_LIMIT || more == 0 ||
            would_be <= (uint64_t)limits->most[i])
            continue;
        bool notify = now < s->told_at || now - s->told_at >= TELL_AGAIN;
        if (notify)
            s->told_at = now;
        return (struct sending_verdict){true, (enum sending_limit)i, limits->most[i], would_be,
                                        notify};
    }
    for (unsigned i = 0; i < SENDING_LIMITS; i++) {
        size_t more = limits_table[i].recipients ? strangers : 1;
        usec_t since;
        uint32_t present, before;
        look(s, (enum sending_limit)i, now, &since, &present, &before);
        s->windows[i].since = since;
        s->windows[i].now = present + (uint32_t)MIN(more, (size_t)UINT32_MAX - present);
        s->windows[i].before = before;
    }
    for (size_t i = 0; i < count; i++) { /* known now, and the newest of its set */
        uint64_t hash = hash_of(recipients[i]);
        uint32_t *set = &s->known[hash % SETS * WAYS];
        unsigned at = MIN(find_known(s, hash), WAYS - 1);
        memmove(set + 1, set, at * sizeof *set);
        set[0] = mark_of(hash);
    }
    return (struct sending_verdict){0};
}

/* ------------------------------------------------------------------ for the disk */

void sending_encode(const struct sending *s, struct buf *to) {
    buf_add_u8(to, FORMAT);
    buf_add_u64(to, (uint64_t)s->told_at);
    for (size_t i = 0; i < SENDING_LIMITS; i++) {
        buf_add_u64(to, (uint64_t)s->windows[i].since);
        buf_add_u32(to, s->windows[i].now);
        buf_add_u32(to, s->windows[i].before);
    }
    for (size_t i = 0; i < SENDING_KNOWN; i++)
        buf_add_u32(to, s->known[i]);
}

void sending_decode(struct slice bytes, struct sending *ret) {
    struct reader r = {.rest = bytes};
    *ret = (struct sending){0};
    if (bytes.len != 1 + 8 + 16 * SENDING_LIMITS + 4 * SENDING_KNOWN || read_u8(&r) != FORMAT)
        return;
    ret->told_at = (usec_t)read_u64(&r);
    for (size_t i = 0; i < SENDING_LIMITS; i++) {
        ret->windows[i].since = (usec_t)read_u64(&r);
        ret->windows[i].now = read_u32(&r);
        ret->windows[i].before = read_u32(&r);
    }
    for (size_t i = 0; i < SENDING_KNOWN; i++)
        ret->known[i] = read_u32(&r);
}
