/* SPDX-License-Identifier: ISC */
/*
 * One table per command: keyword, function that reads its value into the command's struct, and what
 * a good value looks like. A new extension adds a row.
 */
#include "smtp/parameter.h"

#include "message/xtext.h"

#define ENVELOPE_ID_MAX 100U /* RFC 3461 §4.4, as written */
#define ORIGINAL_MAX    500U /* RFC 3461 §4.2, as written */
#define SUBMITTER_MAX   500U /* RFC 4954 §5 */

struct parameter {
    struct slice keyword;
    int (*read)(void *into, struct slice value, struct arena *a); /* 0 or -E_SYNTAX */
    const char *expected;
    bool bare; /* there is no "=" */
};

/* xtext can carry any byte; a line end or NUL would get into headers that others read. */
static int decode_xtext(struct slice value, struct arena *a, struct slice *ret) {
    struct slice text;
    int r = xtext_decode(a, value, &text);
    if (r < 0)
        return r;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\0' || text.ptr[i] == '\r' || text.ptr[i] == '\n')
            return -E_SYNTAX;
    *ret = text;
    return 0;
}

/* ------------------------------------------------------------------ MAIL */

static int read_size(void *into, struct slice value, struct arena *a) {
    struct smtp_mail *mail = into;
    return value.len <= 20 && slice_to_u64(value, UINT64_MAX, &mail->size) == 0 ? 0 : -E_SYNTAX;
}

static int read_body(void *into, struct slice value, struct arena *a) {
    struct smtp_mail *mail = into;
    bool eight_bit = slice_eq_nocase(value, S("8BITMIME"));
    if (!eight_bit && !slice_eq_nocase(value, S("7BIT")))
        return -E_SYNTAX;
    mail->body_type = eight_bit ? BODY_TYPE_8BITMIME : BODY_TYPE_7BIT;
    return 0;
}

static int read_return(void *into, struct slice value, struct arena *a) {
    struct smtp_mail *mail = into;
    bool full = slice_eq_nocase(value, S("FULL"));
    if (!full && !slice_eq_nocase(value, S("HDRS")))
        return -E_SYNTAX;
    mail->ret = full ? RETURN_FULL : RETURN_HEADERS;
    return 0;
}

static int read_envelope_id(void *into, struct slice value, struct arena *a) {
    struct smtp_mail *mail = into;
    struct slice decoded;
    if (value.len > ENVELOPE_ID_MAX || decode_xtext(value, a, &decoded) < 0)
        return -E_SYNTAX;
    mail->envid = value;
    return 0;
}

static int read_submitter(void *into, struct slice value, struct arena *a) {
    struct smtp_mail *mail = into;
    if (value.len > SUBMITTER_MAX)
        return -E_SYNTAX;
    return decode_xtext(value, a, &mail->submitter);
}

static int read_require_tls(void *into, struct slice value, struct arena *a) {
    struct smtp_mail *mail = into;
    mail->require_tls = true;
    return value.len == 0 ? 0 : -E_SYNTAX;
}

static const struct parameter mail_parameters[] = {
    {S("SIZE"), read_size, "this is SIZE=number"},
    {S("BODY"), read_body, "this is BODY=7BIT or BODY=8BITMIME"},
    {S("RET"), read_return, "this is RET=FULL or RET=HDRS"},
    {S("ENVID"), read_envelope_id, "this is ENVID=xtext of at most 100 characters"},
    {S("AUTH"), read_submitter, "this is AUTH=xtext of at most 500 characters"},
    {S("REQUIRETLS"), read_require_tls, "this stands without a value", .bare = true},
};

/* ------------------------------------------------------------------ RCPT */

static unsigned notify_flag(struct slice word) {
    static const struct {
        struct slice word;
        unsigned flag;
    } words[] = {
        {S("NEVER"), NOTIFY_NEVER},
        {S("SUCCESS"), NOTIFY_SUCCESS},
        {S("FAILURE"), NOTIFY_FAILURE},
        {S("DELAY"), NOTIFY_DELAY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (slice_eq_nocase(word, words[i].word))
            return words[i].flag;
    return 0;
}

static int read_notify(void *into, struct slice value, struct arena *a) {
    struct smtp_rcpt *rcpt = into;
    struct slice word;
    unsigned flags = 0;
    while (slice_next(&value, ',', &word)) {
        unsigned flag = notify_flag(word);
        if (!flag)
            return -E_SYNTAX;
        flags |= flag;
    }
    if ((flags & NOTIFY_NEVER) && flags != NOTIFY_NEVER)
        return -E_SYNTAX;
    rcpt->notify = flags;
    return 0;
}

static bool is_atom(struct slice text) {
    for (size_t i = 0; i < text.len; i++)
        if (!ascii_is_alpha(text.ptr[i]) && !ascii_is_digit(text.ptr[i]) && text.ptr[i] != '-')
            return false;
    return text.len > 0;
}

static int read_original(void *into, struct slice value, struct arena *a) {
    struct smtp_rcpt *rcpt = into;
    struct slice rest = value, type, decoded;
    if (value.len > ORIGINAL_MAX || !slice_next(&rest, ';', &type) || !is_atom(type) || !rest.len ||
        decode_xtext(rest, a, &decoded) < 0)
        return -E_SYNTAX;
    rcpt->original = value;
    return 0;
}

static const struct parameter rcpt_parameters[] = {
    {S("NOTIFY"), read_notify, "this is NOTIFY=NEVER, or a list of SUCCESS, FAILURE and DELAY"},
    {S("ORCPT"), read_original, "this is ORCPT=type;xtext of at most 500 characters"},
};

/* ------------------------------------------------------------------ both */

struct parameter_table {
    const struct parameter *rows;
    size_t count;
};

static int fault_at(const struct smtp_command *c, struct slice word, unsigned code,
                    const char *expected, struct smtp_fault *fault) {
    size_t at = (size_t)(word.ptr - c->line.ptr);
    *fault = (struct smtp_fault){code, {5, 5, 4}, at, expected};
    return -E_SYNTAX;
}

static int read_parameters(const struct smtp_command *c, struct slice rest, struct arena *a,
                           const struct parameter_table *table, void *into,
                           struct smtp_fault *fault) {
    unsigned seen = 0;
    struct slice word;
    while (slice_next_word(&rest, &word)) {
        ssize_t equals = slice_find_byte(word, '=');
        struct slice keyword = equals < 0 ? word : slice_first(word, (size_t)equals);
        const struct parameter *parameter = NULL;
        for (size_t i = 0; !parameter && i < table->count; i++)
            if (slice_eq_nocase(keyword, table->rows[i].keyword))
                parameter = &table->rows[i];
        if (!parameter)
            return fault_at(c, word, 555, "this parameter was not offered", fault);
        unsigned bit = 1U << (parameter - table->rows);
        if (seen & bit)
            return fault_at(c, word, 501, "a parameter stands once", fault);
        seen |= bit;
        struct slice value = slice_from(word, keyword.len + (equals >= 0));
        if ((equals >= 0) == parameter->bare || (!value.len && !parameter->bare) ||
            parameter->read(into, value, a) < 0)
            return fault_at(c, word, 501, parameter->expected, fault);
    }
    return 0;
}

int smtp_mail_parameters(const struct smtp_command *c, struct slice rest, struct arena *a,
                         struct smtp_mail *mail, struct smtp_fault *fault) {
    static const struct parameter_table table = {mail_parameters, ARRAY_SIZE(mail_parameters)};
    return read_parameters(c, rest, a, &table, mail, fault);
}

int smtp_rcpt_parameters(const struct smtp_command *c, struct slice rest, struct arena *a,
                         struct smtp_rcpt *rcpt, struct smtp_fault *fault) {
    static const struct parameter_table table = {rcpt_parameters, ARRAY_SIZE(rcpt_parameters)};
    return read_parameters(c, rest, a, &table, rcpt, fault);
}
