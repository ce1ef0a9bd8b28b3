// A member of keys/web in Node, whose room is a pipe to a Go test: lines of JSON come in
// on standard input and go out on standard output.
import { createInterface } from 'node:readline';

import { readFingerprint } from '../../web/fingerprint.js';
import { Card, Drawer, Identity, Member, Pins, Taken } from '../../web/member.js';

const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');
const handlers = {};
let deaf = false;
const room = {
  name: process.argv[2],
  async getSid() { return 'RM_' + this.name; },
  localParticipant: {
    identity: process.argv[3],
    async publishData(data, { topic, destinationIdentities = [] }) {
      if (!deaf) say({ send: Buffer.from(data).toString('base64'), topic, to: destinationIdentities });
    },
  },
  remoteParticipants: new Map(),
  on(event, f) { (handlers[event] ??= []).push(f); },
  off() {},
};
const emit = (event, ...args) => (handlers[event] ?? []).forEach((f) => f(...args));

// As livekit-client's ExternalE2EEKeyProvider.
async function provider(passphrase) {
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(passphrase), 'PBKDF2', false, ['deriveBits', 'deriveKey']);
  return {
    on() {}, off() {}, getKeys: () => [{ key }], getLatestManuallySetKeyIndex: () => 0,
    getOptions: () => ({ ratchetSalt: 'LKFrameEncryptionKey', keySize: 128 }),
  };
}

const shelf = new Drawer();
let identity;
let member;
const commands = {
  async generate(o) {
    identity = await Identity.generate(o);
    await identity.save(shelf);
    identity = await Identity.load(shelf);
    return { card: identity.card.note, fingerprint: identity.card.fingerprint };
  },
  async import({ file, passphrase }) {
    identity = await Identity.import(file, passphrase);
    return { card: identity.card.note, fingerprint: identity.card.fingerprint };
  },
  async export({ passphrase }) { return { file: await identity.export(passphrase, 10) }; },
  async decrypt({ file }) { return { plain: Buffer.from(await identity.decrypt(Buffer.from(file, 'base64'))).toString() }; },
  async card({ note }) {
    const c = await Card.parse(note);
    return { name: c.name, device: c.device, fingerprint: c.fingerprint, key: c.key, postQuantum: c.postQuantum, approvals: c.approvals.length };
  },
  async fingerprint({ words }) { return { words: readFingerprint(words) }; },
  async pinning({ steps }) {
    const p = await Pins.load(new Drawer());
    const said = [];
    for (const { add, revoke, standing } of steps) {
      try {
        if (add) said.push(await p.add(await Card.parse(add), { sure: true }));
        else if (revoke) said.push(await p.revoke(revoke) ?? 'revoked');
        else said.push(await p.standing(await Card.parse(standing)));
      } catch (err) {
        said.push(err instanceof Taken ? 'taken' : 'refused');
      }
    }
    return { said };
  },
  async start({ pins, passphrase }) {
    const p = await Pins.load(shelf, identity.card);
    for (const note of pins ?? []) {
      const card = await Card.parse(note);
      await p.add(card, { sure: true, recorder: card.role === 'recorder' });
    }
    member = new Member({ room, identity, pins: p, ...(passphrase && { keyProvider: await provider(passphrase) }) });
    member.addEventListener('trouble', (e) => say({ trouble: e.detail }));
    member.addEventListener('peer', () => say({ changed: true }));
    await member.start();
    return {};
  },
  async joined({ identity }) {
    room.remoteParticipants.set(identity, { identity });
    emit('participantConnected', { identity });
    return {};
  },
  // The client has lost its connection and got another, and what it says meanwhile is lost.
  async back({ identity }) {
    emit('participantDisconnected', { identity });
    deaf = true;
    emit('participantConnected', { identity });
    await new Promise((done) => setTimeout(done, 50));
    deaf = false;
    emit('reconnected');
    return {};
  },
  async data({ from, data }) {
    emit('dataReceived', new Uint8Array(Buffer.from(data, 'base64')), from ? { identity: from } : undefined, 0, 'sealtape.v1');
    return {};
  },
  async peers() { return { peers: member.peers().map((p) => p.toJSON()), code: member.code }; },
  async answer({ recorder, yes, timeout }) { await member.answer(recorder, yes, { timeout }); return {}; },
  async askAgain() { await member.askAgain(); return {}; },
  async announce({ state }) { await member.announce(state); return {}; },
};

// What takes its time waits for no other command.
async function run(line) {
  const { id, command, ...args } = JSON.parse(line);
  try {
    say({ id, ...await commands[command](args) });
  } catch (err) {
    say({ id, error: String(err?.message ?? err) });
  }
}
for await (const line of createInterface({ input: process.stdin })) run(line);
member?.stop();
