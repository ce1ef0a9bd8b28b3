package bot

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

// A noticingRoom has something happen while its members have notice.
type noticingRoom struct {
	Room
	events chan recorder.RoomEvent
	notice func()
	shown  []string // states
}

func (r *noticingRoom) Announce(context.Context, string) error { r.notice(); return nil }

func (r *noticingRoom) SetState(state string) { r.shown = append(r.shown, state) }

func (r *noticingRoom) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	select {
	case e := <-r.events:
		return e, nil
	case <-ctx.Done():
		return recorder.RoomEvent{}, ctx.Err()
	}
}

// Who came, proved who they are and agreed while members had notice counts as soon as the
// recording begins, which has all events of before.
func TestNoticeCounts(t *testing.T) {
	home, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	card, err := other.Card()
	if err != nil {
		t.Fatal(err)
	}
	if err := home.Add(card); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		m := &membership{
			policy: Policy{Readers: ReadersVerified, Record: RecordVerified, Consent: ConsentAsk}, home: home, log: slog.New(slog.DiscardHandler),
			notef: func(string, ...any) {}, store: "folder", id: "0123456789ABCDEFGHJKMNPQRS", wake: make(chan struct{}, 1),
			people: make(map[string]*attendee), changed: make(map[string]bool), phase: "waiting", roster: recorder.NewRoster(), keyed: true,
		}
		var err error
		if m.session, err = member.New(member.Config{Room: "weekly", SID: func() string { return "RM_1" }, Identity: "bot", Key: id, Judge: home, Notify: m.notice,
			Send: func(context.Context, []string, []byte) error { return nil }}); err != nil {
			t.Fatal(err)
		}
		room := &noticingRoom{events: make(chan recorder.RoomEvent, 3)}
		room.notice = func() {
			visit, _ := m.roster.Came(recorder.Member{Identity: "ada", SID: "PA_1"})
			room.events <- recorder.RoomEvent{Type: media.EventJoin, Participant: "ada", Visit: visit}
			room.events <- recorder.RoomEvent{Type: media.EventChat, Participant: "ada", Text: "hello"}
			synctest.Wait()
			if len(room.shown) > 0 || m.state().Phase != "waiting" {
				t.Errorf("before, members see %q and are told %q", room.shown, m.state().Phase)
			}
			m.consider(member.Peer{Identity: "ada", Standing: member.Verified, Card: card, Seen: true, Answered: m.since.AddDate(1, 0, 0), Yes: true}, 0)
		}
		r := &memberRoom{Room: room, m: m}
		if err := r.Announce(t.Context(), "this is recorded"); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(room.shown, []string{"recording"}) || m.state().Phase != "recording" {
			t.Errorf("members see %q and are told %q", room.shown, m.state().Phase)
		}
		if why := m.permission("ada", true); why != "" {
			t.Errorf("nothing of her is kept at the beginning: %s", why)
		}
		room.events <- recorder.RoomEvent{Type: media.EventLeave, Participant: "ada"}
		for _, want := range []media.EventType{media.EventJoin, media.EventChat, media.EventLeave} {
			if e, err := r.Accept(t.Context()); err != nil || e.Type != want {
				t.Errorf("accepted %+v, %v, want %s", e, err, want)
			}
		}
	})
}
