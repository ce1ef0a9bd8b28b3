package recorder_test

import (
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

// recordWaiting records 20 s of a room. Two seconds after the beginning a track is
// asked for, and play is called.
func recordWaiting(t *testing.T, info recorder.TrackInfo, play func(rec *session, room *waitingRoom)) *recorded {
	t.Helper()
	room := &waitingRoom{Room: roomtest.New("weekly")}
	rec := start(t, recorder.Config{Duration: 20 * time.Second}, room)
	time.Sleep(2 * time.Second)
	info.Wanted = time.Now()
	room.set(info)
	play(rec, room)
	return rec.wait()
}

func TestTrackThatNeverComesIsDeclared(t *testing.T) {
	const s = time.Second
	type span struct{ from, to time.Duration }
	for _, tt := range []struct {
		name string
		play func(rec *session, room *waitingRoom)
		want []span // of 20 s, joined where they touch
	}{
		{"to the end", func(_ *session, room *waitingRoom) {
			time.Sleep(18 * s)
		}, []span{{2 * s, 20 * s}}},
		{"muted after all", func(_ *session, room *waitingRoom) {
			time.Sleep(5 * s)
			room.set()
			time.Sleep(13 * s)
		}, []span{{2 * s, 7 * s}}},
		{"comes at once", func(_ *session, room *waitingRoom) {
			time.Sleep(300 * time.Millisecond)
			info := room.Waiting()[0]
			room.set()
			sound(room.Publish(info), 0, 800)
		}, []span{{2 * s, 2*s + 300*time.Millisecond}}},
		{"comes at last", func(_ *session, room *waitingRoom) {
			time.Sleep(8 * s)
			info := room.Waiting()[0]
			room.set()
			sound(room.Publish(info), 0, 400)
		}, []span{{2 * s, 10 * s}}},
		{"comes at last, once unmuted", func(_ *session, room *waitingRoom) {
			time.Sleep(8 * s)
			info := room.Waiting()[0]
			room.set()
			info.Wanted = time.Time{}
			sound(room.Publish(info), 0, 400)
		}, []span{{2 * s, 10 * s}}},
		{"while the recording is paused", func(rec *session, room *waitingRoom) {
			time.Sleep(3 * s)
			rec.pause()
			time.Sleep(10 * s)
			rec.resume()
			time.Sleep(5 * s)
		}, []span{{2 * s, 5 * s}, {15 * s, 20 * s}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out := recordWaiting(t, opusInfo, tt.play)
				out.wantIncomplete(tt.want[0].to-tt.want[0].from >= s)
				out.parse()
				var got []media.Event
				for _, e := range find(out.events, media.EventHole) {
					if e.Reason == media.HolePaused {
						continue
					}
					if e.Reason != media.HoleStart || e.Participant != "alice" {
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
