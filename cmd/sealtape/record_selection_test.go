package main

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/livekit"
)

func TestSelectionFlags(t *testing.T) {
	for _, tt := range []struct {
		yaml string
		args []string
		want livekit.Selection
		err  string
	}{
		{"", nil, livekit.Selection{}, ""},
		{"", []string{"--max-video", "720p"}, livekit.Selection{MaxVideo: 720}, ""},
		{"", []string{"--max-video", "1080"}, livekit.Selection{MaxVideo: 1080}, ""},
		{"max-video: 360P\nno-screen: true\n", nil, livekit.Selection{MaxVideo: 360, NoScreen: true}, ""},
		{"max-video: 360p\n", []string{"--max-video", "720p"}, livekit.Selection{MaxVideo: 720}, ""},
		{"audio-only: true\n", nil, livekit.Selection{AudioOnly: true}, ""},
		{"", []string{"--audio-only", "--no-screen"}, livekit.Selection{AudioOnly: true, NoScreen: true}, ""},
		{"", []string{"--no-video"}, livekit.Selection{NoVideo: true}, ""},
		{"", []string{"--no-video", "--no-screen"}, livekit.Selection{NoVideo: true, NoScreen: true}, ""},
		{"", []string{"--no-video", "--max-video", "720p"}, livekit.Selection{NoVideo: true, MaxVideo: 720}, ""},
		{"", []string{"--max-video", "large"}, livekit.Selection{}, "want 90p to 4320p"},
		{"", []string{"--max-video", "89p"}, livekit.Selection{}, "want 90p to 4320p"},
		{"", []string{"--max-video", "-720p"}, livekit.Selection{}, "want 90p to 4320p"},
		{"", []string{"--max-video", "99999999999999999999p"}, livekit.Selection{}, "want 90p to 4320p"},
		{"", []string{"--max-video", "720p", "--audio-only"}, livekit.Selection{}, "leave all of them out"},
	} {
		o := optionsOf(t, tt.yaml, tt.args...)
		err := o.checkSelection()
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: %v, want %q", tt.args, err, tt.err)
			}
			continue
		}
		if err != nil || o.selection != tt.want {
			t.Errorf("%q %q: %+v, %v", tt.yaml, tt.args, o.selection, err)
		}
	}
}
