package mix

import (
	"cmp"
	"slices"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const (
	// floor is the shortest speech that makes somebody large. breath is the longest
	// pause within a speech. hold is how long somebody stays large at least.
	floor  = 2 * time.Second
	breath = time.Second
	hold   = 3 * time.Second
	// shortHole: shorter holes are not shown on the picture.
	shortHole = 500 * time.Millisecond
	// maxPeople is how many people are shown at most. The first to appear count.
	maxPeople = 1000
)

// A Meeting is what scenes are made from. Times are on the recording's clock.
type Meeting struct {
	// Tracks are the tracks that are shown or heard.
	Tracks []media.Track
	// Events are the timeline in order of time. Events of other tracks are ignored.
	Events []media.Event
	// Chosen reports whether a participant gets a tile. Nil means that all do.
	Chosen func(participant string) bool
	// Holes are the times in which media of a track is missing. A hole of track 0
	// is one of all tracks.
	Holes []Hole
}

// A Hole is a time in which media is missing. A To of 0 means that it does not end.
type Hole struct {
	Track    uint64
	From, To time.Duration
	Text     string
}

// A Scene is a time in which nobody's place changes.
type Scene struct {
	At    time.Duration
	Tiles []Tile
	// On are the video tracks that are on: published and not muted.
	On map[uint64]bool
}

// A Tile is one rectangle of a scene.
type Tile struct {
	Participant, Name string
	Track             uint64 // the video track shown; 0: none
	Screen, Speaking  bool
	Hole              string // text about what is missing; "": nothing is
	X, Y, W, H        int    // even
}

// Scenes returns the scenes between from and to, in order. The first one begins at from
// or before. None begins at to or later.
func Scenes(m Meeting, layout Layout, w, h int, from, to time.Duration) []Scene {
	s := newStage(m, layout, w, h)
	changes := s.changes(m)
	var scenes []Scene
	add := func(at time.Duration) {
		at = max(at, from)
		scene := s.scene(at)
		if n := len(scenes); n > 0 {
			last := &scenes[n-1]
			if slices.Equal(last.Tiles, scene.Tiles) && equal(last.On, scene.On) {
				return
			}
			if last.At == at {
				*last = scene
				return
			}
		}
		scenes = append(scenes, scene)
	}
	for i := 0; i < len(changes); {
		at := changes[i].at
		if len(scenes) == 0 && at > from {
			add(from)
		}
		// Somebody who spoke while another had to stay large may become large before
		// the next change.
		if due := s.mainSince + hold; s.waiting && due < min(at, to) && due > from {
			add(due)
			continue
		}
		if at >= to {
			break
		}
		for ; i < len(changes) && changes[i].at == at; i++ {
			s.apply(changes[i])
		}
		add(at)
		if at <= from && len(scenes) > 0 {
			scenes = scenes[:0] // only the state at from counts
		}
	}
	if len(scenes) == 0 {
		add(from)
	}
	if due := s.mainSince + hold; s.waiting && due > scenes[len(scenes)-1].At && due < to {
		add(due)
	}
	return scenes
}

func equal(a, b map[uint64]bool) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return true
}

// A change is one thing that becomes true, or stops being true.
type change struct {
	at   time.Duration
	kind changeKind
	who  *person
	uid  uint64
	on   bool
	text string
}

type changeKind int

const (
	presence changeKind = iota
	published
	muted
	speech
	hasFloor
	missing
)

type person struct {
	id, name string
	order    int
	videos   []*video
	present  bool
	speaking int           // speeches that go on
	floors   int           // long speeches that go on
	spoke    time.Duration // when they last began to speak
	shown    bool
	known    bool // their coming or going is in the timeline
}

type video struct {
	uid       uint64
	screen    bool
	published bool
	muted     bool
	since     time.Duration
	holes     []string
}

func (v *video) on() bool { return v.published && !v.muted }

// A stage is the state of the meeting at one time.
type stage struct {
	layout Layout
	w, h   int
	people []*person
	byID   map[string]*person
	videos map[uint64]*video
	owner  map[uint64]*person
	holes  []string // of all tracks

	main      *person // who is large
	mainSince time.Duration
	waiting   bool // somebody else speaks, and becomes large once hold is over
}

func newStage(m Meeting, layout Layout, w, h int) *stage {
	s := &stage{layout: layout, w: w, h: h, byID: make(map[string]*person),
		videos: make(map[uint64]*video), owner: make(map[uint64]*person)}
	for _, t := range m.Tracks {
		p := s.person(t.Participant, t.Name, m.Chosen)
		if p == nil {
			continue
		}
		s.owner[t.UID] = p
		if !t.Codec.Audio() {
			v := &video{uid: t.UID, screen: t.Source == media.Screen}
			s.videos[t.UID] = v
			p.videos = append(p.videos, v)
		}
	}
	return s
}

// person returns the person with this identity, and adds them if they are new. It
// returns nil for a person who is not chosen.
func (s *stage) person(id, name string, chosen func(string) bool) *person {
	p := s.byID[id]
	if p == nil {
		if chosen != nil && !chosen(id) || len(s.people) == maxPeople {
			return nil
		}
		p = &person{id: id, order: len(s.people), spoke: -1}
		s.people = append(s.people, p)
		s.byID[id] = p
	}
	if p.name == "" {
		p.name = name
	}
	return p
}

// changes turns the timeline into changes in order of time. The timeline may begin in the
// middle, because the reader came late. If its first event of something is an end, that
// was there before.
func (s *stage) changes(m Meeting) []change {
	var out []change
	first := make(map[*person]time.Duration)
	spoken := make(map[*person][]media.Event)
	told := make(map[uint64]bool)
	for _, e := range m.Events {
		switch e.Type {
		case media.EventJoin, media.EventLeave:
			p := s.person(e.Participant, e.Name, m.Chosen)
			if p == nil {
				continue
			}
			if !p.known {
				p.known, p.present = true, e.Type == media.EventLeave
				p.order = len(out) // people are in the order of their coming
			}
			out = append(out, change{at: e.Time, kind: presence, who: p, on: e.Type == media.EventJoin})
		case media.EventTrack, media.EventTrackEnd:
			if p := s.owner[e.Track]; p != nil {
				if _, ok := first[p]; !ok {
					first[p] = e.Time
				}
			}
			if v := s.videos[e.Track]; v != nil {
				if !told[e.Track] {
					told[e.Track], v.published = true, e.Type == media.EventTrackEnd
				}
				out = append(out, change{at: e.Time, kind: published, uid: e.Track, on: e.Type == media.EventTrack})
			}
		case media.EventMute, media.EventUnmute:
			if v := s.videos[e.Track]; v != nil {
				if !told[e.Track] {
					told[e.Track], v.published, v.muted = true, true, e.Type == media.EventUnmute
				}
				out = append(out, change{at: e.Time, kind: muted, uid: e.Track, on: e.Type == media.EventMute})
			}
		case media.EventSpeaking:
			if p := s.byID[e.Participant]; p != nil && e.To > e.From {
				spoken[p] = append(spoken[p], e)
			}
		}
	}
	for uid, v := range s.videos {
		v.published = v.published || !told[uid]
	}
	for _, p := range s.people {
		if !p.known {
			// The person is there from their first track on, or from the beginning.
			at, ok := first[p]
			p.present = !ok
			if ok {
				out = append(out, change{at: at, kind: presence, who: p, on: true})
			}
		}
		for _, e := range spoken[p] {
			out = append(out, change{at: e.From, kind: speech, who: p, on: true}, change{at: e.To, kind: speech, who: p})
		}
		for _, e := range speeches(spoken[p]) {
			out = append(out, change{at: e.From, kind: hasFloor, who: p, on: true}, change{at: e.To, kind: hasFloor, who: p})
		}
	}
	for _, hole := range m.Holes {
		if hole.To != 0 && hole.To-hole.From < shortHole {
			continue
		}
		out = append(out, change{at: hole.From, kind: missing, uid: hole.Track, text: hole.Text, on: true})
		if hole.To != 0 {
			out = append(out, change{at: hole.To, kind: missing, uid: hole.Track, text: hole.Text})
		}
	}
	slices.SortStableFunc(s.people, func(a, b *person) int {
		return cmp.Or(-compare(a.known, b.known), cmp.Compare(a.order, b.order))
	})
	slices.SortStableFunc(out, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	return out
}

func compare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// speeches joins events with only a breath between them, and returns the long ones.
func speeches(spoken []media.Event) []media.Event {
	slices.SortStableFunc(spoken, func(a, b media.Event) int { return cmp.Compare(a.From, b.From) })
	var out []media.Event
	for _, e := range spoken {
		if n := len(out); n > 0 && e.From <= out[n-1].To+breath {
			out[n-1].To = max(out[n-1].To, e.To)
			continue
		}
		out = append(out, e)
	}
	return slices.DeleteFunc(out, func(e media.Event) bool { return e.To-e.From < floor })
}

func (s *stage) apply(c change) {
	delta := -1
	if c.on {
		delta = 1
	}
	switch c.kind {
	case presence:
		c.who.present = c.on
	case published:
		v := s.videos[c.uid]
		v.published, v.muted = c.on, false
		v.since = c.at
	case muted:
		s.videos[c.uid].muted = c.on
	case speech:
		c.who.speaking += delta
		if c.on {
			c.who.spoke = c.at
		}
	case hasFloor:
		c.who.floors += delta
	case missing:
		holes := &s.holes
		if c.uid != 0 {
			v := s.videos[c.uid]
			if v == nil {
				return
			}
			holes = &v.holes
		}
		if c.on {
			*holes = append(*holes, c.text)
		} else if i := slices.Index(*holes, c.text); i >= 0 {
			*holes = slices.Delete(*holes, i, i+1)
		}
	}
}
