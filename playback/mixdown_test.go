package playback

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// voice is a microphone that speaks for a second in each two, beginning at from,
// with noise of a level in dBFS.
func voice(t testing.TB, uid uint64, identity string, dB float64, from, length time.Duration) (media.Track, []media.Frame) {
	t.Helper()
	track := media.Track{UID: uid, Participant: identity, Name: identity, Source: media.Microphone, Codec: media.Opus, Channels: 1}
	frames := encode(t, track, "-f", "lavfi", "-i", fmt.Sprintf("anoisesrc=color=pink:seed=%d:sample_rate=48000:d=%.3f,volume='%f*lt(mod(t-%.3f+20\\,2)\\,1)':eval=frame",
		uid, length.Seconds(), math.Pow(10, dB/20), from.Seconds()), "-ac", "1", "-c:a", "libopus", "-frame_duration", "20", "-b:a", "64k")
	for i := range frames {
		frames[i].Time = time.Duration(i) * 20 * time.Millisecond
	}
	return track, frames
}

// unlevelled leaves sounds as they are, so that each is decoded once.
var unlevelled = MixOptions{Unlevelled: true}

// loudness returns what FFmpeg's meter of EBU R128 says of a part of a file's
// sound: its integrated loudness in LUFS, and its true peak in dBFS.
func loudness(t testing.TB, path, filter string) (lufs, peak float64) {
	t.Helper()
	if filter != "" {
		filter += ","
	}
	out := string(ffmpegSays(t, "-nostats", "-i", path, "-map", "0:a:0", "-af", filter+"ebur128=peak=true", "-f", "null", "-"))
	_, out, _ = strings.Cut(out, "Summary:")
	value := func(name string) float64 {
		m := regexp.MustCompile(name + `:\s+(-?[0-9.]+)`).FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("no %s in %q", name, out)
		}
		f, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	return value("I"), value("Peak")
}

// TestLevel: of two speakers 20 dB apart both are as loud in the mix, as loud as
// they are meant to be, and nothing clips; without levelling they stay apart.
func TestLevel(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	const length = 10 * time.Second
	loud, much := voice(t, 1, "loud", -1, 0, length)
	quiet, little := voice(t, 2, "quiet", -21, time.Second, length)
	s := open(t, cut(t, []media.Track{loud, quiet}, merged(much, little)))
	turns := func(path string) (first, second, peak float64) {
		first, peak = loudness(t, path, "aselect=lt(mod(t\\,2)\\,1),asetpts=N/SR/TB")
		second, _ = loudness(t, path, "aselect=gte(mod(t\\,2)\\,1),asetpts=N/SR/TB")
		return first, second, peak
	}
	path := filepath.Join(t.TempDir(), "levelled.wav")
	r, err := ExportSound(t.Context(), s, path, SoundWAV, SoundOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Gains[2] - r.Gains[1]; math.Abs(d-20) > 1 || r.Incomplete || len(r.Problems) > 0 || len(r.Tracks) != 2 {
		t.Errorf("gains %v, report %+v", r.Gains, r)
	}
	first, second, peak := turns(path)
	t.Logf("%.1f and %.1f LUFS, peak %.1f dB, gains %.1f and %.1f dB", first, second, peak, r.Gains[1], r.Gains[2])
	if math.Abs(first-second) > 1 || math.Abs(first+20) > 1.5 || peak > 0 {
		t.Errorf("%.1f and %.1f LUFS, peak %.1f dB", first, second, peak)
	}
	path = filepath.Join(t.TempDir(), "a.wav")
	r, err = ExportSound(t.Context(), s, path, SoundWAV, SoundOptions{MixOptions: unlevelled})
	if err != nil || len(r.Gains) != 0 {
		t.Fatalf("%v, %v", r.Gains, err)
	}
	if first, second, _ := turns(path); first-second < 16 || first-second > 22 {
		t.Errorf("not levelled they are %.1f and %.1f LUFS", first, second)
	}
}

// TestSoundFile looks at each format as a player does: title, date, chapters, one
// sound of the recording's length, beeps where they were.
func TestSoundFile(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	const from, to = 2 * time.Second, 10 * time.Second
	voice, sound := beeps(t, 1, "ada", 12*time.Second, 0)
	other, more := beeps(t, 2, "bob", 12*time.Second, 0)
	camera, pictures := flashes(3, "ada", media.VP8, 0, 12*time.Second, 0)
	s := open(t, cut(t, []media.Track{voice, other, camera}, merged(sound, more, pictures),
		media.Event{Type: media.EventStart, Text: "Stand-up; #1"},
		media.Event{Time: time.Second, Type: media.EventHole, Track: 3, From: time.Second, To: 3 * time.Second, Reason: media.HoleLoss},
		media.Event{Time: 8500 * time.Millisecond, Type: media.EventScreen, Participant: "ada", Name: "Äda = \\"}))
	o := SoundOptions{ExportOptions: ExportOptions{From: from, To: to}}
	formats := []struct {
		format      SoundFormat
		name, codec string
		date        string
		chapters    []string
	}{
		{SoundM4A, "mov,mp4,m4a,3gp,3g2,mj2", "aac", "2026-03-04", []string{"0.000000 Start", "6.500000 Äda = \\ shows a screen"}},
		{SoundOgg, "ogg", "opus", "2026-03-04", []string{"0.000000 Start", "6.000000 Äda = \\ shows a screen"}},
		{SoundWAV, "wav", "pcm_s16le", "", nil},
	}
	for i := range sample.Cases(t, len(formats), 1) {
		tt := formats[i]
		path := filepath.Join(t.TempDir(), "a."+string(tt.format))
		var told []time.Duration
		o.Progress = func(done, total time.Duration) { told = append(told, done) }
		r, err := ExportSound(t.Context(), s, path, tt.format, o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Incomplete || len(r.Tracks) != 2 || len(r.Holes) != 0 || r.Duration != to-from || r.Dropped() != 0 {
			t.Errorf("%s: report %+v", tt.format, r)
		}
		if len(told) < 7 || !slices.IsSorted(told) || told[len(told)-1] != to-from {
			t.Errorf("%s: progress %v", tt.format, told)
		}
		p := playerSees(t, path)
		if p.Format.FormatName != tt.name || p.Streams[0].CodecName != tt.codec || p.kinds() != "audio" {
			t.Errorf("%s: %+v", tt.format, p)
		}
		near(t, string(tt.format)+": length", p.Format.Duration, to-from, 30*time.Millisecond)
		if got := p.tag("title"); tt.date != "" && got != "Stand-up; #1, 2026-03-04 05:06 UTC" || p.tag("date") != tt.date {
			t.Errorf("%s: title %q, date %q", tt.format, got, p.tag("date"))
		}
		if got := p.chapters(); !slices.Equal(got, tt.chapters) {
			t.Errorf("%s: chapters %q, want %q", tt.format, got, tt.chapters)
		}
		if onsets := heardAt(t, path); len(onsets) != 8 {
			t.Errorf("%s: beeps at %v", tt.format, onsets)
		} else {
			for i, at := range onsets {
				nearTo(t, fmt.Sprint(tt.format, " beep ", i), at, time.Duration(i)*time.Second, 5*time.Millisecond)
			}
		}
		var b bytes.Buffer
		if _, err := StreamSound(t.Context(), s, &b, tt.format, o); err != nil {
			t.Fatal(err)
		}
		if file, err := os.ReadFile(path); err != nil || tt.format == SoundWAV && !bytes.Equal(file, b.Bytes()) || b.Len() < len(file)*9/10 {
			t.Errorf("%s: the stream has %d bytes, the file %d, %v", tt.format, b.Len(), len(file), err)
		}
	}
}

func TestNoSound(t *testing.T) {
	t.Parallel()
	camera, pictures := flashes(3, "ada", media.VP8, 0, time.Second, 0)
	s := open(t, cut(t, []media.Track{camera}, pictures))
	dir := t.TempDir()
	for _, format := range []SoundFormat{SoundM4A, SoundOgg, SoundWAV} {
		if _, err := ExportSound(t.Context(), s, filepath.Join(dir, "a"), format, SoundOptions{}); !errors.Is(err, ErrNoSound) {
			t.Errorf("%s: %v", format, err)
		}
	}
	only(t, dir)
}

// TestWAVIsBounded: more than its sizes can say is refused before anything is
// written.
func TestWAVIsBounded(t *testing.T) {
	long := media.Event{Time: 7 * time.Hour, Type: media.EventStop}
	s := open(t, &memSource{segments: map[int][]byte{0: segment(t, 0, []media.Track{alice},
		[]media.Frame{{Track: alice.UID, Duration: 20 * time.Millisecond, Key: true, Data: []byte{0xfc, 0xff, 0xfe}}}, long)}})
	dir := t.TempDir()
	if _, err := ExportSound(t.Context(), s, filepath.Join(dir, "a.wav"), SoundWAV, SoundOptions{}); !errors.Is(err, ErrTooLong) {
		t.Errorf("7 hours: %v", err)
	}
	only(t, dir)
	h := wavHeader(maxWAV)
	if riff, data := binary.LittleEndian.Uint32(h[4:]), binary.LittleEndian.Uint32(h[40:]); len(h) != 44 || riff != data+36 || int64(data) != maxWAV {
		t.Errorf("header %x", h)
	}
}
