package clock

import (
	"fmt"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	trouble = 20 * time.Second        // when something begins to go wrong
	settle  = 1500 * time.Millisecond // so long after all goes well again, frames are to be right

	// Near is how far off a frame that is to be right may be.
	Near = 60 * time.Millisecond
	// Moved is how far from where they would have been the frames of others may come.
	Moved = 10 * time.Millisecond
)

// Odds are the tracks that are odd in turn: a sound, a picture, a slow picture.
var Odds = []int{0, 1, 5}

// A Row is a short meeting of six tracks in which one is odd.
type Row struct {
	Name   string
	Odd    []Odd
	Server *Server
	First  func(s *Sender) uint32 // of the odd track, nil: as it is
	Joins  time.Duration          // of the odd track
	Length time.Duration
}

// Rows are what senders, networks and servers do that they should not.
func Rows() (rows []Row) {
	const ms, s, min, h = time.Millisecond, time.Second, time.Minute, time.Hour
	add := func(name string, odd ...Odd) {
		end := time.Duration(0)
		for i := range odd {
			odd[i].At += trouble
			end = max(end, odd[i].End())
		}
		rows = append(rows, Row{Name: name, Odd: odd, Length: end + 20*s})
	}
	for _, d := range []time.Duration{300 * ms, 500 * ms, 1200 * ms, 3 * s, 8 * s, 60 * s} {
		add(fmt.Sprintf("pause of %v", d), Odd{Kind: Pause, For: d})
	}
	add("sentences of 2s, pauses of 3s", Odd{Kind: Pause, For: 3 * s}, Odd{Kind: Pause, At: 5 * s, For: 3 * s}, Odd{Kind: Pause, At: 10 * s, For: 3 * s})
	for _, d := range []time.Duration{500 * ms, 4 * s, 10 * s} {
		add(fmt.Sprintf("burst of %v held back", d), Odd{Kind: Held, For: d})
		add(fmt.Sprintf("burst of %v after a pause", d), Odd{Kind: Pause, For: 2 * s}, Odd{Kind: Held, At: 2 * s, For: d})
		add(fmt.Sprintf("burst of %v ahead", d), Odd{Kind: Ahead, For: d})
		add(fmt.Sprintf("burst of %v ahead, pause", d), Odd{Kind: Ahead, For: d}, Odd{Kind: Pause, At: d, For: 2 * s})
		add(fmt.Sprintf("burst of %v too much", d), Odd{Kind: Extra, For: d})
	}
	for _, d := range []time.Duration{500 * ms, 4 * s, 10 * s} {
		add(fmt.Sprintf("burst of %v at the start", d), Odd{Kind: Held, For: d})
		rows[len(rows)-1].Joins = trouble
	}
	for _, d := range []time.Duration{100 * ms, 300 * ms, s, 5 * s, min, h, 9 * h} {
		for _, by := range []time.Duration{d, -d} {
			add(fmt.Sprintf("jump by %v", by), Odd{Kind: Jump, By: by})
			add(fmt.Sprintf("one packet off %v", by), Odd{Kind: Slip, By: by})
		}
	}
	for _, d := range []time.Duration{200 * ms, s, 5 * s, h} {
		add(fmt.Sprintf("reports off %v", d), Odd{Kind: Wrong, By: d})
		add(fmt.Sprintf("reports off %v", -d), Odd{Kind: Wrong, By: -d})
		add(fmt.Sprintf("reports off up to %v", d), Odd{Kind: Wild, By: d})
	}
	add("no reports", Odd{Kind: Missing})
	add("no reports at all", Odd{Kind: Missing, At: -trouble})
	add("reports late by up to 5s", Odd{Kind: Late, By: 5 * s})
	const fast, slow = 20 * ms, -20 * ms
	add("clock 2% fast", Odd{Kind: Fast, At: -trouble, By: fast})
	add("clock 2% slow", Odd{Kind: Fast, At: -trouble, By: slow})
	add("clock 2% fast, no reports", Odd{Kind: Fast, At: -trouble, By: fast}, Odd{Kind: Missing, At: -trouble})
	add("clock 2% slow, no reports", Odd{Kind: Fast, At: -trouble, By: slow}, Odd{Kind: Missing, At: -trouble})
	add("clock 2% fast, pause of 3s", Odd{Kind: Fast, At: -trouble, By: fast}, Odd{Kind: Pause, For: 3 * s})
	add("clock turns 2% fast", Odd{Kind: Fast, By: fast})
	// A network that holds up a little more with each frame looks the same, but to
	// reports, and where it does so to others too. See below.
	add("clock turns 2% slow", Odd{Kind: Fast, By: slow})

	add("clock turns 2% slow, no reports", Odd{Kind: Fast, By: slow}, Odd{Kind: Missing})

	add("another SSRC", Odd{Kind: Switch, By: 7*h + 23*min})
	add("another SSRC, back", Odd{Kind: Switch, By: -12345678 * ms})
	add("wrap in a pause", Odd{Kind: Pause, For: 5 * s})
	rows[len(rows)-1].First = func(s *Sender) uint32 { return -uint32(s.ticks(trouble + time.Second)) }
	add("wrap in a pause, clock runs", Odd{Kind: Pause, For: 5 * s}, Odd{Kind: Jump, At: 5 * s, By: 5 * s})
	rows[len(rows)-1].First = func(s *Sender) uint32 { return -uint32(s.ticks(trouble + time.Second)) }
	for _, d := range []time.Duration{300 * ms, s, 5 * s} {
		add(fmt.Sprintf("network stalls for %v", d), Odd{Kind: Stall, For: d})
		add(fmt.Sprintf("network jams for %v", d), Odd{Kind: Jam, For: d})
	}
	for _, d := range []time.Duration{3 * s, 5 * s, 12 * s} {
		add(fmt.Sprintf("network slower and slower for %v", d), Odd{Kind: Swell, For: d, By: -slow})
		add(fmt.Sprintf("network slower and slower for %v, no reports", d), Odd{Kind: Swell, For: d, By: -slow}, Odd{Kind: Missing, At: -trouble})
	}
	for _, d := range []time.Duration{300 * ms, -300 * ms, s, -s, h} {
		rows = append(rows, Row{Name: fmt.Sprintf("server's clock steps by %v", d), Server: &Server{trouble, d}, Length: 45 * s})
	}
	add("all at once", Odd{Kind: Fast, At: -trouble, By: fast}, Odd{Kind: Wild, By: s}, Odd{Kind: Late, By: 5 * s},
		Odd{Kind: Pause, For: 3 * s}, Odd{Kind: Extra, At: 8 * s, For: 4 * s}, Odd{Kind: Jump, At: 13 * s, By: h},
		Odd{Kind: Slip, At: 17 * s, By: -h}, Odd{Kind: Switch, At: 21 * s, By: 7 * h}, Odd{Kind: Stall, At: 25 * s, For: s},
		Odd{Kind: Held, At: 30 * s, For: 2 * s}, Odd{Kind: Jump, At: 35 * s, By: -100 * ms}, Odd{Kind: Pause, At: 39 * s, For: 500 * ms})
	return rows
}

// Senders are the six tracks of a row, of whom the given one is odd. For the same
// meeting with nobody odd it is -1.
func (r Row) Senders(odd int) []*Sender {
	const ms = time.Millisecond
	senders := Meeting()
	for i, s := range senders {
		s.Every, s.Jitter = 40*ms, 80*ms
		if s.Info.Codec.Audio() {
			s.Every = 20 * ms
		}
		s.Joins, s.MuteFrom, s.MuteTo = 0, 0, 0
		if s.Info.Source == media.Screen {
			s.Every = 66 * ms
		}
		s.Server = r.Server
		if i == odd {
			s.Odd, s.Joins = r.Odd, r.Joins
			if r.First != nil {
				s.First = r.First(s)
			}
		}
	}
	return senders
}

// Off returns how far from so long after their capture the odd track's frames were
// put: those that are to be right, and those that were captured before all had gone
// well again for a moment.
func (r Row) Off(puts []Put, usual time.Duration) (right, meanwhile time.Duration) {
	for _, p := range puts {
		if off := (p.At - p.Captured - usual).Abs(); r.judged(p.Captured) {
			right = max(right, off)
		} else {
			meanwhile = max(meanwhile, off)
		}
	}
	return right, meanwhile
}

// Jumps is how many jumps of the odd track's time stamps are to be declared.
func (r Row) Jumps() (n int) {
	for i, o := range r.Odd {
		switch {
		case i > 0 && r.Odd[i-1].Kind == Pause && r.Odd[i-1].End() == o.At: // its clock ran on in the pause
		case o.Kind == Switch, (o.Kind == Jump || o.Kind == Slip) && o.By.Abs() >= time.Second, o.Kind == Extra && o.For >= time.Second:
			n++
		}
	}
	return n
}

func (r Row) judged(captured time.Duration) bool {
	for _, o := range r.Odd {
		if !o.Kind.reports() && captured >= o.At && captured < o.End()+settle {
			return false
		}
	}
	return true
}
