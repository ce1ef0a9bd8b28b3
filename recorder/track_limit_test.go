package recorder_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A crowded room has tracks that can be postponed.
type crowded struct {
	*roomtest.Room
	mu     sync.Mutex
	tracks map[string]*postponed
}

type postponed struct {
	*roomtest.Track
	room *crowded
	gone bool
}

func (c *crowded) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := c.Room.Accept(ctx)
	if t, ok := e.Track.(*roomtest.Track); ok {
		p := &postponed{Track: t, room: c}
		c.mu.Lock()
		c.tracks[t.Info().ID] = p
		c.mu.Unlock()
		e.Track = p
	}
	return e, err
}

func (p *postponed) Postpone() { p.Track.End() }

func (p *postponed) Published() bool {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	return !p.gone
}

func (p *postponed) Again() { p.room.Room.Publish(p.Info()) }

// publish publishes n microphones of a participant.
func (c *crowded) publish(participant string, n int) (infos []recorder.TrackInfo) {
	for i := range n {
		info := recorder.TrackInfo{ID: fmt.Sprint(participant, i), Participant: participant,
			Source: media.Microphone, Codec: media.Opus, ClockRate: 48000, Channels: 1}
		infos = append(infos, info)
		c.Publish(info)
	}
	synctest.Wait()
	return infos
}

// unpublish ends the tracks in the room.
func (c *crowded) unpublish(infos []recorder.TrackInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, info := range infos {
		p := c.tracks[info.ID]
		if !p.gone {
			p.gone = true
			if !p.Track.Ended() {
				p.Track.End()
			}
		}
	}
}

// speak sends sound on every track that is received, for so long.
func (c *crowded) speak(length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
		now := time.Now()
		n := now.UnixMilli() / 20
		c.mu.Lock()
		for _, p := range c.tracks {
			if !p.Track.Ended() {
				p.SendAt(now, &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n * 960), SSRC: 1},
					Payload: []byte{0xf8, byte(n)}})
			}
		}
		c.mu.Unlock()
	}
	synctest.Wait()
}

// crowdedMeeting records a meeting in a crowded room and returns the frames of
// each participant, by when they were, and what was declared missing.
func crowdedMeeting(t *testing.T, meet func(c *crowded)) (heard map[string][]time.Duration, missing map[string]time.Duration, report recorder.Report) {
	heard, missing = make(map[string][]time.Duration), make(map[string]time.Duration)
	synctest.Test(t, func(t *testing.T) {
		c := &crowded{Room: roomtest.New("crowd"), tracks: make(map[string]*postponed)}
		rec := start(t, recorder.Config{}, c)
		meet(c)
		out := rec.end()
		report = out.report
		for _, e := range out.find(media.EventHole) {
			if e.Reason == media.HoleTooMany {
				missing[e.Participant] += e.To - e.From
			}
		}
		for _, f := range out.frames {
			who := out.tracks[f.Track].Participant
			heard[who] = append(heard[who], f.Time)
		}
	})
	return heard, missing, report
}

// between counts the times of at least from and before to.
func between(times []time.Duration, from, to time.Duration) (n int) {
	for _, at := range times {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

// One participant with hundreds of tracks has some of them recorded, the others
// are declared, and nobody else misses anything. When some end, others are asked
// for.
func TestManyTracksOfOne(t *testing.T) {
	heard, missing, report := crowdedMeeting(t, func(c *crowded) {
		many := c.publish("mallory", 300)
		c.speak(time.Second)
		c.publish("ada", 1)
		c.speak(4 * time.Second)
		c.unpublish(many[:290])
		c.speak(3 * time.Second)
	})
	if n := between(heard["ada"], 0, time.Hour); n < 345 {
		t.Errorf("%d of Ada's 350 frames were recorded", n)
	}
	if early, late := between(heard["mallory"], 2*time.Second, 3*time.Second), between(heard["mallory"], 7*time.Second, 8*time.Second); early < 31*50 || early > 33*50 || late < 9*50 || late > 10*50 {
		t.Errorf("of mallory's tracks %d frames were recorded in a second, and %d when 10 were left; want 32 tracks, and 10", early, late)
	}
	if got := missing["mallory"]; got < 5*time.Second || got > 7*time.Second || len(missing) != 1 {
		t.Errorf("declared missing: %v", missing)
	}
	if !report.Incomplete {
		t.Error("the report says that nothing is missing")
	}
}

// Where many participants fill the recorder, who comes later still finds room for
// what they say: who has the most gives way.
func TestFullRecorder(t *testing.T) {
	heard, missing, _ := crowdedMeeting(t, func(c *crowded) {
		for i := range 10 {
			c.publish(fmt.Sprint("crowd", i), 30)
		}
		c.speak(time.Second)
		c.publish("ada", 1)
		c.speak(2 * time.Second)
		c.publish("ben", 2)
		c.speak(2 * time.Second)
	})
	if n := len(heard["ada"]); n < 195 {
		t.Errorf("%d of Ada's 200 frames were recorded", n)
	}
	if n := len(heard["ben"]); n < 195 {
		t.Errorf("%d of Ben's 200 frames were recorded", n)
	}
	if missing["ada"] > 0 || missing["ben"] > 0 || len(missing) == 0 {
		t.Errorf("declared missing: %v", missing)
	}
}

// Who publishes far too many tracks is told of once, with how many, and not for each.
func TestTurnedAwayIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowded{Room: roomtest.New("crowd"), tracks: make(map[string]*postponed)}
		var log bytes.Buffer
		var told []recorder.TurnedAway
		rec := start(t, recorder.Config{
			Log:        slog.New(slog.NewTextHandler(&log, nil)),
			TurnedAway: func(t recorder.TurnedAway) { told = append(told, t) }}, c)
		many := c.publish("mallory", 60)
		c.publish("ada", 1)
		c.speak(10 * time.Second)
		is := rec.Status().TurnedAway
		c.unpublish(many[:50])
		c.speak(3 * time.Second)
		after := rec.Status().TurnedAway
		rec.end()
		want := []recorder.TurnedAway{{Participant: "mallory", Tracks: 28}}
		if !slices.Equal(told, want) || !slices.Equal(is, want) || len(after) != 0 {
			t.Errorf("told %+v, the status was %+v, and when 10 were left %+v; want %+v and none", told, is, after, want)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), `"not recorded"=28`) || strings.Contains(log.String(), "mallory") {
			t.Errorf("%d warnings, want one, with a number and without a name:\n%s", n, log.String())
		}
	})
}
