/* SPDX-License-Identifier: ISC */
/*
 * The value is cut into tokens (words, quoted strings, literals, single special characters; blanks
 * and comments between them are dropped), and the tokens are fed to one entry at a time:
 *
 *     display words <route: local @ domain>       or        local @ domain (comment)
 *
 * Local part and domain are put together in `scratch`, which is as long as the value: each token
 * adds no more bytes than it had. Words that no dot or "@" connects are not one local part, so a
 * new word starts it again; that is how "John Doe john@example.org" still gives an address.
 */
#include "message/address/mailboxes.h"

#include "message/cfws.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_QUOTED,
    TOKEN_LITERAL,
    TOKEN_SPECIAL, /* < > @ , ; : . or a closing bracket or backslash that stands alone */
};

struct token {
    enum token_kind kind;
    char special;      /* the character of TOKEN_SPECIAL */
    struct slice text; /* as written */
};

struct entry {
    struct slice display;
    struct slice comment;
    struct address named; /* an address that stands in place of a name */
    char *local;
    size_t local_len;
    char *domain;
    size_t domain_len;
    bool any;       /* something was written */
    bool angle;     /* between < and > */
    bool closed;    /* the address is complete */
    bool in_domain; /* behind the "@" */
    bool bad;       /* the address has too many parts */
    bool garbled;   /* something stands behind the address, or in its way */
    bool joined;    /* the last token was a dot or "@": the next word belongs to it */
};

struct list_reader {
    struct arena *arena;
    struct slice rest;
    char *scratch;
    struct entry entry;
    size_t max;
    struct mailboxes found;
};

static struct slice inside(struct slice s, char close) {
    s = slice_from(s, 1);
    return s.len > 0 && s.ptr[s.len - 1] == close ? slice_first(s, s.len - 1) : s;
}

/* Passes blanks and comments; the last comment is kept as a possible display name. */
static void skip_gap(struct list_reader *s) {
    while (s->rest.len > 0) {
        if (ascii_is_space(s->rest.ptr[0])) {
            s->rest = slice_from(s->rest, 1);
            continue;
        }
        if (s->rest.ptr[0] != '(')
            return;
        bool closed = false;
        size_t n = cfws_comment_length(s->rest, &closed);
        if (n == 0) {
            s->found.truncated = true;
            n = s->rest.len;
        } else {
            s->entry.comment = slice_trim_lines(inside(slice_first(s->rest, n), ')'));
            s->entry.garbled |= !closed;
        }
        s->rest = slice_from(s->rest, n);
    }
}

static struct token next_token(struct list_reader *s) {
    struct token token = {.kind = TOKEN_END};
    skip_gap(s);
    if (s->rest.len == 0)
        return token;
    char c = s->rest.ptr[0];
    size_t n = 1;
    if (c == '"') {
        token.kind = TOKEN_QUOTED;
        n = cfws_quoted_length(s->rest, '"');
    } else if (c == '[') {
        token.kind = TOKEN_LITERAL;
        n = cfws_quoted_length(s->rest, ']');
    } else if (cfws_is_special(c)) {
        token.kind = TOKEN_SPECIAL;
        token.special = c;
    } else {
        token.kind = TOKEN_WORD;
        while (n < s->rest.len && !cfws_is_special(s->rest.ptr[n]) &&
               !ascii_is_space(s->rest.ptr[n]))
            n++;
    }
    token.text = slice_first(s->rest, n);
    s->rest = slice_from(s->rest, n);
    return token;
}

static void begin_entry(struct list_reader *s) {
    s->entry = (struct entry){.local = s->scratch, .domain = s->scratch};
}

static void add_unquoted(char *to, size_t *len, struct slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 1 < text.len)
            i++;
        if (text.ptr[i] != '\r' && text.ptr[i] != '\n')
            to[(*len)++] = text.ptr[i];
    }
}

static void add_to_local(struct list_reader *s, const struct token *token) {
    struct entry *e = &s->entry;
    if (!e->joined)
        e->local_len = 0;
    if (token->kind == TOKEN_QUOTED) {
        add_unquoted(e->local, &e->local_len, inside(token->text, '"'));
    } else {
        memcpy(e->local + e->local_len, token->text.ptr, token->text.len);
        e->local_len += token->text.len;
    }
    e->joined = false;
}

static void add_to_domain(struct list_reader *s, const struct token *token) {
    struct entry *e = &s->entry;
    if (!e->joined) {
        e->closed = e->garbled = true;
        return;
    }
    memcpy(e->domain + e->domain_len, token->text.ptr, token->text.len);
    e->domain_len += token->text.len;
    e->joined = false;
}

/* Display words are everything outside the brackets, as one stretch of the value. */
static void widen_display(struct entry *e, struct slice text) {
    if (!e->display.ptr)
        e->display = text;
    else
        e->display.len = (size_t)(text.ptr + text.len - e->display.ptr);
}

static void restart_address(struct entry *e) {
    e->local_len = 0;
    e->domain_len = 0;
    e->in_domain = false;
    e->joined = false;
    e->closed = false;
    e->bad = false;
}

static void add_connector(struct entry *e, char c) {
    if (c != '.' && c != '@') {
        e->bad = true;
    } else if (c == '@') {
        e->bad |= e->in_domain;
        e->in_domain = true;
        e->domain = e->local + e->local_len;
        e->domain_len = 0;
    } else if (e->in_domain) {
        e->domain[e->domain_len++] = c;
    } else {
        e->local[e->local_len++] = c;
    }
    e->joined = true;
}

static void end_entry(struct list_reader *s) {
    struct entry *e = &s->entry;
    struct mailbox box = {.display = e->display};
    struct slice domain = slice_of(e->domain, e->domain_len);
    if (!e->any) {
        s->found.garbled += e->garbled;
        return;
    }
    if (!box.display.ptr || !e->angle)
        box.display = e->comment;
    if (!e->in_domain || e->bad ||
        address_make(s->arena, slice_of(e->local, e->local_len), domain,
                     ADDRESS_UTF8 | ADDRESS_LOOSE, &box.address, NULL) < 0) {
        s->found.broken++;
    } else if (s->found.count == s->max) {
        s->found.truncated = true;
    } else {
        e->garbled |= e->named.domain.len > 0 && !address_eq(&e->named, &box.address);
        s->found.items[s->found.count++] = box;
    }
    s->found.garbled += e->garbled;
}

/* "<": what was read so far was the display name. */
static void open_angle(struct list_reader *s) {
    struct entry *e = &s->entry;
    e->garbled |= e->angle;
    if (e->angle)
        return;
    if (e->in_domain && !e->bad)
        (void)address_make(s->arena, slice_of(e->local, e->local_len),
                           slice_of(e->domain, e->domain_len), ADDRESS_UTF8 | ADDRESS_LOOSE,
                           &e->named, NULL);
    restart_address(e);
    e->angle = true;
}

/* Behind "<@relay": a list of hosts that ends with ":" (RFC 5322 §4.4 obs-route). */
static bool in_route(const struct entry *e) {
    return e->angle && !e->closed && e->in_domain && e->local_len == 0;
}

/* ":" ends a source route; outside of brackets, the name of a group. */
static void pass_colon(struct list_reader *s) {
    if (in_route(&s->entry)) {
        restart_address(&s->entry);
    } else if (s->entry.angle) {
        s->entry.bad = true;
    } else {
        s->found.garbled += s->entry.garbled || s->entry.in_domain;
        begin_entry(s);
    }
}

static void take_special(struct list_reader *s, const struct token *token) {
    struct entry *e = &s->entry;
    switch (token->special) {
    case ',':
    case ';':
        if (token->special == ',' && in_route(e)) {
            restart_address(e);
            return;
        }
        end_entry(s);
        begin_entry(s);
        return;
    case ':':
        pass_colon(s);
        return;
    case '<':
        open_angle(s);
        break;
    case '>':
        e->garbled |= e->closed || !e->angle;
        e->closed = true;
        break;
    default:
        e->garbled |= e->closed;
        if (!e->angle)
            widen_display(e, token->text);
        if (!e->closed)
            add_connector(e, token->special);
        break;
    }
    e->any = true;
}

static void take_word(struct list_reader *s, const struct token *token) {
    struct entry *e = &s->entry;
    e->any = true;
    if (!e->angle)
        widen_display(e, token->text);
    e->garbled |= e->closed;
    if (e->closed)
        return;
    if (e->in_domain)
        add_to_domain(s, token);
    else
        add_to_local(s, token);
}

void mailboxes_parse(struct arena *a, struct slice value, size_t max, struct mailboxes *ret) {
    size_t possible = 1;
    for (size_t i = 0; i < value.len; i++)
        possible += value.ptr[i] == ',' || value.ptr[i] == ';';
    struct list_reader s = {.arena = a, .rest = value, .max = MIN(max, possible)};
    s.found.items = arena_array(a, s.max, sizeof *s.found.items);
    s.scratch = arena_alloc(a, value.len + 1);
    begin_entry(&s);
    for (;;) {
        struct token token = next_token(&s);
        if (token.kind == TOKEN_END)
            break;
        if (token.kind == TOKEN_SPECIAL)
            take_special(&s, &token);
        else
            take_word(&s, &token);
    }
    end_entry(&s);
    *ret = s.found;
}
