package matrix

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/matrix/sas"
)

// An operator answers one question, when told to, and remembers it.
type operator struct {
	saw  chan sas.Shown
	says chan bool
}

func newOperator() *operator {
	return &operator{saw: make(chan sas.Shown, 1), says: make(chan bool, 1)}
}

func (o *operator) compare(ctx context.Context, s sas.Shown) (bool, error) {
	o.saw <- s
	select {
	case same := <-o.says:
		return same, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// aRoom makes a room of ada's that both are in.
func aRoom(t *testing.T, ada, bob *Account) id.RoomID {
	t.Helper()
	r, err := ada.client.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Invite: []id.UserID{bob.User()},
		InitialState: []*event.Event{{Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bob.client.JoinRoomByID(t.Context(), r.RoomID); err != nil {
		t.Fatal(err)
	}
	return r.RoomID
}

// both runs a verification on both sides, with what each operator does.
func both(t *testing.T, ada, bob *Account, room id.RoomID, compare func(a, b *operator)) (of [2]Comparison, errs [2]error) {
	t.Helper()
	one, two := newOperator(), newOperator()
	waits := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		of[1], errs[1] = bob.Verify(t.Context(), Verifying{User: string(ada.User()), Wait: true, Compare: two.compare, Tell: func(s VerifyStep) {
			if s == VerifyWaits {
				close(waits)
			}
		}})
	})
	<-waits
	wg.Go(func() {
		of[0], errs[0] = ada.Verify(t.Context(), Verifying{User: string(bob.User()), Room: string(room), Compare: one.compare})
	})
	compare(one, two)
	wg.Wait()
	return of, errs
}

// Two devices verify their users, in a room and from device to device; both know it
// from then on, also after a restart, and also where the homeserver says nothing of
// signatures. Once a key was changed, nobody is verified any more.
func TestVerify(t *testing.T) {
	for _, c := range []struct {
		name string
		room bool
	}{{"in a room", true}, {"from device to device", false}} {
		t.Run(c.name, func(t *testing.T) {
			ada, _, _, _ := logIn(t)
			bob, home, _, _ := logIn(t)
			var room id.RoomID
			if c.room {
				room = aRoom(t, ada, bob)
			}
			of, errs := both(t, ada, bob, room, func(a, b *operator) {
				sawA, sawB := <-a.saw, <-b.saw
				if !slices.Equal(sawA.Emoji, sawB.Emoji) || len(sawA.Emoji) != 7 || sawA.Decimal != sawB.Decimal {
					t.Errorf("Ada sees %v, Bob %v", sawA, sawB)
				}
				b.says <- true
				a.says <- true
			})
			if errs[0] != nil || errs[1] != nil {
				t.Fatal(errs)
			}
			_, master, err := bob.Keys()
			if err != nil || of[0].User != string(bob.User()) || of[0].Master != string(master) {
				t.Errorf("Ada has %+v, %v", of[0], err)
			}
			for i, a := range []*Account{ada, bob} {
				other := []*Account{bob, ada}[i]
				signing, identity, err := other.state.account.IdentityKeys()
				if err != nil {
					t.Fatal(err)
				}
				if _, standing := a.Standing(other.User(), identity, signing); standing != Verified {
					t.Errorf("%s is %s to %s", other.User(), standing, a.User())
				}
				// The signature alone says it, too.
				a.mu.Lock()
				a.state.Peers[other.User()].Compared = ""
				a.mu.Unlock()
				if err := a.again(t.Context(), other.User()); err != nil {
					t.Fatal(err)
				}
				if _, standing := a.Standing(other.User(), identity, signing); standing != Verified {
					t.Errorf("by the signature, %s is %s to %s", other.User(), standing, a.User())
				}
			}
			if !c.room {
				return
			}
			if err := bob.pin(ada.User(), id.Ed25519(of[1].Master), time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := bob.Close(); err != nil {
				t.Fatal(err)
			}
			again, err := home.Open(string(bob.User()), logger())
			if err != nil {
				t.Fatal(err)
			}
			*bob = Account{client: again.client, file: again.file, log: again.log, state: again.state, unwedged: again.unwedged}
			if got := bob.Compared(); len(got) != 1 || got[0].User != string(ada.User()) || got[0].Master != of[1].Master || got[0].Changed || got[0].At.IsZero() {
				t.Errorf("after a restart: %+v", got)
			}
			bob.mu.Lock()
			p := bob.state.Peers[ada.User()]
			p.take(ada.User(), nil, nil, nil, signer{})
			bob.mu.Unlock()
			if got := bob.Compared(); len(got) != 1 || !got[0].Changed {
				t.Errorf("after her keys are gone: %+v", got)
			}
		})
	}
}

// Who sees something else says so, and nobody is verified; nor is it where one side
// goes away.
func TestVerifyNot(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, _, _, _ := logIn(t)
	_, errs := both(t, ada, bob, "", func(a, b *operator) {
		<-a.saw
		<-b.saw
		b.says <- true
		a.says <- false
	})
	for i, err := range errs {
		c, ok := errors.AsType[*sas.Cancelled](err)
		if !ok || !errors.Is(err, sas.ErrNotSame) || c.Theirs != (i == 1) {
			t.Errorf("side %d: %+v", i, err)
		}
	}
	if len(ada.Compared())+len(bob.Compared()) != 0 {
		t.Error("somebody is verified")
	}

	ctx, cancel := context.WithCancel(t.Context())
	waits, over := make(chan struct{}), make(chan error, 1)
	two := newOperator()
	go func() {
		_, err := bob.Verify(t.Context(), Verifying{User: string(ada.User()), Wait: true, Compare: two.compare, Tell: func(s VerifyStep) {
			if s == VerifyWaits {
				close(waits)
			}
		}})
		over <- err
	}()
	<-waits
	_, err := ada.Verify(ctx, Verifying{User: string(bob.User()), Compare: func(ctx context.Context, _ sas.Shown) (bool, error) {
		<-two.saw
		cancel()
		<-ctx.Done()
		return true, nil
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Ada: %v", err)
	}
	if err := <-over; !errors.Is(err, sas.ErrDeclined) {
		t.Errorf("Bob: %v", err)
	}

	for user, want := range map[string]error{string(ada.User()): nil, "nobody": nil, "@nobody:meet.test": ErrNoKeys} {
		if _, err := ada.Verify(t.Context(), Verifying{User: user}); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", user, err, want)
		}
	}
}

// While it does something else, a device refuses at once: the other side is told.
func TestVerifyRefused(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, _, _, _ := logIn(t)
	for _, room := range []id.RoomID{"", aRoom(t, ada, bob)} {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := bob.Sync(ctx, func(context.Context, *Batch) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		_, err := ada.Verify(t.Context(), Verifying{User: string(bob.User()), Room: string(room)})
		if c, ok := errors.AsType[*sas.Cancelled](err); !ok || !c.Theirs || c.Code != "m.user" {
			t.Errorf("in %q: %v", room, err)
		}
		cancel()
		wg.Wait()
	}
}

// Both operators ask: one request is answered, and they compare.
func TestVerifyBothAsk(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, _, _, _ := logIn(t)
	var errs [2]error
	var wg sync.WaitGroup
	one, two := newOperator(), newOperator()
	asked := make(chan struct{}, 2)
	for i, a := range []*Account{ada, bob} {
		other, o := []*Account{bob, ada}[i], []*operator{one, two}[i]
		wg.Go(func() {
			_, errs[i] = a.Verify(t.Context(), Verifying{User: string(other.User()), Compare: o.compare, Tell: func(s VerifyStep) {
				if s == VerifyAsked {
					asked <- struct{}{}
				}
			}})
		})
	}
	over := make(chan struct{})
	go func() { wg.Wait(); close(over) }()
	var saw [2]sas.Shown
	for i, o := range []*operator{one, two} {
		select {
		case saw[i] = <-o.saw:
			o.says <- true
		case <-over:
			t.Fatal(errs)
		}
	}
	<-over
	if errs[0] != nil || errs[1] != nil || saw[0].Decimal != saw[1].Decimal || len(asked) != 2 {
		t.Errorf("%v, saw %v, %d asked", errs, saw, len(asked))
	}
}

// What else comes while emoji are compared waits for whoever follows next.
func TestVerifyKeeps(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, home, _, _ := logIn(t)
	send(t, ada, bob, `{"n":1}`)
	_, errs := both(t, ada, bob, "", func(a, b *operator) {
		<-a.saw
		<-b.saw
		send(t, ada, bob, `{"n":2}`)
		b.says <- true
		a.says <- true
	})
	if errs[0] != nil || errs[1] != nil {
		t.Fatal(errs)
	}
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := home.Open(string(bob.User()), logger())
	if err != nil {
		t.Fatal(err)
	}
	*bob = Account{client: again.client, file: again.file, log: again.log, state: again.state, unwedged: again.unwedged}
	got := messages(t, bob, 2)
	if string(got[0].Content) != `{"n":1}` || string(got[1].Content) != `{"n":2}` {
		t.Errorf("got %s and %s", got[0].Content, got[1].Content)
	}
}

// A swapped master key is not signed, and the operator is told.
func TestVerifySwapped(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, _, _, _ := logIn(t)
	eve, _, _, _ := logIn(t)
	if err := ada.Follow(t.Context(), bob.User()); err != nil {
		t.Fatal(err)
	}
	forged := *eve.state
	forged.User = bob.User()
	public, err := (&Account{state: &forged}).publicKeys()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(public["master_key"])
	if err != nil {
		t.Fatal(err)
	}
	shared.proxy.SwapKeys(string(bob.User()), map[string]json.RawMessage{"master_keys": raw})
	_, errs := both(t, ada, bob, "", func(a, b *operator) {
		<-a.saw
		<-b.saw
		a.says <- true
		b.says <- true
	})
	if !errors.Is(errs[0], sas.ErrUnvouched) || len(ada.Compared()) != 0 {
		t.Errorf("Ada has %+v, %v", ada.Compared(), errs[0])
	}
	_, master, err := bob.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if err := ada.signUser(t.Context(), bob.User(), master); !errors.Is(err, errSwapped) {
		t.Errorf("signing another key than is shown: %v", err)
	}
}

// Where both ask, the lesser user gives the other time to answer, also if what they ask comes
// twice, or they ask again.
func TestVerifyYields(t *testing.T) {
	a := bareAccount(t, "http://127.0.0.1:1")
	now := time.Now()
	w := &verifier{a: a, own: sas.Party{User: "@bot:x", Device: "D"}, other: sas.Party{User: "@cyd:x"}}
	var err error
	if w.v, err = sas.New(w.own, w.other, "", "ours", true, now); err != nil {
		t.Fatal(err)
	}
	asks := func(transaction string) *sas.Incoming {
		r := sas.Request(sas.Party{Device: "C"}, transaction, now)
		content, err := json.Marshal(r.Content)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := sas.FromDevice("@cyd:x", r.Type().Type, content)
		if !ok || !e.Asks(w.own) {
			t.Fatalf("%s is no request", content)
		}
		return e
	}
	first := asks("theirs")
	for _, e := range []*sas.Incoming{first, first, asks("theirs"), asks("another")} {
		if err := w.request(t.Context(), e, now.Add(time.Second)); err != nil || w.theirs != first || !w.v.Unanswered() {
			t.Fatalf("our request was given up: %v", err)
		}
	}
	if err := w.tick(t.Context(), now.Add(yieldAfter)); err != nil || !w.v.Unanswered() {
		t.Errorf("they have no time: %v", err)
	}
}

// Of what comes while emoji are compared, only what is encrypted is kept.
func TestOthers(t *testing.T) {
	for _, c := range []struct {
		kind string
		keep bool
		m    Message
	}{
		{"a key", true, Message{Type: rtc.KeysType, Encrypted: true, Content: json.RawMessage(`{}`)}},
		{"a key in the clear", false, Message{Type: rtc.KeysType, Content: json.RawMessage(`{}`)}},
		{"a verification", false, Message{Type: "m.key.verification.cancel", Encrypted: true, Content: json.RawMessage(`{"transaction_id":"t"}`)}},
	} {
		if others(c.m) != c.keep {
			t.Errorf("%s is kept: %t", c.kind, !c.keep)
		}
	}
}
