package clock

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
	"github.com/sealtape/sealtape/testdata/sample"
)

// played records a meeting, and returns how many frames each track sent.
func played(t *testing.T, senders []*Sender, length time.Duration) (reel *Reel, sent []int) {
	reel, sent = &Reel{}, make([]int, len(senders))
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("clocks")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error)
		go func() {
			_, err := recorder.New(recorder.Config{Recording: "CLOCKS", Sink: reel, Notices: recorder.Notices{Start: "recording"}}).Record(ctx, room)
			done <- err
		}()
		synctest.Wait()
		Play(room, senders, length, func(i int, d Delivery) {
			if d.Packet != nil {
				sent[i]++
			}
		})
		time.Sleep(2 * time.Second)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	reel.Sort()
	return reel, sent
}

// One of six tracks does what no sender should. A moment later its frames are
// where they were captured, none is missing, and nobody else's were moved.
func TestOddSenders(t *testing.T) {
	rows := Rows()
	bases := make(map[time.Duration]*Reel) // of the same meetings with nobody odd, by length
	for n := range sample.Cases(t, len(rows)*len(Odds), 24) {
		row, odd := rows[n/len(Odds)], Odds[n%len(Odds)]
		senders := row.Senders(odd)
		t.Run(fmt.Sprintf("%s/%s", row.Name, senders[odd].Info.Source), func(t *testing.T) {
			base := bases[row.Length]
			if base == nil {
				base, _ = played(t, Row{Length: row.Length}.Senders(-1), row.Length)
				bases[row.Length] = base
			}
			reel, sent := played(t, senders, row.Length)
			usual := base.Usually()
			var moved time.Duration
			for i, s := range senders {
				puts, before := reel.Puts[s.Label()], base.Puts[s.Label()]
				if len(puts) != sent[i] {
					t.Errorf("%s: %d of %d frames", s.Label(), len(puts), sent[i])
				}
				if i == odd || len(puts) != len(before) {
					continue
				}
				for j, p := range puts {
					moved = max(moved, (p.At - before[j].At).Abs())
				}
			}
			off, meanwhile := row.Off(reel.Puts[senders[odd].Label()], usual)
			const round = 100 * time.Microsecond
			t.Logf("off by %v, before all was well again by %v, others moved by %v", off.Round(round), meanwhile.Round(round), moved.Round(round))
			jumps := 0
			for _, e := range reel.Events {
				if e.Type == media.EventClock {
					jumps++
				}
			}
			if jumps != row.Jumps() {
				t.Errorf("%d jumps are declared, want %d", jumps, row.Jumps())
			}
			if off > Near {
				t.Errorf("a frame is %v off, want at most %v", off, Near)
			}
			if moved > Moved {
				t.Errorf("a frame of another track moved by %v, want at most %v", moved, Moved)
			}
		})
	}
}

// A network that holds up all tracks more and more does not change where they
// belong, as one that holds up all of a sudden does not.
func TestSlowNetwork(t *testing.T) {
	for _, by := range []time.Duration{10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond} {
		row := Row{Odd: []Odd{{Kind: Swell, At: trouble, For: 12 * time.Second, By: by}}, Length: time.Minute}
		base, _ := played(t, row.Senders(-1), row.Length)
		senders := row.Senders(-1)
		for _, s := range senders {
			s.Odd = row.Odd
		}
		reel, sent := played(t, senders, row.Length)
		for i, s := range senders {
			puts := reel.Puts[s.Label()]
			off, meanwhile := row.Off(puts, base.Usually())
			if off = max(off, meanwhile); off > Near || len(puts) != sent[i] {
				t.Errorf("%v a second: %s is off by %v, with %d of %d frames", by, s.Label(), off, len(puts), sent[i])
			}
		}
	}
}

// What one sender does leaves no hole in an export, of nobody's track.
func TestOddSendersExported(t *testing.T) {
	rows := Rows()
	for n := range sample.Cases(t, len(rows), 3) {
		row, odd := rows[n], Odds[n%len(Odds)]
		senders := row.Senders(odd)
		t.Run(fmt.Sprintf("%s/%s", row.Name, senders[odd].Info.Source), func(t *testing.T) {
			sent := 0
			session := recorded(t, senders, row.Length, func(_ int, d Delivery) {
				if d.Packet != nil {
					sent++
				}
			})
			file := filepath.Join(t.TempDir(), "meeting.mkv")
			report, err := playback.ExportFile(t.Context(), session, file, playback.ExportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Holes) > 0 || report.Incomplete || report.Dropped() > 0 || len(report.Tracks) != len(senders) {
				t.Errorf("%d tracks, %+v left out, holes: %+v", len(report.Tracks), report.LeftOut, report.Holes)
			}
			if _, frames := measure(t, file); frames != sent {
				t.Errorf("the export has %d frames, sent were %d", frames, sent)
			}
		})
	}
}
