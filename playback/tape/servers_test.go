package tape

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
)

// The last that is told of a server counts; what is no duration does not.
func TestServers(t *testing.T) {
	events := []media.Event{
		{Type: media.EventServer, Name: "one.example", Text: "3ms"},
		{Type: media.EventServer, Name: "two.example", Text: "80ms"},
		{Type: media.EventChat, Name: "three.example", Text: "1s"},
		{Type: media.EventServer, Name: "one.example", Text: "7ms"},
		{Type: media.EventServer, Name: "two.example", Text: "soon"},
		{Type: media.EventServer, Name: "two.example", Text: "-1s"},
	}
	want := []Server{{"one.example", 7 * time.Millisecond}, {"two.example", 80 * time.Millisecond}}
	if got := serversOf(events); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for i := range 2 * maxServers {
		events = append(events, media.Event{Type: media.EventServer, Name: fmt.Sprint(i), Text: "1ms"})
	}
	if got := serversOf(events); len(got) != maxServers {
		t.Errorf("%d servers", len(got))
	}
}
