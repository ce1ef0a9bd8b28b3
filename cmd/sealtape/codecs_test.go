//go:build unix

package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestCodecs records every codec as a real server passes it on, those that can
// be encrypted end to end in one room and the others in another at the same
// time, and has ffmpeg decode the exports.
func TestCodecs(t *testing.T) {
	l := newLab(t)
	home, _ := l.person("Recorder")
	store := filepath.Join(l.dir, "store")
	rooms := []struct {
		name, passphrase string
		codecs           []string
		rec              *recorderProcess
		args             []string
	}{
		{name: "sealed", passphrase: labPassphrase, codecs: []string{"vp8", "h264", "h265"}},
		{name: "open", codecs: []string{"vp9", "av1", "h264"}, args: []string{"--no-e2ee"}},
	}
	for i := range rooms {
		r := &rooms[i]
		for _, codec := range r.codecs {
			c := members.Config{Room: l.room(r.name), Identity: codec, Name: codec, Passphrase: r.passphrase, VideoCodec: codec}
			if codec == "h264" {
				c.Audio = media.Speech(0)
			}
			l.join(c)
		}
		r.rec = l.record(home, append([]string{"--room", l.room(r.name), "--store", store, "--reader", "Recorder", "--segment", "1s"}, r.args...)...)
	}
	for _, r := range rooms {
		l.segments(home, store, r.rec.id, 3)
		// Of VP9 without a description of its layers livekit-server 1.11 passes on the
		// first key frame without its first packet.
		want := r.rec.accounts(r.rec.stop(syscall.SIGTERM), home, store)
		whole := filepath.Join(l.dir, r.name+".mkv")
		dir := filepath.Join(l.dir, r.name)
		for _, args := range [][]string{{"-o", whole}, {"-o", dir, "--format", "tracks"}} {
			if out, errs, code := l.run(home, nil, append([]string{"export", r.rec.id, "--store", store}, args...)...); code != want {
				t.Fatalf("export %s: exit code %d, want %d\n%s%s", args, code, want, out, errs)
			}
		}
		decodes(t, whole)
		for _, codec := range r.codecs {
			ext := ".webm"
			if strings.HasPrefix(codec, "h26") {
				ext = ".mkv"
			}
			file := filepath.Join(dir, codec+"-camera"+ext)
			decodes(t, file)
			s := countFrames(t, file)
			if want := strings.Replace(codec, "h265", "hevc", 1); s.Codec != want || s.Width != 320 || s.Height != 180 {
				t.Errorf("%s is %s of %dx%d", filepath.Base(file), s.Codec, s.Width, s.Height)
			}
			// Four segments of 1 s at 20 frames a second, less the beginning.
			if s.Packets < 20 || s.Frames != s.Packets {
				t.Errorf("%s has %d frames, of which %d are decoded", filepath.Base(file), s.Packets, s.Frames)
			}
		}
	}
}

// A decodedStream is a file's picture as ffprobe decodes it.
type decodedStream struct {
	Codec         string `json:"codec_name"`
	Width, Height int
	Frames        int `json:"nb_read_frames,string"`
	Packets       int `json:"nb_read_packets,string"`
}

func countFrames(t *testing.T, file string) decodedStream {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-select_streams", "v:0", "-count_frames", "-count_packets",
		"-show_entries", "stream=codec_name,width,height,nb_read_frames,nb_read_packets", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	var p struct{ Streams []decodedStream }
	if err := json.Unmarshal(out, &p); err != nil || len(p.Streams) != 1 {
		t.Fatalf("ffprobe %s: %v\n%s", file, err, out)
	}
	return p.Streams[0]
}
