package matrixroom

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

// A stored recording is one in a store, as somebody opens it.
type stored struct {
	t     *testing.T
	store *dir.Store
	by    note.Verifiers
}

// read returns the events and the participants with frames in the segments that an identity
// opens, and how many segments it does not open.
func (s stored) read(ctx context.Context, id *keys.Identity) (events []media.Event, sounds map[string]int, locked int) {
	s.t.Helper()
	sounds = make(map[string]int)
	for found, err := range archive.IDs(ctx, s.store) {
		if err != nil {
			s.t.Fatal(err)
		}
		rec, err := archive.Open(ctx, s.store, found, archive.Options{Verifiers: s.by, Identities: id.AgeIdentities()})
		if err != nil {
			s.t.Logf("not yet: %v", err) // it has just begun
			continue
		}
		for _, segment := range rec.Segments() {
			b, err := rec.ReadSegment(ctx, segment.Number)
			if errors.Is(err, archive.ErrNoKey) {
				locked++
				continue
			}
			if err != nil {
				s.t.Fatal(err)
			}
			r, err := matroska.NewReader(bytes.NewReader(b))
			if err != nil {
				s.t.Fatal(err)
			}
			who := make(map[uint64]string)
			for _, track := range r.Header().Tracks {
				who[track.UID] = track.Participant
			}
			for {
				block, err := r.Next()
				if err == io.EOF {
					break
				} else if err != nil {
					s.t.Fatal(err)
				}
				if block.Event != nil {
					events = append(events, *block.Event)
				} else {
					sounds[who[block.Frame.Track]]++
				}
			}
		}
	}
	return events, sounds, locked
}

// Ada's card names her master key: she is verified by that, and reads what is recorded while she
// is there and her key is the one on the card. What nobody has agreed to is not kept: a yes counts
// that came encrypted from her, and Ben's does not, which the homeserver could have written.
func TestTrustAndConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	carl, adaUser, benUser, botUser := w.register("carl"), w.register("ada"), w.register("ben"), w.register("bot")
	w.newRoom(carl, adaUser, benUser, botUser)
	w.member(carl, carl.device, w.services[0])
	ada, ben := w.person(adaUser), w.person(benUser)
	ada.enter(0)
	ben.enter(0)

	home, err := keys.OpenHome(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	me, err := home.InitAs(keys.Description{Name: "Recorder", Role: keys.Recorder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	adaKeys, err := keys.Generate("Ada Lovelace")
	if err != nil {
		t.Fatal(err)
	}
	w.until("a card with a Matrix account", func() bool { // a newer card needs another second
		next, err := adaKeys.WithMatrix(keys.MatrixAccount{User: ada.id, Master: ada.master})
		if err == nil {
			adaKeys = next
		}
		return err == nil
	})
	card, err := adaKeys.Card()
	if err != nil {
		t.Fatal(err)
	}
	if err := home.Add(card); err != nil {
		t.Fatal(err)
	}
	own, err := me.Card()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	store, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var mu sync.Mutex
	var said []string
	say := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, text)
	}
	account := w.account(botUser)
	b, err := bot.New(bot.Config{Meeting: Meeting(Config{Account: account, Room: w.room, Home: home, Say: say}), Identity: me, Home: home,
		Stores: []bot.Store{{Store: store, Name: folder}}, Readers: bot.CardReaders(own), Say: say, Segment: time.Second, Grace: 2 * time.Second,
		Policy: bot.Policy{Consent: bot.ConsentAsk}})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(context.WithoutCancel(w.ctx))
	done := make(chan error, 1)
	go func() {
		_, err := b.Record(run)
		done <- err
	}()
	defer stop()
	s := stored{t, store, note.VerifierList(me.Verifier())}
	until := func(what string, ok func() bool) {
		t.Helper()
		for !ok() {
			select {
			case err := <-done:
				t.Fatalf("the recording ended before %s: %v", what, err)
			case <-w.ctx.Done():
				mu.Lock()
				events, sounds, locked := s.read(t.Context(), me)
				t.Fatalf("waited in vain for %s; said %q; %+v, %v, %d locked", what, said, events, sounds, locked)
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
	until("the question", func() bool { return ada.heardNotice("This meeting is being recorded") })
	until("the recording", func() bool { return ada.heardNotice("What is recorded now can be opened by") })

	// Ada answers, encrypted; somebody writes as Ben, in the clear.
	w.ask(ben.token, "PUT", "/rooms/"+url.PathEscape(w.room)+"/send/m.room.message/1", map[string]any{"msgtype": "m.text", "body": "yes"})
	if _, err := ada.call.Notice(w.ctx, "Yes!"); err != nil {
		t.Fatal(err)
	}
	until("what Ada says, for Ada", func() bool {
		_, sounds, _ := s.read(t.Context(), adaKeys)
		return sounds[ada.identity()] > 50
	})
	until("that Ben's yes does not count", func() bool { return ada.heardNotice("The yes of " + ben.id) })
	events, sounds, _ := s.read(t.Context(), me)
	if sounds[ben.identity()] > 0 {
		t.Errorf("%d frames of Ben, who has not agreed", sounds[ben.identity()])
	}
	if !slices.ContainsFunc(events, func(e media.Event) bool {
		return e.Type == media.EventVerified && e.Participant == ada.identity() && e.Name == "Ada Lovelace" && e.Reason == media.VerifiedByMatrix
	}) {
		t.Errorf("Ada is not verified: %+v", events)
	}
	if !slices.ContainsFunc(events, func(e media.Event) bool {
		return e.Type == media.EventClaimed && e.Participant == ben.identity() && e.Name == ben.id && e.Reason == media.ClaimedByMatrix
	}) {
		t.Errorf("Ben is not claimed: %+v", events)
	}

	// The homeserver shows another master key of Ada's.
	key := base64.RawStdEncoding.EncodeToString(append(randomKey(), randomKey()...))
	swapped, err := json.Marshal(map[string]any{"user_id": ada.id, "usage": []string{"master"}, "keys": map[string]string{"ed25519:" + key: key}})
	if err != nil {
		t.Fatal(err)
	}
	w.proxy.SwapKeys(ada.id, map[string]json.RawMessage{"master_keys": swapped}, botUser.id)
	until("that Ada is not verified any more", func() bool {
		events, _, _ := s.read(t.Context(), me)
		return slices.ContainsFunc(events, func(e media.Event) bool {
			return e.Type == media.EventVerified && e.Participant == ada.identity() && e.Name == ""
		})
	})
	_, _, lockedBefore := s.read(t.Context(), adaKeys)
	until("what Ada cannot open", func() bool {
		_, _, locked := s.read(t.Context(), adaKeys)
		return locked > lockedBefore+2
	})
	mu.Lock()
	if all := strings.Join(said, "\n"); !strings.Contains(all, ada.id) || !strings.Contains(all, "master key") {
		t.Errorf("said %q", said)
	}
	mu.Unlock()
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
