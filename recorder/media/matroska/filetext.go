package matroska

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// textUID is the TrackUID of the subtitles, "sealtext" in ASCII. If another
	// track has it, the next free number is used.
	textUID = 0x7365616C74657874
	// maxCue is the most bytes of one subtitle.
	maxCue = 4 << 10
	// maxTexts is the most tracks of subtitles.
	maxTexts = 8
	// chapterRoom is how many bytes are reserved for chapters that are not known
	// at the beginning.
	chapterRoom = 4 << 10
)

// fileTracks returns the Tracks of a file: the media tracks and the subtitles.
func fileTracks(h FileHeader) []byte {
	entries := trackEntries(h.Tracks, true)
	uid := uint64(textUID)
	for i, name := range h.Texts {
		for slices.ContainsFunc(h.Tracks, func(t media.Track) bool { return t.UID == uid }) {
			uid++
		}
		entries = append(entries, plainTrack(uint64(len(h.Tracks)+1+i), uid, typeSubtitle, name, codecText))
		uid++
	}
	return element(idTracks, entries...)
}

// chaptersElement returns Chapters, with one edition. A chapter lasts until the
// next begins.
func chaptersElement(chapters []Chapter) []byte {
	edition := [][]byte{uintElement(idEditionUID, 1)}
	for i, c := range chapters {
		edition = append(edition, element(idChapterAtom,
			uintElement(idChapterUID, uint64(i+1)),
			uintElement(idChapterTimeStart, uint64(max(0, c.Start))),
			element(idChapterDisplay,
				stringElement(idChapString, media.Clamp(c.Title, media.MaxName)),
				stringElement(idChapLanguage, "und"))))
	}
	return element(idChapters, element(idEditionEntry, edition...))
}

// SetChapters replaces the chapters of the header. It may be called until Close. The
// new chapters must fit into the bytes that are reserved: those of the header's
// chapters, and 4 KiB more. If they do not fit, or the header had no chapters,
// SetChapters changes nothing and returns false.
func (f *FileWriter) SetChapters(chapters []Chapter) bool {
	if len(f.h.Chapters) == 0 || len(chapters) == 0 || len(chaptersElement(chapters)) > f.room-minVoid {
		return false
	}
	f.h.Chapters = chapters
	return true
}

// minVoid is the length of a Void that has a size of eight bytes.
const minVoid = 9

// chaptersElement returns Chapters, and a Void that fills the rest of the reserved
// bytes.
func (f *FileWriter) chaptersElement() []byte {
	b := chaptersElement(f.h.Chapters)
	return appendVoid(b, int64(f.room-len(b)))
}

// WriteText writes a subtitle of a track, by its place in FileHeader.Texts, that is
// shown from the time at on. The text is as in a
// SubRip file: players read what is in angle brackets and braces as formatting.
// Subtitles and frames come in one order of time. After an error that wraps ErrFrame
// the subtitle is left out, and the FileWriter stays usable.
func (f *FileWriter) WriteText(track int, at, lasts time.Duration, text string) error {
	switch {
	case track < 0 || track >= len(f.h.Texts):
		return fmt.Errorf("%w: the file has no subtitles", ErrFrame)
	case at < 0 || lasts <= 0 || text == "" || len(text) > maxCue:
		return fmt.Errorf("%w: subtitle of %d bytes at %v, for %v", ErrFrame, len(text), at, lasts)
	case f.err != nil:
		return f.err
	}
	rel, err := f.place(ticks(at, f.tick), false)
	if err != nil {
		return err
	}
	var block []byte
	block = appendSizeWidth(block, f.text+uint64(track), 2)
	block = binary.BigEndian.AppendUint16(block, uint16(rel))
	block = append(append(block, 0), text...)
	f.blocks = append(f.blocks, element(idBlockGroup,
		element(idBlock, block),
		uintElement(idBlockDuration, uint64(ticks(lasts, f.tick))))...)
	return nil
}
