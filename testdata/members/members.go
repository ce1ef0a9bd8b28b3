// Package members puts members into LiveKit rooms, for the demo and the tests:
// Go programs that publish looped sound and pictures in real time, end-to-end
// encrypted as a livekit-client would, and that note whom and what they saw.
//
// They subscribe to no media. Their encryption is recorder/frame's, so that
// they prove the recorder's pipeline, not its cryptography: package
// testdata/browser brings the independent peer.
package members

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"

	protologger "github.com/livekit/protocol/logger"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/keys/member"
	"github.com/sealtape/sealtape/keys/roomkeys"
	"github.com/sealtape/sealtape/recorder/frame"
)

// The SDK hands its WebRTC stack one logger for the whole process, which writes
// to standard error by default. Replacing it is safe only while no room runs. This one
// has a level at which nothing is said: to one that discards, the stack would still tell
// of tracks, whose fields it reads without their locks.
func init() {
	l, err := protologger.NewZapLogger(&protologger.Config{Level: "fatal"})
	if err != nil {
		panic(err) // it has no reason to fail
	}
	lksdk.SetLogger(l)
}

// A Config says who joins which room and what they publish there.
type Config struct {
	// URL is the LiveKit server's, "ws://127.0.0.1:7880".
	URL string
	// Token joins with a ready access token, or, where it is empty, the member
	// makes one from APIKey and APISecret for Room, Identity and Name.
	Token             string
	APIKey, APISecret string
	Room              string
	Identity, Name    string
	// Passphrase is the room's shared end-to-end key. Empty publishes without
	// end-to-end encryption.
	Passphrase string
	// Keys are this member's own end-to-end keys, in place of Passphrase. Frames
	// are encrypted under the key that was set last, from the next one on, so the
	// caller rotates and ratchets keys in the ring. Data is not encrypted.
	Keys *frame.Keyring
	// RoomKeys lets the member make its own keys and hand them to the others, by package
	// keys/roomkeys, in place of Passphrase and Keys. It needs Key and Judge. Give says
	// to whom. Data is not encrypted.
	RoomKeys bool
	Give     roomkeys.Policy
	// Audio is an Ogg file of Opus, published as the microphone; Video and
	// ScreenVideo are IVF files of VP8, published as camera and screen share.
	// Each is looped. Nil publishes nothing of the kind.
	Audio, Video, ScreenVideo []byte
	// VideoCodec publishes the clock of testdata/media as the camera in another
	// codec, "vp9", "h264", "h265" or "av1", in place of Video. VP9 and AV1 only
	// without end-to-end encryption: the server tells their key frames by looking
	// into them, unless the publisher describes them in a header extension.
	VideoCodec string
	// Key, if set, makes the member one of package keys/member, which proves who it
	// is and asks others to. Judge knows the cards that it has pinned.
	Key   *keys.Identity
	Judge member.Judge
	// SilentAfter is how soon the member says of others that they are silent, 0 for
	// what package keys/member does.
	SilentAfter time.Duration
	// Log is told of trouble and of what is published. Nil discards.
	Log *slog.Logger
}

// A Member is in a room until Leave or until the room ends. Its methods are
// safe for concurrent use.
type Member struct {
	room     *lksdk.Room
	proof    *proof    // nil without Config.Key
	exchange *exchange // nil without Config.RoomKeys
	log      *slog.Logger
	cancel   context.CancelFunc
	pumps    sync.WaitGroup
	leave    sync.Once
	done     chan struct{}

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when what was seen changes
	seen     map[string]time.Time
	left     map[string]time.Time
	attrs    map[string]map[string]string
	messages []Message
	tracks   []*track
	err      error
}

// A Message is a chat text as it arrived.
type Message struct {
	From string // identity
	Text string
	At   time.Time
}

// Join joins the room and publishes. It returns when every track is
// negotiated and its first frame was handed to WebRTC. ctx bounds joining
// only; the member stays until Leave.
func Join(ctx context.Context, c Config) (*Member, error) {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &Member{
		log: log.With("member", c.Identity), cancel: cancel,
		done: make(chan struct{}), changed: make(chan struct{}),
		seen: map[string]time.Time{}, left: map[string]time.Time{}, attrs: map[string]map[string]string{},
	}
	if err := m.join(ctx, run, c); err != nil {
		return nil, errors.Join(err, m.Leave())
	}
	return m, nil
}

func (m *Member) join(ctx, run context.Context, c Config) error {
	keys := c.Keys
	var shared derived
	if c.Passphrase != "" {
		var err error
		if shared, err = derive(c.Passphrase); err != nil {
			return err
		}
		keys = shared.media
	}
	if c.RoomKeys {
		m.exchange = newExchange(c.Identity)
		keys = m.exchange.own
	}
	tracks, err := open(c, keys)
	if err != nil {
		return err
	}

	m.room = lksdk.NewRoom(m.callbacks())
	if c.Key != nil {
		m.proof = &proof{m: m, ready: make(chan struct{})}
	}
	if err := m.room.RegisterTextStreamHandler("lk.chat", m.onChat); err != nil {
		return fmt.Errorf("listening to chat: %w", err)
	}
	opts := []lksdk.ConnectOption{
		lksdk.WithAutoSubscribe(false),
		lksdk.WithLogger(protologger.GetDiscardLogger()),
	}
	if c.Passphrase != "" {
		// As livekit-client does: whoever has the key reads encrypted data.
		opts = append(opts, lksdk.WithDataEncryption(&lksdk.EncryptionOptions{KeyProvider: shared.data}))
	}
	if c.Token != "" {
		err = m.room.JoinWithContextAndToken(ctx, c.URL, c.Token, opts...)
	} else {
		err = m.room.JoinWithContext(ctx, c.URL, lksdk.ConnectInfo{
			APIKey: c.APIKey, APISecret: c.APISecret, RoomName: c.Room,
			ParticipantIdentity: c.Identity, ParticipantName: c.Name,
		}, opts...)
	}
	if err != nil {
		return fmt.Errorf("joining as %q: %w", c.Identity, err)
	}
	if m.proof != nil {
		if err := m.proof.begin(run, c); err != nil {
			return err
		}
	}
	for _, p := range m.room.GetRemoteParticipants() {
		m.note(p)
	}

	for _, t := range tracks {
		if err := t.publish(m.room.LocalParticipant); err != nil {
			return fmt.Errorf("publishing %s: %w", t.source, err)
		}
		m.mu.Lock()
		m.tracks = append(m.tracks, t)
		m.mu.Unlock()
		m.pumps.Go(func() {
			if err := t.pump(run); err != nil {
				m.log.Warn("publishing stopped", "source", t.source, "error", err)
				m.mu.Lock()
				m.err = errors.Join(m.err, fmt.Errorf("%s: %w", t.source, err))
				m.mu.Unlock()
			}
		})
	}
	for _, t := range tracks {
		select {
		case <-t.started:
			m.log.Debug("publishing", "source", t.source, "track", t.pub.SID())
		case <-ctx.Done():
			return fmt.Errorf("publishing %s: %w", t.source, ctx.Err())
		}
	}
	return nil
}

// Leave stops publishing, waits until the last frame is sent and leaves the
// room. It returns what went wrong while publishing. Later calls do nothing.
func (m *Member) Leave() error {
	m.leave.Do(func() {
		m.cancel()
		m.pumps.Wait()
		m.exchange.bye()
		if m.room != nil {
			m.room.Disconnect()
		}
		m.end()
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Done is closed when the member is no longer in the room, by Leave or because
// the server ended it.
func (m *Member) Done() <-chan struct{} { return m.done }

func (m *Member) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.done:
	default:
		close(m.done)
		m.wake()
	}
}

// Mute stops sending the microphone (audio) or all pictures (not audio) and
// tells the room so.
func (m *Member) Mute(audio bool) { m.setMuted(audio, true) }

// Unmute sends again what Mute stopped. Pictures start with a key frame.
func (m *Member) Unmute(audio bool) { m.setMuted(audio, false) }

func (m *Member) setMuted(audio, muted bool) {
	m.mu.Lock()
	tracks := slices.Clone(m.tracks)
	m.mu.Unlock()
	for _, t := range tracks {
		if t.audio() == audio {
			t.setMuted(muted)
		}
	}
}

// Unpublish takes the microphone (audio) or all pictures (not audio) out of
// the room for good.
func (m *Member) Unpublish(audio bool) error {
	m.mu.Lock()
	tracks := slices.Clone(m.tracks)
	m.mu.Unlock()
	var errs []error
	for _, t := range tracks {
		if t.audio() != audio {
			continue
		}
		t.stop()
		if err := m.room.LocalParticipant.UnpublishTrack(t.pub.SID()); err != nil && !errors.Is(err, lksdk.ErrCannotFindTrack) {
			errs = append(errs, fmt.Errorf("unpublishing %s: %w", t.source, err))
		}
	}
	return errors.Join(errs...)
}

// Say sends a chat text to all, on the topic lk.chat. It does not wait until
// the text has left.
func (m *Member) Say(text string) {
	m.room.LocalParticipant.SendText(text, lksdk.StreamTextOptions{Topic: "lk.chat"})
}

// SendFile sends a file to all, on a topic. It does not wait until it has left.
func (m *Member) SendFile(topic, name string, data []byte) {
	w := m.room.LocalParticipant.StreamBytes(lksdk.StreamBytesOptions{Topic: topic, FileName: &name, TotalSize: uint64(len(data))})
	done := w.Close
	w.Write(data, &done)
}

// Dial presses a key, as who takes part by telephone does.
func (m *Member) Dial(digit string) error {
	return m.room.LocalParticipant.PublishDataPacket(&livekit.SipDTMF{Digit: digit}, lksdk.WithDataPublishReliable(true))
}

// Published tells what was sent so far, in the order microphone, camera,
// screen.
func (m *Member) Published() []Publication {
	m.mu.Lock()
	defer m.mu.Unlock()
	pubs := make([]Publication, len(m.tracks))
	for i, t := range m.tracks {
		pubs[i] = t.publication()
	}
	return pubs
}
