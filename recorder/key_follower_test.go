package recorder

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
)

// A listeningRing is a KeyFollower that notes what it is told.
type listeningRing struct {
	ring            *frame.Keyring
	opened, missing []int
	before          time.Time
}

func (l *listeningRing) Keyring(string) *frame.Keyring      { return l.ring }
func (l *listeningRing) Opened(_ string, index int)         { l.opened = append(l.opened, index) }
func (l *listeningRing) Missing(_ string, index int)        { l.missing = append(l.missing, index) }
func (l *listeningRing) Before(_ string, at time.Time) bool { return at.Before(l.before) }

// It is told of each index that opens frames, once, and of one that is missing ten times a
// second; and asked only about frames without a key.
func TestKeyReports(t *testing.T) {
	start := time.Now()
	l := &listeningRing{before: start.Add(time.Second)}
	k := newKeyReports(l, "ada")
	sealed := func(index byte) []byte { return append(make([]byte, 40), 12, index) }
	for n := range 20 {
		k.report(sealed(3), Kept, start)
		k.report(sealed(4), NoKey, start.Add(time.Duration(n)*20*time.Millisecond))
	}
	k.report(sealed(4), Kept, start)
	k.report([]byte("plain"), Kept, start)
	if !slices.Equal(l.opened, []int{3, 4}) || !slices.Equal(l.missing, []int{4, 4, 4, 4}) {
		t.Errorf("told of %v and %v", l.opened, l.missing)
	}
	for outcome, want := range map[Outcome]string{NoKey: holeBefore, Auth: media.HoleAuth} {
		if got := k.reason(outcome, start); got != want {
			t.Errorf("%s: %s", outcome, got)
		}
	}
	if got := k.reason(NoKey, start.Add(time.Second)); got != media.HoleNoKey {
		t.Errorf("after the key: %s", got)
	}
	none := newKeyReports(SharedKeys(l.ring), "ada")
	if none.report(sealed(1), Kept, start); none.reason(NoKey, start) != media.HoleNoKey {
		t.Error("a provider that does not follow")
	}
}

// A picture whose frames open behind some that do not is asked for a key frame at once,
// five times a second at most, until one has come.
func TestKeyFrameBehindFramesThatDoNotOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		k := keyFrames{request: func() { asked++ }}
		k.ask()
		shut, open := pendingUnit{outcome: NoKey}, pendingUnit{outcome: Kept}
		d := decryption{keyFrames: &k, pending: []pendingUnit{shut, open, open}}
		for range 50 {
			time.Sleep(20 * time.Millisecond)
			if d.lacksKeyFrame() {
				k.askAgain()
			}
		}
		if asked != 6 {
			t.Errorf("asked %d times in a second", asked)
		}
		key := open
		key.unit.Key = true
		for name, pending := range map[string][]pendingUnit{"nothing waits": nil, "all open": {open, open}, "a key frame came": {shut, open, key}} {
			if d.pending = pending; d.lacksKeyFrame() {
				t.Errorf("%s: one is asked for", name)
			}
		}
		var sound keyFrames
		sound.askAgain()
	})
}
