/* SPDX-License-Identifier: ISC */
/*
 * Whole conversations: any bytes from a client, in parts of any size, through login and session. No
 * message is removed without QUIT, every reply begins rightly, and it always ends.
 *
 * Byte 0: bits for TLS, plaintext, APOP, a session without login; byte 1: the size of parts.
 */
#include <stdint.h>

#include "base/random.h"
#include "fake_maildrop.h"
#include "fiber/fiber.h"
#include "pop3/login.h"
#include "pop3/session.h"

struct client {
    struct slice rest;
    size_t part;
    unsigned flags;
    uint64_t out;
    struct fake_maildrop *maildrop;
};

static ssize_t client_sends(void *below, void *to, size_t size) {
    struct client *c = below;
    struct slice some = slice_first(slice_first(c->rest, c->part), size);
    if (some.len > 0)
        memcpy(to, some.ptr, some.len);
    c->rest = slice_from(c->rest, some.len);
    return (ssize_t)some.len;
}

static ssize_t client_gets(void *below, const void *bytes, size_t len) {
    struct client *c = below;
    char first = *(const char *)bytes;
    MUST(c->out > 0 || first == '+' || first == '-');
    c->out += len;
    return (ssize_t)len;
}

static int no_wait(void *below, usec_t deadline) {
    panic("nothing to wait for");
}

static int shut(void *below) {
    return 0;
}

static void closed(void *below) {
}

static const struct stream_ops client_ops = {
    .read = client_sends,
    .write = client_gets,
    .wait_read = no_wait,
    .wait_write = no_wait,
    .shutdown = shut,
    .close = closed,
    .fd = shut,
};

static int fuzz_login(void *host, const struct pop3_attempt *attempt) {
    return slice_starts(attempt->name, S("x")) ? -E_REFUSED : 0;
}

static int fuzz_starttls(void *host, struct stream *s) {
    MUST(!stream_has_input(s));
    return 0;
}

static void converse(void *arg) {
    struct client *c = arg;
    struct pop3_login_config login = pop3_login_defaults;
    struct pop3_session_config config = pop3_session_defaults;
    struct pop3_login_host host = {.login = fuzz_login, .starttls = fuzz_starttls};
    struct pop3_login_counts login_counts;
    struct pop3_session_counts counts = {0};
    struct stream *s = stream_new(&client_ops, c);
    login.hostname = S("mail.example.test");
    login.apop = c->flags & 4;
    login.offer = (struct pop3_offer){
        .tls_active = c->flags & 1, .tls_available = true, .plaintext = c->flags & 2};
    enum pop3_end end = POP3_END_LOGIN;
    if (!(c->flags & 8))
        end = pop3_login(s, &login, &host, c, &login_counts);
    MUST(end != POP3_END_NONE);
    if (end == POP3_END_LOGIN)
        end = pop3_session(s, &config, &fake_maildrop_ops, c->maildrop, &counts);
    MUST(counts.removed == 0 || end == POP3_END_QUIT);
    (void)stream_shutdown(s);
    stream_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 2)
        return 0;
    struct client c = {
        .rest = slice_of(bytes + 2, len - 2),
        .part = (size_t)bytes[1] + 1,
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
