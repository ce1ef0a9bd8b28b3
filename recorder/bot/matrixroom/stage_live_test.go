package matrixroom

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/matrix"
	fixtures "github.com/sealtape/sealtape/testdata/media"
	"github.com/sealtape/sealtape/testdata/members"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
	"github.com/sealtape/sealtape/testdata/servers/homeserver"
	"github.com/sealtape/sealtape/testdata/servers/sfutoken"
)

// A world has a homeserver, and LiveKit servers with their token services.
type world struct {
	t        *testing.T
	ctx      context.Context
	dendrite *servers.Dendrite
	proxy    *homeserver.Proxy
	lk       []*servers.LiveKit
	services []string // of lk
	room     string   // the Matrix room
}

// newWorld starts a world with n LiveKit servers. Tokens for the second may not send data.
func newWorld(t *testing.T, n int) *world {
	t.Helper()
	sample.Live(t)
	ctx := sample.Context(t)
	w := &world{t: t, ctx: ctx}
	var err error
	if w.dendrite, err = servers.StartDendrite(ctx, func(s string) { t.Log(s) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.dendrite.Kill)
	if w.proxy, err = homeserver.New(w.dendrite.URL, homeserver.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		lk, err := servers.StartLiveKit(ctx, servers.LiveKitConfig{DepartureTimeout: time.Minute, EmptyTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(lk.Kill)
		service := httptest.NewServer(sfutoken.Handler(sfutoken.Config{Homeserver: w.dendrite.URL, LiveKit: lk.URL, APIKey: lk.APIKey, APISecret: lk.APISecret, Receive: i == 1}))
		t.Cleanup(service.Close)
		w.lk, w.services = append(w.lk, lk), append(w.services, service.URL)
	}
	return w
}

// ask sends a request to the homeserver as somebody, and returns what it answers.
func (w *world) ask(token, method, path string, body any) map[string]any {
	w.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.ctx, method, w.proxy.URL+"/_matrix/client/v3"+path, bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %s, %s, %v", method, path, resp.Status, answer, err)
	}
	var m map[string]any
	if err := json.Unmarshal(answer, &m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// A user has a device whose token the test knows, which nobody has signed.
type user struct {
	id, device, token string
}

func (w *world) register(name string) user {
	w.t.Helper()
	m := w.ask("", "POST", "/register", map[string]any{"username": name, "password": "correct horse", "auth": map[string]any{"type": "m.login.dummy"}})
	return user{m["user_id"].(string), m["device_id"].(string), m["access_token"].(string)}
}

// account logs a user in on another device, cross-signed, as recorders and members are.
func (w *world) account(u user) *matrix.Account {
	w.t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		w.t.Fatal(err)
	}
	home := matrix.Home{Dir: filepath.Join(w.t.TempDir(), "matrix"), Identities: []age.Identity{key}, Recipients: []age.Recipient{key.Recipient()}}
	a, _, err := home.New(w.ctx, matrix.Login{User: u.id, Homeserver: w.proxy.URL, Password: []byte("correct horse")}, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := a.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return a
}

// newRoom makes an encrypted room in which all may be in the call.
func (w *world) newRoom(by user, others ...user) {
	w.t.Helper()
	var invited []string
	for _, u := range others {
		invited = append(invited, u.id)
	}
	m := w.ask(by.token, "POST", "/createRoom", map[string]any{"preset": "private_chat", "invite": invited,
		"power_level_content_override": map[string]any{"users": map[string]int{by.id: 100}, "events": map[string]int{"org.matrix.msc3401.call.member": 0}},
		"initial_state":                []any{map[string]any{"type": "m.room.encryption", "state_key": "", "content": map[string]any{"algorithm": "m.megolm.v1.aes-sha2"}}}})
	w.room = m["room_id"].(string)
}

// member says that a device of a user is in the call and publishes to a service; "" says that
// it is not.
func (w *world) member(u user, device, service string) {
	w.t.Helper()
	content := map[string]any{}
	if service != "" {
		content = map[string]any{"application": "m.call", "call_id": "", "scope": "m.room", "device_id": device, "expires": 14400000,
			"focus_active":   map[string]any{"type": "livekit", "focus_selection": "multi_sfu"},
			"foci_preferred": []any{map[string]any{"type": "livekit", "livekit_service_url": service, "livekit_alias": w.room}}}
	}
	w.ask(u.token, "PUT", "/rooms/"+url.PathEscape(w.room)+"/state/org.matrix.msc3401.call.member/"+url.PathEscape("_"+u.id+"_"+device+"_m.call"), content)
}

// A person is a member with a device of package matrix, and their LiveKit client.
type person struct {
	user
	w      *world
	call   *matrix.Call
	device string
	master string // key of the account
	media  *members.Member
	ring   *frame.Keyring // of media

	mu    sync.Mutex
	heard []matrix.CallEvent
}

// person lets a user follow the call.
func (w *world) person(u user) *person {
	w.t.Helper()
	p := &person{user: u, w: w, ring: frame.NewKeyring(256, frame.KeyOptions{})}
	a := w.account(u)
	config := matrix.CallConfig{OnEvent: func(e matrix.CallEvent) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.heard = append(p.heard, e)
		if e.Kind == matrix.OwnKey { // somebody left
			if err := p.ring.SetRaw(e.Index, e.Key, frame.HKDF); err != nil {
				w.t.Error(err)
			}
		}
	}}
	set(&config.Room, w.room)
	var err error
	if p.call, err = a.OpenCall(w.ctx, config); err != nil {
		w.t.Fatal(err)
	}
	p.device = string(a.Device())
	_, master, err := a.Keys()
	if err != nil {
		w.t.Fatal(err)
	}
	p.master = string(master)
	run, stop := context.WithCancel(context.WithoutCancel(w.ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = p.call.Run(run) })
	w.t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return p
}

func (p *person) identity() string { return p.id + ":" + p.device }

// enter makes them a member who publishes to the n-th server.
func (p *person) enter(n int) {
	w := p.w
	w.t.Helper()
	if err := p.call.Enter(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	if own, _, _ := p.call.Own(); len(own.Services) > 0 && own.Services[0] != w.services[n] {
		w.member(p.user, p.device, w.services[n]) // which others see, and the recorder
	}
	p.publish(n)
}

// publish has them send sound by the n-th server under their key.
func (p *person) publish(n int) {
	index, key := p.call.Key()
	if err := p.ring.SetRaw(index, key, frame.HKDF); err != nil {
		p.w.t.Fatal(err)
	}
	p.media = p.w.publisherWith(n, p.identity(), p.ring)
}

// publisher joins the LiveKit room of the call under an identity.
func (w *world) publisher(n int, identity string, index int, key []byte) *members.Member {
	w.t.Helper()
	ring := frame.NewKeyring(256, frame.KeyOptions{})
	if err := ring.SetRaw(index, key, frame.HKDF); err != nil {
		w.t.Fatal(err)
	}
	return w.publisherWith(n, identity, ring)
}

// publisherWith does the same with a ring of keys.
func (w *world) publisherWith(n int, identity string, ring *frame.Keyring) *members.Member {
	w.t.Helper()
	lk := w.lk[n]
	m, err := members.Join(w.ctx, members.Config{URL: lk.URL, APIKey: lk.APIKey, APISecret: lk.APISecret, Room: sfutoken.Room(w.room),
		Identity: identity, Name: "by the SFU", Keys: ring, Audio: fixtures.Speech(0)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = m.Leave() })
	return m
}

// heardNotice reports whether they heard a notice, encrypted, that begins so.
func (p *person) heardNotice(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.heard, func(e matrix.CallEvent) bool {
		return e.Kind == matrix.Chat && e.Encrypted && strings.HasPrefix(e.Text, text)
	})
}

// sees reports whether a device of a user is in the call for them, under a name that begins
// so.
func (p *person) sees(identity, name string) bool {
	return slices.ContainsFunc(p.call.Members(), func(m matrix.Caller) bool {
		return identityOf(m) == identity && strings.HasPrefix(m.Name, name)
	})
}

func randomKey() []byte {
	key := make([]byte, 16)
	_, _ = rand.Read(key)
	return key
}

// until waits for something.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-w.ctx.Done():
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}
