package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// oggEncoders are tried in this order. FFmpeg's own encoder of Opus is not ready.
var oggEncoders = []encoder{{name: "libopus", args: []string{"-b:a", "96k", "-application", "audio"}}}

// FindSound is Find for what needs no encoder of pictures.
func FindSound(ctx context.Context) (*Program, error) {
	p, err := look(ctx)
	if err != nil {
		return nil, err
	}
	p.audio, _ = first(p.encoders, audioEncoders)
	p.ogg, _ = first(p.encoders, oggEncoders)
	return p, nil
}

// EncodeM4A starts an encoder of sound that writes the MP4 file path and replaces
// what is there. Its Video is nil. See Encode.
func (p *Program) EncodeM4A(ctx context.Context, path string, n Notes) (*Encoder, error) {
	if p.audio.name == "" {
		return nil, fmt.Errorf("%w an encoder for AAC", ErrLacks)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	n.Subtitles = nil // no player shows text of a sound
	return p.encodeSound(ctx, p.audio, n, path, nil, "-movflags", "+faststart", "-f", "ipod", "file:"+path)
}

// StreamM4A starts an encoder of sound that writes MP4 in fragments to out, which
// need not be a file. It has no chapters. Its Video is nil.
func (p *Program) StreamM4A(ctx context.Context, out io.Writer, n Notes) (*Encoder, error) {
	if p.audio.name == "" {
		return nil, fmt.Errorf("%w an encoder for AAC", ErrLacks)
	}
	n.Subtitles, n.Chapters = nil, nil // a fragment cannot have what comes after it
	return p.encodeSound(ctx, p.audio, n, "", out, "-frag_duration", "5000000",
		"-movflags", "+delay_moov+default_base_moof", "-f", "mp4", "pipe:1")
}

// EncodeOgg starts an encoder of sound that writes an Ogg file of Opus to out. Its
// Video is nil.
func (p *Program) EncodeOgg(ctx context.Context, out io.Writer, n Notes) (*Encoder, error) {
	if p.ogg.name == "" {
		return nil, fmt.Errorf("%w an encoder for Opus, libopus", ErrLacks)
	}
	n.Subtitles = nil
	// FFmpeg rounds the seconds of a chapter in Ogg, and adds its milliseconds.
	n.Chapters = slices.Clone(n.Chapters)
	for i := range n.Chapters {
		n.Chapters[i].At = n.Chapters[i].At.Truncate(time.Second)
	}
	return p.encodeSound(ctx, p.ogg, n, "", out, "-f", "ogg", "pipe:1")
}

func (p *Program) encodeSound(ctx context.Context, codec encoder, n Notes, path string, out io.Writer, to ...string) (_ *Encoder, err error) {
	if runtime.GOOS == "windows" {
		return nil, errors.New("mixed sound needs pipes that this system does not hand to other programs")
	}
	audioRead, audioWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	texts, inputs, outputs, err := n.inputs(1, 3, codec.name != p.ogg.name)
	if err != nil {
		return nil, errors.Join(err, audioRead.Close(), audioWrite.Close())
	}
	args := []string{"-nostdin", "-hide_banner", "-nostats", "-v", "error", "-xerror", "-y",
		"-protocol_whitelist", "pipe,fd", "-f", "s16le", "-ar", strconv.Itoa(48000), "-ac", "2", "-i", "pipe:0"}
	args = append(args, inputs...)
	args = append(args, "-map", "0:a")
	args = append(args, outputs...)
	args = append(args, "-c:a", codec.name)
	args = append(args, codec.args...)
	args = append(args, to...)

	var extra []*os.File
	for _, t := range texts {
		extra = append(extra, t.read)
	}
	c, err := start(ctx, p.path, args, audioRead, out, extra...)
	if err != nil {
		for _, t := range texts {
			err = errors.Join(err, t.write.Close())
		}
		return nil, errors.Join(err, audioWrite.Close())
	}
	e := &Encoder{Audio: audioWrite, child: c, path: path}
	e.send(texts)
	return e, nil
}
