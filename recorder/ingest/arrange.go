package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/ingest/align"
)

// A Found is a file of a meeting before it is known when it begins.
type Found struct {
	Source
	File *File
}

// An Arrangement says what of some files a meeting is made of.
type Arrangement struct {
	// Start is when it began, and By what told that.
	Start time.Time
	By    string
	// Parts have their Offset and Note. Left are those whose sound is another's.
	Parts []Part
	Left  []Doubled
	// Mixes are the files of the whole meeting in whose sound that of other parts was found.
	Mixes []Mix
}

// A Doubled is a file that has nothing but the sound of another one.
type Doubled struct {
	File *File
	Of   *File
}

// A Mix is a file in whose sound that of other files was found: who is in those is heard
// twice.
type Mix struct {
	File *File
	// Alone is for how long something is heard in it while nothing is in those others:
	// somebody without a file of their own, perhaps.
	Alone time.Duration
}

// Note says why it is left out.
func (d Doubled) Note() string { return "left out: its sound is that of " + d.Of.Name }

// placing is a file while its place is looked for.
type placing struct {
	Found
	own    time.Time // when it says that it began; zero: it does not
	by     string    // what said so
	place  time.Duration
	placed bool
	note   string
	double *File  // whose sound it has
	mix    bool   // another's sound is in its
	loud   []bool // in which seconds of it something is heard
	voices []*placing
}

// Together says of files that they began at one time.
const together = "aligned by its beginning"

// Arrange finds out when each of the files begins, and which are doubled. It goes by what
// their names and manifests say, and else by their beginnings; where that is not exact, by
// their sounds, if they are in that of one file beyond doubt. start is when the meeting
// began as something else says, by by; zero: nothing does. progress, which may be nil, is
// called with how many seconds of sound were heard since, and how many there are.
func (p *Program) Arrange(ctx context.Context, found []Found, start time.Time, by string, zone *time.Location, progress func(heard, all time.Duration)) (*Arrangement, error) {
	a := &arranger{program: p, progress: progress}
	for i := range found {
		x := &placing{Found: found[i]}
		x.own, x.by = x.began()
		a.files = append(a.files, x)
	}
	if err := a.byNames(); err != nil {
		return nil, err
	}
	if err := a.bySound(ctx); err != nil {
		return nil, err
	}
	return a.arranged(start, by, zone), nil
}

// began returns when a file says that it was begun, and what says it how exactly.
func (x *placing) began() (time.Time, string) {
	switch {
	case !x.Start.IsZero() && x.Exact:
		return x.Start, "its name"
	case !x.Start.IsZero() && x.Manifest:
		return x.Start, "its manifest, to the second" // which has when it was asked for
	case !x.Start.IsZero():
		return x.Start, "its name, to the second"
	case !x.End.IsZero() && x.File.Length > 0:
		return x.End.Add(-x.File.Length), "its name, which has its end, to some seconds"
	}
	return time.Time{}, ""
}

type arranger struct {
	program     *Program
	files       []*placing
	progress    func(heard, all time.Duration)
	heard, all  time.Duration
	byTheirName bool
}

// ErrManyMeetings: files are of several meetings.
var ErrManyMeetings = errors.New("the folder has recordings of several meetings")

// gap is the longest time between two recordings of one meeting.
const gap = time.Hour

// byNames places files by what they say, if all do, and else together.
func (a *arranger) byNames() error {
	first := a.files[0].own
	for _, x := range a.files {
		if x.own.IsZero() {
			a.behind()
			return nil
		}
		if x.own.Before(first) {
			first = x.own
		}
	}
	byTime := slices.Clone(a.files)
	slices.SortStableFunc(byTime, func(x, y *placing) int { return x.own.Compare(y.own) })
	end := first
	for _, x := range byTime {
		if x.own.Sub(end) > gap {
			return fmt.Errorf("%w: %s is from %s after the one before", ErrManyMeetings, x.File.Name, x.own.Sub(end).Round(time.Minute))
		}
		if until := x.own.Add(x.File.Length); until.After(end) {
			end = until
		}
	}
	a.byTheirName = true
	for _, x := range a.files {
		x.place, x.placed = x.own.Sub(first), true
		if len(a.files) > 1 {
			x.note = "aligned by " + x.by
		}
	}
	return nil
}

// behind places files together, and those of a whole meeting one behind another: whoever
// pauses the recording has several.
func (a *arranger) behind() {
	var before *placing
	for _, x := range a.files {
		if x.placed = true; len(a.files) > 1 {
			x.note = together
		}
		if !x.Whole || x.Double {
			continue
		}
		if before != nil {
			x.place = before.place + before.File.Length
			x.note = "put behind " + before.File.Name + ": when it began, nothing tells"
		}
		before = x
	}
}

// bySound places files by their sound, where it is in another's.
func (a *arranger) bySound(ctx context.Context) error {
	wholes := a.wholes()
	var others []*placing
	for _, x := range a.files {
		if x.File.sounds() && !slices.Contains(wholes, x) && (!x.Exact || !a.byTheirName || x.Double) {
			others = append(others, x)
		}
	}
	if len(others) == 0 || len(wholes) == 0 {
		return nil // nothing to compare, or to compare with
	}
	a.all = time.Duration(0)
	for _, w := range wholes {
		a.all += min(w.File.Length, a.program.hears)
		for _, x := range others {
			a.all += min(x.File.Length, a.program.hears)
		}
	}
	sure := make(map[*placing]bool)
	for _, w := range wholes {
		sound, err := a.hear(ctx, w, 0)
		if err != nil {
			return err
		}
		m := align.NewMatcher(sound)
		w.loud = align.Loud(sound)
		for _, x := range others {
			if sure[x] {
				continue
			}
			sound, err := a.hear(ctx, x, 0)
			if err != nil {
				return err
			}
			limit := align.Few
			if x.Double {
				limit = align.Many
			}
			r, ok := m.Find(sound, limit)
			if !ok {
				continue
			}
			sure[x] = true
			if x.Double && r.Same(x.File.Length, w.File.Length) {
				same, err := a.goesOn(ctx, w, x)
				if err != nil {
					return err
				}
				if same {
					x.double = w.File
					continue
				}
			}
			x.heardIn(w, r, a.byTheirName, a.program.hears)
			w.mix, w.voices, x.loud = true, append(w.voices, x), align.Loud(sound)
		}
	}
	for _, x := range others {
		if !sure[x] {
			x.note += "; its sound was not found in another file"
		}
	}
	return nil
}

// alone returns for how long a mix is loud while none of its voices is.
func (x *placing) alone() time.Duration {
	seconds := 0
	for i, loud := range x.loud {
		if !loud {
			continue
		}
		heard := false
		for _, v := range x.voices {
			at := i - int((v.place-x.place).Round(time.Second)/time.Second)
			for _, near := range []int{at - 1, at, at + 1} {
				heard = heard || near >= 0 && near < len(v.loud) && v.loud[near]
			}
		}
		if !heard {
			seconds++
		}
	}
	return time.Duration(seconds) * time.Second
}

// goesOn reports whether the rest of a long sound is that of another, as its beginning was.
func (a *arranger) goesOn(ctx context.Context, w, x *placing) (bool, error) {
	for from := a.program.hears; from < w.File.Length-time.Second; from += a.program.hears {
		other, err := a.hear(ctx, w, from)
		if err != nil {
			return false, err
		}
		sound, err := a.hear(ctx, x, from)
		if err != nil {
			return false, err
		}
		if r, ok := align.NewMatcher(other).Find(sound, align.Many); !ok || !r.Same(0, 0) {
			return false, nil
		}
	}
	return true, nil
}

// heardIn places a file by its sound.
func (x *placing) heardIn(w *placing, r align.Match, named bool, hears time.Duration) {
	place := (w.place + r.Offset).Round(time.Millisecond)
	note := fmt.Sprintf("aligned by sound with %s, ±%d ms", w.File.Name, (r.Within+time.Millisecond-1)/time.Millisecond)
	if away := place - x.place; away.Abs() > r.Within+1500*time.Millisecond {
		what := "its beginning"
		if named {
			what = x.by
		}
		note += fmt.Sprintf("; by %s it would be %.1f s %s", what, away.Abs().Seconds(), map[bool]string{true: "earlier", false: "later"}[away > 0])
	}
	if drifts := r.Drift / 1e6 * min(x.File.Length, hears).Seconds(); drifts > 0.01 || drifts < -0.01 {
		note += fmt.Sprintf("; its clock is off by %.0f ppm", r.Drift)
	}
	if x.File.Length > hears {
		note += fmt.Sprintf(", as its first %v tell", hears)
	}
	x.place, x.note = place, note
}

// wholes returns the files in whose sound others are looked for: those of the whole
// meeting, or else the longest one.
func (a *arranger) wholes() (all []*placing) {
	var longest *placing
	for _, x := range a.files {
		if !x.File.sounds() || x.Double {
			continue
		}
		if x.Whole {
			all = append(all, x)
		}
		if longest == nil || x.File.Length > longest.File.Length {
			longest = x
		}
	}
	if len(all) > 0 || longest == nil || len(a.files) == 1 {
		return all
	}
	return []*placing{longest}
}

// LeaveOutSound leaves the sound of a file with pictures out, for why, and reports whether
// it had any.
func (f *File) LeaveOutSound(why string) bool {
	pictures := slices.DeleteFunc(slices.Clone(f.Streams), func(s Stream) bool { return s.Codec.Audio() })
	if len(pictures) == 0 || len(pictures) == len(f.Streams) {
		return false
	}
	f.Streams = pictures
	f.LeftOut = append(f.LeftOut, why)
	return true
}

func (a *arranger) hear(ctx context.Context, x *placing, from time.Duration) ([]int16, error) {
	sound, err := a.program.hear(ctx, x.File, from, func(n int) {
		a.heard += time.Duration(n/2) * time.Second / align.Rate
		if a.progress != nil {
			a.progress(min(a.heard, a.all), a.all)
		}
	})
	if err != nil && ctx.Err() == nil {
		return nil, &FileError{x.File.Name, err}
	}
	return sound, err
}

// arranged returns what was found out.
func (a *arranger) arranged(start time.Time, by string, zone *time.Location) *Arrangement {
	r := &Arrangement{Start: start, By: by}
	var kept []*placing
	for _, x := range a.files {
		if x.double != nil {
			r.Left = append(r.Left, Doubled{x.File, x.double})
		} else {
			kept = append(kept, x)
		}
	}
	first := slices.MinFunc(kept, func(x, y *placing) int { return cmp.Compare(x.place, y.place) })
	if r.Start.IsZero() {
		clock := kept[0] // whose clock tells the time
		if a.byTheirName {
			clock = slices.MinFunc(kept, func(x, y *placing) int { return x.own.Compare(y.own) })
		}
		if r.Start, r.By = clock.own, clock.by; clock.own.IsZero() {
			r.Start, r.By = clock.File.Start(zone)
		}
		r.Start = r.Start.Add(first.place - clock.place)
	}
	for _, x := range kept {
		if x.mix {
			r.Mixes = append(r.Mixes, Mix{x.File, x.alone()})
		}
		r.Parts = append(r.Parts, Part{File: x.File, Offset: x.place - first.place, Note: x.note, Source: x.Kind})
	}
	return r
}
