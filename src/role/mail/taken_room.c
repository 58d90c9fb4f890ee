/* SPDX-License-Identifier: ISC */
/*
 * An account has the present span of time and the one before. Each begins with what the directory
 * said then, which has what was taken before it, or will have soon; so the greatest of the sums
 * that begin there is right, and nothing counts twice.
 */
#include "role/mail/taken_room.h"

#include "base/alloc.h"
#include "base/siphash.h"

#define SPAN (2 * USEC_SEC) /* by then a message is in its mailbox, and the directory knows it */
#define SETS 1024U
#define WAYS 4U

struct span {
    uint64_t used, taken; /* at its beginning; since then */
};

struct taking {
    uint64_t account; /* 0: empty */
    usec_t since;     /* beginning of `now` */
    usec_t last;
    queue_id message;
    struct span now, before;
};

struct taken_room {
    struct taking accounts[SETS][WAYS];
};

struct taken_room *taken_room_new(void) {
    return NEW(struct taken_room);
}

void taken_room_free(struct taken_room *t) {
    free(t);
}

static size_t set_of(uint64_t account) {
    return siphash(slice_of(&account, sizeof account)) % SETS;
}

/* The same at `now`, when the directory says `used`. */
static struct taking at(const struct taking *t, uint64_t used, usec_t now) {
    struct taking then = *t;
    usec_t age = now - t->since;
    if (age < SPAN)
        return then;
    then.before = age < 2 * SPAN ? t->now : (struct span){0};
    then.now = (struct span){used, 0};
    then.since = age < 2 * SPAN ? t->since + SPAN : now;
    return then;
}

/* What an account's mailboxes will hold, of which the directory says `used`. */
static uint64_t used_with_taken(const struct taken_room *t, uint64_t account, uint64_t used,
                                usec_t now) {
    const struct taking *set = t->accounts[set_of(account)];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].account != account)
            continue;
        struct taking then = at(&set[i], used, now);
        used = MAX(used, then.now.used + then.now.taken);
        return MAX(used, then.before.used + then.before.taken + then.now.taken);
    }
    return used;
}

static void add(struct taken_room *t, uint64_t account, queue_id message, uint64_t used,
                uint64_t size, usec_t now) {
    struct taking *set = t->accounts[set_of(account)], *own = &set[0];
    for (size_t i = 0; i < WAYS && own->account != account; i++)
        if (set[i].account == account || set[i].last < own->last)
            own = &set[i];
    if (own->account != account)
        *own = (struct taking){.account = account, .since = now, .now.used = used};
    else if (own->message == message)
        return;
    *own = at(own, used, now);
    own->now.taken += size;
    own->message = message;
    own->last = now;
}

bool taken_room_take(struct taken_room *t, queue_id message, uint64_t size,
                     const struct rpc_room *mailboxes, size_t count, usec_t now,
                     uint32_t *ret_place) {
    for (size_t i = 0, end; i < count; i = end) {
        bool fits = false;
        for (end = i; end < count && mailboxes[end].place == mailboxes[i].place; end++) {
            const struct rpc_room *m = &mailboxes[end];
            uint64_t used = used_with_taken(t, m->account, m->used, now);
            fits |= used < m->quota && size <= m->quota - used;
        }
        *ret_place = mailboxes[i].place;
        if (!fits)
            return false;
    }
    for (size_t i = 0; i < count; i++)
        add(t, mailboxes[i].account, message, mailboxes[i].used, size, now);
    return true;
}
