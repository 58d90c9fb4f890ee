/* SPDX-License-Identifier: ISC */
/*
 * A body goes through up to five steps, each of which takes pieces: out of the transfer encoding,
 * text out of HTML, out of the character set, character references, folding. What stands in a
 * multipart before its first part is held back until it is known whether there is one.
 */
#include "search/texts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/eight.h"
#include "base/encode.h"
#include "base/error.h"
#include "message/charset/charset.h"
#include "message/header.h"
#include "message/mime/html.h"
#include "message/mime/transfer.h"
#include "message/unicode/text_fold.h"
#include "message/words.h"

#define STEP         16384U /* bytes that go through all steps at a time */
#define PREAMBLE_MAX 65536U /* a longer one is a text that somebody may have meant */
#define REFERENCE_HELD                                                                             \
    32U /* of a character reference that is cut: none that is known is longer                      \
         */

struct squeeze {
    bool blank;    /* one has come, and waits for what follows it */
    bool unspaced; /* the character before it is of a script without blanks */
};

/* A text on its way. */
struct flow {
    struct transfer transfer;
    struct charset_reader charset;
    struct html_text html;
    struct text_fold fold;
    struct squeeze squeeze;
    bool is_html, is_wide; /* wide: HTML in UTF-16 or UTF-32 is decoded before it is read */
};

#define MESSAGES 2048U /* the scan gives fewer parts */

struct search_texts {
    const struct search_texts_sink *sink;
    void *arg;
    struct mime_scan *scan;
    struct arena arena;

    uint64_t messages[MESSAGES / 64]; /* a bit for each part that has a message in it */
    unsigned part;                    /* whose body is taken; NOBODY: none */
    bool preamble;                    /* it is a multipart: its body is held */
    uint64_t begin;                   /* offset of its body */
    struct buf held;
    struct flow flow;
    struct buf decoded, shown, text, plain, folded, value;
};
#define NOBODY UINT32_MAX

/* ------------------------------------------------------------------ folding */

/* Kanji, kana, and their signs: no blanks stand between words of these. `s` is not empty. */
static bool is_unspaced(struct slice s) {
    uint32_t c = 0;
    return (uint8_t)s.ptr[0] >= 0xe2 && utf8_decode(s, &c) > 0 &&
           ((c >= 0x2e80 && c < 0x3130) || (c >= 0x31a0 && c < 0xa000) ||
            (c >= 0xf900 && c < 0xfb00) || (c >= 0x20000 && c < 0x40000));
}

static bool ends_unspaced(struct slice s) {
    size_t at = s.len - 1;
    while (at > 0 && ((uint8_t)s.ptr[at] & 0xc0) == 0x80)
        at--;
    return is_unspaced(slice_from(s, at));
}

/* Whether eight bytes stay as they are, and no blank is at their end: ASCII with single spaces. */
static bool is_squeezed(uint64_t bytes) {
    uint64_t spaces = eight_equal(bytes, ' ');
    return (eight_wide(bytes) | eight_below(bytes, ' ') | (spaces & spaces << 8) | spaces >> 63) ==
           0;
}

/* Of what stands in `to` from `from` on: a run of blanks becomes one, and none between characters
 * of scripts without blanks. What is at the end waits for more, or for squeeze_end(). */
static void squeeze(struct squeeze *s, struct buf *to, size_t from) {
    if (to->len == from)
        return;
    if (s->blank) { /* the one that waits stands in front again */
        buf_add_byte(to, ' ');
        memmove(to->ptr + from + 1, to->ptr + from, to->len - from - 1);
        to->ptr[from] = ' ';
        s->blank = false;
    }
    char *begin = to->ptr + from, *out = begin;
    for (size_t i = from; i < to->len; i++) {
        char c = to->ptr[i];
        if ((uint8_t)c < 0x80 && !s->blank && to->len - i >= 8 &&
            is_squeezed(get_u64(to->ptr + i))) {
            put_u64(out, get_u64(to->ptr + i));
            out += 8;
            i += 7;
            continue;
        }
        if (ascii_is_space(c)) {
            if (!s->blank && out > begin)
                s->unspaced = ends_unspaced(slice_of(begin, (size_t)(out - begin)));
            s->blank = true;
            continue;
        }
        if (s->blank && !(s->unspaced && is_unspaced(slice_from(buf_slice(to), i))))
            *out++ = ' ';
        s->blank = false;
        *out++ = c;
    }
    if (!s->blank)
        s->unspaced = ends_unspaced(slice_of(begin, (size_t)(out - begin)));
    to->len = (size_t)(out - to->ptr);
}

static void squeeze_end(struct squeeze *s, struct buf *to) {
    if (s->blank)
        buf_add_byte(to, ' ');
    *s = (struct squeeze){0};
}

void search_fold(struct slice utf8, struct buf *to) {
    struct text_fold fold = {0};
    struct squeeze s = {0};
    size_t from = to->len;
    text_fold_add(&fold, utf8, to);
    text_fold_end(&fold, to);
    squeeze(&s, to, from);
    squeeze_end(&s, to);
}

void search_fold_needle(struct slice utf8, struct buf *to) {
    _cleanup_(buf_done) struct buf folded = {0};
    search_fold(utf8, &folded);
    struct slice s = buf_slice(&folded);
    if (slice_starts(s, S(" ")) && (s.len == 1 || is_unspaced(slice_from(s, (size_t)1))))
        s = slice_from(s, (size_t)1);
    if (slice_ends(s, S(" ")) && ends_unspaced(slice_first(s, s.len - 1)))
        s.len--;
    buf_add(to, s);
}

/* ------------------------------------------------------------------ people */

/* `begun`: something stands before it in the list. */
static void add_listed(const struct listed *a, bool *begun, struct buf *to) {
    if (a->kind == LISTED_GROUP_END) {
        buf_add_byte(to, ';');
        return;
    }
    if (*begun)
        buf_add_str(to, ", ");
    *begun = a->kind == LISTED_ADDRESS;
    words_decode(to, a->name);
    if (a->kind == LISTED_GROUP) {
        buf_add_str(to, ": ");
        return;
    }
    buf_add_str(to, a->name.len > 0 ? " <" : "");
    words_decode(to, a->local);
    buf_add_str(to, a->host.len > 0 ? "@" : "");
    words_decode(to, a->host);
    buf_add_str(to, a->name.len > 0 ? ">" : "");
}

void search_people(struct slice list, struct buf *to) {
    bool begun = false;
    for (struct listed a; message_map_address_next(&list, &a);)
        add_listed(&a, &begun, to);
}

struct people {
    struct buf *to;
    bool begun;
};
static void add_person(void *arg, const struct listed *a) {
    struct people *p = arg;
    add_listed(a, &p->begun, p->to);
}

static void take_people(struct search_texts *t, struct slice name, struct slice value) {
    static const struct {
        struct slice name;
        enum search_field field;
    } fields[] = {
        {{"From", 4}, SEARCH_FROM},
        {{"To", 2}, SEARCH_TO},
        {{"Cc", 2}, SEARCH_CC},
        {{"Bcc", 3}, SEARCH_BCC},
    };
    for (size_t i = 0; t->sink->people && i < ARRAY_SIZE(fields); i++) {
        if (!slice_eq_nocase(name, fields[i].name))
            continue;
        struct people people = {.to = &t->value};
        buf_clear(&t->value);
        buf_clear(&t->folded);
        address_list_read(value, add_person, &people);
        search_fold(buf_slice(&t->value), &t->folded);
        t->sink->people(t->arg, fields[i].field, buf_slice(&t->folded));
    }
}

/* ------------------------------------------------------------------ short texts */

/* A text of the body that is there as a whole, in UTF-8. */
static void give_short(struct search_texts *t, struct slice utf8) {
    if (!t->sink->body || utf8.len == 0)
        return;
    buf_clear(&t->folded);
    search_fold(utf8, &t->folded);
    t->sink->body(t->arg, buf_slice(&t->folded));
    t->sink->body_end(t->arg);
}

/* RFC 2231 §4: charset'language'text with %XX; without that what many send, encoded words. */
static void give_parameter(struct search_texts *t, const struct mime_parameter *p) {
    struct slice rest = p->value, charset, language;
    buf_clear(&t->value);
    if (!slice_ends(p->name, S("*")) || !slice_next(&rest, '\'', &charset) ||
        !slice_next(&rest, '\'', &language)) {
        words_decode(&t->value, p->value);
        give_short(t, buf_slice(&t->value));
        return;
    }
    buf_clear(&t->decoded);
    for (size_t i = 0; i < rest.len; i++) {
        int high = rest.len - i > 2 ? hex_value(rest.ptr[i + 1]) : -1;
        int low = rest.len - i > 2 ? hex_value(rest.ptr[i + 2]) : -1;
        bool coded = rest.ptr[i] == '%' && high >= 0 && low >= 0;
        char octet = rest.ptr[i];
        if (coded)
            octet = (char)((unsigned)high << 4 | (unsigned)low);
        buf_add_byte(&t->decoded, octet);
        i += coded ? 2 : 0;
    }
    charset_decode(&t->value, MAX(charset_find(charset), CHARSET_UNLABELLED),
                   buf_slice(&t->decoded));
    give_short(t, buf_slice(&t->value));
}

/* The names of a file that a part is to have. */
static void give_names(struct search_texts *t, const struct mime_value *v) {
    for (size_t i = 0; i < v->count; i++) {
        struct slice name = v->parameters[i].name;
        if (slice_ends(name, S("*")))
            name.len--;
        if (slice_eq_nocase(name, S("name")) || slice_eq_nocase(name, S("filename")))
            give_parameter(t, &v->parameters[i]);
    }
}

/* ------------------------------------------------------------------ headers */

static void give_line(struct search_texts *t, bool of_part, struct slice name, struct slice value) {
    if (!t->sink->line)
        return;
    buf_clear(&t->folded);
    search_fold(name, &t->folded);
    buf_add_str(&t->folded, ": ");
    size_t at = t->folded.len;
    search_fold(value, &t->folded);
    struct slice line = buf_slice(&t->folded);
    t->sink->line(t->arg, of_part, name, line, slice_from(line, at));
}

/* One field. `nested`: it is of a message within this one, else of this message or of a part. */
static void take_field(struct search_texts *t, const struct mime_part *part, bool nested,
                       const struct header_field *f) {
    _cleanup_(buf_done) struct buf decoded = {0};
    struct slice value = header_unfold(&t->arena, f->raw);
    words_decode(&decoded, value);
    give_line(t, part->number > 0, f->name, buf_slice(&decoded));
    if (part->number == 0)
        take_people(t, f->name, value);
    if (nested) {
        struct buf line = {0};
        buf_add(&line, f->name);
        buf_add_str(&line, ": ");
        buf_add(&line, buf_slice(&decoded));
        give_short(t, buf_slice(&line));
        buf_done(&line);
    }
    if (header_is(f, S("Content-Description")) && !nested)
        give_short(t, buf_slice(&decoded));
    if (header_is(f, S("Content-Disposition"))) {
        struct mime_value v = mime_value_read(&t->arena, value);
        give_names(t, &v);
    }
}

/* ------------------------------------------------------------------ bodies */

static void give_folded(struct search_texts *t, bool more) {
    squeeze(&t->flow.squeeze, &t->folded, 0);
    if (!more)
        squeeze_end(&t->flow.squeeze, &t->folded);
    if (t->folded.len > 0 && t->sink->body)
        t->sink->body(t->arg, buf_slice(&t->folded));
    buf_clear(&t->folded);
}

/* HTML: the end of what was read may be the beginning of a character reference, and stays. */
static struct slice take_references(struct search_texts *t, bool more) {
    struct slice all = buf_slice(&t->text), whole = all;
    ssize_t at = slice_rfind_byte(all, '&');
    if (more && at >= 0 && all.len - (size_t)at < REFERENCE_HELD &&
        slice_find_byte(slice_from(all, (size_t)at), ';') < 0)
        whole = slice_first(all, (size_t)at);
    buf_clear(&t->plain);
    html_unescape(&t->plain, whole);
    buf_drop(&t->text, whole.len);
    return buf_slice(&t->plain);
}

/* What has come out of the character set. */
static void take_text(struct search_texts *t, bool more) {
    struct flow *f = &t->flow;
    struct slice text = f->is_html ? take_references(t, more) : buf_slice(&t->text);
    text_fold_add(&f->fold, text, &t->folded);
    if (!f->is_html)
        buf_clear(&t->text);
    if (!more)
        text_fold_end(&f->fold, &t->folded);
    give_folded(t, more);
}

/* Decoded octets of a body. */
static void take_octets(struct search_texts *t, struct slice octets) {
    struct flow *f = &t->flow;
    buf_clear(&t->shown);
    if (f->is_html && f->is_wide) {
        charset_reader_add(&f->charset, octets, &t->shown);
        html_text_take(&f->html, buf_slice(&t->shown), &t->text);
    } else if (f->is_html) {
        html_text_take(&f->html, octets, &t->shown);
        charset_reader_add(&f->charset, buf_slice(&t->shown), &t->text);
    } else {
        charset_reader_add(&f->charset, octets, &t->text);
    }
    take_text(t, true);
}

static void begin_flow(struct search_texts *t, const struct mime_value *type,
                       enum mime_encoding encoding) {
    struct slice charset = type ? mime_parameter(type, S("charset")) : S("");
    struct flow *f = &t->flow;
    *f = (struct flow){.transfer = {.encoding = encoding}};
    charset_reader_init(&f->charset, MAX(charset_find(charset), CHARSET_UNLABELLED), true);
    f->is_html = type && (slice_eq_nocase(type->minor, S("html")) ||
                          slice_eq_nocase(type->minor, S("xhtml+xml")));
    f->is_wide =
        slice_starts_nocase(charset, S("utf-16")) || slice_starts_nocase(charset, S("utf-32"));
    buf_clear(&t->text);
    buf_clear(&t->folded);
}

static void end_flow(struct search_texts *t) {
    struct flow *f = &t->flow;
    buf_clear(&t->decoded);
    transfer_end(&f->transfer, &t->decoded);
    take_octets(t, buf_slice(&t->decoded));
    buf_clear(&t->shown);
    charset_reader_end(&f->charset, f->is_html && f->is_wide ? &t->shown : &t->text);
    if (t->shown.len > 0)
        html_text_take(&f->html, buf_slice(&t->shown), &t->text);
    take_text(t, false);
    charset_reader_done(&f->charset);
    if (t->sink->body_end)
        t->sink->body_end(t->arg);
}

static void take_body(struct search_texts *t, struct slice bytes) {
    for (struct slice piece; bytes.len > 0; bytes = slice_from(bytes, piece.len)) {
        piece = slice_first(bytes, STEP);
        buf_clear(&t->decoded);
        transfer_take(&t->flow.transfer, piece, &t->decoded);
        take_octets(t, buf_slice(&t->decoded));
    }
}

/* What was held is a text after all. */
static void release_preamble(struct search_texts *t) {
    begin_flow(t, NULL, MIME_PLAIN);
    t->preamble = false;
    take_body(t, buf_slice(&t->held));
    buf_done(&t->held);
}

/* ------------------------------------------------------------------ what the scan finds */

static bool wants(void *arg, struct slice name) {
    struct search_texts *t = arg;
    return !t->sink->wants || t->sink->wants(t->arg, name);
}

/* A part begins: what was taken has ended. */
static void leave(struct search_texts *t, const struct mime_part *next) {
    bool made = next && next->header == next->body && next->body == t->begin &&
                next->parent == t->part && next->number > 0;
    if (t->part == NOBODY)
        return;
    if (t->preamble && made)
        release_preamble(t);
    if (!t->preamble)
        end_flow(t);
    t->preamble = false;
    t->part = NOBODY;
    buf_done(&t->held);
}

static void on_header(void *arg, const struct mime_part *part, struct slice fields) {
    struct search_texts *t = arg;
    struct header_cursor c = {.message = fields};
    bool multipart = part->kind == MIME_MULTIPART;
    bool text = part->kind == MIME_LEAF && (slice_eq_nocase(part->type.major, S("text")) ||
                                            slice_eq_nocase(part->type.minor, S("xhtml+xml")));
    bool nested = part->number > 0 && t->messages[part->parent / 64] >> part->parent % 64 & 1;
    leave(t, part);
    MUST(part->number < MESSAGES);
    if (part->kind == MIME_MESSAGE)
        t->messages[part->number / 64] |= (uint64_t)1 << part->number % 64;
    for (struct header_field f; header_next(&c, &f);) {
        arena_reset(&t->arena);
        take_field(t, part, nested, &f);
    }
    give_names(t, &part->type);
    if (part->number == 0 && t->sink->header_end)
        t->sink->header_end(t->arg);
    if (!t->sink->body || (!text && !multipart))
        return;
    t->part = part->number;
    t->begin = part->body;
    t->preamble = multipart;
    if (text)
        begin_flow(t, &part->type, part->encoding);
}

static void on_body(void *arg, const struct mime_part *part, struct slice bytes) {
    struct search_texts *t = arg;
    if (part->number != t->part)
        return;
    if (t->preamble && t->held.len + bytes.len > PREAMBLE_MAX)
        release_preamble(t);
    if (t->preamble)
        buf_add(&t->held, bytes);
    else
        take_body(t, bytes);
}

/* ------------------------------------------------------------------ the whole */

static const struct mime_sink sink_of_scan = {wants, on_header, on_body, NULL};

struct search_texts *search_texts_new(const struct search_texts_sink *sink, void *arg) {
    struct search_texts *t = NEW(struct search_texts);
    t->sink = sink;
    t->arg = arg;
    t->part = NOBODY;
    return t;
}

void search_texts_drop(struct search_texts *t) {
    mime_scan_free(TAKE_PTR(t->scan));
    if (t->part != NOBODY && !t->preamble)
        charset_reader_done(&t->flow.charset);
    buf_done(&t->held);
    memset(t->messages, 0, sizeof t->messages);
    t->part = NOBODY;
    t->preamble = false;
}

void search_texts_free(struct search_texts *t) {
    search_texts_drop(t);
    arena_done(&t->arena);
    buf_done(&t->decoded);
    buf_done(&t->shown);
    buf_done(&t->text);
    buf_done(&t->plain);
    buf_done(&t->folded);
    buf_done(&t->value);
    free(t);
}

void search_texts_feed(struct search_texts *t, struct slice piece) {
    if (!t->scan)
        t->scan = mime_scan_new(&sink_of_scan, t);
    mime_scan_feed(t->scan, piece);
}

void search_texts_end(struct search_texts *t) {
    if (!t->scan)
        t->scan = mime_scan_new(&sink_of_scan, t);
    mime_scan_end(t->scan);
    leave(t, NULL);
    search_texts_drop(t);
}
