// Command screenshots makes the pictures of the player for the README:
//
//	go run ./testdata/player/screenshots -o testdata/images
//
// It draws people in Chromium, seals meetings of them, and plays those with the
// sealtape command of this tree. It needs Chromium and ffmpeg.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/testdata/player"
)

//go:embed people.html
var people []byte

func main() {
	out := flag.String("o", "", "the `folder` for the pictures")
	flag.Parse()
	if *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := run(ctx, *out); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) (err error) {
	tmp, err := os.MkdirTemp("", "sealtape-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	loops, err := draw(ctx, tmp)
	if err != nil {
		return fmt.Errorf("drawing people: %w", err)
	}
	homes, err := player.NewNamedPeople(tmp, "Recorder", "Carol")
	if err != nil {
		return err
	}
	store := filepath.Join(tmp, "store")
	id, err := meetings(store, homes, loops)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	sealtape, err := player.Build(ctx, tmp)
	if err != nil {
		return err
	}
	for _, shot := range []struct {
		file string
		args []string
		dark bool
		js   string // before the picture is taken
	}{
		{"player-light.png", []string{"play", id, "--no-browser"}, false, watch},
		{"player-dark.png", []string{"play", id, "--no-browser"}, true, watch},
		{"library.png", []string{"play", "--no-browser"}, false, "new Promise((r) => setTimeout(r, 1500))"},
	} {
		cmd := exec.Command(sealtape, shot.args...)
		cmd.Env = player.Environment(homes.Guest, store)
		c, err := player.Start(cmd)
		if err != nil {
			return err
		}
		err = photograph(ctx, c.URL, shot.dark, shot.js, filepath.Join(out, shot.file))
		if _, serr := c.Stop(ctx); err != nil || serr != nil {
			return errors.Join(err, serr)
		}
	}
	return nil
}

// watch goes to a good moment, plays a little of it, and stops.
const watch = `(async () => {
	while (!window.sealtape?.player) await new Promise((r) => setTimeout(r, 20));
	const p = window.sealtape.player;
	p.seek(` + moment + `);
	p.play();
	while (p.waiting || p.time < ` + moment + ` + 4) await new Promise((r) => setTimeout(r, 20));
})()`

const moment = "767"

func photograph(ctx context.Context, url string, dark bool, js, file string) (err error) {
	p, err := player.Open(ctx, player.PageConfig{URL: url, Dark: dark, Measure: true, Width: 1280, Height: 800, Scale: 1.5})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.Do(ctx, js); err != nil {
		return err
	}
	png, err := p.Screenshot(ctx)
	if err != nil {
		return err
	}
	// 256 colours are enough, and a third of the bytes.
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y", "-f", "png_pipe", "-i", "-", "-filter_complex",
		"split[a][b];[a]palettegen=max_colors=256[p];[b][p]paletteuse=dither=bayer:bayer_scale=5", "-compression_level", "100", "-frames:v", "1", file)
	cmd.Stdin = bytes.NewReader(png)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

const (
	rate   = 10 // pictures a second
	frames = 20 // in a loop
)

// draw returns loops of five people, and of a slide, under the name "slide".
func draw(ctx context.Context, tmp string) (loops map[string]*player.Loop, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(people)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		err = errors.Join(err, server.Close())
		if s := <-served; !errors.Is(s, http.ErrServerClosed) {
			err = errors.Join(err, s)
		}
	}()
	loops = make(map[string]*player.Loop)
	for _, who := range []string{"0", "1", "2", "3", "4", `"slide"`} {
		width, height := 640, 360
		if who == `"slide"` {
			width, height = 1280, 720
		}
		p, err := player.Open(ctx, player.PageConfig{URL: "http://" + l.Addr().String(), Width: width, Height: height, Scale: 1})
		if err != nil {
			return nil, err
		}
		var film bytes.Buffer
		for i := range frames {
			if err := p.Do(ctx, fmt.Sprintf("draw(%s, %d/%d)", who, i, frames)); err != nil {
				return nil, errors.Join(err, p.Close())
			}
			png, err := p.Screenshot(ctx)
			if err != nil {
				return nil, errors.Join(err, p.Close())
			}
			film.Write(png)
		}
		if err := p.Close(); err != nil {
			return nil, err
		}
		file := filepath.Join(tmp, "film.ivf")
		cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y", "-f", "image2pipe", "-framerate", fmt.Sprint(rate), "-i", "-", "-pix_fmt", "yuv420p",
			"-c:v", "libvpx", "-auto-alt-ref", "0", "-lag-in-frames", "0", "-crf", "8", "-b:v", "3M", "-g", fmt.Sprint(frames), "-keyint_min", fmt.Sprint(frames), file)
		cmd.Stdin, cmd.Stderr = &film, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		loop := &player.Loop{Codec: media.VP8, Every: time.Second / rate, Width: width, Height: height, KeyEvery: frames}
		for rest := b[32:]; len(rest) > 12; {
			size := binary.LittleEndian.Uint32(rest)
			loop.Frames = append(loop.Frames, rest[12:12+size])
			rest = rest[12+size:]
		}
		if len(loop.Frames) != frames {
			return nil, fmt.Errorf("%d frames", len(loop.Frames))
		}
		loops[who] = loop
	}
	loops["slide"] = loops[`"slide"`]
	return loops, nil
}
