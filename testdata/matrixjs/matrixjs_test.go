package matrixjs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/testdata/calls"
	"github.com/sealtape/sealtape/testdata/matrixjs"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// The servers and the browser that all tests of this package use.
var shared struct {
	once    sync.Once
	err     error
	livekit *servers.LiveKit
	servers *calls.Servers
	browser *matrixjs.Browser
}

func TestMain(m *testing.M) {
	code := m.Run()
	var err error
	if shared.browser != nil {
		err = shared.browser.Close()
	}
	if shared.servers != nil {
		err = errors.Join(err, shared.servers.Stop())
	}
	if shared.livekit != nil {
		err = errors.Join(err, shared.livekit.Stop())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "what the tests shared:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// share starts what the tests share.
func share(ctx context.Context, progress func(string)) error {
	shared.once.Do(func() {
		var g errgroup.Group
		g.Go(func() (err error) {
			shared.livekit, err = servers.StartLiveKit(ctx, servers.LiveKitConfig{Progress: progress})
			return err
		})
		g.Go(func() (err error) {
			shared.servers, err = calls.Start(ctx, calls.Config{Progress: progress})
			return err
		})
		g.Go(func() (err error) {
			shared.browser, err = matrixjs.Open(ctx, nil, nil)
			return err
		})
		shared.err = g.Wait()
	})
	return shared.err
}

// A meet is a room with people in it.
type meet struct {
	t       *testing.T
	ctx     context.Context
	servers *calls.Servers
	service string
	room    string
	browser *matrixjs.Browser
	owner   *calls.User
	ada     *matrixjs.Person
	ben     *matrixjs.Person
}

// newMeet has two people in an encrypted room.
func newMeet(t *testing.T) *meet {
	t.Helper()
	sample.Live(t)
	if err := share(context.WithoutCancel(t.Context()), func(s string) { t.Log(s) }); err != nil {
		t.Fatal(err)
	}
	m := (&meet{servers: shared.servers, service: shared.servers.Service(shared.livekit), browser: shared.browser}).of(t)
	ctx := m.ctx
	var users []*calls.User
	for _, name := range []string{"ada", "ben"} {
		u, err := m.servers.Register(ctx, name)
		m.must(err)
		users = append(users, u)
	}
	m.owner = users[0]
	var err error
	m.room, err = m.owner.CreateRoom(ctx, calls.Room{Invite: []string{users[1].ID}})
	m.must(err)
	people := make([]*matrixjs.Person, len(users))
	var g errgroup.Group
	for i, u := range users {
		g.Go(func() (err error) {
			people[i], err = m.browser.Login(ctx, matrixjs.Login{Homeserver: m.servers.URL, User: u.ID, Password: u.Password})
			return err
		})
	}
	m.must(g.Wait())
	m.ada, m.ben = people[0], people[1]
	m.must(m.ben.Join(ctx, m.room))
	return m
}

// of returns the same for a test of its own.
func (m *meet) of(t *testing.T) *meet {
	ctx := sample.Context(t)
	other := *m
	other.t, other.ctx = t, ctx
	return &other
}

func (m *meet) check(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Error(err)
	}
}

func (m *meet) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *meet) wait(p *matrixjs.Person, what string, cond func(matrixjs.State) bool) matrixjs.State {
	m.t.Helper()
	s, err := p.Wait(m.ctx, m.room, cond)
	if err != nil {
		log, _ := m.browser.Log(context.WithoutCancel(m.ctx))
		m.t.Fatalf("%s, of %s: %v\n%+v\n%s", what, p.User, err, s, log)
	}
	return s
}

// Two members in each format hear and see one another under keys of their own, which
// change when one leaves; who comes back has others than before.
func TestCall(t *testing.T) {
	m := newMeet(t)
	formats := []string{"state", "sticky"}
	for i := range sample.Cases(t, 2, 1) {
		t.Run(formats[i], func(t *testing.T) {
			m := m.of(t)
			sticky := i == 1
			adas := matrixjs.Entry{Service: m.service, Sticky: sticky, Hz: 440, Colour: "#c00"}
			bens := matrixjs.Entry{Service: m.service, Sticky: sticky, Hz: 660, Colour: "#00c"}
			m.must(m.ada.Enter(m.ctx, m.room, adas))
			m.must(m.ben.Enter(m.ctx, m.room, bens))
			s := m.wait(m.ada, "Ben's sound and picture", func(s matrixjs.State) bool {
				b, ok := s.Member(m.ben.User, m.ben.Device)
				return ok && s.Hears(b.Identity, 660) && s.Sees(b.Identity)
			})
			b, _ := s.Member(m.ben.User, m.ben.Device)
			if b.Sticky != sticky || !slices.Equal(b.Services, []string{m.service}) {
				t.Errorf("Ben is %+v", b)
			}
			if state := b.Identity == m.ben.User+":"+m.ben.Device; state == sticky {
				t.Errorf("Ben's identity is %s", b.Identity)
			}
			m.wait(m.ben, "Ada's sound", func(s matrixjs.State) bool {
				a, ok := s.Member(m.ada.User, m.ada.Device)
				return ok && s.Hears(a.Identity, 440)
			})
			first := s.KeysOf(m.ben.User)
			own := s.KeysOf(m.ada.User)
			m.must(m.ben.Leave(m.ctx))
			m.wait(m.ada, "a new key of her own", func(s matrixjs.State) bool {
				_, there := s.Member(m.ben.User, "")
				return !there && len(s.KeysOf(m.ada.User)) > len(own)
			})
			m.must(m.ben.Enter(m.ctx, m.room, bens))
			s = m.wait(m.ada, "Ben's sound again", func(s matrixjs.State) bool {
				b, ok := s.Member(m.ben.User, m.ben.Device)
				return ok && s.Hears(b.Identity, 660)
			})
			again := s.KeysOf(m.ben.User)
			if len(again) <= len(first) || slices.Equal(again[len(again)-1].Key, first[0].Key) {
				t.Errorf("Ben's keys: %d, then %d", len(first), len(again))
			}
			// Who is cut off is taken off the list by the homeserver.
			if sample.All() {
				m.must(m.ben.CutOff(m.ctx, true))
				m.wait(m.ada, "Ben gone", func(s matrixjs.State) bool {
					_, there := s.Member(m.ben.User, "")
					return !there
				})
				m.must(m.ben.CutOff(m.ctx, false)) // his client joins again
			}
			m.must(m.ben.Leave(m.ctx))
			m.must(m.ada.Leave(m.ctx))
			for _, p := range []*matrixjs.Person{m.ada, m.ben} {
				if s, err := p.State(m.ctx, m.room); err != nil || len(s.Errors) > 0 {
					t.Errorf("%s: %v, %v", p.User, s.Errors, err)
				}
			}
			if dir := os.Getenv("SEALTAPE_SCREENSHOTS"); dir != "" {
				png, err := m.browser.Screenshot(m.ctx)
				m.must(err)
				m.must(os.WriteFile(fmt.Sprintf("%s/matrixjs-%s.png", dir, formats[i]), png, 0o644))
			}
		})
	}
}
