// What the page does with keys/web/roomkeys.js: who is verified, who can hear whom, the room
// code, and whether a recorder may record.
import { Card, Identity, Pins, RoomKeys, Shelf } from '/keys/index.js';

const shelf = new Shelf();
let prepared; // identity and pins, which all tabs of a browser share

async function load({ card: name, pins: notes = [] }) {
  let identity = await Identity.load(shelf);
  if (!identity) {
    identity = await Identity.generate({ name });
    await identity.save(shelf);
  }
  const pins = await Pins.load(shelf, identity.card);
  for (const note of notes) {
    const card = await Card.parse(note);
    await pins.add(card, { sure: true, recorder: card.role === 'recorder' });
  }
  return { identity, pins };
}

// prepare makes the keys of a room. state is the page's, and changed is called with each
// change of it.
export async function prepare(config, state, changed) {
  const { identity, pins } = await (prepared ??= load(config));
  const keys = new RoomKeys({ identity, pins, recorders: 'ask' });
  const m = state.membership = { card: identity.card.note, fingerprint: identity.card.fingerprint, code: '', roomCode: '', peers: {}, troubles: [], question: '', index: 0 };
  const update = () => {
    m.roomCode = keys.code;
    m.peers = Object.fromEntries(keys.peers.map((p) => [p.identity, p]));
    m.index = keys.provider.getLatestManuallySetKeyIndex();
    changed();
  };
  keys.provider.on('setKey', (_, current) => current && update());
  for (const event of ['peer', 'left', 'code']) keys.addEventListener(event, update);
  keys.addEventListener('ask', (e) => {
    m.question = e.detail.recorder.identity;
    update();
  });
  keys.addEventListener('trouble', (e) => {
    m.troubles.push(e.detail);
    update();
  });
  return {
    provider: keys.provider,
    connect: (room, url, token) => keys.connect(room, url, token),
    async answer(recorder, yes) {
      m.question = '';
      await keys.answer(recorder, yes);
      update();
    },
    async pause(paused) {
      await (paused ? keys.pause() : keys.resume());
      update();
    },
    pin: async (note, fingerprint) => {
      const card = await Card.parse(note);
      await pins.add(card, { fingerprint, recorder: card.role === 'recorder' });
      for (const p of keys.peers) if (p.fingerprint === card.fingerprint) await keys.pin(p.identity, { sure: true, recorder: card.role === 'recorder' });
      update();
    },
    export: async (passphrase) => (await Identity.load(shelf)).export(passphrase, 10), // log2 of scrypt's cost: quick
    stop: () => keys.leave(),
  };
}
