/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "events/kinds.h"
#include "journey/sample.h"
#include "journey/show.h"
#include "message/text.h"

/* ------------------------------------------------------------------ text */

static void assert_escaped(const char *text, const char *shown) {
    _cleanup_(buf_done) struct buf b = {0};
    text_add(&b, slice_of_str(text));
    assert_slice(buf_slice(&b), shown);
}

static void a_terminal_is_not_steered(void **state) {
    (void)state;
    assert_escaped("plain 会議 é", "plain 会議 é");
    assert_escaped("\x1b[2J\r\n\t\x7f", "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
    assert_escaped("\xc2\x9b"
                   "31m",
                   "\\u{009b}31m"); /* C1 CSI */
    assert_escaped("\xe2\x80\xae"
                   "fdp",
                   "\\u{202e}fdp"); /* right-to-left override */
    assert_escaped("a\xff\xc0\x80\xe4", "a\\xff\\xc0\\x80\\xe4");
    assert_escaped("\xef\xbb\xbf", "\\u{feff}");
}

static void wide_characters_take_two_columns(void **state) {
    (void)state;
    assert_int_equal(text_columns(S("abc")), 3);
    assert_int_equal(text_columns(S("会議")), 4);
    assert_int_equal(text_columns(S("が")), 2);
    assert_int_equal(text_columns(S("か\xe3\x82\x99")), 2); /* with a combining mark */
    assert_int_equal(text_columns(S("é")), 1);
}

static void assert_wrapped(const char *text, size_t column, size_t width, const char *expected) {
    _cleanup_(buf_done) struct buf b = {0};
    text_wrap(&b, slice_of_str(text), column, width);
    assert_slice(buf_slice(&b), expected);
}

static void lines_are_wrapped_at_blanks(void **state) {
    (void)state;
    assert_wrapped("one two three four five six", 2, 24, "one two three four\n  five six");
    assert_wrapped("a-word-that-is-longer-than-any-line is", 0, 20,
                   "a-word-that-is-longer-than-any-line\nis");
    assert_wrapped("", 3, 30, "");
    assert_wrapped("  a   b ", 3, 30, "a b");
}

static void japanese_is_wrapped_between_characters(void **state) {
    (void)state;
    assert_wrapped("あいうえおかきくけこさしす", 0, 20, "あいうえおかきくけこ\nさしす");
    assert_wrapped("あいうえおかきくけこ。さしす", 0, 20, "あいうえおかきくけ\nこ。さしす");
    assert_wrapped("あいうえおかきくけ「こ」さしす", 0, 20, "あいうえおかきくけ\n「こ」さしす");
    assert_wrapped("あいうえおかきくけこっさしす", 0, 20, "あいうえおかきくけ\nこっさしす");
    assert_wrapped("あいうえおかきくけ DNS。の", 0, 20, "あいうえおかきくけ\nDNS。の");
}

/* ------------------------------------------------------------------ journeys */

static void assert_has(struct slice text, const char *part) {
    if (slice_find(text, slice_of_str(part)) < 0)
        fail_msg("\"%s\" is not in:\n%.*s", part, SLICE_ARG(text));
}

static void assert_has_not(struct slice text, const char *part) {
    if (slice_find(text, slice_of_str(part)) >= 0)
        fail_msg("\"%s\" is in:\n%.*s", part, SLICE_ARG(text));
}

static void the_head_shows_every_disposition(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event *events;
    size_t count = sample_journey(&a, &events);
    struct show_options options = {.width = 120};
    (void)state;
    show_head(&b, events[0].message, events, count, &options);
    assert_has(buf_slice(&b), "  From        tama@example.jp\n");
    assert_has(buf_slice(&b), "  Subject     Re: 会議の日程について\n");
    assert_has(buf_slice(&b), "  Size        4,312 bytes\n");
    assert_has(buf_slice(&b), "  Arrived     Wed, 18 Nov 2026 11:06:40 +0000\n");
    assert_has(buf_slice(&b),
               "  kuro@example.net   Transmitted after 31.21 s: 250 2.0.0 Ok: queued as");
    assert_has(buf_slice(&b),
               "  all@example.jp     Passed on after 1 ms: mike@example.jp, shiro@example.com\n");
    assert_has(buf_slice(&b), "  mike@example.jp    Delivered after 5 ms: mike.k@example.jp\n");
    assert_has(buf_slice(&b), "  shiro@example.com  Failed after 5 min 32 s: 550 5.1.1");
}

static void a_deferred_message_says_when_it_is_tried_again(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event *events;
    struct show_options options = {.width = 120};
    (void)state;
    (void)sample_journey(&a, &events);
    show_head(&b, events[0].message, events, 8, &options); /* up to the deferral */
    assert_has(buf_slice(&b), "Deferred, next attempt 11:12:11, in 5 min 0 s: 451 4.7.1");
}

static void a_held_message_is_not_said_to_be_tried_again(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct event *events;
    struct show_options options = {.width = 120};
    (void)state;
    (void)sample_journey(&a, &events);
    for (size_t told = 1; told <= 8; told += 7) { /* before any attempt, and after a deferral */
        _cleanup_(buf_done) struct buf b = {0};
        struct event now[10];
        memcpy(now, events, told * sizeof *now);
        now[told] = (struct event){
            .wall = TEST_WALL + USEC_HOUR, .message = events[0].message, .kind = S(KIND_HELD)};
        now[told + 1] = now[told];
        now[told + 1].kind = S(KIND_RELEASED);
        show_head(&b, events[0].message, now, told + 1, &options);
        assert_has(buf_slice(&b), told == 1 ? "  Held\n" : "  Held: 451 4.7.1");
        assert_has_not(buf_slice(&b), told == 1 ? "Waits" : "next attempt");
        buf_clear(&b);
        show_head(&b, events[0].message, now, told + 2, &options);
        assert_has_not(buf_slice(&b), "Held");
    }
}

static void a_quick_delivery_is_not_waiting(void **state) {
    struct event_fact facts[] = {{S(FACT_TO), S("a@b.c")}, {S(FACT_FROM), S("d@e.f")}};
    struct event events[] = {
        {.wall = TEST_WALL,
         .message = 1,
         .kind = S(KIND_DELIVERED),
         .facts = facts,
         .fact_count = 1},
        {.wall = TEST_WALL,
         .message = 1,
         .kind = S(KIND_ACCEPTED),
         .facts = facts,
         .fact_count = 2},
    };
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    show_head(&b, 1, events, 2, &(struct show_options){0});
    assert_has(buf_slice(&b), "  a@b.c  Delivered\n");
}

static void messages_that_belong_together_are_named(void **state) {
    struct event_fact facts[] = {{S(FACT_CHILD), S("0c8q2zv5k7g00")},
                                 {S(FACT_ORIGINAL), S("0c8q2zv5k7g01")},
                                 {S(FACT_REPORT), S("not an id")}};
    struct event events[] = {{.wall = TEST_WALL, .message = 1, .facts = facts, .fact_count = 3},
                             {.wall = TEST_WALL, .message = 1, .facts = facts, .fact_count = 1}};
    _cleanup_(buf_done) struct buf b = {0};
    queue_id ids[5], expected;
    (void)state;
    show_head(&b, 1, events, 1, &(struct show_options){0});
    assert_has(buf_slice(&b), "  Goes on in  0c8q2zv5k7g00\n");
    assert_int_equal(show_relatives(events, 2, ids, 5), 2);
    assert_int_equal(queue_id_parse(S("0c8q2zv5k7g01"), &expected), 0);
    assert_int_equal(ids[0], expected);
    assert_int_equal(show_relatives(events, 2, ids, 1), 1);
}

static void a_fact_that_the_sentence_holds_is_not_said_again(void **state) {
    struct event_fact facts[] = {{S(FACT_HOST), S("mx1.b.c")},
                                 {S(FACT_DOMAIN), S("b.c")},
                                 {S(FACT_HELO), S("mx")},
                                 {S(FACT_REASON), S("\r\n")}};
    struct event e = {.wall = TEST_WALL,
                      .kind = S(KIND_CONNECTED),
                      .text = S("There is a connection to mx1.b.c."),
                      .facts = facts,
                      .fact_count = 4};
    _cleanup_(buf_done) struct buf b = {0};
    struct show_place place = {0};
    (void)state;
    show_steps(&b, &e, 1, &place, &(struct show_options){0});
    assert_has_not(buf_slice(&b), "Host");
    assert_has(buf_slice(&b), "Domain        b.c\n"); /* a part of a name is not the name */
    assert_has(buf_slice(&b), "HELO          mx\n");
    assert_has_not(buf_slice(&b), "Reason");
}

static void steps_have_times_and_spans(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event *events;
    size_t count = sample_journey(&a, &events);
    struct show_options options = {.width = 120};
    struct show_place place = {.message = events[0].message};
    (void)state;
    show_steps(&b, events, count, &place, &options);
    assert_int_equal(place.before, events[count - 1].wall);
    assert_true(slice_starts(buf_slice(&b), S("2026-11-18\n11:06:40.000            Accepted")));
    assert_has(buf_slice(&b), "11:06:40.001     +1 ms  Passed on");
    assert_has(buf_slice(&b), "11:07:11.212   +1.18 s  Transmitted");
    assert_has(buf_slice(&b), "                        C: MAIL FROM:<tama@example.jp> SIZE=4312\n");
    assert_has(buf_slice(&b), "                        -- mx2.example.net [198.51.100.11]\n");
}

static void what_came_later_is_shown_behind(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf whole = {0}, parts = {0};
    struct event *events;
    size_t count = sample_journey(&a, &events);
    struct show_options options = {.width = 80};
    struct show_place place = {.message = events[0].message};
    (void)state;
    show_steps(&whole, events, count, &place, &options);
    place = (struct show_place){.message = events[0].message};
    for (size_t i = 0; i < count; i++)
        show_steps(&parts, &events[i], 1, &place, &options);
    assert_slice(buf_slice(&parts), buf_str(&whole));
}

static void steps_are_in_order_of_time(void **state) {
    struct event events[] = {
        {.sequence = 1, .wall = TEST_WALL + 5000, .kind = S(KIND_LOOKUP), .text = S("Second.")},
        {.sequence = 2, .wall = TEST_WALL, .kind = S(KIND_ACCEPTED), .text = S("First.")},
        {.sequence = 3, .wall = TEST_WALL + 5000, .kind = S(KIND_QUEUED), .text = S("Third.")},
    };
    _cleanup_(buf_done) struct buf b = {0};
    struct show_options options = {0};
    struct show_place place = {0};
    (void)state;
    show_steps(&b, events, 3, &place, &options);
    ssize_t first = slice_find(buf_slice(&b), S("First.")),
            second = slice_find(buf_slice(&b), S("Second.")),
            third = slice_find(buf_slice(&b), S("Third."));
    assert_true(first >= 0 && first < second && second < third);
}

static void nothing_from_outside_is_shown_raw(void **state) {
    struct show_place place;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event *events;
    size_t count = sample_journey(&a, &events);
    struct show_options options = {.width = 80};
    (void)state;
    show_journey(&b, events[0].message, events, count, &place, &options);
    assert_has(buf_slice(&b), "\\x1b[2J");
    assert_has(buf_slice(&b), "\\u{202e}evil");
    for (size_t i = 0; i < b.len; i++)
        assert_true((uint8_t)b.ptr[i] >= 0x20 || b.ptr[i] == '\n');
}

static void colour_only_when_asked(void **state) {
    struct show_place place;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf plain = {0}, painted = {0};
    struct event *events;
    size_t count = sample_journey(&a, &events);
    (void)state;
    show_journey(&plain, events[0].message, events, count, &place,
                 &(struct show_options){.width = 100});
    show_journey(&painted, events[0].message, events, count, &place,
                 &(struct show_options){.width = 100, .colour = true});
    assert_has_not(buf_slice(&plain), "\033[");
    assert_has(buf_slice(&painted), "\033[32mDelivered after 5 ms: mike.k@example.jp\033[0m");
}

static void no_line_is_wider_than_the_terminal(void **state) {
    struct show_place place;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event *events;
    size_t count = sample_journey(&a, &events);
    struct slice rest, line;
    (void)state;
    show_journey(&b, events[0].message, events, count, &place, &(struct show_options){.width = 80});
    rest = buf_slice(&b);
    while (slice_next(&rest, '\n', &line)) {
        if (text_columns(line) > 80)
            fail_msg("%zu columns: %.*s", text_columns(line), SLICE_ARG(line));
    }
}

static void an_unknown_message_is_said_plainly(void **state) {
    struct show_place place;
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    show_journey(&b, 1, NULL, 0, &place, &(struct show_options){0});
    assert_slice(buf_slice(&b), "Message 0000000000001: nothing is known of it, or no longer\n\n");
}

static void many_recipients_are_counted(void **state) {
    _cleanup_(buf_done) struct buf to = {0}, b = {0};
    for (unsigned i = 0; i < 250; i++)
        buf_printf(&to, "reader%u@example.jp\n", i);
    struct event_fact facts[] = {{S(FACT_FROM), S("")}, {S(FACT_TO), buf_slice(&to)}};
    struct event e = {
        .wall = TEST_WALL, .message = 1, .kind = S(KIND_ACCEPTED), .facts = facts, .fact_count = 2};
    (void)state;
    show_head(&b, 1, &e, 1, &(struct show_options){0});
    assert_has(buf_slice(&b), "  reader99@example.jp  Waits\n  and 150 more\n");
    assert_has(buf_slice(&b), "  From        <> (a report or automatic answer");
}

/* ------------------------------------------------------------------ messages that came of it */

static void fact(struct event *e, const char *name, const char *value) {
    e->facts[e->fact_count++] = (struct event_fact){slice_of_str(name), slice_of_str(value)};
}

/* Message 1 to an alias and to nobody, 2 to the alias's target, 3 the report to its sender. */
static size_t sample_family(struct arena *a, struct event *e) {
    static const struct {
        queue_id message;
        const char *kind, *text;
    } events[] = {{1, KIND_ACCEPTED, "Taken."},        {1, KIND_EXPANDED, "all@a.b goes on."},
                  {1, KIND_EXPANDED, "In that."},      {1, KIND_BOUNCED, "nobody@a.b: given up."},
                  {1, KIND_REPORT, "It is told."},     {2, KIND_QUEUED, "For mike."},
                  {3, KIND_QUEUED, "For tama."},       {2, KIND_DELIVERED, "mike@a.b has it."},
                  {3, KIND_DELIVERED, "tama@a.b too."}};
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        e[i] = (struct event){.sequence = i + 1,
                              .wall = TEST_WALL + (usec_t)i * USEC_MS,
                              .message = events[i].message,
                              .kind = slice_of_str(events[i].kind),
                              .text = slice_of_str(events[i].text),
                              .facts = arena_array(a, 4, sizeof(struct event_fact))};
    fact(&e[0], FACT_FROM, "tama@a.b");
    fact(&e[0], FACT_TO, "all@a.b\nnobody@a.b");
    fact(&e[1], FACT_TO, "all@a.b");
    fact(&e[1], FACT_TARGETS, "mike@a.b");
    fact(&e[2], FACT_CHILD, "0000000000002");
    fact(&e[3], FACT_TO, "nobody@a.b");
    fact(&e[4], FACT_REPORT, "0000000000003");
    fact(&e[5], FACT_TO, "mike@a.b");
    fact(&e[5], FACT_FROM, "tama@a.b");
    fact(&e[5], FACT_ORIGIN, "expansion");
    fact(&e[6], FACT_TO, "tama@a.b");
    fact(&e[6], FACT_FROM, "");
    fact(&e[6], FACT_ORIGIN, "report");
    fact(&e[7], FACT_TO, "mike@a.b");
    fact(&e[8], FACT_TO, "tama@a.b");
    return ARRAY_SIZE(events);
}

static void the_head_tells_of_targets_and_reports(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event events[9];
    size_t count = sample_family(&a, events);
    (void)state;
    show_head(&b, 1, events, count, &(struct show_options){.width = 100});
    assert_slice(buf_slice(&b), "Message 0000000000001\n"
                                "  From        tama@a.b\n"
                                "  Arrived     Wed, 18 Nov 2026 11:06:40 +0000\n"
                                "  Goes on in  0000000000002\n"
                                "  Report      0000000000003 to tama@a.b: Delivered after 2 ms\n"
                                "\n"
                                "  all@a.b     Passed on after 1 ms: mike@a.b\n"
                                "  nobody@a.b  Failed after 3 ms\n"
                                "  mike@a.b    Delivered after 7 ms\n");
}

static void steps_say_whose_turn_it_is(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event events[9];
    struct show_place place = {.message = 1};
    size_t count = sample_family(&a, events);
    struct slice rest, line;
    static const char *const begins[] = {"2026-11-18",
                                         "11:06:40.000            Accepted",
                                         "11:06:40.001     +1 ms  Passed on",
                                         "                        Passed on to  mike@a.b",
                                         "11:06:40.002     +1 ms  Passed on",
                                         "                        Goes on in    0000000000002",
                                         "11:06:40.003     +1 ms  Failed",
                                         "11:06:40.004     +1 ms  Report",
                                         "                        Report        0000000000003",
                                         "Message 0000000000002, to the targets of an alias",
                                         "11:06:40.005     +1 ms  Queued",
                                         "                        Origin        expansion",
                                         "Message 0000000000003, a report to the sender",
                                         "11:06:40.006     +1 ms  Queued",
                                         "                        Origin        report",
                                         "Message 0000000000002",
                                         "11:06:40.007     +1 ms  Delivered",
                                         "Message 0000000000003",
                                         "11:06:40.008     +1 ms  Delivered"};
    (void)state;
    show_steps(&b, events, count, &place, &(struct show_options){.width = 100});
    rest = buf_slice(&b);
    for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
        assert_true(slice_next(&rest, '\n', &line));
        if (!slice_starts(line, slice_of_str(begins[i])))
            fail_msg("\"%.*s\" does not begin with \"%s\"", SLICE_ARG(line), begins[i]);
    }
    assert_int_equal(place.message, 3);
}

static void a_message_in_json_has_its_own_events_only(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event events[9];
    struct json j = {.to = &b};
    size_t count = sample_family(&a, events);
    (void)state;
    show_journey_json(&j, 2, 1, events, count);
    assert_true(slice_starts(
        buf_slice(&b),
        S("{\"message\":\"0000000000002\",\"family\":\"0000000000001\",\"events\":[{")));
    assert_has(buf_slice(&b), "mike@a.b has it.");
    assert_has_not(buf_slice(&b), "tama@a.b too.");
}

/* What the sentence says of the next attempt is not said below it once more. */
static void the_next_attempt_is_said_once(void **state) {
    struct event_fact facts[] = {{S(FACT_ATTEMPTS), S("3")}, {S(FACT_NEXT), S("1795000000000000")}};
    struct event e = {.wall = TEST_WALL,
                      .message = 1,
                      .kind = S(KIND_DEFERRED),
                      .text = S("Not yet."),
                      .facts = facts,
                      .fact_count = 2};
    _cleanup_(buf_done) struct buf b = {0};
    struct show_place place = {.message = 1};
    (void)state;
    show_steps(&b, &e, 1, &place, &(struct show_options){0});
    assert_slice(buf_slice(&b), "2026-11-18\n11:06:40.000            Deferred      Not yet.\n");
}

/* ------------------------------------------------------------------ lines, JSON */

/* Refused at MAIL FROM there is no recipient yet, but what became of it is known. */
static void a_message_without_recipients_has_a_state(void **state) {
    struct event_fact fields[] = {{S(FACT_FROM), S("a@outside.test")},
                                  {S(FACT_REPLY), S("550 5.7.1 no")}};
    struct event e = {.wall = TEST_WALL,
                      .message = 1,
                      .role = S("edge"),
                      .kind = S(KIND_REJECTED),
                      .text = S("A message was refused."),
                      .facts = fields,
                      .fact_count = ARRAY_SIZE(fields)};
    _cleanup_(arena_done) struct arena a = {0};
    struct show_summary s;
    (void)state;
    show_summary(1, &e, 1, &a, &s);
    assert_slice(s.state, "Refused");
    assert_slice(s.state_words, "Refused");
    assert_int_equal(s.to_count, 0);
}

static void wrapped(struct buf *to, const char *text, size_t column, size_t width) {
    buf_clear(to);
    text_blanks(to, column);
    text_wrap(to, slice_of_str(text), column, width);
}

/* JIS X 4051: what closes begins no line, what opens ends none, in either width. */
static void brackets_and_stops_stay_with_their_text(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    wrapped(&b, "あいうえおかきくけこ)さ", 0, 20);
    assert_slice(buf_slice(&b), "あいうえおかきくけ\nこ)さ");
    wrapped(&b, "あいうえおかきくけa(さしす", 0, 20);
    assert_slice(buf_slice(&b), "あいうえおかきくけ\na(さしす");
    wrapped(&b, "あいうえおかきくけこ〕さ", 0, 20);
    assert_slice(buf_slice(&b), "あいうえおかきくけ\nこ〕さ");
}

static void what_is_too_long_beside_a_label_begins_further_left(void **state) {
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    wrapped(&b, "to tamago-no-kimi@example.test now", 12, 34);
    assert_slice(buf_slice(&b), "            to\n"
                                "       tamago-no-kimi@example.test\n"
                                "            now");
    buf_clear(&b);
    buf_add_str(&b, "label       ");
    text_wrap(&b, S("tamago-no-kimi@example.test"), 12, 34);
    assert_slice(buf_slice(&b), "label\n       tamago-no-kimi@example.test");
}

static void a_line_for_a_terminal_goes_on_behind_the_time(void **state) {
    struct event e = {.wall = TEST_WALL + 123000,
                      .message = 1,
                      .role = S("queue"),
                      .kind = S(KIND_WARNING),
                      .text = S("The disk of the spool is nearly full, so make room."),
                      .facts = &(struct event_fact){S(FACT_REASON), S("夏は暑い、冬は寒い。")},
                      .fact_count = 1};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    show_line_within(&b, &e, 80);
    assert_slice(
        buf_slice(&b),
        "2026-11-18 11:06:40.123 warning queue     0000000000001 warning: The disk of the\n"
        "                        spool is nearly full, so make room. (夏は暑い、冬は寒\n"
        "                        い。)\n");
}

static void a_line_of_the_log_has_all_on_one_line(void **state) {
    struct event e = {.wall = TEST_WALL + 123000,
                      .message = 1,
                      .role = S("queue"),
                      .kind = S(KIND_WARNING),
                      .text = S("One\ntwo.")};
    _cleanup_(buf_done) struct buf b = {0};
    (void)state;
    show_line(&b, &e);
    assert_slice(buf_slice(&b), "2026-11-18 11:06:40.123 warning queue     0000000000001 warning:"
                                " One\\x0atwo.\n");
    buf_clear(&b);
    e.message = 0;
    e.facts = &(struct event_fact){S(FACT_REASON), S("the disk is full")};
    e.fact_count = 1;
    show_message(&b, &e);
    assert_slice(buf_slice(&b),
                 "queue     -             warning: One\\x0atwo. (the disk is full)\n");
}

static void json_has_the_types_of_the_table(void **state) {
    struct event_fact facts[] = {{S(FACT_TO), S("a@b.c\nd@e.f")},
                                 {S(FACT_FROM), S("")},
                                 {S(FACT_TLS), S("")},
                                 {S(FACT_SIZE), S("4312")},
                                 {S(FACT_NEXT), S("1795000000000000")},
                                 {S(FACT_ATTEMPTS), S("not a number")},
                                 {S(FACT_DIALOGUE), S("C: QUIT\nS: 221 bye\n")}};
    struct event e = {.sequence = 7,
                      .wall = TEST_WALL,
                      .message = 1,
                      .role = S("relay"),
                      .kind = S(KIND_DEFERRED),
                      .text = S("Later."),
                      .facts = facts,
                      .fact_count = 7};
    _cleanup_(buf_done) struct buf b = {0};
    struct json j = {.to = &b};
    (void)state;
    show_journey_json(&j, 1, 1, &e, 1);
    assert_slice(
        buf_slice(&b),
        "{\"message\":\"0000000000001\",\"family\":\"0000000000001\",\"events\":[{\"sequence\":7,"
        "\"time\":\"2026-11-18T11:06:40.000Z\",\"level\":\"info\",\"role\":\"relay\","
        "\"message\":\"0000000000001\",\"kind\":\"deferred\",\"text\":\"Later.\","
        "\"facts\":{\"to\":[\"a@b.c\",\"d@e.f\"],\"from\":[],\"size\":4312,"
        "\"next\":\"2026-11-18T11:06:40.000Z\",\"attempts\":\"not a number\","
        "\"dialogue\":[\"C: QUIT\",\"S: 221 bye\"]}}]}");
}

/* `test_journey_show WIDTH [colour]` prints the sample, to be looked at. */
static int print(int argc, char **argv) {
    struct show_place place;
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf b = {0};
    struct event *events;
    size_t count = sample_journey(&a, &events);
    struct show_options options = {.width = (unsigned)atoi(argv[1]), .colour = argc > 2};
    show_journey(&b, events[0].message, events, count, &place, &options);
    for (size_t i = 0; i < count; i++)
        show_line(&b, &events[i]);
    return fwrite(b.ptr, 1, b.len, stdout) == b.len ? 0 : 1;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_is_not_steered),
        cmocka_unit_test(wide_characters_take_two_columns),
        cmocka_unit_test(lines_are_wrapped_at_blanks),
        cmocka_unit_test(japanese_is_wrapped_between_characters),
        cmocka_unit_test(the_head_shows_every_disposition),
        cmocka_unit_test(a_deferred_message_says_when_it_is_tried_again),
        cmocka_unit_test(a_held_message_is_not_said_to_be_tried_again),
        cmocka_unit_test(a_quick_delivery_is_not_waiting),
        cmocka_unit_test(messages_that_belong_together_are_named),
        cmocka_unit_test(a_fact_that_the_sentence_holds_is_not_said_again),
        cmocka_unit_test(steps_have_times_and_spans),
        cmocka_unit_test(what_came_later_is_shown_behind),
        cmocka_unit_test(steps_are_in_order_of_time),
        cmocka_unit_test(nothing_from_outside_is_shown_raw),
        cmocka_unit_test(colour_only_when_asked),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(an_unknown_message_is_said_plainly),
        cmocka_unit_test(many_recipients_are_counted),
        cmocka_unit_test(the_head_tells_of_targets_and_reports),
        cmocka_unit_test(steps_say_whose_turn_it_is),
        cmocka_unit_test(a_message_in_json_has_its_own_events_only),
        cmocka_unit_test(the_next_attempt_is_said_once),
        cmocka_unit_test(a_line_of_the_log_has_all_on_one_line),
        cmocka_unit_test(a_line_for_a_terminal_goes_on_behind_the_time),
        cmocka_unit_test(a_message_without_recipients_has_a_state),
        cmocka_unit_test(brackets_and_stops_stay_with_their_text),
        cmocka_unit_test(what_is_too_long_beside_a_label_begins_further_left),
        cmocka_unit_test(json_has_the_types_of_the_table),
    };
    (void)setenv("TZ", "UTC", 1);
    tzset();
    return argc > 1 ? print(argc, argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
