package webhook

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/receiver"
)

const recording = "F2JE7ZY04P971PR0YHVBFNECP0"

var (
	seed   = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	whsk   = "whsk_" + seed
	whsec  = "whsec_" + seed
	apiKey = "APIkey: secretsecretsecretsecretsecret"
)

func parse(t *testing.T, text string) *Key {
	t.Helper()
	k, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A target is a receiver of webhooks.
type target struct {
	*httptest.Server
	mu     sync.Mutex
	events []Event // taken, in their order
	tries  atomic.Int64
	long   bool // the first answer has no end
}

// newTarget returns a receiver that checks each request with take and then does as answer
// says; nil takes all.
func newTarget(t *testing.T, key string, answer func(w http.ResponseWriter, try int64) bool) *target {
	t.Helper()
	k := &target{}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		try := k.tries.Add(1)
		id, body, err := check(r, key)
		if err != nil {
			t.Errorf("request %d: %v", try, err)
			return
		}
		if answer != nil && !answer(w, try) {
			return
		}
		e, err := parseEvent(body)
		if err != nil || id != "" && id != e.ID {
			t.Errorf("%s: %q, %v", id, body, err)
		}
		k.mu.Lock()
		k.events = append(k.events, e)
		k.mu.Unlock()
		if k.long && try == 1 {
			endless(w)
		}
	}))
	t.Cleanup(k.Close)
	return k
}

// endless writes until nobody reads any more.
func endless(w http.ResponseWriter) {
	b := make([]byte, 64<<10)
	for {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

func check(r *http.Request, key string) (id string, body []byte, err error) {
	if name, secret, ok := strings.Cut(key, ": "); ok {
		body, err = receiver.LiveKit(r, name, secret)
		return "", body, err
	}
	return receiver.Standard(r, key)
}

func (k *target) types() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var types []string
	for _, e := range k.events {
		types = append(types, e.Type)
	}
	return types
}

func atOnce(int) time.Duration { return time.Millisecond }

func event(kind string) Event { return NewEvent(kind, Data{Recording: recording, State: "recording"}) }

// send runs a Sender until all that was told is delivered.
func send(t *testing.T, c Config, events ...Event) {
	t.Helper()
	s, err := NewSender(c, recording)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		s.Tell(e)
	}
	s.Close()
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestSigned: what receives LiveKit's webhooks takes these, and so does what knows Standard
// Webhooks, with either kind of key; and none of it says a name.
func TestSigned(t *testing.T) {
	for _, tt := range []struct{ key, receiver string }{
		{whsk, parse(t, whsk).Public()}, {whsec, whsec}, {apiKey, apiKey},
	} {
		k := newTarget(t, tt.receiver, nil)
		c := Config{URL: k.URL, Key: parse(t, tt.key), Dir: t.TempDir(), Wait: atOnce}
		d := Data{Recording: recording, Room: c.Key.Label("board-meeting"), State: "closed", Duration: 12.5, Participants: 3}
		told := []Event{NewEvent(Started, d), NewEvent(Ended, d)}
		send(t, c, told...)
		k.mu.Lock()
		for i, e := range k.events {
			if e.ID != told[i].ID || e.Data.Room != d.Room || strings.Contains(e.Data.Room, "board") || len(e.Data.Room) != 16 {
				t.Errorf("%s: %+v", c.Key, e)
			}
		}
		k.mu.Unlock()
		if got := k.types(); !slices.Equal(got, []string{Started, Ended}) {
			t.Errorf("%s: took %v", c.Key, got)
		}
		if left, err := os.ReadDir(c.Dir); err != nil || len(left) != 0 {
			t.Errorf("%v is left, %v", left, err)
		}
		// Another key's signature does not hold.
		other := newTarget(t, tt.receiver, nil)
		other.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, err := check(r, tt.receiver); err == nil {
				t.Errorf("%s: another key's signature holds", c.Key)
			}
		})
		wrong := map[string]string{whsk: "whsk_" + base64.StdEncoding.EncodeToString(make([]byte, 32)), whsec: "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)), apiKey: "APIkey: anothersecretanothersecret12"}[tt.key]
		send(t, Config{URL: other.URL, Key: parse(t, wrong), Dir: t.TempDir(), Wait: atOnce}, event(Started))
	}
	if a, b := parse(t, whsk).Label("x"), parse(t, whsk).Label("y"); a == b || a != parse(t, whsk).Label("x") {
		t.Errorf("rooms have the labels %s and %s", a, b)
	}
}

// TestReceivers: whatever the receiver does, events come in their order, each until it is
// taken, and nothing is waited for longer than said.
func TestReceivers(t *testing.T) {
	elsewhere := newTarget(t, whsec, nil)
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter, try int64) bool
		want   []string
		tries  int64
		long   bool
	}{
		{name: "takes all", want: []string{Started, Hole, Ended}, tries: 3},
		{name: "is broken at first", answer: func(w http.ResponseWriter, try int64) bool {
			if try <= 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			return try > 3
		}, want: []string{Started, Hole, Ended}, tries: 6},
		{name: "refuses at first", answer: func(w http.ResponseWriter, try int64) bool {
			if try == 2 {
				w.WriteHeader(http.StatusForbidden)
			}
			return try != 2
		}, want: []string{Started, Hole, Ended}, tries: 4},
		{name: "redirects at first", answer: func(w http.ResponseWriter, try int64) bool {
			if try <= 2 {
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(int(300 + 6*try)) // 306, 312
				return false
			}
			return true
		}, want: []string{Started, Hole, Ended}, tries: 5},
		{name: "redirects by 307", answer: func(w http.ResponseWriter, try int64) bool {
			if try == 1 {
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(http.StatusTemporaryRedirect)
			}
			return try > 1
		}, want: []string{Started, Hole, Ended}, tries: 4},
		{name: "answers without end", long: true, want: []string{Started, Hole, Ended}, tries: 3},
		{name: "fails without end", answer: func(w http.ResponseWriter, try int64) bool {
			if try == 1 {
				w.WriteHeader(http.StatusInternalServerError)
				endless(w)
			}
			return try > 1
		}, want: []string{Started, Hole, Ended}, tries: 4},
		{name: "is gone for good", answer: func(w http.ResponseWriter, try int64) bool {
			w.WriteHeader(http.StatusGone)
			return false
		}, tries: 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newTarget(t, whsec, tt.answer)
			k.long = tt.long
			send(t, Config{URL: k.URL, Key: parse(t, whsec), Dir: t.TempDir(), Wait: atOnce}, event(Started), event(Hole), event(Ended))
			if got := k.types(); !slices.Equal(got, tt.want) || k.tries.Load() != tt.tries {
				t.Errorf("took %v in %d tries, want %v in %d", got, k.tries.Load(), tt.want, tt.tries)
			}
		})
	}
	if n := elsewhere.tries.Load(); n != 0 {
		t.Errorf("%d requests went where a redirect led", n)
	}
}

// TestSlow: a receiver that does not answer is left, and its event tried again.
func TestSlow(t *testing.T) {
	over := make(chan struct{})
	k := newTarget(t, whsec, func(w http.ResponseWriter, try int64) bool {
		if try == 1 {
			<-over
		}
		return try > 1
	})
	send(t, Config{URL: k.URL, Key: parse(t, whsec), Dir: t.TempDir(), Wait: atOnce, Timeout: 2 * time.Second}, event(Started))
	close(over)
	if got := k.types(); !slices.Equal(got, []string{Started}) {
		t.Errorf("took %v", got)
	}
}

// TestAway: what a receiver that is away did not take is on the disk, is bounded, and is
// delivered later in its order, by another process.
func TestAway(t *testing.T) {
	away := httptest.NewServer(nil)
	away.Close()
	dir := t.TempDir()
	c := Config{URL: away.URL, Key: parse(t, whsk), Dir: dir, Wait: func(int) time.Duration { return time.Hour }}
	s, err := NewSender(c, recording)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	s.Tell(event(Started))
	for range maxQueued + 50 {
		s.Tell(event(Hole))
	}
	s.Tell(event(Ended))
	s.Close()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, recording, "*.json"))
	if err != nil || len(files) != maxQueued+1 {
		t.Fatalf("%d events wait, %v", len(files), err)
	}
	for _, f := range files {
		if fi, err := os.Stat(f); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, fi.Mode(), err)
		}
	}
	// What is no event is removed; what another process has is left to it.
	if err := os.WriteFile(files[3], []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	held, err := openQueue(dir, recording)
	if err != nil {
		t.Fatal(err)
	}
	k := newTarget(t, parse(t, whsk).Public(), nil)
	c.URL, c.Wait = k.URL, atOnce
	if n, err := Sweep(t.Context(), c, true); n != 0 || err != nil {
		t.Errorf("a sweep took %d of another process, %v", n, err)
	}
	if err := held.close(); err != nil {
		t.Fatal(err)
	}
	n, err := Sweep(t.Context(), c, false)
	if n != maxQueued || err != nil {
		t.Errorf("delivered %d, %v", n, err)
	}
	types := k.types()
	if len(types) != maxQueued || types[0] != Started || types[1] != Hole || types[len(types)-1] != Ended {
		t.Errorf("took %d, from %s to %s", len(types), types[0], types[len(types)-1])
	}
	if dropped := k.events[len(types)-1].Data.Dropped; dropped != 51 {
		t.Errorf("the last event says that %d were dropped", dropped)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// TestKilled: an event that was told is delivered though the process died before.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("SEALTAPE_TEST_WEBHOOK_DIR"); dir != "" {
		tellAndWait(t, dir)
		return
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "SEALTAPE_TEST_WEBHOOK_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "told\n" {
		t.Errorf("%q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended by itself")
	}
	k := newTarget(t, whsec, nil)
	n, err := Sweep(t.Context(), Config{URL: k.URL, Key: parse(t, whsec), Dir: dir, Wait: atOnce}, false)
	if got := k.types(); n != 2 || err != nil || !slices.Equal(got, []string{Started, Ended}) {
		t.Errorf("delivered %d, %v: %v", n, err, got)
	}
}

// tellAndWait tells a receiver that never answers of two events, and says when they are kept.
func tellAndWait(t *testing.T, dir string) {
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	s, err := NewSender(Config{URL: hang.URL, Key: parse(t, whsec), Dir: dir}, recording)
	if err != nil {
		t.Fatal(err)
	}
	s.Tell(event(Started))
	s.Tell(event(Ended))
	go func() {
		for n := 0; n < 2; {
			files, err := filepath.Glob(filepath.Join(dir, recording, "0*.json"))
			if n = len(files); err != nil {
				panic(err)
			}
		}
		fmt.Println("told")
	}()
	_ = s.Run(t.Context())
}

// TestKeyTexts: what is a key, and that printing one shows nothing of it.
func TestKeyTexts(t *testing.T) {
	whole := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	for text, want := range map[string]string{
		whsk: "Ed25519", whsk + "\n": "Ed25519", "whsk_" + base64.StdEncoding.EncodeToString(whole): "Ed25519", whsec: "HMAC-SHA256", apiKey: "LiveKit",
		"APIkey:secretsecretsecretsecretsecret": "LiveKit",
		"":                                      "", "whsk_": "", "whsk_AAAA": "", "whsec_AAAA": "", "whsec_x": "", "APIkey": "", "APIkey: short": "", ": secretsecretsecretsecret": "",
		"whsk_" + base64.StdEncoding.EncodeToString(make([]byte, 64)): "", apiKey + "\n" + apiKey: "", "API key: secretsecretsecretsecretsecret": "",
	} {
		k, err := ParseKey(text)
		if want == "" {
			if !errors.Is(err, ErrKey) || err.Error() != ErrKey.Error() {
				t.Errorf("%q: %v, %v", text, k, err)
			}
			continue
		}
		if err != nil || fmt.Sprint(k) != want || fmt.Sprintf("%#v %+v", k, k) != want+" "+want {
			t.Errorf("%q: %v, %v", text, k, err)
		}
	}
}

// TestCheckURL: where webhooks may go.
func TestCheckURL(t *testing.T) {
	for address, want := range map[string][2]bool{ // without and with AllowHTTP
		"https://app.example.org/hook": {true, true}, "https://app.example.org:8443/hook?team=1": {true, true},
		"http://127.0.0.1:8080/hook": {true, true}, "http://[::1]/": {true, true}, "http://localhost/": {true, true},
		"http://app.example.org/hook": {false, true}, "http://127.0.0.1.example.org/": {false, true}, "http://10.0.0.1/": {false, true},
		"https://user:secret@app.example.org/": {}, "ftp://app.example.org/": {}, "app.example.org": {}, "": {}, "https:///x": {}, "https://app.example.org/#x": {}, "http:opaque": {},
	} {
		for i, allow := range []bool{false, true} {
			if err := CheckURL(address, allow); (err == nil) != want[i] {
				t.Errorf("%q, allowed %t: %v", address, allow, err)
			}
		}
	}
}

// TestCommand: the command gets the recording on standard input, its arguments as they
// are, and no secret; what it says is told if it fails, and it ends with the context.
func TestCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	t.Setenv("SEALTAPE_PASSPHRASE", "secret")
	t.Setenv("LIVEKIT_API_SECRET", "secret")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	r := StoredRecording{recording, "closed", []string{"./meetings"}}
	if err := (Command{"sh", "-c", `cat > "$1"; env >> "$1"; echo "$2" >> "$1"`, "sh", out, "$(touch x); *"}).Run(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	line, rest, _ := strings.Cut(string(b), "\n")
	var got StoredRecording
	if err := json.Unmarshal([]byte(line), &got); err != nil || got.Recording != r.Recording || got.State != r.State || !slices.Equal(got.Stores, r.Stores) {
		t.Errorf("%q, %v", line, err)
	}
	if strings.Contains(rest, "secret") || !strings.HasSuffix(rest, "\n$(touch x); *\n") {
		t.Errorf("it has %q", rest)
	}
	if err := (Command{"sh", "-c", "echo no disk >&2; exit 3"}).Run(t.Context(), r); err == nil || !strings.Contains(err.Error(), "exit status 3: no disk") {
		t.Errorf("%v", err)
	}
	if err := (Command{"/nonexistent"}).Run(t.Context(), r); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := (Command{"sh", "-c", "sleep 1000"}).Run(ctx, r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func FuzzParseEvent(f *testing.F) {
	b, err := event(Hole).body()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEvent(b)
		if err != nil {
			return
		}
		again, err := e.body()
		if err != nil {
			return // a time that JSON cannot write
		}
		if second, err := parseEvent(again); len(again) <= maxEvent && (err != nil || second.ID != e.ID || second.Data.Recording != e.Data.Recording) {
			t.Errorf("%q is read as %q, %v", b, again, err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	for _, text := range []string{whsk, whsec, apiKey} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		h := make(http.Header)
		if err := k.sign(h, "msg_x", []byte("{}"), time.Now()); err != nil {
			t.Error(err)
		}
		if strings.ContainsAny(h.Get("Authorization"), "\r\n") || len(k.Label("x")) != 16 {
			t.Errorf("%q signs %v", text, h)
		}
		_, _ = io.WriteString(io.Discard, k.Public())
	})
}
