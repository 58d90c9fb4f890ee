/* SPDX-License-Identifier: ISC */
#include "message/mime/mime.h"
#include "message_test.h"

static void check(const char *value, const char *type, const char *boundary) {
    _cleanup_(arena_done) struct arena a = {0};
    struct mime_type found = mime_type_read(&a, slice_of_str(value));
    assert_true(slice_eq(found.type, slice_of_str(type)));
    struct slice text = slice_of(found.boundary.text, found.boundary.len);
    assert_true(slice_eq(text, slice_of_str(boundary)));
}

static void rfc2045_5_1_parameters_are_read(void **state) {
    check("Multipart/Mixed; boundary=abc", "multipart/mixed", "abc");
    check("multipart/mixed; boundary=\"a \\\"b\\\\\"", "multipart/mixed", "a \"b\\");
    check("multipart/mixed; charset=\"boundary=x\"; BOUNDARY = \"y\" (z)", "multipart/mixed", "y");
    check("multipart/mixed; boundary=a; boundary=b", "multipart/mixed", "a");
    check("multipart/mixed; boundary=\"\"; boundary=b", "multipart/mixed", "b");
    check("multipart/mixed; boundary=\"never closed", "multipart/mixed", "never closed");
    check("multipart/mixed; boundary=\"a \"", "multipart/mixed", "a");
    check("nothing", "", "");
}

/* RFC 2046 §5.1.1 has 70 characters at most; more are read as they are everywhere else. */
static void rfc2046_5_1_1_a_boundary_is_bounded(void **state) {
    _cleanup_(buf_done) struct buf quoted = {0}, want = {0};
    buf_add_str(&quoted, "multipart/mixed; boundary=\"");
    for (unsigned i = 0; i < MIME_BOUNDARY_READ; i++) {
        buf_add_str(&quoted, "\\x");
        buf_add_byte(&want, 'x');
    }
    size_t len = quoted.len;
    buf_add_str(&quoted, "\"");
    check(buf_str(&quoted), "multipart/mixed", buf_str(&want));
    quoted.len = len;
    buf_add_str(&quoted, "x\"");
    check(buf_str(&quoted), "multipart/mixed", "");
}

/* A header may be a megabyte; what is made of it is not the square of that. */
static void memory_does_not_grow_with_the_number_of_parameters(void **state) {
    static const char *const parameters[] = {";a=\"\"", ";boundary=\"\"", ";boundary=\" \""};
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        _cleanup_(arena_done) struct arena a = {0};
        _cleanup_(buf_done) struct buf value = {0};
        buf_add_str(&value, "text/plain");
        while (value.len < (size_t)64 << 10)
            buf_add_str(&value, parameters[i]);
        (void)mime_type_read(&a, buf_slice(&value));
        assert_true(a.total <= 2 * value.len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc2045_5_1_parameters_are_read),
        cmocka_unit_test(rfc2046_5_1_1_a_boundary_is_bounded),
        cmocka_unit_test(memory_does_not_grow_with_the_number_of_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
