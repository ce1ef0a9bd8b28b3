//go:build unix

package main

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	rmedia "github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/native"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestNativeMembers records LiveKit's native SDK, with its own frame encryption:
// VP8, H264, VP9 in one layer and in three, Opus, and what they write. Every
// picture is decoded and has its number and its time, and every sound its tone,
// in step with its pictures. Unless every case is to run, two of them take part.
func TestNativeMembers(t *testing.T) {
	l := newLabAlone(t)
	home, _ := l.person("Recorder")
	store := filepath.Join(l.dir, "store")
	room := l.room("native")
	type person struct {
		config native.Config
		name   string
		ext    string
		member *native.Member
	}
	all := []*person{
		{name: "vp8", ext: ".webm", config: native.Config{Codec: "vp8", Hz: 600}},
		{name: "h264", ext: ".mkv", config: native.Config{Codec: "h264", Hz: 900}},
		{name: "vp9", ext: ".webm", config: native.Config{Codec: "vp9", Hz: 1300}},
		{name: "vp9-layers", ext: ".webm", config: native.Config{Codec: "vp9", Width: 960, Height: 540, Scalability: "L3T3_KEY"}},
	}
	var people []*person
	for i := range sample.Cases(t, len(all), 2) {
		people = append(people, all[i])
	}
	writes, sends := people[0], people[1]
	var starting errgroup.Group
	for _, p := range people {
		starting.Go(func() (err error) {
			p.config.URL, p.config.Passphrase = l.lk.URL, labPassphrase
			p.config.Token = l.token(members.Grant{Room: room, Identity: p.name, Name: p.name})
			p.member, err = native.Start(l.ctx, p.config)
			return err
		})
	}
	err := starting.Wait()
	for _, p := range people {
		if p.member != nil {
			t.Cleanup(func() {
				if err := p.member.Leave(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	rec := l.record(home, "--room", room, "--store", store, "--reader", "Recorder", "--segment", "1s")
	l.segments(home, store, rec.id, 1)
	// The SDK compresses what is long, for those who understand that.
	text := strings.Repeat("what phones and agents run: ✓\n", 2000)
	file := make([]byte, 30_000)
	if err := writes.member.Say(l.ctx, text); err != nil {
		t.Fatal(err)
	}
	if err := sends.member.SendFile(l.ctx, "files", "plan.pdf", file); err != nil {
		t.Fatal(err)
	}
	l.segments(home, store, rec.id, 4)
	want := rec.accounts(rec.stop(syscall.SIGTERM), home, store)

	timeline := l.timeline(home, rec.id, store)
	if !slices.ContainsFunc(timeline, func(e rmedia.Event) bool {
		return e.Type == rmedia.EventChat && e.Participant == writes.name && e.Text == text
	}) {
		t.Errorf("the timeline does not have the chat: %.2000v", timeline)
	}
	if !slices.ContainsFunc(timeline, func(e rmedia.Event) bool {
		return e.Type == rmedia.EventStream && e.Participant == sends.name && e.Text == "plan.pdf" && e.Size == int64(len(file))
	}) {
		t.Errorf("the timeline does not have the file: %.2000v", timeline)
	}
	dir := filepath.Join(l.dir, "tracks")
	if out, errs, code := l.run(home, nil, "export", rec.id, "--store", store, "-o", dir, "--format", "tracks"); code != want {
		t.Fatalf("export: exit code %d, want %d\n%s%s", code, want, out, errs)
	}
	for _, p := range people {
		file := filepath.Join(dir, p.name+"-camera"+p.ext)
		decodes(t, file)
		s := countFrames(t, file)
		// Layers may come one after another.
		size := fmt.Sprintf("%dx%d", cmp.Or(p.config.Width, 640), cmp.Or(p.config.Height, 360))
		if sizes := decodedSizes(t, file); s.Codec != p.config.Codec || sizes[len(sizes)-1] != size {
			t.Errorf("%s is %+v, with pictures of %q, want %s", filepath.Base(file), s, sizes, size)
		}
		shown := numbered(t, file)
		// Each packet is one picture, of however many layers. There are five seconds
		// of them, less what passes before the first key frame that is whole, and
		// less what the encoder leaves out where a machine is busy: of VP9 most.
		if len(shown) < 8 || s.Frames != s.Packets {
			t.Fatalf("%s has %d packets, and %d pictures", filepath.Base(file), s.Packets, s.Frames)
		}
		shown = shown[1:] // the first stands still from time zero on
		first := shown[0]
		missing := shown[len(shown)-1].number - first.number + 1 - len(shown)
		var worst time.Duration
		for i, p := range shown {
			if i > 0 && p.number <= shown[i-1].number {
				t.Errorf("%s: picture %d after %d", filepath.Base(file), p.number, shown[i-1].number)
			}
			off := p.at - first.at - time.Duration(p.number-first.number)*time.Second/20
			worst = max(worst, off.Abs())
		}
		t.Logf("%s: %d pictures, %d left out by the encoder, at most %v from their time", p.name, len(shown), missing, worst)
		if missing > len(shown)/5 || worst > 60*time.Millisecond {
			t.Errorf("%s: %d of %d pictures are missing, some are off by %v", filepath.Base(file), missing, len(shown), worst)
		}
		if p.config.Hz == 0 {
			continue
		}
		file = filepath.Join(dir, p.name+"-microphone.ogg")
		decodes(t, file)
		if level := tone(t, file, 0, p.config.Hz); level < -20 {
			t.Errorf("%s's tone is at %.1f dB", p.name, level)
		}
		lag := lagOf(shown, beeps(t, file))
		t.Logf("%s: the sound is %v behind the picture", p.name, lag)
		if lag.Abs() > 100*time.Millisecond {
			t.Errorf("%s: the sound is %v behind the picture", p.name, lag)
		}
	}
	for _, p := range people {
		if e := p.member.State().Errors; len(e) > 0 {
			t.Errorf("%s: %q", p.name, e)
		}
	}
}

// A numberedPicture is one of package native's as it was decoded.
type numberedPicture struct {
	number int
	at     time.Duration
}

// numbered decodes the pictures of a file and reads their numbers.
func numbered(t *testing.T, file string) (shown []numberedPicture) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-show_entries", "packet=pts_time", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	var p struct {
		Packets []struct {
			Pts string `json:"pts_time"`
		}
	}
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	const w, h = 320, 180
	raw, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-map", "0:v:0", "-vf", fmt.Sprintf("scale=%d:%d:flags=area,format=gray", w, h),
		"-fps_mode", "passthrough", "-f", "rawvideo", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v", file, err)
	}
	for i, packet := range p.Packets {
		if len(raw) < (i+1)*w*h {
			t.Fatalf("%s: %d packets, but %d bytes of pictures", file, len(p.Packets), len(raw))
		}
		picture := raw[i*w*h:][:w*h]
		var bits uint32
		for b := range media.FlashBits {
			if picture[(h-8)*w+(2*b+1)*w/(2*media.FlashBits)] > 125 {
				bits |= 1 << (media.FlashBits - 1 - b)
			}
		}
		n, fixture, ok := media.FlashCode(bits)
		if !ok || fixture != 0 {
			t.Errorf("%s: picture %d has the blocks %020b", filepath.Base(file), i, bits)
			continue
		}
		at, err := strconv.ParseFloat(packet.Pts, 64)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, numberedPicture{n, pts(at)})
	}
	return shown
}

// beeps returns when the sound of a file becomes much louder, to 5 ms.
func beeps(t *testing.T, file string) (at []time.Duration) {
	t.Helper()
	const rate, block = 48000, 48000 / 200
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", file, "-ac", "1", "-ar", fmt.Sprint(rate), "-f", "s16le", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	var before float64
	for i := 0; len(out) >= 2*block; i++ {
		var power float64
		for j := range block {
			x := float64(int16(binary.LittleEndian.Uint16(out[2*j:])))
			power += x * x / block
		}
		out = out[2*block:]
		if level := math.Sqrt(power); level > 8000 {
			if before < 8000 && before > 500 {
				at = append(at, time.Duration(i)*5*time.Millisecond)
			}
			before = level
		} else {
			before = level
		}
	}
	return at
}

// lagOf returns how much later the beeps are than the first pictures of their
// seconds, in the middle.
func lagOf(shown []numberedPicture, beeps []time.Duration) time.Duration {
	var lags []time.Duration
	for _, b := range beeps {
		for _, p := range shown {
			if d := b - p.at; p.number%20 == 0 && d.Abs() < 500*time.Millisecond {
				lags = append(lags, d)
			}
		}
	}
	if len(lags) == 0 {
		return math.MaxInt64
	}
	slices.Sort(lags)
	return lags[len(lags)/2]
}
