package livekit_test

import (
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// Two members with keys of their own under the same index rotate and ratchet
// them in mid-meeting, and the recorder learns of some of it late: not a frame
// is missing.
func TestKeysChangeInAMeeting(t *testing.T) {
	t.Parallel()
	s, ctx := server(t)
	const window = 8
	keys := recorder.NewParticipantKeys(256, frame.KeyOptions{RatchetWindow: window})
	set := func(k *frame.Keyring, index int, key string) {
		t.Helper()
		if err := k.SetRaw(index, []byte(key), frame.HKDF); err != nil {
			t.Fatal(err)
		}
	}
	rings := make(map[string]*frame.Keyring)
	for n, identity := range []string{"ada", "bob"} {
		rings[identity] = frame.NewKeyring(256, frame.KeyOptions{RatchetWindow: 1})
		set(rings[identity], 0, identity+"'s first key")
		m, err := members.Join(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r",
			Identity: identity, Name: identity, Keys: rings[identity], Audio: fixtures.Speech(n), Video: fixtures.Clock(n)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = m.Leave() })
	}
	set(keys.Keyring("ada"), 0, "ada's first key") // bob's comes later
	l := live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r", Identity: "bot", Keys: keys}, recorder.Config{})

	// reach waits until the recorder has two more seconds of all these tracks.
	reach := func(identities ...string) {
		t.Helper()
		frames, _, _ := l.read()
		var from time.Duration
		for _, f := range frames {
			from = max(from, f.Time)
		}
		l.until("two seconds of everyone", func(frames []media.Frame, _ []media.Event) bool {
			_, _, tracks := l.read()
			sounds, pictures := make(map[string]int), make(map[string]int)
			for _, f := range frames {
				if tr := tracks[f.Track]; f.Time > from && tr.Codec == media.Opus {
					sounds[tr.Participant]++
				} else if f.Time > from {
					pictures[tr.Participant]++
				}
			}
			for _, identity := range identities {
				if sounds[identity] < 100 || pictures[identity] < 20 {
					return false
				}
			}
			return true
		})
	}
	reach("ada")
	set(keys.Keyring("bob"), 0, "bob's first key")
	reach("ada", "bob")

	set(rings["ada"], 200, "ada's second key") // at another index, learned late
	reach("bob")
	set(keys.Keyring("ada"), 200, "ada's second key")
	set(keys.Keyring("bob"), 0, "bob's second key") // at the same index, learned early
	set(rings["bob"], 0, "bob's second key")
	reach("ada", "bob")

	for range window { // as far as it may go at once
		if err := rings["ada"].Ratchet(200); err != nil {
			t.Fatal(err)
		}
	}
	reach("ada", "bob")
	if err := rings["ada"].Ratchet(200); err != nil {
		t.Fatal(err)
	}
	reach("ada", "bob")
	l.stop()
	l.wait()

	frames, events, tracks := l.read()
	for _, g := range kind(events, media.EventHole) {
		if g.Reason != media.HoleStart && g.To-g.From > 100*time.Millisecond {
			t.Errorf("%s of %s: hole %v to %v, %s", tracks[g.Track].Codec, g.Participant, g.From, g.To, g.Reason)
		}
	}
	last := make(map[uint64]time.Duration)
	sounds, missing := 0, 0
	for _, f := range frames {
		if tracks[f.Track].Codec != media.Opus {
			continue
		}
		if before, ok := last[f.Track]; ok {
			sounds++
			if f.Time-before > 35*time.Millisecond {
				missing += int((f.Time-before)/(20*time.Millisecond)) - 1
			}
		}
		last[f.Track] = f.Time
	}
	if len(last) != 2 || missing > 0 {
		t.Errorf("%d sounds of %d tracks, %d are missing between them", sounds, len(last), missing)
	}
	t.Logf("%d frames, %d sounds of them, %d missing", len(frames), sounds, missing)
}
