package playback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sealtape/sealtape/playback/transcript"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// ExportOptions are the settings of an export. The zero value exports everything.
type ExportOptions struct {
	// Title is the file's title. Empty means the recording's title, or else the
	// room's name, with the time of its start.
	Title string
	// From and To bound the exported part, on the recording's clock. The export
	// begins at zero. A To of 0, or after the recording's end, means the end. If
	// nothing is between them, the error wraps ErrRange.
	From, To time.Duration
	// Participants are the identities whose tracks are exported. Empty means all.
	// If none of them has a track, the error wraps ErrNothing.
	Participants []string
	// Words are what was said, on the recording's clock: see Session.Said. Files with
	// subtitles have them as a track of its own, and texts in place of who speaks.
	// Nil means none.
	Words *transcript.Transcript
	// Progress, if not nil, is called from time to time with the time exported so
	// far and that of the whole export. The last call has both equal. It must be
	// quick.
	Progress func(done, total time.Duration)
}

// An output is a file that is being exported.
type output interface {
	// frame writes a frame. If the frame is refused, the error wraps
	// matroska.ErrFrame.
	frame(f excerptFrame) error
	// passed reports that no frame before now will come.
	passed(now time.Duration) error
	// finish completes the file. It then lasts length.
	finish(length time.Duration) error
	// late returns by how much each sound was late at most, by track.
	late() map[uint64]time.Duration
}

// ExportMatroska writes all tracks into one Matroska file at the current offset
// of w. Each participant and source has a track with its own title. The file has
// chapters, and the chat and what was said as subtitles that are off by default. Frames keep their
// bytes and times, except that pictures from before From are hidden. Holes in
// sound are filled with silence. The header has the size of each track's largest
// picture. A track that begins with a smaller picture gets its largest one first,
// for 0.1 ms, since tools make all pictures as large as the first. It does not
// close w. After an error the file is not whole; ExportFile never leaves such a
// file.
func ExportMatroska(ctx context.Context, s *Session, w io.WriteSeeker, o ExportOptions) (Report, error) {
	x, err := s.excerpt(ctx, o)
	r := x.report()
	if err != nil {
		return r, err
	}
	texts, leaders := x.texts(), x.leaders(ctx)
	h := matroska.FileHeader{Start: s.Start().Add(x.from), Title: s.title(o), Tracks: x.titled(x.tracks, leaders),
		Length: x.length(), Chapters: x.chapters()}
	for _, t := range texts {
		h.Texts = append(h.Texts, t.name)
	}
	f, err := newMKVFile(w, h, texts, leaders)
	if err != nil {
		return r, err
	}
	f.chapters = x.chapters
	r.Tracks = x.tracks
	outputs := make(map[uint64]output, len(x.tracks))
	for _, t := range x.tracks {
		outputs[t.UID] = f
	}
	return r, x.pump(ctx, outputs, []output{f}, o, &r)
}

// ExportFile writes all tracks into the Matroska file path, as ExportMatroska
// does. The file appears whole or not at all, durable once ExportFile returns.
// If path exists, it is left alone and the error wraps fs.ErrExist.
func ExportFile(ctx context.Context, s *Session, path string, o ExportOptions) (r Report, err error) {
	f, err := createBeside(path, false)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, f.discard()) }()
	if r, err = ExportMatroska(ctx, s, f.File, o); err != nil {
		return r, err
	}
	return r, f.commit()
}

// ExportTracks writes each track into a file of its own in the new folder dir:
// NAME-SOURCE.ogg for Opus, NAME-SOURCE.webm for VP8, VP9 and AV1,
// NAME-SOURCE.mkv for H.264 and H.265, which WebM does not allow. All of them
// begin at zero and last as long as the export: sound is filled with silence, and
// pictures with a still of the first one. The folder appears whole or not at all,
// durable once ExportTracks returns. If dir exists and is not an empty folder, it
// is left alone and the error wraps fs.ErrExist.
func ExportTracks(ctx context.Context, s *Session, dir string, o ExportOptions) (r Report, err error) {
	x, err := s.excerpt(ctx, o)
	r = x.report()
	if err != nil {
		return r, err
	}
	folder, err := CreateFolder(dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, folder.Discard()) }()

	r.Tracks = x.tracks
	outputs := make(map[uint64]output, len(x.tracks))
	var all []output
	var files []*trackFile
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.abandon())
		}
	}()
	names, leaders := make(namer), x.leaders(ctx)
	for _, t := range x.tracks {
		f, err := x.createTrack(folder.Path(), names, t, leaders)
		if err != nil {
			return r, err
		}
		files = append(files, f)
		all = append(all, f)
		outputs[t.UID] = f
		r.Files = append(r.Files, filepath.Base(f.file.Name()))
	}
	if err := x.pump(ctx, outputs, all, o, &r); err != nil {
		return r, err
	}
	return r, folder.Commit()
}

// A trackFile is one open file of ExportTracks.
type trackFile struct {
	output
	file *os.File
}

func (x *excerpt) createTrack(dir string, names namer, t media.Track, leaders map[uint64]media.Frame) (*trackFile, error) {
	ext := ".webm"
	switch t.Codec {
	case media.Opus:
		ext = ".ogg"
	case media.H264, media.H265:
		ext = ".mkv"
	}
	file, err := os.OpenFile(filepath.Join(dir, names.name(x.names.Of(t.Participant, t.Name), t.Source, ext)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	f := &trackFile{file: file}
	if t.Codec == media.Opus {
		f.output, err = newOggFile(file, x.names.Title(t), t)
	} else {
		tracks := x.titled([]media.Track{t}, leaders)
		h := matroska.FileHeader{Start: x.s.Start().Add(x.from), Title: tracks[0].Title(), Tracks: tracks,
			WebM: ext == ".webm", Length: x.length()}
		f.output, err = newMKVFile(file, h, nil, leaders)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// finish completes the file and makes it durable.
func (f *trackFile) finish(length time.Duration) error {
	err := errors.Join(f.output.finish(length), f.file.Sync(), f.file.Close())
	f.file = nil
	return err
}

// abandon closes the file if finish did not, and drops its content.
func (f *trackFile) abandon() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// pump writes every frame to its track's output, finishes all outputs and
// completes the report.
func (x *excerpt) pump(ctx context.Context, outputs map[uint64]output, all []output, o ExportOptions, r *Report) error {
	last := make(map[uint64]time.Duration)
	var passed, shown time.Duration
	progress := func(done time.Duration) {
		if o.Progress != nil {
			o.Progress(done, x.length())
		}
	}
	for f, err := range x.frames(ctx) {
		var lost *SegmentError
		if errors.As(err, &lost) {
			r.Missing = append(r.Missing, *lost)
			r.Incomplete = true
			x.missing = append(x.missing, *lost)
			continue
		}
		if err != nil {
			return err
		}
		if f.beyond {
			r.drop(f.Track, RefusedEnd, 1)
			continue
		}
		// No container allows a frame before the last one of its track.
		if f.Time < last[f.Track] {
			r.drop(f.Track, RefusedOrder, 1)
			continue
		}
		last[f.Track] = f.Time
		r.Hidden = max(r.Hidden, f.Early)
		if f.passed-passed >= passStep {
			passed = f.passed
			for _, out := range all {
				if err := out.passed(passed); err != nil {
					return err
				}
			}
		}
		if err := outputs[f.Track].frame(f); err != nil {
			if !errors.Is(err, matroska.ErrFrame) {
				return err
			}
			r.drop(f.Track, RefusedFrame, 1)
		}
		if done := min(f.passed, x.length()); done >= shown+time.Second {
			shown = done
			progress(shown)
		}
	}
	if len(last) == 0 {
		return r.nothing()
	}
	for _, out := range all {
		if err := out.finish(x.length()); err != nil {
			return err
		}
		for track, late := range out.late() {
			if late < lateFrom {
				continue
			}
			if r.Late == nil {
				r.Late = make(map[uint64]time.Duration)
			}
			r.Late[track] = late
		}
	}
	progress(x.length())
	return nil
}

// titled returns the tracks with names that tell people apart and do nothing in a
// player's menu except to be read, and with the Private of their leaders.
func (x *excerpt) titled(tracks []media.Track, leaders map[uint64]media.Frame) []media.Track {
	tracks = slices.Clone(tracks)
	for i := range tracks {
		t := &tracks[i]
		t.Name = x.names.Of(t.Participant, t.Name)
		t.Source = media.Source(media.Plain(string(t.Source), media.MaxTitle))
		if leader, ok := leaders[t.UID]; ok {
			t.Private = cmp.Or(media.Describe(t.Codec, leader.Data).Private, t.Private)
		}
	}
	return tracks
}

// title returns the export's title: the one asked for, or the recording's, or the
// room's name.
func (s *Session) title(o ExportOptions) string {
	if o.Title != "" {
		return o.Title
	}
	events := s.Events()
	name, imported := Title(events), ""
	for _, e := range events {
		if e.Type != media.EventStart {
			continue
		}
		name = cmp.Or(name, media.Plain(e.Text, media.MaxTitle))
		if e.Reason == media.StartImported {
			imported = ", imported"
		}
		break
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf("%s, %s%s", name, s.Start().UTC().Format("2006-01-02 15:04 MST"), imported)
}

// Title returns what the recording is called: one line of at most media.MaxTitle
// characters that does nothing except to be read, whatever the recorder wrote. ""
// means that it has no title, or that no event is readable that says it.
func Title(events []media.Event) string {
	for _, e := range events {
		if e.Type == media.EventTitle {
			return media.Plain(e.Text, media.MaxTitle)
		}
	}
	return ""
}
