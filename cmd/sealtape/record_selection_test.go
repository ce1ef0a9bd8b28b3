package main

import (
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder/livekit"
)

func TestSelectionFlags(t *testing.T) {
	for _, tt := range []struct {
		yaml   string
		args   []string
		want   livekit.Selection
		notice string
		err    string
	}{
		{"", nil, livekit.Selection{}, "", ""},
		{"", []string{"--max-video", "720p"}, livekit.Selection{MaxVideo: 720}, "", ""},
		{"", []string{"--max-video", "1080"}, livekit.Selection{MaxVideo: 1080}, "", ""},
		{"max-video: 360P\nno-screen: true\n", nil, livekit.Selection{MaxVideo: 360, NoScreen: true}, "Shared screens are not recorded.", ""},
		{"max-video: 360p\n", []string{"--max-video", "720p"}, livekit.Selection{MaxVideo: 720}, "", ""},
		{"audio-only: true\n", nil, livekit.Selection{AudioOnly: true}, "Only sound is recorded.", ""},
		{"", []string{"--audio-only", "--no-screen"}, livekit.Selection{AudioOnly: true, NoScreen: true}, "Only microphones are recorded.", ""},
		{"", []string{"--no-video"}, livekit.Selection{NoVideo: true}, "Cameras are not recorded.", ""},
		{"", []string{"--no-video", "--no-screen"}, livekit.Selection{NoVideo: true, NoScreen: true}, "Cameras and shared screens are not recorded.", ""},
		{"", []string{"--no-video", "--max-video", "720p"}, livekit.Selection{NoVideo: true, MaxVideo: 720}, "Cameras are not recorded.", ""},
		{"", []string{"--max-video", "large"}, livekit.Selection{}, "", "want 90p to 4320p"},
		{"", []string{"--max-video", "89p"}, livekit.Selection{}, "", "want 90p to 4320p"},
		{"", []string{"--max-video", "-720p"}, livekit.Selection{}, "", "want 90p to 4320p"},
		{"", []string{"--max-video", "99999999999999999999p"}, livekit.Selection{}, "", "want 90p to 4320p"},
		{"", []string{"--max-video", "720p", "--audio-only"}, livekit.Selection{}, "", "leave all of them out"},
	} {
		c, _, err := configured(t, tt.yaml, 0o600, tt.args...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseSelection(c)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: %v, want %q", tt.args, err, tt.err)
			}
			continue
		}
		if err != nil || got != tt.want || selectionNotice(got) != tt.notice {
			t.Errorf("%q %q: %+v %q, %v", tt.yaml, tt.args, got, selectionNotice(got), err)
		}
	}
}
