package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"filippo.io/age"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/olm"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/sealed"
)

// stateVersion is that of the file's contents. A higher one is refused.
const stateVersion = 1

// Bounds of what is kept. Others choose how many devices they have and how often
// they begin anew, so each list has one.
const (
	maxSessions       = 5        // Olm sessions with one device
	maxAllSessions    = 2000     // with all devices; of those that are not known, half of it
	maxPeers          = 2000     // users whose devices are known
	maxStrangePeers   = 200      // of them, of those who are in no room with this account; before, that many are known
	maxStrangeDevices = 20       // of one of those
	maxDevices        = 200      // of one user
	maxGroups         = 2000     // Megolm sessions of others
	maxGroupsUser     = 200      // of one of them
	maxIndices        = 20000    // messages in rooms that were decrypted
	maxInbox          = 500      // to-device events that are not handled yet
	maxOfSender       = 100      // of them, of one sender
	maxInboxBytes     = 2 << 20  // of them
	maxContent        = 16 << 10 // bytes of one of them
)

// maxName bounds IDs, in bytes.
const maxName = 255

// A Home is where the state of accounts is kept, and to whom it is sealed: a sealed.Folder.
type Home struct {
	Dir        string // for these files alone; made if it is not there
	Identities []age.Identity
	Recipients []age.Recipient
}

func (h Home) folder() sealed.Folder { return sealed.Folder(h) }

// unreadable makes ErrState of what a file of a state cannot be read for.
func unreadable(err error) error {
	if errors.Is(err, sealed.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	return err
}

// ErrState says that a state file is damaged, or of a newer version.
var ErrState = errors.New("the Matrix state cannot be read")

// savedState is the file's contents. What has a ratchet is a pickle under Pickle,
// a key which is as good as any inside the file: pickles want one.
type savedState struct {
	Version    int
	Homeserver string
	User       id.UserID
	Device     id.DeviceID
	Token      string
	Next       string    // where /sync goes on
	Uploaded   bool      // the device's keys
	Fallback   time.Time `json:",omitzero"` // when the last fallback key was made

	Pickle   []byte
	Account  []byte
	Sessions map[id.Curve25519][]savedSession
	Groups   []savedGroup
	Indices  []groupIndex // oldest first

	Seeds seeds
	Peers map[id.UserID]*peer
	Rooms *mautrix.MemoryStateStore
	Inbox []Message

	// Sticky events of rooms, which do not come again, and the IDs under which this
	// device is a member by one.
	Sticky map[id.RoomID][]stuck
	Member map[id.RoomID]string
}

type savedSession struct {
	Pickle []byte
	Used   time.Time
}

type savedGroup struct {
	Pickle    []byte
	Room      id.RoomID
	ID        id.SessionID
	SenderKey id.Curve25519
	Signing   id.Ed25519 // of the device that made it
	Sender    id.UserID
}

// seeds are the private cross-signing keys, 32 bytes each, or none.
type seeds struct{ Master, Self, User []byte }

func (s seeds) complete() bool { return len(s.Master) == 32 && len(s.Self) == 32 && len(s.User) == 32 }

// A session is an Olm session with a device.
type session struct {
	olm.Session
	used time.Time
}

// A group is a Megolm session of another device in a room.
type group struct {
	olm.InboundGroupSession
	room      id.RoomID
	id        id.SessionID
	senderKey id.Curve25519
	signing   id.Ed25519
	sender    id.UserID
}

// A groupIndex says which event a message of a Megolm session was, so that it
// cannot be another one later.
type groupIndex struct {
	Session id.SessionID
	Index   uint
	Event   id.EventID
	Time    int64 // milliseconds since 1970
	Sender  id.UserID
}

// state is a savedState in use, with ratchets that turn.
type state struct {
	savedState
	account  olm.Account
	sessions map[id.Curve25519][]*session // last used first
	groups   []*group                     // oldest first
	outbound map[id.RoomID]*outbound      // not saved: a new one is shared
}

// newState returns that of a device which has no keys yet.
func newState() (*state, error) {
	ratchets()
	s := &state{savedState: savedState{Version: stateVersion, Pickle: random(32)}}
	var err error
	if s.account, err = olm.NewAccount(); err != nil {
		return nil, err
	}
	s.fill()
	return s, nil
}

// fill makes the maps that are missing.
func (s *state) fill() {
	s.sessions, s.outbound = make(map[id.Curve25519][]*session), make(map[id.RoomID]*outbound)
	if s.Peers == nil {
		s.Peers = make(map[id.UserID]*peer)
	}
	if s.Sticky == nil {
		s.Sticky = make(map[id.RoomID][]stuck)
	}
	if s.Member == nil {
		s.Member = make(map[id.RoomID]string)
	}
	fresh := mautrix.NewMemoryStateStore().(*mautrix.MemoryStateStore)
	if s.Rooms == nil {
		s.Rooms = fresh
	}
	if s.Rooms.Members == nil {
		s.Rooms.Members = fresh.Members
	}
	if s.Rooms.MembersFetched == nil {
		s.Rooms.MembersFetched = fresh.MembersFetched
	}
	if s.Rooms.PowerLevels == nil {
		s.Rooms.PowerLevels = fresh.PowerLevels
	}
	if s.Rooms.Encryption == nil {
		s.Rooms.Encryption = fresh.Encryption
	}
	if s.Rooms.Create == nil {
		s.Rooms.Create = fresh.Create
	}
	if s.Rooms.JoinRules == nil {
		s.Rooms.JoinRules = fresh.JoinRules
	}
	if s.Rooms.HistoryVisibility == nil {
		s.Rooms.HistoryVisibility = fresh.HistoryVisibility
	}
}

// marshal returns the file's contents.
func (s *state) marshal() ([]byte, error) {
	v := s.savedState
	var err error
	if v.Account, err = s.account.Pickle(s.pickle()); err != nil {
		return nil, fmt.Errorf("could not write the Olm account: %w", err)
	}
	v.Sessions = make(map[id.Curve25519][]savedSession)
	for key, list := range s.sessions {
		for _, o := range list {
			p, err := o.Pickle(s.pickle())
			if err != nil {
				return nil, fmt.Errorf("could not write an Olm session: %w", err)
			}
			v.Sessions[key] = append(v.Sessions[key], savedSession{Pickle: p, Used: o.used})
		}
	}
	v.Groups = nil
	for _, g := range s.groups {
		p, err := g.Pickle(s.pickle())
		if err != nil {
			return nil, fmt.Errorf("could not write a Megolm session: %w", err)
		}
		v.Groups = append(v.Groups, savedGroup{Pickle: p, Room: g.room, ID: g.id, SenderKey: g.senderKey, Signing: g.signing, Sender: g.sender})
	}
	b, err := json.Marshal(v)
	if err == nil && len(b) > sealed.MaxSize {
		err = fmt.Errorf("the Matrix state has grown to %d bytes", len(b))
	}
	return b, err
}

// pickle returns a copy of the key of pickles: some of what it is given to wipes
// it.
func (s *state) pickle() []byte { return append([]byte(nil), s.Pickle...) }

// parseState reads the file's contents. They come from a sealed file, so from
// whoever could seal: everybody who has the home's card.
func parseState(b []byte) (*state, error) {
	ratchets()
	s := new(state)
	if len(b) > sealed.MaxSize {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrState, sealed.MaxSize)
	}
	if err := json.Unmarshal(b, &s.savedState); err != nil {
		return nil, fmt.Errorf("%w: it is no JSON of ours", ErrState) // the error may quote it
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("%w: it has version %d, and this program knows %d", ErrState, s.Version, stateVersion)
	}
	if s.User == "" || s.Device == "" || s.Homeserver == "" || len(s.Pickle) != 32 {
		return nil, fmt.Errorf("%w: the account is missing", ErrState)
	}
	if len(s.Sessions) > maxPeers*maxDevices || len(s.Groups) > maxGroups || len(s.Indices) > maxIndices || len(s.Inbox) > maxInbox || len(s.Sticky) > maxStuckRooms || len(s.Member) > maxStuckRooms {
		return nil, fmt.Errorf("%w: it has more than was ever written", ErrState)
	}
	s.fill()
	var err error
	if contained := contain(func() { err = s.unpickle() }); contained != nil || err != nil {
		return nil, fmt.Errorf("%w: its keys are damaged", ErrState)
	}
	for user, p := range s.Peers {
		if p == nil {
			delete(s.Peers, user)
		}
	}
	s.savedState.Account, s.savedState.Sessions, s.savedState.Groups = nil, nil, nil // in use from here on
	return s, nil
}

func (s *state) unpickle() (err error) {
	if s.account, err = olm.AccountFromPickled(s.savedState.Account, s.pickle()); err != nil {
		return err
	}
	for key, list := range s.Sessions {
		for _, p := range list[:min(len(list), maxSessions)] {
			o, err := olm.SessionFromPickled(p.Pickle, s.pickle())
			if err != nil {
				return err
			}
			s.sessions[key] = append(s.sessions[key], &session{Session: o, used: p.Used})
		}
	}
	for _, p := range s.Groups {
		g, err := olm.InboundGroupSessionFromPickled(p.Pickle, s.pickle())
		if err != nil {
			return err
		}
		s.groups = append(s.groups, &group{InboundGroupSession: g, room: p.Room, id: p.ID, senderKey: p.SenderKey, signing: p.Signing, sender: p.Sender})
	}
	return nil
}

// last returns the last n elements of a list.
func last[T any](list []T, n int) []T { return list[max(0, len(list)-n):] }
