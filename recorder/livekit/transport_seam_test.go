package livekit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/signalling"
	"google.golang.org/protobuf/proto"
)

// A wire is a transport without a server.
type wire struct {
	signalling.SignalTransport
	resume func(context.Context) error
	closed bool
	sent   int
}

func (w *wire) Reconnect(ctx context.Context, _, _ string, _ signalling.ConnectParams, _ string) error {
	return w.resume(ctx)
}
func (w *wire) SendMessage(proto.Message) error { w.sent++; return nil }
func (w *wire) Close()                          { w.closed = true }

// The SDK tries to resume long after the recorder has joined anew: then the connection would be
// that of the recorder's own next session, and the leave of the old one that session's.
func TestOverResumesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		over string // when
		want error
	}{{"it goes on", "never", nil}, {"before", "before", errOver}, {"while it is dialed", "meanwhile", context.Canceled}, {"while it is resumed", "late", errOver}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := alone(Config{})
			w := &wire{}
			tr := &transport{SignalTransport: w, s: s}
			asked := false
			w.resume = func(ctx context.Context) error {
				asked = true
				if tt.over == "meanwhile" || tt.over == "late" {
					close(s.gone)
					if err := tr.SendMessage(&lkproto.SignalRequest{}); !errors.Is(err, errOver) {
						t.Errorf("its leave: %v", err)
					}
				}
				if tt.over == "meanwhile" {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			if tt.over == "before" {
				close(s.gone)
			}
			err := tr.Reconnect(t.Context(), "", "", signalling.ConnectParams{}, "")
			if !errors.Is(err, tt.want) || asked != (tt.over != "before") {
				t.Errorf("%v, asked %v", err, asked)
			}
			if taken := tt.over == "meanwhile" || tt.over == "late"; w.closed != taken || s.foreign.Load() != taken {
				t.Errorf("closed %v, foreign %v", w.closed, s.foreign.Load())
			}
			if err := tr.SendMessage(&lkproto.SignalRequest{}); (err == nil) != (tt.over == "never" || tt.over == "before") || w.sent > 1 {
				t.Errorf("%v, %d were sent", err, w.sent)
			}
		})
	}
}

// What comes on another's connection is that one's: nothing of it is taken, and it is said once.
func TestForeignIsNotHeard(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	s := alone(Config{})
	s.r.log = slog.New(slog.NewTextHandler(&said, nil))
	s.lost, s.fatal = make(chan lkproto.DisconnectReason, 1), make(chan error, 1)
	s.visit.Store(&visitor{"bot", "PA_1"})
	other := &lkproto.SignalResponse{Message: &lkproto.SignalResponse_Update{Update: &lkproto.ParticipantUpdate{
		Participants: []*lkproto.ParticipantInfo{{Identity: "bot", Sid: "PA_2", State: lkproto.ParticipantInfo_ACTIVE}}}}}
	for range 3 {
		if s.message(other) {
			t.Error("it was passed on")
		}
		s.replaced(errNotOurs)
	}
	s.message(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_RefreshToken{RefreshToken: "x"}})
	s.message(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_RoomMoved{RoomMoved: &lkproto.RoomMovedResponse{}}})
	if n := strings.Count(said.String(), "not resumed"); n != 1 || strings.Contains(said.String(), "refreshed") || len(s.fatal) != 0 {
		t.Errorf("%d faults, and it said\n%s", len(s.fatal), &said)
	}
}

// A join that was tried at several regions has one transport all the same.
func TestOneTransport(t *testing.T) {
	t.Parallel()
	s := alone(Config{})
	h, err := s.handleEngine()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.takeTransport(); err != nil {
			t.Fatal(err)
		}
	}
	got, ok := (*partOf[signalling.SignalTransport](h.engine, "signalTransport")).(*transport)
	if !ok {
		t.Fatal("the SDK has its own")
	}
	if _, twice := got.SignalTransport.(*transport); twice {
		t.Error("one stands before another")
	}
}

// Where the server ended the session while it joined, the SDK tries the next region all the same.
// Nothing of that join is taken: what ends meanwhile reads what it would write.
func TestOutJoinsNowhere(t *testing.T) {
	t.Parallel()
	in := list("RM_1")
	in.SubscriberPrimary = true // so that nothing is to be sent
	join := &lkproto.SignalResponse{Message: &lkproto.SignalResponse_Join{Join: in}}
	for _, tt := range []struct {
		action lkproto.LeaveRequest_Action
		out    bool
	}{{lkproto.LeaveRequest_DISCONNECT, true}, {lkproto.LeaveRequest_RESUME, false}} {
		t.Run(tt.action.String(), func(t *testing.T) {
			t.Parallel()
			m := newSeam(t)
			h, err := m.s.handleEngine()
			if err != nil {
				t.Fatal(err)
			}
			m.send(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_Leave{Leave: &lkproto.LeaveRequest{
				Action: tt.action, Reason: lkproto.DisconnectReason_PARTICIPANT_REMOVED}}})
			err = m.s.handler().HandleMessage(join)
			t.Cleanup(m.s.room.Disconnect)
			_, taken := (*partOf[signalling.SignalTransport](h.engine, "signalTransport")).(*transport)
			if errors.Is(err, errOver) != tt.out || taken == tt.out {
				t.Errorf("%v, its transport was taken: %v", err, taken)
			}
		})
	}
}

// Who asks whether a connection is still the recorder's does so after a fault of the network, and
// whatever connections were kept are of the network that was: none of them is asked by.
func TestAsksAnew(t *testing.T) {
	t.Parallel()
	connections := make(map[string]bool)
	var asked int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if connections[r.RemoteAddr] {
			panic(http.ErrAbortHandler) // as one that broke
		}
		connections[r.RemoteAddr] = true
		if r.Header.Get("Authorization") == "" || r.URL.Path != "/twirp/livekit.RoomService/GetParticipant" {
			t.Errorf("it asked %s", r.URL)
		}
		out, err := proto.Marshal(&lkproto.ParticipantInfo{Identity: "bot", Sid: "PA_2"})
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/protobuf")
		_, _ = w.Write(out) // who asks sees what is lost
	}))
	defer server.Close()
	s := alone(Config{URL: server.URL, APIKey: "key", APISecret: "secret", Yield: true})
	s.visit.Store(&visitor{"bot", "PA_1"})
	client := lksdk.NewRoomServiceClient(server.URL, "key", "secret") // it keeps its connection
	if _, err := client.GetParticipant(t.Context(), &lkproto.RoomParticipantIdentity{Room: "r", Identity: "bot"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.resumable(t.Context()); !errors.Is(err, errNotOurs) {
			t.Errorf("it may resume: %v", err)
		}
	}
	if asked != 3 {
		t.Errorf("it asked %d times", asked-1)
	}
}
