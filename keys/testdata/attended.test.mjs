import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Attended, watchLink } from '../web/attended.js';
import { Identity } from '../web/identity.js';
import { Drawer } from '../web/store.js';

const id = (n) => `01JD3Q8ZC5ABCDEFGHJKM${String(n).padStart(4, '0')}0`;
const bot = await Identity.generate({ name: 'Bot', role: 'recorder' });
const state = (n) => ({ recording: id(n), storeURL: 'https://s3.example.org/meetings', pageURL: 'https://meet.example.org/recordings/' });
const peer = (n, more) => ({ standing: 'verified', recorder: true, card: bot.card, state: state(n), ...more });

test('what a verified recorder says is kept once', async () => {
  const shelf = new Drawer(), attended = new Attended(shelf);
  const first = await attended.note(peer(1), 'weekly');
  assert.equal(first.recorder, bot.card.key);
  assert.deepEqual(await attended.note(peer(1), 'weekly'), first);
  const moved = await attended.note(peer(1, { state: { ...state(1), pageURL: 'https://tapes.example.org/' } }), 'weekly');
  assert.deepEqual(await new Attended(shelf).list(), [{ ...first, page: 'https://tapes.example.org/' }]);
  assert.equal(moved.since, first.since);
  assert.equal((await attended.note({ ...peer(2), card: undefined, key: bot.card.key }, 'weekly')).recording, id(2)); // of RoomKeys
  await attended.forget(id(1));
  assert.deepEqual((await attended.list()).map((m) => m.recording), [id(2)]);
});

test('nobody else is believed, and nothing else is kept', async () => {
  const attended = new Attended(new Drawer());
  for (const bad of [peer(1, { standing: 'claimed' }), peer(1, { standing: 'unknown' }), peer(1, { recorder: false }), peer(1, { state: undefined }),
    peer(1, { state: { ...state(1), recording: '' } }), peer(1, { state: { ...state(1), storeURL: '' } }), peer(1, { state: { ...state(1), pageURL: '' } }), peer(1, { card: undefined })]) {
    assert.equal(await attended.note(bad, 'weekly'), undefined);
  }
  await assert.rejects(attended.note(peer(1, { state: { ...state(1), pageURL: 'javascript:alert(1)' } }), 'weekly'), /no address/);
  assert.deepEqual(await attended.list(), []);
});

test('the oldest are forgotten', async () => {
  const shelf = new Drawer(), attended = new Attended(shelf);
  await shelf.set('attended', Array.from({ length: 1000 }, (_, i) => ({ recording: id(i), recorder: bot.card.key, since: 1000 - i })));
  await attended.note(peer(5000), 'weekly');
  const list = await attended.list();
  assert.equal(list.length, 1000);
  assert.equal(list[0].recording, id(5000));
  assert.ok(!list.some((m) => m.recording === id(999)));
});

const meeting = { recording: id(1), room: 'weekly', store: 'https://s3.example.org/my meetings'.replace(' ', '_'), page: 'https://meet.example.org/recordings/', recorder: bot.card.key, since: 0 };

async function head({ of = id(1), by = bot, size = 7, root = 'A'.repeat(43) + '=', state: s = 'closed', origin = 'sealtape.v1/' } = {}) {
  const message = `${origin}${of}\n${size}\n${root}\nstate: ${s}\n`;
  return message + '\n' + await by.sign(message);
}

async function link(body, status = 200) {
  const asked = [], before = globalThis.fetch;
  globalThis.fetch = async (address, options) => {
    asked.push(address);
    assert.deepEqual([options.credentials, options.redirect, options.headers], ['omit', 'error', undefined]);
    if (status === 0) throw new TypeError('Failed to fetch');
    return new Response(body, { status });
  };
  try {
    return { link: await watchLink(meeting), asked };
  } finally {
    globalThis.fetch = before;
  }
}

test('a link has the state that the recorder signed', async () => {
  const got = await link(await head());
  assert.deepEqual(got.asked, [`https://s3.example.org/my_meetings/${id(1)}/head`]);
  const key = Buffer.from(bot.card.verifier.raw).toString('base64url');
  assert.equal(got.link, `https://meet.example.org/recordings/#1&s=https://s3.example.org/my_meetings&r=${id(1)}&k=${key}&h=7.${'A'.repeat(43)}`);
});

for (const [name, why, body, status] of [
  ['that is not there', /not yet/, 'gone', 404],
  ['of a store that does not answer', /does not answer/, '', 0],
  ['of another recording', /another recording/, await head({ of: id(2) })],
  ['of another recorder', /has not signed/, await head({ by: await Identity.generate({ name: 'Eve', role: 'recorder' }) })],
  ['that is a page', /not a signed note/, '<html>'],
  ['that is too long', /something else/, 'x'.repeat(70_000)],
  ['of another version', /another recording/, await head({ origin: 'sealtape.v2/' })],
  ['without a size', /another recording/, await head({ size: 0 })],
]) test(`no link to a recording ${name}`, async () => { await assert.rejects(link(body, status), why); });
