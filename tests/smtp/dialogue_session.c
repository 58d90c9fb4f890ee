/* SPDX-License-Identifier: ISC */
/* The scripts in dialogue/ against the SMTP session with a fake post office behind it. */
#include "dialogue/dialogue.h"
#include "post_office.h"

static void *world_new(void) {
    return office_new();
}

static void world_free(void *world) {
    office_free(world);
}

static const struct dialogue smtp = {
    .session = office_session,
    .world_new = world_new,
    .world_free = world_free,
    .set = office_set,
    .get = office_get,
};

int main(int argc, char **argv) {
    return dialogue_main(argc, argv, "smtp", &smtp);
}
