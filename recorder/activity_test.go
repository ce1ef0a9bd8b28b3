package recorder_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

func TestConductIsInTheTimeline(t *testing.T) {
	screen := vp8Info
	screen.ID, screen.Source = "TR_s", media.Screen
	s, _ := record(t, recorder.Config{Duration: 2 * time.Minute}, func(room *roomtest.Room, _ func()) {
		room.Join("alice", "Alice")
		at := func(d time.Duration) { time.Sleep(d) }
		at(time.Second)
		room.Speak("alice") // 1 s
		at(2 * time.Second)
		room.Speak("alice", "bob") // bob at 3 s
		at(time.Second)
		room.Speak("bob") // alice pauses at 4 s
		at(500 * time.Millisecond)
		room.Speak("alice", "bob") // and goes on
		at(500 * time.Millisecond)
		room.Speak() // both end at 5 s
		room.Say("alice", "Hello, <b>everyone</b>\n")
		room.Emit(recorder.RoomEvent{Type: media.EventReaction, Participant: "bob", Text: strings.Repeat("🎉", 100) + "\xff"})
		room.Emit(recorder.RoomEvent{Type: media.EventConsent, Participant: "bob", Reason: media.ConsentGiven, Text: "yes"})
		for _, q := range []string{media.QualityGood, media.QualityGood, media.QualityPoor} {
			room.Emit(recorder.RoomEvent{Type: media.EventQuality, Participant: "bob", Reason: q})
		}
		tr := room.Publish(screen)
		for n := range 10 {
			tr.Send(vp8Packet(n, vp8Frame(n, n == 0)))
			at(40 * time.Millisecond)
		}
		tr.End()
		at(4600 * time.Millisecond)
		room.Speak("alice", "carol") // carol from 10 s on, to the end
		at(500 * time.Millisecond)
		room.Leave("alice") // who speaks no more, though nobody says so
	})
	x, err := media.ReadIndex(bytes.NewReader(s.indexes[0]))
	if err != nil {
		t.Fatal(err)
	}
	if s.parse(); len(x.Events) != len(s.events) {
		t.Errorf("the index has %d events, the segments %d", len(x.Events), len(s.events))
	}
	said := func(typ media.EventType) (out []string) {
		for _, e := range s.find(typ) {
			out = append(out, fmt.Sprint(e.Participant, " ", e.From, " ", e.To, " ", e.Reason, e.Text))
		}
		return out
	}
	for typ, want := range map[media.EventType][]string{
		media.EventSpeaking: {"alice 1s 5s ", "bob 3s 5s ", "alice 10s 10.5s ", "carol 10s 40s ", "carol 40s 1m10s ", "carol 1m10s 1m40s ", "carol 1m40s 2m0s "},
		media.EventChat:     {"alice 0s 0s Hello, <b>everyone</b>\n"},
		media.EventConsent:  {"bob 0s 0s givenyes"},
		media.EventQuality:  {"bob 0s 0s good", "bob 0s 0s poor"},
	} {
		if got := said(typ); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, want %q", typ, got, want)
		}
	}
	if r := s.find(media.EventReaction); len(r) != 1 || len(r[0].Text) > media.MaxReaction || !utf8.ValidString(r[0].Text) || !strings.HasPrefix(r[0].Text, "🎉") {
		t.Errorf("reactions: %+v", r)
	}
	on, off := s.find(media.EventScreen), s.find(media.EventScreenEnd)
	if len(on) != 1 || len(off) != 1 || on[0].Track == 0 || off[0].Track != on[0].Track || off[0].Time <= on[0].Time {
		t.Errorf("screen shared %+v to %+v", on, off)
	}
}

// A member who floods the room does not flood the recording: what came too fast
// is counted, others are still heard, and what holds in the end is told.
func TestFloodsAreCounted(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: time.Minute}, func(room *roomtest.Room, _ func()) {
		tr := room.Publish(opusInfo)
		tr.Send(opusPacket(0, opusPayload(0)))
		for n := range 3000 {
			room.Say("mallory", "spam")
			typ := media.EventMute
			if n%2 == 1 {
				typ = media.EventUnmute
			}
			if n < 2999 {
				room.Emit(recorder.RoomEvent{Type: typ, Participant: "alice", TrackID: "TR_a"})
			}
			time.Sleep(time.Millisecond)
		}
		room.Say("bob", "please stop")
		room.Emit(recorder.RoomEvent{Type: media.EventDropped, Participant: "mallory", Reason: string(media.EventChat), Count: 1000})
		synctest.Wait()
	})
	chats := s.find(media.EventChat)
	if n := len(chats); n < 51 || n > 60 || chats[n-1].Participant != "bob" {
		t.Errorf("%d chat messages kept, the last from %q", n, chats[n-1].Participant)
	}
	dropped := map[string]int{}
	whose := map[string]string{"chat": "mallory", "mute": "alice"}
	for _, e := range s.find(media.EventDropped) {
		dropped[e.Reason] += e.Count
		if e.Participant != whose[e.Reason] {
			t.Errorf("%d of %s are told to be of %q", e.Count, e.Reason, e.Participant)
		}
	}
	if want := 3001 - len(chats) + 1000; dropped["chat"] != want {
		t.Errorf("%d messages were told to be dropped, want %d", dropped["chat"], want)
	}
	mutes, unmutes := s.find(media.EventMute), s.find(media.EventUnmute)
	if len(mutes) != len(unmutes)+1 || len(mutes) > 40 || dropped["mute"] < 1000 {
		t.Errorf("%d mutes, %d unmutes, %d dropped: want the last word to be muted", len(mutes), len(unmutes), dropped["mute"])
	}
}

// The timeline says under which key a track is encrypted, and when that changes,
// once a second if it does all the time.
func TestKeyIndexIsInTheTimeline(t *testing.T) {
	keys := ring(t, "correct horse")
	if err := keys.SetPassphrase(3, []byte("battery staple")); err != nil {
		t.Fatal(err)
	}
	enc := frame.NewEncrypter(media.Opus, keys, 0, 77)
	s, _ := record(t, recorder.Config{Duration: 12 * time.Second, Keys: recorder.SharedKeys(keys)}, func(room *roomtest.Room, _ func()) {
		tr := room.Publish(encrypted(opusInfo))
		for n := range 500 {
			if n == 100 {
				enc.UseIndex(3)
			}
			if n >= 250 {
				enc.UseIndex(n % 2 * 3)
			}
			b, err := enc.Encrypt(nil, opusPayload(n), uint32(960*n))
			if err != nil {
				t.Fatal(err)
			}
			tr.Send(opusPacket(n, b))
			time.Sleep(20 * time.Millisecond)
		}
	})
	changes := s.find(media.EventKeys)
	if len(changes) < 3 || len(changes) > 8 || changes[0].Text != "0" || changes[0].Track == 0 ||
		changes[1].Text != "3" || (changes[1].Time-2*time.Second).Abs() > 5*time.Millisecond {
		t.Errorf("keys: %+v", changes)
	}
}

func TestVerifiedMembersAreInTheTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		play(t, s, readers{s: s, names: map[string]string{"ada": "Ada L."}}, 10*time.Second, func(room *roomtest.Room, _ *roomtest.Track) {
			time.Sleep(time.Second)
			room.Join("ada", "ada the 1st")
			room.Join("eve", "Ada L.")
		})
		out := s.recorded(t)
		got := out.want(media.EventVerified, 1)[0]
		if got.Participant != "ada" || got.Name != "Ada L." || got.Reason != media.VerifiedByOperator || got.Time != time.Second {
			t.Errorf("verified: %+v", got)
		}
	})
}
