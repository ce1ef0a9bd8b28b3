//go:build unix

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

func (l *lab) info(home, store, id string) *show.InfoJSON {
	l.t.Helper()
	out, errs, code := l.run(home, nil, "info", id, "--json", "--store", store)
	i := new(show.InfoJSON)
	if err := json.Unmarshal([]byte(out), i); err != nil {
		l.t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	return i
}

// TestInfoUnreadable asks for what cannot be read, and why.
func TestInfoUnreadable(t *testing.T) {
	l := newDesk(t)
	home, ada := l.recorder("Ada")
	bobHome, bob := l.person("Bob", ada)
	store := filepath.Join(l.dir, "store")

	i := l.info(bobHome, store, l.sealed(home, store, "-late", writeCard(t, bob), "-segments", "4"))
	if want := []show.LockedJSON{{Epoch: 1, First: 0, Last: 2, From: 0, To: 6}}; !slices.Equal(i.Locked, want) || len(i.Unreadable) > 0 {
		t.Errorf("locked are %+v, want %+v; unreadable %+v", i.Locked, want, i.Unreadable)
	}
	if e := i.Epochs[0]; e.Opens || e.Segments != 3 || *e.First != 0 || *e.Last != 2 || e.Readers != 8 {
		t.Errorf("epoch %+v", e)
	}
	// What is not his to open is not missing.
	if i.Incomplete || i.Verdict != "whole" || i.Segments != 4 || i.Duration == nil || *i.Duration != 8 {
		t.Errorf("incomplete %t, %d segments, %vs", i.Incomplete, i.Segments, *i.Duration)
	}

	id := l.sealed(home, store, "-segments", "4")
	if err := os.Remove(filepath.Join(store, id, "segments", "000002.age")); err != nil {
		t.Fatal(err)
	}
	i = l.info(home, store, id)
	if u := i.Unreadable; len(u) != 1 || u[0].Segment != 2 || u[0].From != 4 || u[0].To != 6 || u[0].Why != string(tape.WhyMissing) || !i.Incomplete {
		t.Errorf("a segment is gone, and unreadable are %+v", u)
	}

	// Without its index, a damaged segment shows, and the others still tell.
	id = l.sealed(home, store, "-segments", "4")
	flip(t, filepath.Join(store, id, "segments", "000001.age"))
	flip(t, filepath.Join(store, id, "index", "000000.age"))
	i = l.info(home, store, id)
	if u := i.Unreadable; len(u) != 1 || u[0].Segment != 1 || u[0].From != 2 || u[0].To != 4 || u[0].Why != string(tape.WhyDamaged) || i.Room != "Standup" {
		t.Errorf("a segment is damaged, and unreadable are %+v", u)
	}

	// All of it is damaged: that is told, too.
	for n := range 4 {
		name := filepath.Join(store, id, "segments", "00000"+string(rune('0'+n))+".age")
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i = l.info(home, store, id)
	if len(i.Problems) != 1 || !strings.Contains(i.Problems[0], "damaged") || i.Start != nil || i.Verdict != "damaged" || i.HolesKnown {
		t.Errorf("all is damaged, and it says %+v", i)
	}
	if out, errs, code := l.run(home, nil, "info", id, "--store", store); code != ui.ExitUnverified || !strings.Contains(out, "started:      not known") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}

	// The end of what a crash tore.
	out, err := l.program("make-recording", home, nil, "-crash", "-for", store).Output()
	if err != nil {
		t.Fatal(err)
	}
	id = strings.TrimSpace(string(out))
	l.must(home, "recover", "--store", store)
	i = l.info(home, store, id)
	if u := i.Unreadable; len(u) != 1 || u[0].Segment != 2 || u[0].Why != string(tape.WhyTorn) || !strings.Contains(u[0].Text, "torn") || i.State != "cut" {
		t.Errorf("a segment is torn, and unreadable are %+v; %s", u, i.State)
	}
	p := l.play(home, nil, id, "--no-browser", "--store", store)
	for n, want := range []int{200, 200, 200, 404} {
		if code, body, _ := p.get(p.base + "api/recordings/" + id + "/segments/" + string(rune('0'+n))); code != want {
			t.Errorf("segment %d: %d %.100q, want %d", n, code, body, want)
		}
	}
	if code := p.stop(syscall.SIGINT); code != ui.ExitIncomplete || !strings.Contains(p.stderr(), "was cut: its recorder died; has 1 segment torn by a crash.") {
		t.Errorf("play: exit code %d\n%s", code, p.stderr())
	}
}
