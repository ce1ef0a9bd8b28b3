package recorder_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// sizedFrame is the n-th key frame of a VP8 picture that is wide or narrow.
func sizedFrame(n int, wide bool) []byte {
	b := vp8Frame(n, true)
	if wide {
		b[7] = 2 // 576 in place of 320
	}
	return b
}

// A picture that changes its size all the time does not fill the timeline. What
// was not told is counted, and what holds in the end is told.
func TestSizesAreBounded(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 30 * time.Second}, func(room *roomtest.Room, _ func()) {
		tr := room.Publish(vp8Info)
		for n := range 2000 {
			tr.Send(vp8Packet(n, sizedFrame(n, n%2 == 1)))
			time.Sleep(5 * time.Millisecond)
		}
		// The clock lets out what ran ahead of it at once, after 22 s: then it goes on.
		for n := 2000; n < 2016; n++ {
			p := vp8Packet(n, sizedFrame(n, true))
			p.Timestamp += uint32(86400 * (n - 2000))
			tr.Send(p)
			time.Sleep(time.Second)
		}
	})
	sizes := s.find(media.EventSize)
	if n := len(sizes); n < 50 || n > 50+30 || !strings.HasPrefix(sizes[n-1].Text, "576x") {
		t.Errorf("%d sizes are told, the last is %v", n, sizes[n-1])
	}
	dropped := 0
	for _, e := range s.find(media.EventDropped) {
		if e.Reason == string(media.EventSize) {
			dropped += e.Count
		}
	}
	if dropped < 900 || dropped+len(sizes) > 2000 { // every second one is the one that was told
		t.Errorf("%d sizes are told and %d counted, of 1999", len(sizes), dropped)
	}
}

// A track of nothing but holes does not fill the timeline: where they come too
// fast to be told apart, they become one. All that is missing is declared all the
// same, nothing that is declared is kept, and the others' tracks are whole.
func TestHolesAreBounded(t *testing.T) {
	ada, mallory := opusInfo, opusInfo
	ada.ID, ada.Participant, mallory.ID, mallory.Participant = "TR_ada", "ada", "TR_mallory", "mallory"
	s, _ := record(t, recorder.Config{Duration: 15 * time.Second}, func(room *roomtest.Room, _ func()) {
		good, bad := room.Publish(ada), room.Publish(mallory)
		for n := range 500 {
			good.Send(opusPacket(n, opusPayload(n)))
			for i := range 4 { // sounds of 2.5 ms, every second one of them lost
				p := opusPacket(0, []byte{0xe0, byte(n), byte(i)})
				p.SequenceNumber = uint16(8*n + 2*i)
				p.Timestamp = uint32(960*n + 240*i)
				bad.Send(p)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	s.track("ada", media.Microphone).wantFrames(500).wantHoles()
	mallorys := s.track("mallory", media.Microphone)
	holes := slices.DeleteFunc(s.find(media.EventHole), func(g media.Event) bool { return g.Track != mallorys.UID })
	if len(holes) < 500 || len(holes) > 1000 || len(holes) != len(s.find(media.EventHole)) {
		t.Errorf("%d holes of mallory's, of %d", len(holes), len(s.find(media.EventHole)))
	}
	// Between one frame and the next there is a hole, and no frame is in one.
	var last time.Duration = -1
	undeclared, inside := 0, 0
	next := 0
	for _, f := range mallorys.frames {
		declared := false
		for ; next < len(holes) && holes[next].From < f.Time; next++ {
			declared = true
			if holes[next].To > f.Time+time.Millisecond {
				inside++
			}
		}
		if last >= 0 && !declared {
			undeclared++
		}
		last = f.Time
	}
	if undeclared > 0 || inside > 0 {
		t.Errorf("%d of mallory's frames follow no hole, %d are in one, of %d", undeclared, inside, len(mallorys.frames))
	}
}

// However many flood the room together, who says little is heard.
func TestQuietMembersAreHeardInAFlood(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 30 * time.Second}, func(room *roomtest.Room, _ func()) {
		for n := range 2000 {
			for m := range 60 {
				room.Say(fmt.Sprintf("mallory %d", m), "spam")
			}
			if n >= 15 && n < 20 { // when they have used up what there is for all
				room.Say("ada", fmt.Sprint("line ", n))
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	var lines []string
	for _, e := range s.find(media.EventChat) {
		if e.Participant == "ada" {
			lines = append(lines, e.Text)
		}
	}
	if len(lines) != 5 {
		t.Errorf("ada wrote five lines, the timeline has %q", lines)
	}
	if n := len(s.find(media.EventChat)); n > 2500 {
		t.Errorf("%d lines in all", n)
	}
}
