package meeting_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	protologger "github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/pkg/samplebuilder"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/ivfwriter"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"
)

// childVar makes this test binary the plain recorder, which reads a job from its
// standard input: a process of its own, whose CPU time the system counts.
const childVar = "SEALTAPE_PLAIN_RECORDER"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) == "" {
		os.Exit(m.Run())
	}
	var j job
	err := json.NewDecoder(os.Stdin).Decode(&j)
	if err == nil {
		err = j.record()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A job is what the plain recorder is to do: write every track of an
// unencrypted room to a file of its own, as the SDK's example filesaver does.
type job struct {
	URL, Token string
	Folder     string
	Tracks     int           // how many there are
	Duration   time.Duration // from when all of them have come
}

// A tape is what the plain recorder says when it is done.
type tape struct {
	Tracks           int
	Packets, Dropped int64
}

const ( // as in filesaver
	maxVideoLate = 1000
	maxAudioLate = 200
)

func (j job) record() error {
	lksdk.SetLogger(protologger.GetDiscardLogger())
	var work sync.WaitGroup
	var packets, dropped atomic.Int64
	var mu sync.Mutex
	var failed error
	come := make(chan struct{}, 1000)
	cb := &lksdk.RoomCallback{}
	cb.OnTrackSubscribed = func(remote *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, p *lksdk.RemoteParticipant) {
		work.Add(1)
		come <- struct{}{}
		go func() {
			defer work.Done()
			err := save(remote, filepath.Join(j.Folder, p.Identity()+"-"+pub.SID()), &packets, func() {
				dropped.Add(1)
				p.WritePLI(remote.SSRC())
			})
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
		}()
	}
	room := lksdk.NewRoom(cb)
	if err := room.JoinWithToken(j.URL, j.Token, lksdk.WithLogger(protologger.GetDiscardLogger())); err != nil {
		return err
	}
	deadline := time.After(time.Minute)
	for n := range j.Tracks {
		select {
		case <-come:
		case <-deadline:
			return fmt.Errorf("%d of %d tracks came", n, j.Tracks)
		}
	}
	time.Sleep(j.Duration)
	room.Disconnect()
	work.Wait()
	if failed != nil {
		return failed
	}
	return json.NewEncoder(os.Stdout).Encode(tape{Tracks: j.Tracks, Packets: packets.Load(), Dropped: dropped.Load()})
}

// save writes a track to a file until it ends.
func save(remote *webrtc.TrackRemote, name string, packets *atomic.Int64, lost func()) (err error) {
	var writer interface {
		WriteRTP(*rtp.Packet) error
		Close() error
	}
	var builder *samplebuilder.SampleBuilder
	rate := remote.Codec().ClockRate
	if remote.Kind() == webrtc.RTPCodecTypeVideo {
		builder = samplebuilder.New(maxVideoLate, &codecs.VP8Packet{}, rate, samplebuilder.WithPacketDroppedHandler(lost))
		writer, err = ivfwriter.New(name + ".ivf")
	} else {
		builder = samplebuilder.New(maxAudioLate, &codecs.OpusPacket{}, rate)
		writer, err = oggwriter.New(name+".ogg", 48000, remote.Codec().Channels)
	}
	if err != nil {
		return err
	}
	for {
		p, _, err := remote.ReadRTP()
		if err != nil {
			return writer.Close() // the track has ended
		}
		packets.Add(1)
		builder.Push(p)
		for _, p := range builder.PopPackets() {
			if err := writer.WriteRTP(p); err != nil {
				return errors.Join(err, writer.Close())
			}
		}
	}
}
