// A member of a LiveKit room, driven from Go (browser.go) by the functions of
// window.member. Whatever changes is told to Go by window.report(state).
import {
  BaseKeyProvider, ExternalE2EEKeyProvider, Room, RoomEvent, Track, createKeyMaterialFromBuffer, setLogLevel,
} from '/livekit-client/livekit-client.esm.mjs';

setLogLevel('warn');

const now = () => new Date().toISOString();

// The state that Go sees; browser.go's State names the fields.
const state = {
  browser: navigator.userAgent.match(/Chrom\S+/)?.[0] ?? '', identity: '', connected: false, disconnected: '',
  participants: {}, published: {}, received: {}, messages: [], errors: [],
};

// One report is under way at a time, so Go gets states in order; what changes
// meanwhile goes into the next.
let dirty = false;
let reporting = false;
async function changed() {
  dirty = true;
  if (reporting) return;
  reporting = true;
  while (dirty) {
    dirty = false;
    draw();
    await window.report(JSON.stringify(state));
  }
  reporting = false;
}

function fail(what, error) {
  state.errors.push(`${what}: ${error?.message ?? error}`);
  changed();
}
addEventListener('error', (e) => fail('page', e.error ?? e.message));
addEventListener('unhandledrejection', (e) => fail('page', e.reason));

function draw() {
  write('#who', state.identity);
  write('#others', 'In the room: ' + Object.entries(state.participants)
    .filter(([, p]) => !p.left).map(([id, p]) => p.name || id).join(', '));
}

// write changes a text, if it is another: the browser draws the page anew.
function write(selector, text) {
  const element = document.querySelector(selector);
  if (element.textContent !== text) element.textContent = text;
}

let room;
let membership; // of keys/web, with config.card
let config; // browser.go's, as join got it
let audio; // see context

function note(p) {
  const known = state.participants[p.identity] ??= { at: now() };
  Object.assign(known, { name: p.name ?? '', attributes: { ...p.attributes }, left: null });
  changed();
}

// OwnKeys gives each participant keys of their own.
class OwnKeys extends BaseKeyProvider {
  async set(identity, index, base64) {
    const raw = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    this.onSetEncryptionKey(await createKeyMaterialFromBuffer(raw.buffer), identity, index);
  }
}
let ownKeys;
const identityOf = (token) => JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/'))).sub;

async function join(c) {
  config = c;
  const options = { dynacast: config.dynacast };
  if (config.roomKeys) {
    const { prepare } = await import('/roomkeys.js');
    membership = await prepare(config, state, changed);
    options.encryption = { keyProvider: membership.provider, worker: encrypting() };
  } else if (config.passphrase || config.key) {
    let keyProvider;
    if (config.key) {
      keyProvider = ownKeys = new OwnKeys({ keySize: config.keySize, keyringSize: 256 });
      state.identity = identityOf(config.token);
      await ownKeys.set(state.identity, config.keyIndex, config.key);
    } else {
      keyProvider = new ExternalE2EEKeyProvider();
      await keyProvider.setKey(config.passphrase);
    }
    options.encryption = { keyProvider, worker: encrypting() }; // of data, too
  }
  room = new Room(options);
  listen();
  if (config.roomKeys) {
    await membership.connect(room, config.url, config.token);
  } else {
    if (options.encryption) await room.setE2EEEnabled(true);
    await room.connect(config.url, config.token);
  }
  state.identity = room.localParticipant.identity;
  state.connected = true;
  if (config.card && !config.roomKeys) {
    const { begin } = await import('/membership.js');
    membership = await begin(room, config, state, changed);
  }
  room.remoteParticipants.forEach(note);
  changed();

  await publishAll();
}

async function publishAll() {
  if (config.microphone) await publish('microphone');
  if (config.camera) await publish('camera');
  if (config.screen) await publish('screen_share');
  if (config.screenHz) await publish('screen_share_audio');
}

function encrypting() {
  const worker = new Worker('/livekit-client/livekit-client.e2ee.worker.mjs', { type: 'module' });
  worker.onerror = (e) => fail('worker', e.message);
  return worker;
}

// publish publishes a source as the configuration says.
async function publish(source) {
  const local = room.localParticipant;
  switch (source) {
    case 'microphone':
      if (config.hz) {
        await local.publishTrack(tone(config.hz), { source: Track.Source.Microphone, name: 'microphone' });
        break;
      }
      // A test tone is what these three are made to remove.
      await local.setMicrophoneEnabled(true, {
        echoCancellation: false, noiseSuppression: false, autoGainControl: false, voiceIsolation: false,
      });
      break;
    case 'camera':
      await local.setCameraEnabled(true,
        { resolution: { width: config.width, height: config.height, frameRate: 15 } },
        {
          videoCodec: config.cameraCodec || 'vp8', simulcast: config.simulcast, backupCodec: false,
          ...(config.cameraBitrate > 0 && { videoEncoding: { maxBitrate: config.cameraBitrate, maxFramerate: 15 } }),
        });
      break;
    case 'screen_share':
      await local.publishTrack(drawing(), { source: Track.Source.ScreenShare, name: 'screen', videoCodec: config.screenCodec || 'vp8', simulcast: false, backupCodec: false });
      break;
    case 'screen_share_audio':
      await local.publishTrack(tone(config.screenHz), { source: Track.Source.ScreenShareAudio, name: 'sound of the screen' });
      break;
    default:
      throw new Error(`${source} is nothing to publish`);
  }
}

// context is the AudioContext, made when there is something to hear or to sound.
function context() {
  audio ??= new AudioContext({ sampleRate: 48000, latencyHint: 'playback' });
  return audio;
}

// tone is a sound of one frequency, without a microphone.
function tone(hz) {
  const to = context().createMediaStreamDestination();
  const source = new OscillatorNode(audio, { frequency: hz });
  source.connect(new GainNode(audio, { gain: 0.5 })).connect(to);
  source.start();
  return to.stream.getAudioTracks()[0];
}

// drawing is what a shared screen would show, without a screen: a clock.
function drawing() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const g = canvas.getContext('2d');
  setInterval(() => {
    g.fillStyle = '#246';
    g.fillRect(0, 0, canvas.width, canvas.height);
    g.fillStyle = '#fff';
    g.font = '64px monospace';
    g.fillText(now().slice(11, 21), 90, 200);
  }, 100);
  return canvas.captureStream(10).getVideoTracks()[0];
}

function listen() {
  room.registerTextStreamHandler('lk.chat', async (reader, from) => {
    const text = await reader.readAll();
    state.messages.push({ from: from.identity, text, at: now() });
    changed();
  });
  room
    .on(RoomEvent.ParticipantConnected, note)
    .on(RoomEvent.ParticipantAttributesChanged, (_, p) => { if (!p.isLocal) note(p); })
    .on(RoomEvent.ParticipantDisconnected, (p) => {
      if (state.participants[p.identity]) state.participants[p.identity].left = now();
      changed();
    })
    .on(RoomEvent.ParticipantEncryptionStatusChanged, (enabled, p) => {
      if (p.isLocal) return;
      note(p);
      state.participants[p.identity].encrypted = enabled;
    })
    .on(RoomEvent.EncryptionError, (error, p) => !config.roomKeys && fail(`encryption of ${p?.identity ?? 'unknown'}`, error))
    .on(RoomEvent.MediaDevicesError, (error) => fail('media devices', error))
    .on(RoomEvent.TrackSubscriptionFailed, (sid) => fail('subscription', sid))
    .on(RoomEvent.LocalTrackPublished, published)
    .on(RoomEvent.LocalTrackUnpublished, (pub) => ended(pub.source))
    .on(RoomEvent.TrackSubscribed, subscribed)
    .on(RoomEvent.TrackUnsubscribed, (track, pub) => {
      track.detach().forEach((e) => e.remove());
      state.received[pub.trackSid].ended = now();
      changed();
    })
    .on(RoomEvent.Disconnected, (reason) => {
      state.connected = false;
      state.disconnected = String(reason ?? 'unknown');
      Object.keys(state.published).forEach(ended);
      changed();
    });
}

function ended(source) {
  state.published[source].ended ??= now();
  changed();
}

// published notes the publication, the time its first packet left, and, of a
// picture, what is sent of it.
async function published(pub) {
  const entry = state.published[pub.source] = {
    sid: pub.trackSid, at: now(), sent: null, ended: null, muted: false, encrypted: pub.isEncrypted, layers: [],
  };
  changed();
  while (!entry.ended) {
    const layers = [];
    const stats = await pub.track?.sender?.getStats();
    stats?.forEach((s) => {
      if (s.type !== 'outbound-rtp') return;
      if (s.packetsSent > 0) entry.sent ??= now();
      if (s.kind === 'video') {
        layers.push({ width: s.frameWidth ?? 0, height: s.frameHeight ?? 0, active: s.active ?? true, limited: s.qualityLimitationReason ?? '',
          mode: s.scalabilityMode ?? '', target: s.targetBitrate ?? 0, bytes: s.bytesSent ?? 0 });
      }
    });
    entry.layers = layers;
    if (layers.length || entry.sent) changed();
    if (pub.kind !== 'video' && entry.sent) return;
    await new Promise((resolve) => setTimeout(resolve, entry.sent ? 500 : 20));
  }
}

// subscribed plays a track and measures it: the pitch of a sound, the decoded
// frames of a picture.
function subscribed(track, pub, from) {
  const entry = state.received[pub.trackSid] = {
    from: from.identity, source: pub.source, at: now(), ended: null,
    encrypted: pub.isEncrypted, hz: 0, level: -1000, frames: 0, width: 0, height: 0,
  };
  const element = track.attach();
  element.muted = true;
  document.querySelector('#media').append(element);
  if (track.kind === Track.Kind.Video) {
    const count = () => {
      entry.frames++;
      entry.width = element.videoWidth;
      entry.height = element.videoHeight;
      if (!entry.ended) element.requestVideoFrameCallback(count);
      if (entry.frames % 10 === 1) changed();
    };
    element.requestVideoFrameCallback(count);
    return;
  }
  const analyser = new AnalyserNode(context(), { fftSize: 8192, smoothingTimeConstant: 0 });
  audio.createMediaStreamSource(new MediaStream([track.mediaStreamTrack])).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  const timer = setInterval(() => {
    if (entry.ended) { clearInterval(timer); return; }
    analyser.getFloatFrequencyData(bins);
    let top = 0;
    bins.forEach((level, i) => { if (level > bins[top]) top = i; });
    const silent = !Number.isFinite(bins[top]); // -Infinity: nothing but zeros
    const [hz, level] = silent ? [0, -1000] : [top * audio.sampleRate / analyser.fftSize, bins[top]];
    if (hz === entry.hz && Math.abs(level - entry.level) < 1) return;
    Object.assign(entry, { hz, level });
    changed();
  }, 100);
}

function publication(source) {
  const pub = room.localParticipant.getTrackPublication(source);
  if (!pub) throw new Error(`${source} is not published`);
  return pub;
}

window.member = {
  state,
  join,
  async mute(source, muted) {
    const pub = publication(source);
    await (muted ? pub.mute() : pub.unmute());
    state.published[source].muted = muted;
    changed();
  },
  async unpublish(source) {
    const pub = publication(source);
    ended(source);
    await room.localParticipant.unpublishTrack(pub.track);
  },
  publish,
  async limit(layers) {
    // VideoQuality counts from LOW, which is 0.
    publication('camera').track.setPublishingQuality(layers - 1);
  },
  async switchCamera(width, height) {
    await publication('camera').track.restartTrack({ resolution: { width, height, frameRate: 15 } });
  },
  async switchMicrophone(hz) {
    await publication('microphone').track.replaceTrack(tone(hz), true);
  },
  async setKey(index, key) {
    await ownKeys.set(state.identity, index, key);
  },
  async ratchet(index) {
    ownKeys.ratchetKey(state.identity, index);
  },
  async say(text) {
    await room.localParticipant.sendText(text, { topic: 'lk.chat' });
  },
  answer: (recorder, yes) => membership.answer(recorder, yes),
  pin: (note, words) => membership.pin(note, words),
  pause: (paused) => membership.pause(paused),
  simulate: (scenario) => room.simulateScenario(scenario),
  // again leaves with livekit-client alone, as an application might, and connects the same Room.
  async again() {
    await room.disconnect();
    await membership.connect(room, config.url, config.token);
    state.connected = true;
    await publishAll();
  },
  // tab joins as another tab of this browser would, which has the same card.
  async tab(token) {
    const { prepare } = await import('/roomkeys.js');
    const other = await prepare(config, {}, () => {});
    const second = new Room({ encryption: { keyProvider: other.provider, worker: encrypting() } });
    await other.connect(second, config.url, token);
    await second.localParticipant.publishTrack(tone(700), { source: Track.Source.Microphone, name: 'the second tab' });
  },
  exportIdentity: (passphrase) => membership.export(passphrase),
  async leave() {
    await membership?.stop();
    Object.keys(state.published).forEach(ended);
    await room?.disconnect();
    await audio?.close();
  },
};
