// Package media holds small sounds and pictures for the demo and the tests to
// publish: two voices, two running clocks and a screen, each ten seconds long
// and made to be looped. They are compiled in, so that the demo works from
// "go run" and from an installed binary alike.
//
// make.sh beside this file says how they were made.
package media

import _ "embed"

var (
	//go:embed speech.ogg
	speech string
	//go:embed speech2.ogg
	speech2 string
	//go:embed clock.ivf
	clock string
	//go:embed clock2.ivf
	clock2 string
	//go:embed screen.ivf
	screen string
)

// Speech returns voice n, modulo the number of voices: an Ogg file of 48 kHz
// mono Opus, 500 packets of 20 ms, one packet a page. The caller owns it.
func Speech(n int) []byte { return pick(n, speech, speech2) }

// Clock returns moving picture n, modulo their number, with a running clock in
// it: an IVF file of VP8, 320x180, 20 frames a second, a key frame every 2 s,
// every frame shown. The caller owns it.
func Clock(n int) []byte { return pick(n, clock, clock2) }

// Screen returns a still picture with a running clock, as a shared screen would
// be: an IVF file of VP8, 640x360, 5 frames a second, a key frame every 2 s,
// every frame shown. The caller owns it.
func Screen() []byte { return []byte(screen) }

func pick(n int, from ...string) []byte {
	n %= len(from)
	if n < 0 {
		n += len(from)
	}
	return []byte(from[n])
}
