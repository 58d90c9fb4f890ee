/* SPDX-License-Identifier: ISC */
/*
 * Dialogues with IMAP before login; dialogue/door.h has the account and the names for `set` and
 * `expect`. The answer to the login is given here, as the other half would, and then the
 * conversation ends. Besides,
 *     expect unread "..."       what the client had sent behind its login
 */
#include "base/alloc.h"
#include "dialogue/dialogue.h"
#include "dialogue/door.h"
#include "imap/login.h"
#include "judge.h"

struct world {
    struct fake_door door;
    struct buf unread;
    bool again; /* it has left its account */
};

static void *world_new(void) {
    struct world *w = NEW(struct world);
    fake_door_init(&w->door);
    return w;
}

static void world_free(void *world) {
    struct world *w = world;
    fake_door_done(&w->door);
    buf_done(&w->unread);
    free(w);
}

static void run_session(struct stream *s, void *world) {
    struct world *w = world;
    _cleanup_(buf_done) struct buf tag = {0};
    struct door_counts counts;
    w->door.end =
        imap_login(s, &w->door.config, w->again, &fake_door_host, &w->door, &tag, &counts);
    if (w->door.end != DOOR_END_LOGIN)
        return;
    buf_add(&w->unread, stream_window(s));
    stream_printf(s, "%s OK logged in\r\n", buf_str(&tag));
    (void)stream_flush(s);
}

static int world_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct world *w = world;
    if (!slice_eq(name, S("again")))
        return fake_door_set(&w->door, name, value, problem);
    w->again = true;
    return 0;
}

static int world_get(void *world, struct slice name, struct buf *to) {
    struct world *w = world;
    if (!slice_eq(name, S("unread")))
        return fake_door_get(&w->door, name, to);
    buf_add(to, buf_slice(&w->unread));
    return 0;
}

static const struct dialogue login = {
    .session = run_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = world_set,
    .get = world_get,
    .judge = judge_responses,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "imap login", &login);
}
