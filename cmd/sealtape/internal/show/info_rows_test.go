package show

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// A member who floods a room with tracks does not flood what people read of it.
func TestInfoFoldsEqualRows(t *testing.T) {
	i := &InfoJSON{}
	track := func(participant, source, codec string) {
		i.Tracks = append(i.Tracks, InfoTrackJSON{trackJSON: trackJSON{UID: uint64(len(i.Tracks)), Participant: participant, Name: participant, Source: source, Codec: codec}})
	}
	track("Ada", "camera", "")
	for range 31 {
		track("Eve", "camera", "")
	}
	track("Ben", "camera", "")
	for range 3 {
		i.Silent = append(i.Silent, silentJSON{Label: "Cy (microphone)"})
		i.Holes = append(i.Holes, holeJSON{Label: "Eve", From: 1, To: 9, Reason: "too-many-tracks"})
	}
	i.Holes = append(i.Holes, holeJSON{Label: "Eve", From: 1, To: 10, Reason: "too-many-tracks"})
	var out bytes.Buffer
	if err := Meeting((&ui.Env{Stdout: &out}), i); err != nil {
		t.Fatal(err)
	}
	want := `
TRACK            CODEC  FORMAT
Ada (camera)     -      nothing was kept
Eve (camera)     -      nothing was kept (31 tracks like this)
Ben (camera)     -      nothing was kept
Cy (microphone)  -      nothing was sent (3 tracks like this)

HOLE  FROM  TO     REASON
Eve   1.0s  9.0s   too-many-tracks (3 holes like this)
Eve   1.0s  10.0s  too-many-tracks
`
	if got := out.String(); !strings.HasSuffix(got, want) {
		t.Errorf("got:%s\nwant:%s", got, want)
	}
}
