package recorder_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// readers admits the members it names to the epochs of a sink.
type readers struct {
	s     *sink
	names map[string]string
	fail  func() error
	most  int // who can read at once; 0 is any number
	stale *atomic.Bool
}

func (r readers) Stale() bool { return r.stale != nil && r.stale.CompareAndSwap(true, false) }

func (r readers) Reader(identity string) (name, how string, ok bool) {
	name, ok = r.names[identity]
	return name, media.VerifiedByOperator, ok
}

func (r readers) StartEpoch(present []string) (without []string, err error) {
	if r.fail != nil {
		if err := r.fail(); err != nil {
			return nil, err
		}
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.open != 0 {
		return nil, errors.New("an object of the epoch before is open")
	}
	if r.most > 0 && len(present) > r.most {
		present, without = present[:r.most], present[r.most:]
	}
	r.s.epochs = append(r.s.epochs, strings.Join(present, "+"))
	r.s.epoch = len(r.s.epochs)
	return without, nil
}

// play records a meeting in which a speaks all the time, whom nobody may read
// for, and runs f beside it.
func play(t *testing.T, s *sink, r recorder.Access, length time.Duration, f func(*roomtest.Room, *roomtest.Track)) {
	t.Helper()
	room := roomtest.New("weekly")
	rec := start(t, recorder.Config{Sink: s, Access: r, Duration: length}, room)
	audio, video := room.Publish(opusInfo), room.Publish(vp8Info)
	go f(room, video)
	for n := range int(length/(20*time.Millisecond)) - 10 {
		audio.Send(opusPacket(n, opusPayload(n)))
		if n%2 == 0 {
			video.Send(vp8Packet(n/2, vp8Frame(n/2, n == 0)))
		}
		time.Sleep(20 * time.Millisecond)
	}
	rec.wait()
}

// TestEpochOfStaleReaders: where others are to read though nobody came or went, an
// epoch begins with the next segment.
func TestEpochOfStaleReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := readers{s: s, names: map[string]string{"ada": "Ada"}, stale: new(atomic.Bool)}
		play(t, s, r, 30*time.Second, func(room *roomtest.Room, _ *roomtest.Track) {
			room.Join("ada", "Ada")
			time.Sleep(12 * time.Second)
			r.stale.Store(true)
		})
		if want := []string{"ada", "ada"}; !slices.Equal(s.epochs, want) {
			t.Errorf("epochs %q, want %q", s.epochs, want)
		}
	})
}

func TestEpochsFollowTheReadersPresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := readers{s: s, names: map[string]string{"ada": "Ada", "ben": "Ben", "cleo": "Cleo"}}
		var asked int
		play(t, s, r, 40*time.Second, func(room *roomtest.Room, video *roomtest.Track) {
			room.Join("ada", "ada's phone")
			room.Join("someone", "Someone") // no reader
			time.Sleep(12 * time.Second)
			for range len(video.KeyFrameRequested()) {
				<-video.KeyFrameRequested()
			}
			room.Join("ben", "Ben")
			room.Join("cleo", "Cleo") // joins are gathered to the segment's end
			time.Sleep(8 * time.Second)
			asked = len(video.KeyFrameRequested())
			room.Leave("someone")
			time.Sleep(1500 * time.Millisecond)
			room.Leave("ada") // at 21.5 s, in the middle of a segment
			time.Sleep(10 * time.Second)
			room.Leave("ben")
			room.Leave("cleo")
			time.Sleep(2 * time.Second)
		})
		if want := []string{"ada", "ada+ben+cleo", "ben+cleo", ""}; !slices.Equal(s.epochs, want) {
			t.Fatalf("epochs %q, want %q", s.epochs, want)
		}
		if asked == 0 {
			t.Error("no key frame was asked for when readers came")
		}
		out := s.recorded(t)
		out.want(media.EventHole, 0) // a change of readers costs none
		out.track("alice", media.Microphone).wantFrames(1990)

		// Who was there can read it, and who was not cannot.
		for _, f := range out.frames {
			epoch := s.sealedTo[segmentOf(t, s, f)]
			ada, ben := strings.Contains(s.epochs[epoch-1], "ada"), strings.Contains(s.epochs[epoch-1], "ben")
			const slack = 300 * time.Millisecond // frames on their way through the recorder
			switch at := f.Time; {
			case at < 21500*time.Millisecond-slack && !ada:
				t.Fatalf("ada cannot read %v, when she was there", at)
			case at > 21500*time.Millisecond && ada:
				t.Fatalf("ada can read %v, when she was gone", at)
			case at < 12*time.Second && ben:
				t.Fatalf("ben can read %v, before he came", at)
			case at > 18*time.Second && at < 31500*time.Millisecond-slack && !ben:
				t.Fatalf("ben cannot read %v, when he was there", at)
			}
		}

		// Every epoch's index tells of its own segments and events only, and of
		// the tracks.
		if len(s.indexes) < 4 {
			t.Fatalf("%d indexes", len(s.indexes))
		}
		for i, b := range s.indexes {
			x, err := media.ReadIndex(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			for _, seg := range x.Segments {
				if seg.Epoch != s.indexTo[i] || s.sealedTo[seg.Number] != s.indexTo[i] {
					t.Errorf("the index of epoch %d tells of segment %d, of epoch %d", s.indexTo[i], seg.Number, seg.Epoch)
				}
			}
			uids := make(map[uint64]bool)
			for _, tr := range x.Tracks {
				uids[tr.UID] = true
			}
			if !uids[1] || !uids[2] {
				t.Errorf("the index of epoch %d tells of the tracks %v", s.indexTo[i], uids)
			}
		}
		if got := out.want(media.EventEpoch, len(s.epochs)); got[1].Text != "Ada, Ben, Cleo" {
			t.Errorf("epoch events: %+v", got)
		}
	})
}

// TestTitleInEachEpoch: whoever can read one epoch only reads there what the recording is
// called.
func TestTitleInEachEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Sink: s, Title: "Board meeting", Duration: 14 * time.Second,
			Access: readers{s: s, names: map[string]string{"ada": "Ada"}}}, room)
		audio := room.Publish(opusInfo)
		for n := range 690 {
			if n == 300 {
				room.Join("ada", "Ada")
			}
			audio.Send(opusPacket(n, opusPayload(n)))
			time.Sleep(20 * time.Millisecond)
		}
		rec.wait()
		out := s.recorded(t)
		titles := out.find(media.EventTitle)
		if len(s.epochs) != 1 || len(titles) != 2 || titles[0].Time != 0 || titles[1].Time < 6*time.Second {
			t.Fatalf("epochs %q, titles %+v", s.epochs, titles)
		}
		for _, e := range titles {
			if e.Text != "Board meeting" {
				t.Errorf("%+v", e)
			}
		}
	})
}

// segmentOf finds the segment that holds a frame.
func segmentOf(t *testing.T, s *sink, f media.Frame) int {
	t.Helper()
	for i, b := range s.segments {
		if bytes.Contains(b, f.Data) {
			for _, g := range framesOf(t, b) {
				if g.Track == f.Track && g.Time == f.Time {
					return i
				}
			}
		}
	}
	t.Fatalf("no segment holds the frame at %v", f.Time)
	return -1
}

// More readers than can be sealed to do not end the recording: those who fit read
// it, the timeline names the others, and a place that gets free is theirs.
func TestMoreReadersThanFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := readers{s: s, names: make(map[string]string), most: 500}
		for n := range 520 {
			r.names[fmt.Sprintf("m%03d", n)] = fmt.Sprintf("Member %d", n)
		}
		play(t, s, r, 12*time.Second, func(room *roomtest.Room, _ *roomtest.Track) {
			for id := range r.names {
				room.Join(id, id)
			}
			time.Sleep(7 * time.Second)
			for n := range 30 {
				room.Leave(fmt.Sprintf("m%03d", n))
			}
		})
		out := s.recorded(t)
		without := out.find(media.EventUnsealed)
		if len(without) != 20 || without[0].Participant != "m500" || without[0].Name != "Member 500" {
			t.Errorf("without: %+v", without)
		}
		told := out.find(media.EventEpoch)
		if len(told) < 2 || strings.Contains(told[0].Text, "Member 500") || !strings.Contains(told[len(told)-1].Text, "Member 519") {
			t.Errorf("%d epochs are told of", len(told))
		}
	})
}

// admitter admits late readers to the one epoch there is.
type admitter struct {
	readers
	admitted *[]string
	fail     func() error
}

func (a admitter) StartEpoch([]string) ([]string, error) {
	return nil, errors.New("there is one epoch")
}

func (a admitter) Admit(identity string) error {
	if err := a.fail(); err != nil {
		return err
	}
	*a.admitted = append(*a.admitted, identity)
	return nil
}

func TestWhoeverAttendedIsAdmittedOnce(t *testing.T) {
	for _, why := range []error{syscall.ENOSPC, errors.New("a card that cannot be sealed to")} {
		testAdmission(t, why)
	}
}

func testAdmission(t *testing.T, why error) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		var admitted []string
		failures := 1
		a := admitter{readers{s: s, names: map[string]string{"ada": "Ada", "ben": "Ben", "cleo": "Cleo"}}, &admitted, func() error {
			if len(admitted) == 1 && failures > 0 {
				failures--
				return why
			}
			return nil
		}}
		play(t, s, a, 20*time.Second, func(room *roomtest.Room, _ *roomtest.Track) {
			room.Join("ada", "Ada")
			time.Sleep(6 * time.Second)
			room.Join("ben", "Ben") // the disk is full for a moment
			room.Leave("ada")
			time.Sleep(6 * time.Second)
			room.Join("ada", "Ada")
			time.Sleep(7 * time.Second)
			room.Join("cleo", "Cleo") // in the last segment
		})
		if want := []string{"ada", "ben", "cleo"}; !slices.Equal(admitted, want) {
			t.Errorf("admitted %q, want %q", admitted, want)
		}
		if slices.Max(s.sealedTo) != 1 {
			t.Errorf("epochs %v, want one", s.sealedTo)
		}
	})
}

// A disk that is full when the readers change leaves a hole, never a piece that
// is sealed to those who left.
func TestEpochOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		begin := time.Now()
		r := readers{s: s, names: map[string]string{"ada": "Ada"}, fail: func() error {
			if since := time.Since(begin); since > 10*time.Second && since < 13*time.Second {
				return fmt.Errorf("epochs/000002.age: %w", syscall.ENOSPC)
			}
			return nil
		}}
		play(t, s, r, 25*time.Second, func(room *roomtest.Room, _ *roomtest.Track) {
			room.Join("ada", "Ada")
			time.Sleep(11 * time.Second)
			room.Leave("ada")
		})
		if want := []string{"ada", ""}; !slices.Equal(s.epochs, want) {
			t.Fatalf("epochs %q, want %q", s.epochs, want)
		}
		for i, epoch := range s.sealedTo {
			for _, f := range framesOf(t, s.segments[i]) {
				if epoch == 1 && f.Time > 11*time.Second {
					t.Fatalf("a frame at %v is sealed to ada, who left at 11 s", f.Time)
				}
			}
		}
		out := s.recorded(t)
		if holes := out.find(media.EventHole); len(holes) < 2 || holes[0].Reason != media.HoleSpool || holes[0].From > 11100*time.Millisecond {
			t.Errorf("holes: %+v", holes)
		}
	})
}
