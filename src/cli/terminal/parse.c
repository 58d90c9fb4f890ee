/* SPDX-License-Identifier: ISC */
/*
 * One pass over the words. The first words that are no options name the command; what belongs to
 * every command may stand before it or behind. "--" ends the options. An option that may be given
 * several times takes all words up to the next option ("--domain a.test b.test").
 */
#include "cli/command.h"
#include "cli/terminal/format.h"
#include "message/queue_id.h"
#include "message/text.h"

struct parse {
    char *const *words;
    size_t count, at;
    bool plain; /* behind "--" */
    struct arena *arena;
    struct cli_call *call;
    struct problem *problem;
    size_t room;
};

/* ------------------------------------------------------------------ the table */

const struct cli_command *cli_command_find(const struct cli_table *table, struct slice name) {
    for (size_t i = 0; i < table->count; i++) {
        if (slice_eq(name, slice_of_str(table->commands[i]->name)))
            return table->commands[i];
    }
    return NULL;
}

bool cli_command_is_group(const struct cli_command *c) {
    return !c->run && !c->run_in_fiber;
}

bool cli_command_is_in(const struct cli_command *c, const struct cli_command *group) {
    struct slice name = slice_of_str(c->name), prefix = slice_of_str(group->name);
    return slice_starts(name, prefix) && name.len > prefix.len && name.ptr[prefix.len] == ' ';
}

static const struct cli_parameter *find_option(const struct cli_parameter *list, struct slice name,
                                               char short_name) {
    for (; list && list->name; list++) {
        if (list->form == CLI_ARGUMENT)
            continue;
        if (short_name ? list->short_name == short_name : slice_eq(name, slice_of_str(list->name)))
            return list;
    }
    return NULL;
}

static const struct cli_parameter *next_argument(const struct parse *p) {
    const struct cli_parameter *list = p->call->command ? p->call->command->parameters : NULL;
    for (; list && list->name; list++) {
        bool taken = false;
        for (size_t i = 0; i < p->call->count; i++)
            taken |= p->call->given[i].parameter == list;
        if (list->form == CLI_ARGUMENT && (!taken || list->many))
            return list;
    }
    return NULL;
}

/* ------------------------------------------------------------------ did you mean */

/*
 * Whether a slip of the fingers made one word of the other: a letter too few, one too many, or two
 * that changed places. A letter that is another one does not count, nor do two slips: what comes of
 * those may be what somebody meant, and another action ("remote", "resume" and "remove").
 */
static bool is_slip(struct slice typed, struct slice meant) {
    size_t same = 0;
    while (same < MIN(typed.len, meant.len) && typed.ptr[same] == meant.ptr[same])
        same++;
    typed = slice_from(typed, same);
    meant = slice_from(meant, same);
    if (typed.len == meant.len)
        return typed.len >= 2 && typed.ptr[0] == meant.ptr[1] && typed.ptr[1] == meant.ptr[0] &&
               slice_eq(slice_from(typed, 2), slice_from(meant, 2));
    if (typed.len == meant.len + 1)
        return slice_eq(slice_from(typed, 1), meant);
    return typed.len + 1 == meant.len && slice_eq(typed, slice_from(meant, 1));
}

/* The only name that the word may be a slip of, of those that were considered. */
struct guess {
    struct slice word;
    const char *name;
    bool several;
};

static void consider(struct guess *g, const char *word, const char *name) {
    if (!is_slip(g->word, slice_of_str(word)))
        return;
    g->several |= g->name != NULL;
    g->name = name;
}

/* Among the commands of a group, or those that stand in none. */
static const char *near_command(const struct cli_table *table, const struct cli_command *group,
                                struct slice word) {
    struct guess g = {.word = word};
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_command *c = table->commands[i];
        if (group && cli_command_is_in(c, group))
            consider(&g, c->name + strlen(group->name) + 1, c->name);
        else if (!group && !strchr(c->name, ' '))
            consider(&g, c->name, c->name);
    }
    return g.several ? NULL : g.name;
}

static const char *near_option(const struct parse *p, struct slice word) {
    struct guess g = {.word = word};
    const struct cli_parameter *lists[] = {p->call->table->globals,
                                           p->call->command ? p->call->command->parameters : NULL};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        for (const struct cli_parameter *o = lists[i]; o && o->name; o++) {
            if (o->form != CLI_ARGUMENT)
                consider(&g, o->name, o->name);
        }
    }
    return g.several ? NULL : g.name;
}

/* ------------------------------------------------------------------ values */

static int fault(struct parse *p, const char *format, ...) PRINTF_LIKE(2, 3);
static int fault(struct parse *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)problem_set_v(p->problem, -E_SYNTAX, format, args);
    va_end(args);
    return -E_SYNTAX;
}

static struct slice shown(struct parse *p, struct slice text) {
    struct buf b = {0};
    text_add(&b, slice_first(text, 200));
    struct slice copy = arena_copy(p->arena, buf_slice(&b));
    buf_done(&b);
    return copy;
}

static int read_choice(struct parse *p, const struct cli_parameter *parameter, struct slice text,
                       uint64_t *ret) {
    _cleanup_(buf_done) struct buf list = {0};
    for (size_t i = 0; parameter->choices[i]; i++) {
        if (slice_eq(text, slice_of_str(parameter->choices[i]))) {
            *ret = i;
            return 0;
        }
        buf_printf(&list, "%s%s", i > 0 ? ", " : "", parameter->choices[i]);
    }
    return fault(p, _("found \"%.*s\", expected one of %s"), SLICE_ARG(shown(p, text)),
                 buf_str(&list));
}

static int read_value(struct parse *p, const struct cli_parameter *parameter, struct slice text,
                      uint64_t *ret) {
    const char *dashes = parameter->form == CLI_ARGUMENT ? "" : "--";
    uint64_t max = parameter->max > 0 ? parameter->max : INT64_MAX;
    switch (parameter->kind) {
    case CLI_NUMBER:
        if (slice_to_u64(text, max, ret) < 0 || *ret < parameter->min)
            return fault(p, _("%s%s: found \"%.*s\", expected a number from %llu to %llu"), dashes,
                         parameter->name, SLICE_ARG(shown(p, text)),
                         (unsigned long long)parameter->min, (unsigned long long)max);
        return 0;
    case CLI_SIZE:
        if (format_parse_size(text, ret) < 0)
            return fault(p, _("%s%s: found \"%.*s\", expected a size such as 500M or 2G, or none"),
                         dashes, parameter->name, SLICE_ARG(shown(p, text)));
        return 0;
    case CLI_MESSAGE:
        if (queue_id_parse(text, ret) < 0)
            return fault(p,
                         _("\"%.*s\" is not the id of a message, which has %d letters and digits"),
                         SLICE_ARG(shown(p, text)), QUEUE_ID_DIGITS);
        return 0;
    case CLI_CHOICE:
        return read_choice(p, parameter, text, ret);
    case CLI_TEXT:
    case CLI_PATH:
        break;
    }
    return 0;
}

/* The options of every command go to fields of their own. */
static bool take_global(struct cli_call *call, const struct cli_parameter *parameter,
                        struct slice text) {
    const struct cli_parameter *global = call->table->globals;
    while (global->name && global != parameter)
        global++;
    if (!global->name)
        return false;
    if (global->short_name == 'C')
        call->directory = text.ptr;
    else if (global->short_name == 'h')
        call->help = true;
    else if (global->short_name == 'V')
        call->version = true;
    else if (slice_eq(slice_of_str(global->name), S("wide")))
        call->wide = true;
    else
        call->json = true;
    return true;
}

static int take(struct parse *p, const struct cli_parameter *parameter, struct slice text) {
    struct cli_call *call = p->call;
    uint64_t number = 0;
    int r = parameter->form == CLI_FLAG ? 0 : read_value(p, parameter, text, &number);
    if (r < 0 || take_global(p->call, parameter, text))
        return r;
    for (size_t i = 0; i < call->count && !parameter->many; i++) {
        if (call->given[i].parameter == parameter)
            return fault(p, _("--%s is given twice"), parameter->name);
    }
    if (call->count == p->room) {
        size_t room = MAX(p->room * 2, (size_t)16);
        struct cli_given *bigger = arena_array(p->arena, room, sizeof *bigger);
        if (call->count > 0)
            memcpy(bigger, call->given, call->count * sizeof *bigger);
        call->given = bigger;
        p->room = room;
    }
    call->given[call->count++] = (struct cli_given){parameter, text, number};
    return 0;
}

/* ------------------------------------------------------------------ words */

static bool is_option(const char *word) {
    return word[0] == '-' && word[1] != '\0';
}

/* The value of an option: behind "=" or the letter, or the next word (and more for `many`). */
static int take_option(struct parse *p, const struct cli_parameter *o, const char *attached) {
    if (o->form == CLI_FLAG)
        return attached ? fault(p, _("--%s takes no value"), o->name)
                        : take(p, o, (struct slice){"", 0});
    if (attached)
        return take(p, o, slice_of_str(attached));
    if (p->at == p->count)
        return fault(p, _("--%s: expected %s behind it"), o->name, o->value);
    int r = take(p, o, slice_of_str(p->words[p->at++]));
    while (r == 0 && o->many && p->at < p->count && !is_option(p->words[p->at]))
        r = take(p, o, slice_of_str(p->words[p->at++]));
    return r;
}

static int unknown_option(struct parse *p, struct slice word) {
    const struct cli_command *c = p->call->command;
    const char *near = slice_starts(word, S("--")) ? near_option(p, slice_from(word, 2)) : NULL;
    const char *behind = c ? c->name : "hayauma";
    struct slice text = shown(p, word);
    if (near)
        return fault(p, _("%s has no option %.*s; did you mean --%s?"), behind, SLICE_ARG(text),
                     near);
    return fault(p, _("%s has no option %.*s"), behind, SLICE_ARG(text));
}

static int read_option(struct parse *p, const char *word) {
    const struct cli_parameter *own = p->call->command ? p->call->command->parameters : NULL;
    struct slice name = slice_of_str(word + 2);
    char short_name = word[1] == '-' ? '\0' : word[1];
    const char *attached = NULL;
    if (short_name) {
        attached = word[2] != '\0' ? word + 2 : NULL;
    } else {
        ssize_t equals = slice_find_byte(name, '=');
        attached = equals >= 0 ? name.ptr + equals + 1 : NULL;
        name = equals >= 0 ? slice_first(name, (size_t)equals) : name;
    }
    const struct cli_parameter *o = find_option(own, name, short_name);
    o = o ? o : find_option(p->call->table->globals, name, short_name);
    if (!o)
        return unknown_option(p, short_name ? slice_first(slice_of_str(word), 2)
                                            : slice_first(slice_of_str(word), name.len + 2));
    return take_option(p, o, attached);
}

/* Words name a command as long as there are commands in the group named so far. */
static int read_command(struct parse *p, const char *word) {
    const struct cli_command *group = p->call->command;
    struct slice name =
        group ? arena_printf(p->arena, "%s %s", group->name, word) : slice_of_str(word);
    const struct cli_command *found = cli_command_find(p->call->table, name);
    if (found) {
        p->call->command = found;
        return 0;
    }
    const char *near = near_command(p->call->table, group, slice_of_str(word));
    struct slice text = shown(p, name);
    if (!group && strcmp(word, "start") == 0)
        return fault(p, _("there is no command \"start\": systemctl start hayauma.socket"
                          " hayauma.service does it, without systemd hayauma run"));
    if (!group && strcmp(word, "restart") == 0) /* the socket unit cannot be, beside the service */
        return fault(p, _("there is no command \"restart\": systemctl restart hayauma.service does"
                          " it, without systemd hayauma stop and then hayauma run"));
    if (near)
        return fault(p, _("there is no command \"%.*s\"; did you mean %s?"), SLICE_ARG(text), near);
    return fault(p,
                 _("there is no command \"%.*s\"; hayauma %s%s--help lists those that there are"),
                 SLICE_ARG(text), group ? group->name : "", group ? " " : "");
}

static int read_word(struct parse *p, const char *word) {
    if (!p->plain && slice_eq(slice_of_str(word), S("--"))) {
        p->plain = true;
        return 0;
    }
    if (!p->plain && is_option(word))
        return read_option(p, word);
    if (!p->call->command || cli_command_is_group(p->call->command))
        return read_command(p, word);
    const struct cli_parameter *argument = next_argument(p);
    if (!argument)
        return fault(p, _("\"%.*s\" is one word too many"),
                     SLICE_ARG(shown(p, slice_of_str(word))));
    return take(p, argument, slice_of_str(word));
}

/* ------------------------------------------------------------------ the whole */

static int check_complete(struct parse *p) {
    const struct cli_command *c = p->call->command;
    if (!c)
        return fault(p, _("no command was given"));
    if (cli_command_is_group(c))
        return fault(p, _("which %s command? See hayauma %s --help"), c->name, c->name);
    for (const struct cli_parameter *o = c->parameters; o && o->name; o++) {
        bool needed = o->form == CLI_ARGUMENT ? !o->optional : o->required;
        if (needed && !cli_has(p->call, o->name))
            return fault(p, o->form == CLI_ARGUMENT ? _("%s is missing") : _("--%s is missing"),
                         o->name);
    }
    return 0;
}

int cli_parse(const struct cli_table *table, int count, char *const *words, struct arena *a,
              struct cli_call *ret, struct problem *problem) {
    struct parse p = {
        .words = words, .count = (size_t)count, .arena = a, .call = ret, .problem = problem};
    int r = 0;
    *ret = (struct cli_call){.table = table};
    while (r == 0 && p.at < p.count) {
        const char *word = words[p.at++];
        r = read_word(&p, word);
    }
    if (r == 0 && !ret->help && !ret->version)
        r = check_complete(&p);
    return r;
}

/* ------------------------------------------------------------------ what was given */

static const struct cli_given *find_given(const struct cli_call *call, const char *name) {
    struct slice wanted = slice_of_str(name);
    const struct cli_parameter *o = call->command->parameters;
    while (o && o->name && !slice_eq(wanted, slice_of_str(o->name)))
        o++;
    MUST(o && o->name);
    for (size_t i = 0; i < call->count; i++) {
        if (call->given[i].parameter == o)
            return &call->given[i];
    }
    return NULL;
}

bool cli_has(const struct cli_call *call, const char *name) {
    return find_given(call, name) != NULL;
}

struct slice cli_text(const struct cli_call *call, const char *name) {
    const struct cli_given *given = find_given(call, name);
    return given ? given->text : (struct slice){NULL, 0};
}

uint64_t cli_number(const struct cli_call *call, const char *name, uint64_t otherwise) {
    const struct cli_given *given = find_given(call, name);
    return given ? given->number : otherwise;
}

const struct slice *cli_texts(const struct cli_call *call, const char *name, struct arena *a,
                              size_t *ret_count) {
    const struct cli_given *first = find_given(call, name);
    struct slice *list = arena_array(a, MAX(call->count, (size_t)1), sizeof *list);
    size_t count = 0;
    for (size_t i = 0; first && i < call->count; i++) {
        if (call->given[i].parameter == first->parameter)
            list[count++] = call->given[i].text;
    }
    *ret_count = count;
    return list;
}
