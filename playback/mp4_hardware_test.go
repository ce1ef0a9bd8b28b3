//go:build unix

package playback

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// aHardware is a stub's script for an ffmpeg with nvenc, vaapi and qsv. What each does
// is in what follows; working makes software of it.
const aHardware = `case "$*" in *-encoders*) "$REAL" "$@" | grep -v -e nvenc -e vaapi -e qsv -e videotoolbox; for e in nvenc vaapi qsv; do echo " V....D h264_$e a device"; done; exit;; esac
working() { exec "$REAL" $(printf '%s ' "$@" | sed 's#-vaapi_device [^ ]*##; s/h264_[a-z]*/libx264/; s/-vf format=nv12,hwupload/-pix_fmt yuv420p/; s/-preset p4 -rc vbr -cq 25 -b:v 0//; s/-global_quality 24//; s/-pix_fmt nv12/-pix_fmt yuv420p/'); }
refuses() { echo "no capable device" >&2; exit 1; }
`

// TestMP4Hardware: hardware that is there and works encodes the film. If it fails, no
// file is left.
func TestMP4Hardware(t *testing.T) {
	all := []string{"/dev/nvidia0", "/dev/dri/renderD128", "/dev/dri/renderD129"}
	for _, tt := range []struct {
		name, encoder string
		devices       []string
		do            string
		uses          string
		says, fails   string
	}{
		{"second device", EncoderAuto, all, `case "$*" in *renderD129*) working "$@";; *h264_*) refuses;; esac`, "/dev/dri/renderD129", "", ""},
		{"named, refuses", "vaapi", all, `case "$*" in *h264_*) refuses;; esac`, "", "", "this encoder does not work here: vaapi: ffmpeg: exit status 1: no capable device"},
		{"fails later", "nvenc", all, `case "$*" in *pipe:3*) head -c 200000 >/dev/null; echo "device lost" >&2; exit 1;; *h264_*) working "$@";; esac`, "", "", "device lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			notes, gone := stub(t, aHardware+tt.do)
			dir := t.TempDir()
			o := small
			o.Encoder = tt.encoder
			o.devices = func(pattern string) (there []string, err error) {
				for _, d := range tt.devices {
					if ok, err := filepath.Match(pattern, d); err != nil || ok {
						there = append(there, d)
					}
				}
				return there, nil
			}
			var said []string
			o.Warn = func(err error) { said = append(said, err.Error()) }
			_, err := ExportMP4(t.Context(), meetingOf(t, time.Second), filepath.Join(dir, "a.mp4"), o)
			gone()
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("got %v", err)
				}
				only(t, dir)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(said, "\n"); !strings.Contains(got, tt.says) || (got == "") != (tt.says == "") || strings.Contains(got, "\n") {
				t.Errorf("said %q, want %q", got, tt.says)
			}
			if args := encoding(t, notes); !strings.Contains(args, tt.uses) {
				t.Errorf("it was encoded with %q", args)
			}
		})
	}
	if _, err := ExportMP4(t.Context(), nil, "x", MP4Options{Encoder: "h264_nvenc"}); err == nil || errors.Is(err, ErrEncoder) {
		t.Errorf("an unknown name: %v", err)
	}
}

// encoding returns the arguments of the process that wrote the file.
func encoding(t *testing.T, notes string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(notes, "args.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "pipe:3") {
			return string(b)
		}
	}
	t.Fatal("no encoder was started")
	return ""
}
