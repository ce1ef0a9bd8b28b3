package web

import (
	"cmp"
	"context"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/player"
)

// maxTime is after the end of any recording.
const maxTime = 31 * 24 * time.Hour

// Formats returns what this machine can save a recording as, in the page's order.
// Mixed sound takes FFmpeg.
func Formats() []player.Format {
	formats := player.Formats()
	if !playback.FindsFFmpeg() {
		return formats
	}
	return slices.Insert(formats, 1,
		player.Format{Name: "m4a", MIME: "audio/mp4", Write: mixed(playback.SoundM4A)},
		player.Format{Name: "ogg", MIME: "audio/ogg", Write: mixed(playback.SoundOgg)})
}

func mixed(format playback.SoundFormat) func(context.Context, *playback.Session, io.Writer, playback.ExportOptions, func(int64)) (playback.Report, error) {
	return func(ctx context.Context, s *playback.Session, w io.Writer, o playback.ExportOptions, _ func(int64)) (playback.Report, error) {
		return playback.StreamSound(ctx, s, w, format, playback.SoundOptions{ExportOptions: o})
	}
}

// export answers with the recording, or a part of it, as a file. Nothing is written to
// disk. It ends if the browser goes away.
func (s *Server) export(w http.ResponseWriter, r *http.Request, id string) {
	q := r.URL.Query()
	from, okFrom := timeOf(q.Get("from"))
	to, okTo := timeOf(q.Get("to"))
	if !okFrom || !okTo {
		http.Error(w, "from and to are seconds on the recording's clock", http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodHead {
		return // making it only to learn its length would cost as much as sending it
	}
	out := &stream{w: w}
	err := s.player.Export(r.Context(), id, player.Excerpt{Format: cmp.Or(q.Get("format"), "mkv"), From: from, To: to, Participants: q["participant"]}, func(f player.File) io.Writer {
		out.head = http.Header{
			"Content-Type":        {f.MIME},
			"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})},
		}
		if f.Size >= 0 {
			out.head.Set("Content-Length", strconv.FormatInt(f.Size, 10))
		}
		return out
	})
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
