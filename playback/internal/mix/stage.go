package mix

import (
	"cmp"
	"image"
	"slices"
	"time"
)

// scene lays out the tiles of the people who are there now.
func (s *stage) scene(at time.Duration) Scene {
	scene := Scene{At: at, On: make(map[uint64]bool)}
	var screens []*video
	var here []*person
	for _, p := range s.people {
		there := p.present
		for _, v := range p.videos {
			if !v.on() {
				continue
			}
			scene.On[v.uid] = true
			there = there || !p.known
			if v.screen {
				screens = append(screens, v)
			}
		}
		if there {
			here = append(here, p)
		} else {
			p.shown = false
		}
	}
	// The screen that was shared last is the large one.
	slices.SortStableFunc(screens, func(a, b *video) int { return cmp.Compare(b.since, a.since) })

	s.choose(here, at)
	put := func(r image.Rectangle, t Tile) {
		t.X, t.Y, t.W, t.H = r.Min.X, r.Min.Y, r.Dx(), r.Dy()
		scene.Tiles = append(scene.Tiles, t)
	}
	var large *Tile
	var small []Tile
	for i, v := range screens {
		t := s.screenTile(v)
		if i == 0 {
			large = &t
		} else if len(small) < maxStrip/2 {
			small = append(small, t)
		}
	}
	room := maxGrid
	if large != nil {
		room = maxStrip - len(small)
	}
	if large == nil && s.layout == Speaker && s.main != nil {
		t := s.personTile(s.main)
		large, room = &t, maxStrip
		here = slices.DeleteFunc(here, func(p *person) bool {
			p.shown = p.shown && p != s.main
			return p == s.main
		})
	}
	for _, p := range s.seen(here, room) {
		small = append(small, s.personTile(p))
	}
	if large != nil {
		big, strip := beside(len(small), s.w, s.h)
		put(big, *large)
		for i, r := range strip {
			put(r, small[i])
		}
		return scene
	}
	for i, r := range grid(len(small), s.w, s.h) {
		put(r, small[i])
	}
	return scene
}

// choose decides who is large in the layout Speaker.
func (s *stage) choose(here []*person, at time.Duration) {
	is := func(p *person) bool { return p != nil && slices.Contains(here, p) }
	s.waiting = false
	if is(s.main) && s.main.floors > 0 {
		return
	}
	var next *person
	for _, p := range here {
		if p.floors > 0 && (next == nil || p.spoke > next.spoke) {
			next = p
		}
	}
	switch {
	case !is(s.main):
		if next == nil {
			next = firstOf(here)
		}
		s.main, s.mainSince = next, at
	case next == nil:
	case at < s.mainSince+hold:
		s.waiting = true
	default:
		s.main, s.mainSince = next, at
	}
}

// firstOf returns who is large while nobody has spoken: the first with a picture, or
// else the first.
func firstOf(here []*person) *person {
	for _, p := range here {
		if p.camera() != nil {
			return p
		}
	}
	if len(here) > 0 {
		return here[0]
	}
	return nil
}

// seen returns those people, at most room, who get a tile. People keep their tiles,
// unless somebody who speaks at length needs one.
func (s *stage) seen(here []*person, room int) []*person {
	if len(here) <= room {
		for _, p := range here {
			p.shown = true
		}
		return here
	}
	ranked := slices.Clone(here)
	rank := func(p *person) int {
		switch {
		case p.floors > 0:
			return 0
		case p.shown && p.camera() != nil:
			return 1
		case p.camera() != nil:
			return 2
		case p.shown:
			return 3
		}
		return 4
	}
	slices.SortStableFunc(ranked, func(a, b *person) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.spoke, a.spoke))
	})
	for i, p := range ranked {
		p.shown = i < room
	}
	return slices.DeleteFunc(slices.Clone(here), func(p *person) bool { return !p.shown })
}

// camera returns the person's camera track that is on, or nil.
func (p *person) camera() *video {
	for _, v := range p.videos {
		if v.on() && !v.screen {
			return v
		}
	}
	return nil
}

func (s *stage) personTile(p *person) Tile {
	t := Tile{Participant: p.id, Name: p.name, Speaking: p.speaking > 0}
	if v := p.camera(); v != nil {
		t.Track = v.uid
		t.Hole = s.hole(v)
	} else if len(s.holes) > 0 {
		t.Hole = s.holes[0]
	}
	return t
}

func (s *stage) screenTile(v *video) Tile {
	p := s.owner[v.uid]
	return Tile{Participant: p.id, Name: p.name, Screen: true, Track: v.uid, Hole: s.hole(v)}
}

func (s *stage) hole(v *video) string {
	for _, holes := range [][]string{s.holes, v.holes} {
		if len(holes) > 0 {
			return holes[0]
		}
	}
	return ""
}
