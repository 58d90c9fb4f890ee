/* SPDX-License-Identifier: ISC */
#include "relay/world.h"

static const struct fake_record two_hosts[] = {
    {"example.net", DNS_MX, "10 mx1.example.net"},
    {"example.net", DNS_MX, "20 mx2.example.net"},
    {"mx1.example.net", DNS_A, "192.0.2.1"},
    {"mx2.example.net", DNS_A, "192.0.2.2"},
    {"null.example", DNS_MX, "0 ."},
    {"broken.example", DNS_MX, .code = DNS_SERVFAIL},
    {0},
};

static void hear(void *arg, enum relay_step step, struct slice sentence) {
    static const char *const names[] = {"lookup",  "connected", "unreachable",
                                        "put off", "tls",       "login failed"};
    struct world *w = arg;
    buf_printf(&w->told, "%s: %.*s\n", names[step], SLICE_ARG(sentence));
}

void begin(struct world *w, struct fake_host *hosts) {
    *w = (struct world){.hosts = hosts, .options = relay_options_default};
    w->dns.records = two_hosts;
    w->options.helo = S("mail.example.test");
    w->options.dns = fake_dns_client(&w->dns);
    w->options.connect = network_connect;
    w->network = network_start(hosts);
}

void open_relay(struct world *w) {
    w->relay = relay_new(&w->options);
    assert_int_equal(fiber_start("keeper", relay_keep, w->relay, &w->keeper), 0);
    assert_int_equal(fiber_yield(), 0);
}

void end(struct world *w) {
    fiber_cancel(w->keeper);
    fiber_join(w->keeper);
    relay_free(w->relay);
    network_stop(w->network);
    arena_done(&w->a);
    buf_done(&w->told);
}

#define MESSAGE S("Subject: x\r\n\r\nMeow\r\n")

struct relay_job job_for(struct world *w, const char *domain, const struct recipient *recipients,
                         size_t count) {
    return (struct relay_job){
        .to = {.name = slice_of_str(domain), .port = 25},
        .message =
            {
                .envelope = {.reverse_path = S("tama@example.test"),
                             .recipients = recipients,
                             .count = count},
                .bytes = MESSAGE,
                .size = MESSAGE.len,
            },
        .voice = {hear, w},
    };
}

const struct relay_result *transmit(struct world *w, const char *domain) {
    static const struct recipient mike = {.address = {"mike@example.net", 16}};
    struct relay_job job = job_for(w, domain, &mike, 1);
    assert_int_equal(relay_transmit(w->relay, &job, &w->a, &w->outcome), 0);
    assert_int_equal(w->outcome.count, 1);
    return &w->outcome.results[0];
}

struct slice reply_text(struct world *w, const struct relay_result *result) {
    return smtp_reply_text(&w->a, &result->reply);
}
