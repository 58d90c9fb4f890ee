/* SPDX-License-Identifier: ISC */
/*
 * The values of fields that go into a map, and what reads bodies for it: the first byte says what
 * is read, and how the rest is cut.
 */
#include "base/encode.h"
#include "base/error.h"
#include "message/address/address_list.h"
#include "message/date.h"
#include "message/map/subject.h"
#include "message/mime/html.h"
#include "message/mime/mime_value.h"
#include "message/mime/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void count_groups(void *arg, const struct listed *a) {
    int *open = arg;
    *open += a->kind == LISTED_GROUP ? 1 : a->kind == LISTED_GROUP_END ? -1 : 0;
    MUST(*open == 0 || *open == 1);
}

static void read_value(struct slice value) {
    _cleanup_(arena_done) struct arena a = {0};
    _cleanup_(buf_done) struct buf subject = {0};
    struct mime_value v = mime_value_read(&a, value);
    uint64_t ids[5];
    usec_t date;
    int open = 0;
    MUST(v.count <= MIME_PARAMETERS_MAX);
    for (size_t i = 0; i < v.count; i++)
        MUST(v.parameters[i].name.len > 0 && v.parameters[i].value.len <= 3 * value.len);
    address_list_read(value, count_groups, &open);
    MUST(open == 0);
    (void)date_read(value, &date);
    MUST(message_ids_read(value, ids, ARRAY_SIZE(ids)) <= ARRAY_SIZE(ids));
    (void)subject_base(&subject, value);
    MUST(utf8_valid(buf_slice(&subject)));
}

static void read_body(struct slice text, enum mime_encoding encoding, size_t feed) {
    _cleanup_(buf_done) struct buf whole = {0}, pieces = {0};
    struct transfer one = {.encoding = encoding}, other = one, counted = one;
    transfer_take(&one, text, &whole);
    transfer_end(&one, &whole);
    transfer_take(&counted, text, NULL);
    transfer_end(&counted, NULL);
    for (; text.len > 0; text = slice_from(text, feed))
        transfer_take(&other, slice_first(text, feed), &pieces);
    transfer_end(&other, &pieces);
    MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)) && counted.size == whole.len);
}

static void read_html(struct slice text, bool visible, size_t feed) {
    _cleanup_(buf_done) struct buf whole = {0}, pieces = {0}, unescaped = {0};
    struct html_text one = {.visible = visible}, other = one;
    html_text_take(&one, text, &whole);
    for (struct slice rest = text; rest.len > 0; rest = slice_from(rest, feed))
        html_text_take(&other, slice_first(rest, feed), &pieces);
    MUST(slice_eq(buf_slice(&whole), buf_slice(&pieces)));
    html_unescape(&unescaped, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    struct slice text = slice_from(slice_of(bytes, len), 1);
    unsigned choice = len > 0 ? bytes[0] : 0;
    size_t feed = 1 + choice / 5 % 8;
    switch (choice % 5) {
    case 0:
        read_value(text);
        break;
    case 1:
        read_body(text, MIME_BASE64, feed);
        break;
    case 2:
        read_body(text, MIME_QUOTED_PRINTABLE, feed);
        break;
    default:
        read_html(text, choice % 5 == 3, feed);
    }
    return 0;
}
