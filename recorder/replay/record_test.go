package replay_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media/matroska"
	"github.com/sealtape/sealtape/recorder/replay"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// A trackRecord is what was recorded of a track.
type trackRecord struct {
	Frames, Keys int
	First, Last  time.Duration
	Sum          string // of the frames, times included
}

type record struct {
	Tracks map[string]*trackRecord
	Events []string // type and participant, of what happened in the room
	Holes  map[string]time.Duration
	Reason string
}

// replayed records a capture, the lines that are kept, in virtual time.
func replayed(t *testing.T, name string, keep func(line string) bool) record {
	t.Helper()
	b, err := os.ReadFile("../../testdata/rtp/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.SplitAfter(string(b), "\n"), func(line string) bool { return keep != nil && !keep(line) })
	out := record{Tracks: make(map[string]*trackRecord)}
	var s roomtest.Sink
	synctest.Test(t, func(t *testing.T) {
		room, err := replay.Open(strings.NewReader(strings.Join(lines, "")))
		if err != nil {
			t.Fatal(err)
		}
		keys, err := room.Keys()
		if err != nil {
			t.Fatal(err)
		}
		report, err := recorder.New(recorder.Config{Recording: "TEST", Sink: &s, Keys: keys, Notices: recorder.Notices{Start: "recorded"}}).Record(t.Context(), room)
		if err != nil {
			t.Fatal(err)
		}
		out.Holes, out.Reason = report.Holes, report.Reason
	})
	sums := make(map[string]hash.Hash)
	for _, segment := range s.Segments() {
		r, err := matroska.NewReader(bytes.NewReader(segment))
		if err != nil {
			t.Fatal(err)
		}
		labels := make(map[uint64]string)
		for _, tr := range r.Header().Tracks {
			labels[tr.UID] = fmt.Sprintf("%s's %s", tr.Name, tr.Source)
		}
		for {
			block, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if e := block.Event; e != nil {
				out.Events = append(out.Events, strings.TrimSpace(string(e.Type)+" "+e.Participant))
				continue
			}
			f := block.Frame
			label := labels[f.Track]
			tr := out.Tracks[label]
			if tr == nil {
				tr = &trackRecord{First: f.Time}
				out.Tracks[label], sums[label] = tr, sha256.New()
			}
			if f.Time < tr.Last {
				t.Errorf("a frame of %s at %v comes after one at %v", label, f.Time, tr.Last)
			}
			tr.Frames++
			tr.Last = f.Time
			if f.Key {
				tr.Keys++
			}
			fmt.Fprintf(sums[label], "%d %v %x\n", f.Time, f.Key, f.Data)
		}
	}
	for label, tr := range out.Tracks {
		tr.Sum = fmt.Sprintf("%x", sums[label].Sum(nil))
	}
	slices.Sort(out.Events) // those of two tracks at one moment come in any order
	return out
}

// Captures of real rooms, with livekit-client in Chromium and with members in Go,
// come out frame by frame, the same each time.
func TestRecord(t *testing.T) {
	for _, tt := range []struct {
		name   string
		tracks map[string]trackRecord
		events string
	}{
		{"browser", map[string]trackRecord{
			"Cleo's microphone": {Frames: 154, Keys: 154, First: 30 * time.Millisecond, Last: 3086 * time.Millisecond},
			"Cleo's camera":     {Frames: 15, Keys: 1, First: 56 * time.Millisecond, Last: 1004 * time.Millisecond},
		}, "announced,join cleo,keys cleo,keys cleo,leave cleo,quality cleo,size cleo,speaking cleo,speaking cleo,start,stop," +
			"track cleo,track cleo,track-end cleo,track-end cleo"},
		// 41 of the 145 packets of Ada's microphone are silence that the server put
		// in while it was muted, 4 of Ben's.
		{"members", map[string]trackRecord{
			"Ada's microphone": {Frames: 104, Keys: 104, First: 26 * time.Millisecond, Last: 2808 * time.Millisecond},
			"Ada's camera":     {Frames: 56, Keys: 2, First: 66 * time.Millisecond, Last: 2816 * time.Millisecond},
			"Ben's microphone": {Frames: 69, Keys: 69, First: 1142 * time.Millisecond, Last: 2502 * time.Millisecond},
		}, "announced,chat ben,join ada,join ben,keys ada,keys ada,keys ben,leave ada,leave ben,mute ada,quality ada,size ada," +
			"speaking ada,speaking ben,start,stop,track ada,track ada,track ben,track-end ada,track-end ada,track-end ben,unmute ada"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := replayed(t, tt.name, nil)
			if again := replayed(t, tt.name, nil); !reflect.DeepEqual(got, again) {
				t.Errorf("recorded %+v, and then %+v", got, again)
			}
			if len(got.Tracks) != len(tt.tracks) {
				t.Errorf("tracks are %v", got.Tracks)
			}
			for label, want := range tt.tracks {
				tr := got.Tracks[label]
				if tr == nil {
					t.Errorf("no track %s", label)
				} else if tr.Frames != want.Frames || tr.Keys != want.Keys || !near(tr.First, want.First) || !near(tr.Last, want.Last) {
					t.Errorf("%s is %+v, want %+v", label, *tr, want)
				}
			}
			if events := strings.Join(got.Events, ","); events != tt.events {
				t.Errorf("timeline:\n%s\nwant\n%s", events, tt.events)
			}
			if len(got.Holes) != 0 || got.Reason != "the room has ended: all others have left" {
				t.Errorf("ended by %q, with holes %v", got.Reason, got.Holes)
			}
		})
	}
}

// near reports whether two times are as close as the recording clock is exact.
func near(a, b time.Duration) bool { return (a - b).Abs() <= 40*time.Millisecond }

// What is taken out of a capture is declared.
func TestRecordLoss(t *testing.T) {
	whole := replayed(t, "members", nil).Tracks["Ada's microphone"].Frames
	n, gone := 0, 0
	got := replayed(t, "members", func(line string) bool {
		if !strings.Contains(line, `"packet":{"track":0`) {
			return true
		}
		n++
		if n <= 20 || n > 35 {
			return true
		}
		gone++
		return false
	})
	if mic := got.Tracks["Ada's microphone"]; gone != 15 || mic.Frames != whole-gone {
		t.Errorf("without %d packets %d frames of %d were recorded", gone, mic.Frames, whole)
	}
	if !near(got.Holes["loss"], 300*time.Millisecond) || len(got.Holes) != 1 {
		t.Errorf("300 ms of sound are missing, declared is %v", got.Holes)
	}
}
