package tape_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

var ada = media.Track{UID: 7, Participant: "ada", Name: "Ada", Source: media.Microphone, Codec: media.Opus, Channels: 1}

// A desk is a recorder, a reader and a store.
type desk struct {
	tb     testing.TB
	folder string
	store  archive.Store
	signer note.Signer
	reader *age.HybridIdentity
	o      tape.Options
}

func newDesk(tb testing.TB) *desk {
	tb.Helper()
	d := &desk{tb: tb, folder: tb.TempDir()}
	skey, vkey, err := note.GenerateKey(rand.Reader, "recorder.example")
	d.check(err)
	d.signer, err = note.NewSigner(skey)
	d.check(err)
	verifier, err := note.NewVerifier(vkey)
	d.check(err)
	d.reader, err = age.GenerateHybridIdentity()
	d.check(err)
	store, err := dir.Open(d.folder)
	d.check(err)
	tb.Cleanup(func() { d.check(store.Close()) })
	d.store = store
	d.o = tape.Options{Options: archive.Options{Verifiers: note.VerifierList(verifier), Identities: []age.Identity{d.reader}}}
	return d
}

func (d *desk) check(err error) {
	d.tb.Helper()
	if err != nil {
		d.tb.Fatal(err)
	}
}

// record writes a recording of two segments of a second with the holes, and closes it.
func (d *desk) record(holes ...media.Event) (id string) {
	d.tb.Helper()
	w, err := archive.Create(d.folder, archive.Config{Signer: d.signer})
	d.check(err)
	_, err = w.StartEpoch([]age.Recipient{d.reader.Recipient()})
	d.check(err)
	for n := range 2 {
		events := []media.Event{{Time: 2 * time.Second, Type: media.EventStop}}
		if n == 0 {
			events = append([]media.Event{{Type: media.EventStart, Text: "Board"}, {Type: media.EventJoin, Participant: "ada", Name: "Ada"}}, holes...)
		}
		d.segment(w, n, events)
	}
	d.check(w.Close())
	return w.ID()
}

func (d *desk) segment(w *archive.Writer, n int, events []media.Event) {
	d.tb.Helper()
	o, err := w.Create(archive.Segment)
	d.check(err)
	out, err := matroska.NewWriter(o, matroska.Header{Recording: w.ID(), Segment: n, Epoch: o.Epoch(), Tracks: []media.Track{ada},
		Start: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)})
	d.check(err)
	for _, e := range events {
		d.check(out.WriteEvent(e))
	}
	for at := time.Duration(n) * time.Second; at < time.Duration(n+1)*time.Second; at += 20 * time.Millisecond {
		d.check(out.WriteFrame(media.Frame{Track: ada.UID, Time: at, Duration: 20 * time.Millisecond, Key: true, Data: []byte{0xf8, 0xff, 0xfe}}))
	}
	d.check(errors.Join(out.Close(), o.Commit()))
}

func (d *desk) open(id string) *tape.Tape {
	d.tb.Helper()
	t, err := tape.Open(d.tb.Context(), d.store, id, d.o)
	d.check(err)
	return t
}

func (d *desk) describe(id string) *tape.Description {
	d.tb.Helper()
	described, err := d.open(id).Describe(d.tb.Context())
	d.check(err)
	return described
}

func hole(to time.Duration, reason string) media.Event {
	return media.Event{Type: media.EventHole, Participant: "ada", Track: ada.UID, To: to, Reason: reason}
}

func TestDescribe(t *testing.T) {
	d := newDesk(t)
	got := d.describe(d.record(hole(900*time.Millisecond, media.HoleLoss)))
	if got.Room != "Board" || got.Duration != 2*time.Second || got.State != "closed" || got.Opens != tape.AccessAll || !got.HolesKnown ||
		len(got.Holes) != 1 || len(got.People) != 1 || got.People[0].Display() != "Ada" || got.Bytes == 0 || !got.PostQuantum {
		t.Errorf("%+v", got)
	}
	if v := got.Verdict(); v.Outcome != tape.Whole {
		t.Errorf("%+v", v)
	}
	if v := d.describe(d.record(hole(6*time.Second, media.HoleLoss))).Verdict(); v.Outcome != tape.Incomplete || !v.Lacks(tape.LackSpan) {
		t.Errorf("with a hole: %+v", v)
	}
	consent := d.describe(d.record(hole(6*time.Second, media.HoleConsent)))
	if v := consent.Verdict(); v.Outcome != tape.Whole || !consent.Holes[0].Wanted {
		t.Errorf("without consent: %+v, %+v", v, consent.Holes)
	}

	// Without a key.
	id := d.record(hole(6*time.Second, media.HoleLoss))
	d.o.Identities = nil
	got = d.describe(id)
	if v := got.Verdict(); v.Outcome != tape.Locked || got.HolesKnown || got.Opens != tape.AccessNone || got.Room != "" || got.Bytes == 0 {
		t.Errorf("without a key: %+v, %+v", v, got)
	}
}

func TestOpenWithoutHead(t *testing.T) {
	d := newDesk(t)
	id := d.record()
	d.check(d.store.Delete(t.Context(), id+"/head"))
	_, err := tape.Open(t.Context(), d.store, id, d.o)
	if !errors.Is(err, tape.ErrNoHead) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if u := tape.Unopened(id, err); u.State != tape.StateDamaged || u.Verdict().Outcome != tape.Damaged {
		t.Errorf("%+v", u)
	}
	if u := tape.Unopened(id, errors.New("no network")); u.State != "" || u.Verdict().Outcome != tape.Unknown {
		t.Errorf("%+v", u)
	}
}

// A downStore gives nothing while it is down.
type downStore struct {
	archive.Store
	down bool
}

func (s *downStore) Get(ctx context.Context, name string, off, n int64) (io.ReadCloser, error) {
	if s.down {
		return nil, cmp.Or(ctx.Err(), errNetwork)
	}
	return s.Store.Get(ctx, name, off, n)
}

var errNetwork = errors.New("no route to host")

// What the store withholds is told as it happens; what is there and not to be had is
// not.
func TestStoreErrors(t *testing.T) {
	d := newDesk(t)
	id := d.record()
	var told []error
	reads := 0
	d.o.OnStoreError = func(err error) { told = append(told, err) }
	d.o.OnRead = func(int) { reads++ }
	down := &downStore{Store: d.store}
	rec, err := tape.Open(t.Context(), down, id, d.o)
	d.check(err)
	if _, err := rec.ReadSegment(t.Context(), 0); err != nil || len(told) > 0 || reads != 1 {
		t.Errorf("%v, told %v, %d reads", err, told, reads)
	}
	down.down = true
	if _, err := rec.ReadSegment(t.Context(), 1); !errors.Is(err, errNetwork) || len(told) != 1 || errors.Is(err, playback.ErrDamaged) {
		t.Errorf("%v, told %v", err, told)
	}
	// Whoever interrupts is no failing store.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rec.ReadSegment(ctx, 1); err == nil || len(told) != 1 {
		t.Errorf("%v, told %v", err, told)
	}
	d.o.Identities = nil
	if _, err := d.open(id).ReadSegment(t.Context(), 1); !errors.Is(err, playback.ErrLocked) || len(told) != 1 {
		t.Errorf("locked: %v, told %v", err, told)
	}
}

// A playback of what Decrypt gave is one of the recording.
func TestDecrypt(t *testing.T) {
	d := newDesk(t)
	rec := d.open(d.record())
	saved := make(chan int, 2)
	failed, err := rec.Decrypt(t.Context(), func(n int, b []byte) error {
		if _, err := matroska.NewReader(bytes.NewReader(b)); err != nil {
			return err
		}
		saved <- n
		return nil
	})
	if err != nil || len(failed) > 0 || len(saved) != 2 {
		t.Errorf("%v, failed are %v, saved %d", err, failed, len(saved))
	}
}

func TestReseal(t *testing.T) {
	d := newDesk(t)
	title := func(text string) media.Event { return media.Event{Type: media.EventTitle, Text: text} }
	old := d.open(d.record(hole(6*time.Second, media.HoleLoss), title("Old"), title("Old")))
	other, err := age.GenerateHybridIdentity()
	d.check(err)
	w, err := archive.Create(d.folder, archive.Config{Signer: d.signer})
	d.check(err)
	d.check(tape.Reseal(t.Context(), old, w, tape.ResealOptions{Readers: []age.Recipient{other.Recipient()}, Title: "New\u202e"}))
	if v := d.describe(w.ID()).Verdict(); v.Outcome != tape.Locked {
		t.Errorf("to who read the old one: %+v", v)
	}
	d.o.Identities = []age.Identity{other}
	made := d.describe(w.ID())
	head, ok := tape.Cited(made.ResealedFrom)
	if !ok || head.ID != old.ID() || made.Room != "Board" || made.Verdict().Outcome != tape.Incomplete {
		t.Errorf("%+v, from %+v", made, head)
	}
	titles := slices.DeleteFunc(slices.Clone(made.Events), func(e media.Event) bool { return e.Type != media.EventTitle })
	if made.Title != "New" || len(titles) != 1 {
		t.Errorf("title %q, of %+v", made.Title, titles)
	}
	frames := func(rec *tape.Tape) (times []time.Duration) {
		s, err := rec.Session(t.Context())
		d.check(err)
		for f, err := range s.Frames(t.Context()) {
			d.check(err)
			times = append(times, f.Time)
		}
		return times
	}
	if a, b := frames(old), frames(d.open(w.ID())); len(a) != 100 || !slices.Equal(a, b) {
		t.Errorf("%d frames became %d", len(a), len(b))
	}
}
