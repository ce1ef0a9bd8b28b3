package recorder_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// permissions are what participants may be recorded, and why not.
type permissions struct {
	mu  sync.Mutex
	why map[string]string
}

func (p *permissions) of(participant string, _ bool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why[participant]
}

func (p *permissions) set(participant, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.why[participant] = why
}

// TestConsent: of who has not agreed nothing is kept, not what is said nor what is
// written, and of who takes it back nothing more. Others are not touched by it.
func TestConsent(t *testing.T) {
	const s = time.Second
	synctest.Test(t, func(t *testing.T) {
		asked := &permissions{why: map[string]string{"alice": media.HoleConsent}}
		early := recorder.New(recorder.Config{Permission: asked.of})
		if err := early.Consented("alice", media.ConsentGiven, "yes"); !errors.Is(err, recorder.ErrNotRecording) {
			t.Errorf("consent before it began: %v", err)
		}
		early.Reconsider("alice") // nothing to do
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Permission: asked.of}, room)
		bobs := opusInfo
		bobs.ID, bobs.Participant = "TR_b", "bob"
		audio, video, bob := room.Publish(opusInfo), room.Publish(vp8Info), room.Publish(bobs)
		send := func(from, to int) {
			for n := from; n < to; n++ {
				audio.Send(opusPacket(n, opusPayload(n)))
				bob.Send(opusPacket(n, opusPayload(n)))
				if n%2 == 0 {
					video.Send(vp8Packet(n/2, vp8Frame(n/2, n%50 == 0)))
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		answer := func(how, why string) {
			t.Helper()
			asked.set("alice", why)
			rec.Reconsider("alice")
			if err := rec.Consented("alice", how, how); err != nil {
				t.Error(err)
			}
		}
		send(0, 150)
		room.Say("alice", "said before")
		room.Say("bob", "of bob")
		synctest.Wait()
		answer(media.ConsentGiven, "") // at 3 s
		room.Say("alice", "said between")
		synctest.Wait()
		send(150, 300)
		answer(media.ConsentWithdrawn, media.HoleConsent) // at 6 s
		room.Say("alice", "said after")
		synctest.Wait()
		send(300, 450)
		out := rec.end()

		sounds := out.track("alice", media.Microphone).wantFrames(150)
		pictures := out.track("alice", media.Camera)
		if n := len(pictures.frames); n < 70 {
			t.Errorf("%d pictures were kept, want about 75", n)
		}
		for _, tr := range []*recordedTrack{sounds, pictures} {
			tr.wantNoFrames(0, 3*s).wantNoFrames(6*s, 10*s)
			if n := len(tr.holes); n < 2 || tr.holes[0].from > s/2 || tr.holes[0].to < 2900*time.Millisecond ||
				tr.holes[0].reason != media.HoleConsent || tr.holes[n-1].reason != media.HoleConsent {
				t.Errorf("%s: holes are [%s]", tr.Label(), list(tr.holes))
			}
		}
		out.track("bob", media.Microphone).wantFrames(450).wantHoles()
		out.wantIncomplete(false)
		var chat []string
		for _, e := range find(out.events, media.EventChat) {
			chat = append(chat, e.Text)
		}
		if want := []string{"of bob", "said between"}; !slices.Equal(chat, want) {
			t.Errorf("kept of what was written: %q, want %q", chat, want)
		}
		var said []string
		for _, e := range find(out.events, media.EventConsent) {
			said = append(said, e.Reason)
		}
		if want := []string{media.ConsentGiven, media.ConsentWithdrawn}; !slices.Equal(said, want) {
			t.Errorf("consents %q, want %q", said, want)
		}
		counts := rec.Status().Outcomes
		if n := counts[recorder.CodecOutcome{Codec: media.Opus, Outcome: recorder.NotPermitted}]; n != 300 {
			t.Errorf("%d sounds were not permitted, want 300", n)
		}
	})
}

// Who proves who they are while they are here becomes a reader then, and stops
// being one when that is taken back.
func TestVerifiedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &sink{}
		r := &later{readers: readers{s: disk, names: map[string]string{"ada": "Ada"}}}
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Sink: disk, Access: r, Segment: time.Second, Duration: 12 * time.Second}, room)
		audio := room.Publish(opusInfo)
		verified := func(who string, ok bool) {
			r.set(who, ok)
			if err := rec.Verified(who, "Ada", media.VerifiedByProof); err != nil {
				t.Error(err)
			}
		}
		for n := range 550 {
			switch n {
			case 10:
				room.Join("ada", "Ada's phone")
			case 100:
				verified("ada", true) // at 2 s
			case 250:
				verified("ada", false) // at 5 s
			case 350:
				verified("cleo", true) // who is not here
			}
			audio.Send(opusPacket(n, opusPayload(n)))
			time.Sleep(20 * time.Millisecond)
		}
		out := rec.wait()
		if want := []string{"ada", ""}; !slices.Equal(out.epochs, want) {
			t.Errorf("epochs %q, want %q", out.epochs, want)
		}
		out.track("alice", media.Microphone).wantFrames(550)
		if got := out.want(media.EventVerified, 3); got[0].Name != "Ada" || got[0].Reason != media.VerifiedByProof || got[0].Time != 2*time.Second {
			t.Errorf("verified %+v", got)
		}
	})
}

// later are readers that change.
type later struct {
	readers
	mu  sync.Mutex
	yes map[string]bool
}

func (l *later) set(who string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.yes == nil {
		l.yes = make(map[string]bool)
	}
	l.yes[who] = ok
}

func (l *later) Reader(identity string) (name, how string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[identity], media.VerifiedByProof, l.yes[identity]
}
