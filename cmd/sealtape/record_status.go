package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
)

const statusEvery = 500 * time.Millisecond

// A meter computes a bit rate from two readings of a recording.
type meter struct {
	at    time.Time
	bytes int64
	rate  float64 // bits a second, smoothed
}

func (m *meter) read(at time.Time, bytes int64) float64 {
	if d := at.Sub(m.at).Seconds(); !m.at.IsZero() && d > 0 {
		now := float64(bytes-m.bytes) * 8 / d
		m.rate += (now - m.rate) / 3
	}
	m.at, m.bytes = at, bytes
	return m.rate
}

// statusText returns the status line of a running recording.
func statusText(s recorder.Status, rate float64, waiting int, now time.Time) string {
	parts := []string{
		ui.Length(now.Sub(s.Started)),
		ui.People(s.Participants),
		ui.Count(s.Tracks, "track"),
		bitRate(rate),
		fmt.Sprintf("%d lost", s.Lost),
	}
	if n := len(s.Unopened); n > 0 {
		u := s.Unopened[0]
		who := "! " + bot.Whose(u)
		if n > 1 {
			who += fmt.Sprintf(" and %d more", n-1)
		}
		// It comes first: a narrow terminal cuts the end off.
		parts = append([]string{who + " not recorded"}, parts...)
	}
	if n := len(s.TurnedAway); n > 0 {
		t := s.TurnedAway[0]
		text := fmt.Sprintf("! %s of %s not recorded, too many", ui.Count(t.Tracks, "track"), ui.Clean(cmp.Or(t.Name, t.Participant)))
		if n > 1 {
			text += fmt.Sprintf(", and of %d more", n-1)
		}
		parts = append([]string{text}, parts...)
	}
	if s.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d not opened", s.Failed))
	}
	if s.Small > 0 {
		parts = append(parts, fmt.Sprintf("%s smaller than published", ui.Count(s.Small, "picture")))
	}
	if waiting > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting for the store", waiting))
	} else {
		parts = append(parts, "all stored")
	}
	mark := "● "
	switch s.State {
	case recorder.StatePaused:
		mark = "‖ paused  "
	case recorder.StateReconnecting:
		mark = "○ away from the room  "
	}
	return mark + strings.Join(parts, "  ")
}

func bitRate(r float64) string {
	switch {
	case r >= 1e6:
		return fmt.Sprintf("%.1f Mbit/s", r/1e6)
	default:
		return fmt.Sprintf("%.0f kbit/s", r/1e3)
	}
}
