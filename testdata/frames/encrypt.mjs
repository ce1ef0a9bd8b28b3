// Makes the webcrypto-*.json fixtures of this folder: frames encrypted the way
// livekit-client's worker does (its src/e2ee/worker/FrameCryptor.ts and
// src/e2ee/utils.ts, 2.23.0), written anew on WebCrypto so that a second
// implementation checks ours. The output does not change from run to run.
//
//     node testdata/frames/encrypt.mjs
import { writeFileSync } from 'node:fs';
import { createHash, webcrypto } from 'node:crypto';

const { subtle } = webcrypto;
const utf8 = new TextEncoder();
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

const params = {
  pbkdf2: { name: 'PBKDF2', salt: utf8.encode('LKFrameEncryptionKey'), hash: 'SHA-256', iterations: 100000 },
  hkdf: { name: 'HKDF', salt: utf8.encode('LKFrameEncryptionKey'), hash: 'SHA-256', info: new ArrayBuffer(128) },
};
const material = (raw, derivation) =>
  subtle.importKey('raw', raw, params[derivation].name, false, ['deriveBits', 'deriveKey']);
const aesKey = async (from, derivation, size) =>
  subtle.deriveKey(params[derivation], from, { name: 'AES-GCM', length: 8 * size }, false, ['encrypt']);
const ratchet = async (from, derivation) =>
  material(await subtle.deriveBits(params[derivation], from, 256), derivation);

// Bytes that look random and are always the same.
function noise(seed, length) {
  const out = Buffer.alloc(length);
  for (let i = 0; i * 32 < length; i++) {
    createHash('sha256').update(`${seed}/${i}`).digest().copy(out, i * 32);
  }
  return out;
}

const plain = {
  opus(i) {
    const frame = noise(`opus ${i}`, i % 7 === 3 ? 1 : 20 + 17 * i); // one byte: DTX
    frame[0] = 0x78;
    return { frame, clear: 1, key: true };
  },
  vp8(i) {
    const key = i % 10 === 0;
    const frame = noise(`vp8 ${i}`, key ? 4000 + i : i === 1 ? 3 : 300 + 211 * i);
    frame[0] = key ? 0x10 : 0x31;
    if (key) {
      Buffer.from([0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]).copy(frame, 3);
    }
    return { frame, clear: key ? 10 : 3, key };
  },
};

async function fixture(name, { about, codec, keySize, keys, ratchetWindow, steps, frames }) {
  const rings = [];
  for (const k of keys) {
    const derivation = k.derivation ?? 'pbkdf2';
    let m = await material(k.passphrase ? utf8.encode(k.passphrase) : Buffer.from(k.raw, 'base64'), derivation);
    const ring = [];
    for (let step = 0; step <= (steps ?? 0); step++) {
      ring.push(await aesKey(m, derivation, keySize));
      m = await ratchet(m, derivation);
    }
    rings.push({ index: k.index, ring });
  }
  const ssrc = 0xdecafbad;
  let timestamp = 0xffffff00; // wraps on the way
  let count = 65530; // so does this
  const out = [];
  for (let i = 0; i < frames; i++) {
    const { frame, clear, key } = plain[codec](i);
    const { index, ring } = rings[i % rings.length];
    const iv = new DataView(new ArrayBuffer(12));
    iv.setUint32(0, ssrc);
    iv.setUint32(4, timestamp);
    iv.setUint32(8, timestamp - (count % 0xffff));
    const header = frame.subarray(0, clear);
    const sealed = await subtle.encrypt(
      { name: 'AES-GCM', iv: iv.buffer, additionalData: header },
      ring[Math.floor((i * ring.length) / frames)],
      frame.subarray(clear),
    );
    const encrypted = Buffer.concat([header, Buffer.from(sealed), Buffer.from(iv.buffer), Buffer.from([12, index])]);
    out.push({ encrypted: base64(encrypted), plain: base64(frame), key });
    timestamp = (timestamp + (codec === 'opus' ? 960 : 3000)) >>> 0;
    count++;
  }
  const file = new URL(`webcrypto-${name}.json`, import.meta.url);
  writeFileSync(file, JSON.stringify({ about, codec, keySize, ratchetWindow, keys, frames: out }, null, 1) + '\n');
}

const made = 'Made by encrypt.mjs with WebCrypto. ';
await fixture('opus-pbkdf2', {
  about: made + 'A passphrase at index 0, DTX frames of one byte among others.',
  codec: 'opus', keySize: 16, frames: 20,
  keys: [{ index: 0, passphrase: 'correct horse battery staple' }],
});
await fixture('opus-hkdf', {
  about: made + 'Raw keys of 16 and 32 bytes at indexes 2 and 255, as Element Call sets them.',
  codec: 'opus', keySize: 16, frames: 20,
  keys: [
    { index: 2, raw: base64(noise('key a', 16)), derivation: 'hkdf' },
    { index: 255, raw: base64(noise('key b', 32)), derivation: 'hkdf' },
  ],
});
await fixture('opus-ratchet', {
  about: made + 'A passphrase that the sender ratchets three times.',
  codec: 'opus', keySize: 16, frames: 12, ratchetWindow: 8, steps: 3,
  keys: [{ index: 1, passphrase: 'password' }],
});
await fixture('vp8-pbkdf2', {
  about: made + 'Key frames and deltas, one delta of no more than its clear header.',
  codec: 'vp8', keySize: 16, frames: 12,
  keys: [{ index: 0, passphrase: '12345' }],
});
await fixture('vp8-hkdf-256', {
  about: made + 'A raw key and AES-256, which only browsers offer.',
  codec: 'vp8', keySize: 32, frames: 12,
  keys: [{ index: 7, raw: base64(noise('key c', 32)), derivation: 'hkdf' }],
});
