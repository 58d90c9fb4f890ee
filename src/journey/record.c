/* SPDX-License-Identifier: ISC */
/*
 * Roles have codes of their own in records, since their numbers in the program may change. A code
 * that is newer than this program comes back as a name like "kind-90", so that an event log can be
 * read after a step back.
 */
#include "journey/record.h"

#include "base/bytes.h"
#include "events/kinds.h"
#include "message/words.h"

#define VERSION 1
#define CUT     S("...")

/* As in the schema. */
#define KIND_NAME_MAX 48
#define FACT_NAME_MAX 32

/* Roles by their code: new ones are added at the end. */
static const char *const stored_roles[] = {"?",    "master", "edge",  "directory",
                                           "keys", "queue",  "relay", "resolver",
                                           "mail", "events", "scan",  "fetcher"};

/* ------------------------------------------------------------------ dialogues */

/* What the server is being told. */
enum secrecy { OPEN_TALK, LOGIN_TALK, MESSAGE_TALK };

static struct slice first_words(struct slice line, unsigned count) {
    struct slice rest = line, word;
    const char *end = line.ptr;
    while (count-- > 0 && slice_next_word(&rest, &word))
        end = word.ptr + word.len;
    return slice_of(line.ptr, (size_t)(end - line.ptr));
}

/* Words of a command that may be shown, by its name; the rest is for the server alone. */
static unsigned words_to_show(struct slice command) {
    static const struct {
        struct slice name;
        unsigned words;
    } secret[] = {{{"AUTH", 4}, 2}, {{"PASS", 4}, 1}, {{"APOP", 4}, 2}};
    struct slice name = first_words(command, 1);
    for (size_t i = 0; i < ARRAY_SIZE(secret); i++) {
        if (slice_eq_nocase(slice_trim(name), secret[i].name))
            return secret[i].words;
    }
    return 0;
}

static void clean_command(struct buf *to, struct slice command, enum secrecy *state) {
    unsigned words = words_to_show(command);
    if (*state == OPEN_TALK && words == 0) {
        buf_add(to, S("C: "));
        buf_add(to, command);
    } else if (*state == OPEN_TALK) {
        struct slice shown = first_words(command, words);
        buf_add(to, S("C: "));
        buf_add(to, shown);
        if (slice_trim(slice_from(command, shown.len)).len > 0)
            buf_add(to, S(" ***"));
        *state = LOGIN_TALK;
    } else if (*state == LOGIN_TALK) {
        buf_add(to, S("C: ***"));
    } else if (slice_eq(command, S("."))) {
        buf_add(to, S("C: ."));
    } else {
        return;
    }
    buf_add_byte(to, '\n');
}

void event_clean_dialogue(struct buf *to, struct slice dialogue) {
    enum secrecy state = OPEN_TALK;
    struct slice line;
    while (slice_next(&dialogue, '\n', &line)) {
        if (line.len == 0)
            continue;
        if (slice_starts_nocase(line, S("C:"))) {
            clean_command(to, slice_trim_lines(slice_from(line, 2)), &state);
        } else if (slice_starts_nocase(line, S("S:"))) {
            struct slice reply = slice_trim_lines(slice_from(line, 2));
            if (state == LOGIN_TALK && slice_starts(reply, S("334")))
                reply = slice_first(reply, 3); /* the challenge is not shown */
            else
                state = slice_starts(reply, S("354")) ? MESSAGE_TALK : OPEN_TALK;
            buf_add(to, S("S: "));
            buf_add(to, reply);
            buf_add_byte(to, '\n');
        } else if (slice_starts(line, S("-- "))) { /* another host */
            state = OPEN_TALK;
            buf_add(to, S("-- "));
            buf_add(to, slice_trim_lines(slice_from(line, 3)));
            buf_add_byte(to, '\n');
        } else if (slice_eq(slice_trim_lines(line), CUT)) {
            buf_add(to, S("...\n"));
        }
    }
}

/* ------------------------------------------------------------------ writing */

static void add_length(struct buf *to, size_t len) {
    for (; len >= 128; len >>= 7)
        buf_add_u8(to, (uint8_t)(len | 128));
    buf_add_u8(to, (uint8_t)len);
}

/* The front of a text, not cut inside of a UTF-8 character. */
static struct slice cut(struct slice s, size_t max) {
    size_t len = MIN(s.len, max);
    while (len > 0 && len < s.len && ((uint8_t)s.ptr[len] & 0xc0) == 0x80)
        len--;
    return slice_first(s, len);
}

static void add_text(struct buf *to, struct slice s, size_t max) {
    if (s.len <= max) {
        add_length(to, s.len);
        buf_add(to, s);
        return;
    }
    s = cut(s, max - MIN(max, CUT.len));
    add_length(to, s.len + CUT.len);
    buf_add(to, s);
    buf_add(to, CUT);
}

static void add_name(struct buf *to, uint8_t code, struct slice name, size_t max) {
    buf_add_u8(to, code);
    if (code > 0)
        return;
    name = cut(name, max);
    buf_add_u8(to, (uint8_t)name.len);
    buf_add(to, name);
}

static bool said_before(const struct event *in, size_t i) {
    for (size_t k = 0; k < i; k++) {
        if (slice_eq(in->facts[k].name, in->facts[i].name))
            return true;
    }
    return false;
}

static void add_fact(struct buf *to, const struct event_fact *f, size_t room) {
    const struct fact *fact = fact_find(f->name);
    size_t max = MIN(room, (size_t)EVENT_VALUE_MAX);
    add_name(to, fact ? fact->code : 0, f->name, FACT_NAME_MAX);
    _cleanup_(buf_done) struct buf changed = {0};
    if (fact && fact->type == FACT_IS_DIALOGUE)
        event_clean_dialogue(&changed, f->value);
    else if (fact && fact->type == FACT_IS_HEADER)
        words_decode(&changed, slice_first(f->value, EVENT_VALUE_MAX));
    else
        return add_text(to, f->value, max);
    add_text(to, buf_slice(&changed), max);
}

/* Beside its value a fact needs its name, a code, and two lengths. */
#define FACT_OVERHEAD 40U

void event_encode(struct buf *to, enum role role, const struct event *in) {
    size_t begin = to->len;
    const struct kind *kind = kind_find(in->kind);
    uint8_t code = ARRAY_SIZE(stored_roles) - 1;
    while (code > 0 && strcmp(stored_roles[code], role_name(role)) != 0)
        code--;
    buf_add_u8(to, VERSION);
    buf_add_u8(to, code);
    add_name(to, kind ? kind->code : 0, in->kind, KIND_NAME_MAX);
    add_text(to, in->text, EVENT_TEXT_MAX);
    size_t count_at = to->len;
    uint8_t count = 0;
    buf_add_u8(to, 0);
    for (size_t i = 0; i < in->fact_count && count < EVENT_FACTS_MAX; i++) {
        size_t used = to->len - begin;
        if (said_before(in, i) || used + FACT_OVERHEAD > EVENT_RECORD_MAX)
            continue;
        add_fact(to, &in->facts[i], EVENT_RECORD_MAX - used - FACT_OVERHEAD);
        count++;
    }
    to->ptr[count_at] = (char)count;
}

/* ------------------------------------------------------------------ reading */

static struct slice read_text(struct reader *r) {
    size_t len = 0;
    for (unsigned shift = 0; shift <= 14; shift += 7) {
        uint8_t b = read_u8(r);
        len |= (size_t)(b & 127) << shift;
        if (b < 128)
            return read_bytes(r, len <= EVENT_VALUE_MAX ? len : SIZE_MAX);
    }
    return read_bytes(r, SIZE_MAX);
}

/* A code that is not 0, or 0 and the name itself. */
static uint8_t read_name(struct reader *r, size_t max, struct slice *ret_name) {
    uint8_t code = read_u8(r);
    size_t len = code == 0 ? read_u8(r) : 0;
    *ret_name = read_bytes(r, len <= max ? len : SIZE_MAX);
    return code;
}

int event_decode(struct slice record, struct arena *a, struct event *ret) {
    struct reader r = {record, false};
    uint8_t version = read_u8(&r), role = read_u8(&r);
    if (r.bad || version == 0)
        return -E_CORRUPT;
    if (version > VERSION)
        return -E_VERSION;
    struct slice kind;
    uint8_t code = read_name(&r, KIND_NAME_MAX, &kind);
    const struct kind *known = kind_of_code(code);
    if (code)
        kind = known ? known->name : arena_printf(a, "kind-%u", code);
    struct slice text = read_text(&r);
    uint8_t count = read_u8(&r);
    if (r.bad || count > EVENT_FACTS_MAX)
        return -E_CORRUPT;
    struct event_fact *fields = arena_array(a, count, sizeof *fields);
    for (size_t i = 0; i < count; i++) {
        code = read_name(&r, FACT_NAME_MAX, &fields[i].name);
        const struct fact *fact = fact_of_code(code);
        if (code)
            fields[i].name = fact ? fact->name : arena_printf(a, "fact-%u", code);
        fields[i].value = read_text(&r);
    }
    if (r.bad || r.rest.len > 0)
        return -E_CORRUPT;
    ret->role = slice_of_str(stored_roles[role < ARRAY_SIZE(stored_roles) ? role : 0]);
    ret->kind = kind;
    ret->text = text;
    ret->facts = fields;
    ret->fact_count = count;
    return 0;
}

bool event_record_is_of(struct slice record, struct slice role) {
    uint8_t code = record.len > 1 ? (uint8_t)record.ptr[1] : 0;
    return code < ARRAY_SIZE(stored_roles) && slice_eq(slice_of_str(stored_roles[code]), role);
}

struct slice event_value(const struct event *e, const char *name) {
    struct slice wanted = slice_of_str(name);
    for (size_t i = 0; i < e->fact_count; i++) {
        if (slice_eq(e->facts[i].name, wanted))
            return e->facts[i].value.ptr ? e->facts[i].value : S("");
    }
    return (struct slice){NULL, 0};
}

bool event_next_address(struct slice *rest, struct slice *ret) {
    struct slice line;
    while (slice_next(rest, '\n', &line)) {
        line = slice_trim_lines(line);
        if (line.len == 0)
            continue;
        *ret = line;
        return true;
    }
    return false;
}
