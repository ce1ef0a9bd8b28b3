package recorder_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A slow room takes its time to be told, and to be left.
type slow struct {
	*roomtest.Room
	telling, leaving time.Duration
}

func (s *slow) Announce(ctx context.Context, text string) error {
	time.Sleep(s.telling)
	return s.Room.Announce(ctx, text)
}

func (s *slow) Close() error {
	time.Sleep(s.leaving)
	return s.Room.Close()
}

// A recording is not longer for what is written of it after its end: the recorder
// and readers say the same.
func TestLengthIsOne(t *testing.T) {
	for name, meet := range map[string]func(room *roomtest.Room){
		"nothing comes any more": func(room *roomtest.Room) {
			sound(room.Publish(opusInfo), 0, 50)
			time.Sleep(9 * time.Second) // no segment is open then
		},
		"back at the end": func(room *roomtest.Room) {
			tr := room.Publish(opusInfo)
			sound(tr, 0, 50)
			since := lose(room, tr)
			time.Sleep(7 * time.Second)
			back(room, since)
			room.Join("bob", "Bob")
		},
		"sound to the end": func(room *roomtest.Room) { sound(room.Publish(opusInfo), 0, 500) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, room := &sink{}, &slow{Room: roomtest.New("weekly"), leaving: 800 * time.Millisecond}
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					report, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recorded"}}).Record(ctx, room)
					if err != nil {
						t.Error(err)
					}
					s.lasts(t, report.Duration)
				}()
				synctest.Wait()
				meet(room.Room)
				stop()
				<-done
			})
		})
	}
}

// What is written while the room is told is no more kept than what is said then;
// who is there is.
func TestNoticePeriodIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, room := &sink{}, &slow{Room: roomtest.New("weekly"), telling: 3 * time.Second}
		go func() {
			time.Sleep(time.Second)
			room.Join("ada", "Ada")
			room.Say("ada", "is this on?")
			room.Emit(recorder.RoomEvent{Type: media.EventReaction, Participant: "ada", Text: "!"})
			room.Emit(recorder.RoomEvent{Type: media.EventStream, Participant: "ada", Reason: "files", Text: "plan.pdf", Size: 7})
			time.Sleep(3 * time.Second)
			room.Say("ada", "it is")
			time.Sleep(time.Second)
			room.End("over")
		}()
		var log bytes.Buffer
		begun := time.Now().Add(3 * time.Second)
		if _, err := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recorded"}, Log: slog.New(slog.NewTextHandler(&log, nil))}).Record(t.Context(), room); err != nil {
			t.Error(err)
		}
		if want := "time=" + begun.Format("2006-01-02T15:04:05.000Z07:00") + ` level=INFO msg="recording: what the room sends is kept from now on"`; !strings.HasPrefix(log.String(), want) {
			t.Errorf("the log begins %.200q, want %q", log.String(), want)
		}
		out := s.recorded(t)
		if chat := out.want(media.EventChat, 1)[0]; chat.Text != "it is" || chat.Time != time.Second {
			t.Errorf("chat: %+v", chat)
		}
		out.want(media.EventReaction, 0)
		out.want(media.EventStream, 0)
		if joined := out.want(media.EventJoin, 1)[0]; joined.Time > time.Millisecond {
			t.Errorf("joined: %+v", joined)
		}
	})
}
