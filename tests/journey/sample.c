/* SPDX-License-Identifier: ISC */
#include "journey/sample.h"

#include "events/kinds.h"

#define SAMPLE_WALL ((int64_t)1795000000 * 1000000)
#define STEPS_MAX   16

queue_id sample_message(uint64_t number) {
    uint64_t ms = (uint64_t)(SAMPLE_WALL / USEC_MS) - UINT64_C(1577836800000) + number / 10;
    return ms << 22 | number % 10 << 4;
}

static struct event_fact *facts_of(struct arena *a, struct event *e, size_t count) {
    e->facts = arena_array(a, count, sizeof *e->facts);
    e->fact_count = count;
    return e->facts;
}

static void accepted(uint64_t n, struct arena *a, struct event *e) {
    struct event_fact *f = facts_of(a, e, 11);
    e->kind = S(KIND_ACCEPTED);
    e->text = arena_printf(a,
                           "A message from user%llu@example.net came from mail.example.net"
                           " [192.0.2.25] and was taken.",
                           (unsigned long long)(n % 1000));
    f[0] = (struct event_fact){
        S(FACT_FROM), arena_printf(a, "user%llu@example.net", (unsigned long long)(n % 1000))};
    f[1] = (struct event_fact){
        S(FACT_TO), arena_printf(a, "reader%llu@example.jp", (unsigned long long)(n % 5000))};
    f[2] = (struct event_fact){
        S(FACT_MESSAGE_ID), arena_printf(a, "<%llu.abc@mail.example.net>", (unsigned long long)n)};
    f[3] = (struct event_fact){S(FACT_SUBJECT),
                               arena_printf(a, "Offer number %llu for you", (unsigned long long)n)};
    f[4] = (struct event_fact){S(FACT_SIZE), S("4312")};
    f[5] = (struct event_fact){S(FACT_CLIENT), S("mail.example.net [192.0.2.25]")};
    f[6] = (struct event_fact){S(FACT_HELO), S("mail.example.net")};
    f[7] = (struct event_fact){S(FACT_TLS), S("TLSv1.3 TLS_AES_256_GCM_SHA384")};
    f[8] = (struct event_fact){S(FACT_LOGIN), S("")};
    f[9] = (struct event_fact){S(FACT_SERVICE), S("smtp")};
    f[10] = (struct event_fact){
        S(FACT_DIALOGUE),
        arena_printf(a,
                     "S: 220 mail.example.jp ESMTP\nC: EHLO mail.example.net\n"
                     "S: 250-mail.example.jp\nS: 250-PIPELINING\nS: 250 SIZE 52428800\n"
                     "C: MAIL FROM:<user%llu@example.net> SIZE=4312\nS: 250 2.1.0 OK\n"
                     "C: RCPT TO:<reader%llu@example.jp>\nS: 250 2.1.5 OK\nC: DATA\n"
                     "S: 354 Go ahead\nC: .\nS: 250 2.0.0 taken\n",
                     (unsigned long long)(n % 1000), (unsigned long long)(n % 5000))};
}

enum role sample_step(uint64_t n, unsigned step, struct arena *a, struct event *e) {
    static const enum role roles[SAMPLE_STEPS] = {ROLE_EDGE, ROLE_QUEUE, ROLE_MAIL, ROLE_QUEUE};
    struct slice reader = arena_printf(a, "reader%llu@example.jp", (unsigned long long)(n % 5000));
    *e = (struct event){.wall = SAMPLE_WALL + (int64_t)(n * 100 + step * 10),
                        .message = sample_message(n)};
    if (step == 0) {
        accepted(n, a, e);
    } else if (step == 1) {
        e->kind = S(KIND_LOOKUP);
        e->text = arena_printf(a, "%.*s is a mailbox of this host.", SLICE_ARG(reader));
        facts_of(a, e, 1)[0] = (struct event_fact){S(FACT_TO), reader};
    } else if (step == 2) {
        struct event_fact *f = facts_of(a, e, 2);
        e->kind = S(KIND_DELIVERED);
        e->text = arena_printf(a, "Delivered to the INBOX of %.*s.", SLICE_ARG(reader));
        f[0] = (struct event_fact){S(FACT_TO), reader};
        f[1] = (struct event_fact){S(FACT_ACCOUNT), reader};
    } else {
        e->kind = S(KIND_SETTLED);
        e->text = S("Nothing is left to do.");
    }
    return roles[step];
}

/* ------------------------------------------------------------------ by hand */

struct script {
    const char *role, *kind, *text;
    int64_t after; /* microseconds since the first */
    struct {
        const char *name, *value;
    } facts[12];
};

static const struct script script[] = {
    {"edge",
     KIND_ACCEPTED,
     "A message from tama@example.jp came from laptop.example.jp [192.0.2.7] and was taken.",
     0,
     {{FACT_FROM, "tama@example.jp"},
      {FACT_TO, "kuro@example.net\nall@example.jp"},
      {FACT_MESSAGE_ID, "<20261122.201242@laptop.example.jp>"},
      {FACT_SUBJECT, "Re: 会議の日程について"},
      {FACT_SIZE, "4312"},
      {FACT_CLIENT, "laptop.example.jp [192.0.2.7]"},
      {FACT_HELO, "laptop"},
      {FACT_TLS, "TLSv1.3, TLS_AES_256_GCM_SHA384"},
      {FACT_LOGIN, "tama@example.jp"},
      {FACT_SERVICE, "submission"},
      {FACT_DIALOGUE,
       "S: 220 mail.example.jp ESMTP\nC: EHLO laptop\nS: 250-mail.example.jp\n"
       "S: 250-PIPELINING\nS: 250-AUTH PLAIN LOGIN\nS: 250 SIZE 52428800\nC: AUTH PLAIN ***\n"
       "S: 235 2.7.0 welcome\nC: MAIL FROM:<tama@example.jp> SIZE=4312\nS: 250 2.1.0 OK\n"
       "C: RCPT TO:<kuro@example.net>\nS: 250 2.1.5 OK\nC: RCPT TO:<all@example.jp>\n"
       "S: 250 2.1.5 OK\nC: DATA\nS: 354 Go ahead; end with <CRLF>.<CRLF>\nC: .\n"
       "S: 250 2.0.0 The message is safe: 0k5pst60w8080\n"}}},
    {"queue",
     KIND_EXPANDED,
     "all@example.jp is an alias for 2 addresses.",
     1400,
     {{FACT_TO, "all@example.jp"}, {FACT_TARGETS, "mike@example.jp\nshiro@example.com"}}},
    {"queue",
     KIND_LOOKUP,
     "mike@example.jp is a mailbox of this host.",
     1450,
     {{FACT_TO, "mike@example.jp"}}},
    {"mail",
     KIND_DELIVERED,
     "Delivered to the INBOX of mike@example.jp.",
     5210,
     {{FACT_TO, "mike@example.jp"}, {FACT_ACCOUNT, "mike.k@example.jp"}}},
    {"relay",
     KIND_LOOKUP,
     "The mail hosts of example.net are mx1.example.net (10) and mx2.example.net (20).",
     31800,
     {{FACT_DOMAIN, "example.net"}}},
    {"relay",
     KIND_UNREACHABLE,
     "mx1.example.net [198.51.100.10] does not answer.",
     30031900,
     {{FACT_HOST, "mx1.example.net [198.51.100.10]"}, {FACT_REASON, "no answer within 30 s"}}},
    {"relay",
     KIND_TRANSMITTED,
     "mx2.example.net has taken the message for kuro@example.net.",
     31212400,
     {{FACT_TO, "kuro@example.net"},
      {FACT_HOST, "mx2.example.net [198.51.100.11]"},
      {FACT_TLS, "TLSv1.3, TLS_AES_128_GCM_SHA256"},
      {FACT_REPLY, "250 2.0.0 Ok: queued as 4F2B61C0A7"},
      {FACT_DIALOGUE,
       "-- mx2.example.net [198.51.100.11]\nS: 220 mx2.example.net ESMTP\n"
       "C: EHLO mail.example.jp\nS: 250-mx2.example.net\nS: 250-STARTTLS\nS: 250 PIPELINING\n"
       "C: STARTTLS\nS: 220 2.0.0 Ready to start TLS\nC: EHLO mail.example.jp\n"
       "S: 250-mx2.example.net\nS: 250 PIPELINING\nC: MAIL FROM:<tama@example.jp>\n"
       "C: RCPT TO:<kuro@example.net>\nC: DATA\nS: 250 2.1.0 Ok\nS: 250 2.1.5 Ok\n"
       "S: 354 End data with <CR><LF>.<CR><LF>\nC: .\n"
       "S: 250 2.0.0 Ok: queued as 4F2B61C0A7\n"}}},
    {"relay",
     KIND_DEFERRED,
     "mx.example.com does not take the message for shiro@example.com yet.",
     31913000,
     {{FACT_TO, "shiro@example.com"},
      {FACT_HOST, "mx.example.com [203.0.113.25]"},
      {FACT_REPLY, "451 4.7.1 Greylisted, please try again in five minutes"},
      {FACT_ATTEMPTS, "1"},
      {FACT_NEXT, "1795000331913000"}}},
    {"relay",
     KIND_BOUNCED,
     "mx.example.com refuses the message for shiro@example.com.",
     332913000,
     {{FACT_TO, "shiro@example.com"},
      {FACT_HOST, "mx.example.com [203.0.113.25]"},
      {FACT_REPLY, "550 5.1.1 <shiro@example.com>: no such user here\x1b[2J \xe2\x80\xae"
                   "evil"},
      {FACT_ATTEMPTS, "2"},
      {FACT_REPORT, "0k5pst60w8081"}}},
    {"queue", KIND_SETTLED, "Nothing is left to do.", 332913900, {{0}}},
};

size_t sample_journey(struct arena *a, struct event **ret) {
    struct event *events = arena_array(a, ARRAY_SIZE(script), sizeof *events);
    for (size_t i = 0; i < ARRAY_SIZE(script); i++) {
        struct event *e = &events[i];
        *e = (struct event){.sequence = i + 1,
                            .wall = SAMPLE_WALL + script[i].after,
                            .message = sample_message(0),
                            .role = slice_of_str(script[i].role),
                            .kind = slice_of_str(script[i].kind),
                            .text = slice_of_str(script[i].text),
                            .facts = arena_array(a, ARRAY_SIZE(script[i].facts), sizeof *e->facts)};
        while (e->fact_count < ARRAY_SIZE(script[i].facts) && script[i].facts[e->fact_count].name) {
            e->facts[e->fact_count].name = slice_of_str(script[i].facts[e->fact_count].name);
            e->facts[e->fact_count].value = slice_of_str(script[i].facts[e->fact_count].value);
            e->fact_count++;
        }
    }
    *ret = events;
    return ARRAY_SIZE(script);
}
