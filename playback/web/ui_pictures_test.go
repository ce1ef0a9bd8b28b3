package web_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sealtape/sealtape/testdata/sample"
)

var (
	updatePictures = flag.Bool("update-pictures", false, "take what the pages look like as what they are to look like")
	pictureFolder  = flag.String("pictures", "", "put pictures of the pages, large and with the machine's fonts, into this `folder`")
)

// A window is one of a browser.
type window struct {
	width, height int64
	touch         bool
}

// windows are those that pictures are taken of: desktops, a telephone held both
// ways, and what is left of a window at a zoom of 400 %.
var windows = []window{{1440, 900, false}, {1024, 768, false}, {844, 390, true}, {390, 844, true}, {320, 640, true}}

// TestPictures compares what the pages look like with small grey pictures, in which
// every letter is a box.
func TestPictures(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if *pictureFolder == "" {
		s.do(evaluated(fmt.Sprintf(boxes, base64.StdEncoding.EncodeToString(boxFont()))))
	}
	for _, p := range []struct{ name, path string }{
		{"library", ""}, {"meeting", "watch/" + meeting + "#t=330"}, {"crowd", "watch/" + crowd + "#t=500"},
	} {
		s.on(p.name, func(s *site) {
			s.open(p.path)
			var all []picture
			for theme := range themesOfPictures {
				for _, w := range windows {
					if theme != "forced" || w.width == 1024 {
						all = append(all, picture{theme, w})
					}
				}
			}
			slices.SortFunc(all, func(a, b picture) int { return cmp.Or(cmp.Compare(a.theme, b.theme), cmp.Compare(a.width, b.width)) })
			most := 5
			if *updatePictures || *pictureFolder != "" {
				most = len(all)
			}
			for i := range sample.Cases(s.T, len(all), most) {
				theme := all[i].theme
				s.on(fmt.Sprintf("%s-%d", theme, all[i].width), func(s *site) {
					feature := themesOfPictures[theme]
					s.do(media(feature[0], feature[1]))
					s.window(all[i].width, all[i].height, all[i].touch)
					s.compare(fmt.Sprintf("%s-%s-%d", p.name, theme, all[i].width), all[i].width, all[i].height)
				})
			}
		})
	}
}

// A picture is of a page in a window.
type picture struct {
	theme string
	window
}

// themesOfPictures are light, dark, and the colours that a reader forces on all pages.
var themesOfPictures = map[string][2]string{
	"light": {"prefers-color-scheme", "light"}, "dark": {"prefers-color-scheme", "dark"}, "forced": {"forced-colors", "active"},
}

// boxes has a page use a font, whatever its policy says of fonts.
const boxes = `addEventListener("DOMContentLoaded", () => {
	const font = new FontFace("boxes", Uint8Array.fromBase64("%s"));
	document.fonts.add(font);
	window.boxes = font.load();
	const sheet = new CSSStyleSheet();
	sheet.replaceSync("* { font-family: boxes !important }");
	document.adoptedStyleSheets = [sheet];
});`

// evaluated is an action after which pages evaluate a script before their own.
func evaluated(script string) chromedp.Action[chromedp.Void] {
	return call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// shot returns a picture of the window, at a scale.
func (s *site) shot(width, height int64, scale float64) image.Image {
	s.Helper()
	var data []byte
	s.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		r, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Clip: &page.Viewport{Width: float64(width), Height: float64(height), Scale: scale}})
		if err == nil {
			data = r.Data
		}
		return err
	}))
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		s.Fatal(err)
	}
	return img
}

// compare takes a picture and compares it with the one that is kept.
func (s *site) compare(name string, width, height int64) {
	s.Helper()
	if *pictureFolder != "" {
		s.writePNG(filepath.Join(*pictureFolder, name+".png"), s.shot(width, height, 1))
		return
	}
	file := filepath.Join("pagetest", "pictures", name+".png")
	got := grey(s.shot(width, height, 0.25))
	if *updatePictures {
		s.writePNG(file, got)
		return
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		s.Fatalf("%v; look at the page, then take its pictures with -update-pictures", err)
	} else if err != nil {
		s.Fatal(err)
	}
	kept, err := png.Decode(f)
	if err := errors.Join(err, f.Close()); err != nil {
		s.Fatal(err)
	}
	if off := distance(grey(kept), got); off > mostOff {
		is := filepath.Join(s.ArtifactDir(), name+".png")
		s.writePNG(is, got)
		s.Errorf("%s: %.1f %% of it look otherwise than in %s", name, off*100, file)
	}
}

func (s *site) writePNG(file string, img image.Image) {
	s.Helper()
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, img); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		s.Fatal(err)
	}
}

// greys are the sixteen that pictures are kept in.
var greys = func() (p color.Palette) {
	for i := range 16 {
		p = append(p, color.Gray{Y: uint8(i * 17)})
	}
	return p
}()

func grey(img image.Image) *image.Paletted {
	out := image.NewPaletted(img.Bounds(), greys)
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Src)
	return out
}

// A place looks otherwise if it is lighter or darker by more than this many of the
// sixteen greys, averaged over 4 by 4 pixels; a page does if that many of its places do.
const (
	mostGreys = 2
	mostOff   = 0.01
)

// distance is which part of two pictures looks otherwise, from 0 to 1.
func distance(a, b *image.Paletted) float64 {
	if a.Bounds() != b.Bounds() {
		return 1
	}
	const side = 4
	n, off := 0, 0
	for y := 0; y+side <= a.Rect.Dy(); y += side {
		for x := 0; x+side <= a.Rect.Dx(); x += side {
			d := 0
			for i := range side * side {
				at := a.PixOffset(x+i%side, y+i/side)
				d += int(a.Pix[at]) - int(b.Pix[at])
			}
			n++
			if max(d, -d) > mostGreys*side*side {
				off++
			}
		}
	}
	return float64(off) / float64(max(n, 1))
}
