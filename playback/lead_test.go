package playback

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A sent frame is one that a recorder got at a time of its own.
type sentFrame struct {
	media.Frame
	arrival time.Duration
}

// recorded puts frames into segments of 5 s as a recorder does: where they
// arrive, whatever their own times are.
func recorded(t testing.TB, tracks []media.Track, frames []sentFrame, events ...media.Event) *memSource {
	t.Helper()
	const length = 5 * time.Second
	slices.SortStableFunc(frames, func(a, b sentFrame) int { return int(a.arrival - b.arrival) })
	parts := make(map[int][]media.Frame)
	last := 0
	for _, f := range frames {
		n := int(f.arrival / length)
		parts[n] = append(parts[n], f.Frame)
		last = max(last, n)
	}
	src := &memSource{segments: make(map[int][]byte)}
	for n := range last + 1 {
		var here []media.Event
		for _, e := range events {
			if min(int(e.Time/length), last) == n {
				here = append(here, e)
			}
		}
		src.segments[n] = segment(t, n, tracks, parts[n], here...)
	}
	return src
}

// talk is a microphone whose packets of 20 ms are all different: silent ones that
// say their number where no decoder looks.
func talk(uid uint64, who string, from, to time.Duration) (media.Track, []sentFrame) {
	track := media.Track{UID: uid, Participant: who, Name: who, Source: media.Microphone, Codec: media.Opus, Channels: 1}
	var frames []sentFrame
	for i, at := 0, from; at < to; i, at = i+1, at+20*time.Millisecond {
		frames = append(frames, sentFrame{media.Frame{Track: uid, Time: at, Duration: 20 * time.Millisecond, Key: true, Data: numbered(uid, i)}, at})
	}
	return track, frames
}

// numbered is a packet of one frame of 20 ms with padding (RFC 6716 section 3.2.5)
// that holds a number.
func numbered(uid uint64, i int) []byte {
	p := []byte{31<<3 | 3, 0x41, 9, 0xff, 0xfe} // padding of nine bytes
	p = binary.BigEndian.AppendUint32(p, uint32(i))
	return append(binary.BigEndian.AppendUint32(p, uint32(uid)), 0)
}

// held returns the data of the frames of each track in an export, without the
// silence that it put in. By track in a Matroska file, by file in a folder.
func held(t testing.TB, path string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !fi.IsDir() {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		heldMatroska(t, b, all)
		return all
	}
	files, err := filepath.Glob(path + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) != ".ogg" {
			heldMatroska(t, b, all)
			continue
		}
		r, _, err := oggreader.NewWith(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		who := strings.TrimSuffix(filepath.Base(file), "-microphone.ogg")
		for {
			packet, info, err := r.ParseNextPage()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, header := info.HeaderType(packet); !header && !silent(packet) {
				all[who] = append(all[who], string(packet))
			}
		}
	}
	return all
}

func heldMatroska(t testing.TB, b []byte, all map[string][]string) {
	t.Helper()
	for _, f := range matroskaFrames(t, b) {
		if !silent(f.Data) {
			all[f.who] = append(all[f.who], string(f.Data))
		}
	}
}

// silent reports whether a packet is of the export's own silence.
func silent(packet []byte) bool { return bytes.HasSuffix(packet, []byte{0xff, 0xfe}) }

type heldFrame struct {
	media.Frame
	who string
}

func matroskaFrames(t testing.TB, b []byte) (frames []heldFrame) {
	t.Helper()
	r, err := matroska.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	who := make(map[uint64]string)
	for _, track := range r.Header().Tracks {
		who[track.UID] = strings.TrimSuffix(track.Participant, " (microphone)")
	}
	for {
		block, err := r.Next()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, heldFrame{block.Frame, who[block.Frame.Track]})
	}
}

type export = func(context.Context, *Session, string, ExportOptions) (Report, error)

// TestOneRunsAhead: of five members one pushes 4 s of sound at once and goes on
// in real time, so that it is recorded 4 s ahead of the others. No export lacks a
// frame of anyone, and everyone's sound is where it was.
func TestOneRunsAhead(t *testing.T) {
	for _, lead := range []time.Duration{500 * time.Millisecond, 4 * time.Second, 10 * time.Second, time.Minute} {
		const from, length = 6 * time.Second, 30 * time.Second
		var tracks []media.Track
		var frames []sentFrame
		want := make(map[string][]string)
		for i, who := range []string{"ada", "ben", "cy", "dora", "eve"} {
			begin, end := time.Duration(0), length
			if who == "eve" {
				begin, end = from, length+lead
			}
			track, sent := talk(uint64(i+1), who, begin, end)
			tracks = append(tracks, track)
			for _, f := range sent {
				want[who] = append(want[who], string(f.Data))
				if who == "eve" {
					f.arrival = max(from, f.Time-lead)
				}
				frames = append(frames, f)
			}
		}
		s := open(t, recorded(t, tracks, frames, media.Event{Time: length, Type: media.EventStop}))
		for name, export := range map[string]export{"mkv": ExportFile, "tracks": ExportTracks} {
			t.Run(fmt.Sprint(name, " ", lead), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "out")
				r, err := export(t.Context(), s, path, ExportOptions{})
				if err != nil || r.Incomplete || r.Dropped() != 0 {
					t.Fatalf("%+v, %v", r, err)
				}
				got := held(t, path)
				for who, all := range want {
					if !slices.Equal(got[who], all) {
						t.Errorf("it holds %d of %d frames of %s", len(got[who]), len(all), who)
					}
				}
				if name == "mkv" {
					playedInPlace(t, path)
				}
			})
		}
	}
}

// playedInPlace demands that each sound of a Matroska file goes on where it
// ended, to the end.
func playedInPlace(t testing.TB, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ends := make(map[string]time.Duration)
	var newest, longest time.Duration
	for _, f := range matroskaFrames(t, b) {
		if f.Time < newest-time.Second/2 {
			t.Fatalf("a frame of %v stands behind one of %v", f.Time, newest)
		}
		if off := f.Time - ends[f.who]; off.Abs() > 10*time.Millisecond {
			t.Fatalf("%s goes on at %v, and ended at %v", f.who, f.Time, ends[f.who])
		}
		newest = max(newest, f.Time)
		ends[f.who] = f.Time + f.Duration
		longest = max(longest, ends[f.who])
	}
	for who, end := range ends {
		nearTo(t, who+": end", end, longest, 3*time.Millisecond)
	}
}

// TestOneRunsAheadMP4 is the same in one mixed file: each beep is where it was.
func TestOneRunsAheadMP4(t *testing.T) {
	const lead, from, length = 4 * time.Second, 3 * time.Second, 9 * time.Second
	ada, steady := beeps(t, 1, nameless[0], length, 0)
	eve, ahead := beeps(t, 2, nameless[0], length+lead-from-time.Second/2, from+time.Second/2)
	camera, pictures := flashes(3, nameless[0], media.VP8, 0, length, 0)
	var frames []sentFrame
	for _, f := range slices.Concat(steady, pictures) {
		frames = append(frames, sentFrame{f, f.Time})
	}
	for _, f := range ahead {
		frames = append(frames, sentFrame{f, max(from, f.Time-lead)})
	}
	s := open(t, recorded(t, []media.Track{ada, eve, camera}, frames, media.Event{Time: length, Type: media.EventStop}))
	path := filepath.Join(t.TempDir(), "a.mp4")
	r, err := ExportMP4(t.Context(), s, path, MP4Options{MixOptions: unlevelled, ExportOptions: ExportOptions{}, Width: 160, Height: 90})
	if err != nil || r.Incomplete || r.Dropped() != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	var want []time.Duration
	for at := time.Duration(0); at < length; at += time.Second {
		want = append(want, at)
	}
	for at := from + time.Second/2; at < length+lead; at += time.Second {
		want = append(want, at)
	}
	slices.Sort(want)
	f := decoded(t, path, 160, 90, 25)
	got := f.loud()
	if len(got) != len(want) {
		t.Fatalf("beeps at %v, want %v", got, want)
	}
	for i := range got {
		nearTo(t, "beep", got[i], want[i], 5*time.Millisecond)
	}
	if n := int(length / (40 * time.Millisecond)); len(f.luma) < n {
		t.Errorf("%d pictures", len(f.luma))
	}
	for k := range int(length/(40*time.Millisecond)) - 1 {
		now := time.Duration(k) * 40 * time.Millisecond
		frame, _, ok := f.code(k, 0, 0, 160, 90)
		if d := now - time.Duration(frame)*50*time.Millisecond; !ok || d < -21*time.Millisecond || d > 31*time.Millisecond {
			t.Fatalf("at %v picture %d is shown, %v", now, frame, ok)
		}
	}
}

// TestFarAhead: one frame and one event of another month make no export longer.
// The frame is left out, and that is said.
func TestFarAhead(t *testing.T) {
	const length, far = 12 * time.Second, 20 * 24 * time.Hour
	ends := []struct {
		name   string
		events []media.Event
	}{
		{"closed", []media.Event{{Time: length, Type: media.EventStop}, {Time: far, Type: media.EventChat, Participant: "eve", Text: "soon"}}},
		{"cut", []media.Event{{Time: far, Type: media.EventChat, Participant: "eve", Text: "soon"}}},
	}
	films := make(map[int]bool) // which are mixed
	for i := range sample.Cases(t, len(ends), 1) {
		films[i] = true
	}
	for i, end := range ends {
		name, events := end.name, end.events
		ada, frames := talk(1, "ada", 0, length)
		eve, others := talk(2, "eve", 0, length)
		camera, pictures := flashes(3, "dora", media.VP8, 0, length, 0)
		for _, f := range pictures {
			frames = append(frames, sentFrame{f, f.Time})
		}
		wrong := media.Frame{Track: eve.UID, Time: far, Key: true, Data: numbered(9, 9)}
		frames = append(append(frames, others...), sentFrame{wrong, length / 2})
		// Its segment is the last in the recording that was cut.
		late := media.Frame{Track: camera.UID, Time: far + time.Hour, Key: true, Data: pictures[0].Data}
		frames = append(frames, sentFrame{late, length - 1})
		s := open(t, recorded(t, []media.Track{ada, eve, camera}, frames, events...))
		if s.Duration() != length {
			t.Errorf("%s: it lasts %v", name, s.Duration())
		}
		want := []LeftOut{{eve.UID, RefusedEnd, 1}, {camera.UID, RefusedEnd, 1}}
		formats := map[string]export{"mkv": ExportFile, "tracks": ExportTracks, "mp4": exportSmall}
		if !films[i] {
			delete(formats, "mp4")
		}
		for format, export := range formats {
			t.Run(name+" "+format, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "out")
				r, err := export(t.Context(), s, path, ExportOptions{})
				if err != nil || !r.Incomplete || r.Duration != length || !slices.Equal(r.LeftOut, want) {
					t.Fatalf("%+v, %v", r, err)
				}
				if format == "mp4" {
					near(t, "mp4", ffprobe(t, path).Format.Duration, length, 50*time.Millisecond)
					return
				}
				for who, got := range held(t, path) {
					if who == "ada" && len(got) != 600 || who == "eve" && len(got) != 600 {
						t.Errorf("it holds %d frames of %s", len(got), who)
					}
				}
				if format == "mkv" {
					near(t, "mkv", ffprobe(t, path).Format.Duration, length, time.Millisecond)
				}
			})
		}
	}
}

func exportSmall(ctx context.Context, s *Session, path string, o ExportOptions) (Report, error) {
	return ExportMP4(ctx, s, path, MP4Options{MixOptions: unlevelled, ExportOptions: o, Width: 160, Height: 90})
}

// TestTooMuchAhead: what runs ahead is more than is held to be sorted. Exports hold
// all of it, and of all others, who stay where they were.
func TestTooMuchAhead(t *testing.T) {
	const length, lead = 30 * time.Second, 10 * time.Second
	var tracks []media.Track
	var frames []sentFrame
	want := make(map[string]int)
	for i, who := range []string{"ada", "ben", "eve"} {
		track, sent := talk(uint64(i+1), who, 0, length)
		tracks = append(tracks, track)
		want[who] = len(sent)
		for _, f := range sent {
			if who == "eve" {
				f.Time += lead
			}
			frames = append(frames, f)
		}
	}
	s := open(t, recorded(t, tracks, frames, media.Event{Time: length, Type: media.EventStop}))
	s.reorder = 4 << 10 // some three hundred packets
	for name, export := range map[string]export{"mkv": ExportFile, "tracks": ExportTracks} {
		path := filepath.Join(t.TempDir(), "out")
		r, err := export(t.Context(), s, path, ExportOptions{})
		if err != nil || r.Incomplete || len(r.LeftOut) > 0 || len(r.Late) > 0 {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		for who, got := range held(t, path) {
			if len(got) != want[who] {
				t.Errorf("%s holds %d of %d frames of %s", name, len(got), want[who], who)
			}
		}
		if name != "mkv" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		ends := make(map[string]time.Duration)
		for _, f := range matroskaFrames(t, b) {
			if off := f.Time - ends[f.who]; off.Abs() > 10*time.Millisecond {
				t.Fatalf("%s goes on at %v, and ended at %v", f.who, f.Time, ends[f.who])
			}
			ends[f.who] = f.Time + f.Duration
		}
	}
	path := filepath.Join(t.TempDir(), "a.mp4")
	r, err := exportSmall(t.Context(), s, path, ExportOptions{})
	if err != nil || slices.ContainsFunc(r.LeftOut, func(l LeftOut) bool { return l.Track != 3 || l.Reason != RefusedOrder }) {
		t.Errorf("mp4: %+v, %v", r, err)
	}
}
