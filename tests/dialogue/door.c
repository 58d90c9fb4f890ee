/* SPDX-License-Identifier: ISC */
#include "dialogue/door.h"

#include <errno.h>

#include "auth/apop.h"

void fake_door_init(struct fake_door *door) {
    *door = (struct fake_door){.config = door_config_default};
    door->config.hostname = S("mail.example.test");
    door->config.offer.tls_available = true;
}

void fake_door_done(struct fake_door *door) {
    buf_done(&door->attempt);
    buf_done(&door->bare);
}

static int fake_login(void *host, const char *mechanism, const struct login_request *attempt) {
    struct fake_door *door = host;
    bool right = attempt->password.ptr
                     ? slice_eq(attempt->password, S("neko no te"))
                     : apop_verify(attempt->stamp, S(FAKE_APOP_SECRET), attempt->digest) == 0;
    door->attempts++;
    buf_clear(&door->attempt);
    buf_printf(&door->attempt, "%s %.*s", mechanism, SLICE_ARG(attempt->name));
    if (attempt->act_as.len > 0)
        buf_printf(&door->attempt, " as %.*s", SLICE_ARG(attempt->act_as));
    if (door->directory < 0)
        return door->directory;
    if (right && slice_eq_nocase(attempt->name, S("tama@example.test")))
        return 0;
    int r = fiber_sleep(door->delay);
    return r < 0 ? r : -E_REFUSED;
}

static void fake_bare_login(void *host, struct slice name) {
    buf_printf(&((struct fake_door *)host)->bare, "<%.*s>", SLICE_ARG(name));
}

static int fake_starttls(void *host, struct stream *s) {
    struct fake_door *door = host;
    MUST(!stream_has_input(s));
    door->tls = !door->handshake_fails;
    return door->tls ? 0 : -E_TLS;
}

const struct door_host fake_door_host = {
    .login = fake_login, .bare_login = fake_bare_login, .starttls = fake_starttls};

int fake_door_set(struct fake_door *door, struct slice name, struct slice value,
                  struct problem *problem) {
    if (slice_eq(name, S("tls"))) {
        door->config.offer.tls_available = slice_eq(value, S("on"));
        door->config.offer.tls_active = slice_eq(value, S("active"));
    } else if (slice_eq(name, S("plaintext"))) {
        door->config.offer.plaintext = slice_eq(value, S("on"));
    } else if (slice_eq(name, S("delay"))) {
        return time_parse_span(value, &door->delay);
    } else if (slice_eq(name, S("directory"))) {
        door->directory = slice_eq(value, S("away"))   ? -EPIPE
                          : slice_eq(value, S("busy")) ? -E_BUSY
                                                       : 0;
    } else if (slice_eq(name, S("handshake"))) {
        door->handshake_fails = slice_eq(value, S("fails"));
    } else {
        return problem_set(problem, -E_UNKNOWN, "tls, plaintext, delay, directory or handshake");
    }
    return 0;
}

int fake_door_get(struct fake_door *door, struct slice name, struct buf *to) {
    if (slice_eq(name, S("attempt")))
        buf_add(to, buf_slice(&door->attempt));
    else if (slice_eq(name, S("bare")))
        buf_add(to, buf_slice(&door->bare));
    else if (slice_eq(name, S("attempts")))
        buf_printf(to, "%u", door->attempts);
    else if (slice_eq(name, S("tls")))
        buf_add_str(to, door->tls ? "yes" : "no");
    else if (slice_eq(name, S("end")))
        buf_add_str(to, door_end_name(door->end));
    else
        return -E_UNKNOWN;
    return 0;
}

const char *door_end_name(enum door_end end) {
    static const char *const names[] = {"none", "login", "logout", "dismissed", "lost"};
    return names[end];
}
