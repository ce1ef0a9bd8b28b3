// What keys/web puts between its Exchange and livekit-client: the traps of that.
import assert from 'node:assert/strict';

import { sendClear } from '../../web/cleartext.js';
import { KeyProvider } from '../../web/provider.js';
import { Recorders } from '../../web/recorders.js';
import { RoomKeys } from '../../web/roomkeys.js';
import { test } from './run.mjs';

const key = (n) => new Uint8Array(32).fill(n);
const install = (identity, index) => ({ kind: 'install', identity, index, key: key(index) });

test('a Room that connects again is posted live keys only, and the member\'s own index', async () => {
  const p = new KeyProvider(128);
  const posted = [];
  p.on('setKey', (k, current) => posted.push([k.participantIdentity, k.keyIndex, current]));
  for (const index of [0, 1]) {
    await p.take(install('ada', index));
    await p.take({ kind: 'use', identity: 'ada', index });
    if (index) await p.take({ kind: 'retire', identity: 'ada', index: index - 1 });
  }
  for (const index of [0, 1, 2, 3, 4]) await p.take(install('ben', index)); // set last, at an index that ada had long ago
  assert.equal(p.getLatestManuallySetKeyIndex(), 1);
  assert.deepEqual(p.getKeys().filter((k) => k.participantIdentity === 'ada').map((k) => k.keyIndex), [1]);
  assert.deepEqual(posted.filter(([, , current]) => current), [['ada', 0, true], ['ada', 1, true]]);
});

test('a retired key is overwritten, and what is in use is not touched', async () => {
  const p = new KeyProvider(256);
  const set = [];
  p.on('setKey', (k, current) => set.push({ ...k, current }));
  await p.take(install('ben', 7));
  await p.take({ kind: 'retire', identity: 'ben', index: 7 });
  assert.deepEqual(set.map((k) => [k.keyIndex, k.current]), [[7, false], [7, false]]);
  const bits = (k) => crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: key(0), info: key(0) }, k.key, 256);
  assert.notDeepEqual(new Uint8Array(await bits(set[0])), new Uint8Array(await bits(set[1])));
  assert.deepEqual(p.getKeys(), []);
});

test('no ratchet, no index that is given up, all 256 of them', () => {
  const { ratchetWindowSize, failureTolerance, keyringSize, sharedKey, keySize } = new KeyProvider(256).getOptions();
  assert.deepEqual([ratchetWindowSize, failureTolerance, keyringSize, sharedKey, keySize], [0, -1, 256, false, 256]);
  const p = new KeyProvider(128);
  const f = () => assert.fail('a listener that was taken off');
  p.on('setKey', f).off('setKey', f).emit('setKey');
});

// As livekit-client 2.23: LocalParticipant.publishData, RTCEngine.sendDataPacket.
function room() {
  const sent = [];
  const engine = {
    e2eeManager: { encrypt: () => 'encrypted' },
    sendDataPacket(packet) { sent.push(this.e2eeManager ? this.e2eeManager.encrypt(packet) : packet); },
  };
  return { sent, engine, localParticipant: { engine, identity: 'ada', async publishData(data, o) { this.engine.sendDataPacket({ data, from: this.identity, ...o }); } } };
}

test('what hands keys out does not wait for keys; all else is encrypted as before', async () => {
  const r = room();
  await sendClear(r, 'ben', key(1));
  await sendClear(r, '', key(2));
  await r.localParticipant.publishData(key(3), {});
  assert.deepEqual(r.sent.map((x) => x.destinationIdentities ?? x), [['ben'], r.sent[1], 'encrypted']);
  assert.deepEqual([r.sent[0].topic, r.sent[0].from, r.sent[1].destinationIdentities], ['sealtape.v1', 'ada', undefined]);
  delete r.engine.e2eeManager;
  await assert.rejects(sendClear(r, 'ben', key(1)), /version of livekit-client/);
});

test('a Room that would encrypt under other keys, or not at all, is refused', async () => {
  const keys = new RoomKeys({ identity: {}, pins: {} });
  let enabled = false;
  const setE2EEEnabled = async () => { enabled = true; };
  for (const options of [{}, { encryption: { keyProvider: {} } }, { e2ee: { keyProvider: keys.provider } }]) {
    await assert.rejects(keys.connect({ options, setE2EEEnabled }, 'ws://x', 'token'), /keyProvider: keys.provider/);
  }
  const failing = { options: { encryption: { keyProvider: keys.provider } }, setE2EEEnabled, connect: async () => { throw new Error('no server'); } };
  await assert.rejects(keys.connect(failing, 'ws://x', 'token'), /no server/);
  await assert.rejects(keys.connect(failing, 'ws://x', 'token'), /no server/); // and can be tried again
  assert.ok(enabled && keys.peers.length === 0 && keys.code === '');
  await assert.rejects(keys.answer('rec', true), /not connected/);
  assert.throws(() => new RoomKeys({ identity: {}, pins: {}, recorders: 'perhaps' }));
  assert.throws(() => new RoomKeys({ identity: {}, pins: {}, bits: 192 }));
});

function recorders(policy, pinned = []) {
  const peer = {
    identity: 'rec', standing: 'verified', recorder: true, card: { key: 'k' }, session: { nonce: 'n1', cardHash: 'c', digest: 'd1' },
    state: { recording: 'R1', consent: 'ask', readers: [{ fingerprint: 'a', name: 'Ada' }] },
  };
  const done = [];
  const r = new Recorders({
    policy, pins: { fingerprints: () => new Set(pinned) }, ask: (p, readers, added) => done.push(['ask', ...added.map((x) => x.name)]),
    member: { peer: () => peer, peers: () => [peer], answer: async (_, yes) => { done.push(['say', yes]); } },
    exchange: { allow: async (_, recording, digest) => done.push(['allow', recording, digest]), withhold: async (_, why) => done.push(['withhold', why]) },
  });
  const heard = async (change = {}) => {
    Object.assign(peer, change);
    done.length = 0;
    await r.heard(peer);
    return [...done];
  };
  const answer = async (a) => {
    done.length = 0;
    await r.answer('rec', a);
    return [...done];
  };
  const state = (change) => ({ state: { ...peer.state, ...change }, session: { ...peer.session, digest: 'd2' } });
  return { r, peer, heard, answer, state };
}

test('a recorder is asked about once, and again when somebody unknown can read', async () => {
  const { r, peer, heard, answer, state } = recorders('ask', ['b']);
  assert.deepEqual(await heard({ standing: 'claimed' }), [], 'who is not verified is not asked about');
  assert.deepEqual(await heard({ standing: 'verified' }), [['ask']]);
  assert.deepEqual(await heard(), []);
  assert.deepEqual(await answer('yes'), [['allow', 'R1', 'd1'], ['say', true]]);
  const readers = [...peer.state.readers, { fingerprint: 'b', name: 'Ben' }]; // whose card is pinned
  assert.deepEqual(await heard(state({ readers })), [['allow', 'R1', 'd2']]);
  readers.push({ fingerprint: '', name: 'Eve' });
  assert.deepEqual(await heard(state({ readers })), [['withhold', 'consent'], ['ask', 'Eve']]);
  assert.deepEqual([await heard(), r.answered(peer)], [[], '']);
  assert.deepEqual(await answer('yes'), [['allow', 'R1', 'd2'], ['say', true]]);
  assert.deepEqual(await answer('paused'), [['withhold', 'paused'], ['say', false]]);
  assert.deepEqual(await heard(), [], 'a pause is not undone by what the recorder says');
  await r.resume();
  assert.deepEqual(await answer('no'), [['withhold', 'consent'], ['say', false]]);
  assert.deepEqual(await heard(), []);
  assert.deepEqual(await heard(state({ recording: 'R2' })), [['ask']], 'another recording');
  assert.deepEqual(await heard({ session: { nonce: 'n2', cardHash: 'c', digest: 'd3' } }), [['ask']], 'another session');
  const { answer: announced, heard: hears, peer: p } = recorders('ask');
  p.state.consent = 'announce';
  await assert.rejects(announced('yes'), /just changed/, 'nobody was asked');
  await hears();
  assert.deepEqual(await announced('yes'), [['allow', 'R1', 'd1']], 'who does not ask has no answer to note');
  p.state.recording = '';
  await assert.rejects(announced('yes'), /has not announced/);
});

test('policies answer for the person, until they say otherwise', async () => {
  const allow = recorders('allow');
  assert.deepEqual(await allow.heard(), [['allow', 'R1', 'd1'], ['say', true]]);
  await allow.answer('no');
  assert.deepEqual(await allow.heard(), []);
  const refuse = recorders('refuse');
  assert.deepEqual(await refuse.heard(), [['withhold', 'consent'], ['say', false]]);
  await refuse.answer('yes');
  assert.deepEqual(await refuse.heard(), [['allow', 'R1', 'd1']]);
});

test('a yes is to what the person was asked: a recorder cannot change that behind their back', async () => {
  const { r, peer, heard, answer, state } = recorders('ask');
  assert.deepEqual(await heard(), [['ask']]);
  const readers = [...peer.state.readers, { fingerprint: 'm', name: 'Mallory' }];
  Object.assign(peer, state({ readers })); // before the client heard of it
  await assert.rejects(answer('yes'), /just changed/);
  assert.deepEqual(await heard(), [['ask']], 'the question that was shown is not the question any more');
  assert.deepEqual(await answer('yes'), [['allow', 'R1', 'd2'], ['say', true]]);
  assert.deepEqual(await answer('paused'), [['withhold', 'paused'], ['say', false]]);
  assert.deepEqual(await heard(state({ readers: [...readers, { fingerprint: 'e', name: 'Eve' }] })), []);
  await r.resume();
  assert.equal(r.answered(peer), '', 'who became a reader in a pause was agreed to');
  assert.deepEqual(await answer('yes'), [['allow', 'R1', 'd2'], ['say', true]]);
  Object.assign(peer, state({ recording: 'R2' }));
  await assert.rejects(answer('yes'), /just changed/, 'another recording');
});

test('a no and a pause outlast another recording, and another session, whatever the policy', async () => {
  for (const said of ['no', 'paused']) {
    const { r, heard, answer, state } = recorders('allow');
    assert.deepEqual(await heard(), [['allow', 'R1', 'd1'], ['say', true]]);
    await answer(said);
    assert.deepEqual(await heard(state({ recording: 'R2' })), [['ask']], said);
    assert.deepEqual(await heard({ session: { nonce: 'n2', cardHash: 'c', digest: 'd3' } }), [['ask']], said);
    assert.deepEqual(await answer('yes'), [['allow', 'R2', 'd3'], ['say', true]]);
    assert.deepEqual(await heard(state({ recording: 'R3' })), [['allow', 'R3', 'd2'], ['say', true]], 'a yes lets the policy answer again');
    assert.ok(r);
  }
});

test('recordings without end cost a bounded memory, and forget no yes', async () => {
  const { r, peer, heard, answer, state } = recorders('ask');
  await heard();
  await answer('yes');
  const yes = { ...peer };
  for (let i = 0; i < 5_000; i++) await heard({ ...state({ recording: `X${i}` }), identity: `rec ${i}` });
  assert.equal(r.answered(yes), 'yes');
  assert.equal(r.answered({ ...yes, identity: 'rec 0', state: { ...yes.state, recording: 'X0' } }), '');
});
