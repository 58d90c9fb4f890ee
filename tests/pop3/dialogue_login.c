/* SPDX-License-Identifier: ISC */
/*
 * Dialogues with POP3 before login; a login that succeeds goes on with a session. dialogue/door.h
 * has the account, and fake_maildrop.h with it the names for `set` and `expect`; besides,
 *     set apop on               the greeting has a timestamp
 *     set stamp <...>           the greeting's timestamp, for
 *     expect digest {name}      the right digest over it
 */
#include "auth/apop.h"
#include "base/alloc.h"
#include "dialogue/dialogue.h"
#include "dialogue/door.h"
#include "fake_maildrop.h"
#include "pop3/login.h"
#include "pop3/session.h"

struct world {
    struct fake_door door;
    struct fake_maildrop *maildrop;
    bool apop;
    char digest[APOP_DIGEST_LEN + 1];
};

static void *world_new(void) {
    struct world *w = NEW(struct world);
    fake_door_init(&w->door);
    w->maildrop = fake_maildrop_new();
    return w;
}

static void world_free(void *world) {
    struct world *w = world;
    fake_maildrop_free(w->maildrop);
    fake_door_done(&w->door);
    free(w);
}

static void run_session(struct stream *s, void *world) {
    struct world *w = world;
    struct pop3_login_config login = {.door = w->door.config, .apop = w->apop};
    struct door_counts counts;
    bool japanese;
    w->door.end = pop3_login(s, &login, &fake_door_host, &w->door, &japanese, &counts);
    if (w->door.end != DOOR_END_LOGIN)
        return;
    struct pop3_session_config config = pop3_session_defaults;
    struct pop3_session_counts session_counts;
    config.japanese = japanese;
    config.offer = w->door.config.offer;
    config.offer.tls_active = counts.tls_active;
    (void)pop3_session(s, &config, &fake_maildrop_ops, w->maildrop, &session_counts);
}

static int world_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct world *w = world;
    if (slice_eq(name, S("apop"))) {
        w->apop = slice_eq(value, S("on"));
        return 0;
    }
    if (slice_eq(name, S("stamp")))
        return apop_digest(value, S(FAKE_APOP_SECRET), w->digest);
    int r = fake_door_set(&w->door, name, value, problem);
    return r == -E_UNKNOWN ? fake_maildrop_set(w->maildrop, name, value, problem) : r;
}

static int world_get(void *world, struct slice name, struct buf *to) {
    struct world *w = world;
    if (slice_eq(name, S("digest"))) {
        buf_add_str(to, w->digest);
        return 0;
    }
    int r = fake_door_get(&w->door, name, to);
    return r == -E_UNKNOWN ? fake_maildrop_get(w->maildrop, name, to) : r;
}

static const struct dialogue login = {
    .session = run_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = world_set,
    .get = world_get,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "pop3 login", &login);
}
