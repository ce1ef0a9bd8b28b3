// Package native puts native clients into LiveKit rooms: processes of Node with
// LiveKit's SDK for it, @livekit/rtc-node, which is libwebrtc, Rust and a frame
// encryption of their own. It is the SDK of phones and agents, and the second
// independent peer that the recorder has to understand, beside testdata/browser.
//
// The sound and the pictures of a Member are made to measure with, see
// fixture.mjs. Needed are node in PATH and the packages that "npm ci" puts into
// this folder, the SDK's library for this machine among them.
package native

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// ErrClosed is returned when the member's process is gone.
var ErrClosed = errors.New("the native member's process has ended")

// leaveTime is how long a process may take to leave the room and end.
const leaveTime = 2 * time.Minute

// A Config says who joins which room and what is published there. The token
// names the room, the identity and the name.
type Config struct {
	// URL is the LiveKit server's, "ws://127.0.0.1:7880".
	URL   string `json:"url"`
	Token string `json:"token"`
	// Passphrase is the room's shared end-to-end key, which also encrypts data.
	// Empty joins without.
	Passphrase string `json:"passphrase"`
	// Key is the room's shared key in bytes, in place of Passphrase: HKDF derives
	// from it. The SDK for Node knows no keys of single members.
	Key []byte `json:"key"`
	// Hz publishes a microphone that hears a tone of so many Hz, 14 dB louder in
	// the first 100 ms of each second. 0 publishes none.
	Hz float64 `json:"hz"`
	// Codec publishes a camera, as "vp8", "h264", "vp9" or "av1". Its pictures are
	// white in the first 100 ms of each second, and have their number, modulo
	// 4096, as a media.FlashCode of fixture 0 at the bottom.
	Codec string `json:"codec"`
	// ScreenCodec publishes such pictures of 640x360 as the screen share, too.
	ScreenCodec string `json:"screenCodec"`
	// Width and Height are the camera's; 0 means 640x360. Rate is how many
	// pictures a second all pictures come at; 0 means 20. Bitrate is what one may
	// take in bits a second; 0 means two million.
	Width   int `json:"width"`
	Height  int `json:"height"`
	Rate    int `json:"rate"`
	Bitrate int `json:"bitrate"`
	// Simulcast sends the camera in several layers. Scalability does so within one
	// stream, "L3T3_KEY": the SDK sends VP9 and AV1 in such layers.
	Simulcast   bool   `json:"simulcast"`
	Scalability string `json:"scalability"`
	// Dynacast lets the server stop layers that nobody wants.
	Dynacast bool `json:"dynacast"`
	// Watch receives what others publish.
	Watch bool `json:"watch"`
	// Log is told what the SDK says. Nil discards.
	Log *slog.Logger `json:"-"`
}

// A Member is a process in a room until Leave. Its methods are safe for
// concurrent use.
type Member struct {
	cmd    *exec.Cmd
	input  io.WriteCloser
	said   sync.WaitGroup // reads what the process prints
	ended  chan struct{}  // closed when it has ended
	leave  sync.Once
	left   error
	failed error // why it ended; set before ended is closed

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed and replaced with each new state
	calls   []chan error  // those under way, oldest first
	errs    []string      // what it printed last to standard error
}

// Start starts a process, joins and publishes. It returns when all that Config
// asks for is published. ctx bounds starting only; the member stays until Leave.
func Start(ctx context.Context, c Config) (*Member, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("no node in PATH, install Debian's package nodejs: %w", err)
	}
	_, here, _, _ := runtime.Caller(0)
	dir := filepath.Dir(here)
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@livekit", "rtc-node")); err != nil {
		return nil, fmt.Errorf("run npm ci in %s: %w", dir, err)
	}
	c.Width, c.Height = cmp.Or(c.Width, 640), cmp.Or(c.Height, 360)
	c.Rate, c.Bitrate = cmp.Or(c.Rate, 20), cmp.Or(c.Bitrate, 2_000_000)
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	m := &Member{cmd: exec.Command(node, filepath.Join(dir, "member.mjs")), ended: make(chan struct{}), changed: make(chan struct{})}
	m.cmd.Env = append(os.Environ(), "NODE_ENV=production") // the SDK then logs less
	var out, errs io.ReadCloser
	if m.input, err = m.cmd.StdinPipe(); err == nil {
		if out, err = m.cmd.StdoutPipe(); err == nil {
			errs, err = m.cmd.StderrPipe()
		}
	}
	if err == nil {
		err = m.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting a native member: %w", err)
	}
	m.said.Go(func() { m.listen(out, log) })
	m.said.Go(func() {
		lines(errs, func(line []byte) {
			log.Debug("native: " + string(line))
			m.mu.Lock()
			defer m.mu.Unlock()
			m.errs = append(m.errs[max(0, len(m.errs)-9):], string(line))
		})
	})
	go func() {
		m.said.Wait() // before Wait, which closes the pipes
		m.failed = m.cmd.Wait()
		close(m.ended)
	}()
	if err := m.send(ctx, c); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a native member: %w", err), m.Leave())
	}
	return m, nil
}

// listen takes what the process prints: the SDK logs there, too.
func (m *Member) listen(r io.Reader, log *slog.Logger) {
	lines(r, func(line []byte) {
		var said struct {
			State *State
			Done  *int
			Error string
		}
		if err := json.Unmarshal(line, &said); err != nil || said.State == nil && said.Done == nil {
			log.Debug("native: " + string(line))
			return
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if said.State != nil {
			m.state = *said.State
			close(m.changed)
			m.changed = make(chan struct{})
			return
		}
		var err error
		if said.Error != "" {
			err = errors.New(said.Error)
		}
		m.calls[0] <- err // they end in order
		m.calls = m.calls[1:]
	})
}

// lines calls each with every line. What is too long for one ends it, and the
// rest is read and dropped, so that the process does not hang.
func lines(r io.Reader, each func([]byte)) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		each(s.Bytes())
	}
	_, _ = io.Copy(io.Discard, r)
}

// call has the process call one of its functions, and waits for its end.
func (m *Member) call(ctx context.Context, name string, args ...any) error {
	return m.send(ctx, map[string]any{"call": name, "args": args})
}

func (m *Member) send(ctx context.Context, what any) error {
	line, err := json.Marshal(what)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	m.mu.Lock()
	m.calls = append(m.calls, done)
	_, err = m.input.Write(append(line, '\n'))
	m.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	select {
	case err := <-done:
		return err
	case <-m.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
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
		case <-m.ended:
			return state, ErrClosed
		case <-ctx.Done():
			return state, ctx.Err()
		}
	}
}

// Unpublish ends the publication of the source.
func (m *Member) Unpublish(ctx context.Context, source Source) error {
	return m.call(ctx, "unpublish", source)
}

// Publish publishes the source again, which was unpublished, as Start did.
func (m *Member) Publish(ctx context.Context, source Source) error {
	return m.call(ctx, "publish", source)
}

// Say sends a chat text on the topic lk.chat.
func (m *Member) Say(ctx context.Context, text string) error { return m.call(ctx, "say", text) }

// A Transcription is a version of what a member said, as an agent writes it down.
type Transcription struct {
	Text    string `json:"text"`
	Track   string `json:"track"`   // its ID in the room
	Segment string `json:"segment"` // versions of one replace one another
	Final   bool   `json:"final"`
	As      string `json:"as"` // the speaker's identity
}

// Transcribe publishes a transcription as LiveKit's agents do, as a text stream in the
// speaker's name.
func (m *Member) Transcribe(ctx context.Context, t Transcription) error {
	return m.call(ctx, "transcribe", t)
}

// PublishTranscription publishes a transcription in the older form.
func (m *Member) PublishTranscription(ctx context.Context, t Transcription) error {
	return m.call(ctx, "publishTranscription", t)
}

// Send sends a data packet, reliably, to all.
func (m *Member) Send(ctx context.Context, topic string, data []byte) error {
	return m.call(ctx, "send", topic, data)
}

// SendFile sends a byte stream to all, as the SDK sends files.
func (m *Member) SendFile(ctx context.Context, topic, name string, data []byte) error {
	return m.call(ctx, "file", topic, name, data)
}

// SetKey makes the member encrypt under another shared key. The derivation is
// that of Config.
func (m *Member) SetKey(ctx context.Context, index int, key []byte) error {
	return m.call(ctx, "setKey", index, key)
}

// Ratchet makes the member encrypt under the next key at the index.
func (m *Member) Ratchet(ctx context.Context, index int) error {
	return m.call(ctx, "ratchet", index)
}

// Leave leaves the room and waits for the end of the process, which is killed
// after two minutes. Later calls return the same.
func (m *Member) Leave() error {
	m.leave.Do(func() {
		m.mu.Lock()
		_ = m.input.Close() // fails if the process is gone, which the end tells
		m.mu.Unlock()
		select {
		case <-m.ended:
		case <-time.After(leaveTime):
			m.left = errors.Join(fmt.Errorf("the member does not leave within %v", leaveTime), m.cmd.Process.Kill())
			<-m.ended
		}
		if m.failed != nil {
			m.left = errors.Join(m.left, fmt.Errorf("native member: %w\n%s", m.failed, strings.Join(m.errs, "\n")))
		}
		if e := m.State().Errors; len(e) > 0 {
			m.left = errors.Join(m.left, fmt.Errorf("native member: %s", strings.Join(e, "; ")))
		}
	})
	return m.left
}
