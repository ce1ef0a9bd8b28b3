package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/access"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/terminal"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/fault"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/livekit"
)

// A recordConsole shows a recording to whoever runs the recorder: lines, and on a terminal
// a status line below them. Its methods are safe for concurrent use.
type recordConsole struct {
	env  *ui.Env
	line *terminal.Line // nil when standard error is no terminal
	log  *slog.Logger

	mu    sync.Mutex // held while the line is drawn
	stage bot.Stage
}

// newRecordConsole returns the console, and the log of what the archive does.
func newRecordConsole(e *ui.Env) (r *recordConsole, archiveLog *slog.Logger) {
	r = &recordConsole{env: e}
	if terminal.Is(e.Stderr) && e.Log() == nil {
		r.line = terminal.NewLine(e.Stderr)
		r.log = e.NewLog(r.line, slog.LevelWarn) // the line tells the rest
		return r, e.NewLog(r.line, slog.LevelWarn)
	}
	// Of what the archive logs, only failures matter: this command reports the rest.
	r.log = e.NewLog(e.Stderr, slog.LevelInfo)
	return r, e.NewLog(e.Stderr, slog.LevelWarn)
}

// begun shows the ID of a recording, and remembers it.
func (r *recordConsole) begun(home *keys.Home, id string) {
	r.clear()
	r.env.Printf("%s\n", id)
	if err := access.NoteRecorded(home, id, time.Now()); err != nil {
		r.env.Warnf("%q will not find this recording: %v", "last", err)
	}
}

// warnClassic says when not all readers are safe from quantum computers.
func (r *recordConsole) warnClassic(readers []bot.Reader) {
	for _, reader := range readers {
		switch {
		case reader.PostQuantum:
		case r.env.Log() != nil: // which may be kept for long, and names nobody
			r.log.Warn("a reader's key is not post-quantum: whoever stores this recording today may open it when quantum computers can")
		default:
			r.env.Warnf("%s is not a post-quantum key: whoever stores this recording today may open it when quantum computers can", ui.Clean(reader.Name))
		}
	}
}

// say shows a sentence that may name people.
func (r *recordConsole) say(text string) {
	if r.env.Log() != nil {
		return // which may be kept for long, and names nobody
	}
	r.clear()
	r.env.Notef("%s", text)
}

// unopened shows whose media does not open, and what to do about it.
func (r *recordConsole) unopened(u recorder.Unopened) {
	for _, line := range unopenedLines(u) {
		r.say(line)
	}
}

func unopenedLines(u recorder.Unopened) []string {
	whose := bot.Whose(u)
	switch {
	case u.Over:
		return []string{whose + " is recorded again"}
	case u.Why == "":
		whose += " is not recorded: it does not open"
	default:
		whose += " is not recorded: its frames do not open; " + ui.Clean(u.Why)
	}
	if hint := causeHint(u.Cause); hint != "" {
		return []string{whose, "hint: " + hint}
	}
	return []string{whose}
}

// turnedAway shows a member with more tracks than are recorded.
func (r *recordConsole) turnedAway(t recorder.TurnedAway) {
	are := "are"
	if t.Tracks == 1 {
		are = "is"
	}
	r.say(fmt.Sprintf("%s of %s %s not recorded: at most %d of one member are, and %d of all", ui.Count(t.Tracks, "track"),
		ui.Clean(cmp.Or(t.Name, t.Participant)), are, recorder.MaxTracksOfOne, recorder.MaxTracks))
}

// enter shows the stage that the recording is at.
func (r *recordConsole) enter(s bot.Stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stage = s
	if r.line == nil {
		return
	}
	switch s {
	case bot.Telling:
		r.line.Set(fmt.Sprintf("telling the room, nothing is kept for %s…", ui.Length(livekit.NoticePeriod)))
	case bot.Ending: // for a moment
	case bot.Storing:
		r.line.Set("storing the rest (Ctrl-C leaves it to sealtape recover)…")
	default:
		r.line.Set(string(s) + "…")
	}
}

// clear removes the status line.
func (r *recordConsole) clear() {
	if r.line != nil {
		r.line.Clear()
	}
}

// watch draws the status line until ctx ends.
func (r *recordConsole) watch(ctx context.Context, status func() bot.Status) {
	if r.line == nil {
		return
	}
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	var m meter
	broken := false
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			// It names people; a name that it cannot show is no reason to end.
			if err := fault.Contain(func() { r.draw(status(), &m, now) }); err != nil && !broken {
				broken = true
				r.log.Error("the status could not be shown", "err", err)
			}
		}
	}
}

// draw shows how it goes, while it records.
func (r *recordConsole) draw(s bot.Status, m *meter, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stage != bot.Telling || s.Started.IsZero() {
		return // it tells the room, or stores the rest
	}
	r.line.Set(statusText(s.Status, m.read(now, s.MediaBytes), s.Waiting, now))
}
