package recorder_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A listener is told of media that does not open.
type listener struct {
	mu   sync.Mutex
	at   []time.Time
	news []recorder.Unopened
}

func (l *listener) hear(news []recorder.Unopened) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var whose []string
	for _, u := range news {
		l.at, l.news = append(l.at, time.Now()), append(l.news, u)
		whose = append(whose, u.Name)
	}
	return strings.Join(whose, " and ") + " are not recorded"
}

func explaining(t *testing.T, index int, raw string, d frame.Derivation) *frame.Keyring {
	t.Helper()
	k := frame.NewKeyring(0, frame.KeyOptions{Explain: true})
	if err := k.SetRaw(index, []byte(raw), d); err != nil {
		t.Fatal(err)
	}
	return k
}

// TestUnopenedIsToldWhileItMatters: whose media does not open is told within five
// seconds, with the likeliest cause, to who runs the recorder and to the room, and
// in the log without names.
func TestUnopenedIsToldWhileItMatters(t *testing.T) {
	const pass = "sixteen bytes, 1"
	ratcheting := frame.NewKeyring(0, frame.KeyOptions{RatchetWindow: 1})
	if err := ratcheting.SetPassphrase(0, []byte(pass)); err != nil {
		t.Fatal(err)
	}
	if err := ratcheting.Ratchet(0); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		theirs *frame.Keyring // nil: not encrypted
		index  int
		info   recorder.TrackInfo
		cause  frame.CauseKind
		reason string
		why    string
	}{
		{"another passphrase", ring(t, "another"), 0, encrypted(opusInfo), frame.CausePassphrase, media.HoleAuth, "passphrase"},
		{"the other derivation", explaining(t, 0, pass, frame.HKDF), 0, encrypted(opusInfo), frame.CauseDerivation, media.HoleAuth, "HKDF"},
		{"a ratchet", ratcheting, 0, encrypted(opusInfo), frame.CauseRatchet, media.HoleAuth, "ratcheted 1 times"},
		{"another index", explaining(t, 2, pass, frame.PBKDF2), 2, encrypted(opusInfo), frame.CauseIndex, media.HoleNoKey, "index 2"},
		{"plain frames", nil, 0, encrypted(opusInfo), frame.CausePlaintext, media.HolePlaintext, "not encrypted"},
		{"a plain track", nil, 0, opusInfo, frame.CausePlaintext, media.HolePlaintext, "not encrypted"},
		{"a codec", nil, 0, func() recorder.TrackInfo { i := encrypted(vp8Info); i.Codec = media.AV1; return i }(), "codec", media.HoleCodec, "av1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			l := &listener{}
			c := recorder.Config{Keys: recorder.SharedKeys(explaining(t, 0, pass, frame.PBKDF2)), Duration: 12 * time.Second,
				Unopened: l.hear, Log: slog.New(slog.NewTextHandler(&log, nil))}
			var begun time.Time
			var told []string
			record(t, c, func(room *roomtest.Room, _ func()) {
				begun = time.Now()
				tr := room.Publish(tt.info)
				var enc *frame.Encrypter
				if tt.theirs != nil {
					enc = frame.NewEncrypter(media.Opus, tt.theirs, tt.index, 77)
				}
				for n := range 500 {
					b := opusPayload(n)
					if enc != nil {
						var err error
						if b, err = enc.Encrypt(nil, b, uint32(960*n)); err != nil {
							t.Fatal(err)
						}
					}
					tr.Send(opusPacket(n, b))
					time.Sleep(20 * time.Millisecond)
				}
				told = room.Announcements()
			})
			if len(l.news) != 1 {
				t.Fatalf("told of %+v", l.news)
			}
			u := l.news[0]
			if u.Name != "Alice" || u.Participant != "alice" || u.Cause != tt.cause || u.Reason != tt.reason || !strings.Contains(u.Why, tt.why) || u.Over {
				t.Errorf("told of %+v", u)
			}
			if after := l.at[0].Sub(begun); after > 5*time.Second {
				t.Errorf("told after %v", after)
			}
			if !slices.Contains(told, "Alice are not recorded") {
				t.Errorf("the room heard %q", told)
			}
			if text := log.String(); !strings.Contains(text, "cause="+string(tt.cause)) || strings.Contains(strings.ToLower(text), "alice") {
				t.Errorf("the log says\n%s", text)
			}
		})
	}
}

// TestUnopenedInStatus: the state shows it while it lasts, that nothing opens at
// all too, and what opens again is told of.
func TestUnopenedInStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &listener{}
		keys := ring(t, "wrong")
		r := recorder.New(recorder.Config{Recording: "TEST", Sink: &sink{}, Notices: recorder.Notices{Start: "recording"}, Keys: recorder.SharedKeys(keys),
			Duration: 40 * time.Second, Unopened: l.hear})
		room := roomtest.New("weekly")
		done := make(chan error)
		go func() { _, err := r.Record(context.Background(), room); done <- err }()
		synctest.Wait()
		tr := room.Publish(encrypted(opusInfo))
		enc := frame.NewEncrypter(media.Opus, ring(t, "right"), 0, 77)
		n := 0
		send := func(count int) {
			for range count {
				b, err := enc.Encrypt(nil, opusPayload(n), uint32(960*n))
				if err != nil {
					t.Fatal(err)
				}
				tr.Send(opusPacket(n, b))
				n++
				time.Sleep(20 * time.Millisecond)
			}
		}
		send(50)
		if s := r.Status(); len(s.Unopened) != 0 {
			t.Errorf("after a second: %+v", s.Unopened)
		}
		send(150)
		s := r.Status()
		if len(s.Unopened) != 1 || s.Unopened[0].Name != "Alice" || !s.Opened.IsZero() || time.Since(s.Unopened[0].Since) < 3*time.Second {
			t.Errorf("after four seconds: %+v, opened %v", s.Unopened, s.Opened)
		}
		if err := keys.SetPassphrase(0, []byte("right")); err != nil {
			t.Fatal(err)
		}
		send(50)
		s = r.Status()
		if len(s.Unopened) != 0 || time.Since(s.Opened) > time.Second {
			t.Errorf("with the key: %+v, opened %v", s.Unopened, s.Opened)
		}
		if len(l.news) != 2 || l.news[0].Over || !l.news[1].Over {
			t.Errorf("told of %+v", l.news)
		}
		// One frame that is not theirs, and then silence, is nobody's trouble.
		tr.Send(opusPacket(n, []byte("garbage that is long enough for a frame of its own")))
		time.Sleep(5 * time.Second)
		if s := r.Status(); len(s.Unopened) != 0 {
			t.Errorf("after one frame: %+v", s.Unopened)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestUnopenedEachSource: whoever was told of a member's microphone is told of the camera that
// does not open, either; and of another microphone a minute later, if that lasts.
func TestUnopenedEachSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &listener{}
		r := recorder.New(recorder.Config{Recording: "TEST", Sink: &sink{}, Notices: recorder.Notices{Start: "recording"},
			Keys: recorder.SharedKeys(ring(t, "wrong")), Duration: 80 * time.Second, Unopened: l.hear})
		room := roomtest.New("weekly")
		done := make(chan error)
		go func() { _, err := r.Record(context.Background(), room); done <- err }()
		synctest.Wait()
		enc := frame.NewEncrypter(media.Opus, ring(t, "right"), 0, 77)
		var tracks []*roomtest.Track
		n := 0
		publish := func(id string, source media.Source, lasts time.Duration) {
			info := encrypted(opusInfo)
			info.ID, info.Source = id, source
			tracks = append(tracks, room.Publish(info))
			for end := time.Now().Add(lasts); time.Now().Before(end); n++ {
				for _, tr := range tracks {
					b, err := enc.Encrypt(nil, opusPayload(n), uint32(960*n))
					if err != nil {
						t.Fatal(err)
					}
					tr.Send(opusPacket(n, b))
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		publish("TR_1", media.Microphone, 700*time.Millisecond) // some looks before the next
		publish("TR_2", media.Camera, 4*time.Second)
		publish("TR_3", media.ScreenAudio, 10*time.Second)
		publish("TR_4", media.Microphone, 60*time.Second)
		if err := <-done; err != nil {
			t.Error(err)
		}
		type told struct {
			source media.Source
			late   bool
		}
		var got []told
		for i, u := range l.news {
			got = append(got, told{u.Source, l.at[i].Sub(u.Since) > 5*time.Second})
		}
		if want := []told{{media.Microphone, false}, {media.Camera, false}, {media.ScreenAudio, false}, {media.Microphone, true}}; !slices.Equal(got, want) {
			t.Errorf("told of %v, want %v", got, want)
		}
	})
}

// TestUnopenedFlood: many who do not open are looked into one after the other, and
// told of in time all the same; one who begins again and again is told of once a
// minute.
func TestUnopenedFlood(t *testing.T) {
	l := &listener{}
	c := recorder.Config{Keys: recorder.SharedKeys(frame.NewKeyring(0, frame.KeyOptions{Explain: true})), Duration: 30 * time.Second, Unopened: l.hear}
	theirs := explaining(t, 0, "sixteen bytes, 1", frame.HKDF)
	record(t, c, func(room *roomtest.Room, _ func()) {
		for round := range 2 {
			var tracks []*roomtest.Track
			var encs []*frame.Encrypter
			for i := range 20 {
				info := encrypted(opusInfo)
				info.Participant = string(rune('a' + i))
				info.ID = info.Participant + string(rune('0'+round))
				tracks = append(tracks, room.Publish(info))
				encs = append(encs, frame.NewEncrypter(media.Opus, theirs, 0, uint32(i)))
			}
			for n := range 300 {
				for i, tr := range tracks {
					b, err := encs[i].Encrypt(nil, opusPayload(n), uint32(960*n))
					if err != nil {
						t.Fatal(err)
					}
					tr.Send(opusPacket(n, b))
				}
				time.Sleep(20 * time.Millisecond)
			}
			for _, tr := range tracks {
				tr.End()
			}
			time.Sleep(time.Second)
		}
	})
	if len(l.news) != 20 {
		t.Fatalf("told %d times", len(l.news))
	}
	for i, u := range l.news {
		if late := l.at[i].Sub(u.Since); late > 5*time.Second {
			t.Errorf("%s was told of after %v", u.Participant, late)
		}
	}
}
