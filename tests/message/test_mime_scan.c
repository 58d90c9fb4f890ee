/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "base/random.h"
#include "message/header.h"
#include "message/mime/mime_scan.h"

struct seen {
    struct buf bodies[MIME_SCAN_PARTS]; /* what was given of each */
    struct mime_part parts[MIME_SCAN_PARTS];
    size_t begun, ended;
    struct buf fields; /* of part 0 */
    bool all_fields;
};

static bool wants(void *arg, struct slice name) {
    return ((struct seen *)arg)->all_fields;
}

static void on_header(void *arg, const struct mime_part *part, struct slice fields) {
    struct seen *s = arg;
    assert_int_equal(part->number, s->begun);
    assert_true(part->type.major.len > 0 && part->type.minor.len > 0);
    if (s->begun++ == 0)
        buf_add(&s->fields, fields);
}

static void on_body(void *arg, const struct mime_part *part, struct slice bytes) {
    assert_true(bytes.len > 0);
    buf_add(&((struct seen *)arg)->bodies[part->number], bytes);
}

static void on_end(void *arg, const struct mime_part *part) {
    struct seen *s = arg;
    s->parts[part->number] = *part;
    s->ended++;
}

static const struct mime_sink sink = {wants, on_header, on_body, on_end};

static void scan(struct slice message, size_t feed, struct seen *s) {
    _cleanup_(mime_scan_free_p) struct mime_scan *scan = mime_scan_new(&sink, s);
    for (; message.len > 0; message = slice_from(message, feed))
        mime_scan_feed(scan, slice_first(message, feed));
    mime_scan_end(scan);
    assert_int_equal(s->begun, s->ended);
}

static void seen_done(struct seen *s) {
    for (size_t i = 0; i < s->begun; i++)
        buf_done(&s->bodies[i]);
    buf_done(&s->fields);
}

static void bodies_are_given_without_the_line_end_of_a_delimiter(void **state) {
    static const char message[] =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n\r\n--b\r\n\r\n"
        "-two\r\n--b--\r\n";
    for (size_t feed = 1; feed < sizeof message; feed++) {
        struct seen s = {0};
        scan(slice_of_str(message), feed, &s);
        assert_slice(buf_slice(&s.bodies[1]), "one\r\n");
        assert_slice(buf_slice(&s.bodies[2]), "-two");
        seen_done(&s);
    }
}

/* Whatever the message is: what is given of a leaf is what stands in its range. */
static void for_any_octets_a_body_is_its_range(void **state) {
    static const char *const pieces[] = {
        "--b\n",
        "--b\r\n",
        "--b--\n",
        "--c\r\n",
        "--c--\n",
        "--",
        "-",
        "\r",
        "\n",
        "\r\n",
        "text",
        "x: y\n",
        "\n\n",
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: multipart/digest; boundary=c\n",
        "Content-Type: message/rfc822\n",
        "no field\n",
        " folded\n",
    };
    _cleanup_(buf_done) struct buf message = {0};
    for (unsigned round = 0; round < 3000; round++) {
        buf_clear(&message);
        for (size_t n = random_below(40); n > 0; n--)
            buf_add_str(&message, pieces[random_below(ARRAY_SIZE(pieces))]);
        struct seen s = {0};
        struct slice all = buf_slice(&message);
        scan(all, 1 + random_below(9), &s);
        for (size_t i = 0; i < s.begun; i++) {
            const struct mime_part *p = &s.parts[i];
            bool made = p->header == p->body && i > 0 && s.parts[p->parent].body == p->body &&
                        s.parts[p->parent].kind == MIME_MULTIPART;
            if (p->kind == MIME_LEAF && !made)
                assert_true(slice_eq(buf_slice(&s.bodies[i]),
                                     slice_from(slice_first(all, p->end), p->body)));
        }
        assert_int_equal(s.parts[0].end, message.len);
        seen_done(&s);
    }
}

/* header.h and scan.h say the same of where a header ends. */
static void a_header_ends_as_the_cursor_says(void **state) {
    static const char *const pieces[] = {"A",    ":",     " ",      "\t",   "\r",      "\n",
                                         "\r\n", "From ", ">From ", "\x80", "b: c\r\n"};
    _cleanup_(buf_done) struct buf message = {0};
    for (unsigned round = 0; round < 3000; round++) {
        buf_clear(&message);
        for (size_t n = random_below(12); n > 0; n--)
            buf_add_str(&message, pieces[random_below(ARRAY_SIZE(pieces))]);
        struct seen s = {0};
        scan(buf_slice(&message), 1 + random_below(4), &s);
        assert_int_equal(s.parts[0].body, header_body(buf_slice(&message), NULL));
        seen_done(&s);
    }
}

static void fields_are_given_as_they_are_wanted(void **state) {
    static const char message[] = "Subject: a\r\n b\r\nFrom x\r\nContent-ID: c\r\n\r\nbody";
    struct seen s = {0}, all = {.all_fields = true};
    scan(slice_of_str(message), 3, &s);
    assert_slice(buf_slice(&s.fields), "Content-ID: c\r\n");
    seen_done(&s);
    scan(slice_of_str(message), 3, &all);
    assert_slice(buf_slice(&all.fields), "Subject: a\r\n b\r\nContent-ID: c\r\n");
    seen_done(&all);
}

static void long_fields_are_cut_and_headers_bounded(void **state) {
    _cleanup_(buf_done) struct buf message = {0};
    struct seen s = {.all_fields = true};
    for (unsigned i = 0; i < 6; i++) {
        buf_add_str(&message, "A: ");
        for (unsigned k = 0; k < 100000; k++)
            buf_add_byte(&message, 'x');
        buf_add_str(&message, "\r\n y\r\n");
    }
    scan(buf_slice(&message), 7000, &s);
    assert_true(s.parts[0].is_cut);
    assert_true(s.fields.len <= MIME_HEADER_MAX + 2);
    struct header_cursor c = {.message = buf_slice(&s.fields)};
    struct header_field f;
    for (unsigned i = 0; header_next(&c, &f); i++)
        assert_true(f.len <= MIME_FIELD_MAX + 2);
    assert_int_equal(c.fields, 4);
    seen_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_given_without_the_line_end_of_a_delimiter),
        cmocka_unit_test(for_any_octets_a_body_is_its_range),
        cmocka_unit_test(a_header_ends_as_the_cursor_says),
        cmocka_unit_test(fields_are_given_as_they_are_wanted),
        cmocka_unit_test(long_fields_are_cut_and_headers_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
