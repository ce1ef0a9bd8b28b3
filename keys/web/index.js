/**
 * Room keys and verified membership for web apps on LiveKit. See README.md.
 */
/**
 * @typedef {import('./attended.js').Meeting} Meeting
 * @typedef {import('./roomkeys.js').KeyState} KeyState
 * @typedef {import('./roomkeys.js').Question} Question
 * @typedef {import('./roomkeys.js').RecorderState} RecorderState
 * @typedef {import('./roomkeys.js').RoomPeer} RoomPeer
 * @typedef {import('./roomkeys.js').RoomTrouble} RoomTrouble
 */
export { Attended, watchLink } from './attended.js';
export { answerPlayer, BrokerWindow } from './broker.js';
export { Card } from './card.js';
export { Identity } from './identity.js';
export { keeping } from './keeping.js';
export { Member } from './member.js';
export { topic } from './message.js';
export { Refused } from './note.js';
export { Passkey } from './passkey.js';
export { Pins, Taken } from './pins.js';
export { RoomKeys } from './roomkeys.js';
export { Secrets } from './secrets.js';
export { Drawer, Shelf } from './store.js';
