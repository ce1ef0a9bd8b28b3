package playback

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/sample"
)

// A seenFile is what a player sees of a file.
type seenFile struct {
	Streams []struct {
		CodecName   string `json:"codec_name"`
		CodecType   string `json:"codec_type"`
		Disposition map[string]int
		Tags        map[string]string
	}
	Chapters []struct {
		StartTime string `json:"start_time"`
		Tags      map[string]string
	}
	Format struct {
		FormatName string `json:"format_name"`
		Duration   string
		Tags       map[string]string
	}
}

func playerSees(t testing.TB, path string) (f seenFile) {
	t.Helper()
	// FFmpeg warns of the text in which MP4 has its chapters.
	if err := json.Unmarshal(run(t, "ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_chapters", "-show_format", path), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// kinds returns the kinds of streams, without the text of chapters.
func (f seenFile) kinds() string {
	var kinds []string
	for _, s := range f.Streams {
		if s.CodecType != "data" {
			kinds = append(kinds, s.CodecType)
		}
	}
	return strings.Join(kinds, " ")
}

// tag returns a tag of the file, or of its first stream, where Ogg has it.
func (f seenFile) tag(name string) string {
	tags := f.Streams[0].Tags
	return cmp.Or(f.Format.Tags[name], tags[name], tags[strings.ToUpper(name)])
}

func (f seenFile) chapters() (all []string) {
	for _, c := range f.Chapters {
		all = append(all, c.StartTime+" "+c.Tags["title"])
	}
	return all
}

// heardAt returns when beeps begin in a file's sound.
func heardAt(t testing.TB, path string) []time.Duration {
	t.Helper()
	pcm := run(t, "ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-ac", "1", "-ar", "48000", "-")
	var f film
	for i := 0; i+4 <= len(pcm); i += 4 {
		f.sound = append(f.sound, float64(math.Float32frombits(binary.LittleEndian.Uint32(pcm[i:]))))
	}
	return f.loud()
}

// ffmpegSays runs ffmpeg and returns what it says.
func ffmpegSays(t testing.TB, args ...string) []byte {
	t.Helper()
	sample.Live(t)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", slices.Concat([]string{"-hide_banner"}, args)...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %q: %v\n%s", args, err, &out)
	}
	return out.Bytes()
}
