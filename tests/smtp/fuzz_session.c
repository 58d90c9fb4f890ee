/* SPDX-License-Identifier: ISC */
/*
 * Whole conversations: any bytes from a client, at once and in parts of any size. Every line of a
 * reply begins rightly, each message that was begun ends in one way, and however the bytes were cut
 * the client hears the same and the same is stored; but for STARTTLS, behind which nothing may have
 * come already.
 *
 * Byte 0: bits for submission, TLS, plaintext logins, small limits; byte 1: the size of parts.
 */
#include <stdint.h>

#include "dialogue/parts.h"
#include "fake_server.h"
#include "fiber/fiber.h"

struct client {
    struct parts parts;
    struct buf heard;
    struct fake_server *server;
};

static void remember(struct parts *p, struct slice said) {
    struct client *c = CONTAINER_OF(p, struct client, parts);
    buf_add(&c->heard, said);
}

static void set(struct client *c, const char *name, const char *value) {
    MUST(fake_server_set(c->server, slice_of_str(name), slice_of_str(value), NULL) == 0);
}

static void begin(struct client *c, unsigned flags) {
    c->parts.hear = remember;
    c->server = fake_server_new();
    set(c, "service", flags & 1 ? "submission" : "receiving");
    set(c, "tls", flags & 2 ? "on" : "off");
    set(c, "plaintext-login", flags & 4 ? "on" : "off");
    if (!(flags & 8))
        return;
    set(c, "message-size-max", "300");
    set(c, "header-max", "100");
    set(c, "text-line-max", "60");
    set(c, "recipients-max", "2");
    set(c, "received-max", "2");
}

static void converse(void *arg) {
    struct client *c = arg;
    struct stream *s = parts_stream(&c->parts);
    fake_server_session(s, c->server);
    stream_free(s);
}

static uint64_t count(struct client *c, const char *what) {
    struct buf text = {0};
    uint64_t number = 0;
    MUST(fake_server_get(c->server, slice_of_str(what), &text) == 0);
    MUST(slice_to_u64(buf_slice(&text), UINT32_MAX, &number) == 0);
    buf_done(&text);
    return number;
}

static void check(struct client *c) {
    struct slice rest = buf_slice(&c->heard), line;
    MUST(slice_ends(rest, S("\r\n")));
    while (slice_next(&rest, '\n', &line) && line.len > 0) {
        MUST(line.len <= SMTP_REPLY_LINE && slice_ends(line, S("\r")));
        MUST(line.len > 4 && line.ptr[0] >= '2' && line.ptr[0] <= '5');
        MUST(ascii_is_digit(line.ptr[1]) && ascii_is_digit(line.ptr[2]));
        MUST(line.ptr[3] == ' ' || line.ptr[3] == '-');
    }
    MUST(count(c, "begun") == count(c, "messages") + count(c, "aborted"));
}

static bool names_starttls(struct slice bytes) {
    for (; bytes.len > 0; bytes = slice_from(bytes, 1))
        if (slice_starts_nocase(bytes, S("STARTTLS")))
            return true;
    return false;
}

/*
 * How a refused message ends (which of its faults is named, how much of it is still read) is a
 * matter of the cuts; that it is refused is none.
 */
static void check_same(struct client *one, struct client *other) {
    struct buf first = {0}, second = {0};
    bool refused = count(one, "aborted") > 0;
    MUST(refused == (count(other, "aborted") > 0));
    if (refused)
        return;
    MUST(slice_eq(buf_slice(&one->heard), buf_slice(&other->heard)));
    MUST(fake_server_get(one->server, S("message"), &first) == 0);
    MUST(fake_server_get(other->server, S("message"), &second) == 0);
    MUST(slice_eq(buf_slice(&first), buf_slice(&second)));
    buf_done(&first);
    buf_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 2)
        return 0;
    struct slice said = slice_of(bytes + 2, len - 2);
    struct client clients[] = {{.parts = {said, SIZE_MAX}},
                               {.parts = {said, (size_t)bytes[1] + 1}}};
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        begin(&clients[i], bytes[0]);
        MUST(fiber_run(&(struct fiber_config){.simulate_from = 1}, converse, &clients[i]) == 0);
        check(&clients[i]);
    }
    if (!names_starttls(said))
        check_same(&clients[0], &clients[1]);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        fake_server_free(clients[i].server);
        buf_done(&clients[i].heard);
    }
    return 0;
}
