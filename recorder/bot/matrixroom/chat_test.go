package matrixroom

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/matrix"
	"github.com/sealtape/sealtape/recorder/media"
)

func presence() bot.Presence {
	return bot.Presence{Answer: func(e recorder.RoomEvent) bool { return e.Text == "yes" || e.Text == "no" }}
}

// What is written in the Matrix room is the chat of the call, under who wrote it.
func TestSaid(t *testing.T) {
	on(t, nil, func(s *stage) {
		s.p = presence()
		s.announce()
		phone := caller("ada", "PHONE", one)
		s.call.tell(matrix.Came, phone)
		s.next(is(media.EventJoin, "@ada:hs:PHONE"))
		elsewhere := caller("ada", "TABLET", one) // not in the call
		says := func(text string, encrypted bool) func(*matrix.CallEvent) {
			return func(e *matrix.CallEvent) { e.Text, e.Encrypted = text, encrypted }
		}
		for _, tt := range []struct {
			kind   matrix.CallEventKind
			who    matrix.Caller
			change func(*matrix.CallEvent)
			want   []recorder.RoomEvent
		}{
			{matrix.Chat, phone, says("Hello", true), []recorder.RoomEvent{{Type: media.EventChat, Participant: "@ada:hs:PHONE", Name: "ada", Text: "Hello", Encrypted: true}}},
			{matrix.Chat, elsewhere, says("from my tablet", true), []recorder.RoomEvent{{Type: media.EventChat, Participant: ada, Name: "ada", Text: "from my tablet", Encrypted: true}}},
			{matrix.Chat, elsewhere, says("yes", true), []recorder.RoomEvent{
				{Type: media.EventChat, Participant: ada, Name: "ada", Text: "yes", Encrypted: true},
				{Type: recorder.EventAnswered, Participant: "@ada:hs:PHONE", Name: "ada", Text: "yes", Reason: "yes", Encrypted: true}}},
			{matrix.Chat, phone, func(e *matrix.CallEvent) { e.Text, e.Encrypted, e.Caller.Standing = "forged", true, matrix.Unsigned }, []recorder.RoomEvent{
				{Type: media.EventChat, Participant: "@ada:hs:PHONE", Name: "ada", Text: "forged"}}},
			{matrix.Chat, phone, func(e *matrix.CallEvent) { e.Text, e.Edits = "yes", true }, []recorder.RoomEvent{
				{Type: media.EventChat, Participant: "@ada:hs:PHONE", Name: "ada", Text: "* yes"}}},
			{matrix.Chat, phone, func(e *matrix.CallEvent) { e.Text, e.Edits = "No.", true }, []recorder.RoomEvent{
				{Type: recorder.EventAnswered, Participant: ada, Name: "ada", Text: "no", Reason: "edited to No."},
				{Type: recorder.EventAnswered, Participant: "@ada:hs:PHONE", Name: "ada", Text: "no", Reason: "edited to No."},
				{Type: media.EventChat, Participant: "@ada:hs:PHONE", Name: "ada", Text: "* No."}}},
			{matrix.Reaction, phone, says("🎉", false), []recorder.RoomEvent{{Type: media.EventReaction, Participant: "@ada:hs:PHONE", Name: "ada", Text: "🎉"}}},
			{matrix.Reaction, phone, func(e *matrix.CallEvent) { e.Text, e.To, e.Encrypted = "👍🏽", "$recorded", true }, []recorder.RoomEvent{
				{Type: recorder.EventAnswered, Participant: ada, Name: "ada", Text: "yes", Reason: "reacted 👍🏽", Encrypted: true},
				{Type: recorder.EventAnswered, Participant: "@ada:hs:PHONE", Name: "ada", Text: "yes", Reason: "reacted 👍🏽", Encrypted: true},
				{Type: media.EventReaction, Participant: "@ada:hs:PHONE", Name: "ada", Text: "👍🏽", Encrypted: true}}},
			{matrix.Reaction, phone, func(e *matrix.CallEvent) { e.Text, e.To = "👎", "$another" }, []recorder.RoomEvent{
				{Type: media.EventReaction, Participant: "@ada:hs:PHONE", Name: "ada", Text: "👎"}}},
			{matrix.Hand, phone, nil, []recorder.RoomEvent{{Type: media.EventHand, Participant: "@ada:hs:PHONE", Name: "ada", Reason: media.HandRaised}}},
			{matrix.Hand, phone, func(e *matrix.CallEvent) { e.Lowered = true }, []recorder.RoomEvent{{Type: media.EventHand, Participant: "@ada:hs:PHONE", Name: "ada", Reason: media.HandLowered}}},
		} {
			if tt.change == nil {
				tt.change = func(*matrix.CallEvent) {}
			}
			s.call.tell(tt.kind, tt.who, tt.change)
			for _, want := range tt.want {
				got := s.next(func(e recorder.RoomEvent) bool { return true })
				if got.At.IsZero() {
					t.Errorf("%+v has no time", got)
				}
				got.At = want.At
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("got %+v\nwant %+v", got, want)
				}
			}
		}
		s.call.tell(matrix.Chat, caller("eve", "E"), says("not in the call", true))
		s.none(media.EventChat)
	})
}

// A flood is counted; the last answer of each member gets through.
func TestFlood(t *testing.T) {
	var q queue
	for i := range 3 * maxSaid {
		q.offer(recorder.RoomEvent{Type: media.EventChat, Participant: fmt.Sprint("p", i%200)})
	}
	for _, text := range []string{"yes", "no", "yes", "no"} {
		q.answer(recorder.RoomEvent{Type: media.EventChat, Participant: "ada", Text: text})
	}
	q.put(recorder.RoomEvent{Type: media.EventLeave, Participant: "ben"})
	var order []string
	kept, dropped := 0, 0
	for {
		e, ok, _ := q.take()
		if !ok {
			break
		}
		switch {
		case e.Type == media.EventDropped:
			dropped += e.Count
		case e.Participant == "ada" || e.Participant == "ben":
			order = append(order, e.Text+string(e.Type))
		default:
			kept++
		}
	}
	if kept != maxSaid || dropped != 2*maxSaid || !slices.Equal(order, []string{"nochat", "leave"}) {
		t.Errorf("kept %d, dropped %d, in order %q", kept, dropped, order)
	}
	for range 2 { // there is room again
		q.offer(recorder.RoomEvent{Type: media.EventChat})
	}
	if _, ok, _ := q.take(); !ok {
		t.Error("nothing waits")
	}
}

func TestAnswerBy(t *testing.T) {
	for reaction, want := range map[string]string{"👍": "yes", "👍🏿": "yes", "✔️": "yes", "👎🏻": "no", "❌": "no", "🎉": "", "yes": "", "": "", "🏻": ""} {
		if got := answerBy(reaction); got != want {
			t.Errorf("%q: %q, want %q", reaction, got, want)
		}
	}
}
