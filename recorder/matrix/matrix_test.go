package matrix

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"github.com/sealtape/sealtape/recorder/matrix/sealed"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
	"github.com/sealtape/sealtape/testdata/servers/homeserver"
)

const (
	password = "a-canary-of-a-password"
	keysType = "io.element.call.encryption_keys" // which mautrix does not know
)

// The homeserver that all tests of this package use, and what the package logs.
var shared struct {
	once     sync.Once
	dendrite *servers.Dendrite
	proxy    *homeserver.Proxy
	err      error
	log      lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func TestMain(m *testing.M) {
	if dir := os.Getenv("SEALTAPE_TEST_MATRIX_CHILD"); dir != "" {
		child(dir)
		return
	}
	code := m.Run()
	if shared.proxy != nil {
		shared.proxy.Close()
	}
	if shared.dendrite != nil {
		shared.dendrite.Kill()
	}
	os.Exit(code)
}

func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&shared.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func server(t *testing.T) *homeserver.Proxy {
	t.Helper()
	sample.Live(t)
	shared.once.Do(func() {
		if shared.dendrite, shared.err = servers.StartDendrite(context.Background(), func(s string) { t.Log(s) }); shared.err == nil {
			shared.proxy, shared.err = homeserver.New(shared.dendrite.URL, homeserver.Config{})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.proxy
}

// newUser registers a user and returns how they log in.
func newUser(t *testing.T) Login {
	t.Helper()
	c, err := mautrix.NewClient(server(t).URL, "", "")
	if err != nil {
		t.Fatal(err)
	}
	name := "u" + strings.ToLower(randomName())
	resp, err := c.RegisterDummy(t.Context(), &mautrix.ReqRegister[any]{Username: name, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return Login{User: string(resp.UserID), Homeserver: shared.proxy.URL, Password: []byte(password)}
}

func randomName() string {
	var out strings.Builder
	for _, b := range random(8) {
		out.WriteByte('a' + b%26)
	}
	return out.String()
}

func newHome(t *testing.T) Home {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return Home{Dir: filepath.Join(t.TempDir(), "matrix"), Identities: []age.Identity{key}, Recipients: []age.Recipient{key.Recipient()}}
}

// logIn makes the account of a new user, in a home of its own.
func logIn(t *testing.T) (*Account, Home, Login, string) {
	t.Helper()
	o := newUser(t)
	a, home, recovery := accountOf(t, o)
	return a, home, o, recovery
}

// accountOf logs a user in, in a home of its own.
func accountOf(t *testing.T, o Login) (*Account, Home, string) {
	t.Helper()
	home := newHome(t)
	a, recovery, err := home.New(t.Context(), o, logger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a, home, recovery
}

var errEnough = errors.New("enough")

// until follows until f says that it has seen enough.
func until(t *testing.T, a *Account, f func(*Batch) bool) {
	t.Helper()
	err := a.Sync(t.Context(), func(_ context.Context, b *Batch) error {
		if f(b) {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Fatal(err)
	}
}

// messages follows until n messages of the keys' type came.
func messages(t *testing.T, a *Account, n int) []Message {
	t.Helper()
	var got []Message
	until(t, a, func(b *Batch) bool {
		for _, m := range b.Messages {
			if m.Type == keysType {
				got = append(got, m)
			}
		}
		return len(got) >= n
	})
	// until ends by an error, and so they are not handled yet.
	a.mu.Lock()
	a.state.Inbox = nil
	err := a.save()
	a.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func send(t *testing.T, from, to *Account, content string) {
	t.Helper()
	target := Target{to.User(), to.Device()}
	sent, err := from.Send(t.Context(), keysType, json.RawMessage(content), target)
	if err != nil || len(sent) != 1 || sent[0] != target {
		t.Fatalf("sent to %v, %v", sent, err)
	}
}

// A device that logs in is cross-signed, and so known to others; to-device events of
// types that mautrix does not know arrive, from a device that is known.
func TestSend(t *testing.T) {
	ada, home, login, recovery := logIn(t)
	bob, _, _, _ := logIn(t)
	if len(recovery) < 40 {
		t.Fatalf("the recovery key is %q", recovery)
	}
	send(t, ada, bob, `{"n":1}`)
	got := messages(t, bob, 1)[0]
	device, standing := bob.Standing(got.Sender, got.Identity, got.Signing)
	if got.Sender != ada.User() || string(got.Content) != `{"n":1}` || !got.Encrypted || device != ada.Device() || standing != Signed {
		t.Errorf("got %+v from device %s, which is %s", got, device, standing)
	}
	if _, standing := bob.Standing(got.Sender, got.Identity, "another"); standing != Unsigned {
		t.Error("a device under another's key is signed")
	}
	now, first := bob.Master(ada.User())
	if _, master, err := ada.Keys(); err != nil || now != master || first != master {
		t.Errorf("Bob knows master keys %s and %s, Ada has %s, %v", now, first, master, err)
	}
	send(t, bob, ada, `{"n":2}`) // the same session, back
	if got := messages(t, ada, 1)[0]; string(got.Content) != `{"n":2}` {
		t.Errorf("Ada got %+v", got)
	}

	// A second device joins the cross-signing by the recovery key alone.
	second := newHome(t)
	if _, _, err := second.New(t.Context(), login, logger()); !errors.Is(err, ErrRecoveryKey) {
		t.Errorf("without the recovery key: %v, want ErrRecoveryKey", err)
	}
	login.RecoveryKey = []byte("EsTc 1111 1111 1111 1111 1111 1111 1111 1111 1111 1111 1111")
	if _, _, err := second.New(t.Context(), login, logger()); !errors.Is(err, ErrWrongRecoveryKey) {
		t.Errorf("with another recovery key: %v, want ErrWrongRecoveryKey", err)
	}
	login.RecoveryKey = []byte(recovery)
	ada2, again, err := second.New(t.Context(), login, logger())
	if err != nil || again != "" {
		t.Fatalf("with the recovery key: %q, %v", again, err)
	}
	defer ada2.Close()
	send(t, ada2, bob, `{"n":3}`)
	got = messages(t, bob, 1)[0]
	if device, standing := bob.Standing(got.Sender, got.Identity, got.Signing); device != ada2.Device() || standing != Signed {
		t.Errorf("the second device is %s, %s", device, standing)
	}
	if _, err := home.Open(string(ada.User()), logger()); !errors.Is(err, sealed.ErrHeld) {
		t.Errorf("a second process: %v, want ErrHeld", err)
	}
	login.Password = []byte("wrong")
	if _, _, err := newHome(t).New(t.Context(), login, logger()); !errors.Is(err, ErrRefused) {
		t.Errorf("with another password: %v, want ErrRefused", err)
	}
	// Logged out, nothing is left but the lock.
	if err := ada2.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	if names, err := second.Users(); err != nil || len(names) != 0 {
		t.Errorf("accounts %v are left, %v", names, err)
	}
	if err := ada2.Sync(t.Context(), func(context.Context, *Batch) error { return nil }); !errors.Is(err, ErrLoggedOut) {
		t.Errorf("Sync of a device that was logged out: %v", err)
	}
}

// What is written into a room can be read by its members, once.
func TestRoom(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, home, _, _ := logIn(t)
	r, err := ada.client.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Invite: []id.UserID{bob.User()},
		InitialState: []*event.Event{{Type: event.StateEncryption, Content: event.Content{Parsed: &event.EncryptionEventContent{Algorithm: id.AlgorithmMegolmV1}}}}})
	if err != nil {
		t.Fatal(err)
	}
	until(t, bob, func(b *Batch) bool { return len(b.Rooms) > 0 && b.Rooms[0].Invited && b.Rooms[0].ID == r.RoomID })
	if _, err := bob.client.JoinRoomByID(t.Context(), r.RoomID); err != nil {
		t.Fatal(err)
	}
	until(t, ada, func(*Batch) bool { return ada.state.Rooms.IsInRoom(t.Context(), r.RoomID, bob.User()) })
	if _, err := ada.Write(t.Context(), r.RoomID, event.EventMessage, map[string]any{"msgtype": "m.notice", "body": "recording"}); err != nil {
		t.Fatal(err)
	}
	var read, sealed RoomEvent
	until(t, bob, func(b *Batch) bool {
		for _, room := range b.Rooms {
			for _, e := range room.Timeline {
				if e.Type.Type == event.EventMessage.Type {
					read = e
					return true
				}
			}
		}
		return false
	})
	if device, standing := bob.Standing(read.Sender, read.Identity, read.Signing); read.Content.Raw["body"] != "recording" || !read.Encrypted || device != ada.Device() || standing != Signed {
		t.Errorf("Bob read %v of device %s, which is %s", read.Content.Raw, device, standing)
	}
	if ok, err := bob.state.Rooms.IsEncrypted(t.Context(), r.RoomID); err != nil || !ok {
		t.Errorf("Bob does not know that the room is encrypted: %v", err)
	}
	// The same message as another event, also after a restart.
	raw, err := bob.client.GetEvent(t.Context(), r.RoomID, read.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := home.Open(string(bob.User()), logger())
	if err != nil {
		t.Fatal(err)
	}
	*bob = Account{client: again.client, file: again.file, log: again.log, state: again.state, unwedged: again.unwedged}
	if sealed, err = bob.state.read(r.RoomID, raw); err != nil || !sealed.Encrypted {
		t.Errorf("the event itself: %v", err)
	}
	raw, err = bob.client.GetEvent(t.Context(), r.RoomID, read.ID)
	if err != nil {
		t.Fatal(err)
	}
	raw.ID = "$another"
	if _, err := bob.state.read(r.RoomID, raw); !errors.Is(err, errReplayed) {
		t.Errorf("the message as another event: %v, want errReplayed", err)
	}
}

// Nothing that is secret is on the disk in the clear, or was ever logged.
func TestCanary(t *testing.T) {
	ada, home, login, recovery := logIn(t)
	bob, _, _, _ := logIn(t)
	const word = "a-canary-of-a-media-key"
	send(t, bob, ada, `{"key":"`+word+`"}`)
	until(t, ada, func(b *Batch) bool { return len(b.Messages) > 0 })
	pickle, err := ada.state.account.Pickle(bytes.Repeat([]byte{0}, 32))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := ada.state.marshal()
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"password": password, "token": ada.state.Token, "recovery key": recovery, "media key": word, "account": string(pickle),
		"device": string(ada.Device()), "user": string(login.User), "seed": string(ada.state.Seeds.Master)}
	if !bytes.Contains(plain, []byte(word)) || !bytes.Contains(plain, []byte(ada.state.Token)) {
		t.Error("the state lacks what it should have") // else the test looks for nothing
	}
	if bytes.Contains(plain, []byte(password)) || bytes.Contains(plain, []byte(recovery)) {
		t.Error("the state has the password or the recovery key")
	}
	entries, err := os.ReadDir(home.Dir)
	if err != nil || len(entries) == 0 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(home.Dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for what, secret := range secrets {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("the %s is readable in %s", what, e.Name())
			}
		}
		if fi, err := e.Info(); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), fi.Mode(), err)
		}
	}
	for what, secret := range secrets {
		if strings.Contains(shared.log.String(), secret) && what != "device" && what != "user" {
			t.Errorf("the %s was logged", what)
		}
	}
}

// A homeserver that is away, or answers nonsense, is asked again.
func TestBackoff(t *testing.T) {
	ada, _, _, _ := logIn(t)
	broken := &brokenTransport{next: http.DefaultTransport, broken: 1}
	ada.client.Client = &http.Client{Transport: broken, Timeout: time.Minute}
	if _, err := ada.step(t.Context(), 0); err == nil {
		t.Error("a broken answer is none")
	}
	broken.mu.Lock()
	broken.broken = 1
	broken.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	broken.good = cancel
	if err := ada.Sync(ctx, func(context.Context, *Batch) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync ended by %v", err)
	}
	if broken.asked < 3 {
		t.Errorf("the homeserver was asked %d times", broken.asked)
	}
}

// A brokenTransport answers nonsense so many times.
type brokenTransport struct {
	next   http.RoundTripper
	mu     sync.Mutex
	broken int
	asked  int
	good   func()
}

func (b *brokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.HasSuffix(r.URL.Path, "/sync") {
		return b.next.RoundTrip(r)
	}
	b.asked++
	if b.broken > 0 {
		b.broken--
		return nil, errors.New("broken")
	}
	if b.good != nil {
		b.good()
	}
	return b.next.RoundTrip(r)
}

// A device whose ratchet was lost makes a new session, and then is understood.
func TestUnwedge(t *testing.T) {
	ada, _, _, _ := logIn(t)
	bob, _, _, _ := logIn(t)
	send(t, ada, bob, `{"n":1}`)
	messages(t, bob, 1)
	send(t, bob, ada, `{"n":2}`) // from here on no message begins a session
	messages(t, ada, 1)
	bob.mu.Lock()
	clear(bob.state.sessions)
	bob.mu.Unlock()
	send(t, ada, bob, `{"n":3}`)
	_, identity, err := ada.state.account.IdentityKeys()
	if err != nil {
		t.Fatal(err)
	}
	for len(bob.state.sessions[identity]) == 0 {
		if _, err := bob.step(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	_, own, err := bob.state.account.IdentityKeys()
	if err != nil {
		t.Fatal(err)
	}
	for len(ada.state.sessions[own]) < 2 { // the empty message
		if _, err := ada.step(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	send(t, ada, bob, `{"n":4}`)
	if got := messages(t, bob, 1)[0]; string(got.Content) != `{"n":4}` {
		t.Errorf("Bob got %s", got.Content)
	}
}
