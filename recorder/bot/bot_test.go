package bot_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A recordTest is what a recording takes.
type recordTest struct {
	*testing.T
	config bot.Config
	room   *scriptedRoom
	store  *storetest.Mem
	stages []bot.Stage
	began  []string // IDs
}

// newRecordTest returns a recorder with a home of its own, who can open what it
// records, in a room without end-to-end encryption.
func newRecordTest(t *testing.T) *recordTest {
	t.Helper()
	home, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	id, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	card, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	r := &recordTest{T: t, store: new(storetest.Mem)}
	r.config = bot.Config{
		Identity: id, Home: home, Stores: []bot.Store{{Store: r.store, Name: "memory"}}, Readers: bot.CardReaders(card),
		Stage: func(s bot.Stage) { r.stages = append(r.stages, s) }, Begun: func(id string) { r.began = append(r.began, id) },
	}
	r.enter(t)
	return r
}

// enter gives the recorder a room of its own, in the bubble of t.
func (r *recordTest) enter(t *testing.T) {
	r.T = t
	r.config.Meeting, r.room = meet("weekly")
}

// opened opens what the store has of a recording.
func (r *recordTest) opened(id string) *archive.Recording {
	r.Helper()
	o := archive.Options{Verifiers: note.VerifierList(r.config.Identity.Verifier()), Identities: r.config.Identity.AgeIdentities()}
	if _, err := archive.Verify(r.Context(), r.store, id, o, func(p archive.Problem) { r.Errorf("%+v", p) }); err != nil {
		r.Fatal(err)
	}
	rec, err := archive.Open(r.Context(), r.store, id, o)
	if err != nil {
		r.Fatal(err)
	}
	return rec
}

// spooled returns what the spool holds.
func (r *recordTest) spooled(dir string) (names []string) {
	r.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		r.Fatal(err)
	}
	for _, e := range left {
		names = append(names, e.Name())
	}
	return names
}

// A meeting is recorded, paused for a while, and in the store when Record returns;
// the one who could read it reads it, and nothing is left in the spool.
func TestRecord(t *testing.T) {
	r := newRecordTest(t)
	synctest.Test(t, func(t *testing.T) {
		r.enter(t)
		b, err := bot.New(r.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Pause(t.Context(), "too early"); !errors.Is(err, recorder.ErrNotRecording) {
			t.Errorf("paused before it began: %v", err)
		}
		var result bot.Result
		done := make(chan error)
		go func() {
			var err error
			result, err = b.Record(t.Context())
			done <- err
		}()
		synctest.Wait()
		if got := r.room.presence.Attributes["sealtape.state"]; got != "waiting" || !slices.Equal(r.room.States(), []string{"recording"}) {
			t.Errorf("members saw %q, and then %q", got, r.room.States())
		}
		r.room.Join("ada", "Ada")
		r.room.speak("ada", 6*time.Second)
		if s := b.Status(); s.State != recorder.StateRecording || s.ID == "" || s.Participants != 1 || len(s.Problems(time.Now())) > 0 {
			t.Errorf("the status is %+v, problems %q", s, s.Problems(time.Now()))
		}
		if err := b.Pause(t.Context(), "a test"); err != nil || b.Status().State != recorder.StatePaused {
			t.Errorf("paused: %v, %s", err, b.Status().State)
		}
		if err := b.Resume(t.Context()); err != nil {
			t.Error(err)
		}
		r.room.End("everyone left")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if result.ID == "" || !slices.Equal(r.began, []string{result.ID}) || result.Frames < 290 || result.Tracks != 1 || result.Incomplete {
			t.Errorf("%+v, begun %q", result, r.began)
		}
		if want := []bot.Stage{bot.TryingStores, bot.Joining, bot.Telling, bot.Ending, bot.Storing}; !slices.Equal(r.stages, want) {
			t.Errorf("stages %q", r.stages)
		}
		if rec := r.opened(result.ID); rec.Head().State != archive.StateClosed || len(rec.Segments()) < 2 {
			t.Errorf("the store has %d segments, %s", len(rec.Segments()), rec.Head().State)
		} else if _, err := rec.ReadSegment(t.Context(), 0); err != nil {
			t.Error(err)
		}
		if left := r.spooled(r.config.Home.SpoolDir()); len(left) > 0 {
			t.Errorf("the spool holds %q", left)
		}
		if said := r.room.Announcements(); len(said) == 0 || !strings.Contains(said[0], "can be opened by: Recorder (") || !strings.Contains(said[0], "NOT end-to-end encrypted") {
			t.Errorf("the room was told %q", said)
		}
		if _, err := b.Record(t.Context()); !errors.Is(err, recorder.ErrRecorded) {
			t.Errorf("recorded twice: %v", err)
		}
		if s := b.Status(); s.State != recorder.StateEnded || s.Waiting != 0 {
			t.Errorf("in the end %+v", s)
		}
	})
}

// What a recording is called is for its readers: it is cleaned, sealed in the timeline,
// and neither the room nor anything that is stored in the clear has it.
func TestTitle(t *testing.T) {
	r := newRecordTest(t)
	r.config.Title = " Board\u202e\n\x1b[2J meeting " + strings.Repeat("x", 100)
	synctest.Test(t, func(t *testing.T) {
		r.enter(t)
		go func() {
			r.room.Join("ada", "Ada")
			r.room.speak("ada", 6*time.Second)
			r.room.End("everyone left")
		}()
		result, err := bot.Record(t.Context(), r.config)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := r.opened(result.ID).ReadSegment(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		segment, err := matroska.NewReader(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for block, err := segment.Next(); err != io.EOF; block, err = segment.Next() {
			if err != nil {
				t.Fatal(err)
			}
			if block.Event != nil && block.Event.Type == media.EventTitle {
				titles = append(titles, block.Event.Text)
			}
		}
		if want := "Board [2J meeting " + strings.Repeat("x", 61) + "…"; !slices.Equal(titles, []string{want}) {
			t.Errorf("titles %q, want %q", titles, want)
		}
		for info, err := range archive.List(t.Context(), r.store, "") {
			if err != nil {
				t.Fatal(err)
			}
			object, err := r.store.Get(t.Context(), info.Name, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(object)
			if err != nil || bytes.Contains(b, []byte("meeting xx")) || strings.Contains(info.Name, "meeting") {
				t.Errorf("%s: %v, or the title is in the clear", info.Name, err)
			}
		}
		if said := strings.Join(append(r.room.Announcements(), r.room.tellings()...), " "); strings.Contains(said, "meeting xx") {
			t.Errorf("the room was told %q", said)
		}
	})
}

// Without a home all are strangers, and a spool is made where it is asked for; consent
// is asked for, and a stranger's yes in the chat of an open room counts.
func TestRecordWithoutHome(t *testing.T) {
	r := newRecordTest(t)
	spool := filepath.Join(t.TempDir(), "spool")
	r.config.Home, r.config.Spool, r.config.KeepLocal = nil, spool, true
	r.config.Policy = bot.Policy{Consent: bot.ConsentAsk}
	synctest.Test(t, func(t *testing.T) {
		r.enter(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var result bot.Result
		done := make(chan error)
		go func() {
			var err error
			result, err = bot.Record(ctx, r.config)
			done <- err
		}()
		synctest.Wait()
		if yes := (recorder.RoomEvent{Type: media.EventChat, Participant: "eve", Text: "Yes."}); r.room.presence.Answer == nil || !r.room.presence.Answer(yes) {
			t.Error("a yes is no answer")
		}
		r.room.Join("eve", "Eve")
		r.room.Join("ben", "Ben")
		r.room.Say("eve", "yes")
		time.Sleep(2 * time.Second)
		go r.room.speak("ben", 3*time.Second)
		r.room.speak("eve", 3*time.Second)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if result.Frames < 140 || result.Frames > 151 || result.Holes[media.HoleConsent] == 0 {
			t.Errorf("%+v", result)
		}
		r.opened(result.ID)
		if left := r.spooled(spool); !slices.Equal(left, []string{result.ID}) {
			t.Errorf("the spool holds %q, and is to keep the recording", left)
		}
	})
}

// What fails before there is a recording leaves nothing behind, and nobody was told.
func TestRecordRefused(t *testing.T) {
	none := errors.New("no way in")
	for _, tt := range []struct {
		name string
		set  func(*recordTest)
		want func(error) bool
	}{
		{"the room", func(r *recordTest) {
			r.config.Meeting.Join = func(context.Context, bot.Presence) (bot.Room, error) { return nil, none }
		}, func(err error) bool { return errors.Is(err, none) }},
		{"the store", func(r *recordTest) {
			r.store.OnPut = func(string) (bool, error) { return false, archive.ErrDenied }
		}, func(err error) bool {
			var e *bot.StoreError
			return errors.As(err, &e) && e.Remedy != "" && errors.Is(err, archive.ErrDenied)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRecordTest(t)
			tt.set(r)
			result, err := bot.Record(t.Context(), r.config)
			if !tt.want(err) || result.ID != "" {
				t.Errorf("%+v, %v", result, err)
			}
			if left := r.spooled(r.config.Home.SpoolDir()); len(left) > 0 || len(r.began) > 0 || len(r.room.Announcements()) > 0 {
				t.Errorf("the spool holds %q, began %q, told %q", left, r.began, r.room.Announcements())
			}
		})
	}
}

// A store that went away is told of in the room, and not waited for once somebody
// asked for the end; the rest is for the next recorder, which brings it there.
func TestRecordStoreAway(t *testing.T) {
	r := newRecordTest(t)
	synctest.Test(t, func(t *testing.T) {
		r.enter(t)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var result bot.Result
		done := make(chan error)
		go func() {
			var err error
			result, err = bot.Record(ctx, r.config)
			done <- err
		}()
		synctest.Wait()
		r.store.OnPut = func(string) (bool, error) { return false, archive.ErrDenied }
		r.room.Join("ada", "Ada")
		r.room.speak("ada", 3*time.Minute)
		if said := r.room.tellings(); !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, "cannot be reached") }) {
			t.Errorf("the room was told %q", said)
		}
		stop()
		var rest *bot.NotStoredError
		if err := <-done; !errors.As(err, &rest) || rest.Waiting == 0 || result.ID == "" {
			t.Fatalf("%v, %+v", err, result)
		}
		r.store.OnPut = nil
		first := result.ID
		r.enter(t)
		ctx, stop = context.WithCancel(t.Context())
		defer stop()
		go func() { done <- func() error { _, err := bot.Record(ctx, r.config); return err }() }()
		r.room.Join("ada", "Ada")
		r.room.speak("ada", time.Minute)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if rec := r.opened(first); rec.Head().State != archive.StateClosed {
			t.Errorf("the earlier recording is %s", rec.Head().State)
		}
		if left := r.spooled(r.config.Home.SpoolDir()); len(left) > 0 {
			t.Errorf("the spool holds %q", left)
		}
	})
}

// What ends while the room is being told was no recording: nothing of it is left, in the
// spool or in the store, and that is said.
func TestRecordNothing(t *testing.T) {
	for _, refused := range []bool{false, true} {
		r := newRecordTest(t)
		synctest.Test(t, func(t *testing.T) {
			r.enter(t)
			none := errors.New("the room is gone")
			if refused {
				r.room.RefuseAnnouncements(none)
			} else {
				r.room.telling = make(chan struct{})
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			done := make(chan error)
			go func() { _, err := bot.Record(ctx, r.config); done <- err }()
			if !refused {
				<-r.room.telling
				time.Sleep(3 * time.Second) // in which it would be stored
				stop()
			}
			err := <-done
			if !errors.Is(err, bot.ErrNothingRecorded) || errors.Is(err, context.Canceled) || errors.Is(err, none) != refused {
				t.Errorf("refused %t: %v", refused, err)
			}
			if left := r.spooled(r.config.Home.SpoolDir()); len(left) > 0 || len(r.began) != 1 {
				t.Errorf("the spool holds %q, began %q", left, r.began)
			}
			for info, err := range r.store.List(t.Context(), "") {
				t.Errorf("the store holds %s, %v", info.Name, err)
			}
		})
	}
}

// A Config that makes no recording is refused before anything happens.
func TestNewRefuses(t *testing.T) {
	member, err := keys.Generate("Ada")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		set  func(*bot.Config)
		want error // nil: any
	}{
		{"no meeting", func(c *bot.Config) { c.Meeting = bot.Meeting{} }, nil},
		{"no identity", func(c *bot.Config) { c.Identity = nil }, nil},
		{"no store", func(c *bot.Config) { c.Stores = nil }, nil},
		{"no spool", func(c *bot.Config) { c.Home = nil }, nil},
		{"no reader", func(c *bot.Config) { c.Readers = nil }, bot.ErrNoReaders},
		{"a thousand readers too many", func(c *bot.Config) { c.Readers = make([]bot.Reader, 5000) }, bot.ErrReaders},
		{"a member's key", func(c *bot.Config) { c.Identity = member }, bot.ErrRole},
		{"no policy", func(c *bot.Config) { c.Policy.Record = "nobody" }, nil},
		{"no kind of sender", func(c *bot.Config) { c.Policy.Plaintext = []string{"cat"} }, nil},
	} {
		r := newRecordTest(t)
		tt.set(&r.config)
		if _, err := bot.New(r.config); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
