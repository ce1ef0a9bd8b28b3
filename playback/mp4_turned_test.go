package playback

import (
	"io"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sealtape/sealtape/playback/internal/ffmpeg"
	"github.com/sealtape/sealtape/playback/internal/mix"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/sample"
)

// TestTurnedPicture: the pictures of a track that is turned come out of the decoder turned,
// whatever the ffmpeg of the machine does by itself.
func TestTurnedPicture(t *testing.T) {
	sample.Live(t)
	t.Parallel()
	program, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const w, h = 160, 160 // a square, so that each turn fits
	track := media.Track{UID: 1, Source: media.Camera, Codec: media.VP8, Width: w, Height: h}
	frames := encode(t, track, "-f", "lavfi", "-i", "testsrc2=rate=5:duration=1:size=160x160", "-c:v", "libvpx", "-b:v", "2M")
	luma := func(turned int) []byte {
		track := track
		track.Turned = turned
		d, err := program.Picture(t.Context(), track, w, h, 5, ffmpeg.Thrift{})
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
		if err != nil || g.Wait() != nil || d.Wait() != nil || len(b) < mix.Bytes(w, h) {
			t.Fatal(err, len(b))
		}
		return b[:w*h]
	}
	lying := luma(0)
	for turned, place := range map[int]func(x, y int) (int, int){
		90:  func(x, y int) (int, int) { return h - 1 - y, x },
		180: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		270: func(x, y int) (int, int) { return y, w - 1 - x },
	} {
		got, want := luma(turned), make([]byte, w*h)
		for y := range h {
			for x := range w {
				i, j := place(x, y)
				want[j*w+i] = lying[y*w+x]
			}
		}
		if p := psnr(got, want); p < 30 || psnr(got, lying) > 25 {
			t.Errorf("turned by %d: PSNR %.1f dB to what it should be, %.1f to what lies", turned, p, psnr(got, lying))
		}
	}
}
