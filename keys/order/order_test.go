package order

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/keys"
)

// A stage has a recorder in room "board", its desk, and two people of whom one is an operator.
type stage struct {
	t        *testing.T
	desk     *Desk
	rec      *keys.Identity
	ada, eve *keys.Identity
	now      time.Time
	status   Status
	done     []string
	fails    error
	revoked  error
}

func newStage(t *testing.T, change func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Unix(1_800_000_000, 0), status: Status{Recording: "F2JE7ZY04P971PR0YHVBFNECP0", State: Recording, Backlog: 3<<20 + 1}}
	make := func(d keys.Description) *keys.Identity {
		id, err := keys.GenerateAs(d)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	s.rec = make(keys.Description{Name: "Recorder", Role: keys.Recorder})
	s.ada, s.eve = make(keys.Description{Name: "Ada"}), make(keys.Description{Name: "Ada"})
	card, err := s.ada.Card()
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Room: "board", From: "rec", Key: s.rec, Operators: []keys.Card{card}, Counts: func(keys.Card) error { return s.revoked },
		Status: func() Status { return s.status }, Now: func() time.Time { return s.now },
		Do: func(_ context.Context, what string, by keys.Card) error {
			s.done = append(s.done, what+" by "+by.Name)
			switch what {
			case Pause:
				s.status.State = Paused
			case Resume:
				s.status.State = Recording
			}
			return s.fails
		}}
	if change != nil {
		change(&c)
	}
	if s.desk, err = NewDesk(c); err != nil {
		t.Fatal(err)
	}
	return s
}

// asks returns the answer to a question of from.
func (s *stage) asks(from string) Answer {
	s.t.Helper()
	q := Question{Asked: NewNonce()}
	b, err := s.desk.Call(s.t.Context(), from, q.Marshal())
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := ParseAnswer(b, "board", "rec", q.Asked)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// order signs an order by its answer.
func (s *stage) order(a Answer, do string, by *keys.Identity) []byte {
	s.t.Helper()
	b, err := Order{Room: "board", To: "rec", Recording: a.Recording, Turn: a.Turn, Asked: NewNonce(), Do: do}.Sign(by.Signer())
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s *stage) calls(from string, b []byte) error {
	_, err := s.desk.Call(s.t.Context(), from, b)
	return err
}

// An operator asks, orders, and hears what became of it.
func TestOrder(t *testing.T) {
	s := newStage(t, nil)
	a := s.asks("x")
	if a.State != Recording || a.Recording != s.status.Recording || a.Backlog != 4 || a.Card.Name != "Recorder" {
		t.Errorf("%+v", a)
	}
	o := Order{Room: "board", To: "rec", Recording: a.Recording, Turn: a.Turn, Asked: NewNonce(), Do: Pause}
	b, err := o.Sign(s.ada.Signer())
	if err != nil {
		t.Fatal(err)
	}
	reply, err := s.desk.Call(t.Context(), "x", b)
	if err != nil {
		t.Fatal(err)
	}
	after, err := ParseAnswer(reply, "board", "rec", o.Asked)
	if err != nil || after.State != Paused || after.Turn == a.Turn {
		t.Errorf("%+v, %v", after, err)
	}
	if err := s.calls("x", s.order(after, Resume, s.ada)); err != nil {
		t.Error(err)
	}
	s.fails = errors.New("no room")
	if err := s.calls("x", s.order(s.asks("x"), Stop, s.ada)); !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	if want := []string{"pause by Ada", "resume by Ada", "stop by Ada"}; !slices.Equal(s.done, want) {
		t.Errorf("did %q", s.done)
	}
}

// Neither a member nor the server can forge an order, change one, replay one, hold one back,
// swap two, or send one to somebody else.
func TestAttacks(t *testing.T) {
	for name, attack := range map[string]func(s *stage) error{
		"forged by another key of the same name": func(s *stage) error { return s.calls("x", s.order(s.asks("x"), Pause, s.eve)) },
		"signed by the recorder itself":          func(s *stage) error { return s.calls("x", s.order(s.asks("x"), Pause, s.rec)) },
		"not signed": func(s *stage) error {
			text, _, _ := bytes.Cut(s.order(s.asks("x"), Pause, s.ada), []byte("\n\n"))
			return s.calls("x", append(text, '\n'))
		},
		"signed twice": func(s *stage) error {
			a := s.asks("x")
			b := s.order(a, Pause, s.ada)
			other := Order{Room: "board", To: "rec", Recording: a.Recording, Turn: a.Turn, Asked: NewNonce(), Do: Pause}
			o, err := other.Sign(s.eve.Signer())
			if err != nil {
				s.t.Fatal(err)
			}
			return s.calls("x", append(b, o[bytes.Index(o, []byte("\n\n"))+2:]...))
		},
		"changed from pause to resume": func(s *stage) error {
			return s.calls("x", bytes.Replace(s.order(s.asks("x"), Pause, s.ada), []byte("do: pause"), []byte("do: resume"), 1))
		},
		"a turn that the server made up": func(s *stage) error {
			a := s.asks("x")
			a.Turn = NewNonce()
			return s.calls("x", s.order(a, Pause, s.ada))
		},
		"replayed": func(s *stage) error {
			b := s.order(s.asks("x"), Pause, s.ada)
			if err := s.calls("x", b); err != nil {
				s.t.Fatal(err)
			}
			s.done = nil
			return s.calls("x", b)
		},
		"replayed after another": func(s *stage) error {
			b := s.order(s.asks("x"), Pause, s.ada)
			if err := errors.Join(s.calls("x", b), s.calls("x", s.order(s.asks("x"), Resume, s.ada))); err != nil {
				s.t.Fatal(err)
			}
			s.done = nil
			return s.calls("x", b)
		},
		"held back until another was done": func(s *stage) error {
			pause, resume := s.order(s.asks("x"), Pause, s.ada), s.order(s.asks("y"), Resume, s.ada)
			if err := s.calls("x", resume); err != nil {
				s.t.Fatal(err)
			}
			s.done = nil
			return s.calls("x", pause)
		},
		"held back for long": func(s *stage) error {
			b := s.order(s.asks("x"), Pause, s.ada)
			s.now = s.now.Add(turnTime)
			return s.calls("x", b)
		},
		"to the recorder of another room": func(s *stage) error {
			b, err := Order{Room: "lecture", To: "rec", Recording: s.status.Recording, Turn: s.asks("x").Turn, Do: Pause}.Sign(s.ada.Signer())
			if err != nil {
				s.t.Fatal(err)
			}
			return s.calls("x", b)
		},
		"to another recorder": func(s *stage) error {
			b, err := Order{Room: "board", To: "rec2", Recording: s.status.Recording, Turn: s.asks("x").Turn, Do: Pause}.Sign(s.ada.Signer())
			if err != nil {
				s.t.Fatal(err)
			}
			return s.calls("x", b)
		},
		"about another recording": func(s *stage) error {
			b := s.order(s.asks("x"), Pause, s.ada)
			s.status.Recording = "F2JE7ZY04P971PR0YHVBFNECP1"
			return s.calls("x", b)
		},
		"by who was revoked meanwhile": func(s *stage) error {
			b := s.order(s.asks("x"), Pause, s.ada)
			s.revoked = errors.New("revoked")
			return s.calls("x", b)
		},
		"with a line more": func(s *stage) error {
			return s.calls("x", bytes.Replace(s.order(s.asks("x"), Pause, s.ada), []byte("\n\n"), []byte("\nreader: eve\n\n"), 1))
		},
		"nonsense": func(s *stage) error { return s.calls("x", []byte("sealtape.v1/order\n")) },
		"long":     func(s *stage) error { return s.calls("x", bytes.Repeat([]byte("x"), MaxMessage+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, nil)
			if err := attack(s); err == nil || len(s.done) > 0 {
				t.Errorf("%v; did %q", err, s.done)
			}
			// And it costs the operator nothing.
			s.revoked, s.done = nil, nil
			s.now = s.now.Add(callEvery)
			if err := s.calls("ops", s.order(s.asks("ops"), Stop, s.ada)); err != nil || len(s.done) != 1 {
				t.Errorf("afterwards %v; did %q", err, s.done)
			}
		})
	}
}

// Whoever calls all the time does not keep others from it.
func TestFlood(t *testing.T) {
	s := newStage(t, nil)
	a := s.asks("ops")
	refused := 0
	for i := range 5000 {
		if errors.Is(s.calls("eve", Question{Asked: NewNonce()}.Marshal()), ErrFlood) {
			refused++
		}
		s.now = s.now.Add(time.Millisecond)
		if n := len(s.desk.turns); n > turnsEach+1 {
			t.Fatalf("%d turns after %d calls", n, i)
		}
	}
	if refused < 4900 {
		t.Errorf("%d calls were refused", refused)
	}
	if err := s.calls("ops", s.order(a, Pause, s.ada)); err != nil {
		t.Errorf("the turn of before: %v", err)
	}
	for i := range 3 * maxCallers {
		_ = s.calls(fmt.Sprint("eve", i), Question{Asked: NewNonce()}.Marshal())
	}
	if len(s.desk.calls) > maxCallers || len(s.desk.turns) > maxTurns {
		t.Errorf("remembers %d callers and %d turns", len(s.desk.calls), len(s.desk.turns))
	}
	s.now = s.now.Add(time.Minute)
	if err := s.calls("late", s.order(s.asks("late"), Resume, s.ada)); err != nil {
		t.Error(err)
	}
}

// An answer counts only for what was asked, of whom, and by a recorder's key.
func TestAnswers(t *testing.T) {
	s := newStage(t, nil)
	q := Question{Asked: NewNonce()}
	b, err := s.desk.Call(t.Context(), "x", q.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	member := newStage(t, func(c *Config) {
		id, err := keys.Generate("Recorder")
		if err != nil {
			t.Fatal(err)
		}
		c.Key = id
	})
	byMember, err := member.desk.Call(t.Context(), "x", q.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() error{
		"another question": func() error { _, err := ParseAnswer(b, "board", "rec", NewNonce()); return err },
		"another room":     func() error { _, err := ParseAnswer(b, "lecture", "rec", q.Asked); return err },
		"another identity": func() error { _, err := ParseAnswer(b, "board", "rec2", q.Asked); return err },
		"changed": func() error {
			_, err := ParseAnswer(bytes.Replace(b, []byte("state: recording"), []byte("state: paused"), 1), "board", "rec", q.Asked)
			return err
		},
		"a member's key": func() error { _, err := ParseAnswer(byMember, "board", "rec", q.Asked); return err },
		"no signature": func() error {
			text, _, _ := strings.Cut(string(b), "\n\n")
			_, err := ParseAnswer([]byte(text+"\n"), "board", "rec", q.Asked)
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// FuzzCall: nothing that is sent does anything but answer or refuse.
func FuzzCall(f *testing.F) {
	f.Add([]byte("sealtape.v1/question\nasked: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"))
	f.Add([]byte("sealtape.v1/order\nroom: Ym9hcmQ=\nto: cmVj\nrecording: -\nturn: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nasked: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ndo: stop\n\n— x y\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newStage(t, nil)
		answer, err := s.desk.Call(t.Context(), "x", b)
		if len(s.done) > 0 || (err == nil) != (len(answer) > 0) {
			t.Fatalf("%v, did %q", err, s.done)
		}
		if err == nil && !bytes.HasPrefix(b, []byte("sealtape.v1/question\n")) {
			t.Fatalf("answers %q", b)
		}
	})
}
