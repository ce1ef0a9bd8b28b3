// Makes the livekit-client-*.json fixtures of this folder: frames of H.264 and
// H.265 that the FrameCryptor of livekit-client's own worker encrypts, as it is
// installed beside this folder, among them those without a slice. It only needs to
// be run again for another version; each run gives other bytes.
//
//     node testdata/frames/client.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import vm from 'node:vm';

const from = new URL('../browser/node_modules/livekit-client/', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', from), 'utf8'));
let worker = readFileSync(new URL('dist/livekit-client.e2ee.worker.mjs', from), 'utf8');
// The worker exports nothing: take what is needed from its scope.
worker += '\n;globalThis.taken = { FrameCryptor, ParticipantKeyHandler, encryptionEnabledMap };';
Object.assign(globalThis, { self: globalThis, postMessage() {} });
for (const say of ['warn', 'debug', 'info', 'log']) console[say] = () => {};
vm.runInThisContext(worker);
const { FrameCryptor, ParticipantKeyHandler, encryptionEnabledMap } = globalThis.taken;

const hex = (text) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

// What RTP makes of a frame: start codes of four bytes.
function received(frame) {
  const out = [];
  for (let i = 0; i < frame.length; i++) {
    if (frame[i] === 1 && frame[i - 1] === 0 && frame[i - 2] === 0 && frame[i - 3] !== 0) out.push(0);
    out.push(frame[i]);
  }
  return Buffer.from(out);
}

const sps = '67 42 c0 1f d9 00 50 05 bb 01 10 00 00 3e 90 00 0e a6 00 f1 83 24 80', pps = '68 ce 3c 80', sei = '06 05 10 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 80';
const vps = '40 01 0c 01 ff ff 01 60 00 00 03 00 90 00 00 03 00 00 03 00 5d 95 98 09', hsps = '42 01 01 01 60 00 00 03 00 90 00 00 03 00 00 03 00 5d a0 02 80 80 2d 16 59 59 a4 93 2b 80';
const three = '00 00 01', four = '00 00 00 01';
const join = (code, ...nals) => hex(nals.map((n, i) => (Array.isArray(code) ? code[Math.min(i, code.length - 1)] : code) + n).join(''));
const long = '06 05 ff ' + '5a '.repeat(400) + '80'; // more than a byte counts

const tables = {
  h264: [
    ['parameter sets', join(four, sps, pps), 'key'],
    ['the same as a delta frame, with short codes', join(three, sps, pps), 'delta'],
    ['parameter sets with short codes', join(three, sps, pps), 'key'],
    ['a delimiter first', join(four, '09 f0', sps, pps), 'key'],
    ['information alone', join(four, sei), 'key'],
    ['codes of both lengths', join([four, three], pps, sps), 'key'],
    ['a slice', join(four, sps, pps, '65 88 84 00 00 00 01 02 03'), 'key'],
    ['a slice behind much', join(four, sps, pps, long, '65 88 84 00 00 01 02 03'), 'key'],
    ['a slice of a delta frame', join(three, '41 9a 24 6c 41'), 'delta'],
  ],
  h265: [
    ['parameter sets', join(four, vps, hsps, '44 01 c1 72 b4 62 40'), 'key'],
    ['with short codes', join(three, vps, hsps, '44 01 c1 72 b4 62 40'), 'key'],
    ['information alone', join(four, '4e 01 05 10 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 80'), 'key'],
    ['a slice', join(four, vps, hsps, '44 01 c1 72 b4 62 40', '26 01 af 00 00 00 01 02'), 'key'],
    ['a slice of a delta frame', join(four, '02 01 d0 09 7e'), 'delta'],
  ],
};

for (const [codec, frames] of Object.entries(tables)) {
  const options = { sharedKey: true, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 0, failureTolerance: 10, keyringSize: 16, keySize: 128 };
  const keys = new ParticipantKeyHandler('ada', options);
  const material = await crypto.subtle.importKey('raw', new TextEncoder().encode('12345'), 'PBKDF2', false, ['deriveBits', 'deriveKey']);
  await keys.setKey(material, 1);
  encryptionEnabledMap.set('ada', true);
  const cryptor = new FrameCryptor({ keys, participantIdentity: 'ada', keyProviderOptions: options });
  const out = [];
  for (const [i, [, plain, type]] of frames.entries()) {
    const frame = {
      data: new Uint8Array(plain).buffer, type, timestamp: 90000 + 3000 * i,
      getMetadata: () => ({ synchronizationSource: 7, mimeType: `video/${codec}`, payloadType: 100 }),
    };
    await cryptor.encodeFunction(frame, { enqueue() {} });
    const encrypted = Buffer.from(frame.data);
    out.push({ encrypted: base64(received(encrypted)), plain: base64(received(plain)), key: false });
  }
  const about = `Made by client.mjs with the FrameCryptor of livekit-client ${version}: ${frames.map(([name]) => name).join('; ')}. With the start codes that RTP gives them.`;
  const file = new URL(`livekit-client-${codec}.json`, import.meta.url);
  writeFileSync(file, JSON.stringify({ about, codec, keySize: 16, keys: [{ index: 1, passphrase: '12345' }], frames: out }, null, 1) + '\n');
}
