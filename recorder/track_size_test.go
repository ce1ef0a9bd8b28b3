package recorder_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/roomtest"
)

// frameOfSize is a VP8 key frame of a size.
func frameOfSize(width, height int) []byte {
	return []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, byte(width), byte(width >> 8), byte(height), byte(height >> 8), 1, 2}
}

// watched is record, for who asks the Recorder while it runs.
func watched(t *testing.T, c recorder.Config, f func(room *roomtest.Room, rec *recorder.Recorder)) (out *recorded, report recorder.Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		room := roomtest.New("weekly")
		rec := start(t, c, room)
		f(room, rec.Recorder)
		out = rec.wait()
	})
	out.t = t
	return out, out.report
}

// TestSmallerThanPublished: the timeline has what is published, once, and the
// report and the status tell of pictures that come smaller, unless that was asked for.
func TestSmallerThanPublished(t *testing.T) {
	const small, large = "[480x270 of 960x540]", "[]"
	for _, tt := range []struct {
		name  string
		offer func(t *roomtest.Track, second int)
		sizes [][2]int // of the pictures, one a second
		tells []string
		small string // in the report
		count int    // in the status, at the end

		source media.Source // the camera, if none
	}{
		{"not known", func(*roomtest.Track, int) {}, [][2]int{{480, 270}}, nil, large, 0, ""},
		{"as large", func(t *roomtest.Track, _ int) { t.Offer(960, 540, false) }, [][2]int{{960, 540}},
			[]string{"0s 960x540 "}, large, 0, ""},
		{"turned, and cropped", func(t *roomtest.Track, _ int) { t.Offer(960, 540, false) }, [][2]int{{536, 944}},
			[]string{"0s 960x540 "}, large, 0, ""},
		{"late", func(t *roomtest.Track, _ int) { t.Offer(960, 540, false) }, [][2]int{{480, 270}, {480, 270}, {960, 540}},
			[]string{"0s 960x540 "}, large, 0, ""},
		{"never", func(t *roomtest.Track, _ int) { t.Offer(960, 540, false) }, [][2]int{{480, 270}},
			[]string{"0s 960x540 "}, small, 1, ""},
		{"as asked for", func(t *roomtest.Track, _ int) { t.Offer(960, 540, true) }, [][2]int{{480, 270}},
			[]string{"0s 960x540 max-video"}, large, 0, ""},
		{"once, and then smaller", func(t *roomtest.Track, _ int) { t.Offer(960, 540, false) }, [][2]int{{960, 540}, {240, 135}},
			[]string{"0s 960x540 "}, large, 1, ""},
		{"another camera", func(t *roomtest.Track, second int) {
			if second < 3 {
				t.Offer(480, 270, false)
			} else {
				t.Offer(960, 540, false)
			}
		}, [][2]int{{480, 270}}, []string{"0s 480x270 ", "3s 960x540 "}, small, 1, ""},
		{"a window", func(t *roomtest.Track, _ int) { t.Offer(960, 540, false) }, [][2]int{{480, 270}},
			[]string{"0s 960x540 "}, large, 0, media.Screen},
		{"nonsense", func(t *roomtest.Track, second int) { t.Offer(-second, second, false) }, [][2]int{{480, 270}}, nil, large, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var count int
			s, report := watched(t, recorder.Config{Duration: 20 * time.Second}, func(room *roomtest.Room, rec *recorder.Recorder) {
				info := vp8Info
				info.Source = cmp.Or(tt.source, info.Source)
				video := room.Publish(info)
				for n := range 20 {
					tt.offer(video, n)
					size := tt.sizes[min(n, len(tt.sizes)-1)]
					p := vp8Packet(n, frameOfSize(size[0], size[1]))
					p.Timestamp = uint32(90000 * n)
					video.Send(p)
					synctest.Wait()
					if n == 19 {
						count = rec.Status().Small
					}
					time.Sleep(time.Second)
				}
			})
			out := s.recorded(t)
			var tells []string
			for _, e := range out.find(media.EventPublished) {
				tells = append(tells, fmt.Sprintf("%v %s %s", e.Time.Round(time.Second), e.Text, e.Reason))
			}
			if !slices.Equal(tells, tt.tells) {
				t.Errorf("the timeline tells %q, want %q", tells, tt.tells)
			}
			var got []string
			for _, p := range report.Small {
				got = append(got, fmt.Sprintf("%dx%d of %dx%d", p.Track.Width, p.Track.Height, p.Width, p.Height))
			}
			if fmt.Sprint(got) != tt.small || count != tt.count {
				t.Errorf("the report has %v, the status %d, want %s, %d", got, count, tt.small, tt.count)
			}
		})
	}
}

// TestPublishedIsBounded: a server that tells of another size at each key frame
// does not fill the timeline.
func TestPublishedIsBounded(t *testing.T) {
	s, _ := record(t, recorder.Config{Duration: 100 * time.Second}, func(room *roomtest.Room, _ func()) {
		video := room.Publish(vp8Info)
		for n := range 1000 {
			video.Offer(1000+n, 1000, false)
			video.Send(vp8Packet(n, frameOfSize(480, 270)))
			time.Sleep(40 * time.Millisecond)
		}
	})
	_, events, _ := s.read(t)
	if n := len(find(events, media.EventPublished)); n != 64 {
		t.Errorf("%d events", n)
	}
}

// TestLeftOut: what is not wanted is told of, and nothing of it is missing.
func TestLeftOut(t *testing.T) {
	out, _ := record(t, recorder.Config{Duration: 3 * time.Second}, func(room *roomtest.Room, _ func()) {
		room.Emit(recorder.RoomEvent{Type: media.EventLeftOut, Participant: "alice", Text: "camera", Reason: media.LeftOutAudioOnly})
	})
	if got := out.want(media.EventLeftOut, 1)[0]; got.Participant != "alice" || got.Text != "camera" || got.Reason != "audio-only" {
		t.Errorf("the timeline has %+v", got)
	}
	out.wantNoHoles()
}
