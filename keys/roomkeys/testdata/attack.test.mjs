// keys/web's Exchange in a simulated room whose server, or whose members, are not honest: as
// attack_test.go has Go's.
import assert from 'node:assert/strict';

import { Chain, commitment } from '../../web/chain.js';
import { hex } from '../../web/note.js';
import { Ring } from '../../web/ring.js';
import { test } from './run.mjs';
import { text, World } from './world.mjs';

const recorder = { recorder: true };

for (const [name, seed, repeat] of [['loss and reordering', 14, 0], ['loss, reordering and repeats', 15, 0.2]]) {
  test(name, async () => {
    const w = new World(seed);
    w.loss = 0.2;
    w.delay = () => w.rand() * 600;
    const said = [];
    w.tamper = (d) => {
      said.push(d);
      return w.rand() < repeat ? [d, said[Math.floor(w.rand() * said.length)]] : [d];
    };
    for (const name of ['ada', 'ben', 'cleo', 'dan']) await w.join(name);
    const bot = await w.join('bot', recorder);
    await w.pass(5_000);
    for (const name of ['ada', 'cleo']) await w.decide(w.members.get(name), bot, true);
    await w.settle(30_000);
    for (let i = 0; i < 6; i++) {
      const s = w.members.get(['dan', 'cleo', 'eve', 'ben', 'fay', 'eve'][i]);
      if (s) await w.leave(s, { bye: w.rand() < 0.5 });
      else await w.join(['dan', 'cleo', 'eve', 'ben', 'fay', 'gus'][i]);
      await w.pass(w.rand() * 6_000);
    }
    await w.pass(9_000);
    await w.settle(30_000);
    assert.deepEqual(w.early(), []);
    const bad = w.wrong.filter((x) => !/: (stale|silent|split|flood)$/.test(x));
    assert.deepEqual(bad, []);
  });
}

test('a member who gives others another key than it says is reported', async () => {
  const w = new World(16);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  const told = ada.x.giving.told.bind(ada.x.giving);
  ada.x.giving.told = async () => ({ ...await told(), commit: await commitment(new Uint8Array(32)) });
  await w.pass(70_000);
  assert.deepEqual(ben.wrong, ['ada: two-keys']);
});

test('two views of a room are reported, with the name', async () => {
  const w = new World(17);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  const cleo = await w.join('cleo');
  await w.pass(1_000);
  await ada.x.left('cleo'); // the server shows ada a room without cleo
  await w.pass(60_000);
  assert.deepEqual([ada.wrong.sort(), ben.wrong, cleo.wrong.includes('ada: split')], [['ben: split'], ['ada: split'], true]);
});

test('a server that holds back here, key or session is reported, and nothing is given', async () => {
  const w = new World(18);
  w.tamper = (d) => (d.from === 'ben' && d.kind === 'here' ? [] : [d]);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  await w.pass(95_000);
  assert.deepEqual(ada.wrong, ['ben: silent']);
  assert.ok(!ben.ever.has(ada.used.at(-1).key));
  const v = new World(19);
  v.tamper = (d) => (d.from === 'ada' && d.kind === 'key' ? [] : [d]);
  const other = (await v.join('ada'), await v.join('ben'));
  await v.pass(50_000);
  assert.deepEqual([other.wrong, other.ever.size], [['ada: silent'], 0]);
});

test('who tampers with messages gets nothing through', async () => {
  const w = new World(20);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  const eve = await w.join('eve');
  ada.distrusts.add('eve');
  const said = [];
  w.tamper = (d) => { said.push(d); return [d]; };
  await w.settle(3_000);
  await w.pass(3_000);
  const find = (kind, from, to) => said.find((d) => d.kind === kind && d.from === from && d.to === to);
  const give = (d, from, to) => w.members.get(to).x.receive(from, d.data);
  const took = async (s, f) => { const n = s.wrong.length; await f(); return s.wrong.slice(n); };
  // Said again, by another, to another, changed.
  for (const kind of ['here', 'key']) assert.deepEqual(await took(ben, () => give(find(kind, 'ada', 'ben'), 'ada', 'ben')), ['ada: stale'], kind);
  assert.deepEqual(await took(ben, () => give(find('here', 'ada', 'ben'), 'eve', 'ben')), ['eve: signature']);
  assert.deepEqual(await took(eve, () => give(find('key', 'ada', 'ben'), 'ada', 'eve')), []); // for another
  const flip = (d, from, to) => ({ ...d, data: new TextEncoder().encode(text(d.data).replace(from, to)) });
  const here = find('here', 'ada', 'ben');
  assert.deepEqual(await took(ben, () => give(flip(here, 'members: ', 'members: 1'), 'ada', 'ben')), ['ada: signature']);
  for (const [from, to] of [['members: ', 'members:  '], ['roster', 'rooster'], ['index: ', 'index: 0']]) {
    assert.deepEqual(await took(ben, () => give(flip(here, from, to), 'ada', 'ben')), ['ada: malformed'], to);
  }
  assert.deepEqual(await took(ben, () => w.members.get('ben').x.receive('ada', new TextEncoder().encode('sealtape.v1/here\n\n'))), ['ada: malformed']);
  assert.deepEqual(await took(ben, () => ben.x.receive('ada', new TextEncoder().encode('sealtape.v1/other\n'))), []);
  assert.deepEqual(await took(ben, () => ben.x.receive('nobody', here.data)), []);
  // Another room, another session.
  const v = new World(21);
  const [other] = [await v.join('ada', { room: 'monthly' })];
  const heard = [];
  v.tamper = (d) => { heard.push(d); return []; };
  await v.join('ben');
  await v.pass(3_000);
  await ben.x.member({ identity: 'ada', standing: 'verified', nonce: btoa(String.fromCharCode(...other.nonce)), cardHash: other.card, verifier: other.verifier });
  assert.deepEqual(await took(ben, () => give(heard.find((d) => d.from === 'ada' && d.kind === 'here'), 'ada', 'ben')), ['ada: other-room']);
  assert.deepEqual(await took(ben, () => give(here, 'ada', 'ben')), ['ada: signature']);
});

test('more KEM keys than are taken, and two of one number, are refused', async () => {
  const w = new World(22);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  const p = ben.x.peers.get('ada');
  for (const generation of [2, 3]) {
    p.generation = generation - 1;
    p.offered = -Infinity;
    p.askAt = w.now;
    p.in = undefined;
    await w.pass(200);
  }
  assert.ok(ada.wrong.includes('ben: flood'), `${ada.wrong}`);
  await w.pass(40_000);
  await w.settle(15_000);
});

test('a room of strangers\' identities cannot fill the memory', async () => {
  const w = new World(23);
  const ada = await w.join('ada');
  const { verifier } = await w.join('ben');
  for (let i = 0; i < 4_200; i++) {
    await ada.x.member({ identity: `eve ${i}`, standing: 'verified', nonce: btoa(String.fromCharCode(...new Uint8Array(32))), cardHash: '1'.repeat(64), verifier });
  }
  assert.equal(ada.x.peers.size, 4096);
});

test('a room that loses 5 % of its messages is settled within 10 s of a leave', async () => {
  const members = process.env.SEALTAPE_TEST_ALL ? 16 : 8;
  const w = new World(24);
  w.loss = 0.05;
  w.delay = () => w.rand() * 200;
  for (let i = 0; i < members; i++) await w.join(`m${i}`);
  await w.settle(15_000);
  await w.leave(w.members.get('m7'));
  await w.pass(10_000);
  assert.deepEqual(w.unsettled(), []);
  // What each sends, of messages: a fresh chain for each other, and what is asked for again.
  assert.ok(w.sent < members * members * 14, `${w.sent} were sent`);
});

test('however far a member says that its key is, few keys are installed for that', async () => {
  for (const steps of [0, 1, 4, 5, 6, 7, 100, 128]) {
    const keys = new Map();
    let installed = 0;
    const ring = new Ring('ada', ({ kind, index, key }) => {
      if (kind === 'install') installed++;
      if (kind === 'install') keys.set(index, hex(key));
      else assert.ok(keys.delete(index), 'retired, and was not installed');
    });
    const chain = Chain.begin(1, 250);
    const sender = chain.copy();
    await ring.take(chain, 0);
    installed = 0;
    await ring.advance(steps, 0);
    assert.ok(installed <= 5, `${steps} steps: ${installed}`);
    for (let n = 0; n < steps; n++) await sender.step();
    await ring.tick(10_000);
    const want = new Map();
    for (let n = 0; n <= 4; n++, await sender.step()) want.set(sender.index, hex(await sender.key()));
    assert.deepEqual(keys, want, `${steps} steps`);
  }
});
