/* SPDX-License-Identifier: ISC */
/*
 * The SMTP client against a server that says the input: first byte: flags of the message, then all
 * that the server says, whatever the client does. Every recipient must get a result.
 */
#include "dialogue/parts.h"
#include "relay/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct recipient recipients[] = {
    {.address = {"a@example.net", 13}, .notify = NOTIFY_NEVER},
    {.address = {"b@example.net", 13}},
    {.address = {"c\n@example.net", 14}},
};

static void check(const struct relay_result *result) {
    MUST(result->reply.code >= 200 && result->reply.code < 600);
    MUST(result->reply.status.class != 0);
    MUST((result->disposition == RELAY_DELIVERED) == (result->reply.status.class == 2));
}

static void send_messages(struct relay_client *client, unsigned flags, struct arena *a) {
    struct relay_message message = {
        .envelope = {.reverse_path = S("tama@example.test"),
                     .recipients = recipients,
                     .count = ARRAY_SIZE(recipients),
                     .shape = (flags & 1 ? 0U : SHAPE_DOT_LINES) |
                              (flags & 2 ? SHAPE_EIGHT_BIT : 0U) | (flags & 4 ? SHAPE_UTF8 : 0U),
                     .ret = flags & 8 ? RETURN_FULL : RETURN_UNSAID,
                     .envid = S("id")},
        .bytes = S("Subject: x\r\n\r\n.Meow\r\n"),
    };
    message.size = message.bytes.len;
    int r = 0;
    for (int i = 0; i < 3 && r == 0; i++) {
        struct relay_result results[ARRAY_SIZE(recipients)];
        r = relay_client_send(client, &message, a, results);
        for (size_t j = 0; j < message.envelope.count; j++)
            check(&results[j]);
    }
    if (r == 0)
        relay_client_close(client);
    else
        relay_client_free(client);
}

static void converse(void *arg) {
    struct slice input = *(struct slice *)arg;
    _cleanup_(arena_done) struct arena a = {0};
    struct parts server = {slice_from(input, 1), .part = 100};
    struct stream *s = parts_stream(&server);
    unsigned flags = (unsigned char)input.ptr[0];
    struct relay_login login = {S("lab"), S("secret"), true};
    struct relay_client_options options = {
        .login = flags & 32 ? &login : NULL,
        .helo = S("mail.example.test"),
        .peer = S("mx.example.net [192.0.2.1]"),
        .strict_8bit = flags & 16,
        .one_by_one = flags & 64,
        .timeouts = RELAY_TIMEOUTS_DEFAULT,
    };
    struct relay_client *client;
    struct relay_failure failure;
    if (relay_client_open(s, &options, NULL, &a, &client, &failure) == 0)
        send_messages(client, flags, &a);
    else
        MUST(failure.result.reply.code && failure.result.disposition != RELAY_DELIVERED);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct slice input = slice_of(bytes, len);
    struct fiber_config config = {.simulate_from = 1};
    if (len > 0)
        MUST(fiber_run(&config, converse, &input) == 0);
    return 0;
}
