package livekit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	lkproto "github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/signalling"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// A seam is a room whose server is the test: its messages go to where the SDK
// takes those that it reads.
type seam struct {
	t *testing.T
	r *Room
	s *session
}

func newSeam(t *testing.T) *seam {
	t.Helper()
	r := &Room{name: "r", log: slog.New(slog.DiscardHandler), roster: recorder.NewRoster(), ended: make(chan struct{}), closed: make(chan struct{}), cancel: func() {}}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return &seam{t, r, newSeamSession(t, r)}
}

// newSeamSession returns a session that is not the room's yet.
func newSeamSession(t *testing.T, r *Room) *session {
	t.Helper()
	s := &session{r: r, streams: newStreams(roomBounds), lost: make(chan lkproto.DisconnectReason, 1), over: make(chan struct{}), gone: make(chan struct{}), fatal: make(chan error, 1)}
	s.room = lksdk.NewRoom(s.callbacks())
	if err := readSignals(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// handler is what the SDK gives its server's messages to.
func (s *session) handler() signalling.SignalHandler {
	f := reflect.ValueOf(engineOf(s.room)).Elem().FieldByName("signalHandler")
	return *(*signalling.SignalHandler)(f.Addr().UnsafePointer())
}

func (m *seam) send(r *lkproto.SignalResponse) {
	m.t.Helper()
	if err := m.s.handler().HandleMessage(r); err != nil {
		m.t.Fatal(err)
	}
}

func (m *seam) update(participants ...*lkproto.ParticipantInfo) {
	m.t.Helper()
	m.send(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_Update{Update: &lkproto.ParticipantUpdate{Participants: participants}}})
}

// events returns what can be accepted now, as "join ada 1", with the visit.
func (m *seam) events() (all []string) {
	for {
		e, ok, _ := m.r.events.take()
		if !ok {
			return all
		}
		if e.At.IsZero() {
			m.t.Errorf("event without a time: %+v", e)
		}
		all = append(all, fmt.Sprintf("%s %s %d", e.Type, e.Participant, e.Visit))
	}
}

func (m *seam) expect(want ...string) {
	m.t.Helper()
	if got := m.events(); strings.Join(got, ", ") != strings.Join(want, ", ") {
		m.t.Errorf("told of %q, want %q", got, want)
	}
}

func here(identity, sid string, joined int64) *lkproto.ParticipantInfo {
	return &lkproto.ParticipantInfo{Identity: identity, Sid: sid, Name: strings.ToUpper(identity), State: lkproto.ParticipantInfo_ACTIVE, JoinedAtMs: joined}
}

func gone(identity, sid string, joined int64) *lkproto.ParticipantInfo {
	p := here(identity, sid, joined)
	p.State = lkproto.ParticipantInfo_DISCONNECTED
	return p
}

func list(sid string, participants ...*lkproto.ParticipantInfo) *lkproto.JoinResponse {
	return &lkproto.JoinResponse{Room: &lkproto.Room{Name: "r", Sid: sid}, Participant: here("bot", "PA_bot", 1), OtherParticipants: participants}
}

// Whoever leaves and comes back in one moment is here, in the list and by what was
// told, however often they do.
func TestLeaveAndJoinStayInOrder(t *testing.T) {
	const times = 3000
	m := newSeam(t)
	m.s.listed(list("RM_1", here("ada", "PA_0", 1)))
	m.r.start(m.s)
	said := make(chan error, 1)
	go func() {
		in, last := 0, 0
		for range 2*times + 1 {
			e, err := m.r.Accept(t.Context())
			switch {
			case err != nil:
				said <- err
				return
			case e.Type == media.EventJoin && in == 0 && e.Visit == last+1:
				in, last = e.Visit, e.Visit
			case e.Type == media.EventLeave && in == e.Visit:
				in = 0
			default:
				said <- fmt.Errorf("%s of %d, while %d is here", e.Type, e.Visit, in)
				return
			}
		}
		if in != times+1 {
			said <- fmt.Errorf("in the end %d is here, want %d", in, times+1)
		}
		close(said)
	}()
	for n := range times {
		m.update(gone("ada", fmt.Sprint("PA_", n), int64(n+1)))
		m.update(here("ada", fmt.Sprint("PA_", n+1), int64(n+2)))
		if _, ok := m.r.roster.Here("ada"); !ok {
			t.Fatalf("ada is not here after %d times", n)
		}
	}
	if err := <-said; err != nil {
		t.Error(err)
	}
}

// What a server says of visits, in the ways in which it does.
func TestVisits(t *testing.T) {
	m := newSeam(t)
	m.s.listed(list("RM_1", here("ada", "PA_1", 100)))
	m.expect() // not the room's session yet
	m.r.start(m.s)
	m.expect("join ada 1")
	m.update(here("ada", "PA_1", 100), here("bot", "PA_bot", 1))
	m.expect()
	// Replaced: the server leaves out that the visit before is over.
	m.r.roster.Stand("ada", 1, media.VerifiedByProof)
	m.update(here("ada", "PA_2", 200))
	m.expect("leave ada 1", "join ada 2")
	if it, _ := m.r.roster.Here("ada"); it.Standing != "" {
		t.Errorf("who replaced ada is taken for her: %+v", it)
	}
	// Late word of the first visit.
	m.update(gone("ada", "PA_1", 100))
	m.update(here("ada", "PA_1", 100))
	m.expect()
	if p := m.s.room.GetParticipantByIdentity("ada"); p == nil || p.SID() != "PA_2" {
		t.Errorf("the SDK has %v for ada", p)
	}
	// Two at once, and one who is gone before anybody accepts.
	m.update(gone("ada", "PA_2", 200), here("ben", "PA_3", 300))
	m.update(gone("ben", "PA_3", 300))
	m.update(gone("ben", "PA_3", 300))
	m.expect("leave ada 2", "join ben 3", "leave ben 3")
	if n := m.r.roster.Len(); n != 0 {
		t.Errorf("%d are here", n)
	}
	// A recorder and an agent are no persons.
	rec, agent := here("rec", "PA_4", 400), here("agent", "PA_5", 400)
	rec.Permission = &lkproto.ParticipantPermission{Recorder: true}
	agent.Kind = lkproto.ParticipantInfo_AGENT
	m.update(rec, agent)
	if people, _ := m.r.roster.People(); people != 0 || m.r.roster.Len() != 2 {
		t.Errorf("%d people of %d", people, m.r.roster.Len())
	}
	// What comes of a session that is over counts no more.
	m.events()
	m.s.finish()
	m.update(gone("rec", "PA_4", 400))
	m.expect()
}

// Any number may be in the room before anybody accepts, and nobody waits.
func TestCrowd(t *testing.T) {
	for _, size := range []int{1100, 70_000} {
		m := newSeam(t)
		var all []*lkproto.ParticipantInfo
		for n := range size {
			all = append(all, here(fmt.Sprint("guest-", n), fmt.Sprint("PA_", n), int64(n)))
		}
		m.s.listed(list("RM_1", all...))
		joined := make(chan struct{})
		go func() {
			m.r.start(m.s)
			close(joined)
		}()
		select {
		case <-joined:
		case <-sample.Context(t).Done():
			t.Fatalf("a room of %d members cannot be joined", size)
		}
		m.update(gone("guest-7", "PA_7", 7), here("late", "PA_late", 1))
		if n := m.r.roster.Len(); n != size {
			t.Errorf("%d are here, want %d", n, size)
		}
		came := make(map[string]bool)
		for range size + 2 {
			e, err := m.r.Accept(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			came[e.Participant] = e.Type == media.EventJoin
		}
		if len(came) != size+1 || came["guest-7"] || !came["late"] {
			t.Errorf("%d came of %d", len(came), size)
		}
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := m.r.Accept(done); !errors.Is(err, context.Canceled) {
			t.Errorf("then: %v", err)
		}
	}
}

// After the recorder was away, the list that it finds says who is still here, who
// came and who left: by their visits, or, where the server made the room anew and
// they all had to come back, by their identities.
func TestListAfterAbsence(t *testing.T) {
	for _, anew := range []bool{false, true} {
		m := newSeam(t)
		m.s.listed(list("RM_1", here("stays", "PA_1", 1), here("leaves", "PA_2", 2), here("back", "PA_3", 3)))
		m.r.start(m.s)
		m.events()
		m.r.roster.Tell(true, "stays")
		next := newSeamSession(t, m.r)
		sid, same := "RM_1", "PA_1"
		if anew {
			sid, same = "RM_2", "PA_9"
		}
		next.listed(list(sid, here("stays", same, 1), here("back", "PA_4", 4), here("new", "PA_5", 5)))
		m.s.finish()
		m.r.feed.Lock()
		m.r.resumeList(m.s, next)
		m.r.s, next.entered = next, true
		m.r.feed.Unlock()
		var got []string // in the order of the list, which is none
		for _, e := range m.events() {
			got = append(got, e[:strings.LastIndex(e, " ")])
		}
		slices.Sort(got)
		want := "[join new]"
		if !anew {
			want = "[join back join new leave back leave leaves]"
		}
		if fmt.Sprint(got) != want {
			t.Errorf("anew %v: told of %v, want %s", anew, got, want)
		}
		if it, _ := m.r.roster.Here("stays"); it.SID != same || !it.Told {
			t.Errorf("anew %v: %+v", anew, it)
		}
		m.s = next
		if anew {
			// Who takes some time to come back did not leave, and who leaves does.
			m.update(here("leaves", "PA_8", 8))
			m.expect()
			m.update(gone("stays", same, 1))
			if got := m.events(); len(got) != 1 || !strings.HasPrefix(got[0], "leave stays") {
				t.Errorf("told of %q", got)
			}
		}
	}
}

// A room that its server closed because nobody was in it has nobody in it.
func TestListOfAClosedRoom(t *testing.T) {
	m := newSeam(t)
	m.s.listed(list("RM_1", here("ada", "PA_1", 1)))
	m.r.start(m.s)
	m.events()
	m.r.allLeft(m.s)
	if got := m.events(); len(got) != 1 || !strings.HasPrefix(got[0], "leave ada") {
		t.Errorf("told of %q", got)
	}
	if _, here := m.r.roster.Here("ada"); here {
		t.Error("ada is listed")
	}
}

// What the server says besides of who is here.
func TestServersOtherWords(t *testing.T) {
	m := newSeam(t)
	grant := &auth.VideoGrant{RoomJoin: true, Room: "r"}
	token := func(room string, hidden bool, life time.Duration) string {
		t.Helper()
		grant := *grant
		grant.Room, grant.Hidden = room, hidden
		token, err := auth.NewAccessToken("key", "a secret of the server's, long enough").SetVideoGrant(&grant).SetIdentity("bot").SetValidFor(life).ToJWT()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	m.s.listed(list("RM_1", here("ada", "PA_1", 1)))
	m.r.start(m.s)
	m.events()

	// A token to join again with is one for this room, under which the recorder is seen.
	good := token("r", false, time.Hour)
	for _, fresh := range []string{good, token("other", false, time.Hour), token("r", true, time.Hour), "x", ""} {
		m.send(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_RefreshToken{RefreshToken: fresh}})
	}
	if m.r.refreshed != good {
		t.Error("the token is not the good one")
	}
	short := token("r", false, time.Minute)
	for _, tt := range []struct{ token, other, want string }{
		{short, good, good}, {good, short, good}, {good, "", good}, {"x", short, short},
	} {
		if longer(tt.token, tt.other) != tt.want {
			t.Errorf("not the one that lasts longer of %.20q… and %.20q…", tt.token, tt.other)
		}
	}

	// What it does not send any more for want of bandwidth, and sends again.
	stream := func(states ...*lkproto.StreamStateInfo) {
		m.send(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_StreamStateUpdate{StreamStateUpdate: &lkproto.StreamStateUpdate{StreamStates: states}}})
	}
	stream(&lkproto.StreamStateInfo{TrackSid: "TR_1", State: lkproto.StreamState_PAUSED}, &lkproto.StreamStateInfo{TrackSid: "TR_2", State: lkproto.StreamState_ACTIVE},
		&lkproto.StreamStateInfo{TrackSid: "TR_3", State: 99})
	stream()
	for _, want := range []recorder.RoomEvent{{Type: recorder.EventHeld, TrackID: "TR_1"}, {Type: recorder.EventSent, TrackID: "TR_2"}} {
		if e, _, _ := m.r.events.take(); e.Type != want.Type || e.TrackID != want.TrackID {
			t.Errorf("told of %+v, want %+v", e, want)
		}
	}
	m.expect()

	// It moved the recorder: who is there has not been told of a recording.
	m.r.visits.Go(func() { m.r.stay(t.Context(), m.s) })
	m.send(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_RoomMoved{RoomMoved: &lkproto.RoomMovedResponse{
		Room: &lkproto.Room{Name: "other", Sid: "RM_9"}, Token: token("other", false, time.Hour), OtherParticipants: []*lkproto.ParticipantInfo{here("eve", "PA_9", 9)}}}})
	if _, err := m.r.Accept(t.Context()); !errors.Is(err, ErrMoved) || !errors.Is(err, recorder.ErrEnded) {
		t.Errorf("after the recorder was moved: %v", err)
	}
	if p := m.s.room.GetParticipantByIdentity("eve"); p != nil || m.r.refreshed != good || m.s.alive() {
		t.Error("the recorder is in the other room")
	}
}

// Nothing that a server says before the room is joined, or of nobody, does harm.
func TestServersOddWords(t *testing.T) {
	m := newSeam(t)
	m.update(here("ada", "PA_1", 1), &lkproto.ParticipantInfo{})
	m.send(&lkproto.SignalResponse{})
	m.send(&lkproto.SignalResponse{Message: &lkproto.SignalResponse_StreamStateUpdate{}})
	m.expect()
	m.s.listed(nil)
	m.r.start(m.s)
	m.update(gone("nobody", "PA_1", 1), &lkproto.ParticipantInfo{})
	m.expect()
}
