//go:build unix

package ffmpeg

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fake puts a script in the place of ffmpeg: one with all hardware encoders, which
// does what do says for each trial.
func fake(t *testing.T, do string) {
	t.Helper()
	script := `#!/bin/sh
works() { cat >/dev/null; printf '\000\000\000\001picture'; exit; }
refuses() { echo "no capable device" >&2; exit 1; }
case "$*" in
*-encoders*) echo "Encoders:"; echo " ------"; for e in aac libx264 h264_nvenc h264_vaapi h264_qsv; do echo " V....D $e some words"; done;;
*-decoders*) echo "Decoders:"; echo " ------";;
` + do + `
*) exit 9;;
esac
`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// TestChoose: hardware that is there and works is chosen. Else software is, and one
// line says why. Hardware that was asked for works, or nothing does.
func TestChoose(t *testing.T) {
	all := []string{"/dev/nvidia0", "/dev/dri/renderD128", "/dev/dri/renderD129"}
	const refused = "ffmpeg: exit status 1: no capable device"
	for _, tt := range []struct {
		name, encoder string
		devices       []string
		do            string
		uses, before  string
		says, fails   string
		is            error
	}{
		{name: "no device", encoder: Auto, do: "*h264_*) works;;", uses: "libx264"},
		{name: "software", encoder: Software, devices: all, do: "*h264_*) works;;", uses: "libx264"},
		{name: "all work", encoder: Auto, devices: all, do: "*h264_*) works;;", uses: "h264_nvenc"},
		{name: "one works", encoder: Auto, devices: all, do: "*h264_vaapi*) works;;", uses: "h264_vaapi", before: "-vaapi_device /dev/dri/renderD128"},
		{name: "second device", encoder: Auto, devices: all, do: "*renderD129*) works;;", uses: "h264_vaapi", before: "-vaapi_device /dev/dri/renderD129"},
		{name: "named", encoder: "qsv", devices: all, do: "*h264_*) works;;", uses: "h264_qsv"},
		{name: "none works", encoder: Auto, devices: all[:2], do: "*h264_*) refuses;;", uses: "libx264",
			says: "no hardware encodes here, so that software does: nvenc: " + refused + "; vaapi: " + refused + "; qsv: " + refused},
		{name: "hangs", encoder: Auto, devices: all[:1], do: "*h264_*) exec sleep 60;;", uses: "libx264", says: "nvenc: nothing came out of it in 100ms"},
		{name: "says nothing", encoder: Auto, devices: all[:1], do: "*h264_*) exit 0;;", uses: "libx264", says: "nvenc: what came out is no H.264"},
		{name: "garbage", encoder: Auto, devices: all[:1], do: "*h264_*) cat >/dev/null; echo no video;;", uses: "libx264", says: "nvenc: what came out is no H.264"},
		{name: "much garbage", encoder: Auto, devices: all[:1], do: "*h264_*) head -c 3000000 /dev/zero;;", uses: "libx264", says: "nvenc: what came out is no H.264"},
		{name: "talks", encoder: Auto, devices: all[:1], do: "*h264_*) head -c 100000 /dev/zero | tr '\\000' x >&2; exit 1;;", uses: "libx264", says: "nvenc: ffmpeg: exit status 1: …xxx"},
		{name: "named, refuses", encoder: "vaapi", devices: all, do: "*h264_*) refuses;;", fails: "this encoder does not work here: vaapi: " + refused, is: ErrEncoder},
		{name: "named, no device", encoder: "vaapi", devices: all[:1], do: "*h264_*) works;;", fails: "this encoder does not work here: vaapi: there is no /dev/dri/renderD*", is: ErrEncoder},
		{name: "named, not built in", encoder: "videotoolbox", devices: all, do: "*h264_*) works;;", fails: "this ffmpeg lacks the encoder h264_videotoolbox", is: ErrLacks},
		{name: "no name", encoder: "mpeg", do: "*h264_*) works;;", fails: `no encoder is called "mpeg"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake(t, tt.do)
			p, err := Find(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w := Wish{Encoder: tt.encoder, Devices: func(pattern string) (there []string, err error) {
				for _, d := range tt.devices {
					if ok, err := filepath.Match(pattern, d); err != nil || ok {
						there = append(there, d)
					}
				}
				return there, nil
			}}
			if tt.name == "hangs" {
				w.For = 100 * time.Millisecond
			}
			skipped, err := p.Choose(t.Context(), w, Film{Width: 320, Height: 180, Rate: 10})
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.video.name != tt.uses || strings.Join(p.video.before, " ") != tt.before {
				t.Errorf("it uses %s %q", p.video.name, p.video.before)
			}
			if (skipped != nil) != (tt.says != "") || skipped != nil && (!strings.Contains(skipped.Error(), tt.says) || strings.Contains(skipped.Error(), "\n") || len(skipped.Error()) > 500) {
				t.Errorf("said %.600v", skipped)
			}
		})
	}
}

// TestChooseCancelled: Ctrl-C ends the trial of an encoder.
func TestChooseCancelled(t *testing.T) {
	fake(t, "*h264_*) exec sleep 60;;")
	p, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := Wish{Encoder: Auto, Devices: func(string) ([]string, error) { cancel(); return []string{"/dev/nvidia0"}, nil }}
	if _, err := p.Choose(ctx, w, Film{Width: 320, Height: 180, Rate: 10}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
