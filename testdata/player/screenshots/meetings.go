package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/player"
)

func at(minutes, seconds int) time.Duration {
	return time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second
}

// meetings seals what the library lists, and returns the ID of the one to watch.
func meetings(store string, homes *player.People, loops map[string]*player.Loop) (id string, err error) {
	voices := make([]*player.Loop, 2)
	for n := range voices {
		if voices[n], err = player.Speech(n); err != nil {
			return "", err
		}
	}
	board := boardMeeting(homes.Readers, voices, loops)
	if id, err = player.Write(store, homes.Signer.Signer(), board); err != nil {
		return "", err
	}
	both := slices.Concat(homes.Readers.All, homes.Readers.Some)
	for _, r := range []struct {
		room    string
		day     int
		length  time.Duration
		people  []string
		readers []age.Recipient
		live    bool
	}{
		{"Weekly sync", 16, at(28, 40), []string{"Alice", "Bob", "Carol", "Dave"}, both, false},
		{"Design review: the player", 17, at(51, 12), []string{"Carol", "Erin", "Alice"}, both, false},
		{"Interview, part 2", 12, at(73, 5), []string{"Bob", "Erin"}, both, false},
		{"Works council", 11, at(44, 30), []string{"Dave", "Erin"}, homes.Readers.All, false},
		{"Weekly sync", 9, at(31, 2), []string{"Alice", "Bob", "Carol"}, both, false},
		{"Open questions", 20, at(12, 0), []string{"Alice", "Carol"}, both, true},
	} {
		m := player.Meeting{Room: r.room, Start: time.Date(2026, 11, r.day, 9+r.day%6, 30, 0, 0, time.UTC), Length: r.length, Segment: 30 * time.Second,
			Epochs: []player.Epoch{{Readers: r.readers, Names: "Recorder, Carol"}}}
		for i, name := range r.people {
			m.Members = append(m.Members, player.Member{ID: strings.ToLower(name), Name: name,
				Tracks: []player.Track{{Source: media.Microphone, Loop: voices[i%2]}}})
		}
		t, err := player.NewTape(store, homes.Signer.Signer(), m)
		if err != nil {
			return "", err
		}
		if !r.live {
			if err := t.Until(m.Length); err != nil {
				return "", err
			}
			if err := t.Close(); err != nil {
				return "", err
			}
		} else if err := t.Until(m.Length - time.Minute); err != nil {
			return "", err
		}
	}
	return id, nil
}

// boardMeeting is a meeting of five, with all that the timeline shows.
func boardMeeting(r player.Readers, voices []*player.Loop, loops map[string]*player.Loop) player.Meeting {
	both := slices.Concat(r.All, r.Some)
	m := player.Meeting{Room: "Board meeting", Start: time.Date(2026, 11, 19, 14, 0, 0, 0, time.UTC), Length: at(42, 18), Segment: 10 * time.Second,
		Epochs: []player.Epoch{{Readers: both, Names: "Alice, Bob, Carol, Dave, Erin"}, {From: at(35, 0), Readers: r.All, Names: "Alice, Bob"},
			{From: at(38, 30), Readers: both, Names: "Alice, Bob, Carol, Dave, Erin"}}}
	random := rand.New(rand.NewPCG(3, 4))
	for i, name := range []string{"Alice", "Bob", "Carol", "Dave", "Erin"} {
		p := player.Member{ID: strings.ToLower(name), Name: name, Tracks: []player.Track{
			{Source: media.Microphone, Loop: voices[i%2]}, {Source: media.Camera, Loop: loops[fmt.Sprint(i)]}}}
		switch name {
		case "Alice":
			p.Card, p.By = "Alice Demo", media.VerifiedByProof
			p.Tracks = append(p.Tracks, player.Track{Source: media.Screen, Loop: loops["slide"], From: at(9, 30), To: at(21, 0)})
		case "Bob":
			p.Card, p.By = "Bob Demo", media.VerifiedByOperator
			p.Tracks[0].Mutes = []player.Span{{From: at(14, 0), To: at(24, 0)}}
		case "Carol":
			p.Card, p.By = "Carol", media.VerifiedByProof
			p.From = at(2, 30)
		case "Dave":
			p.To = at(31, 0)
			p.Tracks[0].Holes = []player.Hole{{Span: player.Span{From: at(17, 0), To: at(18, 10)}, Reason: media.HoleLoss}}
			p.Tracks[1].Holes = []player.Hole{{Span: player.Span{From: at(17, 0), To: at(18, 20)}, Reason: media.HoleLoss}}
		case "Erin":
			p.From = at(6, 10)
			p.Tracks[1].Mutes = []player.Span{{From: at(24, 0), To: at(42, 18)}}
		}
		to := p.To
		if to == 0 {
			to = m.Length
		}
		for t := p.From + time.Duration(random.IntN(60))*time.Second; ; {
			span := player.Span{From: t, To: min(t+time.Duration(8+random.IntN(50))*time.Second, to)}
			if name == "Bob" && span.To > at(13, 30) && span.From < at(24, 0) {
				t = at(24, 30)
				continue
			}
			p.Speaks = append(p.Speaks, span)
			if t = span.To + time.Duration(20+random.IntN(150))*time.Second; t > to-30*time.Second {
				break
			}
		}
		if name == "Alice" {
			p.Speaks = append(p.Speaks, player.Span{From: at(12, 40), To: at(13, 5)})
		}
		m.Members = append(m.Members, p)
	}
	for _, c := range []struct {
		at              time.Duration
		who, name, text string
	}{
		{at(1, 12), "bob", "Bob", "Good afternoon! Minutes of last time are in the folder."},
		{at(6, 40), "erin", "Erin", "Sorry, the train was late."},
		{at(9, 50), "alice", "Alice", "You should see my slide now."},
		{at(11, 31), "carol", "Carol", "Is October without the archive?"},
		{at(12, 10), "dave", "Dave", "With it: the old bucket was moved in August."},
		{at(12, 44), "carol", "Carol", "Then it is more than I thought. Thank you!"},
		{at(19, 5), "dave", "Dave", "I was away for a minute, my line broke."},
		{at(30, 50), "dave", "Dave", "I have to go. Until Thursday!"},
	} {
		m.Events = append(m.Events, media.Event{Time: c.at, Type: media.EventChat, Participant: c.who, Name: c.name, Text: c.text})
	}
	m.Events = append(m.Events, media.Event{Time: at(12, 47), Type: media.EventReaction, Participant: "bob", Name: "Bob", Text: "applause"},
		media.Event{Time: at(16, 50), Type: media.EventQuality, Participant: "dave", Reason: media.QualityPoor})
	return m
}
