package roomtest_test

import (
	"testing"

	"github.com/sealtape/sealtape/recorder/roomtest"
)

func TestRoom(t *testing.T) {
	roomtest.TestRoom(t, func(*testing.T) roomtest.Meeting {
		room := roomtest.New("weekly")
		return roomtest.Meeting{Room: room, Play: roomtest.Short(room)}
	})
}
