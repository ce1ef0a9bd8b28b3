import { sha256, bytes, check } from './note.js';
import { words } from './words.js';

/** spell returns the first n words for some bytes, eleven bits each. */
export function spell(b, n) {
  const out = [];
  let acc = 0;
  let bits = 0;
  for (const x of b) {
    acc = (acc << 8) | x;
    bits += 8;
    if (bits >= 11 && out.length < n) {
      bits -= 11;
      out.push(words[(acc >>> bits) & 0x7ff]);
    }
    acc &= (1 << bits) - 1;
  }
  return out.join('-');
}

/** fingerprint returns the eight words (88 bits) of a raw Ed25519 key. */
export async function fingerprint(raw) {
  const sum = await sha256(Uint8Array.of(...bytes('sealtape.v1/fingerprint\n'), ...raw));
  return spell(sum.subarray(0, 11), 8);
}

/** readFingerprint reads the words as somebody typed them: in any case, with anything
 * but letters of ASCII between them. Those of the zero fingerprint are refused. */
export function readFingerprint(s) {
  const read = (s.match(/[A-Za-z]+/g) ?? []).map((w) => w.toLowerCase());
  check(read.length === 8, `a fingerprint has 8 words, this has ${read.length}`);
  for (const w of read) check(words.includes(w), `"${w}" is not a word that fingerprints use`);
  check(read.some((w) => w !== words[0]), 'these words are of no key');
  return read.join('-');
}
