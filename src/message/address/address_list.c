/* SPDX-License-Identifier: ISC */
/*
 * Whether words are a name or an address is known only behind them, so they are kept as both:
 * `phrase` has them with their blanks, `spec` those that dots and "@" connect, without. A word that
 * nothing connects with the last one begins `spec` again.
 */
#include "message/address/address_list.h"

#include "base/buf.h"
#include "message/cfws.h"

struct list {
    struct slice rest;
    void (*each)(void *arg, const struct listed *listed);
    void *arg;
    bool in_group;

    struct buf phrase, spec, route;
    struct slice comment;
    size_t words;  /* of the phrase, before what is in `spec` too */
    ssize_t at;    /* of "@" in `spec` */
    bool any;      /* something was written */
    bool spaced;   /* blanks or comments stand before the next token */
    bool joined;   /* the last token was a dot or "@": the next belongs to it */
    bool angle;    /* between < and > */
    bool closed;   /* behind > */
    bool in_route; /* in front of the ":" in it */
};

static void begin(struct list *l) {
    buf_clear(&l->phrase);
    buf_clear(&l->spec);
    buf_clear(&l->route);
    l->comment = S("");
    l->words = 0;
    l->at = -1;
    l->any = l->spaced = l->joined = l->angle = l->closed = l->in_route = false;
}

static void end(struct list *l) {
    struct slice spec = buf_slice(&l->spec), phrase = buf_slice(&l->phrase);
    struct listed found = {.route = buf_slice(&l->route), .name = l->comment, .local = spec};
    if (l->at >= 0) {
        found.local = slice_first(spec, (size_t)l->at);
        found.host = slice_from(spec, (size_t)l->at + 1);
    }
    if (l->angle && phrase.len > 0)
        found.name = phrase;
    else if (!l->angle && l->at >= 0 && l->words > 0)
        found.name = slice_trim(slice_first(phrase, l->words));
    else if (!l->angle && l->at < 0)
        found.local = phrase;
    if (l->any)
        l->each(l->arg, &found);
    begin(l);
}

static void end_group(struct list *l) {
    if (l->in_group)
        l->each(l->arg, &(struct listed){.kind = LISTED_GROUP_END});
    l->in_group = false;
}

static void add(struct buf *to, struct slice text, bool quoted) {
    if (!quoted) {
        buf_add(to, text);
        return;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len)
            i++;
        buf_add_byte(to, text.ptr[i]);
    }
}

/* A word, a quoted string without its quotes, a literal, or a character that means nothing here. */
static void take_text(struct list *l, struct slice text, bool quoted) {
    l->any = true;
    if (l->closed)
        return;
    if (!l->angle && l->spaced && l->phrase.len > 0)
        buf_add_byte(&l->phrase, ' ');
    if (l->spaced && !l->joined && l->spec.len > 0 && !l->angle) {
        buf_clear(&l->spec);
        l->at = -1;
    }
    if (l->spec.len == 0)
        l->words = l->phrase.len;
    if (l->in_route) {
        add(&l->route, text, quoted);
    } else {
        if (!l->angle)
            add(&l->phrase, text, quoted);
        if (l->angle && l->spaced && !l->joined && l->spec.len > 0)
            buf_add_byte(&l->spec, ' ');
        add(&l->spec, text, quoted);
    }
    l->joined = l->spaced = false;
}

/* A dot or "@". */
static void take_joint(struct list *l, struct slice text) {
    if (!l->closed && text.ptr[0] == '@') {
        l->in_route |= l->angle && l->spec.len == 0 && l->at < 0;
        if (!l->in_route && l->at < 0) {
            l->spaced = false;
            l->at = (ssize_t)l->spec.len;
        }
    }
    l->spaced &= l->spec.len == 0;
    take_text(l, text, false);
    l->joined = true;
}

static void take_colon(struct list *l) {
    if (l->in_route) {
        l->in_route = false;
    } else if (l->angle || l->in_group) {
        take_text(l, S(":"), false);
    } else {
        l->each(l->arg, &(struct listed){.kind = LISTED_GROUP, .name = buf_slice(&l->phrase)});
        l->in_group = true;
        begin(l);
    }
}

static void take_special(struct list *l, struct slice text) {
    switch (text.ptr[0]) {
    case '.':
    case '@':
        take_joint(l, text);
        return;
    case ',':
        if (l->in_route)
            take_text(l, text, false);
        else
            end(l);
        return;
    case ';':
        end(l);
        end_group(l);
        return;
    case ':':
        take_colon(l);
        return;
    case '<':
        l->any = true;
        if (l->angle)
            return;
        l->angle = true;
        l->joined = false;
        l->at = -1;
        buf_clear(&l->spec);
        return;
    case '>':
        l->any = true;
        l->closed |= l->angle;
        l->in_route = false;
        return;
    default:
        take_text(l, text, false);
    }
}

/* Passes blanks and comments; the last comment is kept as a possible name. */
static void skip_gap(struct list *l) {
    while (l->rest.len > 0 && (ascii_is_space(l->rest.ptr[0]) || l->rest.ptr[0] == '(')) {
        size_t n = 1;
        if (l->rest.ptr[0] == '(') {
            bool closed = false;
            n = cfws_comment_length(l->rest, &closed);
            n = n > 0 ? n : l->rest.len;
            l->comment = slice_trim_lines(slice_from(slice_first(l->rest, n - closed), 1));
        }
        l->spaced = true;
        l->rest = slice_from(l->rest, n);
    }
}

static void take_token(struct list *l) {
    char c = l->rest.ptr[0];
    size_t n = 1;
    if (c == '"' || c == '[') {
        n = cfws_quoted_length(l->rest, c == '"' ? '"' : ']');
        struct slice text = slice_first(l->rest, n);
        if (c == '"')
            text = slice_from(n > 1 && text.ptr[n - 1] == '"' ? slice_first(text, n - 1) : text, 1);
        take_text(l, text, c == '"');
    } else if (cfws_is_special(c)) {
        take_special(l, slice_first(l->rest, 1));
    } else {
        while (n < l->rest.len && !cfws_is_special(l->rest.ptr[n]) &&
               !ascii_is_space(l->rest.ptr[n]))
            n++;
        take_text(l, slice_first(l->rest, n), false);
    }
    l->rest = slice_from(l->rest, n);
}

void address_list_read(struct slice value, void (*each)(void *arg, const struct listed *listed),
                       void *arg) {
    struct list l = {.rest = value, .each = each, .arg = arg};
    begin(&l);
    for (skip_gap(&l); l.rest.len > 0; skip_gap(&l))
        take_token(&l);
    end(&l);
    end_group(&l);
    buf_done(&l.phrase);
    buf_done(&l.spec);
    buf_done(&l.route);
}
