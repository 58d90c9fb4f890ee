/* SPDX-License-Identifier: ISC */
/*
 * What holds for all types alike: `none`, lists, how many words, and the sentence about what was
 * found and what was expected. A value is read into a scratch place first, so that a fault leaves
 * the member as it was.
 */
#include "conf/value.h"

#include "base/error.h"
#include "base/words.h"
#include "conf/type.h"

/* All lists in struct conf have this form. */
struct any_list {
    const void *list;
    size_t count;
};

static void *member_of(const struct conf_setting *s, struct conf *conf) {
    return (char *)conf + s->offset;
}

static const void *member_of_const(const struct conf_setting *s, const struct conf *conf) {
    return (const char *)conf + s->offset;
}

static size_t member_size(const struct conf_setting *s) {
    const struct conf_type_row *t = &conf_types[s->type];
    return t->is_list ? sizeof(struct any_list) : t->size;
}

/* Nothing, an empty list, no limit: zero in every type. */
static bool is_none(const struct conf_setting *s, const struct conf *conf) {
    const char *member = member_of_const(s, conf);
    if (s->type == CONF_PATH || s->type == CONF_HOST || s->type == CONF_HOST_PORT) {
        struct slice text;
        memcpy(&text, member, sizeof text); /* of a host and port, the host */
        return text.len == 0;
    }
    for (size_t i = 0; i < member_size(s); i++) {
        if (member[i] != 0)
            return false;
    }
    return true;
}

/* Writes a bound the way values of the setting are written. */
static void write_bound(const struct conf_setting *s, int64_t bound, struct buf *to) {
    union conf_element e = {0};
    switch (s->type) {
    case CONF_SIZE:
        e.size = (uint64_t)bound;
        break;
    case CONF_SPAN:
    case CONF_SPANS:
        e.span = bound;
        break;
    case CONF_PERCENT:
        e.number = (unsigned)bound;
        break;
    default:
        buf_printf(to, "%lld", (long long)bound);
        return;
    }
    conf_types[s->type].write(s, &e, to);
}

/* The words around what the table knows. */
static const struct {
    const char *between, *last; /* of choices */
    const char *with_port;
    const char *bounds, *length, *to, *end;
    const char *or_none;
} words_of[CONF_LANGUAGE_COUNT] = {
    [CONF_ENGLISH] = {", ", " or ", ", with or without :port", ", from ", ", its length from ",
                      " to ", "", ", or none"},
    [CONF_JAPANESE] = {"、", "、", "（:ポート を付けられます）", "（", "（長さ ", " から ",
                       " まで）", "、または none"},
};

static void write_choices(const struct conf_setting *s, enum conf_language language,
                          struct buf *to) {
    for (size_t i = 0; s->choices[i]; i++) {
        if (i > 0)
            buf_add_str(to,
                        s->choices[i + 1] ? words_of[language].between : words_of[language].last);
        else if (language == CONF_ENGLISH)
            buf_add_byte(to, ' ');
        buf_add_str(to, s->choices[i]);
    }
}

void conf_value_expected(const struct conf_setting *s, enum conf_language language,
                         struct buf *to) {
    buf_add_str(to, conf_types[s->type].expected[language]);
    if (s->type == CONF_CHOICE)
        write_choices(s, language, to);
    if (s->type == CONF_ADDRESSES && s->port != 0)
        buf_add_str(to, words_of[language].with_port);
    if (conf_max(s) != 0) {
        buf_add_str(to,
                    s->type == CONF_TEXT ? words_of[language].length : words_of[language].bounds);
        write_bound(s, conf_min(s), to);
        buf_add_str(to, words_of[language].to);
        write_bound(s, conf_max(s), to);
        buf_add_str(to, words_of[language].end);
    }
    if (s->may_be_none)
        buf_add_str(to, words_of[language].or_none);
}

const char *conf_type_name(enum conf_type type) {
    return conf_types[type].name;
}

/* Fills in what was found and what was expected. */
static int refuse(const struct conf_setting *s, struct slice found, struct problem *problem) {
    _cleanup_(buf_done) struct buf expected = {0};
    conf_value_expected(s, conf_language(), &expected);
    if (!found.ptr)
        return problem_set(problem, -E_SYNTAX, _("found no value, expected %s"),
                           buf_str(&expected));
    struct slice front = conf_shorten(found);
    return problem_set(problem, -E_SYNTAX, _("found \"%.*s%s\", expected %s"), SLICE_ARG(front),
                       found.len > front.len ? "..." : "", buf_str(&expected));
}

static int read_list(const struct conf_setting *s, const struct conf_word *words, size_t count,
                     struct conf *conf, struct problem *problem, size_t *ret_at) {
    const struct conf_type_row *t = &conf_types[s->type];
    char *list = arena_array(&conf->memory, count, t->size);
    for (size_t i = 0; i < count; i++) {
        union conf_element e = {0};
        if (t->read(s, words[i].text, &conf->memory, &e) < 0) {
            *ret_at = i;
            return refuse(s, words[i].text, problem);
        }
        memcpy(list + i * t->size, &e, t->size);
    }
    struct any_list value = {list, count};
    memcpy(member_of(s, conf), &value, sizeof value);
    return 0;
}

/* All words of the line make one more element; the list grows by doubling. */
static int read_more(const struct conf_setting *s, const struct conf_word *words, size_t count,
                     struct conf *conf, struct problem *problem, size_t *ret_at) {
    const struct conf_type_row *t = &conf_types[s->type];
    _cleanup_(buf_done) struct buf text = {0};
    struct any_list value;
    union conf_element e = {0};
    memcpy(&value, member_of(s, conf), sizeof value);
    for (size_t i = 0; i < count; i++) {
        buf_add_str(&text, i > 0 ? " " : "");
        buf_add(&text, words[i].text);
    }
    *ret_at = 0;
    if (value.count == CONF_LINES_MAX)
        return problem_set(problem, -E_SYNTAX, _("found more than %u lines of it"), CONF_LINES_MAX);
    if (t->read(s, buf_slice(&text), &conf->memory, &e) < 0)
        return refuse(s, buf_slice(&text), problem);
    if ((value.count & (value.count - 1)) == 0) {
        char *bigger = arena_array(&conf->memory, MAX(2 * value.count, (size_t)1), t->size);
        if (value.count > 0)
            memcpy(bigger, value.list, value.count * t->size);
        value.list = bigger;
    }
    memcpy((char *)value.list + value.count++ * t->size, &e, t->size);
    memcpy(member_of(s, conf), &value, sizeof value);
    return 0;
}

int conf_value_read(const struct conf_setting *s, const struct conf_word *words, size_t count,
                    struct conf *conf, struct problem *problem, size_t *ret_at) {
    const struct conf_type_row *t = &conf_types[s->type];
    *ret_at = 0;
    if (count == 0)
        return refuse(s, (struct slice){NULL, 0}, problem);
    if (s->may_be_none && count == 1 && slice_eq(words[0].text, S("none"))) {
        memset(member_of(s, conf), 0, member_size(s));
        return 0;
    }
    if (s->repeats)
        return read_more(s, words, count, conf, problem, ret_at);
    if (t->is_list)
        return read_list(s, words, count, conf, problem, ret_at);
    union conf_element e = {0};
    if (t->read(s, words[0].text, &conf->memory, &e) < 0)
        return refuse(s, words[0].text, problem);
    if (count > 1) {
        *ret_at = 1;
        return problem_set(problem, -E_SYNTAX,
                           _("found \"%.*s\" behind the value, expected only one"),
                           SLICE_ARG(conf_shorten(words[1].text)));
    }
    memcpy(member_of(s, conf), &e, t->size);
    return 0;
}

void conf_value_write(const struct conf_setting *s, const struct conf *conf, struct buf *to) {
    const struct conf_type_row *t = &conf_types[s->type];
    const char *member = member_of_const(s, conf);
    if (s->may_be_none && is_none(s, conf)) {
        buf_add_str(to, "none");
        return;
    }
    struct any_list value = {member, 1};
    if (t->is_list)
        memcpy(&value, member, sizeof value);
    for (size_t i = 0; i < value.count; i++) {
        union conf_element e = {0};
        memcpy(&e, (const char *)value.list + i * t->size, t->size);
        if (i > 0)
            buf_add_str(to, s->repeats ? "; " : " ");
        t->write(s, &e, to);
    }
}

size_t conf_value_lines(const struct conf_setting *s, const struct conf *conf) {
    struct any_list value = {NULL, 1};
    if (s->repeats)
        memcpy(&value, member_of_const(s, conf), sizeof value);
    return MAX(value.count, (size_t)1);
}

void conf_value_write_line(const struct conf_setting *s, const struct conf *conf, size_t line,
                           struct buf *to) {
    const struct conf_type_row *t = &conf_types[s->type];
    struct any_list value;
    union conf_element e = {0};
    if (!s->repeats || is_none(s, conf)) {
        conf_value_write(s, conf, to);
        return;
    }
    memcpy(&value, member_of_const(s, conf), sizeof value);
    memcpy(&e, (const char *)value.list + line * t->size, t->size);
    t->write(s, &e, to);
}
