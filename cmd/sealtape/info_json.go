package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/recorder/media"
)

// JSON.md says what the fields of infoJSON, and of what else --json prints, mean;
// a test holds that it says all. Times are seconds on the recording clock.
type infoJSON struct {
	ID           string           `json:"id"`
	State        string           `json:"state"`
	Recorder     []string         `json:"recorded_by"`
	PostQuantum  bool             `json:"post_quantum"`
	Objects      int              `json:"objects"`
	Missing      []string         `json:"missing_objects"`
	Bytes        int64            `json:"bytes"`
	Segments     int              `json:"segments"`
	Epochs       []epochJSON      `json:"epochs"`
	Opens        bool             `json:"opens"`
	Grants       []grantJSON      `json:"grants"`
	ResealedFrom string           `json:"resealed_from,omitempty"`
	Follows      string           `json:"follows,omitempty"`
	Room         string           `json:"room,omitempty"`
	Start        *time.Time       `json:"start,omitempty"`
	Duration     *float64         `json:"duration,omitempty"`
	Incomplete   bool             `json:"incomplete"`
	Participants []person         `json:"participants"`
	Tracks       []infoTrackJSON  `json:"tracks"`
	Silent       []silentJSON     `json:"silent"`
	Holes        []holeJSON       `json:"holes"`
	Locked       []lockedJSON     `json:"locked"`
	Unreadable   []unreadableJSON `json:"unreadable"`
	Timeline     []media.Event    `json:"timeline"`
	Problems     []string         `json:"problems"`
}

type epochJSON struct {
	Number   int  `json:"number"`
	Segments int  `json:"segments"`
	First    *int `json:"first_segment,omitempty"`
	Last     *int `json:"last_segment,omitempty"`
	Opens    bool `json:"opens"`
	Hybrid   bool `json:"hybrid"`
	Classic  bool `json:"classic"`
	Readers  int  `json:"readers_at_most"`
}

type trackJSON struct {
	UID         uint64 `json:"uid,string"`
	Participant string `json:"participant"`
	Name        string `json:"name,omitempty"`
	Source      string `json:"source"`
	Codec       string `json:"codec"`
	Channels    int    `json:"channels,omitempty"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
}

// infoTrackJSON is a track, with what its sender published, if the room's server
// told, and whether without encryption.
type infoTrackJSON struct {
	trackJSON
	PublishedWidth  int     `json:"published_width,omitempty"`
	PublishedHeight int     `json:"published_height,omitempty"`
	Less            bool    `json:"less_wanted,omitempty"`
	Smaller         float64 `json:"smaller"`
	Plaintext       bool    `json:"plaintext,omitempty"`
}

type holeJSON struct {
	Track  uint64  `json:"track,string"`
	Label  string  `json:"label"`
	From   float64 `json:"from"`
	To     float64 `json:"to"`
	Reason string  `json:"reason"`
}

type lockedJSON struct {
	Epoch int     `json:"epoch"`
	First int     `json:"first_segment"`
	Last  int     `json:"last_segment"`
	From  float64 `json:"from"`
	To    float64 `json:"to"`
}

type unreadableJSON struct {
	Segment int     `json:"segment"`
	From    float64 `json:"from"`
	To      float64 `json:"to"`
	Why     string  `json:"why"`
	Text    string  `json:"text"`
}

// Why a segment is unreadable.
const (
	whyMissing = "missing"
	whyDamaged = "damaged"
	whyTorn    = "torn"
	whyLeftOut = "left-out"
	whyStore   = "store"
)

// locked tells how many readers a recording has that one's keys do not open, and
// returns noKey's error.
func (a *access) locked(ctx context.Context, rec *archive.Recording, why error) error {
	for _, line := range readersText(rec.Epochs(), readersAtMost(ctx, rec)) {
		a.env.notef("%s", line)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return noKey(rec.Head().ID, why)
}

// readersAtMost returns how many readers each epoch has at most, 0 where its
// files do not tell.
func readersAtMost(ctx context.Context, rec *archive.Recording) []int {
	epochs := rec.Epochs()
	readers := make([]int, len(epochs))
	var g errgroup.Group
	g.SetLimit(epochsParallel)
	for i, ep := range epochs {
		g.Go(func() error {
			readers[i], _ = rec.ReadersAtMost(ctx, ep.Number) // what is wrong with it, verify tells
			return nil
		})
	}
	_ = g.Wait() // its functions return none
	return readers
}

// readersText says how many readers epochs have, those alike in one line.
func readersText(epochs []archive.EpochInfo, readers []int) []string {
	var lines []string
	for i := 0; i < len(epochs); {
		j := i + 1
		for j < len(epochs) && readers[j] == readers[i] {
			j++
		}
		var numbers []int
		for _, ep := range epochs[i:j] {
			numbers = append(numbers, ep.Number)
		}
		line := fmt.Sprintf("epoch %d", numbers[0])
		if j > i+1 {
			line = "epochs " + ranges(numbers)
		}
		if readers[i] == 0 {
			line += ": how many readers it is sealed to cannot be told"
		} else {
			line += fmt.Sprintf(": sealed to at most %s", count(readers[i], "reader"))
		}
		if j > i+1 {
			line += " each"
		}
		lines = append(lines, line)
		i = j
	}
	return lines
}

// info gathers all that there is to tell. Without a key that is what anyone can
// see.
func (a *access) info(ctx context.Context, rec *archive.Recording) (*infoJSON, error) {
	i := &infoJSON{
		ID: rec.Head().ID, State: string(rec.Head().State), Recorder: a.signers(rec.Signers()), PostQuantum: rec.PostQuantum(),
		Objects: len(rec.Entries()), Segments: len(rec.Segments()),
		Missing: []string{}, Participants: []person{}, Tracks: []infoTrackJSON{}, Silent: []silentJSON{}, Holes: []holeJSON{}, Locked: []lockedJSON{},
		Unreadable: []unreadableJSON{}, Timeline: []media.Event{}, Problems: []string{},
	}
	there := make(map[string]bool)
	for info, err := range archive.List(ctx, a.store, i.ID+"/") {
		if err != nil {
			return nil, err
		}
		there[strings.TrimPrefix(info.Name, i.ID+"/")] = true
		i.Bytes += info.Size
	}
	for _, e := range rec.Entries() {
		if !there[e.Name] {
			i.Missing = append(i.Missing, e.Name)
		}
	}
	opened := tryEpochs(ctx, rec)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	i.Epochs = epochsOf(rec, readersAtMost(ctx, rec))
	for n, err := range opened {
		i.Epochs[n].Opens = err == nil
		i.Opens = i.Opens || err == nil
		if err != nil && !errors.Is(err, archive.ErrNoKey) {
			i.Problems = append(i.Problems, err.Error())
		}
	}
	var err error
	if i.Grants, err = a.grants(ctx, rec); err != nil {
		return nil, err
	}
	i.Incomplete = rec.Head().State != archive.StateClosed || len(i.Missing) > 0
	if !i.Opens {
		return i, nil
	}
	f, err := gather(ctx, rec)
	var unreadable *playback.SegmentError
	switch {
	case errors.As(err, &unreadable): // and so are all others
		i.Problems = append(i.Problems, unreadable.Err.Error())
		i.Incomplete = true
		return i, nil
	case err != nil:
		return nil, err
	}
	i.addFacts(f)
	i.addUnreadable(f, rec, there)
	return i, nil
}

// epochsOf returns what the log tells of the epochs, and how many readers they
// have at most.
func epochsOf(rec *archive.Recording, readers []int) []epochJSON {
	epochs := []epochJSON{}
	for n, ep := range rec.Epochs() {
		j := epochJSON{Number: ep.Number, Hybrid: ep.Hybrid, Classic: ep.Classic, Readers: readers[n]}
		for _, s := range rec.Segments() {
			if s.Epoch != ep.Number {
				continue
			}
			if j.Segments++; j.First == nil {
				j.First = &s.Number
			}
			j.Last = &s.Number
		}
		epochs = append(epochs, j)
	}
	return epochs
}

func (i *infoJSON) addFacts(f *facts) {
	if !f.start.IsZero() {
		start := f.start.UTC()
		i.Start = &start
	}
	duration := f.duration.Seconds()
	i.Room, i.Duration, i.Participants = f.room, &duration, f.people()
	sizes := pictureSizes(f.events, f.duration)
	for _, t := range f.tracks {
		j := infoTrackJSON{trackJSON: trackOf(t)}
		if p := sizes[t.UID]; p != nil {
			j.PublishedWidth, j.PublishedHeight, j.Less = p.width, p.height, p.less
			if t.Source != media.Screen { // a window may become smaller
				j.Smaller = p.smaller.Seconds()
			}
		}
		j.Plaintext = slices.ContainsFunc(f.events, func(e media.Event) bool {
			return e.Type == media.EventTrack && e.Track == t.UID && e.Reason == media.TrackPlaintext
		})
		i.Tracks = append(i.Tracks, j)
	}
	i.Silent = f.silent()
	i.Holes = holesJSON(f.tracks, playback.Holes(f.events))
	i.Timeline = append(i.Timeline, f.events...)
	i.Incomplete = i.Incomplete || incomplete(f.events)
	i.ResealedFrom, i.Follows = resealedFrom(f.events), follows(f.events)
	if h, ok := cited(i.ResealedFrom); ok && h.State != archive.StateClosed {
		i.Incomplete = true
	}
}

func trackOf(t media.Track) trackJSON {
	return trackJSON{
		UID: t.UID, Participant: t.Participant, Name: t.Name, Source: string(t.Source), Codec: string(t.Codec),
		Channels: t.Channels, Width: t.Width, Height: t.Height,
	}
}

func holesJSON(tracks []media.Track, holes []media.Event) []holeJSON {
	f := facts{tracks: tracks}
	all := []holeJSON{}
	for _, h := range holes {
		all = append(all, holeJSON{h.Track, f.holeLabel(h), h.From.Seconds(), h.To.Seconds(), h.Reason})
	}
	return all
}

// addUnreadable lists the segments that cannot be had, and why. there are the
// objects in the store: an index tells of segments that are gone.
func (i *infoJSON) addUnreadable(f *facts, rec *archive.Recording, there map[string]bool) {
	logged := make(map[int]archive.SegmentInfo)
	for _, s := range rec.Segments() {
		logged[s.Number] = s
	}
	for _, s := range f.segments {
		entry, listed := logged[s.Number]
		u := unreadableJSON{Segment: s.Number, From: s.From.Seconds(), To: s.To.Seconds()}
		switch torn := f.torn[s.Number]; {
		case s.State == playback.Locked:
			i.addLocked(s, entry.Epoch)
			continue
		case s.State == playback.Unlisted:
			u.Why, u.Text = whyLeftOut, fmt.Sprintf("segment %d is not in the log, and later ones are", s.Number)
		case listed && !there[entry.Name]:
			u.Why, u.Text = whyMissing, entry.Name+" is not in the store"
		case torn != nil:
			u.Why, u.Text = whyTorn, torn.Error()
		case s.State == playback.Failed:
			u.Why, u.Text = whyDamaged, s.Err.Error()
		case s.Err != nil:
			u.Why, u.Text = whyStore, s.Err.Error()
		default:
			continue
		}
		i.Unreadable = append(i.Unreadable, u)
	}
	i.Incomplete = i.Incomplete || len(i.Unreadable) > 0 || len(i.Locked) > 0
}

// addLocked adds a segment to the locked spans.
func (i *infoJSON) addLocked(s playback.Segment, epoch int) {
	if n := len(i.Locked); n > 0 && i.Locked[n-1].Epoch == epoch {
		i.Locked[n-1].Last, i.Locked[n-1].To = s.Number, s.To.Seconds()
		return
	}
	i.Locked = append(i.Locked, lockedJSON{epoch, s.Number, s.Number, s.From.Seconds(), s.To.Seconds()})
}
