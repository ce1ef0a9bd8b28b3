package recorder_test

import (
	"fmt"
	"maps"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/frame"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A connection is a room that can be cut off.
type connection struct {
	*roomtest.Room
	down atomic.Bool
}

func (c *connection) Connected() bool { return !c.down.Load() }

// TestStatusCountsOutcomes sends one frame of each fate.
func TestStatusCountsOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := ring(t, "correct horse")
		room := roomtest.New("weekly")
		rec := recorder.New(recorder.Config{Recording: "TEST", Sink: &sink{}, Keys: recorder.SharedKeys(keys),
			Notices: recorder.Notices{Start: "recording"}, Duration: 10 * time.Second})
		if s := rec.Status(); s.State != recorder.StateStarting || !s.Alive.IsZero() {
			t.Errorf("before: %+v", s)
		}
		done := make(chan error)
		go func() {
			_, err := rec.Record(t.Context(), room)
			done <- err
		}()
		synctest.Wait()
		audio, video := room.Publish(encrypted(opusInfo)), room.Publish(encrypted(vp8Info))
		refused := opusInfo
		refused.ID = "TR_plain"
		plain := room.Publish(refused)
		seal := func(e *frame.Encrypter, n int, b []byte) []byte {
			sealed, err := e.Encrypt(nil, b, uint32(960*n))
			if err != nil {
				t.Fatal(err)
			}
			return sealed
		}
		other := ring(t, "battery staple")
		if err := other.SetPassphrase(5, []byte("x")); err != nil {
			t.Fatal(err)
		}
		good, picture := frame.NewEncrypter(media.Opus, keys, 0, 77), frame.NewEncrypter(media.VP8, keys, 0, 78)
		var last []byte
		for n := range 150 {
			b := opusPayload(n)
			switch {
			case n == 60:
				b = seal(frame.NewEncrypter(media.Opus, other, 0, 77), n, b)
			case n == 70:
				b = seal(frame.NewEncrypter(media.Opus, other, 5, 77), n, b)
			case n == 80: // as it is
			case n == 90:
				b = last
			default:
				b = seal(good, n, b)
				last = b
			}
			audio.Send(opusPacket(n, b))
			if n == 0 {
				plain.Send(opusPacket(n, b))
			}
			if n%2 == 0 {
				video.Send(vp8Packet(n/2, seal(picture, n, vp8Frame(n/2, n == 20))))
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		s := rec.Status()
		audio.End()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := map[recorder.CodecOutcome]int64{
			{Codec: media.Opus, Outcome: recorder.Kept}: 146, {Codec: media.Opus, Outcome: recorder.Auth}: 1,
			{Codec: media.Opus, Outcome: recorder.NoKey}: 1, {Codec: media.Opus, Outcome: recorder.Plaintext}: 1,
			{Codec: media.Opus, Outcome: recorder.Replayed}: 1, {Codec: media.Opus, Outcome: recorder.Refused}: 1,
			{Codec: media.VP8, Outcome: recorder.Kept}: 65, {Codec: media.VP8, Outcome: recorder.KeyFrame}: 10,
		}
		if !maps.Equal(s.Outcomes, want) {
			t.Errorf("outcomes %v,\nwant %v", s.Outcomes, want)
		}
		if s.State != recorder.StateRecording || s.Tracks != 3 || s.Epoch != 1 || s.QueueSize == 0 || time.Since(s.Alive) > 10*time.Second {
			t.Errorf("in the middle: %+v", s)
		}
		h := rec.Status().Holes
		if h[media.HoleAuth].Count != 1 || h[media.HoleAuth].Time <= 0 || h[media.HoleKeyFrame].Time < 300*time.Millisecond {
			t.Errorf("holes %v", h)
		}
		if s := rec.Status(); s.State != recorder.StateEnded {
			t.Errorf("after: %v", s.State)
		}
	})
}

// A recorder is seen to pause, to be away, and to hang.
func TestStatusState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const recording, full, hung = 0, 1, 2
		var disk atomic.Int32
		free := make(chan struct{})
		s := &sink{fail: func(int) error {
			switch disk.Load() {
			case full:
				return fmt.Errorf("write: %w", syscall.ENOSPC)
			case hung:
				<-free
			}
			return nil
		}}
		room := &connection{Room: roomtest.New("weekly")}
		rec := recorder.New(recorder.Config{Recording: "TEST", Sink: s, Notices: recorder.Notices{Start: "recording"}, Duration: 2 * time.Minute})
		done := make(chan error)
		go func() {
			_, err := rec.Record(t.Context(), room)
			done <- err
		}()
		synctest.Wait()
		audio := room.Publish(opusInfo)
		go func() {
			for n := range 50 * 100 {
				audio.Send(opusPacket(n, opusPayload(n)))
				time.Sleep(20 * time.Millisecond)
			}
		}()
		after := func(d time.Duration, want recorder.State) recorder.Status {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			s := rec.Status()
			if s.State != want {
				t.Errorf("%s, want %s", s.State, want)
			}
			return s
		}
		after(time.Second, recorder.StateRecording)
		room.down.Store(true)
		after(0, recorder.StateReconnecting)
		disk.Store(full)
		after(10*time.Second, recorder.StateDiskFull)
		room.down.Store(false)
		disk.Store(recording)
		after(20*time.Second, recorder.StateRecording)
		disk.Store(hung)
		if s := after(20*time.Second, recorder.StateRecording); time.Since(s.Alive) < 10*time.Second || s.Queued == 0 {
			t.Errorf("hung: %+v", s)
		}
		close(free)
		if s := after(time.Second, recorder.StateRecording); time.Since(s.Alive) > time.Second || s.Queued != 0 {
			t.Errorf("free again: %+v", s)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
