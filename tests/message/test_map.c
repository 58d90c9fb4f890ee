/* SPDX-License-Identifier: ISC */
#include "message_test.h"

#include "base/random.h"
#include "map_test.h"

static void check(const char *message, const char *parts) {
    static const size_t feeds[] = {SIZE_MAX, 1, 2, 7};
    for (size_t i = 0; i < ARRAY_SIZE(feeds); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(buf_done) struct buf blob = {0}, shown = {0};
        struct message_map map;
        make_map(slice_of_str(message), feeds[i], &blob);
        assert_int_equal(message_map_read(&a, buf_slice(&blob), &map), 0);
        assert_int_equal(map.size, strlen(message));
        for (size_t k = 0; k < map.part_count; k++)
            show_part(&map, k, &shown);
        assert_slice(buf_slice(&shown), parts);
    }
}

static void a_message_without_mime_fields_is_one_text(void **state) {
    check("Subject: x\r\n\r\none\r\ntwo\r\n", "1 text/plain 0-14-24 2 10\n");
    check("Subject: x\n\none\ntwo", "1 text/plain 0-12-19 2 7\n");
    check("no header\r\n", "1 text/plain 0-0-11 1 11\n");
    check("", "1 text/plain 0-0-0 0 0\n");
    check("\r\n", "1 text/plain 0-2-2 0 0\n");
}

static void rfc2046_5_1_1_parts_stand_between_delimiters(void **state) {
    check("Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n--b  \r\n"
          "Content-Type: text/html\r\n\r\n<p>\r\n\r\n--b--\r\nepilogue\r\n--b\r\n\r\nnot\r\n",
          "- multipart/mixed 0-45-137 14 92\n"
          "1 text/plain 60-62-65 1 3\n"
          "2 text/html 74-101-106 1 5\n");
}

/* The line end before a delimiter is the delimiter's, whatever it is. */
static void line_ends_may_be_mixed(void **state) {
    check("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n\n--b\r\n\ntwo\r\r\n--b--\n",
          "- multipart/mixed 0-43-71 8 28\n"
          "1 text/plain 47-48-52 1 4\n"
          "2 text/plain 58-59-63 1 4\n");
}

static void a_boundary_may_begin_with_another(void **state) {
    check("Content-Type: multipart/mixed; boundary=b\n\n--b\n"
          "Content-Type: multipart/mixed; "
          "boundary=bb\n\n--bb\n\n1\n--bb--\n--bbb\n--b-\n--b\n\n2\n--b--",
          "- multipart/mixed 0-43-129 13 86\n"
          "1 multipart/mixed 47-91-116 6 25\n"
          "1.1 text/plain 96-97-98 1 1\n"
          "2 text/plain 121-122-123 1 1\n");
}

static void an_outer_delimiter_ends_what_is_open(void **state) {
    check("Content-Type: multipart/mixed; boundary=a\n\n--a\n"
          "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnever ended\n--a\nX: only a "
          "header\n--a--\n",
          "- multipart/mixed 0-43-134 9 91\n"
          "1 multipart/mixed 47-90-106 3 16\n"
          "1.1 text/plain 94-95-106 1 11\n"
          "2 text/plain 111-128-128 0 0\n");
}

static void rfc2046_5_1_5_parts_of_a_digest_are_messages(void **state) {
    check("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nbody\n--b--\n",
          "- multipart/digest 0-44-72 6 28\n"
          "1 message/rfc822 48-49-65 3 16\n"
          "1.1 text/plain 49-61-65 1 4\n");
}

static void rfc3501_6_4_5_parts_of_a_message_have_numbers_below_it(void **state) {
    check("Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; "
          "boundary=b\n\n--b\n\nx\n--b--\n",
          "1 message/rfc822 0-30-86 6 56\n"
          "1 multipart/mixed 30-73-86 4 13\n"
          "1.1 text/plain 77-78-79 1 1\n");
}

static void a_multipart_has_at_least_one_part(void **state) {
    check("Content-Type: multipart/mixed\n\ntext\n", "- multipart/mixed 0-31-36 1 5\n"
                                                     "1 text/plain 31-31-36 1 5\n");
    check("Content-Type: multipart/mixed; boundary=\"\"\n\ntext", "- multipart/mixed 0-44-48 1 4\n"
                                                                  "1 text/plain 44-44-48 1 4\n");
    check("Content-Type: multipart/mixed; boundary=b\n\ntext\n", "- multipart/mixed 0-43-48 1 5\n"
                                                                 "1 text/plain 43-43-48 1 5\n");
    check("Content-Type: multipart/mixed; boundary=b\n\n--b--\nx\n",
          "- multipart/mixed 0-43-51 2 8\n"
          "1 text/plain 43-43-51 2 8\n");
}

static void a_type_is_never_empty(void **state) {
    check("Content-Type:\n\nx", "1 text/plain 0-15-16 1 1\n");
    check("Content-Type: text\n\nx", "1 text/plain 0-20-21 1 1\n");
    check("Content-Type: X-ZIP; name=a\n\nx", "1 application/octet-stream 0-29-30 1 1\n");
    check("Content-Type: /x\n\nx", "1 text/plain 0-18-19 1 1\n");
    check("Content-Type: ;\nContent-Type: text/html\n\nx", "1 text/html 0-41-42 1 1\n");
}

static void encoded_bodies_are_measured_decoded(void **state) {
    check("Content-Transfer-Encoding: base64\n\nYWJj\nZGU=\n", "1 text/plain 0-35-45 2 5\n");
    check("Content-Transfer-Encoding: Quoted-Printable\n\na=\n=E3=81  \nb=",
          "1 text/plain 0-45-59 3 5\n");
    check("Content-Transfer-Encoding: x-uue\n\nYWJj\n", "1 text/plain 0-34-39 1 5\n");
}

/* ------------------------------------------------------------------ bounds */

static size_t count_parts(struct buf *message, struct arena *a, struct message_map *map) {
    _cleanup_(buf_done) struct buf blob = {0};
    make_map(buf_slice(message), SIZE_MAX, &blob);
    assert_int_equal(message_map_read(a, arena_copy(a, buf_slice(&blob)), map), 0);
    return map->part_count;
}

static void parts_beyond_a_depth_are_opaque(void **state) {
    _cleanup_(buf_done) struct buf message = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&message, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
    assert_int_equal(count_parts(&message, &a, &map), MIME_SCAN_DEPTH + 1);
    const struct message_map_part *last = &map.parts[MIME_SCAN_DEPTH];
    assert_int_equal(last->kind, MIME_LEAF);
    assert_slice(last->major, "application");
    assert_int_equal(last->end, message.len);
}

static void parts_beyond_a_number_belong_to_the_last(void **state) {
    _cleanup_(buf_done) struct buf message = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    buf_add_str(&message, "Content-Type: multipart/mixed; boundary=b\n");
    for (unsigned i = 0; i < 100000; i++)
        buf_add_str(&message, "\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\nx");
    assert_int_equal(count_parts(&message, &a, &map), MIME_SCAN_PARTS);
    assert_int_equal(map.parts[MIME_SCAN_PARTS - 1].end, message.len);
}

/* The delimiter of the multipart around it ends one in which nothing has begun: its part counts
 * too. */
static void the_parts_of_empty_multiparts_are_counted(void **state) {
    _cleanup_(buf_done) struct buf message = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    buf_add_str(&message, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (unsigned i = 0; i < 997; i++)
        buf_add_str(&message, "--b\n\nx\n");
    buf_add_str(&message, "--b\nContent-Type: multipart/mixed; boundary=c\n\nx\n");
    for (unsigned i = 0; i < 1000; i++)
        buf_add_str(&message, "--b\n\nx\n");
    assert_int_equal(count_parts(&message, &a, &map), MIME_SCAN_PARTS);
    assert_int_equal(map.parts[MIME_SCAN_PARTS - 1].end, message.len);
}

/* The same where a delimiter ends a header that says what is in the part. */
static void the_parts_of_parts_that_are_all_header_are_counted(void **state) {
    static const char *const types[] = {"message/rfc822", "multipart/mixed",
                                        "multipart/mixed; boundary=c"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        _cleanup_(buf_done) struct buf message = {0};
        _cleanup_(arena_done) struct arena a = {0};
        struct message_map map;
        buf_add_str(&message, "Content-Type: multipart/mixed; boundary=b\n\n");
        for (unsigned n = 0; n < 997; n++)
            buf_add_str(&message, "--b\n\nx\n");
        for (unsigned n = 0; n < 1000; n++)
            buf_printf(&message, "--b\nContent-Type: %s\n", types[i]);
        assert_int_equal(count_parts(&message, &a, &map), MIME_SCAN_PARTS);
        assert_int_equal(map.parts[MIME_SCAN_PARTS - 1].end, message.len);
    }
}

/* Names are cut at MESSAGE_MAP_TEXT, lists at MESSAGE_MAP_LIST, and the map says so. */
static void long_lists_are_cut_between_their_members(void **state) {
    _cleanup_(buf_done) struct buf message = {0};
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    struct listed one;
    size_t count = 0;
    buf_add_str(&message, "To: all:");
    for (unsigned i = 0; i < 500000; i++)
        buf_add_str(&message, "tama@example.org,\n ");
    buf_add_str(&message, ";\nContent-Type: text/html\n\nx");
    assert_int_equal(count_parts(&message, &a, &map), 1);
    assert_true(map.is_cut);
    assert_slice(map.parts[0].minor, "html");
    struct slice list = map.parts[0].envelope.addresses[MAP_TO];
    assert_true(list.len <= MESSAGE_MAP_LIST);
    while (message_map_address_next(&list, &one))
        count += one.kind == LISTED_ADDRESS && slice_eq(one.host, S("example.org"));
    assert_true(count > 3000);
    assert_int_equal(one.kind, LISTED_GROUP_END);
}

/* ------------------------------------------------------------------ the rest of a map */

static void make(const char *message, struct arena *a, struct message_map *map) {
    _cleanup_(buf_done) struct buf blob = {0};
    make_map(slice_of_str(message), SIZE_MAX, &blob);
    assert_int_equal(message_map_read(a, arena_copy(a, buf_slice(&blob)), map), 0);
}

static void fields_of_a_message_are_given_as_they_stand(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf shown = {0};
    struct message_map map;
    struct listed one;
    make("Date: Sun, 22 Nov 2026\r\n 20:12:42 +0900\r\nSubject: Re: [ml 1] =?utf-8?B?5pep6aas?=\r\n"
         "Subject: second\r\nFrom: \"T. Tama\" <tama@example.org>\r\nTo: a@example.org\r\n"
         "TO: b@example.org\r\nCc: \r\nMessage-ID: <1@x>\r\nIn-Reply-To: <2@x> "
         "<3@x>\r\n\r\nHello\r\n",
         &a, &map);
    const struct message_map_envelope *e = &map.parts[0].envelope;
    assert_slice(e->date, "Sun, 22 Nov 2026 20:12:42 +0900");
    assert_slice(e->subject, "Re: [ml 1] =?utf-8?B?5pep6aas?=");
    assert_slice(e->message_id, "<1@x>");
    assert_int_equal(e->addresses[MAP_CC].len, 0);
    assert_null(map.parts[0].description.ptr);
    struct slice to = e->addresses[MAP_TO], from = e->addresses[MAP_FROM];
    while (message_map_address_next(&from, &one))
        show_address(&one, &shown);
    while (message_map_address_next(&to, &one))
        show_address(&one, &shown);
    assert_slice(buf_slice(&shown),
                 "[T. Tama||tama|example.org][||a|example.org][||b|example.org]");
    assert_slice(map.base_subject, "\xe6\x97\xa9\xe9\xa6\xac");
    assert_true(map.is_answer && map.has_date && !map.has_attachment && !map.is_cut);
    assert_int_equal(map.date, TEST_TIME);
    assert_int_equal(map.reference_count, 1);
    assert_true(map.message_id != 0 && map.references[0] != map.message_id);
    assert_slice(map.preview, "Hello");
}

static void descriptions_of_a_part_are_given_as_they_stand(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    struct mime_parameter p;
    struct slice tag;
    make("Content-Type: Image/PNG; name*0=a; name*1=\"b c\"; x\nContent-ID: <i@x>\n"
         "Content-Description: a \"b\"\nContent-MD5: Q2hl\nContent-Transfer-Encoding: BASE64 (x)\n"
         "Content-Disposition: Attachment; filename=\"\xe3\x81\x82.png\"\n"
         "Content-Language: ja, en ,\nContent-Location: http://x/\n\nYQ==\n",
         &a, &map);
    struct message_map_part *part = &map.parts[0];
    assert_slice(part->major, "Image");
    assert_slice(part->minor, "PNG");
    assert_true(message_map_parameter_next(&part->parameters, &p));
    assert_slice(p.name, "name");
    assert_slice(p.value, "ab c");
    assert_false(message_map_parameter_next(&part->parameters, &p));
    assert_slice(part->id, "<i@x>");
    assert_slice(part->description, "a \"b\"");
    assert_slice(part->md5, "Q2hl");
    assert_slice(part->encoding_name, "BASE64");
    assert_slice(part->disposition, "Attachment");
    assert_true(message_map_parameter_next(&part->disposition_parameters, &p));
    assert_slice(p.value, "\xe3\x81\x82.png");
    assert_true(message_map_language_next(&part->languages, &tag));
    assert_true(message_map_language_next(&part->languages, &tag));
    assert_slice(tag, "en");
    assert_false(message_map_language_next(&part->languages, &tag));
    assert_slice(part->location, "http://x/");
    assert_true(map.has_attachment);
}

static void an_embedded_message_has_its_envelope(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    make("Subject: outer\nContent-Type: message/rfc822\n\nSubject: inner\n\nx", &a, &map);
    assert_slice(map.parts[0].envelope.subject, "outer");
    assert_slice(map.parts[1].envelope.subject, "inner");
    assert_slice(map.base_subject, "outer");
}

static void parts_are_found_by_their_path(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    struct message_map map;
    make("Content-Type: multipart/mixed; boundary=a\n\n--a\n\n1\n--a\nContent-Type: "
         "message/rfc822\n\n"
         "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n2.1\n--b\nContent-Type: "
         "message/rfc822\n\n"
         "\n2.2.1\n--b--\n--a--\n",
         &a, &map);
    assert_int_equal(map.part_count, 7);
    for (size_t i = 0; i < map.part_count; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        unsigned path[8];
        size_t count = 0;
        message_map_path(&map, i, &text);
        struct slice rest = buf_slice(&text), number;
        for (uint64_t n; rest.len > 0 && slice_next(&rest, '.', &number);
             path[count++] = (unsigned)n)
            assert_int_equal(slice_to_u64(number, 9, &n), 0);
        if (!map.parts[i].is_message || map.parts[i].kind != MIME_MULTIPART)
            assert_int_equal(message_map_find(&map, path, count), i);
    }
    assert_int_equal(message_map_find(&map, (unsigned[]){2, 2, 1}, 3), 6);
    assert_int_equal(message_map_find(&map, (unsigned[]){3}, 1), -1);
    assert_int_equal(message_map_find(&map, (unsigned[]){1, 1}, 2), -1);
    assert_int_equal(message_map_find(&map, (unsigned[]){2, 2, 1, 1}, 4), -1);
    assert_int_equal(message_map_find(&map, (unsigned[]){0}, 1), -1);
}

/* docs/mime.md, "Attachments". */
static void attachments_are_what_a_reader_takes_for_one(void **state) {
    static const struct {
        const char *header;
        bool attachment;
    } cases[] = {
        {"Content-Type: text/plain", false},
        {"Content-Type: text/plain; name=a.txt", true},
        {"Content-Type: text/plain; name*=utf-8''a.txt", true},
        {"Content-Type: text/plain; name*0=a; name*1=.txt", true},
        {"Content-Type: text/plain; name=a.txt\nContent-Disposition: inline", false},
        {"Content-Disposition: attachment", true},
        {"Content-Disposition: strange", true},
        {"Content-Type: application/pdf", true},
        {"Content-Type: application/pdf\nContent-Disposition: inline", false},
        {"Content-Type: application/pkcs7-signature; name=smime.p7s", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct message_map map;
        make(arena_printf(&a, "%s\n\nx", cases[i].header).ptr, &a, &map);
        assert_int_equal(map.has_attachment, cases[i].attachment);
    }
}

/* ------------------------------------------------------------------ any octets */

/* Every piece in any order: mostly not a message that anybody would send. */
static void random_message(struct buf *to) {
    static const char *const pieces[] = {
        "--b\n",
        "--b\r\n",
        "--b--\n",
        "--bb\n",
        "--bb--\r\n",
        "\n--c\n",
        "--",
        "-",
        "\r",
        "\n",
        "\r\n",
        " ",
        "Content-Type: multipart/mixed; boundary=b\r\n",
        "Content-Type: multipart/digest; boundary=\"bb\"\n",
        "Content-Type: multipart/alternative; boundary=c\n",
        "Content-Type: multipart/x\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: text/html; charset=iso-2022-jp\n",
        "Content-Transfer-Encoding: base64\n",
        "Content-Transfer-Encoding: quoted-printable\r\n",
        "Content-Disposition: attachment; filename*0*=utf-8''%41; filename*1=\"b\"\n",
        "\r\n\r\n",
        "\n\n",
        "Subject: Re: x\r\n",
        "To: a:b@c, \"d\" <e@f>;, g\n",
        "References: <a@b> <c@d>\n",
        "no field\n",
        "YWJj=",
        "=41=\n",
        "=4",
        "<p>a&amp;b</p>",
        "\x1b$B<k",
        "\x1b(B",
        "\xe3\x81\x82",
        "text ",
        "Date: 1 Jan 2026\n",
    };
    buf_clear(to);
    for (size_t n = random_below(60); n > 0; n--)
        buf_add_str(to, pieces[random_below(ARRAY_SIZE(pieces))]);
}

static void for_any_octets_the_map_is_the_same_in_any_pieces(void **state) {
    _cleanup_(buf_done) struct buf message = {0}, one = {0}, other = {0};
    for (unsigned round = 0; round < 4000; round++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct message_map map;
        random_message(&message);
        buf_clear(&one);
        buf_clear(&other);
        make_map(buf_slice(&message), SIZE_MAX, &one);
        make_map(buf_slice(&message), 1 + random_below(5), &other);
        assert_true(slice_eq(buf_slice(&one), buf_slice(&other)));
        assert_int_equal(message_map_read(&a, buf_slice(&one), &map), 0);
    }
}

/* Reading checks that parts nest and do not overlap, so what was made has to pass; see map_read.c.
 */
static void a_damaged_map_is_refused_or_sound(void **state) {
    _cleanup_(buf_done) struct buf message = {0}, blob = {0};
    for (unsigned round = 0; round < 2000; round++) {
        _cleanup_(arena_done) struct arena a = {0};
        struct message_map map;
        random_message(&message);
        buf_clear(&blob);
        make_map(buf_slice(&message), SIZE_MAX, &blob);
        blob.ptr[random_below(blob.len)] ^= (char)(1U << random_below(8));
        if (round % 2)
            blob.len = random_below(blob.len);
        int r = message_map_read(&a, buf_slice(&blob), &map);
        assert_true(r == 0 || r == -E_CORRUPT || r == -E_VERSION);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_without_mime_fields_is_one_text),
        cmocka_unit_test(rfc2046_5_1_1_parts_stand_between_delimiters),
        cmocka_unit_test(line_ends_may_be_mixed),
        cmocka_unit_test(a_boundary_may_begin_with_another),
        cmocka_unit_test(an_outer_delimiter_ends_what_is_open),
        cmocka_unit_test(rfc2046_5_1_5_parts_of_a_digest_are_messages),
        cmocka_unit_test(rfc3501_6_4_5_parts_of_a_message_have_numbers_below_it),
        cmocka_unit_test(a_multipart_has_at_least_one_part),
        cmocka_unit_test(a_type_is_never_empty),
        cmocka_unit_test(encoded_bodies_are_measured_decoded),
        cmocka_unit_test(parts_beyond_a_depth_are_opaque),
        cmocka_unit_test(parts_beyond_a_number_belong_to_the_last),
        cmocka_unit_test(the_parts_of_empty_multiparts_are_counted),
        cmocka_unit_test(the_parts_of_parts_that_are_all_header_are_counted),
        cmocka_unit_test(long_lists_are_cut_between_their_members),
        cmocka_unit_test(fields_of_a_message_are_given_as_they_stand),
        cmocka_unit_test(descriptions_of_a_part_are_given_as_they_stand),
        cmocka_unit_test(an_embedded_message_has_its_envelope),
        cmocka_unit_test(parts_are_found_by_their_path),
        cmocka_unit_test(attachments_are_what_a_reader_takes_for_one),
        cmocka_unit_test(for_any_octets_the_map_is_the_same_in_any_pieces),
        cmocka_unit_test(a_damaged_map_is_refused_or_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
