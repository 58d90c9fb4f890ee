/* SPDX-License-Identifier: ISC */
/*
 * The encodings of envelope and state: a version byte, then fields of a tag (1 byte), a length (4)
 * and the value. A text is its bytes, a number is eight. A recipient is a field with the same kind
 * of fields inside. Fields that have their default are left out.
 */
#include "spool/envelope.h"

#include "base/bytes.h"

#define VERSION 1

enum envelope_tag {
    TAG_ARRIVAL = 1,
    TAG_SENDER,
    TAG_BODY_TYPE,
    TAG_RET,
    TAG_SMTPUTF8,
    TAG_REQUIRETLS,
    TAG_ORIGIN,
    TAG_ENVID,
    TAG_LOGIN,
    TAG_HELO,
    TAG_PEER,
    TAG_JOURNEY,
    TAG_EXTRA,
    TAG_RECIPIENT,
};

enum recipient_tag {
    TAG_ADDRESS = 1,
    TAG_ORIGINAL,
    TAG_NOTIFY,
};

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

struct field {
    uint8_t tag;
    struct slice value;
};

/* ------------------------------------------------------------------ writing */

static void put_text(struct buf *to, int tag, struct slice text) {
    if (text.len == 0)
        return;
    buf_add_u8(to, (uint8_t)tag);
    buf_add_u32(to, (uint32_t)text.len);
    buf_add(to, text);
}

static void put_number(struct buf *to, int tag, uint64_t number) {
    if (number == 0)
        return;
    buf_add_u8(to, (uint8_t)tag);
    buf_add_u32(to, sizeof number);
    buf_add_u64(to, number);
}

/* Begins a field with fields inside; put_end() sets its length. */
static size_t put_begin(struct buf *to, int tag) {
    buf_add_u8(to, (uint8_t)tag);
    buf_add_u32(to, 0);
    return to->len;
}

static void put_end(struct buf *to, size_t begin) {
    put_u32(to->ptr + begin - sizeof(uint32_t), (uint32_t)(to->len - begin));
}

static bool fits(struct slice text) {
    return text.len <= SPOOL_TEXT_MAX;
}

static bool envelope_fits(const struct spool_envelope *e) {
    bool ok = e->count <= SPOOL_RECIPIENTS_MAX && fits(e->sender) && fits(e->envid) &&
              fits(e->login) && fits(e->helo) && fits(e->peer) && fits(e->journey) &&
              fits(e->extra);
    for (size_t i = 0; ok && i < e->count; i++)
        ok = fits(e->recipients[i].address) && fits(e->recipients[i].original);
    return ok;
}

int spool_envelope_encode(const struct spool_envelope *e, struct buf *to) {
    if (!envelope_fits(e))
        return -E_LIMIT;
    buf_add_u8(to, VERSION);
    put_number(to, TAG_ARRIVAL, (uint64_t)e->arrival);
    put_text(to, TAG_SENDER, e->sender);
    put_number(to, TAG_BODY_TYPE, e->body_type);
    put_number(to, TAG_RET, e->ret);
    put_number(to, TAG_SMTPUTF8, e->smtputf8);
    put_number(to, TAG_REQUIRETLS, e->requiretls);
    put_number(to, TAG_ORIGIN, e->origin);
    put_text(to, TAG_ENVID, e->envid);
    put_text(to, TAG_LOGIN, e->login);
    put_text(to, TAG_HELO, e->helo);
    put_text(to, TAG_PEER, e->peer);
    put_text(to, TAG_JOURNEY, e->journey);
    put_text(to, TAG_EXTRA, e->extra);
    for (size_t i = 0; i < e->count; i++) {
        size_t begin = put_begin(to, TAG_RECIPIENT);
        put_text(to, TAG_ADDRESS, e->recipients[i].address);
        put_text(to, TAG_ORIGINAL, e->recipients[i].original);
        put_number(to, TAG_NOTIFY, e->recipients[i].notify);
        put_end(to, begin);
    }
    return 0;
}

static bool state_fits(const struct spool_state *s) {
    if (s->count > SPOOL_RECIPIENTS_MAX)
        return false;
    for (size_t i = 0; i < s->count; i++) {
        const struct spool_recipient_state *r = &s->recipients[i];
        bool in_order = i == 0 || r[-1].index < r->index;
        if (!in_order || !fits(r->reply) || !fits(r->extra))
            return false;
    }
    return true;
}

int spool_state_encode(const struct spool_state *s, struct buf *to) {
    if (!state_fits(s))
        return -E_LIMIT;
    buf_add_u8(to, VERSION);
    put_number(to, TAG_HOLD, s->hold);
    put_number(to, TAG_FLAGS, s->flags);
    put_number(to, TAG_NEXT, (uint64_t)s->next);
    for (size_t i = 0; i < s->count; i++) {
        const struct spool_recipient_state *r = &s->recipients[i];
        size_t begin = put_begin(to, TAG_LEFT);
        put_number(to, TAG_INDEX, r->index);
        put_number(to, TAG_STATUS, r->status);
        put_number(to, TAG_LEFT_FLAGS, r->flags);
        put_number(to, TAG_ATTEMPTS, r->attempts);
        put_number(to, TAG_LEFT_NEXT, (uint64_t)r->next);
        put_text(to, TAG_REPLY, r->reply);
        put_text(to, TAG_LEFT_EXTRA, r->extra);
        put_end(to, begin);
    }
    return 0;
}

/* ------------------------------------------------------------------ reading */

static bool next_field(struct reader *r, struct field *ret) {
    if (r->bad || r->rest.len == 0)
        return false;
    ret->tag = read_u8(r);
    ret->value = read_bytes(r, read_u32(r));
    return !r->bad;
}

/* A number of the field, at most `max`; sets `bad` of the reader when it is none. */
static uint64_t number(struct reader *r, const struct field *f, uint64_t max) {
    uint64_t n = f->value.len == sizeof n ? get_u64(f->value.ptr) : UINT64_MAX;
    if (n > max) {
        r->bad = true;
        return 0;
    }
    return n;
}

static struct slice text(struct reader *r, const struct field *f) {
    if (!fits(f->value))
        r->bad = true;
    return f->value;
}

static bool begin_reading(struct slice bytes, struct reader *r) {
    *r = (struct reader){.rest = bytes};
    return read_u8(r) == VERSION;
}

static int decode_recipient(struct slice bytes, struct spool_recipient *ret) {
    struct reader r = {.rest = bytes};
    struct field f;
    *ret = (struct spool_recipient){0};
    while (next_field(&r, &f)) {
        switch (f.tag) {
        case TAG_ADDRESS:
            ret->address = text(&r, &f);
            break;
        case TAG_ORIGINAL:
            ret->original = text(&r, &f);
            break;
        case TAG_NOTIFY:
            ret->notify = (uint8_t)number(&r, &f, UINT8_MAX);
            break;
        default:
            break;
        }
    }
    return r.bad ? -E_SYNTAX : 0;
}

static void decode_envelope_field(struct reader *r, const struct field *f,
                                  struct spool_envelope *e) {
    switch (f->tag) {
    case TAG_ARRIVAL:
        e->arrival = (usec_t)number(r, f, INT64_MAX);
        break;
    case TAG_SENDER:
        e->sender = text(r, f);
        break;
    case TAG_BODY_TYPE:
        e->body_type = (enum spool_body_type)number(r, f, SPOOL_BINARYMIME);
        break;
    case TAG_RET:
        e->ret = (enum spool_ret)number(r, f, SPOOL_RET_HDRS);
        break;
    case TAG_SMTPUTF8:
        e->smtputf8 = number(r, f, 1) == 1;
        break;
    case TAG_REQUIRETLS:
        e->requiretls = number(r, f, 1) == 1;
        break;
    case TAG_ORIGIN:
        e->origin = (uint8_t)number(r, f, UINT8_MAX);
        break;
    case TAG_ENVID:
        e->envid = text(r, f);
        break;
    case TAG_LOGIN:
        e->login = text(r, f);
        break;
    case TAG_HELO:
        e->helo = text(r, f);
        break;
    case TAG_PEER:
        e->peer = text(r, f);
        break;
    case TAG_JOURNEY:
        e->journey = text(r, f);
        break;
    case TAG_EXTRA:
        e->extra = text(r, f);
        break;
    default:
        break;
    }
}

/* Decodes into `ret`; recipients are stored only when `recipients` is given, but always checked. */
static int walk_envelope(struct slice bytes, struct spool_recipient *recipients,
                         struct spool_envelope *ret) {
    struct reader r;
    if (!begin_reading(bytes, &r))
        return -E_SYNTAX;
    struct field f;
    *ret = (struct spool_envelope){.recipients = recipients};
    while (next_field(&r, &f)) {
        if (f.tag != TAG_RECIPIENT) {
            decode_envelope_field(&r, &f, ret);
            continue;
        }
        struct spool_recipient one;
        if (ret->count == SPOOL_RECIPIENTS_MAX || decode_recipient(f.value, &one) < 0)
            return -E_SYNTAX;
        if (recipients)
            recipients[ret->count] = one;
        ret->count++;
    }
    return r.bad ? -E_SYNTAX : 0;
}

int spool_envelope_decode(struct slice bytes, struct arena *a, struct spool_envelope *ret) {
    struct spool_envelope e;
    int error = walk_envelope(bytes, NULL, &e);
    if (error)
        return error;
    struct spool_recipient *recipients = arena_array(a, e.count, sizeof *recipients);
    return walk_envelope(bytes, recipients, ret);
}

int spool_envelope_count(struct slice bytes, usec_t *ret_arrival, uint32_t *ret_recipients) {
    struct spool_envelope e;
    int error = walk_envelope(bytes, NULL, &e);
    if (error)
        return error;
    *ret_arrival = e.arrival;
    *ret_recipients = (uint32_t)e.count;
    return 0;
}

static int decode_left(struct slice bytes, struct spool_recipient_state *ret) {
    struct reader r = {.rest = bytes};
    struct field f;
    *ret = (struct spool_recipient_state){0};
    while (next_field(&r, &f)) {
        switch (f.tag) {
        case TAG_INDEX:
            ret->index = (uint32_t)number(&r, &f, SPOOL_RECIPIENTS_MAX - 1);
            break;
        case TAG_STATUS:
            ret->status = (uint8_t)number(&r, &f, UINT8_MAX);
            break;
        case TAG_LEFT_FLAGS:
            ret->flags = (uint8_t)number(&r, &f, UINT8_MAX);
            break;
        case TAG_ATTEMPTS:
            ret->attempts = (uint32_t)number(&r, &f, UINT32_MAX);
            break;
        case TAG_LEFT_NEXT:
            ret->next = (usec_t)number(&r, &f, INT64_MAX);
            break;
        case TAG_REPLY:
            ret->reply = text(&r, &f);
            break;
        case TAG_LEFT_EXTRA:
            ret->extra = text(&r, &f);
            break;
        default:
            break;
        }
    }
    return r.bad ? -E_SYNTAX : 0;
}

static void decode_state_field(struct reader *r, const struct field *f, struct spool_state *s) {
    switch (f->tag) {
    case TAG_HOLD:
        s->hold = number(r, f, 1) == 1;
        break;
    case TAG_FLAGS:
        s->flags = (uint32_t)number(r, f, UINT32_MAX);
        break;
    case TAG_NEXT:
        s->next = (usec_t)number(r, f, INT64_MAX);
        break;
    default:
        break;
    }
}

static int walk_state(struct slice bytes, size_t recipients, struct spool_recipient_state *left,
                      struct spool_state *ret) {
    struct reader r;
    if (!begin_reading(bytes, &r))
        return -E_SYNTAX;
    struct field f;
    uint32_t least = 0;
    *ret = (struct spool_state){.recipients = left};
    while (next_field(&r, &f)) {
        if (f.tag != TAG_LEFT) {
            decode_state_field(&r, &f, ret);
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

int spool_state_decode(struct slice bytes, size_t recipients, struct arena *a,
                       struct spool_state *ret) {
    struct spool_state s;
    int error = walk_state(bytes, recipients, NULL, &s);
    if (error)
        return error;
    struct spool_recipient_state *left = arena_array(a, s.count, sizeof *left);
    return walk_state(bytes, recipients, left, ret);
}

int spool_state_summary(struct slice bytes, size_t recipients, struct spool_state *ret) {
    return walk_state(bytes, recipients, NULL, ret);
}
