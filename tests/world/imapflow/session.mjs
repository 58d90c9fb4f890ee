// SPDX-License-Identifier: ISC
// What a program in JavaScript does with imapflow. What it is asked comes as JSON on standard input,
// what it saw leaves as JSON on standard output; test_imap_programs.py says what that must be.
//
// usage: node session.mjs FOLDER     FOLDER: where imapflow is installed
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { once } from "node:events";

const { ImapFlow } = createRequire(process.argv[2] + "/")("imapflow");
const asked = JSON.parse(readFileSync(0));

function newClient() {
    return new ImapFlow({
        host: asked.host, port: asked.port, secure: true, servername: asked.servername,
        tls: { ca: readFileSync(asked.certificate) }, logger: false, qresync: true,
        auth: { user: asked.user, pass: asked.password }, disableCompression: !asked.compress,
    });
}

function partsOf(node) {
    if (node.childNodes)
        return node.childNodes.flatMap(partsOf);
    const name = node.dispositionParameters?.filename;
    return [[node.part ?? "1", node.type, name].filter(Boolean).join(" ")];
}

const uid = { uid: true };
const done = {};
const client = newClient();
await client.connect();

// The mailboxes: one is made, one is that of sent messages.
await client.mailboxCreate(asked.folder);
const list = await client.list({ statusQuery: { messages: true } });
const sent = list.find((entry) => entry.specialUse === "\\Sent");
done.folders = list.map((entry) => entry.path);

// Reading.
let opened = await client.mailboxOpen("INBOX");
const known = { changedSince: opened.highestModseq, uidValidity: opened.uidValidity };
const messages = await client.fetchAll("1:*", { uid: true, flags: true, envelope: true, size: true,
                                                bodyStructure: true });
done.subjects = messages.map((message) => message.envelope.subject);
done.parts = partsOf(messages[0].bodyStructure);
const attached = await client.download("1", "2", uid);
done.attachment = [];
for await (const chunk of attached.content)
    done.attachment.push(...chunk);
done.text = await text((await client.download("2", "1", uid)).content);
done.found = {
    subject: await client.search({ subject: asked.subject }, uid),
    text: await client.search({ body: asked.words }, uid),
    nothing: await client.search({ from: "nobody@example.test" }, uid),
};

// Changing.
await client.messageFlagsAdd("2", ["\\Seen"], uid);
const moved = await client.messageMove("2", asked.folder, uid);
done.moved = Object.fromEntries(moved.uidMap);
await client.append(sent.path, asked.message, ["\\Seen"], new Date());
done.sent = { specialUse: sent.specialUse,
              messages: (await client.status(sent.path, { messages: true })).messages };

// Waiting, while another session brings messages: two, since what has vanished still counts here.
const other = newClient();
await other.connect();
const exists = once(client, "exists");
const waiting = client.idle();
await other.append("INBOX", asked.message, ["\\Seen"]);
await other.append("INBOX", asked.message);
done.exists = (await exists)[0].count;
await client.noop();
await waiting;
await client.logout();

await other.mailboxOpen("INBOX");
await other.messageFlagsAdd("3", ["\\Flagged"], uid);
await other.messageDelete("1", uid);
await other.logout();

// Back again, with what it knew.
const later = newClient();
done.vanished = [];
done.changed = {};
later.on("expunge", (event) => done.vanished.push(event.uid));
later.on("flags", (event) => { done.changed[event.uid] = [...event.flags].sort(); });
await later.connect();
opened = await later.mailboxOpen("INBOX", known);
done.count = opened.exists;
await later.logout();
process.stdout.write(JSON.stringify(done));
