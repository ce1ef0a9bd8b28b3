package recorder_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A waitingRoom knows a track that was asked for.
type waitingRoom struct {
	*roomtest.Room
	mu    sync.Mutex
	waits []recorder.TrackInfo
}

func (r *waitingRoom) Waiting() []recorder.TrackInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits
}

func (r *waitingRoom) set(waits ...recorder.TrackInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits = waits
}

// recordWaiting records 20 s of a room, in a bubble. Two seconds after the beginning
// a track is asked for, and play is called.
func recordWaiting(t *testing.T, info recorder.TrackInfo, play func(rec *recorder.Recorder, room *waitingRoom)) (recorder.Report, []media.Event) {
	t.Helper()
	out := &sink{}
	room := &waitingRoom{Room: roomtest.New("weekly")}
	rec := recorder.New(recorder.Config{Recording: "TEST", Sink: out, Notices: recorder.Notices{Start: "recorded"}, Duration: 20 * time.Second})
	done := make(chan recorder.Report)
	go func() {
		report, err := rec.Record(t.Context(), room)
		if err != nil {
			t.Error(err)
		}
		done <- report
	}()
	time.Sleep(2 * time.Second)
	info.Wanted = time.Now()
	room.set(info)
	play(rec, room)
	report := <-done
	_, events, _ := out.read(t)
	return report, events
}

func TestTrackThatNeverComesIsDeclared(t *testing.T) {
	const s = time.Second
	type gap struct{ from, to time.Duration }
	for name, tt := range map[string]struct {
		play func(rec *recorder.Recorder, room *waitingRoom)
		want []gap // of 20 s, joined where they touch
	}{
		"to the end": {func(_ *recorder.Recorder, room *waitingRoom) {
			time.Sleep(18 * s)
		}, []gap{{2 * s, 20 * s}}},
		"muted after all": {func(_ *recorder.Recorder, room *waitingRoom) {
			time.Sleep(5 * s)
			room.set()
			time.Sleep(13 * s)
		}, []gap{{2 * s, 7 * s}}},
		"comes at once": {func(_ *recorder.Recorder, room *waitingRoom) {
			time.Sleep(300 * time.Millisecond)
			info := room.Waiting()[0]
			room.set()
			sound(room.Publish(info), 0, 800)
		}, []gap{{2 * s, 2*s + 300*time.Millisecond}}},
		"comes at last": {func(_ *recorder.Recorder, room *waitingRoom) {
			time.Sleep(8 * s)
			info := room.Waiting()[0]
			room.set()
			sound(room.Publish(info), 0, 400)
		}, []gap{{2 * s, 10 * s}}},
		"comes at last, once unmuted": {func(_ *recorder.Recorder, room *waitingRoom) {
			time.Sleep(8 * s)
			info := room.Waiting()[0]
			room.set()
			info.Wanted = time.Time{}
			sound(room.Publish(info), 0, 400)
		}, []gap{{2 * s, 10 * s}}},
		"while the recording is paused": {func(rec *recorder.Recorder, room *waitingRoom) {
			time.Sleep(3 * s)
			rec.Pause(context.Background(), "test")
			time.Sleep(10 * s)
			rec.Resume(context.Background())
			time.Sleep(5 * s)
		}, []gap{{2 * s, 5 * s}, {15 * s, 20 * s}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				report, events := recordWaiting(t, opusInfo, tt.play)
				if longest := tt.want[0].to - tt.want[0].from; report.Incomplete != (longest >= s) {
					t.Errorf("incomplete: %t", report.Incomplete)
				}
				var got []media.Event
				for _, e := range find(events, media.EventGap) {
					if e.Reason == media.GapPaused {
						continue
					}
					if e.Reason != media.GapStart || e.Participant != "alice" {
						t.Errorf("hole %+v", e)
					}
					if n := len(got); n > 0 && got[n-1].To == e.From {
						got[n-1].To = e.To
					} else {
						got = append(got, e)
					}
				}
				if len(got) != len(tt.want) {
					t.Fatalf("holes %+v, want %v", got, tt.want)
				}
				for i, want := range tt.want {
					// It is looked at five times a second, and a wait is over after three.
					if (got[i].From-want.from).Abs() > 1100*time.Millisecond || (got[i].To-want.to).Abs() > 1100*time.Millisecond {
						t.Errorf("hole from %v to %v, want %v", got[i].From, got[i].To, want)
					}
				}
			})
		})
	}
}
