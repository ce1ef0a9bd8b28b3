//go:build soak

package livekit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/signalling"
	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/livekit"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/servers"
)

// deaf takes what a server says and what becomes of its connection.
type deaf struct{}

func (deaf) SetLogger(logger.Logger)           {}
func (deaf) HandleMessage(proto.Message) error { return nil }
func (deaf) OnTransportClose()                 {}

// crowd lets n members join by the signalling alone, and stay until the test ends.
func crowd(t *testing.T, ctx context.Context, s *servers.LiveKit, room string, n int) {
	t.Helper()
	var joining sync.WaitGroup
	doors := make(chan int)
	for range 16 {
		joining.Go(func() {
			for n := range doors {
				token, err := auth.NewAccessToken(s.APIKey, s.APISecret).SetIdentity(fmt.Sprint("guest-", n)).
					SetVideoGrant(&auth.VideoGrant{RoomJoin: true, Room: room}).ToJWT()
				if err != nil {
					t.Error(err)
					return
				}
				m := signalling.NewSignalTransportWebSocket(signalling.SignalTransportWebSocketParams{
					Logger: logger.GetDiscardLogger(), Version: lksdk.Version, Protocol: lksdk.PROTOCOL, SignalTransportHandler: deaf{}, SignalHandler: deaf{},
					Signalling: signalling.NewSignalling(signalling.SignallingParams{Logger: logger.GetDiscardLogger()})})
				if err := m.Join(ctx, s.URL, token, signalling.ConnectParams{}, nil, webrtc.SessionDescription{}); err != nil {
					t.Errorf("guest %d: %v", n, err)
					return
				}
				m.Start()
				t.Cleanup(m.Close)
			}
		})
	}
	for i := range n {
		doors <- i
	}
	close(doors)
	joining.Wait()
}

// A room of more members than events wait to be accepted can be joined, and is
// recorded.
func TestSoakLargeRoom(t *testing.T) {
	s, ctx := server(t)
	const size = 1100
	start := time.Now()
	crowd(t, ctx, s, "r", size)
	t.Logf("%d members joined in %v", size, time.Since(start))
	someone(t, ctx, s, s.URL, "r", "ada")
	start = time.Now()
	l := live(t, ctx, livekit.Config{URL: s.URL, APIKey: s.APIKey, APISecret: s.APISecret, Room: "r"}, recorder.Config{})
	t.Logf("the recorder joined in %v", time.Since(start))
	l.hears(0)
	if n := l.rec.Status().Participants; n < size {
		t.Errorf("%d members are here, want more than %d", n, size)
	}
	l.stop()
	l.wait()
	if _, events, _ := l.read(); len(kind(events, media.EventJoin)) <= size {
		t.Errorf("%d members came, want more than %d", len(kind(events, media.EventJoin)), size)
	}
}
