// SPDX-License-Identifier: ISC
// What mailauth says: reads {"records": {"NAME TYPE": [[STRING, ...], ...]}, "asked": [...]}, of which a string
// in place of a list is a trouble ("!servfail"), and prints a list.
//     node mailauth.mjs spf     asked: {"client", "mail_from", "helo"}            said: the result
//     node mailauth.mjs sign    asked: {"message", "key", "selector", "forms"}    said: a field
//     node mailauth.mjs all     asked: {"message", ...} the message in Latin-1    said: {"dkim": [...], "arc", "dmarc"}
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.cwd() + '/build/npm/');
const { authenticate } = require('mailauth');
const { spf } = require('mailauth/lib/spf');
const { dkimSign } = require('mailauth/lib/dkim/sign');
const { records, asked } = JSON.parse(readFileSync(0, 'utf8'));

console.log = () => {}; // the library tells there of lengths

const names = new Set();
for (const key of Object.keys(records)) {
    const labels = key.slice(0, key.lastIndexOf(' ')).split('.');
    labels.forEach((_, at) => names.add(labels.slice(at).join('.')));
}

function trouble(code) {
    return Object.assign(new Error(code), { code });
}

// As dns.promises.resolve() gives it.
async function resolver(asked, type) {
    let name = asked.toLowerCase().replace(/\.$/, '');
    const alias = records[`${name} CNAME`];
    name = alias ? alias[0][0].toLowerCase() : name;
    const values = (records[`${name} ${type}`] || []).filter(one => !/truncated|forged/.test(one));
    if (values.includes('!timeout')) throw trouble('ETIMEOUT');
    if (values.includes('!refused')) throw trouble('EREFUSED');
    if (values.some(one => typeof one === 'string')) throw trouble('ESERVFAIL');
    if (!values.length) throw trouble(names.has(name) ? 'ENODATA' : 'ENOTFOUND');
    if (type === 'TXT') return values;
    if (type === 'MX')
        return values.map(one => {
            const [priority, exchange] = one[0].split(' ');
            return { priority: Number(priority), exchange: exchange.replace(/\.$/, '') };
        });
    return values.map(one => one[0]);
}

async function judgeSpf({ client, mail_from, helo }) {
    const said = await spf({ ip: client, helo, sender: mail_from, mta: 'mx.example.jp', resolver });
    return said.status.result;
}

async function judgeAll({ message, client, mail_from, helo }) {
    const said = await authenticate(Buffer.from(message, 'latin1'), {
        ip: client, helo, sender: mail_from, mta: 'mx.example.jp', resolver, disableBimi: true
    });
    return {
        dkim: (said.dkim?.results || []).map(one => one.status.result),
        arc: said.arc?.status?.result || 'none',
        dmarc: said.dmarc ? said.dmarc.status.result : 'none'
    };
}

async function sign({ message, key, selector, forms }) {
    const signed = await dkimSign(Buffer.from(message, 'latin1'), {
        canonicalization: forms, signatureData: [{ signingDomain: 'example.jp', selector, privateKey: key }]
    });
    return signed.signatures.replace(/(\r\n)*$/, '\r\n');
}

const judge = { spf: judgeSpf, all: judgeAll, sign }[process.argv[2]];
const all = [];
for (const one of asked) all.push(await judge(one).catch(error => `broken: ${error.message}`));
process.stdout.write(JSON.stringify(all));
