/* SPDX-License-Identifier: ISC */
#include "message/envelope.h"

#include "base/fields.h"

#define VERSION 1

/* 6 and 12 were used once. */
enum envelope_tag {
    TAG_ARRIVAL = 1,
    TAG_REVERSE_PATH = 2,
    TAG_BODY_TYPE = 3,
    TAG_RET = 4,
    TAG_SMTPUTF8 = 5, /* read only: part of the shape now */
    TAG_ORIGIN = 7,
    TAG_ENVID = 8,
    TAG_LOGIN = 9,
    TAG_HELO = 10,
    TAG_PEER = 11,
    TAG_EXTRA = 13,
    TAG_RECIPIENT = 14,
    TAG_SHAPE = 15,
    TAG_VERDICT = 16,
};

enum recipient_tag {
    TAG_ADDRESS = 1,
    TAG_ORIGINAL,
    TAG_NOTIFY,
};

/* ------------------------------------------------------------------ writing */

static bool fits(struct slice text) {
    return text.len <= ENVELOPE_TEXT_MAX;
}

int envelope_encode(const struct envelope *e, struct buf *to) {
    size_t before = to->len;
    bool ok = e->count <= ENVELOPE_RECIPIENTS_MAX && fits(e->reverse_path) && fits(e->envid) &&
              fits(e->login) && fits(e->helo) && fits(e->peer) && fits(e->extra);
    buf_add_u8(to, VERSION);
    field_put_number(to, TAG_ARRIVAL, (uint64_t)e->arrival);
    field_put_text(to, TAG_REVERSE_PATH, e->reverse_path);
    field_put_number(to, TAG_BODY_TYPE, e->body_type);
    field_put_number(to, TAG_RET, e->ret);
    field_put_number(to, TAG_ORIGIN, e->origin);
    field_put_text(to, TAG_ENVID, e->envid);
    field_put_text(to, TAG_LOGIN, e->login);
    field_put_text(to, TAG_HELO, e->helo);
    field_put_text(to, TAG_PEER, e->peer);
    field_put_text(to, TAG_EXTRA, e->extra);
    field_put_number(to, TAG_SHAPE, e->shape);
    field_put_number(to, TAG_VERDICT, e->verdict);
    for (size_t i = 0; ok && i < e->count; i++) {
        const struct recipient *r = &e->recipients[i];
        ok = fits(r->address) && fits(r->original);
        size_t begin = field_begin(to, TAG_RECIPIENT);
        field_put_text(to, TAG_ADDRESS, r->address);
        field_put_text(to, TAG_ORIGINAL, r->original);
        field_put_number(to, TAG_NOTIFY, r->notify);
        field_end(to, begin);
    }
    if (ok)
        return 0;
    to->len = before;
    return -E_LIMIT;
}

/* ------------------------------------------------------------------ reading */

static int decode_recipient(struct slice bytes, struct recipient *ret) {
    struct reader r = {.rest = bytes};
    struct field f;
    *ret = (struct recipient){0};
    while (field_next(&r, &f)) {
        switch (f.tag) {
        case TAG_ADDRESS:
            ret->address = field_text(&r, &f, ENVELOPE_TEXT_MAX);
            break;
        case TAG_ORIGINAL:
            ret->original = field_text(&r, &f, ENVELOPE_TEXT_MAX);
            break;
        case TAG_NOTIFY:
            ret->notify = (uint8_t)field_number(&r, &f, UINT8_MAX);
            break;
        default:
            break;
        }
    }
    return r.bad ? -E_SYNTAX : 0;
}

static void decode_field(struct reader *r, const struct field *f, struct envelope *e) {
    struct slice *text = f->tag == TAG_REVERSE_PATH ? &e->reverse_path
                         : f->tag == TAG_ENVID      ? &e->envid
                         : f->tag == TAG_LOGIN      ? &e->login
                         : f->tag == TAG_HELO       ? &e->helo
                         : f->tag == TAG_PEER       ? &e->peer
                         : f->tag == TAG_EXTRA      ? &e->extra
                                                    : NULL;
    if (text) {
        *text = field_text(r, f, ENVELOPE_TEXT_MAX);
        return;
    }
    switch (f->tag) {
    case TAG_ARRIVAL:
        e->arrival = (usec_t)field_number(r, f, INT64_MAX);
        break;
    case TAG_BODY_TYPE:
        e->body_type = (enum body_type)field_number(r, f, BODY_TYPE_BINARYMIME);
        break;
    case TAG_RET:
        e->ret = (enum dsn_return)field_number(r, f, RETURN_HEADERS);
        break;
    case TAG_SMTPUTF8:
        e->shape |= field_number(r, f, 1) == 1 ? SHAPE_UTF8 : 0;
        break;
    case TAG_ORIGIN:
        e->origin = (uint8_t)field_number(r, f, UINT8_MAX);
        break;
    case TAG_VERDICT:
        e->verdict = (uint8_t)field_number(r, f, UINT8_MAX);
        break;
    case TAG_SHAPE:
        e->shape |= (uint32_t)field_number(r, f, UINT32_MAX);
        break;
    default:
        break;
    }
}

/* Decodes into `ret`; recipients are stored only when `recipients` is given, but always checked. */
static int walk(struct slice bytes, struct recipient *recipients, struct envelope *ret) {
    struct reader r = {.rest = bytes};
    struct field f;
    *ret = (struct envelope){.recipients = recipients};
    if (read_u8(&r) != VERSION)
        return -E_SYNTAX;
    while (field_next(&r, &f)) {
        if (f.tag != TAG_RECIPIENT) {
            decode_field(&r, &f, ret);
            continue;
        }
        struct recipient one;
        if (ret->count == ENVELOPE_RECIPIENTS_MAX || decode_recipient(f.value, &one) < 0)
            return -E_SYNTAX;
        if (recipients)
            recipients[ret->count] = one;
        ret->count++;
    }
    return r.bad ? -E_SYNTAX : 0;
}

int envelope_summary(struct slice bytes, struct envelope *ret) {
    return walk(bytes, NULL, ret);
}

int envelope_decode(struct slice bytes, struct arena *a, struct envelope *ret) {
    struct envelope e;
    int error = walk(bytes, NULL, &e);
    if (error)
        return error;
    return walk(bytes, arena_array(a, e.count, sizeof *e.recipients), ret);
}

/* ------------------------------------------------------------------ NOTIFY */

void notify_print(struct buf *to, unsigned notify) {
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {{NOTIFY_NEVER, "NEVER"},
                 {NOTIFY_SUCCESS, "SUCCESS"},
                 {NOTIFY_FAILURE, "FAILURE"},
                 {NOTIFY_DELAY, "DELAY"}};
    const char *comma = "";
    if (notify & NOTIFY_NEVER)
        notify = NOTIFY_NEVER;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!(notify & words[i].bit))
            continue;
        buf_add_str(to, comma);
        buf_add_str(to, words[i].word);
        comma = ",";
    }
}
