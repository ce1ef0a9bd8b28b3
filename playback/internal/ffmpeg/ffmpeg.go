// Package ffmpeg runs the machine's ffmpeg as decoders and as an encoder, with
// media in pipes.
//
// # What it is trusted with
//
// The frames of a room are hostile input, and video decoders are large programs
// in C. So each run of one track has a decoder process of its own. (Sounds are
// measured several in one, and each alone again if that one ends early.) It gets that
// track's frames in a Matroska file of ours, which leaves it one demuxer and one
// decoder to choose. It may open nothing but its pipes. Pictures beyond 4096x2304
// are refused before memory is allocated for them. Its environment has no
// variable of ours, and its arguments nothing of the recording. It still runs as
// the user. Whoever does not trust the machine's ffmpeg with what strangers sent
// should export Matroska, for which nothing is decoded.
//
// The encoder gets only decoded pixels and samples, and as text the title, the
// chapters and the chat, cleaned. It alone may write a file: the one given to it.
//
// Every process is waited for. None outlives its context.
package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

var (
	// ErrMissing: PATH has no ffmpeg.
	ErrMissing = errors.New("ffmpeg was not found")
	// ErrLacks: this ffmpeg was built without something that is needed.
	ErrLacks = errors.New("this ffmpeg lacks")
)

// A Program is an ffmpeg whose abilities are known.
type Program struct {
	path     string
	changed  time.Time // when its file was, and its size
	size     int64
	encoders map[string]bool
	decoders map[string]bool
	video    encoder
	audio    encoder // of AAC
	ogg      encoder // of Opus
}

// An encoder is one of ffmpeg's encoders, with its arguments.
type encoder struct {
	name string
	args []string

	// These are for hardware.
	before []string // arguments before the inputs
	device string   // the option that takes a device's file
	filter string   // what brings pictures to the device
	format string   // of the pictures that it takes; "" means yuv420p
}

// videoEncoders and audioEncoders are tried in this order.
var (
	videoEncoders = []encoder{
		// ultrafast, with what makes files small for little time: CABAC, deblocking, and
		// five pictures of looking ahead for the quality of each block. It takes a third
		// of the time of veryfast, for files a third larger. superfast takes longer, and
		// looks ahead at nothing: its files have three times the size where there is noise.
		// Motion to parts of a pixel, and a look ahead at fades, cost more than they are
		// worth here.
		{name: "libx264", args: []string{"-preset", "ultrafast", "-crf", "23", "-x264-params",
			"cabac=1:deblock=1,0,0:mbtree=1:rc-lookahead=5:aq-mode=1:weightp=0:scenecut=40:subme=0"}},
		{name: "libopenh264", args: []string{"-b:v", "2500k"}},
		{name: "h264_videotoolbox", args: []string{"-b:v", "2500k"}},
		{name: "h264_mf", args: []string{"-b:v", "2500k"}},
	}
	audioEncoders = []encoder{
		{name: "aac", args: []string{"-b:a", "128k"}},
		{name: "libfdk_aac", args: []string{"-b:a", "128k"}},
		{name: "aac_at", args: []string{"-b:a", "128k"}},
	}
	decoders = map[media.Codec][]string{
		media.Opus: {"libopus", "opus"},
		media.VP8:  {"vp8", "libvpx"},
		media.VP9:  {"vp9", "libvpx-vp9"},
		media.H264: {"h264"},
		media.H265: {"hevc"},
		media.AV1:  {"libdav1d", "libaom-av1"}, // the decoder named av1 needs hardware
	}
)

// Find looks for ffmpeg in PATH and finds out what it can do. It asks each file once,
// and again when its time or size is another: to start it takes a while. If it cannot be
// used, the error wraps ErrMissing or ErrLacks.
func Find(ctx context.Context) (*Program, error) {
	p, err := look(ctx)
	if err != nil {
		return nil, err
	}
	var ok bool
	if p.video, ok = first(p.encoders, videoEncoders); !ok {
		return nil, fmt.Errorf("%w an encoder for H.264, such as libx264", ErrLacks)
	}
	if p.audio, ok = first(p.encoders, audioEncoders); !ok {
		return nil, fmt.Errorf("%w an encoder for AAC", ErrLacks)
	}
	return p, nil
}

// Is reports whether PATH has an ffmpeg.
func Is() bool {
	_, err := exec.LookPath("ffmpeg")
	return err == nil
}

// look returns the program with the names of what it can do.
func look(ctx context.Context) (*Program, error) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	p := &Program{path: path, changed: fi.ModTime(), size: fi.Size()}
	if p.encoders, err = p.list(ctx, "-encoders"); err != nil {
		return nil, err
	}
	p.decoders, err = p.list(ctx, "-decoders")
	return p, err
}

func first(have map[string]bool, wanted []encoder) (encoder, bool) {
	for _, e := range wanted {
		if have[e.name] {
			return e, true
		}
	}
	return encoder{}, false
}

// Decodes returns an error that wraps ErrLacks if there is no decoder for a codec.
func (p *Program) Decodes(c media.Codec) error {
	if p.decoder(c) == "" {
		return fmt.Errorf("%w a decoder for %s", ErrLacks, c)
	}
	return nil
}

func (p *Program) decoder(c media.Codec) string {
	for _, name := range decoders[c] {
		if p.decoders[name] {
			return name
		}
	}
	return ""
}

// variableRate returns the option that lets pictures have times of their own. Its name
// changed with FFmpeg 5.1; later ones do without the older name.
func (p *Program) variableRate(ctx context.Context) ([]string, error) {
	help, err := p.ask(ctx, "help", "-h", "long")
	if err != nil {
		return nil, err
	}
	if strings.Contains(help, "-fps_mode") {
		return []string{"-fps_mode", "vfr"}, nil
	}
	return []string{"-vsync", "vfr"}, nil
}

// A question is arguments with which a program tells about itself.
type question struct {
	path, args string
	changed    time.Time
	size       int64
}

// answers has a string for each question that was answered. To start an ffmpeg takes a
// tenth of a second, and each export has three questions.
var answers sync.Map

// ask returns what the program writes with arguments. It asks each file once.
func (p *Program) ask(ctx context.Context, what string, args ...string) (string, error) {
	q := question{p.path, strings.Join(args, " "), p.changed, p.size}
	if known, ok := answers.Load(q); ok {
		return known.(string), nil
	}
	var out bytes.Buffer
	c, err := start(ctx, p.path, append([]string{"-hide_banner", "-v", "error"}, args...), nil, &out)
	if err == nil {
		err = c.wait()
	}
	if err != nil {
		return "", fmt.Errorf("asking ffmpeg for its %s: %w", what, err)
	}
	answers.Store(q, out.String())
	return out.String(), nil
}

// list returns the names in one of ffmpeg's lists: lines of flags, a name and a
// description, below a line of dashes.
func (p *Program) list(ctx context.Context, what string) (map[string]bool, error) {
	out, err := p.ask(ctx, what[1:], what)
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	below := false
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 1 && strings.Trim(fields[0], "-") == "":
			below = true
		case below && len(fields) >= 2:
			names[fields[1]] = true
		}
	}
	return names, nil
}
