// An Exchange of keys/web, whose room is a pipe to a Go test: lines of JSON come in on
// standard input and go out on standard output.
import { createInterface } from 'node:readline';

import { roomCode } from '../../web/chain.js';
import { Exchange } from '../../web/exchange.js';
import { Card, Identity } from '../../web/member.js';
import { base64, hex, sha256 } from '../../web/note.js';

const [room, identity] = process.argv.slice(2);
const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');
const id = await Identity.generate({ name: 'Ada' });
const nonce = crypto.getRandomValues(new Uint8Array(32));
const x = new Exchange({
  room, identity, nonce, card: hex(await sha256(id.card.note)), sign: (text) => id.sign(text),
  send: (to, packet) => say({ Send: base64(packet), To: to }),
  notify: ({ kind, identity, index, key, why, trouble, detail }) => say({
    Event: { Kind: kind, Identity: identity ?? '', Index: index ?? 0, Key: key && base64(key), Why: why ?? '', Trouble: trouble ?? '', Detail: detail ?? '' },
  }),
});
say({ Card: id.card.note, Nonce: base64(nonce) });
await x.begin();
const timer = setInterval(() => x.tick(), 100);

const commands = {
  async member({ note, ...m }) { await x.member({ ...m, verifier: (await Card.parse(note)).verifier, cardHash: hex(await sha256(note)) }); },
  receive: ({ from, data }) => x.receive(from, new Uint8Array(Buffer.from(data, 'base64'))),
  left: ({ identity }) => x.left(identity),
  allow: ({ identity, recording, state }) => x.allow(identity, recording, state),
  withhold: ({ identity }) => x.withhold(identity, 'consent'),
  async code() { say({ Code: await roomCode(x.seats()) }); },
};
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...args } = JSON.parse(line);
  await commands[command](args);
}
clearInterval(timer);
