package recorder_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// pause pauses a session, resume lets it go on.
func (s *session) pause() {
	s.t.Helper()
	if err := s.Pause(s.t.Context(), "asked to"); err != nil {
		s.t.Error(err)
	}
}

func (s *session) resume() {
	s.t.Helper()
	if err := s.Resume(s.t.Context()); err != nil {
		s.t.Error(err)
	}
}

func TestPause(t *testing.T) {
	const s = time.Second
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Notices: recorder.Notices{Start: "recording", Paused: "paused", Resumed: "going on"}}, room)
		audio, video := room.Publish(opusInfo), room.Publish(vp8Info)
		send := func(from, to int) {
			for n := from; n < to; n++ {
				audio.Send(opusPacket(n, opusPayload(n)))
				if n%2 == 0 {
					video.Send(vp8Packet(n/2, vp8Frame(n/2, n%100 == 0)))
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
		send(0, 110)
		rec.pause()
		for len(video.KeyFrameRequested()) > 0 {
			<-video.KeyFrameRequested()
		}
		room.Say("alice", "said in the pause")
		send(110, 149)
		if st := rec.Status(); st.Segments == 0 || st.State != recorder.StatePaused {
			t.Errorf("in the pause: state %q, and %d segments are committed of what was kept before", st.State, st.Segments)
		}
		// What is on its way as the pause ends was said in it, though a later
		// packet overtakes it.
		time.Sleep(20 * time.Millisecond)
		late := time.Now()
		rec.resume()
		audio.SendAt(time.Now(), opusPacket(150, opusPayload(150)))
		audio.SendAt(late, opusPacket(149, opusPayload(149)))
		time.Sleep(20 * time.Millisecond)
		send(151, 260)

		out := rec.end()
		if want := []string{"recording", "paused", "going on"}; !slices.Equal(room.Announcements(), want) {
			t.Errorf("the room was told %q", room.Announcements())
		}
		if want := []string{"paused", "recording"}; !slices.Equal(room.States(), want) {
			t.Errorf("the room was shown %q", room.States())
		}
		if len(video.KeyFrameRequested()) == 0 {
			t.Error("no key frame was asked for after the pause")
		}
		heard := out.track("alice", media.Microphone).wantFrames(110+110).wantHole(2200*time.Millisecond, 3*s, media.HolePaused)
		for _, f := range heard.frames {
			if n := int(f.Data[1]) | int(f.Data[2])<<8; n >= 110 && n < 150 {
				t.Errorf("packet %d of the pause was kept", n)
			}
		}
		out.track("alice", media.Camera).wantNoFrames(2200*time.Millisecond, 4*s).wantHoles(
			hole{2200 * time.Millisecond, 3 * s, media.HolePaused}, hole{3 * s, 4 * s, media.HoleKeyFrame})
		out.want(media.EventChat, 0)
		out.want(media.EventResume, 1)
		if p := out.want(media.EventPause, 1)[0]; p.Reason != "asked to" {
			t.Errorf("paused: %+v", p)
		}
		if out.report.Holes[media.HolePaused] == 0 {
			t.Error("the report knows of no pause")
		}
	})
}

// Before a recording and after it there is nothing to pause.
func TestPauseOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := recorder.New(recorder.Config{})
		if err := rec.Pause(t.Context(), "early"); !errors.Is(err, recorder.ErrNotRecording) {
			t.Errorf("paused before it began: %v", err)
		}
		over := start(t, recorder.Config{}, roomtest.New("weekly"))
		over.end()
		if err := over.Resume(t.Context()); !errors.Is(err, recorder.ErrNotRecording) {
			t.Errorf("went on after it ended: %v", err)
		}
	})
}

// A pause is no reason to call a recording incomplete.
func TestPauseIsNotIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("weekly")
		rec := start(t, recorder.Config{Notices: recorder.Notices{Resumed: "going on"}}, room)
		tr := room.Publish(opusInfo)
		sound(tr, 0, 50)
		rec.pause()
		sound(tr, 50, 500)
		// Where the room cannot be told that it goes on, it does not.
		room.RefuseAnnouncements(errors.New("no connection"))
		if err := rec.Resume(t.Context()); err == nil || rec.Status().State != recorder.StatePaused {
			t.Errorf("it goes on though nobody was told: %v, %v", err, rec.Status().State)
		}
		room.RefuseAnnouncements(nil)
		sound(tr, 500, 550)
		rec.resume()
		sound(tr, 550, 600)

		out := rec.end()
		out.track("alice", media.Microphone).wantFrames(100)
		out.wantIncomplete(false)
		if missing := out.report.Holes[media.HolePaused]; missing < 9*time.Second {
			t.Errorf("the pause is %v", missing)
		}
	})
}

// Two reasons to keep nothing: the room hears that the recording goes on when
// neither holds.
func TestPauseAndFullDisk(t *testing.T) {
	for _, tt := range []struct {
		name       string
		resumeLate bool // after there is room again
		told       []string
	}{
		{"disk first", true, []string{"recording", "paused", "full", "going on"}},
		{"disk last", false, []string{"recording", "paused", "full", "there is room"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var full atomic.Bool
				disk := &sink{fail: func(int) error {
					if full.Load() {
						return syscall.ENOSPC
					}
					return nil
				}}
				room := roomtest.New("weekly")
				rec := start(t, recorder.Config{Sink: disk, Notices: recorder.Notices{
					Start: "recording", Paused: "paused", Resumed: "going on", DiskFull: "full", DiskFree: "there is room"}}, room)
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				rec.pause()
				full.Store(true)
				room.Join("ben", "Ben") // has to be written down
				sound(tr, 100, 500)
				if !tt.resumeLate {
					rec.resume()
				}
				sound(tr, 500, 550)
				full.Store(false)
				time.Sleep(40 * time.Second)
				if tt.resumeLate {
					rec.resume()
				}
				sound(tr, 550, 600)
				rec.end()
				if states := []string{"paused", "paused", "recording"}; !slices.Equal(room.Announcements(), tt.told) || !slices.Equal(room.States(), states) {
					t.Errorf("told %q and shown %q, want %q and %q", room.Announcements(), room.States(), tt.told, states)
				}
			})
		})
	}
}
