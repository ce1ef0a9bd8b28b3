package ffmpeg

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"os"
)

// A box is a box of an MP4 file (ISO/IEC 14496-12, section 4.2).
type box struct {
	kind     string
	from, to int64 // its content
}

// boxes yields the boxes between two offsets. It ends with the first that is none.
func boxes(f io.ReaderAt, from, to int64) iter.Seq[box] {
	return func(yield func(box) bool) {
		for from < to {
			var head [16]byte
			if n, _ := f.ReadAt(head[:], from); n < 8 {
				return
			}
			size, content := int64(binary.BigEndian.Uint32(head[:4])), int64(8)
			if size == 1 {
				size, content = int64(binary.BigEndian.Uint64(head[8:])), 16
			}
			if size < content || size > to-from || !yield(box{string(head[4:8]), from + content, from + size}) {
				return
			}
			from += size
		}
	}
}

// find returns the first box of a path of kinds.
func find(f io.ReaderAt, from, to int64, path ...string) (box, bool) {
	for b := range boxes(f, from, to) {
		if b.kind != path[0] {
			continue
		}
		if len(path) == 1 {
			return b, true
		}
		return find(f, b.from, b.to, path[1:]...)
	}
	return box{}, false
}

// hideSubtitles makes the subtitles of an MP4 file be off by default. FFmpeg
// enables them, whatever their disposition is, since there is no other track of
// their kind.
func hideSubtitles(path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	moov, _ := find(f, 0, info.Size(), "moov")
	for trak := range boxes(f, moov.from, moov.to) {
		if trak.kind != "trak" {
			continue
		}
		handler, ok := find(f, trak.from, trak.to, "mdia", "hdlr")
		header, there := find(f, trak.from, trak.to, "tkhd")
		var kind [4]byte
		if !ok || !there || handler.to-handler.from < 12 || header.to-header.from < 4 {
			continue
		}
		// A version, flags of three bytes and four others stand before the kind.
		if _, err := f.ReadAt(kind[:], handler.from+8); err != nil {
			return err
		}
		if string(kind[:]) != "sbtl" {
			continue
		}
		var flags [1]byte // the last of three
		if _, err := f.ReadAt(flags[:], header.from+3); err != nil {
			return err
		}
		flags[0] &^= 1 // enabled
		if _, err := f.WriteAt(flags[:], header.from+3); err != nil {
			return err
		}
	}
	return nil
}
