//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/player"
)

// A viewer is the player's page in a Chromium.
type viewer struct {
	t    *testing.T
	ctx  context.Context
	page *player.Page
}

// browser opens a window that shows nothing yet.
func (l *lab) browser() *viewer {
	l.t.Helper()
	return l.browserBy(player.PageConfig{In: &sounding})
}

func (l *lab) browserBy(c player.PageConfig) *viewer {
	l.t.Helper()
	v := &viewer{t: l.t, ctx: l.ctx}
	c.URL, c.Measure = "about:blank", true
	var err error
	if v.page, err = player.Open(l.ctx, c); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		if err := v.page.Close(); err != nil {
			l.t.Error(err)
		}
	})
	return v
}

// view opens an address that sealtape play printed.
func (v *viewer) view(url string) {
	v.t.Helper()
	if err := v.page.Navigate(v.ctx, url); err != nil {
		v.t.Fatal(err)
	}
	v.until("window.sealtape?.player")
}

func (v *viewer) do(js string) {
	v.t.Helper()
	if err := v.page.Do(v.ctx, js); err != nil {
		v.t.Fatalf("%v; the page says %q", err, v.page.Errors())
	}
}

func (v *viewer) until(js string) {
	v.t.Helper()
	if err := v.page.Until(v.ctx, js); err != nil {
		v.t.Fatal(err)
	}
}

// listen begins to note what is shown and heard.
func (v *viewer) listen() {
	v.t.Helper()
	if err := v.page.StartMeter(v.ctx); err != nil {
		v.t.Fatal(err)
	}
}

// noted returns what was shown and heard since it was called last.
func (v *viewer) noted() player.Measurement {
	v.t.Helper()
	m, err := v.page.TakeMeter(v.ctx)
	if err != nil {
		v.t.Fatal(err)
	}
	return m
}

// watchUntil plays until enough was shown and heard, and returns it.
func (v *viewer) watchUntil(what string, enough func(player.Measurement) bool) player.Measurement {
	v.t.Helper()
	var all player.Measurement
	for !enough(all) {
		m := v.noted()
		all.Pictures, all.Beeps = append(all.Pictures, m.Pictures...), append(all.Beeps, m.Beeps...)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-v.ctx.Done():
			v.t.Fatalf("%s: %d pictures were shown and %d beeps heard; the page says %q", what, len(all.Pictures), len(all.Beeps), v.page.Errors())
		}
	}
	return all
}

// keepsToItself checks that the page asked nobody but the command for anything,
// and had no errors of its own.
func (v *viewer) keepsToItself(url string) {
	v.t.Helper()
	if out := v.page.External(url); len(out) > 0 {
		v.t.Errorf("the page asked for %q", out)
	}
	if len(v.page.Requests()) < 5 {
		v.t.Errorf("it asked for no more than %q", v.page.Requests())
	}
	if e := v.page.Errors(); len(e) > 0 {
		v.t.Errorf("the page says %q", e)
	}
}

// begun returns when the flash that a picture shows began, on the recording clock
// and modulo its minute.
func begun(t *testing.T, p player.Picture) float64 {
	t.Helper()
	n, _, ok := fixtures.FlashCode(p.Code)
	if !ok {
		t.Fatalf("the picture at %.3f s has no code: %05x", p.Media, p.Code)
	}
	return math.Mod(p.Media-float64(n)/20+60, 60)
}

// begunAll returns when the flash of several pictures began: what most of them
// say. A script that comes late reads one that follows.
func begunAll(t *testing.T, m player.Measurement) float64 {
	t.Helper()
	var all []float64
	for _, p := range m.Pictures {
		all = append(all, begun(t, p))
	}
	slices.Sort(all)
	return all[len(all)*3/4]
}

// TestPlayLive watches a meeting while it is recorded, and after: what a member
// shows and says comes through the recorder, the store and the page, and can be
// seen and heard at the right time.
func TestPlayLive(t *testing.T) {
	l := newBrowserLab(t, onePage)
	store := filepath.Join(l.dir, "store")
	recorderHome, recorderCard := l.person("Recorder")
	readerHome, readerCard := l.person("Reader", recorderCard)
	l.must(recorderHome, "keys", "add", "--yes", writeCard(t, readerCard))
	room := l.room("the flashing room")
	ada := l.join(members.Config{Room: room, Passphrase: labPassphrase, Identity: "ada", Name: "Ada", Audio: fixtures.Beep(), Video: fixtures.Flash()})
	eve := l.join(members.Config{Room: room, Passphrase: labPassphrase, Identity: "eve", Name: player.HostileName, Audio: fixtures.Speech(0)})
	rec := l.record(recorderHome, "--room", room, "--store", store, "--reader", "Reader", "--segment", "1s")
	profile := filepath.Join(l.dir, "profile")
	v := l.browserBy(player.PageConfig{Profile: profile}) // meanwhile
	l.segments(recorderHome, store, rec.id, 0)

	p := l.play(readerHome, []string{"SEALTAPE_STORE=" + store}, rec.id, "--no-browser")
	v.view(p.url)
	v.until("sealtape.player.live && sealtape.recording.tracks.some((t) => t.participant === 'ada' && t.kind === 'audio')")
	v.do("sealtape.player.goLive()")
	v.listen()
	voice, err := player.Eval[string](l.ctx, v.page, "sealtape.recording.tracks.find((t) => t.participant === 'ada' && t.kind === 'audio').uid")
	if err != nil {
		t.Fatal(err)
	}
	beeps := func(m player.Measurement) []player.Sound {
		return slices.DeleteFunc(slices.Clone(m.Beeps), func(b player.Sound) bool { return b.UID != voice }) // Eve speaks
	}
	// The first one may have been on while it was sought, and a busy machine breaks
	// some.
	good := func(m player.Measurement) (n int) {
		for i, b := range beeps(m) {
			if which := math.Round((b.Hz - 600) / 100); i > 0 && which >= 0 && which <= 9 && math.Abs(b.Hz-600-100*which) < 45 {
				n++
			}
		}
		return n
	}
	both := func(m player.Measurement) bool { return len(m.Pictures) >= 20 && good(m) >= 1 }
	white := func(m player.Measurement) (n int) {
		for _, p := range m.Pictures {
			if p.White {
				n++
			}
		}
		return n
	}
	live := v.watchUntil("live", both)
	// What is written now is read a little later.
	const chat = "a word that nobody else has: 41c7f09e"
	ada.Say(chat)
	eve.Say(player.HostileText)
	v.until(fmt.Sprintf("sealtape.recording.chat.some((c) => c.text.includes(%q))", chat))
	v.until(fmt.Sprintf("document.body.textContent.includes(%q)", chat))
	v.until(fmt.Sprintf("document.body.textContent.includes(%q)", "<script>document.title"))
	ended := rec.accounts(rec.stop(syscall.SIGINT), readerHome, store)
	v.until("!sealtape.player.live && sealtape.recording.state === 'closed'")

	// What was seen live began at the same time when it is looked at again. At other
	// times it may have begun at another: a busy sender stands still for a moment.
	want, seen := begunAll(t, live), live.Pictures[0].Media
	for _, at := range []float64{1.2, max(seen-0.5, 0)} {
		v.do(fmt.Sprintf("(sealtape.player.seek(%v), sealtape.player.play())", at))
		v.until(fmt.Sprintf("!sealtape.player.waiting && sealtape.player.time > %v && sealtape.player.time < %v", at, at+3))
		v.do("meter.clear()")
		// A page that has little of a processor does not look at each picture.
		m := v.watchUntil("after a seek, white ones too", func(m player.Measurement) bool { return both(m) && white(m) > 0 })
		if off := math.Remainder(begunAll(t, m)-want, 60); at != 1.2 && math.Abs(off) > 0.040 {
			t.Errorf("at %.1f s the flash began %.0f ms later than live", at, off*1000)
		}
		if first := m.Pictures[0].Media; first < at-0.1 || first > at+5 {
			t.Errorf("after a seek to %v the first picture is that of %v", at, first)
		}
		if n := white(m); n > len(m.Pictures)/2 {
			t.Errorf("%d of %d pictures are white", n, len(m.Pictures))
		}
	}
	v.do("(sealtape.player.seek(sealtape.player.duration - 1), sealtape.player.play())")
	v.until("sealtape.player.ended")

	v.harmless()
	v.keepsToItself(p.url)
	if code := p.stop(syscall.SIGINT); code != ended {
		t.Errorf("play: exit code %d, want %d\n%s", code, ended, p.stderr())
	}
	if err := v.page.Close(); err != nil {
		t.Error(err)
	}
	frame := string(fixtures.FlashFrames("vp8")[0][:64])
	if n := l.search(readerHome, room, chat, "flashing", frame); n < 3 {
		t.Errorf("only %d files of the command were searched", n)
	}
	// Chromium may keep what a page is called, but nothing that was said or shown.
	if n := l.search(profile, chat, frame); n < 10 {
		t.Errorf("only %d files of Chromium were searched", n)
	}
}

// harmless checks that hostile names and texts are letters on the page.
func (v *viewer) harmless() {
	v.t.Helper()
	found, err := player.Eval[[]string](v.ctx, v.page, `(() => {
		const found = [];
		if (/owned/.test(document.title)) found.push("a script ran: " + document.title);
		for (const e of document.querySelectorAll("img, iframe, object, embed, [onerror], body script")) found.push(e.outerHTML.slice(0, 200));
		// An address that somebody wrote leads where it says, tells nobody whence, and asks first.
		for (const e of document.querySelectorAll("a[href^='http']"))
			if (e.href !== e.textContent || e.className !== "elsewhere" || e.rel !== "noreferrer noopener" || e.target !== "_blank") found.push(e.outerHTML.slice(0, 200));
		if (!document.body.textContent.includes("<img src=x")) found.push("the name is not there");
		return found;
	})()`)
	if err != nil {
		v.t.Fatal(err)
	}
	if len(found) > 0 {
		v.t.Errorf("of hostile names came %q", found)
	}
}

// search looks for words in all files below a folder, as UTF-8 and UTF-16, and
// returns how many files there are.
func (l *lab) search(dir string, words ...string) (files int) {
	l.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, w := range words {
			if bytes.Contains(b, []byte(w)) || bytes.Contains(b, []byte(strings.Join(strings.Split(w, ""), "\x00"))) {
				l.t.Errorf("%s holds %.40q", path, w)
			}
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return files
}

// TestPlayLocked watches a recording of which an epoch is locked and a segment
// damaged, to its end: both show, neither is played, and what follows is.
func TestPlayLocked(t *testing.T) {
	withBrowsers(t, onePage)
	l := newDesk(t)
	people, err := player.NewPeople(l.dir)
	if err != nil {
		t.Fatal(err)
	}
	meeting, err := player.Lab(people.Readers, 70*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(l.dir, "store")
	id, err := player.Write(store, people.Signer.Signer(), meeting)
	if err != nil {
		t.Fatal(err)
	}
	if err := player.Damage(store, id, int(player.DamagedFrom/(5*time.Second))); err != nil {
		t.Fatal(err)
	}
	p := l.play(people.Guest, []string{"SEALTAPE_STORE=" + store}, id, "--no-browser", "--at", "38")
	v := l.browser()
	v.view(p.url)
	v.do("(sealtape.player.rate = 2, sealtape.player.play())")
	v.until("sealtape.player.time > 38")
	v.listen()
	for _, span := range []struct {
		state    string
		word     string // that the page shows
		from, to time.Duration
	}{
		{"locked", "locked", player.LockedFrom, player.LockedTo},
		{"failed", "verification", player.DamagedFrom, player.DamagedFrom + 5*time.Second},
	} {
		if at := span.from.Seconds() - 2; span.state == "failed" {
			v.do(fmt.Sprintf("sealtape.player.seek(%v)", at))
			v.until(fmt.Sprintf("!sealtape.player.waiting && sealtape.player.time > %v && sealtape.player.time < %v", at, at+10))
			v.do("meter.clear()")
		}
		v.until(fmt.Sprintf("sealtape.recording.tracks.some((t) => sealtape.player.state(t.uid).state === %q)", span.state))
		v.until(fmt.Sprintf(`[...document.querySelectorAll("#stage *")].some((e) => new RegExp(%q, "i").test(e.textContent) && e.checkVisibility())`, span.word))
		v.until(fmt.Sprintf("sealtape.player.time > %v", span.to.Seconds()))
		// A busy machine may break every beep until the end: then it plays again from here on.
		again := fmt.Sprintf("sealtape.player.ended && (sealtape.player.seek(%v), sealtape.player.play())", span.to.Seconds()-1)
		after := v.watchUntil("after what is "+span.state, func(m player.Measurement) bool {
			v.do(again)
			return slices.ContainsFunc(m.Pictures, func(p player.Picture) bool { return p.Media > span.to.Seconds() }) &&
				slices.ContainsFunc(m.Beeps, func(b player.Sound) bool { return b.Clock != nil && *b.Clock > span.to.Seconds() })
		})
		for _, p := range after.Pictures {
			if p.Media > span.from.Seconds() && p.Media < span.to.Seconds() {
				t.Errorf("a picture of %.2f s was shown, which is %s", p.Media, span.state)
			}
		}
		for _, b := range after.Beeps {
			if b.Clock != nil && *b.Clock > span.from.Seconds()+0.2 && *b.Clock < span.to.Seconds()-0.2 {
				t.Errorf("a beep was heard at %.2f s, which is %s", *b.Clock, span.state)
			}
		}
	}
	v.until("sealtape.player.ended")
	v.harmless()
	v.keepsToItself(p.url)
	if code := p.stop(syscall.SIGINT); code != ui.ExitUnverified {
		t.Errorf("exit code %d, want %d\n%s", code, ui.ExitUnverified, p.stderr())
	}
	if n := strconv.Itoa(int(player.DamagedFrom / (5 * time.Second))); !strings.Contains(p.stderr(), n) {
		t.Errorf("it does not name segment %s:\n%s", n, p.stderr())
	}
}
