package matroska

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// A FileHeader says what a file for people holds.
type FileHeader struct {
	// Start is the wall time of block time zero.
	Start time.Time
	// Title is what players show. "" means no title.
	Title string
	// Tracks are the tracks in file order, at most media.MaxTracks. Strings longer
	// than the limits of package media are cut.
	Tracks []media.Track
	// WebM makes the document type WebM, and the TimestampScale 1 ms, as the WebM
	// guidelines want it. The caller must use codecs that WebM allows.
	WebM bool
	// Length is the least duration that the file declares. If its frames end
	// later, it declares their end.
	Length time.Duration
	// Chapters are in order of time. Players show them in a menu. See SetChapters.
	Chapters []Chapter
	// Texts are the names of tracks of subtitles that are off by default, at most
	// eight. WebM allows none.
	Texts []string
}

// A Chapter is a place in a file with a title.
type Chapter struct {
	Start time.Duration
	Title string
}

// A FileWriter writes a finished file: clusters of known size, a duration, an
// index of key frames (Cues) and a list of the parts (SeekHead). The file is
// complete after Close. The FileWriter keeps one cluster in memory: at most 2 s, or
// 4 MiB and one frame.
type FileWriter struct {
	w    io.WriteSeeker
	base int64 // where the file begins in w
	h    FileHeader
	n    int64
	err  error

	tick    time.Duration
	data    int64 // where the Segment's data begins, from the file's start
	tracks  map[uint64]writerTrack
	text    uint64                   // track number of the first subtitles
	ends    map[uint64]time.Duration // end of each track, by UID
	last    map[uint64]placed        // last frame of each track, by UID
	largest map[uint64]media.Picture // by UID
	room    int                      // bytes reserved for Chapters
	cluster int64                    // start of the open cluster in ticks, -1 for none
	blocks  []byte                   // its blocks
	cues    []cue
}

// A placed is a frame's time, and its place in the file in ticks.
type placed struct {
	time time.Duration
	tick int64
}

type cue struct {
	at, track, cluster uint64
}

const (
	// seekHeadSize is how many bytes are reserved for the SeekHead, whose content is
	// known only at the end.
	seekHeadSize = 160
	fileSpan     = 2 * time.Second
	fileCluster  = 4 << 20
)

// NewFileWriter writes the file's beginning at the current offset of w.
func NewFileWriter(w io.WriteSeeker, h FileHeader) (*FileWriter, error) {
	if err := checkTracks(h.Tracks); err != nil {
		return nil, err
	}
	base, err := w.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, fmt.Errorf("writing Matroska: %w", err)
	}
	if len(h.Texts) > maxTexts || h.WebM && len(h.Texts) > 0 {
		return nil, errors.New("subtitles in WebM")
	}
	h.Tracks = clampTracks(h.Tracks)
	h.Title = media.Clamp(h.Title, media.MaxName)
	h.Texts = slices.Clone(h.Texts)
	for i, name := range h.Texts {
		h.Texts[i] = media.Clamp(name, media.MaxName)
	}
	f := &FileWriter{
		w: w, base: base, h: h, tick: tick, cluster: -1,
		tracks: trackNumbers(h.Tracks), text: uint64(len(h.Tracks) + 1),
		ends: make(map[uint64]time.Duration),
		last: make(map[uint64]placed), largest: make(map[uint64]media.Picture),
	}
	if h.WebM {
		f.tick = time.Millisecond
	}
	f.room = len(chaptersElement(h.Chapters)) + chapterRoom
	if err := f.write(f.header(0, 0)); err != nil {
		return nil, err
	}
	return f, nil
}

// WriteFrame writes one frame. Frames come in order of time. A frame out of order
// keeps its time, but may play badly. One less than a tick after that before it is moved to
// a tick after it, since decoders take no two at one time; that happens when layers are
// switched, and where a sender's clock stumbles. After an error that wraps ErrFrame the frame is
// left out, and the FileWriter stays usable.
func (f *FileWriter) WriteFrame(frame media.Frame) error { return f.writeFrame(frame, 0) }

// WriteHidden writes one frame that players decode and do not show.
func (f *FileWriter) WriteHidden(frame media.Frame) error { return f.writeFrame(frame, flagInvisible) }

func (f *FileWriter) writeFrame(frame media.Frame, flags byte) error {
	t, err := checkFrame(f.tracks, frame)
	if err != nil {
		return err
	}
	if f.err != nil {
		return f.err
	}
	now := ticks(frame.Shown(), f.tick)
	if frame.Later == 0 {
		if last, ok := f.last[frame.Track]; ok && frame.Time >= last.time {
			now = max(now, last.tick+1)
		}
		f.last[frame.Track] = placed{frame.Time, now}
	}
	if !t.audio && frame.Key {
		f.grow(&f.h.Tracks[t.number-1], frame.Data)
	}
	key := frame.Key || t.audio
	// A key frame of a picture begins a cluster: a player that seeks there then
	// reads nothing that it does not need.
	rel, err := f.place(now, key && !t.audio)
	if err != nil {
		return err
	}
	if key && !t.audio || len(f.cues) == 0 || now-int64(f.cues[len(f.cues)-1].at) > int64(fileSpan/f.tick) {
		f.cues = append(f.cues, cue{uint64(now), t.number, uint64(f.n - f.data)})
	}
	f.blocks = appendBlockHeader(f.blocks, t.number, rel, key, len(frame.Data))
	f.blocks[len(f.blocks)-1] |= flags // the header's last byte
	f.blocks = append(f.blocks, frame.Data...)
	f.ends[frame.Track] = max(f.ends[frame.Track], frame.Shown()+frame.Duration)
	return nil
}

// grow notes the size of the picture in a key frame.
func (f *FileWriter) grow(t *media.Track, frame []byte) {
	p := media.Describe(t.Codec, frame)
	large := f.largest[t.UID]
	if max(p.Width, p.Height) > media.MaxSide || p.Width*p.Height <= large.Width*large.Height {
		return
	}
	f.largest[t.UID] = p
	t.Width, t.Height = p.Width, p.Height
}

// place returns the offset, in the open cluster, of a block at the tick now. It opens
// another cluster if the block does not fit into this one, or if fresh is true.
func (f *FileWriter) place(now int64, fresh bool) (int16, error) {
	rel := now - f.cluster
	if f.cluster < 0 || rel < math.MinInt16 || rel > int64(fileSpan/f.tick) ||
		len(f.blocks) > fileCluster || fresh && rel > 0 {
		if err := f.flush(); err != nil {
			return 0, err
		}
		f.cluster, rel = now, 0
	}
	return int16(rel), nil
}

// Close writes the open cluster and the cues, and then rewrites the beginning with
// what is known only now. It leaves w at the end of the file and does not close it.
func (f *FileWriter) Close() error {
	if err := f.flush(); err != nil {
		return err
	}
	var cues int64
	if len(f.cues) > 0 {
		cues = f.n - f.data
		if err := f.write(f.cuesElement()); err != nil {
			return err
		}
	}
	end := f.n
	if _, err := f.w.Seek(f.base, io.SeekStart); err != nil {
		return f.fail(err)
	}
	if err := f.write(f.header(end-f.data, cues)); err != nil {
		return err
	}
	if _, err := f.w.Seek(f.base+end, io.SeekStart); err != nil {
		return f.fail(err)
	}
	f.err = errClosed
	return nil
}

// header returns everything before the first cluster. Its length is the same at
// Close as at the beginning.
func (f *FileWriter) header(size, cues int64) []byte {
	longest := f.h.Length
	tags := [][]byte{}
	for _, t := range f.h.Tracks {
		longest = max(longest, f.ends[t.UID])
		tags = append(tags, trackTag(t, simpleTag(tagDuration, clock(f.ends[t.UID]))))
	}
	info := [][]byte{
		uintElement(idTimestampScale, uint64(f.tick)),
		floatElement(idDuration, float64(longest)/float64(f.tick)),
		intElement(idDateUTC, int64(f.h.Start.Sub(epochUTC))),
		stringElement(idMuxingApp, "sealtape"),
		stringElement(idWritingApp, "sealtape"),
	}
	if f.h.Title != "" {
		info = append(info, stringElement(idTitle, f.h.Title))
	}
	type part struct {
		id   uint32
		data []byte
	}
	parts := []part{
		{idInfo, element(idInfo, info...)},
		{idTracks, fileTracks(f.h)},
		{idTags, element(idTags, tags...)},
	}
	if len(f.h.Chapters) > 0 {
		parts = append(parts, part{idChapters, f.chaptersElement()})
	}

	var seeks [][]byte
	position := int64(seekHeadSize)
	for _, p := range parts {
		seeks = append(seeks, seek(p.id, position))
		position += int64(len(p.data))
	}
	if cues > 0 {
		seeks = append(seeks, seek(idCues, cues))
	}
	seekHead := element(idSeekHead, seeks...)

	docType := "matroska"
	if f.h.WebM {
		docType = "webm"
	}
	b := ebmlHeader(docType)
	b = appendID(b, idSegment)
	b = appendSizeWidth(b, uint64(size), 8)
	f.data = int64(len(b))
	b = append(b, seekHead...)
	b = appendVoid(b, seekHeadSize-int64(len(seekHead)))
	for _, p := range parts {
		b = append(b, p.data...)
	}
	return b
}

func seek(id uint32, position int64) []byte {
	return element(idSeek, element(idSeekID, appendID(nil, id)), intElement(idSeekPosition, position))
}

// clock formats a track's end as FFmpeg's DURATION tag does. Up to 99 hours the
// length of the text is always the same.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d.%09d", min(d/time.Hour, 99), d/time.Minute%60, d/time.Second%60, d%time.Second)
}

func (f *FileWriter) cuesElement() []byte {
	points := make([][]byte, 0, len(f.cues))
	for _, c := range f.cues {
		points = append(points, element(idCuePoint,
			uintElement(idCueTime, c.at),
			element(idCueTrackPositions,
				uintElement(idCueTrack, c.track),
				uintElement(idCueClusterPosition, c.cluster))))
	}
	return element(idCues, points...)
}

// flush writes the open cluster.
func (f *FileWriter) flush() error {
	if f.err != nil || f.cluster < 0 {
		return f.err
	}
	at := uintElement(idTimestamp, uint64(f.cluster))
	head := appendID(nil, idCluster)
	head = appendSize(head, uint64(len(at)+len(f.blocks)))
	if err := f.write(append(head, at...)); err != nil {
		return err
	}
	if err := f.write(f.blocks); err != nil {
		return err
	}
	f.cluster, f.blocks = -1, f.blocks[:0]
	return nil
}

func (f *FileWriter) write(b []byte) error {
	if f.err != nil {
		return f.err
	}
	n, err := f.w.Write(b)
	f.n += int64(n)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return f.fail(err)
}

// fail keeps the first error of w.
func (f *FileWriter) fail(err error) error {
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("writing Matroska: %w", err)
	}
	return f.err
}
