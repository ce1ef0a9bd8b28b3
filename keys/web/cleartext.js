import { topic } from './message.js';
import { check } from './note.js';

/**
 * sendClear sends a packet of this protocol that the room does not encrypt. A Room with the
 * option encryption encrypts all data that it sends under the participant's own key, and who
 * has not got that yet never sees it: the messages that hand keys out would wait for keys.
 * livekit-client 2.23 has no option for a single packet, and encrypts where its engine has an
 * e2eeManager: so this publishes by an engine that has none, on the same connection.
 */
export async function sendClear(room, to, packet) {
  const { localParticipant, engine } = room;
  check(engine && 'e2eeManager' in engine && localParticipant?.engine, 'this version of livekit-client is not known: 2.23 is');
  const clear = Object.create(localParticipant, { engine: { value: Object.create(engine, { e2eeManager: { value: undefined } }) } });
  await clear.publishData(packet, { reliable: true, topic, ...(to && { destinationIdentities: [to] }) });
}
