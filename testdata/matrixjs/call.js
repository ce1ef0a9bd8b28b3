import { MatrixRTCSessionEvent } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { BaseKeyProvider, Room, RoomEvent, Track, setLogLevel } from 'livekit-client';
import { Picture, Tone, measure } from './media.js';

setLogLevel('warn');

const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

// Keys gives livekit-client the keys of the call, as Element Call does: HKDF, a ring of 256.
class Keys extends BaseKeyProvider {
  constructor() { super({ ratchetWindowSize: 10, keyringSize: 256 }); }

  async put(bytes, identity, index) {
    const material = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits', 'deriveKey']);
    this.onSetEncryptionKey(material, identity, index);
  }
}

// A Call is a person in the call of a room: the membership and the keys are those of
// MatrixRTCSession, the media those of livekit-client.
export class Call {
  constructor(person, room) {
    this.person = person;
    this.room = room;
    this.keys = [];
    this.received = {};
    this.unopened = 0; // times that a frame came before its key, or without one
    // A session of one's own making is not told of memberships.
    this.session = person.client.matrixRTC.getRoomSession(room);
    this.session.on(MatrixRTCSessionEvent.EncryptionKeyChanged, (key, index, from, identity) => {
      this.keys.push({ at: new Date().toISOString(), user: from.userId, device: from.deviceId, index, identity, key: base64(key) });
      this.provider.put(key, identity, index).catch((e) => this.fail('key', e));
    });
    this.session.on(MatrixRTCSessionEvent.MembershipManagerError, (e) => this.fail('membership', e));
  }

  fail(what, error) { this.person.errors.push(`${what}: ${error?.message ?? error}`); }

  own() {
    const { user, device } = this.person;
    return this.session.memberships.find((m) => m.userId === user && m.deviceId === device);
  }

  // enter joins: first the membership, then the SFU. options are person.go's Entry.
  async enter(options) {
    const { client, user, device } = this.person;
    const { service, sticky, oldest } = options;
    this.provider = new Keys();
    const memberId = sticky ? crypto.randomUUID() : `${user}:${device}`;
    const transport = { type: 'livekit', livekit_service_url: service, ...(sticky ? {} : { livekit_alias: this.room.roomId }) };
    this.session.joinRTCSession({ userId: user, deviceId: device, memberId }, oldest ? [transport] : [], oldest ? undefined : transport, {
      manageMediaKeys: true, unstableSendStickyEvents: sticky, callIntent: 'video',
      delayedLeaveEventDelayMs: 8000, delayedLeaveEventRestartMs: 4000,
      ...(options.expires && { membershipEventExpiryMs: options.expires }),
      ...(options.rotationLimit && { keyRotationParticipantLimit: options.rotationLimit }),
    });
    this.inCall = true;
    const openid = await client.getOpenIdToken();
    const { url, jwt } = await this.token(service, sticky
      ? ['/get_token', { room_id: this.room.roomId, slot_id: 'm.call#ROOM', openid_token: openid, member: { id: memberId, claimed_user_id: user, claimed_device_id: device } }]
      : ['/sfu/get', { room: this.room.roomId, device_id: device, openid_token: openid }]);
    const worker = new Worker('livekit-client.e2ee.worker.mjs', { type: 'module' });
    worker.onerror = (e) => this.fail('worker', e.message);
    this.livekit = new Room({ dynacast: true, e2ee: { keyProvider: this.provider, worker } });
    this.listen();
    await this.livekit.setE2EEEnabled(true);
    await this.livekit.connect(url, jwt);
    const me = this.livekit.localParticipant;
    this.identity = me.identity;
    if (options.hz) {
      this.tone = new Tone(options.hz);
      await me.publishTrack(this.tone.track, { source: Track.Source.Microphone, name: 'microphone', dtx: false, red: false });
    }
    if (options.colour) {
      this.picture = new Picture(options.colour, user);
      await me.publishTrack(this.picture.track, { source: Track.Source.Camera, name: 'camera', videoCodec: 'vp8', simulcast: false, backupCodec: false });
    }
    if (options.devices) {
      await me.setMicrophoneEnabled(true, { echoCancellation: false, noiseSuppression: false, autoGainControl: false });
      await me.setCameraEnabled(true, { resolution: { width: 320, height: 180, frameRate: 10 } }, { videoCodec: 'vp8', simulcast: false, backupCodec: false });
    }
  }

  async token(service, [path, body]) {
    const resp = await fetch(service + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (!resp.ok) throw new Error(`token service: ${resp.status} ${await resp.text()}`);
    return resp.json();
  }

  listen() {
    this.livekit
      .on(RoomEvent.EncryptionError, () => { this.unopened++; })
      .on(RoomEvent.TrackSubscribed, (track, publication, from) => {
        const key = `${from.identity} ${publication.source}`;
        this.received[key] = { from: from.identity, source: publication.source, encrypted: publication.isEncrypted, hz: 0, frames: 0, ended: false };
        measure(track, this.received[key]);
      })
      .on(RoomEvent.TrackUnsubscribed, (track, publication, from) => {
        track.detach().forEach((e) => e.remove());
        const r = this.received[`${from.identity} ${publication.source}`];
        if (r) r.ended = true;
      });
  }

  async mute(source, muted) {
    const publication = this.livekit.localParticipant.getTrackPublication(source);
    await (muted ? publication.mute() : publication.unmute());
  }

  // leave leaves the call as one who closes it: the membership ends, then the media.
  async leave() {
    this.inCall = false;
    await this.session.leaveRoomSession(10000);
    await this.livekit.disconnect();
    this.tone?.stop();
    this.picture?.stop();
    this.tone = this.picture = null;
  }

  // drop ends the media, as a crash does.
  drop(yes) { if (yes) this.livekit?.disconnect(); }

  state() {
    return {
      identity: this.identity ?? '', inCall: this.inCall ?? false, keys: this.keys, received: this.received, unopened: this.unopened,
      connected: this.livekit?.state === 'connected',
      participants: [...(this.livekit?.remoteParticipants.values() ?? [])].map((p) => p.identity),
      members: this.session.memberships.map((m) => ({
        user: m.userId, device: m.deviceId, identity: m.rtcBackendIdentity, event: m.eventId, sticky: m.membershipData.kind === 'rtc',
        data: m.applicationData ?? {}, created: m.createdTs(), services: m.transports.map((t) => t.livekit_service_url),
      })),
    };
  }
}
