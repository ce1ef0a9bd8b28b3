package recorder_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// Who publishes again, or comes back by another connection before the server knew
// that they were gone, goes on with their track, though the recorder has not come
// to the end of the one before. Two that are there at once are two.
func TestOneSourceIsOneTrack(t *testing.T) {
	const times = 20
	out, _ := record(t, recorder.Config{}, func(room *roomtest.Room, stop func()) {
		room.Join("alice", "Alice")
		infos := []recorder.TrackInfo{opusInfo, vp8Info}
		was := make([]*roomtest.Track, len(infos))
		for n := range times {
			for i, info := range infos {
				info.ID = fmt.Sprint(info.ID, "_", n)
				if was[i] != nil {
					// What came is still to be read.
					for k := range 20 {
						if i == 0 {
							was[i].Send(opusPacket(100+k, opusPayload(100+k)))
						} else {
							was[i].Send(vp8Packet(100+k, vp8Frame(100+k, k == 0)))
						}
					}
					was[i].End()
				}
				was[i] = room.Publish(info)
				room.Emit(recorder.RoomEvent{Type: media.EventMute, Participant: "alice", TrackID: info.ID})
				room.Emit(recorder.RoomEvent{Type: media.EventUnmute, Participant: "alice", TrackID: info.ID})
			}
			for k := range 50 {
				was[0].Send(opusPacket(k, opusPayload(k)))
				was[1].Send(vp8Packet(k, vp8Frame(k, k == 0)))
				time.Sleep(20 * time.Millisecond)
			}
		}
		second := vp8Info
		second.ID = "TR_second"
		tr := room.Publish(second)
		for k := range 20 {
			tr.Send(vp8Packet(k, vp8Frame(k, k == 0)))
			time.Sleep(20 * time.Millisecond)
		}
		stop()
	})
	out.wantTracks(3)
	kept := make(map[uint64]int)
	for _, f := range out.frames {
		kept[f.Track]++
	}
	// Pictures of a track that begins anew may lie behind those that were sent late.
	if kept[1] != 50*times+20*(times-1) || kept[2] < 50*times || kept[3] != 20 {
		t.Errorf("kept %v frames", kept)
	}
	// A track begins, ends, and begins again.
	for uid := range uint64(3) {
		on := false
		for _, e := range out.events {
			if e.Track != uid+1 {
				continue
			}
			switch e.Type {
			case media.EventTrack:
				if on {
					t.Errorf("track %d begins at %v, in the middle of it", uid+1, e.Time)
				}
				on = true
			case media.EventTrackEnd:
				if !on {
					t.Errorf("track %d ends at %v, without a beginning", uid+1, e.Time)
				}
				on = false
			case media.EventMute, media.EventUnmute:
				if !on {
					t.Errorf("track %d: %s at %v, out of it", uid+1, e.Type, e.Time)
				}
			}
		}
	}
}
