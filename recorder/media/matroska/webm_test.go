package matroska_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// TestWebM puts FFmpeg's sound and picture through initialization segments and
// clusters, in pieces, at an hour of the clock; FFmpeg reads every frame at its
// time, and warns of nothing.
func TestWebM(t *testing.T) {
	h, all, _ := read(t, bytes.NewReader(source(t, "file.mkv")))
	if len(h.Tracks) != 2 {
		t.Fatalf("the file has %d tracks", len(h.Tracks))
	}
	for _, track := range h.Tracks {
		init, err := matroska.WebMInit(track)
		if err != nil {
			t.Fatal(err)
		}
		var frames []media.Frame
		for _, f := range all {
			if f.Track == track.UID {
				f.Time += time.Hour
				f.Duration = 0
				frames = append(frames, f)
			}
		}
		frames[10].Duration = 7 * time.Millisecond
		frames[len(frames)-1].Duration = 40 * time.Millisecond
		b := slices.Clone(init)
		for part := range slices.Chunk(frames, 25) {
			b = matroska.AppendWebMClusters(b, part)
		}
		path := filepath.Join(t.TempDir(), "out.webm")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		p := ffprobe(t, path)
		if p.Format.FormatName != "matroska,webm" || len(p.Streams) != 1 {
			t.Fatalf("%+v", p.Format)
		}
		checkPackets(t, p, []media.Track{track}, frames, time.Millisecond)
		decodes(t, path)

		_, got, _ := read(t, bytes.NewReader(b))
		if len(got) != len(frames) {
			t.Fatalf("%d frames, want %d", len(got), len(frames))
		}
		for i, f := range got {
			want := frames[i]
			want.Time = want.Time.Round(time.Millisecond)
			if track.Codec == media.Opus {
				f.Duration, want.Duration = 0, 0
			}
			if want.Track = f.Track; f.Time != want.Time || f.Duration != want.Duration || f.Key != want.Key || !bytes.Equal(f.Data, want.Data) {
				t.Fatalf("frame %d: %v %v %v, want %v %v %v", i, f.Time, f.Duration, f.Key, want.Time, want.Duration, want.Key)
			}
		}
	}
}

// TestWebMClusters: clusters have known sizes, and blocks offsets that fit,
// however far apart frames are.
func TestWebMClusters(t *testing.T) {
	track := media.Track{UID: 9, Codec: media.VP8, Width: 2, Height: 2}
	init, err := matroska.WebMInit(track)
	if err != nil {
		t.Fatal(err)
	}
	var frames []media.Frame
	for _, s := range []int{0, 1, 9, 10, 11, 40, 41, 100000, 100001, 2000000} {
		frames = append(frames, media.Frame{Time: time.Duration(s) * time.Second, Key: s%2 == 0, Data: []byte{byte(s), 1, 2}})
	}
	b := matroska.AppendWebMClusters(slices.Clone(init), frames)
	_, got, _ := read(t, bytes.NewReader(b))
	if len(got) != len(frames) {
		t.Fatalf("%d frames", len(got))
	}
	for i, f := range got {
		if f.Time != frames[i].Time || f.Key != frames[i].Key || !bytes.Equal(f.Data, frames[i].Data) {
			t.Errorf("frame %d: %+v", i, f)
		}
	}
	// The sizes lead from cluster to cluster to the end.
	clusters := 0
	for rest := b[len(init):]; len(rest) > 0; clusters++ {
		if binary.BigEndian.Uint32(rest) != 0x1F43B675 || rest[4] != 1 {
			t.Fatalf("cluster %d begins with %x", clusters, rest[:12])
		}
		rest = rest[12+binary.BigEndian.Uint64(rest[4:])&(1<<56-1):]
	}
	if clusters != 5 {
		t.Errorf("%d clusters", clusters)
	}
	if got := matroska.AppendWebMClusters(nil, nil); len(got) != 0 {
		t.Errorf("no frames make %x", got)
	}
}

// TestWebMInit: what it says of a track is how to decode it, and no more.
func TestWebMInit(t *testing.T) {
	track := media.Track{UID: 9, Participant: "alice", Name: "Alice", Source: media.Camera, Codec: media.VP8}
	a, err := matroska.WebMInit(track)
	if err != nil {
		t.Fatal(err)
	}
	track.Participant, track.Name, track.Source = "bob", "Bob", media.Screen
	if b, err := matroska.WebMInit(track); err != nil || !bytes.Equal(a, b) || bytes.Contains(bytes.ToLower(b), []byte("bob")) {
		t.Errorf("%v, %q", err, b)
	}
	for _, bad := range []media.Track{{Codec: "theora"}, {Codec: media.AV1}, {Codec: media.Opus, Channels: 6}, {Codec: media.VP9, Width: -1}} {
		if _, err := matroska.WebMInit(bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
