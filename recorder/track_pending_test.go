package recorder_test

import (
	"bytes"
	"fmt"
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

// check holds what was kept against what was sent: all of it, in order, but for
// so many sounds and pictures.
func (s *sender) check(t *testing.T, frames []media.Frame, tracks map[uint64]media.Track, lostSounds, lostPictures int) {
	t.Helper()
	got := make(map[media.Codec]int)
	last := make(map[uint64]time.Duration)
	for _, f := range frames {
		tr := tracks[f.Track]
		if tr.Participant != s.audio.Info().Participant {
			continue
		}
		got[tr.Codec]++
		n := int(f.Time+10*time.Millisecond) / int(20*time.Millisecond)
		if want := opusPayload(n); tr.Codec == media.Opus && !bytes.Equal(f.Data, want) {
			t.Fatalf("the sound at %v is %x, want %x", f.Time, f.Data, want)
		}
		if before, ok := last[f.Track]; ok && f.Time <= before {
			t.Errorf("%s frame at %v after one at %v", tr.Codec, f.Time, before)
		}
		last[f.Track] = f.Time
	}
	if a, v := got[media.Opus], got[media.VP8]; a != s.n-lostSounds || v != (s.n+1)/2-lostPictures {
		t.Errorf("%d of %d sounds and %d of %d pictures are there, %d and %d may be missing", a, s.n, v, (s.n+1)/2, lostSounds, lostPictures)
	}
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
			s, report := record(t, recorder.Config{Keys: keys, Duration: 10 * time.Second}, func(room *roomtest.Room, _ func()) {
				ada = newSender(t, room, "ada", frame.KeyOptions{RatchetWindow: tt.window})
				tt.play(ada, keys.Keyring("ada"))
			})
			frames, events, tracks := s.read(t)
			ada.check(t, frames, tracks, 0, 0)
			if gaps := find(events, media.EventGap); len(gaps) != 0 || report.Incomplete {
				t.Errorf("holes: %+v", gaps)
			}
		})
	}
}

// What waits for longer than ten seconds is declared as missing, and what waits
// less is not.
func TestKeyThatIsTooLate(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	var ada *sender
	s, report := record(t, recorder.Config{Keys: keys, Duration: 20 * time.Second}, func(room *roomtest.Room, _ func()) {
		ada = newSender(t, room, "ada", frame.KeyOptions{})
		ada.send(14 * time.Second)
		setKey(t, keys.Keyring("ada"), 0, "ada 0")
		ada.send(time.Second)
	})
	frames, events, tracks := s.read(t)
	var sounds int
	first := make(map[media.Codec]time.Duration)
	for _, f := range frames {
		codec := tracks[f.Track].Codec
		if codec == media.Opus {
			sounds++
		}
		if _, ok := first[codec]; !ok {
			first[codec] = f.Time
		}
	}
	if first[media.Opus] < 3500*time.Millisecond || first[media.Opus] > 4500*time.Millisecond {
		t.Errorf("the first sound is at %v, want ten seconds before the key", first[media.Opus])
	}
	// A key frame was asked for while nothing opened, so the picture is not far behind.
	if first[media.VP8] < first[media.Opus] || first[media.VP8] > first[media.Opus]+2*time.Second {
		t.Errorf("the first picture is at %v", first[media.VP8])
	}
	var declared time.Duration
	for _, g := range find(events, media.EventGap) {
		if g.Reason != media.GapNoKey && g.Reason != media.GapKeyFrame {
			t.Errorf("hole %+v", g)
		}
		if tracks[g.Track].Codec == media.Opus {
			declared += g.To - g.From
		}
	}
	if whole := time.Duration(sounds)*20*time.Millisecond + declared; (whole - 15*time.Second).Abs() > 20*time.Millisecond {
		t.Errorf("recorded and declared sounds are %v, published were 15s", whole)
	}
	if !report.Incomplete {
		t.Error("the report does not say that something is missing")
	}
}

// A frame that names an index without a key, put in by the server, holds its
// track up for a moment; nothing else is lost.
func TestForgedKeyIndexCostsNothingElse(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	setKey(t, keys.Keyring("ada"), 0, "ada 0")
	s, _ := record(t, recorder.Config{Keys: keys, Duration: 12 * time.Second}, func(room *roomtest.Room, _ func()) {
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
	frames, events, tracks := s.read(t)
	sounds := 0
	for _, f := range frames {
		if tracks[f.Track].Codec == media.Opus {
			sounds++
		}
	}
	if sounds != 495 {
		t.Errorf("%d sounds, want 495", sounds)
	}
	var holes time.Duration
	for _, g := range find(events, media.EventGap) {
		if tracks[g.Track].Codec == media.Opus {
			holes += g.To - g.From
			if g.Reason != media.GapNoKey || g.To-g.From > 30*time.Millisecond {
				t.Errorf("hole %+v", g)
			}
		}
	}
	if holes != 100*time.Millisecond {
		t.Errorf("%v of holes, want 100ms", holes)
	}
}

// Waiting frames are bounded by their bytes too.
func TestWaitingFramesAreBounded(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	ring := frame.NewKeyring(0, frame.KeyOptions{})
	setKey(t, ring, 0, "k")
	s, _ := record(t, recorder.Config{Keys: keys, Duration: 8 * time.Second}, func(room *roomtest.Room, _ func()) {
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
	frames, events, _ := s.read(t)
	if n := len(frames); n < 150 || n > 170 {
		t.Errorf("%d frames of 50 kB are there, want 8 MiB", n)
	}
	gaps := find(events, media.EventGap)
	if len(gaps) != 1 || gaps[0].Reason != media.GapNoKey || gaps[0].From != 0 ||
		(gaps[0].To-time.Duration(250-len(frames))*20*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("holes %+v beside %d frames", gaps, len(frames))
	}
}

// Several participants, each with keys of their own, under the same index.
func TestKeysArePerParticipant(t *testing.T) {
	keys := recorder.NewParticipantKeys(0, frame.KeyOptions{})
	setKey(t, keys.Keyring("ada"), 0, "ada 0")
	setKey(t, keys.Keyring("bob"), 0, "bob 0")
	setKey(t, keys.Keyring("eve"), 0, "not eve's")
	senders := make(map[string]*sender)
	s, _ := record(t, recorder.Config{Keys: keys, Duration: 5 * time.Second}, func(room *roomtest.Room, _ func()) {
		for _, identity := range []string{"ada", "bob", "eve"} {
			senders[identity] = newSender(t, room, identity, frame.KeyOptions{})
		}
		for range 50 {
			for _, s := range senders {
				s.send(20 * time.Millisecond)
			}
		}
	})
	frames, events, tracks := s.read(t)
	count := make(map[string]int)
	for _, f := range frames {
		count[fmt.Sprint(tracks[f.Track].Participant, tracks[f.Track].Codec)]++
	}
	if len(count) != 4 || count["adaopus"] != 50 || count["bobopus"] != 50 || count["adavp8"] != 25 || count["bobvp8"] != 25 {
		t.Errorf("frames: %v", count)
	}
	for _, g := range find(events, media.EventGap) {
		if g.Participant != "eve" || g.Reason != media.GapAuth {
			t.Errorf("hole %+v", g)
		}
	}
}
