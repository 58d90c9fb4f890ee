/* SPDX-License-Identifier: ISC */
/*
 * The surroundings of a door before the login, for its dialogues. There is one account:
 * tama@example.test, password "neko no te", APOP secret "tanstaaf". What its scripts can say:
 *
 *     set tls off               it is not offered; `set tls active`: it was there from the
 * beginning set plaintext on          passwords are taken without TLS set delay SPAN refusals take
 * so long set directory away / busy / back set handshake fails
 *
 *     expect attempt "..."      the last attempt: mechanism, name, act as
 *     expect attempts N
 *     expect bare "..."         names whose logins were refused for want of TLS
 *     expect tls yes / no       a handshake was made
 *     expect end login / logout / dismissed / lost
 */
#pragma once

#include "auth/door.h"
#include "base/buf.h"

#define FAKE_APOP_SECRET "tanstaaf"

struct fake_door {
    struct door_config config; /* for the login: `hostname` is mail.example.test */
    usec_t delay;
    int directory; /* the error it gives; 0: it works */
    bool handshake_fails, tls;
    unsigned attempts;
    struct buf attempt, bare;
    enum door_end end; /* the caller's: what the login returned */
};

extern const struct door_host fake_door_host; /* its argument is the struct fake_door */

void fake_door_init(struct fake_door *door);
void fake_door_done(struct fake_door *door);

/* As those of struct dialogue. */
int fake_door_set(struct fake_door *door, struct slice name, struct slice value,
                  struct problem *problem);
int fake_door_get(struct fake_door *door, struct slice name, struct buf *to);

/* How a conversation ended, as scripts say it. */
const char *door_end_name(enum door_end end);
