package recorder_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A program records a room with a Room and a Sink. Here both are made up. Package bot
// does this with livekit.Join, or another room, and with bot.Sink of an *archive.Writer.
func ExampleRecorder() {
	room := roomtest.New("weekly") // livekit.Join(ctx, livekit.Config{URL: …})
	go meet(room)

	r := recorder.New(recorder.Config{
		Recording: "01JZ0000000000000000000000",
		Sink:      new(roomtest.Sink), // bot.Sink(w) seals what it is given
		Notices:   recorder.Notices{Start: "This meeting is recorded."},
	})
	report, err := r.Record(context.Background(), room)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Participants, "member,", report.Tracks, "track,", report.Frames, "frames")
	fmt.Println("holes:", len(report.Holes))
	fmt.Println(report.Reason)
	// Output:
	// 1 member, 1 track, 50 frames
	// holes: 0
	// the room has ended: everyone left
}

// meet is a meeting of a second, in which Alice speaks.
func meet(room *roomtest.Room) {
	room.Join("alice", "Alice")
	microphone := room.Publish(opusInfo)
	start := time.Now().Add(time.Second)
	for n := range 50 {
		microphone.SendAt(start.Add(time.Duration(n)*20*time.Millisecond), opusPacket(n, opusPayload(n)))
	}
	microphone.End()
	room.End("everyone left")
}
