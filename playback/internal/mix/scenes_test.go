package mix

import (
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

const second = time.Second

func TestGrid(t *testing.T) {
	for n, want := range map[int]string{
		1: "1280x720", 2: "640x360", 3: "640x360", 4: "640x360", 5: "426x238", 6: "426x238", 9: "426x238", 10: "320x180", 16: "320x180", 25: "256x144",
	} {
		tiles := grid(n, 1280, 720)
		if got := fmt.Sprintf("%dx%d", tiles[0].Dx(), tiles[0].Dy()); got != want || len(tiles) != n {
			t.Errorf("%d tiles: %d of %s, want %s", n, len(tiles), got, want)
		}
		fits(t, tiles, 1280, 720)
	}
	if two := grid(2, 1280, 720); two[0] != image.Rect(0, 180, 640, 540) || two[1] != image.Rect(640, 180, 1280, 540) {
		t.Errorf("two are at %v", two)
	}
	if three := grid(3, 1280, 720); three[2] != image.Rect(320, 360, 960, 720) {
		t.Errorf("the third is at %v", three[2])
	}
}

func TestBeside(t *testing.T) {
	for n := range maxStrip + 1 {
		large, strip := beside(n, 1280, 720)
		if len(strip) != n {
			t.Fatalf("%d in the strip, want %d", len(strip), n)
		}
		fits(t, append(strip, large), 1280, 720)
		if n > 0 && (large.Dx()%strip[0].Dx() != 0 || large.Dy()%strip[0].Dy() != 0) {
			t.Errorf("%d: %v beside %v", n, large.Size(), strip[0].Size())
		}
	}
}

// fits demands that tiles are of some size, within, even and apart.
func fits(t *testing.T, tiles []image.Rectangle, w, h int) {
	t.Helper()
	for i, r := range tiles {
		if r.Empty() || !r.In(image.Rect(0, 0, w, h)) || (r.Min.X|r.Min.Y|r.Max.X|r.Max.Y)%2 != 0 {
			t.Fatalf("tile %v in %dx%d", r, w, h)
		}
		for _, other := range tiles[:i] {
			if r.Overlaps(other) {
				t.Fatalf("%v overlaps %v", r, other)
			}
		}
	}
}

func TestLayoutsFit(t *testing.T) {
	for _, size := range []image.Point{{160, 90}, {640, 360}, {720, 1280}, {854, 480}, {1280, 720}, {3840, 2160}, {3840, 90}, {160, 2160}} {
		for n := 1; n <= maxGrid; n++ {
			fits(t, grid(n, size.X, size.Y), size.X, size.Y)
			if n <= maxStrip {
				large, strip := beside(n, size.X, size.Y)
				fits(t, append(strip, large), size.X, size.Y)
			}
		}
	}
}

// told writes scenes as lines: when, and who is where, the large one first, with
// a star for who speaks, a screen in brackets, a picture as +, a hole as !.
func told(scenes []Scene) (lines []string) {
	for _, s := range scenes {
		var b strings.Builder
		fmt.Fprint(&b, s.At)
		for i, t := range s.Tiles {
			b.WriteByte(' ')
			if i == 0 && len(s.Tiles) > 1 && t.W > s.Tiles[1].W {
				b.WriteByte('^')
			}
			name := t.Participant
			if t.Screen {
				name = "[" + name + "]"
			}
			b.WriteString(name)
			for _, f := range []struct {
				on   bool
				sign string
			}{{t.Track != 0, "+"}, {t.Speaking, "*"}, {t.Hole != "", "!"}} {
				if f.on {
					b.WriteString(f.sign)
				}
			}
		}
		lines = append(lines, b.String())
	}
	return lines
}

func join(at time.Duration, who string) media.Event {
	return media.Event{Time: at, Type: media.EventJoin, Participant: who, Name: strings.ToUpper(who)}
}

func speaks(who string, from, to time.Duration) media.Event {
	return media.Event{Time: from, Type: media.EventSpeaking, Participant: who, From: from, To: to}
}

func on(at time.Duration, uid uint64) media.Event {
	return media.Event{Time: at, Type: media.EventTrack, Track: uid}
}

func event(at time.Duration, typ media.EventType, uid uint64) media.Event {
	return media.Event{Time: at, Type: typ, Track: uid}
}

var (
	adaCamera = media.Track{UID: 1, Participant: "ada", Source: media.Camera, Codec: media.VP8}
	adaScreen = media.Track{UID: 2, Participant: "ada", Source: media.Screen, Codec: media.VP8}
	bobCamera = media.Track{UID: 3, Participant: "bob", Source: media.Camera, Codec: media.VP8}
	eveSound  = media.Track{UID: 4, Participant: "eve", Source: media.Microphone, Codec: media.Opus}
)

func TestScenes(t *testing.T) {
	for _, tt := range []struct {
		name     string
		layout   Layout
		tracks   []media.Track
		events   []media.Event
		holes    []Hole
		chosen   func(string) bool
		from, to time.Duration
		want     []string
	}{
		{name: "no timeline", layout: Grid, tracks: []media.Track{bobCamera, eveSound}, want: []string{"0s bob+ eve"}},
		{
			name: "joins and leaves", layout: Grid, tracks: []media.Track{adaCamera, bobCamera, eveSound},
			events: []media.Event{join(0, "eve"), join(2*second, "bob"), on(3*second, 3), join(4*second, "ada"), on(4*second, 1),
				{Time: 6 * second, Type: media.EventLeave, Participant: "bob"}, event(6*second, media.EventTrackEnd, 3)},
			want: []string{"0s eve", "2s eve bob", "3s eve bob+", "4s eve bob+ ada+", "6s eve ada+"},
		},
		{
			// A reader of the later part only sees what ends.
			name: "begins in the middle", layout: Grid, tracks: []media.Track{adaCamera, bobCamera},
			events: []media.Event{event(2*second, media.EventUnmute, 1), event(3*second, media.EventMute, 3), event(4*second, media.EventTrackEnd, 1),
				{Time: 5 * second, Type: media.EventLeave, Participant: "ada"}},
			want: []string{"0s ada bob+", "2s ada+ bob+", "3s ada+ bob", "4s ada bob", "5s bob"},
		},
		{
			name: "screens", layout: Grid, tracks: []media.Track{adaCamera, adaScreen, bobCamera},
			events: []media.Event{join(0, "ada"), on(0, 1), join(0, "bob"), on(0, 3), on(2*second, 2), event(5*second, media.EventTrackEnd, 2)},
			want:   []string{"0s ada+ bob+", "2s ^[ada]+ ada+ bob+", "5s ada+ bob+"},
		},
		{
			name: "speakers", layout: Speaker, tracks: []media.Track{adaCamera, bobCamera, eveSound},
			events: []media.Event{join(0, "ada"), join(0, "bob"), join(0, "eve"),
				speaks("bob", 4*second, 8*second),
				speaks("eve", 5*second, 6*second),                                        // too short
				speaks("eve", 9*second, 10*second), speaks("eve", 10500*1e6, 12*second)}, // one, with a breath
			want: []string{"0s ^ada+ bob+ eve", "4s ^bob+* ada+ eve", "5s ^bob+* ada+ eve*", "6s ^bob+* ada+ eve", "8s ^bob+ ada+ eve",
				"9s ^eve* ada+ bob+", "10s ^eve ada+ bob+", "10.5s ^eve* ada+ bob+", "12s ^eve ada+ bob+"},
		},
		{
			// Who is large stays so for three seconds.
			name: "hold", layout: Speaker, tracks: []media.Track{adaCamera, bobCamera},
			events: []media.Event{join(0, "ada"), join(0, "bob"), speaks("bob", 4*second, 6500*1e6), speaks("ada", 6*second, 12*second)},
			want: []string{"0s ^ada+ bob+", "4s ^bob+* ada+", "6s ^bob+* ada+*", "6.5s ^bob+ ada+*", "7s ^ada+* bob+",
				"12s ^ada+ bob+"},
		},
		{
			name: "holes", layout: Grid, tracks: []media.Track{adaCamera, bobCamera, eveSound},
			holes: []Hole{{Track: 1, From: second, To: 2 * second, Text: "a"}, {Track: 3, From: second, To: 1100 * 1e6, Text: "short"},
				{From: 4 * second, To: 5 * second, Text: "all"}, {Track: 4, From: 6 * second, To: 8 * second, Text: "sound"}, {Track: 3, From: 9 * second, Text: "on"}},
			want: []string{"0s ada+ bob+ eve", "1s ada+! bob+ eve", "2s ada+ bob+ eve", "4s ada+! bob+! eve!", "5s ada+ bob+ eve", "9s ada+ bob+! eve"},
		},
		{
			name: "a part, one person", layout: Grid, tracks: []media.Track{adaCamera}, chosen: func(p string) bool { return p == "ada" }, from: 3 * second, to: 6 * second,
			events: []media.Event{join(0, "ada"), join(0, "bob"), on(0, 1), event(2*second, media.EventMute, 1), event(4*second, media.EventUnmute, 1),
				speaks("bob", 4*second, 5*second), event(7*second, media.EventMute, 1)},
			want: []string{"3s ada", "4s ada+"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := tt.to
			if to == 0 {
				to = 20 * second
			}
			m := Meeting{Tracks: tt.tracks, Events: tt.events, Chosen: tt.chosen, Holes: tt.holes}
			got := told(Scenes(m, tt.layout, 1280, 720, tt.from, to))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestCrowd: of many, those with pictures and those who speak are seen.
func TestCrowd(t *testing.T) {
	var m Meeting
	for i := range 40 {
		who := fmt.Sprintf("p%02d", i)
		m.Events = append(m.Events, join(0, who))
		if i >= 35 {
			m.Tracks = append(m.Tracks, media.Track{UID: uint64(i + 1), Participant: who, Source: media.Camera, Codec: media.VP8})
		}
	}
	m.Events = append(m.Events, speaks("p33", 5*second, 9*second))
	for _, tt := range []struct {
		layout Layout
		n      int
		large  string
	}{{Grid, maxGrid, ""}, {Speaker, maxStrip + 1, "p33"}} {
		scenes := Scenes(m, tt.layout, 1280, 720, 0, 20*second)
		if len(scenes) != 3 {
			t.Fatalf("%s: %q", tt.layout, told(scenes))
		}
		seen := func(s Scene, who string) bool {
			return slices.ContainsFunc(s.Tiles, func(t Tile) bool { return t.Participant == who })
		}
		for _, s := range scenes {
			if len(s.Tiles) != tt.n {
				t.Errorf("%s: %d tiles, want %d", tt.layout, len(s.Tiles), tt.n)
			}
			for i := 35; i < 40; i++ {
				if !seen(s, fmt.Sprintf("p%02d", i)) {
					t.Errorf("%s: p%02d has a picture and is not seen at %v", tt.layout, i, s.At)
				}
			}
			if s.At >= 5*second && !seen(s, "p33") {
				t.Errorf("%s: who speaks is not seen at %v", tt.layout, s.At)
			}
		}
		if tt.large != "" && scenes[1].Tiles[0].Participant != tt.large {
			t.Errorf("%s: %s is large", tt.layout, scenes[1].Tiles[0].Participant)
		}
	}
}

// FuzzScenes makes a timeline of any bytes. Whatever it tells, scenes come in
// order, within the time, and with tiles that fit.
func FuzzScenes(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x01\x01\x00\x10\x05\x01\x00\x20"))
	f.Add([]byte("\x06\x03\x00\x30\x07\x03\x00\x00\x02\x02\x00\x10\x03\x02\x00\x11\x04\x01\x00\x12"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Meeting{Tracks: []media.Track{adaCamera, adaScreen, bobCamera, eveSound}}
		at := time.Duration(0)
		types := []media.EventType{media.EventJoin, media.EventLeave, media.EventTrack, media.EventTrackEnd, media.EventMute, media.EventUnmute, media.EventSpeaking}
		for ; len(b) >= 4 && len(m.Events) < 500; b = b[4:] {
			at += time.Duration(b[2]) * 100 * time.Millisecond
			length := time.Duration(b[3]) * 100 * time.Millisecond
			if kind := int(b[0]) % 8; kind < len(types) {
				m.Events = append(m.Events, media.Event{Time: at, Type: types[kind], Participant: []string{"ada", "bob", "eve", "mallory", ""}[b[1]%5],
					Track: uint64(b[1] % 6), From: at, To: at + length})
			} else {
				m.Holes = append(m.Holes, Hole{Track: uint64(b[1] % 6), From: at, To: at + length, Text: "hole"})
			}
		}
		from, to := at/4, at/2+second
		for _, layout := range []Layout{Grid, Speaker} {
			scenes := Scenes(m, layout, 320, 180, from, to)
			if len(scenes) == 0 || scenes[0].At != from {
				t.Fatalf("%s: scenes %q from %v", layout, told(scenes), from)
			}
			for i, s := range scenes {
				if i > 0 && s.At <= scenes[i-1].At || s.At >= to {
					t.Fatalf("%s: scenes %q up to %v", layout, told(scenes), to)
				}
				var tiles []image.Rectangle
				for _, tile := range s.Tiles {
					tiles = append(tiles, image.Rect(tile.X, tile.Y, tile.X+tile.W, tile.Y+tile.H))
					if tile.Track != 0 && !s.On[tile.Track] {
						t.Errorf("track %d is seen and not on", tile.Track)
					}
				}
				fits(t, tiles, 320, 180)
			}
		}
	})
}
