/* SPDX-License-Identifier: ISC */
/*
 * Finding rows, and guessing what was meant by a name that is none. The table has about a hundred
 * rows and is searched when a file is read: from front to end.
 */
#include "conf/setting.h"

#include "base/error.h"
#include "base/words.h"

enum conf_language conf_language(void) {
    return words_are_japanese() ? CONF_JAPANESE : CONF_ENGLISH;
}

const struct conf_setting *conf_setting_in(enum conf_block_id block, struct slice name) {
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        if (s->block == block && slice_eq(name, slice_of_str(s->name)))
            return s;
    }
    return NULL;
}

enum conf_block_id conf_block_find(struct slice name) {
    for (unsigned i = CONF_TOP + 1; i < CONF_BLOCK_COUNT; i++) {
        const struct conf_block *b = &conf_blocks[i];
        if (slice_eq(name, slice_of_str(b->name)) ||
            (b->former && slice_eq(name, slice_of_str(b->former))))
            return (enum conf_block_id)i;
    }
    return CONF_BLOCK_COUNT;
}

struct slice conf_setting_name(const struct conf_setting *s, char text[static CONF_NAME_SIZE]) {
    struct slice block = slice_of_str(conf_blocks[s->block].name);
    struct slice name = slice_of_str(s->name);
    MUST(block.len + name.len + 2 <= CONF_NAME_SIZE);
    size_t len = 0;
    if (block.len > 0) {
        memcpy(text, block.ptr, block.len);
        text[block.len] = '.';
        len = block.len + 1;
    }
    memcpy(text + len, name.ptr, name.len + 1);
    return slice_of(text, len + name.len);
}

/* ------------------------------------------------------------------ what was meant */

#define NEAR_LEN_MAX 40U

/* The number of letters to add, drop, change, or swap with the next, from one word to the other. */
static unsigned edit_distance(struct slice a, struct slice b) {
    unsigned rows[3][NEAR_LEN_MAX + 1] = {0};
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];
        unsigned *row = rows[i % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned changed = above[j - 1] + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
            unsigned moved = MIN(above[j], row[j - 1]) + 1;
            row[j] = MIN(changed, moved);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1])
                row[j] = MIN(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

/* How far apart, or UINT_MAX when it is too far for a guess: over a third of the letters. */
static unsigned nearness(struct slice name, const char *candidate) {
    struct slice other = slice_of_str(candidate);
    if (name.len == 0 || name.len > NEAR_LEN_MAX || other.len > NEAR_LEN_MAX)
        return UINT32_MAX;
    unsigned distance = edit_distance(name, other);
    return distance <= MAX(name.len, (size_t)3) / 3 ? distance : UINT32_MAX;
}

const struct conf_block *conf_block_suggest(struct slice name) {
    const struct conf_block *best = NULL;
    unsigned least = UINT32_MAX;
    for (unsigned i = CONF_TOP + 1; i < CONF_BLOCK_COUNT; i++) {
        unsigned distance = nearness(name, conf_blocks[i].name);
        if (distance < least) {
            least = distance;
            best = &conf_blocks[i];
        }
    }
    return best;
}

const struct conf_setting *conf_setting_suggest(enum conf_block_id block, struct slice name) {
    const struct conf_setting *best = NULL;
    unsigned least = UINT32_MAX;
    for (size_t i = 0; i < conf_setting_count; i++) {
        const struct conf_setting *s = &conf_settings[i];
        unsigned distance = nearness(name, s->name);
        if (distance == UINT32_MAX)
            continue;
        /* The right name in the wrong block comes before a slip of the pen in the right one. */
        distance = distance * 4 + (s->block == block ? 0 : 1);
        if (distance < least) {
            least = distance;
            best = s;
        }
    }
    return best;
}

/* ------------------------------------------------------------------ full names */

/* A name without its block: good when one block alone has it. */
static const struct conf_setting *find_alone(struct slice name) {
    const struct conf_setting *found = NULL;
    for (size_t i = 0; i < conf_setting_count; i++) {
        if (!slice_eq(name, slice_of_str(conf_settings[i].name)))
            continue;
        if (found)
            return NULL;
        found = &conf_settings[i];
    }
    return found;
}

const struct conf_setting *conf_setting_find(struct slice name, struct problem *problem) {
    struct slice rest = slice_trim(name);
    struct slice last = rest;
    enum conf_block_id block = CONF_TOP;
    ssize_t dot = slice_find_byte(rest, '.');
    if (dot < 0)
        dot = slice_find_byte(rest, ' ');
    if (dot >= 0) {
        block = conf_block_find(slice_first(rest, (size_t)dot));
        last = slice_trim(slice_from(rest, (size_t)dot + 1));
    }
    const struct conf_setting *found = conf_setting_in(block, last);
    if (!found && dot < 0)
        found = find_alone(last);
    if (found)
        return found;
    const struct conf_setting *near = conf_setting_suggest(block, last);
    char text[CONF_NAME_SIZE];
    struct slice shown = conf_shorten(name);
    if (near)
        (void)problem_set(problem, -E_UNKNOWN,
                          _("there is no setting \"%.*s\"; did you mean %.*s?"), SLICE_ARG(shown),
                          SLICE_ARG(conf_setting_name(near, text)));
    else
        (void)problem_set(problem, -E_UNKNOWN, _("there is no setting \"%.*s\""), SLICE_ARG(shown));
    return NULL;
}
