/**
 * Room keys and verified membership for web apps on LiveKit. See README.md.
 */
export { Card } from './card.js';
export { Identity } from './identity.js';
export { Member } from './member.js';
export { topic } from './message.js';
export { Refused } from './note.js';
export { Pins, Taken } from './pins.js';
export { RoomKeys } from './roomkeys.js';
export { Drawer, Shelf } from './store.js';
