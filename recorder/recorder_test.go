package recorder_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

func TestRecordKeepsEveryFrameOnOneClock(t *testing.T) {
	out, report := record(t, recorder.Config{Duration: 12 * time.Second}, func(room *roomtest.Room, _ func()) {
		room.Join("alice", "Alice")
		audio, video := room.Publish(opusInfo), room.Publish(vp8Info)
		for n := range 500 {
			audio.Send(opusPacket(n, opusPayload(n)))
			if n%2 == 0 {
				video.Send(vp8Packet(n/2, vp8Frame(n/2, n%100 == 0)))
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	audio := out.track("alice", media.Microphone).wantFrames(500)
	for n := range 500 {
		audio.wantFrame(n, opusPayload(n), false, time.Duration(n)*20*time.Millisecond)
	}
	video := out.track("alice", media.Camera).wantFrames(250)
	for n := range 250 {
		video.wantFrame(n, vp8Frame(n, n%50 == 0), n%50 == 0, time.Duration(n)*40*time.Millisecond)
	}
	if video.Width != 320 || video.Height != 180 || video.Label() != "Alice (camera)" {
		t.Errorf("video track is %+v", video.Track)
	}
	out.wantNoHoles()
	for _, typ := range []media.EventType{media.EventStart, media.EventAnnounced, media.EventJoin, media.EventStop} {
		out.want(typ, 1)
	}
	out.want(media.EventTrack, 2)
	if report.Participants != 1 || report.Tracks != 2 || report.Frames != 750 || report.Reason != "duration reached" {
		t.Errorf("report: %+v", report)
	}
	if len(out.segments) < 3 || len(out.segments) > 5 {
		t.Errorf("%d segments for 12 s of 5 s each", len(out.segments))
	}

	if len(out.indexes) != 1 {
		t.Fatalf("%d indexes", len(out.indexes))
	}
	x, err := media.ReadIndex(bytes.NewReader(out.indexes[0]))
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for _, seg := range x.Segments {
		for _, tr := range seg.Tracks {
			keys += len(tr.Keys)
		}
	}
	if len(x.Segments) != len(out.segments) || keys != 5 || len(x.Events) != len(out.events) {
		t.Errorf("index: %d segments, %d key frames, %d events; want %d, 5, %d", len(x.Segments), keys, len(x.Events), len(out.segments), len(out.events))
	}
}

func TestSegmentsHoldTheTracksThatAppearTogether(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 3 * time.Second}, func(room *roomtest.Room, _ func()) {
		for i := range 30 {
			info := opusInfo
			info.ID, info.Participant = fmt.Sprint("TR_", i), fmt.Sprint("p", i)
			tr := room.Publish(info)
			for n := range 100 {
				tr.SendAt(time.Now().Add(time.Duration(n)*20*time.Millisecond), opusPacket(n, opusPayload(n)))
			}
		}
	})
	for i := range 30 {
		out.track(fmt.Sprint("p", i), media.Microphone).wantFrames(100)
	}
	if len(out.segments) > 3 {
		t.Errorf("30 tracks that start together cut %d segments", len(out.segments))
	}
}

func TestStopKeepsWhatCame(t *testing.T) {
	for _, tt := range []struct {
		name, reason string
		end          func(room *roomtest.Room, stop func())
		told         int // how often the room was told something
	}{
		{"stopped", "stopped", func(_ *roomtest.Room, stop func()) { stop() }, 2},
		{"room ended", "the room has ended: room closed", func(room *roomtest.Room, _ func()) { room.End("room closed") }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, report := record(t, recorder.Config{Notices: recorder.Notices{End: "the recording is over"}}, func(room *roomtest.Room, stop func()) {
				tr := room.Publish(opusInfo)
				sound(tr, 0, 10)
				// A packet is missing and still waited for: a stop gives it up
				// and keeps what came after it.
				time.Sleep(20 * time.Millisecond)
				tr.Send(opusPacket(11, opusPayload(11)))
				synctest.Wait()
				tt.end(room, stop)
				synctest.Wait()
				if said := room.Announcements(); len(said) != tt.told {
					t.Errorf("the room was told %q", said)
				}
			})
			out.track("alice", media.Microphone).wantFrames(11)
			if report.Reason != tt.reason {
				t.Errorf("reason %q, want %q", report.Reason, tt.reason)
			}
		})
	}
}

func TestNothingIsKeptUnannounced(t *testing.T) {
	room := roomtest.New("weekly")
	refused := errors.New("no data channel")
	room.RefuseAnnouncements(refused)
	s := &sink{}
	_, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recording"}}).Record(t.Context(), room)
	if !errors.Is(err, refused) || len(s.segments) != 0 {
		t.Errorf("err %v, %d segments", err, len(s.segments))
	}
	<-room.Closed()
}

func TestFullDiskEndsTheRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no space left on device")
		s := &sink{fail: func(segment int) error {
			if segment == 1 {
				return full
			}
			return nil
		}}
		room := roomtest.New("weekly")
		tr := room.Publish(opusInfo)
		done := make(chan error)
		go func() {
			_, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recording"}}).Record(t.Context(), room)
			done <- err
		}()
		var err error
		for n := 0; err == nil; n++ {
			tr.Send(opusPacket(n, opusPayload(n)))
			select {
			case err = <-done:
			case <-time.After(20 * time.Millisecond):
			}
		}
		if !errors.Is(err, full) {
			t.Errorf("Record: %v", err)
		}
		if len(s.segments) != 1 || s.aborted != 1 {
			t.Errorf("%d segments committed, %d aborted, want 1 and 1", len(s.segments), s.aborted)
		}
		<-room.Closed()
	})
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
