package livekit

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
)

func chat(from, text string) recorder.RoomEvent {
	return recorder.RoomEvent{Type: media.EventChat, Participant: from, Text: text}
}

// empty takes everything, and returns what was missed of chat.
func (q *queue) empty(t testing.TB) (events []recorder.RoomEvent, missed int) {
	t.Helper()
	for {
		e, ok, _ := q.take()
		switch {
		case !ok:
			if len(q.shares) != 0 || q.all != (size{}) || q.required != 0 || q.events.Len() != 0 {
				t.Fatalf("it is empty, and has %d shares, %+v and %d", len(q.shares), q.all, q.required)
			}
			return events, missed
		case e.Type == media.EventDropped:
			missed += e.Count
		default:
			events = append(events, e)
		}
	}
}

// What is missed is told with whose it was, unless there are too many to tell apart.
func TestQueueTellsWhoMissed(t *testing.T) {
	var q queue
	for range memberWaits + 7 {
		q.offer(chat("mallory", "spam"))
	}
	q.offer(chat("ada", "hello"))
	for n := range 10 * maxMissed {
		q.miss(fmt.Sprint("guest ", n), media.EventReaction)
	}
	missed := make(map[string]int)
	for e, ok, _ := q.take(); ok; e, ok, _ = q.take() {
		if e.Type == media.EventDropped {
			missed[e.Reason+" of "+e.Participant] += e.Count
		}
	}
	if missed["chat of mallory"] != 7 || missed["chat of "] != 0 {
		t.Errorf("missed of chat: %v", missed)
	}
	if n := missed["reaction of "]; len(missed) != maxMissed+1 || n != 9*maxMissed+1 || missed["reaction of guest 0"] != 1 {
		t.Errorf("%d rows, %d reactions of several: %v", len(missed), n, missed)
	}
}

// However many say however much, each of the others is heard.
func TestQueueHasShares(t *testing.T) {
	var q queue
	said := 0
	for n := range 200 {
		for m := range 100 {
			text := "spam"
			if m%10 == 0 {
				text = strings.Repeat("m", 1<<20)
			}
			q.offer(chat(fmt.Sprint("mallory ", m), text))
			said++
		}
		if n%40 == 0 {
			q.offer(chat("ada", fmt.Sprint(n)))
			said++
		}
		if q.all.events > roomWaits || q.all.bytes > roomWaitBytes {
			t.Fatalf("%+v wait", q.all)
		}
	}
	events, missed := q.empty(t)
	ada := 0
	for _, e := range events {
		if e.Participant == "ada" {
			if e.Text != fmt.Sprint(40*ada) {
				t.Errorf("ada's line %d is %q", ada, e.Text)
			}
			ada++
		}
	}
	if ada != 5 || len(events)+missed != said {
		t.Errorf("%d of ada's 5 lines, %d events and %d missed, of %d", ada, len(events), missed, said)
	}
}

// A member's last answer is there, whatever they and others say besides.
func TestAnswersAreNotMissed(t *testing.T) {
	var q queue
	flood := func() {
		for n := range 10_000 {
			q.offer(chat(fmt.Sprint(n%100), "spam"))
		}
	}
	flood()
	q.answer(chat("7", "yes"))
	flood()
	q.answer(chat("8", "no"))
	for range 1000 {
		q.answer(chat("7", "yes"))
		q.answer(chat("7", "no"))
	}
	flood()
	if n := q.length(); n > roomWaits+2 {
		t.Errorf("%d events wait", n)
	}
	events, missed := q.empty(t)
	var answers []string
	for _, e := range events {
		if e.Text != "spam" {
			answers = append(answers, e.Participant+" "+e.Text)
		}
	}
	if fmt.Sprint(answers) != "[8 no 7 no]" || len(events)+missed != 30_000+2002 {
		t.Errorf("answers %q; %d events and %d missed", answers, len(events), missed)
	}
}

// What must not be missed waits for a place, and not for what may.
func TestQueuePut(t *testing.T) { synctest.Test(t, testQueuePut) }

func testQueuePut(t *testing.T) {
	var q queue
	for n := range 10_000 {
		q.offer(chat(fmt.Sprint(n), "spam"))
	}
	closed := make(chan struct{})
	for n := range 10 {
		if !q.put(recorder.RoomEvent{Type: media.EventJoin, Participant: fmt.Sprint(n)}, 10, closed) {
			t.Fatal("no place")
		}
	}
	done := make(chan bool, 1)
	go func() { done <- q.put(recorder.RoomEvent{Type: media.EventLeave}, 10, closed) }()
	synctest.Wait()
	select {
	case <-done:
		t.Fatal("put where there is no place")
	default:
	}
	q.mu.Lock()
	for q.events.Front().Value.(*waiting).Type == media.EventChat {
		q.remove(q.events.Front())
	}
	q.remove(q.events.Front())
	q.mu.Unlock()
	if !<-done {
		t.Error("not put where there was a place again")
	}
	close(closed)
	if q.put(recorder.RoomEvent{Type: media.EventLeave}, 1, closed) {
		t.Error("put where the room is closed")
	}
}

// FuzzQueue: whatever is offered, answered, put and taken, in any order, comes out or
// is counted, once.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 64, 65, 128, 129, 192, 193, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var q queue
		in, out := 0, 0
		for i, op := range ops {
			from := fmt.Sprint(op & 7)
			switch op >> 6 {
			case 0:
				for range 1 + int(op>>3&7)*20 {
					q.offer(chat(from, strings.Repeat("x", int(op)<<(op&15))))
					in++
				}
			case 1:
				q.answer(chat(from, fmt.Sprint(i)))
				in++
			case 2:
				q.put(recorder.RoomEvent{Type: media.EventJoin, Participant: from}, 0, nil)
				in++
			case 3:
				if e, ok, _ := q.take(); ok {
					out += max(1, e.Count)
				}
			}
		}
		events, missed := q.empty(t)
		if in != out+len(events)+missed {
			t.Fatalf("%d in, %d out", in, out+len(events)+missed)
		}
	})
}
