/* SPDX-License-Identifier: ISC */
/*
 * Completion: a shell function that says, for the command named so far, which words may come next,
 * as a case for each row; around it the few lines that each shell needs. Words are plain: letters,
 * digits and dashes, so nothing needs quoting; of accounts and the like, for which the program is
 * asked, only those are offered that are plain, too: of mailboxes all that mean nothing to a shell.
 * The program has three seconds; what goes wrong is not said, for it would stand in the line.
 */
#include "cli/help/docs.h"
#include "conf/setting.h"

/* The command that lists what there is, and the member of its JSON. */
static const struct {
    const char *command, *member;
} lists[CLI_OFFERS] = {
    [CLI_OFFER_ACCOUNTS] = {"account list", "address"},
    [CLI_OFFER_REMOVED] = {"account list --removed", "address"},
    [CLI_OFFER_DOMAINS] = {"domain list", "name"},
    [CLI_OFFER_ALIASES] = {"alias list", "address"},
    [CLI_OFFER_MESSAGES] = {"queue list", "id"},
    [CLI_OFFER_MAILBOXES] = {"mailbox list \"$account\"", "name"},
};

/* What of them is plain, as what grep is told. */
#define PLAIN_NAMES     "-x '[A-Za-z0-9@._+=-]*'"
#define PLAIN_MAILBOXES "-v '[][[:space:]\"$&()*;<>?`{|}!#~\\'\\'']\\|^-'"

static void add_options(const struct cli_parameter *list, struct buf *to) {
    for (; list && list->name; list++) {
        if (list->form != CLI_ARGUMENT)
            buf_printf(to, " --%s", list->name);
        if (list->form != CLI_ARGUMENT && list->short_name)
            buf_printf(to, " -%c", list->short_name);
    }
}

/* What the first argument of a fixed list may be, and the commands of a group. */
static void add_words(const struct cli_table *table, const struct cli_command *c, struct buf *to) {
    for (size_t i = 0; i < table->count; i++) {
        if (cli_command_is_in(table->commands[i], c))
            buf_printf(to, " %s", table->commands[i]->name + strlen(c->name) + 1);
    }
    for (const struct cli_parameter *p = c->parameters; p && p->name; p++) {
        for (size_t i = 0; p->form == CLI_ARGUMENT && p->kind == CLI_CHOICE && p->choices[i]; i++)
            buf_printf(to, " %s", p->choices[i]);
        for (size_t i = 0; p->offers == CLI_OFFER_SETTINGS && i < conf_setting_count; i++) {
            char name[CONF_NAME_SIZE];
            buf_printf(to, " %.*s", SLICE_ARG(conf_setting_name(&conf_settings[i], name)));
        }
    }
}

static void add_case(const char *name, struct slice words, struct buf *to) {
    buf_printf(to, "    '%s') echo '%.*s' ;;\n", name, SLICE_ARG(slice_trim(words)));
}

static void add_words_function(const struct cli_table *table, struct buf *to) {
    buf_add_str(to, "# The words that may follow a command.\n"
                    "_hayauma_words() {\n"
                    "    case $1 in\n");
    _cleanup_(buf_done) struct buf top = {0};
    for (size_t i = 0; i < table->count; i++) {
        if (!strchr(table->commands[i]->name, ' '))
            buf_printf(&top, " %s", table->commands[i]->name);
    }
    add_options(table->globals, &top);
    add_case("", buf_slice(&top), to);
    for (size_t i = 0; i < table->count; i++) {
        _cleanup_(buf_done) struct buf words = {0};
        add_words(table, table->commands[i], &words);
        add_options(table->commands[i]->parameters, &words);
        add_options(table->globals, &words);
        add_case(table->commands[i]->name, buf_slice(&words), to);
    }
    buf_add_str(to, "    esac\n}\n\n");
}

/* "file", "mailboxes" or the choices for the value of an option; "none" where nothing can be said.
 */
static void add_value_cases(const char *command, const struct cli_parameter *list, struct buf *to) {
    for (; list && list->name; list++) {
        _cleanup_(buf_done) struct buf values = {0};
        if (list->form != CLI_OPTION)
            continue;
        if (list->kind == CLI_PATH)
            buf_add_str(&values, "file");
        if (list->offers == CLI_OFFER_MAILBOXES)
            buf_add_str(&values, "mailboxes");
        for (size_t i = 0; list->kind == CLI_CHOICE && list->choices[i]; i++)
            buf_printf(&values, " %s", list->choices[i]);
        if (values.len == 0)
            buf_add_str(&values, "none");
        buf_printf(to, "    '%s --%s'", command, list->name);
        if (list->short_name)
            buf_printf(to, " | '%s -%c'", command, list->short_name);
        buf_printf(to, ") echo '%.*s' ;;\n", SLICE_ARG(slice_trim(buf_slice(&values))));
    }
}

static void add_values_function(const struct cli_table *table, struct buf *to) {
    buf_add_str(to,
                "# What follows an option: words, \"file\", \"mailboxes\" or \"none\"; nothing\n"
                "# for a flag.\n"
                "_hayauma_values() {\n"
                "    case \"$1 $2\" in\n");
    for (size_t i = 0; i < table->count; i++)
        add_value_cases(table->commands[i]->name, table->commands[i]->parameters, to);
    buf_add_str(to, "    *' -C' | *' --directory') echo file ;;\n"
                    "    esac\n}\n\n");
}

static void add_files_function(const struct cli_table *table, struct buf *to) {
    buf_add_str(to, "# Whether an argument of the command is a file.\n"
                    "_hayauma_takes_files() {\n"
                    "    case $1 in\n");
    for (size_t i = 0; i < table->count; i++) {
        for (const struct cli_parameter *p = table->commands[i]->parameters; p && p->name; p++) {
            if (p->form == CLI_ARGUMENT && p->kind == CLI_PATH)
                buf_printf(to, "    '%s') return 0 ;;\n", table->commands[i]->name);
        }
    }
    buf_add_str(to, "    esac\n    return 1\n}\n\n");
}

/* An argument is offered in its place, and where several may stand, behind it, too. */
static void add_known_cases(const struct cli_command *c, struct buf *to) {
    unsigned place = 0;
    for (const struct cli_parameter *p = c->parameters; p && p->name; p++) {
        const char *command = lists[p->offers].command;
        if (p->form != CLI_ARGUMENT)
            continue;
        if (command && p->many)
            buf_printf(to, "    '%s '*)", c->name);
        else if (command)
            buf_printf(to, "    '%s %u')", c->name, place);
        if (command && p->offers == CLI_OFFER_MAILBOXES)
            buf_add_str(to, " _hayauma_mailboxes \"$program\" \"$account\" \"$@\" ;;\n");
        else if (command)
            buf_printf(to, " _hayauma_ask \"$program\" %s %s \"$@\" | grep " PLAIN_NAMES " ;;\n",
                       lists[p->offers].member, command);
        place++;
    }
}

/* They are asked for with the options that say where the server is. */
static void add_known_function(const struct cli_table *table, struct buf *to) {
    buf_printf(to,
               "# What there is: asks the program, $1, with the words behind the name of a\n"
               "# member of its JSON.\n"
               "_hayauma_ask() {\n"
               "    local program=$1 member=$2\n"
               "    shift 2\n"
               "    timeout 3 \"$program\" \"$@\" --json 2>/dev/null </dev/null |\n"
               "        grep -o \"\\\"$member\\\":\\\"[^\\\"]*\\\"\" | cut -d '\"' -f 4\n"
               "}\n\n"
               "# The mailboxes of an account, but for names that mean something to a shell.\n"
               "_hayauma_mailboxes() {\n"
               "    local program=$1 account=$2\n"
               "    shift 2\n"
               "    _hayauma_ask \"$program\" %s %s \"$@\" | grep %s\n"
               "}\n\n"
               "# What an argument may be: the program, the command, how many arguments stand\n"
               "# before it, the first of these, where the server is.\n"
               "_hayauma_known() {\n"
               "    local program=$1 command=\"$2 $3\" account=$4\n"
               "    shift 4\n"
               "    case $command in\n",
               lists[CLI_OFFER_MAILBOXES].member, lists[CLI_OFFER_MAILBOXES].command,
               PLAIN_MAILBOXES);
    for (size_t i = 0; i < table->count; i++)
        add_known_cases(table->commands[i], to);
    buf_add_str(to, "    esac\n}\n\n");
}

static void add_groups_function(const struct cli_table *table, struct buf *to) {
    buf_add_str(to, "# Whether another word of the command's name is to come.\n"
                    "_hayauma_is_group() {\n"
                    "    case $1 in\n    ''");
    for (size_t i = 0; i < table->count; i++) {
        if (cli_command_is_group(table->commands[i]))
            buf_printf(to, " | '%s'", table->commands[i]->name);
    }
    buf_add_str(
        to, ") return 0 ;;\n    esac\n    return 1\n}\n\n"
            "# Of the words before the one being typed: the command, how many arguments it has,\n"
            "# and the first of them, as variables of the caller.\n"
            "_hayauma_parse() {\n"
            "    local skip='' word\n"
            "    name='' account='' arguments=0\n"
            "    for word in \"$@\"; do\n"
            "        if [ -n \"$skip\" ]; then\n"
            "            skip=''\n"
            "            continue\n"
            "        fi\n"
            "        case $word in\n"
            "        -*) [ -n \"$(_hayauma_values \"$name\" \"$word\")\" ] && skip=1 ;;\n"
            "        *) if _hayauma_is_group \"$name\"; then\n"
            "            name=\"${name:+$name }$word\"\n"
            "        else\n"
            "            account=${account:-$word}\n"
            "            arguments=$((arguments + 1))\n"
            "        fi ;;\n"
            "        esac\n"
            "    done\n"
            "}\n\n"
            "# The directory that the words name.\n"
            "_hayauma_where() {\n"
            "    while [ $# -gt 0 ]; do\n"
            "        case $1 in\n"
            "        -C | --directory) echo \"$2\"; shift ;;\n"
            "        -C*) echo \"${1#-C}\" ;;\n"
            "        --directory=*) echo \"${1#--directory=}\" ;;\n"
            "        esac\n"
            "        shift\n"
            "    done | tail -n 1\n"
            "}\n\n");
}

void docs_bash(const struct cli_table *table, struct buf *to) {
    buf_add_str(to, "# bash completion for hayauma; made by `hayauma completion bash`\n\n");
    add_words_function(table, to);
    add_values_function(table, to);
    add_files_function(table, to);
    add_known_function(table, to);
    add_groups_function(table, to);
    buf_add_str(
        to,
        "_hayauma() {\n"
        "    local typed=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    local name account arguments values words where plain=''\n"
        "    _hayauma_parse \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"\n"
        "    where=$(_hayauma_where \"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n"
        "    values=$(_hayauma_values \"$name\" \"$before\")\n"
        "    COMPREPLY=()\n"
        "    case $values in\n"
        "    file) compopt -o filenames 2>/dev/null\n"
        "        COMPREPLY=($(compgen -f -- \"$typed\")) ;;\n"
        "    none) ;;\n"
        "    mailboxes) COMPREPLY=($(compgen -W \"$(_hayauma_mailboxes \"${COMP_WORDS[0]}\""
        " \"$account\" ${where:+-C \"$where\"})\" -- \"$typed\")) ;;\n"
        "    '') words=$(_hayauma_words \"$name\")\n"
        "        [ \"${typed#-}\" != \"$typed\" ] || words+=\" $(_hayauma_known"
        " \"${COMP_WORDS[0]}\" \"$name\" \"$arguments\" \"$account\""
        " ${where:+-C \"$where\"})\"\n"
        "        # Options only when they are asked for, or there is nothing else.\n"
        "        [ -n \"$typed\" ] || plain=$(printf '%s\\n' $words | grep -v '^-')\n"
        "        COMPREPLY=($(compgen -W \"${plain:-$words}\" -- \"$typed\"))\n"
        "        _hayauma_takes_files \"$name\" && COMPREPLY+=($(compgen -f -- \"$typed\")) ;;\n"
        "    *) COMPREPLY=($(compgen -W \"$values\" -- \"$typed\")) ;;\n"
        "    esac\n"
        "}\n"
        "# An address is one word.\n"
        "COMP_WORDBREAKS=${COMP_WORDBREAKS//@/}\n"
        "complete -F _hayauma hayauma\n");
}

void docs_zsh(const struct cli_table *table, struct buf *to) {
    buf_add_str(to, "#compdef hayauma\n"
                    "# zsh completion for hayauma; made by `hayauma completion zsh`\n\n");
    add_words_function(table, to);
    add_values_function(table, to);
    add_files_function(table, to);
    add_known_function(table, to);
    add_groups_function(table, to);
    buf_add_str(to,
                "_hayauma() {\n"
                "    local name account arguments values where\n"
                "    local -a offered\n"
                "    _hayauma_parse \"${(@)words[2,CURRENT-1]}\"\n"
                "    where=$(_hayauma_where \"${(@)words[2,CURRENT-1]}\")\n"
                "    values=$(_hayauma_values \"$name\" \"${words[CURRENT-1]}\")\n"
                "    case $values in\n"
                "    file) _files ;;\n"
                "    none) ;;\n"
                "    mailboxes) compadd -- ${=\"$(_hayauma_mailboxes \"${words[1]}\" \"$account\""
                " ${where:+-C} ${where:+\"$where\"})\"} ;;\n"
                "    '') offered=(${=\"$(_hayauma_words \"$name\")\"})\n"
                "        # Options only when they are asked for.\n"
                "        [[ $PREFIX == -* ]] || offered=(${offered:#-*})\n"
                "        compadd -- $offered\n"
                "        compadd -- ${=\"$(_hayauma_known \"${words[1]}\" \"$name\""
                " \"$arguments\" \"$account\""
                " ${where:+-C} ${where:+\"$where\"})\"}\n"
                "        _hayauma_takes_files \"$name\" && _files ;;\n"
                "    *) compadd -- ${=values} ;;\n"
                "    esac\n"
                "}\n"
                "_hayauma \"$@\"\n");
}
