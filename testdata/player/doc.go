// Package player makes recordings for the player to be tested with, and drives
// its page in a real Chromium.
//
// A Meeting says who is there when, and what they send; a Tape seals that as a
// recorder would, with segments, timeline and indexes, but as fast as it goes:
// an hour takes seconds. Everything lies on an exact recording clock, and the
// flash and beep of testdata/media let a test read that clock from the pixels
// and hear it.
//
// A Page is the player in headless Chromium. It reads pixels, listens and
// measures with the clocks of the browser's own rendering and sound.
package player
