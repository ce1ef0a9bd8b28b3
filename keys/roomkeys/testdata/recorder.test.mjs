// Recorders that are refused, in a simulated room of keys/web's Exchanges: as
// attack_recorder_test.go has Go's.
import assert from 'node:assert/strict';

import { test } from './run.mjs';
import { World } from './world.mjs';

const recorder = { recorder: true };
const opens = (bot, ada) => bot.ever.has(ada.used.at(-1).key);

// fresh waits until somebody has made a fresh chain.
async function fresh(w, s) {
  for (const newest = s.x.giving.newest; s.x.giving.newest === newest;) await w.pass(100);
}

const before = {
  nothing: () => {},
  'the bot is unlisted': async (w, { ada }) => { await ada.x.left('bot'); await w.pass(2_000); },
  'the bot is almost gone': async (w, { ada }) => { await ada.x.left('bot'); await w.pass(4_900); },
  'the bot is gone': async (w, { ada }) => { await ada.x.left('bot'); await w.pass(5_100); },
  'a fresh chain for a leaver waits': async (w, { ada, ben }) => { await w.leave(ben, { bye: true }); await fresh(w, ada); },
  'that chain is used': async (w, { ben }) => { await w.leave(ben, { bye: true }); await w.pass(3_300); },
  'a fresh chain that the bot does not get waits': async (w, { ada, ben }) => {
    await w.leave(ben, { bye: true });
    await w.pass(1_500);
    await ada.x.left('bot');
    await fresh(w, ada);
  },
  'another session took its place': (w, { ada, bot }) => ada.x.member({
    identity: 'bot', standing: 'verified', nonce: btoa('another'), cardHash: bot.card, verifier: bot.verifier, recorder: true,
  }),
  'it said bye': async (w, { bot }) => { await bot.x.bye(); await w.pass(200); },
  'its card counts no more': async (w, { ada, bot }) => { ada.distrusts.add('bot'); await w.see(ada, bot); },
  'another recorder was refused': async (w, { ada }) => {
    const other = await w.join('other', recorder);
    await w.settle(5_000);
    await ada.x.withhold('other', 'consent');
    other.phase = 'paused'; // what the world believes
    await w.pass(200);
  },
};

for (const [name, f] of Object.entries(before)) {
  test(`half a second after a no a recorder opens nothing: ${name}`, async () => {
    const w = new World(31);
    const room = { ada: await w.join('ada'), bot: await w.join('bot', recorder), ben: await w.join('ben') };
    const { ada, bot } = room;
    ada.agrees = true;
    await w.settle(5_000);
    await w.pass(10_000);
    assert.ok(opens(bot, ada), 'the bot has no key that could be taken');
    await f(w, room);
    await ada.x.withhold('bot', 'consent'); // who is gone cannot be told
    await w.pass(500);
    for (let i = 0; i < 50; i++) {
      assert.ok(!opens(bot, ada), 'a bot that was refused opens what is sent');
      await w.pass(100);
    }
  });
}

test('a key that the server holds back until a no has come is not taken for a yes', async () => {
  const w = new World(32);
  const ada = await w.join('ada');
  const bot = await w.join('bot', recorder);
  ada.agrees = true;
  await w.settle(5_000);
  const held = [];
  w.tamper = (d) => {
    if (d.kind !== 'key' || d.from !== 'ada') return [d];
    held.push(d);
    return [];
  };
  await bot.x.missing('ada', 200);
  await w.pass(2_000);
  w.tamper = (d) => [d];
  await w.decide(ada, bot, false);
  await w.pass(2_000);
  const given = bot.given.length;
  assert.ok(held.length > 0);
  for (const d of held) await bot.x.receive('ada', d.data);
  assert.deepEqual([bot.given.length, bot.x.view('ada').theirs, bot.why.get('ada')], [given, 'consent', 'consent']);
  await w.decide(ada, bot, true);
  await w.settle(5_000);
});

test('a server that splits a room cannot hide that behind guests who come and go', async () => {
  const w = new World(33);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  const cleo = await w.join('cleo');
  await w.pass(1_000);
  await ada.x.left('cleo');
  await w.pass(6_000);
  ada.wrong.length = ben.wrong.length = 0;
  for (let i = 0; i < 6; i++) {
    const guest = { identity: 'guest', standing: 'verified', nonce: btoa(`guest ${i}`), cardHash: '1'.repeat(64), verifier: ben.verifier };
    for (const s of [ada, ben, cleo]) await s.x.member(guest);
    await w.pass(12_000);
  }
  assert.ok(ada.wrong.includes('ben: split') && ben.wrong.includes('ada: split'), `${ada.wrong}; ${ben.wrong}`);
});
