package bot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
)

// A recording that could not go on with its meeting, because its process died, was
// stopped, or lost the room for good, is named by the one that goes on with it. For
// that each leaves a note in the home of what it recorded, sealed to the home's own
// key: what a thief of the disk is not to learn of it is the room's name. The note is
// written when something is kept, and then the one of the recording before goes; it is
// touched as the recording grows, and removed where its meeting is over.

const (
	meetingsDir  = "meetings"
	followWithin = 2 * time.Minute // a meeting goes on after so long, or the grace
	maxNote      = 64 << 10
	maxNotes     = 256 // that are looked at
	forgetNote   = 24 * time.Hour
)

// A meeting is what a note says.
type meeting struct{ Server, Room string }

func meetingNote(h *keys.Home, id string) string {
	return filepath.Join(h.Dir(), meetingsDir, id+".age")
}

// noteMeeting notes that the recording id is of m.
func noteMeeting(h *keys.Home, identity *keys.Identity, id string, m meeting) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, identity.Recipients()...)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(h.Dir(), meetingsDir), 0o700); err != nil {
		return err
	}
	// One that is torn by a crash is no note.
	return os.WriteFile(meetingNote(h, id), sealed.Bytes(), 0o600)
}

// goesOn notes that the recording id still does. Without it, or where that fails,
// the next one may not name it, and nothing else is lost.
func goesOn(h *keys.Home, id string, now time.Time) { _ = os.Chtimes(meetingNote(h, id), now, now) }

// meetingOver notes that no recording will go on with id's meeting.
func meetingOver(h *keys.Home, id string) error {
	if err := os.Remove(meetingNote(h, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// predecessor returns the recording of m that ended last, and not longer than within
// before now, "" if there is none. One that goes on is none. Notes of long ago are
// removed.
func predecessor(h *keys.Home, identity *keys.Identity, m meeting, within time.Duration, now time.Time) (string, error) {
	entries, err := os.ReadDir(filepath.Join(h.Dir(), meetingsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	id, latest := "", now.Add(-within)
	for _, e := range entries[:min(len(entries), maxNotes)] {
		its, ok := strings.CutSuffix(e.Name(), ".age")
		info, err := e.Info()
		if !ok || err != nil || archive.ValidID(its) != nil {
			continue
		}
		switch ended := info.ModTime(); {
		case now.Sub(ended) > max(within, forgetNote):
			err = meetingOver(h, its)
		case !ended.Before(latest) && readMeeting(h, identity, its) == m && !beingRecorded(h, its):
			id, latest = its, ended
		}
		if err != nil {
			return "", err
		}
	}
	return id, nil
}

// readMeeting returns what the note of a recording says, nothing if it does not open.
func readMeeting(h *keys.Home, identity *keys.Identity, id string) (m meeting) {
	f, err := os.Open(meetingNote(h, id))
	if err != nil {
		return meeting{}
	}
	defer func() { _ = f.Close() }() // it was only read
	r, err := age.Decrypt(io.LimitReader(f, maxNote), identity.AgeIdentities()...)
	if err != nil {
		return meeting{}
	}
	b, err := io.ReadAll(r)
	if err != nil || json.Unmarshal(b, &m) != nil {
		return meeting{}
	}
	return m
}

// beingRecorded reports whether another process holds the recording.
func beingRecorded(h *keys.Home, id string) bool {
	held, err := archive.HoldSpooled(h.SpoolDir(), id)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // all of it is in the store
	}
	return held.Close() != nil
}

// A succession is a recording among those of one meeting.
type succession struct {
	home     *keys.Home // nil: nothing is noted
	identity *keys.Identity
	log      *slog.Logger
	id       string
	meeting  meeting
	before   string // the recording that this one goes on with, "" for none
	claimed  string // the same, or another, by the word of the room's server; of claims alone
}

// succession returns the place of the recording id, of room.
func (b *Bot) succession(id, room string) *succession {
	s := &succession{home: b.c.Home, identity: b.c.Identity, log: b.log, id: id, meeting: meeting{b.c.Meeting.Server, room}}
	if s.home == nil {
		return s
	}
	var err error
	if s.before, err = predecessor(s.home, s.identity, s.meeting, max(b.c.Grace, followWithin), time.Now()); err != nil {
		s.unnoted(err)
	}
	if s.before != "" {
		s.log.Info("goes on with the meeting of another recording", "id", s.before)
	}
	return s
}

// claims reports whether the recording goes on with the one with this ID, of which the
// room's server says that it is of the meeting. The first word of others counts, and takes
// nothing from what the home knows by itself: where this host had hung, another may have
// recorded meanwhile, of which the home knows nothing. That it is nobody's word but the
// server's is in the timeline, and whoever reads both recordings sees whether it fits. One
// goroutine at a time calls it.
func (s *succession) claims(id string) bool {
	if s.claimed != "" || id == s.id || id == s.before || archive.ValidID(id) != nil {
		return false
	}
	s.claimed = id
	s.log.Info("goes on with the meeting of another recording, as the room's server says", "id", id)
	return true
}

// A before takes the IDs of recordings that may be of the meeting, also before anybody wants
// to know. It is safe for concurrent use.
type before struct {
	mu     sync.Mutex
	claims func(id string) bool // nil: not yet
	say    func(id string)      // into the timeline, once it has begun
	early  string               // what was told last before there was claims
	known  string               // what the timeline is to begin with
	begun  bool                 // it has
}

// told takes an ID. It may be called at any time.
func (b *before) told(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.claims == nil:
		b.early = id
	case !b.claims(id):
	case b.begun:
		b.say(id)
	default:
		b.known = id
	}
}

// tell has claims asked about what is told, and say called with what counts once the timeline
// has begun.
func (b *before) tell(claims func(id string) bool, say func(id string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.claims, b.say = claims, say; b.early != "" && claims(b.early) {
		b.known = b.early
	}
}

// begin returns what the timeline begins with, "" for nothing.
func (b *before) begin() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun = true
	return b.known
}

// begin notes the recording, once something of it is kept, in the place of the one before
// it: one recording follows each.
func (s *succession) begin() {
	if s.home == nil {
		return
	}
	err := noteMeeting(s.home, s.identity, s.id, s.meeting)
	if s.before != "" {
		err = errors.Join(err, meetingOver(s.home, s.before))
	}
	if err != nil {
		s.unnoted(err)
	}
}

func (s *succession) unnoted(err error) {
	s.log.Warn("recordings of one meeting may not name one another", "err", err)
}

// goesOn notes that the recording does.
func (s *succession) goesOn() {
	if s.home != nil {
		goesOn(s.home, s.id, time.Now())
	}
}

// over notes that no other recording will go on with the meeting.
func (s *succession) over() {
	if s.home == nil {
		return
	}
	if err := meetingOver(s.home, s.id); err != nil {
		s.log.Warn("the next recording of this room may name this one as its beginning", "err", err)
	}
}
