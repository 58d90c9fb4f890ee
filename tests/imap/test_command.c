/* SPDX-License-Identifier: ISC */
/*
 * The grammar of commands, those that search apart.
 */
#include <stdio.h>

#include "parse.h"
#include "unit.h"

#define assert_refused(text, said)                                                                 \
    do {                                                                                           \
        const char *got_ = refusal(text);                                                          \
        if (!strstr(got_, said))                                                                   \
            fail_msg("\"%s\" says: %s", text, got_);                                               \
    } while (0)

static const struct imap_mode before_login = {.state = IMAP_STATE_LOGIN},
                              selected = {.state = IMAP_STATE_SELECTED},
                              selected_utf8 = {.state = IMAP_STATE_SELECTED, .utf8_names = true};

static void rfc9051_9_words_come_in_any_case(void **state) {
    assert_int_equal(parse("noop").verb, IMAP_NOOP);
    assert_int_equal(parse("uId fEtch 1 fLAGS").verb, IMAP_FETCH);
    assert_true(parse("uid fetch 1 flags").uid);
    assert_false(parse("fetch 1 flags").uid);
}

static void every_verb_is_found_by_its_name(void **state) {
    struct arena a = {0};
    for (unsigned i = 0; i < IMAP_VERBS; i++) {
        struct imap_command c;
        struct problem problem;
        struct imap_text text = {.bytes = arena_printf(&a, "a %s", imap_verb_name(i))};
        for (unsigned now = IMAP_STATE_LOGIN; now <= IMAP_STATE_SELECTED; now <<= 1) {
            int r = imap_parse(&text, (struct imap_mode){.state = now}, &a, &c, &problem);
            assert_int_equal(c.verb, i);
            assert_int_equal(r == -E_UNKNOWN, !(imap_verb_states(i) & now));
        }
    }
    arena_done(&a);
}

static void what_is_no_command_is_refused_with_its_tag(void **state) {
    assert_refused("FOO", "unknown command");
    assert_refused("UID FOO", "unknown command");
    assert_refused("UID NOOP", "may follow UID");
    assert_refused("NOOP 1", "the end of the command");
    assert_refused("FETCH", "a space");
    assert_refused("", "a command");
    struct arena a = {0};
    struct imap_command c;
    struct problem problem;
    const char *const odd[] = {"", " NOOP", "*", "+ NOOP", "(a NOOP", "a", "a+b NOOP"};
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        assert_int_equal(imap_parse(&(struct imap_text){.bytes = slice_of_str(odd[i])}, selected,
                                    &a, &c, &problem),
                         -E_SYNTAX);
        assert_int_equal(c.tag.len, 0);
    }
    arena_done(&a);
}

static void rfc9051_3_a_command_is_one_in_its_states_only(void **state) {
    const struct {
        const char *text;
        enum imap_state state;
        const char *said;
    } wrong[] = {
        {"a SEARCH ALL", IMAP_STATE_LOGIN, "log in first"},
        {"a LIST \"\" *", IMAP_STATE_LOGIN, "log in first"},
        {"a FETCH 1 FLAGS", IMAP_STATE_AUTHENTICATED, "select a mailbox first"},
        {"a LOGIN x y", IMAP_STATE_SELECTED, "you are logged in already"},
    };
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct imap_command c;
        struct problem problem;
        struct imap_text text = {.bytes = slice_of_str(wrong[i].text)};
        struct imap_mode mode = {.state = wrong[i].state};
        assert_int_equal(imap_parse(&text, mode, &a, &c, &problem), -E_UNKNOWN);
        assert_string_equal(problem.text, wrong[i].said);
        assert_slice(c.tag, "a");
    }
    arena_done(&a);
}

static void blanks_at_the_end_are_taken(void **state) {
    assert_int_equal(parse("NOOP  ").verb, IMAP_NOOP);
    assert_int_equal(parse("EXPUNGE ").verb, IMAP_EXPUNGE);
    assert_slice(parse("SELECT INBOX ").select.mailbox, "INBOX");
}

/* ------------------------------------------------------------------ strings and names */

static void rfc9051_4_3_strings_have_any_byte_that_they_may(void **state) {
    struct imap_command c = parse("LOGIN {5+}\r\nt\r\n\"( \"a\\\"b\\\\c (]{\"");
    assert_slice(c.login.user, "t\r\n\"(");
    assert_slice(c.login.password, "a\"b\\c (]{");
    c = parse("LOGIN t]a\xe7\x8c\xab \"\xe7\x8c\xab\"");
    assert_slice(c.login.user, "t]a\xe7\x8c\xab");
    assert_slice(c.login.password, "\xe7\x8c\xab");
    assert_slice(parse("LOGIN \"\" {0}\r\n").login.password, "");
    assert_refused("LOGIN a \"b", "a quoted string that ends");
    assert_refused("LOGIN a \"b\r\nc\"", "a quoted string that ends");
    assert_refused("LOGIN a \"b\\", "a quoted string that ends");
    assert_refused("LOGIN a b{", "the end of the command");
    assert_refused("LOGIN a {3}\r\nbc", "a literal");
    assert_refused("LOGIN a {3}bcd", "a literal");
    assert_refused("LOGIN a ~{3}\r\nbcd", "the end");
    assert_refused("LOGIN a  b", "a password");
    assert_refused("LOGIN a", "a space at octet 10");
}

static void rfc9051_9_a_literal_has_no_nul(void **state) {
    struct imap_command c;
    struct problem problem;
    struct arena a = {0};
    struct imap_text text = {.bytes = S("a LOGIN u {3}\r\na\0b")};
    assert_int_equal(imap_parse(&text, before_login, &a, &c, &problem), -E_SYNTAX);
    assert_non_null(strstr(problem.text, "a literal without NUL at octet 11"));
    text.bytes = S("a SETMETADATA \"\" (/shared/x ~{3}\r\na\0b)");
    assert_int_equal(imap_parse(&text, selected, &a, &c, &problem), 0);
    assert_int_equal(c.metadata.entries[0].value.len, 3);
    arena_done(&a);
}

static void rfc9051_5_1_inbox_is_one_in_whatever_case(void **state) {
    assert_slice(parse("SELECT inBox").select.mailbox, "INBOX");
    assert_slice(parse("SELECT \"Inbox\"").select.mailbox, "INBOX");
    assert_slice(parse("SELECT Inbox/x").select.mailbox, "INBOX/x");
    assert_slice(parse("LIST \"\" inbox/%").list.patterns[0], "INBOX/%");
    assert_slice(parse("SELECT Inboxes").select.mailbox, "Inboxes");
    assert_slice(parse("SELECT a/Inbox").select.mailbox, "a/Inbox");
}

static void names_in_modified_utf7_and_in_utf8_are_the_same(void **state) {
    assert_slice(parse("SELECT &TxqLcA-").select.mailbox, "会議");
    assert_slice(parse("SELECT \"会議\"").select.mailbox, "会議");
    assert_slice(parse("SELECT 会議").select.mailbox, "会議");
    assert_slice(parse("LIST \"\" &TxqLcA-/%").list.patterns[0], "会議/%");
    assert_refused("SELECT \"\"", "the name of a mailbox at octet 10");
}

static void rfc9051_5_1_an_ampersand_is_one_when_utf8_was_enabled(void **state) {
    struct imap_command c;
    struct problem problem;
    struct arena a = {0};
    struct imap_text text = {.bytes = S("a SELECT &TxqLcA-")};
    assert_int_equal(imap_parse(&text, selected_utf8, &a, &c, &problem), 0);
    assert_slice(c.select.mailbox, "&TxqLcA-");
    arena_done(&a);
}

/* ------------------------------------------------------------------ login */

static void rfc4959_3_authenticate_may_have_a_first_response(void **state) {
    struct imap_command c = parse("AUTHENTICATE PLAIN");
    assert_slice(c.authenticate.mechanism, "PLAIN");
    assert_null(c.authenticate.initial.ptr);
    assert_slice(parse("AUTHENTICATE PLAIN AHQ=").authenticate.initial, "AHQ=");
    assert_slice(parse("AUTHENTICATE EXTERNAL =").authenticate.initial, "=");
}

static void rfc2971_3_1_id_is_nil_or_pairs(void **state) {
    struct imap_command c = parse("ID (\"name\" \"sodr\" \"version\" NIL)");
    assert_int_equal(c.id.count, 2);
    assert_slice(c.id.fields[0].value, "sodr");
    assert_null(c.id.fields[1].value.ptr);
    assert_int_equal(parse("ID NIL").id.count, 0);
    assert_int_equal(parse("ID ()").id.count, 0);
    assert_refused("ID (\"a\")", "a space");
}

static void long_or_many_fields_of_id_are_cut(void **state) {
    struct buf text = {0};
    buf_add_str(&text, "ID (");
    for (int i = 0; i < 40; i++)
        buf_printf(&text, "%s\"n\" {2000}\r\n%02000d", i ? " " : "", 7);
    buf_add_str(&text, ")");
    struct imap_command c = parse_bytes(buf_slice(&text));
    assert_int_equal(c.id.count, IMAP_ID_MAX);
    assert_int_equal(c.id.fields[29].value.len, IMAP_ID_VALUE);
    buf_done(&text);
}

static void words_follow_each_other(void **state) {
    struct imap_command c = parse("ENABLE CONDSTORE X-UNKNOWN IMAP4rev2");
    assert_int_equal(c.words.count, 3);
    assert_slice(c.words.words[2], "IMAP4rev2");
    assert_slice(parse("COMPRESS DEFLATE").words.words[0], "DEFLATE");
    assert_int_equal(parse("LANGUAGE").words.count, 0);
    assert_slice(parse("LANGUAGE ja \"en-US\"").words.words[1], "en-US");
    assert_slice(parse("CANCELUPDATE \"a1\" \"a2\"").words.words[1], "a2");
    assert_refused("ENABLE", "a space");
    struct buf many = {0};
    buf_add_str(&many, "ENABLE");
    for (unsigned i = 0; i < IMAP_WORDS_MAX; i++)
        buf_add_str(&many, " x");
    assert_int_equal(parse_bytes(buf_slice(&many)).words.count, IMAP_WORDS_MAX);
    buf_add_str(&many, " x");
    assert_refused(buf_str(&many), "fewer words");
    buf_done(&many);
}

/* ------------------------------------------------------------------ mailboxes */

static void rfc7162_3_2_5_select_has_what_the_client_knows(void **state) {
    struct imap_select s = parse("SELECT INBOX (QRESYNC (67890007 20050715194045000 41:211,214 "
                                 "(1,4 70,80)))")
                               .select;
    assert_true(s.qresync && s.has_known && s.has_match);
    assert_int_equal(s.uid_validity, 67890007);
    assert_int_equal(s.modseq, 20050715194045000);
    assert_int_equal(s.known.count, 2);
    assert_int_equal(s.uids.ranges[1].first, 80);
    s = parse("EXAMINE a (QRESYNC (1 0))").select;
    assert_true(s.qresync && !s.has_known && !s.has_match);
    s = parse("SELECT a (QRESYNC (1 5 (1 2)) CONDSTORE)").select;
    assert_true(s.condstore && s.has_match && !s.has_known);
    assert_true(parse("SELECT a (CONDSTORE)").select.condstore);
    assert_refused("SELECT a (QRESYNC (0 5))", "a number from 1");
    assert_refused("SELECT a (QRESYNC (1 5 1:*))", "without *");
    assert_refused("SELECT a (QRESYNC (1 5 ($ 1)))", "without *");
    assert_refused("SELECT a (QRESYNC 5)", "\"(\"");
    assert_refused("SELECT a (FOO)", "CONDSTORE or QRESYNC");
    assert_refused("SELECT a (CONDSTORE", "a space or \")\"");
}

static void rfc6154_6_create_may_say_the_use(void **state) {
    assert_int_equal(parse("CREATE a").create.use, 0);
    assert_int_equal(parse("CREATE a (USE (\\Drafts \\sent))").create.use,
                     IMAP_USE_DRAFTS | IMAP_USE_SENT);
    assert_int_equal(parse("CREATE a (USE (\\Foo))").create.use, IMAP_USE_OTHER);
    assert_refused("CREATE a (USE (Drafts))", "a special use");
}

static void names_of_one_and_of_two_mailboxes(void **state) {
    const char *const verbs[] = {"DELETE", "SUBSCRIBE", "UNSUBSCRIBE",
                                 "GETACL", "MYRIGHTS",  "GETQUOTAROOT"};
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "%s \"a b\"", verbs[i]);
        assert_slice(parse(text).name, "a b");
    }
    assert_slice(parse("GETQUOTA \"\"").name, "");
    struct imap_command c = parse("RENAME inbox {3}\r\na b");
    assert_slice(c.rename.from, "INBOX");
    assert_slice(c.rename.to, "a b");
}

static void rfc9051_6_3_11_status_has_items(void **state) {
    struct imap_status s = parse("STATUS a (MESSAGES UIDNEXT SIZE DELETED-STORAGE)").status;
    assert_int_equal(s.items, IMAP_STATUS_MESSAGES | IMAP_STATUS_UIDNEXT | IMAP_STATUS_SIZE |
                                  IMAP_STATUS_DELETED_STORAGE);
    for (unsigned i = 0; i < IMAP_STATUS_ITEMS; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "STATUS a (%s)", imap_status_name(1U << i));
        assert_int_equal(parse(text).status.items, 1U << i);
    }
    assert_refused("STATUS a ()", "an item of STATUS");
    assert_refused("STATUS a MESSAGES", "\"(\"");
}

static void rfc3501_6_3_8_a_plain_list_is_not_extended(void **state) {
    struct imap_list l = parse("LIST \"\" *").list;
    assert_int_equal(l.options, 0);
    assert_slice(l.reference, "");
    assert_slice(l.patterns[0], "*");
    assert_slice(parse("LIST \"\" \"\"").list.patterns[0], "");
    assert_slice(parse("LSUB # %/a").list.patterns[0], "%/a");
    assert_slice(parse("XLIST \"\" \"*\"").list.patterns[0], "*");
}

static void rfc5258_6_list_has_options_and_several_patterns(void **state) {
    struct imap_list l =
        parse("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (INBOX \"Drafts\" Sent/%) RETURN (CHILDREN "
              "STATUS (MESSAGES UNSEEN) MYRIGHTS SPECIAL-USE METADATA (DEPTH 1) (/shared/comment "
              "/private/x) SUBSCRIBED)")
            .list;
    assert_int_equal(l.options, IMAP_LIST_EXTENDED | IMAP_LIST_SELECT_SUBSCRIBED |
                                    IMAP_LIST_SELECT_RECURSIVEMATCH | IMAP_LIST_RETURN_CHILDREN |
                                    IMAP_LIST_RETURN_STATUS | IMAP_LIST_RETURN_MYRIGHTS |
                                    IMAP_LIST_RETURN_SPECIAL_USE | IMAP_LIST_RETURN_METADATA |
                                    IMAP_LIST_RETURN_SUBSCRIBED);
    assert_int_equal(l.pattern_count, 3);
    assert_slice(l.patterns[2], "Sent/%");
    assert_int_equal(l.status, IMAP_STATUS_MESSAGES | IMAP_STATUS_UNSEEN);
    assert_int_equal(l.metadata.entry_count, 2);
    assert_int_equal(l.metadata.depth, 1);
    assert_int_equal(parse("LIST () \"\" a").list.options, IMAP_LIST_EXTENDED);
    assert_int_equal(parse("LIST \"\" a RETURN ()").list.options, IMAP_LIST_EXTENDED);
    assert_refused("LIST (RECURSIVEMATCH REMOTE) \"\" a", "SUBSCRIBED or SPECIAL-USE");
    assert_refused("LIST \"\" ()", "a pattern");
    assert_refused("LIST \"\" a FOO", "RETURN");
}

static void rfc5464_5_metadata_has_entries(void **state) {
    struct imap_metadata m =
        parse("GETMETADATA (MAXSIZE 1024 DEPTH infinity) INBOX (/shared/comment /private/comment)")
            .metadata;
    assert_true(m.has_max_size);
    assert_int_equal(m.max_size, 1024);
    assert_int_equal(m.depth, UINT32_MAX);
    assert_int_equal(m.entry_count, 2);
    m = parse("GETMETADATA \"\" /shared/comment").metadata;
    assert_slice(m.mailbox, "");
    assert_slice(parse("GETMETADATA INBOX (DEPTH 1) (/shared/a)").metadata.entries[0].name,
                 "/shared/a");
    m = parse("SETMETADATA INBOX (/private/comment \"x\" /shared/y NIL)").metadata;
    assert_slice(m.entries[0].value, "x");
    assert_null(m.entries[1].value.ptr);
    assert_refused("GETMETADATA a /comment", "an entry below");
    assert_refused("SETMETADATA a /private/x \"y\"", "\"(\"");
    assert_refused("GETMETADATA a ()", "the name of an entry");
}

static void rfc4314_3_rights_are_set_added_and_taken(void **state) {
    struct imap_acl a = parse("SETACL INBOX tama +lrs").acl;
    assert_slice(a.identifier, "tama");
    assert_slice(a.rights, "lrs");
    assert_int_equal(a.change, IMAP_RIGHTS_ADD);
    assert_int_equal(parse("SETACL a b -k").acl.change, IMAP_RIGHTS_REMOVE);
    a = parse("SETACL a -anyone \"\"").acl;
    assert_int_equal(a.change, IMAP_RIGHTS_REPLACE);
    assert_slice(a.identifier, "-anyone");
    assert_slice(parse("DELETEACL a b").acl.identifier, "b");
    assert_slice(parse("LISTRIGHTS a b").acl.identifier, "b");
}

static void rfc9208_4_1_3_setquota_has_resources(void **state) {
    struct imap_setquota q = parse("SETQUOTA \"\" (STORAGE 512 MESSAGE 9)").quota;
    assert_int_equal(q.resource_count, 2);
    assert_slice(q.resources[1].name, "MESSAGE");
    assert_int_equal(q.resources[0].limit, 512);
    assert_int_equal(parse("SETQUOTA x ()").quota.resource_count, 0);
}

static void rfc5465_8_notify_has_groups_of_events(void **state) {
    struct imap_notify n =
        parse("NOTIFY SET STATUS (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (From)]) "
              "MessageExpunge)) (subtree (a \"b c\") (MailboxName FooEvent)) (personal NONE)")
            .notify;
    assert_true(n.status);
    assert_int_equal(n.watch_count, 3);
    assert_int_equal(n.watches[0].events, IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE);
    assert_int_equal(n.watches[0].what.section_count, 1);
    assert_int_equal(n.watches[1].source.kind, IMAP_SOURCE_SUBTREE);
    assert_slice(n.watches[1].source.mailboxes[1], "b c");
    assert_int_equal(n.watches[1].events, IMAP_EVENT_MAILBOX_NAME | IMAP_EVENT_OTHER);
    assert_int_equal(n.watches[2].events, 0);
    n = parse("NOTIFY SET (selected MessageNew (uid) MessageExpunge) (subtree a MailboxName)")
            .notify;
    assert_int_equal(n.watches[0].events, IMAP_EVENT_MESSAGE_NEW | IMAP_EVENT_MESSAGE_EXPUNGE);
    assert_int_equal(n.watches[0].what.set, IMAP_FETCH_UID);
    assert_int_equal(n.watches[1].events, IMAP_EVENT_MAILBOX_NAME);
    assert_true(parse("NOTIFY NONE").notify.none);
    assert_refused("NOTIFY SET", "a space");
    assert_refused("NOTIFY SET (selected)", "a space");
    assert_refused("NOTIFY SET (selected ())", "an event");
}

/* RFC 5465 §5.2 does not say what two of them mean: the last one counts. */
static void of_two_choices_of_attributes_in_notify_the_last_one_counts(void **state) {
    struct buf text = {0};
    buf_add_str(&text, "NOTIFY SET (selected (MessageNew (UID");
    for (int i = 0; i < 2048; i++)
        buf_add_str(&text, " BODY.PEEK[1]");
    buf_add_str(&text, ") MessageExpunge MessageNew (BODY.PEEK[2])))");
    struct imap_notify n = parse(buf_str(&text)).notify;
    assert_int_equal(n.watches[0].what.set, 0);
    assert_int_equal(n.watches[0].what.section_count, 1);
    assert_int_equal(n.watches[0].what.sections[0].parts[0], 2);
    buf_done(&text);
}

static void urls_and_batches(void **state) {
    struct imap_command c = parse("GENURLAUTH \"imap://x/\" INTERNAL \"imap://y/\" INTERNAL");
    assert_int_equal(c.genurlauth.count, 2);
    assert_slice(c.genurlauth.urls[1].url, "imap://y/");
    assert_slice(parse("RESETKEY").resetkey.mailbox, "");
    assert_slice(parse("RESETKEY a INTERNAL").resetkey.mechanisms.words[0], "INTERNAL");
    assert_slice(parse("URLFETCH imap://x imap://y").words.words[1], "imap://y");
    c = parse("UIDBATCHES 2000");
    assert_int_equal(c.batches.size, 2000);
    assert_int_equal(c.batches.first, 0);
    assert_int_equal(parse("UIDBATCHES 500 4:2").batches.first, 4);
}

/* ------------------------------------------------------------------ messages */

static void rfc9051_6_4_6_store_changes_flags(void **state) {
    struct imap_store s = parse("STORE 2:4 +FLAGS (\\Deleted $Forwarded \\seen)").store;
    assert_int_equal(s.change, IMAP_STORE_ADD);
    assert_int_equal(s.flags.system, IMAP_FLAG_DELETED | IMAP_FLAG_SEEN);
    assert_slice(s.flags.keywords[0], "$Forwarded");
    s = parse("UID STORE 1 (UNCHANGEDSINCE 12) -FLAGS.SILENT \\Flagged x y").store;
    assert_true(s.silent && s.has_unchanged_since);
    assert_int_equal(s.unchanged_since, 12);
    assert_int_equal(s.flags.keyword_count, 2);
    s = parse("STORE $ FLAGS ()").store;
    assert_true(s.set.saved);
    assert_int_equal(s.flags.keyword_count + s.flags.system, 0);
    assert_refused("STORE 1 FLAGS", "a space");
    assert_refused("STORE 1 FLAGS ", "a flag");
    assert_refused("STORE 1 FLAG (\\Seen)", "FLAGS");
    assert_refused("STORE 1 FLAGS (\\)", "the name of a flag");
    assert_refused("STORE 0 FLAGS ()", "a set of numbers");
}

static void recent_and_unknown_system_flags_are_forgotten(void **state) {
    struct imap_store s = parse("STORE 1 FLAGS (\\Recent \\Foo \\Seen)").store;
    assert_int_equal(s.flags.system, IMAP_FLAG_SEEN);
    assert_int_equal(s.flags.keyword_count, 0);
}

static void sets_of_copy_move_and_expunge(void **state) {
    struct imap_command c = parse("COPY 1:* b");
    assert_slice(c.copy.mailbox, "b");
    assert_true(c.copy.set.star);
    assert_true(parse("UID MOVE $ b").copy.set.saved);
    assert_int_equal(parse("UID EXPUNGE 7:9").set.ranges[0].last, 9);
    assert_refused("EXPUNGE 7", "the end");
    assert_refused("UID EXPUNGE", "a space");
    assert_refused("UID EXPUNGE $$", "the end");
}

static void rfc9051_6_4_5_fetch_attributes(void **state) {
    struct imap_fetch f = parse("FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY "
                                "BODYSTRUCTURE MODSEQ EMAILID THREADID SAVEDATE PREVIEW)")
                              .fetch;
    assert_int_equal(f.what.set, (IMAP_FETCH_PREVIEW << 1) - 1);
    assert_int_equal(f.what.section_count, 0);
    assert_int_equal(parse("FETCH 1 PREVIEW (LAZY)").fetch.what.set,
                     IMAP_FETCH_PREVIEW | IMAP_FETCH_PREVIEW_LAZY);
    unsigned fast = IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE;
    assert_int_equal(parse("FETCH 1 FAST").fetch.what.set, fast);
    assert_int_equal(parse("FETCH 1 ALL").fetch.what.set, fast | IMAP_FETCH_ENVELOPE);
    assert_int_equal(parse("FETCH 1 FULL").fetch.what.set,
                     fast | IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY);
    assert_refused("FETCH 1 (FAST)", "without parentheses");
    assert_refused("FETCH 1 ()", "an attribute");
    assert_refused("FETCH 1 FOO", "an attribute of messages at octet 11");
    assert_refused("FETCH 1 (FLAGS", "a space or \")\"");
    assert_refused("FETCH 1 (FLAGS )", "an attribute");
}

static struct imap_section section_of(const char *text) {
    char command[200];
    (void)snprintf(command, sizeof command, "FETCH 1 %s", text);
    struct imap_fetch f = parse(command).fetch;
    assert_int_equal(f.what.section_count, 1);
    return f.what.sections[0];
}

static void rfc9051_6_4_5_sections_name_parts(void **state) {
    struct imap_section s = section_of("BODY[]");
    assert_int_equal(s.text, IMAP_SECTION_ALL);
    assert_false(s.peek || s.partial);
    s = section_of("BODY.PEEK[1.22.3.HEADER.FIELDS.NOT (From \"To\" {2}\r\nCc)]<0.100>");
    assert_int_equal(s.text, IMAP_SECTION_HEADER_FIELDS_NOT);
    assert_int_equal(s.part_count, 3);
    assert_int_equal(s.parts[1], 22);
    assert_slice(s.fields[2], "Cc");
    assert_true(s.peek && s.partial);
    assert_int_equal(s.length, 100);
    assert_int_equal(section_of("BODY[TEXT]").text, IMAP_SECTION_TEXT);
    assert_int_equal(section_of("BODY[header]").text, IMAP_SECTION_HEADER);
    assert_int_equal(section_of("BODY[1.MIME]").text, IMAP_SECTION_MIME);
    assert_int_equal(section_of("BINARY.PEEK[1.2]<5.6>").form, IMAP_BINARY);
    assert_int_equal(section_of("BINARY.SIZE[]").form, IMAP_BINARY_SIZE);
    assert_int_equal(section_of("RFC822.TEXT").form, IMAP_RFC822_TEXT);
    assert_true(section_of("RFC822.HEADER").peek);
    assert_false(section_of("RFC822").peek);
}

static void rfc9051_9_what_is_no_section_is_refused(void **state) {
    assert_refused("FETCH 1 BODY[MIME]", "a section");
    assert_refused("FETCH 1 BODY[0]", "a number from 1");
    assert_refused("FETCH 1 BODY[1.]", "a section");
    assert_refused("FETCH 1 BODY[1..2]", "a section");
    assert_refused("FETCH 1 BODY[HEADER.FIELDS]", "a space");
    assert_refused("FETCH 1 BODY[HEADER.FIELDS ()]", "the name of a header field");
    assert_refused("FETCH 1 BODY[]<0.0>", "a number from 1");
    assert_refused("FETCH 1 BODY[]<5>", "a dot");
    assert_refused("FETCH 1 BINARY[1.HEADER]", "a section");
    assert_refused("FETCH 1 BINARY.SIZE[1]<0.1>", "a space");
    assert_refused("FETCH 1 BODY[1.4294967296]", "a number from 1");
}

static void rfc7162_and_rfc9394_fetch_has_modifiers(void **state) {
    struct imap_fetch f = parse("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)").fetch;
    assert_true(f.has_changed_since && f.vanished);
    assert_int_equal(f.changed_since, 12345);
    assert_true(parse("FETCH 1 FLAGS (CHANGEDSINCE 0)").fetch.has_changed_since);
    f = parse("UID FETCH 1:* (FLAGS) (PARTIAL -1:-30)").fetch;
    assert_true(f.partial.from_end);
    assert_int_equal(f.partial.last, 30);
    assert_refused("FETCH 1 FLAGS (VANISHED)", "CHANGEDSINCE");
    assert_refused("FETCH 1 FLAGS (PARTIAL -1:30)", "a range");
    assert_refused("FETCH 1 FLAGS (PARTIAL 1)", "a colon");
}

static void parts_may_be_many(void **state) {
    struct buf text = {0};
    buf_add_str(&text, "FETCH 1 BODY[1");
    for (int i = 0; i < 30000; i++)
        buf_add_str(&text, ".1");
    buf_add_str(&text, "]");
    assert_int_equal(parse_bytes(buf_slice(&text)).fetch.what.sections[0].part_count, 30001);
    buf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc9051_9_words_come_in_any_case),
        cmocka_unit_test(every_verb_is_found_by_its_name),
        cmocka_unit_test(what_is_no_command_is_refused_with_its_tag),
        cmocka_unit_test(rfc9051_3_a_command_is_one_in_its_states_only),
        cmocka_unit_test(blanks_at_the_end_are_taken),
        cmocka_unit_test(rfc9051_4_3_strings_have_any_byte_that_they_may),
        cmocka_unit_test(rfc9051_9_a_literal_has_no_nul),
        cmocka_unit_test(rfc9051_5_1_inbox_is_one_in_whatever_case),
        cmocka_unit_test(names_in_modified_utf7_and_in_utf8_are_the_same),
        cmocka_unit_test(rfc9051_5_1_an_ampersand_is_one_when_utf8_was_enabled),
        cmocka_unit_test(rfc4959_3_authenticate_may_have_a_first_response),
        cmocka_unit_test(rfc2971_3_1_id_is_nil_or_pairs),
        cmocka_unit_test(long_or_many_fields_of_id_are_cut),
        cmocka_unit_test(words_follow_each_other),
        cmocka_unit_test(rfc7162_3_2_5_select_has_what_the_client_knows),
        cmocka_unit_test(rfc6154_6_create_may_say_the_use),
        cmocka_unit_test(names_of_one_and_of_two_mailboxes),
        cmocka_unit_test(rfc9051_6_3_11_status_has_items),
        cmocka_unit_test(rfc3501_6_3_8_a_plain_list_is_not_extended),
        cmocka_unit_test(rfc5258_6_list_has_options_and_several_patterns),
        cmocka_unit_test(rfc5464_5_metadata_has_entries),
        cmocka_unit_test(rfc4314_3_rights_are_set_added_and_taken),
        cmocka_unit_test(rfc9208_4_1_3_setquota_has_resources),
        cmocka_unit_test(rfc5465_8_notify_has_groups_of_events),
        cmocka_unit_test(of_two_choices_of_attributes_in_notify_the_last_one_counts),
        cmocka_unit_test(urls_and_batches),
        cmocka_unit_test(rfc9051_6_4_6_store_changes_flags),
        cmocka_unit_test(recent_and_unknown_system_flags_are_forgotten),
        cmocka_unit_test(sets_of_copy_move_and_expunge),
        cmocka_unit_test(rfc9051_6_4_5_fetch_attributes),
        cmocka_unit_test(rfc9051_6_4_5_sections_name_parts),
        cmocka_unit_test(rfc9051_9_what_is_no_section_is_refused),
        cmocka_unit_test(rfc7162_and_rfc9394_fetch_has_modifiers),
        cmocka_unit_test(parts_may_be_many),
    };
    return cmocka_run_group_tests_name("imap command", tests, NULL, parse_done);
}
