//go:build unix

package ingest

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/sample"
)

// TestReplaced: a file that is another one by the time it is read, a link or a FIFO at its
// place too, is neither read nor waited for.
func TestReplaced(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	made := ffmpeg(t, "a.ogg", "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "libopus")
	b, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	for name, replace := range map[string]func(path string) error{
		"another": func(path string) error { return os.WriteFile(path, b, 0o600) }, // of the same length and date
		"link":    func(path string) error { return os.Symlink(made, path) },
		"fifo":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder":  func(path string) error { return os.Mkdir(path, 0o700) },
		"nothing": func(string) error { return nil },
	} {
		path := filepath.Join(t.TempDir(), "a.ogg")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := p.Look(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		// The old file stays, so that no other one gets its number.
		if err := errors.Join(os.Rename(path, path+".old"), replace(path)); err != nil {
			t.Fatal(err)
		}
		if name == "another" {
			if err := os.Chtimes(path, f.Modified, f.Modified); err != nil {
				t.Fatal(err)
			}
		}
		_, hashed := f.Hash(t.Context(), nil)
		_, heard := p.hear(t.Context(), f, 0, nil)
		read := p.demux(t.Context(), f, nil, nil)
		for what, err := range map[string]error{"hash": hashed, "hear": heard, "demux": read, "unchanged": f.Unchanged()} {
			if err == nil || !errors.Is(err, ErrChanged) && !errors.Is(err, ErrKind) && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if _, err := p.Look(t.Context(), path); (err == nil) != (name == "another" || name == "link") {
			t.Errorf("%s, look: %v", name, err)
		}
	}
}

// TestReadErrors: an error of the disk in the middle, after which ffmpeg ends as if all were
// well, is told.
func TestReadErrors(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	path := ffmpeg(t, "a.ogg", "-f", "lavfi", "-i", "sine=duration=1", "-c:a", "libopus")
	f, err := p.Look(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+p.ffmpeg+` "$@" && echo "file:/dev/stdin: Input/output error" >&2`+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	failing := &Program{ffmpeg: script, ffprobe: p.ffprobe}
	r, err := failing.write(t, f)
	if err != nil || len(r.Said) != 1 || r.Said[0] != "a.ogg: Input/output error" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestCutShort: what shows that a file lacks its end, or has something behind it, is told,
// though ffmpeg says nothing.
func TestCutShort(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	tone := []string{"-f", "lavfi", "-i", "sine=duration=14"}
	picture := append(append([]string{}, tone...), "-f", "lavfi", "-i", "testsrc=size=64x36:rate=5:duration=14,format=yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10")
	fragments := append(append([]string{}, picture...), "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")
	files := map[string]struct {
		args []string
		edit func([]byte) []byte
		want string // "": nothing
	}{
		"whole.mp4":       {append(append([]string{}, picture...), "-c:a", "aac"), nil, ""},
		"fragments.mp4":   {fragments, nil, ""},
		"cut.mp4":         {fragments, func(b []byte) []byte { return b[:len(b)*7/10] }, "it ends in the middle: its last part lacks "},
		"behind.mp4":      {fragments, func(b []byte) []byte { return append(b, make([]byte, 5000)...) }, " bytes at its end are no part of it"},
		"whole.wav":       {tone, nil, ""},
		"cut.wav":         {tone, func(b []byte) []byte { return b[:len(b)/2] }, "it ends in the middle: its sound lacks "},
		"whole.ogg":       {append(append([]string{}, tone...), "-c:a", "libopus"), nil, ""},
		"cut.ogg":         {append(append([]string{}, tone...), "-c:a", "libopus"), func(b []byte) []byte { return b[:len(b)*6/10] }, "it lacks its end"},
		"whole.mkv":       {append(append([]string{}, picture...), "-c:a", "libopus"), nil, ""},
		"whole.flac":      {tone, nil, ""},
		"whole.mp3":       {append(append([]string{}, tone...), "-c:a", "libmp3lame"), nil, ""},
		"onlysound.mp4":   {append(append([]string{}, fragments...), "-frag_duration", "20000000", "-g", "1000", "-movflags", "empty_moov"), func(b []byte) []byte { return b[:len(b)/3] }, "it ends in the middle"},
		"pipe.wav":        {append(append([]string{}, tone...), "-rf64", "never", "-bitexact"), func(b []byte) []byte { copy(b[40:], "\xff\xff\xff\xff"); return b }, ""},
		"twosegments.ogg": {append(append([]string{}, tone...), "-c:a", "libopus"), func(b []byte) []byte { return append(b, "OggS"...) }, "it lacks its end"},
	}
	names := slices.Sorted(maps.Keys(files))
	for i := range sample.Cases(t, len(names), 2) {
		name, tt := names[i], files[names[i]]
		path := ffmpeg(t, name, tt.args...)
		if tt.edit != nil {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.edit(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		f, err := p.Look(t.Context(), path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := p.write(t, f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if said := strings.Join(r.Said, "\n"); (said == "") != (tt.want == "") || !strings.Contains(said, tt.want) {
			t.Errorf("%s: %q, want %q", name, said, tt.want)
		}
	}
}

// TestShorterThanSaid: a file that says that it lasts longer than what is in it, or that has a
// stream with nothing in it, does not pass for whole.
func TestShorterThanSaid(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	p, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Look(t.Context(), ffmpeg(t, "a.mkv", "-f", "lavfi", "-i", "sine=duration=3", "-c:a", "libopus"))
	if err != nil {
		t.Fatal(err)
	}
	f.Length = time.Minute
	r, err := p.write(t, f)
	if err != nil || len(r.Said) != 1 || !strings.Contains(r.Said[0], "a.mkv: it says that it lasts 1m0s, and the last in it is from 3s") {
		t.Errorf("%+v, %v", r, err)
	}
	path := ffmpeg(t, "b.mkv", "-f", "lavfi", "-i", "sine=duration=3", "-f", "lavfi", "-i", "sine=duration=0.001", "-map", "0", "-map", "1", "-c:a", "flac", "-bsf:a:1", "noise=drop=1")
	if f, err = p.Look(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	r, err = p.write(t, f)
	if err != nil || len(r.Said) != 1 || !strings.Contains(r.Said[0], "b.mkv: stream 1 has nothing in it") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestLeftOut: names of chapters are told to be left out, and streams beyond those that are
// looked at.
func TestLeftOut(t *testing.T) {
	f := new(File)
	chapters := `{"chapters":[{"id":0},{"id":1}],"streams":[{"index":0,"codec_type":"audio","codec_name":"opus","channels":1}]}`
	if err := f.probed([]byte(chapters)); err != nil || len(f.LeftOut) != 1 || f.LeftOut[0] != "the names of its 2 chapters" {
		t.Errorf("%q, %v", f.LeftOut, err)
	}
	many := `{"streams":[` + strings.Repeat(`{"codec_type":"subtitle"},`, 70) + `{"index":70,"codec_type":"audio","codec_name":"opus","channels":1}]}`
	f = new(File)
	if err := f.probed([]byte(many)); !errors.Is(err, ErrNothing) || len(f.LeftOut) != maxStreams+1 || !strings.Contains(f.LeftOut[maxStreams], "it has 71, and the first 64 are looked at") {
		t.Errorf("%q, %v", f.LeftOut, err)
	}
}

// TestLength: a file that does not begin at zero is not longer for it.
func TestLength(t *testing.T) {
	for _, tt := range []struct {
		kind            Kind
		start, duration string
		want            time.Duration
	}{
		{Matroska, "0.000000", "6.5", 6500 * time.Millisecond},
		{Matroska, "19999.986", "20006.014", 6028 * time.Millisecond},
		{MP4, "20000", "20006", 6 * time.Second},
		{Ogg, "20000", "20006", 20006 * time.Second},
		{MP4, "1e300", "1e301", 0},
		{MP4, "NaN", "6", 6 * time.Second},
		{MP4, "-50", "6", 6 * time.Second},
		{MP4, "0", "NaN", 0},
		{MP4, "0", "-1", 0},
		{MP4, "0", "+Inf", 0},
	} {
		f := &File{Kind: tt.kind}
		err := f.probed([]byte(`{"format":{"start_time":"` + tt.start + `","duration":"` + tt.duration + `"},"streams":[{"codec_type":"audio","codec_name":"opus","channels":1}]}`))
		if err != nil || (f.Length-tt.want).Abs() > time.Millisecond {
			t.Errorf("%+v: %v, %v", tt, f.Length, err)
		}
	}
}
