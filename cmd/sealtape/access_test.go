//go:build unix

package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/dir"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
)

// TestMembersReadWhatTheyAttend lets a member come late and leave early, and
// tries her key on every segment.
func TestMembersReadWhatTheyAttend(t *testing.T) {
	l := newLab(t)
	home, recorderCard := l.person("Recorder")
	adaHome, adaCard := l.person("Ada", recorderCard)
	l.must(home, "keys", "add", "--yes", writeCard(t, adaCard))
	store := filepath.Join(l.dir, "store")
	speaker := l.publisher(l.room("weekly"), "speaker", "Speaker")
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--member", "ada-phone=Ada", "--segment", "1s")
	l.segments(home, store, rec.id, 2)
	open := func(home string) (opened, locked []int) { return l.tryKey(home, store, rec.id) }
	ada := l.join(members.Config{Room: l.room("weekly"), Identity: "ada-phone", Name: "Ada's phone", Passphrase: labPassphrase})
	l.stored(store, rec.id, "ada reads what she attends", func() bool {
		opened, _ := open(adaHome)
		return len(opened) > 1
	})
	if err := ada.Leave(); err != nil {
		t.Fatal(err)
	}
	l.stored(store, rec.id, "she does not read what follows", func() bool {
		opened, locked := open(adaHome)
		return locked[len(locked)-1] > opened[len(opened)-1]
	})
	rec.accounts(rec.stop(syscall.SIGINT), home, store)
	if said := speaker.Messages(); len(said) == 0 || !strings.Contains(said[0].Text, "What they attend can be opened by: Ada ("+adaCard.Fingerprint().String()) {
		t.Errorf("the room was told %+v", said)
	}

	if _, locked := open(home); len(locked) > 0 {
		t.Errorf("the reader of all cannot open %v", locked)
	}
	opened, locked := open(adaHome)
	if len(opened) < 2 || len(locked) < 4 || locked[0] >= opened[0] || locked[len(locked)-1] <= opened[len(opened)-1] {
		t.Errorf("ada opens %v and not %v, want some in the middle", opened, locked)
	}
	for i, n := range opened {
		if n != opened[0]+i {
			t.Errorf("ada opens %v, want one span", opened)
		}
	}
}

// tryKey tries the key of a home on every segment of a recording.
func (l *lab) tryKey(home, store, id string) (opened, locked []int) {
	t := l.t
	t.Helper()
	h, err := keys.OpenHome(home)
	if err != nil {
		t.Fatal(err)
	}
	me, err := h.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return l.tryIdentity(h, me, store, id)
}

// tryIdentity tries an identity on every segment of a recording, which is that of
// somebody pinned in a home.
func (l *lab) tryIdentity(h *keys.Home, me *keys.Identity, store, id string) (opened, locked []int) {
	t := l.t
	t.Helper()
	v, err := h.Verifiers()
	if err != nil {
		t.Fatal(err)
	}
	s, err := dir.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.Open(l.ctx, s, id, archive.Options{Verifiers: v, Identities: me.AgeIdentities()})
	if err != nil {
		t.Fatal(err)
	}
	for _, seg := range r.Segments() {
		switch _, err := r.ReadSegment(l.ctx, seg.Number); {
		case err == nil:
			opened = append(opened, seg.Number)
		case errors.Is(err, archive.ErrNoKey):
			locked = append(locked, seg.Number)
		default:
			t.Fatal(err)
		}
	}
	return opened, locked
}

// TestWhoeverAttendedReadsAll does the same under --access whole, with someone
// who comes late and someone who never comes.
func TestWhoeverAttendedReadsAll(t *testing.T) {
	l := newLab(t)
	home, recorderCard := l.person("Recorder")
	adaHome, adaCard := l.person("Ada", recorderCard)
	benHome, benCard := l.person("Ben", recorderCard)
	for _, c := range []keys.Card{adaCard, benCard} {
		l.must(home, "keys", "add", "--yes", writeCard(t, c))
	}
	store := filepath.Join(l.dir, "store")
	l.publisher(l.room("weekly"), "speaker", "Speaker")
	rec := l.record(home, "--room", l.room("weekly"), "--store", store, "--reader", "Recorder", "--access", "whole",
		"--member", "ada-phone=Ada", "--member", "ben-phone=Ben", "--segment", "1s")
	l.segments(home, store, rec.id, 2)
	l.join(members.Config{Room: l.room("weekly"), Identity: "ada-phone", Name: "Ada's phone", Passphrase: labPassphrase})
	l.informed(home, store, rec.id, "ada", func(i *show.InfoJSON) bool {
		return slices.ContainsFunc(i.Timeline, func(e media.Event) bool { return e.Type == media.EventJoin && e.Participant == "ada-phone" })
	})
	rec.accounts(rec.stop(syscall.SIGTERM), home, store)
	for _, tt := range []struct {
		name, home string
		opens      bool
	}{{"recorder", home, true}, {"ada, who came late", adaHome, true}, {"ben, who never came", benHome, false}} {
		opened, locked := l.tryKey(tt.home, store, rec.id)
		if all, none := len(locked) == 0, len(opened) == 0; all != tt.opens || none == tt.opens {
			t.Errorf("%s opens %v and not %v", tt.name, opened, locked)
		}
	}
	l.verifies(adaHome, store, rec.id)
}
