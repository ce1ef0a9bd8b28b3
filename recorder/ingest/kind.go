package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// A Kind is a file format, by ffmpeg's name for what reads it.
type Kind string

const (
	MP4      Kind = "mov"      // MP4, MOV, M4A
	Matroska Kind = "matroska" // and WebM
	Ogg      Kind = "ogg"
	WAV      Kind = "wav"
	FLAC     Kind = "flac"
	MP3      Kind = "mp3"
)

// ErrKind reports that a file has none of the formats that can be imported.
var ErrKind = errors.New("no recording in a format that can be imported")

// KindOf returns the format that the first bytes of a file show. Its name counts for
// nothing, and ffmpeg is not asked: it knows formats that open other files.
func KindOf(head []byte) (Kind, error) {
	at := func(n int, s string) bool { return len(head) >= n+len(s) && string(head[n:n+len(s)]) == s }
	switch {
	case at(4, "ftyp"), at(4, "moov"), at(4, "mdat"), at(4, "wide"), at(4, "free") || at(4, "skip"), at(4, "pnot"):
		return MP4, nil
	case at(0, "\x1a\x45\xdf\xa3"):
		return Matroska, nil
	case at(0, "OggS"):
		return Ogg, nil
	case at(0, "RIFF") && at(8, "WAVE"), at(0, "RF64") && at(8, "WAVE"):
		return WAV, nil
	case at(0, "fLaC"):
		return FLAC, nil
	case at(0, "ID3"), len(head) >= 4 && head[0] == 0xff && head[1]&0xe6 == 0xe2 && head[2]>>4 != 0xf && head[2]>>4 != 0:
		return MP3, nil // an ID3 tag, or the sync word of layer III
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return "", fmt.Errorf("%w: it is empty", ErrKind)
	}
	return "", ErrKind
}

// KindOfFile returns the format of a regular file, and which file that is. The error wraps
// ErrKind if it has none that can be imported.
func KindOfFile(path string) (Kind, fs.FileInfo, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", nil, err
	}
	kind, err := KindOf(head[:n])
	return kind, info, err
}
