import { MemoryCryptoStore, createClient } from 'matrix-js-sdk';
import { OnlySignedDevicesIsolationMode } from 'matrix-js-sdk/lib/crypto-api/index.js';
import { Call } from './call.js';
import { Verification } from './verification.js';

const dropped = () => new TypeError('this client is cut off');

// A Person is an account on a device of its own, cross-signed, and what it sees.
export class Person {
  // options are matrixjs.go's Login.
  constructor(options) {
    this.options = options;
    this.errors = [];
    this.cut = false;
    this.verification = new Verification(this);
  }

  async login() {
    const { homeserver, user, password, isolate } = this.options;
    const identifier = { type: 'm.id.user', user };
    const answer = await createClient({ baseUrl: homeserver })
      .loginRequest({ type: 'm.login.password', identifier, password, initial_device_display_name: 'matrix-js-sdk' });
    this.user = answer.user_id;
    this.device = answer.device_id;
    this.client = createClient({
      baseUrl: homeserver, userId: this.user, deviceId: this.device, accessToken: answer.access_token,
      verificationMethods: ['m.sas.v1'], cryptoStore: new MemoryCryptoStore(),
      cryptoCallbacks: { getSecretStorageKey: async () => null },
      fetchFn: (...request) => (this.cut ? Promise.reject(dropped()) : fetch(...request)),
    });
    await this.client.initRustCrypto({ useIndexedDB: false });
    this.crypto = this.client.getCrypto();
    await this.sign(false);
    if (isolate) this.crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
    this.verification.listen();
    const prepared = new Promise((resolve) => {
      this.client.on('sync', (state) => { if (state === 'PREPARED') resolve(); });
    });
    await this.client.startClient({ initialSyncLimit: 50 });
    await prepared;
  }

  // sign makes cross-signing keys and signs this device; anew, other ones than it had.
  async sign(anew) {
    const { password } = this.options;
    const identifier = { type: 'm.id.user', user: this.user };
    await this.crypto.bootstrapCrossSigning({
      setupNewCrossSigning: anew,
      authUploadDeviceSigningKeys: async (upload) => {
        await upload({ type: 'm.login.password', identifier, user: this.user, password });
      },
    });
  }

  async master() {
    return (await this.crypto.getCrossSigningKeyId()) ?? '';
  }

  // cutOff makes the client's requests fail from now on, as a crash does, or no more.
  cutOff(yes) {
    this.cut = yes;
    this.current?.drop(yes);
  }

  async joinRoom(room) {
    await this.client.joinRoom(room);
    await this.until(() => this.client.getRoom(room)?.getMyMembership() === 'join');
  }

  until(cond) {
    return new Promise((resolve) => {
      const look = () => (cond() ? resolve() : setTimeout(look, 50));
      look();
    });
  }

  async enter(room, options) {
    await this.until(() => this.client.getRoom(room)?.getMyMembership() === 'join');
    this.current ??= new Call(this, this.client.getRoom(room));
    await this.current.enter(options);
  }

  async leave() { await this.current.leave(); }

  mute(kind, muted) { return this.current.mute(kind, muted); }

  async say(room, text, replyTo) {
    const relation = replyTo && { 'm.relates_to': { 'm.in_reply_to': { event_id: replyTo } } };
    return (await this.client.sendEvent(room, 'm.room.message', { msgtype: 'm.text', body: text, ...relation })).event_id;
  }

  async react(room, event, key) {
    return (await this.client.sendEvent(room, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key } })).event_id;
  }

  async redact(room, event) { await this.client.redactEvent(room, event); }

  // raise raises the hand as Element Call does: by a reaction to one's own membership.
  async raise(room) { return this.react(room, this.current.own().eventId, '🖐️'); }

  async cheer(room, emoji) {
    return (await this.client.sendEvent(room, 'io.element.call.reaction', {
      emoji, name: 'generic', 'm.relates_to': { rel_type: 'm.reference', event_id: this.current.own().eventId },
    })).event_id;
  }

  async trust(user) {
    const status = await this.crypto.getUserVerificationStatus(user);
    const devices = (await this.crypto.getUserDeviceInfo([user], true)).get(user);
    const out = { verified: status.isCrossSigningVerified(), changed: status.needsUserApproval ?? false, devices: {} };
    for (const device of devices?.keys() ?? []) {
      const s = await this.crypto.getDeviceVerificationStatus(user, device);
      out.devices[device] = { signed: s?.signedByOwner ?? false, verified: s?.crossSigningVerified ?? false };
    }
    return out;
  }

  verify(user, room, device) { return this.verification.ask(user, room, device); }

  confirm(same) { return this.verification.confirm(same); }

  // state is state.go's State.
  state(room) {
    const r = this.client.getRoom(room);
    return {
      texts: r?.getLiveTimeline().getEvents().map((e) => ({
        id: e.getId(), type: e.getType(), kind: e.getContent().msgtype ?? '', from: e.getSender(), body: e.getContent().body ?? '',
        encrypted: e.isEncrypted(), device: '',
      })).filter((e) => e.type === 'm.room.message') ?? [],
      names: Object.fromEntries(r?.getJoinedMembers().map((m) => [m.userId, m.rawDisplayName]) ?? []),
      errors: this.errors,
      verification: this.verification.state(),
      ...(this.current?.state() ?? { members: [], keys: [], received: {}, identity: '', inCall: false }),
    };
  }
}
