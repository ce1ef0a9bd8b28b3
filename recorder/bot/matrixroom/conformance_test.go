package matrixroom

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/matrix/token"
	"github.com/sealtape/sealtape/recorder/roomtest"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// Calls on real LiveKit servers keep the contract that other rooms do: here each member is at
// a server of their own.
func TestConformance(t *testing.T) {
	t.Parallel()
	sample.Live(t)
	ctx := sample.Context(t)
	lk := make(map[string]*servers.LiveKit) // by service
	for _, service := range []string{one, two} {
		s, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Kill()
		lk[service] = s
	}
	n := 0
	roomtest.TestRoom(t, func(t *testing.T) roomtest.Meeting {
		n++
		name := fmt.Sprint("room", n) // each test has its own
		fake := &tokenCall{fakeCall: fakeCall{failing: make(chan error)}, token: func(service string) (token.Token, error) {
			s := lk[service]
			jwt, err := members.Token(s.APIKey, s.APISecret, members.Grant{Room: name, Identity: "own hash"})
			return token.Token{URL: s.URL, JWT: jwt, Identity: "own hash"}, err
		}}
		come := func(m matrix.Caller, voice int) (*members.Member, error) {
			s := lk[m.Services[0]]
			ring := frame.NewKeyring(256, frame.KeyOptions{})
			if err := ring.SetRaw(0, []byte("0123456789abcdef"), frame.HKDF); err != nil {
				return nil, err
			}
			fake.tell(matrix.Came, m)
			return members.Join(ctx, members.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: name,
				Identity: identityOf(m), Keys: ring, Audio: fixtures.Speech(voice)})
		}
		meeting := Meeting(Config{Room: "#weekly:hs",
			open: func(_ context.Context, config matrix.CallConfig) (call, string, error) {
				fake.mu.Lock()
				defer fake.mu.Unlock()
				fake.config = config
				return fake, "@bot:hs:BOT", nil
			}})
		joining := make(chan bot.Room, 1)
		go func() {
			room, err := meeting.Join(ctx, bot.Presence{})
			if err != nil {
				t.Error(err)
			}
			joining <- room
		}()
		adaIs, benIs := caller("ada", "A", one), caller("ben", "B", two)
		for fake.opened() == nil {
			time.Sleep(time.Millisecond)
		}
		ada, err := come(adaIs, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ada.Leave() })
		room := <-joining
		if room == nil {
			t.FailNow()
		}
		return roomtest.Meeting{Room: plainNames{room}, Play: func(heard func(string)) error {
			ben, err := come(benIs, 1)
			if err != nil {
				return err
			}
			heard("ben")
			fake.tell(matrix.Left, benIs)
			err = ben.Leave()
			fake.tell(matrix.Left, adaIs)
			err = errors.Join(err, ada.Leave())
			fake.failing <- matrix.ErrRemoved
			return err
		}}
	})
}

// A tokenCall has real tokens.
type tokenCall struct {
	fakeCall
	token func(service string) (token.Token, error)
}

func (c *tokenCall) Token(_ context.Context, service string) (token.Token, error) {
	return c.token(service)
}

// opened returns who is told, nil before the call was opened.
func (c *tokenCall) opened() func(matrix.CallEvent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config.OnEvent
}

// plainNames calls members what the suite does.
type plainNames struct{ bot.Room }

func (p plainNames) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := p.Room.Accept(ctx)
	e.Participant = plain(e.Participant)
	if e.Track != nil {
		e.Track = plainTrack{e.Track}
	}
	return e, err
}

type plainTrack struct{ recorder.Track }

func (p plainTrack) Info() recorder.TrackInfo {
	info := p.Track.Info()
	info.Participant = plain(info.Participant)
	return info
}

func plain(identity string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(identity, "@"), ":")
	return name
}
