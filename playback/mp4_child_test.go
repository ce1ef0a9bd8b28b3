//go:build unix

package playback

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// small are the options of quick exports.
var small = MP4Options{MixOptions: unlevelled, Width: 320, Height: 180, Rate: 10, Encoder: EncoderSoftware}

// stub puts a script in the place of ffmpeg that notes its arguments, environment
// and process, and then does what do says; $REAL is the program that it stands
// for. The function returned waits for nothing: it demands that all are gone.
func stub(t *testing.T, do string) (notes string, gone func()) {
	t.Helper()
	sample.Live(t)
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("ffmpeg is needed in PATH: install Debian's ffmpeg package")
	}
	dir := t.TempDir()
	notes = filepath.Join(dir, "notes")
	if err := os.Mkdir(notes, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, answer := range lists(t, real) {
		if err := os.WriteFile(filepath.Join(dir, name), answer, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What the real one has is asked once for all.
	for name, script := range map[string]string{
		"real":   fmt.Sprintf("case \"$*\" in *-encoders) exec cat '%s/encoders';; *-decoders) exec cat '%[1]s/decoders';; *'-h long') exec cat '%[1]s/help';; esac\nexec '%s' \"$@\"\n", dir, real),
		"ffmpeg": fmt.Sprintf("REAL='%s/real'\nexport -p >'%s'/env.$$\nprintf '%%s\\n' \"$@\" >'%[2]s'/args.$$\n%s\nexec \"$REAL\" \"$@\"\n", dir, notes, do),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return notes, func() {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(notes, "args.*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no process was started, %v", err)
		}
		for _, f := range files {
			pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Ext(f), "."))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("process %d is still there: %v", pid, err)
			}
		}
	}
}

// lists returns what an ffmpeg says of itself when it is asked as an export asks.
func lists(t *testing.T, real string) map[string][]byte {
	t.Helper()
	said.Lock()
	defer said.Unlock()
	if said.lists == nil {
		all := make(map[string][]byte)
		for name, args := range map[string][]string{"encoders": {"-encoders"}, "decoders": {"-decoders"}, "help": {"-h", "long"}} {
			out, err := exec.CommandContext(t.Context(), real, append([]string{"-hide_banner", "-v", "error"}, args...)...).Output()
			if err != nil {
				t.Fatal(err)
			}
			all[name] = out
		}
		said.lists = all
	}
	return said.lists
}

// said keeps what lists returns.
var said struct {
	sync.Mutex
	lists map[string][]byte
}

// meetingOf is a short meeting of a camera and a microphone.
func meetingOf(t *testing.T, length time.Duration) *Session {
	t.Helper()
	camera, pictures := flashes(1, "id-of-ada", media.VP8, 0, length, 0)
	camera.Name = "Ada Lovelace"
	voice, sound := beeps(t, 2, "id-of-ada", length, 0)
	return open(t, cut(t, []media.Track{camera, voice}, merged(pictures, sound)))
}

// TestMP4Children: decoders and the encoder know nothing of the recording but its
// media, and are gone when the export is over.
func TestMP4Children(t *testing.T) {
	t.Setenv("SEALTAPE_PASSPHRASE", "canary")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	notes, gone := stub(t, "")
	path := filepath.Join(t.TempDir(), "a.mp4")
	o := small
	o.Unlevelled = false
	if _, err := ExportMP4(t.Context(), meetingOf(t, 2*time.Second), path, o); err != nil {
		t.Fatal(err)
	}
	gone()
	files, err := os.ReadDir(notes)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	decoders := 0
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(notes, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
		if strings.Contains(string(b), "pipe:1") {
			decoders++
			if !strings.Contains(string(b), "-protocol_whitelist\npipe,fd\n") {
				t.Errorf("a decoder may open more than pipes: %q", b)
			}
		}
	}
	for _, secret := range []string{"canary", "Lovelace", "id-of-ada", testID} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("a process was told %q:\n%s", secret, all.String())
		}
	}
	// Two lists, the help, two decoders, one that measures how loud the sound is, an encoder.
	if decoders != 3 || len(files) != 2*7 {
		t.Errorf("%d decoders, %d notes", decoders, len(files))
	}
}

// TestMP4Fails: whatever goes wrong, there is no file, no process, and the error
// says what it was.
func TestMP4Fails(t *testing.T) {
	faults := []struct {
		name, do string
		want     error
		says     string
	}{
		{"file too large", `case "$*" in *libx264*) trap '' XFSZ; ulimit -f 8;; esac`, nil, "File too large"},
		{"disk full", `case "$*" in *libx264*) echo 'av_interleaved_write_frame(): No space left on device' >&2; exit 1;; esac`, syscall.ENOSPC, ""},
		{"encoder dies", `case "$*" in *libx264*) head -c 100000 >/dev/null; kill -KILL $$;; esac`, nil, "signal: killed"},
		{"encoder refuses", `case "$*" in *libx264*) echo 'some reason' >&2; exit 7;; esac`, nil, "exit status 7: some reason"},
		{"encoder talks", `case "$*" in *libx264*) i=0; while [ $i -lt 2000 ]; do echo 'blah blah blah' >&2; i=$((i+1)); done; exit 7;; esac`, nil, "…"},
		{"no lists", `exit 3`, nil, "asking ffmpeg for its encoders"},
		{"no encoder", `case "$*" in *-encoders*) "$REAL" "$@" | grep -v 264; exit;; esac`, ErrFFmpegLacks, "H.264"},
		{"no aac", `case "$*" in *-encoders*) "$REAL" "$@" | grep -v aac; exit;; esac`, ErrFFmpegLacks, "AAC"},
		{"no decoder", `case "$*" in *-decoders*) "$REAL" "$@" | grep -v vp8 | grep -v libvpx; exit;; esac`, ErrFFmpegLacks, "vp8"},
	}
	for i := range sample.Cases(t, len(faults), 3) {
		tt := faults[i]
		t.Run(tt.name, func(t *testing.T) {
			_, gone := stub(t, tt.do)
			dir := t.TempDir()
			_, err := ExportMP4(t.Context(), meetingOf(t, 4*time.Second), filepath.Join(dir, "a.mp4"), small)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || len(err.Error()) > 3000 {
				t.Errorf("got %.200v", err)
			}
			only(t, dir)
			gone()
		})
	}
}

// TestMP4Cancelled: Ctrl-C leaves neither a file nor a process.
func TestMP4Cancelled(t *testing.T) {
	_, gone := stub(t, "")
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := small
	o.Progress = func(done, _ time.Duration) {
		if done >= time.Second {
			cancel()
		}
	}
	if _, err := ExportMP4(ctx, meetingOf(t, 30*time.Second), filepath.Join(dir, "a.mp4"), o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	only(t, dir)
	gone()
}

// TestMP4Unavailable: without ffmpeg, or where a file is in the way, nothing is
// begun.
func TestMP4Unavailable(t *testing.T) {
	s := meetingOf(t, time.Second)
	dir := t.TempDir()
	path := filepath.Join(dir, "a.mp4")
	for _, o := range []MP4Options{{Layout: "pile"}, {Width: 320}, {Width: 321, Height: 180}, {Width: 8000, Height: 4000}, {Rate: 61}, {Rate: -1}} {
		if _, err := ExportMP4(t.Context(), s, path, o); err == nil {
			t.Errorf("%+v is fine", o)
		}
	}
	o := small
	o.From = time.Hour
	if _, err := ExportMP4(t.Context(), s, path, o); !errors.Is(err, ErrRange) {
		t.Errorf("from behind the end: %v", err)
	}
	only(t, dir)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ExportMP4(t.Context(), s, path, small); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if b, err := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("the file is now %q, %v", b, err)
	}
	t.Setenv("PATH", dir)
	if _, err := ExportMP4(t.Context(), s, filepath.Join(dir, "b.mp4"), small); !errors.Is(err, ErrFFmpegMissing) {
		t.Errorf("without ffmpeg: %v", err)
	}
	only(t, dir, "a.mp4")
}

// TestMP4Hostile: frames that are none, and a decoder that never comes to an end,
// cost their own tile and are told of. Everyone else is where they were.
func TestMP4Hostile(t *testing.T) {
	const length = 4 * time.Second
	random := rand.New(rand.NewPCG(1, 2))
	junk := func(n int, head ...byte) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return append(slices.Clone(head), b...)
	}
	good, pictures := flashes(1, nameless[0], media.VP8, 0, length, 0)
	voice, sound := beeps(t, 2, nameless[0], length, 0)
	bad := media.Track{UID: 3, Participant: nameless[1], Source: media.Camera, Codec: media.VP8}
	noise := media.Track{UID: 4, Participant: nameless[1], Source: media.Microphone, Codec: media.Opus}
	huge := media.Track{UID: 5, Participant: nameless[2], Source: media.Camera, Codec: media.VP8}
	stuck, others := flashes(6, nameless[3], media.H264, 0, length, 0)
	var attack []media.Frame
	for at := time.Duration(0); at < length; at += 20 * time.Millisecond {
		key := at%time.Second == 0
		head := []byte{0x11, 0x02, 0}
		large := slices.Clone(head)
		if key {
			head = []byte{0x10, 0x02, 0, 0x9d, 0x01, 0x2a, 64, 0, 36, 0}
			large = []byte{0x10, 0x02, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f}
		}
		attack = append(attack,
			media.Frame{Track: 3, Time: at, Key: key, Data: junk(200, head...)},
			media.Frame{Track: 4, Time: at, Key: true, Data: junk(3, 0xff, 0x3f)}, // no Opus
			media.Frame{Track: 5, Time: at, Key: key, Data: junk(200, large...)})
	}
	s := open(t, cut(t, []media.Track{good, voice, bad, noise, huge, stuck}, merged(pictures, sound, attack, others)))
	_, gone := stub(t, `case "$*" in *"-c:v h264"*) exec sleep 600;; esac`)
	path := filepath.Join(t.TempDir(), "a.mp4")
	o := MP4Options{Width: 640, Height: 360, stuck: 6 * time.Second}
	r, err := ExportMP4(t.Context(), s, path, o)
	if err != nil {
		t.Fatal(err)
	}
	gone()
	refused := make(map[uint64]Refusal)
	for _, l := range r.LeftOut {
		refused[l.Track] = l.Reason
	}
	want := map[uint64]Refusal{4: RefusedFrame, 5: RefusedDecoder, 6: RefusedDecoder}
	delete(refused, 3) // a decoder may make something of it
	if !r.Incomplete || r.Dropped() < 200 || len(r.Problems) < 2 || !maps.Equal(refused, want) {
		t.Errorf("left out %+v, problems %v", r.LeftOut, r.Problems)
	}
	f := decoded(t, path, 640, 360, 25)
	if len(f.luma) != 100 {
		t.Fatalf("%d pictures", len(f.luma))
	}
	for k := 2; k < 98; k++ {
		frame, fixture, ok := f.code(k, 0, 0, 320, 180)
		if d := 40*k - 50*frame; !ok || fixture != 1 || d < -21 || d > 31 {
			t.Fatalf("picture %d shows %d, %v", k, frame, ok)
		}
	}
	for i, at := range f.loud() {
		nearTo(t, fmt.Sprint("beep ", i), at, time.Duration(i)*time.Second, 5*time.Millisecond)
	}
}
