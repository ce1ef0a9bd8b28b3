package replay_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/replay"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A program that records is tried without a server: the room is one that was
// captured.
func ExampleOpen() {
	f, err := os.Open("../../testdata/rtp/members.jsonl")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	room, err := replay.Open(f)
	if err != nil {
		log.Fatal(err)
	}
	keys, err := room.Keys()
	if err != nil {
		log.Fatal(err)
	}
	r := recorder.New(recorder.Config{Recording: "01JZ0000000000000000000000", Sink: new(roomtest.Sink), Keys: keys, Notices: recorder.Notices{Start: "This is recorded."}})
	report, err := r.Record(context.Background(), room)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Participants, "members,", report.Tracks, "tracks,", report.Frames, "frames,", len(report.Holes), "holes")
	// Output: 2 members, 3 tracks, 229 frames, 0 holes
}
