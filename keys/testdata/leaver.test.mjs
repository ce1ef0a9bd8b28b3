import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Identity } from '../web/identity.js';
import { Member, topic } from '../web/member.js';

// hall is a server that passes on at once what two members send.
function hall() {
  const rooms = new Map();
  const enter = (identity) => {
    const handlers = {};
    const room = {
      name: 'weekly', getSid: async () => 'RM_weekly', remoteParticipants: new Map(),
      on: (event, f) => { handlers[event] = f; }, off: () => {}, emit: (event, ...args) => handlers[event]?.(...args),
      localParticipant: {
        identity,
        async publishData(data, { destinationIdentities: to = [...rooms.keys()] }) {
          for (const name of to) if (name !== identity) rooms.get(name)?.emit('dataReceived', data, { identity }, 0, topic);
        },
      },
    };
    rooms.set(identity, room);
    return room;
  };
  return enter;
}

test('who leaves while their proof is looked at does not come back by it', async () => {
  const enter = hall();
  const [ada, ben] = [await Identity.generate({ name: 'Ada' }), await Identity.generate({ name: 'Ben' })];
  const pinned = { standing: async () => 'pinned' };
  const room = enter('ada');
  let reached, release;
  const looking = new Promise((done) => { reached = done; });
  const slow = {
    standing() {
      if (!a.peer('ben')._.proved) return Promise.resolve('pinned'); // of a hello
      reached();
      return new Promise((done) => { release = () => done('pinned'); });
    },
  };
  const a = new Member({ room, identity: ada, pins: slow });
  const b = new Member({ room: enter('ben'), identity: ben, pins: pinned });
  const seen = [];
  a.addEventListener('peer', ({ detail: p }) => seen.push(p.standing));
  await a.start();
  await b.start();
  room.emit('participantConnected', { identity: 'ben' });
  await looking;
  room.emit('participantDisconnected', { identity: 'ben' });
  const before = [...seen];
  release();
  await new Promise((done) => { setTimeout(done, 20); });
  a.stop();
  b.stop();
  assert.deepEqual([seen, before.includes('verified')], [before, false]);
});
