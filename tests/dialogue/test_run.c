/* SPDX-License-Identifier: ISC */
/*
 * Whole scripts against a toy server: every kind of step, and the reports of those that fail. The
 * server greets, repeats each line (ECHO), falls silent (SLEEP), sends bytes (SEND n), takes
 * and gives back a literal (PUT {n}, GET), says a thing to all of its clients (SHOUT), closes
 * (BYE), and gives up after a minute without input.
 */
#include <errno.h>
#include <stdio.h>

#include "dialogue/dialogue.h"
#include "unit.h"

struct toy {
    uint64_t lines;
    char mood[32];
    const char *ended;
    struct buf kept;
    struct stream *clients[3];
};

static void *toy_new(void) {
    struct toy *toy = calloc(1, sizeof *toy);
    assert_non_null(toy);
    toy->ended = "no";
    return toy;
}

static void send_many(struct stream *s, struct slice count) {
    uint64_t n = 0;
    (void)slice_to_u64(count, 1000000, &n);
    for (uint64_t i = 0; i < n; i++)
        stream_str(s, "x");
}

static void toy_free(void *world) {
    struct toy *toy = world;
    buf_done(&toy->kept);
    free(toy);
}

/* "PUT {n}": as IMAP's APPEND has it, with the end of the line behind the literal. */
static void put(struct toy *toy, struct stream *s, struct slice count) {
    uint64_t n = 0;
    struct slice rest;
    (void)slice_to_u64(slice_first(count, count.len - 1), 1000, &n);
    stream_str(s, "+ go on\r\n");
    buf_clear(&toy->kept);
    while (n-- > 0) {
        char byte;
        if (stream_read_exact(s, &byte, 1) < 0)
            return;
        buf_add_byte(&toy->kept, byte);
    }
    (void)stream_read_line(s, 1000, &rest);
    stream_str(s, "kept\r\n");
}

static void shout(struct toy *toy, struct slice text) {
    for (size_t i = 0; i < ARRAY_SIZE(toy->clients); i++)
        if (toy->clients[i]) {
            stream_printf(toy->clients[i], "%.*s\r\n", SLICE_ARG(text));
            (void)stream_flush(toy->clients[i]);
        }
}

static bool toy_obeys(struct toy *toy, struct stream *s, struct slice line) {
    if (slice_starts(line, S("ECHO ")))
        stream_printf(s, "%.*s\r\n", SLICE_ARG(slice_from(line, 5)));
    else if (slice_starts(line, S("SEND ")))
        send_many(s, slice_from(line, 5));
    else if (slice_starts(line, S("PUT {")))
        put(toy, s, slice_from(line, 5));
    else if (slice_eq(line, S("GET")))
        stream_printf(s, "got {%zu}\r\n%.*s)\r\n", toy->kept.len, SLICE_ARG(buf_slice(&toy->kept)));
    else if (slice_starts(line, S("SHOUT ")))
        shout(toy, slice_from(line, 6));
    else if (slice_eq(line, S("SLEEP")))
        (void)fiber_sleep(10 * USEC_SEC);
    else if (slice_eq(line, S("LF")))
        stream_str(s, "only LF\n");
    return !slice_eq(line, S("BYE"));
}

static void toy_serves(struct stream *s, void *world) {
    struct toy *toy = world;
    struct slice line;
    int r;
    stream_set_timeout(s, USEC_MIN);
    stream_printf(s, "HELLO %s\r\n", toy->mood);
    size_t place = 0;
    while (place + 1 < ARRAY_SIZE(toy->clients) && toy->clients[place])
        place++;
    toy->clients[place] = s;
    do {
        r = stream_read_line(s, 1000, &line);
        toy->lines += r == 0;
    } while (r == 0 && toy_obeys(toy, s, slice_trim_lines(line)));
    toy->clients[place] = NULL;
    toy->ended = r == 0 ? "bye" : r == -E_EOF ? "eof" : r == -ETIMEDOUT ? "idle" : "error";
}

static int toy_set(void *world, struct slice name, struct slice value, struct problem *problem) {
    struct toy *toy = world;
    if (!slice_eq(name, S("mood")))
        return problem_set(problem, -E_UNKNOWN, "a toy has only a mood");
    return slice_to_str(value, toy->mood, sizeof toy->mood);
}

static int toy_get(void *world, struct slice name, struct buf *to) {
    struct toy *toy = world;
    if (slice_eq(name, S("lines")))
        buf_printf(to, "%u", (unsigned)toy->lines);
    else if (slice_eq(name, S("ended")))
        buf_add_str(to, toy->ended);
    else
        return -E_UNKNOWN;
    return 0;
}

static const struct dialogue toy = {
    .session = toy_serves,
    .world_new = toy_new,
    .world_free = toy_free,
    .set = toy_set,
    .get = toy_get,
};

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int run(const struct dialogue *d, const char *script, struct buf *report) {
    char path[] = "/tmp/dialogue-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, script, strlen(script)), (ssize_t)strlen(script));
    (void)close(fd);
    int r = dialogue_run(path, d, report);
    (void)unlink(path);
    return r;
}

static void assert_passes(const char *script) {
    struct buf report = {0};
    if (run(&toy, script, &report) < 0)
        fail_msg("%s", buf_str(&report));
    buf_done(&report);
}

/* The report has the line (":LINE:") and the sentence. */
static void assert_fails(const char *script, const char *line, const char *said) {
    struct buf report = {0};
    int r = run(&toy, script, &report);
    if (r == 0 || !strstr(buf_str(&report), line) || !strstr(buf_str(&report), said))
        fail_msg("expected %s %s, the report is: %s", line, said, buf_str(&report));
    buf_done(&report);
}

static void lines_blocks_and_names(void **state) {
    assert_passes("set mood fine\n"
                  "S: HELLO {mood}\n"
                  "C: ECHO I am $mood\n"
                  "S: I am fine\n"
                  "C-block\n"
                  "  ECHO 1\n"
                  "  ECHO 2\n"
                  "S-block\n"
                  "  1\n"
                  "  2\n"
                  "C: BYE\n"
                  "S-end\n"
                  "expect lines 4\n"
                  "expect ended bye\n");
}

static void pipelined_replies_come_in_one_write(void **state) {
    assert_passes("S: HELLO *\n"
                  "S-writes: 1\n"
                  "C-block\n"
                  "  ECHO 1\n"
                  "  ECHO 2\n"
                  "  ECHO 3\n"
                  "S-until: 3\n"
                  "S-writes: 1\n");
}

static void bytes_arrive_one_by_one(void **state) {
    assert_passes("S: HELLO *\n"
                  "C-each-byte: on\n"
                  "C: ECHO a\n"
                  "S: a\n"
                  "C-each-byte: off\n"
                  "C-raw: \"ECHO b\\r\" \"\\nECHO c\\r\\n\"\n"
                  "S-raw: \"b\\r\\nc\\r\\n\"\n");
}

static void bytes_in_great_number(void **state) {
    assert_passes("S: HELLO *\n"
                  "C: SEND 200000\n"
                  "S-repeat: 150000 \"x\"\n"
                  "S-skip: 50000\n"
                  "C-raw: \"ECHO \"\n"
                  "C-repeat: 300 \"ab\"\n"
                  "C:\n"
                  "S-repeat: 300 \"ab\"\n"
                  "S-raw: \"\\r\\n\"\n");
}

static void the_clock_goes_on_only_when_all_wait(void **state) {
    assert_passes("S: HELLO *\n"
                  "C: SLEEP\n"
                  "C: ECHO awake\n"
                  "silence 9s\n"
                  "within 2s\n"
                  "S: awake\n"
                  "wait 59s\n"
                  "C: ECHO x\n"
                  "S: x\n"
                  "wait 61s\n"
                  "S-end\n"
                  "expect ended idle\n");
}

static void a_slow_client_on_either_way(void **state) {
    assert_passes("S: HELLO *\n"
                  "C-slowly: 1 per 50s\n"
                  "C: ECHO a\n"
                  "C-slowly: off\n"
                  "S: a\n"
                  "C: SEND 70000\n"
                  "S-slowly: 10000 per 5s\n"
                  "S-skip: 70000\n"
                  "expect ended no\n");
}

static void half_closed_and_cut_connections(void **state) {
    assert_passes("S: HELLO *\n"
                  "C: ECHO a\n"
                  "C-end\n"
                  "S: a\n"
                  "S-end\n"
                  "expect ended eof\n");
    assert_passes("S: HELLO *\n"
                  "C-cut\n"
                  "expect ended error\n");
    assert_passes("S: HELLO *\n"
                  "C-block\n"
                  "  SEND 100000\n"
                  "  ECHO a\n"
                  "S-skip: 10\n"
                  "C-hang-up\n"
                  "expect lines 2\n"
                  "expect ended error\n");
}

static void connections_share_a_world(void **state) {
    assert_passes("S: HELLO *\n"
                  "C: ECHO a\n"
                  "S: a\n"
                  "C-connect\n"
                  "S: HELLO *\n"
                  "expect lines 1\n");
}

static void several_connections_at_a_time(void **state) {
    assert_passes("S1: HELLO *\n"
                  "set mood grim\n"
                  "C2-connect\n"
                  "set mood fine\n"
                  "S2: HELLO grim\n"
                  "C3: ECHO a\n"
                  "S3: HELLO fine\n"
                  "S3: a\n"
                  "C1: SHOUT new\n"
                  "S2: new\n"
                  "S3: new\n"
                  "S1: new\n"
                  "silence 5s\n"
                  "C2: BYE\n"
                  "S2-end\n"
                  "silence 5s\n"
                  "C1: SHOUT again\n"
                  "S1: again\n"
                  "S1-silence: 5s\n"
                  "S3: again\n"
                  "C2-connect\n"
                  "S2: HELLO fine\n"
                  "expect lines 4\n");
    assert_fails("S1: HELLO *\nS2: HELLO *\nC1: SHOUT x\nS2: x\nsilence 1s\n",
                 ":5: something was said", "    C1: SHOUT x\n    S2: x\n");
    assert_fails("S1: HELLO *\nS2: HELLO *\nC2: ECHO a\n",
                 ":3:", "the server said more than the script has read");
}

static void literals_are_counted(void **state) {
    assert_passes("let message\n"
                  "  Subject: a (very) short one\n"
                  "\n"
                  "  Good day)\n"
                  "S: HELLO *\n"
                  "C: PUT {$#message}\n"
                  "S: + *\n"
                  "C: $message\n"
                  "S: kept\n"
                  "C: GET\n"
                  "S: got {=message})\n"
                  "C: GET\n"
                  "S: got {=found})\n"
                  "C: ECHO $#found\n"
                  "S: 42\n");
    assert_fails("let m abc\nS: HELLO *\nC: GET\nS: got {=m})\n", ":4: something else was said",
                 "came      got {0}\\r\\n)");
    assert_fails("S: HELLO *\nC: ECHO {5}\nS: {=*}\n", ":3: the server said nothing",
                 "came      {5}");
}

static void a_script_includes_what_others_begin_with(void **state) {
    char folder[] = "/tmp/dialogue-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/hello.inc", folder);
    write_file(path, "S: HELLO *\nC: ECHO ready\nS: ready\n");
    (void)snprintf(path, sizeof path, "%s/x.txt", folder);
    write_file(path, "set mood fine\ninclude hello.inc\nexpect lines 1\n");
    struct buf report = {0};
    if (dialogue_run(path, &toy, &report) < 0)
        fail_msg("%s", buf_str(&report));

    (void)snprintf(path, sizeof path, "%s/hello.inc", folder);
    write_file(path, "S: HELLO *\nS: ready\n");
    (void)snprintf(path, sizeof path, "%s/x.txt", folder);
    assert_true(dialogue_run(path, &toy, &report) < 0);
    assert_non_null(strstr(buf_str(&report), "/x.txt: in "));
    assert_non_null(strstr(buf_str(&report), "/hello.inc:2: the server said nothing"));
    buf_done(&report);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/hello.inc", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void toy_client(struct stream *s, void *world) {
    struct slice line;
    if (stream_read_line(s, 1000, &line) == 0)
        stream_printf(s, "GOT %.*s", SLICE_ARG(line));
}

static void a_script_may_play_the_server(void **state) {
    struct dialogue d = {.session = toy_client, .tests_client = true};
    struct buf report = {0};
    int r = run(&d, "S: 220 hello\nC: GOT 220 *\nC-end\n", &report);
    if (r < 0)
        fail_msg("%s", buf_str(&report));
    buf_done(&report);
}

static void what_differs_is_shown(void **state) {
    assert_fails("S: HELLO *\nC: ECHO one\nS: two\n", ":3: something else was said",
                 "  expected  two\n  came      one\n");
    assert_fails("S: HELLO *\nC: ECHO one\nS: two\n",
                 "what was said before:", "    S: HELLO \n    C: ECHO one\n");
    assert_fails("S: HELLO *\nC: LF\nS: *\n", ":3:", "a line must end with CRLF");
    assert_fails("S: HELLO *\nC: ECHO abc\nS-raw: \"abd\"\n", ":3: other bytes came",
                 "expected  d");
}

static void what_is_missing_or_too_much_is_shown(void **state) {
    assert_fails("S: HELLO *\nS: more\n", ":2:", "the server said nothing for 1 s");
    assert_fails("S: HELLO *\nwithin 3s\nS: more\n", ":3:", "the server said nothing for 3 s");
    assert_fails("S: HELLO *\nC: BYE\nS: more\n", ":3:", "the server has closed the connection");
    assert_fails("S: HELLO *\nS-end\n", ":2:", "the server did not close the connection");
    assert_fails("S: HELLO *\nC: ECHO a\nS-end\n", ":3: something was said", "came      a\\r\\n");
    assert_fails("S: HELLO *\nC: ECHO a\nsilence 5s\n", ":3: something was said", "(silence)");
    assert_fails("S: HELLO *\nC: BYE\nsilence 5s\n", ":3:", "closed the connection instead");
    assert_fails("S: HELLO *\nC: ECHO a\n", ":2:", "the server said more than the script has read");
    assert_fails("S-writes: 2\n", ":1:", "expected output in 2 writes, it came in 1");
}

static void wrong_names_and_values_are_shown(void **state) {
    assert_fails("set size 3\n", ":1:", "cannot set \"size\": a toy has only a mood");
    assert_fails("S: HELLO *\nexpect size 3\n", ":2:", "this test has nothing called \"size\"");
    assert_fails("S: HELLO *\nexpect lines 3\n", ":2: \"lines\" is not as expected",
                 "  expected  3\n  is        0\n");
}

static void sleeps_for_ever(struct stream *s, void *world) {
    (void)fiber_sleep(USEC_DAY);
}

static void a_session_that_does_not_end_is_shown(void **state) {
    struct dialogue d = {.session = sleeps_for_ever};
    struct buf report = {0};
    assert_true(run(&d, "wait 1s\n", &report) < 0);
    assert_non_null(strstr(buf_str(&report), "the session did not end"));
    buf_done(&report);
}

static int wants_no_oaths(struct slice said, struct problem *problem) {
    return slice_find(said, S("damn")) < 0 ? 0
                                           : problem_set(problem, -E_SYNTAX, "that was an oath");
}

/* Also where the script takes everything; not where a word may have been cut off. */
static void all_that_was_said_is_judged(void **state) {
    struct dialogue d = toy;
    struct buf report = {0};
    d.judge = wants_no_oaths;
    assert_int_equal(run(&d, "S: HELLO *\nC: ECHO fine\nS: *\n", &report), 0);
    assert_true(run(&d, "S: HELLO *\nC: ECHO damn\nS: *\nC: BYE\nS-end\n", &report) < 0);
    assert_non_null(strstr(buf_str(&report), "that was an oath"));
    buf_clear(&report);
    assert_int_equal(run(&d, "S: HELLO *\nC: ECHO damn\nS: *\nC-cut\n", &report), 0);
    buf_done(&report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_blocks_and_names),
        cmocka_unit_test(pipelined_replies_come_in_one_write),
        cmocka_unit_test(bytes_arrive_one_by_one),
        cmocka_unit_test(bytes_in_great_number),
        cmocka_unit_test(the_clock_goes_on_only_when_all_wait),
        cmocka_unit_test(a_slow_client_on_either_way),
        cmocka_unit_test(half_closed_and_cut_connections),
        cmocka_unit_test(connections_share_a_world),
        cmocka_unit_test(several_connections_at_a_time),
        cmocka_unit_test(literals_are_counted),
        cmocka_unit_test(a_script_includes_what_others_begin_with),
        cmocka_unit_test(a_script_may_play_the_server),
        cmocka_unit_test(what_differs_is_shown),
        cmocka_unit_test(what_is_missing_or_too_much_is_shown),
        cmocka_unit_test(wrong_names_and_values_are_shown),
        cmocka_unit_test(a_session_that_does_not_end_is_shown),
        cmocka_unit_test(all_that_was_said_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
