// A member of a LiveKit room, a process that native.go drives. The first line of
// standard input is native.Config as JSON, each later one a call; each line of
// standard output is the state after a change, {"state": …}, or the end of a
// call, {"done": n, "error": …}. The end of the input ends the member.
import { createInterface } from 'node:readline';
import {
  AudioFrame, AudioSource, AudioStream, LocalAudioTrack, LocalVideoTrack, Room, RoomEvent,
  TrackKind, TrackPublishOptions, TrackSource, VideoBufferType, VideoCodec, VideoFrame, VideoSource, VideoStream, dispose,
} from '@livekit/rtc-node';
import { rate, picture, sound } from './fixture.mjs';

const out = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const now = () => new Date().toISOString();

// The state that Go sees; state.go names the fields.
const state = {
  identity: '', connected: false, disconnected: '',
  participants: {}, published: {}, received: {}, messages: [], errors: [],
};
const changed = () => out({ state });
function fail(what, error) {
  state.errors.push(`${what}: ${error?.message ?? error}`);
  changed();
}
process.on('uncaughtException', (e) => fail('script', e));
process.on('unhandledRejection', (e) => fail('script', e));

let config;
const room = new Room();
let leaving = false;
const sources = {
  microphone: TrackSource.SOURCE_MICROPHONE, camera: TrackSource.SOURCE_CAMERA, screen_share: TrackSource.SOURCE_SCREENSHARE,
};
const nameOf = (source) => Object.keys(sources).find((name) => sources[name] === source) ?? '';
const running = {}; // by source: what ends what is captured for it

function note(p) {
  if (p.identity === state.identity) return;
  const known = state.participants[p.identity] ??= { at: now() };
  Object.assign(known, { name: p.name ?? '', attributes: p.attributes ?? {}, left: null });
  changed();
}

function listen() {
  room.registerTextStreamHandler('lk.chat', async (reader, from) => {
    let text;
    try {
      text = await reader.readAll();
    } catch (e) {
      if (leaving) return; // it was on its way
      throw e;
    }
    state.messages.push({ from: from.identity, text, at: now() });
    changed();
  });
  room
    .on(RoomEvent.ParticipantConnected, note)
    .on(RoomEvent.ParticipantAttributesChanged, (_, p) => note(p))
    .on(RoomEvent.ParticipantDisconnected, (p) => {
      if (state.participants[p.identity]) state.participants[p.identity].left = now();
      changed();
    })
    .on(RoomEvent.EncryptionError, (e) => fail('encryption', e))
    .on(RoomEvent.TrackSubscriptionFailed, (sid) => fail('subscription', sid))
    .on(RoomEvent.TrackSubscribed, (track, pub, from) => watch(track, pub, from).catch((e) => fail('watching', e)))
    .on(RoomEvent.Disconnected, (reason) => {
      Object.assign(state, { connected: false, disconnected: String(reason ?? 'unknown') });
      changed();
    });
}

async function join() {
  listen();
  const options = { autoSubscribe: config.watch, dynacast: config.dynacast };
  if (config.passphrase || config.key) {
    // The SDK knows only keys that are shared.
    options.encryption = {
      keyProviderOptions: {
        sharedKey: config.key ? Buffer.from(config.key, 'base64') : new TextEncoder().encode(config.passphrase),
        keyDerivationFunction: config.key ? 1 : 0, // HKDF, PBKDF2: the enumeration is not exported
      },
    };
  }
  await room.connect(config.url, config.token, options);
  Object.assign(state, { identity: room.localParticipant.identity, connected: true });
  room.remoteParticipants.forEach(note);
  changed();
  if (config.hz) await publish('microphone');
  if (config.codec) await publish('camera');
  if (config.screenCodec) await publish('screen_share');
}

// publish publishes a source as the configuration says. All sources of one
// member keep time with one another: what they show and sound begins at start.
const start = performance.now();
async function publish(source) {
  const options = { source: sources[source], red: false };
  let track;
  if (source === 'microphone') {
    // Nothing is queued, so that a beep leaves when it is due.
    const to = new AudioSource(rate, 1, 0);
    track = LocalAudioTrack.createAudioTrack(source, to);
    running[source] = pump(10, (n) => to.captureFrame(new AudioFrame(sound(config.hz, n), rate, 1, rate / 100)), () => to.close());
  } else {
    const { codec, width, height } = source === 'camera' ? config : { codec: config.screenCodec, width: 640, height: 360 };
    const to = new VideoSource(width, height);
    track = LocalVideoTrack.createVideoTrack(source, to);
    Object.assign(options, {
      videoCodec: VideoCodec[codec.toUpperCase()], simulcast: source === 'camera' && config.simulcast,
      videoEncoding: { maxBitrate: BigInt(config.bitrate), maxFramerate: config.rate },
    });
    if (source === 'camera' && config.scalability) options.scalabilityMode = config.scalability;
    // A busy machine hands a picture on late, and its time is when it was due.
    running[source] = pump(1000 / config.rate, (n, due) => to.captureFrame(
      new VideoFrame(picture(width, height, n, config.rate), width, height, VideoBufferType.I420), BigInt(Math.round(due * 1000))), () => to.close());
  }
  const pub = await room.localParticipant.publishTrack(track, new TrackPublishOptions(options));
  state.published[source] = { sid: pub.sid, at: now(), ended: null };
  changed();
}

// pump calls each with 0, 1, 2, … and when it is due, at start and every so many
// milliseconds from then on; what is late is left out, sound is not. It returns
// what ends it.
function pump(every, each, close) {
  let n = Math.ceil((performance.now() - start) / every);
  let ended = false;
  const done = (async () => {
    while (!ended) {
      const due = start + n * every;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (!ended) await each(n++, due);
      if (every > 10) n = Math.max(n, Math.floor((performance.now() - start) / every));
    }
    await close();
  })().catch((e) => fail('capturing', e));
  return () => { ended = true; return done; };
}

// watch notes what comes of a track: the pictures, and the sound that is not
// silence.
async function watch(track, pub, from) {
  const entry = state.received[pub.sid] = {
    from: from.identity, source: nameOf(pub.source), at: now(), frames: 0, width: 0, height: 0, loud: 0,
  };
  changed();
  const video = track.kind === TrackKind.KIND_VIDEO;
  for await (const got of video ? new VideoStream(track) : new AudioStream(track)) {
    entry.frames++;
    if (video) {
      Object.assign(entry, { width: got.frame.width, height: got.frame.height });
    } else if (got.data.some((sample) => Math.abs(sample) > 300)) {
      entry.loud++;
    }
    if (entry.frames % 10 === 1) changed();
  }
}

const calls = {
  publish,
  async unpublish(source) {
    await running[source]();
    await room.localParticipant.unpublishTrack(state.published[source].sid);
    state.published[source].ended = now();
    changed();
  },
  async say(text) { await room.localParticipant.sendText(text, { topic: 'lk.chat' }); },
  // As LiveKit's agents do: in the name of the speaker, if the server lets them.
  async transcribe({ text, track, segment, final, as }) {
    const writer = await room.localParticipant.streamText({
      topic: 'lk.transcription', senderIdentity: as || undefined,
      attributes: { 'lk.transcribed_track_id': track, 'lk.segment_id': segment, 'lk.transcription_final': String(final) },
    });
    await writer.write(text);
    await writer.close();
  },
  // The same in the older form.
  async publishTranscription({ text, track, segment, final, as }) {
    await room.localParticipant.publishTranscription({
      participantIdentity: as, trackSid: track, segments: [{ id: segment, text, final, startTime: 0n, endTime: 0n, language: '' }],
    });
  },
  async send(topic, base64) { await room.localParticipant.publishData(Buffer.from(base64, 'base64'), { reliable: true, topic }); },
  async file(topic, name, base64) {
    const bytes = Buffer.from(base64, 'base64');
    const writer = await room.localParticipant.streamBytes({ topic, name, totalSize: bytes.length });
    await writer.write(bytes);
    await writer.close();
  },
  async setKey(index, base64) {
    room.e2eeManager.keyProvider.setSharedKey(Buffer.from(base64, 'base64'), index);
    room.e2eeManager.frameCryptors().forEach((c) => c.setKeyIndex(index));
  },
  async ratchet(index) { room.e2eeManager.keyProvider.ratchetSharedKey(index); },
};

async function leave() {
  leaving = true;
  await Promise.all(Object.values(running).map((end) => end()));
  await room.disconnect();
  await dispose();
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
config = JSON.parse((await lines.next()).value);
let n = 0; // the configuration is call 0
const answer = async (call) => {
  const done = n++;
  try {
    await call();
    out({ done });
  } catch (e) {
    out({ done, error: String(e?.message ?? e) });
  }
};
await answer(join);
for await (const line of lines) {
  const { call, args } = JSON.parse(line);
  await answer(() => calls[call](...args));
}
setTimeout(() => process.exit(1), 10_000); // who started it, and the server, may be gone
await leave();
process.exit(0);
