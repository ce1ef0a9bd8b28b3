/** What the player's page has of this package: bundled as playback/web/page/alone/keys_web.js. */
export { BrokerWindow, isSite } from './broker.js';
export { Card } from './card.js';
export { fingerprint } from './fingerprint.js';
export { Identity } from './identity.js';
export { keeping } from './keeping.js';
export { Refused, Verifier } from './note.js';
export { Passkey } from './passkey.js';
export { Pins } from './pins.js';
export { Secrets } from './secrets.js';
export { Drawer, Shelf } from './store.js';
