package recorder_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// While a disk stalls, large frames wait at their track and not all in the queue;
// when it goes on, none is missing.
func TestStallTakesNoMoreMemory(t *testing.T) {
	const size, frames, most = 4 << 20, 14, 32 << 20
	synctest.Test(t, func(t *testing.T) {
		room, stalled := roomtest.New("weekly"), make(chan struct{})
		rec := start(t, recorder.Config{Sink: &sink{fail: func(int) error { <-stalled; return nil }}}, room)
		video := room.Publish(vp8Info)
		video.Send(vp8Packet(0, vp8Frame(0, true)))
		time.Sleep(time.Second) // a segment is begun
		for n := 1; n < frames; n++ {
			video.Send(vp8Packet(n, append(vp8Frame(n, false), make([]byte, size)...)))
			time.Sleep(40 * time.Millisecond)
		}
		synctest.Wait()
		if q := rec.Status().Queued; q < most/size/2 || q > most/size+1 { // and the size of the picture
			t.Errorf("%d frames of 4 MiB wait in the queue, want up to %d", q, most/size)
		}
		close(stalled)
		room.End("over")
		rec.wait().track("alice", media.Camera).wantFrames(frames)
	})
}
