//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// sealed makes a recording of four seconds, see makeRecording, and returns its ID.
func (l *lab) sealed(home, store string, args ...string) string {
	l.t.Helper()
	out, err := l.program("make-recording", home, nil, append(args, store)...).Output()
	if err != nil {
		l.t.Fatalf("make-recording: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// A playing is a sealtape play that runs.
type playing struct {
	*process
	url  string // as it was printed
	base string // up to the token
}

// play starts sealtape play and returns when it printed its address.
func (l *lab) play(home string, vars []string, args ...string) *playing {
	l.t.Helper()
	p := l.start(l.command(home, vars, append([]string{"play"}, args...)...))
	m := regexp.MustCompile(`^(http://127\.0\.0\.1:[0-9]+/[A-Za-z0-9_-]{43}/)(watch/[0-9A-Z]{26})?(#t=[0-9.]+)?$`).FindStringSubmatch(p.first)
	if m == nil {
		l.t.Fatalf("it printed %q, want an address", p.first)
	}
	return &playing{process: p, url: p.first, base: m[1]}
}

// get asks for an address, without following where it leads.
func (p *playing) get(url string) (code int, body string, head http.Header) {
	p.l.t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(p.l.ctx, "GET", url, nil)
	if err != nil {
		p.l.t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		p.l.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.l.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// TestPlay plays a recording over HTTP, as a page would.
func TestPlay(t *testing.T) {
	l := newDesk(t)
	home, _ := l.recorder("Ada")
	store := filepath.Join(l.dir, "store")
	id := l.sealed(home, store, "-hole", "1500ms", "-room", "Board")
	p := l.play(home, []string{"SEALTAPE_STORE=" + store}, "last", "--no-browser", "--at", "0:01.5")
	if want := p.base + "watch/" + id + "#t=1.5"; p.url != want {
		t.Errorf("it printed %q, want %q", p.url, want)
	}
	for path, want := range map[string]int{
		"": 200, "watch/" + id: 200, "api/recordings/" + id: 200, "api/recordings/" + id + "/segments/1": 200,
		"api/recordings/" + id + "/segments/2": 404, "api/recordings/" + strings.Repeat("0", 26): 404,
	} {
		if code, body, _ := p.get(p.base + path); code != want {
			t.Errorf("%s: %d %.200s, want %d", path, code, body, want)
		}
	}
	if code, _, _ := p.get(p.base[:len(p.base)-2] + "/"); code != 403 {
		t.Errorf("with another token: %d", code)
	}
	var list struct {
		Recordings []struct {
			ID, Room, Access, State string
			Duration                float64
			People                  []string
			Incomplete              bool
		}
	}
	_, body, _ := p.get(p.base + "api/recordings")
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Recordings) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	if r := list.Recordings[0]; r.ID != id || r.Room != "Board" || r.Access != "all" || r.State != "closed" || r.Duration != 4 ||
		!slices.Equal(r.People, []string{"Alice", bobTrack.Name}) || !r.Incomplete {
		t.Errorf("listed as %+v", r)
	}
	if code := p.stop(syscall.SIGTERM); code != ui.ExitIncomplete {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"Not complete: recording " + id + " has a hole of a second or more.", "Ctrl-C stops"} {
		if !strings.Contains(p.stderr(), want) {
			t.Errorf("it said\n%s\nwant %q", p.stderr(), want)
		}
	}
	if out := p.stdout(); out != p.url+"\n" {
		t.Errorf("on standard output: %q", out)
	}
	if files, err := os.ReadDir(filepath.Join(home, "tmp")); err != nil || len(files) > 0 {
		t.Errorf("left in the folder for temporary files: %v, %v", files, err)
	}
}

// TestPlayTampered watches a recording of which a segment was changed: it is not
// played, and the exit code says so. One that nobody watched does not count.
func TestPlayTampered(t *testing.T) {
	l := newDesk(t)
	home, _ := l.recorder("Ada")
	store := filepath.Join(l.dir, "store")
	id := l.sealed(home, store, "-segments", "7")
	for _, n := range []int{1, 6} {
		flip(t, filepath.Join(store, id, "segments", fmt.Sprintf("%06d.age", n)))
	}
	p := l.play(home, nil, id, "--no-browser", "--store", store)
	if code, _, _ := p.get(p.base + "api/recordings/" + id + "/segments/0"); code != 200 {
		t.Errorf("segment 0: %d", code)
	}
	if code, body, _ := p.get(p.base + "api/recordings/" + id + "/segments/1"); code != 422 || !strings.Contains(body, `"failed"`) {
		t.Errorf("segment 1: %d %s", code, body)
	}
	if code := p.stop(syscall.SIGINT); code != ui.ExitUnverified {
		t.Errorf("exit code %d, want %d", code, ui.ExitUnverified)
	}
	if want := "failed verification: " + id + " from 2.0s to 4.0s (segment 1)\n"; !strings.Contains(p.stderr(), want) {
		t.Errorf("it said\n%s\nwant %q", p.stderr(), want)
	}

	p = l.play(home, nil, id, "--no-browser", "--store", store)
	if code := p.stop(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d of who watched nothing\n%s", code, p.stderr())
	}

	// Nor is a signature trusted whose key was revoked.
	revocation := filepath.Join(l.dir, "ada.revocation")
	l.must(home, "keys", "revoke", "-o", revocation)
	l.must(home, "keys", "add", revocation)
	p = l.play(home, nil, id, "--no-browser", "--store", store)
	if code := p.stop(syscall.SIGINT); code != ui.ExitUnverified || !strings.Contains(p.stderr(), "warning: recording "+id+" is signed by Ada") {
		t.Errorf("exit code %d with a signature by a revoked key\n%s", code, p.stderr())
	}
}

// TestPlayWithheld plays what a key granted in part that was revoked: that is said, and
// the exit code says so.
func TestPlayWithheld(t *testing.T) {
	l := newDesk(t)
	dan, danCard := l.person("Dan")
	bob, bobCard := l.person("Bob", danCard)
	ada, adaCard := l.recorder("Ada")
	store := filepath.Join(l.dir, "store")
	id := l.sealed(ada, store, "-reader", writeCard(t, bobCard), "-late", writeCard(t, danCard))
	for _, home := range []string{bob, dan} {
		l.must(home, "keys", "add", "--recorder", "--yes", writeCard(t, adaCard))
	}
	l.must(dan, "keys", "add", "--yes", writeCard(t, bobCard))
	l.must(bob, "share", id, "--to", "Dan", "--epoch", "1", "--store", store)
	p := l.play(dan, nil, id, "--no-browser", "--store", store)
	if code := p.stop(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d before\n%s", code, p.stderr())
	}
	revocation := filepath.Join(l.dir, "bob.revocation")
	l.must(bob, "keys", "revoke", "-o", revocation)
	l.must(dan, "keys", "add", revocation)
	for _, unpinned := range []bool{false, true} {
		if unpinned {
			l.must(dan, "keys", "remove", "Bob")
		}
		p = l.play(dan, nil, id, "--no-browser", "--store", store)
		if code := p.stop(syscall.SIGINT); code != ui.ExitUnverified || !strings.Contains(p.stderr(), "warning: epoch 1 of recording "+id+" was granted by Bob") {
			t.Errorf("exit code %d\n%s", code, p.stderr())
		}
	}
}

func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPlayBrowser has a browser opened: by an address that is good once, and
// without our secrets.
func TestPlayBrowser(t *testing.T) {
	l := newDesk(t)
	home, _ := l.recorder("Ada")
	store := filepath.Join(l.dir, "store")
	id := l.sealed(home, store)
	bin, seen := t.TempDir(), filepath.Join(l.dir, "seen")
	script := fmt.Sprintf("#!/bin/sh\n{ echo \"$1\"; env; } > %[1]s.part; mv %[1]s.part %[1]s\n", seen)
	if err := os.WriteFile(filepath.Join(bin, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	vars := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "AWS_SECRET_ACCESS_KEY=sesame", ui.PassphraseVar + "=sesame", "LANG=C"}
	p := l.play(home, vars, "sealtape:"+id+"#t=2", "--store", store)
	var said string
	l.until("a browser is opened", func() bool {
		b, err := os.ReadFile(seen)
		said = string(b)
		return err == nil
	})
	address, env, _ := strings.Cut(said, "\n")
	token := strings.Split(p.url, "/")[3]
	if strings.Contains(said, token) || strings.Contains(env, "sesame") || !strings.Contains(env, "LANG=C") {
		t.Errorf("it was opened with:\n%s", said)
	}
	if !strings.HasSuffix(address, "#t=2") {
		t.Errorf("it was opened at %q", address)
	}
	code, _, head := p.get(address)
	if to, _, _ := strings.Cut(p.url, "#"); code != 303 || !strings.HasSuffix(to, head.Get("Location")) {
		t.Errorf("the address leads to %d, %q", code, head.Get("Location"))
	}
	if code, _, _ := p.get(address); code != 403 {
		t.Errorf("the second time: %d", code)
	}
	// What the page tells to do with a link that it made does it, in a shell.
	_, description, _ := p.get(p.base + "api/recordings/" + id)
	var told struct{ Command string }
	if err := json.Unmarshal([]byte(description), &told); err != nil {
		t.Fatal(err)
	}
	args, err := exec.Command("sh", "-c", "set -- "+told.Command+" 'sealtape:"+id+"#t=1' --no-browser; printf '%s\\n' \"$@\"").Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(strings.TrimSpace(string(args)), "\n")
	if words[0] != "sealtape" || words[1] != "play" {
		t.Fatalf("the page says %q", told.Command)
	}
	again := l.play(home, vars, words[2:]...)
	if code, _, _ := again.get(again.url); code != 200 || !strings.HasSuffix(again.url, "/watch/"+id+"#t=1") {
		t.Errorf("%s leads to %s, %d", told.Command, again.url, code)
	}
	if code := again.stop(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d\n%s", code, again.stderr())
	}
	if code := p.stop(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr())
	}

	if err := os.Remove(filepath.Join(bin, "xdg-open")); err != nil {
		t.Fatal(err)
	}
	p = l.play(home, []string{"PATH=" + bin}, "--store", store)
	if code, _, _ := p.get(p.url); code != 200 {
		t.Errorf("the library page: %d", code)
	}
	if code := p.stop(syscall.SIGINT); code != 0 || !strings.Contains(p.stderr(), "open the address above") {
		t.Errorf("exit code %d without a browser\n%s", code, p.stderr())
	}
}

func TestMoment(t *testing.T) {
	for _, test := range []struct {
		arg, id string
		at, to  time.Duration
		bad     bool
	}{
		{arg: "", id: ""},
		{arg: "01ABC", id: "01ABC"},
		{arg: "last", id: "last"},
		{arg: "sealtape:01ABC", id: "01ABC"},
		{arg: "sealtape:01ABC#t=754", id: "01ABC", at: 754 * time.Second},
		{arg: "01ABC#t=754.25", id: "01ABC", at: 754250 * time.Millisecond},
		{arg: "01ABC#t=12:34", id: "01ABC", at: 754 * time.Second},
		{arg: "sealtape:01ABC#t=754,790.5", id: "01ABC", at: 754 * time.Second, to: 790500 * time.Millisecond},
		{arg: "sealtape:01ABC#t=0,0:07", id: "01ABC", to: 7 * time.Second},
		{arg: "01ABC#t=7,7", bad: true},
		{arg: "01ABC#t=7,", bad: true},
		{arg: "01ABC#t=7,8,9", bad: true},
		{arg: "sealtape:", bad: true},
		{arg: "#t=7", bad: true},
		{arg: "01ABC#7", bad: true},
		{arg: "01ABC#t=", bad: true},
	} {
		m, err := parseMoment(test.arg)
		if (err != nil) != test.bad || err == nil && m != (moment{test.id, test.at, test.to}) {
			t.Errorf("%q: %+v, %v", test.arg, m, err)
		}
	}
}

func TestPosition(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"0": 0, "754": 754 * time.Second, "0.5": 500 * time.Millisecond, "12:34": 754 * time.Second, "0:07": 7 * time.Second,
		"99:00": 99 * time.Minute, "1:02:03": time.Hour + 2*time.Minute + 3*time.Second, "1:02:03.25": 3723250 * time.Millisecond,
		"90s": 90 * time.Second, "1h2m": 62 * time.Minute,
		"": -1, ":": -1, "1:": -1, ":1": -1, "1:60": -1, "1:2:3:4": -1, "1:60:00": -1, "-1": -1, "-1s": -1, "1:-2": -1, "1e3": -1,
		"NaN": -1, "Inf": -1, "9999999999": -1, "x": -1, "1000h": -1, "1..2": -1,
	} {
		got, err := parsePosition(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
