// What a member shows and sounds: a picture and a sound to measure with, as
// package testdata/media describes them.

export const rate = 48000; // samples a second

// flash is how many milliseconds of each second are white and loud.
const flash = 100;

// sound returns 10 ms of a tone of hz Hz, the nth from the beginning: 14 dB
// louder in the flash.
export function sound(hz, n) {
  const loud = n * 10 % 1000 < flash ? 0.5 : 0.1;
  const first = n * rate / 100;
  return Int16Array.from({ length: rate / 100 }, (_, i) => 32767 * loud * Math.sin(2 * Math.PI * hz * ((first + i) % rate) / rate));
}

// picture returns the nth of so many pictures a second in I420: a bar that moves
// over grey, or white in the flash, above a media.FlashCode of fixture 0.
export function picture(width, height, n, perSecond) {
  const at = new Uint8Array(width * height * 3 / 2).fill(128);
  const bottom = Math.round(height * 328 / 360);
  const white = n % perSecond * 1000 / perSecond < flash;
  at.fill(white ? 235 : 70, 0, width * bottom);
  const bar = Math.floor(n / perSecond * width / 4) % (width - 40);
  for (let y = 0; y < bottom && !white; y++) {
    at.fill(180, y * width + bar, y * width + bar + 40);
  }
  const code = bits(n % 4096);
  for (let x = 0; x < width; x++) {
    at[bottom * width + x] = code >> (19 - Math.floor(x * 20 / width)) & 1 ? 235 : 16;
  }
  for (let y = bottom + 1; y < height; y++) {
    at.copyWithin(y * width, bottom * width, (bottom + 1) * width);
  }
  return at;
}

// bits are the blocks of picture n, below 4096.
function bits(n) {
  const sum = (n >> 8) + (n >> 4 & 15) + (n & 15) + 5;
  return n << 8 | sum & 15;
}
