//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/show"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/native"
	"github.com/sealtape/sealtape/testdata/player"
)

// TestRecordedWords: what an agent of LiveKit's own SDK writes down of what somebody says, in
// a room with keys, is in the sealed recording, by speaker and time; in its exports; and on
// the page. What the agent sent unencrypted is marked in all of them.
func TestRecordedWords(t *testing.T) {
	l := newBrowserLab(t, onePage)
	home, _ := l.person("Recorder")
	store, room := filepath.Join(l.dir, "store"), l.room("words")
	enter := func(g members.Grant, c native.Config) *native.Member {
		t.Helper()
		g.Room = room
		c.URL, c.Passphrase, c.Token = l.lk.URL, labPassphrase, l.token(g)
		m, err := native.Start(l.ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := m.Leave(); err != nil {
				t.Error(err)
			}
		})
		return m
	}
	ada := enter(members.Grant{Identity: "ada-1", Name: "Ada"}, native.Config{Hz: 600})
	scribe := enter(members.Grant{Identity: "scribe", Kind: members.Agent}, native.Config{})
	older := enter(members.Grant{Identity: "older", Kind: members.Agent}, native.Config{})
	rec := l.record(home, "--room", room, "--store", store, "--reader", "Recorder", "--segment", "1s")
	l.segments(home, store, rec.id, 4) // what comes in the first 3 s may have been said before
	words := native.Transcription{Track: ada.State().Published[native.Microphone].SID, Segment: "SG_1", Text: "Good mourning", As: "ada-1"}
	say := func(publish error) {
		t.Helper()
		if publish != nil {
			t.Fatal(publish)
		}
	}
	say(scribe.Transcribe(l.ctx, words))
	words.Text, words.Final = "Good morning, everyone.", true
	say(scribe.Transcribe(l.ctx, words))
	words.Segment, words.Text = "L_1", "Nor this?"
	say(older.PublishTranscription(l.ctx, words)) // for which LiveKit has no encryption
	l.informed(home, store, rec.id, "the words of both", func(i *show.InfoJSON) bool {
		by := make(map[string]bool)
		for _, e := range i.Timeline {
			if e.Type == media.EventTranscription {
				by[e.By] = true
			}
		}
		return by["scribe"] && by["older"]
	})
	want := rec.accounts(rec.stop(syscall.SIGTERM), home, store)

	var said []string
	lasts := pts(*l.info(home, store, rec.id).Duration)
	for _, e := range l.timeline(home, rec.id, store) {
		if e.Type != media.EventTranscription {
			continue
		}
		said = append(said, fmt.Sprint(e.Participant, " by ", e.By, ": ", e.Text, " ", e.Reason))
		if e.From < 0 || e.To < e.From || e.To > lasts || e.Track == 0 {
			t.Errorf("%q was said from %v to %v, of %v, on track %d", e.Text, e.From, e.To, lasts, e.Track)
		}
	}
	slices.Sort(said)
	if want := []string{"ada-1 by older: Nor this? plaintext", "ada-1 by scribe: Good morning, everyone. "}; !slices.Equal(said, want) {
		t.Errorf("the timeline has %q, want %q", said, want)
	}

	spoken, marked := "Ada: Good morning, everyone.", "Ada: [unencrypted] Nor this?"
	for name, lines := range map[string][]string{
		"words.srt": {spoken, marked, " --> "},
		"words.vtt": {"<v Ada>Good morning, everyone.</v>", "<v Ada>[unencrypted] Nor this?</v>", "the server can have written them"},
		"words.txt": {spoken, marked, "the server can have written them"},
		"words.mkv": {spoken, marked},
	} {
		path := filepath.Join(l.dir, name)
		if out, errs, code := l.run(home, nil, "export", rec.id, "--store", store, "-o", path); code != want {
			t.Fatalf("export: exit code %d, want %d\n%s%s", code, want, out, errs)
		}
		text, err := os.ReadFile(path)
		if filepath.Ext(name) == ".mkv" {
			text, err = exec.Command("ffmpeg", "-v", "error", "-i", path, "-map", "0:s", "-f", "srt", "-").Output()
		}
		for _, line := range lines {
			if err != nil || !strings.Contains(string(text), line) {
				t.Errorf("%s has no %q, %v:\n%.2000s", name, line, err, text)
			}
		}
	}

	p := l.start(l.command(home, nil, "play", rec.id, "--store", store, "--no-browser"))
	page, err := player.Open(l.ctx, player.PageConfig{In: &pages, URL: p.first})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := page.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := page.Until(l.ctx, `document.getElementById("tab-words")?.checkVisibility()`); err != nil {
		t.Fatal(err)
	}
	if err := page.Click(l.ctx, "#tab-words"); err != nil {
		t.Fatal(err)
	}
	shown, err := player.Eval[[]string](l.ctx, page, `[...document.querySelectorAll('#words .row[data-kind="said"]')].map((r) => [".name", ".quote", ".quiet"].map((s) => r.querySelector(s)?.textContent ?? "").join("|"))`)
	slices.Sort(shown)
	if want := []string{"Ada|Good morning, everyone.|", "Ada|Nor this?|came without end-to-end encryption: the server can have written it"}; err != nil || !slices.Equal(shown, want) {
		t.Errorf("the page has %q, %v, want %q", shown, err, want)
	}
	keep(t, l.ctx, page, "recorded-words")
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("sealtape play: exit code %d\n%s", code, p.stderr())
	}
}
