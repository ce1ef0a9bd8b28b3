// Package browser puts real web clients into LiveKit rooms: headless Chromium
// with livekit-client and its own end-to-end encryption worker. It is the
// independent peer that the recorder has to understand.
//
// A Member has a Chromium of its own, as the sound of the fake microphone is a
// flag of the process, or shares one with others who are content with the same
// devices, see Chromium. The camera is Chromium's fake device, a moving figure
// with a clock. Needed are Debian's chromium or chromium-headless-shell in PATH, and the
// packages that "npm ci" puts into this folder.
package browser

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"
)

//go:embed member.html member.js membership.js roomkeys.js costs.js
var page embed.FS

// ErrClosed is returned by Wait when the member's browser is gone.
var ErrClosed = errors.New("the browser is closed")

// A Config says who joins which room and what is published there. The token
// names the room, the identity and the name.
type Config struct {
	// URL is the LiveKit server's, "ws://127.0.0.1:7880".
	URL   string
	Token string
	// Passphrase is the room's shared end-to-end key. Empty joins without.
	Passphrase string
	// Key is a raw key of this member's own, in place of Passphrase: HKDF derives
	// it, and it encrypts under KeyIndex with KeyBits, 128 (also if 0) or 256.
	Key               []byte
	KeyIndex, KeyBits int
	// In is the Chromium that the member shares with others, in a browser context of
	// its own: it has nothing of theirs but the devices, which are those of In's
	// configuration. Nil starts one for this member.
	In *Chromium
	// WAV is a sound file for the microphone, repeated; see Tone. Empty
	// publishes no microphone, but for Hz.
	WAV string
	// Hz, if not 0, is the frequency of a tone that the page makes and publishes as its
	// microphone, in place of WAV.
	Hz float64
	// Camera publishes Chromium's fake camera as VP8, 15 frames a second;
	// Simulcast does so in several layers, as browsers do by default.
	Camera, Simulcast bool
	// Dynacast lets the server stop what nobody wants of the camera.
	Dynacast bool
	// CameraWidth and CameraHeight are the camera's; 0 means 320x180.
	CameraWidth, CameraHeight int
	// Screen publishes a drawn clock as the screen share, VP8, 640x360.
	Screen bool
	// ScreenHz is the frequency of a tone that is published as the sound of the
	// screen share; 0 publishes none.
	ScreenHz float64
	// CameraCodec and ScreenCodec are other codecs than VP8: "vp9" and "av1",
	// which livekit-client sends in spatial layers (SVC), or "h264". AV1 cannot be
	// encrypted.
	CameraCodec, ScreenCodec string
	// CameraBitrate is what the camera may take, in bits a second. 0 leaves it to
	// livekit-client for VP8, and is two million else: so much that all spatial
	// layers are sent. Less than 0 leaves it to livekit-client for all codecs.
	CameraBitrate int
	// Card makes the member prove who it is with keys/web/member.js, by an identity of
	// this name that it makes. Pins are cards that it has pinned.
	Card string
	Pins [][]byte
	// RoomKeys lets the members make the room's keys: keys/web/roomkeys.js. It needs
	// Card, and takes the place of Passphrase and Key.
	RoomKeys bool
	// Files, if set, has another page than this package's, which is opened at Path, and
	// which does as it likes: the member has no State. Path may have a fragment.
	Files http.Handler
	Path  string
	// Player, if set, is served at /player/ beside the page, on its origin.
	Player http.Handler
	// Proxy, if set, is the HOST:PORT of a proxy by which the browser sends all that it sends
	// by HTTP, but to URL: also what is for this machine, and what workers ask for.
	Proxy string
	// Log is told the browser's troubles. Nil discards.
	Log *slog.Logger
}

// A Member is in a room until Leave. Its methods are safe for concurrent use.
type Member struct {
	ctx    context.Context // chromedp's, of the page
	cancel context.CancelFunc
	server *http.Server
	origin string // of the page
	served chan error
	leave  sync.Once
	left   error
	join   []chromedp.Action[chromedp.Void] // opens the page, and joins

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed and replaced with each new state
	sent    [][]byte      // see Sent
}

// Start starts a Chromium, or uses Config.In, joins and publishes. It returns when
// all that Config asks for is published. ctx bounds starting only; the member
// stays until Leave.
func Start(ctx context.Context, c Config) (m *Member, err error) {
	if c.In != nil {
		if err := c.In.fits(c); err != nil {
			return nil, err
		}
	}
	files := c.Files
	if files == nil {
		if files, err = pageFiles(); err != nil {
			return nil, err
		}
	}
	if c.Player != nil {
		mux := http.NewServeMux()
		mux.Handle("/", files)
		mux.Handle("/player/", http.StripPrefix("/player", c.Player))
		files = mux
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m = &Member{
		server:  &http.Server{Handler: files, ReadHeaderTimeout: 10 * time.Second},
		origin:  "http://" + listener.Addr().String(),
		served:  make(chan error, 1),
		changed: make(chan struct{}),
	}
	go func() { m.served <- m.server.Serve(listener) }()

	if c.In != nil {
		m.ctx, m.cancel = chromedp.NewContext(c.In.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(m.listen))
	} else if m.ctx, m.cancel, err = launch(ctx, c, m.listen); err != nil {
		return nil, errors.Join(err, m.server.Close(), served(m))
	}
	if err := m.start(ctx, m.origin+"/member.html", c); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a browser member: %w", err), m.Leave())
	}
	return m, nil
}

func (m *Member) start(ctx context.Context, url string, c Config) error {
	// The first Do starts the browser and binds its life to the context, so it
	// must not end with ctx; a ctx that ends early cancels by hand.
	started := context.AfterFunc(ctx, m.cancel)
	first := []chromedp.Action[chromedp.Void]{chromedp.ExposeFunc("report", m.report)}
	if c.Proxy != "" {
		first = append(first, watchNetwork)
	}
	err := chromedp.Do(m.ctx, first...)
	if !started() {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"url": c.URL, "token": c.Token, "passphrase": c.Passphrase,
		"key": c.Key, "keyIndex": c.KeyIndex, "keySize": cmp.Or(c.KeyBits, 128),
		"microphone": c.WAV != "" || c.Hz != 0, "hz": c.Hz, "camera": c.Camera, "simulcast": c.Simulcast, "dynacast": c.Dynacast, "screen": c.Screen,
		"width": cmp.Or(c.CameraWidth, 320), "height": cmp.Or(c.CameraHeight, 180), "screenHz": c.ScreenHz,
		"cameraBitrate": c.bitrate(), "cameraCodec": c.CameraCodec, "screenCodec": c.ScreenCodec, "card": c.Card, "pins": texts(c.Pins),
		"roomKeys": c.RoomKeys,
	})
	if err != nil {
		return err
	}
	if c.Files != nil {
		return m.do(ctx, chromedp.Navigate(strings.TrimSuffix(url, "member.html")+c.Path))
	}
	m.join = []chromedp.Action[chromedp.Void]{chromedp.Navigate(url), call("member.join(" + string(config) + ")")}
	return m.do(ctx, m.join...)
}

func (c Config) bitrate() int {
	if c.CameraBitrate == 0 && c.CameraCodec != "" {
		return 2_000_000
	}
	return max(c.CameraBitrate, 0)
}

// Origin returns the origin of the member's page.
func (m *Member) Origin() string { return m.origin }

// do runs actions in the browser, bounded by ctx and by the browser's life.
func (m *Member) do(ctx context.Context, actions ...chromedp.Action[chromedp.Void]) error {
	run, cancel := context.WithCancel(m.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	err := chromedp.Do(run, actions...)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// call evaluates a call of an asynchronous function and waits for it.
func call(js string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](js, chromedp.EvalAwaitPromise)
}

// report is called by the page with each new state as JSON, in order.
func (m *Member) report(_ context.Context, text string) (chromedp.Void, error) {
	var s State
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return chromedp.Void{}, err // fails the page's call, which shows in its errors
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = s
	close(m.changed)
	m.changed = make(chan struct{})
	return chromedp.Void{}, nil
}

// State returns the last state. It must not be changed.
func (m *Member) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Wait returns the first state, from the present one on, for which cond is
// true. It returns ctx's error, or ErrClosed, when that comes first, with the
// last state.
func (m *Member) Wait(ctx context.Context, cond func(State) bool) (State, error) {
	for {
		m.mu.Lock()
		state, changed := m.state, m.changed
		m.mu.Unlock()
		if cond(state) {
			return state, nil
		}
		select {
		case <-changed:
		case <-m.ctx.Done():
			return state, ErrClosed
		case <-ctx.Done():
			return state, ctx.Err()
		}
	}
}

// Mute mutes the published source, or sends it again.
func (m *Member) Mute(ctx context.Context, source Source, muted bool) error {
	return m.do(ctx, call(fmt.Sprintf("member.mute(%q, %t)", source, muted)))
}

// Unpublish ends the publication of the source.
func (m *Member) Unpublish(ctx context.Context, source Source) error {
	return m.do(ctx, call(fmt.Sprintf("member.unpublish(%q)", source)))
}

// Publish publishes the source again, which was unpublished, as Start did.
func (m *Member) Publish(ctx context.Context, source Source) error {
	return m.do(ctx, call(fmt.Sprintf("member.publish(%q)", source)))
}

// Limit makes the member send only so many of the camera's simulcast layers,
// from the smallest on.
func (m *Member) Limit(ctx context.Context, layers int) error {
	return m.do(ctx, call(fmt.Sprintf("member.limit(%d)", layers)))
}

// SwitchCamera goes on with a camera of another size, in the same publication.
func (m *Member) SwitchCamera(ctx context.Context, width, height int) error {
	return m.do(ctx, call(fmt.Sprintf("member.switchCamera(%d, %d)", width, height)))
}

// SwitchMicrophone goes on with a microphone that hears a tone of hz Hz, in the
// same publication.
func (m *Member) SwitchMicrophone(ctx context.Context, hz float64) error {
	return m.do(ctx, call(fmt.Sprintf("member.switchMicrophone(%g)", hz)))
}

// SetKey makes the member encrypt under another raw key of its own.
func (m *Member) SetKey(ctx context.Context, index int, key []byte) error {
	text, err := json.Marshal(key)
	if err != nil {
		return err
	}
	return m.do(ctx, call(fmt.Sprintf("member.setKey(%d, %s)", index, text)))
}

// Ratchet makes the member encrypt under the next key at the index. It does not
// wait until that has happened.
func (m *Member) Ratchet(ctx context.Context, index int) error {
	return m.do(ctx, call(fmt.Sprintf("member.ratchet(%d)", index)))
}

// Say sends a chat text on the topic lk.chat.
func (m *Member) Say(ctx context.Context, text string) error {
	quoted, err := json.Marshal(text)
	if err != nil {
		return err
	}
	return m.do(ctx, call("member.say("+string(quoted)+")"))
}

// Script runs a function of the page's, written in JavaScript, and waits for its promise.
func (m *Member) Script(ctx context.Context, function string) error {
	return m.do(ctx, call("("+function+")()"))
}

// Resize gives the page a window of another size, in CSS pixels.
func (m *Member) Resize(ctx context.Context, width, height int64) error {
	return m.do(ctx, chromedp.EmulateViewport(width, height))
}

// Screenshot returns the page as a PNG.
func (m *Member) Screenshot(ctx context.Context) ([]byte, error) {
	var png []byte
	err := m.do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) (err error) {
		png, err = chromedp.CaptureScreenshot()(ctx, t)
		return err
	}))
	return png, err
}

// Leave leaves the room, closes the browser, or the member's part of it, removes
// its files and waits for all of it, two minutes at most. Later calls return the same.
func (m *Member) Leave() error {
	m.leave.Do(func() {
		ctx, cancel := context.WithTimeout(m.ctx, 2*time.Minute)
		defer cancel()
		if m.ctx.Err() == nil {
			if err := m.do(ctx, call("window.member?.leave()")); err != nil {
				m.left = fmt.Errorf("leaving the room: %w", err)
			}
			if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
				m.left = errors.Join(m.left, fmt.Errorf("closing the browser: %w", err))
			}
		}
		m.cancel()
		m.left = errors.Join(m.left, m.server.Close(), served(m))
	})
	return m.left
}

// served waits for the end of a server that was closed.
func served(m *Member) error {
	if err := <-m.served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// pageFiles serves the page and livekit-client beside it.
func pageFiles() (http.Handler, error) {
	_, self, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(self) {
		return nil, errors.New("the folder testdata/browser is not known to a binary built with -trimpath")
	}
	dist := filepath.Join(filepath.Dir(self), "node_modules", "livekit-client", "dist")
	if _, err := os.Stat(filepath.Join(dist, "livekit-client.esm.mjs")); err != nil {
		return nil, fmt.Errorf("livekit-client is not installed, run npm ci in testdata/browser: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(page))
	keys := filepath.Join(filepath.Dir(self), "..", "..", "keys", "web")
	if _, err := os.Stat(filepath.Join(keys, "node_modules", "age-encryption")); err != nil {
		return nil, fmt.Errorf("age-encryption is not installed, run npm ci in keys/web: %w", err)
	}
	mux.Handle("/keys/", http.StripPrefix("/keys/", http.FileServer(http.Dir(keys))))
	mux.Handle("/livekit-client/", http.StripPrefix("/livekit-client/", http.FileServer(http.Dir(dist))))
	return mux, nil
}
