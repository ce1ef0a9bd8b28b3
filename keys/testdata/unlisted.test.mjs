import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import { Identity } from '../web/identity.js';
import { compose } from '../web/message.js';
import { base64, bytes } from '../web/note.js';
import { Unlisted } from '../web/unlisted.js';

const ada = await Identity.generate({ name: 'Ada' });
const nonce = base64(new Uint8Array(32));

async function said(from) {
  const message = compose({ kind: 'seen', room: 'weekly', from, to: '', time: 0, nonce, answers: nonce, sequence: 1, digest: '0'.repeat(64) });
  return bytes(message + '\n' + await ada.sign(message));
}

/** what Unlisted reports of a message by ada, who left or came when the steps say. */
async function reported({ left, listed, after, data }) {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1e12 });
  try {
    const room = { remoteParticipants: new Map() }, reports = [];
    const unlisted = new Unlisted({ room, peers: new Map(), keys: undefined, report: (trouble) => reports.push(trouble) });
    if (left) unlisted.left(left);
    mock.timers.tick(after ?? 0);
    await unlisted.heard(data ?? await said('ada'));
    if (listed) room.remoteParticipants.set(listed, {});
    mock.timers.tick(6_000);
    return reports.join(' ');
  } finally {
    mock.timers.reset();
  }
}

for (const [name, steps, want] of [
  ['of nobody', {}, 'hidden'],
  ['of somebody who is listed in time', { listed: 'ada' }, ''],
  ['of somebody who just left', { left: 'ada', after: 5_999 }, ''],
  ['of somebody who left long ago', { left: 'ada', after: 6_000 }, 'hidden'],
  ['of nobody, when somebody else just left', { left: 'ben' }, 'hidden'],
  ['that is none, when somebody just left', { left: 'ada', data: bytes('x') }, 'hidden'],
]) test(`a message ${name}`, async () => assert.equal(await reported(steps), want));

test('too many messages', async () => {
  const reports = [];
  const unlisted = new Unlisted({ room: { remoteParticipants: new Map() }, peers: new Map(), report: (trouble) => reports.push(trouble) });
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: 1e12 });
  for (let i = 0; i < 100; i++) await unlisted.heard(bytes('x'));
  mock.timers.reset();
  assert.deepEqual(reports, ['flood']);
});
