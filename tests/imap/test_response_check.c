/* SPDX-License-Identifier: ISC */
/*
 * The checker of responses: what RFCs print is accepted, what broke clients is not.
 */
#include "response_check.h"

#include "unit.h"

static void responses_of_the_rfcs_are_accepted(void **state) {
    static const char *const good[] = {
        "* OK IMAP4rev1 Service Ready\r\n",
        "* PREAUTH IMAP4rev2 server logged in as Smith\r\n",
        "* BYE Autologout; idle for too long\r\n",
        "+ \r\n",
        "+ Ready for additional command text\r\n",
        "+ YIIB+wYJKoZIhvcSAQICAQBuggHqMIIB5qADAgEFoQMCAQ6iBwMFACAAAACjggEmYYI=\r\n",
        "a002 OK [READ-WRITE] SELECT completed\r\n",
        "* CAPABILITY IMAP4rev1 STARTTLS AUTH=GSSAPI RIGHTS=texk APPENDLIMIT=257890\r\n",
        "* ENABLED CONDSTORE X-GOOD-IDEA\r\n",
        "* ENABLED\r\n",
        "* 172 EXISTS\r\n",
        "* 0 EXISTS\r\n",
        "* 1 RECENT\r\n",
        "* 44 EXPUNGE\r\n",
        "* OK [UNSEEN 12] Message 12 is first unseen\r\n",
        "* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited\r\n",
        "* OK [PERMANENTFLAGS ()] No permanent flags permitted\r\n",
        "* OK [HIGHESTMODSEQ 715194045007] x\r\n",
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $MDNSent)\r\n",
        "* LIST (\\Noselect) \"/\" foo\r\n",
        "* LIST (\\NonExistent \\HasChildren) NIL \"foo bar\"\r\n",
        "* LIST () \"\\\\\" x\r\n",
        "* LIST () \"/\" \"Foo\" (CHILDINFO (\"SUBSCRIBED\"))\r\n",
        "* LIST () \"/\" bar (OLDNAME (\"foo\"))\r\n",
        "* LSUB () \".\" #news.comp.mail.misc\r\n",
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\r\n",
        ("* STATUS x (MAILBOXID (F2212ea87-6097-4256-9d51-71338625) APPENDLIMIT NIL SIZE 0 DELETED "
         "1)\r\n"),
        "* NAMESPACE ((\"\" \"/\")) ((\"~\" \"/\")) NIL\r\n",
        "* SEARCH 2 84 882\r\n",
        "* SEARCH\r\n",
        "* SEARCH 2 5 6 (MODSEQ 917162500)\r\n",
        "* SORT 2 84 882\r\n",
        "* THREAD (2)(3 6 (4 23)(44 7 96))\r\n",
        "* THREAD ((3)(5))\r\n",
        "* THREAD\r\n",
        "* ESEARCH (TAG \"A282\") MIN 2 COUNT 3\r\n",
        "* ESEARCH (TAG \"A285\") UID ALL 43,100:102\r\n",
        "* ESEARCH (TAG \"a\") ALL 7,2:3,1\r\n",
        "* ESEARCH (TAG \"tag1\" MAILBOX \"folder1\" UIDVALIDITY 1) UID ALL 4001,4003\r\n",
        "* ESEARCH (TAG \"A01\") UID PARTIAL (-1:-100 NIL)\r\n",
        "* ESEARCH (TAG \"B01\") UID ADDTO (0 32768:32769)\r\n",
        "* ESEARCH (TAG \"c\") REMOVEFROM (2 2,1,3 7 9)\r\n",
        "* ESEARCH (TAG \"F1\") ALL 1,5,10 RELEVANCY (4 99 42)\r\n",
        "* VANISHED (EARLIER) 41,43:116,118\r\n",
        "* VANISHED 405,407,410,425\r\n",
        "* ID NIL\r\n",
        "* ID (\"name\" \"Cyrus\" \"version\" NIL)\r\n",
        "* ACL INBOX Fred rwipsldexta test rwipslxetad\r\n",
        "* LISTRIGHTS ~/Mail/saved smith la r swicdkxte\r\n",
        "* MYRIGHTS INBOX rwiptsldaex\r\n",
        "* QUOTA \"\" (STORAGE 10 512 MESSAGE 1 2)\r\n",
        "* QUOTAROOT INBOX \"\"\r\n",
        "* METADATA \"INBOX\" (/private/comment \"My\" /shared/x NIL)\r\n",
        "* METADATA \"\" /shared/comment\r\n",
        "* URLFETCH \"imap://x\" NIL \"imap://y\" {2}\r\nhi\r\n",
        "* GENURLAUTH \"imap://x\"\r\n",
        "* LANGUAGE (EN DE)\r\n",
        "* COMPARATOR i;unicode-casemap\r\n",
        "* JMAPACCESS \"https://mail.example/.well-known/jmap\"\r\n",
        "* UIDBATCHES (TAG \"A143\") 215295:99695,88902:1\r\n",
        "* 23 FETCH (FLAGS (\\Seen) RFC822.SIZE 44827)\r\n",
        "* 12 FETCH (BODY[HEADER] {5}\r\nA: 1\n)\r\n",
        "* 1 FETCH (BODY[]<0> \"\" BODY[1.2.MIME] NIL BODY[1] \"x\" BINARY[1] ~{1}\r\nx)\r\n",
        "* 12 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" MODSEQ (65402) UID 1)\r\n",
        "* 5 FETCH (EMAILID (M3) THREADID NIL SAVEDATE NIL PREVIEW \"x\")\r\n",
        "* 25996 UIDFETCH (FLAGS ())\r\n",
        ("* 12 FETCH (ENVELOPE (\"Wed\" \"IMAP4rev2\" ((\"Terry Gray\" NIL \"gray\" \"cac.edu\")) "
         "NIL NIL "
         "((NIL NIL \"imap\" \"cac.edu\")(NIL NIL \"x\" \"y\")) NIL NIL NIL \"<B>\"))\r\n"),
        ("* 1 FETCH (BODY (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 "
         "92))\r\n"),
        ("* 1 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 3 1 NIL "
         "(\"attachment\" "
         "(\"filename\" \"x\")) (\"en\" \"ja\") NIL)(\"APPLICATION\" \"PDF\" NIL NIL NIL "
         "\"BASE64\" "
         "0 NIL NIL NIL NIL) "
         "\"MIXED\" (\"BOUNDARY\" \"x\") NIL \"en\" NIL))\r\n"),
        ("* 1 FETCH (BODY (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 5 (NIL NIL NIL NIL NIL NIL "
         "NIL "
         "NIL NIL NIL) (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1) 3))\r\n"),
        "a NO [BADCHARSET (UTF-8 US-ASCII)] no\r\n",
        "a OK [APPENDUID 38505 3955:3957] done\r\n",
        "a OK [MODIFIED 7,9] Conditional STORE failed\r\n",
        "* OK [INPROGRESS (\"A001\" 454 1000)] Still working\r\n",
        "* OK [INPROGRESS (NIL NIL NIL)] Still working\r\n",
        "a OK [MESSAGELIMIT 1000 23221] done\r\n",
        "a NO [METADATA MAXSIZE 1024] no\r\n",
        "* OK [MAILBOXID (F1)] Ok\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct slice rest = slice_of_str(good[i]);
        struct response_fault fault;
        if (!response_check(&rest, false, &fault))
            fail_msg("%s: expected %s at %zu", good[i], fault.expected, fault.at);
        assert_int_equal(rest.len, 0);
    }
}

static void what_breaks_clients_is_not_accepted(void **state) {
    static const char *const bad[] = {
        "",
        "\r\n",
        "* OK\r\n",
        "* OK \r\n",
        "* OK [HIGHESTMODSEQ 7]\r\n",
        "* OK [HIGHESTMODSEQ 0] x\r\n",
        "* OK [FOO] x\r\n",
        "* OK [READ-ONLY x] y\r\n",
        "+\r\n",
        "a1 FETCH x\r\n",
        "a1 BYE x\r\n",
        "* 1 FETCH (FLAGS (\\Seen )) \r\n",
        "* 1 FETCH (FLAGS (\\Seen) )\r\n",
        "* 1 FETCH (FLAGS  ())\r\n",
        "* 1 FETCH ()\r\n",
        "* 0 FETCH (UID 1)\r\n",
        "* 1 FETCH (UID 0)\r\n",
        "* 1 FETCH (UID 01)\r\n",
        "* 0 EXPUNGE\r\n",
        "* 1 EXISTS \r\n",
        "* 1 EXISTS\n",
        "* CAPABILITY\r\n",
        "* SEARCH 1 \r\n",
        "* SEARCH 0\r\n",
        "* LIST () \"/\" \r\n",
        "* LIST () / a\r\n",
        "* LIST () \"//\" a\r\n",
        "* LIST () \"/\" Inbox\r\n",
        "* LIST () \"/\" NIL\r\n",
        "* LIST () \"/\" a b\r\n",
        "* 1 FETCH (PREVIEW \"a\nb\")\r\n",
        "* 1 FETCH (PREVIEW \"a\\b\")\r\n",
        "* 1 FETCH (PREVIEW \"\xe7\x8c\xab\")\r\n",
        "* OK \xe7\x8c\xab\r\n",
        "* 1 FETCH (PREVIEW {3}\r\nab)\r\n",
        "* 1 FETCH (PREVIEW x)\r\n",
        "* 1 FETCH (ENVELOPE (NIL NIL () NIL NIL NIL NIL NIL NIL NIL))\r\n",
        ("* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"b\") (NIL NIL \"a\" \"b\")) NIL NIL NIL "
         "NIL NIL "
         "NIL NIL))\r\n"),
        "* 1 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL))\r\n",
        "* 1 FETCH (BODY (\"X-ZIP\" NIL NIL NIL NIL \"7bit\" 1))\r\n",
        "* 1 FETCH (BODY (\"text\" \"plain\" (\"a\" NIL) NIL NIL \"7bit\" 1 1))\r\n",
        "* 1 FETCH (BODY (\"text\" \"plain\" () NIL NIL \"7bit\" 1 1))\r\n",
        "* 1 FETCH (BODY (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 -1))\r\n",
        "* 1 FETCH (BODY (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1))\r\n",
        "* 1 FETCH (BODY (\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1 NIL))\r\n",
        "* 1 FETCH (BODY (\"a\" \"b\" NIL NIL NIL NIL 1))\r\n",
        "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" NIL NIL NIL \"7bit\" 1 NIL NIL))\r\n",
        "* 1 FETCH (BODY[HEADER.FIELDS ()] NIL)\r\n",
        "* 1 FETCH (BODY[1.] NIL)\r\n",
        "* 1 FETCH (BODY[MIME] NIL)\r\n",
        "* 1 FETCH (BODY[]<0.5> NIL)\r\n",
        "* 1 FETCH (BINARY[TEXT] NIL)\r\n",
        "* 1 FETCH (INTERNALDATE \"1-Jan-2026 00:00:00 +0000\")\r\n",
        "* 1 FETCH (MODSEQ 5)\r\n",
        "* VANISHED 5,3\r\n",
        "* VANISHED 1:*\r\n",
        "* ESEARCH (TAG \"a\") ALL\r\n",
        "* ESEARCH (TAG \"a\") ALL 3:2\r\n",
        "* ESEARCH (TAG \"a\") ADDTO (0 2,1)\r\n",
        "* THREAD (1 (2))(\r\n",
        "* STATUS a (MESSAGES)\r\n",
        "* STATUS a (MESSAGES 1 )\r\n",
        "* QUOTA \"\" (STORAGE 1)\r\n",
        "* NAMESPACE NIL NIL\r\n",
        "* FOO\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct slice rest = slice_of_str(bad[i]);
        struct response_fault fault = {0};
        if (response_check(&rest, false, &fault))
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(fault.expected);
    }
}

static void utf8_is_accepted_when_it_was_enabled(void **state) {
    struct slice rest = S("* OK \xe7\x8c\xab\r\n* 1 FETCH (PREVIEW \"\xe7\x8c\xab\")\r\n");
    struct response_fault fault;
    assert_true(response_check(&rest, true, &fault));
    assert_true(response_check(&rest, true, &fault));
    assert_int_equal(rest.len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_of_the_rfcs_are_accepted),
        cmocka_unit_test(what_breaks_clients_is_not_accepted),
        cmocka_unit_test(utf8_is_accepted_when_it_was_enabled),
    };
    return cmocka_run_group_tests_name("imap response_check", tests, NULL, NULL);
}
