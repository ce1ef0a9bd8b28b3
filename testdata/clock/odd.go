package clock

import "time"

// An Odd is what a sender, its reports or its network does that no good one does,
// from At on and for so long.
type Odd struct {
	Kind    OddKind
	At, For time.Duration
	By      time.Duration
}

// An OddKind says what goes wrong.
type OddKind uint8

const (
	// Pause: nothing is captured, and the RTP clock stands still.
	Pause OddKind = iota + 1
	// Held: what is captured is sent at the end, all at once.
	Held
	// Ahead: what is due until the end is sent at the beginning, all at once.
	Ahead
	// Extra: at the beginning so much more than real time has is sent at once, and
	// the RTP clock is ahead for good.
	Extra
	// Jump: the RTP clock jumps By, for good.
	Jump
	// Slip: one packet's time stamp is off By.
	Slip
	// Fast: the RTP clock gains By in a second, for good.
	Fast
	// Switch: the SSRC is another, with time stamps and numbers of its own.
	Switch
	// Stall: the network brings nothing, and at the end all at once.
	Stall
	// Jam: the network brings nothing, and at the end all at three times the pace.
	Jam
	// Swell: the network takes By longer in each second, and at the end what it held
	// up comes at once.
	Swell
	// Wrong: reports are off By, until the end if there is one.
	Wrong
	// Missing: there are no reports.
	Missing
	// Late: reports take up to By longer.
	Late
	// Wild: each report is off by up to By either way.
	Wild
)

// reports says that it goes wrong with reports only, and frames stay as they are.
func (k OddKind) reports() bool { return k >= Wrong }

// End is when all goes well again.
func (o Odd) End() time.Duration {
	if o.Kind == Extra {
		return o.At
	}
	return o.At + o.For
}

func (o Odd) on(at time.Duration) bool { return at >= o.At && at < o.At+o.For }

// A Server makes reports by a clock that steps.
type Server struct{ At, By time.Duration }

// clock is the server's wall clock, from the recording's start on.
func (s *Server) clock(at time.Duration) time.Duration {
	c := at + ServerAhead + time.Duration(float64(at)*ServerSkew)
	if s != nil && at >= s.At {
		c += s.By
	}
	return c
}

// media is what the RTP clock shows of a frame.
func (s *Sender) media(captured time.Duration) time.Duration {
	m := captured
	for _, o := range s.Odd {
		if captured < o.At {
			continue
		}
		switch o.Kind {
		case Pause:
			m -= min(captured-o.At, o.For)
		case Extra:
			m += o.For
		case Jump, Switch:
			m += o.By
		case Fast:
			m += time.Duration((captured - o.At).Seconds() * float64(o.By))
		}
	}
	return m
}

// capture returns what is sent when a frame is captured, or would be.
func (s *Sender) capture(at time.Duration) (out []Delivery) {
	first := func(o Odd) bool { return at >= o.At && at-s.Every < o.At }
	ticks, keep, hold := s.ticks(s.media(at)), !s.muted(at), false
	for _, o := range s.Odd {
		switch {
		case o.Kind == Pause && o.on(at):
			keep = false
		case o.Kind == Held && o.on(at):
			hold = true
		case o.Kind == Ahead && first(o):
			// Up to the last, which is sent as any other.
			for ; s.frame+s.Every < o.At+o.For; s.frame += s.Every {
				out = append(out, s.send(at, s.frame, s.ticks(s.media(s.frame))))
			}
			return append(out, s.send(at, s.frame, s.ticks(s.media(s.frame))))
		case o.Kind == Extra && first(o):
			for d := time.Duration(0); d < o.For; d += s.Every {
				out = append(out, s.send(at, o.At+d/1000, s.ticks(s.media(at)-o.For+d)))
			}
		case o.Kind == Switch && first(o):
			s.seq, s.known, s.told, s.pushed = s.seq+30000, moment{}, 0, moment{}
		case o.Kind == Switch && at < o.At && at >= o.At-s.Jitter-s.Every:
			keep = false // it takes a moment
		case o.Kind == Slip && first(o):
			ticks += s.ticks(o.By)
		}
	}
	switch {
	case !keep:
	case hold:
		s.held = append(s.held, held{at, ticks})
	default:
		for _, h := range s.held {
			out = append(out, s.send(at, h.captured, h.ticks))
		}
		s.held = nil
		out = append(out, s.send(at, at, ticks))
	}
	return out
}

func (s *Sender) ssrc(at time.Duration) uint32 {
	n := uint32(1)
	for _, o := range s.Odd {
		if o.Kind == Switch && at >= o.At {
			n++
		}
	}
	return n
}

// delayed is when something arrives that is sent at a time, if the network delays
// it no more than that.
func (s *Sender) delayed(sent, travel time.Duration) time.Duration {
	arrival := sent + travel
	for _, o := range s.Odd {
		switch {
		case o.Kind == Stall && o.on(sent):
			// Nothing overtakes what was sent before.
			s.order += time.Microsecond
			arrival = o.At + o.For + s.Delay + s.Jitter + s.order
		case o.Kind == Jam && sent >= o.At:
			arrival = max(arrival, o.At+o.For+s.Delay+s.Jitter+(sent-o.At)/3)
		case o.Kind == Swell && o.on(sent):
			arrival += time.Duration((sent - o.At).Seconds() * float64(o.By))
		case o.Kind == Swell && sent >= o.End():
			s.order += time.Microsecond
			arrival = max(arrival, o.End()+s.Delay+s.Jitter+time.Duration(o.For.Seconds()*float64(o.By))+s.order)
		}
	}
	return arrival
}

// spoil returns what becomes of a report.
func (s *Sender) spoil(at time.Duration, d Delivery) []Delivery {
	d.Arrival = s.delayed(at, d.Arrival-at)
	for _, o := range s.Odd {
		if at < o.At || o.For > 0 && !o.on(at) {
			continue
		}
		switch o.Kind {
		case Wrong:
			d.RTP += uint32(s.ticks(o.By))
		case Missing:
			return nil
		case Late:
			d.Arrival += time.Duration(s.rng.Int64N(int64(o.By)))
		case Wild:
			d.NTP += time.Duration(s.rng.Int64N(2*int64(o.By))) - o.By
		}
	}
	return []Delivery{d}
}
