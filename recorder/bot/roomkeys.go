package bot

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
)

// RoomKeys are the keys of a room whose members make them, each their own, and hand them
// to one another (package keys/roomkeys). The recorder joins without any, and gets those
// of members who agreed to this recording. They are a recorder.KeyFollower, for one
// recording, and safe for concurrent use.
type RoomKeys struct {
	rings    *recorder.ParticipantKeys
	exchange atomic.Pointer[roomkeys.Exchange] // nil before the room is joined
	over     atomic.Bool                       // the recorder leaves: what it holds opens the last frames
	wake     atomic.Pointer[chan struct{}]     // of who handles events

	mu     sync.Mutex // of what follows; nothing else is called while it is held
	events []roomkeys.Event
	waits  map[string]int // how many of events are of a member
	faults int            // how many of them are troubles
	states toldStates
	since  map[string]time.Time // when members gave their keys who still do
	yes    map[string]time.Time // when members agreed who have not refused their key since
}

// NewRoomKeys returns keys of a room whose media is encrypted with AES-128.
func NewRoomKeys() *RoomKeys {
	return &RoomKeys{since: make(map[string]time.Time), yes: make(map[string]time.Time), rings: recorder.NewParticipantKeys(roomkeys.Indexes, frame.KeyOptions{Grace: frame.NoGrace})}
}

// Keyring implements recorder.KeyProvider.
func (k *RoomKeys) Keyring(participant string) *frame.Keyring { return k.rings.Keyring(participant) }

// Opened implements recorder.KeyFollower.
func (k *RoomKeys) Opened(participant string, index int) {
	if x := k.exchange.Load(); x != nil {
		x.Opened(participant, index)
	}
}

// Missing implements recorder.KeyFollower.
func (k *RoomKeys) Missing(participant string, index int) {
	if x := k.exchange.Load(); x != nil {
		x.Missing(participant, index)
	}
}

const (
	inFlight = 2 * time.Second  // how long after a key a frame from before it may still come
	keyTime  = 10 * time.Second // how long after a yes the key may come
)

// Before implements recorder.KeyFollower.
func (k *RoomKeys) Before(participant string, arrival time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if since, ok := k.since[participant]; ok {
		return !arrival.After(since.Add(inFlight))
	}
	yes, ok := k.yes[participant]
	return !ok || arrival.Before(yes.Add(keyTime))
}

// agreed reports whether a member said yes, and has not refused their key since.
func (k *RoomKeys) agreed(identity string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.yes[identity]
	return ok
}

// answered notes what a member said by their client: after a yes their key should come.
func (k *RoomKeys) answered(identity string, yes bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if yes {
		k.yes[identity] = time.Now()
	} else {
		delete(k.yes, identity)
	}
}

// left notes that somebody left: whoever comes gives their key anew.
func (k *RoomKeys) left(identity string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.since, identity)
	delete(k.yes, identity)
}

// held reports whether the recorder has the key of a member now, and else why the
// member gives none. "" means that they did not say.
func (k *RoomKeys) held(identity string) (bool, roomkeys.Why) {
	if x := k.exchange.Load(); x != nil {
		return x.Held(identity)
	}
	return false, ""
}

// notify does what an event of the exchange says, which waits for it.
func (k *RoomKeys) notify(e roomkeys.Event) {
	switch e.Kind {
	case roomkeys.Install:
		// The index and the length of the key are right.
		_ = k.rings.Keyring(e.Identity).SetRaw(e.Index, e.Key, frame.HKDF)
	case roomkeys.Retire:
		if !k.over.Load() {
			k.rings.Keyring(e.Identity).Remove(e.Index)
		}
	case roomkeys.Given, roomkeys.Withheld, roomkeys.Refused:
		k.mu.Lock()
		k.queue(e)
		if _, ok := k.since[e.Identity]; e.Kind == roomkeys.Withheld {
			delete(k.since, e.Identity)
			delete(k.yes, e.Identity)
		} else if e.Kind == roomkeys.Given && !ok {
			k.since[e.Identity] = time.Now()
		}
		k.mu.Unlock()
		if wake := k.wake.Load(); wake != nil {
			signalTo(*wake)
		}
	}
}

const (
	maxWaiting = 64               // events of one member that wait
	maxFaults  = maxAttendees / 4 // troubles that wait
)

// queue puts an event to those that wait to be handled. What one member does, or is said to
// do wrong, pushes out nothing that another signed. The caller holds k.mu.
func (k *RoomKeys) queue(e roomkeys.Event) {
	trouble := e.Kind == roomkeys.Refused
	if len(k.events) >= maxAttendees || k.waits[e.Identity] >= maxWaiting || trouble && k.faults >= maxFaults {
		return
	}
	if k.waits == nil {
		k.waits = make(map[string]int)
	}
	k.events = append(k.events, e)
	if k.waits[e.Identity]++; trouble {
		k.faults++
	}
}

// take returns the events that wait to be handled.
func (k *RoomKeys) take() []roomkeys.Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	events := k.events
	k.events, k.waits, k.faults = nil, nil, 0
	return events
}

// told notes a state that members were told.
func (k *RoomKeys) told(digest [32]byte, lines string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.states.add(digest, lines)
}

// records reports whether a member was told a state.
func (k *RoomKeys) records(digest [32]byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.states.has(digest)
}

// state returns the lines of a state, "" if they are not stored any more.
func (k *RoomKeys) state(digest [32]byte) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.states.lines[digest]
}

const (
	maxToldStates = 1 << 16
	maxToldBytes  = 8 << 20
)

// toldStates are the states that members were told. Of very many, the first are
// forgotten; the lines of old ones are, too.
type toldStates struct {
	order  [][32]byte
	known  map[[32]byte]bool
	lines  map[[32]byte]string // of the last
	stored int                 // how many of order have none any more
	bytes  int
}

func (t *toldStates) add(digest [32]byte, lines string) {
	if t.known == nil {
		t.known, t.lines = make(map[[32]byte]bool), make(map[[32]byte]string)
	}
	if t.known[digest] {
		return
	}
	if len(t.order) >= maxToldStates {
		half := len(t.order) / 2
		for _, d := range t.order[:half] {
			delete(t.known, d)
			t.drop(d)
		}
		t.order, t.stored = slices.Clone(t.order[half:]), max(0, t.stored-half)
	}
	t.order, t.known[digest], t.lines[digest] = append(t.order, digest), true, lines
	for t.bytes += len(lines); t.bytes > maxToldBytes && t.stored < len(t.order)-1; t.stored++ {
		t.drop(t.order[t.stored])
	}
}

func (t *toldStates) drop(digest [32]byte) {
	t.bytes -= len(t.lines[digest])
	delete(t.lines, digest)
}

func (t *toldStates) has(digest [32]byte) bool { return t.known[digest] }
