/* SPDX-License-Identifier: ISC */
/* The scripts in dialogue/ against the SMTP session with a fake server behind it. */
#include "dialogue/dialogue.h"
#include "fake_server.h"

static void *world_new(void) {
    return fake_server_new();
}

static void world_free(void *world) {
    fake_server_free(world);
}

static const struct dialogue smtp = {
    .session = fake_server_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = fake_server_set,
    .get = fake_server_get,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "smtp", &smtp);
}
