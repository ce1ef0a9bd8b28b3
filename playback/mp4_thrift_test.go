package playback

import (
	"bytes"
	"io"
	"math"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/playback/internal/mix"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// layered are the arguments of an encoder that makes VP8 with three temporal layers, as
// browsers do: every other picture is one that no other is made from.
var layered = []string{"-c:v", "libvpx", "-g", "50", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1500k", "-auto-alt-ref", "0",
	"-error-resilient", "1", "-ts-parameters", "ts_number_layers=3:ts_target_bitrate=600,900,1500:ts_rate_decimator=4,2,1:" +
		"ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3"}

// TestThrift: at half the size one does not see that pictures were not smoothed, and half
// the pictures are left out where that is asked for, of a track with layers.
func TestThrift(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	program, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	track := media.Track{UID: 1, Source: media.Camera, Codec: media.VP8, Width: 640, Height: 360}
	frames := encode(t, track, append([]string{"-f", "lavfi", "-i", "testsrc2=rate=25:duration=2:size=640x360"}, layered...)...)
	const w, h = 320, 180
	decode := func(thrift ffmpeg.Thrift) []byte {
		d, err := program.Picture(t.Context(), track, w, h, 25, thrift)
		if err != nil {
			t.Fatal(err)
		}
		var g errgroup.Group
		g.Go(func() error {
			for _, f := range frames {
				if err := d.Write(f.Time, f); err != nil {
					return err
				}
			}
			return d.CloseWrite()
		})
		b, err := io.ReadAll(d)
		if err != nil || g.Wait() != nil || d.Wait() != nil {
			t.Fatal(err)
		}
		return b
	}
	size := mix.Bytes(w, h)
	changes := func(b []byte) (n int) {
		for i := size; i+size <= len(b); i += size {
			if !bytes.Equal(b[i:i+size], b[i-size:i]) {
				n++
			}
		}
		return n
	}
	all, rough, skipped := decode(ffmpeg.Thrift{}), decode(ffmpeg.Thrift{Rough: true}), decode(ffmpeg.Thrift{Skip: true})
	if n, m := changes(all), changes(skipped); n < 47 || m < n/2-2 || m > n/2+2 {
		t.Errorf("%d pictures differ from the one before, and %d where half are left out", n, m)
	}
	if len(rough) != len(all) || psnr(rough, all) < 35 {
		t.Errorf("not smoothed: %d bytes, want %d, PSNR %.1f dB", len(rough), len(all), psnr(rough, all))
	}
	t.Logf("not smoothed: PSNR %.1f dB", psnr(rough, all))
}

// psnr is how near two pictures are, in dB.
func psnr(a, b []byte) float64 {
	var sum float64
	for i := range min(len(a), len(b)) {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a))/sum)
}
