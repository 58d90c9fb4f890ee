/* SPDX-License-Identifier: ISC */
/*
 * Whole conversations: any bytes from a client, in parts of any size, through login and session. No
 * message is removed without QUIT, every reply begins rightly, and it always ends.
 *
 * Byte 0: bits for TLS, plaintext, APOP, a session without login; byte 1: the size of parts.
 */
#include <stdint.h>

#include "base/random.h"
#include "dialogue/parts.h"
#include "fake_maildrop.h"
#include "fiber/fiber.h"
#include "pop3/login.h"
#include "pop3/session.h"

struct client {
    struct parts parts;
    unsigned flags;
    struct fake_maildrop *maildrop;
};

static void check_reply(struct parts *p, struct slice said) {
    MUST(p->heard > 0 || said.ptr[0] == '+' || said.ptr[0] == '-');
}

static int fuzz_login(void *host, const char *mechanism, const struct login_request *attempt) {
    return slice_starts(attempt->name, S("x")) ? -E_REFUSED : 0;
}

static int fuzz_starttls(void *host, struct stream *s) {
    MUST(!stream_has_input(s));
    return 0;
}

static void converse(void *arg) {
    struct client *c = arg;
    struct pop3_login_config login = {.door = door_config_default, .apop = c->flags & 4};
    struct pop3_session_config config = pop3_session_defaults;
    struct door_host host = {.login = fuzz_login, .starttls = fuzz_starttls};
    struct door_counts login_counts;
    struct pop3_session_counts counts = {0};
    struct stream *s = parts_stream(&c->parts);
    login.door.hostname = S("mail.example.test");
    login.door.offer = (struct door_offer){
        .tls_active = c->flags & 1, .tls_available = true, .plaintext = c->flags & 2};
    enum door_end end = DOOR_END_LOGIN;
    if (!(c->flags & 8))
        end = pop3_login(s, &login, &host, c, &config.japanese, &login_counts);
    MUST(end != DOOR_END_NONE);
    if (end == DOOR_END_LOGIN)
        end = pop3_session(s, &config, &fake_maildrop_ops, c->maildrop, &counts);
    MUST(counts.removed == 0 || end == DOOR_END_LOGOUT);
    (void)stream_shutdown(s);
    stream_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 2)
        return 0;
    struct client c = {
        .parts = {slice_of(bytes + 2, len - 2), (size_t)bytes[1] + 1, .hear = check_reply},
        .flags = bytes[0],
        .maildrop = fake_maildrop_new(),
    };
    (void)fake_maildrop_set(c.maildrop, S("messages"), S("3"), NULL);
    (void)fake_maildrop_set(c.maildrop, S("message"), S("A: 1\r\n\r\n.\r\n.x"), NULL);
    (void)fake_maildrop_set(c.maildrop, S("broken"), S("3 corrupt"), NULL);
    random_fix(1);
    MUST(fiber_run(&(struct fiber_config){.simulate_from = 1}, converse, &c) == 0);
    fake_maildrop_free(c.maildrop);
    return 0;
}
