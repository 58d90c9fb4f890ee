// SPDX-License-Identifier: ISC
// What somebody does with Thunderbird, as functions of the program itself; soak_desktop.py calls them.
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { setTimeout } = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");

async function until(what, words) {
    for (let count = 0; count < 400; count++) {
        const found = await what();
        if (found)
            return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`waited in vain for ${words}`);
}

function mainWindow() {
    return Services.wm.getMostRecentWindow("mail:3pane");
}

function account() {
    return MailServices.accounts.accounts.find((one) => one.incomingServer.type === "imap");
}

function folderOf(name) {
    const root = account().incomingServer.rootFolder;
    return root.subFolders.find((folder) => folder.prettyName === name || folder.name === name);
}

function inbox() {
    return account().incomingServer.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
}

function subjectOf(header) {
    return (header.flags & Ci.nsMsgMessageFlags.HasRe ? "Re: " : "") + header.mime2DecodedSubject;
}

function messageOf(subject) {
    return [...inbox().messages].find((header) => subjectOf(header) === subject);
}

function trust(host, port, certificate) {
    const made = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB)
        .constructX509FromBase64(certificate);
    Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService)
        .rememberValidityOverride(host, port, {}, made, false);
}

const steps = {
    async setUp(asked) {
        trust(asked.host, asked.port, asked.certificate);
        trust(asked.smtpHost, asked.smtpPort, asked.certificate);
        const incoming = MailServices.accounts.createIncomingServer(asked.user, asked.host, "imap");
        incoming.port = asked.port;
        incoming.socketType = Ci.nsMsgSocketType.SSL;
        incoming.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
        incoming.password = asked.password;
        const outgoing = MailServices.outgoingServer.createServer("smtp");
        const smtp = outgoing.QueryInterface(Ci.nsISmtpServer);
        smtp.hostname = asked.smtpHost;
        smtp.port = asked.smtpPort;
        outgoing.socketType = Ci.nsMsgSocketType.SSL;
        outgoing.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
        outgoing.username = asked.user;
        outgoing.password = asked.password;
        const identity = MailServices.accounts.createIdentity();
        identity.email = asked.user;
        identity.fullName = "菊";
        identity.composeHtml = false;
        identity.smtpServerKey = outgoing.key;
        identity.valid = true;
        const made = MailServices.accounts.createAccount();
        made.addIdentity(identity);
        made.incomingServer = incoming;
        incoming.valid = true;
        MailServices.accounts.defaultAccount = made;
        incoming.performExpand(mainWindow().msgWindow);
        const folder = await until(() => inbox(), "the INBOX");
        folder.updateFolder(mainWindow().msgWindow);
        await until(() => folder.getTotalMessages(false) === asked.messages, "messages");
        await until(() => folderOf("Sent")?.getFlag(Ci.nsMsgFolderFlags.SentMail), "Sent");
        return [...folder.messages].map(subjectOf);
    },

    async read(subject) {
        const pane = mainWindow().document.getElementById("tabmail").currentAbout3Pane;
        await until(() => pane.displayFolder, "the window");
        pane.displayFolder(inbox().URI);
        const header = await until(() => messageOf(subject), "the message");
        const view = await until(() => pane.gDBView?.rowCount && pane.gDBView, "the list");
        pane.threadTree.selectedIndex = view.findIndexOfMsgHdr(header, true);
        return until(() => {
            const shown = mainWindow().document.getElementById("tabmail").currentAboutMessage;
            const text = shown?.getMessagePaneBrowser()?.contentDocument?.body?.textContent;
            return header.isRead && text?.trim() && text;
        }, "the text");
    },

    async search(words) {
        const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
        session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, inbox());
        const term = session.createTerm();
        const value = term.value;
        value.attrib = term.attrib = Ci.nsMsgSearchAttrib.Body;
        value.str = words;
        term.value = value;
        term.op = Ci.nsMsgSearchOp.Contains;
        session.appendTerm(term);
        const found = [];
        await new Promise((resolve) => {
            session.registerListener({
                onNewSearch() {},
                onSearchHit(header) { found.push(subjectOf(header)); },
                onSearchDone() { resolve(); },
            });
            session.search(mainWindow().msgWindow);
        });
        return found;
    },

    async answer(subject, to, words) {
        const header = messageOf(subject);
        const asked = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
        asked.composeFields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
        asked.type = Ci.nsIMsgCompType.ReplyToSender;
        asked.format = Ci.nsIMsgCompFormat.PlainText;
        asked.identity = account().defaultIdentity;
        asked.originalMsgURI = inbox().getUriForMsg(header);
        MailServices.compose.OpenComposeWindowWithParams(null, asked);
        const page = await until(() => Services.wm.getMostRecentWindow("msgcompose"), "the composer");
        await until(() => page.gMsgCompose?.editor && page.GetCurrentEditor()?.document.body.textContent.trim(),
                    "the citation");
        page.gMsgCompose.compFields.to = to;
        page.CompFields2Recipients(page.gMsgCompose.compFields);
        page.GetCurrentEditor().insertText(words);
        page.GenericSendMessage(Ci.nsIMsgCompDeliverMode.Now);
        await until(() => page.closed || !Services.wm.getMostRecentWindow("msgcompose"), "sending");
    },

    async move(subject, name) {
        account().incomingServer.rootFolder.createSubfolder(name, mainWindow().msgWindow);
        const folder = await until(() => folderOf(name), "the new folder");
        const header = messageOf(subject);
        await new Promise((resolve, reject) => {
            MailServices.copy.copyMessages(inbox(), [header], folder, true, {
                onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
                onStopCopy(status) { Components.isSuccessCode(status) ? resolve() : reject(new Error(status)); },
            }, mainWindow().msgWindow, false);
        });
    },

    async isThere(subject) {
        return !!messageOf(subject);
    },
};
