/* SPDX-License-Identifier: ISC */
/*
 * Expected texts by hand from RFC 2045 and RFC 5322; that the same is read before and after says
 * Python's email package (same_parts.py).
 */
#include <malloc.h>
#include <stdio.h>

#include "base/encode.h"
#include "base/random.h"
#include "message/header.h"
#include "message/scan.h"
#include "message/write/shorten.h"
#include "message_test.h"

/* "@" stands for 1000 messages "x". */
static struct slice widen(struct arena *a, const char *text) {
    _cleanup_(buf_done) struct buf b = {0};
    for (; *text; text++) {
        for (unsigned i = 0; *text == '@' && i < 1000; i++)
            buf_add_byte(&b, 'x');
        if (*text != '@')
            buf_add_byte(&b, *text);
    }
    return arena_copy(a, buf_slice(&b));
}

static int shorten(struct slice message, size_t step, struct buf *to, struct problem *problem) {
    _cleanup_(shorten_free_p) struct shorten *s = shorten_new();
    size_t body = header_body(message, NULL);
    int r = 0;
    for (unsigned round = 0; r == 0 && round < 2; round++) {
        buf_clear(to);
        shorten_begin(s, slice_first(message, body), to);
        for (size_t at = body; at < message.len; at += step)
            shorten_feed(s, slice_first(slice_from(message, at), step), to);
        r = shorten_end(s, to, problem);
    }
    return r;
}

static void write_file(char *path, struct slice text) {
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    assert_int_equal(close(fd), 0);
}

static void assert_reads_alike(struct slice before, struct slice after) {
    char one[] = "/tmp/hayauma-before-XXXXXX", other[] = "/tmp/hayauma-after-XXXXXX";
    char command[160], said[1024];
    write_file(one, before);
    write_file(other, after);
    (void)snprintf(command, sizeof command, "python3 message/same_parts.py %s %s", one, other);
    FILE *answer = popen(command, "r");
    assert_non_null(answer);
    size_t n = fread(said, 1, sizeof said - 1, answer);
    said[n] = '\0';
    assert_int_equal(pclose(answer), 0);
    if (n > 0)
        fail_msg("%s", said);
    (void)unlink(one);
    (void)unlink(other);
}

/* What comes out; the same however the message is cut, with short lines, and read alike. */
static void shortened(struct slice message, struct buf *ret) {
    static const size_t steps[] = {1, 7, 998, 999, 1000, 1001, 100000};
    _cleanup_(buf_done) struct buf out = {0};
    struct problem problem = {0};
    struct message_scan scan = {0};
    if (shorten(message, SIZE_MAX / 2, ret, &problem) < 0)
        fail_msg("%s", problem.text);
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        assert_int_equal(shorten(message, steps[i], &out, &problem), 0);
        assert_true(slice_eq(buf_slice(&out), buf_slice(ret)));
    }
    message_scan_feed(&scan, buf_slice(ret));
    assert_true(scan.longest_line <= SHORTEN_LINE_MAX);
    assert_reads_alike(message, buf_slice(ret));
}

static bool holds(const struct buf *b, const char *text) {
    return slice_find(slice_of(b->ptr, b->len), slice_of_str(text)) >= 0;
}

static void refused(const char *text, const char *word) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct problem problem = {0};
    assert_int_equal(shorten(widen(&a, text), SIZE_MAX / 2, &out, &problem), -E_REFUSED);
    if (!strstr(problem.text, word))
        fail_msg("%s", problem.text);
}

static void rfc2045_6_7_a_text_becomes_quoted_printable(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf out = {0};
    shortened(widen(&a, "From: a\r\nContent-Type: text/html; charset=utf-8\r\n"
                        "Content-Transfer-Encoding: 8bit\r\n\r\n"
                        "a=b \r\n\t\r\n早@ @\r\n\r\nend"),
              &out);
    assert_true(holds(&out,
                      "From: a\r\nContent-Type: text/html; charset=utf-8\r\n"
                      "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                      "a=3Db=20\r\n=09\r\n=E6=97=A9xxx"));
    assert_true(holds(&out, "x\r\n\r\nend"));
    assert_lines(slice_first(buf_slice(&out), out.len - 5), 76);
}

static void only_the_leaf_with_the_long_line_is_encoded(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf out = {0};
    shortened(
        widen(
            &a,
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b (1)\"\r\n\r\n"
            "preamble\r\n--b (1)\r\n\r\n早馬 = \r\n--b (1) \r\n"
            "Content-Type: application/octet-stream\r\ncontent-transfer-encoding: binary\r\n"
            "X: y\r\n\r\n@=\r\n--b (1)x\r\n\r\n--b (1)\r\n"
            "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n"
            "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nshort=\r\n"
            "--b\r\nContent-Type: text/html\r\n\r\n<p>@\r\n--b--\r\n\r\n--b (1)--\r\nepilogue\r\n"),
        &out);
    assert_true(holds(&out, "preamble\r\n--b (1)\r\n\r\n早馬 = \r\n--b (1) \r\n"));
    assert_true(holds(
        &out, "octet-stream\r\nX: y\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nxxx"));
    assert_true(holds(&out, "=3D\r\n--b (1)x\r\n\r\n--b (1)\r\n"));
    assert_true(holds(&out, "--b\r\n\r\nshort=\r\n--b\r\nContent-Type: text/html\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>xxx"));
    assert_true(holds(&out, "message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/"));
    assert_true(holds(&out, "--b--\r\n\r\n--b (1)--\r\nepilogue\r\n"));
}

/* What is listed as parts when it is fetched is taken for parts here. */
static void boundaries_are_those_of_who_lists_parts(void **state) {
    static const char *const messages[] = {
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
        "boundary=0123456789012345678901234567890123456789012345678901234567890123456789-long\r\n"
        "\r\n"
        "--0123456789012345678901234567890123456789012345678901234567890123456789-long\r\n\r\n@\r\n"
        "--0123456789012345678901234567890123456789012345678901234567890123456789-long--\r\n",
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary*1=cd; boundary*0=ab\r\n\r\n"
        "--abcd\r\n\r\n@\r\n--abcd--\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(buf_done) struct buf out = {0};
        shortened(widen(&a, messages[i]), &out);
        assert_true(holds(&out, "Content-Transfer-Encoding: quoted-printable\r\n\r\nxxx"));
    }
}

static void encoded_parts_get_more_line_breaks(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf out = {0}, message = {0}, bytes = {0};
    for (unsigned i = 0; i < 2000; i++)
        buf_add_byte(&bytes, (char)(i * 7));
    buf_add_str(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                          "Content-Transfer-Encoding: BASE64\r\n\r\n");
    base64_encode(&message, buf_slice(&bytes));
    buf_add_str(&message,
                "\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\nZGVm\r\n--b\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n\r\nsoft=\r\nline \r\n");
    for (unsigned i = 0; i < 500; i++)
        buf_add_str(&message, i % 3 ? "=E6=97=A9" : "a b");
    buf_add_str(&message, "=\r\n=\r\nend\r\n--b--\r\n");
    shortened(buf_slice(&message), &out);
    assert_true(holds(&out, "YWJj\r\nZGVm\r\n--b\r\n"));
    assert_lines(buf_slice(&out), 76);
    (void)a;
}

static void rfc5322_2_2_3_fields_are_folded_at_blanks(void **state) {
    _cleanup_(buf_done) struct buf out = {0}, message = {0};
    buf_add_str(&message, "To:");
    for (unsigned i = 0; i < 300; i++)
        buf_printf(&message, " user%u@example.jp,", i);
    buf_add_str(&message, "\r\n last@example.jp\r\nSubject: short\r\n\r\nbody\r\n");
    shortened(buf_slice(&message), &out);
    assert_true(holds(&out, ",\r\n user"));
    assert_true(holds(&out, "\r\n last@example.jp\r\nSubject: short\r\n\r\nbody\r\n"));
    refused("Subject: @\r\n\r\nx\r\n", "without a blank");
    refused("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX-@: y\r\n\r\n--b--\r\n",
            "without a blank");
}

static void what_is_signed_is_refused(void **state) {
    refused("DKIM-Signature: v=1\r\n\r\n@\r\n", "signed");
    refused("DKIM-Signature: v=1\r\nSubject: a @\r\n\r\n", "signed");
    refused("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n@\r\n--b--\r\n",
            "signed");
    refused("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n"
            "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nX: a "
            "@\r\n\r\n\r\n--c--\r\n--b--\r\n",
            "signed");
    refused("Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\n@\r\n--b--\r\n",
            "signed");
    refused(
        "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n@\r\n",
        "signed");
    refused("\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\n@\r\n", "signed");
    refused("\r\n@\r\n-----BEGIN PGP MESSAGE-----\r\n", "signed");
    refused("Content-Type: message/rfc822\r\n\r\nDKIM-Signature: v=1\r\n\r\n@\r\n", "signed");
}

/* Beside what is signed, and what is signed with short lines. */
static void what_is_not_signed_is_encoded_beside_it(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf out = {0};
    shortened(widen(&a, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                        "Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\na=\r\n--c\r\n"
                        "Content-Type: "
                        "application/pgp-signature\r\n\r\ns\r\n--c--\r\n--b\r\n\r\n@\r\n--b--\r\n"),
              &out);
    assert_true(holds(&out, "--c\r\n\r\na=\r\n--c\r\n"));
}

static void what_cannot_be_encoded_is_refused(void **state) {
    refused("Content-Type: multipart/mixed; boundary=b\r\n\r\n@\r\n--b\r\n\r\n\r\n--b--\r\n",
            "encoded");
    refused("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b--\r\n@\r\n",
            "encoded");
    refused("Content-Type: message/delivery-status\r\n\r\n@\r\n", "encoded");
    refused("Content-Type: message/partial; id=1\r\n\r\n@\r\n", "encoded");
    refused("Content-Transfer-Encoding: x-uue\r\n\r\n@\r\n", "encoded");
    refused("Content-Transfer-Encoding: base64\r\n\r\n@\r\n-- footer\r\n", "encoded");
    refused("Content-Transfer-Encoding: base64\r\n\r\n-- footer\r\n@\r\n", "encoded");
    refused("Content-Type: multipart/mixed\r\n\r\n@\r\n", "encoded");
}

static void a_message_with_short_lines_stays_to_the_byte(void **state) {
    static const char *const texts[] = {
        "From: a\r\n\r\nhello = \r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
        "Content-Transfer-Encoding: base64\r\n\r\nYW\r\nJj\r\n", "A: b\r\n\r\nno end"};
    _cleanup_(buf_done) struct buf out = {0};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        shortened(slice_of_str(texts[i]), &out);
        assert_slice(buf_slice(&out), texts[i]);
    }
}

static void parts_depth_and_headers_are_bounded(void **state) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf message = {0};
    buf_add_str(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (unsigned i = 0; i < SHORTEN_PARTS; i++)
        buf_add_str(&message, "--b\r\n\r\nx\r\n");
    buf_add_str(&message, "--b\r\n\r\n@\r\n--b--\r\n");
    refused(buf_str(&message), "too many parts");
    buf_clear(&message);
    for (unsigned i = 0; i <= SHORTEN_DEPTH; i++)
        buf_printf(&message, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    buf_add_str(&message, "\r\n@\r\n");
    refused(buf_str(&message), "cannot be encoded");
    buf_clear(&message);
    buf_add_str(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n");
    for (unsigned i = 0; i < 70; i++)
        buf_add_str(&message, "X: @\r\n");
    refused(buf_str(&message), "too large headers");
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/* A sanitizer has an allocator of its own, and the C library's knows nothing of it. */
static size_t allocated(void) {
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

/* Each multipart names a boundary; of those that are over nothing stays. */
static void many_multiparts_take_no_memory(void **state) {
    const struct slice part =
        S("--b\r\nContent-Type: multipart/mixed;boundary="
          "0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n");
    _cleanup_(shorten_free_p) struct shorten *s = shorten_new();
    _cleanup_(buf_done) struct buf out = {0};
    shorten_begin(s, S("Content-Type: multipart/mixed; boundary=b\r\n\r\n"), &out);
    size_t before = allocated();
    for (unsigned i = 0; i < 10000; i++) {
        shorten_feed(s, part, &out);
        buf_clear(&out);
    }
    assert_true(allocated() < before + 10000);
}

/* Bodies of all kinds of bytes, in all encodings: what is read stays the same. */
static void what_is_read_stays_the_same(void **state) {
    static const char alphabet[] = "aaaaaaaaaaaaaaaaaaa  \t==.-早\x80";
    _cleanup_(buf_done) struct buf message = {0}, out = {0};
    for (unsigned round = 0; round < 12; round++) {
        buf_clear(&message);
        buf_add_str(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
        for (size_t part = 1 + random_below(3); part > 0; part--) {
            buf_add_str(&message, "--b\r\n\r\n");
            for (size_t line = random_below(5); line > 0; line--) {
                for (size_t n = random_below(2500); n > 0; n--)
                    buf_add_byte(&message, alphabet[random_below(sizeof alphabet - 1)]);
                buf_add_str(&message, "\r\n");
            }
        }
        buf_add_str(&message, "--b--\r\n");
        shortened(buf_slice(&message), &out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc2045_6_7_a_text_becomes_quoted_printable),
        cmocka_unit_test(only_the_leaf_with_the_long_line_is_encoded),
        cmocka_unit_test(boundaries_are_those_of_who_lists_parts),
        cmocka_unit_test(encoded_parts_get_more_line_breaks),
        cmocka_unit_test(rfc5322_2_2_3_fields_are_folded_at_blanks),
        cmocka_unit_test(what_is_signed_is_refused),
        cmocka_unit_test(what_is_not_signed_is_encoded_beside_it),
        cmocka_unit_test(what_cannot_be_encoded_is_refused),
        cmocka_unit_test(a_message_with_short_lines_stays_to_the_byte),
        cmocka_unit_test(parts_depth_and_headers_are_bounded),
        cmocka_unit_test(many_multiparts_take_no_memory),
        cmocka_unit_test(what_is_read_stays_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
