package recorder_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A shooter is a camera that makes a key frame first and then when it is asked for
// one, some time later.
type shooter struct {
	cam        *camera
	key, delta int           // sizes of frames in bytes
	answers    time.Duration // how long a key frame takes, 0: for ever
	asked      []time.Duration
	asks       atomic.Int32 // len(asked)
}

func shoot(room *roomtest.Room, who string, source media.Source, key, delta int, answers time.Duration) *shooter {
	info := vp8Info
	info.ID, info.Participant, info.Name, info.Source = "TR_"+who, who, who, source
	return &shooter{cam: newCamera(room, info, media.VP8, nil), key: key, delta: delta, answers: answers}
}

// run sends 20 frames a second for a time.
func (s *shooter) run(t *testing.T, length time.Duration) {
	start := time.Now()
	var due time.Time
	for n := 0; time.Since(start) < length; n++ {
		select {
		case <-s.cam.t.KeyFrameRequested():
			s.asked = append(s.asked, time.Since(start))
			s.asks.Add(1)
			if s.answers > 0 && due.IsZero() {
				due = time.Now().Add(s.answers)
			}
		default:
		}
		key := n == 0 || !due.IsZero() && !time.Now().Before(due)
		size := s.delta
		if key {
			size, due = s.key, time.Time{}
		}
		s.cam.send(t, n, append(vp8Frame(n, key), make([]byte, size)...))
		time.Sleep(50 * time.Millisecond)
	}
}

// TestSegmentsBeginWithKeyFrames: a camera that can afford it is asked for a key
// frame before a segment ends, and the next one begins with it. A screen that
// stands still, whose key frames are large against all else that it sends, is
// asked every ten seconds and no more often; one that does not answer costs the
// others nothing. Not a frame is lost, and no segment is longer than without.
func TestSegmentsBeginWithKeyFrames(t *testing.T) {
	const length = 60 * time.Second
	var all []*shooter
	s, report := record(t, recorder.Config{Duration: length + 2*time.Second}, func(room *roomtest.Room, _ func()) {
		all = []*shooter{
			shoot(room, "ada", media.Camera, 10_000, 3_000, 120*time.Millisecond),
			shoot(room, "ben", media.Camera, 10_000, 3_000, 250*time.Millisecond),
			shoot(room, "cy", media.Screen, 50_000, 100, 120*time.Millisecond),
			shoot(room, "dora", media.Camera, 10_000, 3_000, 0),
		}
		for _, c := range all[1:] {
			go c.run(t, length)
		}
		all[0].run(t, length)
	})
	if report.Frames != 4*1200 || report.Incomplete {
		t.Errorf("report %+v", report)
	}
	begins := make([]int, 5) // segments that begin with a key frame, by track
	var ends []time.Duration
	for _, b := range s.segments {
		first := make(map[uint64]bool)
		var from, to time.Duration
		for i, f := range framesOf(t, b) {
			if i == 0 {
				from = f.Time
			}
			from, to = min(from, f.Time), max(to, f.Time)
			if _, seen := first[f.Track]; !seen {
				first[f.Track] = f.Key
			}
		}
		for uid, key := range first {
			if key {
				begins[uid]++
			}
		}
		if to-from > 5600*time.Millisecond { // the first one waits for the clocks to settle
			t.Errorf("a segment from %v to %v", from, to)
		}
		ends = append(ends, to)
	}
	n := len(s.segments)
	if n < 12 || n > 14 {
		t.Errorf("%d segments, ending at %v", n, ends)
	}
	for uid, want := range []int{1: n, 2: n, 3: n / 2, 4: 1} {
		if got := begins[uid]; uid > 0 && (got < want-1 || got > want+1) {
			t.Errorf("%d of %d segments begin with a key frame of track %d, want %d", got, n, uid, want)
		}
	}
	for i, most := range []int{n + 1, n + 1, 7} {
		if got := len(all[i].asked); got > most {
			t.Errorf("track %d was asked %d times, at %v", i+1, got, all[i].asked)
		}
	}
}

// TestReadersChangeInATurn: what waits for the next segment because of a key frame
// was received before a reader came or went, and is theirs or not, accordingly.
func TestReadersChangeInATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{}
		r := readers{s: s, names: map[string]string{"ada": "Ada", "ben": "Ben"}}
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Sink: s, Access: r, Duration: 20 * time.Second}, room)
		began := time.Now()
		room.Join("ada", "Ada")
		cam := shoot(room, "eve", media.Camera, 10_000, 3_000, 100*time.Millisecond)
		still := shoot(room, "fay", media.Camera, 10_000, 3_000, 0)
		go still.run(t, 18*time.Second)
		go cam.run(t, 18*time.Second)
		// Shortly after the key frames that turn a segment.
		var came, went time.Duration
		turned := func() {
			for n := cam.asks.Load(); cam.asks.Load() == n; {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(250 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		turned()
		room.Join("ben", "Ben")
		came = time.Since(began)
		time.Sleep(3 * time.Second)
		turned()
		room.Leave("ada")
		went = time.Since(began)
		rec.wait()
		out := s.recorded(t)
		out.parse()
		for _, f := range out.frames {
			epoch := s.epochs[s.sealedTo[segmentOf(t, s, f)]-1]
			if strings.Contains(epoch, "ben") && f.Time < came-60*time.Millisecond {
				t.Errorf("ben came at %v and reads %v", came, f.Time)
			}
			if !strings.Contains(epoch, "ada") && f.Time < went-60*time.Millisecond {
				t.Errorf("ada went at %v and cannot read %v", went, f.Time)
			}
		}
		if want := []string{"ada", "ada+ben", "ben"}; !slices.Equal(s.epochs, want) {
			t.Errorf("epochs %q, want %q", s.epochs, want)
		}
	})
}
