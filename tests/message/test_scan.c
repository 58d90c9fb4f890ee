/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "base/random.h"
#include "message/header.h"
#include "message/scan.h"

static struct message_scan scan_in_chunks(struct slice message, size_t chunk) {
    struct message_scan scan = {0};
    for (; message.len > 0; message = slice_from(message, chunk))
        message_scan_feed(&scan, slice_first(message, chunk));
    return scan;
}

static struct message_scan scan_text(const char *text) {
    struct message_scan whole = scan_in_chunks(slice_of_str(text), SIZE_MAX);
    struct message_scan bytes = scan_in_chunks(slice_of_str(text), 1);
    assert_memory_equal(&whole, &bytes, offsetof(struct message_scan, own));
    return whole;
}

static void sizes_and_lines_are_measured(void **state) {
    struct message_scan s = scan_text("A: 1\r\nB: 22\r\n\r\nfour\r\n\r\nlongest line\r\nend\r\n");
    assert_int_equal(s.size, 42);
    assert_int_equal(s.lines, 7);
    assert_int_equal(s.longest_line, 12);
    assert_int_equal(s.header_size, 15);
    assert_true(s.in_body && s.ends_line);
    assert_false(s.has_eight_bit || s.has_nul || s.has_dot_line || s.has_bare_cr || s.has_bare_lf);
    s = scan_text("A: 1\r\n\r\nunfinished");
    assert_int_equal(s.longest_line, 10);
    assert_false(s.ends_line);
    s = scan_text("A: 1\r\nB");
    assert_int_equal(s.header_size, 7);
    assert_false(s.in_body);
}

static void bytes_that_need_care_are_noticed(void **state) {
    assert_true(scan_text("A: 1\r\n\r\nj\xe3\x81\x82\r\n").has_eight_bit);
    assert_true(scan_in_chunks(slice_of("A: 1\r\n\r\n\0", 9), 4).has_nul);
    assert_true(scan_text("A: 1\r\n\r\nx\n").has_bare_lf);
    assert_true(scan_text("A: 1\r\n\r\nx\ry\r\n").has_bare_cr);
    assert_true(scan_text("A: 1\r\n\r\nx\r\r\n").has_bare_cr);
    assert_false(scan_text("A: 1\r\n\r\nx\r").has_bare_cr);
}

static void lines_that_begin_with_a_dot_are_noticed(void **state) {
    assert_true(scan_text("A: 1\r\n\r\n.\r\n").has_dot_line);
    assert_true(scan_text("A: 1\r\n\r\nx\r\n..").has_dot_line);
    assert_true(scan_text(".").has_dot_line);
    assert_false(scan_text("A: 1\r\n\r\nx.\r\n \r\nx\r.y\r\n").has_dot_line);
}

static void rfc5321_6_3_received_fields_of_the_header_count(void **state) {
    struct message_scan s =
        scan_text("Received: a\r\n by b\r\nRECEIVED : c\r\nReceived-SPF: pass\r\nX-Received: d\r\n"
                  "Receive: e\r\nreceived:\r\n Received: f\r\n\r\nReceived: body\r\n");
    assert_int_equal(s.received, 3);
}

static void the_header_ends_as_the_cursor_says(void **state) {
    static const char *const messages[] = {
        "A: 1\r\nno field\r\nReceived: 2\r\n",
        " folded\r\nA: 1\r\n",
        ": x\r\n",
        "A: 1\r\nB\x80: 2\r\n",
        "A: 1\r\nB\r: 2\r\n",
        "A : 1\r\n\t\r\n\r\nx",
        "\r\nA: 1\r\n",
        "\nA: 1\r\n",
        "A\r\nB: 1\r\n",
        "A B: 1\r\n",
        "From tama\r\nReceived: 1\r\nno field\r\n",
        ">From tama\r\n folded\r\nA: 1\r\n\r\nx",
        "From \nA: 1\n\nx",
        "From \r\nA: 1\n\nx",
        "From : x\r\n\r\nx",
        "From \t: x\r\n\r\nx",
        "From\tx\r\n\r\nx",
        "from x\r\n\r\nx",
        ">>From x\r\n\r\nx",
        "A: 1\r\nFrom x\r\nB: 1\r\n\r\nx",
    };
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        struct message_scan s = scan_text(messages[i]);
        assert_true(s.in_body);
        assert_int_equal(s.header_size, header_body(slice_of_str(messages[i]), NULL));
    }
}

/* Every figure again, byte by byte and without cleverness. */
static void check_slowly(struct slice message, const struct message_scan *scan) {
    struct message_scan slow = {.size = message.len};
    size_t start = 0;
    for (size_t i = 0; i < message.len; i++) {
        char c = message.ptr[i];
        char before = i > 0 ? message.ptr[i - 1] : 0;
        char after = i + 1 < message.len ? message.ptr[i + 1] : '\n';
        slow.has_eight_bit |= (unsigned char)c >= 0x80;
        slow.has_nul |= c == 0;
        slow.has_bare_cr |= c == '\r' && after != '\n';
        slow.has_bare_lf |= c == '\n' && before != '\r';
        slow.has_dot_line |= c == '.' && i == start;
        if (c == '\n') {
            slow.longest_line = MAX(slow.longest_line, i - start - (before == '\r' && i > start));
            slow.lines++;
            start = i + 1;
        }
    }
    bool ends_cr = message.len > start && message.ptr[message.len - 1] == '\r';
    slow.longest_line = MAX(slow.longest_line, message.len - start - ends_cr);
    assert_int_equal(scan->size, slow.size);
    assert_int_equal(scan->lines, slow.lines);
    assert_int_equal(scan->longest_line, slow.longest_line);
    assert_int_equal(scan->has_eight_bit, slow.has_eight_bit);
    assert_int_equal(scan->has_nul, slow.has_nul);
    assert_int_equal(scan->has_bare_cr, slow.has_bare_cr);
    assert_int_equal(scan->has_bare_lf, slow.has_bare_lf);
    assert_int_equal(scan->has_dot_line, slow.has_dot_line);
}

static void figures_do_not_depend_on_the_chunks(void **state) {
    static const char alphabet[] = "aaaaaaaaaaaaaaaaaaaaaaaaaa:. \r\n\r\n\r\n";
    _cleanup_(buf_done) struct buf message = {0};
    for (unsigned round = 0; round < 200; round++) {
        buf_clear(&message);
        size_t len = random_below(10000);
        for (size_t i = 0; i < len; i++)
            buf_add_byte(&message, alphabet[random_below(sizeof alphabet - 1)]);
        if (len > 0 && round % 3 == 0)
            message.ptr[random_below(len)] = round % 2 ? '\0' : (char)0x80;
        struct message_scan whole = scan_in_chunks(buf_slice(&message), SIZE_MAX);
        struct message_scan parts = scan_in_chunks(buf_slice(&message), 1 + random_below(300));
        assert_memory_equal(&whole, &parts, offsetof(struct message_scan, own));
        check_slowly(buf_slice(&message), &whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_lines_are_measured),
        cmocka_unit_test(bytes_that_need_care_are_noticed),
        cmocka_unit_test(lines_that_begin_with_a_dot_are_noticed),
        cmocka_unit_test(rfc5321_6_3_received_fields_of_the_header_count),
        cmocka_unit_test(the_header_ends_as_the_cursor_says),
        cmocka_unit_test(figures_do_not_depend_on_the_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
