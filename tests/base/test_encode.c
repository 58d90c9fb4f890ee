/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/json.h"
#include "base/siphash.h"

/* RFC 4648 §10. */
static const struct {
    const char *plain, *coded;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

static void test_base64_as_in_rfc4648_10(void **state) {
    struct arena a = {0};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct buf b = {0};
        struct slice back;
        base64_encode(&b, slice_of_str(vectors[i].plain));
        assert_slice(buf_slice(&b), vectors[i].coded);
        assert_int_equal(base64_decode(&a, buf_slice(&b), &back), 0);
        assert_slice(back, vectors[i].plain);
        buf_done(&b);
    }
    arena_done(&a);
}

static void test_base64_refuses_what_is_not_canonical(void **state) {
    static const char *const wrong[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm 9v", "Zm9v\r\n", "Zg==Zg==", "Zm-_"};
    struct arena a = {0};
    struct slice got;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(base64_decode(&a, slice_of_str(wrong[i]), &got), -E_SYNTAX);
    arena_done(&a);
}

static void test_hexadecimal(void **state) {
    struct arena a = {0};
    struct buf b = {0};
    struct slice got;
    (void)state;
    hex_encode(&b, S("\x00\x9f\xff"));
    assert_slice(buf_slice(&b), "009fff");
    assert_int_equal(hex_decode(&a, S("009FfF"), &got), 0);
    assert_true(slice_eq(got, S("\x00\x9f\xff")));
    assert_int_equal(hex_decode(&a, S("0"), &got), -E_SYNTAX);
    assert_int_equal(hex_decode(&a, S("0g"), &got), -E_SYNTAX);
    buf_done(&b);
    arena_done(&a);
}

/* RFC 3629 §4: shortest forms, no surrogates, nothing above U+10FFFF. */
static void test_utf8_is_well_formed(void **state) {
    (void)state;
    assert_true(utf8_valid(S("\xe6\x97\xa9\xe9\xa6\xac"))); /* 早馬 */
    assert_true(utf8_valid(S("\xf4\x8f\xbf\xbf")));         /* U+10FFFF */
    assert_false(utf8_valid(S("\xf4\x90\x80\x80")));        /* U+110000 */
    assert_false(utf8_valid(S("\xed\xa0\x80")));            /* U+D800 */
    assert_false(utf8_valid(S("\xc0\xaf")));                /* overlong '/' */
    assert_false(utf8_valid(S("\xe0\x9f\xbf")));
    assert_false(utf8_valid(S("\xf0\x8f\xbf\xbf")));
    assert_false(utf8_valid(S("\xe6\x97")));
    assert_false(utf8_valid(S("\x80")));
}

static void a_bad_byte_is_seen_wherever_it_stands(void **state) {
    for (size_t len = 1; len <= 40; len++) {
        char text[40];
        memset(text, 'a', sizeof text);
        assert_true(utf8_valid(slice_of(text, len)));
        for (size_t i = 0; i < len; i++) {
            text[i] = '\x80';
            assert_false(utf8_valid(slice_of(text, len)));
            text[i] = '\xc3'; /* and its second byte, if there is room */
            if (i + 1 < len) {
                text[i + 1] = '\xa4';
                assert_true(utf8_valid(slice_of(text, len)));
                text[i + 1] = 'a';
            }
            assert_false(utf8_valid(slice_of(text, len)));
            text[i] = 'a';
        }
    }
}

static void what_utf8_decodes_it_encodes(void **state) {
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char text[4];
        uint32_t read = 0;
        if (c >= 0xd800 && c < 0xe000)
            continue;
        size_t len = utf8_encode(text, c);
        assert_int_equal(utf8_decode(slice_of(text, len), &read), len);
        assert_int_equal(read, c);
        for (size_t cut = 1; cut < len; cut++)
            assert_true(utf8_is_cut(slice_of(text, cut)));
        assert_false(utf8_is_cut(slice_of(text, len)));
    }
    assert_false(utf8_is_cut(S("\x80")));
    assert_false(utf8_is_cut(S("\xe3\x81z")));
    assert_false(utf8_is_cut(S("\xf5\x80")));
}

/* RFC 3720 §B.4 and the check value of the Castagnoli polynomial. */
static void test_crc32c_as_in_rfc3720_b_4(void **state) {
    char zeros[32] = {0};
    (void)state;
    assert_true(crc32c(0, S("123456789")) == 0xe3069283U);
    assert_true(crc32c(0, slice_of(zeros, 32)) == 0x8a9136aaU);
    assert_true(crc32c(crc32c(0, S("1234")), S("56789")) == 0xe3069283U);
}

/* The first and the last of the test vectors that its authors published. */
static void test_siphash_vectors(void **state) {
    uint8_t key[16], bytes[15];
    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        bytes[i] = i;
    assert_true(siphash_keyed(S(""), key) == 0x726fdb47dd0e0e31U);
    assert_true(siphash_keyed(slice_of(bytes, 15), key) == 0xa129ca6149be45e5U);
}

static void test_a_reader_never_runs_over_the_end(void **state) {
    struct reader r = {S("\1\2\3\4\5"), false};
    (void)state;
    assert_int_equal(read_u32(&r), 0x04030201);
    assert_false(r.bad);
    assert_int_equal(read_u16(&r), 0);
    assert_true(r.bad);
    assert_int_equal(read_u8(&r), 0); /* stays bad */
}

static void quoted_is(struct slice text, const char *expected) {
    _cleanup_(buf_done) struct buf b = {0};
    struct json j = {.to = &b};
    json_slice(&j, text);
    assert_string_equal(buf_str(&b), expected);
}

/* Nothing that a terminal obeys, or that turns round what is read, leaves as it is. */
static void test_json_escapes_what_terminals_obey(void **state) {
    quoted_is(S("a\x1b[31m\x7f"), "\"a\\u001b[31m\\u007f\"");
    quoted_is(S("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"), "\"\\u0080\\u009b\\u009f\xc2\xa0\"");
    quoted_is(S("\u202atxt.exe\u202e\u202c\u2066\u2069"),
              "\"\\u202atxt.exe\\u202e\\u202c\\u2066\\u2069\"");
    quoted_is(S("\u200e\u200f\u061c\u2028\u2029\ufeff"),
              "\"\\u200e\\u200f\\u061c\\u2028\\u2029\\ufeff\"");
    quoted_is(S("\U000e0041"), "\"\\udb40\\udc41\"");
    quoted_is(S("早馬 \U0001f40e é"), "\"早馬 \U0001f40e é\"");
    quoted_is(S("\xe2\x80"), "\"\\ufffd\\ufffd\"");
}

static void test_json_quotes_and_separates(void **state) {
    struct buf b = {0};
    struct json j = {.to = &b};
    (void)state;
    json_object(&j);
    json_key(&j, "text");
    json_slice(&j, S("a\"\\\n\x01\xff\xe6\x97\xa9"));
    json_key(&j, "list");
    json_array(&j);
    json_int(&j, -5);
    json_bool(&j, true);
    json_null(&j);
    json_array(&j);
    json_end(&j);
    json_end(&j);
    json_end(&j);
    assert_slice(buf_slice(&b), "{\"text\":\"a\\\"\\\\\\n\\u0001\\ufffd\xe6\x97\xa9\","
                                "\"list\":[-5,true,null,[]]}");
    buf_done(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_as_in_rfc4648_10),
        cmocka_unit_test(test_base64_refuses_what_is_not_canonical),
        cmocka_unit_test(test_hexadecimal),
        cmocka_unit_test(test_utf8_is_well_formed),
        cmocka_unit_test(a_bad_byte_is_seen_wherever_it_stands),
        cmocka_unit_test(what_utf8_decodes_it_encodes),
        cmocka_unit_test(test_crc32c_as_in_rfc3720_b_4),
        cmocka_unit_test(test_siphash_vectors),
        cmocka_unit_test(test_a_reader_never_runs_over_the_end),
        cmocka_unit_test(test_json_escapes_what_terminals_obey),
        cmocka_unit_test(test_json_quotes_and_separates),
    };
    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
