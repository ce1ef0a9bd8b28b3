package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// exportSlots is how many exports are made at once. Others are refused.
const exportSlots = 2

// maxTime is after the end of any recording.
const maxTime = 31 * 24 * time.Hour

// A fileFormat is what a recording can be saved as.
type fileFormat struct {
	mime  string
	write func(ctx context.Context, s *playback.Session, w io.Writer, o playback.ExportOptions, begin func(size int64)) (playback.Report, error)
}

// fileFormats are by their names, which their files' names end with. Those that need
// ffmpeg are in mixedFormats, too.
var fileFormats = map[string]fileFormat{
	"mkv": {"video/matroska", playback.StreamMatroska},
	"m4a": {"audio/mp4", mixed(playback.SoundM4A)},
	"ogg": {"audio/ogg", mixed(playback.SoundOgg)},
	"vtt": {"text/vtt; charset=utf-8", text(playback.TextWebVTT)},
	"txt": {"text/plain; charset=utf-8", text(playback.TextPlain)},
}

var mixedFormats = []string{"m4a", "ogg"}

func mixed(format playback.SoundFormat) func(context.Context, *playback.Session, io.Writer, playback.ExportOptions, func(int64)) (playback.Report, error) {
	return func(ctx context.Context, s *playback.Session, w io.Writer, o playback.ExportOptions, _ func(int64)) (playback.Report, error) {
		return playback.StreamSound(ctx, s, w, format, playback.SoundOptions{ExportOptions: o})
	}
}

func text(format playback.TextFormat) func(context.Context, *playback.Session, io.Writer, playback.ExportOptions, func(int64)) (playback.Report, error) {
	return func(ctx context.Context, s *playback.Session, w io.Writer, o playback.ExportOptions, _ func(int64)) (playback.Report, error) {
		return playback.StreamText(ctx, s, w, format, o)
	}
}

// formatsHere returns the formats that this machine can make, in the page's order.
func formatsHere() []string {
	if !playback.FindsFFmpeg() {
		return []string{"mkv", "vtt", "txt"}
	}
	return slices.Concat([]string{"mkv"}, mixedFormats, []string{"vtt", "txt"})
}

// export answers with the recording, or a part of it, as a file. Nothing is written to
// disk. It ends if the browser goes away.
func (s *Server) export(w http.ResponseWriter, r *http.Request, t *openRecording) {
	q := r.URL.Query()
	from, okFrom := timeOf(q.Get("from"))
	to, okTo := timeOf(q.Get("to"))
	if !okFrom || !okTo || to > 0 && to <= from {
		http.Error(w, "from and to are seconds on the recording's clock", http.StatusBadRequest)
		return
	}
	name := cmp.Or(q.Get("format"), "mkv")
	format, known := s.formats[name]
	if !known {
		http.Error(w, "format is mkv, m4a, ogg, vtt or txt", http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodHead {
		return // making it only to learn its length would cost as much as sending it
	}
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	default:
		s.fail(w, r, errors.New("too many exports at once"))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	t.mu.Lock()
	session := t.session
	t.mu.Unlock()

	out := &browserFile{w: w, patience: s.patience.write, head: http.Header{
		"Content-Type":        {format.mime},
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": exportName(session.Start(), from, to) + "." + name})},
	}}
	begin := func(size int64) { out.head.Set("Content-Length", strconv.FormatInt(size, 10)) }
	report, err := format.write(ctx, session, out, playback.ExportOptions{From: from, To: to}, begin)
	t.noteFailed(report)
	switch {
	case err == nil:
	case !out.begun:
		s.fail(w, r, err)
	case r.Context().Err() == nil:
		s.log.Warn("an export broke off", "err", err)
		panic(http.ErrAbortHandler) // the browser must not take it for whole
	}
}

// timeOf reads a time in seconds. "" is 0.
func timeOf(s string) (time.Duration, bool) {
	if s == "" {
		return 0, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= maxTime.Seconds()) {
		return 0, false
	}
	return time.Duration(f * float64(time.Second)).Round(time.Millisecond), true
}

// exportName returns the name of the file for the browser, without its ending. It says when, and not
// what or who: names of downloads are kept by browsers.
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
			t.s.addFailed(t.id, playback.Segment{Number: m.Number, From: m.From, To: m.To, State: playback.Failed})
		}
	}
}

// A browserFile writes to a browser, which has some time for each piece.
type browserFile struct {
	w        http.ResponseWriter
	patience time.Duration
	head     http.Header // what is sent before the first byte
	begun    bool
}

func (f *browserFile) Write(b []byte) (n int, err error) {
	const piece = 1 << 20
	if !f.begun {
		f.begun = true
		maps.Copy(f.w.Header(), f.head)
	}
	for len(b) > 0 {
		http.NewResponseController(f.w).SetWriteDeadline(time.Now().Add(f.patience))
		m, err := f.w.Write(b[:min(piece, len(b))])
		n += m
		if err != nil {
			return n, fmt.Errorf("writing to the browser: %w", err)
		}
		b = b[m:]
	}
	return n, nil
}
