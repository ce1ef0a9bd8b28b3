package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/child"
	"github.com/sealtape/sealtape/recorder/media"
)

var (
	// ErrUnreadable: ffmpeg cannot read a file, because it is cut, damaged, or not
	// what it seems.
	ErrUnreadable = errors.New("ffmpeg cannot read it")
	// ErrNoIndex is such an error of an MP4 file whose index, the moov box, was never
	// written: its program died, or still records.
	ErrNoIndex = errors.New("its index (moov) is missing, so it was never finished")
	// ErrNothing: a file has neither sound nor pictures that can be imported.
	ErrNothing = errors.New("it has no sound and no pictures that can be imported")
	// ErrChanged: a file is no longer what it was.
	ErrChanged = errors.New("it has changed while it was read")
)

const (
	// maxStreams is the most streams of a file that are looked at.
	maxStreams = 64
	// maxProbe is the most bytes that ffprobe may say of a file.
	maxProbe = 8 << 20
)

// A File is a source file, as Look found it.
type File struct {
	Path string
	// Name is that of the file, without folders: what the recording tells.
	Name     string
	Kind     Kind
	Size     int64
	Modified time.Time
	// Info tells the file from another one at its path. Nil: nothing does.
	Info fs.FileInfo
	// Created is when the file says that it was begun. Zero: it does not say.
	Created time.Time
	// Title is what the file says that it is called.
	Title string
	// Length is how long it says that it lasts. 0: it does not say.
	Length time.Duration
	// Streams are those that are imported, in the order of the file.
	Streams []Stream
	// LeftOut says what else is in the file, a phrase each.
	LeftOut []string

	said string // what ffmpeg complained of while it read
}

// A Stream is sound or pictures in a file.
type Stream struct {
	// Index is the stream's number in the file, Name what ffmpeg calls its encoding.
	Index int
	Name  string
	// Codec is what it has in the recording. It is Opus for all sound. Sound that is
	// not Opus in the file is encoded to it. For speech in AAC of 128 kbit/s the loss is
	// 32 dB below the sound, and 21 dB below what AAC lost before.
	Codec    media.Codec
	Channels int
	Title    string
	// Turned is by how many degrees players turn the pictures clockwise: 0, 90, 180, 270.
	Turned int
}

// Copied reports whether the packets are kept as they are.
func (s Stream) Copied() bool { return !s.Codec.Audio() || s.opus() }

// opus reports whether it is Opus that can be kept: more than two channels cannot.
func (s Stream) opus() bool { return s.Name == "opus" && s.Channels <= media.MaxChannels }

// codecs are the pictures that are copied, by ffmpeg's names.
var codecs = map[string]media.Codec{"h264": media.H264, "hevc": media.H265, "vp8": media.VP8, "vp9": media.VP9, "av1": media.AV1}

// sounds are what is encoded to Opus, by ffmpeg's names.
var sounds = map[string]bool{"opus": true, "aac": true, "mp3": true, "vorbis": true, "flac": true, "alac": true, "ac3": true, "eac3": true, "mp2": true}

// Look finds out what is in a file. It reads no more than its beginning and its index.
// The errors wrap ErrKind, ErrUnreadable or ErrNothing.
func (p *Program) Look(ctx context.Context, path string) (*File, error) {
	kind, info, err := KindOfFile(path)
	if err != nil {
		return nil, err
	}
	f := &File{Path: path, Name: filepath.Base(path), Kind: kind, Size: info.Size(), Modified: info.ModTime(), Info: info}
	args, in, err := f.input()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var out bytes.Buffer
	var said child.Said
	limit := &limited{w: &out, left: maxProbe}
	err = command(ctx, p.ffprobe, append(args, "-of", "json", "-show_format", "-show_streams", "-show_chapters"), in, limit, &said).Run()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limit.left < 0:
		return nil, fmt.Errorf("%w: it has more than %d MiB of tags and chapters", ErrUnreadable, maxProbe>>20)
	case err != nil && strings.Contains(complaint(&said), "moov atom not found"):
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, ErrNoIndex)
	case err != nil:
		return nil, fmt.Errorf("%w: %s", ErrUnreadable, complaint(&said))
	}
	return f, f.probed(out.Bytes())
}

// A limited fails when more is written to it than it has room for.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= len(b); l.left < 0 {
		return 0, errors.New("too long")
	}
	return l.w.Write(b)
}

// probe is what ffprobe says of a file, as far as it matters. All of it is text.
type probe struct {
	Format struct {
		Duration string            `json:"duration"`
		Start    string            `json:"start_time"`
		Tags     map[string]string `json:"tags"`
	} `json:"format"`
	Chapters []struct{} `json:"chapters"`
	Streams  []struct {
		Index       int               `json:"index"`
		Kind        string            `json:"codec_type"`
		Codec       string            `json:"codec_name"`
		Width       int               `json:"width"`
		Height      int               `json:"height"`
		Channels    int               `json:"channels"`
		Disposition map[string]int    `json:"disposition"`
		Tags        map[string]string `json:"tags"`
		Side        []struct {
			Rotation json.Number `json:"rotation"`
		} `json:"side_data_list"`
	} `json:"streams"`
}

// probed takes what ffprobe said.
func (f *File) probed(b []byte) error {
	var p probe
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("%w: what ffprobe says of it makes no sense: %w", ErrUnreadable, err)
	}
	f.Title = media.Plain(tag(p.Format.Tags, "title"), media.MaxTitle)
	if s, err := strconv.ParseFloat(p.Format.Duration, 64); err == nil && s > 0 {
		// Of these it counts from zero, where the file need not begin.
		if start, err := strconv.ParseFloat(p.Format.Start, 64); err == nil && start > 1 && start < s && (f.Kind == MP4 || f.Kind == Matroska) {
			s -= start
		}
		if s < 1e6 {
			f.Length = time.Duration(s * float64(time.Second))
		}
	}
	// Telephones and QuickTime know the zone; the plain tag of MP4 is UTC.
	for _, name := range []string{"com.apple.quicktime.creationdate", "creation_time", "date"} {
		if at, ok := date(tag(p.Format.Tags, name)); ok {
			f.Created = at
			break
		}
	}
	switch n := len(p.Chapters); n {
	case 0:
	case 1:
		f.LeftOut = append(f.LeftOut, "the name of its chapter")
	default:
		f.LeftOut = append(f.LeftOut, fmt.Sprintf("the names of its %d chapters", n))
	}
	for n, s := range p.Streams {
		out := func(why string) { f.LeftOut = append(f.LeftOut, fmt.Sprintf("stream %d: %s", s.Index, why)) }
		stream := Stream{Index: s.Index, Name: s.Codec, Channels: s.Channels, Title: media.Plain(title(s.Tags), media.MaxTitle)}
		codec, pictures := codecs[s.Codec]
		switch {
		case n == maxStreams:
			f.LeftOut = append(f.LeftOut, fmt.Sprintf("streams: it has %d, and the first %d are looked at", len(p.Streams), maxStreams))
			continue
		case n > maxStreams:
			continue
		case s.Kind == "video" && (s.Disposition["attached_pic"] == 1 || s.Disposition["still_image"] == 1):
			out("a picture that stands still, such as a cover")
		case s.Kind == "video" && pictures && s.Width > 0 && s.Height > 0 && max(s.Width, s.Height) <= media.MaxSide:
			stream.Codec = codec
			for _, side := range s.Side {
				if turned, err := side.Rotation.Float64(); err == nil && side.Rotation != "" {
					stream.Turned = turn(turned)
				}
			}
			f.Streams = append(f.Streams, stream)
		case s.Kind == "audio" && s.Channels > 0 && (sounds[s.Codec] || strings.HasPrefix(s.Codec, "pcm_")):
			stream.Codec = media.Opus
			f.Streams = append(f.Streams, stream)
		case s.Kind == "video" || s.Kind == "audio":
			out(fmt.Sprintf("%s in the codec %s", s.Kind, media.Plain(s.Codec, 20)))
		default:
			out(media.Plain(s.Kind, 20))
		}
	}
	if len(f.Streams) == 0 {
		return ErrNothing
	}
	return nil
}

// turn returns the clockwise quarter turns of a display matrix's angle, which ffprobe
// gives counterclockwise.
func turn(counterclockwise float64) int {
	return ((int(math.Round(-counterclockwise/90))%4 + 4) % 4) * 90
}

// title returns what a stream is called. Programs that have no name for it write their
// own.
func title(tags map[string]string) string {
	if t := tag(tags, "title"); t != "" {
		return t
	}
	switch name := tag(tags, "handler_name"); name {
	case "VideoHandler", "SoundHandler", "Core Media Video", "Core Media Audio", "ISO Media file produced by Google Inc.":
		return ""
	default:
		return name
	}
}

// tag returns a tag's value. Its name counts in any case.
func tag(tags map[string]string, name string) string {
	for k, v := range tags {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
}

// date reads a date with a time and a zone.
func date(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05-0700"} {
		// Files that were never given a date have the beginning of their calendar.
		if at, err := time.Parse(layout, s); err == nil && at.Year() >= 1990 && at.Year() < 2200 {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}
