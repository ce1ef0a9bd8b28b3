package playback

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// nameless are participants whose tiles say nothing, so that all of the picture
// is there to be measured.
var nameless = []string{"\u200b", "\u200c", "\u200d", "\u2060"}

// flashes is a camera of the flash in a codec.
func flashes(uid uint64, participant string, codec media.Codec, from, to, offset time.Duration) (media.Track, []media.Frame) {
	t := media.Track{UID: uid, Participant: participant, Source: media.Camera, Codec: codec}
	var frames []media.Frame
	source := fixtures.FlashFrames(string(codec))
	for i := 0; ; i++ {
		at := time.Duration(i) * 50 * time.Millisecond
		if at >= to {
			return t, frames
		}
		data := source[i%len(source)]
		if codec == media.AV1 {
			data = bytes.TrimPrefix(data, []byte{0x12, 0}) // as the recorder keeps it
		}
		data = media.Store(codec, slices.Clone(data))
		p := media.Describe(codec, data)
		if t.Private == "" {
			t.Private = p.Private
		}
		if t.Width == 0 {
			t.Width, t.Height = p.Width, p.Height
		}
		if at >= from {
			frames = append(frames, media.Frame{Track: uid, Time: at + offset, Key: p.Key, Data: data})
		}
	}
}

// beeps is a microphone with a beep at each full second of the track.
func beeps(t testing.TB, uid uint64, participant string, length, offset time.Duration) (media.Track, []media.Frame) {
	t.Helper()
	r, _, err := oggreader.NewWith(bytes.NewReader(fixtures.Beep()))
	if err != nil {
		t.Fatal(err)
	}
	var packets [][]byte
	for {
		page, info, err := r.ParseNextPage()
		if err != nil {
			break
		}
		if _, header := info.HeaderType(page); !header {
			packets = append(packets, page)
		}
	}
	var frames []media.Frame
	for i := 0; ; i++ {
		at := time.Duration(i) * 20 * time.Millisecond
		if at >= length {
			return media.Track{UID: uid, Participant: participant, Source: media.Microphone, Codec: media.Opus, Channels: 1}, frames
		}
		frames = append(frames, media.Frame{Track: uid, Time: at + offset, Duration: 20 * time.Millisecond, Key: true, Data: packets[i%len(packets)]})
	}
}

// merged is the frames of all, in order of time.
func merged(frames ...[]media.Frame) []media.Frame {
	all := slices.Concat(frames...)
	slices.SortStableFunc(all, func(a, b media.Frame) int { return int(a.Time - b.Time) })
	return all
}

// A film is a decoded file.
type film struct {
	w, h, rate int
	luma       [][]byte
	sound      []float64 // 48 kHz, both sides as one
	peak       float64
}

func decoded(t testing.TB, path string, w, h, rate int) *film {
	t.Helper()
	f := &film{w: w, h: h, rate: rate}
	// Times are the file's own; a picture too early or too late would show.
	sound := filepath.Join(t.TempDir(), "sound")
	raw := run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-vf", fmt.Sprint("fps=", rate), "-fps_mode", "passthrough", "-pix_fmt", "gray", "-f", "rawvideo", "-",
		"-map", "0:a", "-f", "f32le", "-ac", "2", "-ar", "48000", sound)
	for ; len(raw) >= w*h; raw = raw[w*h:] {
		f.luma = append(f.luma, raw[:w*h])
	}
	pcm, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+8 <= len(pcm); i += 8 {
		l := float64(math.Float32frombits(binary.LittleEndian.Uint32(pcm[i:])))
		r := float64(math.Float32frombits(binary.LittleEndian.Uint32(pcm[i+4:])))
		f.sound = append(f.sound, (l+r)/2)
		f.peak = max(f.peak, math.Abs(l), math.Abs(r))
	}
	return f
}

// code reads the flash's code of a tile in picture k.
func (f *film) code(k, x, y, w, h int) (frame, fixture int, ok bool) {
	var bits uint32
	for b := range fixtures.FlashBits {
		px := x + (2*b+1)*w/(2*fixtures.FlashBits)
		py := y + h - h*16/360
		bits <<= 1
		if f.luma[k][py*f.w+px] > 128 {
			bits |= 1
		}
	}
	return fixtures.FlashCode(bits)
}

func (f *film) mean(k, x, y, w, h int) int {
	sum := 0
	for j := y; j < y+h; j++ {
		for i := x; i < x+w; i++ {
			sum += int(f.luma[k][j*f.w+i])
		}
	}
	return sum / (w * h)
}

// loud returns when beeps begin.
func (f *film) loud() (onsets []time.Duration) {
	last := -48000
	for i, v := range f.sound {
		if math.Abs(v) > 0.05 {
			if i-last > 9600 {
				onsets = append(onsets, time.Duration(i)*time.Second/48000)
			}
			last = i
		}
	}
	return onsets
}

// TestMP4 looks for every picture and beep of four codecs where it was sent: one
// camera comes late, one has a hole.
func TestMP4(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	const length, late = 8 * time.Second, 3337 * time.Millisecond
	var tracks []media.Track
	var all [][]media.Frame
	add := func(tr media.Track, frames []media.Frame) {
		tracks = append(tracks, tr)
		all = append(all, frames)
	}
	add(flashes(1, nameless[0], media.VP8, 0, length, 0))
	add(flashes(2, nameless[1], media.H264, 0, length-late, late))
	add(flashes(3, nameless[2], media.VP9, 0, 4*time.Second, 0))
	add(flashes(4, nameless[3], media.AV1, 0, length, 11*time.Millisecond))
	_, after := flashes(3, nameless[2], media.VP9, 6*time.Second, length, 0)
	add(beeps(t, 5, nameless[0], length, 0))
	hole := media.Event{Time: 4 * time.Second, Type: media.EventHole, Track: 3, From: 4 * time.Second, To: 6 * time.Second, Reason: media.HoleLoss}
	s := open(t, cut(t, tracks, merged(append(all, after)...), hole))

	dir := t.TempDir()
	path := filepath.Join(dir, "meeting.mp4")
	var told []time.Duration
	o := MP4Options{Width: 640, Height: 360}
	o.Progress = func(done, total time.Duration) {
		if total != s.Duration() {
			t.Errorf("progress of %v", total)
		}
		told = append(told, done)
	}
	r, err := ExportMP4(t.Context(), s, path, o)
	if err != nil {
		t.Fatal(err)
	}
	only(t, dir, "meeting.mp4")
	if r.Dropped() != 0 || len(r.Problems) > 0 || !r.Incomplete || len(r.Holes) != 1 || len(r.Tracks) != 5 || r.Duration != s.Duration() {
		t.Errorf("report %+v", r)
	}
	if !slices.IsSorted(told) || len(told) < 8 || told[len(told)-1] != s.Duration() {
		t.Errorf("progress %v", told)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if index, media := bytes.Index(b, []byte("moov")), bytes.Index(b, []byte("mdat")); index < 0 || media < index {
		t.Errorf("the index is at %d, the media at %d", index, media)
	}
	format := run(t, "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,pix_fmt,width,height,r_frame_rate,start_time", "-of", "csv=p=0", path)
	if got := strings.Fields(string(format)); len(got) != 2 || got[0] != "h264,640,360,yuv420p,25/1,0.000000" || !strings.HasPrefix(got[1], "aac,") {
		t.Errorf("streams %q", got)
	}

	f := decoded(t, path, 640, 360, 25)
	if want := int((s.Duration()*25 + time.Second - 1) / time.Second); len(f.luma) != want {
		t.Errorf("%d pictures, want %d", len(f.luma), want)
	}
	for k := range f.luma {
		now := time.Duration(k) * 40 * time.Millisecond
		for i, tr := range tracks[:4] {
			frame, fixture, ok := f.code(k, i%2*320, i/2*180, 320, 180)
			offset := [...]time.Duration{0, late, 0, 11 * time.Millisecond}[i]
			switch {
			case now < offset-40*time.Millisecond:
				if ok {
					t.Errorf("%s at %v: picture %d is shown already", tr.Codec, now, frame)
				}
				continue
			case now < offset+40*time.Millisecond, now > length-40*time.Millisecond,
				i == 2 && now > hole.From-40*time.Millisecond && now < hole.To+40*time.Millisecond:
				continue // at an end, or behind a shade
			case !ok || fixture != i+1:
				t.Fatalf("%s at %v: no picture of it", tr.Codec, now)
			}
			// It is put half a picture of ours from its time at most, and stands
			// until the next, 50 ms later, is.
			at := time.Duration(frame)*50*time.Millisecond + offset
			if d := now - at; d < -21*time.Millisecond || d > 31*time.Millisecond {
				t.Errorf("%s at %v: it is the picture of %v", tr.Codec, now, at)
			}
		}
	}
	// The picture that stands in the hole is the one before it, dimmed.
	if before, dim := f.mean(98, 20, 200, 280, 120), f.mean(110, 20, 200, 280, 120); dim > before*2/3 || dim == 0 {
		t.Errorf("the hole's picture has luma %d, the one before it %d", dim, before)
	}
	onsets := f.loud()
	if len(onsets) != 8 {
		t.Fatalf("beeps at %v", onsets)
	}
	for i, at := range onsets {
		nearTo(t, fmt.Sprint("beep ", i), at, time.Duration(i)*time.Second, 5*time.Millisecond)
	}
}
