package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
)

// retellAfter is how long changes of the readers are collected before the chat is told.
const retellAfter = 3 * time.Second

// A telling is what the chat is told about the readers.
type telling struct {
	readers []string // names, with fingerprints
	code    string   // the meeting code
	without int      // readers without a place
}

// whole returns the text for those who were told nothing before.
func (t telling) whole() string {
	return t.end(fmt.Sprintf("What is recorded now can be opened by: %s.", strings.Join(t.readers, ", ")))
}

// news returns the text for those who were told before: what has changed since.
func (t telling) news(before telling) string {
	var s []string
	if more := without(t.readers, before.readers); len(more) > 0 {
		s = append(s, fmt.Sprintf("From now on it can also be opened by: %s.", strings.Join(more, ", ")))
	}
	if less := without(before.readers, t.readers); len(less) > 0 {
		s = append(s, fmt.Sprintf("What is recorded from now on cannot be opened any more by: %s.", strings.Join(less, ", ")))
	}
	if len(s) > 0 {
		s = append(s, fmt.Sprintf("%s in all.", words.Count(len(t.readers), "reader")))
	}
	return t.end(strings.Join(s, " "))
}

func (t telling) end(s string) string {
	if t.without > 0 {
		s += fmt.Sprintf(" There are as many readers as there can be: %s more cannot open it.", words.People(t.without))
	}
	return strings.TrimSpace(fmt.Sprintf("%s Meeting code: %s.", s, t.code))
}

// without returns the strings of all that are not in others.
func without(all, others []string) (left []string) {
	for _, s := range all {
		if !slices.Contains(others, s) {
			left = append(left, s)
		}
	}
	return left
}

// tellable returns what the chat should know now.
func (m *membership) tellable() telling {
	t := telling{code: m.session.Code()}
	for _, r := range m.state().Readers {
		name := r.Name
		if r.Fingerprint != (keys.Fingerprint{}) {
			name += " (" + r.Fingerprint.String() + ")"
		}
		t.readers = append(t.readers, name)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, without := m.seatsLocked(m.readersHere())
	t.without = len(without)
	return t
}

// retell tells the chat when the readers have changed, some time afterwards, for clients
// that do not know the member protocol. Members who are here get what has changed.
// Members who come later get all.
func (m *membership) retell(ctx context.Context, now time.Time) {
	t := m.tellable()
	m.mu.Lock()
	before, first := m.told, m.told.code == ""
	switch {
	case m.phase != phaseRecording || !first && t.whole() == before.whole():
		m.since = time.Time{}
		m.mu.Unlock()
		return
	case m.since.IsZero():
		m.since = now
	}
	if !first && now.Sub(m.since) < retellAfter {
		m.mu.Unlock()
		return
	}
	m.told, m.since = t, time.Time{}
	m.mu.Unlock()
	m.room.SetAttributes(map[string]string{"sealtape.code": t.code, "sealtape.recording": m.id})
	m.notef("meeting code: %s", t.code)
	var err error
	if first {
		err = m.room.Announce(ctx, t.whole())
	} else {
		err = m.room.Change(ctx, t.news(before), t.whole())
	}
	if err != nil && ctx.Err() == nil {
		m.log.Warn("the room was not told who reads", "err", err)
	}
}
