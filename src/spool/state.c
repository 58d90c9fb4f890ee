/* SPDX-License-Identifier: ISC */
#include "spool/state.h"

#include "base/fields.h"
#include "message/envelope.h"

#define VERSION 1

enum state_tag {
    TAG_HOLD = 1,
    TAG_FLAGS,
    TAG_NEXT,
    TAG_LEFT, /* one recipient */
};

enum left_tag {
    TAG_INDEX = 1,
    TAG_STATUS,
    TAG_LEFT_FLAGS,
    TAG_ATTEMPTS,
    TAG_LEFT_NEXT,
    TAG_REPLY,
    TAG_LEFT_EXTRA,
};

/* ------------------------------------------------------------------ writing */

static bool fits(const struct spool_state *s) {
    if (s->count > ENVELOPE_RECIPIENTS_MAX)
        return false;
    for (size_t i = 0; i < s->count; i++) {
        const struct spool_recipient_state *r = &s->recipients[i];
        bool in_order = i == 0 || r[-1].index < r->index;
        if (!in_order || r->reply.len > SPOOL_TEXT_MAX || r->extra.len > SPOOL_TEXT_MAX)
            return false;
    }
    return true;
}

int spool_state_encode(const struct spool_state *s, struct buf *to) {
    if (!fits(s))
        return -E_LIMIT;
    buf_add_u8(to, VERSION);
    field_put_number(to, TAG_HOLD, s->hold);
    field_put_number(to, TAG_FLAGS, s->flags);
    field_put_number(to, TAG_NEXT, (uint64_t)s->next);
    for (size_t i = 0; i < s->count; i++) {
        const struct spool_recipient_state *r = &s->recipients[i];
        size_t begin = field_begin(to, TAG_LEFT);
        field_put_number(to, TAG_INDEX, r->index);
        field_put_number(to, TAG_STATUS, r->status);
        field_put_number(to, TAG_LEFT_FLAGS, r->flags);
        field_put_number(to, TAG_ATTEMPTS, r->attempts);
        field_put_number(to, TAG_LEFT_NEXT, (uint64_t)r->next);
        field_put_text(to, TAG_REPLY, r->reply);
        field_put_text(to, TAG_LEFT_EXTRA, r->extra);
        field_end(to, begin);
    }
    return 0;
}

/* ------------------------------------------------------------------ reading */

static int decode_left(struct slice bytes, struct spool_recipient_state *ret) {
    struct reader r = {.rest = bytes};
    struct field f;
    *ret = (struct spool_recipient_state){0};
    while (field_next(&r, &f)) {
        switch (f.tag) {
        case TAG_INDEX:
            ret->index = (uint32_t)field_number(&r, &f, ENVELOPE_RECIPIENTS_MAX - 1);
            break;
        case TAG_STATUS:
            ret->status = (uint8_t)field_number(&r, &f, UINT8_MAX);
            break;
        case TAG_LEFT_FLAGS:
            ret->flags = (uint8_t)field_number(&r, &f, UINT8_MAX);
            break;
        case TAG_ATTEMPTS:
            ret->attempts = (uint32_t)field_number(&r, &f, UINT32_MAX);
            break;
        case TAG_LEFT_NEXT:
            ret->next = (usec_t)field_number(&r, &f, INT64_MAX);
            break;
        case TAG_REPLY:
            ret->reply = field_text(&r, &f, SPOOL_TEXT_MAX);
            break;
        case TAG_LEFT_EXTRA:
            ret->extra = field_text(&r, &f, SPOOL_TEXT_MAX);
            break;
        default:
            break;
        }
    }
    return r.bad ? -E_SYNTAX : 0;
}

static void decode_field(struct reader *r, const struct field *f, struct spool_state *s) {
    switch (f->tag) {
    case TAG_HOLD:
        s->hold = field_number(r, f, 1) == 1;
        break;
    case TAG_FLAGS:
        s->flags = (uint32_t)field_number(r, f, UINT32_MAX);
        break;
    case TAG_NEXT:
        s->next = (usec_t)field_number(r, f, INT64_MAX);
        break;
    default:
        break;
    }
}

/* Decodes into `ret`; recipients are stored only when `left` is given, but always checked. */
static int walk(struct slice bytes, size_t recipients, struct spool_recipient_state *left,
                struct spool_state *ret) {
    struct reader r = {.rest = bytes};
    struct field f;
    uint32_t least = 0;
    *ret = (struct spool_state){.recipients = left};
    if (read_u8(&r) != VERSION)
        return -E_SYNTAX;
    while (field_next(&r, &f)) {
        if (f.tag != TAG_LEFT) {
            decode_field(&r, &f, ret);
            continue;
        }
        struct spool_recipient_state one;
        if (decode_left(f.value, &one) < 0 || one.index < least || one.index >= recipients)
            return -E_SYNTAX;
        least = one.index + 1;
        if (left)
            left[ret->count] = one;
        ret->count++;
    }
    return r.bad ? -E_SYNTAX : 0;
}

int spool_state_summary(struct slice bytes, size_t recipients, struct spool_state *ret) {
    return walk(bytes, recipients, NULL, ret);
}

int spool_state_decode(struct slice bytes, size_t recipients, struct arena *a,
                       struct spool_state *ret) {
    struct spool_state s;
    int error = walk(bytes, recipients, NULL, &s);
    if (error)
        return error;
    return walk(bytes, recipients, arena_array(a, s.count, sizeof *s.recipients), ret);
}
