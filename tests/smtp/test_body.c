/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/buf.h"
#include "smtp/body.h"

struct outcome {
    struct buf text;
    enum smtp_body_fault fault;
    bool ended;
    size_t left; /* bytes behind the end of data */
};

/* Feeds `input` in pieces: the window ends at each place of `cuts`, and what is left over stays. */
static struct outcome read_body(struct slice input, const size_t *cuts, size_t count) {
    struct outcome o = {0};
    struct smtp_body body = {.line_max = 20};
    size_t from = 0;
    for (size_t i = 0; i <= count && !body.ended; i++) {
        size_t to = i < count ? cuts[i] : input.len;
        struct slice window = slice_of(input.ptr + from, to - from), rest = window, chunk;
        while (smtp_body_next(&body, &rest, &chunk))
            buf_add(&o.text, chunk);
        assert_true(body.ended || rest.len <= 2);
        from += window.len - rest.len;
    }
    o.fault = body.fault;
    o.ended = body.ended;
    o.left = input.len - from;
    return o;
}

static const struct {
    const char *name;
    struct slice input;
    const char *text;
    enum smtp_body_fault fault;
    size_t left;
} cases[] = {
    {"empty message", S(".\r\n"), "", SMTP_BODY_FINE, 0},
    {"one line", S("a\r\n.\r\n"), "a\r\n", SMTP_BODY_FINE, 0},
    {"commands behind", S("a\r\n.\r\nQUIT\r\n"), "a\r\n", SMTP_BODY_FINE, 6},
    {"stuffed dots", S("..\r\n...\r\n.a\r\n.\r\n"), ".\r\n..\r\na\r\n", SMTP_BODY_FINE, 0},
    {"dots inside", S("a.\r\nb.c\r\n .\r\n.\r\n"), "a.\r\nb.c\r\n .\r\n", SMTP_BODY_FINE, 0},
    {"empty lines", S("\r\n\r\n.\r\n"), "\r\n\r\n", SMTP_BODY_FINE, 0},
    {"dot and blank", S(". \r\n.\r\n"), " \r\n", SMTP_BODY_FINE, 0},
    {"LF.LF", S("a\n.\nb\r\n.\r\n"), "a\n.\nb\r\n", SMTP_BODY_BARE_LF, 0},
    {"LF.CRLF", S("a\n.\r\nb\r\n.\r\n"), "a\n.\r\nb\r\n", SMTP_BODY_BARE_LF, 0},
    {"CRLF.LF", S("a\r\n.\nb\r\n.\r\n"), "a\r\n\nb\r\n", SMTP_BODY_BARE_LF, 0},
    {"CR.CR", S("a\r.\rb\r\n.\r\n"), "a\r.\rb\r\n", SMTP_BODY_BARE_CR, 0},
    {"CR.CRLF", S("a\r.\r\nb\r\n.\r\n"), "a\r.\r\nb\r\n", SMTP_BODY_BARE_CR, 0},
    {"CRLF.CR", S("a\r\n.\rb\r\n.\r\n"), "a\r\n\rb\r\n", SMTP_BODY_BARE_CR, 0},
    {"CRCRLF", S("a\r\r\n.\r\n"), "a\r\r\n", SMTP_BODY_BARE_CR, 0},
    {"LFCR", S("a\n\rb\r\n.\r\n"), "a\n\rb\r\n", SMTP_BODY_BARE_LF, 0},
    {"CRLF.CRCRLF", S("a\r\n.\r\r\n.\r\n"), "a\r\n\r\r\n", SMTP_BODY_BARE_CR, 0},
    {"NUL", S("a\0b\r\n.\r\n"), NULL, SMTP_BODY_NUL, 0},
    {"line of 20", S("123456789012345678\r\n.\r\n"), NULL, SMTP_BODY_FINE, 0},
    {"stuffed line of 20", S(".123456789012345678\r\n.\r\n"), NULL, SMTP_BODY_FINE, 0},
    {"line of 21", S("1234567890123456789\r\n.\r\n"), NULL, SMTP_BODY_LONG_LINE, 0},
};

static void assert_outcome(size_t i, struct outcome *o) {
    if (o->fault != cases[i].fault || !o->ended || o->left != cases[i].left)
        fail_msg("%s: fault %d, ended %d, left %zu", cases[i].name, o->fault, o->ended, o->left);
    if (cases[i].text)
        assert_slice(buf_slice(&o->text), cases[i].text);
    buf_done(&o->text);
}

/* RFC 5321 §2.3.8, §4.1.1.4, §4.5.2: line ends, the end of data, stuffed dots. */
static void rfc5321_4_5_2_whole(void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct outcome o = read_body(cases[i].input, NULL, 0);
        assert_outcome(i, &o);
    }
}

/* The outcome does not depend on the packets: cut at every two places, and at every byte. */
static void rfc5321_4_5_2_cut_anywhere(void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t len = cases[i].input.len, every[64];
        for (size_t first = 0; first <= len; first++)
            for (size_t second = first; second <= len; second++) {
                struct outcome o = read_body(cases[i].input, (size_t[]){first, second}, 2);
                o.left = cases[i].left; /* what came behind the end may not have been there yet */
                assert_outcome(i, &o);
            }
        for (size_t at = 0; at < len; at++)
            every[at] = at;
        struct outcome o = read_body(cases[i].input, every, len);
        assert_outcome(i, &o);
    }
}

/* Without CRLF.CRLF there is no end, whatever looks like one. */
static void rfc5321_4_1_1_4_no_end(void **state) {
    static const struct slice open[] = {
        S("."),      S(".\r"),     S(".\n"),     S("\n.\n"),  S("\r.\r"),
        S("a.\r\n"), S("\r\n.\r"), S(".\r\r\n"), S("..\r\n"),
    };
    for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
        struct outcome o = read_body(open[i], NULL, 0);
        assert_false(o.ended);
        buf_done(&o.text);
    }
}

/* Lines without stuffed dots travel in one chunk, without a copy. */
static void one_chunk_for_many_lines(void **state) {
    struct smtp_body body = {.line_max = 1000};
    struct slice input = S("Subject: x\r\n\r\none\r\ntwo\r\n.\r\n"), rest = input, chunk;
    assert_true(smtp_body_next(&body, &rest, &chunk));
    assert_ptr_equal(chunk.ptr, input.ptr);
    assert_int_equal(chunk.len, input.len - 3);
    assert_false(smtp_body_next(&body, &rest, &chunk));
    assert_true(body.ended && rest.len == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc5321_4_5_2_whole),
        cmocka_unit_test(rfc5321_4_5_2_cut_anywhere),
        cmocka_unit_test(rfc5321_4_1_1_4_no_end),
        cmocka_unit_test(one_chunk_for_many_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
