/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a message and as what DNS says of it: up to a line "%%" each line is the answer to
 * the next question for TXT, behind it is the message. What comes of it stays within its bounds,
 * and what is written of it is one field, and JSON.
 */
#include "base/json_read.h"
#include "message/header.h"
#include "sender/judge.h"
#include "sender/results.h"

#define QUESTIONS_MAX 1000U

struct zone {
    struct slice rest;
    unsigned questions;
};

static int query(void *arg, struct slice name, uint16_t type, struct arena *a,
                 struct dns_answer *ret) {
    struct zone *z = arg;
    struct slice line;
    *ret = (struct dns_answer){.type = type, .code = DNS_NXDOMAIN};
    MUST(++z->questions <= QUESTIONS_MAX);
    if (type != DNS_TXT || !slice_next(&z->rest, '\n', &line))
        return name.len % 3 == 0 ? -E_SYNTAX : 0;
    ret->code = line.len == 0 ? DNS_SERVFAIL : DNS_OK;
    ret->records = arena_array(a, 1, sizeof *ret->records);
    ret->records[0].bytes = line;
    ret->count = line.len > 0;
    return 0;
}

static void check_text(const struct sender_question *q, const struct sender_verdict *v) {
    struct buf field = {0}, text = {0};
    struct header_cursor c;
    struct header_field f;
    struct json j = {.to = &text};
    struct json_value value;
    struct arena a = {0};
    buf_add_str(&field, "Authentication-Results: ");
    sender_results_add(&field, q, v);
    buf_add_str(&field, "\r\n\r\n");
    c = (struct header_cursor){.message = buf_slice(&field)};
    MUST(header_next(&c, &f) && !header_next(&c, &f) && c.body == field.len);
    for (size_t i = 0; i < field.len; i++)
        MUST((unsigned char)field.ptr[i] < 0x7f);
    json_object(&j);
    sender_results_json(&j, v);
    json_end(&j);
    MUST(json_read(buf_slice(&text), &(struct json_limits)JSON_LIMITS_DEFAULT, &a, &value, NULL) ==
         0);
    arena_done(&a);
    buf_done(&field);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice input = slice_of(data, size);
    ssize_t mark = slice_find(input, S("\n%%\n"));
    struct slice message = slice_from(input, mark < 0 ? 0 : (size_t)mark + 4);
    struct zone z = {.rest = slice_first(input, mark < 0 ? 0 : (size_t)mark)};
    struct dns_client dns = {query, &z};
    struct arena a = {0};
    struct net_addr client;
    struct sender_verdict v;
    const struct sender_question q = {.dns = &dns,
                                      .client = &client,
                                      .helo = slice_first(input, 20),
                                      .local_part = slice_first(message, 10),
                                      .domain = S("example.jp"),
                                      .host = S("mx.example.jp")};
    MUST(net_parse(S("192.0.2.1"), 0, &client) == 0);
    struct sender_judge *j = sender_judge_new(message, 1796000000);
    struct slice body = slice_from(message, header_body(message, NULL));
    sender_judge_add(j, slice_first(body, body.len / 2));
    sender_judge_add(j, slice_from(body, body.len / 2));
    MUST(sender_judge_end(j, &q, &a, &v) == 0);
    sender_judge_free(j);
    MUST(v.dkim_count <= DKIM_SIGNATURES_MAX && v.arc.count <= ARC_SETS_MAX &&
         v.author.count <= AUTHOR_DOMAINS_MAX);
    check_text(&q, &v);
    arena_done(&a);
    return 0;
}
