package browser

import (
	"net/http"
	"strings"
	"testing"
)

// TestSharedDevices: members share a Chromium if its microphone and camera are what they
// would have had alone, and are refused otherwise.
func TestSharedDevices(t *testing.T) {
	t.Parallel()
	page := http.NotFoundHandler()
	for _, tt := range []struct {
		of, member Config
		want       string
	}{
		{of: Config{}, member: Config{Card: "Ada", Camera: true}},
		{of: Config{WAV: "a"}, member: Config{WAV: "a"}},
		{of: Config{RoomKeys: true}, member: Config{RoomKeys: true}},
		{of: Config{RoomKeys: true}, member: Config{Files: page}},
		{of: Config{WAV: "a"}, member: Config{WAV: "b"}, want: "sound"},
		{of: Config{}, member: Config{Proxy: "127.0.0.1:1"}, want: "proxy"},
		{of: Config{}, member: Config{RoomKeys: true}, want: "camera fps=5"},
		{of: Config{}, member: Config{Files: page}, want: "camera fps=5"},
		{of: Config{Files: page}, member: Config{}, want: "camera true"},
	} {
		shared := &Chromium{WAV: tt.of.WAV, camera: fakeDevice(tt.of)}
		err := shared.fits(tt.member)
		if got := err == nil; got != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v in %+v: %v, want %q", tt.member, tt.of, err, tt.want)
		}
		if tt.want == "" {
			continue
		}
		tt.member.In = shared
		if _, err := Start(t.Context(), tt.member); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Start: %v, want %q", err, tt.want)
		}
	}
}
