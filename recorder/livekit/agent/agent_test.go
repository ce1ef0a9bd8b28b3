package agent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	lkproto "github.com/livekit/protocol/livekit"
)

func roomJob(id string) *lkproto.Job {
	return &lkproto.Job{Id: id, DispatchId: "AD_1", Room: &lkproto.Room{Name: "weekly", Sid: "RM_1"}, Metadata: "meta", AgentName: "sealtape"}
}

// A worker registers, answers, is assigned a job and says how it went.
func TestJob(t *testing.T) {
	s, h := newFakeServer(t), newHands()
	h.answer = Answer{Accept: true, Identity: "rec", Name: "Recorder", Attributes: map[string]string{"a": "b"}}
	h.load = Load{Load: 0.35, Jobs: 3}
	w, ctx := begin(t, s, h, nil)
	c := s.next(ctx)
	if s.paths[0] != "/base/agent?protocol=1" || s.auth[0] != "Bearer a-token" {
		t.Errorf("connects to %s as %s", s.paths[0], s.auth[0])
	}
	if r := c.register; r.GetAgentName() != "sealtape" || r.GetVersion() != "v1" || r.GetType() != lkproto.JobType_JT_ROOM ||
		r.GetAllowedPermissions().GetCanPublish() || r.GetAllowedPermissions().GetHidden() || !r.GetAllowedPermissions().GetCanSubscribe() || !r.GetAllowedPermissions().GetCanPublishData() {
		t.Errorf("registers %v", r)
	}
	status := c.hears(ctx, "its load", func(m *lkproto.WorkerMessage) bool { return m.GetUpdateWorker() != nil }).GetUpdateWorker()
	if status.GetStatus() != lkproto.WorkerStatus_WS_AVAILABLE || status.GetLoad() != 0.35 || status.GetJobCount() != 3 {
		t.Errorf("%v", status)
	}
	c.offer(roomJob("AJ_1"))
	a := c.answer(ctx, "AJ_1")
	if !a.GetAvailable() || a.GetTerminate() || a.GetParticipantIdentity() != "rec" || a.GetParticipantName() != "Recorder" || a.GetParticipantAttributes()["a"] != "b" {
		t.Errorf("%v", a)
	}
	if want := (Job{ID: "AJ_1", Dispatch: "AD_1", Room: "weekly", SID: "RM_1", Metadata: "meta"}); h.offered[0] != want {
		t.Errorf("was offered %+v", h.offered[0])
	}
	c.say(&lkproto.ServerMessage{Message: &lkproto.ServerMessage_Assignment{Assignment: &lkproto.JobAssignment{Job: roomJob("AJ_1"), Token: "room-token"}}})
	c.say(&lkproto.ServerMessage{Message: &lkproto.ServerMessage_Termination{Termination: &lkproto.JobTermination{JobId: "AJ_1"}}})
	for {
		h.mu.Lock()
		over := len(h.terminated) == 1
		h.mu.Unlock()
		if over {
			break
		}
		<-h.got
	}
	if len(h.assigned) != 1 || h.assigned[0].Token != "room-token" || h.assigned[0].ID != "AJ_1" {
		t.Errorf("%+v", h.assigned)
	}
	w.Running("AJ_1")
	w.Finished("AJ_1", "")
	w.Finished("AJ_2", "it failed")
	for _, want := range []lkproto.JobStatus{lkproto.JobStatus_JS_RUNNING, lkproto.JobStatus_JS_SUCCESS, lkproto.JobStatus_JS_FAILED} {
		m := c.hears(ctx, want.String(), func(m *lkproto.WorkerMessage) bool { return m.GetUpdateJob() != nil }).GetUpdateJob()
		if m.GetStatus() != want || (m.GetError() != "") != (want == lkproto.JobStatus_JS_FAILED) {
			t.Errorf("%v, want %v", m, want)
		}
	}
	// A change is told before its time.
	h.mu.Lock()
	h.load = Load{Full: true, Load: 0.7, Jobs: 4}
	h.mu.Unlock()
	w.Changed()
	c.hears(ctx, "that it is full", func(m *lkproto.WorkerMessage) bool {
		return m.GetUpdateWorker().GetStatus() == lkproto.WorkerStatus_WS_FULL && m.GetUpdateWorker().GetLoad() == 0.7
	})
	if st := w.State(); !st.Registered || st.ID != "AW_1" || st.Registrations != 1 {
		t.Errorf("%+v", st)
	}
}

// An offer that is none of ours is declined, and one that is done already is said to be.
func TestOffers(t *testing.T) {
	s, h := newFakeServer(t), newHands()
	_, ctx := begin(t, s, h, nil)
	c := s.next(ctx)
	for i, tt := range []struct {
		change                    func(*lkproto.Job)
		answer                    Answer
		asked, available, isEnded bool
	}{
		{nil, Answer{}, true, false, false},
		{nil, Answer{Done: true}, true, false, true},
		{nil, Answer{Accept: true, Done: true}, true, true, false},
		{func(j *lkproto.Job) { j.Type = lkproto.JobType_JT_PARTICIPANT }, Answer{Accept: true}, false, false, false},
		{func(j *lkproto.Job) { j.Type = lkproto.JobType_JT_PUBLISHER }, Answer{Accept: true}, false, false, false},
		{func(j *lkproto.Job) { j.Room = nil }, Answer{Accept: true}, false, false, false},
		{func(j *lkproto.Job) { j.Room.Name = strings.Repeat("x", maxRoom+1) }, Answer{Accept: true}, false, false, false},
	} {
		h.mu.Lock()
		before := len(h.offered)
		h.answer = tt.answer
		h.mu.Unlock()
		j := roomJob("AJ_" + string(rune('a'+i)))
		if tt.change != nil {
			tt.change(j)
		}
		c.offer(j)
		a := c.answer(ctx, j.Id)
		h.mu.Lock()
		asked := len(h.offered) > before
		h.mu.Unlock()
		if a.GetAvailable() != tt.available || a.GetTerminate() != tt.isEnded || asked != tt.asked {
			t.Errorf("%d: %v, asked %v", i, a, asked)
		}
	}
}

// Whatever ends a connection, the worker comes back, for ever.
func TestComesBack(t *testing.T) {
	var said bytes.Buffer
	var mu sync.Mutex
	s, h := newFakeServer(t), newHands()
	s.refuse = 3
	w, ctx := begin(t, s, h, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(lockedWriter{&mu, &said}, nil)) })
	for i, end := range []func(*fakeConn){
		func(c *fakeConn) { _ = c.ws.Close() },
		func(c *fakeConn) { _ = c.ws.WriteMessage(websocket.BinaryMessage, []byte("no protobuf at all")) },
		func(c *fakeConn) { _ = c.ws.WriteMessage(websocket.TextMessage, []byte("{}")) },
		func(c *fakeConn) { _ = c.ws.WriteMessage(websocket.BinaryMessage, make([]byte, maxMessage+1)) },
		func(c *fakeConn) { c.offer(&lkproto.Job{}) },
		func(c *fakeConn) {
			c.say(&lkproto.ServerMessage{Message: &lkproto.ServerMessage_Assignment{Assignment: &lkproto.JobAssignment{Job: roomJob("AJ_9")}}})
		},
	} {
		end(s.next(ctx))
		if i == 0 {
			w.Finished("AJ_1", "") // which nobody may hear
		}
	}
	s.next(ctx)
	if st := w.State(); st.Registrations < 6 {
		t.Errorf("%+v", st)
	}
	if len(h.assigned) != 0 {
		t.Errorf("was assigned %v", h.assigned)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(said.String(), ErrRefused.Error()) || strings.Contains(said.String(), "a-token") {
		t.Errorf("the log:\n%s", &said)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// A server that answers no ping any more is as good as gone.
func TestDeadConnection(t *testing.T) {
	s, h := newFakeServer(t), newHands()
	s.mute = true
	w, ctx := begin(t, s, h, func(c *Config) { c.Pong = 100 * time.Millisecond })
	s.next(ctx)
	s.next(ctx)
	s.next(ctx)
	if st := w.State(); st.Registrations < 2 {
		t.Errorf("%+v", st)
	}
}

// A token that cannot be had is tried for again.
func TestNoToken(t *testing.T) {
	s, h := newFakeServer(t), newHands()
	n := 0
	w, ctx := begin(t, s, h, func(c *Config) {
		c.Token = func(context.Context) (string, error) {
			if n++; n < 4 {
				return "", errors.New("no vault")
			}
			return "late", nil
		}
	})
	s.next(ctx)
	if st := w.State(); n < 4 || s.auth[0] != "Bearer late" {
		t.Errorf("%d tries, %+v", n, st)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"wss://meet.example.org": "wss://meet.example.org/agent?protocol=1", "https://meet.example.org/": "wss://meet.example.org/agent?protocol=1",
		"http://127.0.0.1:7880/sfu?x=1#y": "ws://127.0.0.1:7880/sfu/agent?protocol=1",
		"ftp://meet.example.org":          "", "meet.example.org": "", "": "", "wss://": "", "::": "",
	} {
		got, err := address(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if _, err := New(Config{URL: "wss://x", Name: "sealtape"}); err == nil {
		t.Error("a worker without a handler")
	}
}
