/* SPDX-License-Identifier: ISC */
/*
 * How many messages are held, and how many may be. Those of strangers that went in circles
 * (settle.c) are bounded together. When there are as many as may be, further ones that look like
 * them are put off before their 250, so that nothing that was taken has to be thrown away.
 *
 * Others are held because their user has sent too much (directory/sending.h). They come into
 * the spool on hold, in one commit, and wait for `hayauma queue release`. How many of one user may
 * wait is bounded, so that nobody fills the disk with them.
 *
 * The spool tells of each message that begins or ceases to be held, so nobody has to count them.
 * Those of a user that are on their way into it count as well: otherwise he could have one more for
 * each session that he sends by at the same time.
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "queue/internal.h"

/* ------------------------------------------------------------------ counting */

/* Messages of one user that are held, or are on their way to it. */
struct held_user {
    struct held_count count;
    struct list coming; /* struct coming: not told of by the spool yet */
    struct slice login; /* behind the struct */
};

struct coming {
    struct link link;
    queue_id id;
    uint64_t size;
};

static void count(struct held_count *c, uint64_t size, bool hold) {
    c->messages += hold ? 1 : -1U;
    c->bytes += hold ? size : -size;
}

static struct held_user *find_user(struct queue *q, struct slice login) {
    struct held_user *user = map_get(&q->held_users, login);
    if (user)
        return user;
    user = mem_alloc(sizeof *user + login.len);
    *user = (struct held_user){.login = slice_of(user + 1, login.len)};
    memcpy(user + 1, login.ptr, login.len);
    list_init(&user->coming);
    (void)map_put(&q->held_users, user->login, user);
    return user;
}

static void forget_user_of_none(struct queue *q, struct held_user *user) {
    if (user->count.messages > 0 || !list_empty(&user->coming))
        return;
    (void)map_remove(&q->held_users, user->login);
    free(user);
}

void held_note(void *arg, const struct spool_message *message, bool hold) {
    struct queue *q = arg;
    _cleanup_(arena_done) struct arena a = {0};
    struct envelope e;
    struct queue_extra extra;
    envelope_read(message, &a, &e, &extra);
    count(&q->held, message->size, hold);
    if (extra.stranger || e.origin == QUEUE_FROM_OUTSIDE || e.origin == QUEUE_MADE_REPORT)
        count(&q->held_loops, message->size, hold);
    if (e.login.len == 0)
        return;
    struct held_user *user = find_user(q, e.login);
    count(&user->count, message->size, hold);
    LIST_EACH (coming, &user->coming, struct coming, link) {
        if (coming->id == message->id)
            link_remove(&coming->link);
    }
    forget_user_of_none(q, user);
}

void held_done(struct queue *q) {
    struct map_entry *e;
    size_t at = 0;
    while ((e = map_next(&q->held_users, &at)))
        free(e->value);
    map_done(&q->held_users);
}

/* ------------------------------------------------------------------ the bound */

bool held_loops_full(const struct queue *q) {
    return q->held_loops.messages >= q->options.loops_held_max ||
           q->held_loops.bytes >= q->options.loops_held_size_max;
}

int held_check(const struct queue *q, const struct queue_message *message,
               struct problem *problem) {
    const struct envelope *e = &message->envelope;
    if (e->origin == QUEUE_FROM_OUTSIDE && (e->shape & SHAPE_TRAVELLED) && held_loops_full(q))
        return problem_set(problem, -E_REFUSED, "%u messages that went in circles are held already",
                           q->held_loops.messages);
    const struct held_user *user = message->hold ? map_get(&q->held_users, e->login) : NULL;
    if (!user)
        return 0;
    struct held_count all = user->count;
    LIST_EACH (coming, &user->coming, struct coming, link)
        count(&all, coming->size, true);
    if (all.messages < q->options.held_max && all.bytes < q->options.held_size_max)
        return 0;
    return problem_set(problem, -E_REFUSED, "%u messages of %.*s are held already", all.messages,
                       SLICE_ARG(e->login));
}

/* ------------------------------------------------------------------ taking it */

static uint64_t size_of(const struct spool_content *content) {
    struct stat st = {0};
    if (content->large)
        (void)fstat(spool_large_fd(content->large), &st);
    return content->head.len + content->bytes.len + (uint64_t)st.st_size;
}

static int take(struct queue *q, const struct queue_message *message,
                const struct envelope *envelope, const struct spool_content *content) WAITS {
    _cleanup_(arena_done) struct arena a = {0};
    struct spool_recipient_state *recipients = arena_array(&a, envelope->count, sizeof *recipients);
    for (size_t i = 0; i < envelope->count; i++)
        recipients[i] = (struct spool_recipient_state){.index = (uint32_t)i, .status = STATUS_NEW};
    recipients[0].reply = slice_first(message->reason, REPLY_MAX);
    struct spool_state state = {.hold = true, .recipients = recipients, .count = envelope->count};
    struct spool_change changes[] = {
        {.kind = SPOOL_MESSAGE, .id = message->id, .envelope = envelope, .content = *content},
        {.kind = SPOOL_STATE, .id = message->id, .state = &state},
    };
    if (spool_is_full(q->spool, content->large ? 0 : content->bytes.len))
        return -ENOSPC;
    return spool_update(q->spool, changes, ARRAY_SIZE(changes));
}

int held_into_spool(struct queue *q, const struct queue_message *message,
                    const struct envelope *envelope, const struct spool_content *content) {
    struct held_user *user = find_user(q, envelope->login);
    struct coming coming = {.id = message->id, .size = size_of(content)};
    list_append(&user->coming, &coming.link);
    int error = take(q, message, envelope, content);
    if (link_in_list(&coming.link)) { /* refused: the spool has told of what it took */
        link_remove(&coming.link);
        forget_user_of_none(q, user);
    }
    return error;
}
