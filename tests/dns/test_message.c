/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "dns/message.h"

#define WIRE(literal) slice_of("" literal, sizeof(literal) - 1)

static struct arena arena;

static int forget(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static void name_is_read_in_lower_case_without_closing_dot(void **state) {
    struct slice wire = WIRE("\3MX1\7Example\3net\0rest"), text;
    assert_int_equal(dns_name_read(&wire, &arena, &text), 0);
    assert_slice(text, "mx1.example.net");
    assert_slice(wire, "rest");
}

static void root_is_a_dot(void **state) {
    struct slice wire = WIRE("\0"), text;
    assert_int_equal(dns_name_read(&wire, &arena, &text), 0);
    assert_slice(text, ".");
    char back[DNS_NAME_WIRE];
    size_t len;
    assert_int_equal(dns_name_write(S("."), back, &len), 0);
    assert_int_equal(len, 1);
    assert_int_equal(back[0], 0);
}

static void special_bytes_are_escaped_by_rfc1035_5_1(void **state) {
    struct slice wire = WIRE("\7a.b\\ \x7f\xff\0"), text;
    assert_int_equal(dns_name_read(&wire, &arena, &text), 0);
    assert_slice(text, "a\\.b\\\\\\032\\127\\255");
    char back[DNS_NAME_WIRE];
    size_t len;
    assert_int_equal(dns_name_write(text, back, &len), 0);
    assert_int_equal(len, 9);
    assert_memory_equal(back, "\7a.b\\ \x7f\xff\0", 9);
}

static void bad_wire_names_are_refused(void **state) {
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"", 0}, {"\3ab", 3}, {"\1a", 2}, {"\300\14", 2}, {"\100", 1}, {"\377", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct slice wire = slice_of(bad[i].bytes, bad[i].len), text = S("kept");
        assert_int_equal(dns_name_read(&wire, &arena, &text), -E_SYNTAX);
        assert_slice(text, "kept");
        assert_int_equal(wire.len, bad[i].len);
    }
}

/* A name of three labels of 63 and one of `last` bytes: 3 * 64 + 1 + last + 1 in wire form. */
static struct slice long_name(char *text, size_t last) {
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        memset(text + len, 'x', 63);
        len += 63;
        text[len++] = '.';
    }
    memset(text + len, 'y', last);
    return slice_of(text, len + last);
}

static void name_limit_is_255_bytes_by_rfc1035_2_3_4(void **state) {
    char text[300], wire[DNS_NAME_WIRE];
    size_t len;
    assert_int_equal(dns_name_write(long_name(text, 61), wire, &len), 0);
    assert_int_equal(len, 255);
    struct slice bytes = slice_of(wire, len), again;
    assert_int_equal(dns_name_read(&bytes, &arena, &again), 0);
    assert_true(slice_eq(again, long_name(text, 61)));
    assert_int_equal(dns_name_write(long_name(text, 62), wire, &len), -E_LIMIT);
}

static void name_too_long_in_wire_form_is_refused(void **state) {
    char wire[5 * 64 + 1];
    for (int i = 0; i < 5; i++) {
        wire[i * 64] = 63;
        memset(wire + i * 64 + 1, 'x', 63);
    }
    wire[5 * 64] = 0;
    struct slice bytes = slice_of(wire, sizeof wire), text;
    assert_int_equal(dns_name_read(&bytes, &arena, &text), -E_SYNTAX);
}

static void label_limit_is_63_bytes_by_rfc1035_2_3_4(void **state) {
    char label[64], wire[DNS_NAME_WIRE];
    size_t len;
    memset(label, 'a', sizeof label);
    assert_int_equal(dns_name_write(slice_of(label, 63), wire, &len), 0);
    assert_int_equal(len, 65);
    assert_int_equal(dns_name_write(slice_of(label, 64), wire, &len), -E_LIMIT);
}

static void bad_text_names_are_refused(void **state) {
    static const char *const bad[] = {
        "", "..", ".a", "a..b", "a\\", "a\\25", "a\\256", "a\\2x5", "a b", "caf\xc3\xa9", "a\n",
    };
    char wire[DNS_NAME_WIRE];
    size_t len;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(dns_name_write(slice_of_str(bad[i]), wire, &len), -E_SYNTAX);
}

static void names_are_the_same_whatever_case_and_closing_dot(void **state) {
    assert_true(dns_name_same(S("Example.NET."), S("example.net")));
    assert_false(dns_name_same(S("example.net\\."), S("example.net")));
    assert_false(dns_name_same(S("example.net"), S("example.com")));
}

static void reverse_names_follow_rfc1035_3_5_and_rfc3596_2_5(void **state) {
    assert_slice(dns_reverse_name(&arena, WIRE("\300\0\2\1")), "1.2.0.192.in-addr.arpa");
    struct slice six = WIRE("\x43\x21\0\0\0\1\0\2\0\3\0\4\x05\x67\x89\xab");
    assert_slice(dns_reverse_name(&arena, six), "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0."
                                                "0.0.0.0.1.2.3.4.ip6.arpa");
}

static void mx_data_has_preference_and_name(void **state) {
    struct dns_record mx;
    struct slice data = WIRE("\1\12\2mx\7example\3net\0");
    assert_int_equal(dns_record_read(DNS_MX, data, &arena, &mx), 0);
    assert_int_equal(mx.preference, 266);
    assert_slice(mx.name, "mx.example.net");
    assert_int_equal(dns_record_read(DNS_MX, WIRE("\0\12"), &arena, &mx), -E_SYNTAX);
    assert_int_equal(dns_record_read(DNS_MX, WIRE("\0\12\1a\0x"), &arena, &mx), -E_SYNTAX);
}

static void txt_strings_are_joined_by_rfc7208_3_3(void **state) {
    struct dns_record txt;
    assert_int_equal(dns_record_read(DNS_TXT, WIRE("\7v=spf1 \0\4-all"), &arena, &txt), 0);
    assert_slice(txt.bytes, "v=spf1 -all");
    assert_int_equal(dns_record_read(DNS_TXT, WIRE("\5abc"), &arena, &txt), -E_SYNTAX);
    assert_int_equal(dns_record_read(DNS_TXT, WIRE(""), &arena, &txt), -E_SYNTAX);
}

static void addresses_have_4_and_16_bytes(void **state) {
    struct dns_record record;
    assert_int_equal(dns_record_read(DNS_A, WIRE("\300\0\2\1"), &arena, &record), 0);
    assert_int_equal(record.bytes.len, 4);
    assert_int_equal(dns_record_read(DNS_A, WIRE("\300\0\2"), &arena, &record), -E_SYNTAX);
    assert_int_equal(dns_record_read(DNS_AAAA, WIRE("1234567890123456"), &arena, &record), 0);
    assert_int_equal(dns_record_read(DNS_AAAA, WIRE("123456789012345"), &arena, &record),
                     -E_SYNTAX);
}

static struct dns_answer mx_answer(struct slice *data, size_t count) {
    return (struct dns_answer){
        .code = DNS_OK,
        .type = DNS_MX,
        .secure = true,
        .ttl = 3600,
        .canonical = S("example.net"),
        .data = data,
        .count = count,
    };
}

static void answer_survives_its_flat_form(void **state) {
    struct slice data[] = {WIRE("\0\12\2mx\0"), WIRE("\0\24\3mx2\0")};
    struct dns_answer answer = mx_answer(data, 2), back;
    dns_answer_decode_records(&answer, &arena);
    _cleanup_(buf_done) struct buf flat = {0};
    dns_answer_encode(&flat, &answer);
    assert_int_equal(dns_answer_decode(buf_slice(&flat), &arena, &back), 0);
    assert_int_equal(back.code, DNS_OK);
    assert_int_equal(back.type, DNS_MX);
    assert_true(back.secure);
    assert_int_equal(back.ttl, 3600);
    assert_slice(back.canonical, "example.net");
    assert_int_equal(back.count, 2);
    assert_int_equal(back.records[1].preference, 20);
    assert_slice(back.records[1].name, "mx2");
    for (size_t cut = 0; cut < flat.len; cut++)
        assert_int_equal(dns_answer_decode(slice_first(buf_slice(&flat), cut), &arena, &back),
                         -E_SYNTAX);
    buf_add_byte(&flat, 0);
    assert_int_equal(dns_answer_decode(buf_slice(&flat), &arena, &back), -E_SYNTAX);
}

static void answer_without_records_survives_its_flat_form(void **state) {
    struct dns_answer answer = {.code = DNS_BOGUS, .type = DNS_A, .problem = S("no signatures")};
    struct dns_answer back;
    _cleanup_(buf_done) struct buf flat = {0};
    dns_answer_encode(&flat, &answer);
    assert_int_equal(dns_answer_decode(buf_slice(&flat), &arena, &back), 0);
    assert_int_equal(back.code, DNS_BOGUS);
    assert_int_equal(back.count, 0);
    assert_slice(back.problem, "no signatures");
}

static void malformed_records_are_left_out_alone(void **state) {
    struct slice data[] = {WIRE("\0"), WIRE("\0\24\3mx2\0"), WIRE("\0\12\77x")};
    struct dns_answer answer = mx_answer(data, 3);
    dns_answer_decode_records(&answer, &arena);
    assert_int_equal(answer.code, DNS_OK);
    assert_int_equal(answer.count, 1);
    assert_slice(answer.records[0].name, "mx2");
    answer = mx_answer(data + 2, 1);
    dns_answer_decode_records(&answer, &arena);
    assert_int_equal(answer.code, DNS_SERVFAIL);
    assert_int_equal(answer.count, 0);
}

static void an_answer_is_bounded_in_number_and_bytes(void **state) {
    struct slice data[DNS_RECORDS_MAX + 1];
    for (size_t i = 0; i < ARRAY_SIZE(data); i++)
        data[i] = WIRE("\0\12\2mx\0");
    struct dns_answer answer = mx_answer(data, ARRAY_SIZE(data));
    dns_answer_decode_records(&answer, &arena);
    assert_int_equal(answer.count, DNS_RECORDS_MAX);

    static char big[40000];
    struct slice two[] = {slice_of(big, sizeof big), slice_of(big, sizeof big)};
    answer = (struct dns_answer){.type = DNS_TLSA, .data = two, .count = 2};
    dns_answer_decode_records(&answer, &arena);
    assert_int_equal(answer.count, 1);
    _cleanup_(buf_done) struct buf flat = {0};
    dns_answer_encode(&flat, &answer);
    assert_true(flat.len <= DNS_ANSWER_SIZE);
    assert_int_equal(dns_answer_decode(buf_slice(&flat), &arena, &answer), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(name_is_read_in_lower_case_without_closing_dot, forget),
        cmocka_unit_test_teardown(root_is_a_dot, forget),
        cmocka_unit_test_teardown(special_bytes_are_escaped_by_rfc1035_5_1, forget),
        cmocka_unit_test_teardown(bad_wire_names_are_refused, forget),
        cmocka_unit_test_teardown(name_limit_is_255_bytes_by_rfc1035_2_3_4, forget),
        cmocka_unit_test_teardown(name_too_long_in_wire_form_is_refused, forget),
        cmocka_unit_test_teardown(label_limit_is_63_bytes_by_rfc1035_2_3_4, forget),
        cmocka_unit_test_teardown(bad_text_names_are_refused, forget),
        cmocka_unit_test_teardown(names_are_the_same_whatever_case_and_closing_dot, forget),
        cmocka_unit_test_teardown(reverse_names_follow_rfc1035_3_5_and_rfc3596_2_5, forget),
        cmocka_unit_test_teardown(mx_data_has_preference_and_name, forget),
        cmocka_unit_test_teardown(txt_strings_are_joined_by_rfc7208_3_3, forget),
        cmocka_unit_test_teardown(addresses_have_4_and_16_bytes, forget),
        cmocka_unit_test_teardown(answer_survives_its_flat_form, forget),
        cmocka_unit_test_teardown(answer_without_records_survives_its_flat_form, forget),
        cmocka_unit_test_teardown(malformed_records_are_left_out_alone, forget),
        cmocka_unit_test_teardown(an_answer_is_bounded_in_number_and_bytes, forget),
    };
    return cmocka_run_group_tests_name("dns message", tests, NULL, NULL);
}
