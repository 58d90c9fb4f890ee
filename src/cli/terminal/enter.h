/* SPDX-License-Identifier: ISC */
/*
 * Working on the files of a role while the server is down, as that role would: in its folder
 * and, as root, as its user and with the folder as root directory, so that nothing on the way to it
 * has to be open to that user and nothing outside can be touched.
 */
#pragma once

#include "cli/cli.h"

struct entered {
    bool changed; /* user and group */
    int root;     /* descriptor of the root directory before; -1: it is still the same */
};
#define ENTERED_NONE                                                                               \
    (struct entered) {                                                                             \
        .root = -1                                                                                 \
    }

/* `name` is the folder below the state directory, `owner` one of c->users. */
int enter_folder(const struct cli *c, const char *name, const struct state_user *owner,
                 struct entered *ret, struct problem *problem);

/* Back to what was before but for the working directory. What was not entered is left alone. */
void leave_folder(struct entered *e);
