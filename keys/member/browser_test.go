package member_test

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/testdata/sample"
)

// What Go makes, a browser reads, and the other way round: cards, fingerprints,
// approvals, exported identities and what is sealed to them.
func TestBrowserKeys(t *testing.T) {
	t.Parallel()
	s := startScript(t, "weekly", "ada")
	var made struct{ Card, Fingerprint string }
	s.must("generate", map[string]any{"name": "Zoë Ng", "device": "phone", "expires": time.Now().Add(48 * time.Hour).UnixMilli()}, &made)
	c, err := keys.ParseCard([]byte(made.Card))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Zoë Ng" || c.Device != "phone" || c.Expires.IsZero() || !c.PostQuantum() || c.Fingerprint().String() != made.Fingerprint {
		t.Errorf("card %+v, fingerprint %s, want %s", c, c.Fingerprint(), made.Fingerprint)
	}
	var exported struct{ File string }
	s.must("export", map[string]any{"passphrase": "xyzzy plugh"}, &exported)
	id, err := keys.ParseExport([]byte(exported.File), []byte("xyzzy plugh"))
	if err != nil {
		t.Fatal(err)
	}
	sealed := sealTo(t, c.AgeRecipients())
	r, err := age.Decrypt(strings.NewReader(string(sealed)), id.AgeIdentities()...)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
	var opened struct{ Plain string }
	s.must("decrypt", map[string]any{"file": sealed}, &opened)
	if opened.Plain != "hello" {
		t.Errorf("the browser read %q", opened.Plain)
	}

	// Back into a browser, with a key that Go made and changed.
	first, err := keys.GenerateAs(keys.Description{Name: "Ada", Device: "laptop"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := first.Successor(time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	file, err := second.Export([]byte("xyzzy plugh"), 10)
	if err != nil {
		t.Fatal(err)
	}
	if failure := s.do("import", map[string]any{"file": string(file), "passphrase": "plugh xyzzy"}, nil); !strings.Contains(failure, "another passphrase") {
		t.Errorf("another passphrase: %s", failure)
	}
	s.must("import", map[string]any{"file": string(file), "passphrase": "xyzzy plugh"}, &made)
	card, err := second.Card()
	if err != nil {
		t.Fatal(err)
	}
	b, err := card.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if made.Card != string(b) || made.Fingerprint != card.Fingerprint().String() {
		t.Errorf("the browser took over %q", made.Card)
	}
	// What it does not use itself it keeps: which keys were hers before.
	s.must("export", map[string]any{"passphrase": "xyzzy plugh"}, &exported)
	if id, err = keys.ParseExport([]byte(exported.File), []byte("xyzzy plugh")); err != nil {
		t.Fatal(err)
	}
	h := home(t)
	if err := h.Import(id, nil); err != nil {
		t.Fatal(err)
	}
	firstCard, err := first.Card()
	if err != nil {
		t.Fatal(err)
	}
	if earlier, err := h.EarlierKeys(); err != nil || !slices.Equal(earlier, []string{firstCard.Key}) {
		t.Errorf("earlier keys %q, %v, want that of the first card", earlier, err)
	}
	var read struct {
		Name, Device, Fingerprint, Key string
		Approvals                      int
	}
	s.must("card", map[string]any{"note": string(b)}, &read)
	if read.Name != "Ada" || read.Device != "laptop" || read.Key != card.Key || read.Approvals != 1 {
		t.Errorf("the browser reads %+v", read)
	}
	for _, bad := range []string{"", "x", string(b[:len(b)-2]), strings.Replace(string(b), "name: Ada", "name: Bda", 1), strings.Replace(string(b), "replaces: ", "replaces:  ", 1)} {
		if failure := s.do("card", map[string]any{"note": bad}, nil); failure == "" {
			t.Errorf("the browser takes %.40q for a card", bad)
		}
	}
}

func sealTo(t *testing.T, to []age.Recipient) []byte {
	t.Helper()
	r, err := age.EncryptReader(strings.NewReader("hello"), to...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A browser's member and Go's verify each other, whichever records.
func TestBrowserMember(t *testing.T) {
	t.Parallel()
	for name, passphrase := range map[string]string{"without keys": "", "with keys": "what the members know"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browserMember(t, passphrase)
		})
	}
}

func browserMember(t *testing.T, passphrase string) {
	inTime := sample.Context(t)
	sid := func() string { return "RM_weekly" }
	var roomKeys func(string) []*member.RoomKey
	seal := func(data []byte) []byte { return data }
	open := seal
	if passphrase != "" {
		// As livekit-client derives it.
		aes, err := pbkdf2.Key(sha256.New, passphrase, []byte("LKFrameEncryptionKey"), 100_000, 16)
		if err != nil {
			t.Fatal(err)
		}
		key, err := member.NewRoomKey(aes)
		if err != nil {
			t.Fatal(err)
		}
		roomKeys = func(string) []*member.RoomKey { return []*member.RoomKey{key} }
		seal = func(data []byte) []byte {
			packet, err := key.Seal(data)
			if err != nil {
				t.Error(err)
			}
			return packet
		}
		open = func(data []byte) []byte {
			message, err := key.Open(data)
			if err != nil {
				t.Errorf("a packet that is not sealed: %v", err)
			}
			return message
		}
	}
	s := startScript(t, "weekly", "ada")
	var made struct{ Card string }
	s.must("generate", map[string]any{"name": "Ada", "role": "recorder"}, &made)
	ada, err := keys.ParseCard([]byte(made.Card))
	if err != nil {
		t.Fatal(err)
	}
	bot := generate(t, "Bot")
	botCard, err := bot.Card()
	if err != nil {
		t.Fatal(err)
	}
	botNote, err := botCard.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 1)
	var saying sync.Mutex
	var said [][]byte // by the recorder; under saying
	var drop atomic.Value
	drop.Store("nothing")
	lost := func(data []byte) bool {
		return bytes.HasPrefix(open(data), []byte("sealtape.v1/"+drop.Load().(string)+"\n"))
	}
	var rec *member.Session
	rec, err = member.New(member.Config{Room: "weekly", SID: sid, Keys: roomKeys, Identity: "bot", Key: bot, Judge: judge{ada.Key: true},
		Send: func(_ context.Context, to []string, data []byte) error {
			if (len(to) == 0 || slices.Contains(to, "ada")) && !lost(data) {
				saying.Lock()
				said = append(said, data)
				saying.Unlock()
				s.hears("bot", data)
			}
			return nil
		},
		Notify: func(e member.Event) {
			if e.Trouble != "" {
				t.Errorf("the recorder was told %v", e)
			}
			wake(changed)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.send = func(to []string, data []byte) {
		if (len(to) == 0 || slices.Contains(to, "bot")) && !lost(data) {
			rec.Receive("ada", data)
		}
	}
	s.mu.Unlock()
	eve := generate(t, "Eve") // a member, whose card is pinned, too
	eveNote, err := cardOf(t, eve).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	s.must("start", map[string]any{"pins": []string{string(botNote), string(eveNote)}, "passphrase": passphrase}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); rec.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	rec.Joined("ada")
	s.must("joined", map[string]any{"identity": "bot"}, nil)
	until := func(what string, cond func(member.Peer) bool) {
		t.Helper()
		for !cond(rec.Peer("ada")) {
			select {
			case <-changed:
			case <-inTime.Done():
				t.Fatalf("%s: %+v, the browser was told %v", what, rec.Peer("ada"), s.troubles())
			}
		}
	}
	until("verified", func(p member.Peer) bool { return p.Standing == member.Verified })
	state := recording(member.Reader{Fingerprint: ada.Fingerprint(), Name: "Ada"}, member.Reader{Name: "age1pq1… \"ü\" 漢"})
	for n := range 300 {
		state.Readers = append(state.Readers, member.Reader{Fingerprint: keys.Fingerprint{1, byte(n >> 8), byte(n)}, Name: strings.Repeat("x", n%64)})
	}
	if err := rec.Announce(state); err != nil {
		t.Fatal(err)
	}
	until("confirmed", func(p member.Peer) bool { return p.Seen })
	type shown struct {
		Identity, Standing, Name, Fingerprint string
		Recorder                              bool
		State                                 struct {
			Phase, Recording string
			Readers          []struct{ Fingerprint, Name string }
		}
	}
	var seen struct {
		Code  string
		Peers []shown
	}
	s.must("peers", nil, &seen)
	if len(seen.Peers) != 1 || seen.Code != rec.Code() || seen.Code == "" {
		t.Fatalf("the browser sees %+v, code %q, want %q", seen.Peers, seen.Code, rec.Code())
	}
	if p := seen.Peers[0]; p.Standing != "verified" || p.Name != "Bot" || p.Fingerprint != botCard.Fingerprint().String() || !p.Recorder ||
		p.State.Recording != recordingID || len(p.State.Readers) != 302 || p.State.Readers[1].Name != state.Readers[1].Name || p.State.Readers[0].Fingerprint != ada.Fingerprint().String() {
		t.Errorf("the browser sees %+v", seen.Peers[0])
	}
	s.must("answer", map[string]any{"recorder": "bot", "yes": true}, nil)
	until("consent", func(p member.Peer) bool { return p.Yes })
	// Who is not acknowledged is told so; a no comes in the end.
	for _, kind := range []string{"noted", "consent"} {
		drop.Store(kind)
		if failure := s.do("answer", map[string]any{"recorder": "bot", "yes": false, "timeout": 50}, nil); !strings.Contains(failure, "not acknowledged") {
			t.Errorf("%s lost: %q", kind, failure)
		}
	}
	drop.Store("nothing")
	s.must("answer", map[string]any{"recorder": "bot", "yes": true}, nil)
	until("another answer", func(p member.Peer) bool { return p.Yes })
	drop.Store("consent")
	if failure := s.do("answer", map[string]any{"recorder": "bot", "yes": false, "timeout": 50}, nil); failure == "" || !rec.Peer("ada").Yes {
		t.Errorf("a no that was dropped: %q, %+v", failure, rec.Peer("ada"))
	}
	drop.Store("nothing")
	until("a no that was dropped", func(p member.Peer) bool { return !p.Yes && !p.Answered.IsZero() })
	s.must("answer", map[string]any{"recorder": "bot", "yes": true}, nil)
	rec.AskAgain() // and the browser stands by it
	until("the answer after an absence", func(p member.Peer) bool { return p.Yes })

	// The other way round: the browser records, and Go understands it.
	s.must("announce", map[string]any{"state": map[string]any{"phase": "recording", "recording": recordingID, "access": "whole", "policy": "named",
		"keeps": "verified", "consent": "ask", "store": "folder", "readers": []map[string]string{{"fingerprint": botCard.Fingerprint().String(), "name": "Bot"}}}}, nil)
	until("the browser's state", func(p member.Peer) bool {
		return p.Recorder && p.State.Access == "whole" && len(p.State.Readers) == 1 && p.State.Readers[0].Fingerprint == botCard.Fingerprint()
	})
	answered := func() (a struct {
		Answered float64
		Yes      bool
	}) {
		var all struct {
			Peers []struct {
				Identity string
				Answered float64
				Yes      bool
			}
		}
		s.must("peers", nil, &all)
		for _, p := range all.Peers {
			if p.Identity == "bot" {
				a.Answered, a.Yes = p.Answered, p.Yes
			}
		}
		return a
	}
	for _, yes := range []bool{true, false} {
		if err := rec.Answer(ctx, "ada", yes); err != nil || answered().Answered == 0 || answered().Yes != yes {
			t.Errorf("the browser has the answer %+v, want %v: %v", answered(), yes, err)
		}
	}
	if err := rec.Answer(ctx, "ada", true); err != nil {
		t.Error(err)
	}
	s.must("askAgain", nil, nil)
	for !answered().Yes { // it had none, and Go stands by it
		select {
		case <-s.told:
		case <-inTime.Done():
			t.Fatal("no answer came again")
		}
	}
	// A member who says that they record is none.
	var posing *member.Session
	posing, err = member.New(member.Config{Room: "weekly", SID: sid, Keys: roomKeys, Identity: "eve", Key: eve, Judge: judge{},
		Send: func(_ context.Context, _ []string, data []byte) error {
			s.hears("eve", data)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	posing.Pose()
	if err := posing.Announce(recording()); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	before := s.send
	s.send = func(to []string, data []byte) {
		before(to, data)
		if len(to) == 0 || slices.Contains(to, "eve") {
			posing.Receive("ada", data)
		}
	}
	s.mu.Unlock()
	posed := make(chan struct{})
	lying, stopLying := context.WithCancel(t.Context())
	go func() { defer close(posed); posing.Run(lying) }()
	posing.Joined("ada")
	s.must("joined", map[string]any{"identity": "eve"}, nil)
	s.until("impostor")
	stopLying()
	<-posed
	s.must("peers", nil, &seen)
	for _, p := range seen.Peers {
		if p.Identity == "eve" && (p.Standing != "verified" || p.Recorder) || seen.Code != rec.Code() {
			t.Errorf("the browser takes who poses for %+v, code %q, want %q", p, seen.Code, rec.Code())
		}
	}
	// Noise and forgeries are named.
	for _, data := range [][]byte{nil, []byte("x"), []byte("sealtape.v2/hello\n\n"), []byte("sealtape.v1/hello\nroom: x\n\n— sealtape.v1/x AAAA\n")} {
		s.hears("noise", seal(data))
	}
	s.hears("", nil)
	if passphrase != "" {
		saying.Lock()
		early := slices.Clone(said[:4])
		saying.Unlock()
		for _, data := range early {
			s.hears("clear", open(data))
		}
		s.until("plaintext")
	}
	s.until("hidden") // which takes some seconds
	if got := s.troubles(); !slices.Contains(got, "malformed") || !slices.Contains(got, "version") || !slices.Contains(got, "hidden") || slices.Contains(got, "signature") {
		t.Errorf("the browser was told %v", got)
	}

	// The server puts someone else in the recorder's place, and says again what the
	// recorder said.
	cancel()
	<-done
	var bogus *member.Session
	bogus, err = member.New(member.Config{Room: "weekly", SID: sid, Keys: roomKeys, Identity: "bot", Key: generate(t, "Bot"), Judge: judge{},
		Send: func(_ context.Context, _ []string, data []byte) error {
			s.hears("bot", data)
			return nil
		},
		Notify: func(member.Event) { wake(changed) }})
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.send = func(_ []string, data []byte) { bogus.Receive("ada", data) }
	s.mu.Unlock()
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); bogus.Run(ctx) }()
	t.Cleanup(func() { stop(); <-over })
	bogus.Joined("ada")
	standing := func() string {
		s.must("peers", nil, &seen)
		return seen.Peers[slices.IndexFunc(seen.Peers, func(p shown) bool { return p.Identity == "bot" })].Standing
	}
	for standing() != "claimed" {
		select {
		case <-changed:
		case <-inTime.Done():
			t.Fatalf("the browser sees %+v", seen.Peers)
		}
	}
	for _, data := range said[:6] {
		s.hears("bot", data)
	}
	s.until("stale")
	if got := s.troubles(); !slices.Contains(got, "other-card") || !slices.Contains(got, "impostor") || standing() != "claimed" || seen.Code != "" {
		t.Errorf("the browser was told %v, and sees %+v, code %q", got, seen.Peers, seen.Code)
	}
}

func cardOf(t *testing.T, id *keys.Identity) keys.Card {
	t.Helper()
	c, err := id.Card()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
