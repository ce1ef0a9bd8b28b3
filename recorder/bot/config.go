package bot

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

var (
	// ErrNoReaders: no one could open the recording, so there is none.
	ErrNoReaders = errors.New("no one could open the recording, so there will be none")

	// ErrOwnCard: others would not believe what is signed with one's card any more.
	// Errors that wrap it wrap why, too.
	ErrOwnCard = errors.New("your own card does not count")
)

// A Config says what to record, for whom, and where to. It must not change after New.
// Times are as in recorder.Config: zero is the default, recorder.Never does not come.
type Config struct {
	// Meeting is the room. Required.
	Meeting Meeting

	// Identity is the recorder's: it signs, and members see its card. Its role must be
	// keys.Recorder. Required.
	Identity *keys.Identity
	// Home knows the pinned cards, what the recorder signed with before, and of which
	// meeting its last recording was. The zero value knows nobody: members can say
	// their name, and none is verified.
	Home *keys.Home

	// Spool is the folder on this machine where the recording is, sealed, until all
	// stores have it; it is made where it is missing. "" is Home's.
	Spool string
	// Stores are where it goes: all are to have it. Required. The bot tries again what
	// fails, and does not close them.
	Stores []Store
	// StoreID names the stores together in the spool, without secrets and in whatever
	// order they are, for whoever finishes the recording after a crash: see Sweep and
	// the function StoreID. "" is their names.
	StoreID string
	// KeepLocal leaves the recording in the spool when the stores have it.
	KeepLocal bool

	// Title is what the recording is called. Readers see it, and nobody else: it is sealed
	// in the timeline. It is made one line of at most media.MaxTitle characters, without
	// control and bidirectional ones, as media.Plain does. "" is none.
	Title string

	// Readers can open all of it. Required. At most as many as CheckReaders says.
	Readers []Reader
	// Members are those of whom the caller says who they are: the cards, one for each of
	// their devices, by the identity in the room. They read what Policy.Access says. It
	// is as good as the server's word of who has an identity.
	Members map[string][]keys.Card
	// Policy says who else reads, who is recorded, and what people are told and asked.
	Policy Policy

	// Duration ends the recording after so long; 0 is when the room ends.
	Duration time.Duration
	// Grace is how long recording goes on after the last person has left, though the
	// server close the room before. 0 is 2 minutes, Never until the room ends.
	Grace time.Duration
	// Wait ends the recording when nobody came for so long. 0 is Never.
	Wait time.Duration
	// Segment is the length of a segment, 0 for 5 s: it bounds what a crash costs.
	Segment time.Duration

	// Begun is called with the recording's ID once the room is joined and before it is
	// told. Nil is allowed, as for each hook. Hooks must be quick.
	Begun func(id string)
	// Stage is called when Record comes to the next Stage.
	Stage func(Stage)
	// Say is told what somebody who runs the recorder should know, in a sentence that
	// names people: a member whose word does not hold, a reader without a place, the
	// meeting code. It is called by several goroutines.
	Say func(text string)
	// Unopened is told of media that does not open, and that opens again; it names
	// people.
	Unopened func(recorder.Unopened)

	// TurnedAway is told of members with more tracks than are recorded; it names them.
	TurnedAway func(recorder.TurnedAway)

	// Log takes what happens, names at debug level only; nil discards it. ArchiveLog
	// takes what the archive does, which is told by Log where it matters; nil discards
	// it.
	Log, ArchiveLog *slog.Logger

	// SilentAfter is member.Config's: 0 but in a test.
	SilentAfter time.Duration
}

// complete checks a Config, and puts in what follows from the rest.
func (c *Config) complete() error {
	switch {
	case c.Meeting.Join == nil:
		return errors.New("bot: Config without Meeting.Join")
	case c.Identity == nil:
		return errors.New("bot: Config without Identity")
	case c.Home == nil && c.Spool == "":
		return errors.New("bot: Config without Home or Spool")
	case len(c.Stores) == 0:
		return errors.New("bot: Config without Stores")
	case len(c.Readers) == 0:
		return ErrNoReaders
	case c.Home == nil && c.Policy.Readers == ReadersAllPinned:
		return errors.New("bot: without Home nobody's card is pinned")
	}
	c.Title = media.Plain(c.Title, media.MaxTitle)
	if err := c.Policy.complete(); err != nil {
		return err
	}
	if c.Policy.Readers == ReadersAllPinned {
		var err error
		if c.Readers, err = AllPinned(c.Home, slices.Clip(c.Readers)); err != nil {
			return err
		}
	}
	if err := CheckReaders(c.Readers); err != nil {
		return err
	}
	if c.StoreID == "" {
		var names []string
		for _, s := range c.Stores {
			names = append(names, s.Name)
		}
		c.StoreID = StoreID(names)
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.ArchiveLog = cmp.Or(c.ArchiveLog, slog.New(slog.DiscardHandler))
	return nil
}

// storesJoined is between the stores of a StoreID.
const storesJoined = " and "

// StoreID names stores together, of which each has one of these names, as
// Config.StoreID does: the same in whatever order they are.
func StoreID(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), storesJoined)
}

// CheckCard returns an error that wraps ErrOwnCard unless the home's own card counts.
func CheckCard(home *keys.Home) error {
	pins, err := home.Pins()
	if err != nil || len(pins) == 0 || !pins[0].Own {
		return err
	}
	if err := pins[0].Live(time.Now()); err != nil {
		return fmt.Errorf("%w: %w", ErrOwnCard, err)
	}
	return nil
}

// verifiers believe what may be in the spool: what recorders signed that are pinned
// here.
func (c *Config) verifiers() (note.Verifiers, error) {
	if c.Home == nil {
		return note.VerifierList(c.Identity.Verifier()), nil
	}
	return c.Home.Recorders()
}
