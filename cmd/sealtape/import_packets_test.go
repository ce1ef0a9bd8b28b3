package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/ingest"
	"github.com/sealtape/sealtape/recorder/roomtest"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A kept is a recording in memory.
type kept [][]byte

func (k kept) Segments() (numbers []int) {
	for n := range k {
		numbers = append(numbers, n)
	}
	return numbers
}

func (k kept) ReadSegment(_ context.Context, n int) ([]byte, error) { return slices.Clone(k[n]), nil }

// A packetSeen is a packet of a file as ffprobe sees it.
type packetSeen struct {
	at    time.Duration
	hash  string
	shown bool
}

// A fileSeen is what ffprobe says of a file, in one run: each takes as long to begin as
// five commands of ours.
type fileSeen struct {
	packets map[string][]packetSeen // by what kind their stream is
	start   time.Duration           // the earliest: of sound, that of what an encoder began with
	turned  []string                // how players turn each picture
}

func seen(t *testing.T, path string) (f fileSeen) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-of", "json", "-show_data_hash", "MD5",
		"-show_entries", "packet=stream_index,pts_time,flags,data_hash:stream=index,codec_type:stream_side_data=rotation:format=start_time", path).Output()
	var p struct {
		Packets []struct {
			Stream int    `json:"stream_index"`
			PTS    string `json:"pts_time"`
			Hash   string `json:"data_hash"`
			Flags  string `json:"flags"`
		}
		Streams []struct {
			Index int
			Kind  string                           `json:"codec_type"`
			Side  []struct{ Rotation json.Number } `json:"side_data_list"`
		}
		Format struct {
			Start string `json:"start_time"`
		}
	}
	if err == nil {
		err = json.Unmarshal(out, &p)
	}
	if err != nil {
		t.Fatalf("ffprobe %s: %v", path, err)
	}
	seconds := func(s string) time.Duration {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatalf("%s: a time of %q", path, s)
		}
		return time.Duration(n * float64(time.Second))
	}
	kinds := make(map[int]string)
	for _, s := range p.Streams {
		kinds[s.Index] = s.Kind
		for _, side := range s.Side {
			if s.Kind == "video" && side.Rotation != "" {
				f.turned = append(f.turned, side.Rotation.String())
			}
		}
	}
	f.packets = make(map[string][]packetSeen)
	for _, k := range p.Packets {
		kind := kinds[k.Stream]
		f.packets[kind] = append(f.packets[kind], packetSeen{seconds(k.PTS), k.Hash, len(k.Flags) < 2 || k.Flags[1] != 'D'})
	}
	f.start = seconds(p.Format.Start)
	return f
}

// TestImportedPackets: what is exported of an imported file has the file's packets, by
// hash, in their order and at their times: pictures of every codec, out of turn, of varying
// rates, behind edit lists, turned, beside tracks with nothing in them; and sound that is Opus. Other sound is encoded again.
func TestImportedPackets(t *testing.T) {
	withBrowsers(t, onePage)
	film := []string{"-f", "lavfi", "-i", "testsrc=size=160x90:rate=25:duration=6.4,format=yuv420p"}
	sound := []string{"-f", "lavfi", "-i", "sine=frequency=440:duration=6.4:sample_rate=48000"}
	h264 := []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-b_strategy", "0", "-g", "30"}
	h265 := []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=3:pools=1"}
	vp9 := []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"}
	av1 := []string{"-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime"}
	opus := []string{"-c:a", "libopus"}
	copied := []string{"-c", "copy"}
	type file struct {
		name string
		from string // a file that it is made of, or none
		args []string
	}
	files := []file{
		{"av1.mkv", "", slices.Concat(film, sound, av1, opus)},
		{"av1.mp4", "av1.mkv", copied},
		{"cut.mp4", "h264.mp4", copied},
		{"empty.mkv", "", slices.Concat(film, sound, h264, opus, []string{"-af", "aselect=0"})},
		{"fragmented.mp4", "h264.mp4", slices.Concat([]string{"-movflags", "frag_keyframe+empty_moov"}, copied)},
		{"h264.mkv", "h264.mp4", slices.Concat([]string{"-map", "0:v"}, copied)},
		{"h264.mp4", "", slices.Concat(film, sound, h264, []string{"-c:a", "aac"})},
		{"h265.mkv", "h265.mov", copied},
		{"h265.mov", "", slices.Concat(film, h265, []string{"-tag:v", "hvc1"})},
		{"late.mp4", "h264.mp4", copied},
		{"opus.ogg", "", slices.Concat(sound, opus)},
		{"turned.mp4", "h264.mp4", slices.Concat([]string{"-map", "0:v", "-metadata:s:v", "rotate=90"}, copied)},
		{"vfr.mp4", "", slices.Concat(film, h264, []string{"-vf", "select='not(eq(mod(n,5),2))+not(mod(n,3))'", "-fps_mode", "vfr"})},
		{"vp8.webm", "", slices.Concat(film, sound, []string{"-c:v", "libvpx", "-threads", "1", "-deadline", "realtime", "-cpu-used", "8"}, opus)},
		{"vp9.mp4", "vp9.webm", copied},
		{"vp9.webm", "", slices.Concat(film, sound, vp9, opus)},
	}
	made := make(map[string]string)
	dir := t.TempDir()
	var ffmpeg func(f file)
	ffmpeg = func(f file) {
		if made[f.name] != "" {
			return
		}
		all := []string{"-nostdin", "-v", "error", "-y"}
		if f.from != "" {
			ffmpeg(files[slices.IndexFunc(files, func(of file) bool { return of.name == f.from })])
			in := []string{"-i", made[f.from]}
			switch f.name {
			case "cut.mp4":
				in = slices.Concat([]string{"-ss", "1.7"}, in)
			case "late.mp4":
				in = slices.Concat(in, []string{"-itsoffset", "0.8"}, in, []string{"-map", "0:a", "-map", "1:v"})
			}
			all = append(all, in...)
		}
		path := filepath.Join(dir, f.name)
		all = append(append(all, f.args...), path)
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", all...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg %q: %v\n%s", all, err, out)
		}
		made[f.name] = path
	}
	var some []string
	for i := range sample.Cases(t, len(files), 6) {
		ffmpeg(files[i])
		some = append(some, files[i].name)
	}
	program, err := ingest.Find()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range some {
		t.Run(name, func(t *testing.T) {
			path := made[name]
			f, err := program.Look(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			sink := new(roomtest.Sink)
			part := ingest.Part{File: f, SHA256: "0", Participant: name, Name: name}
			m := ingest.Meeting{Recording: "0123456789ABCDEFGHJKMNPQRS", Start: time.Unix(1e9, 0), At: time.Unix(2e9, 0), Parts: []ingest.Part{part}}
			if _, err := program.Write(t.Context(), sink, m, nil); err != nil {
				t.Fatal(err)
			}
			s, err := playback.Open(t.Context(), kept(sink.Segments()), playback.Options{})
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out.mkv")
			if _, err := playback.ExportFile(t.Context(), s, out, playback.ExportOptions{}); err != nil {
				t.Fatal(err)
			}
			was, is := seen(t, path), seen(t, out)
			if !slices.Equal(was.turned, is.turned) {
				t.Errorf("turned by %q, and exported by %q", was.turned, is.turned)
			}
			// The earliest time in the file is the beginning of the recording.
			for _, stream := range f.Streams {
				kind := "video"
				if stream.Codec.Audio() {
					kind = "audio"
				}
				if stream.Copied() {
					samePackets(t, stream.Name, was.packets[kind], is.packets[kind], -was.start)
				}
			}
		})
	}
}

// samePackets compares packets of a file with those of its export, which are later by shift
// and where what a cut hides is at the beginning.
func samePackets(t *testing.T, what string, want, got []packetSeen, shift time.Duration) {
	t.Helper()
	if len(want) == 0 && len(got) == 0 {
		return // a track with nothing in it
	}
	if len(want) == 0 || len(got) < len(want) {
		t.Errorf("%s: %d packets of %d", what, len(got), len(want))
		return
	}
	extra := len(got) - len(want) // silence at the end
	for i, w := range want {
		g := got[i]
		off := g.at - w.at - shift
		if hidden := w.at+shift < 0 || !w.shown; g.hash != w.hash || !hidden && off.Abs() > 2*time.Millisecond || hidden && g.at > 100*time.Millisecond {
			t.Errorf("%s: packet %d of %d is at %v and %s, want at %v %s (%d more)", what, i, len(want), g.at, g.hash, w.at, w.hash, extra)
			return
		}
	}
	if what != "opus" && extra != 0 {
		t.Errorf("%s: %d packets more", what, extra)
	}
}
