package matrixroom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/matrix/rtc"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A recording of a call, in memory.
type recording struct {
	w       *world
	meeting bot.Meeting
	room    bot.Room
	started time.Time
	sink    roomtest.Sink
	stop    context.CancelFunc
	done    chan struct{}
	report  recorder.Report

	mu   sync.Mutex
	said []string
}

// record records the call until the test ends.
func (w *world) record(c Config) *recording {
	w.t.Helper()
	r := &recording{w: w, done: make(chan struct{})}
	c.Room = w.room
	c.Say = func(text string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.said = append(r.said, text)
	}
	r.meeting = Meeting(c)
	var err error
	if r.room, err = r.meeting.Join(w.ctx, bot.Presence{}); err != nil {
		w.t.Fatal(err)
	}
	run, stop := context.WithCancel(context.WithoutCancel(w.ctx))
	r.stop = stop
	rec := recorder.New(recorder.Config{Recording: "CALL", Sink: &r.sink, Keys: r.meeting.Keys, Segment: time.Second, Grace: 2 * time.Second,
		Notices: recorder.Notices{Start: "recorded", End: "over"}, Started: func(at time.Time) { r.started = at }})
	go func() {
		defer close(r.done)
		var err error
		if r.report, err = rec.Record(run, r.room); err != nil {
			w.t.Errorf("Record: %v", err)
		}
	}()
	w.t.Cleanup(func() {
		stop()
		<-r.done
	})
	return r
}

// read returns what is committed so far, and the identities of the tracks.
func (r *recording) read() (frames map[string][]media.Frame, events []media.Event) {
	r.w.t.Helper()
	all, events, tracks, err := r.sink.Read()
	if err != nil {
		r.w.t.Fatal(err)
	}
	frames = make(map[string][]media.Frame)
	for _, f := range all {
		who := tracks[f.Track].Participant
		frames[who] = append(frames[who], f)
	}
	return frames, events
}

// until waits until what is committed fits.
func (r *recording) until(what string, fits func(frames map[string][]media.Frame, events []media.Event) bool) {
	r.w.t.Helper()
	for {
		frames, events := r.read()
		if fits(frames, events) {
			return
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-r.done:
			r.w.t.Fatalf("the recording ended (%s) before %s: %+v", r.report.Reason, what, events)
		case <-r.w.ctx.Done():
			r.w.t.Fatalf("waited in vain for %s; said %q, events %+v", what, r.says(), events)
		}
	}
}

func (r *recording) says() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.said)
}

func has(events []media.Event, typ media.EventType, participant, reason string) bool {
	return slices.ContainsFunc(events, func(e media.Event) bool {
		return e.Type == typ && e.Participant == participant && (reason == "" || e.Reason == reason)
	})
}

// Two members send by two SFUs, whose wall clocks differ by minutes; a third has a device that
// nobody signed, and a fourth is in LiveKit alone. The recorder is seen, told of, records the
// two on one clock, loses one SFU and the homeserver for a while, and leaves with the last.
func TestCallOfTwoServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2)
	carl, adaUser, benUser, botUser := w.register("carl"), w.register("ada"), w.register("ben"), w.register("bot")
	w.newRoom(carl, adaUser, benUser, botUser)
	w.member(carl, carl.device, w.services[0])
	ada, ben := w.person(adaUser), w.person(benUser)
	ada.enter(0)
	ben.enter(1)
	unsigned := carl.id + ":" + carl.device
	w.publisher(0, unsigned, 0, randomKey())
	w.publisher(0, "mallory", 0, randomKey())

	account := w.account(botUser)
	r := w.record(Config{Account: account, LiveKit: livekit.Config{Resume: time.Second}, join: func(ctx context.Context, c livekit.Config) (sfu, error) {
		room, err := livekit.Join(ctx, c)
		if err != nil {
			return nil, err
		}
		if c.URL == w.lk[1].URL {
			return shifted{room, -7*time.Minute - 3333*time.Microsecond}, nil
		}
		return room, nil
	}})
	own := rtc.StateIdentity(account.User(), account.Device())
	w.until("the recorder in the call", func() bool { return ada.sees(own, "Sealtape - recording") && ben.sees(own, "") })
	w.until("its notice", func() bool { return ada.heardNotice("recorded") && ben.heardNotice("recorded") })
	const some = 300 // 6 s of sound
	r.until("sound of both", func(frames map[string][]media.Frame, events []media.Event) bool {
		return len(frames[ada.identity()]) >= some && len(frames[ben.identity()]) >= some
	})
	frames, _ := r.read()
	for _, who := range []string{unsigned, "mallory"} {
		if len(frames[who]) > 0 {
			t.Errorf("%d frames of %s", len(frames[who]), who)
		}
	}
	if k := r.meeting.Known(ada.identity()); k.Standing != recorder.StandingClaimed {
		t.Errorf("Ada is known as %+v", k)
	}
	if k := r.meeting.Known(unsigned); k.Standing != "" {
		t.Errorf("who is not signed is known as %+v", k)
	}
	r.sync(frames, ada, ben)

	// One SFU dies, and comes back with Ben.
	if err := w.lk[1].Crash(); err != nil {
		t.Fatal(err)
	}
	before := len(frames[ada.identity()])
	r.until("the loss of one, and the other", func(frames map[string][]media.Frame, events []media.Event) bool {
		return has(events, media.EventLost, "", "") && len(frames[ada.identity()]) > before+100
	})
	if err := w.lk[1].Restart(w.ctx); err != nil {
		t.Fatal(err)
	}
	ben.publish(1)
	frames, _ = r.read()
	count := len(frames[ben.identity()])
	r.until("Ben again", func(frames map[string][]media.Frame, events []media.Event) bool {
		return has(events, media.EventReconnect, "", media.ReconnectRejoin) && len(frames[ben.identity()]) > count+100
	})
	// The homeserver dies: what is under way goes on.
	if err := w.dendrite.Crash(); err != nil {
		t.Fatal(err)
	}
	frames, _ = r.read()
	count = len(frames[ada.identity()])
	r.until("sound without a homeserver", func(frames map[string][]media.Frame, _ []media.Event) bool {
		return len(frames[ada.identity()]) > count+150
	})
	if err := w.dendrite.Restart(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.until("the recorder in the call again", func() bool { return ada.sees(own, "Sealtape - recording") })

	// They leave.
	w.member(carl, carl.device, "")
	for _, p := range []*person{ben, ada} {
		if err := p.call.Leave(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-r.done:
	case <-w.ctx.Done():
		t.Fatal("the recorder stays in an empty call")
	}
	w.until("its farewell", func() bool { return ada.heardNotice("over") && !ada.sees(own, "") })
	frames, events := r.read()
	for who, reason := range map[string]string{unsigned: media.HoleNoKey, "mallory": media.HoleStranger} {
		if len(frames[who]) > 0 || !has(events, media.EventHole, who, reason) {
			t.Errorf("%d frames of %s, and no hole", len(frames[who]), who)
		}
	}
	if said := strings.Join(r.says(), "\n"); !strings.Contains(said, carl.id) || !strings.Contains(said, `"mallory"`) {
		t.Errorf("said %q", said)
	}
	for _, s := range w.services {
		if !slices.ContainsFunc(events, func(e media.Event) bool { return e.Type == media.EventServer && e.Name == serviceName(s) }) {
			t.Errorf("nothing says how far %s is apart", s)
		}
	}
	for _, p := range []*person{ada, ben} {
		if !has(events, media.EventJoin, p.identity(), "") || !has(events, media.EventLeave, p.identity(), "") {
			t.Errorf("no join or no leave of %s", p.id)
		}
		for _, e := range events {
			if e.Type == media.EventHole && e.Participant == p.identity() && (e.Reason == media.HoleNoKey || e.Reason == media.HoleAuth || e.Reason == media.HolePlaintext) {
				t.Errorf("%+v", e)
			}
			if e.Type == media.EventHole && p == ada && e.Participant == p.identity() && e.Reason == media.HoleReconnect {
				t.Errorf("Ada was received by the other server: %+v", e)
			}
		}
	}
	if !has(events, media.EventHole, ben.identity(), media.HoleReconnect) {
		t.Error("what Ben said while his server was down is no hole")
	}
	t.Logf("%d and %d frames; ended: %s", len(frames[ada.identity()]), len(frames[ben.identity()]), r.report.Reason)
}

// sync measures how far what the two sent at one moment is apart in the recording, modulo the
// length of a frame. Each sent frame n at From + n frames.
func (r *recording) sync(frames map[string][]media.Frame, people ...*person) {
	t := r.w.t
	t.Helper()
	const length = 20 * time.Millisecond
	var late []time.Duration
	for _, p := range people {
		from := p.media.Published()[0].From
		var delays []time.Duration
		for _, f := range frames[p.identity()][150:] {
			d := (r.started.Add(f.Time).Sub(from) + length/2) % length
			delays = append(delays, d-length/2)
		}
		slices.Sort(delays)
		late = append(late, delays[len(delays)/2])
	}
	off := (late[0] - late[1]).Abs()
	off = min(off, length-off)
	t.Logf("later than they were sent, modulo %v: %v; apart by %v", length, late, off)
	if off > 8*time.Millisecond {
		t.Errorf("the two are apart by %v", off)
	}
}

// A shifted SFU has another wall clock than the machine.
type shifted struct {
	*livekit.Room
	by time.Duration
}

func (s shifted) Accept(ctx context.Context) (recorder.RoomEvent, error) {
	e, err := s.Room.Accept(ctx)
	if full, ok := e.Track.(livekitTrack); ok {
		e.Track = shiftedTrack{full, s.by}
	} else if e.Track != nil {
		return e, fmt.Errorf("a track of type %T", e.Track)
	}
	return e, err
}

type shiftedTrack struct {
	livekitTrack
	by time.Duration
}

func (s shiftedTrack) Read() (recorder.Packet, error) {
	p, err := s.livekitTrack.Read()
	for i := range p.Reports {
		p.Reports[i].NTP = p.Reports[i].NTP.Add(s.by)
	}
	return p, err
}
