/* SPDX-License-Identifier: ISC */
/*
 * Records and answers. The bytes of an answer were chosen by whoever runs the zone, so every length
 * is checked and a record that breaks its form is dropped alone. The flat form carries the record
 * data in wire form and decodes it again at the receiver: a role never trusts the resolver role to
 * have parsed for it.
 */
#include "dns/message.h"

#include "base/bytes.h"
#include "base/words.h"

struct slice dns_type_name(struct arena *a, uint16_t type) {
    switch (type) {
    case DNS_A:
        return S("A");
    case DNS_CNAME:
        return S("CNAME");
    case DNS_PTR:
        return S("PTR");
    case DNS_MX:
        return S("MX");
    case DNS_TXT:
        return S("TXT");
    case DNS_AAAA:
        return S("AAAA");
    case DNS_TLSA:
        return S("TLSA");
    default:
        return arena_printf(a, "TYPE%u", type);
    }
}

const char *dns_code_text(enum dns_code code) {
    static const char *const texts[DNS_CODES] = {
        [DNS_OK] = N_("found"),
        [DNS_NXDOMAIN] = N_("no such name"),
        [DNS_NODATA] = N_("no such record"),
        [DNS_SERVFAIL] = N_("the name servers failed"),
        [DNS_TIMEOUT] = N_("the name servers did not answer in time"),
        [DNS_BOGUS] = N_("the answer failed DNSSEC validation"),
    };
    return (unsigned)code < DNS_CODES ? texts[code] : N_("unknown code");
}

/* ------------------------------------------------------------------ records */

static int read_name_alone(struct slice data, struct arena *a, struct slice *ret) {
    int r = dns_name_read(&data, a, ret);
    return r < 0 || data.len == 0 ? r : -E_SYNTAX;
}

static int read_mx(struct slice data, struct arena *a, struct dns_record *ret) {
    if (data.len < 3)
        return -E_SYNTAX;
    struct slice name;
    int r = read_name_alone(slice_from(data, 2), a, &name);
    if (r < 0)
        return r;
    unsigned preference = (unsigned)(unsigned char)data.ptr[0] << 8 | (unsigned char)data.ptr[1];
    *ret = (struct dns_record){.preference = (uint16_t)preference, .name = name};
    return 0;
}

/* Joins the character-strings (RFC 1035 §3.3.14), without anything between (RFC 7208 §3.3). */
static int read_txt(struct slice data, struct arena *a, struct dns_record *ret) {
    _cleanup_(buf_done) struct buf text = {0};
    if (data.len == 0)
        return -E_SYNTAX;
    while (data.len) {
        size_t len = (unsigned char)data.ptr[0];
        if (data.len < 1 + len)
            return -E_SYNTAX;
        buf_add(&text, slice_first(slice_from(data, 1), len));
        data = slice_from(data, 1 + len);
    }
    *ret = (struct dns_record){.bytes = arena_copy(a, buf_slice(&text))};
    return 0;
}

static int read_bytes_of_size(struct slice data, size_t size, struct dns_record *ret) {
    if (data.len != size)
        return -E_SYNTAX;
    *ret = (struct dns_record){.bytes = data};
    return 0;
}

int dns_record_read(uint16_t type, struct slice data, struct arena *a, struct dns_record *ret) {
    struct slice name;
    int r;
    switch (type) {
    case DNS_A:
        return read_bytes_of_size(data, 4, ret);
    case DNS_AAAA:
        return read_bytes_of_size(data, 16, ret);
    case DNS_MX:
        return read_mx(data, a, ret);
    case DNS_TXT:
        return read_txt(data, a, ret);
    case DNS_CNAME:
    case DNS_PTR:
        r = read_name_alone(data, a, &name);
        if (r == 0)
            *ret = (struct dns_record){.name = name};
        return r;
    default:
        *ret = (struct dns_record){.bytes = data};
        return 0;
    }
}

/* ------------------------------------------------------------------ answers */

/* Bytes of the flat form besides the record data, names and words at their longest. */
#define FLAT_FIXED 4096U
#define WORDS_SIZE 512U

void dns_answer_decode_records(struct dns_answer *answer, struct arena *a) {
    size_t offered = answer->code == DNS_OK ? MIN(answer->count, DNS_RECORDS_MAX) : 0;
    size_t kept = 0;
    size_t size = FLAT_FIXED;
    answer->records = offered ? arena_array(a, offered, sizeof *answer->records) : NULL;
    for (size_t i = 0; i < offered; i++) {
        struct slice data = answer->data[i];
        if (data.len > DNS_ANSWER_SIZE - size - 2)
            break;
        if (dns_record_read(answer->type, data, a, &answer->records[kept]) < 0)
            continue;
        answer->data[kept++] = data;
        size += 2 + data.len;
        if (size + 2 > DNS_ANSWER_SIZE)
            break;
    }
    answer->count = kept;
    if (kept == 0 && answer->code == DNS_OK) {
        answer->code = DNS_SERVFAIL;
        answer->problem = S(N_("every record is malformed"));
    }
}

static void add_short(struct buf *to, struct slice text) {
    buf_add_u16(to, (uint16_t)text.len);
    buf_add(to, text);
}

static struct slice read_short(struct reader *in) {
    return read_bytes(in, read_u16(in));
}

void dns_answer_encode(struct buf *to, const struct dns_answer *answer) {
    MUST(answer->count <= DNS_RECORDS_MAX);
    buf_add_u8(to, (uint8_t)answer->code);
    buf_add_u8(to, answer->secure);
    buf_add_u16(to, answer->type);
    buf_add_u32(to, answer->ttl);
    add_short(to, slice_first(answer->canonical, DNS_NAME_TEXT));
    add_short(to, slice_first(answer->problem, WORDS_SIZE));
    buf_add_u16(to, (uint16_t)answer->count);
    for (size_t i = 0; i < answer->count; i++)
        add_short(to, answer->data[i]);
}

static int decode_data(struct reader *in, struct arena *a, struct dns_answer *answer) {
    answer->count = read_u16(in);
    bool with_data = answer->code == DNS_OK;
    if (in->bad || answer->count > DNS_RECORDS_MAX || with_data != (answer->count > 0))
        return -E_SYNTAX;
    if (!with_data)
        return 0;
    answer->data = arena_array(a, answer->count, sizeof *answer->data);
    answer->records = arena_array(a, answer->count, sizeof *answer->records);
    for (size_t i = 0; i < answer->count; i++) {
        answer->data[i] = read_short(in);
        if (in->bad)
            return -E_SYNTAX;
        int r = dns_record_read(answer->type, answer->data[i], a, &answer->records[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

int dns_answer_decode(struct slice flat, struct arena *a, struct dns_answer *ret) {
    if (flat.len > DNS_ANSWER_SIZE)
        return -E_SYNTAX;
    struct reader in = {.rest = flat};
    struct dns_answer answer = {0};
    uint8_t code = read_u8(&in);
    uint8_t secure = read_u8(&in);
    answer.type = read_u16(&in);
    answer.ttl = read_u32(&in);
    answer.canonical = read_short(&in);
    answer.problem = read_short(&in);
    if (in.bad || code >= DNS_CODES || secure > 1 || answer.problem.len > WORDS_SIZE)
        return -E_SYNTAX;
    char wire[DNS_NAME_WIRE];
    size_t len;
    if (answer.canonical.len > 0 && dns_name_write(answer.canonical, wire, &len) < 0)
        return -E_SYNTAX;
    answer.code = code;
    answer.secure = secure;
    int r = decode_data(&in, a, &answer);
    if (r < 0)
        return r;
    if (in.rest.len)
        return -E_SYNTAX;
    *ret = answer;
    return 0;
}
