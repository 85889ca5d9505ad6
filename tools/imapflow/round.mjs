// One round of imapflow with a mailbox of three messages: node round.mjs PORT PASSWORD FOLDER. Says "done" when all went well.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { ImapFlow } from 'imapflow';

const [port, password, folder] = process.argv.slice(2);
const client = new ImapFlow({
    host: '127.0.0.1', port: Number(port), secure: true, tls: { rejectUnauthorized: false },
    auth: { user: 'ann@example.test', pass: password }, logger: false
});
await client.connect();
assert.ok((await client.list()).some(box => box.path === 'Done'));
const lock = await client.getMailboxLock('INBOX');
let last;
try {
    assert.equal(client.mailbox.exists, 3);
    for await (const message of client.fetch('1:*', { uid: true, source: true, envelope: true, bodyStructure: true, flags: true })) {
        assert.ok(message.envelope.subject);
        last = message.source;
        writeFileSync(`${folder}/${message.uid}`, message.source);
    }
    assert.ok(await client.append('Done', last, ['\\Seen']));
    assert.ok(await client.messageFlagsAdd({ uid: '2' }, ['\\Flagged'], { uid: true }));
    assert.deepEqual(await client.search({ flagged: true }, { uid: true }), [2]);
    assert.ok(await client.messageMove('1', 'Done', { uid: true }));
    const { content } = await client.download('3', '2', { uid: true });
    let octets = 0;
    for await (const piece of content)
        octets += piece.length;
    assert.equal(octets, 30000);
} finally {
    lock.release();
}
assert.equal((await client.status('Done', { messages: true })).messages, 2);
await client.logout();
console.log('done');
