/* SPDX-License-Identifier: ISC */
/*
 * The bytes of packs; pure. Whoever changes a layout raises its version: readers of the old one
 * then say -E_VERSION instead of taking the bytes for damage, which is why the version is looked at
 * after the sum.
 */
#include "pack/pack.h"

#include "base/bytes.h"
#include "base/crc32c.h"

#define FILE_VERSION   1
#define RECORD_VERSION 1
#define RECORD_MAGIC   PACK_KIND('H', 'y', 'R', 0xd1)
#define END_MAGIC      PACK_KIND('H', 'y', 'E', 0xd2)

static const char FILE_MAGIC[8] = {'H', 'a', 'y', 'a', 'P', 'a', 'c', 'k'};

/* Places in the head of a record. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_TYPE = 5,
    AT_FLAGS = 6,
    AT_GENERATION = 8,
    AT_BODY_LEN = 16,
    AT_FACTS_LEN = 24,
    AT_BODY_CRC = 28,
    AT_SUM = 32,
};

void pack_file_encode(const struct pack_file_head *h, char to[static PACK_FILE_HEAD]) {
    memset(to, 0, PACK_FILE_HEAD);
    memcpy(to, FILE_MAGIC, sizeof FILE_MAGIC);
    put_u16(to + 8, FILE_VERSION);
    put_u32(to + 12, h->kind);
    put_u64(to + 16, h->number);
    put_u64(to + 24, h->generation);
    put_u64(to + 32, (uint64_t)h->created);
    put_u32(to + 60, crc32c(0, slice_of(to, 60)));
}

int pack_file_decode(struct slice bytes, struct pack_file_head *ret) {
    if (bytes.len < PACK_FILE_HEAD || memcmp(bytes.ptr, FILE_MAGIC, sizeof FILE_MAGIC) != 0)
        return -E_CORRUPT;
    if (get_u32(bytes.ptr + 60) != crc32c(0, slice_first(bytes, 60)))
        return -E_CORRUPT;
    if (get_u16(bytes.ptr + 8) != FILE_VERSION)
        return -E_VERSION;
    struct pack_file_head h = {
        .kind = get_u32(bytes.ptr + 12),
        .number = get_u64(bytes.ptr + 16),
        .generation = get_u64(bytes.ptr + 24),
        .created = (usec_t)get_u64(bytes.ptr + 32),
    };
    if (h.generation == 0)
        return -E_CORRUPT;
    *ret = h;
    return 0;
}

uint64_t pack_record_len(const struct pack_record *r) {
    return PACK_HEAD + r->facts.len + r->body_len + PACK_END;
}

uint32_t pack_frame_sum(const struct pack_frame *f) {
    return get_u32(f->head + AT_SUM);
}

void pack_frame(uint64_t generation, const struct pack_record *r, struct pack_frame *ret) {
    MUST(generation != 0 && r->facts.len <= PACK_FACTS_MAX && r->body_len <= PACK_BODY_MAX);
    char *head = ret->head;
    put_u32(head + AT_MAGIC, RECORD_MAGIC);
    head[AT_VERSION] = RECORD_VERSION;
    head[AT_TYPE] = (char)r->type;
    put_u16(head + AT_FLAGS, r->flags);
    put_u64(head + AT_GENERATION, generation);
    put_u64(head + AT_BODY_LEN, r->body_len);
    put_u32(head + AT_FACTS_LEN, (uint32_t)r->facts.len);
    put_u32(head + AT_BODY_CRC, r->body_crc);
    uint32_t sum = crc32c(crc32c(0, slice_of(head, AT_SUM)), r->facts);
    put_u32(head + AT_SUM, sum);
    put_u32(ret->end, END_MAGIC);
    put_u32(ret->end + 4, sum);
    put_u64(ret->end + 8, pack_record_len(r));
}

void pack_encode(struct buf *to, uint64_t generation, uint8_t type, uint16_t flags,
                 struct slice facts, struct slice body) {
    struct pack_record r = {.type = type,
                            .flags = flags,
                            .facts = facts,
                            .body_len = body.len,
                            .body_crc = crc32c(0, body)};
    struct pack_frame f;
    pack_frame(generation, &r, &f);
    buf_reserve(to, pack_record_len(&r));
    buf_add_bytes(to, f.head, PACK_HEAD);
    buf_add(to, facts);
    buf_add(to, body);
    buf_add_bytes(to, f.end, PACK_END);
}

int pack_check_head(struct slice bytes, uint64_t generation, struct pack_record *ret) {
    if (bytes.len < PACK_HEAD)
        return -E_EOF;
    const char *head = bytes.ptr;
    uint64_t of = get_u64(head + AT_GENERATION);
    uint32_t facts_len = get_u32(head + AT_FACTS_LEN);
    if (get_u32(head + AT_MAGIC) != RECORD_MAGIC || of == 0 ||
        (generation != 0 && of != generation) || facts_len > PACK_FACTS_MAX)
        return -E_CORRUPT;
    struct pack_record r = {
        .type = (uint8_t)head[AT_TYPE],
        .flags = get_u16(head + AT_FLAGS),
        .facts = slice_first(slice_from(bytes, PACK_HEAD), facts_len),
        .body_len = get_u64(head + AT_BODY_LEN),
        .body_crc = get_u32(head + AT_BODY_CRC),
    };
    if (r.body_len > PACK_BODY_MAX)
        return -E_CORRUPT;
    if (r.facts.len < facts_len)
        return -E_EOF;
    if (get_u32(head + AT_SUM) != crc32c(crc32c(0, slice_of(head, AT_SUM)), r.facts))
        return -E_CORRUPT;
    if ((uint8_t)head[AT_VERSION] != RECORD_VERSION)
        return -E_VERSION;
    *ret = r;
    return 0;
}

bool pack_end_matches(struct slice end, uint32_t sum, uint64_t record_len) {
    return end.len == PACK_END && get_u32(end.ptr) == END_MAGIC && get_u32(end.ptr + 4) == sum &&
           get_u64(end.ptr + 8) == record_len;
}

int pack_check(struct slice bytes, uint64_t generation, struct pack_record *ret,
               struct slice *ret_body) {
    struct pack_record r;
    int error = pack_check_head(bytes, generation, &r);
    if (error)
        return error;
    uint64_t len = pack_record_len(&r);
    if (bytes.len < len)
        return -E_EOF;
    struct slice body = slice_first(slice_from(bytes, PACK_HEAD + r.facts.len), r.body_len);
    struct slice end = slice_first(slice_from(bytes, len - PACK_END), PACK_END);
    if (!pack_end_matches(end, get_u32(bytes.ptr + AT_SUM), len) || crc32c(0, body) != r.body_crc)
        return -E_CORRUPT;
    *ret = r;
    *ret_body = body;
    return 0;
}
