package recorder_test

import (
	"context"
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

// sound sends packets from to to, 20 ms apart.
func sound(tr *roomtest.Track, from, to int) {
	for n := from; n < to; n++ {
		tr.Send(opusPacket(n, opusPayload(n)))
		time.Sleep(20 * time.Millisecond)
	}
}

// lose loses the room now, with the tracks that are in it.
func lose(room *roomtest.Room, tracks ...*roomtest.Track) time.Time {
	room.Emit(recorder.RoomEvent{Type: media.EventLost})
	for _, tr := range tracks {
		tr.End()
	}
	return time.Now()
}

func back(room *roomtest.Room, since time.Time) {
	room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: since, Reason: media.ReconnectRejoin})
}

// within reports whether a hole lies from to to, by half a tenth of a second.
func within(g media.Event, from, to time.Duration) bool {
	return (g.From-from).Abs() <= 50*time.Millisecond && (g.To-to).Abs() <= 50*time.Millisecond
}

// whole joins a track's holes that touch, for a reason.
func whole(events []media.Event, uid uint64) (out []media.Event) {
	for _, e := range find(events, media.EventGap) {
		if e.Track != uid {
			continue
		}
		if n := len(out); n > 0 && out[n-1].To == e.From && out[n-1].Reason == e.Reason {
			out[n-1].To = e.To
		} else {
			out = append(out, e)
		}
	}
	return out
}

func TestAbsenceIsDeclared(t *testing.T) {
	const s = time.Second
	away := map[string]func(room *roomtest.Room, tr *roomtest.Track, since time.Time){
		"comes back": func(room *roomtest.Room, _ *roomtest.Track, since time.Time) {
			time.Sleep(3 * s)
			back(room, since)
			time.Sleep(s)
			info := opusInfo
			info.ID, info.Wanted = "TR_2", time.Now()
			sound(room.Publish(info), 0, 50)
		},
		"does not come back": func(room *roomtest.Room, _ *roomtest.Track, since time.Time) {
			time.Sleep(3 * s)
			back(room, since)
			time.Sleep(2 * s)
		},
		"comes much later": func(room *roomtest.Room, _ *roomtest.Track, since time.Time) {
			time.Sleep(3 * s)
			back(room, since)
			time.Sleep(30 * s)
			info := opusInfo
			info.ID, info.Wanted = "TR_2", time.Now()
			sound(room.Publish(info), 0, 50)
		},
		"not back at the end": func(*roomtest.Room, *roomtest.Track, time.Time) { time.Sleep(5 * s) },
		"lost for good": func(room *roomtest.Room, _ *roomtest.Track, _ time.Time) {
			time.Sleep(4 * s)
			room.End("it was lost")
		},
	}
	want := map[string][2]time.Duration{
		"comes back": {2 * s, 6 * s}, "does not come back": {2 * s, 5 * s}, "comes much later": {2 * s, 5 * s},
		"not back at the end": {2 * s, 7 * s}, "lost for good": {2 * s, 6 * s},
	}
	for name, f := range away {
		t.Run(name, func(t *testing.T) {
			out, report := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				room.Join("alice", "Alice")
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				f(room, tr, lose(room, tr))
				stop()
			})
			_, events, tracks := out.read(t)
			if len(tracks) != 1 {
				t.Errorf("%d tracks, want one that goes on: %v", len(tracks), tracks)
			}
			gaps := whole(events, 1)
			if len(gaps) != 1 || gaps[0].Reason != media.GapReconnect || !within(gaps[0], want[name][0], want[name][1]) {
				t.Errorf("holes are %+v, want one from %v to %v", gaps, want[name][0], want[name][1])
			}
			if !report.Incomplete {
				t.Error("the recording counts as complete")
			}
			if lost := find(events, media.EventLost); len(lost) != 1 || (lost[0].From-2*s).Abs() > 50*time.Millisecond {
				t.Errorf("lost: %+v", lost)
			}
			came := find(events, media.EventReconnect)
			if slices.Contains([]string{"not back at the end", "lost for good"}, name) {
				if len(came) != 0 {
					t.Errorf("came back: %+v", came)
				}
			} else if len(came) != 1 || !within(came[0], 2*s, 5*s) || came[0].Reason != media.ReconnectRejoin {
				t.Errorf("came back: %+v", came)
			}
			if joins, leaves := find(events, media.EventJoin), find(events, media.EventLeave); len(joins) != 1 || len(leaves) != 0 {
				t.Errorf("joins %v, leaves %v", joins, leaves)
			}
			if name == "lost for good" && !errors.Is(report.Cause, recorder.ErrEnded) {
				t.Errorf("the cause is %v", report.Cause)
			}
		})
	}
}

// What was taken out of the room, or went with who published it, before the
// recorder was away is not missing when it comes back after that.
func TestAbsenceOfWhatHadEnded(t *testing.T) {
	const s = time.Second
	for _, how := range []string{media.ReconnectResume, media.ReconnectRejoin} {
		t.Run(how, func(t *testing.T) {
			out, report := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				room.Join("alice", "Alice")
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				tr.End()
				room.Leave("alice")
				time.Sleep(20 * s)
				since := time.Now()
				if how == media.ReconnectRejoin {
					lose(room)
				}
				time.Sleep(s)
				room.Emit(recorder.RoomEvent{Type: media.EventReconnect, Since: since, Reason: how})
				time.Sleep(20 * s)
				room.Join("alice", "Alice")
				info := opusInfo
				info.ID, info.Wanted = "TR_2", time.Now()
				sound(room.Publish(info), 0, 50)
				stop()
			})
			if _, events, tracks := out.read(t); len(tracks) != 1 || len(whole(events, 1)) != 0 || report.Incomplete {
				t.Errorf("%d tracks, holes %+v, report %+v", len(tracks), whole(events, 1), report)
			}
		})
	}
}

// A muted track misses nothing while it stays muted; when it comes back
// unmuted nobody knows since when it was.
func TestAbsenceOfMutedTrack(t *testing.T) {
	const s = time.Second
	for name, unmuted := range map[string]bool{"still muted": false, "unmuted meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			out, report := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: opusInfo.ID})
				time.Sleep(10 * s)
				since := lose(room, tr)
				time.Sleep(3 * s)
				back(room, since)
				info := opusInfo
				info.ID = "TR_2"
				if unmuted {
					info.Wanted = time.Now()
				}
				tr = room.Publish(info)
				if !unmuted {
					room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: "TR_2"})
					time.Sleep(3 * s)
					room.Emit(recorder.RoomEvent{Type: media.EventUnmute, Participant: "alice", TrackID: "TR_2"})
				}
				sound(tr, 0, 50)
				stop()
			})
			_, events, tracks := out.read(t)
			gaps := whole(events, 1)
			switch {
			case len(tracks) != 1:
				t.Errorf("%d tracks: %v", len(tracks), tracks)
			case !unmuted && (len(gaps) != 0 || report.Incomplete):
				t.Errorf("holes of a muted track: %+v", gaps)
			case unmuted && (len(gaps) != 1 || gaps[0].Reason != media.GapReconnect || !within(gaps[0], 12*s, 15*s)):
				t.Errorf("holes: %+v, want one from 12 s to 15 s", gaps)
			}
			if un := find(events, media.EventUnmute); len(un) != 1 {
				t.Errorf("unmutes: %v", un)
			}
		})
	}
}

func TestPause(t *testing.T) {
	const s = time.Second
	synctest.Test(t, func(t *testing.T) {
		out := &sink{}
		rec := recorder.New(recorder.Config{Recording: "TEST", Sink: out, Notices: recorder.Notices{
			Start: "recording", Paused: "paused", Resumed: "going on"}})
		if err := rec.Pause(t.Context(), "early"); !errors.Is(err, recorder.ErrNotRecording) {
			t.Errorf("paused before it began: %v", err)
		}
		room := roomtest.New("weekly")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan recorder.Report, 1)
		go func() {
			report, err := rec.Record(ctx, room)
			if err != nil {
				t.Error(err)
			}
			done <- report
		}()
		synctest.Wait()
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
		if err := rec.Pause(t.Context(), "asked to"); err != nil {
			t.Error(err)
		}
		for len(video.KeyFrameRequested()) > 0 {
			<-video.KeyFrameRequested()
		}
		room.Say("alice", "said in the pause")
		send(110, 149)
		if rec.Status().Segments == 0 {
			t.Error("what was kept before the pause is not committed in it")
		}
		if rec.Status().State != recorder.StatePaused {
			t.Errorf("the state is %q", rec.Status().State)
		}
		// What is on its way as the pause ends was said in it, though a later
		// packet overtakes it.
		time.Sleep(20 * time.Millisecond)
		late := time.Now()
		if err := rec.Resume(t.Context()); err != nil {
			t.Error(err)
		}
		audio.SendAt(time.Now(), opusPacket(150, opusPayload(150)))
		audio.SendAt(late, opusPacket(149, opusPayload(149)))
		time.Sleep(20 * time.Millisecond)
		send(151, 260)
		stop()
		report := <-done
		if err := rec.Resume(t.Context()); !errors.Is(err, recorder.ErrNotRecording) {
			t.Errorf("went on after it ended: %v", err)
		}
		if want := []string{"recording", "paused", "going on"}; !slices.Equal(room.Announcements(), want) {
			t.Errorf("the room was told %q", room.Announcements())
		}
		if want := []string{"paused", "recording"}; !slices.Equal(room.States(), want) {
			t.Errorf("the room was shown %q", room.States())
		}
		if len(video.KeyFrameRequested()) == 0 {
			t.Error("no key frame was asked for after the pause")
		}
		frames, events, _ := out.read(t)
		var heard []int
		for _, f := range frames {
			n := int(f.Data[1]) | int(f.Data[2])<<8
			if f.Track == 1 {
				heard = append(heard, n)
			} else if at := f.Time; at >= 2200*time.Millisecond && at < 4*s {
				t.Errorf("a picture of %v is there, before a key frame", at)
			}
		}
		for _, n := range heard {
			if n >= 110 && n < 150 {
				t.Errorf("packet %d of the pause was kept", n)
			}
		}
		if len(heard) != 110+110 {
			t.Errorf("%d packets of sound were kept, want 220", len(heard))
		}
		gaps := whole(events, 1)
		if len(gaps) != 1 || gaps[0].Reason != media.GapPaused || !within(gaps[0], 2200*time.Millisecond, 3*s) {
			t.Errorf("holes of the sound: %+v", gaps)
		}
		gaps = whole(events, 2)
		if len(gaps) != 2 || gaps[0].Reason != media.GapPaused || gaps[1].Reason != media.GapKeyFrame || !within(gaps[1], 3*s, 4*s) {
			t.Errorf("holes of the pictures: %+v", gaps)
		}
		if chat := find(events, media.EventChat); len(chat) != 0 {
			t.Errorf("what was written in the pause was kept: %v", chat)
		}
		if p, r := find(events, media.EventPause), find(events, media.EventResume); len(p) != 1 || len(r) != 1 || p[0].Reason != "asked to" {
			t.Errorf("pauses %v, resumes %v", p, r)
		}
		if report.Holes[media.GapPaused] == 0 {
			t.Error("the report knows of no pause")
		}
	})
}

// A pause is no reason to call a recording incomplete.
func TestPauseIsNotIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := recorder.New(recorder.Config{Recording: "TEST", Sink: &sink{}, Notices: recorder.Notices{Start: "recording", Resumed: "going on"}})
		room := roomtest.New("weekly")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan recorder.Report, 1)
		go func() {
			report, err := rec.Record(ctx, room)
			if err != nil {
				t.Error(err)
			}
			done <- report
		}()
		synctest.Wait()
		tr := room.Publish(opusInfo)
		sound(tr, 0, 50)
		if err := rec.Pause(t.Context(), "asked to"); err != nil {
			t.Error(err)
		}
		sound(tr, 50, 500)
		// Where the room cannot be told that it goes on, it does not.
		room.RefuseAnnouncements(errors.New("no connection"))
		if err := rec.Resume(t.Context()); err == nil || rec.Status().State != recorder.StatePaused {
			t.Errorf("it goes on though nobody was told: %v, %v", err, rec.Status().State)
		}
		room.RefuseAnnouncements(nil)
		sound(tr, 500, 550)
		if err := rec.Resume(t.Context()); err != nil {
			t.Error(err)
		}
		sound(tr, 550, 600)
		stop()
		if report := <-done; report.Incomplete || report.Holes[media.GapPaused] < 9*time.Second || report.Frames != 100 {
			t.Errorf("report: %+v", report)
		}
	})
}

func TestEndsWhenNobodyIsThere(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name   string
		c      recorder.Config
		f      func(room *roomtest.Room)
		reason string
		after  time.Duration
	}{
		{"nobody came", recorder.Config{Wait: 10 * s}, func(*roomtest.Room) {}, "nobody came", 10 * s},
		{"only an agent came", recorder.Config{Wait: 10 * s}, func(room *roomtest.Room) {
			room.Emit(recorder.RoomEvent{Type: media.EventJoin, Participant: "agent", Machine: true})
		}, "nobody came", 10 * s},
		{"all left", recorder.Config{Wait: 10 * s, Grace: 20 * s}, func(room *roomtest.Room) {
			time.Sleep(5 * s)
			room.Join("alice", "Alice")
			room.Emit(recorder.RoomEvent{Type: media.EventJoin, Participant: "agent", Machine: true})
			time.Sleep(10 * s)
			room.Leave("alice")
		}, "everybody has left", 35 * s},
		{"all left, at once", recorder.Config{Grace: 1}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			time.Sleep(5 * s)
			room.Leave("alice")
		}, "everybody has left", 5 * s},
		{"one came back in time", recorder.Config{Grace: 20 * s, Duration: 60 * s}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			time.Sleep(5 * s)
			room.Leave("alice")
			time.Sleep(15 * s)
			room.Join("ben", "Ben")
		}, "duration reached", 60 * s},
		{"nobody minds", recorder.Config{Duration: 600 * s, Grace: recorder.Never}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			room.Leave("alice")
		}, "duration reached", 600 * s},
		{"all left, as a rule", recorder.Config{}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			time.Sleep(5 * s)
			room.Leave("alice")
		}, "everybody has left", 125 * s},
		{"nobody minds for a while", recorder.Config{Duration: 60 * s}, func(room *roomtest.Room) {
			room.Join("alice", "Alice")
			room.Leave("alice")
		}, "duration reached", 60 * s},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, report := record(t, tt.c, func(room *roomtest.Room, _ func()) { tt.f(room) })
			if report.Reason != tt.reason || (report.Duration-tt.after).Abs() > 100*time.Millisecond {
				t.Errorf("ended after %v: %q, want after %v: %q", report.Duration, report.Reason, tt.after, tt.reason)
			}
		})
	}
}

// Two reasons to keep nothing: the room hears that the recording goes on when
// neither holds.
func TestPauseAndFullDisk(t *testing.T) {
	const s = time.Second
	for name, want := range map[string]struct{ told, states []string }{
		"disk first": {[]string{"recording", "paused", "full", "going on"}, []string{"paused", "paused", "recording"}},
		"disk last":  {[]string{"recording", "paused", "full", "there is room"}, []string{"paused", "paused", "recording"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var full atomic.Bool
				out := &sink{fail: func(int) error {
					if full.Load() {
						return syscall.ENOSPC
					}
					return nil
				}}
				rec := recorder.New(recorder.Config{Recording: "TEST", Sink: out, Notices: recorder.Notices{
					Start: "recording", Paused: "paused", Resumed: "going on", DiskFull: "full", DiskFree: "there is room"}})
				room := roomtest.New("weekly")
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				done := make(chan struct{})
				go func() {
					defer close(done)
					if _, err := rec.Record(ctx, room); err != nil {
						t.Error(err)
					}
				}()
				synctest.Wait()
				tr := room.Publish(opusInfo)
				sound(tr, 0, 100)
				if err := rec.Pause(t.Context(), "asked to"); err != nil {
					t.Error(err)
				}
				full.Store(true)
				room.Join("ben", "Ben") // has to be written down
				sound(tr, 100, 500)
				resume := func() {
					if err := rec.Resume(t.Context()); err != nil {
						t.Error(err)
					}
				}
				if name == "disk last" {
					resume()
				}
				sound(tr, 500, 550)
				full.Store(false)
				time.Sleep(40 * s)
				if name == "disk first" {
					resume()
				}
				sound(tr, 550, 600)
				stop()
				<-done
				if !slices.Equal(room.Announcements(), want.told) || !slices.Equal(room.States(), want.states) {
					t.Errorf("told %q and shown %q, want %q and %q", room.Announcements(), room.States(), want.told, want.states)
				}
			})
		})
	}
}

// What a Config lacks is said when there is a room, which is left.
func TestIncompleteConfig(t *testing.T) {
	for name, c := range map[string]recorder.Config{
		"no recording": {Sink: &sink{}, Notices: recorder.Notices{Start: "recording"}},
		"no sink":      {Recording: "r", Notices: recorder.Notices{Start: "recording"}},
		"no notice":    {Recording: "r", Sink: &sink{}, Notices: recorder.Notices{End: "over"}},
	} {
		t.Run(name, func(t *testing.T) {
			room := roomtest.New("weekly")
			if _, err := recorder.New(c).Record(t.Context(), room); err == nil {
				t.Error("it was recorded")
			}
			<-room.Closed()
			if said := room.Announcements(); len(said) != 0 {
				t.Errorf("the room was told %q", said)
			}
		})
	}
}

// A Recorder records one room, once.
func TestSecondRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recorder.New(recorder.Config{Recording: "r", Sink: &sink{}, Notices: recorder.Notices{Start: "This is recorded."}, Duration: time.Second})
		first, second := roomtest.New("first"), roomtest.New("second")
		if _, err := r.Record(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Record(t.Context(), second); !errors.Is(err, recorder.ErrRecorded) {
			t.Errorf("a second room: %v", err)
		}
		select {
		case <-second.Closed():
		default:
			t.Error("the second room was not left")
		}
	})
}
