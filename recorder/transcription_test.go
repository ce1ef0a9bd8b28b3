package recorder_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// says emits a version of what a member said, as an agent writes it down.
func says(room *roomtest.Room, who, segment, text string, interim bool) {
	room.Emit(recorder.RoomEvent{Type: media.EventTranscription, Participant: who, By: "agent", TrackID: "TR_a", Segment: segment, Text: text,
		Interim: interim, Since: time.Now()})
}

// transcribed are the transcriptions of a recording, in order.
func (s *recorded) transcribed() (out []string) {
	for _, e := range s.find(media.EventTranscription) {
		out = append(out, strings.TrimSpace(fmt.Sprint(e.Participant, " ", e.From, " ", e.To, " ", e.Text, " ", e.Reason)))
	}
	return out
}

func TestTranscriptions(t *testing.T) {
	sleep := time.Sleep
	s, _ := record(t, recorder.Config{Duration: 3 * time.Minute}, func(room *roomtest.Room, _ func()) {
		room.Join("alice", "Alice")
		tr := room.Publish(opusInfo)
		tr.Send(opusPacket(0, opusPayload(0)))
		sleep(5 * time.Second)
		room.Speak("alice") // at 5 s
		sleep(time.Second)
		says(room, "alice", "1", "Good mourning", true)
		sleep(time.Second)
		says(room, "alice", "1", "Good morning every", true)
		room.Speak()
		sleep(time.Second)
		says(room, "alice", "1", "Good morning, everyone.", false) // at 8 s
		says(room, "alice", "2", "taken", true)
		says(room, "alice", "2", "", false)
		sleep(7 * time.Second)
		says(room, "bob", "3", "Only at the end.", false) // at 15 s, nobody was seen to speak
		sleep(5 * time.Second)
		says(room, "alice", "4", "never final", true) // at 20 s
		sleep(time.Second)
		says(room, "alice", "4", "never final, alas", true)
		says(room, "", "5", "whose is this?", false)
	})
	want := []string{"alice 5s 8s Good morning, everyone.", "bob 15s 15.001s Only at the end.", "21s 21.001s whose is this?", "alice 20s 21s never final, alas interim"}
	if got := s.transcribed(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
	for i, e := range s.find(media.EventTranscription) {
		if e.By != "agent" || e.Time != e.From || (e.Track != 0) != (i == 0 || i == 3) {
			t.Errorf("%+v", e)
		}
	}
}

// What was said in a pause is not kept, however late its transcription comes, nor is
// what was said while the room was told of the recording.
func TestTranscriptionsOfAPause(t *testing.T) {
	var got []string
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		rec := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recorded"}, Duration: time.Minute})
		room := roomtest.New("weekly")
		done := make(chan error, 1)
		go func() { _, err := rec.Record(t.Context(), room); done <- err }()
		at := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		at(time.Second)
		says(room, "alice", "0", "before it began", false) // 1 s
		at(9 * time.Second)
		says(room, "alice", "1", "before the pause", true)
		at(time.Second)
		if err := rec.Pause(t.Context(), "lunch"); err != nil {
			t.Error(err)
		}
		at(time.Second)
		says(room, "alice", "1", "before the pause and in it", true)
		says(room, "alice", "2", "in the pause", true)
		at(time.Second)
		if err := rec.Resume(t.Context()); err != nil {
			t.Error(err)
		}
		at(time.Second)
		says(room, "alice", "1", "before the pause and in it.", false)
		says(room, "alice", "2", "in the pause.", false)
		says(room, "alice", "3", "in the pause, too", false)
		at(5 * time.Second)
		says(room, "alice", "4", "after the pause", false)
		if err := <-done; err != nil {
			t.Error(err)
		}
		got = s.recorded(t).transcribed()
	})
	for i := range got {
		got[i] = strings.Join(strings.Fields(got[i])[3:], " ")
	}
	if want := "[before the pause interim after the pause]"; fmt.Sprint(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whoever may not be recorded is not, in words either; nor is what somebody writes down
// whose word nobody wants. In an encrypted room, what came in the clear says so.
func TestTranscriptionsNeedPermission(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: time.Minute, Keys: recorder.SharedKeys(ring(t, "correct horse")), Permission: func(who string, encrypted bool) string {
		switch who {
		case "bob", "agent":
			return media.HoleConsent
		case "eve":
			return media.HoleUnverified
		}
		return ""
	}}, func(room *roomtest.Room, _ func()) {
		time.Sleep(10 * time.Second)
		for _, e := range []recorder.RoomEvent{
			{Participant: "alice", By: "agent", Text: "sealed", Encrypted: true},
			{Participant: "alice", By: "agent", Text: "clear"},
			{Participant: "alice", By: "agent", Text: "draft", Interim: true},
			{Participant: "alice", By: "eve", Text: "false", Encrypted: true},
			{Participant: "bob", By: "agent", Text: "refused", Encrypted: true},
		} {
			e.Type, e.Segment = media.EventTranscription, e.Text
			room.Emit(e)
		}
	})
	want := "[alice 10s 10.001s sealed alice 10s 10.001s clear plaintext alice 10s 10.001s draft interim plaintext]"
	if got := s.transcribed(); fmt.Sprint(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// However many segments a sender begins, what is kept in memory is bounded, the others
// lose nothing, and what is left out is counted for the sender, not for who is quoted.
func TestTranscriptionsAreBounded(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: time.Minute}, func(room *roomtest.Room, _ func()) {
		time.Sleep(10 * time.Second)
		long := strings.Repeat("x", 100_000)
		room.Emit(recorder.RoomEvent{Type: media.EventTranscription, Participant: "alice", By: "agent", Segment: "a", Text: "mine", Interim: true})
		for n := range 2000 {
			room.Emit(recorder.RoomEvent{Type: media.EventTranscription, Participant: "alice", By: "mallory", Segment: fmt.Sprint(n), Text: long, Interim: true})
		}
		room.Emit(recorder.RoomEvent{Type: media.EventTranscription, Participant: "alice", By: "agent", Segment: "a", Text: "mine."})
		room.Say("alice", "hello")
	})
	kept, dropped := 0, 0
	for _, e := range s.find(media.EventTranscription) {
		switch e.By {
		case "agent":
			if e.Text != "mine." || e.Reason != "" {
				t.Errorf("%+v", e)
			}
		default:
			if kept++; len(e.Text) != media.MaxSaid {
				t.Errorf("a text of %d bytes", len(e.Text))
			}
		}
	}
	for _, e := range s.find(media.EventDropped) {
		if e.Participant != "mallory" || e.Reason != "transcription" {
			t.Errorf("%+v", e)
		}
		dropped += e.Count
	}
	if kept+dropped != 2000 || kept > 100 || len(s.find(media.EventChat)) != 1 {
		t.Errorf("%d kept, %d dropped of 2000, chat %v", kept, dropped, s.find(media.EventChat))
	}
}
