package web

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// exportSlots is how many exports are made at once. Others are refused.
const exportSlots = 2

// maxDraft is the longest file that is held in memory to be sent, in bytes. A
// longer one is made twice: first to learn its header and length, then to be sent.
const maxDraft = 32 << 20

// maxTime is after the end of any recording.
const maxTime = 31 * 24 * time.Hour

// export answers with the recording, or a part of it, as a Matroska file. Nothing
// is written to disk. It ends if the browser goes away.
func (s *Server) export(w http.ResponseWriter, r *http.Request, t *openRecording) {
	from, okFrom := timeOf(r.URL.Query().Get("from"))
	to, okTo := timeOf(r.URL.Query().Get("to"))
	if !okFrom || !okTo || to > 0 && to <= from {
		http.Error(w, "from and to are seconds on the recording's clock", http.StatusBadRequest)
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

	o := playback.ExportOptions{From: from, To: to}
	d := &draft{limit: s.maxDraft}
	report, err := playback.ExportMatroska(ctx, session, d, o)
	t.noteFailed(report)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "video/matroska")
	w.Header().Set("Content-Length", strconv.FormatInt(d.size, 10))
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": exportName(session.Start(), from, to)}))
	out := &browserFile{w: w, patience: s.patience.write}
	if d.whole() {
		_, err = out.Write(d.data)
	} else {
		out := &resend{w: out, draft: d}
		_, err = playback.ExportMatroska(ctx, session, out, o)
		err = errors.Join(err, out.check())
	}
	if err != nil && r.Context().Err() == nil {
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

// exportName returns the name of the file for the browser. It says when, and not
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
	return name + ".mkv"
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
}

func (f *browserFile) Write(b []byte) (n int, err error) {
	const piece = 1 << 20
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
