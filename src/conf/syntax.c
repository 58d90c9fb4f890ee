/* SPDX-License-Identifier: ISC */
/*
 * One line after the other: first the checks that hold for all of its bytes, then its words. A line
 * whose braces can be understood keeps the count of open blocks right even when something else on
 * it is wrong, so that one slip does not make the rest of the file look wrong too.
 */
#include "conf/syntax.h"

#include "base/encode.h"
#include "base/words.h"
#include "conf/conf.h"

enum token { TOKEN_END, TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_FAULT };

/* Where we are on a line. */
struct cursor {
    struct slice line;
    size_t at;
};

/* The 1-based column of a byte offset, counted in characters as editors do. */
static unsigned column_of(struct slice line, size_t at) {
    unsigned column = 1;
    for (size_t i = 0; i < at && i < line.len; i++)
        column += ((uint8_t)line.ptr[i] & 0xc0) != 0x80;
    return column;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Cuts the next line off, without its line end. */
static bool next_line(struct conf_reader *r, struct slice *ret_line) {
    if (r->rest.len == 0)
        return false;
    if (r->line == 0 && slice_starts(r->rest, S("\xef\xbb\xbf")))
        r->rest = slice_from(r->rest, 3);
    r->line++;
    struct slice line = {NULL, 0};
    if (!slice_next(&r->rest, '\n', &line))
        return false;
    if (slice_ends(line, S("\r")))
        line.len--;
    *ret_line = line;
    return true;
}

/* Length of the character at the front, 0 when it is not UTF-8. */
static size_t character_len(struct slice s) {
    for (size_t n = 1; n <= 4 && n <= s.len; n++) {
        if (utf8_valid(slice_first(s, n)))
            return n;
    }
    return 0;
}

/* Length, control characters, encoding. */
static bool check_bytes(struct conf_reader *r, struct slice line) {
    if (line.len > CONF_LINE_MAX) {
        conf_problem_add(r->problems, r->line, 0,
                         _("found a line of %zu bytes, expected at most %u"), line.len,
                         CONF_LINE_MAX);
        return false;
    }
    for (size_t i = 0; i < line.len; i++) {
        char c = line.ptr[i];
        if (((uint8_t)c < 0x20 && c != '\t') || c == 0x7f) {
            conf_problem_add(r->problems, r->line, column_of(line, i),
                             _("found the control character 0x%02x, expected text"),
                             (unsigned)(uint8_t)c);
            return false;
        }
    }
    size_t good = 0;
    while (good < line.len && character_len(slice_from(line, good)) > 0)
        good += character_len(slice_from(line, good));
    if (good < line.len)
        conf_problem_add(r->problems, r->line, column_of(line, good),
                         _("found bytes that are not UTF-8, expected text in UTF-8"));
    return good == line.len;
}

/* Reads a quoted word; the cursor stands behind its opening quote. */
static enum token read_quoted(struct conf_reader *r, struct cursor *c, struct conf_word *word) {
    size_t start = c->at;
    char *text = arena_alloc(&r->problems->memory, c->line.len - start + 1);
    size_t len = 0;
    while (c->at < c->line.len && c->line.ptr[c->at] != '"') {
        if (c->line.ptr[c->at] == '\\') {
            c->at++;
            char escaped = c->at < c->line.len ? c->line.ptr[c->at] : ' ';
            if (escaped != '"' && escaped != '\\') {
                conf_problem_add(r->problems, r->line, column_of(c->line, c->at - 1),
                                 _("found a \\, expected \\\" or \\\\ within quotes"));
                return TOKEN_FAULT;
            }
        }
        text[len++] = c->line.ptr[c->at++];
    }
    if (c->at == c->line.len) {
        conf_problem_add(r->problems, r->line, word->column,
                         _("found a quote that is not closed, expected a second \" on this line"));
        return TOKEN_FAULT;
    }
    c->at++;
    word->text = slice_of(text, len);
    word->quoted = true;
    return TOKEN_WORD;
}

static bool ends_word(char c) {
    return is_blank(c) || c == '"' || c == '{' || c == '}';
}

static enum token next_token(struct conf_reader *r, struct cursor *c, struct conf_word *word) {
    size_t before = c->at;
    while (c->at < c->line.len && is_blank(c->line.ptr[c->at]))
        c->at++;
    if (c->at == c->line.len || c->line.ptr[c->at] == '#')
        return TOKEN_END;
    char first = c->line.ptr[c->at];
    *word = (struct conf_word){.column = column_of(c->line, c->at)};
    if (first == '{' || first == '}') {
        c->at++;
        return first == '{' ? TOKEN_OPEN : TOKEN_CLOSE;
    }
    if (before == c->at && before > 0) {
        conf_problem_add(r->problems, r->line, word->column,
                         _("found two words without a space, expected one between them"));
        return TOKEN_FAULT;
    }
    if (first == '"') {
        c->at++;
        return read_quoted(r, c, word);
    }
    size_t start = c->at;
    while (c->at < c->line.len && !ends_word(c->line.ptr[c->at]))
        c->at++;
    word->text = slice_of(c->line.ptr + start, c->at - start);
    return TOKEN_WORD;
}

/* True when the line ends here; else says so, and closes the block that the same line closes. */
static bool expect_end(struct conf_reader *r, struct cursor *c, const char *behind) {
    struct conf_word word = {{NULL, 0}, 0, false};
    enum token token = next_token(r, c, &word);
    if (token == TOKEN_END)
        return true;
    if (token != TOKEN_FAULT)
        conf_problem_add(r->problems, r->line, word.column,
                         _("found something behind \"%s\", expected a new line there"), behind);
    if (slice_ends(slice_trim(c->line), S("}")) && r->depth > 0)
        r->depth--;
    return false;
}

static enum conf_line_kind open_block(struct conf_reader *r, struct cursor *c, size_t count,
                                      unsigned column) {
    if (r->depth == CONF_DEPTH_MAX) {
        conf_problem_add(r->problems, r->line, column,
                         _("found a block within %u others, expected fewer"), CONF_DEPTH_MAX);
        r->rest = (struct slice){NULL, 0};
        r->ended = true;
        return CONF_LINE_FAULT;
    }
    if (count == 0)
        conf_problem_add(r->problems, r->line, column,
                         _("found \"{\", expected the name of a block before it"));
    else if (count > 1)
        conf_problem_add(r->problems, r->line, r->words[1].column,
                         _("found \"%.*s\", expected \"{\" behind the name of a block"),
                         SLICE_ARG(conf_shorten(r->words[1].text)));
    r->opened[r->depth++] = r->line;
    if (!expect_end(r, c, "{") && (r->depth == 0 || r->opened[r->depth - 1] != r->line))
        return CONF_LINE_FAULT;
    if (count != 1)
        r->words[0] = (struct conf_word){S(""), column, false};
    return CONF_LINE_OPEN;
}

static enum conf_line_kind close_block(struct conf_reader *r, struct cursor *c, size_t count,
                                       unsigned column) {
    if (r->depth == 0) {
        conf_problem_add(r->problems, r->line, column, _("found \"}\", but no block is open here"));
        return CONF_LINE_FAULT;
    }
    r->depth--;
    if (count > 0) {
        conf_problem_add(r->problems, r->line, column,
                         _("found \"}\" behind other words, expected it on a line of its own"));
        return CONF_LINE_FAULT;
    }
    struct conf_word word = {{NULL, 0}, 0, false};
    enum token token = next_token(r, c, &word);
    if (token != TOKEN_END && token != TOKEN_FAULT)
        conf_problem_add(r->problems, r->line, word.column,
                         _("found something behind \"}\", expected a new line there"));
    return CONF_LINE_CLOSE;
}

/* Gathers the words of a line; CONF_LINE_END when it says nothing. */
static enum conf_line_kind read_words(struct conf_reader *r, struct slice line, size_t *ret_count) {
    struct cursor c = {line, 0};
    size_t count = 0;
    for (;;) {
        struct conf_word word = {{NULL, 0}, 0, false};
        switch (next_token(r, &c, &word)) {
        case TOKEN_FAULT:
            return CONF_LINE_FAULT;
        case TOKEN_OPEN:
            *ret_count = 1;
            return open_block(r, &c, count, word.column);
        case TOKEN_CLOSE:
            return close_block(r, &c, count, word.column);
        case TOKEN_END:
            *ret_count = count;
            return count > 0 ? CONF_LINE_PLAIN : CONF_LINE_END;
        case TOKEN_WORD:
            break;
        }
        if (count == r->words_max) {
            conf_problem_add(r->problems, r->line, word.column,
                             _("found more than %zu words, expected fewer on one line"), count);
            return CONF_LINE_FAULT;
        }
        r->words[count++] = word;
    }
}

void conf_reader_init(struct conf_reader *r, struct slice text, size_t words_max,
                      struct conf_problems *problems) {
    *r = (struct conf_reader){
        .rest = text,
        .words = arena_array(&problems->memory, words_max, sizeof *r->words),
        .words_max = words_max,
        .problems = problems,
    };
}

enum conf_line_kind conf_read_line(struct conf_reader *r, size_t *ret_count) {
    struct slice line = {NULL, 0};
    while (next_line(r, &line)) {
        if (!check_bytes(r, line))
            return CONF_LINE_FAULT;
        enum conf_line_kind kind = read_words(r, line, ret_count);
        if (kind != CONF_LINE_END)
            return kind;
    }
    for (unsigned i = 0; !r->ended && i < r->depth; i++)
        conf_problem_add(r->problems, r->opened[i], 0,
                         _("this block is not closed, expected a line with \"}\" for it"));
    r->ended = true;
    return CONF_LINE_END;
}

/* ------------------------------------------------------------------ writing */

void conf_write_word(struct slice word, struct buf *to) {
    bool plain = word.len > 0 && word.ptr[0] != '#';
    for (size_t i = 0; i < word.len; i++)
        plain = plain && !strchr(" \t\"{}", word.ptr[i]);
    if (plain)
        buf_add(to, word);
    else
        buf_add_quoted(to, word);
}
