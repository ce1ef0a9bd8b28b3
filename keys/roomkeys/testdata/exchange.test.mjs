// keys/web's Exchange in a simulated room, as exchange_test.go has Go's.
import assert from 'node:assert/strict';

import { Chain, roomCode } from '../../web/chain.js';
import { test } from './run.mjs';
import { text, World } from './world.mjs';

const recorder = { recorder: true };

test('a meeting', async () => {
  const w = new World(1);
  w.real = true;
  const [ada, ben, eve] = [await w.join('ada'), await w.join('ben'), await w.join('eve')];
  ada.distrusts.add('eve');
  const took = await w.settle(3_000);
  assert.ok(took <= 2_000, `all have the keys after ${took} ms`);
  await w.pass(500);
  assert.deepEqual([eve.why.get('ada'), ben.why.size], ['unverified', 0]);
  assert.deepEqual(ada.x.view('eve'), { mine: 'unverified', theirs: 'given' });
  assert.deepEqual(eve.x.view('ada'), { mine: 'given', theirs: 'unverified' });
  const before = ben.using;
  const cleo = await w.join('cleo');
  await w.settle(3_000);
  assert.equal(ben.using - before, 1, 'a join is one step');
  await w.leave(cleo, { bye: true });
  await w.pass(4_000);
  assert.deepEqual(w.unsettled(), []);
  await w.leave(ben);
  await w.pass(8_500);
  assert.deepEqual([...w.unsettled(), ...w.early()], []);
  const codes = await Promise.all([ada, eve].map((s) => roomCode(s.x.seats())));
  assert.equal(codes[0], codes[1]);
  assert.deepEqual(w.wrong, []);
});

test('time: a step each minute, a fresh chain each ten, a new secret of each pair after thirty', async () => {
  const w = new World(2);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  const had = ben.ever.size;
  await w.pass(40 * 60_000, 1_000);
  await w.settle(3_000);
  assert.ok(ben.ever.size - had >= 40 && ada.used.length >= 38, `${ben.ever.size - had} keys came in 40 minutes`);
  assert.ok(ada.x.giving.newest >= 4 && ada.x.peers.get('ben').theirs.generation === 2);
  assert.equal(ada.rings.get('ben').size, 5);
  assert.deepEqual(w.wrong, []);
});

test('a recorder has the keys of those who agreed, from then on, until they agree no more', async () => {
  const w = new World(3);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  const bot = await w.join('bot', recorder);
  await w.pass(20_000);
  assert.deepEqual([...w.unsettled(), bot.why.get('ada'), bot.ever.size], ['consent', 0]);
  assert.equal(ben.x.gives('ada', 'bot'), false);
  await w.decide(ada, bot, true);
  const agreed = w.now;
  await w.settle(3_000);
  assert.ok(!ada.used.some((u) => u.till <= agreed && bot.ever.has(u.key)), 'the bot has a key of before ada agreed');
  await w.pass(31_000);
  assert.equal(ben.x.gives('ada', 'bot'), true, 'ben can see that ada is recorded');
  const gone = async (name, change, why) => {
    await change();
    await w.pass(500);
    assert.deepEqual(w.unsettled(), [], name);
    await w.pass(2_000);
    assert.equal(bot.why.get('ada'), why, name);
    assert.equal(ben.x.gives('ada', 'bot'), false, name);
  };
  await gone('no', () => w.decide(ada, bot, false), 'consent');
  await w.decide(ada, bot, true);
  await w.settle(3_000);
  assert.equal(bot.why.has('ada'), false);
  await w.pass(10_000);
  const phase = async (p) => {
    bot.phase = p;
    for (const s of [ada, ben]) await w.see(s, bot);
  };
  await gone('the recorder pauses', () => phase('paused'), 'paused');
  await phase('recording');
  await w.settle(3_000);
  await w.pass(10_000);
  await gone('pause me', async () => { ada.agrees = false; await ada.x.withhold('bot', 'paused'); }, 'paused');
  // A no right after a fresh chain for who left waits for nothing.
  await w.decide(ada, bot, true);
  await w.settle(3_000);
  await w.leave(await w.join('cleo'));
  await w.pass(6_000);
  await gone('no, after a leave', () => w.decide(ada, bot, false), 'consent');
  assert.equal(await ada.x.allow('ben', 'ZYXWVTSRQPNMKJHGFEDCBA9876', '1'.repeat(64)), false, 'a yes to who is no recorder');
  await ada.x.allow('bot', '0123456789ABCDEFGHJKMNPQRS', '1'.repeat(64));
  await w.pass(5_000);
  assert.deepEqual([...w.unsettled(), ...w.wrong], [], 'a yes to another recording');
});

test('a recorder that comes again under another nonce needs another yes', async () => {
  const w = new World(4);
  const ada = await w.join('ada');
  const bot = await w.join('bot', recorder);
  await w.pass(2_000);
  await w.decide(ada, bot, true);
  await w.settle(3_000);
  await w.leave(bot);
  await w.pass(1_000);
  ada.agrees = false;
  const again = await w.join('bot', { ...recorder, card: bot.card });
  await w.pass(8_000);
  assert.deepEqual([...w.unsettled(), again.why.get('ada')], ['consent']);
});

test('who is away for a moment costs nothing; for longer is a leaver, and comes back as one who joins', async () => {
  const w = new World(5);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  const before = ada.x.giving.newest;
  await ada.x.left('ben');
  await w.pass(4_000);
  await w.see(ada, ben);
  await w.pass(10_000);
  assert.equal(ada.x.giving.newest, before);
  await ada.x.left('ben');
  await w.pass(8_000);
  assert.equal(ada.x.giving.newest, before + 1);
  assert.ok(!ben.ever.has(ada.used.at(-1).key));
  await w.see(ada, ben);
  await w.settle(5_000);
  await w.pass(60_000);
  assert.deepEqual([...w.unsettled(), ...w.wrong], []);
});

test('a storm of joins and leaves makes few chains, and no index comes back soon', async () => {
  const w = new World(6);
  const ada = await w.join('ada');
  const began = w.now;
  for (let i = 0; i < 80; i++) {
    const eve = await w.join('eve');
    await w.pass(200 + Math.floor(w.rand() * 8) * 100);
    await w.leave(eve, { bye: i % 2 === 0 });
    await w.pass(100);
  }
  const seconds = (w.now - began) / 1000;
  assert.ok(ada.used.length <= seconds + seconds / 5 + 5, `${ada.used.length} keys in ${seconds} s`);
  assert.ok(ada.x.giving.newest - 1 <= seconds / 5 + 1, `${ada.x.giving.newest} chains in ${seconds} s`);
  const last = new Map();
  for (const u of ada.used) {
    assert.ok(!(u.since - last.get(u.index) < 40_000), `index ${u.index} again after ${u.since - last.get(u.index)} ms`);
    last.set(u.index, u.since);
  }
  await w.settle(10_000);
});

test('another session under an identity clears its ring; the first gets no more keys', async () => {
  const w = new World(7);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  w.past.push(ben);
  const tab = await w.join('ben', { card: ben.card }); // a second tab, or the page was loaded again: nobody said that ben left
  await w.see(ada, tab);
  assert.equal(ada.rings.get('ben').size, 0);
  await w.settle(10_000);
  assert.ok(!ben.ever.has(ada.used.at(-1).key));
});

test('two tabs of one card under two identities are two members', async () => {
  const w = new World(8);
  const ada = await w.join('ada');
  const card = '9'.repeat(64);
  const [one, two] = [await w.join('ben-1', { card }), await w.join('ben-2', { card })];
  await w.settle(3_000);
  assert.equal(ada.x.seats().length, 3);
  await w.leave(one, { bye: true });
  await w.settle(6_000);
  assert.ok(two.ever.has(ada.used.at(-1).key));
});

test('bye: nothing is kept, and nothing is given any more', async () => {
  const w = new World(9);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  await w.settle(3_000);
  const secrets = [ben.x.giving.chain.secret, ben.x.taking.rings.get('ada').chain.secret];
  await w.leave(ben, { bye: true });
  assert.ok(secrets.every((s) => s.every((x) => x === 0)), 'secrets are kept');
  assert.deepEqual([ben.rings.get('ada').size, ben.rings.get('ben').size], [0, 0]);
  await w.pass(4_000);
  assert.ok(!ben.ever.has(ada.used.at(-1).key));
  await w.see(ada, ben); // the server says that ben is back: a session that said bye is over
  await w.pass(10_000);
  assert.equal(ada.x.peers.get('ben').given, 0);
});

test('KEM keys and chains are erased when they are used up', async () => {
  const w = new World(10);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  const offers = new Set();
  for (let i = 0; i < 15; i++) {
    await w.pass(100);
    const offer = ada.x.peers.get('ben')?.offer;
    if (offer) offers.add(offer);
  }
  await w.settle(3_000);
  assert.ok(offers.size > 0 && ada.x.peers.get('ben').offer === undefined && ben.x.peers.get('ada').theirs.public === undefined);
  assert.ok([...offers].every((o) => o.private.every((x) => x === 0)));
  w.tamper = () => [];
  const cleo = await w.join('cleo');
  await w.pass(1_000);
  const unused = cleo.x.peers.get('ada').offer;
  await w.pass(61_000);
  assert.ok(unused.private.every((x) => x === 0), 'a KEM key that nobody used is kept');
  const c = Chain.begin(1, 255);
  const old = c.secret;
  await c.step();
  assert.ok(old.every((x) => x === 0) && c.index === 0);
});

test('strangers: give to all who proved something, and to nobody else', async () => {
  const w = new World(11);
  const ada = await w.join('ada', { give: 'proved' });
  const ben = await w.join('ben');
  ada.distrusts.add('ben');
  await w.settle(3_000);
  assert.ok(ben.ever.has(ada.used.at(-1).key));
  await ada.x.member({ identity: 'ben', standing: 'unknown', nonce: btoa(String.fromCharCode(...ben.nonce)), cardHash: ben.card, verifier: ben.verifier });
  await w.pass(4_000);
  assert.ok(!ben.ever.has(ada.used.at(-1).key), 'whose card does not count any more has the key');
});

test('one lost key is healed by a want, without another secret', async () => {
  const w = new World(12);
  const [ada, ben, cleo] = [await w.join('ada'), await w.join('ben'), await w.join('cleo')];
  await w.settle(3_000);
  let [lost, sessions] = [0, 0];
  w.tamper = (d) => {
    if (d.kind === 'session' && d.from === 'ben') sessions++;
    return d.kind === 'key' && d.from === 'ada' && d.to === 'ben' && lost++ === 0 ? [] : [d];
  };
  await w.leave(cleo, { bye: true });
  await w.pass(4_000);
  assert.deepEqual([...w.unsettled(), ...w.wrong], []);
  assert.ok(lost > 1 && sessions === 0 && ada.x.giving.newest === 2 && ben.x.taking.rings.get('ada').number === 2);
  // A frame says so, too, before a here does.
  ben.x.taking.rings.get('ada').slots.clear();
  await ben.x.missing('ada', ada.using);
  let wants = 0;
  w.tamper = (d) => { wants += d.kind === 'want'; return [d]; };
  await w.pass(1_000);
  assert.equal(wants, 1);
});

test('the key that follows a yes is lost: the next here tells that it was given', async () => {
  const w = new World(31);
  const ada = await w.join('ada');
  const bot = await w.join('bot', recorder);
  await w.pass(60_000);
  assert.equal(bot.why.get('ada'), 'consent');
  let lost = 0;
  w.tamper = (d) => d.kind === 'key' && d.from === 'ada' && d.to === 'bot' && lost++ === 0 ? [] : [d];
  bot.x.missing = async () => {}; // its client cannot tell what opens
  await w.decide(ada, bot, true);
  await w.pass(5_000);
  assert.deepEqual([...w.unsettled(), ...w.wrong], []);
  assert.ok(lost > 1);
});

test('what the pair\'s secret came in is lost: it is said again, by the same offer', async () => {
  const w = new World(13);
  await w.join('ada');
  const [ben, cleo] = [await w.join('ben'), await w.join('cleo')];
  await w.settle(3_000);
  let secrets = 0;
  w.tamper = (d) => {
    if (d.kind !== 'key' || d.from !== 'ada' || d.to !== 'ben') return [d];
    if (!text(d.data).includes('\nenc: -\n')) secrets++;
    return secrets < 3 ? [] : [d];
  };
  await w.pass(10_000);
  await w.leave(cleo, { bye: true });
  await w.pass(3_000);
  await w.settle(12_000);
  assert.deepEqual([ben.x.peers.get('ada').inGeneration, secrets], [2, 3]);
});

test('a fresh chain overwrites no key that receivers have ahead, and joins of one second share a step', async () => {
  const w = new World(25);
  const [ada, ben] = [await w.join('ada'), await w.join('ben')];
  const cleo = await w.join('cleo');
  await w.settle(3_000);
  await w.leave(cleo, { bye: true });
  await w.pass(1_900);
  const had = [...ben.rings.get('ada')];
  assert.equal(had.length, 5);
  while (ben.rings.get('ada').size === 5) await w.pass(100); // the fresh chain has come, and is not used yet
  assert.ok(had.every(([index, key]) => ben.rings.get('ada').get(index) === key) && ada.x.giving.newest === 2);
  assert.equal(ben.rings.get('ada').size, 10);
  await w.pass(5_000);
  const before = ada.used.length;
  for (let i = 0; i < 6; i++) {
    await w.join(`m${i}`);
    await w.pass(100);
  }
  await w.settle(4_000);
  assert.ok(ada.used.length - before <= 3, `${ada.used.length - before} steps for six who came in 0.6 s`);
});
