package recorder_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A sender sends numbered sounds and pictures under keys of its own.
type sender struct {
	t            *testing.T
	keys         *frame.Keyring
	audio, video *roomtest.Track
	sound, sight *frame.Encrypter
	n            int
}

func newSender(t *testing.T, room *roomtest.Room, identity string, o frame.KeyOptions) *sender {
	s := &sender{t: t, keys: frame.NewKeyring(256, o)}
	a, v := encrypted(opusInfo), encrypted(vp8Info)
	a.ID, v.ID = "TR_a_"+identity, "TR_v_"+identity
	a.Participant, v.Participant = identity, identity
	s.audio, s.video = room.Publish(a), room.Publish(v)
	s.set(0, identity+" 0")
	s.use(0)
	return s
}

func (s *sender) set(index int, raw string) {
	s.t.Helper()
	setKey(s.t, s.keys, index, raw)
}

func setKey(t *testing.T, k *frame.Keyring, index int, raw string) {
	t.Helper()
	if err := k.SetRaw(index, []byte(raw), frame.HKDF); err != nil {
		t.Fatal(err)
	}
}

func (s *sender) use(index int) {
	if s.sound == nil {
		s.sound, s.sight = frame.NewEncrypter(media.Opus, s.keys, index, 77), frame.NewEncrypter(media.VP8, s.keys, index, 78)
	}
	s.sound.UseIndex(index)
	s.sight.UseIndex(index)
}

// send sends for so long: a sound every 20 ms, a picture every 40.
func (s *sender) send(d time.Duration) {
	s.t.Helper()
	for range d / (20 * time.Millisecond) {
		n := s.n
		s.n++
		b, err := s.sound.Encrypt(nil, opusPayload(n), uint32(960*n))
		if err != nil {
			s.t.Fatal(err)
		}
		s.audio.Send(opusPacket(n, b))
		if n%2 == 0 {
			key := n == 0
			for len(s.video.KeyFrameRequested()) > 0 {
				<-s.video.KeyFrameRequested()
				key = true
			}
			b, err := s.sight.Encrypt(nil, vp8Frame(n/2, key), uint32(3600*n/2))
			if err != nil {
				s.t.Fatal(err)
			}
			s.video.Send(vp8Packet(n/2, b))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// wantAll wants everything that the sender sent, in order.
func (s *sender) wantAll(out *recorded) {
	out.t.Helper()
	who := s.audio.Info().Participant
	sounds := out.track(who, media.Microphone).wantFrames(s.n).wantOrder()
	for _, f := range sounds.frames {
		n := int(f.Time+10*time.Millisecond) / int(20*time.Millisecond)
		if want := opusPayload(n); !bytes.Equal(f.Data, want) {
			out.t.Fatalf("the sound at %v is %x, want %x", f.Time, f.Data, want)
		}
	}
	out.track(who, media.Camera).wantFrames((s.n + 1) / 2).wantOrder()
	out.wantNoHoles()
}

// Keys that come late, or late again, cost nothing.
func TestLateKeysLoseNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		window int
		play   func(s *sender, ring *frame.Keyring)
	}{
		{"the first key", 0, func(s *sender, ring *frame.Keyring) {
			s.send(6 * time.Second)
			setKey(s.t, ring, 0, "ada 0")
			s.send(time.Second)
		}},
		{"a key at another index", 0, func(s *sender, ring *frame.Keyring) {
			setKey(s.t, ring, 0, "ada 0")
			s.send(time.Second)
			s.set(200, "next")
			s.use(200)
			s.send(4 * time.Second)
			setKey(s.t, ring, 200, "next")
			s.send(time.Second)
		}},
		{"another key at the index", 0, func(s *sender, ring *frame.Keyring) {
			setKey(s.t, ring, 0, "ada 0")
			s.send(time.Second)
			s.set(0, "next")
			s.send(4 * time.Second)
			setKey(s.t, ring, 0, "next")
			s.send(time.Second)
		}},
		{"the key before the frames", 0, func(s *sender, ring *frame.Keyring) {
			setKey(s.t, ring, 0, "ada 0")
			s.send(time.Second)
			setKey(s.t, ring, 0, "next")
			s.send(2 * time.Second) // under the old one, within the grace
			s.set(0, "next")
			s.send(time.Second)
		}},
		{"two keys, the second one first", 0, func(s *sender, ring *frame.Keyring) {
			setKey(s.t, ring, 0, "ada 0")
			s.send(time.Second)
			s.set(1, "one")
			s.use(1)
			s.send(time.Second)
			s.set(2, "two")
			s.use(2)
			s.send(time.Second)
			setKey(s.t, ring, 2, "two")
			s.send(500 * time.Millisecond)
			setKey(s.t, ring, 1, "one")
			s.send(time.Second)
		}},
		{"the key while muted", 0, func(s *sender, ring *frame.Keyring) {
			s.send(2 * time.Second)
			setKey(s.t, ring, 0, "ada 0") // no packet comes after it
			time.Sleep(time.Second)
		}},
		{"the key at the end", 0, func(s *sender, ring *frame.Keyring) {
			s.send(2 * time.Second)
			setKey(s.t, ring, 0, "ada 0")
		}},
		{"a ratchet farther than one frame may go", 16, func(s *sender, ring *frame.Keyring) {
			setKey(s.t, ring, 0, "ada 0")
			s.send(time.Second)
			for range 16 {
				if err := s.keys.Ratchet(0); err != nil {
					s.t.Fatal(err)
				}
			}
			s.send(time.Second)
			if err := s.keys.Ratchet(0); err != nil {
				s.t.Fatal(err)
			}
			s.send(time.Second)
		}},
		{"a ratchet before the key", 8, func(s *sender, ring *frame.Keyring) {
			s.send(time.Second)
			if err := s.keys.Ratchet(0); err != nil {
				s.t.Fatal(err)
			}
			s.send(time.Second)
			setKey(s.t, ring, 0, "ada 0")
			s.send(time.Second)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := frame.KeyOptions{RatchetWindow: tt.window}
			keys := recorder.NewParticipantKeys(256, o)
			var ada *sender
			out, _ := record(t, recorder.Config{Keys: keys, Duration: 10 * time.Second}, func(room *roomtest.Room, _ func()) {
				ada = newSender(t, room, "ada", frame.KeyOptions{RatchetWindow: tt.window})
				tt.play(ada, keys.Keyring("ada"))
			})
			ada.wantAll(out)
		})
	}
}

// What waits for longer than ten seconds is declared as missing, and what waits
// less is not.
func TestKeyThatIsTooLate(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	var ada *sender
	out, _ := record(t, recorder.Config{Keys: keys, Duration: 20 * time.Second}, func(room *roomtest.Room, _ func()) {
		ada = newSender(t, room, "ada", frame.KeyOptions{})
		ada.send(14 * time.Second)
		setKey(t, keys.Keyring("ada"), 0, "ada 0")
		ada.send(time.Second)
	})
	sounds, pictures := out.track("ada", media.Microphone), out.track("ada", media.Camera)
	heard := sounds.first()
	if heard < 3500*time.Millisecond || heard > 4500*time.Millisecond {
		t.Errorf("the first sound is at %v, want ten seconds before the key", heard)
	}
	// A key frame was asked for while nothing opened, so the picture is not far behind.
	if seen := pictures.first(); seen < heard || seen > heard+2*time.Second {
		t.Errorf("the first picture is at %v", seen)
	}
	sounds.wantHole(0, heard, media.HoleNoKey).wantFrames(15*50 - int(heard/(20*time.Millisecond)))
	for _, h := range pictures.holes {
		if h.reason != media.HoleNoKey && h.reason != media.HoleKeyFrame {
			t.Errorf("a hole of the pictures: %s", h)
		}
	}
	out.wantIncomplete(true)
}

// A frame that names an index without a key, put in by the server, holds its
// track up for a moment; nothing else is lost.
func TestForgedKeyIndexCostsNothingElse(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	setKey(t, keys.Keyring("ada"), 0, "ada 0")
	out, _ := record(t, recorder.Config{Keys: keys, Duration: 12 * time.Second}, func(room *roomtest.Room, _ func()) {
		ada := newSender(t, room, "ada", frame.KeyOptions{})
		ada.set(9, "nobody's")
		for n := range 500 {
			ada.use(0)
			if n%100 == 50 {
				ada.use(9)
			}
			ada.send(20 * time.Millisecond)
		}
	})
	var holes []hole
	for n := range 5 {
		from := time.Duration(50+100*n) * 20 * time.Millisecond
		holes = append(holes, hole{from, from + 20*time.Millisecond, media.HoleNoKey})
	}
	out.track("ada", media.Microphone).wantFrames(495).exactly().wantHoles(holes...)
}

// Waiting frames are bounded by their bytes too.
func TestWaitingFramesAreBounded(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	ring := frame.NewKeyring(0, frame.KeyOptions{})
	setKey(t, ring, 0, "k")
	out, _ := record(t, recorder.Config{Keys: keys, Duration: 8 * time.Second}, func(room *roomtest.Room, _ func()) {
		info := encrypted(opusInfo)
		tr := room.Publish(info)
		e := frame.NewEncrypter(media.Opus, ring, 0, 1)
		for n := range 250 { // 12.5 MB in five seconds
			b, err := e.Encrypt(nil, append(opusPayload(n), make([]byte, 50_000)...), uint32(960*n))
			if err != nil {
				t.Fatal(err)
			}
			tr.Send(opusPacket(n, b))
			time.Sleep(20 * time.Millisecond)
		}
		setKey(t, keys.Keyring(info.Participant), 0, "k")
		time.Sleep(time.Second)
	})
	tr := out.track("alice", media.Microphone)
	n := len(tr.frames)
	if n < 150 || n > 170 {
		t.Errorf("%d frames of 50 kB are there, want 8 MiB", n)
	}
	tr.exactly().wantHole(0, time.Duration(250-n)*20*time.Millisecond, media.HoleNoKey)
}

// Several participants, each with keys of their own, under the same index.
func TestKeysArePerParticipant(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	setKey(t, keys.Keyring("ada"), 0, "ada 0")
	setKey(t, keys.Keyring("bob"), 0, "bob 0")
	setKey(t, keys.Keyring("eve"), 0, "not eve's")
	senders := make(map[string]*sender)
	out, _ := record(t, recorder.Config{Keys: keys, Duration: 5 * time.Second}, func(room *roomtest.Room, _ func()) {
		for _, identity := range []string{"ada", "bob", "eve"} {
			senders[identity] = newSender(t, room, identity, frame.KeyOptions{})
		}
		for range 50 {
			for _, s := range senders {
				s.send(20 * time.Millisecond)
			}
		}
	})
	for _, who := range []string{"ada", "bob"} {
		out.track(who, media.Microphone).wantFrames(50).wantHoles()
		out.track(who, media.Camera).wantFrames(25).wantHoles()
	}
	if len(out.frames) != 150 {
		t.Errorf("%d frames, want none of eve's", len(out.frames))
	}
	for _, g := range find(out.events, media.EventHole) {
		if g.Participant != "eve" || g.Reason != media.HoleAuth {
			t.Errorf("hole %+v", g)
		}
	}
}
