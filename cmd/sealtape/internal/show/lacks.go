package show

import (
	"errors"
	"io"

	"slices"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
)

// Lacks tells what was made of a recording lacks, by the holes that were declared in
// it and the segments that it has not, and returns what a verdict on it is made of.
func Lacks(e *ui.Env, d *tape.Description, tracks []media.Track, holes []media.Event, missing []playback.SegmentError) tape.Findings {
	f := d.Findings()
	f.Holes, f.Missing, f.Damaged, f.Torn, f.LeftOut, f.Refused = tape.Holes(tracks, d.Names, holes), 0, 0, 0, 0, 0
	for _, u := range d.Unreadable {
		if u.Why == tape.WhyTorn {
			f.Torn++ // some of it may be there
		}
	}
	for _, m := range missing {
		switch {
		case errors.Is(m.Err, io.ErrUnexpectedEOF): // it is torn
		case errors.Is(m.Err, playback.ErrDamaged):
			f.Damaged++
		case errors.Is(m.Err, playback.ErrLocked):
			f.NotReader++
			continue // many in a row, told once below
		case errors.Is(m.Err, playback.ErrNotListed):
			f.LeftOut++
		default:
			f.Refused++
		}
		e.Notef("missing: segment %d%s: %s", m.Number, Span(m.From, m.To), ui.Clean(m.Err.Error()))
	}
	if f.NotReader > 0 {
		e.Notef("missing: %s of which you are no reader", ui.Count(f.NotReader, "segment"))
	}
	if f.Torn > 0 {
		e.Notef("torn: %s, of which the end was lost with the recorder", ui.Count(f.Torn, "segment"))
	}
	for _, h := range holesJSON(f.Holes) {
		what := "hole"
		if h.Wanted {
			what = "not recorded"
		}
		e.Notef("%s: %s%s: %s", what, h.Label, spanOf(h.From, h.To), holeText(h))
	}
	return f
}

// Incomplete says in a line what a recording lacks, and what of it is not one's own
// to open, as far as that is known without reading it.
func Incomplete(e *ui.Env, d *tape.Description, v tape.Verdict) {
	if v.Incomplete() {
		e.Notef("Not complete: %s.", v.Say("recording "+d.ID))
	}
	var locked []int
	for _, ep := range d.Epochs {
		if !ep.Opens && ep.Segments > 0 && !slices.Contains(d.Withheld, ep.Number) {
			locked = append(locked, ep.Number)
		}
	}
	if len(locked) > 0 {
		e.Notef("Not yours to open: %s of recording %s.", ui.EpochsText(locked), d.ID)
	}
}
