package player

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// exportSlots is how many exports are made at once. Others are refused.
const exportSlots = 2

// A Format is what a recording can be saved as.
type Format struct {
	Name string // which the file's name ends with, without the dot
	MIME string
	// Write writes a file of a session to w, and does not seek. If it knows the
	// file's size beforehand, it calls begin with it before it writes.
	Write func(ctx context.Context, s *playback.Session, w io.Writer, o playback.ExportOptions, begin func(size int64)) (playback.Report, error)
}

// Formats returns the formats that need nothing but this module.
func Formats() []Format {
	return []Format{
		{"mkv", "video/matroska", playback.StreamMatroska},
		{"opus", "audio/ogg", voice},
		{"vtt", "text/vtt; charset=utf-8", text(playback.TextWebVTT)},
		{"txt", "text/plain; charset=utf-8", text(playback.TextPlain)},
	}
}

// voice writes the sound of one participant as it was sent.
func voice(ctx context.Context, s *playback.Session, w io.Writer, o playback.ExportOptions, _ func(int64)) (playback.Report, error) {
	return playback.StreamVoice(ctx, s, w, o)
}

func text(format playback.TextFormat) func(context.Context, *playback.Session, io.Writer, playback.ExportOptions, func(int64)) (playback.Report, error) {
	return func(ctx context.Context, s *playback.Session, w io.Writer, o playback.ExportOptions, _ func(int64)) (playback.Report, error) {
		return playback.StreamText(ctx, s, w, format, o)
	}
}

// An Excerpt is what to save of a recording.
type Excerpt struct {
	Format   string        // the name of one of Config.Formats
	From, To time.Duration // on the recording's clock; a To of 0 is its end
	// Participants are the identities whose tracks are saved. Empty means all.
	Participants []string
}

// A File describes a file that is about to be written.
type File struct {
	// Name says when the meeting was, and not what or who: browsers keep the names
	// of downloads.
	Name string
	MIME string
	Size int64 // -1: not known
}

// Export writes a recording, or a part of it, as a file. Before the first byte it
// calls create, and writes to what that returns, in pieces of any size. If create
// was called and Export returns an error, what was written is not whole.
//
// The error wraps ErrRequest for a format that is not known, or a part that is
// empty. It is of the kind Later if too many exports are being made.
func (p *Player) Export(ctx context.Context, id string, e Excerpt, create func(File) io.Writer) error {
	i := slices.IndexFunc(p.c.Formats, func(f Format) bool { return f.Name == e.Format })
	if i < 0 {
		return fmt.Errorf("%w: format %q", ErrRequest, e.Format)
	}
	if e.From < 0 || e.To < 0 || e.To > 0 && e.To <= e.From {
		return fmt.Errorf("%w: nothing is from %v to %v", ErrRequest, e.From, e.To)
	}
	t, err := p.open(ctx, id)
	if err != nil {
		return err
	}
	select {
	case p.exports <- struct{}{}:
		defer func() { <-p.exports }()
	default:
		return errors.New("too many exports at once")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	t.mu.Lock()
	session := t.session
	t.mu.Unlock()
	format := p.c.Formats[i]
	out := &exported{create: create, file: File{Name: exportName(session.Start(), e.From, e.To) + "." + format.Name, MIME: format.MIME, Size: -1}}
	words, err := t.exported(ctx, session)
	if err != nil {
		return err
	}
	report, err := format.Write(ctx, session, out, playback.ExportOptions{From: e.From, To: e.To, Participants: e.Participants, Words: words}, func(size int64) { out.file.Size = size })
	t.noteFailed(report)
	return err
}

// An exported is a file whose writer is created before the first byte.
type exported struct {
	create func(File) io.Writer
	file   File
	w      io.Writer
}

func (x *exported) Write(b []byte) (int, error) {
	if x.w == nil {
		x.w = x.create(x.file)
	}
	return x.w.Write(b)
}

// exportName returns the name of a file, without its ending.
func exportName(start time.Time, from, to time.Duration) string {
	name := "meeting"
	if !start.IsZero() {
		name = start.UTC().Format("2006-01-02-1504")
	}
	if from > 0 || to > 0 {
		name += "-from-" + from.Round(time.Second).String()
	}
	if to > 0 {
		name += "-to-" + to.Round(time.Second).String()
	}
	return name
}

// noteFailed remembers the segments that an export found not to be what was
// recorded.
func (t *openRecording) noteFailed(r playback.Report) {
	for _, m := range r.Missing {
		if errors.Is(m.Err, playback.ErrDamaged) {
			t.p.addFailed(t.id, playback.Segment{Number: m.Number, From: m.From, To: m.To, State: playback.Failed})
		}
	}
}
