/* SPDX-License-Identifier: ISC */
/*
 * Every pair of functions below is inverse: what `write` makes, `read` takes, with the same result.
 * Writing chooses one form where the file may use several (yes, on, true), so that equal values are
 * equal texts.
 */
#include "conf/type.h"

#include "base/error.h"
#include "conf/syntax.h"

#define KIB ((int64_t)1024)

int64_t conf_min(const struct conf_setting *s) {
    return s->min != 0 || s->max != 0 ? s->min : conf_types[s->type].min;
}

int64_t conf_max(const struct conf_setting *s) {
    return s->min != 0 || s->max != 0 ? s->max : conf_types[s->type].max;
}

static int check_bounds(const struct conf_setting *s, int64_t value) {
    return value >= conf_min(s) && value <= conf_max(s) ? 0 : -E_LIMIT;
}

/* Digits only, within the bounds of the setting. */
static int read_unsigned(const struct conf_setting *s, struct slice word, uint64_t *ret) {
    uint64_t value = 0;
    int r = slice_to_u64(word, INT64_MAX, &value);
    if (r == 0)
        r = check_bounds(s, (int64_t)value);
    if (r == 0)
        *ret = value;
    return r;
}

/* ------------------------------------------------------------------ numbers */

static int read_bool(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    static const struct {
        const char *word;
        bool truth;
    } words[] = {
        {"yes", true}, {"on", true},   {"true", true},
        {"no", false}, {"off", false}, {"false", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (slice_eq(word, slice_of_str(words[i].word))) {
            ret->truth = words[i].truth;
            return 0;
        }
    }
    return -E_SYNTAX;
}

static void write_bool(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    buf_add_str(to, e->truth ? "yes" : "no");
}

static int read_number(const struct conf_setting *s, struct slice word, struct arena *a,
                       union conf_element *ret) {
    uint64_t value = 0;
    int r = read_unsigned(s, word, &value);
    if (r == 0)
        ret->number = (unsigned)value;
    return r;
}

static void write_number(const struct conf_setting *s, const union conf_element *e,
                         struct buf *to) {
    buf_printf(to, "%u", e->number);
}

static int read_port(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    uint64_t value = 0;
    int r = read_unsigned(s, word, &value);
    if (r == 0)
        ret->port = (uint16_t)value;
    return r;
}

static void write_port(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    buf_printf(to, "%u", (unsigned)e->port);
}

static int read_percent(const struct conf_setting *s, struct slice word, struct arena *a,
                        union conf_element *ret) {
    if (!slice_ends(word, S("%")))
        return -E_SYNTAX;
    return read_number(s, slice_first(word, word.len - 1), a, ret);
}

static void write_percent(const struct conf_setting *s, const union conf_element *e,
                          struct buf *to) {
    buf_printf(to, "%u%%", e->number);
}

/* ------------------------------------------------------------------ sizes and spans */

struct unit {
    const char *name;
    int64_t worth;
};

/* Writes a value with the largest unit that leaves no rest. The last unit is the smallest. */
static void write_units(const struct unit *units, size_t count, int64_t value, struct buf *to) {
    size_t i = 0;
    while (i + 1 < count && value % units[i].worth != 0)
        i++;
    buf_printf(to, "%lld%s", (long long)(value / units[i].worth), units[i].name);
}

static const struct unit size_units[] = {
    {"T", KIB *KIB *KIB *KIB}, {"G", KIB *KIB *KIB}, {"M", KIB *KIB}, {"K", KIB}, {"", 1},
};

static int read_size(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    for (size_t i = 0; i < ARRAY_SIZE(size_units); i++) {
        struct slice unit = slice_of_str(size_units[i].name);
        if (!slice_ends(word, unit))
            continue;
        uint64_t number = 0;
        int r = slice_to_u64(slice_first(word, word.len - unit.len),
                             (uint64_t)(INT64_MAX / size_units[i].worth), &number);
        if (r == 0)
            r = check_bounds(s, (int64_t)number * size_units[i].worth);
        if (r == 0)
            ret->size = number * (uint64_t)size_units[i].worth;
        return r;
    }
    return -E_SYNTAX;
}

static void write_size(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    if (e->size == 0)
        buf_add_byte(to, '0');
    else
        write_units(size_units, ARRAY_SIZE(size_units), (int64_t)e->size, to);
}

static int read_span(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    usec_t span = 0;
    int r = time_parse_span(word, &span);
    if (r == 0)
        r = check_bounds(s, span);
    if (r == 0)
        ret->span = span;
    return r;
}

static void write_span(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    static const struct unit units[] = {
        {"d", USEC_DAY}, {"h", USEC_HOUR}, {"min", USEC_MIN}, {"s", USEC_SEC}, {"ms", USEC_MS},
    };
    if (e->span == 0)
        buf_add_str(to, "0s");
    else
        write_units(units, ARRAY_SIZE(units), e->span, to);
}

/* ------------------------------------------------------------------ text */

static int keep_text(struct slice word, struct arena *a, union conf_element *ret) {
    ret->text = arena_copy(a, word);
    return 0;
}

/* Printable US-ASCII: all of it goes into protocol lines. */
static int read_text(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < 0x20 || word.ptr[i] == 0x7f)
            return -E_SYNTAX;
    }
    int r = check_bounds(s, (int64_t)word.len);
    return r < 0 ? r : keep_text(word, a, ret);
}

static void write_text(const struct conf_setting *s, const union conf_element *e, struct buf *to) {
    conf_write_word(e->text, to);
}

static int read_host(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    struct slice name;
    int r = conf_read_name(word, a, &name);
    return r < 0 ? r : keep_text(name, a, ret);
}

/* What useradd(8) takes by default. */
static int read_user(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        bool alpha = c == '_' || (c >= 'a' && c <= 'z');
        if (!alpha && (i == 0 || (c != '-' && !ascii_is_digit(c))))
            return -E_SYNTAX;
    }
    return word.len >= 1 && word.len <= 32 ? keep_text(word, a, ret) : -E_SYNTAX;
}

static int read_path(const struct conf_setting *s, struct slice word, struct arena *a,
                     union conf_element *ret) {
    return slice_starts(word, S("/")) && word.len < 1024 ? keep_text(word, a, ret) : -E_SYNTAX;
}

/* ------------------------------------------------------------------ choices */

static int read_choice(const struct conf_setting *s, struct slice word, struct arena *a,
                       union conf_element *ret) {
    for (unsigned i = 0; s->choices[i]; i++) {
        if (slice_eq(word, slice_of_str(s->choices[i]))) {
            ret->number = i;
            return 0;
        }
    }
    return -E_SYNTAX;
}

static void write_choice(const struct conf_setting *s, const union conf_element *e,
                         struct buf *to) {
    buf_add_str(to, s->choices[e->number]);
}

/* ------------------------------------------------------------------ addresses */

static int read_address(const struct conf_setting *s, struct slice word, struct arena *a,
                        union conf_element *ret) {
    struct net_addr address = {0};
    int r = net_parse(word, s->port, &address);
    if (r < 0 || (net_port(&address) != 0) != (s->port != 0))
        return -E_SYNTAX;
    ret->address = address;
    return 0;
}

static void write_address(const struct conf_setting *s, const union conf_element *e,
                          struct buf *to) {
    char text[NET_TEXT_SIZE];
    bool usual = net_port(&e->address) == s->port;
    buf_add(to, usual ? net_format_host(&e->address, text) : net_format(&e->address, text));
}

static int read_network(const struct conf_setting *s, struct slice word, struct arena *a,
                        union conf_element *ret) {
    struct net_range range = {0};
    if (net_range_parse(word, &range) < 0)
        return -E_SYNTAX;
    ret->network = range;
    return 0;
}

static void write_network(const struct conf_setting *s, const union conf_element *e,
                          struct buf *to) {
    char text[NET_TEXT_SIZE];
    buf_add(to, net_format_host(&e->network.base, text));
    buf_printf(to, "/%u", e->network.bits);
}

/* ------------------------------------------------------------------ the types */

#define OF(member) sizeof(((union conf_element *)NULL)->member)

#define TYPE(called, en, ja, member, list, low, high, read_fn, write_fn)                           \
    { called, {en, ja}, OF(member), list, low, high, read_fn, write_fn }

/* clang-format off */
const struct conf_type_row conf_types[CONF_TYPE_COUNT] = {
    [CONF_BOOL] = TYPE("bool", "yes or no", "yes か no",
        truth, false, 0, 0, read_bool, write_bool),
    [CONF_NUMBER] = TYPE("number", "a number", "数",
        number, false, 0, 1000000000, read_number, write_number),
    [CONF_PORT] = TYPE("port", "a port", "ポート番号",
        port, false, 1, UINT16_MAX, read_port, write_port),
    [CONF_PERCENT] = TYPE("percentage", "a percentage such as 20%", "20% のような割合",
        number, false, 0, 100, read_percent, write_percent),
    [CONF_SIZE] = TYPE("size", "a size such as 500, 64K, 50M or 2G",
        "500、64K、50M、2G のようなサイズ",
        size, false, 0, KIB * KIB * KIB * KIB, read_size, write_size),
    [CONF_SPAN] = TYPE("span", "a span such as 30s, 5min, 2h or 5d",
        "30s、5min、2h、5d のような時間",
        span, false, 0, 3650 * USEC_DAY, read_span, write_span),
    [CONF_SPANS] = TYPE("spans", "spans such as 30s, 5min, 2h or 5d",
        "30s、5min、2h、5d のような時間の並び",
        span, true, 0, 3650 * USEC_DAY, read_span, write_span),
    [CONF_TEXT] = TYPE("text", "text in ASCII", "ASCII の文字列",
        text, false, 0, 200, read_text, write_text),
    [CONF_HOST] = TYPE("host name", "a host name such as mail.example.jp",
        "mail.example.jp のようなホスト名",
        text, false, 0, 0, read_host, write_text),
    [CONF_USER] = TYPE("user name", "the name of a system user", "システムユーザーの名前",
        text, false, 0, 0, read_user, write_text),
    [CONF_PATH] = TYPE("path", "a path that begins with /", "/ で始まるパス",
        text, false, 0, 0, read_path, write_text),
    [CONF_CHOICE] = TYPE("choice", "one of", "次のいずれか: ",
        number, false, 0, 0, read_choice, write_choice),
    [CONF_ADDRESSES] = TYPE("addresses", "addresses such as 192.0.2.1 or 2001:db8::1",
        "192.0.2.1、2001:db8::1 のようなアドレスの並び",
        address, true, 0, 0, read_address, write_address),
    [CONF_NETWORKS] = TYPE("networks", "networks such as 192.0.2.0/24 or 2001:db8::/32",
        "192.0.2.0/24、2001:db8::/32 のようなネットワークの並び",
        network, true, 0, 0, read_network, write_network),
    [CONF_HOST_PORT] = TYPE("host and port",
        "a host such as mail.example.jp or mail.example.jp:587",
        "mail.example.jp、mail.example.jp:587 のようなホスト",
        host_port, false, 0, 0, conf_read_host_port, conf_write_host_port),
    [CONF_ROUTES] = TYPE("routes",
        "a domain (or .domain for those below it, or * for all others), then a host with or without "
        ":port (or mx for what DNS says), then if wanted user=NAME and "
        "tls=never, may, encrypt or verify",
        "ドメイン（.ドメイン はそのサブドメインすべて、* はその他すべて）、ホスト（:ポート を付けられます。mx なら DNS に従います）、必要なら user=名前 と tls=never、may、encrypt、verify のいずれか",
        route, true, 0, 0, conf_read_route, conf_write_route),
    [CONF_MAILBOXES] = TYPE("mailboxes",
        "some of drafts, sent, junk, trash and archive, each with =NAME behind it if wanted",
        "drafts、sent、junk、trash、archive のうち必要なもの（それぞれ後ろに =名前 を付けられます）",
        mailbox, true, 0, 0, conf_read_mailbox, conf_write_mailbox),
    [CONF_SENDERS] = TYPE("senders",
        "a domain (or .domain for those below it), then the reason in up to 200 bytes",
        "ドメイン（.ドメイン はそのサブドメインすべて）と、その理由（200 バイトまで）",
        sender, true, 0, 0, conf_read_sender, conf_write_sender),
};
/* clang-format on */
