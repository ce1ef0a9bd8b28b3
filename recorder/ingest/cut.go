package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxBoxes is the most boxes that are looked at: a fragmented MP4 has two for each of its
// fragments, which last a second or more.
const maxBoxes = 1 << 20

// cutShort returns what shows that a file lacks its end, or has something behind it, of
// which ffmpeg does not complain. "" is nothing: also where the format does not tell.
func (f *File) cutShort() (string, error) {
	in, err := f.open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	var said string
	switch f.Kind {
	case MP4:
		said, err = boxesEnd(in, f.Size)
	case WAV:
		said, err = waveEnds(in, f.Size)
	case Ogg:
		said, err = oggEnds(in, f.Size)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends in the middle", nil
	}
	return said, err
}

// boxesEnd looks at the sizes of the boxes that an MP4 file is made of (ISO/IEC 14496-12,
// 4.2): the last one ends with the file.
func boxesEnd(in io.ReaderAt, size int64) (string, error) {
	var b [16]byte
	at := int64(0)
	for n := 0; at < size; n++ {
		if n == maxBoxes {
			return "it has too many parts to see whether it is whole", nil
		}
		if _, err := in.ReadAt(b[:8], at); err != nil {
			return "", err
		}
		length, named := int64(binary.BigEndian.Uint32(b[:4])), true
		for _, c := range b[4:8] {
			named = named && c >= ' ' && c != 0x7f
		}
		switch {
		case !named:
			length = -1
		case length == 0: // up to the end
			return "", nil
		case length == 1:
			if _, err := in.ReadAt(b[8:], at+8); err != nil {
				return "", err
			}
			length = int64(binary.BigEndian.Uint64(b[8:]))
		}
		if length < 8 {
			return fmt.Sprintf("%d bytes at its end are no part of it", size-at), nil
		}
		if length > size-at {
			return fmt.Sprintf("it ends in the middle: its last part lacks %d bytes", length-(size-at)), nil
		}
		at += length
	}
	return "", nil
}

// waveEnds looks at the size of the sound in a WAV file. Programs that write into a pipe
// leave it open.
func waveEnds(in io.ReaderAt, size int64) (string, error) {
	var b [8]byte
	for at, n := int64(12), 0; n < 1000; n++ {
		if _, err := in.ReadAt(b[:], at); err != nil {
			return "", err
		}
		length := int64(binary.LittleEndian.Uint32(b[4:]))
		if string(b[:4]) == "data" {
			if length != 0 && length < 1<<32-1<<16 && length > size-at-8 {
				return fmt.Sprintf("it ends in the middle: its sound lacks %d bytes", length-(size-at-8)), nil
			}
			return "", nil
		}
		at += 8 + length + length%2
	}
	return "", nil
}

// oggEnds looks for the mark of the last page of a stream (RFC 3533, 6), and that it ends
// with the file.
func oggEnds(in io.ReaderAt, size int64) (string, error) {
	const largest = 27 + 255 + 255*255
	tail := make([]byte, min(size, 2*largest))
	if _, err := in.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	for end := len(tail); end > 0; {
		at := bytes.LastIndex(tail[:end], []byte("OggS\x00"))
		if at < 0 {
			break
		}
		page := tail[at:]
		if end = at; len(page) < 27 || len(page) < 27+int(page[26]) {
			continue
		}
		length := 27 + int(page[26])
		for _, n := range page[27:length] {
			length += int(n)
		}
		if length == len(page) && page[5]&4 != 0 {
			return "", nil
		}
	}
	return "it lacks its end", nil
}

// Of the end of a file at least so much must be missing to be told: what the last picture
// lasts, nobody knows.
const (
	missingTime = 10 * time.Second
	missingPart = 20 // a twentieth
)

// doubts returns what shows that not all of a file was read, a line for each file.
func (w *writer) doubts() (all []string, err error) {
	n := 0
	for i := range w.m.Parts {
		p := &w.m.Parts[i]
		f := p.File
		var said []string
		if f.said != "" {
			said = append(said, f.said)
		}
		cut, err := f.cutShort()
		if err != nil {
			return nil, &FileError{f.Name, err}
		}
		if cut != "" {
			said = append(said, cut)
		}
		var end time.Duration
		for j, s := range f.Streams {
			if w.sums[p.uids[j]] == nil {
				said = append(said, fmt.Sprintf("stream %d has nothing in it", s.Index))
			}
			end = max(end, w.last[n+j]-p.Offset)
		}
		n += len(f.Streams)
		// MP3 files often do not say how long they are, and ffmpeg guesses.
		if lacks := f.Length - end; f.Kind != MP3 && len(f.LeftOut) == 0 && lacks > missingTime && lacks > f.Length/missingPart {
			said = append(said, fmt.Sprintf("it says that it lasts %v, and the last in it is from %v", f.Length.Round(time.Second), end.Round(time.Second)))
		}
		if len(said) > 0 {
			all = append(all, f.Name+": "+strings.Join(said, "; "))
		}
	}
	return all, nil
}
