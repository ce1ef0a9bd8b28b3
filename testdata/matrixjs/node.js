// A person on Node, without media: it reads what to do as lines of JSON, {"do": name,
// "with": [arguments]}, and answers each by one, {"value": ...} or {"error": text}.
import { createInterface } from 'node:readline';
import { createClient } from 'matrix-js-sdk';
import { Verification } from './verification.js';

for (const name of ['log', 'info', 'debug', 'warn', 'trace']) console[name] = () => {};

// matrix-js-sdk wants Node 22; this is all that it lacks here on 20.
Promise.withResolvers ??= function withResolvers() {
  const out = {};
  out.promise = new this((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
};

class Person {
  constructor() { this.verification = new Verification(this); }

  async login({ homeserver, user, password }) {
    const identifier = { type: 'm.id.user', user };
    const answer = await createClient({ baseUrl: homeserver }).loginRequest({ type: 'm.login.password', identifier, password });
    this.client = createClient({
      baseUrl: homeserver, userId: answer.user_id, deviceId: answer.device_id, accessToken: answer.access_token,
      verificationMethods: ['m.sas.v1'], cryptoCallbacks: { getSecretStorageKey: async () => null },
    });
    await this.client.initRustCrypto({ useIndexedDB: false });
    this.crypto = this.client.getCrypto();
    await this.crypto.bootstrapCrossSigning({
      authUploadDeviceSigningKeys: async (upload) => upload({ type: 'm.login.password', identifier, user: answer.user_id, password }),
    });
    this.verification.listen();
    const prepared = new Promise((resolve) => {
      this.client.on('sync', (state) => { if (state === 'PREPARED') resolve(); });
    });
    await this.client.startClient({ initialSyncLimit: 50 });
    await prepared;
    return { user: answer.user_id, device: answer.device_id, master: await this.crypto.getCrossSigningKeyId() };
  }

  // verify asks a user whom it knows.
  async verify(user, room, device) {
    await this.meet(user, device);
    await this.verification.ask(user, room, device);
  }

  // meet waits until the encryption knows a device, or a device of a user: it follows those
  // only with whom it shares an encrypted room.
  async meet(user, device) {
    const known = async () => (await this.crypto.getUserDeviceInfo([user])).get(user);
    for (let devices = await known(); device ? !devices?.has(device) : !devices?.size; devices = await known()) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  confirm(same) { return this.verification.confirm(same); }

  state() { return { ...this.verification.state(), decimal: this.verification.sas?.sas.decimal ?? [] }; }

  async join(room) { await this.client.joinRoom(room); }

  async dm(user) {
    const { room_id: room } = await this.client.createRoom({
      preset: 'trusted_private_chat', is_direct: true, invite: [user],
      initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    });
    return room;
  }

  async knows(room) {
    return this.client.getRoom(room)?.getMyMembership() === 'join';
  }

  async trust(user) {
    const status = await this.crypto.getUserVerificationStatus(user);
    const devices = (await this.crypto.getUserDeviceInfo([user], true)).get(user);
    const out = { verified: status.isCrossSigningVerified(), devices: {} };
    for (const device of devices?.keys() ?? []) {
      out.devices[device] = (await this.crypto.getDeviceVerificationStatus(user, device))?.crossSigningVerified ?? false;
    }
    return out;
  }
}

const person = new Person();
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const { do: name, with: args } = JSON.parse(line);
    answer = { value: (await person[name](...args)) ?? null };
  } catch (e) {
    answer = { error: String(e) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
