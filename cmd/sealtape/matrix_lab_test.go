//go:build unix

package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/testdata/calls"
)

// matrixServers are the homeserver of all tests of Matrix calls. Who makes it hostile,
// crashes it or wants it otherwise starts servers of their own: see matrixLab.own.
var matrixServers = &fixture[*calls.Servers]{
	create: func(ctx context.Context, progress func(string)) (*calls.Servers, error) {
		return calls.Start(ctx, calls.Config{Progress: progress})
	},
	remove: (*calls.Servers).Stop,
}

// A matrixLab is a lab with a homeserver, and a token service that sends members of calls
// to the lab's LiveKit server.
type matrixLab struct {
	*lab
	*calls.Servers
	service string // URL of the token service
}

// matrix returns the lab with the homeserver that tests share.
func (l *lab) matrix() *matrixLab {
	l.t.Helper()
	return l.matrixOf(matrixServers.get(l.t))
}

// ownMatrix returns the lab with a homeserver of this test's own.
func (l *lab) ownMatrix(c calls.Config) *matrixLab {
	l.t.Helper()
	c.Progress = func(s string) { l.t.Log(s) }
	s, err := calls.Start(l.ctx, c)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			l.t.Error(err)
		}
	})
	return l.matrixOf(s)
}

func (l *lab) matrixOf(s *calls.Servers) *matrixLab {
	return &matrixLab{lab: l, Servers: s, service: s.Service(l.lk)}
}

// user registers a user whose name begins with name.
func (m *matrixLab) user(name string) *calls.User {
	m.t.Helper()
	u, err := m.Register(m.ctx, name)
	if err != nil {
		m.t.Fatal(err)
	}
	return u
}

// callRoom makes a room as owner and has the others join it, but for the bot, who is only
// invited.
func (m *matrixLab) callRoom(r calls.Room, owner *calls.User, bot *calls.User, others ...*calls.User) string {
	m.t.Helper()
	r.Invite = append(r.Invite, bot.ID)
	for _, u := range others {
		r.Invite = append(r.Invite, u.ID)
	}
	id, err := owner.CreateRoom(m.ctx, r)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, u := range others {
		if err := u.Join(m.ctx, id); err != nil {
			m.t.Fatal(err)
		}
	}
	return id
}

// account logs a user in as a device in a home, as sealtape matrix login does, without
// asking or telling anybody anything.
func (m *matrixLab) account(home string, u *calls.User) *matrix.Account {
	m.t.Helper()
	at := m.matrixHome(home)
	a, _, err := at.New(m.ctx, matrix.Login{User: u.ID, Homeserver: m.URL, Password: []byte(u.Password)}, discard)
	if err != nil {
		m.t.Fatal(err)
	}
	return a
}

// discard takes what is logged.
var discard = slog.New(slog.DiscardHandler)

// matrixHome returns where the Matrix accounts of a home are.
func (m *matrixLab) matrixHome(home string) matrix.Home {
	m.t.Helper()
	h, err := keys.OpenHome(home)
	if err != nil {
		m.t.Fatal(err)
	}
	id, err := h.Load(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	return matrix.Home{Dir: filepath.Join(home, "matrix"), Identities: id.AgeIdentities(), Recipients: id.Recipients()}
}

// A recorder's account is one that sealtape record finds in its home; and leaves alone
// without --matrix.
func TestMatrixLab(t *testing.T) {
	m := newLab(t).matrix()
	home, _ := m.recorder("Recorder")
	bot, ada := m.user("bot"), m.user("ada")
	if err := m.account(home, bot).Close(); err != nil {
		t.Fatal(err)
	}
	room := m.callRoom(calls.Room{}, ada, bot)
	if err := bot.Join(m.ctx, room); err != nil {
		t.Errorf("the bot was not invited: %v", err)
	}
	m.publisher(m.lab.room("weekly"), "speaker", "Speaker")
	store := filepath.Join(m.dir, "store")
	rec := m.record(home, "--room", m.lab.room("weekly"), "--store", store, "--reader", "Recorder", "--segment", "1s")
	m.segments(home, store, rec.id, 0)
	a, err := m.matrixHome(home).Open(bot.ID, discard)
	if err != nil {
		t.Fatalf("a recorder without --matrix holds the account: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	rec.stop(syscall.SIGINT)
	if in, err := ada.CallMembers(m.ctx, room); err != nil || len(in) > 0 {
		t.Errorf("in the call are %q, %v", in, err)
	}
}
