package player

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/recorder/media"
)

// Readers are whom a preset is sealed to.
type Readers struct {
	All  []age.Recipient // read everything
	Some []age.Recipient // read what is not locked to them
}

const second = time.Second

func span(from, to int) Span { return Span{time.Duration(from) * second, time.Duration(to) * second} }

// HostileName and HostileText are what a member of Lab calls themselves and
// writes: markup, and letters that turn the direction of what follows.
const (
	HostileName = "<img src=x onerror=\"document.title='owned'\"> \u202eEve"
	HostileText = "<script>document.title='owned'</script> \u202e\u2066 &amp; 'quoted' https://example.org/?a=1&b=2"
)

// LockedFrom and LockedTo bound the epoch of Lab that Some do not read, and
// DamagedFrom is where the segment begins that Damage is for.
const (
	LockedFrom  = 40 * second
	LockedTo    = 50 * second
	DamagedFrom = 60 * second
)

// Lab is a meeting of at least 70 s with all that the player has to cope with:
// every codec, who comes late, mutes, holes, a shared screen, a sender with a
// slow clock, a hostile name, and an epoch that not everybody reads.
func Lab(r Readers, length time.Duration) (Meeting, error) {
	if length < 70*second {
		return Meeting{}, errors.New("the lab takes at least 70 s")
	}
	loops, err := loops(map[string]func() (*Loop, error){
		"beep": Beep, "screen": Screen, "speech": func() (*Loop, error) { return Speech(0) },
		"vp8": of(Flash, media.VP8), "vp9": of(Flash, media.VP9), "h264": of(Flash, media.H264), "av1": of(Flash, media.AV1),
	})
	if err != nil {
		return Meeting{}, err
	}
	m := Meeting{Room: "The lab", Start: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Length: length}
	m.Members = []Member{
		{ID: "ada", Name: "Ada", Card: "Ada Lovelace", By: media.VerifiedByProof, Speaks: []Span{span(0, 12), span(30, 36)}, Tracks: []Track{
			{Source: media.Microphone, Loop: loops["beep"]},
			{Source: media.Camera, Loop: loops["vp8"]},
			{Source: media.Screen, Loop: loops["screen"], From: 30 * second, To: 45 * second},
		}},
		{ID: "ben", Name: "Ben", Card: "Ben", By: media.VerifiedByOperator, From: 4 * second, Speaks: []Span{span(12, 20), span(52, 58)}, Tracks: []Track{
			{Source: media.Microphone, Loop: loops["beep"], Mutes: []Span{span(24, 34)}},
			{Source: media.Camera, Loop: loops["h264"], Mutes: []Span{span(52, 56)}},
		}},
		{ID: "cleo", Name: "Cleo", Speaks: []Span{span(20, 30)}, Tracks: []Track{
			{Source: media.Microphone, Loop: loops["beep"], PPM: 150, Holes: []Hole{{span(26, 28), media.HoleLoss}}},
			{Source: media.Camera, Loop: loops["vp9"], Holes: []Hole{{span(26, 32), media.HoleNoKey}}},
		}},
		{ID: "eve", Name: HostileName, From: 9 * second, To: 66 * second, Tracks: []Track{
			{Source: media.Microphone, Loop: loops["speech"]},
			{Source: media.Camera, Loop: loops["av1"]},
		}},
	}
	chat := func(at int, who, name, text string) {
		m.Events = append(m.Events, media.Event{Time: time.Duration(at) * second, Type: media.EventChat, Participant: who, Name: name, Text: text})
	}
	chat(6, "ben", "Ben", "Good morning! Sorry to be late.")
	chat(11, "eve", HostileName, HostileText)
	chat(33, "ada", "Ada", "The screen shows the clock of the plan.")
	chat(64, "eve", HostileName, strings.Repeat("a long line without a space", 400))
	m.Events = append(m.Events,
		media.Event{Time: 13 * second, Type: media.EventReaction, Participant: "cleo", Name: "Cleo", Text: "👍"},
		media.Event{Time: 26 * second, Type: media.EventQuality, Participant: "cleo", Reason: media.QualityPoor})
	all := append(append([]age.Recipient(nil), r.All...), r.Some...)
	m.Epochs = []Epoch{{0, all, "Owner, Guest"}, {LockedFrom, r.All, "Owner"}, {LockedTo, all, "Owner, Guest"}}
	return m, nil
}

// Flashes is a meeting to measure with: voices beep, and cameras flash, in VP8.
// Each of them is a member's, and further voices are members with nothing else.
// No clock is exact: that of each second member is slow by 80 millionths, if
// drift says so.
func Flashes(r Readers, voices, cameras int, length time.Duration, drift bool) (Meeting, error) {
	loops, err := loops(map[string]func() (*Loop, error){"beep": Beep, "vp8": of(Flash, media.VP8)})
	if err != nil {
		return Meeting{}, err
	}
	m := Meeting{Room: "Flash and beep", Start: time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC), Length: length,
		Epochs: []Epoch{{0, append(append([]age.Recipient(nil), r.All...), r.Some...), "Owner, Guest"}}}
	for i := range max(voices, cameras) {
		p := Member{ID: fmt.Sprintf("member-%02d", i+1), Name: fmt.Sprintf("Member %d", i+1)}
		var ppm float64
		if drift && i%2 == 1 {
			ppm = 80
		}
		if i < voices {
			p.Tracks = append(p.Tracks, Track{Source: media.Microphone, Loop: loops["beep"], PPM: ppm})
			for at := time.Duration(i) * 10 * second; at+8*second < length; at += time.Duration(voices) * 10 * second {
				p.Speaks = append(p.Speaks, Span{at, at + 8*second})
			}
		}
		if i < cameras {
			p.Tracks = append(p.Tracks, Track{Source: media.Camera, Loop: loops["vp8"], PPM: ppm})
		}
		m.Members = append(m.Members, p)
	}
	return m, nil
}

// Weighty makes the cameras of a meeting as heavy as those of people: so many
// bits a second, of which key frames take some.
func Weighty(m Meeting, bits int) Meeting {
	for _, p := range m.Members {
		for i := range p.Tracks {
			t := &p.Tracks[i]
			if t.Loop.Codec != media.VP8 {
				continue
			}
			perKey := int(time.Duration(bits/8) * t.Loop.Every * time.Duration(t.Loop.KeyEvery) / second)
			t.KeyBytes = perKey / 6
			t.Bytes = (perKey - t.KeyBytes) / (t.Loop.KeyEvery - 1)
		}
	}
	return m
}

func of(make func(media.Codec) (*Loop, error), c media.Codec) func() (*Loop, error) {
	return func() (*Loop, error) { return make(c) }
}

func loops(make map[string]func() (*Loop, error)) (map[string]*Loop, error) {
	out := map[string]*Loop{}
	for name, f := range make {
		l, err := f()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = l
	}
	return out, nil
}
