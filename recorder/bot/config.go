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

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

var (
	// ErrNoReaders: nobody could open the recording, so none is made.
	ErrNoReaders = errors.New("no one could open the recording, so there will be none")

	// ErrOwnCard: the recorder's own card does not count, so others would not believe
	// what it signs. Errors that wrap it also wrap the reason, an error of package keys.
	ErrOwnCard = errors.New("your own card does not count")
)

// A Config says what to record, for whom, and where to. It must not change after New. A
// time of 0 means the default, and recorder.Never that the time never comes.
type Config struct {
	// Meeting is the room. Required.
	Meeting Meeting

	// Identity is the identity of the recorder. It signs, and members see its card. Its
	// role must be keys.Recorder. Required.
	Identity *keys.Identity
	// Home has the pinned cards, the recorder's earlier keys, and a note of which
	// meeting its last recording was. Nil means that no card is pinned: members can say
	// their name, and none is verified.
	Home *keys.Home

	// Spool is the folder on this machine where the recording is, sealed, until all
	// stores have it. A missing folder is made. "" means the spool of Home.
	Spool string
	// Stores are where the recording goes: each of them gets all of it. Required. The
	// bot tries again what fails. It does not close the stores.
	Stores []Store
	// StoreID is the name of all stores together. It is noted in the spool, so that
	// whoever finishes the recording after a crash knows where it belongs: see Sweep. It
	// must have no secrets, and not depend on the order of the stores. "" means what the
	// function StoreID makes of their names.
	StoreID string
	// StoreURL and PageURL are addresses that members are told, so that they can watch the
	// recording: where the objects of a store can be fetched, and a page that plays them.
	// member.CheckAddress says what they can be. "" means that members are not told.
	StoreURL, PageURL string
	// KeepLocal leaves the recording in the spool, also when the stores have it.
	KeepLocal bool

	// Title is what the recording is called. Only readers see it: it is sealed in the
	// timeline. media.Plain makes it one line of at most media.MaxTitle characters,
	// without control and bidirectional characters. "" means no title.
	Title string
	// PartOf is the ID of the recording of the main room, if this room is a smaller one
	// of the same meeting. Only readers see it. "" means that it is not.
	PartOf string

	// Readers can open all of the recording. Required. CheckReaders says how many there
	// may be.
	Readers []Reader
	// Members are members for whom the caller vouches: by identity in the room, the
	// cards of the person, one for each device. They can open what Policy.Access says.
	// The server decides who has an identity, so this is as reliable as the server.
	Members map[string][]keys.Card
	// Policy says who else becomes a reader, who is recorded, and what people are told
	// and asked.
	Policy Policy

	// Yield has the bot leave the room before it tells anybody anything, with
	// ErrOtherRecords, if a verified recorder of the same name records there already. Of two
	// who come at once, the one whom the server let in first stays. If such a recorder has the
	// room when the bot comes back to it, the bot calls Stop.
	Yield bool

	// Duration is how long the recording lasts at most. 0 means until the room ends.
	Duration time.Duration
	// Grace is how long recording goes on after the last person has left, even if the
	// server closes the room before. 0 means 2 minutes. Never means until the room ends.
	Grace time.Duration
	// Wait is how long the recorder waits for the first person. Then the recording
	// ends. 0 means Never.
	Wait time.Duration
	// Segment is the length of a segment. A crash costs at most the open segment. 0
	// means 5 s.
	Segment time.Duration

	// Operators are the cards of those who may pause the recording, let it go on and end it
	// by orders, without being in the room; see package order. None means that nobody may.
	Operators []keys.Card
	// Stop is called when one of them orders the end, or see Yield; it has the context of
	// Record end. Nil means that they cannot.
	Stop func()

	// The hooks that follow may be nil. They must return quickly.

	// Begun is called with the recording's ID after the room was joined and before it
	// is told of the recording.
	Begun func(id string)
	// Stage is called when Record comes to the next Stage.
	Stage func(Stage)
	// Say is called with a sentence for whoever runs the recorder: about a member whose
	// word does not hold, a reader without a place, the meeting code. The sentence may
	// name people. Several goroutines call it.
	Say func(text string)
	// Unopened is called for media that does not open, and again when it opens. Its
	// argument names people.
	Unopened func(recorder.Unopened)

	// Milestone is called for what others may be told of the recording, and for earlier
	// recordings of the spool that the stores have now. Several goroutines call it.
	Milestone func(Milestone)

	// TurnedAway is called for members with more tracks than are recorded. Its argument
	// names them.
	TurnedAway func(recorder.TurnedAway)

	// Log gets what happens. Names appear at debug level only. ArchiveLog gets what the
	// archive does; what matters of that is in Log, too. Nil discards either.
	Log, ArchiveLog *slog.Logger

	// SilentAfter is that of member.Config. Only a test sets it.
	SilentAfter time.Duration
}

// complete checks a Config, and fills in the defaults.
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
	for _, address := range []string{c.StoreURL, c.PageURL} {
		if address == "" {
			continue
		}
		if err := member.CheckAddress(address); err != nil {
			return fmt.Errorf("bot: the address %q is %w", address, err)
		}
	}
	if c.Meeting.RoomKeys != nil {
		c.Meeting.Keys = c.Meeting.RoomKeys
	}
	c.Title = media.Plain(c.Title, media.MaxTitle)
	if c.PartOf != "" {
		if err := archive.ValidID(c.PartOf); err != nil {
			return fmt.Errorf("bot: PartOf: %w", err)
		}
	}
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

// storesJoined is between the names in a StoreID.
const storesJoined = " and "

// StoreID returns a name for stores with these names together. It does not depend on
// their order.
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

// verifiers returns the verifiers for what is in the spool: those of the recorders whose
// cards are pinned.
func (c *Config) verifiers() (note.Verifiers, error) {
	if c.Home == nil {
		return note.VerifierList(c.Identity.Verifier()), nil
	}
	return c.Home.Recorders()
}
