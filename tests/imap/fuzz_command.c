/* SPDX-License-Identifier: ISC */
/*
 * Any bytes from a client, in parts of any size: what comes of them is the same as when they come
 * at once, always ends, and stays within its bounds; a program that searches ends for any message.
 *
 * Byte 0: bit 0 before login, bit 1 UTF-8 names, bit 2 messages are refused; byte 1: size of parts.
 */
#include <errno.h>
#include <stdint.h>

#include "dialogue/parts.h"
#include "fiber/fiber.h"
#include "imap/syntax/append.h"

struct client {
    struct parts parts;
    unsigned flags;
    struct buf told; /* what came of it */
};

static void check_set(const struct imap_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        MUST(set->ranges[i].first > 0 && set->ranges[i].first <= set->ranges[i].last);
        MUST(i == 0 || set->ranges[i].first > (uint64_t)set->ranges[i - 1].last + 1);
    }
}

/* Whatever its tests say, a program goes forward and ends. */
static void run_program(const struct imap_search_program *p) {
    for (unsigned answers = 0; answers < 8; answers++) {
        uint32_t at = p->begin;
        while (at < p->count) {
            const struct imap_search_node *n = &p->nodes[at];
            MUST(n->key > IMAP_SEARCH_OR && n->size == 1);
            if (n->key == IMAP_SEARCH_NUMBERS || n->key == IMAP_SEARCH_UIDS)
                check_set(n->set);
            uint32_t to = answers >> at % 3 & 1 ? n->yes : n->no;
            MUST(to > at);
            at = to;
        }
        MUST(at == IMAP_SEARCH_YES || at == IMAP_SEARCH_NO);
    }
    MUST(p->count > 0 && p->nodes[0].size == p->count);
}

static void look(struct client *client, const struct imap_command *c) {
    buf_printf(&client->told, "%.*s %s %d\n", SLICE_ARG(c->tag), imap_verb_name(c->verb), c->uid);
    switch (c->verb) {
    case IMAP_SEARCH:
    case IMAP_SORT:
    case IMAP_THREAD:
    case IMAP_ESEARCH:
        run_program(&c->search.program);
        buf_printf(&client->told, "%u nodes\n", c->search.program.count);
        break;
    case IMAP_FETCH:
        check_set(&c->fetch.set);
        MUST(c->fetch.what.set || c->fetch.what.section_count > 0);
        buf_printf(&client->told, "%zu ranges\n", c->fetch.set.count);
        break;
    case IMAP_LIST:
        MUST(c->list.pattern_count > 0);
        break;
    case IMAP_SELECT:
    case IMAP_EXAMINE:
        check_set(&c->select.known);
        buf_printf(&client->told, "\"%.*s\"\n", SLICE_ARG(c->select.mailbox));
        break;
    default:
        break;
    }
}

static struct imap_mode mode_of(const struct client *c) {
    return (struct imap_mode){.state = c->flags & 1 ? IMAP_STATE_LOGIN : IMAP_STATE_SELECTED,
                              .utf8_names = c->flags & 2};
}

static int refuse(struct client *client, struct imap_reader *r) {
    int e = imap_reader_refuse(r);
    if (e == -E_REFUSED)
        buf_add_str(&client->told, "over\n");
    return e;
}

/* 0, or negative when the connection is over. */
static int take_message(struct client *client, struct imap_reader *r, struct arena *a,
                        const struct imap_command *c) {
    struct imap_append_place place = {.at = c->append.at, .one = c->verb == IMAP_REPLACE};
    struct imap_append_part part;
    struct problem problem = {0};
    for (;;) {
        int e = imap_append_next(&place, r, mode_of(client), a, &part, &problem);
        if (e < 0) {
            MUST(e != -E_SYNTAX || problem.text[0] != '\0');
            buf_printf(&client->told, "part %s\n", error_text(e));
            return e == -E_SYNTAX ? refuse(client, r) : e;
        }
        buf_printf(&client->told, "part %d %.*s\n", (int)part.kind, SLICE_ARG(part.url));
        if (part.kind == IMAP_APPEND_END)
            return 0;
        if (part.kind != IMAP_APPEND_OCTETS)
            continue;
        if (client->flags & 4 || part.literal.size > 100000)
            return refuse(client, r);
        e = imap_reader_hand_on(r);
        char octet;
        for (uint64_t i = 0; i < part.literal.size && e == 0; i++)
            e = stream_read_exact(r->stream, &octet, 1);
        if (e < 0)
            return e;
    }
}

static void converse(void *arg) {
    struct client *client = arg;
    const struct imap_reader_limits *limits =
        client->flags & 1 ? &imap_limits_before_login : &imap_limits_after_login;
    struct imap_reader r = {
        .stream = parts_stream(&client->parts), .limits = limits, .timeout = USEC_MIN};
    int e;
    do {
        struct arena a = {0};
        struct imap_command c;
        struct problem problem = {0};
        e = imap_command_next(&r, mode_of(client), &a, &c, &problem);
        MUST(r.text.len <= limits->line + limits->literals + 100);
        if (e == 0)
            look(client, &c);
        else
            buf_printf(&client->told, "%.*s %s%s\n", SLICE_ARG(c.tag), r.wrong ? "" : problem.text,
                       e == -E_REFUSED ? ", over\n" : "");
        MUST((e != -E_SYNTAX && e != -E_UNKNOWN) || problem.text[0] != '\0');
        if (e == 0 && imap_brings_message(&c))
            e = take_message(client, &r, &a, &c);
        MUST(a.total <= (client->flags & 1 ? 32768U : 16U << 20));
        arena_done(&a);
    } while (e == 0 || e == -E_SYNTAX || e == -E_UNKNOWN);
    imap_reader_done(&r);
    stream_free(r.stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (len < 2)
        return 0;
    struct client at_once = {.parts = {slice_of(bytes + 2, len - 2), .part = SIZE_MAX},
                             .flags = bytes[0]};
    struct client in_parts = at_once;
    in_parts.parts.part = (size_t)bytes[1] + 1;
    const struct fiber_config config = {.simulate_from = 1};
    MUST(fiber_run(&config, converse, &in_parts) == 0);
    MUST(fiber_run(&config, converse, &at_once) == 0);
    /* Whether octets have come behind a refused literal ends a conversation, or does not. */
    struct slice told[] = {buf_slice(&in_parts.told), buf_slice(&at_once.told)};
    if (slice_find(told[0], S("over\n")) < 0 && slice_find(told[1], S("over\n")) < 0)
        MUST(slice_eq(told[0], told[1]));
    buf_done(&in_parts.told);
    buf_done(&at_once.told);
    return 0;
}
