/* SPDX-License-Identifier: ISC */
/* Mailboxes are made, renamed and deleted, and others get rights in them. */
#include "cli/cli.h"
#include "cli/directory/directory_access.h"
#include "cli/mailbox/mailbox_list.h"
#include "cli/terminal/row.h"
#include "conf/setting.h"
#include "role/mail/mail_mailboxes.h"

/* Does it, and tells the event log; an exit code. */
static int change(struct cli *c, const struct rpc_mail_change_mailbox_in *in) WAITS {
    struct problem problem = {0}, untold = {0};
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = access_change_mailbox(x, in, c->arena, &problem);
    if (x && mailbox_access_report(c, x, &untold) < 0)
        cli_print(_("what was done is not in the event log: %s"), problem_words(c->arena, &untold));
    return r < 0 ? cli_fail(r, &problem) : CLI_OK;
}

static struct slice shown(struct cli *c, const char *parameter) {
    return cli_shown(c->arena, cli_text(c->call, parameter));
}

static int cmd_mailbox_create(struct cli *c) WAITS {
    const struct rpc_mail_change_mailbox_in in = {
        .change = MAIL_CREATE_MAILBOX,
        .path = cli_text(c->call, "NAME"),
        .use = cli_has(c->call, "for") ? mailbox_use_role(cli_number(c->call, "for", 0)) : 0,
        .subscribe = true,
    };
    return cli_confirm(c, change(c, &in), _("%.*s has the mailbox %.*s now.\n"),
                       SLICE_ARG(shown(c, "USER@DOMAIN")), SLICE_ARG(shown(c, "NAME")));
}

static int cmd_mailbox_rename(struct cli *c) WAITS {
    const struct rpc_mail_change_mailbox_in in = {
        .change = MAIL_RENAME_MAILBOX,
        .path = cli_text(c->call, "NAME"),
        .to = cli_text(c->call, "NEW-NAME"),
    };
    return cli_confirm(c, change(c, &in), _("The mailbox %.*s is called %.*s now.\n"),
                       SLICE_ARG(shown(c, "NAME")), SLICE_ARG(shown(c, "NEW-NAME")));
}

static int cmd_mailbox_delete(struct cli *c) WAITS {
    const struct rpc_mail_change_mailbox_in in = {
        .change = MAIL_REMOVE_MAILBOX,
        .path = cli_text(c->call, "NAME"),
        .with_messages = cli_has(c->call, "with-messages"),
    };
    return cli_confirm(c, change(c, &in), _("%.*s has the mailbox %.*s no more.\n"),
                       SLICE_ARG(shown(c, "USER@DOMAIN")), SLICE_ARG(shown(c, "NAME")));
}

/* ------------------------------------------------------------------ who may do what */

/* Words for those that are given most, beside the letters of RFC 4314. */
static const struct {
    const char *word, *rights;
} usual[] = {{"none", ""}, {"read", "lrs"}, {"write", "lrswite"}, {"all", "lrswipkxtea"}};

static struct slice letters_of(struct slice given) {
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
        if (slice_eq(given, slice_of_str(usual[i].word)))
            return slice_of_str(usual[i].rights);
    return given;
}

static void write_rights(struct cli *c, const struct rpc_mail_mailbox_rights_out *out) {
    static const struct table_column columns[] = {{N_("WHO")}, {N_("RIGHTS")}};
    _cleanup_(table_done) struct table t = {
        .columns = columns, .count = ARRAY_SIZE(columns), .width = c->width};
    for (size_t i = 0; i < out->rights_count; i++) {
        table_text(&t, out->rights[i].identifier);
        table_text(&t, out->rights[i].rights);
    }
    table_write(&t, &c->out);
    if (out->more > 0)
        buf_printf(&c->out, P_("and %u more\n", "and %u more\n", out->more), out->more);
}

static void write_rights_json(struct cli *c, const struct rpc_mail_mailbox_rights_out *out) {
    struct json j = {.to = &c->out};
    json_array(&j);
    for (size_t i = 0; i < out->rights_count; i++) {
        json_object(&j);
        cli_json_text(&j, "who", out->rights[i].identifier);
        cli_json_text(&j, "rights", out->rights[i].rights);
        json_end(&j);
    }
    json_end(&j);
    buf_add_byte(&c->out, '\n');
}

static int show_rights(struct cli *c) WAITS {
    struct problem problem = {0};
    struct rpc_mail_mailbox_rights_out out = {0};
    _cleanup_(mailbox_access_close_p) struct mailbox_access *x = NULL;
    int r = mailbox_access_open(c, cli_text(c->call, "USER@DOMAIN"), &x, &problem);
    if (r == 0)
        r = access_mailbox_rights(x, cli_text(c->call, "NAME"), c->arena, &out, &problem);
    if (r < 0)
        return cli_fail(r, &problem);
    (c->json ? write_rights_json : write_rights)(c, &out);
    return CLI_OK;
}

/* A word that is misspelt may be letters, too: "reed" would give r, e and d. */
static bool is_each_once(struct slice letters) {
    for (size_t i = 0; i < letters.len; i++)
        if (slice_find_byte(slice_first(letters, i), letters.ptr[i]) >= 0)
            return false;
    return true;
}

/* Rights may be given to who is not there yet; mostly the address is misspelt. */
static void note_who_is_missing(struct cli *c, struct slice who) WAITS {
    struct directory_access *directory = NULL;
    struct account account;
    const struct slice owner = cli_text(c->call, "USER@DOMAIN");
    who = slice_from(who, who.len > 0 && who.ptr[0] == '-');
    if (slice_eq_nocase(who, S("anyone")))
        return;
    if (slice_find_byte(who, '@') < 0)
        who = arena_printf(
            c->arena, "%.*s%.*s", SLICE_ARG(who),
            SLICE_ARG(slice_from(owner, (size_t)MAX(slice_rfind_byte(owner, '@'), (ssize_t)0))));
    if (directory_access_open(c, &directory, NULL) == 0 &&
        access_account_show(directory, who, c->arena, &account, NULL) == -E_UNKNOWN)
        cli_print(_("there is no account %.*s: these rights are for whoever gets that address"),
                  SLICE_ARG(cli_shown(c->arena, who)));
    directory_access_close(directory);
}

static int cmd_mailbox_acl(struct cli *c) WAITS {
    bool who = cli_has(c->call, "WHO");
    if (who && !cli_has(c->call, "RIGHTS")) {
        cli_print(_("say which rights: read, write, all, none, or single ones such as lrs"));
        return CLI_USAGE;
    }
    struct slice rights = who ? letters_of(cli_text(c->call, "RIGHTS")) : S("");
    if (!is_each_once(rights)) {
        cli_print(_("found \"%.*s\", expected read, write, all, none, or rights out of lrswipkxtea,"
                    " each once"),
                  SLICE_ARG(shown(c, "RIGHTS")));
        return CLI_USAGE;
    }
    const struct rpc_mail_change_mailbox_in in = {
        .change = MAIL_SET_RIGHTS,
        .path = cli_text(c->call, "NAME"),
        .to = cli_text(c->call, "WHO"),
        .rights = rights,
    };
    int code = who ? change(c, &in) : CLI_OK;
    if (code == CLI_OK && rights.len > 0)
        note_who_is_missing(c, in.to);
    return code == CLI_OK ? show_rights(c) : code;
}

/* ------------------------------------------------------------------ on the command line */

#define MAILBOX(words) ARGUMENT("NAME", .offers = CLI_OFFER_MAILBOXES, .about = N_(words))

PARAMETERS mailbox_create_parameters[] = {
    ACCOUNT,
    MAILBOX("the mailbox: Work, or Work/2026 for one below Work, which is made, too"),
    OPTION("for", "USE", .kind = CLI_CHOICE, .choices = conf_use_words,
           .about = N_("for what mail programs use it: drafts, sent, junk, trash or archive")),
    END,
};
EXAMPLES mailbox_create_examples[] = {
    "hayauma mailbox create tama@example.jp Work/2026",
    "hayauma mailbox create tama@example.jp 送信済み --for sent",
    NULL,
};
const struct cli_command command_mailbox_create = {
    .name = "mailbox create",
    .about = N_("Makes a mailbox in an account, and subscribes it."),
    .more = N_("Whoever has rights in the mailbox above it has them in the new one. Each use is"
               " that of one mailbox. accounts.mailboxes in the settings says which ones new"
               " accounts begin with."),
    .offline = true,
    .parameters = mailbox_create_parameters,
    .examples = mailbox_create_examples,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_create,
};

PARAMETERS mailbox_rename_parameters[] = {
    ACCOUNT,
    MAILBOX("the mailbox: Work, or Work/2026"),
    ARGUMENT("NEW-NAME", .about = N_("how it is called from now on: Old/Work")),
    END,
};
const struct cli_command command_mailbox_rename = {
    .name = "mailbox rename",
    .about = N_("Gives a mailbox another name, or moves it below another one."),
    .more = N_("What is below it goes along. Messages, rights and subscriptions stay as they are,"
               " so mail programs fetch nothing anew."),
    .offline = true,
    .parameters = mailbox_rename_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_rename,
};

PARAMETERS mailbox_delete_parameters[] = {
    ACCOUNT,
    MAILBOX("the mailbox: Work, or Work/2026"),
    FLAG("with-messages", .about = N_("also when it has messages, which are deleted with it")),
    END,
};
const struct cli_command command_mailbox_delete = {
    .name = "mailbox delete",
    .about = N_("Deletes a mailbox of an account."),
    .more = N_("One that has others below it stays, and so does the INBOX. Its messages can be"
               " brought back for a while with `hayauma mailbox restore`."),
    .offline = true,
    .parameters = mailbox_delete_parameters,
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_delete,
};

PARAMETERS mailbox_acl_parameters[] = {
    ACCOUNT,
    MAILBOX("the mailbox: Work, or Work/2026"),
    ARGUMENT("WHO", .optional = true, .offers = CLI_OFFER_ACCOUNTS,
             .about = N_("the address of an account, or anyone; with - before it rights are taken"
                         " away")),
    ARGUMENT("RIGHTS", .optional = true,
             .about =
                 N_("read, write, all, none, or single ones such as lrs; with + or - before them"
                    " he gets or loses these")),
    END,
};
EXAMPLES mailbox_acl_examples[] = {
    "hayauma mailbox acl tama@example.jp Work",
    "hayauma mailbox acl tama@example.jp Work hana@example.jp read",
    "hayauma mailbox acl tama@example.jp Work -- hana@example.jp -w",
    NULL,
};
const struct cli_command command_mailbox_acl = {
    .name = "mailbox acl",
    .about = N_("Shows who may do what in a mailbox, or changes it."),
    .more = N_(
        "Single rights are those of RFC 4314: l sees the mailbox, r reads, s marks as read, w sets"
        " other flags, i puts messages in, p may be sent to, k makes mailboxes below, x deletes"
        " the mailbox, t marks messages as deleted, e deletes them, a changes this list. read is"
        " lrs, write is lrswite. A new mailbox begins with the list of the one above it. The"
        " owner has all rights unless the list says otherwise, and l and a always."),
    .offline = true,
    .parameters = mailbox_acl_parameters,
    .examples = mailbox_acl_examples,
    .json = "[{\"who\": text, \"rights\": text}]",
    .exits = NOT_FOUND | REFUSED | SETTINGS | BUSY,
    .stage = CLI_READS,
    .run_in_fiber = cmd_mailbox_acl,
};
