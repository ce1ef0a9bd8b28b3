package matrixjs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/testdata/matrixjs"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A recorder is a device of recorder/matrix that follows a call, and what it was told.
type recorder struct {
	*matrix.Call
	user, device string

	mu     sync.Mutex
	events []matrix.CallEvent
}

// record has a device follow the call of the room until the test ends.
func (m *meet) record() *recorder {
	m.t.Helper()
	bot, err := m.servers.Register(m.ctx, "bot")
	m.must(err)
	m.must(m.owner.Invite(m.ctx, m.room, bot.ID))
	key, err := age.GenerateX25519Identity()
	m.must(err)
	home := matrix.Home{Dir: m.t.TempDir(), Identities: []age.Identity{key}, Recipients: []age.Recipient{key.Recipient()}}
	a, _, err := home.New(m.ctx, matrix.Login{User: bot.ID, Homeserver: m.servers.URL, Password: []byte(bot.Password)}, slog.New(slog.DiscardHandler))
	m.must(err)
	r := &recorder{user: bot.ID, device: string(a.Device())}
	m.t.Cleanup(func() { m.check(a.Close()) })
	r.Call, err = a.OpenCall(m.ctx, matrix.CallConfig{Room: id.RoomID(m.room), Data: map[string]any{"readers": 2}, OnEvent: func(e matrix.CallEvent) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	}})
	m.must(err)
	ctx, cancel := context.WithCancel(m.ctx)
	ran := make(chan error, 1)
	go func() { ran <- r.Run(ctx) }()
	m.t.Cleanup(func() {
		cancel()
		if err := <-ran; !errors.Is(err, context.Canceled) {
			m.t.Error(err)
		}
	})
	return r
}

// told returns what the recorder was told so far of a kind.
func (r *recorder) told(kind matrix.CallEventKind) []matrix.CallEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []matrix.CallEvent
	for _, e := range r.events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}

// hears waits until the recorder is told of something of that kind.
func (m *meet) hears(r *recorder, kind matrix.CallEventKind, what string, ok func(matrix.CallEvent) bool) matrix.CallEvent {
	m.t.Helper()
	for {
		list := r.told(kind)
		if i := slices.IndexFunc(list, ok); i >= 0 {
			return list[i]
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-m.ctx.Done():
			m.t.Fatalf("the recorder was not told of %s: %s", what, r)
		}
	}
}

// has reports whether the recorder was given a key, for the identity that it opens, under
// the name of the device that made it.
func (r *recorder) has(k matrixjs.Key) bool {
	return slices.ContainsFunc(r.told(matrix.Keyed), func(e matrix.CallEvent) bool {
		return string(e.Caller.User) == k.User && string(e.Caller.Device) == k.Device && e.Index == k.Index && bytes.Equal(e.Key, k.Key) &&
			slices.Contains(e.Caller.Identities, k.Identity) && e.Caller.Standing >= matrix.Signed
	})
}

// String returns what the recorder was told.
func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.events {
		fmt.Fprintf(&b, "\n%s %s %s %s %s %s", e.At.Format("15:04:05.000"), e.Kind, e.Caller.User, e.Caller.Device, e.Caller.Standing, e.Reason)
	}
	return b.String()
}

// of is for events of a person's device.
func of(p *matrixjs.Person) func(matrix.CallEvent) bool {
	return func(e matrix.CallEvent) bool {
		return string(e.Caller.User) == p.User && string(e.Caller.Device) == p.Device
	}
}

// A recorder is on the lists of Element's members, with what it says of itself and a
// notice, in both formats. It gets each key that they make, for the identity that LiveKit
// gives them, also after one left and came back; and hears what people say in the room.
func TestRecorder(t *testing.T) {
	m := newMeet(t)
	formats := []string{"state", "sticky"}
	for i := range sample.Cases(t, 2, 1) {
		t.Run(formats[i], func(t *testing.T) {
			m := m.of(t)
			sticky := i == 1
			entry := matrixjs.Entry{Service: m.service, Sticky: sticky, Hz: 440}
			r := m.record()
			if err := r.Enter(m.ctx); !errors.Is(err, matrix.ErrNobody) {
				t.Errorf("into an empty call: %v", err)
			}
			// Whoever is not known to be in the room when a sticky membership is written cannot
			// read it.
			m.wait(m.ada, "the recorder in the room", func(s matrixjs.State) bool { return s.Names[r.user] != "" })
			began := time.Now()
			m.must(m.ada.Enter(m.ctx, m.room, entry))
			m.hears(r, matrix.Came, "Ada", of(m.ada))
			m.must(r.Enter(m.ctx))
			m.must(m.ben.Enter(m.ctx, m.room, entry))
			own, identity, _ := r.Own()
			if own.Sticky != sticky || !r.Watched() {
				t.Errorf("the recorder is in as %+v", own)
			}
			if token, err := r.Token(m.ctx, m.service); err != nil || token.Identity != identity || token.JWT == "" {
				t.Errorf("token %+v, %v", token, err)
			}
			index, key := r.Key()
			for _, p := range []*matrixjs.Person{m.ada, m.ben} {
				s := m.wait(p, "the recorder and its key", func(s matrixjs.State) bool {
					_, ok := s.Member(r.user, r.device)
					return ok && len(s.Members) == 3 && len(s.KeysOf(r.user)) > 0
				})
				seen, _ := s.Member(r.user, r.device)
				if len(seen.Data["dev.sealtape.recorder"]) == 0 || seen.Identity != identity || !slices.Equal(seen.Services, []string{m.service}) {
					t.Errorf("of the recorder, %s, is seen %+v", identity, seen)
				}
				if k := s.KeysOf(r.user)[0]; k.Index != index || !bytes.Equal(k.Key, key) || k.Identity != identity {
					t.Errorf("the recorder's key came as %+v", k)
				}
			}
			before, _ := m.wait(m.ben, "himself in the call", func(s matrixjs.State) bool {
				_, ok := s.Member(m.ben.User, m.ben.Device)
				return ok
			}).Member(m.ben.User, m.ben.Device)
			left := time.Now()
			m.must(m.ben.Leave(m.ctx)) // Ada makes another key
			m.hears(r, matrix.Left, "Ben", of(m.ben))
			entered := time.Now()
			m.must(m.ben.Enter(m.ctx, m.room, entry)) // and Ben has others, from index 0
			for _, p := range []*matrixjs.Person{m.ada, m.ben} {
				// A client remembers the keys of earlier calls, and makes one more key as it leaves,
				// of a membership that is over: also when it is in the next call already.
				keys := func(s matrixjs.State) []matrixjs.Key {
					return slices.DeleteFunc(s.KeysOf(p.User), func(k matrixjs.Key) bool {
						if p == m.ben && k.At.Before(entered) {
							return k.Identity != before.Identity || k.At.Before(began) || k.At.After(left)
						}
						return k.Identity != s.Identity || k.At.Before(began)
					})
				}
				s := m.wait(p, "another key of their own", func(s matrixjs.State) bool { return len(keys(s)) > 1 })
				for _, k := range keys(s) {
					m.wait(p, fmt.Sprintf("its key %d at the recorder", k.Index), func(matrixjs.State) bool { return r.has(k) })
				}
			}
			for _, e := range r.told(matrix.Refused) {
				t.Errorf("the recorder refused something of %s: %s", e.Caller.User, e.Reason)
			}

			if err := r.SetName(m.ctx, "Sealtape - recording"); err != nil {
				t.Error(err)
			}
			_, err := r.Notice(m.ctx, "the readers are Ada and Ben")
			m.must(err)
			s := m.wait(m.ben, "the notice and the name", func(s matrixjs.State) bool {
				return s.Names[r.user] == "Sealtape - recording" &&
					slices.ContainsFunc(s.Texts, func(x matrixjs.Text) bool { return x.From == r.user && x.Kind == "m.notice" && x.Encrypted })
			})
			notice := s.Texts[len(s.Texts)-1]
			if notice.Body != "the readers are Ada and Ben" {
				t.Errorf("the notice is %+v", notice)
			}
			_, err = m.ben.Say(m.ctx, m.room, "yes", notice.ID)
			m.must(err)
			said := m.hears(r, matrix.Chat, "Ben's answer", of(m.ben))
			if said.Text != "yes" || said.To != notice.ID || !said.Encrypted {
				t.Errorf("Ben said %+v", said)
			}
			_, err = m.ada.React(m.ctx, m.room, notice.ID, "👍")
			m.must(err)
			m.hears(r, matrix.Reaction, "Ada's reaction", func(e matrix.CallEvent) bool { return e.Text == "👍" && e.To == notice.ID })
			hand, err := m.ada.Raise(m.ctx, m.room)
			m.must(err)
			m.hears(r, matrix.Hand, "Ada's hand", func(e matrix.CallEvent) bool { return of(m.ada)(e) && e.ID == hand && !e.Lowered })
			m.must(m.ada.Redact(m.ctx, m.room, hand))
			m.hears(r, matrix.Hand, "the hand lowered", func(e matrix.CallEvent) bool { return e.To == hand && e.Lowered })
			m.must(m.ada.Cheer(m.ctx, m.room, "🎉"))
			m.hears(r, matrix.Reaction, "Ada's cheer", func(e matrix.CallEvent) bool { return e.Text == "🎉" })

			m.must(r.Leave(m.ctx))
			m.wait(m.ada, "the recorder gone", func(s matrixjs.State) bool {
				_, there := s.Member(r.user, "")
				return !there
			})
			m.must(m.ada.Leave(m.ctx))
			m.must(m.ben.Leave(m.ctx))
		})
	}
}
