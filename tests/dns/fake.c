/* SPDX-License-Identifier: ISC */
#include "dns/fake.h"

#include "base/bytes.h"
#include "base/encode.h"
#include "fiber/fiber.h"
#include "io/net.h"

static struct slice address_data(struct arena *a, struct slice value) {
    struct net_addr addr;
    MUST(net_parse(value, 0, &addr) == 0);
    if (addr.any.sa_family == AF_INET)
        return arena_copy(a, slice_of(&addr.in.sin_addr, 4));
    return arena_copy(a, slice_of(&addr.in6.sin6_addr, 16));
}

static struct slice name_data(struct arena *a, struct slice prefix, struct slice name) {
    char wire[2 + DNS_NAME_WIRE];
    size_t len;
    MUST(dns_name_write(name, wire + prefix.len, &len) == 0);
    if (prefix.len)
        memcpy(wire, prefix.ptr, prefix.len);
    return arena_copy(a, slice_of(wire, prefix.len + len));
}

static struct slice mx_data(struct arena *a, struct slice value) {
    struct slice preference;
    uint64_t number;
    MUST(slice_next(&value, ' ', &preference));
    MUST(slice_to_u64(preference, 65535, &number) == 0);
    unsigned char bytes[2] = {(unsigned char)(number >> 8), (unsigned char)number};
    return name_data(a, slice_of(bytes, 2), value);
}

/* Strings of at most 255 bytes, one behind the other. */
static struct slice text_data(struct arena *a, struct slice value) {
    _cleanup_(buf_done) struct buf wire = {0};
    do {
        struct slice part = slice_first(value, 255);
        buf_add_u8(&wire, (uint8_t)part.len);
        buf_add(&wire, part);
        value = slice_from(value, part.len);
    } while (value.len > 0);
    return arena_copy(a, buf_slice(&wire));
}

/* "3 1 1 0a1b", the data in hexadecimal; fewer words make a shorter record. */
static struct slice tlsa_data(struct arena *a, struct slice value) {
    _cleanup_(buf_done) struct buf wire = {0};
    struct slice word, data = {NULL, 0};
    uint64_t number;
    for (unsigned i = 0; i < 3 && slice_next_word(&value, &word); i++) {
        MUST(slice_to_u64(word, 255, &number) == 0);
        buf_add_u8(&wire, (uint8_t)number);
    }
    MUST(hex_decode(a, slice_trim(value), &data) == 0);
    buf_add(&wire, data);
    return arena_copy(a, buf_slice(&wire));
}

static struct slice record_data(struct arena *a, const struct fake_record *record) {
    struct slice value = slice_of_str(record->value);
    switch (record->type) {
    case DNS_MX:
        return mx_data(a, value);
    case DNS_A:
    case DNS_AAAA:
        return address_data(a, value);
    case DNS_TXT:
        return text_data(a, value);
    case DNS_TLSA:
        return tlsa_data(a, value);
    default:
        return name_data(a, (struct slice){NULL, 0}, value);
    }
}

static const struct fake_record *find(const struct fake_dns *fake, struct slice name,
                                      uint16_t type) {
    for (const struct fake_record *r = fake->records; r->name; r++)
        if (r->type == type && dns_name_same(slice_of_str(r->name), name))
            return r;
    return NULL;
}

static bool exists(const struct fake_dns *fake, struct slice name) {
    for (const struct fake_record *r = fake->records; r->name; r++)
        if (dns_name_same(slice_of_str(r->name), name))
            return true;
    return false;
}

static void collect(const struct fake_dns *fake, struct slice name, struct arena *a,
                    struct dns_answer *answer) {
    size_t room = 0;
    for (const struct fake_record *r = fake->records; r->name; r++)
        room++;
    answer->data = arena_array(a, room, sizeof *answer->data);
    for (const struct fake_record *r = fake->records; r->name; r++)
        if (r->type == answer->type && r->value && dns_name_same(slice_of_str(r->name), name))
            answer->data[answer->count++] = record_data(a, r);
    dns_answer_decode_records(answer, a);
}

static int answer_from_table(struct fake_dns *fake, struct slice name, uint16_t type,
                             struct arena *a, struct dns_answer *ret) {
    struct dns_answer answer = {.type = type, .ttl = 300};
    for (unsigned steps = 0; steps < 8 && type != DNS_CNAME; steps++) {
        const struct fake_record *alias = find(fake, name, DNS_CNAME);
        if (!alias)
            break;
        name = answer.canonical = slice_of_str(alias->value);
    }
    const struct fake_record *record = find(fake, name, type);
    if (record && record->error)
        return record->error;
    if (!record)
        answer.code = exists(fake, name) ? DNS_NODATA : DNS_NXDOMAIN;
    else
        answer.code = record->code;
    answer.secure = record && record->secure;
    if (answer.code == DNS_OK)
        collect(fake, name, a, &answer);
    *ret = answer;
    return 0;
}

static int query(void *arg, struct slice name, uint16_t type, struct arena *a,
                 struct dns_answer *ret) {
    struct fake_dns *fake = arg;
    fake->asked++;
    fake->asking++;
    fake->widest = MAX(fake->widest, fake->asking);
    int r = fake->delay ? fiber_sleep(fake->delay) : 0;
    fake->asking--;
    return r < 0 ? r : answer_from_table(fake, name, type, a, ret);
}

struct dns_client fake_dns_client(struct fake_dns *fake) {
    return (struct dns_client){query, fake};
}
