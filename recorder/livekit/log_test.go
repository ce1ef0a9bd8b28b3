package livekit

import (
	"reflect"
	"testing"

	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/logging"
)

// A secretive value is not to be made a text of.
type secretive struct{ t *testing.T }

func (s secretive) String() string {
	s.t.Error("a text is made of what is logged")
	return ""
}

// What the WebRTC stack would log is read by nobody: it belongs to other goroutines, and has
// names and addresses. This is its log as the SDK gives it.
func TestNothingIsLogged(t *testing.T) {
	tr, err := lksdk.NewPCTransport(lksdk.PCTransportParams{})
	if err != nil {
		t.Fatal(err)
	}
	tr.SetLogger(logger.GetDiscardLogger()) // the SDK's own
	f := reflect.ValueOf(tr.PeerConnection()).Elem().FieldByName("log")
	if !f.IsValid() || f.Type() != reflect.TypeFor[logging.LeveledLogger]() {
		t.Fatal("the stack has no log: look what has changed")
	}
	log := *(*logging.LeveledLogger)(f.Addr().UnsafePointer())
	for _, say := range []func(string, ...any){log.Tracef, log.Debugf, log.Infof, log.Warnf, log.Errorf} {
		say("%v", secretive{t})
	}
	if err := tr.PeerConnection().Close(); err != nil {
		t.Error(err)
	}
}
