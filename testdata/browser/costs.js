// What room keys cost one member: messages, bytes, and time in this browser. The others are
// in the same page, without a server.
import { Exchange } from '/keys/exchange.js';
import { base64, hex, sign, Verifier } from '/keys/note.js';

const random = (n) => crypto.getRandomValues(new Uint8Array(n));

async function member(identity, send, clock) {
  const pair = await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  const verifier = await Verifier.of(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)));
  const m = { identity, nonce: random(32), card: hex(random(32)), verifier, said: [] };
  m.x = new Exchange({
    room: 'weekly', identity, nonce: m.nonce, card: m.card, sign: (text) => sign(text, verifier, pair.privateKey), now: () => clock.now,
    notify: () => {}, send: async (to, packet) => { send(m, to, packet); },
  });
  return m;
}

const seen = (m) => ({ identity: m.identity, standing: 'verified', nonce: base64(m.nonce), cardHash: m.card, verifier: m.verifier });

/** costs does it so many times, for other work on the machine, and returns the least. */
export async function costs(n, times) {
  const all = [];
  for (let i = 0; i < times; i++) all.push(await once(n));
  const least = (what) => all.map((x) => x[what]).sort((a, b) => a.ms - b.ms)[0];
  return { join: least('join'), leave: least('leave') };
}

// once returns what one of n members spends until all have handed it their keys and it has
// handed out its own, and what it spends when somebody leaves.
async function once(n) {
  const clock = { now: 0 };
  const queue = [];
  const send = (from, to, packet) => queue.push({ from, to, packet });
  const ada = await member('ada', send, clock);
  const others = [];
  for (let i = 1; i < n; i++) others.push(await member(`m${i}`, send, clock));
  const all = [ada, ...others];
  let spent;
  const timed = async (f) => {
    const begun = performance.now();
    await f();
    await ada.x.sent;
    spent.ms += performance.now() - begun;
  };
  const settle = async (ms) => {
    for (const end = clock.now + ms; clock.now < end; clock.now += 100) {
      for (let d = queue.shift(); d; d = queue.shift()) {
        if (d.from === ada) Object.assign(spent, { sent: spent.sent + 1, sentBytes: spent.sentBytes + d.packet.length });
        for (const m of d.to ? all.filter((m) => m.identity === d.to) : all) {
          if (m === d.from || m !== ada && d.from !== ada) continue; // what the others say to one another
          if (m !== ada) {
            await m.x.receive(d.from.identity, d.packet);
            continue;
          }
          Object.assign(spent, { received: spent.received + 1, receivedBytes: spent.receivedBytes + d.packet.length });
          await timed(() => ada.x.receive(d.from.identity, d.packet));
        }
      }
      await timed(() => ada.x.tick());
      for (const m of others) {
        await m.x.tick();
        await m.x.sent;
      }
    }
    return spent;
  };
  const none = () => ({ sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, ms: 0 });
  spent = none();
  for (const m of all) await m.x.begin();
  for (const m of others) {
    await m.x.member(seen(ada));
    await timed(() => ada.x.member(seen(m)));
  }
  const join = { ...await settle(1_400) };
  if (!others.every((m) => m.x.view('ada').theirs === 'given' && ada.x.view(m.identity).theirs === 'given')) throw new Error('keys are missing');
  spent = none();
  await settle(20_000); // without these
  // The last one leaves: everybody else makes a fresh chain.
  spent = none();
  const gone = others.pop();
  all.pop();
  await gone.x.bye();
  await gone.x.sent;
  for (const m of others) m.x.giving.rotate(clock.now + 2_000);
  const leave = { ...await settle(3_400) };
  return { join, leave };
}
