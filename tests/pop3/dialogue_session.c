/* SPDX-License-Identifier: ISC */
/*
 * Dialogues with POP3 after login. fake_maildrop.h has the names for `set` and `expect`; besides,
 *     expect end logout / dismissed / lost      how the session ended
 *     expect fetched N, expect removed N      what it counted
 */
#include "dialogue/dialogue.h"
#include "dialogue/door.h"
#include "fake_maildrop.h"
#include "pop3/session.h"

struct world {
    struct fake_maildrop *maildrop;
    struct pop3_session_counts counts;
    enum door_end end;
};

static void *world_new(void) {
    struct world *w = calloc(1, sizeof *w);
    MUST(w);
    w->maildrop = fake_maildrop_new();
    return w;
}

static void world_free(void *world) {
    struct world *w = world;
    fake_maildrop_free(w->maildrop);
    free(w);
}

static int world_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct world *w = world;
    return fake_maildrop_set(w->maildrop, name, value, problem);
}

static int world_get(void *world, struct slice name, struct buf *to) {
    struct world *w = world;
    if (slice_eq(name, S("end")))
        buf_add_str(to, door_end_name(w->end));
    else if (slice_eq(name, S("fetched")))
        buf_printf(to, "%u", (unsigned)w->counts.fetched);
    else if (slice_eq(name, S("removed")))
        buf_printf(to, "%u", (unsigned)w->counts.removed);
    else
        return fake_maildrop_get(w->maildrop, name, to);
    return 0;
}

static void run_session(struct stream *s, void *world) {
    struct world *w = world;
    struct pop3_session_config config = pop3_session_defaults;
    config.offer = (struct door_offer){.tls_active = true, .tls_available = true};
    w->end = DOOR_END_NONE;
    w->end = pop3_session(s, &config, &fake_maildrop_ops, w->maildrop, &w->counts);
}

static const struct dialogue session = {
    .session = run_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = world_set,
    .get = world_get,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "pop3 session", &session);
}
